//! What is the path of an address or of a request, as paths are compared and put together here? Empty, or with a slash in front and
//! none at the end (sdk-session.md 1.5).

use std::fmt;

use url::Url;

use super::{AddressError, begins_with, shown};

/// A normalised URL path: `""` or `/a/b`. Capital letters stay; dot segments are resolved; blanks and letters beyond ASCII are
/// percent-encoded.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct BasePath(String);

impl BasePath {
    /// Takes the path out of a whole address, an address without scheme, or a path; query and fragment vanish.
    pub fn parse(input: &str) -> Result<Self, AddressError> {
        let text = input.trim();
        if is_plain(text) {
            return Ok(Self(text.strip_suffix('/').unwrap_or(text).to_owned()));
        }
        let url = if begins_with(text, "http://") || begins_with(text, "https://") {
            Url::parse(text)
        } else if names_a_host(text) {
            Url::parse(&format!("http://{text}"))
        } else {
            Url::parse(&format!("http://example.com{}{text}", if text.starts_with('/') { "" } else { "/" }))
        };
        let url = url.map_err(|_| AddressError::InvalidPath { input: shown(input) })?;
        let path = url.path();
        Ok(Self(path.strip_suffix('/').unwrap_or(path).to_owned()))
    }

    /// `""` or `/a/b`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Is it the root?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// This path, then that one.
    #[must_use]
    pub fn append(&self, below: &Self) -> Self {
        Self(format!("{}{}", self.0, below.0))
    }

    /// Does it begin with these letters?
    // Quirk: segments do not matter, so `/authx` begins with `/auth`.
    pub fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// Is it a path of one of the core's recipes: is the first or the second segment `recipe`?
    pub fn is_recipe_path(&self) -> bool {
        self.0.split('/').skip(1).take(2).any(|segment| segment == "recipe")
    }
}

/// Most requests' paths: a parser would give them back as they are.
fn is_plain(text: &str) -> bool {
    text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'~'))
}

// Quirk: a file name is taken for a host, so `auth.json` has the empty path and `/auth.json` does not.
fn names_a_host(text: &str) -> bool {
    if begins_with(text, "localhost") {
        return true;
    }
    let dotted = |url: Url| url.host_str().is_some_and(|host| host.contains('.'));
    text.contains('.') && !text.starts_with('/') && Url::parse(&format!("http://{text}")).is_ok_and(dotted)
}

impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table() {
        let rows = [
            ("", ""),
            ("/", ""),
            ("http://api.example.com", ""),
            ("https://api.example.com/", ""),
            ("http://api.example.com?x=1", ""),
            ("http://api.example.com/hello", "/hello"),
            ("HTTP://api.example.com/hello", "/hello"),
            ("http://api.example.com/one/two/", "/one/two"),
            ("http://api.example.com/one/two#x", "/one/two"),
            ("api.example.com", ""),
            (".example.com", ""),
            ("localhost", ""),
            ("api.example.com/one/two", "/one/two"),
            (".example.com/one/two", "/one/two"),
            ("1.2.3.4/one/two", "/one/two"),
            ("127.0.0.1:4000/one/two", "/one/two"),
            ("localhost:4000/one", "/one"),
            ("auth", "/auth"),
            ("/auth", "/auth"),
            ("/auth/", "/auth"),
            ("auth/", "/auth"),
            (" /auth ", "/auth"),
            ("/Auth", "/Auth"),
            ("one/two?x=1", "/one/two"),
            ("/one/two?x=1", "/one/two"),
            ("/one/two#a", "/one/two"),
            ("/one/two//", "/one/two/"),
            ("//one", "//one"),
            ("/.netlify/functions/api", "/.netlify/functions/api"),
            ("netlify/functions/api", "/netlify/functions/api"),
            ("/auth.json", "/auth.json"),
            ("auth.json", ""),
            ("/exists?email=john@x.com", "/exists"),
            ("exists?email=john@x.com", "/exists"),
            ("/a/./b", "/a/b"),
            ("/a/../b", "/b"),
            ("/netlify/..", ""),
            ("/one two", "/one%20two"),
            ("/one%20two", "/one%20two"),
            ("/é", "/%C3%A9"),
            ("https://try.supertokens.com/appid-public/", "/appid-public"),
            ("core.example.com:3567", ""),
        ];
        for (input, expected) in rows {
            let path = BasePath::parse(input).unwrap_or_else(|error| panic!("{input}: {error}"));
            assert_eq!(path.as_str(), expected, "{input}");
        }
    }

    #[test]
    fn an_address_that_cannot_be_read_is_refused_and_not_taken_for_a_path() {
        for input in ["http://", "https://a b.com/auth", "http://a.com:99999/x", "localhost:99999/x"] {
            assert!(matches!(BasePath::parse(input), Err(AddressError::InvalidPath { .. })), "{input}");
        }
    }

    #[test]
    fn paths_put_together_and_compared() {
        let path = |text| BasePath::parse(text).expect("a path");
        assert_eq!(path("/gw").append(&path("/auth")).as_str(), "/gw/auth");
        assert_eq!(path("/").append(&path("/auth")), path("auth"));
        assert!(path("/").is_empty());
        assert!(path("/authx").starts_with(&path("/auth")));
        assert!(!path("/AUTH").starts_with(&path("/auth")));
        for (text, expected) in [
            ("/recipe/session", true),
            ("/t1/recipe/session", true),
            ("/a/b/recipe", false),
            ("/recipes", false),
            ("", false),
            ("/user/id", false),
        ] {
            assert_eq!(path(text).is_recipe_path(), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_taken_for_plain_is_what_the_parser_gives(text in "/[a-zA-Z0-9/_~-]{0,12}") {
            let url = Url::parse(&format!("http://example.com{text}")).expect("a URL");
            let parsed = url.path().strip_suffix('/').unwrap_or(url.path());
            assert_eq!(BasePath::parse(&text).expect("a path").as_str(), parsed);
        }

        #[test]
        fn any_path_of_a_request_is_read(text in "/\\PC{0,20}") {
            let path = BasePath::parse(&text).expect("a path");
            assert!(path.as_str().is_empty() || path.as_str().starts_with('/'), "{path}");
        }
    }
}
