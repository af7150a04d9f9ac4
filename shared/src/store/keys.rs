//! Every key of the table and every name in the bucket is built here.
//!
//! A partition key begins with the tenant's handle. The exceptions are the register of tenants, the
//! names that lead to one, and the shards of pending work.

use sha2::{Digest, Sha256};

use crate::base::clock::Timestamp;
use crate::base::environment::Environment;
use crate::base::id::{AppId, BinaryType, Guid, Handle, TeamId, base32, random_bytes};
use crate::base::kind::Listing;
use crate::base::secret::SecretHash;
use crate::store::Key;

/// The sort key of an item that is alone in its partition or stands for it.
const SELF: &str = "-";

fn key(pk: String, sk: impl Into<String>) -> Key {
    Key { pk, sk: sk.into() }
}

/// The register of tenants: one item each.
pub fn tenant(handle: Handle) -> Key {
    key(tenants(), handle.to_string())
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
pub fn credential(handle: Handle, hash: &SecretHash) -> Key {
    key(format!("{handle}#C#{hash}"), SELF)
}

/// A signed message that was taken, by the SHA-256 of its text.
pub fn message(handle: Handle, sha256: &str) -> Key {
    key(format!("{handle}#MESSAGE#{sha256}"), SELF)
}

/// All users: each one's record, and beside it when he signed in last.
pub fn users(handle: Handle) -> String {
    format!("{handle}#USERS")
}

/// A user.
pub fn user(handle: Handle, user: &Guid) -> Key {
    key(users(handle), user.as_str())
}

/// When a user signed in last: an item of its own, since it changes without the user being changed.
pub fn last_login(handle: Handle, user: &Guid) -> Key {
    key(users(handle), format!("{user}#LOGIN"))
}

/// A person whom a provider admitted and who is no user of the platform.
pub fn identity(handle: Handle, identity: &Guid) -> Key {
    key(format!("{handle}#IDENTITIES"), identity.as_str())
}

/// What belongs to a user: his API keys as `KEY#…`, the devices that he signed in on as `DEV#…`,
/// the store items that he installed as `ITEM#…`, and how many apps he owns.
pub fn user_keys(handle: Handle, user: &Guid) -> String {
    format!("{handle}#U#{user}")
}

/// The beginning of the sort keys of [`user_device`].
pub const DEVICE_PREFIX: &str = "DEV#";

/// That a user signed in on a device.
pub fn user_device(handle: Handle, user: &Guid, device: &Guid) -> Key {
    key(user_keys(handle, user), format!("{DEVICE_PREFIX}{device}"))
}

/// The beginning of the sort keys of [`user_item`].
pub const ITEM_PREFIX: &str = "ITEM#";

/// That a user installed a store item.
pub fn user_item(handle: Handle, user: &Guid, app: AppId) -> Key {
    key(
        user_keys(handle, user),
        format!("{ITEM_PREFIX}{}", app.item().sort_key()),
    )
}

/// How many apps a user owns.
pub fn owned_apps(handle: Handle, user: &Guid) -> Key {
    key(user_keys(handle, user), "OWNED")
}

/// The users who have a mail address; case does not count.
pub fn email_users(handle: Handle, email: &str) -> String {
    format!("{handle}#EMAIL#{}", bounded(&email.to_lowercase()))
}

/// That a user has a mail address.
pub fn email(handle: Handle, email: &str, user: &Guid) -> Key {
    key(email_users(handle, email), user.as_str())
}

/// The administrators who hold every right: the last one must stay.
pub fn administrators(handle: Handle) -> Key {
    key(format!("{handle}#ADMINS"), SELF)
}

/// What the tenant's own teams may do; read with every credential.
pub fn access(handle: Handle) -> Key {
    key(format!("{handle}#ACCESS"), SELF)
}

/// All teams, each followed by its members.
pub fn teams(handle: Handle) -> String {
    format!("{handle}#TEAMS")
}

/// A team.
pub fn team(handle: Handle, team: &TeamId) -> Key {
    key(teams(handle), team.as_str())
}

/// What stands between the id of a team or policy and that of a user on it, in sort keys.
pub const MEMBER: &str = "#U#";

/// That a user is in a team.
pub fn team_user(handle: Handle, team: &TeamId, user: &Guid) -> Key {
    key(teams(handle), format!("{team}{MEMBER}{user}"))
}

/// The log of an import of users.
pub fn import(handle: Handle, import: &Guid) -> Key {
    key(format!("{handle}#IMPORT#{import}"), SELF)
}

/// A sign-in that waits for the browser's return from the provider.
pub fn pending_sign_in(handle: Handle, state: &SecretHash) -> Key {
    key(format!("{handle}#PENDING#{state}"), SELF)
}

/// The listing copy of a user's API key.
pub fn user_key(handle: Handle, user: &Guid, created: Timestamp, hash: &SecretHash) -> Key {
    key(user_keys(handle, user), key_sort(created, hash))
}

/// The partition of an app's API keys: the pointer to the live one, then all as `KEY#…`.
pub fn app_keys(handle: Handle, app: AppId) -> String {
    format!("{handle}#AK#{}", app.sort_key())
}

/// The pointer to an app's one live API key.
pub fn app_key_pointer(handle: Handle, app: AppId) -> Key {
    key(app_keys(handle, app), SELF)
}

/// The listing copy of an app's API key.
pub fn app_key(handle: Handle, app: AppId, created: Timestamp, hash: &SecretHash) -> Key {
    key(app_keys(handle, app), key_sort(created, hash))
}

/// The beginning of the sort keys of API keys.
pub const KEY_PREFIX: &str = "KEY#";

fn key_sort(created: Timestamp, hash: &SecretHash) -> String {
    format!("{KEY_PREFIX}{}#{hash}", time(created))
}

/// The claim of a name or address to sign in with; case does not count.
pub fn sign_in(handle: Handle, name: &str) -> Key {
    key(
        format!("{handle}#NAME#{}", bounded(&name.to_lowercase())),
        SELF,
    )
}

/// How often something that is throttled was tried by an account or from an address, in one window
/// of time.
pub fn tries(handle: Handle, of: &str, window: i64) -> Key {
    key(
        format!("{handle}#TRIES#{window}#{}", bounded(&of.to_lowercase())),
        SELF,
    )
}

/// All devices of apps' users.
pub fn devices(handle: Handle) -> String {
    format!("{handle}#DEVICES")
}

/// A device of an app's user.
pub fn device(handle: Handle, device: &Guid) -> Key {
    key(devices(handle), device.as_str())
}

/// The partition of a device's users and apps.
pub fn device_links(handle: Handle, device: &Guid) -> String {
    format!("{handle}#DEV#{device}")
}

/// The beginning of the sort keys of [`device_user`].
pub const USER_PREFIX: &str = "U#";

/// That a user signed in on a device.
pub fn device_user(handle: Handle, device: &Guid, user: &Guid) -> Key {
    key(device_links(handle, device), format!("{USER_PREFIX}{user}"))
}

/// The beginning of the sort keys of [`device_app`].
pub const APP_PREFIX: &str = "A#";

/// That an app signed somebody in on a device; the app as its client named it.
pub fn device_app(handle: Handle, device: &Guid, client_token: &str) -> Key {
    key(
        device_links(handle, device),
        format!("{APP_PREFIX}{}", bounded(client_token)),
    )
}

/// The cards of all apps.
pub fn app_cards(handle: Handle) -> String {
    format!("{handle}#APPS")
}

/// An app's card: what lists show.
pub fn app_card(handle: Handle, app: AppId) -> Key {
    key(app_cards(handle), app.sort_key())
}

/// The icons of all apps.
pub fn icons(handle: Handle) -> String {
    format!("{handle}#ICONS")
}

/// An app's icon.
pub fn icon(handle: Handle, app: AppId) -> Key {
    key(icons(handle), app.sort_key())
}

/// What belongs to one app beside its card: its binaries, its history, what its publishers say of
/// it.
pub fn app_parts(handle: Handle, app: AppId) -> String {
    format!("{handle}#A#{}", app.sort_key())
}

/// The beginning of the sort keys of [`history`].
pub const HISTORY_PREFIX: &str = "HIST#";

/// The steps that an app took in the change that gave its card that revision.
pub fn history(handle: Handle, app: AppId, rev: u64) -> Key {
    key(app_parts(handle, app), format!("{HISTORY_PREFIX}{rev:010}"))
}

/// What an app's publishers say of it beyond its card.
pub fn publication(handle: Handle, app: AppId) -> Key {
    key(app_parts(handle, app), "PUB")
}

/// The beginning of the sort keys of [`subscription`].
pub const SUBSCRIPTION_PREFIX: &str = "SUB#";

/// That a user subscribed to an app or installed it.
pub fn subscription(handle: Handle, app: AppId, user: &Guid) -> Key {
    key(
        app_parts(handle, app),
        format!("{SUBSCRIPTION_PREFIX}{user}"),
    )
}

/// The beginning of the sort keys of [`document`].
pub const DOCUMENT_PREFIX: &str = "DOC#";

/// A document of an app.
pub fn document(handle: Handle, app: AppId, document: AppId) -> Key {
    key(
        app_parts(handle, app),
        format!("{DOCUMENT_PREFIX}{}", document.sort_key()),
    )
}

/// The text of a document that is kept in the table: an item of its own, since lists do not show
/// it.
pub fn document_text(handle: Handle, app: AppId, document: AppId) -> Key {
    key(
        app_parts(handle, app),
        format!("DOCTEXT#{}", document.sort_key()),
    )
}

/// The claim of a document's name within its app; case does not count.
pub fn document_name(handle: Handle, app: AppId, name: &str) -> Key {
    key(
        app_parts(handle, app),
        format!("DOCNAME#{}", bounded(&name.to_lowercase())),
    )
}

/// How many documents an app has.
pub fn document_count(handle: Handle, app: AppId) -> Key {
    key(app_parts(handle, app), "DOCS")
}

/// The claim of an app's provider, name and version, joined by hyphens: what the publisher API may
/// name it by.
pub fn version_claim(handle: Handle, listing: Listing, joined: &str) -> Key {
    key(
        format!("{handle}#PNV#{}#{}", listing.as_str(), bounded(joined)),
        SELF,
    )
}

/// The claim of an app's name in a list of the publisher API; case does not count.
pub fn app_name(handle: Handle, listing: Listing, name: &str) -> Key {
    key(
        format!(
            "{handle}#APPNAME#{}#{}",
            listing.as_str(),
            bounded(&name.to_lowercase())
        ),
        SELF,
    )
}

/// The claim of a web app's context; case does not count.
pub fn context(handle: Handle, context: &str) -> Key {
    key(
        format!("{handle}#CTX#{}", bounded(&context.to_lowercase())),
        SELF,
    )
}

/// All policy partials.
pub fn partials(handle: Handle) -> String {
    format!("{handle}#PARTIALS")
}

/// A policy partial.
pub fn partial(handle: Handle, partial: u32) -> Key {
    key(partials(handle), format!("{partial:010}"))
}

/// The shared policy partials, in the order of their creation: what lists show of them.
pub fn shared_partials(handle: Handle) -> String {
    format!("{handle}#PARTIALROWS")
}

/// What lists show of a shared policy partial.
pub fn shared_partial(handle: Handle, created: Timestamp, partial: u32) -> Key {
    key(
        shared_partials(handle),
        format!("{}#{partial:010}", time(created)),
    )
}

/// The apps that a policy partial is mapped to.
pub fn partial_apps(handle: Handle, partial: u32) -> String {
    format!("{handle}#PARTIAL#{partial:010}")
}

/// That a policy partial is mapped to an app.
pub fn partial_app(handle: Handle, partial: u32, app: AppId) -> Key {
    key(partial_apps(handle, partial), app.sort_key())
}

/// All business owners.
pub fn business_owners(handle: Handle) -> String {
    format!("{handle}#OWNERS")
}

/// A business owner.
pub fn business_owner(handle: Handle, owner: u32) -> Key {
    key(business_owners(handle), format!("{owner:010}"))
}

/// The claim of a business owner's name and mail address together.
pub fn business_owner_name(handle: Handle, name: &str, email: &str) -> Key {
    key(
        format!(
            "{handle}#OWNERNAME#{}",
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
pub fn rows(handle: Handle, listing: Listing) -> String {
    format!("{handle}#ROWS#{}", listing.as_str())
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
pub fn row(handle: Handle, listing: Listing, sort: &str) -> Key {
    key(rows(handle, listing), sort)
}

/// The counts of the buckets: of all apps as `ALL#…`, of the rows of each list under its name.
pub fn directory(handle: Handle) -> String {
    format!("{handle}#DIR")
}

/// The beginning of the sort keys of [`bucket`].
pub const BUCKETS_PREFIX: &str = "ALL#";

/// How many apps were ever put into a bucket.
pub fn bucket(handle: Handle, number: u32) -> Key {
    key(directory(handle), format!("{BUCKETS_PREFIX}{number:08}"))
}

/// The beginning of the sort keys of [`directory_entry`].
pub fn directory_prefix(listing: Listing) -> String {
    format!("{}#", listing.as_str())
}

/// How many rows of a list are in a bucket.
pub fn directory_entry(handle: Handle, listing: Listing, bucket: u32) -> Key {
    key(
        directory(handle),
        format!("{}{bucket:08}", directory_prefix(listing)),
    )
}

/// A file that was uploaded on its own: a package, a picture, a document. Its name is its key.
pub fn file(handle: Handle, name: &str) -> Key {
    key(format!("{handle}#FILE#{}", bounded(name)), SELF)
}

/// How many uses a file has: an item of its own, so that a use is counted while the file is
/// changed.
pub fn file_uses(handle: Handle, name: &str) -> Key {
    key(file(handle, name).pk, "USES")
}

/// A client of the publisher API.
pub fn client(handle: Handle, client: &Guid) -> Key {
    key(format!("{handle}#CLIENT#{client}"), SELF)
}

/// The versions of an app's binary of one type, with what was read from them.
pub fn binary(handle: Handle, app: AppId, kind: BinaryType) -> Key {
    key(app_parts(handle, app), format!("BIN#{kind}"))
}

/// The guid of a kept version, which leads to its app (003 2.6.4 `downloadvers?guid=`).
pub fn version(handle: Handle, version: &Guid) -> Key {
    key(format!("{handle}#VER#{version}"), SELF)
}

/// The partition of the store front: itself, its icon, and the items on its shelf.
pub fn store_front(handle: Handle) -> String {
    format!("{handle}#STORE")
}

/// The store front.
pub fn store(handle: Handle) -> Key {
    key(store_front(handle), SELF)
}

/// The store front's icon.
pub fn store_icon(handle: Handle) -> Key {
    key(store_front(handle), "ICON")
}

/// That an item is in the store.
pub fn shelf(handle: Handle, app: AppId) -> Key {
    key(
        store_front(handle),
        format!("{SHELF_PREFIX}{}", app.sort_key()),
    )
}

/// The beginning of the sort keys of [`shelf`].
pub const SHELF_PREFIX: &str = "IN#";

/// All auth policies.
pub fn policies(handle: Handle) -> String {
    format!("{handle}#POLICIES")
}

/// An auth policy.
pub fn policy(handle: Handle, policy: &Guid) -> Key {
    key(policies(handle), policy.as_str())
}

/// The users who are listed on policies, those of one policy together. Not beside the policies:
/// these are read by everybody who looks at the store.
pub fn policy_users(handle: Handle) -> String {
    format!("{handle}#POLICYUSERS")
}

/// That a user is listed on a policy.
pub fn policy_user(handle: Handle, policy: &Guid, user: &Guid) -> Key {
    key(policy_users(handle), format!("{policy}{MEMBER}{user}"))
}

/// The claim of a policy's id.
pub fn policy_id(handle: Handle, policy_id: &str) -> Key {
    key(format!("{handle}#POLICYID#{}", bounded(policy_id)), SELF)
}

/// All groups of store items and users.
pub fn groups(handle: Handle) -> String {
    format!("{handle}#GROUPS")
}

/// A group.
pub fn group(handle: Handle, group: &Guid) -> Key {
    key(groups(handle), group.as_str())
}

/// The claim of a group's name.
pub fn group_name(handle: Handle, name: &str) -> Key {
    key(
        format!("{handle}#GROUPNAME#{}", bounded(&name.to_lowercase())),
        SELF,
    )
}

/// The partition of a group's members.
pub fn group_members(handle: Handle, group: &Guid) -> String {
    format!("{handle}#G#{group}")
}

/// That a user is in a group.
pub fn group_user(handle: Handle, group: &Guid, user: &Guid) -> Key {
    key(group_members(handle, group), format!("U#{user}"))
}

/// That an item is in a group.
pub fn group_item(handle: Handle, group: &Guid, app: AppId) -> Key {
    key(
        group_members(handle, group),
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
pub fn log(handle: Handle, of: LogOf<'_>) -> String {
    match of {
        LogOf::All => format!("{handle}#LOG"),
        LogOf::User(user) => format!("{handle}#LOG#u#{}", bounded(&user.to_lowercase())),
        LogOf::Item(app) => format!("{handle}#LOG#i#{}", app.sort_key()),
        LogOf::Type(kind) => format!("{handle}#LOG#t#{kind}"),
        LogOf::Device(device) => format!("{handle}#LOG#d#{}", bounded(device)),
    }
}

/// A row of a copy of the log; sort keys are in order of time.
pub fn log_row(handle: Handle, of: LogOf<'_>, at: Timestamp, guid: &Guid) -> Key {
    key(log(handle, of), format!("{}#{guid}", time(at)))
}

/// The sort key of a copy of the log before which nothing is of `at` or later.
pub fn log_from(at: Timestamp) -> String {
    time(at)
}

/// The claim of a number under which the Apperian API knows an app; see
/// [`AppCard::psk`](crate::model::apps::app::AppCard::psk).
pub fn psk(handle: Handle, psk: u32) -> Key {
    key(format!("{handle}#PSK#{psk:010}"), SELF)
}

/// Work on a package that was asked for and has not ended.
pub fn job(handle: Handle, job: &Guid) -> Key {
    key(format!("{handle}#JOB#{job}"), SELF)
}

/// Reads the key of a [`job`] back.
pub fn parse_job(key: &Key) -> Option<(Handle, Guid)> {
    let (handle, job) = key.pk.split_once("#JOB#")?;
    (key.sk == SELF).then_some((handle.parse().ok()?, job.parse().ok()?))
}

/// The document of the policies of an app's binary, as it is published.
pub fn policy_document(handle: Handle, binary: AppId) -> Key {
    key(
        app_parts(handle, binary),
        format!(
            "POLICYDOC#{}",
            binary.kind().map_or(0, |kind| kind as u8 + 1)
        ),
    )
}

/// The key pair that signs a tenant's policy documents.
pub fn document_key(handle: Handle) -> Key {
    key(format!("{handle}#DOCUMENTKEY"), SELF)
}

/// All signing credentials, as lists show them.
pub fn signing_credentials(handle: Handle) -> String {
    format!("{handle}#SIGNING")
}

/// A signing credential.
pub fn signing_credential(handle: Handle, credential: &Guid) -> Key {
    key(signing_credentials(handle), credential.as_str())
}

/// What a signing credential signs with, sealed.
pub fn signing_secret(handle: Handle, credential: &Guid) -> Key {
    key(format!("{handle}#SIGNINGSECRET#{credential}"), SELF)
}

/// The provisioning profile of a signing credential for iOS: an item of its own, since it may be
/// large.
pub fn signing_profile(handle: Handle, credential: &Guid) -> Key {
    key(signing_secret(handle, credential).pk, "PROFILE")
}

/// All preset options of policies.
pub fn presets(handle: Handle) -> String {
    format!("{handle}#PRESETS")
}

/// Preset options of a policy.
pub fn preset(handle: Handle, preset: AppId) -> Key {
    key(presets(handle), preset.sort_key())
}

/// How many preset options of a policy there are.
pub fn preset_count(handle: Handle, policy_id: &str) -> Key {
    key(format!("{handle}#PRESETCOUNT#{policy_id}"), SELF)
}

/// What the Apperian API says of all apps beyond their cards.
pub fn app_texts(handle: Handle) -> String {
    format!("{handle}#TEXTS")
}

/// What the Apperian API says of an app beyond its card.
pub fn app_text(handle: Handle, app: AppId) -> Key {
    key(app_texts(handle), app.sort_key())
}

/// A publication by the older calls of the Apperian API that was begun.
pub fn publishing(handle: Handle, transaction: &Guid) -> Key {
    key(format!("{handle}#PUBLISHING#{transaction}"), SELF)
}

/// The list of applications that PingID's policies name.
pub fn ping_applications(handle: Handle) -> String {
    format!("{handle}#PINGAPPS")
}

/// An application of that list. Its id counts as it is written.
pub fn ping_application(handle: Handle, id: &str) -> Key {
    key(ping_applications(handle), format!("ID#{id}"))
}

/// A tenant's PingID settings.
pub fn ping_settings(handle: Handle) -> Key {
    key(format!("{handle}#PINGID"), SELF)
}

/// An upload.
pub fn upload(handle: Handle, upload: &Guid) -> Key {
    key(format!("{handle}#UP#{upload}"), SELF)
}

/// The reference count of a stored object.
pub fn object(handle: Handle, sha256: &str) -> Key {
    key(format!("{handle}#OBJ#{sha256}"), SELF)
}

/// The number of shards of pending work.
pub const SHARDS: u8 = 8;

/// A shard of the work that housekeeping has to look at, in the order of its time.
pub fn chores(shard: u8) -> String {
    format!("CHORES#{shard}")
}

/// A piece of work for housekeeping, due at `due`. The same subject always goes to the same shard.
pub fn chore(due: Timestamp, subject: &str) -> Key {
    let digest = Sha256::digest(subject.as_bytes());
    key(
        chores(digest[0] % SHARDS),
        format!(
            "{}#{subject}#{}",
            time(due),
            base32().encode(&random_bytes::<5>())
        ),
    )
}

/// The sort key of [`chores`] before which everything is due at `now`.
pub fn chores_due(now: Timestamp) -> String {
    time(now)
}

/// The events of an app in an environment, or those of it in every environment, in the order of
/// time.
pub fn events(handle: Handle, app: AppId, env: Option<&Environment>) -> String {
    format!(
        "{handle}#EV#{}#{}",
        app.item().sort_key(),
        env.map_or("*", Environment::as_str)
    )
}

/// An event.
pub fn event(
    handle: Handle,
    app: AppId,
    env: Option<&Environment>,
    at: Timestamp,
    guid: &Guid,
) -> Key {
    key(events(handle, app, env), format!("{}#{guid}", time(at)))
}

/// That an event was told of, whoever tells of it twice.
pub fn told_event(handle: Handle, guid: &Guid) -> Key {
    key(format!("{handle}#TOLD#{guid}"), SELF)
}

/// A shard of the events that were not held against the alerts yet: those of one tenant together,
/// in the order of time.
pub fn pending_events(shard: u8) -> String {
    format!("PENDING#{shard}")
}

/// Events that were not held against the alerts yet.
pub fn pending_event(at: Timestamp, handle: Handle, guid: &Guid) -> Key {
    key(
        pending_events(shard(guid)),
        format!("{}{}#{guid}", pending_prefix(handle), time(at)),
    )
}

/// The beginning of the sort keys of a tenant's [`pending_event`]s.
pub fn pending_prefix(handle: Handle) -> String {
    format!("{handle}#")
}

/// What sorts behind every [`pending_event`] of a tenant.
pub fn behind_pending(handle: Handle) -> String {
    format!("{handle}#~")
}

/// The alerts of an app, or those of every app of the tenant.
pub fn alerts(handle: Handle, app: Option<AppId>) -> String {
    format!(
        "{handle}#ALERTS#{}",
        app.map_or_else(|| "*".to_owned(), |app| app.item().sort_key())
    )
}

/// An alert.
pub fn alert(handle: Handle, app: Option<AppId>, alert: &Guid) -> Key {
    key(alerts(handle, app), alert.as_str())
}

/// Where the alert of a guid is.
pub fn alert_place(handle: Handle, alert: &Guid) -> Key {
    key(format!("{handle}#ALERT#{alert}"), SELF)
}

/// How many alerts an app has, or the tenant for all of its apps.
pub fn alert_count(handle: Handle, app: Option<AppId>) -> Key {
    key(
        format!(
            "{handle}#ALERTCOUNT#{}",
            app.map_or_else(|| "*".to_owned(), |app| app.item().sort_key())
        ),
        SELF,
    )
}

/// The notifications of an app in an environment, in the order of time.
pub fn notifications(handle: Handle, app: AppId, env: &Environment) -> String {
    format!("{handle}#NOTIFICATIONS#{}#{env}", app.item().sort_key())
}

/// A notification.
pub fn notification(
    handle: Handle,
    app: AppId,
    env: &Environment,
    created: Timestamp,
    guid: &Guid,
) -> Key {
    key(
        notifications(handle, app, env),
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
pub fn endpoint_security(handle: Handle, app: AppId, env: &Environment) -> Key {
    key(app_parts(handle, app), format!("ENDPOINTS#{env}"))
}

/// The log of changes of an app's endpoint security in an environment, in the order of time.
pub fn endpoint_log(handle: Handle, app: AppId, env: &Environment) -> String {
    format!("{handle}#ENDPOINTLOG#{}#{env}", app.item().sort_key())
}

/// A change of an app's endpoint security in an environment.
pub fn endpoint_log_row(
    handle: Handle,
    app: AppId,
    env: &Environment,
    at: Timestamp,
    guid: &Guid,
) -> Key {
    key(
        endpoint_log(handle, app, env),
        format!("{}#{guid}", time(at)),
    )
}

/// The tenants with alerts about download spikes.
pub fn spike_tenants() -> String {
    "SPIKES".to_owned()
}

/// How many alerts about download spikes a tenant has.
pub fn spike_tenant(handle: Handle) -> Key {
    key(spike_tenants(), handle.to_string())
}

/// The alerts of a tenant about download spikes.
pub fn spike_alerts(handle: Handle) -> String {
    format!("{handle}#SPIKEALERTS")
}

/// An alert about download spikes.
pub fn spike_alert(handle: Handle, alert: &Guid) -> Key {
    key(spike_alerts(handle), alert.as_str())
}

/// That a download spike of an app was told of.
pub fn told_spike(handle: Handle, app: AppId) -> Key {
    key(app_parts(handle, app), "SPIKE")
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
pub fn incoming_object(handle: Handle, upload: &Guid) -> String {
    format!("{INCOMING}{handle}/{upload}")
}

/// Reads an [`incoming_object`] back.
pub fn parse_incoming_object(name: &str) -> Option<(Handle, Guid)> {
    let (handle, upload) = name.strip_prefix(INCOMING)?.split_once('/')?;
    Some((handle.parse().ok()?, upload.parse().ok()?))
}

/// Where pictures and documents are kept in the bucket.
pub const STATIC: &str = "static/";

/// A verified picture or document, by its content.
pub fn static_object(handle: Handle, sha256: &str) -> String {
    format!("{STATIC}{handle}/{sha256}")
}

/// A verified binary, by its content.
pub fn binary_object(handle: Handle, sha256: &str) -> String {
    format!("binaries/{handle}/{sha256}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id;

    #[test]
    fn texts_from_outside_cannot_make_a_key_too_long_or_meet_another() {
        let handle = id::Handle::of_name("dev");
        let long = "x".repeat(100_000);
        assert!(sign_in(handle, &long).pk.len() < 300);
        assert_ne!(
            sign_in(handle, &long),
            sign_in(handle, &"x".repeat(100_001))
        );
        assert_eq!(
            sign_in(handle, "Admin@Example.com"),
            sign_in(handle, "admin@example.com")
        );
    }

    #[test]
    fn the_key_of_a_job_is_read_back() {
        let (handle, guid) = (id::Handle::of_name("dev"), id::Guid::random());
        assert_eq!(parse_job(&job(handle, &guid)), Some((handle, guid.clone())));
        for other in [
            upload(handle, &guid),
            key(job(handle, &guid).pk, "x"),
            key("#JOB#".to_owned(), SELF),
            key(format!("{handle}#JOB#x"), SELF),
        ] {
            assert_eq!(parse_job(&other), None);
        }
    }

    #[test]
    fn an_incoming_object_is_read_back() {
        let (handle, upload) = (id::Handle::of_name("dev"), id::Guid::random());
        assert_eq!(
            parse_incoming_object(&incoming_object(handle, &upload)),
            Some((handle, upload))
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
