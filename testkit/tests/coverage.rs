//! How much of the interface is served? `operations.txt` is all of it, `uncovered.txt` what is not there yet.
//!
//! `uncovered.txt` may only shrink, and no switch rewrites it: strike a line out when the operation is served. That each
//! served operation is also asked for by some scenario is the last test of the scenario run itself (`tests/cdi.rs`).

use std::collections::BTreeSet;

use supertokens_testkit::coverage::{OPERATIONS, served};

const UNCOVERED: &str = include_str!("../uncovered.txt");

/// The length of `uncovered.txt` when it was last looked at. Lower it together with the list.
const AT_MOST: usize = 31;

fn lines(text: &'static str) -> BTreeSet<&'static str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

#[test]
fn the_inventory_is_whole() {
    assert_eq!(lines(OPERATIONS).len(), 172);
}

#[test]
fn uncovered_is_exactly_what_is_not_served() {
    let served = served();
    let missing: BTreeSet<&str> = lines(OPERATIONS).into_iter().filter(|operation| !served.contains(*operation)).collect();
    let listed = lines(UNCOVERED);
    let gone = listed.difference(&missing).collect::<Vec<_>>();
    assert!(gone.is_empty(), "served by now, strike out of uncovered.txt: {gone:#?}");
    let lost = missing.difference(&listed).collect::<Vec<_>>();
    assert!(lost.is_empty(), "no longer served, and uncovered.txt may not grow: {lost:#?}");
    assert!(listed.len() <= AT_MOST, "uncovered.txt has grown to {} lines", listed.len());
}

#[test]
fn nothing_outside_the_inventory_is_served() {
    let known = lines(OPERATIONS);
    let strange: Vec<String> = served().into_iter().filter(|operation| !known.contains(operation.as_str())).collect();
    assert!(strange.is_empty(), "not in operations.txt: {strange:#?}");
}
