//! `HOST:PORT` or `PORT` on the command line, and the address that it names.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

use super::Ended;

/// `HOST:PORT` as given on the command line, not yet looked up; `PORT` alone means 127.0.0.1.
#[derive(Clone, Debug)]
pub struct Address {
    host: String,
    port: u16,
}

/// The host where only a port is given.
const DEFAULT_HOST: &str = "127.0.0.1";

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "HOST:PORT or PORT is needed, such as 127.0.0.1:8888, [::1]:8888 or 8888";
        let (host, port) = text.rsplit_once(':').unwrap_or((DEFAULT_HOST, text));
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match bracketed {
            Some(host) => host,
            None if host.contains(':') => return Err(format!("{form}; an IPv6 address stands in brackets")),
            None => host,
        };
        if host.is_empty() {
            return Err(form.to_owned());
        }
        let port = port.parse().map_err(|_| format!("{form}; a port is a number from 0 to 65535"))?;
        Ok(Address { host: host.to_owned(), port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl Address {
    /// Looks the host up; of several addresses the first IPv4 one is taken, or the first where there is none.
    ///
    /// # Errors
    /// When no host of this name is known.
    pub fn resolve(&self) -> Result<SocketAddr, Ended> {
        let found = (self.host.as_str(), self.port).to_socket_addrs().ok().and_then(preferred);
        found.ok_or_else(|| Ended::Address(format!("{self}: no host of this name is known here. Is it spelt right?")))
    }
}

/// The first IPv4 address, else the first: the article's programs speak IPv4 only, and `localhost` is often `::1` first.
fn preferred(mut addresses: impl Iterator<Item = SocketAddr>) -> Option<SocketAddr> {
    let first = addresses.next()?;
    if first.is_ipv4() { Some(first) } else { addresses.find(SocketAddr::is_ipv4).or(Some(first)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_address_is_preferred_and_an_ipv6_address_is_better_than_none() {
        let prefer = |addresses: &[&str]| {
            preferred(addresses.iter().map(|address| address.parse().unwrap())).map(|address| address.to_string())
        };
        assert_eq!(prefer(&["[::1]:1", "127.0.0.1:1"]).as_deref(), Some("127.0.0.1:1"));
        assert_eq!(prefer(&["[::1]:1", "[::2]:1"]).as_deref(), Some("[::1]:1"));
        assert_eq!(prefer(&[]), None);
    }
}
