//! When has a caller left its answer lying for too long? An answer that waits to be written must be taken at a minimal rate, or the
//! writing fails and the connection ends. How long a caller may say nothing is another file's: `connections.rs`.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::held::Part;
use crate::limits;

/// A stream whose writes fail when they are not taken.
pub(crate) struct Unread<S> {
    stream: S,
    held: Arc<Part>,
    /// When what is being written must have been taken; nothing while nothing waits.
    due: Option<Instant>,
    /// Made when something waits for the first time, as most connections never do.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl<S> Unread<S> {
    pub(crate) fn new(stream: S, held: Arc<Part>) -> Self {
        Self { stream, held, due: None, alarm: None }
    }

    fn watch(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match (&result, &mut self.due) {
            (Poll::Ready(Ok(bytes)), Some(due)) => *due += limits::time_for(*bytes),
            (Poll::Ready(_), _) => {}
            (Poll::Pending, _) => {
                let due = *self.due.get_or_insert_with(|| Instant::now() + self.held.patience_of_socket());
                let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(due)));
                // It is moved only when it rings too early: moving it at each byte would cost more than the byte.
                while alarm.as_mut().poll(cx).is_ready() {
                    if due <= Instant::now() {
                        return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the answer was not taken in time")));
                    }
                    alarm.as_mut().reset(due);
                }
            }
        }
        result
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Unread<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Unread<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, result)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.watch(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(cx);
        if result.is_ready() {
            // The library flushes when it has written all it had.
            self.due = None;
        }
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_does_not_read_fails_the_writer() {
        let (_far, near) = tokio::io::duplex(8);
        let mut near = Unread::new(near, Arc::default());
        let begin = Instant::now();
        assert_eq!(near.write_all(&[0; 100]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(begin.elapsed().as_secs(), limits::ANSWER.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_now_and_then_does_not_keep_an_answer_waiting() {
        let (mut far, near) = tokio::io::duplex(8);
        let mut near = Unread::new(near, Arc::default());
        let drip = tokio::spawn(async move {
            while far.read_u8().await.is_ok() {
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        });
        assert_eq!(near.write_all(&[0; 100_000]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(near);
        drip.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_is_served_as_long_as_it_reads() {
        let (mut far, near) = tokio::io::duplex(1 << 15);
        let mut near = Unread::new(near, Arc::default());
        let begin = Instant::now();
        let slow = tokio::spawn(async move {
            let mut second = vec![0; 20 << 10];
            let mut bytes = 0;
            while let Ok(n) = far.read(&mut second).await
                && n > 0
            {
                bytes += n;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            bytes
        });
        near.write_all(&vec![0; 2 << 20]).await.unwrap();
        near.flush().await.unwrap();
        assert!(begin.elapsed().as_secs() > 90);
        // What comes after a pause begins anew.
        tokio::time::sleep(Duration::from_secs(1000)).await;
        near.write_all(&[0; 100]).await.unwrap();
        drop(near);
        assert_eq!(slow.await.unwrap(), (2 << 20) + 100);
    }
}
