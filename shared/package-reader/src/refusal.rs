//! What is said when a file is not accepted.

use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

/// Why a file was refused. The textual form (`Display`, serde) is stable: programs match on it.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RefusalCode {
    /// The bytes are not a zip archive (or, for an icon, not an image).
    NotAnArchive,
    /// An archive, but it holds no app, or only a part of one.
    NotAnApp,
    /// Something in it is bigger than what is accepted, or unpacks to more than that.
    TooLarge,
    /// A document in it nests deeper than what is accepted.
    TooDeep,
    /// It has more entries than what is accepted.
    TooManyEntries,
    /// It can be read in two ways: two apps, two manifests, overlapping entries, contradicting
    /// headers.
    Ambiguous,
    /// It ends before it should.
    Truncated,
    /// It is an app of the other platform.
    WrongType,
    /// Its identifier is not the one that was expected. Never given by this crate, which expects
    /// none.
    WrongIdentifier,
    /// It is damaged, encrypted, or built in a way that is not understood.
    Unreadable,
    /// The password does not open the file. Never given by this crate, like those below: they are
    /// said by who signs apps.
    WrongPassword,
    /// A provisioning profile that is not for this app or this certificate.
    WrongProfile,
    /// A certificate or a profile that has expired.
    Expired,
    /// A key that apps cannot be signed with.
    UnsupportedKey,
}

impl RefusalCode {
    /// The stable code, as in `not_an_archive`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A file that is not accepted, for a reason that lies in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// For programs.
    pub code: RefusalCode,
    /// One sentence for the person who uploaded the file. Text taken from the file is shortened and
    /// quoted in it.
    pub reason: String,
}

impl Refusal {
    /// A refusal with its sentence.
    pub fn new(code: RefusalCode, reason: impl Into<String>) -> Refusal {
        Refusal {
            code,
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.reason)
    }
}

impl std::error::Error for Refusal {}

/// Why there is no answer.
#[derive(Debug)]
pub enum ReadError {
    /// The file is at fault; trying again gives the same.
    Refused(Refusal),
    /// The source of the bytes (or this machine) failed; the file may be perfectly good.
    Source(io::Error),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Refused(refusal) => refusal.fmt(f),
            ReadError::Source(error) => {
                write!(f, "the file could not be read from its source: {error}")
            }
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ReadError::Refused(refusal) => Some(refusal),
            ReadError::Source(error) => Some(error),
        }
    }
}

impl From<Refusal> for ReadError {
    fn from(refusal: Refusal) -> ReadError {
        ReadError::Refused(refusal)
    }
}

impl From<io::Error> for ReadError {
    /// `FileTooLarge` is how a [`BlockCache`](crate::BlockCache) says that its budget is spent,
    /// which is the file's fault.
    fn from(error: io::Error) -> ReadError {
        if error.kind() == io::ErrorKind::FileTooLarge {
            return refused(
                RefusalCode::TooLarge,
                "Too much of the file would have to be read to find out what it is: its list of \
                entries or its manifest is too long.",
            );
        }
        ReadError::Source(error)
    }
}

/// Shorthand for a refused read.
pub(crate) fn refused(code: RefusalCode, reason: impl Into<String>) -> ReadError {
    ReadError::Refused(Refusal::new(code, reason))
}

/// Text from the file for a sentence: at most 60 characters, no control characters.
pub fn quoted(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(&text[..text.len().min(240)]);
    let mut out: String = text
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .take(60)
        .collect();
    if out.len() < text.len() {
        out.push('…');
    }
    format!("“{out}”")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The codes are stored with versions and sent to clients.
    #[test]
    fn codes_keep_their_words() {
        let rows = [
            (RefusalCode::NotAnArchive, "not_an_archive"),
            (RefusalCode::NotAnApp, "not_an_app"),
            (RefusalCode::TooLarge, "too_large"),
            (RefusalCode::TooDeep, "too_deep"),
            (RefusalCode::TooManyEntries, "too_many_entries"),
            (RefusalCode::Ambiguous, "ambiguous"),
            (RefusalCode::Truncated, "truncated"),
            (RefusalCode::WrongType, "wrong_type"),
            (RefusalCode::WrongIdentifier, "wrong_identifier"),
            (RefusalCode::Unreadable, "unreadable"),
            (RefusalCode::WrongPassword, "wrong_password"),
            (RefusalCode::WrongProfile, "wrong_profile"),
            (RefusalCode::Expired, "expired"),
            (RefusalCode::UnsupportedKey, "unsupported_key"),
        ];
        for (code, word) in rows {
            assert_eq!(code.as_str(), word);
            assert_eq!(code.to_string(), word);
            assert_eq!(serde_json::to_value(code).unwrap(), word);
            assert_eq!(
                serde_json::from_value::<RefusalCode>(word.into()).unwrap(),
                code
            );
        }
    }
}
