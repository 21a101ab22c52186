//! Domains of user pools: the names under which managed login and the OAuth endpoints are reached.
//!
//! A *prefix* is one label in front of the server's own name; a *custom domain* is a whole name that
//! belongs to somebody, with a certificate. Names are unique over the whole server, because a request
//! that arrives under one names no pool.

use async_trait::async_trait;
use url::Url;

use crate::{
    arn,
    fault::{Fault, Ruling},
    granted,
    ports::{Entropy, Identity, Transaction},
    shapes::{
        CreateUserPoolDomainRequest, CustomDomainConfigType, DomainDescriptionType,
        DomainStatusType, FailoverType, IssuerType, RoutingType, UpdateUserPoolDomainRequest,
    },
    time::Timestamp,
    tokens::issuer,
    user_pools::{Feature, TierRefused, UserPool},
};

/// Words that no prefix may hold anywhere: `newcognito` was refused
/// (<https://github.com/aws-amplify/amplify-cli/issues/3854>).
const RESERVED: [&str; 2] = ["amazon", "cognito"];
/// A word that no prefix may hold between its hyphens. That it may be part of another was measured
/// (<https://github.com/badmintoncryer/cdk-preflight>).
const RESERVED_SEGMENT: &str = "aws";
/// Custom domains that an account can have.
const MOST_CUSTOM: i64 = 4;
/// The classic pages: what a domain shows that was made without a version. (A belief.)
const CLASSIC: i32 = 1;
/// Managed login.
const MANAGED_LOGIN: i32 = 2;
/// Where certificates of custom domains are, whatever the region of the pool.
const CERTIFICATE_REGION: &str = "us-east-1";

/// A domain of a user pool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserPoolDomain {
    /// The settings as `DescribeUserPoolDomain` shows them.
    pub settings: DomainDescriptionType,
    /// Which of the few places for custom domains it takes; none for a prefix. The store keeps each
    /// place for one domain, so that requests at the same time can't exceed the limit.
    pub place: Option<i64>,
    /// Number of writes so far; an update names the version it read.
    pub version: i64,
}

impl UserPoolDomain {
    /// The prefix alone, or the whole name of a custom domain.
    pub fn name(&self) -> &str {
        self.settings.domain.as_deref().unwrap_or_default()
    }

    /// The pool the domain belongs to.
    pub fn user_pool_id(&self) -> &str {
        self.settings.user_pool_id.as_deref().unwrap_or_default()
    }

    /// Whether this is a custom domain, not a prefix.
    pub const fn is_custom(&self) -> bool {
        self.place.is_some()
    }

    /// Whether the domain shows managed login, not the classic pages.
    pub fn shows_managed_login(&self) -> bool {
        self.settings.managed_login_version == Some(MANAGED_LOGIN)
    }

    /// The name to which the owner of a custom domain points it; none for a prefix.
    pub fn alias_target(&self) -> Option<String> {
        self.settings.cloud_front_distribution.clone().filter(|_| self.is_custom())
    }
}

/// Why a domain can't be had or changed. Texts without a mark are the service's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DomainRefused {
    /// The prefix is no label, or the whole name of a custom domain came without a certificate.
    #[error(
        "The domain name contains an invalid character. Domain names can only contain lower-case letters, numbers, and hyphens. Please enter a different name that follows this format: ^[a-z0-9](?:[a-z0-9\\-]{{0,61}}[a-z0-9])?$"
    )]
    InvalidCharacter,
    /// The prefix holds a reserved word.
    #[error("Domain cannot contain reserved word: {0}")]
    ReservedWord(&'static str),
    /// The custom domain is not a name below another. (What follows the colon is the service's for
    /// names without a dot, and ours for others.)
    #[error("Custom domain is not a valid subdomain: {0}")]
    NotSubdomain(&'static str),
    /// The certificate can't be used.
    #[error(
        "The specified SSL certificate doesn't exist, isn't in us-east-1 region, isn't valid, or doesn't include a valid certificate chain."
    )]
    Certificate,
    /// The pool has a domain of this kind. (The full stop is a belief.)
    #[error("User Pool already has domain configured.")]
    PoolHasOne,
    /// Another pool has the domain.
    #[error("Domain already associated with another user pool.")]
    Taken,
    /// The account has as many custom domains as it can have. (The text is a belief.)
    #[error("Maximum number of custom domains has been reached.")]
    TooManyCustom,
    /// There are two versions. (The text is a belief.)
    #[error("ManagedLoginVersion must be 1 or 2.")]
    Version,
    /// The pool's tier does not have managed login.
    #[error(transparent)]
    Tier(#[from] TierRefused),
    /// Routing of a prefix. (The text is a belief.)
    #[error("Routing is only supported for custom domains.")]
    PrefixRouting,
    /// A certificate for a prefix. (The text is a belief.)
    #[error("CustomDomainConfig is only supported for custom domains.")]
    PrefixCertificate,
    /// The secondary region is no other region. (The text is a belief.)
    #[error("The secondary Region of the failover configuration is not valid.")]
    FailoverRegion,
    /// The pool does not have the domain. (The text is a belief.)
    #[error("No such domain or user pool exists.")]
    NoSuch,
}

/// Storage of domains.
#[async_trait]
pub trait Domains: Send {
    /// Stores a new domain.
    ///
    /// # Errors
    /// [`Fault::Conflict`] if its name or its place has been taken since it was seen to be free.
    async fn insert_domain(&mut self, domain: &UserPoolDomain) -> Result<(), Fault>;

    /// The domain of this name, whichever pool has it.
    async fn domain(&mut self, name: &str) -> Result<Option<UserPoolDomain>, Fault>;

    /// Replaces a domain that was read at `domain.version`, and counts the version up.
    ///
    /// # Errors
    /// [`Fault::Conflict`] if it changed (or was deleted) since it was read.
    async fn update_domain(&mut self, domain: &mut UserPoolDomain) -> Result<(), Fault>;

    /// Removes a domain.
    async fn delete_domain(&mut self, name: &str) -> Result<(), Fault>;

    /// The places that custom domains take.
    async fn taken_domain_places(&mut self) -> Result<Vec<i64>, Fault>;
}

/// Gives a pool a domain, and stores both.
pub async fn create(
    tx: &mut dyn Transaction,
    pool: &mut UserPool,
    request: CreateUserPoolDomainRequest,
    identity: &Identity,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Ruling<UserPoolDomain, DomainRefused> {
    let is_custom = request.custom_domain_config.is_some();
    granted!(check_name(&request.domain, is_custom));
    let domain = UserPoolDomain {
        settings: DomainDescriptionType {
            user_pool_id: Some(pool.id().to_owned()),
            aws_account_id: Some(identity.account_id.clone()),
            domain: Some(request.domain.clone()),
            // There is no bucket: the server has its static files in itself.
            s3_bucket: Some(format!("poolhouse-{}-assets", identity.region)),
            cloud_front_distribution: Some(distribution(entropy)),
            version: Some(now.to_digits()),
            status: Some(DomainStatusType::Active),
            custom_domain_config: request.custom_domain_config,
            managed_login_version: Some(request.managed_login_version.unwrap_or(CLASSIC)),
            routing: request.routing,
        },
        place: None,
        version: 0,
    };
    granted!(check(&domain.settings, is_custom, pool, identity));
    let shown =
        if is_custom { &mut pool.settings.custom_domain } else { &mut pool.settings.domain };
    if shown.is_some() {
        return Ok(Err(DomainRefused::PoolHasOne));
    }
    if is_taken(tx, &request.domain, is_custom, identity).await? {
        return Ok(Err(DomainRefused::Taken));
    }
    let place = if is_custom { granted!(free_place(tx).await?) } else { None };
    *shown = Some(request.domain);
    let domain = UserPoolDomain { place, ..domain };
    tx.insert_domain(&domain).await?;
    // The pool's version makes two domains of a kind at the same time impossible, and a domain for
    // a pool that is being deleted.
    tx.update_user_pool(pool).await?;
    Ok(Ok(domain))
}

/// Whether requests under this name, or under the whole names of this prefix, are for another domain
/// or for the issuer. (That the service has no other word for the latter is a belief.)
async fn is_taken(
    tx: &mut dyn Transaction,
    name: &str,
    is_custom: bool,
    identity: &Identity,
) -> Result<bool, Fault> {
    let hosts = if is_custom { vec![name.to_owned()] } else { hosts(identity, name) };
    if hosts.iter().any(|host| is_issuers(identity, host)) || tx.domain(name).await?.is_some() {
        return Ok(true);
    }
    let prefixes = if is_custom { prefixes(identity, name) } else { Vec::new() };
    let others = hosts.iter().map(String::as_str).chain(prefixes);
    for other in others {
        if tx.domain(other).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What follows the prefix in the names of prefix domains.
fn suffixes(identity: &Identity) -> Vec<String> {
    let configured = identity.domain_suffix.as_deref();
    let configured = configured.map(|suffix| suffix.split(':').next().unwrap_or_default());
    let of_service = format!("auth.{}.amazoncognito.com", identity.region);
    let all = configured.into_iter().chain(["auth.localhost", &of_service]);
    all.map(|suffix| suffix.trim_end_matches('.').to_owned()).collect()
}

/// The whole names under which a prefix domain is reached.
fn hosts(identity: &Identity, prefix: &str) -> Vec<String> {
    suffixes(identity).into_iter().map(|suffix| format!("{prefix}.{suffix}")).collect()
}

/// The prefixes of which a host, in lower case and without port, is a whole name.
pub(crate) fn prefixes<'a>(identity: &Identity, host: &'a str) -> Vec<&'a str> {
    let prefix = |suffix: &String| host.strip_suffix(suffix.as_str())?.strip_suffix('.');
    let found = suffixes(identity).iter().filter_map(prefix).collect::<Vec<_>>();
    found.into_iter().filter(|prefix| is_label(prefix)).collect()
}

/// Whether a host, in lower case and without port, is that of an issuer: no domain's, since the
/// documents and the API of all pools are there. The service's are among them, because clients may be
/// led here by their names.
pub(crate) fn is_issuers(identity: &Identity, host: &str) -> bool {
    let own = Url::parse(&identity.issuer_base).ok();
    let is_own = |url: Url| url.host_str().is_some_and(|name| name.trim_end_matches('.') == host);
    let of_service = |kind| issuer::host_of_service(&identity.region, kind) == host;
    own.is_some_and(is_own)
        || [IssuerType::Original, IssuerType::Updated].into_iter().any(of_service)
}

/// The lowest place that no custom domain takes.
async fn free_place(tx: &mut dyn Transaction) -> Ruling<Option<i64>, DomainRefused> {
    let taken = tx.taken_domain_places().await?;
    let free = (1..=MOST_CUSTOM).find(|place| !taken.contains(place));
    Ok(free.map(Some).ok_or(DomainRefused::TooManyCustom))
}

/// Changes a domain; what the request leaves out stays. (For certificate and routing a belief.)
pub async fn update(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    request: UpdateUserPoolDomainRequest,
    identity: &Identity,
) -> Ruling<UserPoolDomain, DomainRefused> {
    let mut domain = granted!(of_pool(tx, pool, &request.domain).await?);
    let settings = &mut domain.settings;
    if let Some(version) = request.managed_login_version {
        settings.managed_login_version = Some(version);
    }
    if let Some(config) = request.custom_domain_config {
        let former = settings.custom_domain_config.take().and_then(|former| former.security_policy);
        // A new certificate does not lower what is asked of browsers.
        let security_policy = config.security_policy.or(former);
        settings.custom_domain_config = Some(CustomDomainConfigType { security_policy, ..config });
    }
    if request.routing.is_some() {
        settings.routing = request.routing;
    }
    granted!(check(&domain.settings, domain.is_custom(), pool, identity));
    tx.update_domain(&mut domain).await?;
    Ok(Ok(domain))
}

/// Takes a domain from its pool.
pub async fn delete(
    tx: &mut dyn Transaction,
    pool: &mut UserPool,
    name: &str,
) -> Ruling<(), DomainRefused> {
    let domain = granted!(of_pool(tx, pool, name).await?);
    let shown = if domain.is_custom() {
        &mut pool.settings.custom_domain
    } else {
        &mut pool.settings.domain
    };
    *shown = None;
    tx.delete_domain(name).await?;
    tx.update_user_pool(pool).await?;
    Ok(Ok(()))
}

/// A domain that belongs to this pool.
async fn of_pool(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    name: &str,
) -> Ruling<UserPoolDomain, DomainRefused> {
    let domain = tx.domain(name).await?;
    let domain = domain.filter(|domain| domain.user_pool_id() == pool.id());
    Ok(domain.ok_or(DomainRefused::NoSuch))
}

/// Whether the pool's tier has what its domains show. For a change of the tier.
pub async fn check_tier(tx: &mut dyn Transaction, pool: &UserPool) -> Ruling<(), TierRefused> {
    let may_use = pool.may_use_in_tier([Feature::MANAGED_LOGIN]);
    if may_use.is_ok() {
        return Ok(may_use);
    }
    for name in [&pool.settings.domain, &pool.settings.custom_domain].into_iter().flatten() {
        if tx.domain(name).await?.is_some_and(|domain| domain.shows_managed_login()) {
            return Ok(may_use);
        }
    }
    Ok(Ok(()))
}

/// Checks the settings of a domain as they are to be stored.
fn check(
    settings: &DomainDescriptionType,
    is_custom: bool,
    pool: &UserPool,
    identity: &Identity,
) -> Result<(), DomainRefused> {
    match settings.managed_login_version {
        Some(MANAGED_LOGIN) => pool.has_in_tier(Feature::MANAGED_LOGIN)?,
        None | Some(CLASSIC) => {}
        Some(_) => return Err(DomainRefused::Version),
    }
    if !is_custom {
        return match (&settings.custom_domain_config, &settings.routing) {
            (Some(_), _) => Err(DomainRefused::PrefixCertificate),
            (None, Some(RoutingType { failover: Some(_) })) => Err(DomainRefused::PrefixRouting),
            (None, _) => Ok(()),
        };
    }
    if let Some(config) = &settings.custom_domain_config {
        check_certificate(&config.certificate_arn)?;
    }
    match settings.routing.as_ref().and_then(|routing| routing.failover.as_ref()) {
        Some(failover) => check_failover(failover, identity),
        None => Ok(()),
    }
}

/// Requests fail over to another region than the one they come from.
fn check_failover(failover: &FailoverType, identity: &Identity) -> Result<(), DomainRefused> {
    let region = &failover.secondary_region;
    let is_word = |part: &str| !part.is_empty() && part.bytes().all(is_label_byte);
    let looks_right = region.split('-').count() >= 3 && region.split('-').all(is_word);
    if looks_right && *region != identity.region {
        Ok(())
    } else {
        Err(DomainRefused::FailoverRegion)
    }
}

/// `arn:partition:acm:us-east-1:account:certificate/id`. The certificate itself can't be looked at.
fn check_certificate(arn: &str) -> Result<(), DomainRefused> {
    let id = arn::resource(arn).and_then(|resource| resource.strip_prefix("certificate/"));
    let is_certificate = arn.starts_with("arn:")
        && arn::service(arn) == Some("acm")
        && arn::region(arn) == Some(CERTIFICATE_REGION)
        && id.is_some_and(|id| !id.is_empty());
    if is_certificate { Ok(()) } else { Err(DomainRefused::Certificate) }
}

const fn is_label_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

/// Letters, digits and inner hyphens, 63 at most.
fn is_label(text: &str) -> bool {
    let is_edge_right = !text.starts_with('-') && !text.ends_with('-');
    (1..=63).contains(&text.len()) && is_edge_right && text.bytes().all(is_label_byte)
}

/// Whether a domain can have this name.
fn check_name(name: &str, is_custom: bool) -> Result<(), DomainRefused> {
    if is_custom {
        return check_custom_name(name);
    }
    if !is_label(name) {
        return Err(DomainRefused::InvalidCharacter);
    }
    reserved_word(name).map_or(Ok(()), |word| Err(DomainRefused::ReservedWord(word)))
}

/// The reserved word that a prefix holds.
fn reserved_word(name: &str) -> Option<&'static str> {
    if name.split('-').any(|part| part == RESERVED_SEGMENT) {
        return Some(RESERVED_SEGMENT);
    }
    RESERVED.into_iter().find(|word| name.contains(word))
}

/// The service also looks for an address of the parent name. That is left out: names of private
/// networks would be refused, and a look-up can be slow.
fn check_custom_name(name: &str) -> Result<(), DomainRefused> {
    if !name.split('.').all(is_label) {
        let why = "It must consist of labels of lower-case letters, numbers, and hyphens.";
        return Err(DomainRefused::NotSubdomain(why));
    }
    let Some((_, last)) = name.rsplit_once('.') else {
        return Err(DomainRefused::NotSubdomain(
            "Was not able to resolve a DNS A record for the parent domain or domain parent is a \
             top-level domain.",
        ));
    };
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DomainRefused::NotSubdomain("It must not be an IP address."));
    }
    Ok(())
}

/// A name of the form in which CloudFront names its distributions.
fn distribution(entropy: &dyn Entropy) -> String {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = [0; 13];
    entropy.fill(&mut random);
    let pick = |byte: u8| ALPHABET.get(usize::from(byte) % ALPHABET.len()).copied();
    let name: String = random.into_iter().filter_map(pick).map(char::from).collect();
    format!("d{name}.cloudfront.net")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::issuer::Issuers;

    #[test]
    fn prefixes_are_single_labels_without_reserved_words() {
        let longest = "a".repeat(63);
        for name in ["a", "my-pool-1", "0", "laws", "my-awsome-pool", &longest] {
            assert_eq!(check_name(name, false), Ok(()), "{name}");
        }
        let too_long = "a".repeat(64);
        for name in ["", "-a", "a-", "A", "a_b", "a.b", "\u{e4}", &too_long] {
            assert_eq!(check_name(name, false), Err(DomainRefused::InvalidCharacter), "{name}");
        }
        for (name, word) in [
            ("aws", "aws"),
            ("my-aws-pool", "aws"),
            ("amazon-x", "amazon"),
            ("amazonas", "amazon"),
            ("my-cognito", "cognito"),
            ("newcognito", "cognito"),
        ] {
            assert_eq!(check_name(name, false), Err(DomainRefused::ReservedWord(word)), "{name}");
        }
    }

    #[test]
    fn the_issuers_host_is_no_domains() {
        let identity = Identity {
            region: "eu-west-1".to_owned(),
            account_id: String::new(),
            issuer_base: "https://ID.example.com:8443/base".to_owned(),
            issuers: Issuers::Own,
            domain_suffix: Some("example.com:8443".to_owned()),
        };
        for host in [
            "id.example.com",
            "cognito-idp.eu-west-1.amazonaws.com",
            "issuer-cognito-idp.eu-west-1.amazonaws.com",
        ] {
            assert!(is_issuers(&identity, host), "{host}");
        }
        assert!(!is_issuers(&identity, "cognito-idp.us-east-1.amazonaws.com"));
        assert!(hosts(&identity, "id").iter().any(|host| is_issuers(&identity, host)));
        assert!(!hosts(&identity, "shop").iter().any(|host| is_issuers(&identity, host)));
        assert_eq!(prefixes(&identity, "id.example.com"), ["id"]);
        assert_eq!(prefixes(&identity, "x.auth.eu-west-1.amazoncognito.com"), ["x"]);
        assert_eq!(prefixes(&identity, "a.b.example.com"), [""; 0]);
    }

    #[test]
    fn custom_domains_are_names_below_another() {
        for name in ["auth.example.com", "login.aws.example", "a.b"] {
            assert_eq!(check_name(name, true), Ok(()), "{name}");
        }
        for name in ["auth", "Auth.example.com", "a..b", ".a.b", "a.b.", "127.0.0.1", "a_b.c"] {
            let refused = check_name(name, true);
            assert!(matches!(refused, Err(DomainRefused::NotSubdomain(_))), "{name}");
        }
    }

    #[test]
    fn certificates_are_in_one_region() {
        let right = "arn:aws:acm:us-east-1:123456789012:certificate/1a";
        assert_eq!(check_certificate(right), Ok(()));
        for (from, to) in [("us-east-1", "eu-west-1"), ("acm", "iam"), ("ificate/1a", "ificate/")] {
            let wrong = right.replace(from, to);
            assert_eq!(check_certificate(&wrong), Err(DomainRefused::Certificate), "{wrong}");
        }
    }

    #[test]
    fn failover_goes_to_another_region() {
        let identity = Identity {
            region: "eu-west-1".to_owned(),
            account_id: String::new(),
            issuer_base: String::new(),
            issuers: Issuers::Own,
            domain_suffix: None,
        };
        let to = |region: &str| FailoverType {
            secondary_region: region.to_owned(),
            ..FailoverType::default()
        };
        assert_eq!(check_failover(&to("eu-central-1"), &identity), Ok(()));
        for region in ["eu-west-1", "nowhere", "--a", "EU-WEST-2"] {
            let refused = check_failover(&to(region), &identity);
            assert_eq!(refused, Err(DomainRefused::FailoverRegion), "{region}");
        }
    }
}
