//! Takes the body of an upload to a data file, and checks it against what the client said of it.

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{HeaderMap, StatusCode, Uri};
use percent_encoding::percent_decode_str;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{PutObjectInput, StreamingBlob, UploadPartInput};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result, StdError, TrailingHeaders, s3_error};

use crate::blocking::blocking;
use crate::checksums::{self, Algorithm, Checksums};
use crate::disk::{DataFile, Disk};

/// The most that one request may bring, as on S3.
const LARGEST: u64 = 5 * 1024 * 1024 * 1024;

/// Bytes are hashed and written on a thread that may block, this many at a time.
const PIECE: usize = 1024 * 1024;

/// What the client says of the bytes that it sends.
pub(crate) struct Declared {
    length: Option<u64>,
    md5: Option<String>,
    checksums: Checksums,
    /// Those that come behind the body.
    trailing: Vec<Algorithm>,
    /// One to compute although the client did not send it.
    extra: Option<Algorithm>,
    trailers: Option<TrailingHeaders>,
}

impl Declared {
    pub(crate) fn by_put(request: &S3Request<PutObjectInput>) -> S3Result<Self> {
        let input = &request.input;
        let checksums = Checksums {
            crc32: input.checksum_crc32.clone(),
            crc32c: input.checksum_crc32c.clone(),
            crc64nvme: input.checksum_crc64nvme.clone(),
            sha1: input.checksum_sha1.clone(),
            sha256: input.checksum_sha256.clone(),
        };
        Self::new(request, input.content_md5.clone(), checksums)
    }

    pub(crate) fn by_part(request: &S3Request<UploadPartInput>) -> S3Result<Self> {
        let input = &request.input;
        let checksums = Checksums {
            crc32: input.checksum_crc32.clone(),
            crc32c: input.checksum_crc32c.clone(),
            crc64nvme: input.checksum_crc64nvme.clone(),
            sha1: input.checksum_sha1.clone(),
            sha256: input.checksum_sha256.clone(),
        };
        Self::new(request, input.content_md5.clone(), checksums)
    }

    fn new<T>(
        request: &S3Request<T>,
        md5: Option<String>,
        mut checksums: Checksums,
    ) -> S3Result<Self> {
        // A presigned URL may carry them in its query instead of leaving them to the client.
        for (algorithm, value) in in_query(&request.uri) {
            checksums.set(algorithm, value);
        }
        checksums::check_form(&checksums)?;
        if let Some(md5) = &md5
            && BASE64.decode(md5).map(|digest| digest.len()) != Ok(16)
        {
            return Err(s3_error!(
                InvalidDigest,
                "The Content-MD5 you specified was invalid."
            ));
        }
        Ok(Self {
            length: declared_length(&request.headers)?,
            md5,
            checksums,
            trailing: trailing(&request.headers),
            extra: None,
            trailers: request.trailing_headers.clone(),
        })
    }

    /// Also computes this one.
    pub(crate) fn also(mut self, algorithm: Option<Algorithm>) -> Self {
        self.extra = algorithm;
        self
    }

    /// The algorithms that the client chose, by this request or by the one before it.
    fn chosen(&self) -> Vec<Algorithm> {
        let mut chosen: Vec<_> = self
            .checksums
            .present()
            .map(|(algorithm, _)| algorithm)
            .collect();
        chosen.extend(&self.trailing);
        chosen.extend(self.extra);
        chosen
    }
}

/// The bytes of an upload, on the disk.
pub(crate) struct Received {
    pub(crate) file: Arc<DataFile>,
    /// The MD5 in hexadecimal.
    pub(crate) etag: String,
    /// All that were computed.
    pub(crate) checksums: Checksums,
    /// Those of them that the client chose.
    pub(crate) chosen: Vec<Algorithm>,
}

/// Reads a body to its end and checks it.
pub(crate) async fn receive(
    disk: &Arc<Disk>,
    body: Option<StreamingBlob>,
    declared: Declared,
) -> S3Result<Received> {
    let Some(length) = declared.length else {
        return Err(s3_error!(
            MissingContentLength,
            "You must provide the Content-Length HTTP header."
        ));
    };
    if length > LARGEST {
        return Err(s3_error!(
            EntityTooLarge,
            "Your proposed upload exceeds the maximum allowed object size."
        ));
    }

    let chosen = declared.chosen();
    let mut sink = {
        let disk = Arc::clone(disk);
        let hasher = checksums::hasher(&chosen);
        blocking(move || Sink::open(&disk, hasher)).await?
    };
    if let Some(mut body) = body {
        let mut pieces: Vec<Bytes> = Vec::new();
        let mut waiting = 0;
        while let Some(bytes) = body.next().await {
            let bytes = bytes.map_err(broken_body)?;
            waiting += bytes.len();
            pieces.push(bytes);
            if waiting >= PIECE {
                let pieces = std::mem::take(&mut pieces);
                sink = blocking(move || sink.write(&pieces)).await?;
                waiting = 0;
            }
        }
        sink = blocking(move || sink.write(&pieces)).await?;
    }
    if sink.size != length {
        return Err(s3_error!(
            IncompleteBody,
            "You did not provide the number of bytes specified by the Content-Length HTTP header"
        ));
    }

    let disk = Arc::clone(disk);
    let received = blocking(move || sink.finish(&disk, chosen)).await?;
    let mut expected = declared.checksums;
    if let Some(trailers) = &declared.trailers {
        let trailers = trailers.take().unwrap_or_default();
        for algorithm in &declared.trailing {
            match trailing_value(&trailers, *algorithm) {
                Some(value) => expected.set(*algorithm, value),
                None => {
                    return Err(s3_error!(
                        InvalidRequest,
                        "The announced {} trailer is missing.",
                        algorithm.name()
                    ));
                }
            }
        }
        checksums::check_form(&expected)?;
    }
    checksums::check_match(&expected, &received.checksums)?;
    if let Some(md5) = declared.md5 {
        let digest = BASE64.decode(md5).unwrap_or_default();
        if checksums::hex(&digest) != received.etag {
            return Err(s3_error!(
                BadDigest,
                "The Content-MD5 you specified did not match what we received."
            ));
        }
    }
    Ok(received)
}

/// A data file being written.
struct Sink {
    file: File,
    data: DataFile,
    md5: Md5,
    hasher: ChecksumHasher,
    size: u64,
}

impl Sink {
    fn open(disk: &Arc<Disk>, hasher: ChecksumHasher) -> S3Result<Self> {
        let (file, data) = disk.create_data().map_err(S3Error::internal_error)?;
        Ok(Self {
            file,
            data,
            md5: Md5::new(),
            hasher,
            size: 0,
        })
    }

    fn write(mut self, pieces: &[Bytes]) -> S3Result<Self> {
        for piece in pieces {
            self.file
                .write_all(piece)
                .map_err(S3Error::internal_error)?;
            self.md5.update(piece);
            self.hasher.update(piece);
            self.size += piece.len() as u64;
        }
        Ok(self)
    }

    fn finish(self, disk: &Disk, chosen: Vec<Algorithm>) -> S3Result<Received> {
        disk.settle_data(&self.file, self.data.name())
            .map_err(S3Error::internal_error)?;
        Ok(Received {
            file: Arc::new(self.data.with_size(self.size)),
            etag: checksums::hex(&self.md5.finalize()),
            checksums: self.hasher.finalize().into(),
            chosen,
        })
    }
}

/// How many bytes the body has once the framing of signed chunks is off.
fn declared_length(headers: &HeaderMap) -> S3Result<Option<u64>> {
    let Some(value) = headers
        .get("x-amz-decoded-content-length")
        .or_else(|| headers.get(http::header::CONTENT_LENGTH))
    else {
        return Ok(None);
    };
    let length = value.to_str().ok().and_then(|value| value.parse().ok());
    match length {
        Some(length) => Ok(Some(length)),
        None => Err(s3_error!(
            InvalidRequest,
            "The length of the body is invalid."
        )),
    }
}

fn trailing(headers: &HeaderMap) -> Vec<Algorithm> {
    headers
        .get_all("x-amz-trailer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| Algorithm::of_header(name.trim()))
        .collect()
}

fn trailing_value(trailers: &HeaderMap, wanted: Algorithm) -> Option<String> {
    trailers
        .iter()
        .find(|(name, _)| Algorithm::of_header(name.as_str()) == Some(wanted))
        .and_then(|(_, value)| value.to_str().ok())
        .map(|value| value.trim().to_owned())
}

fn in_query(uri: &Uri) -> Vec<(Algorithm, String)> {
    uri.query()
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter_map(|(name, value)| {
            let value = percent_decode_str(value).decode_utf8().ok()?;
            Some((Algorithm::of_header(name)?, value.into_owned()))
        })
        .collect()
}

/// The adapter checks the signed hash of the body while it is read. Its errors are not public
/// types, so the text has to tell them apart.
fn broken_body(error: StdError) -> S3Error {
    let text = error.to_string();
    let mut refused = if text.contains("Sha256Mismatch") {
        let mut refused = S3Error::with_message(
            S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into()),
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        );
        refused.set_status_code(StatusCode::BAD_REQUEST);
        refused
    } else if text.contains("SignatureMismatch") {
        s3_error!(
            SignatureDoesNotMatch,
            "The signature of a chunk does not match its bytes."
        )
    } else {
        s3_error!(
            IncompleteBody,
            "The request body terminated unexpectedly or is not what was announced."
        )
    };
    refused.set_source(error);
    refused
}
