//! What everybody may know of a draw.

use actors::draw::bundle::GroupQuota;
use serde::Serialize;

use super::{Draw, DrawState};
use crate::service::collections::{Answer, Time};

/// A draw without its long lists. Hashes and the secret are 64 hex; times are Beijing's.
#[derive(Debug, Clone, Serialize)]
pub struct DrawRecord {
    game_id: String,
    /// `entries`, `closed` or `drawn`.
    state: &'static str,
    commitment: String,
    places: u32,
    quotas: Vec<GroupQuota>,
    public_source: String,
    created_at: Time,
    /// Tokens of the line that the draw is about; none before closing.
    entrants: Option<u32>,
    merkle_root: Option<String>,
    closed_at: Option<Time>,
    dry_runs: i64,
    public_value: Option<String>,
    secret: Option<String>,
    /// How many entries win; the others are the wait round.
    winners: Option<u32>,
    drawn_at: Option<Time>,
}

impl From<&Draw> for DrawRecord {
    fn from(draw: &Draw) -> Self {
        let (fixed, revealed) = (draw.fixed.as_ref(), draw.revealed.as_ref());
        Self {
            game_id: draw.game.to_string(),
            state: draw.state.name(),
            commitment: draw.terms.commitment.clone(),
            places: draw.terms.places,
            quotas: draw.terms.quotas.clone(),
            public_source: draw.terms.public_source.clone(),
            created_at: Time(draw.created_at),
            entrants: fixed.map(|fixed| fixed.count),
            merkle_root: fixed.map(|fixed| fixed.merkle_root.clone()),
            closed_at: fixed.map(|fixed| Time(fixed.at)),
            dry_runs: draw.dry_runs,
            public_value: revealed.map(|revealed| revealed.public_value.clone()),
            secret: revealed.map(|revealed| revealed.secret.clone()),
            winners: revealed.map(|revealed| revealed.winners),
            drawn_at: revealed.map(|revealed| Time(revealed.at)),
        }
    }
}

/// The public form for the audit trail and for answers.
pub(super) fn described(draw: &Draw) -> Option<serde_json::Value> {
    // Texts and numbers, which always can be written.
    serde_json::to_value(DrawRecord::from(draw)).ok()
}

/// The answer when there is nothing to do any more.
pub(super) fn as_it_is(draw: &Draw) -> Answer {
    Answer { status: 200, body: described(draw).map(|draw| draw.to_string()).unwrap_or_default() }
}

impl DrawState {
    pub(super) fn is_closed(self) -> bool {
        self != Self::Entries
    }
}
