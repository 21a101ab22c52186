//! The start of a sign-in: which flow, and may this client use it.

use super::{
    Missing, Outcome, Parameters, Place, check_secret_hash, choice, custom,
    first_factor::{self, SignInRefused},
    required,
    session::SessionRefused,
    srp as srp_flow,
    step_up::LevelsRefused,
};
use crate::{
    app_clients::AppClient,
    fault::Ruling,
    granted,
    secret_hash::SecretHashRefused,
    shapes::{AuthFlowType, ExplicitAuthFlowsType as Flow},
    srp::PublicKey,
    tokens::refresh::{self, RefreshRefused},
    triggers::TriggerFailed,
};

/// Why a sign-in can't start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartRefused {
    /// The client's settings don't allow the flow.
    FlowNotEnabled(AuthFlowType),
    /// The operation does not take the flow.
    WrongOperation,
    /// The flow needs triggers that the pool lacks.
    NoCustomAuthTrigger,
    /// `PREFERRED_CHALLENGE` names none.
    UnknownPreference,
    /// The session of a sign-up is not accepted.
    Session(SessionRefused),
    /// A parameter is missing.
    Missing(Missing),
    /// `SRP_A` is no number.
    BadSrpA,
    /// The secret hash is missing or wrong.
    SecretHash(SecretHashRefused),
    /// The client rotates refresh tokens, which this operation can't.
    RotationOn,
    /// The secret hash is not over the refresh token's user.
    RefreshSecretHash,
    /// The refresh token is not accepted.
    Refresh(RefreshRefused),
    /// What is said of levels doesn't do.
    Levels(LevelsRefused),
    /// The user can't sign in.
    SignIn(SignInRefused),
}

impl From<Missing> for StartRefused {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

impl From<SecretHashRefused> for StartRefused {
    fn from(refused: SecretHashRefused) -> Self {
        Self::SecretHash(refused)
    }
}

impl From<SignInRefused> for StartRefused {
    fn from(refused: SignInRefused) -> Self {
        Self::SignIn(refused)
    }
}

impl From<SessionRefused> for StartRefused {
    fn from(refused: SessionRefused) -> Self {
        Self::Session(refused)
    }
}

impl From<TriggerFailed> for StartRefused {
    fn from(failed: TriggerFailed) -> Self {
        Self::SignIn(failed.into())
    }
}

impl From<LevelsRefused> for StartRefused {
    fn from(refused: LevelsRefused) -> Self {
        Self::Levels(refused)
    }
}

impl From<RefreshRefused> for StartRefused {
    fn from(refused: RefreshRefused) -> Self {
        Self::Refresh(refused)
    }
}

/// Who starts a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starter {
    /// Anybody, by `InitiateAuth`.
    Public,
    /// An administrator, by `AdminInitiateAuth`.
    Administrator,
}

/// Starts a sign-in.
///
/// The order of the checks decides which error wins: flow, parameters, secret hash, user, state,
/// lock, password.
pub async fn start(
    place: Place<'_>,
    starter: Starter,
    flow: AuthFlowType,
    parameters: &Parameters,
) -> Ruling<Outcome, StartRefused> {
    granted!(check_flow(place.client, starter, flow));
    let place = place.on_device_of(parameters);
    match flow {
        AuthFlowType::RefreshTokenAuth | AuthFlowType::RefreshToken => {
            by_refresh_token(place, parameters).await
        }
        AuthFlowType::UserSrpAuth => by_srp(place, parameters).await,
        AuthFlowType::UserPasswordAuth
        | AuthFlowType::AdminUserPasswordAuth
        | AuthFlowType::AdminNoSrpAuth => by_password(place, parameters).await,
        AuthFlowType::CustomAuth => custom::start(place, parameters).await,
        AuthFlowType::UserAuth => choice::start(place, parameters).await,
    }
}

/// Whether the operation takes the flow and the client's settings allow it.
pub(super) fn check_flow(
    client: &AppClient,
    starter: Starter,
    flow: AuthFlowType,
) -> Result<(), StartRefused> {
    let is_admin_flow =
        matches!(flow, AuthFlowType::AdminUserPasswordAuth | AuthFlowType::AdminNoSrpAuth);
    let is_public_flow = flow == AuthFlowType::UserPasswordAuth;
    match starter {
        Starter::Public if is_admin_flow => return Err(StartRefused::WrongOperation),
        Starter::Administrator if is_public_flow => return Err(StartRefused::WrongOperation),
        _ => {}
    }
    if allows(client, flow) { Ok(()) } else { Err(StartRefused::FlowNotEnabled(flow)) }
}

/// Whether the client's `ExplicitAuthFlows` allow a flow.
///
/// An empty list stands for SRP, custom and refresh. A list of the legacy values leaves refresh and
/// SRP on, unless it allows custom flows only.
fn allows(client: &AppClient, flow: AuthFlowType) -> bool {
    let is_legacy = client.explicit_flows().iter().all(|f| !f.as_str().starts_with("ALLOW_"));
    let custom_only = client.lists_flow(&[Flow::CustomAuthFlowOnly]);
    match flow {
        AuthFlowType::UserSrpAuth => {
            (is_legacy && !custom_only) || client.lists_flow(&[Flow::AllowUserSrpAuth])
        }
        AuthFlowType::RefreshTokenAuth | AuthFlowType::RefreshToken => {
            is_legacy
                || client.lists_flow(&[Flow::AllowRefreshTokenAuth])
                || client.rotates_refresh_tokens()
        }
        AuthFlowType::CustomAuth => {
            client.explicit_flows().is_empty()
                || client.lists_flow(&[Flow::AllowCustomAuth, Flow::CustomAuthFlowOnly])
        }
        AuthFlowType::UserPasswordAuth => {
            !custom_only
                && client.lists_flow(&[Flow::AllowUserPasswordAuth, Flow::UserPasswordAuth])
        }
        AuthFlowType::AdminUserPasswordAuth | AuthFlowType::AdminNoSrpAuth => {
            !custom_only
                && client.lists_flow(&[Flow::AllowAdminUserPasswordAuth, Flow::AdminNoSrpAuth])
        }
        AuthFlowType::UserAuth => client.lists_flow(&[Flow::AllowUserAuth]),
    }
}

async fn by_password(place: Place<'_>, parameters: &Parameters) -> Ruling<Outcome, StartRefused> {
    let login = granted!(required(parameters, "USERNAME"));
    let password = granted!(required(parameters, "PASSWORD"));
    granted!(check_secret_hash(place.client, &[login], parameters));
    Ok(first_factor::with_password(place, login, password).await?.map_err(Into::into))
}

async fn by_srp(place: Place<'_>, parameters: &Parameters) -> Ruling<Outcome, StartRefused> {
    let login = granted!(required(parameters, "USERNAME"));
    let srp_a = granted!(required(parameters, "SRP_A"));
    let Ok(srp_a) = PublicKey::from_hex(srp_a) else { return Ok(Err(StartRefused::BadSrpA)) };
    granted!(check_secret_hash(place.client, &[login], parameters));
    let announced = first_factor::announced(place, login, first_factor::check_state).await?;
    let user = granted!(announced);
    let challenge = srp_flow::challenge(place, login, user.as_ref(), srp_a).await?;
    Ok(Ok(Outcome::Challenged(challenge)))
}

async fn by_refresh_token(
    place: Place<'_>,
    parameters: &Parameters,
) -> Ruling<Outcome, StartRefused> {
    let token = granted!(required(parameters, "REFRESH_TOKEN"));
    if place.client.rotates_refresh_tokens() {
        return Ok(Err(StartRefused::RotationOn));
    }
    if !place.client.secrets.is_empty() {
        if !parameters.contains_key("SECRET_HASH") {
            return Ok(Err(SecretHashRefused::Missing.into()));
        }
        let now = place.ports.clock.now();
        let (_, user) = granted!(
            refresh::accept(place.ports, place.client, token, place.device_key, now).await?
        );
        let names = [user.username.as_str(), user.sub.as_str()];
        match check_secret_hash(place.client, &names, parameters) {
            Err(SecretHashRefused::Wrong) => return Ok(Err(StartRefused::RefreshSecretHash)),
            checked => granted!(checked),
        }
    }
    let tokens =
        granted!(refresh::refresh(place.ports, place.client, token, place.device_key).await?);
    Ok(Ok(Outcome::SignedIn(tokens)))
}
