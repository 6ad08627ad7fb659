//! `GET /metrics`: how everything fares, in Prometheus' text format.

use actix_web::{HttpResponse, web};

use super::Site;
use super::admin::Watcher;
use super::problem::Problem;
use crate::search::Search;
use crate::store::{DirtyCounts, Drift};

const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Numbers for whoever watches. On this machine without the token.
pub(super) async fn metrics(_: Watcher, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let mut text = Exposition::default();
    received(&mut text, &site);
    secrets(&mut text, &site).await?;
    dirty(&mut text, &site.store.dirty_counts().await?);
    accounts(&mut text, &site).await?;
    catalogue(&mut text, &site).await?;
    search(&mut text, &site.search);
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).body(text.text))
}

fn received(text: &mut Exposition, site: &Site) {
    let received = site.intake.received();
    text.family(
        "kaltura_mirror_requests_verified_total",
        "counter",
        "Genuine requests since the start, by push system.",
    );
    for (system, count) in &received.verified {
        text.sample(&[("system", system)], *count);
    }
    text.family(
        "kaltura_mirror_notifications_total",
        "counter",
        "Notifications in genuine requests since the start, repetitions too, by kind.",
    );
    for (kind, count) in &received.kinds {
        text.sample(&[("kind", kind)], *count);
    }
    text.family("kaltura_mirror_requests_rejected_total", "counter", "Refused requests since the start, by reason.");
    for (reason, count) in &received.rejected {
        text.sample(&[("reason", reason)], *count);
    }
    text.family("kaltura_mirror_requests_lost_total", "counter", "Genuine requests that could not be stored.");
    text.sample(&[], received.lost);
    text.family(
        "kaltura_mirror_forwards_returned_total",
        "counter",
        "Genuine requests that came back after they had been passed on, and were not passed on again.",
    );
    text.sample(&[], site.store.returned_forwards());
    let recorded = site.store.rejection_counts();
    text.family("kaltura_mirror_rejections_total", "counter", "Refused requests by what became of their record.");
    for (outcome, count) in
        [("queued", recorded.queued), ("rate_limited", recorded.rate_limited), ("dropped", recorded.dropped)]
    {
        text.sample(&[("record", outcome)], count);
    }
}

async fn secrets(text: &mut Exposition, site: &Site) -> Result<(), Problem> {
    text.family(
        "kaltura_mirror_secret_last_used_timestamp_seconds",
        "gauge",
        "When each secret last signed a notification; 0 when it never did.",
    );
    for seen in site.intake.secrets_seen().await? {
        let (account, secret) = seen.label.0.split_once('/').unwrap_or((&seen.label.0, ""));
        let at = seen.last_seen.map_or(0, |at| at.as_secs().max(0).unsigned_abs());
        text.sample(&[("account", account), ("secret", secret)], at);
    }
    Ok(())
}

fn dirty(text: &mut Exposition, counts: &DirtyCounts) {
    text.family("kaltura_mirror_dirty_entries", "gauge", "Entries to be looked at, by state.");
    for (state, count) in [("waiting", counts.waiting), ("leased", counts.leased), ("dead", counts.dead)] {
        text.sample(&[("state", state)], count);
    }
    text.family("kaltura_mirror_dirty_entries_due", "gauge", "Waiting entries that may be looked at now.");
    text.sample(&[], counts.due);
}

async fn accounts(text: &mut Exposition, site: &Site) -> Result<(), Problem> {
    text.family("kaltura_mirror_account_degraded", "gauge", "1 while something is wrong that only a person can mend.");
    let states = site.store.account_states().await?;
    for account in &states {
        text.sample(&[("account", &account.label)], account.degraded.is_some().into());
    }
    text.family(
        "kaltura_mirror_account_stale_since_timestamp_seconds",
        "gauge",
        "Since when the mirror may lack what has changed at Kaltura, which cannot be asked; 0 while it can.",
    );
    for account in &states {
        let since = account.stale_since.map_or(0, |since| since.as_secs().max(0).unsigned_abs());
        text.sample(&[("account", &account.label)], since);
    }
    text.family("kaltura_mirror_removal_brake", "gauge", "1 while removal by absence is stopped.");
    for account in site.store.accounts() {
        let braked = site.store.brake(account.id).await?.is_some();
        text.sample(&[("account", &account.label)], braked.into());
    }
    Ok(())
}

async fn catalogue(text: &mut Exposition, site: &Site) -> Result<(), Problem> {
    let catalogues = site.catalogue.status().await?;
    text.family(
        "kaltura_mirror_catching_up",
        "gauge",
        "1 while what was changed during a downtime is found and looked at.",
    );
    for catalogue in &catalogues {
        text.sample(&[("account", &catalogue.account)], catalogue.catching_up.into());
    }
    text.family("kaltura_mirror_stale", "gauge", "1 while changes of the account have not been listed for too long.");
    for catalogue in &catalogues {
        text.sample(&[("account", &catalogue.account)], catalogue.stale_since.is_some().into());
    }
    text.family(
        "kaltura_mirror_drift_total",
        "counter",
        "Entries since the start that a comparison found to differ from the mirror, by cause.",
    );
    for catalogue in &catalogues {
        for drift in Drift::ALL {
            let found = catalogue.drift.of(drift);
            text.sample(&[("account", &catalogue.account), ("cause", drift.as_str())], found);
        }
    }
    Ok(())
}

fn search(text: &mut Exposition, search: &Search) {
    let status = search.status();
    let building = status.building.unwrap_or_default();
    for (name, help, value) in [
        ("kaltura_mirror_search_up", "1 while searches are answered.", search.view().is_ok().into()),
        (
            "kaltura_mirror_search_trouble",
            "1 while the index does not follow the mirror.",
            status.trouble.is_some().into(),
        ),
        ("kaltura_mirror_search_entries", "Entries in the index that serves.", status.entries),
        ("kaltura_mirror_search_behind_changes", "Changes that the index has not taken yet.", status.behind),
        ("kaltura_mirror_search_building", "1 while a new index is made.", status.building.is_some().into()),
        ("kaltura_mirror_search_building_entries", "Entries a new index has taken so far.", building.done),
    ] {
        text.family(name, "gauge", help);
        text.sample(&[], value);
    }
    text.family("kaltura_mirror_search_built_total", "counter", "Indexes made since the start.");
    text.sample(&[], status.built);
}

/// The text, family by family.
#[derive(Default)]
struct Exposition {
    text: String,
    family: &'static str,
}

impl Exposition {
    /// Begins a family; the samples that follow belong to it.
    fn family(&mut self, name: &'static str, kind: &str, help: &str) {
        self.family = name;
        self.text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    /// One sample of the family begun last.
    fn sample(&mut self, labels: &[(&str, &str)], value: u64) {
        let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) };
        self.text.push_str(&format!("{}{labels} {value}\n", self.family));
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_the_name_of_its_family_and_labels_that_cannot_break_out() {
        let mut text = Exposition::default();
        text.family("a_total", "counter", "All of them.");
        text.sample(&[], 1);
        text.sample(&[("x", "a\"b\\c\nd"), ("y", "")], 2);
        text.family("b", "gauge", "Others.");
        text.sample(&[], 3);
        assert_eq!(
            text.text,
            "# HELP a_total All of them.\n# TYPE a_total counter\na_total 1\na_total{x=\"a\\\"b\\\\c\\nd\",y=\"\"} 2\n\
             # HELP b Others.\n# TYPE b gauge\nb 3\n"
        );
    }
}
