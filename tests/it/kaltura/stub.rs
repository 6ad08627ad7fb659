//! A tiny HTTP server that answers as a test tells it to, bad manners included.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use kaltura_mirror::kaltura::service_url::ServiceUrl;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as received.
#[derive(Debug, Clone)]
pub struct Request {
    pub line: String,
    pub headers: String,
    pub body: String,
}

impl Request {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// A header's value; names are compared in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// What the server does with a request.
pub enum Reply {
    /// Answers 200.
    Body(Vec<u8>),
    /// Answers with a status and headers (each line with its `\r\n`).
    Full(u16, String, Vec<u8>),
    /// Sends just these bytes.
    Raw(Vec<u8>),
    /// Promises more bytes than it sends, then closes.
    Cut(Vec<u8>),
    /// Closes without a word.
    Close,
    /// Never answers.
    Hang,
}

impl Reply {
    pub fn json(value: &Value) -> Self {
        Self::Body(value.to_string().into_bytes())
    }
}

/// The server; it ends with the test's runtime.
pub struct Stub {
    pub url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    connections: Arc<AtomicUsize>,
}

impl Stub {
    /// Answers each request with what `answer` makes of it and of its number, counted from 0.
    pub async fn start(answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let stub = Self { url, requests: Arc::default(), connections: Arc::default() };
        let (requests, connections, answer) = (stub.requests.clone(), stub.connections.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, requests.clone(), answer.clone()));
            }
        });
        stub
    }

    pub fn service(&self) -> ServiceUrl {
        self.url.parse().unwrap()
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn serve(
    mut stream: TcpStream,
    requests: Arc<Mutex<Vec<Request>>>,
    answer: Arc<impl Fn(&Request, usize) -> Reply + Send + Sync + 'static>,
) {
    while let Some(request) = read(&mut stream).await {
        let number = {
            let mut requests = requests.lock().unwrap();
            requests.push(request.clone());
            requests.len() - 1
        };
        let sent = match answer(&request, number) {
            Reply::Body(body) => write(&mut stream, 200, "", &body, body.len()).await,
            Reply::Full(status, headers, body) => write(&mut stream, status, &headers, &body, body.len()).await,
            Reply::Cut(body) => {
                let _ = write(&mut stream, 200, "", &body, body.len() + 100).await;
                return;
            }
            Reply::Raw(bytes) => stream.write_all(&bytes).await,
            Reply::Close => return,
            Reply::Hang => std::future::pending().await,
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn write(stream: &mut TcpStream, status: u16, headers: &str, body: &[u8], length: usize) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 {status} x\r\n{headers}Content-Length: {length}\r\n\r\n");
    stream.write_all(&[head.as_bytes(), body].concat()).await?;
    stream.flush().await
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
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
    let (line, headers) = head.split_once("\r\n").unwrap_or((&head, ""));
    let mut request = Request { line: line.to_owned(), headers: headers.to_owned(), body: String::new() };
    let length: usize = request.header("content-length").map_or(0, |value| value.parse().unwrap());
    while bytes.len() < head_end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    request.body = String::from_utf8(bytes[head_end + 4..].to_vec()).unwrap();
    Some(request)
}
