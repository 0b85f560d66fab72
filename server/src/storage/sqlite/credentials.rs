//! Credentials in SQLite.

use async_trait::async_trait;
use mtor_shared::credential::CredentialId;
use sqlx::Row;

use super::{Sqlite, damaged, failed, json, to_json};
use crate::storage::{
    StorageError,
    credentials::{CredentialRecord, CredentialStorage},
};

#[async_trait]
impl CredentialStorage for Sqlite {
    async fn credentials(&self) -> Result<Vec<(CredentialRecord, Vec<u8>)>, StorageError> {
        let rows = sqlx::query("SELECT facts, sealed FROM credentials ORDER BY id")
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        let read = |row| -> Result<(CredentialRecord, Vec<u8>), StorageError> {
            let sealed: Vec<u8> = sqlx::sqlite::SqliteRow::try_get(row, "sealed").map_err(damaged)?;
            Ok((json(row, "facts")?, sealed))
        };
        let mut all: Vec<(CredentialRecord, Vec<u8>)> = rows.iter().map(read).collect::<Result<_, _>>()?;
        all.sort_by_key(|(record, _)| record.created_at_ms);
        Ok(all)
    }

    async fn put_credential(&self, record: &CredentialRecord, sealed: &[u8]) -> Result<(), StorageError> {
        sqlx::query("INSERT OR REPLACE INTO credentials (id, source, facts, sealed) VALUES (?, ?, ?, ?)")
            .bind(&record.id.0)
            .bind(&record.source.0)
            .bind(to_json(record)?)
            .bind(sealed)
            .execute(&self.pool)
            .await
            .map_err(failed)
            .map(|_| ())
    }

    async fn delete_credential(&self, id: &CredentialId) -> Result<bool, StorageError> {
        let gone = sqlx::query("DELETE FROM credentials WHERE id = ?").bind(&id.0).execute(&self.pool).await;
        Ok(gone.map_err(failed)?.rows_affected() == 1)
    }
}
