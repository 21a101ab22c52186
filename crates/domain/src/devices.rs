//! Devices: what a pool with `DeviceConfiguration` remembers of the machines that users sign in on.
//!
//! | step | who | what |
//! |---|---|---|
//! | sign-in without a known `DEVICE_KEY` | server | draws a key ([`NewDevice`]); nothing is stored, the tokens carry it |
//! | `ConfirmDevice` | client | draws a device password, sends salt and verifier ([`confirm`]) |
//! | `UpdateDeviceStatus` | client | where the pool leaves the choice to users: remember it or don't |
//! | sign-in with the key | both | a remembered device proves its password by SRP (`auth/device.rs`) |
//! | refresh | client | sends the key along ([`allows_refresh`]) |

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use poolhouse_bignum::Number;
use zeroize::Zeroizing;

use crate::{
    fault::{Fault, Ruling},
    ids,
    ports::{Ports, Transaction},
    srp,
    time::Timestamp,
    tokens::{access::Bearer, claims::SignIn},
    user_pools::UserPool,
};

/// The most devices that are kept of one user. A client that forgets its key at each sign-in makes
/// a device each time; beyond this number the one that was used longest ago gives way. (The service
/// publishes no limit.)
pub const MOST_DEVICES: u32 = 500;

/// A device that a user has confirmed.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// The pool.
    pub user_pool_id: String,
    /// The `sub` of the user whose device it is.
    pub sub: String,
    /// `DeviceKey`.
    pub key: String,
    /// `DeviceName`.
    pub name: Option<String>,
    /// Whether it is remembered: its proof is asked for at sign-in.
    pub is_remembered: bool,
    /// What its proof is checked with. Sealed at rest.
    pub verifier: DeviceVerifier,
    /// The address from which it was last used, if known.
    pub last_ip: Option<String>,
    /// The session of a sign-in that waits for the proof, as text, for clients that don't send it.
    pub waiting_session: Option<String>,
    /// When it was confirmed.
    pub created_at: Timestamp,
    /// When it was confirmed, used or changed last.
    pub modified_at: Timestamp,
    /// When somebody last signed in with it.
    pub last_authenticated_at: Timestamp,
}

/// Salt and verifier of a device password, as the client made them. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceVerifier {
    /// The salt, big-endian without leading zeros.
    pub salt: Vec<u8>,
    /// The verifier, likewise.
    pub verifier: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for DeviceVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeviceVerifier(***)")
    }
}

/// The longest salt, in bytes; clients make 16 or 17.
const MOST_SALT: usize = 64;
/// The longest verifier, in bytes: the group's width and the zero byte that Java puts in front.
const MOST_VERIFIER: usize = 385;

impl DeviceVerifier {
    /// Reads `Salt` and `PasswordVerifier`, base64. None if one is no number of a fitting size, or
    /// the verifier is zero, with which anybody could prove the device.
    pub fn from_base64(salt: &str, verifier: &str) -> Option<Self> {
        let number = |text: &str, most: usize| {
            let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
            let fits = !bytes.is_empty() && bytes.len() <= most;
            let start = bytes.iter().take_while(|byte| **byte == 0).count();
            fits.then(|| bytes.get(start..).unwrap_or_default().to_vec())
        };
        let salt = number(salt, MOST_SALT)?;
        let verifier = Zeroizing::new(number(verifier, MOST_VERIFIER)?);
        (!Number::from_bytes(&verifier).is_zero()).then_some(Self { salt, verifier })
    }

    /// `SALT` of the challenge.
    pub fn salt_hex(&self) -> String {
        srp::to_hex(&self.salt)
    }
}

/// The device that a sign-in may become: `NewDeviceMetadata`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDevice {
    /// `DeviceKey`.
    pub key: String,
    /// `DeviceGroupKey`.
    pub group_key: String,
}

impl NewDevice {
    /// Draws the key of a new device.
    pub fn draw(ports: &Ports, pool: &UserPool) -> Self {
        let key = format!("{}_{}", ports.identity.region, ids::random_uuid(&*ports.entropy));
        Self { key, group_key: group_key(pool.id()) }
    }
}

/// Whether a text that a stranger sent is short enough to be a key; the model allows 55 characters.
pub fn may_be_key(text: &str) -> bool {
    text.len() <= 55
}

/// `DeviceGroupKey`: `-` and eight letters or digits.
///
/// It is no secret, only a name that is hashed with the device password. That all devices of a pool
/// share one is a belief; taken from the pool's id it need not be stored.
pub fn group_key(user_pool_id: &str) -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let hash = digest(&SHA256, format!("device group\0{user_pool_id}").as_bytes());
    let letter = |byte: &u8| ALPHABET.get(usize::from(*byte) % ALPHABET.len());
    let letters = hash.as_ref().iter().take(8).filter_map(letter);
    std::iter::once('-').chain(letters.map(|letter| char::from(*letter))).collect()
}

/// Whether a pool tracks devices.
pub fn is_tracked(pool: &UserPool) -> bool {
    pool.settings.device_configuration.is_some()
}

/// Whether a device is remembered only after the user has said so, by `UpdateDeviceStatus`.
pub fn is_opt_in(pool: &UserPool) -> bool {
    let configuration = pool.settings.device_configuration.as_ref();
    configuration.is_some_and(|c| c.device_only_remembered_on_user_prompt == Some(true))
}

/// Whether a remembered device's proof stands in for the second factor.
pub fn replaces_second_factor(pool: &UserPool) -> bool {
    let configuration = pool.settings.device_configuration.as_ref();
    configuration.is_some_and(|c| c.challenge_required_on_new_device == Some(true))
}

/// Why a device can't be confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfirmRefused {
    /// The sign-in behind the access token was given another key, or none.
    AnotherKey,
    /// It has been confirmed before.
    Exists,
    /// The user was deleted meanwhile.
    UserGone,
}

/// Keeps the device of a sign-in. Answers whether the user still has to say that it shall be
/// remembered.
pub async fn confirm(
    ports: &Ports,
    bearer: &Bearer,
    key: &str,
    name: Option<String>,
    verifier: DeviceVerifier,
) -> Ruling<bool, ConfirmRefused> {
    if bearer.claims.device_key.as_deref() != Some(key) {
        return Ok(Err(ConfirmRefused::AnotherKey));
    }
    let (now, pool, sub) = (ports.clock.now(), &bearer.pool, &bearer.user.sub);
    let device = Device {
        user_pool_id: pool.id().to_owned(),
        sub: sub.clone(),
        key: key.to_owned(),
        name,
        is_remembered: !is_opt_in(pool),
        verifier,
        last_ip: address(ports),
        waiting_session: None,
        created_at: now,
        modified_at: now,
        last_authenticated_at: now,
    };
    let mut tx = ports.store.write().await?;
    if !tx.hold_user(pool.id(), sub).await? {
        return Ok(Err(ConfirmRefused::UserGone));
    }
    if !tx.insert_device(&device).await? {
        return Ok(Err(ConfirmRefused::Exists));
    }
    tx.trim_devices(pool.id(), sub, MOST_DEVICES).await?;
    tx.commit().await?;
    Ok(Ok(is_opt_in(pool)))
}

/// The address from which the present request comes, as a device keeps it.
pub fn address(ports: &Ports) -> Option<String> {
    ports.caller.ip.map(|ip| ip.to_string())
}

/// Whether the tokens of a sign-in may be refreshed by a client that names this device key.
///
/// Where devices are tracked, a refresh token works only together with the key of its device, and
/// only once the device is confirmed (<https://github.com/aws/aws-sdk-java-v2/issues/3418>). That
/// tokens from before tracking was switched on, or kept until it was switched off again, go on
/// without a key is a belief.
pub async fn allows_refresh(
    ports: &Ports,
    tx: &mut dyn Transaction,
    sign_in: &SignIn,
    named: Option<&str>,
) -> Result<bool, Fault> {
    let Some(key) = &sign_in.device_key else { return Ok(true) };
    let pool = ports.directory.user_pool(&sign_in.user_pool_id).await?;
    if !pool.is_some_and(|pool| is_tracked(&pool)) {
        return Ok(true);
    }
    Ok(named == Some(key) && tx.device(&sign_in.user_pool_id, &sign_in.sub, key).await?.is_some())
}

/// Storage of devices.
#[async_trait]
pub trait Devices: Send {
    /// Stores a new device; `false` if the user has one with this key.
    async fn insert_device(&mut self, device: &Device) -> Result<bool, Fault>;

    /// A user's device.
    async fn device(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        key: &str,
    ) -> Result<Option<Device>, Fault>;

    /// A page of a user's devices in ascending order of their keys, after that key; all, or only
    /// those that are remembered.
    async fn list_devices(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        only_remembered: bool,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Device>, Fault>;

    /// Sets whether a device is remembered; `false` if there is none.
    async fn remember_device(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        key: &str,
        is_remembered: bool,
        now: Timestamp,
    ) -> Result<bool, Fault>;

    /// Keeps the session of a sign-in that waits for a device's proof, in place of an earlier one.
    /// Nothing happens if there is no such device.
    async fn await_device(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        key: &str,
        session: &str,
    ) -> Result<(), Fault>;

    /// Records that somebody signed in with a device, and from where if that is known; no sign-in
    /// waits for it any more. `false` if there is none, or it is not remembered and has to be.
    async fn use_device(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        key: &str,
        ip: Option<&str>,
        must_be_remembered: bool,
        now: Timestamp,
    ) -> Result<bool, Fault>;

    /// Removes a device; `false` if there is none.
    async fn delete_device(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        key: &str,
    ) -> Result<bool, Fault>;

    /// Removes all devices of a user but the `keep` that were used last.
    async fn trim_devices(&mut self, user_pool_id: &str, sub: &str, keep: u32)
    -> Result<(), Fault>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_key_is_a_dash_and_eight_letters_or_digits_and_depends_on_the_pool() {
        let key = group_key("us-east-1_TestPool1");
        assert_eq!(key, group_key("us-east-1_TestPool1"));
        assert_ne!(key, group_key("us-east-1_TestPool2"));
        let letters = key.strip_prefix('-').unwrap();
        assert!(letters.len() == 8 && letters.bytes().all(|b| b.is_ascii_alphanumeric()), "{key}");
    }

    #[test]
    fn salts_and_verifiers_are_numbers_of_a_fitting_size() {
        let base64 = |bytes: &[u8]| STANDARD.encode(bytes);
        let read =
            DeviceVerifier::from_base64(&base64(&[0, 0xf0, 1]), &base64(&[0, 0, 7])).unwrap();
        assert_eq!((read.salt_hex().as_str(), read.verifier.as_slice()), ("f001", &[7][..]));
        let good = base64(&[5; 16]);
        let modulus = base64(&poolhouse_bignum::modulus());
        for bad in ["", "*", &base64(&[0; 385]), &base64(&[1; 386]), &modulus] {
            assert_eq!(DeviceVerifier::from_base64(&good, bad), None, "{bad}");
        }
        for bad in ["", "*", &base64(&[1; 65])] {
            assert_eq!(DeviceVerifier::from_base64(bad, &good), None, "{bad}");
        }
        assert!(DeviceVerifier::from_base64(&good, &base64(&[1; 385])).is_some());
    }

    #[test]
    fn a_verifier_does_not_print() {
        let verifier = DeviceVerifier::from_base64("AQ==", "Ag==").unwrap();
        assert_eq!(format!("{verifier:?}"), "DeviceVerifier(***)");
    }
}
