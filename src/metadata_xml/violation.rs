//! What a validator has to say against a document, and how Kaltura's server passes it on.

use std::fmt;

/// One complaint, in the words of libxml2, with which the server validates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The line of the element complained of, from 1: the one its start tag ends on. None when there is no document
    /// (the server says −1).
    pub line: Option<usize>,
    /// libxml2's message without its line end.
    pub message: String,
}

impl Violation {
    pub(super) fn at(line: usize, message: String) -> Self {
        Self { line: Some(line), message }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The complaints as the server's `INVALID_METADATA_DATA` (argument `ERR_MSG`) puts them, before HTML escaping.
///
/// Each is its message, a line feed, ` at line N ` and, in brackets, the line; line feeds between them. The captures show
/// the whole text for line 1 and nothing for later lines of a text with line feeds: the server seems to look for
/// carriage returns, and that is what is done here. The server escapes `&`, `<`, `>`, `"` (`&quot;`) and `'` (`&#039;`) in
/// all of it; whoever answers in its place does that.
///
/// ```
/// use kaltura_mirror::metadata_xml::violation::{Violation, server_message};
///
/// let violation = Violation { line: Some(1), message: "Element 'meta': No.".to_owned() };
/// assert_eq!(server_message("<meta/>", &[violation]), "Element 'meta': No.\n at line 1 [<meta/>]");
/// ```
///
/// Source: captures `metadata.add.invalid`, `metadata.update.broken_xml`, `metadataProfile.add.broken_xml`.
pub fn server_message(xml: &str, violations: &[Violation]) -> String {
    let lines: Vec<&str> = xml.split('\r').collect();
    let complaints: Vec<String> = violations.iter().map(|violation| one_complaint(&lines, violation)).collect();
    complaints.join("\n")
}

fn one_complaint(lines: &[&str], violation: &Violation) -> String {
    let number = violation.line.map_or("-1".to_owned(), |line| line.to_string());
    let excerpt = violation.line.and_then(|line| lines.get(line.checked_sub(1)?));
    let excerpt = excerpt.map(|text| format!("[{text}]")).unwrap_or_default();
    format!("{}\n at line {number} {excerpt}", violation.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_carriage_return_begins_another_line_for_the_server() {
        let at = |line| [Violation { line, message: "No.".to_owned() }];
        assert_eq!(server_message("<a>\n</a>", &at(Some(1))), "No.\n at line 1 [<a>\n</a>]");
        assert_eq!(server_message("<a>\n</a>", &at(Some(2))), "No.\n at line 2 ");
        assert_eq!(server_message("<a>\r</a>", &at(Some(2))), "No.\n at line 2 [</a>]");
        assert_eq!(server_message("<a/>", &at(None)), "No.\n at line -1 ");
    }
}
