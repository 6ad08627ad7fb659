//! Delivering to a program: no shell, a cleared environment, JSON on standard input, and a group of processes that is ended
//! whole when its time is over.
//!
//! The program's own end is what is waited for. Processes that it leaves behind may hold its pipes open, and the program may
//! never read what it is given: neither holds us up.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::FusedFuture;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::process::{Child, Command as Program};

use super::output::{Tail, drain};
use super::redaction::Redaction;
use super::schedule::Reply;
use super::target::Heard;
use crate::domain::hook::DeliveryId;

/// A program that is told.
pub(super) struct Command {
    /// The program, then its arguments.
    pub argv: Vec<String>,
    /// Names of the variables it sees besides `PATH`; the values are the daemon's own.
    pub env: Vec<String>,
    /// Then everything it started is ended.
    pub timeout: Duration,
}

/// Of each of its outputs the end is caught: that is where programs say what went wrong.
const OUTPUT_MAX_BYTES: usize = 8 << 10;
/// And so much of that is told, for the outbox keeps few words of each attempt.
const OUTPUT_TOLD_CHARS: usize = 220;
/// After the program's end, what is left in its pipes is there at once; longer only somebody else writes.
const PIPES_PATIENCE: Duration = Duration::from_millis(200);
/// Where programs are looked for when the daemon itself has no `PATH`.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

impl Command {
    /// Runs it once. It is told on one line: the event's body, with the delivery's id as its first member.
    pub(super) async fn run(&self, id: &DeliveryId, body: &str, hidden: &Redaction) -> Heard {
        let environment = self.environment();
        match self.spawn(&environment) {
            Ok(child) => {
                let values = environment.iter().filter(|(name, _)| name != "PATH");
                let hidden = hidden.and(values.map(|(_, value)| value.to_string_lossy().into_owned()));
                Running::new(child).tell(line(id, body), self.timeout, &hidden).await
            }
            Err(cause) => Heard::nothing(self.not_started(&cause)),
        }
    }

    fn environment(&self) -> Vec<(String, OsString)> {
        let path = std::env::var_os("PATH").unwrap_or_else(|| PATH.into());
        let named = self.env.iter().filter_map(|name| Some((name.clone(), std::env::var_os(name)?)));
        std::iter::once(("PATH".to_owned(), path)).chain(named).collect()
    }

    fn spawn(&self, environment: &[(String, OsString)]) -> std::io::Result<Child> {
        let (program, arguments) = self.argv.split_first().ok_or(ErrorKind::NotFound)?;
        Program::new(program)
            .args(arguments)
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
    }

    fn not_started(&self, cause: &std::io::Error) -> String {
        let program = self.argv.first().map_or("", String::as_str);
        let cure = match cause.kind() {
            ErrorKind::NotFound => "write its whole path, or put its folder into the daemon's PATH",
            ErrorKind::PermissionDenied => "make it executable for the daemon's user",
            _ => "see that it can be run by the daemon's user",
        };
        format!("program {program:?} was not started ({cause}); {cure}")
    }
}

/// `{"id":"msg_…","type":…}` and a line end: a program has no headers to read the id from.
fn line(id: &DeliveryId, body: &str) -> Vec<u8> {
    let id = serde_json::to_string(id).expect("a text serialises");
    let line = match body.strip_prefix('{') {
        Some(members) => format!("{{\"id\":{id},{members}\n"),
        None => format!("{body}\n"),
    };
    line.into_bytes()
}

/// A program that runs, in a group of its own. Whatever drops this while it runs ends the whole group.
struct Running(Child);

impl Running {
    fn new(child: Child) -> Self {
        Self(child)
    }

    async fn tell(mut self, line: Vec<u8>, timeout: Duration, hidden: &Redaction) -> Heard {
        let (out, err) = (Mutex::new(Tail::new(OUTPUT_MAX_BYTES)), Mutex::new(Tail::new(OUTPUT_MAX_BYTES)));
        let (stdin, stdout, stderr) = (self.0.stdin.take(), self.0.stdout.take(), self.0.stderr.take());
        let pipes = async { tokio::join!(feed(stdin, line), drain(stdout, &out), drain(stderr, &err)) };
        let mut pipes = Box::pin(pipes.fuse());
        let ended = async {
            tokio::select! {
                ended = self.0.wait() => ended,
                _ = &mut pipes => self.0.wait().await,
            }
        };
        let ended = tokio::time::timeout(timeout, ended).await.ok();
        if ended.is_none() {
            self.end_group();
            // It has no choice, and is not left behind as a zombie.
            let _ = self.0.wait().await;
        }
        if !pipes.is_terminated() {
            let _ = tokio::time::timeout(PIPES_PATIENCE, pipes).await;
        }
        heard(ended, timeout, [("standard error", &err), ("standard output", &out)], hidden)
    }

    /// The group's number is the program's own; it stays taken until the program's end has been seen.
    fn end_group(&self) {
        let leader = self.0.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(leader) = leader {
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end_group();
    }
}

/// A program that reads nothing, or ends before it has read all, is no failure.
async fn feed(pipe: Option<impl AsyncWrite + Unpin>, line: Vec<u8>) {
    if let Some(mut pipe) = pipe {
        let _ = pipe.write_all(&line).await;
        let _ = pipe.shutdown().await;
    }
}

fn heard(
    ended: Option<std::io::Result<ExitStatus>>,
    timeout: Duration,
    outputs: [(&str, &Mutex<Tail>); 2],
    hidden: &Redaction,
) -> Heard {
    let status = ended.as_ref().and_then(|ended| ended.as_ref().ok()?.code());
    let (reply, mut told) = match ended {
        None => (Reply::failed(), format!("not done within {timeout:?}; it and all that it had started was ended")),
        Some(Err(cause)) => (Reply::failed(), format!("its end was not seen ({cause})")),
        Some(Ok(status)) if status.success() => (Reply::Taken, "ended with 0".to_owned()),
        Some(Ok(status)) => (
            Reply::failed(),
            match (status.code(), status.signal()) {
                (Some(code), _) => format!("ended with {code}"),
                (None, Some(signal)) => format!("ended by signal {signal}"),
                (None, None) => format!("{status}"),
            },
        ),
    };
    for (name, output) in outputs {
        let text = Tail::text(output);
        if !text.trim().is_empty() {
            told.push_str(&format!("; {name}: {}", end_of(&hidden.clean(text.trim()))));
        }
    }
    Heard { reply, status: status.and_then(|code| u16::try_from(code).ok()), told }
}

fn end_of(text: &str) -> String {
    let surplus = text.chars().count().saturating_sub(OUTPUT_TOLD_CHARS);
    let end: String = text.chars().skip(surplus).collect();
    if surplus > 0 { format!("…{end}") } else { end }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::path::Path;
    use std::sync::mpsc;
    use std::time::Instant;

    use super::*;

    /// Longer than anything here takes on a busy machine.
    const PATIENCE: Duration = Duration::from_secs(60);
    const BODY: &str = r#"{"type":"entry.synced","data":{"id":"1_a"}}"#;

    fn command(argv: &[&str], env: &[&str], timeout: Duration) -> Command {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Command { argv: texts(argv), env: texts(env), timeout }
    }

    async fn run(argv: &[&str]) -> Heard {
        let id = DeliveryId("msg_1".to_owned());
        command(argv, &[], PATIENCE).run(&id, BODY, &Redaction::default()).await
    }

    #[tokio::test]
    async fn a_program_is_told_on_one_line_of_its_input_with_the_delivery_s_id() {
        let heard = run(&["cat"]).await;
        assert_eq!(heard.reply, Reply::Taken);
        let told = r#"{"id":"msg_1","type":"entry.synced","data":{"id":"1_a"}}"#;
        assert_eq!(heard.told, format!("ended with 0; standard output: {told}"));
        assert_eq!(run(&["sh", "-c", "read line && read more"]).await.told, "ended with 1", "one line, with its end");
    }

    #[tokio::test]
    async fn a_program_sees_its_path_and_the_variables_that_are_named_and_nothing_else() {
        let id = DeliveryId("msg_1".to_owned());
        let env = command(&["env"], &["CARGO_MANIFEST_DIR", "KALTURA_MIRROR_NO_SUCH"], PATIENCE);
        let heard = env.run(&id, BODY, &Redaction::default()).await;
        let printed = heard.told.split_once("standard output: ").unwrap().1;
        let names: Vec<&str> = printed.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
        assert_eq!(names, ["CARGO_MANIFEST_DIR", "PATH"], "{}", heard.told);
        assert!(printed.contains("CARGO_MANIFEST_DIR=…\n"), "its value may be a secret: {}", heard.told);
    }

    #[tokio::test]
    async fn arguments_go_as_they_are_and_no_shell_reads_them() {
        let heard = run(&["printf", "%s|", "$HOME", "a b", "`id`", "*"]).await;
        assert_eq!(heard.told, "ended with 0; standard output: $HOME|a b|`id`|*|");
    }

    #[tokio::test]
    async fn how_a_program_ends_and_what_it_says_is_told_without_secrets() {
        let id = DeliveryId("msg_1".to_owned());
        let hidden = Redaction::of(["hunter2hunter2".to_owned()]);
        let failing = command(&["sh", "-c", "echo no hunter2hunter2 >&2; exit 3"], &[], PATIENCE);
        let heard = failing.run(&id, BODY, &hidden).await;
        assert_eq!((heard.reply, &*heard.told), (Reply::failed(), "ended with 3; standard error: no …"));
        assert_eq!(run(&["sh", "-c", "kill -9 $$"]).await.told, "ended by signal 9");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_told_with_the_cure() {
        let heard = run(&["no-such-program"]).await;
        assert_eq!(heard.reply, Reply::failed());
        assert!(heard.told.starts_with("program \"no-such-program\" was not started"), "{}", heard.told);
        assert!(heard.told.contains("whole path"), "{}", heard.told);
        let file = tempfile::NamedTempFile::new().unwrap();
        let heard = run(&[&file.path().display().to_string()]).await;
        assert!(heard.told.contains("make it executable"), "{}", heard.told);
    }

    #[tokio::test]
    async fn a_program_that_reads_nothing_or_prints_without_end_does_not_hold_us_up() {
        let id = DeliveryId("msg_1".to_owned());
        let long = format!("{{\"text\":\"{}\"}}", "x".repeat(1 << 20));
        let heard = command(&["true"], &[], PATIENCE).run(&id, &long, &Redaction::default()).await;
        assert_eq!(heard.reply, Reply::Taken, "{}", heard.told);
        let short = Duration::from_millis(300);
        let heard = command(&["sleep", "1000"], &[], short).run(&id, &long, &Redaction::default()).await;
        assert!(heard.told.starts_with("not done within 300ms"), "{}", heard.told);
        let heard = command(&["yes"], &[], short).run(&id, BODY, &Redaction::default()).await;
        assert!(heard.told.starts_with("not done within 300ms"), "{}", heard.told);
        assert!(heard.told.len() < 2 * OUTPUT_TOLD_CHARS, "{}", heard.told.len());
    }

    #[tokio::test]
    async fn what_a_program_leaves_behind_does_not_hold_us_up() {
        let begun = Instant::now();
        let heard = run(&["sh", "-c", "sleep 20 & echo left behind"]).await;
        assert_eq!(heard.told, "ended with 0; standard output: left behind");
        assert!(begun.elapsed() < Duration::from_secs(15), "its pipes are not waited for");
    }

    /// A pipe with a name in this folder; the first answer comes when somebody holds it, the second when nobody does any more.
    fn held(folder: &Path) -> (String, mpsc::Receiver<&'static str>) {
        let path = folder.join("held").display().to_string();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let (send, receive) = mpsc::channel();
        let name = path.clone();
        std::thread::spawn(move || {
            let mut pipe = std::fs::File::open(name).unwrap();
            pipe.read_exact(&mut [0; 4]).unwrap();
            send.send("held").unwrap();
            pipe.read_to_end(&mut Vec::new()).unwrap();
            send.send("gone").unwrap();
        });
        (path, receive)
    }

    /// Its child, which no gentle signal ends, writes and then keeps the pipe open; it keeps none itself.
    const HOLD: &str = "(trap '' TERM INT HUP; printf held >&3; sleep 1000; sleep 1000) 3> \"$0\" & wait";

    #[tokio::test]
    async fn a_program_out_of_time_is_ended_with_all_that_it_has_started() {
        let folder = tempfile::tempdir().unwrap();
        let (path, pipe) = held(folder.path());
        let id = DeliveryId("msg_1".to_owned());
        let slow = command(&["sh", "-c", HOLD, &path], &[], Duration::from_secs(2));
        let heard = slow.run(&id, BODY, &Redaction::default()).await;
        assert!(heard.told.starts_with("not done within 2s"), "{}", heard.told);
        assert_eq!([(); 2].map(|()| pipe.recv_timeout(PATIENCE)), [Ok("held"), Ok("gone")]);
    }

    #[tokio::test]
    async fn a_program_whose_delivery_is_broken_off_is_ended_with_all_that_it_has_started() {
        let folder = tempfile::tempdir().unwrap();
        let (path, pipe) = held(folder.path());
        let id = DeliveryId("msg_1".to_owned());
        let slow = command(&["sh", "-c", HOLD, &path], &[], PATIENCE);
        let delivery = tokio::spawn(async move { slow.run(&id, BODY, &Redaction::default()).await });
        while pipe.try_recv().is_err() {
            assert!(!delivery.is_finished());
            tokio::task::yield_now().await;
        }
        delivery.abort();
        assert!(delivery.await.unwrap_err().is_cancelled());
        assert_eq!(pipe.recv_timeout(PATIENCE), Ok("gone"));
    }
}
