//! Seeds on a whole server, without its listener.

use poolhouse_testkit::Kit;

use super::*;

const EXAMPLE: &str = include_str!("../../../../docs/examples/seed.toml");
const POOL: &str = "us-east-1_Example01";

/// Plants a text; the error as the operator sees it, without the folder.
async fn plant_text(kit: &Kit, text: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seed.toml");
    std::fs::write(&path, text).unwrap();
    let prefix = format!("{}/", folder.path().display());
    plant(&path, &kit.ports).await.map_err(|error| error.to_string().replace(&prefix, ""))
}

#[tokio::test]
async fn the_example_makes_a_pool_clients_and_users() {
    let kit = Kit::new().await.unwrap();
    plant_text(&kit, EXAMPLE).await.unwrap();
    let mut view = kit.ports.store.read().await.unwrap();
    let pool = view.user_pool(POOL).await.unwrap().unwrap();
    assert!(pool.offers(MfaFactor::SoftwareToken));
    assert_eq!(view.signing_keys(POOL).await.unwrap().len(), 2);
    let backend = view.app_client("examplebackend").await.unwrap().unwrap();
    assert_eq!(backend.secrets[0].value, "secretForDevelopmentOnly0123456789");
    assert!(backend.secrets[0].id.starts_with("examplebackend--"));
    let grace = view.user_by_username(POOL, "grace").await.unwrap().unwrap();
    assert_eq!(grace.status, UserStatusType::Confirmed);
    assert_eq!(grace.mfa.preferred, Some(MfaFactor::SoftwareToken));
    assert!(passwords::matches(&kit.ports, &grace, "Correct-Horse-8").await.unwrap());
    let linus = view.user_by_username(POOL, "linus").await.unwrap().unwrap();
    assert_eq!(linus.status, UserStatusType::ForceChangePassword);
    let ada = view.user_by_alias(POOL, "ada@example.com").await.unwrap().unwrap();
    assert_eq!(ada.attribute("custom:tier"), Some("gold"));
}

#[tokio::test]
async fn planting_again_changes_nothing_and_adds_what_is_new() {
    let kit = Kit::new().await.unwrap();
    plant_text(&kit, EXAMPLE).await.unwrap();
    let before = kit.ports.store.read().await.unwrap().user_by_username(POOL, "ada").await.unwrap();
    let more = EXAMPLE.replace("Correct-Horse-7", "Another-Horse-7")
        + "[[pools.users]]\nusername = \"new\"\npassword = \"Correct-Horse-9\"\n";
    plant_text(&kit, &more).await.unwrap();
    let mut view = kit.ports.store.read().await.unwrap();
    assert_eq!(view.user_by_username(POOL, "ada").await.unwrap(), before);
    assert!(view.user_by_username(POOL, "new").await.unwrap().is_some());
    assert_eq!(view.count_users(POOL).await.unwrap(), 4);
}

#[tokio::test]
async fn what_the_api_would_refuse_is_refused_with_line_and_key() {
    for (from, to, expected) in [
        ("us-east-1_E", "eu-west-1_E", "seed.toml:5: pools.0.id: must be us-east-1_"),
        ("PoolName", "PoolTitle", "seed.toml:7: pools.0.settings: "),
        ("AutoVerifiedA", "AutoA", "seed.toml:9: pools.0.settings.AutoAttributes: is no parameter"),
        ("\"OPTIONAL\"", "\"SOMETIMES\"", "pools.0.mfa: "),
        ("Correct-Horse-7", "short", "pools.0.users.0.password: does not satisfy"),
        ("\"custom:tier\"", "\"custom:rank\"", "pools.0.users.0: refused"),
        ("= \"JBSWY3DP", "= \"1BSWY3DP", "pools.0.users.1.totp_secret: must be base32"),
        ("temporary_password", "temp_password", "temp_password: unknown field"),
    ] {
        assert!(EXAMPLE.contains(from));
        let kit = Kit::new().await.unwrap();
        let error = plant_text(&kit, &EXAMPLE.replacen(from, to, 1)).await.unwrap_err();
        assert!(error.contains(expected), "{error} should contain {expected}");
    }
}

#[test]
fn short_secrets_make_the_same_codes_as_before() {
    let Secret(bytes) = totp_secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
    assert_eq!((&bytes[..20], &bytes[20..]), (&b"12345678901234567890"[..], &[0; 12][..]));
    // RFC 6238 appendix B at 59 s.
    let at = poolhouse_domain::time::Timestamp::from_seconds(59);
    assert_eq!(poolhouse_domain::totp::code::current_code(&bytes, at).as_str(), "287082");
    assert!(totp_secret("").is_err() && totp_secret(&"A".repeat(56)).is_err());
}
