//! Joining a game's line and asking where one stands.

use std::borrow::Cow;
use std::collections::HashSet;

use actors::domain::account::Account;
use actors::domain::game::beijing_date;
use actors::domain::ids::GameId;
use actors::domain::order::OrderNo;
use actors::domain::queue::{QueueStanding, Wait};
use actors::domain::registration::{MOST_PLAYERS, Player, PlayerDraft};
use actors::error::{DomainError, Result};
use actors::quota_queue::messages::{EnqueueRequest, Enqueued, SealedPlayer};
use actors::quota_queue::state::{Outcome, poll_interval_seconds};
use actors::quota_queue::view::{Place, QueueView};

use crate::context::Context;
use crate::service::queue_token::QueueToken;
use crate::store::sql::quota;

/// Where a token stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenState {
    /// `place` is 1 for the next to be decided.
    Waiting {
        place: i64,
    },
    Ordered(OrderNo),
    Full,
    Failed,
    /// The earlier order is named to its owner only.
    AlreadyRegistered(Option<OrderNo>),
}

impl From<Outcome> for TokenState {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Ordered(order_no) => Self::Ordered(order_no),
            Outcome::Full => Self::Full,
            Outcome::Failed => Self::Failed,
            Outcome::AlreadyRegistered(earlier) => Self::AlreadyRegistered(earlier),
        }
    }
}

impl TokenState {
    /// Seconds after which to ask again; 0 when there is nothing more to wait for.
    fn poll_interval_seconds(&self) -> u32 {
        match self {
            Self::Waiting { place } => poll_interval_seconds(place - 1),
            _ => 0,
        }
    }

    /// What clients are told.
    pub fn standing(&self) -> QueueStanding {
        let (queue_state, order_no, count, msg): (u8, String, i64, Cow<'static, str>) = match self {
            Self::Waiting { place } => (0, String::new(), *place, "".into()),
            Self::Ordered(order_no) => (1, order_no.to_string(), 0, "".into()),
            Self::Full => (2, String::new(), 0, "报名名额已满".into()),
            Self::Failed => (3, String::new(), 0, "报名处理失败，请重新提交".into()),
            Self::AlreadyRegistered(Some(earlier)) => {
                (4, String::new(), 0, format!("选手已报名，订单号 {earlier}").into())
            }
            Self::AlreadyRegistered(None) => (4, String::new(), 0, "选手已报名".into()),
        };
        let decided = queue_state != 0;
        QueueStanding {
            queue_state,
            order_no,
            count,
            query_interval: self.poll_interval_seconds(),
            wait_seconds: decided.then_some(Wait { low: 0, high: 0 }),
            wait_known: decided,
            msg,
        }
    }
}

/// The answer to a wish for places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// `None`: the game is full and no token was made.
    pub token: Option<String>,
    pub state: TokenState,
}

/// Puts the players into the game's line, all or none. The same account sending the same players again gets the same
/// token while it waits and while its order lives.
///
/// Errors: `InvalidField`, `NotFound(Game)`, `RegistrationNotOpen`, `RegistrationOver`, `NotEligible`, `RateLimited`,
/// `Busy`.
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
    rules.check_window(now)?;
    let mut seen = HashSet::new();
    for (index, player) in players.iter().enumerate() {
        rules.check_player(player, &format!("players[{index}]"))?;
        if !seen.insert(player.certificate()) {
            let field = format!("players[{index}].certificate_no");
            return Err(DomainError::field(field, "is named twice in this request"));
        }
    }
    context.limits.enqueue(account.id)?;

    let request = seal(context, account, game, &players)?;
    let view = context.queues.loaded_view(game).await?;
    if view.is_exhausted() {
        // Sold out: thousands come after that, and a look into an index is all they may cost. A retry of a request that
        // was in time still finds its token.
        return match quota::live_token(&context.db, game, &request.request_key).await? {
            Some(sequence) => ticket(context, &view, game, sequence).await,
            None => Ok(Ticket { token: None, state: TokenState::Full }),
        };
    }
    match context.queues.enqueue(game, request).await? {
        Enqueued::Waiting { sequence } | Enqueued::Existing { sequence } => {
            ticket(context, &view, game, sequence).await
        }
        Enqueued::Full => Ok(Ticket { token: None, state: TokenState::Full }),
        Enqueued::Closed => Err(DomainError::RegistrationOver),
    }
}

async fn ticket(context: &Context, view: &QueueView, game: GameId, sequence: i64) -> Result<Ticket> {
    let token = QueueToken { game, sequence };
    let state = state_of(context, view, token).await?;
    Ok(Ticket { token: Some(token.encode(&context.vault)), state })
}

fn seal(context: &Context, account: &Account, game: GameId, players: &[Player]) -> Result<EnqueueRequest> {
    let mut identity = format!("{}|{}", game, account.id);
    let mut sealed = Vec::with_capacity(players.len());
    for player in players {
        let text = serde_json::to_string(player).map_err(|error| {
            tracing::error!(%error, "a player cannot be written as JSON");
            DomainError::Internal
        })?;
        identity.push('|');
        identity.push_str(&text);
        sealed.push(SealedPlayer {
            certificate_key: context.vault.lookup_key("certificate", player.certificate().lookup_text().as_bytes()),
            sealed: context.vault.seal(&text),
        });
    }
    let request_key = context.vault.lookup_key("request", identity.as_bytes());
    Ok(EnqueueRequest { account: account.id, request_key, players: sealed })
}

/// A token's state. Reads nothing but memory, except after a restart or for tokens decided long ago.
///
/// Errors: `InvalidQueueToken`, `Busy`.
pub async fn token_state(context: &Context, token: &str) -> Result<TokenState> {
    let token = QueueToken::decode(&context.vault, token).ok_or(DomainError::InvalidQueueToken)?;
    let view = match context.queues.view(token.game) {
        Some(view) => view,
        None => context.queues.loaded_view(token.game).await.map_err(unknown_token)?,
    };
    state_of(context, &view, token).await
}

async fn state_of(context: &Context, view: &QueueView, token: QueueToken) -> Result<TokenState> {
    match view.place(token.sequence) {
        Place::Waiting { place } => Ok(TokenState::Waiting { place }),
        Place::Decided(outcome) => Ok(outcome.into()),
        Place::Forgotten => decided_long_ago(context, token).await,
        Place::Unknown => {
            // Our MAC, but a number this node has not seen yet: another node handed it out a moment ago.
            let row = quota::row(&context.db, token.game).await.map_err(unknown_token)?;
            view.publish_row(row);
            match view.place(token.sequence) {
                Place::Waiting { place } => Ok(TokenState::Waiting { place }),
                Place::Decided(outcome) => Ok(outcome.into()),
                Place::Forgotten => decided_long_ago(context, token).await,
                Place::Unknown => Err(DomainError::InvalidQueueToken),
            }
        }
    }
}

async fn decided_long_ago(context: &Context, token: QueueToken) -> Result<TokenState> {
    let outcome = quota::outcome_of(&context.db, token.game, token.sequence).await?;
    outcome.map(TokenState::from).ok_or(DomainError::InvalidQueueToken)
}

/// A token of a game that is gone is as good as none.
fn unknown_token(error: DomainError) -> DomainError {
    if matches!(error, DomainError::NotFound(_)) { DomainError::InvalidQueueToken } else { error }
}
