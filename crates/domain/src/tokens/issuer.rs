//! The `iss` of tokens: by default under the address of this server, where clients find keys by it; if
//! the operator wants so, the service's, for code in which that is fixed.
//!
//! Whatever it is, keys and discovery are served at the address of this server, and a token is known
//! by the key that signed it. So a change of the setting, or of a pool's `IssuerConfiguration`, ends no
//! sign-in. (That it doesn't at the service is a belief.)

use crate::{
    fault::Fault,
    ports::{Identity, Ports},
    shapes::IssuerType,
    user_pools::UserPool,
};

/// What issuers begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Issuers {
    /// The address of this server.
    #[default]
    Own,
    /// The address of the service in the region of the pool.
    Service,
}

/// The issuer of a pool's tokens.
pub fn of(identity: &Identity, pool: &UserPool) -> String {
    let kind = pool.settings.issuer_configuration.as_ref().and_then(|config| config.type_);
    let id = pool.id();
    match identity.issuers {
        Issuers::Own => identity.user_pool_url(id),
        Issuers::Service => of_service(id, kind.unwrap_or(IssuerType::Original)),
    }
}

/// The issuer of tokens of the pool with this id. One that was deleted meanwhile still needs a text.
pub(super) async fn of_id(ports: &Ports, user_pool_id: &str) -> Result<String, Fault> {
    let pool = ports.directory.user_pool(user_pool_id).await?;
    let gone = || ports.identity.user_pool_url(user_pool_id);
    Ok(pool.map_or_else(gone, |pool| of(&ports.identity, &pool)))
}

/// The id of the pool of which this is an issuer, in any form that one of its tokens may have had.
pub(super) fn user_pool_id<'a>(identity: &Identity, issuer: &'a str) -> Option<&'a str> {
    let (_, id) = issuer.rsplit_once('/')?;
    let is_of_service = |kind| of_service(id, kind) == issuer;
    let is_ours = identity.user_pool_url(id) == issuer
        || [IssuerType::Original, IssuerType::Updated].into_iter().any(is_of_service);
    is_ours.then_some(id)
}

/// The issuer that the service has for a pool with this id. Its region is that of the id, because
/// libraries make it from that.
fn of_service(user_pool_id: &str, kind: IssuerType) -> String {
    let (region, _) = user_pool_id.split_once('_').unwrap_or_default();
    format!("https://{}/{user_pool_id}", host_of_service(region, kind))
}

/// The name under which the service has keys and discovery.
pub(crate) fn host_of_service(region: &str, kind: IssuerType) -> String {
    let prefix = match kind {
        IssuerType::Original => "",
        IssuerType::Updated => "issuer-",
    };
    format!("{prefix}cognito-idp.{region}.amazonaws.com")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::{IssuerConfigurationType, UserPoolType};

    const POOL: &str = "eu-west-1_AbC123";

    fn identity(issuers: Issuers) -> Identity {
        Identity {
            region: "eu-west-1".to_owned(),
            account_id: String::new(),
            issuer_base: "https://id.example.com/base".to_owned(),
            issuers,
            domain_suffix: None,
        }
    }

    fn issuer(issuers: Issuers, kind: Option<IssuerType>) -> String {
        let settings = UserPoolType {
            id: Some(POOL.to_owned()),
            issuer_configuration: Some(IssuerConfigurationType { type_: kind }),
            ..UserPoolType::default()
        };
        of(&identity(issuers), &UserPool { settings, ..UserPool::default() })
    }

    #[test]
    fn an_issuer_is_an_address_of_this_server_or_one_of_the_services_two() {
        let original = format!("https://cognito-idp.eu-west-1.amazonaws.com/{POOL}");
        let updated = format!("https://issuer-cognito-idp.eu-west-1.amazonaws.com/{POOL}");
        for (kind, of_service) in [
            (None, &original),
            (Some(IssuerType::Original), &original),
            (Some(IssuerType::Updated), &updated),
        ] {
            let own = format!("https://id.example.com/base/{POOL}");
            assert_eq!(issuer(Issuers::Own, kind), own);
            assert_eq!(&issuer(Issuers::Service, kind), of_service);
            for issuers in [Issuers::Own, Issuers::Service] {
                assert_eq!(user_pool_id(&identity(issuers), &own), Some(POOL));
                assert_eq!(user_pool_id(&identity(issuers), of_service), Some(POOL));
            }
        }
    }

    #[test]
    fn an_issuer_that_only_looks_alike_is_nobodys() {
        for other in [
            "",
            POOL,
            "https://id.example.com/eu-west-1_AbC123",
            "https://id.example.com/base/eu-west-1_AbC123/",
            "https://id.example.com/base//eu-west-1_AbC123x/y",
            "http://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC123",
            "https://cognito-idp.us-east-1.amazonaws.com/eu-west-1_AbC123",
            "https://cognito-idp..amazonaws.com/AbC123x",
        ] {
            let found = user_pool_id(&identity(Issuers::Own), other);
            assert!(found.is_none_or(|id| id != POOL), "{other}");
        }
    }
}
