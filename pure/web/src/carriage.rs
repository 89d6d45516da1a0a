//! Do tokens fit into what carries them? Browsers drop large cookies, and proxies with their own defaults refuse large heads, both without
//! a word to the application (sdk-session.md 5.9). All numbers are bytes.

/// The longest `Set-Cookie` line that browsers keep.
pub const BROWSER_COOKIE: usize = 4_093;
/// The longest head of a response that proxies take with their defaults (nginx: `proxy_buffer_size`).
pub const PROXY_RESPONSE: usize = 4_096;
/// The longest line of a request's head that they take (nginx: `large_client_header_buffers`).
pub const PROXY_REQUEST: usize = 8_192;

/// What a response has besides what is seen here: its status, date and length, and what outer layers add for CORS.
const ROOM: usize = 256;

/// What an answer with new tokens weighs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// The longest of its `Set-Cookie` lines.
    pub cookie: usize,
    /// The access token, if the client is to send it in a header.
    pub token_in_header: usize,
    /// All headers.
    pub headers: usize,
}

/// What will not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    /// Browsers drop the cookie: whoever logs in is not logged in.
    #[error("browsers drop a cookie of {0} bytes (they keep {BROWSER_COOKIE}), so nobody stays logged in with it")]
    Cookie(usize),
    /// Proxies refuse each request with the token.
    #[error("a request with an access token of {0} bytes is refused by proxies with their defaults (nginx: {PROXY_REQUEST})")]
    Request(usize),
    /// Proxies answer 502 instead.
    #[error(
        "a response with headers of {0} bytes is answered with 502 by proxies with their defaults (nginx: {PROXY_RESPONSE} with the \
         status line; there set proxy_buffer_size 16k and proxy_buffers 8 16k)"
    )]
    Response(usize),
}

impl Load {
    /// What of it is too large for those who carry it with their defaults; the worst.
    pub fn too_large(self) -> Option<TooLarge> {
        if self.cookie > BROWSER_COOKIE {
            Some(TooLarge::Cookie(self.cookie))
        } else if self.token_in_header.saturating_add("authorization: Bearer \r\n".len()) > PROXY_REQUEST {
            Some(TooLarge::Request(self.token_in_header))
        } else if self.headers.saturating_add(ROOM) > PROXY_RESPONSE {
            Some(TooLarge::Response(self.headers))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_what_does_not_fit() {
        let rows = [
            ((0, 0, 0), None),
            ((900, 0, 2_000), None),
            ((900, 0, PROXY_RESPONSE - ROOM), None),
            ((900, 0, PROXY_RESPONSE - ROOM + 1), Some(TooLarge::Response(3_841))),
            ((BROWSER_COOKIE, 0, 5_000), Some(TooLarge::Response(5_000))),
            ((BROWSER_COOKIE + 1, 0, 9_000), Some(TooLarge::Cookie(4_094))),
            ((0, 8_168, 9_000), Some(TooLarge::Response(9_000))),
            ((0, 8_169, 9_000), Some(TooLarge::Request(8_169))),
            ((0, usize::MAX, usize::MAX), Some(TooLarge::Request(usize::MAX))),
        ];
        for ((cookie, token_in_header, headers), expected) in rows {
            let load = Load { cookie, token_in_header, headers };
            assert_eq!(load.too_large(), expected, "{load:?}");
        }
    }

    #[test]
    fn each_says_how_much_and_what_to_do() {
        assert!(TooLarge::Cookie(5_000).to_string().contains("5000"));
        assert!(TooLarge::Response(5_000).to_string().contains("proxy_buffer_size"));
        assert!(TooLarge::Request(9_000).to_string().contains("9000"));
    }
}
