//! What the worlds know of the lab, so that they break promises and not its proofs.

use libc::{c_int, msghdr, sockaddr_in, timeval};

use crate::{kernel, udp};

/// An end marker: behind it nothing is under way. One byte, of a value that no lesson sends by itself. It passes
/// through every world unharmed, in its place.
pub fn is_end_marker(bytes: &[u8]) -> bool {
    matches!(bytes, [0x80..=0xff])
}

/// Whether a fault may lose or change a datagram: one of a byte or none may be the lab's, and prove something.
pub fn may_be_harmed(bytes: &[u8]) -> bool {
    bytes.len() > 1
}

/// Whether a lesson asks the error queue. The lab's proofs do so, too, and ask for no control messages.
pub fn is_lesson_at_the_error_queue(message: &msghdr) -> bool {
    !message.msg_control.is_null()
}

/// Whether the lab asks for an option, for its proofs: they keep errors at sockets that are connected or share a port,
/// lessons at others; and they have a small send buffer at sockets of TCP, so that it is full soon.
pub fn is_proof(socket: c_int, level: c_int, name: c_int) -> bool {
    match (level, name) {
        (libc::IPPROTO_IP, libc::IP_RECVERR) => {
            let shares = || kernel::option::<c_int>(socket, libc::SOL_SOCKET, libc::SO_REUSEADDR) == Some(1);
            kernel::peer_address(socket).is_some() || shares()
        }
        (libc::SOL_SOCKET, libc::SO_SNDBUF) => !udp::is(socket),
        _ => false,
    }
}

/// Whether a lesson peeks at a stream. The lab's waits for bytes do so, too, with room for no more than they wait for.
pub fn is_peek_of_a_lesson(length: usize) -> bool {
    length == 100
}

/// Whether a lesson may have set this limit for receives: those of the lab itself are longer.
pub fn is_of_a_lesson(limit: &timeval) -> bool {
    limit.tv_sec == 0 && (1001..=100_000).contains(&limit.tv_usec)
}

/// Whether a lesson may call `epoll_wait` with this limit. The lab waits for what comes.
pub fn may_be_of_a_lesson(milliseconds: c_int) -> bool {
    milliseconds == 0
}

/// A guard holds a port where nobody listens: its socket is bound there and is being connected to itself.
pub fn is_guard(socket: c_int, peer: &sockaddr_in) -> bool {
    peer.sin_port != 0 && kernel::same(&kernel::own_address(socket), peer)
}
