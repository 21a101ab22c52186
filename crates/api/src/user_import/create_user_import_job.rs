//! `CreateUserImportJob`: a job that waits for its file.

use poolhouse_domain::{
    ports::Ports,
    shapes::{CreateUserImportJobRequest, CreateUserImportJobResponse},
    user_import::{self, ImportRefused, NewJob},
};
use poolhouse_wire::{codes, operations::CreateUserImportJob as Op};

use super::{refusal, shown};
use crate::{
    failure::{Answer, Failure},
    lookup::no_user_pool,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: CreateUserImportJobRequest) -> Answer<Op> {
        let id = input.user_pool_id;
        let new = NewJob {
            name: input.job_name,
            log_role_arn: input.cloud_watch_logs_role_arn,
            hashing: input.password_hashing_algorithm,
        };
        let mut tx = ports.store.write().await?;
        if tx.user_pool(&id).await?.is_none() {
            return Err(no_user_pool(&id).into());
        }
        let (identity, entropy) = (&ports.identity, &*ports.entropy);
        let made =
            user_import::create(&mut *tx, &id, new, identity, entropy, ports.clock.now()).await?;
        let job = made.map_err(|refused| refused_to_make(&refused))?;
        tx.commit().await?;
        Ok(CreateUserImportJobResponse { user_import_job: Some(shown(ports, job)) })
    }
}

fn refused_to_make(refused: &ImportRefused) -> Failure<Op> {
    match refused {
        ImportRefused::TooMany(_) => {
            Failure::new(codes::LimitExceededException, refused.to_string())
        }
        _ => refusal(refused),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{ROLE, job};
    use crate::testing::{Stack, error, invalid, merged, text};

    #[tokio::test]
    async fn a_job_waits_for_its_file() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let input =
            json!({ "UserPoolId": pool, "JobName": "My job", "CloudWatchLogsRoleArn": ROLE });
        let answer = stack.ok("CreateUserImportJob", input).await;
        let job = &answer["UserImportJob"];
        let (id, url) = (text(&job["JobId"]), text(&job["PreSignedUrl"]));
        assert!(id.starts_with("import-") && id.len() == 17, "{id}");
        let base = format!("http://127.0.0.1:7665/_poolhouse/imports/{pool}/{id}/");
        assert_eq!(url.strip_prefix(&base).map(str::len), Some(43));
        assert_eq!(
            answer,
            json!({ "UserImportJob": {
                "JobName": "My job", "JobId": id, "UserPoolId": pool, "PreSignedUrl": url,
                "CreationDate": 1_767_225_600.123, "Status": "Created",
                "CloudWatchLogsRoleArn": ROLE,
                "ImportedUsers": 0, "SkippedUsers": 0, "FailedUsers": 0,
            } })
        );
    }

    #[tokio::test]
    async fn foreign_roles_password_hashes_and_unknown_pools_are_refused() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let input = json!({ "UserPoolId": pool, "JobName": "j", "CloudWatchLogsRoleArn": ROLE });
        let foreign = "arn:aws:iam::999999999999:role/import";
        let unknown = "us-east-1_Nowhere12";
        for (change, refused) in [
            (
                json!({ "CloudWatchLogsRoleArn": foreign }),
                invalid("Cross-account pass role is not allowed."),
            ),
            (
                json!({ "PasswordHashingAlgorithm": "BCRYPT" }),
                invalid("Poolhouse does not import password hashes."),
            ),
            (
                json!({ "UserPoolId": unknown }),
                error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist."),
            ),
        ] {
            let input = merged(input.clone(), change);
            assert_eq!(stack.refusal("CreateUserImportJob", input).await, refused);
        }
        let list = json!({ "UserPoolId": pool, "MaxResults": 1 });
        assert_eq!(stack.ok("ListUserImportJobs", list).await, json!({ "UserImportJobs": [] }));
    }

    #[tokio::test]
    async fn a_pool_has_a_thousand_jobs_at_most() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        for _ in 0..1_000 {
            job(&stack, &pool).await;
        }
        let input = json!({ "UserPoolId": pool, "JobName": "j", "CloudWatchLogsRoleArn": ROLE });
        let message =
            format!("Maximum number of user import jobs in user pool {pool} has been reached.");
        assert_eq!(
            stack.refusal("CreateUserImportJob", input).await,
            error("LimitExceededException", &message)
        );
        job(&stack, &other).await;
    }
}
