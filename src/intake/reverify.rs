//! Judging the refused requests again, after a secret was put right or an account was added.

use super::Intake;
use crate::notification::authentic::Authentic;
use crate::store::{Error, StoredRequest, Verdict};

/// Requests judged at a time.
const PAGE: u32 = 50;

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
