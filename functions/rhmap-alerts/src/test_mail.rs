//! Of no document: a mail to those who are to be an alert's recipients.

use serde::Serialize;
use shared::base::code::Code;
use shared::base::error::Error;
use shared::domain::events::alert;
use shared::domain::events::alert::AlertInput;
use shared::domain::sign_in::sign_in::{Attempt, Throttled};
use shared::http::pipeline::Call;
use shared::http::reply::Reply;

use crate::requests::TestBody;

/// What stands for an address where a whole tenant is counted: its people sit behind many, and mail
/// is sent from one place.
const WHOLE_TENANT: &str = "tenant";

/// Mails a test to all addresses at once. A caller may do so as often as he may give a wrong
/// password, and a tenant as often as an address may.
pub async fn send(mut call: Call<'_>) -> Result<Reply, Error> {
    let who = call.who()?;
    let body: TestBody = call.body()?;
    let watched = body.watched()?;
    let emails = alert::recipients(
        &body
            .emails
            .ok_or_else(|| Error::invalid(Code::InvalidEmails))?,
    )?;
    // A name is judged as that of an alert is.
    let name = body.alert_name.filter(|name| !name.trim().is_empty());
    AlertInput {
        name: name.clone(),
        ..AlertInput::default()
    }
    .checked()?;
    if let Some(watched) = watched {
        alert::must_exist(&mut call.reader, who.tenant_id, watched.app()?).await?;
    }
    let mut lines = vec![format!(
        "This is a test from the app store {}: mails of its alerts reach this address.",
        who.domain
    )];
    lines.extend(name.map(|name| format!("Alert: {}", name.trim())));
    if let Some(watched) = watched {
        lines.push(format!("App: {}", alert::app_text(watched.app()?)));
    }
    lines.extend(body.env.map(|env| format!("Environment: {env}")));
    lines.push(format!("It was asked for by {}.", who.owner.username));
    let mail = alert::test_mail(&emails, &lines)?;
    let now = call.reader.now();
    let attempt = Attempt {
        of: Throttled::TestMail,
        tenant_id: who.tenant_id,
        name: who.owner.user.as_str(),
        password: "",
        address: WHOLE_TENANT,
        now,
    };
    attempt.charge(&call.reader).await?;
    call.context.mailer()?.send(&mail).await?;
    #[derive(Serialize)]
    struct SentView {
        emails: String,
    }
    Reply::of(&SentView {
        emails: emails.join(", "),
    })
}
