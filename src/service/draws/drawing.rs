//! The dry run and the draw.

use std::fmt::Write as _;

use actors::domain::ids::GameId;
use actors::domain::visible::{self, Layout};
use actors::draw::allocation::Allocation;
use actors::draw::bundle::{self, Bundle};
use actors::draw::receipt::decode;
use actors::draw::verification::check_text;
use actors::error::{DomainError, Result};
use actors::quota_queue::history::Event;
use actors::quota_queue::messages::Lottery;
use serde_json::{Value, json};

use super::published::published;
use super::record::{as_it_is, described};
use super::{Draw, DrawState, check_places, find, on_thread, refused, store};
use crate::context::Context;
use crate::failpoints::{Failpoint, pass};
use crate::service::collections::{Answer, Change, Writer, write};
use crate::service::registration::places_changed;
use crate::store::sql::draws::Revealed;
use crate::store::sql::quota;

/// Draws the fixed entrants with a secret and a public value that are thrown away, and answers statistics by group. It
/// says nothing about the real draw but shows whether quotas and entrants are as they should be.
///
/// Errors: `NotFound`, `InUse` when entries are not closed or it is drawn, `Busy`.
pub async fn dry_run(context: &Context, writer: Writer, game: GameId) -> Result<Answer> {
    let draw = find(context, game).await?;
    check_closed(&draw)?;
    let fixed = published(context, &draw).await?;
    let turn = context.draws.turn().await?;
    let statistics = on_thread(move || {
        let _turn = turn;
        let (secret, value): ([u8; 32], [u8; 16]) = (rand::random(), rand::random());
        let bundle = &fixed.bundle;
        let root = fixed.tree.root();
        let tried = bundle::draw(&bundle.terms, &bundle.entrants, &root, &secret, &hex::encode(value));
        statistics(bundle, &tried)
    })
    .await?;
    write(context, writer, move |tx, _| {
        Box::pin(async move {
            quota::lock(tx, game).await?;
            check_closed(&store::find_in(tx, game).await?.ok_or(DomainError::Internal)?)?;
            store::count_dry_run(tx, game).await?;
            pass(Failpoint::DrawTried);
            Ok(Change { action: "dry_run", entity: "draws", id: game.0, before: None, after: Some(statistics) })
        })
    })
    .await
}

fn check_closed(draw: &Draw) -> Result<()> {
    match draw.state {
        DrawState::Entries => refused("entries are not closed yet"),
        DrawState::Closed => Ok(()),
        DrawState::Drawn => refused("it is drawn already"),
    }
}

/// Counts by group: entries, their players, and those of them that won.
fn statistics(bundle: &Bundle, tried: &Allocation) -> Value {
    let mut wins = vec![false; bundle.entrants.len()];
    for sequence in &tried.order[..tried.winners] {
        wins[*sequence as usize - 1] = true;
    }
    let count = |belongs: &dyn Fn(&[String]) -> bool| {
        let (mut entries, mut players, mut winners, mut winning_players) = (0u64, 0u64, 0u64, 0u64);
        for (entrant, wins) in bundle.entrants.iter().zip(&wins) {
            if entrant.size > 0 && belongs(&entrant.groups) {
                entries += 1;
                players += u64::from(entrant.size);
                winners += u64::from(*wins);
                winning_players += if *wins { u64::from(entrant.size) } else { 0 };
            }
        }
        json!({"entries": entries, "players": players, "winners": winners, "winning_players": winning_players})
    };
    let groups: Vec<Value> = bundle
        .terms
        .quotas
        .iter()
        .map(|quota| {
            let mut counts = count(&|groups| groups.contains(&quota.name));
            counts["name"] = json!(quota.name);
            counts["places"] = json!(quota.places);
            counts
        })
        .collect();
    let without_part = bundle.entrants.iter().filter(|entrant| entrant.size == 0).count();
    json!({
        "places": bundle.terms.places,
        "all": count(&|_| true),
        "groups": groups,
        "without_group": count(&|groups| groups.is_empty()),
        "without_part": without_part,
    })
}

/// Draws with the secret that was committed to and the public value, stores and reveals all of it, and lets the line
/// work through the result. The same value again answers the draw as it is.
///
/// Errors: `NotFound`, `InvalidField`, `InUse` when entries are not closed, there was no dry run, the places changed or
/// it was drawn with another value; `Busy`.
pub async fn run(context: &Context, writer: Writer, game: GameId, public_value: String) -> Result<Answer> {
    check_text("the value", &public_value, 1).map_err(|reason| DomainError::field("public_value", reason))?;
    visible::check_said(&public_value, Layout::Line)
        .map_err(|fault| DomainError::field("public_value", fault.to_string()))?;
    let draw = find(context, game).await?;
    if let Some(revealed) = &draw.revealed {
        let same = revealed.public_value == public_value;
        return if same { Ok(as_it_is(&draw)) } else { refused("it was drawn with another public value") };
    }
    check_closed(&draw)?;
    if draw.dry_runs == 0 {
        return refused("make a dry run first");
    }
    let fixed = published(context, &draw).await?;
    let sealed = store::secret_sealed(&context.db, game).await?;
    let secret = context.vault.open(&sealed).ok().and_then(|secret| decode(&secret));
    let secret = secret.filter(|secret| bundle::commitment(secret) == draw.terms.commitment).ok_or_else(|| {
        tracing::error!(game = game.0, "the stored secret is not the one that was committed to");
        DomainError::Internal
    })?;
    let turn = context.draws.turn().await?;
    let value = public_value.clone();
    let (winners, sequences) = on_thread(move || {
        let _turn = turn;
        let (terms, entrants) = (&fixed.bundle.terms, &fixed.bundle.entrants);
        let drawn = bundle::draw(terms, entrants, &fixed.tree.root(), &secret, &value);
        serde_json::to_string(&drawn.order).map(|text| (drawn.winners, text)).map_err(|_| DomainError::Internal)
    })
    .await??;
    pass(Failpoint::DrawWorkedOut);
    let winners = u32::try_from(winners).map_err(|_| DomainError::Internal)?;
    let count = draw.fixed.as_ref().map_or(0, |fixed| i64::from(fixed.count));
    let answer = write(context, writer, move |tx, now| {
        Box::pin(async move {
            let mut row = quota::lock(tx, game).await?;
            check_places(&draw, &row)?;
            let revealed = Revealed { public_value, secret: hex::encode(secret), winners, at: now };
            if !store::reveal(tx, game, &revealed, with_latecomers(sequences, count, row.tail)).await? {
                // Another node was faster.
                return Err(DomainError::BUSY);
            }
            pass(Failpoint::DrawRevealed);
            (row.lottery, row.shuffled) = (Lottery::Drawn, Some(row.tail));
            // Positions mean something else from now on: nobody may carry old lists over.
            row.list_version += 2;
            let happened = [Event::Lottery { lottery: row.lottery.code(), count: row.tail }];
            quota::commit(tx, game, &mut row, now, &happened).await?;
            let after = store::find_in(tx, game).await?.ok_or(DomainError::Internal)?;
            let (before, after) = (described(&draw), described(&after));
            Ok(Change { action: "run", entity: "draws", id: game.0, before, after })
        })
    })
    .await?;
    pass(Failpoint::DrawKept);
    places_changed(context, game);
    Ok(answer)
}

/// Tokens that came after closing, in a line that was opened again, stand behind all entrants as they came.
fn with_latecomers(mut sequences: String, count: i64, tail: i64) -> String {
    if tail > count {
        sequences.truncate(sequences.trim_end_matches(']').len());
        for late in count + 1..=tail {
            // Writing into a String cannot fail.
            let _ = write!(sequences, "{}{late}", if late == 1 { "" } else { "," });
        }
        sequences.push(']');
    }
    sequences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latecomers_stand_behind_the_entrants() {
        assert_eq!(with_latecomers("[2,1]".to_owned(), 2, 2), "[2,1]");
        assert_eq!(with_latecomers("[2,1]".to_owned(), 2, 4), "[2,1,3,4]");
        assert_eq!(with_latecomers("[]".to_owned(), 0, 2), "[1,2]");
    }
}
