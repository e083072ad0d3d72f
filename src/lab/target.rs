//! Whom a call is for.

use std::net::{Ipv4Addr, SocketAddr};

use super::Endpoint;
use crate::sockets;
use crate::vocabulary::Peer;

/// Something that datagrams or connections can be sent to, with the name that reports use.
pub trait Target {
    /// Where it is reached.
    fn address(&self) -> SocketAddr;
    /// Its name in the report.
    fn name(&self) -> &str;
    /// Both.
    fn peer(&self) -> Peer {
        Peer { name: self.name().to_owned(), address: self.address() }
    }
}

impl Target for Peer {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl Target for Endpoint {
    fn address(&self) -> SocketAddr {
        self.socket.address().unwrap_or(sockets::ANY_PORT)
    }

    fn name(&self) -> &str {
        &self.socket.name
    }
}

impl Endpoint {
    /// This endpoint under another of the machine's addresses.
    pub fn at(&self, ip: Ipv4Addr) -> Peer {
        Peer { name: self.name().to_owned(), address: SocketAddr::from((ip, self.address().port())) }
    }
}
