//! The vector that an independent program computed from the words in docs/draw.md, and every kind of tampering with it.

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::super::bundle::{Drawn, Entrant, GroupQuota};
use super::super::shuffle::shuffle;
use super::*;

#[derive(serde::Deserialize)]
struct Vector {
    bundle: Bundle,
    receipt: Receipt,
    token: String,
    seed: String,
    shuffled: Vec<u32>,
    shuffle_of_1000: String,
}

fn vector() -> Vector {
    serde_json::from_str(include_str!("../../../tests/vectors/draw.json")).unwrap()
}

fn failed(checks: &[Check]) -> Vec<Step> {
    checks.iter().filter(|check| check.failure.is_some()).map(|check| check.step).collect()
}

#[test]
fn vector_of_an_independent_program_is_ours_to_the_last_byte() {
    let vector = vector();
    let tree = bundle::tree(&vector.bundle.terms, &vector.bundle.entrants);
    assert_eq!(hex::encode(tree.root()), vector.bundle.merkle_root);
    let drawn = vector.bundle.drawn.clone().unwrap();
    let seed = bundle::seed(&decode(&drawn.secret).unwrap(), &tree.root(), &drawn.public_value);
    assert_eq!(hex::encode(seed), vector.seed);
    assert_eq!(shuffle(&seed, vector.shuffled.len()), vector.shuffled);
    let mut thousand = Sha256::new();
    for sequence in shuffle(&seed, 1000) {
        thousand.update(sequence.to_be_bytes());
    }
    assert_eq!(hex::encode(thousand.finalize()), vector.shuffle_of_1000);
    assert_eq!(failed(&verify(&vector.bundle)), []);
    let own = Receipt::new(7, vector.receipt.leaf.clone(), &tree).unwrap();
    assert_eq!(own, vector.receipt);
    assert_eq!(failed(&verify_receipt(&vector.bundle, &vector.receipt, Some(&vector.token))), []);
    assert_eq!(standing(&drawn, 4), Some((7, true)));
    assert_eq!(standing(&drawn, 13), Some((8, false)));
    assert_eq!(standing(&drawn, 14), None);
}

fn tampered(change: impl FnOnce(&mut Bundle)) -> Vec<Step> {
    let mut bundle = vector().bundle;
    change(&mut bundle);
    failed(&verify(&bundle))
}

fn tampered_draw(change: impl FnOnce(&mut Drawn)) -> Vec<Step> {
    tampered(|bundle| change(bundle.drawn.as_mut().unwrap()))
}

#[test]
fn every_change_of_a_bundle_is_seen() {
    assert_eq!(tampered(|bundle| bundle.terms.places = 10), [Step::Root, Step::Result]);
    assert!(tampered(|bundle| bundle.terms.quotas[0].places = 1).contains(&Step::Root));
    assert!(tampered(|bundle| bundle.terms.public_source = "dice".to_owned()).contains(&Step::Root));
    assert!(tampered(|bundle| bundle.entrants[2].size = 2).contains(&Step::Root));
    assert!(tampered(|bundle| bundle.entrants[2].groups.push("women".to_owned())).contains(&Step::Root));
    assert!(tampered(|bundle| bundle.entrants.truncate(12)).contains(&Step::Root));
    assert_eq!(tampered(|bundle| bundle.merkle_root = "00".repeat(32)), [Step::Root]);
    assert_eq!(tampered(|bundle| bundle.entrants.swap(0, 1)), [Step::Form]);
    assert_eq!(tampered(|bundle| bundle.terms.quotas[1].places = 8), [Step::Form]);
    assert_eq!(tampered(|bundle| bundle.terms.quotas[0].name = "a\nb".to_owned()), [Step::Form]);
    assert_eq!(tampered(|bundle| bundle.drawn = None), [Step::Drawn]);

    assert_eq!(tampered_draw(|drawn| drawn.order.swap(0, 12)), [Step::Result]);
    assert_eq!(tampered_draw(|drawn| drawn.order.truncate(12)), [Step::Result]);
    assert_eq!(tampered_draw(|drawn| drawn.winners = 8), [Step::Result]);
    assert_eq!(tampered_draw(|drawn| drawn.public_value = "3358.74 收盘".to_owned()), [Step::Result]);
    assert_eq!(tampered_draw(|drawn| drawn.secret = "01".repeat(32)), [Step::Commitment, Step::Result]);
    assert_eq!(tampered_draw(|drawn| drawn.secret = "x".to_owned()), [Step::Commitment]);
}

#[test]
fn another_receipt_or_token_is_seen() {
    let vector = vector();
    let failed_with = |change: fn(&mut Receipt)| {
        let mut receipt = vector.receipt.clone();
        change(&mut receipt);
        failed(&verify_receipt(&vector.bundle, &receipt, None))
    };
    assert_eq!(failed_with(|receipt| receipt.leaf.size = 2), [Step::Proof, Step::Receipt]);
    assert_eq!(failed_with(|receipt| receipt.leaf.sequence = 5), [Step::Proof, Step::Receipt]);
    assert_eq!(failed_with(|receipt| receipt.leaf.sequence = 0), [Step::Proof, Step::Receipt]);
    assert_eq!(failed_with(|receipt| receipt.proof.clear()), [Step::Proof]);
    assert_eq!(failed_with(|receipt| receipt.merkle_root = "00".repeat(32)), [Step::Proof, Step::Receipt]);
    assert_eq!(failed_with(|receipt| receipt.game_id = 8), [Step::Receipt]);
    assert_eq!(failed(&verify_receipt(&vector.bundle, &vector.receipt, Some("token-5"))), [Step::Token]);
}

#[test]
fn bundle_survives_being_written_and_read() {
    let bundle = vector().bundle;
    let text = serde_json::to_string(&bundle).unwrap();
    assert_eq!(serde_json::from_str::<Bundle>(&text).unwrap(), bundle);
    let open = Bundle { drawn: None, ..bundle };
    let text = serde_json::to_string(&open).unwrap();
    assert!(!text.contains("secret") && !text.contains("order"), "{text}");
    assert_eq!(serde_json::from_str::<Bundle>(&text).unwrap(), open);
}

proptest! {
    #[test]
    fn whatever_is_drawn_verifies(secret: [u8; 32], sizes in proptest::collection::vec(0u32..5, 0..40), places in 5u32..60) {
        let quotas = vec![GroupQuota { name: "女子".to_owned(), places: 5, rule: "list".to_owned() }];
        let commitment = bundle::commitment(&secret);
        let terms = Terms { game_id: 1, commitment, places, quotas, public_source: String::new() };
        let entrants: Vec<Entrant> = (1u32..).zip(sizes).map(|(sequence, size)| Entrant {
            sequence,
            size,
            entrant: bundle::entrant_hash(&sequence.to_string()),
            groups: if sequence % 3 == 0 { vec!["女子".to_owned()] } else { Vec::new() },
        }).collect();
        let tree = bundle::tree(&terms, &entrants);
        let drawn = bundle::draw(&terms, &entrants, &tree.root(), &secret, "42");
        for entrant in &entrants {
            prop_assert!(Receipt::new(1, entrant.clone(), &tree).unwrap().holds());
        }
        let drawn = Drawn {
            public_value: "42".to_owned(),
            secret: hex::encode(secret),
            winners: drawn.winners as u32,
            order: drawn.order,
        };
        let format = FORMAT.to_owned();
        let bundle = Bundle { format, terms, merkle_root: hex::encode(tree.root()), entrants, drawn: Some(drawn) };
        prop_assert_eq!(failed(&verify(&bundle)), []);
    }
}
