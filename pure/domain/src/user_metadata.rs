//! What an application keeps about a user: an object that is changed member by member (core-recipes-1.md 3).

use std::collections::HashSet;

use crate::json::{Json, JsonObject};

/// The object after an update. On the top level only: a member of the update takes the place of the stored one and moves to the end, null
/// takes it out, and what is inside is kept as it came.
#[must_use]
pub fn merged(stored: JsonObject, update: JsonObject) -> JsonObject {
    let named: HashSet<&str> = update.iter().map(|(name, _)| name).collect();
    let mut members: Vec<(String, Json)> =
        stored.into_members().into_iter().filter(|(name, _)| !named.contains(name.as_str())).collect();
    drop(named);
    members.extend(update.into_members().into_iter().filter(|(_, value)| *value != Json::Null));
    JsonObject::of_members(members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::test_vectors as vectors;

    #[test]
    fn merging_is_that_of_the_vectors() {
        let file = vectors::file(include_str!("../../../testkit/vectors/metadata_merge.json"));
        let cases = vectors::array(&file, "cases");
        assert!(cases.len() >= 19);
        for case in cases {
            let object = |name| JsonObject::parse(vectors::text(case, name)).unwrap();
            assert_eq!(merged(object("stored"), object("update")).to_text(), vectors::text(case, "result"));
        }
    }

    #[test]
    fn a_large_object_costs_what_its_length_costs() {
        let large = |name: char, value: &str| {
            let members: Vec<String> = (0..30_000).map(|n| format!("\"{name}{n}\":{value}")).collect();
            JsonObject::parse(&format!("{{{}}}", members.join(","))).unwrap()
        };
        // A search for each of them would take minutes.
        assert_eq!(merged(large('a', "1"), large('b', "2")).len(), 60_000);
        assert_eq!(merged(large('a', "1"), large('a', "null")), JsonObject::new());
    }
}
