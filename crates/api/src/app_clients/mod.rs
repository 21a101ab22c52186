//! Operations on app clients: making, changing, listing and deleting them, and their secrets.

mod add_user_pool_client_secret;
mod create_user_pool_client;
mod delete_user_pool_client;
mod delete_user_pool_client_secret;
mod describe_user_pool_client;
mod list_user_pool_client_secrets;
mod list_user_pool_clients;
mod update_user_pool_client;

use poolhouse_domain::{
    app_clients::{AppClient, ClientSecret, secrets::SecretsRefused, settings::ClientRefused},
    ports::Transaction,
    shapes::{ClientSecretDescriptorType, UserPoolClientType},
    user_pools::UserPool,
};
use poolhouse_wire::{Permits, codes};

use crate::{
    failure::{Failure, Unanswered, invalid_parameter, unavailable_in_tier},
    lookup::{no_app_client, no_user_pool},
};

/// A client as the answers show it, with its oldest secret. (Which of two is shown is a belief.)
fn described(client: &AppClient) -> UserPoolClientType {
    let secret = client.secrets.first().map(|secret| secret.value.clone().into());
    UserPoolClientType { client_secret: secret, ..client.settings.clone() }
}

/// A client, and the pool with it, as stored now.
pub(crate) async fn find<Op>(
    tx: &mut dyn Transaction,
    user_pool_id: &str,
    client_id: &str,
) -> Result<(AppClient, UserPool), Unanswered<Op>>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    let pool = tx.user_pool(user_pool_id).await?.ok_or_else(|| no_user_pool(user_pool_id))?;
    let client = tx.app_client(client_id).await?;
    let client = client.filter(|client| client.user_pool_id() == user_pool_id);
    Ok((client.ok_or_else(|| no_app_client(client_id))?, pool))
}

/// What is said of settings that can't be had.
///
/// That flows of the OAuth endpoints have a type of their own here is on record for a missing callback
/// URL (<https://github.com/cisagov/crossfeed/issues/440>); for the others it is a belief.
fn client_refused<Op>(refused: &ClientRefused) -> Failure<Op>
where
    Op: Permits<codes::InvalidParameterException>
        + Permits<codes::InvalidOAuthFlowException>
        + Permits<codes::ScopeDoesNotExistException>
        + Permits<codes::FeatureUnavailableInTierException>,
{
    use ClientRefused as R;
    let message = refused.to_string();
    match refused {
        R::NoCallback
        | R::CredentialsFlowMixed
        | R::CredentialsFlowWithoutSecret
        | R::CredentialsFlowScope(_) => Failure::new(codes::InvalidOAuthFlowException, message),
        R::UnknownScope(_) => Failure::new(codes::ScopeDoesNotExistException, message),
        R::Tier(refused) => unavailable_in_tier(refused),
        _ => invalid_parameter(message),
    }
}

/// What is shown of a secret, without its value.
fn secret_descriptor(secret: &ClientSecret) -> ClientSecretDescriptorType {
    ClientSecretDescriptorType {
        client_secret_id: Some(secret.id.clone()),
        client_secret_value: None,
        client_secret_create_date: Some(secret.created_at.to_wire()),
    }
}

/// What is said of secrets that stay as they are.
fn secrets_refused<Op>(refused: &SecretsRefused) -> Failure<Op>
where
    Op: Permits<codes::InvalidParameterException>
        + Permits<codes::LimitExceededException>
        + Permits<codes::ResourceNotFoundException>,
{
    let message = refused.to_string();
    match refused {
        SecretsRefused::TooMany => Failure::new(codes::LimitExceededException, message),
        SecretsRefused::Unknown(_) => Failure::new(codes::ResourceNotFoundException, message),
        SecretsRefused::Public(_) | SecretsRefused::Registered(_) | SecretsRefused::Last => {
            invalid_parameter(message)
        }
    }
}
