//! `DescribeKey`: the ARN of a key or of what an alias stands for.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Asked, Refused, SYMMETRIC};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    key_id: Option<String>,
}

pub(super) fn handle(asked: &Asked<'_>, input: &Input) -> Result<Value, Refused> {
    let arn = asked.key_arn(input.key_id.as_deref())?;
    asked.permit(&arn, None)?;
    let id = arn.rsplit_once('/').map_or(arn.as_str(), |(_, id)| id);
    Ok(json!({ "KeyMetadata": {
        "AWSAccountId": asked.ports.identity.account_id,
        "Arn": arn,
        "CustomerMasterKeySpec": SYMMETRIC,
        "Description": "",
        "Enabled": true,
        "EncryptionAlgorithms": [SYMMETRIC],
        "KeyId": id,
        "KeyManager": "CUSTOMER",
        "KeySpec": SYMMETRIC,
        "KeyState": "Enabled",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "MultiRegion": false,
        "Origin": "AWS_KMS",
    } }))
}
