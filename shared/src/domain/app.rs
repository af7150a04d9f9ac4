//! Apps: the card that lists show, the binaries with their kept versions, the icon, and who may see
//! what.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::access::{Means, Principal, Right};
use crate::change;
use crate::clock::Timestamp;
use crate::domain::alert;
use crate::domain::business_owner;
use crate::domain::catalogue::{self, AppKind};
use crate::domain::event::{self, Event};
use crate::domain::expiry;
use crate::domain::file;
use crate::domain::housekeeping::{self, Chore, count_object};
use crate::domain::life_cycle::{self, State};
use crate::domain::line;
use crate::domain::partial;
use crate::domain::publication::Publication;
use crate::domain::text::{Description, Label, Name};
use crate::domain::user::Owner;
use crate::domain::work::{Build, Work, WorkCard};
use crate::error::Error;
use crate::id::{AppId, BinaryType, Guid, Handle};
use crate::records::{self, Reader, Record, Stored};
use crate::store::{Condition, Key, Query, Write, keys};

/// How far apart the numbers of items are: the number of each type of binary fits between.
pub const PSK_STEP: u32 = 8;

/// That a number is an app's; see [`AppCard::psk`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Psk {
    /// The app.
    pub app: AppId,
}

impl Record for Psk {
    const KIND: &'static str = "psk";
}

/// Most groups of an item: deleting the item undoes all of them in one transaction.
pub const GROUPS_LIMIT: usize = 30;
/// Most auth policies of an item or of the store.
pub const POLICIES_LIMIT: usize = 50;
/// Old versions that are kept beside the live one (003 2.6.5.1).
pub const OLD_VERSIONS: usize = 4;

/// An app as lists show it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AppCard {
    /// Its id.
    pub id: AppId,
    /// Its name.
    pub name: Name,
    /// What it is.
    pub description: Description,
    /// The token by which the app tells itself to `$fh.auth`.
    pub auth_token: Label,
    /// Whether only users in one of its groups see it.
    pub restrict_to_groups: bool,
    /// Its groups.
    pub groups: Vec<Guid>,
    /// The policies by which its users must have signed in; empty means any.
    pub policies: Vec<Guid>,
    /// Where it stands in its life cycle; *Published* is in the store.
    pub state: State,
    /// What kind of app it is.
    pub kind: AppKind,
    /// The bucket of its rows in the catalogue.
    pub bucket: u32,
    /// The number under which the Apperian API knows it, a multiple of [`PSK_STEP`]: its binaries
    /// have the numbers after it.
    pub psk: u32,
    /// The name of who made it, as it was then: the publisher API's `provider`.
    pub provider: String,
    /// The name that it claimed in the publisher API; nothing for apps of other dialects.
    pub publisher_name: Option<Name>,
    /// The version that the publisher API gave it; empty for apps of other dialects.
    pub version: String,
    /// Where a gateway serves it, for web apps.
    pub context: Option<String>,
    /// Its business owner.
    pub business_owner: Option<u32>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its binaries, at most one of each type.
    pub binaries: Vec<BinaryCard>,
    /// Who made it: a user who owns apps cannot be deleted (003 10.4).
    pub owner: Guid,
    /// Since when.
    pub created: Timestamp,
    /// When it changed last.
    pub modified: Timestamp,
}

impl Record for AppCard {
    const KIND: &'static str = "app";
}

impl AppCard {
    /// A new card of that kind and name, in no state but the first, with nothing on it.
    pub fn new(owner: &Owner, id: AppId, kind: AppKind, name: Name, now: Timestamp) -> Self {
        Self {
            id,
            name,
            description: Description::default(),
            auth_token: Label::default(),
            restrict_to_groups: false,
            groups: Vec::new(),
            policies: Vec::new(),
            state: State::Created,
            kind,
            bucket: 0,
            psk: 0,
            provider: owner.username.clone(),
            publisher_name: None,
            version: String::new(),
            context: None,
            business_owner: None,
            tags: Vec::new(),
            binaries: Vec::new(),
            owner: owner.user.clone(),
            created: now,
            modified: now,
        }
    }

    /// Whether it is in the store.
    pub fn in_store(&self) -> bool {
        self.state == State::Published
    }

    /// The name by which the publisher API knows it.
    pub fn listed_name(&self) -> &str {
        self.publisher_name.as_ref().unwrap_or(&self.name).as_str()
    }

    /// Its version in the publisher API: the one that was given there, else what was read from the
    /// binary that the id names; empty where there is none.
    pub fn listed_version(&self, id: AppId) -> String {
        let binary = id
            .kind()
            .and_then(|kind| self.binary(kind))
            .or_else(|| self.binaries.first());
        let read = || {
            binary
                .and_then(BinaryCard::live_version)
                .map(|version| version.version_name.clone())
                .unwrap_or_default()
        };
        if self.version.is_empty() {
            read()
        } else {
            self.version.clone()
        }
    }

    /// The binary of that type.
    pub fn binary(&self, kind: BinaryType) -> Option<&BinaryCard> {
        self.binaries.iter().find(|binary| binary.kind == kind)
    }
}

/// A binary as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BinaryCard {
    /// Its type.
    pub kind: BinaryType,
    /// The number of the live version.
    pub live: u32,
    /// The identifier that was read: an Android package's id or an iOS bundle's.
    pub identifier: String,
    /// When it changed.
    pub modified: Timestamp,
    /// What an administrator keeps beside it (003 2.18).
    pub config: BTreeMap<String, String>,
    /// The kept versions, newest first, the live one among them.
    pub versions: Vec<VersionCard>,
}

impl BinaryCard {
    /// The live version.
    pub fn live_version(&self) -> Option<&VersionCard> {
        self.versions
            .iter()
            .find(|version| version.number == self.live)
    }

    /// The configuration as clients read it: for iOS the bundle id is in it, set or read.
    pub fn shown_config(&self) -> BTreeMap<String, String> {
        let mut config = self.config.clone();
        if self.kind != BinaryType::Android {
            config
                .entry("bundle_id".to_owned())
                .or_insert_with(|| self.identifier.clone());
        }
        config
    }
}

/// A kept version as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionCard {
    /// Its number, from 1.
    pub number: u32,
    /// Its own guid.
    pub guid: Guid,
    /// When it was uploaded.
    pub at: Timestamp,
    /// The version's name that was read.
    pub version_name: String,
    /// The name of the uploaded file that it came from, where it was uploaded on its own.
    pub file: Option<String>,
    /// Where the work on it stands; nothing for a version that nobody wanted changed or signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<WorkCard>,
}

impl VersionCard {
    /// The name of its file in the publisher API: that of the upload that became this version and
    /// no other, else its own guid with the extension of its type.
    pub fn shown_file(&self, kind: BinaryType) -> String {
        self.file
            .clone()
            .unwrap_or_else(|| format!("{}.{}", self.guid, kind.extension()))
    }
}

/// The kept versions of a binary with all that was read from them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Binary {
    /// The number that the next upload gets.
    pub next: u32,
    /// The kept versions, newest first.
    pub versions: Vec<Version>,
}

impl Record for Binary {
    const KIND: &'static str = "binary";
}

impl Binary {
    /// The version of that number.
    pub fn version(&self, number: u32) -> Option<&Version> {
        self.versions
            .iter()
            .find(|version| version.number == number)
    }
}

/// A version with all that was read from it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Version {
    /// Its number, from 1.
    pub number: u32,
    /// Its own guid.
    pub guid: Guid,
    /// The upload that brought it: a second delivery of its event attaches nothing.
    pub upload: Guid,
    /// The SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was uploaded.
    pub at: Timestamp,
    /// Who uploaded it.
    pub by: Guid,
    /// The name of the uploaded file.
    pub file_name: String,
    /// The identifier that was read.
    pub identifier: String,
    /// The version's name that was read.
    pub version_name: String,
    /// The SHA-256 of the signer's certificate, where the signature was verified.
    pub verified_signer: Option<String>,
    /// Everything that was read.
    pub package: serde_json::Value,
    /// The policies and the signature that it was given here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<Box<Work>>,
}

impl Version {
    /// What was uploaded, whatever is handed out.
    pub fn uploaded(&self) -> Build {
        let original = self.work.as_ref().and_then(|work| work.original.clone());
        original.unwrap_or_else(|| Build {
            sha256: self.sha256.clone(),
            size: self.size,
        })
    }

    /// Everything that was read from it, with the signature of what is handed out.
    pub fn shown_package(&self) -> serde_json::Value {
        let mut package = self.package.clone();
        if let Some(signer) = self.work.as_ref().and_then(|work| work.signer.as_ref())
            && let Some(fields) = package.as_object_mut()
        {
            fields.insert(
                "signature".to_owned(),
                serde_json::json!({"certificateSha256": signer}),
            );
        }
        package
    }

    /// The SHA-256 of every object that it counts, once each: what is handed out, and what it was
    /// made of.
    pub fn objects(&self) -> BTreeSet<&str> {
        let made = self
            .work
            .iter()
            .flat_map(|work| [work.original.as_ref(), work.applied.as_ref()])
            .flatten();
        std::iter::once(self.sha256.as_str())
            .chain(made.map(|build| build.sha256.as_str()))
            .collect()
    }
}

/// An icon: a PNG of at most 128 × 128 and 16 KB, as base64.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Icon {
    /// The picture.
    pub png: String,
    /// Whether it came out of a package; an icon that somebody uploaded is not replaced by one that
    /// did not.
    pub from_package: bool,
}

impl Record for Icon {
    const KIND: &'static str = "icon";
}

/// The guid of a kept version, which leads to its app.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VersionAlias {
    /// The app and type.
    pub binary: AppId,
}

impl Record for VersionAlias {
    const KIND: &'static str = "version-alias";
}

/// An app with everything that `read` shows.
#[derive(Clone, Debug)]
pub struct Details {
    /// The card.
    pub card: Stored<AppCard>,
    /// The binaries.
    pub binaries: Vec<(BinaryType, Stored<Binary>)>,
    /// The icon, base64, empty where there is none.
    pub icon: String,
}

/// What reading an app whole needs.
pub fn keys_of(handle: Handle, id: AppId) -> Vec<Key> {
    let mut wanted = vec![keys::app_card(handle, id), keys::icon(handle, id)];
    wanted.extend(BinaryType::ALL.map(|kind| keys::binary(handle, id, kind)));
    wanted
}

/// What a card with its icon needs.
pub fn card_keys(handle: Handle, id: AppId) -> Vec<Key> {
    vec![keys::app_card(handle, id), keys::icon(handle, id)]
}

fn unknown() -> Error {
    Error::not_found("invalid_guid")
}

/// An app's card.
///
/// # Errors
/// Not found; the store's.
pub async fn card(
    reader: &mut Reader<'_>,
    handle: Handle,
    id: AppId,
) -> Result<Stored<AppCard>, Error> {
    reader
        .get(&keys::app_card(handle, id))
        .await?
        .ok_or_else(unknown)
}

/// An app's icon as base64, empty where there is none.
///
/// # Errors
/// The store's.
pub async fn icon(reader: &mut Reader<'_>, handle: Handle, id: AppId) -> Result<String, Error> {
    Ok(reader
        .get::<Icon>(&keys::icon(handle, id))
        .await?
        .map(|icon| icon.value.png)
        .unwrap_or_default())
}

/// An app with everything.
///
/// # Errors
/// Not found; the store's.
pub async fn details(reader: &mut Reader<'_>, handle: Handle, id: AppId) -> Result<Details, Error> {
    let card = card(reader, handle, id).await?;
    let wanted = BinaryType::ALL.map(|kind| keys::binary(handle, id, kind));
    let found = reader.get_all::<Binary>(&wanted).await?;
    let binaries = BinaryType::ALL
        .into_iter()
        .zip(found)
        .filter_map(|(kind, binary)| Some((kind, binary?)))
        .collect();
    let icon = icon(reader, handle, id).await?;
    Ok(Details {
        card,
        binaries,
        icon,
    })
}

/// What a new app is made of.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The name.
    pub name: Option<Name>,
    /// What it is.
    pub description: Option<Description>,
    /// The token.
    pub auth_token: Option<Label>,
    /// Whether only its groups see it.
    pub restrict_to_groups: Option<bool>,
    /// The whole list of its groups.
    pub groups: Option<Vec<Guid>>,
    /// The whole list of its policies.
    pub policies: Option<Vec<Guid>>,
}

fn apply(card: &mut AppCard, changes: &Changes) {
    let Changes {
        name,
        description,
        auth_token,
        restrict_to_groups,
        groups: _,
        policies,
    } = changes.clone();
    card.name = name.unwrap_or_else(|| card.name.clone());
    card.description = description.unwrap_or_else(|| card.description.clone());
    card.auth_token = auth_token.unwrap_or_else(|| card.auth_token.clone());
    card.restrict_to_groups = restrict_to_groups.unwrap_or(card.restrict_to_groups);
    card.policies = policies.unwrap_or_else(|| card.policies.clone());
}

/// Makes an app; it is not in the store yet (003 2.10).
///
/// # Errors
/// Not found for an unknown policy or group; invalid beyond their limits; the store's.
pub async fn create(
    reader: &mut Reader<'_>,
    who: &Principal,
    name: Name,
    changes: &Changes,
) -> Result<AppCard, Error> {
    let now = reader.now();
    let id = AppId::new(now);
    change!(reader, {
        let mut card = AppCard::new(&who.owner, id, AppKind::Mobile, name.clone(), now);
        apply(&mut card, changes);
        require_policies(reader, who.handle, &card.policies, &[]).await?;
        let mut writes = Vec::new();
        if let Some(groups) = &changes.groups {
            writes = super::links::regroup(reader, who.handle, &mut card, groups).await?;
        }
        let mut all = made(reader, who, &mut card).await?;
        all.extend(writes);
        Ok((card, all))
    })
}

/// The writes of a new app: its card, first, its rows, its history, its uses of files, and that its
/// owner has it. Gives the card its bucket.
///
/// # Errors
/// The store's.
pub async fn made(
    reader: &mut Reader<'_>,
    who: &Principal,
    card: &mut AppCard,
) -> Result<Vec<Write>, Error> {
    let begun = life_cycle::begun(who.handle, card, &who.owner.username)?;
    made_with(reader, who, card, vec![begun]).await
}

/// The same for an app that is in the store from its beginning.
///
/// # Errors
/// Forbidden for whoever may not put apps into the store; the store's.
pub async fn made_in_store(
    reader: &mut Reader<'_>,
    who: &Principal,
    card: &mut AppCard,
) -> Result<Vec<Write>, Error> {
    let begun = life_cycle::begun_in_store(who, card)?;
    made_with(reader, who, card, begun).await
}

async fn made_with(
    reader: &mut Reader<'_>,
    who: &Principal,
    card: &mut AppCard,
    begun: Vec<Write>,
) -> Result<Vec<Write>, Error> {
    let (bucket, counted) = catalogue::bucket(reader, who.handle).await?;
    card.bucket = bucket;
    // Positive, and below 2^31 with its types. One that is taken is tried again with another.
    card.psk = rand::random_range(1..(1 << 31) / PSK_STEP) * PSK_STEP;
    let free = Condition::AbsentOrExpired {
        now: reader.now().seconds(),
    };
    let numbered = records::put(keys::psk(who.handle, card.psk), &Psk { app: card.id }, free)?;
    let mut writes = vec![
        records::create(keys::app_card(who.handle, card.id), card)?,
        counted,
        numbered,
    ];
    writes.extend(catalogue::changes(who.handle, None, Some(card))?);
    writes.extend(file::uses(
        who.handle,
        &[],
        &file::of_card(card),
        reader.now(),
    )?);
    writes.extend(begun);
    writes.extend(event::told(
        who.handle,
        event::of_new(card, &who.owner.username, reader.now()),
    )?);
    writes.push(owned(who.handle, &card.owner, 1));
    // Whoever is being deleted at this moment owns nothing new.
    writes.push(Write::Check(
        keys::user(who.handle, &card.owner),
        Condition::Present,
    ));
    Ok(writes)
}

/// The writes of a changed card: itself, first, under its revision, its rows, the uses of files
/// that its versions came from, and the events that tell of it. `by` is the name of who changed it.
/// Notes when it changed.
///
/// # Errors
/// Internal.
pub fn rewritten(
    handle: Handle,
    before: &AppCard,
    found: &mut Stored<AppCard>,
    by: &str,
    now: Timestamp,
) -> Result<Vec<Write>, Error> {
    found.value.modified = now;
    let mut writes = vec![found.replace()?];
    writes.extend(catalogue::changes(
        handle,
        Some(before),
        Some(&found.value),
    )?);
    writes.extend(file::uses(
        handle,
        &file::of_card(before),
        &file::of_card(&found.value),
        now,
    )?);
    writes.extend(event::told(
        handle,
        event::of_change(before, &found.value, by, now),
    )?);
    Ok(writes)
}

/// The counter of the apps that a user owns.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OwnedApps {}

impl Record for OwnedApps {
    const KIND: &'static str = "owned-apps";
}

/// Counts an app that a user owns.
fn owned(handle: Handle, user: &Guid, by: i64) -> Write {
    Write::Count {
        key: keys::owned_apps(handle, user),
        kind: OwnedApps::KIND,
        by,
        condition: Condition::Always,
    }
}

/// Changes an app; what is absent stays (003 2.12).
///
/// # Errors
/// Not found for an unknown app, policy or group; the store's.
pub async fn update(
    reader: &mut Reader<'_>,
    who: &Principal,
    id: AppId,
    changes: &Changes,
) -> Result<AppCard, Error> {
    let now = reader.now();
    change!(reader, {
        let mut found = card(reader, who.handle, id).await?;
        let before = found.value.clone();
        apply(&mut found.value, changes);
        require_policies(reader, who.handle, &found.value.policies, &before.policies).await?;
        let mut links = Vec::new();
        if let Some(groups) = &changes.groups {
            links = super::links::regroup(reader, who.handle, &mut found.value, groups).await?;
        }
        let mut writes = rewritten(who.handle, &before, &mut found, &who.owner.username, now)?;
        writes.extend(links);
        Ok((found.value, writes))
    })
}

/// All policies must exist; those that were there before may be gone (a dangling reference matches
/// nobody).
///
/// # Errors
/// Not found `invalid_guid`; invalid beyond [`POLICIES_LIMIT`]; the store's.
pub async fn require_policies(
    reader: &mut Reader<'_>,
    handle: Handle,
    policies: &[Guid],
    before: &[Guid],
) -> Result<(), Error> {
    if policies.len() > POLICIES_LIMIT {
        return Err(Error::invalid(format!(
            "invalid_authpolicies: at most {POLICIES_LIMIT}"
        )));
    }
    let wanted: Vec<Key> = policies
        .iter()
        .filter(|policy| !before.contains(policy))
        .map(|policy| keys::policy(handle, policy))
        .collect();
    let found = reader.get_all::<super::policy::Policy>(&wanted).await?;
    if found.iter().any(Option::is_none) {
        Err(unknown())
    } else {
        Ok(())
    }
}

/// Deletes an app with everything of it. Its objects are released by housekeeping from the chore
/// that is written in the same transaction (003 2.13).
///
/// # Errors
/// Not found; the store's.
pub async fn delete(reader: &mut Reader<'_>, who: &Principal, id: AppId) -> Result<(), Error> {
    change!(reader, { Ok(((), removed(reader, who, id).await?)) })
}

/// The writes that delete an app with everything of it, whichever dialect made it: card, rows,
/// shelf, icon and binaries, the links to groups, policy partials and a business owner, what it
/// claimed, and what its publishers said of it. What else is in its partition and its objects is
/// left to housekeeping.
///
/// # Errors
/// Not found; the store's.
pub async fn removed(
    reader: &mut Reader<'_>,
    who: &Principal,
    id: AppId,
) -> Result<Vec<Write>, Error> {
    let (handle, now) = (who.handle, reader.now());
    let mut wanted = keys_of(handle, id);
    wanted.push(keys::publication(handle, id));
    reader.fetch_missing(&wanted).await?;
    let mut found = details(reader, handle, id).await?;
    let before = found.card.value.clone();
    let mut linked = line::keys_of(handle, &before);
    linked.extend(before.groups.iter().map(|group| keys::group(handle, group)));
    reader.fetch_missing(&linked).await?;
    let unlinked = super::links::regroup(reader, handle, &mut found.card.value, &[]).await?;
    let mut writes = vec![
        found.card.remove(),
        Write::Delete(keys::icon(handle, id), Condition::Always),
        Write::Delete(keys::shelf(handle, id), Condition::Always),
    ];
    writes.push(Write::Delete(
        keys::psk(handle, before.psk),
        Condition::Always,
    ));
    writes.push(Write::Delete(keys::app_text(handle, id), Condition::Always));
    writes.extend(catalogue::changes(handle, Some(&before), None)?);
    writes.push(housekeeping::chore(
        now,
        &Chore::Parts {
            handle,
            app: id.item(),
        },
    )?);
    for (kind, binary) in &found.binaries {
        // What is published for installed apps goes at once, not when housekeeping comes.
        writes.push(Write::Delete(
            keys::policy_document(handle, id.binary(*kind)),
            Condition::Always,
        ));
        writes.push(binary.remove());
    }
    writes.extend(unlinked);
    writes.push(owned(handle, &found.card.value.owner, -1));
    writes.extend(line::leave(reader, handle, &before).await?);
    writes.extend(business_owner::assign(reader, handle, before.business_owner, None).await?);
    let mut files = file::of_card(&before);
    if let Some(publication) = reader
        .get::<Publication>(&keys::publication(handle, id))
        .await?
    {
        files.extend(publication.value.pictures());
        writes.extend(
            partial::map(
                reader,
                handle,
                &who.owner.user,
                id.item(),
                &publication.value.partials(),
                &[],
            )
            .await?,
        );
        writes.push(publication.remove());
    }
    writes.extend(file::abandoned(handle, id, files, now)?);
    writes.push(alert::of_deleted(handle, id, now)?);
    writes.extend(event::told(
        handle,
        vec![Event::of(
            &before,
            "DELETED",
            &who.owner.username,
            "The app was deleted".to_owned(),
            now,
        )],
    )?);
    writes.extend(released(
        handle,
        found.binaries.iter().map(|(_, binary)| &binary.value),
        now,
    )?);
    Ok(writes)
}

/// The chore that takes back the references of binaries that go; none where they have no version.
fn released<'a>(
    handle: Handle,
    binaries: impl Iterator<Item = &'a Binary>,
    now: Timestamp,
) -> Result<Option<Write>, Error> {
    let versions: Vec<&Version> = binaries.flat_map(|binary| &binary.versions).collect();
    if versions.is_empty() {
        return Ok(None);
    }
    let chore = Chore::Release {
        handle,
        objects: versions
            .iter()
            .flat_map(|version| version.objects())
            .map(|sha256| keys::binary_object(handle, sha256))
            .collect(),
        aliases: versions
            .iter()
            .map(|version| version.guid.clone())
            .collect(),
    };
    Ok(Some(housekeeping::chore(now, &chore)?))
}

/// The writes that take one binary from an app, with its versions.
///
/// # Errors
/// The store's.
pub async fn without_binary(
    reader: &mut Reader<'_>,
    who: &Principal,
    mut found: Stored<AppCard>,
    kind: BinaryType,
) -> Result<Vec<Write>, Error> {
    let (handle, now) = (who.handle, reader.now());
    let before = found.value.clone();
    let binary: Option<Stored<Binary>> = reader.get(&keys::binary(handle, before.id, kind)).await?;
    found.value.binaries.retain(|binary| binary.kind != kind);
    let mut writes = rewritten(handle, &before, &mut found, &who.owner.username, now)?;
    if let Some(binary) = binary {
        writes.push(binary.remove());
        writes.extend(released(handle, std::iter::once(&binary.value), now)?);
    }
    Ok(writes)
}

/// What was read from a binary that is to be attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// The SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
    /// The identifier.
    pub identifier: String,
    /// The version's name.
    pub version_name: String,
    /// The SHA-256 of the signer's certificate, where the signature was verified.
    pub verified_signer: Option<String>,
    /// The small icon, base64.
    pub icon: Option<String>,
    /// Everything that was read.
    pub package: serde_json::Value,
}

/// What a new version is, beside what was read from it.
#[derive(Clone, Debug)]
pub struct NewVersion {
    /// Its own guid.
    pub guid: Guid,
    /// The upload or file that brought it.
    pub upload: Guid,
    /// The type of binary.
    pub kind: BinaryType,
    /// Who uploaded it.
    pub by: Guid,
    /// The name of the file on the uploader's disk.
    pub file_name: String,
    /// The name of the uploaded file, where it was uploaded on its own.
    pub file: Option<String>,
    /// Whether another signer than the live version's is allowed.
    pub allow_signer_change: bool,
}

/// Makes a judged binary the newest version on a card, and the live one. Gives its number and the
/// writes beside the card's own; a fifth old version goes: its record now, its object once nothing
/// else points at it. The inner error is a refusal with its code.
///
/// # Errors
/// Internal.
pub fn attach(
    handle: Handle,
    card: &mut AppCard,
    former: Option<Stored<Binary>>,
    icon: Option<Stored<Icon>>,
    new: &NewVersion,
    judged: &Judged,
    now: Timestamp,
) -> Result<Result<(u32, Vec<Write>), String>, Error> {
    let kind = new.kind;
    let live = card.binary(kind);
    if let Some(live) = live
        && live.identifier != judged.identifier
    {
        return Ok(Err(format!(
            "wrong_identifier: the file is {}, the item's binary is {}",
            judged.identifier, live.identifier
        )));
    }
    let inherited = former
        .as_ref()
        .zip(live)
        .and_then(|(former, live)| former.value.version(live.live))
        .and_then(|version| Work::inherited(version.work.as_deref()));
    let before = live.and_then(|live| former.as_ref()?.value.version(live.live));
    let live_signer = before.and_then(|version| version.verified_signer.as_ref());
    // What was downloaded with the signature that it got here may come back.
    let signed_here = before.and_then(|version| version.work.as_ref()?.signer.as_ref());
    if let (Some(before), Some(after)) = (live_signer, &judged.verified_signer)
        && before != after
        && signed_here != Some(after)
        && !new.allow_signer_change
    {
        let reason = "wrong_signer: the file is signed by another certificate than the live version; an administrator can allow the change with allowSignerChange";
        return Ok(Err(reason.to_owned()));
    }
    let mut binary = former
        .as_ref()
        .map(|found| found.value.clone())
        .unwrap_or(Binary {
            next: 1,
            versions: Vec::new(),
        });
    let number = binary.next;
    binary.next += 1;
    let version = Version {
        number,
        guid: new.guid.clone(),
        upload: new.upload.clone(),
        sha256: judged.sha256.clone(),
        size: judged.size,
        at: now,
        by: new.by.clone(),
        file_name: new.file_name.clone(),
        identifier: judged.identifier.clone(),
        version_name: judged.version_name.clone(),
        verified_signer: judged.verified_signer.clone(),
        package: judged.package.clone(),
        work: inherited.map(Box::new),
    };
    let shown = version.work.as_deref().map(WorkCard::of);
    binary.versions.insert(0, version);
    let dropped = binary
        .versions
        .split_off(binary.versions.len().min(OLD_VERSIONS + 1));
    let mut config = card
        .binary(kind)
        .map(|binary| binary.config.clone())
        .unwrap_or_default();
    config.remove("bundle_id");
    let mut versions = card
        .binary(kind)
        .map(|binary| binary.versions.clone())
        .unwrap_or_default();
    versions.insert(
        0,
        VersionCard {
            number,
            guid: new.guid.clone(),
            at: now,
            version_name: judged.version_name.clone(),
            file: new.file.clone(),
            work: shown,
        },
    );
    versions.truncate(OLD_VERSIONS + 1);
    card.binaries.retain(|binary| binary.kind != kind);
    card.binaries.push(BinaryCard {
        kind,
        live: number,
        identifier: judged.identifier.clone(),
        modified: now,
        config,
        versions,
    });
    card.binaries.sort_by_key(|binary| binary.kind);

    let mut writes = references(handle, &binary.versions[0], &dropped, now)?;
    writes.extend(expiry::watch(
        handle,
        card.id.binary(kind),
        &new.guid,
        &judged.package,
        now,
    )?);
    writes.push(records::create(
        keys::version(handle, &new.guid),
        &VersionAlias {
            binary: card.id.binary(kind),
        },
    )?);
    let absent = Condition::AbsentOrExpired { now: now.seconds() };
    writes.push(match former {
        Some(found) => Stored {
            value: binary,
            ..found
        }
        .replace()?,
        None => records::put(keys::binary(handle, card.id, kind), &binary, absent.clone())?,
    });
    if let Some(png) = &judged.icon {
        match icon {
            None => writes.push(records::put(
                keys::icon(handle, card.id),
                &Icon {
                    png: png.clone(),
                    from_package: true,
                },
                absent,
            )?),
            Some(mut found) if found.value.from_package && found.value.png != *png => {
                found.value.png = png.clone();
                writes.push(found.replace()?);
            }
            Some(_) => {}
        }
    }
    Ok(Ok((number, writes)))
}

/// The counts of objects that change when one version comes and others go: one write per object.
fn references(
    handle: Handle,
    new: &Version,
    dropped: &[Version],
    now: Timestamp,
) -> Result<Vec<Write>, Error> {
    let mut counted =
        std::collections::BTreeMap::from([(keys::binary_object(handle, &new.sha256), 1_i64)]);
    let mut writes = Vec::new();
    for version in dropped {
        for sha256 in version.objects() {
            *counted
                .entry(keys::binary_object(handle, sha256))
                .or_default() -= 1;
        }
        writes.push(Write::Delete(
            keys::version(handle, &version.guid),
            Condition::Always,
        ));
    }
    for (name, by) in counted {
        if by < 0 {
            writes.push(housekeeping::chore(
                now,
                &Chore::Object {
                    handle,
                    name: name.clone(),
                },
            )?);
        }
        if by != 0 {
            writes.push(count_object(handle, &name, by));
        }
    }
    Ok(writes)
}

/// Most entries of a binary's configuration, and most characters of a key or value.
const CONFIG_LIMIT: (usize, usize) = (20, 500);

/// Replaces the configuration of an app's binary (003 2.19).
///
/// # Errors
/// Not found `invalid_type` where there is no such binary; invalid `wrong_identifier` for a bundle
/// id other than the one that was read, and beyond 20 entries; the store's.
pub async fn set_config(
    reader: &mut Reader<'_>,
    who: &Principal,
    id: AppId,
    kind: BinaryType,
    config: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Error> {
    let fits = |text: &String| text.chars().count() <= CONFIG_LIMIT.1;
    if config.len() > CONFIG_LIMIT.0 || !config.iter().all(|(key, value)| fits(key) && fits(value))
    {
        return Err(Error::invalid("invalid_config"));
    }
    let now = reader.now();
    change!(reader, {
        let mut found = card(reader, who.handle, id).await?;
        let before = found.value.clone();
        let binary = found
            .value
            .binaries
            .iter_mut()
            .find(|binary| binary.kind == kind)
            .ok_or_else(|| Error::not_found("invalid_type"))?;
        if config
            .get("bundle_id")
            .is_some_and(|bundle| kind != BinaryType::Android && *bundle != binary.identifier)
        {
            return Err(Error::invalid(format!(
                "wrong_identifier: the bundle id that was read from the binary is {}",
                binary.identifier
            )));
        }
        binary.config = config.clone();
        let shown = binary.shown_config();
        Ok((
            shown,
            rewritten(who.handle, &before, &mut found, &who.owner.username, now)?,
        ))
    })
}

/// Adds policies to an app, or removes them (003 2.16, 2.17). Adding twice and removing what is not
/// there are fine.
///
/// # Errors
/// Not found for an unknown app, or an unknown policy that is to be added; the store's.
pub async fn change_policy(
    reader: &mut Reader<'_>,
    who: &Principal,
    id: AppId,
    policy: &Guid,
    add: bool,
) -> Result<AppCard, Error> {
    let now = reader.now();
    change!(reader, {
        let mut found = card(reader, who.handle, id).await?;
        let before = found.value.clone();
        found.value.policies.retain(|have| have != policy);
        if add {
            found.value.policies.push(policy.clone());
            require_policies(reader, who.handle, &found.value.policies, &before.policies).await?;
        }
        let writes = if found.value.policies == before.policies {
            Vec::new()
        } else {
            rewritten(who.handle, &before, &mut found, &who.owner.username, now)?
        };
        Ok((found.value, writes))
    })
}

/// Makes a kept version the live one again.
///
/// # Errors
/// Not found for an unknown app, type (`invalid_type`) or version (`invalid_version`); the store's.
pub async fn roll_back(
    reader: &mut Reader<'_>,
    who: &Principal,
    id: AppId,
    kind: BinaryType,
    number: u32,
) -> Result<AppCard, Error> {
    let now = reader.now();
    change!(reader, {
        let mut found = card(reader, who.handle, id).await?;
        let before = found.value.clone();
        let card = &mut found.value;
        let binary = card
            .binaries
            .iter_mut()
            .find(|binary| binary.kind == kind)
            .ok_or_else(|| Error::not_found("invalid_type"))?;
        if !binary
            .versions
            .iter()
            .any(|version| version.number == number)
        {
            return Err(Error::not_found("invalid_version"));
        }
        if binary.live == number {
            return Ok((found.value, Vec::new()));
        }
        binary.live = number;
        binary.modified = now;
        let writes = rewritten(who.handle, &before, &mut found, &who.owner.username, now)?;
        Ok((found.value, writes))
    })
}

/// Whether a caller sees an app in the store. It fails closed: a reference to a policy or group
/// that is gone matches nobody.
pub fn visible(card: &AppCard, who: &Principal, store_policies: &[Guid]) -> bool {
    if who.is_member() && who.holds(Right::ReadStoreItems) {
        return card.in_store();
    }
    let by = match &who.means {
        Means::AppSession { policy, .. } => Some(policy),
        Means::Session
        | Means::ApiKey
        | Means::App { .. }
        | Means::UserToken
        | Means::Message
        | Means::Bearer { .. } => None,
    };
    let admits =
        |policies: &[Guid]| policies.is_empty() || by.is_some_and(|by| policies.contains(by));
    let in_group = !card.restrict_to_groups
        || card
            .groups
            .iter()
            .any(|group| who.owner.groups.contains(group));
    card.in_store()
        && in_group
        && admits(&card.policies)
        && (who.is_member() || admits(store_policies))
}

/// One page of all cards, oldest first, each with its icon.
#[derive(Debug, Default)]
pub struct CardPage {
    /// The cards with their icons.
    pub cards: Vec<(AppCard, String)>,
    /// Where to go on; `None` at the end.
    pub next: Option<String>,
}

/// The first queries of a listing: cards and icons, side by side.
pub fn listing(handle: Handle, after: Option<String>, limit: Option<u32>) -> [Query; 2] {
    [keys::app_cards(handle), keys::icons(handle)]
        .map(|pk| Query::all(pk).after(after.clone()).limit(limit))
}

/// Lists cards with their icons: all of them, or `limit` from after `after`. Stops with an error
/// once it holds more than one answer can.
///
/// # Errors
/// Too large beyond one answer; the store's.
pub async fn list(
    reader: &mut Reader<'_>,
    handle: Handle,
    after: Option<String>,
    limit: Option<u32>,
) -> Result<CardPage, Error> {
    let (found, next) = list_beside::<Icon>(reader, listing(handle, after, limit), limit).await?;
    let cards = found
        .into_iter()
        .map(|(card, icon)| (card, icon.map(|icon| icon.png).unwrap_or_default()))
        .collect();
    Ok(CardPage { cards, next })
}

/// Most bytes of records that one list reads. More than an answer has: not everybody sees every
/// app.
const READ_LIMIT: usize = 2 * crate::reply::ANSWER_LIMIT;

/// Cards with what stands beside each, and where to go on; nothing at the end.
pub type Listed<R> = (Vec<(AppCard, Option<R>)>, Option<String>);

/// Lists cards with the records of another partition that has at most one of each app, under the
/// same sort keys: all of them, or `limit`. `queries` are those of the cards and of the others,
/// from the same place on. Stops with an error once it holds more than one answer can.
///
/// # Errors
/// Too large beyond one answer; the store's.
pub async fn list_beside<R: Record>(
    reader: &mut Reader<'_>,
    queries: [Query; 2],
    limit: Option<u32>,
) -> Result<Listed<R>, Error> {
    let [mut cards, mut others] = queries;
    let mut found = Vec::new();
    let mut next;
    let mut bytes = 0;
    loop {
        let page = reader.query(&cards).await?;
        bytes += page.items.iter().map(|item| item.body.len()).sum::<usize>();
        for item in page.items {
            found.push((Stored::<AppCard>::parse(item)?.value, None));
        }
        next = page.next.clone();
        let full = limit.is_some_and(|limit| found.len() >= limit as usize);
        if page.next.is_none() || full || bytes > READ_LIMIT {
            break;
        }
        cards.limit =
            limit.map(|limit| limit - u32::try_from(found.len()).unwrap_or(limit).min(limit));
        cards.after = page.next;
    }
    let too_large = || {
        Error::too_large(
            "The list is too large for one answer: ask for pages with limit and cursor",
        )
    };
    // Whoever asked for no page must not take a part for the whole.
    if limit.is_none() && next.is_some() {
        return Err(too_large());
    }
    let Some(last) = found.last().map(|(card, _)| card.id.sort_key()) else {
        return Ok((found, next));
    };
    let mut beside = BTreeMap::new();
    loop {
        let page = reader.query(&others).await?;
        let passed = page.items.last().is_some_and(|item| item.key.sk > last);
        for item in page.items {
            let sk = item.key.sk.clone();
            bytes += item.body.len();
            beside.insert(sk, Stored::<R>::parse(item)?.value);
        }
        if page.next.is_none() || passed || bytes > READ_LIMIT {
            break;
        }
        others.after = page.next;
    }
    for (card, other) in &mut found {
        *other = beside.remove(&card.id.sort_key());
    }
    if bytes > READ_LIMIT {
        Err(too_large())
    } else {
        Ok((found, next))
    }
}
