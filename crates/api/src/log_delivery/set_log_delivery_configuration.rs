//! `SetLogDeliveryConfiguration`: replaces where the logs of a pool go. An empty list ends delivery.

use poolhouse_domain::{
    log_delivery::{self, LogRefused},
    ports::Ports,
    shapes::{
        LogDeliveryConfigurationType, SetLogDeliveryConfigurationRequest,
        SetLogDeliveryConfigurationResponse,
    },
};
use poolhouse_wire::operations::SetLogDeliveryConfiguration as Op;

use crate::{
    failure::{Answer, Failure, invalid_parameter, unavailable_in_tier},
    lookup::no_user_pool,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: SetLogDeliveryConfigurationRequest) -> Answer<Op> {
        let (user_pool_id, log_configurations) = (input.user_pool_id, input.log_configurations);
        let mut tx = ports.store.write().await?;
        let pool = tx.user_pool(&user_pool_id).await?;
        let pool = pool.ok_or_else(|| no_user_pool::<Op>(&user_pool_id))?;
        log_delivery::check(&pool, &ports.identity, &log_configurations)
            .map_err(|refused| refusal(&refused))?;
        tx.put_log_configurations(&user_pool_id, &log_configurations).await?;
        tx.commit().await?;
        let configuration = LogDeliveryConfigurationType { user_pool_id, log_configurations };
        Ok(SetLogDeliveryConfigurationResponse { log_delivery_configuration: Some(configuration) })
    }
}

/// What is said of configurations that can't be had.
fn refusal(refused: &LogRefused) -> Failure<Op> {
    match refused {
        LogRefused::Tier(refused) => unavailable_in_tier(refused),
        _ => invalid_parameter(refused.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{PASSWORD, Stack, error, invalid, text};

    const GROUP: &str = "arn:aws:logs:us-east-1:123456789012:log-group:pool";
    const BUCKET: &str = "arn:aws:s3:::pool-logs";
    const STREAM: &str = "arn:aws:firehose:us-east-1:123456789012:deliverystream/pool";

    fn group(arn: &str) -> Value {
        json!({ "CloudWatchLogsConfiguration": { "LogGroupArn": arn } })
    }

    fn bucket(arn: &str) -> Value {
        json!({ "S3Configuration": { "BucketArn": arn } })
    }

    fn configuration(source: &str, level: &str, destination: Value) -> Value {
        crate::testing::merged(json!({ "EventSource": source, "LogLevel": level }), destination)
    }

    fn events(destination: Value) -> Value {
        configuration("userAuthEvents", "INFO", destination)
    }

    fn notifications(destination: Value) -> Value {
        configuration("userNotification", "ERROR", destination)
    }

    fn input(pool: &str, configurations: &[Value]) -> Value {
        json!({ "UserPoolId": pool, "LogConfigurations": configurations })
    }

    async fn protected(stack: &Stack) -> String {
        let add_ons = json!({ "AdvancedSecurityMode": "AUDIT" });
        stack.pool(json!({ "UserPoolTier": "PLUS", "UserPoolAddOns": add_ons })).await
    }

    async fn current(stack: &Stack, pool: &str) -> Value {
        let input = json!({ "UserPoolId": pool });
        stack.ok("GetLogDeliveryConfiguration", input).await
    }

    #[tokio::test]
    async fn configurations_are_replaced_as_a_whole() {
        let stack = Stack::new().await;
        let pool = protected(&stack).await;
        let shown = |configurations: &[Value]| json!({ "LogDeliveryConfiguration": input(&pool, configurations) });
        assert_eq!(current(&stack, &pool).await, shown(&[]));
        let stream = json!({ "FirehoseConfiguration": { "StreamArn": STREAM } });
        for configurations in [
            vec![notifications(group(GROUP)), events(bucket(BUCKET))],
            vec![events(stream)],
            vec![events(group(GROUP))],
            vec![],
        ] {
            let set = input(&pool, &configurations);
            let answer = stack.ok("SetLogDeliveryConfiguration", set).await;
            assert_eq!(answer, shown(&configurations));
            assert_eq!(current(&stack, &pool).await, answer);
        }
    }

    #[tokio::test]
    async fn a_refused_configuration_changes_nothing() {
        let stack = Stack::new().await;
        let pool = protected(&stack).await;
        let good = input(&pool, &[notifications(group(GROUP))]);
        let good = stack.ok("SetLogDeliveryConfiguration", good).await;
        let two = json!({
            "CloudWatchLogsConfiguration": { "LogGroupArn": GROUP },
            "S3Configuration": { "BucketArn": BUCKET },
        });
        let elsewhere = GROUP.replace("us-east-1", "eu-west-1");
        let foreign = GROUP.replace("123456789012", "999999999999");
        let stream = STREAM.replace("us-east-1:123456789012", "eu-west-1:999999999999");
        let stream_there = json!({ "FirehoseConfiguration": { "StreamArn": stream } });
        let account = "ARN does not belong to invoking account. ";
        let region = "ARN does not belong to current region. ";
        let failed = |arn: &str, errors: &str| {
            format!(
                "CloudWatch log group arn {arn} failed with the following validation errors: {errors}"
            )
        };
        let invalid_request = |told: &str| format!("Request validation Failed. {told}");
        let there = invalid_request(&format!("[{}]", failed(&elsewhere, region)));
        let theirs = invalid_request(&format!("[{}]", failed(&foreign, account)));
        let twice = "Following event sources appear more then once in a request: [userAuthEvents].";
        let all = invalid_request(&format!(
            "{twice} [{}, {}]",
            failed(&foreign, account),
            failed(&stream, &format!("{account}{region}"))
                .replace("CloudWatch log group", "Firehose delivery stream"),
        ));
        let twice = invalid_request(twice);
        let one_destination =
            "Exactly one destination must be configured for event source userAuthEvents.";
        for (configurations, message) in [
            (vec![events(group(GROUP)), events(bucket(BUCKET))], twice.as_str()),
            (
                vec![configuration("userNotification", "INFO", group(GROUP))],
                "LogLevel INFO is not supported for event source userNotification.",
            ),
            (
                vec![configuration("userAuthEvents", "ERROR", group(GROUP))],
                "LogLevel ERROR is not supported for event source userAuthEvents.",
            ),
            (
                vec![notifications(bucket(BUCKET))],
                "Event source userNotification supports only CloudWatch Logs as a destination.",
            ),
            (vec![events(json!({}))], one_destination),
            (vec![events(two)], one_destination),
            (vec![events(json!({ "S3Configuration": {} }))], one_destination),
            (vec![events(group(&elsewhere))], &there),
            (vec![events(group(&foreign))], &theirs),
            (vec![events(group(&foreign)), events(stream_there)], &all),
            (vec![events(group(STREAM))], &format!("Invalid destination ARN {STREAM}.")),
        ] {
            let refused =
                stack.refusal("SetLogDeliveryConfiguration", input(&pool, &configurations)).await;
            assert_eq!(refused, invalid(message));
        }
        assert_eq!(current(&stack, &pool).await, good);
    }

    #[tokio::test]
    async fn events_need_the_tier_and_the_add_on_and_notifications_neither() {
        let stack = Stack::new().await;
        let lite = stack.pool(json!({ "UserPoolTier": "LITE" })).await;
        stack.ok("SetLogDeliveryConfiguration", input(&lite, &[notifications(group(GROUP))])).await;
        let set = input(&lite, &[events(group(GROUP))]);
        let text = "The following feature is not available for the LITE pricing tier configured: \
                    Log Streaming";
        let refused = stack.refusal("SetLogDeliveryConfiguration", set).await;
        assert_eq!(refused, error("FeatureUnavailableInTierException", text));
        let plus = stack.pool(json!({ "UserPoolTier": "PLUS" })).await;
        let set = input(&plus, &[events(group(GROUP))]);
        let text = "Threat protection must be enabled to deliver logs of event source \
                    userAuthEvents.";
        assert_eq!(stack.refusal("SetLogDeliveryConfiguration", set).await, invalid(text));
        let text = "User pool us-east-1_nothere00 does not exist.";
        for operation in ["SetLogDeliveryConfiguration", "GetLogDeliveryConfiguration"] {
            let refused = stack.refusal(operation, input("us-east-1_nothere00", &[])).await;
            assert_eq!(refused, error("ResourceNotFoundException", text));
        }
    }

    #[tokio::test]
    async fn a_sign_in_is_delivered_as_a_line() {
        let stack = Stack::new().await;
        let pool = protected(&stack).await;
        let client = stack.client(&pool, json!({})).await;
        let sub = stack.user(&pool, "ada", &[]).await;
        stack.tokens(&client, "ada").await;
        assert_eq!(stack.log_sink().lines(), []);
        stack.ok("SetLogDeliveryConfiguration", input(&pool, &[events(bucket(BUCKET))])).await;
        stack.tokens(&client, "ada").await;
        let lines = stack.log_sink().lines();
        let [(arn, line)] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!(arn, BUCKET);
        let listed = json!({ "UserPoolId": pool, "Username": "ada", "MaxResults": 1 });
        let listed = stack.ok("AdminListUserAuthEvents", listed).await;
        let id = text(&listed["AuthEvents"][0]["EventId"]);
        let head = line.split_once(r#""eventSource""#).unwrap().0;
        assert!(head.starts_with(r#"{"eventTimestamp":""#), "{line}");
        let date = line.split_once(r#""creationDate":""#).unwrap().1.split_once('"').unwrap().0;
        assert!(date.ends_with(" 2026") && date.contains(" UTC "), "{date}");
        let expected = format!(
            r#""eventSource":"USER_ACTIVITY","logLevel":"INFO","message":{{"version":"1","eventId":"{id}","eventType":"SignIn","userSub":"{sub}","userName":"ada","userPoolId":"{pool}","clientId":"{client}","creationDate":"{date}","eventResponse":"Pass","riskLevel":"","riskDecision":"PASS","challenges":["PASSWORD:Success"],"deviceName":"Other, Other","ipAddress":"192.0.2.7","requestId":"","idpName":"","compromisedCredentialDetected":"false","city":"","country":"","eventFeedbackValue":"","eventFeedbackDate":"","eventFeedbackProvider":"","hasContextData":"false"}},"logSourceId":{{"userPoolId":"{pool}"}}}}"#
        );
        assert_eq!(line.strip_prefix(head), Some(expected.as_str()));
    }

    #[tokio::test]
    async fn a_message_that_is_not_delivered_is_told_without_its_content() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "AutoVerifiedAttributes": ["email"] })).await;
        let client = stack.client(&pool, json!({})).await;
        stack.ok("SetLogDeliveryConfiguration", input(&pool, &[notifications(group(GROUP))])).await;
        let sign_up = |name: &str| {
            json!({
                "ClientId": client, "Username": name, "Password": PASSWORD,
                "UserAttributes": [{ "Name": "email", "Value": "jo@gm.com" }],
            })
        };
        stack.ok("SignUp", sign_up("jo")).await;
        assert_eq!(stack.log_sink().lines(), []);
        stack.messenger().fail(true);
        stack.refusal("SignUp", sign_up("flo")).await;
        let lines = stack.log_sink().lines();
        let [(arn, line)] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!(arn, GROUP);
        let expected = format!(
            r#""eventSource":"USER_NOTIFICATION","logLevel":"ERROR","message":{{"details":"An e-mail could not be delivered: the test said so"}},"logSourceId":{{"userPoolId":"{pool}"}}}}"#
        );
        assert!(line.ends_with(&expected), "{line}");
    }
}
