//! Messages, taken apart byte by byte, opened, and attacked.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use async_trait::async_trait;
use aws_lc_rs::{
    hkdf::{self, HKDF_SHA384},
    signature::{ECDSA_P384_SHA384_ASN1, UnparsedPublicKey},
};

use super::*;
use crate::{
    key_service::{
        GeneratedKey,
        own_keys::{OwnKeys, Wrapped},
    },
    ports::Identity,
    sealing::{self, DataKey, Keyring},
    tokens::issuer::Issuers,
};

const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/0f5a";
const POOL: &str = "us-east-1_AbCdEfGhI";

struct Counting(AtomicU8);

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

/// A key service, and what opens what it wraps.
struct Place {
    keyring: Arc<Keyring>,
    entropy: Arc<dyn Entropy>,
    keys: OwnKeys,
}

fn place() -> Place {
    let entropy: Arc<dyn Entropy> = Arc::new(Counting(AtomicU8::new(1)));
    let keyring = Arc::new(Keyring::new(&DataKey::generate(1, &*entropy)));
    let identity = Arc::new(Identity {
        region: "us-east-1".to_owned(),
        account_id: "123456789012".to_owned(),
        issuer_base: String::new(),
        issuers: Issuers::Own,
        domain_suffix: None,
    });
    let keys = OwnKeys::new(Arc::clone(&keyring), Arc::clone(&entropy), identity);
    Place { keyring, entropy, keys }
}

impl Place {
    async fn encrypted(&self, code: &str) -> Vec<u8> {
        let code = encrypt(&self.keys, &*self.entropy, KEY, POOL, code).await.unwrap();
        STANDARD.decode(code).unwrap()
    }

    /// What a function does: all checks of the SDKs, and the plaintext.
    fn decrypt(&self, message: &[u8]) -> Result<String, &'static str> {
        let read = Read::from(message).ok_or("not a message")?;
        let point = STANDARD.decode(read.context.get(message::PUBLIC_KEY).ok_or("no public key")?);
        let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, point.map_err(|_| "no base64")?);
        key.verify(read.signed, read.signature).map_err(|_| "signature")?;
        let wrapped = Wrapped::read(read.wrapped).ok_or("not a wrapped key")?;
        let data_key = wrapped.open(&self.keyring, &read.context).map_err(|_| "wrapped key")?;
        let mut content_key = [0; 32];
        let info = [[3, 0x78].as_slice(), read.id];
        let salt = hkdf::Salt::new(HKDF_SHA384, &[0; 48]);
        let prk = salt.extract(&data_key);
        let okm = prk.expand(&info, &aws_lc_rs::aead::AES_256_GCM).unwrap();
        okm.fill(&mut content_key).unwrap();
        sealing::decrypt(&content_key, read.header_nonce, read.header, read.header_tag)
            .map_err(|_| "header")?;
        let label = b"AWSKMSEncryptionClient Final Frame".as_slice();
        let length = (read.ciphertext.len() as u64 - 16).to_be_bytes();
        let aad = [read.id, label, &[0, 0, 0, 1], &length].concat();
        let plain = sealing::decrypt(&content_key, read.nonce, &aad, read.ciphertext);
        String::from_utf8(plain.map_err(|_| "content")?.to_vec()).map_err(|_| "text")
    }
}

/// A message taken apart.
struct Read<'a> {
    id: &'a [u8],
    context: EncryptionContext,
    key_arn: &'a [u8],
    wrapped: &'a [u8],
    header: &'a [u8],
    header_nonce: &'a [u8],
    header_tag: &'a [u8],
    nonce: &'a [u8],
    /// With its tag.
    ciphertext: &'a [u8],
    signed: &'a [u8],
    signature: &'a [u8],
}

/// What is not read yet.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn expect(&mut self, bytes: &[u8]) -> Option<()> {
        (self.take(bytes.len())? == bytes).then_some(())
    }

    fn number(&mut self) -> Option<usize> {
        Some(usize::from(u16::from_be_bytes(self.take(2)?.try_into().ok()?)))
    }

    fn field(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(length)
    }
}

impl<'a> Read<'a> {
    /// Reads a message of the one form that there is; anything else is none.
    fn from(message: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor(message);
        cursor.expect(&[0x01, 0x80, 0x03, 0x78])?;
        let id = cursor.take(16)?;
        let mut pairs = Cursor(cursor.field()?);
        let mut context = EncryptionContext::new();
        let mut names = Vec::new();
        for _ in 0..pairs.number()? {
            let name = String::from_utf8(pairs.field()?.to_vec()).ok()?;
            names.push(name.clone());
            context.insert(name, String::from_utf8(pairs.field()?.to_vec()).ok()?);
        }
        let is_whole = pairs.0.is_empty() && names.is_sorted() && names.len() == context.len();
        is_whole.then_some(())?;
        cursor.expect(&[0, 1, 0, 7])?;
        cursor.expect(b"aws-kms")?;
        let (key_arn, wrapped) = (cursor.field()?, cursor.field()?);
        cursor.expect(&[2, 0, 0, 0, 0, 12, 0, 0, 0x10, 0])?;
        let header = &message[..message.len() - cursor.0.len()];
        let (header_nonce, header_tag) = (cursor.take(12)?, cursor.take(16)?);
        cursor.expect(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1])?;
        let nonce = cursor.take(12)?;
        let length = u32::from_be_bytes(cursor.take(4)?.try_into().ok()?);
        let ciphertext = cursor.take(usize::try_from(length).ok()? + 16)?;
        let signed = &message[..message.len() - cursor.0.len()];
        let signature = cursor.field()?;
        cursor.0.is_empty().then_some(())?;
        Some(Self {
            id,
            context,
            key_arn,
            wrapped,
            header,
            header_nonce,
            header_tag,
            nonce,
            ciphertext,
            signed,
            signature,
        })
    }
}

#[tokio::test]
async fn a_message_has_the_documented_layout() {
    let place = place();
    let message = place.encrypted("123456").await;
    let read = Read::from(&message).unwrap();
    assert_eq!(read.context.len(), 2);
    assert_eq!(read.context["userpool-id"], POOL);
    let point = STANDARD.decode(&read.context["aws-crypto-public-key"]).unwrap();
    assert_eq!(point.len(), 49);
    assert!(matches!(point[0], 2 | 3), "compressed");
    assert_eq!(read.key_arn, KEY.as_bytes());
    assert_eq!(Wrapped::read(read.wrapped).unwrap().key_arn, KEY);
    assert_eq!(read.header_nonce, [0; 12]);
    assert_eq!(read.nonce, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(read.ciphertext.len(), 6 + 16);
    assert_eq!(read.signature[0], 0x30, "DER");
    assert_eq!(place.decrypt(&message).as_deref(), Ok("123456"));
}

#[tokio::test]
async fn each_message_has_keys_and_an_id_of_its_own() {
    let place = place();
    let (one, two) = (place.encrypted("123456").await, place.encrypted("123456").await);
    let (one, two) = (Read::from(&one).unwrap(), Read::from(&two).unwrap());
    assert_ne!(one.id, two.id);
    assert_ne!(one.context, two.context);
    assert_ne!(one.wrapped, two.wrapped);
    assert_ne!(one.ciphertext, two.ciphertext);
}

#[tokio::test]
async fn temporary_passwords_are_escaped_for_html_and_codes_stay() {
    let place = place();
    for (secret, expected) in [
        ("<Correct>&\"Horse'-7", "&lt;Correct&gt;&amp;\"Horse'-7"),
        ("&lt;", "&amp;lt;"),
        ("12345678", "12345678"),
        ("Pässwörd-7", "Pässwörd-7"),
    ] {
        let message = place.encrypted(secret).await;
        assert_eq!(place.decrypt(&message).as_deref(), Ok(expected));
    }
}

#[tokio::test]
async fn no_byte_of_a_message_can_be_changed_or_cut_off() {
    let place = place();
    let message = place.encrypted("123456").await;
    for index in 0..message.len() {
        let mut altered = message.clone();
        altered[index] ^= 1;
        assert!(place.decrypt(&altered).is_err(), "byte {index}");
        assert!(place.decrypt(&message[..index]).is_err(), "{index} bytes");
    }
    assert!(place.decrypt(&[message.as_slice(), &[0]].concat()).is_err());
}

/// Puts other bytes into a message and signs it anew, with a key that the attacker has.
fn signed_anew(message: &[u8], change: impl Fn(&[u8]) -> Vec<u8>, key: &SigningKey) -> Vec<u8> {
    let read = Read::from(message).unwrap();
    let old = read.context[message::PUBLIC_KEY].clone();
    let new = key.public_key().unwrap();
    assert_eq!(old.len(), new.len());
    let signed = replaced(&change(read.signed), old.as_bytes(), new.as_bytes());
    let signature = key.sign(&signed).unwrap();
    let length = u16::try_from(signature.len()).unwrap().to_be_bytes();
    [signed.as_slice(), &length, &signature].concat()
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

#[tokio::test]
async fn who_signs_a_message_anew_cannot_have_its_key_unwrapped() {
    let place = place();
    let message = place.encrypted("123456").await;
    let key = SigningKey::generate().unwrap();
    let same = signed_anew(&message, <[u8]>::to_vec, &key);
    assert_eq!(place.decrypt(&same), Err("wrapped key"), "the public key is in the context");
    let other_pool = |bytes: &[u8]| replaced(bytes, POOL.as_bytes(), b"us-east-1_AbCdEfGhJ");
    let other_pool = signed_anew(&message, other_pool, &key);
    assert_eq!(place.decrypt(&other_pool), Err("wrapped key"));
}

#[tokio::test]
async fn the_key_of_another_server_opens_nothing() {
    let (ours, theirs) = (place(), place());
    let keyring = Keyring::new(&DataKey::generate(1, &Counting(AtomicU8::new(99))));
    let theirs = Place { keyring: Arc::new(keyring), ..theirs };
    let message = ours.encrypted("123456").await;
    assert_eq!(theirs.decrypt(&message), Err("wrapped key"));
}

/// A key service that answers what it is told.
struct Canned(Result<Vec<u8>, KeyServiceFailed>);

#[async_trait]
impl KeyService for Canned {
    async fn generate_data_key(
        &self,
        key_arn: &str,
        _: &EncryptionContext,
    ) -> Result<GeneratedKey, KeyServiceFailed> {
        let wrapped = self.0.clone()?;
        Ok(GeneratedKey { key_arn: key_arn.to_owned(), plaintext: [7; 32].into(), wrapped })
    }
}

#[tokio::test]
async fn what_is_not_encrypted_is_an_error_and_never_the_code() {
    let entropy = Counting(AtomicU8::new(1));
    let failed = Canned(Err(KeyServiceFailed("it sleeps".to_owned())));
    let error = encrypt(&failed, &entropy, KEY, POOL, "123456").await.unwrap_err();
    assert_eq!(error.to_string(), "the key service: it sleeps");
    let endless = Canned(Ok(vec![0; 65_536]));
    let error = encrypt(&endless, &entropy, KEY, POOL, "123456").await.unwrap_err();
    assert!(matches!(error, CodeNotEncrypted::TooLong), "{error}");
    let usual = Canned(Ok(vec![0; 200]));
    let error = encrypt(&usual, &entropy, KEY, POOL, &"1".repeat(4_097)).await.unwrap_err();
    assert!(matches!(error, CodeNotEncrypted::TooLong), "{error}");
    assert!(encrypt(&usual, &entropy, KEY, POOL, &"1".repeat(4_096)).await.is_ok());
}

#[tokio::test]
async fn in_the_clear_only_where_it_was_asked_for() {
    let place = place();
    let keys = place.keys.with_codes_in_the_clear();
    let code = encrypt(&keys, &*place.entropy, KEY, POOL, "<7>").await.unwrap();
    assert_eq!(code, "&lt;7&gt;");
}
