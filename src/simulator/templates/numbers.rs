//! What Kaltura writes as numbers of a template: whether it listens, and how it sends.

/// Whether a template listens, with Kaltura's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateStatus {
    /// 1.
    Disabled,
    /// 2.
    Active,
    /// 3.
    Deleted,
}

impl TemplateStatus {
    /// Kaltura's number.
    pub fn number(self) -> i64 {
        match self {
            Self::Disabled => 1,
            Self::Active => 2,
            Self::Deleted => 3,
        }
    }

    /// From Kaltura's number.
    pub fn from_number(number: i64) -> Option<Self> {
        [Self::Disabled, Self::Active, Self::Deleted].into_iter().find(|status| status.number() == number)
    }
}

/// The HTTP method, with Kaltura's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// 1: the data is appended to the URL.
    Get,
    /// 2.
    Post,
    /// 3.
    Put,
    /// 4.
    Delete,
}

impl Method {
    /// Kaltura's number.
    pub fn number(self) -> i64 {
        match self {
            Self::Get => 1,
            Self::Post => 2,
            Self::Put => 3,
            Self::Delete => 4,
        }
    }

    /// From Kaltura's number.
    pub fn from_number(number: i64) -> Option<Self> {
        [Self::Get, Self::Post, Self::Put, Self::Delete].into_iter().find(|method| method.number() == number)
    }

    /// As a request line has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// The hash of a signature, with Kaltura's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashAlgorithm {
    /// 1, and the default.
    Sha1,
    /// 2.
    Sha256,
    /// 3.
    Sha512,
}

impl HashAlgorithm {
    /// Kaltura's number.
    pub fn number(self) -> i64 {
        match self {
            Self::Sha1 => 1,
            Self::Sha256 => 2,
            Self::Sha512 => 3,
        }
    }

    /// From Kaltura's number.
    pub fn from_number(number: i64) -> Option<Self> {
        [Self::Sha1, Self::Sha256, Self::Sha512].into_iter().find(|hash| hash.number() == number)
    }

    /// As `X-KALTURA-HASH-ALGO` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

/// How an object is written, with the numbers of the API's answer formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// 1.
    Json,
    /// 2.
    Xml,
    /// 3.
    Php,
}

impl Format {
    /// Kaltura's number.
    pub fn number(self) -> i64 {
        match self {
            Self::Json => 1,
            Self::Xml => 2,
            Self::Php => 3,
        }
    }

    /// From Kaltura's number.
    pub fn from_number(number: i64) -> Option<Self> {
        [Self::Json, Self::Xml, Self::Php].into_iter().find(|format| format.number() == number)
    }
}
