//! A whole server for the tests at the foot of the operation files, called as a client calls it.

use std::io::Write as _;

use http::HeaderMap;
use poolhouse_domain::{Fault, caller::Caller, ports::Ports, tokens::jwt};
use poolhouse_testkit::{
    CannedFetcher, Kit, RecordingLogSink, RecordingMessenger, ScriptedFunctions,
};
use serde_json::{Value, json};

use crate::{
    ApiRequest, serve,
    signatures::{Administrator, Authority, Service, SignatureRefused, Signatures},
};

/// The password of every user made by [`Stack::user`].
pub(crate) const PASSWORD: &str = "Correct-Horse-7";

/// A server of its own with an empty store; the engine is the one that `poolhouse_testkit` was told.
pub(crate) struct Stack {
    /// The ports, for looking at stored state.
    pub ports: Ports,
    kit: Kit,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; null if it is empty.
    pub body: Value,
    /// The headers.
    pub headers: HeaderMap,
}

/// Takes every request for one of this administrator.
struct Signed(Administrator);

#[async_trait::async_trait]
impl Signatures for Signed {
    async fn verify(
        &self,
        _: Service,
        _: &http::request::Parts,
        _: &[u8],
    ) -> Result<Result<Administrator, SignatureRefused>, Fault> {
        Ok(Ok(self.0.clone()))
    }
}

impl Stack {
    /// A new server; see [`Kit::new`] for what is fixed.
    pub(crate) async fn new() -> Self {
        let kit = Kit::new().await.unwrap();
        Self { ports: kit.ports.clone(), kit }
    }

    /// Moves the clock forward.
    pub(crate) fn advance(&self, seconds: i64) {
        self.kit.clock.advance(seconds);
    }

    /// Messages that were sent.
    pub(crate) fn messenger(&self) -> &RecordingMessenger {
        &self.kit.messenger
    }

    /// Functions behind triggers.
    pub(crate) fn functions(&self) -> &ScriptedFunctions {
        &self.kit.functions
    }

    /// Lines of logs that were delivered.
    pub(crate) fn log_sink(&self) -> &RecordingLogSink {
        &self.kit.log_sink
    }

    /// Documents of other servers.
    pub(crate) fn fetcher(&self) -> &CannedFetcher {
        &self.kit.fetcher
    }

    /// The code in the last message to this address or number.
    pub(crate) fn last_code_for(&self, destination: &str) -> String {
        self.kit.messenger.last_code_for(destination).expect("a message was sent")
    }

    /// Calls an operation as somebody who may do everything.
    pub(crate) async fn call(&self, operation: &str, input: Value) -> Answer {
        self.send(anybody(&self.ports), operation, input, &[]).await
    }

    /// What the server makes of a caller: the address is 192.0.2.7 unless a test has set another.
    fn ports_of_caller(&self, parts: &http::request::Parts) -> Ports {
        let user_agent = parts.headers.get("user-agent").and_then(|value| value.to_str().ok());
        let caller = Caller::new(Some([192, 0, 2, 7].into()), user_agent);
        let set = &self.ports.caller;
        let caller = Caller {
            ip: set.ip.or(caller.ip),
            user_agent: set.user_agent.clone().or(caller.user_agent),
            ..set.clone()
        };
        Ports { caller, ..self.ports.clone() }
    }

    /// Calls an operation as this administrator.
    pub(crate) async fn call_as(
        &self,
        administrator: Administrator,
        operation: &str,
        input: Value,
    ) -> Answer {
        self.send(administrator, operation, input, &[]).await
    }

    /// Calls an operation with further headers.
    pub(crate) async fn call_with(
        &self,
        operation: &str,
        input: Value,
        headers: &[(&str, &str)],
    ) -> Answer {
        self.send(anybody(&self.ports), operation, input, headers).await
    }

    async fn send(
        &self,
        administrator: Administrator,
        operation: &str,
        input: Value,
        headers: &[(&str, &str)],
    ) -> Answer {
        let target = format!("AWSCognitoIdentityProviderService.{operation}");
        let mut request = http::Request::post("/").header("x-amz-target", target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let body = input.to_string();
        let request = ApiRequest { parts: &parts, body: body.as_bytes(), request_id: "test" };
        let ports = self.ports_of_caller(&parts);
        let (parts, body) = serve(ports, &Signed(administrator), request).await.into_parts();
        let body = match body.as_str() {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap(),
        };
        if parts.status != 200 {
            note_error(operation, &body["__type"]);
        }
        Answer { status: parts.status.as_u16(), body, headers: parts.headers }
    }

    /// Calls an operation that must succeed, and answers its body.
    #[track_caller]
    pub(crate) fn ok(&self, operation: &str, input: Value) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        async move {
            let answer = self.call(operation, input).await;
            assert_eq!(answer.status, 200, "{operation} at {caller}: {}", answer.body);
            answer.body
        }
    }

    /// Calls an operation that must be refused, and answers the error's type and message.
    #[track_caller]
    pub(crate) fn refusal(
        &self,
        operation: &str,
        input: Value,
    ) -> impl Future<Output = (String, String)> {
        let caller = std::panic::Location::caller();
        async move {
            let answer = self.call(operation, input).await;
            assert_eq!(answer.status, 400, "{operation} at {caller}: {}", answer.body);
            (text(&answer.body["__type"]), text(&answer.body["message"]))
        }
    }

    /// Makes a user pool and answers its id. `overrides` are members of `CreateUserPool`.
    pub(crate) async fn pool(&self, overrides: Value) -> String {
        let input = merged(json!({ "PoolName": "pool" }), overrides);
        text(&self.ok("CreateUserPool", input).await["UserPool"]["Id"])
    }

    /// Makes an app client with every flow that needs no trigger, and answers its id. `overrides`
    /// are members of `CreateUserPoolClient`.
    pub(crate) async fn client(&self, pool_id: &str, overrides: Value) -> String {
        let flows = [
            "ALLOW_USER_PASSWORD_AUTH",
            "ALLOW_ADMIN_USER_PASSWORD_AUTH",
            "ALLOW_USER_SRP_AUTH",
            "ALLOW_REFRESH_TOKEN_AUTH",
        ];
        let input =
            json!({ "UserPoolId": pool_id, "ClientName": "client", "ExplicitAuthFlows": flows });
        let answer = self.ok("CreateUserPoolClient", merged(input, overrides)).await;
        text(&answer["UserPoolClient"]["ClientId"])
    }

    /// Makes a confirmed user whose password is [`PASSWORD`], and answers the `sub`. No message
    /// is sent. `attributes` are pairs such as `("email", "ada@example.com")`.
    pub(crate) async fn user(
        &self,
        pool_id: &str,
        username: &str,
        attributes: &[(&str, &str)],
    ) -> String {
        let attributes: Vec<Value> = attributes
            .iter()
            .map(|(name, value)| json!({ "Name": name, "Value": value }))
            .collect();
        let input = json!({
            "UserPoolId": pool_id, "Username": username, "UserAttributes": attributes,
            "MessageAction": "SUPPRESS",
        });
        let user = self.ok("AdminCreateUser", input).await;
        let input = json!({
            "UserPoolId": pool_id, "Username": username, "Password": PASSWORD, "Permanent": true,
        });
        self.ok("AdminSetUserPassword", input).await;
        let attributes = user["User"]["Attributes"].as_array().expect("a user has attributes");
        let sub = attributes.iter().find(|attribute| attribute["Name"] == "sub");
        text(&sub.expect("a user has a sub")["Value"])
    }

    /// Signs a user up, who is then unconfirmed, with [`PASSWORD`], and answers the code that was
    /// sent to the e-mail address.
    pub(crate) async fn signed_up(
        &self,
        pool_id: &str,
        client_id: &str,
        username: &str,
        email: &str,
    ) -> String {
        let input = json!({
            "ClientId": client_id, "Username": username, "Password": PASSWORD,
            "UserAttributes": [{ "Name": "email", "Value": email }],
        });
        self.ok("SignUp", input).await;
        let user = json!({ "UserPoolId": pool_id, "Username": username });
        assert_eq!(self.ok("AdminGetUser", user).await["UserStatus"], "UNCONFIRMED");
        self.last_code_for(email)
    }

    /// Signs a user in who needs no second factor, with [`PASSWORD`], and answers the
    /// `AuthenticationResult`.
    pub(crate) async fn tokens(&self, client_id: &str, username: &str) -> Value {
        let parameters = json!({ "USERNAME": username, "PASSWORD": PASSWORD });
        let input = json!({
            "ClientId": client_id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters,
        });
        let mut answer = self.ok("InitiateAuth", input).await;
        let result = answer["AuthenticationResult"].take();
        assert!(result.is_object(), "no tokens but {answer}");
        result
    }

    /// Signs a user in as [`Stack::tokens`] does, and answers the access token.
    pub(crate) async fn access_token(&self, client_id: &str, username: &str) -> String {
        text(&self.tokens(client_id, username).await["AccessToken"])
    }
}

/// An administrator who may do everything.
fn anybody(ports: &Ports) -> Administrator {
    Administrator {
        access_key_id: "AKIATEST".to_owned(),
        name: "test".to_owned(),
        region: ports.identity.region.clone(),
        authority: Authority::Everything,
    }
}

/// Appends to the file from which `cargo xtask test` learns which errors the tests produce.
fn note_error(operation: &str, type_name: &Value) {
    let (Ok(path), Some(name)) = (std::env::var("POOLHOUSE_ERRORS_SEEN"), type_name.as_str())
    else {
        return;
    };
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    // One write, so that the lines of tests that run at the same time don't mix.
    file.write_all(format!("{operation} {name}\n").as_bytes()).unwrap();
}

/// `base` with the members of `overrides` in place of its own; a null removes a member.
pub(crate) fn merged(mut base: Value, overrides: Value) -> Value {
    let Value::Object(overrides) = overrides else { panic!("overrides are an object") };
    for (name, value) in overrides {
        base[name] = value;
    }
    base
}

/// The error of a refusal in the form in which [`Stack::refusal`] answers it.
pub(crate) fn error(type_name: &str, message: &str) -> (String, String) {
    (type_name.to_owned(), message.to_owned())
}

/// `InvalidParameterException` in the form in which [`Stack::refusal`] answers it.
pub(crate) fn invalid(message: &str) -> (String, String) {
    error("InvalidParameterException", message)
}

/// The claims of a token. Nothing is verified.
#[track_caller]
pub(crate) fn claims(token: &Value) -> Value {
    let parsed =
        jwt::parse(token.as_str().expect("a token was expected")).expect("a JWT was expected");
    serde_json::from_slice(&parsed.payload).unwrap()
}

/// A string out of an answer.
#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a string was expected, not {value}")).to_owned()
}
