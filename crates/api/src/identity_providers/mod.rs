//! Operations on identity providers, on the certificate that they know us by, and on the links
//! between their accounts and users.

mod admin_disable_provider_for_user;
mod admin_link_provider_for_user;
mod create_identity_provider;
mod delete_identity_provider;
mod describe_identity_provider;
mod get_identity_provider_by_identifier;
mod get_signing_certificate;
mod list_identity_providers;
#[cfg(test)]
mod testing;
mod update_identity_provider;

use poolhouse_domain::{
    identity_providers::{IdentityProvider, ProviderRefused, links::LinkRefused},
    shapes::IdentityProviderType,
};
use poolhouse_wire::{Permits, codes};

use crate::failure::{Failure, invalid_parameter, user_not_found};

/// The error for an unknown provider. Whoever changes one is told so in these words; who reads one has
/// others. (For deletions a belief.)
fn not_in_pool<Op>(name: &str, user_pool_id: &str) -> Failure<Op>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    let message = format!("Identity provider {name} in User Pool {user_pool_id} does not exist.");
    Failure::new(codes::ResourceNotFoundException, message)
}

/// The same for identifiers and for links. (The text is another implementation's.)
fn not_found<Op>(name: &str) -> Failure<Op>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    let message = format!("Identity provider {name} does not exist.");
    Failure::new(codes::ResourceNotFoundException, message)
}

/// A provider as the operation answers it that has just stored it: with its identifiers only if the
/// request named some, be it none. So it was measured (<https://github.com/floci-io/floci>).
fn stored(provider: &IdentityProvider, named_identifiers: bool) -> IdentityProviderType {
    let mut shown = provider.described();
    shown.idp_identifiers = shown.idp_identifiers.filter(|_| named_identifiers);
    shown
}

/// What is said of settings that can't be had.
fn settings_refused<Op>(refused: &ProviderRefused) -> Failure<Op>
where
    Op: Permits<codes::InvalidParameterException>,
{
    invalid_parameter(refused.to_string())
}

/// What is said of a link that can be neither made nor removed, with the codes that both operations
/// have.
fn link_refused<Op>(refused: &LinkRefused) -> Failure<Op>
where
    Op: Permits<codes::InvalidParameterException>
        + Permits<codes::ResourceNotFoundException>
        + Permits<codes::UserNotFoundException>
        + Permits<codes::AliasExistsException>,
{
    match refused {
        LinkRefused::NoProvider(name) => not_found(name),
        LinkRefused::NoUser => user_not_found(),
        LinkRefused::LinkedToAnother => {
            Failure::new(codes::AliasExistsException, refused.to_string())
        }
        _ => invalid_parameter(refused.to_string()),
    }
}
