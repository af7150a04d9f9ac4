//! The connector and its connections: the one place where names are resolved and addresses judged.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};
use url::Host;

use super::outcome::{Failure, excerpt};
use crate::Reach;

/// How long a connection takes at most, its TLS apart.
const CONNECT: Duration = Duration::from_secs(3);

/// The most addresses of one name that are tried.
const MOST_ADDRESSES: usize = 4;

/// Finds the addresses of a name.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// The addresses, the best first.
    ///
    /// # Errors
    /// Whatever kept them from being found.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// Asks the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0))
            .await?
            .map(|address| address.ip())
            .collect())
    }
}

/// What bytes go through: a connection, plain or encrypted.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// The certificates of a PEM text.
pub(super) fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(Failure::Misconfigured(
            "the certificates are not PEM".to_owned(),
        )),
    }
}

/// Asks providers. Cheap to make: the public authorities are read when TLS is first spoken; keep it
/// to read them once.
///
/// Every operation takes at most 4.5 seconds, so that who asked hears of it within five, of which a
/// connection takes at most 3. Names are resolved once and the address that was judged is the one
/// that is connected to; redirects are not followed; an answer of the web has at most 1 MB, of
/// which its head 64 KB.
pub struct Connector {
    pub(super) reach: Reach,
    roots: Vec<CertificateDer<'static>>,
    resolver: Arc<dyn Resolve>,
    authorities: OnceLock<RootCertStore>,
    tls: OnceLock<Arc<ClientConfig>>,
    /// Stands for the rest of the world in the tests: an address that was judged, and the one that
    /// answers for it.
    #[cfg(test)]
    pub(super) detours: Vec<(IpAddr, IpAddr)>,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("reach", &self.reach)
            .field("roots", &self.roots.len())
            .finish_non_exhaustive()
    }
}

impl Connector {
    /// A connector that reaches so far, and that believes these certificates (PEM) besides the
    /// operating system's authorities.
    ///
    /// # Errors
    /// [`Failure::Misconfigured`] where the text is not certificates.
    pub fn new(reach: Reach, roots: Option<&str>) -> Result<Self, Failure> {
        let roots = roots.map(certificates).transpose()?.unwrap_or_default();
        Ok(Self {
            reach,
            roots,
            resolver: Arc::new(SystemResolver),
            authorities: OnceLock::new(),
            tls: OnceLock::new(),
            #[cfg(test)]
            detours: Vec::new(),
        })
    }

    /// The same connector, with another way to find the addresses of a name. They are judged all
    /// the same.
    #[must_use]
    pub fn with_resolver(self, resolver: Arc<dyn Resolve>) -> Self {
        Self { resolver, ..self }
    }

    /// A connection to a host, at an address that was judged.
    pub(super) async fn dial(&self, host: &Host, port: u16) -> Result<TcpStream, Failure> {
        let dialled = tokio::time::timeout(CONNECT, async {
            let addresses = match host {
                Host::Ipv4(address) => vec![IpAddr::V4(*address)],
                Host::Ipv6(address) => vec![IpAddr::V6(*address)],
                Host::Domain(name) => {
                    let found = self.resolver.resolve(name).await;
                    found.map_err(|error| {
                        Failure::Unreachable(format!("{host} does not resolve: {error}"))
                    })?
                }
            };
            let mut last = Failure::Unreachable(format!("{host} has no address"));
            if let Some(first) = addresses.first() {
                last = Failure::Misconfigured(format!(
                    "{host} is at {first}, which is not a public address"
                ));
            }
            let admitted: Vec<_> = addresses
                .into_iter()
                .filter(|address| self.reach.admits(*address))
                .take(MOST_ADDRESSES)
                .collect();
            // Each gets its share, or one that swallows packets would keep the others from their
            // turn.
            let share = CONNECT / u32::try_from(admitted.len().max(1)).unwrap_or(1);
            for address in admitted {
                #[cfg(test)]
                let address = self
                    .detours
                    .iter()
                    .find(|(judged, _)| *judged == address)
                    .map_or(address, |(_, answers)| *answers);
                let connected =
                    tokio::time::timeout(share, TcpStream::connect(SocketAddr::new(address, port)))
                        .await;
                match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                    Ok(stream) => return Ok(stream),
                    Err(error) => {
                        last = Failure::Unreachable(format!(
                            "{host} at {address} port {port}: {error}"
                        ))
                    }
                }
            }
            Err(last)
        });
        dialled.await.unwrap_or_else(|_| {
            Err(Failure::Unreachable(format!(
                "{host}: no connection within {} seconds",
                CONNECT.as_secs()
            )))
        })
    }

    /// TLS with a host that proves to be that host: by the authorities, the connector's own roots
    /// or these.
    pub(super) async fn encrypt<S: Stream>(
        &self,
        host: &Host,
        stream: S,
        more: &[CertificateDer<'static>],
    ) -> Result<tokio_rustls::client::TlsStream<S>, Failure> {
        let name = match host {
            Host::Domain(name) => ServerName::try_from(name.clone())
                .map_err(|_| Failure::Misconfigured(format!("{host} cannot have a certificate")))?,
            Host::Ipv4(address) => IpAddr::V4(*address).into(),
            Host::Ipv6(address) => IpAddr::V6(*address).into(),
        };
        let config = match self.tls.get() {
            Some(config) if more.is_empty() => config.clone(),
            _ => self.trust(more)?,
        };
        TlsConnector::from(config)
            .connect(name, stream)
            .await
            .map_err(|error| {
                let text = format!("TLS with {host}: {}", excerpt(&error.to_string()));
                match error.get_ref().and_then(|error| error.downcast_ref()) {
                    Some(rustls::Error::InvalidCertificate(_)) => Failure::Misconfigured(text),
                    _ => Failure::Unreachable(text),
                }
            })
    }

    fn trust(&self, more: &[CertificateDer<'static>]) -> Result<Arc<ClientConfig>, Failure> {
        let mut roots = self.authorities.get_or_init(authorities).clone();
        for certificate in self.roots.iter().chain(more) {
            roots.add(certificate.clone()).map_err(|error| {
                Failure::Misconfigured(format!("a certificate of the configuration: {error}"))
            })?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| Failure::Misconfigured(error.to_string()))?;
        let config = Arc::new(builder.with_root_certificates(roots).with_no_client_auth());
        Ok(if more.is_empty() {
            self.tls.get_or_init(|| config).clone()
        } else {
            config
        })
    }
}

/// The authorities that the operating system believes, without those that cannot be read.
fn authorities() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}
