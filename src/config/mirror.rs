//! `[mirror]`, and `mirror_filter` of an account: which entries are mirrored at all.

use super::section::Section;
use crate::domain::filter::mirror::MirrorFilter;

/// The filter at this key, once it is known to make sense; none for an empty one. A filter that does not is refused with its
/// place: ignored, it would let in, and publish, what it was written to keep out.
pub(super) fn read_filter(section: &Section<'_>, name: &str, sync_field: &str) -> Option<MirrorFilter> {
    let text: String = section.optional(name)?;
    match MirrorFilter::parse(&text, sync_field) {
        Ok(filter) => filter,
        Err(error) => {
            section.refuse(name, format!(" = {text:?} makes no sense at {error}; {CURE}"));
            None
        }
    }
}

const CURE: &str = "mend it there, or remove the key to mirror everything (docs/search.md has the language, \
     docs/decisions/mirror-filter.md the fields)";
