//! What the settings of mail and SSO registration mean together.

use secrecy::ExposeSecret;

use super::validate::Judge;
use crate::clients::mail::smtp;

const LONGEST_PATTERN: usize = 300;

impl Judge<'_> {
    pub(super) fn mail(&mut self) {
        let config = self.config;
        let mail = &config.mail;
        if mail.provider == "smtp" {
            if let Err(reason) = smtp::check_url(&mail.url) {
                self.refuse("mail.url", format!("{reason:#}"));
            }
            if let Err(reason) = smtp::check_from(&mail.from) {
                self.refuse("mail.from", format!("{reason:#}"));
            }
            if mail.username.is_empty() != mail.password.expose_secret().is_empty() {
                self.refuse("mail.password", "the user name and the password come together");
            }
        }
        if config.sso.confirm_mail {
            if mail.provider == "none" {
                self.refuse("sso.confirm_mail", "needs mail.provider, or nobody gets the link");
            }
            if mail.provider == "smtp" && config.server.public_url.is_empty() {
                self.refuse("server.public_url", "is required by sso.confirm_mail: links in mails begin with it");
            }
        }
        for (key, patterns) in [
            ("sso.bad_names", &config.sso.bad_names),
            ("sso.allowed_mails", &config.sso.allowed_mails),
            ("sso.bad_mails", &config.sso.bad_mails),
        ] {
            if patterns.iter().any(|pattern| pattern.trim().is_empty() || pattern.chars().count() > LONGEST_PATTERN) {
                self.refuse(key, format!("patterns have 1 to {LONGEST_PATTERN} characters"));
            }
        }
    }
}
