//! `Decrypt`: the data key of a message.

use base64::{Engine, engine::general_purpose::STANDARD};
use poolhouse_domain::{
    Fault,
    key_service::{EncryptionContext, own_keys::Wrapped},
    sealing::OpenError,
};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};

use super::{Asked, Blob, Problem, Refused, SYMMETRIC};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    ciphertext_blob: Option<Blob>,
    encryption_context: Option<EncryptionContext>,
    key_id: Option<String>,
    encryption_algorithm: Option<String>,
    dry_run: Option<bool>,
    recipient: Option<IgnoredAny>,
}

/// Permission is looked at before anything is opened, for the key that the bytes name.
pub(super) fn handle(asked: &Asked<'_>, input: Input) -> Result<Value, Problem> {
    let blob = input.ciphertext_blob.ok_or_else(|| Refused::missing("ciphertextBlob"))?;
    check_options(input.encryption_algorithm.as_deref(), input.dry_run, input.recipient)?;
    let wrapped = Wrapped::read(&blob.0).ok_or(INVALID)?;
    let context = input.encryption_context.unwrap_or_default();
    asked.permit(wrapped.key_arn, Some(&context))?;
    if let Some(key_id) = &input.key_id
        && asked.key_arn(Some(key_id))? != wrapped.key_arn
    {
        return Err(other_key().into());
    }
    let plaintext = match wrapped.open(&asked.ports.keyring, &context) {
        Ok(plaintext) => plaintext,
        // Another server has made the key a moment ago; this one is about to load it.
        Err(error @ OpenError::UnknownKey(_)) => {
            return Err(Fault::because("a wrapped key can't be opened yet", error).into());
        }
        Err(OpenError::Malformed | OpenError::Forged) => return Err(INVALID.into()),
    };
    Ok(json!({
        "KeyId": wrapped.key_arn,
        "Plaintext": STANDARD.encode(&plaintext),
        "EncryptionAlgorithm": SYMMETRIC,
    }))
}

/// Altered, of another context, or not from here: nobody is told which.
const INVALID: Refused = Refused::silent("InvalidCiphertextException");

fn other_key() -> Refused {
    let message = "The key ID in the request does not identify a CMK that can perform this \
                   operation.";
    Refused::new("IncorrectKeyException", message)
}

fn check_options(
    algorithm: Option<&str>,
    dry_run: Option<bool>,
    recipient: Option<IgnoredAny>,
) -> Result<(), Refused> {
    if algorithm.is_some_and(|algorithm| algorithm != SYMMETRIC) {
        let message = "The algorithm is not one of symmetric keys.";
        return Err(Refused::new("InvalidKeyUsageException", message));
    }
    if dry_run == Some(true) {
        return Err(Refused::unsupported("DryRun"));
    }
    if recipient.is_some() {
        return Err(Refused::unsupported("Recipient"));
    }
    Ok(())
}
