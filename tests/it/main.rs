//! The house as its users meet it: one binary for all integration tests.
#![allow(clippy::unwrap_used)]

mod admin_api;
mod architecture;
mod cli_notification;
mod cli_reading;
mod cli_serve;
mod cli_simulate;
mod cli_simulate_notify;
mod cli_verbs;
mod config;
mod conformance;
mod crash;
mod drills;
mod events;
mod hooks;
mod house;
mod kaltura;
mod metadata_xml;
mod notification;
mod outbox;
mod public_api;
mod reception;
mod reception_kill;
mod secrets;
mod simulator;
mod simulator_events;
mod simulator_sender;
mod simulator_sink;
mod simulator_templates;
mod store_claims;
mod store_claims_model;
mod store_mirror;
mod store_opening;
mod syncentry;
mod walk;
