//! People whom a site registers by Regist: each with a phone and a code of its own, signed anew until there is an answer.

use std::rc::Rc;
use std::time::Instant;

use serde_json::{Value, json};

use super::clients::{RETRY, Shared};
use super::ledger::Enrolment;
use crate::regist::client::{Call, JSON, PATH, members};
use crate::support::PATIENCE;

/// The credential of the load.
pub const SITE: &str = "crash-site";

fn now_s() -> i64 {
    i64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap()
}

/// Registers one person after the other.
pub async fn enrol(shared: Rc<Shared>, worker: i64) {
    let mut number = 0;
    while !shared.finishing.get() {
        number += 1;
        let (name, phone) = (format!("crash-{worker}-{number}"), format!("139{worker}{number:07}"));
        match code(&shared, &phone).await {
            Some(code) => register(&shared, name, &phone, &code).await,
            None => shared.ledger.borrow_mut().codes_given_up += 1,
        }
    }
}

/// The code that a phone is sent. `None`: the answer was lost, and a phone is sent no second one in the same minute.
async fn code(shared: &Shared, phone: &str) -> Option<String> {
    let started = Instant::now();
    let mut sent = false;
    loop {
        assert!(started.elapsed() < PATIENCE, "{phone} never got a code");
        if !sent {
            let ask = shared.http.post(format!("{}/api/v1/token/code", shared.url)).json(&json!({"phone": phone}));
            if let Ok(answer) = ask.send().await {
                let status = answer.status().as_u16();
                let told = answer.text().await.unwrap_or_default();
                // Sent before, by a request whose answer was lost.
                if told.contains("10010") {
                    return None;
                }
                assert!(status == 200 || status >= 500, "{phone}: {status} {told}");
                sent = status == 200;
            }
        }
        if sent
            && let Ok(answer) = shared.http.get(format!("{}/sandbox/sms/{phone}", shared.url)).send().await
            && let Ok(shown) = answer.json::<Value>().await
            && let Some(code) = shown["code"].as_str()
        {
            return Some(code.to_owned());
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn send(shared: &Shared, call: &Call) -> reqwest::Result<(u16, Value)> {
    let request = shared.http.post(format!("{}{PATH}", shared.url)).header("content-type", JSON);
    let answer = request.header("authorization", call.authorization()).body(call.body.clone()).send().await?;
    Ok((answer.status().as_u16(), answer.json().await?))
}

async fn register(shared: &Shared, name: String, phone: &str, code: &str) {
    let started = Instant::now();
    // Whether a call may have been taken whose answer nobody saw.
    let mut lost = false;
    loop {
        assert!(started.elapsed() < PATIENCE, "{name} was never registered");
        let body = members(&name, phone, code);
        let call = Call::to(&shared.url, now_s(), JSON, body).by((SITE, &shared.session_key));
        let told = send(shared, &call).await;
        let mut ledger = shared.ledger.borrow_mut();
        match told.as_ref().map(|(status, told)| (*status, told["errcode"].as_i64())).map_err(drop) {
            Ok((200, Some(0))) => {
                let id = told.ok().and_then(|(_, told)| told["memberid"].as_i64());
                ledger.enrolled.push(Enrolment { name, id });
                *shared.taken.borrow_mut() = Some(call);
                return;
            }
            // The code is used up, which only the account does.
            Ok((200, Some(2))) if lost => {
                ledger.enrolled.push(Enrolment { name, id: None });
                return;
            }
            Ok((200, Some(1)) | (500.., _)) | Err(()) => lost = true,
            Ok((status, errcode)) => {
                ledger.broken.push(format!("{name} is refused with {status} {errcode:?}, an answer lost: {lost}"));
                return;
            }
        }
        drop(ledger);
        tokio::time::sleep(RETRY).await;
    }
}

/// A call that was taken is not taken again, whatever the server went through.
pub async fn send_again(shared: &Shared) {
    let call = shared.taken.borrow().clone().expect("nobody was registered");
    let (status, told) = send(shared, &call).await.unwrap();
    assert_eq!(status, 401, "a call was taken twice: {told}");
}
