//! What happens in the demo, chapter by chapter.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use tracing::info;

use super::narrator::chapter;
use super::reader::Reader;
use crate::app::Daemon;
use crate::config::{Config, Server};
use crate::domain::clock::{Clock, Jitter};
use crate::domain::ids::EntryId;
use crate::domain::secret::AdminSecret;
use crate::simulator::account::{STAFF_ONLY, add_event_templates};
use crate::simulator::edits;
use crate::simulator::entry::SimStatus;
use crate::simulator::handle::Simulator;
use crate::simulator::sender::Sender;
use crate::simulator::sender::event::EventSender;
use crate::simulator::sender::form;
use crate::simulator::sender::job::Job;

/// The players.
pub(super) struct Story<'a> {
    kaltura: &'a Simulator,
    sender: Sender,
    /// Absent only while it is started again.
    daemon: Option<Daemon>,
    /// What it is started with again.
    again: Option<Config>,
    reader: Reader,
    /// Entries that visitors see after the first chapter, in the order they are used up.
    shown: Vec<EntryId>,
}

impl<'a> Story<'a> {
    /// A daemon that is running, what it is to be started with again, and a reader that keeps its copy in `file`.
    pub(super) fn new(kaltura: &'a Simulator, daemon: Daemon, again: Config, file: PathBuf) -> anyhow::Result<Self> {
        let endpoint = format!("http://{}/notifications", daemon.public);
        let sender = Sender::new(kaltura.partner_id(), AdminSecret::new(kaltura.admin_secret()), &endpoint)?;
        // Where Kaltura and the reader know it to be.
        let again = Some(Config { server: Server { listen: daemon.public, ..again.server }, ..again });
        let reader = Reader::new(daemon.public, file)?;
        Ok(Self { kaltura, sender, daemon: Some(daemon), again, reader, shown: Vec::new() })
    }

    /// Plays it; who is still on the stage then.
    pub(super) async fn tell(mut self) -> anyhow::Result<(Daemon, Reader)> {
        self.the_account_is_told().await?;
        self.a_reader_begins().await?;
        self.an_editor_asks().await?;
        self.an_editor_parks().await?;
        self.people_restrict_and_remove().await?;
        self.the_reader_comes_again().await?;
        self.the_daemon_is_stopped_and_started().await?;
        self.events_tell_of_the_field_alone().await?;
        self.strangers_knock().await?;
        self.reader.caught_up().await?;
        self.reader.stop().await;
        Ok((self.daemon.context("the daemon is on the stage at the end")?, self.reader))
    }

    fn daemon(&self) -> anyhow::Result<&Daemon> {
        self.daemon.as_ref().context("the daemon is not running")
    }

    /// Half of the account in single notifications, half in multi notifications of ten.
    async fn the_account_is_told(&mut self) -> anyhow::Result<()> {
        chapter("Kaltura tells of every entry it has");
        self.kaltura.edit(edits::announce_half);
        self.deliver().await?;
        self.kaltura.edit(|account| account.allow_multi_notification = true);
        self.kaltura.edit(edits::announce_rest);
        self.deliver().await?;
        self.kaltura.edit(|account| account.allow_multi_notification = false);
        self.shown = self.public_ids().await?;
        Ok(())
    }

    async fn a_reader_begins(&mut self) -> anyhow::Result<()> {
        chapter("A reader of the change feed begins a copy in a file: first all that is public, then what changes");
        self.reader.start()?;
        self.reader.caught_up().await
    }

    async fn an_editor_asks(&mut self) -> anyhow::Result<()> {
        chapter("An editor changes a title, sets Sync Needed, and gives another entry a new picture");
        let (renamed, pictured) = (self.next_shown()?, self.next_shown()?);
        info!(step = "editor", "renames entry {renamed} and sets its SyncStatus to Sync Needed");
        self.kaltura.set_sync_status(&renamed, Some("Sync Needed"));
        self.kaltura.rename_entry(&renamed, "The same film, under a better title");
        info!(step = "editor", "gives entry {pictured} another picture, and sets Sync Needed");
        self.kaltura.set_sync_status(&pictured, Some("Sync Needed"));
        self.kaltura.replace_thumbnail(&pictured, 99);
        self.deliver().await?;
        self.reader.caught_up().await
    }

    async fn an_editor_parks(&mut self) -> anyhow::Result<()> {
        chapter("An editor parks an entry with Sync Manual: its changes stay out, its field is not touched");
        let parked = self.next_shown()?;
        info!(step = "editor", "sets SyncStatus of entry {parked} to Sync Manual and renames it");
        self.kaltura.set_sync_status(&parked, Some("Sync Manual"));
        self.kaltura.rename_entry(&parked, "A draft that visitors must not see yet");
        self.deliver().await
    }

    async fn people_restrict_and_remove(&mut self) -> anyhow::Result<()> {
        chapter("People restrict, reject, schedule, block and delete: visitors stop seeing it at once");
        self.reader.stop().await;
        let [restricted, rejected, scheduled, converting, deleted] = self.five_shown()?;
        info!(step = "editor", "lets only the staff network play entry {restricted}");
        self.kaltura.set_access_control(&restricted, Some(STAFF_ONLY));
        info!(step = "editor", "rejects entry {rejected}");
        self.kaltura.reject(&rejected);
        info!(step = "editor", "schedules entry {scheduled} for next week");
        let next_week = self.kaltura.read(|account| account.now()) + 7 * 86_400;
        self.kaltura.set_schedule(&scheduled, Some(next_week), None);
        info!(step = "editor", "uploads new content to entry {converting}, which is being converted");
        self.kaltura.set_status(&converting, SimStatus::Core(1));
        self.kaltura.rename_entry(&converting, "Being converted");
        info!(step = "editor", "deletes entry {deleted}");
        self.kaltura.delete_entry(&deleted);
        self.deliver().await
    }

    async fn the_reader_comes_again(&mut self) -> anyhow::Result<()> {
        chapter("The reader, stopped meanwhile, is started again: its token brings what it has missed");
        self.reader.start()?;
        self.reader.caught_up().await
    }

    /// What Kaltura has to tell meanwhile it tells afterwards, as its sender tries again.
    async fn the_daemon_is_stopped_and_started(&mut self) -> anyhow::Result<()> {
        chapter("The daemon is stopped, an editor works on, and it is started again on its data directory");
        let renamed = self.next_shown()?;
        let (daemon, again) = self.daemon.take().zip(self.again.take()).context("the daemon is started again once")?;
        daemon.stop().await;
        info!(step = "daemon", "is stopped: nothing answers at {}", again.server.listen);
        info!(step = "editor", "renames entry {renamed} and sets its SyncStatus to Sync Needed");
        self.kaltura.set_sync_status(&renamed, Some("Sync Needed"));
        self.kaltura.rename_entry(&renamed, "Changed while nobody listened");
        self.daemon = Some(Daemon::start(again, Clock::system(), Jitter::system()).await?);
        info!(step = "daemon", "is started again and knows what it knew");
        self.deliver().await?;
        self.reader.caught_up().await
    }

    /// The other system of Kaltura's: templates that listen to metadata. The mark itself comes back as an event.
    async fn events_tell_of_the_field_alone(&mut self) -> anyhow::Result<()> {
        chapter("Event-notification templates are set up: Sync Needed alone is told now, and so is our own mark");
        let endpoint = format!("http://{}/notifications", self.daemon()?.public);
        self.kaltura.edit(|account| add_event_templates(account, &endpoint));
        let asked = self.next_shown()?;
        info!(step = "editor", "sets SyncStatus of entry {asked} to Sync Needed, and changes nothing else");
        self.kaltura.set_sync_status(&asked, Some("Sync Needed"));
        self.deliver_events().await?;
        info!(step = "editor", "does nothing: what comes now is the echo of our own mark");
        self.deliver_events().await?;
        self.both_systems_tell().await
    }

    async fn both_systems_tell(&mut self) -> anyhow::Result<()> {
        chapter("Both systems side by side: an API notification and an event tell of one edit, which is one look");
        let edited = self.next_shown()?;
        info!(step = "editor", "renames entry {edited} and sets its SyncStatus to Sync Needed");
        self.kaltura.set_sync_status(&edited, Some("Sync Needed"));
        self.kaltura.rename_entry(&edited, "Told of twice, synced once");
        self.send().await?;
        self.deliver_events().await?;
        self.reader.caught_up().await
    }

    async fn deliver_events(&self) -> anyhow::Result<()> {
        let deliveries = EventSender::new().drain(self.kaltura.account()).await;
        let refused = deliveries.iter().filter(|delivery| !delivery.is_success()).count();
        ensure!(refused == 0, "{refused} of {} genuine events were not taken", deliveries.len());
        self.rest().await
    }

    /// A forged signature, a change after signing, no form at all; and a genuine one twice.
    async fn strangers_knock(&mut self) -> anyhow::Result<()> {
        chapter("Strangers knock: forged, changed and shapeless requests, and a genuine one twice");
        let id = self.next_shown()?;
        let number = self.kaltura.edit(|account| account.make_notification_id());
        let job = Job::about_entry(number, self.kaltura.partner_id(), "entry_update", id.as_str());
        let genuine = form::body_single(&job, &AdminSecret::new(self.kaltura.admin_secret()));
        let forged = form::body_single(&job, &AdminSecret::new("a secret that is not ours"));
        let changed = genuine.replace("entry_update", "entry_delete");
        for body in [forged, changed, "hello=world".to_owned(), genuine.clone(), genuine] {
            self.sender.post(body).await;
        }
        self.rest().await
    }

    async fn deliver(&self) -> anyhow::Result<()> {
        self.send().await?;
        self.rest().await
    }

    async fn send(&self) -> anyhow::Result<()> {
        let deliveries = self.sender.drain(self.kaltura.account()).await;
        let refused = deliveries.iter().filter(|delivery| !delivery.answer.is_success()).count();
        ensure!(refused == 0, "{refused} of {} genuine deliveries were not taken", deliveries.len());
        Ok(())
    }

    /// Until nothing waits any more, not even for a second look or the pause between two looks at one entry.
    async fn rest(&self) -> anyhow::Result<()> {
        while !self.daemon()?.store.dirty_counts().await?.is_idle() {
            self.daemon()?.sync.settled().await;
        }
        self.daemon()?.sync.idle().await?;
        Ok(self.daemon()?.hooks.idle().await?)
    }

    /// What visitors can list, in the order of the mirror.
    async fn public_ids(&self) -> anyhow::Result<Vec<EntryId>> {
        let shapes = self.daemon()?.sync.shapes().borrow().clone();
        let page = self.daemon()?.store.public_entries(None, 100, &shapes).await?;
        Ok(page.items.into_iter().map(|entry| entry.id).collect())
    }

    fn next_shown(&mut self) -> anyhow::Result<EntryId> {
        self.shown.pop().context("too few entries are public after the first chapter")
    }

    fn five_shown(&mut self) -> anyhow::Result<[EntryId; 5]> {
        Ok([self.next_shown()?, self.next_shown()?, self.next_shown()?, self.next_shown()?, self.next_shown()?])
    }
}
