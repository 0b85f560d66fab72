//! Descriptions in SQLite.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use mtor_shared::source::SourceId;
use sqlx::{Row, SqliteConnection};

use super::{Sqlite, damaged, failed, json, signed, to_json};
use crate::storage::{
    StorageError,
    sources::{Description, SourceRecord, SourceStorage, Texts},
};

const CURRENT: &str = "current";
const CANDIDATE: &str = "candidate";
/// Values bound in one query; SQLite takes 32,766.
const BATCH: usize = 500;

async fn write(
    connection: &mut SqliteConnection,
    source: &str,
    slot: &str,
    description: &Description,
) -> Result<(), StorageError> {
    drop_slot(connection, source, slot).await?;
    let main = (description.base.as_deref().unwrap_or_default(), description.text.as_str());
    let others = description.others.iter().map(|(address, text)| (address.as_str(), text.as_str()));
    for (part, (address, text)) in std::iter::once(main).chain(others).enumerate() {
        sqlx::query("INSERT INTO descriptions (source, slot, part, address, text) VALUES (?, ?, ?, ?, ?)")
            .bind(source)
            .bind(slot)
            .bind(i64::try_from(part).unwrap_or(i64::MAX))
            .bind(address)
            .bind(text)
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

async fn drop_slot(connection: &mut SqliteConnection, source: &str, slot: &str) -> Result<(), StorageError> {
    sqlx::query("DELETE FROM descriptions WHERE source = ? AND slot = ?")
        .bind(source)
        .bind(slot)
        .execute(connection)
        .await
        .map_err(failed)
        .map(|_| ())
}

fn hash(bytes: &[u8]) -> Result<[u8; 32], StorageError> {
    bytes.try_into().map_err(|_| damaged("a text's hash has another length"))
}

#[async_trait]
impl SourceStorage for Sqlite {
    async fn sources(&self) -> Result<Vec<SourceRecord>, StorageError> {
        let rows = sqlx::query("SELECT decided FROM sources ORDER BY created_at_ms, id")
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        rows.iter().map(|row| json(row, "decided")).collect()
    }

    async fn description(&self, id: &SourceId, candidate: bool) -> Result<Option<Description>, StorageError> {
        let parts =
            sqlx::query("SELECT address, text FROM descriptions WHERE source = ? AND slot = ? ORDER BY part")
                .bind(&id.0)
                .bind(if candidate { CANDIDATE } else { CURRENT })
                .fetch_all(&self.pool)
                .await
                .map_err(failed)?;
        let mut texts = parts.iter().map(|row| {
            let get = |column: &str| row.try_get::<String, _>(column).map_err(damaged);
            Ok((get("address")?, get("text")?))
        });
        let Some((base, text)) = texts.next().transpose()? else { return Ok(None) };
        let base = Some(base).filter(|base| !base.is_empty());
        Ok(Some(Description { text, base, others: texts.collect::<Result<_, StorageError>>()? }))
    }

    async fn put_source(&self, record: &SourceRecord, texts: Texts<'_>) -> Result<(), StorageError> {
        let id = record.id.0.as_str();
        let mut transaction = self.pool.begin().await.map_err(failed)?;
        sqlx::query(
            "INSERT INTO sources (id, decided, created_at_ms) VALUES (?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET decided = excluded.decided",
        )
        .bind(id)
        .bind(to_json(record)?)
        .bind(signed(record.created_at_ms))
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        match texts {
            Texts::Keep => {}
            Texts::Current(description) => {
                write(&mut transaction, id, CURRENT, description).await?;
                drop_slot(&mut transaction, id, CANDIDATE).await?;
            }
            Texts::Candidate(description) => write(&mut transaction, id, CANDIDATE, description).await?,
            Texts::DropCandidate => drop_slot(&mut transaction, id, CANDIDATE).await?,
            Texts::Accept => {
                drop_slot(&mut transaction, id, CURRENT).await?;
                sqlx::query("UPDATE descriptions SET slot = ? WHERE source = ? AND slot = ?")
                    .bind(CURRENT)
                    .bind(id)
                    .bind(CANDIDATE)
                    .execute(&mut *transaction)
                    .await
                    .map_err(failed)?;
            }
        }
        transaction.commit().await.map_err(failed)
    }

    async fn delete_source(&self, id: &SourceId) -> Result<(), StorageError> {
        let mut transaction = self.pool.begin().await.map_err(failed)?;
        for statement in ["DELETE FROM credentials WHERE source = ?", "DELETE FROM sources WHERE id = ?"] {
            sqlx::query(statement).bind(&id.0).execute(&mut *transaction).await.map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }

    async fn meanings(
        &self,
        model: &str,
        texts: &[[u8; 32]],
    ) -> Result<HashMap<[u8; 32], Vec<i8>>, StorageError> {
        let mut found = HashMap::new();
        for batch in texts.chunks(BATCH) {
            let mut query = sqlx::QueryBuilder::new("SELECT text, vector FROM meanings WHERE model = ");
            query.push_bind(model).push(" AND text IN (");
            let mut list = query.separated(", ");
            for text in batch {
                list.push_bind(text.as_slice());
            }
            query.push(")");
            for row in query.build().fetch_all(&self.pool).await.map_err(failed)? {
                let vector: &[u8] = row.try_get("vector").map_err(damaged)?;
                let vector = vector.iter().map(|byte| byte.cast_signed()).collect();
                found.insert(hash(row.try_get("text").map_err(damaged)?)?, vector);
            }
        }
        Ok(found)
    }

    async fn put_meanings(&self, model: &str, meanings: &[([u8; 32], Vec<i8>)]) -> Result<(), StorageError> {
        let mut transaction = self.pool.begin().await.map_err(failed)?;
        for (text, vector) in meanings {
            let bytes: Vec<u8> = vector.iter().map(|value| value.cast_unsigned()).collect();
            sqlx::query("INSERT OR REPLACE INTO meanings (model, text, vector) VALUES (?, ?, ?)")
                .bind(model)
                .bind(text.as_slice())
                .bind(bytes)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }

    async fn prune_meanings(&self, model: &str, keep: &HashSet<[u8; 32]>) -> Result<u64, StorageError> {
        let rows =
            sqlx::query("SELECT model, text FROM meanings").fetch_all(&self.pool).await.map_err(failed)?;
        let mut transaction = self.pool.begin().await.map_err(failed)?;
        let mut pruned = 0;
        for row in &rows {
            let of: &str = row.try_get("model").map_err(damaged)?;
            let text: &[u8] = row.try_get("text").map_err(damaged)?;
            if of == model && keep.contains(&hash(text)?) {
                continue;
            }
            let gone = sqlx::query("DELETE FROM meanings WHERE model = ? AND text = ?").bind(of).bind(text);
            pruned += gone.execute(&mut *transaction).await.map_err(failed)?.rows_affected();
        }
        transaction.commit().await.map_err(failed)?;
        Ok(pruned)
    }
}
