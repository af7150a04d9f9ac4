//! The older calls, JSON-RPC 2.0: publishing in three steps.

use std::borrow::Cow;

use lambda_http::{Body, Request};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::base::code::ErrorText;
use shared::base::error::{Error, Kind};
use shared::base::id::{AppId, BinaryType, TenantId};
use shared::domain::apps::upload::Announced;
use shared::domain::apps::{catalogue, file, numbers};
use shared::domain::publishing::native_app::NativeApp;
use shared::domain::publishing::{app_text, native_app, publishing_call};
use shared::domain::sign_in::sign_in::{Attempt, Throttled};
use shared::domain::sign_in::user_token;
use shared::http::incoming::{Incoming, MAX_JSON};
use shared::http::multipart;
use shared::http::path::Path;
use shared::http::pipeline::{Call, Plan};
use shared::http::reply::Reply;
use shared::http::routes::APPERIAN_CALLS;
use shared::http::routes::apperian_applications::Op;
use shared::model::apps::app_text::AppText;
use shared::model::apps::publication::Platform;
use shared::model::apps::upload::Target;
use shared::store::keys;

use crate::body::{Blank, Fields};
use crate::views;

const CALL: Path<1> = Op::CallUnknown.path(["method"]);

const UPLOAD: Path<0> = Op::UploadOfCall.path([]);

/// The part of the form that a file is sent in.
const FILE: &str = "LUuploadFile";

/// The path of the row that a call is for: that of all calls with its method behind it. `None` for
/// what is no call.
pub fn address(request: &Request) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Named {
        method: String,
    }
    if request.uri().path().trim_end_matches('/') != APPERIAN_CALLS {
        return None;
    }
    let body: &[u8] = match request.body() {
        Body::Text(text) => text.as_bytes(),
        Body::Binary(bytes) => bytes,
        _ => &[],
    };
    let named = if body.len() > MAX_JSON {
        None
    } else {
        serde_json::from_slice::<Named>(body).ok()
    };
    let fits = |method: &String| {
        !method.is_empty()
            && method.len() <= 100
            && method
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'_')
    };
    let method = named
        .map(|named| named.method)
        .filter(fits)
        .unwrap_or_else(|| "unknown".to_owned());
    Some(Cow::Owned(CALL.of([&method])))
}

/// What the operations here will read.
pub fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
    match op {
        Op::CallList => {
            let [apps, texts] = app_text::listing(tenant_id, None, None);
            Plan::default().query(apps).query(texts)
        }
        Op::CallUpdate => {
            let named = incoming.peek::<String>("appID").unwrap_or_default();
            let text = named
                .parse::<AppId>()
                .ok()
                .map(|id| keys::app_text(tenant_id, id));
            Plan::keys(numbers::keys_of(tenant_id, &named)).and(text)
        }
        Op::CallPublish => {
            let transaction = incoming
                .peek::<String>("transactionID")
                .and_then(|text| publishing_call::key_of(tenant_id, &text));
            let file = incoming
                .peek::<Files>("files")
                .and_then(|files| files.application)
                .map(|name| keys::file(tenant_id, &name));
            Plan::default()
                .and(transaction)
                .and(file)
                .query(catalogue::last_bucket(tenant_id))
        }
        _ => Plan::default(),
    }
}

/// A parameter that must be there.
fn required(name: &str, text: Option<String>) -> Result<String, Error> {
    text.filter(|text| !text.trim().is_empty())
        .ok_or_else(|| Error::invalid(ErrorText::of_field(name, "the parameter is missing")))
}

/// What calls name differently.
const NAMES: [(&str, &str); 5] = [
    ("name", "app_name"),
    ("shortdescription", "short_description"),
    ("longdescription", "long_description"),
    ("version", "version_num"),
    ("versionNotes", "version_note"),
];

/// An error in the words of calls.
fn in_words(error: Error) -> Error {
    let mut renamed = NAMES.iter().chain(&[("LUuploadFile", "app_file")]);
    let here = renamed
        .find(|(_, there)| error.field.as_deref() == Some(there))
        .map(|(here, _)| *here);
    match here {
        Some(here) => error.with_field_named(here),
        None => error,
    }
}

/// Name and password for a token. `organization` names the tenant where the host does not.
pub async fn call_authenticate(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Params {
        #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
        email: Option<String>,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
        password: Option<String>,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
        organization: Option<String>,
    }
    #[derive(Serialize)]
    struct TokenView<'a> {
        token: &'a str,
    }
    let params: Params = call.body()?;
    let (email, password) = (
        required("email", params.email)?,
        required("password", params.password)?,
    );
    let tenant_id = call
        .context
        .tenant_before_sign_in(&call.incoming.host, params.organization.as_deref())?;
    let (now, address) = (call.reader.now(), &call.incoming.address);
    let attempt = Attempt {
        of: Throttled::Password,
        tenant_id,
        name: email.trim(),
        password: &password,
        address,
        now,
    };
    let (token, _) = user_token::sign_in(&mut call.reader, attempt).await?;
    Reply::of(&TokenView {
        token: token.expose(),
    })
}

/// What is said of an app, as it is given back when it is published: every field is a text.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct MetadataView {
    author: String,
    #[serde(rename = "longdescription")]
    long_description: String,
    name: String,
    #[serde(rename = "shortdescription")]
    short_description: String,
    version: String,
    version_notes: String,
}

impl MetadataView {
    /// Of the row of an app that an id names.
    fn of(app: &NativeApp, id: AppId) -> Self {
        let NativeApp {
            app: app_record,
            text,
            ..
        } = app;
        let live = native_app::shown_kind(app_record, id)
            .and_then(|kind| Some((kind, app_record.binary(kind)?.live_version()?)));
        Self {
            author: text.author(app_record).to_owned(),
            long_description: text.long_description(app_record).to_owned(),
            name: app_record.name.to_string(),
            short_description: AppText::short_description(app_record),
            version: live.map_or_else(
                || app_record.version.clone(),
                |(kind, version)| text.version_num(app_record, kind, version),
            ),
            version_notes: live
                .map(|(kind, version)| text.version_note(app_record, kind, version))
                .unwrap_or_default(),
        }
    }
}

/// An app of a list. Clients find theirs by `bundleId` and by a `type` that has the extension of
/// its file in it.
#[derive(Serialize)]
struct ListedView {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "bundleId")]
    bundle_id: String,
    #[serde(rename = "bundleID")]
    bundle_id_as_documented: String,
    #[serde(rename = "type")]
    kind: &'static str,
    status: &'static str,
    #[serde(flatten)]
    metadata: MetadataView,
}

impl ListedView {
    fn of(app: &NativeApp, id: AppId) -> Self {
        let binary = id.kind().and_then(|kind| app.app.binary(kind));
        let android = binary.map_or(app.platform == Some(Platform::Android), |binary| {
            binary.kind == BinaryType::Android
        });
        let bundle_id = binary
            .map(|binary| binary.identifier.clone())
            .unwrap_or_default();
        Self {
            id: id.base64url(),
            bundle_id_as_documented: bundle_id.clone(),
            bundle_id,
            kind: if android { "APK" } else { "IPA" },
            status: if app.app.in_store() {
                "enabled"
            } else {
                "disabled"
            },
            metadata: MetadataView::of(app, id),
        }
    }
}

/// The native apps that the caller sees.
pub async fn call_list(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct ListView {
        applications: Vec<ListedView>,
    }
    call.incoming.readable()?;
    let who = call.who()?;
    let (found, _) = app_text::list(&mut call.reader, who.tenant_id, None, None).await?;
    let apps = native_app::shown_to(&mut call.reader, who, found).await?;
    let rows = apps.iter().flat_map(|app| {
        views::ids(&app.app)
            .into_iter()
            .map(move |id| ListedView::of(app, id))
    });
    Reply::of(&ListView {
        applications: rows.collect(),
    })
}

/// A publication that was begun.
#[derive(Serialize)]
struct BegunView {
    #[serde(rename = "EASEmetadata")]
    metadata: MetadataView,
    #[serde(rename = "fileUploadURL")]
    url: String,
    #[serde(rename = "transactionID")]
    transaction: String,
}

async fn begin(
    call: &mut Call<'_>,
    app: Option<AppId>,
    metadata: MetadataView,
) -> Result<Reply, Error> {
    let who = call.who()?;
    let transaction = publishing_call::begin(&mut call.reader, who, app).await?;
    let url = format!(
        "{}?transactionID={transaction}",
        UPLOAD.at(&call.incoming.base_url, [])
    );
    Reply::of(&BegunView {
        metadata,
        url,
        transaction,
    })
}

/// Begins the publication of a new app.
pub async fn call_create(mut call: Call<'_>) -> Result<Reply, Error> {
    call.incoming.readable()?;
    let author = call.who()?.owner.username.clone();
    begin(
        &mut call,
        None,
        MetadataView {
            author,
            ..MetadataView::default()
        },
    )
    .await
}

/// Begins the publication of a new version. What is said of the app is given to be sent back with
/// the changes.
pub async fn call_update(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Params {
        #[serde(
            default,
            rename = "appID",
            deserialize_with = "shared::base::lenient::optional_text"
        )]
        app_id: Option<String>,
    }
    let (params, who): (Params, _) = (call.body()?, call.who()?);
    let named = required("appID", params.app_id)?;
    let id = numbers::locate(&mut call.reader, who.tenant_id, named.trim()).await?;
    let app = native_app::read(&mut call.reader, who.tenant_id, id).await?;
    let metadata = MetadataView::of(&app, id);
    begin(&mut call, Some(id), metadata).await
}

#[derive(Deserialize)]
struct Files {
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    application: Option<String>,
}

/// Makes the app or the version, in one transaction and once: told again, the call answers the
/// same.
pub async fn call_publish(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Params {
        #[serde(default, rename = "EASEmetadata")]
        metadata: Option<Map<String, Value>>,
        #[serde(default)]
        files: Option<Files>,
        #[serde(
            default,
            rename = "transactionID",
            deserialize_with = "shared::base::lenient::optional_text"
        )]
        transaction: Option<String>,
    }
    #[derive(Serialize)]
    struct PublishedView {
        #[serde(rename = "appID")]
        app_id: String,
        status: &'static str,
    }
    let (params, who): (Params, _) = (call.body()?, call.who()?);
    let transaction = required("transactionID", params.transaction)?;
    let file = required(
        "files.application",
        params.files.and_then(|files| files.application),
    )?;
    let mut metadata = params.metadata.unwrap_or_default();
    let author = metadata.remove_entry("author");
    let said = NAMES
        .iter()
        .filter_map(|(here, there)| Some(((*there).to_owned(), metadata.remove(*here)?)))
        .chain(author)
        .collect();
    let said = Fields(said).input(Blank::SaysNothing).map_err(in_words)?;
    let app = publishing_call::end(&mut call.reader, who, &transaction, &file, &said)
        .await
        .map_err(in_words)?;
    Reply::of(&PublishedView {
        app_id: app.base64url(),
        status: "success",
    })
}

/// A call that there is not. What is no call at all is told first.
pub fn call_unknown(call: &Call<'_>) -> Result<Reply, Error> {
    call.incoming.readable()?;
    Err(Error::new(Kind::NoSuchOperation, "There is no such method"))
}

/// The file of a publication, in a form: it takes the way of every upload, and nothing uses it
/// before the publication ends.
pub async fn upload_of_call(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct FileView {
        #[serde(rename = "fileID")]
        file_id: String,
    }
    let transaction = call
        .incoming
        .peek::<String>("transactionID")
        .ok_or_else(Error::unauthenticated)?;
    let (who, app) = publishing_call::sender(&mut call.reader, &transaction).await?;
    let form = multipart::read_named(call.incoming, FILE).await?;
    let bytes = form
        .file
        .ok_or_else(|| Error::invalid(format!("{FILE} is missing")))?;
    let of_file = file::package_kind(&form.file_name);
    let kind = match app {
        Some(id) => {
            let app = native_app::read(&mut call.reader, who.tenant_id, id).await?;
            native_app::kind_of_version(&app.app, id, of_file).map_err(in_words)?
        }
        None => {
            of_file.ok_or_else(|| Error::invalid(format!("{FILE} must be named .apk or .ipa")))?
        }
    };
    let announced = Announced::whole(Target::Package(kind), form.file_name, &bytes);
    let upload = multipart::deliver(call.context, &mut call.reader, &who, announced, bytes).await?;
    let file_id = upload
        .file
        .ok_or_else(|| Error::internal("an upload that became nothing"))?;
    Reply::of(&FileView { file_id })
}
