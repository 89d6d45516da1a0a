//! What the system tells of the files that are open: that one was moved, replaced or deleted.
//!
//! Asking costs the writer far less than looking at the files before every commit, which at one commit at a time was a tenth of all
//! its work. Where the system tells nothing (other systems, no more watches to be had), the files are looked at each time; and
//! they are looked at every second in any case, since a folder that is moved with all that is in it is no change of a file.

use std::path::Path;

/// The watch over some files; nothing where there is none to be had.
pub(crate) struct Watch(Option<system::Told>);

impl Watch {
    /// Over these files. What happened before is not told.
    pub(crate) fn over<'a>(files: impl Iterator<Item = &'a Path>) -> Self {
        Self(system::Told::of(files))
    }

    /// May something have happened to the files since this was asked last?
    pub(crate) fn has_news(&self) -> bool {
        self.0.as_ref().is_none_or(system::Told::has_news)
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    use std::os::fd::OwnedFd;
    use std::path::Path;

    use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
    use rustix::io::Errno;

    pub(super) struct Told(OwnedFd);

    impl Told {
        pub(super) fn of<'a>(files: impl Iterator<Item = &'a Path>) -> Option<Self> {
            let told = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).ok()?;
            // A name less is a change of attributes as long as the file is open.
            let changes = WatchFlags::ATTRIB | WatchFlags::MOVE_SELF | WatchFlags::DELETE_SELF;
            for file in files {
                inotify::add_watch(&told, file, changes).ok()?;
            }
            Some(Self(told))
        }

        pub(super) fn has_news(&self) -> bool {
            let mut events = [0_u8; 1024];
            let mut told = false;
            loop {
                match rustix::io::read(&self.0, &mut events) {
                    Ok(1..) => told = true,
                    Err(Errno::INTR) => {}
                    Err(Errno::AGAIN) => return told,
                    Ok(0) | Err(_) => return true,
                }
            }
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod system {
    use std::path::Path;

    pub(super) struct Told;

    impl Told {
        pub(super) fn of<'a>(_: impl Iterator<Item = &'a Path>) -> Option<Self> {
            None
        }

        pub(super) fn has_news(&self) -> bool {
            true
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;

    use super::*;

    /// What is done to the file, somewhere else, and another file.
    type Change = fn(&Path, &Path, &Path);

    #[test]
    fn what_happens_to_a_file_is_told_once_and_what_is_written_into_it_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (file, elsewhere, other) = (folder.path().join("a"), folder.path().join("b"), folder.path().join("c"));
        let changes: [(&str, Change); 4] = [
            ("moved away", |file, elsewhere, _| fs::rename(file, elsewhere).unwrap()),
            ("moved back", |file, elsewhere, _| fs::rename(elsewhere, file).unwrap()),
            ("replaced", |file, _, other| fs::rename(other, file).unwrap()),
            ("deleted", |file, _, _| fs::remove_file(file).unwrap()),
        ];
        for path in [&file, &other] {
            fs::write(path, "").unwrap();
        }
        // As SQLite has them.
        let mut open = vec![fs::File::open(&file).unwrap()];
        let mut watch = Watch::over(std::iter::once(file.as_path()));
        assert!(watch.0.is_some() && !watch.has_news());
        for (what, change) in changes {
            fs::write(if file.exists() { &file } else { &elsewhere }, "more").unwrap();
            assert!(!watch.has_news(), "before it was {what}");
            change(&file, &elsewhere, &other);
            assert!(watch.has_news(), "{what}");
            assert!(!watch.has_news(), "{what}, asked again");
            if what == "replaced" {
                open.push(fs::File::open(&file).unwrap());
                watch = Watch::over(std::iter::once(file.as_path()));
            }
        }
    }

    #[test]
    fn without_a_watch_everything_is_news() {
        let watch = Watch::over(std::iter::once(Path::new("/nowhere/at/all")));
        assert!(watch.has_news() && watch.has_news());
    }
}
