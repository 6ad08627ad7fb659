//! The schema's history, embedded. It only grows: an applied migration is never edited, the next one changes what it made.

use std::path::Path;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr, SqliteConnection, SqlitePool};

use super::error::Error;
use super::turn::Writer;

/// One step: version, name, statements.
type Step = (i64, &'static str, &'static str);

/// The history of `mirror.db`.
pub(super) const MIRROR: &[Step] = &[
    (1, "reception", include_str!("../../migrations/mirror/0001_reception.sql")),
    (2, "mirror", include_str!("../../migrations/mirror/0002_mirror.sql")),
    (3, "outbox", include_str!("../../migrations/mirror/0003_outbox.sql")),
];

/// The history of `thumbnails.db`.
pub(super) const THUMBNAILS: &[Step] =
    &[(1, "thumbnails", include_str!("../../migrations/thumbnails/0001_thumbnails.sql"))];

/// Brings the database up to date, each step in a transaction of its own.
///
/// # Errors
/// `NewerDatabase` when a later program has been here; `Corrupt` when an applied step is not the one we know.
pub(super) async fn apply(writer: &Writer, file: &Path, steps: &[Step]) -> Result<(), Error> {
    let mut turn = writer.turn().await?;
    let found = version(&mut turn).await?;
    let known = last(steps);
    if found > known {
        return Err(Error::NewerDatabase { file: file.to_owned(), found, known });
    }
    let migrator = Migrator::with_migrations(steps.iter().map(migration).collect());
    migrator.run(&mut *turn).await.map_err(|error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => Error::from(error),
        other => Error::Corrupt { cause: format!("{}: {other}", file.display()) },
    })
}

/// Refuses a database of any other version than ours: who only reads cannot bring it up to date.
///
/// # Errors
/// `NewerDatabase` or `OlderDatabase`.
pub(super) async fn require(pool: &SqlitePool, file: &Path, steps: &[Step]) -> Result<(), Error> {
    let found = version(&mut *pool.acquire().await?).await?;
    let known = last(steps);
    let file = file.to_owned();
    match found.cmp(&known) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(Error::NewerDatabase { file, found, known }),
        std::cmp::Ordering::Less => Err(Error::OlderDatabase { file, found, known }),
    }
}

fn last(steps: &[Step]) -> i64 {
    steps.iter().map(|(version, ..)| *version).max().unwrap_or(0)
}

/// The last step applied; 0 for an empty database.
async fn version(connection: &mut SqliteConnection) -> Result<i64, Error> {
    let tracked: i64 = sqlx::query_scalar("select count(*) from sqlite_schema where name = '_sqlx_migrations'")
        .fetch_one(&mut *connection)
        .await?;
    if tracked == 0 {
        return Ok(0);
    }
    Ok(sqlx::query_scalar("select coalesce(max(version), 0) from _sqlx_migrations where success")
        .fetch_one(connection)
        .await?)
}

fn migration((version, name, statements): &Step) -> Migration {
    Migration::new(*version, (*name).into(), MigrationType::Simple, AssertSqlSafe(*statements).into_sql_str(), false)
}
