//! What clients were promised, and the comparison with what the server still knows. Pure: fed by the load, judged once.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::sso::{self, Account};

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

/// A person whom a site registered. Without an id: the answer was lost, and the code is used up.
#[derive(Debug, Clone, PartialEq)]
pub struct Enrolment {
    pub name: String,
    pub id: Option<i64>,
}

/// Everything the clients hold in their hands.
#[derive(Debug, Default)]
pub struct Ledger {
    pub tokens: Vec<TokenPromise>,
    /// Orders whose payment was acknowledged, in time or too late.
    pub paid: HashSet<String>,
    /// Orders whose end was acknowledged.
    pub given_back: HashSet<String>,
    /// Orders of two of which one registration was given back, which was acknowledged.
    pub halved: HashSet<String>,
    /// Orders whose payment dialogue could be opened.
    pub registered: HashSet<String>,
    pub lines: Vec<LinePromise>,
    pub enrolled: Vec<Enrolment>,
    /// Codes that may have been sent and were not used.
    pub codes_given_up: i64,
    /// Names that SSO acknowledged.
    pub people: Vec<String>,
    /// Promises seen broken while the load was running.
    pub broken: Vec<String>,
}

impl Ledger {
    pub fn acknowledgements(&self) -> usize {
        let decided = self.tokens.iter().filter(|token| token.outcome.is_some()).count();
        self.tokens.len()
            + decided
            + self.paid.len()
            + self.given_back.len()
            + self.halved.len()
            + self.registered.len()
            + self.lines.len()
            + self.enrolled.len()
    }

    /// Whether every kind of promise was made.
    pub fn has_everything(&self) -> bool {
        !self.paid.is_disjoint(&self.given_back)
            && !self.halved.is_empty()
            && !self.registered.is_empty()
            && !self.lines.is_empty()
            && !self.enrolled.is_empty()
            && !self.people.is_empty()
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
    /// Money that paid the order.
    pub settled_payments: i64,
    /// Money that came too late or was asked back, and went back.
    pub returned_payments: i64,
    /// Inquiries about it, if it was registered with the payment provider.
    pub inquiries: i64,
}

/// What the server knows after the last crash.
#[derive(Debug, Default, Clone)]
pub struct State {
    pub games: Vec<GameState>,
    pub orders: Vec<OrderState>,
    pub lines: Vec<LinePromise>,
    /// Name and id of each account that Regist made.
    pub accounts: Vec<(String, i64)>,
    /// Codes that are not used up.
    pub codes: i64,
    /// Refunds that were neither made nor are to be tried again, or that are still to be made.
    pub refunds_not_made: i64,
    /// What the journal has more than was paid and kept.
    pub cash_off_fen: i64,
    /// Accounts of SSO, and the calls that were noted as taken.
    pub people: Vec<Account>,
    pub calls: i64,
}

const UNPAID: i64 = 0;
const PAID: i64 = 1;
const EXPIRED: i64 = 2;

/// Every promise that was not kept, in words; empty when all were.
pub fn faults(ledger: &Ledger, state: &State) -> Vec<String> {
    let mut faults = ledger.broken.clone();
    tokens(ledger, state, &mut faults);
    orders(ledger, state, &mut faults);
    places(state, &mut faults);
    lines(ledger, state, &mut faults);
    accounts(ledger, state, &mut faults);
    faults.extend(sso::faults(&ledger.people, &state.people, state.calls));
    faults
}

fn tokens(ledger: &Ledger, state: &State, faults: &mut Vec<String>) {
    let distinct: HashSet<&str> = ledger.tokens.iter().map(|token| token.token.as_str()).collect();
    if distinct.len() != ledger.tokens.len() {
        faults.push("two requests were given the same token".to_owned());
    }
    let told: HashSet<&str> =
        ledger.tokens.iter().filter_map(|token| Some(token.outcome.as_ref()?.1.as_str())).collect();
    for game in &state.games {
        let (mut promised, mut ordered) = (0, 0);
        for token in ledger.tokens.iter().filter(|token| token.game == game.id) {
            promised += 1;
            ordered += i64::from(matches!(token.outcome, Some((1, _))));
        }
        if game.tokens < promised {
            faults.push(format!("game {}: {promised} tokens promised, {} exist", game.id, game.tokens));
        }
        let untold = |order: &&OrderState| order.game == game.id && !told.contains(order.order_no.as_str());
        let untold = state.orders.iter().filter(untold).count() as i64;
        if game.ordered != ordered + untold {
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
        // Its token's answer was lost, and it was over before the request came again.
        let forgotten = order.status == EXPIRED && order.settled_payments + order.returned_payments == 0;
        if !promised.contains_key(order.order_no.as_str()) && !forgotten {
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
        let kept = |order: &&OrderState| order.settled_payments + order.returned_payments == 1;
        if !known.get(order_no.as_str()).is_some_and(|orders| orders.iter().all(kept)) {
            faults.push(format!("order {order_no} was paid, and the money is neither here nor returned"));
        }
    }
    for order_no in &ledger.given_back {
        let over = |order: &&OrderState| ![UNPAID, PAID].contains(&order.status);
        if !known.get(order_no.as_str()).is_some_and(|orders| orders.iter().all(over)) {
            faults.push(format!("order {order_no} was given back and lives"));
        }
    }
    for order_no in &ledger.halved {
        let half = |order: &&OrderState| order.status == PAID && order.places == 1;
        if !known.get(order_no.as_str()).is_some_and(|orders| orders.iter().all(half)) {
            faults
                .push(format!("one registration of order {order_no} was given back, and the other is not all it has"));
        }
    }
    for order_no in &ledger.registered {
        if !known.get(order_no.as_str()).is_some_and(|orders| orders.iter().all(|order| order.inquiries == 1)) {
            faults.push(format!("order {order_no} could be paid, and nothing asks for it"));
        }
    }
    if state.refunds_not_made != 0 {
        faults.push(format!("{} refunds were not made", state.refunds_not_made));
    }
    if state.cash_off_fen != 0 {
        faults.push(format!("the journal is off by {} fen", state.cash_off_fen));
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

fn accounts(ledger: &Ledger, state: &State, faults: &mut Vec<String>) {
    let known: HashMap<&str, i64> = state.accounts.iter().map(|(name, id)| (name.as_str(), *id)).collect();
    for Enrolment { name, id } in &ledger.enrolled {
        match (known.get(name.as_str()), id) {
            (None, Some(_)) => faults.push(format!("the account {name} was acknowledged and lost")),
            (None, None) => faults.push(format!("the code of {name} was used up without an account")),
            (Some(known), Some(id)) if known != id => faults.push(format!("{name} was told {id} and is {known}")),
            (Some(_), _) => {}
        }
    }
    // Each name was asked for by one client, which came to an end with it.
    if state.accounts.len() != ledger.enrolled.len() || known.len() != state.accounts.len() {
        faults.push(format!("{} accounts for {} persons", state.accounts.len(), ledger.enrolled.len()));
    }
    if state.codes > ledger.codes_given_up {
        faults.push(format!("{} codes outlived their accounts", state.codes - ledger.codes_given_up));
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
        OrderState {
            order_no: order_no.to_owned(),
            game: 1,
            status,
            places: 1,
            settled_payments: status,
            returned_payments: 0,
            inquiries: 1,
        }
    }

    fn line(content: &str, offset: i64) -> LinePromise {
        LinePromise { content: content.to_owned(), offset }
    }

    /// Four tokens, one paid, one unpaid, one full, one expired and paid too late; two lines.
    fn kept() -> (Ledger, State) {
        let ledger = Ledger {
            tokens: vec![
                token("a", Some((1, "A"))),
                token("b", Some((1, "B"))),
                token("c", Some((2, ""))),
                token("d", Some((1, "D"))),
            ],
            paid: HashSet::from(["A".to_owned(), "D".to_owned()]),
            given_back: HashSet::from(["D".to_owned()]),
            halved: HashSet::new(),
            registered: HashSet::from(["B".to_owned()]),
            lines: vec![line("x", 1), line("y", 2)],
            enrolled: vec![
                Enrolment { name: "one".to_owned(), id: Some(7) },
                Enrolment { name: "two".to_owned(), id: None },
            ],
            codes_given_up: 1,
            people: vec!["p".to_owned()],
            broken: Vec::new(),
        };
        let game =
            GameState { id: 1, limitation: 2, balance: 0, sold: 1, held: 1, tokens: 4, ordered: 3, registered: 2 };
        let late = OrderState { settled_payments: 0, returned_payments: 1, ..order("D", EXPIRED) };
        let state = State {
            games: vec![game],
            orders: vec![order("A", PAID), order("B", UNPAID), late],
            lines: vec![line("x", 1), line("y", 2)],
            accounts: vec![("one".to_owned(), 7), ("two".to_owned(), 8)],
            codes: 1,
            refunds_not_made: 0,
            cash_off_fen: 0,
            people: vec![Account { name: "p".to_owned(), members: 1, links: 1, mails: 1 }],
            calls: 1,
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
        let doctors: [(&str, Doctor); 34] = [
            ("p was registered and is lost", |_, state| state.people.clear()),
            ("a part of a registration", |_, state| state.people[0].mails = 0),
            ("a part of a registration", |ledger, _| ledger.people.clear()),
            ("0 calls were taken for 1 accounts", |_, state| state.calls = 0),
            ("one was acknowledged and lost", |_, state| drop(state.accounts.remove(0))),
            ("code of two was used up without", |_, state| drop(state.accounts.remove(1))),
            ("one was told 7 and is 9", |_, state| state.accounts[0].1 = 9),
            ("3 accounts for 2 persons", |_, state| state.accounts.push(("one".to_owned(), 9))),
            ("1 codes outlived", |_, state| state.codes = 2),
            ("4 tokens promised, 2 exist", |_, state| state.games[0].tokens = 2),
            ("3 tokens told of an order, 4 have one", |_, state| state.games[0].ordered = 4),
            ("same token", |ledger, _| ledger.tokens[1].token = "a".to_owned()),
            ("never reached an outcome", |ledger, _| ledger.tokens[2].outcome = None),
            ("promised to 2 tokens", |ledger, _| ledger.tokens[1].outcome = Some((1, "A".to_owned()))),
            ("order B was lost", |_, state| drop(state.orders.remove(1))),
            ("order B exists twice", |_, state| state.orders.push(order("B", UNPAID))),
            ("belongs to no token", |_, state| state.orders.push(order("C", UNPAID))),
            ("neither here nor returned", |_, state| state.orders[0] = order("A", UNPAID)),
            ("neither here nor returned", |_, state| state.orders[2].returned_payments = 0),
            ("neither here nor returned", |_, state| state.orders[0].returned_payments = 1),
            ("was given back and lives", |_, state| state.orders[2].status = PAID),
            ("nothing asks for it", |_, state| state.orders[1].inquiries = 0),
            ("is not all it has", |ledger, _| ledger.halved.extend(["B".to_owned()])),
            ("journal is off", |_, state| state.cash_off_fen = 1),
            ("1 refunds were not made", |_, state| state.refunds_not_made = 1),
            ("has 2 payments", |_, state| state.orders[0].settled_payments = 2),
            ("3 tokens told of an order, 3 have one", |_, state| state.orders.push(order("C", EXPIRED))),
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
