//! An app as the publisher API shows it whole (001 7).
//!
//! The schema and the samples of the document have other keys for the same things; an answer has
//! both.

use std::collections::BTreeMap;

use serde::Serialize;
use shared::base::clock::Timestamp;
use shared::base::conditions::Validators;
use shared::base::error::Error;
use shared::base::id::{AppId, Guid, TenantId};
use shared::base::kind::AppKind;
use shared::domain::apps::life_cycle;
use shared::http::dialect::wso2_views::static_path;
use shared::http::path::Path;
use shared::http::routes::wso2_apps::Op;
use shared::http::routes::wso2_files;
use shared::model::apps::app::App;
use shared::model::apps::life_cycle::Action;
use shared::model::apps::publication::{Market, Platform, PolicyGroup, Publication, UriTemplate};
use shared::model::people::group::Group;
use shared::store::record::Reader;
use shared::store::{Key, keys};

/// The names of groups, by their guids.
pub type GroupNames = BTreeMap<Guid, String>;

/// The names of the groups that these apps are restricted to: one call, and none where no app is
/// restricted. A group that is gone has none.
///
/// # Errors
/// The store's.
pub async fn group_names(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    apps: impl IntoIterator<Item = &App>,
) -> Result<GroupNames, Error> {
    let mut wanted: Vec<Key> = apps
        .into_iter()
        .filter(|app| app.restrict_to_groups)
        .flat_map(|app| &app.groups)
        .map(|group| keys::group(tenant_id, group))
        .collect();
    wanted.sort();
    wanted.dedup();
    if wanted.is_empty() {
        return Ok(GroupNames::new());
    }
    let found = reader.get_all::<Group>(&wanted).await?;
    Ok(found
        .into_iter()
        .flatten()
        .map(|group| (group.value.guid, group.value.name.to_string()))
        .collect())
}

/// The state of an app that was named by `id`: its app record's revision counts every change of it.
pub fn validators(id: AppId, app: &App, rev: u64) -> Validators {
    Validators::of_record(&id.uuid(), rev, app.modified)
}

const APP: Path<2> = Op::Read.path(["appType", "appId"]);

const PACKAGE: Path<1> = wso2_files::Op::ReadBinary.path(["fileName"]);

/// The path at which an app is read.
pub fn location(app: &App, id: AppId) -> String {
    let listing = if app.kind == AppKind::Mobile {
        "mobileapp"
    } else {
        "webapp"
    };
    APP.of([&listing, &id.uuid()])
}

/// Where a picture is read.
fn picture(kind: AppKind, file: &str) -> String {
    let app_type = if kind == AppKind::Mobile {
        "mobileapp"
    } else {
        "webapp"
    };
    format!("{}?appType={app_type}", static_path(file))
}

/// An app's package.
#[derive(Clone, Debug, Serialize)]
pub struct MetaView {
    path: String,
    package: String,
    version: String,
    weburl: String,
}

/// A policy group.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyGroupView {
    policy_group_id: u32,
    policy_group_name: String,
    description: String,
    throttling_tier: String,
    user_roles: Vec<String>,
    policy_partial_mapping: Vec<String>,
    allow_anonymous_access: String,
}

impl PolicyGroupView {
    fn of(group: &PolicyGroup) -> Self {
        Self {
            policy_group_id: group.id,
            policy_group_name: group.name.clone(),
            description: group.description.clone(),
            throttling_tier: group.throttling_tier.clone(),
            user_roles: group.user_roles.clone(),
            policy_partial_mapping: group.partials.iter().map(u32::to_string).collect(),
            allow_anonymous_access: group.allow_anonymous.to_string(),
        }
    }
}

/// A part of a web app.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UriTemplateView {
    id: u32,
    url_pattern: String,
    http_verb: String,
    policy_group_name: String,
    policy_group_id: u32,
}

impl UriTemplateView {
    fn of(template: &UriTemplate, groups: &[PolicyGroup]) -> Self {
        let group = groups
            .iter()
            .find(|group| group.id == template.policy_group);
        Self {
            id: template.id,
            url_pattern: template.url_pattern.clone(),
            http_verb: template.http_verb.clone(),
            policy_group_name: group.map(|group| group.name.clone()).unwrap_or_default(),
            policy_group_id: template.policy_group,
        }
    }
}

/// A custom property.
#[derive(Clone, Debug, Serialize)]
pub struct PropertyView {
    name: String,
    value: String,
}

/// An app with everything: the keys of the schema `App` first, then those that only the samples
/// have.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AppView {
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    appmeta: MetaView,
    uri_templates: Vec<UriTemplateView>,
    policy_groups: Vec<PolicyGroupView>,
    market_type: String,
    recent_changes: String,
    icon: String,
    is_site: String,
    description: String,
    context: String,
    version: String,
    #[serde(rename = "logoutURL")]
    logout_url: String,
    business_owner_id: String,
    visible_tenants: Vec<String>,
    claims: Vec<String>,
    tracking_code: String,
    skip_gateway: String,
    allow_anonymous_access: String,
    acs_url: String,
    provider: String,
    app_definition: String,
    is_default_version: bool,
    transport: String,
    tags: Vec<String>,
    thumbnail_url: String,
    visible_roles: Vec<String>,
    path: String,
    resource_id: String,
    lifecycle: &'static str,
    lifecycle_state: String,
    rating: f32,
    #[serde(rename = "appUrL")]
    app_ur_l: String,
    bundleversion: String,
    category: String,
    display_name: String,
    screenshots: Vec<String>,
    banner: String,
    createdtime: String,
    platform: &'static str,
    app_type: String,
    media_type: String,
    lifecycle_available_actions: String,
    created_time: String,
    custom_properties: Vec<PropertyView>,
    service_provider_creation_enabled: bool,
    #[serde(rename = "previousVersionAppID")]
    previous_version_app_id: String,
    uuid: String,
    app_id: String,
    app_name: String,
    app_provider: String,
    app_url: String,
    app_visibility: Vec<String>,
    available_lifecycle_actions: Vec<&'static str>,
    lifecycle_status: String,
    package_name: String,
    bundle_version: String,
    thumbnail: String,
    #[serde(rename = "screenShots")]
    screen_shots: Vec<String>,
}

/// 20 digits of milliseconds, as the original pads them.
fn padded(at: Timestamp) -> String {
    format!("{:020}", at.0.max(0))
}

/// An app whole, as `id` names it: that of one of its binaries, or its own. Items of other dialects
/// have no publication of their own: `Publication::default()` shows them.
pub fn whole_view(app: &App, publication: &Publication, id: AppId, groups: &GroupNames) -> AppView {
    let mobile = app.kind == AppKind::Mobile;
    let binary = id.kind().and_then(|kind| app.binary(kind));
    let live = binary.and_then(|binary| binary.live_version());
    let platform = binary
        .map(|binary| Platform::of(binary.kind))
        .or(publication.platform);
    let appmeta = match binary {
        Some(binary) => MetaView {
            path: live
                .map(|live| PACKAGE.of([&live.shown_file(binary.kind)]))
                .unwrap_or_default(),
            package: binary.identifier.clone(),
            version: live
                .map(|live| live.version_name.clone())
                .unwrap_or_default(),
            weburl: String::new(),
        },
        None => MetaView {
            path: String::new(),
            package: publication.package.clone(),
            version: publication.package_version.clone(),
            weburl: publication.web_url.clone(),
        },
    };
    let shown = |file: &Option<String>| {
        file.as_ref()
            .map(|file| picture(app.kind, file))
            .unwrap_or_default()
    };
    // An item of the other dialect has its icon under its guid.
    let own_icon = || {
        if mobile {
            picture(app.kind, &format!("{}.png", app.id.guid()))
        } else {
            String::new()
        }
    };
    let thumbnail = if publication.thumbnail.is_some() {
        shown(&publication.thumbnail)
    } else {
        own_icon()
    };
    let screenshots: Vec<String> = publication
        .screenshots
        .iter()
        .map(|file| picture(app.kind, file))
        .collect();
    let actions: Vec<&'static str> = life_cycle::actions(app.kind, app.state)
        .into_iter()
        .map(Action::title)
        .collect();
    let restricted = app.groups.iter().filter(|_| app.restrict_to_groups);
    let visible_roles: Vec<String> = restricted
        .filter_map(|group| groups.get(group).cloned())
        .collect();
    let name = app.listed_name().to_owned();
    let app_url = if mobile {
        publication.web_url.clone()
    } else {
        publication.app_url.clone()
    };
    let context = app.context.clone().unwrap_or_default();
    AppView {
        id: id.uuid(),
        uuid: id.uuid(),
        app_id: id.uuid(),
        display_name: publication
            .display_name
            .as_ref()
            .map_or_else(|| name.clone(), ToString::to_string),
        app_name: name.clone(),
        name,
        kind: if mobile { "mobileapp" } else { "webapp" },
        uri_templates: publication
            .uri_templates
            .iter()
            .map(|template| UriTemplateView::of(template, &publication.policy_groups))
            .collect(),
        policy_groups: publication
            .policy_groups
            .iter()
            .map(PolicyGroupView::of)
            .collect(),
        // What another dialect gave a binary is an app of the company, whatever it was made as.
        market_type: publication
            .market
            .map(|kept| {
                if binary.is_some() {
                    Market::Enterprise
                } else {
                    kept
                }
                .as_str()
                .to_owned()
            })
            .unwrap_or_default(),
        recent_changes: publication.recent_changes.clone(),
        icon: thumbnail.clone(),
        thumbnail_url: thumbnail.clone(),
        thumbnail,
        is_site: (app.kind == AppKind::Site).to_string(),
        description: app.description.to_string(),
        path: context.clone(),
        context,
        version: app.listed_version(id),
        logout_url: publication.logout_url.clone(),
        business_owner_id: app
            .business_owner
            .map(|owner| owner.to_string())
            .unwrap_or_default(),
        visible_tenants: publication.visible_tenants.clone(),
        claims: publication.claims.clone(),
        tracking_code: publication.tracking_code.clone(),
        skip_gateway: publication.skip_gateway.to_string(),
        allow_anonymous_access: publication.allow_anonymous.to_string(),
        acs_url: publication.acs_url.clone(),
        provider: app.provider.clone(),
        app_provider: app.provider.clone(),
        app_definition: publication.app_definition.clone(),
        is_default_version: publication.default_version,
        transport: publication.transport.clone(),
        tags: app.tags.clone(),
        app_visibility: visible_roles.clone(),
        visible_roles,
        resource_id: id.uuid(),
        lifecycle: if mobile {
            "MobileAppLifeCycle"
        } else {
            "WebAppLifeCycle"
        },
        lifecycle_state: app.state.upper(),
        lifecycle_status: app.state.upper().replace('-', ""),
        rating: 0.0,
        app_ur_l: app_url.clone(),
        app_url,
        bundleversion: appmeta.version.clone(),
        bundle_version: appmeta.version.clone(),
        package_name: appmeta.package.clone(),
        appmeta,
        category: publication.category.clone(),
        screen_shots: screenshots.clone(),
        screenshots,
        banner: shown(&publication.banner),
        createdtime: padded(app.created),
        created_time: padded(app.created),
        platform: platform.map(Platform::as_str).unwrap_or_default(),
        app_type: if publication.app_type.is_empty() {
            platform
                .map(Platform::as_str)
                .unwrap_or("webapp")
                .to_owned()
        } else {
            publication.app_type.clone()
        },
        media_type: publication.media_type.clone(),
        lifecycle_available_actions: actions.join(", "),
        available_lifecycle_actions: actions,
        custom_properties: publication
            .custom_properties
            .iter()
            .map(|property| PropertyView {
                name: property.name.clone(),
                value: property.value.clone(),
            })
            .collect(),
        service_provider_creation_enabled: publication.service_provider,
        previous_version_app_id: publication.previous.map(AppId::uuid).unwrap_or_default(),
    }
}
