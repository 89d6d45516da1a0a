//! Which settings exist? All of them in one order; the rows are in `core_keys` and `database_keys`.

use super::key::Key;
use super::{core_keys, database_keys};

/// All keys, in the order in which their problems are reported.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    core_keys::KEYS.iter().chain(database_keys::KEYS).chain(core_keys::OURS)
}

/// The key of that name or alias.
pub fn key(name: &str) -> Option<&'static Key> {
    keys().find(|key| key.answers_to(name))
}

/// The known key whose name is most like an unknown one, if any is near enough to be what was meant.
pub fn nearest_key(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    let limit = (name.chars().count() / 4).clamp(1, 4);
    keys().map(|key| (distance(&name, key.name), key.name)).filter(|(d, _)| *d <= limit).min().map(|(_, name)| name)
}

/// Edits (insert, delete, replace) between two texts.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut left = i + 1;
        let mut diagonal = i;
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let new = (diagonal + usize::from(x != *y)).min(*cell + 1).min(left + 1);
            diagonal = *cell;
            *cell = new;
            left = new;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}
