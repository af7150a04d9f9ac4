//! Devices of apps' users, noted when somebody signs in on one (003 chapter 6).

use crate::base::clock::Timestamp;
use crate::base::code::Code;
use crate::base::error::Error;
use crate::base::id::{AppId, AppRef, Guid, TenantId};
use crate::base::limits::MAX_ANSWER;
use crate::base::secret::device_id;
use crate::base::text::Label;
use crate::change;
use crate::model::apps::app::App;
use crate::model::apps::store_front::StoreFront;
use crate::model::people::device::{Device, DeviceApp, DeviceUser};
use crate::model::people::user::{Identity, User};
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Key, Query, Write, keys, record};

/// The writes that note a sign-in of `user` by the app `client_token` on the device: blind ones,
/// since nothing of what was there before counts.
///
/// # Errors
/// Internal.
pub fn sign_in_writes(
    tenant_id: TenantId,
    device: &Guid,
    user: &Guid,
    client_token: &str,
    now: Timestamp,
) -> Result<Vec<Write>, Error> {
    let of_user = DeviceUser { at: now };
    let mut writes = vec![
        record::put(
            keys::device_user(tenant_id, device, user),
            &of_user,
            Condition::Always,
        )?,
        record::put(
            keys::user_device(tenant_id, user, device),
            &of_user,
            Condition::Always,
        )?,
    ];
    if !client_token.is_empty() {
        let app = DeviceApp {
            client_token: client_token.chars().take(200).collect(),
            at: now,
        };
        writes.push(record::put(
            keys::device_app(tenant_id, device, client_token),
            &app,
            Condition::Always,
        )?);
    }
    Ok(writes)
}

/// A device as a client names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceReference {
    /// By the client's own id.
    Cuid(String),
    /// By its guid.
    Guid(Guid),
}

impl DeviceReference {
    /// The guid that it has, whether it is there or not.
    pub fn guid(&self) -> Guid {
        match self {
            Self::Cuid(cuid) => device_id(cuid),
            Self::Guid(guid) => guid.clone(),
        }
    }

    fn unknown(&self) -> Error {
        Error::not_found(match self {
            Self::Cuid(_) => {
                Code::InvalidCuid.beside("There is no device with this cuid in this domain")
            }
            Self::Guid(_) => {
                Code::InvalidGuid.beside("There is no device with this guid in this domain")
            }
        })
    }
}

/// The device (003 6.2).
///
/// # Errors
/// Not found `invalid_cuid` or `invalid_guid`, as it was named; the store's.
pub async fn read(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    named: &DeviceReference,
) -> Result<Stored<Device>, Error> {
    reader
        .get(&keys::device(tenant_id, &named.guid()))
        .await?
        .ok_or_else(|| named.unknown())
}

/// The first query of a listing.
pub fn listing(tenant_id: TenantId, after: Option<&Guid>, limit: Option<u32>) -> Query {
    Query::all(keys::devices(tenant_id))
        .after(after.map(ToString::to_string))
        .limit(limit)
}

/// Devices in the order of their guids, all of them or `limit` from after `after`, and the guid to
/// go on after (003 6.1).
///
/// # Errors
/// Too large beyond one answer; the store's.
pub async fn list(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    after: Option<&Guid>,
    limit: Option<u32>,
) -> Result<(Vec<Device>, Option<Guid>), Error> {
    let mut query = listing(tenant_id, after, limit);
    let mut devices: Vec<Device> = Vec::new();
    let mut bytes = 0;
    loop {
        let page = reader.query(&query).await?;
        bytes += page.items.iter().map(|item| item.body.len()).sum::<usize>();
        if bytes > MAX_ANSWER {
            return Err(Error::too_large(
                "The list is too large for one answer: ask for pages with limit and cursor",
            ));
        }
        for item in page.items {
            devices.push(Stored::<Device>::parse(item)?.value);
        }
        let have = u32::try_from(devices.len()).unwrap_or(u32::MAX);
        match page.next {
            None => return Ok((devices, None)),
            Some(next) if limit.is_some_and(|limit| have >= limit) => {
                return Ok((devices, Some(next.parse().map_err(Error::internal)?)));
            }
            Some(next) => query.after = Some(next),
        }
        query.limit = limit.map(|limit| limit.saturating_sub(have));
    }
}

/// What is to be changed; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct DeviceChanges {
    /// The name.
    pub name: Option<Label>,
    /// Whether it is out.
    pub disabled: Option<bool>,
    /// Whether it is out and told to purge its data.
    pub blacklisted: Option<bool>,
}

/// Changes a device (003 6.3). Its sessions are over at once where it is out then: each of them
/// reads it.
///
/// # Errors
/// As [`read`].
pub async fn update(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    named: &DeviceReference,
    changes: &DeviceChanges,
) -> Result<Device, Error> {
    change!(reader, {
        let mut found = read(reader, tenant_id, named).await?;
        let before = found.value.clone();
        let device = &mut found.value;
        if let Some(name) = &changes.name {
            device.name = name.to_string();
        }
        device.disabled = changes.disabled.unwrap_or(device.disabled);
        device.blacklisted = changes.blacklisted.unwrap_or(device.blacklisted);
        let writes = if found.value == before {
            Vec::new()
        } else {
            vec![found.replace()?]
        };
        Ok((found.value, writes))
    })
}

/// What a listing of a device's apps reads beside the device and the store.
pub fn apps_listing(tenant_id: TenantId, device: &Guid) -> Query {
    Query {
        prefix: keys::APP_PREFIX.to_owned(),
        ..Query::all(keys::device_links(tenant_id, device))
    }
}

/// What a listing of a device's users reads beside the device.
pub fn users_listing(tenant_id: TenantId, device: &Guid) -> Query {
    Query {
        prefix: keys::USER_PREFIX.to_owned(),
        ..Query::all(keys::device_links(tenant_id, device))
    }
}

/// An app that signed somebody in on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenApp {
    /// Its guid; the token where nothing has it.
    pub guid: String,
    /// Its name; the token where nothing has it.
    pub name: String,
    /// What it is; empty where nothing has the token.
    pub description: String,
}

impl SeenApp {
    fn of_app(app: &App) -> Self {
        Self {
            guid: app.id.guid(),
            name: app.name.to_string(),
            description: app.description.to_string(),
        }
    }
}

/// The apps that signed somebody in on a device, each once (003 6.4): the store, items by their
/// guids in any spelling, and items by their `authToken`, all of those that have it. A token that
/// nothing has is shown as it is: the client chose it, or its item is gone, and an administrator
/// who asks what runs on a device must not miss just that.
///
/// # Errors
/// As [`read`].
pub async fn apps(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    named: &DeviceReference,
) -> Result<Vec<SeenApp>, Error> {
    read(reader, tenant_id, named).await?;
    let store: Option<Stored<StoreFront>> = reader.get(&keys::store(tenant_id)).await?;
    let mut tokens = Vec::new();
    for item in reader.all(apps_listing(tenant_id, &named.guid())).await? {
        tokens.push(Stored::<DeviceApp>::parse(item)?.value.client_token);
    }
    let store = store.map(|store| store.value);
    let is_store = |token: &str| {
        store
            .as_ref()
            .is_some_and(|store| store.guid.as_str() == token)
    };
    let id_of = |token: &str| token.parse::<AppRef>().ok().and_then(|app| app.ours().ok());
    let ids: Vec<AppId> = tokens
        .iter()
        .filter(|token| !is_store(token))
        .filter_map(|token| id_of(token))
        .collect();
    let app_keys: Vec<Key> = ids.iter().map(|id| keys::app(tenant_id, *id)).collect();
    let apps: Vec<App> = reader
        .get_all::<App>(&app_keys)
        .await?
        .into_iter()
        .flatten()
        .map(|app_record| app_record.value)
        .collect();
    let app_of = |token: &str| {
        id_of(token).and_then(|id| apps.iter().find(|app_record| app_record.id == id))
    };
    // Only a token that is no guid of ours asks for all app records.
    let mut by_token = Vec::new();
    if tokens
        .iter()
        .any(|token| !is_store(token) && app_of(token).is_none())
    {
        for item in reader.all(Query::all(keys::apps(tenant_id))).await? {
            let app_record = Stored::<App>::parse(item)?.value;
            if !app_record.auth_token.as_str().is_empty() {
                by_token.push(app_record);
            }
        }
    }
    let mut seen: Vec<SeenApp> = Vec::new();
    for token in &tokens {
        let mut apps: Vec<SeenApp> = match (&store, app_of(token)) {
            (Some(store), _) if store.guid.as_str() == token => {
                vec![SeenApp {
                    guid: store.guid.to_string(),
                    name: store.name.to_string(),
                    description: store.description.to_string(),
                }]
            }
            (_, Some(app_record)) => vec![SeenApp::of_app(app_record)],
            (_, None) => by_token
                .iter()
                .filter(|app_record| app_record.auth_token.as_str() == token)
                .map(SeenApp::of_app)
                .collect(),
        };
        if apps.is_empty() {
            apps.push(SeenApp {
                guid: token.clone(),
                name: token.clone(),
                description: String::new(),
            });
        }
        apps.retain(|app| !seen.contains(app));
        seen.extend(apps);
    }
    Ok(seen)
}

/// Somebody who signed in on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenUser {
    /// His guid.
    pub guid: Guid,
    /// The name that he signs in with; the provider's own for one who is no user of the platform.
    pub user_id: String,
    /// His address; may be empty.
    pub email: String,
    /// The name to show.
    pub name: String,
}

/// Who signed in on a device, users of the platform and others (003 6.5). A user who is gone is not
/// shown.
///
/// # Errors
/// As [`read`].
pub async fn users(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    named: &DeviceReference,
) -> Result<Vec<SeenUser>, Error> {
    read(reader, tenant_id, named).await?;
    let mut guids: Vec<Guid> = Vec::new();
    for item in reader.all(users_listing(tenant_id, &named.guid())).await? {
        let guid = item
            .key
            .sk
            .strip_prefix(keys::USER_PREFIX)
            .unwrap_or_default();
        guids.push(guid.parse().map_err(Error::internal)?);
    }
    let wanted: Vec<Key> = guids
        .iter()
        .flat_map(|guid| [keys::user(tenant_id, guid), keys::identity(tenant_id, guid)])
        .collect();
    reader.fetch_missing(&wanted).await?;
    let mut seen = Vec::new();
    for guid in guids {
        if let Some(user) = reader.get::<User>(&keys::user(tenant_id, &guid)).await? {
            let (owner, name) = (user.value.owner, user.value.name);
            seen.push(SeenUser {
                guid,
                user_id: owner.username,
                email: owner.email,
                name,
            });
        } else if let Some(identity) = reader
            .get::<Identity>(&keys::identity(tenant_id, &guid))
            .await?
        {
            let Identity {
                subject,
                email,
                name,
                ..
            } = identity.value;
            seen.push(SeenUser {
                guid,
                user_id: subject,
                email,
                name,
            });
        }
    }
    Ok(seen)
}
