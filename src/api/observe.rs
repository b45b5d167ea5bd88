//! Around every request: its id, the log span, figures, headers that browsers are protected by, and an answer when a
//! handler panics. Lines are sampled, since a line a poll would cost more than the poll; failures are always told.

use std::cell::Cell;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{StatusCode, Uri};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError, web};
use futures_util::FutureExt;
use tracing::Instrument;

use super::problem::Problem;
use super::{bodies, cmd, h5, sso, webapi};
use crate::context::Context;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Ordinary lines a worker writes in a second; the next line tells how many were left out.
const LINES_PER_SECOND: u32 = 10;
const SLOW: Duration = Duration::from_secs(1);

const POLICY: &str = "default-src 'self'; media-src 'self' blob: https:; worker-src 'self' blob:; \
                      connect-src 'self' ws: wss: https:; img-src 'self' https: data:; object-src 'none'; \
                      base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

/// The request's id, for handlers that pass it on.
#[derive(Clone)]
pub struct RequestId(pub HeaderValue);

pub async fn observe<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let started = Instant::now();
    // Compressed bodies are not taken: unpacked they have no bound, and a signature is over what was sent. Unread they
    // are no JSON, no form and no XML, which each dialect refuses in its own words.
    request.headers_mut().remove(CONTENT_ENCODING);
    let _held = bodies::limit(&mut request);
    let id = accepted(request.headers()).unwrap_or_else(made);
    request.extensions_mut().insert(RequestId(id.clone()));
    let uri = request.uri().clone();
    let context = request.app_data::<web::Data<Context>>().cloned();
    let span = tracing::info_span!("request", id = id.to_str().unwrap_or_default());
    let outcome = AssertUnwindSafe(next.call(request)).catch_unwind().instrument(span.clone()).await;
    // A clone of the request would let these two be full responses, but routing needs the only reference to it.
    let mut response = match outcome {
        Ok(response) => response?,
        Err(_panic) => {
            span.in_scope(|| tracing::error!("a handler panicked"));
            let fault = Panicked { uri, id };
            if let Some(context) = context {
                context.metrics.count_answer(fault.answer().status().as_u16(), started.elapsed());
            }
            return Err(fault.into());
        }
    };
    let status = response.status();
    let took = started.elapsed();
    if let Some(context) = context {
        context.metrics.count_answer(status.as_u16(), took);
    }
    span.in_scope(|| log(&response, status, took));
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id);
    protect(headers);
    Ok(response)
}

/// A handler did not live to answer: this does, in the words of the path's own dialect.
#[derive(Debug)]
struct Panicked {
    uri: Uri,
    id: HeaderValue,
}

impl Panicked {
    fn answer(&self) -> HttpResponse {
        let path = self.uri.path();
        let told = cmd::fault(path).or_else(|| h5::fault(&self.uri)).or_else(|| sso::fault(&self.uri));
        told.or_else(|| webapi::fault(path)).unwrap_or_else(|| {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong here").error_response()
        })
    }
}

impl fmt::Display for Panicked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a handler panicked")
    }
}

impl ResponseError for Panicked {
    fn error_response(&self) -> HttpResponse {
        let mut response = self.answer();
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, self.id.clone());
        protect(headers);
        response
    }
}

fn protect(headers: &mut HeaderMap) {
    use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
    // Answers are about persons unless their handler knows better: caches and the history of a shared computer keep none.
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Nothing runs in a JSON answer, and polls are counted in millions.
    let is_json = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !is_json {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin"));
    }
}

/// The caller's own id, when it is short and harmless in a log.
fn accepted(headers: &HeaderMap) -> Option<HeaderValue> {
    let id = headers.get(REQUEST_ID)?;
    let sane = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    ((1..=64).contains(&id.len()) && id.as_bytes().iter().all(sane)).then(|| id.clone())
}

/// Unique in all nodes and restarts: a random number of the thread, and a count.
fn made() -> HeaderValue {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    thread_local!(static RANDOM: u64 = rand::random());
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let random = RANDOM.with(|random| *random);
    HeaderValue::try_from(format!("{random:016x}{count:08x}")).unwrap_or_else(|_| unreachable!("hex is a header value"))
}

fn log<B>(response: &ServiceResponse<B>, status: StatusCode, took: Duration) {
    let failed = status.is_server_error();
    let left_out = match sampled() {
        Some(left_out) => left_out,
        None if failed || took >= SLOW => 0,
        None => return,
    };
    // The route's pattern, not the path: paths carry phones and tokens.
    let request = response.request();
    let route = request.match_pattern().unwrap_or_default();
    let method = request.method().as_str();
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let status = status.as_u16();
    if failed {
        tracing::warn!(method, route, status, ms, left_out, "answered");
    } else {
        tracing::info!(method, route, status, ms, left_out, "answered");
    }
}

/// How many lines were left out before this one; None when this one is to be left out too.
fn sampled() -> Option<u64> {
    thread_local!(static SECOND: Cell<(Option<Instant>, u32, u64)> = const { Cell::new((None, 0, 0)) });
    SECOND.with(|cell| {
        let (start, lines, left_out) = cell.get();
        let now = Instant::now();
        match start {
            Some(start) if now.duration_since(start) < Duration::from_secs(1) => {
                if lines < LINES_PER_SECOND {
                    cell.set((Some(start), lines + 1, 0));
                    Some(left_out)
                } else {
                    cell.set((Some(start), lines, left_out + 1));
                    None
                }
            }
            _ => {
                cell.set((Some(now), 1, 0));
                Some(left_out)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_only_when_harmless() {
        let judged = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_str(text).unwrap());
            accepted(&headers).is_some()
        };
        assert!(judged("a-B_9.0"));
        assert!(judged(&"a".repeat(64)));
        for bad in ["", "a b", "a\"b", "ü", &"a".repeat(65)] {
            assert!(!judged(bad), "{bad}");
        }
        assert_ne!(made(), made());
    }

    #[actix_web::test]
    async fn a_panic_is_answered_in_the_dialect_of_its_path() {
        use actix_web::{App, middleware::from_fn, test};
        async fn dies() -> HttpResponse {
            panic!("a test lets the handler die")
        }
        let app = test::init_service(App::new().wrap(from_fn(observe)).default_service(web::to(dies))).await;
        for (path, status, body) in [
            ("/api/reg", 200, r#"{"result":-1000,"msg":"服务器内部错误","retry_after":1}"#),
            ("/api/party", 200, r#"{"result":-1000,"msg":"服务器内部错误","retry_after":1}"#),
            (
                "/api/v1/user/info?a=1",
                500,
                r#"{"msg":"sorry，we make a mistake. (^o^)Y","error_code":999,"request_url":"/api/v1/user/info?a=1"}"#,
            ),
            (
                "/index.php/api/reg/reg",
                200,
                r#"{"msg":"服务器内部错误","detail":"注册失败","rcode":"x010101","rstatus":"x"}"#,
            ),
            ("/Api/WebInterface/Personal/Regist", 500, r#"{"Message":"An error has occurred."}"#),
            (
                "/admin/api/v1/me",
                500,
                r#"{"type":"about:blank","title":"Internal Server Error","status":500,"code":"internal","detail":"something went wrong here"}"#,
            ),
        ] {
            let request = test::TestRequest::get().uri(path).insert_header((REQUEST_ID, "abc-1")).to_request();
            let error = test::try_call_service(&app, request).await.unwrap_err();
            let response = error.error_response();
            assert_eq!(response.status().as_u16(), status, "{path}");
            assert_eq!(response.headers().get(REQUEST_ID).unwrap(), "abc-1");
            let bytes = actix_web::body::to_bytes(response.into_body()).await.unwrap();
            assert_eq!(std::str::from_utf8(&bytes).unwrap(), body);
        }
    }

    #[test]
    fn lines_of_one_second_are_counted_out() {
        std::thread::spawn(|| {
            let written = (0..1000).filter(|_| sampled().is_some()).count();
            assert!(written >= LINES_PER_SECOND as usize && written <= 3 * LINES_PER_SECOND as usize, "{written}");
        })
        .join()
        .unwrap();
    }
}
