//! Couriers: deliver what waits in the outbox, each medium in a lane of its own, so that a slow
//! server for text messages holds up no mail.

use std::{sync::Arc, time::Duration};

use poolhouse_domain::messages::{
    Medium,
    outbox::{self, PARALLEL, PostOffice},
};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// How often messages are looked for that others have stored, and whose time has come again.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a lane rests after a failure, such as a database that does not answer.
const FAILED_PAUSE: Duration = Duration::from_secs(5);
/// How long the end of the server waits for messages that are being sent. What is not sent by then
/// is sent after the next start, and perhaps for the second time.
const PATIENCE: Duration = Duration::from_secs(15);

/// The lanes that are open.
pub(crate) struct Couriers {
    stop: watch::Sender<bool>,
    lanes: Vec<JoinHandle<()>>,
}

/// Opens a lane for each medium that this server sends.
pub(crate) fn start(office: &Arc<PostOffice>) -> Couriers {
    let (stop, stopped) = watch::channel(false);
    let mediums = Medium::ALL.into_iter().filter(|medium| office.sends(*medium));
    let lanes = mediums.map(|medium| {
        let lane = Lane { office: Arc::clone(office), medium, at_work: JoinSet::new() };
        tokio::spawn(lane.run(stopped.clone()))
    });
    Couriers { lanes: lanes.collect(), stop }
}

impl Couriers {
    /// Takes no more messages, and waits for those that are being sent.
    pub(crate) async fn finish(self) {
        // A lane that ended before hears nothing.
        let _ = self.stop.send(true);
        for lane in self.lanes {
            if let Err(error) = lane.await {
                tracing::error!(%error, "a courier broke down");
            }
        }
    }
}

struct Lane {
    office: Arc<PostOffice>,
    medium: Medium,
    at_work: JoinSet<()>,
}

impl Lane {
    async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        let office = Arc::clone(&self.office);
        while !*stopped.borrow() {
            let pause = self.set_out().await;
            tokio::select! {
                _ = stopped.changed() => {}
                Some(_) = self.at_work.join_next() => {}
                () = office.news(self.medium) => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        let at_work = async { while self.at_work.join_next().await.is_some() {} };
        if tokio::time::timeout(PATIENCE, at_work).await.is_err() {
            tracing::warn!(medium = self.medium.as_str(), "messages are left for the next start");
        }
    }

    /// Takes as many messages as there are hands; answers how long to rest.
    async fn set_out(&mut self) -> Duration {
        let free = PARALLEL.saturating_sub(self.at_work.len());
        if free == 0 {
            return PAUSE;
        }
        match outbox::take(&self.office, self.medium, free).await {
            Ok(taken) => {
                for taken in taken {
                    let office = Arc::clone(&self.office);
                    self.at_work.spawn(async move { outbox::deliver(&office, &taken).await });
                }
                PAUSE
            }
            Err(fault) => {
                let source = std::error::Error::source(&fault).map(ToString::to_string);
                tracing::error!(%fault, source, "messages can't be taken; trying again");
                FAILED_PAUSE
            }
        }
    }
}
