//! The fuzz targets on changed copies of their seeds and on plain noise: a short run of what cargo-fuzz does without end.
//!
//! `MATCHDAY_FUZZ_ROUNDS` (20,000) inputs for each target, `MATCHDAY_FUZZ_SEED` which ones.

#[path = "../../fuzz/targets.rs"]
mod targets;

use std::path::Path;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}: not a number")))
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Pieces that parsers trip over.
const PIECES: [&[u8]; 31] = [
    b"\"",
    b"\\u0000",
    b"\\ud800",
    b"\0",
    b"\xff",
    b"{",
    b"[[[[[[[[",
    b"}",
    b",",
    b":",
    b"null",
    b"-",
    b"1e400",
    b"99999999999999999999",
    b"<a>",
    b"]]>",
    b"&#0;",
    b"<!DOCTYPE x>",
    b"\xe3\x80\x80",
    b"2026-02-30",
    b"=\"",
    b"\", hash=\"",
    b" i:nil=\"true\"",
    b"\x03x\0",
    b"&#13;",
    "\u{feff}".as_bytes(),
    "\u{202e}".as_bytes(),
    "\u{200d}".as_bytes(),
    "\u{fe0f}".as_bytes(),
    "\u{3164}".as_bytes(),
    "\u{a0}".as_bytes(),
];

fn changed(random: &mut StdRng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = seeds[random.random_range(0..seeds.len())].clone();
    for _ in 0..random.random_range(1..6) {
        let at = random.random_range(0..=bytes.len());
        let until = random.random_range(at..=bytes.len().min(at + 40));
        match random.random_range(0..6) {
            0 if at < bytes.len() => bytes[at] = random.random(),
            1 => drop(bytes.drain(at..until)),
            2 => {
                let piece = PIECES[random.random_range(0..PIECES.len())];
                drop(bytes.splice(at..until.min(at + 1), piece.iter().copied()));
            }
            3 => {
                let copy = bytes[at..until].to_vec();
                let to = random.random_range(0..=bytes.len());
                drop(bytes.splice(to..to, copy));
            }
            4 => {
                let other = &seeds[random.random_range(0..seeds.len())];
                let from = random.random_range(0..=other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            _ => bytes.truncate(at),
        }
    }
    bytes
}

fn feed(name: &str, target: fn(&[u8])) {
    let seed = setting("MATCHDAY_FUZZ_SEED", 20_261_122);
    let rounds = setting("MATCHDAY_FUZZ_ROUNDS", 20_000);
    let mut random = StdRng::seed_from_u64(seed);
    let seeds = seeds(name);
    seeds.iter().for_each(|seed| target(seed));
    for round in 0..rounds {
        let bytes = if round % 8 == 0 {
            let mut noise = vec![0; random.random_range(0..200)];
            random.fill(&mut noise[..]);
            noise
        } else {
            changed(&mut random, &seeds)
        };
        let held = std::panic::catch_unwind(|| target(&bytes)).is_ok();
        assert!(held, "{name}, seed {seed}, round {round}: {:?}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn any_command_is_read_or_refused() {
    feed("command", targets::command);
}

#[test]
fn any_queue_token_is_ours_or_refused() {
    feed("queue_token", targets::queue_token);
}

#[test]
fn any_text_is_folded_once_and_hides_nothing() {
    feed("typed_text", targets::typed_text);
}

#[test]
fn any_payment_notice_is_read_or_refused() {
    feed("wechat_notice", targets::wechat_notice);
}

#[test]
fn any_code_of_sso_is_ours_or_refused() {
    feed("sso_code", targets::sso_code);
}

#[test]
fn any_hawk_header_is_read_or_refused() {
    feed("hawk_header", targets::hawk_header);
}

#[test]
fn any_body_of_regist_is_read_or_refused() {
    feed("regist_xml", targets::regist_xml);
    feed("regist_bson", targets::regist_bson);
    feed("regist_json", targets::regist_json);
}

/// The feeding itself must reach what lies behind the parsers, or those above say little.
#[test]
fn seeds_reach_the_players_and_the_members() {
    let commands = seeds("command");
    let enqueue = commands.iter().find(|body| body.starts_with(b"{\"cmd\":\"RegGetQueueToken\"")).unwrap();
    let (_, members) = matchday::api::cmd::parse::command(enqueue).unwrap();
    let today = chrono::NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
    for draft in matchday::api::cmd::parse::players(&members).unwrap() {
        actors::domain::registration::Player::new(draft, "players[0]", today).unwrap();
    }
    let mut random = StdRng::seed_from_u64(1);
    let read =
        (0..500).filter(|_| matchday::api::cmd::parse::command(&changed(&mut random, &commands)).is_ok()).count();
    assert!((20..480).contains(&read), "{read} of 500 changed commands are read");
    for header in seeds("hawk_header") {
        matchday::api::webapi::hawk_header::parse(&header).unwrap();
    }
    let reads = |target: &str, read: fn(&[u8]) -> bool| seeds(target).iter().filter(|seed| read(seed)).count();
    let xml = |body: &[u8]| matchday::api::webapi::read_xml::read(std::str::from_utf8(body).unwrap()).is_ok();
    let bson = |body: &[u8]| matchday::api::webapi::read_bson::read(body).is_ok();
    let json = |body: &[u8]| matchday::api::webapi::read_json::read(std::str::from_utf8(body).unwrap()).is_ok();
    let read = (reads("regist_xml", xml), reads("regist_bson", bson), reads("regist_json", json));
    assert_eq!(read, (2, 2, 2), "those that nest too deep or declare entities are refused");
    for notice in seeds("wechat_notice") {
        matchday::clients::wechat::xml::parse(&notice).unwrap();
    }
}
