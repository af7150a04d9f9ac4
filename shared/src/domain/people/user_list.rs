//! Looking at users: one, all, and what belongs to one (003 10.5, 10.6, 10.10, 10.11).

use crate::base::clock::Timestamp;
use crate::base::code::Code;
use crate::base::error::Error;
use crate::base::id::{AppId, Guid, TenantId};
use crate::domain::people::user;
use crate::model::apps::app::App;
use crate::model::log::audit::InstalledItem;
use crate::model::people::device::Device;
use crate::model::people::user::{LastLogin, User};
use crate::store::record::{Reader, Stored};
use crate::store::{Key, Query, keys};

/// A user with the moment of his last sign-in.
#[derive(Clone, Debug)]
pub struct ListedUser {
    /// The user.
    pub user: Stored<User>,
    /// When he signed in last; `None` for never.
    pub last_login: Option<Timestamp>,
}

/// The guid of the user of that name or guid.
///
/// # Errors
/// Invalid `invalid_username` for a blank name; not found `User not found`; the store's.
async fn guid_of(reader: &mut Reader<'_>, tenant_id: TenantId, name: &str) -> Result<Guid, Error> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::invalid(Code::InvalidUsername));
    }
    user::resolve(reader, tenant_id, &[name.to_owned()])
        .await?
        .pop()
        .ok_or_else(user::not_found)
}

/// The user of that name or guid. What `also` gives for his guid is fetched beside him.
///
/// # Errors
/// Invalid `invalid_username` for a blank name; not found `User not found`; the store's.
pub async fn find(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    name: &str,
    also: impl Fn(&Guid) -> (Vec<Key>, Vec<Query>),
) -> Result<ListedUser, Error> {
    let guid = guid_of(reader, tenant_id, name).await?;
    found(reader, tenant_id, &guid, also).await
}

/// The same by the guid alone.
///
/// # Errors
/// Not found `User not found`; the store's.
pub async fn found(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    guid: &Guid,
    also: impl Fn(&Guid) -> (Vec<Key>, Vec<Query>),
) -> Result<ListedUser, Error> {
    let (user_key, login_key) = (
        keys::user(tenant_id, guid),
        keys::last_login(tenant_id, guid),
    );
    let (mut wanted, queries) = also(guid);
    wanted.extend([user_key.clone(), login_key.clone()]);
    reader.fetch_beside(&wanted, queries).await?;
    let user = reader.get(&user_key).await?.ok_or_else(user::not_found)?;
    let last_login = reader
        .get::<LastLogin>(&login_key)
        .await?
        .map(|login| login.value.at);
    Ok(ListedUser { user, last_login })
}

/// What leads to the user that a client names.
pub fn keys_of_name(tenant_id: TenantId, name: &str) -> Vec<Key> {
    let name = name.trim();
    let mut wanted = vec![keys::sign_in(tenant_id, name)];
    if let Ok(guid) = name.parse::<Guid>() {
        wanted.extend([
            keys::user(tenant_id, &guid),
            keys::last_login(tenant_id, &guid),
        ]);
    }
    wanted
}

/// One page of all users, in the order of their guids.
#[derive(Debug, Default)]
pub struct UserPage {
    /// The users with their last sign-ins.
    pub users: Vec<(User, Option<Timestamp>)>,
    /// After whom to go on; `None` at the end.
    pub next: Option<Guid>,
}

/// The first query of a listing.
pub fn listing(tenant_id: TenantId, after: Option<&Guid>, limit: Option<u32>) -> Query {
    // A user's last sign-in stands behind him: one more than twice as many items always holds the
    // next user too.
    let after = after.map(|guid| keys::last_login(tenant_id, guid).sk);
    Query::all(keys::users(tenant_id))
        .after(after)
        .limit(limit.map(|limit| limit.saturating_mul(2).saturating_add(1)))
}

/// All users, or `limit` of them from after `after` (003 10.6).
///
/// # Errors
/// Too large beyond one answer; the store's.
pub async fn list(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    after: Option<&Guid>,
    limit: Option<u32>,
) -> Result<UserPage, Error> {
    let mut query = listing(tenant_id, after, limit);
    let mut found = UserPage::default();
    let mut bytes = 0;
    loop {
        let page = reader.query(&query).await?;
        for item in page.items {
            bytes += item.body.len();
            if item.kind == <LastLogin as crate::store::record::Record>::KIND {
                let of = item.key.sk.clone();
                let login = Stored::<LastLogin>::parse(item)?.value;
                if let Some((user, at)) = found.users.last_mut()
                    && keys::last_login(tenant_id, &user.owner.user).sk == of
                {
                    *at = Some(login.at);
                }
                continue;
            }
            if limit.is_some_and(|limit| found.users.len() >= limit as usize) {
                found.next = found.users.last().map(|(user, _)| user.owner.user.clone());
                return Ok(found);
            }
            found.users.push((Stored::<User>::parse(item)?.value, None));
        }
        if page.next.is_none() {
            return Ok(found);
        }
        if bytes > 2 * crate::base::limits::MAX_ANSWER {
            return Err(Error::too_large(
                "The list is too large for one answer: ask for pages with limit and cursor",
            ));
        }
        query.after = page.next;
    }
}

/// The devices on which a user signed in (003 10.10).
///
/// # Errors
/// As [`find`].
pub async fn devices(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    name: &str,
) -> Result<Vec<Device>, Error> {
    let guid = guid_of(reader, tenant_id, name).await?;
    let links = reader
        .all(Query {
            prefix: keys::DEVICE_PREFIX.to_owned(),
            ..Query::all(keys::user_keys(tenant_id, &guid))
        })
        .await?;
    let mut wanted = Vec::new();
    for link in &links {
        let device = link
            .key
            .sk
            .strip_prefix(keys::DEVICE_PREFIX)
            .unwrap_or_default();
        wanted.push(keys::device(
            tenant_id,
            &device.parse().map_err(Error::internal)?,
        ));
    }
    Ok(reader
        .get_all::<Device>(&wanted)
        .await?
        .into_iter()
        .flatten()
        .map(|device| device.value)
        .collect())
}

/// An item that a user installed.
#[derive(Clone, Debug)]
pub struct Installed {
    /// The item.
    pub item: AppId,
    /// What it is called; of one that was deleted, what it was called when he installed it.
    pub name: String,
    /// What it is; empty for one that was deleted.
    pub description: String,
}

/// The items that a user installed; they may be gone (003 10.11).
///
/// # Errors
/// As [`find`].
pub async fn installed(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    name: &str,
) -> Result<Vec<Installed>, Error> {
    let guid = guid_of(reader, tenant_id, name).await?;
    let mut kept = Vec::new();
    for item in reader
        .all(Query {
            prefix: keys::ITEM_PREFIX.to_owned(),
            ..Query::all(keys::user_keys(tenant_id, &guid))
        })
        .await?
    {
        kept.push(Stored::<InstalledItem>::parse(item)?.value);
    }
    let apps: Vec<Key> = kept
        .iter()
        .map(|kept| keys::app(tenant_id, kept.item))
        .collect();
    let apps = reader.get_all::<App>(&apps).await?;
    let shown = kept.into_iter().zip(apps).map(|(kept, app)| match app {
        Some(app) => Installed {
            item: kept.item,
            name: app.value.name.to_string(),
            description: app.value.description.to_string(),
        },
        None => Installed {
            item: kept.item,
            name: kept.title,
            description: String::new(),
        },
    });
    Ok(shown.collect())
}
