//! An API notification as it arrives: a form, read strictly.
//!
//! Shape only; nothing here is believed before [`Signed::verify`]. The order of the checks decides which rule a request
//! that breaks several is said to break: the one that explains most comes first.

use std::collections::HashSet;

use super::message::Message;
use super::parameters::Parameters;
use super::rejected::{Malformed, Rejected, shortened};
use super::shape;
use super::signature::{Signature, Signed};
use super::{Limits, Request};

const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// Reads a request as the API notification its sender says it is.
///
/// # Errors
/// The first rule it breaks. `BadSignature` and `WrongPartner` come only from [`Signed::verify`].
///
/// Source: the rules in the shared vectors' README, 1 to 4, 6 to 8, 10 and 11.
pub fn parse(request: &Request<'_>, limits: &Limits) -> Result<Signed<Message>, Rejected> {
    require_form(request.content_type)?;
    require_size(request.body, limits.body_max_bytes)?;
    let parameters = Parameters::decode(request.body, limits)?;
    require_no_array_names(&parameters)?;
    let claimed = claimed_signature(&parameters)?;
    Ok(Signed::new(Message::from_form(parameters, limits)?, claimed))
}

/// In any case, with any parameters: `charset` changes nothing about a form.
fn require_form(content_type: Option<&str>) -> Result<(), Rejected> {
    let media_type = content_type.and_then(|value| value.split(';').next()).map(str::trim);
    if media_type.is_some_and(|media_type| media_type.eq_ignore_ascii_case(MEDIA_TYPE)) {
        return Ok(());
    }
    Err(Rejected::NotAForm { content_type: content_type.map(shortened) })
}

fn require_size(body: &[u8], max: usize) -> Result<(), Rejected> {
    if body.len() <= max { Ok(()) } else { Err(Rejected::TooLarge { bytes: body.len(), max }) }
}

/// Some receivers read `entry_id[x]` as another spelling of `entry_id`. The sender does send names with brackets, as
/// they are, in any item of a multi, or listed in `signed_fields`; any other is somebody else's.
fn require_no_array_names(parameters: &Parameters) -> Result<(), Malformed> {
    if !parameters.hold('[') {
        return Ok(());
    }
    let is_bare = |name: &&str| name.contains('[') && shape::item_prefix(name).is_none();
    let listed: HashSet<&str> = parameters.find("signed_fields").unwrap_or_default().split(',').collect();
    let mut bracketed = parameters.iter().map(|(name, _)| name).filter(is_bare);
    match bracketed.find(|name| !listed.contains(name)) {
        Some(name) => Err(Malformed::ArrayName { name: shortened(name) }),
        None => Ok(()),
    }
}

fn claimed_signature(parameters: &Parameters) -> Result<Signature, Rejected> {
    parameters.find("sig").ok_or(Rejected::NoSignature)?.parse().map_err(|_| Rejected::SignatureNotHex)
}
