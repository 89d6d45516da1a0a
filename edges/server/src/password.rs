//! Where does a password come from that somebody chooses on this machine? From a terminal that does not show it, from standard input, or
//! from a file; never from the command line.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read, Write as _};
use std::path::Path;

use supertokens_domain::secret::Secret;

use crate::Stop;

/// No password is longer, in bytes.
const LONGEST: usize = 4 << 10;
/// Ctrl-C, which ends nothing while the terminal is told to show nothing.
const INTERRUPT: char = '\u{3}';

/// What stands in a file, which holds nothing else.
pub(crate) fn of_file(path: &Path) -> Result<Secret<String>, Stop> {
    let name = path.display();
    let file = File::open(path).map_err(|error| Stop::new(format!("{name} cannot be read: {error}")))?;
    read(file, &name.to_string())
}

/// What is typed, twice, where somebody types; otherwise what standard input holds, which is nothing else.
pub(crate) fn typed_or_piped(prompt: &str) -> Result<Secret<String>, Stop> {
    if !io::stdin().is_terminal() {
        return read(io::stdin().lock(), "standard input");
    }
    let first = typed(prompt)?;
    let second = typed("The same again: ")?;
    if first.expose() == second.expose() { Ok(first) } else { Err(Stop::new("these were two different passwords")) }
}

fn read(from: impl Read, name: &str) -> Result<Secret<String>, Stop> {
    let mut text = String::with_capacity(LONGEST + 1);
    let read = from.take(LONGEST as u64 + 1).read_to_string(&mut text);
    let text = Secret::new(text);
    read.map_err(|error| Stop::new(format!("{name} cannot be read: {error}")))?;
    one_line(text, name)
}

/// An editor's line end does not count.
fn one_line(text: Secret<String>, name: &str) -> Result<Secret<String>, Stop> {
    if text.expose().len() > LONGEST {
        return Err(Stop::new(format!("{name} holds more than a password")));
    }
    let line = text.expose().trim_end_matches(['\r', '\n']);
    match () {
        () if line.is_empty() => Err(Stop::new(format!("{name} holds no password"))),
        () if line.contains(['\r', '\n']) => Err(Stop::new(format!("{name} holds more than one line"))),
        () => Ok(Secret::new(line.to_owned())),
    }
}

fn typed(prompt: &str) -> Result<Secret<String>, Stop> {
    let unseen = Unseen::begin()?;
    let _ = write!(io::stderr(), "{prompt}").and_then(|()| io::stderr().flush());
    // A terminal gives no longer lines.
    let mut line = String::with_capacity(LONGEST);
    let read = io::stdin().read_line(&mut line);
    let line = Secret::new(line);
    drop(unseen);
    let _ = writeln!(io::stderr());
    read.map_err(|error| Stop::new(format!("the password cannot be read: {error}")))?;
    if line.expose().contains(INTERRUPT) {
        return Err(Stop::new("nothing was done"));
    }
    one_line(line, "what was typed")
}

/// While it is there, the terminal shows nothing of what is typed. Nor does Ctrl-C end the program, which would leave the terminal so.
struct Unseen {
    #[cfg(unix)]
    before: rustix::termios::Termios,
}

#[cfg(unix)]
impl Unseen {
    fn begin() -> Result<Self, Stop> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let failed =
            |error| Stop::new(format!("the terminal cannot be kept from showing a password: {error}; use --password-file"));
        let before = tcgetattr(io::stdin()).map_err(failed)?;
        let mut unseen = before.clone();
        unseen.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
        tcsetattr(io::stdin(), OptionalActions::Flush, &unseen).map_err(failed)?;
        Ok(Self { before })
    }
}

#[cfg(unix)]
impl Drop for Unseen {
    fn drop(&mut self) {
        let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Flush, &self.before);
    }
}

#[cfg(not(unix))]
impl Unseen {
    fn begin() -> Result<Self, Stop> {
        Err(Stop::new("this terminal cannot be kept from showing a password; use --password-file, or standard input"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_one_line() {
        for (text, said) in [
            ("secret12", Ok("secret12")),
            ("secret12\n", Ok("secret12")),
            (" sec ret\r\n", Ok(" sec ret")),
            ("", Err("it holds no password")),
            ("\n\n", Err("it holds no password")),
            ("a\nb", Err("it holds more than one line")),
            (&"x".repeat(5_000), Err("it holds more than a password")),
        ] {
            let read = read(text.as_bytes(), "it").map(|password| password.expose().clone()).map_err(|Stop(words)| words);
            assert_eq!(read.as_deref().map_err(String::as_str), said, "{text}");
        }
        assert!(read(&b"\xff\xfe"[..], "it").is_err());
    }
}
