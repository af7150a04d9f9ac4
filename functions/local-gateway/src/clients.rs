//! Ready-made settings for the clients that speak to this server.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use shared::Error;
use shared::access::{Means, Principal, Rights};
use shared::context::Context;
use shared::domain::api_key::{self, KeyOf};
use shared::domain::tenant::Tenant;
use shared::domain::text::Label;
use shared::domain::user::User;
use shared::id::{Guid, Handle};
use shared::records::{Reader, Stored};
use shared::secret::SecretHash;
use shared::store::keys;

/// Makes an API key for a tenant's administrator and writes it into the settings of each client, by file name.
///
/// # Errors
/// The store's.
pub async fn make(context: &Context, domain: &str, admin: &Guid, base_url: &str) -> Result<BTreeMap<String, String>, Error> {
    let handle = Handle::of_name(domain);
    let mut reader = Reader::new(&*context.table, context.clock.now());
    let user: Stored<User> = reader.get(&keys::user(handle, admin)).await?.ok_or_else(|| Error::internal("no administrator"))?;
    let tenant: Stored<Tenant> = reader.get(&keys::tenant(handle)).await?.ok_or_else(|| Error::internal("no tenant"))?;
    let key = context.sealer()?.data_key(handle, &tenant.value.data_key).await?;
    let owner = user.value.owner;
    let username = owner.username.clone();
    let who = Principal { handle, domain: domain.to_owned(), owner, rights: Rights::NONE, means: Means::Session, credential: SecretHash::of("") };
    let label = Label::new("client settings".to_owned()).unwrap_or_default();
    let made = api_key::create(&mut reader, &who, KeyOf::User(who.owner.user.clone()), label, &key).await?;
    let fhcrc = format!("feedhenry = {base_url}/\ndomain = {domain}\nusername = {username}\nuser_api_key = {}\n", made.open(&key)?);
    Ok(BTreeMap::from([("fhcrc".to_owned(), fhcrc)]))
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

/// Puts today's address into the settings that an earlier start wrote.
///
/// # Errors
/// The disk's.
pub fn readdress(folder: &Path, base_url: &str) -> std::io::Result<()> {
    let path = folder.join("fhcrc");
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    let lines = text.lines().map(|line| if line.starts_with("feedhenry = ") { format!("feedhenry = {base_url}/") } else { line.to_owned() });
    let text = lines.map(|line| line + "\n").collect();
    write(folder, &BTreeMap::from([("fhcrc".to_owned(), text)]))
}
