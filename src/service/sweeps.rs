//! What ends by itself: memberships, unpaid membership orders, codes, messages and links, calls of SSO. One step of the housekeeping loop;
//! any node may take it.

use actors::error::Result;

use super::{
    admin_trail, collections, confirmations, hawk, known_addresses, memberships, orders, phones, picture_quota, sso,
};
use crate::context::Context;

/// Ends what is due, a bounded number of each; answers how many memberships and orders ended.
///
/// Errors: of the first that failed; the others were done nevertheless.
pub async fn step(context: &Context) -> Result<u64> {
    let tidied = [
        phones::sweep(context).await,
        confirmations::sweep(context).await,
        sso::sweep::sweep(context).await,
        hawk::sweep(context).await,
        known_addresses::sweep(context).await,
        collections::sweep_answers(context).await,
        admin_trail::sweep(context).await,
        picture_quota::sweep(context).await,
    ];
    let orders = orders::sweep_memberships(context).await;
    let ended = memberships::sweep(context).await;
    tidied.into_iter().collect::<Result<()>>()?;
    Ok(orders? + ended?)
}
