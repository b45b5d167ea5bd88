//! The real program as a process of its own, which can be killed.

use std::fs::File;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::TempDir;

use crate::support::{ADMIN, eventually};

/// Short, so that orders end while the load runs.
pub const PAYMENT_WINDOW_SECONDS: u64 = 1;

/// Where all lives of a server are spent: the same data and the same port, so that clients come back to it.
pub struct Home {
    pub folder: TempDir,
    /// Empty: SQLite in the folder.
    postgres_url: String,
    port: u16,
    lives: u32,
    /// Variables for its lives, over those that all homes have.
    pub settings: Vec<(&'static str, &'static str)>,
}

pub struct Server {
    child: Child,
    log: PathBuf,
}

impl Home {
    /// An empty database, migrated.
    pub fn new(postgres_url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let home = Self { folder, postgres_url: postgres_url.to_owned(), port, lives: 0, settings: Vec::new() };
        let output = home.program("migrate").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        home
    }

    pub fn database_url(&self) -> String {
        match self.postgres_url.as_str() {
            "" => format!("sqlite:{}", self.folder.path().join("matchday.db").display()),
            url => url.to_owned(),
        }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn ws_url(&self) -> String {
        format!("ws://127.0.0.1:{}/ws", self.port)
    }

    pub fn program(&self, command: &str) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_matchday"));
        program
            .args([command, "--chat-bind", "", "--internal-bind", "", "--demo", "false", "--log-level", "warn"])
            .args(["--database-url", &self.database_url(), "--data-dir"])
            .arg(self.folder.path())
            .env("MATCHDAY_ENV", "development")
            .env("MATCHDAY__LIMITS__ENABLED", "false")
            .env("MATCHDAY__ADMIN__PASSWORD", ADMIN.1)
            .env("MATCHDAY__REG__PAYMENT_WINDOW_SECONDS", PAYMENT_WINDOW_SECONDS.to_string())
            .env("MATCHDAY__MAIL__PROVIDER", "sandbox")
            .env("MATCHDAY__SSO__CONFIRM_MAIL", "true")
            .envs(self.settings.iter().copied())
            .env_remove("FAILPOINTS")
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        program
    }

    /// Makes a credential for a site of the organiser; answers its key.
    pub fn make_credential(&self, id: &str) -> String {
        let output = self.program("hawk").args(["create", "--class", "official", "--id", id]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout).unwrap();
        said.trim().strip_prefix("key: ").unwrap().to_owned()
    }

    /// Starts the next life; it may end before it is ready. `failpoints` tell it where.
    pub fn start_doomed(&mut self, failpoints: &str) -> Server {
        self.lives += 1;
        let log = self.folder.path().join(format!("life-{}.log", self.lives));
        let output = File::create(&log).unwrap();
        let child = self
            .program("serve")
            .args(["--bind", &format!("127.0.0.1:{}", self.port)])
            .env("FAILPOINTS", failpoints)
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        Server { child, log }
    }

    /// Starts the next life and waits until it is ready.
    pub async fn start(&mut self) -> Server {
        self.start_armed("").await
    }

    /// As `start`, of a life that ends at `failpoints`, which lie behind its start.
    pub async fn start_armed(&mut self, failpoints: &str) -> Server {
        let mut server = self.start_doomed(failpoints);
        matchday::clients::tls::use_ring();
        let client = reqwest::Client::new();
        let ready = format!("{}/readyz", self.url());
        eventually("the server is ready", async || {
            if let Some(status) = server.ended() {
                panic!("the server ended with {status}:\n{}", server.log());
            }
            client.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
        server
    }
}

impl Server {
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Whether it ended where it was told to.
    pub fn died_at(&mut self, point: &str) -> bool {
        let Some(status) = self.ended() else { return false };
        let log = self.log();
        let told = log.lines().any(|line| line == format!("failpoint {point}"));
        assert!(told && status.signal() == Some(libc::SIGABRT), "{point}: the server ended with {status}:\n{log}");
        true
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, as a service is stopped; it must end in order.
    pub async fn stop(&mut self) {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
        eventually("the server stops", async || self.ended().is_some()).await;
        assert!(self.ended().is_some_and(|status| status.success()), "{:?}:\n{}", self.ended(), self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A failing test must not leave a server behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
