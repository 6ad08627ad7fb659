//! A local mirror of a Kaltura account's entries, kept true beside a website.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod intake;
pub mod kaltura;
pub mod metadata_xml;
pub mod notification;
pub mod simulator;
pub mod store;
pub mod sync;
pub mod web;
