//! Cells as spreadsheets read and write them: no cell becomes a formula, no long number becomes 1.1E17, and what is
//! written comes back the same.

use std::borrow::Cow;

use actors::error::{DomainError, Result};

/// What Excel knows UTF-8 by.
pub const BYTE_ORDER_MARK: &str = "\u{feff}";

/// What a spreadsheet may take for the begin of a formula.
fn begins_formula(letter: char) -> bool {
    matches!(letter, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠')
}

/// A text as a cell. An apostrophe before a formula's begin makes it a text; a tab behind digits keeps them from being
/// read as a number, a date or 1.1E17, and is not seen.
pub fn cell(text: &str) -> Cow<'_, str> {
    let begin = text.trim_start_matches(' ').chars().next();
    if begin.is_some_and(|letter| begins_formula(letter) || letter == '\'') {
        return format!("'{text}").into();
    }
    if text.chars().any(char::is_numeric) {
        return format!("{text}\t").into();
    }
    text.into()
}

/// A file that is written.
pub type Lines = csv::Writer<Vec<u8>>;

pub fn lines() -> Lines {
    // A quoted cell may hold the tab that keeps digits a text, also where a tab ends a cell.
    csv::WriterBuilder::new()
        .quote_style(csv::QuoteStyle::Always)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new())
}

/// What was written. Errors: `Internal`.
pub fn finish(lines: Lines) -> Result<String> {
    String::from_utf8(lines.into_inner().map_err(internal)?).map_err(internal)
}

pub fn internal(error: impl std::fmt::Display) -> DomainError {
    tracing::error!(%error, "writing a file");
    DomainError::Internal
}

/// The text of a cell that `cell` or a person wrote.
pub fn text(cell: &str) -> &str {
    let cell = cell.trim();
    let is_mark = |rest: &&str| rest.trim_start().chars().next().is_some_and(|it| begins_formula(it) || it == '\'');
    cell.strip_prefix('\'').filter(is_mark).map_or(cell, str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_a_formula_and_every_text_comes_back() {
        let texts = [
            "=1+1",
            "+8613800000001",
            "-1",
            "@SUM(A1)",
            "＝1",
            "＋1",
            "－1",
            "＠x",
            " =1",
            "'=1",
            "'x",
            "'",
            "''",
            "-(A)",
            "440106199003077510",
            "1E123456",
            "3-12",
            "DEC12",
            "١٢",
            "张三",
            "O'Neil",
            "",
        ];
        for original in texts {
            let written = cell(original);
            assert!(!written.trim_start_matches(' ').chars().next().is_some_and(begins_formula), "{original:?}");
            assert_eq!(text(&written), original.trim(), "{written:?}");
            let number = original.starts_with(|letter: char| letter.is_numeric());
            assert_eq!(written.ends_with('\t'), number || original == "DEC12", "{written:?}");
        }
        assert_eq!(text("'440106199003077510"), "'440106199003077510", "only our own mark is taken off");
    }
}
