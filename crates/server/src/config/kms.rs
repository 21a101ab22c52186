//! `[kms]`: a key service elsewhere, in place of the server's own.

use poolhouse_adapters::kms::{AccessKey, KmsSettings};
use serde::Deserialize;

use super::{Problem, Reader, check_region};

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
        let id = written.access_key_id_env.as_deref().unwrap_or("AWS_ACCESS_KEY_ID");
        let secret = written.secret_access_key_env.as_deref().unwrap_or("AWS_SECRET_ACCESS_KEY");
        let id = self.variable("kms.access_key_id_env", id)?;
        let secret = self.variable("kms.secret_access_key_env", secret)?;
        let token = match &written.session_token_env {
            Some(name) => Some(self.variable("kms.session_token_env", name)?),
            None => (self.environment)("AWS_SESSION_TOKEN"),
        };
        Ok(AccessKey::new(&id, &secret, token.filter(|token| !token.is_empty())))
    }
}
