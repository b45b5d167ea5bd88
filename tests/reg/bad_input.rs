//! Bad input of every kind gets a clear code, and nothing in the database is changed by it.

use matchday::args;
use serde_json::{Value, json};

use super::client::{Registrant, player, players};
use super::digest::{changed, digest};
use crate::support::fixtures::{execute, game};
use crate::support::{TestApp, eventually, spawn_app};

/// What a member must be, and so what is wrong for it.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// A digit string or number that names a row.
    Id,
    /// A whole number.
    Number,
    Text,
    List,
}

impl Kind {
    /// Values that no member of this kind takes. Null is left out where it means "absent".
    fn wrong(self) -> Vec<Value> {
        let mut wrong = vec![json!({}), json!({"a": 1}), json!(true)];
        match self {
            Self::Id | Self::Number => wrong.extend([
                json!([]),
                json!("x"),
                json!("1.0"),
                json!("1e3"),
                json!("９"),
                json!("1\u{0}"),
                json!(1.5),
                json!(1e300),
                json!(u64::MAX),
                json!("9".repeat(40)),
                json!("9".repeat(100_000)),
            ]),
            Self::Text => wrong.extend([json!(7), json!([]), json!(["x"]), json!(1.5)]),
            Self::List => wrong.extend([json!(7), json!("x"), json!([]), json!([[]]), json!([7]), json!([null])]),
        }
        wrong
    }
}

/// A good command, who may send it, and its members: their names, kinds, and the code for a wrong one.
struct Case {
    command: Value,
    by_admin: bool,
    members: &'static [(&'static str, Kind, i64)],
}

const PLAYER: [(&str, Kind); 15] = [
    ("name", Kind::Text),
    ("certificate_type", Kind::Number),
    ("certificate_no", Kind::Text),
    ("mobile", Kind::Text),
    ("email", Kind::Text),
    ("country", Kind::Text),
    ("province", Kind::Text),
    ("address1", Kind::Text),
    ("zip", Kind::Text),
    ("gender", Kind::Number),
    ("birth_date", Kind::Text),
    ("emergency_contact_name", Kind::Text),
    ("emergency_contact_mobile", Kind::Text),
    ("t_shirt_size", Kind::Number),
    ("extra_info_json", Kind::Text),
];

fn cases(game: &str, order_no: &str, reg_id: &str) -> Vec<Case> {
    let by_user = |command, members| Case { command, by_admin: false, members };
    let by_admin = |command, members| Case { command, by_admin: true, members };
    vec![
        by_user(
            json!({"cmd": "RegGetQueueToken", "game_id": game, "players": players(&[91])}),
            &[("game_id", Kind::Id, -10), ("players", Kind::List, -13)],
        ),
        by_user(
            json!({"cmd": "RegRegistration", "game_id": game, "players": players(&[92])}),
            &[("game_id", Kind::Id, -10), ("players", Kind::List, -13)],
        ),
        by_user(json!({"cmd": "RegRegistration", "token": "x"}), &[("token", Kind::Text, -12)]),
        by_user(json!({"cmd": "RegQueryQueueTokenState", "token": "x"}), &[("token", Kind::Text, -12)]),
        by_user(json!({"cmd": "RegQueryOrder", "order_no": order_no}), &[("order_no", Kind::Text, -12)]),
        by_user(json!({"cmd": "RegAskRefund", "order_no": order_no}), &[("order_no", Kind::Text, -12)]),
        by_user(
            json!({"cmd": "RegQueryUserOrders", "page_no": 0, "page_size": 5}),
            &[("page_no", Kind::Number, -13), ("page_size", Kind::Number, -13)],
        ),
        by_user(
            json!({"cmd": "QueryRegStateByCert", "party_id": 1, "certificate_type": 1, "certificate_no": "E1"}),
            &[("party_id", Kind::Id, -9), ("certificate_type", Kind::Number, -13), ("certificate_no", Kind::Text, -13)],
        ),
        by_user(json!({"cmd": "RegQueryPartyRegState", "party_id": 1}), &[("party_id", Kind::Id, -9)]),
        by_user(
            json!({"cmd": "RegUpdate", "reg_id": reg_id, "city": "Xi'an"}),
            &[
                ("reg_id", Kind::Id, -16),
                ("name", Kind::Text, -13),
                ("gender", Kind::Number, -13),
                ("birth_date", Kind::Text, -13),
                ("t_shirt_size", Kind::Number, -13),
                ("extra_info_json", Kind::Text, -13),
            ],
        ),
        by_admin(
            json!({"cmd": "RegSetGameLimitation", "game_id": game, "limitation": 5, "balance": 1}),
            &[("game_id", Kind::Id, -10), ("limitation", Kind::Number, -13), ("balance", Kind::Number, -13)],
        ),
        by_admin(
            json!({"cmd": "RegSetAllGamesLimitation", "balances": [{"game_id": game, "limitation": 5}]}),
            &[("balances", Kind::List, -13)],
        ),
        by_admin(json!({"cmd": "RegGetGameLimitationInfo", "game_id": game}), &[("game_id", Kind::Id, -10)]),
    ]
}

/// A registrant, an administrator, and something that could be changed: a game with places and an order in it.
struct Scene<'a> {
    app: &'a TestApp,
    registrant: Registrant<'a>,
    admin: String,
    game: String,
    order_no: String,
    reg_id: String,
}

impl<'a> Scene<'a> {
    async fn new(app: &'a TestApp) -> Self {
        let game = game(&app.context.db, 50).await;
        execute(&app.context.db, "UPDATE game_queue SET state = 1 WHERE game_id = $1", args![game.0]).await;
        let registrant = Registrant::sign_in(app, "bad-input").await;
        let token = registrant.enqueue(game.0, players(&[90])).await["token"].as_str().unwrap().to_owned();
        let order_no = registrant.decided(&token).await["order_no"].as_str().unwrap().to_owned();
        let order = registrant.send(json!({"cmd": "RegQueryOrder", "order_no": order_no})).await;
        let reg_id = order["registrations"][0]["reg_id"].as_str().unwrap_or_else(|| panic!("{order}")).to_owned();
        let admin = app.admin_token().await;
        Self { app, registrant, admin, game: game.to_string(), order_no, reg_id }
    }

    async fn raw(&self, by_admin: bool, body: impl Into<reqwest::Body>) -> (u16, Value) {
        let request = self.app.client.post(self.app.at("/api/reg")).body(body);
        let request =
            if by_admin { request.bearer_auth(&self.admin) } else { request.header("token", &self.registrant.token) };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn refused(&self, by_admin: bool, command: &Value, code: i64) {
        let (status, answer) = self.raw(by_admin, command.to_string()).await;
        let shown: String = command.to_string().chars().take(300).collect();
        assert_eq!((status, answer["result"].as_i64()), (200, Some(code)), "{shown}: {answer}");
        assert!(answer["msg"].as_str().is_some_and(|msg| !msg.is_empty() && msg.len() < 400), "{shown}: {answer}");
    }
}

#[actix_web::test]
async fn members_of_the_wrong_type_are_refused_one_by_one() {
    let app = spawn_app(&[]).await;
    let scene = Scene::new(&app).await;
    let before = digest(&app.context.db).await;
    for case in cases(&scene.game, &scene.order_no, &scene.reg_id) {
        for (member, kind, code) in case.members {
            for value in kind.wrong() {
                let mut command = case.command.clone();
                command[*member] = value;
                scene.refused(case.by_admin, &command, *code).await;
            }
        }
    }
    for (field, kind) in PLAYER {
        for value in kind.wrong() {
            let mut wrong = player(93);
            wrong[field] = value;
            let command = json!({"cmd": "RegGetQueueToken", "game_id": scene.game, "players": [player(94), wrong]});
            scene.refused(false, &command, -13).await;
        }
    }
    assert_eq!(changed(&before, &digest(&app.context.db).await), Vec::<String>::new());
}

#[actix_web::test]
async fn texts_with_nul_or_too_long_and_too_many_players_are_refused() {
    let app = spawn_app(&[]).await;
    let scene = Scene::new(&app).await;
    let before = digest(&app.context.db).await;
    for (field, kind) in PLAYER {
        let long = "9".repeat(5_000);
        for text in ["1990-05-01\u{0}", "\u{0}", "a\u{7}b", long.as_str()] {
            if kind == Kind::Text && !(field == "extra_info_json" && text == long) {
                let mut wrong = player(95);
                wrong[field] = json!(text);
                // A blank optional text is none; a control character is no blank.
                let command = json!({"cmd": "RegGetQueueToken", "game_id": scene.game, "players": [wrong]});
                scene.refused(false, &command, -13).await;
            }
        }
    }
    let crowd = |count: usize| vec![json!({}); count];
    for count in [101, 100_000] {
        let command = json!({"cmd": "RegGetQueueToken", "game_id": scene.game, "players": crowd(count)});
        scene.refused(false, &command, -13).await;
    }
    let twice = json!({"cmd": "RegGetQueueToken", "game_id": scene.game, "players": [player(96), player(96)]});
    scene.refused(false, &twice, -13).await;
    for token in ["\u{0}", "AAAA\u{0}", &"A".repeat(43), &"票".repeat(43), &"A".repeat(100_000)] {
        scene.refused(false, &json!({"cmd": "RegQueryQueueTokenState", "token": token}), -12).await;
    }
    for order_no in ["\u{0}", "0", &"９".repeat(22), &"1".repeat(100_000)] {
        scene.refused(false, &json!({"cmd": "RegAskRefund", "order_no": order_no}), -12).await;
    }
    assert_eq!(changed(&before, &digest(&app.context.db).await), Vec::<String>::new());
}

#[actix_web::test]
async fn bodies_that_are_no_command_are_refused() {
    let app = spawn_app(&[]).await;
    let scene = Scene::new(&app).await;
    let before = digest(&app.context.db).await;
    let good = json!({"cmd": "RegGetQueueToken", "game_id": scene.game, "players": players(&[97])}).to_string();
    let inside = |text: &str| format!("{},{text}}}", good.strip_suffix('}').unwrap()).into_bytes();
    let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
    let mut not_utf8 = good.clone().into_bytes();
    not_utf8.extend_from_slice(b"\xff");
    let bodies: Vec<Vec<u8>> = vec![
        inside(&format!(r#""deep":{open}{close}"#)),
        inside(&format!(r#""deep":{}1{}"#, r#"{"a":"#.repeat(100_000), "}".repeat(100_000))),
        open.clone().into_bytes(),
        inside(r#""number":NaN"#),
        inside(r#""number":Infinity"#),
        inside(r#""number":1e400"#),
        inside(r#""number":01"#),
        inside(&format!(r#""game_id":"{}""#, scene.game)),
        inside(r#""cmd":"RegQueryUserOrders""#),
        inside(r#""text":"\ud800""#),
        inside("\"text\":\"\0\""),
        inside(&format!(r#""text":"{}""#, "x".repeat(1 << 20))),
        not_utf8,
        b"\xef\xbb\xbf\xef\xbb\xbf{}".to_vec(),
        b"{}\xef\xbb\xbf".to_vec(),
        vec![0; 1000],
        format!("{good}{good}").into_bytes(),
        good.as_bytes()[..good.len() - 1].to_vec(),
    ];
    for body in bodies {
        let shown = String::from_utf8_lossy(&body[body.len().saturating_sub(60)..]).into_owned();
        let (status, answer) = scene.raw(false, body).await;
        assert_eq!((status, answer["result"].as_i64()), (200, Some(-1002)), "{shown}: {answer}");
    }
    for method in [reqwest::Method::PUT, reqwest::Method::DELETE, reqwest::Method::PATCH] {
        let request = app.client.request(method.clone(), app.at("/api/reg")).header("token", &scene.registrant.token);
        let answer: Value = request.body(good.clone()).send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["result"], -1002, "{method}: {answer}");
    }
    assert_eq!(changed(&before, &digest(&app.context.db).await), Vec::<String>::new());
}

/// The comparison itself must see a change, wherever it is.
#[actix_web::test]
async fn a_good_command_changes_what_it_should() {
    let app = spawn_app(&[]).await;
    let scene = Scene::new(&app).await;
    let before = digest(&app.context.db).await;
    let command = json!({"cmd": "RegGetQueueToken", "game_id": scene.game, "players": players(&[98])});
    let (_, answer) = scene.raw(false, command.to_string()).await;
    assert_eq!(answer["result"], 0, "{answer}");
    eventually("the tables are changed", async || {
        let changed = changed(&before, &digest(&app.context.db).await);
        ["queue_tokens", "game_queue", "orders", "registrations"].iter().all(|table| changed.contains(&(*table).into()))
    })
    .await;
}
