//! 003 chapter 10: users, and their import.

use serde::{Deserialize, Serialize};
use shared::base::code::Code;
use shared::base::error::Error;
use shared::base::id::{Guid, TenantId};
use shared::base::secret::hash_password;
use shared::base::text::Label;
use shared::domain::people::password::Reason;
use shared::domain::people::user_changes::{Creation, Invited, Memberships, UserChanges};
use shared::domain::people::{password, team, user_changes, user_list};
use shared::http::addresses;
use shared::http::incoming::Incoming;
use shared::http::paging::Page;
use shared::http::pipeline::{Call, Operations, Plan};
use shared::http::reply::Reply;
use shared::http::routes::Function;
use shared::http::routes::rhmap_users::{FUNCTION, Op};
use shared::model::people::team::Access;
use shared::store::{Query, keys};
use views::{CreatedView, ReadView, UpdatedView, UserView};

mod import;

mod views;

/// The function.
pub struct Users;

impl Operations for Users {
    type Op = Op;
    type Body = ();
    const FUNCTION: Function<Op> = FUNCTION;

    fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
        let named = || {
            Plan::keys(
                incoming
                    .peek::<Word>("username")
                    .map(|name| user_list::keys_of_name(tenant_id, &name.0))
                    .unwrap_or_default(),
            )
        };
        match op {
            Op::Create => {
                let body = incoming
                    .parse::<MembershipsBody>()
                    .ok()
                    .and_then(|body| body.parse().ok());
                named()
                    .and(
                        body.map(|memberships| memberships.keys(tenant_id))
                            .unwrap_or_default(),
                    )
                    .and([keys::administrators(tenant_id)])
            }
            Op::Update => {
                let body = incoming
                    .parse::<MembershipsBody>()
                    .ok()
                    .and_then(|body| body.parse().ok());
                let leaves = ["enabled", "blacklisted"]
                    .iter()
                    .any(|name| incoming.peek::<Word>(name).is_some());
                named()
                    .and(
                        body.map(|memberships| memberships.keys(tenant_id))
                            .unwrap_or_default(),
                    )
                    .and(leaves.then(|| keys::administrators(tenant_id)))
            }
            Op::Delete => named().and([keys::administrators(tenant_id)]),
            Op::Read | Op::ListDevices | Op::ListStoreItems => named(),
            Op::List => {
                let page = Page::peek(incoming);
                Plan::default().query(user_list::listing(
                    tenant_id,
                    page.cursor.as_ref(),
                    page.limit(),
                ))
            }
            Op::Import => Plan::default(),
            Op::ReadImportLog => {
                let wanted = incoming
                    .peek::<String>("cacheKeys")
                    .and_then(|text| import::cache_keys(&text))
                    .unwrap_or_default();
                Plan::keys(
                    wanted
                        .iter()
                        .map(|(import, _)| keys::import(tenant_id, import))
                        .collect(),
                )
            }
            Op::Invite => match incoming.peek::<Word>("email") {
                Some(email) => {
                    let plan =
                        named().query(Query::all(keys::email_users(tenant_id, email.0.trim())));
                    plan.and(user_list::keys_of_name(tenant_id, &email.0))
                }
                None => named(),
            },
        }
    }

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::Create => create(call).await,
            Op::Update => update(call).await,
            Op::Delete => delete(call).await,
            Op::Read => read(call).await,
            Op::List => list(call).await,
            Op::ListDevices => list_devices(call).await,
            Op::ListStoreItems => list_store_items(call).await,
            Op::Import => import::import(call).await,
            Op::ReadImportLog => import::read_log(call).await,
            Op::Invite => invite(call).await,
        }
    }
}

#[derive(Deserialize)]
struct Word(#[serde(deserialize_with = "shared::base::lenient::text")] String);

#[derive(Deserialize)]
struct NameBody {
    #[serde(deserialize_with = "shared::base::lenient::text")]
    username: String,
}

/// The lists of a user: comma texts or arrays. fhc sends `teamIds` and `storeItemGroups`.
#[derive(Deserialize)]
struct MembershipsBody {
    #[serde(default, deserialize_with = "shared::base::lenient::optional_words")]
    roles: Option<Vec<String>>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_words")]
    authpolicies: Option<Vec<String>>,
    #[serde(
        default,
        deserialize_with = "shared::base::lenient::optional_words",
        rename = "teamIds"
    )]
    team_ids: Option<Vec<String>>,
    #[serde(
        default,
        deserialize_with = "shared::base::lenient::optional_words",
        rename = "storeItemGroups"
    )]
    store_item_groups: Option<Vec<String>>,
    /// The same as `teamIds`, or what `read` and `update` answered: the definitions, which say
    /// nothing of their own.
    teams: Option<Teams>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_words")]
    groups: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "it must be a list of the ids of teams, or of their definitions"
)]
enum Teams {
    Definitions(Vec<Definition>),
    Ids(Ids),
}

#[derive(Deserialize)]
struct Definition {
    #[serde(rename = "_id")]
    id: String,
}

#[derive(Deserialize)]
struct Ids(
    #[serde(deserialize_with = "shared::base::lenient::optional_words")] Option<Vec<String>>,
);

impl MembershipsBody {
    fn parse(self) -> Result<Memberships, Error> {
        let of_teams = match self.teams {
            Some(Teams::Definitions(teams)) => {
                Some(teams.into_iter().map(|team| team.id).collect())
            }
            Some(Teams::Ids(ids)) => ids.0,
            None => None,
        };
        let (teams, groups) = (
            self.team_ids.or(of_teams),
            self.store_item_groups.or(self.groups),
        );
        Memberships::parse(
            self.roles.as_deref(),
            self.authpolicies.as_deref(),
            teams.as_deref(),
            groups.as_deref(),
        )
    }
}

/// What of a user is no list, for `create` and `update`.
#[derive(Deserialize)]
struct FieldsBody {
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    password: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    email: Option<String>,
    name: Option<Label>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_flag")]
    activated: Option<bool>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_flag")]
    enabled: Option<bool>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_flag")]
    blacklisted: Option<bool>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_flag")]
    invite: Option<bool>,
}

impl FieldsBody {
    /// The hash of the password, where one was sent that is not empty.
    fn hash(&self) -> Result<Option<String>, Error> {
        self.password
            .as_deref()
            .filter(|password| !password.is_empty())
            .map(hash_password)
            .transpose()
    }
}

const NOT_MAILED: &str = "The mail could not be sent: send it again with user/invite";

/// 003 10.2
async fn create(mut call: Call<'_>) -> Result<Reply, Error> {
    let (named, lists, body, who): (NameBody, MembershipsBody, FieldsBody, _) =
        (call.body()?, call.body()?, call.body()?, call.who()?);
    let memberships = lists.parse()?;
    let invite = body.invite.unwrap_or(false);
    // Nobody is made whose invitation could never be sent.
    let mailer = if invite {
        Some(call.context.mailer()?)
    } else {
        None
    };
    let new = Creation {
        username: &named.username,
        email: body.email.as_deref().unwrap_or_default(),
        name: body.name.as_ref().map(Label::as_str).unwrap_or_default(),
        password_hash: body.hash()?,
        activated: body.activated,
        enabled: body.enabled.unwrap_or(true),
        blacklisted: body.blacklisted.unwrap_or(false),
        memberships: &memberships,
        invite,
    };
    let (user, link) = user_changes::create(&mut call.reader, who, &new).await?;
    let mut warning = None;
    if let (Some(mailer), Some(link)) = (mailer, link)
        && !password::send(
            mailer,
            &user,
            &who.domain,
            &addresses::password_page(&call.incoming.base_url),
            Reason::Invitation,
            &link,
        )
        .await
    {
        warning = Some(NOT_MAILED);
    }
    Reply::of(&CreatedView::of(&user, warning))
}

/// 003 10.3, 10.7, 10.8, 10.9
async fn update(mut call: Call<'_>) -> Result<Reply, Error> {
    let (named, lists, body, who): (NameBody, MembershipsBody, FieldsBody, _) =
        (call.body()?, call.body()?, call.body()?, call.who()?);
    let memberships = lists.parse()?;
    let invite = body.invite.unwrap_or(false);
    let mailer = if invite {
        Some(call.context.mailer()?)
    } else {
        None
    };
    let hash = body.hash()?;
    let changes = UserChanges {
        email: body.email.as_deref(),
        name: body.name.as_ref().map(Label::as_str),
        password_hash: hash.as_deref(),
        enabled: body.enabled,
        blacklisted: body.blacklisted,
        memberships: &memberships,
        invite,
    };
    let (found, link) =
        user_changes::update(&mut call.reader, who, &named.username, &changes).await?;
    let user = &found.user.value;
    let mut warning = None;
    if let (Some(mailer), Some((link, why))) = (mailer, link)
        && !password::send(
            mailer,
            user,
            &who.domain,
            &addresses::password_page(&call.incoming.base_url),
            why,
            &link,
        )
        .await
    {
        warning = Some(NOT_MAILED);
    }
    let teams = team::of_owner(&mut call.reader, who.tenant_id, &user.owner).await?;
    Reply::of(&UpdatedView::of(
        UserView::of(user, found.last_login).teams(teams),
        warning,
    ))
}

/// 003 10.4
async fn delete(mut call: Call<'_>) -> Result<Reply, Error> {
    let (body, who): (NameBody, _) = (call.body()?, call.who()?);
    let found = user_changes::delete(&mut call.reader, who, &body.username).await?;
    Reply::of(&UserView::of(&found.user.value, found.last_login))
}

/// 003 10.5
async fn read(mut call: Call<'_>) -> Result<Reply, Error> {
    let (body, who): (NameBody, _) = (call.body()?, call.who()?);
    let found = user_list::find(&mut call.reader, who.tenant_id, &body.username, |_| {
        Default::default()
    })
    .await?;
    let user = &found.user.value;
    let access: Access = call
        .reader
        .get(&keys::access(who.tenant_id))
        .await?
        .map(|found| found.value)
        .unwrap_or_default();
    let teams = team::of_owner(&mut call.reader, who.tenant_id, &user.owner).await?;
    Reply::of(&ReadView::of(
        user,
        found.last_login,
        teams,
        access.rights_of(who.tenant_id, &user.owner),
    ))
}

/// 003 10.6
async fn list(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct ListView {
        count: usize,
        list: Vec<UserView>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<Guid>,
    }
    let page: Page<Guid> = call.body()?;
    let who = call.who()?;
    let found = user_list::list(
        &mut call.reader,
        who.tenant_id,
        page.cursor.as_ref(),
        page.limit(),
    )
    .await?;
    let list: Vec<UserView> = found
        .users
        .iter()
        .map(|(user, last_login)| UserView::of(user, *last_login))
        .collect();
    Reply::of(&ListView {
        count: list.len(),
        list,
        cursor: found.next,
    })
}

/// 003 10.10
async fn list_devices(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct DeviceView {
        guid: Guid,
        cuid: String,
        name: String,
        disabled: bool,
        blacklisted: bool,
    }
    #[derive(Serialize)]
    struct ListView {
        list: Vec<DeviceView>,
    }
    let (body, who): (NameBody, _) = (call.body()?, call.who()?);
    let devices = user_list::devices(&mut call.reader, who.tenant_id, &body.username).await?;
    let view = |device: shared::model::people::device::Device| DeviceView {
        guid: device.guid(),
        cuid: device.cuid,
        name: device.name,
        disabled: device.disabled,
        blacklisted: device.blacklisted,
    };
    Reply::of(&ListView {
        list: devices.into_iter().map(view).collect(),
    })
}

/// 003 10.11
async fn list_store_items(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct ItemView {
        guid: String,
        name: String,
        description: String,
    }
    #[derive(Serialize)]
    struct ListView {
        list: Vec<ItemView>,
    }
    let (body, who): (NameBody, _) = (call.body()?, call.who()?);
    let installed = user_list::installed(&mut call.reader, who.tenant_id, &body.username).await?;
    let list = installed.into_iter().map(|item| ItemView {
        guid: item.item.guid(),
        name: item.name,
        description: item.description,
    });
    Reply::of(&ListView {
        list: list.collect(),
    })
}

/// `{email|username, force}`: another invitation, or with `force` a link for a new password.
async fn invite(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
        username: Option<String>,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
        email: Option<String>,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_flag")]
        force: Option<bool>,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    let invited = match (&body.username, &body.email) {
        (Some(name), _) => Invited::Name(name),
        (None, Some(email)) => Invited::Email(email),
        (None, None) => return Err(Error::invalid(Code::InvalidUsername)),
    };
    let mailer = call.context.mailer()?;
    let (user, (link, why)) =
        user_changes::invite(&mut call.reader, who, invited, body.force.unwrap_or(false)).await?;
    mailer
        .send(&password::mail(
            &user,
            &who.domain,
            &addresses::password_page(&call.incoming.base_url),
            why,
            &link,
        )?)
        .await?;
    Ok(Reply::done())
}
