//! `StartUserImportJob`: hands a job with its file to the worker.

use poolhouse_domain::{
    ports::Ports,
    shapes::{StartUserImportJobRequest, StartUserImportJobResponse},
    user_import,
};
use poolhouse_wire::operations::StartUserImportJob as Op;

use super::{not_found, refusal, shown};
use crate::{failure::Answer, lookup::no_user_pool, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: StartUserImportJobRequest) -> Answer<Op> {
        let StartUserImportJobRequest { user_pool_id, job_id } = input;
        let mut tx = ports.store.write().await?;
        let pool = tx.user_pool(&user_pool_id).await?.ok_or_else(|| no_user_pool(&user_pool_id))?;
        let job = tx.import_job(&user_pool_id, &job_id).await?;
        let mut job = job.ok_or_else(|| not_found(&job_id))?;
        let started = user_import::start(&mut *tx, &pool, &mut job, ports.clock.now()).await?;
        started.map_err(|refused| refusal::<Op>(&refused))?;
        tx.commit().await?;
        Ok(StartUserImportJobResponse { user_import_job: Some(shown(ports, job)) })
    }
}

#[cfg(test)]
mod tests {
    use poolhouse_domain::user_import::worker;
    use serde_json::json;

    use super::super::tests::{described, job, pool, put, start, work};
    use crate::testing::{Stack, error, merged};

    #[tokio::test]
    async fn a_started_job_waits_for_its_worker() {
        let stack = Stack::new().await;
        let pool = pool(&stack, json!({})).await;
        let job = job(&stack, &pool).await;
        put(&stack, &pool, &job, b"x").await.unwrap();
        let made = described(&stack, &pool, &job).await;
        stack.advance(5);
        let started = start(&stack, &pool, &job).await;
        let change = json!({ "Status": "Pending", "StartDate": 1_767_225_605.123 });
        assert_eq!(started, merged(made, change));
        assert_eq!(described(&stack, &pool, &job).await, started);
    }

    #[tokio::test]
    async fn one_job_of_the_account_is_active() {
        let stack = Stack::new().await;
        let (one, two) = (pool(&stack, json!({})).await, pool(&stack, json!({})).await);
        let (first, second) = (job(&stack, &one).await, job(&stack, &two).await);
        put(&stack, &one, &first, b"x").await.unwrap();
        put(&stack, &two, &second, b"x").await.unwrap();
        start(&stack, &one, &first).await;
        let input = json!({ "UserPoolId": two, "JobId": second });
        let busy =
            error("PreconditionNotMetException", "Another user import job is already in progress.");
        assert_eq!(stack.refusal("StartUserImportJob", input.clone()).await, busy);
        assert!(worker::step(&stack.ports, "worker").await.unwrap());
        assert_eq!(stack.refusal("StartUserImportJob", input).await, busy, "in progress too");
        assert_eq!(described(&stack, &two, &second).await["Status"], "Created");
        work(&stack).await;
        start(&stack, &two, &second).await;
    }

    #[tokio::test]
    async fn jobs_without_file_or_way_to_reach_users_do_not_start() {
        let stack = Stack::new().await;
        let (pool, plain) = (pool(&stack, json!({})).await, stack.pool(json!({})).await);
        let without = job(&stack, &pool).await;
        let input = json!({ "UserPoolId": pool, "JobId": without });
        let message = format!("No csv file was uploaded for {without}");
        assert_eq!(
            stack.refusal("StartUserImportJob", input).await,
            error("PreconditionNotMetException", &message)
        );
        let job = job(&stack, &plain).await;
        put(&stack, &plain, &job, b"x").await.unwrap();
        let input = json!({ "UserPoolId": plain, "JobId": job });
        let message = format!("User pool {plain} has no auto verified attributes.");
        assert_eq!(
            stack.refusal("StartUserImportJob", input).await,
            error("PreconditionNotMetException", &message)
        );
        assert_eq!(described(&stack, &plain, &job).await["Status"], "Created");
    }

    #[tokio::test]
    async fn a_job_starts_once_and_within_a_day() {
        let stack = Stack::new().await;
        let pool = pool(&stack, json!({})).await;
        let (one, two) = (job(&stack, &pool).await, job(&stack, &pool).await);
        put(&stack, &pool, &one, b"x").await.unwrap();
        put(&stack, &pool, &two, b"x").await.unwrap();
        start(&stack, &pool, &one).await;
        work(&stack).await;
        let refusal = async |job: &str, status: &str| {
            let input = json!({ "UserPoolId": pool, "JobId": job });
            let message = format!("User import job {job} is in status {status}.");
            let refused = stack.refusal("StartUserImportJob", input).await;
            assert_eq!(refused, error("PreconditionNotMetException", &message));
        };
        refusal(&one, "Failed").await;
        stack.advance(86_400);
        refusal(&two, "Expired").await;
        work(&stack).await;
        assert_eq!(described(&stack, &pool, &two).await["Status"], "Expired");
        assert_eq!(described(&stack, &pool, &one).await["Status"], "Failed");
        refusal(&two, "Expired").await;
    }
}
