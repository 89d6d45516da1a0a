//! Users under ids of an application's own: table `userid_mapping`, and what stands under an id elsewhere (core-linking.md 1).
//!
//! `supertokens_user_id` is CHAR(36): it is compared as BPCHAR, and only with what can be such an id (`as_internal`).

use supertokens_domain::accounts::{FoundIds, IdKind, IdMapping, as_internal};
use supertokens_domain::ids::AppId;
use supertokens_domain::time::Millis;
use supertokens_domain::user_id_mapping::{BeforeMapping, Uses};

use crate::machinery::{Result, Row, StoreError, Tx, args, statements};

/// What stands under an id in the tables that know no users. Tokens are looked for tenant by tenant, as their key begins with it.
macro_rules! uses {
    ($id:literal, $now:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM {session_info} WHERE app_id = $1 AND user_id = ", $id, " AND expires_at >= ", $now, "),
             EXISTS (SELECT 1 FROM {user_metadata} WHERE app_id = $1 AND user_id = ", $id, "),
             EXISTS (SELECT 1 FROM {user_roles} WHERE app_id = $1 AND user_id = ", $id, "),
             EXISTS (SELECT 1 FROM {emailverification_verified_emails} WHERE app_id = $1 AND user_id = ", $id, ")
             OR EXISTS (SELECT 1 FROM {tenants} t JOIN {emailverification_tokens} e ON e.app_id = t.app_id AND e.tenant_id = t.tenant_id
                 WHERE t.app_id = $1 AND e.user_id = ", $id, "),
             EXISTS (SELECT 1 FROM {totp_user_devices} WHERE app_id = $1 AND user_id = ", $id, ")"
        )
    };
}

/// What there is of an id: `$2` as an internal one, `$3` as an external one. Other columns may come between the two halves.
macro_rules! found {
    ($more:expr) => {
        concat!(
            "SELECT EXISTS (SELECT 1 FROM {app_id_to_user_id} WHERE app_id = $1 AND user_id = CAST(CAST($2 AS TEXT) AS BPCHAR)),
             own.external_user_id, own.external_user_id_info,
             CAST(shown.supertokens_user_id AS TEXT), shown.external_user_id_info",
            $more,
            " FROM (SELECT 1 AS one) AS one
             LEFT JOIN {userid_mapping} own ON own.app_id = $1 AND own.supertokens_user_id = CAST(CAST($2 AS TEXT) AS BPCHAR)
             LEFT JOIN {userid_mapping} shown ON shown.app_id = $1 AND shown.external_user_id = $3"
        )
    };
}

statements! { "userid_mapping", S {
    Find = found!(""),
    BeforeRemoval = found!(concat!(
        ", EXISTS (SELECT 1 FROM {app_id_to_user_id} WHERE app_id = $1 AND user_id = CAST(CASE
             WHEN length(COALESCE(own.external_user_id, shown.external_user_id)) = 36
             THEN COALESCE(own.external_user_id, shown.external_user_id) END AS BPCHAR)), ",
        uses!("COALESCE(own.external_user_id, shown.external_user_id)", "$4")
    )),
    BeforeMapping = concat!(
        "SELECT (SELECT CAST(m.supertokens_user_id AS TEXT) FROM {userid_mapping} m WHERE m.app_id = $1 AND m.external_user_id = $3),
             EXISTS (SELECT 1 FROM {userid_mapping} WHERE app_id = $1 AND supertokens_user_id = CAST(CAST($2 AS TEXT) AS BPCHAR)),
             EXISTS (SELECT 1 FROM {app_id_to_user_id} WHERE app_id = $1 AND user_id = CAST(CAST($2 AS TEXT) AS BPCHAR)),
             EXISTS (SELECT 1 FROM {app_id_to_user_id} WHERE app_id = $1 AND user_id = CAST(CAST($4 AS TEXT) AS BPCHAR)),
             EXISTS (SELECT 1 FROM {emailverification_verified_emails} a JOIN {emailverification_verified_emails} b
                 ON b.app_id = a.app_id AND b.user_id = $3 AND b.email = a.email
                 WHERE a.app_id = $1 AND a.user_id = CAST($2 AS TEXT)), ",
        uses!("CAST($2 AS TEXT)", "$5")
    ),
    Uses = concat!("SELECT ", uses!("CAST($2 AS TEXT)", "$3")),
    Insert = "INSERT INTO {userid_mapping} (app_id, supertokens_user_id, external_user_id, external_user_id_info)
             VALUES ($1, $2, $3, $4)",
    // Where there is a mark under the new id already.
    ForgetTwice = "DELETE FROM {emailverification_verified_emails} WHERE app_id = $1 AND user_id = $2 AND email IN
             (SELECT b.email FROM {emailverification_verified_emails} b WHERE b.app_id = $1 AND b.user_id = $3)",
    MoveVerified = "UPDATE {emailverification_verified_emails} SET user_id = $3 WHERE app_id = $1 AND user_id = $2",
    MoveTokens = "UPDATE {emailverification_tokens} SET user_id = $3 WHERE app_id = $1 AND user_id = $2
             AND tenant_id IN (SELECT t.tenant_id FROM {tenants} t WHERE t.app_id = $1)",
    Delete = "DELETE FROM {userid_mapping} WHERE app_id = $1 AND external_user_id = $3
             AND supertokens_user_id = CAST(CAST($2 AS TEXT) AS BPCHAR)",
    // Without a kind, an internal id means its own mapping and no other.
    PutInfo = "UPDATE {userid_mapping} SET external_user_id_info = $2 WHERE app_id = $1 AND supertokens_user_id = COALESCE(
             (SELECT m.supertokens_user_id FROM {userid_mapping} m
                 WHERE m.app_id = $1 AND m.supertokens_user_id = CAST(CAST($3 AS TEXT) AS BPCHAR)),
             (SELECT m.supertokens_user_id FROM {userid_mapping} m WHERE m.app_id = $1 AND m.external_user_id = $4
                 AND NOT EXISTS (SELECT 1 FROM {app_id_to_user_id} a
                     WHERE a.app_id = $1 AND a.user_id = CAST(CAST($5 AS TEXT) AS BPCHAR))))",
} }

/// The columns of `found!`: is it internal; external id and info of its own mapping; internal id and info of the one that shows it.
type Columns = (bool, Option<String>, Option<String>, Option<String>, Option<String>);

fn read_found(row: &Row<'_>) -> Result<Columns> {
    Ok((row.flag(0)?, row.opt_text(1)?, row.opt_text(2)?, row.opt_text(3)?, row.opt_text(4)?))
}

fn named((is_internal, external, own_info, internal, shown_info): Columns, id: &str) -> FoundIds {
    FoundIds {
        id: id.to_owned(),
        is_internal,
        own: external.map(|external| IdMapping { internal: id.to_owned(), external, info: own_info }),
        shown_for: internal.map(|internal| IdMapping { internal, external: id.to_owned(), info: shown_info }),
    }
}

fn read_uses(row: &Row<'_>, from: usize) -> Result<Uses> {
    Ok(Uses {
        session: row.flag(from)?,
        user_metadata: row.flag(from + 1)?,
        user_roles: row.flag(from + 2)?,
        email_verification: row.flag(from + 3)?,
        totp: row.flag(from + 4)?,
    })
}

/// What there is before a mapping is made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LookedUp {
    /// For the decision.
    pub before: BeforeMapping,
    /// An address is verified under both ids.
    pub verified_twice: bool,
}

/// What there is before the mapping that an id means is removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeforeRemoval {
    /// The mappings.
    pub found: FoundIds,
    /// The external id of the one that is meant is some user's internal one.
    pub external_is_internal: bool,
    /// What stands under that external id.
    pub uses: Uses,
}

impl Tx<'_> {
    /// What there is of an id. One statement.
    pub async fn find_ids(&mut self, app: &AppId, id: &str) -> Result<FoundIds> {
        let found = self.opt(S::Find, &args![app, as_internal(id), id], read_found).await?;
        Ok(named(found.unwrap_or_default(), id))
    }

    /// What there is before a mapping is made.
    pub async fn before_mapping(&mut self, app: &AppId, internal: &str, external: &str, now: Millis) -> Result<LookedUp> {
        let params = args![app, as_internal(internal), external, as_internal(external), now];
        let found = self.opt(S::BeforeMapping, &params, |row| {
            let before = BeforeMapping {
                owner_of_external: row.opt_text(0)?,
                user_is_mapped: row.flag(1)?,
                user_exists: row.flag(2)?,
                external_is_internal: row.flag(3)?,
                uses: read_uses(row, 5)?,
            };
            Ok(LookedUp { before, verified_twice: row.flag(4)? })
        });
        Ok(found.await?.unwrap_or_default())
    }

    /// What stands under an id in the tables that know no users, in whichever tenant. Sessions whose time is over do not count.
    pub async fn uses_of_id(&mut self, app: &AppId, id: &str, now: Millis) -> Result<Uses> {
        Ok(self.opt(S::Uses, &args![app, id, now], |row| read_uses(row, 0)).await?.unwrap_or_default())
    }

    /// Stores a mapping. `Busy` if since it was looked up somebody has mapped one of the ids, or removed the user: look again.
    pub async fn insert_user_id_mapping(&mut self, app: &AppId, mapping: &IdMapping) -> Result<()> {
        let params = args![app, &mapping.internal, &mapping.external, mapping.info.as_ref()];
        match self.exec(S::Insert, &params).await {
            Err(StoreError::Duplicate(_) | StoreError::MissingParent(_)) => Err(StoreError::Busy),
            outcome => outcome.map(|_| ()),
        }
    }

    /// Stores the mapping of a user that is being made, with the commit. `Duplicate` if somebody has its external id by now.
    pub async fn map_new_user(&mut self, app: &AppId, mapping: &IdMapping) -> Result<()> {
        let params = args![app, &mapping.internal, &mapping.external, mapping.info.as_ref()];
        self.with_commit(S::Insert, params.into()).await
    }

    /// Keeps under another id what is known of a user's addresses. Goes out with the next statement.
    pub async fn move_verification(&mut self, app: &AppId, from: &str, to: &str, verified_twice: bool) -> Result<()> {
        if verified_twice {
            self.with_commit(S::ForgetTwice, args![app, from, to].into()).await?;
        }
        self.with_commit(S::MoveVerified, args![app, from, to].into()).await?;
        self.with_commit(S::MoveTokens, args![app, from, to].into()).await
    }

    /// What there is before the mapping that an id means is removed.
    pub async fn before_mapping_removal(&mut self, app: &AppId, id: &str, now: Millis) -> Result<BeforeRemoval> {
        let params = args![app, as_internal(id), id, now];
        let found = self.opt(S::BeforeRemoval, &params, |row| Ok((read_found(row)?, row.flag(5)?, read_uses(row, 6)?)));
        let (found, external_is_internal, uses) = found.await?.unwrap_or_default();
        Ok(BeforeRemoval { found: named(found, id), external_is_internal, uses })
    }

    /// Removes a mapping. False if it is not there any more.
    pub async fn delete_user_id_mapping(&mut self, app: &AppId, mapping: &IdMapping) -> Result<bool> {
        Ok(self.exec(S::Delete, &args![app, as_internal(&mapping.internal), &mapping.external]).await? > 0)
    }

    /// Replaces what is kept with the mapping that an id means, or takes it away. False if there is no such mapping.
    pub async fn put_external_user_id_info(&mut self, app: &AppId, kind: IdKind, id: &str, info: Option<&str>) -> Result<bool> {
        let internal = as_internal(id).filter(|_| kind != IdKind::External);
        let external = (kind != IdKind::SuperTokens).then_some(id);
        Ok(self.exec(S::PutInfo, &args![app, info, internal, external, internal]).await? > 0)
    }
}
