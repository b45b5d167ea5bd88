//! What SSO need not remember for ever.

use actors::error::Result;

use crate::context::Context;
use crate::store::sql::sso as store;

const DAY_MS: i64 = 86_400_000;
/// Notices that were given up are shown for so long.
const GIVEN_UP_MS: i64 = 30 * DAY_MS;

/// Forgets calls whose timestamps are over, and notices that were told yesterday or given up long ago.
pub async fn sweep(context: &Context) -> Result<()> {
    let db = context.db.clone();
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let now_ms = db.now_in(tx).await?;
                store::forget_calls(tx, now_ms).await?;
                Ok(store::forget_notices(tx, now_ms - DAY_MS, now_ms - GIVEN_UP_MS).await?)
            })
        })
        .await
}
