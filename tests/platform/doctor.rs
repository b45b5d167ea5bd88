//! `matchday doctor`: a table of what is broken and the words for it; and that it changes nothing and tells no secret.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use matchday::args;
use matchday::config::Config;
use matchday::doctor::{self, Report};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::fixtures::execute;
use crate::support::{ENVIRONMENT, spawn_app, spawn_app_in, test_config};

fn config(folder: &Path, overrides: &[(&'static str, &str)]) -> Config {
    test_config(folder, None, overrides)
}

async fn examined(folder: &Path, overrides: &[(&'static str, &str)]) -> Report {
    doctor::examine(config(folder, overrides)).await
}

/// Fails unless one line begins and goes on with these.
fn says(report: &Report, verdict: &str, words: &str) {
    let text = report.to_string();
    let said = text.lines().any(|line| line.starts_with(verdict) && line.contains(words));
    assert!(said, "no line {verdict} … {words} in\n{text}");
    assert_eq!(report.has_wrong(), text.lines().any(|line| line.starts_with("WRONG")), "{text}");
}

/// Every file of a folder with its bytes, mode and time.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>, u32, std::time::SystemTime)> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let about = fs::metadata(&path).unwrap();
            let bytes = if about.is_dir() { Vec::new() } else { fs::read(&path).unwrap() };
            (path.display().to_string(), bytes, about.permissions().mode(), about.modified().unwrap())
        })
        .collect();
    found.sort();
    found
}

/// A folder that a server has used and left.
async fn used(folder: &Path) {
    spawn_app_in(folder, &[]).await.stop().await;
}

#[actix_web::test]
async fn a_folder_that_nothing_is_in_is_fine_and_stays_empty() {
    let folder = tempfile::tempdir().unwrap();
    let report = examined(folder.path(), &[]).await;
    assert!(!report.has_wrong(), "{report}");
    says(&report, "OK", "keys: token_key in data_dir is not there yet; the first start makes it");
    says(&report, "OK", "matchday.db is not there yet; the first start makes it");
    says(&report, "OK", "server.bind: 127.0.0.1:0 is free");
    assert_eq!(contents(folder.path()), []);
}

#[actix_web::test]
async fn a_database_that_was_used_is_looked_at_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    used(folder.path()).await;
    let before = contents(folder.path());
    let report = examined(folder.path(), &[]).await;
    assert!(!report.has_wrong(), "{report}");
    says(&report, "OK", "database: it answers, and its schema is this version's");
    says(&report, "OK", "keys: the data key is the one of this database");
    assert_eq!(contents(folder.path()), before);
}

#[actix_web::test]
async fn a_server_that_runs_is_recognised() {
    let folder = tempfile::tempdir().unwrap();
    let app = spawn_app_in(folder.path(), &[]).await;
    let address = |url: &str| url.split_once("://").unwrap().1.trim_end_matches("/ws").to_owned();
    let (bind, internal) = (address(&app.url), address(&app.internal_url));
    let report = examined(
        folder.path(),
        &[("server.bind", &bind), ("internal.bind", &internal), ("server.public_url", &app.url)],
    )
    .await;
    assert!(!report.has_wrong(), "{report}");
    says(&report, "OK", &format!("server.bind: a matchday listens on {bind} now"));
    says(&report, "OK", &format!("internal.bind: a matchday listens on {internal} now"));
    says(&report, "OK", "database: a server has it open now");
    says(&report, "OK", "a matchday answers at server.public_url");
    // The server is none the worse for it.
    assert_eq!(app.get("/readyz").await.status(), 200);
}

#[actix_web::test]
async fn postgres_and_redis_are_asked() {
    let Ok(redis) = std::env::var("TEST_REDIS_URL") else { return };
    let app = spawn_app(&[("redis.url", &redis)]).await;
    let report = doctor::examine(app.context.config.clone()).await;
    assert!(!report.has_wrong(), "{report}");
    says(&report, "OK", "redis: it answers");
    says(&report, "OK", "database: it answers, and its schema is this version's");
    says(&report, "OK", "clock: agrees with the database, Redis");
}

#[actix_web::test]
async fn what_is_wrong_with_keys_and_files_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    used(path).await;
    let report = examined(path, &[("secrets.data_key", &"c3d4".repeat(16))]).await;
    says(&report, "WRONG", "keys: the data key is not the one that this database was written with");

    fs::set_permissions(path.join("data_key"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(path.join("matchday.db"), fs::Permissions::from_mode(0o640)).unwrap();
    let report = examined(path, &[]).await;
    says(&report, "WARNING", "keys: data_key in data_dir can be read by other users of this machine: chmod 600");
    says(&report, "WARNING", "matchday.db can be read by other users of this machine: chmod 600");
    fs::write(path.join("token_key"), "12").unwrap();
    says(
        &examined(path, &[]).await,
        "WRONG",
        "keys: token_key in data_dir cannot be used (does not hold 64 hex digits)",
    );

    let file = path.join("data_key").display().to_string();
    says(&examined(path, &[("data_dir", &file)]).await, "WRONG", "is a file. Name a folder");
    let broken = tempfile::tempdir().unwrap();
    fs::write(broken.path().join("matchday.db"), [7; 8192]).unwrap();
    says(
        &examined(broken.path(), &[]).await,
        "WRONG",
        "(error returned from database: (code: 26) file is not a database)",
    );
    let redis = examined(path, &[("redis.url", "redis://127.0.0.1:1")]).await;
    says(&redis, "WARNING", "database: redis.url is for several nodes, and they need Postgres");
}

#[actix_web::test]
async fn what_is_wrong_with_a_schema_is_said() {
    for (change, verdict, words) in [
        (
            "DELETE FROM _sqlx_migrations WHERE version = 9",
            "WARNING",
            "its schema is 1 step(s) older than this version",
        ),
        (
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (999, 'x', 1, x'00', 0)",
            "WRONG",
            "a newer matchday wrote it (step 999)",
        ),
        (
            "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 3",
            "WRONG",
            "step 3 of its schema is not the one",
        ),
        ("UPDATE _sqlx_migrations SET success = 0 WHERE version = 8", "WRONG", "step 8 of its schema"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let app = spawn_app_in(folder.path(), &[]).await;
        execute(&app.context.db, change, args![]).await;
        app.stop().await;
        says(&examined(folder.path(), &[]).await, verdict, words);
    }
}

#[actix_web::test]
async fn production_is_judged_strictly() {
    let folder = tempfile::tempdir().unwrap();
    let app = spawn_app_in(folder.path(), &[]).await;
    app.stop().await;
    let key = fs::read_to_string(folder.path().join("data_key")).unwrap();
    let token = "a1b2".repeat(16);
    let base = [
        (ENVIRONMENT, "production"),
        ("demo", "false"),
        ("secrets.token_key", &token),
        ("secrets.data_key", key.trim()),
        ("reg.identity", "session"),
    ];
    let examined = async |more: &[(&'static str, &str)]| examined(folder.path(), &[&base[..], more].concat()).await;
    let report = examined(&[]).await;
    says(&report, "WRONG", "demo data: the demo's rows, whose keys everybody knows, are in sso_apps, hawk_credentials");
    says(&report, "WARNING", "public address: server.public_url is empty");
    says(&report, "WARNING", "wechat: wechat.provider is none: nobody can sign in by WeChat");
    let report = examined(&[("server.public_url", "http://127.0.0.1:1"), ("internal.bind", "0.0.0.0:0")]).await;
    says(&report, "WARNING", "public address: server.public_url is without TLS");
    says(&report, "WARNING", "server.public_url cannot be reached from this machine (Connection refused");
    says(&report, "WARNING", "internal port: internal.bind can be reached from other machines");
    let report = examined(&[("server.public_url", "https://127.0.0.1:1")]).await;
    says(&report, "WARNING", "proxies: server.public_url has TLS, which a proxy must make");
    let origins = [("server.public_url", "https://127.0.0.1:1"), ("chat.allowed_origins", "https://other.example")];
    says(&examined(&origins).await, "WARNING", "chat: chat.allowed_origins does not have server.public_url in it");
    for network in ["0.0.0.0/0", "::/0"] {
        let report = examined(&[("server.trusted_proxies", network)]).await;
        says(&report, "WRONG", "proxies: server.trusted_proxies takes in the whole world");
    }
}

#[actix_web::test]
async fn mistakes_of_the_set_up_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let keys = ["a1b2".repeat(16), "c3d4".repeat(16)];
    let base = [
        (ENVIRONMENT, "production"),
        ("demo", "false"),
        ("secrets.token_key", &*keys[0]),
        ("secrets.data_key", &*keys[1]),
        ("limits.enabled", "true"),
    ];
    let examined = async |more: &[(&'static str, &str)]| examined(folder.path(), &[&base[..], more].concat()).await;
    let report = examined(&[]).await;
    says(&report, "OK", "limits: what one account or address may do is bounded");
    says(&report, "OK", "chat: only this server's own pages may open it; on the chat port those of its host");
    says(&examined(&[("limits.enabled", "false")]).await, "WARNING", "limits: limits.enabled is false");
    let sms = [
        ("sms.provider", "aliyun"),
        ("sms.base_url", "http://127.0.0.1:1"),
        ("sms.key_id", "k"),
        ("sms.key_secret", "s"),
        ("sms.sign_name", "n"),
        ("sms.code_template", "t"),
        ("sms.per_phone_per_day", "51"),
        ("sms.per_address_per_day", "5001"),
        ("sms.strangers_per_address_per_day", "5002"),
        ("sms.per_day", "500001"),
        ("sms.strangers_per_phone_per_day", "51"),
        ("pictures.free_disk_bytes", "0"),
    ];
    let report = examined(&sms).await;
    for words in [
        "limits: sms.per_phone_per_day is 51: so many short messages",
        "limits: sms.per_address_per_day is 5001: so many short messages",
        "limits: sms.strangers_per_address_per_day is 5002: so many short messages",
        "limits: sms.strangers_per_address_per_day is above sms.per_address_per_day",
        "limits: sms.per_day is 500001: this is the budget",
        "limits: sms.strangers_per_phone_per_day is not below sms.per_phone_per_day",
        "limits: pictures.free_disk_bytes is 0: uploads may fill the disk",
    ] {
        says(&report, "WARNING", words);
    }
    let proxied = [("server.trusted_proxies", "10.0.0.1")];
    says(&examined(&proxied).await, "WARNING", "chat: pages can chat only if the proxy passes on the Host");
    let port = [("chat.bind", "127.0.0.1:19877"), ("chat.allowed_origins", "https://race.example:19877")];
    says(&examined(&port).await, "WARNING", "chat: chat.allowed_origins has an origin with the chat port");
    let spelt = [("server.public_url", "https://127.0.0.1:1"), ("chat.allowed_origins", "https://127.0.0.1:1")];
    says(&examined(&spelt).await, "OK", "chat: pages of the named origins may open it");
    let development = [(ENVIRONMENT, "development"), ("server.trusted_proxies", "10.0.0.1")];
    let report = doctor::examine(config(folder.path(), &development)).await;
    says(&report, "WARNING", "environment: development, but server.trusted_proxies names a proxy: with the sandboxes");
}

#[actix_web::test]
async fn files_of_a_database_that_is_not_there_are_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("matchday.db-wal"), "rows").unwrap();
    let report = examined(folder.path(), &[]).await;
    says(&report, "WRONG", "database: there is no ");
    says(&report, "WRONG", "matchday.db-wal. The server does not start. Move them to that database");
}

/// A program that answers every connection with `answer` and hangs up.
async fn program(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::task::spawn_local(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.read(&mut [0; 4096]).await;
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    address
}

#[actix_web::test]
async fn what_is_wrong_with_ports_and_services_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let examined = async |more: &[(&'static str, &str)]| examined(folder.path(), more).await;
    let stranger = program("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno".to_owned()).await;
    let report = examined(&[("server.bind", &stranger), ("internal.bind", "203.0.113.7:0")]).await;
    says(&report, "WRONG", &format!("server.bind: another program listens on {stranger}. Stop it"));
    says(&report, "WRONG", "internal.bind: this machine has no address 203.0.113.7");
    says(&examined(&[("server.bind", "0.0.0.0:0")]).await, "WARNING", "environment: development, but server.bind");

    let real = [("wechat.provider", "real"), ("wechat.app_id", "wx1"), ("wechat.app_secret", "very-secret-text")];
    let with = |url: &str| {
        [&real[..], &[("wechat.base_url", url)]].concat().iter().map(|(k, v)| (*k, (*v).to_owned())).collect::<Vec<_>>()
    };
    let asked = async |url: &str| {
        let settings = with(url);
        let settings: Vec<(&'static str, &str)> = settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
        examined(&settings).await
    };
    let report = asked("http://127.0.0.1:1").await;
    says(&report, "WRONG", "network: the service of wechat.base_url cannot be reached (Connection refused");
    assert!(!report.to_string().contains("very-secret-text"));
    // Whatever it answers, it is there; its clock is an hour slow.
    let date = (chrono::Utc::now() - chrono::Duration::hours(1)).format("%a, %d %b %Y %H:%M:%S GMT");
    let answer = format!("HTTP/1.1 503 x\r\ndate: {date}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let report = asked(&format!("http://{}", program(answer).await)).await;
    says(&report, "OK", "network: the service of wechat.base_url can be reached");
    says(&report, "WRONG", "clock: the clock of wechat.base_url is 3");
    let smtp = [("mail.provider", "smtp"), ("mail.url", "smtps://127.0.0.1:1"), ("mail.from", "office@example.org")];
    says(
        &examined(&smtp).await,
        "WRONG",
        "mail: the service of mail.url cannot be used (no connection to the mail server)",
    );
}

#[actix_web::test]
async fn databases_that_are_away_are_named_without_their_passwords() {
    let folder = tempfile::tempdir().unwrap();
    let urls = [
        ("database.url", "postgres://owner:very-secret-text@127.0.0.1:1/matchday"),
        ("redis.url", "redis://:very-secret-text@127.0.0.1:1"),
    ];
    let report = examined(folder.path(), &urls).await;
    says(&report, "WRONG", "database: it cannot be opened (Connection refused (os error 111)). Is Postgres running");
    says(&report, "WRONG", "redis: it does not answer (");
    assert!(!report.to_string().contains("very-secret-text"), "{report}");
}

#[test]
fn the_command_ends_with_1_when_something_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let run = |variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_matchday"));
        command.args(["doctor", "--bind", "127.0.0.1:0", "--chat-bind", "", "--internal-bind", "", "--data-dir"]);
        command.arg(folder.path()).current_dir(folder.path()).env_clear().envs(variables.iter().copied());
        let output = command.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, text) = run(&[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.lines().count() > 10 && text.lines().last().unwrap().starts_with("0 wrong, "), "{text}");
    let (code, text) = run(&[("MATCHDAY__SERVER__TRUSTED_PROXIES", "0.0.0.0/0")]);
    assert_eq!(code, 1, "{text}");
    let (code, text) = run(&[("MATCHDAY_ENV", "production"), ("MATCHDAY__CHAT__MAX_CHARACTERS", "many")]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains(
            "WRONG    configuration: MATCHDAY__CHAT__MAX_CHARACTERS: chat.max_characters: must be a whole number"
        ),
        "{text}"
    );
    assert_eq!(contents(folder.path()), []);
}
