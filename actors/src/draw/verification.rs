//! Checking a bundle and a receipt, step by step, with nothing but what is in them.

use std::collections::HashSet;

use super::bundle::{self, Bundle, Drawn, FORMAT, Terms};
use super::receipt::{self, Receipt, decode};

/// Limits of what a bundle may say; a draw keeps to them too.
pub const MOST_ENTRANTS: usize = 500_000;
pub const MOST_GROUPS: usize = 16;
pub const LONGEST_TEXT: usize = 200;
const LARGEST_ENTRY: u32 = 100;

/// What was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The parts are complete and sensible.
    Form,
    /// The published root is the one of the terms and entrants.
    Root,
    /// The draw was made.
    Drawn,
    /// The secret is the one that was committed to.
    Commitment,
    /// The order and the number of winners follow from secret, root and public value.
    Result,
    /// The receipt's proof leads to its root.
    Proof,
    /// The receipt is one of this draw.
    Receipt,
    /// The token is the receipt's.
    Token,
}

/// One step and what came of it; a step that failed says why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub step: Step,
    pub failure: Option<String>,
}

fn check(step: Step, outcome: Result<(), String>) -> Check {
    Check { step, failure: outcome.err() }
}

/// All steps of a draw. It is sound when none failed; after a bad form the others are not tried.
pub fn verify(bundle: &Bundle) -> Vec<Check> {
    let mut checks = vec![check(Step::Form, form(bundle))];
    if checks[0].failure.is_some() {
        return checks;
    }
    let tree = bundle::tree(&bundle.terms, &bundle.entrants);
    let root = hex::encode(tree.root());
    let same_root = root == bundle.merkle_root;
    checks.push(check(Step::Root, expect(same_root, || format!("the entrants give {root}"))));
    let Some(drawn) = &bundle.drawn else {
        checks.push(check(Step::Drawn, Err("not drawn yet".to_owned())));
        return checks;
    };
    checks.push(check(Step::Drawn, Ok(())));
    let Some(secret) = decode(&drawn.secret) else {
        checks.push(check(Step::Commitment, Err("the secret is not 64 hex digits".to_owned())));
        return checks;
    };
    let commitment = bundle::commitment(&secret);
    let kept = commitment == bundle.terms.commitment;
    checks.push(check(Step::Commitment, expect(kept, || format!("the secret's hash is {commitment}"))));
    checks.push(check(Step::Result, result(bundle, drawn, &secret, &tree.root())));
    checks
}

/// A receipt against the draw it belongs to, and the token it was made for if that is known.
pub fn verify_receipt(bundle: &Bundle, receipt: &Receipt, token: Option<&str>) -> Vec<Check> {
    let known = (receipt.leaf.sequence as usize).checked_sub(1).and_then(|index| bundle.entrants.get(index));
    let belongs = receipt.format == receipt::FORMAT
        && receipt.game_id == bundle.terms.game_id
        && receipt.merkle_root == bundle.merkle_root
        // The terms are a leaf too.
        && receipt.leaf_count as usize == bundle.entrants.len() + 1
        && known == Some(&receipt.leaf);
    let proof = expect(receipt.holds(), || "the proof does not lead to the root".to_owned());
    let member = expect(belongs, || "its root or its entrant is not in this draw".to_owned());
    let mut checks = vec![check(Step::Proof, proof), check(Step::Receipt, member)];
    if let Some(token) = token {
        let own = bundle::entrant_hash(token) == receipt.leaf.entrant;
        checks.push(check(Step::Token, expect(own, || "the receipt is another token's".to_owned())));
    }
    checks
}

/// Where a sequence stands in the result: its position from 1, and whether it wins.
pub fn standing(drawn: &Drawn, sequence: u32) -> Option<(usize, bool)> {
    let position = drawn.order.iter().position(|it| *it == sequence)? + 1;
    Some((position, position <= drawn.winners as usize))
}

fn expect(holds: bool, failure: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(failure()) }
}

fn form(bundle: &Bundle) -> Result<(), String> {
    expect(bundle.format == FORMAT, || format!("the format is not {FORMAT}"))?;
    check_terms(&bundle.terms)?;
    expect(bundle.entrants.len() <= MOST_ENTRANTS, || format!("more than {MOST_ENTRANTS} entrants"))?;
    let known: HashSet<&str> = bundle.terms.quotas.iter().map(|quota| quota.name.as_str()).collect();
    for (sequence, entrant) in (1u32..).zip(&bundle.entrants) {
        let mut names = HashSet::new();
        let sensible = entrant.sequence == sequence
            && entrant.size <= LARGEST_ENTRY
            && decode(&entrant.entrant).is_some()
            && entrant.groups.iter().all(|name| known.contains(name.as_str()) && names.insert(name));
        expect(sensible, || format!("entrant {sequence} is out of place or malformed"))?;
    }
    expect(decode(&bundle.merkle_root).is_some(), || "the root is not 64 hex digits".to_owned())
}

/// Rules that keep the terms' text unambiguous. `Err` names what is wrong.
pub fn check_terms(terms: &Terms) -> Result<(), String> {
    expect(decode(&terms.commitment).is_some(), || "the commitment is not 64 hex digits".to_owned())?;
    check_text("public_source", &terms.public_source, 0)?;
    expect(terms.quotas.len() <= MOST_GROUPS, || format!("more than {MOST_GROUPS} groups"))?;
    let mut names = HashSet::new();
    for quota in &terms.quotas {
        check_text("name", &quota.name, 1)?;
        expect(names.insert(&quota.name), || format!("group {} is named twice", quota.name))?;
        let known = matches!(quota.rule.as_str(), "gender:female" | "gender:male" | "list");
        expect(known, || format!("rule {} is none of gender:female, gender:male, list", quota.rule))?;
    }
    let reserved: u64 = terms.quotas.iter().map(|quota| u64::from(quota.places)).sum();
    expect(reserved <= u64::from(terms.places), || "more places are reserved than there are".to_owned())
}

/// One line without blanks around it, `least` to 200 characters. `Err` is the reason.
pub fn check_text(what: &str, text: &str, least: usize) -> Result<(), String> {
    let length = text.chars().count();
    let fine = (least..=LONGEST_TEXT).contains(&length) && text.trim() == text && !text.chars().any(char::is_control);
    expect(fine, || format!("{what} must be one line of {least} to {LONGEST_TEXT} characters without blanks around it"))
}

fn result(bundle: &Bundle, drawn: &Drawn, secret: &[u8; 32], root: &[u8; 32]) -> Result<(), String> {
    check_text("public_value", &drawn.public_value, 1)?;
    let expected = bundle::draw(&bundle.terms, &bundle.entrants, root, secret, &drawn.public_value);
    let differs = expected.order.iter().zip(&drawn.order).position(|(expected, stated)| expected != stated);
    if let Some(index) = differs {
        return Err(format!("position {} is drawn differently", index + 1));
    }
    expect(expected.order.len() == drawn.order.len(), || "the order is not complete".to_owned())?;
    expect(expected.winners == drawn.winners as usize, || format!("there are {} winners", expected.winners))
}

#[cfg(test)]
#[path = "verification_tests.rs"]
mod tests;
