//! Reading what real clients send: numbers for texts, `"true"` for true, one value for a list.
//!
//! `serde_with` has adapters of the same kind, and none that takes the same: its texts are no
//! numbers, `DisplayFromStr` takes neither `"TRUE"` nor blanks around a number nor `10.0` for ten,
//! `StringWithSeparator` keeps blanks and empty words, and `OneOrMany` does not look for commas
//! inside the elements of a list. It could stand for the list in [`optional_words`] alone, and
//! every function would link it.

use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, de};

/// A text, or a number or boolean written as one (fhc turns numeric-looking ids into numbers).
///
/// # Errors
/// Objects, lists and null.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    struct Text;
    impl Visitor<'_> for Text {
        type Value = String;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text")
        }
        fn visit_str<E: de::Error>(self, value: &str) -> Result<String, E> {
            Ok(value.to_owned())
        }
        fn visit_u64<E: de::Error>(self, value: u64) -> Result<String, E> {
            Ok(value.to_string())
        }
        fn visit_i64<E: de::Error>(self, value: i64) -> Result<String, E> {
            Ok(value.to_string())
        }
        fn visit_f64<E: de::Error>(self, value: f64) -> Result<String, E> {
            Ok(value.to_string())
        }
        fn visit_bool<E: de::Error>(self, value: bool) -> Result<String, E> {
            Ok(value.to_string())
        }
    }
    deserializer.deserialize_any(Text)
}

/// An absent or null text is `None`; for the rest see [`text`].
///
/// # Errors
/// Objects and lists.
pub fn optional_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Wrapped(#[serde(deserialize_with = "text")] String);
    Ok(Option::<Wrapped>::deserialize(deserializer)?.map(|wrapped| wrapped.0))
}

/// A boolean, or `"true"`/`"false"` in any case, or null for `None`.
///
/// # Errors
/// Anything else.
pub fn optional_flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    match optional_text(deserializer)? {
        None => Ok(None),
        Some(word) if word.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(word) if word.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(_) => Err(de::Error::custom("it must be true or false")),
    }
}

/// A whole number, or its digits as a text.
///
/// # Errors
/// Anything else.
pub fn optional_number<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u64>, D::Error> {
    match optional_text(deserializer)? {
        None => Ok(None),
        Some(digits) => digits
            .trim()
            .parse()
            .map(Some)
            .map_err(|_| de::Error::custom("it must be a whole number")),
    }
}

/// A list of texts, or one text with commas between them (`"dev, analytics"`): without the blanks
/// around each and without the empty ones. Absent or null is `None`, an empty list or text an empty
/// list.
///
/// # Errors
/// Objects, and lists of anything but texts and numbers.
pub fn optional_words<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    struct Word(#[serde(deserialize_with = "text")] String);
    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "it must be a list of texts, or one text with commas between them"
    )]
    enum Words {
        List(Vec<Word>),
        Text(Word),
    }
    Ok(
        Option::<Words>::deserialize(deserializer)?.map(|words| match words {
            Words::List(words) => words.iter().flat_map(|word| split(&word.0)).collect(),
            Words::Text(word) => split(&word.0),
        }),
    )
}

/// The texts between the commas of one, as [`optional_words`] takes them.
pub fn split(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Listed {
        #[serde(default, deserialize_with = "optional_words")]
        roles: Option<Vec<String>>,
    }

    #[test]
    fn lists_come_as_texts_too() {
        let read = |text: &str| {
            serde_json::from_str::<Listed>(text)
                .map(|listed| listed.roles)
                .ok()
        };
        let words =
            |words: &[&str]| Some(Some(words.iter().map(|word| (*word).to_owned()).collect()));
        assert_eq!(read("{}"), Some(None));
        assert_eq!(read(r#"{"roles":null}"#), Some(None));
        assert_eq!(read(r#"{"roles":""}"#), words(&[]));
        assert_eq!(read(r#"{"roles":[]}"#), words(&[]));
        assert_eq!(
            read(r#"{"roles":"dev, analytics,"}"#),
            words(&["dev", "analytics"])
        );
        assert_eq!(
            read(r#"{"roles":["dev","sub, analytics",7]}"#),
            words(&["dev", "sub", "analytics", "7"])
        );
        assert_eq!(read(r#"{"roles":{}}"#), None);
        assert_eq!(read(r#"{"roles":[[]]}"#), None);
    }

    #[derive(Deserialize, Debug, PartialEq)]
    struct Sample {
        #[serde(default, deserialize_with = "optional_text")]
        label: Option<String>,
        #[serde(default, deserialize_with = "optional_flag")]
        flag: Option<bool>,
        #[serde(default, deserialize_with = "optional_number")]
        limit: Option<u64>,
    }

    #[test]
    fn takes_what_clients_send() {
        let read = |text: &str| serde_json::from_str::<Sample>(text).ok();
        let sample = |label: Option<&str>, flag, limit| {
            Some(Sample {
                label: label.map(str::to_owned),
                flag,
                limit,
            })
        };
        assert_eq!(
            read(r#"{"label":7,"flag":"TRUE","limit":"100"}"#),
            sample(Some("7"), Some(true), Some(100))
        );
        assert_eq!(
            read(r#"{"label":null,"flag":false,"limit":10}"#),
            sample(None, Some(false), Some(10))
        );
        assert_eq!(
            read(r#"{"label":true,"flag":"False","limit":" 100 "}"#),
            sample(Some("true"), Some(false), Some(100))
        );
        assert_eq!(
            read(r#"{"label":-1.5,"flag":null,"limit":10.0}"#),
            sample(Some("-1.5"), None, Some(10))
        );
        assert_eq!(read("{}"), sample(None, None, None));
        assert_eq!(read(r#"{"flag":"perhaps"}"#), None);
        assert_eq!(read(r#"{"flag":" true"}"#), None);
        assert_eq!(read(r#"{"flag":1}"#), None);
        assert_eq!(read(r#"{"limit":-1}"#), None);
        assert_eq!(read(r#"{"limit":1.5}"#), None);
        assert_eq!(read(r#"{"limit":""}"#), None);
        assert_eq!(read(r#"{"label":{}}"#), None);
    }
}
