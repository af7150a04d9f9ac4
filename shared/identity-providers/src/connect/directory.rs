//! LDAP: a simple bind, and a look at the own entry.
//!
//! The client of LDAP talks through a pair of local sockets with a relay that stands between it and
//! the directory. So the connection is made, judged and encrypted as every other one is, and what
//! the directory sends is measured before it is read: the client would take messages of any length,
//! and follow nested ones until its stack ends, and the process with it.

use std::io;

use ldap3::{LdapConnAsync, LdapConnSettings, LdapError, Scope, SearchEntry, StdStream};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant};
use unicode_normalization::UnicodeNormalization as _;

use super::dial::{Connector, Stream, certificates};
use super::outcome::{Failure, Identity, excerpt};
use crate::LdapConfiguration;
use crate::endpoint::{directory, host_of};
use crate::ldap_name::escape;

/// The most characters of a user's name, and of a password.
const MOST_CREDENTIAL: usize = 256;

/// The most bytes of one message of a directory, and of all that it sends.
const MOST_MESSAGE: usize = 64 << 10;
const MOST_MESSAGES: usize = 256 << 10;

/// How deep what a directory sends is nested at most; an entry with its attributes takes six.
const DEEPEST: usize = 12;

/// What is left of the time for the answer when the look at the own entry is given up.
const MARGIN: Duration = Duration::from_millis(250);

pub(super) async fn bind(
    connector: &Connector,
    configuration: &LdapConfiguration,
    user: &str,
    password: &str,
    deadline: Instant,
) -> Result<Identity, Failure> {
    if user.trim().is_empty() || password.is_empty() {
        return Err(Failure::Denied(
            "the name or the password is empty".to_owned(),
        ));
    }
    if user.chars().count() > MOST_CREDENTIAL || password.chars().count() > MOST_CREDENTIAL {
        return Err(Failure::Denied(
            "the name or the password is too long".to_owned(),
        ));
    }
    let url = directory(configuration.url.as_str(), connector.reach)
        .map_err(|reason| Failure::Misconfigured(format!("url {reason}")))?;
    let host = host_of(&url).map_err(Failure::Misconfigured)?;
    let more = configuration
        .ca_certificate
        .as_deref()
        .map(certificates)
        .transpose()?
        .unwrap_or_default();
    let stream: Box<dyn Stream> = match (url.scheme(), configuration.starttls) {
        ("ldaps", _) => {
            let stream = connector.dial(&host, url.port().unwrap_or(636)).await?;
            Box::new(connector.encrypt(&host, stream, &more).await?)
        }
        (_, true) => {
            let mut stream = connector.dial(&host, url.port().unwrap_or(389)).await?;
            start_tls(&mut stream).await?;
            Box::new(connector.encrypt(&host, stream, &more).await?)
        }
        (_, false) => Box::new(connector.dial(&host, url.port().unwrap_or(389)).await?),
    };

    // Tasks, since the client panics about messages that are no LDAP; they end with this set.
    let mut tasks = JoinSet::new();
    let (ours, theirs) = UnixStream::pair()
        .and_then(|(ours, theirs)| Ok((ours, theirs.into_std()?)))
        .map_err(unreachable)?;
    let session = Session {
        name: format!(
            "{}={},{}",
            configuration.dn_prefix,
            escape(user),
            configuration.dn
        ),
        attribute: configuration.dn_prefix.clone(),
        email_verified: configuration.email_verified,
        user: user.to_owned(),
        password: password.to_owned(),
        deadline: deadline.checked_sub(MARGIN).unwrap_or(deadline),
    };
    tasks.spawn(async move { Err(relay(stream, ours).await) });
    tasks.spawn(async move { Ok(session.run(theirs).await) });
    let mut refused = None;
    while let Some(ended) = tasks.join_next().await {
        match ended {
            // What was wrong with the message says more than that it did not come; but an answer
            // that came stands, whatever the directory did after it.
            Ok(Ok(Err(Failure::Unreachable(text)))) => {
                return Err(refused.map_or(Failure::Unreachable(text), unreachable));
            }
            Ok(Ok(answer)) => return answer,
            Ok(Err(error)) => {
                refused = error.filter(|error| error.kind() == io::ErrorKind::InvalidData)
            }
            Err(_) => {
                return Err(Failure::Unreachable(
                    "the directory does not speak LDAP".to_owned(),
                ));
            }
        }
    }
    Err(Failure::Unreachable(
        "the directory ended the connection".to_owned(),
    ))
}

fn unreachable(error: io::Error) -> Failure {
    Failure::Unreachable(format!("the directory: {error}"))
}

struct Session {
    name: String,
    attribute: String,
    email_verified: bool,
    user: String,
    password: String,
    deadline: Instant,
}

impl Session {
    async fn run(self, stream: std::os::unix::net::UnixStream) -> Result<Identity, Failure> {
        let broken = |error: LdapError| {
            Failure::Unreachable(format!(
                "the directory ended the connection: {}",
                excerpt(&error.to_string())
            ))
        };
        let settings = LdapConnSettings::new().set_std_stream(StdStream::Unix(stream));
        let (connection, mut client) = LdapConnAsync::with_settings(settings, "ldapi://relay")
            .await
            .map_err(broken)?;
        let mut driver = JoinSet::new();
        driver.spawn(connection.drive());

        let answer = client
            .simple_bind(&self.name, &self.password)
            .await
            .map_err(broken)?;
        let text = || {
            format!(
                "the directory answered {}: {}",
                answer.rc,
                excerpt(&answer.text)
            )
        };
        match answer.rc {
            0 => {}
            // Wrong credentials; no such entry, which careful directories do not tell apart.
            49 | 32 => return Err(Failure::Denied(text())),
            // Its own trouble: operations error, time limit, busy, unavailable, other.
            1 | 3 | 51 | 52 | 80 => return Err(Failure::Unreachable(text())),
            _ => return Err(Failure::Misconfigured(text())),
        }

        let mut identity = Identity {
            subject: fold(&self.user),
            email: None,
            email_verified: false,
            name: None,
        };
        let wanted = vec!["mail", "cn", "displayName", self.attribute.as_str()];
        let search = client.search(&self.name, Scope::Base, "(objectClass=*)", wanted);
        if let Ok(Ok(found)) = tokio::time::timeout_at(self.deadline, search).await
            && let Some(entry) = found.0.into_iter().next()
        {
            let entry = SearchEntry::construct(entry);
            let values = |name: &str| {
                entry
                    .attrs
                    .iter()
                    .find(|(found, _)| found.eq_ignore_ascii_case(name))
                    .map_or(&[][..], |(_, values)| values)
            };
            let first = |name: &str| {
                values(name)
                    .iter()
                    .map(|value| value.trim())
                    .find(|value| !value.is_empty())
                    .map(str::to_owned)
            };
            identity.email = first("mail");
            identity.email_verified = self.email_verified && identity.email.is_some();
            identity.name = first("displayName").or_else(|| first("cn"));
            // Directories compare more loosely than we can know: without accents, some. The entry
            // says whom they found.
            let named: Vec<_> = values(&self.attribute)
                .iter()
                .map(|value| fold(value))
                .filter(|value| !value.is_empty())
                .collect();
            if !named.contains(&identity.subject)
                && let [one] = named.as_slice()
            {
                identity.subject = one.clone();
            }
        }
        let _ = client.unbind().await;
        Ok(identity)
    }
}

/// A name in the form in which directories compare names (RFC 4518): compatible characters are one,
/// case, what is not seen and the number of blanks do not count.
fn fold(name: &str) -> String {
    let unseen = |c: &char| {
        matches!(
            c,
                '\u{ad}' | '\u{34f}' | '\u{1806}' | '\u{180b}'..='\u{180e}'
                | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffc}'
                | '\u{e0001}'..='\u{e007f}'
        ) || c.is_control() && !c.is_whitespace()
    };
    let seen: String = name.chars().filter(|c| !unseen(c)).nfkc().collect();
    // Through upper case, so that ß and ss are one.
    let folded: String = seen.to_uppercase().to_lowercase().nfkc().collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Asks for TLS (RFC 4511, 4.14) on a connection that is still plain.
async fn start_tls(stream: &mut TcpStream) -> Result<(), Failure> {
    // Message 1: an extended request with the name 1.3.6.1.4.1.1466.20037.
    const REQUEST: [u8; 31] = *b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
    stream.write_all(&REQUEST).await.map_err(unreachable)?;
    let answer = message(stream).await.map_err(unreachable)?;
    // The number of the message, then the extended response, which begins with the code.
    let code = || {
        let (_, body, _) = element(&answer)?;
        let (_, _, rest) = element(body).filter(|(tag, id, _)| *tag == 0x02 && *id == [1])?;
        let (_, response, _) = element(rest).filter(|(tag, ..)| *tag == 0x78)?;
        match element(response)? {
            (0x0a, [code], _) => Some(*code),
            _ => None,
        }
    };
    match code() {
        Some(0) => Ok(()),
        Some(code) => Err(Failure::Misconfigured(format!(
            "the directory refuses StartTLS with {code}; ldaps or starttls:false may be meant"
        ))),
        None => Err(Failure::Unreachable(
            "the directory does not speak LDAP".to_owned(),
        )),
    }
}

/// Passes on what the client sends, and whole messages of the directory. Gives why it ended, if by
/// an error.
async fn relay(directory: Box<dyn Stream>, client: UnixStream) -> Option<io::Error> {
    let (mut from_directory, mut to_directory) = tokio::io::split(directory);
    let (mut from_client, mut to_client) = client.into_split();
    let down = async {
        let mut left = MOST_MESSAGES;
        loop {
            let message = message(&mut from_directory).await?;
            left = left
                .checked_sub(message.len())
                .ok_or_else(|| invalid("it sends too much"))?;
            to_client.write_all(&message).await?;
        }
    };
    let up = async {
        tokio::io::copy(&mut from_client, &mut to_directory).await?;
        to_directory.shutdown().await
    };
    tokio::select! {
        ended = pass_on(down) => ended.err(),
        ended = up => ended.err(),
    }
}

async fn pass_on(
    down: impl Future<Output = io::Result<std::convert::Infallible>>,
) -> io::Result<()> {
    match down.await {
        Ok(never) => match never {},
        Err(error) => Err(error),
    }
}

fn invalid(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// The next message: one element of BER that is neither too long nor too deep.
async fn message(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut message = vec![0; 2];
    stream.read_exact(&mut message).await?;
    if message[0] != 0x30 {
        return Err(invalid("it does not speak LDAP"));
    }
    let mut length = usize::from(message[1]);
    if length >= 0x80 {
        let digits = length & 0x7f;
        if !(1..=4).contains(&digits) {
            return Err(invalid("it sends a message of no length"));
        }
        message.resize(2 + digits, 0);
        stream.read_exact(&mut message[2..]).await?;
        length = number(&message[2..]);
    }
    if length > MOST_MESSAGE {
        return Err(invalid("it sends a message that is too long"));
    }
    let head = message.len();
    message.resize(head + length, 0);
    stream.read_exact(&mut message[head..]).await?;
    if well_formed(&message, DEEPEST) {
        Ok(message)
    } else {
        Err(invalid("it sends a message that is not well formed"))
    }
}

fn number(digits: &[u8]) -> usize {
    digits
        .iter()
        .fold(0, |number, digit| number << 8 | usize::from(*digit))
}

/// The first element: its tag, its content, and what comes after it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, length], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match usize::from(length) {
        length @ ..=0x7f => (length, rest),
        digits @ 0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(digits & 0x7f)?;
            (number(digits), rest)
        }
        _ => return None,
    };
    // A tag of several bytes: LDAP has none.
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

fn well_formed(mut bytes: &[u8], deepest: usize) -> bool {
    const CONSTRUCTED: u8 = 0x20;
    while !bytes.is_empty() {
        let Some((tag, content, rest)) = element(bytes) else {
            return false;
        };
        if tag & CONSTRUCTED != 0 && (deepest == 0 || !well_formed(content, deepest - 1)) {
            return false;
        }
        bytes = rest;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_names_as_directories_do() {
        for name in [
            "bob smith",
            "Bob Smith",
            " BOB  SMITH ",
            "bob\u{a0}smith",
            "ｂｏｂ smith",
            "bo\u{ad}b smith",
            "b\u{200b}ob smith",
        ] {
            assert_eq!(fold(name), "bob smith", "{name:?}");
        }
        assert_eq!(fold("Straße"), fold("STRASSE"));
        assert_eq!(fold("J\u{f6}rg"), fold("Jo\u{308}rg"));
        assert_ne!(fold("bob"), fold("b ob"));
    }

    #[tokio::test]
    async fn measures_messages_before_they_are_read() {
        async fn read(bytes: &[u8]) -> Result<usize, io::ErrorKind> {
            message(&mut &bytes[..])
                .await
                .map(|message| message.len())
                .map_err(|error| error.kind())
        }
        const INVALID: Result<usize, io::ErrorKind> = Err(io::ErrorKind::InvalidData);
        assert_eq!(
            read(b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00").await,
            Ok(14)
        );
        assert_eq!(
            read(b"\x30\x84\x00\x00\x00\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00more")
                .await,
            Ok(18)
        );
        assert_eq!(
            read(b"\x30\x05\x02").await,
            Err(io::ErrorKind::UnexpectedEof)
        );
        assert_eq!(read(b"HTTP/1.1 400 Bad Request").await, INVALID);
        assert_eq!(read(b"\x30\x80\x02\x01").await, INVALID);
        assert_eq!(read(b"\x30\x84\x7f\xff\xff\xff").await, INVALID);
        assert_eq!(read(b"\x30\x85\x00\x00\x00\x00\x01").await, INVALID);
        assert_eq!(read(b"\x30\x03\x02\x05\x01").await, INVALID);
        // 100 levels, which would be 30,000 if nobody counted.
        let mut deep = vec![];
        for _ in 0..100 {
            let length = u16::try_from(deep.len()).unwrap().to_be_bytes();
            deep.splice(0..0, [0x30, 0x82, length[0], length[1]]);
        }
        assert_eq!(read(&deep).await, INVALID);
    }
}
