//! Every key of the table and every name in the bucket is built here.
//!
//! A partition key begins with the tenant's id. The exceptions are the register of tenants, the
//! names that lead to one, the shards of pending work, and the last runs of background tasks.

use sha2::{Digest, Sha256};

use crate::base::clock::Timestamp;
use crate::base::environment::Environment;
use crate::base::id::{AppId, BinaryType, Guid, TeamId, TenantId, base32, random_bytes};
use crate::base::kind::Listing;
use crate::base::secret::SecretHash;
use crate::store::Key;

/// The sort key of an item that is alone in its partition or stands for it.
const SELF: &str = "-";

fn key(pk: String, sk: impl Into<String>) -> Key {
    Key { pk, sk: sk.into() }
}

/// The register of tenants: one item each.
pub fn tenant(tenant_id: TenantId) -> Key {
    key(tenants(), tenant_id.to_string())
}

/// The partition of the register of tenants.
pub fn tenants() -> String {
    "TENANTS".to_owned()
}

/// The store guid that leads to a tenant (`clientToken` of a sign-in).
pub fn store_directory(store: &Guid) -> Key {
    key(format!("STORE#{store}"), SELF)
}

/// A credential, found by the hash of its secret.
pub fn credential(tenant_id: TenantId, hash: &SecretHash) -> Key {
    key(format!("{tenant_id}#C#{hash}"), SELF)
}

/// A signed message that was taken, by the SHA-256 of its text.
pub fn message(tenant_id: TenantId, sha256: &str) -> Key {
    key(format!("{tenant_id}#MESSAGE#{sha256}"), SELF)
}

/// All users: each one's record, and beside it when he signed in last.
pub fn users(tenant_id: TenantId) -> String {
    format!("{tenant_id}#USERS")
}

/// A user.
pub fn user(tenant_id: TenantId, user: &Guid) -> Key {
    key(users(tenant_id), user.as_str())
}

/// When a user signed in last: an item of its own, since it changes without the user being changed.
pub fn last_login(tenant_id: TenantId, user: &Guid) -> Key {
    key(users(tenant_id), format!("{user}#LOGIN"))
}

/// A person whom a provider admitted and who is no user of the platform.
pub fn identity(tenant_id: TenantId, identity: &Guid) -> Key {
    key(format!("{tenant_id}#IDENTITIES"), identity.as_str())
}

/// What belongs to a user: his API keys as `KEY#…`, the devices that he signed in on as `DEV#…`,
/// the store items that he installed as `ITEM#…`, and how many apps he owns.
pub fn user_keys(tenant_id: TenantId, user: &Guid) -> String {
    format!("{tenant_id}#U#{user}")
}

/// The beginning of the sort keys of [`user_device`].
pub const DEVICE_PREFIX: &str = "DEV#";

/// That a user signed in on a device.
pub fn user_device(tenant_id: TenantId, user: &Guid, device: &Guid) -> Key {
    key(
        user_keys(tenant_id, user),
        format!("{DEVICE_PREFIX}{device}"),
    )
}

/// The beginning of the sort keys of [`user_item`].
pub const ITEM_PREFIX: &str = "ITEM#";

/// That a user installed a store item.
pub fn user_item(tenant_id: TenantId, user: &Guid, app: AppId) -> Key {
    key(
        user_keys(tenant_id, user),
        format!("{ITEM_PREFIX}{}", app.item().sort_key()),
    )
}

/// How many apps a user owns.
pub fn owned_apps(tenant_id: TenantId, user: &Guid) -> Key {
    key(user_keys(tenant_id, user), "OWNED")
}

/// The users who have a mail address; case does not count.
pub fn email_users(tenant_id: TenantId, email: &str) -> String {
    format!("{tenant_id}#EMAIL#{}", bounded(&email.to_lowercase()))
}

/// That a user has a mail address.
pub fn email(tenant_id: TenantId, email: &str, user: &Guid) -> Key {
    key(email_users(tenant_id, email), user.as_str())
}

/// The administrators who hold every right: the last one must stay.
pub fn administrators(tenant_id: TenantId) -> Key {
    key(format!("{tenant_id}#ADMINS"), SELF)
}

/// What the tenant's own teams may do; read with every credential.
pub fn access(tenant_id: TenantId) -> Key {
    key(format!("{tenant_id}#ACCESS"), SELF)
}

/// All teams, each followed by its members.
pub fn teams(tenant_id: TenantId) -> String {
    format!("{tenant_id}#TEAMS")
}

/// A team.
pub fn team(tenant_id: TenantId, team: &TeamId) -> Key {
    key(teams(tenant_id), team.as_str())
}

/// What stands between the id of a team or policy and that of a user on it, in sort keys.
pub const MEMBER: &str = "#U#";

/// That a user is in a team.
pub fn team_user(tenant_id: TenantId, team: &TeamId, user: &Guid) -> Key {
    key(teams(tenant_id), format!("{team}{MEMBER}{user}"))
}

/// The log of an import of users.
pub fn import(tenant_id: TenantId, import: &Guid) -> Key {
    key(format!("{tenant_id}#IMPORT#{import}"), SELF)
}

/// A sign-in that waits for the browser's return from the provider.
pub fn pending_sign_in(tenant_id: TenantId, state: &SecretHash) -> Key {
    key(format!("{tenant_id}#PENDING#{state}"), SELF)
}

/// The listing copy of a user's API key.
pub fn user_key(tenant_id: TenantId, user: &Guid, created: Timestamp, hash: &SecretHash) -> Key {
    key(user_keys(tenant_id, user), key_sort(created, hash))
}

/// The partition of an app's API keys: the pointer to the live one, then all as `KEY#…`.
pub fn app_keys(tenant_id: TenantId, app: AppId) -> String {
    format!("{tenant_id}#AK#{}", app.sort_key())
}

/// The pointer to an app's one live API key.
pub fn app_key_pointer(tenant_id: TenantId, app: AppId) -> Key {
    key(app_keys(tenant_id, app), SELF)
}

/// The listing copy of an app's API key.
pub fn app_key(tenant_id: TenantId, app: AppId, created: Timestamp, hash: &SecretHash) -> Key {
    key(app_keys(tenant_id, app), key_sort(created, hash))
}

/// The beginning of the sort keys of API keys.
pub const KEY_PREFIX: &str = "KEY#";

fn key_sort(created: Timestamp, hash: &SecretHash) -> String {
    format!("{KEY_PREFIX}{}#{hash}", time(created))
}

/// The claim of a name or address to sign in with; case does not count.
pub fn sign_in(tenant_id: TenantId, name: &str) -> Key {
    key(
        format!("{tenant_id}#NAME#{}", bounded(&name.to_lowercase())),
        SELF,
    )
}

/// How often something that is throttled was tried by an account or from an address, in one window
/// of time.
pub fn tries(tenant_id: TenantId, of: &str, window: i64) -> Key {
    key(
        format!("{tenant_id}#TRIES#{window}#{}", bounded(&of.to_lowercase())),
        SELF,
    )
}

/// All devices of apps' users.
pub fn devices(tenant_id: TenantId) -> String {
    format!("{tenant_id}#DEVICES")
}

/// A device of an app's user.
pub fn device(tenant_id: TenantId, device: &Guid) -> Key {
    key(devices(tenant_id), device.as_str())
}

/// The partition of a device's users and apps.
pub fn device_links(tenant_id: TenantId, device: &Guid) -> String {
    format!("{tenant_id}#DEV#{device}")
}

/// The beginning of the sort keys of [`device_user`].
pub const USER_PREFIX: &str = "U#";

/// That a user signed in on a device.
pub fn device_user(tenant_id: TenantId, device: &Guid, user: &Guid) -> Key {
    key(
        device_links(tenant_id, device),
        format!("{USER_PREFIX}{user}"),
    )
}

/// The beginning of the sort keys of [`device_app`].
pub const APP_PREFIX: &str = "A#";

/// That an app signed somebody in on a device; the app as its client named it.
pub fn device_app(tenant_id: TenantId, device: &Guid, client_token: &str) -> Key {
    key(
        device_links(tenant_id, device),
        format!("{APP_PREFIX}{}", bounded(client_token)),
    )
}

/// The app records of all apps.
pub fn apps(tenant_id: TenantId) -> String {
    format!("{tenant_id}#APPS")
}

/// An app: what lists show.
pub fn app(tenant_id: TenantId, app: AppId) -> Key {
    key(apps(tenant_id), app.sort_key())
}

/// The icons of all apps.
pub fn icons(tenant_id: TenantId) -> String {
    format!("{tenant_id}#ICONS")
}

/// An app's icon.
pub fn icon(tenant_id: TenantId, app: AppId) -> Key {
    key(icons(tenant_id), app.sort_key())
}

/// What belongs to one app beside its app record: its binaries, its history, what its publishers
/// say of it.
pub fn app_parts(tenant_id: TenantId, app: AppId) -> String {
    format!("{tenant_id}#A#{}", app.sort_key())
}

/// The beginning of the sort keys of [`history`].
pub const HISTORY_PREFIX: &str = "HIST#";

/// The steps that an app took in the change that gave its app record that revision.
pub fn history(tenant_id: TenantId, app: AppId, rev: u64) -> Key {
    key(
        app_parts(tenant_id, app),
        format!("{HISTORY_PREFIX}{rev:010}"),
    )
}

/// What an app's publishers say of it beyond its app record.
pub fn publication(tenant_id: TenantId, app: AppId) -> Key {
    key(app_parts(tenant_id, app), "PUB")
}

/// The beginning of the sort keys of [`subscription`].
pub const SUBSCRIPTION_PREFIX: &str = "SUB#";

/// That a user subscribed to an app or installed it.
pub fn subscription(tenant_id: TenantId, app: AppId, user: &Guid) -> Key {
    key(
        app_parts(tenant_id, app),
        format!("{SUBSCRIPTION_PREFIX}{user}"),
    )
}

/// The beginning of the sort keys of [`document`].
pub const DOCUMENT_PREFIX: &str = "DOC#";

/// A document of an app.
pub fn document(tenant_id: TenantId, app: AppId, document: AppId) -> Key {
    key(
        app_parts(tenant_id, app),
        format!("{DOCUMENT_PREFIX}{}", document.sort_key()),
    )
}

/// The text of a document that is kept in the table: an item of its own, since lists do not show
/// it.
pub fn document_text(tenant_id: TenantId, app: AppId, document: AppId) -> Key {
    key(
        app_parts(tenant_id, app),
        format!("DOCTEXT#{}", document.sort_key()),
    )
}

/// The claim of a document's name within its app; case does not count.
pub fn document_name(tenant_id: TenantId, app: AppId, name: &str) -> Key {
    key(
        app_parts(tenant_id, app),
        format!("DOCNAME#{}", bounded(&name.to_lowercase())),
    )
}

/// How many documents an app has.
pub fn document_count(tenant_id: TenantId, app: AppId) -> Key {
    key(app_parts(tenant_id, app), "DOCS")
}

/// The claim of an app's provider, name and version, joined by hyphens: what the publisher API may
/// name it by.
pub fn version_claim(tenant_id: TenantId, listing: Listing, joined: &str) -> Key {
    key(
        format!("{tenant_id}#PNV#{}#{}", listing.as_str(), bounded(joined)),
        SELF,
    )
}

/// The claim of an app's name in a list of the publisher API; case does not count.
pub fn app_name(tenant_id: TenantId, listing: Listing, name: &str) -> Key {
    key(
        format!(
            "{tenant_id}#APPNAME#{}#{}",
            listing.as_str(),
            bounded(&name.to_lowercase())
        ),
        SELF,
    )
}

/// The claim of a web app's context; case does not count.
pub fn context(tenant_id: TenantId, context: &str) -> Key {
    key(
        format!("{tenant_id}#CTX#{}", bounded(&context.to_lowercase())),
        SELF,
    )
}

/// All policy partials.
pub fn partials(tenant_id: TenantId) -> String {
    format!("{tenant_id}#PARTIALS")
}

/// A policy partial.
pub fn partial(tenant_id: TenantId, partial: u32) -> Key {
    key(partials(tenant_id), format!("{partial:010}"))
}

/// The shared policy partials, in the order of their creation: what lists show of them.
pub fn shared_partials(tenant_id: TenantId) -> String {
    format!("{tenant_id}#PARTIALROWS")
}

/// What lists show of a shared policy partial.
pub fn shared_partial(tenant_id: TenantId, created: Timestamp, partial: u32) -> Key {
    key(
        shared_partials(tenant_id),
        format!("{}#{partial:010}", time(created)),
    )
}

/// The apps that a policy partial is mapped to.
pub fn partial_apps(tenant_id: TenantId, partial: u32) -> String {
    format!("{tenant_id}#PARTIAL#{partial:010}")
}

/// That a policy partial is mapped to an app.
pub fn partial_app(tenant_id: TenantId, partial: u32, app: AppId) -> Key {
    key(partial_apps(tenant_id, partial), app.sort_key())
}

/// All business owners.
pub fn business_owners(tenant_id: TenantId) -> String {
    format!("{tenant_id}#OWNERS")
}

/// A business owner.
pub fn business_owner(tenant_id: TenantId, owner: u32) -> Key {
    key(business_owners(tenant_id), format!("{owner:010}"))
}

/// The claim of a business owner's name and mail address together.
pub fn business_owner_name(tenant_id: TenantId, name: &str, email: &str) -> Key {
    key(
        format!(
            "{tenant_id}#OWNERNAME#{}",
            bounded(&format!(
                "{}\n{}",
                name.to_lowercase(),
                email.to_lowercase()
            ))
        ),
        SELF,
    )
}

/// The rows of a list of the publisher API.
pub fn rows(tenant_id: TenantId, listing: Listing) -> String {
    format!("{tenant_id}#ROWS#{}", listing.as_str())
}

/// The sort key of an app's row: its bucket, then its id with the number of its binary's type.
pub fn row_sort(bucket: u32, id: AppId) -> String {
    format!(
        "{bucket:08}#{}{}",
        id.sort_key(),
        id.kind().map_or(0, |kind| kind as u8 + 1)
    )
}

/// What sorts before every row of a bucket and after every row of those before it.
pub fn before_bucket(bucket: u32) -> String {
    format!("{bucket:08}")
}

/// An app's row.
pub fn row(tenant_id: TenantId, listing: Listing, sort: &str) -> Key {
    key(rows(tenant_id, listing), sort)
}

/// The counts of the buckets: of all apps as `ALL#…`, of the rows of each list under its name.
pub fn directory(tenant_id: TenantId) -> String {
    format!("{tenant_id}#DIR")
}

/// The beginning of the sort keys of [`bucket`].
pub const BUCKETS_PREFIX: &str = "ALL#";

/// How many apps were ever put into a bucket.
pub fn bucket(tenant_id: TenantId, number: u32) -> Key {
    key(directory(tenant_id), format!("{BUCKETS_PREFIX}{number:08}"))
}

/// The beginning of the sort keys of [`directory_entry`].
pub fn directory_prefix(listing: Listing) -> String {
    format!("{}#", listing.as_str())
}

/// How many rows of a list are in a bucket.
pub fn directory_entry(tenant_id: TenantId, listing: Listing, bucket: u32) -> Key {
    key(
        directory(tenant_id),
        format!("{}{bucket:08}", directory_prefix(listing)),
    )
}

/// A file that was uploaded on its own: a package, a picture, a document. Its name is its key.
pub fn file(tenant_id: TenantId, name: &str) -> Key {
    key(format!("{tenant_id}#FILE#{}", bounded(name)), SELF)
}

/// How many uses a file has: an item of its own, so that a use is counted while the file is
/// changed.
pub fn file_uses(tenant_id: TenantId, name: &str) -> Key {
    key(file(tenant_id, name).pk, "USES")
}

/// A client of the publisher API.
pub fn client(tenant_id: TenantId, client: &Guid) -> Key {
    key(format!("{tenant_id}#CLIENT#{client}"), SELF)
}

/// The versions of an app's binary of one type, with what was read from them.
pub fn binary(tenant_id: TenantId, app: AppId, kind: BinaryType) -> Key {
    key(app_parts(tenant_id, app), format!("BIN#{kind}"))
}

/// The guid of a kept version, which leads to its app (003 2.6.4 `downloadvers?guid=`).
pub fn version(tenant_id: TenantId, version: &Guid) -> Key {
    key(format!("{tenant_id}#VER#{version}"), SELF)
}

/// The partition of the store front: itself, its icon, and the items on its store listing.
pub fn store_front(tenant_id: TenantId) -> String {
    format!("{tenant_id}#STORE")
}

/// The store front.
pub fn store(tenant_id: TenantId) -> Key {
    key(store_front(tenant_id), SELF)
}

/// The store front's icon.
pub fn store_icon(tenant_id: TenantId) -> Key {
    key(store_front(tenant_id), "ICON")
}

/// That an item is in the store.
pub fn store_listing(tenant_id: TenantId, app: AppId) -> Key {
    key(
        store_front(tenant_id),
        format!("{SHELF_PREFIX}{}", app.sort_key()),
    )
}

/// The beginning of the sort keys of [`store_listing`].
pub const SHELF_PREFIX: &str = "IN#";

/// All auth policies.
pub fn policies(tenant_id: TenantId) -> String {
    format!("{tenant_id}#POLICIES")
}

/// An auth policy.
pub fn policy(tenant_id: TenantId, policy: &Guid) -> Key {
    key(policies(tenant_id), policy.as_str())
}

/// The users who are listed on policies, those of one policy together. Not beside the policies:
/// these are read by everybody who looks at the store.
pub fn policy_users(tenant_id: TenantId) -> String {
    format!("{tenant_id}#POLICYUSERS")
}

/// That a user is listed on a policy.
pub fn policy_user(tenant_id: TenantId, policy: &Guid, user: &Guid) -> Key {
    key(policy_users(tenant_id), format!("{policy}{MEMBER}{user}"))
}

/// The claim of a policy's id.
pub fn policy_id(tenant_id: TenantId, policy_id: &str) -> Key {
    key(format!("{tenant_id}#POLICYID#{}", bounded(policy_id)), SELF)
}

/// All groups of store items and users.
pub fn groups(tenant_id: TenantId) -> String {
    format!("{tenant_id}#GROUPS")
}

/// A group.
pub fn group(tenant_id: TenantId, group: &Guid) -> Key {
    key(groups(tenant_id), group.as_str())
}

/// The claim of a group's name.
pub fn group_name(tenant_id: TenantId, name: &str) -> Key {
    key(
        format!("{tenant_id}#GROUPNAME#{}", bounded(&name.to_lowercase())),
        SELF,
    )
}

/// The partition of a group's members.
pub fn group_members(tenant_id: TenantId, group: &Guid) -> String {
    format!("{tenant_id}#G#{group}")
}

/// That a user is in a group.
pub fn group_user(tenant_id: TenantId, group: &Guid, user: &Guid) -> Key {
    key(group_members(tenant_id, group), format!("U#{user}"))
}

/// That an item is in a group.
pub fn group_item(tenant_id: TenantId, group: &Guid, app: AppId) -> Key {
    key(
        group_members(tenant_id, group),
        format!("I#{}", app.sort_key()),
    )
}

/// One copy of the log of downloads and installs per filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogOf<'a> {
    /// All rows.
    All,
    /// Rows of a user, by guid or by name.
    User(&'a str),
    /// Rows of a store item.
    Item(AppId),
    /// Rows of one type of binary.
    Type(BinaryType),
    /// Rows of a device.
    Device(&'a str),
}

/// The partition of a copy of the log.
pub fn log(tenant_id: TenantId, of: LogOf<'_>) -> String {
    match of {
        LogOf::All => format!("{tenant_id}#LOG"),
        LogOf::User(user) => format!("{tenant_id}#LOG#u#{}", bounded(&user.to_lowercase())),
        LogOf::Item(app) => format!("{tenant_id}#LOG#i#{}", app.sort_key()),
        LogOf::Type(kind) => format!("{tenant_id}#LOG#t#{kind}"),
        LogOf::Device(device) => format!("{tenant_id}#LOG#d#{}", bounded(device)),
    }
}

/// A row of a copy of the log; sort keys are in order of time.
pub fn log_row(tenant_id: TenantId, of: LogOf<'_>, at: Timestamp, guid: &Guid) -> Key {
    key(log(tenant_id, of), format!("{}#{guid}", time(at)))
}

/// The sort key of a copy of the log before which nothing is of `at` or later.
pub fn log_from(at: Timestamp) -> String {
    time(at)
}

/// The claim of a number under which the Apperian API knows an app; see
/// [`App::psk`](crate::model::apps::app::App::psk).
pub fn numeric_id(tenant_id: TenantId, numeric_id: u32) -> Key {
    key(format!("{tenant_id}#PSK#{numeric_id:010}"), SELF)
}

/// Work on a package that was asked for and has not ended.
pub fn job(tenant_id: TenantId, job: &Guid) -> Key {
    key(format!("{tenant_id}#JOB#{job}"), SELF)
}

/// Reads the key of a [`job`] back.
pub fn parse_job(key: &Key) -> Option<(TenantId, Guid)> {
    let (tenant_id, job) = key.pk.split_once("#JOB#")?;
    (key.sk == SELF).then_some((tenant_id.parse().ok()?, job.parse().ok()?))
}

/// The document of the policies of an app's binary, as it is published.
pub fn policy_document(tenant_id: TenantId, binary: AppId) -> Key {
    key(
        app_parts(tenant_id, binary),
        format!(
            "POLICYDOC#{}",
            binary.kind().map_or(0, |kind| kind as u8 + 1)
        ),
    )
}

/// The key pair that signs a tenant's policy documents.
pub fn document_key(tenant_id: TenantId) -> Key {
    key(format!("{tenant_id}#DOCUMENTKEY"), SELF)
}

/// All signing credentials, as lists show them.
pub fn signing_credentials(tenant_id: TenantId) -> String {
    format!("{tenant_id}#SIGNING")
}

/// A signing credential.
pub fn signing_credential(tenant_id: TenantId, credential: &Guid) -> Key {
    key(signing_credentials(tenant_id), credential.as_str())
}

/// What a signing credential signs with, sealed.
pub fn signing_secret(tenant_id: TenantId, credential: &Guid) -> Key {
    key(format!("{tenant_id}#SIGNINGSECRET#{credential}"), SELF)
}

/// The provisioning profile of a signing credential for iOS: an item of its own, since it may be
/// large.
pub fn signing_profile(tenant_id: TenantId, credential: &Guid) -> Key {
    key(signing_secret(tenant_id, credential).pk, "PROFILE")
}

/// All preset options of policies.
pub fn presets(tenant_id: TenantId) -> String {
    format!("{tenant_id}#PRESETS")
}

/// Preset options of a policy.
pub fn preset(tenant_id: TenantId, preset: AppId) -> Key {
    key(presets(tenant_id), preset.sort_key())
}

/// How many preset options of a policy there are.
pub fn preset_count(tenant_id: TenantId, policy_id: &str) -> Key {
    key(format!("{tenant_id}#PRESETCOUNT#{policy_id}"), SELF)
}

/// What the Apperian API says of all apps beyond their app records.
pub fn app_texts(tenant_id: TenantId) -> String {
    format!("{tenant_id}#TEXTS")
}

/// What the Apperian API says of an app beyond its app record.
pub fn app_text(tenant_id: TenantId, app: AppId) -> Key {
    key(app_texts(tenant_id), app.sort_key())
}

/// A publication by the older calls of the Apperian API that was begun.
pub fn publishing(tenant_id: TenantId, transaction: &Guid) -> Key {
    key(format!("{tenant_id}#PUBLISHING#{transaction}"), SELF)
}

/// The list of applications that PingID's policies name.
pub fn ping_applications(tenant_id: TenantId) -> String {
    format!("{tenant_id}#PINGAPPS")
}

/// An application of that list. Its id counts as it is written.
pub fn ping_application(tenant_id: TenantId, id: &str) -> Key {
    key(ping_applications(tenant_id), format!("ID#{id}"))
}

/// A tenant's PingID settings.
pub fn ping_settings(tenant_id: TenantId) -> Key {
    key(format!("{tenant_id}#PINGID"), SELF)
}

/// An upload.
pub fn upload(tenant_id: TenantId, upload: &Guid) -> Key {
    key(format!("{tenant_id}#UP#{upload}"), SELF)
}

/// The reference count of a stored object.
pub fn object(tenant_id: TenantId, sha256: &str) -> Key {
    key(format!("{tenant_id}#OBJ#{sha256}"), SELF)
}

/// The last run of a background task.
pub fn task_run(task: &str) -> Key {
    key(format!("RUN#{task}"), SELF)
}

/// The number of shards of pending work.
pub const SHARDS: u8 = 8;

/// A shard of the work that housekeeping has to look at, in the order of its time.
pub fn tasks(shard: u8) -> String {
    format!("CHORES#{shard}")
}

/// A piece of work for housekeeping, due at `due`. The same subject always goes to the same shard.
pub fn task(due: Timestamp, subject: &str) -> Key {
    let digest = Sha256::digest(subject.as_bytes());
    key(
        tasks(digest[0] % SHARDS),
        format!(
            "{}#{subject}#{}",
            time(due),
            base32().encode(&random_bytes::<5>())
        ),
    )
}

/// The sort key of [`tasks`] before which everything is due at `now`.
pub fn tasks_due(now: Timestamp) -> String {
    time(now)
}

/// The events of an app in an environment, or those of it in every environment, in the order of
/// time.
pub fn events(tenant_id: TenantId, app: AppId, env: Option<&Environment>) -> String {
    format!(
        "{tenant_id}#EV#{}#{}",
        app.item().sort_key(),
        env.map_or("*", Environment::as_str)
    )
}

/// An event.
pub fn event(
    tenant_id: TenantId,
    app: AppId,
    env: Option<&Environment>,
    at: Timestamp,
    guid: &Guid,
) -> Key {
    key(events(tenant_id, app, env), format!("{}#{guid}", time(at)))
}

/// That an event was told of, whoever tells of it twice.
pub fn recorded_event(tenant_id: TenantId, guid: &Guid) -> Key {
    key(format!("{tenant_id}#TOLD#{guid}"), SELF)
}

/// A shard of the events that were not held against the alerts yet: those of one tenant together,
/// in the order of time.
pub fn pending_events(shard: u8) -> String {
    format!("PENDING#{shard}")
}

/// Events that were not held against the alerts yet.
pub fn pending_event(at: Timestamp, tenant_id: TenantId, guid: &Guid) -> Key {
    key(
        pending_events(shard(guid)),
        format!("{}{}#{guid}", pending_prefix(tenant_id), time(at)),
    )
}

/// The beginning of the sort keys of a tenant's [`pending_event`]s.
pub fn pending_prefix(tenant_id: TenantId) -> String {
    format!("{tenant_id}#")
}

/// What sorts behind every [`pending_event`] of a tenant.
pub fn behind_pending(tenant_id: TenantId) -> String {
    format!("{tenant_id}#~")
}

/// The alerts of an app, or those of every app of the tenant.
pub fn alerts(tenant_id: TenantId, app: Option<AppId>) -> String {
    format!(
        "{tenant_id}#ALERTS#{}",
        app.map_or_else(|| "*".to_owned(), |app| app.item().sort_key())
    )
}

/// An alert.
pub fn alert(tenant_id: TenantId, app: Option<AppId>, alert: &Guid) -> Key {
    key(alerts(tenant_id, app), alert.as_str())
}

/// Where the alert of a guid is.
pub fn alert_place(tenant_id: TenantId, alert: &Guid) -> Key {
    key(format!("{tenant_id}#ALERT#{alert}"), SELF)
}

/// How many alerts an app has, or the tenant for all of its apps.
pub fn alert_count(tenant_id: TenantId, app: Option<AppId>) -> Key {
    key(
        format!(
            "{tenant_id}#ALERTCOUNT#{}",
            app.map_or_else(|| "*".to_owned(), |app| app.item().sort_key())
        ),
        SELF,
    )
}

/// The notifications of an app in an environment, in the order of time.
pub fn notifications(tenant_id: TenantId, app: AppId, env: &Environment) -> String {
    format!("{tenant_id}#NOTIFICATIONS#{}#{env}", app.item().sort_key())
}

/// A notification.
pub fn notification(
    tenant_id: TenantId,
    app: AppId,
    env: &Environment,
    created: Timestamp,
    guid: &Guid,
) -> Key {
    key(
        notifications(tenant_id, app, env),
        format!("{}#{guid}", time(created)),
    )
}

/// A shard of the mails that are to be sent, in the order of their time.
pub fn due_mails(shard: u8) -> String {
    format!("MAILS#{shard}")
}

/// A mail that is to be sent from `due` on.
pub fn due_mail(due: Timestamp, notification: &Guid) -> Key {
    key(
        due_mails(shard(notification)),
        format!("{}#{notification}", time(due)),
    )
}

/// The endpoint security of an app in an environment.
pub fn endpoint_security(tenant_id: TenantId, app: AppId, env: &Environment) -> Key {
    key(app_parts(tenant_id, app), format!("ENDPOINTS#{env}"))
}

/// The log of changes of an app's endpoint security in an environment, in the order of time.
pub fn endpoint_log(tenant_id: TenantId, app: AppId, env: &Environment) -> String {
    format!("{tenant_id}#ENDPOINTLOG#{}#{env}", app.item().sort_key())
}

/// A change of an app's endpoint security in an environment.
pub fn endpoint_log_row(
    tenant_id: TenantId,
    app: AppId,
    env: &Environment,
    at: Timestamp,
    guid: &Guid,
) -> Key {
    key(
        endpoint_log(tenant_id, app, env),
        format!("{}#{guid}", time(at)),
    )
}

/// The tenants with alerts about download spikes.
pub fn spike_tenants() -> String {
    "SPIKES".to_owned()
}

/// How many alerts about download spikes a tenant has.
pub fn spike_tenant(tenant_id: TenantId) -> Key {
    key(spike_tenants(), tenant_id.to_string())
}

/// The alerts of a tenant about download spikes.
pub fn spike_alerts(tenant_id: TenantId) -> String {
    format!("{tenant_id}#SPIKEALERTS")
}

/// An alert about download spikes.
pub fn spike_alert(tenant_id: TenantId, alert: &Guid) -> Key {
    key(spike_alerts(tenant_id), alert.as_str())
}

/// That a download spike of an app was told of.
pub fn recorded_spike(tenant_id: TenantId, app: AppId) -> Key {
    key(app_parts(tenant_id, app), "SPIKE")
}

/// The shard of a guid.
fn shard(guid: &Guid) -> u8 {
    Sha256::digest(guid.as_str().as_bytes())[0] % SHARDS
}

/// The sort key of a shard before which everything is due at `now`.
pub fn due_until(now: Timestamp) -> String {
    time(now)
}

/// 13 digits: text order is the order of time until the year 2286.
fn time(at: Timestamp) -> String {
    format!("{:013}", at.0.max(0))
}

/// A text from outside as part of a key: itself up to 200 bytes, else its hash, so that no key
/// passes DynamoDB's 2,048.
fn bounded(text: &str) -> String {
    if text.len() <= 200 {
        text.to_owned()
    } else {
        format!(
            "sha256:{}",
            data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
        )
    }
}

/// Where uploads arrive in the bucket.
pub const INCOMING: &str = "incoming/";

/// The object of an upload that was not read yet.
pub fn incoming_object(tenant_id: TenantId, upload: &Guid) -> String {
    format!("{INCOMING}{tenant_id}/{upload}")
}

/// Reads an [`incoming_object`] back.
pub fn parse_incoming_object(name: &str) -> Option<(TenantId, Guid)> {
    let (tenant_id, upload) = name.strip_prefix(INCOMING)?.split_once('/')?;
    Some((tenant_id.parse().ok()?, upload.parse().ok()?))
}

/// Where pictures and documents are kept in the bucket.
pub const STATIC: &str = "static/";

/// A verified picture or document, by its content.
pub fn static_object(tenant_id: TenantId, sha256: &str) -> String {
    format!("{STATIC}{tenant_id}/{sha256}")
}

/// A verified binary, by its content.
pub fn binary_object(tenant_id: TenantId, sha256: &str) -> String {
    format!("binaries/{tenant_id}/{sha256}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id;

    #[test]
    fn texts_from_outside_cannot_make_a_key_too_long_or_meet_another() {
        let tenant_id = id::TenantId::of_name("dev");
        let long = "x".repeat(100_000);
        assert!(sign_in(tenant_id, &long).pk.len() < 300);
        assert_ne!(
            sign_in(tenant_id, &long),
            sign_in(tenant_id, &"x".repeat(100_001))
        );
        assert_eq!(
            sign_in(tenant_id, "Admin@Example.com"),
            sign_in(tenant_id, "admin@example.com")
        );
    }

    #[test]
    fn the_key_of_a_job_is_read_back() {
        let (tenant_id, guid) = (id::TenantId::of_name("dev"), id::Guid::random());
        assert_eq!(
            parse_job(&job(tenant_id, &guid)),
            Some((tenant_id, guid.clone()))
        );
        for other in [
            upload(tenant_id, &guid),
            key(job(tenant_id, &guid).pk, "x"),
            key("#JOB#".to_owned(), SELF),
            key(format!("{tenant_id}#JOB#x"), SELF),
        ] {
            assert_eq!(parse_job(&other), None);
        }
    }

    #[test]
    fn an_incoming_object_is_read_back() {
        let (tenant_id, upload) = (id::TenantId::of_name("dev"), id::Guid::random());
        assert_eq!(
            parse_incoming_object(&incoming_object(tenant_id, &upload)),
            Some((tenant_id, upload))
        );
        for name in [
            "incoming/",
            "incoming/x/y",
            "binaries/00000000/aaaaaaaaaaaaaaaaaaaaaaaa",
            "incoming/00000000/../../x",
        ] {
            assert_eq!(parse_incoming_object(name), None);
        }
    }
}
