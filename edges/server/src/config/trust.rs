//! Who else has a say in the configuration file? It names the database and holds the keys: whoever may write it has both.

use std::path::Path;

use super::Notice;
use crate::Stop;

/// Looks at the owner and the rights of the file. One that was only found in the working directory must be ours or the system's.
#[cfg(unix)]
pub(crate) fn look_at(path: &Path, named: bool, secrets: bool) -> Result<Vec<Notice>, Stop> {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(found) = std::fs::metadata(path) else { return Ok(Vec::new()) };
    // Linux shows each process its own folder as its own; elsewhere the owner is not compared.
    let own = std::fs::metadata("/proc/self").map_or(found.uid(), |own| own.uid());
    judge(&path.display().to_string(), (found.uid(), own), found.mode(), named, secrets)
}

/// Other systems have no such rights.
#[cfg(not(unix))]
pub(crate) fn look_at(_: &Path, _: bool, _: bool) -> Result<Vec<Notice>, Stop> {
    Ok(Vec::new())
}

fn judge(path: &str, (owner, own): (u32, u32), mode: u32, named: bool, secrets: bool) -> Result<Vec<Notice>, Stop> {
    let mut notices = Vec::new();
    if owner != own && owner != 0 {
        let whose =
            format!("the configuration file {path} belongs to another user ({owner}), who chooses database and keys by it");
        if !named {
            return Err(Stop::new(format!("{whose}: if that is meant, name it with --config or SUPERTOKENS_CONFIG")));
        }
        notices.push(Notice::Warning(whose));
    }
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
    fn a_file_of_somebody_else_is_taken_only_if_it_was_named() {
        for (owner, own, named, taken, notices) in [
            (7, 7, false, true, 0),
            (0, 7, false, true, 0),
            (0, 0, false, true, 0),
            (7, 8, false, false, 0),
            (7, 0, false, false, 0),
            (7, 0, true, true, 1),
        ] {
            let found = judge("c.yaml", (owner, own), 0o640, named, true);
            assert_eq!(found.is_ok(), taken, "{owner} {own} {named}");
            assert_eq!(found.map_or(0, |all| all.len()), notices, "{owner} {own} {named}");
        }
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
            let said = judge("c.yaml", (7, 7), mode, false, secrets).unwrap();
            match (words, &said[..]) {
                (None, []) => {}
                (Some(words), [Notice::Warning(text)]) => assert!(text.contains(words), "{text}"),
                _ => panic!("{mode:o} {secrets}: {said:?}"),
            }
        }
    }
}
