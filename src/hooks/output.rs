//! What a program prints: read to its end whatever it is, and little of it kept.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};

/// The last bytes of an output.
pub(super) struct Tail {
    bytes: VecDeque<u8>,
    max: usize,
}

impl Tail {
    pub(super) fn new(max: usize) -> Self {
        Self { bytes: VecDeque::new(), max }
    }

    fn push(&mut self, chunk: &[u8]) {
        let chunk = &chunk[chunk.len().saturating_sub(self.max)..];
        let surplus = (self.bytes.len() + chunk.len()).saturating_sub(self.max);
        self.bytes.drain(..surplus);
        self.bytes.extend(chunk);
    }

    /// What is kept, as text.
    pub(super) fn text(tail: &Mutex<Self>) -> String {
        let tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = tail.bytes.iter().copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Reads a pipe until nobody writes to it any more: a full pipe would stop the program.
pub(super) async fn drain(pipe: Option<impl AsyncRead + Unpin>, tail: &Mutex<Tail>) {
    let Some(mut pipe) = pipe else { return };
    let mut chunk = vec![0; 8 << 10];
    while let Ok(count @ 1..) = pipe.read(&mut chunk).await {
        tail.lock().unwrap_or_else(PoisonError::into_inner).push(&chunk[..count]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_is_printed_the_end_is_kept() {
        let tail = Mutex::new(Tail::new(8));
        for chunk in ["abc", "defgh", "ij", "a very long line"] {
            tail.lock().unwrap().push(chunk.as_bytes());
        }
        assert_eq!(Tail::text(&tail), "ong line");
        tail.lock().unwrap().push(b"!");
        assert_eq!(Tail::text(&tail), "ng line!");
    }
}
