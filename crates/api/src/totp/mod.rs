//! Operations on software tokens.

mod admin_delete_software_token;
mod associate_software_token;
mod verify_software_token;

use std::sync::Arc;

use poolhouse_domain::{
    auth::{answer::read_setup, session::ChallengeSession},
    ports::{Ports, Transaction},
    user_pools::UserPool,
    users::{MfaFactor, User},
};
use poolhouse_wire::{Operation, Permits, codes};

use crate::{
    auth::session_refused,
    failure::{Failure, Unanswered, invalid_parameter},
    subject,
};

/// For whom a software token is set up: a signed-in user, or one whose sign-in asks for it.
struct Subject {
    pool: Arc<UserPool>,
    sub: String,
    /// The session of the sign-in, if it is one.
    session: Option<ChallengeSession>,
}

/// Finds out for whom a request comes. Exactly one of access token and session has to be there.
async fn subject<Op>(
    ports: &Ports,
    access_token: Option<&str>,
    session: Option<&str>,
) -> Result<Subject, Unanswered<Op>>
where
    Op: Operation
        + Permits<codes::InvalidParameterException>
        + Permits<codes::NotAuthorizedException>
        + Permits<codes::SoftwareTokenMFANotFoundException>,
{
    let subject = match (access_token, session) {
        (Some(token), None) => {
            let caller = subject::by_access_token::<Op>(ports, token).await?;
            Subject { pool: caller.pool, sub: caller.user.sub, session: None }
        }
        (None, Some(session)) => by_session::<Op>(ports, session).await?,
        // Belief: the service's texts for neither and both are not on record.
        (None, None) => {
            return Err(invalid_parameter("Either AccessToken or Session is required.").into());
        }
        (Some(_), Some(_)) => {
            return Err(invalid_parameter("Only one of AccessToken and Session is allowed.").into());
        }
    };
    if !subject.pool.offers(MfaFactor::SoftwareToken) {
        let message = "Software Token MFA has not been enabled by the userPool";
        return Err(Failure::new(codes::SoftwareTokenMFANotFoundException, message).into());
    }
    Ok(subject)
}

async fn by_session<Op>(ports: &Ports, session: &str) -> Result<Subject, Unanswered<Op>>
where
    Op: Permits<codes::NotAuthorizedException>,
{
    let session = ChallengeSession::open(ports, session).map_err(session_refused)?;
    let pool = ports.directory.user_pool(&session.user_pool_id).await?;
    let invalid = poolhouse_domain::auth::session::SessionRefused::Invalid;
    let pool = pool.ok_or_else(|| session_refused(invalid))?;
    Ok(Subject { pool, sub: session.sub.clone(), session: Some(session) })
}

impl Subject {
    /// The user as stored now, for changing within the transaction.
    async fn user<Op>(&self, tx: &mut dyn Transaction) -> Result<User, Unanswered<Op>>
    where
        Op: Operation + Permits<codes::NotAuthorizedException>,
    {
        if let Some(session) = &self.session {
            return Ok(read_setup(tx, session).await?.map_err(session_refused)?);
        }
        let user = tx.user_by_sub(self.pool.id(), &self.sub).await?;
        Ok(user.ok_or_else(Failure::user_gone)?)
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! Users with software tokens, for tests of this and other slices.

    use poolhouse_domain::totp::code;
    use serde_json::{Value, json};

    use crate::testing::{PASSWORD, Stack, text};

    /// A pool that offers TOTP, with the given `MfaConfiguration`, and a client of it.
    pub(crate) async fn totp_pool(stack: &Stack, mfa: &str) -> (String, String) {
        let pool = stack.pool(json!({})).await;
        offer_totp(stack, &pool, mfa).await;
        let client = stack.client(&pool, json!({})).await;
        (pool, client)
    }

    /// Makes a pool offer TOTP.
    pub(crate) async fn offer_totp(stack: &Stack, pool: &str, mfa: &str) {
        let input = json!({
            "UserPoolId": pool, "MfaConfiguration": mfa,
            "SoftwareTokenMfaConfiguration": { "Enabled": true },
        });
        stack.ok("SetUserPoolMfaConfig", input).await;
    }

    /// The code that an authenticator with this secret shows now, or `steps` later.
    pub(crate) fn code(stack: &Stack, secret: &str, steps: i64) -> String {
        let key = totp_rs_secret(secret);
        code::current_code(&key, stack.ports.clock.now().plus_seconds(30 * steps))
    }

    /// Decodes the base32 text of a secret.
    fn totp_rs_secret(text: &str) -> Vec<u8> {
        const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
        for c in text.chars() {
            let value = ALPHABET.find(c).expect("base32");
            bits = (bits << 5 | u32::try_from(value).unwrap()) & 0xffff;
            count += 5;
            if count >= 8 {
                count -= 8;
                bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
            }
        }
        bytes
    }

    /// Sets up and prefers a software token for a user without MFA; answers its secret. The clock
    /// then stands one step later, so that the present code has not been used.
    pub(crate) async fn enrol(stack: &Stack, client: &str, username: &str) -> String {
        let token = stack.access_token(client, username).await;
        let answer = stack.ok("AssociateSoftwareToken", json!({ "AccessToken": token })).await;
        let secret = text(&answer["SecretCode"]);
        let input = json!({
            "AccessToken": token, "UserCode": code(stack, &secret, 0),
            "FriendlyDeviceName": "phone",
        });
        let answer = stack.ok("VerifySoftwareToken", input).await;
        assert_eq!(answer, json!({ "Status": "SUCCESS" }));
        let input = json!({
            "AccessToken": token,
            "SoftwareTokenMfaSettings": { "Enabled": true, "PreferredMfa": true },
        });
        assert_eq!(stack.ok("SetUserMFAPreference", input).await, json!({}));
        stack.advance(30);
        secret
    }

    /// Starts a sign-in with the password and answers what comes back.
    pub(crate) async fn start(stack: &Stack, client: &str, username: &str) -> Value {
        let parameters = json!({ "USERNAME": username, "PASSWORD": PASSWORD });
        let flow = "USER_PASSWORD_AUTH";
        let input = json!({ "ClientId": client, "AuthFlow": flow, "AuthParameters": parameters });
        stack.ok("InitiateAuth", input).await
    }

    /// The input that answers a challenge, which names the user by `USER_ID_FOR_SRP`.
    pub(crate) fn answer_to(client: &str, challenge: &Value, key: &str, value: &str) -> Value {
        let username = &challenge["ChallengeParameters"]["USER_ID_FOR_SRP"];
        json!({
            "ClientId": client, "ChallengeName": challenge["ChallengeName"],
            "Session": challenge["Session"],
            "ChallengeResponses": { "USERNAME": username, key: value },
        })
    }
}
