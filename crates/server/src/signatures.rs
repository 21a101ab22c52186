//! The two ways to look at request signatures: verify them, or don't.

use std::sync::Arc;

use async_trait::async_trait;
use http::request::Parts;
use poolhouse_adapters::signature::{self, Scope};
use poolhouse_api::signatures::{Administrator, Authority, Service, SignatureRefused, Signatures};
use poolhouse_domain::{
    Fault,
    access_keys::Policies,
    ports::{Clock, Store},
};

/// For `serve`: signatures are verified against the access keys in the store. Keys and their
/// policies are read for each request, so that changes count at once, on every node.
pub(crate) struct Verified {
    /// Where the access keys are.
    pub(crate) store: Arc<dyn Store>,
    /// Signatures are good for minutes.
    pub(crate) clock: Arc<dyn Clock>,
    /// The region that signatures must name.
    pub(crate) region: String,
}

#[async_trait]
impl Signatures for Verified {
    async fn verify(
        &self,
        service: Service,
        parts: &Parts,
        body: &[u8],
    ) -> Result<Result<Administrator, SignatureRefused>, Fault> {
        let now = self.clock.now();
        let scope = Scope { region: &self.region, service: service.name() };
        let verified = signature::verify(parts, body, &*self.store, now, scope).await?;
        Ok(match verified {
            Ok(signer) => {
                let policies = Policies::read(&signer.policies).map_err(|problem| {
                    Fault::because("the policies of an access key can't be read", problem)
                })?;
                Ok(Administrator {
                    access_key_id: signer.access_key_id,
                    name: signer.name,
                    region: signer.region,
                    authority: Authority::Limited(policies),
                })
            }
            Err(refused) => {
                Err(SignatureRefused { type_name: refused.type_name, message: refused.message })
            }
        })
    }
}

/// For `dev`: everybody on this machine is an administrator.
pub(crate) struct Unchecked {
    /// The region of requests whose signature names none.
    pub(crate) region: String,
}

#[async_trait]
impl Signatures for Unchecked {
    async fn verify(
        &self,
        _service: Service,
        parts: &Parts,
        _body: &[u8],
    ) -> Result<Result<Administrator, SignatureRefused>, Fault> {
        let region = signature::claimed_region(parts).unwrap_or_else(|| self.region.clone());
        Ok(Ok(Administrator {
            access_key_id: "DEV".to_owned(),
            name: "dev".to_owned(),
            region,
            authority: Authority::Everything,
        }))
    }
}
