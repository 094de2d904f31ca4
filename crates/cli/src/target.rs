//! The address of a page.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use memory_debug_fleet::{DEFAULT_PATH, is_loopback, page_path, without_login};
use memory_debug_report::MissingReason;
use url::{Host, Url};

use crate::failure::Failure;

/// The page of an instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Target {
    url: Url,
    /// The address to use, if the host's name has several. Requests still name the host.
    address: Option<SocketAddr>,
}

impl Target {
    /// Parses what an operator types: `https://host:8443`, `host:8080`, `http://host/internal/memory`.
    ///
    /// # Errors
    ///
    /// If it is not the address of a page, or contains a password.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let mut url = parse(text)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(text, "has a query or fragment; remove it, and use the command's own options"));
        }
        let path = page_path(url.path()).to_owned();
        url.set_path(&path);
        Ok(Self { url, address: None })
    }

    /// The same page at one of its host's addresses.
    pub(crate) fn at(&self, ip: IpAddr) -> Self {
        Self { url: self.url.clone(), address: Some(SocketAddr::new(ip, self.port())) }
    }

    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// The host, a name or an address, as written in `.netrc`.
    pub(crate) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    pub(crate) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or_default()
    }

    /// `host:port`, as in the configuration of scrapers.
    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", self.url.host_str().unwrap_or_default(), self.port())
    }

    pub(crate) fn scheme(&self) -> &str {
        self.url.scheme()
    }

    /// The path of the overview. All other pages lie below it.
    pub(crate) fn path(&self) -> &str {
        self.url.path()
    }

    pub(crate) fn is_plain_http(&self) -> bool {
        self.url.scheme() == "http"
    }

    /// Whether the address is on this machine, as far as that is known without looking up a name.
    pub(crate) fn is_loopback(&self) -> bool {
        match (self.address, self.url.host()) {
            (Some(address), _) => is_loopback(address.ip()),
            (None, Some(Host::Ipv4(ip))) => is_loopback(ip.into()),
            (None, Some(Host::Ipv6(ip))) => is_loopback(ip.into()),
            (None, Some(Host::Domain(name))) => name == "localhost",
            (None, None) => false,
        }
    }

    /// The URL of the page at `rest` below the overview.
    pub(crate) fn url(&self, rest: &str, query: &[(&str, &str)]) -> String {
        let mut url = self.url.clone();
        url.set_path(&format!("{}{rest}", self.url.path()));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url.into()
    }
}

/// Parses the URL of an HTTP server, which must not contain a login.
///
/// # Errors
///
/// As [`Target::parse`].
pub(crate) fn parse(text: &str) -> Result<Url, Failure> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&with_scheme).map_err(|error| {
        wrong(text, &format!("is not an address ({error}); write for example https://host:8443"))
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong(text, "is neither http nor https; write for example https://host:8443"));
    }
    if url.host().is_none() {
        return Err(wrong(text, "names no host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            text,
            "contains a login, which every user of this machine could read; use --user with MEMORY_DEBUG_PASSWORD, \
             --password-file, ~/.netrc or the prompt instead",
        ));
    }
    Ok(url)
}

fn wrong(text: &str, what: &str) -> Failure {
    Failure::usage(format!("`{}`: {what}", without_login(text)))
}

/// Checks that a password may be sent to `target`.
///
/// # Errors
///
/// If others could read it on the way. The message says which connections are safe.
pub(crate) fn require_private(target: &Target, is_insecure: bool, has_proxy: bool) -> Result<(), Failure> {
    if is_insecure || !target.is_plain_http() || target.is_loopback() && !has_proxy {
        return Ok(());
    }
    if has_proxy {
        let message = "plain HTTP through a proxy would show the password to the proxy and to every machine on the way; \
             use https, or --insecure if you trust both";
        return Err(Failure::new(MissingReason::Tls, message).at(target));
    }
    let message = "plain HTTP to another machine would show the password to every machine on the way; use https, a \
         tunnel (`kubectl port-forward`, `ssh -L`), or --insecure if you trust the network";
    Err(Failure::new(MissingReason::Tls, message).at(target))
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.as_str();
        f.write_str(url.strip_suffix(DEFAULT_PATH).unwrap_or(url))?;
        match self.address {
            Some(address) if address.ip().to_string() != self.host() => write!(f, " ({address})"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Target {
        Target::parse(text).unwrap()
    }

    #[test]
    fn an_operator_may_leave_out_scheme_and_path() {
        for (text, url, shown) in [
            ("localhost:8080", "http://localhost:8080/debug/memory", "http://localhost:8080"),
            ("https://shop.example", "https://shop.example/debug/memory", "https://shop.example"),
            ("https://shop.example/", "https://shop.example/debug/memory", "https://shop.example"),
            (
                "http://[::1]:80/internal/memory/",
                "http://[::1]/internal/memory",
                "http://[::1]/internal/memory",
            ),
        ] {
            assert_eq!(
                (parse(text).url("", &[]).as_str(), parse(text).to_string().as_str()),
                (url, shown),
                "{text}"
            );
        }
        let url = parse("localhost:1").url("/types", &[("filter", "Vec<u8> & more"), ("top", "9")]);
        assert_eq!(url, "http://localhost:1/debug/memory/types?filter=Vec%3Cu8%3E+%26+more&top=9");
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        for text in
            ["http://ops:s3cret@host", "ops:s3cret@host", "http://ops:s3cret@host:x", "https://s3cret@host/x"]
        {
            let failure = Target::parse(text).unwrap_err();
            assert!(!failure.to_string().contains("s3cret"), "{failure}");
        }
    }

    #[test]
    fn a_text_that_is_not_an_address_is_refused() {
        for text in
            ["", "ftp://host", "unix:///run/x", "http://", "http://host?top=1", "http://host#x", "http://a b"]
        {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn plain_http_leaves_this_machine_only_with_insecure() {
        for (text, is_refused) in [
            ("http://127.0.0.1:1", false),
            ("http://127.9.9.9", false),
            ("http://[::1]", false),
            ("http://[::ffff:127.0.0.1]", false),
            ("http://localhost", false),
            ("https://host", false),
            ("http://host", true),
            ("http://10.0.0.1", true),
            ("http://localhost.example", true),
            ("http://[2001:db8::1]", true),
        ] {
            assert_eq!(require_private(&parse(text), false, false).is_err(), is_refused, "{text}");
            assert!(require_private(&parse(text), true, true).is_ok(), "{text}");
        }
        for text in ["http://localhost:1", "http://host"] {
            let failure = require_private(&parse(text), false, true).unwrap_err().to_string();
            assert!(failure.contains("through a proxy"), "a proxy has its own localhost: {failure}");
        }
        assert!(require_private(&parse("https://host"), false, true).is_ok());
        let elsewhere = parse("http://localhost:1").at([192, 0, 2, 1].into());
        assert!(
            require_private(&elsewhere, false, false).is_err(),
            "the name says localhost, the address does not"
        );
    }

    #[test]
    fn an_address_of_a_name_is_shown_with_it() {
        let target = parse("https://shop.example:8443").at([10, 0, 0, 7].into());
        assert_eq!(target.to_string(), "https://shop.example:8443 (10.0.0.7:8443)");
        assert_eq!(parse("http://10.0.0.7:1").at([10, 0, 0, 7].into()).to_string(), "http://10.0.0.7:1");
    }
}
