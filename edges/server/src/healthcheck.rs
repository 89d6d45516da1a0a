//! `supertokens healthcheck`: is the server at host and port ready? For containers without a shell; the exit code is the answer.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::config::Config;
use crate::{Place, Settings, Stop, say};

/// How long the server may take.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) async fn run(settings: &Settings, place: &Place) -> Result<(), Stop> {
    let config = Config::load(settings, place)?;
    let host = reachable(&config.core.host);
    let port = config.core.port;
    let at = format!("{host}:{port}");
    let answer = tokio::time::timeout(PATIENCE, status(host, port, &config.core.base_path)).await;
    match answer {
        Ok(Ok(200)) => {
            say(&format!("{at} is ready"));
            Ok(())
        }
        Ok(Ok(status)) => Err(Stop::new(format!("{at} is not ready: it answered {status}"))),
        Ok(Err(error)) => Err(Stop::new(format!("{at} is not ready: {error}"))),
        Err(_) => Err(Stop::new(format!("{at} is not ready: no answer within {} s", PATIENCE.as_secs()))),
    }
}

/// A server that listens on all addresses is asked on the loopback one.
fn reachable(host: &str) -> &str {
    match host {
        "0.0.0.0" => "127.0.0.1",
        "::" | "[::]" => "::1",
        other => other.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(other),
    }
}

async fn status(host: &str, port: u16, base_path: &str) -> std::io::Result<u16> {
    let mut stream = TcpStream::connect((host, port)).await?;
    stream
        .write_all(format!("GET {base_path}/readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes())
        .await?;
    let mut head = Vec::new();
    stream.take(1024).read_to_end(&mut head).await?;
    let head = String::from_utf8_lossy(&head);
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
    status.ok_or_else(|| std::io::Error::new(std::io::ErrorKind::InvalidData, "that is no HTTP server"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_status_is_that_of_the_answer() {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let mut asked = Vec::new();
            for answer in ["HTTP/1.1 503 Service Unavailable\r\n\r\n", "hello\r\n"] {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut buffer = [0; 256];
                let n = stream.read(&mut buffer).await.unwrap();
                asked.push(String::from_utf8_lossy(&buffer[..n]).into_owned());
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            asked
        });
        assert_eq!(status("127.0.0.1", port, "/base").await.unwrap(), 503);
        assert!(status("127.0.0.1", port, "").await.is_err());
        assert!(server.await.unwrap()[0].starts_with("GET /base/readyz HTTP/1.1\r\n"));
    }

    #[test]
    fn all_addresses_means_the_loopback_one() {
        for (host, expected) in
            [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("[::]", "::1"), ("[fe80::1]", "fe80::1"), ("core.example", "core.example")]
        {
            assert_eq!(reachable(host), expected);
        }
    }
}
