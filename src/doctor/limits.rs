//! Limits that let through what they are there to stop.

use super::Finding;
use crate::config::{Config, Environment};

const ABOUT: &str = "limits";
/// Short messages on one day that no person or house needs, and that an organiser pays for.
const MANY_PER_PHONE: u32 = 50;
const MANY_PER_ADDRESS: u32 = 5_000;
/// More codes on one day than the largest opening needs.
const MANY_IN_ALL: u32 = 500_000;

pub fn examine(config: &Config) -> Vec<Finding> {
    let mut found = Vec::new();
    if config.environment == Environment::Production && !config.limits.enabled {
        found.push(Finding::warning(
            ABOUT,
            "limits.enabled is false: nothing bounds what one account or address does, nor the short messages that it \
             costs. Set it to true",
        ));
    }
    if config.pictures.free_disk_bytes == 0 {
        found.push(Finding::warning(
            ABOUT,
            "pictures.free_disk_bytes is 0: uploads may fill the disk on which registrations are stored. Keep some free",
        ));
    }
    if !["none", "sandbox"].contains(&config.sms.provider.as_str()) {
        found.extend(messages(config));
    }
    if found.is_empty() { vec![Finding::ok(ABOUT, "what one account or address may do is bounded")] } else { found }
}

fn messages(config: &Config) -> Vec<Finding> {
    let sms = &config.sms;
    let mut found = Vec::new();
    for (key, value, many) in [
        ("sms.per_phone_per_day", sms.per_phone_per_day, MANY_PER_PHONE),
        ("sms.per_address_per_day", sms.per_address_per_day, MANY_PER_ADDRESS),
        ("sms.strangers_per_address_per_day", sms.strangers_per_address_per_day, MANY_PER_ADDRESS),
    ] {
        if value > many {
            let words = format!(
                "{key} is {value}: so many short messages a day are sent at one caller's wish and at your cost. Keep it \
                 at {many} or less"
            );
            found.push(Finding::warning(ABOUT, words));
        }
    }
    if sms.per_day > MANY_IN_ALL {
        let words = format!(
            "sms.per_day is {}: this is the budget that an attack from many addresses can spend in a day. Keep it near \
             what the opening needs",
            sms.per_day
        );
        found.push(Finding::warning(ABOUT, words));
    }
    if sms.strangers_per_phone_per_day >= sms.per_phone_per_day {
        found.push(Finding::warning(
            ABOUT,
            "sms.strangers_per_phone_per_day is not below sms.per_phone_per_day: a stranger can use up the codes of a \
             phone's owner. Keep it below",
        ));
    }
    if sms.strangers_per_address_per_day > sms.per_address_per_day {
        found.push(Finding::warning(
            ABOUT,
            "sms.strangers_per_address_per_day is above sms.per_address_per_day: strangers can use up what those who \
             are signed in need. Keep it below",
        ));
    }
    found
}
