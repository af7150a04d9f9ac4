//! Roles as the publisher API names them: those of the platform, and the tenant's groups of store
//! items by their names.

use std::collections::BTreeSet;

use crate::base::error::Error;
use crate::base::id::TenantId;
use crate::base::rights::Role;
use crate::domain::people::group;
use crate::model::people::group::GroupName;
use crate::store::record::{Reader, Stored};
use crate::store::{Key, Query, keys};

/// Most roles that one request may name.
pub const MAX_NAMED: usize = 100;

/// What reading all roles asks.
pub fn listing(tenant_id: TenantId) -> Query {
    Query::all(keys::groups(tenant_id))
}

/// The names of all roles, each once: the platform's, then those of the groups, oldest first. Case
/// does not count.
///
/// # Errors
/// The store's.
pub async fn list(reader: &mut Reader<'_>, tenant_id: TenantId) -> Result<Vec<String>, Error> {
    let mut names: Vec<String> = Role::ALL
        .iter()
        .map(|role| role.as_str().to_owned())
        .collect();
    for (group, _) in group::list(reader, tenant_id, None).await? {
        // Names of groups are unique among groups: only a role of the platform may have one too.
        if !is_platform(group.name.as_str()) {
            names.push(group.name.to_string());
        }
    }
    Ok(names)
}

/// Refuses names of roles that are not there; `field` is what the request calls them. It reads all
/// names that are no role of the platform in one call.
///
/// # Errors
/// Invalid with the first names that are not there, and beyond [`MAX_NAMED`]; the store's.
pub async fn require(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    field: &str,
    names: &[String],
) -> Result<(), Error> {
    let groups: Vec<&String> = names
        .iter()
        .filter(|name| !is_platform(name))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    if groups.len() > MAX_NAMED {
        return Err(Error::invalid(format!(
            "{field}: at most {MAX_NAMED} roles"
        )));
    }
    let claims: Vec<Key> = groups
        .iter()
        .map(|name| keys::group_name(tenant_id, name))
        .collect();
    let found: Vec<Option<Stored<GroupName>>> = reader.get_all(&claims).await?;
    let unknown: Vec<&str> = groups
        .into_iter()
        .zip(found)
        .filter(|(_, found)| found.is_none())
        .map(|(name, _)| name.as_str())
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    // What was sent may be long; the first few say what is wrong.
    let named: Vec<String> = unknown
        .iter()
        .take(5)
        .map(|name| name.chars().take(200).collect())
        .collect();
    Err(Error::invalid(format!(
        "{field}: there is no role {}",
        named.join(", ")
    )))
}

fn is_platform(name: &str) -> bool {
    Role::ALL
        .iter()
        .any(|role| role.as_str().eq_ignore_ascii_case(name))
}
