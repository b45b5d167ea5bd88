//! The payment provider: registering an order for payment on the page, and giving money back. `Merchant` is who we are
//! to it. The sandbox lives in this process and accepts everything; `POST /sandbox/pay/{order_no}` plays its payer.

use std::str::FromStr;
use std::sync::Arc;

use actors::domain::money::Fen;
use actors::domain::order::OrderNo;
use actors::error::{DomainError, Provider, Result};
use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use super::sign::{Fields, SignType};
use crate::config::Config;

/// What is to be paid, by whom, and where the outcome is told.
#[derive(Debug, Clone)]
pub struct UnifiedOrder {
    pub order_no: OrderNo,
    pub total: Fen,
    /// Shown to the payer.
    pub title: String,
    pub openid: String,
    /// Absolute, without a query.
    pub notify_url: String,
}

/// Money to give back. `refund_no` makes it idempotent: the same number again is the same refund.
#[derive(Debug, Clone)]
pub struct Refund {
    pub refund_no: String,
    pub order_no: OrderNo,
    pub transaction_id: String,
    pub amount: Fen,
}

#[async_trait]
pub trait PaymentGateway: Send + Sync {
    /// Stored with each payment; transaction ids are unique per name.
    fn name(&self) -> &'static str;

    /// Registers the order and answers its prepay id, good for two hours.
    ///
    /// Errors: `ProviderFailed(Payment)`.
    async fn unified_order(&self, order: &UnifiedOrder) -> Result<String>;

    /// Gives the money of one transaction back.
    ///
    /// Errors: `ProviderFailed(Payment)`; trying again later is safe.
    async fn refund(&self, refund: &Refund) -> Result<()>;
}

pub const SANDBOX: &str = "sandbox";

/// The implementation named by `pay.provider`.
pub fn provider(name: &str) -> anyhow::Result<Arc<dyn PaymentGateway>> {
    match name {
        SANDBOX => Ok(Arc::new(SandboxGateway)),
        "none" | "" => Ok(Arc::new(NoGateway)),
        other => anyhow::bail!("pay.provider: {other:?} is not one of sandbox, none"),
    }
}

struct SandboxGateway;

#[async_trait]
impl PaymentGateway for SandboxGateway {
    fn name(&self) -> &'static str {
        SANDBOX
    }

    async fn unified_order(&self, _order: &UnifiedOrder) -> Result<String> {
        Ok(format!("wx{}", hex::encode(rand::random::<[u8; 17]>())))
    }

    async fn refund(&self, refund: &Refund) -> Result<()> {
        tracing::info!(refund_no = refund.refund_no, "sandbox refund");
        Ok(())
    }
}

/// `pay.provider = "none"`: nothing can be paid.
struct NoGateway;

#[async_trait]
impl PaymentGateway for NoGateway {
    fn name(&self) -> &'static str {
        "none"
    }

    async fn unified_order(&self, _order: &UnifiedOrder) -> Result<String> {
        Err(DomainError::ProviderFailed(Provider::Payment))
    }

    async fn refund(&self, _refund: &Refund) -> Result<()> {
        Err(DomainError::ProviderFailed(Provider::Payment))
    }
}

/// Our identity towards the provider, and the key that both sides sign with.
pub struct Merchant {
    pub app_id: String,
    pub mch_id: String,
    pub sign_type: SignType,
    api_key: SecretString,
}

const SANDBOX_APP_ID: &str = "wx0000000000000000";
const SANDBOX_MCH_ID: &str = "1900000000";

impl Merchant {
    /// `None` while `pay.provider` is `none`. The sandbox fills what is not set; its key is a new one in every process,
    /// so that nobody else can write its notices.
    ///
    /// Errors: an identity or key that a real provider needs and is not set: without a key anybody could write notices.
    pub fn from_config(config: &Config) -> anyhow::Result<Option<Self>> {
        let provider = config.pay.provider.as_str();
        if matches!(provider, "none" | "") {
            return Ok(None);
        }
        let sign_type =
            SignType::from_str(&config.pay.sign_type).map_err(|reason| anyhow::anyhow!("pay.sign_type: {reason}"))?;
        let sandbox = provider == SANDBOX;
        let named = |key: &str, value: &str, in_sandbox: &str| match value {
            "" if sandbox => Ok(in_sandbox.to_owned()),
            "" => anyhow::bail!("{key} must be set while pay.provider is {provider:?}"),
            value => Ok(value.to_owned()),
        };
        let random_key = hex::encode(rand::random::<[u8; 16]>());
        let api_key = named("pay.api_key", config.pay.api_key.expose_secret(), &random_key)?;
        Ok(Some(Self {
            app_id: named("wechat.app_id", &config.wechat.app_id, SANDBOX_APP_ID)?,
            mch_id: named("pay.mch_id", &config.pay.mch_id, SANDBOX_MCH_ID)?,
            sign_type,
            api_key: api_key.into(),
        }))
    }

    pub fn sign(&self, fields: &Fields) -> String {
        super::sign::sign(fields, self.api_key.expose_secret(), self.sign_type)
    }

    /// Whether `fields` carry our key's signature.
    pub fn verify(&self, fields: &Fields) -> bool {
        super::sign::verify(fields, self.api_key.expose_secret(), self.sign_type)
    }
}
