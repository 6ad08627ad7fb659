//! A local mirror of a Kaltura account's entries, kept true beside a website.
//!
//! This page is the map. `ARCHITECTURE.md` has the same with tables, crashes and tests; each room's own page says what
//! lives in it and what does not.
//!
//! # Rooms
//!
//! | room | knows | door |
//! |---|---|---|
//! | [`domain`] | values and pure decisions | [`domain::decide::decide`], [`domain::visibility::judge`] |
//! | [`metadata_xml`] | one field of a custom-metadata document, and its schema | [`metadata_xml::document::Document`] |
//! | [`captions`] | caption files, from bytes to cues | [`captions::read`] |
//! | [`notification`] | what Kaltura sends and how it is signed | [`notification::authentic::read`] |
//! | [`outbound`] | how an HTTP client of ours is made | [`outbound::builder`] |
//! | [`kaltura`] | the API of one account | [`kaltura::client::Client`] |
//! | [`store`] | every SQL statement; a public method is a transaction | [`store::Store`] |
//! | [`search`] | the index over what is public, and what visitors ask of it | [`search::Indexer`], [`search::query::Searching`] |
//! | [`intake`] | receiving: verify, split, keep | [`intake::Intake::receive`] |
//! | [`sync`] | the story of a batch, and when to try again | [`sync::Sync`] |
//! | [`catalogue`] | what must be looked at, found in Kaltura's lists | [`catalogue::Catalogue`] |
//! | [`hooks`] | whom we tell: URLs, programs, raw forwards | [`hooks::Hooks`] |
//! | [`web`] | routes, public and admin API, errors as HTTP | [`web::serve`] |
//! | [`config`] | two files and the environment, read once | [`config::load`] |
//! | [`app`] | the daemon, put together and taken down | [`app::Daemon`] |
//! | [`cli`] | the command line | [`cli::run`] |
//! | [`simulator`] | a stand-in Kaltura for demo, tests and users | [`simulator::handle::Simulator`] |
//!
//! Which room may look into which is data in `tests/it/architecture.rs`, and a test. No room knows `app` or `cli`.
//!
//! # Walks
//!
//! **A notification** is a hint: verified and committed, then answered, then acted on.
//!
//! ```text
//! POST /notifications ─► Intake::receive ─► form::parse or event::parse ─► Signed ─► verify ─► Verified ─► hints
//!                     ─► Store::accept (inbox + dirty entries + what is asked of the account, one transaction) ─► 200
//! ```
//!
//! **A batch of dirty entries** asks what is true now. Nothing else fetches and saves entries.
//!
//! ```text
//! Store::claim ─► Client::look ─► decide ─► Store::save_entries ─► Client::mark ─► Store::record_mark
//!              ─► Store::settle
//! ```
//!
//! What it goes through, handler by handler, and what each kind of notification leads to, is one page ([`sync::handlers`]).
//!
//! **A catalogue page** makes dirty what no look has seen as it is now: lately changed entries by the timetable, everything for a
//! backfill and each night (`catalogue/`).
//!
//! ```text
//! Client::read_catalogue ─► Store::record_changed ─► Store::record_swept
//! Store::begin_run ─► Client::read_catalogue ─► Store::record_page ─► Store::record_unmet
//! ```
//!
//! **What is mirrored at all** is judged at each look, by `[mirror] filter` (`sync/filter.rs`); another filter judges what is kept
//! (`store/mirror_filter.rs`).
//!
//! **What visitors see** is judged in one place, whatever brought it about: a look, a changed policy, a date that passes,
//! an absence, a person. It writes the public state, the change row and the event together (`store/judgement.rs`).
//!
//! **A thumbnail** rides after the content in a lane of its own: wanted, claimed, fetched, bytes kept, row written
//! (`sync/thumbnails.rs`). So does **a caption file**, whose cues are kept in place of its bytes (`sync/captions.rs`).
//!
//! **A hook** is told what the store wrote down in the transaction of what it tells; a crash in between repeats it.
//!
//! ```text
//! save_entries, judgement, accept ─► deliveries ─► Store::claim_deliveries ─► Target::deliver ─► schedule::judge
//!                                              ─► Store::record_delivery
//! ```
//!
//! **A search** is understood or refused with the place, asked of the index, and read again from the store: what is withheld by
//! then is left out (`search/query/`).
//!
//! **Time**: policy and profiles are read again, dates become changes, old rows are forgotten (`sync/timers.rs`).
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod app;
pub mod captions;
pub mod catalogue;
pub mod cli;
pub mod config;
pub mod domain;
pub mod hooks;
pub mod intake;
pub mod kaltura;
pub mod metadata_xml;
pub mod notification;
pub mod outbound;
pub mod search;
pub mod simulator;
pub mod store;
pub mod sync;
pub mod web;
