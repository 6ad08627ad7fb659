//! A stand-in Kaltura on loopback: the part of its API the mirror uses, answered from a state one can edit.
//!
//! `demo`, the tests and users run it where a real account would be. Its answers have the fields, types, codes and
//! arguments of a real server's, which recorded traffic holds it to (`tests/it/conformance.rs`).
//!
//! * [`handle::Simulator`] starts it, looks in, edits (`editor`), breaks it on purpose and tells what was called.
//! * [`state::SimAccount`] is what the account holds; [`edits`] what changing it brings with it.
//! * [`generated`] is a catalogue of any size beside it, of which nothing is stored; [`index`] how far lists are behind.
//! * [`sender`] sends what is queued, API notifications and (`sender::event`) event notifications; [`templates`] is who wants to
//!   be told of what, [`specimen`] a single notification without an account.
//! * [`faults`] is what may go wrong, [`triggers`] what may happen between two calls; [`sink`] is a receiver with a program.
//! * [`script`] is trouble and edits at their times, as lines of a file.
//! * `routes` → `request` → `execution` → `services` → `answer` is the way of a request.
//!
//! Nothing here looks into `kaltura`: what the client believes must meet something that does not share its mistakes.

pub mod account;
pub mod assets;
pub mod calls;
pub mod categories;
pub mod curl;
pub mod custom_metadata;
pub mod edits;
pub mod entry;
pub mod events;
pub mod faults;
pub mod generated;
pub mod handle;
pub mod image;
pub mod index;
pub mod jobs;
pub mod script;
pub mod sender;
pub mod sessions;
pub mod sink;
pub mod specimen;
pub mod state;
pub mod templates;
pub mod triggers;

mod answer;
mod asset_objects;
mod classes;
mod columns;
mod editor;
mod entry_change;
mod entry_filter;
mod entry_list;
mod entry_object;
mod entry_order;
mod execution;
mod files;
mod http1;
pub mod json;
mod ks;
mod lists;
mod metadata_object;
mod notify;
mod outcome;
mod params;
mod php;
mod policy_objects;
mod raise;
mod references;
mod request;
mod response_profile;
mod routes;
mod schema_check;
mod server;
mod services;
mod shared;
mod subject;
mod template_change;
mod template_object;
mod thumbnails;
mod xml;
