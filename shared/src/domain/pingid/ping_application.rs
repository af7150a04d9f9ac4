//! The applications that PingID's policies name (002). They are a list of their own: their ids are
//! those that the partner's server uses, entity ids of SAML above all, and no app of the store
//! needs to be behind one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::base::clock::Timestamp;
use crate::base::error::{Error, Kind};
use crate::base::id::TenantId;
use crate::change;
use crate::model::pingid::ping_application::Application;
use crate::store::record::{Reader, Stored};
use crate::store::{Key, MAX_TRANSACTION, Query, keys, record};

/// Most characters of an id.
pub const MAX_ID: usize = 255;

/// Most characters of a name.
pub const MAX_NAME: usize = 20;

/// Whether nobody sees the character, or it changes how others are shown: line and paragraph
/// separators, marks of direction, joiners and spaces without width, noncharacters. Two ids that
/// differ in one of them look alike.
fn is_unseen(c: char) -> bool {
    let ranges = matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
    );
    let planes = matches!(
        c,
        '\u{fdd0}'..='\u{fdef}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
    ) || (c as u32) & 0xfffe == 0xfffe;
    c.is_control() || ranges || planes
}

/// The id in a field of a request: 1 to [`MAX_ID`] printable characters, not all of them blanks.
///
/// The document's two words on ids are read as the wider one, since the ids of partners hold
/// colons, slashes and dots.
///
/// # Errors
/// Invalid, with the field's name.
pub fn id(field: &str, value: Option<&Value>) -> Result<String, Error> {
    let text = text(field, value, MAX_ID)?;
    if text.chars().any(is_unseen) {
        return Err(Error::invalid(format!(
            "{field} may hold printable characters only"
        )));
    }
    Ok(text)
}

/// The name in a field of a request: 1 to [`MAX_NAME`] letters, digits and spaces of any script,
/// with the marks that belong to letters, not all of them spaces.
///
/// # Errors
/// Invalid, with the field's name.
pub fn name(field: &str, value: Option<&Value>) -> Result<String, Error> {
    let text = text(field, value, MAX_NAME)?;
    let allowed = |c: char| {
        c.is_alphanumeric() || c == ' ' || unicode_normalization::char::is_combining_mark(c)
    };
    if !text.chars().all(allowed) || !text.chars().any(char::is_alphanumeric) {
        return Err(Error::invalid(format!(
            "{field} may hold letters, digits and spaces only"
        )));
    }
    Ok(text)
}

fn text(field: &str, value: Option<&Value>, most: usize) -> Result<String, Error> {
    let text = match value {
        None | Some(Value::Null) => return Err(Error::invalid(format!("{field} is missing"))),
        Some(Value::String(text)) => text,
        Some(_) => return Err(Error::invalid(format!("{field} must be a text"))),
    };
    if text.trim().is_empty() {
        return Err(Error::invalid(format!("{field} is blank")));
    }
    if text.chars().count() > most {
        return Err(Error::invalid(format!(
            "{field} has more than {most} characters"
        )));
    }
    Ok(text.clone())
}

/// What the listing reads.
pub fn listing(tenant_id: TenantId) -> Query {
    Query::all(keys::ping_applications(tenant_id))
}

/// All applications in the order of their ids, however many: one call per MB.
///
/// # Errors
/// The store's.
pub async fn list(reader: &mut Reader<'_>, tenant_id: TenantId) -> Result<Vec<Application>, Error> {
    let items = reader.all(listing(tenant_id)).await?;
    items
        .into_iter()
        .map(|item| Ok(Stored::<Application>::parse(item)?.value))
        .collect()
}

/// How often a change begins again that lost the claim of an id: looking again says that it is
/// taken, or finds it free by now.
const ROUNDS: u32 = 3;

/// Adds an application.
///
/// # Errors
/// Invalid where there is one with that id; conflict where others were first each time; the
/// store's.
pub async fn add(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    id: String,
    name: String,
) -> Result<Application, Error> {
    let now = reader.now();
    let key = keys::ping_application(tenant_id, &id);
    let made = Application {
        id,
        name,
        created: now,
        modified: now,
    };
    let mut round = 1;
    loop {
        let added = change!(reader, {
            if reader.get::<Application>(&key).await?.is_some() {
                return Err(Error::invalid(format!(
                    "application.id: there is an application {:?} already",
                    made.id
                )));
            }
            Ok(((), vec![record::create(key.clone(), &made)?]))
        });
        match added {
            Err(error) if error.kind == Kind::Conflict && round < ROUNDS => {
                reader.forget();
                round += 1;
            }
            other => return other.map(|()| made),
        }
    }
}

/// What is said of an application: what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PingApplicationInput {
    /// Its new id.
    pub id: Option<String>,
    /// Its new name.
    pub name: Option<String>,
}

/// What a change of applications reads.
pub fn touched(tenant_id: TenantId, changes: &BTreeMap<String, PingApplicationInput>) -> Vec<Key> {
    let ids: BTreeSet<&String> = changes
        .iter()
        .flat_map(|(current, said)| std::iter::once(current).chain(said.id.as_ref()))
        .collect();
    ids.into_iter()
        .map(|id| keys::ping_application(tenant_id, id))
        .collect()
}

/// Changes applications, by their current ids: all or none. Ids may be exchanged among them.
///
/// # Errors
/// Invalid for more than one transaction holds, for an unknown current id, and for a new id that
/// two of them would have or that another has; conflict where others were first each time; the
/// store's.
pub async fn update(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    changes: &BTreeMap<String, PingApplicationInput>,
) -> Result<(), Error> {
    let touched = touched(tenant_id, changes);
    if touched.len() > MAX_TRANSACTION {
        return Err(Error::invalid(format!(
            "appsData: at most {MAX_TRANSACTION} ids in one call, current and new ones \
                together: {} renames to new ids, or {MAX_TRANSACTION} changes without one",
            MAX_TRANSACTION / 2
        )));
    }
    let now = reader.now();
    let mut round = 1;
    loop {
        match update_once(reader, tenant_id, changes, &touched, now).await {
            Err(error) if error.kind == Kind::Conflict && round < ROUNDS => {
                reader.forget();
                round += 1;
            }
            other => return other,
        }
    }
}

async fn update_once(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    changes: &BTreeMap<String, PingApplicationInput>,
    touched: &[Key],
    now: Timestamp,
) -> Result<(), Error> {
    change!(reader, {
        let found: BTreeMap<Key, Stored<Application>> = touched
            .iter()
            .cloned()
            .zip(reader.get_all(touched).await?)
            .filter_map(|(key, found)| Some((key, found?)))
            .collect();
        let mut after: BTreeMap<Key, Application> = BTreeMap::new();
        let mut left: BTreeSet<Key> = BTreeSet::new();
        for (current, said) in changes {
            let key = keys::ping_application(tenant_id, current);
            let before = found.get(&key).ok_or_else(|| {
                Error::invalid(format!("appsData: there is no application {current:?}"))
            })?;
            let id = said.id.as_ref().unwrap_or(current);
            let name = said
                .name
                .clone()
                .unwrap_or_else(|| before.value.name.clone());
            let changed = Application {
                id: id.clone(),
                name,
                created: before.value.created,
                modified: now,
            };
            if after
                .insert(keys::ping_application(tenant_id, id), changed)
                .is_some()
            {
                return Err(Error::invalid(format!(
                    "appsData: two applications would have the id {id:?}"
                )));
            }
            left.insert(key);
        }
        // What was read is written under its revision before what must not be there, since the
        // first condition that fails is told.
        let (mut writes, mut claims) = (Vec::new(), Vec::new());
        for (key, application) in &after {
            match found.get(key) {
                Some(before) if left.contains(key) => {
                    let mut before = before.clone();
                    before.value = application.clone();
                    writes.push(before.replace()?);
                }
                Some(_) => {
                    return Err(Error::invalid(format!(
                        "appsData: there is an application {:?} already",
                        application.id
                    )));
                }
                None => claims.push(record::create(key.clone(), application)?),
            }
        }
        writes.extend(
            left.iter()
                .filter(|key| !after.contains_key(*key))
                .filter_map(|key| found.get(key))
                .map(Stored::remove),
        );
        writes.append(&mut claims);
        Ok(((), writes))
    })
}

/// Removes applications: all or none. Their ids are in order, each once.
///
/// # Errors
/// Invalid for more than one transaction holds and for an unknown id; conflict where others were
/// first each time; the store's.
pub async fn delete(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    ids: &BTreeSet<String>,
) -> Result<(), Error> {
    if ids.len() > MAX_TRANSACTION {
        return Err(Error::invalid(format!(
            "applicationsIds: at most {MAX_TRANSACTION} ids in one call"
        )));
    }
    let keys: Vec<Key> = ids
        .iter()
        .map(|id| keys::ping_application(tenant_id, id))
        .collect();
    change!(reader, {
        let found = reader.get_all::<Application>(&keys).await?;
        let mut writes = Vec::new();
        for (id, found) in ids.iter().zip(found) {
            let found = found.ok_or_else(|| {
                Error::invalid(format!("applicationsIds: there is no application {id:?}"))
            })?;
            writes.push(found.remove());
        }
        Ok(((), writes))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ids_are_anything_printable() {
        for text in [
            "a",
            "https://sp.example/saml:metadata?x=1#y",
            "a b",
            " a",
            "日本語",
            "e\u{301}",
            "🙂",
            "\"\\'<>&",
            "a\u{a0}b",
        ] {
            assert_eq!(id("id", Some(&json!(text))).unwrap(), text);
        }
        assert!(id("id", Some(&json!("é".repeat(255)))).is_ok());
        for text in [
            "",
            " ",
            "\u{a0}",
            "a\nb",
            "a\u{0}",
            "a\u{7f}",
            "a\u{85}",
            "\u{2028}",
            "a\u{202e}b",
            "a\u{200b}",
            "\u{feff}a",
            "a\u{ffff}",
            "a\u{e0041}",
        ] {
            assert!(id("id", Some(&json!(text))).is_err(), "{text:?}");
        }
        assert_eq!(
            id("x.id", Some(&json!("é".repeat(256))))
                .unwrap_err()
                .message,
            "x.id has more than 255 characters"
        );
        assert_eq!(
            id("x.id", Some(&json!(7))).unwrap_err().message,
            "x.id must be a text"
        );
        for nothing in [None, Some(&Value::Null)] {
            assert_eq!(id("x.id", nothing).unwrap_err().message, "x.id is missing");
        }
    }

    #[test]
    fn names_are_letters_digits_and_spaces_of_any_script() {
        for text in ["Payroll 2", "é", "e\u{301}", "हिन्दी", "日本語", "٣", " a "]
        {
            assert_eq!(name("name", Some(&json!(text))).unwrap(), text);
        }
        assert!(name("name", Some(&json!("é".repeat(20)))).is_ok());
        for text in [
            "", "  ", "\u{301}", "a-b", "a.b", "a_b", "a\tb", "🙂", "a\u{a0}b", "<b>",
        ] {
            assert!(name("name", Some(&json!(text))).is_err(), "{text:?}");
        }
        assert_eq!(
            name("x.name", Some(&json!("é".repeat(21))))
                .unwrap_err()
                .message,
            "x.name has more than 20 characters"
        );
    }
}
