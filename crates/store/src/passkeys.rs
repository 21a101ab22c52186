//! Storage of passkeys, and of registrations that were started.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    passkeys::{MOST, Passkey, Passkeys, PendingRegistration},
};

use crate::{
    engine::{Row, values},
    store::{SqlTransaction, swapped},
};

const PUT_PENDING: &str = "INSERT INTO pending_passkeys
    (pool_id, sub, client_id, challenge, expires_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (pool_id, sub) DO UPDATE SET client_id = excluded.client_id,
        challenge = excluded.challenge, expires_at = excluded.expires_at";
const PENDING: &str = "SELECT pool_id, sub, client_id, challenge, expires_at
    FROM pending_passkeys WHERE pool_id = $1 AND sub = $2";
const SPEND_PENDING: &str = "DELETE FROM pending_passkeys
    WHERE pool_id = $1 AND sub = $2 AND challenge = $3";

/// The columns of a passkey in the order in which [`read`] reads them.
macro_rules! passkey_columns {
    () => {
        "pool_id, sub, credential_id, relying_party_id, public_key, sign_count, attachment, \
         transports, friendly_name, created_at"
    };
}

const INSERT: &str = concat!(
    "INSERT INTO passkeys (",
    passkey_columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING"
);
const OF_USER: &str = concat!(
    "SELECT ",
    passkey_columns!(),
    " FROM passkeys WHERE pool_id = $1 AND sub = $2 ORDER BY created_at, credential_id LIMIT $3"
);
const COUNT_USE: &str = "UPDATE passkeys SET sign_count = $4
    WHERE pool_id = $1 AND credential_id = $2 AND sign_count = $3";
const DELETE: &str = "DELETE FROM passkeys
    WHERE pool_id = $1 AND sub = $2 AND credential_id = $3";

/// Reads a row of `passkey_columns!`.
fn read(mut row: Row) -> Result<Passkey, Fault> {
    Ok(Passkey {
        user_pool_id: row.text()?,
        sub: row.text()?,
        credential_id: row.text()?,
        relying_party_id: row.text()?,
        public_key: row.blob()?,
        sign_count: row.small()?,
        attachment: row.maybe_text()?,
        transports: serde_json::from_str(&row.text()?)
            .map_err(|error| Fault::because("stored transports can't be read", error))?,
        friendly_name: row.text()?,
        created_at: row.time()?,
    })
}

fn read_pending(mut row: Row) -> Result<PendingRegistration, Fault> {
    Ok(PendingRegistration {
        user_pool_id: row.text()?,
        sub: row.text()?,
        client_id: row.text()?,
        challenge: row
            .blob()?
            .try_into()
            .map_err(|_| Fault::broken("a stored challenge has another length"))?,
        expires_at: row.time()?,
    })
}

#[async_trait]
impl Passkeys for SqlTransaction {
    async fn put_pending_passkey(&mut self, pending: &PendingRegistration) -> Result<(), Fault> {
        let values = values![
            &pending.user_pool_id,
            &pending.sub,
            &pending.client_id,
            pending.challenge.as_slice(),
            pending.expires_at
        ];
        self.view.execute(PUT_PENDING, values).await.map(drop)
    }

    async fn pending_passkey(
        &mut self,
        user_pool_id: &str,
        sub: &str,
    ) -> Result<Option<PendingRegistration>, Fault> {
        let found = self.view.fetch_optional(PENDING, values![user_pool_id, sub]).await?;
        found.map(read_pending).transpose()
    }

    async fn spend_pending_passkey(&mut self, pending: &PendingRegistration) -> Result<(), Fault> {
        let challenge = pending.challenge.as_slice();
        let values = values![&pending.user_pool_id, &pending.sub, challenge];
        swapped(self.view.execute(SPEND_PENDING, values).await?, "the started registration")
    }

    async fn insert_passkey(&mut self, passkey: &Passkey) -> Result<bool, Fault> {
        let transports = serde_json::to_string(&passkey.transports)
            .map_err(|error| Fault::because("transports can't be written", error))?;
        let values = values![
            &passkey.user_pool_id,
            &passkey.sub,
            &passkey.credential_id,
            &passkey.relying_party_id,
            &passkey.public_key,
            passkey.sign_count,
            &passkey.attachment,
            &transports,
            &passkey.friendly_name,
            passkey.created_at
        ];
        Ok(self.view.execute(INSERT, values).await? == 1)
    }

    async fn passkeys_of_user(
        &mut self,
        user_pool_id: &str,
        sub: &str,
    ) -> Result<Vec<Passkey>, Fault> {
        let most = i64::try_from(MOST).unwrap_or(i64::MAX);
        let rows = self.view.fetch_all(OF_USER, values![user_pool_id, sub, most]).await?;
        rows.into_iter().map(read).collect()
    }

    async fn update_sign_count(&mut self, passkey: &Passkey, count: u32) -> Result<(), Fault> {
        let values =
            values![&passkey.user_pool_id, &passkey.credential_id, passkey.sign_count, count];
        swapped(self.view.execute(COUNT_USE, values).await?, "the passkey")
    }

    async fn delete_passkey(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        credential_id: &str,
    ) -> Result<bool, Fault> {
        let values = values![user_pool_id, sub, credential_id];
        Ok(self.view.execute(DELETE, values).await? == 1)
    }
}
