//! AES-128-CBC under an application's key pair, and the signature over the plain text. The initialisation vector is the
//! secret, always the same: equal texts have equal codes. The wire is as it is; TLS has to hide it.

use aes::Aes128;
use aes::cipher::block_padding::{NoPadding, Pkcs7};
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use md5::{Digest, Md5};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater, ConstantTimeLess};

const BLOCK: usize = 16;
const KEY_LENGTH: usize = 32;
const SECRET_LENGTH: usize = 16;
const SECRET_LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

const ANY_PADDING: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const LENIENT: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING);

/// What an application and this server share.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPair {
    key: String,
    secret: String,
}

impl KeyPair {
    /// `None` unless `key` is 32 lower-case hex digits and `secret` 16 letters and digits.
    pub fn new(key: &str, secret: &str) -> Option<Self> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let fits = key.len() == KEY_LENGTH
            && key.bytes().all(hex)
            && secret.len() == SECRET_LENGTH
            && secret.bytes().all(|byte| byte.is_ascii_alphanumeric());
        fits.then(|| Self { key: key.to_owned(), secret: secret.to_owned() })
    }

    /// A new pair of 128 and 95 random bits.
    pub fn random() -> Self {
        let key: [u8; BLOCK] = rand::random();
        let letter = || loop {
            // Bytes above the last whole multiple would favour the first letters.
            let byte = usize::from(rand::random::<u8>());
            if byte < SECRET_LETTERS.len() * 4 {
                return char::from(SECRET_LETTERS[byte % SECRET_LETTERS.len()]);
            }
        };
        Self { key: hex::encode(key), secret: (0..SECRET_LENGTH).map(|_| letter()).collect() }
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Whether `key` is this pair's, told in the same time for every wrong one of its length.
    pub fn has_key(&self, key: &str) -> bool {
        self.key.as_bytes().ct_eq(key.as_bytes()).into()
    }

    /// The cipher takes the text's first 16 bytes, and not what its hex means.
    fn cipher_key(&self) -> [u8; BLOCK] {
        first_block(&self.key)
    }

    fn vector(&self) -> [u8; BLOCK] {
        first_block(&self.secret)
    }

    fn sign(&self, plain: &[u8]) -> String {
        let mut hash = Md5::new();
        hash.update(plain);
        hash.update(&self.key);
        hash.update(&self.secret);
        hex::encode_upper(hash.finalize())
    }
}

fn first_block(text: &str) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    for (to, from) in block.iter_mut().zip(text.bytes()) {
        *to = from;
    }
    block
}

/// A sealed text as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Base64 in the alphabet of addresses, without padding.
    pub code: String,
    /// 32 upper-case hex digits.
    pub sign: String,
}

pub fn seal(pair: &KeyPair, plain: &str) -> Sealed {
    let mut buffer = vec![0; plain.len() + BLOCK];
    buffer[..plain.len()].copy_from_slice(plain.as_bytes());
    let cipher = cbc::Encryptor::<Aes128>::new(&pair.cipher_key().into(), &pair.vector().into());
    let Ok(sealed) = cipher.encrypt_padded::<Pkcs7>(&mut buffer, plain.len()) else {
        unreachable!("the buffer has room for a block of padding");
    };
    Sealed { code: URL_SAFE_NO_PAD.encode(sealed), sign: pair.sign(plain.as_bytes()) }
}

/// The signed plain text, or `None` for a code that is none, that does not decrypt, or whose sign is another: which of
/// these it was can be told neither from the answer nor from the work, for the sign is always worked out.
pub fn open(pair: &KeyPair, code: &str, sign: &str) -> Option<Vec<u8>> {
    open_with(pair, code, sign, |text| pair.sign(text))
}

/// As `open`, with what works the sign out.
fn open_with(pair: &KeyPair, code: &str, sign: &str, work_out: impl FnOnce(&[u8]) -> String) -> Option<Vec<u8>> {
    let (mut text, readable) = blocks(code);
    let cipher = cbc::Decryptor::<Aes128>::new(&pair.cipher_key().into(), &pair.vector().into());
    if cipher.decrypt_padded::<NoPadding>(&mut text).is_err() {
        unreachable!("whole blocks without padding always decrypt");
    }
    let (length, padded) = unpadded(&text);
    text.truncate(length);
    let signed = work_out(&text).as_bytes().ct_eq(sign.as_bytes());
    bool::from(readable & padded & signed).then_some(text)
}

/// The bytes of a code as one or more whole blocks; of one that is none as many, which say nothing.
fn blocks(code: &str) -> (Vec<u8>, Choice) {
    let plain: String = code
        .chars()
        .map(|letter| match letter {
            '+' => '-',
            '/' => '_',
            other => other,
        })
        .collect();
    match LENIENT.decode(&plain) {
        Ok(bytes) if !bytes.is_empty() && bytes.len().is_multiple_of(BLOCK) => (bytes, Choice::from(1)),
        _ => {
            let mut bytes = code.as_bytes()[..code.len() / 4 * 3].to_vec();
            bytes.resize((bytes.len() / BLOCK).max(1) * BLOCK, 0);
            (bytes, Choice::from(0))
        }
    }
}

/// How long the text is without its PKCS#7 padding, and whether that is one. Every byte of the last block is looked at.
fn unpadded(text: &[u8]) -> (usize, Choice) {
    let Some(tail) = text.last_chunk::<BLOCK>() else { return (0, Choice::from(0)) };
    let padding = tail[BLOCK - 1];
    let mut valid = padding.ct_gt(&0) & padding.ct_lt(&(BLOCK as u8 + 1));
    for (back, byte) in (0_u8..).zip(tail.iter().rev()) {
        valid &= !back.ct_lt(&padding) | byte.ct_eq(&padding);
    }
    let cut = u8::conditional_select(&0, &padding, valid);
    (text.len() - usize::from(cut), valid)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pair() -> KeyPair {
        KeyPair::new("0123456789abcdef0123456789abcdef", "AbCdEfGhIjKlMnOp").unwrap()
    }

    /// A code of these bytes, whatever they are, and the sign over `plain`.
    fn raw(bytes: &[u8], plain: &[u8]) -> Sealed {
        let mut buffer = bytes.to_vec();
        let cipher = cbc::Encryptor::<Aes128>::new(&pair().cipher_key().into(), &pair().vector().into());
        let length = buffer.len();
        let code = URL_SAFE_NO_PAD.encode(cipher.encrypt_padded::<NoPadding>(&mut buffer, length).unwrap());
        Sealed { code, sign: pair().sign(plain) }
    }

    #[test]
    fn every_padding_but_the_right_one_is_refused() {
        for last in 0..=255_u8 {
            let block = [last; BLOCK];
            let text = &block[..BLOCK - usize::from(last).min(BLOCK)];
            let sealed = raw(&block, text);
            assert_eq!(open(&pair(), &sealed.code, &sealed.sign).is_some(), (1..=16).contains(&last), "{last}");
        }
        // The last byte says five, one of the five is another.
        for wrong in 11..15 {
            let mut block = [5; BLOCK];
            block[wrong] = 4;
            let sealed = raw(&block, &block[..11]);
            assert_eq!(open(&pair(), &sealed.code, &sealed.sign), None);
        }
    }

    #[test]
    fn codes_come_in_both_alphabets_with_and_without_padding() {
        // Found by trying: a text whose code has both letters that differ.
        let plain = (0..).map(|number| format!("{{\"a\":\"{number}\"}}")).find(|plain| {
            let code = seal(&pair(), plain).code;
            code.contains('-') && code.contains('_')
        });
        let plain = plain.unwrap();
        let Sealed { code, sign } = seal(&pair(), &plain);
        let standard = code.replace('-', "+").replace('_', "/");
        for text in [code.clone(), format!("{code}=="), standard.clone(), format!("{standard}==")] {
            assert_eq!(open(&pair(), &text, &sign).as_deref(), Some(plain.as_bytes()), "{text}");
        }
        for text in [String::new(), format!("{code} "), code.replace('-', " "), code[1..].to_owned(), "你".repeat(30)]
        {
            assert_eq!(open(&pair(), &text, &sign), None, "{text}");
        }
        assert_eq!(open(&pair(), &code, &sign.to_lowercase()), None);
        assert_eq!(open(&pair(), &code, ""), None);
    }

    /// The bytes that the sign was worked out over; none if it was not.
    fn signed_bytes(code: &str, sign: &str) -> Option<usize> {
        let mut signed = None;
        open_with(&pair(), code, sign, |text| {
            signed = Some(text.len());
            pair().sign(text)
        });
        signed
    }

    #[test]
    fn whatever_is_wrong_the_sign_is_worked_out_over_as_much() {
        let plain = "x".repeat(60_000);
        let Sealed { code, sign } = seal(&pair(), &plain);
        let unpadded = raw(&[0; 60_000], plain.as_bytes()).code;
        let cut = &code[..code.len() - 3];
        let strange = code.replacen(&code[..1], "!", 1);
        for code in [&code, &unpadded, cut, &strange, &"你".repeat(code.len() / 3)] {
            for sign in [sign.as_str(), "", &sign.to_lowercase()] {
                let signed = signed_bytes(code, sign).expect("always worked out");
                assert!(signed.abs_diff(plain.len()) <= 2 * BLOCK, "{signed}");
            }
        }
    }

    #[test]
    fn pairs_have_their_lengths() {
        let made = KeyPair::random();
        assert!(KeyPair::new(made.key(), made.secret()) == Some(made.clone()) && KeyPair::random() != made);
        for (key, secret) in [
            ("0123456789ABCDEF0123456789ABCDEF", "AbCdEfGhIjKlMnOp"),
            ("0123456789abcdef", "AbCdEfGhIjKlMnOp"),
            ("0123456789abcdef0123456789abcdef", "AbCdEfGhIjKlMnO"),
            ("0123456789abcdef0123456789abcdef", "AbCdEfGhIjKlMnOpQ"),
        ] {
            assert!(KeyPair::new(key, secret).is_none());
        }
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_with_its_pair_only(plain in ".{0,80}", flip in 0_usize..1000) {
            let sealed = seal(&pair(), &plain);
            let opened = open(&pair(), &sealed.code, &sealed.sign);
            prop_assert_eq!(opened.as_deref(), Some(plain.as_bytes()));
            prop_assert_eq!(open(&KeyPair::random(), &sealed.code, &sealed.sign), None);
            let mut bytes = URL_SAFE_NO_PAD.decode(&sealed.code).unwrap();
            let at = flip % (bytes.len() * 8);
            bytes[at / 8] ^= 1 << (at % 8);
            prop_assert_eq!(open(&pair(), &URL_SAFE_NO_PAD.encode(bytes), &sealed.sign), None);
        }

        #[test]
        fn noise_is_refused(code in ".{0,60}", sign in "[0-9A-F]{32}") {
            prop_assert_eq!(open(&pair(), &code, &sign), None);
        }
    }
}
