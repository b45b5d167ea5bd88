use actors::domain::money::Fen;
use actors::domain::order::OrderNo;
use matchday::args;
use matchday::service::accounts;

use crate::support::fixtures::{
    Person, RaceOrder, end_order, execute, game, membership_order, notice_fields, person, race_order, row, sealed,
    send_notice,
};
use crate::support::{TestApp, spawn_app};

const OK: &str = "<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>";

/// (status, pay_amount, transaction), places (balance, sold, held), (live registrations, live tokens), payments by state.
type Seen = ((i64, Option<i64>, Option<String>), (i64, i64, i64), (i64, i64), (i64, i64));

async fn seen(app: &TestApp, order: &RaceOrder) -> Seen {
    let db = &app.context.db;
    let it = row(db, "SELECT status, pay_amount_fen, transaction_id FROM orders WHERE id = $1", args![order.id]).await;
    let places = row(db, "SELECT balance, sold, held FROM game_queue WHERE game_id = $1", args![order.game.0]).await;
    let live = row(
        db,
        "SELECT (SELECT count(*) FROM registrations WHERE order_id = $1 AND live = 1) AS registrations,
                (SELECT count(*) FROM queue_tokens WHERE order_no = $2 AND live = 1) AS tokens,
                (SELECT count(*) FROM payments WHERE order_id = $1 AND state = 1) AS settled,
                (SELECT count(*) FROM payments WHERE order_id = $1 AND state > 1) AS returned",
        args![order.id, order.order_no.as_str()],
    )
    .await;
    (
        (it.int("status").unwrap(), it.opt_int("pay_amount_fen").unwrap(), it.opt_text("transaction_id").unwrap()),
        (places.int("balance").unwrap(), places.int("sold").unwrap(), places.int("held").unwrap()),
        (live.int("registrations").unwrap(), live.int("tokens").unwrap()),
        (live.int("settled").unwrap(), live.int("returned").unwrap()),
    )
}

fn paid_by(transaction: &str, fen: i64) -> (i64, Option<i64>, Option<String>) {
    (1, Some(fen), Some(transaction.to_owned()))
}

async fn pay(app: &TestApp, order_no: &OrderNo, transaction: &str, total: Fen) -> String {
    send_notice(app, sealed(app, notice_fields(app, order_no, transaction, total).await)).await
}

fn is_refusal(reply: &str) -> bool {
    reply.starts_with("<xml><return_code><![CDATA[FAIL]]></return_code>")
}

async fn setting(limitation: i64, players: &[&str]) -> (TestApp, Person, RaceOrder) {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let game = game(&app.context.db, limitation).await;
    let order = race_order(&app.context.db, &alice, game, players).await;
    (app, alice, order)
}

#[actix_web::test]
async fn a_notice_pays_and_its_repetition_changes_nothing() {
    let (app, _, order) = setting(10, &["a", "b"]).await;
    let unpaid = ((0, None, None), (8, 0, 2), (2, 1), (0, 0));
    assert_eq!(seen(&app, &order).await, unpaid);
    let xml = sealed(&app, notice_fields(&app, &order.order_no, "t1", order.total).await);
    assert_eq!(send_notice(&app, xml.clone()).await, OK);
    let paid = (paid_by("t1", 16_000), (8, 2, 0), (2, 1), (1, 0));
    assert_eq!(seen(&app, &order).await, paid);
    for reply in futures_util::future::join_all((0..5).map(|_| send_notice(&app, xml.clone()))).await {
        assert_eq!(reply, OK);
    }
    assert_eq!(seen(&app, &order).await, paid);
}

#[actix_web::test]
async fn racing_copies_of_one_notice_pay_once() {
    let (app, _, order) = setting(10, &["a"]).await;
    let xml = sealed(&app, notice_fields(&app, &order.order_no, "t1", order.total).await);
    for reply in futures_util::future::join_all((0..10).map(|_| send_notice(&app, xml.clone()))).await {
        assert_eq!(reply, OK);
    }
    assert_eq!(seen(&app, &order).await, (paid_by("t1", 8_000), (9, 1, 0), (1, 1), (1, 0)));
}

#[actix_web::test]
async fn forged_wrong_and_unreadable_notices_change_nothing() {
    let (app, alice, order) = setting(10, &["a"]).await;
    let before = seen(&app, &order).await;
    let fields = notice_fields(&app, &order.order_no, "t1", order.total).await;
    let good = || fields.clone();
    let with = |name: &str, value: &str| {
        let mut fields = good();
        fields.insert(name.to_owned(), value.to_owned());
        fields
    };
    let without = |name: &str| {
        let mut fields = good();
        fields.remove(name);
        fields
    };
    let signed = |fields| sealed(&app, fields);
    let forged = signed(good()).replace("<total_fee><![CDATA[8000]]>", "<total_fee><![CDATA[1]]>");
    let bad_sign = signed(good()).replace("<sign><![CDATA[", "<sign><![CDATA[0");
    let entity = "<!DOCTYPE xml [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><xml><sign>&x;</sign></xml>".to_owned();
    let dtd = format!("<!DOCTYPE xml>{}", signed(good()));
    let twice = signed(good()).replace("</xml>", "<total_fee>8000</total_fee></xml>");
    let padded = signed(good()).replace("</xml>", &format!("<pad>{}</pad></xml>", "x".repeat(70_000)));
    let cases = [
        ("forged amount", forged),
        ("forged signature", bad_sign),
        ("no signature", signed(good()).replace("sign>", "sing>")),
        ("underpaid", signed(with("total_fee", "7999"))),
        ("overpaid", signed(with("total_fee", "8001"))),
        ("negative", signed(with("total_fee", "-8000"))),
        ("not a number", signed(with("total_fee", "8000.0"))),
        ("no amount", signed(without("total_fee"))),
        ("other money", signed(with("fee_type", "USD"))),
        ("other merchant", signed(with("mch_id", "1"))),
        ("other application", signed(with("appid", "wx1"))),
        ("unknown order", signed(with("out_trade_no", "2611220000000000000000"))),
        ("not our order number", signed(with("out_trade_no", "T1"))),
        ("no transaction", signed(without("transaction_id"))),
        ("long transaction", signed(with("transaction_id", &"9".repeat(33)))),
        ("an entity", entity),
        ("a DTD", dtd),
        ("a member twice", twice),
        ("too large", padded),
        ("over the body limit", "x".repeat(2 * 1024 * 1024)),
        ("empty", String::new()),
        ("JSON", "{}".to_owned()),
    ];
    for (what, xml) in cases {
        let reply = send_notice(&app, xml).await;
        assert!(is_refusal(&reply), "{what}: {reply}");
        assert!(!reply.contains("root:"), "{what}");
        assert_eq!(seen(&app, &order).await, before, "{what}");
    }
    // A genuine notice of a failed payment is taken note of, and changes nothing.
    assert_eq!(send_notice(&app, signed(with("result_code", "FAIL"))).await, OK);
    assert_eq!(seen(&app, &order).await, before);
    // The transaction of another order pays nothing.
    let other = race_order(&app.context.db, &alice, order.game, &["b"]).await;
    assert_eq!(pay(&app, &other.order_no, "t1", other.total).await, OK);
    assert!(is_refusal(&send_notice(&app, signed(good())).await));
    assert_eq!(seen(&app, &order).await.0, (0, None, None));
}

#[actix_web::test]
async fn notices_are_refused_without_a_provider() {
    let app = spawn_app(&[("pay.provider", "none")]).await;
    assert!(is_refusal(&send_notice(&app, "<xml><sign>x</sign></xml>".to_owned()).await));
}

#[actix_web::test]
async fn a_late_payment_takes_free_places_again() {
    for status in [2, 5] {
        let (app, _, order) = setting(2, &["a", "b"]).await;
        end_order(&app.context.db, &order, status).await;
        assert_eq!(seen(&app, &order).await, ((status, None, None), (2, 0, 0), (0, 0), (0, 0)));
        assert_eq!(pay(&app, &order.order_no, "t1", order.total).await, OK);
        assert_eq!(seen(&app, &order).await, (paid_by("t1", 16_000), (0, 2, 0), (2, 1), (1, 0)));
    }
}

#[actix_web::test]
async fn a_late_payment_of_an_unlimited_game_is_taken() {
    let (app, _, order) = setting(0, &["a"]).await;
    end_order(&app.context.db, &order, 2).await;
    assert_eq!(pay(&app, &order.order_no, "t1", order.total).await, OK);
    assert_eq!(seen(&app, &order).await, (paid_by("t1", 8_000), (0, 1, 0), (1, 1), (1, 0)));
}

#[actix_web::test]
async fn a_late_payment_without_places_goes_back() {
    let (app, _, order) = setting(2, &["a", "b"]).await;
    end_order(&app.context.db, &order, 2).await;
    let bob = person(&app, "bob").await;
    let bobs = race_order(&app.context.db, &bob, order.game, &["c"]).await;
    assert_eq!(pay(&app, &order.order_no, "t1", order.total).await, OK);
    assert_eq!(seen(&app, &order).await, ((2, None, None), (1, 0, 1), (0, 0), (0, 1)));
    assert_eq!(seen(&app, &bobs).await, ((0, None, None), (1, 0, 1), (1, 1), (0, 0)));
}

#[actix_web::test]
async fn a_late_payment_of_a_player_who_registered_anew_goes_back() {
    let (app, alice, order) = setting(5, &["a", "b"]).await;
    end_order(&app.context.db, &order, 5).await;
    let again = race_order(&app.context.db, &alice, order.game, &["b"]).await;
    assert_eq!(pay(&app, &order.order_no, "t1", order.total).await, OK);
    assert_eq!(seen(&app, &order).await, ((5, None, None), (4, 0, 1), (0, 0), (0, 1)));
    assert_eq!(seen(&app, &again).await, ((0, None, None), (4, 0, 1), (1, 1), (0, 0)));
}

#[actix_web::test]
async fn a_second_payment_of_a_paid_order_goes_back() {
    let (app, _, order) = setting(5, &["a"]).await;
    assert_eq!(pay(&app, &order.order_no, "t1", order.total).await, OK);
    assert_eq!(pay(&app, &order.order_no, "t2", order.total).await, OK);
    assert_eq!(seen(&app, &order).await, (paid_by("t1", 8_000), (4, 1, 0), (1, 1), (1, 1)));
}

#[actix_web::test]
async fn payments_of_a_closed_order_go_back() {
    let (app, _, order) = setting(5, &["a"]).await;
    end_order(&app.context.db, &order, -1).await;
    assert_eq!(pay(&app, &order.order_no, "t1", order.total).await, OK);
    assert_eq!(seen(&app, &order).await, ((-1, None, None), (5, 0, 0), (0, 0), (0, 1)));
}

#[actix_web::test]
async fn a_paid_membership_is_extended_from_its_end() {
    const YEAR: i64 = 365 * 86_400_000;
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let now = app.context.db.now_ms();
    for (transaction, least, most) in [("t1", YEAR, YEAR + 2 * 86_400_000), ("t2", 2 * YEAR, 2 * YEAR + 3 * 86_400_000)]
    {
        let (order_no, total) = membership_order(&app.context.db, &alice, 1).await;
        for _ in 0..2 {
            assert_eq!(pay(&app, &order_no, transaction, total).await, OK);
        }
        let profile = accounts::profile(&app.context, alice.account).await.unwrap();
        let left = profile.member_expire_time.unwrap() - now;
        assert!((least..most).contains(&left), "{left}");
        assert_eq!(profile.member_status, 1);
    }
    execute(&app.context.db, "UPDATE accounts SET member_status = 2 WHERE id = $1", args![alice.account.0]).await;
    let (order_no, total) = membership_order(&app.context.db, &alice, 1).await;
    assert_eq!(pay(&app, &order_no, "t3", total).await, OK);
    assert_eq!(accounts::profile(&app.context, alice.account).await.unwrap().member_status, 2);
}
