//! Which bytes of a document change, and into what. Knows the text and its tree, and no schema.

use std::ops::Range;

use super::syntax;
use super::tree::{Element, Node, Text};

const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

/// Bytes to be replaced, and by what.
pub struct Patch {
    range: Range<usize>,
    text: String,
}

impl Patch {
    /// A value in place of an element's characters; the element holds no elements.
    ///
    /// It goes where the first characters are (inside CDATA if that is all there is), other characters go away, comments
    /// stay. Without any it goes before the end tag.
    pub fn of_value(source: &str, element: &Element, value: &str) -> Vec<Self> {
        let escaped = syntax::escape_text(value);
        let runs = runs(element);
        if element.is_one_tag() {
            return vec![Self::opening(source, element, &escaped)];
        }
        if let Some(section) = sole_cdata(element).filter(|_| !value.contains("]]>") && !value.contains('\r')) {
            return vec![Self { range: cdata_content(section), text: value.to_owned() }];
        }
        match runs.split_first() {
            None => vec![Self::at(element.content.end, escaped)],
            Some((first, others)) => {
                let value = Self { range: first.clone(), text: escaped };
                let emptied = others.iter().map(|run| Self { range: run.clone(), text: String::new() });
                std::iter::once(value).chain(emptied).collect()
            }
        }
    }

    /// A new element behind the one that must stand before it, or before all others, indented like that neighbour.
    pub fn of_new_element(source: &str, root: &Element, before: Option<&Element>, new: &str) -> Self {
        if root.is_one_tag() {
            return Self::opening(source, root, new);
        }
        let inside = &source[root.content.clone()];
        let indentation = |neighbour: &Element| line_start(&source[root.content.start..neighbour.span.start]);
        match (before, root.elements().next()) {
            (Some(before), _) => Self::at(before.span.end, format!("{}{new}", indentation(before).unwrap_or_default())),
            (None, Some(first)) => {
                Self::at(first.span.start, format!("{new}{}", indentation(first).unwrap_or_default()))
            }
            (None, None) => Self::at(root.content.start, format!("{}{new}", first_indentation(inside))),
        }
    }

    /// The text with all patches made; they are in order and do not overlap.
    pub fn apply_all(patches: &[Self], source: &str) -> String {
        let more: usize = patches.iter().map(|patch| patch.text.len()).sum();
        let mut edited = String::with_capacity(source.len() + more);
        let mut done = 0;
        for patch in patches {
            edited.push_str(&source[done..patch.range.start]);
            edited.push_str(&patch.text);
            done = patch.range.end;
        }
        edited.push_str(&source[done..]);
        edited
    }

    fn at(offset: usize, text: String) -> Self {
        Self { range: offset..offset, text }
    }

    /// `<F a="1" />` as `<F a="1">…</F>`.
    fn opening(source: &str, element: &Element, content: &str) -> Self {
        let tag = &source[element.span.clone()];
        let kept = tag.strip_suffix("/>").unwrap_or(tag).trim_end_matches(BLANK);
        let range = element.span.start + kept.len()..element.span.end;
        Self { range, text: format!(">{content}</{}>", element.name) }
    }
}

/// Where an element's characters stand; text and CDATA that touch are one run.
fn runs(element: &Element) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for node in &element.nodes {
        let Node::Text(text) = node else { continue };
        match runs.last_mut() {
            Some(run) if run.end == text.span.start => run.end = text.span.end,
            _ => runs.push(text.span.clone()),
        }
    }
    runs
}

/// The CDATA section that holds all of an element's characters.
fn sole_cdata(element: &Element) -> Option<&Text> {
    let mut texts = element.texts();
    texts.next().filter(|first| first.cdata && texts.next().is_none())
}

fn cdata_content(section: &Text) -> Range<usize> {
    section.span.start + "<![CDATA[".len()..section.span.end - "]]>".len()
}

/// In a root without elements: like the comment in it, else two spaces deeper than the root's end tag.
fn first_indentation(inside: &str) -> String {
    let blank = &inside[..inside.len() - inside.trim_start_matches(BLANK).len()];
    match line_start(blank) {
        Some(indentation) if blank.len() < inside.len() => indentation.to_owned(),
        Some(indentation) => format!("{indentation}  "),
        None => String::new(),
    }
}

/// The line break and white space a text ends with. None when something else stands on its last line.
fn line_start(text: &str) -> Option<&str> {
    let visible = text.trim_end_matches([' ', '\t']);
    let break_length = match visible.as_bytes() {
        [.., b'\r', b'\n'] => 2,
        [.., b'\n' | b'\r'] => 1,
        _ => return None,
    };
    text.get(visible.len() - break_length..)
}
