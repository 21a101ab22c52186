//! `ListUserImportJobs`: the jobs of a pool, page by page, newest first.

use poolhouse_domain::{
    ports::Ports,
    shapes::{ListUserImportJobsRequest, ListUserImportJobsResponse},
    user_import::{ImportJob, JobCursor},
};
use poolhouse_wire::operations::ListUserImportJobs as Op;

use super::shown;
use crate::{failure::Answer, lookup, pages, serve::Handle};

/// The most jobs that the model allows in an answer, although a request can ask for more.
const LARGEST_PAGE: i32 = 50;

impl Handle for Op {
    async fn handle(ports: &Ports, input: ListUserImportJobsRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let list = format!("ListUserImportJobs {}", pool.id());
        let size = pages::size(Some(input.max_results.min(LARGEST_PAGE)));
        let after: Option<JobCursor> =
            pages::start::<Op, _>(ports, &list, input.pagination_token.as_deref())?;
        let mut tx = ports.store.read().await?;
        let mut jobs = tx.list_import_jobs(pool.id(), after.as_ref(), pages::fetch(size)).await?;
        let cursor = |job: &ImportJob| JobCursor { created_at: job.created_at, id: job.id.clone() };
        let pagination_token = pages::cut(ports, &list, &mut jobs, size, cursor)?;
        let jobs = jobs.into_iter().map(|job| shown(ports, job)).collect();
        Ok(ListUserImportJobsResponse { user_import_jobs: Some(jobs), pagination_token })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::job;
    use crate::testing::{Stack, error, invalid, merged, text};

    /// The ids on each page.
    async fn pages(stack: &Stack, pool: &str, size: i64) -> Vec<Vec<String>> {
        let (mut pages, mut token) = (Vec::new(), Value::Null);
        loop {
            let input = json!({ "UserPoolId": pool, "MaxResults": size, "PaginationToken": token });
            let mut answer = stack.ok("ListUserImportJobs", input).await;
            let jobs = answer["UserImportJobs"].as_array().unwrap();
            pages.push(jobs.iter().map(|job| text(&job["JobId"])).collect());
            match answer.get_mut("PaginationToken") {
                Some(next) => token = next.take(),
                None => return pages,
            }
        }
    }

    #[tokio::test]
    async fn pages_hold_every_job_of_the_pool_newest_first() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        job(&stack, &other).await;
        assert_eq!(pages(&stack, &pool, 2).await, [[""; 0]]);
        let mut ids = Vec::new();
        for _ in 0..5 {
            ids.insert(0, job(&stack, &pool).await);
            stack.advance(1);
        }
        let expected = [&ids[..2], &ids[2..4], &ids[4..]];
        assert_eq!(pages(&stack, &pool, 2).await, expected);
        for _ in 0..46 {
            job(&stack, &pool).await;
        }
        let sizes: Vec<_> = pages(&stack, &pool, 60).await.iter().map(Vec::len).collect();
        assert_eq!(sizes, [50, 1], "jobs of the same moment included");
    }

    #[tokio::test]
    async fn foreign_tokens_and_unknown_pools_are_refused() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        for _ in 0..2 {
            job(&stack, &pool).await;
        }
        let input = json!({ "UserPoolId": pool, "MaxResults": 1 });
        let answer = stack.ok("ListUserImportJobs", input.clone()).await;
        let input = merged(input, json!({ "PaginationToken": answer["PaginationToken"] }));
        for change in [json!({ "UserPoolId": other }), json!({ "PaginationToken": "garbage" })] {
            let refused = stack.refusal("ListUserImportJobs", merged(input.clone(), change)).await;
            assert_eq!(refused, invalid("Invalid pagination token given."));
        }
        let input = json!({ "UserPoolId": "us-east-1_Nowhere12", "MaxResults": 1 });
        assert_eq!(
            stack.refusal("ListUserImportJobs", input).await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
    }
}
