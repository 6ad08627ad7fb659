//! `serve`: the daemon in the foreground, from its start to the signal that ends it.

use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tracing::{info, warn};

use super::signals::{Signals, Told};
use super::{Options, Outcome};
use crate::app::Daemon;
use crate::config::Config;
use crate::domain::clock::{Clock, Jitter};

/// `serve` takes nothing but what every command takes.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Signals:
  SIGTERM, SIGINT  stop: take no more work, finish what runs within [sync] stop_deadline, exit
                   code 0; a second one ends it at once, exit code 1. What was accepted is kept.
  SIGHUP           read secret files again

Examples:
  kaltura-mirror serve
  kaltura-mirror serve --log-format json 2>> /var/log/kaltura-mirror.log
  KALTURA_MIRROR__SERVER__LISTEN=0.0.0.0:8088 KALTURA_MIRROR_LOG=debug kaltura-mirror serve")]
pub struct Command {}

/// How long threads that do not end by themselves hold up the exit of the process.
const THREADS_PATIENCE: Duration = Duration::from_secs(1);

/// Runs until a signal ends it.
///
/// # Errors
/// [`crate::config::Error`] and [`crate::app::StartError`]: nothing runs then.
pub fn run(_: &Command, options: &Options) -> anyhow::Result<Outcome> {
    let config = options.config()?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no threads to work with")?;
    let outcome = runtime.block_on(serve(config));
    runtime.shutdown_timeout(THREADS_PATIENCE);
    outcome
}

async fn serve(config: Config) -> anyhow::Result<Outcome> {
    // Before anything runs: a signal that comes early is not lost.
    let mut signals = Signals::listen().context("signals cannot be listened for")?;
    let notes = config.notes.clone();
    let daemon = Daemon::start(config, Clock::system(), Jitter::system()).await?;
    for note in notes {
        info!("{note}");
    }
    tell_ready(&daemon);
    let signal = until_stopped(&mut signals, &daemon).await;
    info!("{signal}: stopping; what runs may finish, a second signal ends it at once");
    tokio::select! {
        () = daemon.stop() => {
            info!("stopped");
            Ok(Outcome::Done)
        }
        signal = signals.stop() => {
            warn!("{signal}: ended at once; what was under way is done again by the next start");
            Ok(Outcome::Failed)
        }
    }
}

/// A daemon whose output nobody reads is as good as any other.
fn tell_ready(daemon: &Daemon) {
    let line = format!("ready: public http://{} admin http://{}\n", daemon.public, daemon.admin);
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_all(line.as_bytes()).and_then(|()| out.flush()) {
        warn!("standard output takes no line: {error}");
    }
}

async fn until_stopped(signals: &mut Signals, daemon: &Daemon) -> &'static str {
    loop {
        match signals.next().await {
            Told::Stop(name) => return name,
            Told::ReadSecrets => match daemon.reload_secrets().await {
                Ok(()) => info!("SIGHUP: secret files were read again"),
                Err(error) => warn!("SIGHUP: the secrets stay as they were: {error}"),
            },
        }
    }
}
