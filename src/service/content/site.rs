//! Banners, the membership for sale, and the site's texts.

use actors::error::{DomainError, Entity, Result};

use super::{Banner, Business};
use crate::context::Context;
use crate::service::rich_text;
use crate::store::sql::content::site as store;

/// Codes that can be asked for at once.
pub const MOST_CODES: usize = 50;

/// Errors: `NotFound(Banner)`, also for one that is not shown now.
pub async fn banner(context: &Context, id: i64) -> Result<Banner> {
    store::find_banner(&context.db, id).await?.ok_or(DomainError::NotFound(Entity::Banner))
}

/// Errors: `NotFound(Carousel)` for a position without banners.
pub async fn banners(context: &Context, position: i64) -> Result<Vec<Banner>> {
    let banners = store::banners_at(&context.db, position).await?;
    if banners.is_empty() { Err(DomainError::NotFound(Entity::Carousel)) } else { Ok(banners) }
}

/// Errors: `NotFound(Business)` when none is offered.
pub async fn membership(context: &Context) -> Result<Business> {
    store::membership(&context.db).await?.ok_or(DomainError::NotFound(Entity::Business))
}

/// (code, value) of those that are there, in the order asked for. `html` false: without tags.
///
/// Errors: `InvalidField` for too many, `NotFound(Config)` when none is there.
pub async fn configs(context: &Context, codes: &[String], html: bool) -> Result<Vec<(String, String)>> {
    if codes.len() > MOST_CODES {
        return Err(DomainError::field("code", format!("不能超过{MOST_CODES}个")));
    }
    let found = store::configs(&context.db, codes).await?;
    let value = |code: &String| found.iter().find(|(known, _)| known == code).map(|(_, content)| content);
    let values: Vec<(String, String)> = codes
        .iter()
        .filter_map(|code| {
            let content = value(code)?;
            Some((code.clone(), if html { content.clone() } else { rich_text::text_of(content) }))
        })
        .collect();
    if values.is_empty() { Err(DomainError::NotFound(Entity::Config)) } else { Ok(values) }
}
