//! Bodies that must not stop coming: a client that sends a byte a minute would hold its connection for hours.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, BodyDataStream, Bytes};
use futures_core::Stream;
use tokio::time::{Instant, Sleep, sleep};

/// A body that fails when nothing has come for a while.
pub struct Patient {
    inner: BodyDataStream,
    patience: Duration,
    late: Pin<Box<Sleep>>,
}

impl Patient {
    /// With so much time between two pieces.
    pub fn body(body: Body, patience: Duration) -> Body {
        let late = Box::pin(sleep(patience));
        Body::from_stream(Self { inner: body.into_data_stream(), patience, late })
    }
}

impl Stream for Patient {
    type Item = Result<Bytes, io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match Pin::new(&mut self.inner).poll_next(context) {
            Poll::Ready(piece) => {
                let next = Instant::now() + self.patience;
                self.late.as_mut().reset(next);
                Poll::Ready(piece.map(|piece| piece.map_err(io::Error::other)))
            }
            Poll::Pending => {
                let is_late = self.late.as_mut().poll(context).is_ready();
                if is_late { Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into()))) } else { Poll::Pending }
            }
        }
    }
}
