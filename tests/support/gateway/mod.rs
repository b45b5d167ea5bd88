//! WeChat played by us, on a port of its own: payment as v2 (by either signature) and v3, sign-in and the pages' tokens.
//! It checks the signature of everything it is asked, keeps what was paid, and misbehaves as a test wants: answers lost
//! after the work was done, 500, a wrong signature, amount or merchant, garbage; and notices that are told twice, in
//! another order, or never.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use actix_web::body::SizedStream;
use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use actors::domain::order::OrderNo;
use matchday::clients::wechat::sign::SignType;
use serde_json::Value;

use super::TestApp;

pub mod open_api;
mod v2;
mod v3;

pub const APP_ID: &str = "wxd930ea5d5a258f4f";
pub const MCH_ID: &str = "1900000109";
pub const API_KEY: &str = "192006250b4c09247ec02edce69f6a2d";
pub const API_V3_KEY: &str = "0123456789abcdef0123456789abcdef";
const SERIAL: &str = "5F3B7D0A";
const MERCHANT_KEY: &str = include_str!("../wechat_keys/merchant.key.pem");
const MERCHANT_CERTIFICATE: &str = include_str!("../wechat_keys/merchant.cert.pem");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Signed by MD5.
    V2,
    V2HmacSha256,
    V3,
}

/// What goes wrong with an answer or a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Play {
    Good,
    /// The work is done, and its answer never arrives.
    AnswerLost,
    Fault,
    WrongSignature,
    WrongAmount,
    WrongMerchant,
    Garbage,
    /// The payer pays just before it is asked.
    PaidMeanwhile,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TradeState {
    NotPaid,
    Paid,
    Closed,
}

#[derive(Debug, Clone)]
pub struct Trade {
    pub total: i64,
    pub openid: String,
    pub prepay_id: String,
    pub notify_url: String,
    pub state: TradeState,
    pub transaction: String,
}

#[derive(Debug, Clone)]
pub struct Refunded {
    pub transaction: String,
    pub amount: i64,
    pub notify_url: String,
    pub done: bool,
}

#[derive(Default)]
pub struct State {
    pub trades: HashMap<String, Trade>,
    pub refunds: HashMap<String, Refunded>,
    /// What is asked for next at a path that holds the text goes wrong so often.
    plays: Vec<(&'static str, Play, usize)>,
    calls: Vec<String>,
    forged: usize,
    hmac_sha256: bool,
    /// Refunds are done at once; else they wait for `finish_refunds`.
    pub slow_refunds: bool,
    /// Which of the two platform keys signs, 1 or 2, and which of them are listed.
    pub signing: usize,
    pub listed: Vec<usize>,
    pub bill: String,
    /// Access tokens handed out; the last one is good.
    pub tokens: usize,
}

#[derive(Clone)]
pub struct Gateway {
    pub url: String,
    version: Version,
    state: Arc<Mutex<State>>,
}

impl Drop for Stop {
    fn drop(&mut self) {
        // Not waited for: the port is the test's own.
        drop(self.0.stop(false));
    }
}

/// Ends the gateway with the test.
pub struct Stop(ServerHandle);

struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Reply {
    fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }
}

pub fn start(version: Version) -> (Gateway, Stop) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let state = Arc::new(Mutex::new(State {
        signing: 1,
        listed: vec![1],
        hmac_sha256: version == Version::V2HmacSha256,
        ..State::default()
    }));
    let kept = state.clone();
    std::thread::spawn(move || {
        actix_rt::System::new().block_on(async move {
            let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("http://{}", socket.local_addr().unwrap());
            let shared = Data::new((version, state, url.clone()));
            let server = HttpServer::new(move || App::new().app_data(shared.clone()).default_service(web::to(serve)))
                .workers(1)
                .disable_signals()
                .listen(socket)
                .unwrap()
                .run();
            sender.send((url, server.handle())).unwrap();
            server.await.unwrap();
        });
    });
    let (url, server) = receiver.recv().unwrap();
    (Gateway { url, version, state: kept }, Stop(server))
}

type Shared = Data<(Version, Arc<Mutex<State>>, String)>;

async fn serve(shared: Shared, request: HttpRequest, body: Bytes) -> HttpResponse {
    let (version, state, url) = shared.get_ref();
    let path = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let mut state = state.lock().unwrap();
    // As the real one does.
    if !request.headers().contains_key("user-agent") {
        state.forged += 1;
        return HttpResponse::BadRequest().body("{\"code\":\"INVALID_REQUEST\"}");
    }
    state.calls.push(request.path().to_owned());
    let play = state.take_play(&path);
    if play == Play::PaidMeanwhile {
        state.trades.values_mut().for_each(|trade| trade.state = TradeState::Paid);
    }
    if play == Play::Fault {
        return HttpResponse::InternalServerError().body("{\"code\":\"SYSTEM_ERROR\"}");
    }
    let reply = match (version, request.path()) {
        (_, path) if path.starts_with("/sns/") || path.starts_with("/cgi-bin/") => {
            open_api::answer(&mut state, path, request.query_string())
        }
        (Version::V2 | Version::V2HmacSha256, _) => v2::answer(&mut state, request.path(), &body, play),
        (Version::V3, _) => v3::answer(&mut state, &request, &path, &body, play, url),
    };
    if play == Play::AnswerLost {
        let broken = futures_util::stream::iter([Err::<Bytes, _>(std::io::Error::other("lost"))]);
        return HttpResponse::Ok().body(SizedStream::new(1_000, broken));
    }
    let body = if play == Play::Garbage { b"<html>bad gateway".to_vec() } else { reply.body };
    let mut response = HttpResponse::build(StatusCode::from_u16(reply.status).unwrap());
    for (name, value) in reply.headers {
        response.insert_header((name, value));
    }
    response.body(body)
}

impl State {
    fn sign_type(&self) -> SignType {
        if self.hmac_sha256 { SignType::HmacSha256 } else { SignType::Md5 }
    }

    /// Codes that were used work once more.
    pub fn forget_codes(&mut self) {
        self.calls.retain(|call| !call.starts_with("used "));
    }

    fn take_play(&mut self, path: &str) -> Play {
        let Some(at) = self.plays.iter().position(|(part, _, times)| *times > 0 && path.contains(part)) else {
            return Play::Good;
        };
        self.plays[at].2 -= 1;
        self.plays[at].1
    }

    fn register(&mut self, order_no: &str, total: i64, openid: &str, notify_url: &str) -> Result<String, &'static str> {
        match self.trades.get(order_no) {
            Some(trade) if trade.state == TradeState::Paid => Err("ORDERPAID"),
            Some(trade) if trade.state == TradeState::Closed => Err("ORDERCLOSED"),
            Some(trade) if trade.total != total => Err("OUT_TRADE_NO_USED"),
            Some(trade) => Ok(trade.prepay_id.clone()),
            None => {
                let prepay_id = format!("wx{}", hex::encode(rand::random::<[u8; 17]>()));
                let trade = Trade {
                    total,
                    openid: openid.to_owned(),
                    prepay_id: prepay_id.clone(),
                    notify_url: notify_url.to_owned(),
                    state: TradeState::NotPaid,
                    transaction: format!("4200{}", hex::encode(rand::random::<[u8; 12]>())),
                };
                self.trades.insert(order_no.to_owned(), trade);
                Ok(prepay_id)
            }
        }
    }

    fn close(&mut self, order_no: &str) -> Result<(), &'static str> {
        match self.trades.get_mut(order_no) {
            None => Err("ORDERNOTEXIST"),
            Some(trade) if trade.state == TradeState::Paid => Err("ORDERPAID"),
            Some(trade) => {
                trade.state = TradeState::Closed;
                Ok(())
            }
        }
    }

    /// The same number again is the same refund; several of one transaction are at most its total.
    fn refund(
        &mut self,
        number: &str,
        transaction: &str,
        (amount, total): (i64, i64),
        notify_url: &str,
    ) -> Result<bool, &'static str> {
        let paid = self
            .trades
            .values()
            .any(|it| it.transaction == transaction && it.state == TradeState::Paid && it.total == total);
        let of_it = |(known, it): &(&String, &Refunded)| *known != number && it.transaction == transaction;
        let others: i64 = self.refunds.iter().filter(of_it).map(|(_, it)| it.amount).sum();
        let changed = self.refunds.get(number).is_some_and(|it| it.amount != amount || it.transaction != transaction);
        if !paid || changed || amount < 1 || others + amount > total {
            return Err("REFUND_FEE_MISMATCH");
        }
        let done = !self.slow_refunds;
        let refund = self.refunds.entry(number.to_owned()).or_insert_with(|| Refunded {
            transaction: transaction.to_owned(),
            amount,
            notify_url: notify_url.to_owned(),
            done,
        });
        Ok(refund.done)
    }
}

impl Gateway {
    /// The settings that lead a server here; sign-in stays the sandbox's.
    pub fn settings(&self) -> Vec<(&'static str, &str)> {
        let mut settings = vec![
            ("pay.base_url", self.url.as_str()),
            ("pay.mch_id", MCH_ID),
            ("pay.private_key", MERCHANT_KEY),
            ("wechat.app_id", APP_ID),
            ("server.public_url", "http://matchday.test"),
        ];
        settings.extend(match self.version {
            Version::V2 | Version::V2HmacSha256 => vec![
                ("pay.provider", "v2"),
                ("pay.sign_type", if self.version == Version::V2 { "MD5" } else { "HMAC-SHA256" }),
                ("pay.api_key", API_KEY),
                ("pay.certificate", MERCHANT_CERTIFICATE),
            ],
            Version::V3 => {
                vec![("pay.provider", "v3"), ("pay.api_v3_key", API_V3_KEY), ("pay.certificate_serial", SERIAL)]
            }
        });
        settings
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The next `times` requests whose path holds `part` go wrong.
    pub fn play(&self, part: &'static str, play: Play, times: usize) {
        self.state().plays.push((part, play, times));
    }

    /// Everything goes right again.
    pub fn behave(&self) {
        self.state().plays.clear();
    }

    /// Requests so far whose path holds `part`.
    pub fn calls(&self, part: &str) -> usize {
        self.state().calls.iter().filter(|path| path.contains(part)).count()
    }

    /// Requests that were not signed as they must be.
    pub fn forged(&self) -> usize {
        self.state().forged
    }

    pub fn trade(&self, order_no: &OrderNo) -> Trade {
        self.state().trades[order_no.as_str()].clone()
    }

    /// The payer pays; nobody is told. Answers the transaction.
    pub fn pay(&self, order_no: &OrderNo) -> String {
        let mut state = self.state();
        let trade = state.trades.get_mut(order_no.as_str()).unwrap();
        assert_eq!(trade.state, TradeState::NotPaid, "the provider takes no payment for it");
        trade.state = TradeState::Paid;
        trade.transaction.clone()
    }

    /// Tells a payment to the address that was named for it. Answers whether that was acknowledged.
    pub async fn tell(&self, app: &TestApp, order_no: &OrderNo, play: Play) -> bool {
        let trade = self.trade(order_no);
        let (headers, body) = match self.version {
            Version::V2 | Version::V2HmacSha256 => {
                let kind = self.state().sign_type();
                (Vec::new(), v2::notice(kind, order_no.as_str(), &trade, play))
            }
            Version::V3 => v3::notice(&self.state(), order_no.as_str(), &trade, play),
        };
        self.send(app, &trade.notify_url, headers, body).await
    }

    /// The money of all refunds arrives; their notices are sent. Answers how many were acknowledged.
    pub async fn finish_refunds(&self, app: &TestApp) -> usize {
        let refunds: Vec<(String, Refunded)> = {
            let mut state = self.state();
            state.refunds.values_mut().for_each(|refund| refund.done = true);
            state.refunds.iter().map(|(number, refund)| (number.clone(), refund.clone())).collect()
        };
        let mut taken = 0;
        for (number, refund) in refunds {
            let (headers, body) = match self.version {
                Version::V2 | Version::V2HmacSha256 => (Vec::new(), v2::refund_notice(&number, &refund)),
                Version::V3 => v3::refund_notice(&self.state(), &number, &refund),
            };
            taken += usize::from(self.send(app, &refund.notify_url, headers, body).await);
        }
        taken
    }

    async fn send(&self, app: &TestApp, to: &str, headers: Vec<(&'static str, String)>, body: String) -> bool {
        let path = to.strip_prefix("http://matchday.test").expect("an address under server.public_url");
        let mut request = app.client.post(app.at(path)).body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        match self.version {
            Version::V2 | Version::V2HmacSha256 => {
                assert_eq!(status, 200);
                text == "<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>"
            }
            Version::V3 => {
                let told: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(told["code"] == "SUCCESS", status == 200, "{status} {text}");
                status == 200
            }
        }
    }
}
