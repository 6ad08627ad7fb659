//! Where a secret comes from, and reading it again.
//!
//! The one thing read after start: a secret *file* may change under a running daemon (SIGHUP, or Kaltura refusing a
//! session made from the old one).

use std::path::{Path, PathBuf};

use crate::domain::secret::AdminSecret;
use crate::domain::signing_key::InvalidSigningKey;

/// What the shipped file has in a secret's place.
pub const PLACEHOLDER: &str = "put your admin secret here";

/// A secret's home.
#[derive(Debug, Clone)]
pub enum SecretSource {
    /// Written in the configuration file or a variable: fixed until the next start.
    Inline(AdminSecret),
    /// A file that holds nothing else; an absolute path.
    File(PathBuf),
}

/// Why a secret cannot be used. Says nothing of its text.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file is not there, or not for us.
    #[error("secret file {} cannot be read ({source}); make it readable for this user", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Nothing in it.
    #[error("{} is empty; put the secret there", home(path.as_deref()))]
    Empty {
        /// The file, if it is one.
        path: Option<PathBuf>,
    },
    /// The text of the shipped file.
    #[error("put your admin secret here (KMC, Settings > Integration Settings)")]
    Placeholder,
    /// A text that signs no deliveries.
    #[error("{} {cause}", home(path.as_deref()))]
    NoSigningKey {
        /// The file, if it is one.
        path: Option<PathBuf>,
        /// What it must be.
        cause: InvalidSigningKey,
    },
    /// Spaces, line ends or control characters: a slip of copying.
    #[error("{} has a space or line end inside or around the secret; remove it", home(path.as_deref()))]
    Blank {
        /// The file, if it is one.
        path: Option<PathBuf>,
    },
}

fn home(file: Option<&Path>) -> String {
    file.map_or_else(|| "the text".to_owned(), |path| format!("secret file {}", path.display()))
}

impl SecretSource {
    /// The secret as it stands now; a file is read again, and a line end after the secret does not count.
    ///
    /// # Errors
    /// A file that is missing or unreadable, and a text that cannot be a secret.
    pub fn read(&self) -> Result<AdminSecret, SecretError> {
        let path = self.file().map(Path::to_owned);
        let text = match self {
            Self::Inline(secret) => secret.expose().to_owned(),
            Self::File(path) => std::fs::read_to_string(path)
                .map_err(|source| SecretError::Unreadable { path: path.clone(), source })?,
        };
        match text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n')).unwrap_or(&text) {
            "" => Err(SecretError::Empty { path }),
            PLACEHOLDER => Err(SecretError::Placeholder),
            text if text.contains(|c: char| c.is_whitespace() || c.is_control()) => Err(SecretError::Blank { path }),
            text => Ok(AdminSecret::new(text)),
        }
    }

    /// The file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Inline(_) => None,
            Self::File(path) => Some(path),
        }
    }
}
