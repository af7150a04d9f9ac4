//! The identity providers of a company: what may stand in the configuration of an authentication
//! policy, and, with the feature `connect`, the protocols by which a person proves who they are:
//! OpenID Connect, OAuth 1.0a, LDAP and the delegation to a company's own endpoint.
//!
//! Whoever may write a policy names the hosts that this service then talks to. So every host is
//! judged twice: what the text alone gives away when the configuration is
//! [parsed](Configuration::parse), and the resolved address at the moment of connecting.

mod address;
mod configuration;
#[cfg(feature = "connect")]
mod connect;
mod endpoint;
mod ldap_name;

pub use address::is_public;
pub use configuration::{
    Configuration, LdapConfiguration, MbaasConfiguration, OAuth1Configuration, OpenIdConfiguration,
    PolicyType, Redirects, Refused, Secret, UnknownPolicyType,
};
#[cfg(feature = "connect")]
pub use connect::{Connector, Failure, Identity, Pending, Resolve, SystemResolver};
pub use endpoint::Reach;
pub use ldap_name::escape;
