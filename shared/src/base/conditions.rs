//! Conditional requests (RFC 9110 section 13): entity tags, times of change, and the `If-…` headers
//! about them.

use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use crate::base::clock::Timestamp;
use crate::base::error::{Error, Kind};

/// What a request's `If-…` headers say, as they were sent.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    /// `If-Match`.
    pub if_match: Option<String>,
    /// `If-None-Match`.
    pub if_none_match: Option<String>,
    /// `If-Modified-Since`.
    pub if_modified_since: Option<String>,
    /// `If-Unmodified-Since`.
    pub if_unmodified_since: Option<String>,
}

/// What the conditions are about: the state of a thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validators {
    /// Its strong entity tag, with its quotes.
    pub etag: String,
    /// When it changed last, where that is known.
    pub modified: Option<Timestamp>,
}

impl Validators {
    /// Of a record: its revision counts every change of it. `name` keeps the tags of two things
    /// apart.
    pub fn of_record(name: &str, rev: u64, modified: Timestamp) -> Self {
        Self {
            etag: format!("\"{name}.{rev}\""),
            modified: Some(modified),
        }
    }

    /// Of an answer that shows the record and something beside it that the record's revision does
    /// not count: the tag changes with that too, and no time of change is told. A change of the
    /// record is judged by the part before the `~`.
    pub fn beside(self, shown: &[u8]) -> Self {
        let digest = Sha256::digest(shown);
        let record = self.etag.trim_end_matches('"');
        Self {
            etag: format!(
                "{record}~{}\"",
                data_encoding::HEXLOWER.encode(&digest[..8])
            ),
            modified: None,
        }
    }

    /// Of a text or file, by its content.
    pub fn of_content(bytes: &[u8]) -> Self {
        let digest = Sha256::digest(bytes);
        Self {
            etag: format!("\"{}\"", data_encoding::HEXLOWER.encode(&digest[..16])),
            modified: None,
        }
    }

    /// With that time of change.
    pub fn modified(mut self, at: Timestamp) -> Self {
        self.modified = Some(at);
        self
    }
}

/// What the conditions of a reading say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The answer is to be given.
    Go,
    /// The client has it already.
    NotModified,
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn http_date(at: Timestamp) -> String {
    httpdate::fmt_http_date(
        SystemTime::UNIX_EPOCH + Duration::from_millis(at.0.max(0).unsigned_abs()),
    )
}

/// A date in one of the three forms of HTTP; `None` for any other text, which the standard passes
/// over.
fn seconds(text: &str) -> Option<i64> {
    let since = httpdate::parse_http_date(text.trim())
        .ok()?
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()?;
    i64::try_from(since.as_secs()).ok()
}

/// The tags of a list, as they stand there: `"…"` or `W/"…"`, with commas between them. A comma may
/// stand within a tag; from where a list is none any more it names nothing.
fn tags(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = list.trim_start_matches([' ', '\t', ',']);
    std::iter::from_fn(move || {
        let opening = if rest.starts_with("W/\"") { 3 } else { 1 };
        if opening == 1 && !rest.starts_with('"') {
            return None;
        }
        let end = opening + rest[opening..].find('"')?;
        let behind = rest[end + 1..].trim_start_matches([' ', '\t']);
        if !behind.is_empty() && !behind.starts_with(',') {
            rest = "";
            return None;
        }
        let tag = &rest[..=end];
        rest = behind.trim_start_matches([' ', '\t', ',']);
        Some(tag)
    })
}

/// The tag of the record, of a tag that says what stands beside it too.
fn of_record(tag: &str) -> std::borrow::Cow<'_, str> {
    match tag.split_once('~') {
        Some((record, _)) => format!("{record}\"").into(),
        None => tag.into(),
    }
}

fn failed(what: &str) -> Error {
    Error::new(
        Kind::PreconditionFailed,
        format!("{what} does not hold: it was changed by another request"),
    )
}

impl Conditions {
    /// Whether a change was asked for under a condition.
    pub fn guard_changes(&self) -> bool {
        self.if_match.is_some()
            || self
                .if_unmodified_since
                .as_deref()
                .and_then(seconds)
                .is_some()
    }

    /// Judges a change of what is there. `required` refuses one without a condition
    /// (`RequireIfMatch`).
    ///
    /// # Errors
    /// Forbidden without a condition where one is required; precondition failed where one does not
    /// hold.
    pub fn judge_change(&self, of: &Validators, required: bool) -> Result<(), Error> {
        if required && !self.guard_changes() {
            return Err(Error::forbidden(
                "The request must be conditional: send If-Match or If-Unmodified-Since",
            ));
        }
        if let Some(list) = &self.if_match {
            // Strong comparison: a weak tag matches nothing.
            if list.trim() != "*"
                && !tags(list).any(|tag| tag == of.etag || of_record(tag) == of.etag)
            {
                return Err(failed("If-Match"));
            }
        } else if let (Some(since), Some(modified)) = (
            self.if_unmodified_since.as_deref().and_then(seconds),
            of.modified,
        ) && modified.seconds() > since
        {
            return Err(failed("If-Unmodified-Since"));
        }
        if let Some(list) = &self.if_none_match
            && (list.trim() == "*" || tags(list).any(|tag| tag.trim_start_matches("W/") == of.etag))
        {
            return Err(failed("If-None-Match"));
        }
        Ok(())
    }

    /// Judges the making of something that is not there yet: no tag can match.
    ///
    /// # Errors
    /// Precondition failed with `If-Match`.
    pub fn judge_creation(&self) -> Result<(), Error> {
        if self.if_match.is_some() {
            Err(failed("If-Match"))
        } else {
            Ok(())
        }
    }

    /// Judges a reading.
    ///
    /// # Errors
    /// Precondition failed where `If-Match` or `If-Unmodified-Since` does not hold.
    pub fn judge_reading(&self, of: &Validators) -> Result<Verdict, Error> {
        let changing = Self {
            if_none_match: None,
            ..self.clone()
        };
        changing.judge_change(of, false)?;
        let fresh = match (&self.if_none_match, &self.if_modified_since, of.modified) {
            (Some(list), ..) => {
                list.trim() == "*" || tags(list).any(|tag| tag.trim_start_matches("W/") == of.etag)
            }
            (None, Some(since), Some(modified)) => {
                seconds(since).is_some_and(|since| modified.seconds() <= since)
            }
            _ => false,
        };
        Ok(if fresh {
            Verdict::NotModified
        } else {
            Verdict::Go
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{clock, error};

    fn thing() -> Validators {
        Validators::of_record("app", 3, clock::Timestamp(784_111_777_500))
    }

    fn given(name: &str, value: &str) -> Conditions {
        let value = Some(value.to_owned());
        match name {
            "if-match" => Conditions {
                if_match: value,
                ..Conditions::default()
            },
            "if-none-match" => Conditions {
                if_none_match: value,
                ..Conditions::default()
            },
            "if-modified-since" => Conditions {
                if_modified_since: value,
                ..Conditions::default()
            },
            _ => Conditions {
                if_unmodified_since: value,
                ..Conditions::default()
            },
        }
    }

    #[test]
    fn changes() {
        let allowed =
            |name: &str, value: &str| given(name, value).judge_change(&thing(), false).is_ok();
        assert!(allowed("if-match", "\"app.3\""));
        assert!(allowed("if-match", "\"x\", \"app.3\""));
        assert!(allowed("if-match", " * "));
        assert!(!allowed("if-match", "\"app.2\""));
        let shown = thing().beside(b"names of groups");
        assert!(
            shown.etag.starts_with("\"app.3~")
                && shown.etag.ends_with('"')
                && shown.modified.is_none()
        );
        assert!(allowed("if-match", &shown.etag));
        assert!(!allowed(
            "if-match",
            &Validators::of_record("app", 2, clock::Timestamp(0))
                .beside(b"names of groups")
                .etag
        ));
        assert!(!allowed("if-match", "W/\"app.3\""));
        assert!(!allowed("if-match", "app.3"));
        for malformed in ["w/\"app.3\"", "x\"app.3\"", "\"app.3\"x", "\"x\" \"app.3\""] {
            assert!(!allowed("if-match", malformed), "{malformed}");
        }
        assert!(!allowed("if-match", ""));
        assert!(allowed(
            "if-unmodified-since",
            "Sun, 06 Nov 1994 08:49:37 GMT"
        ));
        assert!(!allowed(
            "if-unmodified-since",
            "Sun, 06 Nov 1994 08:49:36 GMT"
        ));
        assert!(allowed("if-unmodified-since", "yesterday"));
        assert!(!allowed("if-none-match", "\"app.3\""));
        assert!(Conditions::default().judge_change(&thing(), false).is_ok());
        assert_eq!(
            Conditions::default()
                .judge_change(&thing(), true)
                .unwrap_err()
                .kind,
            error::Kind::Forbidden
        );
        assert!(given("if-match", "*").judge_change(&thing(), true).is_ok());
        assert!(
            given("if-unmodified-since", "x")
                .judge_change(&thing(), true)
                .is_err(),
            "a date that is none is no condition"
        );
    }

    #[test]
    fn readings() {
        let verdict = |name: &str, value: &str| given(name, value).judge_reading(&thing());
        assert_eq!(
            verdict("if-none-match", "\"app.3\"").unwrap(),
            Verdict::NotModified
        );
        assert_eq!(
            verdict("if-none-match", "\"a,b\", W/\"app.3\"").unwrap(),
            Verdict::NotModified
        );
        assert_eq!(verdict("if-none-match", "*").unwrap(), Verdict::NotModified);
        assert_eq!(verdict("if-none-match", "\"app.2\"").unwrap(), Verdict::Go);
        assert_eq!(
            verdict("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT").unwrap(),
            Verdict::NotModified
        );
        assert_eq!(
            verdict("if-modified-since", "Sunday, 06-Nov-94 08:49:36 GMT").unwrap(),
            Verdict::Go
        );
        assert!(verdict("if-match", "\"app.2\"").is_err());
        let both = Conditions {
            if_none_match: Some("\"app.2\"".to_owned()),
            if_modified_since: Some("Sun, 06 Nov 1994 08:49:37 GMT".to_owned()),
            ..Conditions::default()
        };
        assert_eq!(
            both.judge_reading(&thing()).unwrap(),
            Verdict::Go,
            "the tag decides"
        );
    }

    #[test]
    fn what_is_made_matches_no_tag() {
        assert!(given("if-match", "*").judge_creation().is_err());
        assert!(
            given("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT")
                .judge_creation()
                .is_ok()
        );
    }

    #[test]
    fn dates_are_printed_as_http_has_them() {
        assert_eq!(
            http_date(clock::Timestamp(784_111_777_500)),
            "Sun, 06 Nov 1994 08:49:37 GMT"
        );
    }
}
