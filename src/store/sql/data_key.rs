//! Whether the data key is the one that this database was written with.

use actors::error::DomainError;
use anyhow::ensure;

use super::db::Db;
use crate::args;
use crate::vault::Vault;

/// What a key leaves in its database.
pub(super) fn mark(vault: &Vault) -> String {
    vault.lookup_key("data key", b"matchday")
}

/// Remembers the key's mark at the first start and compares it at every other.
///
/// Errors: another key than the one that sealed what is stored.
pub async fn check(db: &Db, vault: &Vault) -> anyhow::Result<()> {
    let mark = mark(vault);
    let fresh = mark.clone();
    let stored = db
        .write(move |tx| {
            Box::pin(async move {
                let sql = "INSERT INTO data_key_check (id, value) VALUES (1, $1) ON CONFLICT (id) DO NOTHING";
                tx.execute(sql, args![fresh]).await?;
                let row = tx.fetch_one("SELECT value FROM data_key_check WHERE id = 1", args![]).await?;
                Ok::<_, DomainError>(row.text("value")?)
            })
        })
        .await?;
    ensure!(
        stored == mark,
        "secrets.data_key is not the key this database was written with; with another one stored players cannot be read \
         and a certificate could register twice"
    );
    Ok(())
}
