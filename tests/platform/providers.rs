//! What the configuration demands of real providers of sign-in and payment.

use std::ffi::OsString;

use matchday::config::Sources;

const KEY: &str = include_str!("../support/wechat_keys/merchant.key.pem");
const CERTIFICATE: &str = include_str!("../support/wechat_keys/merchant.cert.pem");
const OTHER: &str = include_str!("../support/wechat_keys/platform1.cert.pem");

type Settings<'s> = Vec<(&'static str, &'s str)>;

/// The keys that are refused, once each.
fn refused(environment: &str, settings: &[(&'static str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = ("0f".repeat(31) + "01", "0f".repeat(31) + "02");
    let mut variables = vec![("secrets.token_key", one.as_str()), ("secrets.data_key", other.as_str())];
    variables.extend(settings.iter().copied());
    let name = |key: &str| OsString::from(format!("MATCHDAY__{}", key.replace('.', "__").to_uppercase()));
    let loaded = Sources {
        environment: Some(environment.to_owned()),
        config_dir: Some(folder.path().to_owned()),
        variables: variables.iter().map(|(key, value)| (name(key), OsString::from(*value))).collect(),
        flags: Vec::new(),
    }
    .load();
    let mut keys: Vec<String> = match loaded {
        Ok(loaded) => {
            let shown = loaded.masked_toml();
            assert!(!shown.contains("BEGIN") && !shown.contains("app-secret"), "secrets are masked");
            Vec::new()
        }
        Err(faults) => {
            assert!(!faults.to_string().contains("BEGIN"), "values are never told");
            faults.0.into_iter().map(|fault| fault.key).collect()
        }
    };
    keys.sort();
    keys.dedup();
    keys
}

fn v2() -> Settings<'static> {
    vec![
        ("pay.provider", "v2"),
        ("pay.mch_id", "1900000109"),
        ("pay.api_key", "192006250b4c09247ec02edce69f6a2d"),
        ("pay.private_key", KEY),
        ("pay.certificate", CERTIFICATE),
        ("wechat.app_id", "wxd930ea5d5a258f4f"),
        ("server.public_url", "https://race.example"),
    ]
}

fn v3() -> Settings<'static> {
    vec![
        ("pay.provider", "v3"),
        ("pay.mch_id", "1900000109"),
        ("pay.api_v3_key", "0123456789abcdef0123456789abcdef"),
        ("pay.private_key", KEY),
        ("pay.certificate_serial", "5F3B7D0A"),
        ("wechat.app_id", "wxd930ea5d5a258f4f"),
        ("server.public_url", "https://race.example"),
    ]
}

fn login() -> Settings<'static> {
    vec![("wechat.provider", "real"), ("wechat.app_id", "wxd930ea5d5a258f4f"), ("wechat.app_secret", "app-secret")]
}

#[test]
fn whole_settings_are_taken_in_production() {
    for settings in [v2(), v3(), login()] {
        assert_eq!(refused("production", &settings), Vec::<String>::new());
    }
}

#[test]
fn each_setting_is_missed_by_its_name() {
    for settings in [v2(), v3(), login()] {
        for left_out in 1..settings.len() {
            let mut settings = settings.clone();
            let (key, _) = settings.remove(left_out);
            assert_eq!(refused("production", &settings), [key]);
        }
    }
}

#[test]
fn values_that_cannot_be_right_are_refused() {
    for (base, key, value) in [
        (v2(), "pay.provider", "v4"),
        (v2(), "pay.mch_id", "19x"),
        (v2(), "pay.api_key", "short"),
        (v2(), "pay.private_key", CERTIFICATE),
        (v2(), "pay.certificate", OTHER),
        (v2(), "pay.base_url", "http://pay.example"),
        (v2(), "pay.base_url", "https://pay.example/path"),
        (v3(), "pay.api_v3_key", "0123"),
        (v3(), "pay.private_key", "x"),
        (v3(), "pay.certificate_serial", "xyz"),
        (v3(), "pay.platform_public_key_id", "PUB_KEY_ID_1"),
        (login(), "wechat.base_url", "ftp://x"),
        (login(), "wechat.provider", "wechat"),
    ] {
        let mut settings = base;
        settings.retain(|(known, _)| *known != key);
        settings.push((key, value));
        assert_eq!(refused("production", &settings), [key], "{key} {value:.20}");
    }
    let mut settings = v3();
    settings.extend([("pay.platform_public_key", CERTIFICATE), ("pay.platform_public_key_id", "PUB_KEY_ID_1")]);
    assert_eq!(refused("production", &settings), ["pay.platform_public_key"]);
}
