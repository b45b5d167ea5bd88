//! The real application on free ports, with a database of its own: SQLite in a temporary folder, or a fresh Postgres
//! database when `TEST_POSTGRES_URL` names a server. It runs in its own thread and stops when the `TestApp` is dropped.

#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use matchday::config::{Config, Sources};
use matchday::context::Context;
use matchday::startup::Application;
use serde_json::Value;
use tempfile::TempDir;

pub mod chat;
pub mod fixtures;
pub mod gateway;
pub mod postgres;
pub mod provider;
pub mod redis_gate;
pub mod registered;

/// The administrator every test server has.
pub const ADMIN: (&str, &str) = ("admin", "admin-password");

/// Longest a test waits for anything. Reaching it is a failure.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct TestApp {
    /// `http://127.0.0.1:PORT`
    pub url: String,
    /// `ws://127.0.0.1:PORT/ws`
    pub ws_url: String,
    /// `ws://127.0.0.1:PORT` of the seed's chat port
    pub chat_url: String,
    /// `http://127.0.0.1:PORT` of the internal port
    pub internal_url: String,
    pub context: Arc<Context>,
    pub client: reqwest::Client,
    ended: mpsc::Receiver<Result<(), String>>,
    /// Kept until the server has ended.
    folder: Option<TempDir>,
}

/// Not a setting: an override of this name chooses the environment.
pub const ENVIRONMENT: &str = "MATCHDAY_ENV";

/// A server with demo data, limits per person switched off, and `overrides` (key, value) on top.
pub async fn spawn_app(overrides: &[(&'static str, &str)]) -> TestApp {
    let folder = tempfile::tempdir().unwrap();
    let database = postgres::Database::create().await;
    let config = test_config(folder.path(), database.as_ref(), overrides);
    start(config, Some(folder), database)
}

/// A server on a data folder that the test keeps, so that it can start a second one on the same database. SQLite only.
pub async fn spawn_app_in(folder: &Path, overrides: &[(&'static str, &str)]) -> TestApp {
    start(test_config(folder, None, overrides), None, None)
}

/// The settings of a test server in a folder, with `overrides` on top.
pub fn test_config(folder: &Path, database: Option<&postgres::Database>, overrides: &[(&'static str, &str)]) -> Config {
    let text = |path: PathBuf| path.into_os_string().into_string().unwrap();
    let mut flags = vec![
        ("server.bind", "127.0.0.1:0".to_owned()),
        ("chat.bind", "127.0.0.1:0".to_owned()),
        ("internal.bind", "127.0.0.1:0".to_owned()),
        ("server.workers", "2".to_owned()),
        ("server.shutdown_timeout_seconds", "1".to_owned()),
        ("data_dir", text(folder.to_owned())),
        ("admin.password", ADMIN.1.to_owned()),
        ("limits.enabled", "false".to_owned()),
        ("demo", "true".to_owned()),
    ];
    if let Some(database) = database {
        flags.push(("database.url", database.url.clone()));
    }
    // Written out, for some tests have a proxy before them.
    let environment = overrides.iter().rfind(|(key, _)| *key == ENVIRONMENT).map_or("development", |(_, name)| *name);
    for (key, value) in overrides.iter().filter(|(key, _)| *key != ENVIRONMENT) {
        flags.push((key, (*value).to_owned()));
    }
    let sources = Sources {
        environment: Some(environment.to_owned()),
        config_dir: Some(folder.to_owned()),
        variables: Vec::new(),
        flags: flags.into_iter().map(|(key, value)| ("test", key, value)).collect(),
    };
    match sources.load() {
        Ok(loaded) => loaded.config,
        Err(faults) => panic!("{faults}"),
    }
}

fn start(config: Config, folder: Option<TempDir>, database: Option<postgres::Database>) -> TestApp {
    let (started, ready) = mpsc::channel();
    let (report, ended) = mpsc::channel();
    std::thread::spawn(move || {
        let outcome = actix_rt::System::new().block_on(async move {
            let application = Application::build(config).await.map_err(|error| format!("{error:#}"))?;
            let ports = (application.port(), application.chat_port(), application.internal_port());
            let _ = started.send((application.context().clone(), ports));
            let outcome = application.run_until_stopped().await;
            if let Some(database) = database {
                database.drop().await;
            }
            outcome.map_err(|error| format!("{error:#}"))
        });
        let _ = report.send(outcome);
    });
    let Ok((context, (port, chat, internal))) = ready.recv() else {
        panic!("the server did not start: {:?}", ended.recv());
    };
    TestApp {
        url: format!("http://127.0.0.1:{port}"),
        ws_url: format!("ws://127.0.0.1:{port}/ws"),
        chat_url: format!("ws://127.0.0.1:{}", chat.unwrap_or_default()),
        internal_url: format!("http://127.0.0.1:{}", internal.unwrap_or_default()),
        context,
        client: reqwest::Client::new(),
        ended,
        folder,
    }
}

impl TestApp {
    /// `url` and a path.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(self.at(path)).send().await.unwrap()
    }

    /// What an administrator reads at a path, as JSON.
    pub async fn get_as(&self, path: &str, admin: &str) -> Value {
        self.client.get(self.at(path)).bearer_auth(admin).send().await.unwrap().json().await.unwrap()
    }

    /// The bearer token of `ADMIN`, an owner.
    pub async fn admin_token(&self) -> String {
        let body = serde_json::json!({"username": ADMIN.0, "password": ADMIN.1});
        let answer = self.client.post(self.at("/admin/api/v1/login")).json(&body).send().await.unwrap();
        let session: Value = answer.json().await.unwrap();
        session["token"].as_str().unwrap().to_owned()
    }

    /// Stops the server in order and waits for its end. The database stays in the folder.
    pub async fn stop(mut self) -> Option<TempDir> {
        self.context.shutdown.request();
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let ended = std::mem::replace(&mut self.ended, mpsc::channel().1);
        std::thread::spawn(move || sender.send(ended.recv_timeout(PATIENCE)));
        receiver.await.unwrap().unwrap().unwrap();
        self.folder.take()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.context.shutdown.request();
        // Its files and its database go only after it; a test that fails must not wait long.
        let _ = self.ended.recv_timeout(Duration::from_secs(5));
    }
}

/// Waits until `condition` holds, and panics with `what` when it does not in time.
pub async fn eventually<F>(what: &str, mut condition: F)
where
    F: AsyncFnMut() -> bool,
{
    let start = Instant::now();
    while !condition().await {
        assert!(start.elapsed() < PATIENCE, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
