//! Tags of user pools: names and values by which their owners sort them. They mean nothing here.

use std::collections::BTreeMap;

use crate::user_pools::UserPool;

/// Tags that a pool can have at most.
const MOST: usize = 50;

/// Why a pool can't have these tags. The texts are beliefs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagsRefused {
    /// More than fifty.
    #[error("A user pool can have at most 50 tags.")]
    TooMany,
    /// A key that the provider keeps for itself.
    #[error("aws: prefixed tag key names are not allowed for external use.")]
    Reserved,
}

/// Checks all tags of a pool: fifty at most, none of the provider's.
pub fn check(tags: &BTreeMap<String, String>) -> Result<(), TagsRefused> {
    if tags.len() > MOST {
        return Err(TagsRefused::TooMany);
    }
    if tags.keys().any(|key| key.to_lowercase().starts_with("aws:")) {
        return Err(TagsRefused::Reserved);
    }
    Ok(())
}

impl UserPool {
    /// The tags, by key.
    pub fn tags(&self) -> BTreeMap<String, String> {
        self.settings.user_pool_tags.clone().unwrap_or_default()
    }

    /// Adds tags, in place of those with the same keys. Nothing changes after a refusal.
    pub fn add_tags(&mut self, new: BTreeMap<String, String>) -> Result<(), TagsRefused> {
        let mut tags = self.tags();
        tags.extend(new);
        check(&tags)?;
        self.settings.user_pool_tags = Some(tags);
        Ok(())
    }

    /// Takes the tags with these keys away. Keys that the pool does not have are passed over.
    pub fn remove_tags(&mut self, keys: &[String]) {
        if let Some(tags) = &mut self.settings.user_pool_tags {
            tags.retain(|key, _| !keys.contains(key));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(numbers: std::ops::Range<u8>) -> BTreeMap<String, String> {
        numbers.map(|number| (format!("k{number}"), String::new())).collect()
    }

    #[test]
    fn a_refusal_leaves_the_tags_as_they_were() {
        let mut pool = UserPool::default();
        pool.add_tags(numbered(0..50)).unwrap();
        assert_eq!(pool.add_tags(numbered(49..51)), Err(TagsRefused::TooMany));
        let reserved = BTreeMap::from([("AWS:x".to_owned(), String::new())]);
        pool.remove_tags(&["k0".to_owned(), "unknown".to_owned()]);
        assert_eq!(pool.add_tags(reserved), Err(TagsRefused::Reserved));
        assert_eq!(pool.tags(), numbered(1..50));
        pool.add_tags(numbered(0..50)).unwrap();
        assert_eq!(pool.tags(), numbered(0..50));
    }
}
