//! `simulate`: the stand-in Kaltura by itself, for whoever wants to try a daemon without an account.

mod editor;
mod notify;

use std::fs::OpenOptions;
use std::io::{self, BufRead, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;
use tokio::sync::mpsc;

use super::signals::Signals;
use super::{Options, Outcome, UsageError};
use crate::domain::clock::Clock;
use crate::domain::secret::AdminSecret;
use crate::simulator::account::{SYNC_PROFILE, add_event_templates, believable_account};
use crate::simulator::generated::{Mix, Plan};
use crate::simulator::handle::{Options as Start, Simulator};
use crate::simulator::script::Script;
use crate::simulator::sender::event::{EventDelivery, EventSender};
use crate::simulator::sender::{Delivery, Manners, Sender};
use crate::simulator::state::SimAccount;

/// Where, which account, and whom to notify.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub struct Command {
    #[command(subcommand)]
    alone: Option<Alone>,
    /// Where to answer; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// Send notifications there, as the account's settings in KMC would say
    #[arg(long, value_name = "URL")]
    notify: Option<String>,
    /// Send event notifications there, too, from four templates as an administrator of the account would clone them
    #[arg(long, value_name = "URL")]
    events: Option<String>,
    /// Which believable account; the same number is the same account
    #[arg(long, value_name = "NUMBER", default_value_t = 7)]
    seed: u64,
    /// Put so many generated entries beside the account's own, up to millions: they cost nothing until they are changed
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    entries: u64,
    /// Play an outage script: what goes wrong, and when, a line each (see below)
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Write both configuration files into this folder; files that are there stay
    #[arg(long, value_name = "FOLDER")]
    write: Option<PathBuf>,
}

/// What needs no account.
#[derive(Debug, Subcommand)]
enum Alone {
    /// Send notifications of any kind, shape and signature to a daemon, and tell what it answers
    ///
    /// Each is made as Kaltura makes it, byte for byte: an API notification as a signed form, an event notification as one of
    /// the bodies its templates can have. Exit code 0 when every one was accepted (200 or 204), 1 when one was not.
    Notify(Box<notify::Command>),
}

const AFTER_HELP: &str = "\
Lines on standard input act as an editor in the console:
  list [WORD]          entries, those whose name has the word: id, status, sync field, name
  needed ENTRY         set the sync field to Sync Needed; likewise: done, manual, unset
  rename ENTRY NAME    give an entry another name
  add NAME             a new video that asks to be synced
  delete ENTRY         delete an entry
  announce [ENTRY]     send entry_update of one entry, or of all: for a receiver that is new
API notifications (--notify) tell of names, additions and deletions, but never of a changed sync
field: announce the entry, or have it synced, for the daemon to see that. Event notifications
(--events) tell of it by themselves.

Lines of a --script are at TIME: STEP, with times from the start (10s, 5m, 2h) and # for comments:
  at 10s: down for 60s   503 to everything; likewise: hang, empty (lists), bad-session (INVALID_KS),
                         foreign (another account's objects), blocked (ACTION_BLOCKED)
  at 30s: change 500     an editor changes so many entries; likewise: delete, recycle
  at 2m: limit 5         so many requests a second, ACTION_BLOCKED above that; unlimited ends it
  at 3m: lag 45s         lists know of a change only so much later; what is asked by id is as it is
  at 5m: heal            everything goes right again, no limit and no lag
Each step is told when it happens.

Generated entries (--entries) are as an account has them: most are ready videos that say Sync Done, a
fifth is out of the ordinary (not ready, recycled, moderated, restricted, over, with captions). Steps of
a script act on them, and so does an editor who names one; list shows the first of them, and announce
without an ENTRY leaves them out.

Examples:
  kaltura-mirror simulate --entries 1000000 --write try
  kaltura-mirror simulate --write try --notify http://127.0.0.1:8088/notifications
  cd try && kaltura-mirror serve          (in another terminal; then type announce in the first)
  echo announce | kaltura-mirror simulate --notify http://127.0.0.1:8088/notifications
  kaltura-mirror simulate notify --help   (a single notification, of any kind)";

/// How often it is looked whether there is something to send.
const SEND_EVERY: Duration = Duration::from_millis(200);
/// Kaltura tries again after ten minutes; nobody who tries a daemon wants to wait that long.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// Runs until it is told to stop.
///
/// # Errors
/// An address that cannot be listened at, a URL that is none, files that cannot be written.
pub fn run(command: &Command, options: &Options) -> anyhow::Result<Outcome> {
    if let Some(Alone::Notify(command)) = &command.alone {
        return notify::run(command, options);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let outcome = runtime.block_on(simulate(command, options));
    runtime.shutdown_background();
    outcome
}

async fn simulate(command: &Command, options: &Options) -> anyhow::Result<Outcome> {
    let mut signals = Signals::listen()?;
    let start = Start { listen: command.listen, ..Start::new(account(command)) };
    let kaltura = Simulator::start(start).await.map_err(|cause| {
        UsageError(format!("--listen {} cannot be listened at ({cause}); take another port, or 0", command.listen))
    })?;
    let senders = Senders::of(command, &kaltura)?;
    let script = command.script.as_deref().map(|path| read_script(path, &kaltura)).transpose()?;
    let files = Files::for_daemon(&kaltura);
    if let Some(folder) = &command.write {
        files.write(folder)?;
    }
    introduce(command, options, &kaltura, &files)?;
    tokio::select! {
        _ = signals.next() => {}
        worked = work(options, &kaltura, &senders, script) => worked?,
    }
    kaltura.stop().await;
    Ok(Outcome::Done)
}

/// The believable account, and as many generated entries as were asked for.
fn account(command: &Command) -> SimAccount {
    let mut account = believable_account(command.seed, Clock::system());
    if command.entries > 0 {
        let plan = Plan::synced_before(command.entries, account.now());
        account.generate(Plan { seed: command.seed, mix: Mix::Believable, ..plan });
    }
    account
}

/// A script that begins now.
fn read_script(path: &Path, kaltura: &Simulator) -> Result<Script, UsageError> {
    let text = std::fs::read_to_string(path).map_err(|cause| {
        UsageError(format!("--script: {} cannot be read ({cause}); name a file of steps", path.display()))
    })?;
    let now = kaltura.read(|account| account.clock.now());
    Script::parse(&text, now).map_err(|error| UsageError(format!("--script: {}, {error}", path.display())))
}

/// Kaltura's two workers, as far as they were asked for.
struct Senders {
    notifications: Option<Sender>,
    events: Option<EventSender>,
}

impl Senders {
    fn of(command: &Command, kaltura: &Simulator) -> Result<Self, UsageError> {
        let sender = |option: &'static str, url: &String| {
            let sender = Sender::new(kaltura.partner_id(), AdminSecret::new(kaltura.admin_secret()), url);
            let sender = sender.map_err(|error| UsageError(format!("{option}: {error}")))?;
            Ok(sender.with_manners(Manners { retry_after: RETRY_AFTER, ..Manners::default() }))
        };
        let notifications = command.notify.as_ref().map(|url| sender("--notify", url)).transpose()?;
        let events = command.events.as_ref().map(|url| {
            // The URL is judged by the same rule.
            sender("--events", url)?;
            kaltura.edit(|account| add_event_templates(account, url));
            Ok(EventSender::new().with_manners(Manners { retry_after: RETRY_AFTER, ..Manners::of_events() }))
        });
        Ok(Self { notifications, events: events.transpose()? })
    }

    /// Sends what is due, and tells of it.
    async fn send(&self, options: &Options, kaltura: &Simulator) -> io::Result<()> {
        if let Some(sender) = &self.notifications {
            for delivery in sender.drain(kaltura.account()).await {
                tell_delivery(options, &delivery)?;
            }
        }
        if let Some(sender) = &self.events {
            for delivery in sender.drain(kaltura.account()).await {
                tell_event(options, &delivery)?;
            }
        }
        Ok(())
    }
}

/// What a daemon needs to believe that this is its Kaltura.
struct Files {
    session: String,
    script: String,
}

impl Files {
    fn for_daemon(kaltura: &Simulator) -> Self {
        let (partner_id, secret, url) = (kaltura.partner_id(), kaltura.admin_secret(), kaltura.url());
        Self {
            session: format!("partner_id = {partner_id}\nadmin_secret = \"{secret}\"\nservice_url = \"{url}/\"\n"),
            script: format!("sync_metadata_profile_id = {SYNC_PROFILE}\n"),
        }
    }

    fn write(&self, folder: &Path) -> Result<(), UsageError> {
        let refuse = |path: &Path, cause: io::Error| {
            UsageError(format!("--write: {} cannot be written ({cause}); name another folder", path.display()))
        };
        std::fs::create_dir_all(folder).map_err(|cause| refuse(folder, cause))?;
        for (name, text) in [("session_config.toml", &self.session), ("script_config.toml", &self.script)] {
            let path = folder.join(name);
            let file = OpenOptions::new().write(true).create_new(true).open(&path);
            file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|cause| refuse(&path, cause))?;
        }
        Ok(())
    }
}

fn introduce(command: &Command, options: &Options, kaltura: &Simulator, files: &Files) -> io::Result<()> {
    let entries = kaltura.read(SimAccount::entry_count);
    let (url, partner) = (kaltura.url(), kaltura.partner_id());
    let json = json!({
        "id": url, "partner_id": partner, "entries": entries,
        "session_config": files.session, "script_config": files.script,
    });
    options.output().answer(&json, || {
        let Files { session, script } = files;
        let files = match &command.write {
            Some(folder) => format!(
                "Start a daemon beside it:\n  cd {} && kaltura-mirror serve\n",
                folder.display()
            ),
            None => format!("Point a daemon at it:\n\n# session_config.toml\n{session}\n# script_config.toml\n{script}"),
        };
        let notices = match &command.notify {
            Some(url) => format!("Notifications go to {url}."),
            None => "API notifications are queued and not sent: that takes --notify URL.".to_owned(),
        };
        let events = match &command.events {
            Some(url) => format!("\nEvent notifications go to {url}."),
            None => String::new(),
        };
        format!("A stand-in Kaltura with {entries} entries of partner {partner} answers at {url}\n\n{files}\n{notices}{events}\nType help for what an editor can do; Ctrl-C ends it.\n")
    })
}

/// Sends what is queued, does what the editor says, and what is due of the script.
async fn work(
    options: &Options,
    kaltura: &Simulator,
    senders: &Senders,
    mut script: Option<Script>,
) -> anyhow::Result<()> {
    let mut lines = lines_typed();
    let mut send = tokio::time::interval(SEND_EVERY);
    send.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut typing = true;
    loop {
        tokio::select! {
            line = lines.recv(), if typing => match line {
                Some(line) => {
                    let reply = editor::carry_out(kaltura, &line);
                    options.output().answer(&reply.json, || reply.text)?;
                }
                None => typing = false,
            },
            _ = send.tick() => {
                for step in script.iter_mut().flat_map(|script| script.play(kaltura)) {
                    options.output().answer(&json!({ "id": null, "script": step }), || format!("{step}\n"))?;
                }
                senders.send(options, kaltura).await?;
            }
        }
    }
}

fn tell_delivery(options: &Options, delivery: &Delivery) -> io::Result<()> {
    let ids: Vec<String> = delivery.notifications.iter().map(ToString::to_string).collect();
    let (ids, attempts, answer) = (ids.join(", "), delivery.attempts, editor::answer_in_words(&delivery.answer));
    let json = json!({ "id": ids, "attempts": attempts, "answer": answer });
    options.output().answer(&json, || format!("sent notification {ids}, attempt {attempts}: {answer}\n"))
}

fn tell_event(options: &Options, delivery: &EventDelivery) -> io::Result<()> {
    let EventDelivery { id, template_id, attempts, answer } = delivery;
    let answer = editor::answer_in_words(answer);
    let json = json!({ "id": id, "template_id": template_id, "attempts": attempts, "answer": answer });
    let text = format!("sent event notification {id} of template {template_id}, attempt {attempts}: {answer}\n");
    options.output().answer(&json, || text)
}

/// A thread of its own: reading a terminal cannot be taken back.
fn lines_typed() -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if send.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receive
}
