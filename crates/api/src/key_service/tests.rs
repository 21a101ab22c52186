//! The key service over the whole stack.

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use poolhouse_domain::{Fault, access_keys::Policies, code_encryption::encrypt_code};
use serde_json::{Value, json};

use crate::{
    ApiRequest, serve,
    signatures::{Administrator, Authority, Service, SignatureRefused, Signatures},
    testing::{Stack, text},
};

const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/1a";
const OTHER_KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/1b";

/// Takes requests for those of somebody with these policies, or of nobody.
struct Signed(Option<Authority>);

#[async_trait]
impl Signatures for Signed {
    async fn verify(
        &self,
        service: Service,
        _: &http::request::Parts,
        _: &[u8],
    ) -> Result<Result<Administrator, SignatureRefused>, Fault> {
        assert_eq!(service, Service::Keys);
        let type_name = "MissingAuthenticationTokenException";
        let nobody = SignatureRefused { type_name, message: "Missing".to_owned() };
        Ok(self.0.clone().ok_or(nobody).map(|authority| Administrator {
            access_key_id: "AKIATEST".to_owned(),
            name: "f".to_owned(),
            region: "us-east-1".to_owned(),
            authority,
        }))
    }
}

async fn send(
    stack: &Stack,
    authority: Option<Authority>,
    operation: &str,
    body: &str,
) -> (u16, Value) {
    let target = format!("TrentService.{operation}");
    let request = http::Request::post("/").header("x-amz-target", target).body(()).unwrap();
    let (parts, ()) = request.into_parts();
    let request = ApiRequest { parts: &parts, body: body.as_bytes(), request_id: "test" };
    let response = serve(stack.ports.clone(), &Signed(authority), request).await;
    assert_eq!(response.headers()["content-type"], "application/x-amz-json-1.1");
    let (parts, body) = response.into_parts();
    let body: Value = serde_json::from_str(&body).unwrap();
    if parts.status != 200 {
        let name = format!("{}:", body["__type"].as_str().unwrap());
        assert_eq!(parts.headers["x-amzn-errortype"], name);
    }
    (parts.status.as_u16(), body)
}

async fn call(stack: &Stack, operation: &str, input: Value) -> (u16, Value) {
    send(stack, Some(Authority::Everything), operation, &input.to_string()).await
}

/// The output of an operation that must succeed.
async fn ok(stack: &Stack, operation: &str, input: Value) -> Value {
    let (status, body) = call(stack, operation, input).await;
    assert_eq!(status, 200, "{body}");
    body
}

/// The type of an error, after which there is no message or this one.
async fn refusal(stack: &Stack, operation: &str, input: Value) -> (String, Value) {
    let (status, mut body) = call(stack, operation, input).await;
    assert_eq!(status, 400, "{body}");
    (text(&body["__type"]), body["message"].take())
}

/// A wrapped data key for pool `p`, and the key.
async fn generated(stack: &Stack) -> (String, String) {
    let context = json!({ "userpool-id": "p" });
    let input = json!({ "KeyId": KEY, "KeySpec": "AES_256", "EncryptionContext": context });
    let output = ok(stack, "GenerateDataKey", input).await;
    assert_eq!(output["KeyId"], KEY);
    assert_eq!(STANDARD.decode(text(&output["Plaintext"])).unwrap().len(), 32);
    (text(&output["CiphertextBlob"]), text(&output["Plaintext"]))
}

#[tokio::test]
async fn a_data_key_is_unwrapped_for_its_context_with_and_without_its_name() {
    let stack = Stack::new().await;
    let (blob, key) = generated(&stack).await;
    let context = json!({ "userpool-id": "p" });
    let expected =
        json!({ "KeyId": KEY, "Plaintext": key, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT" });
    for key_id in [json!(null), json!(KEY), json!("1a")] {
        let input = json!({
            "CiphertextBlob": blob, "EncryptionContext": context, "KeyId": key_id,
            "GrantTokens": [], "DryRun": false,
        });
        assert_eq!(ok(&stack, "Decrypt", input).await, expected);
    }
}

#[tokio::test]
async fn what_was_altered_or_belongs_elsewhere_is_not_unwrapped() {
    let stack = Stack::new().await;
    let (blob, _) = generated(&stack).await;
    let invalid = ("InvalidCiphertextException".to_owned(), Value::Null);
    for context in [json!(null), json!({}), json!({ "userpool-id": "q" })] {
        let input = json!({ "CiphertextBlob": blob, "EncryptionContext": context });
        assert_eq!(refusal(&stack, "Decrypt", input).await, invalid);
    }
    let context = json!({ "userpool-id": "p" });
    let mut bytes = STANDARD.decode(&blob).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    for blob in [STANDARD.encode(bytes), String::new(), STANDARD.encode([7; 184])] {
        let input = json!({ "CiphertextBlob": blob, "EncryptionContext": context });
        assert_eq!(refusal(&stack, "Decrypt", input).await, invalid);
    }
    let elsewhere = Stack::new().await;
    elsewhere
        .ports
        .keyring
        .add(&poolhouse_domain::sealing::DataKey::generate(77, &*elsewhere.ports.entropy));
    assert!(elsewhere.ports.keyring.activate(77));
    let (foreign, _) = generated(&elsewhere).await;
    let input = json!({ "CiphertextBlob": foreign, "EncryptionContext": context });
    let (status, body) = call(&stack, "Decrypt", input).await;
    assert_eq!((status, &body["__type"]), (500, &json!("KMSInternalException")));
}

#[tokio::test]
async fn the_named_key_must_be_the_one_and_must_be() {
    let stack = Stack::new().await;
    let (blob, _) = generated(&stack).await;
    let decrypt = |key: &str| json!({ "CiphertextBlob": blob, "EncryptionContext": { "userpool-id": "p" }, "KeyId": key });
    let (name, message) = refusal(&stack, "Decrypt", decrypt(OTHER_KEY)).await;
    assert_eq!(name, "IncorrectKeyException");
    let expected = "The key ID in the request does not identify a CMK that can perform this \
                    operation.";
    assert_eq!(message, expected);
    let foreign = KEY.replace("123456789012", "999999999999");
    let missing =
        ("NotFoundException".to_owned(), json!(format!("Key '{foreign}' does not exist")));
    assert_eq!(refusal(&stack, "Decrypt", decrypt(&foreign)).await, missing);
    let input = json!({ "KeyId": foreign, "KeySpec": "AES_256" });
    assert_eq!(refusal(&stack, "GenerateDataKey", input).await, missing);
    assert_eq!(refusal(&stack, "DescribeKey", json!({ "KeyId": foreign })).await, missing);
}

#[tokio::test]
async fn an_alias_leads_to_a_key() {
    let stack = Stack::new().await;
    let metadata = ok(&stack, "DescribeKey", json!({ "KeyId": "alias/codes" })).await;
    let metadata = &metadata["KeyMetadata"];
    let arn = text(&metadata["Arn"]);
    assert!(arn.starts_with("arn:aws:kms:us-east-1:123456789012:key/"), "{arn}");
    assert!(arn.ends_with(&text(&metadata["KeyId"])));
    assert_eq!(metadata["KeyState"], "Enabled");
    let input = json!({ "KeyId": "alias/codes", "NumberOfBytes": 64 });
    let output = ok(&stack, "GenerateDataKey", input).await;
    assert_eq!(output["KeyId"], arn);
    assert_eq!(STANDARD.decode(text(&output["Plaintext"])).unwrap().len(), 64);
}

#[tokio::test]
async fn input_is_checked() {
    let stack = Stack::new().await;
    let blob = STANDARD.encode([7; 100]);
    let null = "1 validation error detected: Value null at";
    for (operation, input, name, start) in [
        ("Decrypt", json!({}), "ValidationException", format!("{null} 'ciphertextBlob'")),
        ("DescribeKey", json!({}), "ValidationException", format!("{null} 'keyId'")),
        ("GenerateDataKey", json!({}), "ValidationException", format!("{null} 'keyId'")),
        ("GenerateDataKey", json!({ "KeyId": KEY }), "ValidationException", "Please".to_owned()),
        (
            "GenerateDataKey",
            json!({ "KeyId": KEY, "KeySpec": "AES_256", "NumberOfBytes": 32 }),
            "ValidationException",
            "Please".to_owned(),
        ),
        (
            "GenerateDataKey",
            json!({ "KeyId": KEY, "NumberOfBytes": 1025 }),
            "ValidationException",
            "Please".to_owned(),
        ),
        (
            "GenerateDataKey",
            json!({ "KeyId": KEY, "KeySpec": "AES_256", "DryRun": true }),
            "UnsupportedOperationException",
            "DryRun".to_owned(),
        ),
        (
            "Decrypt",
            json!({ "CiphertextBlob": blob, "DryRun": true }),
            "UnsupportedOperationException",
            "DryRun".to_owned(),
        ),
        (
            "Decrypt",
            json!({ "CiphertextBlob": blob, "Recipient": {} }),
            "UnsupportedOperationException",
            "Recipient".to_owned(),
        ),
        (
            "Decrypt",
            json!({ "CiphertextBlob": blob, "EncryptionAlgorithm": "RSAES_OAEP_SHA_1" }),
            "InvalidKeyUsageException",
            "The algorithm".to_owned(),
        ),
    ] {
        let (found, message) = refusal(&stack, operation, input).await;
        assert_eq!(found, name);
        assert!(text(&message).starts_with(&start), "{message}");
    }
    let everything = || Some(Authority::Everything);
    for body in ["", "[]", r#"{"CiphertextBlob": "a?"}"#, r#"{"EncryptionContext": {"a": 1}}"#] {
        let (status, body) = send(&stack, everything(), "Decrypt", body).await;
        assert_eq!((status, body), (400, json!({ "__type": "SerializationException" })));
    }
    for operation in ["Encrypt", "decrypt", ""] {
        let (status, body) = send(&stack, everything(), operation, "{}").await;
        assert_eq!((status, body), (400, json!({ "__type": "UnknownOperationException" })));
    }
}

#[tokio::test]
async fn who_did_not_sign_or_has_no_permission_learns_nothing() {
    let stack = Stack::new().await;
    let (blob, key) = generated(&stack).await;
    let input = json!({ "CiphertextBlob": blob, "EncryptionContext": { "userpool-id": "p" } });
    let body = input.to_string();
    for operation in ["Decrypt", "GenerateDataKey", "DescribeKey"] {
        let (status, answer) = send(&stack, None, operation, &body).await;
        assert_eq!(status, 400);
        assert_eq!(answer["__type"], "MissingAuthenticationTokenException");
    }
    let limited = |statement: &str| {
        let document = format!(r#"{{"Version": "2012-10-17", "Statement": {statement}}}"#);
        Some(Authority::Limited(Policies::read(&[("p".to_owned(), document)].into()).unwrap()))
    };
    let all = r#"{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}"#;
    let for_pool = |pool: &str| {
        let condition =
            format!(r#"{{"StringEquals": {{"kms:EncryptionContext:userpool-id": "{pool}"}}}}"#);
        limited(&all.replace("\"*\"}", &format!("\"{KEY}\", \"Condition\": {condition}}}")))
    };
    for authority in [limited(all), for_pool("p")] {
        let (status, answer) = send(&stack, authority, "Decrypt", &body).await;
        assert_eq!((status, &answer["Plaintext"]), (200, &json!(key)), "{answer}");
    }
    let pools = r#"{"Effect": "Allow", "Action": "cognito-idp:*", "Resource": "*"}"#;
    for authority in [limited(pools), for_pool("q")] {
        let (status, answer) = send(&stack, authority, "Decrypt", &body).await;
        assert_eq!((status, &answer["__type"]), (400, &json!("AccessDeniedException")));
        let expected = format!(
            "User: arn:aws:iam::123456789012:user/f is not authorized to perform: kms:Decrypt on \
             resource: {KEY} because no identity-based policy allows the kms:Decrypt action"
        );
        assert_eq!(answer["message"], expected);
    }
    let describe = json!({ "KeyId": KEY, "KeySpec": "AES_256" }).to_string();
    for operation in ["GenerateDataKey", "DescribeKey"] {
        let (_, answer) = send(&stack, limited(all), operation, &describe).await;
        assert_eq!(answer["__type"], "AccessDeniedException", "{operation}");
    }
}

#[tokio::test]
async fn the_data_key_of_a_pools_code_is_unwrapped_for_that_pool() {
    let stack = Stack::new().await;
    let function = "arn:aws:lambda:us-east-1:123456789012:function:f";
    let sender = json!({ "LambdaVersion": "V1_0", "LambdaArn": function });
    let triggers = json!({ "CustomEmailSender": sender, "KMSKeyID": KEY });
    let pool_id = stack.pool(json!({ "LambdaConfig": triggers })).await;
    let pool = stack.ports.directory.user_pool(&pool_id).await.unwrap().unwrap();
    let message = encrypt_code(&stack.ports, &pool, "123456").await.unwrap();
    let message = STANDARD.decode(message).unwrap();
    // The layout has tests of its own: here a wrapped key is found by the ARN in front of it.
    let field = |name: &[u8]| {
        let at = message.windows(name.len()).position(|window| window == name).unwrap();
        let rest = &message[at + name.len()..];
        let length = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
        &rest[2..2 + length]
    };
    let public_key = std::str::from_utf8(field(b"aws-crypto-public-key")).unwrap();
    let context =
        |pool_id: &str| json!({ "aws-crypto-public-key": public_key, "userpool-id": pool_id });
    let blob = STANDARD.encode(field(KEY.as_bytes()));
    let input = json!({
        "CiphertextBlob": blob, "KeyId": KEY, "EncryptionContext": context(&pool_id),
    });
    let output = ok(&stack, "Decrypt", input).await;
    assert_eq!(STANDARD.decode(text(&output["Plaintext"])).unwrap().len(), 32);
    let input = json!({ "CiphertextBlob": blob, "EncryptionContext": context("us-east-1_Other") });
    assert_eq!(refusal(&stack, "Decrypt", input).await.0, "InvalidCiphertextException");

    let plain_pool = stack.pool(json!({})).await;
    let pool = stack.ports.directory.user_pool(&plain_pool).await.unwrap().unwrap();
    let error = encrypt_code(&stack.ports, &pool, "123456").await.unwrap_err();
    assert_eq!(error.to_string(), "the user pool has no KMSKeyID");
}
