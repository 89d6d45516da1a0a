//! How much may a caller send, and how long may anything take? All numbers of the door in one place.

use std::time::Duration;

/// The largest body that most operations look at; a larger one is a 413. Each operation says what it takes (decisions.md 10, 30).
#[cfg(test)]
pub(crate) const BODY: usize = 1 << 20;
/// So much of a body that is too large is read and dropped before the 413, as a caller that is still writing would not see it.
pub(crate) const DRAIN: usize = 8 << 20;
/// A body of this size is read without asking whether there is room for it, and so is the first part of a larger one.
pub(crate) const SMALL_BODY: usize = 16 << 10;
/// What may be in memory of larger bodies, from the first byte to the answer.
pub(crate) const BODIES: usize = 64 << 20;
/// So long a larger body waits for room.
pub(crate) const ROOM: Duration = Duration::from_secs(2);
/// Requests that are worked on at a time, those included whose callers have gone away. Others wait as long as a request may take.
pub(crate) const WORK: u32 = 1_000;
/// What a refused caller is still sending is read and dropped for so long.
pub(crate) const DRAIN_TIME: Duration = Duration::from_secs(5);
/// So much of a body may be on its way over HTTP/2 before it is read, for one request and for all of a connection.
pub(crate) const STREAM_WINDOW: u32 = 64 << 10;
pub(crate) const CONNECTION_WINDOW: u32 = 256 << 10;
/// A body must be here after this long, and after as much more as its length needs at the slowest rate.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(10);
/// An answer must be taken after this long, and after as much more as its length needs at the slowest rate.
pub(crate) const ANSWER: Duration = Duration::from_secs(30);
/// The same while much is waiting to be taken.
pub(crate) const ANSWER_IN_NEED: Duration = Duration::from_millis(500);
/// The slowest rate, in bytes a second, for bodies and answers.
const RATE: usize = 16 << 10;
/// What one HTTP/2 request takes of memory, with the library's part and without the body of its answer.
pub(crate) const HELD_BY_REQUEST: usize = 12 << 10;
/// That is much: HTTP/2 requests that are not through, with their answers, in bytes.
pub(crate) const HELD_MUCH: usize = 64 << 20;
/// That is the most. Above, new HTTP/2 requests are refused.
pub(crate) const HELD_MOST: usize = 128 << 20;
/// That is the most for one connection.
pub(crate) const HELD_BY_CONNECTION: usize = 8 << 20;
/// A connection that holds no more than this is given a moment for its answers, whatever others hold.
pub(crate) const HELD_FAIR: usize = 1 << 20;
/// So many requests at a time each HTTP/2 connection may have in any case. Not one: the next may come before the last is put away.
pub(crate) const REQUESTS_ANYWAY: usize = 2;
/// Request line and headers together, HTTP/1.1 (as upstream's server library has it) and HTTP/2.
pub(crate) const HEAD: usize = 8 * 1024;
/// The most headers.
pub(crate) const HEADERS: usize = 100;
/// A connection on which no request arrives is closed after this long. Above the keep-alive of the usual clients and proxies, so
/// that it is them who close.
pub(crate) const IDLE: Duration = Duration::from_secs(75);
/// The same while others wait for a connection.
pub(crate) const IDLE_IN_NEED: Duration = Duration::from_secs(5);
/// Those who wait for a connection say so this often.
pub(crate) const NEED: Duration = Duration::from_secs(1);
/// A connection that was asked to end is cut after this long, if nothing runs on it.
pub(crate) const LINGER: Duration = Duration::from_secs(5);
/// Requests at a time on one HTTP/2 connection.
pub(crate) const STREAMS: u32 = 64;
/// So much of an answer is handed over to one HTTP/2 stream before the caller takes it.
pub(crate) const SEND_BUFFER: usize = 64 << 10;
/// Open files that are not for callers: log files, listeners, the libraries' own.
pub(crate) const FILES_KEPT: usize = 64;
/// What is wrong with accepting connections is said at most this often.
pub(crate) const COMPLAINT: Duration = Duration::from_secs(60);
/// The database may take so long to say whether it takes writes, for `/readyz`.
pub(crate) const READY: Duration = Duration::from_secs(3);

/// How long so many bytes take at the slowest rate that is waited for.
pub(crate) fn time_for(bytes: usize) -> Duration {
    Duration::from_millis((bytes as u64).saturating_mul(1000) / RATE as u64)
}
