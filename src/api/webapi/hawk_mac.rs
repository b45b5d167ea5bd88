//! The texts that HAWK signs, and their MACs. Written here on the RustCrypto hashes: the crate there is knows no SHA-1,
//! takes an attribute twice and tells no reason of a refusal.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::hawk_header::HawkHeader;
use crate::service::hawk::{Algorithm, Credential};

/// Which side signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Request,
    Reply,
}

/// What a signature covers beside its payload's hash and `ext`: the same of a request and of its reply.
#[derive(Debug, Clone)]
pub struct Signed<'a> {
    pub header: &'a HawkHeader,
    pub method: &'a str,
    /// Path and query, exactly as requested.
    pub resource: &'a str,
    pub host: &'a str,
    pub port: u16,
}

impl Signed<'_> {
    fn normalized(&self, side: Side, hash: &str, ext: &str) -> String {
        let Self { header, method, resource, host, port } = self;
        let kind = match side {
            Side::Request => "header",
            Side::Reply => "response",
        };
        let (ts, nonce) = (&header.ts, &header.nonce);
        let (method, host) = (method.to_ascii_uppercase(), host.to_lowercase());
        let ext = ext.replace('\\', "\\\\").replace('\n', "\\n");
        let mut text = format!("hawk.1.{kind}\n{ts}\n{nonce}\n{method}\n{resource}\n{host}\n{port}\n{hash}\n{ext}\n");
        if let Some(app) = &header.app {
            text.extend([app, "\n", header.dlg.as_deref().unwrap_or_default(), "\n"]);
        }
        text
    }

    /// Whether the header's MAC is the credential's.
    pub fn fits(&self, credential: &Credential) -> bool {
        let (hash, ext) = (self.header.hash.as_deref(), self.header.ext.as_deref());
        let text = self.normalized(Side::Request, hash.unwrap_or_default(), ext.unwrap_or_default());
        equal(&mac(credential, text.as_bytes()), &self.header.mac)
    }

    /// The `Server-Authorization` of a reply.
    pub fn server_authorization(&self, credential: &Credential, content_type: &str, body: &[u8]) -> String {
        let hash = payload_hash(credential.algorithm, content_type, body);
        let mac = mac(credential, self.normalized(Side::Reply, &hash, "").as_bytes());
        format!("Hawk mac=\"{mac}\", hash=\"{hash}\"")
    }
}

/// In a time that does not tell how much of it is right.
pub fn equal(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// The hash of a body with its content type, base64. Parameters of the type do not count.
pub fn payload_hash(algorithm: Algorithm, content_type: &str, body: &[u8]) -> String {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let parts = [b"hawk.1.payload\n", kind.as_bytes(), b"\n", body, b"\n"];
    match algorithm {
        Algorithm::Sha1 => STANDARD.encode(parts.iter().fold(Sha1::new(), Sha1::chain_update).finalize()),
        Algorithm::Sha256 => STANDARD.encode(parts.iter().fold(Sha256::new(), Sha256::chain_update).finalize()),
    }
}

/// What proves to a caller with a wrong clock that `ts` is ours.
pub fn timestamp_mac(credential: &Credential, ts: i64) -> String {
    mac(credential, format!("hawk.1.ts\n{ts}\n").as_bytes())
}

fn mac(credential: &Credential, text: &[u8]) -> String {
    let key = credential.key.as_bytes();
    let any_length = "HMAC takes keys of any length";
    match credential.algorithm {
        Algorithm::Sha1 => {
            let mac = Hmac::<Sha1>::new_from_slice(key).unwrap_or_else(|_| unreachable!("{any_length}"));
            STANDARD.encode(mac.chain_update(text).finalize().into_bytes())
        }
        Algorithm::Sha256 => {
            let mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("{any_length}"));
            STANDARD.encode(mac.chain_update(text).finalize().into_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::Uri;
    use serde_json::Value;

    use super::super::hawk_header;
    use super::*;
    use crate::service::hawk::Class;

    fn file() -> Value {
        serde_json::from_str(include_str!("../../../tests/vectors/hawk.json")).unwrap()
    }

    fn credential(of: &Value) -> Credential {
        Credential {
            hawk_id: of["id"].as_str().unwrap().to_owned(),
            key: of["key"].as_str().unwrap().to_owned(),
            algorithm: Algorithm::parse(of["algorithm"].as_str().unwrap()).unwrap(),
            class: Class::Official,
        }
    }

    #[test]
    fn every_request_and_reply_of_the_vectors() {
        let file = file();
        let requests = file["requests"].as_array().unwrap();
        assert_eq!(requests.len(), 8);
        for vector in requests {
            let name = vector["name"].as_str().unwrap();
            let credential = credential(&vector["credentials"]);
            let header = hawk_header::parse(vector["authorization"].as_str().unwrap().as_bytes()).unwrap();
            let url: Uri = vector["url"].as_str().unwrap().parse().unwrap();
            let signed = Signed {
                header: &header,
                method: vector["method"].as_str().unwrap(),
                resource: url.path_and_query().unwrap().as_str(),
                host: url.host().unwrap(),
                port: url.port_u16().unwrap_or(if url.scheme_str() == Some("https") { 443 } else { 80 }),
            };
            let (hash, ext) = (header.hash.as_deref().unwrap_or_default(), header.ext.as_deref().unwrap_or_default());
            assert_eq!(signed.normalized(Side::Request, hash, ext), vector["normalized"].as_str().unwrap(), "{name}");
            assert!(signed.fits(&credential), "{name}");
            let stranger = Credential { key: format!("{}x", credential.key), ..credential.clone() };
            assert!(!signed.fits(&stranger), "{name}: another key");
            assert!(!Signed { method: "PUT", ..signed.clone() }.fits(&credential), "{name}: another method");
            assert!(!Signed { resource: "/", ..signed.clone() }.fits(&credential), "{name}: another path");
            assert!(!Signed { host: "other", ..signed.clone() }.fits(&credential), "{name}: another host");
            assert!(!Signed { port: 1, ..signed.clone() }.fits(&credential), "{name}: another port");
            if let Some(expected) = vector["payload_hash"].as_str() {
                let (kind, body) = (vector["content_type"].as_str(), vector["body"].as_str());
                let (kind, body) = (kind.unwrap_or_default(), body.unwrap_or_default());
                assert_eq!(payload_hash(credential.algorithm, kind, body.as_bytes()), expected, "{name}");
            }
            let reply = &vector["response"];
            let text = |name: &str| reply[name].as_str().unwrap();
            let (kind, body) = (text("content_type"), text("body"));
            let expected = text("normalized");
            assert_eq!(signed.normalized(Side::Reply, text("payload_hash"), ""), expected, "{name}");
            let answer = signed.server_authorization(&credential, kind, body.as_bytes());
            assert_eq!(answer, text("server_authorization"), "{name}");
        }
    }

    #[test]
    fn the_clock_of_the_vectors() {
        let file = file();
        let clocks = file["stale_timestamp"].as_array().unwrap();
        assert_eq!(clocks.len(), 2);
        for vector in clocks {
            let ts = vector["ts"].as_i64().unwrap();
            assert_eq!(timestamp_mac(&credential(&vector["credentials"]), ts), vector["tsm"].as_str().unwrap());
        }
    }

    #[test]
    fn an_ext_with_a_line_feed_stays_one_line() {
        let header = hawk_header::parse(br#"Hawk id="a", ts="1", nonce="n", mac="m""#).unwrap();
        let signed = Signed { header: &header, method: "get", resource: "/", host: "EXAMPLE.org", port: 80 };
        let text = signed.normalized(Side::Request, "", "a\\b\nc");
        assert_eq!(text, "hawk.1.header\n1\nn\nGET\n/\nexample.org\n80\n\na\\\\b\\nc\n");
    }
}
