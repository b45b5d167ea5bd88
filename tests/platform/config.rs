//! The configuration contract: layers, all faults at once, secrets.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use matchday::config::{Environment, Faults, Loaded, Sources};
use secrecy::ExposeSecret;

struct Case {
    folder: tempfile::TempDir,
    environment: Option<&'static str>,
    variables: Vec<(String, String)>,
    flags: Vec<(&'static str, &'static str, String)>,
}

impl Case {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), environment: None, variables: Vec::new(), flags: Vec::new() }
    }

    fn in_environment(mut self, name: &'static str) -> Self {
        self.environment = Some(name);
        self
    }

    fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn flag(mut self, flag: &'static str, key: &'static str, value: &str) -> Self {
        self.flags.push((flag, key, value.to_owned()));
        self
    }

    fn load(&self) -> Result<Loaded, Faults> {
        let os = |text: &String| OsString::from(text);
        Sources {
            environment: self.environment.map(str::to_owned),
            config_dir: Some(self.folder.path().to_owned()),
            variables: self.variables.iter().map(|(name, value)| (os(name), os(value))).collect(),
            flags: self.flags.clone(),
        }
        .load()
    }

    /// The faults, one a line, with the folder's path cut.
    fn faults(&self) -> Vec<String> {
        let folder = format!("{}/", self.folder.path().display());
        match self.load() {
            Ok(_) => Vec::new(),
            Err(faults) => faults.0.iter().map(|fault| fault.to_string().replace(&folder, "")).collect(),
        }
    }
}

fn production() -> Case {
    Case::new()
        .in_environment("production")
        .variable("MATCHDAY__SECRETS__TOKEN_KEY", &"a1b2".repeat(16))
        .variable("MATCHDAY__SECRETS__DATA_KEY", &"c3d4".repeat(16))
}

#[test]
fn load_without_anything_is_development() {
    let config = Case::new().load().unwrap().config;
    assert_eq!(config.environment, Environment::Development);
    assert_eq!(config.server.bind, "127.0.0.1:8080");
    assert_eq!(config.chat.bind, "127.0.0.1:19833");
    assert_eq!(config.internal.bind, "127.0.0.1:9090");
    assert_eq!(config.database.url.expose_secret(), "sqlite:data/matchday.db");
    assert_eq!(config.reg.payment_window_seconds, 1800);
    assert!(config.demo && config.limits.enabled);
    assert_eq!(config.pay.provider, "sandbox");
}

#[test]
fn load_production_listens_outside_and_has_no_sandbox() {
    let config = production().load().unwrap().config;
    assert_eq!(config.environment, Environment::Production);
    assert_eq!(config.server.bind, "0.0.0.0:8080");
    assert_eq!(config.internal.bind, "127.0.0.1:9090");
    assert!(!config.demo);
    assert_eq!([&config.wechat.provider, &config.sms.provider, &config.pay.provider], ["none"; 3]);
}

#[test]
fn load_layers_each_on_top_of_the_last() {
    let case = Case::new()
        .in_environment("development")
        .file(
            "default.toml",
            "[chat]\nmax_characters = 1\nping_seconds = 1\npong_timeout_seconds = 1\nlogin_timeout_seconds = 1\n",
        )
        .file("development.toml", "[chat]\nping_seconds = 2\npong_timeout_seconds = 2\nlogin_timeout_seconds = 2\n")
        .variable("MATCHDAY__CHAT__PONG_TIMEOUT_SECONDS", "3")
        .variable("MATCHDAY__CHAT__LOGIN_TIMEOUT_SECONDS", "3")
        .variable("MATCHDAY__SERVER__TRUSTED_PROXIES", "10.0.0.0/8, ::1")
        .flag("--x", "chat.login_timeout_seconds", "4");
    let config = case.load().unwrap().config;
    assert_eq!(config.chat.max_characters, 1);
    assert_eq!(config.chat.ping_seconds, 2);
    assert_eq!(config.chat.pong_timeout_seconds, 3);
    assert_eq!(config.chat.login_timeout_seconds, 4);
    assert_eq!(config.server.trusted_proxies.len(), 2);
}

#[test]
fn load_puts_the_default_database_into_the_data_folder() {
    let url = |case: Case| {
        let config = case.load().unwrap().config;
        config.database.url.expose_secret().to_owned()
    };
    let moved = Case::new().variable("MATCHDAY__DATA_DIR", "/srv/matchday/");
    assert_eq!(url(moved), "sqlite:/srv/matchday/matchday.db");
    let cloned = Case::new()
        .file("default.toml", include_str!("../../config/default.toml"))
        .variable("MATCHDAY__DATA_DIR", "/srv/matchday");
    assert_eq!(url(cloned), "sqlite:/srv/matchday/matchday.db", "a copy of the defaults changes nothing");
    let named = Case::new()
        .variable("MATCHDAY__DATA_DIR", "/srv/matchday")
        .variable("MATCHDAY__DATABASE__URL", "sqlite:other/matchday.db");
    assert_eq!(url(named), "sqlite:other/matchday.db");
}

#[test]
fn load_refuses_a_named_folder_that_is_missing() {
    let missing = PathBuf::from("/no/such/folder");
    let sources = |config_dir| Sources { environment: None, config_dir, variables: Vec::new(), flags: Vec::new() };
    let Err(Faults(faults)) = sources(Some(missing)).load() else { panic!("was taken") };
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(faults[0].to_string().starts_with("--config-dir: there is no folder /no/such/folder"), "{faults:#?}");
    let folder = tempfile::tempdir().unwrap();
    let ran = matchday(folder.path(), &["--config-dir", "nowhere", "check-config"], &[]);
    assert_eq!(ran.status.code(), Some(2));
    assert!(matchday(folder.path(), &["check-config"], &[]).status.success(), "the default folder may be missing");
}

#[test]
fn load_refuses_trust_in_nobody() {
    let trusting = || Case::new().variable("MATCHDAY__REG__IDENTITY", "trusting");
    assert!(trusting().faults()[0].starts_with("MATCHDAY__REG__IDENTITY: reg.identity: trusting needs"));
    assert_eq!(trusting().variable("MATCHDAY__REG__TRUSTING_NETWORKS", "10.0.0.0/8").faults(), Vec::<String>::new());
}

#[test]
fn load_refuses_trust_in_proxies() {
    let trusting = |networks: &str, proxies: &str| {
        Case::new()
            .in_environment("development")
            .variable("MATCHDAY__REG__IDENTITY", "trusting")
            .variable("MATCHDAY__REG__TRUSTING_NETWORKS", networks)
            .variable("MATCHDAY__SERVER__TRUSTED_PROXIES", proxies)
            .faults()
    };
    for (networks, proxies) in [
        ("10.0.0.0/8", "10.1.2.3"),
        ("10.1.2.3", "10.0.0.0/8"),
        ("192.168.0.0/16,10.0.0.0/8", "127.0.0.1,::ffff:10.1.2.3"),
        ("::ffff:10.0.0.0/104", "10.1.2.3"),
        ("::/0", "10.1.2.3"),
        ("2001:db8::/32", "2001:db8::7"),
    ] {
        let faults = trusting(networks, proxies);
        let expected = "MATCHDAY__REG__TRUSTING_NETWORKS: reg.trusting_networks: overlaps server.trusted_proxies";
        assert!(faults.len() == 1 && faults[0].starts_with(expected), "{networks} {proxies}: {faults:#?}");
    }
    assert_eq!(trusting("10.0.0.0/8", "192.168.0.1,::1"), Vec::<String>::new());
}

#[test]
fn load_refuses_a_development_that_nobody_wrote_where_strangers_come() {
    for (name, value, sign) in [
        ("MATCHDAY__SERVER__PUBLIC_URL", "https://race.example", "server.public_url is an https:// address"),
        ("MATCHDAY__SERVER__TRUSTED_PROXIES", "10.0.0.1", "server.trusted_proxies names a proxy"),
        ("MATCHDAY__SERVER__BIND", "0.0.0.0:8080", "server.bind can be reached from other machines"),
        ("MATCHDAY__CHAT__BIND", "[::]:19833", "chat.bind can be reached from other machines"),
        ("MATCHDAY__INTERNAL__BIND", "192.168.1.2:9090", "internal.bind can be reached from other machines"),
    ] {
        for environment in [None, Some("")] {
            let mut case = Case::new().variable(name, value);
            case.environment = environment;
            let faults = case.faults();
            assert_eq!(faults.len(), 1, "{faults:#?}");
            let expected = "MATCHDAY_ENV: is not set, which means development, where anybody signs in as anybody; but ";
            assert!(faults[0].starts_with(&format!("{expected}{sign}. Set MATCHDAY_ENV=production")), "{faults:#?}");
        }
        let written = Case::new().in_environment("development").variable(name, value);
        assert_eq!(written.faults(), Vec::<String>::new(), "{name}");
    }
    let near = Case::new()
        .variable("MATCHDAY__SERVER__BIND", "[::1]:8080")
        .variable("MATCHDAY__SERVER__PUBLIC_URL", "http://localhost:8080");
    assert_eq!(near.faults(), Vec::<String>::new());
}

#[test]
fn check_config_ends_with_2_for_what_stops_a_start_and_warns_of_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let checked = |variables: &[(&str, &str)]| {
        let output = matchday(folder.path(), &["check-config"], variables);
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, _, said) = checked(&[("MATCHDAY__SERVER__TRUSTED_PROXIES", "10.0.0.1")]);
    assert!(code == 2 && said.contains("MATCHDAY_ENV: is not set"), "{said}");
    let (one, other) = ("a1b2".repeat(16), "c3d4".repeat(16));
    let (code, settings, said) = checked(&[
        ("MATCHDAY_ENV", "production"),
        ("MATCHDAY__SECRETS__TOKEN_KEY", &one),
        ("MATCHDAY__SECRETS__DATA_KEY", &other),
        ("MATCHDAY__LIMITS__ENABLED", "false"),
        ("MATCHDAY__SERVER__TRUSTED_PROXIES", "0.0.0.0/0"),
    ]);
    assert_eq!(code, 0, "{said}");
    assert!(settings.parse::<toml::Table>().is_ok(), "warnings are not among the settings");
    for warning in [
        "WRONG    proxies: server.trusted_proxies takes in the whole world",
        "WARNING  public address: server.public_url is empty",
        "WARNING  limits: limits.enabled is false",
    ] {
        assert!(said.lines().any(|line| line.starts_with(warning)), "{warning} in {said}");
    }
    assert!(!said.contains("OK "), "{said}");
    let (code, _, said) = checked(&[]);
    assert_eq!((code, said.as_str()), (0, ""), "a first look has nothing to be warned of");
}

#[test]
fn load_refuses_two_ports_at_one_address() {
    let bound = |server, chat, internal| {
        Case::new()
            .flag("--bind", "server.bind", server)
            .flag("--chat-bind", "chat.bind", chat)
            .flag("--internal-bind", "internal.bind", internal)
            .faults()
    };
    let (one, zero) = ("127.0.0.1:7000", "127.0.0.1:0");
    assert!(bound(one, one, "")[0].starts_with("--chat-bind: chat.bind: is the address of server.bind"));
    assert!(bound(one, "", one)[0].starts_with("--internal-bind: internal.bind: is the address of server.bind"));
    assert!(bound("0.0.0.0:7000", one, "")[0].contains("is the address of"), "everywhere includes it");
    assert_eq!(bound(zero, zero, zero), Vec::<String>::new());
    assert_eq!(bound(one, "127.0.0.2:7000", "127.0.0.1:7001"), Vec::<String>::new());
}

#[test]
fn load_refuses_in_production_a_key_nobody_drew() {
    for key in ["0".repeat(64), "aB".repeat(16) + &"Ab".repeat(16)] {
        let mut case = production();
        case.variables[0].1 = key.clone();
        assert!(case.faults()[0].starts_with("MATCHDAY__SECRETS__TOKEN_KEY: secrets.token_key: repeats one byte"));
        let development = Case::new().variable("MATCHDAY__SECRETS__TOKEN_KEY", &key);
        assert_eq!(development.faults(), Vec::<String>::new());
    }
}

#[test]
fn load_names_the_variable_of_a_missing_secret() {
    let case =
        Case::new().in_environment("production").file("default.toml", "[secrets]\ntoken_key = \"\"\ndata_key = \"\"\n");
    let faults = case.faults();
    assert!(faults[0].starts_with("MATCHDAY__SECRETS__TOKEN_KEY: secrets.token_key: is required"), "{faults:#?}");
    assert!(faults[1].starts_with("MATCHDAY__SECRETS__DATA_KEY: secrets.data_key: is required"), "{faults:#?}");
}

#[test]
fn load_tells_all_faults_at_once_with_their_origin() {
    let case = Case::new()
        .file(
            "development.toml",
            "colour = 1\n[server]\nbnid = \"127.0.0.1:1\"\nworkers = \"two\"\n[chat]\nbind = \"nowhere\"\n",
        )
        .variable("MATCHDAY__REG__IDENTITY", "everybody")
        .variable("MATCHDAY__CHAT__MAX_CHARACTERS", "-1")
        .variable("MATCHDAY__DEMO", "maybe")
        .variable("MATCHDAY__REG__PAYMENT_WINDOW", "5")
        .variable("MATCHDAY__server__bind", "127.0.0.1:2")
        .variable("MATCHDAY__SERVER__TRUSTED_PROXIES", "10.0.0.0/8,10.0.0.0/99")
        .variable("MATCHDAY__LOG__FORMAT", "xml")
        .variable("MATCHDAY__SECRETS__TOKEN_KEY", "secret-and-wrong")
        .variable("UNRELATED", "x")
        .flag("--database-url", "database.url", "mysql://h/d");
    let faults = case.faults();
    let expected = [
        ("development.toml: colour:", "no such setting"),
        ("development.toml: server.bnid:", "no such setting"),
        ("development.toml: server.workers:", "must be a whole number, is text"),
        ("development.toml: chat.bind:", "must be an address"),
        ("MATCHDAY__REG__IDENTITY: reg.identity:", "session"),
        ("MATCHDAY__CHAT__MAX_CHARACTERS: chat.max_characters:", "invalid value"),
        ("MATCHDAY__DEMO: demo:", "must be true or false"),
        ("MATCHDAY__REG__PAYMENT_WINDOW:", "no such setting"),
        ("MATCHDAY__server__bind:", "no such setting"),
        ("MATCHDAY__SERVER__TRUSTED_PROXIES: server.trusted_proxies:", "10.0.0.0/8"),
        ("MATCHDAY__LOG__FORMAT: log.format:", "json, text"),
        ("MATCHDAY__SECRETS__TOKEN_KEY: secrets.token_key:", "64 hex"),
        ("--database-url: database.url:", "postgres://"),
    ];
    for (origin, reason) in expected {
        assert!(
            faults.iter().any(|fault| fault.starts_with(origin) && fault.contains(reason)),
            "{origin} … {reason} in {faults:#?}"
        );
    }
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
    assert!(!faults.join("").contains("secret-and-wrong"));
}

#[test]
fn load_refuses_secrets_in_files() {
    let case = Case::new()
        .file("development.toml", "[pay]\napi_key = \"k-secret\"\n[database]\nurl = \"postgres://a:p-secret@h/d\"\n");
    let faults = case.faults();
    assert_eq!(faults.len(), 2, "{faults:#?}");
    assert!(faults.iter().all(|fault| fault.contains("does not belong in a file")));
    assert!(!faults.join("").contains("-secret"));
    let without_password = Case::new().file("development.toml", "[database]\nurl = \"postgres://a@h/d\"\n");
    assert_eq!(without_password.faults(), Vec::<String>::new());
}

#[test]
fn load_reads_secrets_from_a_named_file() {
    let case = production();
    let path = case.folder.path().join("password");
    fs::write(&path, "from the file\n").unwrap();
    let name = path.display().to_string();
    let case = case.variable("MATCHDAY__ADMIN__PASSWORD_FILE", &name);
    let config = case.load().unwrap().config;
    assert_eq!(config.admin.password.expose_secret(), "from the file");

    let twice =
        Case::new().variable("MATCHDAY__ADMIN__PASSWORD_FILE", &name).variable("MATCHDAY__ADMIN__PASSWORD", "direct");
    assert!(twice.faults()[0].contains("is set as well"));
    let missing = Case::new().variable("MATCHDAY__ADMIN__PASSWORD_FILE", "/no/such/file");
    assert!(missing.faults()[0].contains("cannot be read"));
    let no_secret = Case::new().variable("MATCHDAY__SERVER__BIND_FILE", &name);
    assert!(no_secret.faults()[0].contains("no such setting"));
}

#[test]
fn load_production_demands_keys_and_refuses_sandboxes() {
    let case = Case::new()
        .in_environment("production")
        .variable("MATCHDAY__PAY__PROVIDER", "sandbox")
        .variable("MATCHDAY__SMS__PROVIDER", "sandbox")
        .variable("MATCHDAY__WECHAT__PROVIDER", "wechat");
    let faults = case.faults();
    for expected in [
        "secrets.token_key: is required",
        "secrets.data_key: is required",
        "pay.provider: sandbox is refused",
        "sms.provider: sandbox is refused",
        "wechat.provider: must be one of none, sandbox",
    ] {
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{expected} in {faults:#?}");
    }
    assert_eq!(faults.len(), 5, "{faults:#?}");
    let other = Case::new().in_environment("staging").file("staging.toml", "");
    assert!(
        other.faults().iter().any(|fault| fault.contains("token_key: is required")),
        "another environment is held to production's rules"
    );
    assert!(Case::new().in_environment("prod").faults()[0].starts_with("MATCHDAY_ENV"));
}

#[test]
fn load_refuses_in_every_environment_what_serve_would_refuse() {
    let faults = |case: Case, name: &str, value: &str| case.variable(name, value).faults();
    for case in [Case::new, production] {
        let provider = faults(case(), "MATCHDAY__WECHAT__PROVIDER", "wechat");
        assert!(provider[0].contains("wechat.provider: must be one of none, sandbox"), "{provider:#?}");
        let password = faults(case(), "MATCHDAY__ADMIN__PASSWORD", "seven77");
        assert!(password[0].contains("admin.password: must have 8 characters"), "{password:#?}");
        assert_eq!(faults(case(), "MATCHDAY__ADMIN__PASSWORD", "eight888"), Vec::<String>::new());
    }
}

fn matchday(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_matchday"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

#[test]
fn commands_that_fail_print_no_password_and_name_the_path() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| matchday(folder.path(), arguments, &[]);
    let made = run(&["admin", "create", "anna"]);
    assert!(made.status.success() && made.stdout.starts_with(b"password: "), "{made:?}");
    for refused in [&["admin", "create", "Anna"][..], &["admin", "reset-password", "nobody"]] {
        let output = run(refused);
        assert_eq!(output.status.code(), Some(1), "{refused:?}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{refused:?}");
    }
    let reset = run(&["admin", "reset-password", "anna"]);
    assert!(reset.status.success() && reset.stdout.starts_with(b"password: "), "{reset:?}");
    let backup = run(&["backup", "no-folder/copy.db"]);
    assert!(String::from_utf8_lossy(&backup.stderr).contains("no-folder/copy.db"), "{backup:?}");
}

#[test]
fn check_config_prints_what_is_in_force_with_secrets_masked() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [
        ("MATCHDAY__DATABASE__URL", "postgres://user:hunter22@h/d"),
        ("MATCHDAY__ADMIN__PASSWORD", "hunter22"),
        ("MATCHDAY__SECRETS__TOKEN_KEY", &"c3".repeat(32)),
    ];
    let output = matchday(folder.path(), &["check-config", "--bind", "127.0.0.1:7"], &variables);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("hunter22") && !text.contains("c3c3"), "{text}");
    let printed: toml::Table = text.parse().unwrap();
    assert_eq!(printed["server"]["bind"].as_str(), Some("127.0.0.1:7"));
    assert_eq!(printed["admin"]["password"].as_str(), Some("********"));
    assert_eq!(printed["database"]["url"].as_str(), Some("postgres://user:********@h/d"));
    assert_eq!(printed["pay"]["api_key"].as_str(), Some(""));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "a check changes nothing");
}

#[test]
fn exit_codes_tell_usage_from_failure() {
    let folder = tempfile::tempdir().unwrap();
    let code =
        |arguments: &[&str], variables: &[(&str, &str)]| matchday(folder.path(), arguments, variables).status.code();
    assert_eq!(code(&["--help"], &[]), Some(0));
    assert_eq!(code(&["frobnicate"], &[]), Some(2));
    assert_eq!(code(&["serve"], &[("MATCHDAY__SERVER__BIND", "x")]), Some(2));
    assert_eq!(code(&["migrate"], &[]), Some(0));
    assert_eq!(code(&["migrate", "--database-url", "sqlite:/proc/no/such"], &[]), Some(1));
}
