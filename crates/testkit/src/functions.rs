//! Functions that answer what a test says.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use poolhouse_domain::triggers::{Functions, Invocation, InvocationFailed, Trigger};
use serde_json::Value;

type Behaviour = Box<dyn Fn(&Value) -> Result<Value, InvocationFailed> + Send>;

/// Functions by the trigger that asks them. Those that a test has not set give the event back
/// unchanged. Keeps every event.
#[derive(Default)]
pub struct ScriptedFunctions {
    behaviours: Mutex<BTreeMap<&'static str, Behaviour>>,
    invocations: Mutex<Vec<Invocation>>,
}

impl ScriptedFunctions {
    /// From now on the trigger's function gives the event back with this as its `response`.
    pub fn respond(&self, trigger: Trigger, response: Value) {
        self.script(trigger, move |_| Ok(response.clone()));
    }

    /// From now on the trigger's function throws this.
    pub fn throw(&self, trigger: Trigger, message: &str) {
        let message = message.to_owned();
        self.script(trigger, move |_| Err(InvocationFailed::Function(message.clone())));
    }

    /// From now on the trigger's function makes its `response` out of the event.
    pub fn script(
        &self,
        trigger: Trigger,
        behaviour: impl Fn(&Value) -> Result<Value, InvocationFailed> + Send + 'static,
    ) {
        lock(&self.behaviours).insert(trigger.name(), Box::new(behaviour));
    }

    /// Every question that was asked, oldest first.
    pub fn invocations(&self) -> Vec<Invocation> {
        lock(&self.invocations).clone()
    }

    /// The events of every question, oldest first.
    pub fn events(&self) -> Vec<Value> {
        let event = |invocation: &Invocation| serde_json::from_str(&invocation.event);
        lock(&self.invocations).iter().flat_map(event).collect()
    }

    /// The `triggerSource` of every question, oldest first.
    pub fn sources(&self) -> Vec<String> {
        let source = |event: &Value| event.get("triggerSource")?.as_str().map(str::to_owned);
        self.events().iter().filter_map(source).collect()
    }

    /// Forgets what was asked.
    pub fn clear(&self) {
        lock(&self.invocations).clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Functions for ScriptedFunctions {
    async fn invoke(&self, invocation: &Invocation) -> Result<Vec<u8>, InvocationFailed> {
        lock(&self.invocations).push(invocation.clone());
        let mut event: Value =
            serde_json::from_str(&invocation.event).map_err(|_| InvocationFailed::NotJson)?;
        let response = lock(&self.behaviours)
            .get(invocation.trigger.name())
            .map(|behaviour| behaviour(&event))
            .transpose()?;
        if let (Some(response), Some(members)) = (response, event.as_object_mut()) {
            members.insert("response".to_owned(), response);
        }
        Ok(event.to_string().into_bytes())
    }
}
