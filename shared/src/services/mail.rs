//! Mail: built by `lettre`, sent by SES on AWS, kept in an outbox on the local server.
//!
//! Addresses and subjects are checked by their types, so that no name from outside can add a header
//! or a recipient; every mail has a plain-text part.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::code::Code;
use crate::base::error::Error;
use crate::base::id::{Guid, base32, random_bytes};
use crate::base::remote;
use crate::services::signed_calls::{Call, CallError, SignedCalls};

/// A mail to be sent.
#[derive(Clone, Debug)]
pub struct Mail {
    to: Vec<Address>,
    /// The subject: one line.
    pub subject: String,
    /// The plain-text part.
    pub text: String,
    /// The same for people who like it prettier. What comes from outside has been escaped.
    pub html: String,
    /// The part of the `Message-ID` before the `@`: the same for every try to send this mail.
    pub message_id: String,
    /// The notification that it is of, for a mail because of an alert. A header of our own says it:
    /// SES puts a `Message-ID` of its own in place of ours.
    pub notification: Option<Guid>,
}

/// Longest subject, in characters; what is longer is cut.
pub const MAX_SUBJECT: usize = 200;

/// A mail address.
///
/// # Errors
/// Invalid `user_invalid_email`, the words that scripts look for, for what is no address of one
/// mailbox.
pub fn address(text: &str) -> Result<Address, Error> {
    text.trim()
        .parse()
        .map_err(|_| Error::invalid(Code::UserInvalidEmail))
}

impl Mail {
    /// A mail to these addresses. Line breaks and other control characters in the subject become
    /// blanks.
    ///
    /// # Errors
    /// Invalid for an address that is none, or without any.
    pub fn new(to: &[&str], subject: &str, text: String, html: String) -> Result<Self, Error> {
        let to = to
            .iter()
            .map(|to| address(to))
            .collect::<Result<Vec<_>, _>>()?;
        if to.is_empty() {
            return Err(Error::invalid(Code::UserInvalidEmail));
        }
        let subject = subject
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(MAX_SUBJECT)
            .collect();
        Ok(Self {
            to,
            subject,
            text,
            html,
            message_id: base32().encode(&random_bytes::<16>()),
            notification: None,
        })
    }

    /// The mail of that notification: its guid is the `Message-ID` and the header
    /// `X-Appdepot-Notification`.
    pub fn of_notification(self, guid: &Guid) -> Self {
        Self {
            message_id: guid.to_string(),
            notification: Some(guid.clone()),
            ..self
        }
    }

    /// To whom it goes.
    pub fn recipients(&self) -> Vec<String> {
        self.to.iter().map(ToString::to_string).collect()
    }

    /// The mail as it goes over the wire.
    ///
    /// # Errors
    /// Internal.
    pub fn mime(&self, from: &Mailbox) -> Result<Vec<u8>, Error> {
        let mut message = Message::builder()
            .from(from.clone())
            .subject(&self.subject)
            .message_id(Some(format!(
                "<{}@{}>",
                self.message_id,
                from.email.domain()
            )));
        for to in &self.to {
            message = message.to(Mailbox::new(None, to.clone()));
        }
        if let Some(guid) = &self.notification {
            message = message.raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("X-Appdepot-Notification"),
                guid.to_string(),
            ));
        }
        let body = MultiPart::alternative_plain_html(self.text.clone(), self.html.clone());
        Ok(message
            .multipart(body)
            .map_err(Error::internal)?
            .formatted())
    }
}

/// Sends mail.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Sends it. When this gives no error the mail service has taken it.
    ///
    /// # Errors
    /// Unavailable where the service did not take it; trying again may succeed.
    async fn send(&self, mail: &Mail) -> Result<(), Error>;
}

/// The sender's mailbox as a deployment names it: `store@example.com` or `App Store
/// <store@example.com>`.
///
/// # Errors
/// Internal for what is no mailbox.
pub fn sender(text: &str) -> Result<Mailbox, Error> {
    text.parse()
        .map_err(|error| Error::internal(format!("MailFrom is no mailbox: {error}")))
}

/// A mailer that hands over to SES.
pub struct SesMailer {
    ses: SignedCalls,
    from: Mailbox,
}

impl SesMailer {
    /// A mailer for that sender, by calls of SES.
    pub fn new(ses: SignedCalls, from: Mailbox) -> Self {
        Self { ses, from }
    }
}

#[async_trait]
impl Mailer for SesMailer {
    async fn send(&self, mail: &Mail) -> Result<(), Error> {
        // The operation `SendEmail` of version 2.
        let call = Call {
            path: "/v2/email/outbound-emails",
            target: None,
            content_type: "application/json",
            body: serde_json::json!({
                "FromEmailAddress": self.from.to_string(),
                "Destination": {"ToAddresses": mail.recipients()},
                "Content": {"Raw": {"Data": STANDARD.encode(mail.mime(&self.from)?)}},
            }),
        };
        self.ses.call(call).await.map_err(|error| Error {
            message: refusal(&error).to_owned(),
            ..remote::failure(&error)
        })?;
        Ok(())
    }
}

/// What SES means by an error.
fn refusal(error: &CallError) -> &'static str {
    let Some(refusal) = error.as_service_error() else {
        return "The mail service did not answer";
    };
    match refusal.code().unwrap_or_default() {
        "AccountSuspendedException" => "The mail service has suspended this account",
        "SendingPausedException" => "Sending is paused in the mail service",
        "MailFromDomainNotVerifiedException" => {
            "The sender's domain (MailFrom) is not verified in the mail service"
        }
        "MessageRejected" => {
            "The mail service refused the mail: the sender or, in its sandbox, a recipient is not \
                verified, or its content"
        }
        "LimitExceededException" | "TooManyRequestsException" => {
            "The mail service takes no more mails for the moment"
        }
        "BadRequestException" | "NotFoundException" => {
            "The mail service did not understand the mail"
        }
        _ => "The mail service refused the mail",
    }
}

/// A mail in the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxMail {
    /// To whom.
    pub to: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The plain-text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
    /// When, RFC 3339.
    pub sent_at: String,
    /// The `Message-ID` without its domain.
    pub message_id: String,
}

/// How many mails an outbox keeps.
const MAX_OUTBOX: usize = 1_000;

/// A mailer that keeps the last thousand mails in memory: the local server's and the tests'.
#[derive(Clone)]
pub struct Outbox {
    kept: Arc<Mutex<Vec<OutboxMail>>>,
    clock: Arc<dyn crate::base::clock::Clock>,
}

impl Outbox {
    /// An empty one.
    pub fn new(clock: Arc<dyn crate::base::clock::Clock>) -> Self {
        Self {
            kept: Arc::default(),
            clock,
        }
    }

    /// What would have been mailed, newest first.
    pub fn mails(&self) -> Vec<OutboxMail> {
        let kept = self
            .kept
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        kept.iter().rev().cloned().collect()
    }
}

#[async_trait]
impl Mailer for Outbox {
    async fn send(&self, mail: &Mail) -> Result<(), Error> {
        let now: Timestamp = self.clock.now();
        // It is built as on AWS, so that what could not be sent there is not kept here.
        mail.mime(&sender("Appdepot <appdepot@localhost>")?)?;
        let mut kept = self
            .kept
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if kept.len() == MAX_OUTBOX {
            kept.remove(0);
        }
        kept.push(OutboxMail {
            to: mail.recipients(),
            subject: mail.subject.clone(),
            text: mail.text.clone(),
            html: mail.html.clone(),
            sent_at: now.rfc3339(),
            message_id: mail.message_id.clone(),
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_a_header() {
        let attacks = [
            "x\r\nBcc: evil@example.net",
            "x\nX-Evil: 1",
            "x\r\n\r\n<script>",
            "é\r\nBcc: evil@example.net",
            "\u{85}Bcc: evil@example.net",
        ];
        for attack in attacks {
            let mail = Mail::new(
                &["a@example.com"],
                attack,
                attack.to_owned(),
                attack.to_owned(),
            )
            .unwrap();
            let mime = String::from_utf8(
                mail.mime(&sender("App Store <store@example.com>").unwrap())
                    .unwrap(),
            )
            .unwrap();
            let headers = mime.split("\r\n\r\n").next().unwrap();
            let names: Vec<&str> = headers
                .lines()
                .filter(|line| !line.starts_with([' ', '\t']))
                .filter_map(|line| line.split_once(':'))
                .map(|(name, _)| name)
                .collect();
            assert!(
                names.iter().all(|name| [
                    "From",
                    "To",
                    "Subject",
                    "Message-ID",
                    "MIME-Version",
                    "Date",
                    "Content-Type"
                ]
                .contains(name)),
                "{names:?}"
            );
            assert_eq!(names.iter().filter(|name| **name == "Subject").count(), 1);
            assert!(mime.contains("text/plain") && mime.contains("text/html"));
            assert!(
                Mail::new(
                    &[&format!("a@example.com{attack}")],
                    "s",
                    String::new(),
                    String::new()
                )
                .is_err(),
                "{attack:?}"
            );
        }
        for address in [
            "",
            "a",
            "a@b@c d",
            "a@example.com, b@example.com",
            "a@example.com\r\nBcc: c@example.com",
            "<a@example.com>",
        ] {
            assert!(
                Mail::new(&[address], "s", String::new(), String::new()).is_err(),
                "{address:?}"
            );
        }
    }

    #[test]
    fn a_long_subject_is_cut_and_every_try_has_the_same_id() {
        let mail = Mail::new(
            &["a@example.com"],
            &"é".repeat(500),
            String::new(),
            String::new(),
        )
        .unwrap();
        assert_eq!(mail.subject.chars().count(), 200);
        let from = sender("store@example.com").unwrap();
        let id = |mime: Vec<u8>| {
            String::from_utf8(mime)
                .unwrap()
                .lines()
                .find(|line| line.starts_with("Message-ID"))
                .unwrap()
                .to_owned()
        };
        assert_eq!(id(mail.mime(&from).unwrap()), id(mail.mime(&from).unwrap()));
    }
    async fn sent(answers: Vec<(&'static str, &'static str)>) -> (Result<(), Error>, Vec<String>) {
        use crate::services::signed_calls::{Service, tests};
        let (address, serving) = tests::service(answers);
        let mailer = SesMailer::new(
            tests::calls(Service::Ses, &address),
            sender("App Store <store@example.com>").unwrap(),
        );
        let mail = Mail::new(
            &["a@example.com", "b@example.com"],
            "Hello",
            "Plain".to_owned(),
            "<p>Rich</p>".to_owned(),
        );
        let result = mailer.send(&mail.unwrap()).await;
        (result, serving.join().unwrap())
    }

    #[tokio::test]
    async fn ses_is_sent_what_its_sdk_sends() {
        let (result, requests) = sent(vec![("200 OK", r#"{"MessageId":"1"}"#)]).await;
        result.unwrap();
        let [request] = requests.as_slice() else {
            panic!("{requests:?}");
        };
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let head = head.to_ascii_lowercase();
        assert!(
            head.starts_with("post /v2/email/outbound-emails http/1.1\r\n"),
            "{head}"
        );
        for header in [
            "content-type: application/json\r\n",
            "x-amz-security-token: session\r\n",
            "/eu-central-1/ses/aws4_request, signedheaders=",
        ] {
            assert!(head.contains(header), "{header} is not in {head}");
        }
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        let data = STANDARD
            .decode(body["Content"]["Raw"]["Data"].as_str().unwrap())
            .unwrap();
        let mime = String::from_utf8(data).unwrap();
        assert!(
            mime.contains("Subject: Hello\r\n") && mime.contains("Plain"),
            "{mime}"
        );
        assert_eq!(
            body,
            serde_json::json!({
                "FromEmailAddress": "App Store <store@example.com>",
                "Destination": {"ToAddresses": ["a@example.com", "b@example.com"]},
                "Content": {"Raw": {"Data": body["Content"]["Raw"]["Data"]}},
            })
        );
    }

    #[tokio::test]
    async fn what_ses_refuses_is_told_by_its_code() {
        const URL: &str = "400 Bad Request\r\nx-amzn-ErrorType: \
            MessageRejected:http://internal.amazon.com/coral/com.amazonaws.ses/";
        for (head, body, expected) in [
            (
                URL,
                r#"{"message":"no"}"#,
                "refused the mail: the sender or,",
            ),
            (
                "400 Bad Request",
                r#"{"__type":"com.amazonaws.sesv2#SendingPausedException"}"#,
                "Sending is paused",
            ),
            ("403 Forbidden", "", "The mail service refused the mail"),
        ] {
            let (result, requests) = sent(vec![(head, body)]).await;
            assert!(
                result.unwrap_err().message.contains(expected),
                "{head} {body}"
            );
            assert_eq!(requests.len(), 1, "{head} {body}");
        }
    }

    #[tokio::test]
    async fn what_may_be_well_a_moment_later_is_tried_again() {
        let busy = (
            "429 Too Many Requests\r\nx-amzn-ErrorType: TooManyRequestsException",
            "{}",
        );
        let down = ("503 Service Unavailable", "");
        let (result, requests) = sent(vec![busy, down, ("200 OK", "{}")]).await;
        result.unwrap();
        assert_eq!(requests.len(), 3);
        let (result, requests) = sent(vec![down, down, busy]).await;
        let error = result.unwrap_err();
        assert_eq!(
            error.message,
            "The mail service takes no more mails for the moment"
        );
        assert_eq!(requests.len(), 3);
    }
}
