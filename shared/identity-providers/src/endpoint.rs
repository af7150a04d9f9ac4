//! Which URLs may be named as somebody to talk to, by what their text alone gives away.

use std::net::IpAddr;

use url::{Host, Url};

use crate::address::is_public;

/// The most characters that a text of a configuration has.
pub(crate) const MOST: usize = 2000;

/// How far the service reaches: a parameter of the deployment, never of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses only, and of HTTP only `https`.
    Public,
    /// Private addresses too, and plain `http`: for a company that runs the service inside its own
    /// network.
    Any,
}

impl Reach {
    /// Whether an address may be connected to.
    pub fn admits(self, address: IpAddr) -> bool {
        self == Self::Any || is_public(address)
    }
}

/// A URL of the web that may be asked, or why not.
pub(crate) fn web(text: &str, reach: Reach) -> Result<Url, String> {
    let schemes = if reach == Reach::Any {
        ["https", "http"].as_slice()
    } else {
        &["https"]
    };
    let url = parse(text, schemes)?;
    if url.fragment().is_some() {
        return Err("must not have a fragment".to_owned());
    }
    host(&url, reach)?;
    Ok(url)
}

/// A URL of a directory that may be asked, or why not.
pub(crate) fn directory(text: &str, reach: Reach) -> Result<Url, String> {
    let url = parse(text, &["ldap", "ldaps"])?;
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(
            "must end after the host and the port: the name of the tree stands in dn".to_owned(),
        );
    }
    host(&url, reach)?;
    Ok(url)
}

/// A URL to which a browser may be sent, or why not. The service itself never asks it, so that any
/// host will do.
pub(crate) fn page(text: &str) -> Result<Url, String> {
    let url = parse(text, &["https", "http"])?;
    if url.fragment().is_some() {
        return Err("must not have a fragment".to_owned());
    }
    Ok(url)
}

fn parse(text: &str, schemes: &[&str]) -> Result<Url, String> {
    if text.chars().count() > MOST {
        return Err(format!("must not be longer than {MOST} characters"));
    }
    // A parser of URLs drops or turns these silently; then two readers of one text see two hosts.
    if text
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || c == '\\')
    {
        return Err("must be a URL without blanks, control characters and backslashes".to_owned());
    }
    let (scheme, rest) = text.split_once("://").ok_or("must be an absolute URL")?;
    if !schemes
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
    {
        return Err(format!(
            "must begin with {}",
            schemes
                .iter()
                .map(|scheme| format!("{scheme}://"))
                .collect::<Vec<_>>()
                .join(" or ")
        ));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() {
        return Err("must name a host".to_owned());
    }
    if authority.contains('@') {
        return Err("must not hold a user name or a password".to_owned());
    }
    let url = Url::parse(text).map_err(|error| format!("is not a URL: {error}"))?;
    if url.port() == Some(0) {
        return Err("must not name port 0".to_owned());
    }
    host_of(&url)?;
    Ok(url)
}

/// The host of a URL as every reader of addresses would understand it: `127.1`, `0x7f.1` and
/// `2130706433` are 127.0.0.1, also under schemes for which the parser keeps the text as it is.
/// Names come without the dot at their end.
pub(crate) fn host_of(url: &Url) -> Result<Host, String> {
    let host = url
        .host_str()
        .filter(|host| !host.is_empty())
        .ok_or("must name a host")?;
    match Host::parse(host).map_err(|error| format!("does not name a host: {error}"))? {
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(&name).to_owned();
            if name.is_empty() || name.ends_with('.') {
                return Err("does not name a host".to_owned());
            }
            // With the dot at its end a host such as `127.0.0.1.` is an address too.
            Host::parse(&name).map_err(|error| format!("does not name a host: {error}"))
        }
        address => Ok(address),
    }
}

fn host(url: &Url, reach: Reach) -> Result<(), String> {
    let admitted = match host_of(url)? {
        Host::Domain(name) => {
            reach == Reach::Any || !(name == "localhost" || name.ends_with(".localhost"))
        }
        Host::Ipv4(address) => reach.admits(address.into()),
        Host::Ipv6(address) => reach.admits(address.into()),
    };
    if admitted {
        Ok(())
    } else {
        Err("must not name a host of a private network or this machine".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hosts that are this machine or a private network, in every form a URL knows.
    const PRIVATE: [&str; 34] = [
        "127.0.0.1",
        "127.0.0.1:9001",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "017700000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "[2002:7f00:1::]",
        "[2001:db8::1]",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "a.localhost",
        "a.localhost.",
        "0.0.0.0",
        "0",
        "169.254.169.254",
        "2852039166",
        "100.64.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "224.0.0.1",
        "203.0.113.1",
        "%6c%6fcalhost",
        "１２７.0.0.1",
    ];

    #[test]
    fn refuses_private_hosts_unless_told_otherwise() {
        for host in PRIVATE {
            for scheme in ["https", "ldap", "ldaps"] {
                let url = format!("{scheme}://{host}/");
                let judge = |reach| {
                    if scheme == "https" {
                        web(&url, reach)
                    } else {
                        directory(&url, reach)
                    }
                };
                assert!(judge(Reach::Public).is_err(), "{url}");
                assert!(judge(Reach::Any).is_ok(), "{url} {:?}", judge(Reach::Any));
            }
        }
    }

    #[test]
    fn admits_public_hosts() {
        for host in [
            "accounts.google.com",
            "login.example.com:8443",
            "8.8.8.8",
            "[2606:4700:4700::1111]",
            "xn--bcher-kva.example",
            "localhost.example.com",
        ] {
            assert!(
                web(&format!("https://{host}/a?b=c"), Reach::Public).is_ok(),
                "{host}"
            );
            assert!(
                directory(&format!("ldaps://{host}"), Reach::Public).is_ok(),
                "{host}"
            );
            assert!(
                directory(&format!("LDAP://{host}/"), Reach::Public).is_ok(),
                "{host}"
            );
        }
        assert!(web("http://login.example.com/", Reach::Public).is_err());
        assert!(web("http://login.example.com/", Reach::Any).is_ok());
    }

    #[test]
    fn refuses_what_is_no_url_of_its_kind() {
        let long = format!("https://a.example/{}", "x".repeat(MOST));
        for text in [
            "",
            "a",
            "/a",
            "//a.example/",
            "https:/a.example",
            "https:a.example",
            "https://",
            "https:///a",
            "https://?a",
            "https://.",
            "https://..",
            "https://a..",
            "file:///etc/passwd",
            "ldapi://%2ftmp",
            "ftp://a.example",
            "javascript://a.example/%0aalert(1)",
            "data://a",
            "gopher://a.example",
            "https://u@a.example/",
            "https://u:p@a.example/",
            "https://@a.example/",
            "https://a.example/#f",
            "https://a.example/#",
            "https://a.ex\nample/",
            " https://a.example",
            "https://a.example\\@127.0.0.1/",
            "https://a.example:99999",
            "https://a.example:0",
            "https://[::1",
            "https://1.2.3.4.5",
            "https://a b/",
            &long,
        ] {
            for reach in [Reach::Public, Reach::Any] {
                assert!(web(text, reach).is_err(), "{text}");
                assert!(
                    directory(&text.replacen("https", "ldap", 1), reach).is_err(),
                    "{text}"
                );
            }
            assert!(page(text).is_err(), "{text}");
        }
        for text in [
            "ldap://a.example/dc=x",
            "ldap://a.example?x",
            "ldap://a.example/#x",
        ] {
            assert!(directory(text, Reach::Any).is_err(), "{text}");
        }
    }
}
