//! One account hangs, is blocked, refused or down: the other's calls, and how soon its entries are there, are as if it were alone.

use std::time::{Duration, Instant};

use kaltura_mirror::simulator::faults::{Fault, When};

use super::{Several, videos};

/// Long enough that nothing of the other account's can have waited for it.
const SOON: Duration = Duration::from_secs(10);

const SCRIPT: &str = "sync.stop_deadline = \"1s\"\nsync.call_timeout = \"60s\"\n";

/// Calls of a kind that bring twenty entries in and mark them.
fn calls(several: &Several, index: usize) -> [usize; 3] {
    let kaltura = &several.kalturas[index];
    ["baseEntry.getByIds", "metadata_metadata.update", "session.get"].map(|call| kaltura.count(call))
}

/// Brings twenty entries of the account in while nobody else is there.
async fn alone() -> [usize; 3] {
    let alone = Several::open(&["b"], SCRIPT).await;
    let ids = videos(&alone.kalturas[0], 20, "Of B");
    alone.hint("b", &ids).await;
    alone.until_public("b", &ids).await;
    alone.daemon.sync.idle().await.unwrap();
    let calls = calls(&alone, 0);
    alone.daemon.stop().await;
    calls
}

async fn beside_a_troubled_one(case: &str, fault: Option<Fault>) {
    let two = Several::open(&["a", "b"], SCRIPT).await;
    let of_a = videos(&two.kalturas[0], 900, "Of A");
    match fault {
        Some(fault) => two.kalturas[0].fault(When::any(), fault),
        None => two.kalturas[0].stop().await,
    }
    // Nine batches: more than all workers of an account.
    two.hint("a", &of_a).await;
    for _ in 0..20 {
        two.daemon.sync.settled().await;
    }
    let ids = videos(&two.kalturas[1], 20, "Of B");
    let begun = Instant::now();
    two.hint("b", &ids).await;
    two.until_public("b", &ids).await;
    assert!(begun.elapsed() < SOON, "{case}: {:?}", begun.elapsed());

    let marked = async {
        while two.kalturas[1].count("metadata_metadata.update") < ids.len() {
            two.daemon.sync.settled().await;
        }
    };
    tokio::time::timeout(SOON, marked)
        .await
        .unwrap_or_else(|_| panic!("{case}: B's entries are marked, {:?}", calls(&two, 1)));
    assert_eq!(calls(&two, 1), alone().await, "{case}");
    let states = two.daemon.store.account_states().await.unwrap();
    assert_eq!(states[1].degraded, None, "{case}");
    assert_eq!(states[1].stale_since, None, "{case}");
    two.daemon.stop().await;
}

#[tokio::test]
async fn an_account_whose_kaltura_hangs_holds_up_no_other() {
    beside_a_troubled_one("hangs", Some(Fault::Hang)).await;
}

#[tokio::test]
async fn an_account_that_is_throttled_holds_up_no_other() {
    beside_a_troubled_one("throttled", Some(Fault::ActionBlocked)).await;
}

#[tokio::test]
async fn an_account_whose_secret_is_refused_holds_up_no_other() {
    beside_a_troubled_one("refused", Some(Fault::InvalidKs)).await;
}

#[tokio::test]
async fn an_account_whose_kaltura_answers_only_errors_holds_up_no_other() {
    beside_a_troubled_one("errors", Some(Fault::Http(503))).await;
}

#[tokio::test]
async fn an_account_whose_kaltura_is_gone_holds_up_no_other() {
    beside_a_troubled_one("gone", None).await;
}

#[tokio::test]
async fn what_becomes_due_for_one_account_by_time_is_looked_at_although_another_is_down() {
    let two = Several::open(&["a", "b"], SCRIPT).await;
    two.kalturas[0].stop().await;
    let of_a = videos(&two.kalturas[0], 3, "Of A");
    let of_b = videos(&two.kalturas[1], 3, "Of B");
    two.hint("a", &of_a).await;
    two.kalturas[1].fault(When::call("baseEntry.getByIds").once(), Fault::Internal);
    two.hint("b", &of_b).await;
    two.daemon.sync.idle().await.unwrap();
    two.clock.advance(Duration::from_secs(30));
    two.until_public("b", &of_b).await;
    two.kalturas[0].restart().await.unwrap();
    two.clock.advance(Duration::from_secs(120));
    two.until_public("a", &of_a).await;
    two.daemon.stop().await;
}

#[tokio::test]
async fn each_account_has_limits_of_its_own_and_one_s_trouble_halves_only_its_own() {
    let own = |label: &str| match label {
        "a" => "calls_at_once = 2\ncalls_per_second_max = 40\n".to_owned(),
        _ => String::new(),
    };
    let two = Several::open_with(&["a", "b"], own, "sync.calls_at_once = 6\nsync.calls_per_second_max = 200\n").await;
    let allowed = || two.daemon.sync.accounts().map(|account| account.client.allowed()).collect::<Vec<_>>();
    assert_eq!(allowed(), [(2, Some(40.0)), (6, Some(200.0))]);
    two.kalturas[0].fault(When::any(), Fault::ActionBlocked);
    let of_a = videos(&two.kalturas[0], 1, "Of A");
    two.hint("a", &of_a).await;
    two.daemon.sync.idle().await.unwrap();
    assert_eq!(allowed(), [(1, Some(20.0)), (6, Some(200.0))]);
    two.daemon.stop().await;
}
