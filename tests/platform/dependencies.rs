//! Every declared dependency is used. For the others the compiler sees to it (`unused_crate_dependencies` in both
//! `lib.rs`); it does not look at those of tests.

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn texts(folder: &Path, found: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

fn features(declared: Option<&Value>) -> Vec<String> {
    let listed = declared.and_then(|declared| declared.get("features")?.as_array()).into_iter().flatten();
    listed.filter_map(|feature| feature.as_str().map(str::to_owned)).collect()
}

/// The dependencies of a crate's tests that nothing in `sources` names. One that only adds features to a dependency of the
/// crate itself is used.
fn unused(manifest: &str, sources: &str) -> Vec<String> {
    let manifest: Table = manifest.parse().unwrap();
    let table = |name: &str| manifest.get(name).and_then(Value::as_table).cloned().unwrap_or_default();
    let (normal, of_tests) = (table("dependencies"), table("dev-dependencies"));
    let is_used = |name: &String, declared: &Value| {
        // The attribute's expansion names the crate.
        if name == "actix-rt" && sources.contains("#[actix::test") {
            return true;
        }
        let adds = features(Some(declared)).iter().any(|feature| !features(normal.get(name)).contains(feature));
        sources.contains(&format!("{}::", name.replace('-', "_"))) || (normal.contains_key(name) && adds)
    };
    of_tests.iter().filter(|(name, declared)| !is_used(name, declared)).map(|(name, _)| name.clone()).collect()
}

#[test]
fn tests_use_their_dependencies() {
    for (manifest, folders) in [("Cargo.toml", &["src", "tests", "fuzz"][..]), ("actors/Cargo.toml", &["actors/src"])] {
        let mut sources = String::new();
        for folder in folders {
            texts(&root().join(folder), &mut sources);
        }
        let manifest = fs::read_to_string(root().join(manifest)).unwrap();
        assert_eq!(unused(&manifest, &sources), Vec::<String>::new());
    }
}

#[test]
fn the_compiler_looks_at_the_other_dependencies() {
    for library in ["src/lib.rs", "actors/src/lib.rs"] {
        let text = fs::read_to_string(root().join(library)).unwrap();
        assert!(text.contains("#![cfg_attr(not(test), deny(unused_crate_dependencies))]"), "{library}");
    }
}

#[test]
fn an_unused_dependency_is_seen() {
    let manifest = r#"
        [dependencies]
        fail = "0.5"
        [dev-dependencies]
        fail = { version = "0.5", features = ["failpoints"] }
        tokio-tungstenite = "0.30"
        insta = "1"
    "#;
    assert_eq!(unused(manifest, "use tokio_tungstenite::x;"), ["insta"]);
}
