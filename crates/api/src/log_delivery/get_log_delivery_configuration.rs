//! `GetLogDeliveryConfiguration`: where the logs of a pool go.

use poolhouse_domain::{
    ports::Ports,
    shapes::{
        GetLogDeliveryConfigurationRequest, GetLogDeliveryConfigurationResponse,
        LogDeliveryConfigurationType,
    },
};
use poolhouse_wire::operations::GetLogDeliveryConfiguration as Op;

use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: GetLogDeliveryConfigurationRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let log_configurations = ports.store.read().await?.log_configurations(pool.id()).await?;
        let user_pool_id = pool.id().to_owned();
        // That the list is empty, and not absent, where none was ever set is a belief.
        let configuration = LogDeliveryConfigurationType { user_pool_id, log_configurations };
        Ok(GetLogDeliveryConfigurationResponse { log_delivery_configuration: Some(configuration) })
    }
}
