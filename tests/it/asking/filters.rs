//! Filters, facets and orders.

use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::entry::EntryKind;
use serde_json::json;

use super::{Book, Library, names, titled};

fn shelf() -> Vec<Book> {
    let book = |name, tags, topic, media_type, seconds, plays, days_ago| Book {
        tags,
        topic,
        media_type,
        seconds,
        plays,
        days_ago,
        ..titled(name)
    };
    vec![
        book("Alpha", "red, big boat", "Lecture", 1, 600, 5, 1),
        book("Bravo", "Red", "Sport", 1, 601, 50, 2),
        book("Charlie", "blue", "Lecture", 5, 30, 500, 400),
        Book { reference_id: Some("ref/1"), ..book("Delta", "", "", 2, 0, 0, 800) },
    ]
}

#[tokio::test]
async fn filters_let_through_what_they_say() {
    let library = Library::with(&shelf()).await;
    for (filter, passing) in [
        ("tags = red", "Alpha Bravo"),
        ("tags = \"big boat\"", "Alpha"),
        ("tags = boat", ""),
        ("tags != red", "Charlie Delta"),
        ("tags IN [blue, 'big boat']", "Alpha Charlie"),
        ("tags NOT IN [blue]", "Alpha Bravo Delta"),
        ("tags IN []", ""),
        ("tags EXISTS", "Alpha Bravo Charlie"),
        ("tags IS EMPTY", "Delta"),
        ("metadata.Topic = lecture", "Alpha Charlie"),
        ("metadata.Topic NOT EXISTS", "Delta"),
        ("mediaType = video", "Alpha Bravo"),
        ("mediaType = 5 OR mediaType = image", "Charlie Delta"),
        ("duration > 600", "Bravo"),
        ("duration >= 600 AND duration < 601", "Alpha"),
        ("duration 30 TO 600", "Alpha Charlie"),
        ("plays <= 5", "Alpha Delta"),
        ("referenceId = 'REF/1'", "Delta"),
        ("account = 102 AND tags = blue", "Charlie"),
        ("account = 103", ""),
        ("NOT (mediaType = video OR duration = 0)", "Charlie"),
        ("mediaType = video AND duration > 600 AND (tags IN [red, 'b c'] OR metadata.Topic = Science)", "Bravo"),
        ("createdAt > 2024-01-01", "Alpha Bravo Charlie Delta"),
        ("createdAt > 1795300000", "Alpha Bravo"),
        ("createdAt < 2026-01-01", "Charlie Delta"),
    ] {
        assert_eq!(library.passing(filter).await.join(" "), passing, "{filter}");
    }
    assert_eq!(names(&library.search(&[("q", "mediaType:audio")]).await), ["Charlie"]);
    assert_eq!(names(&library.search(&[("q", "-mediaType:video"), ("sort", "name")]).await), ["Charlie", "Delta"]);
}

#[tokio::test]
async fn one_entry_can_be_asked_for_by_its_id() {
    let library = Library::with(&[]).await;
    let ids = library.add(&shelf()).await;
    assert_eq!(library.passing(&format!("id = {}", ids[2])).await, ["Charlie"]);
    assert_eq!(library.passing(&format!("id IN [{}, {}, nonsense]", ids[0], ids[1])).await, ["Alpha", "Bravo"]);
    assert_eq!(library.titles(ids[3].as_str()).await, ["Delta"]);
}

#[tokio::test]
async fn values_are_counted_among_all_that_is_found() {
    let library = Library::with(&shelf()).await;
    let facets = [("facets", "tags,mediaType,metadata.Topic,account"), ("limit", "1")];
    let answer = library.search(&facets).await;
    assert_eq!(
        answer["facetDistribution"],
        json!({
            "tags": {"Red": 1, "big boat": 1, "blue": 1, "red": 1},
            "mediaType": {"video": 2, "audio": 1, "image": 1},
            "metadata.Topic": {"Lecture": 2, "Sport": 1},
            "account": {"102": 4}
        })
    );
    assert_eq!((&answer["totalHits"], &answer["totalHitsExact"]), (&json!(4), &json!(true)));
    let answer = library.search(&[("facets", "mediaType"), ("filter", "tags = red"), ("q", "alpha")]).await;
    assert_eq!(answer["facetDistribution"], json!({"mediaType": {"video": 1}}));
    assert!(library.search(&[("q", "alpha")]).await.get("facetDistribution").is_none());
}

#[tokio::test]
async fn hits_come_in_the_order_that_is_asked_for() {
    let library = Library::with(&shelf()).await;
    for (sort, order) in [
        ("", "Alpha Bravo Charlie Delta"),
        ("createdAt", "Alpha Bravo Charlie Delta"),
        ("createdAt:asc", "Delta Charlie Bravo Alpha"),
        ("name:desc", "Delta Charlie Bravo Alpha"),
        ("duration:asc", "Delta Charlie Alpha Bravo"),
        ("plays", "Charlie Bravo Alpha Delta"),
    ] {
        assert_eq!(names(&library.search(&[("sort", sort)]).await).join(" "), order, "{sort}");
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_its_place() {
    let library = Library::with(&[]).await;
    for (parameters, parameter, position, says) in [
        (("filter", "tags = a AND"), "filter", 12, "a field"),
        (("filter", "metadata.SyncStatus = x"), "filter", 0, "metadata.Topic"),
        (("filter", "adminTags = x"), "filter", 0, "there are"),
        (("q", "boat userId:x"), "q", 5, "quotes"),
        (("facets", "tags,partnerData"), "facets", 5, "metadata.Topic"),
        (("sort", "views"), "sort", 0, "createdAt"),
        (("highlight", "plays"), "highlight", 0, "description"),
        (("crop", "name:0"), "crop", 0, "words"),
        (("limit", "101"), "limit", 0, "100"),
        (("offset", "10001"), "offset", 0, "cursor"),
        (("cursor", "x"), "cursor", 0, "start without one"),
    ] {
        let answer = library.get("/api/v1/search", &[parameters]).await;
        let problem = answer.json();
        assert_eq!((answer.status, answer.header("content-type")), (400, Some("application/problem+json")));
        assert_eq!(problem["type"], "urn:kaltura-mirror:problem:bad-query", "{parameters:?}");
        assert_eq!((&problem["parameter"], &problem["position"]), (&json!(parameter), &json!(position)), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
    }
    for parameters in [("unknown", "1"), ("limit", "x"), ("offset", "-1"), ("account", "nobody")] {
        assert_eq!(library.get("/api/v1/search", &[parameters]).await.status, 400, "{parameters:?}");
    }
}

#[tokio::test]
async fn types_schedules_and_broadcasts_are_conditions_and_counted() {
    let library = Library::with(&[titled("A film"), titled("On the air"), titled("For a while")]).await;
    let house = &library.house;
    let ids = house.kaltura.edit(|account| {
        let of = |name: &str| account.entries.values().find(|entry| entry.name == name).unwrap().id.clone();
        let (live, scheduled) = (of("On the air"), of("For a while"));
        let now = account.now();
        edits::update_entry(account, &live, |entry| entry.kind = EntryKind::LiveStream);
        edits::begin_broadcast(account, &live);
        edits::update_entry(account, &scheduled, |entry| {
            (entry.start_date, entry.end_date) = (Some(now - 86_400), Some(now + 86_400));
        });
        edits::set_sync_status(account, &live, Some("Sync Needed"));
        [live, scheduled]
    });
    house.sync(&ids.each_ref()).await;
    library.caught_up().await;
    for (filter, passing) in [
        ("type = live", "On the air"),
        ("type = 7 AND isLive = true", "On the air"),
        ("isLive = false", ""),
        ("isLive EXISTS", "On the air"),
        ("type = media", "A film For a while"),
        ("type NOT IN [live, playlist]", "A film For a while"),
        ("endDate > 2026-01-01", "For a while"),
        ("startDate NOT EXISTS", "A film On the air"),
    ] {
        assert_eq!(library.passing(filter).await.join(" "), passing, "{filter}");
    }
    let counted = library.search(&[("facets", "type,isLive")]).await;
    assert_eq!(counted["facetDistribution"], json!({ "type": { "1": 2, "7": 1 }, "isLive": { "true": 1 } }));
    for (filter, why) in [("type = film", "playlist"), ("isLive = yes", "true or false")] {
        let refused = library.get("/api/v1/search", &[("filter", filter)]).await;
        assert_eq!(refused.status, 400, "{filter}");
        assert!(refused.text().contains(why), "{filter}: {}", refused.text());
    }
}
