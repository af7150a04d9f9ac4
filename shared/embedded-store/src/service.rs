//! The S3 operations.

use std::collections::BTreeMap;
use std::io::{self, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http::HeaderMap;
use s3s::dto::*;
use s3s::{S3, S3Error, S3Request, S3Response, S3Result, s3_error};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use crate::blocking::blocking;
use crate::checksums::{self, Algorithm, Checksums, Kind};
use crate::conditions::{ReadCondition, WriteCondition};
use crate::disk::DataFile;
use crate::events::EventName;
use crate::listing::{self, Query};
use crate::objects::{Draft, Object, Objects, Upload};
use crate::receive::{self, Declared};
use crate::records::{Description, ObjectRecord, PartRecord};

/// Every part of a multipart upload but the last has at least this size.
const SMALLEST_PART: u64 = 5 * 1024 * 1024;
/// A larger object is copied in parts.
const LARGEST_COPY: u64 = 5 * 1024 * 1024 * 1024;
const MOST_PARTS: i32 = 10_000;
const MOST_LISTED: i32 = 1000;
const MOST_METADATA: usize = 2048;
/// What a download reads at a time.
const READ: usize = 256 * 1024;

/// What S3 says of an object whose type nobody gave.
const UNKNOWN_TYPE: &str = "binary/octet-stream";

/// S3 over the objects of one bucket.
pub(crate) struct ObjectService {
    objects: Arc<Objects>,
}

impl ObjectService {
    pub(crate) fn new(objects: Arc<Objects>) -> Self {
        Self { objects }
    }

    fn check_bucket(&self, bucket: &str) -> S3Result<()> {
        if bucket == self.objects.bucket() {
            Ok(())
        } else {
            Err(s3_error!(
                NoSuchBucket,
                "The specified bucket does not exist"
            ))
        }
    }

    async fn store(&self, draft: Draft, condition: WriteCondition) -> S3Result<Arc<Object>> {
        let objects = Arc::clone(&self.objects);
        blocking(move || objects.store(draft, &condition)).await
    }
}

#[async_trait::async_trait]
impl S3 for ObjectService {
    async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        if self.check_bucket(&request.input.bucket).is_ok() {
            return Err(s3_error!(
                BucketAlreadyOwnedByYou,
                "Your previous request to create the named bucket succeeded and you already own it."
            ));
        }
        Err(s3_error!(
            AccessDenied,
            "This store has one bucket, made at its start."
        ))
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.check_bucket(&request.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn put_object(
        &self,
        mut request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        self.check_bucket(&request.input.bucket)?;
        let declared = Declared::by_put(&request)?;
        let body = request.input.body.take();
        let input = request.input;
        let condition = WriteCondition::new(input.if_match, input.if_none_match)?;
        let description = describe(Description {
            content_type: input.content_type,
            cache_control: input.cache_control,
            content_disposition: input.content_disposition,
            content_encoding: input.content_encoding,
            content_language: input.content_language,
            metadata: metadata(input.metadata)?,
        });

        let received = receive::receive(self.objects.disk(), body, declared).await?;
        let draft = Draft {
            key: input.key,
            etag: received.etag,
            event_name: EventName::Put,
            files: vec![received.file],
            description,
            checksums: received.checksums.kept(&received.chosen),
            checksum_kind: Kind::FullObject,
        };
        let object = self.store(draft, condition).await?;
        let sums = object.record.checksums.clone();
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(ETag::Strong(object.record.etag.clone())),
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            checksum_type: Some(object.record.checksum_kind.dto()),
            ..PutObjectOutput::default()
        }))
    }

    /// The adapter would take a form for a PUT, which it is not: its length is that of the form,
    /// and it is announced under another name.
    async fn post_object(
        &self,
        _request: S3Request<PostObjectInput>,
    ) -> S3Result<S3Response<PostObjectOutput>> {
        Err(s3_error!(
            NotImplemented,
            "Uploads by form are not implemented"
        ))
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let headers = request.headers;
        let input = request.input;
        self.check_bucket(&input.bucket)?;
        if input.part_number.is_some() {
            return Err(s3_error!(NotImplemented, "partNumber is not implemented"));
        }
        let object = self.objects.get(&input.key)?;
        let condition = ReadCondition {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            if_modified_since: input.if_modified_since,
            if_unmodified_since: input.if_unmodified_since,
        };
        condition.check(&object.record)?;

        let record = &object.record;
        let asked = input.range.filter(|_| range_counts(&headers, record));
        let range = range(asked.as_ref(), record.size)?;
        let sums = shown(record, input.checksum_mode.as_ref(), range.is_some());
        let bytes = range.clone().unwrap_or(0..record.size);
        Ok(S3Response::new(GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(signed(bytes.end - bytes.start)),
            content_range: range.map(|range| content_range(&range, record.size)),
            e_tag: Some(ETag::Strong(record.etag.clone())),
            last_modified: Some(record.modified.time().into()),
            content_type: content_type(record),
            cache_control: record.description.cache_control.clone(),
            content_disposition: record.description.content_disposition.clone(),
            content_encoding: record.description.content_encoding.clone(),
            content_language: record.description.content_language.clone(),
            metadata: user_metadata(record),
            checksum_type: sums.as_ref().map(|_| record.checksum_kind.dto()),
            checksum_crc32: sums.as_ref().and_then(|sums| sums.crc32.clone()),
            checksum_crc32c: sums.as_ref().and_then(|sums| sums.crc32c.clone()),
            checksum_crc64nvme: sums.as_ref().and_then(|sums| sums.crc64nvme.clone()),
            checksum_sha1: sums.as_ref().and_then(|sums| sums.sha1.clone()),
            checksum_sha256: sums.as_ref().and_then(|sums| sums.sha256.clone()),
            body: Some(read(object, bytes)),
            ..GetObjectOutput::default()
        }))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = request.input;
        self.check_bucket(&input.bucket)?;
        if input.part_number.is_some() {
            return Err(s3_error!(NotImplemented, "partNumber is not implemented"));
        }
        let object = self.objects.get(&input.key)?;
        let condition = ReadCondition {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            if_modified_since: input.if_modified_since,
            if_unmodified_since: input.if_unmodified_since,
        };
        condition.check(&object.record)?;

        let record = &object.record;
        let range = range(input.range.as_ref(), record.size)?;
        let sums = shown(record, input.checksum_mode.as_ref(), range.is_some());
        let status = range.as_ref().map(|_| http::StatusCode::PARTIAL_CONTENT);
        let length = range
            .as_ref()
            .map_or(record.size, |range| range.end - range.start);
        let mut response = S3Response::new(HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(signed(length)),
            content_range: range.map(|range| content_range(&range, record.size)),
            e_tag: Some(ETag::Strong(record.etag.clone())),
            last_modified: Some(record.modified.time().into()),
            content_type: content_type(record),
            cache_control: record.description.cache_control.clone(),
            content_disposition: record.description.content_disposition.clone(),
            content_encoding: record.description.content_encoding.clone(),
            content_language: record.description.content_language.clone(),
            metadata: user_metadata(record),
            checksum_type: sums.as_ref().map(|_| record.checksum_kind.dto()),
            checksum_crc32: sums.as_ref().and_then(|sums| sums.crc32.clone()),
            checksum_crc32c: sums.as_ref().and_then(|sums| sums.crc32c.clone()),
            checksum_crc64nvme: sums.as_ref().and_then(|sums| sums.crc64nvme.clone()),
            checksum_sha1: sums.as_ref().and_then(|sums| sums.sha1.clone()),
            checksum_sha256: sums.as_ref().and_then(|sums| sums.sha256.clone()),
            ..HeadObjectOutput::default()
        });
        response.status = status;
        Ok(response)
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = request.input;
        self.check_bucket(&input.bucket)?;
        let condition = WriteCondition::new(input.if_match, None)?;
        let objects = Arc::clone(&self.objects);
        blocking(move || objects.delete(&input.key, &condition)).await?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let input = request.input;
        self.check_bucket(&input.bucket)?;
        let wanted = input.delete.objects;
        if wanted.is_empty() || wanted.len() > MOST_LISTED as usize {
            return Err(malformed());
        }
        let quiet = input.delete.quiet.unwrap_or(false);
        let objects = Arc::clone(&self.objects);
        let (deleted, errors) = blocking(move || {
            let mut deleted = Vec::new();
            let mut errors = Vec::new();
            for object in wanted {
                let condition = WriteCondition {
                    if_match: object.e_tag.map(ETagCondition::ETag),
                    if_none_match: None,
                };
                match objects.delete(&object.key, &condition) {
                    Ok(()) if quiet => {}
                    Ok(()) => deleted.push(DeletedObject {
                        key: Some(object.key),
                        ..DeletedObject::default()
                    }),
                    Err(error) => errors.push(Error {
                        key: Some(object.key),
                        code: Some(error.code().as_str().to_owned()),
                        message: error.message().map(str::to_owned),
                        ..Error::default()
                    }),
                }
            }
            Ok((deleted, errors))
        })
        .await?;
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: Some(deleted),
            errors: (!errors.is_empty()).then_some(errors),
            ..DeleteObjectsOutput::default()
        }))
    }

    async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let input = request.input;
        self.check_bucket(&input.bucket)?;
        let CopySource::Bucket { bucket, key, .. } = &input.copy_source else {
            return Err(s3_error!(
                NotImplemented,
                "Copying from an access point is not implemented"
            ));
        };
        self.check_bucket(bucket)?;
        let source = self.objects.get(key)?;
        ReadCondition {
            if_match: input.copy_source_if_match,
            if_none_match: input.copy_source_if_none_match,
            if_modified_since: input.copy_source_if_modified_since,
            if_unmodified_since: input.copy_source_if_unmodified_since,
        }
        .check_source(&source.record)?;
        if source.record.size > LARGEST_COPY {
            return Err(s3_error!(
                InvalidRequest,
                "The specified copy source is larger than the maximum allowable size for a copy \
                 source: {LARGEST_COPY}"
            ));
        }

        let directive = input
            .metadata_directive
            .as_ref()
            .map(MetadataDirective::as_str);
        let description = match directive {
            None | Some(MetadataDirective::COPY) => {
                if **key == *input.key {
                    return Err(s3_error!(
                        InvalidRequest,
                        "This copy request is illegal because it is trying to copy an object to \
                         itself without changing the object's metadata, storage class, website \
                         redirect location or encryption attributes."
                    ));
                }
                source.record.description.clone()
            }
            Some(MetadataDirective::REPLACE) => describe(Description {
                content_type: input.content_type,
                cache_control: input.cache_control,
                content_disposition: input.content_disposition,
                content_encoding: input.content_encoding,
                content_language: input.content_language,
                metadata: metadata(input.metadata)?,
            }),
            Some(_) => {
                return Err(s3_error!(InvalidArgument, "Unknown metadata directive."));
            }
        };

        let files = {
            let disk = Arc::clone(self.objects.disk());
            let source = Arc::clone(&source);
            blocking(move || {
                source
                    .files
                    .iter()
                    .map(|file| disk.duplicate(file).map(Arc::new))
                    .collect::<io::Result<Vec<_>>>()
                    .map_err(S3Error::internal_error)
            })
            .await?
        };
        let draft = Draft {
            key: input.key,
            etag: source.record.etag.clone(),
            event_name: EventName::Copy,
            files,
            description,
            checksums: source.record.checksums.clone(),
            checksum_kind: source.record.checksum_kind,
        };
        let object = self.store(draft, WriteCondition::default()).await?;
        let sums = object.record.checksums.clone();
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(CopyObjectResult {
                e_tag: Some(ETag::Strong(object.record.etag.clone())),
                last_modified: Some(object.record.modified.time().into()),
                checksum_crc32: sums.crc32,
                checksum_crc32c: sums.crc32c,
                checksum_crc64nvme: sums.crc64nvme,
                checksum_sha1: sums.sha1,
                checksum_sha256: sums.sha256,
                checksum_type: Some(object.record.checksum_kind.dto()),
            }),
            ..CopyObjectOutput::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        self.check_bucket(&input.bucket)?;
        let url = url_encoding(input.encoding_type.as_ref())?;
        let limit = limit(input.max_keys, "max-keys")?;
        let prefix = input.prefix.unwrap_or_default();
        let delimiter = input.delimiter.filter(|delimiter| !delimiter.is_empty());
        let page = listing::page(
            &self.objects,
            &Query {
                prefix: prefix.clone(),
                delimiter: delimiter.clone(),
                start_after: input.start_after.clone(),
                continuation: input.continuation_token.clone(),
                limit,
            },
        )?;
        let contents: Vec<_> = page
            .objects
            .iter()
            .map(|object| {
                let record = &object.record;
                s3s::dto::Object {
                    key: Some(listing::written(&record.key, url)),
                    size: Some(signed(record.size)),
                    e_tag: Some(ETag::Strong(record.etag.clone())),
                    last_modified: Some(record.modified.time().into()),
                    storage_class: Some(ObjectStorageClass::from_static(
                        ObjectStorageClass::STANDARD,
                    )),
                    checksum_algorithm: Some(
                        record
                            .checksums
                            .present()
                            .map(|(algorithm, _)| ChecksumAlgorithm::from_static(algorithm.name()))
                            .collect(),
                    ),
                    checksum_type: Some(record.checksum_kind.dto()),
                    ..s3s::dto::Object::default()
                }
            })
            .collect();
        let prefixes: Vec<_> = page
            .prefixes
            .iter()
            .map(|prefix| CommonPrefix {
                prefix: Some(listing::written(prefix, url)),
            })
            .collect();
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(listing::written(&prefix, url)),
            max_keys: Some(clamped(limit)),
            key_count: Some(clamped(contents.len() + prefixes.len())),
            continuation_token: input.continuation_token,
            is_truncated: Some(page.continuation.is_some()),
            next_continuation_token: page.continuation,
            contents: Some(contents),
            common_prefixes: Some(prefixes),
            delimiter: delimiter.map(|delimiter| listing::written(&delimiter, url)),
            encoding_type: input.encoding_type,
            start_after: input.start_after.map(|key| listing::written(&key, url)),
            ..ListObjectsV2Output::default()
        }))
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let input = request.input;
        self.check_bucket(&input.bucket)?;
        let algorithm = match &input.checksum_algorithm {
            Some(name) => Some(Algorithm::named(name.as_str()).ok_or_else(|| {
                s3_error!(
                    InvalidRequest,
                    "Checksum algorithm provided is unsupported."
                )
            })?),
            None => None,
        };
        let kind = kind(algorithm, input.checksum_type.as_ref())?;
        let description = describe(Description {
            content_type: input.content_type,
            cache_control: input.cache_control,
            content_disposition: input.content_disposition,
            content_encoding: input.content_encoding,
            content_language: input.content_language,
            metadata: metadata(input.metadata)?,
        });
        let objects = Arc::clone(&self.objects);
        let name = algorithm.map(|algorithm| algorithm.name().to_owned());
        let key = input.key;
        let record = blocking(move || objects.open_upload(key, description, name, kind)).await?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(record.key.clone()),
            upload_id: Some(record.upload_id.clone()),
            checksum_algorithm: input.checksum_algorithm,
            checksum_type: kind.map(Kind::dto),
            ..CreateMultipartUploadOutput::default()
        }))
    }

    async fn upload_part(
        &self,
        mut request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        self.check_bucket(&request.input.bucket)?;
        let declared = Declared::by_part(&request)?;
        let body = request.input.body.take();
        let input = request.input;
        if !(1..=MOST_PARTS).contains(&input.part_number) {
            return Err(s3_error!(
                InvalidArgument,
                "Part number must be an integer between 1 and {MOST_PARTS}, inclusive"
            ));
        }
        let upload = self.objects.upload(&input.key, &input.upload_id)?;
        // The object's checksum is made from the parts', so each part needs that one too.
        let wanted = upload
            .record
            .algorithm
            .as_deref()
            .and_then(Algorithm::named);
        let declared = declared.also(wanted);

        let received = receive::receive(self.objects.disk(), body, declared).await?;
        let sums = received.checksums.kept(&received.chosen);
        let objects = Arc::clone(&self.objects);
        let part = blocking(move || {
            objects.add_part(&input.key, &input.upload_id, input.part_number, received)
        })
        .await?;
        Ok(S3Response::new(UploadPartOutput {
            e_tag: Some(ETag::Strong(part.record.etag.clone())),
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            ..UploadPartOutput::default()
        }))
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = request.input;
        self.check_bucket(&input.bucket)?;
        let condition = WriteCondition::new(input.if_match, input.if_none_match)?;
        let chosen = input
            .multipart_upload
            .and_then(|upload| upload.parts)
            .unwrap_or_default();
        let declared = Checksums {
            crc32: input.checksum_crc32,
            crc32c: input.checksum_crc32c,
            crc64nvme: input.checksum_crc64nvme,
            sha1: input.checksum_sha1,
            sha256: input.checksum_sha256,
        };
        let size = input.mpu_object_size;
        let objects = Arc::clone(&self.objects);
        let (key, upload_id) = (input.key, input.upload_id);
        let object = blocking(move || {
            objects.complete_upload(&key, &upload_id, &condition, |upload| {
                assemble(upload, &chosen, &declared, size)
            })
        })
        .await?;
        let record = &object.record;
        let sums = record.checksums.clone();
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            location: Some(format!(
                "/{}/{}",
                input.bucket,
                listing::written(&record.key, true)
            )),
            bucket: Some(input.bucket),
            key: Some(record.key.clone()),
            e_tag: Some(ETag::Strong(record.etag.clone())),
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            checksum_type: Some(record.checksum_kind.dto()),
            ..CompleteMultipartUploadOutput::default()
        }))
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let input = request.input;
        self.check_bucket(&input.bucket)?;
        let objects = Arc::clone(&self.objects);
        blocking(move || objects.abort_upload(&input.key, &input.upload_id)).await?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    async fn list_parts(
        &self,
        request: S3Request<ListPartsInput>,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        let input = request.input;
        self.check_bucket(&input.bucket)?;
        let limit = limit(input.max_parts, "max-parts")?;
        let marker = input.part_number_marker.unwrap_or(0);
        let upload = self.objects.upload(&input.key, &input.upload_id)?;
        let mut parts: Vec<_> = upload
            .parts
            .values()
            .filter(|part| part.record.number > marker)
            .take(limit + 1)
            .map(|part| listed(&part.record))
            .collect();
        let truncated = parts.len() > limit;
        parts.truncate(limit);
        Ok(S3Response::new(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            part_number_marker: Some(marker),
            next_part_number_marker: parts.last().and_then(|part| part.part_number),
            max_parts: Some(clamped(limit)),
            is_truncated: Some(truncated),
            parts: Some(parts),
            checksum_algorithm: upload.record.algorithm.clone().map(ChecksumAlgorithm::from),
            checksum_type: upload.record.checksum_kind.map(Kind::dto),
            storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
            ..ListPartsOutput::default()
        }))
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = request.input;
        self.check_bucket(&input.bucket)?;
        if input
            .delimiter
            .as_ref()
            .is_some_and(|delimiter| !delimiter.is_empty())
        {
            return Err(s3_error!(
                NotImplemented,
                "delimiter is not implemented here"
            ));
        }
        let url = url_encoding(input.encoding_type.as_ref())?;
        let limit = limit(input.max_uploads, "max-uploads")?;
        let prefix = input.prefix.unwrap_or_default();
        let key_marker = input.key_marker.unwrap_or_default();
        let id_marker = input.upload_id_marker.unwrap_or_default();
        let mut found: Vec<_> = self
            .objects
            .uploads()
            .into_iter()
            .filter(|upload| upload.key.starts_with(&prefix))
            .filter(|upload| {
                upload.key > key_marker
                    || (upload.key == key_marker
                        && !id_marker.is_empty()
                        && upload.upload_id > id_marker)
            })
            .take(limit + 1)
            .collect();
        let truncated = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| truncated);
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            prefix: Some(listing::written(&prefix, url)),
            key_marker: Some(listing::written(&key_marker, url)),
            upload_id_marker: Some(id_marker),
            next_key_marker: next.map(|upload| listing::written(&upload.key, url)),
            next_upload_id_marker: next.map(|upload| upload.upload_id.clone()),
            max_uploads: Some(clamped(limit)),
            is_truncated: Some(truncated),
            encoding_type: input.encoding_type,
            uploads: Some(
                found
                    .iter()
                    .map(|upload| MultipartUpload {
                        key: Some(listing::written(&upload.key, url)),
                        upload_id: Some(upload.upload_id.clone()),
                        initiated: Some(upload.initiated.time().into()),
                        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
                        checksum_algorithm: upload.algorithm.clone().map(ChecksumAlgorithm::from),
                        checksum_type: upload.checksum_kind.map(Kind::dto),
                        ..MultipartUpload::default()
                    })
                    .collect(),
            ),
            ..ListMultipartUploadsOutput::default()
        }))
    }
}

/// The object that the chosen parts make, if they may make one.
fn assemble(
    upload: &Upload,
    chosen: &[CompletedPart],
    declared: &Checksums,
    declared_size: Option<i64>,
) -> S3Result<Draft> {
    if chosen.is_empty() {
        return Err(malformed());
    }
    let mut parts = Vec::with_capacity(chosen.len());
    let mut before = 0;
    for wanted in chosen {
        let number = wanted.part_number.ok_or_else(malformed)?;
        if number <= before {
            return Err(s3_error!(
                InvalidPartOrder,
                "The list of parts was not in ascending order. The parts list must be specified in \
                 order by part number."
            ));
        }
        before = number;
        let part = upload.parts.get(&number);
        let part = part.filter(|part| is_meant(&part.record, wanted));
        parts.push(part.ok_or_else(|| {
            s3_error!(
                InvalidPart,
                "One or more of the specified parts could not be found. The part might not have \
                 been uploaded, or the specified entity tag might not have matched the part's \
                 entity tag."
            )
        })?);
    }
    let all_but_last = parts.len() - 1;
    if parts[..all_but_last]
        .iter()
        .any(|part| part.record.segment.size < SMALLEST_PART)
    {
        return Err(s3_error!(
            EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed size"
        ));
    }
    let size: u64 = parts.iter().map(|part| part.record.segment.size).sum();
    if declared_size.is_some_and(|declared| u64::try_from(declared) != Ok(size)) {
        return Err(s3_error!(
            InvalidRequest,
            "The provided 'x-amz-mp-object-size' header value does not match what was computed."
        ));
    }

    let records = || parts.iter().map(|part| &*part.record);
    let algorithm = upload
        .record
        .algorithm
        .as_deref()
        .and_then(Algorithm::named);
    let composite = upload.record.checksum_kind == Some(Kind::Composite);
    let algorithm = algorithm.unwrap_or(Algorithm::Crc64Nvme);
    let sum = if composite {
        checksums::compose(algorithm, records().map(|part| &part.checksums))
    } else {
        let sums = records().map(|part| (&part.checksums, part.segment.size));
        checksums::combine(algorithm, sums)
    };
    let mut sums = Checksums::default();
    if let Some(sum) = sum {
        sums.set(algorithm, sum);
    }
    // Checksums of other kinds than the announced one were not computed, and S3 refuses them too.
    checksums::check_match(declared, &sums)?;

    Ok(Draft {
        key: upload.record.key.clone(),
        etag: checksums::multipart_etag(records().map(|part| part.etag.as_str())),
        event_name: EventName::CompleteMultipartUpload,
        files: parts.iter().map(|part| Arc::clone(&part.file)).collect(),
        description: upload.record.description.clone(),
        checksums: sums,
        checksum_kind: if composite {
            Kind::Composite
        } else {
            Kind::FullObject
        },
    })
}

/// Whether the part that was uploaded is the one that the client names.
fn is_meant(part: &PartRecord, wanted: &CompletedPart) -> bool {
    let same = |wanted: &Option<String>, algorithm| match (wanted, part.checksums.get(algorithm)) {
        (Some(wanted), Some(present)) => wanted == present,
        // What was not computed cannot be compared.
        _ => true,
    };
    wanted
        .e_tag
        .as_ref()
        .is_some_and(|etag| etag.value() == part.etag)
        && same(&wanted.checksum_crc32, Algorithm::Crc32)
        && same(&wanted.checksum_crc32c, Algorithm::Crc32c)
        && same(&wanted.checksum_crc64nvme, Algorithm::Crc64Nvme)
        && same(&wanted.checksum_sha1, Algorithm::Sha1)
        && same(&wanted.checksum_sha256, Algorithm::Sha256)
}

/// What kind of checksum the object of an upload gets.
fn kind(algorithm: Option<Algorithm>, asked: Option<&ChecksumType>) -> S3Result<Option<Kind>> {
    let asked = match asked.map(ChecksumType::as_str) {
        None => None,
        Some(ChecksumType::FULL_OBJECT) => Some(Kind::FullObject),
        Some(ChecksumType::COMPOSITE) => Some(Kind::Composite),
        Some(_) => return Err(s3_error!(InvalidRequest, "Unknown checksum type.")),
    };
    match (algorithm, asked) {
        (Some(Algorithm::Crc64Nvme) | None, Some(Kind::Composite))
        | (Some(Algorithm::Sha1 | Algorithm::Sha256), Some(Kind::FullObject)) => Err(s3_error!(
            InvalidRequest,
            "The checksum type cannot be used with the checksum algorithm."
        )),
        (_, Some(asked)) => Ok(Some(asked)),
        (Some(Algorithm::Crc64Nvme), None) => Ok(Some(Kind::FullObject)),
        (Some(_), None) => Ok(Some(Kind::Composite)),
        (None, None) => Ok(None),
    }
}

fn listed(part: &PartRecord) -> Part {
    Part {
        part_number: Some(part.number),
        size: Some(signed(part.segment.size)),
        e_tag: Some(ETag::Strong(part.etag.clone())),
        last_modified: Some(part.modified.time().into()),
        checksum_crc32: part.checksums.crc32.clone(),
        checksum_crc32c: part.checksums.crc32c.clone(),
        checksum_crc64nvme: part.checksums.crc64nvme.clone(),
        checksum_sha1: part.checksums.sha1.clone(),
        checksum_sha256: part.checksums.sha256.clone(),
    }
}

/// The framing of signed chunks is off when the object is stored, and S3 does not name it either.
fn describe(mut description: Description) -> Description {
    description.content_encoding = description.content_encoding.and_then(|encoding| {
        let kept: Vec<_> = encoding
            .split(',')
            .map(str::trim)
            .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("aws-chunked"))
            .collect();
        (!kept.is_empty()).then(|| kept.join(","))
    });
    description
}

fn metadata(given: Option<Metadata>) -> S3Result<BTreeMap<String, String>> {
    let metadata: BTreeMap<_, _> = given.unwrap_or_default().into_iter().collect();
    let size: usize = metadata
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if size > MOST_METADATA {
        return Err(s3_error!(
            MetadataTooLarge,
            "Your metadata headers exceed the maximum allowed metadata size"
        ));
    }
    Ok(metadata)
}

fn user_metadata(record: &ObjectRecord) -> Option<Metadata> {
    let metadata = &record.description.metadata;
    (!metadata.is_empty()).then(|| metadata.clone().into_iter().collect())
}

fn content_type(record: &ObjectRecord) -> Option<String> {
    let given = record.description.content_type.clone();
    Some(given.unwrap_or_else(|| UNKNOWN_TYPE.to_owned()))
}

/// The checksums to show: those of the whole would only mislead who gets a stretch of it.
fn shown(record: &ObjectRecord, mode: Option<&ChecksumMode>, ranged: bool) -> Option<Checksums> {
    let enabled = mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED);
    (enabled && !ranged).then(|| record.checksums.clone())
}

/// A client that resumes says with `If-Range` what it has the beginning of. When that is another
/// object by now, it gets the whole of the new one.
fn range_counts(headers: &HeaderMap, record: &ObjectRecord) -> bool {
    match headers.get(http::header::IF_RANGE) {
        Some(known) => ETag::parse_http_header(known.as_bytes())
            .is_ok_and(|known| known.as_strong() == Some(&*record.etag)),
        None => true,
    }
}

fn range(asked: Option<&s3s::dto::Range>, size: u64) -> S3Result<Option<Range<u64>>> {
    match asked {
        Some(asked) => match asked.check(size) {
            Ok(range) => Ok(Some(range)),
            Err(_) => Err(s3_error!(
                InvalidRange,
                "The requested range is not satisfiable"
            )),
        },
        None => Ok(None),
    }
}

fn content_range(range: &Range<u64>, size: u64) -> String {
    format!(
        "bytes {}-{}/{size}",
        range.start,
        range.end.saturating_sub(1)
    )
}

fn url_encoding(asked: Option<&EncodingType>) -> S3Result<bool> {
    match asked.map(EncodingType::as_str) {
        None => Ok(false),
        Some(EncodingType::URL) => Ok(true),
        Some(_) => Err(s3_error!(
            InvalidArgument,
            "Invalid Encoding Method specified in Request"
        )),
    }
}

fn limit(asked: Option<i32>, name: &str) -> S3Result<usize> {
    let asked = asked.unwrap_or(MOST_LISTED).min(MOST_LISTED);
    usize::try_from(asked).map_err(|_| {
        s3_error!(
            InvalidArgument,
            "Argument {name} must be an integer between 0 and 2147483647"
        )
    })
}

fn clamped(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

fn malformed() -> S3Error {
    s3_error!(
        MalformedXML,
        "The XML you provided was not well-formed or did not validate against our published schema"
    )
}

/// A stretch of an object, read as the client takes it.
fn read(object: Arc<Object>, bytes: Range<u64>) -> StreamingBlob {
    let reader = Reader {
        object,
        position: bytes.start,
        end: bytes.end,
        open: None,
    };
    let pieces = stream::try_unfold(reader, |mut reader| async move {
        let piece = reader.next().await?;
        Ok::<_, io::Error>(piece.map(|piece| (piece, reader)))
    });
    StreamingBlob::wrap(pieces)
}

/// Holding the object keeps its files, also when it is replaced or deleted meanwhile.
struct Reader {
    object: Arc<Object>,
    position: u64,
    end: u64,
    open: Option<OpenFile>,
}

struct OpenFile {
    file: File,
    remaining: u64,
}

impl Reader {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        if self.position >= self.end {
            return Ok(None);
        }
        let mut open = match self.open.take() {
            Some(open) => open,
            None => {
                let (file, skipped) = self.file_at(self.position)?;
                let mut opened = File::open(file.path()).await?;
                if skipped > 0 {
                    opened.seek(SeekFrom::Start(skipped)).await?;
                }
                OpenFile {
                    file: opened,
                    remaining: file.size() - skipped,
                }
            }
        };
        let most = open
            .remaining
            .min(self.end - self.position)
            .min(READ as u64);
        let most = usize::try_from(most).unwrap_or(READ);
        let mut buffer = BytesMut::with_capacity(most);
        let read = (&mut open.file)
            .take(most as u64)
            .read_buf(&mut buffer)
            .await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.position += read as u64;
        open.remaining -= read as u64;
        if open.remaining > 0 {
            self.open = Some(open);
        }
        Ok(Some(buffer.freeze()))
    }

    /// The file that holds a position, and the position in it.
    fn file_at(&self, position: u64) -> io::Result<(&Arc<DataFile>, u64)> {
        let mut start = 0;
        for file in &self.object.files {
            if position < start + file.size() {
                return Ok((file, position - start));
            }
            start += file.size();
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}
