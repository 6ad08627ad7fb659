//! Outage scripts: what goes wrong with the account, and when, as lines of a text file.
//!
//! ```text
//! # a bad morning
//! at 10s: down for 60s
//! at 30s: change 500
//! at 30s: delete 20
//! at 2m: limit 5
//! at 3m: lag 45s
//! at 5m: heal
//! ```
//!
//! Times count from the start of the script on the account's clock. Blank lines and what follows a `#` mean nothing.

use std::time::Duration;

use crate::domain::clock::Timestamp;
use crate::domain::ids::{EntryId, PartnerId};

use super::faults::{Fault, When};
use super::handle::Simulator;

/// Whose objects `foreign` shows: an account that is not the one asked.
const STRANGER: PartnerId = PartnerId(999_999);

/// What a line may ask for, as errors and help tell it.
pub const STEPS: &str = "down|hang|empty|bad-session|foreign|blocked for TIME, limit N, unlimited, lag TIME, change N, \
                         delete N, recycle N, heal";

/// A script, on its way from its first line to its last.
#[derive(Debug)]
pub struct Script {
    /// By time; those of the same time as they stand in the file.
    steps: Vec<Step>,
    played: usize,
    started: Timestamp,
    /// The entry that was changed last: the next change goes on behind it.
    changed: Option<EntryId>,
    /// The same of a generated catalogue: the number that comes next.
    next_generated: u64,
}

#[derive(Debug)]
struct Step {
    at: Duration,
    line: usize,
    deed: Deed,
}

#[derive(Debug, Clone, PartialEq)]
enum Deed {
    Fault { word: String, fault: FaultKind, lasting: Duration },
    Limit(Option<u32>),
    Lag(Duration),
    Change(usize),
    Delete(usize),
    Recycle(usize),
    Heal,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum FaultKind {
    Down,
    Hang,
    Empty,
    BadSession,
    Foreign,
    Blocked,
}

/// A line that is not understood: which, why, and what it could be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct Error {
    line: usize,
    why: String,
}

impl Script {
    /// Reads a script; its time begins at `started`.
    ///
    /// # Errors
    /// The first line that is not understood.
    pub fn parse(text: &str, started: Timestamp) -> Result<Self, Error> {
        let mut steps = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if !line.is_empty() {
                let number = index + 1;
                let (at, deed) = step(line).map_err(|why| Error { line: number, why })?;
                steps.push(Step { at, line: number, deed });
            }
        }
        steps.sort_by_key(|step| step.at);
        Ok(Self { steps, played: 0, started, changed: None, next_generated: 0 })
    }

    /// Does what is due by the account's clock, and tells of each step in a line.
    pub fn play(&mut self, kaltura: &Simulator) -> Vec<String> {
        let now = kaltura.read(|account| account.clock.now());
        let mut told = Vec::new();
        while let Some(step) = self.steps.get(self.played) {
            if self.started.plus(step.at) > now {
                break;
            }
            let (at, line, deed) = (step.at.as_secs(), step.line, step.deed.clone());
            self.played += 1;
            told.push(format!("script line {line}, at {at}s: {}", self.carry_out(kaltura, deed, now)));
        }
        told
    }

    /// How many steps are still to come.
    pub fn left(&self) -> usize {
        self.steps.len() - self.played
    }

    fn carry_out(&mut self, kaltura: &Simulator, deed: Deed, now: Timestamp) -> String {
        match deed {
            Deed::Fault { word, fault, lasting } => {
                kaltura.fault(When::any().until(now.plus(lasting)), fault.fault());
                format!("{word} for {}s", lasting.as_secs())
            }
            Deed::Limit(limit) => {
                kaltura.limit_rate(limit);
                limit.map_or_else(|| "no limit".to_owned(), |limit| format!("at most {limit} requests a second"))
            }
            Deed::Lag(lag) => {
                kaltura.set_index_lag(lag);
                format!("lists are {}s behind", lag.as_secs())
            }
            Deed::Change(wanted) => {
                let ids = self.next_entries(kaltura, wanted);
                for id in &ids {
                    kaltura.update_entry(id, |entry| entry.name.push_str(" (edited)"));
                }
                format!("{} entries changed", ids.len())
            }
            Deed::Delete(wanted) => {
                let ids = self.next_entries(kaltura, wanted);
                ids.iter().for_each(|id| kaltura.delete_entry(id));
                format!("{} entries deleted", ids.len())
            }
            Deed::Recycle(wanted) => {
                let ids = self.next_entries(kaltura, wanted);
                ids.iter().for_each(|id| kaltura.recycle_entry(id));
                format!("{} entries recycled", ids.len())
            }
            Deed::Heal => {
                kaltura.heal();
                "everything goes right again".to_owned()
            }
        }
    }

    /// The living entries that come next, from the first again after the last; each at most once. Where there is a generated
    /// catalogue, those are its entries.
    fn next_entries(&mut self, kaltura: &Simulator, wanted: usize) -> Vec<EntryId> {
        if let Some(ids) = self.next_of_catalogue(kaltura, wanted) {
            return ids;
        }
        let mut ids: Vec<EntryId> = kaltura.read(|account| {
            let living = account.entries.values().filter(|entry| !entry.is_deleted());
            living.map(|entry| entry.id.clone()).collect()
        });
        let first = self.changed.as_ref().map_or(0, |last| ids.partition_point(|id| id <= last));
        ids.rotate_left(first);
        ids.truncate(wanted);
        if let Some(last) = ids.last() {
            self.changed = Some(last.clone());
        }
        ids
    }
}

impl Script {
    fn next_of_catalogue(&mut self, kaltura: &Simulator, wanted: usize) -> Option<Vec<EntryId>> {
        kaltura.read(|account| {
            let generated = account.generated.as_ref()?;
            let entries = generated.plan().entries;
            let is_living = |id: &EntryId| account.entries.get(id).is_none_or(|entry| !entry.is_deleted());
            let mut ids = Vec::new();
            for _ in 0..entries {
                if ids.len() == wanted {
                    break;
                }
                let id = generated.id(self.next_generated % entries);
                self.next_generated += 1;
                if is_living(&id) {
                    ids.push(id);
                }
            }
            Some(ids)
        })
    }
}

impl FaultKind {
    fn named(word: &str) -> Option<Self> {
        Some(match word {
            "down" => Self::Down,
            "hang" => Self::Hang,
            "empty" => Self::Empty,
            "bad-session" => Self::BadSession,
            "foreign" => Self::Foreign,
            "blocked" => Self::Blocked,
            _ => return None,
        })
    }

    fn fault(self) -> Fault {
        match self {
            Self::Down => Fault::Http(503),
            Self::Hang => Fault::Hang,
            Self::Empty => Fault::Omit,
            Self::BadSession => Fault::InvalidKs,
            Self::Foreign => Fault::OtherOwner(STRANGER),
            Self::Blocked => Fault::ActionBlocked,
        }
    }
}

/// One line: `at TIME: STEP`.
fn step(line: &str) -> Result<(Duration, Deed), String> {
    let form = || format!("{line:?} is no step; write \"at TIME: STEP\", for example \"at 10s: down for 60s\"");
    let (at, deed) = line.strip_prefix("at ").and_then(|rest| rest.split_once(':')).ok_or_else(form)?;
    Ok((duration(at.trim())?, deed_of(deed.trim())?))
}

fn deed_of(text: &str) -> Result<Deed, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        ["heal"] => Ok(Deed::Heal),
        ["unlimited"] => Ok(Deed::Limit(None)),
        ["limit", number] => Ok(Deed::Limit(Some(count(number)?))),
        ["lag", time] => Ok(Deed::Lag(duration(time)?)),
        ["change", number] => Ok(Deed::Change(count(number)?)),
        ["delete", number] => Ok(Deed::Delete(count(number)?)),
        ["recycle", number] => Ok(Deed::Recycle(count(number)?)),
        [word, "for", time] => match FaultKind::named(word) {
            Some(fault) => Ok(Deed::Fault { word: (*word).to_owned(), fault, lasting: duration(time)? }),
            None => Err(format!("there is no fault {word:?}; what can be asked for: {STEPS}")),
        },
        _ => Err(format!("{text:?} is not understood; what can be asked for: {STEPS}")),
    }
}

fn count<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("{text:?} is no number; write one like 500"))
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no time; write one like 10s, 5m or 2h");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        _ => return Err(wrong()),
    };
    let number: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    Ok(Duration::from_secs(u64::from(number) * factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        Script::parse(text, Timestamp::from_secs(0)).unwrap_err().to_string()
    }

    #[test]
    fn a_line_that_is_not_understood_is_named_with_its_cure() {
        assert_eq!(refusal("\n# fine\nat 10: heal"), "line 3: \"10\" is no time; write one like 10s, 5m or 2h");
        assert!(refusal("at 1s: heal\nat 2s: fly for 3s").starts_with("line 2: there is no fault \"fly\"; what can"));
        assert_eq!(refusal("at 1s: change many"), "line 1: \"many\" is no number; write one like 500");
        assert!(refusal("down for 3s").contains("write \"at TIME: STEP\""));
        assert!(refusal("at 1s: down").contains("what can be asked for: down|hang"));
    }
}
