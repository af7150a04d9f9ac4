//! The bodies of the token endpoint: forms, in which everything stands once (RFC 6749 3.2).

use shared::base::code::Code;
use shared::base::error::Error;
use shared::http::incoming::Incoming;
use std::collections::BTreeMap;

/// The most bytes of a body.
const MAX_BODY: usize = 16_384;

/// The most bytes of one value.
const MAX_VALUE: usize = 1_024;

fn invalid(why: impl std::fmt::Display) -> Error {
    Error::invalid(Code::InvalidRequest.with(format!("{why}")))
}

/// The parameters of a request to the token endpoint. It takes nothing from the query, where
/// secrets would be logged on their way.
pub struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads the body. A parameter without a value counts as not there.
    ///
    /// # Errors
    /// `invalid_request` for a body of another type or of more than 16 KB, for a parameter that
    /// stands twice, and for a value of more than 1,024 bytes.
    pub fn of(incoming: &Incoming) -> Result<Self, Error> {
        let media_type = incoming
            .content_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim();
        if !incoming.body.is_empty()
            && !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        {
            return Err(invalid(
                "The body must be application/x-www-form-urlencoded",
            ));
        }
        if incoming.body.len() > MAX_BODY {
            return Err(invalid(format!("The body is larger than {MAX_BODY} bytes")));
        }
        let mut fields = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(&incoming.body) {
            if value.len() > MAX_VALUE {
                return Err(invalid(format!("A value is longer than {MAX_VALUE} bytes")));
            }
            if fields
                .insert(name.into_owned(), value.into_owned())
                .is_some()
            {
                return Err(invalid("A parameter stands twice"));
            }
        }
        fields.retain(|_, value| !value.is_empty());
        Ok(Self(fields))
    }

    /// A parameter that may be missing.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A parameter that must be there.
    ///
    /// # Errors
    /// `invalid_request`.
    pub fn need(&self, name: &str) -> Result<&str, Error> {
        self.get(name)
            .ok_or_else(|| invalid(format!("The parameter {name} is missing")))
    }
}
