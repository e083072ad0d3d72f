//! Opens sockets, for the lab and for the programs, and says what it means where a call fails.

mod error;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

pub use self::error::{Call, CallError};
pub(crate) use self::error::{CallKind, error_of, os_error};
use crate::kernel::HERE;
use crate::vocabulary::Os;

/// The longest payload that fits a datagram over IPv4: 65535 − 20 (IP header) − 8 (UDP header) bytes. RFC 768, RFC 791.
pub const LONGEST_PAYLOAD: usize = 65_507;

/// The longest payload that fits a datagram over IPv6: 65535 − 8 (UDP header) bytes, since the IP header is not counted
/// in the length of the packet. RFC 768, RFC 8200.
pub const LONGEST_PAYLOAD_V6: usize = 65_527;

/// Opens a UDP socket for the family of `address`.
pub fn udp(address: SocketAddr) -> Call<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))
        .map_err(|e| CallError::preparation("open a UDP socket", &e))?;
    if HERE == Os::Macos {
        // The send buffer is the limit of one datagram there, 9216 bytes by default.
        socket
            .set_send_buffer_size(usize::from(u16::MAX))
            .map_err(|e| CallError::new("enlarge the send buffer", &e))?;
    }
    Ok(socket)
}

/// Opens a UDP socket and binds it to `address`; port 0 takes a free one.
pub fn bound(address: SocketAddr) -> Call<Socket> {
    let socket = udp(address)?;
    bind(&socket, address)?;
    Ok(socket)
}

/// Opens a UDP socket whose peer is `address`.
pub fn connected(address: SocketAddr) -> Call<Socket> {
    let socket = udp(address)?;
    connect(&socket, address)?;
    Ok(socket)
}

pub(crate) fn bind(socket: &Socket, address: SocketAddr) -> Call<()> {
    socket.bind(&SockAddr::from(address)).map_err(|e| CallError::bind(address, &e))
}

pub(crate) fn connect(socket: &Socket, address: SocketAddr) -> Call<()> {
    socket.connect(&SockAddr::from(address)).map_err(|e| CallError::connect(address, &e))
}

/// Bounds every later receive on `socket`.
pub fn wait_at_most(socket: &Socket, limit: Duration) -> Call<()> {
    socket.set_read_timeout(Some(limit)).map_err(|e| CallError::preparation("set the receive limit", &e))
}

/// Bounds every later send on `socket`.
pub fn send_at_most(socket: &Socket, limit: Duration) -> Call<()> {
    socket.set_write_timeout(Some(limit)).map_err(|e| CallError::preparation("set the send limit", &e))
}

/// Whether a call has returned since its time limit passed, or since it was not to wait.
pub fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// The address of `socket` as others reach it: the wildcard is shown as loopback.
pub fn address_of(socket: &Socket) -> Call<SocketAddr> {
    let address = socket.local_addr().map_err(|e| CallError::new("ask for the local address", &e))?;
    Ok(reached_at(address.as_socket().unwrap_or(ANY_PORT)))
}

/// The address at which a socket bound to `address` is reached: loopback, where it is bound to the wildcard.
pub(crate) fn reached_at(address: SocketAddr) -> SocketAddr {
    match address {
        address if !address.ip().is_unspecified() => address,
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::LOCALHOST, address.port())),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::LOCALHOST, address.port())),
    }
}

/// The address from which the system sends to `to`, with this `port`.
pub(crate) fn source_towards(to: SocketAddr, port: u16) -> Option<SocketAddr> {
    let scratch = connected(to).ok()?;
    let mut source = scratch.local_addr().ok()?.as_socket()?;
    source.set_port(port);
    Some(source)
}

/// The address of `other` with a port that the system chooses.
pub(crate) fn any_port_beside(other: SocketAddr) -> SocketAddr {
    let mut address = reached_at(other);
    address.set_port(0);
    address
}

/// Loopback with a port that the system chooses.
pub const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Loopback of IPv6 with a port that the system chooses.
pub const ANY_PORT_V6: SocketAddr = SocketAddr::new(std::net::IpAddr::V6(Ipv6Addr::LOCALHOST), 0);

/// Every address of this machine, with a port that the system chooses.
pub const EVERYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
