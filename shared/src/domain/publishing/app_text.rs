//! What the Apperian API says of an app beyond its app record: one record per app, beside the app
//! records of all, so that a list is two queries. An app that nobody described there has none.
//!
//! The short description is the app record's: what every dialect shows. The long one is kept here,
//! and is the app record's too as long as nobody said another.

use serde_json::Value;

use crate::base::code::ErrorText;
use crate::base::error::Error;
use crate::base::id::{AppId, BinaryType, Guid, TenantId};
use crate::base::text::{Description, Label, Name, Text};
use crate::domain::apps::app;
use crate::domain::apps::app::Listed;
use crate::model::apps::app::App;
use crate::model::apps::app_text;
use crate::model::apps::app_text::{
    AppText, Author, FormFactor, LongDescription, MAX_SHORT, VersionNote,
};
use crate::store::record::Reader;
use crate::store::{Query, keys};

/// Longest name that an app gets by this API, in characters. Other dialects give longer ones, which
/// stay.
pub const MAX_NAME: usize = 50;

/// Longest name of a version, in characters.
pub const MAX_VERSION: usize = 21;

/// Most characters of an app record's description.
const MAX_DESCRIPTION: usize = 2_000;

/// Most bytes of what a client keeps with an app, as JSON.
pub const MAX_METADATA: usize = 16_384;

/// Most bytes of all that is said of an app, as it is kept: DynamoDB holds 400 KB in an item.
pub const MAX_TEXT: usize = 250_000;

/// A short description.
pub type ShortDescription = Text<MAX_SHORT, true>;

/// What a request says of an app; what is absent stays as it is.
#[derive(Clone, Debug, Default)]
pub struct AppTextInput {
    /// The name.
    pub name: Option<Name>,
    /// Who wrote it.
    pub author: Option<Author>,
    /// What it is, in a line.
    pub short_description: Option<ShortDescription>,
    /// What it is, at length.
    pub long_description: Option<LongDescription>,
    /// The name of its version.
    pub version_num: Option<Label>,
    /// What is to be said of its version.
    pub version_note: Option<VersionNote>,
    /// Whether it is in the store.
    pub enabled: Option<bool>,
    /// Where it stands among others.
    pub sort_weight: Option<i32>,
    /// Whether its users may judge it.
    pub reviews_enabled: Option<bool>,
    /// The devices that it is for.
    pub form_factors: Option<Vec<FormFactor>>,
    /// What its clients keep with it: null takes it away.
    pub custom_metadata: Option<Value>,
    /// Whether a new version may have another signer than the live one: administrators may say so.
    pub allow_signer_change: bool,
}

/// Refuses a text that is too long, unless it says what was there before: other dialects have other
/// limits.
fn within(field: &str, text: &str, most: usize, before: &str) -> Result<(), Error> {
    if text == before || text.chars().count() <= most {
        Ok(())
    } else {
        Err(Error::invalid(ErrorText::about(
            field,
            format!(" must have at most {most} characters"),
        )))
    }
}

impl AppTextInput {
    /// Writes what is said into an app and texts. `shown` is the binary whose live version
    /// the texts of a version are about. Texts of versions that are not kept any more go.
    ///
    /// # Errors
    /// Invalid beyond the limits, with the field's name; for a version's name where there is no
    /// version.
    pub fn write(
        &self,
        app: &mut App,
        text: &mut AppText,
        shown: Option<BinaryType>,
    ) -> Result<(), Error> {
        if let Some(name) = &self.name {
            within("app_name", name.as_str(), MAX_NAME, app.name.as_str())?;
            app.name = name.clone();
        }
        self.describe(app, text)?;
        if let Some(author) = self
            .author
            .as_ref()
            .filter(|author| author.as_str() != text.author(app))
        {
            text.author = Some(author.clone()).filter(|author| !author.as_str().trim().is_empty());
        }
        text.sort_weight = self.sort_weight.unwrap_or(text.sort_weight);
        text.reviews_enabled = self.reviews_enabled.unwrap_or(text.reviews_enabled);
        if let Some(form_factors) = &self.form_factors {
            text.form_factors.clone_from(form_factors);
        }
        if let Some(metadata) = &self.custom_metadata {
            if metadata.to_string().len() > MAX_METADATA {
                return Err(Error::invalid(format!(
                    "custom_metadata may be at most {MAX_METADATA} bytes of JSON"
                )));
            }
            text.custom_metadata = metadata.clone();
        }
        self.note_version(app, text, shown)?;
        let kept: Vec<&Guid> = app
            .binaries
            .iter()
            .flat_map(|binary| &binary.versions)
            .map(|version| &version.guid)
            .collect();
        text.versions.retain(|guid, _| kept.contains(&guid));
        let size = serde_json::to_vec(text).map_err(Error::internal)?.len();
        if size > MAX_TEXT {
            return Err(Error::invalid(ErrorText::about(
                "version_note",
                format!(
                    ": all texts of an application and its versions may be {MAX_TEXT} bytes \
                        together"
                ),
            )));
        }
        Ok(())
    }

    /// The descriptions. As long as nobody said a short one, the app record has the beginning of
    /// the long one: every dialect shows it.
    fn describe(&self, app: &mut App, text: &mut AppText) -> Result<(), Error> {
        let cut = |long: Option<&LongDescription>| {
            let long = long.map_or("", LongDescription::as_str);
            Description::new(app_text::beginning(long, MAX_DESCRIPTION))
                .ok_or_else(|| Error::internal("the beginning of a description is no description"))
        };
        let shown = AppText::short_description(app);
        let follows = match &text.long_description {
            Some(long) => {
                app.description.as_str() == app_text::beginning(long.as_str(), MAX_DESCRIPTION)
            }
            None => app.description.as_str().is_empty(),
        };
        if let Some(long) = self
            .long_description
            .as_ref()
            .filter(|long| long.as_str() != text.long_description(app))
        {
            text.long_description =
                Some(long.clone()).filter(|long| !long.as_str().trim().is_empty());
            if follows {
                app.description = cut(text.long_description.as_ref())?;
            }
        }
        match self
            .short_description
            .as_ref()
            .map(ShortDescription::as_str)
        {
            // What was cut for the client and comes back from it is not what is kept.
            Some(short) if short == shown => {}
            Some(short) if short.trim().is_empty() => {
                app.description = cut(text.long_description.as_ref())?
            }
            Some(short) => {
                app.description = Description::new(short.to_owned())
                    .ok_or_else(|| Error::internal("a short description is no description"))?
            }
            None => {}
        }
        Ok(())
    }

    fn note_version(
        &self,
        app: &App,
        text: &mut AppText,
        shown: Option<BinaryType>,
    ) -> Result<(), Error> {
        let num = self
            .version_num
            .as_ref()
            .map(|num| num.as_str().trim())
            .filter(|num| !num.is_empty());
        let version = shown.and_then(|kind| Some((kind, app.binary(kind)?.live_version()?)));
        let Some((kind, version)) = version else {
            let noted = self
                .version_note
                .as_ref()
                .is_some_and(|note| !note.as_str().trim().is_empty());
            return match num {
                Some(num) if num != app.version => Err(Error::invalid(ErrorText::about(
                    "version_num",
                    ": the application has no file yet, whose version it could be",
                ))),
                _ if noted => Err(Error::invalid(ErrorText::about(
                    "version_note",
                    ": the application has no file yet, whose version it could be about",
                ))),
                _ => Ok(()),
            };
        };
        if let Some(num) = num {
            let before = text.version_num(app, kind, version);
            within("version_num", num, MAX_VERSION, &before)?;
            if num != before {
                text.versions.entry(version.guid.clone()).or_default().num = Some(num.to_owned());
            }
        }
        if let Some(note) = self
            .version_note
            .as_ref()
            .filter(|note| note.as_str() != text.version_note(app, kind, version))
        {
            text.versions.entry(version.guid.clone()).or_default().note =
                Some(note.clone()).filter(|note| !note.as_str().trim().is_empty());
        }
        Ok(())
    }
}

/// The first queries of a listing: app records and texts, side by side.
pub fn listing(tenant_id: TenantId, after: Option<String>, limit: Option<u32>) -> [Query; 2] {
    [keys::apps(tenant_id), keys::app_texts(tenant_id)]
        .map(|pk| Query::all(pk).after(after.clone()).limit(limit))
}

/// Lists app records with their texts: all of them, or `limit` from after `after`, and where to go
/// on.
///
/// # Errors
/// Too large beyond one answer; the store's.
pub async fn list(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    after: Option<String>,
    limit: Option<u32>,
) -> Result<Listed<AppText>, Error> {
    app::list_beside(reader, listing(tenant_id, after, limit), limit).await
}

/// What is said of an app; what is said by default where nobody said anything.
///
/// # Errors
/// The store's.
pub async fn find(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    id: AppId,
) -> Result<AppText, Error> {
    Ok(reader
        .get::<AppText>(&keys::app_text(tenant_id, id))
        .await?
        .map(|found| found.value)
        .unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::base::clock::Timestamp;
    use crate::base::kind::AppKind;
    use crate::base::{id, text};
    use crate::model::apps::app::BinarySummary;
    use crate::model::apps::app::VersionSummary;
    use crate::model::apps::app_text::VersionText;
    use crate::model::apps::{app as app_record, app_text as app_text_record};
    use crate::model::people::user::Owner;

    fn app(description: &str) -> app_record::App {
        let now = Timestamp(1_700_000_000_000);
        let mut app = app_record::App::new(
            &Owner::of_nobody("ann"),
            id::AppId::new(now),
            AppKind::Mobile,
            text::Name::new("App".to_owned()).unwrap(),
            now,
        );
        app.description = text::Description::new(description.to_owned()).unwrap();
        let versions = vec![VersionSummary {
            number: 3,
            guid: id::Guid::random(),
            at: now,
            version_name: "3.1".to_owned(),
            file: None,
            processing: None,
        }];
        let identifier = "com.example".to_owned();
        app.binaries.push(BinarySummary {
            kind: id::BinaryType::Android,
            live: 3,
            identifier,
            modified: now,
            config: BTreeMap::new(),
            versions,
        });
        app
    }

    fn short(text: &str) -> Option<ShortDescription> {
        Some(ShortDescription::new(text.to_owned()).unwrap())
    }

    fn long(text: &str) -> Option<app_text_record::LongDescription> {
        Some(app_text_record::LongDescription::new(text.to_owned()).unwrap())
    }

    fn written(
        app: &mut app_record::App,
        text: &mut app_text_record::AppText,
        said: &AppTextInput,
    ) {
        said.write(app, text, Some(id::BinaryType::Android))
            .unwrap();
    }

    #[test]
    fn the_app_has_the_short_description_or_the_beginning_of_the_long_one() {
        let (mut app, mut text) = (app(""), app_text_record::AppText::default());
        written(
            &mut app,
            &mut text,
            &AppTextInput {
                long_description: long(&"é".repeat(3_000)),
                ..AppTextInput::default()
            },
        );
        assert_eq!(app.description.as_str().chars().count(), 2_000);
        assert_eq!(text.long_description(&app).chars().count(), 3_000);
        written(
            &mut app,
            &mut text,
            &AppTextInput {
                long_description: long("At length"),
                ..AppTextInput::default()
            },
        );
        assert_eq!(app.description.as_str(), "At length");
        written(
            &mut app,
            &mut text,
            &AppTextInput {
                short_description: short("Short"),
                ..AppTextInput::default()
            },
        );
        assert_eq!(
            (app.description.as_str(), text.long_description(&app)),
            ("Short", "At length")
        );
        written(
            &mut app,
            &mut text,
            &AppTextInput {
                long_description: long("Longer"),
                ..AppTextInput::default()
            },
        );
        assert_eq!(
            (app.description.as_str(), text.long_description(&app)),
            ("Short", "Longer")
        );
        written(
            &mut app,
            &mut text,
            &AppTextInput {
                short_description: short(""),
                ..AppTextInput::default()
            },
        );
        assert_eq!(app.description.as_str(), "Longer");
    }

    #[test]
    fn what_other_dialects_said_comes_back_unchanged() {
        let (mut app, mut text) = (app(&"x".repeat(1_500)), app_text_record::AppText::default());
        let (kind, version) = (id::BinaryType::Android, app.binaries[0].versions[0].clone());
        let said = AppTextInput {
            name: Some(app.name.clone()),
            author: Some(app_text_record::Author::new(text.author(&app).to_owned()).unwrap()),
            short_description: short(&app_text_record::AppText::short_description(&app)),
            long_description: long(text.long_description(&app)),
            version_num: text::Label::new(text.version_num(&app, kind, &version)),
            version_note: app_text_record::VersionNote::new(
                text.version_note(&app, kind, &version),
            ),
            ..AppTextInput::default()
        };
        written(&mut app, &mut text, &said);
        assert_eq!(app.description.as_str().len(), 1_500);
        assert_eq!(text, app_text_record::AppText::default());
        assert_eq!(text.version_num(&app, kind, &version), "3.1");
    }

    #[test]
    fn limits_are_those_of_the_document() {
        let refused = |said: &AppTextInput| {
            said.write(
                &mut app(""),
                &mut app_text_record::AppText::default(),
                Some(id::BinaryType::Android),
            )
            .unwrap_err()
            .message
        };
        let named = |length| AppTextInput {
            name: text::Name::new("n".repeat(length)),
            ..AppTextInput::default()
        };
        assert!(refused(&named(51)).starts_with("app_name"));
        written(
            &mut app(""),
            &mut app_text_record::AppText::default(),
            &named(50),
        );
        let numbered = |length| AppTextInput {
            version_num: text::Label::new("1".repeat(length)),
            ..AppTextInput::default()
        };
        assert!(refused(&numbered(22)).starts_with("version_num"));
        written(
            &mut app(""),
            &mut app_text_record::AppText::default(),
            &numbered(21),
        );
        let kept = |length| AppTextInput {
            custom_metadata: Some(Value::String("m".repeat(length))),
            ..AppTextInput::default()
        };
        assert!(refused(&kept(MAX_METADATA - 1)).starts_with("custom_metadata"));
        written(
            &mut app(""),
            &mut app_text_record::AppText::default(),
            &kept(MAX_METADATA - 2),
        );
    }

    #[test]
    fn texts_go_with_their_versions() {
        let (mut app, mut text) = (app(""), app_text_record::AppText::default());
        text.versions.insert(
            id::Guid::random(),
            VersionText {
                num: Some("0.9".to_owned()),
                note: None,
            },
        );
        written(
            &mut app,
            &mut text,
            &AppTextInput {
                version_note: app_text_record::VersionNote::new("News".to_owned()),
                ..AppTextInput::default()
            },
        );
        assert_eq!(
            text.versions.keys().collect::<Vec<_>>(),
            [&app.binaries[0].versions[0].guid]
        );
        written(
            &mut app,
            &mut text,
            &AppTextInput {
                version_note: app_text_record::VersionNote::new(String::new()),
                ..AppTextInput::default()
            },
        );
        assert!(
            text.version_note(&app, id::BinaryType::Android, &app.binaries[0].versions[0])
                .starts_with("App - 2023-11-14")
        );
    }
}
