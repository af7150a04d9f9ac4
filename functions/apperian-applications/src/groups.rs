//! Groups of apps and users. They are those of the other dialects: a group's `psk` is its guid.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use shared::base::error::{Error, Kind};
use shared::base::id::{AppId, Guid, TenantId};
use shared::base::rights::Right;
use shared::base::text::{Description, Name};
use shared::domain::apps::{links, numbers};
use shared::domain::people::group;
use shared::domain::publishing::native_app;
use shared::http::incoming::Incoming;
use shared::http::pipeline::{Call, Plan};
use shared::http::reply::Reply;
use shared::http::routes::apperian_applications::Op;
use shared::model::apps::app::App;
use shared::model::apps::app_text::AppText;
use shared::model::people::group::Group;
use shared::model::people::user::User;
use shared::store::{Key, Query, keys};

use crate::views::{self, ApplicationView};

/// Most entries of a list in one call.
const MAX_ENTRIES: usize = 500;

/// How many entries of a list are fetched together with the credential.
const PLANNED: usize = 40;

/// What the operations here will read.
pub fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
    let guid = incoming.param("group").parse::<Guid>().ok();
    let of_group = |guid: Option<Guid>| {
        Plan::keys(
            guid.iter()
                .map(|guid| keys::group(tenant_id, guid))
                .collect(),
        )
    };
    match op {
        Op::ListGroups => Plan::default()
            .query(Query::all(keys::groups(tenant_id)))
            .query(group::everybody(tenant_id)),
        Op::UpdateGroup => of_group(guid),
        Op::ListAppsOfGroup | Op::ListUsersOfGroup | Op::DeleteGroup => match guid {
            Some(guid) => Plan::keys(vec![keys::group(tenant_id, &guid)])
                .query(Query::all(keys::group_members(tenant_id, &guid))),
            None => Plan::default(),
        },
        Op::AddAppsToGroup | Op::RemoveAppsFromGroup => of_group(guid).and(
            entries_of(incoming, "app_psk")
                .iter()
                .take(PLANNED)
                .flat_map(|entry| numbers::keys_of(tenant_id, entry)),
        ),
        Op::AddUsersToGroup | Op::RemoveUsersFromGroup => {
            let named = entries_of(incoming, "user_psk");
            of_group(guid).and(
                named
                    .iter()
                    .take(PLANNED)
                    .flat_map(|name| keys_of_user(tenant_id, name)),
            )
        }
        Op::AddUserToGroups => {
            let groups = entries_of(incoming, "group_psk");
            let groups = groups
                .iter()
                .take(PLANNED)
                .filter_map(|group| group.parse().ok())
                .map(|group: Guid| keys::group(tenant_id, &group));
            Plan::keys(keys_of_user(tenant_id, incoming.param("user"))).and(groups)
        }
        _ => Plan::default(),
    }
}

/// A list of a request that may not be right yet: for plans alone.
fn entries_of(incoming: &Incoming, name: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Listed(
        #[serde(deserialize_with = "shared::base::lenient::optional_words")] Option<Vec<String>>,
    );
    incoming
        .peek::<Listed>(name)
        .and_then(|listed| listed.0)
        .unwrap_or_default()
}

fn keys_of_user(tenant_id: TenantId, named: &str) -> Vec<Key> {
    let mut wanted = vec![keys::sign_in(tenant_id, named)];
    wanted.extend(
        named
            .parse::<Guid>()
            .ok()
            .map(|guid| keys::user(tenant_id, &guid)),
    );
    wanted
}

/// The group that a path names. A `psk` is whatever it is to clients: one that cannot be is not
/// there.
fn named_group(call: &Call<'_>) -> Result<Guid, Error> {
    call.incoming.param("group").parse().map_err(|_| unknown())
}

fn unknown() -> Error {
    Error::not_found("group_psk: there is no such group")
}

fn of_group(error: Error) -> Error {
    if error.kind == Kind::NotFound {
        unknown()
    } else {
        error
    }
}

/// A group's name is unique in the organization.
fn of_name(error: Error) -> Error {
    if error.kind == Kind::Conflict {
        Error::conflict("group_name: there is a group of that name")
    } else {
        of_group(error)
    }
}

/// The entries of a list: each once, as they were sent.
///
/// # Errors
/// Invalid for none and for more than [`MAX_ENTRIES`].
fn checked(field: &str, listed: Option<Vec<String>>) -> Result<Vec<String>, Error> {
    let mut seen = BTreeSet::new();
    let entries: Vec<String> = listed
        .unwrap_or_default()
        .into_iter()
        .filter(|entry| seen.insert(entry.clone()))
        .collect();
    if entries.is_empty() {
        return Err(Error::invalid(format!("{field} is missing")));
    }
    if entries.len() > MAX_ENTRIES {
        return Err(Error::invalid(format!(
            "{field}: at most {MAX_ENTRIES} in one call"
        )));
    }
    Ok(entries)
}

/// The entries with which it was done, and the others.
fn parted(
    entries: Vec<String>,
    mut done: impl FnMut(&String) -> bool,
) -> (Vec<String>, Vec<String>) {
    entries.into_iter().partition(|entry| done(entry))
}

#[derive(Serialize)]
struct GroupView<'a> {
    psk: &'a Guid,
    name: &'a str,
    description: &'a str,
}

impl<'a> GroupView<'a> {
    fn of(group: &'a Group) -> Self {
        Self {
            psk: &group.guid,
            name: group.name.as_str(),
            description: group.description.as_str(),
        }
    }
}

#[derive(Serialize)]
struct Changed<'a> {
    group: GroupView<'a>,
}

/// What became of the entries of a list.
#[derive(Serialize)]
struct Outcome {
    response: BTreeMap<&'static str, Vec<String>>,
}

impl Outcome {
    fn reply(
        done: (&'static str, Vec<String>),
        failed: (&'static str, Vec<String>),
    ) -> Result<Reply, Error> {
        Reply::of(&Self {
            response: [done, failed].into(),
        })
    }
}

/// All groups, each with the number of its apps and users.
pub async fn list_groups(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct CountedView<'a> {
        #[serde(flatten)]
        group: GroupView<'a>,
        app_count: i64,
        user_count: u64,
    }
    #[derive(Serialize)]
    struct ListView<'a> {
        groups: Vec<CountedView<'a>>,
    }
    let tenant_id = call.who()?.tenant_id;
    let found = group::list(&mut call.reader, tenant_id, None).await?;
    let users = group::user_counts(&mut call.reader, tenant_id).await?;
    let counted = found.iter().map(|(group, app_count)| CountedView {
        group: GroupView::of(group),
        app_count: *app_count,
        user_count: users.get(&group.guid).copied().unwrap_or_default(),
    });
    Reply::of(&ListView {
        groups: counted.collect(),
    })
}

/// Makes a group.
pub async fn create_group(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        group_name: Name,
        #[serde(default)]
        group_description: Option<Description>,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    let group = group::create(
        &mut call.reader,
        who,
        body.group_name,
        body.group_description.unwrap_or_default(),
    )
    .await
    .map_err(of_name)?;
    Reply::of(&Changed {
        group: GroupView::of(&group),
    })
}

/// Changes a group's name or description; what is absent stays.
pub async fn update_group(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        group_name: Option<Name>,
        group_description: Option<Description>,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    let guid = named_group(&call)?;
    let (group, _) = group::update(
        &mut call.reader,
        who,
        &guid,
        body.group_name,
        body.group_description,
    )
    .await
    .map_err(of_name)?;
    Reply::of(&Changed {
        group: GroupView::of(&group),
    })
}

/// Deletes a group for good. What is restricted to it alone is seen by nobody then.
pub async fn delete_group(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct Deleted<'a> {
        deleted_group: GroupView<'a>,
    }
    let (guid, who) = (named_group(&call)?, call.who()?);
    let group = group::delete(&mut call.reader, who, &guid)
        .await
        .map_err(of_group)?;
    Reply::of(&Deleted {
        deleted_group: GroupView::of(&group),
    })
}

/// The native apps of a group that the caller sees, as lists of apps show them.
pub async fn list_apps_of_group(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct ListView {
        applications: Vec<ApplicationView>,
    }
    let (guid, who) = (named_group(&call)?, call.who()?);
    let members = group::read(&mut call.reader, who.tenant_id, &guid)
        .await
        .map_err(of_group)?;
    let apps: Vec<Key> = members
        .items
        .iter()
        .map(|app| keys::app(who.tenant_id, *app))
        .collect();
    let texts: Vec<Key> = members
        .items
        .iter()
        .map(|app| keys::app_text(who.tenant_id, *app))
        .collect();
    call.reader
        .fetch_missing(&[apps.as_slice(), texts.as_slice()].concat())
        .await?;
    let apps = call.reader.get_all::<App>(&apps).await?;
    let texts = call.reader.get_all::<AppText>(&texts).await?;
    let found = apps
        .into_iter()
        .zip(texts)
        .filter_map(|(app_record, text)| Some((app_record?.value, text.map(|text| text.value))))
        .collect();
    let apps = native_app::shown_to(&mut call.reader, who, found).await?;
    let base_url = &call.incoming.base_url;
    let rows = apps.iter().flat_map(|app| {
        let view = move |id| ApplicationView::of(&app.app, &app.text, id, app.platform, base_url);
        views::ids(&app.app).into_iter().map(view)
    });
    Reply::of(&ListView {
        applications: rows.collect(),
    })
}

/// Puts apps into a group.
pub async fn add_apps_to_group(call: Call<'_>) -> Result<Reply, Error> {
    change_apps(call, true).await
}

/// Takes apps out of a group.
pub async fn remove_apps_from_group(call: Call<'_>) -> Result<Reply, Error> {
    change_apps(call, false).await
}

/// `app_psk`: apps by number or id, with commas between them or as a list. What cannot be done for
/// one is told and stops no other.
async fn change_apps(mut call: Call<'_>, add: bool) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default, deserialize_with = "shared::base::lenient::optional_words")]
        app_psk: Option<Vec<String>>,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    let entries = checked("app_psk", body.app_psk)?;
    let guid = named_group(&call)?;
    let wanted: Vec<Key> = entries
        .iter()
        .flat_map(|entry| numbers::keys_of(who.tenant_id, entry))
        .collect();
    call.reader.fetch_missing(&wanted).await?;
    let mut named = BTreeMap::new();
    for entry in &entries {
        match numbers::locate(&mut call.reader, who.tenant_id, entry).await {
            Ok(id) => named.extend([(entry.clone(), id.item())]),
            Err(error) if matches!(error.kind, Kind::Invalid | Kind::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    let apps: BTreeSet<AppId> = named.values().copied().collect();
    let done = links::change_each_item(&mut call.reader, who, &guid, &apps, add)
        .await
        .map_err(of_group)?;
    let (done, failed) = parted(entries, |entry| {
        named.get(entry).is_some_and(|app| done.contains(app))
    });
    Outcome::reply(
        (if add { "apps_added" } else { "apps_removed" }, done),
        ("apps_failed", failed),
    )
}

/// The users of a group. A caller who may not read users is told who they are by their `psk` alone.
pub async fn list_users_of_group(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct MemberView<'a> {
        psk: &'a Guid,
        id: &'a Guid,
        #[serde(flatten)]
        known: Option<KnownView<'a>>,
    }
    #[derive(Serialize)]
    struct KnownView<'a> {
        user_id: &'a str,
        email: &'a str,
        first_name: &'a str,
        last_name: &'a str,
    }
    #[derive(Serialize)]
    struct ListView<'a> {
        users_in_group: Vec<MemberView<'a>>,
    }
    let (guid, who) = (named_group(&call)?, call.who()?);
    let members = group::read(&mut call.reader, who.tenant_id, &guid)
        .await
        .map_err(of_group)?;
    let mut users = Vec::new();
    if who.holds(Right::ReadUsers) {
        let wanted: Vec<Key> = members
            .users
            .iter()
            .map(|user| keys::user(who.tenant_id, user))
            .collect();
        users.extend(
            call.reader
                .get_all::<User>(&wanted)
                .await?
                .into_iter()
                .flatten()
                .map(|user| user.value),
        );
    }
    let by_guid: BTreeMap<&Guid, &User> =
        users.iter().map(|user| (&user.owner.user, user)).collect();
    let view = members.users.iter().map(|psk| {
        let known = by_guid.get(psk).map(|user| {
            let (first_name, last_name) = user.first_and_last_name();
            KnownView {
                user_id: &user.owner.username,
                email: &user.owner.email,
                first_name,
                last_name,
            }
        });
        MemberView {
            psk,
            id: psk,
            known,
        }
    });
    Reply::of(&ListView {
        users_in_group: view.collect(),
    })
}

/// Puts users into a group.
pub async fn add_users_to_group(call: Call<'_>) -> Result<Reply, Error> {
    change_users(call, true).await
}

/// Takes users out of a group.
pub async fn remove_users_from_group(call: Call<'_>) -> Result<Reply, Error> {
    change_users(call, false).await
}

/// `user_psk`: users by `psk` or by the name that they sign in with, as [`change_apps`] takes apps.
async fn change_users(mut call: Call<'_>, add: bool) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default, deserialize_with = "shared::base::lenient::optional_words")]
        user_psk: Option<Vec<String>>,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    let entries = checked("user_psk", body.user_psk)?;
    let guid = named_group(&call)?;
    let done = group::change_each_user(&mut call.reader, who, &guid, &entries, add)
        .await
        .map_err(of_group)?;
    let mut done = done.into_iter();
    let (done, failed) = parted(entries, |_| done.next().unwrap_or_default());
    Outcome::reply(
        (if add { "users_added" } else { "users_removed" }, done),
        ("users_failed", failed),
    )
}

/// `group_psk`: puts the user of the path into these groups.
pub async fn add_user_to_groups(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default, deserialize_with = "shared::base::lenient::optional_words")]
        group_psk: Option<Vec<String>>,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    let entries = checked("group_psk", body.group_psk)?;
    let groups: BTreeSet<Guid> = entries
        .iter()
        .filter_map(|entry| entry.parse().ok())
        .collect();
    let joined =
        group::join_each(&mut call.reader, who, call.incoming.param("user"), &groups).await;
    let joined = joined.map_err(|error| {
        if error.kind == Kind::NotFound {
            Error::not_found("user_psk: there is no such user")
        } else {
            error
        }
    })?;
    let (added, failed) = parted(entries, |entry| {
        entry
            .parse::<Guid>()
            .is_ok_and(|group| joined.contains(&group))
    });
    Outcome::reply(("added_groups", added), ("failed_groups", failed))
}
