//! `matchday hawk …`.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::client::{Call, JSON, members};
use crate::support::spawn_app_in;

/// The exit code and what was printed, of a run with `input` on standard input.
fn run(args: &[&str], variables: &[(&str, &str)], input: &str) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_matchday"));
    command.args(args).envs(variables.iter().copied()).env_remove("MATCHDAY_ENV");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (output.status.code().unwrap(), said)
}

#[test]
fn passwords_are_wrapped_as_the_vectors_say() {
    let file: Value = serde_json::from_str(include_str!("../vectors/tripledes.json")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (key_file, password_file) = (folder.path().join("key"), folder.path().join("password"));
    let mut wrapped = 0;
    for vector in file["vectors"].as_array().unwrap() {
        let text = |name: &str| vector[name].as_str().unwrap();
        if text("plaintext") != text("upper_md5") {
            continue;
        }
        wrapped += 1;
        let key = [("MATCHDAY_HAWK_KEY", text("session_key"))];
        let expected = |name: &str| (0, format!("{}\n", text(name)));
        assert_eq!(run(&["hawk", "wrap-password"], &key, text("password")), expected("ecb_pkcs7"));
        let cbc = ["hawk", "wrap-password", "--mode", "cbc", "--iv", "0000000000000000"];
        assert_eq!(run(&cbc, &key, &format!("{}\r\n", text("password"))), expected("cbc_zero_iv_pkcs7"));
        let settings = [key[0], ("MATCHDAY__REGIST__WRAP_PADDING", "none")];
        assert_eq!(run(&["hawk", "wrap-password"], &settings, text("password")), expected("ecb_nopad"));
        std::fs::write(&key_file, format!("{}\n", text("session_key"))).unwrap();
        std::fs::write(&password_file, text("password")).unwrap();
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        let files = ["hawk", "wrap-password", "--key-file", &path(&key_file), "--password-file", &path(&password_file)];
        assert_eq!(run(&files, &[], ""), expected("ecb_pkcs7"));
    }
    assert_eq!(wrapped, 6);
    for (args, variables) in [
        (&["hawk", "wrap-password"][..], &[][..]),
        (&["hawk", "wrap-password", "--mode", "ofb"], &[("MATCHDAY_HAWK_KEY", "k")]),
        (&["hawk", "wrap-password", "--mode", "cbc", "--iv", "00"], &[("MATCHDAY_HAWK_KEY", "k")]),
        (&["hawk", "wrap-password"], &[("MATCHDAY_HAWK_KEY", "")]),
    ] {
        assert_eq!(run(args, variables, "x").0, 2, "{args:?}");
    }
    assert_eq!(run(&["hawk", "wrap-password", "--key-file", "/nowhere"], &[], "x").0, 1);
    std::fs::write(&key_file, "\n").unwrap();
    let (code, said) = run(&["hawk", "wrap-password", "--key-file", key_file.to_str().unwrap()], &[], "x");
    assert!(code == 2 && said.contains("the key is empty"), "{said}");
    let (code, said) = run(&["hawk", "create", "--help"], &[], "");
    assert!(code == 0 && said.contains("1 to 64 letters, digits, dots, - and _\n"), "{said}");
}

#[test]
fn settings_that_cannot_be_are_named_at_the_start() {
    for (name, value, key) in [
        ("WRAP_MODE", "ofb", "regist.wrap_mode"),
        ("WRAP_IV", "00", "regist.wrap_iv"),
        ("WRAP_IV", "zzzzzzzzzzzzzzzz", "regist.wrap_iv"),
        ("WRAP_PADDING", "zeros", "regist.wrap_padding"),
        ("PUBLIC_HOST", "race.example:8443", "regist.public_host"),
        ("PUBLIC_HOST", "https://race.example", "regist.public_host"),
        ("CLOCK_SKEW_SECONDS", "0", "regist.clock_skew_seconds"),
        ("TRIES_PER_MINUTE_PER_PHONE", "0", "regist.tries_per_minute_per_phone"),
        ("TRIES_PER_MINUTE_PER_ADDRESS", "29", "regist.tries_per_minute_per_address"),
    ] {
        let variable = format!("MATCHDAY__REGIST__{name}");
        let (code, said) = run(&["check-config"], &[(&variable, value)], "");
        assert!(code == 2 && said.contains(key), "{name}={value}: {said}");
    }
    for (name, value) in [("PUBLIC_HOST", "race.example"), ("PUBLIC_HOST", "[2001:db8::1]"), ("WRAP_MODE", "cbc")] {
        assert_eq!(run(&["check-config"], &[(&format!("MATCHDAY__REGIST__{name}"), value)], "").0, 0, "{value}");
    }
}

#[actix_web::test]
async fn a_credential_is_made_beside_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap().to_owned();
    let app = spawn_app_in(folder.path(), &[]).await;
    let make = |more: &[&str]| {
        let args = [&["hawk", "create", "--data-dir", &data, "--id", "site-2"][..], more].concat();
        run(&args, &[], "")
    };
    let (code, said) = make(&["--class", "official"]);
    assert_eq!(code, 0, "{said}");
    let key = said.trim().strip_prefix("key: ").unwrap();
    let call = Call::new(&app, JSON, members("runner", "13900000001", "123456")).by(("site-2", key));
    assert_eq!(call.send(&app).await.errcode(), 2);
    let owner = app.admin_token().await;
    let audit = app.get_as("/admin/api/v1/audit?search=hawk-credentials", &owner).await;
    let entry = &audit["data"][0];
    assert_eq!((&entry["admin_name"], &entry["entity"]), (&"command line".into(), &"hawk-credentials".into()));
    assert!(!audit.to_string().contains(key));
    let long = "x".repeat(201);
    for (more, expected, why) in [
        (&["--class", "official"][..], 1, "there is a credential site-2 already"),
        (&["--class", "agent", "--agent", "9"], 1, "there is no agent 9"),
        (&["--class", "owner"], 2, "--class"),
        (&["--class", "agent", "--algorithm", "md5"], 2, "--algorithm"),
        (&["--class", "official", "--agent", "1"], 2, "--agent goes with --class agent only"),
        (&["--class", "official", "--note", &long], 2, "--note must have 200 characters at most"),
    ] {
        let (code, said) = make(more);
        assert!(code == expected && said.contains(why), "{more:?} {code} {said}");
    }
    let (code, said) = run(&["hawk", "create", "--data-dir", &data, "--class", "official", "--id", "a b"], &[], "");
    assert!(code == 2 && said.contains("--id must be 1 to 64"), "{said}");
}
