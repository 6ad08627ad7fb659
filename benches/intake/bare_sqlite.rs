//! What SQLite alone can do: the same rows by the same statements, in the same tables with the same indexes, committed
//! in batches of 256, and nothing else: no HTTP, no verification, no waiting for anybody, every parameter made before.
//! As in the daemon's own loads, the entries are dirty already: their rows are updated.

use std::time::Instant;

use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use super::server;

const BATCH: usize = 256;
/// Entries the notifications are about.
const ENTRIES: usize = 20_000;
const AT: i64 = 1_795_000_000_000;

/// The transaction, from the program's own texts.
const COMMIT: &str = concat!(
    "begin immediate;",
    include_str!("../../src/store/sql/insert_requests.sql"),
    ";",
    include_str!("../../src/store/sql/insert_items.sql"),
    ";",
    include_str!("../../src/store/sql/count_repeats.sql"),
    ";",
    include_str!("../../src/store/sql/upsert_hints.sql"),
    "; commit"
);

/// What one transaction is given, made before the clock starts.
struct Batch {
    bodies: Vec<u8>,
    requests: String,
    hashes: Vec<u8>,
    items: String,
    ticket: i64,
    hints: String,
}

pub fn rows_a_second(bodies: &[String]) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let directory = tempfile::tempdir().unwrap();
        server::open(directory.path()).await.close().await;
        let mut connection = SqliteConnectOptions::new()
            .filename(directory.path().join("mirror.db"))
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("temp_store", "memory")
            .disable_statement_logging()
            .connect()
            .await
            .unwrap();
        let chunks = bodies.chunks(BATCH).enumerate();
        let batches: Vec<Batch> = chunks.map(|(number, chunk)| batch(ENTRIES + number * BATCH, chunk)).collect();
        let dirty: Vec<String> = (0..ENTRIES).map(|_| String::new()).collect();
        for (number, chunk) in dirty.chunks(BATCH).enumerate() {
            commit(&mut connection, batch(number * BATCH, chunk)).await;
        }
        let began = Instant::now();
        for batch in batches {
            commit(&mut connection, batch).await;
        }
        let took = began.elapsed();
        connection.close().await.unwrap();
        bodies.len() as f64 / took.as_secs_f64()
    })
}

fn batch(first: usize, bodies: &[String]) -> Batch {
    let (mut requests, mut items, mut hints) = (Vec::new(), Vec::new(), Vec::new());
    let (mut bytes, mut hashes) = (Vec::new(), Vec::new());
    for (place, body) in bodies.iter().enumerate() {
        let number = first + place + 1;
        let entry = format!("1_{:08}", number % ENTRIES);
        let headers = r#"[["content-type","application/x-www-form-urlencoded"],["content-length","1170"]]"#;
        requests.push(json!([number, AT, "127.0.0.1", headers, 1, "102/admin_secret", body.len(), bytes.len()]));
        items.push(json!([number, 1, 1, "api", number, "entry_update", entry, "hinted"]));
        hints.push(json!([1, entry, 0, AT, 0, 1, AT, AT]));
        bytes.extend_from_slice(body.as_bytes());
        hashes.extend_from_slice(&[7; 32]);
    }
    let text = |rows: Vec<serde_json::Value>| json!(rows).to_string();
    let ticket = i64::try_from(first).unwrap();
    Batch { bodies: bytes, requests: text(requests), hashes, items: text(items), ticket, hints: text(hints) }
}

async fn commit(connection: &mut SqliteConnection, batch: Batch) {
    sqlx::query(COMMIT)
        .bind(batch.bodies)
        .bind(batch.requests)
        .bind(batch.hashes)
        .bind(batch.items)
        .bind("[]")
        .bind(batch.ticket)
        .bind(batch.hints)
        .execute(connection)
        .await
        .unwrap();
}
