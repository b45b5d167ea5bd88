//! `matchday sso-app`: keys that work at once on the server that runs.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::client::{Keys, check, keys, person, reg};
use crate::support::spawn_app_in;

fn run(folder: &Path, args: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_matchday"))
        .arg("sso-app")
        .args(args)
        .arg("--data-dir")
        .arg(folder)
        .current_dir(folder)
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    (output.status.success(), if output.status.success() { String::from_utf8(output.stdout).unwrap() } else { errors })
}

fn keys_in(printed: &str) -> Keys {
    let value = |name: &str| {
        printed.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{printed}")).to_owned()
    };
    keys(value("app_id: ").parse().unwrap(), &value("app_key: "), &value("app_secret: "))
}

#[actix_web::test]
async fn an_application_is_made_and_rotated_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let app = spawn_app_in(folder.path(), &[]).await;
    let (good, printed) =
        run(folder.path(), &["create", "--name", "from the shell", "--notify-url", "http://127.0.0.1:9/"]);
    assert!(good, "{printed}");
    let old = keys_in(&printed);
    assert_eq!(reg(&app, &old, person("shell")).await["rcode"], "y010101");
    let id = old.id.to_string();
    let (good, printed) = run(folder.path(), &["rotate", &id, "--overlap-seconds", "60"]);
    assert!(good, "{printed}");
    let new = keys_in(&printed);
    for pair in [&old, &new] {
        assert_eq!(check(&app, pair, "chkname", json!({"user_name": "shell"})).await["rcode"], "y010102");
    }
    let owner = app.admin_token().await;
    let trail = app.get_as("/admin/api/v1/audit?search=sso-apps", &owner).await;
    let acts: Vec<_> =
        trail["data"].as_array().unwrap().iter().map(|act| (&act["action"], &act["admin_name"])).collect();
    let line = json!("command line");
    assert_eq!(acts, [(&json!("rotate"), &line), (&json!("create"), &line)]);
    for wrong in
        [&["rotate", "99"][..], &["create", "--name", ""], &["create", "--name", "x", "--notify-url", "x"], &["create"]]
    {
        assert!(!run(folder.path(), wrong).0, "{wrong:?}");
    }
}
