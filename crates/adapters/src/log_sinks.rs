//! Where lines of logs go: files, the standard output, or an HTTP server.
//!
//! Each destination has a queue of its own and a task that empties it, so that neither a request nor
//! another destination waits for a slow one. What does not fit into a queue is dropped, counted and
//! told in the server's log.

mod http;

use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use poolhouse_domain::log_delivery::LogSink;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

pub use self::http::HttpTarget;

/// Lines that wait for a destination at most.
const QUEUE: usize = 4_096;
/// Lines that are written or sent at once at most.
const BATCH: usize = 500;
/// How long the end of the server waits for what is in the queues.
const PATIENCE: Duration = Duration::from_secs(15);

/// What stands behind an ARN.
pub enum Target {
    /// Lines are added to a file, which is made if it does not exist. It may be moved away at any
    /// time.
    File(PathBuf),
    /// The standard output.
    Stdout,
    /// Batches of lines are posted.
    Http(HttpTarget),
}

/// Which lines go where.
pub enum Routes {
    /// Each ARN to its target; lines for others are dropped.
    Each(BTreeMap<String, Target>),
    /// All into files of this folder, one for each ARN.
    Folder(PathBuf),
    /// All to the standard output.
    Stdout,
}

/// A line, and the ARN that it is for.
type Addressed = (String, String);

/// The queues. Given to what makes lines.
pub struct LogQueues {
    each: BTreeMap<String, mpsc::Sender<Addressed>>,
    all: Option<mpsc::Sender<Addressed>>,
    dropped: Arc<Dropped>,
}

/// What empties the queues.
pub struct LogWriters {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// How many lines were dropped.
#[derive(Default)]
struct Dropped(AtomicU64);

impl Dropped {
    /// Counts lines, and tells of it: rarely, if there are many.
    fn count(&self, lines: usize, arn: &str, reason: &str) {
        let lines = u64::try_from(lines).unwrap_or(u64::MAX);
        let before = self.0.fetch_add(lines, Ordering::Relaxed);
        let total = before.saturating_add(lines);
        if before.checked_ilog2() != total.checked_ilog2() {
            tracing::warn!(arn, reason, total, "lines of a user pool's log were dropped");
        }
    }
}

/// Starts to deliver. To be called within a tokio runtime.
pub fn start(routes: Routes) -> (Arc<LogQueues>, LogWriters) {
    let (stop, stopped) = watch::channel(false);
    let (dropped, mut tasks) = (Arc::new(Dropped::default()), Vec::new());
    let mut lane = |destination: Destination| {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let writer = Writer { destination, receiver, dropped: Arc::clone(&dropped) };
        tasks.push(tokio::spawn(writer.run(stopped.clone())));
        sender
    };
    let (each, all) = match routes {
        Routes::Each(targets) => {
            let lanes = targets.into_iter().map(|(arn, target)| {
                let sender = lane(match target {
                    Target::File(path) => Destination::File(path),
                    Target::Stdout => Destination::Stdout,
                    Target::Http(target) => Destination::Http(target),
                });
                (arn, sender)
            });
            (lanes.collect(), None)
        }
        Routes::Folder(folder) => (BTreeMap::new(), Some(lane(Destination::Folder(folder)))),
        Routes::Stdout => (BTreeMap::new(), Some(lane(Destination::Stdout))),
    };
    (Arc::new(LogQueues { each, all, dropped }), LogWriters { stop, tasks })
}

impl LogQueues {
    /// How many lines were dropped so far.
    pub fn dropped(&self) -> u64 {
        self.dropped.0.load(Ordering::Relaxed)
    }
}

impl LogSink for LogQueues {
    fn deliver(&self, arn: &str, line: String) {
        let Some(queue) = self.each.get(arn).or(self.all.as_ref()) else {
            return self.dropped.count(1, arn, "the configuration names no sink for the ARN");
        };
        if queue.try_send((arn.to_owned(), line)).is_err() {
            self.dropped.count(1, arn, "the sink is too slow");
        }
    }
}

impl LogWriters {
    /// Delivers what is in the queues, and ends. Lines that come later are dropped.
    pub async fn finish(self) {
        self.stop.send_replace(true);
        let all = async {
            for task in self.tasks {
                // A task that panicked has nothing more to deliver.
                let _ = task.await;
            }
        };
        if tokio::time::timeout(PATIENCE, all).await.is_err() {
            tracing::warn!("some lines of logs could not be delivered before the end");
        }
    }
}

/// Where a queue leads.
enum Destination {
    File(PathBuf),
    Folder(PathBuf),
    Stdout,
    Http(HttpTarget),
}

/// Empties a queue.
struct Writer {
    destination: Destination,
    receiver: mpsc::Receiver<Addressed>,
    dropped: Arc<Dropped>,
}

impl Writer {
    async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                count = self.receiver.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        return;
                    }
                    self.write(std::mem::take(&mut batch)).await;
                }
                () = told_to_stop(&mut stopped), if !self.receiver.is_closed() => {
                    self.receiver.close();
                }
            }
        }
    }

    /// Writes lines, those of one ARN together.
    async fn write(&self, batch: Vec<Addressed>) {
        let mut by_arn = BTreeMap::<String, Vec<String>>::new();
        for (arn, line) in batch {
            by_arn.entry(arn).or_default().push(line);
        }
        for (arn, lines) in by_arn {
            let count = lines.len();
            let mut text = lines.join("\n");
            text.push('\n');
            let written = match &self.destination {
                Destination::File(path) => append(path.clone(), text).await,
                Destination::Folder(folder) => append(folder.join(file_name(&arn)), text).await,
                Destination::Stdout => print(text).await,
                Destination::Http(target) => target.post(&text).await,
            };
            if let Err(reason) = written {
                self.dropped.count(count, &arn, &reason);
            }
        }
    }
}

/// Is over when the server ends.
async fn told_to_stop(stopped: &mut watch::Receiver<bool>) {
    // If nobody can tell any more, it is over too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// The name of an ARN's file: its last part, and a number so that no two ARNs share one.
fn file_name(arn: &str) -> String {
    let last = arn.rsplit([':', '/']).find(|part| !part.is_empty() && *part != "*");
    let is_fit = |c: &char| c.is_ascii_alphanumeric() || "-_".contains(*c);
    let name: String = last.unwrap_or("log").chars().filter(is_fit).take(64).collect();
    // FNV-1a.
    let hash = arn
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{name}-{hash:08x}.jsonl")
}

/// Adds text to the end of a file. A new one is for its owner only: logs name users.
async fn append(path: PathBuf, text: String) -> Result<(), String> {
    let work = move || {
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path)?.write_all(text.as_bytes())
    };
    blocking(work).await
}

async fn print(text: String) -> Result<(), String> {
    let work = move || {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    };
    blocking(work).await
}

/// Does what may wait for a disk.
async fn blocking(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> Result<(), String> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?;
    done.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str = "arn:aws:logs:us-east-1:123456789012:log-group:pool:*";

    #[tokio::test]
    async fn lines_of_each_arn_go_to_their_file_and_none_is_lost_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/log.jsonl");
        let targets = [(GROUP.to_owned(), Target::File(file.clone()))].into();
        let (queues, writers) = start(Routes::Each(targets));
        for n in 0..1_000 {
            queues.deliver(GROUP, format!("{{\"n\":{n}}}"));
        }
        queues.deliver("arn:aws:s3:::elsewhere", "{}".to_owned());
        writers.finish().await;
        let text = std::fs::read_to_string(file).unwrap();
        let expected: Vec<_> = (0..1_000).map(|n| format!("{{\"n\":{n}}}")).collect();
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
        assert_eq!(queues.dropped(), 1);
        queues.deliver(GROUP, "{}".to_owned());
        assert_eq!(queues.dropped(), 2, "after the end");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn nobody_else_can_read_a_new_file() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log.jsonl");
        append(file.clone(), "{}".to_owned()).await.unwrap();
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[tokio::test]
    async fn a_full_queue_drops_and_counts_and_does_not_wait() {
        let folder = tempfile::tempdir().unwrap();
        let (queues, writers) = start(Routes::Folder(folder.path().to_owned()));
        // On this one thread nothing is taken out until the test waits.
        for n in 0..QUEUE + 10 {
            queues.deliver(GROUP, n.to_string());
        }
        assert_eq!(queues.dropped(), 10);
        writers.finish().await;
        let name = file_name(GROUP);
        assert!(name.starts_with("pool-"), "{name}");
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(text.lines().count(), QUEUE);
    }

    #[tokio::test]
    async fn a_file_that_can_t_be_written_drops_its_lines() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::File(folder.path().to_owned());
        let (queues, writers) = start(Routes::Each([(GROUP.to_owned(), target)].into()));
        queues.deliver(GROUP, "{}".to_owned());
        writers.finish().await;
        assert_eq!(queues.dropped(), 1);
    }

    #[test]
    fn files_stay_in_their_folder_and_apart() {
        assert!(!file_name("arn:aws:s3:::../../etc/passwd").contains('/'));
        assert_ne!(file_name("arn:a:s3:::x"), file_name("arn:b:s3:::x"));
    }
}
