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
    SetWaitList(i64),
    Leave(usize),
    /// Orders that the next admission may make.
    Cap(i64),
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => prop::collection::btree_set(0u8..60, 1..4).prop_map(|people| Operation::Join(people.into_iter().collect())),
        4 => (1usize..6).prop_map(Operation::Admit),
        3 => (0usize..64).prop_map(Operation::Pay),
        3 => (0usize..64).prop_map(Operation::Expire),
        1 => (0usize..64).prop_map(Operation::Refund),
        1 => (0i64..30, prop::option::of(0i64..40)).prop_map(|(limit, balance)| Operation::SetPlaces(limit, balance)),
        1 => (0i64..8).prop_map(Operation::SetWaitList),
        1 => (0usize..64).prop_map(Operation::Leave),
        1 => (0i64..4).prop_map(Operation::Cap),
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
    row: QueueRow,
    waiting: Vec<Waiting>,
    wait_list: Vec<Waiting>,
    cap: Option<i64>,
    orders: Vec<(OrderNo, Vec<String>, OrderState)>,
    taken: HashMap<String, Holder>,
    outcomes: Vec<(i64, Outcome)>,
    tail: i64,
    check_places: bool,
    check_certificates: bool,
}

impl Line {
    fn new(limitation: i64) -> Self {
        let mut row = QueueRow::default();
        row.quota.set(limitation, None);
        Self {
            row,
            waiting: Vec::new(),
            wait_list: Vec::new(),
            cap: None,
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
                let account = AccountId(self.tail % 5 + 1);
                self.waiting.push(Waiting { sequence: self.tail, account, certificates, left: false });
            }
            Operation::Admit(limit) => self.admit(*limit),
            Operation::Pay(pick) => {
                if let Some(index) = self.pick(*pick, OrderState::Held) {
                    self.orders[index].2 = OrderState::Sold;
                    self.row.quota.settle_held(self.orders[index].1.len() as i64);
                }
            }
            Operation::Expire(pick) => {
                if let Some(index) = self.pick(*pick, OrderState::Held) {
                    self.row.quota.give_back_held(self.orders[index].1.len() as i64);
                    self.end(index);
                }
            }
            Operation::Refund(pick) => {
                if let Some(index) = self.pick(*pick, OrderState::Sold) {
                    self.row.quota.give_back_sold(self.orders[index].1.len() as i64);
                    self.end(index);
                }
            }
            Operation::SetPlaces(limitation, balance) => self.row.quota.set(*limitation, *balance),
            Operation::SetWaitList(most) => self.row.rules.wait_list = *most,
            Operation::Cap(orders) => self.cap = Some(*orders),
            Operation::Leave(pick) => {
                let all = self.waiting.len() + self.wait_list.len();
                if all == 0 {
                    return;
                }
                let pick = pick % all;
                if pick < self.waiting.len() {
                    self.waiting[pick].left = true;
                } else {
                    let token = self.wait_list.remove(pick - self.waiting.len());
                    self.row.wait_listed -= 1;
                    self.outcomes.push((token.sequence, Outcome::Left));
                }
            }
        }
    }

    fn admit(&mut self, limit: usize) {
        let batch: Vec<Waiting> = self.waiting[..limit.min(self.waiting.len())].to_vec();
        let listed = std::mem::take(&mut self.wait_list);
        let limitation = self.row.quota.limitation;
        if !self.check_places {
            self.row.quota.limitation = 0;
        }
        let mut none = HashMap::new();
        let taken = if self.check_certificates { &mut self.taken } else { &mut none };
        let mut admission = Admission {
            row: &mut self.row,
            taken,
            orders_left: self.cap.take().unwrap_or(i64::MAX),
            free_of_charge: false,
            over: false,
            wait_list_over: false,
            order_number: |sequence| OrderNo::compose(0, order_tail(7, 1, sequence)),
        };
        let offered = admission.offer(&listed);
        let stopped = offered.last() == Some(&Verdict::NotNow);
        let decided = if stopped { Vec::new() } else { admission.decide(&batch) };
        self.row.quota.limitation = limitation;
        let rest = listed[offered.len()..].to_vec();
        for (token, verdict) in listed.iter().zip(offered) {
            self.note(token, verdict);
        }
        self.wait_list.extend(rest);
        self.waiting.drain(..decided.len());
        for (token, verdict) in batch.iter().zip(decided) {
            self.note(token, verdict);
        }
    }

    fn note(&mut self, token: &Waiting, verdict: Verdict) {
        let Verdict::Decided(outcome) = verdict else { return self.wait_list.push(token.clone()) };
        if let Outcome::Ordered(order_no) = &outcome {
            self.orders.push((order_no.clone(), token.certificates.clone(), OrderState::Held));
        }
        self.outcomes.push((token.sequence, outcome));
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
        let quota = self.row.quota;
        prop_assert_eq!(quota.sold, self.places(OrderState::Sold));
        prop_assert_eq!(quota.held, self.places(OrderState::Held));
        prop_assert!(quota.balance >= 0);
        if !quota.is_unlimited() {
            prop_assert_eq!(quota.limitation, quota.sold + quota.held + quota.withheld() + quota.balance);
            prop_assert!(quota.balance == 0 || quota.sold + quota.held + quota.balance <= quota.limitation);
        }
        prop_assert!(self.certificates_are_distinct());
        let decided: HashSet<i64> = self.outcomes.iter().map(|(sequence, _)| *sequence).collect();
        prop_assert_eq!(decided.len(), self.outcomes.len(), "every token once");
        prop_assert_eq!(self.row.wait_listed, self.wait_list.len() as i64);
        prop_assert!(self.wait_list.is_sorted_by_key(|token| token.sequence), "the list keeps the line's order");
        prop_assert_eq!(self.row.head + self.waiting.len() as i64, self.tail);
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
            let before = line.row.quota;
            line.apply(operation);
            line.check()?;
            // Without a change of the limit nothing may push what was given over it.
            if !matches!(operation, Operation::SetPlaces(..)) && !before.is_unlimited() {
                let over = |quota: Quota| (quota.sold + quota.held - quota.limitation).max(0);
                prop_assert!(over(line.row.quota) <= over(before), "sold beyond the limit by {operation:?}");
            }
        }
        // At rest: nobody waits in the line, and on the wait-list only who does not fit and still may.
        line.cap = None;
        line.admit(usize::MAX);
        line.admit(usize::MAX);
        line.check()?;
        prop_assert!(line.waiting.is_empty());
        prop_assert_eq!((line.outcomes.len() + line.wait_list.len()) as i64, line.tail);
        for token in &line.wait_list {
            prop_assert!(!line.row.quota.fits(token.places()), "waits although a place is free: {:?}", token);
            prop_assert!(line.row.may_still_fit(token.places()), "waits for nothing: {:?}", token);
        }
    }

    #[test]
    fn order_tails_never_collide_within_a_game(key: u64, game in 1i64..1000, sequence in 1i64..9_999_999, step in 1i64..9_999_999) {
        let other = (sequence + step) % 10_000_000;
        prop_assume!(other != sequence);
        prop_assert_ne!(order_tail(key, game, sequence), order_tail(key, game, other));
        prop_assert_ne!(order_tail(key, game, sequence), order_tail(key, game + 1, sequence));
    }
}

/// Two installations of one merchant, each with its first thousand orders in the same second.
#[test]
fn order_tails_of_two_installations_differ_and_stay_numbers_of_ten_digits() {
    let tails = |key: u64| (1..=1_000).map(|sequence| order_tail(key, 1, sequence)).collect::<Vec<_>>();
    let (one, other) = (tails(1), tails(2));
    assert!(one.iter().chain(&other).all(|tail| *tail < 10_000_000_000));
    let same = one.iter().filter(|tail| other.contains(tail)).count();
    assert_eq!(same, 0, "they share numbers");
    assert_eq!(one, tails(1), "a number does not depend on when it is asked for");
}

#[test]
fn without_the_places_check_a_game_is_oversold() {
    let mut line = Line::new(2);
    line.check_places = false;
    for person in 0..3 {
        line.apply(&Operation::Join(vec![person]));
    }
    line.admit(3);
    assert!(line.row.quota.held > line.row.quota.limitation, "the guard is what keeps the limit");
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

fn token(sequence: i64, account: i64, people: &[&str]) -> Waiting {
    let certificates = people.iter().map(|name| (*name).to_owned()).collect();
    Waiting { sequence, account: AccountId(account), certificates, left: false }
}

fn line_of(limitation: i64, wait_list: i64) -> QueueRow {
    let mut row = QueueRow { tail: 9, ..QueueRow::default() };
    row.quota.set(limitation, None);
    row.rules.wait_list = wait_list;
    row
}

fn number(sequence: i64) -> OrderNo {
    OrderNo::compose(0, sequence as u64)
}

fn ordered(sequence: i64) -> Verdict {
    Verdict::Decided(Outcome::Ordered(number(sequence)))
}

const FULL: Verdict = Verdict::Decided(Outcome::Full);

/// One admission with at most `orders_left` orders: first the wait-list, then the line.
fn admission(row: &mut QueueRow, orders_left: i64, listed: &[Waiting], line: &[Waiting]) -> Vec<Verdict> {
    let mut taken = HashMap::new();
    let mut admission = Admission {
        row,
        taken: &mut taken,
        orders_left,
        free_of_charge: false,
        over: false,
        wait_list_over: false,
        order_number: number,
    };
    let mut verdicts = admission.offer(listed);
    verdicts.extend(admission.decide(line));
    verdicts
}

fn decide(row: &mut QueueRow, line: &[Waiting]) -> Vec<Verdict> {
    admission(row, i64::MAX, &[], line)
}

#[test]
fn group_takes_all_its_places_or_none() {
    let mut row = line_of(3, 0);
    let verdicts = decide(&mut row, &[token(1, 1, &["a", "b"]), token(2, 1, &["c", "d"]), token(3, 1, &["e"])]);
    assert_eq!(verdicts, [ordered(1), FULL, ordered(3)], "a single may pass a group that did not fit");
    assert_eq!(row.quota, Quota { limitation: 3, balance: 0, sold: 0, held: 3 });
}

/// The red twin of all or none: players decided one by one tear a group apart.
#[test]
fn group_decided_one_by_one_is_torn_apart() {
    let mut row = line_of(3, 0);
    assert_eq!(decide(&mut row, &[token(1, 1, &["a"]), token(2, 1, &["b"])]), [ordered(1), ordered(2)]);
    let group = decide(&mut row, &[token(3, 1, &["c"]), token(4, 1, &["d"])]);
    assert_eq!(group, [ordered(3), FULL], "one is in and the other is not");
}

#[test]
fn full_game_keeps_people_waiting_while_places_may_come_free() {
    let mut row = line_of(3, 9);
    let line = [token(1, 1, &["a", "b"]), token(2, 1, &["c", "d"]), token(3, 1, &["e"]), token(4, 1, &["f"])];
    assert_eq!(decide(&mut row, &line), [ordered(1), Verdict::WaitListed, ordered(3), Verdict::WaitListed]);
    row.quota.settle_held(1);
    row.quota.give_back_held(2);
    let verdicts = admission(&mut row, i64::MAX, &[line[1].clone(), line[3].clone()], &[token(5, 1, &["g"])]);
    assert_eq!(verdicts, [ordered(2), Verdict::WaitListed, Verdict::WaitListed], "in the order they came");
    row.quota.settle_held(2);
    let rest = [line[3].clone(), token(5, 1, &["g"])];
    assert_eq!(admission(&mut row, i64::MAX, &rest, &[]), [FULL, FULL], "all is paid: nothing can come free");
    assert_eq!(row.wait_listed, 0);
}

/// The red twin of waiting only while something may come free: without the guard a group waits for ever.
#[test]
fn group_larger_than_what_may_come_free_does_not_wait() {
    let mut row = line_of(3, 9);
    assert_eq!(decide(&mut row, &[token(1, 1, &["a", "b"])]), [ordered(1)]);
    row.quota.settle_held(2);
    assert_eq!(decide(&mut row, &[token(2, 1, &["c", "d"])]), [FULL]);
    assert!(!row.quota.fits(2) && row.quota.held == 0, "nothing would ever end its wait");
}

#[test]
fn wait_list_is_bounded_and_may_be_switched_off() {
    let mut row = line_of(1, 1);
    let line = [token(1, 1, &["a"]), token(2, 1, &["b"]), token(3, 1, &["c"])];
    assert_eq!(decide(&mut row, &line), [ordered(1), Verdict::WaitListed, FULL]);
    row.rules.wait_list = 0;
    assert_eq!(admission(&mut row, i64::MAX, &line[1..2], &[]), [FULL]);
}

#[test]
fn capped_line_stops_and_nobody_passes() {
    let mut row = line_of(9, 9);
    let line = [token(1, 1, &["a"]), token(2, 1, &["b"]), token(3, 1, &["a"])];
    assert_eq!(admission(&mut row, 1, &[], &line), [ordered(1)]);
    assert_eq!((row.head, row.quota.held), (1, 1), "the rest stays undecided, in its order");
    let listed = [token(4, 1, &["d"])];
    row.wait_listed = 1;
    assert_eq!(admission(&mut row, 0, &listed, &[]), [Verdict::NotNow]);
    assert_eq!(row.wait_listed, 1);
}

#[test]
fn who_left_is_passed_without_a_place() {
    let mut row = line_of(1, 0);
    let gone = Waiting { left: true, ..token(1, 1, &["a"]) };
    assert_eq!(decide(&mut row, &[gone, token(2, 1, &["b"])]), [Verdict::Decided(Outcome::Left), ordered(2)]);
}

#[test]
fn order_that_costs_nothing_owns_its_places_at_once() {
    let mut row = line_of(3, 0);
    let mut taken = HashMap::new();
    let mut admission = Admission {
        row: &mut row,
        taken: &mut taken,
        orders_left: 9,
        free_of_charge: true,
        over: false,
        wait_list_over: false,
        order_number: number,
    };
    assert_eq!(admission.decide(&[token(1, 1, &["a", "b"]), token(2, 1, &["c", "d"])]), [ordered(1), FULL]);
    assert_eq!(row.quota, Quota { limitation: 3, balance: 1, sold: 2, held: 0 });
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
    let mut row = line_of(0, 0);
    let verdicts = decide(&mut row, &[token(1, 1, &["a"]), token(2, 1, &["a"]), token(3, 2, &["a"])]);
    assert_eq!(verdicts[1], Verdict::Decided(Outcome::AlreadyRegistered(Some(number(1)))));
    assert_eq!(verdicts[2], Verdict::Decided(Outcome::AlreadyRegistered(None)));
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

#[test]
fn wait_list_ends_when_registration_closes_and_the_line_is_still_decided() {
    let mut row = line_of(2, 9);
    let line = [token(1, 1, &["a", "b"]), token(2, 1, &["c"]), token(3, 1, &["d"])];
    assert_eq!(decide(&mut row, &line), [ordered(1), Verdict::WaitListed, Verdict::WaitListed]);
    row.quota.give_back_held(2);
    let mut taken = HashMap::new();
    let mut admission = Admission {
        row: &mut row,
        taken: &mut taken,
        orders_left: 0,
        free_of_charge: false,
        over: false,
        wait_list_over: true,
        order_number: number,
    };
    assert_eq!(admission.offer(&line[1..]), [FULL, FULL], "no place is offered, and no rate holds the end back");
    admission.orders_left = 9;
    let rest = [token(4, 1, &["e"]), token(5, 1, &["f", "g"]), token(6, 1, &["h"]), token(7, 1, &["i"])];
    assert_eq!(admission.decide(&rest), [ordered(4), FULL, ordered(6), FULL], "and nobody is put on the list");
    assert_eq!((row.wait_listed, row.quota.held), (0, 2));
}
