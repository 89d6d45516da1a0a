//! What SQLite could do for users at most: the store without the program.

use std::sync::Arc;

use supertokens_domain::accounts::{AccountInfo, AuthRecipe, Login, LoginMethod};
use supertokens_domain::ids::{AppId, TenantId};
use supertokens_domain::passwordless::Contact;
use supertokens_domain::secret::Secret;
use supertokens_store::{ActivityRow, CodeRow, Db, DeviceRow, JoinOrder, UserPage, UserPlace};
use supertokens_testkit::crowd::Member;

use super::{PAGE, Turn, UserOperation};
use crate::load::Worker;

/// A moment for everything.
pub(super) const NOW: i64 = 1_790_000_000_000;
/// As long as a hash.
pub(super) const HASH: &str = "$2a$11$abcdefghijklmnopqrstuutJ2RyAufs74z0O.Qp2tLTGZ/9JVQq0O";
/// As long as a device's salt, and as its hash and that of a link.
pub(super) const SALT: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// The names of a new device, its code, and the link.
pub(super) fn names(turn: Turn) -> [String; 3] {
    let number = ((turn.workers * 1_000 + turn.worker) * 1_000_000 + turn.count) as u64;
    let id = Member(number).id();
    [format!("{id}-device"), id.clone(), format!("{id}-a-link")]
}

/// The line that a login leaves in the log.
pub(super) fn line(event: &str, user: &str) -> ActivityRow {
    ActivityRow {
        app: AppId::default(),
        tenant: TenantId::default(),
        recipe_user_id: Some(user.to_owned()),
        primary_or_recipe_user_id: Some(user.to_owned()),
        event_type: event.to_owned(),
        status: Some("success".to_owned()),
        auth_principal: Some("email".to_owned()),
        identifier: Some("somebody@crowd.example".to_owned()),
        created_at: NOW,
        payload: None,
    }
}

pub(super) struct UserStoreWorker {
    db: Arc<Db>,
    turn: Turn,
}

impl UserStoreWorker {
    pub(super) fn new(db: Arc<Db>, turn: Turn) -> Self {
        Self { db, turn }
    }

    async fn sign_up(&mut self) -> anyhow::Result<bool> {
        let member = self.turn.newcomer();
        let login = Login::EmailPassword { email: member.email() };
        let method = LoginMethod::new(member.id(), login, TenantId::default(), NOW);
        let write = self.db.tx(async move |tx| {
            let (app, id) = (AppId::default(), method.recipe_user_id.as_str());
            tx.insert_user(&app, &method, Some(HASH)).await?;
            tx.log_activity(&line("emailpassword_sign_up", id)).await?;
            tx.mark_last_active(&app, id, NOW).await?;
            tx.log_activity(&line("user_last_active", id)).await
        });
        write.await?;
        Ok(true)
    }

    async fn sign_in(&mut self) -> anyhow::Result<bool> {
        let member = self.turn.by_password();
        let info = AccountInfo::email(member.email());
        let (app, tenant) = (AppId::default(), TenantId::default());
        let found = self.db.read(async move |tx| tx.user_by_login(&app, &tenant, AuthRecipe::EmailPassword, &info).await).await?;
        let Some(found) = found else { return Ok(false) };
        let line = line("emailpassword_sign_in", &found.recipe_user_id);
        self.db.tx(async move |tx| tx.log_activity(&line).await).await?;
        Ok(true)
    }

    async fn by_id(&mut self) -> anyhow::Result<bool> {
        let id = self.turn.anybody().id();
        Ok(self.db.read(async move |tx| tx.user_by_id(&AppId::default(), &id).await).await?.is_some())
    }

    async fn page(&mut self) -> anyhow::Result<bool> {
        let from = self.turn.before_a_page();
        let from = Some(UserPlace { primary_user_id: from.id(), time_joined: from.joined() });
        let page = UserPage { order: JoinOrder::Ascending, limit: PAGE as i64 + 1, from, recipe_ids: Vec::new() };
        let users = self.db.read_long(async move |tx| {
            let app = AppId::default();
            let places = tx.users_page(&app, &TenantId::default(), &page).await?;
            let ids: Vec<String> = places.into_iter().take(PAGE).map(|place| place.primary_user_id).collect();
            tx.users_by_internal_ids(&app, &ids).await
        });
        Ok(users.await?.len() == PAGE)
    }

    async fn search(&mut self) -> anyhow::Result<bool> {
        let emails = [self.turn.anybody().email()];
        let users = self.db.read_long(async move |tx| {
            let (app, tenant) = (AppId::default(), TenantId::default());
            let places = tx.search_users(&app, &tenant, JoinOrder::Descending, [&emails, &[], &[]], 1000).await?;
            let ids: Vec<String> = places.into_iter().map(|place| place.primary_user_id).collect();
            tx.users_by_internal_ids(&app, &ids).await
        });
        Ok(!users.await?.is_empty())
    }

    async fn roles(&mut self) -> anyhow::Result<bool> {
        let id = self.turn.with_role().shown_id();
        let roles = self.db.read(async move |tx| tx.roles_of_user(&AppId::default(), &TenantId::default(), &id).await);
        Ok(!roles.await?.is_empty())
    }

    async fn metadata(&mut self) -> anyhow::Result<bool> {
        let id = self.turn.alone().shown_id();
        Ok(self.db.read(async move |tx| tx.user_metadata(&AppId::default(), &id).await).await?.is_some())
    }

    async fn merge(&mut self) -> anyhow::Result<bool> {
        let (member, count) = (self.turn.alone(), self.turn.count);
        let (id, text) = (member.shown_id(), format!(r#"{{"n":{},"visits":{count}}}"#, member.0));
        let found = self.db.tx(async move |tx| {
            let found = tx.user_metadata_locked(&AppId::default(), &id).await?;
            tx.update_user_metadata(&AppId::default(), &id, &text).await?;
            Ok(found)
        });
        Ok(found.await?.is_some())
    }

    async fn code(&mut self) -> anyhow::Result<bool> {
        let member = self.turn.by_code();
        let [id_hash, code_id, link] = names(self.turn);
        let contact = Contact::Email(member.email());
        let device =
            DeviceRow { id_hash: id_hash.clone(), contact: contact.clone(), salt: Secret::new(SALT.into()), failed_attempts: 0 };
        let code = CodeRow { code_id, device_id_hash: id_hash.clone(), link_code_hash: link.clone(), created_at: NOW };
        let made = self.db.tx(async move |tx| {
            tx.insert_device(&AppId::default(), &TenantId::default(), &device).await?;
            tx.insert_code(&AppId::default(), &TenantId::default(), &code).await
        });
        made.await?;
        let shown = link.clone();
        let found = self.db.read(async move |tx| tx.device_of_link(&AppId::default(), &TenantId::default(), &shown).await);
        if found.await?.is_none() {
            return Ok(false);
        }
        let user = self.db.tx(async move |tx| {
            let (app, tenant) = (AppId::default(), TenantId::default());
            tx.lock_devices_of(&app, &tenant, &contact).await?;
            tx.code_made(&app, &tenant, &link, &id_hash).await?;
            tx.delete_devices(&app, &tenant, std::slice::from_ref(&id_hash)).await?;
            let user = tx.user_by_login(&app, &tenant, AuthRecipe::Passwordless, &contact.info()).await?;
            tx.log_activity(&line("passwordless_sign_in", &id_hash)).await?;
            Ok(user)
        });
        Ok(user.await?.is_some())
    }
}

impl Worker for UserStoreWorker {
    type Operation = UserOperation;

    async fn step(&mut self, operation: UserOperation) -> anyhow::Result<bool> {
        let is_done = match operation {
            UserOperation::SignUp => self.sign_up().await,
            UserOperation::SignIn => self.sign_in().await,
            UserOperation::ById => self.by_id().await,
            UserOperation::Page => self.page().await,
            UserOperation::Search => self.search().await,
            UserOperation::Roles => self.roles().await,
            UserOperation::MetadataRead => self.metadata().await,
            UserOperation::MetadataMerge => self.merge().await,
            UserOperation::Passwordless => self.code().await,
        };
        anyhow::ensure!(is_done?, "{operation:?} has not found what it looked for");
        Ok(true)
    }
}
