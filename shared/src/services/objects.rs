//! The bucket: binaries, icons and what has just been uploaded.

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use aws_smithy_types::byte_stream::ByteStream;

use crate::base::code::Code;
use crate::base::error::Error;
use crate::base::remote;

/// What is known of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectFacts {
    /// Bytes.
    pub size: u64,
    /// Its entity tag.
    pub etag: String,
}

/// A signed request that somebody else sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRequest {
    /// Where to.
    pub url: String,
    /// Headers that must be sent with it.
    pub headers: Vec<(String, String)>,
}

/// How a download presents itself.
#[derive(Clone, Debug, Default)]
pub struct Presentation {
    /// The content type that the storage must answer.
    pub content_type: String,
    /// The file name to save under.
    pub file_name: String,
}

/// The bucket. Names come from [`crate::store::keys`].
#[async_trait]
pub trait Objects: Send + Sync {
    /// Writes an object that must not be there yet.
    ///
    /// # Errors
    /// Conflict where there is one; unavailable.
    async fn put_new(&self, name: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), Error>;

    /// Writes an object whether or not it is there (names by content).
    ///
    /// # Errors
    /// Unavailable.
    async fn put(&self, name: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), Error>;

    /// Writes a file as an object, whether or not it is there (names by content). The file is
    /// streamed: its size costs no memory.
    ///
    /// # Errors
    /// Internal for a file that cannot be read; unavailable.
    async fn put_file(&self, name: &str, content_type: &str, path: &Path) -> Result<(), Error>;

    /// Size and tag, `None` where there is no such object.
    ///
    /// # Errors
    /// Unavailable.
    async fn facts(&self, name: &str) -> Result<Option<ObjectFacts>, Error>;

    /// The bytes from `offset`, at most `length`.
    ///
    /// # Errors
    /// Not found; unavailable.
    async fn range(&self, name: &str, offset: u64, length: u64) -> Result<Vec<u8>, Error>;

    /// The whole object as a stream.
    ///
    /// # Errors
    /// Not found; unavailable.
    async fn stream(&self, name: &str) -> Result<ByteStream, Error>;

    /// Copies within the bucket.
    ///
    /// # Errors
    /// Not found; unavailable.
    async fn copy(&self, from: &str, to: &str, content_type: &str) -> Result<(), Error>;

    /// Removes an object; one that is not there is fine.
    ///
    /// # Errors
    /// Unavailable.
    async fn delete(&self, name: &str) -> Result<(), Error>;

    /// A signed GET.
    ///
    /// # Errors
    /// Internal.
    async fn sign_get(
        &self,
        name: &str,
        valid: Duration,
        presentation: &Presentation,
    ) -> Result<SignedRequest, Error>;

    /// A signed PUT of exactly `size` bytes that never overwrites; `sha256` in base64 is checked by
    /// the storage.
    ///
    /// # Errors
    /// Internal.
    async fn sign_put(
        &self,
        name: &str,
        valid: Duration,
        size: u64,
        sha256: Option<&str>,
    ) -> Result<SignedRequest, Error>;

    /// Begins an upload in parts; gives the storage's id of it.
    ///
    /// # Errors
    /// Unavailable.
    async fn begin_parts(&self, name: &str) -> Result<String, Error>;

    /// A signed PUT of one part.
    ///
    /// # Errors
    /// Internal.
    async fn sign_part(
        &self,
        name: &str,
        upload: &str,
        part: u32,
        valid: Duration,
    ) -> Result<SignedRequest, Error>;

    /// Puts the parts together. Doing it again after it was done is fine.
    ///
    /// # Errors
    /// Invalid for wrong parts; unavailable.
    async fn complete_parts(
        &self,
        name: &str,
        upload: &str,
        parts: &[(u32, String)],
    ) -> Result<(), Error>;

    /// Forgets an upload in parts; one that is gone is fine.
    ///
    /// # Errors
    /// Unavailable.
    async fn abort_parts(&self, name: &str, upload: &str) -> Result<(), Error>;
}

/// A bucket of S3. Its client is made when it is first used: most requests never reach the bucket,
/// and making a client costs a tenth of a start.
pub struct S3Objects {
    client: LazyLock<Client, Box<dyn FnOnce() -> Client + Send>>,
    bucket: String,
}

impl S3Objects {
    /// The bucket of that name, reached by the client that `client` makes.
    pub fn new(
        client: impl FnOnce() -> Client + Send + 'static,
        bucket: impl Into<String>,
    ) -> Self {
        Self {
            client: LazyLock::new(Box::new(client)),
            bucket: bucket.into(),
        }
    }
}

fn status<E, R: HasStatus>(error: &SdkError<E, R>) -> Option<u16> {
    error.raw_response().map(HasStatus::code)
}

/// The SDK's response type, seen only for its status.
trait HasStatus {
    fn code(&self) -> u16;
}

impl HasStatus for aws_smithy_runtime_api::client::orchestrator::HttpResponse {
    fn code(&self) -> u16 {
        self.status().as_u16()
    }
}

fn failed<E>(
    error: SdkError<E, aws_smithy_runtime_api::client::orchestrator::HttpResponse>,
) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match status(&error) {
        Some(404) => Error {
            cause: Some(DisplayErrorContext(&error).to_string()),
            ..Error::not_found("No such object")
        },
        Some(409 | 412) => Error {
            cause: Some(DisplayErrorContext(&error).to_string()),
            ..Error::conflict("The object exists already")
        },
        _ => remote::failure(&error),
    }
}

fn valid_for(valid: Duration) -> Result<PresigningConfig, Error> {
    PresigningConfig::expires_in(valid).map_err(Error::internal)
}

fn signed(request: &aws_sdk_s3::presigning::PresignedRequest) -> SignedRequest {
    let headers = request.headers().filter(|(name, _)| *name != "host");
    SignedRequest {
        url: request.uri().to_owned(),
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    }
}

/// The value of `Content-Disposition` for a file that is to be saved: `attachment` with the name in
/// its plain form (ASCII, no quotes or controls) and in full (RFC 6266).
pub fn disposition(file_name: &str) -> String {
    // What would lead a client that takes the name as it is out of its folder, or read otherwise
    // than it is written.
    let leads_away = |c: char| {
        matches!(
            c,
            '/' | '\\' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        ) || c.is_control()
    };
    let safe: String = file_name
        .trim_start_matches('.')
        .chars()
        .map(|c| if leads_away(c) { '_' } else { c })
        .collect();
    let plain: String = safe
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() && c != '"' && c != '%' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let full = percent_encoding::utf8_percent_encode(&safe, percent_encoding::NON_ALPHANUMERIC);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{full}")
}

#[async_trait]
impl Objects for S3Objects {
    async fn put_new(&self, name: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), Error> {
        let put = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(name)
            .content_type(content_type)
            .if_none_match("*");
        put.body(bytes.into()).send().await.map_err(failed)?;
        Ok(())
    }

    async fn put(&self, name: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), Error> {
        let put = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(name)
            .content_type(content_type);
        put.body(bytes.into()).send().await.map_err(failed)?;
        Ok(())
    }

    async fn put_file(&self, name: &str, content_type: &str, path: &Path) -> Result<(), Error> {
        let body = ByteStream::from_path(path).await.map_err(Error::internal)?;
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(name)
            .content_type(content_type)
            .body(body)
            .send()
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn facts(&self, name: &str) -> Result<Option<ObjectFacts>, Error> {
        match self
            .client
            .head_object()
            .bucket(&self.bucket)
            .key(name)
            .send()
            .await
        {
            Ok(head) => Ok(Some(ObjectFacts {
                size: u64::try_from(head.content_length().unwrap_or(0)).unwrap_or(0),
                etag: head.e_tag().unwrap_or_default().to_owned(),
            })),
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    async fn range(&self, name: &str, offset: u64, length: u64) -> Result<Vec<u8>, Error> {
        if length == 0 {
            return Ok(Vec::new());
        }
        let range = format!("bytes={offset}-{}", offset + length - 1);
        let got = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(name)
            .range(range)
            .send()
            .await
            .map_err(failed)?;
        let bytes = got
            .body
            .collect()
            .await
            .map_err(Error::unavailable)?
            .into_bytes();
        Ok(bytes.to_vec())
    }

    async fn stream(&self, name: &str) -> Result<ByteStream, Error> {
        Ok(self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(name)
            .send()
            .await
            .map_err(failed)?
            .body)
    }

    async fn copy(&self, from: &str, to: &str, content_type: &str) -> Result<(), Error> {
        let copy = self
            .client
            .copy_object()
            .bucket(&self.bucket)
            .copy_source(format!("{}/{from}", self.bucket))
            .key(to);
        let copy = copy
            .content_type(content_type)
            .metadata_directive(aws_sdk_s3::types::MetadataDirective::Replace);
        copy.send().await.map_err(failed)?;
        Ok(())
    }

    async fn delete(&self, name: &str) -> Result<(), Error> {
        match self
            .client
            .delete_object()
            .bucket(&self.bucket)
            .key(name)
            .send()
            .await
        {
            Ok(_) => Ok(()),
            Err(error) if status(&error) == Some(404) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    async fn sign_get(
        &self,
        name: &str,
        valid: Duration,
        presentation: &Presentation,
    ) -> Result<SignedRequest, Error> {
        let get = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(name)
            .response_content_type(&presentation.content_type);
        let get = get.response_content_disposition(disposition(&presentation.file_name));
        Ok(signed(
            &get.presigned(valid_for(valid)?)
                .await
                .map_err(Error::internal)?,
        ))
    }

    async fn sign_put(
        &self,
        name: &str,
        valid: Duration,
        size: u64,
        sha256: Option<&str>,
    ) -> Result<SignedRequest, Error> {
        let length = i64::try_from(size).map_err(Error::internal)?;
        let put = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(name)
            .content_length(length)
            .if_none_match("*");
        let put = put.set_checksum_sha256(sha256.map(str::to_owned));
        Ok(signed(
            &put.presigned(valid_for(valid)?)
                .await
                .map_err(Error::internal)?,
        ))
    }

    async fn begin_parts(&self, name: &str) -> Result<String, Error> {
        let begun = self
            .client
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(name)
            .send()
            .await
            .map_err(failed)?;
        begun
            .upload_id
            .ok_or_else(|| Error::unavailable("the storage gave no upload id"))
    }

    async fn sign_part(
        &self,
        name: &str,
        upload: &str,
        part: u32,
        valid: Duration,
    ) -> Result<SignedRequest, Error> {
        let number = i32::try_from(part).map_err(Error::internal)?;
        let put = self
            .client
            .upload_part()
            .bucket(&self.bucket)
            .key(name)
            .upload_id(upload)
            .part_number(number);
        Ok(signed(
            &put.presigned(valid_for(valid)?)
                .await
                .map_err(Error::internal)?,
        ))
    }

    async fn complete_parts(
        &self,
        name: &str,
        upload: &str,
        parts: &[(u32, String)],
    ) -> Result<(), Error> {
        let mut completed = CompletedMultipartUpload::builder();
        for (number, etag) in parts {
            let number = i32::try_from(*number).map_err(Error::internal)?;
            completed = completed.parts(
                CompletedPart::builder()
                    .part_number(number)
                    .e_tag(etag)
                    .build(),
            );
        }
        let complete = self
            .client
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(name)
            .upload_id(upload);
        match complete.multipart_upload(completed.build()).send().await {
            Ok(_) => Ok(()),
            // Done before: the upload is gone and the object is there.
            Err(error) if status(&error) == Some(404) && self.facts(name).await?.is_some() => {
                Ok(())
            }
            Err(error) if matches!(status(&error), Some(400 | 404)) => {
                let code = error.code().unwrap_or("InvalidPart").to_owned();
                Err(Error {
                    cause: Some(DisplayErrorContext(&error).to_string()),
                    ..Error::invalid(Code::InvalidParts.with(format!(
                        "the storage cannot put these parts together ({code}): send each part \
                        and its tag again"
                    )))
                })
            }
            Err(error) => Err(failed(error)),
        }
    }

    async fn abort_parts(&self, name: &str, upload: &str) -> Result<(), Error> {
        match self
            .client
            .abort_multipart_upload()
            .bucket(&self.bucket)
            .key(name)
            .upload_id(upload)
            .send()
            .await
        {
            Ok(_) => Ok(()),
            Err(error) if status(&error) == Some(404) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_cannot_break_out_of_its_header() {
        let text = disposition("a\"b\r\nX: y\\é.apk");
        assert_eq!(
            text,
            "attachment; filename=\"a_b__X:_y__.apk\"; \
                filename*=UTF-8''a%22b%5F%5FX%3A%20y%5F%C3%A9%2Eapk"
        );
    }
}
