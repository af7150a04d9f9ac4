//! Notifications: what was mailed because of an alert, or is still to be (003 4.5), and how the
//! mail looks.

use askama::Template;

use crate::base::environment::Environment;
use crate::base::error::Error;
use crate::base::id::{AppId, TenantId};
use crate::base::limits::MAX_ANSWER;
use crate::domain::events::alert;
use crate::model::events::event::Event;
use crate::model::events::notification::Notification;
use crate::services::mail::{MAX_SUBJECT, Mail};
use crate::store::record::{Reader, Stored};
use crate::store::{Query, keys};

/// What reading one page of the notifications of an app in an environment asks: the newest first,
/// behind `after`.
pub fn listing(
    tenant_id: TenantId,
    app: AppId,
    env: &Environment,
    limit: Option<u32>,
    after: Option<String>,
) -> Query {
    Query {
        newest_first: true,
        ..Query::all(keys::notifications(tenant_id, app, env))
    }
    .after(after)
    .limit(limit)
}

/// One page of the notifications of an app in an environment (003 4.5), the newest first, and
/// behind what the next one goes on. A page has what one call to the store gives, and may be
/// shorter than `limit`; without a limit it is all of them.
///
/// # Errors
/// Too large beyond one answer without a limit; not found for an app that has neither an app record
/// nor a notification; the store's.
pub async fn list(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    app: AppId,
    env: &Environment,
    limit: Option<u32>,
    after: Option<String>,
) -> Result<(Vec<Notification>, Option<String>), Error> {
    let is_first = after.is_none();
    let mut query = listing(tenant_id, app, env, limit, after);
    let mut page = reader.query(&query).await?;
    // Whoever asks for no page gets all of them.
    while limit.is_none() && page.next.is_some() {
        if page.items.iter().map(|item| item.body.len()).sum::<usize>() > MAX_ANSWER {
            return Err(Error::too_large(
                "The list is too large for one answer: ask for pages with limit and cursor",
            ));
        }
        query.after = page.next;
        let more = reader.query(&query).await?;
        page.items.extend(more.items);
        page.next = more.next;
    }
    if page.items.is_empty() && page.next.is_none() && is_first {
        alert::must_exist(reader, tenant_id, Some(app)).await?;
    }
    let found = page
        .items
        .into_iter()
        .map(|item| Ok(Stored::<Notification>::parse(item)?.value))
        .collect::<Result<_, Error>>()?;
    Ok((found, page.next))
}

/// How many details of an event a mail says at most.
const DETAILS: usize = 20;

/// Most characters of a detail.
const MAX_DETAIL: usize = 300;

/// A mail with more events than this says no details: the list of events has them.
const DETAILED: usize = 10;

/// The subject of its mail: `FeedHenry Appdepot Alert: <alert> - <app> (<guid>)`, and ` - N events`
/// behind it for a digest (003 4.5.4.1). Names are cut so that guid and number are always there.
/// One line.
pub fn subject(notification: &Notification) -> String {
    const BEFORE: &str = "FeedHenry Appdepot Alert: ";
    const BETWEEN: &str = " - ";
    let behind = match count(notification) {
        0 | 1 => format!(" ({})", notification.app),
        events => format!(" ({}) - {events} events", notification.app),
    };
    let room = MAX_SUBJECT.saturating_sub(BEFORE.len() + BETWEEN.len() + behind.len());
    let (alert, app) = (line(&notification.alert_name), line(&notification.app_name));
    // A short name leaves its room to the other one.
    let alert_room = (room - room / 2).max(room.saturating_sub(app.chars().count()));
    let alert = cut(&alert, alert_room);
    let app = cut(&app, room.saturating_sub(alert.chars().count()));
    format!("{BEFORE}{alert}{BETWEEN}{app}{behind}")
}

/// Its mail as plain text. Lines that come from outside stand indented, so that they cannot pass
/// for ours.
pub fn text(notification: &Notification) -> String {
    let mut lines = vec![
        "Application".to_owned(),
        format!("  Name: {}", line(&notification.app_name)),
        format!("  GUID: {}", notification.app),
        format!("  Environment: {}", notification.env),
        String::new(),
        "Alert".to_owned(),
        format!("  Name: {}", line(&notification.alert_name)),
        format!("  GUID: {}", notification.alert),
        String::new(),
        "Event details".to_owned(),
    ];
    if count(notification) > 1 {
        lines.push(format!("  {} events", count(notification)));
    }
    for event in shown(notification) {
        lines.push(String::new());
        lines.push(format!("  Event: {}", event.name));
        lines.push(format!("  Category: {}", event.category));
        lines.push(format!("  Severity: {}", event.severity));
        lines.push(format!("  Time: {}", event.time));
        lines.push(format!(
            "  Message: {}",
            event.message.replace('\n', "\n    ")
        ));
        lines.push(format!("  By: {}", event.by));
        lines.extend(
            event
                .details
                .iter()
                .map(|(name, value)| format!("  {name}: {value}")),
        );
    }
    if notification.more > 0 {
        lines.push(String::new());
        lines.push(format!(
            "  and {} more, which the app's list of events has",
            notification.more
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// The same as HTML. All that comes from outside is escaped.
pub fn html(notification: &Notification) -> String {
    Page {
        alert: line(&notification.alert_name),
        alert_guid: notification.alert.as_str(),
        app: line(&notification.app_name),
        app_guid: notification.app.to_string(),
        env: notification.env.as_str(),
        count: count(notification),
        events: shown(notification),
        more: notification.more,
    }
    .to_string()
}

/// Its mail: every try to send it is the same one.
///
/// # Errors
/// Invalid where a recipient is no address, or without any.
pub fn mail(notification: &Notification) -> Result<Mail, Error> {
    let to: Vec<&str> = notification.recipients.iter().map(String::as_str).collect();
    let mail = Mail::new(
        &to,
        &subject(notification),
        text(notification),
        html(notification),
    )?;
    Ok(mail.of_notification(&notification.guid))
}

/// How many events it is about.
fn count(notification: &Notification) -> usize {
    notification.events.len() + usize::try_from(notification.more).unwrap_or(usize::MAX)
}

/// An event as mails show it.
struct MailedEvent {
    name: String,
    category: &'static str,
    severity: &'static str,
    time: String,
    message: String,
    by: String,
    details: Vec<(String, String)>,
}

fn shown(notification: &Notification) -> Vec<MailedEvent> {
    let is_detailed = notification.events.len() <= DETAILED;
    let shown = |event: &Event| MailedEvent {
        name: event.finer.as_ref().map_or_else(
            || line(&event.name),
            |finer| format!("{} ({})", line(&event.name), line(finer)),
        ),
        category: event.category.as_str(),
        severity: event.severity.as_str(),
        time: event.happened.rfc3339(),
        message: event
            .message
            .replace("\r\n", "\n")
            .chars()
            .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
            .collect(),
        by: line(&event.by),
        details: if is_detailed {
            details(event)
        } else {
            Vec::new()
        },
    };
    notification.events.iter().map(shown).collect()
}

fn details(event: &Event) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let said = |(name, value): (&String, &serde_json::Value)| {
        (
            cut(&line(name), MAX_DETAIL),
            cut(&line(&text(value)), MAX_DETAIL),
        )
    };
    let mut details: Vec<(String, String)> = event.details.iter().take(DETAILS).map(said).collect();
    if event.details.len() > DETAILS {
        details.push((
            "More".to_owned(),
            format!("{} details", event.details.len() - DETAILS),
        ));
    }
    details
}

/// A text from outside in one line.
fn line(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
                ' '
            } else {
                c
            }
        })
        .collect()
}

/// A text of at most so many characters; one that was cut ends with `…`.
fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(limit.saturating_sub(1)).collect();
    cut.extend((limit > 0).then_some('…'));
    cut
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!DOCTYPE html>
<html><body style="font-family:sans-serif">
<h3>Application</h3>
<table>
<tr><th align="left">Name</th><td>{{ app }}</td></tr>
<tr><th align="left">GUID</th><td>{{ app_guid }}</td></tr>
<tr><th align="left">Environment</th><td>{{ env }}</td></tr>
</table>
<h3>Alert</h3>
<table>
<tr><th align="left">Name</th><td>{{ alert }}</td></tr>
<tr><th align="left">GUID</th><td>{{ alert_guid }}</td></tr>
</table>
<h3>Event details</h3>
{% if count > 1 %}<p>{{ count }} events</p>
{% endif %}{% for event in events %}<table>
<tr><th align="left">Event</th><td>{{ event.name }}</td></tr>
<tr><th align="left">Category</th><td>{{ event.category }}</td></tr>
<tr><th align="left">Severity</th><td>{{ event.severity }}</td></tr>
<tr><th align="left">Time</th><td>{{ event.time }}</td></tr>
<tr><th align="left">Message</th><td style="white-space:pre-wrap">{{ event.message }}</td></tr>
<tr><th align="left">By</th><td>{{ event.by }}</td></tr>
{% for (name, value) in event.details -%}
<tr><th align="left">{{ name }}</th><td>{{ value }}</td></tr>
{% endfor %}</table>
<hr>
{% endfor %}{% if more > 0 %}<p>and {{ more }} more, which the app's list of events has</p>
{% endif %}</body></html>
"#
)]
struct Page<'a> {
    alert: String,
    alert_guid: &'a str,
    app: String,
    app_guid: String,
    env: &'a str,
    count: usize,
    events: Vec<MailedEvent>,
    more: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Timestamp;
    use crate::base::id;
    use crate::base::id::Guid;
    use crate::model::events::notification::Delivery;
    use crate::model::events::{event, notification};
    use crate::services::mail as services_mail;
    use crate::services::mail::sender;

    fn notification(
        alert_name: &str,
        app_name: &str,
        messages: &[&str],
    ) -> notification::Notification {
        let now = Timestamp(1_700_000_000_000);
        let app = id::AppId::new(now);
        let event = |message: &&str| {
            event::Event::named(
                app,
                app_name,
                "CRASHED",
                "System",
                (*message).to_owned(),
                now,
            )
            .with("<pid>", 17)
        };
        notification::Notification {
            guid: Guid::random(),
            alert: Guid::random(),
            alert_name: alert_name.to_owned(),
            app,
            app_name: app_name.to_owned(),
            env: "dev".parse().unwrap(),
            recipients: vec!["ops@example.com".to_owned()],
            events: messages.iter().map(event).collect(),
            more: 0,
            delivery: Delivery::Collecting,
            tries: 0,
            error: None,
            created: now,
            modified: now,
        }
    }

    #[test]
    fn the_subject_is_the_documented_one() {
        let mut one = notification("AppTerminated", "EventsTestApp1", &["x"]);
        assert_eq!(
            subject(&one),
            format!(
                "FeedHenry Appdepot Alert: AppTerminated - EventsTestApp1 ({})",
                one.app
            )
        );
        one.more = 700;
        assert_eq!(
            subject(&one),
            format!(
                "FeedHenry Appdepot Alert: AppTerminated - EventsTestApp1 ({}) - 701 events",
                one.app
            )
        );
    }

    #[test]
    fn long_names_leave_guid_and_number_in_the_subject() {
        for (alert, app) in [(300, 300), (300, 5), (5, 300), (0, 300), (62, 63), (63, 62)] {
            let mut long = notification(&"é".repeat(alert), &"ü".repeat(app), &["x"]);
            for more in [0, 1, u32::MAX] {
                long.more = more;
                let mail = mail(&long).unwrap();
                let expected = if more == 0 {
                    format!("({})", long.app)
                } else {
                    format!("({}) - {} events", long.app, u64::from(more) + 1)
                };
                assert!(mail.subject.ends_with(&expected), "{}", mail.subject);
                assert!(mail.subject.chars().count() <= services_mail::MAX_SUBJECT);
                if alert + app > 200 {
                    assert!(
                        mail.subject.chars().count() >= services_mail::MAX_SUBJECT - 1,
                        "room is wasted: {}",
                        mail.subject
                    );
                }
            }
        }
    }

    #[test]
    fn nothing_from_outside_is_markup_or_a_header() {
        for attack in [
            "x\r\nBcc: evil@example.net",
            "x\nX-Evil: 1",
            "<script>alert(1)</script>",
            "x\r\n\r\n<img src=x>",
            "\u{85}Bcc: evil@example.net",
        ] {
            let mut bad = notification(attack, attack, &[attack, attack]);
            bad.events[0].by = attack.to_owned();
            bad.events[0]
                .details
                .insert(attack.to_owned(), serde_json::Value::from(attack));
            let mail = mail(&bad).unwrap();
            assert!(
                !mail.html.contains("<script") && !mail.html.contains("<img"),
                "{}",
                mail.html
            );
            assert!(
                !mail.text.lines().any(|line| line.starts_with("Bcc")
                    || line.starts_with("X-Evil")
                    || line.starts_with('<')),
                "{}",
                mail.text
            );
            let mime = String::from_utf8(mail.mime(&sender("store@example.com").unwrap()).unwrap())
                .unwrap();
            let headers = mime.split("\r\n\r\n").next().unwrap();
            assert!(
                !headers
                    .lines()
                    .any(|line| line.starts_with("Bcc") || line.starts_with("X-Evil")),
                "{headers}"
            );
            assert!(
                headers.contains(&format!("X-Appdepot-Notification: {}", bad.guid)),
                "{headers}"
            );
            assert!(
                headers.contains(&format!("Message-ID: <{}@example.com>", bad.guid)),
                "{headers}"
            );
            assert!(mime.contains("text/plain") && mime.contains("text/html"));
        }
    }

    #[test]
    fn both_parts_say_everything() {
        let mut digest = notification(
            "It crashed",
            "Rounds & <b>Visits</b>",
            &["out of <memory>", "again"],
        );
        digest.more = 3;
        let (text, html) = (text(&digest), html(&digest));
        for expected in [
            "Application",
            "Alert",
            "Event details",
            "5 events",
            "CRASHED",
            "APP_STATE",
            "ERROR",
            "System",
            "2023-11-14T22:13:20Z",
            "again",
            "and 3 more",
        ] {
            assert!(
                text.contains(expected) && html.contains(expected),
                "{expected}: {text} {html}"
            );
        }
        assert!(
            text.contains("out of <memory>")
                && text.contains("<pid>: 17")
                && text.contains("Rounds & <b>Visits</b>"),
            "{text}"
        );
        assert!(
            html.contains("out of &#60;memory&#62;")
                && html.contains("&#60;pid&#62;")
                && html.contains("Rounds &#38; &#60;b&#62;"),
            "{html}"
        );
    }

    #[test]
    fn details_are_bounded() {
        let mut one = notification("a", "b", &["c"]);
        for number in 0..100 {
            one.events[0].details.insert(
                format!("detail {number:02}"),
                serde_json::Value::from("x".repeat(10_000)),
            );
        }
        assert!(text(&one).len() < 10_000 && html(&one).len() < 12_000);
        assert!(text(&one).contains("More: 81 details"), "{}", text(&one));
    }
}
