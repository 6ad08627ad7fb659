//! A local mirror of a Kaltura account's entries, kept true beside a website.

pub mod domain;
