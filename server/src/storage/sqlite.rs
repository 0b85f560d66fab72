//! Storage in one SQLite file.

mod credentials;
mod identity;
mod ledger;
mod sources;

use std::{
    collections::HashMap,
    fs::File,
    io::ErrorKind,
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use mtor_shared::{
    identity::PersonId,
    run::RunId,
    stream::{Chunk, ChunkBody},
};
use serde::de::DeserializeOwned;
use sqlx::{
    Row, SqlitePool,
    migrate::{Migration, MigrationType, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};

use super::{Created, Entry, RunRecord, Storage, StorageError};

/// Embedded in the binary, in order; one that was released is never edited.
const MIGRATIONS: [(i64, &str, &str); 4] = [
    (1, "runs", include_str!("migrations/0001_runs.sql")),
    (2, "sources", include_str!("migrations/0002_sources.sql")),
    (3, "people", include_str!("migrations/0003_people.sql")),
    (4, "ledger", include_str!("migrations/0004_ledger.sql")),
];

/// How long a writer waits for another one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The database of one realm. One process holds it at a time: two would carry the same runs out twice.
pub struct Sqlite {
    pool: SqlitePool,
    /// One connection of its own for entries of the ledger, which survive a power cut too: every commit waits for the
    /// disk, and many entries share one.
    ledger: SqlitePool,
    /// Held, never read: the lock ends with the process, however that ends. None for whoever only reads.
    lock: Mutex<Option<File>>,
}

impl Sqlite {
    /// Opens the database in a folder, makes both when they are not there, and brings it up to date.
    ///
    /// # Errors
    /// [`StorageError`] when the folder cannot be written, is in use, or holds something else.
    pub async fn open(folder: &Path) -> Result<Self, StorageError> {
        let lock = lock(folder)?;
        let options = SqliteConnectOptions::new()
            .filename(folder.join("realm.sqlite"))
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // With WAL this loses nothing when the process dies, and at worst the last moment in a power cut.
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_with(options.clone())
            .await
            .map_err(failed)?;
        migrator().run(&pool).await.map_err(|error| match error {
            sqlx::migrate::MigrateError::Execute(error) => failed(error),
            other => StorageError::Damaged(other.to_string()),
        })?;
        let ledger = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_with(options.synchronous(SqliteSynchronous::Full))
            .await
            .map_err(failed)?;
        Ok(Self { pool, ledger, lock: Mutex::new(Some(lock)) })
    }

    /// Opens the database in a folder beside whoever works with it, to read and nothing else.
    ///
    /// # Errors
    /// [`StorageError`] where there is none.
    pub async fn open_to_read(folder: &Path) -> Result<Self, StorageError> {
        let options = SqliteConnectOptions::new().filename(folder.join("realm.sqlite")).read_only(true);
        let options = options.busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.map_err(failed)?;
        Ok(Self { ledger: pool.clone(), pool, lock: Mutex::new(None) })
    }
}

fn migrator() -> Migrator {
    let migrations = MIGRATIONS.iter().map(|(version, name, sql)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, sqlx::SqlStr::from_static(sql), false)
    });
    Migrator::with_migrations(migrations.collect())
}

fn lock(folder: &Path) -> Result<File, StorageError> {
    let shown = folder.display();
    let not_writable = |error: std::io::Error| match error.kind() {
        ErrorKind::StorageFull => StorageError::Full,
        _ => StorageError::NotWritable(format!("{shown}: {error}")),
    };
    std::fs::create_dir_all(folder).map_err(not_writable)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join("realm.lock"))
        .map_err(not_writable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StorageError::Locked(shown.to_string())),
        Err(std::fs::TryLockError::Error(error)) => Err(not_writable(error)),
    }
}

/// SQLite's result codes (<https://sqlite.org/rescode.html>) in our words; extended codes carry the primary one in
/// their lowest byte.
fn failed(error: sqlx::Error) -> StorageError {
    let text = error.to_string();
    let sqlx::Error::Database(database) = &error else {
        return match error {
            sqlx::Error::PoolTimedOut => StorageError::Locked(text),
            sqlx::Error::Io(io) if io.kind() == ErrorKind::StorageFull => StorageError::Full,
            _ => StorageError::Other(text),
        };
    };
    match database.code().and_then(|code| code.parse::<i32>().ok()).map(|code| code & 0xff) {
        Some(5 | 6) => StorageError::Locked(text),
        Some(8 | 14) => StorageError::NotWritable(text),
        Some(13) => StorageError::Full,
        Some(11 | 26) => StorageError::Damaged(text),
        _ => StorageError::Other(text),
    }
}

fn damaged(error: impl std::fmt::Display) -> StorageError {
    StorageError::Damaged(error.to_string())
}

fn json<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<T, StorageError> {
    let text: &str = row.try_get(column).map_err(damaged)?;
    serde_json::from_str(text).map_err(damaged)
}

fn to_json(value: &impl serde::Serialize) -> Result<String, StorageError> {
    serde_json::to_string(value).map_err(|error| StorageError::Other(error.to_string()))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn record(row: &SqliteRow) -> Result<RunRecord, StorageError> {
    let id: String = row.try_get("id").map_err(damaged)?;
    let owner: String = row.try_get("owner").map_err(damaged)?;
    let created_at_ms: i64 = row.try_get("created_at_ms").map_err(damaged)?;
    Ok(RunRecord {
        id: RunId::try_from(id).map_err(damaged)?,
        owner: PersonId::try_from(owner).map_err(damaged)?,
        plan: json(row, "plan")?,
        created_at_ms: u64::try_from(created_at_ms).map_err(damaged)?,
    })
}

#[async_trait]
impl Storage for Sqlite {
    async fn close(&self) {
        self.ledger.close().await;
        self.pool.close().await;
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    async fn ping(&self) -> Result<(), StorageError> {
        sqlx::query("SELECT count(*) FROM runs").execute(&self.pool).await.map_err(failed).map(|_| ())
    }

    async fn create_run(&self, wanted: &RunRecord) -> Result<Created, StorageError> {
        let inserted = sqlx::query(
            "INSERT INTO runs (id, owner, plan, created_at_ms) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        )
        .bind(wanted.id.as_str())
        .bind(wanted.owner.as_str())
        .bind(to_json(&wanted.plan)?)
        .bind(signed(wanted.created_at_ms))
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        if inserted.rows_affected() == 1 {
            return Ok(Created::New);
        }
        Ok(match self.run(&wanted.id).await? {
            Some(found) if found.plan == wanted.plan && found.owner == wanted.owner => Created::Same,
            _ => Created::Different,
        })
    }

    async fn run(&self, id: &RunId) -> Result<Option<RunRecord>, StorageError> {
        let row = sqlx::query("SELECT id, owner, plan, created_at_ms FROM runs WHERE id = ?")
            .bind(id.as_str())
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        row.as_ref().map(record).transpose()
    }

    async fn unfinished_runs(&self) -> Result<Vec<RunRecord>, StorageError> {
        let rows = sqlx::query(
            "SELECT id, owner, plan, created_at_ms FROM runs
             WHERE NOT EXISTS (SELECT 1 FROM chunks WHERE run = id AND is_last = 1) ORDER BY created_at_ms, id",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        rows.iter().map(record).collect()
    }

    async fn append(&self, entry: &Entry) -> Result<(), StorageError> {
        sqlx::query("INSERT INTO chunks (run, seq, body, exchanges, is_last) VALUES (?, ?, ?, ?, ?)")
            .bind(entry.chunk.run.as_str())
            .bind(i64::from(entry.chunk.seq))
            .bind(to_json(&entry.chunk.body)?)
            .bind(to_json(&entry.exchanges)?)
            .bind(entry.chunk.body.is_last())
            .execute(&self.pool)
            .await
            .map_err(failed)
            .map(|_| ())
    }

    async fn entries(&self, id: &RunId, from: u32) -> Result<Vec<Entry>, StorageError> {
        let rows =
            sqlx::query("SELECT seq, body, exchanges FROM chunks WHERE run = ? AND seq >= ? ORDER BY seq")
                .bind(id.as_str())
                .bind(i64::from(from))
                .fetch_all(&self.pool)
                .await
                .map_err(failed)?;
        rows.iter()
            .map(|row| {
                let seq: i64 = row.try_get("seq").map_err(damaged)?;
                let body: ChunkBody = json(row, "body")?;
                let chunk = Chunk { run: id.clone(), seq: u32::try_from(seq).map_err(damaged)?, body };
                Ok(Entry { chunk, exchanges: json(row, "exchanges")? })
            })
            .collect()
    }

    async fn prune_runs(&self, before_ms: u64, keep_count: u32) -> Result<u64, StorageError> {
        let pruned = sqlx::query(
            "DELETE FROM runs WHERE EXISTS (SELECT 1 FROM chunks WHERE run = id AND is_last = 1) AND (
                 created_at_ms < ?
                 OR id NOT IN (SELECT id FROM runs ORDER BY created_at_ms DESC, id LIMIT ?))",
        )
        .bind(signed(before_ms))
        .bind(i64::from(keep_count))
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(pruned.rows_affected())
    }

    async fn vectors(&self, model: &str) -> Result<HashMap<String, Vec<f32>>, StorageError> {
        let rows = sqlx::query("SELECT text, vector FROM vectors WHERE model = ?")
            .bind(model)
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        rows.iter()
            .map(|row| {
                let text: String = row.try_get("text").map_err(damaged)?;
                let bytes: &[u8] = row.try_get("vector").map_err(damaged)?;
                let (floats, _) = bytes.as_chunks::<4>();
                Ok((text, floats.iter().map(|float| f32::from_le_bytes(*float)).collect()))
            })
            .collect()
    }

    async fn put_vectors(&self, model: &str, vectors: &[(String, Vec<f32>)]) -> Result<(), StorageError> {
        let mut transaction = self.pool.begin().await.map_err(failed)?;
        for (text, vector) in vectors {
            let bytes: Vec<u8> = vector.iter().flat_map(|float| float.to_le_bytes()).collect();
            sqlx::query("INSERT OR REPLACE INTO vectors (model, text, vector) VALUES (?, ?, ?)")
                .bind(model)
                .bind(text)
                .bind(bytes)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use mtor_shared::{
        plan::Plan,
        problem::{Problem, ProblemCode},
        stream::Delta,
    };

    use super::*;

    async fn open() -> (tempfile::TempDir, Sqlite) {
        let folder = tempfile::tempdir().expect("a folder");
        let sqlite = Sqlite::open(folder.path()).await.expect("opens");
        (folder, sqlite)
    }

    fn run(number: u8, created_at_ms: u64) -> RunRecord {
        let plan = Plan::call("a/b".into(), serde_json::Map::new());
        RunRecord { id: RunId::from_bytes([number; 16]), owner: PersonId::local(), plan, created_at_ms }
    }

    fn entry(run: &RunRecord, seq: u32, body: ChunkBody) -> Entry {
        Entry { chunk: Chunk { run: run.id.clone(), seq, body }, exchanges: Vec::new() }
    }

    fn text(text: &str) -> ChunkBody {
        ChunkBody::Delta { delta: Delta::Text { text: text.into() } }
    }

    fn last() -> ChunkBody {
        let problem = Problem::new(ProblemCode::Stopped, "Stopped.", "");
        ChunkBody::Failed { problem, exchanges: Vec::new() }
    }

    #[tokio::test]
    async fn an_id_belongs_to_one_plan() {
        let (_folder, db) = open().await;
        let first = run(1, 5);
        assert_eq!(db.create_run(&first).await, Ok(Created::New));
        assert_eq!(db.create_run(&RunRecord { created_at_ms: 6, ..first.clone() }).await, Ok(Created::Same));
        let other = RunRecord { plan: Plan::call("c/d".into(), serde_json::Map::new()), ..first.clone() };
        assert_eq!(db.create_run(&other).await, Ok(Created::Different));
        assert_eq!(db.run(&first.id).await, Ok(Some(first)));
    }

    #[tokio::test]
    async fn a_chunk_number_is_used_once_and_there_is_one_end() {
        let (_folder, db) = open().await;
        let run = run(1, 0);
        db.create_run(&run).await.expect("created");
        db.append(&entry(&run, 0, text("a"))).await.expect("appended");
        assert!(db.append(&entry(&run, 0, text("b"))).await.is_err());
        assert_eq!(db.unfinished_runs().await.expect("read").len(), 1);
        db.append(&entry(&run, 1, last())).await.expect("appended");
        assert!(db.append(&entry(&run, 2, last())).await.is_err());
        assert_eq!(db.unfinished_runs().await, Ok(Vec::new()));
        let rest = db.entries(&run.id, 1).await.expect("read");
        assert_eq!(rest, [entry(&run, 1, last())]);
    }

    #[tokio::test]
    async fn only_finished_runs_are_pruned() {
        let (_folder, db) = open().await;
        for (number, age, over) in [(1, 10, true), (2, 20, false), (3, 30, true), (4, 40, true)] {
            let run = run(number, age);
            db.create_run(&run).await.expect("created");
            if over {
                db.append(&entry(&run, 0, last())).await.expect("appended");
            }
        }
        assert_eq!(db.prune_runs(15, 100).await, Ok(1));
        assert_eq!(db.prune_runs(0, 1).await, Ok(1));
        assert!(db.run(&RunId::from_bytes([2; 16])).await.expect("read").is_some());
        assert!(db.run(&RunId::from_bytes([4; 16])).await.expect("read").is_some());
        assert_eq!(db.entries(&RunId::from_bytes([3; 16]), 0).await, Ok(Vec::new()));
    }

    #[tokio::test]
    async fn vectors_come_back_bit_for_bit() {
        let (_folder, db) = open().await;
        let vectors = vec![("hello".to_owned(), vec![0.1_f32, -2.5e-8, f32::MAX])];
        db.put_vectors("m", &vectors).await.expect("kept");
        db.put_vectors("m", &vectors).await.expect("kept again");
        assert_eq!(db.vectors("m").await, Ok(vectors.into_iter().collect()));
        assert_eq!(db.vectors("other").await, Ok(HashMap::new()));
    }

    #[tokio::test]
    async fn a_folder_in_use_is_refused_until_it_is_free() {
        let (folder, db) = open().await;
        assert!(matches!(Sqlite::open(folder.path()).await, Err(StorageError::Locked(_))));
        db.close().await;
        drop(db);
        Sqlite::open(folder.path()).await.expect("free again");
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("realm.sqlite"), "not a database, certainly not one".repeat(40))
            .expect("written");
        assert!(matches!(Sqlite::open(folder.path()).await, Err(StorageError::Damaged(_))));
    }

    #[tokio::test]
    async fn a_full_disk_is_an_error_that_passes() {
        let (_folder, db) = open().await;
        let run = run(1, 0);
        db.create_run(&run).await.expect("created");
        // SQLite's own page limit answers like a disk without room.
        let mut connections = Vec::new();
        for _ in 0..4 {
            let mut connection = db.pool.acquire().await.expect("a connection");
            sqlx::query("PRAGMA max_page_count = 1").execute(&mut *connection).await.expect("limited");
            connections.push(connection);
        }
        drop(connections);
        let large = entry(&run, 0, text(&"x".repeat(1 << 20)));
        assert_eq!(db.append(&large).await, Err(StorageError::Full));
        assert_eq!(db.ping().await, Ok(()));
    }
}
