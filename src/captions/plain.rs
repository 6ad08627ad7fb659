//! The words of a cue, without markup.

/// Letters kept of one cue; a paragraph that goes on for longer is none of a subtitle's.
pub(super) const TEXT_MAX: usize = 4000;

/// Elements that SubRip's and WebVTT's writers use. What looks like a tag and is none of these is text: `vector<int>`.
const TAGS: [&str; 13] = ["i", "b", "u", "s", "c", "v", "em", "strong", "font", "span", "lang", "ruby", "rt"];

/// References by name; others stay as they are.
const NAMED: [(&str, &str); 8] = [
    ("amp", "&"),
    ("lt", "<"),
    ("gt", ">"),
    ("quot", "\""),
    ("apos", "'"),
    ("nbsp", "\u{a0}"),
    ("lrm", "\u{200e}"),
    ("rlm", "\u{200f}"),
];

/// Takes out tags, styles in braces and moments within a cue, and resolves references. White space is evened out.
pub(super) fn text(marked_up: &str) -> String {
    let (mut text, mut rest) = (String::with_capacity(marked_up.len()), marked_up);
    while let Some(at) = rest.find(['<', '{', '&']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let (length, instead) = markup(rest);
        text.push_str(instead.as_deref().unwrap_or(&rest[..length]));
        rest = &rest[length..];
    }
    text.push_str(rest);
    evened(&text)
}

/// Spaces and line ends evened out, control characters taken out, no more than fits.
pub(super) fn evened(text: &str) -> String {
    let lines = text.split(['\n', '\r', '\u{2028}', '\u{85}']).map(|line| {
        let words: Vec<&str> = line.split(|letter: char| letter.is_whitespace() || letter.is_control()).collect();
        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    });
    let joined = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    match joined.char_indices().nth(TEXT_MAX) {
        Some((end, _)) => joined[..end].trim_end().to_owned(),
        None => joined,
    }
}

/// How long the markup is that begins here, and what stands in its place; `None` for text that only looks like it.
fn markup(rest: &str) -> (usize, Option<String>) {
    let found = match rest.as_bytes()[0] {
        b'<' => tag(rest),
        b'{' => style(rest),
        _ => reference(rest),
    };
    found.map_or((1, None), |(length, instead)| (length, Some(instead)))
}

/// `<i>`, `</font>`, `<c.loud>`, `<v Anna>`, `<br/>`, `<00:01.000>`.
fn tag(rest: &str) -> Option<(usize, String)> {
    let end = rest.find('>')?;
    let inside = &rest[1..end]; // `a < b` is no tag
    let name: String = inside
        .trim_start_matches('/')
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_lowercase();
    let is_moment = inside.contains(':') && super::timestamp::clock(inside).is_some();
    match name.as_str() {
        "br" => Some((end + 1, "\n".to_owned())),
        name if is_moment || TAGS.contains(&name) => Some((end + 1, String::new())),
        _ => None,
    }
}

/// `{\an8}`, as SubRip's players have it from another format.
fn style(rest: &str) -> Option<(usize, String)> {
    let is_style = rest[1..].starts_with('\\');
    let end = rest.find('}').filter(|_| is_style)?;
    Some((end + 1, String::new()))
}

/// `&amp;`, `&#233;`, `&#xe9;`.
fn reference(rest: &str) -> Option<(usize, String)> {
    const LONGEST: usize = 10;
    let end = rest.bytes().take(LONGEST).position(|byte| byte == b';')?;
    let name = &rest[1..end];
    let letter = match name.strip_prefix('#') {
        None => NAMED.iter().find(|(known, _)| *known == name).map(|(_, letter)| (*letter).to_owned()),
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok(),
                None => number.parse().ok(),
            };
            code.and_then(char::from_u32).map(String::from)
        }
    };
    Some((end + 1, letter?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_goes_and_words_stay() {
        for (marked_up, plain) in [
            ("Today: cafés, 東京 & <i>maps</i>", "Today: cafés, 東京 & maps"),
            ("<font color=\"#fff\">A</font>  B", "A B"),
            ("<v Anna>Hello</v> <c.loud.big>there</c>", "Hello there"),
            ("<00:00:01.500>one <00:02.000>two", "one two"),
            ("one<br>two<BR/>three", "one\ntwo\nthree"),
            (r"{\an8}Up here {no style}", "Up here {no style}"),
            ("Q&amp;A &lt;b&gt; &#233;&#xe9; &nbsp;x", "Q&A <b> éé x"),
            ("std::vector<int> a < b && c > d", "std::vector<int> a < b && c > d"),
            ("&unknown; &#xd800; &", "&unknown; &#xd800; &"),
            (" \n\r\n a \u{7}\t b \n ", "a b"),
            ("<", "<"),
            ("<ruby>東京<rt>とうきょう</rt></ruby>", "東京とうきょう"),
            ("", ""),
        ] {
            assert_eq!(text(marked_up), plain, "{marked_up:?}");
        }
    }

    #[test]
    fn a_text_without_end_is_cut() {
        assert_eq!(text(&"あ".repeat(TEXT_MAX + 10)).chars().count(), TEXT_MAX);
    }
}
