//! Secret files under a running daemon: read again when somebody asks, and by itself when they are in doubt.

use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::{StartError, parts};
use crate::config::Config;
use crate::intake::Intake;
use crate::store::Store;

/// However often a signature is bad or a session refused, files are read no oftener.
const REREAD_EVERY: Duration = Duration::from_secs(60);

/// Reads the secrets of notifications again whenever they are in doubt, until it is aborted.
pub(super) async fn keep(config: Arc<Config>, store: Store, intake: Intake) {
    let doubt = intake.secrets_in_doubt();
    loop {
        doubt.notified().await;
        if let Err(error) = read_again(&config, &store, &intake).await {
            warn!("the secrets stay as they were: {error}");
        }
        tokio::time::sleep(REREAD_EVERY).await;
    }
}

/// Reads the secrets of notifications again. What was refused lately for one that has changed is judged again.
pub(super) async fn read_again(config: &Config, store: &Store, intake: &Intake) -> Result<(), StartError> {
    let (secrets, factors) = (parts::secret_set(config, store)?, parts::factors(config)?);
    intake.renew_factors(factors);
    match intake.renew_secrets(secrets).await {
        Ok(reverified) if reverified.accepted.is_empty() => {}
        Ok(reverified) => info!("{} notifications are genuine by a changed secret", reverified.accepted.len()),
        Err(error) => warn!("not all notifications refused lately were judged again: {error}; run `inbox reverify`"),
    }
    Ok(())
}
