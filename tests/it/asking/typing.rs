//! While a visitor types, and what is like what was found.

use serde_json::{Value, json};

use super::{Book, Library, names, titled};

fn shelf() -> Vec<Book> {
    vec![
        Book { tags: "marine life, red", topic: "Science", ..titled("Maritime museum: the tour") },
        Book { tags: "Marine Life", topic: "Science", ..titled("Whales") },
        titled("Market report"),
        titled("Market report"),
        Book { tags: "red", ..titled("Roses") },
    ]
}

async fn suggestions(library: &Library, q: &str) -> Vec<(String, String)> {
    let answer = library.get("/api/v1/suggest", &[("q", q)]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let told = answer["suggestions"].as_array().unwrap().iter();
    told.map(|suggestion| (text(&suggestion["kind"]), text(&suggestion["text"]))).collect()
}

#[tokio::test]
async fn titles_and_tags_are_completed_each_once() {
    let library = Library::with(&shelf()).await;
    let of = |kind: &str, texts: &[(String, String)]| {
        let mut of: Vec<_> = texts.iter().filter(|(known, _)| known == kind).map(|(_, text)| text.clone()).collect();
        of.sort();
        of
    };
    let mar = suggestions(&library, "mar").await;
    assert_eq!(of("title", &mar), ["Maritime museum: the tour", "Market report"]);
    assert_eq!(of("tag", &mar).len(), 1, "the tag has two spellings: {mar:?}");
    assert_eq!(of("title", &suggestions(&library, "the mus").await), ["Maritime museum: the tour"]);
    assert_eq!(of("tag", &suggestions(&library, "MARINE L").await).len(), 1);
    assert_eq!(suggestions(&library, "").await, []);
    for odd in ["tags:x", "-\"", "  ", "\u{0}", "((("] {
        assert!(suggestions(&library, odd).await.len() <= 10, "{odd}");
    }
}

#[tokio::test]
async fn entries_like_one_share_its_tags_and_words() {
    let library = Library::with(&[]).await;
    let ids = library.add(&shelf()).await;
    let answer = library.get(&format!("/api/v1/entries/{}/related", ids[0]), &[]).await.json();
    let related = names(&answer);
    assert_eq!(related[0], "Whales", "{related:?}");
    assert!(related.contains(&"Roses".to_owned()) && !related.contains(&"Maritime museum: the tour".to_owned()));
    let none = library.get("/api/v1/entries/0_nobody0/related", &[]).await;
    assert_eq!(none.status, 404);
    let one = library.get(&format!("/api/v1/entries/{}/related", ids[0]), &[("limit", "1")]).await.json();
    assert_eq!(names(&one), ["Whales"]);
    assert_eq!(one["hits"][0]["tags"], json!(["Marine Life"]));
}
