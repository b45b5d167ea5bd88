//! A way to Redis that a test can stall or cut, as a network does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const OPEN: u8 = 0;
/// Connections are taken and stay silent.
const STALLED: u8 = 1;
/// Connections end at once.
const CUT: u8 = 2;

pub struct RedisGate {
    /// `redis://` and the gate's address.
    pub url: String,
    state: Arc<AtomicU8>,
}

impl RedisGate {
    /// A gate before the Redis of the tests; `None` without one.
    pub fn open() -> Option<Self> {
        let redis = std::env::var("TEST_REDIS_URL").ok()?;
        let target = redis.strip_prefix("redis://").unwrap().trim_end_matches('/').to_owned();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let state = Arc::new(AtomicU8::new(OPEN));
        let shared = state.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(pass(client, target.clone(), shared.clone()));
                }
            });
        });
        Some(Self { url, state })
    }

    pub fn stall(&self) {
        self.state.store(STALLED, Ordering::SeqCst);
    }

    pub fn cut(&self) {
        self.state.store(CUT, Ordering::SeqCst);
    }

    pub fn reopen(&self) {
        self.state.store(OPEN, Ordering::SeqCst);
    }
}

async fn pass(mut client: TcpStream, target: String, state: Arc<AtomicU8>) {
    let Ok(mut redis) = TcpStream::connect(&target).await else { return };
    let (mut from_client, mut from_redis) = ([0; 4_096], [0; 4_096]);
    loop {
        let (bytes, up) = tokio::select! {
            read = client.read(&mut from_client) => (read.unwrap_or(0), true),
            read = redis.read(&mut from_redis) => (read.unwrap_or(0), false),
        };
        match state.load(Ordering::SeqCst) {
            _ if bytes == 0 => return,
            CUT => return,
            // What was said meanwhile never arrives.
            STALLED => continue,
            _ => {}
        }
        let written = match up {
            true => redis.write_all(&from_client[..bytes]).await,
            false => client.write_all(&from_redis[..bytes]).await,
        };
        if written.is_err() {
            return;
        }
    }
}
