//! `HOST:PORT` or `PORT` on the command line, and the address that it names.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind, SockType, getaddrinfo};
use socket2::Socket;

use super::ProgramError;
use super::pasted;
use crate::kernel::{self, HERE};
use crate::sockets::{self, Call};
use crate::vocabulary::{Os, escape, os_message};

/// `HOST:PORT` as given on the command line, not yet looked up; `PORT` alone means 127.0.0.1, an IP address alone port
/// 8888.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    host: String,
    port: u16,
}

/// The port of the server and the client where none is given.
pub(super) const USUAL_PORT: u16 = 8888;

/// The host where only a port is given.
const DEFAULT_HOST: &str = "127.0.0.1";

const FORM: &str = "HOST:PORT or PORT is needed, such as 127.0.0.1:8888, [::1]:8888 or 8888";

/// What an address is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// A server listens there.
    Listen,
    /// A client asks there.
    Ask,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(address) = Address::of_host(text) {
            return Ok(address);
        }
        Address::strict(text).map_err(|error| match pasted::repaired(text) {
            Some(better) => format!("HOST:PORT or PORT is needed: write {better}"),
            None => error,
        })
    }
}

impl Address {
    /// An IP address or `localhost` alone, with the usual port. Any other word could be a message as well as a host.
    fn of_host(text: &str) -> Option<Self> {
        let bracketed = bracketed(text).filter(|host| is_ipv6(host));
        let is_host = bracketed.is_some() || text == "localhost" || text.parse::<Ipv4Addr>().is_ok();
        is_host.then(|| Address { host: bracketed.unwrap_or(text).to_owned(), port: USUAL_PORT })
    }

    /// The address that `text` is, to the letter.
    pub(super) fn strict(text: &str) -> Result<Self, String> {
        let (host, port) = text.rsplit_once(':').unwrap_or((DEFAULT_HOST, text));
        let bracketed = bracketed(host);
        if bracketed.is_none() && is_ipv6(host) {
            return Err(format!("{FORM}; an IPv6 address stands in brackets"));
        }
        let host = bracketed.unwrap_or(host);
        if !could_be_a_host(host, bracketed.is_some()) {
            return Err(FORM.to_owned());
        }
        if is_wrong_ipv4(host) {
            return Err(format!("{host} is no IPv4 address: that is four numbers from 0 to 255, such as 127.0.0.1"));
        }
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|_| digits);
        let port = port.ok_or_else(|| format!("{FORM}; a port is a number from 0 to 65535"))?;
        Ok(Address { host: host.to_owned(), port })
    }
}

/// What stands in the brackets, where `host` has them.
fn bracketed(host: &str) -> Option<&str> {
    host.strip_prefix('[')?.strip_suffix(']')
}

/// Whether `host` is an IPv6 address, with or without its interface.
pub(super) fn is_ipv6(host: &str) -> bool {
    let address = host.split_once('%').map_or(host, |(address, _)| address);
    address.parse::<Ipv6Addr>().is_ok()
}

/// Whether hosts on several networks may have this address, so that `%` and an interface follow it (RFC 4007 section
/// 11).
fn needs_its_interface(ip: Ipv6Addr) -> bool {
    ip.is_unicast_link_local() || ip.is_multicast()
}

/// Whether `host` is meant for an IPv4 address, and is none: no name ends with a number (RFC 3696 section 2). Fewer
/// than four numbers may be one: `127.1` is, for `inet_aton`.
fn is_wrong_ipv4(host: &str) -> bool {
    let numbers: Vec<&str> = host.split('.').collect();
    let (Some((last, others)), true) = (numbers.split_last(), host.bytes().all(|c| c.is_ascii_digit() || c == b'.'))
    else {
        return false;
    };
    // The last number stands for all bytes that are left.
    let left = 4_usize.saturating_sub(others.len());
    // Behind a zero the number may be octal.
    let fits = |number: &str, bytes: usize| {
        number.starts_with('0') || number.parse::<u64>().is_ok_and(|number| number >> (8 * bytes) == 0)
    };
    !(left > 0 && others.iter().all(|number| fits(number, 1)) && fits(last, left))
}

/// Whether somebody could have a host of this name. Who decides is the name service; this is what no name has.
fn could_be_a_host(host: &str, bracketed: bool) -> bool {
    let never = |c: char| {
        let is_seen = pasted::half_width(c) == c && !pasted::is_hidden(c);
        c.is_whitespace() || c.is_control() || !is_seen || "/\\@#?*()[]{}<>\"'`,;|&=+!^$~".contains(c)
    };
    !host.is_empty() && !host.contains(never) && (!host.contains(':') || (bracketed && is_ipv6(host)))
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
    /// When no host of this name is known, or its address is not one that a `purpose` of this kind can have.
    pub fn resolve(&self, purpose: Use) -> Result<SocketAddr, ProgramError> {
        let found = self.look_up().map_err(|error| {
            ProgramError::Environment(match error.kind() {
                LookupErrorKind::System => self.failed(&error.into()),
                kind => self.unknown(&kind),
            })
        })?;
        let address = preferred(found.into_iter())
            .ok_or_else(|| ProgramError::Environment(self.unknown(&LookupErrorKind::NoData)))?;
        usable(address, purpose).map_err(ProgramError::Usage)?;
        match address {
            // Of a number nobody asks whether there is such an interface.
            SocketAddr::V6(v6) if needs_its_interface(*v6.ip()) && !kernel::is_interface(v6.scope_id()) => {
                Err(ProgramError::Environment(self.unknown(&LookupErrorKind::NoName)))
            }
            address => Ok(address),
        }
    }

    fn look_up(&self) -> Result<Vec<SocketAddr>, LookupError> {
        let hints = AddrInfoHints { socktype: SockType::DGram.into(), ..AddrInfoHints::default() };
        let found = getaddrinfo(Some(&self.host), None, Some(hints))?;
        let with_port = |mut address: SocketAddr| {
            address.set_port(self.port);
            address
        };
        // What is of another family than IP is no address for UDP.
        Ok(found.filter_map(io::Result::ok).map(|found| with_port(found.sockaddr)).collect())
    }

    /// What is said where the system itself failed.
    fn failed(&self, error: &io::Error) -> String {
        format!("{}: the name could not be looked up: {}.", escape(&self.to_string()), os_message(error, HERE))
    }

    /// Why there is no address for the host.
    fn unknown(&self, kind: &LookupErrorKind) -> String {
        let this = self.to_string();
        let this = escape(&this);
        let on_an_interface =
            self.host.split_once('%').and_then(|(ip, interface)| Some((ip.parse::<Ipv6Addr>().ok()?, interface)));
        match (kind, on_an_interface) {
            (LookupErrorKind::Memory, _) => format!("{this}: the name could not be looked up: out of memory."),
            (LookupErrorKind::Again | LookupErrorKind::Fail, _) => {
                format!(
                    "{this}: the name could not be looked up now: no name server answers. Is there a network? An address in \
                 numbers needs none."
                )
            }
            (_, Some((ip, interface))) => match needs_its_interface(ip) {
                true => format!("{this}: this machine has no network interface {}.", escape(interface)),
                false => format!(
                    "{this}: {ip} is no link-local address, and only those have an interface behind a %: write [{ip}]:{}.",
                    self.port
                ),
            },
            _ => format!("{this}: no host of this name is known here. Is it spelt right?"),
        }
    }
}

/// The first IPv4 address, else the first: the article's programs speak IPv4 only, and `localhost` is often `::1`
/// first.
fn preferred(mut addresses: impl Iterator<Item = SocketAddr>) -> Option<SocketAddr> {
    let first = addresses.next()?;
    if first.is_ipv4() { Some(first) } else { addresses.find(SocketAddr::is_ipv4).or(Some(first)) }
}

/// Whether one host listens at `address`, and can be asked there; else a sentence that says why not.
fn usable(address: SocketAddr, purpose: Use) -> Result<(), String> {
    let (ip, port) = (address.ip().to_canonical(), address.port());
    let no_host = match ip {
        ip if ip.is_multicast() => "a multicast group is no address of a host",
        IpAddr::V4(Ipv4Addr::BROADCAST) => "a broadcast address is no address of a host",
        _ => "",
    };
    if !no_host.is_empty() {
        return Err(match purpose {
            Use::Listen => format!("{address}: {no_host}: listen on {}.", everywhere(address)),
            Use::Ask => format!(
                "{address}: {no_host}. Whoever receives it answers from an address of its own, from which this connected socket does not \
                 receive."
            ),
        });
    }
    if let SocketAddr::V6(v6) = address
        && v6.ip().is_unicast_link_local()
        && v6.scope_id() == 0
    {
        let interface = match HERE {
            Os::Linux => "eth0",
            Os::Macos => "en0",
            Os::Windows => "12",
        };
        return Err(format!("a link-local address needs its interface: [{}%{interface}]:{port}", v6.ip()));
    }
    match purpose {
        Use::Ask if port == 0 => Err(format!("{address}: port 0 is no destination (RFC 768: it stands for no port).")),
        _ => Ok(()),
    }
}

/// The address, in the family of `address` and with its port, at which a server is heard on every interface.
pub(super) fn everywhere(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, address.port()).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, address.port()).into(),
    }
}

/// The line that says how a client on this machine asks who listens with `socket`, by the command `again`; or why none
/// can.
pub(super) fn in_another_terminal(socket: &Socket, again: &str) -> String {
    match asked_here(socket) {
        Ok(address) => format!("In another terminal: {again} client {address}\n"),
        Err(error) => format!("No client on this machine can ask here: {error}\n"),
    }
}

/// Where a client on this machine asks. A socket on all addresses of both families may be reached by IPv4 alone: there
/// are such sockets where IPv6 is switched off.
fn asked_here(socket: &Socket) -> Call<SocketAddr> {
    let asked = sockets::address_of(socket)?;
    let reached = |address| sockets::connected(address).map(|_| address);
    match reached(asked) {
        Err(_) if takes_both_families(socket) => reached((Ipv4Addr::LOCALHOST, asked.port()).into()),
        reached => reached,
    }
}

fn takes_both_families(socket: &Socket) -> bool {
    let bound = socket.local_addr().ok().and_then(|address| address.as_socket_ipv6());
    bound.is_some_and(|bound| bound.ip().is_unspecified()) && socket.only_v6().is_ok_and(|only| !only)
}

/// The most addresses that are named: a machine with many networks of containers has dozens.
const MOST_NAMED: usize = 4;

/// Where other machines reach a socket that is bound to `address`, each with the interface: nowhere when it is
/// loopback. Link-local addresses are left out: those who ask there need the name of an interface of their own.
pub(super) fn reached_at(address: SocketAddr) -> Vec<(String, SocketAddr)> {
    // Where the interfaces cannot be listed, none is named: the server is reached all the same.
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let mut reached: Vec<(String, SocketAddr)> = interfaces
        .into_iter()
        .filter(|interface| !interface.is_loopback() && !interface.is_link_local())
        .filter(|interface| match address.ip() {
            ip if !ip.is_unspecified() => interface.ip() == ip,
            ip => ip.is_ipv6() || interface.ip().is_ipv4(),
        })
        .map(|interface| (interface.name.clone(), (interface.ip(), address.port()).into()))
        .collect();
    // One of IPv4 is shorter to type.
    reached.sort_by_key(|(_, address)| address.is_ipv6());
    reached.truncate(MOST_NAMED);
    reached
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::SocketError;

    #[test]
    fn an_ipv4_address_is_preferred_and_an_ipv6_address_is_better_than_none() {
        let prefer = |addresses: &[&str]| {
            preferred(addresses.iter().map(|address| address.parse().unwrap())).map(|address| address.to_string())
        };
        assert_eq!(prefer(&["[::1]:1", "127.0.0.1:1"]).as_deref(), Some("127.0.0.1:1"));
        assert_eq!(prefer(&["[::1]:1", "[::2]:1"]).as_deref(), Some("[::1]:1"));
        assert_eq!(prefer(&[]), None);
    }

    #[test]
    fn an_address_is_read_to_the_letter() {
        for (text, host, port) in [
            ("0.0.0.0", "0.0.0.0", 8888),
            ("localhost", "localhost", 8888),
            ("[::1]", "::1", 8888),
            ("8888", "127.0.0.1", 8888),
            ("127.0.0.1:0", "127.0.0.1", 0),
            ("[::1]:80", "::1", 80),
            ("[fe80::1%eth0]:80", "fe80::1%eth0", 80),
            ("teacher-pc_2.local:65535", "teacher-pc_2.local", 65_535),
            ("über.example:1", "über.example", 1),
        ] {
            assert_eq!(text.parse(), Ok(Address { host: host.to_owned(), port }));
        }
    }

    #[test]
    fn what_is_meant_for_an_ipv4_address_and_is_none_is_no_name() {
        for host in [
            "127.0.0.256",
            "127.0.0.1.1",
            "127.0.0.1.0",
            "256.0.0.1",
            "1..2.3",
            "127.0.0.",
            "127.0.0.1.",
            "1.16777216",
            "99999999999",
        ] {
            assert!(is_wrong_ipv4(host), "{host}");
        }
        for host in [
            "127.0.0.1",
            "0377.0.0.01",
            "127.1",
            "127.0.1",
            "1.16777215",
            "2130706433",
            "0.0.0.0",
            "3com.example",
            "a.1b",
        ] {
            assert!(!is_wrong_ipv4(host), "{host}");
        }
    }

    #[test]
    fn a_name_that_is_unknown_is_told_from_one_that_cannot_be_looked_up_now() {
        let unknown = |host: &str, kind| Address { host: host.to_owned(), port: 8888 }.unknown(&kind);
        for kind in [LookupErrorKind::Again, LookupErrorKind::Fail] {
            assert!(unknown("example.org", kind).starts_with("example.org:8888: the name could not be looked up now"));
        }
        for kind in [LookupErrorKind::NoName, LookupErrorKind::NoData] {
            assert!(unknown("exmaple.org", kind).starts_with("exmaple.org:8888: no host of this name is known here"));
        }
        assert_eq!(
            unknown("fe80::1%no", LookupErrorKind::NoName),
            "[fe80::1%no]:8888: this machine has no network interface no."
        );
        assert!(unknown("::1%lo", LookupErrorKind::NoName).ends_with(" behind a %: write [::1]:8888."));
        let full = Address { host: "example.org".to_owned(), port: 8888 };
        let failed = full.failed(&io::Error::from_raw_os_error(SocketError::TooManyFiles.on(HERE).number));
        assert!(failed.starts_with("example.org:8888: the name could not be looked up: "), "{failed}");
        assert!(!failed.contains("name server"), "{failed}");
    }

    #[test]
    fn what_is_no_address_of_one_host_is_refused() {
        for (address, listen, ask) in [
            ("239.1.2.3:8888", "listen on 0.0.0.0:8888", "an address of its own"),
            ("[ff02::1]:8888", "listen on [::]:8888", "an address of its own"),
            ("255.255.255.255:8888", "listen on 0.0.0.0:8888", "an address of its own"),
            ("[fe80::1]:8888", "[fe80::1%", "[fe80::1%"),
            ("127.0.0.1:0", "", "port 0 is no destination"),
            ("127.0.0.1:8888", "", ""),
            ("[fe80::1%1]:8888", "", ""),
        ] {
            let address = address.parse().unwrap();
            for (purpose, sentence) in [(Use::Listen, listen), (Use::Ask, ask)] {
                match usable(address, purpose) {
                    Ok(()) => assert_eq!(sentence, "", "{address}"),
                    Err(said) => assert!(!sentence.is_empty() && said.contains(sentence), "{said}"),
                }
            }
        }
    }
}
