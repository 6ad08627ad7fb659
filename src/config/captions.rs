//! `[captions]`: whether captions are fetched and read.

use super::section::Section;
use super::values::{ByteSize, choices};

/// Whether captions are fetched and read.
#[derive(Debug, Clone)]
pub struct Captions {
    /// Whether at all.
    pub mode: CaptionMode,
    /// Files fetched at the same time.
    pub workers: usize,
    /// A larger file is not read.
    pub max_bytes: u64,
}

choices! {
    /// Which captions are mirrored.
    pub enum CaptionMode {
        /// Every track that Kaltura's player offers.
        All = "all",
        /// None.
        None = "none",
    }
}

impl Captions {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self {
            mode: section.or("mode", CaptionMode::All),
            workers: section.within("workers", 2, 1..=64),
            max_bytes: section.bytes("max_bytes", ByteSize::mib(2), ByteSize::kib(64)..=ByteSize::mib(32)),
        }
    }
}
