//! Travel agents, and the personal account that acts for each.

use actors::domain::ids::AccountId;

use super::db::{StoreError, Tx};
use crate::args;

/// What an account that is bound to an agent is told of it. Sealed texts as they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundAgent {
    pub id: i64,
    pub name: String,
    pub username: String,
    pub type_code: String,
    pub type_name: String,
    /// Empty: the agent has no password.
    pub password_sealed: String,
    /// The key of the agent's newest enabled credential.
    pub key_sealed: Option<String>,
}

const BIND: &str = "
UPDATE agents SET account_id = $1 WHERE mobile_key = $2 AND status = 1 AND account_id IS NULL
RETURNING id, name, username, type_code, type_name, password_sealed";

const KEY: &str = "
SELECT hawk_key_sealed FROM hawk_credentials WHERE agent_id = $1 AND class = 'agent' AND status = 1
ORDER BY id DESC LIMIT 1";

/// Binds an account to the enabled agent of its proven phone that nobody is bound to. `None`: there is no such agent.
pub async fn bind(tx: &mut Tx, account: AccountId, mobile_key: &str) -> Result<Option<BoundAgent>, StoreError> {
    let Some(row) = tx.fetch_optional(BIND, args![account.0, mobile_key]).await? else { return Ok(None) };
    let id = row.int("id")?;
    let key = tx.fetch_optional(KEY, args![id]).await?;
    Ok(Some(BoundAgent {
        id,
        name: row.text("name")?,
        username: row.text("username")?,
        type_code: row.text("type_code")?,
        type_name: row.text("type_name")?,
        password_sealed: row.text("password_sealed")?,
        key_sealed: key.map(|row| row.text("hawk_key_sealed")).transpose()?,
    }))
}
