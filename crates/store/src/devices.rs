//! Storage of devices.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    devices::{Device, DeviceVerifier, Devices},
    time::Timestamp,
};
use zeroize::Zeroizing;

use crate::{
    engine::{Row, values},
    store::SqlTransaction,
};

const INSERT: &str = "INSERT INTO devices
    (pool_id, sub, device_key, name, is_remembered, sealed_verifier, last_ip, waiting_session,
     created_at, modified_at, last_authenticated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT DO NOTHING";
const GET: &str = "SELECT pool_id, sub, device_key, name, is_remembered, sealed_verifier, last_ip,
        waiting_session, created_at, modified_at, last_authenticated_at
    FROM devices WHERE pool_id = $1 AND sub = $2 AND device_key = $3";
const LIST: &str = "SELECT pool_id, sub, device_key, name, is_remembered, sealed_verifier, last_ip,
        waiting_session, created_at, modified_at, last_authenticated_at
    FROM devices WHERE pool_id = $1 AND sub = $2 AND device_key > $3 AND is_remembered >= $4
    ORDER BY device_key LIMIT $5";
const REMEMBER: &str = "UPDATE devices SET is_remembered = $4, modified_at = $5
    WHERE pool_id = $1 AND sub = $2 AND device_key = $3";
const AWAIT: &str = "UPDATE devices SET waiting_session = $4
    WHERE pool_id = $1 AND sub = $2 AND device_key = $3";
const USE: &str = "UPDATE devices SET waiting_session = NULL, last_ip = COALESCE($4, last_ip),
        modified_at = $5, last_authenticated_at = $5
    WHERE pool_id = $1 AND sub = $2 AND device_key = $3 AND is_remembered >= $6";
const DELETE: &str = "DELETE FROM devices WHERE pool_id = $1 AND sub = $2 AND device_key = $3";
const TRIM: &str = "DELETE FROM devices WHERE pool_id = $1 AND sub = $2 AND device_key IN
    (SELECT device_key FROM devices WHERE pool_id = $1 AND sub = $2
     ORDER BY last_authenticated_at DESC, device_key LIMIT 1000 OFFSET $3)";

const VERIFIER: &str = "devices.sealed_verifier";

/// Salt and verifier as one row of bytes: the length of the salt goes first.
fn packed(verifier: &DeviceVerifier) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let length = u8::try_from(verifier.salt.len())
        .map_err(|error| Fault::because("the salt of a device is too long", error))?;
    Ok(Zeroizing::new([&[length], verifier.salt.as_slice(), &verifier.verifier].concat()))
}

fn unpacked(bytes: &[u8]) -> Option<DeviceVerifier> {
    let (length, rest) = bytes.split_first()?;
    let (salt, verifier) = rest.split_at_checked(usize::from(*length))?;
    Some(DeviceVerifier { salt: salt.to_vec(), verifier: Zeroizing::new(verifier.to_vec()) })
}

impl SqlTransaction {
    async fn read_device(&self, mut row: Row) -> Result<Device, Fault> {
        let (user_pool_id, sub, key) = (row.text()?, row.text()?, row.text()?);
        let (name, is_remembered) = (row.maybe_text()?, row.flag()?);
        let opened = self.open(VERIFIER, &[&user_pool_id, &sub, &key], &row.blob()?).await?;
        let verifier = unpacked(&opened).ok_or(Fault::broken("a stored device has no verifier"))?;
        Ok(Device {
            user_pool_id,
            sub,
            key,
            name,
            is_remembered,
            verifier,
            last_ip: row.maybe_text()?,
            waiting_session: row.maybe_text()?,
            created_at: row.time()?,
            modified_at: row.time()?,
            last_authenticated_at: row.time()?,
        })
    }
}

#[async_trait]
impl Devices for SqlTransaction {
    async fn insert_device(&mut self, device: &Device) -> Result<bool, Fault> {
        let (pool_id, sub, key) = (&device.user_pool_id, &device.sub, &device.key);
        let sealed = self.seal(VERIFIER, &[pool_id, sub, key], &packed(&device.verifier)?);
        let values = values![
            pool_id,
            sub,
            key,
            &device.name,
            device.is_remembered,
            &sealed,
            &device.last_ip,
            &device.waiting_session,
            device.created_at,
            device.modified_at,
            device.last_authenticated_at
        ];
        Ok(self.view.execute(INSERT, values).await? == 1)
    }

    async fn device(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        key: &str,
    ) -> Result<Option<Device>, Fault> {
        match self.view.fetch_optional(GET, values![user_pool_id, sub, key]).await? {
            Some(row) => self.read_device(row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn list_devices(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        only_remembered: bool,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Device>, Fault> {
        let after = after.unwrap_or_default();
        let values = values![user_pool_id, sub, after, only_remembered, limit];
        let rows = self.view.fetch_all(LIST, values).await?;
        let mut devices = Vec::with_capacity(rows.len());
        for row in rows {
            devices.push(self.read_device(row).await?);
        }
        Ok(devices)
    }

    async fn remember_device(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        key: &str,
        is_remembered: bool,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let values = values![user_pool_id, sub, key, is_remembered, now];
        Ok(self.view.execute(REMEMBER, values).await? == 1)
    }

    async fn await_device(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        key: &str,
        session: &str,
    ) -> Result<(), Fault> {
        self.view.execute(AWAIT, values![user_pool_id, sub, key, session]).await.map(drop)
    }

    async fn use_device(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        key: &str,
        ip: Option<&str>,
        must_be_remembered: bool,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let ip = ip.map(str::to_owned);
        let values = values![user_pool_id, sub, key, &ip, now, must_be_remembered];
        Ok(self.view.execute(USE, values).await? == 1)
    }

    async fn delete_device(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        key: &str,
    ) -> Result<bool, Fault> {
        Ok(self.view.execute(DELETE, values![user_pool_id, sub, key]).await? == 1)
    }

    async fn trim_devices(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        keep: u32,
    ) -> Result<(), Fault> {
        self.view.execute(TRIM, values![user_pool_id, sub, keep]).await.map(drop)
    }
}
