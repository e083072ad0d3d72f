//! The address to which a datagram was sent, and an answer that comes from there.

use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::Socket;

use super::HERE;
use super::option::{self, PACKET_INFO, PACKET_INFO_V6};
use crate::vocabulary::Os;

/// Asks that [`receive_message`](super::receive_message) tells the address to which each datagram was sent. Linux
/// `ip(7)`, `IP_PKTINFO`; RFC 3542 section 6.1, `IPV6_RECVPKTINFO`. On other systems no call of this program tells it,
/// and nothing is asked.
pub fn tell_destination(socket: &Socket) -> io::Result<()> {
    match HERE {
        Os::Linux if socket.local_addr()?.is_ipv4() => option::set(socket, &PACKET_INFO.name, 1),
        Os::Linux => option::set(socket, &PACKET_INFO_V6.name, 1),
        Os::Macos | Os::Windows => Ok(()),
    }
}

/// Sends `payload` to `to` from the local address `from`, whatever the socket is bound to.
///
/// # Errors
/// EINVAL when `from` is no address of this host, such as the group to which a datagram was sent.
#[cfg(target_os = "linux")]
pub fn send_from(socket: &Socket, payload: &[u8], to: SocketAddr, from: IpAddr) -> io::Result<usize> {
    use std::io::IoSlice;
    use std::os::fd::AsRawFd;

    use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrIn, SockaddrIn6, sendmsg};

    // With interface 0 the route decides which one it is.
    let (v4, v6);
    let control = match from {
        IpAddr::V4(from) => {
            let address = libc::in_addr { s_addr: u32::from_ne_bytes(from.octets()) };
            v4 = libc::in_pktinfo { ipi_ifindex: 0, ipi_spec_dst: address, ipi_addr: address };
            ControlMessage::Ipv4PacketInfo(&v4)
        }
        IpAddr::V6(from) => {
            v6 = libc::in6_pktinfo { ipi6_addr: libc::in6_addr { s6_addr: from.octets() }, ipi6_ifindex: 0 };
            ControlMessage::Ipv6PacketInfo(&v6)
        }
    };
    let (socket, parts, flags) = (socket.as_raw_fd(), [IoSlice::new(payload)], MsgFlags::empty());
    let sent = match to {
        SocketAddr::V4(to) => sendmsg(socket, &parts, &[control], flags, Some(&SockaddrIn::from(to))),
        SocketAddr::V6(to) => sendmsg(socket, &parts, &[control], flags, Some(&SockaddrIn6::from(to))),
    };
    Ok(sent?)
}

/// On these systems the socket's own address is the sender's, or the route's where it has none.
#[cfg(not(target_os = "linux"))]
pub fn send_from(socket: &Socket, payload: &[u8], to: SocketAddr, _: IpAddr) -> io::Result<usize> {
    socket.send_to(payload, &to.into())
}
