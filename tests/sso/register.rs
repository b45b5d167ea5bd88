//! Good calls: what is answered to the letter, and what is stored.

use actors::domain::ids::AccountId;
use matchday::args;
use matchday::service::sso::status_name;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{check, demo, encoded, md5_hex, now, person, raw, reg, reg_plain, stamped, with};
use super::on_both;
use crate::support::fixtures::row;
use crate::support::spawn_app;

#[actix_web::test]
async fn a_registration_is_answered_to_the_letter() {
    on_both(&[], async |app| {
        let keys = demo();
        let before = now(&app);
        let plain = stamped(&app, person("Runner_01"));
        let text = raw(&app, Method::POST, "/index.php/api/reg/reg", "", Some(encoded(&keys.form(&plain)))).await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        let (code, sign) = (answer["code"].as_str().unwrap(), answer["sign"].as_str().unwrap());
        assert_eq!(
            text,
            format!(
                r#"{{"prd_sso_ver":"4.0","prd_sso_pub":20220604,"rcode":"y010101","msg":"注册成功","code":"{code}","sign":"{sign}"}}"#
            )
        );
        let inside = keys.open(&answer);
        let members: Value = serde_json::from_str(&inside).unwrap();
        let at: i64 = members["timestamp"].as_str().unwrap().parse().unwrap();
        assert!((before..=now(&app)).contains(&at));
        let id: i64 = members["user_id"].as_str().unwrap().parse().unwrap();
        assert_eq!(
            inside,
            format!(r#"{{"user_id":"{id}","user_name":"Runner_01","user_status":"enable","timestamp":"{at}"}}"#)
        );

        let sql = "SELECT a.login_name, a.username, a.email_key, a.email_pending, a.password_hash, a.password_kind, a.status,
                          m.app_id, m.user_name, m.contact_sealed, m.address_sealed
                   FROM accounts a JOIN sso_members m ON m.account_id = a.id WHERE a.id = $1";
        let stored = row(&app.context.db, sql, args![id]).await;
        assert_eq!(stored.text("login_name").unwrap(), "runner_01");
        assert_eq!((stored.text("username").unwrap(), stored.text("user_name").unwrap()), ("Runner_01".into(), "Runner_01".into()));
        assert_eq!((stored.opt_text("email_key").unwrap(), stored.int("email_pending").unwrap()), (None, 0));
        assert_eq!((stored.int("app_id").unwrap(), stored.int("password_kind").unwrap()), (1, 1));
        assert_eq!(stored.text("contact_sealed").unwrap(), "");
        let address = app.context.vault.open(&stored.text("address_sealed").unwrap()).unwrap();
        assert_eq!(address, "127.0.0.1");
        let hash = stored.text("password_hash").unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert_eq!(app.context.passwords.verify(&md5_hex("123456"), Some(hash.clone())).await, Ok(true));
        assert_eq!(app.context.passwords.verify("123456", Some(hash)).await, Ok(false));
        assert!(matchday::store::sql::accounts::account(&app.context.db, AccountId(id), 0).await.unwrap().is_some());
    })
    .await;
}

#[actix_web::test]
async fn everything_that_is_told_is_kept() {
    let app = spawn_app(&[]).await;
    let contact = json!({"tel": {"key": "电话", "value": "0574-88888888"}});
    let told = json!({
        "user_name": "full", "user_pass": md5_hex("P@ssw0rd 跑").to_uppercase(), "user_mail": "Runner@Example.com",
        "user_nick": "跑者一号", "user_contact": contact, "user_extend": "a text", "user_ip": "2001:db8::7",
        "unknown": [1, {"x": true}],
    });
    let answer = reg(&app, &demo(), told).await;
    assert_eq!(answer["rcode"], "y010101", "{answer}");
    let sql = "SELECT a.username, a.email_key, a.email_sealed, a.password_hash, m.contact_sealed, m.extend_sealed,
                      m.address_sealed
               FROM accounts a JOIN sso_members m ON m.account_id = a.id WHERE a.login_name = 'full'";
    let stored = row(&app.context.db, sql, args![]).await;
    let opened = |column: &str| app.context.vault.open(&stored.text(column).unwrap()).unwrap();
    assert_eq!(stored.text("username").unwrap(), "跑者一号");
    assert_eq!(opened("email_sealed"), "Runner@Example.com");
    assert_eq!(stored.text("email_key").unwrap(), app.context.vault.email_key("runner@example.com"));
    assert_eq!(serde_json::from_str::<Value>(&opened("contact_sealed")).unwrap(), contact);
    assert_eq!((opened("extend_sealed").as_str(), opened("address_sealed").as_str()), ("a text", "2001:db8::7"));
    let hash = Some(stored.text("password_hash").unwrap());
    assert_eq!(app.context.passwords.verify(&md5_hex("P@ssw0rd 跑"), hash).await, Ok(true), "in any case");
    // Numbers in place of texts, and texts in place of numbers.
    let timestamp = now(&app).to_string();
    let plain = json!({"user_name": 12345, "user_pass": md5_hex("x"), "user_contact": [], "timestamp": timestamp});
    let answer = reg_plain(&app, &demo(), &plain.to_string()).await;
    assert_eq!(answer["rcode"], "y010101", "{answer}");
    assert_eq!(serde_json::from_str::<Value>(&demo().open(&answer)).unwrap()["user_name"], "12345");
    assert_eq!((status_name(true), status_name(false)), ("wait", "enable"));
}

#[actix_web::test]
async fn names_and_mails_are_taken_or_free() {
    let app = spawn_app(&[]).await;
    let told =
        |rcode: &str, msg: &str| json!({"prd_sso_ver": "4.0", "prd_sso_pub": 20220604, "rcode": rcode, "msg": msg});
    let name = async |name: &str| check(&app, &demo(), "chkname", json!({"user_name": name})).await;
    let mail = async |mail: &str| check(&app, &demo(), "chkmail", json!({"user_mail": mail})).await;
    assert_eq!(name("baigo").await, told("y010401", "用户名可以注册"));
    assert_eq!(mail("baigo@baigo.net").await, told("y010401", "邮箱地址可以使用"));
    let made = reg(&app, &demo(), with(person("baigo"), "user_mail", "baigo@baigo.net")).await;
    assert_eq!(made["rcode"], "y010101");
    for taken in ["baigo", "BAIGO"] {
        assert_eq!(name(taken).await, told("y010102", "用户名已存在"));
    }
    assert_eq!(mail("Baigo@Baigo.NET").await, told("y010102", "邮箱已存在"));
    let text = raw(
        &app,
        Method::GET,
        "/api/reg/chkname/",
        &encoded(&demo().form(&stamped(&app, json!({"user_name": "baigo"})))),
        None,
    )
    .await;
    assert_eq!(text, r#"{"prd_sso_ver":"4.0","prd_sso_pub":20220604,"rcode":"y010102","msg":"用户名已存在"}"#);
}

#[actix_web::test]
async fn every_path_and_every_place_of_parameters_is_one() {
    let app = spawn_app(&[]).await;
    let mut count = 0;
    for path in ["/index.php/api/reg/reg", "/index.php/api/reg/reg/", "/api/reg/reg", "/api/reg/reg/"] {
        for in_query in [false, true] {
            count += 1;
            let form = encoded(&demo().form(&stamped(&app, person(&format!("path-{count}")))));
            let (query, body) = if in_query { (form, String::new()) } else { (String::new(), form) };
            let text = raw(&app, Method::POST, path, &query, Some(body)).await;
            assert!(text.contains("y010101"), "{path} {text}");
        }
    }
    for path in ["/index.php/api/reg/chkname", "/index.php/api/reg/chkname/", "/api/reg/chkname", "/api/reg/chkname/"] {
        let form = encoded(&demo().form(&stamped(&app, json!({"user_name": "path-1"}))));
        for (method, query, body) in [
            (Method::GET, form.as_str(), None),
            (Method::POST, "", Some(form.clone())),
            (Method::POST, &form, Some(String::new())),
        ] {
            assert!(raw(&app, method, path, query, body).await.contains("y010102"), "{path}");
        }
    }
    // The body's parameters are before the query's, and half may be here and half there.
    let form = demo().form(&stamped(&app, json!({"user_name": "path-2"})));
    let (one, other) = form.split_at(2);
    let query = format!("sign=x&{}", encoded(one));
    assert!(raw(&app, Method::POST, "/api/reg/chkname", &query, Some(encoded(other))).await.contains("y010102"));
    // The command dialect is as it was.
    let command = app.client.post(app.at("/api/reg")).body(r#"{"cmd":"x"}"#).send().await.unwrap();
    assert_eq!(command.json::<Value>().await.unwrap()["result"], -1004);
}

#[actix_web::test]
async fn one_name_is_given_to_one_however_many_ask() {
    on_both(&[], async |app| {
        let contenders = (0..12).map(|number| {
            let app = &app;
            let member = with(person("contended"), "user_nick", format!("nick {number}"));
            async move { reg(app, &demo(), member).await["rcode"].as_str().unwrap().to_owned() }
        });
        let outcomes = futures_util::future::join_all(contenders).await;
        let count = |rcode: &str| outcomes.iter().filter(|outcome| *outcome == rcode).count();
        assert_eq!((count("y010101"), count("x010404")), (1, 11), "{outcomes:?}");
        let contenders = (0..12).map(|number| {
            let app = &app;
            let member = with(person(&format!("mail-{number}")), "user_mail", "one@example.org");
            async move { reg(app, &demo(), member).await["msg"].as_str().unwrap().to_owned() }
        });
        let outcomes = futures_util::future::join_all(contenders).await;
        let count = |msg: &str| outcomes.iter().filter(|outcome| *outcome == msg).count();
        assert_eq!((count("注册成功"), count("邮箱已存在")), (1, 11), "{outcomes:?}");
        let sql = "SELECT (SELECT COUNT(*) FROM sso_members) AS members, (SELECT COUNT(*) FROM sso_calls) AS calls,
                          (SELECT COUNT(*) FROM accounts WHERE login_name IS NOT NULL) AS accounts";
        let counts = row(&app.context.db, sql, args![]).await;
        assert_eq!(["members", "calls", "accounts"].map(|name| counts.int(name).unwrap()), [2, 2, 2]);
    })
    .await;
}
