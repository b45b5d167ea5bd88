//! Short messages: one trait, two real providers and a sandbox. The sandbox sends nothing; who asks keeps its messages.

mod aliyun;
mod yuntongxun;

use std::sync::Arc;

use actors::error::Result;
use async_trait::async_trait;

use crate::config::Config;

/// A message of a template that the provider knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// 11 digits.
    pub phone: String,
    pub template: String,
    /// The template's parameters in their order, each with its name.
    pub parameters: Vec<(&'static str, String)>,
    /// Tells this message from every other one.
    pub reference: String,
}

#[async_trait]
pub trait SmsProvider: Send + Sync {
    fn name(&self) -> &'static str;

    /// Hands the message over to the provider.
    ///
    /// Errors: `ProviderFailed(Sms)`. After an answer that was lost the message may have left.
    async fn send(&self, message: &Message, now_ms: i64) -> Result<()>;
}

pub const SANDBOX: &str = "sandbox";
pub const ALIYUN: &str = "aliyun";
pub const YUNTONGXUN: &str = "yuntongxun";

/// The implementation named by `sms.provider`; none while messages are switched off.
pub fn provider(config: &Config) -> anyhow::Result<Option<Arc<dyn SmsProvider>>> {
    Ok(match config.sms.provider.as_str() {
        SANDBOX => Some(Arc::new(Sandbox)),
        ALIYUN => Some(Arc::new(aliyun::Aliyun::new(config)?)),
        YUNTONGXUN => Some(Arc::new(yuntongxun::Yuntongxun::new(config)?)),
        "none" | "" => None,
        other => anyhow::bail!("sms.provider: {other:?} is not one of none, sandbox, aliyun, yuntongxun"),
    })
}

/// Where a real provider is when the configuration does not say.
pub(super) fn address_of(provider: &str) -> Option<&'static str> {
    match provider {
        ALIYUN => Some(aliyun::BASE_URL),
        YUNTONGXUN => Some(yuntongxun::BASE_URL),
        _ => None,
    }
}

struct Sandbox;

#[async_trait]
impl SmsProvider for Sandbox {
    fn name(&self) -> &'static str {
        SANDBOX
    }

    async fn send(&self, _: &Message, _: i64) -> Result<()> {
        Ok(())
    }
}
