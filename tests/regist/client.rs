//! A caller that signs with HAWK and checks what the server signed, written apart from the server's code.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::support::TestApp;

pub const PATH: &str = "/api/WebInterface/Personal/Regist";
pub const OFFICIAL: (&str, &str) = ("official-demo", "matchday-demo-official-session-key");
pub const AGENT: (&str, &str) = ("agent-demo", "matchday-demo-agent-session-key");
pub const JSON: &str = "application/json";

/// A request with all that HAWK signs. Every part can be made wrong.
#[derive(Clone)]
pub struct Call {
    pub credential: (String, String),
    pub method: &'static str,
    pub path: String,
    pub content_type: Option<String>,
    pub body: Vec<u8>,
    pub ts: i64,
    pub nonce: String,
    pub headers: Vec<(&'static str, String)>,
    /// Host and port that are signed.
    pub host: (String, u16),
    /// What is hashed where it is not `body`; `None`: no hash is sent.
    pub hashed: Option<Vec<u8>>,
    pub ext: Option<&'static str>,
    /// In place of the header that belongs to it.
    pub authorization: Option<Option<String>>,
}

pub fn hash(content_type: &str, body: &[u8]) -> String {
    let kind = content_type.split(';').next().unwrap().trim().to_lowercase();
    let mut text = format!("hawk.1.payload\n{kind}\n").into_bytes();
    text.extend_from_slice(body);
    text.push(b'\n');
    STANDARD.encode(Sha256::digest(text))
}

pub fn mac(key: &str, text: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    STANDARD.encode(mac.chain_update(text).finalize().into_bytes())
}

impl Call {
    /// A POST of `body` by the official caller, right in every respect.
    pub fn new(app: &TestApp, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::to(&app.url, app.context.db.now_ms() / 1000, content_type, body)
    }

    /// As `new`, to a server that is not in this process.
    pub fn to(url: &str, ts: i64, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let (host, port) = url.strip_prefix("http://").unwrap().split_once(':').unwrap();
        Self {
            credential: (OFFICIAL.0.to_owned(), OFFICIAL.1.to_owned()),
            method: "POST",
            path: PATH.to_owned(),
            content_type: Some(content_type.to_owned()),
            hashed: Some(body.clone()),
            body,
            ts,
            nonce: hex::encode(rand::random::<[u8; 8]>()),
            headers: Vec::new(),
            host: (host.to_owned(), port.parse().unwrap()),
            ext: None,
            authorization: None,
        }
    }

    pub fn by(mut self, (id, key): (&str, &str)) -> Self {
        self.credential = (id.to_owned(), key.to_owned());
        self
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn payload_hash(&self) -> Option<String> {
        self.hashed.as_ref().map(|body| hash(self.content_type.as_deref().unwrap_or_default(), body))
    }

    fn signed(&self, kind: &str, hash: &str, ext: &str) -> String {
        let Self { ts, nonce, method, path, host: (host, port), .. } = self;
        mac(
            &self.credential.1,
            &format!("hawk.1.{kind}\n{ts}\n{nonce}\n{method}\n{path}\n{host}\n{port}\n{hash}\n{ext}\n"),
        )
    }

    pub fn authorization(&self) -> String {
        let hash = self.payload_hash();
        let mac = self.signed("header", hash.as_deref().unwrap_or_default(), self.ext.unwrap_or_default());
        let hash = hash.map_or_else(String::new, |hash| format!("hash=\"{hash}\", "));
        let ext = self.ext.map_or_else(String::new, |ext| format!("ext=\"{ext}\", "));
        let (ts, nonce, id) = (self.ts, &self.nonce, &self.credential.0);
        format!("Hawk id=\"{id}\", ts=\"{ts}\", nonce=\"{nonce}\", {hash}{ext}mac=\"{mac}\"")
    }

    pub async fn send(&self, app: &TestApp) -> Told {
        let mut request = app.client.request(self.method.parse().unwrap(), app.at(&self.path));
        if let Some(content_type) = &self.content_type {
            request = request.header("content-type", content_type);
        }
        match &self.authorization {
            None => request = request.header("authorization", self.authorization()),
            Some(None) => {}
            Some(Some(other)) => request = request.header("authorization", other),
        }
        if !self.headers.iter().any(|(name, _)| *name == "accept") {
            // In place of the library's own */*: an empty one is none.
            request = request.header("accept", "");
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let answer = request.body(self.body.clone()).send().await.unwrap();
        let status = answer.status().as_u16();
        let header = |name: &str| answer.headers().get(name).map(|line| line.to_str().unwrap().to_owned());
        let content_type = header("content-type").unwrap_or_default();
        let (challenge, allow, retry_after) = (header("www-authenticate"), header("allow"), header("retry-after"));
        let server = header("server-authorization");
        let body = answer.bytes().await.unwrap().to_vec();
        let signed = server.map(|server| self.is_signed(&server, &content_type, &body));
        Told { status, content_type, challenge, allow, retry_after, signed, body }
    }

    /// Whether a `Server-Authorization` belongs to this call and to the reply.
    fn is_signed(&self, server: &str, content_type: &str, body: &[u8]) -> bool {
        let hash = hash(content_type, body);
        server == format!("Hawk mac=\"{}\", hash=\"{hash}\"", self.signed("response", &hash, ""))
    }
}

/// A reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub status: u16,
    pub content_type: String,
    pub challenge: Option<String>,
    pub allow: Option<String>,
    pub retry_after: Option<String>,
    /// Whether what the server signed is right; `None`: it signed nothing.
    pub signed: Option<bool>,
    pub body: Vec<u8>,
}

impl Told {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The errcode of a signed reply.
    pub fn errcode(&self) -> i64 {
        assert_eq!((self.status, self.signed), (200, Some(true)), "{}", self.text());
        self.json()["errcode"].as_i64().unwrap()
    }

    /// Status and message of a signed refusal.
    pub fn refusal(&self) -> (u16, String) {
        assert_eq!(self.signed, Some(true), "{}", self.text());
        (self.status, self.json()["Message"].as_str().unwrap().to_owned())
    }
}

/// A wrapped password as ECB and PKCS7 make it of any text: the server cannot look into it.
pub fn blob() -> String {
    STANDARD.encode([7; 40])
}

/// The members of a registration as JSON.
pub fn members(username: &str, mobile: &str, code: &str) -> String {
    serde_json::json!({"username": username, "password": blob(), "mobile": mobile, "verifycode": code}).to_string()
}

/// Lets a code be sent to a phone and reads it.
pub async fn code(app: &TestApp, phone: &str) -> String {
    let request = app.client.post(app.at("/api/v1/token/code")).json(&serde_json::json!({"phone": phone}));
    assert_eq!(request.send().await.unwrap().status(), 200);
    let shown: serde_json::Value = app.get(&format!("/sandbox/sms/{phone}")).await.json().await.unwrap();
    shown["code"].as_str().unwrap().to_owned()
}

/// Registers a person with a code that is asked for first.
pub async fn register(app: &TestApp, username: &str, mobile: &str) -> Told {
    let code = code(app, mobile).await;
    Call::new(app, JSON, members(username, mobile, &code)).send(app).await
}
