//! Registrations and places from files: all rows or none, each wrong row named, the same file once.

use actors::domain::ids::GameId;
use encoding_rs::GB18030;
use matchday::args;
use matchday::service::registration::replay;
use matchday::store::sql::db::Db;
use serde_json::{Value, json};

use super::{NAME, get_file, on_both, post_file};
use crate::reg::client::{Registrant, player, players};
use crate::support::{TestApp, eventually};

const HEADING: &str = "name,certificate_type,certificate_no,gender,birth_date,mobile,email,country,\
                       emergency_contact_name,emergency_contact_mobile";

pub(super) fn row(name: &str, number: &str) -> String {
    format!("{name},护照,{number},男,1990/5/1,13800000000,a@example.org,中国,家人,13900000000")
}

/// A file of rows, each with a group and an account before it.
pub(super) fn file(rows: &[(&str, &str, &str)]) -> String {
    let mut text = format!("group,user_id,{HEADING}\n");
    for (group, user, number) in rows {
        text.push_str(&format!("{group},{user},{}\n", row("跑者", number)));
    }
    text
}

async fn places(db: &Db, game: i64) -> [i64; 4] {
    let sql = "SELECT limitation, balance, sold, held FROM game_queue WHERE game_id = $1";
    let row = db.fetch_one(sql, args![game]).await.unwrap();
    ["limitation", "balance", "sold", "held"].map(|name| row.int(name).unwrap())
}

async fn count(db: &Db, sql: &'static str) -> i64 {
    db.fetch_one(sql, args![]).await.unwrap().int("n").unwrap()
}

async fn orders(db: &Db) -> i64 {
    count(db, "SELECT COUNT(*) AS n FROM orders").await
}

async fn agrees(app: &TestApp, game: i64) {
    let report = replay::replay(&app.context.db, GameId(game)).await.unwrap();
    assert_eq!(report.differences, Vec::<String>::new());
}

#[actix_web::test]
async fn rows_become_paid_orders_with_their_places() {
    on_both(async |app| {
        let db = &app.context.db;
        let runner = Registrant::sign_in(&app, "runner").await;
        let text = file(&[("A", "1", "P1"), ("", "", "P2"), ("A", "1", "P3"), ("B", "", "P4")]);
        let path = "games/1/registrations/import";
        let before = (places(db, 1).await, orders(db).await);
        let (status, misspelt) = post_file(&app, &format!("{path}?dryrun=1"), text.clone()).await;
        assert!((400..500).contains(&status), "it would import: {misspelt}");
        let (status, dry) = post_file(&app, &format!("{path}?dry_run=1"), text.clone()).await;
        assert_eq!(
            (status, &dry["orders"], &dry["places"], &dry["dry_run"]),
            (200, &json!(3), &json!(4), &json!(true))
        );
        assert_eq!((places(db, 1).await, orders(db).await), before, "a dry run changes nothing");
        assert_eq!(count(db, "SELECT COUNT(*) AS n FROM accounts").await, 1);

        let (status, done) = post_file(&app, path, format!("\u{feff}{text}")).await;
        assert_eq!((status, &done["orders"], &done["total_price"]), (201, &json!(3), &json!(480.0)), "{done}");
        assert_eq!(places(db, 1).await, [500, 496, 4, 0]);
        let (status, again) = post_file(&app, path, text.clone()).await;
        assert_eq!((status, &again["done_before"], &again["import_id"]), (200, &json!(true), &done["import_id"]));
        assert_eq!((places(db, 1).await, orders(db).await), ([500, 496, 4, 0], before.1 + 3));
        let other_name = post_file(&app, "games/2/registrations/import", text.replace("P", "Q")).await;
        assert_eq!(other_name.0, 409, "another game, three places: {}", other_name.1);

        let sql =
            "SELECT o.account_id, o.status, o.total_fen, o.item_count, o.transaction_id, p.amount_fen, p.provider,
                          p.state
                   FROM orders o JOIN payments p ON p.order_id = o.id AND p.transaction_id = o.transaction_id
                   ORDER BY o.id LIMIT 1";
        let order = db.fetch_one(sql, args![]).await.unwrap();
        let numbers = ["account_id", "status", "total_fen", "item_count", "amount_fen", "state"];
        assert_eq!(numbers.map(|name| order.int(name).unwrap()), [1, 1, 24_000, 2, 24_000, 1]);
        let transaction = format!("offline-{}-2", done["import_id"]);
        assert_eq!(
            (order.text("provider").unwrap(), order.text("transaction_id").unwrap()),
            ("offline".to_owned(), transaction)
        );
        let books = matchday::store::sql::journal::check(db).await.unwrap();
        assert!(books.holds() && books.booked.sales == 48_000, "{books:?}");
        let own = runner.send(json!({"cmd": "RegQueryUserOrders"})).await;
        assert_eq!(own["orders"].as_array().unwrap().len(), 1, "{own}");
        assert_eq!(own["orders"][0]["pay_status"], 1);

        // The line and the log know them: nobody registers them again.
        let mut known = player(1);
        known["certificate_no"] = json!("P2");
        let ticket = runner.enqueue(1, json!([known])).await;
        assert_eq!(runner.decided(ticket["token"].as_str().unwrap()).await["queue_state"], 4);
        agrees(&app, 1).await;
        let exported = get_file(&app, "games/1/registrations.csv").await;
        assert_eq!(exported.matches("\"paid\"").count(), 4);
    })
    .await;
}

#[actix_web::test]
async fn what_was_paid_by_hand_is_given_back_at_once_and_booked() {
    on_both(async |app| {
        let db = &app.context.db;
        let text = file(&[("A", "", "P1"), ("A", "", "P2"), ("", "", "P3")]);
        assert_eq!(post_file(&app, "games/1/registrations/import", text).await.0, 201);
        assert_eq!(places(db, 1).await, [500, 497, 3, 0]);
        let check = matchday::store::sql::journal::check(db).await.unwrap();
        assert!(check.holds() && check.booked.cash == 36_000, "{check:?}");
        let id = count(db, "SELECT id AS n FROM orders WHERE item_count = 2").await;
        let (status, order) = post_file(&app, &format!("orders/{id}/refund"), "").await;
        assert_eq!((status, &order["status"]), (200, &json!(4)), "{order}");
        assert_eq!(places(db, 1).await, [500, 499, 1, 0]);
        let check = matchday::store::sql::journal::check(db).await.unwrap();
        assert!(check.holds() && check.booked.cash == 12_000 && check.booked.refunds_due == 0, "{check:?}");
        assert_eq!(count(db, "SELECT COUNT(*) AS n FROM outbox").await, 0, "no provider is asked");
        agrees(&app, 1).await;
        // Who was given back may come again, from another file.
        let again = file(&[("", "", "P1")]);
        assert_eq!(post_file(&app, "games/1/registrations/import", again).await.0, 201);
    })
    .await;
}

#[actix_web::test]
async fn every_wrong_row_is_named_and_none_is_taken() {
    on_both(async |app| {
        let db = &app.context.db;
        let runner = Registrant::sign_in(&app, "runner").await;
        let ticket = runner.enqueue(1, players(&[1])).await;
        runner.decided(ticket["token"].as_str().unwrap()).await;
        let before = (places(db, 1).await, orders(db).await);
        let bad = |cells: &str| format!(",,{cells}\n");
        let mut text = file(&[("", "", "P1"), ("", "abc", "P2"), ("", "999", "P3"), ("G", "1", "P4"), ("G", "", "P5")]);
        text.push_str(&bad(&row("x", "P1")));
        text.push_str(&bad(&row("x", "4.40106E+17")));
        text.push_str(&bad(&row("", "P6")));
        text.push_str(&bad(&row("x", "P7").replace("男", "男人")));
        text.push_str(&bad(&row("x", "440106199003077511").replace("护照", "身份证")));
        text.push_str("\n,,,,,,,,,,,\n");
        text.push_str(&bad(&row("x", "P8").replace("1990/5/1", "2090/5/1")));
        let path = "games/1/registrations/import";
        let (status, problem) = post_file(&app, path, text).await;
        assert_eq!(
            (status, &problem["code"], &problem["error_count"]),
            (422, &json!("wrong_rows"), &json!(8)),
            "{problem}"
        );
        let told: Vec<(i64, &str)> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| (error["line"].as_i64().unwrap(), error["member"].as_str().unwrap()))
            .collect();
        let expected = [
            (3, "user_id"),
            (6, "user_id"),
            (7, "certificate_no"),
            (8, "certificate_no"),
            (9, "name"),
            (10, "gender"),
            (11, "certificate_no"),
            (14, "birth_date"),
        ];
        assert_eq!(told, expected, "{problem}");
        assert!(problem["errors"][3]["reason"].as_str().unwrap().contains("shortened"));

        // What only the database knows.
        let text = file(&[("", "999", "P3"), ("", "", "E0000001"), ("", "", "P9")]);
        let (_, problem) = post_file(&app, path, text).await;
        let told: Vec<&Value> = problem["errors"].as_array().unwrap().iter().map(|error| &error["line"]).collect();
        assert_eq!(told, [&json!(2), &json!(3)], "{problem}");
        assert_eq!((places(db, 1).await, orders(db).await), before);

        for (text, field) in [
            (format!("{HEADING},height\n"), "heading"),
            ("name\nx\n".to_owned(), "certificate_type"),
            (format!("{HEADING},姓名\n"), "name"),
            (format!("{HEADING}\n"), "rows"),
            (format!("{HEADING}\n{}\n", vec![row("x", "P"); 10_001].join("\n")), "rows"),
            (format!("{HEADING}\n{},more\n", row("x", "P")), "heading"),
        ] {
            let (status, problem) = post_file(&app, path, text).await;
            assert_eq!((status, &problem["field"]), (422, &json!(field)), "{problem}");
        }
        assert_eq!(post_file(&app, path, vec![b'x'; 10 * 1024 * 1024 + 1]).await.0, 413);
        assert_eq!(post_file(&app, path, b"\xff\xfea\0".to_vec()).await.0, 400);
        assert_eq!(post_file(&app, "games/99/registrations/import", file(&[("", "", "P1")])).await.0, 404);
        assert_eq!((places(db, 1).await, orders(db).await), before);
    })
    .await;
}

#[actix_web::test]
async fn the_largest_file_is_taken_whole() {
    on_both(async |app| {
        let numbers: Vec<String> = (0..10_000).map(|number| format!("N{number:05}")).collect();
        let rows: Vec<(&str, &str, &str)> = numbers.iter().map(|number| ("", "", number.as_str())).collect();
        let path = "games/1/registrations/import";
        let (status, problem) = post_file(&app, path, file(&rows)).await;
        assert_eq!((status, &problem["code"]), (409, &json!("conflict")));
        assert!(problem["detail"].as_str().unwrap().contains("needs 10000 places and 500 are free"), "{problem}");
        assert_eq!(post_file(&app, "places/import", "game_id,limitation\n1,0").await.0, 200);
        let started = std::time::Instant::now();
        let (status, done) = post_file(&app, path, file(&rows)).await;
        println!("10,000 rows in {:?}", started.elapsed());
        assert_eq!((status, &done["orders"]), (201, &json!(10_000)), "{done}");
        assert_eq!(places(&app.context.db, 1).await, [0, 0, 10_000, 0]);
        let started = std::time::Instant::now();
        assert_eq!(get_file(&app, "games/1/registrations.csv").await.matches("\"paid\"").count(), 10_000);
        println!("and out in {:?}", started.elapsed());
        agrees(&app, 1).await;
    })
    .await;
}

#[actix_web::test]
async fn a_file_as_chinese_excel_saves_it_is_read() {
    on_both(async |app| {
        let template = get_file(&app, "games/2/registrations/template.csv?lang=zh").await;
        let heading = template.trim_start_matches('\u{feff}').trim_end().replace('"', "");
        let columns: Vec<&str> = heading.split(',').collect();
        let cells = |column: &&str| match *column {
            "姓名" => NAME,
            "证件类型" => "居民身份证",
            "证件号码" => super::CERTIFICATE,
            "性别" => "男",
            "出生日期" => "1990/3/7",
            "手机" | "紧急联系人手机" => "13812340001",
            "邮箱" => "a@b",
            "国家和地区" => "中国",
            "紧急联系人姓名" => "家人",
            "T 恤尺码" => "XL",
            _ => "",
        };
        let line: Vec<&str> = columns.iter().map(cells).collect();
        let text = format!("{heading}\r\n{}\r\n", line.join(","));
        let (bytes, _, lost) = GB18030.encode(&text);
        assert!(!lost && std::str::from_utf8(&bytes).is_err());
        let path = "games/2/registrations/import?encoding=gb18030";
        let (status, done) = post_file(&app, path, bytes.into_owned()).await;
        assert_eq!((status, &done["places"]), (201, &json!(1)), "{done}");
        let exported = get_file(&app, "games/2/registrations.csv").await;
        assert!(
            exported.contains(NAME) && exported.contains("\"XL\"") && exported.contains("1990-03-07"),
            "{exported}"
        );
    })
    .await;
}

#[actix_web::test]
async fn the_last_places_go_to_the_file_or_to_the_line_never_to_both() {
    on_both(async |app| {
        let runner = Registrant::sign_in(&app, "runner").await;
        let text = file(&[("", "", "P1"), ("", "", "P2")]);
        let (imported, ticket) =
            tokio::join!(post_file(&app, "games/2/registrations/import", text), runner.enqueue(2, players(&[1, 2])));
        let lined = match ticket["token"].as_str() {
            Some(token) => runner.decided(token).await["queue_state"] == 1,
            None => false,
        };
        assert_eq!([imported.0 == 201, lined].iter().filter(|won| **won).count(), 1, "{} {ticket}", imported.1);
        let [limitation, balance, sold, held] = places(&app.context.db, 2).await;
        assert_eq!((limitation, balance, sold + held), (3, 1, 2));
        agrees(&app, 2).await;
    })
    .await;
}

#[actix_web::test]
async fn places_of_many_games_are_set_together_or_not_at_all() {
    on_both(async |app| {
        let db = &app.context.db;
        let before = [places(db, 1).await, places(db, 2).await];
        let wrong = "game_id,limitation,balance\n1,9,\n77,1,\n1,8,\n2,-1,\n2,x,\n";
        let (status, problem) = post_file(&app, "places/import", wrong).await;
        let mut told: Vec<i64> =
            problem["errors"].as_array().unwrap().iter().map(|error| error["line"].as_i64().unwrap()).collect();
        told.sort();
        assert_eq!((status, told), (422, vec![3, 4, 5, 6]), "{problem}");
        let right = "比赛编号,名额,剩余名额\n2,10,4\n1,600,\n";
        let (status, dry) = post_file(&app, "places/import?dry_run=1", right).await;
        assert_eq!((status, &dry["games"]), (200, &json!(2)));
        assert_eq!([places(db, 1).await, places(db, 2).await], before);
        for _ in 0..2 {
            let (status, done) = post_file(&app, "places/import", right).await;
            assert_eq!((status, &done["games"]), (200, &json!(2)), "{done}");
            assert_eq!([places(db, 1).await, places(db, 2).await], [[600, 600, 0, 0], [10, 4, 0, 0]]);
        }
        agrees(&app, 1).await;
        agrees(&app, 2).await;
        let path = "/admin/api/v1/audit?search=set_places";
        assert_eq!(app.get_as(path, &app.admin_token().await).await["total"], 4);
        eventually("the line knows", async || {
            let answer =
                crate::reg::client::admin_command(&app, json!({"cmd": "RegGetGameLimitationInfo", "game_id": 2}));
            answer.await["balance"] == 4
        })
        .await;
    })
    .await;
}
