//! Policies that need not be written: a key gets a copy of their text.

/// Their names and texts.
pub const BUILT_IN: [(&str, &str); 4] = [
    (
        "decrypt-codes",
        r#"{
  "Version": "2012-10-17",
  "Statement": [{ "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*" }]
}"#,
    ),
    (
        "full-access",
        r#"{
  "Version": "2012-10-17",
  "Statement": [{ "Effect": "Allow", "Action": "cognito-idp:*", "Resource": "*" }]
}"#,
    ),
    (
        "read-only",
        r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "cognito-idp:AdminGet*",
        "cognito-idp:AdminList*",
        "cognito-idp:Describe*",
        "cognito-idp:GetCSVHeader",
        "cognito-idp:GetGroup",
        "cognito-idp:GetIdentityProviderByIdentifier",
        "cognito-idp:GetLogDeliveryConfiguration",
        "cognito-idp:GetProvisionedLimit",
        "cognito-idp:GetSigningCertificate",
        "cognito-idp:GetUICustomization",
        "cognito-idp:GetUserPool*",
        "cognito-idp:List*"
      ],
      "Resource": "*"
    }
  ]
}"#,
    ),
    (
        "user-administration",
        r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "cognito-idp:Admin*",
        "cognito-idp:DescribeUserPool",
        "cognito-idp:GetGroup",
        "cognito-idp:ListGroups",
        "cognito-idp:ListUserPools",
        "cognito-idp:ListUsers",
        "cognito-idp:ListUsersInGroup"
      ],
      "Resource": "*"
    }
  ]
}"#,
    ),
];

/// The text of the policy with this name.
pub fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(other, _)| *other == name).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use poolhouse_wire::OperationName;

    use super::*;
    use crate::access_keys::{AccessRequest, Circumstances, Decision, Policies, check_policy};

    /// The operations that a built-in policy allows.
    fn allowed(name: &str) -> Vec<&'static str> {
        let text = built_in(name).unwrap().to_owned();
        let policies = Policies::read(&[(name.to_owned(), text)].into()).unwrap();
        let is_allowed = |operation: &OperationName| {
            let action = format!("cognito-idp:{}", operation.as_str());
            let request = AccessRequest {
                action: &action,
                resource: "*",
                user_arn: "arn:aws:iam::123456789012:user/ada",
                username: "ada",
                account_id: "123456789012",
                region: "eu-central-1",
                now: crate::time::Timestamp::from_seconds(0),
                circumstances: Circumstances::default(),
                request_tags: None,
                tag_keys: None,
                resource_tags: None,
                encryption_context: None,
            };
            policies.decide(&request) == Decision::Allowed
        };
        let all = OperationName::ALL.into_iter().filter(is_allowed);
        all.map(OperationName::as_str).collect()
    }

    #[test]
    fn their_texts_are_policies_and_full_access_is_for_everything() {
        assert!(BUILT_IN.iter().all(|(_, text)| check_policy(text).is_ok()));
        assert_eq!(allowed("full-access").len(), OperationName::ALL.len());
    }

    #[test]
    fn who_may_only_read_can_change_nothing_and_get_no_tokens() {
        let writes = ["Add", "Create", "Update", "Delete", "Set", "Tag", "Untag", "Start", "Stop"];
        let reads = allowed("read-only");
        for name in &reads {
            let verb = name.strip_prefix("Admin").unwrap_or(name);
            assert!(!writes.iter().any(|write| verb.starts_with(write)), "{name}");
            assert!(
                ["Get", "List", "Describe"].iter().any(|read| verb.starts_with(read)),
                "{name}"
            );
            assert!(!name.contains("Token"), "{name}");
        }
        assert!(reads.contains(&"DescribeUserPool") && reads.contains(&"AdminGetUser"));
        // Each signed operation that reads is there.
        for operation in OperationName::ALL {
            let name = operation.as_str();
            let is_signed = operation.auth() == poolhouse_wire::Auth::SigV4;
            let verb = name.strip_prefix("Admin").unwrap_or(name);
            let is_reading = ["Get", "List", "Describe"].iter().any(|read| verb.starts_with(read));
            let is_token = name.contains("Token");
            assert_eq!(
                is_signed && is_reading && !is_token,
                is_signed && reads.contains(&name),
                "{name}"
            );
        }
    }

    #[test]
    fn who_decrypts_codes_can_do_nothing_else() {
        assert!(allowed("decrypt-codes").is_empty());
    }

    #[test]
    fn who_administers_users_cannot_change_pools() {
        let allowed = allowed("user-administration");
        assert!(allowed.contains(&"AdminCreateUser") && allowed.contains(&"ListUsers"));
        for name in ["UpdateUserPool", "DeleteUserPool", "CreateUserPoolClient", "CreateGroup"] {
            assert!(!allowed.contains(&name), "{name}");
        }
    }
}
