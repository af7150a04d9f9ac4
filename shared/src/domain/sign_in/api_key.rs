//! API keys of users and apps (003 chapter 1).

use crate::base::clock::Timestamp;
use crate::base::code::Code;
use crate::base::error::Error;
use crate::base::id::{AppId, TenantId};
use crate::base::rights::Right;
use crate::base::secret::CredentialText;
use crate::base::text::Label;
use crate::change;
use crate::domain::events::event;
use crate::model::apps::app::App;
use crate::model::credentials::credential::{
    ApiKey, Credential, KeyOf, Latest, MAX_KEYS, Revocation,
};
use crate::model::events::event::Event;
use crate::model::people::principal::Principal;
use crate::model::people::user::User;
use crate::services::sealing::DataKey;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Key, Query, Write, keys, record};

/// What a listing of keys reads: the partition of their owner.
pub fn listing(tenant_id: TenantId, of: &KeyOf) -> Query {
    let pk = match of {
        KeyOf::User(user) => keys::user_keys(tenant_id, user),
        KeyOf::App(app) => keys::app_keys(tenant_id, *app),
    };
    Query {
        prefix: keys::KEY_PREFIX.to_owned(),
        ..Query::all(pk)
    }
}

/// What making a key for an app reads beside the caller.
pub fn keys_to_create(tenant_id: TenantId, of: &KeyOf) -> Vec<Key> {
    match of {
        KeyOf::User(user) => vec![keys::user(tenant_id, user), keys::tenant(tenant_id)],
        KeyOf::App(app) => vec![
            keys::app(tenant_id, *app),
            keys::app_key_pointer(tenant_id, *app),
            keys::tenant(tenant_id),
        ],
    }
}

/// Who may see and change an app's keys: whoever may write that app. Everybody else meets an
/// unknown app.
async fn app_writable(reader: &mut Reader<'_>, who: &Principal, app: AppId) -> Result<App, Error> {
    let app_record: Option<Stored<App>> = reader.get(&keys::app(who.tenant_id, app)).await?;
    app_record
        .map(|app_record| app_record.value)
        .filter(|_| who.holds(Right::WriteStoreItems))
        .ok_or_else(|| {
            Error::not_found(
                Code::InvalidGuid.beside("There is no app with this guid in this domain"),
            )
        })
}

/// All keys of the caller, or of an app, in the order of their creation, revoked ones too (003
/// 1.1).
///
/// # Errors
/// Not found for an unknown app; the store's.
pub async fn list(
    reader: &mut Reader<'_>,
    who: &Principal,
    of: &KeyOf,
) -> Result<Vec<ApiKey>, Error> {
    if let KeyOf::App(app) = of {
        app_writable(reader, who, *app).await?;
    }
    let items = reader.all(listing(who.tenant_id, of)).await?;
    items
        .into_iter()
        .map(|item| Ok(Stored::<ApiKey>::parse(item)?.value))
        .collect()
}

/// Makes a key (003 1.2). An app's former key is revoked in the same transaction.
///
/// # Errors
/// Not found for an unknown app; conflict beyond [`MAX_KEYS`] active keys of a user; the store's.
pub async fn create(
    reader: &mut Reader<'_>,
    who: &Principal,
    of: KeyOf,
    label: Label,
    key: &DataKey,
) -> Result<ApiKey, Error> {
    let now = reader.now();
    change!(reader, {
        let (made, _) = ApiKey::new(who.tenant_id, of.clone(), label.clone(), key, now)?;
        let mut writes = vec![record::create(made.row(who.tenant_id), &made)?];
        let mut owner = None;
        match &of {
            KeyOf::User(user) => {
                // The copy of the owner in the key is the state that the user has when the key
                // comes to life, whatever he was when the request began.
                let mut user: Stored<User> = reader
                    .get(&keys::user(who.tenant_id, user))
                    .await?
                    .ok_or_else(Error::unauthenticated)?;
                if !user.value.owner.enabled || user.value.owner.blacklisted {
                    return Err(Error::unauthenticated());
                }
                if user.value.keys.len() >= MAX_KEYS {
                    return Err(Error::conflict(format!(
                        "A user can have at most {MAX_KEYS} active keys: revoke one first"
                    )));
                }
                user.value.keys.push(made.hash.clone());
                writes.push(user.replace()?);
                owner = Some(user.value.owner);
            }
            KeyOf::App(app) => {
                let app_record = app_writable(reader, who, *app).await?;
                let mut told = vec![Event::of(
                    &app_record,
                    "KEY_CREATED",
                    &who.owner.username,
                    format!("The API key “{label}” was made"),
                    now,
                )];
                let pointer = keys::app_key_pointer(who.tenant_id, *app);
                let latest = Latest {
                    hash: made.hash.clone(),
                };
                match reader.get::<Latest>(&pointer).await? {
                    // Not a name to be lost: whoever comes second begins again and revokes the
                    // first.
                    None => writes.push(record::put(
                        pointer,
                        &latest,
                        Condition::AbsentOrExpired { now: now.seconds() },
                    )?),
                    Some(mut found) => {
                        let former = keys::credential(who.tenant_id, &found.value.hash);
                        if let Some(former) = reader.get::<Credential>(&former).await? {
                            let (key, ended) = revocation(former, who, now)?;
                            if let Some(key) = key.filter(|_| !ended.is_empty()) {
                                let message = format!(
                                    "The API key “{}” was revoked: “{label}” took its place",
                                    key.label
                                );
                                told.push(Event::of(
                                    &app_record,
                                    "KEY_REVOKED",
                                    &who.owner.username,
                                    message,
                                    now,
                                ));
                            }
                            writes.extend(ended);
                        }
                        found.value = latest;
                        writes.push(found.replace()?);
                    }
                }
                writes.extend(event::record_writes(who.tenant_id, told)?);
            }
        }
        writes.push(record::create(
            keys::credential(who.tenant_id, &made.hash),
            &made.clone().credential(who, owner.as_ref()),
        )?);
        Ok((made, writes))
    })
}

/// The write that takes a key out of its user's record, where it is a user's.
async fn given_up(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    key: &ApiKey,
) -> Result<Option<Write>, Error> {
    let KeyOf::User(user) = &key.of else {
        return Ok(None);
    };
    let user: Option<Stored<User>> = reader.get(&keys::user(tenant_id, user)).await?;
    let Some(mut user) = user.filter(|user| user.value.keys.contains(&key.hash)) else {
        return Ok(None);
    };
    user.value.keys.retain(|hash| *hash != key.hash);
    user.replace().map(Some)
}

fn revocation(
    mut found: Stored<Credential>,
    who: &Principal,
    now: Timestamp,
) -> Result<(Option<ApiKey>, Vec<Write>), Error> {
    let Some(mut key) = found.value.purpose.api_key().cloned() else {
        return Ok((None, Vec::new()));
    };
    if key.revoked.is_some() {
        return Ok((Some(key), Vec::new()));
    }
    key.revoked = Some(Revocation {
        at: now,
        by: who.owner.user.clone(),
        email: who.owner.email.clone(),
    });
    found.value.purpose = key.clone().into();
    let writes = vec![
        found.replace()?,
        record::put(key.row(who.tenant_id), &key, Condition::Present)?,
    ];
    Ok((Some(key), writes))
}

/// The credential of a key that a caller names, if the caller may change it: its owner or an
/// administrator for a user's, whoever may write the app for an app's. To everybody else it is
/// unknown.
async fn find(
    reader: &mut Reader<'_>,
    who: &Principal,
    text: &str,
) -> Result<Stored<Credential>, Error> {
    let unknown = || Error::not_found(Code::InvalidKey);
    let text: CredentialText = text.parse().map_err(|_| unknown())?;
    if text.handle() != who.tenant_id {
        return Err(unknown());
    }
    let found: Stored<Credential> = reader
        .get(&keys::credential(who.tenant_id, &text.hash()))
        .await?
        .ok_or_else(unknown)?;
    let allowed = match found.value.purpose.api_key().map(|key| &key.of) {
        Some(KeyOf::User(user)) => *user == who.owner.user || who.administers(),
        Some(KeyOf::App(_)) => who.holds(Right::WriteStoreItems),
        None => false,
    };
    if allowed { Ok(found) } else { Err(unknown()) }
}

/// Revokes a key and keeps its row; a second time keeps the first time's moment (003 1.3).
///
/// # Errors
/// Not found for a key that is not there or not the caller's to revoke; the store's.
pub async fn revoke(reader: &mut Reader<'_>, who: &Principal, text: &str) -> Result<ApiKey, Error> {
    let now = reader.now();
    change!(reader, {
        let found = find(reader, who, text).await?;
        let (key, mut writes) = revocation(found, who, now)?;
        let key = key.ok_or_else(|| Error::not_found(Code::InvalidKey))?;
        if !writes.is_empty() {
            writes.extend(given_up(reader, who.tenant_id, &key).await?);
            writes.extend(revocation_event(reader, who, &key, now).await?);
        }
        Ok((key, writes))
    })
}

/// Deletes a key for good and gives it as it was (003 1.4).
///
/// # Errors
/// As [`revoke`].
pub async fn delete(reader: &mut Reader<'_>, who: &Principal, text: &str) -> Result<ApiKey, Error> {
    let now = reader.now();
    change!(reader, {
        let found = find(reader, who, text).await?;
        let key = found
            .value
            .purpose
            .api_key()
            .cloned()
            .ok_or_else(|| Error::not_found(Code::InvalidKey))?;
        let mut writes = vec![
            found.remove(),
            Write::Delete(key.row(who.tenant_id), Condition::Always),
        ];
        writes.extend(given_up(reader, who.tenant_id, &key).await?);
        if key.revoked.is_none() {
            writes.extend(revocation_event(reader, who, &key, now).await?);
        }
        Ok((key, writes))
    })
}

/// The event of an app's key that ends, where the app is there still.
async fn revocation_event(
    reader: &mut Reader<'_>,
    who: &Principal,
    key: &ApiKey,
    now: Timestamp,
) -> Result<Vec<Write>, Error> {
    let KeyOf::App(app) = key.of else {
        return Ok(Vec::new());
    };
    let Some(app_record) = reader.get::<App>(&keys::app(who.tenant_id, app)).await? else {
        return Ok(Vec::new());
    };
    let event = Event::of(
        &app_record.value,
        "KEY_REVOKED",
        &who.owner.username,
        format!("The API key “{}” was revoked", key.label),
        now,
    );
    event::record_writes(who.tenant_id, vec![event])
}

/// Changes a key's label, and nothing else of it (003 1.5).
///
/// # Errors
/// As [`revoke`].
pub async fn relabel(
    reader: &mut Reader<'_>,
    who: &Principal,
    text: &str,
    label: &Label,
) -> Result<ApiKey, Error> {
    change!(reader, {
        let mut found = find(reader, who, text).await?;
        let mut key = found
            .value
            .purpose
            .api_key()
            .cloned()
            .ok_or_else(|| Error::not_found(Code::InvalidKey))?;
        key.label = label.clone();
        found.value.purpose = key.clone().into();
        let writes = vec![
            found.replace()?,
            record::put(key.row(who.tenant_id), &key, Condition::Present)?,
        ];
        Ok((key, writes))
    })
}

/// Whether a text is an active key of that type in the caller's tenant (003 1.6).
///
/// # Errors
/// The store's.
pub async fn is_valid(
    reader: &mut Reader<'_>,
    who: &Principal,
    kind: &str,
    text: &str,
) -> Result<bool, Error> {
    let Ok(text) = text.parse::<CredentialText>() else {
        return Ok(false);
    };
    if text.handle() != who.tenant_id {
        return Ok(false);
    }
    let found: Option<Stored<Credential>> = reader
        .get(&keys::credential(who.tenant_id, &text.hash()))
        .await?;
    let key = found
        .as_ref()
        .and_then(|found| found.value.purpose.api_key());
    Ok(key.is_some_and(|key| {
        let of = match key.of {
            KeyOf::User(_) => "user",
            KeyOf::App(_) => "app",
        };
        of == kind && key.revoked.is_none()
    }))
}
