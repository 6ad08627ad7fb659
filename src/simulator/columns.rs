//! The database columns a change of an entry modifies, as conditions of event-notification templates name them.

use super::entry::SimEntry;

/// Every save moves it.
pub const UPDATED_AT: &str = "entry.UPDATED_AT";

/// The columns by which two states of an entry differ.
pub fn modified(before: &SimEntry, after: &SimEntry) -> Vec<&'static str> {
    let pairs = [
        ("entry.NAME", before.name != after.name),
        ("entry.DESCRIPTION", before.description != after.description),
        ("entry.TAGS", before.tags != after.tags),
        ("entry.ADMIN_TAGS", before.admin_tags != after.admin_tags),
        ("entry.PUSER_ID", before.user_id != after.user_id),
        ("entry.STATUS", before.status != after.status),
        ("entry.MODERATION_STATUS", before.moderation_status != after.moderation_status),
        ("entry.MODERATION_COUNT", before.moderation_count != after.moderation_count),
        ("entry.PARTNER_DATA", before.partner_data != after.partner_data),
        ("entry.ACCESS_CONTROL_ID", before.access_control_id != after.access_control_id),
        ("entry.START_DATE", before.start_date != after.start_date),
        ("entry.END_DATE", before.end_date != after.end_date),
        ("entry.DISPLAY_IN_SEARCH", before.display_in_search != after.display_in_search),
        ("entry.LENGTH_IN_MSECS", before.ms_duration != after.ms_duration),
        ("entry.DATA", before.data_version != after.data_version),
        ("entry.THUMBNAIL", before.thumbnail.version != after.thumbnail.version),
        // These stand in the row's free-form column and are named as they are.
        ("referenceID", before.reference_id != after.reference_id),
        ("replacementStatus", before.replacement_status != after.replacement_status),
        ("replacingEntryId", before.replacing_entry_id != after.replacing_entry_id),
        ("replacedEntryId", before.replaced_entry_id != after.replaced_entry_id),
        ("width", before.width != after.width),
        ("height", before.height != after.height),
    ];
    let differing = pairs.into_iter().filter(|(_, differs)| *differs).map(|(column, _)| column);
    differing.chain([UPDATED_AT]).collect()
}
