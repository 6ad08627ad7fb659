//! Giving up on a body: the answer goes, then the connection is closed.
//!
//! A chunked body that a handler drops unread is drained by the server for as long as the sender likes to drip. One that
//! is still held when the answer has gone makes it close the connection instead, after a moment for the answer to arrive.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::{Bytes, Payload};
use actix_web::{Error, HttpResponse};

/// This answer, and then no more of this body.
pub(super) fn then_close(response: HttpResponse, unread: Payload) -> HttpResponse {
    response.map_body(|_, body| Holding { body, _unread: unread }.boxed())
}

struct Holding {
    body: BoxBody,
    _unread: Payload,
}

impl MessageBody for Holding {
    type Error = Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(context).map_err(Error::from)
    }
}
