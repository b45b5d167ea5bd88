//! The outside services: whether what they need is set, whether they can be reached, and how long certificates are good.

use futures_util::future::join_all;
use secrecy::ExposeSecret;

use super::Finding;
use super::clocks::{Clock, now_ms};
use crate::clients::certificate::{self, Validity};
use crate::clients::reach::{self, Endpoint};
use crate::config::Config;

const CERTIFICATE: &str = "certificate";
const PUBLIC: &str = "public address";
const DAY_MS: i64 = 86_400_000;
/// A new certificate takes some days to get.
const SOON_MS: i64 = 30 * DAY_MS;

pub struct Outside {
    pub findings: Vec<Finding>,
    /// What the services' own clocks said.
    pub clocks: Vec<Clock>,
}

/// (what it is for, setting, its value, what does not work without it).
fn providers(config: &Config) -> [(&'static str, &'static str, &str, &'static str); 4] {
    [
        ("wechat", "wechat.provider", &config.wechat.provider, "nobody can sign in by WeChat"),
        ("payment", "pay.provider", &config.pay.provider, "nothing can be paid"),
        ("messages", "sms.provider", &config.sms.provider, "no phone can be proven, bound or signed in by"),
        ("mail", "mail.provider", &config.mail.provider, "no mail address can be confirmed"),
    ]
}

/// Settings that a provider lacks do not get this far: the configuration is refused for them.
fn chosen(config: &Config) -> Vec<Finding> {
    providers(config)
        .into_iter()
        .map(|(about, setting, value, without)| match value {
            "none" => {
                Finding::warning(about, format!("{setting} is none: {without}. Choose one, if that is not meant"))
            }
            "sandbox" => Finding::ok(about, "the sandbox, for trying out"),
            name => Finding::ok(about, format!("{name} has all its settings")),
        })
        .collect()
}

/// The mail server, where there is one: reached, and signed in to.
async fn mail(config: &Config) -> Option<Finding> {
    Some(match reach::mail(config).await? {
        Ok(()) => Finding::ok("mail", "the service of mail.url can be reached and lets this server in"),
        Err(reason) => Finding::wrong(
            "mail",
            format!(
                "the service of mail.url cannot be used ({reason}). Are its address, its encryption, mail.username and \
                 mail.password right?"
            ),
        ),
    })
}

pub async fn examine(config: &Config) -> Outside {
    let mut findings = chosen(config);
    findings.extend(certificates(config, now_ms()));
    let mut clocks = Vec::new();
    let reached = join_all(reach::endpoints(config).into_iter().map(|endpoint| async move {
        let before = now_ms();
        let reached = reach::reach(&endpoint.url).await;
        (endpoint, before, now_ms(), reached)
    }));
    for (Endpoint { setting, .. }, before, after, reached) in reached.await {
        match reached {
            Ok(reached) => {
                findings.push(Finding::ok("network", format!("the service of {setting} can be reached")));
                clocks.extend(reached.date_ms.map(|date| Clock::of_date(setting, before, after, date)));
            }
            Err(reason) => findings.push(Finding::wrong(
                "network",
                format!(
                    "the service of {setting} cannot be reached ({reason}). Is the address right, and may this \
                         machine connect to the outside?"
                ),
            )),
        }
    }
    findings.extend(mail(config).await);
    findings.extend(own_page(config).await);
    Outside { findings, clocks }
}

/// Whether who follows `server.public_url` comes here.
async fn own_page(config: &Config) -> Option<Finding> {
    let url = &config.server.public_url;
    if url.is_empty() {
        return None;
    }
    Some(match reach::reach(&format!("{url}/healthz")).await {
        Ok(reached) if reached.body.contains("\"healthy\":true") => {
            Finding::ok(PUBLIC, "a matchday answers at server.public_url")
        }
        Ok(_) => Finding::warning(
            PUBLIC,
            "something answers at server.public_url that is no running matchday. Start the server, and check where the \
             proxy sends requests",
        ),
        Err(reason) => Finding::warning(
            PUBLIC,
            format!(
                "server.public_url cannot be reached from this machine ({reason}). Check its name, the proxy and \
                     its certificate; payment providers send their notices there"
            ),
        ),
    })
}

/// Certificates of ours.
fn certificates(config: &Config, now_ms: i64) -> Vec<Finding> {
    let pem = config.pay.certificate.expose_secret();
    if !matches!(config.pay.provider.as_str(), "v2" | "v3") || pem.is_empty() {
        return Vec::new();
    }
    vec![match certificate::validity(pem) {
        Ok(dates) => judge(dates, now_ms),
        Err(error) => Finding::wrong(CERTIFICATE, format!("pay.certificate: {error:#}")),
    }]
}

fn judge(dates: Validity, now_ms: i64) -> Finding {
    let left = dates.until_ms - now_ms;
    if now_ms < dates.from_ms {
        let words = "pay.certificate is not good yet. Check this machine's clock, or wait for its first day";
        Finding::wrong(CERTIFICATE, words)
    } else if left < 0 {
        let words = format!("pay.certificate ended {} days ago. Get a new one from the provider", -left / DAY_MS);
        Finding::wrong(CERTIFICATE, words)
    } else if left < SOON_MS {
        let words = format!("pay.certificate ends in {} days. Get a new one from the provider", left / DAY_MS);
        Finding::warning(CERTIFICATE, words)
    } else {
        Finding::ok(CERTIFICATE, format!("pay.certificate is good for {} days more", left / DAY_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_certificate() {
        let dates = Validity { from_ms: 100 * DAY_MS, until_ms: 465 * DAY_MS };
        let said: Vec<String> = [99, 100, 434, 436, 464, 470].map(|day| judge(dates, day * DAY_MS).to_string()).into();
        insta::assert_snapshot!(said.join("\n"), @"
        WRONG    certificate: pay.certificate is not good yet. Check this machine's clock, or wait for its first day
        OK       certificate: pay.certificate is good for 365 days more
        OK       certificate: pay.certificate is good for 31 days more
        WARNING  certificate: pay.certificate ends in 29 days. Get a new one from the provider
        WARNING  certificate: pay.certificate ends in 1 days. Get a new one from the provider
        WRONG    certificate: pay.certificate ended 5 days ago. Get a new one from the provider
        ");
    }
}
