//! Values and pure decisions: what an entry is, who may see it, what must be done about it.
//!
//! Nothing here knows what time it is, opens a file or a socket, or has heard of SQL. Every other room
//! may look in here; this one looks nowhere.

pub mod account_facts;
pub mod address;
pub mod api_value;
pub mod backoff;
pub mod caption;
pub mod clock;
pub mod decide;
pub mod entry;
pub mod filter;
pub mod fingerprint;
pub mod folding;
pub mod hook;
pub mod ids;
pub mod playlist;
pub mod public_entry;
pub mod secret;
pub mod seldom;
pub mod signing_key;
pub mod sync_rules;
pub mod topic;
pub mod visibility;
