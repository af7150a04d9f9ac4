//! Texts with limits, checked by their types.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// A text of at most `MAX` characters; blank only where `BLANK` allows it. Control characters other
/// than line breaks and tabs are refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Text<const MAX: usize, const BLANK: bool>(String);

impl<const MAX: usize, const BLANK: bool> Text<MAX, BLANK> {
    /// The text, if it is within its limits.
    pub fn new(text: String) -> Option<Self> {
        let fits = text.chars().count() <= MAX
            && (BLANK || !text.trim().is_empty())
            && !text
                .chars()
                .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
        fits.then_some(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> Default for Text<MAX, true> {
    fn default() -> Self {
        Self(String::new())
    }
}

impl<const MAX: usize, const BLANK: bool> fmt::Display for Text<MAX, BLANK> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de, const MAX: usize, const BLANK: bool> Deserialize<'de> for Text<MAX, BLANK> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = crate::base::lenient::text(deserializer)?;
        Self::new(text).ok_or_else(|| {
            serde::de::Error::custom(format!("it must be a text of at most {MAX} characters"))
        })
    }
}

/// A name: 1 to 200 characters.
pub type Name = Text<200, false>;

/// A description: up to 2,000 characters, so that an app record stays small.
pub type Description = Text<2_000, true>;

/// A label or token: up to 200 characters.
pub type Label = Text<200, true>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_count_characters() {
        assert!(Name::new("é".repeat(200)).is_some());
        assert!(Name::new("é".repeat(201)).is_none());
        assert!(Name::new(" ".to_owned()).is_none());
        assert!(Label::new(String::new()).is_some());
        assert!(Name::new("a\u{0}b".to_owned()).is_none());
        assert!(Description::new("two\nlines".to_owned()).is_some());
    }
}
