//! A body as it may be shown: without the sessions that notifications may carry (`ks_data`, a `ks` in a URL).

/// What stands before a session, in a form and percent-encoded inside one of its values.
const MARKS: [&str; 7] = ["ks_data=", "ks=", "ks%3D", "ks%3d", "/ks/", "%2Fks%2F", "%2fks%2f"];
/// How a KS of version 2 begins: `v2|` in base64.
const V2: &str = "djJ8";

/// The text with every session replaced by `…`.
pub(super) fn removed(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, from)) = next_session(rest, clean.chars().next_back()) {
        clean.push_str(&rest[..at + from]);
        let session = &rest[at + from..];
        let end = session.find(ends_session).unwrap_or(session.len());
        let end = session[..end].find("%26").unwrap_or(end);
        if end > 0 {
            clean.push('…');
        }
        rest = &session[end..];
    }
    clean.push_str(rest);
    clean
}

/// Where the next mark stands, and how long it is; a KS of version 2 needs none.
fn next_session(text: &str, before: Option<char>) -> Option<(usize, usize)> {
    let marks = MARKS.iter().flat_map(|mark| text.match_indices(mark)).filter(|(at, mark)| {
        let head = &text[..*at];
        let in_a_word = head.chars().next_back().or(before).is_some_and(char::is_alphanumeric);
        !mark.starts_with('k') || !in_a_word || ends_in_escape(head)
    });
    let marks = marks.map(|(at, mark)| (at, mark.len()));
    marks.chain(text.find(V2).map(|at| (at, 0))).min()
}

/// `%3F` before `ks%3D` is a question mark, whose last letter is none.
fn ends_in_escape(head: &str) -> bool {
    let escape = head.len().checked_sub(3).and_then(|at| head.get(at..));
    escape.is_some_and(|escape| escape.starts_with('%') && escape[1..].bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn ends_session(c: char) -> bool {
    !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '_' | '=' | '%' | '|' | '.' | ';' | ','))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_go_wherever_they_stand_and_everything_else_stays() {
        let cases = [
            ("a=1&ks_data=abc%3D%3D&b=2", "a=1&ks_data=…&b=2"),
            ("not1_ks_data=abc&not2_ks_data=", "not1_ks_data=…&not2_ks_data="),
            ("u=http%3A%2F%2Fx%2Fy%3Fks%3DMDEyMw%26b%3D2&c=3", "u=http%3A%2F%2Fx%2Fy%3Fks%3D…%26b%3D2&c=3"),
            ("{\"u\":\"http://x/ks/MDEyMw/b\"}", "{\"u\":\"http://x/ks/…/b\"}"),
            ("name=djJ8MTAyfGFiY2RlZg&x=1", "name=…&x=1"),
            (
                "links=5&name=Quarks%3D&sig=0123456789abcdef0123456789abcdef",
                "links=5&name=Quarks%3D&sig=0123456789abcdef0123456789abcdef",
            ),
            ("ks=", "ks="),
            ("", ""),
        ];
        for (body, shown) in cases {
            assert_eq!(removed(body), shown);
        }
    }
}
