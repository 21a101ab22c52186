//! What Linux tells about processes in `/proc`.

use std::{fs, io::ErrorKind, time::Duration};

use crate::Outcome;

/// Length of a tick in `/proc/<pid>/stat`: Linux shows 100 ticks a second on every architecture
/// that this project builds for, whatever the kernel's own rate is.
const TICK: Duration = Duration::from_millis(10);

/// CPU time that a process has used so far, in user and in kernel mode, all threads together.
pub(crate) fn cpu_time(process: u32) -> Outcome<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let ticks = ticks(&stat).ok_or("/proc/<pid>/stat has an unknown form")?;
    Ok(TICK * ticks)
}

/// `utime` + `stime`: the 14th and 15th field. The second, the program's name in parentheses, may
/// hold spaces and parentheses itself, so fields are counted from the last one.
fn ticks(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// Resident memory of a process in KiB.
pub(crate) fn resident_kib(process: u32) -> Outcome<u64> {
    kib(process, "VmRSS:")
}

/// The most resident memory that a process had, in KiB.
pub(crate) fn peak_kib(process: u32) -> Outcome<u64> {
    kib(process, "VmHWM:")
}

/// Makes the present the beginning of what [`peak_kib`] tells about.
pub(crate) fn forget_peak(process: u32) -> Outcome {
    Ok(fs::write(format!("/proc/{process}/clear_refs"), "5")?)
}

fn kib(process: u32, name: &str) -> Outcome<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let text = line.ok_or_else(|| format!("/proc/<pid>/status names no {name}"))?;
    Ok(text.trim().trim_end_matches(" kB").parse()?)
}

/// CPU time that the threads of a process have used so far, except those of this name. To the
/// microsecond, but threads that have ended are missing.
pub(crate) fn cpu_time_of_threads(process: u32, except: &str) -> Outcome<Duration> {
    let mut sum = Duration::ZERO;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let thread = thread?.path();
        let read = |file: &str| match fs::read_to_string(thread.join(file)) {
            // It has ended since it was listed.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        };
        let (Some(name), Some(schedstat)) = (read("comm")?, read("schedstat")?) else { continue };
        if name.trim_end() != except {
            sum += on_cpu(&schedstat)?;
        }
    }
    Ok(sum)
}

/// CPU time that the calling thread has used so far, as the scheduler accounts it.
pub(crate) fn thread_cpu_time() -> Outcome<Duration> {
    on_cpu(&fs::read_to_string("/proc/thread-self/schedstat")?)
}

/// The first field of `schedstat`: nanoseconds.
fn on_cpu(schedstat: &str) -> Outcome<Duration> {
    let nanoseconds = schedstat.split(' ').next().unwrap_or_default();
    Ok(Duration::from_nanos(nanoseconds.parse()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_read_past_a_name_with_spaces_and_parentheses() {
        let stat = "77 (a (b) c) S 1 77 77 0 -1 4194560 100 0 0 0 120 34 5 6 20 0 9 0";
        assert_eq!(ticks(stat), Some(154));
    }

    #[test]
    fn this_process_has_memory_and_used_time() {
        let process = std::process::id();
        assert!(resident_kib(process).unwrap() > 0);
        assert!(cpu_time(process).is_ok());
        assert!(thread_cpu_time().unwrap() > Duration::ZERO);
        assert!(cpu_time_of_threads(process, "no such name").unwrap() > Duration::ZERO);
    }
}
