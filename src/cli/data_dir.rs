//! Asking the data directory: for reading, beside a running daemon or without one.

use std::path::Path;

use crate::domain::clock::Clock;
use crate::store::{self, Store};

use super::{Options, UsageError};

/// Opens the configured data directory for reading and asks it something.
pub(super) fn read<T>(options: &Options, ask: impl AsyncFnOnce(&Store) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let data_dir = options.config()?.data_dir;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = open(&data_dir).await?;
        let answer = ask(&store).await;
        store.close().await;
        answer
    })
}

/// Opens a data directory for reading.
pub(super) async fn open(data_dir: &Path) -> anyhow::Result<Store> {
    match Store::open_read_only(data_dir, Clock::system()).await {
        Err(store::Error::Unusable { cause, .. }) if cause.kind() == std::io::ErrorKind::NotFound => {
            let problem = format!(
                "data_dir = {data_dir:?} holds no mirror yet; start `kaltura-mirror serve` once, or name the right data_dir"
            );
            Err(UsageError(problem).into())
        }
        opened => Ok(opened?),
    }
}
