//! Accounts for administrators: seen and disabled, not made.

use actors::domain::phone;
use actors::error::Result;
use serde::Serialize;

use super::super::db::{Row, StoreError, Tx};
use super::super::new_accounts::PasswordKind;
use super::super::registrations_file::HOUSE;
use super::record;
use super::wire::Time;
use crate::args;
use crate::vault::Vault;

#[derive(Debug, Clone, Serialize)]
pub struct AccountRecord {
    pub id: i64,
    /// Only where phones are shown in full: no other role needs WeChat's key of a person.
    pub openid: Option<String>,
    /// As it is compared, not as it was typed.
    pub login_name: Option<String>,
    pub username: String,
    pub origin: Origin,
    /// Who registered it.
    pub sso_app_id: Option<i64>,
    /// Whom it acts for.
    pub agent_id: Option<i64>,
    /// Only after `opened`.
    pub mobile: Option<String>,
    #[serde(skip)]
    pub mobile_sealed: Option<String>,
    /// Only after `opened`.
    pub email: Option<String>,
    #[serde(skip)]
    pub email_sealed: Option<String>,
    /// 1: it cannot sign in until the link in its mail was opened.
    pub email_pending: i64,
    /// 1 enabled, 0 disabled.
    pub status: i64,
    pub register_time: Time,
    pub last_login_time: Option<Time>,
    pub login_count: i64,
    pub member_status: i64,
    pub member_expire_time: Option<Time>,
    /// Places of one game that it may keep without paying, where that is more than everybody may.
    pub open_places_allowance: Option<i64>,
}

/// How an account was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    WeChat,
    Sso,
    Regist,
    /// The server's own, which owns what nobody else does.
    House,
    /// An erased account does not tell.
    Unknown,
}

impl Origin {
    fn of(row: &Row) -> Result<Self, StoreError> {
        const SSO: i64 = PasswordKind::Md5Hex as i64;
        const REGIST: i64 = PasswordKind::Wrapped as i64;
        Ok(match row.int("password_kind")? {
            SSO => Self::Sso,
            REGIST => Self::Regist,
            _ if row.opt_text("openid")?.is_some() => Self::WeChat,
            _ if row.opt_text("login_name")?.as_deref() == Some(HOUSE) => Self::House,
            _ => Self::Unknown,
        })
    }
}

impl AccountRecord {
    /// Opens phone and mail address, in full or as most eyes may see them: 138****0001, a***@example.org, no openid.
    pub fn opened(mut self, vault: &Vault, in_full: bool) -> Self {
        let open = |sealed: Option<&str>, masked: fn(&str) -> String| match vault.open(sealed?) {
            Ok(text) if in_full => Some(text),
            Ok(text) => Some(masked(&text)),
            Err(error) => {
                tracing::error!(account = self.id, %error, "a stored phone or address");
                None
            }
        };
        self.mobile = open(self.mobile_sealed.as_deref(), phone::masked);
        self.email = open(self.email_sealed.as_deref(), masked_address);
        self.openid = self.openid.filter(|_| in_full);
        self
    }
}

/// The first letter and the domain.
fn masked_address(address: &str) -> String {
    let (name, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let first: String = name.chars().take(1).collect();
    format!("{first}***@{domain}")
}

record!(
    AccountRecord,
    "id",
    "id, openid, login_name, username, password_kind, mobile_sealed, email_sealed, email_pending, status, \
     register_time, last_login_time, login_count, member_status, member_expire_time, open_places_allowance, \
     (SELECT m.app_id FROM sso_members m WHERE m.account_id = accounts.id) AS sso_app_id, \
     (SELECT g.id FROM agents g WHERE g.account_id = accounts.id) AS agent_id",
    "accounts",
    "1 = 1",
    "LOWER(username) LIKE $1 ESCAPE '\\' OR LOWER(COALESCE(openid, '')) LIKE $1 ESCAPE '\\' \
     OR COALESCE(login_name, '') LIKE $1 ESCAPE '\\'",
    |row| Ok(AccountRecord {
        id: row.int("id")?,
        openid: row.opt_text("openid")?,
        login_name: row.opt_text("login_name")?,
        username: row.text("username")?,
        origin: Origin::of(row)?,
        sso_app_id: row.opt_int("sso_app_id")?,
        agent_id: row.opt_int("agent_id")?,
        mobile: None,
        mobile_sealed: row.opt_text("mobile_sealed")?,
        email: None,
        email_sealed: row.opt_text("email_sealed")?,
        email_pending: row.int("email_pending")?,
        status: row.int("status")?,
        register_time: Time(row.int("register_time")?),
        last_login_time: row.opt_int("last_login_time")?.map(Time),
        login_count: row.int("login_count")?,
        member_status: row.int("member_status")?,
        member_expire_time: row.opt_int("member_expire_time")?.map(Time),
        open_places_allowance: row.opt_int("open_places_allowance")?,
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

/// Sets the allowance, or takes it away.
pub async fn set_open_places_allowance(tx: &mut Tx, id: i64, places: Option<i64>) -> Result<()> {
    tx.execute("UPDATE accounts SET open_places_allowance = $2 WHERE id = $1", args![id, places]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::masked_address;

    #[test]
    fn of_an_address_the_first_letter_and_the_domain_are_left() {
        for (address, seen) in [
            ("ann@example.org", "a***@example.org"),
            ("a@b@example.org", "a***@example.org"),
            ("跑者@例子.中国", "跑***@例子.中国"),
            ("nobody", "n***@"),
        ] {
            assert_eq!(masked_address(address), seen);
        }
    }
}
