//! How the Apperian API names apps (000): by an id in any of its spellings, or by a number; and who
//! sees which.

use crate::base::error::Error;
use crate::base::id::{AppId, AppRef, BinaryType, Guid, TenantId};
use crate::base::rights::Right;
use crate::model::apps::app::{App, NUMERIC_ID_STEP, NumericId};
use crate::model::people::principal::Principal;
use crate::store::record::{Reader, Stored};
use crate::store::{Key, keys};

/// What a client wrote to name an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AppReference {
    /// An id of ours.
    Id(AppId),
    /// A number, which leads to the app whose number is the multiple of [`NUMERIC_ID_STEP`] below
    /// it, and the type of binary after it.
    Number(u32, Option<BinaryType>),
    /// A well-formed name that nothing here answers to.
    Nobody,
}

/// The length of an id in the Apperian API's spelling: ids that the original product made have it
/// too.
const ID_LENGTH: usize = 22;

/// Whether a text is an id as the original product made them, which nothing here answers to.
pub fn is_foreign(text: &str) -> bool {
    text.len() == ID_LENGTH
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn parse(text: &str) -> Result<AppReference, Error> {
    match text.parse::<AppRef>() {
        Ok(AppRef::Ours(id)) => Ok(AppReference::Id(id)),
        Ok(AppRef::Foreign) => Ok(AppReference::Nobody),
        Err(_) if is_foreign(text) => Ok(AppReference::Nobody),
        Err(_) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => {
            Ok(text.parse().map_or(AppReference::Nobody, number))
        }
        Err(_) => Err(Error::invalid(
            "An application is named by its id or by its psk, a whole number",
        )),
    }
}

fn number(numeric_id: u32) -> AppReference {
    let item = numeric_id - numeric_id % NUMERIC_ID_STEP;
    match numeric_id % NUMERIC_ID_STEP {
        _ if item == 0 => AppReference::Nobody,
        0 => AppReference::Number(item, None),
        kind => BinaryType::ALL
            .get(kind as usize - 1)
            .map_or(AppReference::Nobody, |kind| {
                AppReference::Number(item, Some(*kind))
            }),
    }
}

/// The number of an item, or of the binary that its id names.
pub fn of(app: &App, id: AppId) -> u32 {
    app.numeric_id + id.kind().map_or(0, |kind| kind as u32 + 1)
}

/// What is said of an application that is not there, or that the caller does not see.
pub fn unknown() -> Error {
    Error::not_found("There is no such application")
}

/// What will be read for an app that is named so: the app record for an id, the number's claim for
/// a number. For a plan.
pub fn keys_of(tenant_id: TenantId, text: &str) -> Vec<Key> {
    match parse(text) {
        Ok(AppReference::Id(id)) => vec![keys::app(tenant_id, id)],
        Ok(AppReference::Number(item, _)) => vec![keys::numeric_id(tenant_id, item)],
        Ok(AppReference::Nobody) | Err(_) => Vec::new(),
    }
}

/// The id of the item or binary that is named, in any spelling of ids, or by its number. An id is
/// read from its text alone: that there is such an app says its app record.
///
/// # Errors
/// Invalid for a text that is neither id nor number; not found for ids of other origin and unknown
/// numbers; the store's.
pub async fn locate(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    text: &str,
) -> Result<AppId, Error> {
    match parse(text)? {
        AppReference::Id(id) => Ok(id),
        AppReference::Nobody => Err(unknown()),
        AppReference::Number(item, kind) => {
            let found = reader
                .get::<NumericId>(&keys::numeric_id(tenant_id, item))
                .await?
                .ok_or_else(unknown)?;
            Ok(kind.map_or(found.value.app.item(), |kind| found.value.app.binary(kind)))
        }
    }
}

/// The record of an app.
///
/// # Errors
/// Not found; the store's.
pub async fn read(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    id: AppId,
) -> Result<Stored<App>, Error> {
    reader
        .get(&keys::app(tenant_id, id))
        .await?
        .ok_or_else(unknown)
}

/// The binary that an id means on an app: the one that it names, or the only one that there is.
///
/// # Errors
/// Not found where the app has no such binary; invalid for an item without any, and for one with
/// several, whose ids it tells.
pub fn binary(app: &App, id: AppId) -> Result<BinaryType, Error> {
    if let Some(kind) = id.kind() {
        return app
            .binary(kind)
            .map(|binary| binary.kind)
            .ok_or_else(unknown);
    }
    match app.binaries.as_slice() {
        [] => Err(Error::invalid(
            "The application has no file yet: policies and signatures are for Android and iOS \
                packages",
        )),
        [only] => Ok(only.kind),
        several => {
            let ids: Vec<String> = several
                .iter()
                .map(|binary| {
                    format!(
                        "{} ({})",
                        app.id.binary(binary.kind).base64url(),
                        binary.kind
                    )
                })
                .collect();
            Err(Error::invalid(format!(
                "The application has several files, each of which has its own id: {}",
                ids.join(", ")
            )))
        }
    }
}

/// Whether somebody sees an app in the Apperian API: whoever may change apps sees all, others those
/// in the store that are restricted to no groups or to one of theirs. An app that wants its users
/// to come by a policy is for none of the others: a token comes by none.
pub fn visible(app: &App, who: &Principal) -> bool {
    let in_group = |groups: &[Guid]| {
        !app.restrict_to_groups || app.groups.iter().any(|group| groups.contains(group))
    };
    who.holds(Right::WriteStoreItems)
        || (app.in_store() && app.policies.is_empty() && in_group(&who.owner.groups))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Timestamp;
    use crate::base::error::Kind;
    use crate::base::id;

    #[test]
    fn every_way_to_name_an_app() {
        let item = id::AppId::new(Timestamp(1_700_000_000_000));
        for id in id::BinaryType::ALL
            .iter()
            .map(|kind| item.binary(*kind))
            .chain([item])
        {
            for text in [id.guid(), id.uuid(), id.base64url()] {
                assert_eq!(parse(&text).unwrap(), AppReference::Id(id), "{text}");
            }
        }
        assert_eq!(parse("8").unwrap(), AppReference::Number(8, None));
        assert_eq!(
            parse("0000009").unwrap(),
            AppReference::Number(8, Some(id::BinaryType::Android))
        );
        assert_eq!(
            parse("12").unwrap(),
            AppReference::Number(8, Some(id::BinaryType::Ios))
        );
        for nobody in [
            "0",
            "7",
            "13",
            "15",
            "99999999999",
            "XWJKqWeLM5-tp8N09-gTEw",
            "ajBTU-_UMtc7ggOCL6MbZRP_",
            "1234567890123456789012",
        ] {
            assert_eq!(parse(nobody).unwrap(), AppReference::Nobody, "{nobody}");
        }
        for malformed in [
            "",
            " 8",
            "+8",
            "-8",
            "8.0",
            "app",
            "XWJKqWeLM5+tp8N09+gTEw",
            "XWJKqWeLM5-tp8N09-gTE",
        ] {
            assert_eq!(
                parse(malformed).unwrap_err().kind,
                Kind::Invalid,
                "{malformed}"
            );
        }
    }
}
