//! Random operations on the pure line against a simple reference, and red twins that show each fault with its guard off.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Operation {
    /// Persons' numbers; each is a certificate.
    Join(Vec<u8>),
    Admit(usize),
    Pay(usize),
    Expire(usize),
    Refund(usize),
    SetPlaces(i64, Option<i64>),
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => prop::collection::btree_set(0u8..60, 1..4).prop_map(|people| Operation::Join(people.into_iter().collect())),
        4 => (1usize..6).prop_map(Operation::Admit),
        3 => (0usize..64).prop_map(Operation::Pay),
        3 => (0usize..64).prop_map(Operation::Expire),
        1 => (0usize..64).prop_map(Operation::Refund),
        1 => (0i64..30, prop::option::of(0i64..40)).prop_map(|(limit, balance)| Operation::SetPlaces(limit, balance)),
    ]
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum OrderState {
    Held,
    Sold,
    Over,
}

/// The line as a ledger would keep it, with guards that a test can switch off.
struct Line {
    quota: Quota,
    waiting: Vec<Waiting>,
    orders: Vec<(OrderNo, Vec<String>, OrderState)>,
    taken: HashMap<String, Holder>,
    outcomes: Vec<(i64, Outcome)>,
    tail: i64,
    check_places: bool,
    check_certificates: bool,
}

impl Line {
    fn new(limitation: i64) -> Self {
        let mut quota = Quota::default();
        quota.set(limitation, None);
        Self {
            quota,
            waiting: Vec::new(),
            orders: Vec::new(),
            taken: HashMap::new(),
            outcomes: Vec::new(),
            tail: 0,
            check_places: true,
            check_certificates: true,
        }
    }

    fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Join(people) => {
                self.tail += 1;
                let certificates = people.iter().map(|person| format!("certificate-{person}")).collect();
                self.waiting.push(Waiting { sequence: self.tail, account: AccountId(self.tail % 5 + 1), certificates });
            }
            Operation::Admit(limit) => self.admit(*limit),
            Operation::Pay(pick) => {
                if let Some(index) = self.pick(*pick, OrderState::Held) {
                    self.orders[index].2 = OrderState::Sold;
                    self.quota.settle_held(self.orders[index].1.len() as i64);
                }
            }
            Operation::Expire(pick) => {
                if let Some(index) = self.pick(*pick, OrderState::Held) {
                    self.quota.give_back_held(self.orders[index].1.len() as i64);
                    self.end(index);
                }
            }
            Operation::Refund(pick) => {
                if let Some(index) = self.pick(*pick, OrderState::Sold) {
                    self.quota.give_back_sold(self.orders[index].1.len() as i64);
                    self.end(index);
                }
            }
            Operation::SetPlaces(limitation, balance) => self.quota.set(*limitation, *balance),
        }
    }

    fn admit(&mut self, limit: usize) {
        let batch: Vec<Waiting> = self.waiting.drain(..limit.min(self.waiting.len())).collect();
        let mut quota = self.quota;
        if !self.check_places {
            quota.limitation = 0;
        }
        let mut none = HashMap::new();
        let taken = if self.check_certificates { &mut self.taken } else { &mut none };
        let outcomes = decide(&mut quota, taken, &batch, |sequence| OrderNo::compose(0, order_tail(1, sequence)));
        self.quota = Quota { limitation: self.quota.limitation, ..quota };
        for (token, outcome) in batch.into_iter().zip(outcomes) {
            if let Outcome::Ordered(order_no) = &outcome {
                self.orders.push((order_no.clone(), token.certificates.clone(), OrderState::Held));
            }
            self.outcomes.push((token.sequence, outcome));
        }
    }

    fn pick(&self, pick: usize, state: OrderState) -> Option<usize> {
        let matching: Vec<usize> = (0..self.orders.len()).filter(|index| self.orders[*index].2 == state).collect();
        (!matching.is_empty()).then(|| matching[pick % matching.len()])
    }

    fn end(&mut self, index: usize) {
        self.orders[index].2 = OrderState::Over;
        for certificate in &self.orders[index].1 {
            self.taken.remove(certificate);
        }
    }

    fn places(&self, state: OrderState) -> i64 {
        self.orders.iter().filter(|order| order.2 == state).map(|order| order.1.len() as i64).sum()
    }

    fn certificates_are_distinct(&self) -> bool {
        let mut seen = HashSet::new();
        self.orders
            .iter()
            .filter(|order| order.2 != OrderState::Over)
            .flat_map(|order| &order.1)
            .all(|it| seen.insert(it))
    }

    /// What must hold after every operation.
    fn check(&self) -> Result<(), TestCaseError> {
        let quota = self.quota;
        prop_assert_eq!(quota.sold, self.places(OrderState::Sold));
        prop_assert_eq!(quota.held, self.places(OrderState::Held));
        prop_assert!(quota.balance >= 0);
        if !quota.is_unlimited() {
            prop_assert_eq!(quota.limitation, quota.sold + quota.held + quota.withheld() + quota.balance);
            prop_assert!(quota.balance == 0 || quota.sold + quota.held + quota.balance <= quota.limitation);
        }
        prop_assert!(self.certificates_are_distinct());
        for (index, (sequence, _)) in self.outcomes.iter().enumerate() {
            prop_assert_eq!(*sequence, index as i64 + 1, "every token once, in order");
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn line_stays_exact_under_random_operations(
        limitation in 0i64..20,
        operations in prop::collection::vec(operation(), 1..120),
    ) {
        let mut line = Line::new(limitation);
        for operation in &operations {
            let before = line.quota;
            line.apply(operation);
            line.check()?;
            // Without a change of the limit nothing may push what was given over it.
            if !matches!(operation, Operation::SetPlaces(..)) && !before.is_unlimited() {
                let over = |quota: Quota| (quota.sold + quota.held - quota.limitation).max(0);
                prop_assert!(over(line.quota) <= over(before), "sold beyond the limit by {operation:?}");
            }
        }
        // At rest: once all is admitted, a token is Full only if its group did not fit when its turn came.
        line.admit(usize::MAX);
        line.check()?;
        prop_assert!(line.waiting.is_empty());
        prop_assert_eq!(line.outcomes.len() as i64, line.tail);
    }

    #[test]
    fn order_tails_never_collide_within_a_game(game in 1i64..1000, sequence in 1i64..9_999_999, step in 1i64..9_999_999) {
        let other = (sequence + step) % 10_000_000;
        prop_assume!(other != sequence);
        prop_assert_ne!(order_tail(game, sequence), order_tail(game, other));
        prop_assert_ne!(order_tail(game, sequence), order_tail(game + 1, sequence));
    }
}

#[test]
fn without_the_places_check_a_game_is_oversold() {
    let mut line = Line::new(2);
    line.check_places = false;
    for person in 0..3 {
        line.apply(&Operation::Join(vec![person]));
    }
    line.admit(3);
    assert!(line.quota.held > line.quota.limitation, "the guard is what keeps the limit");
    assert!(line.check().is_err(), "and the check sees it");
}

#[test]
fn without_the_certificate_check_a_person_has_two_places() {
    let mut line = Line::new(5);
    line.check_certificates = false;
    line.apply(&Operation::Join(vec![7]));
    line.admit(1);
    line.apply(&Operation::Join(vec![7]));
    line.admit(1);
    assert!(!line.certificates_are_distinct());
}

#[test]
fn group_takes_all_its_places_or_none() {
    let mut quota = Quota::default();
    quota.set(3, None);
    let group = |sequence, people: &[&str]| Waiting {
        sequence,
        account: AccountId(1),
        certificates: people.iter().map(|name| (*name).to_owned()).collect(),
    };
    let tokens = [group(1, &["a", "b"]), group(2, &["c", "d"]), group(3, &["e"])];
    let outcomes = decide(&mut quota, &mut HashMap::new(), &tokens, |sequence| OrderNo::compose(0, sequence as u64));
    assert!(matches!(outcomes[0], Outcome::Ordered(_)));
    assert_eq!(outcomes[1], Outcome::Full);
    assert!(matches!(outcomes[2], Outcome::Ordered(_)), "a single may pass a group that did not fit");
    assert_eq!(quota, Quota { limitation: 3, balance: 0, sold: 0, held: 3 });
}

/// The red twin of all or none: players decided one by one tear a group apart.
#[test]
fn group_decided_one_by_one_is_torn_apart() {
    let mut quota = Quota::default();
    quota.set(3, None);
    let alone = |sequence, name: &str| Waiting { sequence, account: AccountId(1), certificates: vec![name.to_owned()] };
    let number = |sequence| OrderNo::compose(0, sequence as u64);
    let first = decide(&mut quota, &mut HashMap::new(), &[alone(1, "a"), alone(2, "b")], number);
    assert!(first.iter().all(|outcome| matches!(outcome, Outcome::Ordered(_))));
    let group = decide(&mut quota, &mut HashMap::new(), &[alone(3, "c"), alone(4, "d")], number);
    assert!(matches!(group[0], Outcome::Ordered(_)) && group[1] == Outcome::Full, "one is in and the other is not");
}

/// The red twin of `withheld` in giving back: adding blindly frees places that were given beyond a lowered limit.
#[test]
fn giving_back_blindly_after_a_lowered_limit_oversells() {
    let mut quota = Quota::default();
    quota.set(10, None);
    assert!(quota.hold(6));
    quota.set(4, None);
    let mut blind = quota;
    blind.held -= 1;
    blind.balance += 1;
    assert!(blind.sold + blind.held + blind.balance > blind.limitation, "a sixth of four places");
    quota.give_back_held(1);
    assert!(quota.balance == 0);
}

#[test]
fn earlier_order_is_named_to_its_owner_only() {
    let mut quota = Quota::default();
    let mut taken = HashMap::new();
    let token =
        |sequence, account| Waiting { sequence, account: AccountId(account), certificates: vec!["a".to_owned()] };
    let number = |sequence| OrderNo::compose(0, sequence as u64);
    let outcomes = decide(&mut quota, &mut taken, &[token(1, 1), token(2, 1), token(3, 2)], number);
    assert_eq!(outcomes[1], Outcome::AlreadyRegistered(Some(number(1))));
    assert_eq!(outcomes[2], Outcome::AlreadyRegistered(None));
}

#[test]
fn lowered_limit_throws_nobody_out_and_frees_nothing_until_it_fits() {
    let mut quota = Quota::default();
    quota.set(10, None);
    assert!(quota.hold(6));
    quota.set(4, None);
    assert_eq!((quota.balance, quota.held, quota.withheld()), (0, 6, -2));
    quota.give_back_held(1);
    assert_eq!((quota.balance, quota.withheld()), (0, -1));
    quota.give_back_held(3);
    assert_eq!((quota.balance, quota.held, quota.withheld()), (2, 2, 0));
}

#[test]
fn withheld_places_stay_withheld_when_others_come_back() {
    let mut quota = Quota::default();
    quota.set(10, Some(3));
    assert_eq!(quota.withheld(), 7);
    assert!(quota.hold(3));
    assert!(!quota.hold(1));
    quota.give_back_held(2);
    assert_eq!((quota.balance, quota.withheld()), (2, 7));
    quota.set(10, Some(99));
    assert_eq!((quota.balance, quota.withheld()), (9, 0));
}

#[test]
fn poll_interval_grows_with_the_line() {
    let intervals: Vec<u32> =
        [0, 9, 10, 99, 100, 4_999, 5_000, 20_000, 60_000, 1_000_000].map(poll_interval_seconds).to_vec();
    assert_eq!(intervals, [1, 1, 3, 3, 5, 5, 10, 20, 30, 30]);
}
