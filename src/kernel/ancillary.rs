//! `recvmsg` with its control messages.

use std::io;

use socket2::Socket;

use super::HERE;
use super::option::{self, RECEIVE_HOP_LIMIT, RECEIVE_TIME_TO_LIVE};
use super::receive::Message;
#[cfg(unix)]
use super::receive::number;
#[cfg(unix)]
use crate::vocabulary::Ancillary;
use crate::vocabulary::{Flags, Os};

/// Sends with a time to live of `hops` from now on, and asks that [`receive_message`] tells with which one a datagram
/// arrives. Windows does not tell it, and so nothing is asked there.
pub fn count_hops(socket: &Socket, hops: u8) -> io::Result<()> {
    if HERE == Os::Windows {
        return Ok(());
    }
    let v4 = || option::set(socket, &RECEIVE_TIME_TO_LIVE.name, 1).and_then(|()| socket.set_ttl_v4(hops.into()));
    if socket.local_addr()?.is_ipv4() {
        return v4();
    }
    // Also for IPv4 clients of an IPv6 socket; not every system supports that.
    let _ = v4();
    option::set(socket, &RECEIVE_HOP_LIMIT.name, 1)?;
    socket.set_unicast_hops_v6(hops.into())
}

/// Receives one datagram, or one error of the error queue, by `recvmsg` with room for control messages, into parts of
/// `buffer`, `lengths` bytes each.
///
/// # Panics
/// When `buffer` is shorter than `lengths` together.
#[cfg(target_os = "linux")]
pub fn receive_message(socket: &Socket, buffer: &mut [u8], lengths: &[usize], flags: Flags) -> io::Result<Message> {
    use std::io::IoSliceMut;
    use std::net::SocketAddr;
    use std::os::fd::AsRawFd;

    use nix::sys::socket::{MsgFlags, SockaddrStorage, recvmsg};

    use super::receive::split;

    /// Room for all control messages that a datagram can bring at once, aligned as their headers must be.
    #[repr(align(8))]
    struct Control([u8; 512]);

    let mut control = Control([0; 512]);
    let mut parts: Vec<_> = split(buffer, lengths).map(IoSliceMut::new).collect();
    let flags = MsgFlags::from_bits_retain(number(flags));
    let message = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut control.0), flags)?;
    let ancillary = decoded(message.cmsgs()?);
    let from = message.address.and_then(|address| {
        let v4 = address.as_sockaddr_in().map(|address| SocketAddr::V4((*address).into()));
        v4.or_else(|| address.as_sockaddr_in6().map(|address| SocketAddr::V6((*address).into())))
    });
    let truncated = message.flags.contains(MsgFlags::MSG_TRUNC);
    Ok(Message { length: message.bytes, truncated, from, ancillary })
}

/// What control messages say. Those that no option of this program asks for do not come.
#[cfg(target_os = "linux")]
fn decoded(messages: impl Iterator<Item = nix::sys::socket::ControlMessageOwned>) -> Ancillary {
    use std::net::IpAddr;

    use nix::sys::socket::ControlMessageOwned;

    use crate::vocabulary::{ExtendedError, OsError};

    let mut ancillary = Ancillary::default();
    let byte = |number: i32| u8::try_from(number).ok();
    for message in messages {
        match message {
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                ancillary.destination = Some(IpAddr::from(info.ipi_addr.s_addr.to_ne_bytes()));
                ancillary.interface = u32::try_from(info.ipi_ifindex).ok();
            }
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                ancillary.destination = Some(IpAddr::from(info.ipi6_addr.s6_addr));
                ancillary.interface = Some(info.ipi6_ifindex);
            }
            ControlMessageOwned::Ipv4Ttl(ttl) | ControlMessageOwned::Ipv6HopLimit(ttl) => ancillary.ttl = byte(ttl),
            ControlMessageOwned::RxqOvfl(drops) => ancillary.drops = Some(drops),
            ControlMessageOwned::Ipv4RecvErr(error, by) => {
                ancillary.error = Some(ExtendedError {
                    error: OsError::from_number(error.ee_errno as i32, Os::Linux),
                    icmp_type: error.ee_type,
                    icmp_code: error.ee_code,
                    reported_by: by.map(|by| IpAddr::from(by.sin_addr.s_addr.to_ne_bytes())),
                });
            }
            ControlMessageOwned::Ipv6RecvErr(error, by) => {
                ancillary.error = Some(ExtendedError {
                    error: OsError::from_number(error.ee_errno as i32, Os::Linux),
                    icmp_type: error.ee_type,
                    icmp_code: error.ee_code,
                    reported_by: by.map(|by| IpAddr::from(by.sin6_addr.s6_addr)),
                });
            }
            _ => {}
        }
    }
    ancillary
}

/// Receives one datagram by `recvmsg`, with the time to live that [`count_hops`] asked for: nix reads no control
/// message of macOS that has it.
#[cfg(target_os = "macos")]
pub fn receive_message(socket: &Socket, buffer: &mut [u8], _: &[usize], flags: Flags) -> io::Result<Message> {
    /// Room for a number of each family, aligned as the headers in it must be.
    #[repr(C, align(8))]
    struct Control([u8; 128]);

    let mut control = Control([0; 128]);
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: all zeros are a message without parts. It is given an address, a part and a room for control messages
    // that outlive the call, each with its length. `recvmsg` leaves in it how much of each was written, and the walk
    // along the control messages stays within that.
    let received = unsafe {
        socket2::SockAddr::try_init(|address, address_length| {
            let mut message: libc::msghdr = std::mem::zeroed();
            message.msg_name = address.cast();
            message.msg_namelen = *address_length;
            message.msg_iov = &raw mut part;
            message.msg_iovlen = 1;
            message.msg_control = (&raw mut control).cast();
            message.msg_controllen = size_of::<Control>() as _;
            let length = libc::recvmsg(std::os::fd::AsRawFd::as_raw_fd(socket), &raw mut message, number(flags));
            if length < 0 {
                return Err(io::Error::last_os_error());
            }
            *address_length = message.msg_namelen;
            let mut hops = None;
            let mut header = libc::CMSG_FIRSTHDR(&raw const message);
            while !header.is_null() {
                let kind = ((*header).cmsg_level, (*header).cmsg_type);
                if [(libc::IPPROTO_IP, libc::IP_RECVTTL), (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT)].contains(&kind) {
                    let data = libc::CMSG_DATA(header);
                    let length = (*header).cmsg_len as usize - libc::CMSG_LEN(0) as usize;
                    hops = match length {
                        1 => Some(*data),
                        4 => u8::try_from(data.cast::<libc::c_int>().read_unaligned()).ok(),
                        _ => None,
                    };
                }
                header = libc::CMSG_NXTHDR(&raw const message, header);
            }
            Ok((length as usize, message.msg_flags & libc::MSG_TRUNC != 0, hops))
        })
    };
    let ((length, truncated, ttl), from) = received?;
    Ok(Message { length, truncated, from: from.as_socket(), ancillary: Ancillary { ttl, ..Ancillary::default() } })
}

/// Receives one datagram.
#[cfg(windows)]
pub fn receive_message(socket: &Socket, buffer: &mut [u8], lengths: &[usize], flags: Flags) -> io::Result<Message> {
    super::receive_parts(socket, buffer, lengths, flags)
}
