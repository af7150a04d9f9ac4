//! Tenants: RHMAP's domain, WSO2's tenant, Apperian's organisation, PingID's org alias.

use crate::base::clock::Timestamp;
use crate::base::code::Code;
use crate::base::error::Error;
use crate::base::id::{Guid, TenantId};
use crate::base::rights::Role;
use crate::base::text::{Description, Name};
use crate::domain::people::{auth_policy, password, user};
use crate::model::apps::store_front::StoreFront;
use crate::model::people::tenant::{StoreDirectory, Tenant};
use crate::model::people::user::Administrators;
use crate::services::sealing::Sealer;
use crate::store::{StoreError, Table, keys, record};

/// What a new tenant is made of.
pub struct NewTenant<'a> {
    /// Its name: a DNS label, since it can be the first label of a host.
    pub name: &'a str,
    /// Its first administrator's address, also the name to sign in with.
    pub admin_email: &'a str,
    /// That administrator's password.
    pub admin_password: &'a str,
}

/// What was made.
#[derive(Clone, Debug)]
pub struct CreatedTenant {
    /// The tenant's id.
    pub tenant_id: TenantId,
    /// Its store.
    pub store: Guid,
    /// Its first administrator.
    pub admin: Guid,
}

/// Makes a tenant with its store, its built-in policy and its first administrator, in one
/// transaction.
///
/// # Errors
/// Invalid for a name that is no DNS label, a bad address, or a password that
/// [`password::acceptable`] refuses; conflict where the tenant
/// exists, or where the id that comes from the name is taken by another name; the store's.
pub async fn create(
    table: &dyn Table,
    sealer: &Sealer,
    new: NewTenant<'_>,
    now: Timestamp,
) -> Result<CreatedTenant, Error> {
    let label = new.name.len() <= 63
        && !new.name.is_empty()
        && new
            .name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !new.name.starts_with('-')
        && !new.name.ends_with('-');
    if !label {
        return Err(Error::invalid(Code::InvalidName));
    }
    if !new.admin_email.contains('@')
        || new
            .admin_email
            .chars()
            .any(|c| c.is_control() || c.is_whitespace())
    {
        return Err(Error::invalid(Code::InvalidAdminEmail));
    }
    let password_hash = password::checked(new.admin_password)?;
    let tenant_id = TenantId::of_name(new.name);
    let store = Guid::random();
    let tenant = Tenant {
        name: new.name.to_owned(),
        store: store.clone(),
        data_key: sealer.new_key(tenant_id).await?,
        created: now,
    };
    let directory = StoreDirectory {
        tenant_id,
        domain: new.name.to_owned(),
    };
    let (policy, policy_writes) = auth_policy::create_built_in(tenant_id, auth_policy::BUILT_IN)?;
    let front = StoreFront {
        guid: store.clone(),
        name: Name::new(format!("{} App Store", new.name))
            .ok_or_else(|| Error::invalid(Code::InvalidName))?,
        description: Description::default(),
        policies: vec![policy],
    };
    let person = user::NewUser {
        username: new.admin_email,
        email: new.admin_email,
        name: "Administrator",
        roles: vec![Role::CustomerAdmin, Role::PortalAdmin],
        password_hash: Some(password_hash),
        aliases: &["admin"],
    };
    let (admin, user_writes) = user::create(tenant_id, person, now)?;
    let admin = admin.owner.user;
    let mut writes = vec![
        record::create(keys::tenant(tenant_id), &tenant)?,
        record::create(keys::store_directory(&store), &directory)?,
        record::create(keys::store(tenant_id), &front)?,
        record::create(
            keys::administrators(tenant_id),
            &Administrators {
                users: [admin.clone()].into(),
            },
        )?,
    ];
    writes.extend(policy_writes);
    writes.extend(user_writes);
    match table.write(writes).await {
        Ok(()) => Ok(CreatedTenant {
            tenant_id,
            store,
            admin,
        }),
        Err(StoreError::Condition { at: 0 }) => Err(Error::conflict(
            "A tenant of this name exists already, or one whose name cannot be told from it",
        )),
        Err(error) => Err(error.into()),
    }
}
