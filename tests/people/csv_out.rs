//! Registrations as a file that a spreadsheet opens without harm.

use serde_json::json;

use super::{CERTIFICATE, NAME, get_file, known_player, on_both, post_file};
use crate::reg::client::{Registrant, player};
use crate::support::TestApp;

/// The rows by their headings, and the first bytes.
fn rows(text: &str) -> Vec<std::collections::BTreeMap<String, String>> {
    let text = text.strip_prefix('\u{feff}').expect("Excel knows UTF-8 by its mark");
    csv::Reader::from_reader(text.as_bytes()).into_deserialize().map(Result::unwrap).collect()
}

/// Players whose texts a spreadsheet would run.
async fn register_dangerous(app: &TestApp) {
    let runner = Registrant::sign_in(app, "runner").await;
    let texts =
        ["=HYPERLINK(\"http://x\")", "+1+1", "-2", "@SUM(A1:A9)", "＝1+1", "＋1", "－1", "＠x", "a,\"b\"", "3-12"];
    for (number, text) in (20..).zip(texts) {
        let mut dangerous = player(number);
        dangerous["name"] = json!(text);
        dangerous["city"] = json!(text);
        dangerous["mobile"] = json!("+8613800000001");
        dangerous["certificate_no"] = json!(format!("-{number}"));
        dangerous["zip"] = json!("012345");
        let ticket = runner.enqueue(1, json!([dangerous])).await;
        assert_eq!(runner.decided(ticket["token"].as_str().unwrap()).await["queue_state"], 1, "{text}");
    }
    let ticket = runner.enqueue(1, json!([known_player(), player(1)])).await;
    runner.decided(ticket["token"].as_str().unwrap()).await;
}

#[actix_web::test]
async fn an_export_has_every_registration_and_no_formula() {
    on_both(async |app| {
        register_dangerous(&app).await;
        let text = get_file(&app, "games/1/registrations.csv").await;
        let rows = rows(&text);
        assert_eq!(rows.len(), 12);
        for row in &rows {
            for (heading, cell) in row {
                let begin = cell.trim_start_matches(' ').chars().next();
                let runs = begin.is_some_and(|begin| "=+-@\t\r＝＋－＠".contains(begin));
                assert!(!runs, "{heading}: {cell:?}");
            }
            // A number that a spreadsheet would shorten or cut is none for it.
            for heading in ["certificate_no", "mobile", "zip", "group", "emergency_contact_mobile"] {
                let cell = &row[heading];
                assert!(
                    cell.is_empty()
                        || cell.parse::<f64>().is_err() && !cell.ends_with(char::is_numeric)
                        || cell.starts_with('\''),
                    "{heading}: {cell:?}"
                );
            }
        }
        assert_eq!((&*rows[0]["name"], &*rows[0]["pay_status"]), ("'=HYPERLINK(\"http://x\")", "unpaid"));
        assert_eq!((&*rows[9]["city"], &*rows[9]["certificate_no"]), ("3-12\t", "'-29"));
        assert_eq!(rows[10]["certificate_no"], format!("{CERTIFICATE}\t"));
        assert_eq!((&*rows[10]["name"], &*rows[10]["birth_date"]), (NAME, "1990-03-07"));
        assert_eq!(rows[10]["group"], rows[11]["group"], "an order's rows name it");
        let chinese = get_file(&app, "games/1/registrations.csv?lang=zh").await;
        assert!(
            chinese.contains("\"姓名\"") && chinese.contains("\"居民身份证\"") && chinese.contains("\"男\""),
            "{chinese}"
        );

        let owner = app.admin_token().await;
        let trail = app.get_as("/admin/api/v1/audit?search=export", &owner).await;
        assert_eq!((&trail["total"], &trail["data"][0]["entity_id"]), (&json!(2), &json!("1")));
        for (path, status) in [("games/99/registrations.csv", 404), ("games/1/registrations.csv?lang=fr", 422)] {
            let answer =
                app.client.get(app.at(&format!("/admin/api/v1/{path}"))).bearer_auth(&owner).send().await.unwrap();
            assert_eq!(answer.status(), status, "{path}");
        }
    })
    .await;
}

#[actix_web::test]
async fn what_was_exported_can_be_imported_unchanged() {
    on_both(async |app| {
        register_dangerous(&app).await;
        for (lang, game) in [("en", "2"), ("zh", "3")] {
            let admin = app.admin_token().await;
            let places = app.client.patch(app.at("/admin/api/v1/games/2")).bearer_auth(&admin);
            assert_eq!(places.json(&json!({"price": "1.00"})).send().await.unwrap().status(), 200);
            if game == "3" {
                let new =
                    json!({"competition_id": 1, "name": "zh", "price": 1, "limitation": 0, "start_time": "2040-01-01"});
                let made = app.client.post(app.at("/admin/api/v1/games")).bearer_auth(&admin).json(&new).send().await;
                assert_eq!(made.unwrap().status(), 201);
            }
            let file = format!("game_id,limitation\n{game},20");
            assert_eq!(post_file(&app, "places/import", file).await.0, 200);
            let first = get_file(&app, &format!("games/1/registrations.csv?lang={lang}")).await;
            let (status, done) = post_file(&app, &format!("games/{game}/registrations/import"), first.clone()).await;
            assert_eq!((status, &done["orders"], &done["places"]), (201, &json!(11), &json!(12)), "{done}");
            let again = get_file(&app, &format!("games/{game}/registrations.csv?lang={lang}")).await;
            let players = |text: &str| -> Vec<Vec<String>> {
                let ours = ["group", "reg_id", "pay_status", "pay_time", "团队", "报名编号", "支付状态", "支付时间"];
                let keep = |row: std::collections::BTreeMap<String, String>| {
                    row.into_iter().filter(|(heading, _)| !ours.contains(&&**heading)).map(|(_, cell)| cell).collect()
                };
                rows(text).into_iter().map(keep).collect()
            };
            assert_eq!(players(&first), players(&again), "{lang}");
        }
    })
    .await;
}

#[actix_web::test]
async fn a_large_game_leaves_in_pages() {
    on_both(async |app| {
        let (vault, db) = (&app.context.vault, &app.context.db);
        let sealed = vault.seal(&serde_json::to_string(&actors::domain::registration::Player::erased()).unwrap());
        let owner = crate::support::fixtures::person(&app, "owner").await;
        let game = crate::support::fixtures::game(db, 0).await;
        let other = crate::support::fixtures::game(db, 0).await;
        for (game, prefix, count) in [(game, "a", 1_203), (other, "b", 5)] {
            let names: Vec<String> = (0..count).map(|number| format!("{prefix}{number}")).collect();
            for order in names.chunks(100) {
                let names: Vec<&str> = order.iter().map(String::as_str).collect();
                crate::support::fixtures::race_order(db, &owner, game, &names).await;
            }
        }
        let sql = "UPDATE registrations SET player_sealed = $1";
        crate::support::fixtures::execute(db, sql, matchday::args![&sealed]).await;
        let text = get_file(&app, &format!("games/{game}/registrations.csv")).await;
        let rows = rows(&text);
        let ids: std::collections::BTreeSet<&String> = rows.iter().map(|row| &row["reg_id"]).collect();
        assert_eq!((rows.len(), ids.len()), (1_203, 1_203));
    })
    .await;
}

#[actix_web::test]
async fn orders_leave_for_cashiers_in_words_and_without_formulas() {
    on_both(async |app| {
        let runner = Registrant::sign_in(&app, "runner").await;
        let paid = runner.order(1, json!([player(1), player(2)])).await;
        runner.pay(&paid).await;
        let unpaid = runner.order(2, json!([player(3)])).await;
        let sql = "UPDATE orders SET name = '=1+1' WHERE order_no = $1";
        crate::support::fixtures::execute(&app.context.db, sql, matchday::args![&unpaid]).await;
        let text = get_file(&app, "orders.csv").await;
        let rows = rows(&text);
        assert_eq!(rows.len(), 2);
        let shown = |row: usize| {
            ["order_no", "kind", "game_id", "business_id", "count", "total_price", "status"]
                .map(|name| rows[row][name].trim_end_matches('\t').to_owned())
        };
        assert_eq!(shown(0), [&paid, "race", "1", "", "2", "240.00", "paid"]);
        assert_eq!(shown(1), [&unpaid, "race", "2", "", "1", "80.00", "unpaid"]);
        assert_eq!((&*rows[1]["name"], &*rows[1]["pay_time"], &*rows[1]["transaction_id"]), ("'=1+1", "", ""));
        assert!(rows[0]["order_no"].ends_with('\t') && rows[0]["pay_time"].len() == 19);
        let headings: Vec<&str> = text.trim_start_matches('\u{feff}').lines().next().unwrap().split(',').collect();
        assert_eq!(headings.len(), 16);
        let chinese = get_file(&app, "orders.csv?lang=zh").await;
        for word in ["\"订单号\"", "\"报名\"", "\"已支付\"", "\"等待支付\""] {
            assert!(chinese.contains(word), "{word}: {chinese}");
        }

        let owner = app.admin_token().await;
        let trail = app.get_as("/admin/api/v1/audit?search=orders", &owner).await;
        assert_eq!((&trail["total"], &trail["data"][0]["action"]), (&json!(2), &json!("export")));
        for (role, status) in [("cashier", 200), ("editor", 403), ("moderator", 403)] {
            let new = json!({"username": role, "password": "a password", "role": role});
            let made = app.client.post(app.at("/admin/api/v1/admins")).bearer_auth(&owner).json(&new);
            assert_eq!(made.send().await.unwrap().status(), 201);
            let login = json!({"username": role, "password": "a password"});
            let session = app.client.post(app.at("/admin/api/v1/login")).json(&login).send().await.unwrap();
            let session: serde_json::Value = session.json().await.unwrap();
            let asked =
                app.client.get(app.at("/admin/api/v1/orders.csv")).bearer_auth(session["token"].as_str().unwrap());
            assert_eq!(asked.send().await.unwrap().status(), status, "{role}");
        }
        assert_eq!(app.get("/admin/api/v1/orders.csv").await.status(), 401);
    })
    .await;
}
