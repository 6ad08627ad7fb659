//! How fast an account is read into the mirror: listed, looked at, saved, indexed.
//!
//! A stand-in Kaltura in this process makes the account up as it is asked; the program serves beside it, and `kaltura-mirror
//! backfill` orders the reading. All share the machine's cores, so what each of them takes of them is told as well. Exits with 1 when
//! a floor is missed.
//!
//! `cargo bench --bench backfill`; `BACKFILL_BENCH_ENTRIES` sets the size (20,000). With `BACKFILL_BENCH_KILL=1` the program is killed
//! when half of them are looked at, and started again: at the end all are there all the same.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "backfill/program.rs"]
mod program;
#[path = "backfill/rendered.rs"]
mod rendered;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use kaltura_mirror::domain::clock::Clock;
use kaltura_mirror::simulator::account::believable_account;
use kaltura_mirror::simulator::generated::Plan;
use kaltura_mirror::simulator::handle::{Options, Simulator};
use kaltura_mirror::simulator::state::SimAccount;
use program::{Program, Wish};
use rendered::Rendered;

/// Entries a second into SQLite and index, and memory of the program's own in MiB (400 MB).
const RATE_MIN: f64 = 3_000.0;
const MEMORY_MAX_MIB: f64 = 381.0;
/// The reading is timed in so many parts, to see whether it slows down as the mirror grows.
const PARTS: usize = 10;

#[tokio::main]
async fn main() -> ExitCode {
    let entries = std::env::var("BACKFILL_BENCH_ENTRIES").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000);
    let simulator = Simulator::start(Options::new(account(entries))).await.unwrap();
    let kaltura = Rendered::before(&simulator);
    let last = simulator.read(|account| account.generated.as_ref().unwrap().id(entries as u64 - 1));
    let mut program = Program::serve(&kaltura.url());
    let (own_before, program_before) = (program::cpu_seconds("self"), program.cpu_seconds());
    let began = Instant::now();
    let mut parts: Vec<Duration> = Vec::new();
    let is_killed = std::env::var("BACKFILL_BENCH_KILL").is_ok_and(|text| text == "1");
    let mut is_to_be_killed = is_killed;
    let (peak_mib, public) = tokio::task::block_in_place(|| {
        program.backfill(last.as_str(), || {
            while parts.len() < PARTS && kaltura.looked_at() * PARTS >= entries * (parts.len() + 1) {
                parts.push(began.elapsed());
            }
            let is_half_way = parts.len() >= PARTS / 2;
            if is_half_way && std::mem::take(&mut is_to_be_killed) { Wish::Kill } else { Wish::GoOn }
        })
    });
    let took = began.elapsed().as_secs_f64();
    let thousands = entries as f64 / 1_000.0;
    let rate = entries as f64 / took;
    assert_eq!(public, entries as u64, "public at the end");

    println!("{entries} entries, each with a metadata object and three flavors\n");
    println!("read, mirrored and indexed            {took:.1} s, {rate:.0} entries a second");
    println!("looked at a second, tenth by tenth    {}", rates(&parts, entries));
    println!("API calls                             {}", kaltura.requests());
    if is_killed {
        println!("program                               killed half way, and started again");
    } else {
        let cpu = program.cpu_seconds() - program_before;
        println!("program, CPU a thousand entries       {:.0} ms", cpu * 1e3 / thousands);
    }
    println!(
        "stand-in, CPU a thousand entries      {:.0} ms",
        (program::cpu_seconds("self") - own_before) * 1e3 / thousands
    );
    println!("RssAnon of the program, at most       {peak_mib:.0} MiB");
    println!("RssAnon of the stand-in               {:.0} MiB", program::anonymous_mib("self"));
    println!("data directory                        {:.0} MiB\n", program.data_mib());
    let is_fast = told("entries a second", rate, "at least", RATE_MIN, rate >= RATE_MIN);
    let is_small = told("RssAnon, MiB", peak_mib, "at most", MEMORY_MAX_MIB, peak_mib <= MEMORY_MAX_MIB);
    if is_fast && is_small { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The demo's profile and policy, and as many videos as wanted, each synced before.
fn account(entries: usize) -> SimAccount {
    let mut account = believable_account(7, Clock::system());
    account.entries.clear();
    account.category_entries.clear();
    account.metadata.clear();
    account.flavors.clear();
    account.captions.clear();
    account.jobs.clear();
    account.generate(Plan::synced_before(entries as u64, account.now()));
    account
}

fn rates(parts: &[Duration], entries: usize) -> String {
    let part = entries as f64 / PARTS as f64;
    let before = std::iter::once(Duration::ZERO).chain(parts.iter().copied());
    let rates = parts.iter().zip(before).map(|(end, begin)| part / (*end - begin).as_secs_f64());
    rates.map(|rate| format!("{rate:.0}")).collect::<Vec<_>>().join(" ")
}

fn told(what: &str, figure: f64, how: &str, floor: f64, is_kept: bool) -> bool {
    println!("{what:<22} {figure:>10.0}   {how} {floor:<8} {}", if is_kept { "kept" } else { "MISSED" });
    is_kept
}
