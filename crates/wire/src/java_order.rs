//! The order in which a Java `HashMap` or `HashSet` of strings iterates.
//!
//! The service returns set-like members and prints enum sets in this order. That it does so is an
//! inference, checked by computation against recorded answers (see the tests): buckets by
//! `hashCode`, table size by the number of entries at load factor 0.75, insertion order within a
//! bucket.

/// `entries`, deduplicated, in the iteration order of a Java `HashSet` filled in the given order.
pub fn java_hash_order<S, I>(entries: I) -> Vec<S>
where
    S: AsRef<str>,
    I: IntoIterator<Item = S>,
{
    java_hash_order_by(entries, |entry| entry.as_ref())
}

/// As [`java_hash_order`], for entries that have a name (attributes, providers).
pub fn java_hash_order_by<T, I, F>(entries: I, name: F) -> Vec<T>
where
    I: IntoIterator<Item = T>,
    F: Fn(&T) -> &str,
{
    let mut kept: Vec<T> = Vec::new();
    for entry in entries {
        if !kept.iter().any(|other| name(other) == name(&entry)) {
            kept.push(entry);
        }
    }
    let mask = capacity(kept.len()) - 1;
    kept.sort_by_key(|entry| spread_hash(name(entry)) & mask); // stable: keeps insertion order
    kept
}

/// The table doubles from 16 whenever more than three quarters of it are taken.
fn capacity(entries: usize) -> u32 {
    let mut capacity: u32 = 16;
    while entries > capacity as usize / 4 * 3 {
        capacity = capacity.saturating_mul(2);
    }
    capacity
}

/// `String.hashCode()` over UTF-16 code units, its high half folded in as `HashMap` does.
fn spread_hash(text: &str) -> u32 {
    let hash = text
        .encode_utf16()
        .fold(0u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)));
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sorts the names of a recorded answer and expects the recorded order back.
    fn assert_recorded(recorded: &str) {
        let recorded: Vec<&str> = recorded.split(", ").collect();
        let mut sorted = recorded.clone();
        sorted.sort_unstable();
        assert_eq!(java_hash_order(sorted), recorded);
    }

    #[test]
    fn recorded_user_attributes_are_in_hash_order() {
        assert_recorded("sub, email_verified, phone_number_verified, phone_number, email");
    }

    #[test]
    fn recorded_read_attributes_are_in_hash_order_of_a_grown_table() {
        assert_recorded(
            "website, zoneinfo, address, birthdate, email_verified, gender, profile, \
             phone_number_verified, preferred_username, locale, middle_name, picture, updated_at, \
             name, nickname, phone_number, family_name, email",
        );
    }

    #[test]
    fn recorded_auth_flows_are_in_hash_order() {
        assert_recorded(
            "ALLOW_CUSTOM_AUTH, ALLOW_USER_PASSWORD_AUTH, ALLOW_ADMIN_USER_PASSWORD_AUTH, \
             ALLOW_USER_SRP_AUTH, ALLOW_REFRESH_TOKEN_AUTH",
        );
    }

    #[test]
    fn recorded_short_sets_are_in_hash_order() {
        assert_recorded("implicit, client_credentials, code");
        assert_recorded("implicit, code");
        assert_recorded("phone_number, email");
        assert_recorded("POST, GET");
        assert_recorded("Google, COGNITO, MySAML");
    }

    #[test]
    fn duplicates_collapse() {
        assert_eq!(java_hash_order(["code", "implicit", "code"]), ["implicit", "code"]);
    }
}
