//! What happened since the start, in numbers. The core counts; whoever runs it shows the numbers.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use supertokens_domain::accounts::AuthRecipe;

use crate::Core;
use crate::chores::Chore;
use crate::hashing::PoolFigures;
use crate::runs::JobFigures;

/// How many recipes make users.
const RECIPES: usize = AuthRecipe::ALL.len();

/// Counters, increased where things happen.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) created: AtomicU64,
    pub(crate) refreshed: AtomicU64,
    pub(crate) revoked: AtomicU64,
    pub(crate) thefts: AtomicU64,
    signed_up: [AtomicU64; RECIPES],
    signed_in: [AtomicU64; RECIPES],
    refused: [AtomicU64; RECIPES],
    /// Negative as long as nobody has counted.
    users: [AtomicI64; RECIPES],
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            created: AtomicU64::default(),
            refreshed: AtomicU64::default(),
            revoked: AtomicU64::default(),
            thefts: AtomicU64::default(),
            signed_up: Default::default(),
            signed_in: Default::default(),
            refused: Default::default(),
            users: std::array::from_fn(|_| AtomicI64::new(-1)),
        }
    }
}

impl Tally {
    pub(crate) fn add(counter: &AtomicU64, n: usize) {
        counter.fetch_add(u64::try_from(n).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Somebody has made a user.
    pub(crate) fn signed_up(&self, recipe: AuthRecipe) {
        bump(&self.signed_up, recipe);
    }

    /// Somebody who was known has been let in, or somebody has not.
    pub(crate) fn signed_in(&self, recipe: AuthRecipe, is_right: bool) {
        bump(if is_right { &self.signed_in } else { &self.refused }, recipe);
    }

    /// So many login methods there are.
    pub(crate) fn count_users(&self, counted: [(AuthRecipe, u64); RECIPES]) {
        for (recipe, count) in counted {
            if let Some(users) = self.users.get(recipe as usize) {
                users.store(i64::try_from(count).unwrap_or(i64::MAX), Ordering::Relaxed);
            }
        }
    }
}

fn bump(counters: &[AtomicU64], recipe: AuthRecipe) {
    if let Some(counter) = counters.get(recipe as usize) {
        Tally::add(counter, 1);
    }
}

/// Numbers of one recipe since the start of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecipeFigures {
    /// `recipe_id`
    pub recipe: &'static str,
    /// Login methods in the database when they were counted last; none before that.
    pub users: Option<i64>,
    /// Users that were made.
    pub signed_up: u64,
    /// How often a user that was there was let in.
    pub signed_in: u64,
    /// How often somebody was not let in: a wrong password or code, an unknown address.
    pub refused: u64,
}

/// Numbers since the start of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Sessions that were created.
    pub sessions_created: u64,
    /// Sessions that were refreshed.
    pub sessions_refreshed: u64,
    /// Sessions that were revoked, on request or after theft.
    pub sessions_revoked: u64,
    /// Refresh tokens that came a second time and were answered as theft.
    pub thefts_detected: u64,
    /// Rotating signing keys that this process made.
    pub signing_keys_created: u64,
    /// Round trips to the database.
    pub database_trips: u64,
    /// Hashes of passwords, by the name of the algorithm.
    pub hashing: [(&'static str, PoolFigures); 3],
    /// By recipe.
    pub recipes: [RecipeFigures; RECIPES],
    /// Periodic work.
    pub jobs: [JobFigures; Chore::ALL.len()],
}

impl Core {
    /// The numbers so far.
    pub fn figures(&self) -> Figures {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let tally = &self.0.tally;
        let of = |counters: &[AtomicU64], recipe: AuthRecipe| counters.get(recipe as usize).map(read).unwrap_or_default();
        let users = |recipe: AuthRecipe| tally.users.get(recipe as usize).map(|users| users.load(Ordering::Relaxed));
        Figures {
            sessions_created: read(&tally.created),
            sessions_refreshed: read(&tally.refreshed),
            sessions_revoked: read(&tally.revoked),
            thefts_detected: read(&tally.thefts),
            signing_keys_created: self.0.keys.rotations(),
            database_trips: self.0.db.trips(),
            hashing: self.0.hashing.figures(),
            recipes: AuthRecipe::ALL.map(|recipe| RecipeFigures {
                recipe: recipe.as_str(),
                users: users(recipe).filter(|users| *users >= 0),
                signed_up: of(&tally.signed_up, recipe),
                signed_in: of(&tally.signed_in, recipe),
                refused: of(&tally.refused, recipe),
            }),
            jobs: self.0.runs.figures(),
        }
    }
}
