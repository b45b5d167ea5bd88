//! The H5 application's dialect: `/api/v1/*`. Known quirks, kept on purpose:
//! - queries answer a bare object or array, operations and errors `{"msg","error_code","request_url"}`;
//! - bodies are JSON or forms whatever their content type says, query parameters are merged in, `user_id` is refused;
//! - `pay/notify` speaks WeChat's XML and `pre_order` names one value twice (`timestamp`, `timeStamp`);
//! - an unknown route or method is 404 with 10001, which is also the code of 403.

mod apply;
mod auth;
mod banner;
mod body;
mod business;
mod codes;
mod competition;
mod competition_online;
mod competitionlive;
mod competitionvideo;
mod config_value;
mod envelope;
mod feeds;
mod guest;
mod links;
mod media;
mod member;
mod orders;
mod page;
mod pay_notify;
mod pay_pre_order;
mod play;
mod play_notify;
mod team;
mod token_phone;
mod token_user;
mod uploads;
mod user_change;
mod user_info;
mod wxconfig;

use actix_web::HttpResponse;
use actix_web::http::Uri;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};

use actors::domain::ids::LiveId;
use actors::error::{DomainError, Entity};
use envelope::{H5Error, finish};

/// Everything under `/api/v1`. Needs `web::Data<Context>`.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(
        web::scope("/api/v1")
            .wrap(from_fn(finish))
            .route("/token/user", web::post().to(token_user::token_user))
            .route("/token/code", web::post().to(token_phone::send_code))
            .route("/token/phone", web::post().to(token_phone::token_phone))
            .route("/user/info", web::get().to(user_info::user_info))
            .route("/user/save", web::post().to(user_change::save))
            .route("/user/bind", web::post().to(user_change::bind))
            .route("/identify/code", web::post().to(user_change::send_code))
            .route("/order/commit", web::post().to(orders::commit))
            .route("/order/cancel", web::post().to(orders::cancel))
            .route("/order/close", web::post().to(orders::close))
            .route("/order/by_user", web::get().to(orders::by_user))
            .route("/order/{id}", web::get().to(orders::detail))
            .route("/pay/pre_order", web::post().to(pay_pre_order::pre_order))
            .route("/pay/notify", web::post().to(pay_notify::notify))
            .route("/member/info", web::get().to(member::info))
            .route("/business/joinus", web::get().to(business::join_us))
            .route("/feeds", web::post().to(feeds::submit))
            .route("/competition/by_member", web::get().to(team::competitions_of_member))
            .route("/competition/begins", web::get().to(competition::begins))
            .route("/competition/apply/commit", web::post().to(apply::commit))
            .route("/competition/apply/cancel", web::post().to(apply::cancel))
            .route("/competition/video", web::post().to(competitionvideo::list))
            .route("/competition/live", web::post().to(competitionlive::list))
            .route("/competition/play", web::post().to(play::search))
            .route("/competition/play_notify", web::post().to(play_notify::opened))
            .route("/pay/refund_notify", web::post().to(pay_notify::notify))
            .route("/wxconfig", web::post().to(wxconfig::wxconfig))
            .route("/competition/online/{id}", web::get().to(competition_online::online))
            .route("/competitionlive/{id}", web::get().to(competitionlive::live_detail))
            .route("/competition/{id}", web::get().to(competition::detail))
            .route("/competitionvideo/{id}", web::get().to(competitionvideo::detail))
            .route("/team/by_user", web::get().to(team::teams_of_member))
            .route("/team/{id}/competitions", web::get().to(team::competitions_of_team))
            .route("/banner/by_position", web::post().to(banner::by_position))
            .route("/banner/{id}", web::get().to(banner::detail))
            .route("/config/value", web::post().to(config_value::value))
            .route("/guest/{id}", web::get().to(guest::last_lines))
            .default_service(web::to(unknown_route)),
    )
    .service(
        web::scope("/uploads")
            .wrap(from_fn(finish))
            .route("/{name:.+}", web::get().to(uploads::picture))
            .route("/{name:.+}", web::head().to(uploads::picture))
            .default_service(web::to(unknown_route)),
    );
}

/// The answer to `uri` after a panic, if it is this dialect's.
pub fn fault(uri: &Uri) -> Option<HttpResponse> {
    ["/api/v1/", "/uploads/"].iter().any(|prefix| uri.path().starts_with(prefix)).then(|| envelope::fault(uri))
}

async fn unknown_route() -> Result<HttpResponse, H5Error> {
    Err(DomainError::NotFound(Entity::Route).into())
}

/// An id in a path.
fn row_id(text: &str) -> Result<i64, DomainError> {
    body::positive(text).ok_or_else(|| DomainError::field("id", body::NOT_POSITIVE))
}

fn live_id(text: &str) -> Result<LiveId, DomainError> {
    row_id(text).map(LiveId)
}
