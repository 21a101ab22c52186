//! `GenerateDataKey`: a new data key, for tests of functions, and for another Poolhouse that has this
//! one for its key service.

use base64::{Engine, engine::general_purpose::STANDARD};
use poolhouse_domain::key_service::{EncryptionContext, own_keys};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Asked, Refused};

/// The longest data key, in bytes.
const LONGEST: usize = 1_024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    key_id: Option<String>,
    encryption_context: Option<EncryptionContext>,
    key_spec: Option<String>,
    number_of_bytes: Option<usize>,
    dry_run: Option<bool>,
    recipient: Option<IgnoredAny>,
}

pub(super) fn handle(asked: &Asked<'_>, input: Input) -> Result<Value, Refused> {
    let arn = asked.key_arn(input.key_id.as_deref())?;
    let length = length(input.key_spec.as_deref(), input.number_of_bytes)?;
    if input.dry_run == Some(true) {
        return Err(Refused::unsupported("DryRun"));
    }
    if input.recipient.is_some() {
        return Err(Refused::unsupported("Recipient"));
    }
    let context = input.encryption_context.unwrap_or_default();
    asked.permit(&arn, Some(&context))?;
    let (keyring, entropy) = (&*asked.ports.keyring, &*asked.ports.entropy);
    let mut plaintext = Zeroizing::new(vec![0; length]);
    entropy.fill(&mut plaintext);
    let wrapped = own_keys::wrap(keyring, entropy, &arn, &context, &plaintext);
    Ok(json!({
        "CiphertextBlob": STANDARD.encode(wrapped),
        "KeyId": arn,
        "Plaintext": STANDARD.encode(&plaintext),
    }))
}

/// How many bytes the data key is to have, which must be said in exactly one of the two ways.
fn length(spec: Option<&str>, bytes: Option<usize>) -> Result<usize, Refused> {
    match (spec, bytes) {
        (Some("AES_256"), None) => Ok(32),
        (Some("AES_128"), None) => Ok(16),
        (None, Some(bytes @ 1..=LONGEST)) => Ok(bytes),
        _ => {
            let message = "Please specify either number of bytes or key spec.";
            Err(Refused::new("ValidationException", message))
        }
    }
}
