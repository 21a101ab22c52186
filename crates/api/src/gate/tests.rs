//! Requests that may not pass, over the whole stack.

use std::{collections::BTreeMap, sync::Arc};

use poolhouse_domain::{
    access_keys::Policies,
    limits::{Category, LimitSettings, Limits},
};
use serde_json::{Value, json};

use crate::{
    signatures::{Administrator, Authority},
    testing::{Answer, Stack, text},
};

/// Somebody with these statements in a policy, whose signature names a region.
fn somebody(region: &str, statements: &str) -> Administrator {
    let document = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
    let policies = Policies::read(&[("p".to_owned(), document)].into()).unwrap();
    Administrator {
        access_key_id: "AKIATEST".to_owned(),
        name: "ada".to_owned(),
        region: region.to_owned(),
        authority: Authority::Limited(policies),
    }
}

const HOME: &str = "us-east-1";
const ALL: &str = r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#;

fn message(answer: &Answer, kind: &str, member: &str) -> String {
    assert_eq!((answer.status, &answer.body["__type"]), (400, &json!(kind)), "{}", answer.body);
    assert_eq!(answer.headers["x-amzn-errortype"], format!("{kind}:"));
    text(&answer.body[member])
}

fn denial(answer: &Answer) -> String {
    message(answer, "AccessDeniedException", "Message")
}

#[tokio::test]
async fn what_no_policy_allows_is_refused_whether_the_pool_exists_or_not() {
    let stack = Stack::new().await;
    let pool = stack.pool(json!({})).await;
    let reader = somebody(
        HOME,
        r#"{"Effect": "Allow", "Action": "cognito-idp:Describe*", "Resource": "*"}"#,
    );
    let describe = json!({ "UserPoolId": pool });
    assert_eq!(stack.call_as(reader.clone(), "DescribeUserPool", describe).await.status, 200);
    for pool in [pool.as_str(), "us-east-1_Nowhere12"] {
        let input = json!({ "UserPoolId": pool });
        let answer = stack.call_as(reader.clone(), "DeleteUserPool", input).await;
        let expected = format!(
            "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: \
             cognito-idp:DeleteUserPool on resource: \
             arn:aws:cognito-idp:us-east-1:123456789012:userpool/{pool} because no identity-based \
             policy allows the cognito-idp:DeleteUserPool action"
        );
        assert_eq!(denial(&answer), expected);
        assert_eq!(answer.body.get("message"), None);
    }
    stack.ok("DescribeUserPool", json!({ "UserPoolId": pool })).await;
}

#[tokio::test]
async fn bad_input_is_told_before_permission_is_looked_at() {
    let stack = Stack::new().await;
    let nobody = somebody(HOME, r#"{"Effect": "Deny", "Action": "*", "Resource": "*"}"#);
    let answer = stack.call_as(nobody.clone(), "DescribeUserPool", json!({})).await;
    assert_eq!(answer.body["__type"], "InvalidParameterException");
    let answer = stack.call_as(nobody, "ListUserPools", json!({ "MaxResults": 1 })).await;
    let end = "on resource: * with an explicit deny in an identity-based policy";
    assert!(denial(&answer).ends_with(end), "{}", answer.body);
}

#[tokio::test]
async fn one_pool_may_be_allowed_and_the_arn_of_tags_counts() {
    let stack = Stack::new().await;
    let (mine, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
    let arn = |pool: &str| stack.ports.identity.user_pool_arn(pool);
    let statement =
        format!(r#"{{"Effect": "Allow", "Action": "*", "Resource": "{}"}}"#, arn(&mine));
    let owner = somebody(HOME, &statement);
    for (pool, status) in [(&mine, 200), (&other, 400)] {
        for (operation, input) in [
            ("DescribeUserPool", json!({ "UserPoolId": pool })),
            ("ListTagsForResource", json!({ "ResourceArn": arn(pool) })),
        ] {
            let answer = stack.call_as(owner.clone(), operation, input).await;
            assert_eq!(answer.status, status, "{operation} of {pool}: {}", answer.body);
        }
    }
    let list = stack.call_as(owner, "ListUserPools", json!({ "MaxResults": 1 })).await;
    assert!(denial(&list).contains("on resource: * because no identity-based policy"));
}

#[tokio::test]
async fn tags_of_pool_and_request_decide() {
    let stack = Stack::new().await;
    let pool = stack.pool(json!({ "UserPoolTags": { "team": "red" } })).await;
    let of_team = |team: &str| {
        let statement = format!(
            r#"{{"Effect": "Allow", "Action": "*", "Resource": "*",
               "Condition": {{"StringEquals": {{"aws:ResourceTag/team": "{team}"}}}}}},
               {{"Effect": "Deny", "Action": "cognito-idp:*TagResource", "Resource": "*",
               "Condition": {{"ForAnyValue:StringEquals": {{"aws:TagKeys": "team"}}}}}}"#
        );
        somebody(HOME, &statement)
    };
    let describe = json!({ "UserPoolId": pool });
    let answer = stack.call_as(of_team("blue"), "DescribeUserPool", describe.clone()).await;
    assert!(denial(&answer).contains("because no identity-based policy"));
    let answer = stack.call_as(of_team("red"), "DescribeUserPool", describe.clone()).await;
    assert_eq!(answer.status, 200);
    let arn = stack.ports.identity.user_pool_arn(&pool);
    let tag = |key: &str| json!({ "ResourceArn": arn, "Tags": { key: "x" } });
    assert_eq!(stack.call_as(of_team("red"), "TagResource", tag("other")).await.status, 200);
    assert!(
        denial(&stack.call_as(of_team("red"), "TagResource", tag("team")).await)
            .contains("with an explicit deny")
    );
    let untag = json!({ "ResourceArn": arn, "TagKeys": ["team"] });
    assert!(
        denial(&stack.call_as(of_team("red"), "UntagResource", untag).await)
            .contains("with an explicit deny")
    );
    // A changed tag counts at once.
    stack.ok("TagResource", json!({ "ResourceArn": arn, "Tags": { "team": "blue" } })).await;
    assert_eq!(stack.call_as(of_team("blue"), "DescribeUserPool", describe).await.status, 200);
}

#[tokio::test]
async fn operations_without_signature_need_no_permission() {
    let stack = Stack::new().await;
    let nobody = somebody(HOME, r#"{"Effect": "Deny", "Action": "*", "Resource": "*"}"#);
    let input = json!({ "AccessToken": "x" });
    let answer = stack.call_as(nobody, "GetUser", input).await;
    assert_eq!(answer.body["__type"], "NotAuthorizedException");
}

/// A server whose rates are enforced.
async fn limited(rates: &[(Category, u32)]) -> Stack {
    let mut stack = Stack::new().await;
    let settings = LimitSettings {
        rates_are_enforced: true,
        rates: rates.iter().copied().collect::<BTreeMap<_, _>>(),
        ..LimitSettings::default()
    };
    let (store, clock) = (Arc::clone(&stack.ports.store), Arc::clone(&stack.ports.clock));
    stack.ports.limits = Arc::new(Limits::new(settings, store, clock));
    stack
}

/// How many of so many requests pass, before one is refused.
async fn passing(stack: &Stack, operation: &str, input: &Value, most: usize) -> usize {
    for number in 0..most {
        let answer = stack.call(operation, input.clone()).await;
        if answer.body["__type"] == "TooManyRequestsException" {
            let told = message(&answer, "TooManyRequestsException", "message");
            assert_eq!(told, "Rate exceeded");
            return number;
        }
    }
    most
}

#[tokio::test]
async fn a_category_has_its_rate_and_recovers() {
    let stack = limited(&[]).await;
    let list = json!({ "MaxResults": 1 });
    assert_eq!(passing(&stack, "ListUserPools", &list, 99).await, 15);
    let describe = json!({ "UserPoolId": "us-east-1_Nowhere12" });
    assert_eq!(passing(&stack, "DescribeUserPool", &describe, 99).await, 0, "the same category");
    assert_eq!(passing(&stack, "GetUser", &json!({ "AccessToken": "x" }), 1).await, 1, "another");
    stack.advance(1);
    assert_eq!(passing(&stack, "ListUserPools", &list, 99).await, 15);
}

#[tokio::test]
async fn without_enforcement_there_is_no_rate() {
    let stack = Stack::new().await;
    assert_eq!(passing(&stack, "ListUserPools", &json!({ "MaxResults": 1 }), 40).await, 40);
}

#[tokio::test]
async fn a_pool_has_a_rate_for_each_operation() {
    let stack = limited(&[]).await;
    let of = |pool: &str| json!({ "UserPoolId": pool });
    let (one, two) = (of("us-east-1_Nowhere1"), of("us-east-1_Nowhere2"));
    assert_eq!(passing(&stack, "ListGroups", &one, 99).await, 5);
    assert_eq!(passing(&stack, "ListGroups", &two, 99).await, 5);
    assert_eq!(passing(&stack, "GetUserPoolMfaConfig", &one, 99).await, 5);
    assert_eq!(passing(&stack, "GetUserPoolMfaConfig", &two, 99).await, 5);
    // Twenty for all together.
    let other = of("us-east-1_Nowhere3");
    assert_eq!(passing(&stack, "ListGroups", &other, 99).await, 0);
}

#[tokio::test]
async fn a_user_has_a_rate_for_reading_and_another_for_writing() {
    let stack = limited(&[]).await;
    let of = |name: &str| json!({ "UserPoolId": "us-east-1_Nowhere1", "Username": name });
    assert_eq!(passing(&stack, "AdminGetUser", &of("ada"), 99).await, 10);
    assert_eq!(passing(&stack, "AdminGetUser", &of("bob"), 99).await, 10);
    assert_eq!(passing(&stack, "AdminDisableUser", &of("ada"), 99).await, 10);
    let token = json!({ "AccessToken": "x" });
    assert_eq!(passing(&stack, "GetUser", &token, 99).await, 10);
}

#[tokio::test]
async fn answers_to_challenges_have_three_times_the_rate_of_sign_ins() {
    let stack = limited(&[(Category::UserAuthentication, 4)]).await;
    let begin = json!({ "ClientId": "none", "AuthFlow": "USER_PASSWORD_AUTH" });
    assert_eq!(passing(&stack, "InitiateAuth", &begin, 99).await, 4);
    let answer = json!({ "ClientId": "none", "ChallengeName": "SMS_MFA" });
    assert_eq!(passing(&stack, "RespondToAuthChallenge", &answer, 99).await, 12);
}

#[tokio::test]
async fn a_provisioned_rate_counts_at_once() {
    let stack = limited(&[(Category::UserCreation, 2)]).await;
    let input = json!({ "UserPoolId": "us-east-1_Nowhere1", "Username": "ada" });
    assert_eq!(passing(&stack, "AdminConfirmSignUp", &input, 99).await, 2);
    let definition =
        json!({ "LimitClass": "API_CATEGORY", "Attributes": { "Category": "UserCreation" } });
    let limit = json!({ "LimitDefinition": definition, "RequestedLimitValue": 7 });
    stack.ok("UpdateProvisionedLimit", limit).await;
    assert_eq!(passing(&stack, "AdminConfirmSignUp", &input, 99).await, 7);
}

#[tokio::test]
async fn a_signature_of_a_replica_s_region_reaches_what_the_replica_does() {
    let stack = Stack::new().await;
    let key = "arn:aws:kms:us-east-1:123456789012:key/mrk-1234";
    let encryption = json!({ "KeyType": "CUSTOMER_MANAGED_KEY", "KmsKeyArn": key });
    let pool = stack.pool(json!({ "KeyConfiguration": encryption })).await;
    let (alone, client) = (stack.pool(json!({})).await, stack.client(&pool, json!({})).await);
    stack.user(&pool, "ada", &[]).await;
    let replica = json!({ "UserPoolId": pool, "RegionName": "eu-west-1" });
    stack.ok("CreateUserPoolReplica", replica.clone()).await;
    let there = |operation: &'static str, input: Value| {
        stack.call_as(somebody("eu-west-1", ALL), operation, input)
    };
    let group = json!({ "UserPoolId": pool, "GroupName": "g" });
    let refused = there("CreateGroup", group).await;
    assert_eq!(
        message(&refused, "OperationNotEnabledException", "message"),
        "CreateGroup is not enabled in the region eu-west-1."
    );
    let describe = |pool: &str| json!({ "UserPoolId": pool });
    assert_eq!(there("DescribeUserPool", describe(&pool)).await.status, 200);
    assert_eq!(
        message(
            &there("DescribeUserPool", describe(&alone)).await,
            "ResourceNotFoundException",
            "message"
        ),
        format!("User pool {alone} does not exist.")
    );
    let list = there("ListUserPools", json!({ "MaxResults": 1 })).await;
    assert_eq!(list.status, 200);
    let create = there("CreateUserPool", json!({ "PoolName": "p" })).await;
    message(&create, "OperationNotEnabledException", "message");
    let sign_in = json!({
        "UserPoolId": pool, "ClientId": client, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
        "AuthParameters": { "USERNAME": "ada", "PASSWORD": crate::testing::PASSWORD },
    });
    let refused = there("AdminInitiateAuth", sign_in.clone()).await;
    message(&refused, "OperationNotEnabledException", "message");
    let mut activate = replica;
    activate["Status"] = json!("ACTIVE");
    assert_eq!(there("UpdateUserPoolReplica", activate).await.status, 200);
    let signed_in = there("AdminInitiateAuth", sign_in).await;
    assert!(signed_in.body["AuthenticationResult"]["IdToken"].is_string(), "{}", signed_in.body);
    // The replica's tags are its own, and count for it.
    let arn = format!("arn:aws:cognito-idp:eu-west-1:123456789012:userpool/{pool}");
    stack.ok("TagResource", json!({ "ResourceArn": arn, "Tags": { "a": "1" } })).await;
    let tagged = r#"{"Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/a": "1"}}}"#;
    for (region, status) in [("eu-west-1", 200), (HOME, 400)] {
        let caller = somebody(region, tagged);
        assert_eq!(stack.call_as(caller, "DescribeUserPool", describe(&pool)).await.status, status);
        let (caller, input) = (somebody(HOME, tagged), json!({ "ResourceArn": arn }));
        assert_eq!(stack.call_as(caller, "ListTagsForResource", input).await.status, 200);
    }
    let delete = json!({ "UserPoolId": pool, "RegionName": "eu-west-1" });
    message(
        &there("DeleteUserPoolReplica", delete).await,
        "OperationNotEnabledException",
        "message",
    );
}

#[tokio::test]
async fn where_signatures_are_not_verified_other_regions_make_no_difference() {
    let stack = Stack::new().await;
    let pool = stack.pool(json!({})).await;
    let mut anybody = somebody("eu-west-1", ALL);
    anybody.authority = Authority::Everything;
    let input = json!({ "UserPoolId": pool });
    assert_eq!(stack.call_as(anybody, "DescribeUserPool", input).await.status, 200);
}

#[tokio::test]
async fn pools_and_app_clients_have_a_number_that_they_cannot_exceed() {
    let mut stack = Stack::new().await;
    let settings =
        LimitSettings { user_pools: 2, app_clients_per_pool: 1, ..LimitSettings::default() };
    let (store, clock) = (Arc::clone(&stack.ports.store), Arc::clone(&stack.ports.clock));
    stack.ports.limits = Arc::new(Limits::new(settings, store, clock));
    let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
    let third = json!({ "PoolName": "third" });
    let expected = crate::testing::error(
        "LimitExceededException",
        "Exceeded the limit of 2 user pools for the account.",
    );
    assert_eq!(stack.refusal("CreateUserPool", third.clone()).await, expected);
    stack.ok("DeleteUserPool", json!({ "UserPoolId": other })).await;
    stack.ok("CreateUserPool", third).await;
    stack.client(&pool, json!({})).await;
    let input = json!({ "UserPoolId": pool, "ClientName": "second" });
    let expected = crate::testing::error(
        "LimitExceededException",
        "Exceeded the limit of 1 app clients for the user pool.",
    );
    assert_eq!(stack.refusal("CreateUserPoolClient", input).await, expected);
}
