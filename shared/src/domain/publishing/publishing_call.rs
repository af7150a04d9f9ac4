//! Publications by the older calls of the Apperian API: one call begins one, the file is sent with
//! its transaction id and nothing else, another call ends it.
//!
//! The id is a credential for the file alone: the tenant's id and 128 random bits, kept as the
//! hash that its record is found by. It is good for an hour, and only as long as the credential
//! that it was begun with.

use crate::base::error::Error;
use crate::base::id::{AppId, Guid, TenantId, base32, random_bytes};
use crate::base::rights::Right;
use crate::change;
use crate::domain::publishing::app_text::AppTextInput;
use crate::domain::publishing::native_app;
use crate::model::credentials::credential::{Credential, Purpose};
use crate::model::credentials::publishing_call::PublishingCall;
use crate::model::people::principal::{Means, Principal};
use crate::model::people::team::Access;
use crate::model::people::user::User;
use crate::store::record::{Reader, Stored};
use crate::store::{Key, keys, record};

/// The length of a handle in front of a transaction's id.
const HANDLE: usize = 8;

/// The length of the random part.
const RANDOM: usize = 26;

/// The tenant whose transaction a text says it is; `None` for what is no transaction's id.
fn tenant_id_of(transaction: &str) -> Option<TenantId> {
    let fits = transaction.len() == HANDLE + RANDOM
        && transaction.bytes().all(|b| b.is_ascii_alphanumeric());
    if fits {
        transaction[..HANDLE].parse().ok()
    } else {
        None
    }
}

/// Where a transaction of that tenant is kept; `None` for what is no id of one.
pub fn key_of(tenant_id: TenantId, transaction: &str) -> Option<Key> {
    let ours = tenant_id_of(transaction) == Some(tenant_id);
    ours.then(|| keys::publishing(tenant_id, &Guid::derived(&["transaction", transaction])))
}

fn unknown() -> Error {
    Error::not_found("transactionID: there is no such transaction, or its hour is over")
}

/// Begins a publication: of a new app, or of a version of `app`. Gives the transaction's id.
///
/// # Errors
/// The store's.
pub async fn begin(
    reader: &mut Reader<'_>,
    who: &Principal,
    app: Option<AppId>,
) -> Result<String, Error> {
    let transaction = format!(
        "{}{}",
        who.tenant_id,
        base32().encode(&random_bytes::<16>())
    );
    let key = key_of(who.tenant_id, &transaction)
        .ok_or_else(|| Error::internal("a new transaction's id is none"))?;
    let (by, domain, credential) = (
        who.owner.user.clone(),
        who.domain.clone(),
        who.credential.clone(),
    );
    let begun = PublishingCall {
        app,
        by,
        domain,
        credential,
        created: reader.now(),
        done: None,
    };
    reader
        .table()
        .write(vec![record::create(key, &begun)?])
        .await?;
    Ok(transaction)
}

/// Who may send a file for a transaction, and for which app; nothing for a new one. He must still
/// have what he began it with, and the right to change apps.
///
/// # Errors
/// Unauthenticated for an unknown transaction, one whose hour is over, and one whose maker or
/// credential is out; forbidden where he has lost the right; conflict for one that has ended; the
/// store's.
pub async fn sender(
    reader: &mut Reader<'_>,
    transaction: &str,
) -> Result<(Principal, Option<AppId>), Error> {
    let tenant_id = tenant_id_of(transaction).ok_or_else(Error::unauthenticated)?;
    let key = key_of(tenant_id, transaction).ok_or_else(Error::unauthenticated)?;
    let found: PublishingCall = reader
        .get(&key)
        .await?
        .ok_or_else(Error::unauthenticated)?
        .value;
    let (credential_key, user_key, access_key) = (
        keys::credential(tenant_id, &found.credential),
        keys::user(tenant_id, &found.by),
        keys::access(tenant_id),
    );
    reader
        .fetch_missing(&[credential_key.clone(), user_key.clone(), access_key.clone()])
        .await?;
    let user: User = reader
        .get(&user_key)
        .await?
        .ok_or_else(Error::unauthenticated)?
        .value;
    let credential: Credential = reader
        .get(&credential_key)
        .await?
        .ok_or_else(Error::unauthenticated)?
        .value;
    let good = match &credential.purpose {
        Purpose::UserKey(key) => key.revoked.is_none(),
        Purpose::UserToken => credential.generation == user.generation,
        _ => false,
    };
    if !good || !user.owner.enabled || user.owner.blacklisted {
        return Err(Error::unauthenticated());
    }
    let access: Access = reader
        .get::<Access>(&access_key)
        .await?
        .map(|found| found.value)
        .unwrap_or_default();
    let rights = access.rights_of(tenant_id, &user.owner);
    let who = Principal {
        tenant_id,
        domain: found.domain,
        owner: user.owner,
        rights,
        means: Means::UserToken,
        credential: found.credential,
    };
    if !who.holds(Right::WriteStoreItems) {
        return Err(Error::forbidden(Right::WriteStoreItems.lacking()));
    }
    if found.done.is_some() {
        return Err(Error::conflict("transactionID: it was published already"));
    }
    Ok((who, found.app))
}

/// Ends a publication: makes the app, or adds the version, of an uploaded `file` with what is said
/// of it, in one transaction and once. Told again, it gives the same and changes nothing. Gives the
/// id of the binary.
///
/// # Errors
/// Not found for an unknown transaction, one whose hour is over, and another user's; as
/// [`native_app::create`] and [`native_app::add_version`]; the store's.
pub async fn end(
    reader: &mut Reader<'_>,
    who: &Principal,
    transaction: &str,
    file: &str,
    said: &AppTextInput,
) -> Result<AppId, Error> {
    let key = key_of(who.tenant_id, transaction).ok_or_else(unknown)?;
    change!(reader, {
        let found: Option<Stored<PublishingCall>> = reader.get(&key).await?;
        let mut found = found
            .filter(|found| found.value.by == who.owner.user)
            .ok_or_else(unknown)?;
        if let Some(done) = found.value.done {
            return Ok((done, Vec::new()));
        }
        let (app, mut writes) = match found.value.app {
            None => native_app::create_writes_of_package(reader, who, file, said).await?,
            Some(app) => native_app::version_of(reader, who, app, file, said).await?,
        };
        found.value.done = Some(app.id);
        writes.push(found.replace()?);
        Ok((app.id, writes))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id;

    #[test]
    fn a_transaction_belongs_to_one_tenant_and_is_not_kept_as_it_is() {
        let (ours, theirs) = (id::TenantId::of_name("dev"), id::TenantId::of_name("other"));
        let transaction = format!("{ours}{}", id::base32().encode(&id::random_bytes::<16>()));
        let key = key_of(ours, &transaction).unwrap();
        assert!(!format!("{key:?}").contains(&transaction[HANDLE..]));
        assert_eq!(key_of(theirs, &transaction), None);
        for text in [
            "",
            "x",
            &transaction[1..],
            &format!("{transaction}a"),
            &"é".repeat(17),
        ] {
            assert_eq!(key_of(ours, text), None, "{text}");
        }
    }
}
