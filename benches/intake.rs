//! How many notifications a second are received, verified and committed, beside what the machine could do at best.
//!
//! Three loads in one run, the load generator on the same cores: an HTTP handler that only reads the same body, the
//! real path (verify, every table of `accept`, answered when the disk has it), and a bare SQLite loop
//! that commits the same rows in batches of 256. A round has one of each, one after the other, the loop about as long as
//! the real path, and the median of the rounds' ratios is taken, so that a busy machine slows all of them alike. Exits
//! with 1 when a floor is missed.
//!
//! At a quarter of the load, p99 is that of the middle quarter of a second. A virtual machine that runs at a tenth of its
//! speed for a few hundredths of every second makes anything wait that needs a quarter of it or more; so
//! beside it stand p99 of the whole time, and that of the handler that only reads, at a quarter of its own load.
//!
//! `cargo bench --bench intake`; `INTAKE_BENCH_REQUESTS` sets the size of one load (20,000).
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "intake/bare_sqlite.rs"]
mod bare_sqlite;
#[path = "intake/load.rs"]
mod load;
#[path = "intake/server.rs"]
mod server;

use std::process::ExitCode;
use std::time::Duration;

use kaltura_mirror::domain::ids::{NotificationId, PartnerId};
use kaltura_mirror::domain::secret::AdminSecret;
use kaltura_mirror::simulator::sender::form;
use kaltura_mirror::simulator::sender::job::Job;

use load::{Load, Run};
use server::Daemon;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const PARTNER: PartnerId = PartnerId(102);
const ROUNDS: usize = 9;
const MANY: usize = 256;
const CONNECTIONS: [usize; 2] = [64, MANY];
/// How long a round at a quarter of the load takes, and what p99 is taken of.
const OPEN: Duration = Duration::from_secs(3);
const SLICE: Duration = Duration::from_millis(250);

fn main() -> ExitCode {
    let requests = std::env::var("INTAKE_BENCH_REQUESTS").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000);
    let mut bodies = Bodies { next: 1 };
    let daemon = Daemon::start();
    let mut floors = Floors::default();

    println!("{requests} notifications of {} bytes a load, {ROUNDS} rounds, median\n", bodies.take(1)[0].len());
    daemon.run(Load { path: "/notifications", connections: 64, bodies: bodies.take(2_000), rate: None });

    println!("{:<34} {:>12} {:>10} {:>10}", "closed loop", "requests/s", "p50 ms", "p99 ms");
    let (mut of_bare, mut of_loop, mut loops) = (Vec::new(), Vec::new(), Vec::new());
    let (mut read, mut accepted) = (Vec::new(), Vec::new());
    for connections in CONNECTIONS {
        let (mut bare, mut accept, mut shares) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let mut run = |path| daemon.run(Load { path, connections, bodies: bodies.take(requests), rate: None });
            let (by_bare, by_accept) = (run("/bare"), run("/notifications"));
            shares.push(by_accept.rate() / by_bare.rate());
            if connections == MANY {
                let bare_loop = bare_sqlite::rows_a_second(&bodies.take(2 * requests));
                of_loop.push(by_accept.rate() / bare_loop);
                loops.push(bare_loop);
            }
            bare.push(by_bare);
            accept.push(by_accept);
        }
        let (bare, accept) = (median(bare), median(accept));
        report(&format!("bare handler, {connections} connections"), &bare);
        report(&format!("accepted, {connections} connections"), &accept);
        of_bare.push(middle(shares));
        read.push(bare.rate());
        accepted.push(accept.rate());
    }
    println!("{:<34} {:>12.0}", "bare SQLite loop, batches of 256", middle(loops));

    println!(
        "\n{:<34} {:>12} {:>10} {:>10} {:>10}",
        "open loop, a quarter of that", "requests/s", "p50 ms", "p99 ms", "by slice"
    );
    let mut open = |name: &str, path, load: f64| {
        let rate = load / 4.0;
        let mut runs: Vec<Run> = (0..ROUNDS)
            .map(|_| {
                let bodies = bodies.take((rate * OPEN.as_secs_f64()) as usize);
                daemon.run(Load { path, connections: 64, bodies, rate: Some(rate) })
            })
            .collect();
        let by_slice = middle(runs.iter().flat_map(|run| run.percentiles(SLICE, 0.99)).map(in_millis).collect());
        runs.sort_by(|one, other| p99(one).total_cmp(&p99(other)));
        let run = &runs[ROUNDS / 2];
        println!("{name:<34} {:>12.0} {:>10.2} {:>10.2} {by_slice:>10.2}", run.rate(), millis(run, 0.5), p99(run));
        by_slice
    };
    open("bare handler, a quarter of its own", "/bare", read[0]);
    open("bare handler", "/bare", accepted[0]);
    let open = open("accepted", "/notifications", accepted[0]);

    println!();
    floors.at_least("share of the bare handler, 64", of_bare[0], 0.15);
    floors.at_least("share of the bare handler, 256", of_bare[1], 0.2);
    floors.at_least("share of the bare SQLite loop", middle(of_loop), 0.5);
    floors.at_least("accepted a second, 64", accepted[0], 5_000.0);
    floors.at_least("accepted a second, 256", accepted[1], 5_000.0);
    floors.below("p99 at a quarter load, ms", open, 10.0);
    daemon.stop();
    if floors.missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Notifications no two of which are the same, over 20,000 entries, signed by the stand-in sender.
struct Bodies {
    next: i64,
}

impl Bodies {
    fn take(&mut self, count: usize) -> Vec<String> {
        let first = self.next;
        self.next += i64::try_from(count).unwrap();
        (first..self.next).map(body).collect()
    }
}

fn body(number: i64) -> String {
    let fields = [
        ("name", "A walk through the old town, part two"),
        ("tags", "city, history, walk"),
        ("search_text", "_PAR_ONLY_ _102_ _MEDIA_TYPE_1| A walk through the old town, part two city, history, walk "),
        ("media_type", "1"),
        ("length_in_msecs", "61234"),
        ("permissions", "1"),
        ("thumbnail_url", "https://kaltura.example/p/102/sp/10200/thumbnail/entry_id/1_82h0a7l2/version/100012"),
        ("kshow_id", ""),
        ("group_id", ""),
        ("partner_data", ""),
        ("status", "2"),
        ("width", "640"),
        ("height", "360"),
        ("data_url", "https://kaltura.example/p/102/sp/10200/flvclipper/entry_id/1_82h0a7l2/version/0"),
        ("download_url", "https://kaltura.example/p/102/sp/10200/raw/entry_id/1_82h0a7l2/version/0"),
        ("download_size", "0"),
        ("media_date", ""),
        ("moderation_status", "6"),
        ("ks_data", ""),
    ];
    let entry = format!("1_{:08}", number % 20_000);
    let job = Job::about_entry(NotificationId(number), PARTNER, "entry_update", &entry).with_fields(fields);
    form::body_single(&job, &AdminSecret::new(SECRET))
}

fn report(name: &str, run: &Run) {
    println!("{name:<34} {:>12.0} {:>10.2} {:>10.2}", run.rate(), millis(run, 0.5), p99(run));
}

fn p99(run: &Run) -> f64 {
    millis(run, 0.99)
}

fn millis(run: &Run, share: f64) -> f64 {
    in_millis(run.percentile(share))
}

fn in_millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn median(mut runs: Vec<Run>) -> Run {
    runs.sort_by(|one, other| one.rate().total_cmp(&other.rate()));
    runs.swap_remove(runs.len() / 2)
}

fn middle(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

#[derive(Default)]
struct Floors {
    missed: bool,
}

impl Floors {
    fn at_least(&mut self, name: &str, found: f64, floor: f64) {
        self.tell(name, found, "at least", floor, found >= floor);
    }

    fn below(&mut self, name: &str, found: f64, ceiling: f64) {
        self.tell(name, found, "below", ceiling, found < ceiling);
    }

    fn tell(&mut self, name: &str, found: f64, relation: &str, bound: f64, kept: bool) {
        self.missed |= !kept;
        let verdict = if kept { "kept" } else { "MISSED" };
        println!("{name:<34} {found:>12.2}   {relation} {bound:<8} {verdict}");
    }
}

/// Long enough for any load; a load that takes longer has hung.
pub const PATIENCE: Duration = Duration::from_secs(120);
