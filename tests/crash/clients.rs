//! The load: people who queue, poll, pay and chat, and who repeat what was not answered, as real clients do. Whatever
//! is acknowledged goes into the shared ledger.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::ledger::{Ledger, LinePromise, TokenPromise};
use super::server::PAYMENT_WINDOW_SECONDS;
use crate::regist::client::Call;
use crate::support::PATIENCE;

/// Unanswered requests are repeated after this; the server may be dead.
pub const RETRY: Duration = Duration::from_millis(20);
/// Result of the command dialect that says "nothing was taken, come again".
const BUSY: i64 = -1000;
/// Who pays late waits this much longer than the payment window, so that the order is over.
const TOO_LATE: Duration = Duration::from_millis(2 * PAYMENT_WINDOW_SECONDS * 1000);
/// Longer than any answer takes; a socket that lost its server ends at once.
const ANSWER: Duration = Duration::from_secs(5);

/// What all clients share; they run on one thread.
pub struct Shared {
    pub url: String,
    pub ws_url: String,
    pub http: reqwest::Client,
    pub ledger: RefCell<Ledger>,
    /// The key of the site's credential, and the last call of it that was taken.
    pub session_key: String,
    pub taken: RefCell<Option<Call>>,
    /// No new requests; those under way are brought to their end.
    pub finishing: Cell<bool>,
}

impl Shared {
    /// Posts until there is an answer that is not "busy".
    async fn post(&self, path: &str, session: &str, body: &Value) -> Value {
        let started = Instant::now();
        loop {
            let request = self.http.post(format!("{}{path}", self.url)).header("token", session).json(body);
            if let Ok(answer) = request.send().await
                && !answer.status().is_server_error()
                && let Ok(answer) = answer.json::<Value>().await
                && answer["result"] != BUSY
            {
                return answer;
            }
            assert!(started.elapsed() < PATIENCE, "{path} was never answered");
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn sign_in(&self, name: &str) -> String {
        let body = json!({"code": format!("sandbox:{name}")});
        let answer = self.post("/api/v1/token/user", "", &body).await;
        answer["token"].as_str().unwrap_or_else(|| panic!("no session: {answer}")).to_owned()
    }

    async fn command(&self, session: &str, body: Value) -> Value {
        self.post("/api/reg", session, &body).await
    }

    async fn leave(&self, token: &str, index: usize) {
        let standing = self.post(&format!("/api/queue/{token}/leave"), "", &json!({})).await;
        let (state, order_no) = (standing["queue_state"].as_i64(), standing["order_no"].as_str().unwrap_or_default());
        let mut ledger = self.ledger.borrow_mut();
        match state {
            Some(state) if state != 0 => ledger.told(index, state, order_no, 0),
            _ => ledger.broken.push(format!("a token cannot be left: {standing}")),
        }
    }

    async fn give_back(&self, session: &str, order_no: String) {
        let answer = self.command(session, json!({"cmd": "RegAskRefund", "order_no": order_no})).await;
        let mut ledger = self.ledger.borrow_mut();
        if answer["result"] == 0 {
            ledger.given_back.insert(order_no);
        } else {
            ledger.broken.push(format!("order {order_no} cannot be given back: {answer}"));
        }
    }

    /// Gives the first registration of an order back; the order keeps the other.
    async fn give_one_back(&self, session: &str, order_no: String) {
        let order = self.command(session, json!({"cmd": "RegQueryOrder", "order_no": order_no})).await;
        let registration = &order["registrations"][0]["reg_id"];
        let asked = json!({"cmd": "RegAskRefund", "order_no": order_no, "reg_id": registration});
        let answer = self.command(session, asked).await;
        let mut ledger = self.ledger.borrow_mut();
        if answer["result"] == 0 {
            ledger.halved.insert(order_no);
        } else {
            ledger.broken.push(format!("a registration of order {order_no} cannot be given back: {answer}"));
        }
    }

    /// Opens the payment dialogue, and nothing more.
    async fn register_payment(&self, session: &str, order_no: &str) {
        let answer = self.post("/api/v1/pay/pre_order", session, &json!({"order_no": order_no})).await;
        if answer["package"].is_string() {
            self.ledger.borrow_mut().registered.insert(order_no.to_owned());
        }
    }

    async fn pay(&self, session: &str, order_no: String) {
        let answer = self.post(&format!("/sandbox/pay/{order_no}"), session, &json!({})).await;
        let mut ledger = self.ledger.borrow_mut();
        if answer["transaction_id"].is_string() {
            ledger.paid.insert(order_no);
        } else {
            ledger.broken.push(format!("order {order_no} cannot be paid: {answer}"));
        }
    }
}

fn player(account: i64, number: i64) -> Value {
    json!({
        "name": format!("Runner {account} {number}"), "certificate_type": 1,
        "certificate_no": format!("C{account:03}N{number:06}"), "mobile": "13900000000", "email": "runner@example.org",
        "country": "China", "gender": 1 + number % 2, "birth_date": "1990-05-17",
        "emergency_contact_name": "Contact", "emergency_contact_mobile": "13800000000"
    })
}

/// What a client means to do with its order.
enum Plan {
    PayAtOnce,
    /// Open the payment dialogue, and leave it at that.
    Hesitate,
    /// Pay when the order is over: it comes to life again, or the money goes back.
    PayLate,
    /// Let the order pass, register the same player again, pay that order, and then the first one: it must go back.
    RegisterAgain,
    Never,
    /// Pay at once, and then ask for the money back.
    PayAndAskBack,
    /// Pay for two at once, and give one of them back.
    PayAndGiveOneBack,
    /// Cancel the order.
    Cancel,
    /// Leave the line, if there is still time.
    Leave,
    /// Pay at once, and then this older order.
    PayBoth(String),
}

/// A token that is not decided yet.
struct Open {
    index: usize,
    game: i64,
    players: Value,
    plan: Plan,
}

/// An order that is dealt with when it is over.
struct Late {
    due: Instant,
    order_no: String,
    /// The token that it came from, its game and players, if they are to register again.
    again: Option<(String, i64, Value)>,
}

/// Queues for the games in turn, asks for the outcomes and pays, some in time and some too late.
pub async fn register(shared: Rc<Shared>, account: i64) {
    let session = shared.sign_in(&format!("crash-{account}")).await;
    let (mut open, mut late) = (Vec::new(), Vec::new());
    let mut number = 0;
    loop {
        if !shared.finishing.get() {
            number += 1;
            let game = [1, 1, 1, 3, 1, 1, 1, 2][usize::try_from(number % 8).unwrap()];
            let mut people = vec![player(account, number)];
            if game == 1 && number % 5 == 0 {
                people.push(player(account, 500_000 + number));
            }
            open.extend(queue(&shared, &session, account, game, json!(people)).await);
        } else if open.is_empty() && late.is_empty() {
            return;
        } else {
            // Nothing else to do than to wait for the line.
            tokio::time::sleep(RETRY).await;
        }
        for token in std::mem::take(&mut open) {
            if let Some(undecided) = poll(&shared, &session, token, &mut late).await {
                open.push(undecided);
            }
        }
        for order in std::mem::take(&mut late) {
            if Instant::now() < order.due {
                late.push(order);
            } else if let Some((token, game, player)) = order.again {
                match queue(&shared, &session, account, game, player.clone()).await {
                    // Its order lives still: everything as before.
                    Some(same) if shared.ledger.borrow().tokens[same.index].token == token => {
                        let due = Instant::now() + RETRY;
                        late.push(Late { due, order_no: order.order_no, again: Some((token, game, player)) });
                    }
                    Some(another) => open.push(Open { plan: Plan::PayBoth(order.order_no), ..another }),
                    None => shared.pay(&session, order.order_no).await,
                }
            } else {
                shared.pay(&session, order.order_no).await;
            }
        }
    }
}

/// Asks for a place. `None`: the game is full.
async fn queue(shared: &Shared, session: &str, account: i64, game: i64, players: Value) -> Option<Open> {
    let body = json!({"cmd": "RegGetQueueToken", "game_id": game.to_string(), "players": players});
    let answer = shared.command(session, body).await;
    assert_eq!(answer["result"], 0, "{answer}");
    let token = answer["token"].as_str().filter(|token| !token.is_empty())?.to_owned();
    let place = answer["count"].as_i64().unwrap();
    let mut ledger = shared.ledger.borrow_mut();
    let known = ledger.tokens.iter().rposition(|promise| promise.account == account && promise.token == token);
    let index = known.unwrap_or_else(|| {
        let place = if answer["queue_state"] == 0 { place } else { i64::MAX };
        ledger.tokens.push(TokenPromise { token, game, account, place, outcome: None });
        ledger.tokens.len() - 1
    });
    // Nobody keeps a place of the smallest game, so that its wait-list always moves.
    let is_pair = players.as_array().is_some_and(|players| players.len() == 2);
    let plan = match if game == 2 { [2, 3, 4, 9][index % 4] } else { index % 12 } {
        _ if is_pair => Plan::PayAndGiveOneBack,
        0 => Plan::PayLate,
        1 | 5 => Plan::RegisterAgain,
        2 => Plan::Never,
        6 | 10 => Plan::Hesitate,
        3 => Plan::Leave,
        4 | 8 => Plan::PayAndAskBack,
        9 => Plan::Cancel,
        _ => Plan::PayAtOnce,
    };
    Some(Open { index, game, players, plan })
}

/// One poll of a token; answers it if it still waits. Else its order is paid, or will be.
async fn poll(shared: &Shared, session: &str, open: Open, late: &mut Vec<Late>) -> Option<Open> {
    let token = shared.ledger.borrow().tokens[open.index].token.clone();
    let answer = shared.command(session, json!({"cmd": "RegQueryQueueTokenState", "token": &token})).await;
    if answer["result"] != 0 {
        shared.ledger.borrow_mut().broken.push(format!("an acknowledged token is unknown: {answer}"));
        return None;
    }
    let state = answer["queue_state"].as_i64().unwrap();
    let order_no = answer["order_no"].as_str().unwrap_or_default().to_owned();
    shared.ledger.borrow_mut().told(open.index, state, &order_no, answer["count"].as_i64().unwrap_or(0));
    if state == 0 {
        if matches!(open.plan, Plan::Leave) {
            shared.leave(&token, open.index).await;
        }
        return Some(open);
    }
    let due = Instant::now() + TOO_LATE;
    match (state, open.plan) {
        (1, Plan::PayAtOnce) => shared.pay(session, order_no).await,
        (1, Plan::PayAndAskBack) => {
            shared.pay(session, order_no.clone()).await;
            shared.give_back(session, order_no).await;
        }
        (1, Plan::PayAndGiveOneBack) => {
            shared.pay(session, order_no.clone()).await;
            shared.give_one_back(session, order_no).await;
        }
        (1, Plan::Cancel) => shared.give_back(session, order_no).await,
        (1, Plan::Hesitate) => shared.register_payment(session, &order_no).await,
        (1, Plan::PayLate) => late.push(Late { due, order_no, again: None }),
        (1, Plan::RegisterAgain) => {
            late.push(Late { due, order_no, again: Some((token, open.game, open.players)) });
        }
        (1, Plan::PayBoth(older)) => {
            shared.pay(session, order_no).await;
            shared.pay(session, older).await;
        }
        (_, Plan::PayBoth(older)) => shared.pay(session, older).await,
        _ => {}
    }
    None
}

/// Polls every token once more: a decided one must be told as before.
pub async fn poll_all(shared: &Shared) {
    let count = shared.ledger.borrow().tokens.len();
    let session = shared.sign_in("crash-1").await;
    for index in 0..count {
        let token = shared.ledger.borrow().tokens[index].token.clone();
        let answer = shared.command(&session, json!({"cmd": "RegQueryQueueTokenState", "token": token})).await;
        let mut ledger = shared.ledger.borrow_mut();
        if answer["result"] != 0 {
            ledger.broken.push(format!("an acknowledged token is unknown after the last crash: {answer}"));
            continue;
        }
        let state = answer["queue_state"].as_i64().unwrap();
        let order_no = answer["order_no"].as_str().unwrap_or_default().to_owned();
        ledger.told(index, state, &order_no, answer["count"].as_i64().unwrap_or(0));
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Says lines one by one; each is said again under its own `client_id`, on a new socket, until it is echoed.
pub async fn chat(shared: Rc<Shared>, account: i64) {
    let session = shared.sign_in(&format!("crash-chat-{account}")).await;
    let mut socket: Option<Socket> = None;
    let mut number = 0;
    while !shared.finishing.get() {
        number += 1;
        let content = format!("line-{account}-{number}");
        let started = Instant::now();
        let offset = loop {
            if let Some(open) = &mut socket
                && let Some(offset) = say(open, &session, &content).await
            {
                break offset;
            }
            assert!(started.elapsed() < PATIENCE, "{content} was never echoed");
            tokio::time::sleep(RETRY).await;
            socket = open(&shared, &session).await;
        };
        shared.ledger.borrow_mut().lines.push(LinePromise { content, offset });
    }
}

async fn open(shared: &Shared, session: &str) -> Option<Socket> {
    let (mut socket, _) = tokio_tungstenite::connect_async(&shared.ws_url).await.ok()?;
    let login = json!({"type": "LOGIN", "room_id": "1", "token": session});
    socket.send(Message::text(login.to_string())).await.ok()?;
    Some(socket)
}

/// The offset of the line's echo; `None` when the socket ends before it.
async fn say(socket: &mut Socket, session: &str, content: &str) -> Option<i64> {
    let line = json!({"type": "SEND_ALL", "room_id": "1", "content": content, "client_id": content, "token": session});
    socket.send(Message::text(line.to_string())).await.ok()?;
    let echo = async {
        while let Some(Ok(message)) = socket.next().await {
            let Ok(Ok(frame)) = message.to_text().map(serde_json::from_str::<Value>) else {
                continue;
            };
            if frame["client_id"] == content && frame["myself"] == true {
                return frame["offset"].as_i64();
            }
        }
        None
    };
    tokio::time::timeout(ANSWER, echo).await.ok().flatten()
}
