//! Which of several session cookies of one name is this application's? An application on a parent domain may use the same names, and
//! browsers then send both. The application's own older cookies, from before a change of their domain, are another matter: of two that
//! are its own, nobody can say which is newer (sdk-session.md 5.8).

/// What is known of an access token's cookie, without asking anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A key of this application's core has signed it, however long ago.
    Signed,
    /// No known key has, but it names this application as its issuer.
    Named,
    /// Neither.
    Foreign,
}

/// The place of the one that is this application's own: the only one that is signed or, where none is, the only one that says so.
/// `None` if there is none, or more than one.
pub fn own(cookies: &[Origin]) -> Option<usize> {
    let kind = if cookies.contains(&Origin::Signed) { Origin::Signed } else { Origin::Named };
    let mut found = cookies.iter().enumerate().filter(|(_, origin)| **origin == kind);
    match (found.next(), found.next()) {
        (Some((place, _)), None) => Some(place),
        _ => None,
    }
}

/// What the cookies of a refresh request say.
#[derive(Debug, Clone, Copy)]
pub struct Cookies<'a> {
    /// Those of access tokens.
    pub access: &'a [Origin],
    /// The hash in the own access token of the refresh token that came with it.
    pub partner: Option<&'a str>,
    /// Hashes of the refresh tokens.
    pub refresh: &'a [String],
    /// The application says that its cookies had another domain once.
    pub moved: bool,
}

impl Cookies<'_> {
    /// The place of the refresh token to use although there are several cookies; `None` if it is not clear which, or if the
    /// application's own cookies of an older domain are to be cleared first (decision 14).
    pub fn refresh_token(self) -> Option<usize> {
        let own = own(self.access);
        let foreign = self.access.iter().filter(|origin| **origin == Origin::Foreign).count();
        let only_foreign = own.is_some() && foreign > 0 && foreign + 1 == self.access.len();
        if self.moved && !only_foreign {
            return None;
        }
        // Two of its own are no foreign cookie: their domain was changed, and nobody has said so.
        if own.is_none() && foreign < self.access.len() {
            return None;
        }
        if let [_] = self.refresh {
            return Some(0);
        }
        let partner = self.partner?;
        let mut found = self.refresh.iter().enumerate().filter(|(_, hash)| hash.as_str() == partner);
        match (found.next(), found.next()) {
            (Some((place, _)), None) => Some(place),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Origin::{Foreign, Named, Signed};
    use super::*;

    #[test]
    fn whose_cookie_it_is() {
        let rows: [(&[Origin], Option<usize>); 10] = [
            (&[], None),
            (&[Foreign], None),
            (&[Signed], Some(0)),
            (&[Foreign, Signed], Some(1)),
            (&[Signed, Foreign, Foreign], Some(0)),
            (&[Named, Signed], Some(1)),
            (&[Signed, Signed], None),
            (&[Foreign, Named], Some(1)),
            (&[Named, Named], None),
            (&[Foreign, Foreign], None),
        ];
        for (cookies, expected) in rows {
            assert_eq!(own(cookies), expected, "{cookies:?}");
        }
    }

    #[test]
    fn which_refresh_token_is_used() {
        // access cookies, the own one's partner, refresh tokens, moved, chosen
        type Row<'a> = (&'a [Origin], Option<&'a str>, &'a [&'a str], bool, Option<usize>);
        let rows: [Row<'_>; 19] = [
            (&[Signed, Foreign], Some("b"), &["a", "b"], false, Some(1)),
            (&[Foreign, Named], Some("a"), &["a", "b"], false, Some(0)),
            (&[Signed], Some("b"), &["a", "b"], false, Some(1)),
            (&[Signed, Foreign], Some("c"), &["a", "b"], false, None),
            (&[Signed, Foreign], Some("a"), &["a", "a"], false, None),
            (&[Signed, Foreign], Some("c"), &["a"], false, Some(0)),
            (&[Foreign, Foreign], None, &["a"], false, Some(0)),
            (&[Foreign, Foreign], None, &["a", "b"], false, None),
            (&[], None, &["a", "b"], false, None),
            (&[Signed, Foreign], Some("a"), &[], false, None),
            (&[Signed, Signed], None, &["a", "b"], false, None),
            (&[Signed, Signed], None, &["a"], false, None),
            (&[Named, Named], None, &["a"], false, None),
            (&[Signed, Named], Some("a"), &["a", "b"], false, Some(0)),
            // Where the domain was changed, what may be older cookies of one's own is cleared.
            (&[Signed, Foreign], Some("b"), &["a", "b"], true, Some(1)),
            (&[Signed, Named], Some("b"), &["a", "b"], true, None),
            (&[Signed], Some("b"), &["a", "b"], true, None),
            (&[Foreign, Foreign], None, &["a"], true, None),
            (&[Signed, Foreign], Some("c"), &["a"], true, Some(0)),
        ];
        for (access, partner, refresh, moved, expected) in rows {
            let refresh: Vec<String> = refresh.iter().map(|hash| (*hash).to_owned()).collect();
            let cookies = Cookies { access, partner, refresh: &refresh, moved };
            assert_eq!(cookies.refresh_token(), expected, "{cookies:?}");
        }
    }
}
