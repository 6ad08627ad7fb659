//! Delivering to a program, through the outbox; what a program may do is tested where it is run.

use kaltura_mirror::hooks::Calls;
use kaltura_mirror::store::DeliveryState;

use super::bench::{Bench, calling};

fn shell(name: &str, script: &str, argument: &str) -> kaltura_mirror::hooks::Setup {
    let argv = ["sh", "-c", script, argument].map(str::to_owned).to_vec();
    calling(name, Calls::Command { argv, env: Vec::new() })
}

#[tokio::test]
async fn a_program_that_fails_is_told_again_until_it_has_taken_the_delivery() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("told").display().to_string();
    let bench = Bench::with(vec![shell("log", "cat >> \"$0\"; [ -e \"$0.ready\" ] || exit 7", &path)]).await;
    let failed = bench.told("log").await;
    assert_eq!((failed.state, failed.note.as_deref()), (DeliveryState::Waiting, Some("ended with 7")));
    assert_eq!(failed.attempted[0].status, Some(7));

    std::fs::write(format!("{path}.ready"), "").unwrap();
    bench.pass(5).await;
    assert_eq!(bench.delivery(&failed.id).await.state, DeliveryState::Delivered);
    let told = std::fs::read_to_string(path).unwrap();
    let lines: Vec<serde_json::Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|line| line["id"] == failed.id.0 && line["type"] == "test"), "{told}");
}

#[tokio::test]
async fn no_more_programs_run_at_once_than_the_hook_s_concurrency() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("go").display().to_string();
    let script = "echo $$ > \"$0.$$\"; while [ ! -e \"$0\" ]; do sleep 0.05; done";
    let bench = Bench::with(vec![shell("slow", script, &path)]).await;
    for _ in 0..5 {
        bench.tell("slow").await;
    }
    let started = || std::fs::read_dir(folder.path()).unwrap().count();
    until(|| started() == 2).await;
    assert_eq!(bench.listed(DeliveryState::Leased).await.len(), 2);
    std::fs::write(&path, "").unwrap();
    bench.rest().await;
    assert_eq!(bench.listed(DeliveryState::Delivered).await.len(), 5);
}

#[tokio::test]
async fn a_program_that_still_runs_when_the_daemon_stops_is_ended_and_told_again_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("told").display().to_string();
    let script = "cat >> \"$0\"; [ -e \"$0.ready\" ] || { touch \"$0.slow\"; sleep 1000; }";
    let bench = Bench::with(vec![shell("slow", script, &path)]).await;
    let id = bench.tell("slow").await;
    let lines = || std::fs::read_to_string(&path).unwrap_or_default().lines().count();
    let slow = format!("{path}.slow");
    until(|| std::path::Path::new(&slow).exists()).await;
    std::fs::write(format!("{path}.ready"), "").unwrap();
    let bench = bench.restart().await;
    bench.rest().await;
    assert_eq!((lines(), bench.delivery(&id).await.state), (2, DeliveryState::Delivered));
}

/// Waits until it is so, while everything else goes on.
async fn until(so: impl Fn() -> bool) {
    let waiting = async {
        while !so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::house::PATIENCE, waiting).await.expect("it becomes so");
}
