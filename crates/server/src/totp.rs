//! `poolhouse totp`: an authenticator for the command line, for tests and demonstrations.

use std::fmt::Write;

use fast_qr::QRBuilder;
use poolhouse_domain::time::Timestamp;
use totp_rs::{Builder, Secret, Totp};

/// Seconds for which a code is shown by authenticators.
const STEP: u64 = 30;

/// What the command prints: the current code, how long it is good, the `otpauth` URI, and its QR
/// code.
///
/// # Errors
/// The secret is not base32, or issuer or account can't be written into a URI.
pub(crate) fn show(
    secret: &str,
    issuer: &str,
    account: &str,
    now: Timestamp,
) -> Result<String, String> {
    let totp = totp(secret, issuer, account)?;
    let seconds = u64::try_from(now.seconds()).unwrap_or(0);
    let left = STEP - seconds % STEP;
    let uri = totp.to_url().map_err(|error| format!("no otpauth URI can be made: {error}"))?;
    let code = totp.generate(seconds);
    let qr = QRBuilder::new(uri.as_str()).build();
    let qr = qr.map_err(|error| format!("no QR code can be made: {error}"))?;
    let mut text = String::new();
    // Writing to a string can't fail.
    let _ = write!(text, "{code}\n{left} s left\n\n{uri}\n{}", qr.to_str());
    Ok(text)
}

/// The authenticator that most apps are: SHA-1, six digits, thirty seconds (RFC 6238).
fn totp(secret: &str, issuer: &str, account: &str) -> Result<Totp, String> {
    let compact: String = secret.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let compact = compact.trim_end_matches('=').to_ascii_uppercase();
    let bad = "the secret must be base32 (letters A to Z and digits 2 to 7), as \
               AssociateSoftwareToken answers it in SecretCode";
    if compact.is_empty() {
        return Err(bad.to_owned());
    }
    let secret = Secret::try_from_base32(&compact).map_err(|_| bad.to_owned())?;
    if issuer.contains(':') || account.contains(':') {
        return Err("--issuer and --account must not contain a colon".to_owned());
    }
    let builder = Builder::new().with_secret(secret).with_account_name(account);
    // "Noncompliant" because it takes secrets shorter than the 16 bytes that RFC 4226 asks for.
    Ok(builder.with_issuer(Some(issuer)).build_noncompliant())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 6238 appendix B, "12345678901234567890".
    const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn the_code_is_that_of_rfc_6238_and_its_rest_is_told() {
        let shown = show(SECRET, "Poolhouse", "alice", Timestamp::from_seconds(59)).unwrap();
        let mut lines = shown.lines();
        // The last six of the eight digits in the table of appendix B.
        assert_eq!(lines.next(), Some("287082"));
        assert_eq!(lines.next(), Some("1 s left"));
        assert!(shown.contains("otpauth://totp/Poolhouse:alice?secret=GEZDGNBV"), "{shown}");
        assert!(shown.contains('█'));
    }

    #[test]
    fn a_secret_may_be_grouped_and_in_small_letters() {
        let grouped = "gezd gnbv-gy3tqojqgezdgnbvgy3tqojq==";
        let now = Timestamp::from_seconds(59);
        assert_eq!(show(grouped, "P", "a", now), show(SECRET, "P", "a", now));
    }

    #[test]
    fn a_bad_secret_is_explained_and_not_repeated() {
        let error = show("01!", "P", "a", Timestamp::default()).unwrap_err();
        assert!(error.contains("base32") && !error.contains("01!"), "{error}");
        assert!(show("  ", "P", "a", Timestamp::default()).is_err());
        assert!(show(SECRET, "P:Q", "a", Timestamp::default()).is_err());
    }
}
