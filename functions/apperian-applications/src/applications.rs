//! Apps: listing, making, changing, deleting, downloading.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use shared::base::error::Error;
use shared::base::id::{AppId, AppRef, BinaryType, TenantId};
use shared::base::rights::Right;
use shared::domain::apps::{app, catalogue, file, numbers, upload};
use shared::domain::log::audit;
use shared::domain::publishing::app_text::AppTextInput;
use shared::domain::publishing::native_app::NativeApp;
use shared::domain::publishing::{app_text, native_app};
use shared::http::incoming::Incoming;
use shared::http::paging::Page;
use shared::http::pipeline::{Call, Plan};
use shared::http::reply::Reply;
use shared::http::routes::apperian_applications::Op;
use shared::model::apps::app::{App, Binary};
use shared::model::people::principal::Principal;
use shared::services::objects::Presentation;
use shared::store::{Key, keys};

use crate::body::{Blank, Fields};
use crate::uploads;
use crate::views::{self, ApplicationView, KeptVersionView, VersionView};

/// How long a signed address of the storage is valid.
const STORAGE_URL: Duration = Duration::from_secs(300);

/// What the operations here will read.
pub fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
    let named = incoming.param("application");
    let id = named.parse::<AppId>().ok();
    let text = id.map(|id| keys::app_text(tenant_id, id));
    let app = || Plan::keys(numbers::keys_of(tenant_id, named)).and(text.clone());
    match op {
        Op::List | Op::ListOfUser => {
            let page = Page::peek(incoming);
            let [apps, texts] =
                app_text::listing(tenant_id, after(&page).ok().flatten(), page.limit());
            Plan::default().query(apps).query(texts)
        }
        Op::Create => {
            uploads::plan_of_body(incoming, tenant_id).query(catalogue::last_bucket(tenant_id))
        }
        Op::Download => app().and(id.map(|id| binaries(tenant_id, id)).unwrap_or_default()),
        Op::Delete => app().and(id.into_iter().flat_map(|id| {
            app::keys_of(tenant_id, id)
                .into_iter()
                .chain([keys::publication(tenant_id, id)])
        })),
        Op::NewVersion => app().and(uploads::plan_of_body(incoming, tenant_id).keys),
        _ => app(),
    }
}

/// The binaries that an id may mean.
fn binaries(tenant_id: TenantId, id: AppId) -> Vec<Key> {
    let kinds = id
        .kind()
        .map_or_else(|| BinaryType::ALL.to_vec(), |kind| vec![kind]);
    kinds
        .into_iter()
        .map(|kind| keys::binary(tenant_id, id, kind))
        .collect()
}

fn after(page: &Page<AppRef>) -> Result<Option<String>, Error> {
    page.cursor
        .map(|cursor| Ok(cursor.ours()?.sort_key()))
        .transpose()
}

/// Everything that the caller sees.
pub async fn list(call: Call<'_>) -> Result<Reply, Error> {
    listed(call, |_| true).await
}

/// What the caller can have: of what he sees, the apps in the store.
pub async fn list_of_user(call: Call<'_>) -> Result<Reply, Error> {
    listed(call, App::in_store).await
}

async fn listed(mut call: Call<'_>, wanted: impl Fn(&App) -> bool) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct ListView {
        applications: Vec<ApplicationView>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<String>,
    }
    let page: Page<AppRef> = call.body()?;
    let who = call.who()?;
    let sees_all = who.holds(Right::WriteStoreItems);
    let mut from = after(&page)?;
    let mut applications = Vec::new();
    let cursor = loop {
        let (found, next) =
            app_text::list(&mut call.reader, who.tenant_id, from, page.limit()).await?;
        let mut last = None;
        for app in native_app::shown_to(&mut call.reader, who, found)
            .await?
            .into_iter()
            .filter(|app| wanted(&app.app))
        {
            last = Some(app.app.id);
            applications.extend(views::ids(&app.app).into_iter().map(|id| {
                ApplicationView::of(
                    &app.app,
                    &app.text,
                    id,
                    app.platform,
                    &call.incoming.base_url,
                )
            }));
        }
        let read = next.as_deref().and_then(|sk| AppId::from_sort_key(sk).ok());
        match (read, last) {
            (None, _) => break None,
            (Some(read), _) if sees_all => break Some(read),
            // Where to go on must not name an app that the caller does not see.
            (Some(_), Some(last)) => break Some(last),
            (Some(_), None) => from = next,
        }
    };
    let cursor = cursor.map(|id| id.item().base64url());
    Reply::of(&ListView {
        applications,
        cursor,
    })
}

/// The app of the path, if the caller sees it; `beside` is what else of it will be read.
async fn subject(
    call: &mut Call<'_>,
    beside: impl Fn(AppId) -> Vec<Key>,
) -> Result<NativeApp, Error> {
    let who = call.who()?;
    let id = numbers::locate(
        &mut call.reader,
        who.tenant_id,
        call.incoming.param("application"),
    )
    .await?;
    let wanted = [native_app::keys_of(who.tenant_id, id), beside(id)].concat();
    call.reader.fetch_missing(&wanted).await?;
    let mut app = native_app::read(&mut call.reader, who.tenant_id, id).await?;
    if !numbers::visible(&app.app, who) {
        return Err(Error::not_found("There is no such application"));
    }
    app.id = shown_id(&app);
    Ok(app)
}

/// The id of the row that an app is shown as: that of a binary, where it has one.
fn shown_id(app: &NativeApp) -> AppId {
    native_app::shown_kind(&app.app, app.id)
        .map_or(app.app.id.item(), |kind| app.app.id.binary(kind))
}

#[derive(Serialize)]
struct OneView {
    application: ApplicationView,
    /// What older clients read of a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    update_application_result: Option<bool>,
}

impl OneView {
    fn reply(
        call: &Call<'_>,
        app: &NativeApp,
        update_application_result: Option<bool>,
    ) -> Result<Reply, Error> {
        Reply::of(&Self {
            application: ApplicationView::of_app(app, &call.incoming.base_url),
            update_application_result,
        })
    }
}

/// One app. A body is passed over: clients that poll send what they will say later.
pub async fn read(mut call: Call<'_>) -> Result<Reply, Error> {
    let app = subject(&mut call, |_| Vec::new()).await?;
    OneView::reply(&call, &app, None)
}

/// Refuses to put an app into the store before anything is done for it.
fn require_publisher(who: &Principal, said: &AppTextInput) -> Result<(), Error> {
    if said.enabled == Some(true) && !who.holds(Right::WriteStore) {
        return Err(Error::forbidden(format!(
            "enabled needs the permission {}",
            Right::WriteStore.permission_path().0
        )));
    }
    Ok(())
}

/// Changes an app: what is absent stays.
pub async fn update(mut call: Call<'_>) -> Result<Reply, Error> {
    let fields = Fields(call.body::<Map<String, Value>>()?);
    let (said, who) = (fields.input(Blank::Clears)?, call.who()?);
    let id = numbers::locate(
        &mut call.reader,
        who.tenant_id,
        call.incoming.param("application"),
    )
    .await?;
    let app = native_app::update(&mut call.reader, who, id, &said).await?;
    OneView::reply(&call, &app, Some(true))
}

/// A new app of a package, sent here or straight to the storage before.
pub async fn create(mut call: Call<'_>) -> Result<Reply, Error> {
    let who = call.who()?;
    let sent = uploads::Sent::of(&call).await?;
    require_publisher(who, &sent.said)?;
    let (file, said) = sent.file(&mut call, None).await?;
    let app = native_app::create(&mut call.reader, who, &file, &said).await?;
    OneView::reply(&call, &app, None)
}

/// A new version of an app, which is the live one then.
pub async fn new_version(mut call: Call<'_>) -> Result<Reply, Error> {
    let who = call.who()?;
    let sent = uploads::Sent::of(&call).await?;
    let id = numbers::locate(
        &mut call.reader,
        who.tenant_id,
        call.incoming.param("application"),
    )
    .await?;
    let app = native_app::read(&mut call.reader, who.tenant_id, id).await?;
    if !app.app.in_store() {
        require_publisher(who, &sent.said)?;
    }
    let name = sent.file_name();
    let added = async {
        let (file, said) = sent.file(&mut call, Some((&app.app, id))).await?;
        native_app::add_version(&mut call.reader, who, id, &file, &said).await
    };
    match added.await {
        Ok(app) => OneView::reply(&call, &app, None),
        Err(error) => {
            // Whoever watches the app hears of it as of any other upload that was refused.
            let kind = id.kind().or_else(|| file::package_kind(&name));
            upload::record_refusal(&call.reader, who, &app.app, kind, &name, &error).await?;
            Err(error)
        }
    }
}

/// Deletes an app, whatever dialect made it.
pub async fn delete(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct DeletedView {
        deleted_application: u32,
    }
    let who = call.who()?;
    let id = numbers::locate(
        &mut call.reader,
        who.tenant_id,
        call.incoming.param("application"),
    )
    .await?;
    let app = native_app::delete(&mut call.reader, who, id).await?;
    Reply::of(&DeletedView {
        deleted_application: numbers::of(
            &app,
            native_app::shown_kind(&app, id).map_or(id, |kind| id.binary(kind)),
        ),
    })
}

/// The kept versions of an app, newest first.
pub async fn list_versions(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct VersionsView {
        versions: Vec<KeptVersionView>,
    }
    let app = subject(&mut call, |_| Vec::new()).await?;
    Reply::of(&VersionsView {
        versions: VersionView::all(&app.app, &app.text, app.id.kind()),
    })
}

/// The way to an app's package, as it is handed out, with a row of the log.
pub async fn download(mut call: Call<'_>) -> Result<Reply, Error> {
    let who = call.who()?;
    let app = subject(&mut call, |id| binaries(who.tenant_id, id)).await?;
    let nothing = || Error::not_found("The application has no file yet");
    let kind = app.id.kind().ok_or_else(nothing)?;
    let live = app.app.binary(kind).ok_or_else(nothing)?.live;
    let binary = call
        .reader
        .get::<Binary>(&keys::binary(who.tenant_id, app.id, kind))
        .await?
        .ok_or_else(nothing)?
        .value;
    let version = binary.version(live).ok_or_else(nothing)?;
    let rows = audit::row(
        who,
        &app.app,
        kind,
        version.number,
        None,
        &call.incoming.address,
        call.reader.now(),
    )?;
    let presentation = Presentation {
        content_type: kind.content_type().to_owned(),
        file_name: format!(
            "{}-{}.{}",
            app.app.name,
            version.version_name,
            kind.extension()
        ),
    };
    let url = call
        .objects()?
        .sign_get(
            &keys::binary_object(who.tenant_id, &version.sha256),
            STORAGE_URL,
            &presentation,
        )
        .await?
        .url;
    call.reader.table().write(rows).await?;
    Ok(Reply::redirect(url))
}
