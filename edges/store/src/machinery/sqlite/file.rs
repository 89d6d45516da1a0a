//! Whose is a database file, who may come between, and is it still the one that was opened?
//!
//! The file holds private keys, and two processes that write to it, or to two names of it, destroy it. So it has one name (without
//! links) and one owner, and what SQLite keeps beside it (`-wal`, `-shm`, `-journal`) and our lock (`.lock`) are held to the same.
//!
//! Trusted are this user, root, and the owner of the folder: that one can put another file in its place anyway, and a volume of
//! another user is where containers keep their data.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::machinery::error::{Result, StoreError};

/// What lies beside a database file.
const BESIDE: [&str; 4] = ["-wal", "-shm", "-journal", ".lock"];

/// What was found about a place for a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// The one name of the file: absolute and without links. As it was given where that cannot be told.
    pub path: PathBuf,
    /// Is there a file?
    pub exists: bool,
    /// What is wrong.
    pub problems: Vec<FileProblem>,
}

/// Something wrong with the file, its folder, or what lies beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProblem {
    /// Is the file not opened because of it?
    pub grave: bool,
    /// What is wrong, and what to do.
    pub text: String,
}

impl FileProblem {
    fn grave(text: String) -> Self {
        Self { grave: true, text }
    }

    fn warning(text: String) -> Self {
        Self { grave: false, text }
    }
}

/// A file that no other process opens while this lives.
pub(crate) struct Owned {
    pub(crate) path: PathBuf,
    /// Ours until the handle is dropped or the process ends, however it ends.
    pub(crate) lock: File,
}

/// Looks at a place without changing anything, with the eyes of this process: what it may do there, and who else may.
pub fn examine(path: &Path) -> Examined {
    let (path, exists) = match one_name(path) {
        Ok(found) => found,
        Err(why) => return Examined { path: path.to_owned(), exists: false, problems: vec![FileProblem::grave(why)] },
    };
    let problems = system::problems(&path, exists);
    Examined { path, exists, problems }
}

/// Makes the file ours, and makes it if it is not there.
pub(crate) fn take(path: &Path) -> Result<Owned> {
    let Examined { path, exists, problems } = examine(path);
    settle(problems)?;
    let lock_path = beside(&path, ".lock");
    let cannot = |what: &Path, e: std::io::Error| {
        let remedy = "make its folder and the file writable for this user, or name another place";
        StoreError::BadPlace(format!("{} cannot be used: {e}; {remedy}", what.display()))
    };
    let lock = system::open_lock(&lock_path).map_err(|e| cannot(&lock_path, e))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => return Err(StoreError::InUse { path: path.display().to_string() }),
        Err(std::fs::TryLockError::Error(e)) => return Err(cannot(&lock_path, e)),
    }
    if !exists {
        system::make(&path).map_err(|e| cannot(&path, e))?;
    }
    Ok(Owned { path, lock })
}

/// Is a core at work on the file? What is returned keeps one from starting until it is dropped; there is none where no core has ever
/// been.
pub(crate) fn at_rest(path: &Path) -> Result<Option<File>> {
    let lock_path = beside(path, ".lock");
    let lock = match File::open(&lock_path) {
        Ok(lock) => lock,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(StoreError::BadPlace(format!("{} cannot be read: {e}", lock_path.display()))),
    };
    match lock.try_lock_shared() {
        Ok(()) => Ok(Some(lock)),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.display().to_string() }),
        Err(std::fs::TryLockError::Error(e)) => {
            Err(StoreError::BadPlace(format!("{} cannot be locked: {e}", lock_path.display())))
        }
    }
}

/// Is there anything in the log that is not in the file yet, as after a power cut?
pub(crate) fn has_unsaved(path: &Path) -> bool {
    beside(path, "-wal").metadata().is_ok_and(|log| log.len() > 0)
}

/// Warns of what may pass, and refuses what may not.
fn settle(problems: Vec<FileProblem>) -> Result<()> {
    let (grave, others): (Vec<_>, Vec<_>) = problems.into_iter().partition(|problem| problem.grave);
    for warning in others {
        tracing::warn!("{}", warning.text);
    }
    if grave.is_empty() {
        return Ok(());
    }
    Err(StoreError::BadPlace(grave.into_iter().map(|problem| problem.text).collect::<Vec<_>>().join("; ")))
}

/// The name without links, and whether there is such a file. A link to nothing is an error.
fn one_name(path: &Path) -> std::result::Result<(PathBuf, bool), String> {
    let cannot = |what: &Path, e: std::io::Error| format!("{} cannot be looked at: {e}", what.display());
    match path.symlink_metadata() {
        Ok(_) => match path.canonicalize() {
            Ok(path) => Ok((path, true)),
            Err(e) => Err(format!("{} leads to no file: {e}; make the file that it names, or remove the link", path.display())),
        },
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let Some(name) = path.file_name() else { return Err(format!("{} names no file", path.display())) };
            match folder.canonicalize() {
                Ok(folder) => Ok((folder.join(name), false)),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                    Err(format!("{} cannot be made, as its folder is not there; make the folder first", path.display()))
                }
                Err(e) => Err(cannot(folder, e)),
            }
        }
        Err(e) => Err(cannot(path, e)),
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// The files that are open, by their numbers on the disk.
pub(crate) struct Identity {
    path: PathBuf,
    file: Option<Number>,
    log: (PathBuf, Option<Number>),
}

/// Device and number.
type Number = (u64, u64);

impl Identity {
    /// Of what was opened a moment ago; its files must be fit for it now, too.
    pub(crate) fn of_opened(path: &Path) -> Result<Self> {
        let grave = system::problems(path, true).into_iter().filter(|problem| problem.grave).collect();
        settle(grave)?;
        let log = beside(path, "-wal");
        let (file, log_number) = (system::number(path).unwrap_or_default(), system::number(&log).unwrap_or_default());
        Ok(Self { path: path.to_owned(), file, log: (log, log_number) })
    }

    /// The files that must stay where they are.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        let log = self.log.1.is_some().then_some(self.log.0.as_path());
        std::iter::once(self.path.as_path()).chain(log)
    }

    /// Are they still where they were? Takes a look at each, which is a few microseconds, and more where nobody looked for a while. A
    /// folder that cannot be looked at says nothing.
    pub(crate) fn check(&self) -> Result<()> {
        is_same(&self.path, self.file, Part::File)?;
        is_same(&self.log.0, self.log.1, Part::Log)
    }
}

#[derive(Clone, Copy)]
enum Part {
    File,
    Log,
}

fn is_same(path: &Path, expected: Option<Number>, part: Part) -> Result<()> {
    let Some(expected) = expected else { return Ok(()) };
    let (what, remedy) = match (system::number(path), part) {
        (Ok(Some(found)), _) if found == expected => return Ok(()),
        (Err(_), _) => return Ok(()),
        (Ok(Some(_)), Part::File) => {
            ("has been replaced by another", "restart the core to use the new file, or put the old one back")
        }
        (Ok(None), Part::File) => {
            ("has been deleted or moved away", "put it back; or stop the core, restore the file, and start again")
        }
        (Ok(_), Part::Log) => (
            "belongs to the database and has been deleted or replaced",
            "stop the core, which saves what was in it, and start again",
        ),
    };
    Err(StoreError::Lost { path: path.display().to_string(), what, remedy })
}

#[cfg(unix)]
mod system {
    use std::fs::{File, Metadata};
    use std::io;
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
    use std::path::Path;

    use rustix::fs::{Access, OFlags};

    use super::{BESIDE, FileProblem, Number, beside};

    /// What counts of a file or folder.
    #[derive(Debug, Clone, Copy)]
    struct Facts {
        owner: u32,
        mode: u32,
        names: u64,
        plain: bool,
    }

    impl Facts {
        fn of(found: &Metadata) -> Self {
            Self { owner: found.uid(), mode: found.mode(), names: found.nlink(), plain: found.is_file() }
        }
    }

    /// Everything about a place: `path` has no links in it.
    pub(super) fn problems(path: &Path, exists: bool) -> Vec<FileProblem> {
        let me = rustix::process::geteuid().as_raw();
        let folder_path = path.parent().unwrap_or(Path::new("/"));
        let folder = match folder_path.metadata() {
            Ok(found) => Facts::of(&found),
            Err(e) => return vec![FileProblem::grave(format!("{} cannot be looked at: {e}", folder_path.display()))],
        };
        let mut problems: Vec<_> = of_folder(folder_path, folder, me).into_iter().collect();
        problems.extend(may_not(folder_path, Access::WRITE_OK | Access::EXEC_OK, me));
        let all = std::iter::once(path.to_owned()).chain(BESIDE.iter().map(|end| beside(path, end)));
        for (number, path) in all.enumerate().skip(usize::from(!exists)) {
            match path.symlink_metadata() {
                Ok(found) => {
                    let judged = of_file(&path, Facts::of(&found), folder.owner, me, number == 0);
                    let grave = judged.as_ref().is_some_and(|problem| problem.grave);
                    problems.extend(judged);
                    problems.extend(may_not(&path, Access::READ_OK | Access::WRITE_OK, me).filter(|_| !grave));
                }
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => problems.push(FileProblem::grave(format!("{} cannot be looked at: {e}", path.display()))),
            }
        }
        problems
    }

    fn of_folder(path: &Path, Facts { owner, mode, .. }: Facts, me: u32) -> Option<FileProblem> {
        let path = path.display();
        if mode & 0o1002 == 0o002 {
            return Some(FileProblem::warning(format!(
                "anybody on this machine may replace files in the folder {path} (mode {:o}), which holds the database; chmod o-w keeps them out",
                mode & 0o7777
            )));
        }
        (![me, 0].contains(&owner)).then(|| {
            FileProblem::warning(format!(
                "the folder {path}, which holds the database, belongs to the user with the id {owner}, who may replace files in it; this process runs as {me}"
            ))
        })
    }

    fn of_file(path: &Path, found: Facts, folder_owner: u32, me: u32, is_database: bool) -> Option<FileProblem> {
        let Facts { owner, mode, names, plain } = found;
        let path = path.display();
        if !plain {
            return Some(FileProblem::grave(format!("{path} is not a file; move away what is there")));
        }
        if ![me, 0, folder_owner].contains(&owner) {
            return Some(FileProblem::grave(format!(
                "{path} belongs to the user with the id {owner}, who is neither the user of this process ({me}) nor root nor the owner of the folder; chown {me} it if it is yours"
            )));
        }
        if !is_database {
            return None;
        }
        if names > 1 {
            return Some(FileProblem::grave(format!(
                "{path} has {names} names (hard links), and a database that is written to under two names is destroyed; make a copy of it under a new name and use that"
            )));
        }
        (mode & 0o077 != 0).then(|| {
            FileProblem::warning(format!(
                "others than the owner may read or write the database file {path} (mode {:o}), which holds private keys; chmod 600 keeps them out",
                mode & 0o777
            ))
        })
    }

    /// What the system would not let this process do there.
    fn may_not(path: &Path, wanted: Access, me: u32) -> Option<FileProblem> {
        let refused = rustix::fs::access(path, wanted).err()?;
        let path = path.display();
        Some(FileProblem::grave(match refused {
            rustix::io::Errno::ROFS => {
                format!(
                    "{path} is on a file system that is mounted for reading only; mount it for writing, or name another place"
                )
            }
            refused => format!(
                "{path} cannot be written by this process, which runs as the user with the id {me}: {refused}; chown or chmod it, or name another place"
            ),
        }))
    }

    /// For this user alone. Never one that a link leads to.
    pub(super) fn open_lock(path: &Path) -> io::Result<File> {
        // A pipe would be waited for.
        let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
        let mut options = File::options();
        let lock = options.create(true).truncate(false).write(true).mode(0o600).custom_flags(flags).open(path)?;
        let found = lock.metadata()?;
        if !found.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        if found.mode() & 0o077 != 0
            && let Err(error) = lock.set_permissions(std::fs::Permissions::from_mode(0o600))
        {
            tracing::warn!(%error, "others may open the lock file {}, and by locking it keep the core from starting", path.display());
        }
        Ok(lock)
    }

    /// Makes an empty file for this user alone; SQLite makes those beside it like it.
    pub(super) fn make(path: &Path) -> io::Result<()> {
        match File::options().create_new(true).write(true).mode(0o600).open(path) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
            _ => Ok(()),
        }
    }

    /// Nothing if it is not there.
    pub(super) fn number(path: &Path) -> io::Result<Option<Number>> {
        match path.symlink_metadata() {
            Ok(found) => Ok(Some((found.dev(), found.ino()))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        const ME: u32 = 1000;
        const OTHER: u32 = 2000;
        const VOLUME: u32 = 3000;

        fn facts(owner: u32, mode: u32) -> Facts {
            Facts { owner, mode, names: 1, plain: true }
        }

        /// Nothing, a warning, or a refusal.
        fn word(problem: Option<FileProblem>) -> &'static str {
            problem.map_or("fine", |problem| if problem.grave { "refused" } else { "warned" })
        }

        #[test]
        fn a_folder_is_warned_about_where_others_may_replace_files() {
            for (owner, mode, expected) in [
                (ME, 0o40_700, "fine"),
                (ME, 0o40_755, "fine"),
                (0, 0o40_755, "fine"),
                // A group is somebody's choice, as that of a volume in a container.
                (0, 0o42_775, "fine"),
                (0, 0o41_777, "fine"),
                (ME, 0o40_777, "warned"),
                (0, 0o40_777, "warned"),
                (VOLUME, 0o40_700, "warned"),
                (VOLUME, 0o41_777, "warned"),
            ] {
                assert_eq!(word(of_folder(Path::new("/d"), facts(owner, mode), ME)), expected, "{owner} {mode:o}");
            }
        }

        #[test]
        fn a_file_is_that_of_this_user_or_of_root_or_of_the_owner_of_the_folder() {
            for (owner, folder_owner, expected) in [
                (ME, ME, "fine"),
                (0, ME, "fine"),
                (ME, 0, "fine"),
                (VOLUME, VOLUME, "fine"),
                (OTHER, 0, "refused"),
                (OTHER, ME, "refused"),
                (OTHER, VOLUME, "refused"),
            ] {
                for is_database in [true, false] {
                    let judged = of_file(Path::new("/d/a.db"), facts(owner, 0o100_600), folder_owner, ME, is_database);
                    assert_eq!(word(judged), expected, "{owner} in a folder of {folder_owner}");
                }
            }
            // Root is no exception.
            assert_eq!(word(of_file(Path::new("/tmp/a.db"), facts(OTHER, 0o100_600), 0, 0, true)), "refused");
        }

        #[test]
        fn only_the_database_itself_is_looked_at_for_its_mode_and_other_names() {
            let path = Path::new("/d/a.db");
            for mode in [0o100_640, 0o100_604, 0o100_620] {
                assert_eq!(word(of_file(path, facts(ME, mode), ME, ME, true)), "warned");
                assert_eq!(word(of_file(path, facts(ME, mode), ME, ME, false)), "fine");
            }
            let twice = Facts { names: 2, ..facts(ME, 0o100_600) };
            assert_eq!(word(of_file(path, twice, ME, ME, true)), "refused");
            let link = Facts { plain: false, ..facts(ME, 0o120_777) };
            assert_eq!(word(of_file(path, link, ME, ME, false)), "refused");
        }
    }
}

/// Elsewhere a file is for whom its folder says, and one that is open can be neither deleted nor moved.
#[cfg(not(unix))]
mod system {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    use super::{FileProblem, Number};

    pub(super) fn problems(path: &Path, exists: bool) -> Vec<FileProblem> {
        let cannot = |e: io::Error| FileProblem::grave(format!("{} cannot be looked at: {e}", path.display()));
        if exists { path.metadata().err().map(cannot).into_iter().collect() } else { Vec::new() }
    }

    pub(super) fn open_lock(path: &Path) -> io::Result<File> {
        File::options().create(true).truncate(false).write(true).open(path)
    }

    pub(super) fn make(_: &Path) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn number(_: &Path) -> io::Result<Option<Number>> {
        Ok(None)
    }
}
