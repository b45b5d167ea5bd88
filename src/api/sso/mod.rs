//! The encrypted SSO registration dialect: `/index.php/api/reg/*` and `/api/reg/*`. Known quirks, kept on purpose:
//! - HTTP 200 always; errors are `{"msg","detail","rcode","rstatus"}`, with an empty rcode where the document has none;
//! - parameters come from the query and a form, the form wins; scalars of the sealed part are texts;
//! - a code that does not decrypt and a wrong sign are one refusal, told in one time.

mod call;
mod checks;
mod codes;
mod envelope;
mod params;
mod reg;

use actix_web::http::{Method, Uri};
use actix_web::web::{self, Bytes, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use actors::error::{DomainError, Entity};

use self::envelope::refusal;
use super::bodies;
use crate::context::Context;
use crate::service::sso::Refusal;

/// The largest body: two documents of 3000 characters, escaped and encoded, with room to spare.
const MOST_BODY: usize = 256 * 1024;

/// Needs `web::Data<Context>`.
pub fn routes(cfg: &mut ServiceConfig) {
    for prefix in ["/index.php", ""] {
        // Beside `POST /api/reg`, which is the command dialect's.
        for path in [format!("{prefix}/api/reg/{{act}}"), format!("{prefix}/api/reg/{{act}}/")] {
            cfg.service(resource(&path, web::to(act)));
        }
    }
    for path in ["/index.php", "/index.php/{rest:.*}", "/api/reg/{act}/{rest:.*}"] {
        cfg.service(resource(path, web::to(unknown)));
    }
}

fn resource(path: &str, route: actix_web::Route) -> actix_web::Resource {
    web::resource(path).default_service(route)
}

/// The answer to `uri` after a panic, if it is this dialect's.
pub fn fault(uri: &Uri) -> Option<HttpResponse> {
    let path = uri.path();
    let ours = path == "/index.php" || path.starts_with("/index.php/") || path.starts_with("/api/reg/");
    ours.then(|| refusal(&Refusal::Fact(DomainError::Internal)))
}

async fn unknown() -> HttpResponse {
    refusal(&Refusal::Fact(DomainError::NotFound(Entity::Route)))
}

type Body = Result<Bytes, DomainError>;

/// The application's key is inside of the body, as a rule, so nobody can be judged before it is read.
async fn act(context: Data<Context>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let body = bodies::read(&request, payload.into_inner(), MOST_BODY).await;
    let answer = match (request.match_info().get("act"), request.method()) {
        (Some("reg"), &Method::POST) => reg::answer(&context, &request, body).await,
        (Some("chkname"), &Method::GET | &Method::POST) => checks::name(&context, &request, body).await,
        (Some("chkmail"), &Method::GET | &Method::POST) => checks::mail(&context, &request, body).await,
        (Some("reg" | "chkname" | "chkmail"), _) => Err(Refusal::Fact(DomainError::Forbidden)),
        _ => Err(Refusal::Fact(DomainError::NotFound(Entity::Route))),
    };
    answer.map_or_else(|fact| refusal(&fact), envelope::answer)
}
