//! What words, phrases, exclusions and fields find.

use super::{Book, Library, titled};

fn shelf() -> Vec<Book> {
    vec![
        Book {
            description: "Ship models and sea charts.",
            tags: "tour, maritime",
            topic: "Museum",
            speakers: &["Ada Blom"],
            reference_id: Some("MUS-1234"),
            ..titled("A walk through the maritime wing")
        },
        Book { description: "Restoring a ship model takes a year.", ..titled("Behind the glass") },
        Book { tags: "museum, night", ..titled("Sleepover rules") },
        Book { description: "Rules of the museum.", ..titled("Night at the museum") },
        titled("Crème brûlée for beginners"),
        titled("Lectures on photography"),
        titled("機械学習入門"),
        titled("ประวัติศาสตร์ไทย"),
        titled("Straße ohne Ende"),
    ]
}

#[tokio::test]
async fn every_word_must_be_there_whichever_field_has_it() {
    let library = Library::with(&shelf()).await;
    for (q, titles) in [
        ("maritime ship", vec!["A walk through the maritime wing"]),
        ("blom museum charts", vec!["A walk through the maritime wing"]),
        ("\"ship model\"", vec!["Behind the glass"]),
        ("\"model ship\"", vec![]),
        ("ship -maritime ", vec!["Behind the glass"]),
        ("ship -\"ship models\"", vec!["Behind the glass"]),
        ("tags:museum", vec!["Sleepover rules"]),
        ("metadata.Topic:museum", vec!["A walk through the maritime wing"]),
        ("metadata.Speakers:\"ada blom\"", vec!["A walk through the maritime wing"]),
        ("-ship -museum -tour lectures", vec!["Lectures on photography"]),
    ] {
        assert_eq!(library.titles(q).await, titles, "{q}");
    }
}

#[tokio::test]
async fn a_title_counts_more_than_tags_and_these_more_than_a_description() {
    let library = Library::with(&shelf()).await;
    let titles = library.titles("museum ").await;
    assert_eq!(
        titles,
        ["Night at the museum", "Sleepover rules", "A walk through the maritime wing"],
        "title, tag, metadata"
    );
    assert_eq!(library.titles("rules ").await, ["Sleepover rules", "Night at the museum"]);
}

#[tokio::test]
async fn case_accents_forms_and_scripts_do_not_stand_in_the_way() {
    let library = Library::with(&shelf()).await;
    for (q, title) in [
        ("CREME BRULEE", "Crème brûlée for beginners"),
        ("lecture", "Lectures on photography"),
        ("strasse", "Straße ohne Ende"),
        ("学習", "機械学習入門"),
        ("機械学習", "機械学習入門"),
        ("ศาสตร์", "ประวัติศาสตร์ไทย"),
        ("mus1234", "A walk through the maritime wing"),
        ("MUS-1234", "A walk through the maritime wing"),
        ("1234", "A walk through the maritime wing"),
    ] {
        assert_eq!(library.titles(q).await, [title], "{q}");
    }
}

#[tokio::test]
async fn the_last_word_may_not_be_finished_and_the_others_are() {
    let library = Library::with(&shelf()).await;
    assert_eq!(library.titles("photo").await, ["Lectures on photography"]);
    assert_eq!(library.titles("photo ").await, Vec::<String>::new());
    assert_eq!(library.titles("lectures pho").await, ["Lectures on photography"]);
}

#[tokio::test]
async fn mistakes_are_looked_past_in_words_and_not_in_identifiers() {
    let library = Library::with(&shelf()).await;
    for (q, found) in [
        ("maritme ", 1),
        ("maritiem ", 1),
        ("naritime ", 1),
        ("photografy ", 1),
        ("photogarphi ", 1),
        ("sleeopver rules", 1),
        ("shp ", 0),
        ("mus1235 ", 0),
        ("MUS-1243 ", 0),
        ("\"maritme\"", 0),
    ] {
        assert_eq!(library.titles(q).await.len(), found, "{q}");
    }
}

#[tokio::test]
async fn an_exact_word_comes_before_a_beginning_and_that_before_a_mistake() {
    let titles = ["Photografy", "Photogaphy", "Photographyclub", "Photography"];
    let library = Library::with(&titles.map(titled)).await;
    let found = library.titles("photography").await;
    assert_eq!(found, ["Photography", "Photographyclub", "Photogaphy", "Photografy"]);
}

#[tokio::test]
async fn when_nothing_has_all_words_those_are_answered_that_have_most() {
    let library = Library::with(&shelf()).await;
    assert_eq!(library.titles("maritime ship zebra").await[0], "A walk through the maritime wing");
    assert_eq!(library.titles("photography zebra ").await, ["Lectures on photography"]);
    assert_eq!(library.titles("zebra quagga").await, Vec::<String>::new());
}

#[tokio::test]
async fn words_that_stand_side_by_side_in_a_title_come_first() {
    let apart = Book { description: "red", ..titled("The sea and the house, red as ever") };
    let library = Library::with(&[apart, titled("The red house by the sea")]).await;
    assert_eq!(library.titles("red house ").await[0], "The red house by the sea");
}
