//! Which user an id means: internal ids, and the external ones that are shown instead (core-linking.md 1.2, 1.5).

/// What a caller says an id is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdKind {
    /// An internal id.
    SuperTokens,
    /// An external id.
    External,
    /// Either. An internal id of a user without a mapping loses against a mapping to it; one with a mapping of its own wins.
    Any,
}

/// A row of `userid_mapping`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdMapping {
    /// `supertokens_user_id`.
    pub internal: String,
    /// `external_user_id`.
    pub external: String,
    /// `external_user_id_info`.
    pub info: Option<String>,
}

/// What a database has of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundIds {
    /// The id that was asked for.
    pub id: String,
    /// It is a user's internal id: `app_id_to_user_id` has it.
    pub is_internal: bool,
    /// The mapping of the user with this internal id.
    pub own: Option<IdMapping>,
    /// The mapping that shows this id instead of an internal one.
    pub shown_for: Option<IdMapping>,
}

/// What an id means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeantId<'a> {
    /// Nobody here.
    Unknown,
    /// A user without a mapping.
    Unmapped(&'a str),
    /// A user with one.
    Mapped(&'a IdMapping),
}

/// What taking away a mapping comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MappingRemoval<'a> {
    /// There is none.
    Nothing,
    /// It goes, whatever is stored under its external id: that is another user's internal id, and the rows are theirs.
    AtOnce(&'a IdMapping),
    /// If nothing is stored under this external id, or whoever asks insists, `mapping` goes, if there is one.
    Unless {
        /// Under which nothing may be stored.
        in_use: &'a str,
        /// The one that the caller named.
        mapping: Option<&'a IdMapping>,
    },
}

/// The id, if a user can have it as an internal one. Others are not looked up as such: the column pads what is shorter, takes no notice of
/// blanks at the end, and what is longer would match by its beginning where it is cut.
pub fn as_internal(id: &str) -> Option<&str> {
    const LENGTH: usize = 36;
    (id.len() == LENGTH && id.bytes().all(|byte| byte.is_ascii_graphic())).then_some(id)
}

impl<'a> MeantId<'a> {
    /// The internal id to act on.
    pub fn internal(self) -> Option<&'a str> {
        match self {
            Self::Unknown => None,
            Self::Unmapped(id) => Some(id),
            Self::Mapped(mapping) => Some(&mapping.internal),
        }
    }

    /// The mapping.
    pub fn mapping(self) -> Option<&'a IdMapping> {
        match self {
            Self::Mapped(mapping) => Some(mapping),
            Self::Unknown | Self::Unmapped(_) => None,
        }
    }
}

impl FoundIds {
    /// Whom the id means, if it is of this kind.
    pub fn meant(&self, kind: IdKind) -> MeantId<'_> {
        let unmapped = || if self.is_internal { MeantId::Unmapped(&self.id) } else { MeantId::Unknown };
        let found = match kind {
            IdKind::SuperTokens if self.is_internal => self.own.as_ref(),
            IdKind::SuperTokens => None,
            IdKind::External => return self.shown_for.as_ref().map_or(MeantId::Unknown, MeantId::Mapped),
            IdKind::Any => self.own.as_ref().or(self.shown_for.as_ref()),
        };
        found.map_or_else(unmapped, MeantId::Mapped)
    }

    /// The mapping whose row carries the id on the side that the kind names.
    // Quirk: asked for an id of either kind, an internal one counts only as such, although it may be shown for another user.
    pub fn named(&self, kind: IdKind) -> Option<&IdMapping> {
        match kind {
            IdKind::Any if self.is_internal => self.own.as_ref(),
            IdKind::SuperTokens => self.own.as_ref(),
            IdKind::Any | IdKind::External => self.shown_for.as_ref(),
        }
    }

    /// What taking away the mapping of this id means. `is_internal` says whether an id is a user's internal one.
    pub fn removal(&self, kind: IdKind, is_internal: impl Fn(&str) -> bool) -> MappingRemoval<'_> {
        if self.meant(kind) == MeantId::Unknown {
            return MappingRemoval::Nothing;
        }
        // Quirk: which mapping is looked at does not depend on the kind.
        match self.meant(IdKind::Any) {
            MeantId::Mapped(mapping) if is_internal(&mapping.external) => MappingRemoval::AtOnce(mapping),
            MeantId::Mapped(mapping) => MappingRemoval::Unless { in_use: &mapping.external, mapping: self.named(kind) },
            MeantId::Unknown | MeantId::Unmapped(_) => MappingRemoval::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::JsonObject;
    use crate::session::test_vectors as vectors;

    fn kind(name: &str) -> IdKind {
        match name {
            "SUPERTOKENS" => IdKind::SuperTokens,
            "EXTERNAL" => IdKind::External,
            "ANY" => IdKind::Any,
            other => panic!("{other}"),
        }
    }

    /// The database of a case, as one look at an id sees it.
    fn look(case: &JsonObject, id: &str) -> FoundIds {
        let internal = vectors::member(case, "internalIds").as_array().unwrap();
        let mappings: Vec<IdMapping> = vectors::object(case, "mappings")
            .iter()
            .map(|(internal, external)| IdMapping {
                internal: internal.to_owned(),
                external: external.as_str().unwrap().to_owned(),
                info: None,
            })
            .collect();
        FoundIds {
            id: id.to_owned(),
            is_internal: internal.iter().any(|it| it.as_str() == Some(id)),
            own: mappings.iter().find(|it| it.internal == id).cloned(),
            shown_for: mappings.iter().find(|it| it.external == id).cloned(),
        }
    }

    #[test]
    fn only_what_can_be_an_internal_id_is_looked_up_as_one() {
        let id = "00000000-0000-4000-8000-00000000000a";
        assert_eq!(as_internal(id), Some(id));
        for other in ["", "a", &format!("{id} "), &format!("{id}xyz"), &id[1..], &format!("{} ", &id[1..]), &"é".repeat(18)] {
            assert_eq!(as_internal(other), None, "{other:?}");
        }
    }

    #[test]
    fn ids_mean_what_the_vectors_say() {
        let file = vectors::file(include_str!("../../../../testkit/vectors/id_resolution.json"));
        let cases = vectors::array(&file, "cases");
        assert!(cases.len() >= 54);
        for case in cases {
            let id = vectors::text(case, "userId");
            let (found, kind) = (look(case, id), kind(vectors::text(case, "userIdType")));
            let got = vectors::object(case, "get");
            let shown = found.meant(kind).mapping().map(|it| (it.internal.as_str(), it.external.as_str()));
            let expected = vectors::optional(got, "superTokensUserId").map(|it| (it, vectors::text(got, "externalUserId")));
            assert_eq!(shown, expected, "{case:?}");
            let removed = match found.removal(kind, |id| look(case, id).is_internal) {
                MappingRemoval::Nothing => false,
                MappingRemoval::AtOnce(_) => true,
                MappingRemoval::Unless { mapping, .. } => mapping.is_some(),
            };
            assert_eq!(removed, vectors::boolean(case, "removeDidMappingExist"), "{case:?}");
            let is_known = found.meant(kind) != MeantId::Unknown;
            let changed = if is_known && found.named(kind).is_some() { "OK" } else { "UNKNOWN_MAPPING_ERROR" };
            assert_eq!(changed, vectors::text(case, "updateInfo"), "{case:?}");
            if kind == IdKind::Any {
                let internal = found.meant(kind).internal();
                assert_eq!(internal, vectors::optional(case, "authEndpointsUse"), "{case:?}");
                let own = internal.map(|id| look(case, id)).filter(|user| user.is_internal);
                let shown = own.map(|user| user.own.map_or(user.id, |mapping| mapping.external));
                assert_eq!(shown.as_deref(), vectors::optional(case, "shownAs"), "{case:?}");
            }
        }
    }
}
