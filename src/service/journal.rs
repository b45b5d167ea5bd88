//! The journal of money for those who look after it.

use actors::error::Result;

use crate::context::Context;
use crate::store::sql::journal;

pub use crate::store::sql::journal::{Balances, Booked, Check};

/// Transfers that are shown.
const SHOWN: i64 = 100;

pub struct Overview {
    pub check: Check,
    /// Newest first.
    pub latest: Vec<Booked>,
}

/// The balances, whether they agree with orders and payments, and the last transfers. Reads every payment once.
pub async fn overview(context: &Context) -> Result<Overview> {
    let latest = journal::latest(&context.db, SHOWN).await?;
    let check = journal::check(&context.db).await?;
    if !check.holds() {
        tracing::error!(?check, "the journal disagrees with orders and payments");
    }
    Ok(Overview { check, latest })
}
