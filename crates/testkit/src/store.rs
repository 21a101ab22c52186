//! A store of each test's own, which is empty at first.

use std::{env, sync::Arc};

use poolhouse_domain::{
    ports::{Entropy, Store},
    sealing::{Keyring, MasterKey},
};
use poolhouse_store::{Location, OpenError, SqlStore};

use crate::{START, postgres::Borrowed};

/// Names the engine: `sqlite`, as if it were not set, or `postgres`.
const ENGINE_VARIABLE: &str = "POOLHOUSE_TEST_ENGINE";

/// The URL of a PostgreSQL server on which databases may be made.
const POSTGRES_VARIABLE: &str = "POOLHOUSE_TEST_POSTGRES";

/// Opens an empty database, and answers the keys that seal what is in it. Its master key is fixed.
#[expect(clippy::panic, reason = "whoever starts the tests must hear of a mistake")]
pub(crate) async fn open(
    entropy: Arc<dyn Entropy>,
) -> Result<(Arc<dyn Store>, Arc<Keyring>), OpenError> {
    let master_key = MasterKey::new([7; 32]);
    match env::var(ENGINE_VARIABLE).as_deref().unwrap_or("sqlite") {
        "sqlite" => {
            let store = SqlStore::open(&Location::Ephemeral, master_key, entropy, START).await?;
            let keyring = store.keyring();
            Ok((Arc::new(store), keyring))
        }
        "postgres" => {
            let Ok(server) = env::var(POSTGRES_VARIABLE) else {
                panic!("{ENGINE_VARIABLE}=postgres needs {POSTGRES_VARIABLE}");
            };
            let store = Borrowed::take(&server, master_key, entropy).await?;
            let keyring = store.keyring();
            Ok((Arc::new(store), keyring))
        }
        other => panic!("{ENGINE_VARIABLE} is sqlite or postgres, not {other}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::SeededEntropy;

    #[tokio::test]
    async fn a_store_begins_empty_and_is_nobody_else_s() {
        let mut seen = BTreeSet::new();
        for seed in [1, 3, 5] {
            let (store, _) = open(Arc::new(SeededEntropy::new(seed))).await.unwrap();
            let (other, _) = open(Arc::new(SeededEntropy::new(seed + 1))).await.unwrap();
            // An empty store makes a data key at once, out of the randomness that it was given.
            for store in [store, other] {
                let keys = store.read().await.unwrap().data_keys().await.unwrap();
                assert_eq!(keys.len(), 1);
                assert!(seen.insert(keys[0].wrapped.clone()), "a store was used before");
            }
        }
    }
}
