//! Who has which address in a scene, and who has sent to whom.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use socket2::Socket;

use super::lock::lock;
use crate::vocabulary::Protocol;

/// The sockets of a scene. Several may have the same address: they share a port, or one of them is closed.
#[derive(Debug, Default)]
pub(super) struct Directory {
    pages: Mutex<Pages>,
}

/// A socket's place in the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id(usize);

#[derive(Debug, Default)]
struct Pages {
    entries: Vec<Entry>,
    flows: Vec<Flow>,
    /// The ports where nobody listens, with their names.
    closed_ports: Vec<(SocketAddr, String)>,
}

/// A socket that has, or had, an address.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    protocol: Protocol,
    /// The address as the system has it: the wildcard where it is bound to every address.
    pub(super) bound: SocketAddr,
    /// The multicast groups that it has joined.
    groups: Vec<IpAddr>,
    /// Whom it is connected to.
    pub(super) peer: Option<SocketAddr>,
    socket: Weak<Socket>,
    closed: bool,
    /// Whether anything was sent from it that may still be under way.
    has_sent: bool,
}

/// Datagrams from one socket to one address.
#[derive(Clone, Debug)]
struct Flow {
    from: Id,
    to: SocketAddr,
    /// Of each byte whether it is in a payload.
    has: [bool; 256],
}

impl Entry {
    /// The socket, as long as it is open.
    pub(super) fn socket(&self) -> Option<Arc<Socket>> {
        if self.closed { None } else { self.socket.upgrade() }
    }

    /// Whether a datagram sent to `address` reaches this socket, as far as addresses decide.
    fn is_reached_at(&self, address: SocketAddr) -> bool {
        if self.bound.port() != address.port() {
            return false;
        }
        let same_ip = || self.bound.ip() == address.ip();
        let wildcard = || self.bound.ip().is_unspecified() && self.bound.is_ipv4() == address.is_ipv4();
        let is_group = || address.ip().is_multicast();
        same_ip() || self.groups.contains(&address.ip()) || wildcard() && !is_group()
    }
}

/// How a datagram can come to a socket: from this address to that one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
}

impl Directory {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        lock(&self.pages)
    }

    /// Enters a socket that has got its address.
    pub(super) fn enter(&self, protocol: Protocol, name: &str, bound: SocketAddr, socket: &Arc<Socket>) -> Id {
        let mut pages = self.pages();
        pages.entries.push(Entry {
            name: name.to_owned(),
            protocol,
            bound,
            groups: Vec::new(),
            peer: None,
            socket: Arc::downgrade(socket),
            closed: false,
            has_sent: false,
        });
        Id(pages.entries.len() - 1)
    }

    pub(super) fn entry(&self, id: Id) -> Entry {
        self.pages().entries[id.0].clone()
    }

    /// Records that the socket is connected to `peer`. To connect may have sent something, as TCP does.
    pub(super) fn connected(&self, id: Id, peer: SocketAddr) {
        self.pages().entries[id.0].peer = Some(peer);
        self.sent(id, peer, &[]);
    }

    /// The socket has no peer any more. Where it has not kept its port either, any program may have that next.
    pub(super) fn disconnected(&self, id: Id, keeps_port: bool) {
        let entry = &mut self.pages().entries[id.0];
        entry.peer = None;
        entry.closed |= !keeps_port;
    }

    /// The socket has joined a multicast group.
    #[cfg(test)]
    pub(super) fn joined(&self, id: Id, group: IpAddr) {
        self.pages().entries[id.0].groups.push(group);
    }

    /// The socket is closed. Any program may have its address next; what was sent from it is still under way.
    pub(super) fn closed(&self, id: Id) {
        self.pages().entries[id.0].closed = true;
    }

    /// The socket has sent `payload` to `to`.
    pub(super) fn sent(&self, id: Id, to: SocketAddr, payload: &[u8]) {
        let mut pages = self.pages();
        pages.entries[id.0].has_sent = true;
        let place = pages.flows.iter().position(|flow| flow.from == id && flow.to == to);
        let place = place.unwrap_or_else(|| {
            pages.flows.push(Flow { from: id, to, has: [false; 256] });
            pages.flows.len() - 1
        });
        let has = &mut pages.flows[place].has;
        for &byte in payload {
            has[usize::from(byte)] = true;
        }
    }

    /// Nobody listens at `address`, which has this name.
    pub(super) fn nobody_at(&self, address: SocketAddr, name: &str) {
        self.pages().closed_ports.push((address, name.to_owned()));
    }

    /// Whether there is a port of this machine, of the family of `loopback`, where nobody listens.
    pub(super) fn has_closed_port(&self, loopback: IpAddr) -> bool {
        self.pages().closed_ports.iter().any(|(closed, _)| closed.ip() == loopback)
    }

    /// The name of the port at `address`, where nobody listens.
    pub(super) fn closed_port(&self, address: SocketAddr) -> Option<String> {
        let pages = self.pages();
        pages.closed_ports.iter().find(|(closed, _)| *closed == address).map(|(_, name)| name.clone())
    }

    /// The name of the socket that sends from `address`; the names of all, where several share it.
    pub(super) fn name_of(&self, protocol: Protocol, address: SocketAddr) -> Option<String> {
        let pages = self.pages();
        let known = |entry: &&Entry| {
            entry.protocol == protocol && entry.is_reached_at(address) && (!entry.closed || entry.has_sent)
        };
        let mut names: Vec<&str> = Vec::new();
        for entry in pages.entries.iter().filter(known) {
            if !names.contains(&entry.name.as_str()) {
                names.push(&entry.name);
            }
        }
        (!names.is_empty()).then(|| names.join(" or "))
    }

    /// Whether `byte` is in a payload sent from `address`.
    pub(super) fn is_sent_from(&self, address: SocketAddr, byte: u8) -> bool {
        let pages = self.pages();
        let mut with_it = pages.flows.iter().filter(|flow| flow.has[usize::from(byte)]);
        with_it.any(|flow| pages.entries[flow.from.0].is_reached_at(address))
    }

    /// The open UDP sockets, in the order in which they got their addresses, that a datagram to `address` could reach.
    pub(super) fn reached_at(&self, address: SocketAddr) -> Vec<Entry> {
        let pages = self.pages();
        let there =
            pages.entries.iter().filter(|entry| entry.protocol == Protocol::Udp && entry.is_reached_at(address));
        there.filter(|entry| entry.socket().is_some()).cloned().collect()
    }

    /// Whether any socket of the scene, open or closed, has or had `address`.
    pub(super) fn knows(&self, address: SocketAddr) -> bool {
        self.pages().entries.iter().any(|entry| entry.protocol == Protocol::Udp && entry.is_reached_at(address))
    }

    /// The addresses that this socket has sent to, or is connected to.
    pub(super) fn destinations(&self, id: Id) -> Vec<SocketAddr> {
        self.pages().flows.iter().filter(|flow| flow.from == id).map(|flow| flow.to).collect()
    }

    /// The sockets that have sent to this one, each with the address that it has sent to.
    pub(super) fn senders_to(&self, id: Id) -> Vec<(Entry, SocketAddr)> {
        let pages = self.pages();
        let me = &pages.entries[id.0];
        let flows = pages.flows.iter().filter(|flow| me.is_reached_at(flow.to));
        flows.map(|flow| (pages.entries[flow.from.0].clone(), flow.to)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sockets;

    fn entered(directory: &Directory, name: &str, bound: &str) -> (Id, Arc<Socket>) {
        let address = bound.parse().unwrap();
        let socket = Arc::new(sockets::udp(address).unwrap());
        (directory.enter(Protocol::Udp, name, address, &socket), socket)
    }

    fn name(directory: &Directory, address: &str) -> Option<String> {
        directory.name_of(Protocol::Udp, address.parse().unwrap())
    }

    #[test]
    fn a_wildcard_has_every_address_of_its_family() {
        let directory = Directory::default();
        let _server = entered(&directory, "server", "0.0.0.0:9");
        assert_eq!(name(&directory, "127.0.0.2:9").as_deref(), Some("server"));
        assert_eq!((name(&directory, "[::1]:9"), name(&directory, "127.0.0.2:10")), (None, None));
        assert_eq!(directory.name_of(Protocol::Tcp, "127.0.0.2:9".parse().unwrap()), None);
    }

    #[test]
    fn several_may_share_an_address() {
        let directory = Directory::default();
        let _one = entered(&directory, "server 1", "127.0.0.1:9");
        let _two = entered(&directory, "server 2", "127.0.0.1:9");
        assert_eq!(name(&directory, "127.0.0.1:9").as_deref(), Some("server 1 or server 2"));
        assert_eq!(directory.reached_at("127.0.0.1:9".parse().unwrap()).len(), 2);
    }

    #[test]
    fn who_is_closed_is_known_only_by_what_it_has_sent() {
        let directory = Directory::default();
        let (silent, _one) = entered(&directory, "silent", "127.0.0.1:8");
        let (sender, _two) = entered(&directory, "sender", "127.0.0.1:9");
        directory.sent(sender, "127.0.0.1:7".parse().unwrap(), b"x");
        directory.closed(silent);
        directory.closed(sender);
        assert_eq!(
            (name(&directory, "127.0.0.1:8"), name(&directory, "127.0.0.1:9").as_deref()),
            (None, Some("sender"))
        );
        assert!(directory.knows("127.0.0.1:8".parse().unwrap()));
        assert!(directory.reached_at("127.0.0.1:9".parse().unwrap()).is_empty());
    }

    #[test]
    fn a_member_of_a_group_is_reached_there() {
        let directory = Directory::default();
        let (member, _one) = entered(&directory, "member", "0.0.0.0:9");
        let group = "239.1.2.3:9".parse().unwrap();
        assert!(directory.reached_at(group).is_empty());
        directory.joined(member, "239.1.2.3".parse().unwrap());
        let (sender, _two) = entered(&directory, "sender", "127.0.0.1:8");
        directory.sent(sender, group, b"ab");
        assert_eq!(directory.senders_to(member).len(), 1);
        assert_eq!(directory.destinations(sender), [group]);
        let is_sent = |byte| directory.is_sent_from("127.0.0.1:8".parse().unwrap(), byte);
        assert_eq!([b'a', b'b', b'c'].map(is_sent), [true, true, false]);
    }
}
