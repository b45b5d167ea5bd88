//! One person however a certificate or a phone is written, in every way by which people come in and are looked up; and rows
//! of older versions, which were found by what was typed.

use actors::quota_queue::messages::SealedPlayer;
use matchday::args;
use matchday::store::sql::fold_certificates;
use serde_json::{Value, json};

use super::csv_in::{file, row};
use super::{get_file, on_both, post_file};
use crate::reg::client::{Registrant, player};
use crate::support::TestApp;
use crate::support::fixtures::execute;

fn written(number: &str) -> Value {
    let mut written = player(1);
    written["certificate_no"] = json!(number);
    written
}

async fn found_by(runner: &Registrant<'_>, number: &str) -> Value {
    let ask = json!({"cmd": "QueryRegStateByCert", "party_id": 1, "certificate_type": 1, "certificate_no": number});
    runner.send(ask).await
}

async fn erase(app: &TestApp, number: &str) -> u16 {
    let request = app.client.post(app.at("/admin/api/v1/players/erase")).bearer_auth(app.admin_token().await);
    let body = json!({"certificate_type": 1, "certificate_no": number});
    request.json(&body).send().await.unwrap().status().as_u16()
}

#[actix_web::test]
async fn a_certificate_is_one_person_however_it_is_written() {
    on_both(async |app| {
        let runner = Registrant::sign_in(&app, "runner").await;
        let ticket = runner.enqueue(1, json!([written("E-7654321"), player(2)])).await;
        let order_no = runner.decided(ticket["token"].as_str().unwrap()).await["order_no"].clone();
        let same = runner.enqueue(1, json!([player(2), written("（e7654321）")])).await;
        assert_eq!(same["token"], ticket["token"], "the same players in another order are the same request");
        let spellings = ["E7654321", "e7654321-", "(E7654321)", "ｅ７６５４３２１", "E 765–4321"];
        for number in spellings {
            let mut again = written(number);
            again["email"] = json!("other@example.org");
            let ticket = runner.enqueue(1, json!([again])).await;
            let decided = runner.decided(ticket["token"].as_str().unwrap_or_else(|| panic!("{ticket}"))).await;
            assert_eq!(decided["queue_state"], 4, "{number}: {decided}");
            assert_eq!(found_by(&runner, number).await["order_info"]["order_no"], order_no, "{number}");
            let (status, told) = post_file(&app, "games/1/registrations/import", file(&[("", "", number)])).await;
            assert_eq!((status, &told["errors"][0]["member"]), (422, &json!("certificate_no")), "{told}");
        }
        for none in ["---", "()", ""] {
            assert_eq!(found_by(&runner, none).await["result"], -13, "{none}");
        }
        let twice = runner.enqueue(2, json!([written("P1"), written("p-1")])).await;
        assert_eq!(twice["msg"], "无效数据\nplayers[1].certificate_no: is named twice in this request");
        let (_, told) = post_file(&app, "games/1/registrations/import", file(&[("", "", "P1"), ("", "", "P-1")])).await;
        assert_eq!(told["errors"][0]["reason"], "is in line 2 already", "{told}");

        // Shown as typed; another spelling is no correction, which could be made only once.
        assert!(get_file(&app, "games/1/registrations.csv").await.contains("\"E-7654321\t\""));
        let reg_id = app.get_as("/admin/api/v1/registrations", &app.admin_token().await).await;
        let reg_id = reg_id["data"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).min().unwrap();
        for number in ["(E7654321)", "E7654321/"] {
            let change = json!({"cmd": "RegUpdate", "reg_id": reg_id, "certificate_no": number});
            assert_eq!(runner.send(change).await["result"], 0, "{number}");
        }
        assert!(get_file(&app, "games/1/registrations.csv").await.contains("\"E7654321/\t\""));
        let players = app.get_as("/admin/api/v1/players?search=e%207654321", &app.admin_token().await).await;
        assert_eq!(players["total"], 1, "{players}");
        execute(&app.context.db, "UPDATE games SET start_time = $1", args![app.context.db.now_ms() - 1]).await;
        assert_eq!(erase(&app, "--").await, 422);
        assert_eq!(erase(&app, "(e765-4321)").await, 200);
        assert_eq!(found_by(&runner, "E7654321").await["order_info"], json!(null));
    })
    .await;
}

#[actix_web::test]
async fn a_file_is_judged_by_the_same_rules() {
    on_both(async |app| {
        let good =
            row("跑者", "P1").replace("13800000000", "+86 138 0000 0000").replace("13900000000", "86-13900000000");
        let heading = file(&[]);
        let path = "games/1/registrations/import";
        for (wrong, member) in [
            (good.replace("1990/5/1", "90/5/1"), "birth_date"),
            (good.replace("1990/5/1", "0027-05-01"), "birth_date"),
            (good.replace("1990/5/1", "1899/12/31"), "birth_date"),
            (good.replace("跑者", "跑\u{202e}者"), "name"),
            (good.replace("跑者", "\u{3164}"), "name"),
            (good.replace("86-13900000000", "------"), "emergency_contact_mobile"),
            (good.replace("P1", "()"), "certificate_no"),
        ] {
            let (status, told) = post_file(&app, path, format!("{heading},,{wrong}\n")).await;
            assert_eq!((status, &told["errors"][0]["member"]), (422, &json!(member)), "{wrong}: {told}");
        }
        let name = "长".repeat(64);
        let (status, told) = post_file(&app, path, format!("{heading},,{}\n", good.replace("跑者", &name))).await;
        assert_eq!(status, 201, "{told}");
        let exported = get_file(&app, "games/1/registrations.csv").await;
        assert!(
            exported.contains("\"13800000000\t\"")
                && exported.contains("\"13900000000\t\"")
                && exported.contains(&name)
        );
    })
    .await;
}

/// The key of what was typed, as versions before kept it.
const TYPED: &str = "1|E-7654321";

#[actix_web::test]
async fn rows_of_older_versions_are_found_by_their_letters_and_digits() {
    on_both(async |app| {
        let (db, vault) = (&app.context.db, &app.context.vault);
        let runner = Registrant::sign_in(&app, "runner").await;
        let order_no = runner.order(1, json!([written("E-7654321"), player(2)])).await;
        let new = vault.lookup_key("certificate", b"1|E7654321");
        let old = vault.lookup_key("certificate", TYPED.as_bytes());
        for sql in [
            "UPDATE registrations SET certificate_key = $2 WHERE certificate_key = $1",
            "UPDATE players SET certificate_key = $2 WHERE certificate_key = $1",
            "UPDATE queue_tokens SET players_sealed = REPLACE(players_sealed, $1, $2)",
        ] {
            assert!(execute(db, sql, args![&new, &old]).await > 0, "{sql}");
        }
        assert_eq!(found_by(&runner, "E-7654321").await["order_info"], json!(null));
        assert_eq!(fold_certificates::run(db, vault).await.unwrap(), 0, "done once, at the first start");

        execute(db, "INSERT INTO certificate_folding (id) VALUES (1)", args![]).await;
        let other = app.context.db.clone();
        let (one, two) = tokio::join!(fold_certificates::run(db, vault), fold_certificates::run(&other, vault));
        assert_eq!(one.unwrap() + two.unwrap(), 2, "a registration and its token");
        assert_eq!(found_by(&runner, "E7654321").await["order_info"]["order_no"], order_no);
        let players = app.get_as("/admin/api/v1/players?search=E7654321", &app.admin_token().await).await;
        assert_eq!(players["data"][0]["registrations"], 1, "{players}");
        let token = db.fetch_one("SELECT players_sealed FROM queue_tokens", args![]).await.unwrap();
        let token: Vec<SealedPlayer> = serde_json::from_str(&token.text("players_sealed").unwrap()).unwrap();
        assert_eq!(token[0].certificate_key, new);

        // Two places that one person got from an older version: both stay, and the start goes on.
        let sql = "UPDATE registrations SET player_sealed = (SELECT player_sealed FROM registrations WHERE id = 1)
                   WHERE id = 2";
        execute(db, sql, args![]).await;
        execute(db, "INSERT INTO certificate_folding (id) VALUES (1)", args![]).await;
        assert_eq!(fold_certificates::run(db, vault).await.unwrap(), 0);
    })
    .await;
}
