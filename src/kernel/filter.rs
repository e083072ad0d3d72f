//! Programs of classic BPF on a socket: which of the datagrams that arrive there are dropped before they are queued,
//! and which of the sockets that share an address receives one.

use std::io;

use socket2::Socket;

/// The instruction that ends a program with a number.
#[cfg(target_os = "linux")]
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// Has the system drop every datagram that arrives at this socket from now on, as a packet filter on the way would: it
/// is counted there, and nobody is told. Linux `socket(7)`, SO_ATTACH_FILTER.
///
/// # Errors
/// `Unsupported` on other systems.
#[cfg(target_os = "linux")]
pub fn drop_everything(socket: &Socket) -> io::Result<()> {
    use socket2::SockFilter;

    // The program of one instruction: keep 0 bytes of the packet.
    socket.attach_filter(&[SockFilter::new(RETURN, 0, 0, 0)])
}

/// Only Linux has them.
#[cfg(not(target_os = "linux"))]
pub fn drop_everything(_: &Socket) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Has the socket with this number receive what arrives for all that share the address of `socket` with SO_REUSEPORT.
/// They are numbered from 0, in the order of their binds. Linux `socket(7)`, SO_ATTACH_REUSEPORT_CBPF.
///
/// # Errors
/// EINVAL where the socket was bound without SO_REUSEPORT; `Unsupported` on other systems.
#[cfg(target_os = "linux")]
pub fn choose_by_number(socket: &Socket, number: u32) -> io::Result<()> {
    use nix::sys::socket::{setsockopt, sockopt};

    let mut instruction = libc::sock_filter { code: RETURN, jt: 0, jf: 0, k: number };
    let program = libc::sock_fprog { len: 1, filter: &raw mut instruction };
    Ok(setsockopt(socket, sockopt::AttachReusePortCbpf, &program)?)
}

/// Only Linux has them.
#[cfg(not(target_os = "linux"))]
pub fn choose_by_number(_: &Socket, _: u32) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
