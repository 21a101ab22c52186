//! The server's own key service: every key ARN of its account is a key.
//!
//! Nothing is stored for a key, and none has to be made: what is wrapped under a key is sealed by
//! the [`Keyring`], with the key's ARN and the encryption context as associated data, so that it
//! opens for this ARN and this context only.
//!
//! **Format** of a wrapped key, of which nobody but this server knows the inside:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version, 1 |
//! | 2 | length of the ARN, big-endian |
//! | … | the ARN of the key |
//! | 77 | 32 bytes, sealed |
//!
//! An alias stands for a key whose id is made from the alias's ARN, because the messages of the
//! Encryption SDK name a key and never an alias.

use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::digest;
use zeroize::Zeroizing;

use super::{EncryptionContext, GeneratedKey, KeyService, KeyServiceFailed};
use crate::{
    arn,
    ports::{Entropy, Identity},
    sealing::{Keyring, OpenError, Purpose},
};

const VERSION: u8 = 1;
/// The longest name of a key, in bytes: what the API of key services takes.
const LONGEST_ID: usize = 2_048;

/// The ARN of the key that an id, an alias or an ARN names; none if no key of this account has that
/// name.
pub fn key_arn(identity: &Identity, key_id: &str) -> Option<String> {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | ':');
    if key_id.len() > LONGEST_ID || !key_id.chars().all(is_fit) {
        return None;
    }
    let arn = match key_id {
        arn if arn.starts_with("arn:") => arn.to_owned(),
        alias if alias.starts_with("alias/") => in_account(identity, alias),
        id => in_account(identity, &format!("key/{id}")),
    };
    if arn::service(&arn) != Some("kms") || !identity.owns(&arn) {
        return None;
    }
    let (kind, name) = arn::resource(&arn)?.split_once('/')?;
    match kind {
        _ if name.is_empty() => None,
        "key" if !name.contains(['/', ':']) => Some(arn),
        "alias" => Some(in_place_of(&arn)),
        _ => None,
    }
}

fn in_account(identity: &Identity, resource: &str) -> String {
    format!("arn:aws:kms:{}:{}:{resource}", identity.region, identity.account_id)
}

/// The ARN of the key that an alias stands for.
fn in_place_of(alias_arn: &str) -> String {
    let digest = digest::digest(&digest::SHA256, alias_arn.as_bytes());
    let bytes = digest.as_ref().first_chunk().copied().unwrap_or_default();
    let id = uuid::Builder::from_custom_bytes(bytes).into_uuid();
    let place = alias_arn.split_once(":alias/").map_or(alias_arn, |(place, _)| place);
    format!("{place}:key/{id}")
}

/// Wraps bytes under a key.
pub fn wrap(
    keyring: &Keyring,
    entropy: &dyn Entropy,
    key_arn: &str,
    context: &EncryptionContext,
    plaintext: &[u8],
) -> Vec<u8> {
    let length = u16::try_from(key_arn.len()).unwrap_or(u16::MAX).to_be_bytes();
    let place = place(key_arn, context);
    let sealed = keyring.seal(Purpose::WrappedKey, &place, plaintext, entropy);
    [&[VERSION], length.as_slice(), key_arn.as_bytes(), &sealed].concat()
}

/// What [`wrap`] made, read but not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrapped<'a> {
    /// The ARN of the key, which anybody may have put there until it is opened.
    pub key_arn: &'a str,
    sealed: &'a [u8],
}

impl<'a> Wrapped<'a> {
    /// Reads bytes that [`wrap`] may have made.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let [VERSION, high, low, rest @ ..] = bytes else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (arn, sealed) = rest.split_at_checked(length)?;
        Some(Self { key_arn: std::str::from_utf8(arn).ok()?, sealed })
    }

    /// Opens it for the context that it was wrapped for.
    pub fn open(
        &self,
        keyring: &Keyring,
        context: &EncryptionContext,
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        keyring.open(Purpose::WrappedKey, &place(self.key_arn, context), self.sealed)
    }
}

/// Where a wrapped key belongs. Lengths keep what follows from running together.
fn place(key_arn: &str, context: &EncryptionContext) -> Vec<u8> {
    let pairs = context.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
    let mut place = Vec::new();
    for text in std::iter::once(key_arn).chain(pairs) {
        place.extend_from_slice(&(text.len() as u64).to_be_bytes());
        place.extend_from_slice(text.as_bytes());
    }
    place
}

/// This server as its own key service.
pub struct OwnKeys {
    keyring: Arc<Keyring>,
    entropy: Arc<dyn Entropy>,
    identity: Arc<Identity>,
    encrypts_codes: bool,
}

impl OwnKeys {
    /// The keys of an account.
    pub fn new(keyring: Arc<Keyring>, entropy: Arc<dyn Entropy>, identity: Arc<Identity>) -> Self {
        Self { keyring, entropy, identity, encrypts_codes: true }
    }

    /// The same, and custom senders get codes as they are: for tests of functions on one machine.
    #[must_use]
    pub fn with_codes_in_the_clear(self) -> Self {
        Self { encrypts_codes: false, ..self }
    }
}

#[async_trait]
impl KeyService for OwnKeys {
    async fn generate_data_key(
        &self,
        key_arn: &str,
        context: &EncryptionContext,
    ) -> Result<GeneratedKey, KeyServiceFailed> {
        let key_arn = self::key_arn(&self.identity, key_arn).ok_or_else(|| {
            let account = &self.identity.account_id;
            KeyServiceFailed(format!("{key_arn} is not the ARN of a KMS key of account {account}"))
        })?;
        let mut plaintext = Zeroizing::new([0; 32]);
        self.entropy.fill(plaintext.as_mut_slice());
        let (keyring, entropy) = (&*self.keyring, &*self.entropy);
        let wrapped = wrap(keyring, entropy, &key_arn, context, plaintext.as_slice());
        Ok(GeneratedKey { key_arn, plaintext, wrapped })
    }

    fn encrypts_codes(&self) -> bool {
        self.encrypts_codes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealing::DataKey;
    use crate::tokens::issuer::Issuers;

    struct Counting(std::sync::atomic::AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
    }

    const KEY: &str = "arn:aws:kms:eu-central-1:123456789012:key/1a";

    fn identity() -> Identity {
        Identity {
            region: "eu-central-1".to_owned(),
            account_id: "123456789012".to_owned(),
            issuer_base: String::new(),
            issuers: Issuers::Own,
            domain_suffix: None,
        }
    }

    fn entropy() -> Arc<dyn Entropy> {
        Arc::new(Counting(1.into()))
    }

    fn keyring() -> Keyring {
        Keyring::new(&DataKey::generate(1, &*entropy()))
    }

    fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn keys_are_named_by_id_alias_or_arn() {
        let named = |id: &str| key_arn(&identity(), id);
        assert_eq!(named("1a").as_deref(), Some(KEY));
        assert_eq!(named(KEY).as_deref(), Some(KEY));
        let by_alias = named("alias/codes").unwrap();
        assert!(by_alias.starts_with("arn:aws:kms:eu-central-1:123456789012:key/"), "{by_alias}");
        assert_eq!(by_alias.len(), KEY.len() - 2 + 36);
        assert_eq!(named("arn:aws:kms:eu-central-1:123456789012:alias/codes"), Some(by_alias));
        assert_ne!(named("alias/codes"), named("alias/codes2"));
        for id in [
            "",
            "alias/",
            "arn:aws:kms:eu-central-1:123456789012:key/",
            "arn:aws:kms:eu-central-1:123456789012:key/a/b",
            "arn:aws:kms:eu-central-1:123456789012:key",
            "arn:aws:kms:eu-central-1:123456789012:grant/a",
            "arn:aws:kms:eu-central-1:999999999999:key/1a",
            "arn:aws:s3:eu-central-1:123456789012:key/1a",
            "1a\u{e4}",
        ] {
            assert_eq!(named(id), None, "{id}");
        }
        assert_eq!(named(&"k".repeat(2_049)), None);
    }

    #[test]
    fn what_is_wrapped_opens_for_its_key_and_its_context_only() {
        let (keyring, entropy) = (keyring(), entropy());
        let right = context(&[("userpool-id", "p"), ("a", "b")]);
        let blob = wrap(&keyring, &*entropy, KEY, &right, b"secret");
        let wrapped = Wrapped::read(&blob).unwrap();
        assert_eq!(wrapped.key_arn, KEY);
        assert_eq!(wrapped.open(&keyring, &right).unwrap().as_slice(), b"secret");
        for wrong in [
            context(&[]),
            context(&[("userpool-id", "p")]),
            context(&[("userpool-id", "q"), ("a", "b")]),
            context(&[("userpool-id", "p"), ("a", "b"), ("c", "")]),
            context(&[("userpool-id", "pa"), ("", "b")]),
            context(&[("userpool-idp", ""), ("a", "b")]),
        ] {
            assert_eq!(wrapped.open(&keyring, &wrong), Err(OpenError::Forged), "{wrong:?}");
        }
        let other_key = String::from_utf8_lossy(&blob[..3 + KEY.len()]).replace("/1a", "/1b");
        let moved = [other_key.as_bytes(), &blob[3 + KEY.len()..]].concat();
        let moved = Wrapped::read(&moved).unwrap();
        assert_eq!(moved.key_arn, KEY.replace("/1a", "/1b"));
        assert_eq!(moved.open(&keyring, &right), Err(OpenError::Forged));
    }

    #[test]
    fn no_byte_of_a_wrapped_key_can_be_changed_or_cut_off() {
        let (keyring, entropy, context) = (keyring(), entropy(), context(&[("a", "b")]));
        let blob = wrap(&keyring, &*entropy, KEY, &context, &[7; 32]);
        let opens = |blob: &[u8]| {
            Wrapped::read(blob).is_some_and(|wrapped| wrapped.open(&keyring, &context).is_ok())
        };
        assert!(opens(&blob));
        for index in 0..blob.len() {
            let mut altered = blob.clone();
            altered[index] ^= 1;
            assert!(!opens(&altered), "byte {index}");
            assert!(!opens(&blob[..index]), "{index} bytes");
        }
        assert!(!opens(&[blob.as_slice(), &[0]].concat()));
    }

    #[tokio::test]
    async fn data_keys_are_fresh_and_of_keys_of_the_account() {
        let keys = OwnKeys::new(Arc::new(keyring()), entropy(), Arc::new(identity()));
        let context = context(&[("a", "b")]);
        let first = keys.generate_data_key(KEY, &context).await.ok().unwrap();
        let second = keys.generate_data_key(KEY, &context).await.ok().unwrap();
        assert_ne!(first.plaintext, second.plaintext);
        assert_eq!(first.key_arn, KEY);
        let opened = Wrapped::read(&first.wrapped).unwrap().open(&keys.keyring, &context).unwrap();
        assert_eq!(opened.as_slice(), first.plaintext.as_slice());
        let alias = "arn:aws:kms:eu-central-1:123456789012:alias/codes";
        let of_alias = keys.generate_data_key(alias, &context).await.ok().unwrap();
        assert_eq!(Some(of_alias.key_arn), key_arn(&identity(), alias));
        let foreign = KEY.replace("123456789012", "999999999999");
        let failed = keys.generate_data_key(&foreign, &context).await.err().unwrap();
        assert!(failed.0.ends_with("is not the ARN of a KMS key of account 123456789012"));
        assert!(keys.encrypts_codes());
        assert!(!keys.with_codes_in_the_clear().encrypts_codes());
    }
}
