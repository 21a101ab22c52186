//! `DescribeRiskConfiguration`: what is in effect for a pool, or for an app client of it.

use poolhouse_domain::{
    ports::Ports,
    shapes::{DescribeRiskConfigurationRequest, DescribeRiskConfigurationResponse},
    threat_protection::configuration,
};
use poolhouse_wire::operations::DescribeRiskConfiguration as Op;

use super::{require_add_on, require_client};
use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DescribeRiskConfigurationRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        require_add_on::<Op>(&pool)?;
        require_client::<Op>(ports, pool.id(), input.client_id.as_ref()).await?;
        let client_id = input.client_id.as_deref().map(String::as_str);
        let mut view = ports.store.read().await?;
        let stored = view.risk_configurations(pool.id(), client_id).await?;
        // That the defaults are spelled out, and that a client is named, are beliefs.
        let risk_configuration = configuration::in_effect(stored, pool.id(), client_id);
        Ok(DescribeRiskConfigurationResponse { risk_configuration })
    }
}
