//! The lists of an account's entries, read through all the limits they have: ids and the few facts that tell whether an
//! entry must be looked at.
//!
//! A list shows no match beyond the 10,000th, so it is read by time: each step goes on from the newest row of the one
//! before, and never by an offset that grows, since rows that leave the list would make it skip others. Only within a
//! second that fills a step by itself there is no other way: it is read alone, and when it loses rows, as it does while
//! entries found in it are marked, it is read on from as many rows before. Where more entries than a list shows share one
//! second, it is read by the other time, then in parts: by status, type, moderation, media type and duration.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answer::Page;
use super::batch::{SessionProof, proof_of};
use super::client::Client;
use super::error::Error;
use super::listing::PAGE_SIZE;
use super::multirequest::SubRequest;
use super::transport::Connection;
use crate::domain::api_value::{self, ApiObject};
use crate::domain::entry::as_object;
use crate::domain::filter::mirror::Narrowing;
use crate::domain::ids::{EntryId, PartnerId};

const CALL: &str = "multirequest:catalogue";
const LIST: &str = "baseEntry.list";

/// Windows that one request reads a step of.
pub const WINDOWS_MAX: usize = 8;
/// Pages that a step asks for: an empty one is the end of a list, a short one is not.
const PAGES: usize = 2;
/// Kaltura answers no match beyond the 10,000th.
const SHOWN_MAX: usize = 10_000;
/// Values nearer to zero than these ten years are relative to now, and 0 is now.
const TEN_YEARS: i64 = 315_360_000;
/// Rows that tell whether there are any: of one alone the database may have forgotten what the index knows.
const ANY: usize = 10;
/// Fewer rows than this to come are not worth a second window.
const WORTH_HALVING: usize = 4 * PAGE_SIZE;

/// Every state an entry that exists may be in, but those of plugins, which nobody can list without knowing them. `list`
/// answers READY alone unless it is told.
const STATES: [&str; 9] = ["-2", "-1", "0", "1", "2", "4", "5", "6", "7"];
const DELETED: &str = "3";
/// Every moderation state; `list` leaves out pending and rejected entries unless it is told.
const MODERATION: [&str; 6] = ["1", "2", "3", "4", "5", "6"];
/// The types there are without plugins, and the one that is used as if there were.
const TYPES: [&str; 8] = ["1", "2", "5", "6", "7", "8", "10", "externalMedia.externalMedia"];
const MEDIA_CLIP: &str = "1";
const MEDIA_TYPES: [&str; 6] = ["1", "2", "5", "201", "202", "203"];
/// The recycle bin, which `list` leaves out unless it is asked for.
const RECYCLED: i64 = -2;
/// Seconds; longer than any video.
const LONGEST: i64 = 1 << 20;

/// Which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Shelf {
    /// Entries that exist.
    Existing,
    /// The same with deleted ones. A server may leave those out.
    ExistingAndDeleted,
    /// The recycle bin.
    Recycled,
}

/// By which time, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Time {
    /// `createdAt`, which never moves: for reading everything.
    Created,
    /// `updatedAt`, which any change moves.
    Updated,
}

impl Time {
    const fn name(self) -> &'static str {
        match self {
            Self::Created => "createdAt",
            Self::Updated => "updatedAt",
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Created => Self::Updated,
            Self::Updated => Self::Created,
        }
    }

    const fn of(self, row: &Listed) -> i64 {
        match self {
            Self::Created => row.created_at,
            Self::Updated => row.updated_at,
        }
    }
}

/// A stretch of a list that is still to be read, and how far it was. Kept as JSON, it goes on after a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    shelf: Shelf,
    by: Time,
    /// Seconds; nothing begins at the first row there is.
    from: Option<i64>,
    /// Seconds, this one included.
    to: Option<i64>,
    /// How far a second is read that has to be read by offset.
    #[serde(default)]
    offset: Offset,
    /// Only what has the other time in this very second.
    within: Option<(Time, i64)>,
    part: Part,
    /// Only of these entries, and what their rows tell.
    #[serde(default)]
    choice: Choice,
}

/// How far rows of one second are read, by pages, while they may become fewer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Offset {
    /// All rows before this one are read.
    read: usize,
    /// How many rows there were, at the fewest.
    counted: Option<usize>,
    /// So many rows were lost from one page to the next, lately: as many are read again, for they may be lost again.
    spare: usize,
}

/// Pages of one list: the number of the first, and rows of each.
#[derive(Clone, Copy)]
struct Pages {
    first: usize,
    size: usize,
}

impl Offset {
    /// The pages that go on from here. A page begins at a multiple of its size, so where it is to begin chooses its size; before the
    /// end of what a list shows they are small enough for it.
    fn pages(&self) -> Pages {
        let certain = self.read.saturating_sub(self.spare);
        let room = SHOWN_MAX.saturating_sub(certain) / PAGES;
        match certain.div_ceil(room.clamp(1, PAGE_SIZE)) {
            0 => Pages { first: 1, size: PAGE_SIZE },
            before => Pages { first: before + 1, size: certain / before },
        }
    }

    /// Whether a list shows more than this, and not just a few rows of it.
    fn is_shown(&self) -> bool {
        let Pages { first, size } = self.pages();
        size >= PAGE_SIZE / 10 && (first + PAGES - 1) * size <= SHOWN_MAX
    }

    /// Where it stands after these pages; nothing when the last row is read.
    ///
    /// Rows that were lost were before or behind: it goes back as if all were before. What is lost is counted from the fewest rows there
    /// ever were, so that totals that go up and down come to an end.
    fn after(&self, pages: &[Page]) -> Option<Self> {
        let Pages { first, size } = self.pages();
        let (mut now, mut is_over, mut has_lost_some) = (self.clone(), true, false);
        for (place, page) in pages.iter().enumerate() {
            let lost = now.counted.map_or(0, |counted| counted.saturating_sub(page.total));
            now.counted = Some(now.counted.map_or(page.total, |counted| counted.min(page.total)));
            (now.read, now.spare) = (now.read.saturating_sub(lost), now.spare.max(lost));
            has_lost_some |= lost > 0;
            let begin = (first - 1 + place) * size;
            let follows = begin <= now.read;
            is_over = follows && page.objects.is_empty();
            if follows {
                now.read = now.read.max(begin + size);
            }
        }
        if !has_lost_some {
            now.spare /= 2;
        }
        (!is_over).then_some(now)
    }
}

/// What a list is asked for beyond its window, all in Kaltura's values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Choice {
    states: Option<Vec<String>>,
    types: Option<Vec<String>>,
    media_types: Option<Vec<String>>,
    /// Members of the rows beside those that are always asked for.
    members: Vec<String>,
}

impl Choice {
    /// What is narrowed by values that every server knows: others would be refused, or match nothing.
    fn of(narrowing: &Narrowing, members: &[String]) -> Self {
        let known = |values: &Option<Vec<String>>, all: &[&str]| {
            values.clone().filter(|values| values.iter().all(|value| all.contains(&value.as_str())))
        };
        Self {
            states: known(&narrowing.states, &STATES),
            types: known(&narrowing.types, &TYPES),
            media_types: known(&narrowing.media_types, &[&MEDIA_TYPES[..], &["204"]].concat()),
            members: members.to_vec(),
        }
    }
}

/// What a part of a second is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    status: Option<String>,
    kind: Option<String>,
    moderation: Option<String>,
    media_type: Option<String>,
    /// Seconds of video, both included.
    duration: Option<(i64, i64)>,
}

/// A row of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Which entry.
    pub id: EntryId,
    /// Kaltura's `createdAt`, epoch seconds.
    pub created_at: i64,
    /// Kaltura's `updatedAt`, epoch seconds.
    pub updated_at: i64,
    /// Status 3.
    pub is_deleted: bool,
    /// The row as it came.
    pub object: ApiObject,
}

/// What a step through a window brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// Rows; those of the second at which the step began were there before.
    pub rows: Vec<Listed>,
    /// What is left to read: nothing when the window is done.
    pub next: Vec<Window>,
    /// Rows of the window still to come, as far as the server says.
    pub left: usize,
    /// Entries that no list can show, since too many are alike in everything a list can be narrowed by.
    pub unlisted: usize,
}

impl Window {
    /// Everything there is now, the recycle bin too.
    pub fn everything() -> Vec<Self> {
        [Shelf::Existing, Shelf::Recycled].map(|shelf| Self::of(shelf, Time::Created, None)).into()
    }

    /// What there is now of these entries, the recycle bin too; each row has these members as well.
    pub fn selected(narrowing: &Narrowing, members: &[String]) -> Vec<Self> {
        let choice = Choice::of(narrowing, members);
        let of = |window: Self| Self {
            from: narrowing.created_from,
            to: narrowing.created_to,
            choice: choice.clone(),
            ..window
        };
        Self::everything().into_iter().map(of).collect()
    }

    /// What was changed at or after `since` (epoch seconds), deleted and recycled entries among it.
    pub fn changed_since(since: i64) -> Vec<Self> {
        [Shelf::ExistingAndDeleted, Shelf::Recycled].map(|shelf| Self::of(shelf, Time::Updated, Some(since))).into()
    }

    fn of(shelf: Shelf, by: Time, from: Option<i64>) -> Self {
        Self {
            shelf,
            by,
            from,
            to: None,
            offset: Offset::default(),
            within: None,
            part: Part::default(),
            choice: Choice::default(),
        }
    }

    /// Two windows in its place, for two readers, when so many rows are worth it. The second begins half-way to `now`
    /// (epoch seconds), or to its end.
    pub fn halves(&self, rows: usize, now: i64) -> Option<[Self; 2]> {
        let from = self.from.filter(|_| self.within.is_none() && rows >= WORTH_HALVING)?;
        let middle = from + (self.to.unwrap_or(now) - from) / 2;
        let first = Self { to: Some(middle), ..self.clone() };
        let second = Self { from: Some(middle + 1), offset: Offset::default(), ..self.clone() };
        (middle > from && self.to.is_none_or(|to| middle < to)).then_some([first, second])
    }

    fn requests(&self) -> impl Iterator<Item = SubRequest> {
        let Pages { first, size } = self.offset.pages();
        (first..first + PAGES).map(move |page| self.rows(page, size))
    }

    fn rows(&self, page: usize, page_size: usize) -> SubRequest {
        let usual = ["id", "partnerId", "createdAt", "updatedAt", "status"];
        let further = self.choice.members.iter().map(String::as_str).filter(|member| !usual.contains(member));
        let fields = usual.into_iter().chain(further).collect::<Vec<_>>().join(",");
        let profile = json!({"objectType": "KalturaDetachedResponseProfile", "type": 1, "fields": fields});
        let pager = json!({"objectType": "KalturaFilterPager", "pageSize": page_size, "pageIndex": page});
        SubRequest::new(LIST, json!({"filter": self.filter(), "pager": pager, "responseProfile": profile}))
    }

    fn filter(&self) -> Value {
        let is_of_media = self.part.is_of_media() || self.choice.media_types.is_some();
        let class = if is_of_media { "KalturaMediaEntryFilter" } else { "KalturaBaseEntryFilter" };
        let chosen = |values: &Option<Vec<String>>| values.as_ref().map(|values| values.join(","));
        let status = self.part.status.clone().or_else(|| chosen(&self.choice.states));
        let status = status.unwrap_or_else(|| match self.shelf {
            Shelf::ExistingAndDeleted => format!("{},{DELETED}", STATES.join(",")),
            Shelf::Existing | Shelf::Recycled => STATES.join(","),
        });
        let mut filter = json!({
            "objectType": class,
            "statusIn": status,
            "moderationStatusIn": self.part.moderation.clone().unwrap_or_else(|| MODERATION.join(",")),
            "orderBy": format!("+{}", self.by.name()),
        });
        let mut narrow = |name: String, value: Value| filter[name] = value;
        if self.shelf == Shelf::Recycled {
            narrow("displayInSearchEqual".to_owned(), json!(RECYCLED));
        }
        let within = self.within.map(|(by, second)| (by, Some(second), Some(second)));
        for (by, from, to) in [(self.by, self.from, self.to)].into_iter().chain(within) {
            if let Some(from) = from.filter(|from| *from >= TEN_YEARS) {
                narrow(format!("{}GreaterThanOrEqual", by.name()), json!(from));
            }
            if let Some(to) = to.filter(|to| *to >= TEN_YEARS) {
                narrow(format!("{}LessThanOrEqual", by.name()), json!(to));
            }
        }
        if let Some(kind) = self.part.kind.clone().or_else(|| chosen(&self.choice.types)) {
            narrow("typeIn".to_owned(), json!(kind));
        }
        if let Some(media_type) = self.part.media_type.clone().or_else(|| chosen(&self.choice.media_types)) {
            narrow("mediaTypeIn".to_owned(), json!(media_type));
        }
        if let Some((shortest, longest)) = self.part.duration {
            narrow("durationGreaterThanOrEqual".to_owned(), json!(shortest));
            narrow("durationLessThanOrEqual".to_owned(), json!(longest));
        }
        filter
    }

    /// What these pages mean: the rows, and where to go on.
    fn step(&self, pages: Vec<Page>, rows: Vec<Listed>) -> Step {
        let total = pages.first().map_or(0, |page| page.total);
        let (next, unlisted) = match self.is_one_second() {
            true => self.after_second(&pages, total),
            false => (self.after(&pages, &rows), 0),
        };
        let left = if next.is_empty() { 0 } else { total.saturating_sub(self.offset.read + rows.len()) };
        Step { rows, next, left, unlisted }
    }

    fn after(&self, pages: &[Page], rows: &[Listed]) -> Vec<Self> {
        let (Some(first), Some(last)) = (pages.first(), pages.last()) else { return Vec::new() };
        let has_lost_some = self.may_lose_rows() && !first.objects.is_empty() && last.total < first.total;
        if last.objects.is_empty() && !has_lost_some {
            return Vec::new();
        }
        match self.reached(first, rows) {
            Some(newest) if self.from.is_none_or(|from| newest > from) => {
                vec![Self { from: Some(newest), ..self.clone() }]
            }
            _ => self.second_and_rest(),
        }
    }

    fn after_second(&self, pages: &[Page], total: usize) -> (Vec<Self>, usize) {
        match self.offset.after(pages) {
            None => (Vec::new(), 0),
            Some(offset) if offset.is_shown() => (vec![Self { offset, ..self.clone() }], 0),
            Some(_) => self.in_parts(total),
        }
    }

    fn is_one_second(&self) -> bool {
        self.from.is_some() && self.from == self.to
    }

    /// Whether an entry that is changed leaves it, or moves in it.
    fn may_lose_rows(&self) -> bool {
        self.by == Time::Updated || self.within.is_some_and(|(by, _)| by == Time::Updated)
    }

    /// Up to when it is read for certain. Where one is lost between two pages, another moves from the second to the first, which was
    /// listed before: only the first is vouched for.
    fn reached(&self, first: &Page, rows: &[Listed]) -> Option<i64> {
        let first = first.objects.len();
        let vouched_for = if self.may_lose_rows() && first > 0 { &rows[..first] } else { rows };
        vouched_for.iter().map(|row| self.by.of(row)).max()
    }

    /// The second that was reached, which fills a step, and what follows it.
    fn second_and_rest(&self) -> Vec<Self> {
        let second = self.from.unwrap_or(TEN_YEARS);
        let this = Self { from: Some(second), to: Some(second), ..self.clone() };
        let rest = self.to.is_none_or(|to| to > second);
        let rest = rest.then(|| Self { from: Some(second + 1), ..self.clone() });
        [this].into_iter().chain(rest).collect()
    }

    /// More entries than a list can show share this second: they are read in parts.
    fn in_parts(&self, total: usize) -> (Vec<Self>, usize) {
        let second = self.from.unwrap_or(TEN_YEARS);
        let this = Self { offset: Offset::default(), ..self.clone() };
        let parts: Vec<Self> = match self.within {
            None => vec![Self { by: self.by.other(), from: None, to: None, within: Some((self.by, second)), ..this }],
            Some(_) => self.part.parts(&self.choice).into_iter().map(|part| Self { part, ..this.clone() }).collect(),
        };
        let unlisted = if parts.is_empty() { total.saturating_sub(SHOWN_MAX) } else { 0 };
        (parts, unlisted)
    }
}

impl Part {
    fn is_of_media(&self) -> bool {
        self.media_type.is_some() || self.duration.is_some()
    }

    /// Smaller parts that are together as much as this one; none when it cannot be narrowed further.
    fn parts(&self, choice: &Choice) -> Vec<Self> {
        let each = |values: &[&str], chosen: &Option<Vec<String>>, set: fn(&mut Self, String)| {
            let is_chosen =
                |value: &&&str| chosen.as_ref().is_none_or(|chosen| chosen.iter().any(|one| one == **value));
            let with = |value: &&str| {
                let mut part = self.clone();
                set(&mut part, (*value).to_owned());
                part
            };
            values.iter().filter(is_chosen).map(with).collect()
        };
        match (&self.status, &self.kind, &self.moderation, &self.media_type) {
            (None, ..) => {
                each(&[&STATES[..], &[DELETED]].concat(), &choice.states, |part, value| part.status = Some(value))
            }
            (_, None, ..) => each(&TYPES, &choice.types, |part, value| part.kind = Some(value)),
            (_, _, None, _) => each(&MODERATION, &None, |part, value| part.moderation = Some(value)),
            (_, Some(kind), _, None) if kind == MEDIA_CLIP => {
                each(&MEDIA_TYPES, &choice.media_types, |part, value| part.media_type = Some(value))
            }
            (_, Some(kind), ..) if kind == MEDIA_CLIP => self.by_duration(),
            _ => Vec::new(),
        }
    }

    fn by_duration(&self) -> Vec<Self> {
        let (shortest, longest) = self.duration.unwrap_or((0, LONGEST));
        if shortest >= longest {
            return Vec::new();
        }
        let middle = shortest + (longest - shortest) / 2;
        let halves = [(shortest, middle), (middle + 1, longest)];
        halves.map(|duration| Self { duration: Some(duration), ..self.clone() }).into()
    }
}

impl Client {
    /// Reads the next step of each of these windows, at most [`WINDOWS_MAX`], with one request.
    ///
    /// Nothing of an answer is good unless its session is proven and every row is this account's.
    ///
    /// # Errors
    /// What kept any of it from coming; then nothing of the answer may be used.
    ///
    /// Source: `session.get`, `baseEntry.list`.
    pub async fn read_catalogue(&self, windows: &[Window]) -> Result<Vec<Step>, Error> {
        self.read_behind(Vec::new(), windows).await.map(|(_, steps)| steps)
    }

    /// The same of an account that has entries: an answer by which it has none is an index that has lost them, and what
    /// its other lists leave out means nothing.
    ///
    /// # Errors
    /// As [`Client::read_catalogue`].
    ///
    /// Source: `session.get`, `baseEntry.list`.
    pub async fn read_catalogue_of_some(&self, windows: &[Window]) -> Result<Vec<Step>, Error> {
        let any = Window::of(Shelf::Existing, Time::Created, None).rows(1, ANY);
        let (any, steps) = self.read_behind(vec![any], windows).await?;
        let has_any = any.iter().any(|page| !page.objects.is_empty());
        has_any
            .then_some(steps)
            .ok_or_else(|| unreadable("the list of all entries is empty, and there were some".to_owned()))
    }

    /// Proves the session, reads these pages, then a step of each window.
    async fn read_behind(&self, before: Vec<SubRequest>, windows: &[Window]) -> Result<(Vec<Page>, Vec<Step>), Error> {
        if windows.len() > WINDOWS_MAX {
            return Err(Error::Setup(format!("{CALL}: {} windows, at most {WINDOWS_MAX} fit", windows.len())));
        }
        let count = before.len();
        let mut requests = vec![SubRequest::new("session.get", json!({}))];
        requests.extend(before);
        requests.extend(windows.iter().flat_map(Window::requests));
        let mut outcomes = self.ask(CALL, &requests, Connection::Kept).await?.into_iter();
        let session = outcomes.next().ok_or_else(|| unreadable("it is empty".to_owned()))??.object()?;
        if let SessionProof::NotProven(why) = proof_of(&session, self.partner()) {
            return Err(unreadable(why));
        }
        let before = outcomes.by_ref().take(count).map(|answer| answer?.page()).collect::<Result<Vec<_>, _>>()?;
        let mut steps = Vec::with_capacity(windows.len());
        for window in windows {
            let answers: Vec<_> = outcomes.by_ref().take(PAGES).collect();
            let pages = answers.into_iter().map(|answer| answer?.page()).collect::<Result<Vec<_>, _>>()?;
            let rows = pages.iter().flat_map(|page| &page.objects).map(|row| read(row.clone(), self.partner()));
            let rows = rows.collect::<Result<Vec<_>, _>>()?;
            steps.push(window.step(pages, rows));
        }
        Ok((before, steps))
    }

    /// The ids in these windows, all of them, an entry perhaps twice.
    ///
    /// # Errors
    /// As [`Client::read_catalogue`].
    pub async fn list_ids(&self, mut windows: Vec<Window>) -> Result<Vec<EntryId>, Error> {
        let mut ids = Vec::new();
        while !windows.is_empty() {
            let some = windows.split_off(windows.len().saturating_sub(WINDOWS_MAX));
            for step in self.read_catalogue(&some).await? {
                ids.extend(step.rows.into_iter().map(|row| row.id));
                windows.extend(step.next);
            }
        }
        Ok(ids)
    }

    /// How many entries the lists name in these windows. An estimate, since the index they come from is some seconds
    /// behind.
    ///
    /// # Errors
    /// As [`Client::read_catalogue`].
    ///
    /// Source: `baseEntry.list`.
    pub async fn count_catalogue(&self, windows: &[Window]) -> Result<usize, Error> {
        let requests: Vec<_> = windows.iter().map(|window| window.rows(1, PAGE_SIZE)).collect();
        let mut total = 0;
        for answer in self.ask(CALL, &requests, Connection::Kept).await? {
            total += answer?.page()?.total;
        }
        Ok(total)
    }
}

/// A row without a time counts as the oldest there can be.
fn read(row: Value, partner: PartnerId) -> Result<Listed, Error> {
    let row: ApiObject = as_object(row).ok_or_else(|| unreadable("a row that is no object".to_owned()))?;
    let id = row.get("id").and_then(api_value::scalar).unwrap_or_default();
    let id: EntryId = id.parse().map_err(|error| unreadable(format!("id {id:?}: {error}")))?;
    match api_value::integer(&row, "partnerId") {
        Some(owner) if owner != partner.0 => return Err(unreadable(format!("entry {id} is one of partner {owner}"))),
        _ => {}
    }
    let time = |name| api_value::integer(&row, name).unwrap_or(0);
    let is_deleted = api_value::text(&row, "status").as_deref() == Some(DELETED);
    Ok(Listed { created_at: time("createdAt"), updated_at: time("updatedAt"), is_deleted, id, object: row })
}

fn unreadable(why: String) -> Error {
    Error::Unreadable { call: LIST, why }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const BEGAN: i64 = 1_700_000_000;

    /// An entry as lists see it.
    #[derive(Clone)]
    struct Row {
        id: usize,
        created: i64,
        updated: i64,
        status: &'static str,
        kind: &'static str,
        duration: i64,
    }

    fn rows(count: usize, make: impl Fn(usize) -> Row) -> Vec<Row> {
        (0..count).map(make).collect()
    }

    fn plain(id: usize) -> Row {
        Row { id, created: BEGAN, updated: BEGAN, status: "2", kind: "1", duration: 0 }
    }

    impl Row {
        fn time(&self, name: &str) -> i64 {
            if name.starts_with("createdAt") { self.created } else { self.updated }
        }

        fn matches(&self, filter: &Value) -> bool {
            let names = |name: &str, value: &str| {
                filter[name].as_str().is_none_or(|list| list.split(',').any(|one| one == value))
            };
            let within = |name: &str, value: i64| {
                let from = filter[format!("{name}GreaterThanOrEqual")].as_i64();
                let to = filter[format!("{name}LessThanOrEqual")].as_i64();
                from.is_none_or(|from| value >= from) && to.is_none_or(|to| value <= to)
            };
            names("statusIn", self.status)
                && names("typeIn", self.kind)
                && names("moderationStatusIn", "2")
                && names("mediaTypeIn", "1")
                && within("createdAt", self.created)
                && within("updatedAt", self.updated)
                && within("duration", self.duration)
        }
    }

    /// A list with Kaltura's limits: what it answers to one page.
    fn answer(all: &[Row], request: &SubRequest) -> Page {
        let (filter, pager) = (&request.params["filter"], &request.params["pager"]);
        let order = filter["orderBy"].as_str().unwrap().trim_start_matches('+');
        let mut matches: Vec<&Row> = all.iter().filter(|row| row.matches(filter)).collect();
        matches.sort_by_key(|row| (row.time(order), row.id));
        let [index, size] =
            ["pageIndex", "pageSize"].map(|name| usize::try_from(pager[name].as_u64().unwrap()).unwrap());
        assert!(index * size <= 10_000, "a page beyond the window is refused");
        let shown = matches.iter().skip((index - 1) * size).take(size);
        let object = |row: &&Row| json!({"id": format!("0_{:08}", row.id), "partnerId": 102, "createdAt": row.created, "updatedAt": row.updated});
        Page { objects: shown.map(object).collect(), total: matches.len() }
    }

    /// Reads these windows to their end; says which entries came, by how many steps, and how many could not be listed.
    fn walk(all: &[Row], open: Vec<Window>) -> (BTreeSet<EntryId>, usize, usize) {
        walk_while(all.to_vec(), open, |_, _| {})
    }

    /// The same while something happens to the account after each page, with what was met by then.
    fn walk_while(
        mut all: Vec<Row>,
        mut open: Vec<Window>,
        mut happens: impl FnMut(&mut [Row], &BTreeSet<EntryId>),
    ) -> (BTreeSet<EntryId>, usize, usize) {
        let (mut met, mut steps, mut unlisted) = (BTreeSet::new(), 0, 0);
        while let Some(window) = open.pop() {
            let pages = window.requests().map(|request| {
                happens(&mut all, &met);
                answer(&all, &request)
            });
            let pages: Vec<_> = pages.collect();
            let listed = pages.iter().flat_map(|page| &page.objects);
            let listed = listed.map(|row| read(row.clone(), PartnerId(102)).unwrap()).collect();
            // As it is kept between two steps.
            let window: Window = serde_json::from_str(&serde_json::to_string(&window).unwrap()).unwrap();
            let mut step = window.step(pages, listed);
            met.extend(step.rows.into_iter().map(|row| row.id));
            if let [only] = step.next.as_slice()
                && let Some(halves) = only.halves(step.left, BEGAN + 10_000)
            {
                step.next = halves.into();
            }
            open.extend(step.next);
            (steps, unlisted) = (steps + 1, unlisted + step.unlisted);
            assert!(steps < 10_000, "it comes to an end");
        }
        (met, steps, unlisted)
    }

    fn existing() -> Vec<Window> {
        vec![Window::of(Shelf::Existing, Time::Created, None)]
    }

    #[test]
    fn every_entry_is_met_however_many_there_are_and_whichever_windows_are_halved() {
        for count in [0, 1, 499, 500, 501, 1000, 1001, 25_000] {
            let all = rows(count, |id| Row { created: BEGAN + id as i64 / 3, ..plain(id) });
            let (met, steps, unlisted) = walk(&all, existing());
            assert_eq!((met.len(), unlisted), (count, 0));
            assert!(steps <= 2 + count / 300, "{steps} steps for {count}");
        }
    }

    #[test]
    fn a_second_that_holds_more_than_a_list_can_show_is_read_by_the_other_time() {
        let all = rows(50_000, |id| Row { updated: BEGAN + id as i64 / 100, ..plain(id) });
        assert_eq!(walk(&all, existing()).0.len(), 50_000);
        let changed = rows(50_000, |id| Row { created: BEGAN - id as i64 / 100, ..plain(id) });
        assert_eq!(
            walk(&changed, vec![Window::of(Shelf::ExistingAndDeleted, Time::Updated, Some(BEGAN))]).0.len(),
            50_000
        );
    }

    #[test]
    fn what_is_marked_while_its_second_is_read_hides_nothing_that_is_still_to_come() {
        const COUNT: usize = 6_000;
        let ids: Vec<EntryId> = (0..COUNT).map(|id| format!("0_{id:08}").parse().unwrap()).collect();
        for (seconds, marked_a_page) in [(1, 1), (1, 400), (1, 2_000), (3, 250), (40, 60), (40, 20)] {
            let changed = rows(COUNT, |id| Row { updated: BEGAN + id as i64 * seconds / COUNT as i64, ..plain(id) });
            let open = vec![Window::of(Shelf::ExistingAndDeleted, Time::Updated, Some(BEGAN))];
            let (met, steps, unlisted) = walk_while(changed, open, |all, met| {
                let found = all.iter_mut().rev().filter(|row| row.updated < BEGAN + 50 && met.contains(&ids[row.id]));
                found.take(marked_a_page).for_each(|row| row.updated = BEGAN + 100);
            });
            assert_eq!((met.len(), unlisted), (COUNT, 0), "{seconds} seconds, {marked_a_page} marked a page");
            assert!(steps < 60, "{seconds} seconds, {marked_a_page} marked a page: {steps} steps");
        }
    }

    #[test]
    fn totals_that_go_up_and_down_end_all_the_same() {
        let page = |total| Page { objects: vec![json!({}); PAGE_SIZE], total };
        let (mut offset, mut read) = (Offset::default(), Vec::new());
        for total in [5_000, 4_400].into_iter().cycle().take(12) {
            offset = offset.after(&[page(total), page(total)]).unwrap();
            read.push(offset.read);
        }
        assert_eq!(read[..4], [1_000, 400, 1_000, 1_400]);
        assert!(read[1..].is_sorted() && read[11] > 4_400, "{read:?}");
    }

    #[test]
    fn entries_alike_in_both_times_are_read_in_parts() {
        let all = rows(50_000, |id| Row {
            status: if id.is_multiple_of(5) { "7" } else { "2" },
            kind: if id.is_multiple_of(3) { "7" } else { "1" },
            duration: id as i64 % 2000,
            ..plain(id)
        });
        let before = rows(700, |id| Row { created: BEGAN - 1, ..plain(60_000 + id) });
        let after = rows(700, |id| Row { created: BEGAN + 1, ..plain(70_000 + id) });
        let (met, _, unlisted) = walk(&[all, before, after].concat(), existing());
        // Of live streams, 13,334 are ready in one second, and no list can tell them apart further.
        assert_eq!(met.len() + unlisted, 51_400);
        assert_eq!(unlisted, 13_333 - 10_000);
    }

    #[test]
    fn entries_alike_in_everything_are_counted_and_end_nothing() {
        let all = rows(12_000, plain);
        let later = rows(10, |id| Row { created: BEGAN + 5, ..plain(20_000 + id) });
        let (met, _, unlisted) = walk(&[all, later].concat(), existing());
        assert_eq!((met.len(), unlisted), (10_010, 2_000));
    }

    #[test]
    fn a_short_page_is_not_the_end_and_an_empty_one_is() {
        let window = Window::of(Shelf::Existing, Time::Created, Some(BEGAN));
        let listed = |id: usize| json!({"id": format!("0_{id:08}"), "createdAt": BEGAN + id as i64});
        let page = |ids: std::ops::Range<usize>| Page { objects: ids.map(listed).collect(), total: 9 };
        let step = |pages: Vec<Page>| {
            let rows =
                pages.iter().flat_map(|page| &page.objects).map(|row| read(row.clone(), PartnerId(102)).unwrap());
            let rows = rows.collect();
            window.step(pages, rows)
        };
        assert_eq!(step(vec![page(0..3), page(3..5)]).next[0].from, Some(BEGAN + 4));
        assert!(step(vec![page(0..5), page(0..0)]).next.is_empty());
    }

    #[test]
    fn no_time_is_asked_for_that_would_be_taken_as_relative_to_now() {
        let filter = Window::of(Shelf::Recycled, Time::Updated, Some(0)).filter();
        assert!(filter.get("updatedAtGreaterThanOrEqual").is_none());
        assert_eq!(filter["displayInSearchEqual"], -2);
        let since = Window::changed_since(BEGAN)[0].filter();
        assert_eq!(since["updatedAtGreaterThanOrEqual"], BEGAN);
        assert_eq!(since["statusIn"], "-2,-1,0,1,2,4,5,6,7,3");
    }

    #[test]
    fn a_selection_narrows_what_lists_are_asked_for_by_values_every_server_knows() {
        let values = |values: &[&str]| Some(values.iter().map(|value| (*value).to_owned()).collect());
        let narrowing = Narrowing {
            types: values(&["1", "7"]),
            media_types: values(&["5", "204"]),
            states: values(&["2", "7"]),
            created_from: Some(BEGAN),
            created_to: Some(BEGAN + 9),
        };
        let windows = Window::selected(&narrowing, &["tags".to_owned(), "id".to_owned()]);
        let filter = windows[0].filter();
        for (member, value) in [
            ("objectType", json!("KalturaMediaEntryFilter")),
            ("typeIn", json!("1,7")),
            ("mediaTypeIn", json!("5,204")),
            ("statusIn", json!("2,7")),
            ("createdAtGreaterThanOrEqual", json!(BEGAN)),
            ("createdAtLessThanOrEqual", json!(BEGAN + 9)),
        ] {
            assert_eq!(filter[member], value, "{member}");
        }
        assert_eq!(windows[1].filter()["displayInSearchEqual"], -2);
        let fields = windows[0].rows(1, PAGE_SIZE).params["responseProfile"]["fields"].clone();
        assert_eq!(fields, "id,partnerId,createdAt,updatedAt,status,tags");
        // Where a second has too many, each part is one of those that were chosen.
        let parts = Part::default().parts(&windows[0].choice);
        assert_eq!(parts.iter().map(|part| part.status.as_deref().unwrap()).collect::<Vec<_>>(), ["2", "7"]);

        let odd = Narrowing { types: values(&["1", "plugin.Type"]), states: values(&["3"]), ..Narrowing::default() };
        let filter = Window::selected(&odd, &[])[0].filter();
        assert!(filter.get("typeIn").is_none());
        assert_eq!(filter["statusIn"], STATES.join(","));
        let kept = serde_json::to_string(&windows[0]).unwrap();
        assert_eq!(serde_json::from_str::<Window>(&kept).unwrap(), windows[0]);
    }

    #[test]
    fn another_accounts_entry_is_no_row() {
        assert!(read(json!({"id": "0_abcd1234", "partnerId": 103}), PartnerId(102)).is_err());
    }
}
