//! Tables of policies and requests.

use std::net::IpAddr;

use super::*;
use crate::{access_keys::Circumstances, time::Timestamp};

const POOL: &str = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_AbC";
/// 2026-01-01T00:00:00Z.
const NOW: i64 = 1_767_225_600;

fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// What decides, besides policies.
struct Asked {
    action: &'static str,
    resource: &'static str,
    source: Option<IpAddr>,
    request_tags: Option<BTreeMap<String, String>>,
    tag_keys: Option<Vec<String>>,
    resource_tags: Option<BTreeMap<String, String>>,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            action: "cognito-idp:ListUsers",
            resource: POOL,
            source: Some(IpAddr::from([10, 1, 2, 3])),
            request_tags: None,
            tag_keys: None,
            resource_tags: None,
        }
    }
}

fn decide(document: &str, asked: &Asked) -> Decision {
    let policies = Policies::read(&[("p".to_owned(), document.to_owned())].into());
    let policies = policies.unwrap_or_else(|problem| panic!("{document}: {problem}"));
    policies.decide(&AccessRequest {
        action: asked.action,
        resource: asked.resource,
        user_arn: "arn:aws:iam::123456789012:user/ada",
        username: "ada",
        account_id: "123456789012",
        region: "eu-central-1",
        now: Timestamp::from_seconds(NOW),
        circumstances: Circumstances { source: asked.source, is_secure: true },
        request_tags: asked.request_tags.as_ref(),
        tag_keys: asked.tag_keys.as_deref(),
        resource_tags: asked.resource_tags.as_ref(),
        encryption_context: None,
    })
}

/// A document of one statement that allows, with these members besides.
fn allow(members: &str) -> String {
    format!(r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", {members}}}}}"#)
}

/// A document that allows everything under a condition.
fn when(condition: &str) -> String {
    allow(&format!(r#""Action": "*", "Resource": "*", "Condition": {{{condition}}}"#))
}

#[test]
fn actions_match_by_pattern_and_without_regard_to_case() {
    for (action, is_allowed) in [
        ("*", true),
        ("cognito-idp:*", true),
        ("cognito-idp:ListUsers", true),
        ("COGNITO-IDP:listusers", true),
        ("cognito-idp:List*", true),
        ("cognito-idp:*Users", true),
        ("cognito-idp:L?stUsers", true),
        ("cognito-idp:L*t*s", true),
        ("cognito-idp:ListUser", false),
        ("cognito-idp:ListUser?s", false),
        ("cognito-idp:ListUsersInGroup", false),
        ("cognito-identity:*", false),
        ("s3:*", false),
    ] {
        let document = allow(&format!(r#""Action": "{action}", "Resource": "*""#));
        let expected = if is_allowed { Decision::Allowed } else { Decision::NotAllowed };
        assert_eq!(decide(&document, &Asked::default()), expected, "{action}");
        let document = allow(&format!(r#""NotAction": ["{action}"], "Resource": "*""#));
        let expected = if is_allowed { Decision::NotAllowed } else { Decision::Allowed };
        assert_eq!(decide(&document, &Asked::default()), expected, "not {action}");
    }
}

#[test]
fn resources_match_part_by_part_and_by_case() {
    for (resource, is_allowed) in [
        ("*", true),
        (POOL, true),
        ("arn:aws:cognito-idp:*:*:userpool/*", true),
        ("arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_?bC", true),
        ("arn:*:cognito-idp:*:*:userpool/eu-central-1_AbC", true),
        ("arn:aws:cognito-idp", true),
        ("arn:aws:cognito-idp:eu-*:123456789012", true),
        ("arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_abc", false),
        ("arn:aws:cognito-idp:us-*:*:userpool/*", false),
        ("arn:aws:cognito-idp:*:userpool/*", false),
        ("arn:aws:cognito-idp:*:999999999999:userpool/*", false),
        ("arn:aws:s3:::*", false),
        ("arn:aws:cognito-idp:*:*:userpool/${aws:username}", false),
    ] {
        let document = allow(&format!(r#""Action": "*", "Resource": ["{resource}"]"#));
        let expected = if is_allowed { Decision::Allowed } else { Decision::NotAllowed };
        assert_eq!(decide(&document, &Asked::default()), expected, "{resource}");
        let document = allow(&format!(r#""Action": "*", "NotResource": "{resource}""#));
        let expected = if is_allowed { Decision::NotAllowed } else { Decision::Allowed };
        assert_eq!(decide(&document, &Asked::default()), expected, "not {resource}");
    }
}

#[test]
fn what_is_about_no_pool_needs_the_resource_of_everything() {
    let asked = Asked { action: "cognito-idp:ListUserPools", resource: "*", ..Asked::default() };
    let pools = allow(r#""Action": "*", "Resource": "arn:aws:cognito-idp:*:*:userpool/*""#);
    assert_eq!(decide(&pools, &asked), Decision::NotAllowed);
    let all = allow(r#""Action": "*", "Resource": "*""#);
    assert_eq!(decide(&all, &asked), Decision::Allowed);
}

#[test]
fn a_denial_outweighs_permissions_wherever_it_stands() {
    let (yes, no) = (
        r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#,
        r#"{"Effect": "Deny", "Action": "*:ListUsers", "Resource": "*"}"#,
    );
    let no = no.replace("*:", "cognito-idp:");
    for statements in [format!("{yes}, {no}"), format!("{no}, {yes}"), no.clone()] {
        let document = format!(r#"{{"Statement": [{statements}]}}"#);
        assert_eq!(decide(&document, &Asked::default()), Decision::Denied, "{statements}");
    }
    let documents = [("a".to_owned(), allow(r#""Action": "*", "Resource": "*""#))];
    assert!(Policies::read(&documents.into()).is_ok());
    let none = Policies::read(&BTreeMap::new()).unwrap();
    assert!(none.0.is_empty(), "a key without policies may do nothing");
}

#[test]
fn variables_stand_for_plain_text_and_only_in_the_newer_version() {
    let named = r#""Action": "*", "Resource": "arn:aws:cognito-idp:*:*:userpool/${aws:username}""#;
    let own = Asked {
        resource: "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/ada",
        ..Asked::default()
    };
    assert_eq!(decide(&allow(named), &own), Decision::Allowed);
    let old = allow(named).replace("2012", "2008");
    assert_eq!(decide(&old, &own), Decision::NotAllowed);
    let of_own = when(r#""StringEquals": {"aws:ResourceTag/Owner": "${AWS:UserName}"}"#);
    for (owner, expected) in [("ada", Decision::Allowed), ("bob", Decision::NotAllowed)] {
        let resource_tags = Some(tags(&[("owner", owner)]));
        assert_eq!(decide(&of_own, &Asked { resource_tags, ..Asked::default() }), expected);
    }
    let star = when(r#""StringLike": {"aws:RequestTag/k": "a${*}${?}${$}"}"#);
    for (value, expected) in [("a*?$", Decision::Allowed), ("abc$", Decision::NotAllowed)] {
        let request_tags = Some(tags(&[("k", value)]));
        assert_eq!(decide(&star, &Asked { request_tags, ..Asked::default() }), expected, "{value}");
    }
}

#[test]
fn conditions_compare_one_value() {
    for (condition, is_met) in [
        (r#""StringEquals": {"aws:username": "ada"}"#, true),
        (r#""StringEquals": {"AWS:USERNAME": ["bob", "ada"]}"#, true),
        (r#""StringEquals": {"aws:username": "Ada"}"#, false),
        (r#""StringEquals": {"aws:username": "a*"}"#, false),
        (r#""StringNotEquals": {"aws:username": ["bob", "ada"]}"#, false),
        (r#""StringNotEquals": {"aws:username": ["bob", "eve"]}"#, true),
        (r#""StringEqualsIgnoreCase": {"aws:username": "ADA"}"#, true),
        (r#""StringNotEqualsIgnoreCase": {"aws:username": "ADA"}"#, false),
        (r#""StringLike": {"aws:username": "a?a"}"#, true),
        (r#""StringNotLike": {"aws:username": "a*"}"#, false),
        (r#""ArnLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:user/*"}"#, true),
        (r#""ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::*:user/ada"}"#, true),
        (r#""ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/a*"}"#, false),
        (r#""ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}"#, false),
        (r#""Bool": {"aws:SecureTransport": "true"}"#, true),
        (r#""Bool": {"aws:SecureTransport": false}"#, false),
        (r#""IpAddress": {"aws:SourceIp": "10.0.0.0/8"}"#, true),
        (r#""IpAddress": {"aws:SourceIp": ["192.168.0.0/16", "10.1.2.3"]}"#, true),
        (r#""IpAddress": {"aws:SourceIp": "10.1.2.2/32"}"#, false),
        (r#""IpAddress": {"aws:SourceIp": "0.0.0.0/0"}"#, true),
        (r#""IpAddress": {"aws:SourceIp": "::/0"}"#, false),
        (r#""NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}"#, false),
        (r#""DateLessThan": {"aws:CurrentTime": "2026-01-01T00:00:01Z"}"#, true),
        (r#""DateLessThan": {"aws:CurrentTime": "2026-01-01"}"#, false),
        (r#""DateLessThanEquals": {"aws:CurrentTime": "2026-01-01"}"#, true),
        (r#""DateGreaterThan": {"aws:CurrentTime": 1767225599}"#, true),
        (r#""DateGreaterThanEquals": {"aws:CurrentTime": "2027-01-01T00:00:00Z"}"#, false),
        (r#""DateEquals": {"aws:CurrentTime": "2026-01-01"}"#, true),
        (r#""DateNotEquals": {"aws:CurrentTime": "2026-01-01"}"#, false),
        (r#""StringEquals": {"aws:RequestedRegion": "eu-central-1"}"#, true),
        (r#""StringEquals": {"aws:PrincipalAccount": "123456789012"}"#, true),
        (r#""StringEquals": {"aws:PrincipalType": "User", "aws:username": "bob"}"#, false),
        (
            r#""StringEquals": {"aws:username": "ada"}, "Bool": {"aws:SecureTransport": "false"}"#,
            false,
        ),
    ] {
        let expected = if is_met { Decision::Allowed } else { Decision::NotAllowed };
        assert_eq!(decide(&when(condition), &Asked::default()), expected, "{condition}");
    }
}

#[test]
fn addresses_of_version_six_have_networks_too() {
    let document = when(r#""IpAddress": {"aws:SourceIp": ["2001:db8::/32", "10.0.0.0/8"]}"#);
    for (source, expected) in [
        ("2001:db8:1::1", Decision::Allowed),
        ("2001:db9::1", Decision::NotAllowed),
        ("::ffff:10.9.9.9", Decision::Allowed),
    ] {
        let source = Some(source.parse().unwrap());
        assert_eq!(decide(&document, &Asked { source, ..Asked::default() }), expected);
    }
}

#[test]
fn absent_keys_meet_negated_conditions_and_those_that_allow_it() {
    for (condition, is_met) in [
        (r#""StringEquals": {"aws:ResourceTag/a": "1"}"#, false),
        (r#""StringNotEquals": {"aws:ResourceTag/a": "1"}"#, true),
        (r#""StringEqualsIfExists": {"aws:ResourceTag/a": "1"}"#, true),
        (r#""StringLikeIfExists": {"aws:ResourceTag/b": "2"}"#, false),
        (r#""Null": {"aws:ResourceTag/a": "true"}"#, true),
        (r#""Null": {"aws:ResourceTag/b": true}"#, false),
        (r#""Null": {"aws:ResourceTag/b": "false"}"#, true),
        (r#""IpAddress": {"aws:SourceIp": "0.0.0.0/0"}"#, false),
        (r#""NotIpAddress": {"aws:SourceIp": "0.0.0.0/0"}"#, true),
        (r#""ForAllValues:StringEquals": {"aws:TagKeys": "a"}"#, true),
        (r#""ForAnyValue:StringEquals": {"aws:TagKeys": "a"}"#, false),
        (r#""ForAnyValue:StringEqualsIfExists": {"aws:TagKeys": "a"}"#, true),
    ] {
        let resource_tags = Some(tags(&[("b", "1")]));
        let asked = Asked { source: None, resource_tags, ..Asked::default() };
        let expected = if is_met { Decision::Allowed } else { Decision::NotAllowed };
        assert_eq!(decide(&when(condition), &asked), expected, "{condition}");
    }
}

#[test]
fn several_values_count_all_or_any() {
    for (condition, is_met) in [
        (r#""ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b", "c"]}"#, true),
        (r#""ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}"#, false),
        (r#""ForAnyValue:StringEquals": {"aws:TagKeys": ["a", "z"]}"#, true),
        (r#""ForAnyValue:StringEquals": {"aws:TagKeys": ["z"]}"#, false),
        (r#""ForAllValues:StringNotEquals": {"aws:TagKeys": ["a", "z"]}"#, false),
        (r#""ForAllValues:StringNotEquals": {"aws:TagKeys": ["z"]}"#, true),
        (r#""ForAnyValue:StringNotEquals": {"aws:TagKeys": ["a"]}"#, true),
        (r#""ForAnyValue:StringNotEquals": {"aws:TagKeys": ["a", "b"]}"#, false),
        (r#""ForAllValues:StringLike": {"aws:TagKeys": "?"}"#, true),
    ] {
        let expected = if is_met { Decision::Allowed } else { Decision::NotAllowed };
        let given = Asked { request_tags: Some(tags(&[("a", ""), ("b", "")])), ..Asked::default() };
        assert_eq!(decide(&when(condition), &given), expected, "{condition}");
        let tag_keys = Some(vec!["a".to_owned(), "b".to_owned()]);
        let taken = Asked { tag_keys, ..Asked::default() };
        assert_eq!(decide(&when(condition), &taken), expected, "{condition}");
    }
}

#[test]
fn wildcards_cost_little_whatever_the_pattern() {
    let pattern = format!("{}b", "a*".repeat(1_000));
    let document = when(&format!(r#""StringLike": {{"aws:RequestTag/k": "{pattern}"}}"#));
    let request_tags = Some(tags(&[("k", &"a".repeat(5_000))]));
    let asked = Asked { request_tags, ..Asked::default() };
    assert_eq!(decide(&document, &asked), Decision::NotAllowed);
}

#[test]
fn tags_of_the_resource_are_looked_up_only_if_a_policy_names_them() {
    let looks = |document: String| {
        Policies::read(&[("p".to_owned(), document)].into()).unwrap().look_at_resource_tags()
    };
    assert!(looks(when(r#""Null": {"aws:resourcetag/a": true}"#)));
    assert!(!looks(when(r#""Null": {"aws:RequestTag/a": true}"#)));
}

#[test]
fn a_bad_document_is_refused_with_the_place() {
    let statement = |members: &str| format!(r#"{{"Statement": [{{{members}}}]}}"#);
    let all = r#""Effect": "Allow", "Action": "*", "Resource": "*""#;
    let with = |more: &str| statement(&format!("{all}, {more}"));
    for (document, expected) in [
        ("[]".to_owned(), "document: must be a JSON object"),
        ("{".to_owned(), "document: is not JSON: EOF while parsing an object at line 1 column 1"),
        ("{}".to_owned(), "Statement: is missing"),
        (r#"{"Statement": []}"#.to_owned(), "Statement: must hold at least one statement"),
        (r#"{"Statement": ["x"]}"#.to_owned(), "Statement[0]: must be a JSON object"),
        (
            format!(r#"{{"Version": "2012", "Statement": {{{all}}}}}"#),
            r#"Version: must be "2012-10-17" or "2008-10-17""#,
        ),
        (
            format!(r#"{{"Statment": 1, "Statement": {{{all}}}}}"#),
            "Statment: is no element of the policy language",
        ),
        (
            statement(r#""Action": "*", "Resource": "*""#),
            r#"Statement[0].Effect: must be "Allow" or "Deny""#,
        ),
        (
            statement(r#""Effect": "allow", "Action": "*", "Resource": "*""#),
            r#"Statement[0].Effect: must be "Allow" or "Deny""#,
        ),
        (
            statement(r#""Effect": "Allow", "Resource": "*""#),
            "Statement[0]: needs Action or NotAction",
        ),
        (with(r#""NotAction": "*""#), "Statement[0]: has both Action and NotAction"),
        (
            statement(r#""Effect": "Allow", "Action": "*""#),
            "Statement[0]: needs Resource or NotResource",
        ),
        (
            statement(r#""Effect": "Allow", "Action": "ListUsers", "Resource": "*""#),
            r#"Statement[0].Action: "ListUsers" is not an action such as cognito-idp:ListUsers"#,
        ),
        (
            statement(r#""Effect": "Allow", "Action": "*:ListUsers", "Resource": "*""#),
            r#"Statement[0].Action: "*:ListUsers" is not an action such as cognito-idp:ListUsers"#,
        ),
        (
            statement(r#""Effect": "Allow", "Action": [], "Resource": "*""#),
            "Statement[0].Action: must hold at least one text",
        ),
        (
            statement(r#""Effect": "Allow", "Action": [1], "Resource": "*""#),
            "Statement[0].Action: must be a text or a list of texts",
        ),
        (
            statement(r#""Effect": "Allow", "Action": "*", "Resource": "eu-central-1_AbC""#),
            r#"Statement[0].Resource: "eu-central-1_AbC" is neither * nor an ARN"#,
        ),
        (
            statement(r#""Effect": "Allow", "Action": "*", "Resource": "arn:aws""#),
            r#"Statement[0].Resource: "arn:aws" is neither * nor an ARN"#,
        ),
        (
            with(r#""Principal": "*""#),
            "Statement[0].Principal: has no place here: the policy is for whom it is given to",
        ),
        (with(r#""Sid": "a b""#), "Statement[0].Sid: may hold letters and digits only"),
        (with(r#""Condition": []"#), "Statement[0].Condition: must be a JSON object"),
        (
            with(r#""Condition": {"NumericEquals": {}}"#),
            "Statement[0].Condition.NumericEquals: is no operator that is known here",
        ),
        (
            with(r#""Condition": {"NullIfExists": {}}"#),
            "Statement[0].Condition.NullIfExists: is no operator that is known here",
        ),
        (
            with(r#""Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}"#),
            "Statement[0].Condition.Bool.aws:MultiFactorAuthPresent: this condition key is not \
             known here, so nothing would be the right answer to it",
        ),
        (
            with(r#""Condition": {"StringEquals": {"aws:TagKeys": "a"}}"#),
            "Statement[0].Condition.StringEquals.aws:TagKeys: has several values: the operator \
             must begin with ForAllValues: or ForAnyValue:",
        ),
        (
            with(r#""Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/33"}}"#),
            "Statement[0].Condition.IpAddress.aws:SourceIp: \"10.0.0.0/33\" is not an address \
             such as 10.0.0.0/8",
        ),
        (
            with(r#""Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/+8"}}"#),
            "Statement[0].Condition.IpAddress.aws:SourceIp: \"10.0.0.0/+8\" is not an address \
             such as 10.0.0.0/8",
        ),
        (
            with(r#""Condition": {"DateEquals": {"aws:CurrentTime": "soon"}}"#),
            "Statement[0].Condition.DateEquals.aws:CurrentTime: \"soon\" is not a time such as \
             2030-01-31T00:00:00Z",
        ),
        (
            with(r#""Condition": {"Bool": {"aws:SecureTransport": "yes"}}"#),
            "Statement[0].Condition.Bool.aws:SecureTransport: \"yes\" is neither \"true\" nor \
             \"false\"",
        ),
        (
            with(r#""Condition": {"StringEquals": {"aws:username": []}}"#),
            "Statement[0].Condition.StringEquals.aws:username: must hold at least one value",
        ),
    ] {
        assert_eq!(check(&document).unwrap_err().to_string(), expected, "{document}");
    }
    for digits in ["2030", "20300131"] {
        let condition =
            format!(r#""Condition": {{"DateLessThan": {{"aws:CurrentTime": "{digits}"}}}}"#);
        let problem = check(&with(&condition)).unwrap_err().to_string();
        assert!(problem.contains("is not a time such as"), "{problem}");
    }
    let twice = with(r#""Condition": {"Null": {"aws:TagKeys": true}, "Null": {}}"#);
    let problem = check(&twice).unwrap_err().to_string();
    assert!(problem.contains(r#"the name "Null" is there twice"#), "{problem}");
    let variable = allow(r#""Action": "*", "Resource": "arn:aws:s3:::${aws:userid}""#);
    let problem = check(&variable).unwrap_err().to_string();
    assert!(
        problem.starts_with("Statement[0].Resource: ${aws:userid} is no variable"),
        "{problem}"
    );
    let ids = format!(r#"{{"Statement": [{{"Sid": "A", {all}}}, {{"Sid": "A", {all}}}]}}"#);
    let problem = check(&ids).unwrap_err().to_string();
    assert_eq!(problem, "Statement[1].Sid: is that of another statement too");
    let long = format!("{}{}", " ".repeat(LONGEST_DOCUMENT), with(""));
    assert!(check(&long).unwrap_err().to_string().contains("is longer than 16384 bytes"));
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    assert!(check(&deep).unwrap_err().to_string().contains("is not JSON"));
}
