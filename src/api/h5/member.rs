//! Item 6, `GET member/info`: the athlete that the caller is. Quirk: numbers are texts, and the shirt's has two names.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json};
use serde::Serialize;

use super::auth::Caller;
use super::envelope::H5Error;
use super::links;
use crate::context::Context;
use crate::service::content::athletes;

#[derive(Serialize)]
pub struct MemberInfo {
    cn_name: String,
    birthday: String,
    birth_addr: String,
    mobile: String,
    age: String,
    sex: &'static str,
    /// cm; "0" unknown.
    stature: String,
    /// kg; "0" unknown.
    weight: String,
    native_place: String,
    nation: String,
    photo: String,
    individual: String,
    team: String,
    number: String,
    /// The older name of `number`, which pages still read.
    order_id: String,
    position: String,
    school: String,
    experience: String,
    feature: String,
    honor: String,
    comment: String,
}

pub async fn info(context: Data<Context>, request: HttpRequest, caller: Caller) -> Result<Json<MemberInfo>, H5Error> {
    let (member, mobile, teams) = athletes::record(&context, caller.0.id).await?;
    let teams: Vec<&str> = teams.iter().map(|team| team.name.as_str()).collect();
    Ok(Json(MemberInfo {
        mobile,
        age: or_dash(athletes::age(&member.birthday, context.db.now_ms()).map(|years| years.to_string())),
        sex: super::user_info::sex(member.sex),
        stature: member.stature.to_string(),
        weight: member.weight.to_string(),
        photo: links::absolute(&context, &request, &member.photo),
        team: teams.join("、"),
        order_id: member.jersey_number.clone(),
        number: member.jersey_number,
        position: member.field_position,
        comment: member.evaluation,
        cn_name: member.cn_name,
        birthday: or_dash(Some(member.birthday).filter(|day| !day.is_empty())),
        birth_addr: member.birth_addr,
        native_place: member.native_place,
        nation: member.nation,
        individual: member.individual,
        school: member.school,
        experience: member.experience,
        feature: member.feature,
        honor: member.honor,
    }))
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".to_owned())
}
