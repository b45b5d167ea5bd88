//! Aliyun's `SendSms`, version 2017-05-25.

use actors::error::{DomainError, Provider, Result};
use async_trait::async_trait;
use serde_json::{Map, Value};

use super::{ALIYUN, Message, SmsProvider};
use crate::clients::aliyun::Rpc;
use crate::clients::outgoing::{Outgoing, Retry};
use crate::config::Config;

pub(super) const BASE_URL: &str = "https://dysmsapi.aliyuncs.com";
const REGION: &str = "cn-hangzhou";

pub struct Aliyun {
    rpc: Rpc,
    sign_name: String,
}

impl Aliyun {
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let sms = &config.sms;
        let base_url = if sms.base_url.is_empty() { BASE_URL } else { &sms.base_url };
        let rpc = Rpc {
            http: Outgoing::new(Provider::Sms, None)?,
            provider: Provider::Sms,
            base_url: base_url.to_owned(),
            version: "2017-05-25",
            key_id: sms.key_id.clone(),
            key_secret: sms.key_secret.clone(),
        };
        Ok(Self { rpc, sign_name: sms.sign_name.clone() })
    }
}

#[async_trait]
impl SmsProvider for Aliyun {
    fn name(&self) -> &'static str {
        ALIYUN
    }

    async fn send(&self, message: &Message, now_ms: i64) -> Result<()> {
        let parameters: Map<String, Value> =
            message.parameters.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
        let parameters = Value::Object(parameters).to_string();
        let own = [
            ("RegionId", REGION),
            ("PhoneNumbers", &message.phone),
            ("SignName", &self.sign_name),
            ("TemplateCode", &message.template),
            ("TemplateParam", &parameters),
            ("OutId", &message.reference),
        ];
        let reply = self.rpc.call(Retry::Unsent, "SendSms", &own, now_ms).await?;
        match reply["Code"].as_str() {
            Some("OK") => Ok(()),
            // The reply's text may quote the phone.
            code => {
                tracing::warn!(code = code.unwrap_or("none"), "Aliyun refused a message");
                Err(DomainError::ProviderFailed(Provider::Sms))
            }
        }
    }
}
