//! What the configuration says, in the words of the rooms that do it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use super::StartError;
use crate::catalogue::{self, Catalogue, Timetable};
use crate::config::{self, CaptionMode, Config, Feed, Receive, SessionKind, ThumbnailMode};
use crate::domain::clock::{Clock, Jitter};
use crate::domain::ids::AccountId;
use crate::domain::secret::AdminSecret;
use crate::intake::factors::Factors;
use crate::kaltura::captions::{CaptionFiles, CaptionSettings};
use crate::kaltura::client::{Client, ClientSettings};
use crate::kaltura::error::Error as ApiError;
use crate::kaltura::ks::KsVersion;
use crate::kaltura::lanes::Lane;
use crate::kaltura::limiter::Pace;
use crate::kaltura::service_url::ServiceUrl;
use crate::kaltura::session::{SessionSettings, SessionWay};
use crate::kaltura::thumbnails::{ThumbnailSettings, Thumbnails};
use crate::kaltura::transport::Bounds;
use crate::notification::secrets::{AccountRef, NotificationSecret, SecretSet};
use crate::store::{self, AccountSpec, InboxLimits, Limits, RemovalLimit, Resync, Store};
use crate::sync::account::Account;
use crate::sync::retry::Retries;
use crate::sync::{Retention, Settings, Sync};
use crate::web::FeedDoor;
use crate::{notification, search, web};

pub(super) async fn open_store(config: &Config, clock: &Clock) -> Result<Store, store::Error> {
    let spec = |account: &config::Account| AccountSpec {
        partner_id: account.partner_id,
        service_url: account.service_url.to_string(),
        label: account.label.clone(),
    };
    let accounts: Vec<_> = config.accounts.iter().map(spec).collect();
    Store::open_with(&config.data_dir, &accounts, clock.clone(), limits(config)).await
}

fn limits(config: &Config) -> Limits {
    let inbox = &config.inbox;
    Limits {
        resync: Resync { interval: config.sync.resync_interval, ..Resync::default() },
        inbox: InboxLimits {
            bodies_kept_for: inbox.verified_for,
            bodies_max_bytes: inbox.verified_max_bytes,
            requests_kept_for: inbox.requests_for,
            rejected_kept_for: inbox.rejected_for,
            rejected_max_bytes: inbox.rejected_max_bytes,
            rejected_per_minute: inbox.rejected_per_minute,
            rejected_body_max_bytes: bytes(inbox.rejected_body_max_bytes),
        },
        mirror_max_bytes: config.retention.mirror_max_bytes,
    }
}

/// Every secret that may sign, of every account, as the files stand now.
pub(super) fn secret_set(config: &Config, store: &Store) -> Result<SecretSet, StartError> {
    let (mut secrets, mut minimums) = (Vec::new(), Vec::new());
    for (account, id) in accounts_of(config, store) {
        minimums.push((id, account.minimum_hash_algorithm));
        let signing =
            account.signing_secrets().map_err(|cause| StartError::Secret { account: account.label.clone(), cause })?;
        let account = AccountRef { account: id, partner: account.partner_id };
        secrets.extend(signing.into_iter().map(|(label, secret)| NotificationSecret { account, label, secret }));
    }
    let set = SecretSet::new(secrets)?;
    Ok(minimums.into_iter().fold(set, |set, (account, minimum)| set.with_minimum(account, minimum)))
}

/// What notifications must bring beside a signature, as the files stand now.
pub(super) fn factors(config: &Config) -> Result<Factors, StartError> {
    let [segment, password, value] = config.factors.secrets().map_err(StartError::Factor)?;
    let config::Factors { basic, header, peers, .. } = &config.factors;
    Ok(Factors {
        segment,
        basic: basic.as_ref().map(|basic| basic.user.clone()).zip(password),
        header: header.as_ref().map(|header| header.name.clone()).zip(value),
        peers: peers.clone(),
    })
}

pub(super) fn accounts(
    config: &Config,
    store: &Store,
    clock: &Clock,
    jitter: &Jitter,
    doubt: &Arc<Notify>,
) -> Result<Vec<Account>, StartError> {
    let made = accounts_of(config, store).map(|(account, id)| {
        let service: Result<ServiceUrl, _> = account.service_url.as_str().parse();
        let service = service.map_err(|cause| ApiError::Setup(cause.to_string()));
        let parts = service.and_then(|service| {
            let client = client(config, account, service.clone(), clock, jitter, doubt)?;
            let thumbnails = thumbnail_settings(config, service)?;
            let captions = CaptionFiles::new(caption_settings(config, &thumbnails));
            Ok((client, Thumbnails::new(thumbnails), captions))
        });
        let parts = parts.map_err(|cause| StartError::Kaltura { account: account.label.clone(), cause })?;
        Ok(Account::new(
            id,
            account.partner_id,
            account.label.clone(),
            parts,
            account.rules.clone(),
            config.publish.fields.clone(),
        )
        .mirroring(account.filter.clone()))
    });
    made.collect()
}

fn accounts_of<'c>(config: &'c Config, store: &'c Store) -> impl Iterator<Item = (&'c config::Account, AccountId)> {
    config.accounts.iter().filter_map(|account| Some((account, store.find_account(account.partner_id)?)))
}

fn client(
    config: &Config,
    account: &config::Account,
    service: ServiceUrl,
    clock: &Clock,
    jitter: &Jitter,
    doubt: &Arc<Notify>,
) -> Result<Client, ApiError> {
    let way = match &account.app_token {
        Some(token) => SessionWay::AppToken { id: token.id.clone() },
        None if account.session == SessionKind::Start => SessionWay::Start,
        None => SessionWay::Local,
    };
    let secret = account.session_secret().cloned();
    let version = if account.session == SessionKind::V1 { KsVersion::V1 } else { KsVersion::V2 };
    let settings = ClientSettings {
        service,
        session: SessionSettings {
            way,
            version,
            lifetime: account.session_lifetime,
            ..SessionSettings::of(account.partner_id)
        },
        bounds: Bounds { timeout: config.sync.call_timeout, ..Bounds::default() },
        pace: pace(config, account),
    };
    // It is read once for the first session, and again only when Kaltura refuses one: then the notifications' copy is in
    // doubt as well.
    let (read_before, doubt) = (AtomicBool::new(false), Arc::clone(doubt));
    let source = move || -> Result<AdminSecret, String> {
        if read_before.swap(true, Ordering::Relaxed) {
            doubt.notify_one();
        }
        let secret = secret.as_ref().ok_or("admin_secret and app_token are both missing")?;
        secret.read().map_err(|cause| cause.to_string())
    };
    Client::new(settings, source, clock.clone(), jitter.clone())
}

fn pace(config: &Config, account: &config::Account) -> Pace {
    let bounds = account.limits.over(&config.sync);
    Pace {
        concurrent_max: bounds.at_once,
        calls_per_second_max: bounds.per_second_max.map(f64::from),
        calls_per_second_min: f64::from(bounds.per_second_min),
        catalogue_calls_per_second_max: Some(f64::from(config.reconcile.max_calls_per_second)),
        ..Pace::default()
    }
}

fn thumbnail_settings(config: &Config, service: ServiceUrl) -> Result<ThumbnailSettings, ApiError> {
    let base = match &config.thumbnails.base_url {
        Some(base) => {
            base.as_str().parse().map_err(|cause| ApiError::Setup(format!("thumbnails.base_url: {cause}")))?
        }
        None => service.clone(),
    };
    Ok(ThumbnailSettings {
        base,
        allowed_hosts: config.thumbnails.allowed_hosts.clone(),
        width: config.thumbnails.width,
        bytes_max: bytes(config.thumbnails.max_bytes),
        ..ThumbnailSettings::of(service)
    })
}

/// Files that are stored elsewhere are where pictures are.
fn caption_settings(config: &Config, thumbnails: &ThumbnailSettings) -> CaptionSettings {
    CaptionSettings {
        base: thumbnails.base.clone(),
        allowed_hosts: thumbnails.allowed_hosts.clone(),
        bytes_max: bytes(config.captions.max_bytes),
        ..CaptionSettings::of(thumbnails.service.clone())
    }
}

pub(super) fn sync_settings(config: &Config, jitter: Jitter) -> Settings {
    let sync = &config.sync;
    Settings {
        workers: sync.workers,
        batch: sync.batch,
        lease: sync.lease,
        gather: sync.gather,
        confirm_removal_after: sync.confirm_removal_after,
        removal_limit: RemovalLimit { percent: u8::try_from(sync.max_removals_percent).unwrap_or(100) },
        category_min_interval: sync.category_min_interval,
        policy_refresh: sync.policy_refresh,
        retries: Retries {
            backoff: sync.backoff,
            attempts_max: sync.attempts_max,
            degraded_every: sync.degraded_every,
            jitter,
        },
        thumbnail_workers: if config.thumbnails.mode == ThumbnailMode::None { 0 } else { config.thumbnails.workers },
        caption_workers: if config.captions.mode == CaptionMode::None { 0 } else { config.captions.workers },
        retention: Retention {
            events_for: config.retention.events_for,
            changes_for: config.retention.changes_for,
            changes_max: config.retention.changes_max,
            purge_removed_after: config.retention.purge_removed_after,
            deliveries_for: config.retention.deliveries_for,
        },
    }
}

/// The readers of the accounts' catalogues. Nothing runs yet.
pub(super) fn catalogue(config: &Config, store: &Store, clock: &Clock, sync: &Sync) -> Catalogue {
    let reconcile = &config.reconcile;
    let midnight = jiff::civil::Time::midnight();
    let settings = catalogue::Settings {
        timetable: Timetable {
            enabled: reconcile.enabled,
            every: reconcile.every,
            adaptive: config.receive == Receive::Push,
            full_at: reconcile.full_at.duration_since(midnight).unsigned_abs(),
            sweep_min_interval: config.sync.sweep_min_interval,
        },
        overlap: reconcile.overlap,
    };
    let accounts = sync.accounts().map(catalogued);
    Catalogue::new(store.clone(), clock.clone(), settings, accounts)
}

/// How entries are indexed and ranked.
pub fn search_settings(config: &Config) -> search::Settings {
    let config::SearchWeights { name, tags, metadata, description, captions } = config.search.weights;
    let [name, tags, metadata, description, captions] =
        [name, tags, metadata, description, captions].map(|weight| u16::try_from(weight).map_or(f32::MAX, f32::from));
    search::Settings {
        enabled: config.search.enabled,
        // Only codes that are languages have been let through.
        languages: config.search.languages.iter().filter_map(|code| code.parse().ok()).collect(),
        weights: search::Weights { name, tags, metadata, description, captions },
    }
}

/// An account as its catalogue's reader knows it.
fn catalogued(account: &Arc<Account>) -> catalogue::Account {
    let client = |lane| Arc::new(account.client.in_lane(lane));
    let clients = (client(Lane::Repair), client(Lane::Backfill));
    let facts = {
        let account = Arc::clone(account);
        Box::new(move || Arc::clone(&account.facts().filter))
    };
    catalogue::Account::new(account.id, account.label.clone(), clients, Arc::clone(&account.sweep_asked), facts)
}

pub(super) fn notification_limits(config: &Config) -> notification::Limits {
    notification::Limits { body_max_bytes: bytes(config.server.body_max_bytes), ..notification::Limits::default() }
}

pub(super) fn web_limits(config: &Config) -> web::Limits {
    web::Limits {
        trusted_proxies: config.server.trusted_proxies.clone(),
        connections_max: config.server.connections_max,
        request_timeout: config.server.request_timeout,
        reader_patience: config.server.reader_patience,
        streams_max: config.server.streams_max,
        stream_longest: config.server.stream_longest,
        stream_heartbeat: config.server.stream_heartbeat,
    }
}

/// The door to the change feed, with its key as the file stands now.
pub(super) fn feed_door(config: &Config) -> Result<FeedDoor, StartError> {
    match config.server.feed {
        Feed::Public => Ok(FeedDoor::Public),
        Feed::Off => Ok(FeedDoor::Off),
        Feed::Key => Ok(FeedDoor::with_key(feed_key(config)?)),
    }
}

/// The key of the change feed, as the file stands now.
pub(super) fn feed_key(config: &Config) -> Result<AdminSecret, StartError> {
    let key = config.server.feed_key.as_ref().expect("a feed that asks for a key was read with one");
    key.read().map_err(StartError::FeedKey)
}

fn bytes(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}
