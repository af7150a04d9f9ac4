//! Users from a file of comma-separated values, as `fhc admin users import` sends it: each row is
//! judged and made as one user is, and the log says what became of each.

use std::time::{Duration, Instant};

use crate::base::clock::Timestamp;
use crate::base::code::Code;
use crate::base::error::{Error, Kind};
use crate::base::id::{Guid, TenantId};
use crate::base::secret::hash_password;
use crate::domain::people::password::Reason;
use crate::domain::people::user::MAX_NAME;
use crate::domain::people::user_changes::{Creation, Memberships};
use crate::domain::people::{password, user, user_changes};
use crate::model::people::principal::Principal;
use crate::model::people::user_import::ImportLog;
use crate::services::mail::Mailer;
use crate::store::record::{Reader, Stored};
use crate::store::{Table, keys, record};

/// Most rows of a file.
pub const MAX_ROWS: usize = 500;

/// Most bytes of a file.
pub const MAX_FILE: usize = 1_048_576;

/// How long rows are begun: the answer must come before the gateway gives up.
const BEGIN: Duration = Duration::from_secs(15);

/// How many rows are made at the same time; each hashes a password in 19 MiB.
const AT_ONCE: usize = 2;

/// Most characters of a username in the log, so that the longest log fits into one item.
const SHOWN: usize = 100;

/// A row: `<UserID>,<Email>,<Name>,<Password>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRow {
    /// Its line in the file.
    pub line: u64,
    /// The name to sign in with.
    pub username: String,
    /// The mail address; may be empty.
    pub email: String,
    /// The name to show; may be empty.
    pub name: String,
    /// The password; `None` where the field is empty or not there.
    pub password: Option<String>,
}

/// The rows of a file, without its header.
///
/// # Errors
/// Too large beyond [`MAX_FILE`]; invalid `invalid_file` for what is no text in UTF-8, for a file
/// without rows, and beyond [`MAX_ROWS`].
pub fn rows(file: &[u8]) -> Result<Vec<ImportRow>, Error> {
    if file.len() > MAX_FILE {
        return Err(Error::too_large(format!(
            "The file is larger than {MAX_FILE} bytes"
        )));
    }
    let text = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text);
    let mut rows = Vec::new();
    let (mut line, mut counted) = (1, 0);
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(|error| Error {
            cause: Some(error.to_string()),
            ..Error::invalid(Code::InvalidFile.with("it must be a text in UTF-8"))
        })?;
        // The position is where the row before ended: before its line break, and before empty
        // lines.
        let at = record
            .position()
            .map_or(0, |at| usize::try_from(at.byte()).unwrap_or(usize::MAX))
            .min(text.len());
        let at = at
            + text[at..]
                .iter()
                .take_while(|byte| byte.is_ascii_whitespace())
                .count();
        line += u64::try_from(
            text[counted..at]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count(),
        )
        .unwrap_or(0);
        counted = at;
        // Taken for one long name, such a row would put a password where everybody reads it.
        if record
            .get(0)
            .is_some_and(|first| first.contains([';', '\t', '\n', '\r']))
        {
            return Err(Error::invalid(Code::InvalidFile.with(format!(
                "line {line}: the fields of a row are separated by commas, in one line"
            ))));
        }
        let field = |at: usize| record.get(at).unwrap_or_default().trim();
        let (username, email, name) = (field(0), field(1), field(2));
        let heads = |text: &str, names: &[&str]| {
            names.contains(&text.trim_matches(['<', '>']).to_ascii_lowercase().as_str())
        };
        let is_header =
            index == 0 && heads(username, &["userid", "username"]) && heads(email, &["email"]);
        if is_header || record.iter().all(|field| field.trim().is_empty()) {
            continue;
        }
        if rows.len() == MAX_ROWS {
            return Err(Error::invalid(
                Code::InvalidFile.with(format!("at most {MAX_ROWS} users in one file")),
            ));
        }
        let password = Some(field(3))
            .filter(|password| !password.is_empty())
            .map(str::to_owned);
        rows.push(ImportRow {
            line,
            username: username.to_owned(),
            email: email.to_owned(),
            name: name.to_owned(),
            password,
        });
    }
    if rows.is_empty() {
        Err(Error::invalid(Code::InvalidFile.with("it holds no users")))
    } else {
        Ok(rows)
    }
}

/// What all rows of a file have in common.
pub struct Import<'a> {
    /// What each user is put on.
    pub memberships: &'a Memberships,
    /// Who mails the invitations; `None` for none.
    pub mailer: Option<&'a dyn Mailer>,
    /// The address where a link's password is chosen.
    pub password_page: &'a str,
}

/// What became of a row.
enum Outcome {
    Created,
    NotMailed,
    Refused(String),
    Untried,
}

/// Makes the users of a file, as many as the time allows, and keeps the log of it; gives the guid
/// that leads to the log. A row that is refused does not stop the others.
///
/// # Errors
/// Invalid for an unknown role, forbidden and not found for what the caller may not give: nobody is
/// made then; the store's.
pub async fn import(
    reader: &mut Reader<'_>,
    who: &Principal,
    rows: &[ImportRow],
    import: &Import<'_>,
) -> Result<Guid, Error> {
    user_changes::grantable(reader, who, import.memberships).await?;
    let (table, now) = (reader.table(), reader.now());
    let began = Instant::now();
    let mut outcomes = Vec::new();
    for batch in rows.chunks(AT_ONCE) {
        if began.elapsed() >= BEGIN {
            outcomes.extend(batch.iter().map(|_| Outcome::Untried));
            continue;
        }
        outcomes.extend(
            futures_util::future::join_all(
                batch
                    .iter()
                    .map(|row| create_user(table, now, who, row, import)),
            )
            .await,
        );
    }
    let log = log(who, rows, &outcomes, now);
    let guid = Guid::random();
    table
        .write(vec![record::create(
            keys::import(who.tenant_id, &guid),
            &log,
        )?])
        .await?;
    Ok(guid)
}

async fn create_user(
    table: &dyn Table,
    now: Timestamp,
    who: &Principal,
    row: &ImportRow,
    import: &Import<'_>,
) -> Outcome {
    match create_and_invite(table, now, who, row, import).await {
        Ok(true) => Outcome::Created,
        Ok(false) => Outcome::NotMailed,
        Err(error) => {
            if matches!(error.kind, Kind::Internal | Kind::Unavailable) {
                tracing::error!(
                    line = row.line,
                    %error,
                    cause = error.cause.as_deref().unwrap_or_default(),
                    "a row was not imported"
                );
            }
            Outcome::Refused(error.message)
        }
    }
}

/// Whether the invitation was mailed too, where one was asked for.
async fn create_and_invite(
    table: &dyn Table,
    now: Timestamp,
    who: &Principal,
    row: &ImportRow,
    import: &Import<'_>,
) -> Result<bool, Error> {
    let password_hash = match row.password.clone() {
        // It takes tens of milliseconds of computing, and the other rows wait for the store
        // meanwhile.
        Some(password) => Some(
            tokio::task::spawn_blocking(move || hash_password(&password))
                .await
                .map_err(Error::internal)??,
        ),
        None => None,
    };
    if row.name.chars().count() > MAX_NAME || row.name.chars().any(char::is_control) {
        return Err(Error::invalid(Code::InvalidName));
    }
    let new = Creation {
        username: &row.username,
        email: &row.email,
        name: &row.name,
        password_hash,
        activated: None,
        enabled: true,
        blacklisted: false,
        memberships: import.memberships,
        invite: import.mailer.is_some(),
    };
    let (user, link) = user_changes::create(&mut Reader::new(table, now), who, &new).await?;
    match (import.mailer, link) {
        (Some(mailer), Some(link)) => Ok(password::send(
            mailer,
            &user,
            &who.domain,
            import.password_page,
            Reason::Invitation,
            &link,
        )
        .await),
        _ => Ok(true),
    }
}

fn log(who: &Principal, rows: &[ImportRow], outcomes: &[Outcome], now: Timestamp) -> ImportLog {
    let mut log = ImportLog {
        by: who.owner.user.clone(),
        lines: Vec::new(),
        created: 0,
        refused: 0,
        untried: 0,
        at: now,
    };
    for (row, outcome) in rows.iter().zip(outcomes) {
        // What is no name may be anything, a password too.
        let is_name = user::checked_username(&row.username).is_ok();
        let name: String = if is_name {
            row.username.chars().take(SHOWN).collect()
        } else {
            "?".to_owned()
        };
        let what = match outcome {
            Outcome::Created => "created",
            Outcome::NotMailed => {
                "created, but the invitation could not be sent: send it again with user/invite"
            }
            Outcome::Refused(why) => why,
            Outcome::Untried => "not tried: the time was up, import this line again",
        };
        let count = match outcome {
            Outcome::Created | Outcome::NotMailed => &mut log.created,
            Outcome::Refused(_) => &mut log.refused,
            Outcome::Untried => &mut log.untried,
        };
        *count += 1;
        log.lines.push(format!("line {}: {name}: {what}", row.line));
    }
    log.lines.push(format!(
        "{} created, {} refused, {} not tried",
        log.created, log.refused, log.untried
    ));
    log
}

/// The log of an import of the tenant's.
///
/// # Errors
/// Not found `invalid_cacheKey`, also when its day is over; the store's.
pub async fn read(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    import: &Guid,
) -> Result<ImportLog, Error> {
    let found: Option<Stored<ImportLog>> = reader.get(&keys::import(tenant_id, import)).await?;
    found
        .map(|found| found.value)
        .ok_or_else(|| Error::not_found(Code::InvalidCacheKey))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error;

    fn row(
        line: u64,
        username: &str,
        email: &str,
        name: &str,
        password: Option<&str>,
    ) -> ImportRow {
        ImportRow {
            line,
            username: username.to_owned(),
            email: email.to_owned(),
            name: name.to_owned(),
            password: password.map(str::to_owned),
        }
    }

    #[test]
    fn files_as_people_have_them() {
        let anna = row(
            1,
            "anna",
            "anna@example.com",
            "Anna Field",
            Some("secret 1"),
        );
        assert_eq!(
            rows(b"anna,anna@example.com,Anna Field,secret 1").unwrap(),
            std::slice::from_ref(&anna)
        );
        assert_eq!(
            rows(b"\xef\xbb\xbfanna , anna@example.com, Anna Field,secret 1\r\n\r\n,,,\r\n")
                .unwrap(),
            [anna]
        );
        assert_eq!(
            rows(b"<UserID>,<Email>,<Name>,<Password>\na").unwrap(),
            [row(2, "a", "", "", None)]
        );
        let with_header =
            rows(b"UserID,Email,Name,Password\nben,,\"Field, Ben\",\nhanna,h@example.com\n")
                .unwrap();
        assert_eq!(
            with_header,
            [
                row(2, "ben", "", "Field, Ben", None),
                row(3, "hanna", "h@example.com", "", None)
            ]
        );
        let of_windows = rows(b"\r\na\r\n\r\nb,,\"two\r\nlines\"\r\nc").unwrap();
        assert_eq!(
            of_windows.iter().map(|row| row.line).collect::<Vec<_>>(),
            [2, 4, 6]
        );
        // A user may be called so where it is no header.
        assert_eq!(rows(b"username,a@example.com,A,b").unwrap().len(), 1);
    }

    #[test]
    fn files_that_are_none() {
        for file in [
            &b""[..],
            b"\n\n",
            b"UserID,Email,Name,Password\n",
            b"\xff\xfe,a,b",
        ] {
            assert_eq!(
                rows(file).unwrap_err().kind,
                error::Kind::Invalid,
                "{file:?}"
            );
        }
        assert_eq!(
            rows(&vec![b'a'; MAX_FILE + 1]).unwrap_err().kind,
            error::Kind::TooLarge
        );
        assert_eq!(
            rows("a\n".repeat(MAX_ROWS).as_bytes()).unwrap().len(),
            MAX_ROWS
        );
        assert_eq!(
            rows("a\n".repeat(MAX_ROWS + 1).as_bytes())
                .unwrap_err()
                .kind,
            error::Kind::Invalid
        );
    }
}
