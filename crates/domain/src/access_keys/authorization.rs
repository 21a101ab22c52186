//! Whether the signer of a request may do what it asks for.

use std::collections::BTreeMap;

use poolhouse_wire::{About, OperationName};

use super::{AccessRequest, Circumstances, Decision, Policies};
use crate::{ports::Identity, time::Timestamp};

/// Who signed a request, and how it came in.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    /// The name of the key.
    pub name: &'a str,
    /// What the key may do.
    pub policies: &'a Policies,
    /// The region that the signature names.
    pub region: &'a str,
    /// How the request came in.
    pub circumstances: Circumstances,
}

/// Why a request is refused. Its text is a belief for the service, but IAM's own form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "User: {user_arn} is not authorized to perform: cognito-idp:{operation} on resource: \
     {resource} {reason}"
)]
pub struct AccessDenied {
    user_arn: String,
    operation: &'static str,
    resource: String,
    reason: String,
}

/// What of an operation is decided besides the operation itself.
enum Also {
    /// What is denied under this name is denied here too.
    Denied(OperationName),
    /// This must be allowed too, on everything.
    Allowed(OperationName),
}

/// The operations that ask for more than their own permission.
const fn also(operation: OperationName) -> Option<Also> {
    match operation {
        OperationName::DescribeTermsByClient => Some(Also::Denied(OperationName::DescribeTerms)),
        OperationName::CreateUserPoolReplica => Some(Also::Allowed(OperationName::CreateUserPool)),
        _ => None,
    }
}

/// Checks the permission for an operation. `resource_tags` are those of the user pool, as far as
/// [`Policies::look_at_resource_tags`].
pub fn authorize(
    signer: &Signer<'_>,
    identity: &Identity,
    operation: OperationName,
    about: &About<'_>,
    resource_tags: Option<&BTreeMap<String, String>>,
    now: Timestamp,
) -> Result<(), AccessDenied> {
    let account = &identity.account_id;
    let user_arn = format!("arn:aws:iam::{account}:user/{}", signer.name);
    let resource = match (about.user_pool_id, about.resource_arn) {
        (Some(id), _) => identity.user_pool_arn_in(signer.region, id),
        (None, Some(arn)) => arn.to_owned(),
        (None, None) => "*".to_owned(),
    };
    let decide = |operation: OperationName, resource: &str| {
        signer.policies.decide(&AccessRequest {
            action: &format!("cognito-idp:{}", operation.as_str()),
            resource,
            user_arn: &user_arn,
            username: signer.name,
            account_id: account,
            region: signer.region,
            now,
            circumstances: signer.circumstances,
            request_tags: about.tags,
            tag_keys: about.tag_keys,
            resource_tags,
        })
    };
    let refuse = |operation: OperationName, resource: &str, decision| {
        let operation = operation.as_str();
        let reason = match decision {
            Decision::Allowed => return Ok(()),
            Decision::Denied => "with an explicit deny in an identity-based policy".to_owned(),
            Decision::NotAllowed => {
                format!(
                    "because no identity-based policy allows the cognito-idp:{operation} action"
                )
            }
        };
        let (user_arn, resource) = (user_arn.clone(), resource.to_owned());
        Err(AccessDenied { user_arn, operation, resource, reason })
    };
    refuse(operation, &resource, decide(operation, &resource))?;
    match also(operation) {
        None => Ok(()),
        Some(Also::Allowed(other)) => refuse(other, "*", decide(other, "*")),
        Some(Also::Denied(other)) => match decide(other, &resource) {
            Decision::Denied => refuse(operation, &resource, Decision::Denied),
            Decision::Allowed | Decision::NotAllowed => Ok(()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            region: "eu-central-1".to_owned(),
            account_id: "123456789012".to_owned(),
            issuer_base: String::new(),
            domain_suffix: None,
        }
    }

    /// What is said to somebody with these statements who asks for an operation on a pool.
    fn asked(statements: &str, operation: OperationName) -> Result<(), String> {
        let document = format!(r#"{{"Version": "2012-10-17", "Statement": {statements}}}"#);
        let policies = Policies::read(&[("p".to_owned(), document)].into()).unwrap();
        let signer = Signer {
            name: "ada",
            policies: &policies,
            region: "eu-central-1",
            circumstances: Circumstances::default(),
        };
        let about = About { user_pool_id: Some("eu-central-1_A"), ..About::default() };
        let now = Timestamp::from_seconds(0);
        let answer = authorize(&signer, &identity(), operation, &about, None, now);
        answer.map_err(|denied| denied.to_string())
    }

    const ALL: &str = r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#;

    #[test]
    fn a_refusal_names_user_action_resource_and_reason() {
        let none = r#"[{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]"#;
        let start = "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: \
                     cognito-idp:ListUsers on resource: \
                     arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_A";
        assert_eq!(
            asked(none, OperationName::ListUsers),
            Err(format!(
                "{start} because no identity-based policy allows the cognito-idp:ListUsers action"
            ))
        );
        let denied = format!(
            r#"[{ALL}, {{"Effect": "Deny", "Action": "cognito-idp:List*", "Resource": "*"}}]"#
        );
        assert_eq!(
            asked(&denied, OperationName::ListUsers),
            Err(format!("{start} with an explicit deny in an identity-based policy"))
        );
        assert_eq!(asked(&denied, OperationName::DescribeUserPool), Ok(()));
    }

    #[test]
    fn who_may_not_describe_terms_may_not_by_client_either() {
        let by = OperationName::DescribeTermsByClient;
        let allow = |name: &str| {
            format!(r#"{{"Effect": "Allow", "Action": "cognito-idp:{name}", "Resource": "*"}}"#)
        };
        assert_eq!(asked(&allow("DescribeTermsByClient"), by), Ok(()));
        assert!(asked(&allow("DescribeTerms"), by).is_err());
        let denied = format!(
            r#"[{ALL}, {{"Effect": "Deny", "Action": "cognito-idp:DescribeTerms", "Resource": "*"}}]"#
        );
        let message = asked(&denied, by).unwrap_err();
        assert!(message.contains("cognito-idp:DescribeTermsByClient on"), "{message}");
        assert!(message.contains("with an explicit deny"), "{message}");
    }

    #[test]
    fn a_replica_needs_the_permission_to_create_pools() {
        let replica = r#"{"Effect": "Allow", "Action": "cognito-idp:CreateUserPoolReplica",
            "Resource": "*"}"#;
        let message = asked(replica, OperationName::CreateUserPoolReplica).unwrap_err();
        assert!(message.contains("perform: cognito-idp:CreateUserPool on resource: * because"));
        assert_eq!(asked(ALL, OperationName::CreateUserPoolReplica), Ok(()));
    }
}
