//! Mail: one trait, SMTP and a sandbox. The sandbox sends nothing; who asks keeps its mails.

pub mod smtp;

use std::sync::Arc;

use async_trait::async_trait;

use crate::config::Config;

/// A mail of plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    pub to: String,
    pub subject: String,
    pub text: String,
    /// Tells this mail from every other one of this server; a second copy carries the same.
    pub reference: String,
}

#[async_trait]
pub trait MailProvider: Send + Sync {
    fn name(&self) -> &'static str;

    /// Hands a mail over. After an answer that was lost it may have left.
    ///
    /// Errors: why not, in words for administrators and of no person.
    async fn send(&self, letter: &Letter) -> Result<(), String>;
}

pub const SANDBOX: &str = "sandbox";
pub const SMTP: &str = "smtp";

/// The implementation named by `mail.provider`; none while mail is switched off.
pub fn provider(config: &Config) -> anyhow::Result<Option<Arc<dyn MailProvider>>> {
    Ok(match config.mail.provider.as_str() {
        SANDBOX => Some(Arc::new(Sandbox)),
        SMTP => Some(Arc::new(smtp::Smtp::new(&config.mail, None)?)),
        "none" | "" => None,
        other => anyhow::bail!("mail.provider: {other:?} is not one of none, sandbox, smtp"),
    })
}

struct Sandbox;

#[async_trait]
impl MailProvider for Sandbox {
    fn name(&self) -> &'static str {
        SANDBOX
    }

    async fn send(&self, _: &Letter) -> Result<(), String> {
        Ok(())
    }
}
