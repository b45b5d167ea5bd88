//! `reg`: registers a person. The answer is sealed with the pair that the caller used.

use actix_web::HttpRequest;

use super::call::{self, OpenCall};
use super::{Body, envelope};
use crate::context::Context;
use crate::service::sso::{self, Given, Refusal};
use crate::sso_wire::cipher::seal;
use crate::sso_wire::json::{Value, object};

pub async fn answer(context: &Context, request: &HttpRequest, body: Body) -> Result<String, Refusal> {
    let OpenCall { caller, address, call, members } = call::open(context, request, body).await?;
    // Before the members are looked at: whoever may not register is told only that.
    sso::may_register(context, &caller, &call).await?;
    let given = Given {
        user_name: members.text("user_name")?,
        user_pass: members.text("user_pass")?,
        user_mail: members.text("user_mail")?,
        user_nick: members.text("user_nick")?,
        user_contact: members.document("user_contact")?,
        user_extend: members.document("user_extend")?,
        user_ip: members.text("user_ip")?,
    };
    let registered = sso::register(context, &caller, call, &given, address).await?;
    let sealed = seal(
        &caller.pair,
        &object(&[
            ("user_id", Value::Whole(registered.account.0)),
            ("user_name", Value::Text(registered.user_name)),
            ("user_status", sso::status_name(registered.waits).into()),
            ("timestamp", Value::Whole(registered.at)),
        ]),
    );
    let more = [("code", Value::Text(sealed.code)), ("sign", Value::Text(sealed.sign))];
    Ok(envelope::success("y010101", "注册成功", more))
}
