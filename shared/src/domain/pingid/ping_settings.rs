//! The settings that PingID's messages are signed with: a token that names the settings, and a key
//! that nobody but their holder knows. At most two are valid at a time, so that a key can be
//! changed while clients still sign with the former one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::base::clock::Timestamp;
use crate::base::code::Code;
use crate::base::error::Error;
use crate::base::id::{TenantId, random_bytes};
use crate::base::secret::CredentialText;
use crate::change;
use crate::model::credentials::credential::{Credential, Purpose};
use crate::model::people::principal::Principal;
use crate::model::pingid::ping_settings::{PingKey, PingSettings, SEALED_FOR};
use crate::services::sealing::DataKey;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Key, Write, keys, record};

/// What a token is sealed for: whoever may download the settings reads it back.
const TOKEN_SEALED_FOR: &str = "pingid token";

/// How many days a former key stays valid, where nobody says otherwise.
pub const VALID_DAYS: u64 = 7;

/// The most days that a former key stays valid.
pub const MAX_VALID_DAYS: u64 = 90;

const DAY_SECONDS: i64 = 86_400;

/// A key that was ended before its time, or the settings as they are after a change.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The keys that are valid now, the current one first.
    pub keys: Vec<PingKey>,
    /// Those that were valid until this change.
    pub ended: Vec<PingKey>,
}

/// What reading settings reads.
pub fn keys_to_read(tenant_id: TenantId) -> Vec<Key> {
    vec![keys::ping_settings(tenant_id), keys::tenant(tenant_id)]
}

/// The keys that are valid, the current one first; none where nobody has asked for settings yet.
///
/// # Errors
/// The store's.
pub async fn list(reader: &mut Reader<'_>, tenant_id: TenantId) -> Result<Vec<PingKey>, Error> {
    let now = reader.now();
    let found: Option<Stored<PingSettings>> = reader.get(&keys::ping_settings(tenant_id)).await?;
    Ok(found
        .map(|found| found.value.at(now).keys)
        .unwrap_or_default())
}

/// A new key with its token, and the write of its credential.
fn new_key(
    who: &Principal,
    data_key: &DataKey,
    now: Timestamp,
) -> Result<(PingKey, NewKey, Write), Error> {
    let token = CredentialText::new_api_key(who.tenant_id);
    let secret = STANDARD.encode(random_bytes::<32>());
    let purpose = Purpose::MessageKey {
        key: data_key.seal(SEALED_FOR, &secret)?,
    };
    let credential = Credential {
        purpose,
        domain: who.domain.clone(),
        created: now,
        generation: 0,
        expires: None,
        owner: None,
    };
    let key = PingKey {
        hash: token.hash(),
        token: data_key.seal(TOKEN_SEALED_FOR, token.expose())?,
        created: now,
        created_by: who.owner.username.clone(),
        expires: None,
    };
    let write = record::create(keys::credential(who.tenant_id, &token.hash()), &credential)?;
    Ok((
        key,
        NewKey {
            token: token.expose().to_owned(),
            secret,
        },
        write,
    ))
}

struct NewKey {
    token: String,
    secret: String,
}

/// Where clients find this server.
#[derive(Clone, Debug)]
pub struct Addresses<'a> {
    /// Where this deployment is reached, which is where a browser finds the administration.
    pub administration: &'a str,
    /// Where the API begins that the messages of `002` are sent to.
    pub api: String,
}

/// The text of `pingid.properties` with the current key, for clients that find this server at these
/// addresses. The first one who asks has the settings made.
///
/// # Errors
/// Conflict where others were first each time; the store's.
pub async fn properties(
    reader: &mut Reader<'_>,
    who: &Principal,
    data_key: &DataKey,
    addresses: &Addresses<'_>,
) -> Result<String, Error> {
    let now = reader.now();
    let of = keys::ping_settings(who.tenant_id);
    let current = change!(reader, {
        let found: Option<Stored<PingSettings>> = reader.get(&of).await?;
        let Some(current) = found.as_ref().and_then(|found| found.value.keys.first()) else {
            let (key, new, credential) = new_key(who, data_key, now)?;
            let settings = PingSettings { keys: vec![key] };
            let write = match found {
                None => record::put(
                    of.clone(),
                    &settings,
                    Condition::AbsentOrExpired { now: now.seconds() },
                )?,
                Some(mut found) => {
                    found.value = settings;
                    found.replace()?
                }
            };
            return Ok((new, vec![write, credential]));
        };
        let credential: Option<Stored<Credential>> = reader
            .get(&keys::credential(who.tenant_id, &current.hash))
            .await?;
        let Some(Purpose::MessageKey { key }) = credential.map(|found| found.value.purpose) else {
            return Err(Error::torn("PingID settings without their key"));
        };
        let (token, secret) = (
            data_key.open(TOKEN_SEALED_FOR, &current.token)?,
            data_key.open(SEALED_FOR, &key)?,
        );
        Ok((NewKey { token, secret }, Vec::new()))
    })?;
    Ok(written(&current, &who.domain, addresses))
}

/// As Java's properties are written. Real files have the padding of the key escaped; addresses have
/// nothing that must be.
fn written(key: &NewKey, alias: &str, addresses: &Addresses<'_>) -> String {
    let NewKey { token, secret } = key;
    let secret = secret.replace('=', "\\=");
    let Addresses {
        administration,
        api,
    } = addresses;
    format!(
        "use_base64_key={secret}\nuse_signature=true\ntoken={token}\n\
            idp_url={api}\norg_alias={alias}\nadmin_url={administration}\n\
            authenticator_url={api}\n"
    )
}

/// The settings with other addresses, as [`properties`] writes them.
pub fn readdressed(properties: &str, addresses: &Addresses<'_>) -> String {
    let Addresses {
        administration,
        api,
    } = addresses;
    let line = |line: &str| match line.split_once('=').map_or("", |(name, _)| name.trim()) {
        name @ ("idp_url" | "authenticator_url") => format!("{name}={api}\n"),
        "admin_url" => format!("admin_url={administration}\n"),
        _ => format!("{line}\n"),
    };
    properties.lines().map(line).collect()
}

/// Makes a new key the current one. The former one stays valid for `valid_days`, and what was valid
/// beside it ends.
///
/// # Errors
/// Invalid for more than [`MAX_VALID_DAYS`]; conflict where others were first each time; the
/// store's.
pub async fn rotate(
    reader: &mut Reader<'_>,
    who: &Principal,
    data_key: &DataKey,
    valid_days: u64,
) -> Result<Changed, Error> {
    let days = i64::try_from(valid_days)
        .ok()
        .filter(|_| valid_days <= MAX_VALID_DAYS);
    let days = days.ok_or_else(|| Error::invalid(Code::InvalidValidDays))?;
    let (now, tenant_id) = (reader.now(), who.tenant_id);
    let of = keys::ping_settings(tenant_id);
    change!(reader, {
        let found: Option<Stored<PingSettings>> = reader.get(&of).await?;
        let (key, _, credential) = new_key(who, data_key, now)?;
        let mut settings = PingSettings { keys: vec![key] };
        let (mut ended, mut writes) = (Vec::new(), vec![credential]);
        let mut before = found
            .as_ref()
            .map(|found| found.value.clone().at(now).keys)
            .unwrap_or_default()
            .into_iter();
        if let Some(mut former) = before.next() {
            let key = keys::credential(tenant_id, &former.hash);
            if days == 0 {
                writes.push(Write::Delete(key, Condition::Always));
                ended.push(former);
            } else {
                let credential: Option<Stored<Credential>> = reader.get(&key).await?;
                let mut credential =
                    credential.ok_or_else(|| Error::torn("PingID settings without their key"))?;
                former.expires = Some(now.plus_seconds(days * DAY_SECONDS));
                credential.value.expires = former.expires;
                writes.push(credential.replace()?);
                settings.keys.push(former);
            }
        }
        for oldest in before {
            writes.push(Write::Delete(
                keys::credential(tenant_id, &oldest.hash),
                Condition::Always,
            ));
            ended.push(oldest);
        }
        let changed = Changed {
            keys: settings.keys.clone(),
            ended,
        };
        let write = match found {
            None => record::put(
                of.clone(),
                &settings,
                Condition::AbsentOrExpired { now: now.seconds() },
            )?,
            Some(mut found) => {
                found.value = settings;
                found.replace()?
            }
        };
        writes.insert(0, write);
        Ok((changed, writes))
    })
}

/// Ends what is valid beside the current key, at once. Nothing to end is no error.
///
/// # Errors
/// Conflict where others were first each time; the store's.
pub async fn retire(reader: &mut Reader<'_>, tenant_id: TenantId) -> Result<Changed, Error> {
    let now = reader.now();
    change!(reader, {
        let found: Option<Stored<PingSettings>> =
            reader.get(&keys::ping_settings(tenant_id)).await?;
        let Some(mut found) = found else {
            return Ok((
                Changed {
                    keys: Vec::new(),
                    ended: Vec::new(),
                },
                Vec::new(),
            ));
        };
        let mut valid = found.value.clone().at(now).keys;
        let ended = valid.split_off(valid.len().min(1));
        let changed = Changed {
            keys: valid.clone(),
            ended,
        };
        if found.value.keys.len() == changed.keys.len() {
            return Ok((changed, Vec::new()));
        }
        let gone =
            found.value.keys.iter().skip(1).map(|key| {
                Write::Delete(keys::credential(tenant_id, &key.hash), Condition::Always)
            });
        let gone: Vec<Write> = gone.collect();
        found.value.keys = valid;
        let mut writes = vec![found.replace()?];
        writes.extend(gone);
        Ok((changed, writes))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_written_as_clients_read_them() {
        let key = NewKey {
            token: "0123".to_owned(),
            secret: "+/a=".to_owned(),
        };
        let at = |base_url| Addresses {
            administration: base_url,
            api: format!("{base_url}/pingid"),
        };
        let text = written(&key, "dev", &at("https://store.example"));
        assert_eq!(
            text,
            "use_base64_key=+/a\\=\nuse_signature=true\ntoken=0123\n\
                idp_url=https://store.example/pingid\norg_alias=dev\n\
                admin_url=https://store.example\n\
                authenticator_url=https://store.example/pingid\n"
        );
        assert_eq!(
            readdressed(&text, &at("http://127.0.0.1:4000")),
            written(&key, "dev", &at("http://127.0.0.1:4000"))
        );
    }
}
