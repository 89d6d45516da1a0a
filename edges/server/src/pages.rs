//! How large are the allocator's pages? It asks for 2 MiB each, which is right for a core that works. But what is touched while a core
//! starts would fill a small part of them, and one that has little to do keeps just that. So small ones at the start, and from then on
//! what the surroundings let it have.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether it was us who took small ones: whoever has started us may have his reasons.
static IS_OURS: AtomicBool = AtomicBool::new(false);

/// Before anything is allocated that stays.
#[cfg(target_os = "linux")]
pub(crate) fn small() {
    use rustix::thread::{disable_transparent_huge_pages as disable, transparent_huge_pages_are_disabled as are_disabled};

    // A kernel that knows no such pages has none to give.
    if matches!(are_disabled(), Ok(false)) && disable(true).is_ok() {
        IS_OURS.store(true, Ordering::Relaxed);
    }
}

/// The core has started.
#[cfg(target_os = "linux")]
pub(crate) fn as_given() {
    if IS_OURS.swap(false, Ordering::Relaxed) {
        let _ = rustix::thread::disable_transparent_huge_pages(false);
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn small() {}

#[cfg(not(target_os = "linux"))]
pub(crate) fn as_given() {}
