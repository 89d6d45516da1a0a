//! Do the walls stand? Who may depend on whom, crates and the modules within them, and how long a file may be (house rules 1 and 11).
//!
//! The lists below are the architecture. A new arrow, or a new crate in the pure room, is a line to be reviewed here.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test: what is missing fails it")]

mod modules;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Everything a crate of the pure room depends on: no clock, no dice, no IO among them.
const PURE: &[(&str, &[&str])] = &[
    (
        "supertokens-domain",
        &[
            "aws-lc-rs",
            "base64",
            "ciborium-ll",
            "regex",
            "rlibphonenumber",
            "serde",
            "serde_json",
            "subtle",
            "thiserror",
            "zeroize",
        ],
    ),
    ("supertokens-wire", &["base64", "percent-encoding", "supertokens-domain", "thiserror"]),
    (
        "supertokens-web",
        &["base64", "percent-encoding", "psl", "serde", "serde_json", "subtle", "supertokens-domain", "thiserror", "time", "url"],
    ),
];

/// The arrows between our own crates, at the edges.
const EDGES: &[(&str, &[&str])] = &[
    ("supertokens-store", &["supertokens-domain"]),
    ("supertokens-core", &["supertokens-domain", "supertokens-store", "supertokens-wire"]),
    ("supertokens-server", &["supertokens-core", "supertokens-domain", "supertokens-store"]),
    ("supertokens-bridge", &["supertokens"]),
    ("supertokens-native-node", &["supertokens-bridge"]),
    ("supertokens-native-python", &["supertokens-bridge"]),
    // The core and the store only with the feature `embedded`.
    ("supertokens", &["supertokens-core", "supertokens-domain", "supertokens-store", "supertokens-web", "supertokens-wire"]),
    ("supertokens-axum", &["supertokens"]),
    ("supertokens-lambda", &["supertokens"]),
    ("supertokens-poem", &["supertokens"]),
    ("supertokens-salvo", &["supertokens"]),
    ("supertokens-actix", &["supertokens"]),
    ("supertokens-rocket", &["supertokens"]),
    ("supertokens-warp", &["supertokens"]),
    ("example-actix", &["supertokens", "supertokens-actix"]),
    ("example-axum", &["supertokens", "supertokens-axum"]),
    ("example-axum-embedded", &["supertokens", "supertokens-axum"]),
    ("example-lambda", &["supertokens", "supertokens-lambda"]),
    ("example-poem", &["supertokens", "supertokens-poem"]),
    ("example-rocket", &["supertokens", "supertokens-rocket"]),
    ("example-salvo", &["supertokens", "supertokens-salvo"]),
    ("example-warp", &["supertokens", "supertokens-warp"]),
    ("supertokens-benches-frameworks", &[]),
    ("supertokens-benches", &[]),
    ("supertokens-lambda-gateway", &[]),
    (
        "supertokens-testkit",
        &["supertokens", "supertokens-core", "supertokens-domain", "supertokens-store", "supertokens-web", "supertokens-wire"],
    ),
];

/// What only some crates may touch: drivers, sockets, the program's own affairs.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("rusqlite", &["supertokens-store", "supertokens-testkit"]),
    ("tokio-postgres", &["supertokens-store", "supertokens-testkit"]),
    ("h2", &["supertokens-server"]),
    ("hyper", &["supertokens-server", "supertokens-testkit", "supertokens-warp", "supertokens-lambda-gateway"]),
    ("hyper-util", &["supertokens-server", "supertokens-testkit", "supertokens-warp", "supertokens-lambda-gateway"]),
    ("clap", &["supertokens-server", "supertokens-lambda-gateway", "example-axum-embedded"]),
    (
        "tracing-subscriber",
        &[
            "supertokens-server",
            "example-actix",
            "example-axum",
            "example-axum-embedded",
            "example-lambda",
            "example-poem",
            "example-rocket",
            "example-salvo",
            "example-warp",
        ],
    ),
    ("yaml_serde", &["supertokens-server"]),
    ("anyhow", &["supertokens-server", "supertokens-testkit"]),
    ("reqwest", &["supertokens", "supertokens-testkit"]),
    ("axum", &["supertokens-server", "supertokens-axum", "example-axum", "example-axum-embedded"]),
    ("actix-web", &["supertokens-actix", "example-actix"]),
    ("lambda_http", &["supertokens-lambda", "example-lambda"]),
    ("poem", &["supertokens-poem", "example-poem"]),
    ("rocket", &["supertokens-rocket", "example-rocket"]),
    ("salvo", &["supertokens-salvo", "example-salvo"]),
    ("warp", &["supertokens-warp", "example-warp"]),
    ("url", &["supertokens-web"]),
    ("psl", &["supertokens-web"]),
    ("napi", &["supertokens-native-node"]),
    ("pyo3", &["supertokens-native-python"]),
];

/// The crates in which no two modules side by side may need each other, on any floor: what is below can be read, tested and moved
/// without what is above.
const STRAIGHT: &[&str] = &[
    "pure/domain",
    "pure/wire",
    "pure/web",
    "edges/store",
    "edges/core",
    "edges/server",
    "edges/sdk",
    "edges/adapters/axum",
    "edges/adapters/actix",
    "edges/adapters/rocket",
    "edges/adapters/lambda",
    "edges/adapters/poem",
    "edges/adapters/salvo",
    "bindings/bridge",
];

/// Lines a source file may have.
const CEILING: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every crate of the workspace with its direct dependencies, those of tests and builds left out.
fn crates() -> Vec<(String, Vec<String>)> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let dependencies = |package: &Value| {
        let all = package["dependencies"].as_array().unwrap().iter();
        all.filter(|dependency| dependency["kind"].is_null()).map(|dependency| text(&dependency["name"])).collect()
    };
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(|package| (text(&package["name"]), dependencies(package))).collect()
}

fn line<'a>(list: &'a [(&str, &'a [&'a str])], name: &str) -> Option<&'a [&'a str]> {
    list.iter().find(|(of, _)| *of == name).map(|(_, names)| *names)
}

#[test]
fn arrows_are_the_listed_ones() {
    let mut wrong = Vec::new();
    for (name, dependencies) in crates() {
        let (allowed, ours_only) = match (line(PURE, &name), line(EDGES, &name)) {
            (Some(allowed), _) => (allowed, false),
            (None, Some(allowed)) => (allowed, true),
            (None, None) => panic!("{name} is in no list of rooms.rs: which room is it in, and whom may it see?"),
        };
        for dependency in &dependencies {
            let concerned = !ours_only || dependency.starts_with("supertokens");
            if concerned && !allowed.contains(&dependency.as_str()) {
                wrong.push(format!("{name} -> {dependency} is not an arrow of the house"));
            }
            if line(ONLY_IN, dependency).is_some_and(|crates| !crates.contains(&name.as_str())) {
                wrong.push(format!("{name} -> {dependency}: only {:?} may", line(ONLY_IN, dependency).unwrap()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn modules_form_no_circles() {
    let mut circles = Vec::new();
    for name in STRAIGHT {
        let arrows = modules::arrows(&root().join(name).join("src"));
        assert!(!arrows.is_empty() || *name == "edges/adapters/axum", "{name}: looked in the wrong place");
        circles.extend(arrows.iter().flat_map(|(floor, arrows)| {
            modules::circles(arrows)
                .into_iter()
                .map(move |circle| format!("{name}, {}: {}", floor.join("/"), circle.join(" <-> ")))
        }));
    }
    assert!(circles.is_empty(), "these need each other; put what they share below both:\n{}", circles.join("\n"));
}

#[test]
fn the_machinery_of_the_store_names_no_recipe_and_no_table_of_one() {
    let store = root().join("edges/store");
    let mut tables = BTreeSet::new();
    for migration in std::fs::read_dir(store.join("migrations")).unwrap().map(|entry| entry.unwrap().path()) {
        let text = std::fs::read_to_string(migration).unwrap();
        let made = text.split("CREATE TABLE IF NOT EXISTS {").skip(1).filter_map(|rest| rest.split_once('}'));
        tables.extend(made.map(|(table, _)| table.to_owned()));
    }
    assert!(tables.contains("session_info"), "looked in the wrong place: {tables:?}");
    let (mut seen, mut wrong) = (0, Vec::new());
    for (module, text) in modules::texts(&store.join("src")) {
        if module.first().is_none_or(|first| first != "machinery") {
            continue;
        }
        seen += 1;
        // The root is no way around: it gives on what the recipes have.
        for named in modules::named(&text, &module) {
            if named.first().is_none_or(|first| first != "machinery") {
                wrong.push(format!("{} names crate::{}", module.join("/"), named.join("::")));
            }
        }
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        wrong.extend(words.filter(|word| tables.contains(*word)).map(|table| format!("{} names {table}", module.join("/"))));
    }
    assert!(seen > 20, "looked in the wrong place");
    assert!(wrong.is_empty(), "what recipes have is handed down to the machinery by contents.rs:\n{}", wrong.join("\n"));
}

#[test]
fn no_file_is_longer_than_the_ceiling() {
    let mut folders: Vec<PathBuf> = ["pure", "edges", "bindings", "testkit"].iter().map(|room| root().join(room)).collect();
    let (mut seen, mut too_long) = (0, Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target" && name != "node_modules") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                seen += 1;
                let lines = std::fs::read_to_string(&path).unwrap().lines().count();
                if lines > CEILING {
                    too_long.push(format!("{}: {lines} lines", path.strip_prefix(root()).unwrap().display()));
                }
            }
        }
    }
    assert!(seen > 10, "looked in the wrong place");
    assert!(too_long.is_empty(), "a file that grows becomes a folder:\n{}", too_long.join("\n"));
}
