//! Reading the catalogue by the command line, with a daemon and without.

use std::process::Stdio;

use crate::house::process::{Place, eventually};

const DONE: &str = "<metadata><SyncStatus>Sync Done</SyncStatus></metadata>";

#[tokio::test]
async fn a_backfill_ends_with_a_table_with_a_daemon_and_without() {
    let place = Place::new().await;
    let id = place.new_video("Old & quiet", Some(DONE));
    let alone = place.run("backfill");
    assert_eq!(alone.code, Some(0), "{alone:?}");
    for word in ["account main", "seen", "mirrored", "skipped"] {
        assert!(alone.out.contains(word), "{word}: {}", alone.out);
    }
    assert!(place.run(&format!("entry show {id}")).out.contains("public"), "{id}");

    let serving = place.serve();
    let beside = place.run_json("backfill");
    serving.stop();
    let again = place.run_json("backfill");
    for report in [&beside[0], &again[0]] {
        assert_eq!((&report["account"], &report["state"]), (&"main".into(), &"done".into()), "{report}");
        assert_eq!(report["result"]["seen"], report["seen"]);
        assert!(report["result"]["public"].as_u64().unwrap() > 0, "{report}");
    }
    assert_eq!(beside[0]["result"], again[0]["result"]);
}

#[tokio::test]
async fn what_would_mark_or_tell_is_asked_about_and_a_dry_run_changes_nothing() {
    let place = Place::new().await;
    let dry = place.run("backfill --dry-run --mark");
    assert_eq!(dry.code, Some(0), "{dry:?}");
    assert!(dry.out.contains("to mark them") && dry.out.contains("to list them"), "{}", dry.out);
    assert!(place.run_json("backfill --dry-run")[0]["entries"].as_u64().unwrap() > 100);
    for options in ["--mark", "--hooks", "--mark --hooks"] {
        let refused = place.run(&format!("backfill {options}"));
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.err.contains("--yes") && refused.err.contains(options), "{}", refused.err);
    }
    assert_eq!(place.kaltura.count("baseEntry.getByIds"), 0, "nothing was looked at");
    let marked = place.run_json("backfill --mark --yes");
    assert_eq!(marked[0]["state"], "done");
}

#[tokio::test]
async fn mirror_and_account_are_compared_by_hand() {
    let place = Place::new().await;
    let id = place.new_video("New", Some(DONE));
    let told = place.run_json("reconcile");
    assert_eq!(told[0]["found"]["unknown"], told[0]["looked_at"], "{told}");
    assert!(told[0]["looked_at"].as_u64().unwrap() >= 1);
    let serving = place.serve();
    eventually("it is public", || place.run(&format!("entry show {id}")).out.contains("public").then_some(()));
    let whole = place.run_json("reconcile --full");
    assert_eq!((&whole[0]["kind"], &whole[0]["state"]), (&"full".into(), &"done".into()));
    serving.stop();
}

/// Each run is killed a request later than the one before, until one comes to its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_killed_after_any_request_goes_on_and_ends_whole() {
    let place = Place::new().await;
    for requests in 1..=12 {
        let before = place.kaltura.http_requests();
        let mut child = place.command("backfill").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        eventually("it has asked so often, or come to its end", || {
            let is_over = child.try_wait().unwrap().is_some();
            (is_over || place.kaltura.http_requests() >= before + requests).then_some(())
        });
        let _ = child.kill();
        child.wait().unwrap();
    }
    let ended = place.run_json("backfill");
    let result = &ended[0]["result"];
    assert_eq!((&ended[0]["state"], &result["waiting"], &result["failed"]), (&"done".into(), &0.into(), &0.into()));

    let other = Place::new().await;
    let undisturbed = other.run_json("backfill");
    assert_eq!(result, &undisturbed[0]["result"]);
    assert_eq!(ended[0]["seen"], undisturbed[0]["seen"]);
}
