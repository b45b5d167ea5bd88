//! What people write to the organiser.

use actors::domain::caller_address::CallerAddress;
use actors::domain::ids::AccountId;
use actors::domain::phone;
use actors::error::{DomainError, Result};

use crate::context::Context;
use crate::store::sql::content::feeds as store;

/// Characters.
const MOST_TITLE: usize = 25;
const MOST_CONTENT: usize = 255;
const MOST_PHONE: usize = 20;

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
    if feed.title.chars().count() > MOST_TITLE {
        return Err(DomainError::field("title", "不能超过25个字符"));
    }
    if feed.content.is_empty() {
        return Err(DomainError::field("content", "不能为空"));
    }
    if feed.content.chars().count() > MOST_CONTENT {
        return Err(DomainError::field("content", "不能超过255个字符"));
    }
    let number = phone::canonical(&feed.phone);
    let is_number = number.bytes().enumerate().all(|(at, byte)| byte.is_ascii_digit() || (at == 0 && byte == b'+'));
    if !number.is_empty() && (!(5..=MOST_PHONE).contains(&number.len()) || !is_number) {
        return Err(DomainError::field("phone", "格式不正确"));
    }
    context.limits.feed(account)?;
    let phone_sealed = if number.is_empty() { String::new() } else { context.vault.seal(&number) };
    let Feed { kind, title, content, .. } = feed;
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
