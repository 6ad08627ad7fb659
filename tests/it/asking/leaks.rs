//! Nothing of an entry that is withheld leaves by any way of asking; and nothing that is asked breaks anything.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::{Book, Library, titled};

const WAYS: [(&str, &str); 12] = [
    ("q", "canary"),
    ("q", "canari"),
    ("q", "canry "),
    ("q", "\"canary bird\""),
    ("q", "tags:canary"),
    ("q", "canarybird"),
    ("filter", "tags = canary"),
    ("filter", "metadata.Speakers = \"Canary Voice\""),
    ("filter", "referenceId = canary-1"),
    ("facets", "*"),
    ("q", "harmless"),
    ("sort", "plays"),
];

fn bird() -> Book {
    Book {
        description: "harmless canary song",
        tags: "canary, birds",
        speakers: &["Canary Voice"],
        reference_id: Some("canary-1"),
        plays: 1_000,
        ..titled("Canary bird")
    }
}

/// The words that are asked for come back with every answer; they are no secret.
fn without_the_question(answer: &str) -> String {
    let mut told: serde_json::Value = serde_json::from_str(answer).unwrap();
    told.as_object_mut().unwrap().remove("query");
    told.to_string().to_lowercase()
}

#[tokio::test]
async fn an_entry_that_is_hidden_is_gone_from_hits_totals_facets_suggestions_and_likenesses() {
    let others = [Book { tags: "birds", ..titled("Harmless sparrow") }, titled("Harmless stones")];
    let library = Library::with(&others).await;
    let sparrow = library.search(&[("q", "sparrow")]).await["hits"][0]["id"].as_str().unwrap().to_owned();
    let mut before = Vec::new();
    for way in WAYS {
        before.push(library.search(&[way]).await);
    }
    let ids = library.add(&[bird()]).await;
    assert_eq!(library.titles("canary").await, ["Canary bird"]);
    assert!(library.get("/api/v1/suggest", &[("q", "can")]).await.text().contains("Canary bird"));

    library.house.daemon.store.hide(library.house.account(), &ids[0]).await.unwrap();
    let at_once = library.search(&[("q", "canary")]).await;
    assert_eq!(at_once["hits"], serde_json::json!([]), "hidden at once, whatever the index has");
    library.caught_up().await;

    for (way, before) in WAYS.into_iter().zip(before) {
        let answer = library.search(&[way]).await;
        assert!(!without_the_question(&answer.to_string()).contains("canar"), "{way:?}: {answer}");
        for told in ["hits", "totalHits", "facetDistribution"] {
            if told == "hits" {
                let ids = |answer: &serde_json::Value| {
                    let hits = answer["hits"].as_array().unwrap().iter();
                    hits.map(|hit| hit["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
                };
                assert_eq!(ids(&answer), ids(&before), "{way:?}");
            } else {
                assert_eq!(answer[told], before[told], "{way:?} {told}");
            }
        }
    }
    for typed in ["c", "can", "canary", "canary b", "bir"] {
        let text = library.get("/api/v1/suggest", &[("q", typed)]).await.text().to_lowercase();
        assert!(!text.contains("canar"), "{typed}: {text}");
    }
    let related = library.get(&format!("/api/v1/entries/{sparrow}/related"), &[]).await.text().to_lowercase();
    assert!(!related.contains("canar"), "{related}");
    assert_eq!(library.get(&format!("/api/v1/entries/{}/related", ids[0]), &[]).await.status, 404);
}

#[tokio::test]
async fn any_text_is_answered_or_refused_and_never_breaks_anything() {
    let library = Library::with(&[bird(), titled("機械学習 AB-1234 ประวัติ"), titled("Ünï çödé")]).await;
    let mut runner = TestRunner::deterministic();
    let text = prop_oneof![
        "\\PC{0,40}",
        "[a-z:\\-\"' .*()\\[\\]=<>!,]{0,40}",
        prop::collection::vec(
            prop::sample::select(vec![
                "canary",
                "canry",
                "機械",
                "-",
                "\"",
                "tags:",
                "AB-12",
                " ",
                "ประ",
                "\u{0}",
                "\u{1}canari",
                "\u{2}",
                "é",
                "NOT",
                "tags = a",
                "AND",
                "(",
                "duration > 1",
                "plays",
                ",",
                "name",
                ":",
                "*",
            ]),
            0..12
        )
        .prop_map(|pieces| pieces.concat()),
    ];
    for number in 0..200 {
        let text = text.new_tree(&mut runner).unwrap().current();
        let parameter = ["q", "q", "q", "filter", "facets", "sort", "highlight", "crop", "cursor"][number % 9];
        let answer = library.get("/api/v1/search", &[(parameter, &text)]).await;
        assert!(matches!(answer.status, 200 | 400), "{parameter}={text:?}: {} {}", answer.status, answer.text());
        let answer = library.get("/api/v1/suggest", &[("q", &text)]).await;
        assert_eq!(answer.status, 200, "{text:?}: {}", answer.text());
    }
    let long = "x".repeat(3_000);
    assert_eq!(library.get("/api/v1/search", &[("q", &long)]).await.status, 400);
}
