//! The load generator: keep-alive connections, one request at a time on each, nothing pipelined.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::PATIENCE;

const THREADS: usize = 2;

/// What one connection sends: each request with its number among all.
type Share = Vec<(usize, Vec<u8>)>;

/// What to send.
pub struct Load {
    pub path: &'static str,
    pub connections: usize,
    pub bodies: Vec<String>,
    /// Requests a second whatever the answers do; as fast as they are answered when absent.
    pub rate: Option<f64>,
}

/// What came of it.
pub struct Run {
    /// The fastest first.
    answers: Vec<Answer>,
    took: Duration,
}

/// When a request was due, counted from the start of its thread, and how long its answer took from then.
#[derive(Clone, Copy)]
struct Answer {
    due: Duration,
    latency: Duration,
}

impl Run {
    pub fn rate(&self) -> f64 {
        self.answers.len() as f64 / self.took.as_secs_f64()
    }

    pub fn percentile(&self, share: f64) -> Duration {
        percentile(&self.answers, share)
    }

    /// The same of each slice of the time in which requests were due.
    pub fn percentiles(&self, slice: Duration, share: f64) -> Vec<Duration> {
        let number = |answer: &Answer| answer.due.as_nanos() / slice.as_nanos();
        let mut slices: BTreeMap<u128, Vec<Answer>> = BTreeMap::new();
        for answer in &self.answers {
            slices.entry(number(answer)).or_default().push(*answer);
        }
        slices.values().map(|answers| percentile(answers, share)).collect()
    }
}

fn percentile(answers: &[Answer], share: f64) -> Duration {
    answers[((answers.len() - 1) as f64 * share) as usize].latency
}

/// Sends every body once; each must be answered with 200. Each thread has connections of its own and wakes no other, so
/// that little of what the cores do is the generator's.
pub fn run(address: SocketAddr, load: Load) -> Run {
    let Load { path, connections, bodies, rate } = load;
    let mut shares: Vec<Share> = (0..connections).map(|_| Share::new()).collect();
    for (number, body) in bodies.into_iter().enumerate() {
        shares[number % connections].push((number, request(path, &body)));
    }
    let start = Barrier::new(THREADS);
    let ends: Vec<(Vec<Answer>, Instant, Instant)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let own = shares.iter_mut().skip(thread).step_by(THREADS).map(std::mem::take).collect();
                scope.spawn(|| send_all(address, own, rate, &start))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let began = ends.iter().map(|(_, began, _)| *began).min().unwrap();
    let ended = ends.iter().map(|(.., ended)| *ended).max().unwrap();
    let mut answers: Vec<Answer> = ends.into_iter().flat_map(|(answers, ..)| answers).collect();
    answers.sort_by_key(|answer| answer.latency);
    Run { answers, took: ended - began }
}

/// On connections of this thread's own, when all threads have theirs: the answers, and when it began and ended.
fn send_all(
    address: SocketAddr,
    shares: Vec<Share>,
    rate: Option<f64>,
    start: &Barrier,
) -> (Vec<Answer>, Instant, Instant) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut streams = Vec::with_capacity(shares.len());
        for _ in &shares {
            let stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            streams.push(stream);
        }
        start.wait();
        let began = Instant::now();
        let senders: Vec<_> = streams
            .into_iter()
            .zip(shares)
            .map(|(stream, share)| tokio::spawn(send(stream, share, began, rate)))
            .collect();
        let all = async {
            let mut answers = Vec::new();
            for sender in senders {
                answers.extend(sender.await.unwrap());
            }
            answers
        };
        let answers = tokio::time::timeout(PATIENCE, all).await.expect("the load hangs");
        (answers, began, Instant::now())
    })
}

fn request(path: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// In an open loop the time counts from when the request was due, not from when the connection was free for it.
async fn send(mut stream: TcpStream, share: Share, began: Instant, rate: Option<f64>) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(share.len());
    let mut answer = Vec::with_capacity(512);
    for (number, request) in share {
        let mut due = Instant::now();
        if let Some(rate) = rate {
            due = began + Duration::from_secs_f64(number as f64 / rate);
            tokio::time::sleep_until(due.into()).await;
        }
        stream.write_all(&request).await.unwrap();
        read_answer(&mut stream, &mut answer).await;
        answers.push(Answer { due: due - began, latency: due.elapsed() });
    }
    answers
}

async fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) {
    answer.clear();
    while !is_complete(answer) {
        assert_ne!(stream.read_buf(answer).await.unwrap(), 0, "the server hung up");
    }
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(answer));
}

fn is_complete(answer: &[u8]) -> bool {
    let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let text = std::str::from_utf8(&answer[..head]).unwrap().to_ascii_lowercase();
    let length =
        text.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |text| text.parse().unwrap());
    answer.len() >= head + 4 + length
}
