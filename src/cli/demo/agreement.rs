//! Whether mirror and account agree in the end, judged from the simulated account alone and without the daemon's own code.

use std::collections::BTreeMap;

use crate::app::Daemon;
use crate::domain::ids::{EntryId, MetadataProfileId};
use crate::domain::public_entry::PublicEntry;
use crate::notification::System;
use crate::simulator::account::{MEMBERS, STAFF_ONLY, SYNC_PROFILE};
use crate::simulator::edits;
use crate::simulator::entry::{SimEntry, SimStatus};
use crate::simulator::handle::Simulator;
use crate::simulator::state::SimAccount;

/// One line for each entry on which they disagree.
pub(super) async fn check(kaltura: &Simulator, daemon: &Daemon) -> anyhow::Result<Vec<String>> {
    let shown = public_entries(daemon).await?;
    Ok(kaltura.read(|account| {
        let of_entry = |(id, entry): (&EntryId, &SimEntry)| disagreement(account, entry, shown.get(id).map(Shown::of));
        let mut lines: Vec<String> = account.entries.iter().filter_map(of_entry).collect();
        lines.extend(
            shown
                .keys()
                .filter(|id| !account.entries.contains_key(id))
                .map(|id| format!("{id} is shown, and Kaltura has no such entry")),
        );
        lines
    }))
}

/// One line for each system of Kaltura's that told nothing since the daemon's last start, and for each hook that was told
/// nothing at all.
pub(super) async fn unheard(daemon: &Daemon) -> anyhow::Result<Vec<String>> {
    let hooks = daemon.store.hook_states().await?;
    let hooks = hooks.iter().map(|hook| (hook.spec.name.as_str(), hook.delivered));
    Ok(silent(&daemon.intake.received().verified, hooks))
}

fn silent<'h>(verified: &BTreeMap<&'static str, u64>, hooks: impl Iterator<Item = (&'h str, u64)>) -> Vec<String> {
    let heard = |system: &System| verified.get(system.as_str()).is_some_and(|requests| *requests > 0);
    let systems = [System::Api, System::Event].into_iter().filter(|system| !heard(system));
    let hooks = hooks.filter(|(_, delivered)| *delivered == 0);
    let of_systems = systems.map(|system| format!("no genuine notification came by the system {:?}", system.as_str()));
    of_systems.chain(hooks.map(|(name, _)| format!("hook {name} was told nothing"))).collect()
}

async fn public_entries(daemon: &Daemon) -> anyhow::Result<BTreeMap<EntryId, PublicEntry>> {
    let shapes = daemon.sync.shapes().borrow().clone();
    let (mut entries, mut cursor) = (BTreeMap::new(), None);
    loop {
        let page = daemon.store.public_entries(cursor, 100, &shapes).await?;
        entries.extend(page.items.into_iter().map(|entry| (entry.id.clone(), entry)));
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(entries),
        }
    }
}

/// What visitors get of an entry, as far as it is compared.
struct Shown<'a> {
    name: &'a str,
    description: &'a str,
}

impl<'a> Shown<'a> {
    fn of(entry: &'a PublicEntry) -> Self {
        Self { name: &entry.name, description: entry.description.as_deref().unwrap_or_default() }
    }
}

fn disagreement(account: &SimAccount, entry: &SimEntry, shown: Option<Shown<'_>>) -> Option<String> {
    let id = &entry.id;
    let status = edits::sync_status(account, id);
    let marked = status.as_deref() == Some("Sync Done");
    if is_left_undone(account, entry) {
        return Some(format!("{id} should have been synced, and its SyncStatus is {status:?}"));
    }
    match shown {
        Some(_) if !may_be_shown(account, entry) => Some(format!("{id} is shown, and Kaltura restricts it")),
        None if marked && may_be_shown(account, entry) => {
            Some(format!("{id} is synced and open to all, and not shown"))
        }
        Some(shown) if marked && shown.name != entry.name => {
            Some(format!("{id} is shown as {:?}, its name is {:?}", shown.name, entry.name))
        }
        Some(shown) if marked && shown.description != entry.description => {
            Some(format!("{id} is shown with another description"))
        }
        _ => None,
    }
}

/// Ready, with a document, and still asking.
fn is_left_undone(account: &SimAccount, entry: &SimEntry) -> bool {
    let has_document = account.metadata_of(&entry.id, MetadataProfileId(SYNC_PROFILE.0)).is_some();
    let asks = matches!(edits::sync_status(account, &entry.id).as_deref(), None | Some("Sync Needed"));
    entry.status == SimStatus::READY && entry.replaced_entry_id.is_none() && has_document && asks
}

fn may_be_shown(account: &SimAccount, entry: &SimEntry) -> bool {
    let now = account.now();
    let in_members = account
        .category_entries
        .get(&entry.id)
        .is_some_and(|places| places.iter().any(|place| place.category_id == MEMBERS));
    entry.status == SimStatus::READY
        && entry.replaced_entry_id.is_none()
        && matches!(entry.moderation_status, 2 | 6)
        && entry.display_in_search >= 0
        && entry.start_date.is_none_or(|start| start <= now)
        && entry.end_date.is_none_or(|end| now < end)
        && entry.access_control_id != Some(STAFF_ONLY)
        && !in_members
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::{Clock, Timestamp};
    use crate::simulator::account::believable_account;

    #[test]
    fn a_system_or_a_hook_that_is_silent_is_a_disagreement() {
        let verified = BTreeMap::from([(System::Api.as_str(), 3), (System::Event.as_str(), 1)]);
        let hooks = [("website", 2), ("program", 1)];
        assert_eq!(silent(&verified, hooks.into_iter()), Vec::<String>::new());
        let lines = silent(&BTreeMap::from([(System::Api.as_str(), 3)]), [("website", 2), ("program", 0)].into_iter());
        assert!(lines.len() == 2 && lines[0].contains(System::Event.as_str()), "{lines:?}");
        assert_eq!(lines[1], "hook program was told nothing");
    }

    #[test]
    fn every_way_in_which_a_mirror_can_be_wrong_is_a_disagreement() {
        let mut account = believable_account(7, Clock::manual(Timestamp::from_secs(1_795_500_000)));
        let (id, now) = (account.make_entry_id(), account.now());
        edits::add_entry(&mut account, SimEntry::video(id.clone(), "Name", now));
        edits::add_metadata(&mut account, &id, SYNC_PROFILE, "<metadata/>").unwrap();
        let judged = |account: &SimAccount, shown: Option<(&str, &str)>| {
            let shown = shown.map(|(name, description)| Shown { name, description });
            disagreement(account, &account.entries[&id], shown).map(|line| line.replace(id.as_str(), "it"))
        };
        let right = Some(("Name", ""));
        for asks in [None, Some("Sync Needed")] {
            edits::set_sync_status(&mut account, &id, asks);
            assert!(judged(&account, right).is_some_and(|line| line.contains("should have been synced")), "{asks:?}");
        }
        edits::set_sync_status(&mut account, &id, Some("Sync Done"));
        let cases = [
            (right, None),
            (None, Some("it is synced and open to all, and not shown")),
            (Some(("Old name", "")), Some("it is shown as \"Old name\", its name is \"Name\"")),
            (Some(("Name", "Old text")), Some("it is shown with another description")),
        ];
        for (shown, line) in cases {
            assert_eq!(judged(&account, shown).as_deref(), line, "{shown:?}");
        }
        edits::set_sync_status(&mut account, &id, Some("Sync Manual"));
        assert_eq!(judged(&account, Some(("Old name", ""))), None, "parked: it may be as it was");
        edits::reject(&mut account, &id);
        assert_eq!(judged(&account, right).as_deref(), Some("it is shown, and Kaltura restricts it"));
        assert_eq!(judged(&account, None), None);
    }
}
