//! How passwords and session keys travel in the Regist contract: 3DES under a key that is made of the official session
//! key and the password itself. Who does not know the password cannot open what it wraps.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use des::TdesEde3;
use des::cipher::{Array, BlockCipherEncrypt as _, BlockModeEncrypt as _, KeyInit as _, KeyIvInit as _};
use md5::Md5;
use sha2::{Digest as _, Sha256};

use crate::config::Regist;

const BLOCK: usize = 8;
/// Bytes of a wrapped password: 32 characters, with a block of padding and without.
const PADDED: usize = 40;
const BARE: usize = 32;

/// ECB, or CBC with a fixed IV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Ecb,
    Cbc([u8; BLOCK]),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    Pkcs7,
    /// The text must fill its blocks.
    None,
}

/// The construction that this server and its clients agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wrapping {
    pub mode: Mode,
    pub padding: Padding,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unwrappable {
    #[error("the key has equal parts, so that it would be no triple encryption")]
    WeakKey,
    #[error("without padding the text must have a multiple of 8 bytes")]
    NotAligned,
}

impl Wrapping {
    /// `mode`, `iv` (16 hex digits, used by `cbc` only) and `padding` as the settings spell them.
    ///
    /// Errors: which of the three is wrong.
    pub fn parse(mode: &str, iv: &str, padding: &str) -> Result<Self, &'static str> {
        let mode = match mode {
            "ecb" => Mode::Ecb,
            "cbc" => {
                let mut bytes = [0; BLOCK];
                hex::decode_to_slice(iv, &mut bytes).map_err(|_| "the IV must be 16 hex digits")?;
                Mode::Cbc(bytes)
            }
            _ => return Err("the mode must be ecb or cbc"),
        };
        let padding = match padding {
            "pkcs7" => Padding::Pkcs7,
            "none" => Padding::None,
            _ => return Err("the padding must be pkcs7 or none"),
        };
        Ok(Self { mode, padding })
    }

    /// Of the settings, which were checked at the start.
    pub fn of(settings: &Regist) -> Result<Self, &'static str> {
        Self::parse(&settings.wrap_mode, &settings.wrap_iv, &settings.wrap_padding)
    }

    /// Whether a text may be a wrapped password: base64 of 40 bytes, or of 32 that need no padding.
    pub fn may_be_password(&self, text: &str) -> bool {
        let bytes = STANDARD.decode(text).map_or(0, |bytes| bytes.len());
        bytes == BARE || (bytes == PADDED && self.padding == Padding::Pkcs7)
    }

    /// `text` under the session key and a password of which only `upper_md5` is known; base64.
    ///
    /// Errors: `WeakKey`, `NotAligned`.
    pub fn wrap(&self, session_key: &str, password_md5: &str, text: &str) -> Result<String, Unwrappable> {
        let key = key(session_key, password_md5);
        let same = |one: usize, other: usize| {
            // The lowest bit of each byte is parity, which the cipher does not use.
            (0..BLOCK).all(|at| key[one * BLOCK + at] & 0xfe == key[other * BLOCK + at] & 0xfe)
        };
        if same(0, 1) || same(1, 2) {
            return Err(Unwrappable::WeakKey);
        }
        let mut bytes = text.as_bytes().to_vec();
        match self.padding {
            Padding::Pkcs7 => {
                let missing = BLOCK - bytes.len() % BLOCK;
                bytes.extend(std::iter::repeat_n(missing as u8, missing));
            }
            Padding::None if !bytes.len().is_multiple_of(BLOCK) => return Err(Unwrappable::NotAligned),
            Padding::None => {}
        }
        let key = Array::from(key);
        let blocks = bytes.as_chunks_mut::<BLOCK>().0.iter_mut().map(<&mut Array<u8, _>>::from);
        match self.mode {
            Mode::Ecb => {
                let cipher = TdesEde3::new(&key);
                blocks.for_each(|block| cipher.encrypt_block(block));
            }
            Mode::Cbc(iv) => {
                let mut cipher = cbc::Encryptor::<TdesEde3>::new(&key, &iv.into());
                blocks.for_each(|block| cipher.encrypt_block(block));
            }
        }
        Ok(STANDARD.encode(bytes))
    }

    /// What a client sends as `password`. Errors: as `wrap`.
    pub fn wrap_password(&self, session_key: &str, password: &str) -> Result<String, Unwrappable> {
        let hash = upper_md5(password);
        self.wrap(session_key, &hash, &hash)
    }
}

/// Upper-case hex of MD5: 32 characters.
pub fn upper_md5(text: &str) -> String {
    hex::encode_upper(Md5::digest(text.as_bytes()))
}

/// The first 24 bytes of SHA-256 over the session key and the hashed password.
fn key(session_key: &str, password_md5: &str) -> [u8; 24] {
    let hash: [u8; 32] = Sha256::new().chain_update(session_key).chain_update(password_md5).finalize().into();
    let mut key = [0; 24];
    key.copy_from_slice(&hash[..24]);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors() -> Vec<serde_json::Value> {
        let file: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/vectors/tripledes.json")).unwrap();
        file["vectors"].as_array().unwrap().clone()
    }

    #[test]
    fn every_construction_of_the_vectors() {
        let vectors = vectors();
        assert_eq!(vectors.len(), 8);
        for vector in &vectors {
            let text = |name: &str| vector[name].as_str().unwrap();
            let (session_key, password) = (text("session_key"), text("password"));
            let (hash, plain) = (upper_md5(password), text("plaintext"));
            assert_eq!(hash, text("upper_md5"));
            assert_eq!(hex::encode(key(session_key, &hash)), text("key24_hex"));
            let first8 = text("key24_hex")[..16].to_owned();
            let last8 = text("sha256_hex")[48..].to_owned();
            for (name, mode, iv, padding) in [
                ("ecb_pkcs7", "ecb", "", "pkcs7"),
                ("cbc_zero_iv_pkcs7", "cbc", "0000000000000000", "pkcs7"),
                ("cbc_iv_first8_of_key_pkcs7", "cbc", first8.as_str(), "pkcs7"),
                ("cbc_iv_last8_of_sha256_pkcs7", "cbc", last8.as_str(), "pkcs7"),
                ("ecb_nopad", "ecb", "", "none"),
            ] {
                let wrapping = Wrapping::parse(mode, iv, padding).unwrap();
                let wrapped = wrapping.wrap(session_key, &hash, plain);
                assert_eq!(wrapped.ok().as_deref(), vector[name].as_str(), "{} {name}", text("name"));
                if plain == hash {
                    let wrapped = wrapping.wrap_password(session_key, password).unwrap();
                    assert_eq!(wrapped, text(name));
                    assert!(wrapping.may_be_password(&wrapped));
                }
            }
        }
    }

    #[test]
    fn what_may_be_a_password_depends_on_the_padding() {
        let pkcs7 = Wrapping::parse("ecb", "", "pkcs7").unwrap();
        let none = Wrapping::parse("ecb", "", "none").unwrap();
        let blob = |bytes: usize| STANDARD.encode(vec![7; bytes]);
        assert!(pkcs7.may_be_password(&blob(40)) && pkcs7.may_be_password(&blob(32)));
        assert!(!none.may_be_password(&blob(40)) && none.may_be_password(&blob(32)));
        for bad in [
            "".to_owned(),
            "c2FtcGxl".to_owned(),
            blob(24),
            blob(48),
            blob(39),
            blob(40).replace('B', "-"),
            blob(40).trim_end_matches('=').to_owned(),
            format!(" {}", blob(40)),
            "跑步".to_owned(),
        ] {
            assert!(!pkcs7.may_be_password(&bad), "{bad}");
        }
    }

    #[test]
    fn texts_of_any_length_are_wrapped_only_with_padding() {
        let (pkcs7, none) = (Wrapping::parse("ecb", "", "pkcs7"), Wrapping::parse("ecb", "", "none"));
        let wrap = |how: Result<Wrapping, &str>, text: &str| how.unwrap().wrap("key", &upper_md5("x"), text);
        assert_eq!(STANDARD.decode(wrap(pkcs7, "12345").unwrap()).unwrap().len(), 8);
        assert_eq!(STANDARD.decode(wrap(pkcs7, "12345678").unwrap()).unwrap().len(), 16);
        assert_eq!(wrap(none, "12345"), Err(Unwrappable::NotAligned));
        assert_eq!(STANDARD.decode(wrap(none, "12345678").unwrap()).unwrap().len(), 8);
    }

    #[test]
    fn settings_that_are_none_are_named() {
        assert!(Wrapping::parse("ofb", "", "pkcs7").is_err());
        assert!(Wrapping::parse("cbc", "00", "pkcs7").is_err());
        assert!(Wrapping::parse("ecb", "", "zero").is_err());
    }
}
