//! Argon2id on the blocking threads, a few at a time: a flood of sign-ins must not take every core.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use actors::domain::caller_address::CallerAddress;
use actors::error::{DomainError, Result};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::address_key::AddressKey;
use super::counts::{count, discount};

/// Hashes that are worked out at the same time.
const PERMITS: usize = 2;
/// Callers that may wait for a permit, and for how long; further ones are told `Busy`.
const WAITING: usize = 32;
const WAIT: Duration = Duration::from_secs(5);
/// Of these places, how many one application may have, and how many of its calls may wait for one of them.
const SHARE: usize = 8;
const WAITING_FOR_SHARE: usize = 64;
/// Of the places, how many one network address may have where anybody may try.
const PLACES_OF_ADDRESS: u32 = 8;
/// Shares that are remembered, beside those in use.
const REMEMBERED: usize = 64;

/// Longest password that is hashed, in bytes.
pub const MAX_BYTES: usize = 256;

#[derive(Clone)]
pub struct Passwords {
    permits: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    shares: Arc<Mutex<HashMap<i64, Share>>>,
    addresses: Addresses,
}

/// Places in use by network address.
type Addresses = Arc<Mutex<HashMap<AddressKey, u32>>>;

impl Default for Passwords {
    fn default() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(PERMITS)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            shares: Arc::default(),
            addresses: Addresses::default(),
        }
    }
}

/// What one application has of the places.
#[derive(Clone)]
struct Share {
    places: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Share {
    fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(SHARE)), waiting: Arc::new(Semaphore::new(WAITING_FOR_SHARE)) }
    }

    fn in_use(&self) -> bool {
        Arc::strong_count(&self.places) > 1
    }
}

/// A place among those who may wait for work on a password, until it is dropped or used.
pub struct Place {
    permits: Arc<Semaphore>,
    _place: OwnedSemaphorePermit,
    _of_address: Option<OfAddress>,
}

struct OfAddress {
    address: AddressKey,
    addresses: Addresses,
}

impl Drop for OfAddress {
    fn drop(&mut self) {
        discount(&mut self.addresses.lock().unwrap_or_else(PoisonError::into_inner), self.address);
    }
}

impl Passwords {
    /// Errors: `Busy`.
    pub fn place(&self) -> Result<Place> {
        let place = self.waiting.clone().try_acquire_owned().map_err(|_| DomainError::BUSY)?;
        Ok(Place { permits: self.permits.clone(), _place: place, _of_address: None })
    }

    /// A place for a caller from a network address, which leaves places to others.
    ///
    /// Errors: `Busy`.
    pub fn place_of(&self, address: CallerAddress) -> Result<Place> {
        let address = AddressKey::of(address);
        let mut in_use = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        count(&mut in_use, address, PLACES_OF_ADDRESS).map_err(|_| DomainError::BUSY)?;
        drop(in_use);
        let of_address = OfAddress { address, addresses: self.addresses.clone() };
        Ok(Place { _of_address: Some(of_address), ..self.place()? })
    }

    /// A part of an application's share, to be held while its call works on a password, so that one application's flood
    /// leaves places to everybody else.
    ///
    /// Errors: `Busy`.
    pub async fn share(&self, application: i64) -> Result<OwnedSemaphorePermit> {
        let share = {
            let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
            if shares.len() > REMEMBERED {
                shares.retain(|_, share| share.in_use());
            }
            shares.entry(application).or_insert_with(Share::new).clone()
        };
        let _waiting = share.waiting.try_acquire().map_err(|_| DomainError::BUSY)?;
        let place = tokio::time::timeout(WAIT, share.places.acquire_owned()).await;
        place.map_err(|_| DomainError::BUSY)?.map_err(|_| DomainError::BUSY)
    }

    /// The PHC text of a password with a new salt. Errors: `Busy`.
    pub async fn hash(&self, password: &str) -> Result<String> {
        let password = password.to_owned();
        self.place()?.run(move || hash(&password)).await?
    }

    /// As `hash`, in one of the places of a network address. Errors: `Busy`.
    pub async fn hash_of(&self, address: CallerAddress, password: &str) -> Result<String> {
        let password = password.to_owned();
        self.place_of(address)?.run(move || hash(&password)).await?
    }

    /// As `Place::verify`. Errors: `Busy`.
    pub async fn verify(&self, password: &str, stored: Option<String>) -> Result<bool> {
        self.place()?.verify(password, stored).await
    }
}

impl Place {
    /// Whether `password` is the one of `stored`. Without a stored one the same work is done for nothing, so that time
    /// does not tell which names exist. Errors: `Busy`.
    pub async fn verify(self, password: &str, stored: Option<String>) -> Result<bool> {
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

    async fn run<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
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

    #[actix_web::test]
    async fn an_ipv6_household_has_some_places_and_no_more() {
        let passwords = Passwords::default();
        let address = |text: &str| CallerAddress::known(text.parse().unwrap());
        let held: Vec<_> =
            (0..PLACES_OF_ADDRESS).map(|at| passwords.place_of(address(&format!("2001:db8::{at}"))).unwrap()).collect();
        assert!(matches!(passwords.place_of(address("2001:db8::ffff")), Err(DomainError::BUSY)));
        assert!(passwords.place_of(address("2001:db8:0:1::1")).is_ok(), "the household next door is served");
        drop(held);
        assert!(passwords.place_of(address("2001:db8::1")).is_ok());
        assert!(passwords.addresses.lock().unwrap().is_empty());
    }

    #[actix_web::test]
    async fn an_application_has_a_share_and_no_more() {
        let passwords = Passwords::default();
        let mut held = Vec::new();
        for _ in 0..SHARE {
            held.push(passwords.share(1).await.unwrap());
        }
        let mut ninth = std::pin::pin!(passwords.share(1));
        assert!(futures_util::poll!(&mut ninth).is_pending());
        assert!(passwords.share(2).await.is_ok(), "another application is served");
        assert!(passwords.hash("x").await.is_ok(), "and everybody else");
        let mut waiting: Vec<_> = (1..WAITING_FOR_SHARE).map(|_| Box::pin(passwords.share(1))).collect();
        for call in &mut waiting {
            assert!(futures_util::poll!(call).is_pending());
        }
        assert!(matches!(passwords.share(1).await, Err(DomainError::BUSY)));
        held.pop();
        assert!(ninth.await.is_ok());
        drop((held, waiting));
        for application in 0..1_000 {
            drop(passwords.share(application).await.unwrap());
        }
        assert!(passwords.shares.lock().unwrap().len() <= REMEMBERED + 1);
    }
}
