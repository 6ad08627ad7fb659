//! The lane of caption files: they ride after the content and never hold back *Done*.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use tracing::{info, warn};

use super::Sync;
use super::account::Account;
use crate::captions::{self, Transcript};
use crate::kaltura::captions::Fetched;
use crate::kaltura::lanes::Lane;
use crate::store::{self, FetchedCaption, WantedCaption};

/// Files claimed at once.
const CLAIM: usize = 16;
/// Even when nothing rings, the lane is looked at this often.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// And no oftener, whatever is due.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);

impl Sync {
    /// Fetches and reads files as they are wanted.
    pub(super) async fn keep_captions(self: Arc<Self>, account: Arc<Account>) {
        while !self.stop.is_rung() {
            // Listens before it looks: what is wanted in between rings all the same.
            let mut wanted = pin!(self.captions_wanted.notified());
            wanted.as_mut().enable();
            match self.fetch_captions(&account).await {
                Ok(true) => {}
                Ok(false) => self.wait_for_captions(&account, wanted).await,
                Err(error) => {
                    warn!("the text of a caption could not be kept: {error}");
                    self.stop.rest(self.settings.retries.backoff.first).await;
                }
            }
        }
    }

    /// Fetches the files that are due, several side by side. `false` when none is.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn fetch_captions(&self, account: &Account) -> Result<bool, store::Error> {
        self.fetching.fetch_add(1, Ordering::SeqCst);
        let fetched = self.fetch_claimed_captions(account).await;
        self.fetching.fetch_sub(1, Ordering::SeqCst);
        self.settled.notify_waiters();
        fetched
    }

    async fn fetch_claimed_captions(&self, account: &Account) -> Result<bool, store::Error> {
        let wanted = self.store.claim_captions(account.id, CLAIM).await?;
        let any = !wanted.is_empty();
        let fetches = wanted.into_iter().map(|wanted| self.fetch_caption(account, wanted)).collect::<Vec<_>>();
        let mut fetches = stream::iter(fetches).buffer_unordered(self.settings.caption_workers.max(1));
        while let Some(kept) = fetches.next().await {
            kept?;
        }
        Ok(any)
    }

    async fn fetch_caption(&self, account: &Account, wanted: WantedCaption) -> Result<(), store::Error> {
        match account.captions.fetch(&account.client.in_lane(Lane::Thumbnails), &wanted.caption_id).await {
            Ok(Fetched::File(bytes)) => self.keep_caption(account, wanted, bytes).await,
            Ok(Fetched::None(why)) => self.do_without_caption(account, &wanted, &why.to_string()).await,
            Ok(Fetched::NotYet { retry_after, why }) => {
                let wait = retry_after.max(self.caption_wait_after(wanted.attempts));
                self.defer_caption(account, &wanted, wait, &why).await
            }
            Err(error) => {
                let wait = self.wait_of(&error, self.caption_wait_after(wanted.attempts));
                self.defer_caption(account, &wanted, wait, &error.to_string()).await
            }
        }
    }

    async fn keep_caption(&self, account: &Account, wanted: WantedCaption, bytes: Vec<u8>) -> Result<(), store::Error> {
        let WantedCaption { entry_id, caption_id, version, format, .. } = &wanted;
        match captions::read(&bytes, format) {
            Ok(Transcript { cues, remarks }) => {
                let count = cues.len();
                let note = (!remarks.is_empty()).then(|| remarks.to_string());
                self.store.save_caption(account.id, &wanted, &FetchedCaption { cues, note: note.clone() }).await?;
                let odd = note.map_or_else(String::new, |note| format!("; {note}"));
                info!(step = "caption", entry.id = %entry_id, caption.id = %caption_id, cues = count, "caption {caption_id} of entry {entry_id}, version {version}, {count} cues{odd}");
                Ok(())
            }
            Err(unreadable) => self.do_without_caption(account, &wanted, &unreadable.to_string()).await,
        }
    }

    async fn do_without_caption(
        &self,
        account: &Account,
        wanted: &WantedCaption,
        why: &str,
    ) -> Result<(), store::Error> {
        let WantedCaption { entry_id, caption_id, .. } = wanted;
        info!(step = "no_caption", entry.id = %entry_id, caption.id = %caption_id, "caption {caption_id} of entry {entry_id} has no text to mirror: {why}");
        self.store.no_caption(account.id, wanted, why).await.map(drop)
    }

    async fn defer_caption(
        &self,
        account: &Account,
        wanted: &WantedCaption,
        wait: Duration,
        why: &str,
    ) -> Result<(), store::Error> {
        let WantedCaption { entry_id, caption_id, .. } = wanted;
        info!(step = "caption_later", entry.id = %entry_id, caption.id = %caption_id, "caption {caption_id} of entry {entry_id} is tried again in {wait:?}: {why}");
        self.store.defer_caption(account.id, wanted, self.clock.now().plus(wait), why).await
    }

    fn caption_wait_after(&self, attempts: u32) -> Duration {
        self.settings.retries.backoff.after(attempts + 1, &self.settings.retries.jitter)
    }

    async fn wait_for_captions(&self, account: &Account, wanted: impl Future<Output = ()>) {
        let due = self.store.next_caption_due(account.id).await.ok().flatten();
        let wait = self.within(due.map_or(LONGEST_WAIT, |due| due.since(self.clock.now())), LONGEST_WAIT);
        tokio::select! {
            () = wanted => {}
            () = self.stop.rest(wait.max(SHORTEST_WAIT)) => {}
        }
    }
}
