//! What must hold for any bytes that reach a parser. Each function panics when it does not. cargo-fuzz feeds them without
//! end; the test suite feeds them changed copies of `seeds`.

use actors::domain::ids::GameId;
use actors::domain::registration::{Certificate, Player};
use chrono::NaiveDate;
use matchday::api::cmd::{parse, query_token_state};
use matchday::clients::wechat::{sign, xml};
use matchday::service::queue_token::QueueToken;
use matchday::vault::Vault;

/// A body of `POST /api/reg`: the two ways to read a poll agree, and a player who is accepted is one for ever.
pub fn command(body: &[u8]) {
    let read = parse::command(body);
    if let Some(token) = query_token_state::plain_poll(body) {
        let (name, members) = read.as_ref().expect("the general way refuses a plain poll");
        assert_eq!(name, "RegQueryQueueTokenState");
        assert_eq!(members.get("token").and_then(|token| token.as_str()), Some(token));
    }
    let Ok((_, members)) = read else { return };
    let Ok(drafts) = parse::players(&members) else { return };
    assert!((1..=100).contains(&drafts.len()));
    let today = NaiveDate::from_ymd_opt(2026, 11, 22).expect("a date");
    for draft in drafts {
        let Ok(player) = Player::new(draft, "players[0]", today) else { continue };
        assert!(player.birth_date < today);
        for text in [&player.name, &player.email, &player.country, &player.zip, &player.address1] {
            assert!(text.chars().count() <= 32 && !text.contains(char::is_control), "{text:?}");
        }
        let certificate = player.certificate();
        let again = Certificate::new(certificate.kind, &certificate.number).expect("its own number is refused");
        assert_eq!(again, certificate, "one number, two spellings");
        let stored = serde_json::to_string(&player).expect("a player cannot be written");
        let read: Player = serde_json::from_str(&stored).expect("a stored player cannot be read");
        assert_eq!(read, player);
    }
}

/// A queue token as a client sends it: only what this server made is one, and no other spelling of it.
pub fn queue_token(bytes: &[u8]) {
    let vault = Vault::new(&[1; 32], &[2; 32]);
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Some(token) = QueueToken::decode(&vault, text)
    {
        assert_eq!(token.encode(&vault), text, "a second spelling");
    }
    let Some((place, rest)) = bytes.split_at_checked(16) else { return };
    let number = |part: &[u8]| part.try_into().map(i64::from_be_bytes).expect("8 bytes");
    let (game, sequence) = place.split_at(8);
    let token = QueueToken { game: GameId(number(game)), sequence: number(sequence) };
    let mut text = token.encode(&vault).into_bytes();
    assert_eq!(QueueToken::decode(&vault, std::str::from_utf8(&text).expect("ASCII")), Some(token));
    // Whatever is changed, it is refused.
    let Some(([at, letter], _)) = rest.split_first_chunk() else { return };
    let at = usize::from(*at) % text.len();
    if text[at] != *letter {
        text[at] = *letter;
        let forged = String::from_utf8_lossy(&text);
        assert_eq!(QueueToken::decode(&vault, &forged), None, "{forged}");
    }
}

/// A payment notice: what is read can be written and read again, and the signature covers every member.
pub fn wechat_notice(bytes: &[u8]) {
    let Ok(fields) = xml::parse(bytes) else { return };
    let written = xml::write(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    // Writing may make it longer than what is read.
    if written.len() <= 64 * 1024 {
        assert_eq!(xml::parse(written.as_bytes()).as_ref(), Ok(&fields));
    }
    let key = "key";
    let mut signed = fields;
    signed.remove("sign");
    let signature = sign::sign(&signed, key, sign::SignType::Md5);
    signed.insert("sign".to_owned(), signature);
    assert!(sign::verify(&signed, key, sign::SignType::Md5));
    assert!(!sign::verify(&signed, "another key", sign::SignType::Md5));
    let names: Vec<String> = signed.keys().filter(|name| *name != "sign").cloned().collect();
    for name in names {
        let mut forged = signed.clone();
        if let Some(value) = forged.get_mut(&name) {
            value.push('1');
        }
        assert!(!sign::verify(&forged, key, sign::SignType::Md5), "{name} is not covered");
    }
}
