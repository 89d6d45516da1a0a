//! The rows of accounts: who logs in how, in which tenants, and who is linked to whom (core-users.md 2, core-linking.md 2).
//!
//! What a change means is decided elsewhere, from users to users; here it is read and written. Only this folder knows the four migration
//! modes: which tables say in which tenants somebody is, and which are written.

pub(crate) mod backfill;
pub(crate) mod compare;
pub(crate) mod load;
pub(crate) mod write;

pub use backfill::Backfilled;
pub use load::{FoundLogin, FoundPasskey, FoundUser};
pub use write::taken_login;

/// Which tables are read and written (core-server.md 11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Legacy,
    WriteBothReadOld,
    WriteBothReadNew,
    Migrated,
}

impl Mode {
    /// The settings let no other name pass.
    fn of(name: &str) -> Self {
        match name {
            "DUAL_WRITE_READ_OLD" => Self::WriteBothReadOld,
            "DUAL_WRITE_READ_NEW" => Self::WriteBothReadNew,
            "MIGRATED" => Self::Migrated,
            _ => Self::Legacy,
        }
    }

    /// `all_auth_recipe_users` and what hangs on it.
    fn reads_old(self) -> bool {
        matches!(self, Self::Legacy | Self::WriteBothReadOld)
    }

    fn writes_old(self) -> bool {
        self != Self::Migrated
    }

    /// `recipe_user_account_infos`, `recipe_user_tenants`, `primary_user_tenants`, and the times in `app_id_to_user_id`.
    fn writes_new(self) -> bool {
        self != Self::Legacy
    }
}

impl crate::machinery::Tx<'_> {
    fn mode(&self) -> Mode {
        Mode::of(self.migration_mode())
    }

    /// Do `all_auth_recipe_users` and what hangs on it say who is in which tenant? Otherwise `recipe_user_tenants` does.
    pub(crate) fn reads_old_accounts(&self) -> bool {
        self.mode().reads_old()
    }
}
