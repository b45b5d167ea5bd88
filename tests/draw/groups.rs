//! Who belongs to which group, who takes no part, and that reserved places are kept.

use matchday::args;
use matchday::service::registration;
use reqwest::Method;
use serde_json::{Value, json};

use super::support::Lottery;
use crate::reg::client::poll;
use crate::support::{eventually, fixtures};

fn certificate(person: u32) -> Value {
    json!({"certificate_type": 1, "certificate_no": format!("e{person:07} ")})
}

#[actix_web::test]
async fn groups_come_from_gender_and_lists_and_each_keeps_its_places() {
    let lottery = Lottery::new(4).await;
    let quotas = json!([
        {"name": "女子", "places": 1, "rule": "gender:female"},
        {"name": "跑团", "places": 2, "rule": "list"},
    ]);
    lottery.admin(Method::POST, "draw", json!({"quotas": quotas})).await;
    // Written otherwise than at the entry, the same certificates.
    let list = json!({"certificates": [certificate(2), certificate(3), certificate(3), certificate(20)]});
    let listed = lottery.admin(Method::PUT, "draw/groups/%E8%B7%91%E5%9B%A2", list.clone()).await;
    assert_eq!(listed, json!({"group": "跑团", "listed": 3}));
    assert_eq!(lottery.admin(Method::PUT, "draw/groups/%E8%B7%91%E5%9B%A2", list).await["listed"], 3, "replaced");

    let woman = |player: &mut Value| player["gender"] = json!("2");
    lottery.enter_as("a", &[1], woman).await;
    lottery.enter_as("b", &[2], woman).await;
    lottery.enter(&[3]).await;
    lottery.enter(&[20, 21]).await;
    for person in 30..40 {
        lottery.enter(&[person]).await;
    }
    let bundle = lottery.draw("7").await;
    let entrants = bundle["entrants"].as_array().unwrap();
    let groups: Vec<&Value> = entrants[..5].iter().map(|entrant| &entrant["groups"]).collect();
    let nothing = Value::Null;
    assert_eq!(groups, [&json!(["女子"]), &json!(["女子", "跑团"]), &json!(["跑团"]), &nothing, &nothing]);
    assert_eq!(entrants[3]["size"], 2, "a group of players belongs only when all of them do");
    let winners: Vec<u64> = bundle["order"].as_array().unwrap()[..bundle["winners"].as_u64().unwrap() as usize]
        .iter()
        .map(|sequence| sequence.as_u64().unwrap())
        .collect();
    assert!(winners.contains(&2) && winners.contains(&3), "two places for two of the club: {winners:?}");
    assert!(!bundle.to_string().contains("E0000002"), "nothing personal");
}

#[actix_web::test]
async fn leavers_and_second_entries_take_no_part() {
    let lottery = Lottery::new(2).await;
    lottery.admin(Method::POST, "draw", json!({})).await;
    lottery.enter_as("a", &[1], |_| ()).await;
    // The line refuses a second entry; closing sees one that came all the same.
    fixtures::execute(&lottery.app.context.db, "DELETE FROM line_certificates", args![]).await;
    lottery.enter_as("b", &[2, 1], |_| ()).await;
    let leaver = lottery.enter_as("c", &[3], |_| ()).await;
    // The third leaves, so the fourth is that player's first entry.
    registration::leave(&lottery.app.context, &leaver).await.unwrap();
    lottery.enter_as("d", &[3, 4], |_| ()).await;
    let closed = lottery.admin(Method::POST, "draw/close", Value::Null).await;
    assert_eq!(closed["entrants"], 4);
    let bundle = lottery.bundle().await;
    let sizes: Vec<i64> =
        bundle["entrants"].as_array().unwrap().iter().map(|entrant| entrant["size"].as_i64().unwrap()).collect();
    assert_eq!(sizes, [1, 0, 0, 2]);
    let tried = lottery.admin(Method::POST, "draw/dry-run", Value::Null).await;
    assert_eq!((&tried["without_part"], &tried["all"]["entries"]), (&json!(2), &json!(2)), "{tried}");
}

/// After the draw positions mean something else: whoever stands where the leaver stood is not told that he left.
#[actix_web::test]
async fn only_the_leaver_is_told_that_he_left() {
    let lottery = Lottery::new(3).await;
    lottery.admin(Method::POST, "draw", json!({})).await;
    let mut tokens = Vec::new();
    for person in 1..=12 {
        tokens.push(lottery.enter(&[person]).await);
    }
    registration::leave(&lottery.app.context, &tokens[6]).await.unwrap();
    lottery.admin(Method::POST, "draw/close", Value::Null).await;
    lottery.admin(Method::POST, "draw/dry-run", Value::Null).await;
    // The head stops behind the first, so that the others still stand in the drawn line.
    lottery.admin(Method::PATCH, "queue", json!({"most_unpaid": 1})).await;
    lottery.admin(Method::POST, "draw/run", json!({"public_value": "7"})).await;
    eventually("the drawn line is seen", async || {
        let mut counts = Vec::new();
        for token in &tokens {
            let answer = poll(&lottery.app, token).await;
            counts.push((answer["queue_state"].as_i64().unwrap(), answer["count"].as_i64().unwrap()));
        }
        let left = counts.iter().filter(|(state, _)| *state == 3).count();
        let mut places: Vec<i64> = counts.iter().filter(|(state, _)| *state == 0).map(|(_, count)| *count).collect();
        places.sort_unstable();
        assert!(left <= 1, "somebody else is told that he left: {counts:?}");
        counts[6].0 == 3 && places == (1..=10).collect::<Vec<i64>>()
    })
    .await;
}
