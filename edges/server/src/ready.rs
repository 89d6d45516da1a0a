//! Can the server do its work? `/readyz` says so to anybody, and says nothing that anybody may not know: the reason is in the log.

use supertokens_core::Core;
use supertokens_store::StoreError;

use crate::limits;

/// # Errors
/// Why not, in words for anybody.
pub(crate) async fn ready(core: &Core) -> Result<(), &'static str> {
    core.db().ready(limits::READY).await.map_err(words)
}

fn words(error: StoreError) -> &'static str {
    match error {
        StoreError::Unavailable(_) => "the database cannot be reached, or does not answer",
        StoreError::Overloaded => "too many writes wait for the database",
        _ => "the database does not take writes",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anybody_is_told_nothing_of_the_database() {
        let lost = StoreError::Lost { path: "/secret/place.db".into(), what: "has been deleted", remedy: "put it back" };
        assert_eq!(words(lost), "the database does not take writes");
        let bad = StoreError::BadPlace("/secret/place.db is not a file".into());
        assert_eq!(words(bad), "the database does not take writes");
        assert_eq!(words(StoreError::Overloaded), "too many writes wait for the database");
    }
}
