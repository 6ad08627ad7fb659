//! How large a query may be. What is typed is bounded before anything is looked up.

/// Characters of `q`.
pub const WORDS_CHARS_MAX: usize = 1_000;
/// Words and phrases of `q` that are looked for; what follows is not.
pub const CLAUSES_MAX: usize = 16;
/// Fields that are counted.
pub const FACETS_MAX: usize = 16;
/// Values of one field in the answer.
pub const FACET_VALUES_MAX: usize = 100;
/// Words of the dictionary that one word typed stands for.
pub const EXPANSIONS_MAX: usize = 64;
/// Hits of one page.
pub const LIMIT_MAX: usize = 100;
/// Hits that may be passed over by `offset`; a cursor goes on beyond.
pub const OFFSET_MAX: usize = 10_000;
/// Hits are counted up to here.
pub const TOTAL_MAX: usize = 10_000;
/// Words of one dictionary that are looked at for one word typed.
pub const DICTIONARY_WALK_MAX: usize = 5_000;
/// A word that so many entries have is not taken for the beginning of another.
pub const PREFIX_IF_FEWER: usize = 1_000;
/// A word that so many entries have is not taken for a mistake.
pub const TYPO_IF_FEWER: usize = 20;
