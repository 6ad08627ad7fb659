//! Who may read the change feed: `[server] feed` and `feed_key`.

use std::future::{Ready, ready};
use std::sync::{Arc, PoisonError, RwLock};

use actix_web::{FromRequest, HttpRequest, dev, web};
use subtle::ConstantTimeEq;

use super::Site;
use super::admin::bearer;
use super::problem::Problem;
use crate::domain::secret::AdminSecret;

/// Who may read the change feed. Clones are the same door.
#[derive(Debug, Clone)]
pub enum FeedDoor {
    /// Anyone who reaches the address.
    Public,
    /// Who sends the key.
    Key(Arc<RwLock<AdminSecret>>),
    /// Nobody: it looks as if there were none.
    Off,
}

impl FeedDoor {
    /// A door that this key opens.
    pub fn with_key(key: AdminSecret) -> Self {
        Self::Key(Arc::new(RwLock::new(key)))
    }

    /// Another key from now on; a door without one stays as it is. Streams that are open go on.
    pub fn change_key(&self, key: AdminSecret) {
        if let Self::Key(known) = self {
            *known.write().unwrap_or_else(PoisonError::into_inner) = key;
        }
    }

    fn admit(&self, request: &HttpRequest) -> Result<Reader, Problem> {
        match self {
            Self::Public => Ok(Reader(())),
            Self::Off => Err(Problem::NotFound("no such path".to_owned())),
            Self::Key(key) => {
                let key = key.read().unwrap_or_else(PoisonError::into_inner);
                let opens = |given: &str| bool::from(key.expose().as_bytes().ct_eq(given.as_bytes()));
                match bearer(request) {
                    Some(given) if opens(given) => Ok(Reader(())),
                    _ => Err(Problem::Unauthorized("send the key of [server] feed_key as Authorization: Bearer")),
                }
            }
        }
    }
}

/// Proof that a request may read the feed. A handler that takes one tells of it to nobody else.
pub(super) struct Reader(());

impl FromRequest for Reader {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let site = request.app_data::<web::Data<Site>>().ok_or(Problem::Internal);
        ready(site.and_then(|site| site.feed.admit(request)))
    }
}
