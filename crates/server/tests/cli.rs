//! The binary as its users see it: started, asked over HTTP, and told to stop.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test, its helpers included"
)]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use serde_json::{Value, json};

/// A command that is not run yet, undisturbed by the environment of whoever runs the tests.
fn poolhouse(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_poolhouse"));
    command.args(arguments).env_remove("POOLHOUSE_LOG").env_remove("POOLHOUSE_DATABASE");
    command.stdin(Stdio::null());
    command
}

/// Runs a command to its end.
fn run(arguments: &[&str]) -> Output {
    poolhouse(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs a command that must succeed; answers what it prints.
fn printed(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// Runs a command that must fail; answers what it complains of.
fn complaint(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(!output.status.success());
    text(&output.stderr)
}

/// A running `poolhouse dev` on a free port; killed when dropped.
struct Server {
    child: Child,
    address: String,
    stdout: BufReader<ChildStdout>,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut command = poolhouse(&["dev", "--listen", "127.0.0.1:0"]);
        let command = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let (_, address) = line.trim().split_once("is ready at http://").unwrap_or_default();
        Self { child, address: address.to_owned(), stdout }
    }

    /// Starts `poolhouse serve`, which tells its address in the log.
    fn serve(configuration: &str) -> Self {
        let mut command = poolhouse(&["--log-format", "json", "serve", "--config", configuration]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines.find_map(|line| {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            line["address"].as_str().map(str::to_owned)
        });
        // Somebody has to read the log, or the server could not write it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address: address.unwrap(), stdout }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).unwrap()
    }

    /// Sends a request and reads the answer, whose connection is closed after it.
    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        self.ask_as("localhost", method, path, headers, body)
    }

    /// The same under a host name.
    fn ask_as(&self, host: &str, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let mut stream = self.connect();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
             content-length: {length}\r\n{headers}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        Answer::read(stream)
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", "")
    }

    /// Calls an operation of the API.
    fn call(&self, operation: &str, input: &Value) -> Answer {
        let headers = format!(
            "x-amz-target: AWSCognitoIdentityProviderService.{operation}\r\n\
             content-type: application/x-amz-json-1.1\r\n"
        );
        self.ask("POST", "/", &headers, &input.to_string())
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Tells the server to stop and waits until it has, which must be a success.
    fn stop(mut self) {
        self.signal("-TERM");
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn read(mut stream: impl Read) -> Self {
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) =
            text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn dev_starts_says_how_to_reach_it_and_is_healthy() {
    let mut server = Server::start(&["--ephemeral"]);
    let health = server.get("/_poolhouse/health");
    assert_eq!((health.status, &health.json()["status"]), (200, &json!("ok")));
    assert_eq!(health.json()["version"], env!("CARGO_PKG_VERSION"));
    assert!(health.head.contains("x-amzn-requestid: ") && health.head.contains("date: "));
    server.signal("-INT");
    assert!(server.child.wait().unwrap().success());
    let mut rest = String::new();
    server.stdout.read_to_string(&mut rest).unwrap();
    assert!(rest.contains(&format!("aws --endpoint-url http://{}", server.address)), "{rest}");
    assert!(rest.contains("boto3.client(\"cognito-idp\""), "{rest}");
}

#[test]
fn operations_documents_and_messages_are_served_and_kept_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&["--data", path(folder.path())]);
    let settings = json!({ "PoolName": "p", "AutoVerifiedAttributes": ["email"] });
    let pool = server.call("CreateUserPool", &settings);
    assert_eq!(pool.status, 200, "{}", pool.body);
    assert!(pool.head.contains("access-control-allow-origin: *"));
    let id = pool.json()["UserPool"]["Id"].as_str().unwrap().to_owned();
    server.stop();

    let server = Server::start(&["--data", path(folder.path())]);
    let keys = server.get(&format!("/{id}/.well-known/jwks.json"));
    assert_eq!(keys.json()["keys"].as_array().unwrap().len(), 2);
    let discovery = server.get(&format!("/{id}/.well-known/openid-configuration"));
    assert_eq!(discovery.json()["issuer"], format!("http://{}/{id}", server.address));
    let user = json!({
        "UserPoolId": id, "Username": "ada", "DesiredDeliveryMediums": ["EMAIL"],
        "UserAttributes": [{ "Name": "email", "Value": "ada@example.com" }],
    });
    let user = server.call("AdminCreateUser", &user);
    assert_eq!(user.status, 200, "{}", user.body);
    let messages = server.get(&format!("/_poolhouse/messages?pool={id}&user=ada")).json();
    assert_eq!(messages["messages"][0]["destination"], "ada@example.com");
    assert_eq!(messages["messages"][0]["kind"], "Invitation");
    let none = server.get("/_poolhouse/messages?user=bob").json();
    assert_eq!(none, json!({ "messages": [] }));
    server.stop();
}

#[test]
fn errors_preflights_and_large_bodies_have_cors_headers() {
    let server = Server::start(&["--ephemeral"]);
    let unknown = server.call("NoSuchOperation", &json!({}));
    assert_eq!(unknown.json()["__type"], "UnknownOperationException");
    let elsewhere = server.get("/elsewhere");
    assert_eq!(elsewhere.status, 404);
    let asked = "access-control-request-headers: x-amz-target,content-type\r\n";
    let preflight = server.ask("OPTIONS", "/", asked, "");
    assert_eq!(preflight.status, 200);
    assert!(preflight.head.contains("access-control-allow-headers: x-amz-target,content-type"));
    let large = "x".repeat(256 * 1024 + 1);
    // The server answers before it has read everything, so the sender may see a closed connection.
    let mut stream = server.connect();
    let head =
        format!("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", large.len());
    stream.write_all(head.as_bytes()).unwrap();
    let mut first = [0; 12];
    let _ = stream.write_all(large.as_bytes());
    stream.read_exact(&mut first).unwrap();
    assert_eq!(text(&first), "HTTP/1.1 413");
    for answer in [unknown, elsewhere, preflight] {
        assert!(answer.head.contains("access-control-allow-origin: *"), "{}", answer.head);
        assert!(answer.head.contains("access-control-expose-headers: x-amzn-requestid,"));
    }
}

#[test]
fn what_a_pool_delivers_is_written_before_the_server_ends() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&["--data", path(folder.path())]);
    let call = |operation: &str, input: Value| {
        let answer = server.call(operation, &input);
        assert_eq!(answer.status, 200, "{operation}: {}", answer.body);
        answer.json()
    };
    let add_ons = json!({ "AdvancedSecurityMode": "AUDIT" });
    let pool = call("CreateUserPool", json!({ "PoolName": "p", "UserPoolAddOns": add_ons }));
    let pool = &pool["UserPool"]["Id"];
    let client = call(
        "CreateUserPoolClient",
        json!({
            "UserPoolId": pool, "ClientName": "c",
            "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
        }),
    );
    let bucket = json!({ "BucketArn": "arn:aws:s3:::pool-logs" });
    let configuration = json!({
        "EventSource": "userAuthEvents", "LogLevel": "INFO", "S3Configuration": bucket,
    });
    call(
        "SetLogDeliveryConfiguration",
        json!({ "UserPoolId": pool, "LogConfigurations": [configuration] }),
    );
    let (name, password) = ("ada", "Correct-Horse-7");
    call("AdminCreateUser", json!({ "UserPoolId": pool, "Username": name }));
    call(
        "AdminSetUserPassword",
        json!({ "UserPoolId": pool, "Username": name, "Password": password, "Permanent": true }),
    );
    let sign_in = json!({
        "ClientId": client["UserPoolClient"]["ClientId"], "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": { "USERNAME": name, "PASSWORD": password },
    });
    for _ in 0..3 {
        call("InitiateAuth", sign_in.clone());
    }
    server.stop();
    let files: Vec<_> = fs::read_dir(folder.path().join("logs")).unwrap().collect();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    let file = file.as_ref().unwrap().path();
    let name = file.file_name().unwrap().to_str().unwrap().to_owned();
    assert!(name.starts_with("pool-logs-"), "{name}");
    let written = fs::read_to_string(file).unwrap();
    let lines: Vec<Value> =
        written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    for line in &lines {
        assert_eq!(line["message"]["eventType"], "SignIn");
        assert_eq!(line["message"]["ipAddress"], "127.0.0.1");
        assert_eq!(line["message"]["requestId"].as_str().unwrap().len(), 36);
        assert_eq!(line["logSourceId"]["userPoolId"], *pool);
    }
}

#[test]
fn the_clock_can_be_moved() {
    let server = Server::start(&["--ephemeral"]);
    let before = server.get("/_poolhouse/clock").json();
    let moved = server.ask("POST", "/_poolhouse/clock", "", r#"{"advance": 3600}"#).json();
    assert_eq!((before["offset"].as_f64(), moved["offset"].as_f64()), (Some(0.0), Some(3600.0)));
    assert!(moved["now"].as_f64().unwrap() >= before["now"].as_f64().unwrap() + 3600.0);
    let set = server.ask("PUT", "/_poolhouse/clock", "", r#"{"set": 2000000000}"#).json();
    assert!((2_000_000_000.0..2_000_000_060.0).contains(&set["now"].as_f64().unwrap()));
    let reset = server.ask("POST", "/_poolhouse/clock", "", r#"{"reset": true}"#).json();
    assert_eq!(reset["offset"], 0.0);
    assert_eq!(server.ask("POST", "/_poolhouse/clock", "", "{}").status, 400);
}

#[test]
fn dev_serves_names_and_pages_of_this_machine_only() {
    let server = Server::start(&["--ephemeral", "--allow-host", "pool.test"]);
    let refused = server.ask_as("evil.example:7665", "GET", "/_poolhouse/messages", "", "");
    assert_eq!(refused.status, 403);
    assert_eq!(refused.json()["__type"], "AccessDeniedException");
    assert!(refused.json()["message"].as_str().unwrap().contains("--allow-host evil.example"));
    for host in ["pool.test", &server.address] {
        assert_eq!(server.ask_as(host, "GET", "/_poolhouse/messages", "", "").status, 200);
    }
    let call_from = |origin: &str, operation: &str, input: &str| {
        let headers = format!(
            "x-amz-target: AWSCognitoIdentityProviderService.{operation}\r\norigin: {origin}\r\n"
        );
        let answer = server.ask("POST", "/", &headers, input);
        assert!(answer.head.contains("access-control-allow-origin: *"));
        answer.status
    };
    let list = r#"{"MaxResults": 1}"#;
    assert_eq!(call_from("https://evil.example", "ListUserPools", list), 403);
    assert_eq!(call_from("http://localhost:3000", "ListUserPools", list), 200);
    assert_eq!(call_from("https://evil.example", "GetUser", "{}"), 400, "anybody may ask this");
    let origin = "origin: https://evil.example\r\n";
    let moved = server.ask("POST", "/_poolhouse/clock", origin, r#"{"advance": 1}"#);
    assert_eq!(moved.status, 403);
    assert_eq!(server.get("/_poolhouse/clock").json()["offset"], 0.0);
}

#[test]
fn http_2_with_prior_knowledge_is_spoken() {
    let server = Server::start(&["--ephemeral"]);
    let mut stream = server.connect();
    // The preface and an empty SETTINGS frame (RFC 9113 section 3.4).
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).unwrap();
    assert_eq!(frame[3], 4, "the first frame of the answer is SETTINGS too");
    let mut settings = vec![0; usize::from(frame[2])];
    stream.read_exact(&mut settings).unwrap();
    // SETTINGS_MAX_CONCURRENT_STREAMS (RFC 9113 section 6.5.2).
    assert!(settings.chunks(6).any(|setting| setting == [0, 3, 0, 0, 0, 100]), "{settings:?}");
}

#[test]
fn a_request_in_flight_is_finished_before_the_server_stops() {
    let mut server = Server::start(&["--ephemeral"]);
    let mut stream = server.connect();
    let body = r#"{"MaxResults": 10}"#;
    let head = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\
         x-amz-target: AWSCognitoIdentityProviderService.ListUserPools\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // The server asks for the body: the request has begun.
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(text(&interim), "HTTP/1.1 100 Continue\r\n\r\n");
    server.signal("-TERM");
    // New connections are refused once the signal has arrived.
    while TcpStream::connect(&server.address).is_ok() {
        std::thread::yield_now();
    }
    stream.write_all(body.as_bytes()).unwrap();
    let answer = Answer::read(stream);
    assert_eq!((answer.status, answer.json()), (200, json!({ "UserPools": [] })));
    assert!(server.child.wait().unwrap().success());
}

#[test]
fn dev_refuses_what_would_leave_the_machine_and_what_can_t_work() {
    let open = complaint(&["dev", "--ephemeral", "--listen", "0.0.0.0:0"]);
    assert!(open.contains("loopback") && open.contains("poolhouse serve"), "{open}");
    let server = Server::start(&["--ephemeral"]);
    let taken = complaint(&["dev", "--ephemeral", "--listen", &server.address]);
    assert!(taken.contains("another process listens there"), "{taken}");
    let blocked = complaint(&["dev", "--listen", "127.0.0.1:0", "--data", "/dev/null/data"]);
    assert!(blocked.contains("/dev/null/data") && blocked.contains("--data"), "{blocked}");
    let region = complaint(&["dev", "--ephemeral", "--listen", "127.0.0.1:0", "--region", "EU"]);
    assert!(region.contains("--region must be"), "{region}");
    let host = complaint(&["dev", "--ephemeral", "--allow-host", "http://pool.test"]);
    assert!(host.contains("--allow-host \"http://pool.test\" must be a host name"), "{host}");
    let url = ["--database", "mysql://x:secret@y/z"];
    let folder = tempfile::tempdir().unwrap();
    let data = ["dev", "--listen", "127.0.0.1:0", "--data", path(folder.path())];
    let wrong = complaint(&[&data[..], &url[..]].concat());
    assert!(wrong.contains("postgres://") && !wrong.contains("secret"), "{wrong}");
}

#[test]
fn the_wrong_master_key_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = path(folder.path());
    Server::start(&["--data", data]).stop();
    let key = folder.path().join("master.key");
    fs::remove_file(&key).unwrap();
    let wrong = complaint(&["dev", "--listen", "127.0.0.1:0", "--data", data]);
    assert!(wrong.contains("wrong master key") && wrong.contains("backup"), "{wrong}");
}

#[test]
fn a_seed_is_planted_and_a_bad_one_is_told() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples/seed.toml");
    let server = Server::start(&["--ephemeral", "--seed", example]);
    let sign_in = json!({
        "ClientId": "exampleweb", "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": { "USERNAME": "ada", "PASSWORD": "Correct-Horse-7" },
    });
    let tokens = server.call("InitiateAuth", &sign_in);
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert!(tokens.json()["AuthenticationResult"]["AccessToken"].is_string(), "{}", tokens.body);
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.toml");
    fs::write(&bad, "[[pools]]\nid = 5\n").unwrap();
    let listen = ["dev", "--ephemeral", "--listen", "127.0.0.1:0", "--seed", path(&bad)];
    let told = complaint(&listen);
    assert!(told.contains("bad.toml:2: id: invalid type"), "{told}");
}

#[test]
fn access_keys_are_made_listed_and_deleted_while_a_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let data = path(folder.path());
    let missing = complaint(&["access-key", "list", "--data", "/nowhere/at/all"]);
    assert!(missing.contains("there is no data folder"), "{missing}");
    let server = Server::start(&["--data", data]);
    let made = printed(&["access-key", "create", "--name", "ci", "--data", data]);
    let id = made.lines().next().unwrap().strip_prefix("AWS_ACCESS_KEY_ID=").unwrap();
    assert!(made.contains("AWS_SECRET_ACCESS_KEY="));
    let listed = printed(&["access-key", "list", "--data", data]);
    assert!(listed.contains(id) && listed.ends_with("  ci  (full-access)\n"), "{listed}");
    assert!(made.contains("Policies: full-access."), "{made}");
    let change = |verb: &str, policy: &str| {
        printed(&["access-key", verb, id, "--policy", policy, "--data", data])
    };
    assert_eq!(
        change("attach", "read-only"),
        format!("Policies of {id}: full-access, read-only.\n")
    );
    assert_eq!(change("detach", "full-access"), format!("Policies of {id}: read-only.\n"));
    let shown = printed(&["access-key", "show", id, "--data", data]);
    assert!(shown.contains("read-only:\n{") && shown.contains("cognito-idp:List*"), "{shown}");
    assert!(change("detach", "read-only").contains("none, so it may do nothing"));
    let file = folder.path().join("own.json");
    fs::write(&file, r#"{"Statement": {"Effect": "Alow", "Action": "*", "Resource": "*"}}"#)
        .unwrap();
    let bad = complaint(&["access-key", "attach", id, "--policy", path(&file), "--data", data]);
    let expected = r#"own.json: Statement[0].Effect: must be "Allow" or "Deny""#;
    assert!(bad.contains(expected), "{bad}");
    fs::rename(&file, folder.path().join("read-only.json")).unwrap();
    let file = folder.path().join("read-only.json");
    fs::write(&file, r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#)
        .unwrap();
    let bad = complaint(&["access-key", "attach", id, "--policy", path(&file), "--data", data]);
    assert!(bad.contains("read-only is the name of a built-in policy"), "{bad}");
    printed(&["access-key", "delete", id, "--data", data]);
    assert_eq!(printed(&["access-key", "list", "--data", data]), "There are no access keys.\n");
    let gone = complaint(&["access-key", "delete", id, "--data", data]);
    assert!(gone.contains("there is no access key"), "{gone}");
    let nameless = complaint(&["access-key", "create", "--name", "a b", "--data", data]);
    assert!(nameless.contains("--name must be"), "{nameless}");
    server.stop();
}

#[test]
fn keys_are_rotated_and_the_data_stays_readable() {
    let folder = tempfile::tempdir().unwrap();
    let data = path(folder.path());
    printed(&["access-key", "create", "--name", "old", "--data", data]);
    let key = fs::read(folder.path().join("master.key")).unwrap();
    let rotated = printed(&["data-key", "rotate", "--data", data]);
    assert!(rotated.contains("Data key 2 is stored"), "{rotated}");
    printed(&["master-key", "rotate", "--data", data]);
    assert_ne!(fs::read(folder.path().join("master.key")).unwrap(), key);
    assert!(printed(&["access-key", "list", "--data", data]).contains("old"));
}

#[test]
fn totp_shows_a_code_and_refuses_a_bad_secret() {
    let shown = printed(&["totp", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "--account", "ada"]);
    let code = shown.lines().next().unwrap();
    assert!(code.len() == 6 && code.chars().all(|c| c.is_ascii_digit()), "{shown}");
    assert!(shown.contains("s left") && shown.contains("otpauth://totp/Poolhouse:ada?secret="));
    assert!(complaint(&["totp", "0189"]).contains("base32"));
}

/// Writes a configuration with a SQLite file; answers its path.
fn configuration(folder: &Path, extra: &str) -> String {
    let file = folder.join("poolhouse.toml");
    let text = format!(
        "listen = \"127.0.0.1:0\"\nregion = \"us-east-1\"\naccount_id = \"123456789012\"\n\
         issuer = \"https://id.example.com\"\n{extra}\n[database]\nfile = \"pool.db\"\n\
         [master_key]\nfile = \"master.key\"\n"
    );
    fs::write(&file, text).unwrap();
    path(&file).to_owned()
}

#[test]
fn serve_refuses_an_insecure_configuration_with_line_and_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = configuration(folder.path(), "");
    let insecure = complaint(&["serve", "--config", &file]);
    assert!(insecure.contains("poolhouse.toml:1: listen: passwords would be"), "{insecure}");
    let file = configuration(folder.path(), "trusted_proxy = true");
    let keyless = complaint(&["serve", "--config", &file]);
    assert!(keyless.contains("poolhouse.toml:9: master_key.file: there is no"), "{keyless}");
}

#[test]
fn serve_verifies_signatures_and_has_no_inbox() {
    let folder = tempfile::tempdir().unwrap();
    let file = configuration(folder.path(), "trusted_proxy = true");
    let key = folder.path().join("master.key");
    fs::write(&key, "00".repeat(32)).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let made = printed(&["access-key", "create", "--name", "ci", "--config", &file]);
    let id = made.lines().next().unwrap().strip_prefix("AWS_ACCESS_KEY_ID=").unwrap();

    let server = Server::serve(&file);
    let refused = |authorization: &str| {
        let headers = format!(
            "x-amz-target: AWSCognitoIdentityProviderService.ListUserPools\r\n\
             x-amz-date: 20200101T000000Z\r\n{authorization}"
        );
        let answer = server.ask("POST", "/", &headers, "{\"MaxResults\": 1}");
        (answer.status, answer.json()["__type"].as_str().unwrap().to_owned())
    };
    assert_eq!(refused(""), (400, "MissingAuthenticationTokenException".to_owned()));
    let old = format!(
        "authorization: AWS4-HMAC-SHA256 Credential={id}/20200101/us-east-1/cognito-idp/\
         aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature={}\r\n",
        "00".repeat(32)
    );
    assert_eq!(refused(&old), (400, "InvalidSignatureException".to_owned()));
    let health = server.get("/_poolhouse/health");
    assert_eq!((health.status, health.json()), (200, json!({ "status": "ok" })));
    let elsewhere = server.ask_as("evil.example", "GET", "/_poolhouse/health", "", "");
    assert_eq!(elsewhere.status, 200, "names are for proxies to check");
    assert_eq!(server.get("/_poolhouse/messages").status, 404);
    assert_eq!(server.get("/_poolhouse/clock").status, 404);
    server.stop();
}
