//! Administrators and their sessions: sign-in, the first password, the accounts made from the command line.

use actors::domain::account::{Admin, Role};
use actors::domain::caller_address::CallerAddress;
use actors::domain::visible::is_visible;
use actors::error::{DomainError, Entity, Result};
use secrecy::ExposeSecret;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::limits::Realm;
use super::password_tries;
use super::passwords::{self, Passwords};
use crate::context::Context;
use crate::store::sql::db::Db;
use crate::store::sql::{admins as store, audit};

const SETUP_LINK_MS: i64 = 24 * 3600 * 1000;
const SHORTEST_PASSWORD: usize = 8;
const LONGEST_NAME: usize = 64;

/// What slows down those who guess; `password_tries` counts them.
#[derive(Default)]
pub struct AdminGate {
    pub passwords: Passwords,
}

/// A new session. The token is told once and stored hashed.
pub struct SignedIn {
    /// 64 hex.
    pub token: String,
    /// Milliseconds since 1970.
    pub expires_at: i64,
    pub admin: Admin,
}

/// The administrator behind a bearer token.
///
/// Errors: `Unauthenticated`.
pub async fn authenticate(context: &Context, bearer: &str) -> Result<Admin> {
    if !is_token(bearer) {
        return Err(DomainError::Unauthenticated);
    }
    store::by_session(&context.db, &token_hash(bearer), context.db.now_ms()).await?.ok_or(DomainError::Unauthenticated)
}

/// Errors: `BadCredentials`, `RateLimited`, `Busy`.
pub async fn sign_in(context: &Context, address: CallerAddress, asked: &str, password: &str) -> Result<SignedIn> {
    context.limits.sign_in(address).await?;
    let username = folded(asked);
    let tried = password_tries::begin(context, Realm::Admins, address, &username).await?;
    let found = with_password(context, address, asked, password).await;
    match found {
        Ok(admin) => {
            tried.succeeded(context).await;
            open_session(context, admin).await
        }
        Err(error) => {
            tried.failed(context, &error).await;
            Err(error)
        }
    }
}

/// The administrator whose password this is. Errors: `BadCredentials`, `Busy`.
async fn with_password(context: &Context, address: CallerAddress, asked: &str, password: &str) -> Result<Admin> {
    if password.len() > passwords::MAX_BYTES || asked.len() > LONGEST_NAME * 4 {
        return Err(DomainError::BadCredentials);
    }
    let found = store::by_name(&context.db, asked).await?.filter(|found| found.enabled);
    let stored = found.as_ref().map(|found| found.password_hash.clone());
    let fits = context.admin_gate.passwords.place_of(address)?.verify(password, stored).await?;
    found.filter(|_| fits).map(|found| found.admin).ok_or(DomainError::BadCredentials)
}

async fn open_session(context: &Context, admin: Admin) -> Result<SignedIn> {
    let token = new_token();
    let hash = token_hash(&token);
    let now = context.db.now_ms();
    let lifetime = i64::try_from(context.config.admin.session_seconds).unwrap_or(i64::MAX / 4_000);
    let expires_at = now + lifetime * 1000;
    let id = admin.id;
    context
        .db
        .write(move |tx| Box::pin(async move { Ok(store::insert_session(tx, &hash, id, now, expires_at).await?) }))
        .await?;
    Ok(SignedIn { token, expires_at, admin })
}

/// Ends one session.
pub async fn sign_out(context: &Context, bearer: &str) -> Result<()> {
    let hash = token_hash(bearer);
    context.db.write(move |tx| Box::pin(async move { Ok(store::delete_session(tx, &hash).await?) })).await
}

/// Uses a one-time link: makes an owner and signs them in.
///
/// Errors: `Unauthenticated` when the link is unknown, used or stale; `InvalidField`; `Conflict` when the name is taken.
pub async fn set_up(
    context: &Context,
    address: CallerAddress,
    token: &str,
    username: &str,
    password: &str,
) -> Result<SignedIn> {
    let now = context.db.now_ms();
    context.limits.sign_in(address).await?;
    if !is_token(token) {
        return Err(DomainError::Unauthenticated);
    }
    check_username(username)?;
    check_password(password)?;
    let link = token_hash(token);
    let hash = context.admin_gate.passwords.hash(password).await?;
    let username = folded(username);
    let name = username.clone();
    let id = context
        .db
        .write(move |tx| {
            Box::pin(async move {
                if !store::use_setup_link(tx, &link, now).await? {
                    return Err(DomainError::Unauthenticated);
                }
                create(tx, &name, &hash, Role::Owner, "one-time link", now).await
            })
        })
        .await?;
    let admin = Admin { id, username, role: Role::Owner };
    open_session(context, admin).await
}

async fn create(
    tx: &mut crate::store::sql::db::Tx,
    username: &str,
    password_hash: &str,
    role: Role,
    by: &str,
    now: i64,
) -> Result<actors::domain::ids::AdminId> {
    let id = store::insert(tx, username, password_hash, role, now)
        .await?
        .ok_or(DomainError::Conflict { field: "username".into() })?;
    let after = json!({"id": id, "username": username, "role": role, "status": 1});
    let entry = audit::Entry {
        admin_id: None,
        admin_name: by,
        action: "create",
        entity: "admins",
        entity_id: &id.to_string(),
        before: None,
        after: Some(&after),
    };
    audit::insert(tx, &entry, now).await?;
    Ok(id)
}

/// What a server without administrators does at its start.
pub enum FirstStart {
    /// There are administrators already.
    NotFirst,
    /// `admin` was made with the configured password.
    Created,
    /// The token of a one-time link, to be printed and told nobody else.
    Link(String),
}

/// Makes the first administrator, or a link for making one. Of several nodes that start together one succeeds and the
/// others find the administrator there.
pub async fn first_start(context: &Context) -> Result<FirstStart> {
    let db = &context.db;
    if store::any(db).await? {
        return Ok(FirstStart::NotFirst);
    }
    let now = db.now_ms();
    let password = context.config.admin.password.expose_secret();
    if password.is_empty() {
        let token = new_token();
        let hash = token_hash(&token);
        db.write(move |tx| {
            Box::pin(async move { Ok(store::replace_setup_link(tx, &hash, now, now + SETUP_LINK_MS).await?) })
        })
        .await?;
        return Ok(FirstStart::Link(token));
    }
    let hash = context.admin_gate.passwords.hash(password).await?;
    let created = db
        .write(move |tx| Box::pin(async move { create(tx, "admin", &hash, Role::Owner, "configuration", now).await }))
        .await;
    match created {
        Ok(_) => Ok(FirstStart::Created),
        Err(DomainError::Conflict { .. }) => Ok(FirstStart::NotFirst),
        Err(error) => Err(error),
    }
}

/// Errors: `InvalidField`, `Conflict`.
pub async fn create_from_command_line(db: &Db, username: &str, password: &str, role: Role) -> Result<()> {
    check_username(username)?;
    check_password(password)?;
    let hash = Passwords::default().hash(password).await?;
    let (name, now) = (folded(username), db.now_ms());
    db.write(move |tx| Box::pin(async move { create(tx, &name, &hash, role, "command line", now).await }))
        .await
        .map(drop)
}

/// Sets a password and ends all sessions of its owner. Errors: `InvalidField`, `NotFound`.
pub async fn reset_from_command_line(db: &Db, username: &str, password: &str) -> Result<()> {
    check_password(password)?;
    let found = store::by_name(db, username).await?.ok_or(DomainError::NotFound(Entity::Admin))?;
    let hash = Passwords::default().hash(password).await?;
    let (id, now) = (found.admin.id, db.now_ms());
    db.write(move |tx| {
        Box::pin(async move {
            store::set_password(tx, id, &hash).await?;
            store::delete_sessions(tx, id).await?;
            let entry = audit::Entry {
                admin_id: None,
                admin_name: "command line",
                action: "reset-password",
                entity: "admins",
                entity_id: &id.to_string(),
                before: None,
                after: None,
            };
            Ok(audit::insert(tx, &entry, now).await?)
        })
    })
    .await
}

/// The name as it is stored and compared: `Anna` and `anna` are one administrator.
pub fn folded(username: &str) -> String {
    username.to_lowercase()
}

/// Errors: `InvalidField`.
pub fn check_username(username: &str) -> Result<()> {
    let length = username.chars().count();
    if !(1..=LONGEST_NAME).contains(&length) || !username.chars().all(is_visible) {
        return Err(DomainError::field("username", "must have 1 to 64 visible characters and no spaces"));
    }
    Ok(())
}

/// Errors: `InvalidField`.
pub fn check_password(password: &str) -> Result<()> {
    if password.chars().count() < SHORTEST_PASSWORD || password.len() > passwords::MAX_BYTES {
        return Err(DomainError::field("password", "must have 8 characters or more and 256 bytes at most"));
    }
    Ok(())
}

fn new_token() -> String {
    let random: [u8; 32] = rand::random();
    hex::encode(random)
}

fn is_token(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}
