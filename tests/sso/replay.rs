//! A call is taken once: on one node, on two, after a restart, until its time is over.

use std::time::Duration;

use matchday::args;
use matchday::service::sso::sweep;
use serde_json::json;

use super::client::{check, demo, now, person, refused, reg, reg_plain, stamped, with};
use super::on_both;
use crate::support::fixtures::row;
use crate::support::{TestApp, spawn_app_in};

async fn calls(app: &TestApp) -> i64 {
    row(&app.context.db, "SELECT COUNT(*) AS n FROM sso_calls", args![]).await.int("n").unwrap()
}

fn taken() -> serde_json::Value {
    refused("x050403", "签名错误", "签名错误")
}

#[actix_web::test]
async fn a_call_is_taken_once_and_a_refused_one_not_at_all() {
    on_both(&[], async |app| {
        let plain = stamped(&app, person("once"));
        assert_eq!(reg_plain(&app, &demo(), &plain).await["rcode"], "y010101");
        assert_eq!(reg_plain(&app, &demo(), &plain).await, taken());
        // Another call for the same name is another refusal.
        let later = stamped(&app, with(person("once"), "timestamp", now(&app) + 1));
        assert_eq!(reg_plain(&app, &demo(), &later).await["rcode"], "x010404");
        assert_eq!(calls(&app).await, 1, "a refused call is not noted");
        // What was refused may be asked again, word for word, and better with another name.
        assert_eq!(reg_plain(&app, &demo(), &later).await["rcode"], "x010404");
        let better = stamped(&app, with(person("twice"), "timestamp", now(&app) + 1));
        assert_eq!(reg_plain(&app, &demo(), &better).await["rcode"], "y010101");
        // Questions change nothing, so they may be asked again.
        for _ in 0..2 {
            let asked = check(&app, &demo(), "chkname", json!({"user_name": "once", "timestamp": now(&app)})).await;
            assert_eq!(asked["rcode"], "y010102");
        }
        assert_eq!(calls(&app).await, 2);
    })
    .await;
}

#[actix_web::test]
async fn the_same_call_many_times_at_once_is_taken_once() {
    on_both(&[], async |app| {
        let plain = stamped(&app, person("many"));
        let keys = demo();
        let sent = (0..30).map(|_| reg_plain(&app, &keys, &plain));
        let answers = futures_util::future::join_all(sent).await;
        assert_eq!(answers.iter().filter(|answer| answer["rcode"] == "y010101").count(), 1, "{answers:?}");
        assert_eq!(answers.iter().filter(|answer| **answer == taken()).count(), 29, "{answers:?}");
    })
    .await;
}

#[actix_web::test]
async fn calls_are_remembered_through_a_restart_and_by_the_other_node() {
    let folder = tempfile::tempdir().unwrap();
    // Nothing listens there: the nodes share only the database.
    let settings = [("redis.url", "redis://127.0.0.1:9")];
    let one = spawn_app_in(folder.path(), &settings).await;
    let other = spawn_app_in(folder.path(), &settings).await;
    let plain = stamped(&one, person("node"));
    assert_eq!(reg_plain(&one, &demo(), &plain).await["rcode"], "y010101");
    assert_eq!(reg_plain(&other, &demo(), &plain).await, taken());
    one.stop().await;
    other.stop().await;
    let again = spawn_app_in(folder.path(), &settings).await;
    assert_eq!(reg_plain(&again, &demo(), &plain).await, taken());
}

#[actix_web::test]
async fn a_call_is_remembered_for_as_long_as_its_timestamp_is_good() {
    on_both(&[("sso.timestamp_deviation_seconds", "100")], async |app| {
        // Made by a clock that is ahead, so that it is good for almost twice the deviation.
        let ahead = now(&app) + 95;
        let plain = stamped(&app, with(person("ahead"), "timestamp", ahead));
        assert_eq!(reg_plain(&app, &demo(), &plain).await["rcode"], "y010101");
        for _ in 0..2 {
            app.context.db.advance_clock(Duration::from_secs(90));
            sweep::sweep(&app.context).await.unwrap();
            assert_eq!((reg_plain(&app, &demo(), &plain).await, calls(&app).await), (taken(), 1));
        }
        app.context.db.advance_clock(Duration::from_secs(30));
        sweep::sweep(&app.context).await.unwrap();
        assert_eq!(calls(&app).await, 0);
        let over = refused("x050201", "时间戳超出允许范围", "公共参数错误");
        assert_eq!(reg_plain(&app, &demo(), &plain).await, over);
        let second = reg(&app, &demo(), person("ahead")).await;
        assert_eq!(second["rcode"], "x010404");
    })
    .await;
}
