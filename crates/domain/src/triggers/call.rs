//! Asking a function: the event that it gets, and what is made of its answer.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Invocation, InvocationFailed, Nothing, Trigger, TriggerFailed};
use crate::{
    caller::Caller,
    fault::{Fault, Ruling},
    granted, ids,
    ports::Ports,
    user_pools::UserPool,
};

/// What `callerContext` says of the app client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client<'a> {
    /// The request comes from this app client.
    Id(&'a str),
    /// An administrator makes a user: `CLIENT_ID_NOT_APPLICABLE`.
    NotApplicable,
    /// The member is absent, as where an administrator confirms a user.
    Absent,
}

/// A trigger that may be about to be pulled.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The ports.
    pub ports: &'a Ports,
    /// The pool.
    pub pool: &'a UserPool,
    /// The moment.
    pub trigger: Trigger,
    /// The moment more exactly: `triggerSource`.
    pub source: &'a str,
    /// The app client.
    pub client: Client<'a>,
    /// The stored username; none where a client acts for itself.
    pub username: Option<&'a str>,
}

/// The event document, in the order in which the service writes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a, Q, R> {
    version: &'a str,
    region: &'a str,
    user_pool_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<&'a str>,
    caller_context: CallerContext<'a>,
    trigger_source: &'a str,
    request: &'a Q,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<&'a R>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallerContext<'a> {
    aws_sdk_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
}

/// The version of every event but those of newer token customisation.
pub const VERSION: &str = "1";

impl Call<'_> {
    /// Asks the pool's function, if it has one, and reads the `response` of its answer. The request is
    /// only made for somebody to read it. `A` has a default for each member: what a function leaves
    /// out stays as it is.
    pub async fn ask<A: DeserializeOwned, Q: Serialize>(
        self,
        version: &str,
        request: impl FnOnce() -> Q,
        response: &impl Serialize,
    ) -> Ruling<Option<A>, TriggerFailed> {
        let Some(function) = self.trigger.function(self.pool) else { return Ok(Ok(None)) };
        let event = self.event(version, &request(), Some(response))?;
        let invocation = self.invocation(function, event, false);
        let answered = self.ports.functions.invoke(&invocation).await;
        let answer = granted!(answered.map_err(|failed| refusal(self.trigger, failed)));
        Ok(read(&answer).map(Some))
    }

    /// The same where the function has nothing to say but that it failed. Answers whether there is
    /// one: it may have changed the user, and has taken its time.
    pub async fn tell<Q: Serialize>(
        self,
        request: impl FnOnce() -> Q,
    ) -> Ruling<bool, TriggerFailed> {
        let told = self.ask::<Nothing, Q>(VERSION, request, &Nothing {}).await?;
        Ok(told.map(|told| told.is_some()))
    }

    /// The invocation of a function that nobody waits for; none if the pool has none.
    pub fn queued(self, request: &impl Serialize) -> Result<Option<Invocation>, Fault> {
        let Some(function) = self.trigger.function(self.pool) else { return Ok(None) };
        let event = self.event(VERSION, request, None::<&()>)?;
        Ok(Some(self.invocation(function, event, true)))
    }

    fn event(
        &self,
        version: &str,
        request: &impl Serialize,
        response: Option<&impl Serialize>,
    ) -> Result<String, Fault> {
        let client_id = match self.client {
            Client::Id(id) => Some(id),
            Client::NotApplicable => Some("CLIENT_ID_NOT_APPLICABLE"),
            Client::Absent => None,
        };
        let aws_sdk_version = sdk_version(&self.ports.caller);
        let event = Event {
            version,
            region: &self.ports.identity.region,
            user_pool_id: self.pool.id(),
            user_name: self.username,
            caller_context: CallerContext { aws_sdk_version, client_id },
            trigger_source: self.source,
            request,
            response,
        };
        serde_json::to_string(&event)
            .map_err(|error| Fault::because("the event of a trigger can't be written", error))
    }

    fn invocation(&self, function: &str, event: String, is_queued: bool) -> Invocation {
        Invocation {
            function: function.to_owned(),
            trigger: self.trigger,
            user_pool_id: self.pool.id().to_owned(),
            id: ids::random_uuid(&*self.ports.entropy),
            event,
            is_queued,
        }
    }
}

/// `awsSdkVersion`: the SDK for JavaScript by its `User-Agent`, as on record for its second version;
/// all others are unknown, which is a belief for SDKs of other languages.
fn sdk_version(caller: &Caller) -> String {
    let user_agent = caller.user_agent.as_deref().unwrap_or_default();
    let version = user_agent.split(' ').find_map(|part| part.strip_prefix("aws-sdk-js/"));
    let version = version.filter(|text| !text.is_empty()).unwrap_or("unknown");
    match version {
        "unknown" => "aws-sdk-unknown-unknown".to_owned(),
        version => format!("aws-sdk-js-{version}"),
    }
}

/// What is said when a function gives no answer.
fn refusal(trigger: Trigger, failed: InvocationFailed) -> TriggerFailed {
    let name = trigger.name();
    match failed {
        InvocationFailed::Function(message) => {
            TriggerFailed::Validation(format!("{name} failed with error {message}."))
        }
        InvocationFailed::Unreachable(reason) | InvocationFailed::Unanswered(reason) => {
            TriggerFailed::Unexpected(format!("{name} invocation failed due to error {reason}"))
        }
        InvocationFailed::NotJson => not_json(),
    }
}

fn not_json() -> TriggerFailed {
    TriggerFailed::InvalidResponse("Invalid lambda function output : Invalid JSON".to_owned())
}

/// Reads the `response` of an answer. An answer without one, or with a null, changes nothing: a
/// belief.
fn read<A: DeserializeOwned>(answer: &[u8]) -> Result<A, TriggerFailed> {
    let answer: Value = serde_json::from_slice(answer).map_err(|_| not_json())?;
    let response = match answer {
        Value::Null => return Err(not_json()),
        Value::Object(mut members) => members.remove("response").unwrap_or_default(),
        _ => return Err(TriggerFailed::unrecognizable()),
    };
    let response =
        if response.is_null() { Value::Object(serde_json::Map::new()) } else { response };
    serde_json::from_value(response).map_err(|_| TriggerFailed::unrecognizable())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Default, Deserialize)]
    #[serde(default)]
    struct Answer {
        flag: Option<bool>,
    }

    #[test]
    fn only_the_response_of_an_answer_is_read() {
        let flag = |text: &str| read::<Answer>(text.as_bytes()).map(|answer| answer.flag);
        assert_eq!(flag(r#"{"version":"1","response":{"flag":true,"other":{}}}"#), Ok(Some(true)));
        for unchanged in ["{}", r#"{"response":null}"#, r#"{"response":{"flag":null}}"#] {
            assert_eq!(flag(unchanged), Ok(None), "{unchanged}");
        }
    }

    #[test]
    fn answers_that_are_no_event_are_told_apart_from_those_that_are_no_json() {
        let said = |text: &str| match read::<Answer>(text.as_bytes()) {
            Err(TriggerFailed::InvalidResponse(message)) => message,
            other => panic!("{text}: {other:?}"),
        };
        for text in ["", "null", "{", "oops"] {
            assert_eq!(said(text), "Invalid lambda function output : Invalid JSON", "{text}");
        }
        for text in ["\"ok\"", "[]", "7", r#"{"response":7}"#, r#"{"response":{"flag":"yes"}}"#] {
            assert_eq!(said(text), "Unrecognizable lambda output", "{text}");
        }
    }

    #[test]
    fn the_version_of_the_sdk_comes_from_the_user_agent() {
        let version = |text: &str| sdk_version(&Caller::new(None, Some(text)));
        assert_eq!(version("aws-sdk-js/2.1639.0 callback"), "aws-sdk-js-2.1639.0");
        for unknown in ["", "Boto3/1.34 Botocore/1.34", "aws-sdk-js/"] {
            assert_eq!(version(unknown), "aws-sdk-unknown-unknown");
        }
    }
}
