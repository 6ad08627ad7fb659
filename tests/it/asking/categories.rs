//! The tree of categories: what is in it for visitors, and how it follows renames and moves without a look at any entry.

use kaltura_mirror::domain::ids::{CategoryId, EntryId};
use kaltura_mirror::simulator::categories::SimCategory;
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::edits::policy;
use serde_json::{Value, json};

use super::{Library, titled};

const PUBLIC: CategoryId = CategoryId(7_001);
const NEWS: CategoryId = CategoryId(7_002);
const LOCAL: CategoryId = CategoryId(7_003);
const STAFF: CategoryId = CategoryId(7_004);

/// A category of this name, and the one it is in.
fn category(id: CategoryId, name: &str, above: Option<&SimCategory>) -> SimCategory {
    let joined = |above: Option<&str>, own: &str| above.map_or(own.to_owned(), |above| format!("{above}>{own}"));
    SimCategory {
        id,
        parent_id: above.map_or(0, |above| above.id.0),
        depth: above.map_or(0, |above| above.depth + 1),
        name: name.to_owned(),
        full_name: joined(above.map(|above| above.full_name.as_str()), name),
        full_ids: joined(above.map(|above| above.full_ids.as_str()), &id.to_string()),
        created_at: 1_700_000_000,
        updated_at: 1_700_000_000,
        privacy_context: String::new(),
        owner: String::new(),
        status: 2,
    }
}

impl Library {
    /// Public>News>Local and Staff, which is for some only; the entries of each in it.
    async fn with_categories() -> (Self, [EntryId; 3]) {
        let library = Self { house: crate::house::House::open().await };
        library.house.kaltura.edit(|account| {
            let public = category(PUBLIC, "Public", None);
            let news = category(NEWS, "News", Some(&public));
            let local = category(LOCAL, "Local", Some(&news));
            let staff = SimCategory { privacy_context: "intranet".to_owned(), ..category(STAFF, "Staff", None) };
            for category in [public, news, local, staff] {
                policy::add_category(account, category);
            }
        });
        library.learn().await;
        let ids = library.add(&["In the news", "Around the corner", "For colleagues"].map(titled)).await;
        let ids: [EntryId; 3] = ids.try_into().unwrap();
        library.house.kaltura.edit(|account| {
            for (id, category) in ids.iter().zip([NEWS, LOCAL, STAFF]) {
                edits::add_to_category(account, id, category, "admin@example.test");
            }
        });
        library.house.sync(&ids.iter().collect::<Vec<_>>()).await;
        library.caught_up().await;
        (library, ids)
    }

    /// Kaltura's categories are read again.
    async fn learn(&self) {
        self.house.learn_facts().await;
        self.house.run_until_idle().await;
        self.caught_up().await;
    }

    async fn categories(&self) -> Value {
        let answer = self.get("/api/v1/categories", &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }
}

fn leaf(name: &str, full_name: &str, entries: u64) -> Value {
    json!({ "name": name, "fullName": full_name, "entries": entries, "children": [] })
}

#[tokio::test]
async fn the_tree_has_what_visitors_find_entries_in_and_nothing_of_what_is_withheld() {
    let (library, _) = Library::with_categories().await;
    let tree = library.categories().await;
    assert_eq!(tree["countIsExact"], json!(true));
    assert_eq!(
        tree["categories"],
        json!([{
            "name": "Public", "fullName": "Public", "entries": 2, "children": [{
                "name": "News", "fullName": "Public>News", "entries": 2,
                "children": [leaf("Local", "Public>News>Local", 1)],
            }],
        }])
    );
    assert!(!tree.to_string().contains("Staff"));
}

#[tokio::test]
async fn a_renamed_or_moved_category_takes_its_entries_along_without_a_look_at_them() {
    let (library, [_, around, _]) = Library::with_categories().await;
    let looks = library.house.kaltura.count("baseEntry.getByIds");
    library.house.kaltura.edit(|account| {
        assert!(policy::rename_category(account, NEWS, "Reports"));
        let archive = category(CategoryId(7_005), "Archive", None);
        policy::add_category(account, archive);
        assert!(policy::move_category(account, LOCAL, CategoryId(7_005)));
    });
    library.learn().await;
    assert_eq!(library.house.public_entry(&around).await.unwrap()["categories"], json!(["Archive>Local"]));
    let tree = library.categories().await["categories"].clone();
    let [archive, public] = tree.as_array().unwrap().as_slice() else { panic!("{tree}") };
    assert_eq!(archive["children"], json!([leaf("Local", "Archive>Local", 1)]));
    assert_eq!(public["children"], json!([leaf("Reports", "Public>Reports", 1)]));
    assert_eq!(library.passing("categories = \"Archive\"").await, ["Around the corner"]);
    assert_eq!(library.house.kaltura.count("baseEntry.getByIds"), looks);
}

#[tokio::test]
async fn an_entry_that_leaves_a_category_leaves_the_tree_with_the_next_look() {
    let (library, [news, around, _]) = Library::with_categories().await;
    library.house.kaltura.edit(|account| assert!(edits::remove_from_category(account, &around, LOCAL)));
    library.house.sync(&[&around]).await;
    library.caught_up().await;
    let tree = library.categories().await;
    assert_eq!(tree["categories"][0]["children"], json!([leaf("News", "Public>News", 1)]));
    assert!(library.house.public_entry(&news).await.is_some());
}
