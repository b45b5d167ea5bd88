//! The HAWK-signed registration API, `/api/WebInterface/*`, in the manners of ASP.NET Web API. Known quirks, kept:
//! - paths in any letter case; JSON, XML, forms and BSON in, JSON, XML and BSON out, never 406;
//! - schema faults are 400 with a ModelState, business faults 200 with an `errcode`;
//! - lengths count UTF-16 units; XML members leave in alphabetical order, the others as declared.

mod authenticate;
mod body;
mod codes;
pub mod hawk_header;
mod hawk_mac;
pub mod media_type;
pub mod members;
pub mod read_bson;
pub mod read_form;
pub mod read_json;
pub mod read_xml;
mod regist;
mod reply;

use std::panic::AssertUnwindSafe;

use actix_web::http::header::{ACCEPT, ACCEPT_CHARSET, ALLOW, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::FutureExt as _;

use self::authenticate::Caller;
use self::media_type::{MediaType, Output, Wishes, negotiate};
use self::reply::{HttpError, Reply};
use super::bodies;
use crate::api::public_address::PublicAddress;
use crate::context::Context;

const PREFIX: &str = "/api/webinterface";
const REGIST: &str = "/api/webinterface/personal/regist";
const SERVER_AUTHORIZATION: HeaderName = HeaderName::from_static("server-authorization");

/// Everything under `/api/WebInterface`, in any letter case. Needs `web::Data<Context>`.
pub fn routes(cfg: &mut ServiceConfig) {
    // The router knows letter case only through an expression.
    cfg.service(web::resource("/{dialect:(?i:api/webinterface)(?:/.*)?}").route(web::to(any)));
}

async fn any(context: Data<Context>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let output = output(request.headers());
    // Before the body: nobody reads a stranger's.
    let caller = authenticate::caller(&context, &request).await;
    let refusal = match (resource(&context, &request), &caller) {
        // Without a nonce spent: there is nothing that could be called twice.
        (Err(absent), _) => Some(absent),
        (Ok(()), Err(refusal)) => Some(refusal.clone()),
        (Ok(()), Ok(caller)) => caller.check_hash_is_there(&context).err(),
    };
    let caller = caller.ok();
    let reply = match (refusal, &caller) {
        (None, Some(caller)) => {
            bodies::caller_is_known(&request);
            // A panic would be answered further out, where nobody can sign.
            let answer = regist::answer(&context, &request, caller, payload);
            AssertUnwindSafe(answer).catch_unwind().await.unwrap_or_else(|_panic| {
                tracing::error!("the registration of a person panicked");
                Reply::fault()
            })
        }
        (refusal, _) => {
            bodies::discard(&request);
            body::drain(payload).await;
            refusal.unwrap_or_else(Reply::fault)
        }
    };
    respond(&reply, output, caller.as_ref())
}

/// Whether there is something to call. Errors: 404, 405.
fn resource(context: &Context, request: &HttpRequest) -> Result<(), Reply> {
    if request.path().to_ascii_lowercase().trim_end_matches('/') != REGIST {
        return Err(not_found(context, request));
    }
    if request.method() != Method::POST {
        return Err(method_not_allowed(request.method()));
    }
    Ok(())
}

/// The answer to `path` after a panic, if it is this dialect's.
pub fn fault(path: &str) -> Option<HttpResponse> {
    let ours = path.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX));
    ours.then(|| respond(&Reply::fault(), negotiate(&Wishes::default()), None))
}

/// What the reply is to be written in.
fn output(headers: &HeaderMap) -> Output {
    let joined = |name: HeaderName| -> String {
        headers.get_all(name).filter_map(|line| line.to_str().ok()).collect::<Vec<_>>().join(",")
    };
    let sent = headers.get(CONTENT_TYPE).and_then(|line| MediaType::parse(line.to_str().ok()?));
    let script =
        headers.get("x-requested-with").is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"XMLHttpRequest"));
    negotiate(&Wishes {
        accept: &joined(ACCEPT),
        accept_charset: &joined(ACCEPT_CHARSET),
        by_script: script,
        sent: sent.as_ref(),
    })
}

fn respond(reply: &Reply, output: Output, caller: Option<&Caller>) -> HttpResponse {
    let (content_type, body) = (output.content_type(), reply.body.write(output));
    let mut response = HttpResponse::build(reply.status);
    for header in &reply.headers {
        response.append_header(header.clone());
    }
    if let Some(caller) = caller {
        response.insert_header((SERVER_AUTHORIZATION, caller.sign(&content_type, &body)));
    }
    response.insert_header((CONTENT_TYPE, content_type)).body(body)
}

fn method_not_allowed(method: &Method) -> Reply {
    let message = format!("The requested resource does not support http method '{method}'.");
    Reply::refused(StatusCode::METHOD_NOT_ALLOWED, HttpError::new(message))
        .with(ALLOW, HeaderValue::from_static("POST"))
}

fn not_found(context: &Context, request: &HttpRequest) -> Reply {
    let origin = PublicAddress::signed(request, &context.config).map_or_else(String::new, |address| address.origin());
    let uri = format!("{origin}{}", request.uri());
    let mut names = request.path()[PREFIX.len()..].split('/').skip(1);
    let detail = match (names.next().unwrap_or_default(), names.next()) {
        (controller, Some(action)) if controller.eq_ignore_ascii_case("personal") => {
            format!("No action was found on the controller 'Personal' that matches the name '{action}'.")
        }
        (controller, _) => format!("No type was found that matches the controller named '{controller}'."),
    };
    let message = format!("No HTTP resource was found that matches the request URI '{uri}'.");
    let error = HttpError { detail: Some(detail), ..HttpError::new(message) };
    Reply::refused(StatusCode::NOT_FOUND, error)
}
