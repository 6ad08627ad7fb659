//! What a hit counts, by the field it is in: `[search] weights`.

/// Factors on a field's score. Used when asking; another set needs no other index.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// Title.
    pub name: f32,
    /// Tags and categories.
    pub tags: f32,
    /// Custom metadata.
    pub metadata: f32,
    /// Text below the title.
    pub description: f32,
    /// What is said.
    pub captions: f32,
}

impl Default for Weights {
    fn default() -> Self {
        Self { name: 16.0, tags: 8.0, metadata: 4.0, description: 2.0, captions: 1.0 }
    }
}
