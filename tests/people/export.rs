//! A copy of everything that is kept about one account.

use matchday::args;
use serde_json::{Value, json};

use super::{CERTIFICATE, NAME, PHONE, known_player, on_both};
use crate::reg::client::{Registrant, players};
use crate::support::fixtures::{bind_phone, execute, line, live, person as sign_in};
use crate::support::spawn_app_in;

#[actix_web::test]
async fn an_export_has_everything_of_one_account_and_nothing_of_others() {
    on_both(async |app| {
        let db = &app.context.db;
        let (user, other) = (sign_in(&app, "user").await, sign_in(&app, "other").await);
        bind_phone(&app, user.account, PHONE).await;
        let runner = Registrant::sign_in(&app, "user").await;
        let ticket = runner.enqueue(1, json!([known_player()])).await;
        let order_no = runner.decided(ticket["token"].as_str().unwrap()).await["order_no"].clone();
        runner.pay(order_no.as_str().unwrap()).await;
        let stranger = Registrant::sign_in(&app, "other").await;
        let ticket = stranger.enqueue(1, players(&[7])).await;
        stranger.decided(ticket["token"].as_str().unwrap()).await;
        let room = live(db).await;
        line(db, room, 1, &user, "我来了").await;
        line(db, room, 2, &other, "不是我").await;
        // More than two pages.
        for offset in 3..=252 {
            line(db, room, offset, &user, "加油").await;
        }

        let owner = app.admin_token().await;
        let path = format!("/admin/api/v1/accounts/{}/export", user.account);
        let answer = app.client.get(app.at(&path)).bearer_auth(&owner).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.headers()["cache-control"]), (200, &"no-store".parse().unwrap()));
        let text = answer.text().await.unwrap();
        let all: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&all["account"][0]["mobile"], &all["account"][0]["username"]), (&json!(PHONE), &json!("user")));
        assert_eq!((&all["orders"][0]["order_no"], &all["orders"][0]["phone"]), (&order_no, &json!(PHONE)));
        let player = &all["registrations"][0]["player"];
        assert_eq!((&player["name"], &player["certificate_no"]), (&json!(NAME), &json!(CERTIFICATE)));
        assert_eq!(all["queue_tokens"][0]["players"][0]["name"], NAME);
        assert_eq!((&all["payments"][0]["order_no"], &all["payments"][0]["amount_fen"]), (&order_no, &json!(12_000)));
        assert_eq!(all["chat_lines"][0]["content"], "我来了");
        let counts = ["account", "orders", "registrations", "queue_tokens", "payments", "chat_lines", "athlete"]
            .map(|section| all[section].as_array().unwrap().len());
        assert_eq!(counts, [1, 1, 1, 1, 1, 251, 0]);
        assert!(!text.contains("跑者7") && !text.contains("不是我"));

        let trail = app.get_as("/admin/api/v1/audit?search=export", &owner).await;
        assert_eq!((&trail["total"], &trail["data"][0]["entity"]), (&json!(1), &json!("accounts")));
        let unknown = app.client.get(app.at("/admin/api/v1/accounts/999/export")).bearer_auth(&owner);
        assert_eq!(unknown.send().await.unwrap().status(), 404);
        // Only owners: the same administrator with another role.
        execute(db, "UPDATE admins SET role = 'editor'", args![]).await;
        let editor = app.admin_token().await;
        for (method, path) in [("GET", path), ("POST", format!("/admin/api/v1/accounts/{}/erase", user.account))] {
            let request = app.client.request(method.parse().unwrap(), app.at(&path)).bearer_auth(&editor);
            assert_eq!(request.send().await.unwrap().status(), 403, "{path}");
        }
    })
    .await;
}

/// What the command line says, and how it ends.
fn person(folder: &std::path::Path, act: &str, account: &str) -> (bool, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_matchday"))
        .args(["person", act, account, "--data-dir"])
        .arg(folder)
        .current_dir(folder)
        .env("MATCHDAY_ENV", "development")
        .output()
        .unwrap();
    let text = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[actix_web::test]
async fn the_command_line_exports_and_erases_too() {
    let folder = tempfile::tempdir().unwrap();
    let app = spawn_app_in(folder.path(), &[]).await;
    let account = sign_in(&app, "user").await.account;
    bind_phone(&app, account, PHONE).await;
    let (fine, text) = person(folder.path(), "export", "1");
    let all: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((fine, &all["account"][0]["mobile"]), (true, &json!(PHONE)));
    let (fine, text) = person(folder.path(), "erase", "1");
    let erased: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((fine, &erased["sessions"]), (true, &json!(1)));
    let row = app.context.db.fetch_one("SELECT openid, status FROM accounts WHERE id = 1", args![]).await.unwrap();
    assert_eq!((row.opt_text("openid").unwrap(), row.int("status").unwrap()), (None, 0));
    let (fine, text) = person(folder.path(), "erase", "77");
    assert!(!fine && text.contains("not found"), "{text}");
    let trail = app.get_as("/admin/api/v1/audit?search=accounts/1", &app.admin_token().await).await;
    let acts: Vec<&Value> = trail["data"].as_array().unwrap().iter().map(|act| &act["admin_name"]).collect();
    assert_eq!(acts, ["command line", "command line"]);
}
