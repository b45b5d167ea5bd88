//! What lines, rooms, sockets, the bus and the SQLite writer tell of themselves, read at the moment of a scrape: for
//! Prometheus as a collector, for `/debug/actors` as JSON. Reads memory only and asks no actor.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use actors::quota_queue::messages::QueueRow;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts};
use serde_json::{Value, json};

use crate::context::Context;
use crate::service::sms_budget::Budget;

type OfRow = fn(&QueueRow) -> i64;

const LINES: [(&str, &str, OfRow); 6] = [
    ("matchday_line_head", "Last sequence number decided", |row| row.head),
    ("matchday_line_tail", "Last sequence number handed out", |row| row.tail),
    ("matchday_line_waiting", "Tokens that wait for their decision", |row| (row.tail - row.head).max(0)),
    ("matchday_line_balance", "Places that can be taken now", |row| row.quota.balance),
    ("matchday_line_held", "Places of orders that wait for their payment", |row| row.quota.held),
    ("matchday_line_sold", "Places of paid orders", |row| row.quota.sold),
];

/// Registers everything with the context's metrics.
pub fn register(context: &Arc<Context>) -> prometheus::Result<()> {
    let metrics = &context.metrics;
    metrics.registry.register(Box::new(Figures::new(context)?))?;
    let show = |name, of: fn(&Context) -> Value| {
        let context = Arc::downgrade(context);
        metrics.inspect(name, move || context.upgrade().map_or(Value::Null, |context| of(&context)));
    };
    show("lines", lines);
    show("rooms", rooms);
    show("sockets", |context| json!({"open": context.sockets.count(), "queue_watches": queue_watches(context)}));
    show("bus", |context| json!({"alone": context.bus.is_single_node(), "dropped": context.bus.dropped()}));
    show("bodies", |context| json!({"bytes": context.bodies.bytes()}));
    show("database", |context| json!({"writer_queue": context.db.writer_queue()}));
    Ok(())
}

fn lines(context: &Context) -> Value {
    let mut views = context.queues.all_views();
    views.sort_by_key(|(game, _)| game.0);
    let line = |row: QueueRow| {
        json!({
            "state": row.state.name(), "version": row.version, "head": row.head, "tail": row.tail,
            "limitation": row.quota.limitation, "balance": row.quota.balance, "held": row.quota.held,
            "sold": row.quota.sold,
        })
    };
    let all = views.into_iter().map(|(game, view)| {
        json!({
            "game": game.0, "row": view.row().map(line), "waiting": view.waiting(), "decided": view.decided_here(),
            "rate_per_second": view.rate_per_second(),
        })
    });
    all.collect()
}

fn rooms(context: &Context) -> Value {
    let all = context.rooms.on_this_node().into_iter().map(|(room, here)| {
        json!({"room": room.0, "connections": here.connections, "users": here.users, "guests": here.guests})
    });
    all.collect()
}

fn queue_watches(context: &Context) -> usize {
    context.rooms.queue_watch().map_or(0, |watch| watch.watched())
}

struct Figures {
    context: Weak<Context>,
    /// Two scrapes at a time would empty each other's families.
    families: Mutex<Families>,
    descriptions: Vec<Desc>,
}

struct Families {
    lines: Vec<(IntGaugeVec, OfRow)>,
    decided: IntCounterVec,
    room_connections: IntGaugeVec,
    room_users: IntGaugeVec,
    room_guests: IntGaugeVec,
    sockets: IntGauge,
    watches: IntGauge,
    /// Only with a bus that leaves the process.
    dropped: Option<IntCounter>,
    /// Only with SQLite.
    writer_queue: Option<IntGauge>,
    /// Only with counts that nodes share.
    limits: Option<(IntGauge, IntCounter)>,
    sms_refused: IntCounterVec,
}

impl Figures {
    fn new(context: &Arc<Context>) -> prometheus::Result<Self> {
        let gauges = |name: &str, help: &str, label: &str| IntGaugeVec::new(Opts::new(name, help), &[label]);
        let mut lines = Vec::with_capacity(LINES.len());
        for (name, help, of) in LINES {
            lines.push((gauges(name, help, "game")?, of));
        }
        let decided = Opts::new("matchday_line_decided_total", "Tokens decided by this node");
        let room = |name: &str, help: &str| gauges(name, help, "room");
        let dropped = || IntCounter::new("matchday_bus_dropped_total", "Messages to other nodes that were dropped");
        let waiting = || IntGauge::new("matchday_sqlite_writer_queue", "Writes that wait for the writer");
        let limits = || {
            let shared = "1: limits are counted over all nodes; 0: Redis is away and this node counts alone";
            let changes = IntCounter::new("matchday_limits_shared_changes_total", "Times that this changed")?;
            prometheus::Result::Ok((IntGauge::new("matchday_limits_shared", shared)?, changes))
        };
        let sms_refused =
            Opts::new("matchday_sms_refused_total", "Codes refused because the budget of all was used up");
        let families = Families {
            lines,
            decided: IntCounterVec::new(decided, &["game"])?,
            room_connections: room("matchday_room_connections", "Connections in a room of this node")?,
            room_users: room("matchday_room_users", "Different accounts in a room of this node")?,
            room_guests: room("matchday_room_guests", "Connections without an account in a room of this node")?,
            sockets: IntGauge::new("matchday_sockets_open", "Open chat sockets")?,
            watches: IntGauge::new("matchday_queue_watches", "Queue tokens that are watched over sockets")?,
            dropped: if context.bus.is_single_node() { None } else { Some(dropped()?) },
            writer_queue: context.db.writer_queue().map(|_| waiting()).transpose()?,
            limits: context.limits.sharing().map(|_| limits()).transpose()?,
            sms_refused: IntCounterVec::new(sms_refused, &["budget"])?,
        };
        let descriptions = families.all().iter().flat_map(|one| one.desc()).cloned().collect();
        Ok(Self { context: Arc::downgrade(context), families: Mutex::new(families), descriptions })
    }
}

impl Families {
    fn all(&self) -> Vec<&dyn Collector> {
        let mut all: Vec<&dyn Collector> = self.lines.iter().map(|(family, _)| family as &dyn Collector).collect();
        all.extend([&self.decided as &dyn Collector, &self.room_connections, &self.room_users, &self.room_guests]);
        all.extend([&self.sockets as &dyn Collector, &self.watches]);
        all.extend(self.dropped.as_ref().map(|one| one as &dyn Collector));
        all.extend(self.writer_queue.as_ref().map(|one| one as &dyn Collector));
        if let Some((shared, changes)) = &self.limits {
            all.extend([shared as &dyn Collector, changes]);
        }
        all.push(&self.sms_refused);
        all
    }

    fn read(&self, context: &Context) {
        self.decided.reset();
        for (family, _) in &self.lines {
            family.reset();
        }
        for (game, view) in context.queues.all_views() {
            let game = game.to_string();
            let Some(row) = view.row() else { continue };
            for (family, of) in &self.lines {
                family.with_label_values(&[&game]).set(of(&row));
            }
            self.decided.with_label_values(&[&game]).inc_by(view.decided_here().unsigned_abs());
        }
        for family in [&self.room_connections, &self.room_users, &self.room_guests] {
            family.reset();
        }
        for (room, here) in context.rooms.on_this_node() {
            let room = room.to_string();
            self.room_connections.with_label_values(&[&room]).set(here.connections);
            self.room_users.with_label_values(&[&room]).set(here.users);
            self.room_guests.with_label_values(&[&room]).set(here.guests);
        }
        self.sockets.set(context.sockets.count() as i64);
        self.watches.set(queue_watches(context) as i64);
        if let Some(dropped) = &self.dropped {
            dropped.reset();
            dropped.inc_by(context.bus.dropped());
        }
        if let (Some(family), Some(waiting)) = (&self.writer_queue, context.db.writer_queue()) {
            family.set(waiting as i64);
        }
        if let (Some((shared, changes)), Some(sharing)) = (&self.limits, context.limits.sharing()) {
            shared.set(sharing.shared.into());
            changes.reset();
            changes.inc_by(sharing.changes);
        }
        self.sms_refused.reset();
        for budget in Budget::ALL {
            self.sms_refused.with_label_values(&[budget.name()]).inc_by(context.sms_budget.refused(budget));
        }
    }
}

impl Collector for Figures {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let families = self.families.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(context) = self.context.upgrade() {
            families.read(&context);
        }
        families.all().iter().flat_map(|one| one.collect()).collect()
    }
}
