//! Sign-in and the pages' tokens. A code `code:<openid>` works once.

use serde_json::{Value, json};

use super::{APP_ID, Reply, State};

pub const APP_SECRET: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";

pub(super) fn answer(state: &mut State, path: &str, query: &str) -> Reply {
    let query: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap();
    let given = |name: &str| query.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    let ours = given("appid") == APP_ID && given("secret") == APP_SECRET;
    let told = match path {
        "/sns/oauth2/access_token" if ours && given("grant_type") == "authorization_code" => {
            sign_in(state, given("code"))
        }
        "/sns/userinfo" => person(given("openid"), given("access_token")),
        "/cgi-bin/token" if ours && given("grant_type") == "client_credential" => {
            state.tokens += 1;
            json!({"access_token": format!("token {}", state.tokens), "expires_in": 7200})
        }
        "/cgi-bin/ticket/getticket" if given("type") == "jsapi" => {
            if given("access_token") == format!("token {}", state.tokens) {
                json!({"errcode": 0, "errmsg": "ok", "ticket": format!("ticket by {}", state.tokens), "expires_in": 7200})
            } else {
                json!({"errcode": 40001, "errmsg": "invalid credential"})
            }
        }
        _ => {
            state.forged += 1;
            json!({"errcode": 40013, "errmsg": "invalid appid"})
        }
    };
    Reply::new(200, told.to_string())
}

fn sign_in(state: &mut State, code: &str) -> Value {
    let Some(openid) = code.strip_prefix("code:") else {
        return json!({"errcode": 40029, "errmsg": "invalid code"});
    };
    let used = format!("used {code}");
    if state.calls.contains(&used) {
        return json!({"errcode": 40163, "errmsg": "code been used"});
    }
    state.calls.push(used);
    json!({"access_token": format!("of {openid}"), "expires_in": 7200, "refresh_token": "r", "openid": openid, "scope": "snsapi_userinfo"})
}

fn person(openid: &str, token: &str) -> Value {
    if token != format!("of {openid}") {
        return json!({"errcode": 40001, "errmsg": "invalid credential"});
    }
    json!({"openid": openid, "nickname": "老王\u{7}", "sex": 1, "province": "广东", "city": "深圳", "country": "中国",
           "headimgurl": "https://thirdwx.qlogo.cn/a/132", "privilege": []})
}
