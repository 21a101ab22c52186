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
#[error("User: {user_arn} is not authorized to perform: {action} on resource: {resource} {reason}")]
pub struct AccessDenied {
    user_arn: String,
    action: String,
    resource: String,
    reason: String,
}

impl AccessDenied {
    /// What a decision says to who asked for an action on a resource.
    fn unless_allowed(
        decision: Decision,
        user_arn: &str,
        action: &str,
        resource: &str,
    ) -> Result<(), Self> {
        let reason = match decision {
            Decision::Allowed => return Ok(()),
            Decision::Denied => "with an explicit deny in an identity-based policy".to_owned(),
            Decision::NotAllowed => {
                format!("because no identity-based policy allows the {action} action")
            }
        };
        let [user_arn, action, resource] = [user_arn, action, resource].map(str::to_owned);
        Err(Self { user_arn, action, resource, reason })
    }
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
    let user_arn = user_arn(signer, identity);
    let resource = match (about.user_pool_id, about.resource_arn) {
        (Some(id), _) => identity.user_pool_arn_in(signer.region, id),
        (None, Some(arn)) => arn.to_owned(),
        (None, None) => "*".to_owned(),
    };
    let decide = |operation: OperationName, resource: &str| {
        signer.policies.decide(&AccessRequest {
            action: &action(operation),
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
            encryption_context: None,
        })
    };
    let refuse = |operation: OperationName, resource: &str, decision| {
        AccessDenied::unless_allowed(decision, &user_arn, &action(operation), resource)
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

/// Checks the permission for an action, such as `kms:Decrypt`, on a key and for what is bound to an
/// encryption context.
pub fn authorize_for_key(
    signer: &Signer<'_>,
    identity: &Identity,
    action: &str,
    key_arn: &str,
    encryption_context: Option<&BTreeMap<String, String>>,
    now: Timestamp,
) -> Result<(), AccessDenied> {
    let user_arn = user_arn(signer, identity);
    let decision = signer.policies.decide(&AccessRequest {
        action,
        resource: key_arn,
        user_arn: &user_arn,
        username: signer.name,
        account_id: &identity.account_id,
        region: signer.region,
        now,
        circumstances: signer.circumstances,
        request_tags: None,
        tag_keys: None,
        resource_tags: None,
        encryption_context,
    });
    AccessDenied::unless_allowed(decision, &user_arn, action, key_arn)
}

fn user_arn(signer: &Signer<'_>, identity: &Identity) -> String {
    format!("arn:aws:iam::{}:user/{}", identity.account_id, signer.name)
}

fn action(operation: OperationName) -> String {
    format!("cognito-idp:{}", operation.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::issuer::Issuers;

    fn identity() -> Identity {
        Identity {
            region: "eu-central-1".to_owned(),
            account_id: "123456789012".to_owned(),
            issuer_base: String::new(),
            issuers: Issuers::Own,
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

    /// What is said to somebody with these statements who wants to decrypt for a pool.
    fn asked_to_decrypt(statements: &str, pool: &str) -> Result<(), String> {
        let document = format!(r#"{{"Version": "2012-10-17", "Statement": {statements}}}"#);
        let policies = Policies::read(&[("p".to_owned(), document)].into()).unwrap();
        let circumstances = Circumstances::default();
        let signer =
            Signer { name: "f", policies: &policies, region: "eu-central-1", circumstances };
        let context = [("userpool-id".to_owned(), pool.to_owned())].into();
        let now = Timestamp::from_seconds(0);
        let key = "arn:aws:kms:eu-central-1:123456789012:key/1a";
        let answer =
            authorize_for_key(&signer, &identity(), "kms:Decrypt", key, Some(&context), now);
        answer.map_err(|denied| denied.to_string())
    }

    #[test]
    fn a_key_and_a_pool_may_be_allowed_to_decrypt_for() {
        let for_pool = r#"{"Effect": "Allow", "Action": "kms:Decrypt",
            "Resource": "arn:aws:kms:*:*:key/1a", "Condition": {"StringEquals":
            {"kms:EncryptionContext:userpool-id": "eu-central-1_A"}}}"#;
        assert_eq!(asked_to_decrypt(for_pool, "eu-central-1_A"), Ok(()));
        let expected = "User: arn:aws:iam::123456789012:user/f is not authorized to perform: \
                        kms:Decrypt on resource: arn:aws:kms:eu-central-1:123456789012:key/1a \
                        because no identity-based policy allows the kms:Decrypt action";
        assert_eq!(asked_to_decrypt(for_pool, "eu-central-1_B"), Err(expected.to_owned()));
        let other_key = for_pool.replace("key/1a", "key/1b");
        assert_eq!(asked_to_decrypt(&other_key, "eu-central-1_A"), Err(expected.to_owned()));
        let pools = r#"{"Effect": "Allow", "Action": "cognito-idp:*", "Resource": "*"}"#;
        assert_eq!(asked_to_decrypt(pools, "eu-central-1_A"), Err(expected.to_owned()));
        // Without a context, no condition about one holds.
        assert!(asked(for_pool, OperationName::ListUsers).is_err());
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
