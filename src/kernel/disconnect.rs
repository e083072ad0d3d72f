//! `connect` to nobody.

use std::io;

use socket2::{SockAddr, SockAddrStorage, Socket, socklen_t};

/// As long as an address of IPv4: macOS looks at the length before it looks at the family.
const LENGTH: socklen_t = 16;

/// Takes its peer from a datagram socket, by `connect` to an address of the family AF_UNSPEC. POSIX `connect()`.
///
/// # Errors
/// macOS returns EAFNOSUPPORT and does it all the same.
pub fn disconnect(socket: &Socket) -> io::Result<()> {
    // SAFETY: AF_UNSPEC is 0 on every system, so all-zero bytes are an address of this family, of whatever length.
    let nobody = unsafe { SockAddr::new(SockAddrStorage::zeroed(), LENGTH) };
    socket.connect(&nobody)
}
