//! The secrets of a confidential app client, and how they are exchanged for new ones: a second one
//! is added, those who use the client move over, and the first one is deleted.

use subtle::{Choice, ConstantTimeEq};

use super::{AppClient, ClientSecret, settings::new_secret};
use crate::{ports::Entropy, shapes::ClientTypeType, time::Timestamp};

/// Secrets that a client can have at most.
const MOST: usize = 2;

/// Why secrets stay as they are. The text for the third secret is another implementation's, the
/// others are beliefs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretsRefused {
    /// A client that was made without a secret never gets one.
    #[error("User pool client {0} is not configured for secret.")]
    Public(String),
    /// Clients that registered themselves keep the secret that they got.
    #[error("Client secrets cannot be changed for dynamically registered client {0}.")]
    Registered(String),
    /// One secret more than a client can have.
    #[error("Client secrets cannot exceed limit of 2 secrets.")]
    TooMany,
    /// The client has no secret with this id.
    #[error("Client secret {0} does not exist.")]
    Unknown(String),
    /// A confidential client keeps one secret.
    #[error("The last client secret of a user pool client cannot be deleted.")]
    Last,
}

impl ClientSecret {
    /// A secret of the client, made now.
    pub(super) fn of(client_id: &str, value: String, now: Timestamp) -> Self {
        Self { id: id_at(client_id, now.seconds()), value, created_at: now }
    }
}

/// The id of a secret that was added at this second.
fn id_at(client_id: &str, seconds: i64) -> String {
    format!("{client_id}--{seconds}")
}

/// What is wrong with a secret that came with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongSecret {
    /// The client has a secret, and none was sent.
    Missing,
    /// It is another one.
    Wrong,
}

/// Checks a secret that came as it is. Each active secret is good; clients without a secret may
/// send what they like. Constant-time.
pub fn check(client: &AppClient, claimed: Option<&str>) -> Result<(), WrongSecret> {
    if client.secrets.is_empty() {
        return Ok(());
    }
    let claimed = claimed.ok_or(WrongSecret::Missing)?.as_bytes();
    let is_one = client
        .secrets
        .iter()
        .fold(Choice::from(0), |found, secret| found | secret.value.as_bytes().ct_eq(claimed));
    if bool::from(is_one) { Ok(()) } else { Err(WrongSecret::Wrong) }
}

/// Adds a second secret: the given one, or a new one. Both are good from then on.
pub fn add(
    client: &mut AppClient,
    given: Option<String>,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<ClientSecret, SecretsRefused> {
    check_kind(client)?;
    if client.secrets.len() >= MOST {
        return Err(SecretsRefused::TooMany);
    }
    let value = given.unwrap_or_else(|| new_secret(entropy));
    let mut secret = ClientSecret::of(client.id(), value, now);
    // Within a second of the other one, the id tells them apart by the second after.
    if client.secrets.iter().any(|other| other.id == secret.id) {
        secret.id = id_at(client.id(), now.seconds() + 1);
    }
    client.secrets.push(secret.clone());
    Ok(secret)
}

/// Deletes a secret that is not the last.
pub fn delete(client: &mut AppClient, secret_id: &str) -> Result<(), SecretsRefused> {
    check_kind(client)?;
    if !client.secrets.iter().any(|secret| secret.id == secret_id) {
        return Err(SecretsRefused::Unknown(secret_id.to_owned()));
    }
    if client.secrets.len() == 1 {
        return Err(SecretsRefused::Last);
    }
    client.secrets.retain(|secret| secret.id != secret_id);
    Ok(())
}

/// Only confidential clients that an administrator made have secrets that can change.
fn check_kind(client: &AppClient) -> Result<(), SecretsRefused> {
    if client.settings.client_type == Some(ClientTypeType::Dcr) {
        return Err(SecretsRefused::Registered(client.id().to_owned()));
    }
    if client.secrets.is_empty() {
        return Err(SecretsRefused::Public(client.id().to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sevens;

    impl Entropy for Sevens {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    fn client() -> AppClient {
        let mut client = AppClient::default();
        client.settings.client_id = Some("c".to_owned().into());
        client.secrets.push(ClientSecret::of("c", "first".to_owned(), at(0)));
        client
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_700_000_000 + seconds)
    }

    #[test]
    fn ids_differ_even_within_a_second_and_through_further_exchanges() {
        let mut client = client();
        for (deleted, added) in [
            ("c--1700000000", "c--1700000001"),
            ("c--1700000001", "c--1700000000"),
            ("c--1700000000", "c--1700000001"),
        ] {
            let secret = add(&mut client, None, &Sevens, at(0)).unwrap();
            assert_eq!((secret.id.as_str(), secret.created_at), (added, at(0)));
            delete(&mut client, deleted).unwrap();
            assert_eq!(client.secrets, [secret]);
        }
    }

    #[test]
    fn clients_that_registered_themselves_keep_their_secret() {
        let mut client = client();
        client.settings.client_type = Some(ClientTypeType::Dcr);
        let refused = SecretsRefused::Registered("c".to_owned());
        assert_eq!(add(&mut client, None, &Sevens, at(9)), Err(refused.clone()));
        assert_eq!(delete(&mut client, "c--1700000000"), Err(refused));
        assert_eq!(client.secrets.len(), 1);
    }
}
