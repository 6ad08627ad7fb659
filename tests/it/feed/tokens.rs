//! What a reader can go on with, and what it cannot.

use std::path::Path;
use std::time::Duration;

use kaltura_mirror::domain::clock::Timestamp;
use kaltura_mirror::simulator::account::SYNC_PROFILE;
use kaltura_mirror::store::{FeedAnswer, FeedStart, FeedToken, Gone, PublicShape, PublicShapes};

use super::reader::{Stream, next, page, told};
use super::{renamed, shown};
use crate::house::{House, http};
use crate::public_api::problems::problem;
use crate::store_mirror::house as store_house;

#[tokio::test]
async fn what_is_no_token_is_refused_by_naming_it() {
    let house = House::open().await;
    let token = next(&page(house.daemon.public, "").await);
    let cut = &token[..token.len() - 1];
    let cases = [
        ("since=", "begin anew with initial=true"),
        ("since=x", "begin anew with initial=true"),
        ("since=%00", "begin anew with initial=true"),
        ("since=%ff%fe", "begin anew with initial=true"),
        ("since=../../etc/passwd", "begin anew with initial=true"),
        ("since=0", "begin anew with initial=true"),
        (&format!("since={cut}"), "begin anew with initial=true"),
        (&format!("since={token}A"), "begin anew with initial=true"),
        (&format!("since={}", "A".repeat(4_000)), "begin anew with initial=true"),
        (&format!("since={token}&initial=true"), "leave one of them out"),
        (&format!("since={token}&since={token}"), "since"),
        ("initial=yes", "query"),
        ("initial=", "query"),
        ("sinse=x", "sinse"),
        ("cursor=1-1", "cursor"),
        ("account=nobody", "it has 102"),
    ];
    for (query, names) in cases {
        for path in ["/api/v1/changes", "/api/v1/changes/stream"] {
            let detail = problem(&http::get(house.daemon.public, &format!("{path}?{query}")).await, 400, "bad-request");
            assert!(detail.contains(names), "{path}?{query}: {detail}");
            assert!(detail.len() < 300, "{detail}");
        }
    }
    for (query, names) in [("limit=0", "limit=0"), ("limit=101", "between 1 and 100"), ("limit=-1", "query")] {
        let detail =
            problem(&http::get(house.daemon.public, &format!("/api/v1/changes?{query}")).await, 400, "bad-request");
        assert!(detail.contains(names), "{query}: {detail}");
    }
    let limited = http::get(house.daemon.public, "/api/v1/changes/stream?limit=5").await;
    assert!(problem(&limited, 400, "bad-request").contains("limit"));
    let last = [("Last-Event-ID", "nonsense")];
    let resumed = http::request(house.daemon.public, "GET", "/api/v1/changes/stream", &last, b"").await;
    assert!(problem(&resumed, 400, "bad-request").contains("nonsense"));
}

#[tokio::test]
async fn a_token_outlives_the_daemon() {
    let house = House::open().await;
    let token = next(&page(house.daemon.public, "").await);
    let id = shown(&house, "Before the restart").await;
    let house = house.restart().await;
    assert_eq!(told(&page(house.daemon.public, &format!("since={token}")).await), [format!("put {id} synced")]);
}

#[tokio::test]
async fn a_token_older_than_what_is_kept_is_gone_and_a_new_pass_is_whole() {
    let house = House::open().await;
    let (id, other) = (shown(&house, "One").await, shown(&house, "Other").await);
    let old = next(&page(house.daemon.public, "").await);
    let in_pass = next(&page(house.daemon.public, "initial=true&limit=1").await);
    renamed(&house, &id, "Twice").await;
    let younger = next(&page(house.daemon.public, "").await);
    renamed(&house, &id, "Thrice").await;
    renamed(&house, &id, "Four times").await;
    // Two are kept: the one after `younger`, and the latest.
    house.daemon.store.prune_changes(Timestamp::from_millis(0), 2).await.unwrap();

    for token in [&old, &in_pass] {
        for path in ["/api/v1/changes", "/api/v1/changes/stream"] {
            let answer = http::get(house.daemon.public, &format!("{path}?since={token}")).await;
            let detail = problem(&answer, 410, "gone");
            assert!(detail.contains("forgotten") && detail.contains("initial=true"), "{detail}");
        }
    }
    let kept = page(house.daemon.public, &format!("since={younger}")).await;
    assert_eq!(told(&kept), [format!("put {id} synced"), format!("put {id} synced")], "nothing of it is missing");
    let anew = page(house.daemon.public, "initial=true").await;
    assert_eq!(told(&anew), [format!("put {id} backfill"), format!("put {other} backfill")]);
}

#[tokio::test]
async fn changes_of_the_configured_age_are_forgotten_and_their_tokens_gone() {
    let house = House::open_with("retention.changes_for = \"1d\"").await;
    let token = next(&page(house.daemon.public, "").await);
    shown(&house, "Old").await;
    house.pass(Duration::from_secs(2 * 86_400)).await;
    shown(&house, "New").await;
    // The first thing a daemon does is to forget.
    let house = house.restart().await;
    let forgotten = async {
        loop {
            let answer = http::get(house.daemon.public, &format!("/api/v1/changes?since={token}")).await;
            if answer.status != 200 {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    };
    let answer = tokio::time::timeout(Duration::from_secs(60), forgotten).await.expect("old changes are forgotten");
    problem(&answer, 410, "gone");
}

#[tokio::test]
async fn a_token_of_another_data_directory_is_gone() {
    let (house, other) = (House::open().await, House::open().await);
    shown(&house, "Here").await;
    shown(&other, "There").await;
    let token = next(&page(other.daemon.public, "").await);
    let answer = http::get(house.daemon.public, &format!("/api/v1/changes?since={token}")).await;
    assert!(problem(&answer, 410, "gone").contains("another data directory"));
}

#[tokio::test]
async fn readers_begin_anew_when_other_fields_are_told() {
    let house = House::open().await;
    let id = shown(&house, "Kept").await;
    let token = next(&page(house.daemon.public, "").await);
    let mut stream = Stream::open(house.daemon.public, "", &[]).await;
    house.learn_facts().await;
    page(house.daemon.public, &format!("since={token}")).await;

    house.kaltura.edit(|account| {
        let profile = account.metadata_profiles.get_mut(&SYNC_PROFILE).unwrap();
        let searchable = "<searchable>true</searchable>";
        assert!(profile.xsd.contains(searchable));
        profile.xsd = profile.xsd.replacen(searchable, "<searchable>false</searchable>", 1);
        profile.version += 1;
    });
    house.learn_facts().await;
    let answer = http::get(house.daemon.public, &format!("/api/v1/changes?since={token}")).await;
    assert!(problem(&answer, 410, "gone").contains("told otherwise"));
    house.daemon.store.hide(house.account(), &id).await.unwrap();
    while let Some(event) = stream.next().await {
        assert_eq!(event.item(), None, "a stream does not go on in another shape");
    }
    page(house.daemon.public, "initial=true").await;
}

/// Each with a store of its own at the same directory: the one before has been closed.
async fn open(directory: &Path, house: &store_house::House) -> kaltura_mirror::store::Store {
    store_house::open(directory, &house.clock).await
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap().path();
        std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
}

#[tokio::test]
async fn a_token_of_a_time_that_a_backup_undid_is_gone() {
    let house = store_house::House::open().await;
    house.look_at(store_house::synced("0_b7eejrrj")).await;
    house.store.close().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let backup = elsewhere.path().join("backup");
    copy(house.directory.path(), &backup);

    let account = house.account();
    let shapes: PublicShapes = [(account, PublicShape { label: "main".into(), ..PublicShape::default() })].into();
    let now = async |store: &kaltura_mirror::store::Store| -> FeedToken {
        match store.feed_page(&FeedStart::Now(None), 1, &shapes).await.unwrap() {
            FeedAnswer::Page(page) => page.next,
            gone => panic!("{gone:?}"),
        }
    };
    let flip = async |store: &kaltura_mirror::store::Store, times: usize| {
        for _ in 0..times {
            store.hide(account, &store_house::entry("0_b7eejrrj")).await.unwrap();
            store.unhide(account, &store_house::entry("0_b7eejrrj")).await.unwrap();
        }
    };
    let lived_on = elsewhere.path().join("lived on");
    copy(&backup, &lived_on);
    let store = open(&lived_on, &house).await;
    let before_backup = now(&store).await;
    flip(&store, 2).await;
    let undone = now(&store).await;
    store.close().await;

    house.pass(3_600);
    let store = open(&backup, &house).await;
    let answer = async |token| store.feed_page(&FeedStart::After(token), 10, &shapes).await.unwrap();
    assert_eq!(answer(undone).await, FeedAnswer::Gone(Gone::Elsewhere), "a number that is not given yet");
    flip(&store, 2).await;
    assert_eq!(answer(undone).await, FeedAnswer::Gone(Gone::Elsewhere), "a number given to another change");
    flip(&store, 2).await;
    assert_eq!(answer(undone).await, FeedAnswer::Gone(Gone::Elsewhere));
    let FeedAnswer::Page(page) = answer(before_backup).await else { panic!("what was before is common to both") };
    assert_eq!(page.items.len(), 8);
}

#[tokio::test]
async fn another_label_is_another_way_to_tell() {
    let house = store_house::House::open().await;
    house.look_at(store_house::synced("0_b7eejrrj")).await;
    let shapes = |shape: PublicShape| -> PublicShapes { [(house.account(), shape)].into() };
    let told = PublicShape { label: "main".into(), searchable: ["Topic".to_owned()].into(), ..PublicShape::default() };
    let FeedAnswer::Page(page) = house.store.feed_page(&FeedStart::Now(None), 1, &shapes(told.clone())).await.unwrap()
    else {
        panic!("a page");
    };
    let mut others = vec![told.clone(); 4];
    others[0].label = "other".into();
    others[1].searchable.insert("Language".to_owned());
    others[2].content_profile = Some(store_house::CONTENT_PROFILE);
    others[3].publish.fields = Some(std::sync::Arc::new(["name".to_owned()].into()));
    let answer = async |shapes| house.store.feed_page(&FeedStart::After(page.next), 1, &shapes).await.unwrap();
    for other in others {
        assert_eq!(answer(shapes(other.clone())).await, FeedAnswer::Gone(Gone::ToldOtherwise), "{other:?}");
    }
    assert_eq!(answer(PublicShapes::new()).await, FeedAnswer::Gone(Gone::ToldOtherwise), "an account that is gone");
    let same = PublicShape { sync_field: "NotTold".into(), ..told };
    assert!(matches!(answer(shapes(same)).await, FeedAnswer::Page(_)), "what is not told makes no difference");
}
