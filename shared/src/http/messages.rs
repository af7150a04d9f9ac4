//! Signed messages: requests whose body proves who sent it, and whose answers are signed with the
//! same key (002).
//!
//! How they are written is the function's own (it alone links what reads and signs them); who may
//! send them is judged here, beside the other credentials.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::TenantId;
use crate::base::rights::Rights;
use crate::base::secret::CredentialText;
use crate::http::incoming::Incoming;
use crate::model::credentials::credential::{Credential, Purpose};
use crate::model::credentials::message::AcceptedMessage;
use crate::model::people::principal::{Means, Principal};
use crate::model::people::tenant::Tenant;
use crate::model::people::user::Owner;
use crate::model::pingid::ping_settings::SEALED_FOR;
use crate::services::context::Context;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Key, StoreError, keys, record};

/// What a message says of itself, before anybody believes it.
#[derive(Debug)]
pub struct Opened {
    /// The token of the settings whose key signs it.
    pub token: String,
    /// Every alias that it names, in its header and in its payload.
    pub aliases: Vec<String>,
    /// Every further token that it names.
    pub tokens: Vec<String>,
    /// When it was sent, where it says so in a form that can be read.
    pub sent: Option<Timestamp>,
    /// What the operation takes.
    pub input: Map<String, Value>,
    /// What the answer repeats, as soon as the message is known to be its sender's.
    pub echo: Value,
    /// What is wrong with its payload: told once it is known who sent it, so that the answer is
    /// signed.
    pub problem: Option<Error>,
}

/// How a function's messages are written.
pub trait SignedMessages: Send + Sync {
    /// Takes a message apart, unverified.
    ///
    /// # Errors
    /// Invalid for what is no message, forbidden for an algorithm or a header that is not taken,
    /// too large.
    fn open(&self, body: &[u8]) -> Result<Opened, Error>;

    /// Verifies its signature.
    ///
    /// # Errors
    /// Forbidden.
    fn verify(&self, body: &[u8], key: &[u8]) -> Result<(), Error>;

    /// Writes and signs an answer.
    ///
    /// # Errors
    /// Internal.
    fn sign(&self, alias: &str, token: &str, key: &[u8], payload: &Value) -> Result<String, Error>;
}

/// How far a message's time may be from ours under `PingIdStrict`, in seconds.
pub const WINDOW_SECONDS: i64 = 300;

fn refused() -> Error {
    Error::forbidden("Request signature is not valid")
}

/// The token of the settings that a message names.
///
/// # Errors
/// Forbidden for a text that is none, in the words that a wrong signature is told in.
pub fn token(opened: &Opened) -> Result<CredentialText, Error> {
    match opened.token.parse() {
        Ok(token @ CredentialText::ApiKey { .. }) => Ok(token),
        _ => Err(refused()),
    }
}

/// What must be read to judge a message.
pub fn keys_of(token: &CredentialText) -> Vec<Key> {
    let tenant_id = token.handle();
    vec![
        keys::credential(tenant_id, &token.hash()),
        keys::tenant(tenant_id),
    ]
}

/// Who sent a message, from what was fetched for [`keys_of`] its token. As soon as the key is known
/// the request's answer is signed with it, whatever it will be.
///
/// # Errors
/// Forbidden for unknown settings, a wrong signature, another alias or token beside the first, and
/// under `PingIdStrict` for a message that is too old, says no time, or came before; the store's
/// and the keeper's.
pub async fn authenticate(
    context: &Context,
    reader: &mut Reader<'_>,
    messages: &'static dyn SignedMessages,
    opened: &mut Opened,
    token: &CredentialText,
    incoming: &mut Incoming,
) -> Result<Principal, Error> {
    let tenant_id = token.handle();
    let credential: Stored<Credential> = reader
        .get(&keys::credential(tenant_id, &token.hash()))
        .await?
        .ok_or_else(refused)?;
    let Purpose::MessageKey { key } = &credential.value.purpose else {
        return Err(refused());
    };
    let tenant: Stored<Tenant> = reader
        .get(&keys::tenant(tenant_id))
        .await?
        .ok_or_else(refused)?;
    let data_key = context
        .sealer()?
        .data_key(tenant_id, &tenant.value.data_key)
        .await?;
    let key = STANDARD
        .decode(data_key.open(SEALED_FOR, key)?)
        .map_err(Error::internal)?;
    let domain = credential.value.domain;
    let (alias, text) = (domain.clone(), token.expose().to_owned());
    let (for_answer, words) = (key.clone(), messages);
    incoming.signer = Some(Box::new(move |payload| {
        words.sign(&alias, &text, &for_answer, payload)
    }));
    messages.verify(&incoming.body, &key)?;
    // Nothing that somebody else wrote is signed with this key.
    incoming.echo = std::mem::take(&mut opened.echo);
    if let Some(problem) = opened.problem.take() {
        return Err(problem);
    }
    if opened.aliases.is_empty() || opened.aliases.iter().any(|alias| *alias != domain) {
        return Err(Error::forbidden(
            "org_alias and reqHeader.orgAlias must be the alias of the settings that sign the \
                message",
        ));
    }
    if opened.tokens.iter().any(|other| other != token.expose()) {
        return Err(Error::forbidden(
            "reqHeader.secretKey must be the token of the message's header",
        ));
    }
    if context.settings.strict_messages {
        once(reader, tenant_id, opened, &incoming.body).await?;
    }
    let owner = Owner::of_nobody("pingid");
    Ok(Principal {
        tenant_id,
        domain,
        owner,
        rights: Rights::EMPTY,
        means: Means::Message,
        credential: token.hash(),
    })
}

/// Takes a message that was not taken before, and is of our time.
async fn once(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    opened: &Opened,
    body: &[u8],
) -> Result<(), Error> {
    let now = reader.now();
    let sent = opened.sent.ok_or_else(|| {
        Error::forbidden(
            "The message does not say when it was \
        sent: timestamp must be yyyy-MM-dd HH:mm:ss.SSS in UTC",
        )
    })?;
    if (sent.0 - now.0).abs() > WINDOW_SECONDS * 1_000 {
        return Err(Error::forbidden(format!(
            "The message was not sent within {WINDOW_SECONDS} seconds of now, which is {} UTC",
            now.dotted()
        )));
    }
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(body.trim_ascii()));
    let taken = AcceptedMessage {
        expires: now.plus_seconds(2 * WINDOW_SECONDS + 60),
    };
    let write = record::put(
        keys::message(tenant_id, &digest),
        &taken,
        Condition::AbsentOrExpired { now: now.seconds() },
    )?;
    match reader.table().write(vec![write]).await {
        Err(StoreError::Condition { .. }) => Err(Error::forbidden("This message was sent before")),
        other => Ok(other?),
    }
}
