//! A client of the SSO dialect made of primitives: blocks of AES, MD5, and what the document says.

use aes::Aes128;
use aes::cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use md5::{Digest, Md5};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestApp;

#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub id: i64,
    pub key: String,
    pub secret: String,
}

/// The demo's application.
pub(crate) fn demo() -> Keys {
    keys(1, "0123456789abcdef0123456789abcdef", "AbCdEfGhIjKlMnOp")
}

pub(crate) fn keys(id: i64, key: &str, secret: &str) -> Keys {
    Keys { id, key: key.to_owned(), secret: secret.to_owned() }
}

pub(crate) fn md5_hex(text: &str) -> String {
    hex::encode(Md5::digest(text))
}

impl Keys {
    fn cipher(&self) -> Aes128 {
        Aes128::new_from_slice(&self.key.as_bytes()[..16]).unwrap()
    }

    fn vector(&self) -> [u8; 16] {
        self.secret.as_bytes().try_into().unwrap()
    }

    /// CBC over whole blocks.
    pub(crate) fn encrypt_blocks(&self, blocks: &[u8]) -> String {
        let mut last = self.vector();
        let mut out = Vec::new();
        for block in blocks.chunks(16) {
            for (byte, before) in last.iter_mut().zip(block) {
                *byte ^= before;
            }
            let mut block: Block<Aes128> = last.into();
            self.cipher().encrypt_block(&mut block);
            last = block.into();
            out.extend_from_slice(&last);
        }
        URL_SAFE_NO_PAD.encode(out)
    }

    pub(crate) fn encrypt(&self, plain: &str) -> String {
        let padding = 16 - plain.len() % 16;
        let mut bytes = plain.as_bytes().to_vec();
        bytes.resize(plain.len() + padding, u8::try_from(padding).unwrap());
        self.encrypt_blocks(&bytes)
    }

    pub(crate) fn decrypt(&self, code: &str) -> String {
        let sealed = URL_SAFE_NO_PAD.decode(code).unwrap();
        let mut before = self.vector();
        let mut plain = Vec::new();
        for sealed in sealed.chunks(16) {
            let sealed: [u8; 16] = sealed.try_into().unwrap();
            let mut block: Block<Aes128> = sealed.into();
            self.cipher().decrypt_block(&mut block);
            plain.extend(block.iter().zip(before).map(|(byte, before)| byte ^ before));
            before = sealed;
        }
        let padding = usize::from(*plain.last().unwrap());
        assert!(plain[plain.len() - padding..].iter().all(|byte| usize::from(*byte) == padding));
        plain.truncate(plain.len() - padding);
        String::from_utf8(plain).unwrap()
    }

    pub(crate) fn sign(&self, plain: &str) -> String {
        hex::encode_upper(Md5::digest(format!("{plain}{}{}", self.key, self.secret)))
    }

    /// The common parameters of a call.
    pub(crate) fn form(&self, plain: &str) -> Vec<(&'static str, String)> {
        vec![
            ("app_id", self.id.to_string()),
            ("app_key", self.key.clone()),
            ("code", self.encrypt(plain)),
            ("sign", self.sign(plain)),
        ]
    }

    /// The plain text of a sealed answer, its sign checked.
    pub(crate) fn open(&self, answer: &Value) -> String {
        let plain = self.decrypt(answer["code"].as_str().unwrap());
        assert_eq!(answer["sign"], self.sign(&plain));
        plain
    }
}

pub(crate) fn encoded(form: &[(&'static str, String)]) -> String {
    serde_urlencoded::to_string(form).unwrap()
}

pub(crate) fn now(app: &TestApp) -> i64 {
    app.context.db.now_ms() / 1000
}

/// The text of an answer: always 200, always of this type.
pub(crate) async fn raw(app: &TestApp, method: Method, path: &str, query: &str, body: Option<String>) -> String {
    let mut request = app.client.request(method, app.at(&format!("{path}?{query}")));
    if let Some(body) = body {
        request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
    }
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/json; Charset=UTF-8");
    answer.text().await.unwrap()
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| panic!("{text}"))
}

/// POST reg with this plain text.
pub(crate) async fn reg_plain(app: &TestApp, keys: &Keys, plain: &str) -> Value {
    read(&raw(app, Method::POST, "/index.php/api/reg/reg", "", Some(encoded(&keys.form(plain)))).await)
}

pub(crate) async fn reg(app: &TestApp, keys: &Keys, members: Value) -> Value {
    reg_plain(app, keys, &stamped(app, members)).await
}

/// GET chkname or chkmail.
pub(crate) async fn check(app: &TestApp, keys: &Keys, act: &str, members: Value) -> Value {
    let query = encoded(&keys.form(&stamped(app, members)));
    read(&raw(app, Method::GET, &format!("/index.php/api/reg/{act}"), &query, None).await)
}

/// As JSON with a timestamp of now, if it has none.
pub(crate) fn stamped(app: &TestApp, mut members: Value) -> String {
    if members.get("timestamp").is_none() {
        members["timestamp"] = now(app).into();
    }
    members.to_string()
}

pub(crate) fn person(name: &str) -> Value {
    json!({"user_name": name, "user_pass": md5_hex("123456")})
}

pub(crate) fn with(mut members: Value, name: &str, value: impl Into<Value>) -> Value {
    members[name] = value.into();
    members
}

/// An error as this dialect tells it.
pub(crate) fn refused(rcode: &str, msg: &str, detail: &str) -> Value {
    json!({"msg": msg, "detail": detail, "rcode": rcode, "rstatus": rcode.get(..1).unwrap_or("")})
}
