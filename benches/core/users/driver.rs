//! What PostgreSQL could do for users at most: the store's own texts by the bare driver, prepared once, in the fewest round trips, one
//! connection for each caller.

use anyhow::ensure;
use supertokens_store::Db;
use tokio_postgres::{Client, NoTls, Statement};

use super::store::{HASH, NOW, SALT, names};
use super::{PAGE, Turn, UserOperation};
use crate::limits::the_text;
use crate::load::Worker;

const P: &str = "public";
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// What is prepared.
struct Statements {
    insert_user: Statement,
    insert_password: Statement,
    insert_listed: Statement,
    insert_in_tenant: Statement,
    log: Statement,
    mark: Statement,
    by_login: Statement,
    by_id: Statement,
    by_ids: Statement,
    page: Statement,
    search: Statement,
    roles: Statement,
    metadata: Statement,
    metadata_locked: Statement,
    update_metadata: Statement,
    insert_device: Statement,
    insert_code: Statement,
    device_of_link: Statement,
    lock_devices: Statement,
    code_made: Statement,
    delete_devices: Statement,
}

impl Statements {
    async fn prepare(client: &Client, texts: &Db) -> anyhow::Result<Self> {
        let one = async |parts: &[&str]| anyhow::Ok(client.prepare(the_text(texts, parts)?).await?);
        let loaded = "SELECT CAST(a.user_id AS TEXT), CAST(a.primary_or_recipe_user_id AS TEXT)";
        let (listed, device) = ("all_auth_recipe_users t", "SELECT CAST(d.device_id_hash AS TEXT), d.email");
        let by_ids = "s.app_id = $1 AND s.user_id = ANY(CAST($2 AS BPCHAR[]))";
        Ok(Self {
            insert_user: one(&["INSERT INTO app_id_to_user_id", "FALSE, $4, $4)"]).await?,
            insert_password: one(&["INSERT INTO emailpassword_users", "($1, $2, $3, $4, $5)"]).await?,
            insert_listed: one(&["INSERT INTO all_auth_recipe_users", "VALUES ($1"]).await?,
            insert_in_tenant: one(&["INSERT INTO emailpassword_user_to_tenant", "VALUES ($1"]).await?,
            log: one(&["INSERT INTO activity_log"]).await?,
            mark: one(&["INSERT INTO user_last_active"]).await?,
            by_login: one(&[loaded, listed, "CAST($7 AS TEXT) = 'emailpassword'"]).await?,
            by_id: one(&[loaded, listed, "s.user_id = COALESCE("]).await?,
            by_ids: one(&[loaded, listed, by_ids]).await?,
            page: one(&["SELECT CAST(p.id AS TEXT), p.joined", "FROM all_auth_recipe_users a", "ORDER BY joined ASC"]).await?,
            search: one(&[
                "SELECT CAST(a.primary_or_recipe_user_id AS TEXT) AS id",
                "emailpassword_users",
                "all_auth_recipe_users a",
            ])
            .await?,
            roles: one(&["SELECT role FROM user_roles WHERE"]).await?,
            metadata: one(&["SELECT user_metadata FROM user_metadata", "user_id = $2"]).await?,
            metadata_locked: one(&["SELECT user_metadata FROM user_metadata", "user_id = $2 FOR UPDATE"]).await?,
            update_metadata: one(&["UPDATE user_metadata"]).await?,
            insert_device: one(&["INSERT INTO passwordless_devices"]).await?,
            insert_code: one(&["INSERT INTO passwordless_codes"]).await?,
            device_of_link: one(&[device, "c.link_code_hash = $3"]).await?,
            lock_devices: one(&[device, "d.email = $3 ORDER BY", "FOR UPDATE"]).await?,
            code_made: one(&["SELECT created_at FROM passwordless_codes"]).await?,
            delete_devices: one(&["DELETE FROM passwordless_devices", "AND device_id_hash = ANY($3)"]).await?,
        })
    }
}

pub(super) struct UserDriverWorker {
    client: Client,
    on: Statements,
    turn: Turn,
}

impl UserDriverWorker {
    /// Takes the texts from the store, so that they are the same.
    pub(super) async fn connect(url: &str, texts: &Db, turn: Turn) -> anyhow::Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(async move {
            // A broken connection shows in the statements.
            let _ = connection.await;
        });
        let on = Statements::prepare(&client, texts).await?;
        Ok(Self { client, on, turn })
    }

    async fn log(&self, event: &str, user: &str) -> Result<u64, tokio_postgres::Error> {
        let (nothing, who) = (None::<&str>, "somebody@crowd.example");
        self.client.execute(&self.on.log, &[&P, &P, &user, &user, &event, &"success", &"email", &who, &NOW, &nothing]).await
    }

    async fn sign_up(&mut self) -> anyhow::Result<bool> {
        let member = self.turn.newcomer();
        let (id, email) = (member.id(), member.email());
        let (client, on) = (&self.client, &self.on);
        tokio::try_join!(
            biased;
            client.batch_execute(BEGIN),
            async { client.execute(&on.insert_user, &[&P, &id, &"emailpassword", &0_i64]).await.map(|_| ()) },
            async { client.execute(&on.insert_password, &[&P, &id, &email, &HASH, &NOW]).await.map(|_| ()) },
            async {
                client.execute(&on.insert_listed, &[&P, &P, &id, &id, &false, &"emailpassword", &NOW, &NOW]).await.map(|_| ())
            },
            async { client.execute(&on.insert_in_tenant, &[&P, &P, &id, &email]).await.map(|_| ()) },
            self.log("emailpassword_sign_up", &id),
            async { client.execute(&on.mark, &[&P, &id, &NOW]).await.map(|_| ()) },
            self.log("user_last_active", &id),
            client.batch_execute("COMMIT"),
        )?;
        Ok(true)
    }

    async fn by_login(&self, email: &str, recipe: &str) -> Result<usize, tokio_postgres::Error> {
        Ok(self.client.query(&self.on.by_login, &[&P, &P, &"email", &email, &"", &"", &recipe]).await?.len())
    }

    async fn sign_in(&mut self) -> anyhow::Result<bool> {
        let member = self.turn.by_password();
        let found = self.by_login(&member.email(), "emailpassword").await?;
        self.log("emailpassword_sign_in", &member.id()).await?;
        Ok(found > 0)
    }

    async fn by_id(&mut self) -> anyhow::Result<bool> {
        let id = self.turn.anybody().id();
        Ok(!self.client.query(&self.on.by_id, &[&P, &id, &id]).await?.is_empty())
    }

    async fn users(&self, ids: &[String]) -> anyhow::Result<usize> {
        Ok(self.client.query(&self.on.by_ids, &[&P, &ids]).await?.len())
    }

    async fn page(&mut self) -> anyhow::Result<bool> {
        let from = self.turn.before_a_page();
        let (limit, none) = (PAGE as i64 + 1, Vec::<String>::new());
        let places = self.client.query(&self.on.page, &[&P, &P, &true, &none, &from.joined(), &from.id(), &limit]).await?;
        let ids: Vec<String> = places.iter().take(PAGE).map(|row| row.get(0)).collect();
        Ok(self.users(&ids).await? >= PAGE)
    }

    async fn search(&mut self) -> anyhow::Result<bool> {
        let (emails, none) = (vec![self.turn.anybody().email()], Vec::<String>::new());
        // Behind whatever begins with the address, the newest first; no phone numbers, no providers.
        let (last, sign, limit) = ("\u{10ffff}".repeat(512), -1_i64, 1000_i64);
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 11] =
            [&P, &P, &emails, &last, &sign, &limit, &emails, &true, &none, &true, &none];
        let places = self.client.query(&self.on.search, &params).await?;
        let ids: Vec<String> = places.iter().map(|row| row.get(0)).collect();
        Ok(self.users(&ids).await? > 0)
    }

    async fn roles(&mut self) -> anyhow::Result<bool> {
        let id = self.turn.with_role().shown_id();
        Ok(!self.client.query(&self.on.roles, &[&P, &P, &id]).await?.is_empty())
    }

    async fn metadata(&mut self) -> anyhow::Result<bool> {
        let id = self.turn.alone().shown_id();
        Ok(!self.client.query(&self.on.metadata, &[&P, &id]).await?.is_empty())
    }

    async fn merge(&mut self) -> anyhow::Result<bool> {
        let (member, count) = (self.turn.alone(), self.turn.count);
        let (id, text) = (member.shown_id(), format!(r#"{{"n":{},"visits":{count}}}"#, member.0));
        let client = &self.client;
        let ((), found) = tokio::try_join!(
            biased;
            client.batch_execute(BEGIN),
            async { client.query(&self.on.metadata_locked, &[&P, &id]).await },
        )?;
        tokio::try_join!(
            biased;
            async { client.execute(&self.on.update_metadata, &[&P, &id, &text]).await },
            client.batch_execute("COMMIT"),
        )?;
        Ok(!found.is_empty())
    }

    async fn code(&mut self) -> anyhow::Result<bool> {
        let member = self.turn.by_code();
        let ([device, code, link], email) = (names(self.turn), member.email());
        let (client, on, nothing) = (&self.client, &self.on, None::<&str>);
        tokio::try_join!(
            biased;
            client.batch_execute(BEGIN),
            async { client.execute(&on.insert_device, &[&P, &P, &device, &email, &nothing, &SALT]).await },
            async { client.execute(&on.insert_code, &[&P, &P, &code, &device, &link, &NOW]).await },
            client.batch_execute("COMMIT"),
        )?;
        let found = client.query(&on.device_of_link, &[&P, &P, &link]).await?;
        let ((), locked, made, user) = tokio::try_join!(
            biased;
            client.batch_execute(BEGIN),
            async { client.query(&on.lock_devices, &[&P, &P, &email]).await },
            async { client.query(&on.code_made, &[&P, &P, &link, &device]).await },
            self.by_login(&email, "passwordless"),
        )?;
        tokio::try_join!(
            biased;
            async { client.execute(&on.delete_devices, &[&P, &P, &vec![device.as_str()]]).await },
            self.log("passwordless_sign_in", &code),
            client.batch_execute("COMMIT"),
        )?;
        Ok(found.len() == 1 && locked.len() == 1 && made.len() == 1 && user > 0)
    }
}

impl Worker for UserDriverWorker {
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
        ensure!(is_done?, "{operation:?} has not found what it looked for");
        Ok(true)
    }
}
