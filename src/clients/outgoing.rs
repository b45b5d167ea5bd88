//! One way out to an outside service: time limits, answers of bounded size, retries where doing it twice is doing it
//! once, and a circuit that opens while the service is away. Addresses may hold secrets and are never logged.

use std::time::{Duration, Instant};

use actors::error::{DomainError, Provider, Result};
use bytes::{Bytes, BytesMut};
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, StatusCode};

use super::circuit::Circuit;
use super::tls::{self, Identity};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const USER_AGENT: &str = concat!("matchday/", env!("CARGO_PKG_VERSION"));
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MOST_TRIES: u32 = 3;

/// When a request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Only if it cannot have arrived: there was no connection.
    Unsent,
    /// Also after an answer that was lost or a fault of the service: the second request changes nothing.
    Safe,
}

/// What one request may take, all its tries together.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub time: Duration,
    pub bytes: usize,
}

impl Limits {
    /// 10 s and 256 KiB.
    pub const USUAL: Self = Self { time: Duration::from_secs(10), bytes: 256 * 1024 };
    /// For questions on whose answer somebody waits.
    pub const QUICK: Self = Self { time: Duration::from_secs(5), bytes: 256 * 1024 };
}

/// An answer below 500 that came in time.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why a try came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// There was no connection.
    Unsent,
    /// No answer, or one that says that the service is away.
    Lost,
    /// The service answered that it failed at this request.
    Failed,
    /// It would not be better a second time.
    Refused,
}

impl Failure {
    /// Whether the service is away, for this request and for every other one. A request that the service fails at or
    /// refuses says nothing about others: one caller who repeats such a request must not close the way for all.
    fn is_away(self) -> bool {
        matches!(self, Self::Unsent | Self::Lost)
    }
}

/// What an answer's status means, if it is no answer to hand on.
fn failure_of(status: StatusCode) -> Option<Failure> {
    match status {
        // Also for one order that is asked about too often.
        StatusCode::TOO_MANY_REQUESTS => Some(Failure::Refused),
        // What stands in front of the service says that it is not there.
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => Some(Failure::Lost),
        status => status.is_server_error().then_some(Failure::Failed),
    }
}

pub struct Outgoing {
    client: Client,
    provider: Provider,
    circuit: Circuit,
}

/// The client of all requests that leave this server.
///
/// Errors: an identity that is none.
pub(super) fn client(identity: Option<&Identity<'_>>) -> anyhow::Result<Client> {
    Ok(Client::builder()
        .tls_backend_preconfigured(tls::config(identity)?)
        .connect_timeout(CONNECT_TIMEOUT)
        // WeChat payment refuses requests without one.
        .user_agent(USER_AGENT)
        // A signature is for one address, and a secret in one is for its host.
        .redirect(Policy::none())
        .build()?)
}

impl Outgoing {
    /// Errors: an identity that is none.
    pub fn new(provider: Provider, identity: Option<&Identity<'_>>) -> anyhow::Result<Self> {
        Ok(Self::sharing(client(identity)?, provider))
    }

    /// A way with a circuit of its own over a client that others use, too.
    pub(super) fn sharing(client: Client, provider: Provider) -> Self {
        Self { client, provider, circuit: Circuit::default() }
    }

    /// Asks until there is an answer below 500; `request` makes each try anew, with its own nonce and signature.
    ///
    /// Errors: `ProviderFailed`, at once while the circuit is open.
    pub async fn send(
        &self,
        retry: Retry,
        limits: Limits,
        request: impl Fn(&Client) -> RequestBuilder,
    ) -> Result<Answer> {
        let failed = DomainError::ProviderFailed(self.provider);
        let deadline = Instant::now() + limits.time;
        let mut pause = FIRST_PAUSE;
        for tries in 1..=MOST_TRIES {
            if !self.circuit.admits(Instant::now()) {
                return Err(failed);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            // The first of several tries must leave time for another.
            let time = if retry == Retry::Safe && tries < MOST_TRIES { left / 2 } else { left };
            let outcome = tokio::time::timeout(time, self.once(limits.bytes, request(&self.client))).await;
            let outcome = outcome.unwrap_or(Err(Failure::Lost));
            let answered = !matches!(&outcome, Err(failure) if failure.is_away());
            if self.circuit.report(answered, Instant::now()) {
                tracing::error!(provider = ?self.provider, "does not answer; requests are refused until it does");
            }
            match outcome {
                Ok(answer) => return Ok(answer),
                Err(Failure::Unsent) => {}
                Err(Failure::Lost | Failure::Failed) if retry == Retry::Safe => {}
                Err(Failure::Lost | Failure::Failed | Failure::Refused) => return Err(failed),
            }
            if tries == MOST_TRIES || Instant::now() + pause >= deadline {
                return Err(failed);
            }
            tokio::time::sleep(pause + pause.mul_f64(rand::random())).await;
            pause *= 2;
        }
        Err(failed)
    }

    async fn once(&self, most_bytes: usize, request: RequestBuilder) -> std::result::Result<Answer, Failure> {
        let lost = |error: reqwest::Error| {
            let kind = if error.is_connect() { Failure::Unsent } else { Failure::Lost };
            tracing::warn!(provider = ?self.provider, error = %error.without_url(), "request");
            kind
        };
        let mut response = request.send().await.map_err(lost)?;
        let status = response.status();
        if let Some(failure) = failure_of(status) {
            tracing::warn!(provider = ?self.provider, %status, "request");
            return Err(failure);
        }
        let headers = std::mem::take(response.headers_mut());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| {
            lost(error);
            Failure::Lost
        })? {
            if body.len() + chunk.len() > most_bytes {
                tracing::warn!(provider = ?self.provider, most_bytes, "an answer is too large");
                return Err(Failure::Refused);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body: body.freeze() })
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const BYTES: usize = 10;
    /// Enough for the pauses between all tries.
    const LONG: Duration = Duration::from_secs(3);
    const SHORT: Duration = Duration::from_millis(600);

    /// A service that takes a connection for each of `answers`, reads the request and says that, or nothing for as long as
    /// the other side waits. Ends with the count of its connections.
    async fn service(answers: Vec<&'static str>) -> (String, tokio::task::JoinHandle<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::task::spawn_local(async move {
            let count = answers.len();
            for answer in answers {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut request = [0; 1_024];
                let _ = socket.read(&mut request).await;
                if answer.is_empty() {
                    // Until the caller hangs up.
                    while socket.read(&mut request).await.is_ok_and(|bytes| bytes > 0) {}
                } else {
                    let _ = socket.write_all(answer.as_bytes()).await;
                }
            }
            count
        });
        (url, serving)
    }

    const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
    const FAULT: &str = "HTTP/1.1 503 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    const LARGE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 20\r\nconnection: close\r\n\r\n01234567890123456789";

    async fn ask(outgoing: &Outgoing, url: &str, retry: Retry, time: Duration) -> Option<Bytes> {
        let limits = Limits { time, bytes: BYTES };
        outgoing.send(retry, limits, |client| client.get(url)).await.ok().map(|answer| answer.body)
    }

    #[actix_web::test]
    async fn silence_ends_in_time_and_is_asked_again_only_where_that_is_safe() {
        for (retry, time, answers, good) in [
            (Retry::Safe, SHORT, vec!["", GOOD], true),
            (Retry::Safe, LONG, vec![FAULT, FAULT, GOOD], true),
            (Retry::Safe, LONG, vec![FAULT, FAULT, FAULT], false),
            (Retry::Unsent, SHORT, vec![""], false),
            (Retry::Unsent, LONG, vec![FAULT], false),
            (Retry::Unsent, LONG, vec![GOOD], true),
            (Retry::Safe, LONG, vec![LARGE], false),
        ] {
            let outgoing = Outgoing::new(Provider::Payment, None).unwrap();
            let (url, serving) = service(answers.clone()).await;
            let start = Instant::now();
            let answer = ask(&outgoing, &url, retry, time).await;
            assert!(start.elapsed() < time + LONG, "{answers:?} took {:?}", start.elapsed());
            assert_eq!(answer.is_some(), good, "{answers:?}");
            assert_eq!(serving.await.unwrap(), answers.len());
        }
    }

    #[actix_web::test]
    async fn requests_that_are_refused_one_by_one_close_the_way_to_nobody() {
        const FAILED: &str = "HTTP/1.1 500 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        const TOO_OFTEN: &str = "HTTP/1.1 429 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        for refusal in [FAILED, TOO_OFTEN, LARGE] {
            let outgoing = Outgoing::new(Provider::Payment, None).unwrap();
            let (url, serving) = service(vec![refusal; 10]).await;
            for _ in 0..10 {
                assert_eq!(ask(&outgoing, &url, Retry::Unsent, LONG).await, None);
            }
            serving.await.unwrap();
            let (url, serving) = service(vec![GOOD]).await;
            assert!(ask(&outgoing, &url, Retry::Unsent, LONG).await.is_some(), "{refusal}");
            serving.await.unwrap();
        }
        let outgoing = Outgoing::new(Provider::Payment, None).unwrap();
        let (url, serving) = service(vec![TOO_OFTEN]).await;
        assert_eq!(ask(&outgoing, &url, Retry::Safe, LONG).await, None);
        assert_eq!(serving.await.unwrap(), 1, "a service that hears too much is not asked again at once");
    }

    #[actix_web::test]
    async fn while_the_circuit_is_open_nothing_leaves() {
        let outgoing = Outgoing::new(Provider::Payment, None).unwrap();
        let (url, serving) = service(vec![FAULT; 5]).await;
        for _ in 0..5 {
            assert_eq!(ask(&outgoing, &url, Retry::Unsent, LONG).await, None);
        }
        serving.await.unwrap();
        // A sixth connection would be good.
        let (url, serving) = service(vec![GOOD]).await;
        assert_eq!(ask(&outgoing, &url, Retry::Unsent, LONG).await, None);
        assert!(!serving.is_finished());
        serving.abort();
    }
}
