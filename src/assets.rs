//! The files of `static/`, embedded in the program (read from the folder in a debug build).

use std::collections::HashSet;
use std::sync::LazyLock;

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "static/"]
pub struct Static;

/// Whether there is an emoji of that name, such as `heart`.
pub fn is_emoji(name: &str) -> bool {
    static NAMES: LazyLock<HashSet<String>> = LazyLock::new(|| {
        Static::iter().filter_map(|file| Some(file.strip_prefix("emoji/")?.strip_suffix(".svg")?.to_owned())).collect()
    });
    NAMES.contains(name)
}
