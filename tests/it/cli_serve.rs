//! `serve`, as a service manager meets it: the ready line, the signals, and what keeps it from starting.

use std::net::TcpListener;
use std::time::Duration;

use crate::house::http;
use crate::house::process::{Place, eventually};

const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";

#[tokio::test]
async fn serve_says_that_it_is_ready_in_one_line_and_a_signal_stops_it_with_0() {
    let place = Place::new().await;
    for signal in ["TERM", "INT"] {
        let serving = place.serve();
        assert_eq!(http::get(serving.public, "/readyz").await.status, 200);
        assert_eq!(http::get(serving.admin, "/livez").await.status, 200);
        assert!(place.path("data/daemon.json").exists());
        serving.signal(signal);
        let ran = serving.ended();
        assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{ran:?}");
        assert!(ran.err.contains(&format!("SIG{signal}: stopping")) && ran.err.contains("stopped"), "{ran:?}");
        assert!(!place.path("data/daemon.json").exists());
    }
}

#[tokio::test]
async fn serve_turns_a_notification_into_a_public_entry() {
    let place = Place::new().await;
    let id = place.new_video("Tide & time", Some(NEEDED));
    let serving = place.serve();
    let deliveries = place.deliver(&serving).await;
    assert!(deliveries.iter().all(|delivery| delivery.answer.is_success()));
    eventually("the mark", || place.kaltura.sync_status(&id).filter(|value| value == "Sync Done"));
    assert_eq!(http::get(serving.public, &format!("/api/v1/entries/{id}")).await.json()["name"], "Tide & time");
    assert_eq!(serving.stop().code, Some(0));
}

#[tokio::test]
async fn serve_starts_while_kaltura_is_down() {
    let place = Place::new().await;
    place.kaltura.stop().await;
    let serving = place.serve();
    assert_eq!(http::get(serving.public, "/api/v1/entries").await.status, 200);
    assert_eq!(serving.stop().code, Some(0));
}

#[tokio::test]
async fn a_stop_waits_for_what_runs_no_longer_than_its_deadline() {
    let place = Place::new().await;
    place.kaltura.set_latency(Duration::from_secs(600));
    place.write_script("[sync]\nstop_deadline = \"1s\"\n");
    let serving = place.serve();
    let ran = serving.stop();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.contains("left for the next start"), "{ran:?}");
}

#[tokio::test]
async fn a_second_signal_ends_a_stop_at_once_whichever_of_the_two_it_is() {
    for (first, second) in [("TERM", "TERM"), ("INT", "INT"), ("TERM", "INT"), ("INT", "TERM")] {
        let place = Place::new().await;
        place.kaltura.set_latency(Duration::from_secs(600));
        place.write_script("[sync]\nstop_deadline = \"5m\"\n");
        let serving = place.serve();
        serving.signal(first);
        serving.until_logged(&format!("SIG{first}: stopping; what runs may finish, a second signal ends it at once"));
        serving.signal(second);
        let ran = serving.ended();
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains(&format!("SIG{second}: ended at once")), "{ran:?}");
    }
}

#[tokio::test]
async fn a_secret_file_is_read_again_when_the_daemon_is_told_to() {
    let place = Place::new().await;
    place.write("secret", "0123456789abcdef0123456789abcdef");
    let serving = place.serve();
    place.new_video("Before", None);
    assert!(place.deliver(&serving).await.iter().all(|delivery| !delivery.answer.is_success()));

    place.write("secret", "two words");
    serving.signal("HUP");
    serving.until_logged("SIGHUP: the secrets stay as they were");
    place.write("secret", &place.kaltura.admin_secret());
    serving.signal("HUP");
    serving.until_logged("SIGHUP: secret files were read again");
    place.new_video("After", None);
    assert!(place.deliver(&serving).await.iter().all(|delivery| delivery.answer.is_success()));
    assert!(!serving.log().contains(&place.kaltura.admin_secret()));
}

/// Runs `serve` where it cannot start: it ends with 2, says nothing on standard output, and one line on standard error.
fn refused(place: &Place) -> String {
    let ran = place.run("serve");
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
    let errors: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{ran:?}");
    errors[0].to_owned()
}

fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

#[tokio::test]
async fn a_port_in_use_is_named_with_file_key_and_cure_and_nothing_is_made() {
    let place = Place::new().await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for table in ["server", "admin"] {
        place.write_script("");
        let script = std::fs::read_to_string(place.path("script_config.toml")).unwrap();
        let at = format!("[{table}]\nlisten = \"127.0.0.1:0\"");
        place.write("script_config.toml", &script.replace(&at, &format!("[{table}]\nlisten = \"{address}\"")));
        let key = format!(": {table}.listen = \"{address}\" cannot be listened at (Address already in use");
        assert_says(&refused(&place), &["script_config.toml:", &key, "stop what listens there, or take another port"]);
        assert!(!place.path("data").exists(), "nothing is made before the ports are ours");
    }
}

#[tokio::test]
async fn a_second_process_on_a_data_directory_is_told_who_has_it() {
    let place = Place::new().await;
    let serving = place.serve();
    let holder = format!("is in use by process {}", serving.pid());
    let data_dir = place.path("data").display().to_string();
    assert_says(
        &refused(&place),
        &[
            "script_config.toml: data_dir (default)",
            &data_dir,
            &holder,
            "stop that process or give this one another data_dir",
        ],
    );
    assert_eq!(http::get(serving.public, "/readyz").await.status, 200, "the first goes on");
}

#[tokio::test]
async fn a_data_directory_of_another_server_is_refused_with_both_names_and_the_line() {
    let place = Place::new().await;
    assert_eq!(place.serve().stop().code, Some(0));
    place.write_session("https://elsewhere.example");
    let message = refused(&place);
    let (known, configured) = (place.kaltura.url(), "https://elsewhere.example");
    assert_says(&message, &["session_config.toml:4: service_url", &known, configured, "correct service_url or give"]);
}

#[tokio::test]
async fn what_the_files_lack_is_told_before_anything_is_made() {
    let place = Place::new().await;
    std::fs::remove_file(place.path("secret")).unwrap();
    assert_says(&refused(&place), &["session_config.toml:3: admin_secret_file", "secret", "make it readable"]);
    place.write("secret", "0123456789abcdef0123456789abcdef");
    place.write_script("moode = \"editorial\"\n");
    assert_says(&refused(&place), &["script_config.toml:2: moode", "mode"]);
    place.write_session("kaltura.example");
    place.write_script("");
    assert_says(&refused(&place), &["session_config.toml:4: service_url"]);
    std::fs::remove_file(place.path("script_config.toml")).unwrap();
    place.write_session("https://kaltura.example");
    assert_says(&refused(&place), &["script_config.toml", "config show --shipped"]);
    assert!(!place.path("data").exists());
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_made_is_named() {
    let place = Place::new().await;
    place.write("data", "a file stands in its way");
    let data_dir = place.path("data").display().to_string();
    let parts =
        ["script_config.toml: data_dir (default): cannot use", &data_dir, "name a folder that this user can make"];
    assert_says(&refused(&place), &parts);
}
