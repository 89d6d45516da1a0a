//! Which addresses may call (core-server.md 6)? Regular expressions over the whole text of an address. Addresses are ASCII, and so are
//! the rules: `\\w` and `(?i)` mean no more than that, and a rule takes little room.
//!
//! Each text is compiled once and shared by all who have it: a thousand tenants with the same rule have one.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use regex::bytes::{Regex, RegexBuilder};

/// Bytes that a rule may take when it is compiled: it is stored already, or the operator's.
const LARGEST: usize = 1 << 20;
/// The same for one that is given to an app or tenant now: a list of some hundred addresses, or a few lines of patterns.
const LARGEST_NEW: usize = 64 << 10;
/// Bytes that matching may keep for the next time, for each rule.
const KEPT_WHEN_MATCHING: usize = 32 << 10;

/// A rule about addresses. Clones are the same rule.
#[derive(Debug, Clone)]
pub struct AddressRule(Arc<Regex>);

impl AddressRule {
    /// Does the rule match this text, as made by [`address_text`]?
    pub fn matches(&self, address: &str) -> bool {
        self.0.is_match(address.as_bytes())
    }
}

/// Why a text is no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoRule {
    /// No regular expression, or one with what we do not know: look-around and back references, which the Java core has, make
    /// matching time unbounded.
    Invalid,
    /// It is one, and would take too much room.
    TooLarge,
}

/// So many of those that were compiled last stay, although nobody may hold them: who looks at a rule takes it up a little later.
const RECENT: usize = 16;

/// Every rule that somebody holds.
#[derive(Debug, Default)]
pub struct AddressRules {
    known: Mutex<Known>,
    compiled: AtomicU64,
}

#[derive(Debug, Default)]
struct Known {
    by_text: HashMap<String, Weak<Regex>>,
    recent: VecDeque<Arc<Regex>>,
}

impl Known {
    fn put(&mut self, text: &str, rule: &Arc<Regex>) {
        self.recent.push_back(Arc::clone(rule));
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        if self.by_text.len() == self.by_text.capacity() {
            // Nobody holds them any more.
            self.by_text.retain(|_, rule| rule.strong_count() > 0);
        }
        self.by_text.insert(text.to_owned(), Arc::downgrade(rule));
    }
}

impl AddressRules {
    /// How many rules were compiled so far, those that were refused included.
    pub fn compiled(&self) -> u64 {
        self.compiled.load(Ordering::Relaxed)
    }

    /// The rule of a text; a blank one is none.
    pub(super) fn rule(&self, text: &str) -> Option<Result<AddressRule, NoRule>> {
        self.of(text, LARGEST)
    }

    /// The same for a text that is new to an app or tenant. Whoever has it already has it.
    pub(crate) fn new_rule(&self, text: &str) -> Option<Result<AddressRule, NoRule>> {
        self.of(text, LARGEST_NEW)
    }

    fn of(&self, text: &str, largest: usize) -> Option<Result<AddressRule, NoRule>> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        if let Some(shared) = self.known().by_text.get(text).and_then(Weak::upgrade) {
            return Some(Ok(AddressRule(shared)));
        }
        self.compiled.fetch_add(1, Ordering::Relaxed);
        Some(whole_match(text, largest).map(|regex| {
            let rule = Arc::new(regex);
            self.known().put(text, &rule);
            AddressRule(rule)
        }))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A regular expression that must match a text from its first to its last character.
fn whole_match(text: &str, largest: usize) -> Result<Regex, NoRule> {
    let build = |text: &str, largest: usize| {
        RegexBuilder::new(text).unicode(false).size_limit(largest).dfa_size_limit(KEPT_WHEN_MATCHING).build()
    };
    let no_rule = |error| if matches!(error, regex::Error::CompiledTooBig(_)) { NoRule::TooLarge } else { NoRule::Invalid };
    // Read alone first: `a)|(b` must not become valid by being put into brackets. Without any room nothing is compiled.
    if let Err(error @ regex::Error::Syntax(_)) = build(text, 0) {
        return Err(no_rule(error));
    }
    build(&format!(r"\A(?:{text})\z"), largest).map_err(no_rule)
}

/// An address as rules are written for it: IPv6 in eight groups without leading zeros, IPv4 in IPv6 as IPv4.
pub fn address_text(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => v6.segments().map(|group| format!("{group:x}")).join(":"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(rules: &AddressRules, text: &str) -> Option<Result<(), NoRule>> {
        rules.new_rule(text).map(|rule| rule.map(drop))
    }

    #[test]
    fn equal_rules_are_compiled_once_for_as_long_as_somebody_has_one() {
        let rules = AddressRules::default();
        let first = rules.rule(r"10[.].*").unwrap().unwrap();
        let others: Vec<AddressRule> = (0..1_000).map(|_| rules.rule(" 10[.].* ").unwrap().unwrap()).collect();
        assert_eq!(rules.compiled(), 1);
        assert!(others.iter().all(|other| Arc::ptr_eq(&other.0, &first.0)));
        assert!(first.matches("10.0.0.1") && !first.matches("110.0.0.1"));
        drop((first, others));
        rules.rule(r"10[.].*").unwrap().unwrap();
        assert_eq!(rules.compiled(), 1, "until others were compiled");
        (0..RECENT).for_each(|n| drop(rules.rule(&n.to_string())));
        let before = rules.compiled();
        rules.rule(r"10[.].*").unwrap().unwrap();
        assert_eq!(rules.compiled() - before, 1);
    }

    #[test]
    fn rules_that_nobody_has_are_forgotten() {
        let rules = AddressRules::default();
        let kept = rules.rule("kept").unwrap().unwrap();
        for n in 0..10_000 {
            rules.rule(&format!("gone{n}")).unwrap().unwrap();
        }
        assert!(rules.known().by_text.len() < 100);
        drop(kept);
    }

    #[test]
    fn what_is_no_rule_is_told_from_what_is_too_large() {
        let rules = AddressRules::default();
        let list = |n: usize| (0..n).map(|n| format!(r"10\.{}\.{}\.{}", n % 7, n % 256, n % 199)).collect::<Vec<_>>().join("|");
        for (text, expected) in [
            ("", None),
            (" \t", None),
            ("127[.]0[.]0[.]1", Some(Ok(()))),
            (r"(?i)(?:\w{1,4}){1,4}|N", Some(Ok(()))),
            (list(100).as_str(), Some(Ok(()))),
            (list(1_000).as_str(), Some(Err(NoRule::TooLarge))),
            (r"(?:.{1,30}){1,30}", Some(Err(NoRule::TooLarge))),
            ("a)|(b", Some(Err(NoRule::Invalid))),
            ("(", Some(Err(NoRule::Invalid))),
            ("(?=1)", Some(Err(NoRule::Invalid))),
            (r"\p{Greek}", Some(Err(NoRule::Invalid))),
        ] {
            assert_eq!(outcome(&rules, text), expected, "{text}");
        }
        // What is stored already goes on, and whoever has the same now has it too.
        let stored = rules.rule(&list(1_000)).unwrap().unwrap();
        assert_eq!(outcome(&rules, &list(1_000)), Some(Ok(())));
        assert!(stored.matches("10.1.1.1"));
    }
}
