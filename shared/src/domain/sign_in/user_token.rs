//! Tokens of the Apperian API: what a member gets for name and password, and sends as `X-TOKEN` or
//! as a call's `token`.

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::{Guid, Handle};
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
    handle: Handle,
    domain: &str,
    user: &Guid,
    generation: u32,
    now: Timestamp,
) -> Result<(CredentialText, Write), Error> {
    let token = CredentialText::new_user_token(handle, user);
    let expires = Some(now.plus_seconds(TOKEN_SECONDS));
    let credential = Credential {
        purpose: Purpose::UserToken,
        domain: domain.to_owned(),
        created: now,
        generation,
        expires,
        owner: None,
    };
    let write = record::create(keys::credential(handle, &token.hash()), &credential)?;
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
    let handle = attempt.handle;
    let mut wanted = attempt.keys();
    wanted.extend([keys::sign_in(handle, attempt.name), keys::tenant(handle)]);
    reader.fetch(wanted, Vec::new()).await?;
    let proved = sign_in_sign_in::prove(reader, attempt).await?;
    let tenant: Stored<Tenant> = reader
        .get(&keys::tenant(handle))
        .await?
        .ok_or_else(Error::sign_in_failed)?;
    let now = reader.now();
    let (token, credential) = new_token(
        handle,
        &tenant.value.name,
        &proved.user,
        proved.generation,
        now,
    )?;
    let user = change!(reader, {
        let (user, mut writes) = sign_in_sign_in::let_in(reader, attempt, &proved).await?;
        writes.extend([
            credential.clone(),
            sign_in_sign_in::login_noted(handle, &proved.user, now)?,
        ]);
        Ok((user, writes))
    });
    let user = sign_in_sign_in::told_alike(reader, attempt, user).await?;
    Ok((token, user))
}
