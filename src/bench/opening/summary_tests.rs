use super::*;
use crate::bench::opening::person::{Act, Faults, crowd};

/// People numbered from 0, each one second later than the one before; `groups` are their sizes.
fn people(start: Instant, groups: &[u32]) -> Vec<Person> {
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: crate::bench::opening::OpeningArgs,
    }
    let Line { args } = clap::Parser::parse_from(["opening", "--game", "1", "--people", &groups.len().to_string()]);
    let mut people = crowd(&args, start);
    for (person, group) in people.iter_mut().zip(groups) {
        person.group = *group;
    }
    people
}

/// He asks in the given second and is told at once.
fn told(person: &mut Person, start: Instant, second: u64, state: i64, order_no: &str) {
    let at = start + Duration::from_secs(second);
    let reply = format!(r#"{{"result":0,"token":"t{second}","queue_state":{state},"order_no":"{order_no}"}}"#);
    person.joined(Act::Join, at, at, serde_json::from_str(&reply).unwrap());
}

fn report(day: &Day<'_>) -> (Figures, Vec<String>) {
    let (mut figures, mut faults) = (Figures::default(), Vec::new());
    day.report(&mut figures, &mut faults).unwrap();
    (figures, faults)
}

#[test]
fn a_good_day_has_figures_and_no_fault() {
    let start = Instant::now();
    let mut crowd = people(start, &[1, 2, 1]);
    told(&mut crowd[0], start, 1, 1, "A");
    told(&mut crowd[1], start, 2, 1, "B");
    told(&mut crowd[2], start, 3, 2, "");
    crowd[1].paid = true;
    let tallies = Tallies::new(start).unwrap();
    let places = Places { limitation: 3, balance: 0, paid: 2, holds: 1, withheld: 0 };
    let before = Places { balance: 3, paid: 0, holds: 0, ..places };
    let watched = Watched { sold_out: Some(start + Duration::from_secs(2)), lowest: Some(0) };
    let books = Some((before, places));
    let day = Day { opening: start, people: &crowd, tallies: &tallies, watched, books, shuffled: false };
    let (figures, faults) = report(&day);
    assert_eq!(faults, Vec::<String>::new());
    for (name, value) in [
        ("people", 3.0),
        ("people ordered", 2.0),
        ("people full", 1.0),
        ("people who paid", 1.0),
        ("places ordered", 3.0),
        ("places paid", 2.0),
        ("places on the books, newly paid", 2.0),
        ("sold out after", 2.0),
        ("errors", 0.0),
        ("refused although somebody later got as many places", 0.0),
    ] {
        assert_eq!(figures.get(name), Some(value), "{name}");
    }
    assert!(figures.get("wait p95").is_some());
}

#[test]
fn every_broken_promise_is_a_fault() {
    let start = Instant::now();
    let mut crowd = people(start, &[1, 1]);
    told(&mut crowd[0], start, 1, 1, "A");
    told(&mut crowd[1], start, 2, 1, "A");
    crowd[0].faults = Faults { place_rose: 1, another_token: 2 };
    let tallies = Tallies::new(start).unwrap();
    let places = Places { limitation: 1, balance: -1, paid: 2, holds: 0, withheld: 0 };
    let watched = Watched { sold_out: None, lowest: Some(-1) };
    let books = Some((places, places));
    let day = Day { opening: start, people: &crowd, tallies: &tallies, watched, books, shuffled: false };
    let (_, faults) = report(&day);
    for word in ["-1 places were free", "2 paid", "place rose: 1", "another token: 2", "one order: 1"] {
        assert!(faults.iter().any(|fault| fault.contains(word)), "{word}: {faults:?}");
    }
}

#[test]
fn overtaking_is_a_fault_unless_the_line_was_shuffled() {
    let start = Instant::now();
    let mut crowd = people(start, &[1, 1]);
    let waiting = r#"{"result":0,"token":"t","queue_state":0,"count":1}"#;
    let at = |second| start + Duration::from_secs(second);
    crowd[0].joined(Act::Join, at(0), at(1), serde_json::from_str(waiting).unwrap());
    told(&mut crowd[1], start, 2, 1, "B");
    crowd[0].polled(at(5), at(6), &serde_json::from_str(waiting).unwrap());
    let tallies = Tallies::new(start).unwrap();
    for (shuffled, expected) in [(false, 1), (true, 0)] {
        let watched = Watched::default();
        let day = Day { opening: start, people: &crowd, tallies: &tallies, watched, books: None, shuffled };
        let (figures, faults) = report(&day);
        assert_eq!(faults.len(), expected, "{faults:?}");
        assert_eq!(figures.get("overtaken by somebody later"), Some(1.0));
        assert_eq!(figures.get("pairs decided in the other order"), Some(100.0));
    }
}

#[test]
fn who_was_refused_before_a_later_one_got_in_is_counted() {
    let start = Instant::now();
    let mut crowd = people(start, &[2, 1, 1, 2]);
    told(&mut crowd[0], start, 1, 2, "");
    told(&mut crowd[1], start, 2, 2, "");
    told(&mut crowd[2], start, 3, 1, "C");
    assert_eq!(passed_over(&crowd), 1, "the group of two was passed by a single, the single by his equal");
    told(&mut crowd[3], start, 4, 1, "D");
    assert_eq!(passed_over(&crowd), 2);
}
