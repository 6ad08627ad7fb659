//! Page after page: by offset, and by cursor beyond.

use serde_json::Value;

use super::{Book, Library, names, titled};

fn shelf() -> Vec<Book> {
    let names = [
        "red one",
        "red two",
        "red three",
        "red four",
        "red five six seven",
        "red eight",
        "red nine ten",
        "red red",
        "blue",
    ];
    names.iter().zip(1..).map(|(name, number)| Book { plays: number / 3, days_ago: number, ..titled(name) }).collect()
}

#[tokio::test]
async fn pages_by_cursor_hold_what_one_page_holds() {
    let library = Library::with(&shelf()).await;
    for parameters in [
        vec![("q", "red")],
        vec![("q", "red"), ("sort", "plays")],
        vec![("q", "red"), ("sort", "plays:asc")],
        vec![("q", "red"), ("sort", "name")],
        vec![("q", "red"), ("sort", "name:desc")],
        vec![("filter", "plays >= 0")],
        vec![("q", "one three zebra")],
    ] {
        let whole = names(&library.search(&parameters).await);
        assert!(!whole.is_empty());
        let (mut by_cursor, mut cursor) = (Vec::new(), String::new());
        loop {
            let mut parameters = parameters.clone();
            parameters.extend([("limit", "2"), ("cursor", cursor.as_str())]);
            let page = library.search(&parameters).await;
            assert_eq!(page["totalHits"], whole.len(), "{parameters:?}");
            by_cursor.extend(names(&page));
            let Value::String(next) = &page["next"] else { break };
            cursor = next.clone();
        }
        assert_eq!(by_cursor, whole, "{parameters:?}");
        let mut by_offset = parameters.clone();
        by_offset.extend([("limit", "2"), ("offset", "1")]);
        let expected: Vec<_> = whole.iter().skip(1).take(2).cloned().collect();
        assert_eq!(names(&library.search(&by_offset).await), expected);
    }
}

#[tokio::test]
async fn a_cursor_goes_on_behind_its_entry_when_the_index_has_changed() {
    let library = Library::with(&shelf()).await;
    for sort in ["relevance", "plays", "name"] {
        let whole = names(&library.search(&[("q", "red"), ("sort", sort)]).await);
        let first = library.search(&[("q", "red"), ("sort", sort), ("limit", "3")]).await;
        library.add(&[Book { plays: 99, ..titled("a red zero") }]).await;
        let cursor = first["next"].as_str().unwrap();
        let rest = names(&library.search(&[("q", "red"), ("sort", sort), ("cursor", cursor)]).await);
        for name in &whole[3..] {
            assert!(rest.contains(name), "{sort}: {name} is missing from {rest:?}");
        }
        for name in &names(&first) {
            assert!(!rest.contains(name), "{sort}: {name} is told again in {rest:?}");
        }
    }
}

#[tokio::test]
async fn a_cursor_is_of_one_search() {
    let library = Library::with(&shelf()).await;
    let first = library.search(&[("q", "red"), ("limit", "1")]).await;
    let cursor = first["next"].as_str().unwrap();
    let answer = library.get("/api/v1/search", &[("q", "blue"), ("cursor", cursor)]).await;
    assert_eq!(answer.status, 400);
    let answer = library.get("/api/v1/search", &[("q", "red"), ("cursor", cursor), ("offset", "1")]).await;
    assert_eq!(answer.json()["parameter"], "offset");
}
