//! Receives, `read` and `write`.

use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;

use socket2::{MaybeUninitSlice, SockAddr, Socket};

use super::HERE;
use crate::vocabulary::{Ancillary, DONTWAIT, ERRQUEUE, Flags, Os, PEEK, SocketError, TRUNC, WAITALL};

/// `flags` as this system numbers them.
pub(super) fn number(flags: Flags) -> i32 {
    let wait_for_all = match HERE {
        Os::Linux => 0x100,
        Os::Macos => 0x40,
        Os::Windows => 0x8,
    };
    let at_once = match HERE {
        Os::Linux => 0x40,
        Os::Macos => 0x80,
        Os::Windows => 0,
    };
    // Only Linux has an error queue.
    let numbers = [(PEEK, 0x2), (TRUNC, 0x20), (WAITALL, wait_for_all), (DONTWAIT, at_once), (ERRQUEUE, 0x2000)];
    numbers.into_iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, number)| number).sum()
}

/// Repeats a waiting call that a signal or a suspension of the program interrupted, with its whole time limit again.
/// Linux interrupts every receive that has a time limit, even with SA_RESTART (signal(7)).
pub(super) fn uninterrupted<T>(mut receive: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match receive() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Receives one datagram into `buffer` by plain `recvfrom`: how many bytes were written, and who sent it.
///
/// # Errors
/// On Windows also 10040, for a datagram longer than the buffer, which is filled.
pub fn receive_from(socket: &Socket, buffer: &mut [u8], flags: Flags) -> io::Result<(usize, SockAddr)> {
    uninterrupted(|| receive_from_once(socket, buffer, flags))
}

/// The same, where a signal ends the call.
///
/// # Errors
/// EINTR for a signal.
pub fn receive_from_once(socket: &Socket, buffer: &mut [u8], flags: Flags) -> io::Result<(usize, SockAddr)> {
    let (length, from) = socket.recv_from_with_flags(uninit(buffer), number(flags))?;
    not_shut_down(from).map(|from| (length, from))
}

/// On a socket that is shut down Windows returns an error, which socket2 turns into 0 bytes without a sender. A
/// datagram has a sender.
fn not_shut_down(from: SockAddr) -> io::Result<SockAddr> {
    match from.as_socket() {
        None if HERE == Os::Windows => Err(io::Error::from_raw_os_error(SocketError::ShutDown.on(Os::Windows).number)),
        _ => Ok(from),
    }
}

/// Reads from a stream into `buffer`, or from a connected datagram socket; 0 is the end of the stream.
pub fn receive(socket: &Socket, buffer: &mut [u8], flags: Flags) -> io::Result<usize> {
    uninterrupted(|| socket.recv_with_flags(uninit(buffer), number(flags)))
}

/// A datagram with what came beside it.
pub struct Message {
    /// How many bytes the call returned: with `TRUNC`, on Linux, how many the datagram has.
    pub length: usize,
    /// Whether the datagram was flagged as truncated.
    pub truncated: bool,
    /// Who sent it.
    pub from: Option<SocketAddr>,
    /// What came beside the payload.
    pub ancillary: Ancillary,
}

impl Message {
    /// One of which no more is known.
    pub fn new(length: usize, from: Option<SocketAddr>) -> Self {
        Message { length, truncated: false, from, ancillary: Ancillary::default() }
    }
}

/// Receives one datagram into parts of `buffer`, `lengths` bytes each, by `recvmsg` without room for control messages.
///
/// # Panics
/// When `buffer` is shorter than `lengths` together.
pub fn receive_parts(socket: &Socket, buffer: &mut [u8], lengths: &[usize], flags: Flags) -> io::Result<Message> {
    let mut parts: Vec<_> = split(uninit(buffer), lengths).map(MaybeUninitSlice::new).collect();
    uninterrupted(|| {
        let (length, came_with, from) = socket.recv_from_vectored_with_flags(&mut parts, number(flags))?;
        let from = not_shut_down(from)?.as_socket();
        Ok(Message { truncated: came_with.is_truncated(), ..Message::new(length, from) })
    })
}

/// The parts of `buffer`, `lengths` bytes each.
pub(super) fn split<'b, T>(mut buffer: &'b mut [T], lengths: &[usize]) -> impl Iterator<Item = &'b mut [T]> {
    lengths.iter().map(move |length| {
        let (part, rest) = std::mem::take(&mut buffer).split_at_mut(*length);
        buffer = rest;
        part
    })
}

/// Calls `read` on a socket: how many bytes were written into `buffer`.
#[cfg(unix)]
pub fn read(socket: &Socket, buffer: &mut [u8]) -> io::Result<usize> {
    uninterrupted(|| Ok(nix::unistd::read(socket, buffer)?))
}

/// Windows has no `read` for sockets.
#[cfg(windows)]
pub fn read(_: &Socket, _: &mut [u8]) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Calls `write` on a socket: how many bytes were taken.
#[cfg(unix)]
pub fn write(socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
    uninterrupted(|| Ok(nix::unistd::write(socket, bytes)?))
}

/// Windows has no `write` for sockets.
#[cfg(windows)]
pub fn write(_: &Socket, _: &[u8]) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

fn uninit(buffer: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    // SAFETY: the layouts are the same, and whoever is given the slice, socket2 alone, writes nothing but initialised
    // bytes there.
    unsafe { &mut *(std::ptr::from_mut(buffer) as *mut [MaybeUninit<u8>]) }
}
