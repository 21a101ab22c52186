//! Whether the time of an answer tells who exists, where an app client hides it
//! (`PreventUserExistenceErrors`).

use serde_json::{Value, json};

use poolhouse_adapters::entropy::SystemEntropy;
use poolhouse_domain::srp::client::Client;

use crate::{
    Outcome,
    http::Connection,
    server::{Installation, Server},
    time::{millis, percentile},
    world::{ACTIVE, World, username},
};

/// The name in output and for `--only`.
pub(crate) const NAME: &str = "timing: known and unknown users";

/// What a stranger can ask about a name.
#[derive(Clone, Copy)]
enum Probe {
    WrongPassword,
    SrpStart,
    ForgotPassword,
    ResendConfirmationCode,
    Choice,
}

impl Probe {
    const ALL: [Self; 5] = [
        Self::WrongPassword,
        Self::SrpStart,
        Self::ForgotPassword,
        Self::ResendConfirmationCode,
        Self::Choice,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::WrongPassword => "wrong password",
            Self::SrpStart => "start of SRP",
            Self::ForgotPassword => "ForgotPassword",
            Self::ResendConfirmationCode => "ResendConfirmationCode",
            Self::Choice => "start of USER_AUTH",
        }
    }

    fn request(self, client_id: &str, name: &str) -> (&'static str, Value) {
        let by_name = json!({ "ClientId": client_id, "Username": name });
        let begin = |flow: &str, parameters: Value| json!({ "ClientId": client_id, "AuthFlow": flow, "AuthParameters": parameters });
        match self {
            Self::WrongPassword => {
                let parameters = json!({ "USERNAME": name, "PASSWORD": "Wrong-Horse-7" });
                ("InitiateAuth", begin("USER_PASSWORD_AUTH", parameters))
            }
            Self::SrpStart => {
                let srp_a = Client::new(&SystemEntropy).public_hex();
                let parameters = json!({ "USERNAME": name, "SRP_A": srp_a });
                ("InitiateAuth", begin("USER_SRP_AUTH", parameters))
            }
            Self::ForgotPassword => ("ForgotPassword", by_name),
            Self::ResendConfirmationCode => ("ResendConfirmationCode", by_name),
            Self::Choice => ("InitiateAuth", begin("USER_AUTH", json!({ "USERNAME": name }))),
        }
    }
}

/// Asks about users who exist and names that nobody has, in turn, each once (a wrong password counts).
/// Prints the medians, and how likely the answer about somebody takes longer than one about nobody: 0.5
/// would be for a stranger who can learn nothing.
pub(crate) async fn run(installation: &Installation, world: &World) -> Outcome {
    let server = Server::start(installation).await?;
    server.settle().await?;
    let mut connection = Connection::open(server.address()).await?;
    let client_id = hiding_client(&mut connection, &world.large.id).await?;
    println!(
        "\n| {NAME} | p50 ms known | p50 ms unknown | p90 known | p90 unknown | known slower |"
    );
    println!("|---|--:|--:|--:|--:|--:|");
    for probe in Probe::ALL {
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for number in 0..ACTIVE.min(world.users) {
            let name = username(number);
            // As long as a username that exists.
            let nobody = format!("none-{number:07}");
            known.push(ask(&mut connection, probe, &client_id, &name).await?);
            unknown.push(ask(&mut connection, probe, &client_id, &nobody).await?);
        }
        let slower = share_of_slower(&known, &unknown);
        known.sort_by(f64::total_cmp);
        unknown.sort_by(f64::total_cmp);
        println!(
            "| {} | {:.3} | {:.3} | {:.3} | {:.3} | {slower:.3} |",
            probe.name(),
            percentile(&known, 50),
            percentile(&unknown, 50),
            percentile(&known, 90),
            percentile(&unknown, 90),
        );
    }
    Ok(())
}

/// A client of the large pool that hides who exists.
async fn hiding_client(connection: &mut Connection, pool_id: &str) -> Outcome<String> {
    let input = json!({
        "UserPoolId": pool_id, "ClientName": "hiding", "PreventUserExistenceErrors": "ENABLED",
        "ExplicitAuthFlows": [
            "ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_USER_AUTH",
        ],
    });
    let answer = connection.call("CreateUserPoolClient", &input).await?;
    Ok(crate::http::text(&answer, "/UserPoolClient/ClientId")?.to_owned())
}

/// Milliseconds until the answer, whatever it says.
async fn ask(
    connection: &mut Connection,
    probe: Probe,
    client_id: &str,
    name: &str,
) -> Outcome<f64> {
    let (operation, input) = probe.request(client_id, name);
    connection.take_waited();
    // A wrong password is refused: that is the answer.
    let _ = connection.call(operation, &input).await;
    Ok(millis(connection.take_waited()))
}

/// Of all pairs, the share in which the first takes longer.
fn share_of_slower(these: &[f64], those: &[f64]) -> f64 {
    let wins = |one: &f64| {
        let wins = those.iter().filter(|other| one > *other).count();
        let draws = those.iter().filter(|other| one.total_cmp(other).is_eq()).count();
        wins * 2 + draws
    };
    let halves: usize = these.iter().map(wins).sum();
    let pairs = these.len() * those.len() * 2;
    let ratio = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    ratio(halves) / ratio(pairs.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_samples_win_half_of_the_time() {
        let even = share_of_slower(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]);
        assert!((even - 0.5).abs() < 1e-9);
        assert!((share_of_slower(&[2.0], &[1.0]) - 1.0).abs() < 1e-9);
        assert!(share_of_slower(&[1.0], &[2.0]).abs() < 1e-9);
    }
}
