//! Accounts for administrators: seen and disabled, not made.

use actors::domain::phone;
use actors::error::Result;
use serde::Serialize;

use super::super::db::Tx;
use super::record;
use super::wire::Time;
use crate::args;
use crate::vault::Vault;

#[derive(Debug, Clone, Serialize)]
pub struct AccountRecord {
    pub id: i64,
    pub openid: Option<String>,
    pub username: String,
    /// Only after `opened`.
    pub mobile: Option<String>,
    #[serde(skip)]
    pub mobile_sealed: Option<String>,
    /// 1 enabled, 0 disabled.
    pub status: i64,
    pub register_time: Time,
    pub last_login_time: Option<Time>,
    pub login_count: i64,
    pub member_status: i64,
    pub member_expire_time: Option<Time>,
}

impl AccountRecord {
    /// Opens the phone, in full or as most eyes may see it: 138****0001.
    pub fn opened(mut self, vault: &Vault, in_full: bool) -> Self {
        self.mobile = self.mobile_sealed.as_deref().and_then(|sealed| match vault.open(sealed) {
            Ok(number) if in_full => Some(number),
            Ok(number) => Some(phone::masked(&number)),
            Err(error) => {
                tracing::error!(account = self.id, %error, "a stored phone");
                None
            }
        });
        self
    }
}

record!(
    AccountRecord,
    "id",
    "id, openid, username, mobile_sealed, status, register_time, last_login_time, login_count, member_status, \
     member_expire_time",
    "accounts",
    "1 = 1",
    "LOWER(username) LIKE $1 ESCAPE '\\' OR LOWER(COALESCE(openid, '')) LIKE $1 ESCAPE '\\'",
    |row| Ok(AccountRecord {
        id: row.int("id")?,
        openid: row.opt_text("openid")?,
        username: row.text("username")?,
        mobile: None,
        mobile_sealed: row.opt_text("mobile_sealed")?,
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
