use super::*;
use crate::bench::opening::arrival::Shape;

fn args(change: impl FnOnce(&mut OpeningArgs)) -> OpeningArgs {
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: OpeningArgs,
    }
    let Line { mut args } = clap::Parser::parse_from(["opening", "--game", "1", "--people", "2000"]);
    change(&mut args);
    args
}

/// Somebody who is patient, pays after 10 s and does nothing twice.
fn plain(start: Instant) -> Person {
    let mut person = crowd(&args(|args| args.people = 1), start).remove(0);
    person.pays_after = Some(Duration::from_secs(10));
    (person.reloads, person.gives_up, person.leaves) = (false, None, false);
    person
}

fn reply(json: &str) -> Reply {
    serde_json::from_str(json).unwrap()
}

fn waiting(token: &str, count: i64) -> Reply {
    reply(&format!(r#"{{"result":0,"token":"{token}","queue_state":0,"count":{count},"query_interval":3}}"#))
}

const ORDERED: &str = r#"{"result":0,"queue_state":1,"order_no":"A"}"#;
const FULL: &str = r#"{"result":0,"queue_state":2,"token":""}"#;
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_same_seed_draws_the_same_crowd() {
    let start = Instant::now();
    let draw = |seed| {
        let people = crowd(&args(|args| args.seed = seed), start);
        people.iter().map(|person| (person.arrives, person.group, person.pays_after)).collect::<Vec<_>>()
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn a_crowd_is_as_asked_for() {
    let start = Instant::now();
    let people = crowd(&args(|args| args.arrival = Shape::Uniform), start);
    let share = |of: fn(&Person) -> bool| people.iter().filter(|person| of(person)).count();
    assert_eq!(people.len(), 2_000);
    assert!((1_600..1_800).contains(&share(|person| person.pays_after.is_some())));
    assert!((50..160).contains(&share(|person| person.double_clicks)));
    assert!((1_500..1_700).contains(&share(|person| person.group == 1)));
    assert_eq!(share(|person| person.gives_up.is_some()), 0);
    assert_eq!(people.iter().map(|person| person.account).max(), Some(999));
    for pair in people.windows(2) {
        assert_eq!(pair[0].first_player + pair[0].group, pair[1].first_player, "nobody shares a player");
    }
    let impatient = crowd(&args(|args| args.patience_seconds = 20), start);
    let gone = impatient.iter().filter(|person| person.gives_up.unwrap() - person.arrives < 20 * SECOND).count();
    assert!((1_150..1_400).contains(&gone), "{gone}: 1 - 1/e of them within the mean");
}

#[test]
fn he_asks_when_he_is_told_to_and_pays_later() {
    let start = Instant::now();
    let mut person = plain(start);
    let next = person.joined(Act::Join, start, start + SECOND, waiting("t", 5));
    assert_eq!(next, Some((start + 4 * SECOND, Act::Poll)));
    let next = person.polled(start + 4 * SECOND, start + 5 * SECOND, &reply(ORDERED));
    assert_eq!(next, Some((start + 15 * SECOND, Act::Pay)));
    assert_eq!(person.order_no(), Some("A"));
    let seen = person.seen().unwrap();
    assert_eq!((seen.acknowledged, seen.first_decided), (start + SECOND, Some(start + 5 * SECOND)));
    assert_eq!(person.faults, Faults::default());
}

#[test]
fn who_never_pays_or_has_no_place_does_nothing_more() {
    let start = Instant::now();
    let mut person = plain(start);
    person.pays_after = None;
    assert_eq!(
        person.joined(Act::Join, start, start, reply(r#"{"result":0,"token":"t","queue_state":1,"order_no":"A"}"#)),
        None
    );
    let mut person = plain(start);
    assert_eq!(person.joined(Act::Join, start, start, reply(FULL)), None);
    assert_eq!(person.standing, Standing::Decided(2, String::new()));
}

#[test]
fn the_impatient_leave_instead_of_asking_again() {
    let start = Instant::now();
    let mut person = plain(start);
    person.gives_up = Some(start + 5 * SECOND);
    assert!(person.joined(Act::Join, start, start, waiting("t", 5)).is_some());
    assert_eq!(person.polled(start, start + 3 * SECOND, &waiting("", 4)), None);
    assert_eq!(person.standing, Standing::GaveUp);
}

#[test]
fn the_polite_say_that_they_go() {
    let start = Instant::now();
    let mut person = plain(start);
    (person.gives_up, person.leaves) = (Some(start + 2 * SECOND), true);
    let next = person.joined(Act::Join, start, start, waiting("t", 5));
    assert_eq!(next, Some((start + 2 * SECOND, Act::Leave)));
    let mut ordered = person.clone();
    assert_eq!(person.left(start + 2 * SECOND, 3, ""), None);
    assert_eq!(person.standing, Standing::Left);
    ordered.left(start + 2 * SECOND, 1, "A");
    assert_eq!(ordered.order_no(), Some("A"), "it was decided in that moment");
}

#[test]
fn refusals_put_off_and_at_last_turn_away() {
    let start = Instant::now();
    let mut person = plain(start);
    assert_eq!(person.put_off(Act::SecondClick, start, SECOND, 1.0), None);
    assert_eq!(person.put_off(Act::Join, start, 60 * SECOND, 1.0), Some((start + 60 * SECOND, Act::Join)));
    assert_eq!(person.put_off(Act::Join, start, SECOND, 0.0), Some((start + 2 * SECOND, Act::Join)));
    for _ in 2..MOST_FAILURES {
        assert!(person.put_off(Act::Join, start, SECOND, 1.0).is_some());
    }
    assert_eq!(person.put_off(Act::Join, start, SECOND, 1.0), None);
    assert_eq!(person.standing, Standing::TurnedAway);
}

#[test]
fn a_second_click_asks_nothing_more_and_sees_another_token() {
    let start = Instant::now();
    let mut person = plain(start);
    person.joined(Act::Join, start, start, waiting("t", 5));
    assert_eq!(person.joined(Act::SecondClick, start, start, waiting("t", 5)), None);
    person.polled(start, start, &waiting("", 5));
    assert_eq!(person.faults.another_token, 0);
    assert_eq!(person.joined(Act::SecondClick, start, start, waiting("u", 6)), None);
    person.polled(start, start, &waiting("", 5));
    assert_eq!(person.faults.another_token, 1, "the first token waits still");
    person.joined(Act::SecondClick, start, start, reply(FULL));
    person.polled(start, start, &reply(ORDERED));
    assert_eq!(person.faults.another_token, 1, "the first token was decided meanwhile");
}

#[test]
fn a_reload_goes_on_with_its_token() {
    let start = Instant::now();
    let mut person = plain(start);
    person.reloads = true;
    assert_eq!(person.joined(Act::Join, start, start, waiting("t", 5)), Some((start + 3 * SECOND, Act::Reload)));
    let next = person.joined(Act::Reload, start, start, waiting("t", 4));
    assert_eq!(next, Some((start + 3 * SECOND, Act::Poll)), "once only");
    assert_eq!(person.joined(Act::Reload, start, start, waiting("u", 4)), Some((start, Act::Poll)));
    person.polled(start, start, &waiting("", 6));
    assert_eq!(person.faults, Faults { place_rose: 1, another_token: 1 });
}
