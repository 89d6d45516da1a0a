//! What could be reached at most on this machine, now: the tokens' cryptography on one core, hashing on some, and each database without
//! the program. HTTP without the program is in `bare`, users' statements are in `users`.
//!
//! SQLite is asked through the store, whose shared commits no plain driver has; PostgreSQL through tokio-postgres with
//! the store's own texts, prepared once, in the fewest round trips, one connection for each caller.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use aws_lc_rs::pbkdf2;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey};
use supertokens_domain::ids::{AppId, SessionHandle, TenantId};
use supertokens_domain::session::hash::hash2;
use supertokens_store::{ActivityRow, Db, NewSession, RotationColumns};
use tokio_postgres::{Client, NoTls, Statement};

use crate::load::{Operation, USERS, Worker};

/// What the tokens cost at the least, each a second of one core.
pub(crate) struct Cryptography {
    /// RSA-2048 signatures.
    pub(crate) signatures: f64,
    /// Their verifications.
    pub(crate) verifications: f64,
    /// Derivations of the key that seals one refresh token: 100 rounds of PBKDF2 with HMAC-SHA512.
    pub(crate) derivations: f64,
}

impl Cryptography {
    /// Does each for so long, with the library that the program uses.
    pub(crate) fn measure(span: Duration) -> anyhow::Result<Self> {
        const MESSAGE: &[u8] = b"a header and claims of the usual size";
        let key = RsaKeyPair::generate(KeySize::Rsa2048).ok().context("no key")?;
        let (random, mut signature) = (SystemRandom::new(), vec![0; key.public_modulus_len()]);
        let signatures = a_second(span, || key.sign(&RSA_PKCS1_SHA256, &random, MESSAGE, &mut signature).ok())?;
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref()).parse().ok();
        let public = public.context("no public key")?;
        let verifications = a_second(span, || public.verify_sig(MESSAGE, &signature).ok())?;
        let (rounds, mut derived) = (NonZeroU32::new(100).context("no rounds")?, [0; 32]);
        let derivations = a_second(span, || {
            pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA512, rounds, &[7; 12], MESSAGE, &mut derived);
            Some(())
        })?;
        Ok(Self { signatures, verifications, derivations })
    }

    /// How often a second one core could do what an operation needs of this; nothing if it needs none.
    pub(crate) fn of(&self, operation: Operation) -> Option<f64> {
        let seconds = match operation {
            Operation::Create => 1.0 / self.signatures + 1.0 / self.derivations,
            // One refresh token is opened, another one sealed.
            Operation::Refresh => 1.0 / self.signatures + 2.0 / self.derivations,
            Operation::Verify => 1.0 / self.verifications,
            Operation::Get | Operation::Revoke => return None,
        };
        Some(1.0 / seconds)
    }
}

/// How many passwords a second so many cores hash: bcrypt by the same library, with the cost that is the settings' own.
pub(crate) fn hashes_a_second(cores: usize, span: Duration) -> anyhow::Result<f64> {
    const LOG_ROUNDS: u32 = 11;
    let one = || {
        a_second(span, || {
            std::hint::black_box(bcrypt::bcrypt(LOG_ROUNDS, [7; 16], b"a passphrase\0"));
            Some(())
        })
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(one)).collect();
        let rates = threads.into_iter().map(|thread| thread.join().ok().context("a thread that hashes failed")?);
        rates.sum()
    })
}

fn a_second(span: Duration, mut once: impl FnMut() -> Option<()>) -> anyhow::Result<f64> {
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < span {
        once().context("the cryptography failed")?;
        count += 1;
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

/// A session's life far in the future, and a moment for everything else.
const NOW: i64 = 1_790_000_000_000;
const LATER: i64 = NOW + 8_640_000_000;

/// The handles that a worker has stored, and the rows it writes.
struct Rows {
    worker: usize,
    count: usize,
    handles: Vec<SessionHandle>,
    next: usize,
    hash: String,
}

impl Rows {
    fn new(worker: usize) -> Self {
        Self { worker, count: 0, handles: Vec::new(), next: 0, hash: hash2("a token") }
    }

    fn user(&self) -> String {
        format!("user-{}", (self.worker * 131 + self.count) % USERS)
    }

    fn fresh(&mut self) -> NewSession {
        self.count += 1;
        let uuid = format!("{:08x}-0000-4000-8000-{:012x}", self.worker, self.count);
        NewSession {
            session_handle: SessionHandle::new(&uuid, &TenantId::default()),
            user_id: self.user(),
            refresh_token_hash_2: self.hash.clone(),
            session_data: r#"{"cart":[1,2,3]}"#.into(),
            expires_at: LATER,
            created_at_time: NOW,
            jwt_user_payload: r#"{"role":"reader"}"#.into(),
            use_static_key: false,
        }
    }

    fn turn(&mut self) -> anyhow::Result<SessionHandle> {
        self.next = (self.next + 1) % self.handles.len().max(1);
        self.handles.get(self.next).cloned().context("no session has been stored")
    }
}

/// SQLite through the store.
pub(crate) struct StoreWorker {
    db: Arc<Db>,
    rows: Rows,
}

impl StoreWorker {
    pub(crate) fn new(db: Arc<Db>, number: usize) -> Self {
        Self { db, rows: Rows::new(number) }
    }

    async fn create(&mut self) -> anyhow::Result<bool> {
        let new = self.rows.fresh();
        let (handle, user) = (new.session_handle.clone(), new.user_id.clone());
        let resolved = self.db.read(async move |tx| tx.resolve_user(&AppId::default(), &user).await).await?;
        let line = ActivityRow {
            app: AppId::default(),
            tenant: TenantId::default(),
            recipe_user_id: Some(resolved.recipe),
            primary_or_recipe_user_id: Some(resolved.primary),
            event_type: "session_created".into(),
            status: None,
            auth_principal: None,
            identifier: Some(handle.as_str().to_owned()),
            created_at: NOW,
            payload: None,
        };
        let write = self.db.tx(async move |tx| {
            tx.insert_session(&AppId::default(), &TenantId::default(), &new).await?;
            tx.log_activity(&line).await
        });
        write.await?;
        self.rows.handles.push(handle);
        Ok(true)
    }

    async fn refresh(&mut self) -> anyhow::Result<bool> {
        let (handle, hash) = (self.rows.turn()?, self.rows.hash.clone());
        let to = RotationColumns {
            current_hash2: hash.clone(),
            prev_hash2: Some(hash),
            rotated_at: Some(NOW),
            expires_at: LATER,
            use_static_key: false,
        };
        let write = self.db.tx(async move |tx| {
            tx.session_locked(&AppId::default(), &TenantId::default(), &handle).await?;
            tx.rotate_session(&AppId::default(), &TenantId::default(), &handle, &to).await
        });
        write.await?;
        Ok(true)
    }

    async fn read(&mut self) -> anyhow::Result<bool> {
        let handle = self.rows.turn()?;
        let found = self.db.read(async move |tx| tx.session(&AppId::default(), &TenantId::default(), &handle).await).await?;
        Ok(found.is_some())
    }

    async fn revoke(&mut self) -> anyhow::Result<bool> {
        let Some(handle) = self.rows.handles.pop() else { return Ok(false) };
        let pairs = [(TenantId::default(), handle)];
        Ok(self.db.single(async move |tx| tx.delete_sessions(&AppId::default(), &pairs).await).await?.len() == 1)
    }
}

impl Worker for StoreWorker {
    type Operation = Operation;

    async fn step(&mut self, operation: Operation) -> anyhow::Result<bool> {
        match operation {
            Operation::Create => self.create().await,
            Operation::Refresh => self.refresh().await,
            Operation::Verify | Operation::Get => self.read().await,
            Operation::Revoke => self.revoke().await,
        }
    }
}

/// The statement of the store that begins with the first of these and has the others in it, whatever the schema. The shortest, as some
/// are another one with a lock.
pub(crate) fn the_text<'a>(texts: &'a Db, parts: &[&str]) -> anyhow::Result<&'a str> {
    let is_it = |text: &&str| {
        let plain = text.replace("public.", "");
        parts.first().is_some_and(|begin| plain.starts_with(begin)) && parts.iter().all(|part| plain.contains(part))
    };
    let found = texts.texts().filter(is_it).min_by_key(|text| text.len());
    found.with_context(|| format!("the store has no statement with {parts:?}"))
}

/// PostgreSQL through its driver.
pub(crate) struct DriverWorker {
    client: Client,
    resolve: Statement,
    insert: Statement,
    log: Statement,
    lock: Statement,
    rotate: Statement,
    read: Statement,
    delete: Statement,
    rows: Rows,
}

impl DriverWorker {
    /// Takes the texts from the store, so that they are the same.
    pub(crate) async fn connect(url: &str, texts: &Db, number: usize) -> anyhow::Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(async move {
            // A broken connection shows in the statements.
            let _ = connection.await;
        });
        let prepared = async |parts: &[&str]| anyhow::Ok(client.prepare(the_text(texts, parts)?).await?);
        let one = "WHERE app_id = $1 AND tenant_id = $2 AND session_handle = $3 RETURNING";
        Ok(Self {
            resolve: prepared(&["WITH r AS"]).await?,
            insert: prepared(&["INSERT INTO session_info"]).await?,
            log: prepared(&["INSERT INTO activity_log"]).await?,
            lock: prepared(&["WITH s AS MATERIALIZED (SELECT s.session_handle"]).await?,
            rotate: prepared(&["UPDATE session_info SET refresh_token_hash_2"]).await?,
            read: prepared(&["SELECT s.session_handle", "s.session_handle = $3"]).await?,
            delete: prepared(&["DELETE FROM session_info", one]).await?,
            rows: Rows::new(number),
            client,
        })
    }

    async fn create(&mut self) -> anyhow::Result<bool> {
        let new = self.rows.fresh();
        let (client, nothing) = (&self.client, None::<&str>);
        client.query(&self.resolve, &[&"public", &new.user_id]).await?;
        let handle = new.session_handle.as_str();
        let (begun, stored, logged, committed) = tokio::join!(
            biased;
            client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED"),
            async { client.execute(&self.insert, &[
                &"public",
                &"public",
                &handle,
                &new.user_id,
                &new.refresh_token_hash_2,
                &new.session_data,
                &new.expires_at,
                &new.created_at_time,
                &new.jwt_user_payload,
                &new.use_static_key,
            ]).await },
            async { client.execute(&self.log, &[
                &"public",
                &"public",
                &new.user_id,
                &new.user_id,
                &"session_created",
                &nothing,
                &nothing,
                &handle,
                &NOW,
                &nothing,
            ]).await },
            client.batch_execute("COMMIT"),
        );
        begun?;
        stored?;
        logged?;
        committed?;
        self.rows.handles.push(new.session_handle);
        Ok(true)
    }

    async fn refresh(&mut self) -> anyhow::Result<bool> {
        let handle = self.rows.turn()?;
        let (client, handle, hash) = (&self.client, handle.as_str(), &self.rows.hash);
        let (begun, found) = tokio::join!(
            biased;
            client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED"),
            async { client.query(&self.lock, &[&"public", &"public", &handle]).await },
        );
        begun?;
        let (rotated, committed) = tokio::join!(
            biased;
            async { client.execute(&self.rotate, &[&"public", &"public", &handle, hash, &Some(hash), &Some(NOW), &LATER, &false]).await },
            client.batch_execute("COMMIT"),
        );
        rotated?;
        committed?;
        Ok(found?.len() == 1)
    }

    async fn read(&mut self) -> anyhow::Result<bool> {
        let handle = self.rows.turn()?;
        Ok(self.client.query(&self.read, &[&"public", &"public", &handle.as_str()]).await?.len() == 1)
    }

    async fn revoke(&mut self) -> anyhow::Result<bool> {
        let Some(handle) = self.rows.handles.pop() else { return Ok(false) };
        Ok(self.client.query(&self.delete, &[&"public", &"public", &handle.as_str()]).await?.len() == 1)
    }
}

impl Worker for DriverWorker {
    type Operation = Operation;

    async fn step(&mut self, operation: Operation) -> anyhow::Result<bool> {
        match operation {
            Operation::Create => self.create().await,
            Operation::Refresh => self.refresh().await,
            Operation::Verify | Operation::Get => self.read().await,
            Operation::Revoke => self.revoke().await,
        }
    }
}
