//! E-mail addresses as they are kept and compared. What an address is allowed to look like is the application's affair.

/// Without the characters up to U+0020 on both ends, and no other blank: what upstream means by trimming.
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(|character| character <= ' ')
}

/// The one spelling under which an address is stored and looked up: trimmed, in lower case (core-users.md 3).
pub fn normalised(email: &str) -> String {
    trimmed(email).to_lowercase()
}

/// Did an SDK make this address up for somebody who has none? Nobody could read a message sent there, so it counts as verified at sign-up
/// (core-users.md 3.1).
pub fn is_made_up(normalised: &str) -> bool {
    ["@stfakeemail.supertokens.com", ".fakeemail.com"].iter().any(|end| normalised.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::test_vectors as vectors;

    #[test]
    fn addresses_are_those_of_the_vectors() {
        let file = vectors::file(include_str!("../../../../testkit/vectors/email_normalisation.json"));
        let (cases, made_up) = (vectors::array(&file, "cases"), vectors::array(&file, "fake"));
        assert!(cases.len() >= 9 && made_up.len() >= 6);
        for case in cases {
            let kept = normalised(vectors::text(case, "in"));
            assert_eq!(kept, vectors::text(case, "out"));
            assert_eq!(normalised(&kept), kept, "normalising twice changes nothing");
        }
        for case in made_up {
            let email = vectors::text(case, "email");
            assert_eq!(is_made_up(email), vectors::boolean(case, "isFake"), "{email}");
        }
    }
}
