//! Tells on the terminal what the daemon does, from the same events that its log is made of: those that have a `step`.

use std::fmt::{Debug, Write as _};
use std::io::{Write as _, stdout};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Listens from now on. A second start in one process changes nothing.
pub(super) fn start(speaks: bool, in_colour: bool) {
    if speaks {
        let narrator = Narrator { in_colour }.with_filter(LevelFilter::DEBUG);
        let _ = tracing_subscriber::registry().with(narrator).try_init();
    }
}

/// A heading of the story.
pub(super) fn chapter(title: &str) {
    tracing::info!(step = "chapter", "{title}");
}

struct Narrator {
    in_colour: bool,
}

impl<S: Subscriber> Layer<S> for Narrator {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut told = Told::default();
        event.record(&mut told);
        let is_trouble =
            *event.metadata().level() <= Level::WARN && event.metadata().target().starts_with("kaltura_mirror");
        let step = match told.step {
            Some(step) => step,
            None if is_trouble => "trouble".to_owned(),
            None => return,
        };
        // Nobody may be reading any more; the story goes on all the same.
        let _ = writeln!(stdout().lock(), "{}", self.line(&step, &told.message));
    }
}

impl Narrator {
    fn line(&self, step: &str, message: &str) -> String {
        if step == "chapter" {
            return if self.in_colour { format!("\n\x1b[1m{message}\x1b[0m") } else { format!("\n{message}") };
        }
        let label = step.replace('_', " ");
        match colour(step) {
            Some(colour) if self.in_colour => format!("  \x1b[{colour}m{label:<16}\x1b[0m {message}"),
            _ => format!("  {label:<16} {message}"),
        }
    }
}

/// Green for what visitors see, blue for what goes back to Kaltura, yellow for what is kept back, red for what is wrong.
fn colour(step: &str) -> Option<u8> {
    match step {
        "mirrored" | "thumbnail" => Some(32),
        "marked" | "told" => Some(34),
        "editor" => Some(35),
        "verified" | "decided" | "reader" => Some(36),
        "withheld" | "skipped" | "no_thumbnail" | "thumbnail_later" => Some(33),
        "rejected" | "not_marked" | "trouble" | "lost" => Some(31),
        _ => None,
    }
}

#[derive(Default)]
struct Told {
    step: Option<String>,
    message: String,
}

impl Visit for Told {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "step" {
            self.step = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            let _ = write!(self.message, "{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_step_in_front_and_colour_only_on_a_terminal() {
        assert_eq!(Narrator { in_colour: false }.line("no_thumbnail", "x"), "  no thumbnail     x");
        assert_eq!(Narrator { in_colour: true }.line("mirrored", "x"), "  \x1b[32mmirrored        \x1b[0m x");
    }
}
