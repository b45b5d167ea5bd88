//! Argon2id on the blocking threads, a few at a time: a flood of sign-ins must not take every core.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actors::error::{DomainError, Result};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

/// Hashes that are worked out at the same time.
const PERMITS: usize = 2;
/// Callers that may wait for a permit, and for how long; further ones are told `Busy`.
const WAITING: usize = 32;
const WAIT: Duration = Duration::from_secs(5);

/// Longest password that is hashed, in bytes.
pub const MAX_BYTES: usize = 256;

#[derive(Clone)]
pub struct Passwords {
    permits: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(PERMITS)), waiting: Arc::new(Semaphore::new(WAITING)) }
    }
}

impl Passwords {
    /// The PHC text of a password with a new salt. Errors: `Busy`.
    pub async fn hash(&self, password: &str) -> Result<String> {
        let password = password.to_owned();
        self.run(move || hash(&password)).await?
    }

    /// Whether `password` is the one of `stored`. Without a stored one the same work is done for nothing, so that time
    /// does not tell which names exist. Errors: `Busy`.
    pub async fn verify(&self, password: &str, stored: Option<String>) -> Result<bool> {
        let password = password.to_owned();
        self.run(move || {
            let known = stored.is_some();
            let text = match &stored {
                Some(text) => text,
                None => nobody(),
            };
            let fits = PasswordHash::new(text)
                .is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok());
            known && fits
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _place = self.waiting.try_acquire().map_err(|_| DomainError::BUSY)?;
        let permit = tokio::time::timeout(WAIT, self.permits.clone().acquire_owned())
            .await
            .map_err(|_| DomainError::BUSY)?
            .map_err(|_| DomainError::BUSY)?;
        // The permit goes along: a caller that leaves does not stop the thread.
        let outcome = tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop(permit);
            outcome
        });
        outcome.await.map_err(|error| {
            tracing::error!(%error, "password work");
            DomainError::Internal
        })
    }
}

fn hash(password: &str) -> Result<String> {
    let salt: [u8; 16] = rand::random();
    let hashed: PasswordHash =
        Argon2::default().hash_password_with_salt(password.as_bytes(), &salt).map_err(|error| {
            tracing::error!(%error, "password hash");
            DomainError::Internal
        })?;
    Ok(hashed.to_string())
}

fn nobody() -> &'static str {
    static NOBODY: OnceLock<String> = OnceLock::new();
    NOBODY.get_or_init(|| hash("nobody").unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn only_the_right_password_fits() {
        let passwords = Passwords::default();
        let stored = passwords.hash("correct horse").await.unwrap();
        assert!(stored.starts_with("$argon2id$"), "{stored}");
        let again = passwords.hash("correct horse").await.unwrap();
        assert_ne!(stored, again, "salted");
        for (password, stored, fits) in [
            ("correct horse", Some(stored.clone()), true),
            ("correct hors", Some(stored), false),
            ("nobody", None, false),
            ("x", Some("not a hash".to_owned()), false),
        ] {
            assert_eq!(passwords.verify(password, stored).await, Ok(fits));
        }
    }

    #[actix_web::test]
    async fn a_flood_is_told_to_come_back() {
        let passwords = Passwords::default();
        let _all = passwords.waiting.try_acquire_many(WAITING as u32).unwrap();
        assert_eq!(passwords.hash("x").await, Err(DomainError::BUSY));
    }
}
