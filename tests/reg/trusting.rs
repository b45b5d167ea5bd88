//! `reg.identity = "trusting"`: a front end in a configured network names the account, and nobody else can.

use serde_json::json;

use super::client::{Registrant, command, players};
use crate::support::spawn_app;

#[actix_web::test]
async fn trusted_network_names_the_account() {
    let settings = [("reg.identity", "trusting"), ("reg.trusting_networks", "127.0.0.0/8")];
    let app = spawn_app(&settings).await;
    Registrant::sign_in(&app, "runner").await;
    let account = app.context.db.fetch_one("SELECT id FROM accounts WHERE openid = 'runner'", vec![]).await.unwrap();
    let id = account.int("id").unwrap();
    let wish = |user: i64| json!({"cmd": "RegGetQueueToken", "game_id": 1, "user_id": user, "players": players(&[1])});
    assert_eq!(command(&app, wish(id)).await["result"], 0);
    assert_eq!(command(&app, wish(999_999)).await["result"], -19, "it must exist");
    let nobody = json!({"cmd": "RegQueryUserOrders"});
    assert_eq!(command(&app, nobody).await["result"], -1, "without a name the session decides");
}

#[actix_web::test]
async fn what_a_web_page_could_make_a_browser_send_is_not_trusted() {
    let app = spawn_app(&[("reg.identity", "trusting"), ("reg.trusting_networks", "127.0.0.0/8")]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let account = app.context.db.fetch_one("SELECT id FROM accounts WHERE openid = 'runner'", vec![]).await.unwrap();
    let wish = json!({"cmd": "RegQueryUserOrders", "user_id": account.int("id").unwrap()}).to_string();
    let send = async |kinds: &[&str], origin: Option<&str>, token: Option<&str>| {
        let mut request = app.client.post(app.at("/api/reg")).body(wish.clone());
        for kind in kinds {
            request = request.header("content-type", *kind);
        }
        for (name, value) in [("origin", origin), ("token", token)] {
            request = match value {
                Some(value) => request.header(name, value),
                None => request,
            };
        }
        let answer: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
        (answer["result"].as_i64().unwrap(), answer["msg"].as_str().unwrap().to_owned())
    };
    for kind in ["application/json", "Application/JSON; charset=utf-8"] {
        assert_eq!(send(&[kind], None, None).await.0, 0, "{kind}");
    }
    let refused: &[(&[&str], Option<&str>)] = &[
        (&[], None),
        (&["text/plain"], None),
        (&["application/x-www-form-urlencoded"], None),
        (&["text/plain; application/json"], None),
        (&["application/json", "text/plain"], None),
        (&["application/json"], Some("https://evil.example")),
        (&["application/json"], Some("null")),
    ];
    for (kinds, origin) in refused {
        let (result, msg) = send(kinds, *origin, None).await;
        assert!(result == -1002 && msg.contains("Content-Type: application/json and no Origin"), "{kinds:?} {msg}");
        assert_eq!(send(kinds, *origin, Some(&runner.token)).await.0, 0, "{kinds:?}: the session says who it is");
    }
}

#[actix_web::test]
async fn others_and_the_default_believe_no_name() {
    let elsewhere = [("reg.identity", "trusting"), ("reg.trusting_networks", "10.0.0.0/8")];
    for settings in [&elsewhere[..], &[]] {
        let app = spawn_app(settings).await;
        Registrant::sign_in(&app, "runner").await;
        let wish = json!({"cmd": "RegQueryUserOrders", "user_id": 1});
        assert_eq!(command(&app, wish).await["result"], -1);
    }
}
