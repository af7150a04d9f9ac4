//! What a function has to work with, made once per start.

use std::sync::Arc;

use identity_providers::Reach;

use crate::base::clock::Clock;
use crate::base::code::Code;
use crate::base::error::Error;
use crate::base::id::TenantId;
use crate::services::mail::Mailer;
use crate::services::objects::Objects;
use crate::services::sealing::Sealer;
use crate::store::Table;

/// The deployment's parameters.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The tenant of requests that name none (`DefaultTenant`).
    pub default_tenant: String,
    /// The domain whose first labels are tenants' names (`BaseDomain`).
    pub base_domain: Option<String>,
    /// Where this deployment is reached, if it is not the request's own host (`PublicUrl`).
    pub public_url: Option<String>,
    /// `https` on AWS, `http` on the local server.
    pub scheme: String,
    /// The most seconds that a small upload waits for its verdict.
    pub upload_wait_seconds: u64,
    /// How long every request for a new password takes, with a mail or without, in milliseconds:
    /// who asks must not learn whether the user is there.
    pub reset_millis: u64,
    /// Whether auth policies may reach private, loopback and link-local addresses
    /// (`AllowPrivateAddresses`).
    pub allow_private_addresses: bool,
    /// The status of what the publisher API makes in the catalogue: 201, or 200 for clients that
    /// know no other (`Wso2CreateStatus`).
    pub create_status: u16,
    /// Whether the publisher API refuses changes without `If-Match` or `If-Unmodified-Since`
    /// (`RequireIfMatch`).
    pub require_if_match: bool,
    /// Whether PingID's messages must say a time close to ours and are taken once (`PingIdStrict`).
    pub strict_messages: bool,
}

impl Settings {
    /// How far this deployment reaches for providers of identity.
    pub fn reach(&self) -> Reach {
        if self.allow_private_addresses {
            Reach::Any
        } else {
            Reach::Public
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            default_tenant: "dev".to_owned(),
            base_domain: None,
            public_url: None,
            scheme: "https".to_owned(),
            upload_wait_seconds: 24,
            reset_millis: 1_500,
            allow_private_addresses: false,
            create_status: 201,
            require_if_match: false,
            strict_messages: false,
        }
    }
}

/// What a function has to work with.
#[derive(Clone)]
pub struct Context {
    /// The table.
    pub table: Arc<dyn Table>,
    objects: Option<Arc<dyn Objects>>,
    sealer: Option<Arc<Sealer>>,
    mailer: Option<Arc<dyn Mailer>>,
    /// Where "now" comes from.
    pub clock: Arc<dyn Clock>,
    /// The deployment's parameters.
    pub settings: Settings,
}

impl Context {
    /// A context with a table alone.
    pub fn new(table: Arc<dyn Table>, clock: Arc<dyn Clock>, settings: Settings) -> Self {
        Self {
            table,
            objects: None,
            sealer: None,
            mailer: None,
            clock,
            settings,
        }
    }

    /// With another table: a wrapper around the one it had.
    pub fn with_table(mut self, table: Arc<dyn Table>) -> Self {
        self.table = table;
        self
    }

    /// With the bucket.
    pub fn with_objects(mut self, objects: Arc<dyn Objects>) -> Self {
        self.objects = Some(objects);
        self
    }

    /// With the keys that seal and sign.
    pub fn with_sealer(mut self, sealer: Arc<Sealer>) -> Self {
        self.sealer = Some(sealer);
        self
    }

    /// The bucket.
    ///
    /// # Errors
    /// Internal in a function that was started without it.
    pub fn objects(&self) -> Result<&dyn Objects, Error> {
        self.objects
            .as_deref()
            .ok_or_else(|| Error::internal("this function has no bucket"))
    }

    /// The bucket, to be kept by a thread that reads.
    ///
    /// # Errors
    /// Internal in a function that was started without it.
    pub fn shared_objects(&self) -> Result<Arc<dyn Objects>, Error> {
        self.objects
            .clone()
            .ok_or_else(|| Error::internal("this function has no bucket"))
    }

    /// The keys that seal and sign.
    ///
    /// # Errors
    /// Internal in a function that was started without them.
    pub fn sealer(&self) -> Result<&Sealer, Error> {
        self.sealer
            .as_deref()
            .ok_or_else(|| Error::internal("this function has no key"))
    }

    /// With what sends mail.
    pub fn with_mailer(mut self, mailer: Arc<dyn Mailer>) -> Self {
        self.mailer = Some(mailer);
        self
    }

    /// What sends mail.
    ///
    /// # Errors
    /// Invalid where the deployment has no sender's address.
    pub fn mailer(&self) -> Result<&dyn Mailer, Error> {
        self.mailer.as_deref().ok_or_else(|| {
            Error::invalid("This deployment sends no mail: it has no sender's address (MailFrom)")
        })
    }

    /// The tenant of a request without a credential: the one it names, the first label of its host
    /// under `BaseDomain`, else `DefaultTenant`. `host` is its `Host` header without the port,
    /// `named` what its body or path says.
    ///
    /// # Errors
    /// Invalid where two of them disagree.
    pub fn tenant_before_sign_in(
        &self,
        host: &str,
        named: Option<&str>,
    ) -> Result<TenantId, Error> {
        let named = named
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(TenantId::of_name);
        let of_host = self.tenant_of_host(host);
        match (named, of_host) {
            (Some(named), Some(of_host)) if named != of_host => {
                Err(Error::invalid(Code::InvalidDomain))
            }
            (Some(named), _) => Ok(named),
            (None, Some(of_host)) => Ok(of_host),
            (None, None) => Ok(TenantId::of_name(&self.settings.default_tenant)),
        }
    }

    fn tenant_of_host(&self, host: &str) -> Option<TenantId> {
        let base = self.settings.base_domain.as_deref()?;
        let label = host
            .to_ascii_lowercase()
            .strip_suffix(&base.to_ascii_lowercase())?
            .strip_suffix('.')?
            .to_owned();
        (!label.is_empty() && !label.contains('.')).then(|| TenantId::of_name(&label))
    }
}
