//! In a tenant an account info belongs to one group at most (core-linking.md 2.1). Who has what a user is about to gain?

use std::collections::BTreeSet;

use super::group::Group;
use super::info::{AccountInfo, InfoKind};
use super::method::LoginMethod;
use crate::ids::TenantId;

/// Another user has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The internal id of that user.
    pub group_id: String,
    /// The id that answers show.
    pub shown_id: String,
    /// What it has.
    pub kind: InfoKind,
}

/// The first of these infos that another group owns in one of these tenants. `others` may be more than those in question, oldest first;
/// users that stand alone own nothing, and `own_id` does not conflict with itself.
pub(super) fn first<'a>(
    own_id: &str,
    tenants: &BTreeSet<&TenantId>,
    infos: impl IntoIterator<Item = AccountInfo>,
    others: impl IntoIterator<Item = &'a Group>,
) -> Option<Conflict> {
    let meets = |group: &&Group| group.is_primary && group.id != own_id && group.tenants().intersection(tenants).next().is_some();
    let rivals: Vec<_> = others.into_iter().filter(meets).map(|group| (group, group.infos())).collect();
    infos.into_iter().find_map(|info| {
        let (group, _) = rivals.iter().find(|(_, infos)| infos.contains(&info))?;
        Some(Conflict { group_id: group.id.clone(), shown_id: group.shown_id().to_owned(), kind: info.kind })
    })
}

/// Whether another login method of the same recipe, in a tenant that both are in, has what must be one user's there. A database says so
/// by its keys.
pub fn taken<'a>(method: &LoginMethod, others: impl IntoIterator<Item = &'a LoginMethod>) -> Option<InfoKind> {
    let meets = |other: &&LoginMethod| !other.tenants.is_disjoint(&method.tenants);
    others.into_iter().filter(meets).find_map(|other| method.clash(other))
}
