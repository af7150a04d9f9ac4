//! The import of users from a file, and the log of it that its client asks for.

use serde::{Deserialize, Serialize};
use shared::base::code::Code;
use shared::base::error::Error;
use shared::base::id::Guid;
use shared::base::lenient;
use shared::domain::people::user_changes::Memberships;
use shared::domain::people::user_import;
use shared::domain::people::user_import::Import;
use shared::http::addresses;
use shared::http::multipart;
use shared::http::pipeline::Call;
use shared::http::reply::{Content, Reply};
use shared::model::people::user_import::ImportLog;

/// `file`, `invite`, `roles` and `authpolicies` in any order. It answers when all is done: the log
/// is complete then.
pub async fn import(mut call: Call<'_>) -> Result<Reply, Error> {
    let who = call.who()?;
    let form = multipart::read(call.incoming).await?;
    let words = |name: &str| form.text(name).map(lenient::split);
    let invite = match form.text("invite").map(str::trim).unwrap_or_default() {
        "" => false,
        word if word.eq_ignore_ascii_case("true") => true,
        word if word.eq_ignore_ascii_case("false") => false,
        _ => return Err(Error::invalid(Code::InvalidInvite)),
    };
    let memberships = Memberships::parse(
        words("roles").as_deref(),
        words("authpolicies").as_deref(),
        None,
        None,
    )?;
    let mailer = if invite {
        Some(call.context.mailer()?)
    } else {
        None
    };
    let file = form
        .file
        .as_deref()
        .ok_or_else(|| Error::invalid(Code::InvalidFile))?;
    let rows = user_import::rows(file)?;
    let import = Import {
        memberships: &memberships,
        mailer,
        password_page: &addresses::password_page(&call.incoming.base_url),
    };
    let cachekey = user_import::import(&mut call.reader, who, &rows, &import).await?;
    #[derive(Serialize)]
    struct ImportView {
        cachekey: Guid,
    }
    Reply::of(&ImportView { cachekey })
}

/// Most logs that one request asks for.
const MAX_LOGS: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CacheKey {
    cache_key: String,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_number")]
    start: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogView {
    cache_key: Guid,
    status: &'static str,
    progress: u8,
    log: Vec<String>,
    created: usize,
    refused: usize,
    untried: usize,
}

/// `cacheKeys=[{"cacheKey":…,"start":0}]`: the logs in this order, each from its line `start` on,
/// as a bare list.
pub async fn read_log(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Query {
        cache_keys: String,
    }
    let (query, who): (Query, _) = (call.body()?, call.who()?);
    let wanted =
        cache_keys(&query.cache_keys).ok_or_else(|| Error::invalid(Code::InvalidCacheKeys))?;
    let mut list = Vec::new();
    for (cache_key, start) in wanted {
        let log = user_import::read(&mut call.reader, who.tenant_id, &cache_key).await?;
        let ImportLog {
            lines,
            created,
            refused,
            untried,
            ..
        } = log;
        let log = lines
            .into_iter()
            .skip(usize::try_from(start).unwrap_or(usize::MAX))
            .collect();
        list.push(LogView {
            cache_key,
            status: "complete",
            progress: 100,
            log,
            created,
            refused,
            untried,
        });
    }
    let mut reply = Reply::of(&list)?;
    if let Content::Json(json) = reply.content {
        reply.content = Content::BareJson(json);
    }
    Ok(reply)
}

/// The guids and first lines that such a query names; `None` where it is none.
pub fn cache_keys(text: &str) -> Option<Vec<(Guid, u64)>> {
    let keys: Vec<CacheKey> = serde_json::from_str(text).ok()?;
    if keys.is_empty() || keys.len() > MAX_LOGS {
        return None;
    }
    keys.into_iter()
        .map(|key| Some((key.cache_key.parse().ok()?, key.start.unwrap_or(0))))
        .collect()
}
