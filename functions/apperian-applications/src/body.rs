//! What a body says of an application, by the names that clients use. A field that is absent or
//! null says nothing, but for `custom_metadata`, whose null takes it away.

use std::str::FromStr as _;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use shared::base::code::ErrorText;
use shared::base::error::Error;
use shared::base::text::{Label, Name, Text};
use shared::domain::publishing::app_text::{AppTextInput, MAX_NAME, MAX_VERSION, ShortDescription};
use shared::http::incoming::MAX_JSON;
use shared::model::apps::app_text::{Author, FormFactor, LongDescription, VersionNote};

/// The fields of a body.
pub struct Fields(pub Map<String, Value>);

/// What an empty text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blank {
    /// That there is none.
    Clears,
    /// Nothing: forms send the fields that nobody filled.
    SaysNothing,
}

impl Fields {
    /// Those of a part of a form that is JSON.
    ///
    /// # Errors
    /// Too large beyond [`MAX_JSON`]; invalid for what is no object.
    pub fn of_part(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_JSON {
            return Err(Error::too_large(format!(
                "data is larger than {MAX_JSON} bytes"
            )));
        }
        if text.trim().is_empty() {
            return Ok(Self(Map::new()));
        }
        serde_json::from_str(text)
            .map(Self)
            .map_err(|_| Error::invalid("data must be a JSON object"))
    }

    /// The first of these fields that is there and not null.
    fn value(&self, names: &[&str]) -> Option<&Value> {
        names
            .iter()
            .find_map(|name| self.0.get(*name))
            .filter(|value| !value.is_null())
    }

    /// A text, or a number or flag as one.
    ///
    /// # Errors
    /// Invalid for anything else.
    pub fn text(&self, names: &[&str]) -> Result<Option<String>, Error> {
        let Some(value) = self.value(names) else {
            return Ok(None);
        };
        match shared::base::lenient::text(value.clone()) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(Error::invalid(ErrorText::about(
                names[0],
                " must be a text",
            ))),
        }
    }

    fn within<const MAX: usize, const EMPTY: bool>(
        &self,
        names: &[&str],
        most: usize,
        blank: Blank,
    ) -> Result<Option<Text<MAX, EMPTY>>, Error> {
        let Some(text) = self
            .text(names)?
            .filter(|text| (EMPTY && blank == Blank::Clears) || !text.trim().is_empty())
        else {
            return Ok(None);
        };
        let text = Text::new(text).ok_or_else(|| {
            Error::invalid(ErrorText::about(
                names[0],
                format!(" must be a text of at most {most} characters"),
            ))
        })?;
        Ok(Some(text))
    }

    fn flag(&self, name: &str) -> Result<Option<bool>, Error> {
        match self
            .text(&[name])?
            .map(|word| word.to_ascii_lowercase())
            .as_deref()
        {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(Error::invalid(ErrorText::about(
                name,
                " must be true or false",
            ))),
        }
    }

    fn list<T: DeserializeOwned>(&self, name: &str, what: &str) -> Result<Option<T>, Error> {
        let Some(value) = self.value(&[name]) else {
            return Ok(None);
        };
        serde_json::from_value(value.clone())
            .map(Some)
            .map_err(|_| Error::invalid(ErrorText::about(name, format!(" must be {what}"))))
    }

    /// Everything that is said of an application.
    ///
    /// # Errors
    /// Invalid, with the field's name, for what is not what it must be.
    pub fn input(&self, blank: Blank) -> Result<AppTextInput, Error> {
        let sort_weight = self
            .text(&["sort_weight"])?
            .map(|digits| i32::from_str(digits.trim()));
        let name: Option<Name> = self.within(&["app_name", "name"], MAX_NAME, blank)?;
        // `version` is the name in forms; in what was read before and is sent back it is the object
        // of the version.
        let numbers: &[&str] = if self.0.get("version").is_some_and(Value::is_object) {
            &["version_num"]
        } else {
            &["version_num", "version"]
        };
        let version_num: Option<Label> = self.within(numbers, MAX_VERSION, blank)?;
        let author: Option<Author> = self.within(&["author"], 150, blank)?;
        let short_description: Option<ShortDescription> =
            self.within(&["short_description"], 100, blank)?;
        let long_description: Option<LongDescription> =
            self.within(&["long_description"], 10_000, blank)?;
        let version_note: Option<VersionNote> = self.within(&["version_note"], 4_096, blank)?;
        let mut form_factors: Option<Vec<FormFactor>> =
            self.list("form_factor_override", "a list of phones and tablets")?;
        if let Some(form_factors) = &mut form_factors {
            form_factors.sort_unstable_by_key(|factor| *factor as u8);
            form_factors.dedup();
        }
        Ok(AppTextInput {
            name,
            author,
            short_description,
            long_description,
            version_num,
            version_note,
            enabled: self.flag("enabled")?,
            sort_weight: sort_weight
                .transpose()
                .map_err(|_| Error::invalid("sort_weight must be a whole number"))?,
            reviews_enabled: self.flag("reviews_enabled")?,
            form_factors,
            custom_metadata: self.0.get("custom_metadata").cloned(),
            allow_signer_change: self.flag("allow_signer_change")?.unwrap_or(false),
        })
    }
}
