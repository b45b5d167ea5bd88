//! What an entrant keeps: its leaf and the proof that the leaf is under the published root.

use serde::{Deserialize, Serialize};

use super::bundle::Entrant;
use super::merkle::{self, Hash, MerkleTree};

pub const FORMAT: &str = "matchday-receipt-1";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub format: String,
    pub game_id: i64,
    /// 64 hex.
    pub merkle_root: String,
    /// Leaves of the tree: the terms and the entrants.
    pub leaf_count: u32,
    pub leaf: Entrant,
    /// Partners on the way from the leaf to the root, lowest first; 64 hex each.
    pub proof: Vec<String>,
}

impl Receipt {
    /// None: the tree has no such leaf.
    pub fn new(game_id: i64, leaf: Entrant, tree: &MerkleTree) -> Option<Self> {
        let proof = tree.proof(usize::try_from(leaf.sequence).ok()?)?;
        Some(Self {
            format: FORMAT.to_owned(),
            game_id,
            merkle_root: hex::encode(tree.root()),
            leaf_count: u32::try_from(tree.count()).ok()?,
            leaf,
            proof: proof.iter().map(hex::encode).collect(),
        })
    }

    /// Whether the proof leads from the leaf to the receipt's own root.
    pub fn holds(&self) -> bool {
        let proof: Option<Vec<Hash>> = self.proof.iter().map(|hash| decode(hash)).collect();
        let (Some(proof), Some(root)) = (proof, decode(&self.merkle_root)) else { return false };
        let (index, count) = (self.leaf.sequence as usize, self.leaf_count as usize);
        // Leaf 0 is the terms.
        index > 0 && merkle::verify(self.leaf.leaf_hash(), index, count, &proof, &root)
    }
}

/// 64 lower-case hex digits.
pub fn decode(text: &str) -> Option<Hash> {
    let lower = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    hex::decode(text).ok().filter(|_| lower)?.try_into().ok()
}
