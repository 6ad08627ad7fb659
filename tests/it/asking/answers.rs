//! What a hit tells: marks, cuts, scores, cues.

use serde_json::json;

use super::{Book, Library, titled};

#[tokio::test]
async fn what_was_sought_is_marked_and_everything_else_is_harmless() {
    let book = Book {
        description: "Ships <b>& shipping</b>: a maritme mistake.",
        tags: "maritime, \"quoted\"",
        topic: "Museum",
        ..titled("<Maritime> & more")
    };
    let library = Library::with(&[book]).await;
    let hit = |answer: serde_json::Value| answer["hits"][0].clone();
    let told = hit(library.search(&[("q", "maritime shi"), ("highlight", "*")]).await);
    let formatted = &told["_formatted"];
    assert_eq!(formatted["name"], "&lt;<mark>Maritime</mark>&gt; &amp; more");
    assert_eq!(
        formatted["description"],
        "<mark>Ships</mark> &lt;b&gt;&amp; <mark>shipping</mark>&lt;/b&gt;: a <mark>maritme</mark> mistake."
    );
    assert_eq!(formatted["tags"], json!(["<mark>maritime</mark>", "&quot;quoted&quot;"]));
    assert_eq!(formatted["metadata"], json!({"Topic": ["Museum"]}));
    assert_eq!(told["name"], "<Maritime> & more", "the entry itself is as it is");

    let told = hit(library.search(&[("q", "mistake"), ("highlight", "description"), ("crop", "description:3")]).await);
    assert_eq!(told["_formatted"], json!({"description": "…a maritme <mark>mistake</mark>."}));
    let told = hit(library.search(&[("q", "mistake"), ("crop", "description:2")]).await);
    assert!(!told["_formatted"]["description"].as_str().unwrap().contains("<mark>"), "{told}");
    let told = hit(library.search(&[("q", "mistake")]).await);
    assert!(told.get("_formatted").is_none() && told["_rankingScore"].as_f64().is_some_and(|s| s > 0.0 && s < 1.0));
}

#[tokio::test]
async fn a_hit_in_a_caption_says_where_it_is_said() {
    let captions = "1\n00:00:01,000 --> 00:00:02,000\nGood evening.\n\n\
                    2\n00:01:23,500 --> 00:01:25,000\nThe barnacle <i>opens</i> at night.\n";
    let library = Library::with(&[titled("Silent film"), Book { captions, ..titled("A talk at night") }]).await;
    let answer = library.search(&[("q", "barnacle"), ("highlight", "captions")]).await;
    let cue = &answer["hits"][0]["_cue"];
    assert_eq!((&cue["startMs"], &cue["endMs"]), (&json!(83_500), &json!(85_000)), "{answer}");
    assert_eq!((&cue["text"], &cue["link"]), (&json!("The barnacle opens at night."), &json!("t=83.5")));
    assert_eq!(cue["_formatted"]["text"], "The <mark>barnacle</mark> opens at night.");
    assert!(library.search(&[("q", "talk")]).await["hits"][0].get("_cue").is_none());
}
