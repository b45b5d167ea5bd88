//! The connection's id as others see it: base64 of `<ip>_<port>_<n>`, as in the seed, whose clients know the shape. The
//! address is the same in every id, since everybody in a room reads them and this server's own address is nobody's
//! business. The number is drawn. It names, it never authorises.

use actors::domain::chat::ConnectionId;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Longer texts are nobody's.
const LONGEST: usize = 128;

/// What stands where the seed has the address that it listens on.
const NOWHERE: &str = "0.0.0.0_19833";

pub fn encode(connection: ConnectionId) -> String {
    STANDARD.encode(format!("{NOWHERE}_{}", connection.0))
}

pub fn decode(uuid: &str) -> Option<ConnectionId> {
    if uuid.len() > LONGEST {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(uuid).ok()?).ok()?;
    let mut parts = text.rsplitn(3, '_');
    let number = parts.next()?;
    if parts.count() != 2 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    number.parse().ok().map(ConnectionId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors() {
        let file: serde_json::Value = serde_json::from_str(include_str!("../../tests/vectors/wechat.json")).unwrap();
        let vectors = file["vectors"]["trident_client_id"].as_array().unwrap();
        assert!(vectors.iter().any(|vector| vector["client_id"] == "MC4wLjAuMF8xOTgzMl82"), "the original's sample");
        for vector in vectors {
            let (text, id) = (vector["text"].as_str().unwrap(), vector["client_id"].as_str().unwrap());
            let (address, number) = text.rsplit_once('_').unwrap();
            let connection = ConnectionId(number.parse().unwrap());
            assert_eq!((decode(id), decode(&encode(connection))), (Some(connection), Some(connection)));
            if address == NOWHERE {
                assert_eq!(encode(connection), id, "the shape is the seed's");
            }
        }
    }

    #[test]
    fn what_is_no_id_is_nobodys() {
        let connection = ConnectionId(u64::MAX);
        assert_eq!(decode(&encode(connection)), Some(connection));
        assert_eq!(decode(&STANDARD.encode(format!("::1_8080_{}", u64::MAX))), Some(connection));
        for bad in ["", "!", "MC4wLjAuMA==", "MF8w", &"A".repeat(200)] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
