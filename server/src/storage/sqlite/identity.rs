//! People, sessions and keys in SQLite.

use async_trait::async_trait;
use mtor_shared::identity::{ApiKey, Person, PersonId, Role, SessionId};
use sqlx::{Row, sqlite::SqliteRow};

use super::{Sqlite, damaged, failed, json, signed, to_json};
use crate::storage::{
    StorageError,
    identity::{Digest, IdentityStorage, KeyRecord, SessionRecord},
};

fn text(row: &SqliteRow, column: &str) -> Result<String, StorageError> {
    row.try_get(column).map_err(damaged)
}

fn person_id(row: &SqliteRow, column: &str) -> Result<PersonId, StorageError> {
    PersonId::try_from(text(row, column)?).map_err(damaged)
}

fn time(row: &SqliteRow, column: &str) -> Result<u64, StorageError> {
    let time: i64 = row.try_get(column).map_err(damaged)?;
    u64::try_from(time).map_err(damaged)
}

fn digest(row: &SqliteRow, column: &str) -> Result<Digest, StorageError> {
    let bytes: &[u8] = row.try_get(column).map_err(damaged)?;
    bytes.try_into().map_err(|_| damaged("a hash has another length"))
}

fn person(row: &SqliteRow) -> Result<Person, StorageError> {
    let role = text(row, "role")?;
    let role = Role::ALL.into_iter().find(|known| known.name() == role);
    Ok(Person {
        id: person_id(row, "id")?,
        role: role.ok_or_else(|| damaged("a person has an unknown role"))?,
        banned: row.try_get("banned").map_err(damaged)?,
        since_ms: time(row, "since_ms")?,
    })
}

fn session(row: &SqliteRow) -> Result<SessionRecord, StorageError> {
    Ok(SessionRecord {
        id: SessionId(text(row, "id")?),
        token: digest(row, "token")?,
        person: person_id(row, "person")?,
        created_at_ms: time(row, "created_at_ms")?,
        expires_at_ms: time(row, "expires_at_ms")?,
    })
}

#[async_trait]
impl IdentityStorage for Sqlite {
    async fn people(&self) -> Result<Vec<Person>, StorageError> {
        let rows = sqlx::query("SELECT id, role, banned, since_ms FROM people").fetch_all(&self.pool).await;
        rows.map_err(failed)?.iter().map(person).collect()
    }

    async fn put_person(&self, person: &Person) -> Result<(), StorageError> {
        // Not REPLACE, which would remove the row first and with it the person's sessions.
        sqlx::query(
            "INSERT INTO people (id, role, banned, since_ms) VALUES (?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET role = excluded.role, banned = excluded.banned",
        )
        .bind(person.id.as_str())
        .bind(person.role.name())
        .bind(person.banned)
        .bind(signed(person.since_ms))
        .execute(&self.pool)
        .await
        .map_err(failed)
        .map(|_| ())
    }

    async fn sessions(&self, now_ms: u64) -> Result<Vec<SessionRecord>, StorageError> {
        sqlx::query("DELETE FROM sessions WHERE expires_at_ms <= ?")
            .bind(signed(now_ms))
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        let rows = sqlx::query("SELECT id, token, person, created_at_ms, expires_at_ms FROM sessions")
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        rows.iter().map(session).collect()
    }

    async fn put_session(&self, session: &SessionRecord) -> Result<(), StorageError> {
        sqlx::query(
            "INSERT OR REPLACE INTO sessions (id, token, person, created_at_ms, expires_at_ms)
             VALUES (?, ?, ?, ?, ?)",
        )
        .bind(&session.id.0)
        .bind(session.token.as_slice())
        .bind(session.person.as_str())
        .bind(signed(session.created_at_ms))
        .bind(signed(session.expires_at_ms))
        .execute(&self.pool)
        .await
        .map_err(failed)
        .map(|_| ())
    }

    async fn delete_session(&self, id: &SessionId) -> Result<(), StorageError> {
        let gone = sqlx::query("DELETE FROM sessions WHERE id = ?").bind(&id.0).execute(&self.pool).await;
        gone.map_err(failed).map(|_| ())
    }

    async fn api_keys(&self) -> Result<Vec<KeyRecord>, StorageError> {
        let rows = sqlx::query("SELECT owner, secret, facts FROM api_keys").fetch_all(&self.pool).await;
        let read = |row: &SqliteRow| {
            // Who owns it is kept once, where it can be handed over.
            let key = ApiKey { owner: person_id(row, "owner")?, ..json(row, "facts")? };
            Ok(KeyRecord { key, secret: digest(row, "secret")? })
        };
        rows.map_err(failed)?.iter().map(read).collect()
    }

    async fn put_api_key(&self, KeyRecord { key, secret }: &KeyRecord) -> Result<(), StorageError> {
        sqlx::query("INSERT OR REPLACE INTO api_keys (id, owner, secret, facts) VALUES (?, ?, ?, ?)")
            .bind(&key.id.0)
            .bind(key.owner.as_str())
            .bind(secret.as_slice())
            .bind(to_json(key)?)
            .execute(&self.pool)
            .await
            .map_err(failed)
            .map(|_| ())
    }

    async fn hand_over(&self, from: &PersonId, to: &PersonId) -> Result<(), StorageError> {
        let mut transaction = self.pool.begin().await.map_err(failed)?;
        for statement in
            ["UPDATE runs SET owner = ? WHERE owner = ?", "UPDATE api_keys SET owner = ? WHERE owner = ?"]
        {
            sqlx::query(statement)
                .bind(to.as_str())
                .bind(from.as_str())
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }
}
