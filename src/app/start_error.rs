//! Why a daemon does not start. Each is about this machine and its files; the message names file, key, value and cure.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use super::presence::PresenceError;
use crate::config::{self, Config, Origin, Shipped};
use crate::domain::ids::PartnerId;
use crate::store;

/// Why a daemon does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address that cannot be listened at.
    #[error("{place} = \"{address}\" cannot be listened at ({cause}); {}", cure(cause))]
    Listen {
        /// Where the address is written, and its key.
        place: String,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        cause: io::Error,
    },
    /// A secret that cannot be read.
    #[error("account {account}: {cause}")]
    Secret {
        /// The account's label.
        account: String,
        /// What is wrong with it.
        cause: config::secret::SecretError,
    },
    /// A secret beside the signature that cannot be read.
    #[error("notification_path_secret, notification_basic or notification_header: {0}")]
    Factor(config::secret::SecretError),
    /// Secrets that cannot tell accounts apart.
    #[error("{0}")]
    Secrets(#[from] crate::notification::secrets::InvalidSecrets),
    /// The data directory.
    #[error("{place}: {cause}{}", cure_of_store(cause))]
    Store {
        /// Where the directory, or the server it must be of, is written, and its key.
        place: String,
        /// What is wrong with it.
        cause: store::Error,
    },
    /// No way to Kaltura can be made on this machine, for example without any certificates.
    #[error("account {account}: {cause}")]
    Kaltura {
        /// The account's label.
        account: String,
        /// What is missing.
        cause: crate::kaltura::error::Error,
    },
    /// A hook that cannot be called from this machine.
    #[error("hook {name}: {cause}")]
    Hook {
        /// Its name.
        name: String,
        /// What is missing.
        cause: crate::hooks::Error,
    },
    /// A hook's secret that cannot be read.
    #[error("hook {name}: {cause}")]
    HookSecret {
        /// Its name.
        name: String,
        /// What is wrong with it.
        cause: config::secret::SecretError,
    },
    /// The files by which commands find a running daemon.
    #[error("{0}")]
    Presence(#[from] PresenceError),
}

impl StartError {
    pub(super) fn of_listener(config: &Config, key: &str, address: SocketAddr, cause: io::Error) -> Self {
        Self::Listen { place: place(config, key), address, cause }
    }

    /// The data directory is at fault, or the server it is said to be of.
    pub fn of_store(config: &Config, cause: store::Error) -> Self {
        let key = match &cause {
            store::Error::OtherServer { partner_id, .. } => service_url_key(config, *partner_id),
            _ => "data_dir".to_owned(),
        };
        Self::Store { place: place(config, &key), cause }
    }
}

/// `script_config.toml:3: data_dir`; of a key that nobody wrote, the file it belongs into.
fn place(config: &Config, key: &str) -> String {
    match config.settings.iter().find(|setting| setting.key == key).map(|setting| &setting.origin) {
        None | Some(Origin::Default) => format!("{}: {key} (default)", file_of(config, key)),
        Some(origin) => format!("{origin}: {key}"),
    }
}

/// The file as it was named: some key that every such file has stands in it, unless variables speak in its place.
fn file_of(config: &Config, key: &str) -> String {
    let (file, has_everyone) = if key.ends_with("service_url") {
        (Shipped::Session, "partner_id")
    } else {
        (Shipped::Script, "sync_metadata_profile")
    };
    let path =
        config.settings.iter().filter(|setting| setting.key.contains(has_everyone)).find_map(|setting| match &setting
            .origin
        {
            Origin::File { path, .. } => Some(path.display().to_string()),
            _ => None,
        });
    path.unwrap_or_else(|| file.name().to_owned())
}

/// An account of several stands at `accounts[0]`, and may leave its server to the key at the top.
fn service_url_key(config: &Config, partner_id: PartnerId) -> String {
    let is_its_number = |key: &str, value: &serde_json::Value| {
        key.ends_with("partner_id") && (*value == partner_id.0 || *value == partner_id.to_string().as_str())
    };
    let number = config.settings.iter().find(|setting| is_its_number(&setting.key, &setting.value));
    let own = number.map(|number| number.key.replace("partner_id", "service_url"));
    let is_written =
        |key: &String| config.settings.iter().any(|setting| setting.key == *key && setting.origin != Origin::Default);
    own.filter(is_written).unwrap_or_else(|| "service_url".to_owned())
}

/// What the store itself cannot advise, since it does not know who chose the directory.
fn cure_of_store(cause: &store::Error) -> &'static str {
    match cause {
        store::Error::Unusable { .. } => "; name a folder that this user can make and write",
        _ => "",
    }
}

fn cure(cause: &io::Error) -> &'static str {
    match cause.kind() {
        ErrorKind::AddrInUse => "stop what listens there, or take another port",
        ErrorKind::PermissionDenied => "take a port from 1024 on, or allow this user to have this one",
        ErrorKind::AddrNotAvailable => "this machine has no such address; take one that it has, such as 127.0.0.1",
        _ => "take another address",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_error_names_the_line_that_is_to_be_changed() {
        let session = "service_url = \"https://a.example/\"\n[[accounts]]\npartner_id = 102\nadmin_secret = \"x\"\n\
                       [[accounts]]\npartner_id = 103\nadmin_secret = \"y\"\nservice_url = \"https://b.example/\"\n";
        let config = config::from_texts(session, "sync_metadata_profile_id = 5\n").unwrap();
        assert_eq!(place(&config, &service_url_key(&config, PartnerId(102))), "session_config.toml:1: service_url");
        assert_eq!(
            place(&config, &service_url_key(&config, PartnerId(103))),
            "session_config.toml:8: accounts[1].service_url"
        );
        assert_eq!(place(&config, "data_dir"), "script_config.toml: data_dir (default)");
    }
}
