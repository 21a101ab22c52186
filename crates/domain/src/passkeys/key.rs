//! Public keys of passkeys. `coset` reads them, `aws-lc-rs` checks what they signed.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use coset::{
    Algorithm, CborSerializable, CoseKey, KeyType, Label,
    cbor::value::Value,
    iana::{self, Ec2KeyParameter, EllipticCurve, EnumI64, RsaKeyParameter},
};

/// The algorithms that are offered to authenticators, as WebAuthn numbers them: ES256 and RS256.
pub(super) const ALGORITHMS: [i64; 2] = [-7, -257];

/// Bytes of a coordinate on P-256.
const COORDINATE: usize = 32;

/// Whether `signature` is one over `message` by the key in this `COSE_Key`.
pub(super) fn verifies(cose_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    parse(cose_key).is_some_and(|key| key.verify_sig(message, signature).is_ok())
}

/// Whether this is a key with which signatures can be checked.
pub(super) fn is_usable(cose_key: &[u8]) -> bool {
    parse(cose_key).is_some()
}

/// The key, if it is of an algorithm that was offered, and sound: a point on its curve, or a modulus
/// of 2,048 to 8,192 bits.
fn parse(cose_key: &[u8]) -> Option<ParsedPublicKey> {
    let key = CoseKey::from_slice(cose_key).ok()?;
    match (&key.kty, key.alg.as_ref()?) {
        (KeyType::Assigned(iana::KeyType::EC2), Algorithm::Assigned(iana::Algorithm::ES256)) => {
            elliptic(&key)
        }
        (KeyType::Assigned(iana::KeyType::RSA), Algorithm::Assigned(iana::Algorithm::RS256)) => {
            rsa(&key)
        }
        _ => None,
    }
}

fn elliptic(key: &CoseKey) -> Option<ParsedPublicKey> {
    /// Marks a point that is given by both coordinates.
    const UNCOMPRESSED: u8 = 4;
    let curve = parameter(key, Ec2KeyParameter::Crv.to_i64())?.as_integer()?;
    if i128::from(curve) != i128::from(EllipticCurve::P_256.to_i64()) {
        return None;
    }
    let x = parameter(key, Ec2KeyParameter::X.to_i64())?.as_bytes()?;
    let y = parameter(key, Ec2KeyParameter::Y.to_i64())?.as_bytes()?;
    if x.len() != COORDINATE || y.len() != COORDINATE {
        return None;
    }
    let point = [&[UNCOMPRESSED], x.as_slice(), y.as_slice()].concat();
    ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).ok()
}

fn rsa(key: &CoseKey) -> Option<ParsedPublicKey> {
    let n = parameter(key, RsaKeyParameter::N.to_i64())?.as_bytes()?;
    let e = parameter(key, RsaKeyParameter::E.to_i64())?.as_bytes()?;
    RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok()
}

fn parameter(key: &CoseKey, label: i64) -> Option<&Value> {
    key.params.iter().find(|(name, _)| *name == Label::Int(label)).map(|(_, value)| value)
}
