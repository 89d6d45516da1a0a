//! Who may keep an answer that carries tokens? No cache that many share (RFC 9111, 5.2.2).

/// Whether these lines of `Cache-Control`, or of a header like it, keep an answer out of caches that many share: `no-store` or `private`.
/// A `private` that names fields is about these only.
pub fn is_for_one<'a>(lines: impl IntoIterator<Item = &'a str>) -> bool {
    lines.into_iter().any(|line| {
        let mut quoted = false;
        let mut directives = line.split(|c| {
            quoted ^= c == '"';
            c == ',' && !quoted
        });
        directives.any(|directive| ["no-store", "private"].iter().any(|one| directive.trim().eq_ignore_ascii_case(one)))
    })
}

/// Whether caches that know this header follow it rather than `Cache-Control` (RFC 9213, and what proxies had before it). `name` is in
/// lower case.
pub fn goes_before_cache_control(name: &str) -> bool {
    name.ends_with("cdn-cache-control") || ["surrogate-control", "x-accel-expires"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_keep_an_answer() {
        let rows: [(&[&str], bool); 15] = [
            (&[], false),
            (&[""], false),
            (&["public, max-age=60"], false),
            (&["max-age=60"], false),
            (&["no-cache"], false),
            (&["s-maxage=60, must-revalidate"], false),
            (&["no-store"], true),
            (&["private, max-age=1"], true),
            (&["max-age=1 , Private"], true),
            (&["public, NO-STORE"], true),
            (&["public", "private"], true),
            (&["private=\"set-cookie\""], false),
            (&["private=\"x-a, private, x-b\", max-age=1"], false),
            (&["private=\"x-a, x-b\", no-store"], true),
            (&["not-private, x=no-store"], false),
        ];
        for (lines, expected) in rows {
            assert_eq!(is_for_one(lines.iter().copied()), expected, "{lines:?}");
        }
    }

    #[test]
    fn headers_that_caches_follow_first() {
        for name in ["cdn-cache-control", "cloudflare-cdn-cache-control", "surrogate-control", "x-accel-expires"] {
            assert!(goes_before_cache_control(name), "{name}");
        }
        for name in ["cache-control", "x-cache", "expires", "surrogate-key"] {
            assert!(!goes_before_cache_control(name), "{name}");
        }
    }
}
