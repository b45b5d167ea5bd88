//! Calls that are refused: each with its code in its order, none changes anything, and no answer is an oracle.

use matchday::args;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{
    Keys, check, demo, encoded, keys, md5_hex, now, person, raw, refused, reg, reg_plain, stamped, with,
};
use super::on_both;
use crate::reg::digest::{changed, digest};
use crate::support::fixtures::execute;
use crate::support::{TestApp, spawn_app};

fn common(msg: &str) -> Value {
    refused("x050201", msg, "公共参数错误")
}

fn input(msg: &str) -> Value {
    refused("x010201", msg, "输入错误")
}

async fn send(app: &TestApp, form: &[(&'static str, String)]) -> Value {
    serde_json::from_str(&raw(app, Method::POST, "/api/reg/reg", "", Some(encoded(form))).await).unwrap()
}

fn without(form: &[(&'static str, String)], names: &[&str]) -> Vec<(&'static str, String)> {
    form.iter().filter(|(name, _)| !names.contains(name)).cloned().collect()
}

async fn set(app: &TestApp, sql: &'static str) {
    execute(&app.context.db, sql, args![]).await;
}

/// Each fault together with all later ones: the earlier is told.
#[actix_web::test]
async fn checks_are_made_in_their_order() {
    on_both(&[], async |app| {
        let good = demo().form(&stamped(&app, person("order")));
        let mut stranger = demo();
        (stranger.id, stranger.key) = (77, "f".repeat(32));
        let before = digest(&app.context.db).await;
        for (names, missing) in [
            (&["app_id", "app_key", "sign", "code"][..], "App ID"),
            (&["app_key", "sign", "code"], "App Key 通信密钥"),
            (&["sign", "code"], "签名"),
            (&["code"], "加密参数"),
        ] {
            let form = without(&stranger.form("{}"), names);
            assert_eq!(send(&app, &form).await, common(&format!("{missing} 是必需的")));
        }
        assert_eq!(send(&app, &stranger.form("{}")).await, refused("x050102", "应用不存在", "应用不存在"));
        assert_eq!(changed(&before, &digest(&app.context.db).await), Vec::<String>::new());

        let mut wrong_key = keys(1, &"f".repeat(32), "AbCdEfGhIjKlMnOp");
        set(&app, "UPDATE sso_apps SET status = 0, ip_allow = '10.9.*', ip_bad = '127.*', may_register = 0").await;
        let disabled = refused("x050402", "应用被禁用", "应用被禁用");
        assert_eq!(send(&app, &wrong_key.form("{}")).await, disabled);
        set(&app, "UPDATE sso_apps SET status = 1").await;
        let outside = refused("x050407", "IP 地址不在允许范围内", "IP 地址不在允许范围内");
        assert_eq!(send(&app, &wrong_key.form("{}")).await, outside);
        set(&app, "UPDATE sso_apps SET ip_allow = ''").await;
        let banned = refused("x050408", "IP 地址被禁止", "IP 地址被禁止");
        assert_eq!(send(&app, &wrong_key.form("{}")).await, banned);
        // Where there is a list of allowed addresses the other one is not looked at.
        set(&app, "UPDATE sso_apps SET ip_allow = '10.9.*\n127.0.0.*'").await;
        let wrong = common("App Key 通信密钥错误");
        assert_eq!(send(&app, &wrong_key.form("{}")).await, wrong);
        for key in [demo().key.to_uppercase(), demo().key[..31].to_owned(), format!("{} ", demo().key)] {
            wrong_key.key = key.clone();
            let mut form = demo().form("{}");
            form[1].1 = key;
            assert_eq!(send(&app, &form).await, wrong);
        }
        assert_eq!(send(&app, &unsigned(&demo())).await, refused("x050403", "签名错误", "签名错误"));
        assert_eq!(send(&app, &demo().form("not JSON")).await, common("时间戳是必需的"));
        assert_eq!(send(&app, &demo().form(r#"{"timestamp":"1"}"#)).await, common("时间戳超出允许范围"));
        let denied = refused("x050307", "应用没有注册权限", "应用没有注册权限");
        assert_eq!(reg(&app, &demo(), json!({"user_name": "not a name"})).await, denied);
        // Asking is allowed.
        assert_eq!(check(&app, &demo(), "chkname", json!({"user_name": "free"})).await["rcode"], "y010401");
        set(&app, "UPDATE sso_apps SET ip_allow = '', ip_bad = '', may_register = 1").await;
        assert_eq!(send(&app, &good).await["rcode"], "y010101", "after all this the first call is good");
    })
    .await;
}

fn unsigned(keys: &Keys) -> Vec<(&'static str, String)> {
    let mut form = keys.form("{}");
    form[3].1 = "0".repeat(32);
    form
}

#[actix_web::test]
async fn timestamps_are_good_in_their_window() {
    let app = spawn_app(&[]).await;
    for (offset, good) in [(-610, false), (-590, true), (0, true), (590, true), (610, false)] {
        let asked = json!({"user_name": "free", "timestamp": now(&app) + offset});
        let rcode = if good { "y010401" } else { "x050201" };
        assert_eq!(check(&app, &demo(), "chkname", asked).await["rcode"], rcode, "{offset}");
    }
    for bad in [json!(0), json!(-1), json!(null), json!(""), json!("soon"), json!([1]), json!(1.5), json!(true)] {
        let asked = check(&app, &demo(), "chkname", json!({"user_name": "free", "timestamp": bad})).await;
        assert_eq!(asked, common("时间戳是必需的"), "{bad}");
    }
    let far = json!({"user_name": "free", "timestamp": i64::MAX});
    assert_eq!(check(&app, &demo(), "chkname", far).await, common("时间戳超出允许范围"));
}

/// Whatever is wrong with a code or a sign, the answer is byte for byte the same.
#[actix_web::test]
async fn no_answer_tells_why_a_code_does_not_open() {
    let app = spawn_app(&[]).await;
    let keys = demo();
    let plain = stamped(&app, person("oracle"));
    let (code, sign) = (keys.encrypt(&plain), keys.sign(&plain));
    let mut block = [0_u8; 32];
    block[31] = 2;
    let bad_padding = keys.encrypt_blocks(&block);
    let sign_of_blocks = keys.sign(std::str::from_utf8(&block).unwrap());
    let cases = [
        (code.clone(), keys.sign("{}")),
        (code.clone(), sign.to_lowercase()),
        (code.clone(), sign[..31].to_owned()),
        (code.clone(), "x".to_owned()),
        (bad_padding.clone(), sign.clone()),
        // Even with a sign over the very blocks.
        (bad_padding, sign_of_blocks),
        (keys.encrypt_blocks(&[0; 16]), sign.clone()),
        (keys.encrypt_blocks(&[17; 16]), sign.clone()),
        (code[..code.len() - 4].to_owned(), sign.clone()),
        (format!("{code}AAAA"), sign.clone()),
        ("!".to_owned(), sign.clone()),
        ("AAAA".to_owned(), sign.clone()),
        ("你好".to_owned(), sign.clone()),
        (code.to_lowercase(), sign.clone()),
        // Another application's text.
        (Keys { key: "e10adc3949ba59abbe56e057f20f883e".to_owned(), ..demo() }.encrypt(&plain), sign.clone()),
    ];
    let before = digest(&app.context.db).await;
    let expected = r#"{"msg":"签名错误","detail":"签名错误","rcode":"x050403","rstatus":"x"}"#;
    for (code, sign) in cases {
        let form = [("app_id", "1".to_owned()), ("app_key", keys.key.clone()), ("code", code), ("sign", sign)];
        let text = raw(&app, Method::POST, "/index.php/api/reg/reg", "", Some(encoded(&form))).await;
        assert_eq!(text, expected, "{form:?}");
    }
    assert_eq!(changed(&before, &digest(&app.context.db).await), Vec::<String>::new());
    assert_eq!(reg_plain(&app, &keys, &plain).await["rcode"], "y010101", "the call itself was good");
}

#[actix_web::test]
async fn wrong_members_are_named_and_change_nothing() {
    let settings =
        [("sso.bad_names", "admin*,*root*"), ("sso.bad_mails", "*@spam.example"), ("limits.enabled", "false")];
    on_both(&settings, async |app| {
        let good = person("good");
        let long = "x".repeat(3_001);
        let nobody = "用户名是必需的";
        let letters = "用户名只能包含字母、数字、下划线和连字符";
        let hash = "密码必须是 32 位十六进制的 MD5";
        let cases = [
            (json!({"user_pass": md5_hex("x")}), nobody),
            (with(good.clone(), "user_name", ""), nobody),
            (with(good.clone(), "user_name", json!(null)), nobody),
            (with(good.clone(), "user_name", json!(["x"])), "user_name 必须是字符串"),
            (with(good.clone(), "user_name", true), "user_name 必须是字符串"),
            (with(good.clone(), "user_name", "a".repeat(31)), "用户名最多 30 个字符"),
            (with(good.clone(), "user_name", "a b"), letters),
            (with(good.clone(), "user_name", "跑者"), letters),
            (with(good.clone(), "user_name", "a'b"), letters),
            (with(good.clone(), "user_name", "a\0"), letters),
            (with(good.clone(), "user_name", "Administrator"), "用户名中含有非法内容"),
            (with(good.clone(), "user_name", "the-ROOT"), "用户名中含有非法内容"),
            (json!({"user_name": "good"}), "密码是必需的"),
            (with(good.clone(), "user_pass", "123456"), hash),
            (with(good.clone(), "user_pass", "g".repeat(32)), hash),
            (with(good.clone(), "user_pass", "a".repeat(33)), hash),
            (with(good.clone(), "user_mail", "nobody"), "邮箱格式不正确"),
            (with(good.clone(), "user_mail", "a@b"), "邮箱格式不正确"),
            (with(good.clone(), "user_mail", "a@[127.0.0.1]"), "邮箱格式不正确"),
            (with(good.clone(), "user_mail", "a b@example.org"), "邮箱格式不正确"),
            (with(good.clone(), "user_mail", "a@example.org\r\nBcc: x@y.org"), "邮箱格式不正确"),
            (with(good.clone(), "user_mail", "a@b.org, c@d.org"), "邮箱格式不正确"),
            (with(good.clone(), "user_mail", format!("{}@example.org", "a".repeat(300))), "邮箱格式不正确"),
            (with(good.clone(), "user_mail", "a@SPAM.example"), "邮箱中含有非法内容"),
            (with(good.clone(), "user_nick", "跑".repeat(31)), "昵称最多 30 个字符"),
            (with(good.clone(), "user_nick", "a\u{202e}b"), "昵称不能包含不可见字符或控制字符 U+202E"),
            (with(good.clone(), "user_contact", long.as_str()), "联系方式最多 3000 个字符"),
            (with(good.clone(), "user_contact", json!({"k": long})), "联系方式最多 3000 个字符"),
            (with(good.clone(), "user_extend", long.as_str()), "扩展字段最多 3000 个字符"),
            (with(good.clone(), "user_extend", false), "user_extend 必须是字符串"),
            (with(good.clone(), "user_ip", "10.0.0.256"), "IP 地址格式不正确"),
        ];
        let before = digest(&app.context.db).await;
        for (members, msg) in cases {
            assert_eq!(reg(&app, &demo(), members.clone()).await, input(msg), "{members}");
        }
        for (act, members, msg) in [
            ("chkname", json!({}), nobody),
            ("chkname", json!({"user_name": "a b"}), letters),
            ("chkname", json!({"user_name": "admin7"}), "用户名中含有非法内容"),
            ("chkmail", json!({"user_name": "x"}), "邮箱是必需的"),
            ("chkmail", json!({"user_mail": "x"}), "邮箱格式不正确"),
            ("chkmail", json!({"user_mail": "x@spam.example"}), "邮箱中含有非法内容"),
        ] {
            assert_eq!(check(&app, &demo(), act, members).await, input(msg));
        }
        assert_eq!(changed(&before, &digest(&app.context.db).await), Vec::<String>::new());
    })
    .await;
}

#[actix_web::test]
async fn settings_close_registration_and_choose_mails() {
    let app = spawn_app(&[("sso.registration", "false")]).await;
    assert_eq!(reg(&app, &demo(), person("x")).await, refused("x050316", "系统不允许注册", "系统不允许注册"));
    assert_eq!(check(&app, &demo(), "chkname", json!({"user_name": "x"})).await["rcode"], "y010401");
    let settings =
        [("sso.need_mail", "true"), ("sso.allowed_mails", "*@run.example,me@*"), ("sso.bad_mails", "*@run.example")];
    let app = spawn_app(&settings).await;
    assert_eq!(reg(&app, &demo(), person("x")).await, input("邮箱是必需的"));
    let mail = |mail: &str| with(person("x"), "user_mail", mail);
    assert_eq!(reg(&app, &demo(), mail("a@run.example.org")).await, input("邮箱不被允许"));
    // The list of what is allowed is before the other one.
    assert_eq!(reg(&app, &demo(), mail("a@RUN.example")).await["rcode"], "y010101");
}

#[actix_web::test]
async fn what_is_no_call_is_refused_in_the_dialect() {
    let app = spawn_app(&[]).await;
    let before = digest(&app.context.db).await;
    let form = encoded(&demo().form(&stamped(&app, person("verb"))));
    for path in ["/index.php/api/reg/reg", "/api/reg/reg/"] {
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
            let text = raw(&app, method, path, &form, None).await;
            assert_eq!(text, r#"{"msg":"Access denied","detail":"","rcode":"","rstatus":""}"#);
        }
    }
    let text = raw(&app, Method::PUT, "/api/reg/chkname", &form, None).await;
    assert!(text.starts_with(r#"{"msg":"Access denied""#), "{text}");
    for path in [
        "/index.php",
        "/index.php/",
        "/index.php/api/user/read",
        "/index.php/api/reg/login",
        "/api/reg/nothing",
        "/api/reg/reg/x",
    ] {
        for method in [Method::GET, Method::POST] {
            let text = raw(&app, method, path, &form, None).await;
            assert_eq!(text, r#"{"msg":"Not found","detail":"","rcode":"","rstatus":""}"#, "{path}");
        }
    }
    for (body, msg) in [
        ("a=".to_owned() + &"x".repeat(300 * 1024), "请求过大"),
        ("a=".to_owned() + &"x".repeat(1024 * 1024), "请求过大"),
        ("{\"app_id\":1}".to_owned(), "App ID 是必需的"),
        ("&&&=&=".to_owned(), "App ID 是必需的"),
        (String::new(), "App ID 是必需的"),
    ] {
        let text = raw(&app, Method::POST, "/index.php/api/reg/reg", "", Some(body)).await;
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["msg"], msg);
    }
    let noise = app.client.post(app.at("/api/reg/reg")).body(b"a=\xff\xfe".to_vec()).send().await.unwrap();
    assert_eq!(noise.json::<Value>().await.unwrap(), refused("", "请求参数无法解析", ""));
    // Deep JSON inside is no object with a timestamp.
    let deep = format!("{{\"timestamp\":{},\"x\":{}", now(&app), "[".repeat(20_000));
    assert_eq!(reg_plain(&app, &demo(), &deep).await, common("时间戳是必需的"));
    assert_eq!(changed(&before, &digest(&app.context.db).await), Vec::<String>::new());
}

#[actix_web::test]
async fn questions_are_limited_and_taken_names_count() {
    let app = spawn_app(&[("limits.enabled", "true"), ("sso.checks_per_minute", "3")]).await;
    assert_eq!(reg(&app, &demo(), person("known")).await["rcode"], "y010101");
    let before = digest(&app.context.db).await;
    assert_eq!(check(&app, &demo(), "chkname", json!({"user_name": "a"})).await["rcode"], "y010401");
    assert_eq!(check(&app, &demo(), "chkmail", json!({"user_mail": "a@b.org"})).await["rcode"], "y010401");
    let again = |later: i64| with(person("known"), "timestamp", now(&app) + later);
    assert_eq!(reg(&app, &demo(), again(10)).await["rcode"], "x010404");
    for act in ["chkname", "chkmail"] {
        let answer = check(&app, &demo(), act, json!({"user_name": "b", "user_mail": "b@b.org"})).await;
        assert!(answer["msg"].as_str().unwrap().starts_with("请求过于频繁，请 "), "{answer}");
        assert_eq!(answer["rcode"], "");
    }
    assert_eq!(reg(&app, &demo(), again(20)).await["rcode"], "");
    assert_eq!(changed(&before, &digest(&app.context.db).await), Vec::<String>::new());
    assert_eq!(reg(&app, &demo(), person("another")).await["rcode"], "y010101", "registering is not asking");
}
