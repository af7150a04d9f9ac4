//! Attributes as a gateway sends them: by their identifiers, with or without their data types.

use serde_json::{Map, Value as Json};
use shared::base::error::Error;
use xacml::{DataType, Value};

/// Most attributes of one request, those of the subject, the resource and the environment together.
pub const MAX_ATTRIBUTES: usize = 100;

/// Most values of one request's attributes together.
pub const MAX_VALUES: usize = 1_000;

/// Most bytes of an attribute's identifier, of the subject's name and of a role.
pub const MAX_NAME: usize = 1_000;

/// Most bytes of a value.
pub const MAX_VALUE: usize = 8_192;

/// Reads attributes and counts them.
#[derive(Default)]
pub struct Attributes {
    attributes: usize,
    values: usize,
}

impl Attributes {
    /// The attributes in a field: an object of identifiers with their values, or a list of objects
    /// of `id`, `dataType` and `values`. A value without a data type is a string, a boolean, an
    /// integer or a double, as JSON has it.
    ///
    /// # Errors
    /// Invalid, with the name of the field, for any other form, an unknown data type, a text that
    /// is no value of its type, and beyond the limits of this module.
    pub fn read(
        &mut self,
        field: &str,
        given: Option<&Json>,
    ) -> Result<Vec<(String, Value)>, Error> {
        let mut found = Vec::new();
        match given {
            None | Some(Json::Null) => {}
            Some(Json::Object(by_id)) => {
                for (id, values) in by_id {
                    self.one(field, id, None, values, &mut found)?;
                }
            }
            Some(Json::Array(list)) => {
                for attribute in list {
                    let attribute = attribute.as_object().ok_or_else(|| {
                        Error::invalid(format!(
                            "{field} is a list of attributes with id and values"
                        ))
                    })?;
                    self.listed(field, attribute, &mut found)?;
                }
            }
            Some(_) => {
                return Err(Error::invalid(format!(
                    "{field} is an object of identifiers and values, or a list of attributes"
                )));
            }
        }
        Ok(found)
    }

    fn listed(
        &mut self,
        field: &str,
        attribute: &Map<String, Json>,
        found: &mut Vec<(String, Value)>,
    ) -> Result<(), Error> {
        let id = attribute
            .get("id")
            .and_then(Json::as_str)
            .ok_or_else(|| Error::invalid(format!("{field}: an attribute has no id")))?;
        let data_type = match attribute.get("dataType") {
            None | Some(Json::Null) => None,
            Some(Json::String(name)) => {
                let by_name = || {
                    DataType::ALL
                        .iter()
                        .copied()
                        .find(|data_type| data_type.name() == name)
                };
                Some(DataType::of_uri(name).or_else(by_name).ok_or_else(|| {
                    Error::invalid(format!(
                        "{field}: the dataType of {} is unknown",
                        shortened(id)
                    ))
                })?)
            }
            Some(_) => {
                return Err(Error::invalid(format!(
                    "{field}: the dataType of {} is no text",
                    shortened(id)
                )));
            }
        };
        let values = attribute.get("values").or_else(|| attribute.get("value"));
        let values = values.ok_or_else(|| {
            Error::invalid(format!(
                "{field}: the attribute {} has no values",
                shortened(id)
            ))
        })?;
        self.one(field, id, data_type, values, found)
    }

    fn one(
        &mut self,
        field: &str,
        id: &str,
        data_type: Option<DataType>,
        values: &Json,
        found: &mut Vec<(String, Value)>,
    ) -> Result<(), Error> {
        name(field, id)?;
        let values = match values {
            Json::Array(values) => values.as_slice(),
            one => std::slice::from_ref(one),
        };
        self.attributes += 1;
        self.values += values.len();
        if self.attributes > MAX_ATTRIBUTES {
            return Err(Error::invalid(format!(
                "{field}: at most {MAX_ATTRIBUTES} attributes in one request"
            )));
        }
        if self.values > MAX_VALUES {
            return Err(Error::invalid(format!(
                "{field}: at most {MAX_VALUES} values in one request"
            )));
        }
        for value in values {
            let value = read(data_type, value)
                .map_err(|why| Error::invalid(format!("{field}: {}: {why}", shortened(id))))?;
            found.push((id.to_owned(), value));
        }
        Ok(())
    }
}

/// Refuses a name that is blank or too long.
///
/// # Errors
/// Invalid, with the name of the field.
pub fn name(field: &str, name: &str) -> Result<(), Error> {
    if name.trim().is_empty() {
        return Err(Error::invalid(format!("{field}: a name is blank")));
    }
    if name.len() > MAX_NAME {
        return Err(Error::invalid(format!(
            "{field}: a name has at most {MAX_NAME} bytes"
        )));
    }
    Ok(())
}

fn read(data_type: Option<DataType>, value: &Json) -> Result<Value, String> {
    let (text, own) = match value {
        Json::String(text) => (text.clone(), DataType::String),
        Json::Bool(flag) => (flag.to_string(), DataType::Boolean),
        Json::Number(number) => (
            number.to_string(),
            if number.is_f64() {
                DataType::Double
            } else {
                DataType::Integer
            },
        ),
        Json::Null | Json::Array(_) | Json::Object(_) => {
            return Err("a value is a text, a number or a boolean".to_owned());
        }
    };
    if text.len() > MAX_VALUE {
        return Err(format!("a value has at most {MAX_VALUE} bytes"));
    }
    Value::parse(data_type.unwrap_or(own), &text)
}

/// The beginning of an identifier, for a message.
fn shortened(id: &str) -> String {
    id.chars().take(100).collect()
}
