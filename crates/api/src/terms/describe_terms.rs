//! `DescribeTerms`: a terms document by its id.

use poolhouse_domain::{
    ports::Ports,
    shapes::{DescribeTermsRequest, DescribeTermsResponse},
};
use poolhouse_wire::operations::DescribeTerms as Op;

use super::find;
use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DescribeTermsRequest) -> Answer<Op> {
        let mut tx = ports.store.read().await?;
        let terms = find::<Op>(&mut *tx, &input.user_pool_id, &input.terms_id).await?;
        Ok(DescribeTermsResponse { terms: Some(terms.details) })
    }
}
