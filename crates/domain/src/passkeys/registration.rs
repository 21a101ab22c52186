//! A user registers a passkey: options for the browser, then its answer.

use coset::cbor::{self, value::Value};
use serde::{Deserialize, Serialize};

use super::{
    Descriptor, MOST, Passkey, PendingRegistration, TIMEOUT,
    ceremony::{
        AuthenticatorData, Bytes, Ceremony, CeremonyRefused, Credential, Expected,
        check_client_data,
    },
    encoded, friendly_name, is_enabled, key, new_challenge, relying_party_id, verification,
};
use crate::{
    fault::{Fault, Ruling},
    granted,
    ports::{Ports, Transaction},
    shapes::UserVerificationType,
    time::Timestamp,
    tokens::access::Bearer,
    user_pools::UserPool,
    users::User,
};

/// Seconds in which a started registration has to be completed. A belief: longer than browsers wait,
/// for pages that ask something more.
const LIFETIME: i64 = 300;

/// Transports of a passkey that are kept at most; WebAuthn knows six.
const MOST_TRANSPORTS: usize = 10;

/// Why a passkey can't be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationRefused {
    /// The pool's users don't sign in by passkey.
    NotEnabled,
    /// The pool has no relying party.
    NoRelyingParty,
    /// The user has as many passkeys as a user can have.
    TooMany,
    /// None was started, or too long ago.
    NoChallenge,
    /// It was started with a token of another app client.
    OtherClient,
    /// The pool knows the credential already.
    Known,
    /// The browser's answer.
    Ceremony(CeremonyRefused),
}

impl From<CeremonyRefused> for RegistrationRefused {
    fn from(refused: CeremonyRefused) -> Self {
        Self::Ceremony(refused)
    }
}

/// What a browser needs to make a passkey (`PublicKeyCredentialCreationOptionsJSON`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreationOptions {
    authenticator_selection: Selection,
    challenge: String,
    exclude_credentials: Vec<Descriptor>,
    pub_key_cred_params: [Algorithm; 2],
    rp: RelyingParty,
    timeout: u32,
    user: Account,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Selection {
    require_resident_key: bool,
    resident_key: &'static str,
    user_verification: &'static str,
}

#[derive(Debug, Serialize)]
struct Algorithm {
    alg: i64,
    r#type: &'static str,
}

#[derive(Debug, Serialize)]
struct RelyingParty {
    id: String,
    name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    display_name: String,
    name: String,
    id: String,
}

/// Who registers a passkey, and through which app client.
#[derive(Clone, Copy)]
pub struct Registrant<'a> {
    /// The pool.
    pub pool: &'a UserPool,
    /// The id of the app client.
    pub client_id: &'a str,
    /// The user, who has proved who they are.
    pub user: &'a User,
}

impl<'a> From<&'a Bearer> for Registrant<'a> {
    fn from(bearer: &'a Bearer) -> Self {
        Self { pool: &bearer.pool, client_id: bearer.client.id(), user: &bearer.user }
    }
}

/// Starts a registration, in place of one that was started before.
pub async fn start(
    ports: &Ports,
    registrant: Registrant<'_>,
) -> Ruling<CreationOptions, RegistrationRefused> {
    begin(ports, registrant, false).await
}

/// Goes on with the registration that the app client has started, if there is time left for a browser,
/// or starts one.
pub async fn start_or_go_on(
    ports: &Ports,
    registrant: Registrant<'_>,
) -> Ruling<CreationOptions, RegistrationRefused> {
    begin(ports, registrant, true).await
}

async fn begin(
    ports: &Ports,
    registrant: Registrant<'_>,
    may_go_on: bool,
) -> Ruling<CreationOptions, RegistrationRefused> {
    let Registrant { pool, user, .. } = registrant;
    if !is_enabled(pool) {
        return Ok(Err(RegistrationRefused::NotEnabled));
    }
    let Some(id) = relying_party_id(&ports.identity, pool) else {
        return Ok(Err(RegistrationRefused::NoRelyingParty));
    };
    let mut view = ports.store.read().await?;
    let passkeys = view.passkeys_of_user(pool.id(), &user.sub).await?;
    if passkeys.len() >= MOST {
        return Ok(Err(RegistrationRefused::TooMany));
    }
    let until = ports.clock.now().plus_seconds(i64::from(TIMEOUT / 1_000));
    let started =
        if may_go_on { find_pending(&mut *view, registrant, until).await?.ok() } else { None };
    drop(view);
    let pending = match started {
        Some(pending) => pending,
        None => put_pending(ports, registrant).await?,
    };
    let known = passkeys.into_iter().filter(|passkey| passkey.relying_party_id == id);
    Ok(Ok(CreationOptions {
        authenticator_selection: Selection {
            require_resident_key: true,
            resident_key: "required",
            user_verification: verification(pool).as_str(),
        },
        challenge: encoded(&pending.challenge),
        exclude_credentials: known
            .map(|passkey| Descriptor {
                id: passkey.credential_id,
                transports: None,
                r#type: "public-key",
            })
            .collect(),
        pub_key_cred_params: key::ALGORITHMS.map(|alg| Algorithm { alg, r#type: "public-key" }),
        rp: RelyingParty { name: id.clone(), id },
        timeout: TIMEOUT,
        user: Account {
            // That both are the username, also where it is a UUID, is a belief.
            display_name: user.username.clone(),
            name: user.username.clone(),
            id: encoded(user.sub.as_bytes()),
        },
    }))
}

/// A new challenge, in place of the one before.
async fn put_pending(
    ports: &Ports,
    registrant: Registrant<'_>,
) -> Result<PendingRegistration, Fault> {
    let pending = PendingRegistration {
        user_pool_id: registrant.pool.id().to_owned(),
        sub: registrant.user.sub.clone(),
        client_id: registrant.client_id.to_owned(),
        challenge: new_challenge(&*ports.entropy),
        expires_at: ports.clock.now().plus_seconds(LIFETIME),
    };
    let mut tx = ports.store.write().await?;
    tx.put_pending_passkey(&pending).await?;
    tx.commit().await?;
    Ok(pending)
}

/// What the authenticator said of the new credential.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    #[serde(rename = "clientDataJSON")]
    client_data: Bytes,
    attestation_object: Bytes,
    #[serde(default)]
    transports: Vec<String>,
}

/// Completes a registration with the browser's answer, in its JSON form. The challenge is used up by
/// a passkey that is accepted.
pub async fn complete(
    ports: &Ports,
    registrant: Registrant<'_>,
    credential: &str,
) -> Ruling<(), RegistrationRefused> {
    let Registrant { pool, user, .. } = registrant;
    if !is_enabled(pool) {
        return Ok(Err(RegistrationRefused::NotEnabled));
    }
    let answer = granted!(Credential::<Response>::read(credential));
    let now = ports.clock.now();
    let mut tx = ports.store.read().await?;
    let pending = granted!(find_pending(&mut *tx, registrant, now).await?);
    // Was there when it was started; the pool may belong to none since.
    let relying_party = relying_party_id(&ports.identity, pool);
    let relying_party = granted!(relying_party.ok_or(CeremonyRefused::RelyingParty));
    let passkey = granted!(checked(pool, &relying_party, &pending, answer, now));
    let mut tx = ports.store.write().await?;
    tx.spend_pending_passkey(&pending).await?;
    if tx.passkeys_of_user(pool.id(), &user.sub).await?.len() >= MOST {
        return Ok(Err(RegistrationRefused::TooMany));
    }
    if !tx.insert_passkey(&passkey).await? {
        return Ok(Err(RegistrationRefused::Known));
    }
    tx.commit().await?;
    Ok(Ok(()))
}

async fn find_pending(
    tx: &mut dyn Transaction,
    registrant: Registrant<'_>,
    now: Timestamp,
) -> Ruling<PendingRegistration, RegistrationRefused> {
    let Registrant { pool, client_id, user } = registrant;
    let pending = tx.pending_passkey(pool.id(), &user.sub).await?;
    let Some(pending) = pending.filter(|pending| now < pending.expires_at) else {
        return Ok(Err(RegistrationRefused::NoChallenge));
    };
    let is_same = pending.client_id == client_id;
    Ok(if is_same { Ok(pending) } else { Err(RegistrationRefused::OtherClient) })
}

/// The passkey in a browser's answer, if the answer belongs to the started registration.
///
/// The attestation statement, with which some authenticators tell what they are, is not asked for,
/// and not looked at: a user pool trusts authenticators of all kinds.
fn checked(
    pool: &UserPool,
    relying_party_id: &str,
    pending: &PendingRegistration,
    answer: Credential<Response>,
    now: Timestamp,
) -> Result<Passkey, RegistrationRefused> {
    let must_verify = verification(pool) == UserVerificationType::Required;
    let expected = Expected { relying_party_id, challenge: &pending.challenge, must_verify };
    let response = &answer.response;
    let client_data = check_client_data(&response.client_data.0, Ceremony::Registration, &expected);
    client_data.map_err(|refused| match refused {
        CeremonyRefused::Challenge => RegistrationRefused::NoChallenge,
        refused => refused.into(),
    })?;
    let data = AuthenticatorData::read(&authenticator_data(&response.attestation_object.0)?)?;
    data.check(&expected)?;
    let attested = data.attested.filter(|attested| attested.id == answer.id());
    let attested = attested.ok_or(CeremonyRefused::Malformed)?;
    if !key::is_usable(&attested.public_key) {
        return Err(CeremonyRefused::Algorithm.into());
    }
    let attachments = ["platform", "cross-platform"];
    let attachment =
        answer.authenticator_attachment.filter(|given| attachments.contains(&given.as_str()));
    Ok(Passkey {
        user_pool_id: pool.id().to_owned(),
        sub: pending.sub.clone(),
        credential_id: encoded(&attested.id),
        relying_party_id: relying_party_id.to_owned(),
        friendly_name: friendly_name::of(&attested.aaguid, attachment.as_deref()),
        public_key: attested.public_key,
        sign_count: data.sign_count,
        attachment,
        transports: transports(answer.response.transports),
        created_at: now,
    })
}

/// The authenticator data in an attestation object (WebAuthn, section 6.5).
fn authenticator_data(object: &[u8]) -> Result<Vec<u8>, CeremonyRefused> {
    let mut rest = object;
    let object = cbor::from_reader::<Value, _>(&mut rest).ok().filter(|_| rest.is_empty());
    let members = object.and_then(|object| object.into_map().ok());
    let members = members.ok_or(CeremonyRefused::Malformed)?;
    let has = |name: &str| members.iter().any(|(key, _)| key.as_text() == Some(name));
    let data = members.iter().find(|(key, _)| key.as_text() == Some("authData"));
    let data = data.and_then(|(_, value)| value.as_bytes());
    let data = data.filter(|_| has("fmt") && has("attStmt"));
    data.cloned().ok_or(CeremonyRefused::Malformed)
}

/// The transports that have the form of such a word: browsers learn new ones.
fn transports(given: Vec<String>) -> Vec<String> {
    let is_word = |text: &String| {
        (1..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    given.into_iter().filter(is_word).take(MOST_TRANSPORTS).collect()
}
