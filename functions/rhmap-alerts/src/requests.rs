//! What requests say: bodies as the documents print them and as clients send them, and the paths of
//! `/api/v2`.

use serde::Deserialize;
use shared::base::code::Code;
use shared::base::environment::Environment;
use shared::base::error::Error;
use shared::base::id::{AppRef, Guid};
use shared::base::lenient::{optional_flag, optional_number, optional_text, optional_words};
use shared::domain::events::alert::{AlertInput, Watched};
use shared::http::incoming::Incoming;
use shared::http::paging;

/// App and environment that a request is about.
#[derive(Debug)]
pub struct Place {
    /// The app, or every one.
    pub watched: Watched,
    /// The environment.
    pub env: Environment,
}

/// What the path says; `None` for paths that say nothing.
///
/// # Errors
/// Invalid for an app or environment that cannot be.
pub fn place(incoming: &Incoming) -> Result<Option<Place>, Error> {
    let app = incoming.param("app");
    if app.is_empty() {
        return Ok(None);
    }
    let env = incoming
        .param("env")
        .parse()
        .map_err(|_| Error::invalid(Code::InvalidEnv))?;
    Ok(Some(Place {
        watched: app.parse()?,
        env,
    }))
}

/// An alert, or what a list asks for. Lists are texts with commas between their words, or arrays.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertBody {
    guid: Option<Guid>,
    #[serde(default, deserialize_with = "optional_text")]
    alert_name: Option<String>,
    #[serde(default, deserialize_with = "optional_words")]
    emails: Option<Vec<String>>,
    #[serde(default, deserialize_with = "optional_flag")]
    enabled: Option<bool>,
    /// The environment.
    pub env: Option<Environment>,
    #[serde(default, deserialize_with = "optional_words")]
    event_categories: Option<Vec<String>>,
    #[serde(default, deserialize_with = "optional_words")]
    event_names: Option<Vec<String>>,
    #[serde(default, deserialize_with = "optional_words")]
    event_severities: Option<Vec<String>>,
    #[serde(default, deserialize_with = "optional_text")]
    uid: Option<String>,
    #[serde(default, deserialize_with = "optional_text")]
    app_guid: Option<String>,
}

/// The app of two fields that may name it; `None` where neither does.
fn watched(uid: Option<&String>, app_guid: Option<&String>) -> Result<Option<Watched>, Error> {
    let read = |text: Option<&String>| {
        text.filter(|text| !text.trim().is_empty())
            .map(|text| text.parse::<Watched>())
            .transpose()
    };
    match (read(uid)?, read(app_guid)?) {
        // Two apps: nobody knows which one is meant.
        (Some(one), Some(other)) if one != other => Err(Error::invalid(
            Code::InvalidGuid
                .beside("This is not the guid of any alert: it is missing or malformed"),
        )),
        (one, other) => Ok(one.or(other)),
    }
}

impl AlertBody {
    /// The app, where one is named.
    ///
    /// # Errors
    /// Invalid for what names none, or two.
    pub fn watched(&self) -> Result<Option<Watched>, Error> {
        watched(self.uid.as_ref(), self.app_guid.as_ref())
    }

    /// App and environment.
    ///
    /// # Errors
    /// Invalid where one of both is missing.
    pub fn place(self) -> Result<Place, Error> {
        let watched = self.watched()?.ok_or_else(|| {
            Error::invalid(
                Code::InvalidGuid
                    .beside("This is not the guid of any alert: it is missing or malformed"),
            )
        })?;
        Ok(Place {
            watched,
            env: self.env.ok_or_else(|| Error::invalid(Code::InvalidEnv))?,
        })
    }

    /// Refuses a body that is of another app or environment than its path.
    ///
    /// # Errors
    /// Invalid.
    pub fn agrees_with(&self, place: &Place) -> Result<(), Error> {
        if self
            .watched()?
            .is_some_and(|watched| watched != place.watched)
        {
            return Err(Error::invalid(
                Code::InvalidUid.with("the path names another app"),
            ));
        }
        if self.env.as_ref().is_some_and(|env| *env != place.env) {
            return Err(Error::invalid(
                Code::InvalidEnv.with("the path names another environment"),
            ));
        }
        Ok(())
    }

    /// Refuses a body that is of another alert than its path.
    ///
    /// # Errors
    /// Invalid.
    pub fn is_of(&self, alert: &str) -> Result<(), Error> {
        if self
            .guid
            .as_ref()
            .is_some_and(|guid| guid.as_str() != alert)
        {
            Err(Error::invalid(
                Code::InvalidGuid.with("the path names another alert"),
            ))
        } else {
            Ok(())
        }
    }

    /// What it says of an alert.
    pub fn input(self) -> AlertInput {
        AlertInput {
            name: self.alert_name,
            emails: self.emails,
            enabled: self.enabled,
            env: self.env,
            categories: self.event_categories,
            severities: self.event_severities,
            names: self.event_names,
        }
    }
}

/// The guid of an alert. Clients send the whole alert beside it, which does not count.
#[derive(Deserialize)]
pub struct GuidBody {
    /// The guid.
    pub guid: Guid,
}

/// Which alert is copied, and what of the copy is another.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CloneBody {
    /// The guid.
    pub guid: Guid,
    #[serde(default, deserialize_with = "optional_text")]
    alert_name: Option<String>,
    env: Option<Environment>,
}

impl CloneBody {
    /// What it says of the copy.
    pub fn input(self) -> AlertInput {
        AlertInput {
            name: self.alert_name,
            env: self.env,
            ..AlertInput::default()
        }
    }
}

/// To whom a test goes, and for which alert. All but the addresses may be absent, as for an alert
/// that is not kept yet.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestBody {
    #[serde(default, deserialize_with = "optional_words")]
    pub emails: Option<Vec<String>>,
    #[serde(default, deserialize_with = "optional_text")]
    pub alert_name: Option<String>,
    pub env: Option<Environment>,
    #[serde(default, deserialize_with = "optional_text")]
    uid: Option<String>,
    #[serde(default, deserialize_with = "optional_text")]
    app_guid: Option<String>,
}

impl TestBody {
    /// The app, where one is named.
    ///
    /// # Errors
    /// Invalid for what names none, or two.
    pub fn watched(&self) -> Result<Option<Watched>, Error> {
        watched(self.uid.as_ref(), self.app_guid.as_ref())
    }
}

/// What a list of notifications asks for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditBody {
    #[serde(default, deserialize_with = "optional_text")]
    uid: Option<String>,
    #[serde(default, deserialize_with = "optional_text")]
    app_guid: Option<String>,
    env: Option<Environment>,
    #[serde(default, deserialize_with = "optional_number")]
    limit: Option<u64>,
    #[serde(default, deserialize_with = "optional_text")]
    cursor: Option<String>,
}

/// The same, found valid.
#[derive(Debug)]
pub struct NotificationQuery {
    pub app: AppRef,
    pub env: Environment,
    pub limit: Option<u32>,
    pub after: Option<String>,
}

/// The largest limit.
const MAX_LIMIT: u64 = 1_000;

impl AuditBody {
    /// Judges it.
    ///
    /// # Errors
    /// Invalid. Notifications are of one app each, also those of an alert of every app.
    pub fn validated(self) -> Result<NotificationQuery, Error> {
        let Some(Watched::App(app)) = watched(self.uid.as_ref(), self.app_guid.as_ref())? else {
            return Err(Error::invalid(
                Code::InvalidGuid.with("notifications are listed for one app each"),
            ));
        };
        let env = self.env.ok_or_else(|| Error::invalid(Code::InvalidEnv))?;
        if self
            .limit
            .is_some_and(|limit| !(1..=MAX_LIMIT).contains(&limit))
        {
            return Err(Error::invalid(
                Code::InvalidLimit.with(format!("it is a number from 1 to {MAX_LIMIT}")),
            ));
        }
        let after = paging::place_in_time(self.cursor)?;
        Ok(NotificationQuery {
            app,
            env,
            limit: self
                .limit
                .map(u32::try_from)
                .transpose()
                .map_err(Error::internal)?,
            after,
        })
    }
}
