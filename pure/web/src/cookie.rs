//! What does one of our cookies look like on the wire, and which one did a request bring? (sdk-session.md 5.2, 5.8)

use std::borrow::Cow;
use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use supertokens_domain::time::{Millis, SECOND};
use time::UtcDateTime;

use crate::session_settings::SameSite;

/// What encodeURIComponent leaves alone besides letters and digits.
const IN_VALUES: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// What a name may hold (RFC 6265: a token). The rest is encoded, so that no name can end a header or start an attribute.
const IN_NAMES: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'^')
    .remove(b'`')
    .remove(b'|');

/// The last second that a date of four digits can name.
const LAST_SECOND: i64 = 253_402_300_799;

/// A cookie to be set or, with an empty value and the expiry 0, cleared. Always HttpOnly.
#[derive(Clone, PartialEq, Eq)]
pub struct SetCookie {
    /// Its name.
    pub name: String,
    /// Its value, not yet encoded. A secret.
    pub value: String,
    /// The domain attribute; without one, only the host that set the cookie gets it back.
    pub domain: Option<String>,
    /// The path attribute.
    pub path: String,
    /// When the browser forgets it.
    pub expires: Millis,
    /// Over https only?
    pub secure: bool,
    /// The SameSite attribute.
    pub same_site: SameSite,
}

impl SetCookie {
    /// The value of the `Set-Cookie` header.
    pub fn to_header(&self) -> String {
        let name = utf8_percent_encode(&self.name, &IN_NAMES);
        let value = utf8_percent_encode(&self.value, &IN_VALUES);
        let domain = self.domain.as_deref().filter(|domain| !domain.is_empty());
        let domain = domain.map(|domain| format!("; Domain={}", attribute(domain))).unwrap_or_default();
        let path = attribute(&self.path);
        let expires = http_date(self.expires);
        let secure = if self.secure { "; Secure" } else { "" };
        let same_site = self.same_site.as_str();
        format!("{name}={value}{domain}; Path={path}; Expires={expires}; HttpOnly{secure}; SameSite={same_site}")
    }

    /// Does it take a cookie away?
    pub fn clears(&self) -> bool {
        self.value.is_empty()
    }
}

impl fmt::Debug for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetCookie")
            .field("name", &self.name)
            .field("domain", &self.domain)
            .field("path", &self.path)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// An attribute comes from settings that were checked; this is the last line that keeps it one attribute.
fn attribute(text: &str) -> Cow<'_, str> {
    if text.contains(|c: char| c == ';' || c.is_control()) {
        text.chars().filter(|c| *c != ';' && !c.is_control()).collect()
    } else {
        text.into()
    }
}

/// An instant as HTTP writes it: `Thu, 01 Jan 1970 00:00:00 GMT`. Years that do not have four digits become the nearest that do.
pub fn http_date(instant: Millis) -> String {
    let seconds = instant.div_euclid(SECOND).clamp(0, LAST_SECOND);
    let at = UtcDateTime::from_unix_timestamp(seconds).unwrap_or(UtcDateTime::UNIX_EPOCH);
    let (weekday, month) = (at.weekday().to_string(), at.month().to_string());
    let (day, year, time) = (at.day(), at.year(), (at.hour(), at.minute(), at.second()));
    format!("{weekday:.3}, {day:02} {month:.3} {year:04} {:02}:{:02}:{:02} GMT", time.0, time.1, time.2)
}

/// The value of the first cookie of this name. Several `Cookie` lines, as HTTP/2 allows, are one list.
pub fn read<'a>(headers: impl IntoIterator<Item = &'a str>, name: &str) -> Option<String> {
    read_all(headers, name).next()
}

/// The values of all cookies of this name, in their order.
pub fn read_all<'a>(headers: impl IntoIterator<Item = &'a str>, name: &str) -> impl Iterator<Item = String> {
    pairs(headers).filter(move |(found, _)| *found == name).filter_map(|(_, value)| {
        let value = value?;
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        Some(decode(value).into_owned())
    })
}

/// How many cookies of this name the request brings: more than one, and nobody can tell which is the newer.
pub fn count<'a>(headers: impl IntoIterator<Item = &'a str>, name: &str) -> usize {
    pairs(headers).filter(|(found, _)| decode(found) == name).count()
}

/// Names and values as they stand; a pair without `=` is a name only.
fn pairs<'a>(headers: impl IntoIterator<Item = &'a str>) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
    headers.into_iter().flat_map(|line| line.split(';')).map(|pair| match pair.split_once('=') {
        Some((name, value)) => (name.trim(), Some(value.trim())),
        None => (pair.trim(), None),
    })
}

/// Percent-decoded, or as it stands where the encoding is broken.
fn decode(text: &str) -> Cow<'_, str> {
    let mut rest = text.split('%');
    rest.next();
    let sound = |after: &str| matches!(after.as_bytes(), [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    if !rest.all(sound) {
        return text.into();
    }
    percent_decode_str(text).decode_utf8().unwrap_or(text.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cookie() -> SetCookie {
        SetCookie {
            name: "sRefreshToken".into(),
            value: "ref+r/esh==.nonce.V2".into(),
            domain: None,
            path: "/auth/session/refresh".into(),
            expires: 1_804_057_388_000,
            secure: false,
            same_site: SameSite::Lax,
        }
    }

    #[test]
    fn the_header_of_the_specification() {
        assert_eq!(
            cookie().to_header(),
            "sRefreshToken=ref%2Br%2Fesh%3D%3D.nonce.V2; Path=/auth/session/refresh; Expires=Wed, 03 Mar 2027 07:03:08 GMT; \
             HttpOnly; SameSite=Lax"
        );
        let clearing = SetCookie {
            name: "sAccessToken".into(),
            value: String::new(),
            domain: Some(".example.com".into()),
            path: "/".into(),
            expires: 0,
            secure: true,
            same_site: SameSite::None,
        };
        assert_eq!(
            clearing.to_header(),
            "sAccessToken=; Domain=.example.com; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=None"
        );
        assert!(clearing.clears() && !cookie().clears());
        let strict = SetCookie { domain: Some(String::new()), same_site: SameSite::Strict, ..cookie() };
        assert!(strict.to_header().ends_with("; HttpOnly; SameSite=Strict"));
        assert!(!strict.to_header().contains("Domain"), "an empty domain is none");
    }

    #[test]
    fn dates_of_http() {
        let rows = [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (999, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (-1, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777_000, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400_000, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_700_000_000_123, "Tue, 14 Nov 2023 22:13:20 GMT"),
            (Millis::MIN, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (Millis::MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ];
        for (instant, text) in rows {
            assert_eq!(http_date(instant), text);
        }
    }

    #[test]
    fn nothing_in_a_cookie_can_end_it() {
        let hostile = SetCookie {
            name: "a; Domain=evil\r\nSet-Cookie: b".into(),
            value: "x; Path=/\r\nSet-Cookie: c=d\u{e9}".into(),
            domain: Some("a.com; Secure\r\n".into()),
            path: "/; HttpOnly\n".into(),
            ..cookie()
        };
        assert_eq!(
            hostile.to_header(),
            "a%3B%20Domain%3Devil%0D%0ASet-Cookie%3A%20b=x%3B%20Path%3D%2F%0D%0ASet-Cookie%3A%20c%3Dd%C3%A9; Domain=a.com Secure; \
             Path=/ HttpOnly; Expires=Wed, 03 Mar 2027 07:03:08 GMT; HttpOnly; SameSite=Lax"
        );
        let plain = SetCookie { value: "AZaz09-_.!~*'()".into(), ..cookie() };
        assert!(plain.to_header().starts_with("sRefreshToken=AZaz09-_.!~*'(); "));
    }

    #[test]
    fn values_as_they_are_read() {
        let rows: [(&[&str], Option<&str>); 20] = [
            (&[], None),
            (&[""], None),
            (&["t=1"], Some("1")),
            (&["a=0; t=1; b=2"], Some("1")),
            (&["a=0;t=1;b=2"], Some("1")),
            (&[" t = 1 "], Some("1")),
            (&["a=0", "t=1"], Some("1")),
            (&["t=1; t=2"], Some("1")),
            (&["t=1", "t=2"], Some("1")),
            (&["t="], Some("")),
            (&["t"], None),
            (&["t; t=2"], Some("2")),
            (&["T=1"], None),
            (&["xt=1; tx=2"], None),
            (&["t=a=b=="], Some("a=b==")),
            (&["t=\"1 2\""], Some("1 2")),
            (&["t=\"\"1\"\""], Some("\"1\"")),
            (&["t=\""], Some("\"")),
            (&["t=a%2Bb%2F+%3D%C3%A9"], Some("a+b/+=é")),
            (&["t=%22x%22"], Some("\"x\"")),
        ];
        for (headers, value) in rows {
            assert_eq!(read(headers.iter().copied(), "t").as_deref(), value, "{headers:?}");
        }
        for broken in ["%", "%2", "%zz", "a%2Bb%", "%C3", "%ff%2B", "%2Bx%4"] {
            assert_eq!(read([format!("t={broken}").as_str()], "t").as_deref(), Some(broken));
        }
    }

    #[test]
    fn only_names_count() {
        let rows: [(&[&str], usize); 12] = [
            (&[], 0),
            (&["t=1"], 1),
            (&["t=1; t=2"], 2),
            (&["t=1; t=1"], 2),
            (&["t=1", "t=2; t=3"], 3),
            (&["tX=1; xt=2; t=3"], 1),
            (&["a=t=1; t=2"], 1),
            (&["a=\"t=1\"; t=2"], 1),
            (&["t=a=b; t=c==; t"], 3),
            (&["%74=1; t=2"], 2),
            (&["%7=1; T=2"], 0),
            (&[" t =1;;  ; t=2"], 2),
        ];
        for (headers, number) in rows {
            assert_eq!(count(headers.iter().copied(), "t"), number, "{headers:?}");
        }
    }

    #[test]
    fn all_values_of_one_name_in_their_order() {
        let all = |lines: &[&str]| read_all(lines.iter().copied(), "t").collect::<Vec<_>>();
        assert_eq!(all(&["a=0; t=1; t; T=9", "t=\"2\"; xt=8", "t=a%2Bb; t="]), ["1", "2", "a+b", ""]);
        assert_eq!(all(&["a=0"]), [""; 0]);
    }

    #[test]
    fn debug_shows_no_value() {
        assert!(!format!("{:?}", cookie()).contains("nonce"));
    }

    proptest! {
        #[test]
        fn what_is_set_is_read_again(value in "\\PC*", instant in any::<i64>()) {
            let header = SetCookie { value: value.clone(), expires: instant, ..cookie() }.to_header();
            let (pair, _) = header.split_once(';').unwrap();
            prop_assert_eq!(read([pair], "sRefreshToken"), Some(value));
            prop_assert!(header.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_control()));
        }

        #[test]
        fn no_header_panics(lines in prop::collection::vec("\\PC*", 0..4), name in "\\PC*") {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            prop_assert!(count(lines.iter().copied(), &name) <= lines.concat().len() + lines.len());
            let _ = read(lines.iter().copied(), &name);
        }
    }
}
