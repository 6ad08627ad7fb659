//! API and event notifications, judged as the endpoint judges them.

mod captures;
mod events;
pub mod recorded;
mod secrets;
mod sender;
mod tampering;
mod vectors;
mod verdict;
