//! Item 33, `POST config/value`: one code answers `{"value":…}`, a list of codes an object code → value. Quirk: `tags` 1
//! keeps HTML and 0 takes the tags out.

use actix_web::web::{Data, Json};
use actors::error::DomainError;
use serde_json::{Map, Value, json};

use super::auth::Signed;
use super::envelope::H5Error;
use crate::context::Context;
use crate::service::content::site;

pub async fn value(context: Data<Context>, caller: Signed) -> Result<Json<Value>, H5Error> {
    let missing = || DomainError::field("code", "不能为空");
    let html = match caller.params.text("tags")?.as_deref() {
        Some("1") => true,
        Some("0") => false,
        _ => return Err(DomainError::field("tags", "必须是0或1").into()),
    };
    if let Some(codes) = caller.params.list("code")? {
        if codes.is_empty() {
            return Err(missing().into());
        }
        let values = site::configs(&context, &codes, html).await?;
        let values: Map<String, Value> = values.into_iter().map(|(code, value)| (code, value.into())).collect();
        return Ok(Json(Value::Object(values)));
    }
    let code = caller.params.text("code")?.ok_or_else(missing)?;
    let values = site::configs(&context, &[code], html).await?;
    Ok(Json(json!({"value": values.first().map(|(_, value)| value)})))
}
