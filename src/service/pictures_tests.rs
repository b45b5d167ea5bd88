use image::RgbImage;
use image::codecs::gif::GifEncoder;

use super::*;

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let image = RgbImage::from_fn(width, height, |x, y| image::Rgb([(x % 256) as u8, (y % 256) as u8, 9]));
    image.write_with_encoder(PngEncoder::new(&mut bytes)).unwrap();
    bytes
}

#[test]
fn the_same_picture_has_the_same_name() {
    let one = encode(decode(&png(30, 20), HEAD).unwrap(), HEAD.side).unwrap();
    let two = encode(decode(&png(30, 20), HEAD).unwrap(), HEAD.side).unwrap();
    assert_eq!(one.stored, two.stored);
    assert_eq!((one.stored.width, one.stored.height), (30, 20));
    assert!(one.stored.path.starts_with("/uploads/") && one.stored.path.ends_with(".jpg"));
    assert_eq!(content_type(one.stored.path.trim_start_matches(PREFIX)), Some("image/jpeg"));
    assert_ne!(one.stored.path, encode(decode(&png(31, 20), HEAD).unwrap(), HEAD.side).unwrap().stored.path);
}

#[test]
fn large_pictures_are_scaled_down() {
    let stored = encode(decode(&png(1280, 320), HEAD).unwrap(), HEAD.side).unwrap().stored;
    assert_eq!((stored.width, stored.height), (640, 160));
}

/// A small file that says it is 20,000 by 20,000 pixels.
#[test]
fn a_picture_is_judged_before_its_pixels_are_made() {
    let mut bomb = png(1, 1);
    bomb[16..20].copy_from_slice(&20_000_u32.to_be_bytes());
    bomb[20..24].copy_from_slice(&20_000_u32.to_be_bytes());
    let crc = crc32(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&crc.to_be_bytes());
    assert!(matches!(decode(&bomb, PAGE), Err(DomainError::BadPicture(_))));
    for none in [&b""[..], b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", &png(3, 3)[..40]] {
        assert!(matches!(decode(none, PAGE), Err(DomainError::BadPicture(_))));
    }
}

#[test]
fn a_head_has_fewer_pixels_than_a_page() {
    let large = png(3_000, 2_001);
    assert!(matches!(decode(&large, HEAD), Err(DomainError::BadPicture(reason)) if reason.contains("pixels")));
    assert_eq!(decode(&large, PAGE).unwrap().width(), 3_000);
    assert!(decode(&png(3_000, 2_000), HEAD).is_ok());
}

#[test]
fn a_picture_of_many_scans_is_not_decoded() {
    let refused = decode(&picture_shape::tests::of_scans(95), PAGE);
    assert!(matches!(refused, Err(DomainError::BadPicture(reason)) if reason.contains("scans")));
}

/// Frames that would fill the memory, if they were all decoded.
#[test]
fn of_an_animation_only_the_first_frame_is_kept() {
    let mut raw = Vec::new();
    {
        let mut encoder = GifEncoder::new(&mut raw);
        for shade in 0..200_u8 {
            let frame = image::RgbaImage::from_pixel(600, 400, image::Rgba([shade, 0, 0, 255]));
            encoder.encode_frame(image::Frame::new(frame)).unwrap();
        }
    }
    let kept = decode(&raw, HEAD).unwrap();
    assert_eq!((kept.width(), kept.height()), (600, 400));
    assert!(kept.to_rgb8().get_pixel(0, 0).0[0] < 10, "the first one");
}

#[test]
fn what_was_saved_meanwhile_is_not_removed() {
    let folder = tempfile::tempdir().unwrap();
    let picture = encode(decode(&png(30, 20), HEAD).unwrap(), HEAD.side).unwrap();
    let path = folder.path().join(picture.stored.path.trim_start_matches(PREFIX));
    let began = SystemTime::now();
    let old = began.checked_sub(Duration::from_secs(3600)).unwrap();
    let age = || fs::File::open(&path).unwrap().set_modified(old).unwrap();
    store(folder.path(), &picture).unwrap();
    age();
    store(folder.path(), &picture).unwrap();
    assert!(!remove(&path, began).unwrap(), "saved after the removal began");
    assert_eq!(fs::read(&path).unwrap(), picture.bytes);
    age();
    assert!(remove(&path, began).unwrap());
    assert!(!path.exists() && !remove(&path, began).unwrap());
    // Saved between the two steps of a removal.
    store(folder.path(), &picture).unwrap();
    fs::rename(&path, path.with_added_extension(GONE)).unwrap();
    store(folder.path(), &picture).unwrap();
    assert_eq!(fs::read(&path).unwrap(), picture.bytes);
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[test]
fn only_our_own_names_are_read() {
    let hash = "ab".repeat(32);
    assert_eq!(content_type(&format!("ab/{hash}.png")), Some("image/png"));
    for bad in [
        String::new(),
        "../matchday.db".to_owned(),
        format!("cd/{hash}.png"),
        format!("ab/{hash}.part"),
        format!("ab/{hash}.jpg/.."),
        format!("ab/../ab/{hash}.png"),
        format!("ab/{}.png", hash.to_uppercase()),
    ] {
        assert_eq!(content_type(&bad), None, "{bad}");
    }
}
