//! Devices of users, for the tests of these operations: the client's side of their life.

use base64::{Engine, engine::general_purpose::STANDARD};
use poolhouse_domain::srp::{
    self, Party,
    client::{ChallengeParameters, Client, timestamp},
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::testing::{PASSWORD, Stack, merged, text};

/// `DeviceConfiguration`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Configuration {
    challenge_required_on_new_device: bool,
    device_only_remembered_on_user_prompt: bool,
}

/// Every confirmed device is remembered, and stands in for MFA.
pub(super) const ALWAYS: Configuration = Configuration {
    challenge_required_on_new_device: true,
    device_only_remembered_on_user_prompt: false,
};

/// The same, but users are asked.
pub(super) const OPT_IN: Configuration =
    Configuration { device_only_remembered_on_user_prompt: true, ..ALWAYS };

/// A pool that tracks devices, and a client of it.
pub(super) async fn tracking(stack: &Stack, configuration: Value) -> (String, String) {
    let pool = stack.pool(json!({ "DeviceConfiguration": configuration })).await;
    let client = stack.client(&pool, json!({})).await;
    (pool, client)
}

/// What a client keeps of a device.
pub(super) struct Phone {
    pub(super) key: String,
    pub(super) group_key: String,
    pub(super) password: String,
    srp: Client,
}

impl Phone {
    /// The device of a sign-in, with a password of its own.
    #[track_caller]
    pub(super) fn new(stack: &Stack, tokens: &Value) -> Self {
        let metadata = &tokens["NewDeviceMetadata"];
        let key = text(&metadata["DeviceKey"]);
        Self {
            password: format!("password of {key}"),
            key,
            group_key: text(&metadata["DeviceGroupKey"]),
            srp: Client::new(&*stack.ports.entropy),
        }
    }

    fn party(&self) -> Party<'_> {
        Party::device(&self.group_key, &self.key)
    }

    /// Input of `ConfirmDevice`.
    pub(super) fn confirmation(&self, tokens: &Value) -> Value {
        let salt = [0, 0xf0, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7];
        let verifier = srp::verifier(self.party(), &salt, &self.password);
        json!({
            "AccessToken": tokens["AccessToken"], "DeviceKey": self.key, "DeviceName": "phone",
            "DeviceSecretVerifierConfig": {
                "Salt": STANDARD.encode(salt),
                "PasswordVerifier": STANDARD.encode(srp::pad(&verifier)),
            },
        })
    }

    /// Input of `InitiateAuth` with the password, on this device.
    pub(super) fn sign_in(&self, client: &str, username: &str) -> Value {
        let parameters =
            json!({ "USERNAME": username, "PASSWORD": PASSWORD, "DEVICE_KEY": self.key });
        let flow = "USER_PASSWORD_AUTH";
        json!({ "ClientId": client, "AuthFlow": flow, "AuthParameters": parameters })
    }

    /// Input of `RespondToAuthChallenge` that answers `DEVICE_SRP_AUTH`.
    pub(super) fn answer(&self, client: &str, username: &str, session: &Value) -> Value {
        let responses = json!({
            "USERNAME": username, "DEVICE_KEY": self.key, "SRP_A": self.srp.public_hex(),
        });
        json!({
            "ClientId": client, "ChallengeName": "DEVICE_SRP_AUTH", "Session": session,
            "ChallengeResponses": responses,
        })
    }

    /// Input of `RespondToAuthChallenge` that answers `DEVICE_PASSWORD_VERIFIER`.
    pub(super) fn proof(&self, stack: &Stack, client: &str, challenge: &Value) -> Value {
        let given = &challenge["ChallengeParameters"];
        let parameters = ChallengeParameters {
            salt: &text(&given["SALT"]),
            srp_b: &text(&given["SRP_B"]),
            secret_block: &text(&given["SECRET_BLOCK"]),
        };
        let timestamp = timestamp(stack.ports.clock.now()).unwrap();
        let signature = self.srp.sign(self.party(), &self.password, &parameters, &timestamp);
        let responses = json!({
            "USERNAME": given["USERNAME"], "DEVICE_KEY": self.key, "TIMESTAMP": timestamp,
            "PASSWORD_CLAIM_SECRET_BLOCK": given["SECRET_BLOCK"],
            "PASSWORD_CLAIM_SIGNATURE": signature.unwrap(),
        });
        json!({
            "ClientId": client, "ChallengeName": "DEVICE_PASSWORD_VERIFIER",
            "ChallengeResponses": responses,
        })
    }

    /// Goes from the `DEVICE_SRP_AUTH` challenge to tokens.
    pub(super) async fn prove(
        &self,
        stack: &Stack,
        client: &str,
        username: &str,
        asked: &Value,
    ) -> Value {
        assert_eq!(asked["ChallengeName"], "DEVICE_SRP_AUTH", "{asked}");
        let input = self.answer(client, username, &asked["Session"]);
        let challenge = stack.ok("RespondToAuthChallenge", input).await;
        let proof = self.proof(stack, client, &challenge);
        stack.ok("RespondToAuthChallenge", proof).await["AuthenticationResult"].take()
    }
}

/// Signs a user in on a new device, and confirms it. Answers the device and the tokens.
pub(super) async fn confirmed(stack: &Stack, client: &str, username: &str) -> (Phone, Value) {
    let tokens = stack.tokens(client, username).await;
    let phone = Phone::new(stack, &tokens);
    stack.ok("ConfirmDevice", phone.confirmation(&tokens)).await;
    (phone, tokens)
}

/// The keys of a list of devices.
pub(super) fn names(answer: &Value) -> Vec<String> {
    let devices = answer["Devices"].as_array().expect("a list of devices");
    devices.iter().map(|device| text(&device["DeviceKey"])).collect()
}

/// Every page of a list: the keys of its devices.
pub(super) async fn pages(stack: &Stack, operation: &str, input: Value) -> Vec<Vec<String>> {
    let (mut pages, mut token) = (Vec::new(), Value::Null);
    loop {
        let input = merged(input.clone(), json!({ "PaginationToken": token }));
        let mut answer = stack.ok(operation, input).await;
        pages.push(names(&answer));
        token = answer["PaginationToken"].take();
        if token.is_null() {
            return pages;
        }
    }
}

/// `dev:device_remembered_status` of a device that is shown in full.
#[track_caller]
pub(super) fn remembered_status(device: &Value) -> String {
    let attributes = device["DeviceAttributes"].as_array().expect("attributes");
    let found = attributes.iter().find(|a| a["Name"] == "dev:device_remembered_status");
    text(&found.expect("a remembered status")["Value"])
}
