//! One answer for one question within a request.
//!
//! An operation that lost against a concurrent change runs again as a whole. Its functions must not
//! be asked twice for that: they may have effects of their own.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::{Functions, Invocation, InvocationFailed, Trigger};

type Answer = Result<Vec<u8>, InvocationFailed>;

/// Asks functions, and remembers what they answered for as long as a request lasts.
pub struct Remembered {
    functions: Arc<dyn Functions>,
    answers: Mutex<Vec<(Trigger, String, Answer)>>,
}

impl Remembered {
    /// For one request.
    pub fn new(functions: Arc<dyn Functions>) -> Self {
        Self { functions, answers: Mutex::default() }
    }

    fn answer(&self, invocation: &Invocation) -> Option<Answer> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answers = answers.iter();
        answers
            .find(|(trigger, event, _)| {
                *trigger == invocation.trigger && *event == invocation.event
            })
            .map(|(_, _, answer)| answer.clone())
    }
}

#[async_trait]
impl Functions for Remembered {
    async fn invoke(&self, invocation: &Invocation) -> Answer {
        if let Some(answer) = self.answer(invocation) {
            return answer;
        }
        let answer = self.functions.invoke(invocation).await;
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.push((invocation.trigger, invocation.event.clone(), answer.clone()));
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    struct Counting(AtomicU8);

    #[async_trait]
    impl Functions for Counting {
        async fn invoke(&self, _: &Invocation) -> Answer {
            Ok(vec![self.0.fetch_add(1, Ordering::Relaxed)])
        }
    }

    #[tokio::test]
    async fn the_same_question_is_asked_once() {
        let remembered = Remembered::new(Arc::new(Counting(AtomicU8::default())));
        let question = |trigger, id: &str, event: &str| Invocation {
            function: "f".to_owned(),
            trigger,
            user_pool_id: "p".to_owned(),
            id: id.to_owned(),
            event: event.to_owned(),
            is_queued: false,
        };
        let first = question(Trigger::PreSignUp, "1", "{}");
        assert_eq!(remembered.invoke(&first).await, Ok(vec![0]));
        assert_eq!(remembered.invoke(&question(Trigger::PreSignUp, "2", "{}")).await, Ok(vec![0]));
        let other = question(Trigger::PostConfirmation, "3", "{}");
        assert_eq!(remembered.invoke(&other).await, Ok(vec![1]));
        assert_eq!(remembered.invoke(&question(Trigger::PreSignUp, "4", "[]")).await, Ok(vec![2]));
    }
}
