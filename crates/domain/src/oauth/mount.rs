//! Where the endpoints of a domain are: under a name of their own, or under a path of the server's.
//!
//! | a request to | is for |
//! |---|---|
//! | the name of a custom domain | that domain |
//! | `{prefix}.{suffix}` | the prefix domain, where the operator has set a suffix |
//! | `{prefix}.auth.localhost` | the same on a developer's machine |
//! | `{prefix}.auth.{region}.amazoncognito.com` | the same for clients whose names are redirected |
//! | any other name, and the issuer's in any case, path `/{domain or pool id}/…` | that domain, or the pool's |
//!
//! The last row is for clients that can't change names: it needs neither DNS nor certificates.

use std::sync::Arc;

use url::Url;

use crate::{
    domains::{self, UserPoolDomain},
    fault::Fault,
    ports::{Identity, Ports},
    user_pools::UserPool,
};

/// A domain at the address under which a request reached it.
#[derive(Clone, Debug)]
pub struct Mount {
    /// The pool of the domain.
    pub pool: Arc<UserPool>,
    /// The domain.
    pub domain: Arc<UserPoolDomain>,
    /// What browsers' paths begin with here, such as `/prefix`; empty under a name of its own.
    pub path: String,
    /// Where it is for others, without a slash at the end.
    pub url: String,
}

impl Mount {
    /// The address of one of the domain's pages, for a browser that is on the domain. Under a path
    /// it names no host, because the browser may know the server by another name than we do.
    pub fn page(&self, path: &str) -> String {
        if self.path.is_empty() {
            format!("{}{path}", self.url)
        } else {
            format!("{}{path}", self.path)
        }
    }

    /// `Path` of the domain's cookies.
    pub fn cookie_path(&self) -> &str {
        if self.path.is_empty() { "/" } else { &self.path }
    }
}

/// The domain that a request is for, by its `Host` and path, and the rest of the path.
pub async fn resolve<'a>(
    ports: &Ports,
    authority: Option<&str>,
    path: &'a str,
) -> Result<Option<(Mount, &'a str)>, Fault> {
    if let Some(authority) = authority.map(str::to_ascii_lowercase)
        && let Some(domain) = of_host(ports, host(&authority)).await?
    {
        // A developer's server takes both: whoever came over TLS stays there.
        let is_secure = ports.identity.is_secure() || ports.caller.is_secure;
        let url = format!("{}://{authority}", scheme(is_secure));
        let mount = mount(ports, domain, String::new(), url).await?;
        return Ok(mount.map(|mount| (mount, path)));
    }
    let Some((name, rest)) = first_segment(path) else { return Ok(None) };
    let Some(domain) = of_name(ports, name).await? else { return Ok(None) };
    let base = &ports.identity.issuer_base;
    let base_path = Url::parse(base).map(|url| url.path().trim_end_matches('/').to_owned());
    let local = format!("{}/{name}", base_path.unwrap_or_default());
    let mount = mount(ports, domain, local, format!("{base}/{name}")).await?;
    Ok(mount.map(|mount| (mount, rest)))
}

/// Where clients are told that a pool's domain is: its custom domain if it has one. None for a pool
/// without a domain.
pub fn told_url(identity: &Identity, pool: &UserPool) -> Option<String> {
    let (custom, prefix) = (pool.settings.custom_domain.as_ref(), pool.settings.domain.as_ref());
    let base = &identity.issuer_base;
    match (custom, prefix, &identity.domain_suffix) {
        (Some(name), _, Some(_)) => Some(format!("https://{name}")),
        (None, Some(prefix), Some(suffix)) => {
            Some(format!("{}://{prefix}.{suffix}", scheme(identity.is_secure())))
        }
        (Some(name), _, None) | (None, Some(name), None) => Some(format!("{base}/{name}")),
        (None, None, _) => None,
    }
}

fn scheme(is_secure: bool) -> &'static str {
    if is_secure { "https" } else { "http" }
}

/// The name without the port.
fn host(authority: &str) -> &str {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    host.strip_suffix('.').unwrap_or(host)
}

/// The first segment of a path, and the path after it.
fn first_segment(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix('/')?;
    let end = rest.find('/')?;
    rest.split_at_checked(end).filter(|(name, _)| !name.is_empty())
}

/// The domain that has this host. None for the issuer's, whatever domains are called.
async fn of_host(ports: &Ports, host: &str) -> Result<Option<Arc<UserPoolDomain>>, Fault> {
    if !host.contains('.') || domains::is_issuers(&ports.identity, host) {
        return Ok(None);
    }
    let custom = ports.directory.domain(host).await?.filter(|domain| domain.is_custom());
    if custom.is_some() {
        return Ok(custom);
    }
    for prefix in domains::prefixes(&ports.identity, host) {
        let domain = ports.directory.domain(prefix).await?.filter(|domain| !domain.is_custom());
        if domain.is_some() {
            return Ok(domain);
        }
    }
    Ok(None)
}

/// The domain of this name, or that of the pool with this id.
async fn of_name(ports: &Ports, name: &str) -> Result<Option<Arc<UserPoolDomain>>, Fault> {
    if let Some(domain) = ports.directory.domain(name).await? {
        return Ok(Some(domain));
    }
    let Some(pool) = ports.directory.user_pool(name).await? else { return Ok(None) };
    match pool.settings.custom_domain.as_ref().or(pool.settings.domain.as_ref()) {
        Some(domain) => ports.directory.domain(domain).await,
        None => Ok(None),
    }
}

async fn mount(
    ports: &Ports,
    domain: Arc<UserPoolDomain>,
    path: String,
    url: String,
) -> Result<Option<Mount>, Fault> {
    let pool = ports.directory.user_pool(domain.user_pool_id()).await?;
    Ok(pool.map(|pool| Mount { pool, domain, path, url }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::UserPoolType;
    use crate::tokens::issuer::Issuers;

    #[test]
    fn ports_and_trailing_dots_are_no_part_of_a_name() {
        assert_eq!(host("a.auth.localhost:7665"), "a.auth.localhost");
        assert_eq!(host("a.auth.localhost."), "a.auth.localhost");
        assert_eq!(host("[::1]:80"), "[::1]");
        assert_eq!(first_segment("/shop/oauth2/token"), Some(("shop", "/oauth2/token")));
        assert_eq!(first_segment("//oauth2/token"), None);
        assert_eq!(first_segment("/shop"), None);
    }

    #[test]
    fn clients_are_told_the_custom_domain_and_names_only_where_there_are_names() {
        let told = |prefix: Option<&str>, custom: Option<&str>, suffix: Option<&str>| {
            let identity = Identity {
                region: "us-east-1".to_owned(),
                account_id: "1".to_owned(),
                issuer_base: "https://id.example.com".to_owned(),
                issuers: Issuers::Own,
                domain_suffix: suffix.map(str::to_owned),
            };
            let settings = UserPoolType {
                domain: prefix.map(str::to_owned),
                custom_domain: custom.map(str::to_owned),
                ..UserPoolType::default()
            };
            told_url(&identity, &UserPool { settings, ..UserPool::default() })
        };
        let suffix = Some("auth.example.com");
        let (prefix, custom) = (Some("shop"), Some("login.shop.test"));
        assert_eq!(told(prefix, custom, suffix).as_deref(), Some("https://login.shop.test"));
        assert_eq!(told(prefix, None, suffix).as_deref(), Some("https://shop.auth.example.com"));
        assert_eq!(told(prefix, None, None).as_deref(), Some("https://id.example.com/shop"));
        let by_path = told(None, custom, None);
        assert_eq!(by_path.as_deref(), Some("https://id.example.com/login.shop.test"));
        assert_eq!(told(None, None, suffix), None);
    }
}
