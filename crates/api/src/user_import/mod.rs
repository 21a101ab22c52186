//! Operations on jobs that import users from CSV files.

mod create_user_import_job;
mod describe_user_import_job;
mod get_csv_header;
mod list_user_import_jobs;
mod start_user_import_job;
mod stop_user_import_job;

use poolhouse_domain::{
    ports::{Ports, Transaction},
    shapes::UserImportJobType,
    time::Timestamp,
    user_import::{self, ImportJob, ImportRefused, upload},
};
use poolhouse_wire::{Permits, codes};

use crate::{
    failure::{Failure, Unanswered, invalid_parameter},
    lookup::no_user_pool,
};

/// A job of a pool that is there, as stored now.
async fn find<Op>(
    tx: &mut dyn Transaction,
    user_pool_id: &str,
    job_id: &str,
) -> Result<ImportJob, Unanswered<Op>>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    if tx.user_pool(user_pool_id).await?.is_none() {
        return Err(no_user_pool(user_pool_id).into());
    }
    let job = tx.import_job(user_pool_id, job_id).await?;
    Ok(job.ok_or_else(|| not_found(job_id))?)
}

/// The error for an unknown job. (The text is a belief.)
fn not_found<Op>(job_id: &str) -> Failure<Op>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    let message = format!("User import job {job_id} does not exist.");
    Failure::new(codes::ResourceNotFoundException, message)
}

/// Whether a pool may be changed or deleted: not while users are imported into it. (The text is a
/// belief.)
pub(crate) async fn check_no_import<Op>(
    tx: &mut dyn Transaction,
    user_pool_id: &str,
) -> Result<(), Unanswered<Op>>
where
    Op: Permits<codes::UserImportInProgressException>,
{
    if user_import::is_importing(tx, user_pool_id).await? {
        let message = format!("A user import job is in progress for user pool {user_pool_id}.");
        return Err(Failure::new(codes::UserImportInProgressException, message).into());
    }
    Ok(())
}

/// What is said of jobs that can't be made, started or stopped; limits are `CreateUserImportJob`'s.
fn refusal<Op>(refused: &ImportRefused) -> Failure<Op>
where
    Op: Permits<codes::PreconditionNotMetException> + Permits<codes::InvalidParameterException>,
{
    match refused {
        ImportRefused::CrossAccountRole | ImportRefused::Hashes => {
            invalid_parameter(refused.to_string())
        }
        _ => Failure::new(codes::PreconditionNotMetException, refused.to_string()),
    }
}

/// A job as the protocol shows it.
fn shown(ports: &Ports, job: ImportJob) -> UserImportJobType {
    let pre_signed_url = upload::url(&ports.identity, &ports.keyring, &job);
    let ImportJob { user_pool_id, id, created_at, status, details, version: _ } = job;
    UserImportJobType {
        job_name: Some(details.name),
        job_id: Some(id),
        user_pool_id: Some(user_pool_id),
        pre_signed_url: Some(pre_signed_url),
        creation_date: Some(created_at.to_wire()),
        start_date: details.started_at.map(Timestamp::to_wire),
        completion_date: details.completed_at.map(Timestamp::to_wire),
        status: Some(status),
        cloud_watch_logs_role_arn: Some(details.log_role_arn),
        imported_users: Some(details.counts.imported),
        skipped_users: Some(details.counts.skipped),
        failed_users: Some(details.counts.failed),
        completion_message: details.completion_message,
        password_hashing_algorithm: None,
    }
}

#[cfg(test)]
mod tests {
    //! What a job does with a file. The worker is called by hand.

    use poolhouse_domain::user_import::{upload, worker};
    use serde_json::{Value, json};

    use crate::testing::{Stack, error, merged, text};

    pub(super) const ROLE: &str = "arn:aws:iam::123456789012:role/import";

    /// Makes a job and answers its id.
    pub(super) async fn job(stack: &Stack, pool: &str) -> String {
        let input = json!({ "UserPoolId": pool, "JobName": "job", "CloudWatchLogsRoleArn": ROLE });
        text(&stack.ok("CreateUserImportJob", input).await["UserImportJob"]["JobId"])
    }

    /// Puts a file, in two pieces, to the URL of a job.
    pub(super) async fn put(
        stack: &Stack,
        pool: &str,
        job: &str,
        file: &[u8],
    ) -> Result<(), upload::UploadRefused> {
        let described = described(stack, pool, job).await;
        let url = text(&described["PreSignedUrl"]);
        let token = url.rsplit('/').next().unwrap();
        let mut arriving = upload::begin(&stack.ports, pool, job, token).await.unwrap()?;
        let (first, second) = file.split_at(file.len() / 2);
        for part in [first, second] {
            if let Err(refused) = arriving.add(&stack.ports, part).await.unwrap() {
                arriving.give_up(&stack.ports).await.unwrap();
                return Err(refused);
            }
        }
        arriving.finish(&stack.ports).await.unwrap()
    }

    pub(super) async fn described(stack: &Stack, pool: &str, job: &str) -> Value {
        let input = json!({ "UserPoolId": pool, "JobId": job });
        stack.ok("DescribeUserImportJob", input).await["UserImportJob"].take()
    }

    pub(super) async fn start(stack: &Stack, pool: &str, job: &str) -> Value {
        let input = json!({ "UserPoolId": pool, "JobId": job });
        stack.ok("StartUserImportJob", input).await["UserImportJob"].take()
    }

    /// Lets a worker do everything there is to do.
    pub(super) async fn work(stack: &Stack) {
        while worker::step(&stack.ports, "worker").await.unwrap() {}
    }

    /// A pool that verifies e-mail addresses.
    pub(super) async fn pool(stack: &Stack, overrides: Value) -> String {
        stack.pool(merged(json!({ "AutoVerifiedAttributes": ["email"] }), overrides)).await
    }

    /// A file whose lines give some columns; the rest of each line is empty.
    async fn file(stack: &Stack, pool: &str, columns: &[&str], lines: &[&[&str]]) -> String {
        let answer = stack.ok("GetCSVHeader", json!({ "UserPoolId": pool })).await;
        let header: Vec<String> =
            answer["CSVHeader"].as_array().unwrap().iter().map(text).collect();
        let mut file = header.join(",") + "\n";
        for line in lines {
            let values = header.iter().map(|column| {
                let at = columns.iter().position(|name| name == column);
                at.map_or(String::new(), |at| line[at].to_owned())
            });
            file += &(values.collect::<Vec<_>>().join(",") + "\n");
        }
        file
    }

    const COLUMNS: [&str; 4] =
        ["cognito:username", "cognito:mfa_enabled", "email", "email_verified"];

    async fn log(stack: &Stack, pool: &str, job: &str) -> String {
        let mut view = stack.ports.store.read().await.unwrap();
        let blocks = view.import_log(pool, job, 0, 1_000).await.unwrap();
        blocks.into_iter().map(|block| block.text).collect()
    }

    /// Imports a file from beginning to end; answers the job and its log.
    async fn imported(stack: &Stack, pool: &str, file: &[u8]) -> (Value, String) {
        let job = job(stack, pool).await;
        put(stack, pool, &job, file).await.unwrap();
        start(stack, pool, &job).await;
        work(stack).await;
        (described(stack, pool, &job).await, log(stack, pool, &job).await)
    }

    fn counts(job: &Value) -> [i64; 3] {
        ["ImportedUsers", "SkippedUsers", "FailedUsers"].map(|name| job[name].as_i64().unwrap())
    }

    #[tokio::test]
    async fn users_come_in_verified_and_in_need_of_a_password() {
        let stack = Stack::new().await;
        let schema = json!([{ "Name": "tier", "AttributeDataType": "Number" }]);
        let pool = pool(&stack, json!({ "AliasAttributes": ["email"], "Schema": schema })).await;
        let client = stack.client(&pool, json!({ "PreventUserExistenceErrors": "LEGACY" })).await;
        let columns = [&COLUMNS[..], &["address", "birthdate", "custom:tier"]].concat();
        let file = file(
            &stack,
            &pool,
            &columns,
            &[&[" ada ", "FALSE", "ada@x.org", "True", r"Rue 1\, Paris", "12/31/2001", "3"]],
        )
        .await;
        stack.advance(60);
        let (job, log) = imported(&stack, &pool, file.replace('\n', "\r\n").as_bytes()).await;
        assert_eq!(job["Status"], "Succeeded", "{log}");
        assert_eq!(counts(&job), [1, 0, 0]);
        assert_eq!(job["CompletionDate"], 1_767_225_660.123);
        assert_eq!(log, "[SUCCEEDED] Line Number 2 - The import succeeded.\n");
        let name = json!({ "UserPoolId": pool, "Username": "ada@x.org" });
        let user = stack.ok("AdminGetUser", name).await;
        assert_eq!(user["Username"], "ada");
        assert_eq!(user["UserStatus"], "RESET_REQUIRED");
        assert_eq!(user["UserCreateDate"], 1_767_225_660.123);
        assert_eq!(user["Enabled"], true);
        let attributes = user["UserAttributes"].as_array().unwrap();
        let value =
            |name: &str| attributes.iter().find(|a| a["Name"] == name).map(|a| text(&a["Value"]));
        assert_eq!(value("email_verified").as_deref(), Some("true"));
        assert_eq!(value("address").as_deref(), Some("Rue 1, Paris"));
        assert_eq!(value("birthdate").as_deref(), Some("2001-12-31"));
        assert_eq!(value("custom:tier").as_deref(), Some("3"));
        assert_eq!(value("name"), None);
        let described = stack.ok("DescribeUserPool", json!({ "UserPoolId": pool })).await;
        assert_eq!(described["UserPool"]["EstimatedNumberOfUsers"], 1);

        let sign_in = json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": { "USERNAME": "ada", "PASSWORD": "Guess-Work-1" } });
        assert_eq!(
            stack.refusal("InitiateAuth", sign_in).await,
            error("PasswordResetRequiredException", "Password reset required for the user")
        );
        // Where codes are no way to sign in, a choice leads nowhere else.
        let chooses = json!({ "ExplicitAuthFlows": ["ALLOW_USER_AUTH"] });
        let input = json!({
            "ClientId": stack.client(&pool, chooses).await, "AuthFlow": "USER_AUTH",
            "AuthParameters": { "USERNAME": "ada" },
        });
        assert_eq!(
            stack.refusal("InitiateAuth", input).await,
            error("PasswordResetRequiredException", "Password reset required for the user")
        );
        let forgot = json!({ "ClientId": client, "Username": "ada" });
        stack.ok("ForgotPassword", forgot).await;
        let confirm = json!({ "ClientId": client, "Username": "ada",
            "Password": crate::testing::PASSWORD,
            "ConfirmationCode": stack.last_code_for("ada@x.org") });
        stack.ok("ConfirmForgotPassword", confirm).await;
        stack.tokens(&client, "ada").await;
    }

    #[tokio::test]
    async fn an_import_asks_no_function() {
        let stack = Stack::new().await;
        let function = "arn:aws:lambda:us-east-1:123456789012:function:f";
        let triggers = ["PreSignUp", "PostConfirmation", "CustomMessage", "UserMigration"];
        let functions: serde_json::Map<_, _> =
            triggers.map(|trigger| (trigger.to_owned(), json!(function))).into_iter().collect();
        let pool = pool(&stack, json!({ "LambdaConfig": functions })).await;
        let file = file(&stack, &pool, &COLUMNS, &[&["ada", "FALSE", "ada@x.org", "TRUE"]]).await;
        let (job, log) = imported(&stack, &pool, file.as_bytes()).await;
        assert_eq!(counts(&job), [1, 0, 0], "{log}");
        assert!(stack.functions().sources().is_empty());
        assert!(stack.messenger().messages().is_empty());
    }

    #[tokio::test]
    async fn who_is_there_is_skipped_and_who_cannot_be_had_fails() {
        let stack = Stack::new().await;
        let pool = pool(&stack, json!({ "AliasAttributes": ["email"] })).await;
        stack.user(&pool, "old", &[("email", "old@x.org"), ("email_verified", "true")]).await;
        let good = ["false", "a@x.org", "true"];
        let with = |name, values: [&'static str; 3]| [name, values[0], values[1], values[2]];
        let lines = [
            with("new", good),
            with("new", ["false", "b@x.org", "true"]),
            with("old", ["false", "c@x.org", "true"]),
            with("alias", good),
            with("holder", ["false", "old@x.org", "true"]),
            with("unverified", ["false", "d@x.org", "false"]),
            with("nothing", ["false", "", "true"]),
            with("malformed", ["false", "d", "true"]),
            with("e@x.org", ["false", "e@x.org", "true"]),
            with("", ["false", "f@x.org", "true"]),
            with("with blank", ["false", "f@x.org", "true"]),
            with("nomfa", ["", "f@x.org", "true"]),
            with("badmfa", ["yes", "f@x.org", "true"]),
            with("mfa", ["true", "f@x.org", "true"]),
            with("bell\u{7}", ["false", "f@x.org", "true"]),
            with("last", ["false", "g@x.org", "true"]),
        ];
        let lines: Vec<&[&str]> = lines.iter().map(<[_; 4]>::as_slice).collect();
        let mut file = file(&stack, &pool, &COLUMNS, &lines).await.into_bytes();
        file.extend(b"\r\n\xff\xfe\ntoo,few\n");
        file.extend(vec![b'x'; 300_000]);
        file.extend(b"\n");
        file.extend(vec![b'x'; 20_000]);
        let (job, log) = imported(&stack, &pool, &file).await;
        let expected = [
            "[SUCCEEDED] Line Number 2 - The import succeeded.",
            "[SKIPPED] Line Number 3 - The user already exists.",
            "[SKIPPED] Line Number 4 - The user already exists.",
            "[FAILED] Line Number 5 - An account with the given email already exists.",
            "[FAILED] Line Number 6 - An account with the given email already exists.",
            "[FAILED] Line Number 7 - The User Record does not set any of the auto verified \
             attributes to verified. (Example: email_verified to true).",
            "[FAILED] Line Number 8 - email_verified is set and email is missing.",
            "[FAILED] Line Number 9 - The value of email has not the form of one.",
            "[FAILED] Line Number 10 - The username has the form of email, which is an alias.",
            "[FAILED] Line Number 11 - The username is missing.",
            "[FAILED] Line Number 12 - The username is too long or contains characters that it \
             can't.",
            "[FAILED] Line Number 13 - The value of cognito:mfa_enabled is missing.",
            "[FAILED] Line Number 14 - The value of cognito:mfa_enabled is not true or false.",
            "[FAILED] Line Number 15 - cognito:mfa_enabled must be false in a user pool without \
             MFA.",
            "[FAILED] Line Number 16 - The line contains control characters.",
            "[SUCCEEDED] Line Number 17 - The import succeeded.",
            "[FAILED] Line Number 19 - The line is not valid UTF-8.",
            "[FAILED] Line Number 20 - The line has 2 values instead of 21.",
            "[FAILED] Line Number 21 - The line is longer than 16000 characters.",
            "[FAILED] Line Number 22 - The line is longer than 16000 characters.",
        ];
        assert_eq!(log.lines().collect::<Vec<_>>(), expected);
        assert_eq!(counts(&job), [2, 2, 16]);
        assert_eq!(job["Status"], "Failed");
        assert_eq!(
            job["CompletionMessage"],
            "Too many users have failed or been skipped during the import."
        );
        // Whoever failed left nothing behind.
        for name in ["alias", "holder", "unverified"] {
            let input = json!({ "UserPoolId": pool, "Username": name });
            let missing = error("UserNotFoundException", "User does not exist.");
            assert_eq!(stack.refusal("AdminGetUser", input).await, missing, "{name}");
        }
    }

    #[tokio::test]
    async fn required_and_typed_attributes_are_checked() {
        let stack = Stack::new().await;
        let schema = json!([
            { "Name": "name", "Required": true, "Mutable": true },
            { "Name": "n", "AttributeDataType": "Number" },
        ]);
        let pool = pool(&stack, json!({ "Schema": schema })).await;
        let columns = [&COLUMNS[..], &["name", "custom:n", "birthdate"]].concat();
        let long = "x".repeat(2_049);
        let file = file(
            &stack,
            &pool,
            &columns,
            &[
                &["a", "false", "a@x", "true", "", "", ""],
                &["b", "false", "a@x", "true", "b", "two", ""],
                &["c", "false", "a@x", "true", "c", "2", "1/2/2001"],
                &["d", "false", "a@x", "true", &long, "2", ""],
                &["e", "false", "a@x", "true", "e", "2", "2001-02-03"],
            ],
        )
        .await;
        let (job, log) = imported(&stack, &pool, file.as_bytes()).await;
        let expected = [
            "[FAILED] Line Number 2 - The required attribute name is missing.",
            "[FAILED] Line Number 3 - Attributes did not conform to the schema: custom:n.",
            "[FAILED] Line Number 4 - The value of birthdate is not of the form mm/dd/yyyy.",
            "[FAILED] Line Number 5 - The value of name is too long.",
            "[SUCCEEDED] Line Number 6 - The import succeeded.",
        ];
        assert_eq!(log.lines().collect::<Vec<_>>(), expected);
        assert_eq!(counts(&job), [1, 0, 4]);
    }

    #[tokio::test]
    async fn where_contacts_are_usernames_either_name_will_do() {
        let stack = Stack::new().await;
        let pool = pool(&stack, json!({ "UsernameAttributes": ["email"] })).await;
        let uuid = "34c84488-e0e1-70ae-d2ee-991ad1a898c8";
        let file = file(
            &stack,
            &pool,
            &COLUMNS,
            &[
                &["a@x.org", "false", "a@x.org", "true"],
                &[uuid, "false", "b@x.org", "true"],
                &["a@x.org", "false", "a@x.org", "true"],
                &["c@x.org", "false", "d@x.org", "true"],
                &["e@x.org", "false", "e@x.org", "true"],
            ],
        )
        .await;
        let (job, log) = imported(&stack, &pool, file.as_bytes()).await;
        assert_eq!(counts(&job), [3, 1, 1], "{log}");
        assert!(log.contains("[SKIPPED] Line Number 4 - The user already exists."), "{log}");
        assert!(log.contains("[FAILED] Line Number 5 - The username and email differ."), "{log}");
        let name = json!({ "UserPoolId": pool, "Username": "b@x.org" });
        let user = stack.ok("AdminGetUser", name).await;
        assert_ne!(user["Username"], uuid, "a new sub");
    }

    #[tokio::test]
    async fn a_header_that_is_not_the_pools_fails_the_job() {
        let stack = Stack::new().await;
        let pool = pool(&stack, json!({})).await;
        let good = file(&stack, &pool, &COLUMNS, &[&["a", "false", "a@x", "true"]]).await;
        for bad in [
            good.replacen("email,", "", 1),
            good.replacen("email,", "sub,", 1),
            good.replacen("email,", "email ,", 1),
            format!("\u{feff}{good}"),
            "\n".to_owned(),
            format!("{}\n{good}", "x".repeat(70_000)),
        ] {
            let (job, log) = imported(&stack, &pool, bad.as_bytes()).await;
            assert_eq!((&job["Status"], counts(&job)), (&json!("Failed"), [0, 0, 0]), "{bad}");
            let message = text(&job["CompletionMessage"]);
            assert!(message.starts_with("The ") && message.len() <= 128, "{message}");
            assert_eq!(log, "");
        }
        let header = good.lines().next().unwrap();
        let (job, _) = imported(&stack, &pool, header.as_bytes()).await;
        assert_eq!((&job["Status"], counts(&job)), (&json!("Succeeded"), [0, 0, 0]));
    }

    #[tokio::test]
    async fn many_batches_and_chunks_come_to_exact_counts_whoever_works() {
        let stack = Stack::new().await;
        let pool = pool(&stack, json!({})).await;
        let names: Vec<String> = (0..3_000).map(|n| format!("user{}", n % 2_900)).collect();
        let address = format!("{}@example.org", "long".repeat(30));
        let lines: Vec<[&str; 4]> =
            names.iter().map(|name| [name.as_str(), "false", &address, "true"]).collect();
        let lines: Vec<&[&str]> = lines.iter().map(<[_; 4]>::as_slice).collect();
        let file = file(&stack, &pool, &COLUMNS, &lines).await;
        assert!(file.len() > 400_000, "more than a chunk");
        let job = job(&stack, &pool).await;
        put(&stack, &pool, &job, file.as_bytes()).await.unwrap();
        start(&stack, &pool, &job).await;
        let step = async |worker: &str| worker::step(&stack.ports, worker).await.unwrap();
        assert!(step("one").await);
        assert_eq!(described(&stack, &pool, &job).await["Status"], "InProgress");
        assert!(step("one").await);
        assert!(!step("two").await, "the job is another's");
        let seen = described(&stack, &pool, &job).await;
        assert_eq!(counts(&seen), [199, 0, 0], "a batch, with the header");
        // The first one dies, the second takes over, and the first comes back.
        stack.advance(10);
        assert!(step("two").await, "it takes the lease");
        assert!(!step("one").await);
        while step("two").await {}
        let seen = described(&stack, &pool, &job).await;
        assert_eq!((&seen["Status"], counts(&seen)), (&json!("Succeeded"), [2_900, 100, 0]));
        let log = log(&stack, &pool, &job).await;
        let numbers = log.lines().map(|line| line.split(' ').nth(3).unwrap().parse::<i64>());
        assert!(numbers.map(Result::unwrap).eq(2..=3_001));
        let described = stack.ok("DescribeUserPool", json!({ "UserPoolId": pool })).await;
        assert_eq!(described["UserPool"]["EstimatedNumberOfUsers"], 2_900);
    }

    #[tokio::test]
    async fn a_pool_cannot_change_while_users_come_in() {
        let stack = Stack::new().await;
        let (pool, other) = (pool(&stack, json!({})).await, stack.pool(json!({})).await);
        let file = file(&stack, &pool, &COLUMNS, &[&["a", "false", "a@x", "true"]]).await;
        let job = job(&stack, &pool).await;
        put(&stack, &pool, &job, file.as_bytes()).await.unwrap();
        start(&stack, &pool, &job).await;
        let attributes = json!([{ "Name": "x", "AttributeDataType": "String" }]);
        let inputs = [
            ("UpdateUserPool", json!({ "AutoVerifiedAttributes": ["email"] })),
            ("AddCustomAttributes", json!({ "CustomAttributes": attributes })),
            ("DeleteUserPool", json!({})),
        ];
        let message = format!("A user import job is in progress for user pool {pool}.");
        let refused = error("UserImportInProgressException", &message);
        for (operation, input) in inputs.clone() {
            let mine = merged(input.clone(), json!({ "UserPoolId": pool }));
            assert_eq!(stack.refusal(operation, mine).await, refused, "{operation}");
            stack.ok(operation, merged(input, json!({ "UserPoolId": other }))).await;
        }
        work(&stack).await;
        for (operation, input) in inputs {
            stack.ok(operation, merged(input, json!({ "UserPoolId": pool }))).await;
        }
    }

    #[tokio::test]
    async fn files_come_in_only_through_the_url_of_a_job_that_waits() {
        let stack = Stack::new().await;
        let pool = pool(&stack, json!({})).await;
        let file = file(&stack, &pool, &COLUMNS, &[&["a", "false", "a@x", "true"]]).await;
        let (one, two) = (job(&stack, &pool).await, job(&stack, &pool).await);
        let url = text(&described(&stack, &pool, &one).await["PreSignedUrl"]);
        let prefix = format!("http://127.0.0.1:7665/_poolhouse/imports/{pool}/{one}/");
        let token = url.strip_prefix(&prefix).unwrap();
        for (job, token) in [(two.as_str(), token), (&one, "x"), (&one, &token[1..])] {
            let refused = upload::begin(&stack.ports, &pool, job, token).await.unwrap();
            assert_eq!(refused.err(), Some(upload::UploadRefused::Forbidden));
        }
        assert_eq!(put(&stack, &pool, &one, b"").await, Err(upload::UploadRefused::Empty));
        let lines = "\n".repeat(500_002);
        let refused = put(&stack, &pool, &one, lines.as_bytes()).await;
        assert_eq!(refused, Err(upload::UploadRefused::TooManyRows));
        // A later file takes the place of an earlier one.
        put(&stack, &pool, &one, b"nonsense").await.unwrap();
        put(&stack, &pool, &one, file.as_bytes()).await.unwrap();
        stack.advance(900);
        let late = put(&stack, &pool, &two, file.as_bytes()).await;
        assert_eq!(late, Err(upload::UploadRefused::Forbidden));
        start(&stack, &pool, &one).await;
        work(&stack).await;
        assert_eq!(described(&stack, &pool, &one).await["Status"], "Succeeded");
        let late = put(&stack, &pool, &one, file.as_bytes()).await;
        assert_eq!(late, Err(upload::UploadRefused::Forbidden));
    }

    /// Makes a pool offer software tokens.
    async fn offer_mfa(stack: &Stack, pool: &str, mfa: &str) {
        let input = json!({
            "UserPoolId": pool, "MfaConfiguration": mfa,
            "SoftwareTokenMfaConfiguration": { "Enabled": true },
        });
        stack.ok("SetUserPoolMfaConfig", input).await;
    }

    #[tokio::test]
    async fn what_a_line_says_of_mfa_has_to_fit_the_pool() {
        let missing = "[FAILED] Line Number 4 - The value of cognito:mfa_enabled is missing.";
        let needed = "[FAILED] Line Number 2 - cognito:mfa_enabled must be true in a user pool that \
                      requires MFA.";
        for (mfa, first) in
            [("ON", needed), ("OPTIONAL", "[SUCCEEDED] Line Number 2 - The import succeeded.")]
        {
            let stack = Stack::new().await;
            let pool = pool(&stack, json!({})).await;
            offer_mfa(&stack, &pool, mfa).await;
            let file = file(
                &stack,
                &pool,
                &COLUMNS,
                &[
                    &["a", "false", "a@x", "true"],
                    &["b", "TRUE", "b@x", "true"],
                    &["c", "", "c@x", "true"],
                ],
            )
            .await;
            let (_, log) = imported(&stack, &pool, file.as_bytes()).await;
            let expected = [first, "[SUCCEEDED] Line Number 3 - The import succeeded.", missing];
            assert_eq!(log.lines().collect::<Vec<_>>(), expected, "{mfa}");
        }
    }

    #[tokio::test]
    async fn a_contact_that_the_pool_verifies_has_to_be_verified_and_one_of_two_will_do() {
        let columns = [&COLUMNS[..], &["phone_number", "phone_number_verified"]].concat();
        let unverified = "The User Record does not set any of the auto verified attributes to \
                          verified. (Example: email_verified to true).";
        let good = "The import succeeded.";
        let sms = json!({ "SnsCallerArn": "arn:aws:iam::123456789012:role/sms" });
        for (verifies, by_mail, by_phone) in [
            (json!(["email", "phone_number"]), good, good),
            (json!(["phone_number"]), unverified, good),
            (json!(["email"]), good, unverified),
        ] {
            let stack = Stack::new().await;
            let settings = json!({ "AutoVerifiedAttributes": verifies, "SmsConfiguration": sms });
            let pool = stack.pool(settings).await;
            let file = file(
                &stack,
                &pool,
                &columns,
                &[
                    &["mail", "false", "a@x", "true", "+14155550008", "false"],
                    &["phone", "false", "a@x", "", "+14155550008", "TRUE"],
                    &["neither", "false", "a@x", "false", "+14155550008", ""],
                    &["nothing", "false", "a@x", "true", "", "true"],
                ],
            )
            .await;
            let (_, log) = imported(&stack, &pool, file.as_bytes()).await;
            let texts: Vec<&str> =
                log.lines().map(|line| line.split_once(" - ").unwrap().1).collect();
            let nothing = "phone_number_verified is set and phone_number is missing.";
            assert_eq!(texts, [by_mail, by_phone, unverified, nothing], "{verifies}");
        }
    }

    #[tokio::test]
    async fn nobody_is_asked_or_told_and_codes_sign_in_at_once() {
        let stack = Stack::new().await;
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
        let factors = json!({ "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] });
        let functions = json!({ "PreSignUp": arn, "PostConfirmation": arn, "CustomMessage": arn });
        let settings = json!({
            "Policies": { "SignInPolicy": factors }, "LambdaConfig": functions,
        });
        let pool = pool(&stack, settings).await;
        let file = file(&stack, &pool, &COLUMNS, &[&["ada", "false", "ada@x.org", "true"]]).await;
        let (job, log) = imported(&stack, &pool, file.as_bytes()).await;
        assert_eq!(counts(&job), [1, 0, 0], "{log}");
        assert!(stack.functions().events().is_empty() && stack.messenger().messages().is_empty());
        let functions_off = json!({
            "UserPoolId": pool, "LambdaConfig": {}, "AutoVerifiedAttributes": ["email"],
        });
        stack.ok("UpdateUserPool", functions_off).await;

        let flows = json!(["ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH"]);
        let hides = json!({
            "ExplicitAuthFlows": flows, "PreventUserExistenceErrors": "ENABLED",
        });
        let client = stack.client(&pool, hides).await;
        let begin = |flow: &str, more: Value| {
            let parameters = merged(json!({ "USERNAME": "ada" }), more);
            json!({ "ClientId": client, "AuthFlow": flow, "AuthParameters": parameters })
        };
        // Nothing is told of who has no password yet.
        let guess = begin("USER_PASSWORD_AUTH", json!({ "PASSWORD": "Guess-Work-1" }));
        let wrong = error("NotAuthorizedException", "Incorrect username or password.");
        assert_eq!(stack.refusal("InitiateAuth", guess).await, wrong);
        sign_in_by_code(&stack, &client).await;
        let shows = json!({ "ExplicitAuthFlows": flows });
        let client = stack.client(&pool, shows).await;
        sign_in_by_code(&stack, &client).await;
        // Who has a password must reset it, if somebody says so.
        let ada = json!({ "UserPoolId": pool, "Username": "ada" });
        let password = json!({ "Password": crate::testing::PASSWORD, "Permanent": true });
        stack.ok("AdminSetUserPassword", merged(ada.clone(), password)).await;
        stack.ok("AdminResetUserPassword", ada).await;
        let by_code = json!({
            "ClientId": client, "AuthFlow": "USER_AUTH",
            "AuthParameters": { "USERNAME": "ada", "PREFERRED_CHALLENGE": "EMAIL_OTP" },
        });
        let text = "Password reset required for the user";
        assert_eq!(
            stack.refusal("InitiateAuth", by_code).await,
            error("PasswordResetRequiredException", text)
        );
    }

    /// Signs `ada` in by a code to `ada@x.org`.
    async fn sign_in_by_code(stack: &Stack, client: &str) {
        let parameters = json!({ "USERNAME": "ada", "PREFERRED_CHALLENGE": "EMAIL_OTP" });
        let input = json!({
            "ClientId": client, "AuthFlow": "USER_AUTH", "AuthParameters": parameters,
        });
        let asked = stack.ok("InitiateAuth", input).await;
        assert_eq!(asked["ChallengeName"], "EMAIL_OTP");
        let code = stack.last_code_for("ada@x.org");
        let input = json!({
            "ClientId": client, "ChallengeName": "EMAIL_OTP", "Session": asked["Session"],
            "ChallengeResponses": { "USERNAME": "ada", "EMAIL_OTP_CODE": code },
        });
        let answer = stack.ok("RespondToAuthChallenge", input).await;
        assert!(answer["AuthenticationResult"]["AccessToken"].is_string(), "{answer}");
    }
}
