//! Sign-ins on remembered devices: a pool whose users have one each, and their proofs.

use std::net::SocketAddr;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use poolhouse_adapters::{clock::SystemClock, entropy::SystemEntropy};
use poolhouse_domain::{
    ports::Clock,
    srp::{
        self, Party,
        client::{ChallengeParameters, Client, timestamp},
    },
};
use serde_json::{Value, json};

use crate::{
    Outcome,
    http::{Connection, text},
    world::{PASSWORD, Pool, add_user, create_pool, username},
};

/// Users of the pool.
const USERS: u32 = 64;
/// The password that a device has of its own.
const DEVICE_PASSWORD: &str = "what the device keeps";

/// A pool that remembers every device, and the devices of its users.
pub(crate) struct Devices {
    pool: Pool,
    devices: Vec<Device>,
}

struct Device {
    username: String,
    key: String,
    group_key: String,
}

impl Device {
    fn party(&self) -> Party<'_> {
        Party::device(&self.group_key, &self.key)
    }
}

impl Devices {
    /// Makes the pool, and a remembered device for each user.
    pub(crate) async fn create(address: SocketAddr) -> Outcome<Self> {
        let mut connection = Connection::open(address).await?;
        let always = json!({
            "DeviceConfiguration": {
                "ChallengeRequiredOnNewDevice": false, "DeviceOnlyRememberedOnUserPrompt": false,
            },
        });
        let pool = create_pool(&mut connection, "devices", &always, &json!({})).await?;
        let mut devices = Vec::new();
        for number in 0..USERS {
            let name = username(number);
            add_user(&mut connection, &pool, &name).await?;
            let answer = connection.call("InitiateAuth", &sign_in(&pool, &name, None)).await?;
            let metadata = "/AuthenticationResult/NewDeviceMetadata";
            let device = Device {
                username: name,
                key: text(&answer, &format!("{metadata}/DeviceKey"))?.to_owned(),
                group_key: text(&answer, &format!("{metadata}/DeviceGroupKey"))?.to_owned(),
            };
            confirm(&mut connection, &device, &answer).await?;
            devices.push(device);
        }
        Ok(Self { pool, devices })
    }

    /// Signs somebody in, password first, then the device.
    pub(crate) async fn sign_in(&self, connection: &mut Connection, draw: u32) -> Outcome {
        let index = usize::try_from(draw)? % self.devices.len().max(1);
        let device = self.devices.get(index).ok_or("there are no devices")?;
        let (pool, name) = (&self.pool, &device.username);
        let asked =
            connection.call("InitiateAuth", &sign_in(pool, name, Some(&device.key))).await?;
        let client = Client::new(&SystemEntropy);
        let input = json!({
            "ClientId": pool.client_id, "ChallengeName": text(&asked, "/ChallengeName")?,
            "Session": text(&asked, "/Session")?,
            "ChallengeResponses": {
                "USERNAME": name, "DEVICE_KEY": device.key, "SRP_A": client.public_hex(),
            },
        });
        let challenge = connection.call("RespondToAuthChallenge", &input).await?;
        let parameters = ChallengeParameters {
            salt: text(&challenge, "/ChallengeParameters/SALT")?,
            srp_b: text(&challenge, "/ChallengeParameters/SRP_B")?,
            secret_block: text(&challenge, "/ChallengeParameters/SECRET_BLOCK")?,
        };
        let now = timestamp(SystemClock.now()).ok_or("the year has five digits")?;
        let signature = client.sign(device.party(), DEVICE_PASSWORD, &parameters, &now);
        let input = json!({
            "ClientId": pool.client_id, "ChallengeName": text(&challenge, "/ChallengeName")?,
            "Session": text(&challenge, "/Session")?,
            "ChallengeResponses": {
                "USERNAME": name, "DEVICE_KEY": device.key, "TIMESTAMP": now,
                "PASSWORD_CLAIM_SECRET_BLOCK": parameters.secret_block,
                "PASSWORD_CLAIM_SIGNATURE": signature.ok_or("a challenge can't be read")?,
            },
        });
        let answer = connection.call("RespondToAuthChallenge", &input).await?;
        text(&answer, "/AuthenticationResult/AccessToken").map(drop)
    }
}

fn sign_in(pool: &Pool, name: &str, device_key: Option<&str>) -> Value {
    let mut parameters = json!({ "USERNAME": name, "PASSWORD": PASSWORD });
    if let (Some(key), Some(members)) = (device_key, parameters.as_object_mut()) {
        members.insert("DEVICE_KEY".to_owned(), key.into());
    }
    json!({
        "ClientId": pool.client_id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters,
    })
}

async fn confirm(connection: &mut Connection, device: &Device, tokens: &Value) -> Outcome {
    let salt = [7; 16];
    let verifier = srp::verifier(device.party(), &salt, DEVICE_PASSWORD);
    let input = json!({
        "AccessToken": text(tokens, "/AuthenticationResult/AccessToken")?,
        "DeviceKey": device.key,
        "DeviceSecretVerifierConfig": {
            "Salt": STANDARD.encode(salt),
            "PasswordVerifier": STANDARD.encode(srp::pad(&verifier)),
        },
    });
    connection.call("ConfirmDevice", &input).await.map(drop)
}
