//! From when until when an X.509 certificate is good.

use std::time::Duration;

use anyhow::Context as _;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::time::Time;

/// In milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    pub from_ms: i64,
    pub until_ms: i64,
}

/// Of the first certificate in a PEM.
///
/// Errors: not a PEM of a certificate.
pub fn validity(pem: &str) -> anyhow::Result<Validity> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).context("the certificate is not PEM")?;
    let certificate = Certificate::from_der(&der).context("not a certificate")?;
    let validity = certificate.tbs_certificate().validity();
    Ok(Validity { from_ms: ms(&validity.not_before), until_ms: ms(&validity.not_after) })
}

fn ms(time: &Time) -> i64 {
    let since_1970: Duration = time.to_unix_duration();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEQUENCE: u8 = 0x30;
    const UTC_TIME: u8 = 0x17;
    const GENERALIZED_TIME: u8 = 0x18;

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
            Time::from_der(&bytes).ok().map(|time| ms(&time) / 1000)
        };
        assert_eq!(at(UTC_TIME, "700101000001Z"), Some(1));
        assert_eq!(at(UTC_TIME, "490101000000Z"), Some(2_493_072_000));
        assert_eq!(at(GENERALIZED_TIME, "20500101000000Z"), Some(2_524_608_000));
        for (tag, text) in [(UTC_TIME, ""), (UTC_TIME, "7001010000Z"), (GENERALIZED_TIME, "700101000001Z"), (2, "1")] {
            assert_eq!(at(tag, text), None, "{text}");
        }
        // Lengths that reach beyond the end.
        for bytes in [&[SEQUENCE][..], &[SEQUENCE, 5, 0], &[SEQUENCE, 0x84, 255, 255, 255, 255], &[SEQUENCE, 0x85, 1]] {
            assert!(Certificate::from_der(bytes).is_err(), "{bytes:?}");
        }
    }
}
