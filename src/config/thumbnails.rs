//! `[thumbnails]`: which images are fetched, and from where.

use url::Url;

use super::section::Section;
use super::values::{ByteSize, choices};

/// Which images are fetched, and from where.
#[derive(Debug, Clone)]
pub struct Thumbnails {
    /// When an image is fetched.
    pub mode: ThumbnailMode,
    /// In pixels; the height follows.
    pub width: u32,
    /// Images fetched at the same time.
    pub workers: usize,
    /// A larger image is not stored.
    pub max_bytes: u64,
    /// Where images are; `None`: the account's service URL.
    pub base_url: Option<Url>,
    /// Hosts besides that one's to which a redirect may lead; `*.` in front stands for any name before it. `None`:
    /// `*.kaltura.com` if the service is there, else none.
    pub allowed_hosts: Option<Vec<String>>,
}

choices! {
    /// When an image is fetched.
    pub enum ThumbnailMode {
        /// With the entry.
        All = "all",
        /// When it is first asked for.
        OnDemand = "on_demand",
        /// Never.
        None = "none",
    }
}

impl Thumbnails {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let thumbnails = Self {
            mode: section.or("mode", ThumbnailMode::All),
            width: section.within("width", 640, 16..=4096),
            workers: section.within("workers", 4, 1..=64),
            max_bytes: section.bytes("max_bytes", ByteSize::mib(5), ByteSize::kib(64)..=ByteSize::mib(64)),
            base_url: section.optional("base_url"),
            allowed_hosts: section.optional("allowed_hosts"),
        };
        if thumbnails.mode == ThumbnailMode::OnDemand {
            section.note("mode", "this version does not fetch on demand yet; images are fetched with their entries");
        }
        for host in thumbnails.allowed_hosts.iter().flatten().filter(|host| !is_host_pattern(host)) {
            let message = format!(": {host:?} must be a host name such as \"cdn.example.org\" or \"*.example.org\"");
            section.refuse("allowed_hosts", message);
        }
        thumbnails
    }
}

fn is_host_pattern(pattern: &str) -> bool {
    let name = pattern.strip_prefix("*.").unwrap_or(pattern);
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
}
