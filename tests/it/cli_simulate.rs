//! `simulate`, as its user meets it: the two files it writes, a daemon beside it, an editor at the keyboard.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use kaltura_mirror::simulator::sink::Sink;

use crate::house::http;
use crate::house::process::{Serving, eventually};

/// A `simulate` that runs, with what it says line by line.
struct Simulate {
    child: Child,
    keyboard: ChildStdin,
    lines: Receiver<String>,
}

impl Simulate {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (keyboard, out) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let (send, lines) = channel();
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        Self { child, keyboard, lines }
    }

    fn types(&mut self, line: &str) {
        writeln!(self.keyboard, "{line}").unwrap();
    }

    /// The next line that has these words; those before it are passed over.
    fn says(&self, words: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(60));
            let line = line.unwrap_or_else(|_| panic!("waited in vain: {words}"));
            if line.contains(words) {
                return line;
            }
        }
    }
}

impl Drop for Simulate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_kaltura-mirror"))
}

#[tokio::test]
async fn a_daemon_beside_the_files_it_wrote_follows_what_the_editor_types() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("try");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut simulate = program();
    simulate.args([
        "simulate",
        "--listen",
        "127.0.0.1:0",
        "--notify",
        &format!("http://{free}/notifications"),
        "--write",
    ]);
    let mut simulate = Simulate::start({
        simulate.arg(&files);
        simulate
    });
    simulate.says("Type help");

    let mut serve = program();
    serve.current_dir(&files).arg("serve").stdin(Stdio::null());
    serve.env("KALTURA_MIRROR__SERVER__LISTEN", free.to_string()).env("KALTURA_MIRROR__ADMIN__LISTEN", "127.0.0.1:0");
    let serving = Serving::start(serve, folder.path().join("serve.log"));
    simulate.types("add Tide & time");
    let id = simulate.says("added \"Tide & time\"").split(':').next().unwrap().to_owned();
    assert!(simulate.says("sent notification").ends_with("200"));

    let mut field = || {
        simulate.types("list Tide & time");
        simulate.says(&id)
    };
    eventually("the mark", || field().contains("Sync Done").then_some(()));
    assert_eq!(http::get(serving.public, &format!("/api/v1/entries/{id}")).await.json()["name"], "Tide & time");
    simulate.types(&format!("delete {id}"));
    simulate.says("deleted");
    let answers = [("rename 0_nowhere1 x", "there is no entry 0_nowhere1"), ("dance", "what an editor can do")];
    for (line, answer) in answers {
        simulate.types(line);
        simulate.says(answer);
    }
    serving.stop();
}

/// Nobody is told of a changed sync field by an API notification; a template for it tells at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn event_notifications_tell_of_a_changed_sync_field() {
    let sink = Sink::start().await;
    let mut simulate = program();
    simulate.args(["simulate", "--listen", "127.0.0.1:0", "--events", &sink.url()]);
    let mut simulate = Simulate::start(simulate);
    simulate.says("Type help");
    simulate.types("add Tide & time");
    let id = simulate.says("added \"Tide & time\"").split(':').next().unwrap().to_owned();
    simulate.says("sent event notification");
    simulate.types(&format!("done {id}"));
    simulate.types(&format!("needed {id}"));
    eventually("the event", || {
        let told = sink.received().into_iter().filter(|one| one.text().starts_with("metadata_field=")).count();
        (told == 2).then_some(())
    });
    let told = sink.received().pop().unwrap();
    assert!(told.header("X-KALTURA-HASH-ALGO") == Some("sha256") && told.text().contains(&id), "{}", told.text());
}

#[test]
fn files_that_are_there_stay_and_what_cannot_be_done_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("session_config.toml"), "mine").unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let held = std::net::TcpListener::bind(taken).unwrap();
    let folder_name = folder.path().display().to_string();
    let cases = [
        (
            vec!["--listen", "127.0.0.1:0", "--write", &folder_name],
            "session_config.toml cannot be written (File exists",
        ),
        (vec!["--listen", "127.0.0.1:0", "--notify", "ftp://x"], "--notify: the notification URL"),
    ];
    for (arguments, message) in cases {
        let ran = program().arg("simulate").args(arguments).stdin(Stdio::null()).output().unwrap();
        let err = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(2), "{err}");
        assert!(err.contains(message), "{err}");
    }
    let address = taken.to_string();
    let ran = program().args(["simulate", "--listen", &address]).stdin(Stdio::null()).output().unwrap();
    let err = String::from_utf8(ran.stderr).unwrap();
    assert!(
        ran.status.code() == Some(2) && err.contains(&format!("--listen {address} cannot be listened at")),
        "{err}"
    );
    drop(held);
    assert_eq!(std::fs::read_to_string(folder.path().join("session_config.toml")).unwrap(), "mine");
}

#[test]
fn a_script_is_told_step_by_step_and_a_wrong_line_is_named_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let (good, wrong) = (folder.path().join("good.txt"), folder.path().join("wrong.txt"));
    std::fs::write(&good, "at 0s: change 3\nat 0s: down for 5s\n").unwrap();
    std::fs::write(&wrong, "at 0s: heal\nat soon: heal\n").unwrap();
    let simulate = |script: &std::path::Path| {
        let mut command = program();
        command.args(["simulate", "--listen", "127.0.0.1:0", "--script"]).arg(script);
        command
    };
    let running = Simulate::start(simulate(&good));
    assert_eq!(running.says("script line 1"), "script line 1, at 0s: 3 entries changed");
    assert_eq!(running.says("script line 2"), "script line 2, at 0s: down for 5s");

    let refused = simulate(&wrong).stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && told.contains("wrong.txt, line 2: \"soon\" is no time"), "{told}");
}

#[test]
fn a_million_generated_entries_are_there_at_once_and_an_editor_can_name_one() {
    let mut command = program();
    command.args(["simulate", "--listen", "127.0.0.1:0", "--entries", "1000000"]);
    let mut simulate = Simulate::start(command);
    let there = simulate.says("A stand-in Kaltura");
    let count: u64 = there.split_whitespace().find_map(|word| word.parse().ok()).unwrap();
    assert!(count > 1_000_000, "{there}");
    simulate.types("list , part 7");
    let listed = simulate.says(", part 7");
    let id = listed.split_whitespace().next().unwrap();
    simulate.types(&format!("rename {id} Tide & time"));
    simulate.says("renamed \"Tide & time\"");
    simulate.types("list Tide & time");
    simulate.says(id);
}
