//! Applications as this API shows them: one row per item and type of binary.

use serde::Serialize;
use serde_json::Value;
use shared::base::id::{AppId, BinaryType, Guid};
use shared::domain::apps::numbers;
use shared::domain::publishing::native_app::NativeApp;
use shared::http::dialect::apperian::APPERIAN_VERSIONS;
use shared::http::path::Path;
use shared::http::routes::apperian_applications::Op;
use shared::model::apps::app::{App, VersionSummary};
use shared::model::apps::app_text::{AppText, FormFactor};
use shared::model::apps::processing::SigningStatus;
use shared::model::apps::publication::Platform;

const DOWNLOAD: Path<1> = Op::Download.path(["application"]);

/// The version of the API that addresses name.
const VERSION: &str = APPERIAN_VERSIONS[0];

/// The document's numbers of native apps and of what they run on: every iOS, every Android.
const IOS: (u8, u16) = (0, 1);

const ANDROID: (u8, u16) = (3, 102);

/// An application. It goes by several names, and clients differ on which they read.
#[derive(Debug, Serialize)]
pub struct ApplicationView {
    id: String,
    #[serde(rename = "appID")]
    app_id_in_calls: String,
    app_id: String,
    psk: u32,
    app_psk: u32,
    bundle_id: String,
    #[serde(rename = "type")]
    kind: u8,
    operating_system: u16,
    enabled: bool,
    name: String,
    sort_weight: i32,
    reviews_enabled: bool,
    form_factor_override: Vec<FormFactor>,
    direct_download_binary_url: Option<String>,
    version: VersionView,
}

/// A version of an application. What clients do not expect of the two statuses makes them refuse a
/// whole list: there are no other words and numbers than the document's.
#[derive(Debug, Serialize)]
pub struct VersionView {
    psk: u32,
    app_name: String,
    author: String,
    short_description: String,
    long_description: String,
    version_num: String,
    version_note: String,
    created_date: String,
    wrap_status: i8,
    signing_status: Option<SigningStatus>,
    signing_status_details: Option<String>,
    install_file: InstallFileView,
    custom_metadata: Value,
}

#[derive(Debug, Serialize)]
struct InstallFileView {
    mime: Option<&'static str>,
    sign_credentials_id: Option<Guid>,
}

/// A version with whether it is the one that is handed out.
#[derive(Debug, Serialize)]
pub struct KeptVersionView {
    #[serde(flatten)]
    version: VersionView,
    live: bool,
}

/// The ids of an app's rows: of its binaries, or of itself as long as it has none.
pub fn ids(app: &App) -> Vec<AppId> {
    if app.binaries.is_empty() {
        vec![app.id.item()]
    } else {
        app.binaries
            .iter()
            .map(|binary| app.id.binary(binary.kind))
            .collect()
    }
}

/// The number of a version: 30 bits of its guid, always the same for the same version.
fn version_psk(guid: &Guid) -> u32 {
    guid.as_str().bytes().take(6).fold(0, |psk, byte| {
        psk << 5
            | u32::from(if byte.is_ascii_digit() {
                byte - b'2' + 26
            } else {
                byte.wrapping_sub(b'a') & 31
            })
    })
}

impl VersionView {
    fn new(app: &App, text: &AppText) -> Self {
        Self {
            psk: 0,
            app_name: app.name.to_string(),
            author: text.author(app).to_owned(),
            short_description: AppText::short_description(app),
            long_description: text.long_description(app).to_owned(),
            version_num: app.version.clone(),
            version_note: String::new(),
            created_date: app.created.rfc3339(),
            wrap_status: 0,
            signing_status: None,
            signing_status_details: None,
            install_file: InstallFileView {
                mime: None,
                sign_credentials_id: None,
            },
            custom_metadata: text.custom_metadata.clone(),
        }
    }

    fn of(app: &App, text: &AppText, kind: BinaryType, version: &VersionSummary) -> Self {
        let signing = version
            .processing
            .as_ref()
            .and_then(|processing| processing.signing.as_ref());
        Self {
            psk: version_psk(&version.guid),
            version_num: text.version_num(app, kind, version),
            version_note: text.version_note(app, kind, version),
            created_date: version.at.rfc3339(),
            wrap_status: version
                .processing
                .as_ref()
                .map_or(0, |processing| processing.status.code()),
            signing_status: signing.map(|signing| signing.status),
            signing_status_details: signing.map(|signing| signing.details.clone()),
            install_file: InstallFileView {
                mime: Some(kind.content_type()),
                sign_credentials_id: signing.map(|signing| signing.credential.clone()),
            },
            ..Self::new(app, text)
        }
    }

    /// The kept versions of a binary, newest first; none where the app has no such binary.
    pub fn all(app: &App, text: &AppText, kind: Option<BinaryType>) -> Vec<KeptVersionView> {
        let Some(binary) = kind.and_then(|kind| app.binary(kind)) else {
            return Vec::new();
        };
        let kept = |version: &VersionSummary| KeptVersionView {
            version: Self::of(app, text, binary.kind, version),
            live: version.number == binary.live,
        };
        binary.versions.iter().map(kept).collect()
    }
}

impl ApplicationView {
    /// The row of an app that an id names: that of a binary, or of the first one there is. Nothing
    /// is known of what an app without a file runs on but what a publisher said; it counts as iOS
    /// if nobody did.
    pub fn of(
        app: &App,
        text: &AppText,
        id: AppId,
        platform: Option<Platform>,
        base_url: &str,
    ) -> Self {
        let binary = id
            .kind()
            .and_then(|kind| app.binary(kind))
            .or_else(|| app.binaries.first());
        let shown = binary.map_or(app.id.item(), |binary| app.id.binary(binary.kind));
        let of_package = binary.map(|binary| {
            if binary.kind == BinaryType::Android {
                ANDROID
            } else {
                IOS
            }
        });
        let said = if platform == Some(Platform::Android) {
            ANDROID
        } else {
            IOS
        };
        let (kind, operating_system) = of_package.unwrap_or(said);
        let live = binary.and_then(|binary| Some((binary.kind, binary.live_version()?)));
        let number = numbers::of(app, shown);
        let name = shown.base64url();
        Self {
            app_id_in_calls: name.clone(),
            app_id: name.clone(),
            psk: number,
            app_psk: number,
            bundle_id: binary
                .map(|binary| binary.identifier.clone())
                .unwrap_or_default(),
            kind,
            operating_system,
            enabled: app.in_store(),
            name: app.name.to_string(),
            sort_weight: text.sort_weight,
            reviews_enabled: text.reviews_enabled,
            form_factor_override: text.form_factors.clone(),
            direct_download_binary_url: live
                .map(|_| format!("{base_url}{VERSION}{}", DOWNLOAD.of([&name]))),
            version: live.map_or_else(
                || VersionView::new(app, text),
                |(kind, version)| VersionView::of(app, text, kind, version),
            ),
            id: name,
        }
    }

    /// The row of an app as a request named it.
    pub fn of_app(app: &NativeApp, base_url: &str) -> Self {
        Self::of(&app.app, &app.text, app.id, app.platform, base_url)
    }
}
