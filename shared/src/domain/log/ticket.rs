//! Tickets: what lets a device that carries no session fetch one version of one binary for an hour.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::{AppId, TenantId};
use crate::services::sealing::DataKey;

/// How long a ticket is valid, in seconds.
pub const VALID_SECONDS: i64 = 3_600;

/// What is signed: the tenant is inside, so that no host or header chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The item with the binary's type.
    pub binary: AppId,
    /// The version's number.
    pub version: u32,
    /// Until when, in seconds since 1970.
    pub expires: i64,
}

const PURPOSE: &str = "install link";

fn refused() -> Error {
    Error::forbidden("This link is not valid or has expired: open the store and install again")
}

impl Ticket {
    fn message(&self) -> String {
        format!(
            "{}.{}.{}.{}",
            self.tenant_id, self.binary, self.version, self.expires
        )
    }

    /// The ticket as a segment of a path.
    pub fn sign(&self, key: &DataKey) -> String {
        let message = self.message();
        let signature = URL_SAFE_NO_PAD.encode(key.sign(PURPOSE, message.as_bytes()));
        format!("{message}.{signature}")
    }

    /// What a text claims to be a ticket for, not verified: only its tenant is of use, to find the
    /// key.
    ///
    /// # Errors
    /// Forbidden for what is no ticket.
    pub fn read(text: &str) -> Result<(Self, Vec<u8>), Error> {
        let fields: Vec<&str> = text.split('.').collect();
        let [tenant_id, binary, version, expires, signature] = fields[..] else {
            return Err(refused());
        };
        let ticket = Self {
            tenant_id: tenant_id.parse().map_err(|_| refused())?,
            binary: binary.parse().map_err(|_| refused())?,
            version: version.parse().map_err(|_| refused())?,
            expires: expires.parse().map_err(|_| refused())?,
        };
        Ok((
            ticket,
            URL_SAFE_NO_PAD.decode(signature).map_err(|_| refused())?,
        ))
    }

    /// Whether the signature is ours and the time is not over.
    ///
    /// # Errors
    /// Forbidden.
    pub fn verify(&self, key: &DataKey, signature: &[u8], now: Timestamp) -> Result<(), Error> {
        let right = key.verify(PURPOSE, self.message().as_bytes(), signature)
            && now.seconds() < self.expires;
        if right { Ok(()) } else { Err(refused()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::BinaryType;
    use crate::base::{clock, id};
    use crate::services::sealing;

    #[test]
    fn a_ticket_is_bound_to_all_that_it_says() {
        let (key, now) = (
            sealing::DataKey::random(),
            clock::Timestamp(1_700_000_000_000),
        );
        let ticket = Ticket {
            tenant_id: id::TenantId::of_name("dev"),
            binary: id::AppId::new(now).binary(BinaryType::Ios),
            version: 3,
            expires: now.plus_seconds(VALID_SECONDS).seconds(),
        };
        let text = ticket.sign(&key);
        let (read, signature) = Ticket::read(&text).unwrap();
        assert_eq!(read, ticket);
        assert!(read.verify(&key, &signature, now).is_ok());
        assert!(
            read.verify(&key, &signature, now.plus_seconds(VALID_SECONDS))
                .is_err()
        );
        assert!(
            read.verify(&sealing::DataKey::random(), &signature, now)
                .is_err()
        );
        for other in [
            Ticket {
                tenant_id: id::TenantId::of_name("other"),
                ..ticket
            },
            Ticket {
                binary: id::AppId::new(now).binary(BinaryType::Ios),
                ..ticket
            },
            Ticket {
                version: 2,
                ..ticket
            },
            Ticket {
                expires: ticket.expires + 1,
                ..ticket
            },
        ] {
            assert!(other.verify(&key, &signature, now).is_err());
        }
        for text in [
            "",
            "a.b.c.d.e",
            &text[..text.len() - 1],
            &format!("{text}.x"),
        ] {
            assert!(
                Ticket::read(text)
                    .and_then(|(read, signature)| read.verify(&key, &signature, now))
                    .is_err(),
                "{text}"
            );
        }
    }
}
