//! Things that happen between two calls: how a test lets an editor act at the worst moment.

use super::state::SimAccount;

/// Before or after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before it is executed.
    Before,
    /// After it was executed, before the next call (also within a multirequest).
    After,
}

type Happening = Box<dyn FnOnce(&mut SimAccount) + Send>;

struct Trigger {
    moment: Moment,
    call: String,
    /// How many such calls pass before it happens.
    skip: u32,
    happening: Option<Happening>,
}

/// What is to happen, each thing once.
#[derive(Default)]
pub struct Triggers(Vec<Trigger>);

impl Triggers {
    /// Lets something happen at the `nth` such call (from 1).
    pub fn plan(&mut self, moment: Moment, call: &str, nth: u32, happening: Happening) {
        let call = call.to_owned();
        self.0.push(Trigger { moment, call, skip: nth.saturating_sub(1), happening: Some(happening) });
    }

    /// Takes out what happens now.
    pub fn due(&mut self, moment: Moment, call: &str) -> Vec<Happening> {
        let mut due = Vec::new();
        for trigger in self.0.iter_mut().filter(|one| one.moment == moment && one.call.eq_ignore_ascii_case(call)) {
            if trigger.skip > 0 {
                trigger.skip -= 1;
            } else {
                due.extend(trigger.happening.take());
            }
        }
        self.0.retain(|trigger| trigger.happening.is_some());
        due
    }

    /// How many have not happened yet.
    pub fn left(&self) -> usize {
        self.0.len()
    }

    /// Forgets what has not happened.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}
