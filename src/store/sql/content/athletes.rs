//! Athletes' records, their teams, and where these play.

use actors::domain::ids::AccountId;
use actors::error::Result;

use super::super::db::{Db, Row, StoreError};
use super::competitions::{CompetitionCard, card};
use crate::args;

#[derive(Debug, Clone)]
pub struct Member {
    pub id: i64,
    pub cn_name: String,
    /// `YYYY-MM-DD`, or empty.
    pub birthday: String,
    pub birth_addr: String,
    pub mobile_sealed: Option<String>,
    /// 0 not told, 1 male, 2 female.
    pub sex: i64,
    /// cm, 0 unknown.
    pub stature: i64,
    /// kg, 0 unknown.
    pub weight: i64,
    pub native_place: String,
    pub nation: String,
    pub photo: String,
    pub individual: String,
    pub jersey_number: String,
    pub field_position: String,
    pub school: String,
    pub experience: String,
    pub feature: String,
    pub honor: String,
    pub evaluation: String,
}

#[derive(Debug, Clone)]
pub struct Team {
    pub id: i64,
    pub name: String,
    pub logo: String,
}

/// A record is an account's when it was joined to it, or as long as it was joined to none, when both have one phone.
const OF_ACCOUNT: &str = "
SELECT id, cn_name, birthday, birth_addr, mobile_sealed, sex, stature, weight, native_place, nation, photo, individual,
       jersey_number, field_position, school, experience, feature, honor, evaluation
FROM members
WHERE deleted_at IS NULL AND status = 1
  AND (account_id = $1
       OR (account_id IS NULL AND mobile_key = (SELECT a.mobile_key FROM accounts a WHERE a.id = $1)))
ORDER BY COALESCE(account_id, 0) DESC LIMIT 1";

/// The enabled record of an account.
pub async fn of_account(db: &Db, account: AccountId) -> Result<Option<Member>> {
    let row = db.fetch_optional(OF_ACCOUNT, args![account.0]).await?;
    row.map(|row| {
        Ok(Member {
            id: row.int("id")?,
            cn_name: row.text("cn_name")?,
            birthday: row.text("birthday")?,
            birth_addr: row.text("birth_addr")?,
            mobile_sealed: row.opt_text("mobile_sealed")?,
            sex: row.int("sex")?,
            stature: row.int("stature")?,
            weight: row.int("weight")?,
            native_place: row.text("native_place")?,
            nation: row.text("nation")?,
            photo: row.text("photo")?,
            individual: row.text("individual")?,
            jersey_number: row.text("jersey_number")?,
            field_position: row.text("field_position")?,
            school: row.text("school")?,
            experience: row.text("experience")?,
            feature: row.text("feature")?,
            honor: row.text("honor")?,
            evaluation: row.text("evaluation")?,
        })
    })
    .transpose()
}

fn team(row: &Row) -> Result<Team, StoreError> {
    Ok(Team { id: row.int("id")?, name: row.text("name")?, logo: row.text("logo")? })
}

pub async fn teams_of(db: &Db, member: i64) -> Result<Vec<Team>> {
    let sql = "SELECT t.id, t.name, t.logo FROM team_members m JOIN teams t ON t.id = m.team_id
               WHERE m.member_id = $1 AND t.deleted_at IS NULL ORDER BY t.id";
    let rows = db.fetch_all(sql, args![member]).await?;
    Ok(rows.iter().map(team).collect::<Result<_, _>>()?)
}

pub async fn team_exists(db: &Db, id: i64) -> Result<bool> {
    let sql = "SELECT 1 AS one FROM teams WHERE id = $1 AND deleted_at IS NULL";
    Ok(db.fetch_optional(sql, args![id]).await?.is_some())
}

/// Newest first.
pub async fn competitions_of(db: &Db, team: i64) -> Result<Vec<CompetitionCard>> {
    let sql = "SELECT c.id, c.title, c.summary, c.main_img_url, c.play_time, CAST(0 AS BIGINT) AS applied
               FROM team_competitions t JOIN competitions c ON c.id = t.competition_id
               WHERE t.team_id = $1 AND c.deleted_at IS NULL ORDER BY c.play_time DESC, c.id DESC";
    let rows = db.fetch_all(sql, args![team]).await?;
    Ok(rows.iter().map(card).collect::<Result<_, _>>()?)
}

/// As `competitions_of`, for all teams of a member, each with its team.
pub async fn competitions_by_team(db: &Db, member: i64) -> Result<Vec<(i64, CompetitionCard)>> {
    let sql = "SELECT t.team_id, c.id, c.title, c.summary, c.main_img_url, c.play_time, CAST(0 AS BIGINT) AS applied
               FROM team_members m JOIN team_competitions t ON t.team_id = m.team_id
               JOIN competitions c ON c.id = t.competition_id
               WHERE m.member_id = $1 AND c.deleted_at IS NULL ORDER BY c.play_time DESC, c.id DESC";
    let rows = db.fetch_all(sql, args![member]).await?;
    Ok(rows.iter().map(|row| Ok((row.int("team_id")?, card(row)?))).collect::<Result<_, StoreError>>()?)
}
