//! The address of an instance's memory page.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use memory_debug_fleet::{DEFAULT_PATH, is_loopback, page_path, without_login};
use memory_debug_report::MissingReason;
use url::{Host, Url};

use crate::failure::Failure;

/// The address of an instance's memory page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Target {
    url: Url,
    /// The IP address to connect to, if the host name has several. Requests still contain the host name.
    address: Option<SocketAddr>,
}

impl Target {
    /// Parses an address as operators type it: `https://host:8443`, `host:8080`, `http://host/internal/memory`.
    ///
    /// # Errors
    ///
    /// If `text` is not an HTTP address, or contains a login, a query or a fragment.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let mut url = parse(text)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(
                text,
                "contains a query or a fragment; remove it and use the options of this command instead",
            ));
        }
        let path = page_path(url.path()).to_owned();
        url.set_path(&path);
        Ok(Self { url, address: None })
    }

    /// The same page at one IP address of its host.
    pub(crate) fn at(&self, ip: IpAddr) -> Self {
        Self { url: self.url.clone(), address: Some(SocketAddr::new(ip, self.port())) }
    }

    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// The host name or IP address, without brackets, as in `.netrc`.
    pub(crate) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    pub(crate) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or_default()
    }

    /// `host:port`, the form that scrapers expect.
    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", self.url.host_str().unwrap_or_default(), self.port())
    }

    pub(crate) fn scheme(&self) -> &str {
        self.url.scheme()
    }

    /// The path of the overview. All other pages are below it.
    pub(crate) fn path(&self) -> &str {
        self.url.path()
    }

    pub(crate) fn is_plain_http(&self) -> bool {
        self.url.scheme() == "http"
    }

    /// Whether the target is on this machine. Of all host names, only `localhost` counts, because this looks up no
    /// name.
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

    /// The URL of the page at `rest` below the overview, with a query that is encoded already.
    pub(crate) fn url_as_sent(&self, rest: &str, query: Option<&str>) -> String {
        let mut url = self.url.clone();
        url.set_path(&format!("{}{rest}", self.url.path()));
        url.set_query(query);
        url.into()
    }

    /// Whether `url` is the overview or a page below it.
    pub(crate) fn has_page(&self, url: &Url) -> bool {
        let below = url.path().strip_prefix(self.url.path());
        url.origin() == self.url.origin()
            && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// Parses the URL of an HTTP server, which must not contain a login.
///
/// # Errors
///
/// If `text` is not an HTTP address or contains a login.
pub(crate) fn parse(text: &str) -> Result<Url, Failure> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&with_scheme).map_err(|error| {
        wrong(text, &format!("is not a valid address ({error}); expected an address like https://host:8443"))
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong(text, "uses neither http nor https; expected an address like https://host:8443"));
    }
    if url.host().is_none() {
        return Err(wrong(text, "has no host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            text,
            "contains a login, and other users of this machine can read the command line; pass --user, and give the \
             password in MEMORY_DEBUG_PASSWORD, --password-file, ~/.netrc or at the prompt",
        ));
    }
    Ok(url)
}

fn wrong(text: &str, what: &str) -> Failure {
    Failure::usage(format!("`{}`: {what}", without_login(text)))
}

/// Checks that the connection to `target` keeps a password private.
///
/// # Errors
///
/// If other machines could read the password. The message says which connections are safe.
pub(crate) fn require_private(target: &Target, is_insecure: bool, has_proxy: bool) -> Result<(), Failure> {
    if is_insecure || !target.is_plain_http() || target.is_loopback() && !has_proxy {
        return Ok(());
    }
    if has_proxy {
        let message = "plain HTTP through a proxy would expose the password to the proxy and the network; use https, \
             or --insecure if you trust both";
        return Err(Failure::new(MissingReason::Tls, message).at(target));
    }
    let message = "plain HTTP to another machine would expose the password to the network; use https, a tunnel \
         (`kubectl port-forward`, `ssh -L`), or --insecure if you trust the network";
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
    fn scheme_and_path_have_defaults() {
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
    fn rejects_address_with_password_without_repeating_it() {
        for text in
            ["http://ops:s3cret@host", "ops:s3cret@host", "http://ops:s3cret@host:x", "https://s3cret@host/x"]
        {
            let failure = Target::parse(text).unwrap_err();
            assert!(!failure.to_string().contains("s3cret"), "{failure}");
        }
    }

    #[test]
    fn rejects_text_that_is_not_an_address() {
        for text in
            ["", "ftp://host", "unix:///run/x", "http://", "http://host?top=1", "http://host#x", "http://a b"]
        {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn plain_http_to_other_machines_needs_insecure() {
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
            "the name is localhost, but the address is elsewhere"
        );
    }

    #[test]
    fn target_shows_host_name_and_chosen_address() {
        let target = parse("https://shop.example:8443").at([10, 0, 0, 7].into());
        assert_eq!(target.to_string(), "https://shop.example:8443 (10.0.0.7:8443)");
        assert_eq!(parse("http://10.0.0.7:1").at([10, 0, 0, 7].into()).to_string(), "http://10.0.0.7:1");
    }
}
