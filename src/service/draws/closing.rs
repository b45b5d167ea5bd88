//! Closing the entries: the line takes no more, and who is in it is fixed under one hash.

use std::collections::{HashMap, HashSet};

use actors::domain::ids::GameId;
use actors::domain::registration::Gender;
use actors::draw::bundle::{Entrant, GroupQuota, entrant_hash, tree};
use actors::draw::verification::MOST_ENTRANTS;
use actors::error::{DomainError, Result};
use actors::quota_queue::messages::{QueueState, SealedPlayer};
use serde::Deserialize;

use super::record::{as_it_is, described};
use super::{Draw, check_places, find, on_thread, refused, store};
use crate::context::Context;
use crate::failpoints::{Failpoint, pass};
use crate::service::collections::{Answer, Change, Writer, write};
use crate::service::queue_token::QueueToken;
use crate::service::registration::set_queue_state;
use crate::store::sql::draws::{Entry, Fixed};
use crate::store::sql::quota;
use crate::vault::Vault;

/// Tokens read at once: with a hundred players each they are some 20 MB.
const PAGE: i64 = 250;

/// Closes the line and fixes its tokens as the entrants. Whoever left takes no part, nor does a token with a player who
/// is in an earlier one. Once done it is done: asking again answers the draw as it is.
///
/// Errors: `NotFound`, `Busy`, `InUse` when the places are no longer those announced or there are too many entries.
pub async fn close(context: &Context, writer: Writer, game: GameId) -> Result<Answer> {
    let draw = find(context, game).await?;
    if draw.state.is_closed() {
        return Ok(as_it_is(&draw));
    }
    let _turn = context.draws.turn().await?;
    check_places(&draw, &quota::row(&context.db, game).await?)?;
    // From this commit on no token is handed out, so the entrants can be read without the lock.
    let last = set_queue_state(context, &writer.admin, game, QueueState::Closed).await?.tail;
    pass(Failpoint::DrawLineClosed);
    if usize::try_from(last).is_ok_and(|last| last > MOST_ENTRANTS) {
        return refused("the line has more entries than a draw can take, 500000");
    }
    let reader = read(context, &draw, last).await?;
    let (entrants, left, terms) = (reader.entrants, reader.left, draw.terms.clone());
    let (root, text) = on_thread(move || {
        let root = hex::encode(tree(&terms, &entrants).root());
        serde_json::to_string(&entrants).map(|text| (root, text)).map_err(|_| DomainError::Internal)
    })
    .await??;
    let count = u32::try_from(last).map_err(|_| DomainError::Internal)?;
    write(context, writer, move |tx, now| {
        Box::pin(async move {
            let row = quota::lock(tx, game).await?;
            check_places(&draw, &row)?;
            if row.tail != last {
                return refused("the line was opened again and took new entries; close once more");
            }
            // Somebody may have left while the tokens were read; another node may have closed.
            let fixed = Fixed { count, merkle_root: root, at: now };
            if store::left_count(tx, game, last).await? != left || !store::close(tx, game, &fixed, text).await? {
                return Err(DomainError::BUSY);
            }
            pass(Failpoint::DrawEntrantsFixed);
            let after = store::find_in(tx, game).await?.ok_or(DomainError::Internal)?;
            let (before, after) = (described(&draw), described(&after));
            Ok(Change { action: "close", entity: "draws", id: game.0, before, after })
        })
    })
    .await
}

/// Turns tokens into entrants, page by page.
struct Reader {
    quotas: Vec<GroupQuota>,
    /// Indices of the quotas whose list has the certificate.
    lists: HashMap<u128, Vec<usize>>,
    /// Certificates of the entries so far.
    seen: HashSet<u128>,
    entrants: Vec<Entrant>,
    left: i64,
}

async fn read(context: &Context, draw: &Draw, last: i64) -> Result<Reader> {
    let quotas = draw.terms.quotas.clone();
    let mut lists: HashMap<u128, Vec<usize>> = HashMap::new();
    for (name, key) in store::members(&context.db, draw.game).await? {
        if let (Some(key), Some(quota)) = (number(&key), quotas.iter().position(|quota| quota.name == name)) {
            lists.entry(key).or_default().push(quota);
        }
    }
    let mut reader = Reader { quotas, lists, seen: HashSet::new(), entrants: Vec::new(), left: 0 };
    let mut after = 0;
    while after < last {
        let page = store::entries(&context.db, draw.game, after, last, PAGE).await?;
        let contiguous = page.iter().zip(after + 1..).all(|(entry, sequence)| entry.sequence == sequence);
        if page.is_empty() || !contiguous {
            tracing::error!(game = draw.game.0, after, "a token is missing from the line");
            return Err(DomainError::Internal);
        }
        after += page.len() as i64;
        let (vault, game) = (context.vault.clone(), draw.game);
        reader = on_thread(move || {
            for entry in page {
                reader.take(&vault, game, &entry);
            }
            reader
        })
        .await?;
    }
    Ok(reader)
}

impl Reader {
    fn take(&mut self, vault: &Vault, game: GameId, entry: &Entry) {
        let token = QueueToken { game, sequence: entry.sequence }.encode(vault);
        let players: Vec<SealedPlayer> = serde_json::from_str(&entry.players).unwrap_or_default();
        let keys: Option<Vec<u128>> = players.iter().map(|player| number(&player.certificate_key)).collect();
        let keys = keys.filter(|keys| keys.len() as i64 == entry.group_size).unwrap_or_default();
        self.left += i64::from(entry.left);
        let takes_part = !entry.left && !keys.is_empty() && !keys.iter().any(|key| self.seen.contains(key));
        let groups = if takes_part { self.groups(vault, &players, &keys) } else { Vec::new() };
        let size = if takes_part { keys.len() as u32 } else { 0 };
        if takes_part {
            self.seen.extend(keys);
        }
        // Contiguous from 1, so the length says the number.
        let sequence = self.entrants.len() as u32 + 1;
        self.entrants.push(Entrant { sequence, size, entrant: entrant_hash(&token), groups });
    }

    /// A token belongs to a group when all its players do.
    fn groups(&self, vault: &Vault, players: &[SealedPlayer], keys: &[u128]) -> Vec<String> {
        let belongs = |(index, quota): &(usize, &GroupQuota)| match quota.rule.as_str() {
            "gender:female" => players.iter().all(|player| gender(vault, player) == Some(Gender::Female)),
            "gender:male" => players.iter().all(|player| gender(vault, player) == Some(Gender::Male)),
            _ => keys.iter().all(|key| self.lists.get(key).is_some_and(|lists| lists.contains(index))),
        };
        self.quotas.iter().enumerate().filter(belongs).map(|(_, quota)| quota.name.clone()).collect()
    }
}

fn gender(vault: &Vault, player: &SealedPlayer) -> Option<Gender> {
    #[derive(Deserialize)]
    struct Kept {
        gender: Gender,
    }
    let text = vault.open(&player.sealed).ok()?;
    serde_json::from_str::<Kept>(&text).ok().map(|kept| kept.gender)
}

/// A lookup key as a number: a quarter of the memory.
fn number(key: &str) -> Option<u128> {
    u128::from_str_radix(key, 16).ok()
}
