//! The way to a PostgreSQL server: asks whether it encrypts, does so as wanted, and sees to it that no password goes out in clear over
//! a network. The driver gives it to whoever asks, and whoever sits between us and the server can ask.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio_postgres::Socket;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::machinery::error::{Result, StoreError};
use crate::machinery::failure::{Refusal, is_lasting};
use crate::machinery::options::{ChannelBinding as Binding, PostgresOptions, TlsMode, is_local};
use crate::machinery::postgres::tls;

type Rustls = <MakeRustlsConnect as MakeTlsConnect<Socket>>::TlsConnect;
type Encrypted = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// The packet that asks a server whether it encrypts.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// The first nine bytes of a server that wants a password in clear: `R`, a length, and the number of the method.
const OPENING: usize = 9;
const CLEARTEXT: [u8; 4] = [0, 0, 0, 3];

/// Makes connections as the options want them.
#[derive(Clone)]
pub(crate) struct Way {
    tls: MakeRustlsConnect,
    mode: TlsMode,
    /// The last connection was encrypted.
    encrypted: Arc<AtomicBool>,
}

impl Way {
    pub(crate) fn new(options: &PostgresOptions) -> Result<Self> {
        let mode = options.tls_mode();
        let sockets = options.hosts().filter(|(host, _)| host.starts_with('/')).count();
        if sockets > 0 && sockets <= options.more_hosts.len() {
            let said = "the address of the database names hosts and folders of sockets: name only one kind";
            return Err(StoreError::BadOptions(said.to_owned()));
        }
        let tls = MakeRustlsConnect::new(tls::config(options)?);
        Ok(Self { tls, mode, encrypted: Arc::default() })
    }

    pub(crate) fn encrypted(&self) -> bool {
        self.encrypted.load(Ordering::Relaxed)
    }

    /// What the driver is told: that this way asks for encryption by itself, where it is asked for at all.
    pub(crate) fn tell(&self, options: &PostgresOptions, config: &mut tokio_postgres::Config) {
        use tokio_postgres::config::{ChannelBinding, SslMode, SslNegotiation};
        config.channel_binding(match options.channel_binding {
            Binding::Disable => ChannelBinding::Disable,
            Binding::Prefer => ChannelBinding::Prefer,
            Binding::Require => ChannelBinding::Require,
        });
        // Nobody is between the ends of a socket, and PostgreSQL does not encrypt there.
        if self.mode == TlsMode::Disable || options.hosts().all(|(host, _)| host.starts_with('/')) {
            config.ssl_mode(SslMode::Disable);
        } else {
            config.ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
        }
    }
}

impl MakeTlsConnect<Socket> for Way {
    type Stream = Secured;
    type TlsConnect = Approach;
    type Error = io::Error;

    fn make_tls_connect(&mut self, host: &str) -> io::Result<Approach> {
        let Ok(tls) = MakeTlsConnect::<Socket>::make_tls_connect(&mut self.tls, host);
        Ok(Approach { tls, mode: self.mode, host: host.to_owned(), encrypted: Arc::clone(&self.encrypted) })
    }
}

/// One connection that is being made.
pub(crate) struct Approach {
    tls: Rustls,
    mode: TlsMode,
    host: String,
    encrypted: Arc<AtomicBool>,
}

impl TlsConnect<Socket> for Approach {
    type Stream = Secured;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Secured>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(self.secure(socket))
    }
}

impl Approach {
    async fn secure(self, mut socket: Socket) -> io::Result<Secured> {
        socket.write_all(&SSL_REQUEST).await?;
        let mut answer = [0];
        socket.read_exact(&mut answer).await?;
        match &answer {
            b"S" => {}
            b"N" if self.mode == TlsMode::Prefer => {
                self.encrypted.store(false, Ordering::Relaxed);
                let strict = !is_local(&self.host);
                return Ok(Secured::Plain(Guarded { socket, strict, opening: Vec::new() }));
            }
            b"N" => {
                let said = format!("the server {} does not encrypt, which sslmode={} asks for", self.host, self.mode.word());
                return Err(io::Error::other(Refusal(said)));
            }
            _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "the server did not say whether it encrypts")),
        }
        match self.tls.connect(socket).await {
            Ok(stream) => {
                self.encrypted.store(true, Ordering::Relaxed);
                Ok(Secured::Encrypted(Box::new(stream)))
            }
            Err(error) => Err(match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(why) if is_lasting(why) => io::Error::other(Refusal(tls::in_words(why, &self.host))),
                _ => error,
            }),
        }
    }
}

/// A connection, encrypted or watched.
pub(crate) enum Secured {
    Plain(Guarded),
    Encrypted(Box<Encrypted>),
}

/// A connection in clear. A server that wants the password over it does not get it, unless it is on this machine.
pub(crate) struct Guarded {
    socket: Socket,
    strict: bool,
    opening: Vec<u8>,
}

impl Guarded {
    /// Looks at the first bytes of the server.
    fn look_at(&mut self, read: &[u8]) -> io::Result<()> {
        if !self.strict || self.opening.len() >= OPENING {
            return Ok(());
        }
        self.opening.extend(read.iter().take(OPENING - self.opening.len()));
        if self.opening.first() == Some(&b'R') && self.opening.get(5..) == Some(&CLEARTEXT) {
            let said = "the server wants the password in clear text, over a connection that is not encrypted: let it encrypt \
                        (sslmode=verify-full or require) or ask for scram-sha-256; only sslmode=disable gives the password away";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, Refusal(said.to_owned())));
        }
        Ok(())
    }
}

impl TlsStream for Secured {
    fn channel_binding(&self) -> ChannelBinding {
        match self {
            Self::Plain(_) => ChannelBinding::none(),
            Self::Encrypted(stream) => stream.channel_binding(),
        }
    }
}

impl AsyncRead for Secured {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Encrypted(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Plain(guarded) => {
                let before = buf.filled().len();
                ready!(Pin::new(&mut guarded.socket).poll_read(cx, buf))?;
                Poll::Ready(guarded.look_at(buf.filled().get(before..).unwrap_or_default()))
            }
        }
    }
}

impl AsyncWrite for Secured {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(guarded) => Pin::new(&mut guarded.socket).poll_write(cx, buf),
            Self::Encrypted(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(guarded) => Pin::new(&mut guarded.socket).poll_flush(cx),
            Self::Encrypted(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(guarded) => Pin::new(&mut guarded.socket).poll_shutdown(cx),
            Self::Encrypted(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::{DatabaseOptions, Db, StoreError};

    /// A server that does not encrypt and wants a password in clear: does it get it?
    async fn gives_it_away(host: &str, attributes: &str) -> (bool, StoreError) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = vec![0; 8];
            stream.read_exact(&mut heard).await.unwrap();
            if heard == SSL_REQUEST {
                stream.write_all(b"N").await.unwrap();
            }
            // In two pieces, as a network may have it.
            for piece in [&b"R\0\0\0\x08\0"[..], &b"\0\0\x03"[..]] {
                if stream.write_all(piece).await.is_err() || stream.flush().await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            // The password, or the end.
            let mut buffer = [0; 1024];
            while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                heard.extend_from_slice(&buffer[..read]);
                if heard.windows(7).any(|seen| seen == b"hunter2") {
                    return true;
                }
            }
            false
        });
        let options = DatabaseOptions::parse(&format!("postgresql://u:hunter2@{host}:{port}/d?{attributes}")).unwrap();
        let error = Db::open(options).await.unwrap_err();
        (server.await.unwrap(), error)
    }

    #[tokio::test]
    async fn no_password_goes_out_in_clear_unless_that_is_wanted_or_stays_on_this_machine() {
        // The address of all interfaces leads to this machine, but is not one of it.
        for (host, attributes, given) in [
            ("0.0.0.0", "", false),
            ("0.0.0.0", "sslmode=prefer", false),
            ("0.0.0.0", "sslmode=require", false),
            ("0.0.0.0", "channel_binding=require", false),
            ("0.0.0.0", "sslmode=disable&channel_binding=require", false),
            ("127.0.0.1", "channel_binding=require", false),
            ("0.0.0.0", "sslmode=disable", true),
            ("127.0.0.1", "", true),
        ] {
            let (found, error) = gives_it_away(host, attributes).await;
            assert_eq!(found, given, "{host} {attributes}: {error:?}");
            assert!(given || !matches!(error, StoreError::Unavailable(_)), "{host} {attributes}: {error:?}");
        }
        let (_, error) = gives_it_away("0.0.0.0", "").await;
        assert!(matches!(&error, StoreError::Unsafe(said) if said.contains("clear text")), "{error:?}");
    }

    /// A server that takes connections and says nothing, after it has heard so many bytes and answered each of them.
    async fn silent(heard: usize, answers: &'static [u8]) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let mut kept = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut buffer = vec![0; heard];
                stream.read_exact(&mut buffer).await.unwrap();
                stream.write_all(answers).await.unwrap();
                kept.push(stream);
            }
        });
        port
    }

    #[tokio::test]
    async fn a_host_that_falls_silent_does_not_use_up_the_time_of_the_next() {
        // Asked whether it encrypts; while it tells of TLS; asked for the password; and where nothing is encrypted.
        for (first, attributes) in [
            (silent(0, b"").await, ""),
            (silent(8, b"S").await, ""),
            (silent(8, b"N").await, ""),
            (silent(0, b"").await, "&sslmode=disable"),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let second = listener.local_addr().unwrap().port();
            let url = format!("postgresql://u@127.0.0.1:{first},127.0.0.1:{second}/d?connect_timeout=1{attributes}");
            let opening = tokio::spawn(async move { Db::open(DatabaseOptions::parse(&url).unwrap()).await });
            let reached = tokio::time::timeout(std::time::Duration::from_secs(30), listener.accept()).await;
            assert!(reached.is_ok(), "{attributes}");
            // It closes at once: that is the last word.
            drop((reached, listener));
            assert!(matches!(opening.await.unwrap(), Err(StoreError::Unavailable(_))));
        }
    }
}
