//! Places as polls see them: they fall, never rise, and end in one outcome.

use super::*;
use crate::quota_queue::messages::Next;
use crate::quota_queue::row::LineRules;

fn row(version: i64, head: i64, tail: i64) -> QueueRow {
    QueueRow { version, tail, head, ..QueueRow::default() }
}

fn plain(row: QueueRow) -> Committed {
    Committed { row, order: None }
}

fn load(view: &QueueView, row: QueueRow) {
    let lists = Some(Lists::default());
    view.publish_loaded(Loaded { committed: plain(row), first: 1, outcomes: Vec::new(), lists, notice: None });
}

fn admit(
    view: &QueueView,
    row: QueueRow,
    first: i64,
    outcomes: Vec<Option<Outcome>>,
    late: Vec<(i64, Outcome)>,
) -> bool {
    view.publish_admitted(Admitted { committed: plain(row), first, outcomes, late, next: Next::OnChange })
}

fn full(count: usize) -> Vec<Option<Outcome>> {
    vec![Some(Outcome::Full); count]
}

fn waiting(place: i64) -> Place {
    Place::Waiting { place, wait: None }
}

#[test]
fn place_falls_with_the_head_and_never_rises() {
    let view = QueueView::new();
    assert_eq!(view.place(1), Place::Unknown);
    load(&view, row(1, 0, 10));
    assert_eq!(view.place(7), waiting(7));
    assert!(admit(&view, row(3, 4, 12), 1, full(4), vec![]));
    assert_eq!(view.place(7), waiting(3));
    assert!(view.publish_row(plain(row(2, 0, 11))));
    assert_eq!(view.place(7), waiting(3), "a late answer changes nothing");
    assert_eq!(view.place(2), Place::Decided(Outcome::Full));
    assert_eq!((view.place(13), view.place(0), view.place(-1)), (Place::Unknown, Place::Unknown, Place::Unknown));
}

#[test]
fn who_leaves_lets_the_others_move_up() {
    let view = QueueView::new();
    load(&view, row(1, 0, 10));
    assert!(view.publish_left(plain(QueueRow { list_version: 1, ..row(2, 0, 10) }), &[2, 5]));
    assert_eq!((view.place(1), view.place(3), view.place(7)), (waiting(1), waiting(2), waiting(5)));
    assert_eq!(view.place(5), Place::Decided(Outcome::Left));
    assert_eq!(view.waiting(), 8);
    let passed = vec![Some(Outcome::Full), Some(Outcome::Left), Some(Outcome::Full)];
    assert!(admit(&view, QueueRow { list_version: 1, ..row(3, 3, 10) }, 1, passed, vec![]));
    assert_eq!((view.place(7), view.place(2)), (waiting(3), Place::Decided(Outcome::Left)));
    assert_eq!(view.waiting(), 6);
}

#[test]
fn wait_listed_keep_their_place_and_others_stand_behind_them() {
    let view = QueueView::new();
    load(&view, row(1, 0, 6));
    let mixed = vec![Some(Outcome::Full), None, Some(Outcome::Full), None];
    assert!(admit(&view, QueueRow { list_version: 1, wait_listed: 2, ..row(2, 4, 6) }, 1, mixed, vec![]));
    assert_eq!((view.place(2), view.place(4)), (Place::WaitListed { place: 1 }, Place::WaitListed { place: 2 }));
    assert_eq!((view.place(5), view.place(6)), (waiting(3), waiting(4)), "no place rose");
    let late = vec![(2, Outcome::Full)];
    assert!(admit(&view, QueueRow { list_version: 2, wait_listed: 1, ..row(3, 4, 6) }, 5, vec![], late));
    assert_eq!((view.place(2), view.place(4)), (Place::Decided(Outcome::Full), Place::WaitListed { place: 1 }));
    assert!(view.publish_left(plain(QueueRow { list_version: 3, ..row(4, 4, 6) }), &[4]));
    assert_eq!((view.place(4), view.place(5)), (Place::Decided(Outcome::Left), waiting(1)));
}

#[test]
fn lists_of_another_version_are_not_guessed() {
    let view = QueueView::new();
    load(&view, row(1, 0, 6));
    let later = QueueRow { list_version: 5, wait_listed: 1, ..row(9, 3, 6) };
    assert!(!view.publish_row(plain(later)), "another node changed the lists");
    assert_eq!(view.place(6), waiting(6), "nothing was taken from it");
    let lists = Some(Lists { wait_listed: vec![2], left: vec![4] });
    view.publish_loaded(Loaded {
        committed: plain(later),
        first: 1,
        outcomes: Vec::new(),
        lists,
        notice: Some("慢".into()),
    });
    assert_eq!((view.place(2), view.place(6)), (Place::WaitListed { place: 1 }, waiting(3)));
    assert_eq!(view.place(1), Place::Forgotten);
    assert_eq!(view.notice().as_deref(), Some("慢"));
    assert_eq!(view.known(7), Known { recent: 7, lists: Some(5), notice: 0 });
}

#[test]
fn before_the_opening_nobody_has_a_place() {
    let view = QueueView::new();
    let rules = LineRules { opening_at: Some(5), ..LineRules::default() };
    load(&view, QueueRow { rules, ..row(1, 0, 3) });
    assert_eq!(view.place(2), Place::BeforeOpening);
    let opened = QueueRow { rules, shuffled: Some(3), ..row(2, 0, 4) };
    let order = LineOrder::from_sequences(vec![3, 1, 2]).map(Arc::new);
    assert!(view.publish_row(Committed { row: opened, order }));
    let places: Vec<Place> = (1..=4).map(|sequence| view.place(sequence)).collect();
    assert_eq!(places, [waiting(2), waiting(3), waiting(1), waiting(4)]);
}

#[test]
fn rate_follows_the_head_and_tells_a_wait_when_it_can() {
    let view = QueueView::new();
    load(&view, row(1, 0, 10_000));
    view.tick();
    for second in 0..30 {
        assert!(admit(&view, row(2 + second, (second + 1) * 100, 10_000), 1 + second * 100, full(100), vec![]));
        view.tick();
    }
    assert!((view.rate_per_second() - 100.0).abs() < 1.0, "{}", view.rate_per_second());
    assert_eq!(view.place(4_000), Place::Waiting { place: 1_000, wait: Some(Wait { low: 8, high: 13 }) });
    assert!(view.publish_row(plain(QueueRow { state: QueueState::Paused, ..row(99, 3_000, 10_000) })));
    assert_eq!(view.place(4_000), waiting(1_000), "a paused line promises nothing");
}

#[test]
fn outcomes_are_bounded_and_a_gap_forgets() {
    let view = QueueView::new();
    load(&view, row(0, 0, 0));
    for batch in 0..270 {
        assert!(admit(&view, row(1 + batch, (batch + 1) * 1_000, 270_000), 1 + batch * 1_000, full(1_000), vec![]));
    }
    assert_eq!(view.place(1), Place::Forgotten);
    assert_eq!(view.place(270_000), Place::Decided(Outcome::Full));
    let failed = || vec![Some(Outcome::Failed)];
    assert!(admit(&view, row(300, 280_001, 280_001), 280_001, failed(), vec![]));
    assert_eq!(view.place(270_000), Place::Forgotten);
    assert_eq!(view.place(280_001), Place::Decided(Outcome::Failed));
    let again = QueueRow { list_version: 1, ..row(301, 280_001, 280_001) };
    assert!(admit(&view, again, 280_001, full(1), vec![(280_001, Outcome::Left)]));
    assert_eq!(view.place(280_001), Place::Decided(Outcome::Failed), "an outcome is final");
}
