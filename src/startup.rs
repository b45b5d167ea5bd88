//! `Application`: the only place that wires things together, and the order in which a node starts and stops.

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use actix::{Arbiter, ArbiterHandle};
use actix_web::dev::{Server, ServerHandle};
use actix_web::http::KeepAlive;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{App, HttpServer};
use actors::counts::Counts;
use actors::ports::Bus;
use anyhow::Context as _;
use secrecy::ExposeSecret;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;

use crate::api;
use crate::clients::Outside;
use crate::config::{self, Config};
use crate::context::Context;
use crate::demo;
use crate::figures;
use crate::listener;
use crate::metrics::Metrics;
use crate::service::accounts::SessionCache;
use crate::service::admins::{self, AdminGate, FirstStart};
use crate::service::body_budget::{BodyBudget, BodyLimits};
use crate::service::browse::{self, BrowseCounts};
use crate::service::catalog::Catalog;
use crate::service::draws::Draws;
use crate::service::files::MOST_IMPORTS;
use crate::service::housekeeping;
use crate::service::js_config::TicketDesk;
use crate::service::large_bodies::LargeBodies;
use crate::service::limits::RateLimits;
use crate::service::live::{HistoryReads, InProgress, Rooms, SocketLimits, Sockets, ViewerCache, follow_bus};
use crate::service::lobby::LobbyCache;
use crate::service::outbox;
use crate::service::passwords::Passwords;
use crate::service::picture_quota::Senders;
use crate::service::picture_sweep;
use crate::service::pictures;
use crate::service::queue_watch::QueueWatches;
use crate::service::queues::Queues;
use crate::service::registration::{Streams, Waits};
use crate::service::rich_text::RichText;
use crate::service::sms_budget::SmsBudget;
use crate::service::writability::{self, Writability};
use crate::shutdown::{Phase, Shutdown};
use crate::store::memory::{MemoryBus, MemoryCounts};
use crate::store::redis::{RedisBus, RedisCounts};
use crate::store::sql::chat::SqlChatLog;
use crate::store::sql::data_key;
use crate::store::sql::db::{DatabaseUrl, Db};
use crate::store::sql::quota::SqlQuotaLedger;
use crate::store::sql::{fold_certificates, seal_plain};
use crate::vault::Vault;
use crate::ws::{self, JsonWire};

/// A phase of the stop that takes longer is given up.
const PHASE_LIMIT: Duration = Duration::from_secs(10);
const KEEP_ALIVE: Duration = Duration::from_secs(75);

pub struct Application {
    context: Arc<Context>,
    http: Port,
    chat: Option<Port>,
    internal: Option<Port>,
    /// Held for as long as the server runs.
    _only_server: Option<std::fs::File>,
}

struct Port {
    number: u16,
    server: Server,
}

/// Where the configured database is.
pub fn database_url(config: &Config) -> anyhow::Result<DatabaseUrl> {
    DatabaseUrl::from_str(config.database.url.expose_secret())
        .map_err(|reason| anyhow::anyhow!("database.url: {reason}"))
}

/// A one-time link to the administrators' page. Without `server.public_url` it is for a browser on this machine, with the
/// port that is bound or, on the command line, the configured one. The token stands behind the `#`, where no log has it.
pub fn admin_link(config: &Config, bound: Option<u16>, act: &str, token: &str) -> String {
    let configured = || config.server.bind.parse::<SocketAddr>().map_or(0, |address| address.port());
    let origin = match config.server.public_url.as_str() {
        "" => format!("http://127.0.0.1:{}", bound.unwrap_or_else(configured)),
        url => url.to_owned(),
    };
    format!("{origin}/admin.html#{act}={token}")
}

/// Opens the configured database and brings it to the newest schema.
pub async fn open_database(config: &Config) -> anyhow::Result<Db> {
    let url = database_url(config)?;
    Db::open(&url).await.context("opening the database")
}

/// The keys at work, checked against the database they belong to.
///
/// Errors: keys that are none, another data key than the database was written with.
pub async fn open_vault(config: &Config, db: &Db) -> anyhow::Result<Vault> {
    let vault = vault(config)?;
    data_key::check(db, &vault).await?;
    Ok(vault)
}

fn vault(config: &Config) -> anyhow::Result<Vault> {
    Ok(Vault::new(
        &key(config, "token_key", |config| &config.secrets.token_key)?,
        &key(config, "data_key", |config| &config.secrets.data_key)?,
    ))
}

/// `matchday migrate`.
pub async fn migrate(config: Config) -> anyhow::Result<()> {
    open_database(&config).await?.close().await;
    Ok(())
}

impl Application {
    /// Validated config → keys → database, migrated → context → sockets bound. Nothing is served before
    /// `run_until_stopped`. Must be called inside an actix system.
    pub async fn build(mut config: Config) -> anyhow::Result<Self> {
        config::ensure_keys(&mut config).context("secret keys")?;
        match listener::raise_file_limit() {
            Ok(limit) => tracing::info!(limit, "open files"),
            Err(error) => tracing::warn!(%error, "the limit of open files stays as it is"),
        }
        let only_server = only_server(&config)?;
        let db = open_database(&config).await?;
        let vault = vault(&config)?;
        demo::prepare(&db, &vault, &config).await?;
        data_key::check(&db, &vault).await?;
        seal_plain::run(&database_url(&config)?, &db, &vault).await?;
        fold_certificates::run(&db, &vault).await?;
        let bus = bus(&config)?;
        let arbiters = arbiters();
        let mut ledger = SqlQuotaLedger::new(db.clone(), config.reg.payment_window_seconds);
        if config.limits.enabled {
            ledger = ledger.with_open_places(i64::from(config.reg.max_open_places_per_account));
        }
        let queues = Queues::new(arbiters.clone(), Arc::new(ledger), bus.clone());
        let log = Arc::new(SqlChatLog { db: db.clone() });
        let wire = JsonWire { public_url: config.server.public_url.clone() };
        let rooms = Rooms::new(log, bus.clone(), Arc::new(wire), arbiters);
        let sockets = Sockets::new(SocketLimits::from_config(&config), rooms.node());
        let catalog = Catalog::default();
        catalog.reload(&db).await.context("reading the games")?;
        let context = Arc::new(Context {
            limits: RateLimits::new(&config, counts(&config)?, vault.clone(), db.clone()),
            db,
            vault,
            bus,
            queues,
            waits: Waits::default(),
            catalog,
            browse: BrowseCounts::default(),
            bodies: BodyBudget::new(BodyLimits::from_config(&config)),
            rooms,
            sockets,
            in_progress: InProgress::default(),
            histories: HistoryReads::default(),
            ticket_desk: TicketDesk::default(),
            viewers: ViewerCache::default(),
            pictures: pictures::room(),
            picture_senders: Senders::default(),
            imports: Arc::new(Semaphore::new(MOST_IMPORTS)),
            large_bodies: LargeBodies::default(),
            rich_text: RichText::default(),
            metrics: Metrics::new()?,
            shutdown: Shutdown::default(),
            admin_gate: AdminGate::default(),
            lobby: LobbyCache::default(),
            streams: Streams::default(),
            draws: Draws::default(),
            outside: Outside::from_config(&config)?,
            sessions: SessionCache::new(),
            passwords: Passwords::default(),
            writability: Writability::new(config.database.write_check_seconds),
            sms_budget: SmsBudget::default(),
            config,
        });
        figures::register(&context)?;
        let config = &context.config;
        let http = serve(&context, "http", &config.server.bind, api::routes)?;
        let chat = serve_optional(&context, "chat", &config.chat.bind, api::chat_routes)?;
        let mut own_address: SocketAddr = config.server.bind.parse()?;
        own_address.set_port(http.number);
        context.outside.set_own_address(own_address);
        let internal = serve_optional(&context, "internal", &config.internal.bind, api::internal_routes)?;
        let application = Self { http, chat, internal, context, _only_server: only_server };
        application.start_loops();
        application.greet_first_administrator().await?;
        let context = &application.context;
        context.shutdown.spawn(outbox::run(context.clone()));
        Ok(application)
    }

    /// What goes on without a client calling: the sweep of all lines, the games' rules, tidying.
    fn start_loops(&self) {
        let shutdown = &self.context.shutdown;
        let context = self.context.clone();
        shutdown.spawn(async move { context.queues.run(&context.db, context.bus.as_ref()).await });
        let context = self.context.clone();
        shutdown.spawn(async move { housekeeping::run(&context).await });
        let context = self.context.clone();
        shutdown.spawn(async move { browse::run(&context).await });
        let context = self.context.clone();
        shutdown.spawn(async move { writability::run(&context).await });
        let context = self.context.clone();
        shutdown.spawn(async move { picture_sweep::run(&context).await });
        let context = self.context.clone();
        shutdown.on(Phase::Background, "openings", move || async move { browse::flush(&context).await });
        shutdown.spawn(follow_bus(self.context.clone()));
        let watches = Arc::new(QueueWatches::new(Arc::downgrade(&self.context)));
        self.context.rooms.set_queue_watch(watches.clone());
        shutdown.spawn(async move { watches.run().await });
        let context = self.context.clone();
        shutdown.on(Phase::Sockets, "sockets", move || async move { ws::close_all(&context) });
        let context = self.context.clone();
        shutdown.on(Phase::Queues, "lines", move || async move { context.queues.drain().await });
    }

    async fn greet_first_administrator(&self) -> anyhow::Result<()> {
        if let FirstStart::Link(token) = admins::first_start(&self.context).await? {
            let link = admin_link(&self.context.config, Some(self.port()), "setup", &token);
            // On standard output and not in the log: logs are kept and copied.
            println!(
                "No administrator yet. This link sets the first password; it works once, for 24 hours, until another \
                 administrator is made or the server starts again:\n{link}"
            );
        }
        Ok(())
    }

    pub fn port(&self) -> u16 {
        self.http.number
    }

    pub fn chat_port(&self) -> Option<u16> {
        self.chat.as_ref().map(|port| port.number)
    }

    pub fn internal_port(&self) -> Option<u16> {
        self.internal.as_ref().map(|port| port.number)
    }

    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// SIGTERM and SIGINT ask for the stop.
    pub fn stop_on_signals(&self) -> anyhow::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let context = self.context.clone();
        actix_rt::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            context.shutdown.request();
        });
        Ok(())
    }

    /// Serves until `Context::shutdown` is asked to stop, then stops in order. Errors: a server ended by itself.
    pub async fn run_until_stopped(self) -> anyhow::Result<()> {
        let context = self.context;
        tracing::info!(port = self.http.number, "ready");
        let mut handles = Vec::new();
        let mut running = tokio::task::JoinSet::new();
        let ports = [Some(self.http), self.chat, self.internal];
        for port in ports.into_iter().flatten() {
            handles.push(port.server.handle());
            running.spawn_local(port.server);
        }
        let failed = tokio::select! {
            () = context.shutdown.requested() => None,
            Some(ended) = running.join_next() => Some(ended),
        };
        stop(&context, &handles).await;
        match failed {
            Some(Ok(Err(error))) => Err(error).context("a server failed"),
            Some(Err(error)) => Err(error).context("a server panicked"),
            Some(Ok(Ok(()))) => anyhow::bail!("a server ended by itself"),
            None => Ok(()),
        }
    }
}

async fn stop(context: &Context, handles: &[ServerHandle]) {
    tracing::info!("stopping");
    let shutdown = &context.shutdown;
    shutdown.begin();
    shutdown.run(Phase::Queues, PHASE_LIMIT).await;
    // Connections are still taken, so that who balances the load can see the red light and look elsewhere.
    tokio::time::sleep(Duration::from_secs(context.config.server.drain_seconds)).await;
    shutdown.run(Phase::Sockets, PHASE_LIMIT).await;
    futures_util::future::join_all(handles.iter().map(|handle| handle.stop(true))).await;
    shutdown.run(Phase::Background, PHASE_LIMIT).await;
    context.db.close().await;
    tracing::info!("stopped");
}

/// A SQLite file belongs to one server: the lines of two would not hear of each other. The lock ends with the process,
/// however it ends. Nodes that are joined through Redis know what they do.
fn only_server(config: &Config) -> anyhow::Result<Option<std::fs::File>> {
    let DatabaseUrl::Sqlite(path) = database_url(config)? else { return Ok(None) };
    if !config.redis.url.expose_secret().is_empty() {
        return Ok(None);
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let file = std::fs::File::create(path.with_extension("lock"))?;
    file.try_lock().with_context(|| format!("another server uses {}", path.display()))?;
    Ok(Some(file))
}

/// One node tells nobody; several tell each other through Redis.
fn bus(config: &Config) -> anyhow::Result<Arc<dyn Bus>> {
    Ok(match config.redis.url.expose_secret() {
        "" => Arc::new(MemoryBus::default()),
        url => Arc::new(RedisBus::start(url).context("redis.url")?),
    })
}

/// One node counts tries by itself; several count them together in Redis.
fn counts(config: &Config) -> anyhow::Result<Arc<dyn Counts>> {
    let patience = Duration::from_millis(config.redis.count_wait_milliseconds);
    Ok(match config.redis.url.expose_secret() {
        "" => Arc::new(MemoryCounts::default()),
        url => Arc::new(RedisCounts::start(url, patience).context("redis.url")?),
    })
}

/// The threads that lines and rooms live on, apart from those that serve HTTP.
fn arbiters() -> Vec<ArbiterHandle> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    (0..threads).map(|_| Arbiter::new().handle()).collect()
}

fn key(config: &Config, name: &str, of: impl Fn(&Config) -> &secrecy::SecretString) -> anyhow::Result<[u8; 32]> {
    let mut key = [0; 32];
    hex::decode_to_slice(of(config).expose_secret(), &mut key)
        .map_err(|_| anyhow::anyhow!("secrets.{name}: must be 64 hex digits"))?;
    Ok(key)
}

fn serve_optional(
    context: &Arc<Context>,
    name: &'static str,
    address: &str,
    routes: fn(&mut ServiceConfig),
) -> anyhow::Result<Option<Port>> {
    if address.is_empty() {
        return Ok(None);
    }
    serve(context, name, address, routes).map(Some)
}

fn serve(
    context: &Arc<Context>,
    name: &'static str,
    address: &str,
    routes: fn(&mut ServiceConfig),
) -> anyhow::Result<Port> {
    let settings = &context.config.server;
    let workers = match (name, settings.workers) {
        ("internal", _) => 1,
        (_, 0) => std::thread::available_parallelism().map_or(1, usize::from),
        (_, workers) => workers,
    };
    let address: SocketAddr = address.parse().with_context(|| format!("{name}.bind: {address}"))?;
    let socket = listener::listen(address).with_context(|| format!("binding {name} to {address}"))?;
    let number = socket.local_addr()?.port();
    let shared = context.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::from(shared.clone()))
            .wrap(from_fn(api::observe::observe))
            .configure(routes)
            .default_service(web::to(api::problem::not_found))
    })
    .workers(workers)
    .max_connections(settings.max_connections.div_ceil(workers))
    .keep_alive(KeepAlive::Timeout(KEEP_ALIVE))
    .shutdown_timeout(settings.shutdown_timeout_seconds)
    .disable_signals()
    .listen(socket)
    .with_context(|| format!("serving {name}"))?
    .run();
    Ok(Port { number, server })
}
