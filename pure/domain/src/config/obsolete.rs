//! Which keys did older Java cores have that later ones, and this server, do not? A file that was carried along for years has them;
//! they are no reason not to start, but what they asked for does not happen any more, so it is said where that is done today.

/// Where today is said what an old key said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instead {
    /// In the settings of the SDK's session recipe, under this name.
    Sdk(&'static str),
    /// Nowhere: there is nothing to be said any more.
    Nothing,
}

impl Instead {
    /// What to do about the line.
    pub fn advice(self) -> String {
        match self {
            Self::Sdk(name) => format!("set {name} in the session recipe of the SDK instead, and remove the line"),
            Self::Nothing => "it has no successor; remove the line".to_owned(),
        }
    }
}

/// Core 2 and before made the cookies; since core 3 the SDKs do.
const OBSOLETE: &[(&str, Instead)] = &[
    ("access_token_path", Instead::Nothing),
    ("cookie_domain", Instead::Sdk("cookieDomain")),
    ("cookie_same_site", Instead::Sdk("cookieSameSite")),
    ("cookie_secure", Instead::Sdk("cookieSecure")),
    ("enable_anti_csrf", Instead::Sdk("antiCsrf")),
    ("refresh_api_path", Instead::Sdk("apiBasePath (of appInfo)")),
    ("session_expired_status_code", Instead::Sdk("sessionExpiredStatusCode")),
    ("postgresql_past_tokens_table_name", Instead::Nothing),
];

/// What has come in the place of a key that was one in older Java cores; nothing if it never was.
pub fn obsolete_key(name: &str) -> Option<Instead> {
    OBSOLETE.iter().find(|(old, _)| *old == name).map(|(_, instead)| *instead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_old_and_in_use() {
        for (old, instead) in OBSOLETE {
            assert!(super::super::key(old).is_none(), "{old}");
            assert!(instead.advice().contains("remove the line"), "{old}");
        }
        assert_eq!(obsolete_key("cookie_domain"), Some(Instead::Sdk("cookieDomain")));
        assert_eq!(obsolete_key("host"), None);
    }
}
