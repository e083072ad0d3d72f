//! Datagrams: every send and every receive of the real binary passes here, whichever function it called.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use libc::{MSG_DONTWAIT, MSG_NOSIGNAL, MSG_PEEK, MSG_TRUNC, c_int, in_addr, sockaddr_in};

use crate::faults::Fault;
use crate::kernel::Datagram;
use crate::{fault, fault_where, is_on, kernel, lab, met};

/// From here datagrams come that no endpoint of a lesson can have sent.
pub const ELSEWHERE: [u8; 4] = [127, 0, 0, 9];
const FIRST_LOOPBACK: [u8; 4] = [127, 0, 0, 1];
const SECOND_LOOPBACK: [u8; 4] = [127, 0, 0, 2];

/// What a receive hands over.
pub struct Delivery {
    pub bytes: Vec<u8>,
    pub from: sockaddr_in,
    /// The control messages, for a caller that has room for them.
    pub control: Vec<u8>,
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
    receives_nothing: bool,
    listener: Option<ThreadId>,
    received_from: Vec<sockaddr_in>,
    contacts: Vec<sockaddr_in>,
    /// From whom this socket received before it sent to them.
    callers: Vec<sockaddr_in>,
    /// Where a server was restarted that this socket had sent to.
    restarted: Vec<u16>,
    /// How many sends there were.
    sent: usize,
    /// How many of them were answered by an error.
    answered: usize,
    /// The kernel had the news that nobody listens.
    refused: bool,
    /// The error that was read from SO_ERROR and is still pending.
    error_read: Option<c_int>,
    peer: Option<sockaddr_in>,
    /// To where it is connected, where that has port 0: the kernel takes that for no peer.
    nowhere: Option<sockaddr_in>,
    /// Its port, in the order of the network; 0 where it has none, or nobody has asked for it.
    port: u16,
    /// The place in the order in which sockets were bound.
    bound: usize,
    /// Nobody listens there.
    guard: bool,
    /// Its receive limit was set to 0.
    zero: bool,
    /// Nothing is to be received from it any more.
    shut: bool,
}

static SOCKETS: LazyLock<Mutex<BTreeMap<c_int, State>>> = LazyLock::new(Mutex::default);
/// For ports where nobody listened.
static KEPT: LazyLock<Mutex<BTreeMap<u16, Vec<Datagram>>>> = LazyLock::new(Mutex::default);
/// Under which address a port was last sent to.
static ASKED: LazyLock<Mutex<BTreeMap<u16, libc::in_addr>>> = LazyLock::new(Mutex::default);
/// The ports of sockets that were closed.
static CLOSED: LazyLock<Mutex<Vec<u16>>> = LazyLock::new(Mutex::default);
/// Sockets whose receives were ended by a close.
static WOKEN: LazyLock<Mutex<Vec<c_int>>> = LazyLock::new(Mutex::default);
static BINDS: AtomicUsize = AtomicUsize::new(0);
/// The address that was bound first.
static FIRST: OnceLock<u32> = OnceLock::new();

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whoever receives from the socket holds it.
fn turn(socket: c_int) -> Arc<Mutex<()>> {
    with(socket, |state| Arc::clone(&state.turn))
}

fn with<T>(socket: c_int, act: impl FnOnce(&mut State) -> T) -> T {
    act(lock(&SOCKETS).entry(socket).or_default())
}

pub fn opened(socket: c_int) {
    lock(&WOKEN).retain(|woken| *woken != socket);
    lock(&SOCKETS).insert(socket, State::default());
    if among_strangers() {
        // A lesson that counts descriptors is not to find one more on the way.
        LazyLock::force(&STRANGER);
    }
    if fault(Fault::LimitFromTheStart) {
        kernel::limit_receives(socket, Duration::from_secs(1800));
    }
    if fault(Fault::TellUnconnected) || fault(Fault::SendTells) {
        kernel::switch_on(socket, libc::IPPROTO_IP, libc::IP_RECVERR);
    }
}

/// The number is that of another socket now.
pub fn forget(socket: c_int) {
    lock(&SOCKETS).remove(&socket);
}

pub fn is(socket: c_int) -> bool {
    lock(&SOCKETS).contains_key(&socket)
}

/// The socket that hears what is sent to `port`: of two that share it for a moment, as the kernel has it, the newer
/// one.
fn receiver(port: u16) -> Option<c_int> {
    receivers(port).pop()
}

/// The sockets that may hear what is sent to `port`, in the order in which they were bound.
fn receivers(port: u16) -> Vec<c_int> {
    let mut sockets = lock(&SOCKETS);
    let open = sockets.iter_mut().filter(|(_, state)| !state.guard);
    let mut at_port: Vec<(usize, c_int)> =
        open.filter_map(|(socket, state)| (state.port(*socket) == port).then_some((state.bound, *socket))).collect();
    at_port.sort_unstable();
    at_port.into_iter().map(|(_, socket)| socket).collect()
}

/// Takes a datagram from the kernel, with what this world says of it.
fn take_one(socket: c_int, flags: c_int) -> Result<Datagram, c_int> {
    let mut datagram = kernel::receive_bytes(socket, flags)?;
    if fault_where(Fault::WrongDestination, || !datagram.control.is_empty()) {
        kernel::set_destination(&mut datagram.control, FIRST_LOOPBACK);
    }
    Ok(datagram)
}

/// Takes everything that has come to `socket` from the kernel.
fn take_all(socket: c_int) {
    while take(socket, MSG_DONTWAIT).is_ok() {}
}

pub fn closing(socket: c_int) {
    if fault_where(Fault::QueueInherited, || is(socket) && kernel::queued(socket) > 0) {
        take_all(socket);
    }
    let Some(state) = lock(&SOCKETS).remove(&socket) else { return };
    if !state.held.is_empty()
        && fault(Fault::QueueInherited)
        && let Some(heir) = receiver(kernel::own_address(socket).sin_port)
    {
        let queue = state.held.iter().filter(|datagram| !lab::is_end_marker(&datagram.bytes)).cloned();
        with(heir, |heir| heir.held.extend(queue));
    }
    if fault(Fault::CloseTells) {
        for peer in &state.contacts {
            let fin = || kernel::send_bytes(socket, b"FIN", MSG_DONTWAIT | MSG_NOSIGNAL, Some(peer));
            let _ = arrived(&takers(socket, peer), fin);
        }
    }
    let is_waited_at = || state.turn.try_lock().is_err();
    if fault_where(Fault::CloseWakes, is_waited_at) {
        lock(&WOKEN).push(socket);
        // SAFETY: it has no arguments but the socket.
        unsafe { kernel::shutdown(socket, libc::SHUT_RD) };
    }
    if !state.guard {
        lock(&CLOSED).push(kernel::own_address(socket).sin_port);
    }
}

// Receives.

/// Takes the next datagrams from the kernel and does to them what the fault does.
fn take(socket: c_int, flags: c_int) -> Result<(), c_int> {
    let mut first = take_one(socket, flags & !(MSG_PEEK | MSG_TRUNC))?;
    let from = first.from;
    let has_counts = || kernel::option(socket, libc::SOL_SOCKET, libc::SO_RXQ_OVFL) == Some(1);
    if fault_where(Fault::DropsOfNow, has_counts) {
        first.control = kernel::drops_message(kernel::drops(socket));
    }
    if lab::is_end_marker(&first.bytes) || from.sin_family == kernel::NOBODY {
        with(socket, |state| state.held.push_back(first));
        return Ok(());
    }
    let mut datagrams = vec![first];
    if fault(Fault::Merge) || fault(Fault::Swap) {
        let another = || {
            let next = kernel::receive_bytes(socket, MSG_PEEK | MSG_DONTWAIT).ok()?;
            if lab::is_end_marker(&next.bytes) { None } else { take_one(socket, MSG_DONTWAIT).ok() }
        };
        let is_of_one = |other: &Datagram| kernel::same(&other.from, &from);
        match another() {
            Some(mut second) if is_of_one(&second) => match fault(Fault::Merge) {
                true => datagrams[0].bytes.append(&mut second.bytes),
                false => datagrams.insert(0, second),
            },
            // Of two senders who take turns, too.
            Some(between) if fault(Fault::Merge) => match another() {
                Some(mut third) if is_of_one(&third) => {
                    datagrams[0].bytes.append(&mut third.bytes);
                    datagrams.push(between);
                }
                third => datagrams.extend([Some(between), third].into_iter().flatten()),
            },
            other => datagrams.extend(other),
        }
    }
    let vanished = fault_where(Fault::CloseDiscards, || !has_port(from.sin_port));
    with(socket, |state| {
        let harmed = lab::may_be_harmed(&datagrams[0].bytes);
        state.taken += usize::from(harmed);
        let lost = match () {
            () if fault(Fault::Lose) => harmed && state.taken % 3 == 0,
            () if fault(Fault::NothingArrives) => harmed,
            () if datagrams[0].bytes.is_empty() && fault(Fault::SwallowEmpty) => true,
            () if state.shut && fault(Fault::ShutdownDiscards) => true,
            () => state.receives_nothing || vanished,
        };
        if !lost {
            datagrams.into_iter().for_each(|datagram| state.hold(datagram));
        }
    });
    Ok(())
}

impl State {
    /// The port of `socket`, whose state this is: it keeps what it once has.
    fn port(&mut self, socket: c_int) -> u16 {
        if self.port == 0 {
            self.port = kernel::own_address(socket).sin_port;
        }
        self.port
    }

    /// Keeps a datagram for the next receive, changed as the fault has it.
    fn hold(&mut self, mut datagram: Datagram) {
        let last = datagram.bytes.last().copied();
        let harmed = lab::may_be_harmed(&datagram.bytes);
        if harmed && fault(Fault::Change) {
            datagram.bytes[1] ^= 0x20;
        }
        if harmed && fault(Fault::SevenBits) {
            datagram.bytes.iter_mut().for_each(|byte| *byte &= 0x7f);
        }
        if harmed && fault(Fault::Clip) {
            datagram.bytes.pop();
        }
        if harmed && fault(Fault::Blend) {
            let end = datagram.bytes.len() - 1;
            datagram.bytes[end] = self.last_byte.unwrap_or(datagram.bytes[end]);
            self.last_byte = last;
        }
        if harmed && fault(Fault::WrongSender) {
            datagram.from.sin_addr.s_addr = u32::from_ne_bytes(ELSEWHERE);
        }
        let from = datagram.from;
        let known = |list: &[sockaddr_in]| list.iter().any(|known| kernel::same(known, &from));
        if fault(Fault::DescriptorEach) && !known(&self.received_from) {
            self.received_from.push(from);
            kernel::leak_descriptor();
        }
        if !known(&self.contacts) {
            self.callers.push(from);
        }
        if fault(Fault::Twice) {
            self.held.push_back(datagram.clone());
        }
        self.contacts.retain(|known| !kernel::same(known, &from));
        self.contacts.push(from);
        self.held.push_back(datagram);
    }
}

/// Whether another thread has received from the socket before this one.
fn is_second_thread(socket: c_int) -> bool {
    let me = thread::current().id();
    with(socket, |state| *state.listener.get_or_insert(me)) != me
}

fn next(socket: c_int, flags: c_int) -> Result<Datagram, c_int> {
    // One thread at a time, so that what is taken first is received first.
    let turn = turn(socket);
    let _turn = lock(&turn);
    let asked = flags & MSG_PEEK != 0;
    let stays = (asked || fault(Fault::NeverConsumes)) && !fault(Fault::PeekConsumes);
    loop {
        let held = with(socket, |state| {
            let is_marker = state.held.front().is_some_and(|datagram| lab::is_end_marker(&datagram.bytes));
            match if is_marker { asked } else { stays } {
                true => state.held.front().cloned(),
                false => state.held.pop_front(),
            }
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
        () if fault_where(Fault::FirstThread, || is_second_thread(socket)) => return Err(libc::EAGAIN),
        () if fault_where(Fault::FullTells, || with(socket, |state| std::mem::take(&mut state.told))) => {
            return Err(libc::ENOBUFS);
        }
        () if fault(Fault::TellUnconnected) && with(socket, |state| std::mem::take(&mut state.refused)) => {
            return Err(libc::ECONNREFUSED);
        }
        () if fault(Fault::TellAlways) && is_connected(socket) => {
            let unanswered = |state: &mut State| state.sent > std::mem::replace(&mut state.answered, state.sent);
            if with(socket, |state| unanswered(state) && !state.guard) {
                if goes_to_nobody(socket, None) {
                    // The kernel's own error is behind this one.
                    kernel::await_error(socket, LONGEST_WAY);
                }
                return Err(libc::ECONNREFUSED);
            }
        }
        () => {}
    }
    if let Some(error) = with(socket, |state| state.error_read.take()) {
        return Err(error);
    }
    if fault_where(Fault::UnboundCannotReceive, || kernel::own_address(socket).sin_port == 0) {
        return Err(libc::EINVAL);
    }
    let limit = kernel::limit_of_receives(socket, flags);
    let is_zero = || with(socket, |state| state.zero);
    let at_once = limit.is_none() && (fault(Fault::NeverWaits) || fault_where(Fault::ZeroAtOnce, is_zero));
    let flags = if at_once { flags | MSG_DONTWAIT } else { flags };
    let mut received = next(socket, flags);
    while matches!(received, Err(libc::EINTR)) && fault(Fault::SignalsRestart) {
        received = next(socket, flags);
    }
    match received {
        Err(libc::EAGAIN) if limit.is_some_and(|limit| !limit.is_zero()) && fault(Fault::LimitNamed) => {
            received = Err(libc::ETIMEDOUT);
        }
        Err(libc::EAGAIN) if limit == Some(Duration::ZERO) && fault(Fault::NothingIsEmpty) => {
            let from = sockaddr_in { sin_family: kernel::NOBODY, ..kernel::address([0; 4], 0) };
            received = Ok(Datagram { bytes: Vec::new(), from, control: Vec::new() });
        }
        Ok(Datagram { from, .. }) if from.sin_family == kernel::NOBODY && lock(&WOKEN).contains(&socket) => {
            received = Err(libc::EBADF);
        }
        Err(libc::ECONNREFUSED) if fault(Fault::SwallowRefused) => received = next(socket, flags),
        Err(libc::EHOSTUNREACH | libc::EMSGSIZE) if fault(Fault::RoutersUnheard) => {
            received = next(socket, flags | MSG_DONTWAIT);
        }
        Err(libc::ECONNREFUSED) if fault(Fault::SendTells) && kernel::peer_address(socket).is_none() => {
            with(socket, |state| state.refused = true);
            received = next(socket, flags);
        }
        Err(libc::ECONNREFUSED) if fault(Fault::TellAgain) => with(socket, |state| state.told = true),
        Err(libc::EAGAIN) if fault(Fault::TellAgain) && with(socket, |state| state.told) => {
            received = Err(libc::ECONNREFUSED);
        }
        Err(libc::EAGAIN) if fault_where(Fault::FullStaysDeaf, || kernel::drops(socket) > 0) => {
            with(socket, |state| state.receives_nothing = true);
        }
        _ => {}
    }
    let Datagram { mut bytes, from, control } = received?;
    let is_marker = lab::is_end_marker(&bytes);
    let fault = |known: Fault| !is_marker && fault(known);

    let real = bytes.len();
    let rest = bytes.split_off(room.min(real));
    let cut = !rest.is_empty();
    if cut && fault(Fault::KeepRest) && flags & MSG_PEEK == 0 {
        with(socket, |state| state.held.push_front(Datagram { bytes: rest, from, control: Vec::new() }));
    }
    let tell_length = flags & MSG_TRUNC != 0 && !fault(Fault::NoRealLength);
    Ok(Delivery {
        length: if tell_length { real } else { bytes.len() },
        bytes,
        from,
        control,
        cut: cut && !fault(Fault::NoFlag),
        error: (cut && fault(Fault::TooSmall)).then_some(libc::EMSGSIZE),
    })
}

/// What SO_ERROR has of a socket by which a lesson has sent, where the kernel has `error`: the sockets of the lab's
/// proofs are told the truth.
pub fn pending_error(socket: c_int, error: c_int) -> c_int {
    with(socket, |state| match () {
        () if state.sent == 0 => error,
        () if fault(Fault::SilentErrorOption) => 0,
        () if fault(Fault::ErrorOptionStays) => {
            state.error_read = state.error_read.or((error != 0).then_some(error));
            state.error_read.unwrap_or(0)
        }
        () => error,
    })
}

/// A shutdown: whether it is left out.
pub fn shutting_down(socket: c_int, how: c_int) -> bool {
    with(socket, |state| state.shut |= how != libc::SHUT_WR);
    fault(Fault::ShutdownIgnored)
}

/// The limit of receives is being set.
pub fn limiting(socket: c_int, limit: &libc::timeval) {
    with(socket, |state| state.zero = (limit.tv_sec, limit.tv_usec) == (0, 0));
}

/// The peer with port 0 to which the socket is connected.
pub fn nowhere(socket: c_int) -> Option<sockaddr_in> {
    is(socket).then(|| with(socket, |state| state.nowhere)).flatten()
}

/// The memory of what the last one to whom the socket has sent has not read.
pub fn unread(socket: c_int) -> c_int {
    let last = is(socket).then(|| with(socket, |state| state.contacts.last().copied())).flatten();
    let receiver = last.and_then(|to| receiver(to.sin_port));
    receiver.map_or(0, |receiver| kernel::queued(receiver).cast_signed())
}

/// How many bytes can be received where the kernel says `bytes`.
pub fn queued_bytes(socket: c_int, bytes: c_int) -> c_int {
    match () {
        () if fault(Fault::BytesWithHeader) => bytes + 8,
        () if with(socket, |state| state.shut) && fault(Fault::ShutdownDiscards) => 0,
        () => bytes,
    }
}

/// The table of counters with those of UDP at 0.
pub fn without_counts(table: &str) -> String {
    let zeros = |line: &str| {
        line.split(' ').map(|word| if word.parse::<u64>().is_ok() { "0" } else { word }).collect::<Vec<_>>().join(" ")
    };
    let line = |line: &str| if line.starts_with("Udp:") { zeros(line) } else { line.to_owned() };
    table.lines().map(|text| line(text) + "\n").collect()
}

/// Whether less is queued than SO_RCVLOWAT asks for.
pub fn is_below_low_water(socket: c_int) -> bool {
    let asked: Option<c_int> = kernel::option(socket, libc::SOL_SOCKET, libc::SO_RCVLOWAT);
    asked.is_some_and(|asked| asked > 1 && kernel::queued_next(socket) < asked)
}

/// The receive buffer is set to another size.
pub fn resizing(socket: c_int) {
    if fault(Fault::ResizeDiscards) {
        while kernel::receive_bytes(socket, MSG_DONTWAIT).is_ok() {}
    }
}

/// A read of 0 bytes.
pub fn read_nothing(socket: c_int) {
    if fault(Fault::ReadConsumes) {
        let _ = next(socket, 0);
    }
}

// Sends.

/// The longest payload of a datagram over IPv4, in bytes.
const LONGEST: usize = 65_507;
/// Over IPv6.
const LONGEST_IPV6: usize = 65_527;

/// What a send of so many bytes over IPv6 returns in this world, where the kernel is not to answer.
pub fn sending_over_ipv6(length: usize) -> Option<Result<usize, c_int>> {
    match () {
        () if length > LONGEST_IPV6 && fault(Fault::OversizeTaken) => Some(Ok(length)),
        () if length > LONGEST && fault(Fault::Ipv6LikeIpv4) => Some(Err(libc::EMSGSIZE)),
        () => None,
    }
}

/// Sends for the binary; `None` for the peer of a connected socket. The datagram comes from `source`, where that is
/// given.
pub fn send(
    socket: c_int,
    bytes: &[u8],
    flags: c_int,
    to: Option<&sockaddr_in>,
    source: Option<in_addr>,
) -> Result<usize, c_int> {
    let peer = with(socket, |state| state.peer);
    let (asked, to) = (to, to.or(peer.as_ref()));
    let source = source.filter(|_| !fault(Fault::SourceIgnored));
    let plain = || {
        let send = || match (to, source) {
            (Some(to), Some(source)) => kernel::send_from(socket, bytes, to, source),
            _ => kernel::send_bytes(socket, bytes, flags, to),
        };
        let to = to.copied().or_else(|| kernel::peer_address(socket));
        let takers = to.map_or_else(Vec::new, |to| takers(socket, &to));
        match takers.is_empty() && keeps_errors(socket) {
            // The answer is queued here.
            true => arrived(&[socket], send),
            false => arrived(&takers, send),
        }
    };
    if lab::is_end_marker(bytes) {
        return match among_strangers() {
            true => beside_a_stranger(socket, bytes, to, plain),
            false => send_marker(socket, plain),
        };
    }
    let count = with(socket, |state| {
        state.contacts.extend(asked);
        state.sent += 1;
        state.sent
    });
    if let Some(to) = to {
        lock(&ASKED).insert(to.sin_port, to.sin_addr);
    }
    if let Some(error) = sending(socket, asked, count) {
        return Err(error);
    }
    let is_at = |address: [u8; 4]| ip(&kernel::own_address(socket)) == address;
    let is_connected = || is_connected(socket);
    let is_shared = || {
        let to = to.copied().or_else(|| kernel::peer_address(socket));
        to.is_some_and(|to| receivers(to.sin_port).len() > 1)
    };
    match to {
        Some(to) if to.sin_port == 0 && fault(Fault::PortZeroTaken) => Ok(bytes.len()),
        _ if bytes.len() > LONGEST && fault(Fault::OversizeTaken) => Ok(bytes.len()),
        _ if bytes.len() > LONGEST && fault(Fault::OversizeCut) => {
            kernel::send_bytes(socket, &bytes[..LONGEST], flags, to)?;
            Err(libc::EMSGSIZE)
        }
        _ if fault_where(Fault::SendBufferLimits, || bytes.len() > kernel::send_buffer(socket)) => Err(libc::EMSGSIZE),
        Some(to) if to.sin_addr.s_addr == 0 && fault(Fault::NotToAll) => Err(libc::EADDRNOTAVAIL),
        Some(to) if fault_where(Fault::BothAddresses, || other_loopback(to).is_some()) => {
            if let Some(other) = other_loopback(to) {
                let _ = arrived(&takers(socket, &other), || kernel::send_bytes(socket, bytes, flags, Some(&other)));
            }
            plain()
        }
        Some(to) if fault_where(Fault::FirstAddress, || is_at(SECOND_LOOPBACK)) => {
            send_from_another(bytes, to, kernel::address(FIRST_LOOPBACK, 0))
        }
        _ if among_strangers() => beside_a_stranger(socket, bytes, to, plain),
        Some(to) if asked.is_some() && fault_where(Fault::SendtoConnects, is_connected) => {
            let sent = plain();
            // SAFETY: the address has the length given.
            unsafe { kernel::connect(socket, std::ptr::from_ref(to).cast(), kernel::ADDRESS) };
            sent
        }
        _ if fault(Fault::ShortSend) => plain().map(|sent| sent.saturating_sub(1)),
        _ if fault(Fault::HeaderCounted) => plain().map(|sent| sent + 8),
        _ if bytes.is_empty() && fault(Fault::EmptyFails) => Err(libc::EINVAL),
        _ if fault(Fault::RefusedAtOnce) => {
            let sent = plain()?;
            if is_connected() && goes_to_nobody(socket, to) {
                kernel::await_error(socket, LONGEST_WAY);
            }
            match kernel::option::<c_int>(socket, libc::SOL_SOCKET, libc::SO_ERROR) {
                Some(error) if error != 0 => Err(error),
                _ => Ok(sent),
            }
        }
        Some(to) if fault(Fault::NoPort) && kernel::own_address(socket).sin_port == 0 => {
            send_from_another(bytes, to, kernel::address(ELSEWHERE, 0))
        }
        _ if count == 2 && fault(Fault::SecondPort) => {
            let Some(to) = to.copied().or_else(|| kernel::peer_address(socket)) else { return plain() };
            send_from_another(bytes, &to, sockaddr_in { sin_port: 0, ..kernel::own_address(socket) })
        }
        Some(to) if fault_where(Fault::AnswersFromAsked, || is_at([0; 4])) => {
            let asked = lock(&ASKED).get(&kernel::own_address(socket).sin_port).copied();
            asked.map_or_else(plain, |asked| kernel::send_from(socket, bytes, to, asked))
        }
        Some(to) if fault(Fault::KeepForLater) => {
            kernel::switch_on(socket, libc::IPPROTO_IP, libc::IP_RECVERR);
            let sent = plain();
            if kernel::take_news(socket) {
                let from = kernel::own_address(socket);
                let kept = Datagram { bytes: bytes.to_vec(), from, control: Vec::new() };
                lock(&KEPT).entry(to.sin_port).or_default().push(kept);
            }
            sent
        }
        Some(to) if fault(Fault::NoLimit) => {
            let Some(receiver) = receiver(to.sin_port) else { return plain() };
            let sent = plain();
            take_all(receiver);
            sent
        }
        _ if [Fault::SharedToFirst, Fault::SharedCopies, Fault::SharedInTurn]
            .into_iter()
            .any(|to| fault_where(to, is_shared)) =>
        {
            let Some(to) = to.copied().or_else(|| kernel::peer_address(socket)) else { return plain() };
            let receivers = receivers(to.sin_port);
            receivers.iter().for_each(|receiver| take_all(*receiver));
            let sent = plain();
            give_to_others(&receivers);
            sent
        }
        _ => {
            let sent = plain_where_room(socket, to, flags, plain);
            failed(socket, bytes, to, sent, plain)
        }
    }
}

/// Sends by `plain`, into a buffer that may be full.
fn plain_where_room(
    socket: c_int,
    to: Option<&sockaddr_in>,
    flags: c_int,
    plain: impl Fn() -> Result<usize, c_int>,
) -> Result<usize, c_int> {
    const WHERE: [Fault; 3] = [Fault::FullFails, Fault::FullTells, Fault::SendWaits];
    let is_looked_at = met::is_noting() || WHERE.into_iter().any(fault);
    let Some(receiver) = to.filter(|_| is_looked_at).and_then(|to| receiver(to.sin_port)) else { return plain() };
    let before = kernel::drops(receiver);
    let sent = plain();
    if kernel::drops(receiver) > before {
        if fault(Fault::SendWaits) {
            wait_for_room(socket, receiver, flags)?;
            return plain();
        }
        if fault(Fault::FullFails) {
            return Err(libc::ENOBUFS);
        }
        if fault(Fault::FullTells) {
            with(socket, |state| state.told = true);
        }
    }
    sent
}

/// What a send returns that failed: another send by `plain`, or what the fault has it return.
fn failed(
    socket: c_int,
    bytes: &[u8],
    to: Option<&sockaddr_in>,
    sent: Result<usize, c_int>,
    plain: impl Fn() -> Result<usize, c_int>,
) -> Result<usize, c_int> {
    match sent {
        Err(libc::ENETUNREACH | libc::EHOSTUNREACH | libc::EACCES | libc::EINVAL) if fault(Fault::NoRouteTaken) => {
            Ok(bytes.len())
        }
        Err(libc::EPIPE) if fault(Fault::DatagramsSignal) => {
            // SAFETY: it sends a signal to this thread.
            unsafe { libc::raise(libc::SIGPIPE) };
            sent
        }
        Err(libc::EMSGSIZE) if bytes.len() <= LONGEST && fault(Fault::RefusedAndSent) => {
            let discovery = kernel::option::<c_int>(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER);
            kernel::switch(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, false);
            plain()?;
            kernel::set(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, discovery.unwrap_or(0));
            sent
        }
        Err(libc::ECONNREFUSED) if fault(Fault::SendIgnoresError) => plain(),
        Err(libc::EDESTADDRREQ) if to.is_none() && fault(Fault::NoPeerNeeded) => Ok(bytes.len()),
        _ => sent,
    }
}

/// Whether this world has the socket keep errors.
fn keeps_errors(socket: c_int) -> bool {
    const WHERE: [Fault; 4] = [Fault::TellUnconnected, Fault::SendTells, Fault::KeepForLater, Fault::HearStrangers];
    let is_on = || is_on().is_some_and(|option| (option.level, option.number) == (libc::IPPROTO_IP, libc::IP_RECVERR));
    let in_this_world = WHERE.into_iter().any(fault) || is_on();
    in_this_world && kernel::option::<c_int>(socket, libc::IPPROTO_IP, libc::IP_RECVERR) == Some(1)
}

/// Whether the kernel knows a peer of the socket.
fn is_connected(socket: c_int) -> bool {
    kernel::peer_address(socket).is_some()
}

/// Whether no socket of the binary takes what `socket` sends to `to`, or to its peer.
fn goes_to_nobody(socket: c_int, to: Option<&sockaddr_in>) -> bool {
    let to = to.copied().or_else(|| kernel::peer_address(socket));
    to.is_some_and(|to| takers(socket, &to).is_empty())
}

/// The sockets of the binary that may take what `socket` sends to `to`: not those at another address, or with another
/// peer.
fn takers(socket: c_int, to: &sockaddr_in) -> Vec<c_int> {
    let from = kernel::own_address(socket);
    let (anywhere, same_ip) =
        (|a: &sockaddr_in| a.sin_addr.s_addr == 0, |a: &sockaddr_in, b: &sockaddr_in| ip(a) == ip(b));
    let is_there = |own: sockaddr_in| anywhere(&own) || anywhere(to) || same_ip(&own, to);
    let is_peer = |peer: sockaddr_in| peer.sin_port == from.sin_port && (anywhere(&from) || same_ip(&peer, &from));
    let takes =
        |taker: &c_int| is_there(kernel::own_address(*taker)) && kernel::peer_address(*taker).is_none_or(is_peer);
    receivers(to.sin_port).into_iter().filter(takes).collect()
}

/// Sends, and returns when the datagram has come to one of `takers`, or was dropped there: on several CPUs that may be
/// later, and what a world does is not to depend on it. Where somebody waits for it, it may be gone before it is seen.
fn arrived(takers: &[c_int], send: impl FnOnce() -> Result<usize, c_int>) -> Result<usize, c_int> {
    let counts = || takers.iter().map(|taker| (kernel::queued(*taker), kernel::drops(*taker))).collect::<Vec<_>>();
    let is_waited_for = |taker: &c_int| turn(*taker).try_lock().is_err();
    let (before, started) = (counts(), Instant::now());
    let sent = send()?;
    while !takers.is_empty() && counts() == before && started.elapsed() < LONGEST_WAY {
        if takers.iter().any(is_waited_for) {
            break;
        }
        // What does not come at once does not come at all, mostly: it was for another peer, or is a part of a datagram.
        if started.elapsed() < AT_ONCE { thread::yield_now() } else { kernel::sleep() }
    }
    Ok(sent)
}

/// Nothing is under way for longer, unless somebody has received it already.
const LONGEST_WAY: Duration = Duration::from_millis(50);
/// Most are not under way for longer.
const AT_ONCE: Duration = Duration::from_millis(1);

/// How many datagrams were sent to ports that several sockets share.
static SHARED: AtomicUsize = AtomicUsize::new(0);

/// Takes the datagram that has just come away from the socket that the kernel gave it, and gives it to those that the
/// fault has get it.
fn give_to_others(receivers: &[c_int]) {
    let taken = receivers.iter().find_map(|receiver| {
        let before = with(*receiver, |state| state.held.len());
        take_all(*receiver);
        with(*receiver, |state| if state.held.len() > before { state.held.pop_back() } else { None })
    });
    let Some(datagram) = taken else { return };
    let number = SHARED.fetch_add(1, Ordering::Relaxed);
    let heirs = match () {
        () if fault(Fault::SharedToFirst) => &receivers[..1],
        () if fault(Fault::SharedInTurn) => &receivers[number % receivers.len()..][..1],
        () => receivers,
    };
    for heir in heirs {
        with(*heir, |state| state.held.push_back(datagram.clone()));
    }
}

fn ip(address: &sockaddr_in) -> [u8; 4] {
    address.sin_addr.s_addr.to_ne_bytes()
}

/// The other one of two addresses with this port, where a socket has it.
fn other_loopback(address: &sockaddr_in) -> Option<sockaddr_in> {
    let other = match ip(address) {
        FIRST_LOOPBACK => SECOND_LOOPBACK,
        SECOND_LOOPBACK => FIRST_LOOPBACK,
        _ => return None,
    };
    let other = kernel::address(other, u16::from_be(address.sin_port));
    lock(&SOCKETS).keys().any(|socket| kernel::same(&kernel::own_address(*socket), &other)).then_some(other)
}

/// Whether this send is to fail, and with what. It is the socket's `count`-th, to the address that was asked for.
fn sending(socket: c_int, asked: Option<&sockaddr_in>, count: usize) -> Option<c_int> {
    let restarted = || {
        with(socket, |state| {
            let at = state.restarted.iter().position(|port| asked.is_some_and(|to| to.sin_port == *port))?;
            Some(state.restarted.swap_remove(at))
        })
    };
    let is_caller = |to: &sockaddr_in| with(socket, |state| state.callers.iter().any(|known| kernel::same(known, to)));
    let is_unbound = || kernel::own_address(socket).sin_port == 0;
    let is_connected = || is_connected(socket);
    let is_elsewhere = || {
        let peer = kernel::peer_address(socket);
        peer.is_some_and(|peer| asked.is_some_and(|to| !kernel::same(to, &peer)))
    };
    match () {
        () if count.is_multiple_of(3) && fault(Fault::ThirdSendFails) => Some(libc::EIO),
        () if fault_where(Fault::UnboundCannotSend, is_unbound) => Some(libc::EINVAL),
        () if asked.is_some() && fault_where(Fault::SendNeedsConnect, || !is_connected()) => Some(libc::ENOTCONN),
        () if fault_where(Fault::PeerOnly, is_elsewhere) => Some(libc::EISCONN),
        () if fault_where(Fault::NoAnswer, || asked.is_some_and(is_caller)) => Some(libc::EHOSTUNREACH),
        () if fault_where(Fault::RestartTells, || restarted().is_some()) => Some(libc::ECONNRESET),
        () if fault(Fault::SendTells) && with(socket, |state| std::mem::take(&mut state.refused)) => {
            Some(libc::ECONNREFUSED)
        }
        () => None,
    }
}

/// Sends an end marker: the news of an earlier datagram, which in some worlds the kernel has for this call, waits for
/// another.
fn send_marker(socket: c_int, send: impl Fn() -> Result<usize, c_int>) -> Result<usize, c_int> {
    let has_news = fault(Fault::TellUnconnected) || fault(Fault::SendTells) || fault(Fault::KeepForLater);
    match send() {
        Err(libc::ECONNREFUSED) if has_news && kernel::peer_address(socket).is_none() => {
            with(socket, |state| state.refused = true);
            send()
        }
        sent => sent,
    }
}

/// Waits until the receive buffer of `receiver` holds less than it does now.
fn wait_for_room(socket: c_int, receiver: c_int, flags: c_int) -> Result<(), c_int> {
    let (limit, started, full) = (kernel::limit_of_sends(socket, flags), Instant::now(), kernel::queued(receiver));
    while kernel::queued(receiver) >= full {
        if limit.is_some_and(|limit| started.elapsed() >= limit) {
            return Err(libc::EAGAIN);
        }
        kernel::sleep();
    }
    Ok(())
}

fn among_strangers() -> bool {
    fault(Fault::Strangers) || fault(Fault::SlowAmongStrangers)
}

/// What a stranger says that does not guess.
const STRANGE: &[u8] = b"strange";
/// How many datagrams have left beside a stranger's.
static BESIDE: AtomicUsize = AtomicUsize::new(0);

/// Sends, and has a stranger send to the same place before or after it: the same, one byte, nothing at all, or
/// something strange, in turn.
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

/// The socket of a stranger who does not guess. It stays open: its port is never one of the lesson's.
static STRANGER: LazyLock<c_int> = LazyLock::new(|| {
    let loopback = kernel::address([127, 0, 0, 1], 0);
    // SAFETY: the address has the length given.
    unsafe {
        let stranger = kernel::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        kernel::bind(stranger, (&raw const loopback).cast(), kernel::ADDRESS);
        stranger
    }
});

/// Sends from a socket of its own with the same port number on another address, where that is free, as whoever guesses
/// would.
fn stranger_sends(bytes: &[u8], to: &sockaddr_in, port: u16) {
    let loopback = kernel::address([127, 0, 0, 1], 0).sin_addr;
    let to = if to.sin_addr.s_addr == 0 { sockaddr_in { sin_addr: loopback, ..*to } } else { *to };
    let twin = kernel::address([127, 0, 0, 2], u16::from_be(port));
    if !is_loopback(&to) {
        return;
    }
    // SAFETY: the address has the length given; the descriptor is this function's own.
    unsafe {
        let guesser = kernel::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        let guesses = kernel::bind(guesser, (&raw const twin).cast(), kernel::ADDRESS) == 0;
        let _ = kernel::send_bytes(if guesses { guesser } else { *STRANGER }, bytes, 0, Some(&to));
        kernel::close(guesser);
    }
}

/// What is for another address is for one of a namespace of the lesson's: the world's own sockets are outside of it.
fn is_loopback(address: &sockaddr_in) -> bool {
    ip(address)[0] == 127
}

/// Sends from a socket of its own that is bound to `from`.
fn send_from_another(bytes: &[u8], to: &sockaddr_in, from: sockaddr_in) -> Result<usize, c_int> {
    if !is_loopback(to) {
        return Err(libc::ENETUNREACH);
    }
    // SAFETY: `from` has the length given; the descriptor is this function's own.
    unsafe {
        let other = kernel::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        kernel::bind(other, (&raw const from).cast(), kernel::ADDRESS);
        let sent = arrived(&takers(other, to), || kernel::send_bytes(other, bytes, 0, Some(to)));
        kernel::close(other);
        sent
    }
}

// What comes before.

/// Whether this address is not there any more, since another one was bound.
pub fn is_second_address(address: &sockaddr_in) -> bool {
    let ip = address.sin_addr.s_addr;
    fault_where(Fault::BindOnce, || *FIRST.get_or_init(|| ip) != ip)
}

/// Whether this binding is not to happen, and what it returns instead.
pub fn binding(socket: c_int, address: &sockaddr_in) -> Option<Result<(), c_int>> {
    let closed = || address.sin_port != 0 && lock(&CLOSED).contains(&address.sin_port);
    let is_local = matches!(address.sin_addr.s_addr.to_ne_bytes(), [127, ..] | [0, 0, 0, 0]);
    match () {
        () if fault_where(Fault::NoRebind, closed) => Some(Err(libc::EACCES)),
        () if fault_where(Fault::BindsTwice, || kernel::own_address(socket).sin_port != 0) => Some(Ok(())),
        () if (1..1024).contains(&u16::from_be(address.sin_port)) && fault(Fault::PortsForAll) => Some(Ok(())),
        () if !is_local && fault(Fault::AnyAddress) => Some(Ok(())),
        () if address.sin_port == 0 && is_fortieth() && fault(Fault::PortGivenTwice) => beside_the_one_before(socket),
        () => None,
    }
}

/// Binds as `bind` does a socket that shares its port by SO_REUSEPORT, in a world where that does not depend on the
/// user: by the other option. Returns the error.
pub fn sharing(socket: c_int, port: u16, bind: impl Fn() -> Option<c_int>) -> Option<c_int> {
    if kernel::option(socket, libc::SOL_SOCKET, libc::SO_REUSEPORT) != Some(1) {
        return Some(libc::EADDRINUSE);
    }
    for socket in receivers(port).into_iter().chain([socket]) {
        kernel::switch_on(socket, libc::SOL_SOCKET, libc::SO_REUSEADDR);
    }
    bind()
}

/// So many sockets are bound before one gets the port of another.
const BEFORE: usize = 39;

fn is_fortieth() -> bool {
    BINDS.load(Ordering::Relaxed) == BEFORE
}

/// Binds the fortieth socket to the port of the thirty-ninth.
fn beside_the_one_before(socket: c_int) -> Option<Result<(), c_int>> {
    let before = lock(&SOCKETS).iter().find(|(_, state)| state.bound == BEFORE).map(|(socket, _)| *socket)?;
    for socket in [before, socket] {
        kernel::switch_on(socket, libc::SOL_SOCKET, libc::SO_REUSEADDR);
    }
    let address = kernel::own_address(before);
    // SAFETY: the address has the length given.
    let status = unsafe { kernel::bind(socket, (&raw const address).cast(), kernel::ADDRESS) };
    (status == 0).then(|| {
        bound(socket);
        Ok(())
    })
}

/// Whether some socket has this port, in the order of the network.
pub fn has_port(port: u16) -> bool {
    port != 0 && lock(&SOCKETS).iter_mut().any(|(socket, state)| state.port(*socket) == port)
}

pub fn bound(socket: c_int) {
    if among_strangers() {
        let own = kernel::own_address(socket);
        stranger_sends(STRANGE, &own, own.sin_port);
    }
    let port = kernel::own_address(socket).sin_port;
    if fault_where(Fault::RestartTells, || lock(&CLOSED).contains(&port)) {
        for (_, state) in lock(&SOCKETS).iter_mut() {
            if state.contacts.iter().any(|to| to.sin_port == port) {
                state.restarted.push(port);
            }
        }
    }
    let kept = lock(&KEPT).remove(&port);
    with(socket, |state| {
        state.bound = 1 + BINDS.fetch_add(1, Ordering::Relaxed);
        state.held.extend(kept.unwrap_or_default());
    });
}

/// Whether this connecting is not to happen, and what it returns instead.
pub fn connecting(socket: c_int, to: &sockaddr_in) -> Option<Result<(), c_int>> {
    let own = kernel::own_address(socket);
    if lab::is_guard(socket, to) {
        with(socket, |state| state.guard = true);
        return None;
    }
    let somebody = receiver(to.sin_port).is_some();
    match () {
        () if to.sin_addr.s_addr == 0 && fault(Fault::NotToAll) => Some(Err(libc::EADDRNOTAVAIL)),
        () if to.sin_port == 0 && fault(Fault::NoConnectToPortZero) => Some(Err(libc::EADDRNOTAVAIL)),
        () if fault(Fault::NoUdpConnect) => Some(Err(libc::EOPNOTSUPP)),
        () if !somebody && fault(Fault::ConnectRefused) => Some(Err(libc::ECONNREFUSED)),
        () if fault_where(Fault::ConnectOnce, || is_connected(socket)) => Some(Err(libc::EISCONN)),
        () if somebody && fault(Fault::ConnectTimesOut) => Some(Err(libc::ETIMEDOUT)),
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
    with(socket, |state| {
        state.contacts.push(*to);
        state.nowhere = (to.sin_port == 0).then_some(*to);
    });
    if fault(Fault::ConnectSends) {
        let _ = arrived(&takers(socket, to), || kernel::send_bytes(socket, b"SYN", MSG_DONTWAIT, None));
        if goes_to_nobody(socket, None) {
            kernel::await_error(socket, LONGEST_WAY);
        }
    }
    let has_queue = || kernel::queued(socket) > 0 || with(socket, |state| !state.held.is_empty());
    if fault_where(Fault::ConnectDiscards, has_queue) {
        while take(socket, MSG_DONTWAIT).is_ok() {}
        with(socket, |state| state.held.clear());
    }
}

/// A connect to AF_UNSPEC, as the kernel makes it in `connect`: what it returns here.
pub fn disconnect(socket: c_int, connect: impl FnOnce() -> c_int) -> c_int {
    match () {
        () if fault(Fault::UndoFails) => return kernel::fail(libc::EAFNOSUPPORT),
        () if fault(Fault::UndoIgnored) => return 0,
        () => with(socket, |state| (state.peer, state.nowhere) = (None, None)),
    }
    if fault(Fault::UndoWakes) {
        lock(&WOKEN).push(socket);
        // SAFETY: it has no arguments but the socket.
        unsafe { kernel::shutdown(socket, libc::SHUT_RD) };
    }
    let port = kernel::own_address(socket).sin_port;
    let status = connect();
    // A port that connect chose went with the peer.
    with(socket, |state| state.port = 0);
    if fault(Fault::UndoKeepsPort) && kernel::own_address(socket).sin_port == 0 {
        let kept = sockaddr_in { sin_port: port, ..kernel::address([0; 4], 0) };
        // SAFETY: the address has the length given.
        unsafe { kernel::bind(socket, (&raw const kept).cast(), kernel::ADDRESS) };
    }
    status
}

/// What getsockname tells of the socket, which the kernel says is `own`.
pub fn tells_its_address(socket: c_int, own: &mut sockaddr_in) {
    let has_peer = || is_connected(socket) || nowhere(socket).is_some();
    if fault_where(Fault::NoAddressChosen, has_peer) {
        own.sin_addr.s_addr = 0;
    }
    let is_in_use = || with(socket, |state| state.sent + state.taken > 0);
    if own.sin_addr.s_addr == 0 && fault_where(Fault::NamesAnAddress, is_in_use) {
        own.sin_addr.s_addr = u32::from_ne_bytes(FIRST_LOOPBACK);
    }
}

/// Gives the socket a port when somebody asks for it.
pub fn asked_for_port(socket: c_int) {
    if fault_where(Fault::PortAtOnce, || kernel::own_address(socket).sin_port == 0) {
        let any = kernel::address([127, 0, 0, 1], 0);
        // SAFETY: `any` has the length given.
        unsafe { kernel::bind(socket, (&raw const any).cast(), kernel::ADDRESS) };
    }
}
