//! Personal data: at rest, in logs, exported, erased; and files of registrations. Servers run on both databases.

mod at_rest;
mod csv_in;
mod csv_out;
mod csv_spreadsheets;
mod erase;
mod export;
mod slow_files;
mod spellings;

use std::future::Future;

use matchday::args;
use matchday::store::sql::db::{Db, Dialect};
use serde_json::{Value, json};

use crate::support::{TestApp, spawn_app, spawn_app_in};

/// Runs a case on a server with SQLite, and on one with Postgres when there is one.
async fn on_both<F: Future<Output = ()>>(case: impl Fn(TestApp) -> F) {
    let folder = tempfile::tempdir().unwrap();
    case(spawn_app_in(folder.path(), &[]).await).await;
    if std::env::var_os("TEST_POSTGRES_URL").is_some() {
        case(spawn_app(&[]).await).await;
    }
}

const NAME: &str = "欧阳无痕";
const CERTIFICATE: &str = "440106199003077510";
const PHONE: &str = "13812340001";
const CONTACT: &str = "13912340002";
/// What must be found nowhere.
const SECRETS: [&str; 4] = [NAME, CERTIFICATE, PHONE, CONTACT];

/// A player whose every field is known to the tests.
fn known_player() -> Value {
    json!({
        "name": NAME, "certificate_type": 0, "certificate_no": CERTIFICATE, "mobile": PHONE,
        "email": "wuhen@example.org", "country": "中国", "gender": 1, "birth_date": "1990-03-07",
        "emergency_contact_name": "慕容紫英", "emergency_contact_mobile": CONTACT,
    })
}

/// Every value of every table, one line a row.
pub(crate) async fn dump(db: &Db) -> String {
    let tables = match db.dialect() {
        Dialect::Sqlite => "SELECT name FROM sqlite_schema WHERE type = 'table'",
        Dialect::Postgres => {
            "SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = 'public'"
        }
    };
    let mut text = String::new();
    for table in db.fetch_all(tables, args![]).await.unwrap() {
        let table = table.text("name").unwrap();
        let sql: &'static str = match db.dialect() {
            Dialect::Sqlite => format!("SELECT * FROM {table}"),
            Dialect::Postgres => format!("SELECT t::text AS line FROM {table} t"),
        }
        .leak();
        for row in db.fetch_all(sql, args![]).await.unwrap() {
            for column in row.column_names() {
                let value = row.opt_text(&column).ok().flatten();
                let value = value.or_else(|| row.opt_int(&column).ok().flatten().map(|number| number.to_string()));
                text.push_str(&value.unwrap_or_default());
                text.push('|');
            }
            text.push('\n');
        }
    }
    text
}

/// Those of `needles` that `text` holds.
fn found<'n>(text: &[u8], needles: &[&'n str]) -> Vec<&'n str> {
    let holds = |needle: &&&str| text.windows(needle.len()).any(|window| window == needle.as_bytes());
    needles.iter().filter(holds).copied().collect()
}

/// A file as an administrator posts it; the status and the answer.
async fn post_file(app: &TestApp, path: &str, file: impl Into<reqwest::Body>) -> (u16, Value) {
    let request = app.client.post(app.at(&format!("/admin/api/v1/{path}"))).bearer_auth(app.admin_token().await);
    let answer = request.body(file).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// A file as an administrator gets it.
async fn get_file(app: &TestApp, path: &str) -> String {
    let request = app.client.get(app.at(&format!("/admin/api/v1/{path}"))).bearer_auth(app.admin_token().await);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8");
    answer.text().await.unwrap()
}
