//! A game's history: the events its log keeps, and the pure replay that rebuilds the line's state from them. An event is
//! written in the transaction that makes it true, so the log and the stored state can only agree.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::row::{LineRules, Lottery, QueueRow, QueueState};
use super::state::{Outcome, Quota};

/// What happened to a token, by its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    #[serde(rename = "s")]
    pub sequence: i64,
    /// The stored state: 0 put on the wait-list, else `Outcome::code`.
    #[serde(rename = "v")]
    pub state: i64,
    /// The order made, or the owner's earlier one.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub order_no: Option<String>,
    /// Places taken; 0 unless an order was made.
    #[serde(rename = "n", default, skip_serializing_if = "is_zero")]
    pub places: i64,
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPlaces {
    pub order_no: String,
    pub places: i64,
}

/// One event. Nothing personal is in it: accounts by number, tokens by sequence, orders by number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// The line as it was before the first event.
    Began {
        state: i64,
        tail: i64,
        head: i64,
        limitation: i64,
        balance: i64,
        sold: i64,
        held: i64,
    },
    /// `accounts[i]` and `places[i]` belong to sequence `first + i`.
    Enqueued {
        first: i64,
        accounts: Vec<i64>,
        places: Vec<i64>,
    },
    /// The first `count` tokens stand in the order that `seed` (hex) gives.
    Opened {
        count: i64,
        seed: String,
    },
    /// The draw: entries are taken (1), or the first `count` tokens stand in the drawn order (2).
    Lottery {
        lottery: i64,
        count: i64,
    },
    /// `head` as it is afterwards. `paid`: the orders cost nothing and own their places at once. `closed`: registration
    /// had closed, so nobody was offered a place from the wait-list or put on it.
    Decided {
        head: i64,
        paid: bool,
        tokens: Vec<Decision>,
        #[serde(default, skip_serializing_if = "is_false")]
        closed: bool,
    },
    Left {
        sequences: Vec<i64>,
    },
    /// held → sold
    Paid(OrderPlaces),
    /// free → sold: the payment came after its hold had ended.
    PaidLate(OrderPlaces),
    /// free → sold, without a token: registered by an administrator.
    Imported {
        orders: Vec<OrderPlaces>,
    },
    /// held → free
    Expired {
        orders: Vec<OrderPlaces>,
    },
    Cancelled(OrderPlaces),
    /// sold → free, of an order that keeps other places. `registration` 0: all those that were not asked back one by one.
    PartRefunded {
        order_no: String,
        registration: i64,
        places: i64,
    },
    /// sold → free, with which the order has no place left.
    Refunded(OrderPlaces),
    PlacesSet {
        limitation: i64,
        balance: Option<i64>,
    },
    StateSet {
        state: i64,
    },
    RulesSet {
        rules: LineRules,
    },
    NoticeSet {
        notice: String,
    },
}

impl Event {
    pub fn began(row: &QueueRow) -> Self {
        let Quota { limitation, balance, sold, held } = row.quota;
        Self::Began { state: row.state.code(), tail: row.tail, head: row.head, limitation, balance, sold, held }
    }

    /// Lowest and highest sequence the event names, for finding a token's events; none: no token.
    pub fn sequences(&self) -> Option<(i64, i64)> {
        let span = |mut numbers: Box<dyn Iterator<Item = i64> + '_>| {
            let first = numbers.next()?;
            Some(numbers.fold((first, first), |(low, high), it| (low.min(it), high.max(it))))
        };
        match self {
            Self::Enqueued { first, accounts, .. } => Some((*first, first + accounts.len() as i64 - 1)),
            Self::Decided { tokens, .. } => span(Box::new(tokens.iter().map(|token| token.sequence))),
            Self::Left { sequences } => span(Box::new(sequences.iter().copied())),
            Self::Opened { count, .. } | Self::Lottery { count, .. } if *count > 0 => Some((1, *count)),
            _ => None,
        }
    }

    /// Whether the event is about this token.
    pub fn names(&self, sequence: i64) -> bool {
        match self {
            Self::Decided { tokens, .. } => tokens.iter().any(|token| token.sequence == sequence),
            Self::Left { sequences } => sequences.contains(&sequence),
            other => other.sequences().is_some_and(|(low, high)| (low..=high).contains(&sequence)),
        }
    }

    /// Whether the event is about this order.
    pub fn names_order(&self, order_no: &str) -> bool {
        match self {
            Self::Paid(order) | Self::PaidLate(order) | Self::Cancelled(order) | Self::Refunded(order) => {
                order.order_no == order_no
            }
            Self::PartRefunded { order_no: named, .. } => named == order_no,
            Self::Expired { orders } | Self::Imported { orders } => orders.iter().any(|it| it.order_no == order_no),
            Self::Decided { tokens, .. } => tokens.iter().any(|token| token.order_no.as_deref() == Some(order_no)),
            _ => false,
        }
    }
}

/// What an order owns of the places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holding {
    Held,
    Sold,
    Nothing,
}

/// A line's state as its events tell it. Tokens and orders from before the log began are not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replay {
    pub state: QueueState,
    pub tail: i64,
    pub head: i64,
    pub quota: Quota,
    pub lottery: i64,
    pub shuffled: Option<i64>,
    pub rules: LineRules,
    /// The stored state of each token by sequence.
    pub tokens: HashMap<i64, i64>,
    pub wait_listed: BTreeSet<i64>,
    pub orders: HashMap<String, Holding>,
    /// Places that came back from orders, also from those that keep others.
    pub given_back: HashMap<String, i64>,
    /// Registrations that were given back one by one.
    pub returned: BTreeSet<i64>,
    /// Sequences up to here are from before the log.
    pub began_at: i64,
}

impl Replay {
    /// Applies one event. `Err` says which rule of the line it breaks.
    pub fn apply(&mut self, event: &Event) -> Result<(), String> {
        match event {
            Event::Began { state, tail, head, limitation, balance, sold, held } => {
                self.state = queue_state(*state)?;
                (self.tail, self.head, self.began_at) = (*tail, *head, *tail);
                self.quota = Quota { limitation: *limitation, balance: *balance, sold: *sold, held: *held };
            }
            Event::Enqueued { first, accounts, .. } => {
                if *first != self.tail + 1 {
                    return Err(format!("sequence {first} does not follow {}", self.tail));
                }
                for sequence in *first..*first + accounts.len() as i64 {
                    self.tokens.insert(sequence, 0);
                }
                self.tail += accounts.len() as i64;
            }
            Event::Opened { count, .. } => self.shuffle(*count)?,
            Event::Lottery { lottery, count } => {
                self.lottery = *lottery;
                if Lottery::from_code(*lottery) == Some(Lottery::Drawn) {
                    self.shuffle(*count)?;
                }
            }
            Event::Decided { head, paid, tokens, closed } => {
                if *closed {
                    self.check_closed(tokens)?;
                }
                self.decide(*head, *paid, tokens)?;
            }
            Event::Left { sequences } => {
                for sequence in sequences {
                    self.end_token(*sequence, 5)?;
                }
            }
            Event::Paid(order) => {
                self.turn(order, &[Holding::Held], Holding::Sold)?;
                self.quota.settle_held(order.places);
            }
            Event::PaidLate(order) => {
                self.turn(order, &[Holding::Nothing], Holding::Sold)?;
                if !self.quota.take_sold(order.places) {
                    return Err(format!("no places for order {}", order.order_no));
                }
            }
            Event::Imported { orders } => {
                for order in orders {
                    if self.orders.insert(order.order_no.clone(), Holding::Sold).is_some() {
                        return Err(format!("order {} is made twice", order.order_no));
                    }
                    if !self.quota.take_sold(order.places) {
                        return Err(format!("no places for order {}", order.order_no));
                    }
                }
            }
            Event::Expired { orders } => {
                for order in orders {
                    self.turn(order, &[Holding::Held], Holding::Nothing)?;
                    self.quota.give_back_held(order.places);
                }
            }
            Event::Cancelled(order) => {
                self.turn(order, &[Holding::Held], Holding::Nothing)?;
                self.quota.give_back_held(order.places);
            }
            Event::PartRefunded { order_no, registration, places } => {
                let part = OrderPlaces { order_no: order_no.clone(), places: *places };
                self.turn(&part, &[Holding::Sold], Holding::Sold)?;
                if *registration != 0 && !self.returned.insert(*registration) {
                    return Err(format!("registration {registration} is given back twice"));
                }
                self.take_back(&part);
            }
            Event::Refunded(order) => {
                self.turn(order, &[Holding::Sold], Holding::Nothing)?;
                self.take_back(order);
            }
            Event::PlacesSet { limitation, balance } => self.quota.set(*limitation, *balance),
            Event::StateSet { state } => self.state = queue_state(*state)?,
            Event::RulesSet { rules } => self.rules = *rules,
            Event::NoticeSet { .. } => {}
        }
        if self.quota.balance < 0 || self.quota.held < 0 || self.quota.sold < 0 || self.head > self.tail {
            return Err(format!("impossible numbers: {:?}, head {} of {}", self.quota, self.head, self.tail));
        }
        Ok(())
    }

    fn shuffle(&mut self, count: i64) -> Result<(), String> {
        if self.shuffled.is_some() || count != self.tail || self.head != 0 {
            return Err(format!("{count} tokens are put into an order, {} of {} are decided", self.head, self.tail));
        }
        self.shuffled = Some(count);
        Ok(())
    }

    /// After registration closed the wait-list only ends.
    fn check_closed(&self, tokens: &[Decision]) -> Result<(), String> {
        let served = |token: &&Decision| {
            token.state == 0 || (token.state == Outcome::ORDERED && self.wait_listed.contains(&token.sequence))
        };
        match tokens.iter().find(served) {
            Some(token) => {
                Err(format!("token {} is served by the wait-list after registration closed", token.sequence))
            }
            None => Ok(()),
        }
    }

    fn decide(&mut self, head: i64, paid: bool, tokens: &[Decision]) -> Result<(), String> {
        for token in tokens {
            if token.state == 0 {
                self.wait_listed.insert(token.sequence);
                continue;
            }
            // Who left is passed by the head; it was ended before.
            if token.state != 5 {
                self.end_token(token.sequence, token.state)?;
            }
            if let (1, Some(order_no)) = (token.state, &token.order_no) {
                let holding = if paid { Holding::Sold } else { Holding::Held };
                if self.orders.insert(order_no.clone(), holding).is_some() {
                    return Err(format!("order {order_no} is made twice"));
                }
                let given = if paid { self.quota.take_sold(token.places) } else { self.quota.hold(token.places) };
                if !given {
                    return Err(format!("no places for order {order_no}"));
                }
            }
        }
        if head < self.head {
            return Err(format!("the head goes back from {} to {head}", self.head));
        }
        self.head = head;
        Ok(())
    }

    /// Each token is ended once.
    fn end_token(&mut self, sequence: i64, state: i64) -> Result<(), String> {
        if sequence > self.tail {
            return Err(format!("token {sequence} was never handed out"));
        }
        self.wait_listed.remove(&sequence);
        match self.tokens.insert(sequence, state) {
            Some(0) => Ok(()),
            None if sequence <= self.began_at => Ok(()),
            before => Err(format!("token {sequence} is ended twice: {before:?}, then {state}")),
        }
    }

    fn take_back(&mut self, part: &OrderPlaces) {
        *self.given_back.entry(part.order_no.clone()).or_default() += part.places;
        self.quota.give_back_sold(part.places);
    }

    fn turn(&mut self, order: &OrderPlaces, from: &[Holding], to: Holding) -> Result<(), String> {
        match self.orders.insert(order.order_no.clone(), to) {
            Some(before) if from.contains(&before) => Ok(()),
            // Made before the log began; the numbers still tell.
            None if self.began_at > 0 => Ok(()),
            before => Err(format!("order {} goes from {before:?} to {to:?}", order.order_no)),
        }
    }
}

fn queue_state(code: i64) -> Result<QueueState, String> {
    QueueState::from_code(code).ok_or_else(|| format!("queue state {code}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(order_no: &str, places: i64) -> OrderPlaces {
        OrderPlaces { order_no: order_no.to_owned(), places }
    }

    fn decided(sequence: i64, state: i64, order_no: Option<&str>, places: i64) -> Decision {
        Decision { sequence, state, order_no: order_no.map(str::to_owned), places }
    }

    fn story() -> Vec<Event> {
        vec![
            Event::Began { state: 1, tail: 0, head: 0, limitation: 3, balance: 3, sold: 0, held: 0 },
            Event::RulesSet { rules: LineRules { wait_list: 5, ..LineRules::default() } },
            Event::Enqueued { first: 1, accounts: vec![7, 8, 9], places: vec![2, 2, 1] },
            Event::Decided {
                head: 3,
                paid: false,
                tokens: vec![decided(1, 1, Some("A"), 2), decided(2, 0, None, 0), decided(3, 1, Some("B"), 1)],
                closed: false,
            },
            Event::Paid(order("B", 1)),
            Event::Expired { orders: vec![order("A", 2)] },
            Event::Decided { head: 3, paid: false, tokens: vec![decided(2, 1, Some("C"), 2)], closed: false },
            Event::Cancelled(order("C", 2)),
            Event::PaidLate(order("A", 2)),
            Event::Refunded(order("B", 1)),
            Event::PartRefunded { order_no: "A".to_owned(), registration: 7, places: 1 },
        ]
    }

    #[test]
    fn replay_tells_the_line_as_it_became() {
        let mut replay = Replay::default();
        for event in story() {
            let text = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
            replay.apply(&event).unwrap();
        }
        assert_eq!(replay.quota, Quota { limitation: 3, balance: 2, sold: 1, held: 0 });
        assert_eq!((replay.given_back["A"], replay.given_back["B"]), (1, 1));
        assert_eq!((replay.head, replay.tail, replay.wait_listed.len()), (3, 3, 0));
        assert_eq!(replay.orders["A"], Holding::Sold);
        assert!(replay.tokens.values().all(|state| *state == 1));
    }

    #[test]
    fn replay_refuses_what_cannot_have_happened() {
        let cases = [
            Event::Enqueued { first: 9, accounts: vec![1], places: vec![1] },
            Event::Decided { head: 3, paid: false, tokens: vec![decided(1, 2, None, 0)], closed: false },
            Event::Decided { head: 3, paid: false, tokens: vec![decided(4, 2, None, 0)], closed: false },
            Event::Decided { head: 1, paid: false, tokens: vec![], closed: false },
            Event::Decided { head: 3, paid: false, tokens: vec![decided(2, 0, None, 0)], closed: true },
            Event::Paid(order("B", 1)),
            Event::Paid(order("unknown", 1)),
            Event::PaidLate(order("A", 2)),
            Event::Imported { orders: vec![order("D", 9)] },
            Event::PartRefunded { order_no: "A".to_owned(), registration: 7, places: 1 },
            Event::PartRefunded { order_no: "B".to_owned(), registration: 8, places: 1 },
            Event::Left { sequences: vec![3] },
            Event::Opened { count: 3, seed: String::new() },
            Event::StateSet { state: 9 },
        ];
        for event in cases {
            let mut replay = Replay::default();
            story().iter().for_each(|event| replay.apply(event).unwrap());
            assert!(replay.apply(&event).is_err(), "{event:?}");
        }
    }

    #[test]
    fn wait_list_is_not_served_after_registration_closed() {
        let served = |closed| {
            let mut replay = Replay::default();
            story().iter().take(6).for_each(|event| replay.apply(event).unwrap());
            assert!(replay.wait_listed.contains(&2));
            let tokens = vec![decided(2, 1, Some("C"), 2)];
            replay.apply(&Event::Decided { head: 3, paid: false, tokens, closed })
        };
        assert_eq!(served(false), Ok(()));
        assert!(served(true).is_err());
        let old = r#"{"kind":"decided","head":1,"paid":false,"tokens":[]}"#;
        assert!(
            matches!(serde_json::from_str(old), Ok(Event::Decided { closed: false, .. })),
            "logs of older versions"
        );
    }

    #[test]
    fn events_of_a_token_are_found_by_its_number() {
        let story = story();
        let about = |sequence| story.iter().filter(|event| event.names(sequence)).count();
        assert_eq!((about(1), about(2), about(4)), (2, 3, 0));
        assert_eq!(story[3].sequences(), Some((1, 3)));
        assert_eq!(story[4].sequences(), None);
        assert_eq!(story.iter().filter(|event| event.names_order("A")).count(), 4);
    }
}
