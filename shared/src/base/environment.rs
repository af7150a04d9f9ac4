//! The environments that an app's cloud code runs in: `dev`, `test`, `live`, or whatever a company
//! calls its own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use crate::base::error::Error;

/// The name of an environment: 1 to 64 letters, digits, hyphens, dots or underscores. Case counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Environment(String);

impl Environment {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Environment {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let fits = (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid(
                "the name of an environment has 1 to 64 letters, digits, hyphens, dots or underscores",
            ))
        }
    }
}

impl<'de> Deserialize<'de> for Environment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::base::lenient::text(deserializer)?
            .trim()
            .parse()
            .map_err(|error: Error| serde::de::Error::custom(error.message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_environments() {
        for name in ["dev", "live", "eu-1.prod_2", "X"] {
            assert_eq!(name.parse::<Environment>().unwrap().as_str(), name);
        }
        for text in ["", "a b", "*", "a#b", "a/b", "é", &"x".repeat(65)] {
            assert!(text.parse::<Environment>().is_err(), "{text}");
        }
    }
}
