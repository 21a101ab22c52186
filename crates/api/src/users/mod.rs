//! Operations on users: making, showing, listing, switching off and deleting them.

mod admin_create_user;
mod admin_delete_user;
mod admin_disable_user;
mod admin_enable_user;
mod admin_get_user;
mod delete_user;
mod get_user;
mod list_users;
#[cfg(test)]
mod modified_tests;

use poolhouse_domain::{
    Fault, mfa_preference,
    ports::Ports,
    shapes::UserType,
    users::{User, create::DraftRefused, names::NameRefused},
};
use poolhouse_wire::{Permits, codes};

use crate::{
    attributes::{self, listed},
    failure::{Failure, Unanswered, invalid_parameter},
    lookup,
};

/// A user as lists show one, with those attributes that `is_shown`.
pub(crate) fn user_type(user: &User, is_shown: impl Fn(&str) -> bool) -> UserType {
    UserType {
        username: Some(user.username.as_str().into()),
        attributes: Some(listed(user, is_shown)),
        user_create_date: Some(user.created_at.to_wire()),
        user_last_modified_date: Some(user.modified_at.to_wire()),
        enabled: Some(user.enabled),
        user_status: Some(user.status),
        mfa_options: mfa_preference::options(user),
    }
}

/// Changes a user whom an administrator names.
async fn alter<Op>(
    ports: &Ports,
    user_pool_id: &str,
    username: &str,
    alter: impl FnOnce(&mut User),
) -> Result<(), Unanswered<Op>>
where
    Op: Permits<codes::ResourceNotFoundException> + Permits<codes::UserNotFoundException>,
{
    let pool = lookup::user_pool::<Op>(ports, user_pool_id).await?;
    let mut tx = ports.store.write().await?;
    let mut user = lookup::user::<Op>(&mut *tx, &pool, username).await?;
    alter(&mut user);
    user.modified_at = ports.clock.now();
    tx.update_user(&mut user).await?;
    tx.commit().await?;
    Ok(())
}

/// Deletes a user for good.
async fn erase(ports: &Ports, user: &User) -> Result<(), Fault> {
    let mut tx = ports.store.write().await?;
    tx.delete_user(&user.user_pool_id, &user.sub).await?;
    tx.commit().await
}

/// What is said when no user can be made of what was given.
pub(crate) fn draft_refused<Op>(refused: DraftRefused) -> Failure<Op>
where
    Op: Permits<codes::InvalidParameterException> + Permits<codes::NotAuthorizedException>,
{
    match refused {
        DraftRefused::Name(refused) => invalid_parameter(name_refused(refused)),
        DraftRefused::Attributes(refused) => attributes::refusal(refused),
    }
}

/// What is said of a username that is not taken. Recorded for e-mail; the analogues are beliefs.
fn name_refused(refused: NameRefused) -> String {
    let text = match refused {
        NameRefused::NotAContact { email: true, phone_number: false } => {
            "Username should be an email."
        }
        NameRefused::NotAContact { email: false, .. } => "Username should be a phone number.",
        NameRefused::NotAContact { .. } => "Username should be either an email or a phone number.",
        NameRefused::LooksLikeAlias(contact) => {
            let name = match contact.attribute() {
                "email" => "email",
                _ => "phone number",
            };
            return format!(
                "Username cannot be of {name} format, since user pool is configured for {name} \
                 alias."
            );
        }
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    //! What shows of users in sign-ins, whichever operation they go through.

    use serde_json::{Value, json};

    use crate::{
        testing::{PASSWORD, Stack, error, text},
        totp::testing::{answer_to, start},
    };

    /// The parameters of the challenge with which an SRP sign-in starts.
    async fn srp_challenge(stack: &Stack, client: &str, login: &str) -> Value {
        let input = json!({
            "ClientId": client, "AuthFlow": "USER_SRP_AUTH",
            "AuthParameters": { "USERNAME": login, "SRP_A": "2" },
        });
        stack.ok("InitiateAuth", input).await["ChallengeParameters"].take()
    }

    /// A pool with this setting that ignores case and has the user `ada`, and a client of it that
    /// may not be told who exists.
    async fn hiding(stack: &Stack, setting: &str) -> String {
        let folds_case = json!({ "CaseSensitive": false });
        let mut settings = json!({ "UsernameConfiguration": folds_case });
        let verified = [("email", "ada@ex.org"), ("email_verified", "true")];
        let (username, attributes) = match setting {
            "" => ("ada", verified.as_slice()),
            "UsernameAttributes" => ("ada@ex.org", [].as_slice()),
            _ => ("2a6f1d3e-5b7c-4d1e-9f00-0123456789ab", verified.as_slice()),
        };
        if !setting.is_empty() {
            settings[setting] = json!(["email"]);
        }
        let pool = stack.pool(settings).await;
        stack.user(&pool, username, attributes).await;
        stack.client(&pool, json!({ "PreventUserExistenceErrors": "ENABLED" })).await
    }

    #[tokio::test]
    async fn an_srp_challenge_does_not_show_whether_somebody_is_there() {
        let stack = Stack::new().await;
        for (setting, ada, zoe) in [
            ("", "Ada", "Zoe"),
            ("UsernameAttributes", "Ada@ex.org", "Zoe@ex.org"),
            ("AliasAttributes", "Ada@ex.org", "Zoe@ex.org"),
        ] {
            let client = hiding(&stack, setting).await;
            let real = srp_challenge(&stack, &client, ada).await;
            let pretended = srp_challenge(&stack, &client, zoe).await;
            for name in ["USERNAME", "USER_ID_FOR_SRP", "SECRET_BLOCK"] {
                let (real, pretended) = (text(&real[name]), text(&pretended[name]));
                assert_eq!(real.len(), pretended.len(), "{setting} {name}");
            }
            assert_eq!(pretended["USERNAME"], pretended["USER_ID_FOR_SRP"]);
            if setting.is_empty() {
                assert_eq!(
                    (&real["USERNAME"], &pretended["USERNAME"]),
                    (&json!("ada"), &json!("zoe"))
                );
            }
            let again = srp_challenge(&stack, &client, &zoe.to_lowercase()).await;
            assert_eq!(again["USERNAME"], pretended["USERNAME"]);
            assert_eq!(again["SALT"], pretended["SALT"]);
        }
    }

    #[tokio::test]
    async fn wrong_passwords_and_proofs_lock_nobody_as_they_lock_somebody() {
        let stack = Stack::new().await;
        let client = hiding(&stack, "UsernameAttributes").await;
        for login in ["ada@ex.org", "zoe@ex.org"] {
            for tried in 0..6 {
                let challenge = srp_challenge(&stack, &client, login).await;
                // Either name goes: what was typed, and what the challenge says.
                let username =
                    if tried % 2 == 0 { json!(login) } else { challenge["USERNAME"].clone() };
                let responses = json!({
                    "USERNAME": username, "TIMESTAMP": "Sat Nov 7 09:03:07 UTC 2026",
                    "PASSWORD_CLAIM_SECRET_BLOCK": challenge["SECRET_BLOCK"],
                    "PASSWORD_CLAIM_SIGNATURE": "AAAA",
                });
                let input = json!({
                    "ClientId": client, "ChallengeName": "PASSWORD_VERIFIER",
                    "ChallengeResponses": responses,
                });
                let refused = stack.refusal("RespondToAuthChallenge", input).await;
                let message = match tried {
                    5 => "Password attempts exceeded",
                    _ => "Incorrect username or password.",
                };
                assert_eq!(refused, error("NotAuthorizedException", message), "{login} {tried}");
            }
            let input = json!({
                "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
                "AuthParameters": { "USERNAME": login, "PASSWORD": PASSWORD },
            });
            let refused = stack.refusal("InitiateAuth", input).await;
            assert_eq!(refused, error("NotAuthorizedException", "Password attempts exceeded"));
        }
    }

    #[tokio::test]
    async fn twenty_sign_in_codes_an_hour_are_sent_and_the_last_one_stays_good() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let sms = json!({
            "SnsCallerArn": "arn:aws:iam::123456789012:role/sms", "ExternalId": "x",
        });
        let input = json!({
            "UserPoolId": pool, "MfaConfiguration": "ON",
            "SmsMfaConfiguration": { "SmsConfiguration": sms },
        });
        stack.ok("SetUserPoolMfaConfig", input).await;
        stack.user(&pool, "ada", &[("phone_number", "+14155550008")]).await;
        let mut answered = Value::Null;
        for _ in 0..20 {
            answered = start(&stack, &client, "ada").await;
        }
        let code = stack.last_code_for("+14155550008");
        let unanswerable = start(&stack, &client, "ada").await;
        assert_eq!(unanswerable["ChallengeName"], "SMS_MFA");
        assert_eq!(stack.messenger().messages().len(), 20);
        let answer = |challenge: &Value| answer_to(&client, challenge, "SMS_MFA_CODE", &code);
        let refused = stack.refusal("RespondToAuthChallenge", answer(&unanswerable)).await;
        assert_eq!(refused.0, "CodeMismatchException");
        stack.ok("RespondToAuthChallenge", answer(&answered)).await;
        stack.advance(3_600);
        start(&stack, &client, "ada").await;
        assert_eq!(stack.messenger().messages().len(), 21);
    }

    #[tokio::test]
    async fn a_required_address_given_with_the_new_password_is_there_at_once() {
        let stack = Stack::new().await;
        let settings = json!({
            "Schema": [{ "Name": "email", "Required": true }],
            "AutoVerifiedAttributes": ["email"],
            "UserAttributeUpdateSettings": {
                "AttributesRequireVerificationBeforeUpdate": ["email"],
            },
        });
        let pool = stack.pool(settings).await;
        let client = stack.client(&pool, json!({})).await;
        let input = json!({
            "UserPoolId": pool, "Username": "ada", "TemporaryPassword": PASSWORD,
            "MessageAction": "SUPPRESS",
        });
        stack.ok("AdminCreateUser", input).await;
        let challenge = start(&stack, &client, "ada").await;
        let mut input = answer_to(&client, &challenge, "NEW_PASSWORD", "Other-Horse-7");
        input["ChallengeResponses"]["userAttributes.email"] = json!("ada@ex.org");
        stack.ok("RespondToAuthChallenge", input).await;
        let user = json!({ "UserPoolId": pool, "Username": "ada" });
        let shown = stack.ok("AdminGetUser", user).await;
        let email = json!({ "Name": "email", "Value": "ada@ex.org" });
        assert!(shown["UserAttributes"].as_array().unwrap().contains(&email));
    }
}
