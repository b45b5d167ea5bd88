//! The rules of the folders, checked against the sources: who may use whom, and how long a file may be.

use std::fs;
use std::path::{Path, PathBuf};

const LONGEST_FILE: usize = 500;

/// (folder, what must not be used in it).
const MUST_NOT_USE: &[(&str, &[&str])] = &[
    ("actors/src", &["actix_web", "sqlx", "redis", "reqwest"]),
    ("src/api/cmd", &["store", "clients", "api::h5", "api::sso", "api::webapi"]),
    ("src/api/h5", &["store", "clients", "api::cmd", "api::sso", "api::webapi"]),
    ("src/api/sso", &["store", "clients", "api::cmd", "api::h5", "api::webapi"]),
    ("src/sso_wire", &["api", "service", "store", "clients", "ws", "context"]),
    ("src/api/admin", &["store", "clients", "api::cmd", "api::h5", "api::sso", "api::webapi"]),
    ("src/api", &["store", "clients"]),
    ("src/ws", &["store", "clients"]),
    ("src/service", &["actix_web", "api", "ws"]),
    ("src/store", &["api", "service", "ws"]),
    ("src/clients", &["api", "service", "ws"]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
}

/// The paths that a file's `use` declarations bring in, groups spelt out, `crate::` cut.
fn used(text: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for declaration in text.split(';') {
        let declaration = declaration.lines().filter(|line| !line.trim_start().starts_with("//"));
        let joined: String = declaration.collect::<Vec<_>>().join(" ");
        let Some((_, tree)) = joined.rsplit_once("use ").filter(|(before, _)| is_statement(before)) else {
            continue;
        };
        expand("", tree.trim(), &mut paths);
    }
    paths
}

fn is_statement(before: &str) -> bool {
    let word = before.trim_end().rsplit([' ', '}', '{', ']']).next().unwrap_or_default();
    word.is_empty() || word.starts_with("pub")
}

fn expand(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let Some((head, rest)) = tree.split_once('{') else {
        let path = format!("{prefix}{}", tree.trim());
        paths.push(path.strip_prefix("crate::").unwrap_or(&path).to_owned());
        return;
    };
    let prefix = format!("{prefix}{}", head.trim());
    let (mut depth, mut start) = (0_usize, 0);
    let inner = rest.trim_end().strip_suffix('}').unwrap_or(rest);
    for (at, letter) in inner.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                expand(&prefix, &inner[start..at], paths);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !inner[start..].trim().is_empty() {
        expand(&prefix, &inner[start..], paths);
    }
}

fn breaches(text: &str, forbidden: &[&str]) -> Vec<String> {
    let inside = |path: &str, module: &str| path == module || path.starts_with(&format!("{module}::"));
    let mut found: Vec<String> =
        used(text).into_iter().filter(|path| forbidden.iter().any(|module| inside(path, module))).collect();
    // A full path in the code counts like a use; tests below it may look wherever they like.
    let tests = text.find("#[cfg(test)]").unwrap_or(text.len());
    let code: Vec<&str> = text[..tests].lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    for module in forbidden {
        let path = format!("crate::{module}::");
        if found.is_empty() && code.iter().any(|line| line.contains(&path)) {
            found.push(path);
        }
    }
    found
}

#[test]
fn layers_keep_to_their_side() {
    let root = root();
    let mut wrong = Vec::new();
    for (folder, forbidden) in MUST_NOT_USE {
        let mut files = Vec::new();
        if root.join(folder).is_dir() {
            sources(&root.join(folder), &mut files);
        }
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            for path in breaches(&text, forbidden) {
                wrong.push(format!("{} uses {path}", file.strip_prefix(&root).unwrap().display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_breach_is_seen_in_every_form() {
    let forbidden = &["store", "clients"];
    for breach in [
        "use crate::store::sql::db::Db;",
        "//! x\n\npub use crate::clients;",
        "use crate::{\n    context::Context,\n    store::{memory, sql},\n};",
        "pub(crate) use crate::store::x;",
        "fn f() { crate::store::sql::x() }",
    ] {
        assert!(!breaches(breach, forbidden).is_empty(), "{breach}");
    }
    for fine in ["use crate::context::Context;", "use storehouse::x;", "// use crate::store::x;", "let use_ = 1;"] {
        assert!(breaches(fine, forbidden).is_empty(), "{fine}");
    }
}

#[test]
fn files_stay_short() {
    let root = root();
    let mut files = Vec::new();
    for folder in ["src", "actors/src", "tests"] {
        sources(&root.join(folder), &mut files);
    }
    let long: Vec<String> = files
        .iter()
        .filter(|file| fs::read_to_string(file).unwrap().lines().count() > LONGEST_FILE)
        .map(|file| file.strip_prefix(&root).unwrap().display().to_string())
        .collect();
    assert_eq!(long, Vec::<String>::new());
}
