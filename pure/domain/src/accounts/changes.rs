//! What must be written when users change, as the difference between how they stood and how they stand: the same for every operation, so
//! that none forgets a tenant or an info (invariants II to IV of core-linking.md 2.1).

use std::collections::{BTreeMap, BTreeSet};

use super::group::{Group, Reservation};
use crate::time::Millis;

/// The group that a recipe user belongs to: `primary_or_recipe_user_id` and `is_linked_or_is_a_primary_user`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The internal id of the group.
    pub group_id: String,
    /// Primary, or linked.
    pub is_primary: bool,
}

/// The difference.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Recipe users, by internal id, that belong to another group now, or have become primary, or are no longer.
    pub memberships: BTreeMap<String, Membership>,
    /// Groups, by internal id, whose oldest login method joined at another time now, in ms.
    pub times_joined: BTreeMap<String, Millis>,
    /// What groups own from now on.
    pub reserved: BTreeSet<Reservation>,
    /// What they own no longer.
    pub released: BTreeSet<Reservation>,
}

impl Changes {
    /// Between these users before and after. Both sides have everything that takes part, and the rest of what was split.
    pub fn between<'a>(before: impl IntoIterator<Item = &'a Group>, after: impl IntoIterator<Item = &'a Group>) -> Self {
        let (before, after) = (Side::of(before), Side::of(after));
        let changed = |id: &&String, group: &Group| {
            before.members.get(id.as_str()).is_none_or(|was| was.id != group.id || was.is_primary != group.is_primary)
        };
        let membership = |group: &Group| Membership { group_id: group.id.clone(), is_primary: group.is_primary };
        Self {
            memberships: after
                .members
                .iter()
                .filter(|(id, group)| changed(id, group))
                .map(|(id, group)| (id.clone(), membership(group)))
                .collect(),
            times_joined: after
                .times
                .iter()
                .filter(|(id, time)| before.times.get(*id) != Some(time))
                .map(|(id, time)| (id.clone(), *time))
                .collect(),
            reserved: after.owned.difference(&before.owned).cloned().collect(),
            released: before.owned.difference(&after.owned).cloned().collect(),
        }
    }
}

struct Side<'a> {
    members: BTreeMap<String, &'a Group>,
    times: BTreeMap<String, Millis>,
    owned: BTreeSet<Reservation>,
}

impl<'a> Side<'a> {
    fn of(groups: impl IntoIterator<Item = &'a Group>) -> Self {
        let mut side = Side { members: BTreeMap::new(), times: BTreeMap::new(), owned: BTreeSet::new() };
        for group in groups {
            side.members.extend(group.methods.iter().map(|method| (method.recipe_user_id.clone(), group)));
            side.times.insert(group.id.clone(), group.time_joined());
            side.owned.extend(group.reservations());
        }
        side
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{AccountInfo, Link, Login, LoginMethod, Unlink, link, unlink};
    use crate::ids::TenantId;

    fn method(id: &str, tenant: &str, time_joined: Millis) -> LoginMethod {
        LoginMethod::new(id, Login::EmailPassword { email: format!("{id}@x") }, TenantId::normalise(tenant), time_joined)
    }

    fn owned(tenant: &str, info: &str, group_id: &str) -> Reservation {
        Reservation { tenant: TenantId::normalise(tenant), info: AccountInfo::email(info), group_id: group_id.into() }
    }

    #[test]
    fn linking_and_back() {
        let primary = Group { is_primary: true, ..Group::alone(method("p", "t1", 5)) };
        let alone = Group::alone(method("r", "t2", 3));
        let Link::Becomes(pair) = link(&alone, &primary, []) else { panic!() };
        let linked = Changes::between([&primary, &alone], [&pair]);
        let membership = |group_id: &str, is_primary| Membership { group_id: group_id.into(), is_primary };
        assert_eq!(linked.memberships, BTreeMap::from([("r".to_owned(), membership("p", true))]));
        assert_eq!(linked.times_joined, BTreeMap::from([("p".to_owned(), 3)]));
        let product = BTreeSet::from([owned("t1", "r@x", "p"), owned("t2", "p@x", "p"), owned("t2", "r@x", "p")]);
        assert_eq!((linked.reserved, linked.released), (product.clone(), BTreeSet::new()));
        let Unlink::Leaves { alone: again, rest: Some(rest), .. } = unlink(&pair, "r") else { panic!() };
        let parted = Changes::between([&pair], [&again, &rest]);
        assert_eq!(parted.memberships, BTreeMap::from([("r".to_owned(), membership("r", false))]));
        assert_eq!(parted.times_joined, BTreeMap::from([("p".to_owned(), 5), ("r".to_owned(), 3)]));
        assert_eq!((parted.reserved, parted.released), (BTreeSet::new(), product));
        assert_eq!((again, rest), (alone, primary));
    }

    #[test]
    fn what_stays_is_not_written() {
        let alone = Group::alone(method("r", "t2", 3));
        assert_eq!(Changes::between([&alone], [&alone]), Changes::default());
        let primary = Group { is_primary: true, ..alone.clone() };
        let made = Changes::between([&alone], [&primary]);
        assert_eq!(made.reserved, BTreeSet::from([owned("t2", "r@x", "r")]));
        assert!(made.times_joined.is_empty() && made.memberships["r"].is_primary);
    }
}
