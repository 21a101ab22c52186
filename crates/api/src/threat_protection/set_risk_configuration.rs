//! `SetRiskConfiguration`: what a pool, or an app client of it, wants done at which risk.

use poolhouse_domain::{
    ports::Ports,
    shapes::{RiskConfigurationType, SetRiskConfigurationRequest, SetRiskConfigurationResponse},
    threat_protection::configuration::{self, RiskRefused},
};
use poolhouse_wire::{codes, operations::SetRiskConfiguration as Op};

use super::require_add_on;
use crate::{
    app_clients,
    failure::{Answer, Failure, invalid_parameter},
    lookup::no_user_pool,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: SetRiskConfigurationRequest) -> Answer<Op> {
        let pool_id = &input.user_pool_id;
        let now = ports.clock.now().to_wire();
        let client_id = input.client_id.as_deref().map(String::as_str);
        let settings = RiskConfigurationType {
            compromised_credentials_risk_configuration: input
                .compromised_credentials_risk_configuration,
            account_takeover_risk_configuration: input.account_takeover_risk_configuration,
            risk_exception_configuration: input.risk_exception_configuration,
            last_modified_date: Some(now),
            ..RiskConfigurationType::default()
        };
        let mut tx = ports.store.write().await?;
        let pool = tx.user_pool(pool_id).await?.ok_or_else(|| no_user_pool(pool_id))?;
        require_add_on::<Op>(&pool)?;
        if let Some(client_id) = client_id {
            app_clients::find::<Op>(&mut *tx, pool_id, client_id).await?;
        }
        configuration::check(&settings, &ports.identity).map_err(|r| refusal(&r))?;
        match client_id {
            Some(id) if configuration::is_reset(&settings) => {
                tx.delete_risk_configuration(pool_id, id).await?;
            }
            _ => tx.put_risk_configuration(pool_id, client_id, &settings).await?,
        }
        let stored = tx.risk_configurations(pool_id, client_id).await?;
        tx.commit().await?;
        let mut effective = configuration::in_effect(stored, pool_id, client_id);
        effective.last_modified_date = Some(now);
        Ok(SetRiskConfigurationResponse { risk_configuration: effective })
    }
}

/// What is said of a configuration that can't be had.
fn refusal(refused: &RiskRefused) -> Failure<Op> {
    match refused {
        RiskRefused::ForeignIdentity => {
            Failure::new(codes::InvalidEmailRoleAccessPolicyException, refused.to_string())
        }
        _ => invalid_parameter(refused.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, error, invalid, merged};

    const NOT_ENABLED: &str = "Threat protection is not enabled for the user pool.";

    fn protected() -> Value {
        json!({
            "UserPoolTier": "PLUS", "UserPoolAddOns": { "AdvancedSecurityMode": "ENFORCED" },
        })
    }

    fn action(name: &str, notify: bool) -> Value {
        json!({ "Notify": notify, "EventAction": name })
    }

    fn defaults() -> (Value, Value) {
        let block = action("BLOCK", false);
        let compromised = json!({
            "EventFilter": ["SIGN_IN", "PASSWORD_CHANGE", "SIGN_UP"],
            "Actions": { "EventAction": "BLOCK" },
        });
        let actions = json!({ "LowAction": block, "MediumAction": block, "HighAction": block });
        (compromised, json!({ "Actions": actions }))
    }

    async fn set(stack: &Stack, pool: &str, members: Value) -> Value {
        let input = merged(json!({ "UserPoolId": pool }), members);
        stack.ok("SetRiskConfiguration", input).await["RiskConfiguration"].take()
    }

    async fn described(stack: &Stack, input: Value) -> Value {
        stack.ok("DescribeRiskConfiguration", input).await["RiskConfiguration"].take()
    }

    #[tokio::test]
    async fn a_client_inherits_section_by_section_until_it_has_its_own() {
        let stack = Stack::new().await;
        let pool = stack.pool(protected()).await;
        let client = stack.client(&pool, json!({})).await;
        let (compromised, takeover) = defaults();
        let of_pool = json!({ "UserPoolId": pool });
        let of_client = json!({ "UserPoolId": pool, "ClientId": client });
        let expected = json!({
            "UserPoolId": pool, "CompromisedCredentialsRiskConfiguration": compromised,
            "AccountTakeoverRiskConfiguration": takeover,
        });
        assert_eq!(described(&stack, of_pool.clone()).await, expected);

        let ranges = json!({
            "BlockedIPRangeList": ["192.0.2.0/24"], "SkippedIPRangeList": ["2001:db8::/32"],
        });
        let answer = set(&stack, &pool, json!({ "RiskExceptionConfiguration": ranges })).await;
        let set_at = answer["LastModifiedDate"].clone();
        assert!(set_at.is_number());
        let with_ranges = merged(
            expected.clone(),
            json!({ "RiskExceptionConfiguration": ranges, "LastModifiedDate": set_at }),
        );
        assert_eq!(answer, with_ranges);
        assert_eq!(described(&stack, of_pool.clone()).await, with_ranges);
        let inherited = merged(with_ranges.clone(), json!({ "ClientId": client }));
        assert_eq!(described(&stack, of_client.clone()).await, inherited);

        stack.advance(60);
        let own = json!({ "Actions": { "HighAction": action("MFA_REQUIRED", false) } });
        let members = json!({ "ClientId": client, "AccountTakeoverRiskConfiguration": own });
        let answer = set(&stack, &pool, members).await;
        assert_eq!(answer["AccountTakeoverRiskConfiguration"], own);
        assert_eq!(answer["RiskExceptionConfiguration"], ranges);
        assert_ne!(answer["LastModifiedDate"], set_at);
        assert_eq!(described(&stack, of_client.clone()).await, answer);
        assert_eq!(described(&stack, of_pool.clone()).await, with_ranges);

        set(&stack, &pool, json!({ "ClientId": client })).await;
        assert_eq!(described(&stack, of_client).await, inherited);
        set(&stack, &pool, json!({})).await;
        let reset = merged(described(&stack, of_pool).await, json!({}));
        assert_eq!(reset["RiskExceptionConfiguration"], Value::Null);
        assert!(reset["LastModifiedDate"].is_number());
    }

    #[tokio::test]
    async fn only_what_makes_sense_is_taken() {
        let stack = Stack::new().await;
        let pool = stack.pool(protected()).await;
        let refused = async |members: Value| {
            let input = merged(json!({ "UserPoolId": pool }), members);
            stack.refusal("SetRiskConfiguration", input).await
        };
        let ranges = |blocked: Value, skipped: Value| {
            json!({ "RiskExceptionConfiguration": {
                "BlockedIPRangeList": blocked, "SkippedIPRangeList": skipped,
            } })
        };
        let takeover = |actions: Value, notify: Value| {
            let takeover = json!({ "Actions": actions, "NotifyConfiguration": notify });
            json!({ "AccountTakeoverRiskConfiguration": takeover })
        };
        let text = "Incorrect CIDR format";
        assert_eq!(refused(ranges(json!(["192.0.2.1"]), Value::Null)).await, invalid(text));
        assert_eq!(refused(ranges(Value::Null, json!(["a/24"]))).await, invalid(text));
        let both = json!(["192.0.2.0/24"]);
        let text = "192.0.2.0/24 can not be both a blocked and a skipped IP range.";
        assert_eq!(refused(ranges(both.clone(), both)).await, invalid(text));
        let text = "The action for a higher risk level can not be milder than the action for a \
                    lower one.";
        let falling = json!({ "LowAction": action("BLOCK", false), "HighAction": action("NO_ACTION", false) });
        assert_eq!(refused(takeover(falling, Value::Null)).await, invalid(text));
        let text = "NotifyConfiguration is required when Notify is true.";
        let telling = json!({ "HighAction": action("BLOCK", true) });
        assert_eq!(refused(takeover(telling.clone(), Value::Null)).await, invalid(text));
        let sender = |account: &str, from: &str| {
            let arn = format!("arn:aws:ses:us-east-1:{account}:identity/a.example");
            json!({ "SourceArn": arn, "From": from })
        };
        let text = "Provided From email address is invalid";
        let bad_from = takeover(telling.clone(), sender("123456789012", "nobody"));
        assert_eq!(refused(bad_from).await, invalid(text));
        let foreign = takeover(telling.clone(), sender("999999999999", "A <a@a.example>"));
        let text = "Cognito is not allowed to use your email identity";
        let code = "InvalidEmailRoleAccessPolicyException";
        assert_eq!(refused(foreign).await, error(code, text));
        let text = "Invalid NotifyConfiguration.SourceArn. Provided SourceArn must be in one of \
                    the following SES regions: eu-west-1, us-east-1, us-west-2.";
        let far = json!({ "SourceArn": "arn:aws:ses:ap-south-1:123456789012:identity/a.example" });
        assert_eq!(refused(takeover(telling.clone(), far)).await, invalid(text));
        let text = "Provided ReplyTo email address is invalid";
        let mut reply = sender("123456789012", "a@a.example");
        reply["ReplyTo"] = json!("nobody");
        assert_eq!(refused(takeover(telling.clone(), reply)).await, invalid(text));
        let untouched = described(&stack, json!({ "UserPoolId": pool })).await;
        assert_eq!(untouched.get("LastModifiedDate"), None, "refusals change nothing");
        set(&stack, &pool, takeover(telling, sender("123456789012", "A <a@a.example>"))).await;
        let text = "User pool client nosuchclient does not exist.";
        let missing = refused(json!({ "ClientId": "nosuchclient" })).await;
        assert_eq!(missing, error("ResourceNotFoundException", text));
    }

    #[tokio::test]
    async fn what_another_node_has_changed_counts_at_once() {
        let stack = Stack::new().await;
        let pool = stack.pool(protected()).await;
        let client = stack.client(&pool, json!({})).await;
        let input = json!({ "UserPoolId": pool, "ClientId": client });
        stack.ok("SetRiskConfiguration", input.clone()).await;
        // Without a word to the cache of this node.
        let mut tx = stack.ports.store.write().await.unwrap();
        tx.delete_app_client(&client).await.unwrap();
        tx.commit().await.unwrap();
        let text = format!("User pool client {client} does not exist.");
        let refused = stack.refusal("SetRiskConfiguration", input).await;
        assert_eq!(refused, error("ResourceNotFoundException", &text));
        let mut tx = stack.ports.store.write().await.unwrap();
        let mut stored = tx.user_pool(&pool).await.unwrap().unwrap();
        stored.settings.user_pool_add_ons = None;
        tx.update_user_pool(&mut stored).await.unwrap();
        tx.commit().await.unwrap();
        let input = json!({ "UserPoolId": pool });
        let refused = stack.refusal("SetRiskConfiguration", input).await;
        assert_eq!(refused, error("UserPoolAddOnNotEnabledException", NOT_ENABLED));
    }

    #[tokio::test]
    async fn two_hundred_ranges_are_the_most() {
        let stack = Stack::new().await;
        let pool = stack.pool(protected()).await;
        let ranges: Vec<String> = (0..201).map(|n| format!("10.0.{n}.0/24")).collect();
        for (list, member) in [
            ("BlockedIPRangeList", "blockedIPRangeList"),
            ("SkippedIPRangeList", "skippedIPRangeList"),
        ] {
            let input = |ranges: &[String]| json!({ "UserPoolId": pool, "RiskExceptionConfiguration": { list: ranges } });
            stack.ok("SetRiskConfiguration", input(&ranges[..200])).await;
            let message = format!(
                "1 validation error detected: Value '[{}]' at \
                 'riskExceptionConfiguration.{member}' failed to satisfy constraint: Member must \
                 have length less than or equal to 200",
                ranges.join(", ")
            );
            let refused = stack.refusal("SetRiskConfiguration", input(&ranges)).await;
            assert_eq!(refused, invalid(&message));
            let shown = described(&stack, json!({ "UserPoolId": pool })).await;
            assert_eq!(shown["RiskExceptionConfiguration"][list], json!(ranges[..200]));
        }
    }

    #[tokio::test]
    async fn without_the_add_on_there_is_nothing_to_configure() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        for operation in ["SetRiskConfiguration", "DescribeRiskConfiguration"] {
            let refused = stack.refusal(operation, json!({ "UserPoolId": pool })).await;
            assert_eq!(refused, error("UserPoolAddOnNotEnabledException", NOT_ENABLED));
            let missing = json!({ "UserPoolId": "us-east-1_nothere00" });
            let text = "User pool us-east-1_nothere00 does not exist.";
            let refused = stack.refusal(operation, missing).await;
            assert_eq!(refused, error("ResourceNotFoundException", text));
        }
    }
}
