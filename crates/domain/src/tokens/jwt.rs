//! Signing and verifying JSON web tokens (RFC 7515, RFC 7519) with RS256, the only algorithm of
//! user pools.
//!
//! Keys are parsed once and kept: parsing a private key costs half as much as signing with it. The
//! header has exactly the members `kid` and `alg`, in this order, without `typ`, as the service's has.
//!
//! Here are signatures only. What the claims say, and whether a token is still good, is decided in
//! the modules beside this one.

use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
        RsaPublicKeyComponents,
    },
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::fault::Fault;

/// The longest token that is read, in bytes. Ours stay far below, even with a hundred groups.
const MAX_TOKEN: usize = 64 * 1_024;

/// Components of keys by other issuers are read up to 8,192 bits.
const MAX_COMPONENT: usize = 8_192 / 8;

/// An RSA key of 2048 bits that signs tokens. Never printed.
pub struct SigningKey {
    pair: RsaKeyPair,
    public: PublicComponents,
    verifying: VerifyingKey,
    kid: String,
    /// The first part of every token signed with this key, with its dot.
    header: String,
}

/// The bytes are not an RSA private key of 2048 bits or more in PKCS#8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an RSA signing key")]
pub struct InvalidKey;

impl SigningKey {
    /// Makes a new key: between 30 and 160 ms of a core. aws-lc draws the random numbers itself.
    pub fn generate() -> Result<Self, Fault> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048)
            .map_err(|error| Fault::because("no RSA key could be generated", error))?;
        Self::new(pair).map_err(|error| Fault::because("a new RSA key is unusable", error))
    }

    /// Reads what [`Self::to_pkcs8`] wrote. Checks the key's consistency, which takes half as
    /// long as a signature: keep the result.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, InvalidKey> {
        Self::new(RsaKeyPair::from_pkcs8(der).map_err(|_| InvalidKey)?)
    }

    fn new(pair: RsaKeyPair) -> Result<Self, InvalidKey> {
        let der = pair.public_key().as_ref();
        let public = PublicComponents::from_der(der).ok_or(InvalidKey)?;
        let verifying = VerifyingKey::from_bytes(&public.modulus, &public.exponent)?;
        let kid = STANDARD.encode(digest(&SHA256, der));
        // Base64 has no characters that JSON would escape.
        let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"kid":"{kid}","alg":"RS256"}}"#));
        Ok(Self { pair, public, verifying, kid, header: format!("{header}.") })
    }

    /// The private key in PKCS#8 DER, for storage. Seal it.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let der: Pkcs8V1Der<'_> = self
            .pair
            .as_der()
            .map_err(|error| Fault::because("an RSA key can't be written", error))?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }

    /// Names the key in headers and in the JWKS: standard base64 of the SHA-256 of the public key
    /// (the DER of RFC 8017's `RSAPublicKey`), 44 characters. That the service derives it so is a
    /// belief; that it has this form is observed.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// `n` of the JWKS: base64url without padding.
    pub fn modulus(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.public.modulus)
    }

    /// `e` of the JWKS: base64url without padding, `AQAB` for the keys made here.
    pub fn exponent(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.public.exponent)
    }

    /// The key that verifies what this one signs.
    pub const fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// Whether this key signed the token.
    pub fn verifies(&self, token: &Parsed<'_>) -> bool {
        self.verifying.verifies(token)
    }

    /// Signs claims, given as JSON text, to a complete token. A third of a millisecond: run it on
    /// [`crate::ports::Workers`].
    pub fn sign(&self, claims_json: &str) -> Result<String, Fault> {
        let mut token = self.header.clone();
        URL_SAFE_NO_PAD.encode_string(claims_json, &mut token);
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature)
            .map_err(|error| Fault::because("an RSA signature failed", error))?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// A public RSA key, parsed and ready to verify.
#[derive(Clone)]
pub struct VerifyingKey(ParsedPublicKey);

impl VerifyingKey {
    /// From `n` and `e` of a JWKS.
    pub fn from_jwk(modulus: &str, exponent: &str) -> Result<Self, InvalidKey> {
        let decode = |text| URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidKey);
        Self::from_bytes(&decode(modulus)?, &decode(exponent)?)
    }

    fn from_bytes(modulus: &[u8], exponent: &[u8]) -> Result<Self, InvalidKey> {
        // Some issuers write `n` with a leading zero byte, against RFC 7518 section 6.3.1.1.
        let (n, e) = (without_zeros(modulus), without_zeros(exponent));
        if n.len() > MAX_COMPONENT || e.len() > MAX_COMPONENT {
            return Err(InvalidKey);
        }
        RsaPublicKeyComponents { n, e }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .map(Self)
            .map_err(|_| InvalidKey)
    }

    /// Whether the token was signed by this key's owner.
    pub fn verifies(&self, token: &Parsed<'_>) -> bool {
        self.0.verify_sig(token.signing_input.as_bytes(), &token.signature).is_ok()
    }
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VerifyingKey")
    }
}

/// A token that was taken apart. **Nothing in it is to be believed** before
/// [`VerifyingKey::verifies`] said yes.
#[derive(Debug)]
pub struct Parsed<'a> {
    /// Which key signed it, as it claims. Our tokens always do; empty if it does not say.
    pub kid: String,
    /// The claims, JSON by convention.
    pub payload: Vec<u8>,
    /// What the signature is about: header and payload as they were sent.
    pub signing_input: &'a str,
    /// The signature.
    pub signature: Vec<u8>,
}

/// Not an RS256 token in compact form (RFC 7515 section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an RS256 token")]
pub struct InvalidToken;

/// What is read of a header; other members don't matter (RFC 7515 section 4).
#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    kid: String,
    alg: String,
    /// Extensions that must be understood to accept the token. None are.
    crit: Option<serde::de::IgnoredAny>,
}

/// Takes a token apart, without verifying it.
pub fn parse(token: &str) -> Result<Parsed<'_>, InvalidToken> {
    if token.len() > MAX_TOKEN {
        return Err(InvalidToken);
    }
    let (signing_input, signature) = token.rsplit_once('.').ok_or(InvalidToken)?;
    let (header, payload) = signing_input.split_once('.').ok_or(InvalidToken)?;
    let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| InvalidToken)?;
    if header.alg != "RS256" || header.crit.is_some() {
        return Err(InvalidToken);
    }
    let (payload, signature) = (decode(payload)?, decode(signature)?);
    Ok(Parsed { kid: header.kid, payload, signing_input, signature })
}

fn decode(part: &str) -> Result<Vec<u8>, InvalidToken> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| InvalidToken)
}

/// The two numbers of a public key, big-endian without leading zeros.
struct PublicComponents {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl PublicComponents {
    /// Reads the DER of `RSAPublicKey` (RFC 8017 appendix A.1.1): a sequence of two integers.
    fn from_der(der: &[u8]) -> Option<Self> {
        let (sequence, _) = der_value(0x30, der)?;
        let (modulus, rest) = der_value(0x02, sequence)?;
        let (exponent, _) = der_value(0x02, rest)?;
        let [modulus, exponent] = [modulus, exponent].map(|n| without_zeros(n).to_vec());
        Some(Self { modulus, exponent })
    }
}

/// The value of a DER element with this tag, and what follows it.
fn der_value(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first()?;
    let (length, rest) = rest.split_first()?;
    if *first != tag {
        return None;
    }
    // A length of 128 or more has its number of bytes in the first, and follows it.
    let (length_bytes, rest) = match length.checked_sub(0x80) {
        None => (std::slice::from_ref(length), rest),
        Some(count @ 1..=2) => rest.split_at_checked(count.into())?,
        Some(_) => return None,
    };
    let length = length_bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    rest.split_at_checked(length)
}

fn without_zeros(mut integer: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = integer {
        integer = rest;
    }
    integer
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate().unwrap());

    const CLAIMS: &str = r#"{"sub":"11111111-2222-4333-8444-555555555555","exp":1}"#;

    #[test]
    fn a_token_has_the_header_members_kid_and_alg_and_nothing_else() {
        let token = KEY.sign(CLAIMS).unwrap();
        let parts: Vec<_> = token.split('.').collect();
        let header = URL_SAFE_NO_PAD.decode(parts[0]).unwrap();
        let expected = format!(r#"{{"kid":"{}","alg":"RS256"}}"#, KEY.kid());
        assert_eq!(header, expected.as_bytes());
        assert_eq!(URL_SAFE_NO_PAD.decode(parts[1]).unwrap(), CLAIMS.as_bytes());
        assert_eq!(parts.len(), 3);
    }

    #[test]
    fn signed_tokens_verify_with_the_key_from_the_jwks() {
        let token = KEY.sign(CLAIMS).unwrap();
        let parsed = parse(&token).unwrap();
        assert_eq!(parsed.kid, KEY.kid());
        assert_eq!(parsed.payload, CLAIMS.as_bytes());
        let jwk = VerifyingKey::from_jwk(&KEY.modulus(), &KEY.exponent()).unwrap();
        assert!(jwk.verifies(&parsed));
        assert!(KEY.verifies(&parsed));
    }

    #[test]
    fn the_public_key_is_written_as_in_a_jwks() {
        assert_eq!(KEY.exponent(), "AQAB");
        assert_eq!(URL_SAFE_NO_PAD.decode(KEY.modulus()).unwrap().len(), 256);
        assert_eq!(KEY.kid().len(), 44);
        assert_eq!(STANDARD.decode(KEY.kid()).unwrap().len(), 32);
    }

    #[test]
    fn altered_tokens_and_other_keys_do_not_verify() {
        let token = KEY.sign(CLAIMS).unwrap();
        let key = KEY.verifying_key();
        let other = SigningKey::generate().unwrap();
        assert!(!other.verifies(&parse(&token).unwrap()));
        assert_ne!(other.kid(), KEY.kid());
        let dot = token.rfind('.').unwrap();
        for position in [dot - 3, dot + 1, dot + 100] {
            let mut altered = token.clone().into_bytes();
            altered[position] = if altered[position] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert!(!parse(&altered).is_ok_and(|parsed| key.verifies(&parsed)), "{position}");
        }
    }

    #[test]
    fn a_stored_key_is_the_same_key() {
        let der = KEY.to_pkcs8().unwrap();
        let key = SigningKey::from_pkcs8(&der).unwrap();
        assert_eq!((key.kid(), key.modulus()), (KEY.kid(), KEY.modulus()));
        assert_eq!(key.sign(CLAIMS).unwrap(), KEY.sign(CLAIMS).unwrap());
        assert_eq!(SigningKey::from_pkcs8(&der[1..]).unwrap_err(), InvalidKey);
        assert_eq!(SigningKey::from_pkcs8(&[]).unwrap_err(), InvalidKey);
    }

    fn with_header(header: &str) -> String {
        format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(header))
    }

    #[test]
    fn other_algorithms_critical_extensions_and_double_members_are_refused() {
        assert!(parse(&with_header(r#"{"alg":"RS256","typ":"JWT"}"#)).is_ok());
        for header in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"HS256"}"#,
            r#"{"alg":"rs256"}"#,
            r#"{"alg":null}"#,
            r#"{"kid":"a"}"#,
            r#"{"alg":"RS256","alg":"none"}"#,
            r#"{"alg":"RS256","crit":["exp"]}"#,
            r#"{"alg":"RS256","kid":7}"#,
            r#"["RS256"]"#,
            "{}",
            "",
        ] {
            assert_eq!(parse(&with_header(header)).unwrap_err(), InvalidToken, "{header}");
        }
    }

    #[test]
    fn what_is_not_three_parts_of_unpadded_base64url_is_refused() {
        let token = with_header(r#"{"alg":"RS256"}"#);
        let long = format!("{token}{}", "A".repeat(MAX_TOKEN));
        let altered = [format!("{token}."), format!("{token}="), format!(".{token}"), long];
        for token in altered.iter().map(String::as_str).chain(["", ".", "..", "a.b", "ä.ö.ü"]) {
            assert!(parse(token).is_err());
        }
    }

    #[test]
    fn unusable_public_keys_are_refused() {
        for (n, e) in [("", "AQAB"), ("AQAB", ""), ("!", "AQAB"), ("AA", "AA")] {
            assert!(VerifyingKey::from_jwk(n, e).is_err(), "{n} {e}");
        }
        let huge = URL_SAFE_NO_PAD.encode(vec![255; MAX_COMPONENT + 1]);
        assert!(VerifyingKey::from_jwk(&huge, "AQAB").is_err());
        let padded = [&[0], URL_SAFE_NO_PAD.decode(KEY.modulus()).unwrap().as_slice()].concat();
        let key = VerifyingKey::from_jwk(&URL_SAFE_NO_PAD.encode(padded), "AQAB").unwrap();
        assert!(key.verifies(&parse(&KEY.sign("{}").unwrap()).unwrap()));
    }

    proptest! {
        #[test]
        fn garbage_is_refused_and_does_not_panic(token in "\\PC{0,80}") {
            prop_assert!(parse(&token).is_err());
        }

        #[test]
        fn garbage_in_three_parts_does_not_verify(
            header in "[A-Za-z0-9_-]{0,60}",
            payload in "[A-Za-z0-9_-]{0,60}",
            signature in "[A-Za-z0-9_-]{0,400}",
        ) {
            let key = KEY.verifying_key();
            let good = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#);
            for header in [header, good] {
                let token = format!("{header}.{payload}.{signature}");
                prop_assert!(!parse(&token).is_ok_and(|parsed| key.verifies(&parsed)));
            }
        }

        #[test]
        fn garbage_is_no_key(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(SigningKey::from_pkcs8(&bytes).is_err());
            let _ = PublicComponents::from_der(&bytes);
            let _ = VerifyingKey::from_bytes(&bytes, &[1, 0, 1]);
        }
    }
}
