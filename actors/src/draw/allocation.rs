//! Who wins: the drawn order walked along, reserved places of one's own groups first, then the general ones.
//!
//! Walk 1: each entry in drawn order wins if what is left of its groups' reserved places and of the general places
//! covers its whole size; it takes from its groups in the order of the quotas, the rest from the general places. Walk 2:
//! all places left are general now; each entry that has not won wins if they cover its size. Entries of size 0 take no
//! part. Result: winners, then the others, then those that take no part, each in drawn order.

use super::line_order::LineOrder;

/// What the allocation knows of an entry: the one of sequence `n` stands at index `n - 1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Places it needs, all or none; 0: takes no part.
    pub size: u32,
    /// Indices of its groups' quotas, ascending.
    pub groups: Vec<usize>,
}

/// The result of a draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    /// Sequences: winners, then the wait round.
    pub order: Vec<u32>,
    /// How many of them win.
    pub winners: usize,
}

/// `reserved[g]` of the `places` are kept for group `g` while it has takers; together they are at most `places`.
/// Sequences in `drawn` without an entry take no part.
pub fn allocate(places: u32, reserved: &[u32], entries: &[Entry], drawn: &LineOrder) -> Allocation {
    let mut pools: Vec<u64> = reserved.iter().map(|places| u64::from(*places)).collect();
    let mut general = u64::from(places).saturating_sub(pools.iter().sum());
    let entry = |sequence: u32| (sequence as usize).checked_sub(1).and_then(|index| entries.get(index));
    let takes_part = |sequence: u32| entry(sequence).filter(|entry| entry.size > 0);
    let mut wins = vec![false; drawn.sequences().len()];

    for (position, sequence) in drawn.sequences().iter().enumerate() {
        let Some(entry) = takes_part(*sequence) else { continue };
        let own: u64 = entry.groups.iter().filter_map(|group| pools.get(*group)).sum();
        let mut needed = u64::from(entry.size);
        if own + general < needed {
            continue;
        }
        for group in &entry.groups {
            if let Some(pool) = pools.get_mut(*group) {
                let taken = needed.min(*pool);
                *pool -= taken;
                needed -= taken;
            }
        }
        general -= needed;
        wins[position] = true;
    }

    let mut left = general + pools.iter().sum::<u64>();
    for (position, sequence) in drawn.sequences().iter().enumerate() {
        if let Some(entry) = takes_part(*sequence)
            && !wins[position]
            && u64::from(entry.size) <= left
        {
            left -= u64::from(entry.size);
            wins[position] = true;
        }
    }

    let class = |position: usize, sequence: u32| match (wins[position], takes_part(sequence)) {
        (true, _) => 0,
        (false, Some(_)) => 1,
        (false, None) => 2,
    };
    let mut order = Vec::with_capacity(wins.len());
    for wanted in 0..3 {
        let of_class = drawn.sequences().iter().enumerate().filter(|(at, sequence)| class(*at, **sequence) == wanted);
        order.extend(of_class.map(|(_, sequence)| *sequence));
    }
    Allocation { order, winners: wins.iter().filter(|wins| **wins).count() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(size: u32, groups: &[usize]) -> Entry {
        Entry { size, groups: groups.to_vec() }
    }

    fn plain(count: u32) -> LineOrder {
        LineOrder::from_sequences((1..=count).collect()).unwrap()
    }

    #[test]
    fn reserved_places_go_to_the_group_and_the_rest_to_all() {
        // Four places, one for the group; its member is drawn last.
        let entries = [entry(1, &[]), entry(1, &[]), entry(1, &[]), entry(1, &[]), entry(1, &[0])];
        let drawn = allocate(4, &[1], &entries, &plain(5));
        assert_eq!(drawn, Allocation { order: vec![1, 2, 3, 5, 4], winners: 4 });
    }

    #[test]
    fn reserved_places_without_takers_go_to_the_others() {
        let entries = [entry(1, &[]), entry(1, &[]), entry(1, &[0]), entry(1, &[])];
        assert_eq!(allocate(3, &[2], &entries, &plain(4)), Allocation { order: vec![1, 2, 3, 4], winners: 3 });
    }

    #[test]
    fn a_group_of_players_is_placed_together_or_not_at_all() {
        // Two are left for three players; the single behind them fits.
        let entries = [entry(2, &[]), entry(3, &[]), entry(1, &[])];
        assert_eq!(allocate(4, &[], &entries, &plain(3)), Allocation { order: vec![1, 3, 2], winners: 2 });
        // A reserved place and a general one together.
        assert_eq!(allocate(2, &[1], &[entry(2, &[0])], &plain(1)).winners, 1);
    }

    #[test]
    fn entries_that_take_no_part_come_last() {
        let entries = [entry(0, &[]), entry(1, &[]), entry(1, &[])];
        assert_eq!(allocate(1, &[], &entries, &plain(3)), Allocation { order: vec![2, 3, 1], winners: 1 });
        assert_eq!(allocate(5, &[], &[], &plain(0)), Allocation { order: vec![], winners: 0 });
    }

    fn entries(sizes: impl Strategy<Value = u32> + 'static) -> impl Strategy<Value = Vec<Entry>> {
        let groups = proptest::collection::btree_set(0usize..3, 0..3);
        let entry = (sizes, groups).prop_map(|(size, groups)| Entry { size, groups: groups.into_iter().collect() });
        proptest::collection::vec(entry, 0..60)
    }

    fn drawn(seed: &[u8; 32], entries: &[Entry], places: u32, reserved: &[u32]) -> Allocation {
        allocate(places, reserved, entries, &LineOrder::from_seed(seed, entries.len()))
    }

    fn size_of(entries: &[Entry], sequences: &[u32]) -> u32 {
        sequences.iter().map(|sequence| entries[*sequence as usize - 1].size).sum()
    }

    proptest! {
        #[test]
        fn no_place_is_given_twice_and_none_is_left_for_who_fits(
            seed: [u8; 32], entries in entries(0u32..6), reserved in [0u32..9, 0..9, 0..9], more in 0u32..40,
        ) {
            let places = reserved.iter().sum::<u32>() + more;
            let result = drawn(&seed, &entries, places, &reserved);
            let (winners, others) = result.order.split_at(result.winners);
            let given = size_of(&entries, winners);
            prop_assert!(given <= places);
            for other in others {
                let size = entries[*other as usize - 1].size;
                prop_assert!(size == 0 || size > places - given, "{other} fits and did not win");
            }
            prop_assert!(winners.iter().all(|winner| entries[*winner as usize - 1].size > 0));
            // Everybody is in it once; within a class the drawn order holds.
            let order = LineOrder::from_sequences(result.order.clone());
            prop_assert!(order.is_some());
            let shuffled = LineOrder::from_seed(&seed, entries.len());
            prop_assert!(winners.is_sorted_by_key(|sequence| shuffled.position_of(i64::from(*sequence))));
        }

        #[test]
        fn each_group_gets_its_places_or_all_it_asks_for(
            seed: [u8; 32], entries in entries(1u32..2), reserved in [0u32..9, 0..9, 0..9], more in 0u32..20,
        ) {
            let result = drawn(&seed, &entries, reserved.iter().sum::<u32>() + more, &reserved);
            for (group, reserved) in reserved.iter().enumerate() {
                let belongs = |sequence: &&u32| entries[**sequence as usize - 1].groups.contains(&group);
                let demand = result.order.iter().filter(belongs).count();
                let won = result.order[..result.winners].iter().filter(belongs).count();
                prop_assert!(won >= demand.min(*reserved as usize), "group {group}: {won} of {demand}");
            }
        }
    }
}
