//! Codes that were sent, and attempts that are counted.

use super::*;

on_every_engine! {
    a_code_replaces_the_one_before,
    counters_are_kept_by_subject_and_kind,
}

async fn a_code_replaces_the_one_before(site: Site) {
    let store = site.open().await;
    let (first, second) = (code(1, CodePurpose::SignUp, 1), code(1, CodePurpose::SignUp, 2));
    let other = code(1, CodePurpose::VerifyEmail, 3);
    let mut tx = store.write().await.unwrap();
    for code in [&first, &other, &second] {
        tx.put_code(code).await.unwrap();
    }
    assert_eq!(tx.code(POOL, &sub(1), CodePurpose::SignUp).await.unwrap(), Some(second));
    tx.delete_code(POOL, &sub(1), CodePurpose::SignUp).await.unwrap();
    assert_eq!(tx.code(POOL, &sub(1), CodePurpose::SignUp).await.unwrap(), None);
    assert_eq!(tx.code(POOL, &sub(1), CodePurpose::VerifyEmail).await.unwrap(), Some(other));
    tx.commit().await.unwrap();
}

async fn counters_are_kept_by_subject_and_kind(site: Site) {
    let store = site.open().await;
    let attempts = Attempts { count: u32::MAX, since: at(0), last_at: at(7) };
    let mut tx = store.write().await.unwrap();
    for count in [1, u32::MAX] {
        let attempts = Attempts { count, ..attempts };
        tx.put_attempts(POOL, "nobody", Attempted::Password, attempts, at(60)).await.unwrap();
    }
    let found = tx.attempts(POOL, "nobody", Attempted::Password).await.unwrap();
    assert_eq!(found, Some(attempts));
    assert_eq!(tx.attempts(POOL, "nobody", Attempted::ResendCode).await.unwrap(), None);
    assert_eq!(tx.attempts(POOL, "somebody", Attempted::Password).await.unwrap(), None);
    tx.clear_attempts(POOL, "nobody", Attempted::Password).await.unwrap();
    assert_eq!(tx.attempts(POOL, "nobody", Attempted::Password).await.unwrap(), None);
    tx.commit().await.unwrap();
}
