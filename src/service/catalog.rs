//! The rules of all games in memory, so that judging a registration reads nothing. Read again every few seconds and
//! after an administrator's change; a game that is not there yet is read at once.

use std::collections::HashMap;
use std::sync::Arc;

use actors::domain::game::Game;
use actors::domain::ids::GameId;
use actors::error::{DomainError, Entity, Result};
use arc_swap::ArcSwap;

use crate::store::sql::db::Db;
use crate::store::sql::games;

#[derive(Default)]
pub struct Catalog {
    games: ArcSwap<HashMap<GameId, Arc<Game>>>,
}

impl Catalog {
    /// Errors: `NotFound(Game)`.
    pub async fn game(&self, db: &Db, id: GameId) -> Result<Arc<Game>> {
        if let Some(game) = self.games.load().get(&id) {
            return Ok(game.clone());
        }
        games::game(db, id).await?.map(Arc::new).ok_or(DomainError::NotFound(Entity::Game))
    }

    pub fn all(&self) -> Arc<HashMap<GameId, Arc<Game>>> {
        self.games.load_full()
    }

    pub async fn reload(&self, db: &Db) -> Result<()> {
        let games = games::all(db).await?;
        self.games.store(Arc::new(games.into_iter().map(|game| (game.id, Arc::new(game))).collect()));
        Ok(())
    }
}
