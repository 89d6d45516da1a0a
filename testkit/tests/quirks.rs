//! Where are we odd because upstream is? `docs/quirks.md` is made of the comments that begin with `Quirk:`, so that it cannot fall
//! behind them. When this test fails, `WRITE_QUIRKS=1 cargo test -p supertokens-testkit --test quirks` writes the page anew.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test: what is missing fails it")]

use std::fmt::Write;
use std::path::{Path, PathBuf};

const HEAD: &str = "# Quirks

Where we answer oddly because the Java core and the official SDKs do, and a client may rely on it. Made from the comments that
begin with `Quirk:`; `WRITE_QUIRKS=1 cargo test -p supertokens-testkit --test quirks` writes this page. Where we differ from
upstream on purpose is in [errors](errors.md).
";

/// One comment: the item it belongs to, and what it says.
#[derive(Debug, PartialEq, Eq)]
struct Quirk {
    item: String,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All of a folder's sources below `src`, in the order of their paths. What tests remark upon is said where it is done.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                None if path.is_dir() => folders.push(path),
                Some(extension) if extension == "rs" && path.components().any(|part| part.as_os_str() == "src") => {
                    files.push(path);
                }
                _ => {}
            }
        }
    }
    files.sort();
    files
}

fn quirks_of(source: &str) -> Vec<Quirk> {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let mut quirks = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(first) = line.strip_prefix("// Quirk: ") else { continue };
        let more: Vec<&str> = lines[at + 1..].iter().map_while(|line| line.strip_prefix("// ")).collect();
        let next = lines.get(at + 1 + more.len()).copied().unwrap_or_default();
        let above = || lines[..at].iter().rev().find_map(|line| name_of(line));
        let item = name_of(next).or_else(above).unwrap_or_default();
        let text = std::iter::once(first).chain(more).collect::<Vec<_>>().join(" ");
        quirks.push(Quirk { item: item.to_owned(), text });
    }
    quirks
}

/// The name of the item that a line begins.
fn name_of(line: &str) -> Option<&str> {
    let words = line.trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ").trim_start_matches("pub ");
    let words = words.trim_start_matches("const fn ").trim_start_matches("async ");
    let rest =
        ["fn ", "const ", "static ", "struct ", "enum "].iter().find_map(|kind| words.strip_prefix(kind)).or_else(|| {
            // Behind "const fn" the name comes at once.
            (words.len() < line.len() && line.contains("const fn ")).then_some(words)
        })?;
    rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().filter(|name| !name.is_empty())
}

fn page() -> String {
    let root = root();
    let mut page = HEAD.to_owned();
    for room in ["pure", "edges"] {
        for file in sources(&root.join(room)) {
            let quirks = quirks_of(&std::fs::read_to_string(&file).unwrap());
            if !quirks.is_empty() {
                writeln!(page, "\n## {}\n", file.strip_prefix(&root).unwrap().display()).unwrap();
            }
            for quirk in quirks {
                writeln!(page, "- `{}`: {}", quirk.item, quirk.text).unwrap();
            }
        }
    }
    page
}

#[test]
fn the_page_says_what_the_comments_say() {
    let (path, expected) = (root().join("docs/quirks.md"), page());
    if std::env::var_os("WRITE_QUIRKS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    let missing: Vec<&str> = expected.lines().filter(|line| !found.lines().any(|there| there == *line)).collect();
    let stale: Vec<&str> = found.lines().filter(|line| !expected.lines().any(|there| there == *line)).collect();
    assert!(
        found == expected,
        "docs/quirks.md is not what the comments say; WRITE_QUIRKS=1 writes it anew.\nmissing: {missing:#?}\nstale: {stale:#?}"
    );
}

#[test]
fn a_comment_belongs_to_the_item_below_it_or_around_it() {
    let source = "
        // Quirk: one
        // and a half.
        pub fn below() {
            // Quirk: two
            let x = 1;
        }
        // Quirk: three
        pub const fn thrice() {}
        // Not a Quirk: at all.";
    let quirk = |item: &str, text: &str| Quirk { item: item.to_owned(), text: text.to_owned() };
    assert_eq!(quirks_of(source), [quirk("below", "one and a half."), quirk("below", "two"), quirk("thrice", "three")]);
}
