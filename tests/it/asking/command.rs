//! `search` on the command line, beside a daemon and without one.

use serde_json::{Value, json};

use crate::house::process::{Place, eventually};

const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn search_answers_the_same_beside_a_daemon_and_without_one() {
    let place = Place::new().await;
    let serving = place.serve();
    let id = place.new_video("Tide & time", Some(NEEDED));
    place.new_video("Something else", Some(NEEDED));
    place.deliver(&serving).await;
    let found = eventually("both are found", || {
        let ran = place.run("search --sort name --json"); // fails as long as there is no index
        let answer = serde_json::from_str::<Value>(&ran.out).ok()?;
        (answer["totalHits"] == 2).then_some(answer)
    });
    assert_eq!(found["hits"][1]["id"], json!(id));

    let beside = place.run_json("search tide --facets mediaType --limit 5");
    let words = place.run("search tide");
    assert_eq!((words.code, words.err.as_str()), (Some(0), ""), "{words:?}");
    assert!(words.out.starts_with(&format!("{id}  Tide & time\n")) && words.out.contains("1 entry in "), "{words:?}");
    let others = place.run("search --sort name -- -tide");
    assert!(others.out.contains("Something else") && !others.out.contains("Tide"), "{others:?}");
    let refused = place.run("search --filter nobody=1");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("filter, character 0") && refused.err.contains("mediaType"), "{refused:?}");

    serving.stop();
    let mut alone = place.run_json("search tide --facets mediaType --limit 5");
    alone["processingTimeMs"] = beside["processingTimeMs"].clone();
    assert_eq!(alone, beside);
    assert_eq!(place.run("search --filter nobody=1").code, Some(1));

    std::fs::remove_dir_all(place.path("data/search")).unwrap();
    let none = place.run("search tide");
    assert_eq!(none.code, Some(1));
    assert!(none.err.contains("search rebuild"), "{none:?}");
}
