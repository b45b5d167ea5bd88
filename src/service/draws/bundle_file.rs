//! The bundle as it leaves: made once for a draw and kept compressed, because every anonymous request would otherwise
//! write tens of megabytes of JSON again. It is read in pieces, so that a slow reader holds some kilobytes and not the whole.

use std::io::{Read, Write};

use actors::domain::ids::GameId;
use actors::draw::bundle::FORMAT;
use actors::error::{DomainError, Result};
use bytes::{Buf, Bytes};
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use futures_util::stream::{Stream, unfold};
use quick_cache::Weighter;

use super::{Draw, DrawState};

/// Bytes that leave at once.
const PIECE: usize = 64 * 1024;

/// One bundle, compressed by gzip.
#[derive(Debug)]
pub struct BundleFile {
    gzip: Bytes,
    /// Bytes of the JSON.
    length: u64,
}

impl BundleFile {
    /// Slow for a large draw.
    pub(super) fn compress(json: &[u8]) -> Result<Self> {
        let broken = |_| DomainError::Internal;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(json).map_err(broken)?;
        Ok(Self { gzip: Bytes::from(encoder.finish().map_err(broken)?), length: json.len() as u64 })
    }

    /// Bytes of the whole answer.
    pub fn size(&self, compressed: bool) -> u64 {
        if compressed { self.gzip.len() as u64 } else { self.length }
    }

    /// The answer in pieces. `kept` is dropped with it.
    pub fn pieces<K: 'static>(&self, compressed: bool, kept: K) -> impl Stream<Item = std::io::Result<Bytes>> + use<K> {
        let gzip = self.gzip.clone();
        let source =
            if compressed { Source::Gzip(gzip) } else { Source::Json(Box::new(GzDecoder::new(gzip.reader()))) };
        unfold((source, kept), |(mut source, kept)| async move {
            let piece = source.next().transpose()?;
            Some((piece, (source, kept)))
        })
    }
}

enum Source {
    Gzip(Bytes),
    Json(Box<GzDecoder<bytes::buf::Reader<Bytes>>>),
}

impl Source {
    fn next(&mut self) -> std::io::Result<Option<Bytes>> {
        let piece = match self {
            Self::Gzip(rest) => rest.split_to(rest.len().min(PIECE)),
            Self::Json(decoder) => {
                let mut piece = Vec::with_capacity(PIECE);
                decoder.by_ref().take(PIECE as u64).read_to_end(&mut piece)?;
                Bytes::from(piece)
            }
        };
        Ok((!piece.is_empty()).then_some(piece))
    }
}

/// Files are weighed by their bytes.
#[derive(Clone)]
pub(super) struct ByBytes;

impl Weighter<(GameId, bool), std::sync::Arc<BundleFile>> for ByBytes {
    fn weight(&self, _: &(GameId, bool), file: &std::sync::Arc<BundleFile>) -> u64 {
        file.gzip.len() as u64
    }
}

/// Names the content of a draw's bundle, without building it: the root fixes terms and entrants, the draw the rest.
pub(super) fn version(draw: &Draw) -> Option<String> {
    let root = draw.fixed.as_ref()?.merkle_root.get(..32)?;
    Some(format!("{FORMAT}-{root}-{}", if draw.state == DrawState::Drawn { "drawn" } else { "closed" }))
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    #[actix_web::test]
    async fn both_forms_leave_in_pieces_and_are_the_same_text() {
        let json: Vec<u8> = (0..400_000_u32).map(|number| b'0' + (number * 7919 % 75) as u8).collect();
        let file = BundleFile::compress(&json).unwrap();
        let mut whole = Vec::new();
        let mut plain = Box::pin(file.pieces(false, ()));
        while let Some(piece) = plain.next().await {
            let piece = piece.unwrap();
            assert!(piece.len() <= PIECE);
            whole.extend_from_slice(&piece);
        }
        assert_eq!((whole.len() as u64, &whole), (file.size(false), &json));
        let mut packed = Vec::new();
        let mut pieces = Box::pin(file.pieces(true, ()));
        while let Some(piece) = pieces.next().await {
            packed.extend_from_slice(&piece.unwrap());
        }
        assert_eq!(packed.len() as u64, file.size(true));
        let mut read = Vec::new();
        GzDecoder::new(packed.as_slice()).read_to_end(&mut read).unwrap();
        assert_eq!(read, json);
    }
}
