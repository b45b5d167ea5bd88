//! Reading the rows of a file: its heading, its lines, and what is wrong with them.

use std::borrow::Cow;

use actors::error::{DomainError, Result};
use bytes::Bytes;
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;

use super::encoding::{Encoding, with_line_feeds};
use super::sheet;
use crate::service::large_bodies::Room;

/// Bytes of the largest file, and its most rows.
pub const MOST_FILE_BYTES: usize = 10 * 1024 * 1024;
pub const MOST_ROWS: usize = 10_000;
/// Faults that are named; all are counted.
const MOST_FAULTS: usize = 100;
/// Rows that are shown as they were read, and the characters of a cell.
const FIRST_ROWS: usize = 5;
const MOST_SHOWN: usize = 40;

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
    /// It could be done, but some cells look changed by a spreadsheet and nobody confirmed them. Nothing was changed.
    Unconfirmed(RowFaults),
}

/// How a file is to be taken.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terms {
    pub encoding: Encoding,
    /// Do everything and undo it.
    pub dry_run: bool,
    /// Somebody looked at the cells that a spreadsheet may have changed.
    pub confirmed: bool,
}

/// A file that has arrived, with its turn and its room in memory. It goes with the thread that reads it: a client that
/// breaks off gives neither back before the work ends.
pub struct Arrived {
    pub bytes: Bytes,
    pub room: Room,
    pub turn: OwnedSemaphorePermit,
}

/// An import, what it was read as, and what looks wrong in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome<T> {
    pub import: Imported<T>,
    pub first: FirstRows,
    pub warnings: RowFaults,
}

/// The first rows as they were read, so that a person sees a wrong encoding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FirstRows {
    pub columns: Vec<String>,
    pub rows: Vec<FirstRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FirstRow {
    pub line: u64,
    pub cells: Vec<String>,
}

/// A file that was read. A column without a heading, which has no cells either, has an empty name.
pub struct Sheet {
    pub names: Vec<&'static str>,
    pub rows: Vec<Record>,
    pub first: FirstRows,
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

/// The line a record begins in. The reader passes over empty lines only when it looks for the next record.
fn line_of(text: &str, begin: &csv::Position) -> u64 {
    let rest = usize::try_from(begin.byte()).ok().and_then(|byte| text.as_bytes().get(byte..)).unwrap_or_default();
    begin.line() + rest.iter().take_while(|byte| **byte == b'\n').count() as u64
}

fn shown(cell: &str) -> String {
    cell.chars().take(MOST_SHOWN).collect()
}

/// Reads a file whose headings `name` knows by their English names: those in the file's order, and its rows without the
/// empty ones. Lines may end in `\n`, `\r\n` or `\r`.
///
/// Errors: `InvalidField` for an unknown, repeated or missing column and for too many rows, `Malformed`.
pub fn read(text: &str, name: impl Fn(&str) -> Option<&'static str>, required: &[&'static str]) -> Result<Sheet> {
    let text = with_line_feeds(text);
    let malformed = |error: csv::Error| DomainError::Malformed(format!("not CSV: {error}").into());
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let mut names = Vec::new();
    let mut first = FirstRows::default();
    for heading in reader.headers().map_err(malformed)? {
        let heading = sheet::text(heading);
        first.columns.push(shown(heading));
        if heading.is_empty() {
            names.push("");
            continue;
        }
        let known = name(heading)
            .ok_or_else(|| DomainError::field("heading", format!("there is no column \"{}\"", shown(heading))))?;
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
        if cells.iter().all(|cell| sheet::text(cell).is_empty()) {
            continue;
        }
        let line = cells.position().map_or(0, |position| line_of(&text, position));
        if cells.iter().skip(names.len()).any(|cell| !sheet::text(cell).is_empty()) {
            return Err(DomainError::field("heading", format!("line {line} has more cells than the heading")));
        }
        let row = Record { line, cells };
        if let Some(column) = (0..names.len()).find(|column| names[*column].is_empty() && !row.text(*column).is_empty())
        {
            let reason = format!("column {} has no heading, and line {line} has a cell in it", column + 1);
            return Err(DomainError::field("heading", reason));
        }
        if rows.len() == MOST_ROWS {
            return Err(DomainError::field("rows", format!("at most {MOST_ROWS} rows")));
        }
        if rows.len() < FIRST_ROWS {
            let cells = (0..names.len()).map(|column| shown(row.text(column))).collect();
            first.rows.push(FirstRow { line, cells });
        }
        rows.push(row);
    }
    if rows.is_empty() {
        return Err(DomainError::field("rows", "there are none"));
    }
    Ok(Sheet { names, rows, first })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(heading: &str) -> Option<&'static str> {
        ["a", "b"].into_iter().find(|name| *name == heading)
    }

    #[test]
    fn lines_are_counted_as_a_spreadsheet_shows_them() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["a,b", "1,2", "", "\"3\n\",4", "5,6", ""].join(end);
            let lines: Vec<u64> = read(&text, letters, &[]).unwrap().rows.iter().map(|row| row.line).collect();
            assert_eq!(lines, [2, 4, 6], "{end:?}");
        }
        let mixed = read("a,b\r1,2\r\n3,4\n\r\"5\r\n6\",7\r8,9", letters, &[]).unwrap();
        let lines: Vec<u64> = mixed.rows.iter().map(|row| row.line).collect();
        assert_eq!(lines, [2, 3, 5, 7]);
    }

    #[test]
    fn a_column_without_heading_and_cells_is_passed_over() {
        let sheet = read(",a,b,\n,1,2,\n, ,3\n", letters, &["a", "b"]).unwrap();
        assert_eq!(sheet.names, ["", "a", "b", ""]);
        assert_eq!(sheet.rows[1].text(2), "3");
        for (text, column) in [("a,,b\n1,,2\n1,x,2\n", "column 2"), ("a,b, \n1,2\n1,2,x\n", "column 3")] {
            let Err(DomainError::InvalidField { field, reason }) = read(text, letters, &[]) else { panic!("{text}") };
            assert_eq!(field, "heading");
            assert!(reason.contains(column) && reason.contains("line 3"), "{reason}");
        }
    }

    #[test]
    fn the_first_rows_are_shown_as_they_were_read() {
        let long = "长".repeat(MOST_SHOWN + 1);
        let sheet = read(&format!("a,b\n'=1,{long}\n{}", "x,\n".repeat(20)), letters, &[]).unwrap();
        assert_eq!(sheet.first.columns, ["a", "b"]);
        assert_eq!(sheet.first.rows.len(), FIRST_ROWS);
        assert_eq!(sheet.first.rows[0], FirstRow { line: 2, cells: vec!["=1".to_owned(), "长".repeat(MOST_SHOWN)] });
    }
}
