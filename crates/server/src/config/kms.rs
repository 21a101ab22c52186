//! `[kms]`: a key service elsewhere, in place of the server's own.

use poolhouse_adapters::kms::{AccessKey, KmsSettings};
use serde::Deserialize;

use super::{Environment, Problem, Reader, check_region};

/// The variable that holds an access key's id, for AWS's own tools.
pub(crate) const KEY_ID: &str = "AWS_ACCESS_KEY_ID";
/// The one that holds its secret.
pub(crate) const SECRET_KEY: &str = "AWS_SECRET_ACCESS_KEY";

/// The session token of an access key from variables of these names. The usual variable for it belongs
/// to the key of the usual variables: with another key, all requests would be refused.
pub(crate) fn usual_session_token(
    environment: Environment<'_>,
    names: (&str, &str),
) -> Option<String> {
    if names == (KEY_ID, SECRET_KEY) { environment("AWS_SESSION_TOKEN") } else { None }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenKms {
    endpoint: Option<String>,
    region: Option<String>,
    access_key_id_env: Option<String>,
    secret_access_key_env: Option<String>,
    session_token_env: Option<String>,
}

impl Reader<'_> {
    /// `region` is that of this server.
    pub(super) fn kms(&self, written: &WrittenKms, region: &str) -> Result<KmsSettings, Problem> {
        let region = written.region.as_deref().unwrap_or(region);
        check_region(region).map_err(|text| self.document.problem("kms.region", text))?;
        let access_key = self.kms_access_key(written)?;
        Ok(KmsSettings {
            endpoint: written.endpoint.clone(),
            region: region.to_owned(),
            access_key,
        })
    }

    /// From the variables that AWS's own tools read, unless others are named.
    fn kms_access_key(&self, written: &WrittenKms) -> Result<AccessKey, Problem> {
        let id = written.access_key_id_env.as_deref().unwrap_or(KEY_ID);
        let secret = written.secret_access_key_env.as_deref().unwrap_or(SECRET_KEY);
        let names = (id, secret);
        let id = self.variable("kms.access_key_id_env", id)?;
        let secret = self.variable("kms.secret_access_key_env", secret)?;
        let token = match &written.session_token_env {
            Some(name) => Some(self.variable("kms.session_token_env", name)?),
            None => usual_session_token(self.environment, names),
        };
        Ok(AccessKey::new(&id, &secret, token.filter(|token| !token.is_empty())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_token_goes_with_the_usual_key_only() {
        let environment = |name: &str| (name == "AWS_SESSION_TOKEN").then(|| "t".to_owned());
        let token = |id, secret| usual_session_token(&environment, (id, secret));
        assert_eq!(token(KEY_ID, SECRET_KEY).as_deref(), Some("t"));
        assert_eq!(token("ID", SECRET_KEY), None);
        assert_eq!(token(KEY_ID, "SECRET"), None);
    }
}
