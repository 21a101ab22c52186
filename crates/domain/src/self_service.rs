//! What people do for themselves at the pages of a domain and applications do for them through the
//! API: signing up, recovering a password, setting up a second factor. The pages call the same
//! operations, so that both answer alike.

use async_trait::async_trait;
pub use poolhouse_wire::OperationName;
use serde_json::Value;

use crate::{fault::Ruling, ports::Ports};

/// Why an operation refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The name of the error type.
    pub name: String,
    /// The message.
    pub message: String,
}

/// The operations of the API that need no signature.
#[async_trait]
pub trait Operations: Send + Sync {
    /// Calls one with its input, with the checks and rates that applications meet.
    async fn call(
        &self,
        ports: &Ports,
        operation: OperationName,
        input: &Value,
    ) -> Ruling<Value, Refusal>;
}
