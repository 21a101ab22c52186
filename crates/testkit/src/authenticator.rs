//! A browser with an authenticator in it, made of software: makes passkeys and shows them.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use coset::cbor::{self, value::Value as Cbor};
use serde_json::{Value, json};

/// A browser that holds one passkey.
pub struct Authenticator {
    key: Key,
    id: Vec<u8>,
}

enum Key {
    Es256(Box<EcdsaKeyPair>),
    Rs256(Box<RsaKeyPair>),
}

/// What browser and authenticator say of a ceremony; [`Told::default`] is right for a page of
/// `https://example.com` whose authenticator makes sure of its user and does not count.
#[derive(Clone, Debug)]
pub struct Told {
    /// The page.
    pub origin: String,
    /// The relying party that the authenticator works for.
    pub relying_party_id: String,
    /// The flags of the authenticator data, but for the one that says that a credential follows.
    pub flags: u8,
    /// The count of signatures.
    pub sign_count: u32,
    /// The ceremony, if it is not the one that the answer is for.
    pub ceremony: Option<String>,
    /// Whether the page says that it is inside another site's.
    pub cross_origin: bool,
    /// Who the authenticator says its user is.
    pub user_handle: Option<String>,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            origin: "https://example.com".to_owned(),
            relying_party_id: "example.com".to_owned(),
            // The user was there, and verified.
            flags: 0b101,
            sign_count: 0,
            ceremony: None,
            cross_origin: false,
            user_handle: None,
        }
    }
}

#[expect(clippy::expect_used, reason = "where no key can be made no test can go on")]
impl Authenticator {
    /// One whose key is of ES256. The id names the credential.
    ///
    /// # Panics
    /// If no key can be made.
    pub fn es256(id: &str) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING);
        Self { key: Key::Es256(Box::new(key.expect("a key can be made"))), id: id.into() }
    }

    /// One whose key is of RS256.
    ///
    /// # Panics
    /// If no key can be made.
    pub fn rs256(id: &str) -> Self {
        let key = RsaKeyPair::generate(KeySize::Rsa2048);
        Self { key: Key::Rs256(Box::new(key.expect("a key can be made"))), id: id.into() }
    }

    /// The credential's id as the protocol shows it.
    pub fn id(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.id)
    }

    /// The public key as a `COSE_Key`.
    pub fn public_key(&self) -> Cbor {
        let int = |number: i64| Cbor::from(number);
        Cbor::Map(match &self.key {
            Key::Es256(key) => {
                let point = key.public_key().as_ref();
                let (x, y) = point.split_at(1).1.split_at(32);
                vec![
                    (int(1), int(2)),
                    (int(3), int(-7)),
                    (int(-1), int(1)),
                    (int(-2), Cbor::Bytes(x.to_vec())),
                    (int(-3), Cbor::Bytes(y.to_vec())),
                ]
            }
            Key::Rs256(key) => {
                // PKCS #1: the modulus of 256 bytes, two bytes before the exponent, 65537.
                let der = key.public_key().as_ref();
                let (rest, e) = der.split_at(der.len() - 3);
                let n = rest.split_at(rest.len() - 2).0;
                let (n, e) = (n.split_at(n.len() - 256).1.to_vec(), e.to_vec());
                vec![
                    (int(1), int(3)),
                    (int(3), int(-257)),
                    (int(-1), Cbor::Bytes(n)),
                    (int(-2), Cbor::Bytes(e)),
                ]
            }
        })
    }

    /// Answers creation options (`RegistrationResponseJSON`).
    pub fn register(&self, options: &Value, told: &Told) -> Value {
        self.register_key(options, told, &self.public_key())
    }

    /// The same with any `COSE_Key` in place of the public key.
    pub fn register_key(&self, options: &Value, told: &Told, public_key: &Cbor) -> Value {
        let client_data = client_data(options, told, "webauthn.create");
        let mut data = authenticator_data(told, told.flags | 0b100_0000);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap_or(u16::MAX).to_be_bytes());
        data.extend(&self.id);
        data.extend(bytes_of(public_key));
        let object = Cbor::Map(vec![
            (Cbor::from("fmt"), Cbor::from("none")),
            (Cbor::from("attStmt"), Cbor::Map(vec![])),
            (Cbor::from("authData"), Cbor::Bytes(data)),
        ]);
        json!({
            "type": "public-key", "id": self.id(), "rawId": self.id(),
            "clientExtensionResults": {}, "authenticatorAttachment": "platform",
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
                "attestationObject": URL_SAFE_NO_PAD.encode(bytes_of(&object)),
                "transports": ["internal", "hybrid"],
            },
        })
    }

    /// Answers request options (`AuthenticationResponseJSON`).
    pub fn show(&self, options: &Value, told: &Told) -> Value {
        let client_data = client_data(options, told, "webauthn.get");
        let data = authenticator_data(told, told.flags);
        let hash = digest(&SHA256, client_data.as_bytes());
        let signature = self.sign(&[data.as_slice(), hash.as_ref()].concat());
        let mut response = json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "signature": URL_SAFE_NO_PAD.encode(signature),
        });
        if let (Some(handle), Some(response)) = (&told.user_handle, response.as_object_mut()) {
            response.insert("userHandle".to_owned(), URL_SAFE_NO_PAD.encode(handle).into());
        }
        json!({
            "type": "public-key", "id": self.id(), "rawId": self.id(),
            "clientExtensionResults": {}, "response": response,
        })
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.key {
            Key::Es256(key) => {
                key.sign(&random, message).map(|made| made.as_ref().to_vec()).unwrap_or_default()
            }
            Key::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                let signed = key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature);
                signed.map(|()| signature).unwrap_or_default()
            }
        }
    }
}

fn client_data(options: &Value, told: &Told, ceremony: &str) -> String {
    json!({
        "type": told.ceremony.as_deref().unwrap_or(ceremony), "challenge": options.get("challenge"),
        "origin": told.origin, "crossOrigin": told.cross_origin,
    })
    .to_string()
}

fn authenticator_data(told: &Told, flags: u8) -> Vec<u8> {
    let hash = digest(&SHA256, told.relying_party_id.as_bytes());
    let count = told.sign_count.to_be_bytes();
    [hash.as_ref(), &[flags], count.as_slice()].concat()
}

fn bytes_of(value: &Cbor) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory can't fail.
    let _ = cbor::into_writer(value, &mut bytes);
    bytes
}
