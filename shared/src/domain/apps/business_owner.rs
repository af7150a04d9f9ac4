//! Business owners: who answers for an app towards the business, under a number.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::base::conditions::Validators;
use crate::base::error::{Error, Kind};
use crate::base::id::{AppId, TenantId};
use crate::base::kind::Listing;
use crate::change;
use crate::model::apps::business_owner::{BusinessOwner, OwnerName, Property};
use crate::model::apps::catalogue::CatalogueRow;
use crate::store::record::Record;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Query, StoreError, Write, keys, record};

/// The largest number of a business owner: clients keep it in 31 bits.
pub const MAX_NUMBER: u32 = 2_147_483_646;

/// Most characters of a name, a mail address, and a property's name.
pub const MAX_NAME: usize = 200;

/// Most characters of a description, a site, and a property's value.
pub const MAX_TEXT: usize = 1_000;

/// Most properties of one business owner.
pub const MAX_PROPERTIES: usize = 50;

/// What somebody says of a business owner.
#[derive(Clone, Debug, Default)]
pub struct BusinessOwnerInput {
    /// Its name: 1 to [`MAX_NAME`] characters.
    pub name: String,
    /// Its mail address, up to [`MAX_NAME`] characters.
    pub email: String,
    /// What it is: up to [`MAX_TEXT`] characters.
    pub description: String,
    /// Its page: up to [`MAX_TEXT`] characters.
    pub site: String,
    /// What else is kept of it: up to [`MAX_PROPERTIES`].
    pub properties: Vec<Property>,
}

impl BusinessOwnerInput {
    /// With the limits kept, and without the blanks around name and address.
    ///
    /// # Errors
    /// Invalid with the name of the field that is missing, too long, or holds control characters.
    pub fn checked(self) -> Result<Self, Error> {
        let name = text("name", self.name.trim(), MAX_NAME)?;
        let email = text("email", self.email.trim(), MAX_NAME)?;
        for (field, value) in [("name", &name), ("email", &email)] {
            if value.is_empty() {
                return Err(Error::invalid(format!("{field} is missing")));
            }
        }
        crate::services::mail::address(&email)
            .map_err(|_| Error::invalid("email is no mail address"))?;
        if self.properties.len() > MAX_PROPERTIES {
            return Err(Error::invalid(format!(
                "properties: at most {MAX_PROPERTIES}"
            )));
        }
        for property in &self.properties {
            if text("properties: key", &property.key, MAX_NAME)?
                .trim()
                .is_empty()
            {
                return Err(Error::invalid("properties: key is missing"));
            }
            text("properties: value", &property.value, MAX_TEXT)?;
        }
        let description = text("description", &self.description, MAX_TEXT)?;
        Ok(Self {
            name,
            email,
            description,
            site: text("site", &self.site, MAX_TEXT)?,
            properties: self.properties,
        })
    }
}

/// A text within its limit; line breaks and tabs are its only control characters.
fn text(field: &str, value: &str, most: usize) -> Result<String, Error> {
    if value.chars().count() > most {
        return Err(Error::invalid(format!(
            "{field} has more than {most} characters"
        )));
    }
    if value
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return Err(Error::invalid(format!("{field} holds control characters")));
    }
    Ok(value.to_owned())
}

fn name_taken() -> Error {
    Error::conflict("There is a business owner of that name and email already")
}

/// Most tries to make a business owner. Beside a million of them one try in two thousand meets a
/// taken number.
const TRIES: u32 = 12;

/// Makes a business owner under a number of chance.
///
/// # Errors
/// Those of [`BusinessOwnerInput::checked`]; conflict where another has its name and mail address,
/// whatever their case; the store's.
pub async fn create(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    said: BusinessOwnerInput,
) -> Result<BusinessOwner, Error> {
    let (said, now) = (said.checked()?, reader.now());
    let claim = keys::business_owner_name(tenant_id, &said.name, &said.email);
    let BusinessOwnerInput {
        name,
        email,
        description,
        site,
        properties,
    } = said;
    let mut owner = BusinessOwner {
        id: 0,
        revision: 1,
        name,
        email,
        description,
        site,
        properties,
        created: now,
        modified: now,
    };
    for tries in 1..=TRIES {
        owner.id = rand::random_range(1..=MAX_NUMBER);
        let writes = vec![
            record::create(claim.clone(), &OwnerName { owner: owner.id })?,
            record::create(keys::business_owner(tenant_id, owner.id), &owner)?,
        ];
        match reader.table().write(writes).await {
            Ok(()) => return Ok(owner),
            Err(StoreError::Condition { at: 0 }) => return Err(name_taken()),
            // The number is somebody's, or another transaction was at the name: nothing was
            // written.
            Err(StoreError::Condition { .. } | StoreError::Contended(_)) => {
                tokio::time::sleep(Duration::from_millis(rand::random_range(
                    1..=2_u64 << tries.min(7),
                )))
                .await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::unavailable(
        "a business owner could not be made: others were first each time",
    ))
}

/// What reading all business owners asks.
pub fn listing(tenant_id: TenantId) -> Query {
    Query::all(keys::business_owners(tenant_id))
}

/// All business owners, oldest first.
///
/// # Errors
/// The store's.
pub async fn list(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
) -> Result<Vec<BusinessOwner>, Error> {
    let items = reader.all(listing(tenant_id)).await?;
    let mut owners = items
        .into_iter()
        .map(|item| Ok(Stored::<BusinessOwner>::parse(item)?.value))
        .collect::<Result<Vec<_>, Error>>()?;
    // Their numbers are of chance.
    owners.sort_by_key(|owner| (owner.created, owner.id));
    Ok(owners)
}

/// Replaces what is said of a business owner; `judge` says whether the change may be made to what
/// is there.
///
/// # Errors
/// Not found; what `judge` says; those of [`BusinessOwnerInput::checked`]; conflict where another
/// has its name and mail address; the store's.
pub async fn update(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    id: u32,
    judge: impl Fn(&Validators) -> Result<(), Error> + Send + Sync,
    said: BusinessOwnerInput,
) -> Result<BusinessOwner, Error> {
    let (said, now) = (said.checked()?, reader.now());
    let changed = change!(reader, {
        let mut found = find(reader, tenant_id, id).await?;
        judge(&found.value.validators())?;
        let (before, after) = (
            keys::business_owner_name(tenant_id, &found.value.name, &found.value.email),
            keys::business_owner_name(tenant_id, &said.name, &said.email),
        );
        let BusinessOwnerInput {
            name,
            email,
            description,
            site,
            properties,
        } = said.clone();
        let (revision, created) = (found.value.revision + 1, found.value.created);
        found.value = BusinessOwner {
            id,
            revision,
            name,
            email,
            description,
            site,
            properties,
            created,
            modified: now,
        };
        // First, since of two failed conditions the first one counts: who was overtaken looks
        // again, and may find the name its own.
        let mut writes = vec![found.replace()?];
        if before != after {
            writes.push(record::create(after, &OwnerName { owner: id })?);
            writes.push(Write::Delete(before, Condition::Always));
        }
        Ok((found.value, writes))
    });
    changed.map_err(|error| {
        if error.kind == Kind::Conflict {
            name_taken()
        } else {
            error
        }
    })
}

/// Removes a business owner that no app has; `judge` says whether what is there may go.
///
/// # Errors
/// Not found; what `judge` says; precondition failed where apps have it, with the names of the
/// first; the store's.
pub async fn delete(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    id: u32,
    judge: impl Fn(&Validators) -> Result<(), Error> + Send + Sync,
) -> Result<(), Error> {
    change!(reader, {
        let found = find(reader, tenant_id, id).await?;
        judge(&found.value.validators())?;
        if found.count > 0 {
            let named = apps(reader, tenant_id, id).await?;
            return Err(Error::new(
                Kind::PreconditionFailed,
                in_use(found.count, &named),
            ));
        }
        let claim = keys::business_owner_name(tenant_id, &found.value.name, &found.value.email);
        // An app that takes it in this moment moves its revision, and finds it gone when it is
        // second.
        Ok((
            (),
            vec![found.remove(), Write::Delete(claim, Condition::Always)],
        ))
    })
}

fn in_use(count: i64, named: &[String]) -> String {
    let apps = if count == 1 {
        "1 app has".to_owned()
    } else {
        format!("{count} apps have")
    };
    let more = usize::try_from(count).is_ok_and(|count| count > named.len()) && !named.is_empty();
    let names = if named.is_empty() {
        String::new()
    } else {
        format!(": {}{}", named.join(", "), if more { ", …" } else { "" })
    };
    format!("{apps} this business owner{names}")
}

/// Most apps that a refusal names.
const APPS_NAMED: usize = 10;

/// Most pages of each list that are looked through for their names: 1 MB each.
const APPS_PAGES: usize = 4;

/// The names of the first apps that have a business owner, with their versions: as many as a few
/// pages of the lists show.
async fn apps(reader: &mut Reader<'_>, tenant_id: TenantId, id: u32) -> Result<Vec<String>, Error> {
    let (mut seen, mut named) = (BTreeSet::<AppId>::new(), Vec::new());
    // Sites are among the web apps.
    for listing in [Listing::Web, Listing::Mobile] {
        let mut query = Query::all(keys::rows(tenant_id, listing));
        for _ in 0..APPS_PAGES {
            let page = reader.query(&query).await?;
            for item in page.items {
                let row = Stored::<CatalogueRow>::parse(item)?.value;
                // An app with binaries of two types is two rows.
                if row.business_owner == Some(id) && seen.insert(row.id.item()) {
                    named.push(if row.version.is_empty() {
                        row.name
                    } else {
                        format!("{} {}", row.name, row.version)
                    });
                }
                if named.len() == APPS_NAMED {
                    return Ok(named);
                }
            }
            if page.next.is_none() {
                break;
            }
            query.after = page.next;
        }
    }
    Ok(named)
}

/// The number that a path names.
///
/// # Errors
/// Invalid for what is no number from 1 to 2,147,483,647 without leading zeros.
pub fn number(text: &str) -> Result<u32, Error> {
    let number = text
        .parse::<u32>()
        .ok()
        .filter(|number| (1..=MAX_NUMBER + 1).contains(number) && number.to_string() == text);
    number.ok_or_else(|| Error::invalid("businessOwnerId is the number of a business owner"))
}

/// The writes that make `after` the business owner of an app in place of `before`.
///
/// # Errors
/// Invalid for an unknown one; the store's.
pub async fn assign(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    before: Option<u32>,
    after: Option<u32>,
) -> Result<Vec<Write>, Error> {
    if before == after {
        return Ok(Vec::new());
    }
    if let Some(id) = after
        && reader
            .get::<BusinessOwner>(&keys::business_owner(tenant_id, id))
            .await?
            .is_none()
    {
        return Err(Error::invalid(format!(
            "businessOwnerId: there is no business owner {id}"
        )));
    }
    Ok(before
        .map(|id| counted(tenant_id, id, -1))
        .into_iter()
        .chain(after.map(|id| counted(tenant_id, id, 1)))
        .collect())
}

fn counted(tenant_id: TenantId, id: u32, by: i64) -> Write {
    Write::Count {
        key: keys::business_owner(tenant_id, id),
        kind: BusinessOwner::KIND,
        by,
        condition: Condition::Present,
    }
}

/// A business owner.
///
/// # Errors
/// Not found; the store's.
pub async fn find(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    id: u32,
) -> Result<Stored<BusinessOwner>, Error> {
    let found = reader.get(&keys::business_owner(tenant_id, id)).await?;
    found.ok_or_else(|| Error::not_found(format!("There is no business owner {id}")))
}
