//! Limits of an account: requests per second, and how many pools and app clients there may be.
//!
//! Rates are counted by each server for itself: behind a load balancer, two servers let twice as
//! much through.

mod categories;

use std::{collections::BTreeMap, net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_lc_rs::digest;
use governor::{
    Quota, RateLimiter,
    clock::Clock as Time,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed},
};
use moka::sync::Cache;
use poolhouse_wire::{About, OperationName};

use crate::{
    fault::Fault,
    network::peer,
    ports::{Clock, Store},
};

pub use categories::{Category, category};

/// The highest rate that can be provisioned. (An account's maximum is not on record; for a server
/// of one's own this is as good as none.)
pub const HIGHEST_RATE: u32 = 100_000;
/// Requests per second of one operation on one user pool.
const PER_POOL: u32 = 5;
/// Requests per second that read one user, and as many that change one.
const PER_USER: u32 = 10;
/// Requests per second to domains from one address.
const PER_ADDRESS: u32 = 300;
/// Requests per second to one domain.
const PER_DOMAIN: u32 = 500;
/// Requests per second by which strangers at one address register applications with one pool. (Our
/// choice.)
const OPEN_REGISTRATIONS: u32 = 5;
/// Answers to challenges have a rate of their own, so many times that of sign-ins.
const ANSWERS_FOR_EACH_SIGN_IN: u32 = 3;
/// How many rates are counted at the same time: some 20 MiB at most. The one that was not needed
/// for the longest time is forgotten.
const COUNTED: u64 = 100_000;
/// After this time without requests a rate is full again and need not be remembered.
const IDLE: Duration = Duration::from_secs(5);
/// How old the provisioned rates may be that this server goes by.
const FRESH: Duration = Duration::from_secs(1);

/// Storage of provisioned rates.
#[async_trait]
pub trait ProvisionedLimits: Send {
    /// The rates that were set, by category.
    async fn provisioned_limits(&mut self) -> Result<BTreeMap<Category, u32>, Fault>;

    /// Sets a rate.
    async fn put_provisioned_limit(&mut self, category: Category, rate: u32) -> Result<(), Fault>;
}

/// What the operator decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// Whether requests above the rates are refused.
    pub rates_are_enforced: bool,
    /// Rates in place of [`Category::usual_rate`].
    pub rates: BTreeMap<Category, u32>,
    /// The most user pools.
    pub user_pools: u32,
    /// The most app clients of a user pool.
    pub app_clients_per_pool: u32,
}

impl Default for LimitSettings {
    /// Everything as in the service, but no rates.
    fn default() -> Self {
        Self {
            rates_are_enforced: false,
            rates: BTreeMap::new(),
            user_pools: 1_000,
            app_clients_per_pool: 1_000,
        }
    }
}

/// More requests came than a rate allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Rate exceeded")]
pub struct RateExceeded;

/// Why a rate can't be looked up or set. The texts are beliefs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitRefused {
    /// The attributes name no category.
    #[error("Invalid limit definition. Attributes must hold Category with the name of a category.")]
    NoCategory,
    /// The category has a fixed rate.
    #[error("The limit of category {0} is not adjustable.")]
    Fixed(&'static str),
    /// Less than everybody has.
    #[error("The requested limit value must not be less than the default limit of {0}.")]
    TooLow(u32),
    /// More than there can be.
    #[error("The requested limit value exceeds the maximum of {HIGHEST_RATE} for the account.")]
    TooHigh,
}

/// What a rate is counted for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Counted {
    Account(Category, u32),
    /// Answers to challenges.
    Answers(u32),
    Pool(OperationName, String),
    /// Whoever asks a domain, by address ([`peer`]).
    Network(IpAddr),
    Domain(String),
    /// Whoever registers applications with a pool and shows no token, by address.
    OpenRegistration(String, Option<IpAddr>),
    /// One user: how the request names the pool, and the user in it; and whether it reads.
    User(Who, bool),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Who {
    Named(String, String),
    /// The hash of an access token.
    Bearer(Vec<u8>),
}

/// The port of the clock, as the counting library wants it.
struct Steady(Arc<dyn Clock>);

impl Time for Steady {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(u64::try_from(self.0.now().micros()).unwrap_or(0).saturating_mul(1_000))
    }
}

type Rate = RateLimiter<NotKeyed, InMemoryState, Steady, NoOpMiddleware<Nanos>>;

/// The limits of the account that this server is.
pub struct Limits {
    settings: LimitSettings,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    rates: Cache<Counted, Arc<Rate>>,
    provisioned: Cache<(), Arc<BTreeMap<Category, u32>>>,
}

impl Limits {
    /// Limits with nothing counted yet.
    pub fn new(settings: LimitSettings, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        let rates = Cache::builder().max_capacity(COUNTED).time_to_idle(IDLE).build();
        let provisioned = Cache::builder().max_capacity(1).time_to_live(FRESH).build();
        Self { settings, store, clock, rates, provisioned }
    }

    /// What the operator decided.
    pub const fn settings(&self) -> &LimitSettings {
        &self.settings
    }

    /// The rate of a category if none is provisioned.
    pub fn free_rate(&self, category: Category) -> u32 {
        self.settings.rates.get(&category).copied().unwrap_or(category.usual_rate())
    }

    /// Takes note that a rate was provisioned. Other servers do within a second.
    pub fn forget_provisioned(&self) {
        self.provisioned.invalidate(&());
    }

    /// Counts a request; refuses it if there were too many.
    pub async fn admit(
        &self,
        operation: OperationName,
        about: &About<'_>,
    ) -> Result<Result<(), RateExceeded>, Fault> {
        if !self.settings.rates_are_enforced {
            return Ok(Ok(()));
        }
        let category = category(operation);
        let rate = self.rate(category).await?;
        let is_answer = matches!(
            operation,
            OperationName::RespondToAuthChallenge | OperationName::AdminRespondToAuthChallenge
        );
        let account = if is_answer {
            let rate = rate.saturating_mul(ANSWERS_FOR_EACH_SIGN_IN);
            (Counted::Answers(rate), rate)
        } else {
            (Counted::Account(category, rate), rate)
        };
        // The narrower ones first, so that what they refuse takes nothing from everybody.
        let user = who(about).map(|who| Counted::User(who, category.is_reading()));
        let pool = about.user_pool_id.or(about.resource_arn);
        let pool = pool.filter(|_| category.is_limited_by_pool());
        let pool = pool.map(|pool| Counted::Pool(operation, pool.to_owned()));
        let narrow = [user.map(|user| (user, PER_USER)), pool.map(|pool| (pool, PER_POOL))];
        let mut all = narrow.into_iter().flatten().chain([account]);
        Ok(all.try_for_each(|(counted, rate)| self.count(&counted, rate)))
    }

    /// Counts a request to an endpoint of a domain that belongs to a category; refuses it if there
    /// were too many.
    pub async fn admit_one(&self, category: Category) -> Result<Result<(), RateExceeded>, Fault> {
        if !self.settings.rates_are_enforced {
            return Ok(Ok(()));
        }
        let rate = self.rate(category).await?;
        Ok(self.count(&Counted::Account(category, rate), rate))
    }

    /// Counts a request to a domain, from an address; refuses it if there were too many.
    pub fn admit_at_domain(&self, domain: &str, from: Option<IpAddr>) -> Result<(), RateExceeded> {
        if !self.settings.rates_are_enforced {
            return Ok(());
        }
        if let Some(address) = from {
            self.count(&Counted::Network(peer(address)), PER_ADDRESS)?;
        }
        self.count(&Counted::Domain(domain.to_owned()), PER_DOMAIN)
    }

    /// Counts a request of a stranger at an address to register an application with a pool; refuses
    /// it if there were too many. Takes nothing from anybody else.
    pub fn admit_open_registration(
        &self,
        user_pool_id: &str,
        from: Option<IpAddr>,
    ) -> Result<(), RateExceeded> {
        if !self.settings.rates_are_enforced {
            return Ok(());
        }
        let counted = Counted::OpenRegistration(user_pool_id.to_owned(), from.map(peer));
        self.count(&counted, OPEN_REGISTRATIONS)
    }

    /// The rate of a category now.
    async fn rate(&self, category: Category) -> Result<u32, Fault> {
        let provisioned = if let Some(provisioned) = self.provisioned.get(&()) {
            provisioned
        } else {
            let found = Arc::new(self.store.read().await?.provisioned_limits().await?);
            self.provisioned.insert((), Arc::clone(&found));
            found
        };
        Ok(effective(provisioned.get(&category).copied(), self.free_rate(category)))
    }

    fn count(&self, counted: &Counted, per_second: u32) -> Result<(), RateExceeded> {
        let rate = self.rates.get_with_by_ref(counted, || {
            let per_second = NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN);
            let clock = Steady(Arc::clone(&self.clock));
            Arc::new(RateLimiter::direct_with_clock(Quota::per_second(per_second), clock))
        });
        let Err(too_early) = rate.check() else { return Ok(()) };
        // Nobody has to wait for longer than this unless the clock was put back: then begin anew.
        if too_early.wait_time_from(Steady(Arc::clone(&self.clock)).now()) > FRESH {
            self.rates.invalidate(counted);
            return Ok(());
        }
        Err(RateExceeded)
    }
}

/// The rate in force: what was provisioned, unless everybody has more by now.
pub fn effective(provisioned: Option<u32>, free: u32) -> u32 {
    provisioned.map_or(free, |provisioned| provisioned.max(free))
}

/// The category that a limit's attributes name.
pub fn named(attributes: &BTreeMap<String, String>) -> Result<Category, LimitRefused> {
    let name = attributes.get("Category").filter(|_| attributes.len() == 1);
    name.and_then(|name| Category::named(name)).ok_or(LimitRefused::NoCategory)
}

/// Checks a rate that is to be provisioned.
pub fn check(category: Category, free: u32, wanted: i32) -> Result<u32, LimitRefused> {
    if !category.is_adjustable() {
        return Err(LimitRefused::Fixed(category.as_str()));
    }
    match u32::try_from(wanted) {
        Ok(wanted) if wanted > HIGHEST_RATE => Err(LimitRefused::TooHigh),
        Ok(wanted) if wanted >= free => Ok(wanted),
        _ => Err(LimitRefused::TooLow(free)),
    }
}

/// The user whom a request is about. One who is named in two ways counts twice.
fn who(about: &About<'_>) -> Option<Who> {
    if let Some(token) = about.access_token {
        let hash = digest::digest(&digest::SHA256, token.as_bytes());
        return Some(Who::Bearer(hash.as_ref().to_vec()));
    }
    let place = about.user_pool_id.or(about.client_id)?;
    Some(Who::Named(place.to_owned(), about.username?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_can_be_raised_where_the_service_allows_it() {
        assert_eq!(check(Category::UserRead, 120, 120), Ok(120));
        assert_eq!(check(Category::UserRead, 120, 119), Err(LimitRefused::TooLow(120)));
        assert_eq!(check(Category::UserRead, 120, -1), Err(LimitRefused::TooLow(120)));
        assert_eq!(check(Category::UserRead, 120, 100_001), Err(LimitRefused::TooHigh));
        assert_eq!(check(Category::UserList, 30, 31), Err(LimitRefused::Fixed("UserList")));
        assert_eq!(effective(Some(150), 120), 150);
        assert_eq!(effective(Some(150), 200), 200, "the configuration was raised since");
    }

    #[test]
    fn only_the_attribute_category_names_one() {
        let of = |pairs: &[(&str, &str)]| {
            named(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
        };
        assert_eq!(of(&[("Category", "UserRead")]), Ok(Category::UserRead));
        for wrong in [&[][..], &[("Category", "X")], &[("Category", "UserRead"), ("a", "b")]] {
            assert_eq!(of(wrong), Err(LimitRefused::NoCategory));
        }
    }
}
