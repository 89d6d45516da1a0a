//! How much may a caller send, and how long may anything take? All numbers of the door in one place.

use std::time::Duration;

/// The largest body that is looked at; a larger one is a 413 (decisions.md 10).
pub(crate) const BODY: usize = 1 << 20;
/// So much of a body that is too large is read and dropped before the 413, as a caller that is still writing would not see it.
pub(crate) const DRAIN: usize = 8 << 20;
/// A body of this size is read without asking whether there is room for it.
pub(crate) const SMALL_BODY: usize = 16 << 10;
/// Larger bodies that may be in memory at a time, from the first byte to the answer.
pub(crate) const LARGE_BODIES: usize = 64;
/// So long a larger body waits for room.
pub(crate) const ROOM: Duration = Duration::from_secs(2);
/// Requests that are worked on at a time, those included whose callers have gone away. Others wait as long as a request may take.
pub(crate) const WORK: usize = 1_000;
/// What a refused caller is still sending is read and dropped for so long.
pub(crate) const DRAIN_TIME: Duration = Duration::from_secs(5);
/// So much of a body may be on its way over HTTP/2 before it is read, for one request and for all of a connection.
pub(crate) const STREAM_WINDOW: u32 = 64 << 10;
pub(crate) const CONNECTION_WINDOW: u32 = 256 << 10;
/// A body must be here after this long.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(30);
/// Request line and headers together, HTTP/1.1 (as upstream's server library has it) and HTTP/2.
pub(crate) const HEAD: usize = 8 * 1024;
/// The most headers.
pub(crate) const HEADERS: usize = 100;
/// A connection on which no request arrives is closed after this long. Above the keep-alive of the usual clients and proxies, so
/// that it is them who close.
pub(crate) const IDLE: Duration = Duration::from_secs(75);
/// Requests at a time on one HTTP/2 connection.
pub(crate) const STREAMS: u32 = 250;
/// An HTTP/2 connection is asked for a sign of life this often.
pub(crate) const PING: Duration = Duration::from_secs(30);
/// What runs may take so long to finish when the server is told to stop.
pub(crate) const FAREWELL: Duration = Duration::from_secs(30);
/// The database may take so long to say whether it takes writes, for `/readyz`.
pub(crate) const READY: Duration = Duration::from_secs(3);
