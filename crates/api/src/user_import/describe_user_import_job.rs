//! `DescribeUserImportJob`: a job, how far it has come, and how it ended.

use poolhouse_domain::{
    ports::Ports,
    shapes::{DescribeUserImportJobRequest, DescribeUserImportJobResponse},
};
use poolhouse_wire::operations::DescribeUserImportJob as Op;

use super::{find, shown};
use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DescribeUserImportJobRequest) -> Answer<Op> {
        let mut tx = ports.store.read().await?;
        let job = find::<Op>(&mut *tx, &input.user_pool_id, &input.job_id).await?;
        Ok(DescribeUserImportJobResponse { user_import_job: Some(shown(ports, job)) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{ROLE, described};
    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn a_job_is_shown_as_it_was_made() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let input = json!({ "UserPoolId": pool, "JobName": "j", "CloudWatchLogsRoleArn": ROLE });
        let made = stack.ok("CreateUserImportJob", input).await["UserImportJob"].take();
        let id = made["JobId"].as_str().unwrap();
        assert_eq!(described(&stack, &pool, id).await, made, "the URL included");
    }

    #[tokio::test]
    async fn unknown_jobs_and_pools_are_not_found() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        let foreign = super::super::tests::job(&stack, &other).await;
        let no_job = format!("User import job {foreign} does not exist.");
        let no_pool = "User pool us-east-1_Nowhere12 does not exist.";
        for operation in ["DescribeUserImportJob", "StartUserImportJob", "StopUserImportJob"] {
            for (pool, message) in
                [(pool.as_str(), no_job.as_str()), ("us-east-1_Nowhere12", no_pool)]
            {
                let input = json!({ "UserPoolId": pool, "JobId": foreign });
                let refused = error("ResourceNotFoundException", message);
                assert_eq!(stack.refusal(operation, input).await, refused, "{operation}");
            }
        }
    }
}
