//! The mirror half of the store: what looks leave behind, and what visitors are told of it.

mod absence;
mod captions;
pub mod house;
mod measure;
mod pictures;
mod policies;
mod reading;
mod saving;
