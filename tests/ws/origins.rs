//! Which pages may open a socket in production, when nothing is set but what a proxy says.

use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::support::ENVIRONMENT;
use crate::support::chat::ChatServer;

async fn production(more: &[(&'static str, &str)]) -> ChatServer {
    let keys = ["a1b2".repeat(16), "c3d4".repeat(16)];
    let environment = [("secrets.token_key", &*keys[0]), ("secrets.data_key", &*keys[1]), (ENVIRONMENT, "production")];
    ChatServer::with(&[&environment[..], more].concat()).await
}

async fn opens(url: &str, headers: &[(&'static str, &str)]) -> bool {
    let mut request = url.into_client_request().unwrap();
    for (index, (name, value)) in headers.iter().enumerate() {
        let repeated = headers[..index].iter().any(|(before, _)| before == name);
        let value = value.parse().unwrap();
        // The client set a Host of its own.
        if repeated {
            request.headers_mut().append(*name, value);
        } else {
            request.headers_mut().insert(*name, value);
        }
    }
    tokio_tungstenite::connect_async(request).await.is_ok()
}

#[tokio::test]
async fn a_default_port_equals_none_and_spelling_does_not_matter() {
    let server = production(&[]).await;
    let url = format!("ws://{}/ws", server.address);
    for (host, origin, same) in [
        ("race.example:443", "https://race.example", true),
        ("race.example", "https://race.example:443", true),
        ("race.example:80", "http://race.example", true),
        ("Race.Example.", "https://race.example", true),
        ("[::1]:8080", "http://[0:0:0:0:0:0:0:1]:8080", true),
        ("race.example:8443", "https://race.example:8443", true),
        ("race.example:443", "http://race.example", false),
        ("race.example:80", "https://race.example", false),
        ("race.example:8443", "https://race.example", false),
        ("race.example", "https://race.example.evil", false),
        ("race.example", "https://evil.example", false),
        ("race.example", "null", false),
    ] {
        assert_eq!(opens(&url, &[("host", host), ("origin", origin)]).await, same, "{host} {origin}");
    }
    let forwarded = [("host", "a"), ("origin", "https://race.example"), ("x-forwarded-host", "race.example")];
    assert!(!opens(&url, &forwarded).await, "no proxy is trusted");
    let twice = [("host", "race.example"), ("origin", "https://race.example"), ("origin", "https://evil.example")];
    assert!(!opens(&url, &twice).await, "two origins");
}

#[tokio::test]
async fn what_a_trusted_proxy_says_of_host_and_scheme_counts() {
    let server = production(&[("server.trusted_proxies", "127.0.0.0/8")]).await;
    let url = format!("ws://{}/ws", server.address);
    let told = |more: &[(&'static str, &'static str)]| {
        [&[("host", "127.0.0.1:8080"), ("origin", "https://race.example")], more].concat()
    };
    assert!(opens(&url, &told(&[("x-forwarded-host", "race.example"), ("x-forwarded-proto", "https")])).await);
    assert!(opens(&url, &told(&[("x-forwarded-host", "evil.example, race.example:443")])).await);
    assert!(opens(&url, &told(&[("x-forwarded-host", "race.example"), ("x-forwarded-port", "443")])).await);
    assert!(!opens(&url, &told(&[("x-forwarded-host", "race.example"), ("x-forwarded-proto", "http")])).await);
    assert!(!opens(&url, &told(&[("x-forwarded-host", "race.example, evil.example")])).await);
    assert!(!opens(&url, &told(&[])).await);
}

#[tokio::test]
async fn on_the_chat_port_the_host_decides_whatever_its_port() {
    let server = production(&[]).await;
    let url = &server.app.chat_url;
    for (origin, same) in [
        ("https://race.example", true),
        ("http://race.example:8080", true),
        ("https://RACE.example.", true),
        ("https://evil.example", false),
        ("https://race.example.evil:19833", false),
    ] {
        assert_eq!(opens(url, &[("host", "race.example:19833"), ("origin", origin)]).await, same, "{origin}");
    }
    let pages = format!("ws://{}/ws", server.address);
    assert!(!opens(&pages, &[("host", "race.example:8080"), ("origin", "https://race.example")]).await);
}

#[tokio::test]
async fn settings_are_origins_and_not_texts() {
    let server = production(&[("server.public_url", "https://Race.example:443")]).await;
    let url = format!("ws://{}/ws", server.address);
    assert!(opens(&url, &[("origin", "https://race.example")]).await);
    let server = production(&[("chat.allowed_origins", "https://Race.example:443")]).await;
    let url = format!("ws://{}/ws", server.address);
    assert!(opens(&url, &[("origin", "https://race.example")]).await);
    assert!(!opens(&url, &[("origin", "http://race.example")]).await);
}

#[tokio::test]
async fn the_id_of_a_connection_holds_no_address_of_the_server() {
    use base64::Engine;
    let server = ChatServer::with(&[]).await;
    let mut numbers = Vec::new();
    for _ in 0..3 {
        let mut client = server.connect().await;
        client.send(serde_json::json!({"type": "LOGIN", "room_id": "1"})).await;
        let welcome = client.until("WELCOME").await;
        let uuid = welcome["uuid"].as_str().unwrap();
        let text = base64::engine::general_purpose::STANDARD.decode(uuid).unwrap();
        let text = String::from_utf8(text).unwrap();
        let parts: Vec<&str> = text.split('_').collect();
        assert_eq!(parts[..2], ["0.0.0.0", "19833"], "{text}");
        numbers.push(parts[2].parse::<u64>().unwrap());
    }
    assert!(numbers.windows(2).all(|two| two[0].abs_diff(two[1]) > 1), "neighbours are counted: {numbers:?}");
}
