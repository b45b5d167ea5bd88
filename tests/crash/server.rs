//! The real program as a process of its own, which can be killed.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::{ADMIN, eventually};

pub struct Server {
    child: Child,
    pub url: String,
    pub ws_url: String,
    log: PathBuf,
}

/// A port that was free a moment ago; the same one serves all lives of a server, so that clients come back to it.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn program(folder: &Path, command: &str) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_matchday"));
    program
        .args([
            command,
            "--chat-bind",
            "",
            "--internal-bind",
            "",
            "--demo",
            "false",
            "--log-level",
            "warn",
            "--data-dir",
        ])
        .arg(folder)
        .env("MATCHDAY_ENV", "development")
        .env("MATCHDAY__LIMITS__ENABLED", "false")
        .env("MATCHDAY__ADMIN__PASSWORD", ADMIN.1)
        .current_dir(folder)
        .stdin(Stdio::null());
    program
}

/// Brings the database in `folder` into being.
pub fn migrate(folder: &Path) {
    let output = program(folder, "migrate").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

impl Server {
    /// Starts a life on `folder` and waits until it is ready. `life` names its log.
    pub async fn start(folder: &Path, port: u16, life: u32) -> Self {
        let log = folder.join(format!("life-{life}.log"));
        let output = File::create(&log).unwrap();
        let child = program(folder, "serve")
            .args(["--bind", &format!("127.0.0.1:{port}")])
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let mut server =
            Self { child, url: format!("http://127.0.0.1:{port}"), ws_url: format!("ws://127.0.0.1:{port}/ws"), log };
        let client = reqwest::Client::new();
        let ready = format!("{}/readyz", server.url);
        eventually("the server is ready", async || {
            if let Some(status) = server.child.try_wait().unwrap() {
                panic!("the server ended with {status}:\n{}", std::fs::read_to_string(&server.log).unwrap());
            }
            client.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
        server
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A failing test must not leave a server behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
