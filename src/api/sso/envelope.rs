//! The form of answers: always HTTP 200 with `application/json; Charset=UTF-8`, written as the original writes JSON.

use actix_web::HttpResponse;

use super::codes;
use crate::service::sso::Refusal;
use crate::sso_wire::json::{Value, object};

/// The version of the document that this dialect follows, and the day it was published.
const VERSION: &str = "4.0";
const PUBLISHED: i64 = 20_220_604;

/// What was done, or found: the versions, the code, its text and more.
pub fn success<const N: usize>(rcode: &str, msg: &str, more: [(&'static str, Value); N]) -> String {
    let mut members = vec![
        ("prd_sso_ver", VERSION.into()),
        ("prd_sso_pub", Value::Bare(PUBLISHED)),
        ("rcode", rcode.into()),
        ("msg", msg.into()),
    ];
    members.extend(more);
    object(&members)
}

pub fn answer(json: String) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json; Charset=UTF-8").body(json)
}

pub fn refusal(refusal: &Refusal) -> HttpResponse {
    let code = codes::code_of(refusal);
    answer(object(&[
        ("msg", Value::Text(code.msg.into_owned())),
        ("detail", codes::detail(code.rcode).into()),
        ("rcode", code.rcode.into()),
        ("rstatus", code.rcode.get(..1).unwrap_or_default().into()),
    ]))
}
