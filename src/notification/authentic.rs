//! The whole walk of one request, whichever of the two systems sent it.

use super::hint::Hint;
use super::rejected::Rejected;
use super::secrets::SecretSet;
use super::signature::Signer;
use super::{Limits, Request, System, event, form};

/// What a genuine request says, and whose secret says that it is genuine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authentic {
    /// Who signed it.
    pub signer: Signer,
    /// What it says: at least one hint.
    pub hints: Vec<Hint>,
}

/// Reads and verifies a request as the system it claims to come from.
///
/// # Errors
/// The first rule it breaks.
pub fn read(request: &Request<'_>, limits: &Limits, secrets: &SecretSet) -> Result<Authentic, Rejected> {
    match request.system() {
        System::Api => {
            let (message, signer) = form::parse(request, limits)?.verify(secrets)?;
            Ok(Authentic { signer, hints: message.hints() })
        }
        System::Event => {
            let (event, signer) = event::parse(request, limits)?.verify(secrets)?;
            Ok(Authentic { signer, hints: event.hints() })
        }
    }
}
