//! The slow loop: reads the games' rules again, forgets what limits no longer need, ends what ends by itself.

use std::time::Duration;

use super::sweeps;
use crate::context::Context;

const EVERY: Duration = Duration::from_secs(2);
/// Limits are tidied every so many rounds.
const TIDY_ROUNDS: u64 = 30;

pub async fn run(context: &Context) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for round in 0_u64.. {
        ticks.tick().await;
        if let Err(error) = context.catalog.reload(&context.db).await {
            tracing::warn!(%error, "the games' rules are those of a moment ago");
        }
        if round % TIDY_ROUNDS == 0 {
            context.limits.tidy();
            if let Err(error) = sweeps::step(context).await {
                tracing::warn!(%error, "what ends by itself");
            }
        }
    }
}
