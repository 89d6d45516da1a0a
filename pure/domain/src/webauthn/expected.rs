//! What the browser's answer must be like.

/// Whether the authenticator has to make sure who is there: by a finger, a face or a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserVerification {
    /// Without it nobody gets in.
    Required,
    /// It is wished for, and not checked.
    Preferred,
    /// It had better not.
    Discouraged,
}

impl UserVerification {
    /// The word on the wire and in the table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Preferred => "preferred",
            Self::Discouraged => "discouraged",
        }
    }

    /// What a word means; upper and lower case differ.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Required, Self::Preferred, Self::Discouraged].into_iter().find(|wish| wish.word() == word)
    }
}

/// What the stored options say that the browser's answer must be like.
#[derive(Debug, Clone)]
pub struct Expected {
    /// As it is stored: base64url.
    pub challenge: String,
    /// Where the page is.
    pub origin: String,
    /// Whom the passkey is for.
    pub rp_id: String,
    /// Whether the authenticator had to make sure who is there.
    pub user_verification: UserVerification,
    /// Whether somebody had to be there.
    pub user_presence: bool,
    /// The algorithms that a new key may have, by their COSE numbers; `None` stands for every one that can be checked.
    pub algorithms: Option<Vec<i64>>,
}
