//! Every format in, every format out, and which of them is chosen.

use bson::{Document, doc};

use super::client::{Call, JSON, PATH, Told, blob, code, members, register};
use crate::support::{TestApp, spawn_app};

const PARM: &str = "http://schemas.datacontract.org/2004/07/DigitalScience.DataTransfer.Tour.V5.Parm.WebInterface";

fn xml(username: &str, mobile: &str, code: &str) -> String {
    let instance = "http://www.w3.org/2001/XMLSchema-instance";
    format!(
        "<PersonalMemberRegistParm xmlns:i=\"{instance}\" xmlns=\"{PARM}\"> <mobile>{mobile}</mobile> \
         <password>{}</password> <username>{username}</username> <verifycode>{code}</verifycode> \
         </PersonalMemberRegistParm>",
        blob()
    )
}

fn form(username: &str, mobile: &str, code: &str) -> String {
    serde_urlencoded::to_string([
        ("parm.UserName", username),
        ("PASSWORD", &blob()),
        ("mobile", mobile),
        ("parm[verifycode]", code),
    ])
    .unwrap()
}

fn bson(username: &str, mobile: &str, code: &str) -> Vec<u8> {
    let document = doc! {"verifycode": code, "mobile": mobile, "Password": blob(), "username": username, "x": {"y": 1}};
    document.to_vec().unwrap()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// The reply without what differs from one database to another.
fn shown(told: &Told) -> String {
    if told.content_type == "application/bson" {
        let document = Document::from_reader(&told.body[..]).unwrap();
        return document.to_string();
    }
    told.text().to_owned()
}

#[actix_web::test]
async fn a_person_registers_in_every_format() {
    let app = spawn_app(&[]).await;
    type Write = fn(&str, &str, &str) -> Vec<u8>;
    let formats: [(&str, &str, Write); 9] = [
        ("application/json", "application/json; charset=utf-8", |a, b, c| members(a, b, c).into()),
        ("text/json; charset=utf-8", "text/json; charset=utf-8", |a, b, c| members(a, b, c).into()),
        ("application/json; charset=utf-16", "application/json; charset=utf-8", |a, b, c| utf16(&members(a, b, c))),
        ("application/xml", "application/xml; charset=utf-8", |a, b, c| xml(a, b, c).into()),
        ("text/xml; charset=\"UTF-8\"", "text/xml; charset=utf-8", |a, b, c| xml(a, b, c).into()),
        ("text/xml; charset=utf-16", "text/xml; charset=utf-8", |a, b, c| utf16(&xml(a, b, c))),
        ("application/x-www-form-urlencoded", "application/json; charset=utf-8", |a, b, c| form(a, b, c).into()),
        ("application/x-www-form-urlencoded; charset=utf-8", "application/json; charset=utf-8", |a, b, c| {
            form(a, b, c).into()
        }),
        ("application/bson", "application/bson", bson),
    ];
    for (at, (content_type, answered, write)) in formats.into_iter().enumerate() {
        let (name, phone) = (format!("跑者-{at}"), format!("1390000001{at}"));
        let code = code(&app, &phone).await;
        let told = Call::new(&app, content_type, write(&name, &phone, &code)).send(&app).await;
        let account = account(&app, &phone).await;
        assert_eq!(
            (told.status, told.signed, told.content_type.as_str()),
            (200, Some(true), answered),
            "{content_type}"
        );
        let text = shown(&told).replace(&format!(": {account},"), ": ID,").replace(&format!(":{account},"), ":ID,");
        let text = text.replace(&format!("<memberid>{account}<"), "<memberid>ID<").replace(&name, "NAME");
        let kind = answered.split(';').next().unwrap();
        match kind.rsplit('/').next().unwrap() {
            "json" => {
                insta::allow_duplicates! { insta::assert_snapshot!(text, @r#"{"errcode":0,"errmsg":"注册成功","memberid":ID,"memberusername":"NAME","name":"NAME","bindingtoagent":"0","agentid":null,"agenttypecode":null,"agenttypename":null,"agentpassword":null,"agentkey":null,"agentname":null,"agentusername":null,"openid":null}"#); }
            }
            "xml" => {
                insta::allow_duplicates! { insta::assert_snapshot!(text, @r#"<PersonalLoginResult xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns="http://schemas.datacontract.org/2004/07/DigitalScience.DataTransfer.Tour.V5.Result.WebInterface"><agentid i:nil="true"/><agentkey i:nil="true"/><agentname i:nil="true"/><agentpassword i:nil="true"/><agenttypecode i:nil="true"/><agenttypename i:nil="true"/><agentusername i:nil="true"/><bindingtoagent>0</bindingtoagent><errcode>0</errcode><errmsg>注册成功</errmsg><memberid>ID</memberid><memberusername>NAME</memberusername><name>NAME</name><openid i:nil="true"/></PersonalLoginResult>"#); }
            }
            _ => {
                insta::assert_snapshot!(text, @r#"{ "errcode": 0, "errmsg": "注册成功", "memberid": ID, "memberusername": "NAME", "name": "NAME", "bindingtoagent": "0", "agentid": null, "agenttypecode": null, "agenttypename": null, "agentpassword": null, "agentkey": null, "agentname": null, "agentusername": null, "openid": null }"#)
            }
        }
    }
}

async fn account(app: &TestApp, phone: &str) -> i64 {
    let sql = "SELECT id FROM accounts WHERE mobile_key = $1";
    let key = app.context.vault.mobile_key(phone);
    crate::support::fixtures::row(&app.context.db, sql, matchday::args![key]).await.int("id").unwrap()
}

#[actix_web::test]
async fn every_format_is_answered_in_every_format() {
    let app = spawn_app(&[]).await;
    let bodies: [(&str, Vec<u8>); 4] = [
        (JSON, members("runner01", "13900000001", "000000").into()),
        ("text/xml", xml("runner01", "13900000001", "000000").into()),
        ("application/x-www-form-urlencoded", form("runner01", "13900000001", "000000").into()),
        ("application/bson", bson("runner01", "13900000001", "000000")),
    ];
    for (content_type, body) in &bodies {
        for accept in ["application/json", "text/json", "application/xml", "text/xml", "application/bson"] {
            let told = Call::new(&app, content_type, body.clone()).header("accept", accept).send(&app).await;
            let kind = told.content_type.split(';').next().unwrap();
            assert_eq!((told.status, told.signed, kind), (200, Some(true), accept), "{content_type}");
            match accept.rsplit('/').next().unwrap() {
                "json" => assert_eq!(told.json()["errcode"], 2),
                "xml" => assert!(told.text().contains("<errcode>2</errcode>")),
                _ => assert_eq!(Document::from_reader(&told.body[..]).unwrap().get_i32("errcode").unwrap(), 2),
            }
        }
    }
}

#[actix_web::test]
async fn a_reply_is_chosen_as_the_original_chooses() {
    let app = spawn_app(&[]).await;
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";
    for (headers, expected) in [
        (&[("accept", browser)][..], "application/xml; charset=utf-8"),
        (&[("accept", "image/png")], "application/json; charset=utf-8"),
        (&[("accept", "*/*")], "application/json; charset=utf-8"),
        (&[("accept", "text/*")], "text/json; charset=utf-8"),
        (&[("accept", "application/xml;q=0.3, application/bson;q=0.4")], "application/bson"),
        (&[("accept", "application/bson;q=0.3"), ("accept", "text/xml")], "text/xml; charset=utf-8"),
        (&[("x-requested-with", "XMLHttpRequest")], "application/json; charset=utf-8"),
        (&[("accept", "*/*"), ("x-requested-with", "XMLHttpRequest")], "application/json; charset=utf-8"),
        (&[("accept-charset", "utf-16")], "text/xml; charset=utf-16"),
    ] {
        let mut call = Call::new(&app, "text/xml", xml("runner01", "13900000001", "000000"));
        for (name, value) in headers {
            call = call.header(name, value);
        }
        let told = call.send(&app).await;
        assert_eq!((told.status, told.signed, told.content_type.as_str()), (200, Some(true), expected), "{headers:?}");
    }
    let told = Call::new(&app, JSON, "{}").header("accept-charset", "utf-16").send(&app).await;
    let (text, _, faulty) = encoding_rs::UTF_16LE.decode(&told.body);
    assert!(!faulty && text.starts_with("{\"Message\":\"The request is invalid.\""), "{text}");
}

#[actix_web::test]
async fn errors_come_in_every_format() {
    let app = spawn_app(&[]).await;
    let invalid = async |accept: &str| {
        let body = r#"{"username":"123456789012345678901","password":"","mobile":"138","verifycode":"1"}"#;
        let told = Call::new(&app, JSON, body).header("accept", accept).send(&app).await;
        assert_eq!((told.status, told.signed), (400, Some(true)));
        shown(&told)
    };
    insta::assert_snapshot!(invalid("application/json").await, @r#"{"Message":"The request is invalid.","ModelState":{"parm.username":["The field username must be a string or array type with a maximum length of '20'."],"parm.password":["The password field is required."]}}"#);
    insta::assert_snapshot!(invalid("text/xml").await, @"<Error><Message>The request is invalid.</Message><ModelState><parm.username>The field username must be a string or array type with a maximum length of &apos;20&apos;.</parm.username><parm.password>The password field is required.</parm.password></ModelState></Error>");
    insta::assert_snapshot!(invalid("application/bson").await, @r#"{ "Message": "The request is invalid.", "ModelState": { "parm.username": ["The field username must be a string or array type with a maximum length of '20'."], "parm.password": ["The password field is required."] } }"#);

    let plain = async |method: &'static str, path: &str, accept: &str| {
        let call = Call { method, path: path.to_owned(), ..Call::new(&app, JSON, "") };
        let told = Call { authorization: Some(None), ..call }.header("accept", accept).send(&app).await;
        let text = shown(&told).replace(&app.url, "URL");
        format!("{} {:?} {:?} {text}", told.status, told.challenge, told.allow)
    };
    for (accept, expected) in [
        (JSON, r#"401 Some("Hawk") None {"Message":"Authorization has been denied for this request."}"#),
        (
            "text/xml",
            r#"401 Some("Hawk") None <Error><Message>Authorization has been denied for this request.</Message></Error>"#,
        ),
        (
            "application/bson",
            r#"401 Some("Hawk") None { "Message": "Authorization has been denied for this request." }"#,
        ),
    ] {
        assert_eq!(plain("POST", PATH, accept).await, expected);
    }
    insta::assert_snapshot!(plain("GET", PATH, JSON).await, @r#"405 None Some("POST") {"Message":"The requested resource does not support http method 'GET'."}"#);
    insta::assert_snapshot!(plain("DELETE", "/API/WEBINTERFACE/PERSONAL/REGIST", "text/xml").await, @r#"405 None Some("POST") <Error><Message>The requested resource does not support http method &apos;DELETE&apos;.</Message></Error>"#);
    insta::assert_snapshot!(plain("POST", "/api/WebInterface/Personal/Login?x=<1>", JSON).await, @r#"404 None None {"Message":"No HTTP resource was found that matches the request URI 'URL/api/WebInterface/Personal/Login?x=%3C1%3E'.","MessageDetail":"No action was found on the controller 'Personal' that matches the name 'Login'."}"#);
    insta::assert_snapshot!(plain("GET", "/Api/webInterface/Other", "text/xml").await, @"404 None None <Error><Message>No HTTP resource was found that matches the request URI &apos;URL/Api/webInterface/Other&apos;.</Message><MessageDetail>No type was found that matches the controller named &apos;Other&apos;.</MessageDetail></Error>");
    insta::assert_snapshot!(plain("PUT", "/api/WebInterface", JSON).await, @r#"404 None None {"Message":"No HTTP resource was found that matches the request URI 'URL/api/WebInterface'.","MessageDetail":"No type was found that matches the controller named ''."}"#);
    assert!(plain("GET", "/api/WebInterfaces", JSON).await.starts_with("404 None None {\"type\""), "another dialect's");
}

#[actix_web::test]
async fn a_made_account_is_one_of_all_dialects() {
    let app = spawn_app(&[]).await;
    // The demo's first athlete has this phone.
    let told = register(&app, "Runner-1", "13800000001").await;
    assert_eq!(told.errcode(), 0);
    let id = told.json()["memberid"].as_i64().unwrap();
    let sql = "SELECT a.id, a.login_name, a.username, a.password_hash, a.password_kind, m.cn_name FROM accounts a \
               JOIN members m ON m.account_id = a.id WHERE a.mobile_key = $1";
    let key = app.context.vault.mobile_key("13800000001");
    let row = crate::support::fixtures::row(&app.context.db, sql, matchday::args![key]).await;
    assert_eq!(row.int("id").unwrap(), id);
    assert_eq!(
        (row.text("login_name").unwrap(), row.text("username").unwrap()),
        ("runner-1".into(), "Runner-1".into())
    );
    assert_eq!((row.int("password_kind").unwrap(), row.text("cn_name").unwrap()), (2, "林晓峰".into()));
    let hash = row.text("password_hash").unwrap();
    assert!(hash.starts_with("$argon2id$") && !hash.contains(&blob()), "{hash}");
    assert_eq!(app.context.passwords.verify(&blob(), Some(hash)).await, Ok(true));
}
