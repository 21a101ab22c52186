//! `[kms]`: a key service elsewhere, in place of the server's own.

use std::path::PathBuf;

use poolhouse_adapters::kms::{self, AccessKey, KmsSettings};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Problem, Reader, check_region};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenKms {
    endpoint: Option<String>,
    region: Option<String>,
    access_key_id: String,
    secret_access_key_file: Option<PathBuf>,
    secret_access_key_env: Option<String>,
}

impl Reader<'_> {
    /// `region` is that of this server.
    pub(super) fn kms(&self, written: &WrittenKms, region: &str) -> Result<KmsSettings, Problem> {
        let region = written.region.as_deref().unwrap_or(region);
        check_region(region).map_err(|text| self.document.problem("kms.region", text))?;
        let endpoint = match &written.endpoint {
            Some(url) => kms::endpoint(url),
            None => kms::endpoint(&kms::aws_endpoint(region)),
        };
        let endpoint = endpoint.map_err(|text| self.document.problem("kms.endpoint", text))?;
        if written.access_key_id.is_empty() {
            return Err(self.document.problem("kms.access_key_id", "must not be empty"));
        }
        let secret = self.kms_secret(written)?;
        let access_key = AccessKey::new(&written.access_key_id, &secret);
        Ok(KmsSettings { endpoint, region: region.to_owned(), access_key })
    }

    fn kms_secret(&self, written: &WrittenKms) -> Result<Zeroizing<String>, Problem> {
        match (&written.secret_access_key_file, &written.secret_access_key_env) {
            (Some(path), None) => {
                let key = "kms.secret_access_key_file";
                let text = String::from_utf8(self.bytes(key, path)?).map(Zeroizing::new);
                let text = text.map_err(|_| self.document.problem(key, "is not text"))?;
                Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
            }
            (None, Some(variable)) => {
                Ok(Zeroizing::new(self.variable("kms.secret_access_key_env", variable)?))
            }
            _ => {
                let text = "needs exactly one of: secret_access_key_file, or \
                            secret_access_key_env (the name of an environment variable)";
                Err(self.document.problem("kms", text))
            }
        }
    }
}
