//! Values and pure decisions: what an entry is, who may see it, what must be done about it.
//!
//! Nothing here knows what time it is, opens a file or a socket, or has heard of SQL. Every other room
//! may look in here; this one looks nowhere.

pub mod backoff;
pub mod clock;
pub mod ids;
pub mod secret;
