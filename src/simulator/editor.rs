//! What a person does in the console, as methods of the handle: each changes the account and brings with it what Kaltura would
//! do besides (`updatedAt`, queued notifications).

use serde_json::Value;

use crate::domain::ids::{AccessControlId, CategoryId, EntryId, MetadataId, MetadataProfileId};

use super::assets::SimCaption;
use super::edits;
use super::entry::{SimEntry, SimStatus};
use super::handle::Simulator;
use super::templates::SimTemplate;

/// The user who edits in the console.
const EDITOR: &str = "editor@example.test";

impl Simulator {
    /// Adds an entry: `entry_add`.
    pub fn add_entry(&self, entry: SimEntry) {
        self.edit(|account| edits::add_entry(account, entry));
    }

    /// Gives an entry another name: `entry_update`.
    pub fn rename_entry(&self, id: &EntryId, name: &str) {
        self.update_entry(id, |entry| name.clone_into(&mut entry.name));
    }

    /// Changes an entry's row: `entry_update` when anything really changed, which is what it returns.
    pub fn update_entry(&self, id: &EntryId, change: impl FnOnce(&mut SimEntry)) -> bool {
        self.edit(|account| edits::update_entry(account, id, change))
    }

    /// Deletes an entry: `entry_delete`; what was queued about it is aborted.
    pub fn delete_entry(&self, id: &EntryId) {
        self.edit(|account| edits::delete_entry(account, id));
    }

    /// Moves an entry to the recycle bin: no API notification.
    pub fn recycle_entry(&self, id: &EntryId) {
        self.edit(|account| edits::recycle_entry(account, id));
    }

    /// Takes an entry out of the recycle bin: no API notification.
    pub fn restore_entry(&self, id: &EntryId) {
        self.edit(|account| edits::restore_entry(account, id));
    }

    /// Approves an entry: `entry_update`.
    pub fn approve(&self, id: &EntryId) {
        self.edit(|account| edits::approve(account, id));
    }

    /// Rejects an entry: `entry_update`.
    pub fn reject(&self, id: &EntryId) {
        self.edit(|account| edits::reject(account, id));
    }

    /// Reports an entry, as a viewer does: `entry_reported`.
    pub fn flag(&self, id: &EntryId, comments: &str) {
        self.edit(|account| edits::flag(account, id, comments));
    }

    /// Blocks an entry (status 6): no API notification.
    pub fn block(&self, id: &EntryId) {
        self.set_status(id, SimStatus::Core(6));
    }

    /// Moves an entry through its life as the media workers do: no API notification, but `entry_update` when it becomes ready.
    pub fn set_status(&self, id: &EntryId, status: SimStatus) {
        self.edit(|account| edits::set_status(account, id, status));
    }

    /// Sets when an entry may be seen, in Unix seconds: `entry_update`.
    pub fn set_schedule(&self, id: &EntryId, from: Option<i64>, to: Option<i64>) {
        self.update_entry(id, |entry| (entry.start_date, entry.end_date) = (from, to));
    }

    /// Sets who may see an entry: `entry_update`. `None` is the account's default profile.
    pub fn set_access_control(&self, id: &EntryId, profile: Option<AccessControlId>) {
        self.edit(|account| edits::set_access_control(account, id, profile));
    }

    /// Puts an entry into a category: `entry_update`.
    pub fn add_to_category(&self, id: &EntryId, category: CategoryId) {
        self.edit(|account| edits::add_to_category(account, id, category, EDITOR));
    }

    /// Takes an entry out of a category: `entry_update`. Returns whether it was there.
    pub fn remove_from_category(&self, id: &EntryId, category: CategoryId) -> bool {
        self.edit(|account| edits::remove_from_category(account, id, category))
    }

    /// Gives an entry another picture: `entry_update_thumbnail`.
    pub fn replace_thumbnail(&self, id: &EntryId, seed: u64) {
        self.edit(|account| edits::replace_thumbnail(account, id, seed));
    }

    /// Gives an entry without content some: its conversion begins. No API notification.
    pub fn upload(&self, id: &EntryId) {
        self.edit(|account| edits::upload(account, id));
    }

    /// Adds an event-notification template; it gets the next number, which is returned.
    pub fn add_event_template(&self, template: SimTemplate) -> i64 {
        self.edit(|account| edits::templates::add_template(account, template))
    }

    /// Gives a category another name: no API notification.
    pub fn rename_category(&self, category: CategoryId, name: &str) -> bool {
        self.edit(|account| edits::policy::rename_category(account, category, name))
    }

    /// Opens a category to all (an empty context), or to those alone whose sessions name the context: no API notification.
    pub fn set_privacy_context(&self, category: CategoryId, context: &str) -> bool {
        self.edit(|account| edits::policy::set_privacy_context(account, category, context))
    }

    /// Sets the rules of an access-control profile: no API notification.
    pub fn set_access_rules(&self, profile: AccessControlId, rules: Vec<Value>) -> bool {
        self.edit(|account| edits::policy::set_access_rules(account, profile, rules))
    }

    /// Adds captions to an entry: no API notification.
    pub fn add_caption(&self, id: &EntryId, caption: SimCaption) {
        self.edit(|account| edits::assets::add_caption(account, id, caption));
    }

    /// Replaces the text of captions: no API notification. Returns whether they are there and the text is another.
    pub fn update_caption(&self, caption: &str, content: &[u8]) -> bool {
        self.edit(|account| edits::assets::update_caption(account, caption, content))
    }

    /// Deletes captions: no API notification. Returns whether they were there.
    pub fn delete_caption(&self, caption: &str) -> bool {
        self.edit(|account| edits::assets::delete_caption(account, caption))
    }

    /// Deletes a flavor: no API notification. Returns whether it was there.
    pub fn delete_flavor(&self, flavor: &str) -> bool {
        self.edit(|account| edits::assets::delete_flavor(account, flavor))
    }

    /// Writes an entry's metadata as it is, unchecked: no API notification. `None` when the profile does not exist.
    pub fn set_metadata_xml(&self, id: &EntryId, profile: MetadataProfileId, xml: &str) -> Option<MetadataId> {
        self.edit(|account| edits::set_metadata_xml(account, id, profile, xml))
    }

    /// Sets an entry's field `SyncStatus`, or takes it away: no API notification. See [`edits::set_sync_status`].
    pub fn set_sync_status(&self, id: &EntryId, value: Option<&str>) {
        self.edit(|account| edits::set_sync_status(account, id, value));
    }

    /// An entry's field `SyncStatus`; `None` without metadata, or when it is not set.
    pub fn sync_status(&self, id: &EntryId) -> Option<String> {
        self.read(|account| edits::sync_status(account, id))
    }
}
