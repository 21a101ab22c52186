//! What a pool's tier does not offer.

use crate::{
    shapes::UserPoolTierType::{self, Essentials, Plus},
    user_pools::UserPool,
};

/// A feature: the lowest tier that has it, and what refusals call it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Feature(UserPoolTierType, &'static str);

/// The features that not every tier has. Names without a mark are beliefs.
impl Feature {
    /// The service's name.
    pub(crate) const LOG_STREAMING: Self = Self(Plus, "Log Streaming");
    /// The service's name.
    pub(crate) const MANAGED_LOGIN: Self = Self(Essentials, "Managed Login Version 2");
    pub(crate) const ACR: Self = Self(Essentials, "Authentication Context Class Reference");
    pub(crate) const CHOICE_OF_FACTOR: Self = Self(Essentials, "Choice-based Sign-in");
    pub(crate) const CLIENT_REGISTRATION: Self = Self(Essentials, "Dynamic Client Registration");
    pub(crate) const EMAIL_MFA: Self = Self(Essentials, "Email MFA");
    pub(crate) const PASSKEYS: Self = Self(Essentials, "Passkeys");
    /// The service's name.
    pub(crate) const PASSWORDLESS: Self = Self(Essentials, "Passwordless Sign-In");
    pub(crate) const PASSWORD_HISTORY: Self = Self(Essentials, "Password History");
    pub(crate) const REPLICATION: Self = Self(Essentials, "Multi-Region Replication");
    pub(crate) const SESSION_TRACKING: Self = Self(Essentials, "Session Tracking");
    /// The service's name.
    pub(crate) const THREAT_PROTECTION: Self = Self(Plus, "Threat Protection");
    /// The service's name.
    pub(crate) const TOKENS_V2: Self =
        Self(Essentials, "Token Customization with Pre-Token Generation Lambda V2_0");
    pub(crate) const TOKENS_V3: Self =
        Self(Essentials, "Token Customization with Pre-Token Generation Lambda V3_0");
}

/// Why a tier and a feature don't go together. The texts are the service's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TierRefused {
    /// The pool has, or is to have, features that the tier lacks.
    #[error(
        "The following features need to be disabled for the {} pricing tier configured: {features}",
        tier.as_str()
    )]
    InUse {
        /// The tier that the pool has or is to have.
        tier: UserPoolTierType,
        /// What it lacks, separated by commas.
        features: String,
    },
    /// One feature was asked for that the tier lacks.
    #[error(
        "The following feature is not available for the {} pricing tier configured: {feature}",
        tier.as_str()
    )]
    Lacks {
        /// The tier of the pool.
        tier: UserPoolTierType,
        /// What it lacks.
        feature: &'static str,
    },
}

impl UserPool {
    /// The feature tier; pools are in the middle one unless told otherwise.
    pub fn tier(&self) -> UserPoolTierType {
        self.settings.user_pool_tier.unwrap_or(Essentials)
    }

    /// Whether the pool's tier has a feature that is asked for.
    pub(crate) fn has_in_tier(&self, feature: Feature) -> Result<(), TierRefused> {
        let tier = self.tier();
        let Feature(lowest, feature) = feature;
        if has(tier, lowest) { Ok(()) } else { Err(TierRefused::Lacks { tier, feature }) }
    }

    /// Whether the pool's tier has all the features that are in use.
    pub(crate) fn may_use_in_tier(
        &self,
        features: impl IntoIterator<Item = Feature>,
    ) -> Result<(), TierRefused> {
        let tier = self.tier();
        let lacking = features.into_iter().filter(|Feature(lowest, _)| !has(tier, *lowest));
        let lacking: Vec<&str> = lacking.map(|Feature(_, feature)| feature).collect();
        if lacking.is_empty() {
            return Ok(());
        }
        Err(TierRefused::InUse { tier, features: lacking.join(", ") })
    }
}

/// Whether a tier has what the lowest of some tiers has.
fn has(tier: UserPoolTierType, lowest: UserPoolTierType) -> bool {
    rank(tier) >= rank(lowest)
}

/// Tiers in ascending order of what they offer.
const fn rank(tier: UserPoolTierType) -> u8 {
    match tier {
        UserPoolTierType::Lite => 0,
        UserPoolTierType::Essentials => 1,
        UserPoolTierType::Plus => 2,
    }
}

#[cfg(test)]
mod tests {
    use UserPoolTierType::Lite;

    use super::*;

    fn pool(tier: UserPoolTierType) -> UserPool {
        let mut pool = UserPool::default();
        pool.settings.user_pool_tier = Some(tier);
        pool
    }

    #[test]
    fn a_tier_has_what_lower_ones_have() {
        for (tier, has) in [(Lite, [1, 0, 0]), (Essentials, [1, 1, 0]), (Plus, [1, 1, 1])] {
            let pool = pool(tier);
            let found =
                [Lite, Essentials, Plus].map(|lowest| pool.has_in_tier(Feature(lowest, "x")));
            assert_eq!(found.map(|found| i32::from(found.is_ok())), has, "{tier}");
        }
    }

    #[test]
    fn the_texts_name_tier_and_features() {
        let lite = pool(Lite);
        let text = lite.has_in_tier(Feature(Plus, "Z")).unwrap_err().to_string();
        assert_eq!(
            text,
            "The following feature is not available for the LITE pricing tier configured: Z"
        );
        let used = [Feature(Plus, "Z"), Feature(Lite, "Y"), Feature(Essentials, "X")];
        let text = lite.may_use_in_tier(used).unwrap_err().to_string();
        assert_eq!(
            text,
            "The following features need to be disabled for the LITE pricing tier configured: Z, X"
        );
    }
}
