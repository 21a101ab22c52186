//! What every operation has: a name, an access rule, an input and an output shape, and codes.

use std::collections::BTreeMap;

use crate::operations::OperationName;
use crate::{Decode, DecodeError, Encode, decode_body};

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Anyone; a signature, if sent, is not looked at.
    None,
    /// Callers who sign the request with AWS Signature Version 4.
    SigV4,
}

/// What a request is about, as far as its own members tell: what permissions and rate limits look
/// at before the operation does. Borrowed from the decoded input, so that both see the same.
#[derive(Clone, Copy, Default)]
pub struct About<'a> {
    /// The user pool.
    pub user_pool_id: Option<&'a str>,
    /// The ARN of the user pool, in the operations on tags.
    pub resource_arn: Option<&'a str>,
    /// The app client.
    pub client_id: Option<&'a str>,
    /// The user, by username or alias.
    pub username: Option<&'a str>,
    /// The token of the user who calls.
    pub access_token: Option<&'a str>,
    /// Tags that are to be given.
    pub tags: Option<&'a BTreeMap<String, String>>,
    /// Keys of tags that are to be taken away.
    pub tag_keys: Option<&'a [String]>,
}

/// An operation of the service, as a type. Implemented by the markers in [`crate::operations`].
pub trait Operation {
    /// The name that follows the target prefix in `X-Amz-Target`.
    const NAME: &'static str;
    /// Who may call it.
    const AUTH: Auth;
    /// Whether success has a body; without one it is zero bytes long.
    const HAS_OUTPUT: bool;
    /// The same name as a value.
    const NAME_ENUM: OperationName;
    /// The input shape.
    type Input: Decode + Clone + Send;
    /// The output shape, [`NoOutput`] where the model names none.
    type Output: Encode + Send;

    /// Reads a request body, reporting every violated constraint at once.
    fn decode(body: &[u8]) -> Result<Self::Input, DecodeError> {
        decode_body(body)
    }

    /// What a request is about; empty where no member tells.
    fn about(_input: &Self::Input) -> About<'_> {
        About::default()
    }
}

/// The output of an operation that has no output shape; encodes to an empty body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoOutput;

impl Encode for NoOutput {
    fn encode(&self, _out: &mut String) {}
}

/// An error type of the service. Implemented by the types in [`crate::codes`].
pub trait Code {
    /// The name that goes into `__type`.
    const NAME: &'static str;
    /// The HTTP status: 400, or 500 for a fault of ours.
    const STATUS: u16;
}

/// Says that an operation may answer with the code `C`.
pub trait Permits<C: Code> {}
