//! The last invocations, for `poolhouse dev`: with event and answer, so that whoever writes a
//! function sees both.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use serde_json::{Value, json};

/// Invocations that are kept at most.
const CAPACITY: usize = 200;
/// Bytes of all events and answers together.
const BYTES: usize = 8 * 1024 * 1024;
/// Bytes of one event or answer; a larger one is not kept.
const LARGEST: usize = 256 * 1024;

/// The newest invocations. Holds personal data: never part of `poolhouse serve`.
#[derive(Default)]
pub struct Journal(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// Oldest first, each with its size.
    entries: VecDeque<(Value, usize)>,
    bytes: usize,
}

/// Which invocations to show. What is absent does not restrict.
#[derive(Clone, Copy, Debug, Default)]
pub struct JournalFilter<'a> {
    /// Id of the pool whose trigger it was.
    pub pool: Option<&'a str>,
    /// Name of the trigger, such as `PreSignUp`.
    pub trigger: Option<&'a str>,
    /// ARN of the function.
    pub function: Option<&'a str>,
}

impl JournalFilter<'_> {
    fn admits(&self, entry: &Value) -> bool {
        let is = |member: &str, wanted: Option<&str>| {
            wanted.is_none_or(|wanted| entry.get(member).and_then(Value::as_str) == Some(wanted))
        };
        is("pool", self.pool) && is("trigger", self.trigger) && is("function", self.function)
    }
}

impl Journal {
    /// Keeps an invocation: what is told of it, its event and what came back.
    pub(super) fn note(&self, mut entry: Value, event: &[u8], answer: &[u8]) {
        let (event, answer) = (shown(event), shown(answer));
        let size = event.to_string().len() + answer.to_string().len();
        if let Some(members) = entry.as_object_mut() {
            members.insert("event".to_owned(), event);
            members.insert("answer".to_owned(), answer);
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.entries.push_back((entry, size));
        kept.bytes += size;
        while kept.entries.len() > CAPACITY || kept.bytes > BYTES {
            let Some((_, size)) = kept.entries.pop_front() else { break };
            kept.bytes = kept.bytes.saturating_sub(size);
        }
    }

    /// The invocations that the filter admits, newest first, as a JSON object with one member,
    /// `invocations`.
    pub fn to_json(&self, filter: JournalFilter<'_>) -> Value {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = kept.entries.iter().rev().map(|(entry, _)| entry);
        let admitted: Vec<_> = entries.filter(|entry| filter.admits(entry)).collect();
        json!({ "invocations": admitted })
    }
}

/// A text as it is shown: JSON as JSON without passwords, anything else as text, nothing as null.
fn shown(text: &[u8]) -> Value {
    if text.len() > LARGEST {
        return format!("({} bytes)", text.len()).into();
    }
    if text.is_empty() {
        return Value::Null;
    }
    match serde_json::from_slice(text) {
        Ok(mut value) => {
            mask(&mut value);
            value
        }
        Err(_) => String::from_utf8_lossy(text).into(),
    }
}

/// Hides passwords, which the event of UserMigration holds in the clear.
fn mask(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                if name.eq_ignore_ascii_case("password") && !inner.is_null() {
                    *inner = "***".into();
                } else {
                    mask(inner);
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(mask),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(journal: &Journal) -> Vec<Value> {
        let shown = journal.to_json(JournalFilter::default());
        shown["invocations"].as_array().unwrap().clone()
    }

    #[test]
    fn passwords_are_hidden_wherever_they_are() {
        let journal = Journal::default();
        let event = br#"{"request":{"password":"hunter2","list":[{"Password":"hunter2"}],
            "userName":"a","other":{"password":null}}}"#;
        journal.note(json!({ "id": "1" }), event, b"no JSON");
        let expected = json!({ "request": {
            "password": "***", "list": [{ "Password": "***" }], "userName": "a",
            "other": { "password": null },
        } });
        assert_eq!(all(&journal), [json!({ "id": "1", "event": expected, "answer": "no JSON" })]);
    }

    #[test]
    fn the_newest_are_kept_within_bounds() {
        let journal = Journal::default();
        for id in 0..CAPACITY + 3 {
            journal.note(json!({ "id": id }), b"{}", b"");
        }
        let kept = all(&journal);
        assert_eq!((kept.len(), &kept[0]["id"]), (CAPACITY, &json!(CAPACITY + 2)));
        let large = vec![b'x'; LARGEST];
        for _ in 0..CAPACITY {
            journal.note(json!({}), &large, b"{}");
        }
        assert_eq!(all(&journal).len(), BYTES / (LARGEST + 4));
        journal.note(json!({}), &vec![b'x'; LARGEST + 1], b"");
        assert_eq!(all(&journal)[0]["event"], "(262145 bytes)");
    }

    #[test]
    fn filters_restrict_by_pool_trigger_and_function() {
        let journal = Journal::default();
        for (id, pool, trigger, function) in
            [(1, "p", "t", "f"), (2, "q", "t", "f"), (3, "p", "u", "g")]
        {
            let entry = json!({ "id": id, "pool": pool, "trigger": trigger, "function": function });
            journal.note(entry, b"{}", b"{}");
        }
        let ids = |filter| {
            let shown = journal.to_json(filter);
            let entries = shown["invocations"].as_array().unwrap().clone();
            entries.iter().map(|entry| entry["id"].as_u64().unwrap()).collect::<Vec<_>>()
        };
        let none = JournalFilter::default();
        assert_eq!(ids(none), [3, 2, 1]);
        assert_eq!(ids(JournalFilter { pool: Some("p"), ..none }), [3, 1]);
        assert_eq!(ids(JournalFilter { trigger: Some("t"), ..none }), [2, 1]);
        assert_eq!(ids(JournalFilter { function: Some("g"), ..none }), [3]);
    }
}
