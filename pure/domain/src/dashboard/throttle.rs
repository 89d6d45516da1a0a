//! How often somebody may try a password for one address: ten times at once, and then once a minute. What was right does not count.
//! It is the same for addresses that nobody has, so that it tells nothing.
//!
//! Of each address one number is kept: until when it has something against it. Each try puts that off by a minute.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};

use crate::ids::AppId;
use crate::time::{MINUTE, Millis};

/// So many tries may be wrong in a row, for an address with nothing against it.
pub const TRIES: u32 = 10;
/// After so long, in ms, there is one more.
pub const EVERY: Millis = MINUTE;
/// Of so many addresses something is known at a time, some 200 bytes of each.
const MOST: usize = 10_000;
/// After so long nothing is held against an address, whatever was tried.
const LONGEST: Millis = TRIES as Millis * EVERY;

/// Whose password is tried: an address within an app. Long addresses are no longer than others here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Whose {
    app: AppId,
    address: [u8; 32],
}

impl Whose {
    /// The address is normalised.
    pub fn new(app: &AppId, email: &str) -> Self {
        let mut address = [0; 32];
        address.copy_from_slice(digest(&SHA256, email.as_bytes()).as_ref());
        Self { app: app.clone(), address }
    }
}

/// Not now, but after so many ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait(pub Millis);

/// What is held against whom.
#[derive(Debug, Default)]
pub struct Throttle(HashMap<Whose, Millis>);

impl Throttle {
    /// Takes a try before it is made, so that those who try at once have no more of them.
    ///
    /// # Errors
    /// There is none at the moment.
    pub fn take(&mut self, whose: Whose, now: Millis) -> Result<(), Wait> {
        if !self.0.contains_key(&whose) {
            self.make_room(now);
        }
        let until = self.0.entry(whose).or_insert(now);
        // A clock that was set back keeps nobody waiting longer than any.
        let put_off = (*until).clamp(now, now.saturating_add(LONGEST)).saturating_add(EVERY);
        let over = put_off.saturating_sub(now).saturating_sub(LONGEST);
        if over > 0 {
            return Err(Wait(over));
        }
        *until = put_off;
        Ok(())
    }

    /// Gives a try back that was right, or that was not made.
    pub fn give_back(&mut self, whose: &Whose) {
        if let Some(until) = self.0.get_mut(whose) {
            *until = until.saturating_sub(EVERY);
        }
    }

    /// Was this the last try for now?
    pub fn is_used_up(&self, whose: &Whose, now: Millis) -> bool {
        self.0.get(whose).is_some_and(|until| until.saturating_add(EVERY) > now.saturating_add(LONGEST))
    }

    /// Drops what is known of an app.
    pub fn forget(&mut self, app: &AppId) {
        self.0.retain(|whose, _| whose.app != *app);
    }

    /// Whoever tries many addresses displaces those that were tried least, and so not the one that is meant.
    fn make_room(&mut self, now: Millis) {
        if self.0.len() < MOST {
            return;
        }
        self.0.retain(|_, until| *until > now);
        if self.0.len() < MOST {
            return;
        }
        let least = self.0.iter().min_by_key(|(_, until)| **until).map(|(whose, _)| whose.clone());
        if let Some(least) = least {
            self.0.remove(&least);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_800_000_000_000;

    fn whose(email: &str) -> Whose {
        Whose::new(&AppId::normalise("a1"), email)
    }

    #[test]
    fn ten_at_once_and_then_one_a_minute() {
        let mut throttle = Throttle::default();
        let mut take = |now| throttle.take(whose("a@b.co"), now);
        assert!((0..10).all(|_| take(NOW).is_ok()));
        for (now, said) in [
            (NOW, Err(Wait(EVERY))),
            (NOW + 1, Err(Wait(EVERY - 1))),
            (NOW + EVERY - 1, Err(Wait(1))),
            (NOW + EVERY, Ok(())),
            (NOW + EVERY, Err(Wait(EVERY))),
            (NOW + 4 * EVERY, Ok(())),
            (NOW + 4 * EVERY, Ok(())),
            (NOW + 4 * EVERY, Ok(())),
            (NOW + 4 * EVERY, Err(Wait(EVERY))),
        ] {
            assert_eq!(take(now), said, "{}", now - NOW);
        }
        assert!((0..10).all(|_| take(NOW + 100 * EVERY).is_ok()), "and never more");
        assert_eq!(take(NOW + 100 * EVERY), Err(Wait(EVERY)));
        // The clock is set back by an hour.
        assert_eq!(take(NOW + 40 * EVERY), Err(Wait(EVERY)));
        assert_eq!(take(NOW + 101 * EVERY), Ok(()));
    }

    #[test]
    fn what_was_right_does_not_count() {
        let mut throttle = Throttle::default();
        for _ in 0..100 {
            assert_eq!(throttle.take(whose("a@b.co"), NOW), Ok(()));
            throttle.give_back(&whose("a@b.co"));
        }
        throttle.give_back(&whose("unknown@b.co"));
        for n in 1..=10 {
            assert_eq!(throttle.take(whose("a@b.co"), NOW), Ok(()));
            assert_eq!(throttle.is_used_up(&whose("a@b.co"), NOW), n == 10);
        }
    }

    #[test]
    fn addresses_and_apps_do_not_count_for_one_another() {
        let mut throttle = Throttle::default();
        while throttle.take(whose("a@b.co"), NOW).is_ok() {}
        assert_eq!(throttle.take(whose("b@b.co"), NOW), Ok(()));
        assert_eq!(throttle.take(Whose::new(&AppId::normalise("a2"), "a@b.co"), NOW), Ok(()));
        throttle.forget(&AppId::normalise("a1"));
        assert_eq!((throttle.take(whose("a@b.co"), NOW), throttle.0.len()), (Ok(()), 2));
    }

    #[test]
    fn whoever_tries_many_addresses_frees_none() {
        let mut throttle = Throttle::default();
        while throttle.take(whose("a@b.co"), NOW).is_ok() {}
        for n in 0..MOST + 300 {
            assert_eq!(throttle.take(whose(&format!("{n}@b.co")), NOW), Ok(()));
        }
        assert_eq!((throttle.0.len(), throttle.take(whose("a@b.co"), NOW)), (MOST, Err(Wait(EVERY))));
        // What nothing is held against any more makes room first.
        assert_eq!((throttle.take(whose("new@b.co"), NOW + EVERY), throttle.0.len()), (Ok(()), 2));
    }
}
