//! What an operation gives back: a meaning, not a status.

use std::borrow::Cow;

use serde::Serialize;

use crate::base::conditions::Validators;
use crate::base::error::Error;
use crate::base::limits::MAX_ANSWER;

/// What kind of success it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Success {
    /// Done.
    Done,
    /// Something was made.
    Created,
    /// A record of the catalogue was made: an app, a version of one, a business owner, a policy.
    /// Clients of the publisher API differ on its status (`Wso2CreateStatus`).
    Catalogued,
    /// It will be done.
    Accepted,
}

/// The content of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A JSON object, written out; the dialect puts its envelope around it.
    Json(Vec<u8>),
    /// JSON that no envelope goes around (a bare array, say).
    BareJson(Vec<u8>),
    /// Something else, with its content type.
    Bytes {
        /// The content type.
        content_type: Cow<'static, str>,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// The client is sent to another address.
    Redirect(String),
    /// The client finds what it asked for at another address, which it is to read (303) whatever
    /// its method was.
    SeeOther(String),
    /// Nothing.
    Empty,
}

/// The answer of an operation.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The kind of success.
    pub success: Success,
    /// The content.
    pub content: Content,
    /// A `Set-Cookie` line.
    pub cookie: Option<String>,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// The state of what it shows; without one a dialect with conditional requests takes the
    /// content.
    pub validators: Option<Validators>,
    /// For how many seconds anybody may keep it; `None` where the dialect decides. Its conditions
    /// are judged in every dialect.
    pub max_age: Option<u32>,
}

impl Reply {
    fn with(content: Content) -> Self {
        Self {
            success: Success::Done,
            content,
            cookie: None,
            headers: Vec::new(),
            validators: None,
            max_age: None,
        }
    }

    /// A view, in the dialect's envelope.
    ///
    /// # Errors
    /// Too large beyond [`MAX_ANSWER`]; internal when the view cannot be written.
    pub fn of<T: Serialize>(view: &T) -> Result<Self, Error> {
        let bytes = serde_json::to_vec(view).map_err(Error::internal)?;
        if bytes.len() > MAX_ANSWER {
            return Err(Error::too_large(
                "The list is too large for one answer: ask for pages with limit and cursor",
            ));
        }
        Ok(Self::with(Content::Json(bytes)))
    }

    /// Only the dialect's word for success.
    pub fn done() -> Self {
        Self::with(Content::Json(b"{}".to_vec()))
    }

    /// No content at all, not even the dialect's word for success.
    pub fn empty() -> Self {
        Self::with(Content::Empty)
    }

    /// With that kind of success.
    pub fn success(mut self, success: Success) -> Self {
        self.success = success;
        self
    }

    /// With the state of what it shows.
    pub fn validators(mut self, validators: Validators) -> Self {
        self.validators = Some(validators);
        self
    }

    /// That anybody may keep for so many seconds: nothing secret, and the same for all.
    pub fn max_age(mut self, seconds: u32) -> Self {
        self.max_age = Some(seconds);
        self
    }

    /// Sends the client on.
    pub fn redirect(url: String) -> Self {
        Self::with(Content::Redirect(url))
    }

    /// Says where what was asked for is to be read.
    pub fn see_other(url: String) -> Self {
        Self::with(Content::SeeOther(url))
    }

    /// A page or a file.
    pub fn bytes(content_type: impl Into<Cow<'static, str>>, bytes: Vec<u8>) -> Self {
        Self::with(Content::Bytes {
            content_type: content_type.into(),
            bytes,
        })
    }

    /// With a `Set-Cookie` line.
    pub fn cookie(mut self, line: String) -> Self {
        self.cookie = Some(line);
        self
    }

    /// With a further header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
