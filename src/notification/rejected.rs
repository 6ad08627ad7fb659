//! Why a request is no notification to act on: one variant a rule, with the slug the inbox stores.
//!
//! Messages name parameters, shortened, and never hold their values.

use crate::domain::ids::PartnerId;
use crate::domain::secret::{HashAlgorithm, SecretLabel};

/// A request refused, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Another content type than a form's, or none.
    #[error(
        "content type {} is not application/x-www-form-urlencoded, the only one Kaltura's sender uses",
        .content_type.as_deref().map_or_else(|| "(none)".to_owned(), |found| format!("{found:?}"))
    )]
    NotAForm {
        /// What the header said, cut to 64 characters.
        content_type: Option<String>,
    },
    /// More bytes than any genuine message has.
    #[error("body of {bytes} bytes is larger than the limit of {max} (server.body_max_bytes)")]
    TooLarge {
        /// Bytes that came.
        bytes: usize,
        /// Bytes that may come.
        max: usize,
    },
    /// Not shaped as the sender shapes a message.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// There is no `sig`.
    #[error("parameter \"sig\" is missing: the message is not signed")]
    NoSignature,
    /// `sig` cannot be what the sender writes.
    #[error("parameter \"sig\" is not 32 lower-case hexadecimal digits")]
    SignatureNotHex,
    /// `X-KALTURA-SIGNATURE` cannot be what the sender writes.
    #[error(
        "header X-KALTURA-SIGNATURE is not {} lower-case hexadecimal digits, as {algorithm} makes them",
        2 * .algorithm.digest_bytes()
    )]
    HeaderSignatureNotHex {
        /// What `X-KALTURA-HASH-ALGO` says, or what it is without.
        algorithm: HashAlgorithm,
    },
    /// `X-KALTURA-HASH-ALGO` names none of the sender's algorithms.
    #[error("header X-KALTURA-HASH-ALGO is {name:?}, not sha1, sha256 or sha512")]
    UnknownHashAlgorithm {
        /// What it says, cut to 64 characters.
        name: String,
    },
    /// No secret we know made this signature.
    #[error("no configured secret made this signature; {}", doubts(*.partner, *.configured))]
    BadSignature {
        /// The partner it claims (a multi's first item); an event may name none.
        partner: Option<PartnerId>,
        /// Every partner it claims is one of ours: perhaps our secret is wrong.
        configured: bool,
    },
    /// Signed with a secret of ours, by an algorithm its account does not trust.
    #[error(
        "signed with secret {label} and {algorithm}, but this account takes {minimum} or better: set secureHashingAlgo of \
         the template, or lower minimum_hash_algorithm"
    )]
    WeakHash {
        /// The secret that signed.
        label: SecretLabel,
        /// The partner of that secret's account.
        partner: PartnerId,
        /// What it was signed with.
        algorithm: HashAlgorithm,
        /// What its account wants at least.
        minimum: HashAlgorithm,
    },
    /// Signed with a secret of ours, for another account.
    #[error(
        "signed with secret {label} of partner {expected}, but the message says partner {found}; \
         check partner_id of that account"
    )]
    WrongPartner {
        /// The secret that signed.
        label: SecretLabel,
        /// The partner of that secret's account.
        expected: PartnerId,
        /// The first other partner in the message.
        found: PartnerId,
    },
}

fn doubts(partner: Option<PartnerId>, configured: bool) -> String {
    let changed = "was the admin secret changed? compare it with the console, then `inbox reverify`";
    match partner {
        Some(partner) if configured => format!("the message says partner {partner}, which is configured: {changed}"),
        Some(partner) => format!("the message says partner {partner}, which is not configured here"),
        None => format!("the event names no partner: {changed}"),
    }
}

/// The rule of shape a message breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// No bytes at all.
    #[error("the body is empty")]
    Empty,
    /// More parameters than a genuine message has.
    #[error("more than {max} parameters")]
    TooManyParameters {
        /// The limit.
        max: usize,
    },
    /// A name longer than any genuine one.
    #[error("parameter {number} has a name longer than {max} bytes")]
    NameTooLong {
        /// Which parameter, from 1.
        number: usize,
        /// The limit.
        max: usize,
    },
    /// A part between two `&` that is empty or has no `=`.
    #[error("parameter {number} is not written name=value")]
    NotAPair {
        /// Which parameter, from 1.
        number: usize,
    },
    /// A `%` without two hexadecimal digits behind it.
    #[error("parameter {number} has a % that is not followed by two hexadecimal digits")]
    BadPercent {
        /// Which parameter, from 1.
        number: usize,
    },
    /// Bytes that are not text.
    #[error("parameter {number} is not UTF-8")]
    NotUtf8 {
        /// Which parameter, from 1.
        number: usize,
    },
    /// A NUL in a name or a value.
    #[error("parameter {number} holds a NUL character")]
    Nul {
        /// Which parameter, from 1.
        number: usize,
    },
    /// A value without a name.
    #[error("parameter {number} has no name")]
    EmptyName {
        /// Which parameter, from 1.
        number: usize,
    },
    /// The same name again.
    #[error("parameter {name:?} is there more than once")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// A name some receivers read as an array, and that was not signed as it stands.
    #[error("parameter {name:?} is an array name that signed_fields does not list")]
    ArrayName {
        /// The name.
        name: String,
    },
    /// The body of an event is no text.
    #[error("the body is not UTF-8 at byte {at}")]
    BodyNotUtf8 {
        /// Where it stops being text, from 0.
        at: usize,
    },
    /// The body of an event holds what no text has.
    #[error("the body holds a control character at byte {at}")]
    ControlCharacter {
        /// Where, from 0.
        at: usize,
    },
    /// The body of an event begins as JSON and is not one object.
    #[error("the body is not one JSON object: see line {line}, column {column}")]
    Json {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// The body of an event begins as XML and is not one element.
    #[error("the body is not one XML element as Kaltura writes it: see byte {at} after data=")]
    Xml {
        /// Where it stops being one, from 0.
        at: usize,
    },
    /// The body of an event begins as PHP's serialization and is not one plain value.
    #[error("the body is not one plain value in PHP's serialization: see byte {at} after data=")]
    Php {
        /// Where it stops being one, from 0.
        at: usize,
    },
    /// A value that holds a list of signed fields: signed text split at another place.
    #[error("the value of {name:?} holds the text signed_fields, as a message split at other places would")]
    EmbeddedList {
        /// The parameter.
        name: String,
    },
    /// A value in a multi that holds the name of an item's field.
    #[error("the value of {name:?} holds an item prefix such as not1_, as a message split at other places would")]
    EmbeddedItem {
        /// The parameter.
        name: String,
    },
    /// There is no `signed_fields`.
    #[error("parameter \"signed_fields\" is missing")]
    NoSignedFields,
    /// A parameter nobody signed.
    #[error("parameter {name:?} is not listed in signed_fields")]
    UnsignedParameter {
        /// The name.
        name: String,
    },
    /// A signed parameter that did not come.
    #[error("signed_fields lists {name:?}, which is missing")]
    SignedFieldMissing {
        /// The name.
        name: String,
    },
    /// The right names, not written as the sender writes them.
    #[error("signed_fields is not a list of names, each once and followed by a comma")]
    SignedFieldsList,
    /// One of the two parameters that make a multi, without the other or with another value.
    #[error("a multi message has both multi_notification=true and number_of_notifications, a single one neither")]
    MultiFlag,
    /// A parameter of a multi that belongs to no item.
    #[error("parameter {name:?} of a multi message does not begin with an item prefix such as not1_")]
    NotAnItem {
        /// The name.
        name: String,
    },
    /// Another number of items than the message says.
    #[error("number_of_notifications is not {found}, the number of items")]
    ItemCount {
        /// Items that are there.
        found: usize,
    },
    /// A multi of nothing.
    #[error("a multi message without any item")]
    NoItems,
    /// The items are not numbered 1, 2, 3, …
    #[error("item {number} is missing between the others")]
    ItemGap {
        /// The first number without an item.
        number: u32,
    },
    /// A field its notification type cannot be without.
    #[error("required parameter {name:?} is missing")]
    FieldMissing {
        /// The name, with its item prefix.
        name: String,
    },
    /// A field that is not what it must be.
    #[error("the value of {name:?} is not {expected}")]
    FieldInvalid {
        /// The name, with its item prefix.
        name: String,
        /// What it must be, with an example.
        expected: &'static str,
    },
}

/// What the sender is told, in the words of HTTP, without its types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    /// 400: not shaped as a message.
    Malformed,
    /// 403: not signed by anyone we know, or not for whom it says.
    Forbidden,
    /// 413: larger than any message.
    TooLarge,
    /// 415: not a form.
    UnsupportedMediaType,
}

impl Rejected {
    /// The slug the inbox stores after `rejected:`, and `notification verify` prints. Never changes its meaning.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotAForm { .. } => "not_a_form",
            Self::TooLarge { .. } => "too_large",
            Self::Malformed(rule) => rule.reason(),
            Self::NoSignature => "no_signature",
            Self::SignatureNotHex | Self::HeaderSignatureNotHex { .. } => "signature_not_hex",
            Self::UnknownHashAlgorithm { .. } => "unknown_hash_algorithm",
            Self::WeakHash { .. } => "weak_hash",
            Self::BadSignature { .. } => "bad_signature",
            Self::WrongPartner { .. } => "wrong_partner",
        }
    }

    /// How the request is answered.
    pub const fn answer(&self) -> Answer {
        match self {
            Self::NotAForm { .. } => Answer::UnsupportedMediaType,
            Self::TooLarge { .. } => Answer::TooLarge,
            Self::Malformed(_) => Answer::Malformed,
            Self::NoSignature
            | Self::SignatureNotHex
            | Self::HeaderSignatureNotHex { .. }
            | Self::UnknownHashAlgorithm { .. }
            | Self::BadSignature { .. }
            | Self::WeakHash { .. }
            | Self::WrongPartner { .. } => Answer::Forbidden,
        }
    }

    /// Whether it would have been a message for a configured partner, had our own configuration been right.
    ///
    /// These can be repaired (`inbox reverify`), so the inbox keeps them apart from noise, without a rate limit.
    pub const fn is_well_formed(&self) -> bool {
        matches!(self, Self::BadSignature { configured: true, .. } | Self::WeakHash { .. } | Self::WrongPartner { .. })
    }
}

impl Malformed {
    /// The slug; see [`Rejected::reason`].
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "malformed:empty",
            Self::TooManyParameters { .. } => "malformed:too_many_parameters",
            Self::NameTooLong { .. } => "malformed:name_too_long",
            Self::NotAPair { .. } => "malformed:not_a_pair",
            Self::BadPercent { .. } => "malformed:bad_percent",
            Self::NotUtf8 { .. } => "malformed:not_utf8",
            Self::Nul { .. } => "malformed:nul",
            Self::EmptyName { .. } => "malformed:empty_name",
            Self::DuplicateName { .. } => "malformed:duplicate_name",
            Self::ArrayName { .. } => "malformed:array_name",
            Self::BodyNotUtf8 { .. } => "malformed:not_utf8",
            Self::ControlCharacter { .. } => "malformed:control_character",
            Self::Json { .. } => "malformed:json",
            Self::Xml { .. } => "malformed:xml",
            Self::Php { .. } => "malformed:php",
            Self::EmbeddedList { .. } => "malformed:embedded_list",
            Self::EmbeddedItem { .. } => "malformed:embedded_item",
            Self::NoSignedFields => "malformed:no_signed_fields",
            Self::UnsignedParameter { .. } => "malformed:unsigned_parameter",
            Self::SignedFieldMissing { .. } => "malformed:signed_field_missing",
            Self::SignedFieldsList => "malformed:signed_fields_list",
            Self::MultiFlag => "malformed:multi_flag",
            Self::NotAnItem { .. } => "malformed:not_an_item",
            Self::ItemCount { .. } => "malformed:item_count",
            Self::NoItems => "malformed:no_items",
            Self::ItemGap { .. } => "malformed:item_gap",
            Self::FieldMissing { .. } => "malformed:field_missing",
            Self::FieldInvalid { .. } => "malformed:field_invalid",
        }
    }
}

/// A text of the request, short enough for a message or a log line.
pub(super) fn shortened(text: &str) -> String {
    const MAX_CHARACTERS: usize = 64;
    match text.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
