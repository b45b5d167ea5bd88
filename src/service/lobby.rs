//! The front page: what can be registered for and watched now. Read at most once a second, whoever asks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actors::domain::ids::LiveId;
use actors::error::Result;
use tokio::sync::Mutex;

use super::live;
use crate::context::Context;
use crate::store::sql::lobby as store;

pub use crate::store::sql::lobby::{GamePlaces, Live};

const FRESH: Duration = Duration::from_secs(1);

pub struct Lobby {
    pub competitions: Vec<CompetitionCard>,
}

pub struct CompetitionCard {
    pub id: i64,
    pub title: String,
    pub summary: String,
    pub main_img_url: String,
    /// Milliseconds since 1970.
    pub play_time: i64,
    pub registration_open: bool,
    pub games: Vec<GamePlaces>,
    /// Each with the connections in its room.
    pub lives: Vec<(Live, i64)>,
}

#[derive(Default)]
pub struct LobbyCache {
    last: Mutex<Option<(Instant, Arc<Lobby>)>>,
}

/// Callers that come while it is read wait for the one reading.
pub async fn lobby(context: &Context) -> Result<Arc<Lobby>> {
    let mut last = context.lobby.last.lock().await;
    if let Some((read, lobby)) = last.as_ref()
        && read.elapsed() < FRESH
    {
        return Ok(lobby.clone());
    }
    let lobby = Arc::new(read(context).await?);
    *last = Some((Instant::now(), lobby.clone()));
    Ok(lobby)
}

async fn read(context: &Context) -> Result<Lobby> {
    let now = context.db.now_ms();
    let mut games = store::games(&context.db).await?;
    let mut lives = store::lives(&context.db).await?;
    let competitions = store::competitions(&context.db, now).await?;
    let competitions = competitions
        .into_iter()
        .enumerate()
        .map(|(index, row)| {
            let of_it = |live: &mut Live| match live.competition_id {
                Some(id) => id == row.id,
                None => index == 0,
            };
            let opens = row.registration_open_at.is_none_or(|at| at <= now);
            let closes = row.registration_close_at.unwrap_or(row.play_time);
            Ok(CompetitionCard {
                registration_open: opens && now < closes,
                games: games.extract_if(.., |game| game.competition_id == row.id).collect(),
                lives: lives
                    .extract_if(.., of_it)
                    .map(|live| {
                        let online = live::online(context, LiveId(live.id))?.connections;
                        Ok((live, online))
                    })
                    .collect::<Result<_>>()?,
                id: row.id,
                title: row.title,
                summary: row.summary,
                main_img_url: row.main_img_url,
                play_time: row.play_time,
            })
        })
        .collect::<Result<_>>()?;
    Ok(Lobby { competitions })
}
