//! A broken world: loaded with `LD_PRELOAD`, it makes the socket calls of the real binary misbehave, one fault at a
//! time. `UDP_LAB_FAULT` names the fault; [`faults`] lists them. Each is what a kernel would do that did not keep a
//! promise; `tests/broken_worlds.rs` sees the lessons notice. Without a fault everything passes through here unchanged.
//!
//! This file has the functions that the binary calls. [`udp`] and [`tcp`] have the faults, [`kernel`] the real
//! functions,
//! [`lab`] what is known of the binary.

#![cfg(target_os = "linux")]
#![allow(unsafe_code, missing_docs, reason = "it stands in for functions of the C library")]

#[allow(dead_code, reason = "the tests use its sentences")]
mod faults;
mod kernel;
mod lab;
mod met;
mod options;
mod tcp;
mod udp;

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::null_mut;
use std::slice;
use std::sync::LazyLock;
use std::sync::atomic::Ordering;

use faults::Fault;
use libc::{
    DIR, POLLIN, c_ulong, clockid_t, epoll_event, iovec, mode_t, msghdr, nfds_t, pollfd, sockaddr, sockaddr_in,
    socklen_t, ssize_t, timespec, timeval,
};
use options::SocketOption;
use udp::Delivery;

static FAULT: LazyLock<Option<Fault>> = LazyLock::new(|| {
    let name = std::env::var("UDP_LAB_FAULT").ok()?;
    let fault = Fault::all().into_iter().find(|fault| fault.name() == name);
    if fault.is_none() {
        // A panic would make calls that ask for the fault.
        kernel::write_line(libc::STDERR_FILENO, &format!("UDP_LAB_FAULT: no such fault: {name}"));
        // SAFETY: it ends the process at once.
        unsafe { libc::_exit(2) };
    }
    fault
});

/// Whether this is what is wrong with the world.
fn fault(fault: Fault) -> bool {
    met::note(fault);
    *FAULT == Some(fault)
}

/// The same where it makes a difference `here` only: that is asked in this world, and where the faults are noted that a
/// run meets.
fn fault_where(known: Fault, here: impl FnOnce() -> bool) -> bool {
    (*FAULT == Some(known) || met::is_noting()) && here() && fault(known)
}

/// The option that every UDP socket of this world has on.
fn is_on() -> Option<SocketOption> {
    match *FAULT {
        Some(Fault::OptionOn(option)) => Some(option),
        _ => None,
    }
}

/// The same for a new socket of this family.
fn is_on_in(family: c_int) -> Option<SocketOption> {
    let fits = |option: &SocketOption| family == libc::AF_INET6 || option.level != libc::IPPROTO_IPV6;
    let is_on = |option: &SocketOption| option.is_switch && fits(option) && fault(Fault::OptionOn(*option));
    options::OPTIONS.iter().copied().find(is_on)
}

/// What a call returns that moved bytes, or did not.
fn returned(moved: Result<usize, c_int>) -> ssize_t {
    moved.map_or_else(|error| kernel::fail(error) as ssize_t, |length| length as ssize_t)
}

/// Makes a call in which the kernel chooses a port for a socket that has none: a free port is one that nobody has,
/// whatever sockets may share in this world. Else two would get the same by chance.
fn choosing_a_port<T>(socket: c_int, call: impl FnOnce() -> T) -> T {
    match is_on() {
        Some(option) if option.lets_share() && kernel::is_udp(socket) && kernel::own_address(socket).sin_port == 0 => {
            kernel::switch(socket, option.level, option.number, false);
            let result = call();
            let error = kernel::last_error();
            kernel::switch(socket, option.level, option.number, true);
            kernel::fail(error);
            result
        }
        _ => call(),
    }
}

/// An address of the caller, if it is one of IPv4.
///
/// # Safety
/// `address` is null or points to an address.
unsafe fn ipv4<'a>(address: *const sockaddr) -> Option<&'a sockaddr_in> {
    // SAFETY: the family says what the address is.
    unsafe {
        let ipv4 = !address.is_null() && c_int::from((*address).sa_family) == libc::AF_INET;
        ipv4.then(|| &*address.cast::<sockaddr_in>())
    }
}

/// Writes a delivery into the caller's buffers; returns what the call returns.
///
/// # Safety
/// The buffers have the lengths given, and `from` is null or has room for an address.
unsafe fn hand_over(
    delivery: &Delivery,
    parts: &[iovec],
    from: *mut sockaddr,
    from_length: Option<&mut socklen_t>,
) -> ssize_t {
    let mut rest = delivery.bytes.as_slice();
    for part in parts {
        let (now, later) = rest.split_at(part.iov_len.min(rest.len()));
        // SAFETY: the part has room for `now`.
        unsafe { std::ptr::copy_nonoverlapping(now.as_ptr(), part.iov_base.cast(), now.len()) };
        rest = later;
    }
    if let Some(length) = from_length
        && !from.is_null()
    {
        if delivery.from.sin_family == kernel::NOBODY {
            *length = 0;
        } else {
            // SAFETY: the caller offers room for an address.
            unsafe { from.cast::<sockaddr_in>().write_unaligned(delivery.from) };
            *length = kernel::ADDRESS;
        }
    }
    returned(delivery.error.map_or(Ok(delivery.length), Err))
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn socket(domain: c_int, kind: c_int, protocol: c_int) -> c_int {
    let kind_alone = kind & !(libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK);
    let is_ip = [libc::AF_INET, libc::AF_INET6].contains(&domain);
    if is_ip && kind_alone == libc::SOCK_STREAM && fault(Fault::NoTcpSockets) {
        return kernel::fail(libc::EACCES);
    }
    // SAFETY: the arguments are the caller's own.
    let socket = unsafe { kernel::socket(domain, kind, protocol) };
    STOPPED.set(None);
    let datagrams = kind_alone == libc::SOCK_DGRAM;
    if socket >= 0 && is_ip && datagrams {
        if let Some(limits) = limits() {
            // The kernel doubles what it is asked for, and not its default.
            kernel::set_receive_buffer(socket, limits.default / 2);
        }
        if let Some(option) = is_on_in(domain) {
            kernel::switch_on(socket, option.level, option.number);
        }
    }
    if socket >= 0 && domain == libc::AF_INET && datagrams {
        udp::opened(socket);
    } else {
        udp::forget(socket);
    }
    socket
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn close(descriptor: c_int) -> c_int {
    udp::closing(descriptor);
    // SAFETY: the argument is the caller's own.
    unsafe { kernel::close(descriptor) }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bind(socket: c_int, to: *const sockaddr, to_length: socklen_t) -> c_int {
    // SAFETY: the arguments are the caller's own.
    unsafe {
        let address = ipv4(to);
        let second = || address.is_some_and(|address| address.sin_addr.s_addr.to_ne_bytes() == [127, 0, 0, 2]);
        if second() && fault(Fault::Bare) {
            return kernel::fail(libc::EADDRNOTAVAIL);
        }
        if address.is_some_and(udp::is_second_address) {
            return kernel::fail(libc::EINVAL);
        }
        if !udp::is(socket) {
            let is_taken = || address.is_some_and(|address| udp::has_port(address.sin_port));
            if fault_where(Fault::TcpSharesPorts, is_taken) {
                return kernel::fail(libc::EADDRINUSE);
            }
            if fault_where(Fault::TcpRebinds, || kernel::is_tcp(socket)) {
                kernel::switch_on(socket, libc::SOL_SOCKET, libc::SO_REUSEADDR);
            }
            return kernel::bind(socket, to, to_length);
        }
        match address.and_then(|address| udp::binding(socket, address)) {
            Some(Ok(())) => return 0,
            Some(Err(error)) => return kernel::fail(error),
            None => {}
        }
        let bind = || kernel::bind(socket, to, to_length);
        let bound = || {
            let chosen = address.is_some_and(|address| address.sin_port == 0);
            (if chosen { choosing_a_port(socket, bind) } else { bind() } < 0).then(kernel::last_error)
        };
        let mut error = bound();
        if error == Some(libc::EADDRINUSE) && fault(Fault::UsersShare) {
            error = address.and_then(|address| udp::sharing(socket, address.sin_port, bound));
        }
        match error {
            // Whatever was asked after it.
            Some(error) => kernel::fail(error),
            None => {
                udp::bound(socket);
                0
            }
        }
    }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn connect(socket: c_int, to: *const sockaddr, to_length: socklen_t) -> c_int {
    // SAFETY: the arguments are the caller's own.
    unsafe {
        if udp::is(socket) && !to.is_null() && c_int::from((*to).sa_family) == libc::AF_UNSPEC {
            return udp::disconnect(socket, || kernel::connect(socket, to, to_length));
        }
        let address = ipv4(to).filter(|_| udp::is(socket));
        match address.and_then(|address| udp::connecting(socket, address)) {
            Some(Ok(())) => return 0,
            Some(Err(error)) => return kernel::fail(error),
            None => {}
        }
        let status = choosing_a_port(socket, || kernel::connect(socket, to, to_length));
        match address {
            Some(address) if status == 0 => udp::connected(socket, address),
            None if status < 0 && kernel::last_error() == libc::ECONNREFUSED => match () {
                () if fault(Fault::TcpConnectsToNobody) => return 0,
                () if fault(Fault::TcpNoRefusal) => return kernel::fail(libc::ETIMEDOUT),
                () => {}
            },
            _ => {}
        }
        status
    }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn listen(socket: c_int, backlog: c_int) -> c_int {
    // SAFETY: the arguments are the caller's own.
    match unsafe { kernel::listen(socket, backlog) } {
        0 => tcp::listened(),
        _ if fault(Fault::UdpListens) && udp::is(socket) => 0,
        status => status,
    }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn accept4(socket: c_int, from: *mut sockaddr, length: *mut socklen_t, flags: c_int) -> c_int {
    // SAFETY: the arguments are the caller's own.
    unsafe {
        let accepted = kernel::accept4(socket, from, length, flags);
        if accepted >= 0 {
            udp::forget(accepted);
            return tcp::accepted(accepted);
        }
        if fault(Fault::UdpListens) && udp::is(socket) {
            *length = 0;
            return kernel::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        }
        accepted
    }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getsockname(socket: c_int, address: *mut sockaddr, length: *mut socklen_t) -> c_int {
    if udp::is(socket) {
        udp::asked_for_port(socket);
    }
    // SAFETY: the arguments are the caller's own, and a call that succeeded has written the address of a socket of
    // IPv4.
    unsafe {
        let status = kernel::getsockname(socket, address, length);
        if status == 0 && udp::is(socket) {
            udp::tells_its_address(socket, &mut *address.cast());
        }
        status
    }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getpeername(socket: c_int, address: *mut sockaddr, length: *mut socklen_t) -> c_int {
    // SAFETY: the arguments are the caller's own, and there is room for an address of a socket of IPv4.
    unsafe {
        let status = kernel::getpeername(socket, address, length);
        match udp::nowhere(socket) {
            Some(peer) if status < 0 && fault(Fault::PortZeroIsPeer) => {
                address.cast::<sockaddr_in>().write(peer);
                *length = kernel::ADDRESS;
                0
            }
            _ => status,
        }
    }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getsockopt(
    socket: c_int,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    length: *mut socklen_t,
) -> c_int {
    let drops = (level, name) == (libc::SOL_SOCKET, libc::SO_MEMINFO);
    if drops && fault(Fault::Bare) {
        return kernel::fail(libc::ENOPROTOOPT);
    }
    // SAFETY: the arguments are the caller's own, and the options' values are numbers of 32 bits.
    unsafe {
        let status = kernel::getsockopt(socket, level, name, value, length);
        if drops && status == 0 {
            let count = value.cast::<u32>().add(kernel::DROPS);
            if count.read() > 0 && fault(Fault::DropsUncounted) {
                count.write(0);
            }
        }
        if (level, name) == (libc::IPPROTO_IPV6, libc::IPV6_MTU) && status < 0 && fault(Fault::MtuUnconnected) {
            value.cast::<c_int>().write(1500);
            return 0;
        }
        if (level, name) == (libc::SOL_SOCKET, libc::SO_ERROR) && udp::is(socket) {
            let error = value.cast::<c_int>();
            error.write(udp::pending_error(socket, error.read()));
        }
        if (level, name) == (libc::SOL_SOCKET, libc::SO_RCVBUF) && fault(Fault::BufferAsAsked) {
            let granted = value.cast::<c_int>();
            granted.write(granted.read() / 2);
        }
        status
    }
}

/// What `net.core.rmem_default` and `net.core.rmem_max` are in this world, in bytes.
struct Limits {
    default: c_int,
    max: c_int,
}

fn limits() -> Option<Limits> {
    const LEAST: c_int = 2304;
    match () {
        () if fault(Fault::SmallBuffers) => Some(Limits { default: LEAST, max: LEAST }),
        () if fault(Fault::LargeBuffers) => Some(Limits { default: c_int::MAX, max: c_int::MAX }),
        () => None,
    }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn setsockopt(
    socket: c_int,
    level: c_int,
    name: c_int,
    value: *const c_void,
    length: socklen_t,
) -> c_int {
    let known = options::OPTIONS.iter().copied().find(|option| (option.level, option.number) == (level, name));
    match known {
        _ if lab::is_proof(socket, level, name) => {}
        Some(option) if fault(Fault::OptionIgnored(option)) => return 0,
        Some(option) if fault(Fault::OptionRefused(option)) => return kernel::fail(libc::ENOPROTOOPT),
        _ => {}
    }
    if (level, name) == (libc::SOL_SOCKET, libc::SO_RCVTIMEO) && udp::is(socket) {
        // SAFETY: the option's value is a time.
        let limit = unsafe { value.cast::<timeval>().read() };
        udp::limiting(socket, &limit);
        if lab::is_of_a_lesson(&limit) && fault(Fault::LimitTakesNoTime) {
            STOPPED.set(Some(kernel::now()));
        }
    }
    if (level, name) == (libc::SOL_SOCKET, libc::SO_RCVBUF) && udp::is(socket) {
        udp::resizing(socket);
    }
    match limits() {
        Some(limits) if (level, name) == (libc::SOL_SOCKET, libc::SO_RCVBUF) => {
            // SAFETY: the option's value is a number of 32 bits.
            let asked = unsafe { value.cast::<c_int>().read() };
            // As the kernel compares them.
            let granted = asked.cast_unsigned().min(limits.max.cast_unsigned());
            kernel::set_receive_buffer(socket, granted.cast_signed())
        }
        // SAFETY: the arguments are the caller's own.
        _ => unsafe { kernel::setsockopt(socket, level, name, value, length) },
    }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shutdown(socket: c_int, how: c_int) -> c_int {
    if udp::is(socket) && udp::shutting_down(socket, how) {
        return 0;
    }
    // SAFETY: the arguments are the caller's own.
    unsafe { kernel::shutdown(socket, how) }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn poll(asked: *mut pollfd, count: nfds_t, milliseconds: c_int) -> c_int {
    // SAFETY: the arguments are the caller's own, and what it asks about is an array of that length.
    unsafe {
        let ready = kernel::poll(asked, count, milliseconds);
        let asked = slice::from_raw_parts_mut(asked, count as usize);
        match asked {
            [one] if fault(Fault::AlwaysReadable) && udp::is(one.fd) => one.revents |= POLLIN,
            // The lab waits for errors by asking for nothing else.
            [one] if fault(Fault::NoErrorPolled) && one.events != 0 => one.revents &= !libc::POLLERR,
            [one] if fault(Fault::NeverWritable) && udp::is(one.fd) => one.revents &= !libc::POLLOUT,
            [one] if fault(Fault::LowWaterCounts) && udp::is(one.fd) && udp::is_below_low_water(one.fd) => {
                one.revents &= !POLLIN;
            }
            [one] if fault(Fault::NeverReadable) && udp::is(one.fd) => one.revents &= !POLLIN,
            _ => return ready,
        }
        asked.iter().filter(|one| one.revents != 0).count() as c_int
    }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn epoll_ctl(
    epoll: c_int,
    operation: c_int,
    descriptor: c_int,
    event: *mut epoll_event,
) -> c_int {
    const EDGE: u32 = libc::EPOLLET.cast_unsigned();
    // SAFETY: the arguments are the caller's own, and what is added has an event.
    unsafe {
        if operation == libc::EPOLL_CTL_ADD && udp::is(descriptor) {
            match (*event).events & EDGE != 0 {
                true if fault(Fault::EdgeRepeats) => (*event).events &= !EDGE,
                false if fault(Fault::LevelOnce) => (*event).events |= EDGE,
                _ => {}
            }
        }
        kernel::epoll_ctl(epoll, operation, descriptor, event)
    }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn epoll_wait(epoll: c_int, events: *mut epoll_event, most: c_int, milliseconds: c_int) -> c_int {
    // SAFETY: the arguments are the caller's own.
    let reported = unsafe { kernel::epoll_wait(epoll, events, most, milliseconds) };
    if reported > 0 && lab::may_be_of_a_lesson(milliseconds) && fault(Fault::EpollSilent) { 0 } else { reported }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ioctl(descriptor: c_int, request: c_ulong, argument: *mut c_void) -> c_int {
    // SAFETY: the arguments are the caller's own: FIONREAD and TIOCOUTQ write a number, SIOCSIFMTU reads one of an
    // interface.
    unsafe {
        if request == libc::SIOCSIFMTU {
            match () {
                () if fault(Fault::MtuIgnored) => return 0,
                () if fault(Fault::SmallMtu) => (*argument.cast::<libc::ifreq>()).ifr_ifru.ifru_mtu = 576,
                () => {}
            }
        }
        let status = kernel::ioctl(descriptor, request, argument);
        if status == 0 && request == libc::FIONREAD && udp::is(descriptor) {
            let bytes = argument.cast::<c_int>();
            bytes.write(udp::queued_bytes(descriptor, bytes.read()));
        }
        if status == 0 && request == libc::TIOCOUTQ && fault(Fault::SendQueueStays) {
            argument.cast::<c_int>().write(udp::unread(descriptor));
        }
        status
    }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn send(socket: c_int, buffer: *const c_void, length: usize, flags: c_int) -> ssize_t {
    // SAFETY: the arguments are the caller's own.
    unsafe { sendto(socket, buffer, length, flags, std::ptr::null(), 0) }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sendto(
    socket: c_int,
    buffer: *const c_void,
    length: usize,
    flags: c_int,
    to: *const sockaddr,
    to_length: socklen_t,
) -> ssize_t {
    // SAFETY: the arguments are the caller's own.
    unsafe {
        match udp::is(socket) {
            true => {
                let bytes = slice::from_raw_parts(buffer.cast(), length);
                returned(choosing_a_port(socket, || udp::send(socket, bytes, flags, ipv4(to), None)))
            }
            false if to.is_null() => tcp::send(socket, buffer, length, flags),
            false => udp::sending_over_ipv6(length).map_or_else(
                || choosing_a_port(socket, || kernel::sendto(socket, buffer, length, flags, to, to_length)),
                returned,
            ),
        }
    }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sendmsg(socket: c_int, message: *const msghdr, flags: c_int) -> ssize_t {
    // SAFETY: the arguments are the caller's own.
    unsafe {
        if !udp::is(socket) {
            return kernel::sendmsg(socket, message, flags);
        }
        let parts = slice::from_raw_parts((*message).msg_iov, (*message).msg_iovlen);
        let known = if fault(Fault::FirstBuffer) { &parts[..1] } else { parts };
        let gathered = known.iter().flat_map(|part| slice::from_raw_parts(part.iov_base.cast::<u8>(), part.iov_len));
        let bytes: Vec<u8> = gathered.copied().collect();
        if fault(Fault::NoSendmsg) && !lab::is_end_marker(&bytes) {
            return returned(Err(libc::EOPNOTSUPP));
        }
        let source = kernel::packet_info(&*message).map(|info| info.ipi_spec_dst);
        returned(choosing_a_port(socket, || udp::send(socket, &bytes, flags, ipv4((*message).msg_name.cast()), source)))
    }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn recv(socket: c_int, buffer: *mut c_void, length: usize, flags: c_int) -> ssize_t {
    // SAFETY: the arguments are the caller's own.
    unsafe { recvfrom(socket, buffer, length, flags, null_mut(), null_mut()) }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn recvfrom(
    socket: c_int,
    buffer: *mut c_void,
    length: usize,
    flags: c_int,
    from: *mut sockaddr,
    from_length: *mut socklen_t,
) -> ssize_t {
    // SAFETY: the arguments are the caller's own.
    unsafe {
        if !udp::is(socket) {
            return match from.is_null() {
                true => tcp::receive(socket, buffer, length, flags),
                false => kernel::recvfrom(socket, buffer, length, flags, from, from_length),
            };
        }
        match udp::receive(socket, length, flags) {
            Ok(delivery) => {
                let part = iovec { iov_base: buffer, iov_len: length };
                hand_over(&delivery, &[part], from, from_length.as_mut())
            }
            Err(error) => returned(Err(error)),
        }
    }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn recvmsg(socket: c_int, message: *mut msghdr, flags: c_int) -> ssize_t {
    // SAFETY: the arguments are the caller's own.
    unsafe {
        if !udp::is(socket) {
            return kernel::recvmsg(socket, message, flags);
        }
        if flags & libc::MSG_ERRQUEUE != 0 {
            return match fault(Fault::ErrorQueueEmpty) && lab::is_lesson_at_the_error_queue(&*message) {
                true => returned(Err(libc::EAGAIN)),
                false => kernel::recvmsg(socket, message, flags),
            };
        }
        let message = &mut *message;
        let parts = slice::from_raw_parts(message.msg_iov, message.msg_iovlen);
        let known = if fault(Fault::FirstBuffer) { &parts[..1] } else { parts };
        let room = known.iter().map(|part| part.iov_len).sum();
        match udp::receive(socket, room, flags) {
            Ok(delivery) => {
                let cut = delivery.cut || !lab::is_end_marker(&delivery.bytes) && fault(Fault::FlagAlways);
                message.msg_flags = if cut { libc::MSG_TRUNC } else { 0 };
                let control = &delivery.control[..delivery.control.len().min(message.msg_controllen)];
                std::ptr::copy_nonoverlapping(control.as_ptr(), message.msg_control.cast(), control.len());
                message.msg_controllen = control.len();
                hand_over(&delivery, known, message.msg_name.cast(), Some(&mut message.msg_namelen))
            }
            Err(error) => returned(Err(error)),
        }
    }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn read(descriptor: c_int, buffer: *mut c_void, length: usize) -> ssize_t {
    if length == 0 && udp::is(descriptor) {
        if fault(Fault::EmptyReadFails) {
            return returned(Err(libc::EAGAIN));
        }
        udp::read_nothing(descriptor);
    }
    // SAFETY: the arguments are the caller's own.
    unsafe { kernel::read(descriptor, buffer, length) }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(descriptor: c_int, buffer: *const c_void, length: usize) -> ssize_t {
    // SAFETY: the arguments are the caller's own.
    unsafe {
        match udp::is(descriptor) {
            true => returned(udp::send(descriptor, slice::from_raw_parts(buffer.cast(), length), 0, None, None)),
            false => kernel::write(descriptor, buffer, length),
        }
    }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the arguments are the caller's own, the path is a C string.
    unsafe {
        match limits() {
            // Where the buffers are large, the system's own limit is the largest one.
            Some(limits) if limits.max < c_int::MAX && CStr::from_ptr(path) == c"/proc/sys/net/core/rmem_max" => {
                kernel::file_of(&format!("{}\n", limits.max))
            }
            _ if CStr::from_ptr(path) == c"/proc/thread-self/net/snmp" && fault(Fault::UdpUncounted) => {
                kernel::file_of(&udp::without_counts(&kernel::text_of(path)))
            }
            _ if flags & libc::O_WRONLY != 0
                && CStr::from_ptr(path).to_bytes().starts_with(b"/proc/sys/")
                && fault(Fault::SettingsIgnored) =>
            {
                kernel::file_of("")
            }
            _ => kernel::open64(path, flags, mode),
        }
    }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn opendir(path: *const c_char) -> *mut DIR {
    // SAFETY: the argument is the caller's own, a C string.
    unsafe {
        if fault(Fault::Bare) && CStr::from_ptr(path) == c"/proc/self/fd" {
            kernel::fail(libc::EACCES);
            return null_mut();
        }
        kernel::opendir(path)
    }
}

thread_local! {
    /// In a world in which requests are worked on at once: when the first of this thread was to be done. Its clock
    /// stands still from then on; those of other threads, which wait for each other before they work, do not.
    static SLEPT: Cell<Option<timespec>> = const { Cell::new(None) };
    /// In a world in which limits take no time: what the clock of this thread shows until it opens another socket.
    static STOPPED: Cell<Option<timespec>> = const { Cell::new(None) };
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: clockid_t, time: *mut timespec) -> c_int {
    // SAFETY: the arguments are the caller's own, and a call that succeeded has written the time.
    unsafe {
        let status = kernel::clock_gettime(clock, time);
        if status == 0 && clock == libc::CLOCK_MONOTONIC {
            if fault(Fault::SlowAmongStrangers) {
                (*time).tv_sec += 3 * udp::RECEIVES.load(Ordering::Relaxed) as libc::time_t;
            }
            // Else a busy machine would take the time that the sleeps do not.
            if let Some(stopped) = SLEPT.get().or(STOPPED.get()) {
                *time = stopped;
            }
        }
        status
    }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_nanosleep(
    clock: clockid_t,
    flags: c_int,
    request: *const timespec,
    remain: *mut timespec,
) -> c_int {
    if SLEPT.get().is_some() {
        return 0;
    }
    let begun = kernel::now();
    // SAFETY: the arguments are the caller's own, and the time has room for one.
    unsafe {
        let status = kernel::clock_nanosleep(clock, flags, request, remain);
        // A server works for a millisecond at least; the lab sleeps for less between two checks.
        let works = request.as_ref().filter(|time| time.tv_sec > 0 || time.tv_nsec >= 1_000_000);
        if let Some(asked) = works
            && fault(Fault::Overlapping)
        {
            // On a busy machine it may have slept for much longer.
            SLEPT.set(Some(kernel::after(begun, asked)));
        }
        status
    }
}
