//! Messages of the AWS Encryption SDK, as far as codes need them: one data key, one frame.
//!
//! The format is documented at
//! <https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/message-format.html>. The
//! algorithm suite is 0x0378: AES-256-GCM under a key that HKDF derives from the data key, and an
//! ECDSA signature over all. It is the one that functions for custom senders are written for; its
//! successor 0x0578 also commits to the key, and older clients don't know it.
//!
//! | part | bytes |
//! |---|---|
//! | header | version `01`, type `80`, suite `0378`, message id |
//! | | encryption context: length, count, pairs in the order of their names |
//! | | count of data keys, 1: provider `aws-kms`, ARN of the key, wrapped data key |
//! | | content type `02` (framed), reserved `00000000`, length of nonces `0c`, length of frames |
//! | header's tag | nonce of zeros, AES-GCM tag of nothing with the header as associated data |
//! | last frame | `ffffffff`, number 1, nonce 1, length, ciphertext, tag |
//! | footer | signature over all before it |
//!
//! Texts and byte strings are preceded by their lengths in two bytes. Numbers are big-endian.
//!
//! The signing key is made for one message, and its public half is in the encryption context, which
//! the data key is bound to. So the signature shows that who made the message had the data key
//! made, and not merely unwrapped it.

use aws_lc_rs::{
    aead::AES_256_GCM,
    encoding::{AsBigEndian, EcPublicKeyCompressedBin},
    error::Unspecified,
    hkdf::{HKDF_SHA384, Salt},
    rand::SystemRandom,
    signature::{ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::CodeNotEncrypted;
use crate::{
    key_service::{EncryptionContext, GeneratedKey},
    sealing,
};

/// The name of the public key in the encryption context.
pub(super) const PUBLIC_KEY: &str = "aws-crypto-public-key";
/// The length of a message's id.
pub(super) const ID: usize = 16;

/// Version 1, customer authenticated encrypted data.
const VERSION_AND_TYPE: [u8; 2] = [0x01, 0x80];
/// AES-256-GCM, HKDF with SHA-384, ECDSA on P-384 with SHA-384.
const ALGORITHM: [u8; 2] = [0x03, 0x78];
/// Who wraps the data key.
const PROVIDER: &[u8] = b"aws-kms";
/// The content is in frames.
const FRAMED: u8 = 2;
const NONCE: usize = 12;
const NONCE_LENGTH: u8 = 12;
/// The length of all frames but the last. A secret always fits into the last.
const FRAME: u32 = 4_096;
const LAST_FRAME: [u8; 4] = [0xff; 4];
const LAST_FRAME_LABEL: &[u8] = b"AWSKMSEncryptionClient Final Frame";
/// Frames are counted from 1, and there is one.
const FIRST: u32 = 1;

/// The key that signs one message.
pub(super) struct SigningKey(EcdsaKeyPair);

impl SigningKey {
    /// A new key. Its randomness is the library's own: it lives as long as one message is made.
    pub(super) fn generate() -> Result<Self, CodeNotEncrypted> {
        Ok(Self(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING)?))
    }

    /// The public key as it stands in the encryption context: the compressed point in base64.
    pub(super) fn public_key(&self) -> Result<String, CodeNotEncrypted> {
        let point: EcPublicKeyCompressedBin<'_> = self.0.public_key().as_be_bytes()?;
        Ok(STANDARD.encode(point.as_ref()))
    }

    /// A signature in DER.
    pub(super) fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, CodeNotEncrypted> {
        Ok(self.0.sign(&SystemRandom::new(), bytes)?.as_ref().to_vec())
    }
}

/// What a message is made of, besides its secret.
pub(super) struct Message<'a> {
    /// Random.
    pub(super) id: [u8; ID],
    /// What the data key was bound to, the public key included.
    pub(super) context: &'a EncryptionContext,
    /// The key, used for this message only.
    pub(super) data_key: &'a GeneratedKey,
}

impl Message<'_> {
    /// The whole message.
    pub(super) fn encrypt(
        &self,
        signing_key: &SigningKey,
        secret: &[u8],
    ) -> Result<Vec<u8>, CodeNotEncrypted> {
        let key = self.content_key()?;
        let mut message = self.header()?;
        let tag = sealing::encrypt(&key, &[0; NONCE], &message, b"");
        message.extend_from_slice(&[0; NONCE]);
        message.extend_from_slice(&tag);
        message.extend_from_slice(&self.last_frame(&key, secret)?);
        let signature = signing_key.sign(&message)?;
        put(&mut message, &signature)?;
        Ok(message)
    }

    /// The key that encrypts: bound to the suite and to the message's id.
    fn content_key(&self) -> Result<Zeroizing<[u8; 32]>, CodeNotEncrypted> {
        let pseudorandom = Salt::none(HKDF_SHA384).extract(self.data_key.plaintext.as_slice());
        let mut key = Zeroizing::new([0; 32]);
        let info = [ALGORITHM.as_slice(), &self.id];
        pseudorandom.expand(&info, &AES_256_GCM)?.fill(key.as_mut_slice())?;
        Ok(key)
    }

    fn header(&self) -> Result<Vec<u8>, CodeNotEncrypted> {
        let mut header = [VERSION_AND_TYPE, ALGORITHM].concat();
        header.extend_from_slice(&self.id);
        put(&mut header, &encoded(self.context)?)?;
        header.extend_from_slice(&1_u16.to_be_bytes());
        put(&mut header, PROVIDER)?;
        put(&mut header, self.data_key.key_arn.as_bytes())?;
        put(&mut header, &self.data_key.wrapped)?;
        header.push(FRAMED);
        header.extend_from_slice(&[0; 4]);
        header.push(NONCE_LENGTH);
        header.extend_from_slice(&FRAME.to_be_bytes());
        Ok(header)
    }

    fn last_frame(&self, key: &[u8; 32], secret: &[u8]) -> Result<Vec<u8>, CodeNotEncrypted> {
        let length = u32::try_from(secret.len()).ok().filter(|length| *length <= FRAME);
        let length = length.ok_or(CodeNotEncrypted::TooLong)?;
        let number = FIRST.to_be_bytes();
        let nonce = [&[0; NONCE - 4], number.as_slice()].concat();
        let long = u64::from(length).to_be_bytes();
        let place = [&self.id, LAST_FRAME_LABEL, &number, &long].concat();
        let ciphertext = sealing::encrypt(key, &nonce, &place, secret);
        Ok([&LAST_FRAME, number.as_slice(), &nonce, &length.to_be_bytes(), &ciphertext].concat())
    }
}

/// An encryption context: how many pairs, and the pairs.
fn encoded(context: &EncryptionContext) -> Result<Vec<u8>, CodeNotEncrypted> {
    let count = u16::try_from(context.len()).map_err(|_| CodeNotEncrypted::TooLong)?;
    let mut bytes = count.to_be_bytes().to_vec();
    for (name, value) in context {
        put(&mut bytes, name.as_bytes())?;
        put(&mut bytes, value.as_bytes())?;
    }
    Ok(bytes)
}

/// Appends a length and what has it.
fn put(bytes: &mut Vec<u8>, field: &[u8]) -> Result<(), CodeNotEncrypted> {
    let length = u16::try_from(field.len()).map_err(|_| CodeNotEncrypted::TooLong)?;
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(field);
    Ok(())
}

impl From<Unspecified> for CodeNotEncrypted {
    fn from(_: Unspecified) -> Self {
        Self::Crypto
    }
}
