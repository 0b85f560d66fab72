//! The ledger in SQLite.

use async_trait::async_trait;
use mtor_shared::{
    identity::PersonId,
    ledger::{Account, Body, Hash, Limits, Price, ReservationId, Subject},
};
use sqlx::{QueryBuilder, Row, SqliteConnection, sqlite::SqliteRow};

use super::{Sqlite, damaged, failed, json, signed, to_json};
use crate::storage::{
    StorageError,
    ledger::{Append, LedgerStorage, StoredEntry, StoredReservation},
};

/// Rows in one statement; SQLite takes 32,766 values.
const ROWS: usize = 1_000;

fn stored(row: &SqliteRow) -> Result<StoredEntry, StorageError> {
    let hash: &[u8] = row.try_get("hash").map_err(damaged)?;
    let hash: [u8; 32] = hash.try_into().map_err(|_| damaged("a hash has another length"))?;
    Ok(StoredEntry {
        seq: number(row, "seq")?,
        text: row.try_get("text").map_err(damaged)?,
        hash: Hash::from_bytes(hash),
    })
}

fn number(row: &SqliteRow, column: &str) -> Result<u64, StorageError> {
    let number: i64 = row.try_get(column).map_err(damaged)?;
    u64::try_from(number).map_err(damaged)
}

async fn append(connection: &mut SqliteConnection, entries: &[Append]) -> Result<(), StorageError> {
    let mut insert = QueryBuilder::new("INSERT INTO ledger (seq, text, hash) ");
    insert.push_values(entries, |mut row, Append { sealed, .. }| {
        row.push_bind(signed(sealed.entry.seq));
        row.push_bind(&sealed.text);
        row.push_bind(sealed.hash.as_bytes().as_slice());
    });
    insert.build().execute(&mut *connection).await.map_err(failed)?;

    let mut touched: Vec<(String, u64)> = Vec::new();
    for Append { sealed, .. } in entries {
        for leg in &sealed.entry.legs {
            touched.push((leg.from.to_string(), sealed.entry.seq));
            touched.push((leg.to.to_string(), sealed.entry.seq));
        }
    }
    touched.sort();
    touched.dedup();
    for touched in touched.chunks(ROWS) {
        let mut insert = QueryBuilder::new("INSERT INTO ledger_accounts (account, seq) ");
        insert.push_values(touched, |mut row, (account, seq)| {
            row.push_bind(account);
            row.push_bind(signed(*seq));
        });
        insert.build().execute(&mut *connection).await.map_err(failed)?;
    }

    for Append { sealed, name } in entries {
        let seq = signed(sealed.entry.seq);
        if let Some(reservation) = sealed.entry.body.reservation() {
            let begins = matches!(sealed.entry.body, Body::Hold { .. });
            let query = if begins {
                sqlx::query("INSERT INTO ledger_reservations (hold, id) VALUES (?, ?)")
            } else {
                sqlx::query("UPDATE ledger_reservations SET ended = ? WHERE id = ? AND ended IS NULL")
            };
            let done = query.bind(seq).bind(reservation.to_string()).execute(&mut *connection).await;
            if done.map_err(failed)?.rows_affected() != 1 {
                return Err(damaged(format!("the reservation {reservation} ends twice")));
            }
        }
        if let Some((owner, name)) = name {
            sqlx::query("INSERT OR REPLACE INTO ledger_names (owner, name, seq) VALUES (?, ?, ?)")
                .bind(owner.as_str())
                .bind(name)
                .bind(seq)
                .execute(&mut *connection)
                .await
                .map_err(failed)?;
        }
    }
    Ok(())
}

#[async_trait]
impl LedgerStorage for Sqlite {
    async fn ledger(&self, after: u64, limit: u32) -> Result<Vec<StoredEntry>, StorageError> {
        let rows = sqlx::query("SELECT seq, text, hash FROM ledger WHERE seq > ? ORDER BY seq LIMIT ?")
            .bind(signed(after))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        rows.iter().map(stored).collect()
    }

    async fn append_ledger(&self, entries: &[Append]) -> Result<(), StorageError> {
        let mut transaction = self.ledger.begin().await.map_err(failed)?;
        for entries in entries.chunks(ROWS) {
            append(&mut transaction, entries).await?;
        }
        transaction.commit().await.map_err(failed)
    }

    async fn ledger_entry(&self, seq: u64) -> Result<Option<StoredEntry>, StorageError> {
        let row = sqlx::query("SELECT seq, text, hash FROM ledger WHERE seq = ?")
            .bind(signed(seq))
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        row.as_ref().map(stored).transpose()
    }

    async fn ledger_of(
        &self,
        accounts: &[Account],
        before: u64,
        limit: u32,
    ) -> Result<Vec<StoredEntry>, StorageError> {
        let mut query = QueryBuilder::new(
            "SELECT seq, text, hash FROM ledger WHERE seq IN (SELECT seq FROM ledger_accounts WHERE account IN (",
        );
        let mut names = query.separated(", ");
        for account in accounts {
            names.push_bind(account.to_string());
        }
        query.push(") AND seq < ");
        query.push_bind(signed(before));
        query.push(" ORDER BY seq DESC) ORDER BY seq DESC LIMIT ");
        query.push_bind(i64::from(limit));
        let rows = query.build().fetch_all(&self.pool).await.map_err(failed)?;
        rows.iter().map(stored).collect()
    }

    async fn reservation(&self, id: &ReservationId) -> Result<Option<StoredReservation>, StorageError> {
        let row = sqlx::query("SELECT hold, ended FROM ledger_reservations WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        let Some(row) = row else { return Ok(None) };
        let ended: Option<i64> = row.try_get("ended").map_err(damaged)?;
        let ended = ended.map(u64::try_from).transpose().map_err(damaged)?;
        Ok(Some(StoredReservation { hold: number(&row, "hold")?, ended }))
    }

    async fn ledger_named(&self, owner: &PersonId, name: &str) -> Result<Option<u64>, StorageError> {
        let row = sqlx::query("SELECT seq FROM ledger_names WHERE owner = ? AND name = ?")
            .bind(owner.as_str())
            .bind(name)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        row.as_ref().map(|row| number(row, "seq")).transpose()
    }

    async fn limits(&self) -> Result<Vec<(Subject, Limits)>, StorageError> {
        let rows = sqlx::query("SELECT subject, limits FROM limits").fetch_all(&self.pool).await;
        let rows = rows.map_err(failed)?;
        rows.iter().map(|row| Ok((json(row, "subject")?, json(row, "limits")?))).collect()
    }

    async fn put_limits(&self, subject: &Subject, limits: &Limits) -> Result<(), StorageError> {
        sqlx::query("INSERT OR REPLACE INTO limits (subject, limits) VALUES (?, ?)")
            .bind(to_json(subject)?)
            .bind(to_json(limits)?)
            .execute(&self.pool)
            .await
            .map_err(failed)
            .map(|_| ())
    }

    async fn prices(&self) -> Result<Vec<(String, Price)>, StorageError> {
        let rows = sqlx::query("SELECT of, price FROM prices").fetch_all(&self.pool).await.map_err(failed)?;
        rows.iter().map(|row| Ok((row.try_get("of").map_err(damaged)?, json(row, "price")?))).collect()
    }

    async fn put_price(&self, of: &str, price: Option<&Price>) -> Result<(), StorageError> {
        let query = match price {
            Some(price) => {
                sqlx::query("INSERT OR REPLACE INTO prices (price, of) VALUES (?, ?)").bind(to_json(price)?)
            }
            None => sqlx::query("DELETE FROM prices WHERE of = ?"),
        };
        query.bind(of.to_owned()).execute(&self.pool).await.map_err(failed).map(|_| ())
    }
}
