//! `StopUserImportJob`: asks for the end of a job. Users who have come in stay.

use poolhouse_domain::{
    ports::Ports,
    shapes::{StopUserImportJobRequest, StopUserImportJobResponse},
    user_import,
};
use poolhouse_wire::operations::StopUserImportJob as Op;

use super::{find, refusal, shown};
use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: StopUserImportJobRequest) -> Answer<Op> {
        let mut tx = ports.store.write().await?;
        let mut job = find::<Op>(&mut *tx, &input.user_pool_id, &input.job_id).await?;
        let stopped = user_import::stop(&mut *tx, &mut job).await?;
        stopped.map_err(|refused| refusal::<Op>(&refused))?;
        tx.commit().await?;
        Ok(StopUserImportJobResponse { user_import_job: Some(shown(ports, job)) })
    }
}

#[cfg(test)]
mod tests {
    use poolhouse_domain::user_import::worker;
    use serde_json::{Value, json};

    use super::super::tests::{described, job, pool, put, start, work};
    use crate::testing::{Stack, error, text};

    #[tokio::test]
    async fn a_job_stops_before_it_begins_or_between_batches() {
        let stack = Stack::new().await;
        let pool = pool(&stack, json!({})).await;
        for steps in [0, 1, 2] {
            let job = job(&stack, &pool).await;
            let answer = stack.ok("GetCSVHeader", json!({ "UserPoolId": pool })).await;
            let header: Vec<String> =
                answer["CSVHeader"].as_array().unwrap().iter().map(text).collect();
            let line = "x\n".repeat(1_000);
            let file = format!("{}\n{line}", header.join(","));
            put(&stack, &pool, &job, file.as_bytes()).await.unwrap();
            start(&stack, &pool, &job).await;
            for _ in 0..steps {
                assert!(worker::step(&stack.ports, "worker").await.unwrap());
            }
            let input = json!({ "UserPoolId": pool, "JobId": job });
            let stopping = stack.ok("StopUserImportJob", input).await;
            assert_eq!(stopping["UserImportJob"]["Status"], "Stopping");
            assert_eq!(stopping["UserImportJob"]["CompletionDate"], Value::Null);
            stack.advance(3);
            work(&stack).await;
            let stopped = described(&stack, &pool, &job).await;
            assert_eq!(stopped["Status"], "Stopped");
            assert_eq!(
                stopped["CompletionMessage"],
                "The Import Job was stopped by the developer."
            );
            assert!(stopped["CompletionDate"].as_f64() > stopped["StartDate"].as_f64());
            let failed = if steps == 2 { 199 } else { 0 };
            assert_eq!(stopped["FailedUsers"], failed);
        }
    }

    #[tokio::test]
    async fn only_a_running_job_can_be_stopped() {
        let stack = Stack::new().await;
        let pool = pool(&stack, json!({})).await;
        let job = job(&stack, &pool).await;
        let input = json!({ "UserPoolId": pool, "JobId": job });
        let refusal = async |status: &str| {
            let message = format!("User import job {job} is in status {status}.");
            let refused = stack.refusal("StopUserImportJob", input.clone()).await;
            assert_eq!(refused, error("PreconditionNotMetException", &message));
        };
        refusal("Created").await;
        put(&stack, &pool, &job, b"x").await.unwrap();
        start(&stack, &pool, &job).await;
        stack.ok("StopUserImportJob", input.clone()).await;
        refusal("Stopping").await;
        work(&stack).await;
        refusal("Stopped").await;
        let message = format!("User import job {job} is in status Stopped.");
        assert_eq!(
            stack.refusal("StartUserImportJob", input.clone()).await,
            error("PreconditionNotMetException", &message)
        );
    }
}
