//! The images' own lane: they ride after the content and never hold back *Done*.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use tracing::{info, warn};

use super::Sync;
use super::account::Account;
use crate::kaltura::error::Error as ApiError;
use crate::kaltura::lanes::Lane;
use crate::kaltura::thumbnails::{Fetched, Wanted};
use crate::store::{self, FetchedThumbnail, WantedThumbnail};

/// Pictures claimed at once.
const CLAIM: usize = 32;
/// Even when nothing rings, the lane is looked at this often.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// And no oftener, whatever is due.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);

impl Sync {
    /// Fetches pictures as they are wanted.
    pub(super) async fn keep_thumbnails(self: Arc<Self>, account: Arc<Account>) {
        while !self.stop.is_rung() {
            // Listens before it looks: what is wanted in between rings all the same.
            let mut wanted = pin!(self.thumbnails_wanted.notified());
            wanted.as_mut().enable();
            match self.fetch_thumbnails(&account).await {
                Ok(true) => {}
                Ok(false) => self.wait_for_thumbnails(&account, wanted).await,
                Err(error) => {
                    warn!("a thumbnail could not be kept: {error}");
                    self.stop.rest(self.settings.retries.backoff.first).await;
                }
            }
        }
    }

    /// Fetches the pictures that are due, several side by side. `false` when none is.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn fetch_thumbnails(&self, account: &Account) -> Result<bool, store::Error> {
        self.fetching.fetch_add(1, Ordering::SeqCst);
        let fetched = self.fetch_claimed(account).await;
        self.fetching.fetch_sub(1, Ordering::SeqCst);
        self.settled.notify_waiters();
        fetched
    }

    async fn fetch_claimed(&self, account: &Account) -> Result<bool, store::Error> {
        let wanted = self.store.claim_thumbnails(account.id, CLAIM).await?;
        let any = !wanted.is_empty();
        let fetches = wanted.into_iter().map(|wanted| self.fetch_thumbnail(account, wanted)).collect::<Vec<_>>();
        let mut fetches = stream::iter(fetches).buffer_unordered(self.settings.thumbnail_workers.max(1));
        while let Some(kept) = fetches.next().await {
            kept?;
        }
        Ok(any)
    }

    async fn fetch_thumbnail(&self, account: &Account, wanted: WantedThumbnail) -> Result<(), store::Error> {
        let WantedThumbnail { entry_id, version, attempts } = &wanted;
        let picture = Wanted { partner: account.partner_id, entry: entry_id.clone(), version: Some(version.clone()) };
        let client = account.client.in_lane(Lane::Thumbnails);
        match account.thumbnails.fetch_in_turn(&client, &picture).await {
            Ok(Fetched::Image { bytes, content_type }) => {
                let bytes_len = bytes.len();
                let fetched = fetched(&wanted, bytes, content_type);
                self.store.save_thumbnail(account.id, &fetched).await?;
                info!(step = "thumbnail", entry.id = %entry_id, size_bytes = bytes_len, "thumbnail of entry {entry_id}, version {version}, {bytes_len} bytes");
                Ok(())
            }
            Ok(Fetched::None(why)) => {
                info!(step = "no_thumbnail", entry.id = %entry_id, "entry {entry_id} has no thumbnail to mirror: {why}");
                self.store.no_thumbnail(account.id, entry_id, version, &why.to_string()).await.map(drop)
            }
            Ok(Fetched::NotYet { retry_after, why }) => {
                self.defer(account, &wanted, retry_after.max(self.wait_after(*attempts)), &why).await
            }
            Err(error) => {
                let wait = self.wait_of(&error, self.wait_after(*attempts));
                self.defer(account, &wanted, wait, &error.to_string()).await
            }
        }
    }

    async fn defer(
        &self,
        account: &Account,
        wanted: &WantedThumbnail,
        wait: Duration,
        why: &str,
    ) -> Result<(), store::Error> {
        let WantedThumbnail { entry_id, version, .. } = wanted;
        info!(step = "thumbnail_later", entry.id = %entry_id, "the thumbnail of entry {entry_id} is tried again in {wait:?}: {why}");
        self.store.defer_thumbnail(account.id, entry_id, version, self.clock.now().plus(wait), why).await
    }

    fn wait_after(&self, attempts: u32) -> Duration {
        self.settings.retries.backoff.after(attempts + 1, &self.settings.retries.jitter)
    }

    /// Until when nothing is sent where that is known, else this long.
    pub(super) fn wait_of(&self, error: &ApiError, otherwise: Duration) -> Duration {
        error.until().map_or(otherwise, |until| until.since(self.clock.now()).max(SHORTEST_WAIT))
    }

    async fn wait_for_thumbnails(&self, account: &Account, wanted: impl Future<Output = ()>) {
        let due = self.store.next_thumbnail_due(account.id).await.ok().flatten();
        let wait = self.within(due.map_or(LONGEST_WAIT, |due| due.since(self.clock.now())), LONGEST_WAIT);
        tokio::select! {
            () = wanted => {}
            () = self.stop.rest(wait.max(SHORTEST_WAIT)) => {}
        }
    }
}

fn fetched(wanted: &WantedThumbnail, bytes: Vec<u8>, content_type: &str) -> FetchedThumbnail {
    let size = imagesize::blob_size(&bytes).ok();
    let pixels =
        |side: fn(&imagesize::ImageSize) -> usize| size.as_ref().and_then(|size| u32::try_from(side(size)).ok());
    FetchedThumbnail {
        entry_id: wanted.entry_id.clone(),
        version: wanted.version.clone(),
        content_type: content_type.to_owned(),
        width: pixels(|size| size.width),
        height: pixels(|size| size.height),
        bytes,
    }
}
