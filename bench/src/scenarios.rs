//! The scenarios: what one operation of each does, and what it must at least compute.

use poolhouse_adapters::{clock::SystemClock, entropy::SystemEntropy};
use poolhouse_domain::{
    ports::Clock,
    srp::{
        Party,
        client::{ChallengeParameters, Client, timestamp},
    },
    totp::code::current_code,
};
use serde_json::{Value, json};

use crate::{
    Outcome,
    ceilings::Ceilings,
    http::{Connection, text},
    listings::Listing,
    oauth,
    world::{PASSWORD, World, email, password_sign_in, username},
};

/// A kind of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    PasswordSignIn,
    SrpSignIn,
    TotpSignIn,
    DeviceSignIn,
    PasskeySignIn,
    Refresh,
    GetUser,
    SignUp,
    AdminGetUser,
    ListUsersByEmail,
    List(Listing),
    OAuth(oauth::Request),
}

/// Whether a scenario can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// One more operation was done.
    Done,
    /// Everything that the scenario needs is used up.
    Exhausted,
}

impl Scenario {
    /// Every scenario.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let others = [
            Self::PasswordSignIn,
            Self::SrpSignIn,
            Self::TotpSignIn,
            Self::DeviceSignIn,
            Self::PasskeySignIn,
            Self::Refresh,
            Self::GetUser,
            Self::SignUp,
            Self::AdminGetUser,
            Self::ListUsersByEmail,
        ];
        let others = others.into_iter().chain(oauth::Request::ALL.map(Self::OAuth));
        others.chain(Listing::ALL.map(Self::List))
    }

    /// The name in tables and for `--only`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::PasswordSignIn => "password sign-in",
            Self::SrpSignIn => "SRP sign-in",
            Self::TotpSignIn => "TOTP sign-in",
            Self::DeviceSignIn => "device sign-in",
            Self::PasskeySignIn => "passkey sign-in",
            Self::Refresh => "refresh",
            Self::GetUser => "GetUser",
            Self::SignUp => "SignUp",
            Self::AdminGetUser => "AdminGetUser",
            Self::ListUsersByEmail => "ListUsers by e-mail",
            Self::List(listing) => listing.name(),
            Self::OAuth(request) => request.name(),
        }
    }

    /// CPU milliseconds of the cryptography in one operation, for those that have any.
    pub(crate) fn ceiling(self, costs: &Ceilings) -> Option<f64> {
        let tokens = 2.0 * costs.sign;
        match self {
            // The verifier of the given password is computed again and compared.
            Self::PasswordSignIn | Self::TotpSignIn => Some(costs.power_of_g + tokens),
            // B = k·v + g^b, then S = (A·v^u)^b. That u is public is used.
            Self::SrpSignIn => Some(costs.power_of_g + costs.power_public + costs.power + tokens),
            // The password, then SRP with the device's verifier.
            Self::DeviceSignIn => {
                Some(2.0 * costs.power_of_g + costs.power_public + costs.power + tokens)
            }
            Self::PasskeySignIn => Some(costs.verify_p256 + tokens),
            Self::Refresh => Some(tokens),
            Self::GetUser => Some(costs.verify),
            Self::SignUp => Some(costs.power_of_g),
            Self::OAuth(request) => match request {
                oauth::Request::SignIn => Some(costs.power_of_g + tokens),
                oauth::Request::Refresh => Some(tokens),
                oauth::Request::ClientCredentials => Some(costs.sign),
                oauth::Request::UserInfo => Some(costs.verify),
                _ => None,
            },
            Self::AdminGetUser | Self::ListUsersByEmail | Self::List(_) => None,
        }
    }

    /// Does the operation once. `number` counts the operations of a run, beginning anew with each.
    pub(crate) async fn step(
        self,
        connection: &mut Connection,
        world: &World,
        run: u32,
        number: u32,
    ) -> Outcome<Step> {
        let draw = scattered(number);
        match self {
            Self::PasswordSignIn => {
                let input = password_sign_in(&world.large, world.active_user(draw));
                let answer = connection.call("InitiateAuth", &input).await?;
                has_tokens(&answer)?;
            }
            Self::SrpSignIn => srp_sign_in(connection, world, world.active_user(draw)).await?,
            Self::TotpSignIn => return totp_sign_in(connection, world).await,
            Self::DeviceSignIn => {
                let devices = world.devices.as_ref().ok_or("there are no devices")?;
                devices.sign_in(connection, draw).await?;
            }
            Self::PasskeySignIn => {
                let passkeys = world.passkeys.as_ref().ok_or("there are no passkeys")?;
                passkeys.sign_in(connection, draw).await?;
            }
            Self::Refresh => refresh(connection, world, draw).await?,
            Self::GetUser => {
                let input = json!({ "AccessToken": world.some_tokens(draw)?.access });
                text(&connection.call("GetUser", &input).await?, "/Username")?;
            }
            Self::SignUp => sign_up(connection, world, run, number).await?,
            Self::AdminGetUser => {
                let name = username(world.any_user(draw));
                let input = json!({ "UserPoolId": world.large.id, "Username": name });
                text(&connection.call("AdminGetUser", &input).await?, "/Username")?;
            }
            Self::ListUsersByEmail => list_users(connection, world, draw).await?,
            Self::OAuth(request) => {
                let site = world.site.as_ref().ok_or("there is no domain")?;
                site.ask(connection, request, draw).await?;
            }
            Self::List(listing) => listing.fetch(connection, world, draw).await?,
        }
        Ok(Step::Done)
    }
}

/// Numbers that follow each other come out far apart, so that caches see what they see in life.
const fn scattered(number: u32) -> u32 {
    number.wrapping_mul(2_654_435_761).rotate_right(7)
}

fn has_tokens(answer: &Value) -> Outcome {
    text(answer, "/AuthenticationResult/AccessToken").map(drop)
}

async fn srp_sign_in(connection: &mut Connection, world: &World, user: u32) -> Outcome {
    let (pool, name) = (&world.large, username(user));
    let client = Client::new(&SystemEntropy);
    let input = json!({
        "ClientId": pool.client_id,
        "AuthFlow": "USER_SRP_AUTH",
        "AuthParameters": { "USERNAME": name, "SRP_A": client.public_hex() },
    });
    let challenge = connection.call("InitiateAuth", &input).await?;
    let parameters = ChallengeParameters {
        salt: text(&challenge, "/ChallengeParameters/SALT")?,
        srp_b: text(&challenge, "/ChallengeParameters/SRP_B")?,
        secret_block: text(&challenge, "/ChallengeParameters/SECRET_BLOCK")?,
    };
    let timestamp = timestamp(SystemClock.now()).ok_or("the year has five digits")?;
    let signature = client.sign(Party::user(&pool.id, &name), PASSWORD, &parameters, &timestamp);
    let input = json!({
        "ClientId": pool.client_id,
        "ChallengeName": "PASSWORD_VERIFIER",
        "ChallengeResponses": {
            "USERNAME": name,
            "PASSWORD_CLAIM_SECRET_BLOCK": parameters.secret_block,
            "PASSWORD_CLAIM_SIGNATURE": signature.ok_or("an SRP challenge can't be read")?,
            "TIMESTAMP": timestamp,
        },
    });
    has_tokens(&connection.call("RespondToAuthChallenge", &input).await?)
}

async fn totp_sign_in(connection: &mut Connection, world: &World) -> Outcome<Step> {
    let Some((user, secret)) = world.next_totp_user() else {
        return Ok(Step::Exhausted);
    };
    let input = password_sign_in(&world.mfa, user);
    let challenge = connection.call("InitiateAuth", &input).await?;
    let input = json!({
        "ClientId": world.mfa.client_id,
        "ChallengeName": "SOFTWARE_TOKEN_MFA",
        "Session": text(&challenge, "/Session")?,
        "ChallengeResponses": {
            "USERNAME": username(user),
            "SOFTWARE_TOKEN_MFA_CODE": current_code(secret, SystemClock.now()),
        },
    });
    has_tokens(&connection.call("RespondToAuthChallenge", &input).await?)?;
    Ok(Step::Done)
}

async fn refresh(connection: &mut Connection, world: &World, draw: u32) -> Outcome {
    let input = json!({
        "ClientId": world.large.client_id,
        "AuthFlow": "REFRESH_TOKEN_AUTH",
        "AuthParameters": { "REFRESH_TOKEN": world.some_tokens(draw)?.refresh },
    });
    has_tokens(&connection.call("InitiateAuth", &input).await?)
}

async fn sign_up(connection: &mut Connection, world: &World, run: u32, number: u32) -> Outcome {
    let name = format!("new-{run}-{number}");
    let input = json!({
        "ClientId": world.large.client_id,
        "Username": name,
        "Password": PASSWORD,
        "UserAttributes": [{ "Name": "email", "Value": format!("{name}@example.com") }],
    });
    text(&connection.call("SignUp", &input).await?, "/UserSub").map(drop)
}

async fn list_users(connection: &mut Connection, world: &World, draw: u32) -> Outcome {
    let address = email(world.any_user(draw));
    let filter = format!("email = \"{address}\"");
    let input = json!({ "UserPoolId": world.large.id, "Filter": filter });
    let answer = connection.call("ListUsers", &input).await?;
    text(&answer, "/Users/0/Username").map(drop)
}
