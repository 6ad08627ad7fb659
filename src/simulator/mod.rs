//! A stand-in Kaltura on loopback: the part of its API the mirror uses, answered from a state one can edit.
//!
//! `demo`, the tests and users run it where a real account would be. Its answers have the fields, types, codes and
//! arguments of a real server's, which recorded traffic holds it to (`tests/it/conformance.rs`).
//!
//! * [`state::SimAccount`] is what the account holds.

pub mod account;
pub mod assets;
pub mod categories;
pub mod custom_metadata;
pub mod entry;
pub mod events;
pub mod image;
pub mod jobs;
pub mod sender;
pub mod sessions;
pub mod state;
