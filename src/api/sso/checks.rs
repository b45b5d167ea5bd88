//! `chkname`, `chkmail`: whether a name or a mail address is free. The answers are not sealed.

use actix_web::HttpRequest;

use super::call::{self, OpenCall};
use super::{Body, envelope};
use crate::context::Context;
use crate::service::sso::{self, Refusal};

const TAKEN: &str = "y010102";
const FREE: &str = "y010401";

pub async fn name(context: &Context, request: &HttpRequest, body: Body) -> Result<String, Refusal> {
    let OpenCall { caller, address, members, .. } = call::open(context, request, body).await?;
    let name = members.text("user_name")?;
    let free = sso::name_is_free(context, &caller, address, name.as_deref()).await?;
    let (rcode, msg) = if free { (FREE, "用户名可以注册") } else { (TAKEN, "用户名已存在") };
    Ok(envelope::success(rcode, msg, []))
}

pub async fn mail(context: &Context, request: &HttpRequest, body: Body) -> Result<String, Refusal> {
    let OpenCall { caller, address, members, .. } = call::open(context, request, body).await?;
    let mail = members.text("user_mail")?;
    let free = sso::mail_is_free(context, &caller, address, mail.as_deref()).await?;
    let (rcode, msg) = if free { (FREE, "邮箱地址可以使用") } else { (TAKEN, "邮箱已存在") };
    Ok(envelope::success(rcode, msg, []))
}
