//! HTML that administrators write: cleaned once, before it is stored. What is left is safe inside a page.
//!
//! Cleaning means parsing, and a parser can be made to work and to write far more than it was given. So it is done before
//! the transaction, on a thread that serves nobody else, one text at a time; what it may cost is judged first
//! (`outline`), and what comes out is judged again. The worst text of 60,000 characters that was found (20,000 entities) takes
//! a second in an unoptimised build.

mod outline;
mod tokens;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use actors::domain::account::Admin;
use actors::error::{DomainError, Result};
use ammonia::Builder;
use tokio::sync::Semaphore;

use self::tokens::{Token, Tokens};
use crate::context::Context;

/// Those who may wait for the one that is cleaning, and how long.
const MOST_WAITING: usize = 8;
const PATIENCE: Duration = Duration::from_secs(3);
/// Bytes that cleaning may add to twice the text, such as the `rel` of a link.
const FREE_BYTES: usize = 1_024;

/// What storing a text would leave of it.
///
/// Errors: `RateLimited`, and those of `RichText::clean_all`.
pub async fn preview(context: &Context, admin: &Admin, field: &'static str, html: String) -> Result<String> {
    context.limits.preview(admin.id).await?;
    context.rich_text.clean_all(vec![(field, html)]).await?.pop().ok_or(DomainError::Internal)
}

static KNOWN_TAGS: LazyLock<Builder<'static>> = LazyLock::new(Builder::default);

/// The one place where texts are cleaned.
pub struct RichText {
    turn: Arc<Semaphore>,
    patience: Duration,
    waiting: Semaphore,
}

impl Default for RichText {
    fn default() -> Self {
        Self { turn: Arc::new(Semaphore::new(1)), patience: PATIENCE, waiting: Semaphore::new(MOST_WAITING) }
    }
}

impl RichText {
    /// Cleans the rich texts of a row, in their order.
    ///
    /// Errors: `InvalidField` naming the member whose text is too much work, `Busy`.
    pub async fn clean_all(&self, texts: Vec<(&'static str, String)>) -> Result<Vec<String>> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let _place = self.waiting.try_acquire().map_err(|_| DomainError::BUSY)?;
        let turn = tokio::time::timeout(self.patience, self.turn.clone().acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(DomainError::BUSY) };
        // The turn goes with the thread: a client that breaks off does not end the work.
        let work = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let one = |(field, html): (&'static str, String)| {
                clean(&html).map_err(|reason| DomainError::field(field, reason))
            };
            texts.into_iter().map(one).collect::<Result<Vec<String>>>()
        });
        work.await.map_err(|_| DomainError::Internal)?
    }
}

/// Only harmless elements, attributes and addresses; scripts, styles, frames, forms and comments go.
///
/// Errors: the reason why cleaning it would be too much work.
fn clean(html: &str) -> std::result::Result<String, String> {
    let outlined = outline::outline(html, &KNOWN_TAGS.clone_tags())?;
    let cleaned = KNOWN_TAGS.clean(&outlined).to_string();
    if cleaned.len() > html.len().saturating_mul(2).saturating_add(FREE_BYTES) {
        return Err("would become more than twice as long when it is written as HTML".into());
    }
    Ok(cleaned)
}

/// The text between the tags, with `&`, `<` and `>` still written as entities, so that it is as safe as what was cleaned.
/// One pass, without a parser: it is made for each request.
pub fn text_of(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    for token in Tokens::of(html) {
        match token {
            Token::Text(part) | Token::Literal { text: part, entities: true } => escape(&mut text, part, true),
            Token::Literal { text: part, entities: false } => escape(&mut text, part, false),
            Token::Open { .. } | Token::Close { .. } => {}
        }
    }
    text.trim().to_owned()
}

fn escape(to: &mut String, text: &str, entities: bool) {
    for (at, letter) in text.char_indices() {
        match letter {
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '&' if !(entities && begins_entity(&text.as_bytes()[at + 1..])) => to.push_str("&amp;"),
            other => to.push(other),
        }
    }
}

/// Whether an ampersand before these bytes begins an entity: a name or a number, and a semicolon.
fn begins_entity(rest: &[u8]) -> bool {
    const LONGEST: usize = 32;
    let name = rest.strip_prefix(b"#").unwrap_or(rest);
    let length = name.iter().take(LONGEST).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    length > 0 && name.get(length) == Some(&b';')
}

#[cfg(test)]
#[path = "rich_text_tests.rs"]
mod tests;
