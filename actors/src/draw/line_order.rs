//! The order in which a line's tokens are worked through: a permutation of the first of them, then as they came.

use super::shuffle::shuffle;

/// Maps positions (1 is decided first) to sequence numbers (1 came first) and back. Beyond `count` both are the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LineOrder {
    sequences: Vec<u32>,
    positions: Vec<u32>,
}

impl LineOrder {
    /// The first `count` sequences in the order of `shuffle`.
    pub fn from_seed(seed: &[u8; 32], count: usize) -> Self {
        Self::from_sequences(shuffle(seed, count)).unwrap_or_default()
    }

    /// `sequences[0]` is decided first. None when they are not a permutation of 1..=len.
    pub fn from_sequences(sequences: Vec<u32>) -> Option<Self> {
        let mut positions = vec![0; sequences.len()];
        for (position, sequence) in (1u32..).zip(&sequences) {
            let index = usize::try_from(*sequence).ok()?.checked_sub(1)?;
            let slot = positions.get_mut(index).filter(|slot| **slot == 0)?;
            *slot = position;
        }
        Some(Self { sequences, positions })
    }

    /// How many positions are permuted.
    pub fn count(&self) -> i64 {
        self.sequences.len() as i64
    }

    /// The sequences in order, without those that stand where they came.
    pub fn sequences(&self) -> &[u32] {
        &self.sequences
    }

    pub fn sequence_at(&self, position: i64) -> i64 {
        mapped(&self.sequences, position)
    }

    pub fn position_of(&self, sequence: i64) -> i64 {
        mapped(&self.positions, sequence)
    }
}

fn mapped(map: &[u32], from: i64) -> i64 {
    let index = from.checked_sub(1).and_then(|index| usize::try_from(index).ok());
    index.and_then(|index| map.get(index)).map_or(from, |to| i64::from(*to))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_permutations_are_orders() {
        assert!(LineOrder::from_sequences(vec![2, 3, 1]).is_some());
        for wrong in [vec![0, 1], vec![1, 1], vec![1, 3], vec![u32::MAX]] {
            assert_eq!(LineOrder::from_sequences(wrong.clone()), None, "{wrong:?}");
        }
    }

    #[test]
    fn positions_beyond_the_count_are_as_they_came() {
        let order = LineOrder::from_sequences(vec![2, 3, 1]).unwrap();
        assert_eq!([1, 2, 3, 4, 90].map(|position| order.sequence_at(position)), [2, 3, 1, 4, 90]);
        assert_eq!([1, 2, 3, 4, 90].map(|sequence| order.position_of(sequence)), [3, 1, 2, 4, 90]);
        assert_eq!([0, -1, i64::MIN, i64::MAX].map(|edge| order.sequence_at(edge)), [0, -1, i64::MIN, i64::MAX]);
        assert_eq!(LineOrder::default().sequence_at(5), 5);
    }

    proptest! {
        #[test]
        fn there_and_back(seed: [u8; 32], count in 0usize..300, place in -5i64..400) {
            let order = LineOrder::from_seed(&seed, count);
            prop_assert_eq!(order.count(), count as i64);
            prop_assert_eq!(order.position_of(order.sequence_at(place)), place);
            prop_assert_eq!(order.sequence_at(order.position_of(place)), place);
        }
    }
}
