//! What decoding a picture would cost, read from its markers before it is decoded. A small file can ask for much: each
//! scan of a progressive JPEG goes through all of its coefficients again, and each chunk of a PNG is kept apart.

use image::ImageFormat;

/// Encoders write 10 scans of a progressive picture, the most thorough ones 13.
const MOST_SCANS: usize = 20;
/// Of a PNG, besides its pixels. Encoders write some dozens.
const MOST_CHUNKS: usize = 1_000;

/// Why a picture would cost too much, if it would. `most_memory` is for its pixels and coefficients.
pub fn refuses(raw: &[u8], format: ImageFormat, most_memory: u64) -> Option<&'static str> {
    match format {
        ImageFormat::Jpeg => {
            let jpeg = Jpeg::of(raw);
            if jpeg.scans > MOST_SCANS {
                return Some("a JPEG of too many scans");
            }
            // A byte for each sample, and two for its coefficient, of which a progressive one keeps all.
            let each = if jpeg.progressive { 3 } else { 1 };
            (jpeg.samples.saturating_mul(each) > most_memory).then_some("too many pixels for a progressive JPEG")
        }
        ImageFormat::Png => (chunks(raw) > MOST_CHUNKS).then_some("a PNG of too many chunks"),
        // Of an animation only the first frame is decoded, and its size is known before.
        _ => None,
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Jpeg {
    scans: usize,
    progressive: bool,
    samples: u64,
}

impl Jpeg {
    /// Reads the markers as decoders do: what stands between two segments is passed over.
    fn of(raw: &[u8]) -> Self {
        let mut jpeg = Self::default();
        let mut at = 2;
        while let Some(found) = raw.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == 0xff)) {
            at += found + 1;
            let Some(marker) = raw.get(at) else { break };
            match marker {
                // Padding before a marker.
                0xff => continue,
                // A byte of the pixels, restarts and other marks without a segment.
                0x00 | 0x01 | 0xd0..=0xd8 => {}
                0xd9 if jpeg.scans > 0 => break,
                0xd9 => {}
                _ => {
                    let body = at + 1;
                    let Some([high, low]) = raw.get(body..body + 2) else { break };
                    match marker {
                        0xda => jpeg.scans += 1,
                        0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => jpeg.frame(raw, body, *marker),
                        _ => {}
                    }
                    at = body + usize::from(u16::from_be_bytes([*high, *low])).max(2);
                    continue;
                }
            }
            at += 1;
        }
        jpeg
    }

    /// Length, bits, height, width, components.
    fn frame(&mut self, raw: &[u8], body: usize, marker: u8) {
        let Some([_, _, _, h1, h2, w1, w2, components]) = raw.get(body..body + 8) else { return };
        let side = |high: &u8, low: &u8| u64::from(u16::from_be_bytes([*high, *low]));
        self.samples = self.samples.max(side(h1, h2) * side(w1, w2) * u64::from(*components));
        self.progressive |= matches!(marker, 0xc2 | 0xc6 | 0xca | 0xce);
    }
}

/// Chunks up to the last one that hold no pixels.
fn chunks(raw: &[u8]) -> usize {
    let (mut count, mut at) = (0, 8_usize);
    while let Some([a, b, c, d, kind @ ..]) = raw.get(at..at.saturating_add(8)) {
        if kind == b"IEND" {
            break;
        }
        count += usize::from(kind != b"IDAT");
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        // The length does not count itself, the name and the checksum.
        at = at.saturating_add(length).saturating_add(12);
    }
    count
}

#[cfg(test)]
pub(super) mod tests {
    use image::RgbImage;
    use image::codecs::jpeg::JpegEncoder;
    use image::codecs::png::PngEncoder;

    use super::*;

    const MEMORY: u64 = 1 << 27;

    fn jpeg(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        RgbImage::new(width, height).write_with_encoder(JpegEncoder::new(&mut bytes)).unwrap();
        bytes
    }

    /// A JPEG of 20 by 10 pixels whose only scan stands there many times, as a progressive one's do.
    pub fn of_scans(count: usize) -> Vec<u8> {
        let raw = jpeg(20, 10);
        let scan = raw.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
        let (head, rest) = raw.split_at(scan);
        let body = &rest[..rest.len() - 2];
        [head, &body.repeat(count), &[0xff, 0xd9]].concat()
    }

    /// The same, said to be progressive and of another size.
    fn as_progressive(width: u16, height: u16) -> Vec<u8> {
        let mut raw = jpeg(20, 10);
        let frame = raw.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        raw[frame + 1] = 0xc2;
        raw[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
        raw[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
        raw
    }

    #[test]
    fn scans_are_counted_before_anything_is_decoded() {
        assert_eq!(Jpeg::of(&jpeg(20, 10)), Jpeg { scans: 1, progressive: false, samples: 600 });
        assert_eq!(Jpeg::of(&of_scans(95)).scans, 95);
        assert_eq!(refuses(&of_scans(MOST_SCANS), ImageFormat::Jpeg, MEMORY), None);
        assert!(refuses(&of_scans(MOST_SCANS + 1), ImageFormat::Jpeg, MEMORY).unwrap().contains("scans"));
        // Padding and garbage between segments hide nothing.
        let padded = of_scans(30);
        let scan = padded.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
        let (head, rest) = padded.split_at(scan);
        assert_eq!(Jpeg::of(&[head, b"garbage", &[0xff; 5], rest].concat()).scans, 30);
        // A preview within a segment is no scan.
        let preview = jpeg(4, 4);
        let length = u16::try_from(preview.len() + 2).unwrap().to_be_bytes();
        let with_preview = [&[0xff, 0xd8, 0xff, 0xe1][..], &length, &preview, &jpeg(20, 10)[2..]].concat();
        assert_eq!(Jpeg::of(&with_preview).scans, 1);
        for cut in 0..preview.len() {
            let _ = Jpeg::of(&preview[..cut]);
        }
    }

    #[test]
    fn coefficients_of_progressive_pictures_count() {
        let (small, large) = (as_progressive(3_000, 3_000), as_progressive(6_000, 4_000));
        assert!(Jpeg::of(&small).progressive);
        assert_eq!(refuses(&small, ImageFormat::Jpeg, MEMORY), None);
        assert!(refuses(&large, ImageFormat::Jpeg, MEMORY).unwrap().contains("progressive"));
    }

    #[test]
    fn chunks_are_counted() {
        let mut raw = Vec::new();
        RgbImage::new(20, 10).write_with_encoder(PngEncoder::new(&mut raw)).unwrap();
        assert!(chunks(&raw) < 10);
        let text = [0, 0, 0, 2, b't', b'E', b'X', b't', b'a', 0, 0, 0, 0, 0];
        let many = [&raw[..33], &text.repeat(MOST_CHUNKS), &raw[33..]].concat();
        assert!(refuses(&many, ImageFormat::Png, MEMORY).unwrap().contains("chunks"));
        assert_eq!(refuses(&raw, ImageFormat::Png, MEMORY), None);
        let trailing = [&raw[..], &[0; 100_000]].concat();
        assert_eq!(refuses(&trailing, ImageFormat::Png, MEMORY), None, "what stands behind the end is not read");
        assert_eq!(chunks(&[0xff; 100]), 1, "a length beyond the end ends it");
    }
}
