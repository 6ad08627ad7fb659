//! Search over what is public now: the index, and how it follows the store.
//!
//! The index is derived: SQLite is the truth, and the index's directory may be thrown away at any time. It holds exactly the
//! entries that are public, as [`PublicEntry`](crate::domain::public_entry::PublicEntry) gives them, of all accounts. Nobody
//! outside this room knows the library beneath.

pub mod analysis;
mod building;
mod documents;
pub mod generation;
mod indexer;
pub mod query;
mod said;
pub mod schema;
mod settings;
mod status;
pub mod stemming;
mod tokenizers;
mod told;
mod view;
mod weights;
mod writing;

pub use indexer::{Indexer, Running};
pub use settings::Settings;
pub use status::{Progress, Status};
pub use tokenizers::whole_term;
pub use view::{FOLDER, Search, Unavailable, View};
pub use weights::Weights;

use crate::domain::ids::{AccountId, EntryId};

/// The term of a document's key.
pub fn key(account: AccountId, entry: &EntryId) -> String {
    format!("{}/{entry}", account.0)
}

/// Whose document has this key.
pub fn read_key(key: &str) -> Option<(AccountId, EntryId)> {
    let (account, entry) = key.split_once('/')?;
    Some((AccountId(account.parse().ok()?), entry.parse().ok()?))
}
