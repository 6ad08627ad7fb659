//! One look at a batch of entries: a single multirequest tells all that is mirrored of them.
//!
//! The order matters. The session is asked first, because without one some lists are empty instead of refused. Metadata
//! comes before the content it vouches for: an edit in between then meets a version that is no longer current.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::answer::Answer;
use super::client::Client;
use super::error::{Error, Refusal};
use super::listing::Listing;
use super::multirequest::{SUB_REQUESTS_MAX, SubRequest};
use super::transport::Connection;
use crate::domain::account_facts::{CategoryMembership, MetadataObject};
use crate::domain::api_value::{self, ApiObject};
use crate::domain::caption::Caption;
use crate::domain::entry::{Entry, Flavor, as_object};
use crate::domain::ids::{EntryId, MetadataProfileId, PartnerId};

/// Entries in one look: lists of ids are silently cut at 150 by some servers.
pub const ENTRIES_MAX: usize = 100;

const LOOK: &str = "multirequest:look";

/// How to look.
#[derive(Debug, Clone, Default)]
pub struct LookOptions {
    /// The profiles whose metadata is wanted; none is fine.
    pub profiles: Vec<MetadataProfileId>,
    /// Whether captions are wanted.
    pub captions: bool,
    /// An entry that should be there: if even it is missing, nothing can be concluded from others that are.
    pub witness: Option<EntryId>,
    /// Looks over a new connection, to confirm an absence.
    pub fresh_connection: bool,
}

/// What a look found.
#[derive(Debug)]
pub struct Look {
    /// Whether the answers may be believed, absences above all.
    pub session: SessionProof,
    /// What became of the witness; it is among `entries` only if it was asked for as well.
    pub witness: Witness,
    /// The entries that were answered. One that is missing here is missing, or hidden from us.
    pub entries: HashMap<EntryId, EntryLook>,
    /// Why the lists beside the entries (metadata, flavors, captions, categories) are not whole, if so: visibility facts hold,
    /// but nothing may be saved as content or marked. Asked for fewer entries at a time, the fault stands alone.
    pub incomplete: Option<Error>,
    /// Why the server has no captions for us at all, if it has said so: then no entry has any.
    pub no_captions: Option<Error>,
}

/// Whether a look was made with a session that sees everything of this account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionProof {
    /// An administrator's, of this account, past entitlement; and nobody else's objects came.
    Proven,
    /// Nothing may be concluded or saved; the text says why.
    NotProven(String),
}

/// What became of the witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Witness {
    /// None was named.
    NotAsked,
    /// It was answered.
    Answered,
    /// It was not.
    Absent,
}

/// All that one look tells of one entry.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryLook {
    /// The entry.
    pub entry: Entry,
    /// Its metadata of the profiles asked for, at most one of each.
    pub metadata: Vec<MetadataObject>,
    /// Its renditions in every state but deleted.
    pub flavors: Vec<Flavor>,
    /// Its captions in every state but deleted, if they were wanted.
    pub captions: Vec<Caption>,
    /// Its categories, pending and rejected ones too.
    pub categories: Vec<CategoryMembership>,
}

impl Client {
    /// Looks at up to 100 entries with one multirequest; with a second one when a list has more than one page.
    ///
    /// # Errors
    /// What kept the entries themselves from being answered. `Unreadable`: look at half as many. `Setup` for none or more than 100.
    ///
    /// Source: `session.get`, `metadata_metadata.list`, `baseEntry.getByIds`, `flavorAsset.list`,
    /// `caption_captionasset.list`, `categoryEntry.list`.
    pub async fn look(&self, ids: &[EntryId], options: &LookOptions) -> Result<Look, Error> {
        if ids.len() > ENTRIES_MAX {
            return Err(Error::Setup(format!("{LOOK}: {} entries, at most {ENTRIES_MAX} fit", ids.len())));
        }
        if ids.is_empty() && options.witness.is_none() {
            return Err(Error::Setup(format!("{LOOK}: no entry to look at")));
        }
        let over = if options.fresh_connection { Connection::Fresh } else { Connection::Kept };
        let with_captions = options.captions && self.may_have_captions();
        let mut gathered = Gathered::new(ids, options, with_captions);
        for plan in [Gathered::first_round, Gathered::second_round] {
            let parts = plan(&mut gathered);
            let requests: Vec<_> = parts.iter().map(|(part, page)| gathered.request(*part, *page)).collect();
            if requests.is_empty() || requests.len() > SUB_REQUESTS_MAX {
                break; // whole already; or so far from it that halving is cheaper
            }
            let outcomes = self.ask(LOOK, &requests, over).await?;
            for ((part, _), outcome) in parts.into_iter().zip(outcomes) {
                gathered.take(part, outcome);
            }
        }
        let look = gathered.finish(self.partner(), options)?;
        if look.no_captions.is_some() {
            self.has_no_captions();
        }
        Ok(look)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Session,
    Entries,
    Metadata,
    Flavors,
    Captions,
    Categories,
}

/// The answers of a look, as they come in.
struct Gathered {
    wanted: Vec<EntryId>,
    asked: Vec<EntryId>,
    ids: String,
    session: Option<Result<Answer, Error>>,
    entries: Option<Result<Answer, Error>>,
    metadata: Option<Listing>,
    flavors: Listing,
    captions: Option<Listing>,
    categories: Listing,
}

impl Gathered {
    fn new(ids: &[EntryId], options: &LookOptions, with_captions: bool) -> Self {
        let mut asked: Vec<_> = ids.iter().chain(&options.witness).cloned().collect();
        asked.sort();
        asked.dedup();
        let joined = asked.iter().map(EntryId::as_str).collect::<Vec<_>>().join(",");
        let of_entries = |object_type| json!({"objectType": object_type, "entryIdIn": joined});
        Self {
            session: None,
            entries: None,
            metadata: metadata_filter(&joined, &options.profiles)
                .map(|filter| Listing::new("metadata_metadata.list", filter)),
            flavors: Listing::new("flavorAsset.list", of_entries("KalturaFlavorAssetFilter")),
            captions: with_captions
                .then(|| Listing::new("caption_captionasset.list", of_entries("KalturaCaptionAssetFilter"))),
            categories: Listing::new("categoryEntry.list", of_entries("KalturaCategoryEntryFilter")),
            wanted: ids.to_vec(),
            asked,
            ids: joined,
        }
    }

    fn first_round(&mut self) -> Vec<(Part, usize)> {
        let all = [Part::Session, Part::Metadata, Part::Entries, Part::Flavors, Part::Captions, Part::Categories];
        let asked = |part: &Part| match part {
            Part::Metadata => self.metadata.is_some(),
            Part::Captions => self.captions.is_some(),
            _ => true,
        };
        all.into_iter().filter(asked).map(|part| (part, 1)).collect()
    }

    /// The pages that are missing. Where metadata is, all that it vouches for is read again behind it.
    fn second_round(&mut self) -> Vec<(Part, usize)> {
        let metadata: Vec<_> =
            self.metadata.iter().flat_map(Listing::missing_pages).map(|page| (Part::Metadata, page)).collect();
        let again = !metadata.is_empty();
        let pages = |list: &mut Listing| if again { list.restart() } else { list.missing_pages() };
        let flavors = pages(&mut self.flavors).map(|page| (Part::Flavors, page));
        // Captions that the server has not got are not asked for again.
        let captions = self.captions.as_mut().filter(|list| list.failure().is_none()).map(pages);
        let captions = captions.into_iter().flatten().map(|page| (Part::Captions, page));
        let categories = pages(&mut self.categories).map(|page| (Part::Categories, page));
        let entries = again.then_some((Part::Entries, 1));
        metadata.into_iter().chain(entries).chain(flavors).chain(captions).chain(categories).collect()
    }

    fn request(&self, part: Part, page: usize) -> SubRequest {
        match (part, &self.metadata, &self.captions) {
            (Part::Metadata, Some(metadata), _) => metadata.page(page),
            (Part::Captions, _, Some(captions)) => captions.page(page),
            (Part::Session | Part::Metadata | Part::Captions, ..) => SubRequest::new("session.get", json!({})),
            (Part::Entries, ..) => SubRequest::new("baseEntry.getByIds", json!({"entryIds": self.ids})),
            (Part::Flavors, ..) => self.flavors.page(page),
            (Part::Categories, ..) => self.categories.page(page),
        }
    }

    fn take(&mut self, part: Part, outcome: Result<Answer, Error>) {
        let list = match part {
            Part::Session => return self.session = Some(outcome),
            Part::Entries => return self.entries = Some(outcome),
            Part::Metadata => self.metadata.as_mut(),
            Part::Captions => self.captions.as_mut(),
            Part::Flavors => Some(&mut self.flavors),
            Part::Categories => Some(&mut self.categories),
        };
        if let Some(list) = list {
            list.take(outcome);
        }
    }

    fn finish(self, partner: PartnerId, options: &LookOptions) -> Result<Look, Error> {
        let never = || Err(Error::Unreadable { call: LOOK, why: "nothing came".to_owned() });
        let session = self.session.unwrap_or_else(never).and_then(Answer::object);
        let proof =
            session.map_or_else(|error| SessionProof::NotProven(error.to_string()), |facts| proof_of(&facts, partner));
        let mut look = Look {
            session: proof,
            witness: Witness::NotAsked,
            entries: HashMap::new(),
            incomplete: None,
            no_captions: None,
        };
        look.add_entries(self.entries.unwrap_or_else(never)?, partner, &self.asked)?;
        let metadata = self.metadata.map_or(Ok(Vec::new()), |list| list.finish(|row| MetadataObject::from_api(&row)));
        look.add_metadata(metadata, partner, &options.profiles);
        look.add_flavors(self.flavors.finish(Flavor::from_api), partner);
        let captions = self.captions.map_or(Ok(Vec::new()), |list| list.finish(Caption::from_api));
        look.add_captions(captions, partner);
        look.add_categories(self.categories.finish(|row| CategoryMembership::from_api(&row)));
        look.hear_witness(options.witness.as_ref(), &self.wanted);
        Ok(look)
    }
}

impl Look {
    /// Those of `ids` whose absence means something: the session is proven and the witness, if one was named, answered.
    pub fn absent<'a>(&self, ids: &'a [EntryId]) -> Vec<&'a EntryId> {
        if self.session != SessionProof::Proven || self.witness == Witness::Absent {
            return Vec::new();
        }
        ids.iter().filter(|id| !self.entries.contains_key(*id)).collect()
    }

    fn add_entries(&mut self, answer: Answer, partner: PartnerId, asked: &[EntryId]) -> Result<(), Error> {
        for row in answer.list()? {
            let entry = as_object(row).ok_or_else(|| "an entry that is no object".to_owned()).and_then(Entry::from_api);
            let entry = entry.map_err(|why| Error::Unreadable { call: "baseEntry.getByIds", why })?;
            if entry.partner_id != partner || !asked.contains(&entry.id) {
                self.distrust(&format!("entry {}", entry.id), entry.partner_id);
                continue;
            }
            let look = EntryLook {
                entry,
                metadata: Vec::new(),
                flavors: Vec::new(),
                captions: Vec::new(),
                categories: Vec::new(),
            };
            self.entries.insert(look.entry.id.clone(), look);
        }
        Ok(())
    }

    fn add_metadata(
        &mut self,
        list: Result<Vec<MetadataObject>, Error>,
        partner: PartnerId,
        profiles: &[MetadataProfileId],
    ) {
        for object in self.whole(list) {
            if object.partner_id != partner {
                self.distrust(&format!("metadata {}", object.id), object.partner_id);
            } else if profiles.contains(&object.profile_id)
                && let Some(look) = self.entries.get_mut(&object.entry_id)
            {
                look.metadata.push(object);
            }
        }
    }

    fn add_flavors(&mut self, list: Result<Vec<Flavor>, Error>, partner: PartnerId) {
        for flavor in self.whole(list) {
            if flavor.partner_id != partner {
                self.distrust(&format!("flavor {}", flavor.id), flavor.partner_id);
            } else if let Some(look) = self.entries.get_mut(&flavor.entry_id) {
                look.flavors.push(flavor);
            }
        }
    }

    /// A server without captions has none of any entry; whatever else fails leaves the look incomplete.
    fn add_captions(&mut self, list: Result<Vec<Caption>, Error>, partner: PartnerId) {
        if let Err(error) = &list
            && error.refusal().is_some_and(Refusal::is_of_absent_service)
        {
            self.no_captions = Some(error.clone());
            return;
        }
        for caption in self.whole(list) {
            if caption.partner_id != partner {
                self.distrust(&format!("caption {}", caption.id), caption.partner_id);
            } else if let Some(look) = self.entries.get_mut(&caption.entry_id) {
                look.captions.push(caption);
            }
        }
    }

    fn add_categories(&mut self, list: Result<Vec<CategoryMembership>, Error>) {
        for membership in self.whole(list) {
            if let Some(look) = self.entries.get_mut(&membership.entry_id) {
                look.categories.push(membership);
            }
        }
    }

    /// The rows of a list; none, and the look is incomplete, when the list is not whole.
    fn whole<T>(&mut self, list: Result<Vec<T>, Error>) -> Vec<T> {
        list.unwrap_or_else(|error| {
            self.incomplete.get_or_insert(error);
            Vec::new()
        })
    }

    fn distrust(&mut self, what: &str, partner: PartnerId) {
        self.session = SessionProof::NotProven(format!("{what} of partner {partner} came, which was not asked for"));
    }

    fn hear_witness(&mut self, witness: Option<&EntryId>, wanted: &[EntryId]) {
        let Some(witness) = witness else { return };
        let answered = self.entries.contains_key(witness);
        self.witness = if answered { Witness::Answered } else { Witness::Absent };
        if !wanted.contains(witness) {
            self.entries.remove(witness);
        }
    }
}

/// An administrator's session of this account that sees past entitlement.
pub(super) fn proof_of(session: &ApiObject, partner: PartnerId) -> SessionProof {
    let text = |member| api_value::text(session, member).unwrap_or_default();
    let not = |why: String| SessionProof::NotProven(why);
    if api_value::integer(session, "partnerId") != Some(partner.0) {
        return not(format!("the session is one of partner {:?}, not {partner}", text("partnerId")));
    }
    if text("sessionType") != "2" {
        return not(format!(
            "the session is of type {:?}, not an administrator's (2): give the application token that sessionType",
            text("sessionType")
        ));
    }
    let privileges = text("privileges");
    if !privileges.split(',').any(|privilege| privilege.trim() == "disableentitlement") {
        return not(
            "the session lacks the privilege disableentitlement: give it to the application token (sessionPrivileges)"
                .to_owned(),
        );
    }
    SessionProof::Proven
}

/// One list for all profiles; without any there is nothing to ask.
pub(super) fn metadata_filter(ids: &str, profiles: &[MetadataProfileId]) -> Option<Value> {
    let mut profiles: Vec<_> = profiles.iter().map(ToString::to_string).collect();
    profiles.sort();
    profiles.dedup();
    let (member, value) = match profiles.as_slice() {
        [] => return None,
        [only] => ("metadataProfileIdEqual", only.clone()),
        several => ("metadataProfileIdIn", several.join(",")),
    };
    Some(
        json!({"objectType": "KalturaMetadataFilter", "metadataObjectTypeEqual": "1", "objectIdIn": ids, member: value}),
    )
}
