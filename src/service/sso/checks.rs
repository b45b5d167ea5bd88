//! Whether a name or a mail address is free. Whoever may ask could list who has an account, so questions are counted.

use super::{Caller, Refusal, fields};
use crate::context::Context;
use crate::store::sql::sso as store;
use actors::domain::caller_address::CallerAddress;

/// Errors: `InvalidField`, `RateLimited`.
pub async fn name_is_free(
    context: &Context,
    caller: &Caller,
    address: CallerAddress,
    name: Option<&str>,
) -> Result<bool, Refusal> {
    let name = fields::name(&context.config, name)?;
    context.limits.sso_check(caller.app, address).await?;
    Ok(!store::has_name(&context.db, name.folded()).await?)
}

/// Errors: `InvalidField`, `RateLimited`.
pub async fn mail_is_free(
    context: &Context,
    caller: &Caller,
    address: CallerAddress,
    mail: Option<&str>,
) -> Result<bool, Refusal> {
    let mail = fields::needed_mail(&context.config.sso, mail)?;
    context.limits.sso_check(caller.app, address).await?;
    Ok(!store::has_mail(&context.db, &context.vault.email_key(&mail)).await?)
}
