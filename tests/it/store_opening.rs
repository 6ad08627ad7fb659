//! Opening a data directory: one process, one server, one schema.

use std::path::Path;

use kaltura_mirror::domain::clock::{Clock, Timestamp};
use kaltura_mirror::domain::ids::PartnerId;
use kaltura_mirror::store::{AccountSpec, Error, Store};

const START: Timestamp = Timestamp::from_secs(1_795_000_000);

fn account(service_url: &str) -> AccountSpec {
    AccountSpec { partner_id: PartnerId(102), service_url: service_url.into(), label: "102".into() }
}

async fn open(directory: &Path) -> Result<Store, Error> {
    Store::open(directory, &[account("https://kaltura.example/")], Clock::manual(START)).await
}

#[tokio::test]
async fn a_data_directory_is_made_for_its_owner_only() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("deep/data");
    open(&directory).await.unwrap().close().await;

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
    }
    assert!(directory.join("mirror.db").exists() && directory.join("thumbnails.db").exists());
}

#[tokio::test]
async fn a_second_opener_is_told_who_holds_the_directory_and_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).await.unwrap();

    let refused = open(directory.path()).await.err().unwrap();
    assert!(matches!(&refused, Error::Locked { pid: Some(pid), .. } if *pid == std::process::id()), "{refused:?}");
    let message = refused.to_string();
    assert!(message.contains(&directory.path().display().to_string()) && message.contains("data_dir"), "{message}");

    first.close().await;
    drop(first);
    open(directory.path()).await.unwrap().close().await;
}

#[tokio::test]
async fn a_data_directory_of_another_server_is_refused_with_both_names() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await.unwrap();
    let id = store.find_account(PartnerId(102)).unwrap();
    store.close().await;
    drop(store);

    let elsewhere = Store::open(directory.path(), &[account("http://127.0.0.1:8090")], Clock::manual(START)).await;
    let message = elsewhere.err().unwrap().to_string();
    for part in ["102", "https://kaltura.example", "http://127.0.0.1:8090", "service_url"] {
        assert!(message.contains(part), "{message}");
    }

    let again = Store::open(directory.path(), &[account("https://kaltura.example")], Clock::manual(START)).await;
    assert_eq!(again.unwrap().find_account(PartnerId(102)), Some(id), "the same server, written without its slash");
}

#[tokio::test]
async fn a_database_of_a_later_version_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await.unwrap();
    store.close().await;
    drop(store);
    let file = directory.path().join("mirror.db");
    execute(&file, "insert into _sqlx_migrations values (9001, 'later', current_timestamp, true, x'00', 0)").await;

    let refused = open(directory.path()).await.err().unwrap();
    assert!(matches!(&refused, Error::NewerDatabase { found: 9001, .. }), "{refused:?}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_called_damaged() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("mirror.db"), [7; 8192]).unwrap();

    let refused = open(directory.path()).await.err().unwrap();
    assert!(matches!(&refused, Error::Corrupt { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_reader_beside_the_daemon_sees_its_accounts_and_needs_no_lock() {
    let directory = tempfile::tempdir().unwrap();
    let missing = Store::open_read_only(&directory.path().join("nowhere"), Clock::manual(START)).await;
    assert!(matches!(missing.err(), Some(Error::Unusable { .. })));

    let daemon = open(directory.path()).await.unwrap();
    let reader = Store::open_read_only(directory.path(), Clock::manual(START)).await.unwrap();
    assert_eq!(reader.accounts(), daemon.accounts());
}

/// Runs a statement on the file, as a person with a `sqlite3` shell would.
async fn execute(file: &Path, statement: &'static str) {
    use sqlx::Connection;
    let url = format!("sqlite://{}", file.display());
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::query(statement).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
