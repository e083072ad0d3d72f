//! Filters on a socket: which of the datagrams that arrive there are dropped before they are queued.

use std::io;

use socket2::Socket;

/// Has the system drop every datagram that arrives at this socket from now on, as a packet filter on the way would: it is
/// counted there, and nobody is told. Linux `socket(7)`, SO_ATTACH_FILTER.
///
/// # Errors
/// What the system says; other systems have no such filters.
#[cfg(target_os = "linux")]
pub fn drop_everything(socket: &Socket) -> io::Result<()> {
    use socket2::SockFilter;

    // The program of one instruction: keep 0 bytes of the packet.
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    socket.attach_filter(&[SockFilter::new(RETURN, 0, 0, 0)])
}

/// Only Linux has them.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn drop_everything(_: &Socket) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
