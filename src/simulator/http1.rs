//! HTTP/1.1 on a raw socket, as much as it takes to send and to receive: heads byte by byte, bodies in every framing.
//!
//! What a notification looks like on the wire is the point here, and no HTTP library promises the order of headers.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// A request's or an answer's first line and headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// For example `POST /notifications HTTP/1.1`, or `HTTP/1.1 200 OK`.
    pub first_line: String,
    /// Names and values as they came, in that order.
    pub headers: Vec<(String, String)>,
}

/// How long a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// So many bytes.
    Length(u64),
    /// In chunks, each with its length.
    Chunked,
    /// Until the connection is closed.
    ToTheEnd,
}

/// More is not read of a head, nor of a body.
const HEAD_MAX_BYTES: u64 = 64 * 1024;
const BODY_MAX_BYTES: u64 = 64 * 1024 * 1024;

impl Head {
    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// How long the body is, if the head says so.
    pub fn framing(&self) -> Option<Framing> {
        if self.header("Transfer-Encoding").is_some_and(|value| value.to_ascii_lowercase().contains("chunked")) {
            return Some(Framing::Chunked);
        }
        self.header("Content-Length").and_then(|length| length.parse().ok()).map(Framing::Length)
    }
}

/// The first of these headers with that name, in any case.
pub fn find<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// Reads a head; `None` when the other side closed the connection before it began one.
///
/// # Errors
/// A connection that breaks inside, a head that is too long or none.
pub async fn read_head(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Head>> {
    let mut from = from.take(HEAD_MAX_BYTES);
    let first_line = match line(&mut from).await? {
        Some(line) if !line.is_empty() => line,
        Some(_) => return Err(broken("a head begins with an empty line")),
        None => return Ok(None),
    };
    let mut headers = Vec::new();
    loop {
        let line = line(&mut from).await?.ok_or_else(|| broken("the connection was closed inside a head"))?;
        if line.is_empty() {
            return Ok(Some(Head { first_line, headers }));
        }
        let (name, value) = line.split_once(':').ok_or_else(|| broken("a header has no colon"))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
}

/// Reads a body.
///
/// # Errors
/// A connection that breaks inside, a body that is too long, chunks that are none.
pub async fn read_body(from: &mut (impl AsyncBufRead + Unpin), framing: Framing) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    match framing {
        Framing::Length(length) => read_exactly(from, length, &mut body).await?,
        Framing::ToTheEnd => {
            from.take(BODY_MAX_BYTES).read_to_end(&mut body).await?;
        }
        Framing::Chunked => loop {
            let size = line(from).await?.ok_or_else(|| broken("the connection was closed between chunks"))?;
            let size = size.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(size, 16).map_err(|_| broken("a chunk has no length"))?;
            read_exactly(from, size, &mut body).await?;
            // The line end behind a chunk; behind the last one trailers may stand.
            while line(from).await?.is_some_and(|line| size == 0 && !line.is_empty()) {}
            if size == 0 {
                break;
            }
        },
    }
    Ok(body)
}

async fn read_exactly(from: &mut (impl AsyncBufRead + Unpin), length: u64, body: &mut Vec<u8>) -> io::Result<()> {
    if length.saturating_add(body.len() as u64) > BODY_MAX_BYTES {
        return Err(broken("the body is too long"));
    }
    let read = from.take(length).read_to_end(body).await?;
    if (read as u64) < length { Err(broken("the connection was closed inside a body")) } else { Ok(()) }
}

/// A line without its end; `None` at the end of the connection.
async fn line(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    if from.read_until(b'\n', &mut bytes).await? == 0 {
        return Ok(None);
    }
    if bytes.pop() != Some(b'\n') {
        return Err(broken("the connection was closed inside a line"));
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_read_in_every_framing() {
        let cases: [(&str, &str, &str); 4] = [
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n", "abcd", "abc"),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
                "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: x\r\n\r\n",
                "abcde",
            ),
            ("POST / HTTP/1.1\r\ntransfer-encoding: Chunked\r\n\r\n", "0\r\n\r\n", ""),
            ("HTTP/1.1 200 OK\r\n\r\n", "to the end", "to the end"),
        ];
        for (head, rest, body) in cases {
            let message = format!("{head}{rest}");
            let mut message = message.as_bytes();
            let head = read_head(&mut message).await.unwrap().unwrap();
            let framing = head.framing().unwrap_or(Framing::ToTheEnd);
            assert_eq!(read_body(&mut message, framing).await.unwrap(), body.as_bytes());
        }
    }

    #[tokio::test]
    async fn a_connection_that_breaks_inside_a_message_is_an_error() {
        for message in ["POST / HT", "POST / HTTP/1.1\r\nA: b\r\n", "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab"] {
            let mut from = message.as_bytes();
            let read = async {
                let head = read_head(&mut from).await?.unwrap();
                read_body(&mut from, head.framing().unwrap()).await
            };
            assert!(read.await.is_err(), "{message:?}");
        }
        assert_eq!(read_head(&mut &b""[..]).await.unwrap(), None);
    }
}
