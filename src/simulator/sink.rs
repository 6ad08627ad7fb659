//! A receiver that records what it gets and answers what it is told: for tests of whoever sends, hooks above all.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::http1::{self, Framing};
use super::shared::lock;
use crate::domain::clock::{Clock, Timestamp};

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// For example `POST`.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names and values, in order.
    pub headers: Vec<(String, String)>,
    /// The body, chunks put together.
    pub body: Vec<u8>,
    /// When it was complete, by the sink's clock.
    pub at: Timestamp,
}

impl Received {
    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        http1::find(&self.headers, name)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What the sink does with a request, after it has recorded it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Answers.
    Answer {
        /// The status.
        status: u16,
        /// Headers besides the length.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// Begins an answer whose body never ends.
    Dribble {
        /// The status.
        status: u16,
        /// How the body begins.
        body: Vec<u8>,
    },
    /// Never answers, and keeps the connection open.
    Hang,
    /// Answers that much later, in real time.
    Slow(Duration, Box<Reply>),
    /// Closes the connection without an answer.
    Close,
}

impl Reply {
    /// That status, and an empty body.
    pub fn status(status: u16) -> Self {
        Self::Answer { status, headers: Vec::new(), body: Vec::new() }
    }

    /// A redirect there.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::status(status).with_header("Location", location)
    }

    /// That status with `Retry-After` in seconds.
    pub fn retry_after(status: u16, seconds: u64) -> Self {
        Self::status(status).with_header("Retry-After", &seconds.to_string())
    }

    /// The same, that much later.
    pub fn after(self, delay: Duration) -> Self {
        Self::Slow(delay, Box::new(self))
    }

    /// The same answer with a header more; what is no answer stays as it is.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// The same answer with that body; what is no answer stays as it is.
    pub fn with_body(mut self, text: impl Into<Vec<u8>>) -> Self {
        if let Self::Answer { body, .. } = &mut self {
            *body = text.into();
        }
        self
    }
}

/// A receiver on a free port of the loopback interface. It stops when it is dropped.
pub struct Sink {
    shared: Arc<Shared>,
    address: SocketAddr,
    listening: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    clock: Clock,
    program: Mutex<Program>,
    received: watch::Sender<Vec<Received>>,
}

struct Program {
    next: VecDeque<Reply>,
    otherwise: Choice,
}

/// What a request is answered with.
type Choice = Box<dyn Fn(&Received) -> Reply + Send>;

fn constant(reply: Reply) -> Choice {
    Box::new(move |_| reply.clone())
}

impl Sink {
    /// Starts one that answers 200 until it is told otherwise.
    ///
    /// # Panics
    /// When the machine gives no port.
    pub async fn start() -> Self {
        Self::start_at(Clock::system()).await.expect("the loopback interface has a free port")
    }

    /// Starts one that notes the times of that clock.
    ///
    /// # Errors
    /// The machine gives no port.
    pub async fn start_at(clock: Clock) -> io::Result<Self> {
        let program = Program { next: VecDeque::new(), otherwise: constant(Reply::status(200)) };
        let (received, _) = watch::channel(Vec::new());
        let shared = Arc::new(Shared { clock, program: Mutex::new(program), received });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let listening = Mutex::new(Some(tokio::spawn(listen(listener, Arc::clone(&shared)))));
        Ok(Self { shared, address, listening })
    }

    /// Where it receives, for example `http://127.0.0.1:40511/hook`. Any path will do.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// The address behind the URL.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers the next requests with these, in order; what comes after them with what stands for everything else.
    pub fn answer_with(&self, replies: impl IntoIterator<Item = Reply>) {
        lock(&self.shared.program).next = replies.into_iter().collect();
    }

    /// Answers everything with this from now on; what [`Sink::answer_with`] has left is forgotten.
    pub fn always(&self, reply: Reply) {
        self.always_by(move |_| reply.clone());
    }

    /// The same, by what came.
    pub fn always_by(&self, choose: impl Fn(&Received) -> Reply + Send + 'static) {
        *lock(&self.shared.program) = Program { next: VecDeque::new(), otherwise: Box::new(choose) };
    }

    /// Everything that came, the oldest first.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.borrow().clone()
    }

    /// How much came.
    pub fn count(&self) -> usize {
        self.shared.received.borrow().len()
    }

    /// Forgets what came.
    pub fn forget(&self) {
        self.shared.received.send_modify(Vec::clear);
    }

    /// Waits until so many requests have come since the last [`Sink::forget`], for a minute at most, and gives all that have.
    pub async fn wait_for(&self, count: usize) -> Vec<Received> {
        const PATIENCE: Duration = Duration::from_secs(60);
        let mut received = self.shared.received.subscribe();
        let enough = received.wait_for(|received| received.len() >= count);
        // Whoever waits looks at what came, and says what is missing better than an error here could.
        let _came_in_time = tokio::time::timeout(PATIENCE, enough).await;
        self.received()
    }

    /// Closes the port and every connection: senders are refused.
    pub async fn stop(&self) {
        let listening = lock(&self.listening).take();
        if let Some(listening) = listening {
            listening.abort();
            let _aborted = listening.await;
        }
    }

    /// Receives again on the same port after a [`Sink::stop`]. Does nothing when it runs.
    ///
    /// # Errors
    /// The port is taken by now.
    pub async fn restart(&self) -> io::Result<()> {
        if lock(&self.listening).is_some() {
            return Ok(());
        }
        let listener = TcpListener::bind(self.address).await?;
        *lock(&self.listening) = Some(tokio::spawn(listen(listener, Arc::clone(&self.shared))));
        Ok(())
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if let Some(listening) = lock(&self.listening).take() {
            listening.abort();
        }
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Takes connections; they end with it.
async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    // A sender that goes away in the middle is its own affair.
                    let _ended = serve(stream, &shared).await;
                });
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Answers requests until one of the two closes the connection.
async fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    while let Some(head) = http1::read_head(&mut read).await? {
        if head.header("Expect").is_some_and(|expected| expected.eq_ignore_ascii_case("100-continue")) {
            write.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let body = http1::read_body(&mut read, head.framing().unwrap_or(Framing::Length(0))).await?;
        let is_last = head.header("Connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let mut words = head.first_line.split(' ').map(str::to_owned);
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let received = Received { method, target, headers: head.headers, body, at: shared.clock.now() };
        // The reply is chosen before anyone hears of the request: a program set on hearing of it is for the next.
        let mut reply = shared.next_reply(&received);
        shared.received.send_modify(|all| all.push(received));
        while let Reply::Slow(delay, later) = reply {
            tokio::time::sleep(delay).await;
            reply = *later;
        }
        match reply {
            Reply::Answer { status, headers, body } => write.write_all(&answer(status, &headers, &body)).await?,
            Reply::Dribble { status, body } => {
                let beginning = [format!("HTTP/1.1 {status} {status}\r\n\r\n").as_bytes(), &body].concat();
                write.write_all(&beginning).await?;
                std::future::pending().await
            }
            Reply::Hang => std::future::pending().await,
            Reply::Close | Reply::Slow(..) => return Ok(()),
        }
        if is_last {
            return Ok(());
        }
    }
    Ok(())
}

impl Shared {
    fn next_reply(&self, received: &Received) -> Reply {
        let program = &mut *lock(&self.program);
        program.next.pop_front().unwrap_or_else(|| (program.otherwise)(received))
    }
}

fn answer(status: u16, headers: &[(String, String)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} {status}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if status != 204 {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    [head.as_bytes(), b"\r\n", if status == 204 { &[] } else { body }].concat()
}
