//! Compression of answers to polls, and of the client's files.

use std::io::Write as _;

use actix_web::HttpRequest;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use super::negotiation::{Coding, Ties, preferred};

/// The reference's threshold in bytes.
const THRESHOLD: usize = 1024;
/// Fast: the worker does nothing else meanwhile, each answer is read once, and the higher levels take
/// several times as long to save a few percent more of JSON.
const LEVEL: u32 = 3;

/// Which answers to polls are compressed, for clients that accept `gzip` or `deflate`; for
/// [`IoBuilder::http_compression`](crate::IoBuilder::http_compression).
///
/// By default those of 1024 bytes and more. What was emitted with `compress(false)` stays as it is, unless
/// something else is in the same answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpCompression(Option<usize>);

impl Default for HttpCompression {
    fn default() -> Self {
        Self::threshold(THRESHOLD)
    }
}

impl HttpCompression {
    /// No answer is compressed.
    pub const OFF: Self = Self(None);

    /// Answers of at least this many bytes are compressed.
    #[must_use]
    pub const fn threshold(bytes: usize) -> Self {
        Self(Some(bytes))
    }

    /// The coding for an answer; looks at the request only if the answer is large enough.
    pub(crate) fn coding(self, request: &HttpRequest, body: &[u8]) -> Option<Coding> {
        self.0.filter(|threshold| body.len() >= *threshold)?;
        preferred(request, &[Coding::Gzip, Coding::Deflate], Ties::Offer)
    }
}

/// Compresses an answer to a poll quickly.
pub(crate) fn quickly(coding: Coding, body: &[u8]) -> Option<Bytes> {
    zlib(coding, body, Compression::new(LEVEL))
}

/// Compresses a file well: it is done once, for all who ask.
pub(crate) fn well(coding: Coding, body: &[u8]) -> Option<Bytes> {
    match coding {
        Coding::Gzip | Coding::Deflate => zlib(coding, body, Compression::best()),
        Coding::Brotli => {
            // The highest levels cost seconds and save little.
            let params = brotli::enc::BrotliEncoderParams { quality: 9, ..Default::default() };
            let mut out = Vec::new();
            brotli::BrotliCompress(&mut &*body, &mut out, &params).ok()?;
            Some(out.into())
        }
    }
}

fn zlib(coding: Coding, body: &[u8], level: Compression) -> Option<Bytes> {
    let out = Vec::with_capacity(body.len() / 4);
    let compressed = if coding == Coding::Gzip {
        let mut encoder = GzEncoder::new(out, level);
        encoder.write_all(body).and_then(|()| encoder.finish())
    } else {
        let mut encoder = ZlibEncoder::new(out, level);
        encoder.write_all(body).and_then(|()| encoder.finish())
    };
    compressed.ok().map(Bytes::from)
}
