//! Users change their own passwords.

use crate::base::error::Error;
use crate::base::secret::CredentialText;
use crate::change;
use crate::domain::people::password;
use crate::domain::sign_in::sign_in;
use crate::domain::sign_in::sign_in::Attempt;
use crate::model::people::principal::Principal;
use crate::model::people::user::User;
use crate::store::keys;
use crate::store::record::{Reader, Stored};

/// Changes a member's own password and gives him a new session: those from before end. `attempt` is
/// made with the old one.
///
/// # Errors
/// As [`sign_in::prove`] for a wrong old password; invalid for a new one that may not be chosen;
/// the store's.
pub async fn change_own(
    reader: &mut Reader<'_>,
    who: &Principal,
    attempt: Attempt<'_>,
    password: &str,
) -> Result<CredentialText, Error> {
    let (tenant_id, guid) = (who.tenant_id, &who.owner.user);
    let proved = sign_in::prove(reader, attempt).await?;
    if proved.user != *guid {
        return Err(Error::sign_in_failed());
    }
    let hash = password::checked(password)?;
    let now = reader.now();
    change!(reader, {
        let mut user: Stored<User> = reader
            .get(&keys::user(tenant_id, guid))
            .await?
            .ok_or_else(Error::unauthenticated)?;
        if user.value.generation != proved.generation {
            return Err(Error::sign_in_failed());
        }
        let mut writes = password::replaced(reader, tenant_id, &mut user, &hash).await?;
        let (session, credential) =
            sign_in::new_session(tenant_id, &who.domain, guid, user.value.generation, now)?;
        writes.extend([user.replace()?, credential]);
        writes.extend(attempt.within());
        Ok((session, writes))
    })
}
