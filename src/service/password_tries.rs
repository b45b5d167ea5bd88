//! Tries at passwords. A try is taken before the password is looked at, so that guesses sent at once are counted like
//! guesses one after another, and given back unless the password was wrong.

use actors::domain::caller_address::CallerAddress;
use actors::error::{DomainError, Result};

use super::known_addresses::{self, Subject};
use super::limits::{Locked, Realm, Taken};
use crate::context::Context;

pub struct PasswordTry<'a> {
    subject: Subject<'a>,
    address: CallerAddress,
    taken: Taken,
}

/// Takes a try at the password of a folded name. Wrong passwords from elsewhere do not keep out an address from which the
/// person signed in during the last weeks.
///
/// Errors: `RateLimited`; `Busy` when it cannot be found out whether the address is known.
pub async fn begin<'a>(
    context: &Context,
    realm: Realm,
    address: CallerAddress,
    name: &'a str,
) -> Result<PasswordTry<'a>> {
    let subject = match realm {
        Realm::Admins => Subject::Admin(name),
        Realm::LoginNames => Subject::LoginName(name),
    };
    let taken = match context.limits.password_try(realm, address, name).await {
        Ok(taken) => taken,
        Err(Locked::Here(error)) => return Err(error),
        Err(Locked::Name(error)) => {
            if !known_addresses::is_known(context, subject, address).await? {
                return Err(error);
            }
            context.limits.password_try_of_known(realm, address, name).await?
        }
    };
    Ok(PasswordTry { subject, address, taken })
}

impl PasswordTry<'_> {
    /// Ends the try of somebody who is not signed in: a wrong password keeps it, anything else gives it back. Returns
    /// whether it was the last try for now.
    pub async fn failed(self, context: &Context, error: &DomainError) -> bool {
        if *error == DomainError::BadCredentials {
            return context.limits.is_used_up(&self.taken).await;
        }
        context.limits.give_back(&self.taken).await;
        false
    }

    /// Ends the try of somebody who is signed in now, and remembers the address.
    pub async fn succeeded(self, context: &Context) {
        context.limits.give_back(&self.taken).await;
        known_addresses::remember(context, self.subject, self.address).await;
    }
}
