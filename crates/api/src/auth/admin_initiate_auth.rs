//! `AdminInitiateAuth`: starts a sign-in.

use poolhouse_domain::{
    auth::{
        Place, first_sign_in,
        start::{Starter, start},
    },
    ports::Ports,
    shapes::{AdminInitiateAuthRequest, AdminInitiateAuthResponse, AuthFlowType},
    triggers::Metadata,
};
use poolhouse_wire::{Sensitive, operations::AdminInitiateAuth as Op};

use super::{Step, start_refused};
use crate::{failure::Answer, lookup, serve::Handle, threat_protection::context};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminInitiateAuthRequest) -> Answer<Op> {
        let (client, pool) =
            lookup::app_client_of_pool::<Op>(ports, &input.user_pool_id, &input.client_id).await?;
        let metadata = Metadata::to_validate(input.client_metadata);
        let ports = context::of_administrator(ports, &pool, input.context_data);
        let ports = &ports.carrying(metadata);
        let place = Place::new(ports, &pool, &client);
        let parameters = input.auth_parameters.map(Sensitive::into_inner).unwrap_or_default();
        let session =
            input.session.as_deref().filter(|_| input.auth_flow == AuthFlowType::UserAuth);
        let outcome = match session {
            Some(session) => {
                first_sign_in::start(place, Starter::Administrator, &parameters, session).await?
            }
            None => start(place, Starter::Administrator, input.auth_flow, &parameters).await?,
        };
        let disabled_flow = "Auth flow not enabled for this client".to_owned();
        let outcome = outcome.map_err(|r| start_refused(r, client.id(), disabled_flow))?;
        let step = Step::from(outcome);
        Ok(AdminInitiateAuthResponse {
            challenge_name: step.challenge_name,
            session: step.session.map(Into::into),
            challenge_parameters: Some(step.parameters),
            authentication_result: step.result,
            available_challenges: step.available,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{PASSWORD, Stack, error, invalid};

    fn sign_in(pool: &str, client: &str, flow: &str) -> Value {
        json!({
            "UserPoolId": pool, "ClientId": client, "AuthFlow": flow,
            "AuthParameters": { "USERNAME": "ada", "PASSWORD": PASSWORD },
        })
    }

    #[tokio::test]
    async fn takes_the_administrators_flow_under_both_names() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        for flow in ["ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"] {
            let answer = stack.ok("AdminInitiateAuth", sign_in(&pool, &client, flow)).await;
            assert!(answer["AuthenticationResult"]["AccessToken"].is_string());
        }
    }

    #[tokio::test]
    async fn refuses_clients_without_the_flow_and_clients_of_other_pools() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({ "ExplicitAuthFlows": null })).await;
        let flow = "ADMIN_USER_PASSWORD_AUTH";
        let refused = stack.refusal("AdminInitiateAuth", sign_in(&pool, &client, flow)).await;
        assert_eq!(refused, invalid("Auth flow not enabled for this client"));
        let other = stack.pool(json!({})).await;
        let refused = stack.refusal("AdminInitiateAuth", sign_in(&other, &client, flow)).await;
        let message = format!("User pool client {client} does not exist.");
        assert_eq!(refused, error("ResourceNotFoundException", &message));
        let missing = "us-east-1_nothere00";
        let refused = stack.refusal("AdminInitiateAuth", sign_in(missing, &client, flow)).await;
        let message = format!("User pool {missing} does not exist.");
        assert_eq!(refused, error("ResourceNotFoundException", &message));
    }
}
