//! An object for each user that an application writes about: table `user_metadata` (core-recipes-1.md 3). An id is any text.

use supertokens_domain::ids::AppId;

use crate::machinery::{Result, Tx, args, statements};

statements! { "user_metadata", S {
    Get = "SELECT user_metadata FROM {user_metadata} WHERE app_id = $1 AND user_id = $2",
    Locked = "SELECT user_metadata FROM {user_metadata} WHERE app_id = $1 AND user_id = $2 {lock}",
    OfMany = "SELECT user_id, user_metadata FROM {user_metadata} WHERE app_id = $1 AND user_id {in $2}",
    OfManyLocked = "SELECT user_id, user_metadata FROM {user_metadata} WHERE app_id = $1 AND user_id {in $2} ORDER BY user_id {lock}",
    InsertFirst = "INSERT INTO {user_metadata} (app_id, user_id, user_metadata) VALUES ($1, $2, $3)",
    Insert = "INSERT INTO {user_metadata} (app_id, user_id, user_metadata) VALUES ($1, $2, $3)
             ON CONFLICT (app_id, user_id) DO NOTHING",
    Update = "UPDATE {user_metadata} SET user_metadata = $3 WHERE app_id = $1 AND user_id = $2",
    Delete = "DELETE FROM {user_metadata} WHERE app_id = $1 AND user_id = $2",
} }

impl Tx<'_> {
    /// The text of a user's object.
    pub async fn user_metadata(&mut self, app: &AppId, user_id: &str) -> Result<Option<String>> {
        self.opt(S::Get, &args![app, user_id], |row| row.text(0)).await
    }

    /// The same, locked until the transaction ends.
    pub async fn user_metadata_locked(&mut self, app: &AppId, user_id: &str) -> Result<Option<String>> {
        self.opt(S::Locked, &args![app, user_id], |row| row.text(0)).await
    }

    /// Those of these users that have an object, each with its text; in no order.
    pub async fn user_metadata_of(&mut self, app: &AppId, user_ids: &[String]) -> Result<Vec<(String, String)>> {
        self.all(S::OfMany, &args![app, user_ids], |row| Ok((row.text(0)?, row.text(1)?))).await
    }

    /// The same, locked until the transaction ends.
    pub async fn user_metadata_of_locked(&mut self, app: &AppId, user_ids: &[String]) -> Result<Vec<(String, String)>> {
        self.all(S::OfManyLocked, &args![app, user_ids], |row| Ok((row.text(0)?, row.text(1)?))).await
    }

    /// Stores the first object of a user, with the commit. `Duplicate` if there is one by now.
    pub async fn insert_first_user_metadata(&mut self, app: &AppId, user_id: &str, text: &str) -> Result<()> {
        self.with_commit(S::InsertFirst, args![app, user_id, text].into()).await
    }

    /// Stores the first object of a user. False if there is one by now. `MissingParent` if the app does not exist.
    pub async fn insert_user_metadata(&mut self, app: &AppId, user_id: &str, text: &str) -> Result<bool> {
        Ok(self.exec(S::Insert, &args![app, user_id, text]).await? > 0)
    }

    /// Replaces the object of a user, with the commit.
    pub async fn update_user_metadata(&mut self, app: &AppId, user_id: &str, text: &str) -> Result<()> {
        self.with_commit(S::Update, args![app, user_id, text].into()).await
    }

    /// Removes the object of a user, if there is one.
    pub async fn delete_user_metadata(&mut self, app: &AppId, user_id: &str) -> Result<()> {
        self.with_commit(S::Delete, args![app, user_id].into()).await
    }
}
