//! Risk configurations, events of threat protection, and where logs go.

use poolhouse_domain::{
    Fault,
    ports::Store,
    shapes::{
        AuthEventType, CloudWatchLogsConfigurationType, EventResponseType, EventSourceName,
        EventType, LogConfigurationType, LogLevel, RiskConfigurationType,
        RiskExceptionConfigurationType,
    },
    threat_protection::{AuthEvent, RiskConfigurations},
};

use super::{POOL, Site, at, client, insert, pool, sub, user};

on_every_engine! {
    risk_configurations_are_kept_by_pool_and_client,
    events_come_newest_first_and_are_replaced_by_id,
    events_are_kept_for_two_years,
    events_of_a_deleted_user_go_in_batches,
    a_deleted_pool_leaves_nothing_of_threat_protection,
    log_configurations_are_replaced,
}

fn settings(range: &str) -> RiskConfigurationType {
    RiskConfigurationType {
        risk_exception_configuration: Some(RiskExceptionConfigurationType {
            blocked_ip_range_list: Some(vec![range.to_owned()]),
            skipped_ip_range_list: None,
        }),
        last_modified_date: Some(at(0).to_wire()),
        ..RiskConfigurationType::default()
    }
}

fn event(owner: u32, number: u32, seconds: i64, response: EventResponseType) -> AuthEvent {
    AuthEvent {
        user_pool_id: POOL.to_owned(),
        sub: sub(owner),
        at: at(seconds),
        shown: AuthEventType {
            event_id: Some(format!("{number:08}-event")),
            event_type: Some(EventType::SignIn),
            event_response: Some(response),
            ..AuthEventType::default()
        },
    }
}

fn log_configuration(arn: &str) -> LogConfigurationType {
    LogConfigurationType {
        log_level: LogLevel::Error,
        event_source: EventSourceName::UserNotification,
        cloud_watch_logs_configuration: Some(CloudWatchLogsConfigurationType {
            log_group_arn: Some(arn.to_owned()),
        }),
        ..LogConfigurationType::default()
    }
}

async fn risk_configurations_are_kept_by_pool_and_client(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    let nothing = RiskConfigurations::default();
    assert_eq!(tx.risk_configurations(POOL, Some("a")).await.unwrap(), nothing);
    tx.put_risk_configuration(POOL, None, &settings("192.0.2.0/24")).await.unwrap();
    tx.insert_app_client(&client("a", POOL)).await.unwrap();
    tx.put_risk_configuration(POOL, Some("a"), &settings("10.0.0.0/8")).await.unwrap();
    tx.put_risk_configuration(POOL, Some("a"), &settings("10.1.0.0/16")).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.write().await.unwrap();
    let (of_pool, of_client) = (Some(settings("192.0.2.0/24")), Some(settings("10.1.0.0/16")));
    let both = RiskConfigurations { pool: of_pool.clone(), client: of_client };
    assert_eq!(tx.risk_configurations(POOL, Some("a")).await.unwrap(), both);
    let inherited = RiskConfigurations { pool: of_pool, client: None };
    assert_eq!(tx.risk_configurations(POOL, Some("b")).await.unwrap(), inherited);
    assert_eq!(tx.risk_configurations(POOL, None).await.unwrap(), inherited);
    assert_eq!(tx.risk_configurations("other", Some("a")).await.unwrap(), nothing);
    tx.delete_risk_configuration(POOL, "a").await.unwrap();
    let gone = tx.put_risk_configuration(POOL, Some("gone"), &settings("10.0.0.0/8")).await;
    assert!(matches!(gone, Err(Fault::Conflict(_))), "{gone:?}");
    assert_eq!(tx.risk_configurations(POOL, Some("a")).await.unwrap(), inherited);
}

async fn events_come_newest_first_and_are_replaced_by_id(site: Site) {
    use EventResponseType::{Fail, InProgress, Pass};
    let store = site.open().await;
    for number in [1, 2] {
        insert(&store, &user(number), &[]).await.unwrap();
    }
    let mut tx = store.write().await.unwrap();
    let (first, second) = (event(1, 1, 1, Pass), event(1, 2, 2, InProgress));
    let (third, other) = (event(1, 3, 3, Fail), event(2, 4, 4, Pass));
    for event in [&second, &first, &other, &third] {
        tx.put_auth_event(event).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = store.write().await.unwrap();
    let (first, third) = (vec![first], vec![third]);
    let newest = tx.list_auth_events(POOL, &sub(1), None, 2).await.unwrap();
    assert_eq!(newest, [third.clone(), vec![second.clone()]].concat());
    let older = tx.list_auth_events(POOL, &sub(1), Some(second.id()), 2).await.unwrap();
    assert_eq!(older, first);
    assert_eq!(tx.recent_sign_ins(POOL, &sub(1), 5).await.unwrap(), first);
    let done = event(1, 2, 2, Pass);
    tx.put_auth_event(&done).await.unwrap();
    assert_eq!(tx.auth_event(POOL, &sub(1), done.id()).await.unwrap(), Some(done.clone()));
    let sign_ins = tx.recent_sign_ins(POOL, &sub(1), 1).await.unwrap();
    assert_eq!(sign_ins, std::slice::from_ref(&done));
    assert_eq!(tx.auth_event(POOL, &sub(2), done.id()).await.unwrap(), None);
    assert_eq!(tx.auth_event("other", &sub(1), done.id()).await.unwrap(), None);
}

async fn events_are_kept_for_two_years(site: Site) {
    let store = site.open().await;
    insert(&store, &user(1), &[]).await.unwrap();
    let mut tx = store.write().await.unwrap();
    for number in 0..2 {
        let event = event(1, number, i64::from(number), EventResponseType::Pass);
        tx.put_auth_event(&event).await.unwrap();
    }
    tx.commit().await.unwrap();
    let years = 2 * 365 * 86_400;
    store.sweep(at(years)).await.unwrap();
    let left = store.read().await.unwrap().list_auth_events(POOL, &sub(1), None, 9).await.unwrap();
    assert_eq!(left.iter().map(AuthEvent::id).collect::<Vec<_>>(), ["00000001-event"]);
}

async fn events_of_a_deleted_user_go_in_batches(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    for number in [1, 2] {
        let user = user(number);
        tx.insert_user(&user, &user.username, &[]).await.unwrap().unwrap();
        tx.put_auth_event(&event(number, 0, 0, EventResponseType::Pass)).await.unwrap();
    }
    for number in 1..1_001 {
        tx.put_auth_event(&event(1, number, 0, EventResponseType::Fail)).await.unwrap();
    }
    tx.delete_user(POOL, &sub(1)).await.unwrap();
    tx.commit().await.unwrap();
    assert!(store.sweep(at(1)).await.unwrap(), "more than a batch remains");
    assert!(!store.sweep(at(2)).await.unwrap());
    // A sign-in that was under way when the user was deleted, and did not see it.
    let mut tx = store.write().await.unwrap();
    tx.insert_user(&user(1), "user1", &[]).await.unwrap().unwrap();
    tx.put_auth_event(&event(1, 2_000, 3, EventResponseType::Pass)).await.unwrap();
    tx.commit().await.unwrap();
    store.sweep(at(62)).await.unwrap();
    let mut view = store.read().await.unwrap();
    assert_eq!(view.list_auth_events(POOL, &sub(1), None, 9).await.unwrap(), []);
    assert_eq!(view.list_auth_events(POOL, &sub(2), None, 9).await.unwrap().len(), 1);
}

async fn a_deleted_pool_leaves_nothing_of_threat_protection(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    tx.insert_user_pool(&pool(POOL)).await.unwrap();
    tx.put_risk_configuration(POOL, None, &settings("192.0.2.0/24")).await.unwrap();
    tx.insert_app_client(&client("a", POOL)).await.unwrap();
    tx.put_risk_configuration(POOL, Some("a"), &settings("192.0.2.0/24")).await.unwrap();
    tx.insert_user(&user(1), "user1", &[]).await.unwrap().unwrap();
    tx.put_auth_event(&event(1, 1, 1, EventResponseType::Pass)).await.unwrap();
    tx.put_log_configurations(POOL, &[log_configuration("arn:a")]).await.unwrap();
    tx.delete_user_pool(POOL).await.unwrap();
    tx.commit().await.unwrap();
    store.sweep(at(10)).await.unwrap();
    let mut view = store.read().await.unwrap();
    let settings = view.risk_configurations(POOL, Some("a")).await.unwrap();
    assert_eq!(settings, RiskConfigurations::default());
    assert_eq!(view.list_auth_events(POOL, &sub(1), None, 9).await.unwrap(), []);
    assert_eq!(view.log_configurations(POOL).await.unwrap(), []);
}

async fn log_configurations_are_replaced(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    assert_eq!(tx.log_configurations(POOL).await.unwrap(), []);
    let configurations = [log_configuration("arn:a")];
    tx.put_log_configurations(POOL, &configurations).await.unwrap();
    assert_eq!(tx.log_configurations(POOL).await.unwrap(), configurations);
    let configurations = [log_configuration("arn:b"), log_configuration("arn:c")];
    tx.put_log_configurations(POOL, &configurations).await.unwrap();
    assert_eq!(tx.log_configurations(POOL).await.unwrap(), configurations);
    assert_eq!(tx.log_configurations("other").await.unwrap(), []);
    tx.put_log_configurations(POOL, &[]).await.unwrap();
    assert_eq!(tx.log_configurations(POOL).await.unwrap(), []);
}
