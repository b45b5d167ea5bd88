//! What clients were promised, and the comparison with what the server still knows. Pure: fed by the load, judged once.

use std::collections::{BTreeMap, HashMap, HashSet};

/// A queue token that was acknowledged.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenPromise {
    pub token: String,
    pub game: i64,
    pub account: i64,
    /// The lowest place told; it may not rise.
    pub place: i64,
    /// State and order number once decided; never to change.
    pub outcome: Option<(i64, String)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct LinePromise {
    pub content: String,
    pub offset: i64,
}

/// Everything the clients hold in their hands.
#[derive(Debug, Default)]
pub struct Ledger {
    pub tokens: Vec<TokenPromise>,
    /// Orders whose payment was acknowledged.
    pub paid: HashSet<String>,
    pub lines: Vec<LinePromise>,
    /// Promises seen broken while the load was running.
    pub broken: Vec<String>,
}

impl Ledger {
    pub fn acknowledgements(&self) -> usize {
        let decided = self.tokens.iter().filter(|token| token.outcome.is_some()).count();
        self.tokens.len() + decided + self.paid.len() + self.lines.len()
    }

    /// Another answer about a token: a place, or an outcome when `state` is not 0.
    pub fn told(&mut self, index: usize, state: i64, order_no: &str, place: i64) {
        let token = &mut self.tokens[index];
        match (&token.outcome, state) {
            (None, 0) if place > token.place => {
                self.broken.push(format!("place rose from {} to {place}", token.place));
            }
            (None, 0) => token.place = place,
            (None, state) => token.outcome = Some((state, order_no.to_owned())),
            (Some((known, order)), state) if *known != state || order != order_no => {
                self.broken.push(format!("outcome {known} {order} became {state} {order_no}"));
            }
            (Some(_), _) => {}
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct GameState {
    pub id: i64,
    pub limitation: i64,
    pub balance: i64,
    pub sold: i64,
    pub held: i64,
    /// Queue tokens that exist. One more than was promised may: its answer was lost, and when it was repeated the game
    /// was full.
    pub tokens: i64,
    /// Those of them that got an order.
    pub ordered: i64,
    /// Players in registrations that count.
    pub registered: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct OrderState {
    pub order_no: String,
    pub game: i64,
    /// As in the H5 dialect: 0 unpaid, 1 paid.
    pub status: i64,
    pub places: i64,
    pub settled_payments: i64,
}

/// What the server knows after the last crash.
#[derive(Debug, Default, Clone)]
pub struct State {
    pub games: Vec<GameState>,
    pub orders: Vec<OrderState>,
    pub lines: Vec<LinePromise>,
}

const UNPAID: i64 = 0;
const PAID: i64 = 1;

/// Every promise that was not kept, in words; empty when all were.
pub fn faults(ledger: &Ledger, state: &State) -> Vec<String> {
    let mut faults = ledger.broken.clone();
    tokens(ledger, state, &mut faults);
    orders(ledger, state, &mut faults);
    places(state, &mut faults);
    lines(ledger, state, &mut faults);
    faults
}

fn tokens(ledger: &Ledger, state: &State, faults: &mut Vec<String>) {
    let distinct: HashSet<&str> = ledger.tokens.iter().map(|token| token.token.as_str()).collect();
    if distinct.len() != ledger.tokens.len() {
        faults.push("two requests were given the same token".to_owned());
    }
    for game in &state.games {
        let (mut promised, mut ordered) = (0, 0);
        for token in ledger.tokens.iter().filter(|token| token.game == game.id) {
            promised += 1;
            ordered += i64::from(matches!(token.outcome, Some((1, _))));
        }
        if game.tokens < promised {
            faults.push(format!("game {}: {promised} tokens promised, {} exist", game.id, game.tokens));
        }
        if game.ordered != ordered {
            faults.push(format!("game {}: {ordered} tokens told of an order, {} have one", game.id, game.ordered));
        }
    }
    for token in ledger.tokens.iter().filter(|token| token.outcome.is_none()) {
        faults.push(format!("game {}: a token never reached an outcome", token.game));
    }
}

fn orders(ledger: &Ledger, state: &State, faults: &mut Vec<String>) {
    let mut known: HashMap<&str, Vec<&OrderState>> = HashMap::new();
    for order in &state.orders {
        known.entry(&order.order_no).or_default().push(order);
    }
    let mut promised: HashMap<&str, i64> = HashMap::new();
    for token in &ledger.tokens {
        if let Some((1, order_no)) = &token.outcome {
            *promised.entry(order_no).or_default() += 1;
        }
    }
    for (order_no, tokens) in &promised {
        if *tokens != 1 {
            faults.push(format!("order {order_no} was promised to {tokens} tokens"));
        }
        match known.get(order_no).map(Vec::as_slice) {
            Some([_]) => {}
            Some(_) => faults.push(format!("order {order_no} exists twice")),
            None => faults.push(format!("order {order_no} was lost")),
        }
    }
    for order in &state.orders {
        if !promised.contains_key(order.order_no.as_str()) {
            faults.push(format!("order {} belongs to no token", order.order_no));
        }
        let expected = i64::from(order.status == PAID);
        if order.settled_payments != expected {
            faults.push(format!(
                "order {} of status {} has {} payments",
                order.order_no, order.status, order.settled_payments
            ));
        }
    }
    for order_no in &ledger.paid {
        let still_paid = |orders: &Vec<&OrderState>| orders.iter().all(|order| order.status == PAID);
        if !known.get(order_no.as_str()).is_some_and(still_paid) {
            faults.push(format!("order {order_no} was paid and is not any more"));
        }
    }
}

fn places(state: &State, faults: &mut Vec<String>) {
    for game in &state.games {
        let of = |status: i64| {
            let orders = state.orders.iter().filter(|order| order.game == game.id && order.status == status);
            orders.map(|order| order.places).sum::<i64>()
        };
        if game.sold + game.held + game.balance != game.limitation {
            faults.push(format!(
                "game {}: {} sold + {} held + {} free is not {}",
                game.id, game.sold, game.held, game.balance, game.limitation
            ));
        }
        if (game.sold, game.held) != (of(PAID), of(UNPAID)) {
            faults.push(format!("game {}: places and orders disagree", game.id));
        }
        if game.registered != game.sold + game.held {
            faults.push(format!("game {}: places and registrations disagree", game.id));
        }
    }
}

fn lines(ledger: &Ledger, state: &State, faults: &mut Vec<String>) {
    let mut known: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for line in &state.lines {
        known.entry(&line.content).or_default().push(line.offset);
    }
    for (content, offsets) in &known {
        if offsets.len() > 1 {
            faults.push(format!("line {content} was saved {} times", offsets.len()));
        }
    }
    for line in &ledger.lines {
        match known.get(line.content.as_str()).and_then(|offsets| offsets.first()) {
            None => faults.push(format!("line {} was echoed and lost", line.content)),
            Some(offset) if *offset != line.offset => {
                faults.push(format!("line {} moved from offset {} to {offset}", line.content, line.offset));
            }
            Some(_) => {}
        }
    }
    let mut offsets: Vec<i64> = state.lines.iter().map(|line| line.offset).collect();
    offsets.sort_unstable();
    if offsets.windows(2).any(|pair| pair[1] != pair[0] + 1) {
        faults.push("the room's offsets have a gap or are used twice".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(token: &str, outcome: Option<(i64, &str)>) -> TokenPromise {
        TokenPromise {
            token: token.to_owned(),
            game: 1,
            account: 1,
            place: 5,
            outcome: outcome.map(|(state, order)| (state, order.to_owned())),
        }
    }

    fn order(order_no: &str, status: i64) -> OrderState {
        OrderState { order_no: order_no.to_owned(), game: 1, status, places: 1, settled_payments: status }
    }

    fn line(content: &str, offset: i64) -> LinePromise {
        LinePromise { content: content.to_owned(), offset }
    }

    /// Three tokens, one paid, one unpaid, one full; two lines.
    fn kept() -> (Ledger, State) {
        let ledger = Ledger {
            tokens: vec![token("a", Some((1, "A"))), token("b", Some((1, "B"))), token("c", Some((2, "")))],
            paid: HashSet::from(["A".to_owned()]),
            lines: vec![line("x", 1), line("y", 2)],
            broken: Vec::new(),
        };
        let game =
            GameState { id: 1, limitation: 2, balance: 0, sold: 1, held: 1, tokens: 3, ordered: 2, registered: 2 };
        let state = State {
            games: vec![game],
            orders: vec![order("A", PAID), order("B", UNPAID)],
            lines: vec![line("x", 1), line("y", 2)],
        };
        (ledger, state)
    }

    #[test]
    fn kept_promises_have_no_fault() {
        let (ledger, state) = kept();
        assert_eq!(faults(&ledger, &state), Vec::<String>::new());
    }

    #[test]
    fn every_doctored_state_is_found() {
        type Doctor = fn(&mut Ledger, &mut State);
        let doctors: [(&str, Doctor); 17] = [
            ("3 tokens promised, 2 exist", |_, state| state.games[0].tokens = 2),
            ("2 tokens told of an order, 3 have one", |_, state| state.games[0].ordered = 3),
            ("same token", |ledger, _| ledger.tokens[1].token = "a".to_owned()),
            ("never reached an outcome", |ledger, _| ledger.tokens[2].outcome = None),
            ("promised to 2 tokens", |ledger, _| ledger.tokens[1].outcome = Some((1, "A".to_owned()))),
            ("order B was lost", |_, state| drop(state.orders.pop())),
            ("order B exists twice", |_, state| state.orders.push(order("B", UNPAID))),
            ("belongs to no token", |_, state| state.orders.push(order("C", UNPAID))),
            ("was paid and is not", |_, state| state.orders[0] = order("A", UNPAID)),
            ("has 2 payments", |_, state| state.orders[0].settled_payments = 2),
            ("is not 2", |_, state| state.games[0].sold = 2),
            ("orders disagree", |_, state| state.orders[1].places = 2),
            ("registrations disagree", |_, state| state.games[0].registered = 3),
            ("echoed and lost", |_, state| drop(state.lines.pop())),
            ("saved 2 times", |_, state| state.lines.push(line("x", 3))),
            ("moved from offset 2 to 3", |_, state| state.lines[1].offset = 3),
            ("a gap or are used twice", |_, state| state.lines.push(line("z", 4))),
        ];
        for (word, doctor) in doctors {
            let (mut ledger, mut state) = kept();
            doctor(&mut ledger, &mut state);
            let found = faults(&ledger, &state);
            assert!(found.iter().any(|fault| fault.contains(word)), "{word}: {found:?}");
        }
    }

    #[test]
    fn broken_answers_are_found_as_they_come() {
        let mut ledger = Ledger { tokens: vec![token("a", None)], ..Ledger::default() };
        ledger.told(0, 0, "", 5);
        ledger.told(0, 0, "", 4);
        assert!(ledger.broken.is_empty());
        ledger.told(0, 0, "", 5);
        assert!(ledger.broken[0].contains("place rose"), "{:?}", ledger.broken);
        ledger.told(0, 1, "A", 0);
        ledger.told(0, 1, "A", 0);
        assert_eq!(ledger.broken.len(), 1);
        ledger.told(0, 1, "B", 0);
        ledger.told(0, 0, "", 1);
        assert_eq!(ledger.broken.len(), 3, "{:?}", ledger.broken);
    }
}
