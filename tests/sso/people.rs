//! What SSO keeps of a person is in their export, and gone when they are erased.

use matchday::args;
use serde_json::{Value, json};

use super::client::{check, demo, md5_hex, reg};
use super::on_both;
use crate::people::dump;
use crate::support::eventually;
use crate::support::fixtures::row;

#[actix_web::test]
async fn an_export_has_what_sso_keeps_and_erasing_removes_it() {
    let settings = [("sso.confirm_mail", "true"), ("mail.provider", "sandbox")];
    on_both(&settings, async |app| {
        let told = json!({
            "user_name": "Traceable", "user_pass": md5_hex("x"), "user_mail": "trace@mail.example", "user_nick": "痕迹",
            "user_contact": {"tel": "0574"}, "user_extend": "extended", "user_ip": "203.0.113.77",
        });
        let answer = reg(&app, &demo(), told).await;
        let inside: Value = serde_json::from_str(&demo().open(&answer)).unwrap();
        let id = inside["user_id"].as_str().unwrap();
        let owner = app.admin_token().await;
        let all = app.get_as(&format!("/admin/api/v1/accounts/{id}/export"), &owner).await;
        assert_eq!((&all["account"][0]["login_name"], &all["account"][0]["email"]), (&json!("traceable"), &json!("trace@mail.example")));
        let mut kept = all["sso"][0].clone();
        assert!(kept.as_object_mut().unwrap().remove("created_at").is_some());
        assert_eq!(
            kept,
            json!({"app_id": 1, "user_name": "Traceable", "contact": "{\"tel\":\"0574\"}", "extend": "extended", "address": "203.0.113.77"})
        );
        let mails = "SELECT COUNT(*) AS n FROM sandbox_mails";
        eventually("the mail left", async || row(&app.context.db, mails, args![]).await.int("n").unwrap() == 1).await;

        let path = app.at(&format!("/admin/api/v1/accounts/{id}/erase"));
        assert_eq!(app.client.post(path).bearer_auth(&owner).send().await.unwrap().status(), 200);
        let rest = "SELECT (SELECT COUNT(*) FROM sso_members) + (SELECT COUNT(*) FROM sandbox_mails)
                           + (SELECT COUNT(*) FROM mail_confirmations) + (SELECT COUNT(*) FROM accounts WHERE email_pending = 1) AS n";
        assert_eq!(row(&app.context.db, rest, args![]).await.int("n").unwrap(), 0);
        let everything = dump(&app.context.db).await.to_lowercase();
        assert!(["traceable", "痕迹"].iter().all(|trace| !everything.contains(trace)));
        // Name and address are free again.
        assert_eq!(check(&app, &demo(), "chkname", json!({"user_name": "traceable"})).await["rcode"], "y010401");
        assert_eq!(check(&app, &demo(), "chkmail", json!({"user_mail": "trace@mail.example"})).await["rcode"], "y010401");
    })
    .await;
}
