//! Decisions over web apps, for gateways: whether somebody may reach a path by a method (own).
//!
//! Whatever is in doubt is denied. A gateway lets through what is answered with 200 and `Permit`,
//! and nothing else.

use std::time::Duration;

use jiff::tz::Offset;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use shared::base::error::Error;
use shared::base::id::TenantId;
use shared::base::kind::Listing;
use shared::domain::apps::{policy_partial, publication, tier};
use shared::http::pipeline::Call;
use shared::http::reply::Reply;
use shared::model::apps::life_cycle::LifeCycleState;
use shared::model::apps::publication::{PolicyGroup, Publication, UriTemplate};
use shared::store::keys;
use shared::store::record::Reader;
use xacml::groups::{
    Circumstances, Decision, Group, Partial, Ruling, Subject, Template, decide_under,
};

use crate::attributes::{Attributes, MAX_VALUES, name};

/// How long a decision may take; whoever is not through by then is kept out. What runs on is
/// bounded too: each partial is read once, and its work is limited.
const LONGEST: Duration = Duration::from_secs(5);

/// Most bytes of a path; the longest that is decided about is shorter.
const MAX_PATH: usize = 16_384;

/// Most bytes of a verb.
const MAX_VERB: usize = 40;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    verb: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_flag")]
    path_includes_context: Option<bool>,
    #[serde(default)]
    subject: Option<Who>,
    #[serde(default)]
    resource: Option<Json>,
    #[serde(default)]
    environment: Option<Json>,
}

#[derive(Default, Deserialize)]
struct Who {
    // A text and nothing else: `false` is nobody.
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    roles: Option<Vec<String>>,
    #[serde(default)]
    attributes: Option<Json>,
}

/// What is asked, whole and checked.
struct Question {
    path: String,
    verb: String,
    path_includes_context: Option<bool>,
    subject: Subject,
    circumstances: Circumstances,
}

impl Question {
    fn of(call: &Call<'_>) -> Result<Self, Error> {
        call.incoming.require_json()?;
        let body: Body = call.body()?;
        let path = body
            .path
            .filter(|path| !path.is_empty())
            .ok_or_else(|| Error::invalid("path is missing"))?;
        let verb = body
            .verb
            .filter(|verb| !verb.is_empty())
            .ok_or_else(|| Error::invalid("verb is missing"))?;
        if path.len() > MAX_PATH {
            return Err(Error::invalid(format!("path has at most {MAX_PATH} bytes")));
        }
        if verb.len() > MAX_VERB {
            return Err(Error::invalid(format!("verb has at most {MAX_VERB} bytes")));
        }
        let Who {
            id,
            roles,
            attributes,
        } = body.subject.unwrap_or_default();
        let (id, roles) = (id.filter(|id| !id.is_empty()), roles.unwrap_or_default());
        if let Some(id) = &id {
            name("subject.id", id)?;
        }
        if roles.len() > MAX_VALUES {
            return Err(Error::invalid(format!(
                "subject.roles: at most {MAX_VALUES}"
            )));
        }
        for role in &roles {
            name("subject.roles", role)?;
        }
        let mut counted = Attributes::default();
        let attributes = counted.read("subject.attributes", attributes.as_ref())?;
        let resource = counted.read("resource", body.resource.as_ref())?;
        let environment = counted.read("environment", body.environment.as_ref())?;
        let now =
            jiff::Timestamp::from_millisecond(call.reader.now().0).map_err(Error::internal)?;
        let circumstances = Circumstances {
            resource,
            environment,
            ..Circumstances::at(now, Offset::UTC)
        };
        Ok(Self {
            path,
            verb,
            path_includes_context: body.path_includes_context,
            subject: Subject {
                id,
                roles,
                attributes,
            },
            circumstances,
        })
    }
}

/// What is known of the app.
struct Rules {
    context: Option<String>,
    templates: Vec<UriTemplate>,
    groups: Vec<PolicyGroup>,
    /// The partials of its groups, by number; `None` for one that is gone.
    partials: Vec<(u32, Option<String>)>,
}

impl Rules {
    async fn read(
        reader: &mut Reader<'_>,
        tenant_id: TenantId,
        context: Option<String>,
        publication: Publication,
    ) -> Result<Self, Error> {
        let Publication {
            policy_groups: groups,
            uri_templates: templates,
            ..
        } = publication;
        let mut ids: Vec<u32> = groups
            .iter()
            .flat_map(|group| &group.partials)
            .copied()
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let texts = policy_partial::texts(reader, tenant_id, &ids).await?;
        Ok(Self {
            context,
            templates,
            groups,
            partials: ids.into_iter().zip(texts).collect(),
        })
    }

    fn decide(&self, question: &Question) -> Decision {
        // Each partial is read once, however many groups refer to it. One that cannot be read says
        // so when it is asked.
        let read = |(id, text): &(u32, Option<String>)| {
            let number = i64::from(*id);
            let partial = match text {
                None => Partial::missing(number),
                Some(text) => xacml::parse(text).map_or_else(
                    |_| Partial::text(number, text.clone()),
                    |condition| Partial::new(number, condition),
                ),
            };
            (*id, partial)
        };
        let partials: Vec<(u32, Partial)> = self.partials.iter().map(read).collect();
        let of = |id: &u32| {
            partials.iter().find(|(known, _)| known == id).map_or_else(
                || Partial::missing(i64::from(*id)),
                |(_, partial)| partial.clone(),
            )
        };
        let group = |group: &PolicyGroup| Group {
            name: group.name.clone(),
            roles: group.user_roles.clone(),
            anonymous: group.allow_anonymous,
            partials: group.partials.iter().map(of).collect(),
        };
        let groups: Vec<Group> = self.groups.iter().map(group).collect();
        let template = |template: &UriTemplate| {
            // A template of a group that is gone leads to none, which admits nobody.
            let group = self
                .groups
                .iter()
                .position(|group| group.id == template.policy_group)
                .unwrap_or(usize::MAX);
            Template::new(&template.url_pattern, &template.http_verb, group)
        };
        let templates: Vec<Template> = match self.templates.iter().map(template).collect() {
            Ok(templates) => templates,
            Err(why) => return denied(why, true),
        };
        let decide = |path: &str| {
            decide_under(
                &templates,
                &groups,
                path,
                &question.verb,
                &question.subject,
                &question.circumstances,
            )
        };
        match Reading::of(
            &question.path,
            self.context.as_deref(),
            question.path_includes_context,
        ) {
            Reading::One(path) => decide(path),
            Reading::Two(below, whole) => {
                let (below, whole) = (decide(below), decide(whole));
                if (below.ruling, &below.groups) == (whole.ruling, &whole.groups) {
                    return below;
                }
                let why = "The path begins with the context of the app and could be meant with or \
                    without it: send pathIncludesContext.";
                denied(why.to_owned(), true)
            }
            Reading::None(why) => denied(why.to_owned(), true),
        }
    }
}

fn denied(reason: String, indeterminate: bool) -> Decision {
    Decision {
        ruling: Ruling::Deny,
        groups: Vec::new(),
        rules: Vec::new(),
        indeterminate,
        reason,
    }
}

/// What follows the context in a path, which may be there or not.
#[derive(Debug, PartialEq, Eq)]
enum Reading<'a> {
    /// There is one way to read it.
    One(&'a str),
    /// Without the context that it begins with, or as it is.
    Two(&'a str, &'a str),
    /// There is none.
    None(&'static str),
}

impl<'a> Reading<'a> {
    fn of(path: &'a str, context: Option<&str>, included: Option<bool>) -> Self {
        let context = context.unwrap_or_default().trim_matches('/');
        if context.is_empty() || included == Some(false) {
            return Self::One(path);
        }
        let after = path
            .strip_prefix('/')
            .and_then(|path| path.strip_prefix(context))
            .filter(|rest| rest.is_empty() || rest.starts_with('/'));
        match (
            after.map(|rest| if rest.is_empty() { "/" } else { rest }),
            included,
        ) {
            (Some(below), Some(_)) => Self::One(below),
            (Some(below), None) => Self::Two(below, path),
            (None, Some(_)) => Self::None("The path does not begin with the context of the app."),
            (None, None) if alike(path, context) => {
                Self::None("The path begins with the context of the app in another spelling.")
            }
            (None, None) => Self::One(path),
        }
    }
}

/// Whether a server that decodes paths or looks away from case would see the context at the path's
/// beginning.
fn alike(path: &str, context: &str) -> bool {
    let plain = |segment: &str| {
        percent_decode_str(segment)
            .decode_utf8_lossy()
            .to_lowercase()
    };
    let segments: Vec<String> = path.trim_start_matches('/').split('/').map(plain).collect();
    let wanted: Vec<String> = context.split('/').map(plain).collect();
    segments.starts_with(&wanted)
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupView {
    id: u32,
    name: String,
    throttling_tier: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleView {
    policy_partial_id: i64,
    rule_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DecisionView {
    decision: &'static str,
    policy_group: Option<GroupView>,
    policy_groups: Vec<GroupView>,
    partials: Vec<RuleView>,
    indeterminate: bool,
    reason: String,
}

impl DecisionView {
    fn of(decision: Decision, groups: &[PolicyGroup]) -> Self {
        let view = |group: &PolicyGroup| GroupView {
            id: group.id,
            name: group.name.clone(),
            throttling_tier: group.throttling_tier.clone(),
        };
        let policy_groups: Vec<GroupView> = decision
            .groups
            .iter()
            .filter_map(|place| groups.get(*place))
            .map(view)
            .collect();
        let ruling = match decision.ruling {
            Ruling::Permit => "Permit",
            Ruling::Deny => "Deny",
            Ruling::NotApplicable => "NotApplicable",
        };
        // The group to throttle by. A tier that nobody knows counts as the strictest.
        let strictness =
            |group: &&GroupView| tier::find(&group.throttling_tier).map_or(0, |tier| tier.sort_key);
        Self {
            decision: ruling,
            policy_group: policy_groups.iter().min_by_key(strictness).cloned(),
            policy_groups,
            partials: decision
                .rules
                .into_iter()
                .map(|rule| RuleView {
                    policy_partial_id: rule.partial,
                    rule_id: rule.id,
                })
                .collect(),
            indeterminate: decision.indeterminate,
            reason: decision.reason,
        }
    }
}

/// Decides.
///
/// # Errors
/// Not found for an unknown app; invalid for a request that is not whole or beyond its limits; the
/// store's.
pub async fn decide(mut call: Call<'_>) -> Result<Reply, Error> {
    let (listing, tenant_id) = (
        call.incoming.param("appType").parse::<Listing>()?,
        call.who()?.tenant_id,
    );
    let id = publication::locate(
        &mut call.reader,
        tenant_id,
        listing,
        call.incoming.param("appId"),
    )
    .await?;
    call.reader
        .fetch_missing(&[keys::app(tenant_id, id), keys::publication(tenant_id, id)])
        .await?;
    let app = publication::read(&mut call.reader, tenant_id, listing, id)
        .await?
        .value;
    let question = Question::of(&call)?;
    if app.state != LifeCycleState::Published {
        let reason = format!(
            "The app is in the state {}: only published apps are open.",
            app.state.title()
        );
        return Reply::of(&DecisionView::of(denied(reason, false), &[]));
    }
    let said = call
        .reader
        .get::<Publication>(&keys::publication(tenant_id, id))
        .await?;
    let rules = Rules::read(
        &mut call.reader,
        tenant_id,
        app.context,
        said.map(|found| found.value).unwrap_or_default(),
    )
    .await?;
    let groups = rules.groups.clone();
    // Off the thread that serves others, so that an evaluation that takes long can be given up.
    let deciding = tokio::task::spawn_blocking(move || rules.decide(&question));
    let decision = match tokio::time::timeout(LONGEST, deciding).await {
        Ok(decided) => decided.map_err(Error::internal)?,
        Err(_) => denied(
            format!(
                "The decision took longer than {} seconds.",
                LONGEST.as_secs()
            ),
            true,
        ),
    };
    Reply::of(&DecisionView::of(decision, &groups))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_with_and_without_its_context() {
        let read = |path, included| Reading::of(path, Some("/shop/v1"), included);
        for (path, below) in [
            ("/shop/v1", "/"),
            ("/shop/v1/", "/"),
            ("/shop/v1/a/b", "/a/b"),
            ("/shop/v1/shop/v1", "/shop/v1"),
        ] {
            assert_eq!(read(path, Some(true)), Reading::One(below));
            assert_eq!(read(path, Some(false)), Reading::One(path));
            assert_eq!(read(path, None), Reading::Two(below, path));
        }
        for path in [
            "/",
            "/shop",
            "/shop/v10",
            "/shop/v2/a",
            "shop/v1/a",
            "/a/shop/v1",
        ] {
            assert!(matches!(read(path, Some(true)), Reading::None(_)), "{path}");
            assert_eq!(read(path, Some(false)), Reading::One(path));
        }
        for path in ["/", "/shop", "/shop/v10", "/shop/v2/a", "/a/shop/v1"] {
            assert_eq!(read(path, None), Reading::One(path));
        }
        for path in [
            "/Shop/v1/a",
            "/sho%70/v1",
            "//shop/v1",
            "/%53hop/V1/a",
            "shop/v1/a",
        ] {
            assert!(matches!(read(path, None), Reading::None(_)), "{path}");
        }
        assert_eq!(Reading::of("/a", None, None), Reading::One("/a"));
        assert_eq!(Reading::of("/a", Some("/"), Some(true)), Reading::One("/a"));
    }
}
