//! The athlete that an account is, with teams and their competitions.

use actors::domain::ids::AccountId;
use actors::error::{DomainError, Entity, Result};
use chrono::{DateTime, Datelike, FixedOffset, NaiveDate};

use super::{CompetitionCard, Member, Team};
use crate::context::Context;
use crate::store::sql::content::athletes as store;

/// Errors: `NotFound(Member)` for an account that is no athlete, or a disabled one.
pub async fn member(context: &Context, account: AccountId) -> Result<Member> {
    store::of_account(&context.db, account).await?.ok_or(DomainError::NotFound(Entity::Member))
}

/// The athlete, its phone, its teams. Errors: `NotFound(Member)`.
pub async fn record(context: &Context, account: AccountId) -> Result<(Member, String, Vec<Team>)> {
    let member = member(context, account).await?;
    let mobile = member.mobile_sealed.as_ref().map(|sealed| context.vault.open(sealed)).transpose();
    let mobile = mobile.map_err(|error| {
        tracing::error!(%error, "a stored phone");
        DomainError::Internal
    })?;
    let teams = store::teams_of(&context.db, member.id).await?;
    Ok((member, mobile.unwrap_or_default(), teams))
}

/// Errors: `NotFound(Member)`, `NotFound(TeamOfMember)` without any.
pub async fn teams(context: &Context, account: AccountId) -> Result<Vec<Team>> {
    teams_of(context, &member(context, account).await?).await
}

async fn teams_of(context: &Context, member: &Member) -> Result<Vec<Team>> {
    let teams = store::teams_of(&context.db, member.id).await?;
    if teams.is_empty() { Err(DomainError::NotFound(Entity::TeamOfMember)) } else { Ok(teams) }
}

/// Each team of the athlete with its competitions, newest first. Errors: as `teams`.
pub async fn competitions(context: &Context, account: AccountId) -> Result<Vec<(Team, Vec<CompetitionCard>)>> {
    let member = member(context, account).await?;
    let teams = teams_of(context, &member).await?;
    let all = store::competitions_by_team(&context.db, member.id).await?;
    let of = |team: &Team| all.iter().filter(|(id, _)| *id == team.id).map(|(_, card)| card.clone()).collect();
    Ok(teams
        .into_iter()
        .map(|team| {
            let competitions = of(&team);
            (team, competitions)
        })
        .collect())
}

/// Errors: `NotFound(Team)`, `NotFound(CompetitionOfTeam)` without any.
pub async fn competitions_of_team(context: &Context, team: i64) -> Result<Vec<CompetitionCard>> {
    if !store::team_exists(&context.db, team).await? {
        return Err(DomainError::NotFound(Entity::Team));
    }
    let competitions = store::competitions_of(&context.db, team).await?;
    if competitions.is_empty() { Err(DomainError::NotFound(Entity::CompetitionOfTeam)) } else { Ok(competitions) }
}

/// Whole years on the day that it is in Beijing; `None` for a birthday that is none or to come.
pub fn age(birthday: &str, now_ms: i64) -> Option<u32> {
    let born = NaiveDate::parse_from_str(birthday, "%Y-%m-%d").ok()?;
    let beijing = FixedOffset::east_opt(8 * 3600)?;
    let today = DateTime::from_timestamp_millis(now_ms)?.with_timezone(&beijing).date_naive();
    let years = today.years_since(born)?;
    // A person of the 29th of February is a year older on the 1st of March.
    (born.year() >= 1900).then_some(years)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_change_on_the_birthday_in_beijing() {
        // 2026-03-12 00:00 in Beijing.
        let birthday = 1_773_244_800_000;
        assert_eq!(age("1994-03-12", birthday), Some(32));
        assert_eq!(age("1994-03-12", birthday - 1), Some(31));
        for unknown in ["", "-", "2026-03-13", "0000-00-00"] {
            assert_eq!(age(unknown, birthday), None, "{unknown}");
        }
    }
}
