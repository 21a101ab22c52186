//! `AdminRespondToAuthChallenge`: answers a challenge of a sign-in, for an administrator.

use poolhouse_domain::{
    auth::{Place, answer::answer},
    ports::Ports,
    shapes::{AdminRespondToAuthChallengeRequest, AdminRespondToAuthChallengeResponse},
    triggers::Metadata,
};
use poolhouse_wire::{Sensitive, operations::AdminRespondToAuthChallenge as Op};

use super::{Step, answer_refused};
use crate::{failure::Answer, lookup, serve::Handle, threat_protection::context};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminRespondToAuthChallengeRequest) -> Answer<Op> {
        let (client, pool) =
            lookup::app_client_of_pool::<Op>(ports, &input.user_pool_id, &input.client_id).await?;
        let metadata = Metadata::of_client(input.client_metadata);
        let ports = context::of_administrator(ports, &pool, input.context_data);
        let ports = &ports.carrying(metadata);
        let place = Place::new(ports, &pool, &client);
        let responses = input.challenge_responses.map(Sensitive::into_inner).unwrap_or_default();
        let session = input.session.as_deref().map(String::as_str);
        let outcome = answer(place, input.challenge_name, session, &responses).await?;
        let step = Step::from(outcome.map_err(|r| answer_refused(r, client.id()))?);
        Ok(AdminRespondToAuthChallengeResponse {
            challenge_name: step.challenge_name,
            session: step.session.map(Into::into),
            challenge_parameters: Some(step.parameters),
            authentication_result: step.result,
            ..AdminRespondToAuthChallengeResponse::default()
        })
    }
}
