//! Who sends a command: an account by its session token, or an administrator by a bearer token.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, ORIGIN};
use actors::domain::account::{Account, Admin, Role};
use actors::domain::ids::AccountId;
use actors::error::{DomainError, Result};

use super::{Command, members};
use crate::api::client_address::ClientAddress;
use crate::config::RegIdentity;
use crate::context::Context;
use crate::service::registration::Changer;
use crate::service::{accounts, admins};

/// Header `token`, else `Authorization: Bearer`.
fn header_token<'a>(command: &'a Command<'_>) -> Option<&'a str> {
    token_of(command.request)
}

fn token_of(request: &HttpRequest) -> Option<&str> {
    match request.headers().get("token") {
        Some(token) => token.to_str().ok(),
        None => bearer_of(request),
    }
}

/// Whether the headers prove an account or an administrator.
///
/// Errors: `Busy` when that cannot be looked up.
pub(super) async fn is_proven(context: &Context, request: &HttpRequest) -> Result<bool> {
    let proven = match token_of(request) {
        Some(token) => accounts::authenticate(context, token).await.map(drop),
        None => return Ok(false),
    };
    let proven = match (proven, bearer_of(request)) {
        (Err(DomainError::Unauthenticated), Some(token)) => admins::authenticate(context, token).await.map(drop),
        (proven, _) => proven,
    };
    match proven {
        Ok(()) => Ok(true),
        Err(DomainError::Unauthenticated | DomainError::AccountDisabled) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the front end that may name accounts calls.
pub(super) fn is_trusted(context: &Context, request: &HttpRequest) -> bool {
    let settings = &context.config.reg;
    settings.identity == RegIdentity::Trusting
        && ClientAddress::of(request)
            .0
            .ip()
            .is_some_and(|address| settings.trusting_networks.iter().any(|network| network.contains(address)))
}

/// As `header_token`, else the member `token`.
fn session_token<'a>(command: &'a Command<'_>) -> Option<&'a str> {
    if command.request.headers().contains_key("token") {
        return header_token(command);
    }
    header_token(command).or_else(|| command.members.get("token").and_then(|token| token.as_str()))
}

fn bearer<'a>(command: &'a Command<'_>) -> Option<&'a str> {
    bearer_of(command.request)
}

fn bearer_of(request: &HttpRequest) -> Option<&str> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The calling account. A `user_id` that is not the caller's own is refused.
///
/// Errors: `Unauthenticated`, `NotOwner`.
pub(super) async fn account(command: &Command<'_>) -> Result<Arc<Account>> {
    account_of(command, session_token(command)).await
}

/// As `account`, for a command whose member `token` is something else.
pub(super) async fn account_by_header(command: &Command<'_>) -> Result<Arc<Account>> {
    account_of(command, header_token(command)).await
}

async fn account_of(command: &Command<'_>, token: Option<&str>) -> Result<Arc<Account>> {
    let named = members::user_id(&command.members)?;
    if let Some(account) = trusted_account(command, named.as_deref(), token.is_some()).await? {
        return Ok(account);
    }
    let token = token.ok_or(DomainError::Unauthenticated)?;
    let account = accounts::authenticate(command.context, token).await?;
    if named.is_some_and(|named| AccountId::parse(&named) != Some(account.id)) {
        return Err(DomainError::NotOwner);
    }
    Ok(account)
}

/// With `reg.identity = "trusting"` a front end in a configured network names the account itself, as in the original.
///
/// Errors: `Malformed` for a call without a session that a web page could have made a browser inside send.
async fn trusted_account(
    command: &Command<'_>,
    named: Option<&str>,
    has_session: bool,
) -> Result<Option<Arc<Account>>> {
    let Some(named) = named.filter(|_| is_trusted(command.context, command.request)) else {
        return Ok(None);
    };
    if !is_sent_by_a_program(command.request.headers()) {
        if has_session {
            // A page of ours that is used from inside. Its session says who it is.
            return Ok(None);
        }
        let reason = "a trusted front end sends Content-Type: application/json and no Origin";
        return Err(DomainError::Malformed(reason.into()));
    }
    let id = AccountId::parse(named).ok_or(DomainError::NotFound(actors::error::Entity::Account))?;
    accounts::by_id(command.context, id).await.map(Some)
}

/// Whether no page of the web can have made a browser send this request: those say their `Origin`, and send JSON as
/// such only after they were allowed to.
fn is_sent_by_a_program(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE);
    let is_json = types.next().is_some_and(|line| {
        let kind = line.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
        kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
    });
    is_json && types.next().is_none() && !headers.contains_key(ORIGIN)
}

/// An administrator who may change places.
///
/// Errors: `Unauthenticated` (no administrator), `Forbidden` (another role).
pub(super) async fn places_admin(command: &Command<'_>) -> Result<Admin> {
    let admin = any_admin(command).await?;
    if matches!(admin.role, Role::Owner | Role::Editor) { Ok(admin) } else { Err(DomainError::Forbidden) }
}

/// An administrator of games, or the calling account.
///
/// Errors: `Forbidden` for an administrator of another role, else those of `account`.
pub(super) async fn changer(command: &Command<'_>) -> Result<Changer> {
    match places_admin(command).await {
        Ok(admin) => Ok(Changer::Admin(admin)),
        Err(DomainError::Unauthenticated) => Ok(Changer::Owner(Account::clone(&*account(command).await?))),
        Err(error) => Err(error),
    }
}

pub(super) async fn any_admin(command: &Command<'_>) -> Result<Admin> {
    let token = bearer(command).ok_or(DomainError::Unauthenticated)?;
    admins::authenticate(command.context, token).await
}
