//! 003 chapter 9: teams, in the v2 envelope. What a request is about stands in its path; the bodies
//! of GET and DELETE are ignored, since fhc sends its own options there.

use std::collections::BTreeMap;

use serde::Deserialize;
use shared::base::error::Error;
use shared::base::id::{Guid, TeamId, TenantId};
use shared::base::text::{Description, Label, Name};
use shared::domain::people::team;
use shared::domain::people::team::{NewTeam, TeamDetails};
use shared::http::dialect::rhmap::views::TeamView;
use shared::http::incoming::Incoming;
use shared::http::pipeline::{Call, Operations, Plan};
use shared::http::reply::Reply;
use shared::http::routes::Function;
use shared::http::routes::rhmap_teams::{FUNCTION, Op};
use shared::store::keys;

/// The function.
pub struct Teams;

impl Operations for Teams {
    type Op = Op;
    type Body = ();
    const FUNCTION: Function<Op> = FUNCTION;

    fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
        // The tenant says since when its default teams exist and what its business objects are.
        let plan = Plan::keys(vec![keys::tenant(tenant_id)]);
        let team = || {
            incoming
                .param("team")
                .parse::<TeamId>()
                .ok()
                .map(|team| team::reading(tenant_id, &team))
        };
        let user = incoming.param("user").trim();
        match op {
            Op::List => plan.query(team::listing(tenant_id)),
            Op::ListOfUser => {
                with_users(plan, tenant_id, &[user.to_owned()]).query(team::listing(tenant_id))
            }
            Op::Read | Op::Delete => queried(plan, team()),
            Op::Create => {
                let users = incoming
                    .peek::<Vec<UserReference>>("users")
                    .unwrap_or_default();
                let users: Vec<String> = users
                    .into_iter()
                    .take(team::MAX_USERS)
                    .map(|user| user.0)
                    .collect();
                with_users(plan, tenant_id, &users)
            }
            Op::AddUser | Op::RemoveUser => {
                queried(with_users(plan, tenant_id, &[user.to_owned()]), team())
            }
        }
    }

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::List => list(call).await,
            Op::ListOfUser => list_of_user(call).await,
            Op::Read => read(call).await,
            Op::Create => create(call).await,
            Op::Delete => delete(call).await,
            Op::AddUser => add_user(call).await,
            Op::RemoveUser => remove_user(call).await,
        }
    }
}

fn queried(plan: Plan, query: Option<shared::store::Query>) -> Plan {
    match query {
        Some(query) => plan.query(query),
        None => plan,
    }
}

/// Users by guid or name.
fn with_users(plan: Plan, tenant_id: TenantId, users: &[String]) -> Plan {
    let guids: Vec<Guid> = users.iter().filter_map(|user| user.parse().ok()).collect();
    plan.and(users.iter().map(|user| keys::sign_in(tenant_id, user)))
        .and(guids.iter().map(|user| keys::user(tenant_id, user)))
}

#[derive(Deserialize)]
struct UserReference(#[serde(deserialize_with = "shared::base::lenient::text")] String);

/// A value of `perms` or `business-objects`: the example of 003 9.5 has them swapped, so its form
/// says which it is.
#[derive(Deserialize)]
#[serde(untagged, expecting = "it must be read or write, or a list of objects")]
enum Granted {
    Text(String),
    Objects(Vec<UserReference>),
}

#[derive(Deserialize)]
struct CreateBody {
    name: Name,
    code: Option<Label>,
    desc: Option<Description>,
    perms: Option<BTreeMap<String, Granted>>,
    #[serde(rename = "business-objects")]
    business_objects: Option<BTreeMap<String, Granted>>,
    users: Option<Vec<UserReference>>,
}

impl CreateBody {
    fn team(self) -> NewTeam {
        let (mut perms, mut objects) = (Vec::new(), Vec::new());
        let is_level = |text: &str| {
            ["read", "write"]
                .iter()
                .any(|level| level.eq_ignore_ascii_case(text.trim()))
        };
        let of_objects = self
            .business_objects
            .into_iter()
            .flatten()
            .map(|(path, granted)| (path, granted, true));
        for (path, granted, among_objects) in self
            .perms
            .into_iter()
            .flatten()
            .map(|(path, granted)| (path, granted, false))
            .chain(of_objects)
        {
            match granted {
                // `"*"` is how one object is written too.
                Granted::Text(object) if among_objects && !is_level(&object) => {
                    objects.push((path, vec![object]))
                }
                Granted::Text(level) => perms.push((path, level)),
                Granted::Objects(ids) => {
                    objects.push((path, ids.into_iter().map(|id| id.0).collect()))
                }
            }
        }
        let users = self
            .users
            .unwrap_or_default()
            .into_iter()
            .map(|user| user.0)
            .collect();
        NewTeam {
            name: self.name,
            code: self.code.unwrap_or_default(),
            desc: self.desc.unwrap_or_default(),
            perms,
            objects,
            users,
        }
    }
}

fn view(teams: Vec<TeamDetails>) -> Result<Reply, Error> {
    Reply::of(&teams.into_iter().map(TeamView::of).collect::<Vec<_>>())
}

/// 003 9.2
async fn list(mut call: Call<'_>) -> Result<Reply, Error> {
    let tenant_id = call.who()?.tenant_id;
    view(team::list(&mut call.reader, tenant_id).await?)
}

/// 003 9.3
async fn list_of_user(mut call: Call<'_>) -> Result<Reply, Error> {
    let tenant_id = call.who()?.tenant_id;
    view(team::of_user(&mut call.reader, tenant_id, call.incoming.param("user")).await?)
}

/// 003 9.4
async fn read(mut call: Call<'_>) -> Result<Reply, Error> {
    let tenant_id = call.who()?.tenant_id;
    let team = team::read(
        &mut call.reader,
        tenant_id,
        &team::id(call.incoming.param("team"))?,
    )
    .await?;
    Reply::of(&TeamView::of(team))
}

/// 003 9.5
async fn create(mut call: Call<'_>) -> Result<Reply, Error> {
    let (body, who): (CreateBody, _) = (call.body()?, call.who()?);
    let team = team::create(&mut call.reader, who, &body.team()).await?;
    Reply::of(&TeamView::of(team))
}

/// 003 9.6
async fn delete(mut call: Call<'_>) -> Result<Reply, Error> {
    let who = call.who()?;
    let team = team::delete(
        &mut call.reader,
        who,
        &team::id(call.incoming.param("team"))?,
    )
    .await?;
    Reply::of(&TeamView::of(team))
}

/// 003 9.7. The body repeats the user's id, and fhc sends something else there: nothing of it
/// counts, but it must be JSON.
async fn add_user(call: Call<'_>) -> Result<Reply, Error> {
    call.incoming.readable()?;
    change_user(call, true).await
}

/// 003 9.8
async fn remove_user(call: Call<'_>) -> Result<Reply, Error> {
    change_user(call, false).await
}

async fn change_user(mut call: Call<'_>, add: bool) -> Result<Reply, Error> {
    let who = call.who()?;
    let id = team::id(call.incoming.param("team"))?;
    let team =
        team::change_user(&mut call.reader, who, &id, call.incoming.param("user"), add).await?;
    Reply::of(&TeamView::of(team))
}
