//! Reading a request's object so that what is wrong with it is known as a field, and not as a text
//! that would have to be read again.

use std::fmt::{self, Display};

use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{
    self, DeserializeOwned, Deserializer, Expected, IntoDeserializer, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

/// What is wrong with an object.
#[derive(Debug)]
pub(crate) struct FieldError {
    /// The field: the missing one, else the first on the way to the value that is wrong. `None`
    /// where the object as a whole is wrong.
    pub(crate) field: Option<String>,
    /// A sentence for people. It repeats no value: one may be a password.
    pub(crate) sentence: String,
}

/// Reads an object.
///
/// # Errors
/// The first field that is missing or wrong.
pub(crate) fn read<T: DeserializeOwned>(object: Map<String, Value>) -> Result<T, FieldError> {
    serde_path_to_error::deserialize(Input(Value::Object(object))).map_err(|error| {
        let first = error
            .path()
            .iter()
            .next()
            .and_then(|segment| match segment {
                Segment::Map { key } => Some(key.clone()),
                Segment::Enum { variant } => Some(variant.clone()),
                Segment::Seq { .. } | Segment::Unknown => None,
            });
        let path = error.path().to_string();
        match (error.into_inner(), first) {
            (Wrong::Missing(field), _) => FieldError {
                field: Some(field.to_owned()),
                sentence: format!("The field {field} is missing"),
            },
            (Wrong::Value(why), Some(field)) => FieldError {
                field: Some(field),
                sentence: format!("The field {path} is wrong: {why}"),
            },
            (Wrong::Value(why), None) => FieldError {
                field: None,
                sentence: format!("The body is wrong: {why}"),
            },
        }
    })
}

/// Why a value cannot be read.
#[derive(Debug)]
enum Wrong {
    /// A field is not there.
    Missing(&'static str),
    /// A value is not what it must be.
    Value(String),
}

impl Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(field) => write!(f, "the field {field} is missing"),
            Self::Value(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: Display>(text: T) -> Self {
        Self::Value(text.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Value(format!("it must be {expected}"))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Value(format!("it must be {expected}"))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::Value(format!("it is one of {}", expected.join(", ")))
    }
}

/// A value of JSON, read as `serde_json` reads it but for the type of its errors.
struct Input(Value);

impl IntoDeserializer<'_, Wrong> for Input {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

fn entries(object: Map<String, Value>) -> impl Iterator<Item = (Input, Input)> {
    object
        .into_iter()
        .map(|(key, value)| (Input(Value::String(key)), Input(value)))
}

impl<'de> Deserializer<'de> for Input {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(flag),
            Value::Number(number) => {
                if let Some(whole) = number.as_u64() {
                    visitor.visit_u64(whole)
                } else if let Some(whole) = number.as_i64() {
                    visitor.visit_i64(whole)
                } else {
                    visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN))
                }
            }
            Value::String(text) => visitor.visit_string(text),
            Value::Array(list) => {
                let mut list = SeqDeserializer::new(list.into_iter().map(Input));
                let read = visitor.visit_seq(&mut list)?;
                list.end()?;
                Ok(read)
            }
            Value::Object(object) => {
                let mut object = MapDeserializer::new(entries(object));
                let read = visitor.visit_map(&mut object)?;
                object.end()?;
                Ok(read)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match self.0 {
            Value::String(variant) => visitor.visit_enum(variant.into_deserializer()),
            Value::Object(object) => {
                let access = MapDeserializer::new(entries(object));
                visitor.visit_enum(MapAccessDeserializer::new(access))
            }
            _ => Err(de::Error::custom("it must be a text")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        One,
        Two(u8),
    }

    #[derive(Deserialize, Debug, PartialEq)]
    struct Word(String);

    #[derive(Deserialize, Debug, PartialEq)]
    struct Inner {
        count: u8,
    }

    #[derive(Deserialize, Debug, PartialEq)]
    struct Outer {
        word: Word,
        kind: Kind,
        #[serde(default)]
        inner: Option<Vec<Inner>>,
        rest: std::collections::BTreeMap<Word2, f64>,
    }

    #[derive(Deserialize, Debug, PartialEq, Eq, PartialOrd, Ord)]
    struct Word2(String);

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn wrong(value: Value) -> (Option<String>, String) {
        let error = read::<Outer>(object(value)).unwrap_err();
        (error.field, error.sentence)
    }

    #[test]
    fn values_are_read_as_serde_json_reads_them() {
        for good in [
            json!({"word": "w", "kind": "one", "rest": {}}),
            json!({"word": "w", "kind": {"two": 2}, "rest": {"a": 1.5, "b": -1}, "inner": null}),
            json!({"word": "w", "kind": "one", "rest": {}, "inner": [{"count": 7}], "more": [1]}),
            json!({"word": "w", "kind": "one", "rest": {}, "inner": [[7]]}),
        ] {
            let wanted: Outer = serde_json::from_value(good.clone()).unwrap();
            assert_eq!(read::<Outer>(object(good)).unwrap(), wanted);
        }
    }

    #[test]
    fn the_field_that_is_wrong_is_known_and_its_value_is_not_repeated() {
        let (field, sentence) = wrong(json!({"kind": "one", "rest": {}}));
        assert_eq!(field.as_deref(), Some("word"));
        assert_eq!(sentence, "The field word is missing");
        let (field, sentence) = wrong(json!({"word": "w", "kind": "three", "rest": {}}));
        assert_eq!(field.as_deref(), Some("kind"));
        assert_eq!(sentence, "The field kind is wrong: it is one of one, two");
        let inner = json!({"word": "w", "kind": "one", "inner": [{"count": "secret"}], "rest": {}});
        let (field, sentence) = wrong(inner);
        assert_eq!(field.as_deref(), Some("inner"));
        assert_eq!(sentence, "The field inner[0].count is wrong: it must be u8");
        let inner = json!({"word": "w", "kind": "one", "inner": [{}], "rest": {}});
        assert_eq!(wrong(inner).0.as_deref(), Some("count"));
    }
}
