//! "Why did I not get in?": what the log tells about one token and the order it became, as an administrator reads it.

use actors::domain::ids::GameId;
use actors::error::Result;
use actors::quota_queue::history::Event;
use actors::quota_queue::state::Outcome;
use serde::Serialize;

use crate::context::Context;
use crate::store::sql::quota::events::{self, Logged};
use crate::store::sql::quota::tokens::{self, TokenRecord};

/// Events told at the most.
const MOST_TOLD: usize = 100;
/// Events read at once while looking for them, and in all.
const PAGE: i64 = 500;
const MOST_READ: i64 = 200_000;

/// One line of the story.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Chapter {
    pub number: i64,
    /// Milliseconds since 1970.
    #[serde(skip)]
    pub at: i64,
    /// What happened, in words.
    pub text: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    pub token: TokenRecord,
    pub chapters: Vec<Chapter>,
}

/// None: there is no such token.
pub async fn story(context: &Context, game: GameId, sequence: i64) -> Result<Option<Story>> {
    let Some(token) = tokens::token(&context.db, game, sequence).await? else { return Ok(None) };
    let position = context.queues.loaded_view(game).await?.position_of(sequence);
    let mut chapters = Vec::new();
    let mut after = 0;
    loop {
        let page = events::covering(&context.db, game, sequence, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.number;
        chapters.extend(page.iter().filter_map(|logged| about_token(logged, sequence, position)));
        if chapters.len() >= MOST_TOLD {
            break;
        }
    }
    // A token that was registered already names an order that is not its own.
    let own = token.order_no.as_ref().filter(|_| token.state == Outcome::ORDERED);
    if let (Some(order_no), Some(made)) = (own, chapters.last().map(|chapter| chapter.number)) {
        chapters.extend(order_chapters(context, game, order_no, made).await?);
    }
    Ok(Some(Story { token, chapters }))
}

/// What happened to the order after it was made.
async fn order_chapters(context: &Context, game: GameId, order_no: &str, made: i64) -> Result<Vec<Chapter>> {
    let mut chapters = Vec::new();
    let mut after = made;
    while after - made < MOST_READ && chapters.len() < MOST_TOLD {
        let page = events::page(&context.db, game, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.number;
        chapters.extend(page.iter().filter_map(|logged| about_order(logged, order_no)));
    }
    Ok(chapters)
}

fn chapter(logged: &Logged, text: String) -> Chapter {
    Chapter { number: logged.number, at: logged.at, text }
}

fn about_token(logged: &Logged, sequence: i64, position: i64) -> Option<Chapter> {
    if !logged.event.names(sequence) {
        return None;
    }
    let text = match &logged.event {
        Event::Enqueued { first, places, .. } => {
            let places = usize::try_from(sequence - first).ok().and_then(|index| places.get(index)).copied()?;
            format!("joined the line as number {sequence}, for {places} places")
        }
        Event::Opened { count, .. } => {
            format!("the line was opened: {count} tokens were put into a drawn order, this one at position {position}")
        }
        Event::Lottery { count, .. } => {
            format!("the places were drawn by lot among {count} tokens; this one came to position {position}")
        }
        Event::Decided { tokens, paid, closed, .. } => {
            let token = tokens.iter().find(|token| token.sequence == sequence)?;
            let order_no = token.order_no.as_deref().unwrap_or("of somebody else");
            match token.state {
                0 => "no place was free: put on the wait-list".to_owned(),
                1 if *paid => format!("got {} places; order {order_no} costs nothing and is paid", token.places),
                1 => format!("got {} places; order {order_no} waits for its payment", token.places),
                2 if *closed => "registration had closed: nobody waits for a place any more".to_owned(),
                2 => "the group did not fit into what was left, and nothing could come free for it".to_owned(),
                3 => "could not be processed".to_owned(),
                4 => format!("a player was registered in this game already, in order {order_no}"),
                _ => "passed: its owner had left".to_owned(),
            }
        }
        Event::Left { .. } => "left the line".to_owned(),
        _ => return None,
    };
    Some(chapter(logged, text))
}

fn about_order(logged: &Logged, order_no: &str) -> Option<Chapter> {
    if !logged.event.names_order(order_no) {
        return None;
    }
    let text = match &logged.event {
        Event::Paid(_) => "the order was paid",
        Event::PaidLate(_) => "the order was paid after its hold had ended; its places were still free",
        Event::Expired { .. } => "the order was not paid in time; its places were given back",
        Event::Cancelled(_) => "the order was cancelled by its owner; its places were given back",
        Event::Refunded(_) => "the order was refunded; its places were given back",
        Event::PartRefunded { .. } => "a part of the order was refunded; its places were given back",
        _ => return None,
    };
    Some(chapter(logged, text.to_owned()))
}
