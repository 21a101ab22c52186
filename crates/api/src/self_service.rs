//! Operations that the login pages call for people, within this server.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    fault::Ruling,
    ports::Ports,
    self_service::{Operations, Refusal},
};
use poolhouse_wire::{Auth, OperationName};
use serde_json::Value;

use crate::{dispatch, gate::Gate};

/// Calls operations as an application would, without the way over HTTP.
#[derive(Clone, Copy, Debug)]
pub struct InProcess;

#[async_trait]
impl Operations for InProcess {
    async fn call(
        &self,
        ports: &Ports,
        operation: OperationName,
        input: &Value,
    ) -> Ruling<Value, Refusal> {
        if operation.auth() != Auth::None {
            return Err(Fault::broken("the pages call an operation that needs a signature"));
        }
        let gate = Gate { administrator: None };
        let body = input.to_string();
        let answer = dispatch::dispatch(ports, gate, operation, body.as_bytes()).await;
        let status = answer.status();
        let body: Value = serde_json::from_str(answer.body()).unwrap_or_default();
        if status.is_success() {
            return Ok(Ok(body));
        }
        if status.is_server_error() {
            return Err(Fault::broken("an operation that the pages called failed"));
        }
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let (name, message) = (text("__type").to_owned(), text("message").to_owned());
        Ok(Err(Refusal { name, message }))
    }
}
