//! The body `App` as clients send it (001 4, 8, 10): booleans as texts, numbers for texts, keys
//! that nobody knows, and the answer of a reading sent back.

use serde_json::{Map, Value};
use shared::base::error::Error;
use shared::base::text::{Description, Name};
use shared::domain::publishing::publishing::{
    AppInput, PackageInput, PolicyGroupInput, UriTemplateInput,
};
use shared::http::pipeline;
use shared::model::apps::publication::{CustomProperty, Market, Platform};

/// A call of an operation of this function. What is planned holds the body, where the plan could
/// read it.
pub type Call<'a> = pipeline::Call<'a, Option<AppInput>>;

/// Longest short texts, in characters: a category, a version, a package.
const SHORT: usize = 100;

/// Longest texts, in characters: addresses, what is new.
const LONG: usize = 1_000;

/// Longest definition of an interface, in characters.
const DEFINITION: usize = 100_000;

/// Most custom properties, and longest value of one in characters.
const PROPERTIES: (usize, usize) = (50, 1_000);

/// Most tenants and claims.
const WORDS: usize = 50;

/// Most tags and longest tag in characters.
const TAGS: (usize, usize) = (20, 50);

/// Most policy groups, user roles of one, policy partials of one, and templates.
const GROUPS: usize = 50;

const ROLES: usize = 30;

const PARTIALS: usize = 10;

const TEMPLATES: usize = 200;

/// The methods of a template.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];

/// An object of the body, with where it stands in it.
struct Object<'a> {
    fields: &'a Map<String, Value>,
    at: String,
}

impl<'a> Object<'a> {
    fn path(&self, field: &str) -> String {
        format!("{}{field}", self.at)
    }

    fn wrong(&self, field: &str, what: &str) -> Error {
        Error::invalid(format!("{}: {what}", self.path(field)))
    }

    /// What is there; null is nothing.
    fn get(&self, field: &str) -> Option<&'a Value> {
        self.fields.get(field).filter(|value| !value.is_null())
    }

    fn text(&self, field: &str, most: usize) -> Result<Option<String>, Error> {
        self.get(field)
            .map(|value| self.text_of(field, value, most))
            .transpose()
    }

    fn text_of(&self, field: &str, value: &Value, most: usize) -> Result<String, Error> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            _ => return Err(self.wrong(field, "must be a text")),
        };
        if text.chars().count() > most
            || text
                .chars()
                .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        {
            return Err(self.wrong(
                field,
                &format!("at most {most} characters, no control characters"),
            ));
        }
        Ok(text)
    }

    /// A name: nothing where there is none, refused where there is a blank one.
    fn name(&self, field: &str) -> Result<Option<Name>, Error> {
        let Some(text) = self.text(field, 200)? else {
            return Ok(None);
        };
        Name::new(text)
            .map(Some)
            .ok_or_else(|| self.wrong(field, "must not be blank"))
    }

    fn flag(&self, field: &str) -> Result<Option<bool>, Error> {
        match self
            .text(field, SHORT)?
            .map(|text| text.trim().to_ascii_lowercase())
            .as_deref()
        {
            None | Some("") => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(self.wrong(field, "must be true or false")),
        }
    }

    fn number(&self, field: &str) -> Result<Option<u32>, Error> {
        match self.text(field, SHORT)? {
            None => Ok(None),
            Some(digits) if digits.trim().is_empty() => Ok(None),
            Some(digits) => digits
                .trim()
                .parse()
                .map(Some)
                .map_err(|_| self.wrong(field, "must be a number")),
        }
    }

    /// A list, of which one element may stand alone.
    fn list(&self, field: &str, most: usize) -> Result<Option<Vec<&'a Value>>, Error> {
        let Some(value) = self.get(field) else {
            return Ok(None);
        };
        let all: Vec<&Value> = match value {
            Value::Array(all) => all.iter().collect(),
            other => vec![other],
        };
        if all.len() > most {
            Err(self.wrong(field, &format!("at most {most}")))
        } else {
            Ok(Some(all))
        }
    }

    /// Texts, without the blanks around each and without the empty ones that the original fills
    /// lists up with.
    fn texts(
        &self,
        field: &str,
        most: usize,
        longest: usize,
    ) -> Result<Option<Vec<String>>, Error> {
        let Some(all) = self.list(field, most)? else {
            return Ok(None);
        };
        let mut texts = Vec::new();
        for value in all {
            let text = self.text_of(field, value, longest)?.trim().to_owned();
            if !text.is_empty() {
                texts.push(text);
            }
        }
        Ok(Some(texts))
    }

    /// Texts of which each counts once.
    fn words(
        &self,
        field: &str,
        most: usize,
        longest: usize,
    ) -> Result<Option<Vec<String>>, Error> {
        let Some(texts) = self.texts(field, most, longest)? else {
            return Ok(None);
        };
        let mut words: Vec<String> = Vec::new();
        for text in texts {
            if !words.contains(&text) {
                words.push(text);
            }
        }
        Ok(Some(words))
    }

    fn objects(&self, field: &str, most: usize) -> Result<Option<Vec<Object<'a>>>, Error> {
        let Some(all) = self.list(field, most)? else {
            return Ok(None);
        };
        let object = |(at, value): (usize, &'a Value)| match value {
            Value::Object(fields) => Ok(Object {
                fields,
                at: format!("{}[{at}].", self.path(field)),
            }),
            _ => Err(self.wrong(field, "must be a list of objects")),
        };
        all.into_iter()
            .enumerate()
            .map(object)
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// An address that a browser may be sent to: what begins with `javascript:` is none.
    fn address(&self, field: &str, relative: bool) -> Result<Option<String>, Error> {
        let Some(text) = self.text(field, LONG)? else {
            return Ok(None);
        };
        let lower = text.trim().to_ascii_lowercase();
        let absolute = lower
            .strip_prefix("https://")
            .or_else(|| lower.strip_prefix("http://"))
            .is_some_and(|rest| !rest.is_empty());
        let fits = lower.is_empty() || absolute || (relative && lower.starts_with('/'));
        if fits {
            Ok(Some(text.trim().to_owned()))
        } else {
            Err(self.wrong(field, "must be an http or https address"))
        }
    }
}

/// What a body says.
///
/// # Errors
/// Invalid, naming the field.
pub fn read(fields: &Map<String, Value>) -> Result<AppInput, Error> {
    let body = Object {
        fields,
        at: String::new(),
    };
    let words = |field: &str| body.words(field, WORDS, 200);
    let platform = body
        .text("platform", SHORT)?
        .filter(|text| !text.trim().is_empty());
    let market = body
        .text("marketType", SHORT)?
        .filter(|text| !text.trim().is_empty());
    let thumbnail = body.text("thumbnailUrl", LONG)?;
    // Clients of an older version of the original call the thumbnail an icon.
    let thumbnail = if thumbnail.is_some() {
        thumbnail
    } else {
        body.text("icon", LONG)?
    };
    let app_url = body.address("appUrL", true)?;
    let app_url = if app_url.is_some() {
        app_url
    } else {
        body.address("appUrl", true)?
    };
    Ok(AppInput {
        name: body.name("name")?,
        version: body
            .text("version", SHORT)?
            .map(|text| text.trim().to_owned()),
        display_name: body.name("displayName")?,
        description: body
            .text("description", 2_000)?
            .map(|text| {
                Description::new(text)
                    .ok_or_else(|| body.wrong("description", "at most 2000 characters"))
            })
            .transpose()?,
        platform: platform
            .map(|text| text.trim().parse::<Platform>())
            .transpose()?,
        market: market
            .map(|text| text.trim().parse::<Market>())
            .transpose()?,
        package: package(&body)?,
        category: body.text("category", SHORT)?,
        banner: body.text("banner", LONG)?,
        thumbnail,
        screenshots: body.texts("screenshots", WORDS, LONG)?,
        recent_changes: body.text("recentChanges", LONG)?,
        app_type: body.text("appType", SHORT)?,
        media_type: body.text("mediaType", 200)?,
        app_url,
        transport: transport(&body)?,
        logout_url: body.address("logoutURL", true)?,
        acs_url: body.address("acsUrl", true)?,
        tracking_code: body.text("trackingCode", LONG)?,
        app_definition: body.text("appDefinition", DEFINITION)?,
        skip_gateway: body.flag("skipGateway")?,
        allow_anonymous: body.flag("allowAnonymousAccess")?,
        service_provider: body.flag("serviceProviderCreationEnabled")?,
        default_version: body.flag("isDefaultVersion")?,
        site: body.flag("isSite")?,
        visible_tenants: words("visibleTenants")?,
        claims: words("claims")?,
        tags: body.words("tags", TAGS.0, TAGS.1)?,
        visible_roles: body.words("visibleRoles", ROLES, 200)?,
        custom_properties: properties(&body)?,
        business_owner: body
            .get("businessOwnerId")
            .map(|_| body.number("businessOwnerId"))
            .transpose()?,
        context: body.text("context", LONG)?,
        policy_groups: body
            .objects("policyGroups", GROUPS)?
            .map(|all| all.iter().map(policy_group).collect())
            .transpose()?,
        uri_templates: body
            .objects("uriTemplates", TEMPLATES)?
            .map(|all| all.iter().map(uri_template).collect())
            .transpose()?,
    })
}

fn package(body: &Object<'_>) -> Result<Option<PackageInput>, Error> {
    let fields = match body.get("appmeta") {
        None => return Ok(None),
        Some(Value::Object(fields)) => fields,
        Some(_) => return Err(body.wrong("appmeta", "must be an object")),
    };
    let meta = Object {
        fields,
        at: "appmeta.".to_owned(),
    };
    Ok(Some(PackageInput {
        path: meta.text("path", LONG)?,
        package: meta.text("package", 255)?,
        version: meta.text("version", SHORT)?,
        web_url: meta.address("weburl", false)?,
    }))
}

fn transport(body: &Object<'_>) -> Result<Option<String>, Error> {
    let Some(text) = body.text("transport", SHORT)? else {
        return Ok(None);
    };
    let words = shared::base::lenient::split(&text.to_ascii_lowercase());
    if words.iter().any(|word| word != "http" && word != "https") {
        return Err(body.wrong("transport", "http, https, or both with a comma"));
    }
    Ok(Some(words.join(",")))
}

fn properties(body: &Object<'_>) -> Result<Option<Vec<CustomProperty>>, Error> {
    let Some(all) = body.objects("customProperties", PROPERTIES.0)? else {
        return Ok(None);
    };
    let one = |property: &Object<'_>| {
        let name = property
            .text("name", 200)?
            .filter(|name| !name.trim().is_empty())
            .ok_or_else(|| property.wrong("name", "is mandatory"))?;
        Ok(CustomProperty {
            name,
            value: property.text("value", PROPERTIES.1)?.unwrap_or_default(),
        })
    };
    let properties = all.iter().map(one).collect::<Result<Vec<_>, Error>>()?;
    if properties.iter().enumerate().any(|(at, property)| {
        properties[..at]
            .iter()
            .any(|other| other.name == property.name)
    }) {
        return Err(body.wrong("customProperties", "two properties have one name"));
    }
    Ok(Some(properties))
}

fn policy_group(group: &Object<'_>) -> Result<PolicyGroupInput, Error> {
    let name = group
        .text("policyGroupName", SHORT)?
        .filter(|name| !name.trim().is_empty());
    let tier = group
        .text("throttlingTier", SHORT)?
        .filter(|tier| !tier.trim().is_empty());
    let number_of = |number: String| {
        number.parse().map_err(|_| {
            group.wrong(
                "policyPartialMapping",
                &format!("{number} is no number of a policy partial"),
            )
        })
    };
    let partials = group
        .texts("policyPartialMapping", PARTIALS, SHORT)?
        .map(|numbers| {
            numbers
                .into_iter()
                .map(number_of)
                .collect::<Result<Vec<u32>, Error>>()
        });
    Ok(PolicyGroupInput {
        id: group.number("policyGroupId")?,
        name: name.ok_or_else(|| group.wrong("policyGroupName", "is mandatory"))?,
        description: group.text("description", 500)?,
        throttling_tier: tier,
        user_roles: group.words("userRoles", ROLES, 200)?,
        partials: partials.transpose()?,
        allow_anonymous: group.flag("allowAnonymousAccess")?,
    })
}

fn uri_template(template: &Object<'_>) -> Result<UriTemplateInput, Error> {
    let url_pattern = template
        .text("urlPattern", 300)?
        .filter(|pattern| !pattern.trim().is_empty());
    let http_verb = template
        .text("httpVerb", SHORT)?
        .unwrap_or_default()
        .trim()
        .to_ascii_uppercase();
    if !METHODS.contains(&http_verb.as_str()) {
        return Err(template.wrong("httpVerb", &format!("is one of {}", METHODS.join(", "))));
    }
    let url_pattern = url_pattern.ok_or_else(|| template.wrong("urlPattern", "is mandatory"))?;
    // What a decision cannot read would close the whole app.
    if let Err(why) = xacml::groups::Template::new(&url_pattern, "GET", 0) {
        return Err(Error::invalid(format!("urlPattern: {why}")));
    }
    Ok(UriTemplateInput {
        id: template.number("id")?,
        url_pattern,
        http_verb,
        group_name: template
            .text("policyGroupName", SHORT)?
            .filter(|name| !name.trim().is_empty()),
        group_id: template.number("policyGroupId")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(body: &Value) -> Result<AppInput, Error> {
        read(body.as_object().unwrap())
    }

    #[test]
    fn takes_what_clients_send() {
        let body = json!({
            "name": 7,
            "isSite": "TRUE",
            "skipGateway": "false",
            "isDefaultVersion": true,
            "tags": "one",
            "screenshots": ["a.png", "", ""],
            "unknown": {"deep": [1]},
            "businessOwnerId": 5,
            "visibleRoles": null,
            "transport": "HTTP, https",
            "marketType": "",
        });
        let said = said(&body).unwrap();
        assert_eq!(said.name.unwrap().as_str(), "7");
        assert_eq!(
            (said.site, said.skip_gateway, said.default_version),
            (Some(true), Some(false), Some(true))
        );
        assert_eq!(
            (said.tags.unwrap(), said.screenshots.unwrap()),
            (vec!["one".to_owned()], vec!["a.png".to_owned()])
        );
        assert_eq!(
            (said.business_owner, said.transport.as_deref()),
            (Some(Some(5)), Some("http,https"))
        );
        assert!(said.visible_roles.is_none() && said.market.is_none());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let group = |group: Value| json!({"policyGroups": [group]});
        for (body, field) in [
            (json!({"name": " "}), "name"),
            (json!({"name": "n".repeat(201)}), "name"),
            (json!({"displayName": {}}), "displayName"),
            (json!({"isSite": "perhaps"}), "isSite"),
            (json!({"platform": "symbian"}), "platform"),
            (json!({"marketType": "black"}), "marketType"),
            (json!({"appmeta": "x"}), "appmeta"),
            (json!({"appmeta": {"path": []}}), "appmeta.path"),
            (
                json!({"appmeta": {"weburl": "javascript:alert(1)"}}),
                "appmeta.weburl",
            ),
            (json!({"logoutURL": "ftp://x"}), "logoutURL"),
            (json!({"transport": "gopher"}), "transport"),
            (json!({"businessOwnerId": "x"}), "businessOwnerId"),
            (json!({"tags": vec!["a"; 21]}), "tags"),
            (json!({"tags": ["a".repeat(51)]}), "tags"),
            (
                json!({"customProperties": [{"value": "1"}]}),
                "customProperties[0].name",
            ),
            (
                json!({
                    "customProperties": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}],
                }),
                "customProperties",
            ),
            (
                json!({"policyGroups": vec![json!({"policyGroupName": "a"}); 10_000]}),
                "policyGroups",
            ),
            (group(json!({})), "policyGroups[0].policyGroupName"),
            (group(json!("Default")), "policyGroups"),
            (
                group(json!({"policyGroupName": "a", "policyPartialMapping": ["x"]})),
                "policyGroups[0].policyPartialMapping",
            ),
            (
                json!({"uriTemplates": [{"urlPattern": "/*", "httpVerb": "FETCH"}]}),
                "uriTemplates[0].httpVerb",
            ),
            (
                json!({"uriTemplates": [{"httpVerb": "get"}]}),
                "uriTemplates[0].urlPattern",
            ),
        ] {
            let message = said(&body).unwrap_err().message;
            assert!(message.starts_with(field), "{field}: {message}");
        }
    }
}
