//! Requests signed by botocore (`testdata/sign_with_botocore.py`), as they are and altered.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;

const HERE: Scope<'_> = Scope { region: "us-east-1", service: "cognito-idp" };
const KEY: &str = "AKIAPOOLHOUSE1234567";
const MISMATCH: &str = "The request signature we calculated does not match the signature you \
    provided. Check your AWS Secret Access Key and signing method. Consult the service \
    documentation for details.";

#[derive(Deserialize)]
struct Fixtures {
    signed_at: i64,
    requests: Vec<Fixture>,
}

#[derive(Clone, Deserialize)]
struct Fixture {
    name: String,
    url: String,
    headers: BTreeMap<String, String>,
    body: String,
}

fn fixtures() -> Fixtures {
    serde_json::from_str(include_str!("../../testdata/signatures.json")).unwrap()
}

fn fixture(name: &str) -> Fixture {
    fixtures().requests.into_iter().find(|request| request.name == name).unwrap()
}

impl Fixture {
    fn parts(&self) -> Parts {
        // Over HTTP/1.1, only path and query are on the request line.
        let path = self.url.splitn(4, '/').nth(3).unwrap();
        let mut request = http::Request::post(format!("/{path}"));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn verify_after(&self, seconds: i64) -> Result<Signer, Refused> {
        verify_parts(&self.parts(), self.body.as_bytes(), seconds)
    }

    fn verify(&self) -> Result<Signer, Refused> {
        self.verify_after(0)
    }

    /// The error type and the message.
    fn refusal_after(&self, seconds: i64) -> (&'static str, String) {
        let refused = self.verify_after(seconds).unwrap_err();
        (refused.type_name, refused.message)
    }

    fn refusal(&self) -> (&'static str, String) {
        self.refusal_after(0)
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.remove(name).unwrap();
        self
    }

    fn rewrite(mut self, name: &str, from: &str, to: &str) -> Self {
        let value = self.headers.get_mut(name).unwrap();
        assert!(value.contains(from));
        *value = value.replace(from, to);
        self
    }
}

/// What [`super::verify`] does, with a table of one key in place of the store.
fn verify_parts(parts: &Parts, body: &[u8], after: i64) -> Result<Signer, Refused> {
    let now = Timestamp::from_seconds(fixtures().signed_at + after);
    let claim = Claim::read(parts)?.check_circumstances(now, HERE)?;
    let key = AccessKey {
        id: KEY.to_owned(),
        secret: format!("s3cr3t/{}", "A".repeat(33)),
        name: "alice".to_owned(),
        created_at: now,
        policies: BTreeMap::new(),
    };
    let key = Some(key).filter(|key| key.id == claim.key_id);
    claim.judge(parts, body, key)
}

#[test]
fn what_botocore_signs_is_accepted() {
    for name in ["header", "unicode", "empty", "spaces", "host", "query string", "presigned"] {
        let signer = fixture(name).verify().unwrap_or_else(|refused| panic!("{name}: {refused:?}"));
        assert_eq!((signer.access_key_id.as_str(), signer.name.as_str()), (KEY, "alice"));
    }
}

#[test]
fn the_host_may_come_with_the_uri_as_in_http_2() {
    let request = fixture("host").without("Host");
    let mut parts = request.parts();
    parts.uri = request.url.parse().unwrap();
    assert!(verify_parts(&parts, request.body.as_bytes(), 0).is_ok());
}

#[test]
fn an_altered_body_header_path_or_query_does_not_match() {
    let mut body = fixture("header");
    body.body = body.body.replace("10", "11");
    let mut path = fixture("header");
    path.url += "other";
    let mut query = fixture("query string");
    query.url += "&c=1";
    let mut presigned = fixture("presigned");
    presigned.url = presigned.url.replace("Expires=60", "Expires=61");
    let other = "AWSCognitoIdentityProviderService.DeleteUserPool";
    let target = fixture("header").with("X-Amz-Target", other);
    let host = fixture("header").with("Host", "elsewhere.example");
    for request in [body, path, query, presigned, target, host] {
        assert_eq!(request.refusal(), ("InvalidSignatureException", MISMATCH.to_owned()));
    }
}

#[test]
fn a_removed_signed_header_does_not_match() {
    let request = fixture("header").without("Content-Type");
    assert_eq!(request.refusal(), ("InvalidSignatureException", MISMATCH.to_owned()));
}

#[test]
fn another_secret_does_not_match() {
    let expected = ("InvalidSignatureException", MISMATCH.to_owned());
    assert_eq!(fixture("wrong secret").refusal(), expected);
}

#[test]
fn a_signature_that_is_cut_or_no_hexadecimal_does_not_match() {
    for text in ["62bcfa8e", "zz", "62bcfa8"] {
        let request = fixture("header");
        let authorization = request.headers["Authorization"].clone();
        let (kept, _) = authorization.split_once("Signature=").unwrap();
        let request = request.with("Authorization", &format!("{kept}Signature={text}"));
        assert_eq!(request.refusal(), ("InvalidSignatureException", MISMATCH.to_owned()));
    }
}

#[test]
fn the_body_counts_even_if_the_client_calls_it_unsigned() {
    let request = fixture("header").with("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD");
    assert!(request.verify().is_ok());
    let mut altered = request;
    altered.body.push(' ');
    assert_eq!(altered.refusal().1, MISMATCH);
}

#[test]
fn an_unknown_key_and_a_session_token_get_the_same_answer() {
    let expected = (
        "UnrecognizedClientException",
        "The security token included in the request is invalid.".to_owned(),
    );
    assert_eq!(fixture("unknown key").refusal(), expected);
    assert_eq!(fixture("session token").refusal(), expected);
}

#[test]
fn no_signature_at_all_is_a_missing_token() {
    let expected =
        ("MissingAuthenticationTokenException", "Missing Authentication Token".to_owned());
    assert_eq!(fixture("header").without("Authorization").refusal(), expected);
}

#[test]
fn each_missing_part_of_the_header_is_named() {
    let request = fixture("header").without("X-Amz-Date").with("Authorization", "Bearer abc");
    assert_eq!(
        request.refusal(),
        (
            "IncompleteSignatureException",
            "Authorization header requires 'Credential' parameter. \
             Authorization header requires 'Signature' parameter. \
             Authorization header requires 'SignedHeaders' parameter. \
             Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. \
             Authorization=Bearer abc"
                .to_owned()
        )
    );
    let value = "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host";
    let request = fixture("header").with("Authorization", value);
    assert_eq!(
        request.refusal().1,
        format!("Authorization header requires 'Signature' parameter. Authorization={value}")
    );
}

#[test]
fn each_missing_part_of_the_query_is_named() {
    let mut request = fixture("presigned");
    request.url = "http://127.0.0.1:7665/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=x".to_owned();
    assert_eq!(
        request.refusal(),
        (
            "IncompleteSignatureException",
            "AWS query-string parameters must include 'X-Amz-Credential'. \
             AWS query-string parameters must include 'X-Amz-Signature'. \
             AWS query-string parameters must include 'X-Amz-SignedHeaders'. \
             Re-examine the query-string parameters."
                .to_owned()
        )
    );
}

#[test]
fn a_credential_without_five_elements_and_a_senseless_date_are_incomplete() {
    let credential = fixture("header").rewrite("Authorization", "/aws4_request", "");
    assert_eq!(credential.refusal().0, "IncompleteSignatureException");
    assert!(credential.refusal().1.starts_with("Credential must have exactly 5"));
    let date = fixture("header").with("X-Amz-Date", "yesterday");
    assert_eq!(date.refusal().0, "IncompleteSignatureException");
    assert!(date.refusal().1.contains("Got 'yesterday'"));
}

#[test]
fn a_signature_holds_for_five_minutes_in_both_directions() {
    let request = fixture("header");
    assert!(request.verify_after(300).is_ok() && request.verify_after(-300).is_ok());
    assert_eq!(
        request.refusal_after(301),
        (
            "InvalidSignatureException",
            "Signature expired: 20260501T123045Z is now earlier than 20260501T123046Z \
             (20260501T123546Z - 5 min.)"
                .to_owned()
        )
    );
    assert_eq!(
        request.refusal_after(-301),
        (
            "InvalidSignatureException",
            "Signature not yet current: 20260501T123045Z is still later than 20260501T123044Z \
             (20260501T122544Z + 5 min.)"
                .to_owned()
        )
    );
}

#[test]
fn a_presigned_request_holds_as_long_as_it_says_but_a_quarter_of_an_hour_at_most() {
    let minute = fixture("presigned");
    assert!(minute.verify_after(60).is_ok());
    assert!(minute.refusal_after(61).1.starts_with("Signature expired"));
    let week = fixture("presigned for a week");
    assert!(week.verify_after(900).is_ok());
    assert!(week.refusal_after(901).1.contains("- 15 min.)"));
}

#[test]
fn a_signature_for_one_service_is_none_for_another() {
    let now = Timestamp::from_seconds(fixtures().signed_at);
    let keys = Scope { service: "kms", ..HERE };
    let claim = Claim::read(&fixture("header").parts()).unwrap();
    let refused = claim.check_circumstances(now, keys).err().unwrap();
    assert_eq!(refused.type_name, "InvalidSignatureException");
    let expected = "Credential should be scoped to correct service: 'kms'. ";
    assert_eq!(refused.message, expected);
}

#[test]
fn the_scope_must_name_this_region_and_service() {
    assert_eq!(
        fixture("wrong region").refusal(),
        (
            "InvalidSignatureException",
            "Credential should be scoped to a valid region, not 'eu-west-1'. ".to_owned()
        )
    );
    assert_eq!(
        fixture("wrong service").refusal().1,
        "Credential should be scoped to correct service: 'cognito-idp'. "
    );
    let terminator = fixture("header").rewrite("Authorization", "/aws4_request", "/aws5_request");
    assert_eq!(
        terminator.refusal().1,
        "Credential should be scoped with a valid terminator: 'aws4_request', \
         not 'aws5_request'. "
    );
    let date = fixture("header").rewrite("Authorization", "/20260501/", "/20260430/");
    assert_eq!(
        date.refusal().1,
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from \
         HTTP: '20260430' != '20260501', from '20260501T123045Z'."
    );
}

#[test]
fn host_date_and_target_must_be_signed() {
    for (name, expected) in [
        ("host", "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."),
        ("x-amz-date", "'x-amz-date' must be a 'SignedHeader' in the AWS Authorization."),
        ("x-amz-target", "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization."),
    ] {
        let request = fixture("header").rewrite("Authorization", name, "accept");
        assert_eq!(request.refusal(), ("InvalidSignatureException", expected.to_owned()));
    }
}

#[test]
fn a_date_header_serves_where_there_is_no_amz_date() {
    let request = fixture("header").without("X-Amz-Date");
    let request = request.with("Date", "Fri, 01 May 2026 12:30:45 GMT");
    let request = request.rewrite("Authorization", "x-amz-date", "date");
    // Read and found to be of now; only the signature is that of another request.
    assert_eq!(request.refusal(), ("InvalidSignatureException", MISMATCH.to_owned()));
    assert!(request.refusal_after(301).1.starts_with("Signature expired: 20260501T123045Z"));
}
