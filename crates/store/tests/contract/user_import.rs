//! Import jobs, their files and their logs.

use poolhouse_domain::{
    fault::retrying,
    shapes::{UserImportJobStatusType as Status, VerifiedAttributeType},
    user_import::{
        self, Counts, ImportJob, ImportRun, JobCursor, JobDetails, LogBlock, NewUser, Progress,
        Upload,
    },
};

use super::*;

on_every_engine! {
    jobs_are_stored_replaced_and_listed_newest_first,
    stale_jobs_are_not_written,
    one_job_runs_and_one_worker_has_it,
    one_of_many_workers_gets_the_lease,
    files_are_kept_until_they_end,
    logs_are_read_in_order,
    imported_users_are_stored_and_counted_together,
    a_deleted_pool_takes_its_imports_along,
    no_job_starts_beside_the_deletion_of_its_pool,
}

fn job(id: &str, created: i64) -> ImportJob {
    ImportJob {
        user_pool_id: POOL.to_owned(),
        id: id.to_owned(),
        created_at: at(created),
        status: Status::Created,
        details: JobDetails {
            name: "Größe".to_owned(),
            log_role_arn: "arn:aws:iam::123456789012:role/r".to_owned(),
            started_at: Some(at(5)),
            completed_at: None,
            counts: Counts { imported: 1, skipped: 2, failed: 3 },
            completion_message: None,
            upload: Some(Upload { id: "u".to_owned(), bytes: 7 }),
            progress: Progress { columns: vec!["email".to_owned()], position: 9, lines: 2 },
        },
        version: 0,
    }
}

async fn store_jobs(store: &SqlStore, jobs: &[&ImportJob]) {
    let mut tx = store.write().await.unwrap();
    for job in jobs {
        tx.insert_import_job(job).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn jobs_are_stored_replaced_and_listed_newest_first(site: Site) {
    let store = site.open().await;
    let (old, mut tie, tied, new) = (job("z", 1), job("a", 2), job("b", 2), job("c", 3));
    let foreign = ImportJob { user_pool_id: "other".to_owned(), ..job("z", 9) };
    store_jobs(&store, &[&old, &tie, &tied, &new, &foreign]).await;
    let mut view = store.read().await.unwrap();
    assert_eq!(view.import_job(POOL, "a").await.unwrap().as_ref(), Some(&tie));
    assert_eq!(view.import_job("other", "a").await.unwrap(), None);
    assert_eq!(view.count_import_jobs(POOL).await.unwrap(), 4);
    assert_eq!(view.count_import_jobs("none").await.unwrap(), 0);
    let first = view.list_import_jobs(POOL, None, 2).await.unwrap();
    assert_eq!(first, [new, tied.clone()]);
    let cursor = JobCursor { created_at: tied.created_at, id: tied.id };
    let rest = view.list_import_jobs(POOL, Some(&cursor), 9).await.unwrap();
    assert_eq!(rest, [tie.clone(), old.clone()]);

    tie.status = Status::Failed;
    tie.details.completion_message = Some("No.".to_owned());
    tie.details.upload = None;
    let mut tx = store.write().await.unwrap();
    tx.update_import_job(&mut tie).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(tie.version, 1);
    assert_eq!(view.import_job(POOL, "a").await.unwrap(), Some(tie));
    let waiting = view.import_jobs_not_started_since(at(2), 9).await.unwrap();
    let ids: Vec<&str> = waiting.iter().map(|job| job.id.as_str()).collect();
    assert_eq!(ids, ["z", "b"], "not the failed one, not the newer one");
}

async fn stale_jobs_are_not_written(site: Site) {
    let store = site.open().await;
    let mut stored = job("a", 1);
    store_jobs(&store, &[&stored]).await;
    let mut tx = store.write().await.unwrap();
    tx.update_import_job(&mut stored).await.unwrap();
    stored.version = 0;
    let stale = tx.update_import_job(&mut stored).await;
    assert!(matches!(stale, Err(Fault::Conflict(_))), "{stale:?}");
    let again = tx.insert_import_job(&stored).await;
    assert!(matches!(again, Err(Fault::Conflict(_))), "{again:?}");
}

fn run(job_id: &str, worker: &str, until: i64) -> ImportRun {
    ImportRun {
        user_pool_id: POOL.to_owned(),
        job_id: job_id.to_owned(),
        worker: worker.to_owned(),
        lease_until: at(until),
    }
}

async fn one_job_runs_and_one_worker_has_it(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    assert_eq!(tx.import_run().await.unwrap(), None);
    assert!(tx.begin_import_run(POOL, "one").await.unwrap());
    assert!(!tx.begin_import_run(POOL, "one").await.unwrap());
    assert!(!tx.begin_import_run("other", "two").await.unwrap());
    tx.commit().await.unwrap();
    let mut view = store.read().await.unwrap();
    let begun = ImportRun { lease_until: Timestamp::default(), ..run("one", "", 0) };
    assert_eq!(view.import_run().await.unwrap(), Some(begun));
    let lease = async |run: ImportRun, now: i64| {
        let mut tx = store.write().await.unwrap();
        let has = tx.lease_import_run(&run, at(now), at(now + 120)).await.unwrap();
        tx.commit().await.unwrap();
        has
    };
    assert!(!lease(run("two", "a", 10), 0).await, "it does not run");
    assert!(lease(run("one", "a", 10), 0).await);
    assert!(lease(run("one", "a", 15), 5).await);
    assert!(!lease(run("one", "b", 24), 14).await);
    assert!(lease(run("one", "b", 25), 15).await, "it is over");
    assert!(!lease(run("one", "a", 26), 16).await);
    assert_eq!(view.import_run().await.unwrap(), Some(run("one", "b", 25)));
    assert!(!lease(run("one", "a", -85), -95).await, "clocks differ a little");
    assert!(lease(run("one", "a", -86), -96).await, "a clock was set back");
    let mut tx = store.write().await.unwrap();
    tx.end_import_run().await.unwrap();
    assert!(tx.begin_import_run("other", "two").await.unwrap());
}

async fn one_of_many_workers_gets_the_lease(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    tx.begin_import_run(POOL, "one").await.unwrap();
    tx.commit().await.unwrap();
    let got = together(8, move |number| {
        let store = store.clone();
        async move {
            let run = run("one", &number.to_string(), 10);
            let lease = async || {
                let mut tx = store.write().await?;
                let has = tx.lease_import_run(&run, at(0), at(120)).await?;
                tx.commit().await?;
                Ok(has)
            };
            retrying(lease).await.unwrap()
        }
    });
    assert_eq!(got.await.into_iter().filter(|has| *has).count(), 1);
}

/// Lets the sweep do all that there is to do at a time.
async fn sweep(store: &SqlStore, now: i64) {
    while store.sweep(at(now)).await.unwrap() {}
}

async fn files_are_kept_until_they_end(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    for (id, end) in [("kept", 10), ("ends", 20), ("long", 10)] {
        tx.insert_import_upload(POOL, id, at(end)).await.unwrap();
    }
    for number in 0..100 {
        tx.insert_import_chunk("long", number, b"x").await.unwrap();
    }
    for (id, content) in [("kept", vec![0, 255, 10]), ("ends", vec![7; 300_000])] {
        tx.insert_import_chunk(id, 1, &content).await.unwrap();
    }
    let again = tx.insert_import_chunk("kept", 1, b"").await;
    assert!(matches!(again, Err(Fault::Conflict(_))), "{again:?}");
    tx.keep_import_upload("kept", None).await.unwrap();
    tx.commit().await.unwrap();
    let chunk = async |id: &'static str, number: u64| {
        store.read().await.unwrap().import_chunk(id, number).await.unwrap()
    };
    assert_eq!(chunk("kept", 1).await, Some(vec![0, 255, 10]));
    assert_eq!(chunk("kept", 0).await, None);
    assert!(store.sweep(at(10)).await.unwrap(), "there is more");
    sweep(&store, 19).await;
    for number in [0, 50, 99] {
        assert_eq!(chunk("long", number).await, None);
    }
    assert_eq!(chunk("ends", 1).await, Some(vec![7; 300_000]));
    sweep(&store, 20).await;
    assert_eq!(chunk("ends", 1).await, None);
    assert!(chunk("kept", 1).await.is_some());
    let mut tx = store.write().await.unwrap();
    tx.keep_import_upload("kept", Some(at(30))).await.unwrap();
    tx.commit().await.unwrap();
    sweep(&store, 30).await;
    assert_eq!(chunk("kept", 1).await, None);
}

async fn logs_are_read_in_order(site: Site) {
    let store = site.open().await;
    let block = |first_line: i64| LogBlock { first_line, text: format!("line {first_line} ä\n") };
    let mut tx = store.write().await.unwrap();
    for line in [300, 2, 10] {
        tx.append_import_log(POOL, "one", &block(line)).await.unwrap();
    }
    tx.append_import_log(POOL, "two", &block(3)).await.unwrap();
    tx.commit().await.unwrap();
    let mut view = store.read().await.unwrap();
    assert_eq!(view.import_log(POOL, "one", 0, 2).await.unwrap(), [block(2), block(10)]);
    assert_eq!(view.import_log(POOL, "one", 10, 2).await.unwrap(), [block(300)]);
    assert_eq!(view.import_log("other", "one", 0, 2).await.unwrap(), []);
}

async fn imported_users_are_stored_and_counted_together(site: Site) {
    let store = site.open().await;
    let (old, holder) = (user(1), user(2));
    insert(&store, &old, &[]).await.unwrap();
    insert(&store, &holder, &[alias("email", "held@x")]).await.unwrap();
    // One more than the largest statement takes, with some that can't be had among them.
    let users: Vec<User> = (101..=185).map(user).collect();
    let new = users.iter().map(|user| NewUser {
        user,
        username_key: if user.sub == sub(110) {
            old.username.clone()
        } else {
            user.username.clone()
        },
        aliases: match user.sub.as_str() {
            same if same == sub(120) => vec![alias("phone_number", "+1"), alias("email", "held@x")],
            _ => vec![alias("email", &format!("{}@x", user.username))],
        },
    });
    let new: Vec<NewUser<'_>> = new.collect();
    let mut tx = store.write().await.unwrap();
    let outcomes = tx.insert_imported_users(&new).await.unwrap();
    for (new, outcome) in new.iter().zip(&outcomes) {
        let expected = match new.user.sub.as_str() {
            same if same == sub(110) => Err(Taken::Username),
            same if same == sub(120) => Err(Taken::Alias("email".to_owned())),
            _ => Ok(()),
        };
        assert_eq!(*outcome, expected, "{}", new.user.username);
    }
    assert_eq!(outcomes.len(), 85);
    assert_eq!(tx.insert_imported_users(&[]).await.unwrap(), []);
    assert_eq!(tx.count_users(POOL).await.unwrap(), 2);
    tx.count_imported_users(POOL, "job", 83).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.read().await.unwrap().count_users(POOL).await.unwrap(), 85);
    assert_eq!(by_sub(&store, 185).await.as_ref(), users.last());
    assert_eq!(by_alias(&store, "user185@x").await.as_deref(), Some("user185"));
    assert_eq!(by_alias(&store, "held@x").await.as_deref(), Some("user2"));
    assert_eq!(by_alias(&store, "user110@x").await, None);
    assert_eq!(by_alias(&store, "+1").await, None, "nothing of it stays");
    for number in [110, 120] {
        assert!(by_sub(&store, number).await.is_none());
    }
}

async fn a_deleted_pool_takes_its_imports_along(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    tx.insert_user_pool(&pool(POOL)).await.unwrap();
    tx.insert_import_job(&job("a", 1)).await.unwrap();
    tx.insert_import_upload(POOL, "u", at(0)).await.unwrap();
    tx.keep_import_upload("u", None).await.unwrap();
    tx.insert_import_chunk("u", 0, b"x").await.unwrap();
    let block = LogBlock { first_line: 2, text: "x".to_owned() };
    tx.append_import_log(POOL, "a", &block).await.unwrap();
    tx.delete_user_pool(POOL).await.unwrap();
    tx.commit().await.unwrap();
    for now in [100, 200, 300] {
        sweep(&store, now).await;
    }
    let mut view = store.read().await.unwrap();
    assert_eq!(view.import_job(POOL, "a").await.unwrap(), None);
    assert_eq!(view.import_log(POOL, "a", 0, 9).await.unwrap(), []);
    assert_eq!(view.import_chunk("u", 0).await.unwrap(), None);
}

async fn no_job_starts_beside_the_deletion_of_its_pool(site: Site) {
    let store = site.open().await;
    let mut auto_verifying = pool(POOL);
    auto_verifying.settings.auto_verified_attributes = Some(vec![VerifiedAttributeType::Email]);
    let mut waiting = job("a", 1);
    store_jobs(&store, &[&waiting]).await;
    let mut tx = store.write().await.unwrap();
    tx.insert_user_pool(&auto_verifying).await.unwrap();
    tx.delete_user_pool(POOL).await.unwrap();
    let started = user_import::start(&mut *tx, &auto_verifying, &mut waiting, at(2)).await;
    assert!(matches!(started, Err(Fault::Conflict(_))), "{started:?}");
    assert_eq!(tx.import_run().await.unwrap(), None);
}
