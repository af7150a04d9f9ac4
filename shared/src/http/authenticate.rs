//! Who is calling and what they may do: the one place that authenticates and authorises.

use crate::base::error::Error;
use crate::base::id::{Guid, TenantId};
use crate::base::rights::{Permission, Rights};
use crate::base::secret::CredentialText;
use crate::model::credentials::credential::{Credential, KeyOf, Purpose};
use crate::model::people::auth_policy::Policy;
use crate::model::people::device::Device;
use crate::model::people::principal::{Means, Principal};
use crate::model::people::team::Access;
use crate::model::people::user::{Identity, Owner, User};
use crate::store::record::{Reader, Stored};
use crate::store::{Key, keys};

/// The keys that must be read to judge a credential: known from its text alone, so that they are
/// fetched in one call together with what the operation needs.
pub fn keys_of(text: &CredentialText) -> Vec<Key> {
    let tenant_id = text.handle();
    let mut wanted = vec![keys::credential(tenant_id, &text.hash())];
    wanted.extend(text.user().map(|user| keys::user(tenant_id, user)));
    wanted.push(keys::access(tenant_id));
    if let CredentialText::AppSession {
        user,
        device,
        policy,
        ..
    } = text
    {
        wanted.extend([
            keys::identity(tenant_id, user),
            keys::device(tenant_id, device),
            keys::policy(tenant_id, policy),
        ]);
    }
    wanted
}

/// Who presents this credential, from what was fetched for [`keys_of`] it. `for_apps` says whether
/// it stands where apps present theirs: then an app's own key is taken, and nothing else.
///
/// # Errors
/// Unauthenticated for an unknown, expired or revoked credential, for a user or device that is
/// disabled, and for a session whose policy is gone or does not list its user any more; the
/// store's.
pub async fn authenticate(
    reader: &mut Reader<'_>,
    text: &CredentialText,
    for_apps: bool,
) -> Result<Principal, Error> {
    let tenant_id = text.handle();
    let hash = text.hash();
    let found: Option<Stored<Credential>> = reader.get(&keys::credential(tenant_id, &hash)).await?;
    let found = found.ok_or_else(Error::unauthenticated)?;
    let credential = found.value;
    let (owner, means) = match (text, credential.purpose) {
        (CredentialText::ApiKey { .. }, Purpose::UserKey(key))
            if !for_apps && key.revoked.is_none() =>
        {
            let copy = found
                .owner
                .ok_or_else(|| Error::internal("an API key without its owner"))?;
            (
                serde_json::from_str::<Owner>(&copy).map_err(Error::internal)?,
                Means::ApiKey,
            )
        }
        (CredentialText::ApiKey { .. }, Purpose::AppKey(key))
            if for_apps && key.revoked.is_none() =>
        {
            let KeyOf::App(app) = key.of else {
                return Err(Error::internal("a key of an app that is none's"));
            };
            (Owner::of_nobody(&format!("app {app}")), Means::App { app })
        }
        (CredentialText::Session { user, .. }, Purpose::Session) => (
            owner_since(reader, tenant_id, user, credential.generation).await?,
            Means::Session,
        ),
        (CredentialText::UserToken { user, .. }, Purpose::UserToken) => (
            owner_since(reader, tenant_id, user, credential.generation).await?,
            Means::UserToken,
        ),
        (CredentialText::Bearer { user, .. }, Purpose::Bearer { scopes, .. }) => (
            owner_since(reader, tenant_id, user, credential.generation).await?,
            Means::Bearer { scopes },
        ),
        (
            CredentialText::AppSession {
                user,
                device,
                policy,
                ..
            },
            Purpose::AppSession { cuid },
        ) => {
            let device: Option<Stored<Device>> =
                reader.get(&keys::device(tenant_id, device)).await?;
            if device.is_some_and(|device| device.value.disabled || device.value.blacklisted) {
                return Err(Error::unauthenticated());
            }
            let policy: Stored<Policy> = reader
                .get(&keys::policy(tenant_id, policy))
                .await?
                .ok_or_else(Error::unauthenticated)?;
            let owner = match reader.get::<User>(&keys::user(tenant_id, user)).await? {
                Some(user) => {
                    // Whoever came by a provider is this user only as long as he is listed.
                    let needs_listing =
                        policy.value.check_user_approved || !policy.value.is_built_in();
                    let listed = user.value.policies.contains(&policy.value.guid);
                    if user.value.generation != credential.generation || (needs_listing && !listed)
                    {
                        return Err(Error::unauthenticated());
                    }
                    user.value.owner
                }
                None => {
                    let identity: Option<Stored<Identity>> =
                        reader.get(&keys::identity(tenant_id, user)).await?;
                    let identity = identity.ok_or_else(Error::unauthenticated)?.value;
                    if identity.policy != policy.value.guid || policy.value.check_user_approved {
                        return Err(Error::unauthenticated());
                    }
                    // One more read, and only for somebody who is known here without being listed
                    // on the policy.
                    let known: Option<Stored<User>> = match &identity.user {
                        Some(user) => reader.get(&keys::user(tenant_id, user)).await?,
                        None => None,
                    };
                    let blocked = known.as_ref().is_some_and(|user| {
                        !user.value.owner.enabled || user.value.owner.blacklisted
                    });
                    if blocked || (policy.value.check_user_exists && known.is_none()) {
                        return Err(Error::unauthenticated());
                    }
                    identity.owner()
                }
            };
            (
                owner,
                Means::AppSession {
                    cuid,
                    policy: policy.value.guid,
                },
            )
        }
        _ => return Err(Error::unauthenticated()),
    };
    if !owner.enabled || owner.blacklisted {
        return Err(Error::unauthenticated());
    }
    if let Means::App { .. } = means {
        return Ok(Principal {
            tenant_id,
            domain: credential.domain,
            owner,
            rights: Rights::EMPTY,
            means,
            credential: hash,
        });
    }
    let access: Access = reader
        .get::<Access>(&keys::access(tenant_id))
        .await?
        .map(|found| found.value)
        .unwrap_or_default();
    let rights = access.rights_of(tenant_id, &owner);
    Ok(Principal {
        tenant_id,
        domain: credential.domain,
        owner,
        rights,
        means,
        credential: hash,
    })
}

/// The owner of a credential that came by a password, as long as that is still his.
async fn owner_since(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    user: &Guid,
    generation: u32,
) -> Result<Owner, Error> {
    let user: Option<Stored<User>> = reader.get(&keys::user(tenant_id, user)).await?;
    user.map(|user| user.value)
        .filter(|user| user.generation == generation)
        .map(|user| user.owner)
        .ok_or_else(Error::unauthenticated)
}

/// What a caller lacks who may not use a row with that permission.
fn lacking(principal: &Principal, permission: Permission) -> String {
    match permission {
        Permission::Holds(right) if principal.holds(right) => format!(
            "Only members of this domain may {}, with a session or an API key of theirs",
            right.words()
        ),
        Permission::Holds(right) => right.lacking(),
        Permission::AppOr(right) => {
            format!("{}, and presents no API key of an app", right.lacking())
        }
        Permission::Member => {
            "Only members of this domain may do this, with a session or an API key of theirs"
                .to_owned()
        }
        Permission::StoreUser => "An app's API key does not count for this".to_owned(),
        Permission::Signed => "Only signed messages count here".to_owned(),
        Permission::Scope(scope) => format!("The caller lacks the scope {}", scope.as_str()),
        Permission::Open => "This operation is open".to_owned(),
    }
}

/// Whether this caller may use a row with that permission. `named` is the tenant that the path
/// names.
///
/// # Errors
/// Unauthenticated without a principal where one is needed; forbidden otherwise.
pub fn authorise(
    principal: Option<&Principal>,
    permission: Permission,
    named: Option<&str>,
) -> Result<(), Error> {
    if permission == Permission::Open {
        return Ok(());
    }
    let principal = principal.ok_or_else(Error::unauthenticated)?;
    if let Permission::Scope(scope) = permission {
        return match &principal.means {
            Means::Bearer { scopes } if !scopes.contains(scope) => Err(Error::forbidden(format!(
                "The token lacks the scope {}",
                scope.as_str()
            ))),
            Means::Bearer { .. } if !scope.open_to(principal.rights) => {
                Err(Error::forbidden(format!(
                    "The token's user lacks the rights that the scope {} stands for",
                    scope.as_str()
                )))
            }
            Means::Bearer { .. } => Ok(()),
            _ => Err(Error::unauthenticated()),
        };
    }
    let allowed = match permission {
        Permission::Scope(_) => false,
        Permission::Signed => principal.means == Means::Message,
        Permission::AppOr(right) => {
            matches!(principal.means, Means::App { .. })
                || (principal.is_member() && principal.holds(right))
        }
        Permission::Open => true,
        Permission::StoreUser => !matches!(principal.means, Means::App { .. }),
        Permission::Member => principal.is_member(),
        Permission::Holds(right) => {
            principal.holds(right) && (principal.is_member() || right.open_to_app_users())
        }
    };
    if !allowed {
        return Err(Error::forbidden(lacking(principal, permission)));
    }
    match named {
        Some(domain) if !domain.eq_ignore_ascii_case(&principal.domain) => Err(Error::forbidden(
            "The caller's credential is not of this domain",
        )),
        _ => Ok(()),
    }
}
