//! Collections that are described by their columns: all SQL is made of the description once, so that a collection costs
//! some lines in `tables.rs` and no code of its own.

use std::ops::Deref;
use std::sync::OnceLock;

use actors::error::{DomainError, Entity, Result};
use serde::Serialize;

use super::super::db::{BatchSql, BoxFuture, ColumnKind, Db, Row, StoreError, Tx, Value, json_rows};
use super::{Page, like};
use crate::args;

/// What a column holds, and so how it is read, checked and written.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// One line, not blank.
    Line,
    /// Text of at most so many characters.
    Text(usize),
    /// HTML, cleaned when it is stored.
    Rich,
    /// A path on this server or an absolute address; may be empty.
    Address,
    /// `YYYY-MM-DD` or empty.
    Day,
    /// Letters, digits and `_`.
    Code,
    /// Letters, digits, `-` and `_`, or empty: a part of addresses.
    Stream,
    /// (least, most, when not given)
    Int(i64, i64, i64),
    Yuan,
    /// Now, when not given.
    Time,
    OptTime,
    /// A row of another collection: the statement that finds it by `$1`, and what it is called. May be null.
    Ref(&'static str, Entity),
    /// A phone, sealed; null or empty for none.
    Phone,
    /// The keyed hash of the phone in the column before; never shown.
    PhoneKey,
    /// The account that has proven the phone of the columns before; empty again when that phone changes.
    Joined,
    /// Whole numbers, texts and times that only the server writes.
    Number,
    Note,
    OptNote,
    Created,
    Updated,
}

impl Kind {
    /// Stored as a whole number.
    pub fn is_int(self) -> bool {
        matches!(
            self,
            Self::Int(..)
                | Self::Yuan
                | Self::Time
                | Self::OptTime
                | Self::Ref(..)
                | Self::Joined
                | Self::Number
                | Self::Created
                | Self::Updated
        )
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// On the wire.
    pub name: &'static str,
    sql: &'static str,
    pub kind: Kind,
    pub required: bool,
    pub read_only: bool,
    /// Left out of the audit trail: of a person, or secret.
    pub private: bool,
    /// An address that is shown as a picture.
    pub picture: bool,
    /// The collection whose rows it names by id; empty for none.
    pub of: &'static str,
    /// The column that this one must not come before or fall below; empty for none.
    pub not_before: &'static str,
}

pub const fn column(name: &'static str, kind: Kind) -> Column {
    use Kind::{Created, Joined, Note, Number, OptNote, PhoneKey, Updated};
    let read_only = matches!(kind, PhoneKey | Joined | Number | Note | OptNote | Created | Updated);
    Column { name, sql: name, kind, required: false, read_only, private: false, picture: false, of: "", not_before: "" }
}

impl Column {
    /// The column's name or expression in SQL where it is not the wire's.
    pub const fn sql(mut self, sql: &'static str) -> Self {
        self.sql = sql;
        self
    }

    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub const fn private(mut self) -> Self {
        self.private = true;
        self
    }

    pub const fn picture(mut self) -> Self {
        self.picture = true;
        self
    }

    pub const fn of(mut self, collection: &'static str) -> Self {
        self.of = collection;
        self
    }

    /// Checked wherever a row is written, against what is stored when only one of the two is given. Columns that are
    /// empty, and numbers as they are when nothing is given, have no order.
    pub const fn not_before(mut self, column: &'static str) -> Self {
        self.not_before = column;
        self
    }

    /// Whether an insert writes it; the others have a default or are not columns.
    pub fn is_stored(&self) -> bool {
        !self.read_only || matches!(self.kind, Kind::PhoneKey | Kind::Joined | Kind::Created | Kind::Updated)
    }
}

/// Rows of another collection that belong to a row, in a table of pairs.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    pub name: &'static str,
    pub table: &'static str,
    pub own: &'static str,
    pub other: &'static str,
    /// The other collection's table, which has `deleted_at`.
    pub others: &'static str,
    pub entity: Entity,
    /// At most so many; `None`: only read here, written at the other side.
    pub most: Option<usize>,
}

/// (transaction, id, now)
pub type Hook = for<'t> fn(&'t mut Tx, i64, i64) -> BoxFuture<'t, Result<()>>;

#[derive(Clone, Copy)]
pub struct Description {
    /// On the wire and in the audit trail.
    pub name: &'static str,
    pub entity: Entity,
    /// A table, or tables that are joined for reading.
    pub from: &'static str,
    pub id: &'static str,
    pub columns: &'static [Column],
    pub links: &'static [Link],
    /// Columns that a search looks into.
    pub search: &'static [&'static str],
    /// Rows are marked with `deleted_at` and not removed.
    pub marked: bool,
    /// The member that a unique index is about.
    pub unique: &'static str,
    pub inserted: Option<Hook>,
    pub stored: Option<Hook>,
    /// Before a row is deleted.
    pub deleting: Option<Hook>,
}

/// A described collection.
pub struct Table {
    description: Description,
    texts: OnceLock<Texts>,
}

impl Deref for Table {
    type Target = Description;

    fn deref(&self) -> &Description {
        &self.description
    }
}

/// What a description leaves out.
pub const PLAIN: Description = Description {
    name: "",
    entity: Entity::Item,
    from: "",
    id: "id",
    columns: &[],
    links: &[],
    search: &[],
    marked: false,
    unique: "",
    inserted: None,
    stored: None,
    deleting: None,
};

struct Texts {
    one: &'static str,
    page: &'static str,
    count: &'static str,
    lock: &'static str,
    insert: &'static str,
    update: &'static str,
    delete: &'static str,
    links: Vec<LinkTexts>,
}

struct LinkTexts {
    of_rows: BatchSql,
    find: &'static str,
    clear: &'static str,
    insert: &'static str,
}

/// A row: one cell a column, one list a link.
#[derive(Debug, Clone)]
pub struct Stored {
    pub id: i64,
    pub cells: Vec<Value>,
    pub links: Vec<Vec<i64>>,
}

#[derive(Serialize)]
struct RowId {
    id: i64,
}

impl Table {
    pub const fn new(description: Description) -> Self {
        Self { description, texts: OnceLock::new() }
    }

    /// Made at the first use; there are as many texts as descriptions, and they live as long as the process.
    fn texts(&'static self) -> &'static Texts {
        self.texts.get_or_init(|| self.make_texts())
    }

    fn make_texts(&self) -> Texts {
        let leak = |text: String| -> &'static str { text.leak() };
        let (from, id) = (self.from, self.id);
        let visible = if self.marked { "deleted_at IS NULL" } else { "1 = 1" };
        let list: Vec<String> = self.columns.iter().map(|it| format!("{} AS \"{}\"", it.sql, it.name)).collect();
        let select = format!("SELECT {id} AS id, {} FROM {from} WHERE {visible}", list.join(", "));
        let mut looked: Vec<String> = self.search.iter().map(|it| format!("LOWER({it}) LIKE $1 ESCAPE '\\'")).collect();
        looked.push(format!("'%' || CAST({id} AS TEXT) || '%' = $1 OR $1 = '%%'"));
        let search = looked.join(" OR ");
        let stored: Vec<&str> = self.columns.iter().filter(|it| it.is_stored()).map(|it| it.sql).collect();
        let places: Vec<String> = (1..=stored.len()).map(|at| format!("${at}")).collect();
        let changed: Vec<String> =
            self.changed().enumerate().map(|(at, it)| format!("{} = ${}", it.sql, at + 2)).collect();
        let delete = match self.marked {
            true => format!("UPDATE {from} SET deleted_at = $2 WHERE id = $1"),
            false => format!("DELETE FROM {from} WHERE id = $1 AND $2 > 0"),
        };
        Texts {
            one: leak(format!("{select} AND {id} = $1")),
            page: leak(format!("{select} AND ({search}) ORDER BY {id} DESC LIMIT $2 OFFSET $3")),
            count: leak(format!("SELECT COUNT(*) AS total FROM {from} WHERE {visible} AND ({search})")),
            lock: leak(format!("UPDATE {from} SET id = id WHERE id = $1 AND {visible}")),
            insert: leak(format!(
                "INSERT INTO {from} ({}) VALUES ({}) RETURNING id",
                stored.join(", "),
                places.join(", ")
            )),
            update: leak(format!("UPDATE {from} SET {} WHERE id = $1", changed.join(", "))),
            delete: leak(delete),
            links: self.links.iter().map(Link::texts).collect(),
        }
    }

    /// The table, and its columns that may name pictures of ours: addresses and rich text.
    pub fn with_pictures(&self) -> (&'static str, Vec<&'static str>) {
        let named = self.columns.iter().filter(|it| matches!(it.kind, Kind::Address | Kind::Rich));
        (self.from, named.map(|it| it.sql).collect())
    }

    fn changed(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|it| it.is_stored() && !matches!(it.kind, Kind::Created))
    }

    fn read(&self, row: &Row) -> Result<Stored, StoreError> {
        let cells = self
            .columns
            .iter()
            .map(|it| Ok(if it.kind.is_int() { row.opt_int(it.name)?.into() } else { row.opt_text(it.name)?.into() }));
        Ok(Stored { id: row.int("id")?, cells: cells.collect::<Result<_, StoreError>>()?, links: Vec::new() })
    }
}

impl Link {
    fn texts(&self) -> LinkTexts {
        let Self { table, own, other, others, .. } = self;
        LinkTexts {
            of_rows: BatchSql::new(
                &format!(
                    "SELECT l.{own} AS own, l.{other} AS other FROM {{rows}} JOIN {table} l ON l.{own} = r.id
                     JOIN {others} o ON o.id = l.{other} AND o.deleted_at IS NULL ORDER BY l.{other}"
                ),
                &[("id", ColumnKind::Int)],
            ),
            find: format!("SELECT 1 AS one FROM {others} WHERE id = $1 AND deleted_at IS NULL").leak(),
            clear: format!("DELETE FROM {table} WHERE {own} = $1").leak(),
            insert: format!("INSERT INTO {table} ({own}, {other}) VALUES ($1, $2)").leak(),
        }
    }
}

/// Fills the links of `rows` from what `read` finds, link by link.
fn fill(rows: &mut [Stored], found: &[Row]) -> Result<(), StoreError> {
    for row in rows.iter_mut() {
        row.links.push(Vec::new());
    }
    for pair in found {
        let own = pair.int("own")?;
        if let Some(list) = rows.iter_mut().find(|row| row.id == own).and_then(|row| row.links.last_mut()) {
            list.push(pair.int("other")?);
        }
    }
    Ok(())
}

fn ids(rows: &[Stored]) -> Result<Value, StoreError> {
    json_rows(&rows.iter().map(|row| RowId { id: row.id }).collect::<Vec<_>>())
}

pub async fn one(db: &Db, table: &'static Table, id: i64) -> Result<Option<Stored>> {
    let Some(row) = db.fetch_optional(table.texts().one, args![id]).await? else { return Ok(None) };
    let mut rows = [table.read(&row)?];
    for link in &table.texts().links {
        let found = db.fetch_all(link.of_rows.text(db.dialect()), vec![ids(&rows)?]).await?;
        fill(&mut rows, &found)?;
    }
    let [row] = rows;
    Ok(Some(row))
}

/// Newest first. A `search` finds its text anywhere in the searched columns, or a whole id; empty finds everything.
pub async fn page(db: &Db, table: &'static Table, search: &str, limit: i64, offset: i64) -> Result<Page<Stored>> {
    let texts = table.texts();
    let pattern = like(search);
    let found = db.fetch_all(texts.page, args![&pattern, limit, offset]).await?;
    let total = db.fetch_one(texts.count, args![pattern]).await?.int("total")?;
    let mut rows: Vec<Stored> = found.iter().map(|row| table.read(row)).collect::<Result<_, _>>()?;
    for link in &texts.links {
        let found = db.fetch_all(link.of_rows.text(db.dialect()), vec![ids(&rows)?]).await?;
        fill(&mut rows, &found)?;
    }
    Ok(Page { total, rows })
}

/// The row under its lock. Errors: `NotFound`.
pub async fn locked(tx: &mut Tx, table: &'static Table, id: i64) -> Result<Stored> {
    if tx.execute(table.texts().lock, args![id]).await? == 0 {
        return Err(DomainError::NotFound(table.entity));
    }
    in_tx(tx, table, id).await
}

pub async fn in_tx(tx: &mut Tx, table: &'static Table, id: i64) -> Result<Stored> {
    let row = tx.fetch_optional(table.texts().one, args![id]).await?.ok_or(DomainError::NotFound(table.entity))?;
    let mut rows = [table.read(&row)?];
    for link in &table.texts().links {
        let found = tx.fetch_all(link.of_rows.text(tx.dialect()), vec![ids(&rows)?]).await?;
        fill(&mut rows, &found)?;
    }
    let [row] = rows;
    Ok(row)
}

/// `row.id` is not looked at. Answers the new id.
///
/// Errors: `Conflict` on the unique member, `NotFound` of what it refers to.
pub async fn insert(tx: &mut Tx, table: &'static Table, row: &Stored, now: i64) -> Result<i64> {
    check_references(tx, table, row).await?;
    let cells = table.columns.iter().zip(&row.cells).filter(|(column, _)| column.is_stored());
    let cells = cells.map(|(_, cell)| cell.clone()).collect();
    let id = unique(table, tx.fetch_one(table.texts().insert, cells).await)?.int("id")?;
    if let Some(hook) = table.inserted {
        hook(tx, id, now).await?;
    }
    after(tx, table, id, row, now).await?;
    Ok(id)
}

/// Errors: as `insert`.
pub async fn update(tx: &mut Tx, table: &'static Table, row: &Stored, now: i64) -> Result<()> {
    check_references(tx, table, row).await?;
    let cells = table.columns.iter().zip(&row.cells);
    let cells = cells.filter(|(column, _)| column.is_stored() && !matches!(column.kind, Kind::Created));
    let mut values = args![row.id];
    values.extend(cells.map(|(_, cell)| cell.clone()));
    unique(table, tx.execute(table.texts().update, values).await)?;
    after(tx, table, row.id, row, now).await
}

async fn after(tx: &mut Tx, table: &'static Table, id: i64, row: &Stored, now: i64) -> Result<()> {
    for ((link, texts), others) in table.links.iter().zip(&table.texts().links).zip(&row.links) {
        if link.most.is_none() {
            continue;
        }
        tx.execute(texts.clear, args![id]).await?;
        for other in others {
            if tx.fetch_optional(texts.find, args![*other]).await?.is_none() {
                return Err(DomainError::NotFound(link.entity));
            }
            tx.execute(texts.insert, args![id, *other]).await?;
        }
    }
    match table.stored {
        Some(hook) => hook(tx, id, now).await,
        None => Ok(()),
    }
}

async fn check_references(tx: &mut Tx, table: &'static Table, row: &Stored) -> Result<()> {
    for (column, cell) in table.columns.iter().zip(&row.cells) {
        if let (Kind::Ref(find, entity), Value::Int(Some(id))) = (column.kind, cell)
            && !column.read_only
            && tx.fetch_optional(find, args![*id]).await?.is_none()
        {
            return Err(DomainError::NotFound(entity));
        }
    }
    Ok(())
}

fn unique<T>(table: &'static Table, outcome: Result<T, StoreError>) -> Result<T> {
    match outcome {
        Err(error) if error.is_unique_violation() => Err(DomainError::Conflict { field: table.unique.into() }),
        outcome => Ok(outcome?),
    }
}

/// Errors: `InUse`, as the collection says.
pub async fn delete(tx: &mut Tx, table: &'static Table, id: i64, now: i64) -> Result<()> {
    if let Some(hook) = table.deleting {
        hook(tx, id, now).await?;
    }
    tx.execute(table.texts().delete, args![id, now]).await?;
    Ok(())
}
