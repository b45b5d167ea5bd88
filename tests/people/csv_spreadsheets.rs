//! Files as spreadsheets and old programs write them: line ends, encodings, empty columns, and numbers that they changed.

use encoding_rs::{BIG5, GB18030};
use matchday::args;
use serde_json::{Value, json};

use super::{get_file, on_both, post_file};
use crate::support::TestApp;

const HEADING: &str = "name,certificate_type,certificate_no,gender,birth_date,mobile,email,country,\
                       emergency_contact_name,emergency_contact_mobile";
const IMPORT: &str = "games/1/registrations/import";
const DRY: &str = "games/1/registrations/import?dry_run=1";

fn row(name: &str, number: &str) -> String {
    format!("{name},护照,{number},男,1990/5/1,13800000000,a@example.org,中国,家人,13900000000")
}

/// Of a woman born on 1990-03-07; all of its digits but the first fifteen are 0, and its check digit is right.
const CUT: &str = "440106199003077000";

fn cut_row() -> String {
    row("跑者", CUT).replace("护照", "身份证").replace("男", "女").replace("1990/5/1", "1990/3/7")
}

async fn orders(app: &TestApp) -> i64 {
    app.context.db.fetch_one("SELECT COUNT(*) AS n FROM orders", args![]).await.unwrap().int("n").unwrap()
}

/// (line, member) of what a problem names.
fn named(problem: &Value) -> Vec<(i64, &str)> {
    let errors = problem["errors"].as_array().unwrap_or_else(|| panic!("{problem}"));
    errors.iter().map(|it| (it["line"].as_i64().unwrap(), it["member"].as_str().unwrap())).collect()
}

#[actix_web::test]
async fn every_kind_of_line_end_is_read_with_its_true_lines() {
    on_both(async |app| {
        for (kind, end) in ["\r", "\r\n", "\n"].into_iter().enumerate() {
            let numbers: [String; 4] = std::array::from_fn(|index| format!("K{kind}{index}"));
            let wrong = [HEADING, &row("a", &numbers[0]), "", &row("", &numbers[1]), &row("c", &numbers[2])].join(end);
            let (status, problem) = post_file(&app, IMPORT, wrong).await;
            assert_eq!((status, named(&problem)), (422, vec![(4, "name")]), "{end:?}");
            let right = [HEADING, &row("a", &numbers[0]), &row("b", &numbers[1]), ""].join(end);
            let (status, done) = post_file(&app, IMPORT, right).await;
            assert_eq!((status, &done["orders"]), (201, &json!(2)), "{end:?} {done}");
        }
        let mixed = format!("{HEADING}\r{}\n{}\r\n{}", row("a", "M1"), row("b", "M2"), row("c", "M3"));
        let (status, done) = post_file(&app, IMPORT, mixed).await;
        assert_eq!((status, &done["orders"]), (201, &json!(3)), "{done}");
        let (status, problem) = post_file(&app, "places/import", "game_id,limitation\r1,600\r2,x\r").await;
        assert_eq!((status, named(&problem)), (422, vec![(3, "limitation")]));
        let (status, done) = post_file(&app, "places/import", "game_id,limitation\r1,600\r2,9\r").await;
        assert_eq!((status, &done["games"]), (200, &json!(2)), "{done}");
    })
    .await;
}

#[actix_web::test]
async fn a_column_without_a_heading_is_passed_over_when_it_is_empty() {
    on_both(async |app| {
        let empty = format!("{HEADING},\n{},\n{}\n", row("a", "P1"), row("b", "P2"));
        let (status, done) = post_file(&app, IMPORT, empty).await;
        assert_eq!((status, &done["orders"]), (201, &json!(2)), "{done}");
        let full = format!("{HEADING},,\n{},,\n{},,x\n", row("a", "P3"), row("b", "P4"));
        let (status, problem) = post_file(&app, IMPORT, full).await;
        assert_eq!((status, &problem["field"]), (422, &json!("heading")), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("column 12 has no heading, and line 3"), "{problem}");
    })
    .await;
}

#[actix_web::test]
async fn what_is_not_utf_8_must_be_named_and_a_dry_run_shows_how_it_was_read() {
    on_both(async |app| {
        // Big5 has no simplified letters.
        let line = row("歐陽", "P1").replace("护照", "1").replace("中国", "CN");
        let text = format!("{HEADING}\n{line}\n");
        let (big5, simplified) = (BIG5.encode(&text).0.into_owned(), GB18030.encode(&text).0.into_owned());
        let before = orders(&app).await;
        for bytes in [&big5, &simplified] {
            for path in [IMPORT, DRY, "places/import"] {
                let (status, problem) = post_file(&app, path, bytes.clone()).await;
                assert_eq!((status, &problem["field"]), (422, &json!("encoding")), "{path} {problem}");
                let detail = problem["detail"].as_str().unwrap();
                assert!(detail.contains("encoding=gb18030") && detail.contains("encoding=big5"), "{detail}");
            }
        }
        for (encoding, bytes) in [("big5", &big5), ("gb18030", &simplified)] {
            let (status, dry) = post_file(&app, &format!("{DRY}&encoding={encoding}"), bytes.clone()).await;
            assert_eq!(status, 200, "{dry}");
            let first = &dry["first_rows"];
            assert_eq!((&first["columns"][0], &first["rows"][0]["line"]), (&json!("name"), &json!(2)), "{first}");
            assert_eq!(first["rows"][0]["cells"][0], "歐陽");
            assert_eq!(dry["warnings"], json!([]));
        }
        for (query, status) in [("latin1", 422), ("UTF-8", 200), ("utf-8", 200)] {
            let answer = post_file(&app, &format!("{DRY}&encoding={query}"), text.clone()).await;
            assert_eq!(answer.0, status, "{query} {}", answer.1);
        }
        let marked = format!("\u{feff}{text}");
        assert_eq!(post_file(&app, &format!("{DRY}&encoding=big5"), marked).await.0, 200, "a mark is believed");
        let utf_16: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let (status, problem) = post_file(&app, DRY, utf_16).await;
        assert!(status == 400 && problem["detail"].as_str().unwrap().contains("UTF-16"), "{problem}");
        assert_eq!(orders(&app).await, before);
        let (status, done) = post_file(&app, &format!("{IMPORT}?encoding=big5"), big5).await;
        assert_eq!((status, &done["first_rows"]), (201, &Value::Null), "only a dry run shows rows: {done}");
        assert!(get_file(&app, "games/1/registrations.csv").await.contains("歐陽"));
        let (status, dry) = post_file(&app, "places/import?dry_run=1", "比赛编号,名额\n1,600\n").await;
        assert_eq!((status, &dry["first_rows"]["rows"][0]["cells"]), (200, &json!(["1", "600"])), "{dry}");
    })
    .await;
}

#[actix_web::test]
async fn a_number_that_a_spreadsheet_may_have_cut_is_confirmed_by_a_person() {
    on_both(async |app| {
        let text = format!("{HEADING}\n{}\n{}\n", row("a", "P1"), cut_row());
        let before = orders(&app).await;
        let (status, dry) = post_file(&app, DRY, text.clone()).await;
        assert_eq!((status, &dry["warning_count"]), (200, &json!(1)), "{dry}");
        let warning = &dry["warnings"][0];
        assert_eq!((&warning["line"], &warning["member"]), (&json!(3), &json!("certificate_no")));
        assert!(warning["reason"].as_str().unwrap().contains("15 digits"), "{warning}");
        let (status, problem) = post_file(&app, IMPORT, text.clone()).await;
        assert_eq!((status, &problem["code"]), (422, &json!("unconfirmed")), "{problem}");
        assert_eq!(named(&problem), [(3, "certificate_no")]);
        assert!(problem["detail"].as_str().unwrap().contains("confirm=1"), "{problem}");
        assert_eq!(orders(&app).await, before, "nothing was changed");
        assert_eq!(post_file(&app, &format!("{IMPORT}?confirm=2"), text.clone()).await.0, 422);
        let (status, done) = post_file(&app, &format!("{IMPORT}?confirm=1"), text.clone()).await;
        assert_eq!((status, &done["orders"]), (201, &json!(2)), "{done}");
        let (status, again) = post_file(&app, IMPORT, text).await;
        assert_eq!((status, &again["done_before"]), (200, &json!(true)), "what was done needs no leave");
    })
    .await;
}

#[actix_web::test]
async fn what_a_spreadsheet_did_is_named_as_that() {
    on_both(async |app| {
        let good = row("a", "P1");
        let cases = [
            ("certificate_no", "15 digits", cut_row().replace(CUT, "440106199003078000")),
            ("certificate_no", "shortened", row("a", "4.40106E+17")),
            ("mobile", "shortened", good.replace("13800000000", "1.38E+10")),
            ("mobile", "decimals", good.replace("13800000000", "13800000000.0")),
            ("emergency_contact_mobile", "separators", good.replace("13900000000", "\"13,900,000,000\"")),
            ("birth_date", "1990-05-01", good.replace("1990/5/1", "32994")),
            ("name", "error", row("#N/A", "P1")),
            ("email", "narrow", good.replace("a@example.org", "########")),
        ];
        for (member, word, line) in cases {
            let (status, problem) = post_file(&app, DRY, format!("{HEADING}\n{line}\n")).await;
            assert_eq!((status, named(&problem)), (422, vec![(2, member)]), "{line} {problem}");
            assert!(problem["errors"][0]["reason"].as_str().unwrap().contains(word), "{problem}");
        }
        let (status, problem) = post_file(&app, "places/import", "game_id,limitation\n1,\"1,000\"\n2,9.0\n").await;
        assert_eq!((status, named(&problem)), (422, vec![(2, "limitation"), (3, "limitation")]), "{problem}");
        assert!(problem["errors"][0]["reason"].as_str().unwrap().contains("separators"), "{problem}");
    })
    .await;
}
