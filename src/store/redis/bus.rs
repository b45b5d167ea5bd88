//! The bus over Redis pub/sub. Messages wait in a bounded queue and leave in pipelines; the subscriber has a connection
//! of its own and comes back by itself. With Redis away messages are dropped and counted, and nobody waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actors::ports::{Bus, BusMessage, Topic};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::StreamExt;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;

const CHANNEL_PREFIX: &str = "matchday:bus:";
/// Messages that may wait for Redis.
const OUTGOING: usize = 4096;
/// Messages in one pipeline.
const PIPELINE: usize = 256;
/// Messages a slow subscriber of this process may be behind.
const INCOMING: usize = 4096;
const TIMEOUT: Duration = Duration::from_secs(2);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

pub struct RedisBus {
    outgoing: mpsc::Sender<(Topic, Bytes)>,
    incoming: broadcast::Sender<BusMessage>,
    dropped: Arc<AtomicU64>,
    tasks: [JoinHandle<()>; 2],
}

impl RedisBus {
    /// Starts the two connections in the background: a Redis that is away delays nothing.
    ///
    /// Errors: an address that cannot be one.
    pub fn start(url: &str) -> redis::RedisResult<Self> {
        let client = redis::Client::open(url)?;
        let origin: u64 = rand::random();
        let (outgoing, queue) = mpsc::channel(OUTGOING);
        let (incoming, _) = broadcast::channel(INCOMING);
        let dropped = Arc::new(AtomicU64::new(0));
        let publisher = publish_all(client.clone(), origin, queue, Arc::clone(&dropped));
        let subscriber = subscribe_for_ever(client, origin, incoming.clone());
        Ok(Self { outgoing, incoming, dropped, tasks: [tokio::spawn(publisher), tokio::spawn(subscriber)] })
    }
}

impl Drop for RedisBus {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Bus for RedisBus {
    fn publish(&self, topic: Topic, payload: Bytes) {
        if self.outgoing.try_send((topic, payload)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn subscribe(&self) -> broadcast::Receiver<BusMessage> {
        self.incoming.subscribe()
    }

    /// Messages that never reached Redis.
    fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn is_single_node(&self) -> bool {
        false
    }
}

async fn publish_all(
    client: redis::Client,
    origin: u64,
    mut queue: mpsc::Receiver<(Topic, Bytes)>,
    dropped: Arc<AtomicU64>,
) {
    let mut connection: Option<ConnectionManager> = None;
    let mut batch = Vec::with_capacity(PIPELINE);
    loop {
        batch.clear();
        if queue.recv_many(&mut batch, PIPELINE).await == 0 {
            return;
        }
        if let Err(error) = publish_batch(&client, &mut connection, origin, &batch).await {
            dropped.fetch_add(batch.len() as u64, Ordering::Relaxed);
            tracing::warn!(%error, messages = batch.len(), "Redis away, messages to other nodes dropped");
        }
    }
}

async fn publish_batch(
    client: &redis::Client,
    connection: &mut Option<ConnectionManager>,
    origin: u64,
    batch: &[(Topic, Bytes)],
) -> redis::RedisResult<()> {
    let connection = match connection {
        Some(connection) => connection,
        None => {
            let settings = ConnectionManagerConfig::new()
                .set_number_of_retries(1)
                .set_connection_timeout(Some(TIMEOUT))
                .set_response_timeout(Some(TIMEOUT));
            let fresh = ConnectionManager::new_with_config(client.clone(), settings).await?;
            connection.insert(fresh)
        }
    };
    let mut pipeline = redis::pipe();
    for (topic, payload) in batch {
        let mut message = BytesMut::with_capacity(8 + payload.len());
        message.put_u64(origin);
        message.extend_from_slice(payload);
        pipeline.cmd("PUBLISH").arg(channel(*topic)).arg(&message[..]).ignore();
    }
    pipeline.query_async(connection).await
}

async fn subscribe_for_ever(client: redis::Client, origin: u64, incoming: broadcast::Sender<BusMessage>) {
    let mut pause = FIRST_PAUSE;
    loop {
        match subscribe_once(&client, origin, &incoming, &mut pause).await {
            Ok(()) => tracing::warn!("Redis ended the subscription"),
            Err(error) => tracing::warn!(%error, "Redis subscription failed"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn subscribe_once(
    client: &redis::Client,
    origin: u64,
    incoming: &broadcast::Sender<BusMessage>,
    pause: &mut Duration,
) -> redis::RedisResult<()> {
    let mut subscription = client.get_async_pubsub().await?;
    subscription.psubscribe(format!("{CHANNEL_PREFIX}*")).await?;
    *pause = FIRST_PAUSE;
    let mut messages = subscription.into_on_message();
    while let Some(message) = messages.next().await {
        let Some(topic) = topic(message.get_channel_name()) else {
            continue;
        };
        let Some((sender, payload)) = message.get_payload_bytes().split_first_chunk::<8>() else {
            continue;
        };
        if u64::from_be_bytes(*sender) == origin {
            continue;
        }
        let payload = Bytes::copy_from_slice(payload);
        // Nobody listening is not a fault.
        let _ = incoming.send(BusMessage { topic, payload });
    }
    Ok(())
}

fn channel(topic: Topic) -> String {
    match topic {
        Topic::Game(id) => format!("{CHANNEL_PREFIX}game:{id}"),
        Topic::Room(id) => format!("{CHANNEL_PREFIX}room:{id}"),
        Topic::Presence(id) => format!("{CHANNEL_PREFIX}presence:{id}"),
        Topic::Account(id) => format!("{CHANNEL_PREFIX}account:{id}"),
    }
}

fn topic(channel: &str) -> Option<Topic> {
    let (kind, id) = channel.strip_prefix(CHANNEL_PREFIX)?.split_once(':')?;
    let id = id.parse().ok()?;
    match kind {
        "game" => Some(Topic::Game(id)),
        "room" => Some(Topic::Room(id)),
        "presence" => Some(Topic::Presence(id)),
        "account" => Some(Topic::Account(id)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_name_their_topics() {
        for known in [Topic::Game(1), Topic::Room(2), Topic::Presence(3), Topic::Account(4)] {
            assert_eq!(topic(&channel(known)), Some(known));
        }
        assert_eq!(topic("matchday:bus:else:1"), None);
        assert_eq!(topic("matchday:bus:room:x"), None);
    }
}
