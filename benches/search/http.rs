//! Clients over HTTP: keep-alive connections, one request at a time on each, on the server's own cores.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Asks for `paths` over and over on `clients` connections until `requests` were answered; how long each took, shortest first.
pub fn ask(address: SocketAddr, paths: &[String], clients: usize, requests: usize) -> Vec<Duration> {
    let mut latencies: Vec<Duration> = std::thread::scope(|scope| {
        let client = |first: usize| {
            scope.spawn(move || {
                let mut client = Client::connect(address);
                (first..requests).step_by(clients).map(|number| client.get_well(&paths[number % paths.len()])).collect()
            })
        };
        let running: Vec<_> = (0..clients).map(client).collect();
        running.into_iter().flat_map(|running| -> Vec<Duration> { running.join().unwrap() }).collect()
    });
    latencies.sort();
    latencies
}

/// The status of one answer.
pub fn status(address: SocketAddr, path: &str) -> u16 {
    let mut client = Client::connect(address);
    client.get(path);
    String::from_utf8_lossy(&client.answer).split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap()
}

/// The body of one answer.
pub fn body(address: SocketAddr, path: &str) -> String {
    let mut client = Client::connect(address);
    client.get(path);
    String::from_utf8_lossy(&client.answer[client.body..]).into_owned()
}

struct Client {
    stream: TcpStream,
    answer: Vec<u8>,
    /// Where the body begins.
    body: usize,
}

impl Client {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, answer: Vec::with_capacity(1 << 16), body: 0 }
    }

    /// From the request's first byte to the answer's last.
    fn get(&mut self, path: &str) -> Duration {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n");
        let began = Instant::now();
        self.stream.write_all(request.as_bytes()).unwrap();
        self.read_answer();
        began.elapsed()
    }

    /// Until the answer is 200: a server that has too much to do says 503, and is asked again.
    fn get_well(&mut self, path: &str) -> Duration {
        let began = Instant::now();
        loop {
            self.get(path);
            if self.answer.starts_with(b"HTTP/1.1 200") {
                return began.elapsed();
            }
            let text = String::from_utf8_lossy(&self.answer);
            assert!(self.answer.starts_with(b"HTTP/1.1 503"), "{path}: {text}");
        }
    }

    fn read_answer(&mut self) {
        self.answer.clear();
        let mut piece = [0; 1 << 16];
        loop {
            let read = self.stream.read(&mut piece).unwrap();
            assert_ne!(read, 0, "the server hung up");
            self.answer.extend_from_slice(&piece[..read]);
            if self.is_complete() {
                return;
            }
        }
    }

    fn is_complete(&mut self) -> bool {
        let Some(head) = self.answer.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
        self.body = head + 4;
        let text = String::from_utf8_lossy(&self.answer[..head]).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
        match length {
            Some(length) => self.answer.len() >= self.body + length.parse::<usize>().unwrap(),
            None => self.answer.ends_with(b"0\r\n\r\n"),
        }
    }
}
