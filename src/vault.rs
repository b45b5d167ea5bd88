//! The two secret keys at work: sealing personal data at rest, keyed hashes to look it up by, and the MACs of queue
//! tokens. Cryptography comes from the RustCrypto crates.

use actors::domain::phone;
use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

type HmacSha256 = Hmac<Sha256>;

/// Bytes of the nonce in front of a sealed text.
const NONCE_BYTES: usize = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sealed text cannot be opened with this key")]
pub struct Unsealable;

#[derive(Clone)]
pub struct Vault {
    cipher: Aes256Gcm,
    lookup: HmacSha256,
    token: HmacSha256,
}

impl Vault {
    /// `token_key` signs queue tokens, `data_key` protects personal data; 32 bytes each, the same on all nodes.
    pub fn new(token_key: &[u8; 32], data_key: &[u8; 32]) -> Self {
        // Two uses of the data key get two keys, so that a lookup hash says nothing about the cipher's.
        let derive = |purpose: &[u8]| -> [u8; 32] {
            let mut mac = hmac(data_key);
            mac.update(purpose);
            mac.finalize().into_bytes().into()
        };
        Self {
            cipher: Aes256Gcm::new(&derive(b"matchday/seal/1").into()),
            lookup: hmac(&derive(b"matchday/lookup/1")),
            token: hmac(token_key),
        }
    }

    /// Personal data as base64 of nonce and AES-256-GCM ciphertext.
    pub fn seal(&self, plain: &str) -> String {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let Ok(cipher) = self.cipher.encrypt(&Nonce::from(nonce), plain.as_bytes()) else {
            unreachable!("AES-GCM refuses only texts of 64 GiB and more");
        };
        let mut sealed = Vec::with_capacity(NONCE_BYTES + cipher.len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&cipher);
        STANDARD_NO_PAD.encode(sealed)
    }

    pub fn open(&self, sealed: &str) -> Result<String, Unsealable> {
        let sealed = STANDARD_NO_PAD.decode(sealed).map_err(|_| Unsealable)?;
        let (nonce, cipher) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(Unsealable)?;
        let plain = self.cipher.decrypt(&Nonce::from(*nonce), cipher).map_err(|_| Unsealable)?;
        String::from_utf8(plain).map_err(|_| Unsealable)
    }

    /// A keyed hash (32 hex, 128 bit) that finds equal data without showing it. `purpose` keeps uses apart.
    pub fn lookup_key(&self, purpose: &str, data: &[u8]) -> String {
        hex::encode(self.lookup_bytes(purpose, data))
    }

    /// As `lookup_key`, for what is not stored as text.
    pub fn lookup_bytes(&self, purpose: &str, data: &[u8]) -> [u8; 16] {
        let mut mac = self.lookup.clone();
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(data);
        short(mac)
    }

    /// What finds the owner of a phone number, however it is spelt.
    pub fn mobile_key(&self, number: &str) -> String {
        self.lookup_key("mobile", phone::canonical(number).as_bytes())
    }

    /// What finds the owner of a mail address, in whatever case it is written.
    pub fn email_key(&self, address: &str) -> String {
        self.lookup_key("email", address.trim().to_lowercase().as_bytes())
    }

    /// The first 16 bytes of a queue token's MAC.
    pub fn token_mac(&self, data: &[u8]) -> [u8; 16] {
        let mut mac = self.token.clone();
        mac.update(data);
        short(mac)
    }
}

fn short(mac: HmacSha256) -> [u8; 16] {
    let full: [u8; 32] = mac.finalize().into_bytes().into();
    let mut short = [0; 16];
    short.copy_from_slice(&full[..16]);
    short
}

fn hmac(key: &[u8; 32]) -> HmacSha256 {
    <HmacSha256 as KeyInit>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_text_opens_with_its_key_only() {
        let vault = Vault::new(&[1; 32], &[2; 32]);
        let sealed = vault.seal("张三 440106199001011234");
        assert_ne!(sealed, vault.seal("张三 440106199001011234"), "a nonce is never used twice");
        assert_eq!(vault.open(&sealed).as_deref(), Ok("张三 440106199001011234"));
        assert_eq!(Vault::new(&[1; 32], &[3; 32]).open(&sealed), Err(Unsealable));
        for bad in ["", "A", "AAAA", "!!", &sealed[..sealed.len() - 2]] {
            assert_eq!(vault.open(bad), Err(Unsealable), "{bad:?}");
        }
    }

    #[test]
    fn lookup_keys_depend_on_key_purpose_and_data() {
        let vault = Vault::new(&[1; 32], &[2; 32]);
        let key = vault.lookup_key("certificate", b"0|1");
        assert_eq!(key, vault.lookup_key("certificate", b"0|1"));
        assert_ne!(key, vault.lookup_key("certificate", b"0|2"));
        assert_ne!(key, vault.lookup_key("request", b"0|1"));
        assert_ne!(key, Vault::new(&[1; 32], &[3; 32]).lookup_key("certificate", b"0|1"));
        assert_eq!(vault.mobile_key("+86 138-0000-0001"), vault.mobile_key("13800000001"));
    }
}
