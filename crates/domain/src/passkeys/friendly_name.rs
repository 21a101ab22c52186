//! What a passkey is called.
//!
//! On record is only "Roaming passkey" for those that travel on a device of their own. That others
//! are called after the software that keeps them is a belief.

/// Names of well-known keepers of passkeys by the AAGUID with which they mark theirs.
const KEEPERS: &[(&str, &str)] = &[
    ("08987058cadc4b81b6e130de50dcbe96", "Windows Hello"),
    ("531126d6e717415c93203d9aa6981239", "Dashlane"),
    ("6028b017b1d44c02b4b3afcdafc96bb2", "Windows Hello"),
    ("9ddd1817af5a4672a2b93e3dd95000a9", "Windows Hello"),
    ("adce000235bcc60a648b0b25f1f05503", "Chrome on Mac"),
    ("bada5566a7aa401fbd9645619a55120d", "1Password"),
    ("d548826e79b4db40a3d811116f7e8349", "Bitwarden"),
    ("ea9b8d664d011d213ce4b6b48cb575d4", "Google Password Manager"),
    ("fbfc3007154e4ecc8c0b6e020557d7bd", "iCloud Keychain"),
];

/// A name for the user to know the passkey by.
pub(super) fn of(aaguid: &[u8; 16], attachment: Option<&str>) -> String {
    if attachment == Some("cross-platform") {
        return "Roaming passkey".to_owned();
    }
    let aaguid = hex::encode(aaguid);
    let keeper = KEEPERS.iter().find(|(known, _)| *known == aaguid);
    keeper.map_or("Passkey", |(_, name)| name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roaming_passkeys_known_keepers_and_others_have_names() {
        let mut aaguid = [0; 16];
        hex::decode_to_slice("fbfc3007154e4ecc8c0b6e020557d7bd", &mut aaguid).unwrap();
        assert_eq!(of(&aaguid, Some("platform")), "iCloud Keychain");
        assert_eq!(of(&aaguid, Some("cross-platform")), "Roaming passkey");
        assert_eq!(of(&[0; 16], None), "Passkey");
    }
}
