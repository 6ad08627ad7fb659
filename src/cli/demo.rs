//! `demo`: the main job on this machine alone. A stand-in Kaltura, a daemon beside it, an editor at work.

mod agreement;
mod copy;
mod events;
mod narrator;
mod reader;
mod story;
mod summary;

use std::io::{IsTerminal, Write, stdout};
use std::time::Duration;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;

use super::signals::Signals;
use super::{Outcome, output::Output};
use crate::app::Daemon;
use crate::config::{self, Config};
use crate::domain::clock::{Clock, Jitter};
use crate::simulator::account::{SYNC_PROFILE, believable_account};
use crate::simulator::handle::{Options, Simulator};
use crate::simulator::sink::Sink;
use story::Story;

/// Play the main job on this machine: a stand-in Kaltura, the daemon beside it, an editor at work
#[derive(Debug, Args)]
pub struct Command {
    /// Play the story to its end, print a summary, and exit: 0, or 1 if mirror, account and the reader's copy disagree
    #[arg(long)]
    once: bool,
    /// Which believable account; the same number is the same account
    #[arg(long, default_value_t = 7, value_name = "NUMBER")]
    seed: u64,
}

/// Plays it. Needs no configuration, no account and no network but loopback; leaves nothing behind.
///
/// # Errors
/// When this machine gives no port or no temporary folder.
pub fn run(command: &Command, json: bool) -> anyhow::Result<Outcome> {
    // Gone only when nothing works in it any more.
    let folder = Folder::make()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(play(command, &folder, json));
    runtime.shutdown_timeout(THREADS_PATIENCE);
    outcome
}

/// How long threads that do not end by themselves hold up the end.
const THREADS_PATIENCE: Duration = Duration::from_secs(1);

async fn play(command: &Command, folder: &Folder, json: bool) -> anyhow::Result<Outcome> {
    let mut signals = Signals::listen().context("signals cannot be listened for")?;
    let stage = tokio::select! {
        stage = Stage::play(command, folder, json) => stage?,
        _ = signals.next() => {
            tracing::warn!("the story is broken off");
            return Ok(Outcome::Failed);
        }
    };
    if !command.once {
        stage.stay()?;
        signals.next().await;
    }
    stage.leave().await
}

/// Who is there when the story has been told, and what came of it.
struct Stage {
    kaltura: Simulator,
    website: Sink,
    daemon: Daemon,
    disagreements: Vec<String>,
}

impl Stage {
    async fn play(command: &Command, folder: &Folder, json: bool) -> anyhow::Result<Self> {
        narrator::start(!json, stdout().is_terminal());
        let clock = Clock::system();
        let kaltura = Simulator::start(Options::new(believable_account(command.seed, clock.clone()))).await?;
        let website = Sink::start().await;
        let daemon = Daemon::start(configuration(&kaltura, &website, folder)?, clock, Jitter::system()).await?;
        if !json {
            banner(&kaltura, &daemon)?;
        }
        let again = configuration(&kaltura, &website, folder)?;
        let story = Story::new(&kaltura, daemon, again, folder.0.join("copy.json"))?;
        let (daemon, reader) = story.tell().await?;
        let copied = reader.entries()?;
        let mut disagreements = agreement::check(&kaltura, &daemon).await?;
        disagreements.extend(agreement::unheard(&daemon).await?);
        disagreements.extend(copy::differences(&copied, &reader.public().await?));
        let summary = summary::of(&kaltura, &daemon, copied.len(), disagreements.clone()).await?;
        Output::to_stdout(json).answer(&serde_json::to_value(&summary)?, || summary.text())?;
        Ok(Self { kaltura, website, daemon, disagreements })
    }

    fn stay(&self) -> std::io::Result<()> {
        stay(&self.kaltura, &self.daemon)
    }

    async fn leave(self) -> anyhow::Result<Outcome> {
        self.daemon.stop().await;
        self.website.stop().await;
        self.kaltura.stop().await;
        Ok(if self.disagreements.is_empty() { Outcome::Done } else { Outcome::Failed })
    }
}

/// A configuration as an operator would write it, with times short enough to watch.
///
/// Two hooks hear of what happens: a website, which the stand-in plays, and a program.
fn configuration(kaltura: &Simulator, website: &Sink, folder: &Folder) -> anyhow::Result<Config> {
    let session = format!(
        "partner_id = {}\nadmin_secret = \"{}\"\nservice_url = \"{}/\"\n",
        kaltura.partner_id(),
        kaltura.admin_secret(),
        kaltura.url()
    );
    let script = format!(
        "sync_metadata_profile_id = {SYNC_PROFILE}\ndata_dir = {:?}\n\
         [server]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n\
         [reconcile]\nenabled = false\n\
         [thumbnails]\nwidth = 320\n\
         [sync]\nconfirm_removal_after = \"1s\"\n\
         [[hooks]]\nname = \"website\"\nurl = \"{}\"\nallow_private = true\n\
         secret = \"whsec_{}\"\nevents = [\"entry.synced\", \"entry.changed\", \"entry.removed\"]\n\
         [[hooks]]\nname = \"program\"\ncommand = [\"cat\"]\nevents = [\"entry.removed\"]\n",
        folder.0.join("data"),
        website.url(),
        STANDARD.encode([7; 32])
    );
    config::from_texts(&session, &script).context("the demo's own configuration")
}

fn banner(kaltura: &Simulator, daemon: &Daemon) -> std::io::Result<()> {
    let entries = kaltura.read(|account| account.entries.len());
    let mut out = stdout().lock();
    writeln!(out, "A stand-in Kaltura with {entries} entries answers at {}", kaltura.url())?;
    writeln!(out, "The daemon beside it answers at            http://{}", daemon.public)?;
    writeln!(out)
}

fn stay(kaltura: &Simulator, daemon: &Daemon) -> std::io::Result<()> {
    let mut out = stdout().lock();
    let picture = kaltura.read(|account| account.entries.keys().next().cloned());
    writeln!(out, "\nLook at it, and press Ctrl-C when you have seen enough:")?;
    writeln!(out, "  http://{}/api/v1/entries", daemon.public)?;
    writeln!(out, "  http://{}/api/v1/search?q=museum&highlight=name", daemon.public)?;
    if let Some(id) = picture {
        writeln!(out, "  http://{}/api/v1/entries/{id}", daemon.public)?;
        writeln!(out, "  http://{}/thumbnails/{id}", daemon.public)?;
    }
    writeln!(out, "  http://{}/api/v1/changes?initial=true", daemon.public)?;
    writeln!(out, "  http://{}/readyz", daemon.public)
}

/// A folder of our own that goes when the demo goes.
struct Folder(std::path::PathBuf);

impl Folder {
    fn make() -> anyhow::Result<Self> {
        let name = format!("kaltura-mirror-demo-{}-{:08x}", std::process::id(), fastrand::u32(..));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).with_context(|| {
            format!("{} cannot be made; set TMPDIR to a folder that can be written", path.display())
        })?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
