//! The tables: Markdown, so that they can be kept.

use std::time::Duration;

use crate::{ceilings::Ceilings, load::Measured, scenarios::Scenario, server::Start, time::millis};

/// Prints the head of the table of scenarios.
pub(crate) fn header() {
    println!("| users | scenario | CPU ms | ceiling ms | ratio | per second | p50 ms | p99 ms |");
    println!("|--:|---|--:|--:|--:|--:|--:|--:|");
}

/// Prints the line of one scenario.
pub(crate) fn line(users: u32, scenario: Scenario, ceiling: Option<f64>, measured: &Measured) {
    let operations = f64::from(measured.operations);
    let cpu = millis(measured.cpu) / operations;
    let (ceiling_text, ratio) = match ceiling {
        Some(ceiling) => (format!("{ceiling:.3}"), percent(ceiling, cpu)),
        None => ("–".to_owned(), "–".to_owned()),
    };
    let (p50, p99) = (millis(measured.percentile(50)), millis(measured.percentile(99)));
    let rate = operations / measured.elapsed.max(Duration::from_nanos(1)).as_secs_f64();
    println!(
        "| {users} | {} | {cpu:.3} | {ceiling_text} | {ratio} | {rate:.0} | {p50:.2} | {p99:.2} |",
        scenario.name(),
    );
}

/// Which part of the CPU time went into cryptography that can't be avoided.
fn percent(ceiling: f64, cpu: f64) -> String {
    if cpu > 0.0 { format!("{:.0} %", 100.0 * ceiling / cpu) } else { "–".to_owned() }
}

/// Prints what was measured once for a size of the pool. Comes between two lines of the table, so
/// it goes to the other stream.
pub(crate) fn notes(users: u32, ceilings: &Ceilings, starts: &[Start], idle: u64, busy: u64) {
    let Ceilings { sign, verify, verify_p256, power_of_g, power, power_public } = ceilings;
    eprintln!(
        "{users} users: RSA-2048 sign {sign:.3} ms, verify {verify:.4} ms, P-256 verify {verify_p256:.4} ms; g^x {power_of_g:.3} ms, \
         any base {power:.3} ms, public exponent {power_public:.3} ms"
    );
    if let (Some(median), Some(slowest)) = (starts.get(starts.len() / 2), starts.last()) {
        eprintln!(
            "{users} users: first answer {:.0} ms after the start, {:.1} ms of CPU time (slowest \
             of {} starts {:.0} ms)",
            median.elapsed,
            median.cpu,
            starts.len(),
            slowest.elapsed,
        );
    }
    let (idle, busy) = (mebibytes(idle), mebibytes(busy));
    eprintln!("{users} users: memory {idle:.1} MiB idle, {busy:.1} MiB after the load");
}

fn mebibytes(kib: u64) -> f64 {
    f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_the_share_of_the_ceiling_in_what_was_used() {
        assert_eq!(percent(0.9, 1.2), "75 %");
        assert_eq!(percent(0.9, 0.0), "–");
    }
}
