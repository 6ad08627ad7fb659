//! What is printed, and the floors that must hold.

use std::time::Duration;

/// The time below which this share of the runs stayed; they are sorted.
pub fn percentile(latencies: &[Duration], share: f64) -> Duration {
    latencies.get(((latencies.len().max(1) - 1) as f64 * share) as usize).copied().unwrap_or_default()
}

/// Milliseconds.
pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// `p50 / p99` in milliseconds, or a dash when nothing was measured.
pub fn pair(latencies: &[Duration]) -> String {
    if latencies.is_empty() {
        return "–".to_owned();
    }
    format!("{:.2} / {:.2}", millis(percentile(latencies, 0.5)), millis(percentile(latencies, 0.99)))
}

/// Figures that were promised.
#[derive(Default)]
pub struct Floors {
    pub missed: bool,
}

impl Floors {
    pub fn at_least(&mut self, name: &str, found: f64, floor: f64) {
        self.tell(name, found, "at least", floor, found >= floor);
    }

    pub fn at_most(&mut self, name: &str, found: f64, ceiling: f64) {
        self.tell(name, found, "at most", ceiling, found <= ceiling);
    }

    fn tell(&mut self, name: &str, found: f64, relation: &str, bound: f64, kept: bool) {
        self.missed |= !kept;
        let verdict = if kept { "kept" } else { "MISSED" };
        println!("{name:<46} {found:>12.2}   {relation} {bound:<8} {verdict}");
    }
}
