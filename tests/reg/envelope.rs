//! What the dialect answers to anything that is not a good command.

use actors::error::{DomainError, Entity};
use matchday::api::cmd::codes;
use serde_json::{Value, json};

use super::client::{Registrant, command, players};
use crate::support::{TestApp, spawn_app};

async fn raw(app: &TestApp, path: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
    let answer = app.client.post(app.at(path)).body(body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[actix_web::test]
async fn unreadable_bodies_get_their_code_with_status_200() {
    let app = spawn_app(&[]).await;
    let deep = "[".repeat(200_000);
    let huge = format!(r#"{{"cmd":"RegQueryUserOrders","x":"{}"}}"#, "x".repeat(1 << 20));
    let cases: [(Vec<u8>, i64); 9] = [
        (b"".to_vec(), -1002),
        (b"{".to_vec(), -1002),
        (b"[1]".to_vec(), -1002),
        (b"{\"cmd\":\"\xff\"}".to_vec(), -1002),
        (deep.into_bytes(), -1002),
        (huge.into_bytes(), -1002),
        (b"{}".to_vec(), -1003),
        (b"{\"cmd\":7}".to_vec(), -1003),
        (b"{\"cmd\":\"RegDropTables\"}".to_vec(), -1004),
    ];
    for (body, code) in cases {
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        let (status, answer) = raw(&app, "/api/reg", body).await;
        assert_eq!((status, &answer["result"]), (200, &json!(code)), "{shown}: {answer}");
        assert!(!answer["msg"].as_str().unwrap().is_empty());
    }
    let unknown = command(&app, json!({"cmd": "x"})).await;
    assert_eq!(unknown["msg"], "无效cmd\nunknown cmd");
}

#[actix_web::test]
async fn every_command_wants_a_session_and_party_takes_its_own_only() {
    let app = spawn_app(&[]).await;
    let all = [
        ("RegGetQueueToken", -1),
        ("RegQueryQueueTokenState", -12),
        ("RegRegistration", -1),
        ("RegUpdate", -1),
        ("RegAskRefund", -1),
        ("RegQueryUserOrders", -1),
        ("RegQueryOrder", -1),
        ("RegSetGameLimitation", -1),
        ("RegSetAllGamesLimitation", -1),
        ("RegGetGameLimitationInfo", -1),
        ("RegGetAllGamesBalanceInfo", -1),
        ("QueryRegStateByCert", -1),
        ("RegQueryPartyRegState", -1),
    ];
    for (name, code) in all {
        let body = json!({"cmd": name}).to_string();
        assert_eq!(raw(&app, "/api/reg", body.clone()).await.1["result"], code, "{name}");
        let of_party = ["QueryRegStateByCert", "RegQueryPartyRegState"].contains(&name);
        let code = if of_party { code } else { -1004 };
        assert_eq!(raw(&app, "/api/party", body).await.1["result"], code, "{name}");
    }
    let banner = app.get("/api/reg").await;
    assert_eq!(banner.headers()["content-type"], "text/plain; charset=utf-8");
}

#[actix_web::test]
async fn session_is_needed_and_another_user_id_is_refused() {
    let app = spawn_app(&[]).await;
    let wish = json!({"cmd": "RegGetQueueToken", "game_id": "1", "user_id": "1", "players": players(&[1])});
    assert_eq!(command(&app, wish.clone()).await["result"], -1);
    for name in ["RegQueryUserOrders", "QueryRegStateByCert", "RegGetAllGamesBalanceInfo", "RegGetGameLimitationInfo"] {
        let answer = command(&app, json!({"cmd": name})).await;
        assert_eq!((&answer["result"], &answer["msg"]), (&json!(-1), &json!("无效session id")), "{name}");
    }
    let runner = Registrant::sign_in(&app, "runner").await;
    let mut foreign = wish.clone();
    foreign["user_id"] = json!("999999");
    assert_eq!(runner.send(foreign).await["result"], -11);
    let by_member = json!({"cmd": "RegQueryUserOrders", "token": runner.token});
    assert_eq!(command(&app, by_member).await["result"], 0, "the token as a member");
    let bearer = app.client.post(app.at("/api/reg")).bearer_auth(&runner.token);
    let answer: Value = bearer.json(&json!({"cmd": "RegQueryUserOrders"})).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["result"], 0, "the token as a bearer");
}

#[test]
fn code_table_is_as_published() {
    let facts = [
        DomainError::NotFound(Entity::Competition),
        DomainError::NotFound(Entity::Game),
        DomainError::NotFound(Entity::Order),
        DomainError::NotFound(Entity::Registration),
        DomainError::NotFound(Entity::Account),
        DomainError::NotFound(Entity::Route),
        DomainError::NotFound(Entity::Item),
        DomainError::Malformed("why".into()),
        DomainError::TooLarge,
        DomainError::field("cmd", "why"),
        DomainError::field("players", "why"),
        DomainError::Unauthenticated,
        DomainError::Forbidden,
        DomainError::NotOwner,
        DomainError::InvalidQueueToken,
        DomainError::MalformedOrderNo,
        DomainError::RegistrationNotOpen,
        DomainError::RegistrationOver,
        DomainError::ChangeOver,
        DomainError::RefundOver,
        DomainError::AlreadyRegistered { order_no: None },
        DomainError::RateLimited { retry_after_seconds: 1 },
        DomainError::BUSY,
        DomainError::Internal,
    ];
    let table: String = facts
        .iter()
        .map(|fact| (fact, codes::code(fact)))
        .map(|(fact, (code, text))| format!("{code:>6} {text}  {fact}\n"))
        .collect();
    insta::assert_snapshot!(table, @r#"
       -9 无效partyid，赛事不存在  Competition not found
      -10 无效比赛id，比赛不存在  Game not found
      -17 无效order_id  Order not found
      -16 无效reg_id  Registration not found
      -19 user_id不存在  Account not found
    -1004 无效cmd  Route not found
      -41 没有数据  Item not found
    -1002 json格式不正确  malformed request: why
    -1002 json格式不正确  request too large
    -1003 没有设置cmd参数  invalid cmd: why
      -13 无效数据  invalid players: why
       -1 无效session id  not signed in
      -11 用户无此权限  not allowed
      -11 用户无此权限  belongs to another account
      -12 无效token  invalid queue token
      -12 无效token  malformed order number
      -36 赛事已关闭  registration is not open yet
      -36 赛事已关闭  registration is over
      -36 赛事已关闭  too late to change a registration
      -14 退款超时  too late for a refund
       -2 用户已经注册  already registered
    -1000 服务器内部错误  too fast, retry in 1 s
    -1000 服务器内部错误  busy, retry in 1 s
    -1000 服务器内部错误  internal error
    "#);
}
