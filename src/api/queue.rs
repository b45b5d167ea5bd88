//! Registrants' extras beyond the seed: where a token stands, as an answer and as a stream of events, and leaving a line.
//! The token is all the proof there is. Errors are problem documents.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, HeaderName};
use actix_web::web::{self, Bytes, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use actors::domain::ids::GameId;
use actors::domain::queue::QueueStanding;
use actors::error::{DomainError, Entity};
use actors::quota_queue::messages::LineRules;
use futures_util::stream::{Stream, unfold};
use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::admin::codes::problem;
use super::client_address::ClientAddress;
use super::problem::{Problem, method_not_allowed};
use super::times::rfc3339;
use crate::context::Context;
use crate::service::registration::{self, Follower, OpenStream};

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A comment this often keeps proxies from closing a stream that has nothing to say.
const COMMENT_EVERY: Duration = Duration::from_secs(15);

pub fn routes(cfg: &mut ServiceConfig) {
    let unknown =
        || web::PathConfig::default().error_handler(|_, _| problem(DomainError::NotFound(Entity::Route)).into());
    let resource = |path: &str| web::resource(path).app_data(unknown()).default_service(web::to(method_not_allowed));
    cfg.service(resource("/api/queue/{token}").route(web::get().to(show)))
        .service(resource("/api/queue/{token}/leave").route(web::post().to(leave)))
        .service(resource("/api/queue/{token}/events").route(web::get().to(events)))
        .service(resource("/api/games/{id}/line").route(web::get().to(line)));
}

#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    standing: &'a QueueStanding,
    msg: &'a str,
}

fn told(standing: &QueueStanding) -> Told<'_> {
    Told { standing, msg: &standing.msg }
}

async fn show(context: Data<Context>, token: Path<String>) -> Result<HttpResponse, Problem> {
    let standing = registration::token_standing(&context, &token).await.map_err(problem)?;
    Ok(HttpResponse::Ok().json(told(&standing)))
}

/// Doing it again changes nothing. A token that was decided is left as it is and told.
async fn leave(context: Data<Context>, token: Path<String>) -> Result<HttpResponse, Problem> {
    let standing = registration::leave(&context, &token).await.map_err(problem)?;
    Ok(HttpResponse::Ok().json(told(&standing)))
}

async fn events(context: Data<Context>, request: HttpRequest, token: Path<String>) -> Result<HttpResponse, Problem> {
    let ClientAddress(address) = ClientAddress::of(&request);
    let mut follower = Follower::new(&context, &token);
    // A token that is none is refused before anything is counted or streamed.
    let first = follower.look(&context).await.map_err(problem)?;
    let guard = registration::open_stream(&context, address).map_err(problem)?;
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let stream = EventStream { context, follower, first, ticks, spoke: Instant::now(), ended: false, _guard: guard };
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream; charset=utf-8")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((HeaderName::from_static("x-accel-buffering"), "no"))
        .streaming(frames(stream)))
}

struct EventStream {
    context: Data<Context>,
    follower: Follower,
    first: Option<QueueStanding>,
    ticks: Interval,
    spoke: Instant,
    ended: bool,
    _guard: OpenStream,
}

impl EventStream {
    /// The next bytes to send; none when there is nothing more to tell. The reader asks for them, so a slow one is told
    /// less often and nothing gathers here.
    async fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        if let Some(first) = self.first.take() {
            return Some(self.event(&first));
        }
        loop {
            tokio::select! {
                _ = self.ticks.tick() => {}
                () = self.context.shutdown.requested() => {
                    // The browser comes back by itself, to a node that stays.
                    self.ended = true;
                    return Some(Bytes::from_static(b"retry: 3000\n\n"));
                }
            }
            match self.follower.look(&self.context).await {
                Ok(Some(standing)) => return Some(self.event(&standing)),
                Err(DomainError::InvalidQueueToken) => return None,
                // Nothing new, or the ledger is away for a moment.
                Ok(None) | Err(_) => {}
            }
            if self.spoke.elapsed() >= COMMENT_EVERY {
                self.spoke = Instant::now();
                return Some(Bytes::from_static(b": still here\n\n"));
            }
        }
    }

    fn event(&mut self, standing: &QueueStanding) -> Bytes {
        self.spoke = Instant::now();
        self.ended = self.follower.is_over();
        let json = serde_json::to_string(&told(standing)).unwrap_or_default();
        Bytes::from(format!("event: queue\ndata: {json}\n\n"))
    }
}

fn frames(stream: EventStream) -> impl Stream<Item = Result<Bytes, Infallible>> {
    unfold(stream, |mut stream| async move { stream.next().await.map(|bytes| (Ok(bytes), stream)) })
}

/// A line as everybody may see it, and what makes its opening checkable.
async fn line(context: Data<Context>, id: Path<i64>) -> Result<HttpResponse, Problem> {
    let game = GameId(*id);
    registration::must_be_visible(&context, game).await.map_err(problem)?;
    let stats = registration::queue_stats(&context, game).await.map_err(problem)?;
    let row = stats.row;
    let opening = registration::opening(&context, game, &row).await.map_err(problem)?;
    let notice = context.queues.view(game).and_then(|view| view.notice());
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "public, max-age=1")).json(json!({
        "game_id": game.to_string(),
        "state": row.state.name(),
        "waiting": stats.waiting,
        "limitation": row.quota.limitation,
        "balance": row.quota.balance,
        "wait_list": row.rules.wait_list > 0,
        "wait_listed": row.wait_listed,
        "wait_for_refunds": row.rules.wait_for_refunds,
        "offer_seconds": offer_seconds(&context, &row.rules),
        "lottery": row.lottery.code(),
        "pre_queue_at": row.rules.pre_queue_at.map(rfc3339),
        "opening_at": row.rules.opening_at.map(rfc3339),
        "opening": opening,
        "notice": notice,
    })))
}

/// How long an order made from the wait-list waits for its payment.
fn offer_seconds(context: &Context, rules: &LineRules) -> u64 {
    let own = u64::try_from(rules.offer_seconds).unwrap_or_default();
    if own == 0 { context.config.reg.payment_window_seconds } else { own }
}
