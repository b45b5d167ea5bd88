//! Merkle trees as in RFC 6962: a leaf is SHA-256 of a zero byte and the leaf's bytes, a node SHA-256 of a one byte and
//! its two children, so that neither can pass for the other. A level's last hash without a partner goes up unchanged.

use sha2::{Digest, Sha256};

pub type Hash = [u8; 32];

pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Sha256::new_with_prefix([0]).chain_update(leaf).finalize().into()
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new_with_prefix([1]).chain_update(left).chain_update(right).finalize().into()
}

/// All levels of a tree, so that a proof is looked up and not worked out again: two hashes a leaf.
#[derive(Debug, Clone)]
pub struct MerkleTree {
    levels: Vec<Vec<Hash>>,
}

impl MerkleTree {
    pub fn new(leaves: Vec<Hash>) -> Self {
        let mut levels = vec![leaves];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let level = below
                .chunks(2)
                .map(|pair| match pair {
                    [left, right] => node_hash(left, right),
                    pair => pair[0],
                })
                .collect();
            levels.push(level);
        }
        Self { levels }
    }

    /// Without leaves: the hash of nothing.
    pub fn root(&self) -> Hash {
        self.levels.last().and_then(|level| level.first()).copied().unwrap_or_else(|| Sha256::digest([]).into())
    }

    /// Leaves.
    pub fn count(&self) -> usize {
        self.levels.first().map_or(0, Vec::len)
    }

    /// The partners of the hashes on the way from a leaf to the root, lowest first. None: there is no such leaf.
    pub fn proof(&self, index: usize) -> Option<Vec<Hash>> {
        if index >= self.count() {
            return None;
        }
        let partners = self.levels.iter().enumerate().filter_map(|(height, level)| level.get((index >> height) ^ 1));
        Some(partners.copied().collect())
    }
}

/// Whether a leaf with this hash stands at `index` of the `count` leaves of the tree with this root.
pub fn verify(leaf: Hash, index: usize, count: usize, proof: &[Hash], root: &Hash) -> bool {
    if index >= count {
        return false;
    }
    let (mut hash, mut index, mut width, mut partners) = (leaf, index, count, proof.iter());
    while width > 1 {
        if index ^ 1 < width {
            let Some(partner) = partners.next() else { return false };
            hash = if index % 2 == 0 { node_hash(&hash, partner) } else { node_hash(partner, &hash) };
        }
        (index, width) = (index / 2, width.div_ceil(2));
    }
    partners.next().is_none() && hash == *root
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: usize) -> Vec<Hash> {
        (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
    }

    /// The definition in RFC 6962, section 2.1: split at the largest power of two below the count.
    fn root_by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [leaf] => *leaf,
            leaves => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                node_hash(&root_by_definition(left), &root_by_definition(right))
            }
        }
    }

    #[test]
    fn known_hashes() {
        // The empty tree and the empty leaf, as Certificate Transparency's tests have them.
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hex::encode(MerkleTree::new(Vec::new()).root()), empty);
        let leaf = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(hex::encode(leaf_hash(b"")), leaf);
    }

    #[test]
    fn every_leaf_of_every_size_is_proven_and_nothing_else() {
        for count in 0..40 {
            let leaves = leaves(count);
            let tree = MerkleTree::new(leaves.clone());
            let root = tree.root();
            assert_eq!(root, root_by_definition(&leaves), "{count}");
            assert_eq!(tree.proof(count), None);
            for (index, leaf) in leaves.iter().enumerate() {
                let proof = tree.proof(index).unwrap();
                assert!(verify(*leaf, index, count, &proof, &root), "{index} of {count}");
                assert!(!verify(leaf_hash(b"other"), index, count, &proof, &root));
                assert!(!verify(*leaf, index, count, &proof, &leaf_hash(b"other")));
                for wrong in (0..count + 2).filter(|wrong| *wrong != index) {
                    assert!(!verify(*leaf, wrong, count, &proof, &root), "{index} passes for {wrong} of {count}");
                }
                let longer = [proof.clone(), vec![root]].concat();
                assert!(!verify(*leaf, index, count, &longer, &root));
                if let Some((_, shorter)) = proof.split_last() {
                    assert!(!verify(*leaf, index, count, shorter, &root));
                }
            }
        }
    }
}
