//! The key service: whose keys protect the codes that custom senders get.
//!
//! Codes leave for functions of custom senders as messages of the AWS Encryption SDK
//! ([`crate::code_encryption`]). Each has a data key of its own, which the key service makes and
//! wraps under the key that the pool names (`LambdaConfig.KMSKeyID`); the function asks the same
//! service to unwrap it. By default that is this server, with [`own_keys`]; it may be an AWS KMS, or
//! what speaks its protocol.

use std::collections::BTreeMap;

use async_trait::async_trait;
use zeroize::Zeroizing;

pub mod own_keys;

/// What a wrapped key is bound to: names and values that must be repeated to unwrap it. They are no
/// secrets.
pub type EncryptionContext = BTreeMap<String, String>;

/// A new data key: in the clear for whoever encrypts now, and wrapped for whoever decrypts later.
pub struct GeneratedKey {
    /// The ARN of the key that wraps it: that of a key, also where an alias was asked for.
    pub key_arn: String,
    /// The key in the clear.
    pub plaintext: Zeroizing<[u8; 32]>,
    /// The key wrapped.
    pub wrapped: Vec<u8>,
}

/// No data key was made, and why, for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyServiceFailed(pub String);

/// Makes data keys.
#[async_trait]
pub trait KeyService: Send + Sync {
    /// A new data key of 256 bits, wrapped under the key or alias of this ARN and bound to the
    /// context. Ends within seconds.
    async fn generate_data_key(
        &self,
        key_arn: &str,
        context: &EncryptionContext,
    ) -> Result<GeneratedKey, KeyServiceFailed>;

    /// Whether codes are encrypted at all. `poolhouse dev` can be told to hand them out as they are.
    fn encrypts_codes(&self) -> bool {
        true
    }
}
