//! A reader of the feed that keeps a copy, and the little of server-sent events that it needs.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::house::http;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A page of the feed, which must be given.
pub async fn page(address: SocketAddr, query: &str) -> Value {
    let answer = http::get(address, &format!("/api/v1/changes?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    answer.json()
}

/// The items of a page, each in three words.
pub fn told(page: &Value) -> Vec<String> {
    let word = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| [word(item, "op"), word(item, "id"), word(item, "cause")].join(" ")).collect()
}

/// The token a page ends with.
pub fn next(page: &Value) -> String {
    page["next"].as_str().unwrap().to_owned()
}

/// A copy of what is public, kept by what the feed tells. It holds the feed to its order.
#[derive(Debug, Default)]
pub struct Mirrored {
    entries: BTreeMap<(String, String), Value>,
    seqs: BTreeMap<(String, String), i64>,
}

impl Mirrored {
    /// Does what an item says.
    pub fn apply(&mut self, item: &Value) {
        let word = |name: &str| item[name].as_str().unwrap_or_else(|| panic!("{name}: {item}")).to_owned();
        let key = (word("account"), word("id"));
        let seq = item["seq"].as_i64().unwrap();
        let before = self.seqs.insert(key.clone(), seq);
        assert!(before.is_none_or(|before| before < seq), "after {before:?} of this entry: {item}");
        match word("op").as_str() {
            "put" => {
                let entry = item["entry"].clone();
                assert_eq!((&entry["account"], &entry["id"]), (&item["account"], &item["id"]));
                assert!(entry["seq"].as_i64().unwrap() >= seq, "the entry as it is now, or later: {item}");
                self.entries.insert(key, entry);
            }
            "drop" => {
                assert_eq!(item.get("entry"), None, "{item}");
                self.entries.remove(&key);
            }
            other => panic!("{other}"),
        }
    }

    /// The entries, as a list of the public API would have them, by account and id.
    pub fn entries(&self) -> Vec<&Value> {
        self.entries.values().collect()
    }
}

/// What a stream sent between two empty lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    pub id: Option<String>,
    pub name: Option<String>,
    pub data: Option<String>,
    pub comments: usize,
}

impl Event {
    pub fn item(&self) -> Option<Value> {
        assert_eq!(self.name.is_some(), self.data.is_some(), "{self:?}");
        assert!(self.name.as_deref().is_none_or(|name| name == "change"), "{self:?}");
        self.data.as_deref().map(|data| serde_json::from_str(data).unwrap())
    }
}

/// An open stream of the feed.
pub struct Stream {
    connection: BufReader<TcpStream>,
    /// The answer's head, in lower case.
    pub head: String,
    unread: Vec<u8>,
    pub last_id: Option<String>,
}

impl Stream {
    /// Opens one, which must be given.
    pub async fn open(address: SocketAddr, query: &str, headers: &[(&str, &str)]) -> Self {
        Self::try_open(address, query, headers).await.unwrap_or_else(|status| panic!("{query}: {status}"))
    }

    /// Opens one, or says with which status it was refused.
    pub async fn try_open(address: SocketAddr, query: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        Self::on(TcpStream::connect(address).await.unwrap(), address, query, headers).await
    }

    /// Asks for one on this connection.
    pub async fn on(
        mut connection: TcpStream,
        address: SocketAddr,
        query: &str,
        headers: &[(&str, &str)],
    ) -> Result<Self, u16> {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!("GET /api/v1/changes/stream?{query} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut stream =
            Self { connection: BufReader::new(connection), head: String::new(), unread: Vec::new(), last_id: None };
        while !stream.head.ends_with("\r\n\r\n") {
            let line = stream.line().await.expect("a head");
            stream.head.push_str(&line.to_ascii_lowercase());
        }
        let status = stream.head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        if status == 200 { Ok(stream) } else { Err(status) }
    }

    /// What comes next; `None` when the stream has ended as it should, and not in the midst of something.
    pub async fn next(&mut self) -> Option<Event> {
        tokio::time::timeout(PATIENCE, self.read()).await.expect("the stream says something")
    }

    /// The next change.
    pub async fn change(&mut self) -> Value {
        let change = async {
            loop {
                let event = self.read().await.expect("the stream goes on");
                if let Some(item) = event.item() {
                    return item;
                }
            }
        };
        tokio::time::timeout(PATIENCE, change).await.expect("the stream tells of a change")
    }

    async fn read(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.unread.drain(..end + 2).collect();
                let event = parse(std::str::from_utf8(&block).unwrap());
                self.last_id = event.id.clone().or(self.last_id.take());
                return Some(event);
            }
            let size = self.line().await.expect("a chunk, be it the last");
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            self.connection.read_exact(&mut chunk).await.unwrap();
            if size == 0 {
                assert_eq!(self.unread, b"", "no event is cut off");
                return None;
            }
            self.unread.extend_from_slice(&chunk[..size]);
        }
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.connection.read_line(&mut line).await.unwrap();
        (read > 0).then_some(line)
    }
}

fn parse(block: &str) -> Event {
    let mut event = Event::default();
    for line in block.lines() {
        match line.split_once(": ").unwrap_or((line, "")) {
            ("id", id) => event.id = Some(id.to_owned()),
            ("event", name) => event.name = Some(name.to_owned()),
            ("data", data) => event.data = Some(data.to_owned()),
            (":" | "", _) => event.comments += usize::from(line.starts_with(':')),
            ("retry", millis) => assert!(millis.parse::<u32>().is_ok()),
            other => panic!("{other:?}"),
        }
    }
    event
}
