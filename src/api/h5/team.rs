//! Items 7, 29 and 30: `GET competition/by_member`, `GET team/by_user`, `GET team/:id/competitions`. All bare arrays.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Path};
use serde::Serialize;

use super::auth::Caller;
use super::envelope::H5Error;
use super::{links, row_id};
use crate::api::times;
use crate::context::Context;
use crate::service::content::{CompetitionCard, athletes};

#[derive(Serialize)]
pub struct Played {
    id: i64,
    title: String,
    main_img_url: String,
    play_time: String,
}

#[derive(Serialize)]
pub struct TeamWithCompetitions {
    name: String,
    logo: String,
    competitions: Vec<Played>,
}

#[derive(Serialize)]
pub struct TeamName {
    id: i64,
    name: String,
    logo: String,
}

fn played(context: &Context, request: &HttpRequest, cards: Vec<CompetitionCard>) -> Vec<Played> {
    let encode = |card: CompetitionCard| Played {
        id: card.id,
        main_img_url: links::absolute(context, request, &card.main_img_url),
        play_time: times::minutes(card.play_time),
        title: card.title,
    };
    cards.into_iter().map(encode).collect()
}

pub async fn competitions_of_member(
    context: Data<Context>,
    request: HttpRequest,
    caller: Caller,
) -> Result<Json<Vec<TeamWithCompetitions>>, H5Error> {
    let teams = athletes::competitions(&context, caller.0.id).await?;
    let teams = teams.into_iter().map(|(team, cards)| TeamWithCompetitions {
        logo: links::absolute(&context, &request, &team.logo),
        name: team.name,
        competitions: played(&context, &request, cards),
    });
    Ok(Json(teams.collect()))
}

pub async fn teams_of_member(
    context: Data<Context>,
    request: HttpRequest,
    caller: Caller,
) -> Result<Json<Vec<TeamName>>, H5Error> {
    let teams = athletes::teams(&context, caller.0.id).await?;
    let teams = teams.into_iter().map(|team| TeamName {
        id: team.id,
        logo: links::absolute(&context, &request, &team.logo),
        name: team.name,
    });
    Ok(Json(teams.collect()))
}

pub async fn competitions_of_team(
    context: Data<Context>,
    request: HttpRequest,
    _: Caller,
    id: Path<String>,
) -> Result<Json<Vec<Played>>, H5Error> {
    let cards = athletes::competitions_of_team(&context, row_id(&id)?).await?;
    Ok(Json(played(&context, &request, cards)))
}
