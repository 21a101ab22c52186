//! Codes and temporary passwords on their way to functions of custom senders.
//!
//! A custom sender gets the secret of a message as `code`: a message of the AWS Encryption SDK
//! ([`message`]) in base64, under the key that its pool names (`LambdaConfig.KMSKeyID`). What
//! functions do with it is in `docs/custom-senders.md`.

mod message;

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::{
    key_service::{EncryptionContext, KeyService, KeyServiceFailed},
    ports::{Entropy, Ports},
    user_pools::UserPool,
};
use message::{Message, SigningKey};

/// The name under which the encryption context tells the pool. Whoever grants the use of a key can
/// restrict it to pools by this name.
const USER_POOL: &str = "userpool-id";

/// A secret was not encrypted, and so must not be sent.
#[derive(Debug, thiserror::Error)]
pub enum CodeNotEncrypted {
    /// The pool names no key. None with a custom sender can be made like this.
    #[error("the user pool has no KMSKeyID")]
    NoKey,
    /// The key service gave no data key.
    #[error("the key service: {0}")]
    KeyService(#[from] KeyServiceFailed),
    /// The secret, or what the key service answered, does not fit into a message.
    #[error("a part of the encrypted message is too long")]
    TooLong,
    /// Cryptography failed, which nothing but a lack of memory explains.
    #[error("the code could not be encrypted")]
    Crypto,
}

/// The `code` of an event for a custom sender of this pool: a code or temporary password, encrypted,
/// in base64.
///
/// May ask another server for a key: not for inside a write transaction.
///
/// # Errors
/// There is no key, or the key service fails; trying again later may help.
pub async fn encrypt_code(
    ports: &Ports,
    pool: &UserPool,
    code: &str,
) -> Result<String, CodeNotEncrypted> {
    let triggers = pool.settings.lambda_config.as_ref();
    let key_arn = triggers.and_then(|triggers| triggers.kms_key_id.as_deref());
    let key_arn = key_arn.ok_or(CodeNotEncrypted::NoKey)?;
    encrypt(&*ports.key_service, &*ports.entropy, key_arn, pool.id(), code).await
}

/// The same for whoever has no pool at hand but its id and the ARN of its key.
///
/// # Errors
/// As those of [`encrypt_code`].
pub async fn encrypt(
    key_service: &dyn KeyService,
    entropy: &dyn Entropy,
    key_arn: &str,
    user_pool_id: &str,
    code: &str,
) -> Result<String, CodeNotEncrypted> {
    let secret = Zeroizing::new(html_escaped(code));
    if !key_service.encrypts_codes() {
        return Ok(secret.as_str().to_owned());
    }
    let signing_key = SigningKey::generate()?;
    let mut context = EncryptionContext::new();
    context.insert(USER_POOL.to_owned(), user_pool_id.to_owned());
    context.insert(message::PUBLIC_KEY.to_owned(), signing_key.public_key()?);
    let data_key = key_service.generate_data_key(key_arn, &context).await?;
    let mut id = [0; message::ID];
    entropy.fill(&mut id);
    let message = Message { id, context: &context, data_key: &data_key };
    Ok(STANDARD.encode(message.encrypt(&signing_key, secret.as_bytes())?))
}

/// Escapes what HTML reserves: functions get temporary passwords like this (documented for `<` and
/// `>`; that `&` belongs to them and quotes don't is a belief). Codes are digits and stay the same.
fn html_escaped(secret: &str) -> String {
    secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests;
