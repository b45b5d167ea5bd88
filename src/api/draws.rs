//! What anybody may ask of a draw: its state and hashes, the bundle that checks it, an entrant's receipt. Errors are
//! problem documents.

use actix_web::body::SizedStream;
use actix_web::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETag, EntityTag, Header, IfNoneMatch, VARY,
};
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use actors::domain::ids::GameId;

use super::admin::codes::problem;
use super::client_address::ClientAddress;
use super::problem::Problem;
use crate::context::Context;
use crate::service::draws;

const FRESH: (actix_web::http::header::HeaderName, &str) = (CACHE_CONTROL, "public, max-age=1");

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.route("/api/draws/{game:\\d+}", web::get().to(show))
        .route("/api/draws/{game:\\d+}/bundle", web::get().to(bundle))
        .route("/api/queue/{token}/receipt", web::get().to(receipt));
}

async fn show(context: Data<Context>, game: Path<String>) -> Result<HttpResponse, Problem> {
    let draw = draws::show(&context, id(&game)).await.map_err(problem)?;
    Ok(HttpResponse::Ok().insert_header(FRESH).json(draw))
}

/// Tens of megabytes for a large draw: compressed once, sent in pieces, and not sent again to a client that has it.
async fn bundle(context: Data<Context>, request: HttpRequest, game: Path<String>) -> Result<HttpResponse, Problem> {
    let bundle = draws::bundle(&context, id(&game)).await.map_err(problem)?;
    let compressed = takes_gzip(&request);
    let tag = EntityTag::new_strong(format!("{}{}", bundle.version, if compressed { "-gzip" } else { "" }));
    let has_it = match IfNoneMatch::parse(&request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
        Err(_) => false,
    };
    let mut response = if has_it { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header(FRESH).insert_header(ETag(tag)).insert_header((VARY, "Accept-Encoding"));
    if has_it {
        return Ok(response.finish());
    }
    let ClientAddress(address) = ClientAddress::of(&request);
    let counted = draws::begin_download(&context, address).map_err(problem)?;
    let file = bundle.file(&context).await.map_err(problem)?;
    response.insert_header((CONTENT_TYPE, "application/json"));
    if compressed {
        response.insert_header((CONTENT_ENCODING, "gzip"));
    }
    Ok(response.body(SizedStream::new(file.size(compressed), file.pieces(compressed, counted))))
}

/// Whether `Accept-Encoding` names gzip and does not refuse it.
fn takes_gzip(request: &HttpRequest) -> bool {
    let header = request.headers().get_all(ACCEPT_ENCODING).filter_map(|value| value.to_str().ok());
    header.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let refused = |part: &str| {
            let weight = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="));
            weight.is_some_and(|weight| weight.trim().parse::<f32>().is_ok_and(|weight| weight <= 0.0))
        };
        named && !parts.any(refused)
    })
}

async fn receipt(context: Data<Context>, token: Path<String>) -> Result<HttpResponse, Problem> {
    let receipt = draws::receipt(&context, &token).await.map_err(problem)?;
    Ok(HttpResponse::Ok().json(receipt))
}

/// Digits; a number beyond all games is as good as one that is none.
fn id(text: &str) -> GameId {
    GameId(text.parse().unwrap_or(i64::MAX))
}
