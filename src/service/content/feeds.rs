//! What people write to the organiser.

use actors::domain::caller_address::CallerAddress;
use actors::domain::ids::AccountId;
use actors::domain::phone;
use actors::domain::visible::{self, Layout};
use actors::error::{DomainError, Result};

use crate::context::Context;
use crate::store::sql::content::feeds as store;

/// Characters.
const MOST_TITLE: usize = 25;
const MOST_CONTENT: usize = 255;

/// As it was written; the texts are trimmed and may be empty.
#[derive(Debug)]
pub struct Feed {
    /// 1 suggestion, 2 complaint, 3 other.
    pub kind: i64,
    pub phone: String,
    pub title: String,
    pub content: String,
}

/// Errors: `InvalidField`; `RateLimited` for one who writes very often.
pub async fn submit(context: &Context, account: AccountId, address: CallerAddress, feed: Feed) -> Result<()> {
    if !(1..=3).contains(&feed.kind) {
        return Err(DomainError::field("type", "必须是1、2或3"));
    }
    if [&feed.title, &feed.content].into_iter().any(|text| text.contains('\0')) {
        return Err(DomainError::Malformed("不能包含字符 U+0000".into()));
    }
    // Pasted texts bring characters that nobody sees: the writer could not find what would be refused.
    let title = visible::without_hidden(&feed.title, Layout::Line).trim().to_owned();
    let content = visible::without_hidden(&feed.content, Layout::Lines).trim().to_owned();
    if title.chars().count() > MOST_TITLE {
        return Err(DomainError::field("title", "不能超过25个字符"));
    }
    if !visible::has_visible(&content) {
        return Err(DomainError::field("content", "不能为空"));
    }
    if content.chars().count() > MOST_CONTENT {
        return Err(DomainError::field("content", "不能超过255个字符"));
    }
    let number = match feed.phone.as_str() {
        "" => None,
        typed => Some(phone::checked(typed).map_err(|_| DomainError::field("phone", "格式不正确"))?),
    };
    context.limits.feed(account).await?;
    let phone_sealed = number.map(|number| context.vault.seal(&number)).unwrap_or_default();
    let kind = feed.kind;
    let new = store::NewFeed { account, kind, phone_sealed, title, content, address: address.to_string() };
    let db = context.db.clone();
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let now = db.now_in(tx).await?;
                Ok(store::insert(tx, &new, now).await?)
            })
        })
        .await
}
