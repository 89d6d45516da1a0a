//! `supertokens import` and `supertokens export`: users come from a file, and leave in the same form.
//!
//! Both work on the database themselves. A file is read part by part; how far it is done is kept with its users in the database, so that an
//! import that was ended, in whichever way, goes on where it was.

use std::fs::File;
use std::io::{BufWriter, IsTerminal as _, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use supertokens_core::{Core, CoreOptions, OpenError};
use supertokens_domain::bulk_import::file::{HEAD, Piece, Shape, Splitter};
use supertokens_domain::bulk_import::foreign::{From, converted};
use supertokens_domain::ids::AppId;
use supertokens_domain::json::JsonObject;
use supertokens_domain::session::hash::sha256_hex;
use supertokens_store::{FilePosition, StoreError};

use crate::config::Config;
use crate::{Place, Settings, Stop, complain, say};

/// So many users come in at a time, and leave.
const AT_ONCE: usize = 100;
/// So much of a file is read at a time.
const PART: usize = 64 << 10;
/// From one line about how far it is to the next.
const TELL_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(crate) struct Import {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// The file: a user in each line as JSON, one JSON list, or an object with the list under "users"; - for standard input.
    file: PathBuf,
    /// The app that the users come into.
    #[arg(long, default_value = "public")]
    app: String,
    /// Whose export the file is. Without it, users are as POST /bulk-import/users takes them.
    #[arg(long, value_enum)]
    from: Option<Source>,
    /// Where it is written who was refused, and why. Default: FILE.refused.txt beside the file; standard error for standard input.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Begins at the beginning, although the file has been imported in part.
    #[arg(long)]
    again: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Source {
    Auth0,
    Firebase,
    Keycloak,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// The file that is made, a user in each line; - for standard output. One that is there is not overwritten.
    file: PathBuf,
    /// The app whose users leave.
    #[arg(long, default_value = "public")]
    app: String,
    /// With the hashes of passwords and the secrets of TOTP devices. Without them, passwords cannot be used where the file is imported.
    #[arg(long)]
    with_secrets: bool,
}

/// Opens the core of these settings. Nothing is served.
async fn open(settings: &Settings) -> Result<Core, Stop> {
    let config = Config::load(settings, &Place::default())?;
    let place = config.database.redacted();
    let mut options = CoreOptions::new(config.database.clone());
    options.base = config.gathered.base.clone();
    options.test_mode = settings.test_mode;
    Core::open(options).await.map_err(|error| match error {
        OpenError::Store(StoreError::InUse { path }) => Stop::new(format!(
            "{path} belongs to a core that runs. Stop that core and start it again afterwards; or leave it running and send the users to \
             it: POST /bulk-import/users, up to 10000 at a time, which it imports in the background"
        )),
        error => Stop::caused(&place, &error),
    })
}

/// Where the users come from.
struct Input {
    reader: Box<dyn Read + Send>,
    head: Vec<u8>,
    length: Option<u64>,
    /// By what it begins with and how long it is; standard input has no name, as nobody can go back in it.
    name: Option<String>,
}

impl Input {
    fn open(path: &Path) -> Result<Self, Stop> {
        let failed = |error: std::io::Error| Stop::new(format!("{} cannot be read: {error}", path.display()));
        let is_standard = path.as_os_str() == "-";
        let (mut reader, length): (Box<dyn Read + Send>, _) = if is_standard {
            (Box::new(std::io::stdin()), None)
        } else {
            let file = File::open(path).map_err(failed)?;
            let about = file.metadata().map_err(failed)?;
            (Box::new(file), about.is_file().then_some(about.len()))
        };
        let mut head = Vec::new();
        reader.by_ref().take(HEAD as u64).read_to_end(&mut head).map_err(failed)?;
        let name = length.map(|length| sha256_hex(&format!("{length} {}", sha256_hex(&String::from_utf8_lossy(&head)))));
        Ok(Self { reader, head, length, name })
    }

    /// Goes to where an earlier import ended.
    fn skip_to(&mut self, path: &Path, position: u64) -> Result<(), Stop> {
        let failed = |error: std::io::Error| Stop::new(format!("{} cannot be read: {error}", path.display()));
        let mut file = File::open(path).map_err(failed)?;
        file.seek(SeekFrom::Start(position)).map_err(failed)?;
        (self.reader, self.head) = (Box::new(file), Vec::new());
        Ok(())
    }
}

/// How far it is, for people: a bar where a terminal is, else lines now and then.
struct Progress {
    length: Option<u64>,
    is_terminal: bool,
    begun: Instant,
    told: Instant,
    before: i64,
}

impl Progress {
    fn tell(&mut self, at: FilePosition) {
        let pause = if self.is_terminal { Duration::from_millis(100) } else { TELL_EVERY };
        if self.told.elapsed() < pause {
            return;
        }
        self.told = Instant::now();
        let done = at.imported + at.refused;
        let rate = (done - self.before) / i64::try_from(self.begun.elapsed().as_secs()).unwrap_or(i64::MAX).max(1);
        let position = u64::try_from(at.position).unwrap_or_default();
        let percent = self.length.filter(|length| *length > 0).map(|length| position.min(length) * 100 / length);
        let share = percent.map_or(String::new(), |percent| format!(", {percent} %"));
        let text = format!("{} imported, {} refused{share}, {rate} a second", at.imported, at.refused);
        if self.is_terminal {
            let full = usize::try_from(percent.unwrap_or_default() * 30 / 100).unwrap_or_default();
            let bar: String = (0..30).map(|n| if n < full { '#' } else { '.' }).collect();
            let _ = write!(std::io::stderr(), "\r[{bar}] {text} ");
        } else {
            complain(&text);
        }
    }

    fn end(&self) {
        if self.is_terminal {
            complain("");
        }
    }
}

/// Some users of a file, and what is already known of others between them.
#[derive(Default)]
struct Part {
    users: Vec<JsonObject>,
    lines: Vec<u64>,
    refused: Vec<(u64, String)>,
    end: u64,
    end_line: u64,
}

impl Part {
    fn add(&mut self, piece: Piece, shape: Shape, from: Option<From>) {
        let Piece { line, end, text } = piece;
        self.end = end;
        let breaks = text.as_ref().map_or(0, |text| text.matches('\n').count());
        self.end_line = match shape {
            Shape::Lines => line,
            Shape::List => line - 1 + u64::try_from(breaks).unwrap_or_default(),
        };
        let read = text
            .map_err(str::to_owned)
            .and_then(|text| JsonObject::parse(&text).map_err(|_| "Invalid Json Input: not one whole JSON object".to_owned()));
        match read.and_then(|user| from.map_or(Ok(user.clone()), |from| converted(from, &user))) {
            Ok(user) => {
                self.users.push(user);
                self.lines.push(line);
            }
            Err(why) => self.refused.push((line, why)),
        }
    }

    fn len(&self) -> usize {
        self.users.len() + self.refused.len()
    }
}

/// What to do about it.
fn remedy(why: &str) -> &'static str {
    let has = |words: &str| why.contains(words);
    match () {
        () if has("Invalid Json") || has("UTF-8") || has("was cut") => {
            "the file is broken here: export it again, or mend the line"
        }
        () if has("already exists") || has("E027") => {
            "somebody here has that: nothing is to be done if it is the same person, else change one"
        }
        () if has("Role ") || has("E034") => "create the role first (PUT /recipe/role), then import the line again",
        () if has("tenantId") || has("Tenant") => "create the tenant first, or change the line",
        () if has("firebase_password_hashing_signer_key") => "set that key, and import the line again",
        () if has("hash") || has("Hash") => "bring a hash of bcrypt, Argon2 or Firebase's scrypt, or a plainTextPassword",
        () => "change the line, and import it again",
    }
}

/// Imports a file. True if everybody came in.
pub(crate) async fn import(import: &Import) -> Result<bool, Stop> {
    let core = open(&import.settings).await?;
    let app = AppId::normalise(&import.app);
    let mut input = Input::open(&import.file)?;
    let shape = Shape::of(&input.head);
    let from = import.from.map(|from| match from {
        Source::Auth0 => From::Auth0,
        Source::Firebase => From::Firebase,
        Source::Keycloak => From::Keycloak,
    });
    let fault = |error: supertokens_core::error::Error| Stop::caused("the import has stopped", &error);
    // Read in another way, it is another file.
    input.name = input.name.map(|name| import.from.map_or_else(|| name.clone(), |from| sha256_hex(&format!("{name} {from:?}"))));
    let mut at = FilePosition::default();
    if let Some(name) = input.name.as_ref().filter(|_| !import.again)
        && let Some(found) = core.file_position(&app, name).await.map_err(fault)?
    {
        at = found;
        input.skip_to(&import.file, u64::try_from(at.position).unwrap_or_default())?;
        let again = if at.refused > 0 { "; those who were refused are tried again with --again" } else { "" };
        complain(&format!("{} goes on behind line {}{again}", import.file.display(), at.line));
    }
    let mut report = Report::of(import);
    let number = |number: i64| u64::try_from(number).unwrap_or_default();
    let mut splitter = Splitter::from(shape, number(at.position), number(at.line));
    let now = Instant::now();
    let is_terminal = std::io::stderr().is_terminal();
    let mut progress = Progress { length: input.length, is_terminal, begun: now, told: now, before: at.imported + at.refused };
    let (mut bytes, mut pieces, mut part) = (std::mem::take(&mut input.head), Vec::new(), Part::default());
    let mut buffer = vec![0; PART];
    loop {
        // The beginning was read to know the shape; it goes the same way, part by part.
        for chunk in bytes.chunks(PART) {
            splitter.read(chunk, &mut pieces);
            for piece in pieces.drain(..) {
                part.add(piece, shape, from);
                if part.len() >= AT_ONCE {
                    at = let_in(&core, &app, std::mem::take(&mut part), at, input.name.as_deref(), &mut report).await?;
                    progress.tell(at);
                }
            }
        }
        let read = input.reader.read(&mut buffer);
        let read = read.map_err(|error| Stop::new(format!("{} cannot be read on: {error}", import.file.display())))?;
        if read == 0 {
            break;
        }
        bytes = buffer.get(..read).unwrap_or_default().to_vec();
    }
    splitter.finish(&mut pieces);
    for piece in pieces {
        part.add(piece, shape, from);
    }
    if part.len() > 0 {
        at = let_in(&core, &app, part, at, input.name.as_deref(), &mut report).await?;
    }
    progress.end();
    let refused = if at.refused > 0 { format!(", {} refused{}", at.refused, report.place()) } else { String::new() };
    say(&format!("{} users imported{refused}", at.imported));
    Ok(at.refused == 0)
}

async fn let_in(
    core: &Core,
    app: &AppId,
    part: Part,
    at: FilePosition,
    name: Option<&str>,
    report: &mut Report<'_>,
) -> Result<FilePosition, Stop> {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let known = count(part.refused.len());
    let reached = FilePosition {
        position: number(part.end),
        line: number(part.end_line),
        imported: at.imported,
        refused: at.refused + known,
    };
    let refusals = core.import_users(app, &part.users, name.map(|name| (name, reached))).await;
    let refusals =
        refusals.map_err(|error| Stop::caused("the import has stopped; the same command goes on where it was", &error))?;
    let mut refused = part.refused;
    for (line, why) in part.lines.iter().zip(&refusals) {
        if let Some(why) = why {
            refused.push((*line, why.join(" ")));
        }
    }
    refused.sort();
    let bad = count(refusals.iter().flatten().count());
    report.write(&refused)?;
    Ok(FilePosition { imported: reached.imported + count(refusals.len()) - bad, refused: reached.refused + bad, ..reached })
}

/// Who was refused, and why.
struct Report<'a> {
    path: Option<PathBuf>,
    of: &'a Path,
}

impl<'a> Report<'a> {
    fn of(import: &'a Import) -> Self {
        let beside = || {
            let mut name = import.file.clone().into_os_string();
            name.push(".refused.txt");
            (import.file.as_os_str() != "-").then(|| PathBuf::from(name))
        };
        Self { path: import.report.clone().or_else(beside), of: &import.file }
    }

    fn place(&self) -> String {
        self.path.as_ref().map_or_else(String::new, |path| format!(" ({})", path.display()))
    }

    fn write(&mut self, refused: &[(u64, String)]) -> Result<(), Stop> {
        if refused.is_empty() {
            return Ok(());
        }
        // What comes from a file may hold anything; a line of the report is one line.
        let plain = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
        let line = |(line, why): &(u64, String)| format!("line {line}: {} [{}]\n", plain(why), remedy(why));
        let text: String = refused.iter().map(line).collect();
        let Some(path) = &self.path else {
            let _ = write!(std::io::stderr(), "{text}");
            return Ok(());
        };
        let opened = File::options().create(true).append(true).open(path);
        let written = opened.and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| {
            Stop::new(format!("the report on {} cannot be written to {}: {error}", self.of.display(), path.display()))
        })
    }
}

/// Writes all users of an app to a file.
pub(crate) async fn export(export: &Export) -> Result<(), Stop> {
    let core = open(&export.settings).await?;
    let app = AppId::normalise(&export.app);
    let place = export.file.display().to_string();
    let failed = |error: std::io::Error| Stop::new(format!("{place} cannot be written: {error}"));
    let mut out: Box<dyn Write + Send> = if export.file.as_os_str() == "-" {
        Box::new(std::io::stdout())
    } else {
        Box::new(BufWriter::new(created(&export.file).map_err(failed)?))
    };
    let (mut after, mut count) = (String::new(), 0_usize);
    loop {
        let page = core.export_users(&app, &after, AT_ONCE, export.with_secrets).await;
        let (users, next) = page.map_err(|error| Stop::caused("the export has stopped", &error))?;
        count += users.len();
        let text: String = users.iter().map(|user| user.to_text() + "\n").collect();
        out.write_all(text.as_bytes()).map_err(failed)?;
        match next {
            Some(next) => after = next,
            None => break,
        }
    }
    out.flush().map_err(failed)?;
    let with = if export.with_secrets {
        "with the hashes of their passwords and the secrets of their devices: keep the file as you keep the database"
    } else {
        "without passwords and TOTP devices; --with-secrets takes them along"
    };
    complain(&format!("{count} users exported, {with}"));
    Ok(())
}

/// A new file that only its owner reads.
fn created(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
