//! Every limit per person, network address and credential, by its name and rule. The counts live behind a port: in this
//! process, or in Redis for all nodes together. Codes sent by SMS are counted in SQL with the code itself (`phones`).
//!
//! `limits.enabled = false` switches off what load tests run into. Guesses at passwords and calls with a credential stay
//! limited.

use std::sync::Arc;

use actors::counts::{Act, Count, CountKey, Counts, Rule, Sharing, Verdict};
use actors::domain::caller_address::CallerAddress;
use actors::domain::ids::{AccountId, AdminId};
use actors::error::{DomainError, Result};

use super::address_key::AddressKey;
use crate::config::Config;
use crate::store::sql::db::Db;
use crate::vault::Vault;

const FEEDS: Rule = Rule::per_minute("feed", 10);
/// Calls of one HAWK credential whose nonce is new: bounds the nonces that are kept.
const HAWK_CALLS: Rule = Rule::per_minute("hawk-call", 6_000);
/// Refused calls of one credential from one address; over it, old ones are not looked at.
const HAWK_REFUSED: Rule = Rule::per_minute("hawk-refused", 600);
/// Wrong passwords for one name from one address, and from anywhere.
const ADMIN_WRONG_HERE: Rule = Rule::new("admin-wrong-here", 10, 600);
const ADMIN_WRONG: Rule = Rule::new("admin-wrong", 200, 600);
const LOGIN_WRONG_HERE: Rule = Rule::new("login-wrong-here", 10, 600);
const LOGIN_WRONG: Rule = Rule::new("login-wrong", 50, 600);

/// Rules that settings change.
struct Rules {
    sign_in: Rule,
    enqueue: Rule,
    certificate_query: Rule,
    payment_call: Rule,
    page_config: Rule,
    sso_application: Rule,
    sso_address: Rule,
    regist_address: Rule,
    regist_phone: Rule,
    preview: Rule,
}

impl Rules {
    fn of(config: &Config) -> Self {
        let (limits, sso, regist) = (&config.limits, &config.sso, &config.regist);
        Self {
            sign_in: Rule::per_minute("sign-in", limits.logins_per_minute_per_address),
            enqueue: Rule::per_minute("enqueue", limits.enqueues_per_minute_per_account),
            certificate_query: Rule::per_minute("certificate-query", limits.certificate_queries_per_minute),
            payment_call: Rule::per_minute("payment-call", limits.payment_calls_per_minute_per_account),
            page_config: Rule::per_minute("page-config", limits.page_configs_per_minute_per_account),
            sso_application: Rule::per_minute("sso-application", sso.checks_per_minute_per_application),
            sso_address: Rule::per_minute("sso-address", sso.checks_per_minute),
            regist_address: Rule::per_minute("regist-address", regist.tries_per_minute_per_address),
            regist_phone: Rule::per_minute("regist-phone", regist.tries_per_minute_per_phone),
            preview: Rule::per_minute("preview", config.admin.previews_per_minute),
        }
    }
}

/// Whose password is guessed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Realm {
    Admins,
    LoginNames,
}

pub struct RateLimits {
    enabled: bool,
    rules: Rules,
    counts: Arc<dyn Counts>,
    vault: Vault,
    clock: Db,
}

impl RateLimits {
    pub fn new(config: &Config, counts: Arc<dyn Counts>, vault: Vault, clock: Db) -> Self {
        Self { enabled: config.limits.enabled, rules: Rules::of(config), counts, vault, clock }
    }

    /// Errors (all that return `Result<()>`): `RateLimited` with the seconds to wait.
    pub async fn sign_in(&self, address: CallerAddress) -> Result<()> {
        self.take("sign-in", &[self.by_address(self.rules.sign_in, address)]).await
    }

    /// Queue tokens and orders.
    pub async fn enqueue(&self, account: AccountId) -> Result<()> {
        self.take("enqueue", &[self.by_name(self.rules.enqueue, &account.to_string())]).await
    }

    pub async fn certificate_query(&self, account: AccountId) -> Result<()> {
        self.take("certificate-query", &[self.by_name(self.rules.certificate_query, &account.to_string())]).await
    }

    /// What makes this server call the payment provider: one account's calls must not use up the merchant's share there.
    pub async fn payment_call(&self, account: AccountId) -> Result<()> {
        self.take("payment-call", &[self.by_name(self.rules.payment_call, &account.to_string())]).await
    }

    /// Signatures for pages, which may make this server call WeChat.
    pub async fn page_config(&self, account: AccountId) -> Result<()> {
        self.take("page-config", &[self.by_name(self.rules.page_config, &account.to_string())]).await
    }

    /// Previews of rich texts, each of which is parsed like one that is stored.
    pub async fn preview(&self, admin: AdminId) -> Result<()> {
        self.take("preview", &[self.by_name(self.rules.preview, &admin.to_string())]).await
    }

    /// Letters to the organiser.
    pub async fn feed(&self, account: AccountId) -> Result<()> {
        self.take("feed", &[self.by_name(FEEDS, &account.to_string())]).await
    }

    /// Checks whether a name or a mail address has an account.
    pub async fn sso_check(&self, app: i64, address: CallerAddress) -> Result<()> {
        let by_app = self.by_name(self.rules.sso_application, &app.to_string());
        self.take("sso", &[self.by_address(self.rules.sso_address, address), by_app]).await
    }

    pub async fn regist_address(&self, address: CallerAddress) -> Result<()> {
        self.take("regist-address", &[self.by_address(self.rules.regist_address, address)]).await
    }

    pub async fn regist_phone(&self, phone_key: &str) -> Result<()> {
        self.take("regist-phone", &[self.by_name(self.rules.regist_phone, phone_key)]).await
    }

    /// Counts a call of a credential whose nonce is new. Errors: `Busy`, because the credential is busy, not a person.
    pub async fn hawk_call(&self, hawk_id: &str) -> Result<()> {
        let verdict = self.decide(Act::Take, "hawk-call", &[self.by_name(HAWK_CALLS, hawk_id)]).await;
        verdict.map_err(|refused| busy(refused.error))
    }

    /// Whether a refused call from there would still be looked at; counts nothing. Errors: `Busy`.
    pub async fn hawk_refusable(&self, hawk_id: &str, address: CallerAddress) -> Result<()> {
        let verdict = self.decide(Act::Look, "hawk-refused", &[self.hawk_refusals(hawk_id, address)]).await;
        verdict.map_err(|refused| busy(refused.error))
    }

    /// Counts a refused call.
    pub async fn hawk_refused(&self, hawk_id: &str, address: CallerAddress) {
        // Over the limit it was refused all the same.
        let _ = self.decide(Act::Take, "hawk-refused", &[self.hawk_refusals(hawk_id, address)]).await;
    }

    fn hawk_refusals(&self, hawk_id: &str, address: CallerAddress) -> Count {
        self.by_both(HAWK_REFUSED, address, hawk_id)
    }

    /// Takes a try at the password of a name, before it is looked at. `Ok` has the counts that were taken.
    pub(super) async fn password_try(&self, realm: Realm, address: CallerAddress, name: &str) -> Result<Taken, Locked> {
        let (group, counts) = self.password_counts(realm, address, name);
        match self.decide(Act::Take, group, &counts).await {
            Ok(()) => Ok(Taken { group, counts: counts.to_vec() }),
            Err(Refused { by: 1, error }) => Err(Locked::Name(error)),
            Err(Refused { error, .. }) => Err(Locked::Here(error)),
        }
    }

    /// As `password_try`, for an address from which the person signed in before: wrong passwords from elsewhere do not
    /// count.
    pub(super) async fn password_try_of_known(
        &self,
        realm: Realm,
        address: CallerAddress,
        name: &str,
    ) -> Result<Taken> {
        let (group, [here, _]) = self.password_counts(realm, address, name);
        self.decide(Act::Take, group, &[here]).await.map_err(|refused| refused.error)?;
        Ok(Taken { group, counts: vec![here] })
    }

    /// Whether a further try would be refused; counts nothing.
    pub(super) async fn is_used_up(&self, taken: &Taken) -> bool {
        self.decide(Act::Look, taken.group, &taken.counts).await.is_err()
    }

    pub(super) async fn give_back(&self, taken: &Taken) {
        let _ = self.decide(Act::GiveBack, taken.group, &taken.counts).await;
    }

    fn password_counts(&self, realm: Realm, address: CallerAddress, name: &str) -> (&'static str, [Count; 2]) {
        let (group, here, anywhere) = match realm {
            Realm::Admins => ("admin-wrong", ADMIN_WRONG_HERE, ADMIN_WRONG),
            Realm::LoginNames => ("login-wrong", LOGIN_WRONG_HERE, LOGIN_WRONG),
        };
        (group, [self.by_both(here, address, name), self.by_name(anywhere, name)])
    }

    /// Forgets keys that no longer count. Called now and then by the housekeeping loop.
    pub fn tidy(&self) {
        self.counts.tidy(self.clock.now_ms());
    }

    /// `None`: this node counts alone, by its settings.
    pub fn sharing(&self) -> Option<Sharing> {
        self.counts.sharing()
    }

    async fn take(&self, group: &'static str, counts: &[Count]) -> Result<()> {
        if !self.enabled {
            return Ok(());
        }
        self.decide(Act::Take, group, counts).await.map_err(|refused| refused.error)
    }

    async fn decide(&self, act: Act, group: &'static str, counts: &[Count]) -> Result<(), Refused> {
        match self.counts.decide(act, group, counts, self.clock.now_ms()).await {
            Verdict::Admitted => Ok(()),
            Verdict::Refused { by, wait_us } => {
                let retry_after_seconds = u32::try_from(wait_us / 1_000_000 + 1).unwrap_or(u32::MAX);
                Err(Refused { by, error: DomainError::RateLimited { retry_after_seconds } })
            }
        }
    }

    fn by_address(&self, rule: Rule, address: CallerAddress) -> Count {
        self.by_both(rule, address, "")
    }

    fn by_both(&self, rule: Rule, address: CallerAddress, name: &str) -> Count {
        let address = AddressKey::of(address);
        let key = |place: &dyn std::fmt::Display| self.key(rule, &format!("{place}|{name}"));
        Count { rule, key: key(&address), wide_key: key(&address.network()) }
    }

    fn by_name(&self, rule: Rule, name: &str) -> Count {
        let key = self.key(rule, name);
        Count { rule, key, wide_key: key }
    }

    fn key(&self, rule: Rule, subject: &str) -> CountKey {
        CountKey(self.vault.lookup_bytes("limit", format!("{}|{subject}", rule.name).as_bytes()))
    }
}

struct Refused {
    /// Which of the counts.
    by: usize,
    error: DomainError,
}

/// Why a try at a password is refused.
pub(super) enum Locked {
    /// Too many wrong ones for the name from this address.
    Here(DomainError),
    /// Too many wrong ones for the name from anywhere.
    Name(DomainError),
}

/// Counts that a try at a password has taken.
pub(super) struct Taken {
    group: &'static str,
    counts: Vec<Count>,
}

fn busy(error: DomainError) -> DomainError {
    match error {
        DomainError::RateLimited { retry_after_seconds } => DomainError::Busy { retry_after_seconds },
        other => other,
    }
}
