//! Could every crate be published as it stands? What a registry and a reader want of a manifest, and that nothing published stands on what
//! is not. `./package` makes the packages.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test: what is missing fails it")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn is_published(package: &Value) -> bool {
    package["publish"].is_null()
}

fn name(package: &Value) -> &str {
    package["name"].as_str().unwrap()
}

/// What is missing in a manifest, in words.
fn lacks(package: &Value) -> Vec<&'static str> {
    let folder = Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap();
    let is_text = |member: &str| package[member].as_str().is_some_and(|text| !text.is_empty());
    let list = |member: &str| package[member].as_array().unwrap().len();
    let wants = [
        (is_text("description"), "description"),
        (is_text("license"), "license"),
        (is_text("documentation"), "documentation"),
        (is_text("rust_version"), "rust-version"),
        ((1..=5).contains(&list("keywords")), "one to five keywords"),
        ((1..=5).contains(&list("categories")), "one to five categories"),
        (package["readme"].as_str().is_some_and(|readme| folder.join(readme).exists()), "readme"),
        (package["metadata"]["docs"]["rs"]["all-features"] == true, "package.metadata.docs.rs: all-features"),
    ];
    wants.into_iter().filter(|(is_there, _)| !is_there).map(|(_, what)| what).collect()
}

#[test]
fn what_is_published_says_what_it_is() {
    let packages = packages();
    let published: Vec<_> = packages.iter().filter(|package| is_published(package)).collect();
    assert!(published.len() > 7, "looked in the wrong place");
    let wrong: Vec<_> = published
        .iter()
        .map(|package| (name(package), lacks(package)))
        .filter(|(_, lacks)| !lacks.is_empty())
        .map(|(name, lacks)| format!("{name} lacks {lacks:?}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_published_stands_on_nothing_that_is_not() {
    let packages = packages();
    let private: Vec<_> = packages.iter().filter(|package| !is_published(package)).map(name).collect();
    assert!(private.contains(&"supertokens-testkit"), "looked in the wrong place: {private:?}");
    let mut wrong = Vec::new();
    for package in packages.iter().filter(|package| is_published(package)) {
        // What tests need is left out of a package, if it has no version.
        for dependency in package["dependencies"].as_array().unwrap() {
            let (needed, of_tests) = (name(dependency), dependency["kind"] == "dev");
            let is_ours = dependency["path"].is_string();
            let has_version = dependency["req"] != "*";
            if private.contains(&needed) && (!of_tests || has_version) {
                wrong.push(format!("{} -> {needed}, which is not published", name(package)));
            }
            if is_ours && !of_tests && !has_version {
                wrong.push(format!("{} -> {needed} without a version", name(package)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
