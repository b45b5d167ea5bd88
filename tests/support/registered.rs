//! Accounts as the two dialects of others make them, without their envelopes.

use actors::domain::ids::AccountId;
use actors::domain::login_name::LoginName;
use actors::error::DomainError;
use matchday::store::sql::db::Db;
use matchday::store::sql::new_accounts::{self, PasswordKind, Registered, Sealed};
use matchday::vault::Vault;

use super::TestApp;

/// MD5 of "correct horse", as a client of SSO sends it.
pub const PASSWORD: &str = "3cb4e732631f47e6eb961f34554b7cde";

/// What is told of a new account; it shows the name as typed.
#[derive(Clone, Copy)]
pub struct New<'a> {
    pub name: &'a str,
    pub mobile: Option<&'a str>,
    pub mail: Option<&'a str>,
    pub mail_pending: bool,
    pub kind: PasswordKind,
}

impl<'a> New<'a> {
    /// As SSO makes it: no phone.
    pub fn sso(name: &'a str) -> Self {
        Self { name, mobile: None, mail: None, mail_pending: false, kind: PasswordKind::Md5Hex }
    }

    /// As Regist makes it: with a phone.
    pub fn regist(name: &'a str, mobile: &'a str) -> Self {
        Self { mobile: Some(mobile), kind: PasswordKind::Wrapped, ..Self::sso(name) }
    }

    pub fn row(self, vault: &Vault, password_hash: &str) -> Registered {
        let sealed = |key: String, text: &str| Sealed { key, sealed: vault.seal(text) };
        Registered {
            login_name: LoginName::new(self.name).unwrap(),
            display_name: self.name.to_owned(),
            mobile: self.mobile.map(|number| sealed(vault.mobile_key(number), number)),
            email: self.mail.map(|address| sealed(vault.email_key(address), address)),
            email_pending: self.mail_pending,
            password_hash: password_hash.to_owned(),
            password_kind: self.kind,
        }
    }

    /// With `PASSWORD`.
    pub async fn make(self, app: &TestApp) -> AccountId {
        let hash = app.context.passwords.hash(PASSWORD).await.unwrap();
        insert(&app.context.db, self.row(&app.context.vault, &hash)).await.unwrap()
    }
}

/// One registration in a transaction of its own.
pub async fn insert(db: &Db, new: Registered) -> Result<AccountId, DomainError> {
    let now = db.now_ms();
    db.write(move |tx| Box::pin(async move { new_accounts::insert(tx, &new, now).await })).await
}
