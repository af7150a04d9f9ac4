//! An error is a meaning. How each dialect spells it stands in that dialect's file.

use std::fmt;

/// What went wrong, as the caller must understand it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No operation has this path.
    NoSuchOperation,
    /// The path exists, with other methods.
    MethodNotAllowed,
    /// The thing named is not there, or is another tenant's.
    NotFound,
    /// The request cannot be understood or breaks a limit.
    Invalid,
    /// It contradicts what is stored.
    Conflict,
    /// No credential, or one that is not valid.
    Unauthenticated,
    /// A valid credential without the right to do this.
    Forbidden,
    /// An `If-…` header does not hold.
    PreconditionFailed,
    /// More bytes or entries than the limit.
    TooLarge,
    /// A content type that is not taken.
    UnsupportedType,
    /// Throttled; try later.
    TooManyRequests,
    /// The store or another service did not answer; try again.
    Unavailable,
    /// A defect of ours.
    Internal,
}

/// An error: its meaning, a text for the caller, and a cause that only the log sees.
#[derive(Debug)]
pub struct Error {
    /// The meaning.
    pub kind: Kind,
    /// The text that the caller reads.
    pub message: String,
    /// What the log gets, once, from the pipeline. It never reaches a caller.
    pub cause: Option<String>,
    /// Whether a failed sign-in is meant (RHMAP adds `result:"fail"`).
    pub sign_in: bool,
}

impl Error {
    /// An error of that meaning with that text.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            cause: None,
            sign_in: false,
        }
    }

    /// The thing named is not there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, message)
    }

    /// The request is not valid.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    /// It contradicts what is stored.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, message)
    }

    /// The caller may not do this.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(Kind::Forbidden, message)
    }

    /// No valid credential.
    pub fn unauthenticated() -> Self {
        Self::new(
            Kind::Unauthenticated,
            "Operation not permitted: not logged in or the credential is not valid",
        )
    }

    /// A failed sign-in: the same words for an unknown user and a wrong password.
    pub fn sign_in_failed() -> Self {
        Self {
            sign_in: true,
            ..Self::new(Kind::Unauthenticated, "User login failed")
        }
    }

    /// More than the limit allows.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(Kind::TooLarge, message)
    }

    /// Another service did not answer; `cause` is for the log.
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        Self {
            cause: Some(cause.to_string()),
            ..Self::new(
                Kind::Unavailable,
                "The service is temporarily unavailable, please try again",
            )
        }
    }

    /// A defect of ours; `cause` is for the log.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self {
            cause: Some(cause.to_string()),
            ..Self::new(Kind::Internal, "internal error")
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.message)
    }
}

impl std::error::Error for Error {}
