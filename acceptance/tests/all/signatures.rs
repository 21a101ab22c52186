//! Who may call what of `poolhouse serve`: signatures made by the SDK's own signer.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::{HeaderValue, Request};
use jiff::Timestamp;
use poolhouse_acceptance::server::run;
use poolhouse_acceptance::{Client, Engine, Refusal, Server, Store, both_engines, seconds_now};
use serde_json::json;

both_engines!(
    signed_operations_ask_for_a_right_signature,
    signatures_are_good_for_their_time_and_place_only,
    incomplete_signatures_are_told_what_they_lack,
    a_signature_may_be_in_the_query,
    unsigned_operations_do_not_look_at_signatures,
    a_deleted_key_signs_no_longer,
);

const LIST: &str = r#"{"MaxResults":10}"#;
const MISMATCH: &str = "The request signature we calculated does not match the signature you \
    provided. Check your AWS Secret Access Key and signing method. Consult the service \
    documentation for details.";

/// A serving server, and an access key for it.
struct Installation {
    client: Client,
    key: Key,
    // Dropped in this order: the process first, then the files it uses.
    _server: Server,
    store: Store,
}

impl Installation {
    async fn make(engine: Engine) -> Self {
        let store = Store::fresh(engine).await;
        let server = Server::serve(&store).await;
        let arguments = ["access-key", "create", "--name", "tests", "--config", "poolhouse.toml"];
        let key = Key::printed(&run(&store, &arguments));
        Self { client: server.client(), key, _server: server, store }
    }

    /// A request to list user pools, unsigned.
    fn list(&self) -> Request<Bytes> {
        self.client.request("ListUserPools", LIST)
    }

    async fn accepted(&self, request: Request<Bytes>) {
        let reply = self.client.send(request).await.unwrap();
        assert_eq!(reply.ok("ListUserPools"), json!({"UserPools": []}));
    }

    async fn refused(&self, request: Request<Bytes>) -> Refusal {
        let reply = self.client.send(request).await.unwrap();
        assert_eq!(reply.status, 400, "{}", reply.text);
        let refusal = reply.refusal();
        assert_eq!(reply.header("x-amzn-errortype"), format!("{}:", refusal.kind));
        refusal
    }
}

/// An access key, and how it signs.
#[derive(Clone)]
struct Key {
    id: String,
    secret: String,
    region: String,
    service: String,
    /// Seconds since the epoch.
    time: i64,
    location: SignatureLocation,
}

impl Key {
    /// The key that the command printed.
    fn printed(text: &str) -> Self {
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("no {name} in {text}")).to_owned()
        };
        let id = value("AWS_ACCESS_KEY_ID=");
        assert!(id.starts_with("AKIA") && id.len() == 20, "{id}");
        let secret = value("AWS_SECRET_ACCESS_KEY=");
        assert_eq!(secret.len(), 40);
        Self {
            id,
            secret,
            region: "eu-central-1".to_owned(),
            service: "cognito-idp".to_owned(),
            time: seconds_now(),
            location: SignatureLocation::Headers,
        }
    }

    fn sign(&self, mut request: Request<Bytes>) -> Request<Bytes> {
        let identity = Credentials::new(&self.id, &self.secret, None, None, "tests").into();
        let mut settings = SigningSettings::default();
        settings.signature_location = self.location;
        let is_query = self.location == SignatureLocation::QueryParams;
        settings.expires_in = is_query.then_some(Duration::from_mins(1));
        let seconds = u64::try_from(self.time).unwrap();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let uri = request.uri().to_string();
        let headers = request.headers().iter();
        let headers = headers.map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
        let body = SignableBody::Bytes(request.body());
        let signable = SignableRequest::new("POST", uri, headers, body).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        instructions.apply_to_request_http1x(&mut request);
        request
    }
}

async fn signed_operations_ask_for_a_right_signature(engine: Engine) {
    let here = Installation::make(engine).await;
    here.accepted(here.key.sign(here.list())).await;
    let mismatch = Refusal::new("InvalidSignatureException", MISMATCH);

    let other_secret = Key { secret: here.key.secret.chars().rev().collect(), ..here.key.clone() };
    assert_eq!(here.refused(other_secret.sign(here.list())).await, mismatch);

    let mut altered_body = here.key.sign(here.list());
    *altered_body.body_mut() = Bytes::from_static(br#"{"MaxResults":11}"#);
    assert_eq!(here.refused(altered_body).await, mismatch);

    let mut altered_header = here.key.sign(here.list());
    let target = "AWSCognitoIdentityProviderService.CreateUserPool";
    altered_header.headers_mut().insert("x-amz-target", HeaderValue::from_static(target));
    assert_eq!(here.refused(altered_header).await, mismatch);

    let mut altered_signature = here.key.sign(here.list());
    let header = altered_signature.headers()["authorization"].to_str().unwrap();
    let (start, signature) = header.split_once("Signature=").unwrap();
    let value = format!("{start}Signature={}", signature.chars().rev().collect::<String>());
    altered_signature.headers_mut().insert("authorization", value.parse().unwrap());
    assert_eq!(here.refused(altered_signature).await, mismatch);

    // What is not signed may change on the way, as proxies do.
    let mut forwarded = here.key.sign(here.list());
    forwarded.headers_mut().insert("x-forwarded-for", HeaderValue::from_static("192.0.2.1"));
    here.accepted(forwarded).await;

    let unknown = Key { id: "AKIAAAAAAAAAAAAAAAAA".to_owned(), ..here.key.clone() };
    let invalid_token = "The security token included in the request is invalid.";
    assert_eq!(
        here.refused(unknown.sign(here.list())).await,
        Refusal::new("UnrecognizedClientException", invalid_token)
    );
    assert_eq!(
        here.refused(here.list()).await,
        Refusal::new("MissingAuthenticationTokenException", "Missing Authentication Token")
    );
    // The signature is looked at before the body.
    assert_eq!(
        here.refused(here.client.request("ListUserPools", "{")).await.kind,
        "MissingAuthenticationTokenException"
    );
}

async fn signatures_are_good_for_their_time_and_place_only(engine: Engine) {
    let here = Installation::make(engine).await;
    for seconds in [-290, 290] {
        let skewed = Key { time: seconds_now() + seconds, ..here.key.clone() };
        here.accepted(skewed.sign(here.list())).await;
    }
    for (seconds, margin) in [(-600, -300), (600, 300)] {
        let time = seconds_now() + seconds;
        let skewed = Key { time, ..here.key.clone() };
        let before = seconds_now();
        let refusal = here.refused(skewed.sign(here.list())).await;
        let possible = (before..=seconds_now()).map(|now| {
            let (at, edge, now) = (basic(time), basic(now + margin), basic(now));
            if seconds < 0 {
                format!("Signature expired: {at} is now earlier than {edge} ({now} - 5 min.)")
            } else {
                let start = format!("Signature not yet current: {at} is still later than {edge}");
                format!("{start} ({now} + 5 min.)")
            }
        });
        assert_eq!(refusal.kind, "InvalidSignatureException");
        let possible: Vec<String> = possible.collect();
        assert!(possible.contains(&refusal.message), "{refusal:?}, not {possible:?}");
    }
    let elsewhere = Key { region: "us-east-1".to_owned(), ..here.key.clone() };
    let message = "Credential should be scoped to a valid region, not 'us-east-1'. ";
    assert_eq!(
        here.refused(elsewhere.sign(here.list())).await,
        Refusal::new("InvalidSignatureException", message)
    );
    let other_service = Key { service: "cognito-identity".to_owned(), ..here.key.clone() };
    let message = "Credential should be scoped to correct service: 'cognito-idp'. ";
    assert_eq!(
        here.refused(other_service.sign(here.list())).await,
        Refusal::new("InvalidSignatureException", message)
    );
}

/// `20260101T000000Z`.
fn basic(seconds: i64) -> String {
    let time = Timestamp::from_second(seconds).unwrap();
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

async fn incomplete_signatures_are_told_what_they_lack(engine: Engine) {
    let here = Installation::make(engine).await;
    let clauses = [
        "Authorization header requires 'Credential' parameter. ",
        "Authorization header requires 'Signature' parameter. ",
        "Authorization header requires 'SignedHeaders' parameter. ",
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
    ];
    let date = HeaderValue::from_str(&basic(seconds_now())).unwrap();
    let lacking = |value: &str, dated: bool, clauses: &[&str]| {
        let mut request = here.list();
        request.headers_mut().insert("authorization", value.parse().unwrap());
        if dated {
            request.headers_mut().insert("x-amz-date", date.clone());
        }
        let message = format!("{}Authorization={value}", clauses.concat());
        (request, Refusal::new("IncompleteSignatureException", &message))
    };
    let credential = format!("Credential={}/20260101/eu-central-1/cognito-idp/aws4_request", "A");
    let cases = [
        lacking("AWS4-HMAC-SHA256", false, &clauses),
        lacking("Bearer a.b.c", true, &clauses[..3]),
        lacking(&format!("AWS4-HMAC-SHA256 {credential}"), true, &clauses[1..3]),
        lacking(
            &format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=00"),
            false,
            &clauses[3..],
        ),
    ];
    for (request, expected) in cases {
        assert_eq!(here.refused(request).await, expected);
    }
}

async fn a_signature_may_be_in_the_query(engine: Engine) {
    let here = Installation::make(engine).await;
    let key = Key { location: SignatureLocation::QueryParams, ..here.key.clone() };
    let signed = key.sign(here.list());
    assert!(signed.uri().query().unwrap().contains("X-Amz-Signature="));
    assert!(!signed.headers().contains_key("authorization"));
    here.accepted(signed).await;

    let mut altered_body = key.sign(here.list());
    *altered_body.body_mut() = Bytes::from_static(br#"{"MaxResults":11}"#);
    let mismatch = Refusal::new("InvalidSignatureException", MISMATCH);
    assert_eq!(here.refused(altered_body).await, mismatch);

    let old = Key { time: seconds_now() - 3_600, ..key };
    let refusal = here.refused(old.sign(here.list())).await;
    assert_eq!(refusal.kind, "InvalidSignatureException");
    assert!(refusal.message.starts_with("Signature expired: "), "{refusal:?}");
}

async fn unsigned_operations_do_not_look_at_signatures(engine: Engine) {
    let here = Installation::make(engine).await;
    let body = r#"{"ClientId":"1234567890abcdefghijklmnop","AuthFlow":"USER_PASSWORD_AUTH",
        "AuthParameters":{"USERNAME":"alice","PASSWORD":"Correct-Horse-9!"}}"#;
    let request = || here.client.request("InitiateAuth", body);
    let wrong = Key { secret: "wrong".to_owned(), time: 0, ..here.key.clone() };
    let message = "User pool client 1234567890abcdefghijklmnop does not exist.";
    let expected = Refusal::new("ResourceNotFoundException", message);
    for request in [request(), here.key.sign(request()), wrong.sign(request())] {
        assert_eq!(here.refused(request).await, expected);
    }
}

async fn a_deleted_key_signs_no_longer(engine: Engine) {
    let here = Installation::make(engine).await;
    let config = ["--config", "poolhouse.toml"];
    here.accepted(here.key.sign(here.list())).await;
    let listed = run(&here.store, &["access-key", "list", config[0], config[1]]);
    assert!(listed.contains(&here.key.id) && listed.contains("tests"), "{listed}");
    assert!(!listed.contains(&here.key.secret));
    run(&here.store, &["access-key", "delete", &here.key.id, config[0], config[1]]);
    let refusal = here.refused(here.key.sign(here.list())).await;
    assert_eq!(refusal.kind, "UnrecognizedClientException");
}
