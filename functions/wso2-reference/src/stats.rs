//! Statistics of apps (001a 14).

use serde::{Deserialize, Serialize};
use shared::base::clock::Timestamp;
use shared::base::error::{Error, Kind};
use shared::base::id::TenantId;
use shared::base::kind::Listing;
use shared::domain::log::statistics;
use shared::domain::log::statistics::{Use, Used, Window};
use shared::http::incoming::Incoming;
use shared::http::pipeline::Call;
use shared::http::reply::Reply;
use shared::store::Query;

/// A kind of statistic.
#[derive(Clone, Copy, PartialEq, Eq, strum::EnumString, strum::VariantNames)]
#[strum(parse_err_ty = Error, parse_err_fn = unknown_stat)]
enum Stat {
    #[strum(to_string = "getSubscriptionCountsPerApp")]
    SubscriptionCounts,
    #[strum(to_string = "getSubscriptionsPerApp")]
    Subscriptions,
    #[strum(to_string = "getAppUsagePerUser")]
    UsagePerUser,
    #[strum(to_string = "getAppResponseTime")]
    ResponseTime,
    #[strum(to_string = "getAppUsagePerPage")]
    UsagePerPage,
    #[strum(to_string = "getCacheHit")]
    CacheHit,
}

fn unknown_stat(_: &str) -> Error {
    let known = <Stat as strum::VariantNames>::VARIANTS.join(", ");
    Error::invalid(format!("statType is one of {known}"))
}

impl Stat {
    /// Whether it is about how requests went on their way to an app, which nothing here sees.
    fn is_of_requests(self) -> bool {
        matches!(self, Self::ResponseTime | Self::CacheHit)
    }
}

struct StatisticsQuery {
    listing: Listing,
    stat: Stat,
    window: Window,
    /// Most entries of the answer.
    limit: Option<usize>,
}

fn query(incoming: &Incoming) -> Result<StatisticsQuery, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Fields {
        #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
        start_time_stamp: Option<String>,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
        end_time_stamp: Option<String>,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
        limit: Option<String>,
    }
    let listing = incoming.param("appType").parse::<Listing>()?;
    let stat: Stat = incoming.param("statType").parse()?;
    let fields: Fields = incoming.parse()?;
    let moment = |name: &str, text: Option<String>| match text
        .filter(|text| !text.trim().is_empty())
    {
        None => Ok(None),
        Some(text) => match Timestamp::read(&text) {
            None => Err(Error::invalid(format!(
                "{name} is a time such as 2016-04-19 10:32:00, in UTC, or milliseconds since 1970"
            ))),
            at => Ok(at),
        },
    };
    let window = Window {
        start: moment("startTimeStamp", fields.start_time_stamp)?,
        end: moment("endTimeStamp", fields.end_time_stamp)?,
    };
    if let (Some(start), Some(end)) = (window.start, window.end)
        && start > end
    {
        return Err(Error::invalid("startTimeStamp is after endTimeStamp"));
    }
    let limit = match fields.limit.filter(|text| !text.trim().is_empty()) {
        None => None,
        Some(text) => Some(
            text.trim()
                .parse::<u32>()
                .ok()
                .filter(|limit| *limit > 0)
                .ok_or_else(|| Error::invalid("limit is a whole number from 1"))?,
        ),
    };
    let limit = limit
        .map(usize::try_from)
        .transpose()
        .map_err(Error::internal)?;
    Ok(StatisticsQuery {
        listing,
        stat,
        window,
        limit,
    })
}

/// What a request reads first, where it can be read and asks the table for anything.
pub fn first_rows(incoming: &Incoming, tenant_id: TenantId) -> Option<Query> {
    let asked = query(incoming)
        .ok()
        .filter(|asked| !asked.stat.is_of_requests())?;
    statistics::first_rows(tenant_id, asked.listing, asked.window)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CountView<'a> {
    app_id: String,
    app_name: &'a str,
    app_version: &'a str,
    subscription_count: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SubscriberView<'a> {
    name: &'a str,
    subscribed_date: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SubscriptionsView<'a> {
    app_name: &'a str,
    app_version: &'a str,
    subscribers_list: Vec<SubscriberView<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UsageView<'a> {
    api_name: String,
    version: &'a str,
    context: Option<&'a str>,
    user_id: &'a str,
    /// The log knows no page from which an app was fetched.
    referer: &'static str,
    count: u64,
}

#[derive(Serialize)]
struct ResultView<T> {
    result: Vec<T>,
}

fn answer<T: Serialize>(
    entries: impl Iterator<Item = T>,
    limit: Option<usize>,
) -> Result<Reply, Error> {
    let view = ResultView {
        result: entries.take(limit.unwrap_or(usize::MAX)).collect(),
    };
    Reply::of(&view).map_err(|error| match error.kind {
        Kind::TooLarge => Error::too_large(
            "The result is too large for one answer: send limit, or \
            narrow startTimeStamp and endTimeStamp",
        ),
        _ => error,
    })
}

/// 001a 14
pub async fn read(mut call: Call<'_>) -> Result<Reply, Error> {
    let StatisticsQuery {
        listing,
        stat,
        window,
        limit,
    } = query(call.incoming)?;
    let tenant_id = call.who()?.tenant_id;
    let apps = if stat.is_of_requests() {
        Vec::new()
    } else {
        statistics::used(&mut call.reader, tenant_id, listing, window).await?
    };
    match stat {
        Stat::SubscriptionCounts => {
            let mut apps: Vec<&Used> = apps.iter().collect();
            // The sort is stable: those with as many subscribers stay in the order of how often
            // they were fetched.
            apps.sort_by_key(|app| std::cmp::Reverse(app.users.len()));
            answer(apps.into_iter().map(counts), limit)
        }
        Stat::Subscriptions => answer(apps.iter().map(subscriptions), limit),
        Stat::UsagePerUser => answer(
            usage(&apps).map(|(app, user)| usage_of(app, user, app.name.clone())),
            limit,
        ),
        // As the sample of the documents writes it.
        Stat::UsagePerPage => answer(
            usage(&apps)
                .map(|(app, user)| usage_of(app, user, format!("{}(v{})", app.name, app.version))),
            limit,
        ),
        Stat::ResponseTime | Stat::CacheHit => answer(std::iter::empty::<()>(), limit),
    }
}

fn counts(app: &Used) -> CountView<'_> {
    CountView {
        app_id: app.id.uuid(),
        app_name: &app.name,
        app_version: &app.version,
        subscription_count: app.users.len(),
    }
}

fn subscriptions(app: &Used) -> SubscriptionsView<'_> {
    let subscribers_list = app
        .users
        .iter()
        .map(|user| SubscriberView {
            name: &user.username,
            subscribed_date: user.last.plain(),
        })
        .collect();
    SubscriptionsView {
        app_name: &app.name,
        app_version: &app.version,
        subscribers_list,
    }
}

/// Who fetched what, the most often first.
fn usage(apps: &[Used]) -> impl Iterator<Item = (&Used, &Use)> {
    let mut all: Vec<(&Used, &Use)> = apps
        .iter()
        .flat_map(|app| app.users.iter().map(move |user| (app, user)))
        .collect();
    all.sort_by_key(|(_, user)| std::cmp::Reverse(user.count));
    all.into_iter()
}

fn usage_of<'a>(app: &'a Used, user: &'a Use, api_name: String) -> UsageView<'a> {
    UsageView {
        api_name,
        version: &app.version,
        context: app.context.as_deref(),
        user_id: &user.username,
        referer: "",
        count: user.count,
    }
}
