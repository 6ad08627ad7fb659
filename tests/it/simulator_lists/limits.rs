//! Pages, windows, lists of ids, counts.

use serde_json::{Value, json};

use super::{Lists, ids, videos};

impl Lists {
    async fn page(&self, size: i64, index: i64) -> Value {
        let pager = json!({"pageSize": size, "pageIndex": index});
        self.call("baseEntry.list", json!({"filter": {"orderBy": "+createdAt"}, "pager": pager})).await
    }

    /// Rows shown and `totalCount`.
    async fn counts(&self, size: i64, index: i64) -> (usize, i64) {
        let page = self.page(size, index).await;
        (ids(&page).len(), page["totalCount"].as_i64().unwrap())
    }
}

#[tokio::test]
async fn a_page_has_thirty_rows_unless_told_and_never_more_than_five_hundred() {
    let lists = Lists::of(videos(1_200)).await;
    let unasked = lists.call("baseEntry.list", json!({})).await;
    assert_eq!((ids(&unasked).len(), &unasked["totalCount"]), (30, &json!(1_200)));
    assert_eq!(lists.counts(501, 1).await, (500, 1_200), "lowered without a word");
    assert_eq!(lists.counts(500, 0).await, (500, 1_200), "the first page is the first there is");
    assert_eq!(ids(&lists.page(500, -4).await), ids(&lists.page(500, 1).await));
    assert_eq!(lists.counts(500, 3).await, (200, 1_200));
}

#[tokio::test]
async fn a_page_without_a_size_has_as_many_rows_as_the_index_gives_at_once() {
    let lists = Lists::of(videos(1_200)).await;
    for size in [0, -1] {
        assert_eq!(lists.counts(size, 1).await, (1_000, 1_200));
    }
}

#[tokio::test]
async fn nothing_is_shown_behind_the_ten_thousandth_match_and_a_page_across_it_is_cut() {
    let lists = Lists::of(videos(10_400)).await;
    assert_eq!(lists.counts(500, 20).await, (500, 10_400), "a full page is counted in full");
    let beyond = lists.page(500, 21).await;
    assert_eq!(beyond["code"], "QUERY_EXCEEDED_MAX_MATCHES_ALLOWED");
    assert_eq!(beyond["message"], "Unable to generate list. max matches value was reached");
    assert_eq!(lists.counts(300, 34).await, (100, 10_000), "a page that is not full counts what stands before it");
    assert_eq!(lists.call("baseEntry.count", json!({})).await, 10_400);
}

#[tokio::test]
async fn an_empty_page_is_the_end_and_counts_everything() {
    let lists = Lists::of(videos(40)).await;
    assert_eq!(lists.counts(30, 2).await, (10, 40));
    assert_eq!(lists.counts(30, 3).await, (0, 40));
}

#[tokio::test]
async fn of_a_list_of_ids_the_database_takes_five_hundred_and_the_index_a_hundred_and_fifty() {
    let lists = Lists::of(videos(600)).await;
    let all: Vec<String> = videos(600).map(|entry| entry.id.to_string()).collect();
    for (asked, answered) in [(150, 150), (151, 151), (400, 400), (501, 500)] {
        let pages = json!({"filter": {"idIn": all[..asked].join(",")}, "pager": {"pageSize": 500}});
        let answer = lists.call("baseEntry.list", pages).await;
        assert_eq!((ids(&answer).len(), &answer["totalCount"]), (answered, &json!(answered)), "{asked}");
    }
    // What is asked for in a text only the index knows.
    let searched = lists.ids(json!({"idIn": all[..200].join(","), "freeText": "0"})).await;
    assert_eq!(searched, all[..150]);
    let others = lists.ids(json!({"idNotIn": all[..200].join(",")})).await;
    assert_eq!(others.len(), 600 - 150, "what is too much in the list is listed");
}

#[tokio::test]
async fn ids_are_read_from_the_database_behind_any_window() {
    let lists = Lists::of(videos(30)).await;
    let all: Vec<String> = videos(30).map(|entry| entry.id.to_string()).collect();
    let pager = json!({"pageSize": 500, "pageIndex": 21});
    let page = lists.call("baseEntry.list", json!({"filter": {"idIn": all.join(",")}, "pager": pager})).await;
    assert_eq!((ids(&page).len(), &page["totalCount"]), (0, &json!(30)));
}

#[tokio::test]
async fn a_list_of_numbers_is_put_in_order_before_it_is_cut() {
    let mut entries: Vec<_> = videos(2).collect();
    for (entry, profile) in entries.iter_mut().zip([900, 2]) {
        entry.access_control_id = Some(kaltura_mirror::domain::ids::AccessControlId(profile));
    }
    let lists = Lists::of(entries.clone()).await;
    let mut numbers = vec!["900".to_owned()];
    numbers.extend((0..160).map(|number| number.to_string()));
    let found = lists.ids(json!({"accessControlIdIn": numbers.join(",")})).await;
    assert_eq!(found, [entries[1].id.as_str()], "the greatest are dropped, wherever they stand");
}

#[tokio::test]
async fn conditions_of_one_kind_all_count() {
    let lists = Lists::of(videos(3)).await;
    assert_eq!(lists.ids(json!({"statusEqual": 2, "statusIn": "1,7"})).await, [""; 0]);
    assert_eq!(lists.ids(json!({"statusIn": "1,2", "statusNotIn": "2"})).await, [""; 0]);
}

#[tokio::test]
async fn assets_and_documents_are_listed_by_entry_only() {
    let lists = Lists::of(videos(1)).await;
    for (action, code) in [
        ("flavorAsset.list", "PROPERTY_VALIDATION_CANNOT_BE_NULL"),
        ("thumbAsset.list", "PROPERTY_VALIDATION_CANNOT_BE_NULL"),
        ("caption_captionasset.list", "PROPERTY_VALIDATION_CANNOT_BE_NULL"),
        ("metadata_metadata.list", "MUST_FILTER_ON_OBJECT_ID"),
    ] {
        assert_eq!(lists.call(action, json!({"filter": {}})).await["code"], code, "{action}");
    }
}
