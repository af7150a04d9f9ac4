//! Passwords that users choose themselves: invitation, reset, change.
//!
//! A link is good for one time and dies with its hour. Setting a password ends the sessions from
//! before.

use askama::Template;

use crate::base::clock::Timestamp;
use crate::base::code::Code;
use crate::base::error::Error;
use crate::base::id::TenantId;
use crate::base::secret::{CredentialText, MAX_PASSWORD, hash_password};
use crate::change;
use crate::domain::people::user;
use crate::model::credentials::credential::{Credential, Purpose};
use crate::model::people::user::{SignInName, User};
use crate::services::mail::{Mail, Mailer};
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Key, Write, keys, record};

/// How long an invitation is good, in seconds: three days.
pub const INVITATION_SECONDS: i64 = 3 * 24 * 3600;

/// How long a reset is good, in seconds.
pub const RESET_SECONDS: i64 = 3600;

/// Fewest characters of a password that is chosen.
pub const LEAST: usize = 8;

/// Why somebody gets a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// An administrator made the user.
    Invitation,
    /// The user forgot his password.
    Reset,
}

impl Reason {
    fn seconds(self) -> i64 {
        match self {
            Self::Invitation => INVITATION_SECONDS,
            Self::Reset => RESET_SECONDS,
        }
    }
}

/// A link's text with the write that makes it good.
///
/// # Errors
/// Internal.
pub fn link(
    tenant_id: TenantId,
    domain: &str,
    user: &User,
    reason: Reason,
    now: Timestamp,
) -> Result<(CredentialText, Write), Error> {
    let text = CredentialText::new_session(tenant_id, &user.owner.user);
    let expires = Some(now.plus_seconds(reason.seconds()));
    let purpose = Purpose::SetPassword {
        email: user.owner.email.clone(),
    };
    let credential = Credential {
        purpose,
        domain: domain.to_owned(),
        created: now,
        generation: user.generation,
        expires,
        owner: None,
    };
    let write = record::create(keys::credential(tenant_id, &text.hash()), &credential)?;
    Ok((text, write))
}

#[derive(Template)]
#[template(
    ext = "html",
    source = "<!DOCTYPE html><html><body><p>Hello {{ name }},</p><p>{{ why }}</p><p><a href=\"{{ \
        url }}\">{{ act }}</a></p><p>{{ until }}</p></body></html>"
)]
struct LinkMail<'a> {
    name: &'a str,
    why: &'a str,
    act: &'a str,
    url: &'a str,
    until: &'a str,
}

/// The mail with a link to `user`; `page` is the address where a link's password is chosen.
///
/// # Errors
/// Invalid for a user without a mail address.
pub fn mail(
    user: &User,
    domain: &str,
    page: &str,
    reason: Reason,
    link: &CredentialText,
) -> Result<Mail, Error> {
    let url = format!("{page}?token={}", link.expose());
    let name = if user.name.is_empty() {
        &user.owner.username
    } else {
        &user.name
    };
    let username = &user.owner.username;
    let (subject, why, act, until) = match reason {
        Reason::Invitation => (
            format!("You are invited to {domain}"),
            format!("You are now a user of the app store {domain}. Your user name is {username}."),
            "Choose your password",
            "The link is good for three days and for one time.",
        ),
        Reason::Reset => (
            format!("Your password for {domain}"),
            format!(
                "Somebody, probably you, asked for a new password for {username} in the app store \
                    {domain}. If it was not you, nothing needs to be done."
            ),
            "Choose a new password",
            "The link is good for one hour and for one time.",
        ),
    };
    let text = format!("Hello {name},\n\n{why}\n\n{act}: {url}\n\n{until}\n");
    let html = LinkMail {
        name,
        why: &why,
        act,
        url: &url,
        until,
    }
    .render()
    .map_err(Error::internal)?;
    Mail::new(&[&user.owner.email], &subject, text, html)
}

/// Mails a link, and gives whether the mail service took it. What went wrong stands in the log; the
/// link is good all the same, and another one can be sent. `page` is as in [`mail`].
pub async fn send(
    mailer: &dyn Mailer,
    user: &User,
    domain: &str,
    page: &str,
    reason: Reason,
    link: &CredentialText,
) -> bool {
    let sent = async { mailer.send(&mail(user, domain, page, reason, link)?).await };
    match sent.await {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(
                user = %user.owner.user,
                %error,
                cause = error.cause.as_deref().unwrap_or_default(),
                "a link was not mailed"
            );
            false
        }
    }
}

/// The rule for a password that a person chooses, the first administrator of a tenant included.
///
/// # Errors
/// Invalid for fewer than [`LEAST`] characters or more than [`MAX_PASSWORD`] bytes; the text
/// states the rule.
pub fn acceptable(password: &str) -> Result<(), Error> {
    if password.chars().count() < LEAST || password.len() > MAX_PASSWORD {
        return Err(Error::invalid(Code::InvalidPassword.with(format!(
            "a password has at least {LEAST} characters \
             and at most {MAX_PASSWORD} bytes"
        ))));
    }
    Ok(())
}

/// The hash under which a password that a person chose is kept.
///
/// # Errors
/// Invalid for a password that [`acceptable`] refuses.
pub fn checked(password: &str) -> Result<String, Error> {
    acceptable(password)?;
    hash_password(password)
}

/// The writes that give a user that password under every name, and end his sessions from before.
///
/// # Errors
/// The store's.
pub async fn replaced(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    user: &mut Stored<User>,
    hash: &str,
) -> Result<Vec<Write>, Error> {
    user.value.activated = true;
    user.value.generation += 1;
    let names: Vec<_> = user
        .value
        .names
        .iter()
        .map(|name| keys::sign_in(tenant_id, name))
        .collect();
    let mut writes = Vec::new();
    for claim in reader.get_all::<SignInName>(&names).await? {
        let mut claim =
            claim.ok_or_else(|| Error::torn("a user without the claim of their name"))?;
        claim.value.password = Some(hash.to_owned());
        claim.value.generation = user.value.generation;
        writes.push(claim.replace()?);
    }
    Ok(writes)
}

fn link_is_over() -> Error {
    Error::invalid("This link is not valid, or not any more: ask for a new one")
}

/// Sets the password of the user that a link is for, and uses the link up. Links from before are
/// over too: of two that were mailed only one can be used.
///
/// # Errors
/// Invalid for a link that is not good (any more) or a password that may not be chosen; the
/// store's.
pub async fn set_by_link(
    reader: &mut Reader<'_>,
    text: &str,
    password: &str,
) -> Result<User, Error> {
    let link: CredentialText = text.parse().map_err(|_| link_is_over())?;
    let CredentialText::Session {
        tenant_id,
        ref user,
        ..
    } = link
    else {
        return Err(link_is_over());
    };
    let (link_key, user_key) = (
        keys::credential(tenant_id, &link.hash()),
        keys::user(tenant_id, user),
    );
    reader
        .fetch(vec![link_key.clone(), user_key.clone()], Vec::new())
        .await?;
    let good = |found: Option<Stored<Credential>>| {
        found
            .filter(|found| matches!(found.value.purpose, Purpose::SetPassword { .. }))
            .ok_or_else(link_is_over)
    };
    good(reader.get(&link_key).await?)?;
    // Hashed only for who has a link: it is what costs.
    let hash = checked(password)?;
    change!(reader, {
        let link = good(reader.get(&link_key).await?)?;
        let mut user: Stored<User> = reader.get(&user_key).await?.ok_or_else(link_is_over)?;
        let owner = &user.value.owner;
        let mailed_to_him =
            matches!(&link.value.purpose, Purpose::SetPassword { email } if *email == owner.email);
        if !owner.enabled
            || owner.blacklisted
            || !mailed_to_him
            || user.value.generation != link.value.generation
        {
            return Err(link_is_over());
        }
        let before = user.value.clone();
        let mut writes = vec![link.remove()];
        writes.extend(replaced(reader, tenant_id, &mut user, &hash).await?);
        writes.extend(user::changed(reader, tenant_id, &before, user.clone()).await?);
        Ok((user.value, writes))
    })
}

/// The user to whom a reset is mailed: the one of that name, or the only one of that mail address,
/// who may sign in and has an address. It says nothing to the one who asks. What `also` names is
/// fetched beside it.
///
/// # Errors
/// The store's.
pub async fn forgotten(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    name: &str,
    also: Vec<Key>,
) -> Result<Option<User>, Error> {
    let by_email = crate::store::Query::all(keys::email_users(tenant_id, name));
    let mut wanted = also;
    wanted.extend([keys::sign_in(tenant_id, name), keys::tenant(tenant_id)]);
    reader.fetch(wanted, vec![by_email.clone()]).await?;
    let guid = match reader
        .get::<SignInName>(&keys::sign_in(tenant_id, name))
        .await?
    {
        Some(claim) => Some(claim.value.user),
        None => match reader.all(by_email).await?.as_slice() {
            [only] => Some(only.key.sk.parse().map_err(Error::internal)?),
            _ => None,
        },
    };
    let Some(guid) = guid else { return Ok(None) };
    let user: Option<Stored<User>> = reader.get(&keys::user(tenant_id, &guid)).await?;
    let may =
        |user: &User| user.owner.enabled && !user.owner.blacklisted && !user.owner.email.is_empty();
    Ok(user.map(|user| user.value).filter(may))
}

/// The condition under which a link is written: the user is still as he was read.
pub fn check_unchanged(user: &Stored<User>) -> Write {
    Write::Check(user.key.clone(), Condition::Rev(user.rev))
}
