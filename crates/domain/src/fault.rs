//! Our own failures, as opposed to refusals.

/// Something of ours failed; the caller did nothing wrong.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A concurrent change won, or the engine was busy. Nothing was written: the whole operation
    /// may run again.
    #[error("a concurrent change won: {0}")]
    Conflict(String),
    /// Anything else. Answered with status 500 and logged with its source.
    #[error("{what}")]
    Broken {
        /// What was being done.
        what: &'static str,
        /// Why it failed.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

impl Fault {
    /// A failure with the error that caused it.
    pub fn because(
        what: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Broken { what, source: Some(source.into()) }
    }

    /// A failure that has no deeper cause, such as a broken invariant.
    pub const fn broken(what: &'static str) -> Self {
        Self::Broken { what, source: None }
    }
}

/// What a rule answers: a value, a refusal that the caller will see, or a fault of ours.
pub type Ruling<T, R> = Result<Result<T, R>, Fault>;

/// How often work is tried when concurrent changes win.
const TRIES: u32 = 12;

/// Runs a short piece of work again while concurrent changes win, within bounds.
///
/// For what must not make a whole operation run again: because that would compute anew, or find
/// used up what the first run has used.
pub async fn retrying<T, W>(mut work: impl FnMut() -> W) -> Result<T, Fault>
where
    W: Future<Output = Result<T, Fault>>,
{
    let mut tries = 1;
    loop {
        match work().await {
            Err(Fault::Conflict(_)) if tries < TRIES => tries += 1,
            outcome => return outcome,
        }
    }
}

/// Takes the value out of a [`Ruling`], or returns the refusal from the calling rule.
///
/// The refusal is converted with `From`, as `?` does for errors.
#[macro_export]
macro_rules! granted {
    ($ruling:expr) => {
        match $ruling {
            Ok(value) => value,
            Err(refused) => return Ok(Err(refused.into())),
        }
    };
}
