//! Items 17 and 18: `GET competition/:id` and `GET competition/begins`.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Path};
use serde::Serialize;
use serde_json::Value;

use super::auth::{Caller, Signed};
use super::envelope::H5Error;
use super::page::PageOf;
use super::{links, row_id};
use crate::api::times;
use crate::context::Context;
use crate::service::content::competitions;

#[derive(Serialize)]
pub struct CompetitionDetail {
    id: i64,
    title: String,
    summary: String,
    /// HTML, cleaned when it was stored.
    description: String,
    score: String,
    main_img_url: String,
    play_time: String,
    notes: String,
    is_hot: &'static str,
}

#[derive(Serialize)]
struct Begins {
    id: i64,
    title: String,
    summary: String,
    main_img_url: String,
    play_time: String,
    apply_status: i64,
}

pub async fn detail(
    context: Data<Context>,
    request: HttpRequest,
    _: Caller,
    id: Path<String>,
) -> Result<Json<CompetitionDetail>, H5Error> {
    let competition = competitions::detail(&context, row_id(&id)?).await?;
    Ok(Json(CompetitionDetail {
        id: competition.id,
        main_img_url: links::absolute(&context, &request, &competition.main_img_url),
        play_time: times::minutes(competition.play_time),
        is_hot: if competition.is_hot { "是" } else { "否" },
        title: competition.title,
        summary: competition.summary,
        description: competition.description,
        score: competition.score,
        notes: competition.notes,
    }))
}

pub async fn begins(context: Data<Context>, request: HttpRequest, caller: Signed) -> Result<Json<Value>, H5Error> {
    let page = PageOf::read(&caller.params)?;
    let found = competitions::begins(&context, caller.account.id, page.window()).await?;
    let rows: Vec<Begins> = found
        .rows
        .into_iter()
        .map(|card| Begins {
            id: card.id,
            main_img_url: links::absolute(&context, &request, &card.main_img_url),
            play_time: times::minutes(card.play_time),
            apply_status: i64::from(card.applied),
            title: card.title,
            summary: card.summary,
        })
        .collect();
    Ok(Json(page.answer(found.total, &rows)))
}
