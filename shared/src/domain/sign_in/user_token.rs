//! Tokens of the Apperian API: what a member gets for name and password, and sends as `X-TOKEN` or
//! as a call's `token`.

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::{Guid, TenantId};
use crate::base::secret::CredentialText;
use crate::change;
use crate::domain::sign_in::sign_in as sign_in_sign_in;
use crate::domain::sign_in::sign_in::Attempt;
use crate::model::credentials::credential::{Credential, Purpose};
use crate::model::people::tenant::Tenant;
use crate::model::people::user::User;
use crate::store::record::{Reader, Stored};
use crate::store::{Write, keys, record};

/// How long a token lasts, in seconds: a day. What must never expire is an API key.
pub const TOKEN_SECONDS: i64 = 24 * 3_600;

/// A new token, with the write that makes it. It ends with its time and with the password that it
/// came by.
fn new_token(
    tenant_id: TenantId,
    domain: &str,
    user: &Guid,
    generation: u32,
    now: Timestamp,
) -> Result<(CredentialText, Write), Error> {
    let token = CredentialText::new_user_token(tenant_id, user);
    let expires = Some(now.plus_seconds(TOKEN_SECONDS));
    let credential = Credential {
        purpose: Purpose::UserToken,
        domain: domain.to_owned(),
        created: now,
        generation,
        expires,
        owner: None,
    };
    let write = record::create(keys::credential(tenant_id, &token.hash()), &credential)?;
    Ok((token, write))
}

/// Gives a token to who says a right name and password, and the user as he is now. It counts as his
/// last sign-in.
///
/// # Errors
/// [`Error::sign_in_failed`], alike for an unknown user, a wrong password and one who is out; too
/// many requests; the store's.
pub async fn sign_in(
    reader: &mut Reader<'_>,
    attempt: Attempt<'_>,
) -> Result<(CredentialText, User), Error> {
    let tenant_id = attempt.tenant_id;
    let mut wanted = attempt.keys();
    wanted.extend([
        keys::sign_in(tenant_id, attempt.name),
        keys::tenant(tenant_id),
    ]);
    reader.fetch(wanted, Vec::new()).await?;
    let proved = sign_in_sign_in::prove(reader, attempt).await?;
    let tenant: Stored<Tenant> = reader
        .get(&keys::tenant(tenant_id))
        .await?
        .ok_or_else(Error::sign_in_failed)?;
    let now = reader.now();
    let (token, credential) = new_token(
        tenant_id,
        &tenant.value.name,
        &proved.user,
        proved.generation,
        now,
    )?;
    let user = change!(reader, {
        let (user, mut writes) = sign_in_sign_in::let_in(reader, attempt, &proved).await?;
        writes.extend([
            credential.clone(),
            sign_in_sign_in::login_noted(tenant_id, &proved.user, now)?,
        ]);
        Ok((user, writes))
    });
    let user = sign_in_sign_in::equalize_timing(reader, attempt, user).await?;
    Ok((token, user))
}
