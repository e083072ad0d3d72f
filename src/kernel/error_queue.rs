//! Errors about datagrams that were sent: what ICMP has told.

use std::io;

use socket2::Socket;

use super::option::{self, KEEP_ERRORS, KEEP_ERRORS_V6};

/// Waits up to `limit` until the system has an error to tell of this socket, and leaves it there: whether there is one.
/// On macOS a datagram ends the wait as well, since `poll` does not tell errors apart there.
#[cfg(unix)]
pub fn await_error(socket: &Socket, limit: std::time::Duration) -> io::Result<bool> {
    use std::os::fd::AsFd;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    use super::HERE;
    use crate::vocabulary::Os;

    // poll always reports POLLERR, whatever is asked for.
    let events = if HERE == Os::Macos { PollFlags::POLLIN } else { PollFlags::empty() };
    let timeout = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
    let ready = super::receive::uninterrupted(|| Ok(poll(&mut [PollFd::new(socket.as_fd(), events)], timeout)?))?;
    Ok(ready > 0)
}

/// Windows returns an error from a receive only, which waits for it.
#[cfg(windows)]
pub fn await_error(_: &Socket, _: std::time::Duration) -> io::Result<bool> {
    Ok(true)
}

/// Asks the system to keep what ICMP tells about this socket's datagrams in an error queue. Linux `ip(7)`, IP_RECVERR.
///
/// # Errors
/// `Unsupported` on other systems.
pub fn keep_errors(socket: &Socket) -> io::Result<()> {
    match socket.local_addr()?.is_ipv6() {
        true => option::set(socket, &KEEP_ERRORS_V6.name, 1),
        false => option::set(socket, &KEEP_ERRORS.name, 1),
    }
}

/// The payload of the datagram that the next error in the queue is about, shortened to the length of `buffer`; `None`
/// where the queue is empty.
#[cfg(target_os = "linux")]
pub fn next_error(socket: &Socket, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    use std::os::fd::AsRawFd;

    use nix::errno::Errno;
    use nix::sys::socket::{MsgFlags, SockaddrStorage, recvmsg};

    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    match recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut [io::IoSliceMut::new(buffer)], None, flags) {
        Ok(message) => Ok(Some(message.bytes)),
        Err(Errno::EAGAIN) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// How many ICMP messages of this network namespace, of the family of `address`, have said that a destination cannot be
/// reached; `None` where the system does not tell.
pub fn refusals_received(address: std::net::IpAddr) -> Option<u64> {
    let received = match address.is_ipv6() {
        true => super::namespace::counter_v6("Icmp6InDestUnreachs"),
        false => super::namespace::counter("Icmp", "InDestUnreachs"),
    };
    received.ok()
}

/// Only Linux keeps them.
#[cfg(not(target_os = "linux"))]
pub fn next_error(_: &Socket, _: &mut [u8]) -> io::Result<Option<usize>> {
    Err(io::ErrorKind::Unsupported.into())
}
