//! Ready-made settings for the clients that speak to this server.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use shared::base::error::Error;
use shared::base::id::{Guid, TenantId};
use shared::base::rights::Rights;
use shared::base::secret::SecretHash;
use shared::base::text::Label;
use shared::domain::pingid::ping_settings;
use shared::domain::sign_in::api_key as sign_in_api_key;
use shared::domain::sign_in::oauth::NewClient;
use shared::http::addresses;
use shared::http::routes::PUBLISHER;
use shared::http::routes::wso2_oauth::Op;
use shared::model::credentials::credential::KeyOf;
use shared::model::people::principal::{Means, Principal};
use shared::model::people::tenant::Tenant;
use shared::model::people::user::User;
use shared::services::context::Context;
use shared::services::sealing::DataKey;
use shared::store::keys;
use shared::store::record::{Reader, Stored};

/// fhc's settings.
const FHCRC: &str = "fhcrc";

/// Those of clients of the publisher API.
const WSO2: &str = "wso2-client.json";

/// Those of clients of the PingID API.
const PINGID: &str = "pingid.properties";

/// The token of clients of the Apperian API: an API key, one line.
const APPERIAN: &str = "apperian-token";

/// The files of settings.
pub const FILES: [&str; 4] = [FHCRC, WSO2, PINGID, APPERIAN];

const TOKEN: shared::http::path::Path<0> = Op::Token.path([]);

/// What a client of the publisher API must know.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wso2Client {
    base_url: String,
    token_url: String,
    client_id: String,
    client_secret: String,
    username: String,
}

impl Wso2Client {
    fn at(self, base_url: &str) -> Self {
        Self {
            base_url: format!("{base_url}{PUBLISHER}"),
            token_url: TOKEN.at(base_url, []),
            ..self
        }
    }

    fn text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}

/// Makes the settings of clients for a tenant's administrator, by the names of their files, with a
/// credential in each.
///
/// # Errors
/// The store's.
pub async fn make(
    context: &Context,
    domain: &str,
    admin: &Guid,
    base_url: &str,
    files: &[&str],
) -> Result<BTreeMap<String, String>, Error> {
    let tenant_id = TenantId::of_name(domain);
    let mut reader = Reader::new(&*context.table, context.clock.now());
    let user: Stored<User> = reader
        .get(&keys::user(tenant_id, admin))
        .await?
        .ok_or_else(|| Error::internal("no administrator"))?;
    let mut made = BTreeMap::new();
    for file in files {
        let text = match *file {
            FHCRC => {
                fhcrc(
                    context,
                    &mut reader,
                    tenant_id,
                    domain,
                    &user.value,
                    base_url,
                )
                .await?
            }
            WSO2 => wso2(&reader, tenant_id, domain, &user.value, base_url).await?,
            PINGID => {
                pingid(
                    context,
                    &mut reader,
                    tenant_id,
                    domain,
                    &user.value,
                    base_url,
                )
                .await?
            }
            _ => {
                api_key(
                    context,
                    &mut reader,
                    tenant_id,
                    domain,
                    &user.value,
                    "Apperian client settings",
                )
                .await?
                    + "\n"
            }
        };
        made.insert((*file).to_owned(), text);
    }
    Ok(made)
}

fn principal(tenant_id: TenantId, domain: &str, user: &User) -> Principal {
    let owner = user.owner.clone();
    Principal {
        tenant_id,
        domain: domain.to_owned(),
        owner,
        rights: Rights::EMPTY,
        means: Means::Session,
        credential: SecretHash::of(""),
    }
}

async fn data_key(
    context: &Context,
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
) -> Result<DataKey, Error> {
    let tenant: Stored<Tenant> = reader
        .get(&keys::tenant(tenant_id))
        .await?
        .ok_or_else(|| Error::internal("no tenant"))?;
    context
        .sealer()?
        .data_key(tenant_id, &tenant.value.data_key)
        .await
}

/// With the current key, which is made where there is none.
async fn pingid(
    context: &Context,
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    domain: &str,
    user: &User,
    base_url: &str,
) -> Result<String, Error> {
    let key = data_key(context, reader, tenant_id).await?;
    ping_settings::properties(
        reader,
        &principal(tenant_id, domain, user),
        &key,
        &addresses::of_pingid(base_url),
    )
    .await
}

/// With a new API key.
async fn fhcrc(
    context: &Context,
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    domain: &str,
    user: &User,
    base_url: &str,
) -> Result<String, Error> {
    let key = api_key(context, reader, tenant_id, domain, user, "client settings").await?;
    let username = &user.owner.username;
    Ok(format!(
        "feedhenry = {base_url}/\ndomain = {domain}\nusername = {username}\nuser_api_key = {key}\n"
    ))
}

/// A new API key of the administrator. The next one is made from fresh reads: each stands on the
/// user's record.
async fn api_key(
    context: &Context,
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    domain: &str,
    user: &User,
    label: &str,
) -> Result<String, Error> {
    reader.forget();
    let key = data_key(context, reader, tenant_id).await?;
    let who = principal(tenant_id, domain, user);
    let label = Label::new(label.to_owned()).unwrap_or_default();
    let made = sign_in_api_key::create(
        reader,
        &who,
        KeyOf::User(who.owner.user.clone()),
        label,
        &key,
    )
    .await?;
    made.open(&key)
}

/// With a new client, which belongs to the administrator.
async fn wso2(
    reader: &Reader<'_>,
    tenant_id: TenantId,
    domain: &str,
    user: &User,
    base_url: &str,
) -> Result<String, Error> {
    let new = NewClient::new("client settings".to_owned(), String::new(), "")?;
    let (registered, write) = new.owned_by(tenant_id, domain, user, reader.now())?;
    reader.table().write(vec![write]).await?;
    let (base, token) = (String::new(), String::new());
    let (client_id, client_secret, username) = (
        registered.id.to_string(),
        registered.secret,
        user.owner.username.clone(),
    );
    let client = Wso2Client {
        base_url: base,
        token_url: token,
        client_id,
        client_secret,
        username,
    };
    client.at(base_url).text().map_err(Error::internal)
}

/// Writes the settings, readable by their owner alone.
///
/// # Errors
/// The disk's.
pub fn write(folder: &Path, files: &BTreeMap<String, String>) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (name, text) in files {
        let path = folder.join(name);
        let draft = folder.join(format!(".{name}"));
        // A draft that a kill left may be anybody's to read.
        match std::fs::remove_file(&draft) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&draft)?.write_all(text.as_bytes())?;
        std::fs::rename(draft, path)?;
    }
    Ok(())
}

/// Puts today's address into the settings that an earlier start wrote; a token has none.
///
/// # Errors
/// The disk's.
pub fn readdress(folder: &Path, base_url: &str) -> std::io::Result<()> {
    let mut files = BTreeMap::new();
    for name in FILES {
        let text = match std::fs::read_to_string(folder.join(name)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            other => other?,
        };
        if name == APPERIAN {
            continue;
        }
        let readdressed = if name == FHCRC {
            let lines = text.lines().map(|line| {
                if line.starts_with("feedhenry = ") {
                    format!("feedhenry = {base_url}/")
                } else {
                    line.to_owned()
                }
            });
            lines.map(|line| line + "\n").collect()
        } else if name == PINGID {
            ping_settings::readdressed(&text, &addresses::of_pingid(base_url))
        } else {
            match serde_json::from_str::<Wso2Client>(&text)
                .and_then(|client| client.at(base_url).text())
            {
                Ok(text) => text,
                Err(error) => {
                    tracing::warn!(name, %error, "these settings were changed by hand and keep \
                        their address");
                    continue;
                }
            }
        };
        files.insert(name.to_owned(), readdressed);
    }
    write(folder, &files)
}
