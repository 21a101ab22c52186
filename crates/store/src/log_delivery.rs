//! Storage of where the logs of a pool go.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    log_delivery::LogDeliveries,
    shapes::{LogConfigurationType, LogDeliveryConfigurationType},
};
use poolhouse_wire::{from_stored, to_json};

use crate::{engine::values, store::SqlTransaction};

const GET: &str = "SELECT configurations FROM log_deliveries WHERE pool_id = $1";
const PUT: &str = "INSERT INTO log_deliveries (pool_id, configurations) VALUES ($1, $2)
    ON CONFLICT (pool_id) DO UPDATE SET configurations = excluded.configurations";

#[async_trait]
impl LogDeliveries for SqlTransaction {
    async fn log_configurations(
        &mut self,
        user_pool_id: &str,
    ) -> Result<Vec<LogConfigurationType>, Fault> {
        let Some(mut row) = self.view.fetch_optional(GET, values![user_pool_id]).await? else {
            return Ok(Vec::new());
        };
        let stored: LogDeliveryConfigurationType = from_stored(&row.text()?)
            .map_err(|error| Fault::because("a stored log configuration can't be read", error))?;
        Ok(stored.log_configurations)
    }

    async fn put_log_configurations(
        &mut self,
        user_pool_id: &str,
        configurations: &[LogConfigurationType],
    ) -> Result<(), Fault> {
        let stored = LogDeliveryConfigurationType {
            user_pool_id: user_pool_id.to_owned(),
            log_configurations: configurations.to_vec(),
        };
        self.view.execute(PUT, values![user_pool_id, &to_json(&stored)]).await.map(drop)
    }
}
