//! HAWK credentials and the nonces that were used with them. Keys are sealed here, nonces hashed.

use super::db::{Db, Row, StoreError, Tx};
use crate::args;

/// The hash that a credential's MACs are made with; a property of the credential, never of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Sha1,
    Sha256,
}

impl Algorithm {
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "sha1" => Some(Self::Sha1),
            "sha256" => Some(Self::Sha256),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        }
    }
}

/// Whose credential it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The organiser's own network.
    Official,
    /// A travel agent.
    Agent,
}

impl Class {
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "official" => Some(Self::Official),
            "agent" => Some(Self::Agent),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Official => "official",
            Self::Agent => "agent",
        }
    }
}

/// An enabled credential, its key sealed.
#[derive(Debug, Clone)]
pub struct StoredCredential {
    pub hawk_id: String,
    pub key_sealed: String,
    pub algorithm: Algorithm,
    pub class: Class,
}

const ENABLED: &str = "
SELECT hawk_id, hawk_key_sealed, algorithm, class FROM hawk_credentials WHERE hawk_id = $1 AND status = 1";

/// The credential of an id, unless it is disabled.
pub async fn enabled(db: &Db, hawk_id: &str) -> Result<Option<StoredCredential>, StoreError> {
    db.fetch_optional(ENABLED, args![hawk_id]).await?.as_ref().map(credential).transpose()
}

fn credential(row: &Row) -> Result<StoredCredential, StoreError> {
    let (algorithm, class) = (row.text("algorithm")?, row.text("class")?);
    Ok(StoredCredential {
        hawk_id: row.text("hawk_id")?,
        key_sealed: row.text("hawk_key_sealed")?,
        algorithm: Algorithm::parse(&algorithm).ok_or_else(|| StoreError::Corrupt(format!("algorithm {algorithm}")))?,
        class: Class::parse(&class).ok_or_else(|| StoreError::Corrupt(format!("class {class}")))?,
    })
}

/// A credential that is to be stored.
#[derive(Debug, Clone)]
pub struct NewCredential {
    pub hawk_id: String,
    pub key_sealed: String,
    pub algorithm: Algorithm,
    pub class: Class,
    pub agent_id: Option<i64>,
    pub note: String,
}

const INSERT: &str = "
INSERT INTO hawk_credentials (hawk_id, hawk_key_sealed, algorithm, class, agent_id, note, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (hawk_id) DO NOTHING
RETURNING id";

/// Answers the row's id; `None`: the name is taken.
pub async fn insert(tx: &mut Tx, new: &NewCredential, now_ms: i64) -> Result<Option<i64>, StoreError> {
    let columns =
        args![&new.hawk_id, &new.key_sealed, new.algorithm.name(), new.class.name(), new.agent_id, &new.note, now_ms,];
    tx.fetch_optional(INSERT, columns).await?.map(|row| row.int("id")).transpose()
}

/// A nonce at its time.
#[derive(Debug, Clone)]
pub struct Nonce {
    pub hawk_id: String,
    /// Seconds, as the caller said.
    pub ts: i64,
    /// Hex SHA-256.
    pub nonce_hash: String,
}

const USED: &str = "SELECT 1 AS one FROM hawk_nonces WHERE hawk_id = $1 AND ts = $2 AND nonce_hash = $3";

/// Whether a nonce was used, as far as is committed.
pub async fn is_used(db: &Db, nonce: &Nonce) -> Result<bool, StoreError> {
    Ok(db.fetch_optional(USED, args![&nonce.hawk_id, nonce.ts, &nonce.nonce_hash]).await?.is_some())
}

const USE: &str = "
INSERT INTO hawk_nonces (hawk_id, ts, nonce_hash, expires_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";

/// Notes that a nonce is used. False: it was used before.
pub async fn use_nonce(tx: &mut Tx, nonce: &Nonce, expires_at: i64) -> Result<bool, StoreError> {
    let columns = args![&nonce.hawk_id, nonce.ts, &nonce.nonce_hash, expires_at];
    Ok(tx.execute(USE, columns).await? == 1)
}

const SWEEP: &str = "
DELETE FROM hawk_nonces WHERE (hawk_id, ts, nonce_hash) IN
    (SELECT hawk_id, ts, nonce_hash FROM hawk_nonces WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";

/// Removes at most `limit` nonces whose time is over; answers how many.
pub async fn sweep(tx: &mut Tx, now_ms: i64, limit: i64) -> Result<u64, StoreError> {
    tx.execute(SWEEP, args![now_ms, limit]).await
}
