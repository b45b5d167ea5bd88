//! From when until when an X.509 certificate is good: the few bytes of its DER that say so.

use anyhow::Context as _;
use chrono::{NaiveDateTime, TimeZone as _, Utc};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use webpki::EndEntityCert;

/// In milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    pub from_ms: i64,
    pub until_ms: i64,
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The version stands before the serial number, under a tag of its own, and may be missing.
const VERSION: u8 = 0xa0;

/// Of the first certificate in a PEM.
///
/// Errors: not a PEM of a certificate.
pub fn validity(pem: &str) -> anyhow::Result<Validity> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).context("the certificate is not PEM")?;
    EndEntityCert::try_from(&certificate).map_err(|reason| anyhow::anyhow!("not a certificate: {reason}"))?;
    dates(&certificate).context("the certificate has no readable dates")
}

fn dates(certificate: &[u8]) -> Option<Validity> {
    let (certificate, _) = element(certificate, SEQUENCE)?;
    let (mut fields, _) = element(certificate, SEQUENCE)?;
    if let Some((_, rest)) = element(fields, VERSION) {
        fields = rest;
    }
    for tag in [INTEGER, SEQUENCE, SEQUENCE] {
        fields = element(fields, tag)?.1;
    }
    let (validity, _) = element(fields, SEQUENCE)?;
    let (from_ms, rest) = time(validity)?;
    let (until_ms, _) = time(rest)?;
    Some(Validity { from_ms, until_ms })
}

/// The content of the element at the front, which has `tag`, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<2>()?;
    if head[0] != tag {
        return None;
    }
    let (length, rest) = match head[1] {
        short @ ..0x80 => (usize::from(short), rest),
        long => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f)).filter(|(it, _)| it.len() <= 4)?;
            (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), rest)
        }
    };
    rest.split_at_checked(length)
}

fn time(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let ((text, rest), short) = match element(bytes, UTC_TIME) {
        Some(found) => (found, true),
        None => (element(bytes, GENERALIZED_TIME)?, false),
    };
    let text = std::str::from_utf8(text).ok()?;
    // Two digits of a year mean 1950 to 2049.
    let century = match (short, text.get(..2)?) {
        (false, _) => "",
        (true, year) if year < "50" => "20",
        (true, _) => "19",
    };
    let time = NaiveDateTime::parse_from_str(&format!("{century}{text}"), "%Y%m%d%H%M%SZ").ok()?;
    Some((Utc.from_utc_datetime(&time).timestamp_millis(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &str = include_str!("../../tests/support/wechat_keys/merchant.cert.pem");

    #[test]
    fn the_dates_of_a_certificate() {
        let dates = validity(CERTIFICATE).unwrap();
        let text = |ms: i64| chrono::DateTime::from_timestamp_millis(ms).unwrap().to_rfc3339();
        insta::assert_snapshot!(format!("{} {}", text(dates.from_ms), text(dates.until_ms)), @"2026-11-22T07:30:27+00:00 2126-10-29T07:30:27+00:00");
        for bad in ["", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(validity(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn both_ways_to_write_a_time_and_no_others() {
        let at = |tag: u8, text: &str| {
            let bytes = [&[tag, text.len() as u8], text.as_bytes()].concat();
            time(&bytes).map(|(ms, _)| ms / 1000)
        };
        assert_eq!(at(UTC_TIME, "700101000001Z"), Some(1));
        assert_eq!(at(UTC_TIME, "490101000000Z"), Some(2_493_072_000));
        assert_eq!(at(GENERALIZED_TIME, "20500101000000Z"), Some(2_524_608_000));
        for (tag, text) in [(UTC_TIME, ""), (UTC_TIME, "7001010000Z"), (GENERALIZED_TIME, "700101000001Z"), (2, "1")] {
            assert_eq!(at(tag, text), None, "{text}");
        }
        // Lengths that reach beyond the end.
        for bytes in [&[SEQUENCE][..], &[SEQUENCE, 5, 0], &[SEQUENCE, 0x84, 255, 255, 255, 255], &[SEQUENCE, 0x85, 1]] {
            assert_eq!(element(bytes, SEQUENCE), None, "{bytes:?}");
        }
    }
}
