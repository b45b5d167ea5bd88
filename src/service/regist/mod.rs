//! Registration of a person by the official network: the phone is proven by a code of ours, the password comes wrapped.
//! Account, athlete's record and agent's binding are one transaction, and only its commit uses the code up.

pub mod wrap;

use actors::domain::caller_address::CallerAddress;
use actors::domain::ids::AccountId;
use actors::domain::login_name::LoginName;
use actors::error::{DomainError, Result};

use self::wrap::Wrapping;
use super::patterns;
use super::phones::Proof;
use crate::context::Context;
use crate::failpoints::{Failpoint, pass};
use crate::store::sql::agents::{self, BoundAgent};
use crate::store::sql::db::Tx;
use crate::store::sql::new_accounts::{self, PasswordKind, Registered, Sealed};
use crate::store::sql::phones as codes;
use crate::vault::Vault;

/// What is told of a new person.
#[derive(Clone)]
pub struct Person {
    pub username: String,
    /// Wrapped, base64.
    pub password: String,
    pub mobile: String,
    pub verify_code: String,
}

/// The new account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub id: AccountId,
    /// The name to sign in with, as typed.
    pub username: String,
    /// Shown to others.
    pub name: String,
    /// The agent that the account acts for.
    pub agent: Option<Agent>,
}

/// An agent as the account that is bound to it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    pub id: i64,
    pub name: String,
    pub username: String,
    pub type_code: String,
    pub type_name: String,
    /// Wrapped under the official session key and the agent's password.
    pub password: String,
    /// The agent's session key, wrapped alike; none if the agent has no credential, or one that cannot be wrapped.
    pub key: Option<String>,
}

enum Outcome {
    Made(AccountId, Option<BoundAgent>),
    WrongCode,
}

/// Registers a person. `session_key` is the key of the official caller's credential.
///
/// Errors: `RateLimited`; `InvalidField` on `username` for a name that nobody can have, on `mobile`, on `password`;
/// `NoCode`, `WrongCode`, after which a try is spent; `Conflict` on `login_name` or `mobile`, which only somebody with
/// the phone's code is told; `Busy`, `Internal`.
pub async fn register(context: &Context, address: CallerAddress, session_key: &str, person: Person) -> Result<Member> {
    let settings = &context.config.regist;
    // All of a web site's visitors share its address.
    context.limits.regist_address(address).await?;
    let wrapping = Wrapping::of(settings).map_err(|reason| {
        tracing::error!(reason, "regist.wrap");
        DomainError::Internal
    })?;
    let name = LoginName::new(&person.username)
        .filter(|name| !patterns::is_banned_name(&context.config, name.folded()))
        .ok_or_else(|| DomainError::field("username", "cannot be had"))?;
    if !wrapping.may_be_password(&person.password) {
        return Err(DomainError::field("password", "is no wrapped password"));
    }
    let vault = &context.vault;
    let proof = Proof::new(vault, &person.mobile, &person.verify_code).map_err(|error| match error {
        DomainError::InvalidField { field, .. } if field == "code" => DomainError::WrongCode,
        _ => DomainError::field("mobile", "is no mobile number"),
    })?;
    context.limits.regist_phone(&proof.phone_key).await?;
    // Outside of the transaction: the work on a password takes long.
    let password_hash = context.passwords.hash(&person.password).await?;
    let new = Registered {
        display_name: name.typed().to_owned(),
        login_name: name.clone(),
        mobile: Some(Sealed { key: proof.phone_key.clone(), sealed: vault.seal(&proof.phone) }),
        email: None,
        email_pending: false,
        password_hash,
        password_kind: PasswordKind::Wrapped,
    };
    let db = context.db.clone();
    let outcome = context.db.write(move |tx| {
        Box::pin(async move {
            let now_ms = db.now_in(tx).await?;
            make(tx, &new, &proof, now_ms).await
        })
    });
    match outcome.await? {
        Outcome::WrongCode => Err(DomainError::WrongCode),
        Outcome::Made(id, agent) => Ok(Member {
            id,
            username: name.typed().to_owned(),
            name: name.typed().to_owned(),
            agent: agent.and_then(|agent| signed_in(vault, wrapping, session_key, agent)),
        }),
    }
}

async fn make(tx: &mut Tx, new: &Registered, proof: &Proof, now_ms: i64) -> Result<Outcome> {
    if !proof.holds(tx, now_ms).await? {
        // Committed, or the try would not be spent.
        return Ok(Outcome::WrongCode);
    }
    pass(Failpoint::RegistTryTaken);
    let id = new_accounts::insert(tx, new, now_ms).await?;
    pass(Failpoint::RegistAccountInserted);
    codes::join_member(tx, id, &proof.phone_key).await?;
    let agent = agents::bind(tx, id, &proof.phone_key).await?;
    pass(Failpoint::RegistAgentBound);
    codes::forget_code(tx, &proof.phone_key).await?;
    pass(Failpoint::RegistCodeForgotten);
    Ok(Outcome::Made(id, agent))
}

/// What an account that is bound to an agent is told. `None`: nobody can sign in as the agent, for it has no password.
fn signed_in(vault: &Vault, wrapping: Wrapping, session_key: &str, agent: BoundAgent) -> Option<Agent> {
    if agent.password_sealed.is_empty() {
        return None;
    }
    let opened = |sealed: &str| {
        vault.open(sealed).inspect_err(|error| tracing::error!(%error, agent = agent.id, "a secret of an agent")).ok()
    };
    let password_md5 = opened(&agent.password_sealed)?;
    let wrapped = |text: &str| {
        wrapping
            .wrap(session_key, &password_md5, text)
            .inspect_err(|reason| tracing::warn!(%reason, agent = agent.id, "a secret of an agent is not told"))
            .ok()
    };
    let key = agent.key_sealed.as_deref().and_then(opened).and_then(|key| wrapped(&key));
    Some(Agent {
        password: wrapped(&password_md5)?,
        key,
        id: agent.id,
        name: agent.name,
        username: agent.username,
        type_code: agent.type_code,
        type_name: agent.type_name,
    })
}
