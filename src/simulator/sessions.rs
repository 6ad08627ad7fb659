//! Application tokens; a session itself is in its own text.

/// An application token: a way to a session without the admin secret.
#[derive(Clone, PartialEq, Eq)]
pub struct SimAppToken {
    /// For example `0_u970c0w2`.
    pub id: String,
    /// The secret part.
    pub token: String,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds.
    pub updated_at: i64,
    /// 2 active, 1 disabled.
    pub status: i64,
    /// When it ends, Unix seconds.
    pub expiry: Option<i64>,
    /// 0 user, 2 admin.
    pub session_type: Option<i64>,
    /// Whose sessions it makes.
    pub session_user_id: Option<String>,
    /// Seconds.
    pub session_duration: i64,
    /// Comma-separated.
    pub session_privileges: Option<String>,
    /// `SHA1` (Kaltura's default), `SHA256`, `SHA512` or `MD5`.
    pub hash_type: String,
    /// Free text.
    pub description: Option<String>,
}

impl SimAppToken {
    /// One that is active and makes admin sessions of a day that see everything.
    pub fn admin(id: &str, token: &str, hash_type: &str) -> Self {
        Self {
            id: id.to_owned(),
            token: token.to_owned(),
            created_at: 0,
            updated_at: 0,
            status: 2,
            expiry: None,
            session_type: Some(2),
            session_user_id: None,
            session_duration: 86_400,
            session_privileges: Some("list:*,disableentitlement".to_owned()),
            hash_type: hash_type.to_owned(),
            description: None,
        }
    }
}

impl std::fmt::Debug for SimAppToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimAppToken").field("id", &self.id).finish_non_exhaustive()
    }
}
