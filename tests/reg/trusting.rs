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
async fn others_and_the_default_believe_no_name() {
    let elsewhere = [("reg.identity", "trusting"), ("reg.trusting_networks", "10.0.0.0/8")];
    for settings in [&elsewhere[..], &[]] {
        let app = spawn_app(settings).await;
        Registrant::sign_in(&app, "runner").await;
        let wish = json!({"cmd": "RegQueryUserOrders", "user_id": 1});
        assert_eq!(command(&app, wish).await["result"], -1);
    }
}
