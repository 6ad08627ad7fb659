//! Sends a recorded request byte for byte: no client's habits between.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::captures::Capture;

/// An answer as it came.
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Sends it and reads to the end.
pub async fn send(url: &str, capture: &Capture) -> Answer {
    request(url, &capture.method, &capture.path, capture.content_type.as_deref(), &capture.body).await
}

/// Posts a form. Spaces and the like may stand in it as they are.
pub async fn post_form(url: &str, path: &str, form: &str) -> Answer {
    request(url, "POST", path, Some("application/x-www-form-urlencoded"), form.as_bytes()).await
}

async fn request(url: &str, method: &str, path: &str, content_type: Option<&str>, body: &[u8]) -> Answer {
    let address = url.trim_start_matches("http://");
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    if let Some(content_type) = content_type {
        head.push_str(&format!("Content-Type: {content_type}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    parse(&received)
}

fn parse(received: &[u8]) -> Answer {
    let end = received.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer has a head");
    let head = String::from_utf8_lossy(&received[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(':').unwrap();
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    Answer { status, headers: lines.map(header).collect(), body: received[end + 4..].to_vec() }
}
