//! Somebody who signs in, whether there is such a user or not.

use std::collections::BTreeMap;

use super::{Place, first_factor::check_state_without_password};
use crate::{
    app_clients::AppClient,
    triggers,
    user_pools::UserPool,
    users::{User, nobody},
};

/// Somebody who signs in: the name that was typed, and who has it.
#[derive(Clone, Copy)]
pub struct Person<'a> {
    /// The name that was typed.
    pub login: &'a str,
    /// Who has it; none if nobody does.
    pub user: Option<&'a User>,
}

impl Person<'_> {
    /// The `sub`, or what stands in for it.
    pub(super) fn sub(self, place: Place<'_>) -> String {
        let simulated = || nobody::sub(&place.ports.keyring, place.pool, self.login);
        self.user.map_or_else(simulated, |user| user.sub.clone())
    }

    /// The username that challenges name, or what stands in for it.
    pub(super) fn shown_username(self, place: Place<'_>) -> String {
        let simulated = || nobody::username(&place.ports.keyring, place.pool, self.login);
        self.user.map_or_else(simulated, |user| user.username.clone())
    }

    /// The user, if they may sign in by a code or a passkey.
    pub(super) fn allowed(self) -> Option<User> {
        self.user.filter(|user| check_state_without_password(user).is_ok()).cloned()
    }

    /// `userName` of events: the stored name, or what was typed.
    pub(crate) fn event_username(&self) -> &str {
        self.user.map_or(self.login, |user| &user.username)
    }

    /// `userAttributes` of events.
    pub(crate) fn event_attributes(self, pool: &UserPool) -> BTreeMap<String, String> {
        self.user.map_or_else(BTreeMap::new, |user| triggers::user_attributes(pool, user))
    }

    /// `userNotFound` of events: absent where clients are told who exists.
    pub(crate) fn is_not_found(self, client: &AppClient) -> Option<bool> {
        client.hides_user_existence().then_some(self.user.is_none())
    }
}
