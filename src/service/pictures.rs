//! Pictures that people send: decoded within limits, turned upright, encoded anew (so that nothing but pixels is kept),
//! and stored under the hash of what came out, in `data_dir/uploads`. A stored picture never changes.

use std::fs;
use std::io::{self, Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actors::domain::ids::AccountId;
use actors::error::{DomainError, Entity, Result};
use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::collections::{Answer, Change, Writer, write};
use super::picture_quota::{self, OnItsWay, Sender};
use super::picture_shape;
use crate::context::Context;
use crate::store::sql::db::{StoreError, Tx};
use crate::store::sql::{files, outbox};

/// Largest picture that is decoded, and largest that is kept.
const MOST_SIDE: u32 = 8192;
/// For the pixels of one, and for the coefficients of a progressive one. Turning and scaling need as much again for a
/// moment, so that the `MOST_DECODED` take half a gigabyte at most.
const MOST_MEMORY: u64 = 128 * 1024 * 1024;
const MOST_STORED_BYTES: usize = 8 * 1024 * 1024;
/// A picture that an administrator may send.
pub const MOST_UPLOAD_BYTES: usize = 10 * 1024 * 1024;

/// What a picture is for: its longer side is scaled down to `side`.
#[derive(Clone, Copy)]
struct Purpose {
    side: u32,
    most_pixels: u64,
}

/// Anybody may send these; ten times as many pixels as are kept are more than any page sends.
const HEAD: Purpose = Purpose { side: 640, most_pixels: 6_000_000 };
/// As cameras make them. Only editors send these.
const PAGE: Purpose = Purpose { side: 2560, most_pixels: 24_000_000 };
const JPEG_QUALITY: u8 = 85;
/// Pictures that are decoded at the same time, and how long one waits for its turn.
pub const MOST_DECODED: usize = 2;
const PATIENCE: Duration = Duration::from_secs(5);
/// Where stored pictures are found.
pub(super) const PREFIX: &str = "/uploads/";
/// Added to the name of one that is being removed, and to one that is being written.
pub(super) const GONE: &str = "gone";
pub(super) const DRAFT: &str = "part";

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A picture as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// `/uploads/ab/ab….jpg`
    pub path: String,
    pub bytes: usize,
    pub width: u32,
    pub height: u32,
}

/// A picture that lies in the folder and that nothing shows yet.
pub struct Kept {
    folder: PathBuf,
    picture: Encoded,
    _on_its_way: OnItsWay,
}

impl Kept {
    pub fn stored(&self) -> &Stored {
        &self.picture.stored
    }

    /// To be called when the change that shows it is committed. Whoever removed the same picture before the commit did not
    /// know of it, and whoever does so later knows: so it is written again if it is gone.
    ///
    /// Errors: `Internal`.
    pub async fn is_shown(self) -> Result<()> {
        let again = tokio::task::spawn_blocking(move || store(&self.folder, &self.picture));
        again.await.map_err(io::Error::other).flatten().map_err(|error| {
            tracing::error!(%error, "storing a picture again");
            DomainError::Internal
        })
    }
}

/// Keeps a picture that came as base64, with or without a data address in front.
///
/// Errors: `BadPicture`, `Busy`, `NoRoom`, `RateLimited`.
pub async fn keep_head(context: &Context, account: AccountId, text: String) -> Result<Kept> {
    let encoded = match text.split_once(',') {
        Some((address, rest)) if address.starts_with("data:image/") && address.ends_with(";base64") => rest,
        _ => &text,
    };
    // Forms turn a plus that was not encoded into a blank.
    let encoded: String = encoded.chars().filter(|it| !matches!(it, '\r' | '\n')).collect::<String>().replace(' ', "+");
    let raw = BASE64.decode(encoded).map_err(|_| refused("not base64"))?;
    keep(context, Sender::Account(account), raw.into(), HEAD).await
}

/// Lets the outbox remove a head picture that another one has taken the place of.
pub async fn forget_replaced(
    tx: &mut Tx,
    account: AccountId,
    path: String,
    now_ms: i64,
) -> std::result::Result<(), StoreError> {
    if !path.starts_with(PREFIX) {
        return Ok(());
    }
    let work_key = format!("{}:replaced:{account}:{now_ms}:{path}", files::FORGET);
    outbox::insert(tx, files::FORGET, &work_key, &files::ForgetWork { path }, now_ms).await
}

/// Keeps a picture for pages; the same picture again is the same file. Answers 201, or 200 for one that was there.
///
/// Errors: `BadPicture`, `Busy`, `NoRoom`, `RateLimited`.
pub async fn upload(context: &Context, writer: Writer, raw: Bytes, original: String) -> Result<Answer> {
    let kept = keep(context, Sender::Admin(writer.admin.id), raw, PAGE).await?;
    let stored = kept.stored().clone();
    let answer = write(context, writer, move |tx, now_ms| {
        Box::pin(async move {
            let size = i64::try_from(stored.bytes).map_err(|_| DomainError::Internal)?;
            let (id, is_new) = files::picture(tx, &stored.path, &original, size, now_ms).await?;
            let after = json!({
                "id": id,
                "path": stored.path,
                "size": stored.bytes,
                "width": stored.width,
                "height": stored.height,
            });
            let action = if is_new { "create" } else { "upload_again" };
            Ok(Change { action, entity: "files", id, before: None, after: Some(after) })
        })
    })
    .await?;
    kept.is_shown().await?;
    Ok(answer)
}

async fn keep(context: &Context, sender: Sender, raw: Bytes, purpose: Purpose) -> Result<Kept> {
    let on_its_way = context.picture_senders.begin(sender)?;
    picture_quota::check_disk(context).await?;
    let turn = tokio::time::timeout(PATIENCE, Arc::clone(&context.pictures).acquire_owned()).await;
    let Ok(Ok(turn)) = turn else { return Err(DomainError::BUSY) };
    // After the turn came: whoever is sent away to try again has spent nothing.
    picture_quota::spend(context, sender, raw.len()).await?;
    let folder = folder(context);
    let work = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let picture = encode(decode(&raw, purpose)?, purpose.side)?;
        store(&folder, &picture).map_err(|error| {
            tracing::error!(%error, "storing a picture");
            refused("it could not be stored")
        })?;
        Ok(Kept { folder, picture, _on_its_way: on_its_way })
    });
    // A decoder that panics met a picture that is none.
    work.await.unwrap_or_else(|_| Err(refused("unreadable")))
}

pub(super) fn folder(context: &Context) -> PathBuf {
    Path::new(&context.config.data_dir).join("uploads")
}

fn refused(reason: &'static str) -> DomainError {
    DomainError::BadPicture(reason.into())
}

/// The pixels, upright. What they would need is judged before they are made.
fn decode(raw: &[u8], purpose: Purpose) -> Result<DynamicImage> {
    let mut reader = ImageReader::new(Cursor::new(raw)).with_guessed_format().map_err(|_| refused("unknown format"))?;
    let format = match reader.format() {
        Some(known @ (ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::Gif | ImageFormat::WebP)) => known,
        _ => return Err(refused("only JPEG, PNG, GIF and WebP are taken")),
    };
    if let Some(reason) = picture_shape::refuses(raw, format, MOST_MEMORY) {
        return Err(refused(reason));
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_SIDE);
    limits.max_image_height = Some(MOST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|_| refused("unreadable or too large"))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > purpose.most_pixels || decoder.total_bytes() > MOST_MEMORY {
        return Err(refused("too many pixels"));
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(|_| refused("unreadable"))?;
    image.apply_orientation(orientation);
    Ok(image)
}

struct Encoded {
    stored: Stored,
    bytes: Vec<u8>,
}

fn encode(image: DynamicImage, side: u32) -> Result<Encoded> {
    let image = if image.width().max(image.height()) > side { image.thumbnail(side, side) } else { image };
    let mut bytes = Vec::new();
    let (written, suffix) = if image.color().has_alpha() {
        (image.to_rgba8().write_with_encoder(PngEncoder::new(&mut bytes)), "png")
    } else {
        (image.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY)), "jpg")
    };
    written.map_err(|_| refused("it cannot be encoded"))?;
    if bytes.len() > MOST_STORED_BYTES {
        return Err(refused("too large"));
    }
    let hash = hex::encode(Sha256::digest(&bytes));
    let path = format!("{PREFIX}{}/{hash}.{suffix}", &hash[..2]);
    Ok(Encoded { stored: Stored { path, bytes: bytes.len(), width: image.width(), height: image.height() }, bytes })
}

/// The name appears with its whole content or not at all, and is on the disk when this returns.
fn store(folder: &Path, picture: &Encoded) -> io::Result<()> {
    let name = picture.stored.path.trim_start_matches(PREFIX);
    let path = folder.join(name);
    if is_kept(&path)? {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(folder);
    fs::create_dir_all(parent)?;
    let draft = path.with_extension(format!("{:016x}.{DRAFT}", rand::random::<u64>()));
    let written = fs::File::create(&draft).and_then(|mut file| {
        file.write_all(&picture.bytes)?;
        file.sync_all()
    });
    if let Err(error) = written.and_then(|()| fs::rename(&draft, &path)) {
        // The draft may not be there; what failed is told already.
        let _ = fs::remove_file(&draft);
        return Err(error);
    }
    for made in [parent, folder] {
        fs::File::open(made)?.sync_all()?;
    }
    Ok(())
}

/// Whether the picture is there. It is young again then, and no `remove` that began before takes it.
fn is_kept(path: &Path) -> io::Result<bool> {
    match fs::File::open(path) {
        // One that cannot be made young is written anew.
        Ok(file) => Ok(file.set_modified(SystemTime::now()).is_ok() && path.exists()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes a stored picture that nobody has saved after `young`; false: somebody has, or it was not there. Its name goes
/// first: who saves the same picture meanwhile finds it gone and writes it anew, or was there before, which shows.
pub(super) fn remove(path: &Path, young: SystemTime) -> io::Result<bool> {
    let gone = path.with_added_extension(GONE);
    let removed = || {
        fs::rename(path, &gone)?;
        if fs::metadata(&gone)?.modified()? > young {
            fs::rename(&gone, path)?;
            return Ok(false);
        }
        fs::remove_file(&gone).map(|()| true)
    };
    match removed() {
        // Another node was faster, or put it back.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        outcome => outcome,
    }
}

/// A stored picture and its content type. `name` is what follows `/uploads/`.
///
/// Errors: `NotFound(Picture)`.
pub async fn read(context: &Context, name: &str) -> Result<(Bytes, &'static str)> {
    let missing = DomainError::NotFound(Entity::Picture);
    let kind = content_type(name).ok_or(missing.clone())?;
    match tokio::fs::read(folder(context).join(name)).await {
        Ok(bytes) => Ok((bytes.into(), kind)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing),
        Err(error) => {
            tracing::error!(%error, "reading a picture");
            Err(DomainError::Internal)
        }
    }
}

/// Does one piece of the outbox: removes a picture of an erased person or one that was replaced, unless something shows the
/// very same one.
///
/// Errors: `Internal`, after which it may be tried again.
pub(super) async fn forget(context: &Context, work_id: i64, payload: &str) -> Result<()> {
    let work: files::ForgetWork = serde_json::from_str(payload).map_err(|_| DomainError::Internal)?;
    let name = work.path.trim_start_matches(PREFIX);
    let began = SystemTime::now();
    let paths = [work.path.clone()];
    if content_type(name).is_some() && files::shown(&context.db, &paths).await?.is_empty() {
        let path = folder(context).join(name);
        let removed = tokio::task::spawn_blocking(move || remove(&path, began)).await;
        if let Ok(Err(error)) = removed {
            tracing::error!(%error, "removing a picture");
            return Err(DomainError::Internal);
        }
    }
    let now_ms = context.db.now_ms();
    context.db.write(move |tx| Box::pin(async move { Ok(outbox::done(tx, work_id, now_ms).await?) })).await.map(drop)
}

/// Only names that `encode` makes: nothing else of the folder is ever read.
pub(super) fn content_type(name: &str) -> Option<&'static str> {
    let (folder, file) = name.split_once('/')?;
    let (hash, suffix) = file.split_once('.')?;
    let hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if folder.len() != 2 || hash.len() != 64 || !hex(hash) || !hash.starts_with(folder) {
        return None;
    }
    match suffix {
        "jpg" => Some("image/jpeg"),
        "png" => Some("image/png"),
        _ => None,
    }
}

/// The room for `MOST_DECODED` pictures.
pub fn room() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(MOST_DECODED))
}

#[cfg(test)]
#[path = "pictures_tests.rs"]
mod tests;
