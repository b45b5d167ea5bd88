//! The pages. GET and HEAD, entity tags, one byte
//! range: what browsers and video players ask for.

use std::borrow::Cow;
use std::ops::Range;

use actix_web::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, IF_NONE_MATCH, IF_RANGE,
    RANGE,
};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, Bytes, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use rust_embed::EmbeddedFile;

use super::problem::{Problem, method_not_allowed};
use crate::assets::Static;

/// Names carry no fingerprint, so that a page and its scripts are asked for every time (and answered 304); pictures and
/// films change rarely.
const ASK_EVERY_TIME: &str = "no-cache";
const KEEP_AN_HOUR: &str = "public, max-age=3600";

pub fn routes(cfg: &mut ServiceConfig) {
    for path in ["/", "/{page:[a-z0-9-]+\\.html}", "/confirm-mail", "/static/{path:.*}"] {
        cfg.service(
            web::resource(path)
                .route(web::get().to(file))
                .route(web::head().to(file))
                .default_service(web::to(method_not_allowed)),
        );
    }
    for path in ["/favicon.ico", "/robots.txt"] {
        cfg.route(path, web::get().to(file)).route(path, web::head().to(file));
    }
}

async fn file(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let path = request.path();
    let name = match path {
        "/" => "index.html",
        "/confirm-mail" => "confirm-mail.html",
        _ => path.strip_prefix("/static/").unwrap_or(path.trim_start_matches('/')),
    };
    let missing = || Problem::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this address");
    // A debug build reads the folder: no way out of it.
    if name.split('/').any(|part| part.is_empty() || part == "..") {
        return Err(missing());
    }
    let found = Static::get(name).ok_or_else(missing)?;
    Ok(answer(&request, name, found))
}

fn answer(request: &HttpRequest, name: &str, file: EmbeddedFile) -> HttpResponse {
    let tag = format!("\"{}\"", hex::encode(&file.metadata.sha256_hash()[..16]));
    let kind = content_type(name, file.metadata.mimetype());
    let keep = match kind.split('/').next() {
        Some("image" | "video" | "audio" | "font") => KEEP_AN_HOUR,
        _ => ASK_EVERY_TIME,
    };
    let body = match file.data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    let mut response = HttpResponse::Ok();
    response
        .insert_header((ETAG, tag.as_str()))
        .insert_header((CACHE_CONTROL, keep))
        .insert_header((ACCEPT_RANGES, "bytes"));
    let headers = request.headers();
    if header(headers, &IF_NONE_MATCH).is_some_and(|known| has_tag(known, &tag)) {
        return response.status(StatusCode::NOT_MODIFIED).finish();
    }
    response.insert_header((CONTENT_TYPE, kind.as_ref()));
    let same = header(headers, &IF_RANGE).is_none_or(|known| known == tag);
    let asked = header(headers, &RANGE).filter(|_| same && request.method() == Method::GET);
    match asked.map_or(Asked::Everything, |text| range(text, body.len())) {
        Asked::Everything => response.body(body),
        Asked::Part(part) => {
            let shown = format!("bytes {}-{}/{}", part.start, part.end - 1, body.len());
            response.status(StatusCode::PARTIAL_CONTENT).insert_header((CONTENT_RANGE, shown)).body(body.slice(part))
        }
        Asked::Nothing => response
            .status(StatusCode::RANGE_NOT_SATISFIABLE)
            .insert_header((CONTENT_RANGE, format!("bytes */{}", body.len())))
            .finish(),
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// A weak comparison, as conditional GETs want it.
fn has_tag(known: &str, tag: &str) -> bool {
    known.split(',').map(str::trim).any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

fn content_type<'k>(name: &str, guessed: &'k str) -> Cow<'k, str> {
    match name.rsplit('.').next() {
        Some("m3u8") => "application/vnd.apple.mpegurl".into(),
        Some("ts") => "video/mp2t".into(),
        Some("js" | "mjs") => "text/javascript; charset=utf-8".into(),
        _ if guessed.starts_with("text/") => format!("{guessed}; charset=utf-8").into(),
        _ => guessed.into(),
    }
}

#[derive(Debug, PartialEq)]
enum Asked {
    Everything,
    Part(Range<usize>),
    Nothing,
}

/// `bytes=a-b`, `bytes=a-`, `bytes=-n`. Several ranges, other units and nonsense get everything, as the standard allows.
fn range(text: &str, length: usize) -> Asked {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|text| text.trim().split_once('-')) else {
        return Asked::Everything;
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(first) || !digits(last) || (first.is_empty() && last.is_empty()) {
        return Asked::Everything;
    }
    // A number too large to hold lies behind the end.
    let number = |part: &str| part.parse().unwrap_or(usize::MAX);
    let part = if first.is_empty() {
        length.saturating_sub(number(last))..length
    } else {
        let last = if last.is_empty() { usize::MAX } else { number(last) };
        if last < number(first) {
            return Asked::Everything;
        }
        number(first)..last.saturating_add(1).min(length)
    };
    if part.start >= part.end {
        return Asked::Nothing;
    }
    Asked::Part(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_as_players_ask() {
        let cases = [
            ("bytes=0-3", Asked::Part(0..4)),
            ("bytes=4-", Asked::Part(4..10)),
            ("bytes=-3", Asked::Part(7..10)),
            ("bytes=-30", Asked::Part(0..10)),
            ("bytes=8-99", Asked::Part(8..10)),
            ("bytes=10-", Asked::Nothing),
            ("bytes=-0", Asked::Nothing),
            ("bytes=99999999999999999999999-", Asked::Nothing),
            ("bytes=3-1", Asked::Everything),
            ("bytes=0-1,4-5", Asked::Everything),
            ("lines=0-1", Asked::Everything),
            ("bytes=-", Asked::Everything),
            ("bytes=a-b", Asked::Everything),
        ];
        for (text, expected) in cases {
            assert_eq!(range(text, 10), expected, "{text}");
        }
    }

    #[test]
    fn tags_are_compared_weakly() {
        assert!(has_tag("\"a\"", "\"a\""));
        assert!(has_tag("\"x\", W/\"a\"", "\"a\""));
        assert!(has_tag("*", "\"a\""));
        assert!(!has_tag("\"b\"", "\"a\""));
    }
}
