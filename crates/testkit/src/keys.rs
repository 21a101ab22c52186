//! RSA keys that are in the repository, so that no test waits for a fresh one. For tests only.

use std::sync::atomic::{AtomicUsize, Ordering};

use poolhouse_domain::{
    Fault,
    tokens::{jwt::SigningKey, keys::KeyReserve},
};

/// 2048-bit RSA private keys in PKCS#8 DER.
const KEYS: [&[u8]; 4] = [
    include_bytes!("../keys/test-only-1.der"),
    include_bytes!("../keys/test-only-2.der"),
    include_bytes!("../keys/test-only-3.der"),
    include_bytes!("../keys/test-only-4.der"),
];

/// A reserve that never runs out: it hands out the same four keys again and again, so that the two
/// keys of a pool always differ.
pub fn key_reserve() -> KeyReserve {
    let taken = AtomicUsize::new(0);
    KeyReserve::with_source(move || {
        let number = taken.fetch_add(1, Ordering::Relaxed) % KEYS.len();
        let key = KEYS.get(number).ok_or(Fault::broken("there are four test keys"))?;
        SigningKey::from_pkcs8(key).map_err(|_| Fault::broken("a test key can't be parsed"))
    })
}
