//! Administrators and their sessions: sign-in, the first password, the accounts made from the command line. A session
//! is made in a transaction that looks at the password once more.

use actors::domain::account::{Admin, Role};
use actors::domain::caller_address::CallerAddress;
use actors::domain::ids::AdminId;
use actors::domain::visible::is_visible;
use actors::error::{DomainError, Entity, Result};
use secrecy::ExposeSecret;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::admin_trail::{self as trail, Failure};
use super::limits::Realm;
use super::password_tries;
use super::passwords::{self, Passwords};
use crate::context::Context;
use crate::store::sql::db::{Db, Tx};
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
    verify(context, address, asked, password).await?.open(context).await
}

/// A name and its password that fit a moment ago. No session yet.
pub struct Verified {
    id: AdminId,
    password_hash: String,
    address: CallerAddress,
}

/// The first half of signing in: works on the password, outside of any transaction.
///
/// Errors: `BadCredentials`, `RateLimited`, `Busy`.
pub async fn verify(context: &Context, address: CallerAddress, asked: &str, password: &str) -> Result<Verified> {
    context.limits.sign_in(address).await?;
    let username = folded(asked);
    let tried = password_tries::begin(context, Realm::Admins, address, &username).await?;
    let named = if password.len() > passwords::MAX_BYTES || asked.len() > LONGEST_NAME * 4 {
        None
    } else {
        store::by_name(&context.db, asked).await?
    };
    let known = named.as_ref().map(|named| named.admin.clone());
    let verified = with_password(context, address, named, password).await;
    match &verified {
        Ok(_) => tried.succeeded(context).await,
        Err(error) => {
            let locked = tried.failed(context, error).await;
            if *error == DomainError::BadCredentials {
                trail::failed(context, address, known, if locked { Failure::Locked } else { Failure::Wrong }).await;
            }
        }
    }
    verified
}

/// The administrator whose password this is. Errors: `BadCredentials`, `Busy`.
async fn with_password(
    context: &Context,
    address: CallerAddress,
    named: Option<store::AdminRecord>,
    password: &str,
) -> Result<Verified> {
    let found = named.filter(|found| found.enabled);
    let stored = found.as_ref().map(|found| found.password_hash.clone());
    let fits = context.admin_gate.passwords.place_of(address)?.verify(password, stored).await?;
    let found = found.filter(|_| fits).ok_or(DomainError::BadCredentials)?;
    Ok(Verified { id: found.admin.id, password_hash: found.password_hash, address })
}

impl Verified {
    /// Opens the session, if the password is still the one that fitted: a reset meanwhile has ended all sessions, and this
    /// one must not outlive it.
    ///
    /// Errors: `BadCredentials`, `Busy`.
    pub async fn open(self, context: &Context) -> Result<SignedIn> {
        let session = NewSession::draw(context);
        context
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let Self { id, password_hash, address } = self;
                    let found = store::lock_with_password(tx, id, &password_hash).await?;
                    session.open(tx, found.ok_or(DomainError::BadCredentials)?, address).await
                })
            })
            .await
    }
}

/// A session that is about to be.
pub(super) struct NewSession {
    token: String,
    db: Db,
    lifetime_ms: i64,
}

impl NewSession {
    pub(super) fn draw(context: &Context) -> Self {
        let lifetime = i64::try_from(context.config.admin.session_seconds).unwrap_or(i64::MAX / 4_000);
        Self { token: new_token(), db: context.db.clone(), lifetime_ms: lifetime * 1000 }
    }

    /// In the transaction that made sure of the administrator, with the entry in the audit trail.
    pub(super) async fn open(self, tx: &mut Tx, admin: Admin, address: CallerAddress) -> Result<SignedIn> {
        let now = self.db.now_in(tx).await?;
        let (hash, expires_at) = (token_hash(&self.token), now + self.lifetime_ms);
        store::insert_session(tx, &hash, admin.id, now, expires_at).await?;
        trail::signed_in(tx, &admin, address, &hash, now).await?;
        Ok(SignedIn { token: self.token, expires_at, admin })
    }
}

/// Ends one session.
pub async fn sign_out(context: &Context, admin: Admin, address: CallerAddress, bearer: &str) -> Result<()> {
    let (hash, db) = (token_hash(bearer), context.db.clone());
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let now = db.now_in(tx).await?;
                if store::delete_session(tx, &hash).await? {
                    trail::signed_out(tx, &admin, address, &hash, now).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Uses a one-time link: makes the first administrator, an owner, and signs them in.
///
/// Errors: `Unauthenticated` when the link is unknown, used or stale, or there is an administrator already;
/// `InvalidField`.
pub async fn set_up(
    context: &Context,
    address: CallerAddress,
    token: &str,
    username: &str,
    password: &str,
) -> Result<SignedIn> {
    context.limits.sign_in(address).await?;
    if !is_token(token) {
        return Err(DomainError::Unauthenticated);
    }
    check_username(username)?;
    check_password(password)?;
    let link = token_hash(token);
    // A guess must not cost a hash. The transaction looks at the link once more.
    if !store::setup_link_is_good(&context.db, &link, context.db.now_ms()).await? {
        return Err(DomainError::Unauthenticated);
    }
    let hash = context.admin_gate.passwords.hash_of(address, password).await?;
    let (username, db, session) = (folded(username), context.db.clone(), NewSession::draw(context));
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let now = db.now_in(tx).await?;
                store::lock_creations(tx, now).await?;
                if !store::use_setup_link(tx, &link, now).await? || store::any_in(tx).await? {
                    return Err(DomainError::Unauthenticated);
                }
                let id = create(tx, &username, &hash, Role::Owner, "one-time link", now).await?;
                session.open(tx, Admin { id, username, role: Role::Owner }, address).await
            })
        })
        .await
}

/// Inserts an administrator and ends the links that would make the first one.
///
/// Errors: `Conflict` on the name.
pub(super) async fn insert(tx: &mut Tx, username: &str, password_hash: &str, role: Role, now: i64) -> Result<AdminId> {
    store::lock_creations(tx, now).await?;
    store::delete_setup_links(tx).await?;
    let id = store::insert(tx, username, password_hash, role, now).await?;
    id.ok_or(DomainError::Conflict { field: "username".into() })
}

async fn create(tx: &mut Tx, username: &str, password_hash: &str, role: Role, by: &str, now: i64) -> Result<AdminId> {
    let id = insert(tx, username, password_hash, role, now).await?;
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

/// Makes the first administrator, or a link for making one. Links that were printed before end in any case. Of several
/// nodes that start together one makes the administrator and the others find them there.
pub async fn first_start(context: &Context) -> Result<FirstStart> {
    let db = context.db.clone();
    let password = context.config.admin.password.expose_secret();
    let hash = match password {
        "" => None,
        // Work on a password takes long, and most starts need none.
        _ if store::any(&db).await? => None,
        password => Some(context.admin_gate.passwords.hash(password).await?),
    };
    let token = new_token();
    let link = token_hash(&token);
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let now = db.now_in(tx).await?;
                store::lock_creations(tx, now).await?;
                store::delete_setup_links(tx).await?;
                if store::any_in(tx).await? {
                    return Ok(FirstStart::NotFirst);
                }
                if let Some(hash) = hash {
                    create(tx, "admin", &hash, Role::Owner, "configuration", now).await?;
                    return Ok(FirstStart::Created);
                }
                store::insert_setup_link(tx, &link, now, now + SETUP_LINK_MS).await?;
                Ok(FirstStart::Link(token))
            })
        })
        .await
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
            if !store::set_password(tx, id, &hash).await? {
                return Err(DomainError::NotFound(Entity::Admin));
            }
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

pub(super) fn new_token() -> String {
    let random: [u8; 32] = rand::random();
    hex::encode(random)
}

pub(super) fn is_token(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

pub(super) fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}
