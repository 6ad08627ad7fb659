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

/// Rows of one batch, made before the clock starts.
struct Batch {
    requests: String,
    bodies: Vec<u8>,
    items: String,
    hashes: Vec<u8>,
    dirty: String,
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
    let (mut requests, mut items, mut dirty) = (Vec::new(), Vec::new(), Vec::new());
    let (mut bytes, mut hashes) = (Vec::new(), Vec::new());
    for (place, body) in bodies.iter().enumerate() {
        let number = first + place + 1;
        let entry = format!("1_{:08}", number % ENTRIES);
        let headers = r#"[["content-type","application/x-www-form-urlencoded"],["content-length","1024"]]"#;
        requests.push(json!([number, 1_795_000_000_000_i64, headers, body.len(), bytes.len()]));
        items.push(json!([number, entry]));
        dirty.push(json!([entry, number, 1_795_000_000_000_i64]));
        bytes.extend_from_slice(body.as_bytes());
        hashes.extend_from_slice(&[7; 32]);
    }
    let text = |rows: Vec<serde_json::Value>| json!(rows).to_string();
    Batch { requests: text(requests), bodies: bytes, items: text(items), hashes, dirty: text(dirty) }
}

async fn commit(connection: &mut SqliteConnection, batch: Batch) {
    let mut tx = connection.begin_with("begin immediate").await.unwrap();
    sqlx::query(
        "insert into inbox (inbox_id, received_at, peer, headers, verdict, lane, account_id, secret_label, body_bytes,
                            kept_bytes, body)
         select value ->> 0, value ->> 1, '127.0.0.1', value ->> 2, 'verified', 'verified', 1, '102/admin_secret',
                value ->> 3, value ->> 3, substr(?2, 1 + (value ->> 4), value ->> 3)
         from jsonb_each(?1)",
    )
    .bind(batch.requests)
    .bind(batch.bodies)
    .execute(&mut *tx)
    .await
    .unwrap();
    sqlx::query(
        "insert into inbox_items (inbox_id, number, account_id, system, kaltura_id, kind, entry_id, outcome, fields_hash)
         select value ->> 0, 1, 1, 'api', value ->> 0, 'entry_update', value ->> 1, 'hinted', substr(?2, 1 + 32 * key, 32)
         from jsonb_each(?1)",
    )
    .bind(batch.items)
    .bind(batch.hashes)
    .execute(&mut *tx)
    .await
    .unwrap();
    sqlx::query(
        "insert into dirty_entries
             (account_id, entry_id, ticket, state, lane, due_at, resync_step, reasons, hinted_at, last_hint_at,
              fresh_reasons, fresh_hint_at)
         select 1, value ->> 0, value ->> 1, 'waiting', 0, value ->> 2, 0, 1, value ->> 2, value ->> 2, 1, value ->> 2
         from jsonb_each(?1)
         where true
         on conflict (account_id, entry_id) do update set
             ticket        = excluded.ticket,
             lane          = min(lane, excluded.lane),
             due_at        = case state when 'dead' then excluded.due_at else min(due_at, excluded.due_at) end,
             attempts      = case state when 'dead' then 0 else attempts end,
             state         = case state when 'dead' then 'waiting' else state end,
             reasons       = reasons | excluded.reasons,
             last_hint_at  = max(last_hint_at, excluded.last_hint_at),
             fresh_reasons = fresh_reasons | excluded.reasons,
             fresh_hint_at = coalesce(fresh_hint_at, excluded.fresh_hint_at)",
    )
    .bind(batch.dirty)
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
}
