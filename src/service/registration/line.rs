//! Joining a game's line and asking where one stands.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use actors::domain::account::Account;
use actors::domain::game::{Game, beijing_date};
use actors::domain::ids::GameId;
use actors::domain::order::OrderNo;
use actors::domain::queue::{Phase, QueueStanding, Wait};
use actors::domain::registration::{MOST_PLAYERS, Player, PlayerDraft};
use actors::error::{DomainError, Result};
use actors::quota_queue::messages::{EnqueueRequest, Enqueued, Leaving, SealedPlayer};
use actors::quota_queue::state::{Outcome, poll_interval_seconds};
use actors::quota_queue::view::{Place, QueueView};

use crate::context::Context;
use crate::service::queue_token::QueueToken;
use crate::store::sql::quota::{self, Stored};

/// Where a token stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenState {
    /// The line is not opened, or its places are not drawn yet.
    BeforeOpening,
    /// `place` is 1 for the next to be decided; `wait` when there is enough to tell.
    Waiting {
        place: i64,
        wait: Option<Wait>,
    },
    /// `place` is 1 for the next to be offered a place that comes free.
    WaitListed {
        place: i64,
    },
    Ordered(OrderNo),
    Full,
    Failed,
    /// Its owner left the line.
    Left,
    /// The earlier order is named to its owner only.
    AlreadyRegistered(Option<OrderNo>),
}

impl From<Outcome> for TokenState {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Ordered(order_no) => Self::Ordered(order_no),
            Outcome::Full => Self::Full,
            Outcome::Failed => Self::Failed,
            Outcome::Left => Self::Left,
            Outcome::AlreadyRegistered(earlier) => Self::AlreadyRegistered(earlier),
        }
    }
}

impl TokenState {
    /// Seconds after which to ask again; 0 when there is nothing more to wait for.
    fn poll_interval_seconds(&self) -> u32 {
        match self {
            Self::BeforeOpening => BEFORE_OPENING_SECONDS,
            Self::Waiting { place, .. } | Self::WaitListed { place } => poll_interval_seconds(place - 1),
            _ => 0,
        }
    }

    /// What clients are told.
    fn standing(&self) -> QueueStanding {
        let mut standing = QueueStanding {
            queue_state: 0,
            order_no: String::new(),
            count: 0,
            query_interval: self.poll_interval_seconds(),
            wait_seconds: None,
            wait_known: false,
            phase: Phase::Decided,
            notice: None,
            reason: None,
            msg: "".into(),
        };
        let (state, msg): (u8, Cow<'static, str>) = match self {
            Self::BeforeOpening => {
                standing.phase = Phase::BeforeOpening;
                return standing;
            }
            Self::Waiting { place, wait } => {
                (standing.phase, standing.count) = (Phase::Line, *place);
                (standing.wait_seconds, standing.wait_known) = (*wait, wait.is_some());
                return standing;
            }
            Self::WaitListed { place } => {
                (standing.phase, standing.count) = (Phase::WaitList, *place);
                return standing;
            }
            Self::Ordered(order_no) => {
                standing.order_no = order_no.to_string();
                (1, "".into())
            }
            Self::Full => (2, "报名名额已满".into()),
            Self::Failed => (3, "报名处理失败，请重新提交".into()),
            // The dialect has no state of its own for it.
            Self::Left => (3, "已退出排队".into()),
            Self::AlreadyRegistered(Some(earlier)) => (4, format!("选手已报名，订单号 {earlier}").into()),
            Self::AlreadyRegistered(None) => (4, "选手已报名".into()),
        };
        standing.queue_state = state;
        standing.msg = msg;
        standing.wait_seconds = Some(Wait { low: 0, high: 0 });
        standing.wait_known = true;
        standing
    }
}

/// Before an opening everybody is told to ask seldom: nothing changes until then.
const BEFORE_OPENING_SECONDS: u32 = 5;

/// The answer to a wish for places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// `None`: the game is full and no token was made.
    pub token: Option<String>,
    pub standing: QueueStanding,
}

/// Puts the players into the game's line, all or none. The same account sending the same players again gets the same
/// token while it waits and while its order lives.
///
/// Errors: `InvalidField`, `NotFound(Game)`, `RegistrationNotOpen`, `RegistrationOver`, `NotEligible`, `RateLimited`,
/// `OverLimit`, `Busy`.
pub async fn enqueue(context: &Context, account: &Account, game: GameId, drafts: Vec<PlayerDraft>) -> Result<Ticket> {
    if drafts.is_empty() || drafts.len() > MOST_PLAYERS {
        return Err(DomainError::field("players", "1 to 100 players"));
    }
    let now = context.db.now_ms();
    let today = beijing_date(now);
    let mut players = Vec::with_capacity(drafts.len());
    for (index, draft) in drafts.into_iter().enumerate() {
        players.push(Player::new(draft, &format!("players[{index}]"), today)?);
    }
    let rules = context.catalog.game(&context.db, game).await?;
    let view = context.queues.loaded_view(game).await?;
    check_window(&rules, &view, now)?;
    let mut seen = HashSet::new();
    for (index, player) in players.iter().enumerate() {
        rules.check_player(player, &format!("players[{index}]"))?;
        if !seen.insert(player.certificate()) {
            let field = format!("players[{index}].certificate_no");
            return Err(DomainError::field(field, "is named twice in this request"));
        }
    }
    context.limits.enqueue(account.id).await?;

    let request = seal(context, account, game, &players)?;
    if view.is_exhausted() {
        // Sold out: thousands come after that, and a look into an index is all they may cost. A retry of a request that
        // was in time still finds its token.
        return match quota::live_token(&context.db, game, &request.request_key).await? {
            Some(sequence) => ticket(context, &view, game, sequence).await,
            None => Ok(full()),
        };
    }
    match context.queues.enqueue(game, request).await? {
        Enqueued::Waiting { sequence } | Enqueued::Existing { sequence } => {
            ticket(context, &view, game, sequence).await
        }
        Enqueued::Full => Ok(full()),
        Enqueued::PlayerWaits { player } => {
            Err(DomainError::field(format!("players[{player}].certificate_no"), "waits in this game's line already"))
        }
        Enqueued::OverLimit(over) => Err(DomainError::OverLimit(over)),
        Enqueued::Closed => Err(DomainError::RegistrationOver),
    }
}

fn full() -> Ticket {
    Ticket { token: None, standing: TokenState::Full.standing() }
}

/// A line with an opening of its own is open from its pre-queue on; all others with their competition.
///
/// Errors: `RegistrationNotOpen`, `RegistrationOver`.
fn check_window(game: &Game, view: &QueueView, now: i64) -> Result<()> {
    let line = view.row().map(|row| row.rules).unwrap_or_default();
    match line.opening_at {
        None => game.check_window(now),
        Some(opening) if now < line.pre_queue_at.unwrap_or(opening) => Err(DomainError::RegistrationNotOpen),
        Some(_) => Game { registration_open_at: None, ..game.clone() }.check_window(now),
    }
}

async fn ticket(context: &Context, view: &QueueView, game: GameId, sequence: i64) -> Result<Ticket> {
    let token = QueueToken { game, sequence };
    let standing = standing_of(context, view, token).await?;
    Ok(Ticket { token: Some(token.encode(&context.vault)), standing })
}

fn seal(context: &Context, account: &Account, game: GameId, players: &[Player]) -> Result<EnqueueRequest> {
    let mut identities = Vec::with_capacity(players.len());
    let mut sealed = Vec::with_capacity(players.len());
    for player in players {
        let text = written(player)?;
        let certificate = player.certificate();
        identities.push(written(&Player { certificate_no: certificate.number.clone(), ..player.clone() })?);
        sealed.push(SealedPlayer {
            certificate_key: context.vault.lookup_key("certificate", certificate.lookup_text().as_bytes()),
            sealed: context.vault.seal(&text),
        });
    }
    // The same players in another order, or with a certificate in another spelling, are the same request.
    identities.sort_unstable();
    let identity = format!("{game}|{}|{}", account.id, identities.join("|"));
    let request_key = context.vault.lookup_key("request", identity.as_bytes());
    Ok(EnqueueRequest { account: account.id, request_key, players: sealed })
}

fn written(player: &Player) -> Result<String> {
    serde_json::to_string(player).map_err(|error| {
        tracing::error!(%error, "a player cannot be written as JSON");
        DomainError::Internal
    })
}

/// Where a token stands. Reads nothing but memory, except after a restart or for tokens decided long ago.
///
/// Errors: `InvalidQueueToken`, `Busy`.
pub async fn token_standing(context: &Context, token: &str) -> Result<QueueStanding> {
    let token = QueueToken::decode(&context.vault, token).ok_or(DomainError::InvalidQueueToken)?;
    look_at(context, token).await.map(|(standing, _)| standing)
}

/// Where a token stands, and the head of its line as this node knows it.
pub(super) async fn look_at(context: &Context, token: QueueToken) -> Result<(QueueStanding, i64)> {
    let view = line_of(context, token).await?;
    let standing = standing_of(context, &view, token).await?;
    Ok((standing, view.row().map_or(0, |row| row.head)))
}

async fn line_of(context: &Context, token: QueueToken) -> Result<Arc<QueueView>> {
    match context.queues.view(token.game) {
        Some(view) => Ok(view),
        None => context.queues.loaded_view(token.game).await.map_err(unknown_token),
    }
}

/// Takes a waiting token out of its line. One that was decided before is left as it is.
///
/// Errors: `InvalidQueueToken`, `Busy`.
pub async fn leave(context: &Context, token: &str) -> Result<QueueStanding> {
    let token = QueueToken::decode(&context.vault, token).ok_or(DomainError::InvalidQueueToken)?;
    let view = line_of(context, token).await?;
    if let Some(decided) = known_state(&view, token.sequence).map(|state| state.standing()).filter(|it| it.is_decided())
    {
        return Ok(decided);
    }
    match context.queues.leave(token.game, token.sequence).await.map_err(unknown_token)? {
        Leaving::Left => Ok(TokenState::Left.standing()),
        Leaving::Decided(outcome) => Ok(TokenState::from(outcome).standing()),
        Leaving::Unknown => Err(DomainError::InvalidQueueToken),
    }
}

async fn standing_of(context: &Context, view: &QueueView, token: QueueToken) -> Result<QueueStanding> {
    let state = match known_state(view, token.sequence) {
        Some(state) => state,
        None if view.place(token.sequence) == Place::Forgotten => decided_long_ago(context, token).await?,
        None => {
            // Our MAC, but a number this node has not seen yet: another node handed it out a moment ago.
            let row = quota::row(&context.db, token.game).await.map_err(unknown_token)?;
            if token.sequence < 1 || token.sequence > row.tail {
                return Err(DomainError::InvalidQueueToken);
            }
            let view = context.queues.fresh_view(token.game).await.map_err(unknown_token)?;
            match known_state(&view, token.sequence) {
                Some(state) => state,
                None => decided_long_ago(context, token).await?,
            }
        }
    };
    let mut standing = state.standing();
    if standing.queue_state == 0 {
        standing.notice = view.notice();
    }
    Ok(standing)
}

/// What memory knows of a token.
fn known_state(view: &QueueView, sequence: i64) -> Option<TokenState> {
    match view.place(sequence) {
        Place::BeforeOpening => Some(TokenState::BeforeOpening),
        Place::Waiting { place, wait } => Some(TokenState::Waiting { place, wait }),
        Place::WaitListed { place } => Some(TokenState::WaitListed { place }),
        Place::Decided(outcome) => Some(outcome.into()),
        Place::Forgotten | Place::Unknown => None,
    }
}

async fn decided_long_ago(context: &Context, token: QueueToken) -> Result<TokenState> {
    match quota::stored(&context.db, token.game, token.sequence).await? {
        Some(Stored::Decided(outcome)) => Ok(outcome.into()),
        // Memory is behind the ledger for a moment.
        Some(Stored::Undecided) => Err(DomainError::BUSY),
        None => Err(DomainError::InvalidQueueToken),
    }
}

/// A token of a game that is gone is as good as none.
fn unknown_token(error: DomainError) -> DomainError {
    if matches!(error, DomainError::NotFound(_)) { DomainError::InvalidQueueToken } else { error }
}
