//! Accounts for administrators: seen and disabled, not made.

use actors::error::Result;
use serde::Serialize;

use super::super::db::Tx;
use super::record;
use super::wire::Time;
use crate::args;

#[derive(Debug, Clone, Serialize)]
pub struct AccountRecord {
    pub id: i64,
    pub openid: Option<String>,
    pub username: String,
    pub mobile: Option<String>,
    /// 1 enabled, 0 disabled.
    pub status: i64,
    pub register_time: Time,
    pub last_login_time: Option<Time>,
    pub login_count: i64,
    pub member_status: i64,
    pub member_expire_time: Option<Time>,
}

impl AccountRecord {
    /// The phone as most eyes may see it: 138****0001.
    pub fn masked(mut self) -> Self {
        if let Some(mobile) = &mut self.mobile {
            let letters: Vec<char> = mobile.chars().collect();
            let shown = |index: usize| letters.len() > 8 && (index < 3 || index + 4 >= letters.len());
            *mobile =
                letters.iter().enumerate().map(|(index, letter)| if shown(index) { *letter } else { '*' }).collect();
        }
        self
    }
}

record!(
    AccountRecord,
    "id",
    "id, openid, username, mobile, status, register_time, last_login_time, login_count, member_status, \
     member_expire_time",
    "accounts",
    "1 = 1",
    "LOWER(username) LIKE $1 ESCAPE '\\' OR LOWER(COALESCE(openid, '')) LIKE $1 ESCAPE '\\' \
     OR '%' || COALESCE(mobile, '-') || '%' = $1",
    |row| Ok(AccountRecord {
        id: row.int("id")?,
        openid: row.opt_text("openid")?,
        username: row.text("username")?,
        mobile: row.opt_text("mobile")?,
        status: row.int("status")?,
        register_time: Time(row.int("register_time")?),
        last_login_time: row.opt_int("last_login_time")?.map(Time),
        login_count: row.int("login_count")?,
        member_status: row.int("member_status")?,
        member_expire_time: row.opt_int("member_expire_time")?.map(Time),
    })
);

pub async fn lock(tx: &mut Tx, id: i64) -> Result<bool> {
    Ok(tx.execute("UPDATE accounts SET status = status WHERE id = $1", args![id]).await? == 1)
}

/// A disabled account's sessions end.
pub async fn set_status(tx: &mut Tx, id: i64, status: i64) -> Result<()> {
    tx.execute("UPDATE accounts SET status = $2 WHERE id = $1", args![id, status]).await?;
    if status == 0 {
        tx.execute("DELETE FROM sessions WHERE account_id = $1", args![id]).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_are_masked_in_the_middle() {
        let account = |mobile: &str| AccountRecord {
            id: 1,
            openid: None,
            username: String::new(),
            mobile: Some(mobile.to_owned()),
            status: 1,
            register_time: Time(0),
            last_login_time: None,
            login_count: 0,
            member_status: 0,
            member_expire_time: None,
        };
        assert_eq!(account("13800000001").masked().mobile.as_deref(), Some("138****0001"));
        assert_eq!(account("1380000").masked().mobile.as_deref(), Some("*******"));
    }
}
