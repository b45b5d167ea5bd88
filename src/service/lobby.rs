//! The front page: what can be registered for and watched now. Read at most once a second, whoever asks.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use actors::domain::ids::LiveId;
use actors::error::Result;
use actors::quota_queue::messages::{QueueRow, QueueState};
use bytes::Bytes;
use tokio::sync::Mutex;

use super::live;
use crate::context::Context;
use crate::store::sql::lobby as store;

pub use crate::store::sql::lobby::Live;
use crate::store::sql::lobby::{Competition, GamePlaces};

const FRESH: Duration = Duration::from_secs(1);

pub struct Lobby {
    pub competitions: Vec<CompetitionCard>,
    /// Those without a competition, each with the connections in its room.
    pub lives: Vec<(Live, i64)>,
    /// As it is sent, made by the first request that needs it.
    pub text: OnceLock<Bytes>,
}

pub struct CompetitionCard {
    pub id: i64,
    pub title: String,
    pub summary: String,
    pub main_img_url: String,
    /// Milliseconds since 1970.
    pub play_time: i64,
    /// Milliseconds since 1970: nobody can join a line from then on.
    pub closes_at: i64,
    /// Some game takes people now, or will without anybody's doing: by the competition's times or by its own opening.
    pub registration_open: bool,
    pub games: Vec<GameCard>,
    /// Each with the connections in its room.
    pub lives: Vec<(Live, i64)>,
}

pub struct GameCard {
    pub places: GamePlaces,
    /// People may join its line now; before its opening they wait for the draw of their order.
    pub is_open: bool,
    /// A single person would be put on the wait-list if no place is free.
    pub has_wait_list: bool,
}

#[derive(Default)]
pub struct LobbyCache {
    last: Mutex<Option<(Instant, Result<Arc<Lobby>>)>>,
}

/// Callers that come while it is read wait for the one reading, and its failure is theirs: they do not wait one after the
/// other for a database that is away.
pub async fn lobby(context: &Context) -> Result<Arc<Lobby>> {
    let mut last = context.lobby.last.lock().await;
    if let Some((read, lobby)) = last.as_ref()
        && read.elapsed() < FRESH
    {
        return lobby.clone();
    }
    let lobby = read(context).await.map(Arc::new);
    *last = Some((Instant::now(), lobby.clone()));
    lobby
}

async fn read(context: &Context) -> Result<Lobby> {
    let now = context.db.now_ms();
    let mut games = store::games(&context.db).await?;
    let mut lives = store::lives(&context.db).await?;
    let competitions = store::competitions(&context.db, now).await?;
    let competitions = competitions
        .into_iter()
        .map(|row| {
            let games: Vec<GameCard> = games
                .extract_if(.., |game| game.competition_id == row.id)
                .map(|places| GameCard {
                    is_open: is_open(&row, &places.line, now),
                    has_wait_list: is_open(&row, &places.line, now) && has_wait_list(&places.line),
                    places,
                })
                .collect();
            Ok(CompetitionCard {
                registration_open: is_in_window(&row, now) || games.iter().any(|game| game.is_open),
                games,
                lives: watched(context, lives.extract_if(.., |live| live.competition_id == Some(row.id)))?,
                closes_at: closes_at(&row),
                id: row.id,
                title: row.title,
                summary: row.summary,
                main_img_url: row.main_img_url,
                play_time: row.play_time,
            })
        })
        .collect::<Result<_>>()?;
    let lives = watched(context, lives.into_iter().filter(|live| live.competition_id.is_none()))?;
    Ok(Lobby { competitions, lives, text: OnceLock::new() })
}

fn watched(context: &Context, lives: impl Iterator<Item = Live>) -> Result<Vec<(Live, i64)>> {
    lives.map(|live| live::online(context, LiveId(live.id)).map(|room| (live, room.connections))).collect()
}

fn is_in_window(competition: &Competition, now: i64) -> bool {
    competition.registration_open_at.is_none_or(|at| at <= now) && now < closes_at(competition)
}

fn closes_at(competition: &Competition) -> i64 {
    competition.registration_close_at.unwrap_or(competition.play_time)
}

/// As a line itself decides it: one with an opening of its own is open from its pre-queue on.
fn is_open(competition: &Competition, line: &QueueRow, now: i64) -> bool {
    let in_time = match line.rules.opening_at {
        Some(opening) => line.rules.pre_queue_at.unwrap_or(opening) <= now && now < closes_at(competition),
        None => is_in_window(competition, now),
    };
    in_time && line.state != QueueState::Closed
}

fn has_wait_list(line: &QueueRow) -> bool {
    line.may_still_fit(1) && line.wait_listed < line.rules.wait_list
}

#[cfg(test)]
mod tests {
    use actors::quota_queue::messages::LineRules;
    use actors::quota_queue::state::Quota;

    use super::*;

    fn competition(opens: i64, closes: i64) -> Competition {
        Competition {
            id: 1,
            title: String::new(),
            summary: String::new(),
            main_img_url: String::new(),
            play_time: closes,
            registration_open_at: Some(opens),
            registration_close_at: None,
        }
    }

    fn line(pre_queue_at: Option<i64>, opening_at: Option<i64>) -> QueueRow {
        QueueRow { rules: LineRules { pre_queue_at, opening_at, ..LineRules::default() }, ..QueueRow::default() }
    }

    #[test]
    fn line_with_an_opening_is_open_from_its_pre_queue_whatever_its_competition_says() {
        let event = competition(500, 900);
        let open = |line: &QueueRow, now| is_open(&event, line, now);
        let (plain, pre, late) = (line(None, None), line(Some(100), Some(200)), line(None, Some(600)));
        assert_eq!([499, 500, 899, 900].map(|now| open(&plain, now)), [false, true, true, false]);
        assert_eq!([99, 100, 200, 899, 900].map(|now| open(&pre, now)), [false, true, true, true, false]);
        assert_eq!([500, 599, 600].map(|now| open(&late, now)), [false, false, true]);
        let closed = QueueRow { state: QueueState::Closed, ..plain };
        assert!(!open(&closed, 600));
    }

    #[test]
    fn wait_list_is_told_only_while_it_takes_somebody() {
        let mut row = line(None, None);
        row.quota = Quota { limitation: 3, balance: 0, sold: 2, held: 1 };
        assert!(!has_wait_list(&row), "there is none");
        row.rules.wait_list = 2;
        assert!(has_wait_list(&row), "the unpaid one may come free");
        row.wait_listed = 2;
        assert!(!has_wait_list(&row), "it is full");
        (row.wait_listed, row.quota) = (0, Quota { limitation: 3, balance: 0, sold: 3, held: 0 });
        assert!(!has_wait_list(&row), "all are paid");
        row.rules.wait_for_refunds = true;
        assert!(has_wait_list(&row), "a refund may come");
    }
}
