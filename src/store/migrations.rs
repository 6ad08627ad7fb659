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
    (4, "events", include_str!("../../migrations/mirror/0004_events.sql")),
    (5, "captions", include_str!("../../migrations/mirror/0005_captions.sql")),
    (6, "catalogue", include_str!("../../migrations/mirror/0006_catalogue.sql")),
    (7, "accounts", include_str!("../../migrations/mirror/0007_accounts.sql")),
    (8, "filter", include_str!("../../migrations/mirror/0008_filter.sql")),
    (9, "live", include_str!("../../migrations/mirror/0009_live.sql")),
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

#[cfg(test)]
mod tests {
    use sqlx::Row;

    use super::*;
    use crate::store::database::Database;

    #[tokio::test]
    async fn what_an_earlier_version_received_is_kept_and_known_to_this_one() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("mirror.db");
        let database = Database::open(&file, None).await.unwrap();
        apply(database.writer().unwrap(), &file, &MIRROR[..2]).await.unwrap();
        let mut turn = database.writer().unwrap().turn().await.unwrap();
        sqlx::query(
            "insert into inbox_items
                 (inbox_id, number, account_id, system, kaltura_id, kind, entry_id, outcome, fields_hash, repeats, repeated_at)
             values (1, 1, 1, 'api', 1001, 'entry_update', '0_abcd1234', 'hinted', x'ab', 2, 77),
                    (1, 2, 1, 'api', 1002, 'user_banned', null, 'kept', x'cd', 0, null)",
        )
        .execute(&mut *turn)
        .await
        .unwrap();
        drop(turn);

        apply(database.writer().unwrap(), &file, MIRROR).await.unwrap();
        let rows = sqlx::query(
            "select kaltura_id, kind, entry_id, outcome, hex(fields_hash) as hash, repeats, repeated_at, asks
             from inbox_items indexed by inbox_items_by_kaltura_id
             where account_id = 1 and system = 'api' and kaltura_id in (1001, 1002)
             order by number",
        )
        .fetch_all(database.readers())
        .await
        .unwrap();
        let told: Vec<String> = rows
            .iter()
            .map(|row| {
                let number = |name| row.get::<Option<i64>, _>(name);
                let text = |name| row.get::<Option<&str>, _>(name);
                let (numbers, texts) =
                    (["kaltura_id", "repeats", "repeated_at"], ["kind", "entry_id", "outcome", "hash", "asks"]);
                format!("{:?} {:?}", numbers.map(number), texts.map(text))
            })
            .collect();
        assert_eq!(
            told,
            [
                "[Some(1001), Some(2), Some(77)] [Some(\"entry_update\"), Some(\"0_abcd1234\"), Some(\"hinted\"), Some(\"AB\"), None]",
                "[Some(1002), Some(0), None] [Some(\"user_banned\"), None, Some(\"kept\"), Some(\"CD\"), None]",
            ]
        );
        database.close().await;
    }
}
