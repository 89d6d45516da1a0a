//! Which module of a crate names which? Read from the texts: paths that begin with `crate`, `super` or `self`, outside comments and
//! the tests at the bottom of files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Who names whom, among the modules of one floor.
pub(crate) type Arrows = BTreeMap<String, BTreeSet<String>>;

/// The texts of a crate, by their modules.
pub(crate) fn texts(src: &Path) -> BTreeMap<Vec<String>, String> {
    let mut files = BTreeMap::new();
    gather(src, &[], &mut files);
    files
}

/// The arrows of every floor of a crate, by the path of the module that the floor belongs to. A module stands for all below it.
pub(crate) fn arrows(src: &Path) -> BTreeMap<Vec<String>, Arrows> {
    let files = texts(src);
    let mut floors: BTreeMap<Vec<String>, Arrows> = BTreeMap::new();
    for (module, text) in &files {
        for mut named in named(text, module) {
            while !named.is_empty() && !files.contains_key(&named) {
                named.pop();
            }
            let shared = module.iter().zip(&named).take_while(|(a, b)| a == b).count();
            if let (Some(from), Some(to)) = (module.get(shared), named.get(shared)) {
                let floor = floors.entry(module[..shared].to_vec()).or_default();
                floor.entry(from.clone()).or_default().insert(to.clone());
            }
        }
    }
    floors
}

fn gather(folder: &Path, module: &[String], files: &mut BTreeMap<Vec<String>, String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let mut inside = module.to_vec();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if !["lib", "main"].contains(&name.as_str()) || !module.is_empty() {
            inside.push(name);
        }
        if path.is_dir() {
            gather(&path, &inside, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let before = files.insert(inside, std::fs::read_to_string(&path).unwrap());
            assert!(before.is_none() || module.is_empty(), "{}: two files for one module", path.display());
        }
    }
}

/// Every path that a module names, from the root of the crate.
pub(crate) fn named(text: &str, module: &[String]) -> Vec<Vec<String>> {
    paths(&code(text), module)
}

/// Without comments, and without the tests at the bottom.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Every path in a text, from the root of the crate; of a group in braces, each.
fn paths(code: &str, module: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for start in ["crate", "super", "self"] {
        for (at, _) in code.match_indices(&format!("{start}::")) {
            if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '$') {
                continue;
            }
            let mut base = match start {
                "crate" => Vec::new(),
                "super" if module.is_empty() => continue,
                "super" => module[..module.len() - 1].to_vec(),
                _ => module.to_vec(),
            };
            let mut rest = &code[at + start.len()..];
            while let Some(behind) = rest.strip_prefix("::") {
                let end = behind.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(behind.len());
                match &behind[..end] {
                    "super" => drop(base.pop()),
                    "" => break,
                    name => base.push(name.to_owned()),
                }
                rest = &behind[end..];
            }
            if let Some(group) = rest.strip_prefix("::{") {
                // One level of a group is enough: what is deeper names what is in the same module.
                for name in group.split('}').next().unwrap_or_default().split(',') {
                    let name = name.trim().split("::").next().unwrap_or_default();
                    found.push(base.iter().cloned().chain([name.to_owned()]).collect());
                }
            }
            found.push(base);
        }
    }
    found
}

/// Those that reach themselves, each circle once.
pub(crate) fn circles(arrows: &Arrows) -> Vec<Vec<String>> {
    let reached = |from: &String| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(module) = next.pop() {
            next.extend(arrows.get(&module).into_iter().flatten().filter(|to| seen.insert((*to).clone())).cloned());
        }
        seen
    };
    let reached: BTreeMap<&String, BTreeSet<String>> = arrows.keys().map(|module| (module, reached(module))).collect();
    let mut circles: BTreeSet<Vec<String>> = BTreeSet::new();
    for (module, all) in reached.iter().filter(|(module, all)| all.contains(**module)) {
        let back = |other: &&String| reached.get(other).is_some_and(|all| all.contains(*module));
        circles.insert(all.iter().filter(back).cloned().collect());
    }
    circles.into_iter().collect()
}

#[test]
fn circles_are_found() {
    let arrow = |from: &str, to: &[&str]| (from.to_owned(), to.iter().map(|to| (*to).to_owned()).collect());
    let arrows: Arrows = [arrow("a", &["b"]), arrow("b", &["c", "d"]), arrow("c", &["a"]), arrow("d", &[])].into_iter().collect();
    assert_eq!(circles(&arrows), [["a", "b", "c"].map(str::to_owned).to_vec()]);
    let named = |text: &str| named(text, &["a".to_owned(), "b".to_owned()]);
    let path = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(named("use crate::x::{Y, z::W};"), [path("x::Y"), path("x::z"), path("x")]);
    assert_eq!(named("super::c::f(); // crate::d\n#[cfg(test)]\nmod tests { use crate::e::F; }"), [path("a::c::f")]);
    assert_eq!(named("use super::super::g::H; self::i();"), [path("g::H"), path("a::b::i")]);
}
