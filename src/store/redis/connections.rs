//! The pool's connections. All of them live on one runtime, because a connection whose worker thread is busy would look
//! like a Redis that is slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bb8::ManageConnection;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError};
use tokio::runtime::Handle;

/// Longest time in which a connection is made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Connections that were made before Redis went away end with their generation.
#[derive(Debug, Clone, Default)]
pub struct Generation(Arc<AtomicU64>);

impl Generation {
    pub fn end(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

pub struct Connection {
    pub link: MultiplexedConnection,
    /// A request got no answer; the connection is not used again.
    pub broken: bool,
    generation: u64,
}

pub struct Connections {
    client: Client,
    runtime: Handle,
    generation: Generation,
}

impl Connections {
    pub fn new(client: Client, runtime: Handle, generation: Generation) -> Self {
        Self { client, runtime, generation }
    }
}

impl ManageConnection for Connections {
    type Connection = Connection;
    type Error = RedisError;

    async fn connect(&self) -> Result<Connection, RedisError> {
        let (client, generation) = (self.client.clone(), self.generation.now());
        let settings = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(CONNECT_TIMEOUT));
        let connecting = self.runtime.spawn(async move {
            let connected = client.get_multiplexed_async_connection_with_config(&settings);
            // The settings bound the connection; what both sides then say to each other is bounded here.
            tokio::time::timeout(CONNECT_TIMEOUT, connected).await
        });
        let late = || RedisError::from((ErrorKind::Io, "no connection in time"));
        let stopped = |_| RedisError::from((ErrorKind::Io, "the server stops"));
        let link = connecting.await.map_err(stopped)?.map_err(|_| late())?;
        let link = link.inspect_err(|error| tracing::debug!(%error, "connecting to Redis"))?;
        Ok(Connection { link, broken: false, generation })
    }

    /// Asks Redis nothing: the decision itself finds out, and costs one round trip less.
    async fn is_valid(&self, connection: &mut Connection) -> Result<(), RedisError> {
        if connection.generation == self.generation.now() {
            return Ok(());
        }
        Err(RedisError::from((ErrorKind::Io, "a connection from before Redis went away")))
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.broken
    }
}
