//! Reading the rows of a file: its heading, its lines, and what is wrong with them.

use std::borrow::Cow;

use actors::error::{DomainError, Result};
use serde::Serialize;

use super::sheet;

/// Bytes of the largest file, and its most rows.
pub const MOST_FILE_BYTES: usize = 10 * 1024 * 1024;
pub const MOST_ROWS: usize = 10_000;
/// Faults that are named; all are counted.
const MOST_FAULTS: usize = 100;

/// What is wrong in one line of a file; lines count from 1, the heading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowFault {
    pub line: u64,
    /// The column's English name.
    pub member: Cow<'static, str>,
    pub reason: Cow<'static, str>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowFaults {
    /// The first hundred.
    pub named: Vec<RowFault>,
    pub count: usize,
}

impl RowFaults {
    pub fn add(&mut self, line: u64, member: impl Into<Cow<'static, str>>, reason: impl Into<Cow<'static, str>>) {
        self.count += 1;
        if self.named.len() < MOST_FAULTS {
            self.named.push(RowFault { line, member: member.into(), reason: reason.into() });
        }
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// What an import came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imported<T> {
    /// Done now, or found to be possible by a dry run.
    Done(T),
    /// The same file was taken in before; nothing was changed.
    Known(T),
    /// Nothing was changed.
    Refused(RowFaults),
}

/// One row: its line and its cells' texts by column.
pub struct Record {
    pub line: u64,
    cells: csv::StringRecord,
}

impl Record {
    pub fn text(&self, column: usize) -> &str {
        self.cells.get(column).map(sheet::text).unwrap_or_default()
    }
}

/// The line a record begins in. The reader takes a record's end at the first sign of it, so that after `\r\n` and empty lines
/// the next one begins with what is left of the line before.
fn line_of(text: &str, begin: &csv::Position) -> u64 {
    let rest = usize::try_from(begin.byte()).ok().and_then(|byte| text.as_bytes().get(byte..)).unwrap_or_default();
    let left = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| **byte == b'\n').count();
    begin.line() + left as u64
}

/// Reads a file whose headings `name` knows by their English names. Answers those, in the file's order, and its rows
/// without the empty ones.
///
/// Errors: `InvalidField` for an unknown, repeated or missing column and for too many rows, `Malformed`.
pub fn read(
    text: &str,
    name: impl Fn(&str) -> Option<&'static str>,
    required: &[&'static str],
) -> Result<(Vec<&'static str>, Vec<Record>)> {
    let malformed = |error: csv::Error| DomainError::Malformed(format!("not CSV: {error}").into());
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let mut names = Vec::new();
    for heading in reader.headers().map_err(malformed)? {
        let heading = sheet::text(heading);
        let known = name(heading).ok_or_else(|| {
            let shown: String = heading.chars().take(40).collect();
            DomainError::field("heading", format!("there is no column \"{shown}\""))
        })?;
        if names.contains(&known) {
            return Err(DomainError::field(known, "the column is there twice"));
        }
        names.push(known);
    }
    if let Some(missing) = required.iter().find(|required| !names.contains(required)) {
        return Err(DomainError::field(*missing, "the column is missing"));
    }
    let mut rows = Vec::new();
    for cells in reader.into_records() {
        let cells = cells.map_err(malformed)?;
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let line = cells.position().map_or(0, |position| line_of(text, position));
        if cells.iter().skip(names.len()).any(|cell| !cell.trim().is_empty()) {
            return Err(DomainError::field("heading", format!("line {line} has more cells than the heading")));
        }
        if rows.len() == MOST_ROWS {
            return Err(DomainError::field("rows", format!("at most {MOST_ROWS} rows")));
        }
        rows.push(Record { line, cells });
    }
    if rows.is_empty() {
        return Err(DomainError::field("rows", "there are none"));
    }
    Ok((names, rows))
}

#[cfg(test)]
mod line_tests {
    use super::*;

    #[test]
    fn lines_are_counted_as_a_spreadsheet_shows_them() {
        for end in ["\n", "\r\n"] {
            let text = ["a,b", "1,2", "", "\"3\n\",4", "5,6", ""].join(end);
            let (_, rows) = read(&text, |heading| ["a", "b"].into_iter().find(|name| *name == heading), &[]).unwrap();
            let lines: Vec<u64> = rows.iter().map(|row| row.line).collect();
            assert_eq!(lines, [2, 4, 6], "{end:?}");
        }
    }
}
