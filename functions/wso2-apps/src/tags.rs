//! 001a 1 to 3, 15: the tags of an app, and how often each is used.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::base::conditions::Validators;
use shared::base::error::Error;
use shared::base::id::TenantId;
use shared::base::kind::Listing;
use shared::domain::apps::{app, catalogue};
use shared::domain::publishing::publishing;
use shared::http::incoming::Incoming;
use shared::http::pipeline::Plan;
use shared::http::reply::Reply;
use shared::model::apps::app::App;

use crate::body::Call;
use crate::subject::Subject;

/// Most tags of an app.
pub const MAX_TAGS: usize = 20;

/// Most characters of a tag.
pub const MAX_TAG: usize = 50;

#[derive(Serialize)]
struct Tags<'a> {
    tags: &'a [String],
}

#[derive(Deserialize)]
struct Named {
    tags: Vec<String>,
}

/// The tags beside those that are there, each once, in the order in which they came.
///
/// # Errors
/// Invalid for a blank tag, one beyond [`MAX_TAG`] or with control characters, and beyond
/// [`MAX_TAGS`] tags.
pub fn united(there: &[String], more: &[String]) -> Result<Vec<String>, Error> {
    let mut all = there.to_vec();
    for tag in more {
        let tag = tag.trim();
        if tag.is_empty() || tag.chars().count() > MAX_TAG || tag.chars().any(char::is_control) {
            return Err(Error::invalid(format!(
                "tags: each is a text of 1 to {MAX_TAG} characters, without control characters"
            )));
        }
        if !all.iter().any(|have| have == tag) {
            all.push(tag.to_owned());
        }
        if all.len() > MAX_TAGS {
            return Err(Error::invalid(format!(
                "tags: an app has at most {MAX_TAGS}"
            )));
        }
    }
    Ok(all)
}

/// The state of an app's tags: their tag of content stays where the app changes and they do not.
fn validators(app: &App) -> Result<Validators, Error> {
    let bytes = serde_json::to_vec(&Tags { tags: &app.tags }).map_err(Error::internal)?;
    Ok(Validators::of_content(&bytes).modified(app.modified))
}

/// The tags of an app (001a 1).
pub async fn read(mut call: Call<'_>) -> Result<Reply, Error> {
    let tenant_id = call.who()?.tenant_id;
    let (_, found) = Subject::of_path(call.incoming)?
        .app(&mut call.reader, tenant_id)
        .await?;
    Ok(Reply::of(&Tags {
        tags: &found.value.tags,
    })?
    .validators(validators(&found.value)?))
}

/// Adds tags (001a 2). Those that are there already stay where they are.
pub async fn add(call: Call<'_>) -> Result<Reply, Error> {
    change(call, united).await
}

/// Removes tags (001a 3). Those that are not there are passed over.
pub async fn remove(call: Call<'_>) -> Result<Reply, Error> {
    change(call, |there, less| {
        Ok(there
            .iter()
            .filter(|tag| !less.iter().any(|gone| gone.trim() == *tag))
            .cloned()
            .collect())
    })
    .await
}

async fn change(
    mut call: Call<'_>,
    by: impl Fn(&[String], &[String]) -> Result<Vec<String>, Error> + Send + Sync,
) -> Result<Reply, Error> {
    let who = call.who()?;
    let incoming = call.incoming;
    let subject = Subject::of_path(incoming)?;
    let required = call.context.settings.require_if_match;
    let reader = &mut call.reader;
    let now = reader.now();
    shared::change!(reader, {
        let (_, mut found) = subject.app(reader, who.tenant_id).await?;
        publishing::require_editable(who, &found.value)?;
        incoming
            .conditions
            .judge_change(&validators(&found.value)?, required)?;
        incoming.require_json()?;
        let named: Named = incoming.parse()?;
        let before = found.value.clone();
        found.value.tags = by(&before.tags, &named.tags)?;
        let writes = if found.value.tags == before.tags {
            Vec::new()
        } else {
            app::update_writes(who.tenant_id, &before, &mut found, &who.owner.username, now)?
        };
        Ok(((), writes))
    })?;
    Ok(Reply::empty())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Counted {
    name: String,
    no_of_occurrences: usize,
}

/// What counting the tags of a list reads first.
pub fn count_plan(incoming: &Incoming, tenant_id: TenantId) -> Plan {
    incoming
        .param("appType")
        .parse::<Listing>()
        .map(|listing| Plan::default().query(catalogue::whole(tenant_id, listing)))
        .unwrap_or_default()
}

/// The tags of all apps of a type, each with the number of apps that have it, by name (001a 15). It
/// reads the whole list: one query per MB.
pub async fn count(mut call: Call<'_>) -> Result<Reply, Error> {
    let tenant_id = call.who()?.tenant_id;
    let listing = call.incoming.param("appType").parse::<Listing>()?;
    let mut counts = BTreeMap::<String, usize>::new();
    catalogue::each(&mut call.reader, tenant_id, listing, |row| {
        row.tags
            .into_iter()
            .for_each(|tag| *counts.entry(tag).or_default() += 1)
    })
    .await?;
    let view: Vec<Counted> = counts
        .into_iter()
        .map(|(name, no_of_occurrences)| Counted {
            name,
            no_of_occurrences,
        })
        .collect();
    Reply::of(&view)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(of: &[&str]) -> Vec<String> {
        of.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn tags_keep_their_order_and_come_once() {
        assert_eq!(
            united(&texts(&["b", "a"]), &texts(&["c", " a ", "c", "A"])).unwrap(),
            texts(&["b", "a", "c", "A"])
        );
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        let many: Vec<String> = (0..=MAX_TAGS).map(|n| n.to_string()).collect();
        assert!(united(&many[..MAX_TAGS], &texts(&["0"])).is_ok());
        assert!(united(&many[..MAX_TAGS], &many[MAX_TAGS..]).is_err());
        assert!(united(&[], &many).is_err());
        assert!(united(&[], &["é".repeat(MAX_TAG)]).is_ok());
        for bad in ["", " ", "a\u{0}b", "a\nb", &"é".repeat(MAX_TAG + 1)] {
            assert!(
                united(&[], &[bad.to_owned()])
                    .unwrap_err()
                    .message
                    .starts_with("tags"),
                "{bad:?}"
            );
        }
    }
}
