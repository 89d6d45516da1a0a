//! Who else has a say in the configuration file? It names the database and holds the keys: whoever may write it has both.

use std::path::Path;

use super::Notice;
use crate::Stop;

/// Looks at the owner and the rights of the file. One that was not named but `found`, under this name in the working directory, must be
/// ours, the system's, or of whoever could put another one there anyway.
#[cfg(unix)]
pub(crate) fn look_at(path: &Path, found: Option<&Path>, secrets: bool) -> Result<Vec<Notice>, Stop> {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(file) = std::fs::metadata(path) else { return Ok(Vec::new()) };
    // Linux shows each process its own folder as its own; elsewhere the owner is not compared.
    let own = std::fs::metadata("/proc/self").map_or(file.uid(), |own| own.uid());
    let owner = match found {
        _ if file.uid() == own || file.uid() == 0 => Owner::Trusted,
        None => Owner::Named,
        // Who plants a link chooses among the files of others.
        Some(found) if !std::fs::symlink_metadata(found).is_ok_and(|itself| itself.is_file()) => Owner::Stranger,
        Some(_) if path.parent().and_then(|folder| folder.metadata().ok()).is_some_and(|folder| folder.uid() == file.uid()) => {
            Owner::OfFolder
        }
        Some(_) if is_mounted(path) => Owner::Mounted,
        Some(_) => Owner::Stranger,
    };
    judge(&path.display().to_string(), owner, (file.uid(), own), file.mode(), secrets)
}

/// Is it mounted by itself, as into a container? That only root may do.
#[cfg(target_os = "linux")]
fn is_mounted(path: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty())
        .is_ok_and(|file| file.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

#[cfg(all(unix, not(target_os = "linux")))]
fn is_mounted(_: &Path) -> bool {
    false
}

/// Other systems have no such rights.
#[cfg(not(unix))]
pub(crate) fn look_at(_: &Path, _: Option<&Path>, _: bool) -> Result<Vec<Notice>, Stop> {
    Ok(Vec::new())
}

/// Whose file it is.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(unix), expect(dead_code, reason = "owners are not compared there"))]
enum Owner {
    /// Ours, or root's.
    Trusted,
    /// Another user's, but the operator wrote its name.
    Named,
    OfFolder,
    Mounted,
    Stranger,
}

#[cfg_attr(not(unix), expect(dead_code, reason = "owners are not compared there"))]
fn judge(path: &str, whose: Owner, (owner, own): (u32, u32), mode: u32, secrets: bool) -> Result<Vec<Notice>, Stop> {
    let mut notices = Vec::new();
    let chooses = format!("the configuration file {path} belongs to another user ({owner}), who chooses database and keys by it");
    let because = match whose {
        Owner::Trusted => None,
        Owner::Named => Some("is taken because it was named"),
        Owner::OfFolder => Some("is taken because the folder is that user's too"),
        Owner::Mounted => Some("is taken because it was mounted there"),
        Owner::Stranger => {
            return Err(Stop::new(format!(
                "{chooses}: if that is meant, name it with --config or SUPERTOKENS_CONFIG, or give it to the user of this process \
                 (chown {own} {path})"
            )));
        }
    };
    notices.extend(because.map(|because| Notice::Warning(format!("{chooses}; it {because}"))));
    let worth = match (mode & 0o002 != 0, mode & 0o004 != 0 && secrets) {
        (true, _) => Some("may be written by everybody on this machine: chmod o-w"),
        (false, true) => Some("holds secrets and may be read by everybody on this machine: chmod o-r"),
        (false, false) => None,
    };
    notices.extend(worth.map(|what| Notice::Warning(format!("the configuration file {path} {what} {path}"))));
    Ok(notices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_somebody_else_is_taken_with_a_reason_only() {
        for (owner, words) in [
            (Owner::Trusted, None),
            (Owner::Named, Some("it was named")),
            (Owner::OfFolder, Some("the folder is")),
            (Owner::Mounted, Some("it was mounted")),
        ] {
            let said = judge("c.yaml", owner, (7, 8), 0o640, true).unwrap();
            match (words, &said[..]) {
                (None, []) => {}
                (Some(words), [Notice::Warning(text)]) => assert!(text.contains(words) && text.contains("user (7)"), "{text}"),
                _ => panic!("{owner:?}: {said:?}"),
            }
        }
        let Stop(refused) = judge("c.yaml", Owner::Stranger, (7, 8), 0o640, true).unwrap_err();
        assert!(refused.contains("--config") && refused.contains("chown 8 c.yaml"), "{refused}");
    }

    /// As root only, who alone may give files away.
    #[cfg(unix)]
    #[test]
    fn whoever_owns_the_folder_owns_what_is_found_there() {
        use std::os::unix::fs::{MetadataExt as _, chown, symlink};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        std::fs::write(&path, "").unwrap();
        let found = |path: &Path| look_at(path, Some(path), false);
        assert!(!format!("{:?}", found(&path)).contains("another user"));
        if std::fs::metadata(&path).unwrap().uid() != 0 {
            return;
        }
        chown(&path, Some(65_534), None).unwrap();
        assert!(found(&path).is_err());
        assert!(look_at(&path, None, false).is_ok());
        chown(folder.path(), Some(65_534), None).unwrap();
        assert!(format!("{:?}", found(&path)).contains("the folder is"));
        let link = folder.path().join("link.yaml");
        symlink(&path, &link).unwrap();
        assert!(look_at(&path, Some(&link), false).is_err());
        chown(folder.path(), Some(65_533), None).unwrap();
        assert!(found(&path).is_err());
    }

    #[test]
    fn rights_that_everybody_has_are_told() {
        for (mode, secrets, words) in [
            (0o600, true, None),
            (0o640, true, None),
            (0o644, false, None),
            (0o644, true, Some("o-r")),
            (0o666, false, Some("o-w")),
        ] {
            let said = judge("c.yaml", Owner::Trusted, (7, 7), mode, secrets).unwrap();
            match (words, &said[..]) {
                (None, []) => {}
                (Some(words), [Notice::Warning(text)]) => assert!(text.contains(words), "{text}"),
                _ => panic!("{mode:o} {secrets}: {said:?}"),
            }
        }
    }
}
