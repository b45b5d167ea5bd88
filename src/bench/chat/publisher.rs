//! Sockets that publish: they send lines when they are due, late ones at once, and count echoes and refusals.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::JoinSet;

use super::args::ChatArgs;
use super::greeting::Greeting;
use super::stamp::{Clock, LineReader, append_content, contains};
use super::websocket::{self, FrameReader, PING, PONG, TEXT};
use crate::bench::report::Latency;
use crate::bench::target::Target;

/// Bytes of late lines that leave in one write.
const WRITE_BYTES: usize = 64 << 10;
const READ_BYTES: usize = 64 << 10;

/// What came back to the publishers.
pub struct Echoes {
    /// Own lines that the server said are saved.
    pub saved: AtomicU64,
    /// Lines of the other publishers.
    pub received: AtomicU64,
    pub refused: AtomicU64,
    pub ended: AtomicU64,
    pub latency: Mutex<Latency>,
    pub refusals: Mutex<BTreeMap<String, u64>>,
}

type Writer = Arc<tokio::sync::Mutex<OwnedWriteHalf>>;

struct Publisher {
    writer: Writer,
    /// A SEND_ALL up to its content.
    before: Vec<u8>,
}

pub struct Publishers {
    publishers: Vec<Publisher>,
    pub echoes: Arc<Echoes>,
    clock: Clock,
    size: usize,
    /// Ends the reading tasks when dropped.
    _readers: JoinSet<()>,
}

/// How many lines to publish and when the first is due.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    pub start: Instant,
    pub rate: f64,
    pub lines: u64,
}

impl Schedule {
    pub fn new(rate: f64, length: Duration) -> Self {
        // Rates and lengths are bounded by the options, so that the product is a small whole number.
        let lines = (rate * length.as_secs_f64()).round().max(1.0) as u64;
        Self { start: Instant::now(), rate, lines }
    }

    fn due(&self, line: u64) -> Instant {
        self.start + Duration::from_secs_f64(line as f64 / self.rate)
    }
}

impl Publishers {
    /// Opens one socket for each of `sessions` and waits until it is welcomed.
    pub async fn open(args: &ChatArgs, target: &Target, sessions: &[String], clock: Clock) -> anyhow::Result<Self> {
        let echoes = Arc::new(Echoes {
            saved: AtomicU64::new(0),
            received: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            latency: Mutex::new(Latency::new()?),
            refusals: Mutex::new(BTreeMap::new()),
        });
        let (mut publishers, mut readers) = (Vec::new(), JoinSet::new());
        let limit = Duration::from_secs(args.common.timeout_seconds);
        for session in sessions {
            let opened = websocket::open(target, &args.path, 0, limit).await?;
            let (reader, writer) = opened.stream.into_split();
            let writer = Arc::new(tokio::sync::Mutex::new(writer));
            let mut reading = Reading {
                reader,
                writer: Arc::clone(&writer),
                frames: FrameReader::default(),
                lines: LineReader::default(),
                echoes: Arc::clone(&echoes),
                clock,
            };
            let room = args.room;
            let login = format!(r#"{{"type":"LOGIN","room_id":"{room}","token":"{session}"}}"#);
            let mut out = Vec::new();
            websocket::append(&mut out, TEXT, rand::random(), login.as_bytes());
            writer.lock().await.write_all(&out).await.context("LOGIN of a publisher")?;
            let welcomed = tokio::time::timeout(limit, reading.until_welcome(&opened.rest));
            welcomed.await.context("a publisher got no WELCOME in time")??;
            readers.spawn(reading.run());
            let before = format!(r#"{{"type":"SEND_ALL","room_id":"{room}","token":"{session}","content":""#);
            publishers.push(Publisher { writer, before: before.into_bytes() });
        }
        Ok(Self { publishers, echoes, clock, size: usize::try_from(args.size)?, _readers: readers })
    }

    /// How long lines took to be saved, since the last call.
    pub fn take_latency(&self) -> anyhow::Result<Latency> {
        let mut latency = self.echoes.latency.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::replace(&mut *latency, Latency::new()?))
    }

    /// Refusals since the last call.
    pub fn take_refusals(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut *self.echoes.refusals.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Publishes the schedule's lines, dealt out in turn; returns how many left.
    pub async fn publish(&self, schedule: Schedule) -> anyhow::Result<u64> {
        let count = self.publishers.len() as u64;
        let each = (0_u64..)
            .zip(&self.publishers)
            .map(|(first, publisher)| self.publish_one(publisher, schedule, first, count));
        let sent = futures_util::future::try_join_all(each).await?;
        Ok(sent.into_iter().sum())
    }

    async fn publish_one(
        &self,
        publisher: &Publisher,
        schedule: Schedule,
        first: u64,
        step: u64,
    ) -> anyhow::Result<u64> {
        let (mut out, mut message) = (Vec::new(), Vec::new());
        let (mut line, mut sent) = (first, 0);
        while line < schedule.lines {
            let due = schedule.due(line);
            let waits = due > Instant::now();
            if (waits && !out.is_empty()) || out.len() >= WRITE_BYTES {
                let write = async { publisher.writer.lock().await.write_all(&out).await };
                write.await.context("a publisher's socket broke")?;
                out.clear();
            }
            if waits {
                tokio::time::sleep_until(due.into()).await;
            }
            message.clear();
            message.extend_from_slice(&publisher.before);
            append_content(&mut message, self.clock.at(due), self.size);
            message.extend_from_slice(br#""}"#);
            websocket::append(&mut out, TEXT, rand::random(), &message);
            line += step;
            sent += 1;
        }
        let write = async { publisher.writer.lock().await.write_all(&out).await };
        write.await.context("a publisher's socket broke")?;
        Ok(sent)
    }
}

struct Reading {
    reader: OwnedReadHalf,
    writer: Writer,
    frames: FrameReader,
    lines: LineReader,
    echoes: Arc<Echoes>,
    clock: Clock,
}

#[derive(Deserialize, Default)]
struct Refusal {
    #[serde(default)]
    code: i64,
    #[serde(default)]
    msg: String,
}

impl Reading {
    async fn until_welcome(&mut self, rest: &[u8]) -> anyhow::Result<()> {
        let mut greeting = Greeting::default();
        self.frames.feed(rest, |opcode, payload| greeting.look(opcode, payload))?;
        let mut buffer = vec![0; READ_BYTES];
        while greeting.answer()?.is_none() {
            let read = self.reader.read(&mut buffer).await?;
            ensure!(read > 0, "the server closed a publisher's socket");
            self.frames.feed(&buffer[..read], |opcode, payload| greeting.look(opcode, payload))?;
        }
        Ok(())
    }

    async fn run(mut self) {
        let mut buffer = vec![0; READ_BYTES];
        let mut answers = Vec::new();
        loop {
            let read = match self.reader.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(read) => read,
            };
            if self.take(&buffer[..read], &mut answers).is_err() {
                break;
            }
            if !answers.is_empty() && self.writer.lock().await.write_all(&answers).await.is_err() {
                break;
            }
            answers.clear();
        }
        self.echoes.ended.fetch_add(1, Relaxed);
    }

    fn take(&mut self, bytes: &[u8], answers: &mut Vec<u8>) -> anyhow::Result<()> {
        let Self { frames, lines, echoes, clock, .. } = self;
        let now = clock.now();
        frames.feed(bytes, |opcode, payload| match opcode {
            TEXT => echoes.take(payload, lines, now),
            PING => websocket::append(answers, PONG, 0, payload),
            _ => {}
        })
    }
}

impl Echoes {
    fn take(&self, payload: &[u8], lines: &mut LineReader, now: u64) {
        if let Some(line) = lines.read(payload) {
            if contains(payload, br#""myself":true"#) {
                self.saved.fetch_add(1, Relaxed);
                let mut latency = self.latency.lock().unwrap_or_else(PoisonError::into_inner);
                latency.record_microseconds(now.saturating_sub(line.due));
            } else {
                self.received.fetch_add(1, Relaxed);
            }
            return;
        }
        if contains(payload, br#""ERROR""#) {
            let Refusal { code, msg } = serde_json::from_slice(payload).unwrap_or_default();
            self.refused.fetch_add(1, Relaxed);
            let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
            *refusals.entry(format!("{code} {msg}")).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_due_evenly() {
        let schedule = Schedule::new(50.0, Duration::from_secs(2));
        assert_eq!(schedule.lines, 100);
        assert_eq!(schedule.due(0), schedule.start);
        assert_eq!(schedule.due(50), schedule.start + Duration::from_secs(1));
    }

    #[test]
    fn echoes_refusals_and_lines_of_others_are_told_apart() {
        let echoes = Echoes {
            saved: AtomicU64::new(0),
            received: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            latency: Mutex::new(Latency::new().unwrap()),
            refusals: Mutex::new(BTreeMap::new()),
        };
        let mut lines = LineReader::default();
        let mut content = Vec::new();
        append_content(&mut content, 1000, 40);
        let content = String::from_utf8(content).unwrap();
        for (text, now) in [
            (format!(r#"{{"content":"{content}","myself":true,"offset":1}}"#), 3000),
            (format!(r#"{{"content":"{content}","myself":false,"offset":2}}"#), 3000),
            (r#"{"type":"ERROR","code":10010,"msg":"too fast"}"#.to_owned(), 0),
            (r#"{"type":"ONLINE","ONLINE":7}"#.to_owned(), 0),
        ] {
            echoes.take(text.as_bytes(), &mut lines, now);
        }
        assert_eq!((echoes.saved.load(Relaxed), echoes.received.load(Relaxed)), (1, 1));
        assert_eq!(echoes.latency.lock().unwrap().max_milliseconds(), 2.0);
        assert_eq!(echoes.refusals.lock().unwrap()["10010 too fast"], 1);
    }
}
