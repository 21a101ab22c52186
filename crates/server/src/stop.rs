//! When to stop: SIGTERM or SIGINT once, to finish what is in flight; twice, to stop at once.

use std::{future::Future, io};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The exit code of a process that an interrupt ended.
const INTERRUPTED: i32 = 130;

/// A future that is over when the first signal comes. A second one ends the process.
///
/// # Errors
/// The operating system refuses to deliver signals.
pub(crate) fn requested() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        either(&mut terminate, &mut interrupt).await;
        tokio::spawn(async move {
            either(&mut terminate, &mut interrupt).await;
            tracing::warn!("told to stop a second time: stopping at once");
            std::process::exit(INTERRUPTED);
        });
    })
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}
