//! `session_config.toml` as a whole: every account, and what two of them must not share.

use url::Url;

use super::account::{Account, CallLimits, Profiles};
use super::mirror::read_filter;
use super::script::{Receive, Rules};
use super::section::Section;
use crate::domain::secret::{AdminSecret, SecretLabel};

/// More secrets than this would make every forged notification cost as many hashes.
const SECRETS_MAX: usize = 8;

/// Every account: the one of the outermost keys, if there is one, and each of `[[accounts]]`.
///
/// Profiles and the filter of what is mirrored stand in the script file for all accounts; an account may have its own.
pub(super) fn read_accounts(session: &Section<'_>, script: &Section<'_>, receive: Receive) -> Vec<Account> {
    let service_url = read_service_url(session, Url::parse(KALTURA).expect("a constant URL parses"));
    let (profiles, rules) = (Profiles::read(script), Rules::read(script));
    let tables = session.tables("accounts");
    let outermost = tables.is_empty()
        || ["partner_id", "admin_secret", "admin_secret_file", "app_token_id"].iter().any(|key| session.says(key));

    let filter = read_filter(&script.section("mirror"), "filter", rules.field());
    let mut accounts = Vec::new();
    if outermost {
        let account = Account::read(session, service_url.clone(), profiles.clone(), (&rules, receive));
        accounts.push((session, account.map(|account| Account { filter: filter.clone(), ..account })));
    }
    for table in &tables {
        let service_url = read_service_url(table, service_url.clone());
        let own = Profiles::read(table).or(&profiles);
        let limits = CallLimits::read(table);
        let own_filter = read_filter(table, "mirror_filter", rules.field());
        let filter = if table.says("mirror_filter") { own_filter } else { filter.clone() };
        let account = Account::read(table, service_url, own, (&rules, receive));
        accounts.push((table, account.map(|account| Account { limits, filter, ..account })));
    }
    require_sync_profile(script, &profiles, outermost || tables.iter().any(|table| !names_sync_profile(table)));
    let accounts: Vec<_> = accounts.into_iter().filter_map(|(section, account)| Some((section, account?))).collect();
    refuse_twins(&accounts);
    accounts.into_iter().map(|(_, account)| account).collect()
}

const KALTURA: &str = "https://www.kaltura.com/";

const SYNC_PROFILE_CURE: &str = "write the id of the metadata profile that has the sync field (KMC, Settings > \
     Custom Data), or its name as sync_metadata_profile";

fn require_sync_profile(script: &Section<'_>, shared: &Profiles, some_account_has_none: bool) {
    if some_account_has_none && shared.sync.is_none() && !names_sync_profile(script) {
        script.refuse("sync_metadata_profile_id", format!(" is missing: {SYNC_PROFILE_CURE}"));
    }
}

fn names_sync_profile(section: &Section<'_>) -> bool {
    section.says("sync_metadata_profile_id") || section.says("sync_metadata_profile")
}

fn read_service_url(section: &Section<'_>, default: Url) -> Url {
    let mut url = section.checked("service_url", default, |url: Url| {
        let path = url.path().trim_end_matches('/');
        let too_far = path.ends_with("/api_v3") || path.ends_with("/index.php");
        if too_far { Err("must end before /api_v3; leave out what follows the server".to_owned()) } else { Ok(url) }
    });
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    if url.scheme() == "http" && !is_local(&url) {
        section.note("service_url", "plain http: sessions travel readable by anyone on the way; use https");
    }
    url
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// What two accounts must not share, since it tells whose a notification is; and how many secrets may sign.
fn refuse_twins(accounts: &[(&Section<'_>, Account)]) {
    let mut secrets: Vec<(SecretLabel, AdminSecret)> = Vec::new();
    for (index, (section, account)) in accounts.iter().enumerate() {
        refuse_twin_account(section, account, &accounts[..index]);
        let signing = account.signing_secrets().unwrap_or_default();
        if signing.len() > SECRETS_MAX {
            let message = format!(
                ": {} secrets may sign, admin_secret included, but at most {SECRETS_MAX} are allowed; remove some",
                signing.len()
            );
            section.refuse("notification_secrets", message);
        }
        for signing in signing {
            let key = if signing.0.0.ends_with("/admin_secret") { "admin_secret" } else { "notification_secrets" };
            if let Some(message) = twin_secret(&signing, &secrets) {
                section.refuse(key, message);
            }
            secrets.push(signing);
        }
    }
}

fn refuse_twin_account(section: &Section<'_>, account: &Account, earlier: &[(&Section<'_>, Account)]) {
    let earlier = || earlier.iter().map(|(_, account)| account);
    if earlier().any(|other| other.partner_id == account.partner_id) {
        let message = format!(" = {} is given twice; remove one of the two accounts", account.partner_id);
        section.refuse("partner_id", message);
    } else if earlier().any(|other| other.label == account.label) {
        section.refuse("label", format!(" = {:?} is another account's too; take another name", account.label));
    }
}

fn twin_secret((label, secret): &(SecretLabel, AdminSecret), earlier: &[(SecretLabel, AdminSecret)]) -> Option<String> {
    let of_secret = earlier.iter().find(|(_, other)| other.expose() == secret.expose());
    let of_label = earlier.iter().find(|(other, _)| other == label);
    match (of_secret, of_label) {
        (Some((other, _)), _) if other != label => {
            Some(format!(": {label} and {other} are the same secret; remove one, or write the right one"))
        }
        (_, Some(_)) => Some(format!(": two are labelled {label}; take another label for one")),
        _ => None,
    }
}
