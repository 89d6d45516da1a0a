//! Making and verifying password hashes, off the runtime's threads (core-users.md 3.8; decision 25). Formats and limits are
//! `emailpassword` in the pure room's; here is who works them out, how many at a time, and what is told to those for whom there is no room.

use supertokens_domain::config::{CoreConfig, Settings};
use supertokens_domain::emailpassword::cost::{Caps, Making};
use supertokens_domain::emailpassword::import::NO_SIGNER_KEY;
use supertokens_domain::emailpassword::password_hash::{Derivation, Format, PasswordHash, SALT, signer_key};
use supertokens_domain::secret::Secret;

use crate::caller::Caller;
use crate::error::Error;

mod derive;
mod pool;

use derive::derive;
pub use pool::PoolFigures;
use pool::{NotDone, Pool};

/// One pool for each algorithm, so that a few that take much memory do not stand in the way of the others.
pub(crate) struct Hashing {
    bcrypt: Pool,
    argon2: Pool,
    firebase: Pool,
}

impl Hashing {
    /// As many threads as the base settings say, and for bcrypt as there are processors. None of them starts yet.
    pub(crate) fn new(base: &CoreConfig) -> Self {
        let most = usize::try_from(base.max_server_pool_size).unwrap_or(1);
        let setting = |size: i64| usize::try_from(size).unwrap_or(1).min(most);
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            bcrypt: Pool::new("bcrypt", processors.min(most)),
            argon2: Pool::new("argon2", setting(base.argon2_hashing_pool_size)),
            firebase: Pool::new("firebase", setting(base.firebase_password_hashing_pool_size)),
        }
    }

    fn pool(&self, format: Format) -> &Pool {
        match format {
            Format::Bcrypt => &self.bcrypt,
            Format::Argon2 => &self.argon2,
            Format::Firebase => &self.firebase,
        }
    }

    /// The hash of a new password, as it is stored. `salt` is random.
    ///
    /// # Errors
    /// 503 if too many wait, and a fault if the machine has not got what the settings ask for.
    pub(crate) async fn make(
        &self,
        caller: &Caller,
        settings: &Settings,
        password: Secret<String>,
        salt: [u8; SALT],
    ) -> Result<Secret<String>, Error> {
        let making = Making::of(settings);
        let work = move || {
            let derivation = making.derivation(salt);
            derive(&derivation, &password, None).map(|digest| derivation.text(digest.expose()))
        };
        let text = self.run(caller, making.format(), work).await?.map_err(Error::fault)?;
        text.ok_or_else(|| Error::fault("a hash came out in no format"))
    }

    /// Does the password belong to this hash? Where there is none, or one that nothing can belong to, the same time is spent.
    ///
    /// # Errors
    /// 503 if too many wait, and upstream's 500 for a Firebase hash while there is no signer key.
    pub(crate) async fn verify(
        &self,
        caller: &Caller,
        settings: &Settings,
        password: Secret<String>,
        stored: Option<Secret<String>>,
    ) -> Result<bool, Error> {
        let hash = stored.and_then(|stored| PasswordHash::read(stored.expose()));
        let Some(hash) = hash.filter(|hash| Caps::of(settings).allow(&hash.derivation)) else {
            let making = Making::of(settings);
            let decoy = move || derive(&making.decoy(), &password, None).map(drop);
            self.run(caller, making.format(), decoy).await?.map_err(Error::fault)?;
            return Ok(false);
        };
        let key = match (&hash.derivation, &settings.firebase_password_hashing_signer_key) {
            (Derivation::Firebase(_), Some(key)) => Some(signer_key(key.expose())),
            (Derivation::Firebase(_), None) => return Err(no_signer_key()),
            _ => None,
        };
        let format = hash.format();
        let work = move || derive(&hash.derivation, &password, key.as_ref()).map(|digest| hash.is(digest.expose()));
        self.run(caller, format, work).await?.map_err(Error::fault)
    }

    async fn run<T: Send + 'static>(
        &self,
        caller: &Caller,
        format: Format,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        match caller.while_here(self.pool(format).run(work)).await {
            Some(Ok(done)) => Ok(done),
            Some(Err(NotDone::Full { waited_ms })) => Err(Error::busy(waited_ms)),
            Some(Err(failed)) => Err(Error::fault(failed)),
            // Nobody hears it.
            None => Err(Error::busy(0)),
        }
    }

    /// What each pool has done, by the name of its algorithm.
    pub(crate) fn figures(&self) -> [(&'static str, PoolFigures); 3] {
        [("bcrypt", self.bcrypt.figures()), ("argon2", self.argon2.figures()), ("firebase_scrypt", self.firebase.figures())]
    }
}

/// A Firebase hash is there, and the key that gives it a meaning is not.
pub(crate) fn no_signer_key() -> Error {
    tracing::error!(
        "a Firebase hash cannot be checked: firebase_password_hashing_signer_key is not set; set it to base64_signer_key of the \
         password hash parameters in the Firebase console, for the whole core or for this app"
    );
    Error::refused(http::StatusCode::INTERNAL_SERVER_ERROR, NO_SIGNER_KEY)
}
