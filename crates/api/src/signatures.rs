//! Who signed a request. The check itself belongs to the outside world; here is its port.

use async_trait::async_trait;
use poolhouse_domain::{Fault, access_keys::Policies};

/// The services whose requests this server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The user pools API.
    UserPools,
    /// The keys of custom senders.
    Keys,
}

impl Service {
    /// The name that signatures have for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserPools => "cognito-idp",
            Self::Keys => "kms",
        }
    }
}

/// The administrator who signed a request.
#[derive(Clone, Debug)]
pub struct Administrator {
    /// The id of the access key.
    pub access_key_id: String,
    /// The name that the key was given.
    pub name: String,
    /// The region that the signature names.
    pub region: String,
    /// What the key may do.
    pub authority: Authority,
}

/// What an administrator may do.
#[derive(Clone, Debug)]
pub enum Authority {
    /// Everything, because nobody's signature is verified.
    Everything,
    /// What the policies of the access key allow.
    Limited(Policies),
}

/// A signature that is missing or doesn't hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureRefused {
    /// The error type, such as `InvalidSignatureException`.
    pub type_name: &'static str,
    /// The message.
    pub message: String,
}

/// Verifies the signatures of requests.
#[async_trait]
pub trait Signatures: Send + Sync {
    /// Who signed the request, if the signature holds and is for this service.
    async fn verify(
        &self,
        service: Service,
        parts: &http::request::Parts,
        body: &[u8],
    ) -> Result<Result<Administrator, SignatureRefused>, Fault>;
}
