//! One HTTP transfer as libcurl makes it for Kaltura's workers: the order of headers, framing, `Expect`, redirects.
//!
//! Plain http only: the receiver is on this machine, or behind a proxy that ends TLS. A connection is used once. Unlike
//! Kaltura's worker it follows redirects to private addresses, and connects to them: everything here is on loopback.

mod endpoint;
mod tamper;

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use url::Url;

use super::http1::{self, Framing, Head};
use super::templates::numbers::Method;
use endpoint::Endpoint;

/// What is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// How.
    pub method: Method,
    /// Where, byte for byte: curl sends path and query as it was given them.
    pub url: String,
    /// The User-Agent, if any.
    pub user_agent: Option<&'static str>,
    /// User name and password for HTTP Basic.
    pub basic_auth: Option<(String, String)>,
    /// Headers curl was told of: they stand behind its own, and replace those of the same name.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// Whether a 301, 302 or 303 keeps a POST with its body (`CURLOPT_POSTREDIR`).
    pub keeps_post: bool,
}

/// A body as curl was given it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// None at all.
    None,
    /// A text (`CURLOPT_POSTFIELDS`): its length goes with it, and a form's Content-Type unless another is given.
    Fields(Vec<u8>),
    /// Something of unknown length: in chunks, and after the receiver said it may come.
    Stream(Vec<u8>),
}

/// The answer after all redirects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Names and values as they came.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// PHP's default.
const REDIRECTS_MAX: usize = 20;
/// So long curl waits for `100 Continue`.
const EXPECT_TIMEOUT: Duration = Duration::from_secs(1);
/// From this size on curl asks before it sends a text.
const EXPECT_FROM_BYTES: usize = 1024 * 1024;
const FORM: &str = "application/x-www-form-urlencoded";

/// Makes the transfer, following redirects, within `timeout` for everything.
///
/// # Errors
/// Why there is no answer, in words without the URL.
pub async fn run(transfer: &Transfer, timeout: Duration) -> Result<Response, String> {
    let ended = tokio::time::timeout(timeout, follow(transfer.clone())).await;
    ended.unwrap_or_else(|_| Err("no answer in time".to_owned()))
}

async fn follow(mut transfer: Transfer) -> Result<Response, String> {
    for _ in 0..=REDIRECTS_MAX {
        let response = exchange(&transfer).await?;
        let location = http1::find(&response.headers, "Location").map(str::to_owned);
        match location.filter(|_| matches!(response.status, 301 | 302 | 303 | 307 | 308)) {
            Some(location) => transfer = transfer.redirected(response.status, &location)?,
            None => return Ok(response),
        }
    }
    Err("too many redirects".to_owned())
}

async fn exchange(transfer: &Transfer) -> Result<Response, String> {
    let failed = |error: std::io::Error| format!("the transfer failed: {error}");
    let endpoint = Endpoint::of(&transfer.url)?;
    let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await.map_err(failed)?;
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    write.write_all(transfer.head(&endpoint).as_bytes()).await.map_err(failed)?;
    if transfer.may_send_body(&mut read).await {
        // Who answers before it has read everything may close its side: the answer counts.
        let _sent = write.write_all(&transfer.framed_body()).await;
    }
    let (status, head) = final_head(&mut read).await.map_err(failed)?;
    let body = match head.framing() {
        _ if matches!(status, 204 | 304) => Vec::new(),
        framing => http1::read_body(&mut read, framing.unwrap_or(Framing::ToTheEnd)).await.map_err(failed)?,
    };
    Ok(Response { status, headers: head.headers, body })
}

/// The first head that is not a mere `100 Continue`.
async fn final_head(read: &mut BufReader<OwnedReadHalf>) -> std::io::Result<(u16, Head)> {
    let gone = || std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the connection was closed without an answer");
    loop {
        let head = http1::read_head(read).await?.ok_or_else(gone)?;
        let status = head.first_line.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(gone)?;
        if status >= 200 {
            return Ok((status, head));
        }
    }
}

impl Transfer {
    /// The bytes as they go out: head and framed body.
    ///
    /// # Errors
    /// A URL that is none, in words.
    pub fn bytes(&self) -> Result<Vec<u8>, String> {
        let mut bytes = self.head(&Endpoint::of(&self.url)?).into_bytes();
        bytes.extend(self.framed_body());
        Ok(bytes)
    }

    fn head(&self, endpoint: &Endpoint) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method.as_str(), endpoint.target);
        let mut own = |name: &str, value: Option<String>| {
            if let Some(value) = value.filter(|_| http1::find(&self.headers, name).is_none()) {
                write!(head, "{name}: {value}\r\n").expect("a text takes every write");
            }
        };
        own("Host", Some(endpoint.authority.clone()));
        own("Authorization", self.basic_auth.as_ref().map(|(user, password)| basic(user, password)));
        own("User-Agent", self.user_agent.map(str::to_owned));
        own("Accept", Some("*/*".to_owned()));
        own("Transfer-Encoding", matches!(self.body, Body::Stream(_)).then(|| "chunked".to_owned()));
        for (name, value) in self.headers.iter().filter(|(_, value)| !value.trim().is_empty()) {
            let (name, value) = (in_one_line(name), in_one_line(value));
            write!(head, "{name}: {value}\r\n").expect("a text takes every write");
        }
        let mut own = |name: &str, value: Option<String>| {
            if let Some(value) = value.filter(|_| http1::find(&self.headers, name).is_none()) {
                write!(head, "{name}: {value}\r\n").expect("a text takes every write");
            }
        };
        if let Body::Fields(body) = &self.body {
            own("Content-Length", Some(body.len().to_string()));
        }
        let is_form = matches!(self.body, Body::Fields(_)) || self.method == Method::Post;
        own("Content-Type", is_form.then(|| FORM.to_owned()));
        own("Expect", self.asks_first().then(|| "100-continue".to_owned()));
        head.push_str("\r\n");
        head
    }

    fn asks_first(&self) -> bool {
        match &self.body {
            Body::None => false,
            Body::Fields(body) => body.len() > EXPECT_FROM_BYTES,
            Body::Stream(_) => true,
        }
    }

    /// Waits for the receiver's leave, if that was asked for; when it says nothing, the body goes out all the same.
    async fn may_send_body(&self, read: &mut BufReader<OwnedReadHalf>) -> bool {
        if !self.asks_first() {
            return true;
        }
        match tokio::time::timeout(EXPECT_TIMEOUT, read.fill_buf()).await {
            Ok(Ok(received)) => received.starts_with(b"HTTP/1.1 100"),
            Ok(Err(_)) => false,
            Err(_) => true,
        }
    }

    fn framed_body(&self) -> Vec<u8> {
        match &self.body {
            Body::None => Vec::new(),
            Body::Fields(body) => body.clone(),
            Body::Stream(body) if body.is_empty() => b"0\r\n\r\n".to_vec(),
            Body::Stream(body) => [format!("{:x}\r\n", body.len()).as_bytes(), body, b"\r\n0\r\n\r\n"].concat(),
        }
    }

    /// What curl sends next: 307 and 308 keep everything; for the others a POST becomes a GET without its body, unless it was
    /// told to keep it. A DELETE keeps its name and loses its body; a PUT stays but for a 303.
    fn redirected(self, status: u16, location: &str) -> Result<Self, String> {
        let nowhere = || "the redirect leads nowhere".to_owned();
        let url = Url::parse(&self.url).and_then(|url| url.join(location)).map_err(|_| nowhere())?.to_string();
        let stays = match (status, self.method) {
            (307 | 308, _) | (_, Method::Get) => true,
            (_, Method::Post) => self.keeps_post,
            (303, Method::Put) => false,
            (_, Method::Put) => true,
            (_, Method::Delete) => false,
        };
        if stays {
            return Ok(Self { url, ..self });
        }
        let method = if self.method == Method::Delete { Method::Delete } else { Method::Get };
        Ok(Self { url, method, body: Body::None, ..self })
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}

/// A value from an entry's name may have line ends; a header may not.
fn in_one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(body: Body) -> Transfer {
        Transfer {
            method: Method::Post,
            url: "http://127.0.0.1:1/a?b=c".to_owned(),
            user_agent: None,
            basic_auth: None,
            headers: Vec::new(),
            body,
            keeps_post: true,
        }
    }

    #[test]
    fn a_redirect_keeps_what_curl_keeps() {
        let methods = [Method::Get, Method::Post, Method::Put, Method::Delete];
        let next = |status: u16, method: Method, keeps_post: bool| {
            let transfer = Transfer { method, keeps_post, ..post(Body::Fields(b"x".to_vec())) };
            let next = transfer.redirected(status, "/else").unwrap();
            assert_eq!(next.url, "http://127.0.0.1:1/else");
            format!("{}{}", next.method.as_str(), if next.body == Body::None { "" } else { "+body" })
        };
        for status in [307, 308] {
            assert!(methods.iter().all(|method| next(status, *method, false) == format!("{}+body", method.as_str())));
        }
        for status in [301, 302] {
            let shown = methods.map(|method| next(status, method, false));
            assert_eq!(shown, ["GET+body", "GET", "PUT+body", "DELETE"]);
        }
        assert_eq!(methods.map(|method| next(303, method, true)), ["GET+body", "POST+body", "GET", "DELETE"]);
    }
}
