//! What a draw publishes: its terms, the entrants, and afterwards the secret, the public value and the result. Nothing
//! personal is in it: an entrant is a hash of its queue token, which only the entrant has.
//!
//! Leaf 0 of the Merkle tree is the terms, leaf `n` the entrant of sequence `n`. Seed: HMAC-SHA256 with the secret as
//! key over the root's 32 bytes and the public value's UTF-8 bytes. Then `shuffle`, then `allocate`.

use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::allocation::{Allocation, Entry, allocate};
use super::line_order::LineOrder;
use super::merkle::{Hash, MerkleTree, leaf_hash};

pub const FORMAT: &str = "matchday-draw-1";

/// Places kept for a group of entrants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupQuota {
    pub name: String,
    pub places: u32,
    /// Who belongs to it: `gender:female`, `gender:male` or `list`.
    pub rule: String,
}

/// What is published before the first entry and never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub game_id: i64,
    /// SHA-256 of the secret, 64 hex.
    pub commitment: String,
    /// All places, the reserved ones included.
    pub places: u32,
    pub quotas: Vec<GroupQuota>,
    /// Which public value will be entered after closing, in words; may be empty.
    #[serde(default)]
    pub public_source: String,
}

impl Terms {
    fn leaf(&self) -> String {
        let mut leaf = format!(
            "matchday draw 1\n{}\n{}\n{}\n{}\n",
            self.game_id, self.commitment, self.places, self.public_source
        );
        for quota in &self.quotas {
            // Writing into a String cannot fail.
            let _ = writeln!(leaf, "{} {} {}", quota.places, quota.rule, quota.name);
        }
        leaf
    }
}

/// One token of the line as the draw sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entrant {
    pub sequence: u32,
    /// Players, who are placed together; 0: takes no part (left, or a player of it entered earlier).
    pub size: u32,
    /// `entrant_hash` of its token, 64 hex.
    pub entrant: String,
    /// Names of its groups in the order of the quotas.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

impl Entrant {
    pub fn leaf_hash(&self) -> Hash {
        let mut leaf = format!("matchday entrant 1\n{}\n{}\n{}\n", self.sequence, self.size, self.entrant);
        for group in &self.groups {
            leaf.push_str(group);
            leaf.push('\n');
        }
        leaf_hash(leaf.as_bytes())
    }
}

/// SHA-256 over `matchday token 1`, a line feed and the token, as 64 hex.
pub fn entrant_hash(token: &str) -> String {
    hex::encode(Sha256::new_with_prefix("matchday token 1\n").chain_update(token).finalize())
}

/// SHA-256 of a secret, as 64 hex.
pub fn commitment(secret: &Hash) -> String {
    hex::encode(Sha256::digest(secret))
}

/// The tree over the terms and the entrants, who stand in the order of their sequences.
pub fn tree(terms: &Terms, entrants: &[Entrant]) -> MerkleTree {
    let leaves = std::iter::once(leaf_hash(terms.leaf().as_bytes())).chain(entrants.iter().map(Entrant::leaf_hash));
    MerkleTree::new(leaves.collect())
}

pub fn seed(secret: &Hash, root: &Hash, public_value: &str) -> Hash {
    // A key shorter than the hash's block of 64 bytes is padded with zeros; that is HMAC's own rule.
    let mut key = [0; 64];
    key[..secret.len()].copy_from_slice(secret);
    let mac = Hmac::<Sha256>::new(&key.into()).chain_update(root).chain_update(public_value);
    mac.finalize().into_bytes().into()
}

/// The whole draw from its fixed parts.
pub fn draw(terms: &Terms, entrants: &[Entrant], root: &Hash, secret: &Hash, public_value: &str) -> Allocation {
    let group = |name: &String| terms.quotas.iter().position(|quota| quota.name == *name);
    let entries: Vec<Entry> = entrants
        .iter()
        .map(|entrant| {
            let mut groups: Vec<usize> = entrant.groups.iter().filter_map(group).collect();
            groups.sort_unstable();
            Entry { size: entrant.size, groups }
        })
        .collect();
    let reserved: Vec<u32> = terms.quotas.iter().map(|quota| quota.places).collect();
    let order = LineOrder::from_seed(&seed(secret, root, public_value), entrants.len());
    allocate(terms.places, &reserved, &entries, &order)
}

/// What is revealed by the draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawn {
    pub public_value: String,
    /// 64 hex.
    pub secret: String,
    /// How many of the first in the order win; the others are the wait round.
    pub winners: u32,
    /// Sequences.
    pub order: Vec<u32>,
}

/// Everything anybody needs to check a draw. `drawn` is missing until it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    pub format: String,
    #[serde(flatten)]
    pub terms: Terms,
    /// 64 hex.
    pub merkle_root: String,
    pub entrants: Vec<Entrant>,
    #[serde(flatten)]
    pub drawn: Option<Drawn>,
}
