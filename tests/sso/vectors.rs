//! The vectors that the original's own classes produced.

use matchday::sso_wire::cipher::{KeyPair, open, seal};
use matchday::sso_wire::json::{Value as Wire, object};
use serde_json::Value;

use super::client::{keys, md5_hex};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../vectors/sso.json")).unwrap()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap()
}

#[test]
fn messages_are_sealed_and_opened_as_the_original_does() {
    let vectors = vectors();
    let messages = vectors["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 8);
    for message in messages {
        let [key, secret, plain, code, sign] =
            ["app_key", "app_secret", "plaintext", "code", "sign"].map(|name| text(message, name));
        let pair = KeyPair::new(key, secret).unwrap();
        let sealed = seal(&pair, plain);
        assert_eq!((sealed.code.as_str(), sealed.sign.as_str()), (code, sign));
        assert_eq!(open(&pair, code, sign).as_deref(), Some(plain.as_bytes()));
        assert_eq!(open(&pair, code, &sign.to_lowercase()), None, "the negative case of the letters");
        // The tests' own client agrees, so that its answers say something.
        let own = keys(1, key, secret);
        assert_eq!((own.encrypt(plain).as_str(), own.sign(plain).as_str()), (code, sign));
        assert_eq!(own.decrypt(code), plain);
    }
}

#[test]
fn what_the_original_refuses_is_refused() {
    let vectors = vectors();
    let case = |name: &str| {
        let cases = vectors["negative"].as_array().unwrap();
        cases.iter().find(|case| case["case"] == name).unwrap_or_else(|| panic!("{name}")).clone()
    };
    assert_eq!(case("secret not 16 bytes")["encrypt_returns_false"], true);
    assert!(KeyPair::new("e10adc3949ba59abbe56e057f20f883e", "short").is_none());
    let wrong = case("wrong key");
    let pair = KeyPair::new(text(&wrong, "app_key"), text(&wrong, "app_secret")).unwrap();
    for sign in ["377D69555936167C557990E158EFCE1B", &"0".repeat(32)] {
        assert_eq!(open(&pair, text(&wrong, "code"), sign), None);
    }
    // Only 16 bytes of the key are the cipher's, and all of them the sign's.
    assert_eq!(case("only first 16 bytes of key matter")["same"], true);
    let of = |tail: &str| seal(&KeyPair::new(&format!("0123456789abcdef{tail}"), "AbCdEfGhIjKlMnOp").unwrap(), "{}");
    let (one, other) = (of("0123456789abcdef"), of("fedcba9876543210"));
    assert!(one.code == other.code && one.sign != other.sign);
    assert_eq!(case("lower-case sign rejected")["accepted"], false);
}

#[test]
fn json_is_written_as_the_original_does() {
    #[derive(serde::Deserialize)]
    struct Case {
        php_array: Ordered,
        json: String,
    }
    #[derive(serde::Deserialize)]
    struct Cases {
        tojson: Vec<Case>,
    }
    /// Members in the order in which they are written.
    struct Ordered(Vec<(String, Value)>);
    impl<'de> serde::Deserialize<'de> for Ordered {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = Ordered;
                fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    to.write_str("an object")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
                    let mut members = Vec::new();
                    while let Some(member) = map.next_entry()? {
                        members.push(member);
                    }
                    Ok(Ordered(members))
                }
            }
            from.deserialize_map(Visitor)
        }
    }
    let cases: Cases = serde_json::from_str(include_str!("../vectors/sso.json")).unwrap();
    assert_eq!(cases.tojson.len(), 4);
    for case in cases.tojson {
        let members: Vec<(&str, Wire)> = case
            .php_array
            .0
            .iter()
            .map(|(name, value)| {
                let value = match value {
                    Value::String(text) => text.as_str().into(),
                    Value::Number(number) => Wire::Whole(number.as_i64().unwrap()),
                    Value::Bool(flag) => Wire::Flag(*flag),
                    Value::Array(items) if items.is_empty() => Wire::Nothing,
                    Value::Null => Wire::Nothing,
                    other => panic!("{other}"),
                };
                (name.as_str(), value)
            })
            .collect();
        assert_eq!(object(&members), case.json);
    }
}

/// How the original stored passwords is not ours; what a client sends for one is.
#[test]
fn clients_send_the_md5_of_a_password() {
    let vectors = vectors();
    let passwords = vectors["password"].as_array().unwrap();
    assert_eq!(passwords.len(), 3);
    for vector in passwords {
        assert_eq!(md5_hex(text(vector, "password")), text(vector, "client_sends_user_pass"));
    }
    for vector in vectors["app_key_derivation"].as_array().unwrap() {
        assert!(
            KeyPair::new(text(vector, "app_key_public"), "AbCdEfGhIjKlMnOp").is_some(),
            "a key of ours has its form"
        );
    }
}
