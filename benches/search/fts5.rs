//! What SQLite's own full-text search does with the same catalogue: the same columns and weights, with a prefix index, in a file of
//! its own that holds the index alone; beside it a table of what is filtered and sorted by.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use super::corpus::Film;
use super::queries::{Extra, Query};
use super::words::Word;

const BATCH: usize = 2_000;

pub struct Fts5 {
    connection: SqliteConnection,
}

impl Fts5 {
    /// Opens the index at `path`, and builds it first when it is not there; how long that took, without making the films.
    ///
    /// `seen` is told the words of every entry, also of those that are indexed already.
    pub async fn open(path: &Path, entries: usize, mut seen: impl FnMut(&[Word])) -> (Self, Option<Duration>) {
        let is_built = path.with_extension("built").exists();
        let mut fts5 = Self::connect(path).await;
        if !is_built {
            fts5.make_tables().await;
        }
        let mut took = Duration::ZERO;
        for first in (0..entries).step_by(BATCH) {
            let films: Vec<Film> = (first..entries.min(first + BATCH)).map(Film::of).collect();
            films.iter().for_each(|film| seen(&film.words));
            if !is_built {
                let rows = rows(&films);
                let began = Instant::now();
                fts5.insert(rows).await;
                took += began.elapsed();
            }
        }
        if is_built {
            return (fts5, None);
        }
        let began = Instant::now();
        sqlx::query("insert into words (words) values ('optimize')").execute(&mut fts5.connection).await.unwrap();
        sqlx::query("pragma wal_checkpoint(truncate)").execute(&mut fts5.connection).await.unwrap();
        took += began.elapsed();
        std::fs::write(path.with_extension("built"), "").unwrap();
        (fts5, Some(took))
    }

    /// The first twenty, best first; how many there were.
    pub async fn search(&mut self, query: &Query) -> usize {
        let Some(matching) = &query.fts5 else { return 0 };
        let rows: Vec<(i64,)> = sqlx::query_as(sqlx::AssertSqlSafe(statement(query.extra)))
            .bind(matching)
            .bind(query.created_after)
            .fetch_all(&mut self.connection)
            .await
            .unwrap();
        if query.extra == Extra::Faceted {
            let facets = "select f.topic, count(*) from words join films as f on f.number = words.rowid
                          where words match ?1 group by f.topic";
            let counts: Vec<(String, i64)> =
                sqlx::query_as(facets).bind(matching).fetch_all(&mut self.connection).await.unwrap();
            std::hint::black_box(counts);
        }
        rows.len()
    }

    pub async fn close(self) {
        self.connection.close().await.unwrap();
    }

    async fn connect(path: &Path) -> Self {
        let connection = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .pragma("cache_size", "-65536")
            .pragma("mmap_size", "4294967296")
            .disable_statement_logging()
            .connect()
            .await
            .unwrap();
        Self { connection }
    }

    async fn make_tables(&mut self) {
        for statement in [
            "drop table if exists words",
            "drop table if exists films",
            "create virtual table words using fts5
                 (name, tags, metadata, description, content='', prefix='2 3', tokenize='unicode61 remove_diacritics 2')",
            "insert into words (words, rank) values ('rank', 'bm25(10.0, 5.0, 3.0, 1.0)')",
            "create table films (number integer primary key, media_type integer, duration_s integer, created_at integer,
                                 topic text) strict",
        ] {
            sqlx::query(statement).execute(&mut self.connection).await.unwrap();
        }
    }

    async fn insert(&mut self, rows: String) {
        let mut tx = self.connection.begin().await.unwrap();
        for statement in [
            "insert into words (rowid, name, tags, metadata, description)
             select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 from jsonb_each(?1)",
            "insert into films (number, media_type, duration_s, created_at, topic)
             select value ->> 0, value ->> 5, value ->> 6, value ->> 7, value ->> 8 from jsonb_each(?1)",
        ] {
            sqlx::query(statement).bind(&rows).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
}

fn statement(extra: Extra) -> &'static str {
    match extra {
        Extra::None | Extra::Faceted => "select rowid from words where words match ?1 order by rank limit 20",
        Extra::Filtered => {
            "select words.rowid from words join films as f on f.number = words.rowid
             where words match ?1 and f.media_type = 1 and f.duration_s > 600 and f.created_at > ?2
             order by words.rank limit 20"
        }
        Extra::Sorted => {
            "select words.rowid from words join films as f on f.number = words.rowid
             where words match ?1 order by f.created_at desc limit 20"
        }
    }
}

fn rows(films: &[Film]) -> String {
    let row = |film: &Film| {
        let metadata = format!("{} {}", film.topic(), film.speakers.join(" "));
        json!([
            film.number,
            film.name,
            film.tags.join(" "),
            metadata,
            film.description,
            film.media_type,
            film.duration_s,
            film.created_at,
            film.topic()
        ])
    };
    json!(films.iter().map(row).collect::<Vec<_>>()).to_string()
}
