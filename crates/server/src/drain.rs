//! What a client still sends when its request has been answered: it is read and thrown away, to a point. A client that is cut
//! off in the middle sees a broken connection, and not the answer that says why.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream, Bytes},
    extract::Request,
};
use futures_core::Stream;

/// Bytes that are thrown away.
const MOST: usize = 64 << 20;

/// For how long.
const PATIENCE: Duration = Duration::from_secs(5);

/// A place for what is left of a body.
#[derive(Clone, Default)]
pub struct Rest(Arc<Mutex<Option<BodyDataStream>>>);

/// A body that is put back, as far as it was not read.
struct Lent {
    inner: Option<BodyDataStream>,
    rest: Rest,
}

impl Rest {
    /// The same request; what is not read of it comes back here.
    pub fn lend(&self, request: Request) -> Request {
        request
            .map(|body| Body::from_stream(Lent { inner: Some(body.into_data_stream()), rest: self.clone() }))
    }

    /// Reads what came back.
    pub async fn drain(self) {
        let rest = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut rest) = rest else { return };
        let drained = async {
            let mut bytes = 0;
            while let Some(Ok(piece)) = poll_fn(|context| Pin::new(&mut rest).poll_next(context)).await {
                bytes += piece.len();
                if bytes > MOST {
                    break;
                }
            }
        };
        // Whoever sends for longer is cut off.
        let _ = tokio::time::timeout(PATIENCE, drained).await;
    }
}

impl Stream for Lent {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        let piece = Pin::new(inner).poll_next(context);
        if let Poll::Ready(None | Some(Err(_))) = piece {
            self.inner = None;
        }
        piece
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        *self.rest.0.lock().unwrap_or_else(PoisonError::into_inner) = self.inner.take();
    }
}
