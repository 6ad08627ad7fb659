//! Custom-metadata documents through the room's doors: recorded documents and messages, and properties of every edit.

mod fixtures;
mod properties;
