//! SMTP, encrypted from the first byte or by STARTTLS, never without: passwords and links travel through it.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use async_trait::async_trait;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use reqwest::Url;
use secrecy::ExposeSecret;

use super::{Letter, MailProvider, SMTP};
use crate::clients::circuit::Circuit;
use crate::config::Mail;

/// For one exchange with the server, and for a whole mail.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(30);

pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// Open while the server is away, so that mails do not wait for it one by one.
    circuit: Circuit,
}

/// Where the mail server is.
struct Address {
    host: String,
    port: u16,
    /// Encrypted from the first byte.
    wrapped: bool,
}

impl Address {
    fn parse(text: &str) -> anyhow::Result<Self> {
        let wrong = "must be smtps://host:465 or smtp://host:587";
        let url = Url::parse(text).context(wrong)?;
        let (wrapped, port) = match url.scheme() {
            "smtps" => (true, 465),
            "smtp" => (false, 587),
            _ => anyhow::bail!(wrong),
        };
        let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        anyhow::ensure!(bare && url.fragment().is_none() && matches!(url.path(), "" | "/"), wrong);
        let host = url.host_str().filter(|host| !host.is_empty()).context(wrong)?.to_owned();
        Ok(Self { host, port: url.port().unwrap_or(port), wrapped })
    }
}

/// What is wrong with `mail.url`, if anything is.
pub fn check_url(text: &str) -> anyhow::Result<()> {
    Address::parse(text).map(drop)
}

/// What is wrong with `mail.from`, if anything is.
pub fn check_from(text: &str) -> anyhow::Result<()> {
    text.parse::<Mailbox>().map(drop).context("must be an address such as Race office <office@example.org>")
}

impl Smtp {
    /// `root` is believed beside the usual ones.
    ///
    /// Errors: an address of the server or the sender that is none.
    pub fn new(settings: &Mail, root: Option<Certificate>) -> anyhow::Result<Self> {
        let Address { host, port, wrapped } = Address::parse(&settings.url).context("mail.url")?;
        let mut tls = TlsParameters::builder(host.clone());
        if let Some(root) = root {
            tls = tls.add_root_certificate(root);
        }
        let tls = tls.build().context("mail.url")?;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(port)
            .tls(if wrapped { Tls::Wrapper(tls) } else { Tls::Required(tls) })
            .timeout(Some(STEP_TIMEOUT));
        if !settings.username.is_empty() {
            let password = settings.password.expose_secret().to_owned();
            builder = builder.credentials(Credentials::new(settings.username.clone(), password));
        }
        Ok(Self {
            transport: builder.build(),
            from: settings.from.parse().context("mail.from")?,
            circuit: Circuit::default(),
        })
    }

    /// Connects, signs in where there is a user name, and sends nothing.
    ///
    /// Errors: why not, in words of no person.
    pub async fn greet(&self, time: Duration) -> Result<(), String> {
        match within(time, self.transport.test_connection()).await? {
            true => Ok(()),
            false => Err("the mail server hangs up".to_owned()),
        }
    }

    fn message(&self, letter: &Letter) -> Result<Message, String> {
        let to: Mailbox = letter.to.parse().map_err(|_| "the address of the mail is none".to_owned())?;
        Message::builder()
            .message_id(Some(format!("<matchday-{}@{}>", letter.reference, self.from.email.domain())))
            .from(self.from.clone())
            .to(to)
            .subject(&letter.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.clone())
            .map_err(|_| "the mail cannot be written".to_owned())
    }
}

#[async_trait]
impl MailProvider for Smtp {
    fn name(&self) -> &'static str {
        SMTP
    }

    async fn send(&self, letter: &Letter) -> Result<(), String> {
        let message = self.message(letter)?;
        if !self.circuit.admits(Instant::now()) {
            return Err("the mail server did not answer lately".to_owned());
        }
        // A refusal is an answer.
        let mut answered = false;
        let exchange = async {
            let outcome = self.transport.send(message).await;
            answered = outcome.as_ref().map_or_else(|error| error.status().is_some(), |_| true);
            outcome
        };
        let outcome = within(TIMEOUT, exchange).await;
        if self.circuit.report(answered, Instant::now()) {
            tracing::error!("the mail server does not answer; mails wait until it does");
        }
        outcome.map(drop)
    }
}

/// The outcome of an exchange in words of no person: the server's own text may name one.
async fn within<T>(
    time: Duration,
    exchange: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
) -> Result<T, String> {
    match tokio::time::timeout(time, exchange).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(match error.status() {
            Some(code) => format!("the mail server answers {code}"),
            None if error.is_timeout() => "the mail server does not answer in time".to_owned(),
            None if error.is_client() => "the mail server does not offer what is needed, such as STARTTLS".to_owned(),
            None => "no connection to the mail server".to_owned(),
        }),
        Err(_) => Err("the mail server does not answer in time".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_named_with_their_encryption() {
        for (text, host, port, wrapped) in [
            ("smtps://mail.example.org", "mail.example.org", 465, true),
            ("smtps://mail.example.org:4650/", "mail.example.org", 4650, true),
            ("smtp://mail.example.org", "mail.example.org", 587, false),
            ("smtp://127.0.0.1:25", "127.0.0.1", 25, false),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!((address.host.as_str(), address.port, address.wrapped), (host, port, wrapped), "{text}");
        }
        for bad in ["", "mail.example.org", "http://a", "smtp://", "smtp://u:p@a", "smtp://a/x", "smtp://a?tls=none"] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
        assert!(check_from("Race office <office@example.org>").is_ok() && check_from("office@example.org").is_ok());
        assert!(check_from("office").is_err() && check_from("").is_err());
    }
}
