//! Datagrams: every send and every receive of the real binary passes here, whichever function it called.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use libc::{MSG_DONTWAIT, MSG_NOSIGNAL, MSG_PEEK, MSG_TRUNC, c_int, sockaddr_in};

use crate::faults::Fault;
use crate::{fault, kernel};

/// From here datagrams come that no endpoint of a lesson can have sent.
pub const ELSEWHERE: [u8; 4] = [127, 0, 0, 9];

#[derive(Clone)]
pub struct Datagram {
    bytes: Vec<u8>,
    from: sockaddr_in,
}

/// What a receive hands over.
pub struct Delivery {
    pub bytes: Vec<u8>,
    pub from: sockaddr_in,
    /// What the call returns.
    pub length: usize,
    /// Whether the datagram is flagged as cut.
    pub cut: bool,
    /// The call fails all the same.
    pub error: Option<c_int>,
}

/// What the world knows of one UDP socket.
#[derive(Default)]
struct State {
    turn: Arc<Mutex<()>>,
    /// Taken from the kernel, and not yet received.
    held: VecDeque<Datagram>,
    /// How many datagrams of two or more bytes have been taken from the kernel.
    taken: usize,
    last_byte: Option<u8>,
    told: bool,
    interrupted: bool,
    deaf: bool,
    listener: Option<ThreadId>,
    heard: Vec<sockaddr_in>,
    talked: Vec<sockaddr_in>,
    peer: Option<sockaddr_in>,
    /// Bound and connected to itself: nobody listens there.
    guard: bool,
}

static SOCKETS: LazyLock<Mutex<HashMap<c_int, State>>> = LazyLock::new(Mutex::default);
/// For ports where nobody listened.
static KEPT: LazyLock<Mutex<HashMap<u16, Vec<Datagram>>>> = LazyLock::new(Mutex::default);
/// Under which address a port was last sent to.
static ASKED: LazyLock<Mutex<HashMap<u16, libc::in_addr>>> = LazyLock::new(Mutex::default);
static CLOSED: LazyLock<Mutex<Vec<u16>>> = LazyLock::new(Mutex::default);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn with<T>(socket: c_int, act: impl FnOnce(&mut State) -> T) -> T {
    act(lock(&SOCKETS).entry(socket).or_default())
}

fn same(a: &sockaddr_in, b: &sockaddr_in) -> bool {
    (a.sin_addr.s_addr, a.sin_port) == (b.sin_addr.s_addr, b.sin_port)
}

pub fn opened(socket: c_int) {
    lock(&SOCKETS).insert(socket, State::default());
    if fault(Fault::TellUnconnected) {
        kernel::switch_on(socket, libc::IPPROTO_IP, libc::IP_RECVERR);
    }
}

pub fn is(socket: c_int) -> bool {
    lock(&SOCKETS).contains_key(&socket)
}

/// The socket that hears what is sent to `port`.
fn hearer(port: u16) -> Option<c_int> {
    let sockets = lock(&SOCKETS);
    let mut open = sockets.iter().filter(|(_, state)| !state.guard).map(|(&socket, _)| socket);
    open.find(|&socket| kernel::own_address(socket).sin_port == port)
}

pub fn closing(socket: c_int) {
    let Some(state) = lock(&SOCKETS).remove(&socket) else { return };
    if fault(Fault::CloseTells) {
        for peer in &state.talked {
            let _ = kernel::send_bytes(socket, b"FIN", MSG_DONTWAIT | MSG_NOSIGNAL, Some(peer));
        }
    }
    lock(&CLOSED).push(kernel::own_address(socket).sin_port);
}

// Receives.

/// Takes the next datagrams from the kernel and does to them what the fault does.
fn take(socket: c_int, flags: c_int) -> Result<(), c_int> {
    let (bytes, from) = kernel::receive_bytes(socket, flags & !(MSG_PEEK | MSG_TRUNC))?;
    let mut datagrams = vec![Datagram { bytes, from }];
    if fault(Fault::Merge) || fault(Fault::Swap) {
        let next = kernel::receive_bytes(socket, MSG_PEEK | MSG_DONTWAIT);
        if next.is_ok_and(|(_, next)| same(&next, &from))
            && let Ok((mut bytes, from)) = kernel::receive_bytes(socket, MSG_DONTWAIT)
        {
            match fault(Fault::Merge) {
                true => datagrams[0].bytes.append(&mut bytes),
                false => datagrams.insert(0, Datagram { bytes, from }),
            }
        }
    }
    let vanished = fault(Fault::CloseDiscards) && hearer(from.sin_port).is_none();
    with(socket, |state| {
        // Fences have one byte at most: what they prove stays proved.
        state.taken += usize::from(datagrams[0].bytes.len() > 1);
        let lost = match () {
            () if fault(Fault::Lose) => datagrams[0].bytes.len() > 1 && state.taken % 3 == 0,
            () if fault(Fault::SwallowEmpty) => datagrams[0].bytes.is_empty(),
            () if fault(Fault::FullStaysDeaf) => state.deaf,
            () => vanished,
        };
        if lost {
            return;
        }
        for mut datagram in datagrams {
            let last = datagram.bytes.last().copied();
            let several = datagram.bytes.len() > 1;
            if several && fault(Fault::Change) {
                datagram.bytes[1] ^= 0x20;
            }
            if several && fault(Fault::Clip) {
                datagram.bytes.pop();
            }
            if several && fault(Fault::Blend) {
                let end = datagram.bytes.len() - 1;
                datagram.bytes[end] = state.last_byte.unwrap_or(datagram.bytes[end]);
                state.last_byte = last;
            }
            if several && fault(Fault::WrongSender) {
                datagram.from.sin_addr.s_addr = u32::from_ne_bytes(ELSEWHERE);
            }
            if fault(Fault::DescriptorEach) && !state.heard.iter().any(|known| same(known, &datagram.from)) {
                state.heard.push(datagram.from);
                kernel::leak_descriptor();
            }
            if fault(Fault::Twice) {
                state.held.push_back(datagram.clone());
            }
            state.talked.retain(|known| !same(known, &datagram.from));
            state.talked.push(datagram.from);
            state.held.push_back(datagram);
        }
    });
    Ok(())
}

fn next(socket: c_int, flags: c_int) -> Result<Datagram, c_int> {
    // One thread at a time, so that what is taken first is received first.
    let turn = with(socket, |state| Arc::clone(&state.turn));
    let _turn = lock(&turn);
    let peek = (flags & MSG_PEEK != 0 || fault(Fault::NeverConsumes)) && !fault(Fault::PeekConsumes);
    loop {
        let held = with(socket, |state| match peek {
            true => state.held.front().cloned(),
            false => state.held.pop_front(),
        });
        match held {
            Some(datagram) => return Ok(datagram),
            None => take(socket, flags)?,
        }
    }
}

/// How many receives there were.
pub static RECEIVES: AtomicUsize = AtomicUsize::new(0);

/// Receives for the binary, with room for `room` bytes.
pub fn receive(socket: c_int, room: usize, flags: c_int) -> Result<Delivery, c_int> {
    RECEIVES.fetch_add(1, Ordering::Relaxed);
    match () {
        () if fault(Fault::NeverReturns) => kernel::wait_for_ever(),
        () if fault(Fault::Interrupted) => {
            let interrupted = with(socket, |state| {
                state.interrupted = !state.interrupted;
                state.interrupted
            });
            if interrupted {
                return Err(libc::EINTR);
            }
        }
        () if fault(Fault::FirstThread) => {
            let me = thread::current().id();
            if with(socket, |state| *state.listener.get_or_insert(me)) != me {
                return Err(libc::EAGAIN);
            }
        }
        () if fault(Fault::FullTells) && with(socket, |state| std::mem::take(&mut state.told)) => {
            return Err(libc::ENOBUFS);
        }
        () => {}
    }
    let mut received = next(socket, flags);
    match received {
        Err(libc::ECONNREFUSED) if fault(Fault::SwallowRefused) => received = next(socket, flags),
        Err(libc::ECONNREFUSED) if fault(Fault::TellAgain) => with(socket, |state| state.told = true),
        Err(libc::EAGAIN) if fault(Fault::TellAgain) && with(socket, |state| state.told) => {
            received = Err(libc::ECONNREFUSED);
        }
        Err(libc::EAGAIN) if fault(Fault::FullStaysDeaf) && kernel::drops(socket) > 0 => {
            with(socket, |state| state.deaf = true);
        }
        _ => {}
    }
    let Datagram { mut bytes, from } = received?;

    let real = bytes.len();
    let rest = bytes.split_off(room.min(real));
    let cut = !rest.is_empty();
    if cut && fault(Fault::KeepRest) && flags & MSG_PEEK == 0 {
        with(socket, |state| state.held.push_front(Datagram { bytes: rest, from }));
    }
    let tell_length = flags & MSG_TRUNC != 0 && !fault(Fault::NoRealLength);
    Ok(Delivery {
        length: if tell_length { real } else { bytes.len() },
        bytes,
        from,
        cut: (cut && !fault(Fault::NoFlag)) || fault(Fault::FlagAlways),
        error: (cut && fault(Fault::TooSmall)).then_some(libc::EMSGSIZE),
    })
}

/// A read of 0 bytes.
pub fn read_nothing(socket: c_int) {
    if fault(Fault::ReadConsumes) {
        let _ = next(socket, 0);
    }
}

// Sends.

/// Sends for the binary; `None` for the peer of a connected socket.
pub fn send(socket: c_int, bytes: &[u8], flags: c_int, to: Option<&sockaddr_in>) -> Result<usize, c_int> {
    let peer = with(socket, |state| {
        if let Some(to) = to {
            state.talked.push(*to);
        }
        state.peer
    });
    let to = to.or(peer.as_ref());
    if let Some(to) = to {
        lock(&ASKED).insert(to.sin_port, to.sin_addr);
    }
    let plain = || kernel::send_bytes(socket, bytes, flags, to);
    match to {
        _ if among_strangers() => beside_a_stranger(socket, bytes, to, plain),
        _ if fault(Fault::ShortSend) => plain().map(|sent| sent.saturating_sub(1)),
        _ if fault(Fault::HeaderCounted) => plain().map(|sent| sent + 8),
        _ if fault(Fault::EmptyFails) && bytes.is_empty() => Err(libc::EINVAL),
        None if fault(Fault::NoPeerNeeded) => match plain() {
            Err(libc::EDESTADDRREQ) => Ok(bytes.len()),
            other => other,
        },
        _ if fault(Fault::RefusedAtOnce) => {
            let sent = plain()?;
            match kernel::option::<c_int>(socket, libc::SOL_SOCKET, libc::SO_ERROR) {
                Some(error) if error != 0 => Err(error),
                _ => Ok(sent),
            }
        }
        Some(to) if fault(Fault::NoPort) && kernel::own_address(socket).sin_port == 0 => send_from_elsewhere(bytes, to),
        Some(to) if fault(Fault::AnswersFromAsked) && kernel::own_address(socket).sin_addr.s_addr == 0 => {
            let asked = lock(&ASKED).get(&kernel::own_address(socket).sin_port).copied();
            asked.map_or_else(plain, |asked| kernel::send_from(socket, bytes, to, asked))
        }
        Some(to) if fault(Fault::KeepForLater) => {
            kernel::switch_on(socket, libc::IPPROTO_IP, libc::IP_RECVERR);
            let sent = plain();
            if kernel::take_news(socket) {
                let from = kernel::own_address(socket);
                let kept = Datagram { bytes: bytes.to_vec(), from };
                lock(&KEPT).entry(to.sin_port).or_default().push(kept);
            }
            sent
        }
        Some(to) if fault(Fault::NoLimit) => {
            let sent = plain();
            if let Some(hearer) = hearer(to.sin_port) {
                while take(hearer, MSG_DONTWAIT).is_ok() {}
            }
            sent
        }
        Some(to) if fault(Fault::FullFails) || fault(Fault::FullTells) => {
            let Some(hearer) = hearer(to.sin_port) else { return plain() };
            let before = kernel::drops(hearer);
            let sent = plain();
            match kernel::drops(hearer) > before {
                true if fault(Fault::FullFails) => Err(libc::ENOBUFS),
                dropped => {
                    with(socket, |state| state.told |= dropped);
                    sent
                }
            }
        }
        _ => plain(),
    }
}

fn among_strangers() -> bool {
    fault(Fault::Strangers) || fault(Fault::SlowAmongStrangers)
}

/// What a stranger says that does not guess.
const STRANGE: &[u8] = b"strange";
/// How many datagrams have left beside a stranger's.
static BESIDE: AtomicUsize = AtomicUsize::new(0);

/// Sends, and has a stranger send to the same place before or after it: the same, one byte, nothing at all, or something
/// strange, in turn.
fn beside_a_stranger(
    socket: c_int,
    bytes: &[u8],
    to: Option<&sockaddr_in>,
    send: impl FnOnce() -> Result<usize, c_int>,
) -> Result<usize, c_int> {
    let number = BESIDE.fetch_add(1, Ordering::Relaxed);
    let payload = [bytes, b"|", b"", STRANGE][number % 4];
    let Some(to) = to.copied().or_else(|| kernel::peer_address(socket)) else { return send() };
    let stranger = || stranger_sends(payload, &to, kernel::own_address(socket).sin_port);
    if (number / 4).is_multiple_of(2) {
        stranger();
        return send();
    }
    let sent = send();
    stranger();
    sent
}

/// Sends from a socket of its own: with the same port number on another address where that is free, as whoever guesses
/// would.
fn stranger_sends(bytes: &[u8], to: &sockaddr_in, port: u16) {
    let loopback = kernel::address([127, 0, 0, 1], 0);
    let to = if to.sin_addr.s_addr == 0 { sockaddr_in { sin_addr: loopback.sin_addr, ..*to } } else { *to };
    let twin = kernel::address([127, 0, 0, 2], u16::from_be(port));
    // SAFETY: the addresses have the length given; the descriptor is this function's own.
    unsafe {
        let stranger = kernel::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        if kernel::bind(stranger, (&raw const twin).cast(), kernel::ADDRESS) < 0 {
            kernel::bind(stranger, (&raw const loopback).cast(), kernel::ADDRESS);
        }
        let _ = kernel::send_bytes(stranger, bytes, 0, Some(&to));
        kernel::close(stranger);
    }
}

fn send_from_elsewhere(bytes: &[u8], to: &sockaddr_in) -> Result<usize, c_int> {
    let any = kernel::address(ELSEWHERE, 0);
    // SAFETY: `any` has the length given; the descriptor is this function's own.
    unsafe {
        let other = kernel::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        kernel::bind(other, (&raw const any).cast(), kernel::ADDRESS);
        let sent = kernel::send_bytes(other, bytes, 0, Some(to));
        kernel::close(other);
        sent
    }
}

// What comes before.

/// Whether this binding is to fail, and with what.
pub fn binding(address: &sockaddr_in) -> Option<c_int> {
    let closed = fault(Fault::NoRebind) && address.sin_port != 0 && lock(&CLOSED).contains(&address.sin_port);
    closed.then_some(libc::EACCES)
}

pub fn bound(socket: c_int) {
    if among_strangers() {
        let own = kernel::own_address(socket);
        stranger_sends(STRANGE, &own, own.sin_port);
    }
    if let Some(kept) = lock(&KEPT).remove(&kernel::own_address(socket).sin_port) {
        with(socket, |state| state.held.extend(kept));
    }
}

/// Whether this connecting is not to happen, and what it returns instead.
pub fn connecting(socket: c_int, to: &sockaddr_in) -> Option<Result<(), c_int>> {
    let own = kernel::own_address(socket);
    if same(&own, to) {
        with(socket, |state| state.guard = true);
        return None;
    }
    let somebody = hearer(to.sin_port).is_some();
    match () {
        () if fault(Fault::ConnectRefused) && !somebody => Some(Err(libc::ECONNREFUSED)),
        () if fault(Fault::ConnectTimesOut) && somebody => Some(Err(libc::ETIMEDOUT)),
        () if fault(Fault::HearStrangers) => {
            if own.sin_port == 0 {
                let any = kernel::address([127, 0, 0, 1], 0);
                // SAFETY: `any` has the length given.
                unsafe { kernel::bind(socket, (&raw const any).cast(), kernel::ADDRESS) };
            }
            kernel::switch_on(socket, libc::IPPROTO_IP, libc::IP_RECVERR);
            with(socket, |state| state.peer = Some(*to));
            Some(Ok(()))
        }
        () => None,
    }
}

pub fn connected(socket: c_int, to: &sockaddr_in) {
    lock(&ASKED).insert(to.sin_port, to.sin_addr);
    with(socket, |state| state.talked.push(*to));
    if fault(Fault::ConnectSends) {
        let _ = kernel::send_bytes(socket, b"SYN", MSG_DONTWAIT, None);
    }
}

/// Gives the socket a port when somebody asks for it.
pub fn asked_for_port(socket: c_int) {
    if fault(Fault::PortAtOnce) && kernel::own_address(socket).sin_port == 0 {
        let any = kernel::address([127, 0, 0, 1], 0);
        // SAFETY: `any` has the length given.
        unsafe { kernel::bind(socket, (&raw const any).cast(), kernel::ADDRESS) };
    }
}
