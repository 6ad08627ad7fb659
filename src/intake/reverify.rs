//! Judging the refused requests again, after a secret was put right or an account was added.

use std::time::Duration;

use super::Intake;
use crate::domain::ids::AccountId;
use crate::notification::authentic::Authentic;
use crate::store::{Error, StoredRequest, Verdict};

/// Requests judged at a time.
const PAGE: u32 = 50;
/// By itself, only what was refused so lately is judged again: what is older, the sender has long given up, and the next
/// notification or reconcile has overtaken.
const LATELY: Duration = Duration::from_secs(60 * 60);
/// And not more than so many, for whoever waits for it.
const LATELY_MAX: usize = 1000;

/// What a second judgement found.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Reverified {
    /// The numbers of those that are genuine after all; their entries are dirty.
    pub accepted: Vec<i64>,
    /// How many are refused as before.
    pub still_refused: u64,
}

impl Intake {
    /// Judges every complete refused request in the inbox again, and accepts what proves genuine. What lacked a factor
    /// beside its signature stays refused.
    ///
    /// # Errors
    /// `Full`, `Busy`, `Corrupt`: what was accepted so far stays accepted, another call goes on.
    pub async fn reverify(&self) -> Result<Reverified, Error> {
        self.store.rejections_written().await;
        let mut reverified = Reverified::default();
        let mut after = 0;
        loop {
            let page = self.store.inbox_rejected(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(reverified) };
            after = last.request.id;
            self.judge_again(&page, &mut reverified).await?;
        }
    }

    /// Judges again what was refused lately because nobody we knew had signed it, of these accounts.
    pub(super) async fn reverify_lately(&self, accounts: &[AccountId]) -> Result<Reverified, Error> {
        let mut reverified = Reverified::default();
        if accounts.is_empty() {
            return Ok(reverified);
        }
        self.store.rejections_written().await;
        let (mut judged, mut after) = (0, 0);
        while judged < LATELY_MAX {
            let page = self.store.inbox_badly_signed(accounts, LATELY, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.request.id;
            judged += page.len();
            self.judge_again(&page, &mut reverified).await?;
        }
        Ok(reverified)
    }

    async fn judge_again(&self, page: &[StoredRequest], reverified: &mut Reverified) -> Result<(), Error> {
        let secrets = self.trust().secrets;
        for stored in page {
            let id = stored.request.id;
            match self.judge(&secrets, &stored.headers, &stored.body) {
                Ok(Authentic { signer, hints }) if !lacked_a_factor(stored) => {
                    if self.store.inbox_repair(id, signer.account.account, &signer.label, &hints).await?.is_some() {
                        reverified.accepted.push(id);
                    }
                }
                _ => reverified.still_refused += 1,
            }
        }
        Ok(())
    }
}

/// It was refused for a factor that no later judgement can see.
fn lacked_a_factor(stored: &StoredRequest) -> bool {
    matches!(&stored.request.verdict, Verdict::Rejected(reason) if reason.starts_with("factor:"))
}
