//! Making and changing apps as their publishers say it (001 4, 5, 8, 10): what a body says becomes
//! the app record, the publication, the claims and the links of an app, all in one transaction.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::base::conditions::{Conditions, Validators};
use crate::base::error::{Error, Kind};
use crate::base::id::{AppId, BinaryType, Guid, TenantId};
use crate::base::kind::{AppKind, Listing};
use crate::base::rights::{Right, Role};
use crate::base::text::{Description, Name};
use crate::change;
use crate::domain::apps::app::NewVersion;
use crate::domain::apps::{
    app, business_owner, catalogue, file, line, links, making, policy_partial, publication, tier,
};
use crate::domain::events::event;
use crate::domain::people::roles;
use crate::model::apps::analysis::PackageAnalysis;
use crate::model::apps::app::{App, Binary, Icon, MAX_GROUPS};
use crate::model::apps::file::{Content, StoredFile};
use crate::model::apps::life_cycle::LifeCycleState;
use crate::model::apps::line::ContextClaim;
use crate::model::apps::publication::{
    CustomProperty, Market, Platform, PolicyGroup, Publication, UriTemplate,
};
use crate::model::events::event::Event;
use crate::model::people::group::{Group, GroupName};
use crate::model::people::principal::Principal;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Key, MAX_TRANSACTION, Write, keys, record};

/// What a body says of an app's package (`appmeta`).
#[derive(Clone, Debug, Default)]
pub struct PackageInput {
    /// Where the uploaded file is; its last segment names it.
    pub path: Option<String>,
    /// The package.
    pub package: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The page.
    pub web_url: Option<String>,
}

/// What a body says of a policy group.
#[derive(Clone, Debug, Default)]
pub struct PolicyGroupInput {
    /// Its number, where it has one already.
    pub id: Option<u32>,
    /// Its name.
    pub name: String,
    /// What it is. What is absent of a group stays as it is where there is such a group already.
    pub description: Option<String>,
    /// Its tier.
    pub throttling_tier: Option<String>,
    /// The roles that get in.
    pub user_roles: Option<Vec<String>>,
    /// Its policy partials.
    pub partials: Option<Vec<u32>>,
    /// Whether nobody in particular gets in.
    pub allow_anonymous: Option<bool>,
}

/// What a body says of a part of a web app.
#[derive(Clone, Debug, Default)]
pub struct UriTemplateInput {
    /// Its number, where it has one already.
    pub id: Option<u32>,
    /// Its paths.
    pub url_pattern: String,
    /// Its method.
    pub http_verb: String,
    /// The name of its policy group.
    pub group_name: Option<String>,
    /// The number of its policy group.
    pub group_id: Option<u32>,
}

/// What a body says of an app: what is absent is `None`, and stays as it is where there is an app
/// already.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the card's and the publication's own names")]
pub struct AppInput {
    pub name: Option<Name>,
    pub version: Option<String>,
    pub display_name: Option<Name>,
    pub description: Option<Description>,
    pub platform: Option<Platform>,
    pub market: Option<Market>,
    pub package: Option<PackageInput>,
    pub category: Option<String>,
    pub banner: Option<String>,
    pub thumbnail: Option<String>,
    pub screenshots: Option<Vec<String>>,
    pub recent_changes: Option<String>,
    pub app_type: Option<String>,
    pub media_type: Option<String>,
    pub app_url: Option<String>,
    pub transport: Option<String>,
    pub logout_url: Option<String>,
    pub acs_url: Option<String>,
    pub tracking_code: Option<String>,
    pub app_definition: Option<String>,
    pub skip_gateway: Option<bool>,
    pub allow_anonymous: Option<bool>,
    pub service_provider: Option<bool>,
    pub default_version: Option<bool>,
    pub site: Option<bool>,
    pub visible_tenants: Option<Vec<String>>,
    pub claims: Option<Vec<String>>,
    pub tags: Option<Vec<String>>,
    pub visible_roles: Option<Vec<String>>,
    pub custom_properties: Option<Vec<CustomProperty>>,
    /// The outer `None` is absence; the inner one takes the owner away.
    pub business_owner: Option<Option<u32>>,
    pub context: Option<String>,
    pub policy_groups: Option<Vec<PolicyGroupInput>>,
    pub uri_templates: Option<Vec<UriTemplateInput>>,
}

/// Most bytes of a publication as it is kept: DynamoDB holds 400 KB in an item.
pub const MAX_PUBLICATION: usize = 250_000;

/// Most screenshots of an app.
pub const MAX_SCREENSHOTS: usize = 3;

/// Longest context, in characters.
const MAX_CONTEXT: usize = 200;

/// The file that a reference names: what stands behind its last slash, without a query.
fn file_name(reference: &str) -> &str {
    file::last_segment(reference.split(['?', '#']).next().unwrap_or_default())
}

/// A text that says something.
fn filled(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}

fn mandatory(field: &str) -> Error {
    Error::invalid(format!("{field} is mandatory"))
}

/// A context as it is kept: with one slash in front and none at the end.
///
/// # Errors
/// Invalid for one of nothing but slashes, beyond 200 characters, or with characters that no path
/// has.
pub fn normal_context(text: &str) -> Result<String, Error> {
    let path = text.trim().trim_matches('/');
    let fits = !path.is_empty() && path.chars().count() < MAX_CONTEXT;
    let unclear =
        |c: char| c.is_control() || c.is_whitespace() || matches!(c, '?' | '#' | '\\' | ';' | '%');
    if !fits
        || path.chars().any(unclear)
        || path
            .split('/')
            .any(|segment| matches!(segment, "" | "." | ".."))
    {
        return Err(Error::invalid(format!(
            "context is a path of at most {MAX_CONTEXT} characters"
        )));
    }
    Ok(format!("/{path}"))
}

/// Whether a web app has that context already.
///
/// # Errors
/// As [`normal_context`]; the store's.
pub async fn context_exists(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    context: &str,
) -> Result<bool, Error> {
    Ok(reader
        .get::<ContextClaim>(&keys::context(tenant_id, &normal_context(context)?))
        .await?
        .is_some())
}

impl AppInput {
    /// The items that judging what is said reads, for fetching them in one call.
    pub fn wanted(&self, tenant_id: TenantId) -> Vec<Key> {
        let path = self
            .package
            .as_ref()
            .and_then(|package| package.path.as_ref());
        let pictures = self
            .screenshots
            .iter()
            .flatten()
            .chain(&self.banner)
            .chain(&self.thumbnail);
        let mut wanted: Vec<Key> = pictures
            .chain(path)
            .filter(|reference| !reference.trim().is_empty())
            .map(|reference| keys::file(tenant_id, file_name(reference)))
            .collect();
        let roles = self
            .policy_groups
            .iter()
            .flatten()
            .filter_map(|group| group.user_roles.as_ref())
            .flatten()
            .filter(|role| role.parse::<Role>().is_err());
        wanted.extend(
            roles
                .chain(self.visible_roles.iter().flatten())
                .map(|name| keys::group_name(tenant_id, name)),
        );
        wanted.extend(
            self.policy_groups
                .iter()
                .flatten()
                .filter_map(|group| group.partials.as_ref())
                .flatten()
                .map(|partial| keys::partial(tenant_id, *partial)),
        );
        wanted.extend(
            self.business_owner
                .flatten()
                .map(|owner| keys::business_owner(tenant_id, owner)),
        );
        wanted.extend(
            self.context
                .as_deref()
                .and_then(|context| normal_context(context).ok())
                .map(|context| keys::context(tenant_id, &context)),
        );
        wanted.sort();
        wanted.dedup();
        wanted
    }

    /// The same for making an app: what it will claim too.
    pub fn wanted_for_new(&self, tenant_id: TenantId, listing: Listing) -> Vec<Key> {
        let mut wanted = self.wanted(tenant_id);
        wanted.extend(self.name.as_ref().map(|name| {
            keys::app_name(
                tenant_id,
                publication::claimed_among(listing),
                name.as_str(),
            )
        }));
        wanted
    }

    fn package(&self) -> PackageInput {
        self.package.clone().unwrap_or_default()
    }

    /// What a new app must have, in the order in which the original asks for it.
    fn require(&self, mobile: bool) -> Result<(), Error> {
        let need = |there: bool, field: &str| if there { Ok(()) } else { Err(mandatory(field)) };
        need(self.name.is_some(), "name")?;
        need(filled(self.version.as_ref()).is_some(), "version")?;
        need(self.display_name.is_some(), "displayName")?;
        if !mobile {
            return need(filled(self.context.as_ref()).is_some(), "context");
        }
        need(self.platform.is_some(), "platform")?;
        need(self.market.is_some(), "marketType")?;
        need(self.package.is_some(), "appmeta")?;
        let package = self.package();
        match self.market {
            Some(Market::Webapp) => {
                need(filled(package.web_url.as_ref()).is_some(), "appmeta.weburl")?
            }
            market => {
                need(
                    market == Some(Market::Public) || filled(package.path.as_ref()).is_some(),
                    "appmeta.path",
                )?;
                need(
                    filled(package.package.as_ref()).is_some(),
                    "appmeta.package",
                )?;
            }
        }
        need(
            filled(package.version.as_ref()).is_some(),
            "appmeta.version",
        )?;
        need(
            self.description
                .as_ref()
                .is_some_and(|text| !text.as_str().trim().is_empty()),
            "description",
        )?;
        need(filled(self.category.as_ref()).is_some(), "category")?;
        need(filled(self.banner.as_ref()).is_some(), "banner")?;
        need(filled(self.thumbnail.as_ref()).is_some(), "thumbnailUrl")?;
        need(
            self.screenshots.as_ref().is_some_and(|all| !all.is_empty()),
            "screenshots",
        )
    }
}

/// Under which conditions a change was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Guard<'a> {
    /// The request's `If-…` headers.
    pub conditions: &'a Conditions,
    /// Whether there must be one.
    pub required: bool,
}

impl Guard<'_> {
    fn judge(&self, id: AppId, found: &Stored<App>) -> Result<(), Error> {
        self.conditions.judge_change(
            &Validators::of_record(&id.uuid(), found.rev, found.value.modified),
            self.required,
        )
    }
}

/// An app as a change left it.
#[derive(Clone, Debug)]
pub struct Published {
    /// The id under which it is shown.
    pub id: AppId,
    /// Its app record.
    pub app: App,
    /// The app record's revision.
    pub rev: u64,
    /// What its publishers say of it.
    pub publication: Publication,
}

/// What is linked to an app before a change, and what its body is judged beside.
struct Start {
    owner: Option<u32>,
    partials: Vec<u32>,
    /// What the version that this one is made of is mapped to.
    inherited: Vec<u32>,
    /// The roles that were named before: they may be gone since.
    roles: Vec<String>,
    /// Whether the numbers of groups and templates that a body names must be there.
    known_numbers: bool,
}

impl Start {
    fn of(app: &App, publication: &Publication) -> Self {
        let roles = publication
            .policy_groups
            .iter()
            .flat_map(|group| group.user_roles.clone())
            .collect();
        Self {
            owner: app.business_owner,
            partials: publication.partials(),
            inherited: Vec::new(),
            roles,
            known_numbers: true,
        }
    }

    fn new() -> Self {
        Self {
            owner: None,
            partials: Vec::new(),
            inherited: Vec::new(),
            roles: Vec::new(),
            known_numbers: false,
        }
    }

    fn version_of(publication: &Publication) -> Self {
        let roles = publication
            .policy_groups
            .iter()
            .flat_map(|group| group.user_roles.clone())
            .collect();
        Self {
            inherited: publication.partials(),
            roles,
            ..Self::new()
        }
    }
}

/// A change of one app that is being put together.
struct Draft<'r, 'a> {
    reader: &'r mut Reader<'a>,
    who: &'r Principal,
    said: &'r AppInput,
    app: &'r mut App,
    publication: &'r mut Publication,
    writes: Vec<Write>,
    /// The icon of a new thumbnail, base64.
    icon: Option<String>,
}

impl Draft<'_, '_> {
    /// The plain fields.
    fn texts(&mut self) {
        fn set<T: Clone>(to: &mut T, said: Option<&T>) {
            if let Some(said) = said {
                to.clone_from(said);
            }
        }
        let (app, to, said) = (&mut *self.app, &mut *self.publication, self.said);
        set(&mut app.description, said.description.as_ref());
        set(&mut app.tags, said.tags.as_ref());
        // An app without a name for people shows its own: sent back, that is none.
        if said
            .display_name
            .as_ref()
            .is_some_and(|name| to.display_name.is_some() || name.as_str() != app.listed_name())
        {
            to.display_name.clone_from(&said.display_name);
        }
        set(&mut to.category, said.category.as_ref());
        set(&mut to.recent_changes, said.recent_changes.as_ref());
        set(&mut to.app_type, said.app_type.as_ref());
        set(&mut to.media_type, said.media_type.as_ref());
        set(&mut to.visible_tenants, said.visible_tenants.as_ref());
        set(&mut to.custom_properties, said.custom_properties.as_ref());
        if app.kind == AppKind::Mobile {
            return;
        }
        set(&mut to.app_url, said.app_url.as_ref());
        set(&mut to.transport, said.transport.as_ref());
        set(&mut to.logout_url, said.logout_url.as_ref());
        set(&mut to.acs_url, said.acs_url.as_ref());
        set(&mut to.tracking_code, said.tracking_code.as_ref());
        set(&mut to.app_definition, said.app_definition.as_ref());
        set(&mut to.skip_gateway, said.skip_gateway.as_ref());
        set(&mut to.allow_anonymous, said.allow_anonymous.as_ref());
        set(&mut to.service_provider, said.service_provider.as_ref());
        set(&mut to.claims, said.claims.as_ref());
        if let Some(site) = said.site {
            app.kind = if site { AppKind::Site } else { AppKind::Web };
        }
    }

    async fn picture(&mut self, field: &str, reference: &str) -> Result<StoredFile, Error> {
        let name = file_name(reference);
        let found = file::find(self.reader, self.who.tenant_id, name)
            .await?
            .map(|found| found.value);
        match &found {
            Some(StoredFile {
                content: Content::Static { media_type, .. },
                ..
            }) if media_type.starts_with("image/") => {}
            Some(_) => {
                return Err(Error::invalid(format!(
                    "{field}: the file {name} is no picture"
                )));
            }
            None => {
                return Err(Error::invalid(format!(
                    "{field}: there is no uploaded file {name}"
                )));
            }
        }
        found.ok_or_else(|| Error::internal("a picture is lost"))
    }

    /// The pictures. A mobile app must keep what it must have: a blank reference says nothing
    /// there.
    async fn pictures(&mut self) -> Result<(), Error> {
        let said = self.said;
        let mobile = self.app.kind == AppKind::Mobile;
        let blank = |reference: &String| reference.trim().is_empty();
        if let Some(reference) = said
            .banner
            .as_ref()
            .filter(|reference| !mobile || !blank(reference))
        {
            let same = self.publication.banner.as_deref() == Some(file_name(reference));
            if blank(reference) {
                self.publication.banner = None;
            } else if !same {
                self.publication.banner = Some(self.picture("banner", reference).await?.name);
            }
        }
        let own = format!("{}.png", self.app.id.guid());
        if let Some(reference) = said
            .thumbnail
            .as_ref()
            .filter(|reference| (!mobile || !blank(reference)) && file_name(reference) != own)
        {
            let same = self.publication.thumbnail.as_deref() == Some(file_name(reference));
            if blank(reference) {
                self.publication.thumbnail = None;
            } else if !same {
                let found = self.picture("thumbnailUrl", reference).await?;
                if let Content::Static { icon, .. } = found.content {
                    self.icon = icon;
                }
                self.publication.thumbnail = Some(found.name);
            }
        }
        if let Some(references) = &said.screenshots {
            if references.len() > MAX_SCREENSHOTS {
                return Err(Error::invalid(format!(
                    "screenshots: at most {MAX_SCREENSHOTS}"
                )));
            }
            let mut names = Vec::new();
            for reference in references {
                let name = file_name(reference).to_owned();
                let kept = self.publication.screenshots.contains(&name);
                names.push(if kept {
                    name
                } else {
                    self.picture("screenshots", reference).await?.name
                });
            }
            if names.is_empty() && mobile && !self.publication.screenshots.is_empty() {
                return Err(mandatory("screenshots"));
            }
            self.publication.screenshots = names;
        }
        Ok(())
    }

    async fn owner(&mut self, start: &Start) -> Result<(), Error> {
        if let Some(owner) = self.said.business_owner {
            self.app.business_owner = owner;
        }
        let writes = business_owner::assign(
            self.reader,
            self.who.tenant_id,
            start.owner,
            self.app.business_owner,
        )
        .await?;
        self.writes.extend(writes);
        Ok(())
    }

    /// The policy groups, the templates that belong to them, and the partials that they are mapped
    /// to.
    async fn access(&mut self, start: &Start) -> Result<(), Error> {
        let said = self.said;
        if self.app.kind == AppKind::Mobile {
            return Ok(());
        }
        let before = std::mem::take(&mut self.publication.policy_groups);
        // The number that a body calls a group by, which for a new app is not the one it gets.
        let mut numbers = BTreeMap::<u32, u32>::new();
        let mut groups = Vec::new();
        if let Some(wanted) = &said.policy_groups {
            self.roles(wanted, &start.roles).await?;
            for group in wanted {
                let id = number_of_group(group, &before, start.known_numbers)?;
                numbers.extend(group.id.map(|said| (said, id)));
                let former = before.iter().find(|former| {
                    Some(former.id) == group.id || (group.id.is_none() && former.name == group.name)
                });
                groups.push(policy_group(id, group, former)?);
            }
        } else {
            groups.clone_from(&before);
        }
        if groups.iter().enumerate().any(|(at, group)| {
            groups[..at]
                .iter()
                .any(|other| other.name == group.name || other.id == group.id)
        }) {
            return Err(Error::invalid(
                "policyGroups: two groups have one name or one number",
            ));
        }
        let templates = std::mem::take(&mut self.publication.uri_templates);
        self.publication.uri_templates = match &said.uri_templates {
            Some(wanted) => wanted
                .iter()
                .map(|template| {
                    uri_template(template, &groups, &numbers, &templates, start.known_numbers)
                })
                .collect::<Result<_, _>>()?,
            // A template whose group is gone goes to the new one of its name. Without one the paths
            // would fall to others.
            None => templates
                .into_iter()
                .map(|template| moved(template, &before, &groups))
                .collect::<Result<_, _>>()?,
        };
        self.publication.policy_groups = groups;
        let after = self.publication.partials();
        let kept: Vec<u32> = start
            .inherited
            .iter()
            .copied()
            .filter(|id| after.contains(id))
            .collect();
        self.writes.extend(policy_partial::copied(
            self.who.tenant_id,
            self.app.id,
            &kept,
        )?);
        let linked: Vec<u32> = start.partials.iter().chain(&kept).copied().collect();
        let writes = policy_partial::map(
            self.reader,
            self.who.tenant_id,
            &self.who.owner.user,
            self.app.id,
            &linked,
            &after,
        )
        .await?;
        self.writes.extend(writes);
        Ok(())
    }

    /// User roles are roles of the platform or groups of store items.
    async fn roles(&mut self, groups: &[PolicyGroupInput], before: &[String]) -> Result<(), Error> {
        let named = groups
            .iter()
            .filter_map(|group| group.user_roles.as_ref())
            .flatten()
            .filter(|role| !before.contains(role))
            .cloned();
        roles::require(
            self.reader,
            self.who.tenant_id,
            "userRoles",
            &named.collect::<Vec<_>>(),
        )
        .await
    }

    async fn groups_named(&mut self, field: &str, names: Vec<&String>) -> Result<Vec<Guid>, Error> {
        let wanted: Vec<Key> = names
            .iter()
            .map(|name| keys::group_name(self.who.tenant_id, name))
            .collect();
        let found = self.reader.get_all::<GroupName>(&wanted).await?;
        let named = names.iter().zip(found).map(|(name, found)| match found {
            Some(found) => Ok(found.value.group),
            None => Err(Error::invalid(format!("{field}: there is no group {name}"))),
        });
        named.collect()
    }

    /// Who sees it in the store. Groups of an item that is not restricted to them stay where a body
    /// says nothing of roles.
    async fn visible_roles(&mut self) -> Result<(), Error> {
        let Some(names) = &self.said.visible_roles else {
            return Ok(());
        };
        // Who is restricted to groups that are gone shows none: sent back, that must not open it to
        // everybody.
        if names.is_empty()
            && (!self.app.restrict_to_groups || self.groups_there().await?.is_empty())
        {
            return Ok(());
        }
        let groups = self
            .groups_named("visibleRoles", names.iter().collect())
            .await?;
        self.app.restrict_to_groups = !groups.is_empty();
        self.regroup(&groups).await
    }

    /// The groups of the app record that are not gone.
    async fn groups_there(&mut self) -> Result<Vec<Guid>, Error> {
        there(self.reader, self.who.tenant_id, &self.app.groups).await
    }

    async fn regroup(&mut self, groups: &[Guid]) -> Result<(), Error> {
        let writes = links::regroup(self.reader, self.who.tenant_id, self.app, groups)
            .await
            .map_err(|error| match error.kind {
                Kind::NotFound => Error::invalid("visibleRoles: a group is gone"),
                Kind::Invalid => Error::invalid(format!("visibleRoles: at most {}", MAX_GROUPS)),
                _ => error,
            })?;
        self.writes.extend(writes);
        Ok(())
    }

    /// Platform, market and package of a mobile app; `id` is the one that it was named by.
    async fn package(&mut self, id: AppId) -> Result<(), Error> {
        if self.app.kind != AppKind::Mobile {
            return Ok(());
        }
        let shown = id
            .kind()
            .and_then(|kind| self.app.binary(kind))
            .or_else(|| self.app.binaries.first())
            .cloned();
        let current = shown
            .as_ref()
            .map(|binary| Platform::of(binary.kind))
            .or(self.publication.platform);
        if let (Some(said), Some(current)) = (self.said.platform, current)
            && said != current
        {
            return Err(Error::invalid(format!(
                "platform cannot be changed: it is {}",
                current.as_str()
            )));
        }
        self.publication.platform = current.or(self.said.platform);
        // A binary may have come by another dialect: then it is an app of the company, whatever it
        // was made as.
        let kept = if shown.is_some() {
            Some(Market::Enterprise)
        } else {
            self.publication.market
        };
        let said_market = self
            .said
            .market
            .filter(|said| shown.is_none() || Some(*said) != self.publication.market);
        self.publication.market = said_market.or(kept);
        let platform = self.publication.platform;
        let market = self.publication.market;
        if market.is_some_and(|market| {
            (market == Market::Webapp) != (platform == Some(Platform::Webapp))
        }) {
            return Err(Error::invalid(
                "marketType is webapp for the platform webapp, and enterprise or public for the \
                    others",
            ));
        }
        let said = self.said.package();
        let live = shown
            .as_ref()
            .and_then(|binary| binary.live_version().cloned());
        let path = filled(said.path.as_ref()).map(file_name);
        let current_file = shown
            .as_ref()
            .zip(live.as_ref())
            .map(|(binary, live)| live.shown_file(binary.kind));
        let new_file = path.filter(|path| current_file.as_deref() != Some(*path));
        if let Some(name) = new_file {
            if matches!(market, Some(Market::Public | Market::Webapp)) {
                return Err(Error::invalid(
                    "appmeta.path: only an app of the market enterprise has a binary here",
                ));
            }
            return self
                .attach(name, &said, shown.map(|binary| binary.kind))
                .await;
        }
        let same = |field: &str, said: Option<&String>, read: &str| match filled(said) {
            Some(said) if said != read => Err(Error::invalid(format!(
                "{field}: {read} was read from the binary"
            ))),
            _ => Ok(()),
        };
        if let Some(binary) = &shown {
            same("appmeta.package", said.package.as_ref(), &binary.identifier)?;
            same(
                "appmeta.version",
                said.version.as_ref(),
                live.as_ref().map_or("", |live| live.version_name.as_str()),
            )?;
            if matches!(market, Some(Market::Public | Market::Webapp)) {
                return Err(Error::invalid(
                    "marketType: an app with a binary is of the market enterprise",
                ));
            }
            return Ok(());
        }
        if market == Some(Market::Enterprise) {
            return Err(mandatory("appmeta.path"));
        }
        for (to, said) in [
            (&mut self.publication.package, &said.package),
            (&mut self.publication.package_version, &said.version),
            (&mut self.publication.web_url, &said.web_url),
        ] {
            if let Some(said) = filled(said.as_ref()) {
                said.clone_into(to);
            }
        }
        Ok(())
    }

    /// Makes an uploaded file the newest version of the app's binary.
    async fn attach(
        &mut self,
        name: &str,
        said: &PackageInput,
        kind: Option<BinaryType>,
    ) -> Result<(), Error> {
        let tenant_id = self.who.tenant_id;
        let Some(mut found) = file::find(self.reader, tenant_id, name).await? else {
            return Err(Error::invalid(format!(
                "appmeta.path: there is no uploaded file {name}"
            )));
        };
        let Content::Package {
            kind: of_file,
            mut judged,
        } = found.value.content.clone()
        else {
            return Err(Error::invalid(format!(
                "appmeta.path: the file {name} is no package of an app"
            )));
        };
        if self
            .publication
            .platform
            .is_some_and(|platform| platform != Platform::of(of_file))
        {
            return Err(Error::invalid(format!(
                "appmeta.path: the file {name} is for {}",
                Platform::of(of_file).as_str()
            )));
        }
        // A package without a version's name is shown by its code, here as when it was uploaded.
        judged.version_name = judged.shown_version().to_owned();
        for (field, said, read) in [
            ("package", &said.package, &judged.identifier),
            ("version", &said.version, &judged.version_name),
        ] {
            if filled(said.as_ref()).is_some_and(|said| said != read) {
                return Err(Error::invalid(format!(
                    "appmeta.{field}: {read} was read from the file {name}"
                )));
            }
        }
        let kind = kind.unwrap_or(of_file);
        self.reader
            .fetch_missing(&[
                keys::binary(tenant_id, self.app.id, kind),
                keys::icon(tenant_id, self.app.id),
            ])
            .await?;
        let former: Option<Stored<Binary>> = self
            .reader
            .get(&keys::binary(tenant_id, self.app.id, kind))
            .await?;
        // A file leads to one app. Another one that is made of it calls its version by the
        // version's own guid.
        let its_own = found
            .value
            .app
            .is_none_or(|app| app.item() == self.app.id.item());
        let live = self.app.binary(kind).map(|binary| binary.live);
        let live = former
            .as_ref()
            .zip(live)
            .and_then(|(former, live)| former.value.version(live));
        if !its_own && live.is_some_and(|live| live.uploaded().sha256 == found.value.sha256) {
            return Ok(());
        }
        let new = NewVersion {
            guid: Guid::random(),
            upload: found.value.upload.clone(),
            kind,
            by: self.who.owner.user.clone(),
            file_name: found.value.file_name.clone(),
            file: its_own.then(|| found.value.name.clone()),
            allow_signer_change: false,
        };
        self.version(former, &new, &judged).await?;
        self.publication.platform = Some(Platform::of(kind));
        self.publication.market = self.publication.market.or(Some(Market::Enterprise));
        if its_own {
            found.value.app = Some(self.app.id.binary(kind));
            self.writes.push(found.replace()?);
        }
        Ok(())
    }

    /// Adds a version to a binary of the app record. The picture that a publisher chose is the
    /// icon, whatever the package has.
    async fn version(
        &mut self,
        former: Option<Stored<Binary>>,
        new: &NewVersion,
        judged: &PackageAnalysis,
    ) -> Result<(), Error> {
        let icon: Option<Stored<Icon>> = self
            .reader
            .get(&keys::icon(self.who.tenant_id, self.app.id))
            .await?;
        let mut judged = judged.clone();
        if self.icon.is_some() {
            judged.icon = None;
        }
        let now = self.reader.now();
        let (_, writes) = app::attach(
            self.who.tenant_id,
            self.app,
            former,
            icon,
            new,
            &judged,
            now,
        )?
        .map_err(|refusal| Error::invalid(format!("appmeta.path: {refusal}")))?;
        self.writes.extend(writes);
        Ok(())
    }

    /// The icon of a new thumbnail becomes the app's icon everywhere.
    async fn take_icon(&mut self) -> Result<(), Error> {
        let Some(png) = self.icon.take() else {
            return Ok(());
        };
        let key = keys::icon(self.who.tenant_id, self.app.id);
        self.writes
            .push(match self.reader.get::<Icon>(&key).await? {
                Some(found) => Stored {
                    value: Icon {
                        png,
                        from_package: false,
                    },
                    ..found
                }
                .replace()?,
                None => record::put(
                    key,
                    &Icon {
                        png,
                        from_package: false,
                    },
                    Condition::AbsentOrExpired {
                        now: self.reader.now().seconds(),
                    },
                )?,
            });
        Ok(())
    }

    /// Everything that a body says, in the order in which the original looks at it.
    async fn apply(&mut self, id: AppId, start: &Start) -> Result<(), Error> {
        self.texts();
        self.pictures().await?;
        self.package(id).await?;
        self.take_icon().await?;
        self.owner(start).await?;
        self.access(start).await?;
        self.visible_roles().await?;
        if let Some(context) = self
            .said
            .context
            .as_deref()
            .filter(|context| !context.trim().is_empty() && self.app.kind != AppKind::Mobile)
        {
            self.app.context = Some(normal_context(context)?);
        }
        within_limit(self.publication)
    }
}

/// Refuses a publication that an item cannot hold, naming what is largest in it.
fn within_limit(publication: &Publication) -> Result<(), Error> {
    let value = serde_json::to_value(publication).map_err(Error::internal)?;
    let sizes: Vec<(usize, &String)> = value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (value.to_string().len(), name))
        .collect();
    if sizes.iter().map(|(size, _)| size).sum::<usize>() <= MAX_PUBLICATION {
        return Ok(());
    }
    let largest = match sizes.into_iter().max().map(|(_, name)| name.as_str()) {
        Some("app_definition") => "appDefinition",
        Some("uri_templates") => "uriTemplates",
        Some("custom_properties") => "customProperties",
        _ => "policyGroups",
    };
    Err(Error::invalid(format!(
        "{largest}: all that is said of an app may be {MAX_PUBLICATION} bytes together"
    )))
}

fn random_number() -> u32 {
    rand::random_range(1..=i32::MAX.unsigned_abs())
}

fn number_of_group(
    said: &PolicyGroupInput,
    before: &[PolicyGroup],
    known: bool,
) -> Result<u32, Error> {
    if !known {
        return Ok(random_number());
    }
    match said.id {
        Some(id) if before.iter().any(|group| group.id == id) => Ok(id),
        Some(id) => Err(Error::invalid(format!(
            "policyGroupId: the app has no policy group {id}"
        ))),
        None => Ok(before
            .iter()
            .find(|group| group.name == said.name)
            .map_or_else(random_number, |group| group.id)),
    }
}

fn policy_group(
    id: u32,
    said: &PolicyGroupInput,
    former: Option<&PolicyGroup>,
) -> Result<PolicyGroup, Error> {
    let mut partials = said
        .partials
        .clone()
        .or_else(|| former.map(|former| former.partials.clone()))
        .unwrap_or_default();
    partials.sort_unstable();
    partials.dedup();
    Ok(PolicyGroup {
        id,
        name: said.name.clone(),
        description: said
            .description
            .clone()
            .or_else(|| former.map(|former| former.description.clone()))
            .unwrap_or_default(),
        throttling_tier: match (&said.throttling_tier, former) {
            (None, Some(former)) => former.throttling_tier.clone(),
            (said, _) => tier::find(said.as_deref().unwrap_or("Unlimited"))?
                .name
                .to_owned(),
        },
        user_roles: said
            .user_roles
            .clone()
            .or_else(|| former.map(|former| former.user_roles.clone()))
            .unwrap_or_default(),
        partials,
        allow_anonymous: said
            .allow_anonymous
            .or_else(|| former.map(|former| former.allow_anonymous))
            .unwrap_or_default(),
    })
}

fn uri_template(
    said: &UriTemplateInput,
    groups: &[PolicyGroup],
    numbers: &BTreeMap<u32, u32>,
    before: &[UriTemplate],
    known: bool,
) -> Result<UriTemplate, Error> {
    let named = said
        .group_name
        .as_ref()
        .map(|name| groups.iter().find(|group| group.name == *name));
    let numbered = said.group_id.map(|id| {
        groups
            .iter()
            .find(|group| group.id == numbers.get(&id).copied().unwrap_or(id))
    });
    let group = match named.or(numbered) {
        Some(found) => found,
        None if groups.len() == 1 => groups.first(),
        None => return Err(mandatory("uriTemplates: policyGroupName")),
    };
    let group = group.ok_or_else(|| {
        let name = said
            .group_name
            .clone()
            .or(said.group_id.map(|id| id.to_string()))
            .unwrap_or_default();
        Error::invalid(format!("uriTemplates: there is no policy group {name}"))
    })?;
    let id = match said.id.filter(|_| known) {
        Some(id) if before.iter().any(|template| template.id == id) => id,
        Some(id) => {
            return Err(Error::invalid(format!(
                "uriTemplates: the app has no template {id}"
            )));
        }
        None => random_number(),
    };
    Ok(UriTemplate {
        id,
        url_pattern: said.url_pattern.clone(),
        http_verb: said.http_verb.clone(),
        policy_group: group.id,
    })
}

fn moved(
    mut template: UriTemplate,
    before: &[PolicyGroup],
    after: &[PolicyGroup],
) -> Result<UriTemplate, Error> {
    if after.iter().any(|group| group.id == template.policy_group) {
        return Ok(template);
    }
    let former = before
        .iter()
        .find(|group| group.id == template.policy_group);
    let now = former.and_then(|former| after.iter().find(|group| group.name == former.name));
    let now = now.ok_or_else(|| {
        Error::invalid(format!(
            "uriTemplates: the policy group of {} is not sent any more: say where it belongs",
            template.url_pattern
        ))
    })?;
    template.policy_group = now.id;
    Ok(template)
}

/// Counts of one item are one write: a transaction has no two on one item.
fn merged(writes: Vec<Write>) -> Result<Vec<Write>, Error> {
    let mut all: Vec<Write> = Vec::new();
    for write in event::together(writes)? {
        if let Write::Count { key, by, .. } = &write
            && let Some(Write::Count { by: sum, .. }) = all
                .iter_mut()
                .find(|other| matches!(other, Write::Count { key: other, .. } if other == key))
        {
            *sum += by;
            continue;
        }
        all.push(write);
    }
    if all.len() > MAX_TRANSACTION {
        return Err(Error::invalid(
            "visibleRoles, policyPartialMapping: too many are changed at once; change them in two \
                requests",
        ));
    }
    Ok(all)
}

/// Makes an app (001 10). Name, provider with name and version, and context are claimed in its own
/// transaction.
///
/// # Errors
/// Invalid for what is said, naming the field; conflict for what is claimed; the store's.
pub async fn create(
    reader: &mut Reader<'_>,
    who: &Principal,
    listing: Listing,
    said: &AppInput,
) -> Result<Published, Error> {
    let mobile = listing == Listing::Mobile;
    said.require(mobile)?;
    let kind = match listing {
        Listing::Mobile => AppKind::Mobile,
        Listing::Web => AppKind::Web,
        Listing::Site => AppKind::Site,
    };
    let said = AppInput {
        site: if listing == Listing::Site {
            Some(true)
        } else {
            said.site
        },
        ..said.clone()
    };
    let (now, name) = (
        reader.now(),
        said.name.clone().ok_or_else(|| mandatory("name"))?,
    );
    let id = AppId::new(now);
    change!(reader, {
        reader
            .fetch_beside(
                &said.wanted_for_new(who.tenant_id, listing),
                vec![catalogue::last_bucket(who.tenant_id)],
            )
            .await?;
        let mut app = App::new(&who.owner, id, kind, name.clone(), now);
        app.publisher_name = Some(name.clone());
        app.version = said.version.clone().unwrap_or_default();
        let mut publication = Publication {
            default_version: said.default_version.unwrap_or_default(),
            ..Publication::default()
        };
        let mut draft = Draft {
            reader,
            who,
            said: &said,
            app: &mut app,
            publication: &mut publication,
            writes: Vec::new(),
            icon: None,
        };
        draft.apply(id, &Start::new()).await?;
        let links = draft.writes;
        let joined = line::join(
            reader,
            who.tenant_id,
            &app,
            publication.default_version,
            None,
        )
        .await?;
        let mut writes = making::create_writes(reader, who, &mut app).await?;
        writes.push(record::create(
            keys::publication(who.tenant_id, id),
            &publication,
        )?);
        writes.extend(file::uses(
            who.tenant_id,
            &[],
            &publication.pictures(),
            now,
        )?);
        writes.extend(joined.writes);
        writes.extend(links);
        let id = publication::shown_id(&app, id);
        Ok((
            Published {
                id,
                app,
                rev: 1,
                publication,
            },
            merged(writes)?,
        ))
    })
}

/// In which states whoever makes apps may edit them; whoever runs the store may in every one.
const EDITABLE: [LifeCycleState; 4] = [
    LifeCycleState::Created,
    LifeCycleState::InReview,
    LifeCycleState::Rejected,
    LifeCycleState::Unpublished,
];

/// Those of these groups that are not gone.
async fn there(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    groups: &[Guid],
) -> Result<Vec<Guid>, Error> {
    let wanted: Vec<Key> = groups
        .iter()
        .map(|group| keys::group(tenant_id, group))
        .collect();
    Ok(reader
        .get_all::<Group>(&wanted)
        .await?
        .into_iter()
        .flatten()
        .map(|group| group.value.guid)
        .collect())
}

/// Refuses whoever may not edit an app in its state: who runs the store may in every one, who makes
/// apps in some.
///
/// # Errors
/// Forbidden.
pub fn require_editable(who: &Principal, app: &App) -> Result<(), Error> {
    if who.holds(Right::WriteStore) || EDITABLE.contains(&app.state) {
        return Ok(());
    }
    Err(Error::forbidden(format!(
        "To change an app in the state {} needs the permission {}",
        app.state.title(),
        Right::WriteStore.permission_path().0
    )))
}

/// Refuses to take its place from a default version that the caller may not edit.
async fn require_replaceable(
    reader: &mut Reader<'_>,
    who: &Principal,
    former: AppId,
) -> Result<(), Error> {
    match reader.get::<App>(&keys::app(who.tenant_id, former)).await? {
        Some(former) => require_editable(who, &former.value),
        None => Ok(()),
    }
}

/// That a body says the same as what cannot be changed.
fn require_same(field: &str, said: Option<&str>, is: &str) -> Result<(), Error> {
    match said {
        Some(said) if said != is => Err(Error::invalid(format!(
            "{field} cannot be changed: it is {is}"
        ))),
        _ => Ok(()),
    }
}

/// Changes an app (001 8): what is absent stays. `said` gives what the body says; it is asked when
/// the app was found and the conditions were judged, since an error of the body is told only then.
///
/// # Errors
/// Invalid for a malformed id and for what is said; not found; forbidden in a state in which the
/// caller may not edit it; those of the conditions; conflict for a context that is taken; the
/// store's.
pub async fn update<'a>(
    reader: &mut Reader<'_>,
    who: &Principal,
    listing: Listing,
    named: &str,
    guard: Guard<'_>,
    said: &(dyn Fn() -> Result<Cow<'a, AppInput>, Error> + Send + Sync),
) -> Result<Published, Error> {
    let (tenant_id, now) = (who.tenant_id, reader.now());
    change!(reader, {
        let id = publication::locate(reader, tenant_id, listing, named).await?;
        let mut found = publication::read(reader, tenant_id, listing, id).await?;
        let id = publication::shown_id(&found.value, id);
        require_editable(who, &found.value)?;
        guard.judge(id, &found)?;
        let said = said()?;
        require_same(
            "name",
            said.name.as_ref().map(Name::as_str),
            found.value.listed_name(),
        )?;
        require_same(
            "version",
            filled(said.version.as_ref()),
            &found.value.listed_version(id),
        )?;
        let mut wanted = said.wanted(tenant_id);
        wanted.push(keys::publication(tenant_id, id));
        reader.fetch_missing(&wanted).await?;
        let kept: Option<Stored<Publication>> =
            reader.get(&keys::publication(tenant_id, id)).await?;
        let before = found.value.clone();
        let publication_before = kept
            .as_ref()
            .map(|kept| kept.value.clone())
            .unwrap_or_default();
        let mut publication = publication_before.clone();
        let start = Start::of(&before, &publication_before);
        let mut draft = Draft {
            reader,
            who,
            said: &said,
            app: &mut found.value,
            publication: &mut publication,
            writes: Vec::new(),
            icon: None,
        };
        draft.apply(id, &start).await?;
        let mut links = draft.writes;
        links.extend(line::move_context(reader, tenant_id, &before, &found.value).await?);
        if let Some(default) = said
            .default_version
            .filter(|default| *default != publication.default_version)
        {
            publication.default_version = default;
            let chosen = line::choose_default(reader, tenant_id, &found.value, default).await?;
            links.extend(chosen.writes);
            if let Some(former) = chosen.former_default {
                require_replaceable(reader, who, former).await?;
                links.extend(line::no_default(reader, who, former).await?);
            }
        }
        let mut writes =
            app::update_writes(tenant_id, &before, &mut found, &who.owner.username, now)?;
        writes.extend(file::uses(
            tenant_id,
            &publication_before.pictures(),
            &publication.pictures(),
            now,
        )?);
        if publication != publication_before {
            // What lists show of it may be as it was.
            let tells = writes.iter().any(|write| match write {
                Write::Put(item, _) => item.kind == <Event as record::Record>::KIND,
                _ => false,
            });
            let said = event::changed(
                &found.value,
                &who.owner.username,
                &["what its publishers say of it"],
                now,
            )
            .filter(|_| !tells);
            writes.extend(event::record_writes(tenant_id, said.into_iter().collect())?);
            writes.push(match kept {
                Some(kept) => Stored {
                    value: publication.clone(),
                    ..kept
                }
                .replace()?,
                None => record::put(
                    keys::publication(tenant_id, id),
                    &publication,
                    Condition::AbsentOrExpired { now: now.seconds() },
                )?,
            });
        }
        writes.extend(links);
        let id = publication::shown_id(&found.value, id);
        Ok((
            Published {
                id,
                rev: found.rev + 1,
                app: found.value,
                publication,
            },
            merged(writes)?,
        ))
    })
}

/// The app record of a new version as its source has it; who makes it provides it.
fn copied_app(
    source: &App,
    id: AppId,
    who: &Principal,
    version: &str,
    now: crate::base::clock::Timestamp,
) -> App {
    let mut app = App::new(&who.owner, id, source.kind, source.name.clone(), now);
    app.publisher_name = Some(
        source
            .publisher_name
            .clone()
            .unwrap_or_else(|| source.name.clone()),
    );
    version.clone_into(&mut app.version);
    app.description = source.description.clone();
    app.auth_token = source.auth_token.clone();
    app.restrict_to_groups = source.restrict_to_groups;
    app.policies.clone_from(&source.policies);
    app.context.clone_from(&source.context);
    app.business_owner = source.business_owner;
    app.tags.clone_from(&source.tags);
    app
}

/// Makes a new version of an app, in whatever state that is (001 4): what the body says replaces,
/// everything else is copied. It is an app of its own, of the same line.
///
/// # Errors
/// As [`create`] and [`update`].
pub async fn new_version<'a>(
    reader: &mut Reader<'_>,
    who: &Principal,
    listing: Listing,
    named: &str,
    conditions: &Conditions,
    said: &(dyn Fn() -> Result<Cow<'a, AppInput>, Error> + Send + Sync),
) -> Result<Published, Error> {
    let (tenant_id, now) = (who.tenant_id, reader.now());
    let id = AppId::new(now);
    change!(reader, {
        let source_id = publication::locate(reader, tenant_id, listing, named).await?;
        let mut source = publication::read(reader, tenant_id, listing, source_id).await?;
        let source_id = publication::shown_id(&source.value, source_id);
        Guard {
            conditions,
            required: false,
        }
        .judge(source_id, &source)?;
        let said = said()?;
        let version = filled(said.version.as_ref()).ok_or_else(|| mandatory("version"))?;
        require_same(
            "name",
            said.name.as_ref().map(Name::as_str),
            source.value.listed_name(),
        )?;
        let before = source.value.clone();
        let mut wanted = said.wanted(tenant_id);
        wanted.extend([
            keys::publication(tenant_id, source_id),
            keys::icon(tenant_id, source_id),
        ]);
        wanted.extend(
            before
                .binaries
                .iter()
                .map(|binary| keys::binary(tenant_id, source_id, binary.kind)),
        );
        wanted.extend(
            before
                .groups
                .iter()
                .map(|group| keys::group(tenant_id, group)),
        );
        let mut app = copied_app(&before, id, who, version, now);
        wanted.extend(line::keys_of(tenant_id, &before));
        wanted.extend(line::keys_of(tenant_id, &app));
        wanted.sort();
        wanted.dedup();
        reader
            .fetch_beside(&wanted, vec![catalogue::last_bucket(tenant_id)])
            .await?;
        let mut kept: Option<Stored<Publication>> =
            reader.get(&keys::publication(tenant_id, source_id)).await?;
        let of_source = kept
            .as_ref()
            .map(|kept| kept.value.clone())
            .unwrap_or_default();
        let default_version = said.default_version.unwrap_or_default();
        let mut publication = Publication {
            previous: Some(source_id),
            default_version,
            ..of_source.clone()
        };
        let mut groups = there(reader, tenant_id, &before.groups).await?;
        // What the body says of roles decides alone.
        if let Some(roles) = &said.visible_roles
            && (before.restrict_to_groups || !roles.is_empty())
        {
            app.restrict_to_groups = before.restrict_to_groups && groups.is_empty();
            groups.clear();
        }
        let icon: Option<Stored<Icon>> = reader.get(&keys::icon(tenant_id, source_id)).await?;
        let mut draft = Draft {
            reader,
            who,
            said: &said,
            app: &mut app,
            publication: &mut publication,
            writes: Vec::new(),
            icon: None,
        };
        if !groups.is_empty() {
            draft.regroup(&groups).await?;
        }
        draft.copy_binaries(&before).await?;
        draft
            .apply_to_copy(
                source_id,
                &Start::version_of(&of_source),
                icon.map(|icon| icon.value),
            )
            .await?;
        let links = draft.writes;
        let joined = line::join(reader, tenant_id, &app, default_version, Some(&before)).await?;
        let mut writes = making::create_writes(reader, who, &mut app).await?;
        writes.push(record::create(
            keys::publication(tenant_id, id),
            &publication,
        )?);
        writes.extend(file::uses(tenant_id, &[], &publication.pictures(), now)?);
        if let Some(former) = joined.former_default {
            require_replaceable(reader, who, former).await?;
        }
        let mut changed = false;
        if source.value.publisher_name.is_none() {
            source.value.publisher_name = app.publisher_name.clone();
            changed = true;
        }
        match joined.former_default {
            Some(former) if former == before.id.item() => {
                if let Some(kept) = &mut kept {
                    kept.value.default_version = false;
                    writes.push(kept.replace()?);
                }
                changed = true;
            }
            Some(former) => writes.extend(line::no_default(reader, who, former).await?),
            None => {}
        }
        if changed {
            writes.extend(app::update_writes(
                tenant_id,
                &before,
                &mut source,
                &who.owner.username,
                now,
            )?);
        }
        writes.extend(joined.writes);
        writes.extend(links);
        let shown = source_id
            .kind()
            .filter(|kind| app.binary(*kind).is_some())
            .map_or(id, |kind| id.binary(kind));
        let id = publication::shown_id(&app, shown);
        Ok((
            Published {
                id,
                app,
                rev: 1,
                publication,
            },
            merged(writes)?,
        ))
    })
}

impl Draft<'_, '_> {
    /// Gives a new version the live versions of its source's binaries: the same objects, counted
    /// once more.
    async fn copy_binaries(&mut self, source: &App) -> Result<(), Error> {
        let said = self.said.package();
        let path = filled(said.path.as_ref()).map(file_name);
        for binary in &source.binaries {
            let key = keys::binary(self.who.tenant_id, source.id, binary.kind);
            let kept: Option<Stored<Binary>> = self.reader.get(&key).await?;
            let Some(version) = kept
                .as_ref()
                .and_then(|kept| kept.value.version(binary.live))
            else {
                continue;
            };
            let shown = binary
                .live_version()
                .map(|live| live.shown_file(binary.kind));
            // Another file for it is its first version here.
            if path.is_some()
                && shown.as_deref() != path
                && self.replaces(path, binary.kind).await?
            {
                continue;
            }
            let judged = PackageAnalysis {
                sha256: version.sha256.clone(),
                size: version.size,
                identifier: version.identifier.clone(),
                version_name: version.version_name.clone(),
                verified_signer: version.verified_signer.clone(),
                icon: None,
                package: version.package.clone(),
            };
            let new = NewVersion {
                guid: Guid::random(),
                upload: version.upload.clone(),
                kind: binary.kind,
                by: self.who.owner.user.clone(),
                file_name: version.file_name.clone(),
                // The file leads to the source.
                file: None,
                allow_signer_change: false,
            };
            self.version(None, &new, &judged).await?;
        }
        Ok(())
    }

    async fn replaces(&mut self, path: Option<&str>, kind: BinaryType) -> Result<bool, Error> {
        let Some(name) = path else { return Ok(false) };
        let found = file::find(self.reader, self.who.tenant_id, name).await?;
        Ok(found.is_some_and(|found| match found.value.content {
            Content::Package { kind: of_file, .. } => Platform::of(of_file) == Platform::of(kind),
            _ => false,
        }))
    }

    /// As [`apply`](Self::apply), with the icon of the source where nothing brings another.
    async fn apply_to_copy(
        &mut self,
        source: AppId,
        start: &Start,
        icon: Option<Icon>,
    ) -> Result<(), Error> {
        let id = source
            .kind()
            .map_or(self.app.id, |kind| self.app.id.binary(kind));
        self.apply(id, start).await?;
        let key = keys::icon(self.who.tenant_id, self.app.id);
        let brought = self.writes.iter().any(|write| *write.key() == key);
        if let Some(icon) = icon.filter(|_| !brought) {
            self.writes.push(record::create(key, &icon)?);
        }
        Ok(())
    }
}

/// Deletes an app, in whatever state (001 5). An id that names one of several binaries takes that
/// one alone.
///
/// # Errors
/// Invalid for a malformed id; not found; those of the conditions; the store's.
pub async fn delete(
    reader: &mut Reader<'_>,
    who: &Principal,
    listing: Listing,
    named: &str,
    guard: Guard<'_>,
) -> Result<(), Error> {
    let tenant_id = who.tenant_id;
    change!(reader, {
        let id = publication::locate(reader, tenant_id, listing, named).await?;
        let found = publication::read(reader, tenant_id, listing, id).await?;
        guard.judge(publication::shown_id(&found.value, id), &found)?;
        let writes = match id.kind() {
            Some(kind) if found.value.binaries.len() > 1 => {
                making::without_binary(reader, who, found, kind).await?
            }
            _ => making::delete_writes(reader, who, id).await?,
        };
        Ok(((), writes))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::apps::publication as publication_record;

    #[test]
    fn a_context_has_one_slash_in_front() {
        for text in ["/travel", "travel", "//travel/", " /travel "] {
            assert_eq!(normal_context(text).unwrap(), "/travel", "{text}");
        }
        assert_eq!(normal_context("/a/b").unwrap(), "/a/b");
        for text in [
            "",
            "/",
            "//",
            "/a b",
            "/a//b",
            "/a?b",
            "/a#b",
            "/a;b",
            "/%61",
            "/a/../b",
            "/./a",
            &"x".repeat(200),
        ] {
            assert!(
                normal_context(text)
                    .unwrap_err()
                    .message
                    .contains("context"),
                "{text}"
            );
        }
    }

    #[test]
    fn references_end_with_a_file() {
        assert_eq!(
            file_name("/publisher/api/mobileapp/getfile/D3PdRxvU24WK3EN.apk"),
            "D3PdRxvU24WK3EN.apk"
        );
        assert_eq!(
            file_name("https://store.example/api/x/abc.png?appType=mobileapp"),
            "abc.png"
        );
        assert_eq!(file_name("abc.png"), "abc.png");
    }

    #[test]
    fn a_publication_fits_into_an_item() {
        let mut publication = publication_record::Publication::default();
        assert!(within_limit(&publication).is_ok());
        publication.app_definition = "é".repeat(MAX_PUBLICATION / 2);
        assert!(
            within_limit(&publication)
                .unwrap_err()
                .message
                .starts_with("appDefinition")
        );
    }

    #[test]
    fn a_template_follows_its_group_by_name() {
        let group = |id, name: &str| publication_record::PolicyGroup {
            id,
            name: name.to_owned(),
            description: String::new(),
            throttling_tier: "Gold".to_owned(),
            user_roles: Vec::new(),
            partials: Vec::new(),
            allow_anonymous: false,
        };
        let template = publication_record::UriTemplate {
            id: 7,
            url_pattern: "/*".to_owned(),
            http_verb: "GET".to_owned(),
            policy_group: 1,
        };
        let before = [group(1, "Staff")];
        assert_eq!(
            moved(template.clone(), &before, &[group(2, "Staff")])
                .unwrap()
                .policy_group,
            2
        );
        assert!(
            moved(template, &before, &[group(2, "Guests")])
                .unwrap_err()
                .message
                .contains("uriTemplates")
        );
    }
}
