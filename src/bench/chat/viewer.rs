//! Sockets that watch a room: opened within bounds, read with one buffer a thread, counted without parsing JSON.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use tokio::io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};

use super::args::ChatArgs;
use super::greeting::Greeting;
use super::stamp::{Arrival, Clock, LineReader, Offsets};
use super::websocket::{self, CLOSE, FrameReader, Opened, PING, PONG, TEXT};
use crate::bench::load::share;
use crate::bench::report::Latency;
use crate::bench::target::Target;

const READ_BYTES: usize = 256 << 10;

/// What the viewers of one thread have seen; only that thread writes.
pub struct Shard {
    pub ready: AtomicU64,
    /// When the last of them was welcomed, on the benchmark's clock.
    pub last_ready: AtomicU64,
    pub failed: AtomicU64,
    /// Sockets that ended after they were welcomed.
    pub closed: AtomicU64,
    pub delivered: AtomicU64,
    pub bytes: AtomicU64,
    pub reads: AtomicU64,
    pub passed_over: AtomicU64,
    pub late: AtomicU64,
    pub duplicates: AtomicU64,
    pub latency: Mutex<Latency>,
    pub connecting: Mutex<Latency>,
    /// Why sockets failed or ended, with how many did.
    pub reasons: Mutex<BTreeMap<String, u64>>,
}

impl Shard {
    pub fn new() -> anyhow::Result<Self> {
        let zero = || AtomicU64::new(0);
        Ok(Self {
            ready: zero(),
            last_ready: zero(),
            failed: zero(),
            closed: zero(),
            delivered: zero(),
            bytes: zero(),
            reads: zero(),
            passed_over: zero(),
            late: zero(),
            duplicates: zero(),
            latency: Mutex::new(Latency::new()?),
            connecting: Mutex::new(Latency::new()?),
            reasons: Mutex::new(BTreeMap::new()),
        })
    }

    fn note(&self, reason: String) {
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        *reasons.entry(reason).or_default() += 1;
    }
}

/// What every viewer needs; cheap to share on one thread.
struct Watching {
    args: ChatArgs,
    target: Target,
    shard: Arc<Shard>,
    clock: Clock,
    buffer: RefCell<Box<[u8]>>,
}

/// Opens this thread's share of the viewers and keeps them until `stop` changes or is dropped. Runs on a `LocalSet`.
pub async fn watch_room(
    args: ChatArgs,
    target: Target,
    shard: Arc<Shard>,
    clock: Clock,
    thread: u32,
    mut stop: watch::Receiver<bool>,
) {
    let threads = args.common.threads;
    let inflight = usize::try_from(args.connect_inflight).unwrap_or(1);
    let handshakes = Arc::new(Semaphore::new(inflight));
    let pace = f64::from(threads) / f64::from(args.connect_rate.max(1));
    let paced = args.connect_rate > 0;
    let (viewers, sources) = (share(args.viewers, thread, threads), args.source_count());
    let watching =
        Rc::new(Watching { args, target, shard, clock, buffer: RefCell::new(vec![0; READ_BYTES].into_boxed_slice()) });
    let start = Instant::now();
    let open_all = async {
        for number in 0..viewers {
            let Ok(permit) = Arc::clone(&handshakes).acquire_owned().await else {
                return;
            };
            if paced {
                let due = start + Duration::from_secs_f64(pace * f64::from(number));
                tokio::time::sleep_until(due.into()).await;
            }
            let watching = Rc::clone(&watching);
            let source = (number * threads + thread) % sources;
            tokio::task::spawn_local(async move {
                let opened = join(&watching, source).await;
                drop(permit);
                match opened {
                    Ok(joined) => {
                        watching.shard.last_ready.fetch_max(watching.clock.now(), Relaxed);
                        watching.shard.ready.fetch_add(1, Relaxed);
                        let ended = joined.watch(&watching).await;
                        watching.shard.closed.fetch_add(1, Relaxed);
                        watching.shard.note(format!("{ended:#}"));
                    }
                    Err(error) => {
                        watching.shard.failed.fetch_add(1, Relaxed);
                        watching.shard.note(format!("{error:#}"));
                    }
                }
            });
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = open_all => {}
        _ = stop.changed() => {}
    }
}

struct Joined {
    stream: TcpStream,
    frames: FrameReader,
    offsets: Offsets,
    lines: LineReader,
}

async fn join(watching: &Watching, source: u32) -> anyhow::Result<Joined> {
    let started = Instant::now();
    let limit = Duration::from_secs(watching.args.common.timeout_seconds);
    let args = &watching.args;
    let opened = websocket::open(&watching.target, &args.path, source, limit).await?;
    let login = format!(r#"{{"type":"LOGIN","room_id":"{}"}}"#, args.room);
    let joined = tokio::time::timeout(limit, Joined::log_in(opened, &login, &watching.buffer));
    let joined = joined.await.context("no WELCOME in time")??;
    let mut connecting = watching.shard.connecting.lock().unwrap_or_else(PoisonError::into_inner);
    connecting.record(started.elapsed());
    Ok(joined)
}

impl Joined {
    async fn log_in(opened: Opened, login: &str, buffer: &RefCell<Box<[u8]>>) -> anyhow::Result<Self> {
        let mut joined = Self {
            stream: opened.stream,
            frames: FrameReader::default(),
            offsets: Offsets::default(),
            lines: LineReader::default(),
        };
        let mut out = Vec::new();
        websocket::append(&mut out, TEXT, rand::random(), login.as_bytes());
        joined.stream.write_all(&out).await.context("LOGIN")?;
        let mut greeting = Greeting::default();
        joined.frames.feed(&opened.rest, |opcode, payload| greeting.look(opcode, payload))?;
        // What follows WELCOME in the same read can only be history: nothing is published before all have joined.
        let offset = loop {
            if let Some(offset) = greeting.answer()? {
                break offset;
            }
            read_some(&mut joined.stream, buffer, |bytes| {
                joined.frames.feed(bytes, |opcode, payload| greeting.look(opcode, payload))
            })
            .await?;
        };
        joined.offsets = Offsets::after(offset);
        Ok(joined)
    }

    /// Counts lines until the socket ends; returns why it did.
    async fn watch(mut self, watching: &Watching) -> anyhow::Error {
        let mut answers = Vec::new();
        let mut closed = None;
        loop {
            let Self { stream, frames, offsets, lines } = &mut self;
            let read = read_some(stream, &watching.buffer, |bytes| {
                let mut batch = Batch::new(watching, offsets, lines);
                let fed = frames.feed(bytes, |opcode, payload| match opcode {
                    TEXT => batch.line(payload),
                    PING => websocket::append(&mut answers, PONG, 0, payload),
                    CLOSE => closed = Some(websocket::close_code(payload)),
                    _ => {}
                });
                batch.finish(bytes.len());
                fed
            });
            if let Err(error) = read.await {
                return error;
            }
            if let Some(code) = closed {
                return anyhow!("closed by the server with {code}");
            }
            if !answers.is_empty() {
                if let Err(error) = stream.write_all(&answers).await {
                    return error.into();
                }
                answers = Vec::new();
            }
        }
    }
}

/// The lines of one read: counted locally, added to the shard once.
struct Batch<'a> {
    watching: &'a Watching,
    offsets: &'a mut Offsets,
    lines: &'a mut LineReader,
    now: u64,
    delivered: u64,
    latency: std::sync::MutexGuard<'a, Latency>,
}

impl<'a> Batch<'a> {
    fn new(watching: &'a Watching, offsets: &'a mut Offsets, lines: &'a mut LineReader) -> Self {
        Self {
            watching,
            offsets,
            lines,
            now: watching.clock.now(),
            delivered: 0,
            latency: watching.shard.latency.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    fn line(&mut self, payload: &[u8]) {
        let Some(line) = self.lines.read(payload) else {
            return;
        };
        let arrival = line.offset.map_or(Arrival::Next, |offset| self.offsets.take(offset));
        let shard = &self.watching.shard;
        match arrival {
            Arrival::History => return,
            Arrival::Duplicate => {
                shard.duplicates.fetch_add(1, Relaxed);
                return;
            }
            Arrival::Gap(count) => {
                shard.passed_over.fetch_add(count, Relaxed);
            }
            Arrival::Late => {
                shard.late.fetch_add(1, Relaxed);
            }
            Arrival::Next => {}
        }
        self.delivered += 1;
        self.latency.record_microseconds(self.now.saturating_sub(line.due));
    }

    fn finish(self, bytes: usize) {
        let shard = &self.watching.shard;
        shard.delivered.fetch_add(self.delivered, Relaxed);
        shard.bytes.fetch_add(bytes as u64, Relaxed);
        shard.reads.fetch_add(1, Relaxed);
    }
}

/// One read into the thread's buffer, handed to `take` before anything else can run on the thread.
async fn read_some(
    stream: &mut TcpStream,
    buffer: &RefCell<Box<[u8]>>,
    mut take: impl FnMut(&[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    std::future::poll_fn(|context| {
        let mut buffer = buffer.borrow_mut();
        let mut space = ReadBuf::new(&mut buffer);
        if let Err(error) = ready!(Pin::new(&mut *stream).poll_read(context, &mut space)) {
            return Poll::Ready(Err(error.into()));
        }
        if space.filled().is_empty() {
            return Poll::Ready(Err(anyhow!("connection ended without a close frame")));
        }
        Poll::Ready(take(space.filled()))
    })
    .await
}
