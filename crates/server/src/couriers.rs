//! Couriers: deliver what waits in the outbox, each route in a lane of its own, so that a slow
//! server for text messages holds up no mail.

use std::{collections::HashMap, sync::Arc, time::Duration};

use poolhouse_domain::messages::{
    Route,
    outbox::{self, PostOffice, Taken},
};
use tokio::{
    sync::watch,
    task::{Id, JoinHandle, JoinSet},
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

/// Opens a lane for each route on which this server sends.
pub(crate) fn start(office: &Arc<PostOffice>) -> Couriers {
    let (stop, stopped) = watch::channel(false);
    let routes = Route::ALL.into_iter().filter(|route| office.sends(*route));
    let lanes = routes.map(|route| {
        let office = Arc::clone(office);
        let lane = Lane { office, route, at_work: JoinSet::new(), pools: HashMap::new() };
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
    route: Route,
    at_work: JoinSet<()>,
    /// The pool for which each of these is at work.
    pools: HashMap<Id, String>,
}

impl Lane {
    async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        let office = Arc::clone(&self.office);
        while !*stopped.borrow() {
            let pause = self.set_out().await;
            tokio::select! {
                _ = stopped.changed() => {}
                Some(ended) = self.at_work.join_next_with_id() => {
                    self.pools.remove(&ended.map_or_else(|error| error.id(), |(id, ())| id));
                }
                () = office.news(self.route) => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        let at_work = async { while self.at_work.join_next().await.is_some() {} };
        if tokio::time::timeout(PATIENCE, at_work).await.is_err() {
            tracing::warn!(route = self.route.as_str(), "messages are left for the next start");
        }
    }

    /// Takes as many messages as there are hands, and no more of a pool than its share; answers how
    /// long to rest.
    async fn set_out(&mut self) -> Duration {
        loop {
            let (limit, full) = self.room();
            if limit == 0 {
                return PAUSE;
            }
            let full: Vec<_> = full.iter().map(String::as_str).collect();
            match outbox::take(&self.office, self.route, &full, limit).await {
                Ok(taken) => {
                    let is_rest = taken.len() < limit;
                    for taken in taken {
                        self.send_out(taken);
                    }
                    if is_rest {
                        return PAUSE;
                    }
                }
                Err(fault) => {
                    let source = std::error::Error::source(&fault).map(ToString::to_string);
                    tracing::error!(%fault, source, "messages can't be taken; trying again");
                    return FAILED_PAUSE;
                }
            }
        }
    }

    /// How many messages may be taken, should they all be of one pool, and the pools that have their
    /// share.
    fn room(&self) -> (usize, Vec<String>) {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for pool in self.pools.values() {
            *counts.entry(pool).or_default() += 1;
        }
        let share = self.route.share();
        let full = counts.iter().filter(|(_, count)| **count >= share);
        let full = full.map(|(pool, _)| (*pool).to_owned()).collect();
        let most = counts.into_values().filter(|count| *count < share).max().unwrap_or(0);
        (self.route.hands().saturating_sub(self.at_work.len()).min(share - most), full)
    }

    fn send_out(&mut self, taken: Taken) {
        let (office, pool) = (Arc::clone(&self.office), taken.user_pool_id.clone());
        let task = self.at_work.spawn(async move { outbox::deliver(&office, &taken).await });
        self.pools.insert(task.id(), pool);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::VecDeque,
        sync::{Mutex, PoisonError},
    };

    use async_trait::async_trait;
    use poolhouse_domain::{
        Fault,
        messages::{
            DeliveryFailure, Medium, Message, MessageKind, Messenger, NotSent, Sender, Senders,
            SmsSettings,
        },
        shapes::{UserPoolType, UserStatusType},
        time::Timestamp,
        totp::SoftwareToken,
        triggers::{Invocation, Trigger},
        user_pools::UserPool,
        users::{MfaPreference, User},
    };
    use poolhouse_testkit::Kit;
    use tokio::sync::Notify;

    use super::*;

    const POOL: &str = "us-east-1_AAAAAAAAA";
    const SUB: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";

    /// Fails as it is told, then takes everything.
    #[derive(Default)]
    struct Script {
        failures: Mutex<VecDeque<NotSent>>,
        tries: Mutex<Vec<(String, String)>>,
    }

    impl Script {
        fn tries(&self) -> Vec<(String, String)> {
            self.tries.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }
    }

    #[async_trait]
    impl Sender for Script {
        fn check(&self, message: &Message) -> Result<(), DeliveryFailure> {
            let is_good = message.destination.contains('@');
            is_good.then_some(()).ok_or_else(|| DeliveryFailure("bad address".to_owned()))
        }

        async fn send(&self, id: &str, message: &Message) -> Result<(), NotSent> {
            self.tries.lock().unwrap().push((id.to_owned(), message.code.clone()));
            self.failures.lock().unwrap().pop_front().map_or(Ok(()), Err)
        }
    }

    /// A post office with a user, over a frozen clock.
    struct Town {
        kit: Kit,
        office: Arc<PostOffice>,
        script: Arc<Script>,
    }

    impl Town {
        async fn new(failures: &[NotSent]) -> Self {
            let kit = Kit::new().await.unwrap();
            let script = Arc::new(Script::default());
            script.failures.lock().unwrap().extend(failures.iter().cloned());
            let senders = Senders { email: Some(Arc::clone(&script) as _), ..Senders::default() };
            let office = office(&kit, senders);
            let town = Self { kit, office, script };
            town.add_pool(POOL).await;
            town
        }

        /// Adds a pool with a user.
        async fn add_pool(&self, id: &str) {
            let ports = &self.kit.ports;
            let settings = UserPoolType { id: Some(id.into()), ..UserPoolType::default() };
            let mut tx = ports.store.write().await.unwrap();
            tx.insert_user_pool(&UserPool { settings, ..UserPool::default() }).await.unwrap();
            let user = User { user_pool_id: id.into(), ..user(ports.clock.now()) };
            tx.insert_user(&user, "ada", &[]).await.unwrap().unwrap();
            tx.commit().await.unwrap();
        }

        /// Another post office over the same store.
        fn office_with(&self, senders: Senders) -> Arc<PostOffice> {
            office(&self.kit, senders)
        }

        fn message(&self) -> Message {
            let at = self.kit.ports.clock.now();
            Message {
                invocation: None,
                user_pool_id: POOL.into(),
                sub: SUB.into(),
                username: "ada".into(),
                kind: MessageKind::SignUp,
                medium: Medium::Email,
                destination: "ada@example.com".into(),
                subject: None,
                body: "123456".into(),
                code: "123456".into(),
                from: None,
                reply_to: None,
                sms: SmsSettings::default(),
                at,
                expires_at: at.plus_seconds(600),
            }
        }

        /// What a courier does in one go; answers how many messages it took.
        async fn round(&self) -> usize {
            let taken = outbox::take(&self.office, Route::Email, &[], 8).await.unwrap();
            for taken in &taken {
                outbox::deliver(&self.office, taken).await;
            }
            taken.len()
        }

        /// Messages that wait, and that were given up.
        async fn left(&self) -> (i64, i64) {
            let mut view = self.kit.ports.store.read().await.unwrap();
            let count = view.waiting_messages(Route::Email).await.unwrap();
            (count.waiting, count.given_up)
        }
    }

    fn office(kit: &Kit, senders: Senders) -> Arc<PostOffice> {
        let ports = &kit.ports;
        Arc::new(PostOffice::new(
            Arc::clone(&ports.store),
            Arc::clone(&ports.clock),
            Arc::clone(&ports.entropy),
            Arc::clone(&ports.log_sink),
            senders,
        ))
    }

    fn user(at: Timestamp) -> User {
        User {
            user_pool_id: POOL.into(),
            sub: SUB.into(),
            username: "ada".into(),
            status: UserStatusType::Confirmed,
            enabled: true,
            attributes: [].into(),
            pending_attributes: [].into(),
            created_at: at,
            modified_at: at,
            password: None,
            software_token: SoftwareToken::default(),
            mfa: MfaPreference::default(),
            signed_out_at: None,
            version: 0,
        }
    }

    fn busy() -> NotSent {
        NotSent::for_now("451 busy")
    }

    #[tokio::test]
    async fn a_message_is_tried_at_growing_distances_until_it_is_taken() {
        let town = Town::new(&[busy(), busy(), busy()]).await;
        town.office.deliver(town.message()).await.unwrap().unwrap();
        assert_eq!(town.left().await, (1, 0));
        assert_eq!(town.round().await, 1);
        // The second try comes after 1.5 to 2.5 seconds, the third after 3 to 5, the fourth after 6
        // to 10.
        for (too_early, late_enough) in [(1, 2), (2, 3), (5, 5)] {
            town.kit.clock.advance(too_early);
            assert_eq!(town.round().await, 0, "after {too_early} seconds");
            town.kit.clock.advance(late_enough);
            assert_eq!(town.round().await, 1, "after {late_enough} more seconds");
        }
        assert_eq!(town.left().await, (0, 0));
        let tries = town.script.tries();
        assert_eq!(tries.len(), 4);
        assert!(tries.iter().all(|one| *one == tries[0] && one.1 == "123456"));
        town.kit.clock.advance(500);
        assert_eq!(town.round().await, 0, "a message that was taken is sent again");
    }

    #[tokio::test]
    async fn a_server_that_is_down_for_a_minute_gets_each_message_once_afterwards() {
        let town = Town::new(&[]).await;
        let down: VecDeque<_> =
            (0..1_000).map(|_| NotSent::for_now("connection refused")).collect();
        *town.script.failures.lock().unwrap() = down;
        let messages = 20;
        for _ in 0..messages {
            town.office.deliver(town.message()).await.unwrap().unwrap();
        }
        for _ in 0..60 {
            while town.round().await > 0 {}
            town.kit.clock.advance(1);
        }
        assert_eq!(town.left().await, (messages, 0), "none was given up");
        // A server that is down is not pressed: tries come ever more rarely.
        let before = town.script.tries().len();
        assert!((80..=140).contains(&before), "{before} tries for {messages} messages");
        // Another process shares the work.
        let other = town.office_with(Senders {
            email: Some(Arc::clone(&town.script) as _),
            ..Senders::default()
        });
        town.script.failures.lock().unwrap().clear();
        for _ in 0..120 {
            for office in [&town.office, &other] {
                let taken = outbox::take(office, Route::Email, &[], 3).await.unwrap();
                for taken in &taken {
                    outbox::deliver(office, taken).await;
                }
            }
            town.kit.clock.advance(1);
        }
        assert_eq!(town.left().await, (0, 0));
        let mut sent: Vec<_> = town.script.tries().split_off(before);
        sent.sort();
        sent.dedup();
        let tries = town.script.tries().len() - before;
        assert_eq!((sent.len(), tries), (20, 20), "each once, and none twice");
    }

    #[tokio::test]
    async fn a_final_failure_is_not_tried_again() {
        let town = Town::new(&[NotSent::for_good("550 no ada@example.com")]).await;
        town.office.deliver(town.message()).await.unwrap().unwrap();
        assert_eq!(town.round().await, 1);
        assert_eq!(town.left().await, (0, 1));
        town.kit.clock.advance(500);
        assert_eq!(town.round().await, 0);
        let mut view = town.kit.ports.store.read().await.unwrap();
        let shown = view.list_given_up_messages("", 9).await.unwrap();
        assert_eq!(shown[0].failure, "550 no a***@e***");
    }

    #[tokio::test]
    async fn some_failures_are_tried_so_often_and_not_more_often() {
        let failure = NotSent::at_most(3, "it threw");
        let town = Town::new(&[failure.clone(), failure.clone(), failure]).await;
        town.office.deliver(town.message()).await.unwrap().unwrap();
        for left in [(1, 0), (1, 0), (0, 1)] {
            assert_eq!((town.round().await, town.left().await), (1, left));
            town.kit.clock.advance(20);
        }
        assert_eq!((town.round().await, town.script.tries().len()), (0, 3));
    }

    #[tokio::test]
    async fn a_code_that_has_expired_is_not_sent() {
        let town = Town::new(&[busy()]).await;
        town.office.deliver(town.message()).await.unwrap().unwrap();
        town.round().await;
        town.kit.clock.advance(600);
        assert_eq!(town.round().await, 1);
        assert_eq!((town.script.tries().len(), town.left().await), (1, (0, 0)));
        // Nor does it wait for a try that would come too late.
        let town = Town::new(&[busy()]).await;
        let at = town.kit.ports.clock.now();
        let short = Message { expires_at: at.plus_seconds(1), ..town.message() };
        town.office.deliver(short).await.unwrap().unwrap();
        town.round().await;
        assert_eq!(town.left().await, (0, 1));
    }

    #[tokio::test]
    async fn what_a_dead_courier_took_is_sent_by_another() {
        let town = Town::new(&[]).await;
        town.office.deliver(town.message()).await.unwrap().unwrap();
        let taken = outbox::take(&town.office, Route::Email, &[], 1).await.unwrap();
        assert_eq!(taken.len(), 1);
        town.kit.clock.advance(59);
        assert_eq!(town.round().await, 0);
        town.kit.clock.advance(1);
        assert_eq!(town.round().await, 1);
        assert_eq!((town.script.tries().len(), town.left().await), (1, (0, 0)));
    }

    #[tokio::test]
    async fn messages_to_nobody_and_to_who_is_gone_are_stored_but_not_sent() {
        let town = Town::new(&[]).await;
        town.office.pretend(town.message()).await.unwrap();
        let gone = Message { sub: "gone".into(), ..town.message() };
        town.office.deliver(gone).await.unwrap().unwrap();
        let elsewhere = Message { user_pool_id: "us-east-1_Gone".into(), ..town.message() };
        town.office.deliver(elsewhere).await.unwrap().unwrap();
        assert_eq!(town.round().await, 3);
        assert_eq!((town.script.tries().len(), town.left().await), (0, (0, 0)));
        assert_eq!(town.round().await, 0);
    }

    #[tokio::test]
    async fn messages_to_nobody_go_soon_where_no_courier_takes_them() {
        let town = Town::new(&[]).await;
        let sms = Message { medium: Medium::Sms, ..town.message() };
        let week = sms.at.plus_seconds(7 * 86_400);
        town.office.pretend(Message { expires_at: week, ..sms }).await.unwrap();
        let store = &town.kit.ports.store;
        let now = town.kit.ports.clock.now();
        let is_due = async || {
            store.read().await.unwrap().has_due_message(Route::Sms, &[], now).await.unwrap()
        };
        assert!(is_due().await);
        while store.sweep(now.plus_seconds(10 * 60)).await.unwrap() {}
        assert!(!is_due().await);
    }

    #[tokio::test]
    async fn what_can_never_be_sent_is_refused_and_not_stored() {
        let town = Town::new(&[]).await;
        let office = &town.office;
        let failure = |message| async move { office.deliver(message).await.unwrap().unwrap_err() };
        let sms = Message { medium: Medium::Sms, ..town.message() };
        assert_eq!(failure(sms).await.to_string(), "no SMS sender configured");
        let bad = Message { destination: "ada".into(), ..town.message() };
        assert_eq!(failure(bad).await.to_string(), "bad address");
        assert_eq!(town.left().await, (0, 0));
    }

    #[tokio::test]
    async fn lanes_deliver_at_once_and_end_when_they_are_told() -> Result<(), Fault> {
        let town = Town::new(&[]).await;
        let couriers = start(&town.office);
        assert_eq!(couriers.lanes.len(), 1, "a route without a sender has a lane");
        for _ in 0..20 {
            town.office.deliver(town.message()).await?.unwrap();
        }
        while town.left().await != (0, 0) {
            tokio::task::yield_now().await;
        }
        couriers.finish().await;
        let mut ids: Vec<_> = town.script.tries().into_iter().map(|(id, _)| id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!((ids.len(), town.script.tries().len()), (20, 20));
        town.office.deliver(town.message()).await?.unwrap();
        assert_eq!(town.left().await, (1, 0));
        Ok(())
    }
    /// A function's message for a user of a pool.
    fn asked(town: &Town, pool: &str) -> Message {
        let invocation = Invocation {
            function: String::new(),
            trigger: Trigger::CustomEmailSender,
            user_pool_id: pool.into(),
            id: String::new(),
            event: String::new(),
            is_queued: true,
        };
        Message { user_pool_id: pool.into(), invocation: Some(invocation), ..town.message() }
    }

    #[tokio::test]
    async fn a_pool_whose_function_hangs_holds_up_no_other() {
        let town = Town::new(&[]).await;
        let other = "us-east-1_BBBBBBBBB";
        town.add_pool(other).await;
        let hanging = Arc::new(Hanging::default());
        let senders = Senders { functions: Some(Arc::clone(&hanging) as _), ..Senders::default() };
        let office = town.office_with(senders);
        for _ in 0..100 {
            office.deliver(asked(&town, POOL)).await.unwrap().unwrap();
        }
        town.kit.clock.advance(1);
        office.deliver(asked(&town, other)).await.unwrap().unwrap();
        let couriers = start(&office);
        let until = hanging.delivered.notified();
        tokio::time::timeout(Duration::from_secs(20), until).await.expect("held up");
        assert!(hanging.tries.lock().unwrap().len() <= Route::Function.share());
        for lane in couriers.lanes {
            lane.abort();
        }
    }

    /// Never ends with messages of one pool.
    #[derive(Default)]
    struct Hanging {
        tries: Mutex<Vec<String>>,
        delivered: Notify,
    }

    #[async_trait]
    impl Sender for Hanging {
        fn check(&self, _: &Message) -> Result<(), DeliveryFailure> {
            Ok(())
        }

        async fn send(&self, id: &str, message: &Message) -> Result<(), NotSent> {
            if message.user_pool_id == POOL {
                self.tries.lock().unwrap().push(id.to_owned());
                return std::future::pending().await;
            }
            self.delivered.notify_one();
            Ok(())
        }
    }
}
