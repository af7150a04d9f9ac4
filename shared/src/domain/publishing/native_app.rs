//! Apps as the Apperian API makes and changes them (000): of an uploaded package, in one
//! transaction with what is said of them.

use crate::base::clock::Timestamp;
use crate::base::code::ErrorText;
use crate::base::error::Error;
use crate::base::id::{AppId, BinaryType, Guid, TenantId};
use crate::base::kind::AppKind;
use crate::base::text::Name;
use crate::change;
use crate::domain::apps::app::NewVersion;
use crate::domain::apps::{app, catalogue, file, making, numbers, store_front};
use crate::domain::events::event;
use crate::domain::publishing::app_text::{AppTextInput, MAX_NAME};
use crate::model::apps::analysis::PackageAnalysis;
use crate::model::apps::app::{App, Binary, Icon};
use crate::model::apps::app_text::AppText;
use crate::model::apps::file::{Content, StoredFile};
use crate::model::apps::publication::{Platform, Publication};
use crate::model::people::principal::Principal;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Key, Write, keys, record};

/// A native app with what is said of it, as a request names it.
#[derive(Clone, Debug)]
pub struct NativeApp {
    /// The item or the binary that is meant.
    pub id: AppId,
    /// Its app record.
    pub app: App,
    /// What is said of it.
    pub text: AppText,
    /// What a publisher says that it runs on, for an app without a file.
    pub platform: Option<Platform>,
}

fn unknown() -> Error {
    Error::not_found("There is no such application")
}

/// Whether an app is a native one: web apps and sites are not, and no page that another dialect
/// offers as an app.
pub fn is_native(app: &App, platform: Option<Platform>) -> bool {
    app.kind == AppKind::Mobile && platform != Some(Platform::Webapp)
}

/// Where the platform of an app without a file is kept, which a publisher may have said.
pub fn platform_key(tenant_id: TenantId, app: &App) -> Option<Key> {
    (app.kind == AppKind::Mobile && app.binaries.is_empty() && app.publisher_name.is_some())
        .then(|| keys::publication(tenant_id, app.id))
}

/// What reading an app of that id needs.
pub fn keys_of(tenant_id: TenantId, id: AppId) -> Vec<Key> {
    vec![keys::app(tenant_id, id), keys::app_text(tenant_id, id)]
}

/// The platform that a publisher said for an app without a file.
///
/// # Errors
/// The store's.
pub async fn platform(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    app: &App,
) -> Result<Option<Platform>, Error> {
    let Some(key) = platform_key(tenant_id, app) else {
        return Ok(None);
    };
    Ok(reader
        .get::<Publication>(&key)
        .await?
        .and_then(|found| found.value.platform))
}

/// The app record of a native app; `id` may be that of a binary, which must be there then.
async fn read_app(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    id: AppId,
) -> Result<(Stored<App>, Option<Platform>), Error> {
    reader.fetch_missing(&keys_of(tenant_id, id)).await?;
    let found: Stored<App> = reader
        .get(&keys::app(tenant_id, id))
        .await?
        .ok_or_else(unknown)?;
    let platform = platform(reader, tenant_id, &found.value).await?;
    let there = id
        .kind()
        .is_none_or(|kind| found.value.binary(kind).is_some());
    if there && is_native(&found.value, platform) {
        Ok((found, platform))
    } else {
        Err(unknown())
    }
}

/// A native app.
///
/// # Errors
/// Not found for an unknown app, one that is no native app, and a binary that it does not have; the
/// store's.
pub async fn read(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    id: AppId,
) -> Result<NativeApp, Error> {
    let (found, platform) = read_app(reader, tenant_id, id).await?;
    let text = reader
        .get::<AppText>(&keys::app_text(tenant_id, id))
        .await?
        .map(|found| found.value)
        .unwrap_or_default();
    Ok(NativeApp {
        id,
        app: found.value,
        text,
        platform,
    })
}

/// The type of binary that an id shows: the one that it names, else the first that there is.
pub fn shown_kind(app: &App, id: AppId) -> Option<BinaryType> {
    id.kind()
        .or_else(|| app.binaries.first().map(|binary| binary.kind))
}

/// The write of what is said of an app; none where it is as it was.
fn text_write(
    tenant_id: TenantId,
    id: AppId,
    kept: Option<Stored<AppText>>,
    text: &AppText,
    reader: &Reader<'_>,
) -> Result<Option<Write>, Error> {
    match kept {
        Some(kept) if kept.value == *text => Ok(None),
        Some(kept) => Stored {
            value: text.clone(),
            ..kept
        }
        .replace()
        .map(Some),
        None if *text == AppText::default() => Ok(None),
        None => record::put(
            keys::app_text(tenant_id, id),
            text,
            Condition::AbsentOrExpired {
                now: reader.now().seconds(),
            },
        )
        .map(Some),
    }
}

/// Changes an app; what is absent stays. Whether it is in the store is changed by the steps of its
/// life cycle.
///
/// # Errors
/// Not found; invalid beyond the limits; forbidden for whoever may not put apps into the store or
/// take them out; conflict for a deprecated or retired app that is to come into it; the store's.
pub async fn update(
    reader: &mut Reader<'_>,
    who: &Principal,
    id: AppId,
    said: &AppTextInput,
) -> Result<NativeApp, Error> {
    let (tenant_id, now) = (who.tenant_id, reader.now());
    change!(reader, {
        let (mut found, platform) = read_app(reader, tenant_id, id).await?;
        let kept: Option<Stored<AppText>> = reader.get(&keys::app_text(tenant_id, id)).await?;
        let mut text = kept
            .as_ref()
            .map(|kept| kept.value.clone())
            .unwrap_or_default();
        let before = found.value.clone();
        let shown = shown_kind(&before, id);
        said.write(&mut found.value, &mut text, shown)?;
        let taken = match said.enabled {
            Some(enabled) => store_front::moved(who, &mut found.value, found.rev, enabled, now)?,
            None => Vec::new(),
        };
        let mut writes =
            app::update_writes(tenant_id, &before, &mut found, &who.owner.username, now)?;
        writes.extend(taken);
        if let Some(write) = text_write(tenant_id, id, kept, &text, reader)? {
            let said = event::changed(
                &found.value,
                &who.owner.username,
                &["what is said of it"],
                now,
            );
            writes.extend(event::record_writes(tenant_id, said.into_iter().collect())?);
            writes.push(write);
        }
        let writes = event::together(writes)?;
        Ok((
            NativeApp {
                id,
                app: found.value,
                text,
                platform,
            },
            writes,
        ))
    })
}

/// Deletes an app. An id that names one of several binaries takes that one alone. Gives the app
/// record as it was.
///
/// # Errors
/// Not found; the store's.
pub async fn delete(reader: &mut Reader<'_>, who: &Principal, id: AppId) -> Result<App, Error> {
    change!(reader, {
        let (found, _) = read_app(reader, who.tenant_id, id).await?;
        let before = found.value.clone();
        let writes = match id.kind() {
            Some(kind) if before.binaries.len() > 1 => {
                making::without_binary(reader, who, found, kind).await?
            }
            _ => making::delete_writes(reader, who, id.item()).await?,
        };
        Ok((before, writes))
    })
}

/// The type of binary that a file becomes of an app: that of the binary that the id names, or of
/// the only one; an item with several takes the one that such a file can be. `of_file` is what the
/// file is, `None` while it is not known.
///
/// # Errors
/// Not found for a binary that is not there; invalid for a file of another platform, and where
/// several binaries could be meant.
pub fn kind_of_version(
    app: &App,
    id: AppId,
    of_file: Option<BinaryType>,
) -> Result<BinaryType, Error> {
    let platform = BinaryType::extension;
    let fits = |kind: BinaryType| of_file.is_none_or(|of| platform(of) == platform(kind));
    let wrong = |kind: BinaryType| {
        Error::invalid(ErrorText::about(
            "app_file",
            format!(
                " must be named .{}, as the application's file is",
                platform(kind)
            ),
        ))
    };
    if let Some(kind) = id.kind() {
        app.binary(kind).ok_or_else(unknown)?;
        return if fits(kind) {
            Ok(kind)
        } else {
            Err(wrong(kind))
        };
    }
    let all: Vec<BinaryType> = app.binaries.iter().map(|binary| binary.kind).collect();
    let could: Vec<BinaryType> = all.iter().copied().filter(|kind| fits(*kind)).collect();
    match (all.as_slice(), could.as_slice()) {
        ([], _) => of_file.ok_or_else(|| {
            Error::invalid(ErrorText::about("app_file", " must be named .apk or .ipa"))
        }),
        (_, [one]) => Ok(*one),
        ([one, ..], []) => Err(wrong(*one)),
        _ => {
            let ids: Vec<String> = could
                .iter()
                .map(|kind| format!("{} ({kind})", app.id.binary(*kind).base64url()))
                .collect();
            Err(Error::invalid(format!(
                "The application has several files, each of which has its own id: {}",
                ids.join(", ")
            )))
        }
    }
}

/// An uploaded package.
struct Package {
    stored: Stored<StoredFile>,
    kind: BinaryType,
    judged: PackageAnalysis,
}

async fn package(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    name: &str,
) -> Result<Package, Error> {
    let stored = file::find(reader, tenant_id, name).await?.ok_or_else(|| {
        Error::invalid("The uploaded file is gone: what nothing uses is removed after a week")
    })?;
    let Content::Package { kind, mut judged } = stored.value.content.clone() else {
        return Err(Error::invalid("The uploaded file is no package of an app"));
    };
    // A package without a version's name is shown by its code.
    judged.version_name = judged.shown_version().to_owned();
    Ok(Package {
        stored,
        kind,
        judged,
    })
}

impl Package {
    /// The name of an app that is made of it without one: the label that was read, else the name of
    /// the file.
    fn default_name(&self) -> Result<Name, Error> {
        let label = self.judged.package["label"].as_str().unwrap_or_default();
        let file = &self.stored.value.file_name;
        let stem = file
            .rsplit_once('.')
            .map_or(file.as_str(), |(stem, _)| stem);
        let said = [
            if label == self.judged.identifier {
                ""
            } else {
                label
            },
            stem,
            &self.judged.identifier,
        ];
        let clean = |text: &str| {
            text.chars()
                .filter(|c| !c.is_control())
                .take(MAX_NAME)
                .collect::<String>()
                .trim()
                .to_owned()
        };
        let name = said.into_iter().map(clean).find(|text| !text.is_empty());
        name.and_then(Name::new)
            .ok_or_else(|| Error::invalid(ErrorText::about("app_name", " is missing")))
    }

    /// Makes it the newest version of an app record's binary, with its default name among the
    /// texts. Gives the writes beside the app record's.
    fn attach(
        &mut self,
        who: &Principal,
        app_record: &mut App,
        text: &mut AppText,
        (kind, former, icon): (BinaryType, Option<Stored<Binary>>, Option<Stored<Icon>>),
        allow_signer_change: bool,
        now: Timestamp,
    ) -> Result<Vec<Write>, Error> {
        // A file leads to one app. Another one that is made of it calls its version by the
        // version's own guid.
        let its_own = self
            .stored
            .value
            .app
            .is_none_or(|app| app.item() == app_record.id.item());
        let new = NewVersion {
            guid: Guid::random(),
            upload: self.stored.value.upload.clone(),
            kind,
            by: who.owner.user.clone(),
            file_name: self.stored.value.file_name.clone(),
            file: its_own.then(|| self.stored.value.name.clone()),
            allow_signer_change,
        };
        let (number, mut writes) = app::attach(
            who.tenant_id,
            app_record,
            former,
            icon,
            &new,
            &self.judged,
            now,
        )?
        .map_err(Error::invalid)?;
        text.versions.entry(new.guid).or_default().num = Some(format!("{number}.0"));
        if its_own {
            self.stored.value.app = Some(app_record.id.binary(kind));
            writes.push(self.stored.replace()?);
        }
        Ok(writes)
    }
}

/// The writes that make an app of an uploaded package, with what is said of it. `file` is the
/// package's name among the tenant's files. For a change that does more than this.
///
/// # Errors
/// Invalid beyond the limits, and for a file that is none; forbidden for whoever may not put apps
/// into the store, where it is to be in it; the store's.
pub async fn create_writes_of_package(
    reader: &mut Reader<'_>,
    who: &Principal,
    file: &str,
    said: &AppTextInput,
) -> Result<(NativeApp, Vec<Write>), Error> {
    let (tenant_id, now) = (who.tenant_id, reader.now());
    reader
        .fetch_beside(
            &[keys::file(tenant_id, file)],
            vec![catalogue::last_bucket(tenant_id)],
        )
        .await?;
    let mut package = package(reader, tenant_id, file).await?;
    let kind = package.kind;
    let name = package.default_name()?;
    let (mut app, mut text) = (
        App::new(&who.owner, AppId::new(now), AppKind::Mobile, name, now),
        AppText::default(),
    );
    let attached = package.attach(who, &mut app, &mut text, (kind, None, None), false, now)?;
    said.write(&mut app, &mut text, Some(kind))?;
    let mut writes = match said.enabled {
        Some(true) => making::create_in_store_writes(reader, who, &mut app).await?,
        _ => making::create_writes(reader, who, &mut app).await?,
    };
    writes.extend(attached);
    writes.extend(text_write(tenant_id, app.id, None, &text, reader)?);
    Ok((
        NativeApp {
            id: app.id.binary(kind),
            app,
            text,
            platform: None,
        },
        writes,
    ))
}

/// Makes an app of an uploaded package; see [`create_writes_of_package`].
///
/// # Errors
/// As [`create_writes_of_package`].
pub async fn create(
    reader: &mut Reader<'_>,
    who: &Principal,
    file: &str,
    said: &AppTextInput,
) -> Result<NativeApp, Error> {
    change!(reader, {
        create_writes_of_package(reader, who, file, said).await
    })
}

/// The writes that make an uploaded package the newest version of an app and the live one, with
/// what is said of both. A package that is a version of it already is not made one again. For a
/// change that does more than this.
///
/// # Errors
/// Not found; invalid beyond the limits, for a file that is none, and with the code that a package
/// was refused for; forbidden and conflict as [`update`]; the store's.
pub async fn version_of(
    reader: &mut Reader<'_>,
    who: &Principal,
    id: AppId,
    file: &str,
    said: &AppTextInput,
) -> Result<(NativeApp, Vec<Write>), Error> {
    let (tenant_id, now) = (who.tenant_id, reader.now());
    let mut wanted = keys_of(tenant_id, id);
    wanted.extend([keys::file(tenant_id, file), keys::icon(tenant_id, id)]);
    wanted.extend(
        BinaryType::ALL
            .iter()
            .map(|kind| keys::binary(tenant_id, id, *kind)),
    );
    reader.fetch_missing(&wanted).await?;
    let (mut found, platform) = read_app(reader, tenant_id, id).await?;
    let before = found.value.clone();
    let mut package = package(reader, tenant_id, file).await?;
    let kind = kind_of_version(&before, id, Some(package.kind))?;
    let kept: Option<Stored<AppText>> = reader.get(&keys::app_text(tenant_id, id)).await?;
    let mut text = kept
        .as_ref()
        .map(|kept| kept.value.clone())
        .unwrap_or_default();
    let former: Option<Stored<Binary>> = reader.get(&keys::binary(tenant_id, id, kind)).await?;
    let icon: Option<Stored<Icon>> = reader.get(&keys::icon(tenant_id, id)).await?;
    let upload = &package.stored.value.upload;
    let attached = match &former {
        Some(former)
            if former
                .value
                .versions
                .iter()
                .any(|version| version.upload == *upload) =>
        {
            Vec::new()
        }
        _ => package.attach(
            who,
            &mut found.value,
            &mut text,
            (kind, former, icon),
            said.allow_signer_change && who.administers(),
            now,
        )?,
    };
    said.write(&mut found.value, &mut text, Some(kind))?;
    let taken = match said.enabled {
        Some(enabled) => store_front::moved(who, &mut found.value, found.rev, enabled, now)?,
        None => Vec::new(),
    };
    let mut writes = app::update_writes(tenant_id, &before, &mut found, &who.owner.username, now)?;
    writes.extend(attached);
    writes.extend(taken);
    writes.extend(text_write(tenant_id, id, kept, &text, reader)?);
    Ok((
        NativeApp {
            id: id.binary(kind),
            app: found.value,
            text,
            platform,
        },
        writes,
    ))
}

/// Makes an uploaded package the newest version of an app; see [`version_of`].
///
/// # Errors
/// As [`version_of`].
pub async fn add_version(
    reader: &mut Reader<'_>,
    who: &Principal,
    id: AppId,
    file: &str,
    said: &AppTextInput,
) -> Result<NativeApp, Error> {
    change!(reader, { version_of(reader, who, id, file, said).await })
}

/// Those of these apps that are native and that somebody sees, with what is said of them. What
/// publishers said of apps without a file is fetched in one call.
///
/// # Errors
/// The store's.
pub async fn shown_to(
    reader: &mut Reader<'_>,
    who: &Principal,
    listed: Vec<(App, Option<AppText>)>,
) -> Result<Vec<NativeApp>, Error> {
    let seen: Vec<_> = listed
        .into_iter()
        .filter(|(app, _)| numbers::visible(app, who))
        .collect();
    let said: Vec<Key> = seen
        .iter()
        .filter_map(|(app, _)| platform_key(who.tenant_id, app))
        .collect();
    reader.fetch_missing(&said).await?;
    let mut apps = Vec::new();
    for (app, text) in seen {
        let platform = platform(reader, who.tenant_id, &app).await?;
        if is_native(&app, platform) {
            apps.push(NativeApp {
                id: app.id,
                app,
                text: text.unwrap_or_default(),
                platform,
            });
        }
    }
    Ok(apps)
}
