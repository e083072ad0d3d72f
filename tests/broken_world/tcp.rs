//! Streams: every read and every write of the real binary passes here.

use std::sync::atomic::{AtomicUsize, Ordering};

use libc::{MSG_DONTWAIT, MSG_PEEK, c_int, c_void, ssize_t};

use crate::faults::Fault;
use crate::{fault, kernel, lab};

static LISTENS: AtomicUsize = AtomicUsize::new(0);
static ACCEPTS: AtomicUsize = AtomicUsize::new(0);

/// # Safety
/// As for `recv`.
pub unsafe fn receive(socket: c_int, buffer: *mut c_void, length: usize, flags: c_int) -> ssize_t {
    let peek = flags & MSG_PEEK != 0;
    // SAFETY: the arguments are the caller's own, or a buffer of this function with its length.
    unsafe {
        if peek && fault(Fault::TcpPeekTakes) && lab::is_peek_of_a_lesson(length) {
            let shown = kernel::recv(socket, buffer, length, flags);
            if shown > 0 && (shown as usize) < length {
                kernel::recv(socket, buffer, shown as usize, MSG_DONTWAIT);
            }
            return shown;
        }
        if !peek && fault(Fault::TcpLosesByte) {
            let mut lost = 0_u8;
            let first = kernel::recv(socket, (&raw mut lost).cast(), 1, flags);
            if first <= 0 {
                return first as ssize_t;
            }
        }
        let room = if !peek && fault(Fault::TcpOneByte) { length.min(1) } else { length };
        let flags = if fault(Fault::TcpNeverConsumes) { flags | MSG_PEEK } else { flags };
        let read = kernel::recv(socket, buffer, room, flags);
        // What comes after a read that had room for more is not what it has left.
        if !peek && read > 0 && read as usize == room && fault(Fault::TcpRestLost) {
            kernel::discard(socket);
        }
        if !peek && read > 1 && fault(Fault::TcpSwaps) {
            let bytes = std::slice::from_raw_parts_mut(buffer.cast::<u8>(), 2);
            bytes.swap(0, 1);
        }
        match read {
            0 if length > 0 && fault(Fault::TcpEndFails) => kernel::fail(libc::ECONNRESET) as ssize_t,
            0 if length > 0 && fault(Fault::TcpEndSilent) => kernel::fail(libc::EAGAIN) as ssize_t,
            read => read,
        }
    }
}

/// # Safety
/// As for `send`.
pub unsafe fn send(socket: c_int, buffer: *const c_void, length: usize, flags: c_int) -> ssize_t {
    // SAFETY: the arguments are the caller's own.
    let sent = unsafe { kernel::send(socket, buffer, length, flags) };
    match sent {
        0.. => sent,
        _ => match kernel::last_error() {
            libc::EAGAIN if fault(Fault::TcpNeverFull) => length as ssize_t,
            libc::EPIPE if fault(Fault::NoPeerNeeded) => length as ssize_t,
            _ => sent,
        },
    }
}

/// What a listen returns that has succeeded.
pub fn listened() -> c_int {
    let fourth = fault(Fault::TcpListenFails) && LISTENS.fetch_add(1, Ordering::Relaxed) == 3;
    if fourth { kernel::fail(libc::EADDRINUSE) } else { 0 }
}

/// What an accept returns that has brought `socket`.
pub fn accepted(socket: c_int) -> c_int {
    if fault(Fault::TcpAcceptFails) && ACCEPTS.fetch_add(1, Ordering::Relaxed) % 5 == 4 {
        // SAFETY: nobody else knows this descriptor yet.
        unsafe { kernel::close(socket) };
        return kernel::fail(libc::EINVAL);
    }
    if fault(Fault::TcpAcceptLeaks) {
        kernel::leak_descriptor();
    }
    socket
}
