//! Each account has its own filter of what is mirrored, or the one for all.

use kaltura_mirror::simulator::edits;

use super::{Several, videos};
use crate::house::http;

#[tokio::test]
async fn an_account_has_its_own_filter_or_the_one_for_all() {
    let own = |label: &str| match label {
        "own" => "mirror_filter = \"tags = shop\"".to_owned(),
        "everything" => "mirror_filter = \"id EXISTS\"".to_owned(),
        _ => String::new(),
    };
    let script = "mirror.filter = \"tags = website\"\n";
    let several = Several::open_with(&["all", "own", "everything"], own, script).await;
    let mut seen = Vec::new();
    for (kaltura, label) in several.kalturas.iter().zip(["all", "own", "everything"]) {
        let ids = videos(kaltura, 3, label);
        kaltura.edit(|account| {
            for (id, tags) in ids.iter().zip(["website", "shop", ""]) {
                edits::update_entry(account, id, |entry| tags.clone_into(&mut entry.tags));
            }
        });
        several.hint(label, &ids).await;
        several.daemon.sync.idle().await.unwrap();
        for id in &ids {
            let path = format!("/api/v1/entries/{id}?account={label}");
            seen.push(http::get(several.daemon.public, &path).await.status == 200);
        }
    }
    assert_eq!(seen, [true, false, false, false, true, false, true, true, true]);
}
