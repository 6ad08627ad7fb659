//! What the lines on standard input mean: an editor in the console.

use serde_json::{Value as Json, json};

use crate::domain::ids::EntryId;
use crate::simulator::account::SYNC_PROFILE;
use crate::simulator::edits;
use crate::simulator::entry::SimEntry;
use crate::simulator::handle::Simulator;
use crate::simulator::sender::Answer;

/// The answer to a line, in both forms.
pub(super) struct Reply {
    pub json: Json,
    pub text: String,
}

impl Reply {
    fn done(id: &EntryId, text: String) -> Self {
        Self { json: json!({ "id": id, "done": text }), text: format!("{id}: {text}\n") }
    }

    fn refused(why: String) -> Self {
        Self { json: json!({ "id": null, "error": why }), text: format!("{why}\n") }
    }
}

const HELP: &str =
    "list [WORD], needed|done|manual|unset ENTRY, rename ENTRY NAME, add NAME, delete ENTRY, announce [ENTRY]";

/// Does what a line says.
pub(super) fn carry_out(kaltura: &Simulator, line: &str) -> Reply {
    let (verb, rest) = split(line);
    match verb {
        "" => Reply { json: json!([]), text: String::new() },
        "list" => list(kaltura, rest),
        "add" if !rest.is_empty() => add(kaltura, rest),
        "announce" if rest.is_empty() => announce_all(kaltura),
        "needed" | "done" | "manual" | "unset" | "rename" | "delete" | "announce" => match entry_in(kaltura, rest) {
            Ok((id, rest)) => edit(kaltura, verb, &id, rest),
            Err(why) => Reply::refused(why),
        },
        _ => Reply::refused(format!("what an editor can do: {HELP}")),
    }
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim()))
}

/// The entry a line names, which must be there, and what follows it.
fn entry_in<'l>(kaltura: &Simulator, rest: &'l str) -> Result<(EntryId, &'l str), String> {
    let (word, rest) = split(rest);
    let id: EntryId = word.parse().map_err(|error| format!("{error}; list shows what there is"))?;
    if kaltura.read(|account| account.has_entry(&id)) {
        Ok((id, rest))
    } else {
        Err(format!("there is no entry {id}; list shows what there is"))
    }
}

fn edit(kaltura: &Simulator, verb: &str, id: &EntryId, rest: &str) -> Reply {
    match verb {
        "needed" => set_field(kaltura, id, Some("Sync Needed")),
        "done" => set_field(kaltura, id, Some("Sync Done")),
        "manual" => set_field(kaltura, id, Some("Sync Manual")),
        "unset" => set_field(kaltura, id, None),
        "rename" if rest.is_empty() => Reply::refused(format!("rename {id} to what?")),
        "rename" => {
            kaltura.rename_entry(id, rest);
            Reply::done(id, format!("renamed {rest:?}"))
        }
        "delete" => {
            kaltura.delete_entry(id);
            Reply::done(id, "deleted".to_owned())
        }
        _ => {
            kaltura.edit(|account| edits::announce_entry(account, id));
            Reply::done(id, "announced".to_owned())
        }
    }
}

fn set_field(kaltura: &Simulator, id: &EntryId, value: Option<&str>) -> Reply {
    kaltura.set_sync_status(id, value);
    let says = value.map_or_else(|| "says nothing".to_owned(), |value| format!("says {value:?}"));
    Reply::done(id, format!("the sync field {says}; Kaltura notifies nobody of this, announce {id} does"))
}

fn add(kaltura: &Simulator, name: &str) -> Reply {
    let id = kaltura.edit(|account| {
        let (id, now) = (account.make_entry_id(), account.now());
        edits::add_entry(account, SimEntry::video(id.clone(), name, now));
        let xml = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";
        edits::set_metadata_xml(account, &id, SYNC_PROFILE, xml);
        id
    });
    Reply::done(&id, format!("added {name:?}"))
}

fn announce_all(kaltura: &Simulator) -> Reply {
    let (entries, is_all) = kaltura.edit(|account| {
        edits::announce_half(account);
        edits::announce_rest(account);
        (account.entries.len(), account.entries.len() == account.entry_count())
    });
    let what = if is_all { "all" } else { "but for generated ones, which are announced one by one," };
    Reply { json: json!({ "id": null, "done": "announced" }), text: format!("announced, {what} {entries}\n") }
}

/// Of a generated catalogue so many of the first entries are listed.
const GENERATED_SHOWN: u64 = 20;

fn list(kaltura: &Simulator, word: &str) -> Reply {
    let rows: Vec<(EntryId, String, String, String)> = kaltura.read(|account| {
        let found = account.entries.values().filter(|entry| entry.name.contains(word));
        let row = |entry: &SimEntry| {
            let field = edits::sync_status(account, &entry.id).unwrap_or_default();
            (entry.id.clone(), entry.status.as_text(), field, entry.name.clone())
        };
        let generated = account.first_generated(GENERATED_SHOWN);
        found.chain(generated.iter().filter(|entry| entry.name.contains(word))).map(row).collect()
    });
    let json = rows
        .iter()
        .map(|(id, status, field, name)| json!({ "id": id, "status": status, "sync_status": field, "name": name }));
    let text = rows.iter().map(|(id, status, field, name)| format!("{id}  status {status:<3}  {field:<12}  {name}\n"));
    Reply { json: json.collect(), text: text.collect() }
}

/// What the receiver said.
pub(super) fn answer_in_words(answer: &Answer) -> String {
    match answer {
        Answer::Status(status) => status.to_string(),
        Answer::Failed(why) => why.clone(),
    }
}
