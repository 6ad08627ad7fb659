//! A website that listens to a hook: it keeps what it was sent, and answers as a test tells it to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Received {
    /// A header's value, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The delivery's id.
    pub fn id(&self) -> &str {
        self.header("webhook-id").unwrap()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What it does with a request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Answers with a status.
    Status(u16),
    /// Answers with a status, headers (each line with its end) and a body.
    Full(u16, String, String),
    /// Answers, but the body never ends.
    Dribble(u16),
    /// Never answers.
    Hang,
}

/// The website; it ends with the test's runtime.
#[derive(Clone)]
pub struct Sink {
    pub address: SocketAddr,
    state: Arc<State>,
}

type Answering = Box<dyn Fn(&Received) -> Answer + Send>;

struct State {
    answer: Mutex<Answering>,
    received: Mutex<Vec<Received>>,
    more: Notify,
}

impl Sink {
    /// Takes everything, until it is told otherwise.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = State {
            answer: Mutex::new(Box::new(|_| Answer::Status(204))),
            received: Mutex::default(),
            more: Notify::new(),
        };
        let sink = Self { address: listener.local_addr().unwrap(), state: Arc::new(state) };
        let state = Arc::clone(&sink.state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&state)));
            }
        });
        sink
    }

    /// Where a hook finds it.
    pub fn url(&self) -> String {
        format!("http://{}/hooks/kaltura", self.address)
    }

    /// Answers so from now on.
    pub fn will(&self, answer: Answer) {
        self.will_by(move |_| answer.clone());
    }

    /// Answers by what came from now on.
    pub fn will_by(&self, answer: impl Fn(&Received) -> Answer + Send + 'static) {
        *self.state.answer.lock().unwrap() = Box::new(answer);
    }

    /// Everything that came so far.
    pub fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }

    /// How much came so far.
    pub fn count(&self) -> usize {
        self.state.received.lock().unwrap().len()
    }

    /// Waits until so many requests have come.
    pub async fn until(&self, count: usize) -> Vec<Received> {
        let came = async {
            loop {
                let more = self.state.more.notified();
                if self.count() >= count {
                    return self.received();
                }
                more.await;
            }
        };
        let received = tokio::time::timeout(Duration::from_secs(60), came).await;
        received.unwrap_or_else(|_| panic!("waited in vain for {count} requests: {:?}", self.received()))
    }
}

async fn serve(mut stream: TcpStream, state: Arc<State>) {
    while let Some(received) = read(&mut stream).await {
        let answer = (state.answer.lock().unwrap())(&received);
        state.received.lock().unwrap().push(received);
        state.more.notify_waiters();
        state.more.notify_one();
        let sent = match answer {
            Answer::Status(status) => write(&mut stream, status, "", "", 0).await,
            Answer::Full(status, headers, body) => write(&mut stream, status, &headers, &body, body.len()).await,
            Answer::Dribble(status) => {
                let _ = write(&mut stream, status, "", "and so on", 1 << 20).await;
                std::future::pending().await
            }
            Answer::Hang => std::future::pending().await,
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn write(stream: &mut TcpStream, status: u16, headers: &str, body: &str, length: usize) -> std::io::Result<()> {
    let length = if status == 204 { String::new() } else { format!("Content-Length: {length}\r\n") };
    let head = format!("HTTP/1.1 {status} x\r\n{headers}{length}\r\n");
    stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await?;
    stream.flush().await
}

async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut lines = head.lines();
    let mut line = lines.next().unwrap().split(' ').map(str::to_owned);
    let (method, path) = (line.next().unwrap(), line.next().unwrap());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
    while bytes.len() < head_end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(Received { method, path, headers, body: bytes[head_end + 4..].to_vec() })
}
