//! Accounts and their sessions: signing in, who stands behind a token, what an account's owner sees of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actors::domain::account::Account;
use actors::domain::ids::AccountId;
use actors::domain::visible::{self, Layout};
use actors::error::{DomainError, Entity, Result};
use actors::ports::Topic;
use bytes::Bytes;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use super::pictures;
use crate::clients::wechat::login::WeChatProfile;
use crate::context::Context;
use crate::store::sql::accounts as store;
use crate::store::sql::db::{StoreError, Tx};

pub use crate::store::sql::accounts::AccountProfile;

/// How long a session is believed without asking SQL. Within it a node does not notice what another one disabled.
const CACHE_LIFE: Duration = Duration::from_secs(3);
/// Sessions kept; about 300 bytes each.
const CACHE_SESSIONS: usize = 32 * 1024;
/// Characters of a token: 128 random bits in hex.
const TOKEN_CHARACTERS: usize = 32;
const USERNAME_CHARACTERS: std::ops::RangeInclusive<usize> = 4..=25;
/// What somebody is called whose WeChat name is empty.
const NAMELESS: &str = "微信用户";
/// Stale sessions removed at once.
const SWEEP: i64 = 1_000;

#[derive(Clone)]
struct CachedSession {
    account: Arc<Account>,
    /// Milliseconds since 1970.
    expires_at: i64,
    read_at: Instant,
    /// Before it was read.
    generation: u64,
}

/// Sessions read a moment ago, by their hash. Bounded; only enabled accounts are in it.
pub struct SessionCache {
    sessions: Cache<[u8; 32], CachedSession>,
    generation: AtomicU64,
}

impl SessionCache {
    pub fn new() -> Self {
        Self { sessions: Cache::new(CACHE_SESSIONS), generation: AtomicU64::new(0) }
    }

    /// After an account was disabled: every session is judged anew, also one that is being read from SQL now.
    pub fn clear(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.sessions.clear();
    }

    /// After an account was changed: its sessions here are read anew. Other nodes notice within `CACHE_LIFE`.
    pub fn forget(&self, account: AccountId) {
        self.sessions.retain(|_, session| session.account.id != account);
    }

    /// Grows with every `clear`: what was learnt of a session in an earlier one is no longer good.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }
}

impl Default for SessionCache {
    fn default() -> Self {
        Self::new()
    }
}

/// The account behind a session token (32 hex). Answered from a bounded cache for a few seconds, else from SQL.
///
/// Errors: `Unauthenticated` for a missing, malformed, unknown or stale token; `AccountDisabled`.
pub async fn authenticate(context: &Context, token: &str) -> Result<Arc<Account>> {
    let hash = token_hash(token).ok_or(DomainError::Unauthenticated)?;
    let now_ms = context.db.now_ms();
    let generation = context.sessions.generation();
    if let Some(session) = context.sessions.sessions.get(&hash)
        && session.generation == generation
        && session.read_at.elapsed() < CACHE_LIFE
        && session.expires_at > now_ms
    {
        return Ok(session.account);
    }
    let read_at = Instant::now();
    let Some(session) = store::session(&context.db, &hex::encode(hash), now_ms).await? else {
        context.sessions.sessions.remove(&hash);
        return Err(DomainError::Unauthenticated);
    };
    if !session.enabled {
        context.sessions.sessions.remove(&hash);
        return Err(DomainError::AccountDisabled);
    }
    let account = Arc::new(session.account);
    let cached = CachedSession { account: Arc::clone(&account), expires_at: session.expires_at, read_at, generation };
    context.sessions.sessions.insert(hash, cached);
    Ok(account)
}

/// As `authenticate`, for callers that may stay anonymous: no token, or an empty one, is nobody.
///
/// Errors: those of `authenticate` for a token that was given.
pub async fn authenticate_optional(context: &Context, token: Option<&str>) -> Result<Option<Arc<Account>>> {
    match token {
        None | Some("") => Ok(None),
        Some(token) => authenticate(context, token).await.map(Some),
    }
}

/// An account by its id, for a front end that is trusted to name it.
///
/// Errors: `NotFound(Account)`, `AccountDisabled`.
pub async fn by_id(context: &Context, id: AccountId) -> Result<Arc<Account>> {
    match store::account(&context.db, id, context.db.now_ms()).await? {
        Some((account, true)) => Ok(Arc::new(account)),
        Some((_, false)) => Err(DomainError::AccountDisabled),
        None => Err(DomainError::NotFound(Entity::Account)),
    }
}

/// To be called after the commit that disabled or erased an account: every node judges sessions again at once, and those
/// that the bus does not reach within `CACHE_LIFE`.
pub fn forget_everywhere(context: &Context, account: AccountId) {
    context.sessions.clear();
    context.bus.publish(Topic::Account(account.0), Bytes::new());
}

/// SHA-256 of a token, or nothing if it cannot be one. Only the hash is stored and looked up, so that neither the
/// database nor the time of a comparison gives a token away.
fn token_hash(token: &str) -> Option<[u8; 32]> {
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (token.len() == TOKEN_CHARACTERS && token.bytes().all(hex)).then(|| Sha256::digest(token.as_bytes()).into())
}

/// Signs in who stands behind a WeChat authorisation code, with a new account for an openid not seen before. Answers
/// the session's token.
///
/// Errors: `SignInRefused` for a refused code, `ProviderFailed(WeChat)`, `AccountDisabled`.
pub async fn sign_in(context: &Context, code: &str) -> Result<String> {
    let login = &context.outside.login;
    let identified = login.identify(code).await?;
    let person = if store::is_known(&context.db, &identified.openid).await? {
        WeChatProfile::known(identified.openid)
    } else {
        login.profile(&identified).await?
    };
    // WeChat lets people choose names that hide characters or turn a whole chat around, and a sign-in cannot refuse them.
    let shown = |text: &str| visible::without_hidden(text, Layout::Line).trim().to_owned();
    let nickname = shown(&person.nickname);
    let new = store::NewAccount {
        openid: person.openid,
        username: if visible::has_visible(&nickname) { nickname } else { NAMELESS.to_owned() },
        sex: person.sex,
        country: shown(&person.country),
        province: shown(&person.province),
        city: shown(&person.city),
        head_img: person.head_img,
    };
    let session = NewSession::draw(context)?;
    let token = session.token.clone();
    let now_ms = session.now_ms;
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let account = store::sign_in_by_openid(tx, &new, now_ms).await?.ok_or(DomainError::AccountDisabled)?;
                Ok(session.insert(tx, account).await?)
            })
        })
        .await?;
    Ok(token)
}

/// A session that somebody is about to have. Its token is told once and stored hashed.
pub(super) struct NewSession {
    /// 32 hex.
    pub token: String,
    hash: String,
    pub now_ms: i64,
    expires_at: i64,
}

impl NewSession {
    pub fn draw(context: &Context) -> Result<Self> {
        let token = hex::encode(rand::random::<[u8; TOKEN_CHARACTERS / 2]>());
        let hash = token_hash(&token).map(hex::encode).ok_or(DomainError::Internal)?;
        let now_ms = context.db.now_ms();
        Ok(Self { token, hash, now_ms, expires_at: now_ms.saturating_add(session_ms(context)) })
    }

    pub async fn insert(&self, tx: &mut Tx, account: AccountId) -> std::result::Result<(), StoreError> {
        store::insert_session(tx, &self.hash, account, self.now_ms, self.expires_at).await
    }
}

fn session_ms(context: &Context) -> i64 {
    i64::try_from(context.config.h5.session_seconds.saturating_mul(1000)).unwrap_or(i64::MAX)
}

/// What the owner of an account sees of it; a membership whose time is over reads as 3 whether or not that was stored.
///
/// Errors: `NotFound(Account)`.
pub async fn profile(context: &Context, account: AccountId) -> Result<AccountProfile> {
    let mut profile = store::profile(&context.db, account).await?.ok_or(DomainError::NotFound(Entity::Account))?;
    let now_ms = context.db.now_ms();
    if profile.member_status == 1 && profile.member_expire_time.is_none_or(|at| at <= now_ms) {
        profile.member_status = 3;
    }
    Ok(profile)
}

/// What an owner wants changed of an account.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub username: Option<String>,
    pub sex: Option<i64>,
    /// base64 of a picture.
    pub head_img: Option<String>,
}

/// Changes the own account. A picture is stored before its name is.
///
/// Errors: `Malformed` when nothing is to be changed, `InvalidField`, `BadPicture`, `Busy`, `NoRoom`; `RateLimited` for an
/// account that has sent its pictures of the day.
pub async fn change_profile(context: &Context, account: AccountId, wanted: Wanted) -> Result<()> {
    let Wanted { username, sex, head_img } = wanted;
    if username.is_none() && sex.is_none() && head_img.is_none() {
        return Err(DomainError::Malformed("没有需要修改的内容".into()));
    }
    if let Some(name) = &username {
        if !USERNAME_CHARACTERS.contains(&name.chars().count()) {
            return Err(DomainError::field("username", "长度必须是4到25个字符"));
        }
        visible::check_said(name, Layout::Line).map_err(|fault| DomainError::field("username", fault.in_chinese()))?;
    }
    if sex.is_some_and(|sex| !(0..=2).contains(&sex)) {
        return Err(DomainError::field("sex", "必须是0、1或2"));
    }
    let picture = match head_img {
        Some(text) => Some(pictures::keep_head(context, account, text).await?),
        None => None,
    };
    let head_img = picture.as_ref().map(|picture| picture.stored().path.clone());
    let change = store::ProfileChange { username, sex, head_img };
    let now_ms = context.db.now_ms();
    let changed = context.db.write(move |tx| {
        Box::pin(async move {
            if let Some(path) = store::change_profile(tx, account, &change).await? {
                pictures::forget_replaced(tx, account, path, now_ms).await?;
            }
            Ok::<_, DomainError>(())
        })
    });
    changed.await?;
    context.sessions.forget(account);
    match picture {
        Some(picture) => picture.is_shown().await,
        None => Ok(()),
    }
}

/// The bound phone, for the account's owner; empty when there is none.
///
/// Errors: `Internal` for one that was sealed with another key.
pub fn mobile(context: &Context, profile: &AccountProfile) -> Result<String> {
    let open = |sealed: &String| context.vault.open(sealed);
    profile.mobile_sealed.as_ref().map(open).transpose().map(Option::unwrap_or_default).map_err(|error| {
        tracing::error!(%error, "a stored phone");
        DomainError::Internal
    })
}

/// Removes sessions that are over, a bounded number at once; answers how many.
pub async fn sweep_sessions(context: &Context) -> Result<u64> {
    let now_ms = context.db.now_ms();
    context
        .db
        .write(move |tx| Box::pin(async move { Ok(store::delete_stale_sessions(tx, now_ms, SWEEP).await?) }))
        .await
}
