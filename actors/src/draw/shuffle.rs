//! A seeded shuffle that another language can repeat exactly.
//!
//! The stream: block `n` (n = 0, 1, 2 …) is HMAC-SHA256 with the seed as key over `n` as 8 bytes, big-endian. Each block
//! is read as eight words of 32 bits, big-endian, in order. The shuffle: start with the list 1, 2 … count. For i from
//! count - 1 down to 1: let b = i + 1; take the next word w of the stream, again and again until w is less than the
//! largest multiple of b that is at most 2^32; swap the entries at indices i and w mod b (indices from 0).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const WORD_BYTES: usize = 4;

/// The sequences 1..=count in drawn order: the entry at index `p - 1` stands at position `p`. Every order is equally
/// likely over the seeds, because a word that would favour small numbers is skipped. A count beyond `u32::MAX` is cut
/// to it.
pub fn shuffle(seed: &[u8; 32], count: usize) -> Vec<u32> {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let mut order: Vec<u32> = (1..=count).collect();
    let mut words = Words::new(seed);
    for last in (1..order.len()).rev() {
        let chosen = words.below(last as u64 + 1);
        order.swap(last, chosen as usize);
    }
    order
}

/// The words of the stream.
struct Words {
    keyed: Hmac<Sha256>,
    next_block: u64,
    block: [u8; 32],
    used: usize,
}

impl Words {
    fn new(seed: &[u8; 32]) -> Self {
        // A key shorter than the hash's block of 64 bytes is padded with zeros; that is HMAC's own rule.
        let mut key = [0; 64];
        key[..seed.len()].copy_from_slice(seed);
        let block = [0; 32];
        Self { keyed: Hmac::new(&key.into()), next_block: 0, used: block.len(), block }
    }

    fn next(&mut self) -> u64 {
        if self.used == self.block.len() {
            let mac = self.keyed.clone().chain_update(self.next_block.to_be_bytes());
            self.block = mac.finalize().into_bytes().into();
            self.next_block += 1;
            self.used = 0;
        }
        let word =
            self.block[self.used..self.used + WORD_BYTES].iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        self.used += WORD_BYTES;
        word
    }

    /// A number in 0..bound, each equally likely; `bound` is 1..=2^32.
    fn below(&mut self, bound: u64) -> u64 {
        let range = 1u64 << 32;
        let limit = range - range % bound;
        loop {
            let word = self.next();
            if word < limit {
                return word % bound;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn seed(number: u64) -> [u8; 32] {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&number.to_be_bytes());
        seed
    }

    #[test]
    fn shuffle_is_a_permutation_and_repeats() {
        for count in [0, 1, 2, 7, 1_000] {
            let order = shuffle(&seed(1), count);
            assert_eq!(order, shuffle(&seed(1), count));
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (1..=count as u32).collect::<Vec<_>>());
        }
        assert_ne!(shuffle(&seed(1), 1_000), shuffle(&seed(2), 1_000));
    }

    /// All 24 orders of four, 24,000 seeds: chi-square with 23 degrees of freedom exceeds 60 once in 30,000 tries; the
    /// seeds are fixed, so this passes always or never.
    #[test]
    fn orders_of_four_are_equally_frequent() {
        let mut seen: HashMap<Vec<u32>, f64> = HashMap::new();
        for number in 0..24_000 {
            *seen.entry(shuffle(&seed(number), 4)).or_default() += 1.0;
        }
        assert_eq!(seen.len(), 24);
        let chi_square: f64 = seen.values().map(|count| (count - 1_000.0).powi(2) / 1_000.0).sum();
        assert!(chi_square < 60.0, "chi-square {chi_square}");
    }

    /// With a bound of three quarters of the range a plain remainder would give the lower third twice as often.
    #[test]
    fn large_bound_is_not_biased() {
        let mut words = Words::new(&seed(3));
        let bound = 3u64 << 30;
        let low = (0..30_000).filter(|_| words.below(bound) < 1 << 30).count();
        assert!((9_500..10_500).contains(&low), "{low} of 30000 in the lower third");
        // The red twin: without the rejection.
        let low = (0..30_000).filter(|_| words.next() % bound < 1 << 30).count();
        assert!(low > 14_000, "{low} of 30000 in the lower third");
    }
}
