//! Storage of provisioned rates.

use std::collections::BTreeMap;

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    limits::{Category, ProvisionedLimits},
};

use crate::{engine::values, store::SqlTransaction};

const LIST: &str = "SELECT category, per_second FROM provisioned_limits";
const PUT: &str = "INSERT INTO provisioned_limits (category, per_second) VALUES ($1, $2)
    ON CONFLICT (category) DO UPDATE SET per_second = excluded.per_second";

#[async_trait]
impl ProvisionedLimits for SqlTransaction {
    async fn provisioned_limits(&mut self) -> Result<BTreeMap<Category, u32>, Fault> {
        let mut limits = BTreeMap::new();
        for mut row in self.view.fetch_all(LIST, &[]).await? {
            let (name, rate) = (row.text()?, row.int()?);
            let known = (Category::named(&name), u32::try_from(rate));
            let (Some(category), Ok(rate)) = known else {
                return Err(Fault::broken("a stored limit can't be read"));
            };
            limits.insert(category, rate);
        }
        Ok(limits)
    }

    async fn put_provisioned_limit(&mut self, category: Category, rate: u32) -> Result<(), Fault> {
        self.view.execute(PUT, values![category.as_str(), rate]).await?;
        Ok(())
    }
}
