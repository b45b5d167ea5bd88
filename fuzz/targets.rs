//! What must hold for any bytes that reach a parser. Each function panics when it does not. cargo-fuzz feeds them without
//! end; the test suite feeds them changed copies of `seeds`.

use actors::domain::ids::GameId;
use actors::domain::phone;
use actors::domain::registration::{Certificate, CertificateType, Player};
use actors::domain::visible::{self, Layout};
use chrono::NaiveDate;
use matchday::api::cmd::{parse, query_token_state};
use matchday::api::webapi::hawk_header::{self, HawkHeader};
use matchday::api::webapi::members::{Members, NAMES, Unreadable};
use matchday::api::webapi::{read_bson, read_json, read_xml};
use matchday::clients::wechat::{sign, xml};
use matchday::service::queue_token::QueueToken;
use matchday::sso_wire::cipher::{self, KeyPair};
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
        assert!(player.birth_date < today && player.birth_date.to_string().as_str() >= "1900-01-01");
        for (text, most) in [
            (&player.name, 64),
            (&player.emergency_contact_name, 64),
            (&player.email, 254),
            (&player.country, 64),
            (&player.zip, 12),
            (&player.address1, 128),
        ] {
            assert!(text.chars().count() <= most && !text.contains(char::is_control), "{text:?}");
            assert_eq!(visible::check(text, Layout::Line), Ok(()), "{text:?}");
        }
        assert!(visible::has_visible(&player.name) && visible::has_visible(&player.emergency_contact_name));
        for number in [&player.mobile, &player.emergency_contact_mobile] {
            assert_eq!(phone::checked(number).as_ref(), Ok(number), "folding twice");
        }
        let certificate = player.certificate();
        for spelling in [&certificate.number, &player.certificate_no] {
            let again = Certificate::new(certificate.kind, spelling).expect("its own number is refused");
            assert_eq!(again, certificate, "one number, two people");
        }
        let stored = serde_json::to_string(&player).expect("a player cannot be written");
        let read: Player = serde_json::from_str(&stored).expect("a stored player cannot be read");
        assert_eq!(read, player);
    }
}

/// Texts as people type them: folding a phone is done once and keeps the rule, a certificate is the same in lower case and in
/// full width, and no text that was checked hides anything.
pub fn typed_text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(number) = phone::checked(text) {
        assert_eq!(phone::checked(&number).as_ref(), Ok(&number), "folding twice");
        assert_eq!(phone::canonical(&number), phone::canonical(text), "kept and looked up differently");
        let digits = number.bytes().filter(u8::is_ascii_digit).count();
        assert!((6..=15).contains(&digits) && number.len() <= 18, "{number}");
        let padded = format!("\u{202d}{}\u{a0}", number.replacen('1', "１", 1));
        assert_eq!(phone::checked(&padded), Ok(number));
    }
    for kind in [-1, 1, 2].map(|code| CertificateType::new(code).expect("a type")) {
        let Ok(certificate) = Certificate::new(kind, text) else { continue };
        assert!(!certificate.number.is_empty() && certificate.number.chars().all(char::is_alphanumeric));
        let wide: String = certificate.number.chars().map(full_width).collect();
        for spelling in [certificate.number.to_lowercase(), wide] {
            // Writing may make it longer than what is read.
            if spelling.chars().count() <= 20 {
                assert_eq!(Certificate::new(kind, &spelling).as_ref(), Ok(&certificate), "{spelling:?}");
            }
        }
        assert_eq!(Certificate::stored(kind, text), certificate);
    }
    for layout in [Layout::Line, Layout::Lines] {
        let shown = visible::without_hidden(text, layout).into_owned();
        assert_eq!(visible::check(&shown, layout), Ok(()), "{shown:?}");
        assert_eq!(visible::has_visible(&shown), visible::has_visible(text), "something visible was left out");
        if visible::check_said(text, layout).is_ok() {
            assert!(text.chars().any(visible::is_visible) && !text.contains(['\u{202e}', '\u{200b}', '\u{3164}']));
        }
    }
}

fn full_width(letter: char) -> char {
    match letter {
        '!'..='~' => char::from_u32(u32::from(letter) + 0xfee0).expect("a full-width character"),
        _ => letter,
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

/// A sign, a line's end and a code of SSO: what opens was sealed with the pair. And the bytes as a plain text: it opens as
/// it was sealed, and nothing that was changed opens.
pub fn sso_code(bytes: &[u8]) {
    let pair = KeyPair::new("0123456789abcdef0123456789abcdef", "AbCdEfGhIjKlMnOp").expect("a pair");
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Some((sign, code)) = text.split_once('\n')
        && let Some(plain) = cipher::open(&pair, code, sign)
        && let Ok(plain) = String::from_utf8(plain)
    {
        assert_eq!(cipher::seal(&pair, &plain).sign, sign, "opened, but not signed by us");
    }
    let plain = String::from_utf8_lossy(bytes);
    let sealed = cipher::seal(&pair, &plain);
    assert_eq!(cipher::open(&pair, &sealed.code, &sealed.sign).as_deref(), Some(plain.as_bytes()));
    let Some(first) = bytes.first() else { return };
    // The last letter of a code may carry bits that say nothing.
    let at = usize::from(*first) % (sealed.code.len() - 1);
    let mut forged = sealed.code.clone().into_bytes();
    forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).expect("ASCII");
    assert_eq!(cipher::open(&pair, &forged, &sealed.sign), None, "a forged code opens");
    let mut forged = sealed.sign.into_bytes();
    let at = usize::from(*first) % forged.len();
    forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
    assert_eq!(cipher::open(&pair, &sealed.code, &String::from_utf8(forged).expect("ASCII")), None);
}

/// The header of HAWK: what is read can be written and read again, and no attribute can hide another.
pub fn hawk_header(bytes: &[u8]) {
    let Ok(header) = hawk_header::parse(bytes) else { return };
    assert!(header.seconds() >= 0 && header.ts.bytes().all(|byte| byte.is_ascii_digit()));
    let HawkHeader { id, ts, nonce, hash, ext, mac, app, dlg } = &header;
    let some = |text: &String| Some(text.clone());
    let attributes = [
        ("dlg", dlg.clone()),
        ("mac", some(mac)),
        ("ts", some(ts)),
        ("app", app.clone()),
        ("id", some(id)),
        ("ext", ext.clone()),
        ("nonce", some(nonce)),
        ("hash", hash.clone()),
    ];
    let attributes: Vec<String> = attributes
        .into_iter()
        .filter_map(|(name, value)| {
            let value = value?;
            assert!(!value.is_empty() && !value.contains(['"', '\\', '\n', '\r']), "{name}: {value:?}");
            Some(format!("{name}=\"{value}\""))
        })
        .collect();
    // Writing may make it longer than what is read.
    let written = format!("Hawk {}", attributes.join(", "));
    if written.len() <= 4096 {
        assert_eq!(hawk_header::parse(written.as_bytes()).as_ref(), Ok(&header));
        let twice = format!("{written}, {}", attributes[0]);
        assert!(hawk_header::parse(twice.as_bytes()).is_err(), "an attribute comes twice");
    }
}

/// What must hold for the members that any of the readers found: short enough, and the same when they are written and
/// read again.
fn members(found: Result<Members, Unreadable>, again: impl Fn([(&str, &str); 4]) -> Result<Members, Unreadable>) {
    let Ok(found) = found else { return };
    let Ok(values) = found.clone().checked() else { return };
    for (value, (name, most)) in values.iter().zip(NAMES) {
        assert!(!value.trim().is_empty() && value.encode_utf16().count() <= most, "{name}: {value:?}");
    }
    let [username, password, mobile, verifycode] = &values;
    // In another order than they are declared.
    let pairs = [("verifycode", verifycode), ("mobile", mobile), ("username", username), ("password", password)];
    assert_eq!(again(pairs.map(|(name, value)| (name, value.as_str()))), Ok(found));
}

pub fn regist_xml(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    members(read_xml::read(text), |pairs| {
        let escaped =
            |value: &str| value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#13;");
        let inner: String = pairs.map(|(name, value)| format!("<{name}>{}</{name}>", escaped(value))).concat();
        read_xml::read(&format!(
            "<PersonalMemberRegistParm xmlns=\"http://schemas.datacontract.org/2004/07/\
             DigitalScience.DataTransfer.Tour.V5.Parm.WebInterface\">{inner}</PersonalMemberRegistParm>"
        ))
    });
}

pub fn regist_bson(bytes: &[u8]) {
    members(read_bson::read(bytes), |pairs| {
        let document: bson::Document = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        read_bson::read(&document.to_vec().expect("a document cannot be written"))
    });
}

pub fn regist_json(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    members(read_json::read(text), |pairs| {
        let object: serde_json::Map<_, _> =
            pairs.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        read_json::read(&serde_json::Value::Object(object).to_string())
    });
}
