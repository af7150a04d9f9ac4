//! `If-Match` and its relatives.

use http::{HeaderMap, header};
use s3s::dto::{ETag, ETagCondition, Timestamp};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use crate::records::ObjectRecord;

/// What must hold of the object that a write replaces.
#[derive(Debug, Clone, Default)]
pub(crate) struct WriteCondition {
    pub(crate) if_match: Option<ETagCondition>,
    pub(crate) if_none_match: Option<ETagCondition>,
}

impl WriteCondition {
    /// Whether the condition is one that S3 knows.
    pub(crate) fn new(
        if_match: Option<ETagCondition>,
        if_none_match: Option<ETagCondition>,
    ) -> S3Result<Self> {
        if if_none_match.as_ref().is_some_and(|none| !none.is_any()) {
            return Err(s3_error!(
                NotImplemented,
                "A header you provided implies functionality that is not implemented: \
                 If-None-Match on a write takes only *"
            ));
        }
        Ok(Self {
            if_match,
            if_none_match,
        })
    }

    pub(crate) fn check(&self, present: Option<&ObjectRecord>) -> S3Result<()> {
        if self.if_none_match.is_some() && present.is_some() {
            return Err(failed());
        }
        match (&self.if_match, present) {
            (Some(_), None) => Err(s3_error!(NoSuchKey, "The specified key does not exist.")),
            (Some(condition), Some(present)) if !matches(condition, present) => Err(failed()),
            _ => Ok(()),
        }
    }
}

/// What must hold of the object that is read.
#[derive(Debug, Default)]
pub(crate) struct ReadCondition {
    pub(crate) if_match: Option<ETagCondition>,
    pub(crate) if_none_match: Option<ETagCondition>,
    pub(crate) if_modified_since: Option<Timestamp>,
    pub(crate) if_unmodified_since: Option<Timestamp>,
}

impl ReadCondition {
    /// An entity tag says more than a date: where both are given, the date counts for nothing.
    pub(crate) fn check(&self, object: &ObjectRecord) -> S3Result<()> {
        let modified = object.modified.seconds();
        match (&self.if_match, &self.if_unmodified_since) {
            (Some(condition), _) if !matches(condition, object) => return Err(failed()),
            (None, Some(since)) if modified > seconds(since) => return Err(failed()),
            _ => {}
        }
        match (&self.if_none_match, &self.if_modified_since) {
            (Some(condition), _) if matches(condition, object) => Err(not_modified(object)),
            (None, Some(since)) if modified <= seconds(since) => Err(not_modified(object)),
            _ => Ok(()),
        }
    }

    /// For the source of a copy there is no "not modified".
    pub(crate) fn check_source(&self, object: &ObjectRecord) -> S3Result<()> {
        self.check(object).map_err(|_| failed())
    }
}

fn matches(condition: &ETagCondition, object: &ObjectRecord) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(etag) => etag.value() == object.etag,
    }
}

fn seconds(time: &Timestamp) -> u64 {
    let time = time::OffsetDateTime::from(time.clone());
    u64::try_from(time.unix_timestamp()).unwrap_or(0)
}

fn failed() -> S3Error {
    s3_error!(
        PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold"
    )
}

fn not_modified(object: &ObjectRecord) -> S3Error {
    let mut error = S3Error::new(S3ErrorCode::NotModified);
    let mut headers = HeaderMap::new();
    // A cache keeps its copy under this tag.
    if let Ok(etag) = ETag::Strong(object.etag.clone()).to_http_header() {
        headers.insert(header::ETAG, etag);
    }
    error.set_headers(headers);
    error
}
