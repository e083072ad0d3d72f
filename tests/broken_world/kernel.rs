//! The functions that this library stands in front of, as the C library has them, and small questions asked of them.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::zeroed;
use std::sync::LazyLock;
use std::time::Duration;

use libc::{DIR, clockid_t, in_pktinfo, mode_t, msghdr, sockaddr, sockaddr_in, socklen_t, ssize_t, timespec};

fn next(name: &CStr) -> *mut c_void {
    // SAFETY: `name` is a C string, and RTLD_NEXT needs no handle.
    let function = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) };
    assert!(!function.is_null(), "{name:?} is not in the C library");
    function
}

macro_rules! functions {
    ($($name:ident $text:literal ($($argument:ident: $kind:ty),*) -> $result:ty;)*) => {
        $(
            /// # Safety
            /// As for the C library's function of this name.
            pub unsafe fn $name($($argument: $kind),*) -> $result {
                type Function = unsafe extern "C" fn($($kind),*) -> $result;
                // SAFETY: the C library's function of this name has this signature.
                static FUNCTION: LazyLock<Function> = LazyLock::new(|| unsafe { std::mem::transmute(next($text)) });
                // SAFETY: the caller keeps to the function's contract.
                unsafe { FUNCTION($($argument),*) }
            }
        )*
    };
}

functions! {
    socket c"socket" (domain: c_int, kind: c_int, protocol: c_int) -> c_int;
    close c"close" (descriptor: c_int) -> c_int;
    bind c"bind" (socket: c_int, address: *const sockaddr, length: socklen_t) -> c_int;
    connect c"connect" (socket: c_int, address: *const sockaddr, length: socklen_t) -> c_int;
    listen c"listen" (socket: c_int, backlog: c_int) -> c_int;
    accept4 c"accept4" (socket: c_int, address: *mut sockaddr, length: *mut socklen_t, flags: c_int) -> c_int;
    getsockname c"getsockname" (socket: c_int, address: *mut sockaddr, length: *mut socklen_t) -> c_int;
    getpeername c"getpeername" (socket: c_int, address: *mut sockaddr, length: *mut socklen_t) -> c_int;
    getsockopt c"getsockopt"
        (socket: c_int, level: c_int, name: c_int, value: *mut c_void, length: *mut socklen_t) -> c_int;
    setsockopt c"setsockopt"
        (socket: c_int, level: c_int, name: c_int, value: *const c_void, length: socklen_t) -> c_int;
    send c"send" (socket: c_int, buffer: *const c_void, length: usize, flags: c_int) -> ssize_t;
    sendto c"sendto"
        (socket: c_int, buffer: *const c_void, length: usize, flags: c_int, to: *const sockaddr, to_length: socklen_t)
        -> ssize_t;
    sendmsg c"sendmsg" (socket: c_int, message: *const msghdr, flags: c_int) -> ssize_t;
    recv c"recv" (socket: c_int, buffer: *mut c_void, length: usize, flags: c_int) -> ssize_t;
    recvfrom c"recvfrom"
        (socket: c_int, buffer: *mut c_void, length: usize, flags: c_int, from: *mut sockaddr, from_length: *mut socklen_t)
        -> ssize_t;
    recvmsg c"recvmsg" (socket: c_int, message: *mut msghdr, flags: c_int) -> ssize_t;
    shutdown c"shutdown" (socket: c_int, how: c_int) -> c_int;
    poll c"poll" (asked: *mut libc::pollfd, count: libc::nfds_t, milliseconds: c_int) -> c_int;
    epoll_ctl c"epoll_ctl"
        (epoll: c_int, operation: c_int, descriptor: c_int, event: *mut libc::epoll_event) -> c_int;
    epoll_wait c"epoll_wait"
        (epoll: c_int, events: *mut libc::epoll_event, most: c_int, milliseconds: c_int) -> c_int;
    ioctl c"ioctl" (descriptor: c_int, request: libc::c_ulong, argument: *mut c_void) -> c_int;
    read c"read" (descriptor: c_int, buffer: *mut c_void, length: usize) -> ssize_t;
    write c"write" (descriptor: c_int, buffer: *const c_void, length: usize) -> ssize_t;
    open64 c"open64" (path: *const c_char, flags: c_int, mode: mode_t) -> c_int;
    opendir c"opendir" (path: *const c_char) -> *mut DIR;
    clock_nanosleep c"clock_nanosleep"
        (clock: clockid_t, flags: c_int, request: *const timespec, remain: *mut timespec) -> c_int;
    clock_gettime c"clock_gettime" (clock: clockid_t, time: *mut timespec) -> c_int;
}

/// What `errno` holds.
pub fn last_error() -> c_int {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Fails as a call does that sets `errno`.
pub fn fail(error: c_int) -> c_int {
    // SAFETY: the location belongs to this thread.
    unsafe { *libc::__errno_location() = error };
    -1
}

/// What was received: the payload, who sent it, and what came beside it.
#[derive(Clone)]
pub struct Datagram {
    pub bytes: Vec<u8>,
    pub from: sockaddr_in,
    pub control: Vec<u8>,
}

pub const ADDRESS: socklen_t = size_of::<sockaddr_in>() as socklen_t;

/// An IPv4 address as the calls take it.
pub fn address(ip: [u8; 4], port: u16) -> sockaddr_in {
    // SAFETY: all-zero bytes are a valid `sockaddr_in`.
    let mut address: sockaddr_in = unsafe { zeroed() };
    address.sin_family = libc::AF_INET as libc::sa_family_t;
    address.sin_addr.s_addr = u32::from_ne_bytes(ip);
    address.sin_port = port.to_be();
    address
}

/// Whether two addresses are the same, port and all.
pub fn same(a: &sockaddr_in, b: &sockaddr_in) -> bool {
    (a.sin_addr.s_addr, a.sin_port) == (b.sin_addr.s_addr, b.sin_port)
}

/// The socket's own address; port 0 where it has none.
pub fn own_address(socket: c_int) -> sockaddr_in {
    let mut own = address([0; 4], 0);
    let mut length = ADDRESS;
    // SAFETY: at most `length` bytes are written into `own`, which has that size.
    unsafe { getsockname(socket, (&raw mut own).cast(), &raw mut length) };
    own
}

/// The address that the socket is connected to.
pub fn peer_address(socket: c_int) -> Option<sockaddr_in> {
    let mut peer = address([0; 4], 0);
    let mut length = ADDRESS;
    // SAFETY: at most `length` bytes are written into `peer`, which has that size.
    let status = unsafe { getpeername(socket, (&raw mut peer).cast(), &raw mut length) };
    (status == 0).then_some(peer)
}

pub fn option<T>(socket: c_int, level: c_int, name: c_int) -> Option<T> {
    // SAFETY: used for plain numbers and arrays of them only, of which all-zero bytes are valid ones.
    let mut value: T = unsafe { zeroed() };
    let mut length = size_of::<T>() as socklen_t;
    // SAFETY: at most `length` bytes are written into `value`, which has that size.
    let status = unsafe { getsockopt(socket, level, name, (&raw mut value).cast(), &raw mut length) };
    (status == 0).then_some(value)
}

/// Whether it is a socket for datagrams.
pub fn is_udp(socket: c_int) -> bool {
    option(socket, libc::SOL_SOCKET, libc::SO_TYPE) == Some(libc::SOCK_DGRAM)
}

/// Whether it is a socket for a stream.
pub fn is_tcp(socket: c_int) -> bool {
    option(socket, libc::SOL_SOCKET, libc::SO_TYPE) == Some(libc::SOCK_STREAM)
}

pub fn set(socket: c_int, level: c_int, name: c_int, value: c_int) -> c_int {
    // SAFETY: `value` has the size given.
    unsafe { setsockopt(socket, level, name, (&raw const value).cast(), size_of::<c_int>() as socklen_t) }
}

pub fn switch_on(socket: c_int, level: c_int, name: c_int) {
    switch(socket, level, name, true);
}

pub fn switch(socket: c_int, level: c_int, name: c_int, on: bool) {
    set(socket, level, name, on.into());
}

/// Limits the receives of a socket.
pub fn limit_receives(socket: c_int, limit: Duration) -> c_int {
    let time = libc::timeval { tv_sec: limit.as_secs() as libc::time_t, tv_usec: limit.subsec_micros().into() };
    let length = size_of::<libc::timeval>() as socklen_t;
    // SAFETY: `time` has the size given.
    unsafe { setsockopt(socket, libc::SOL_SOCKET, libc::SO_RCVTIMEO, (&raw const time).cast(), length) }
}

pub fn set_receive_buffer(socket: c_int, bytes: c_int) -> c_int {
    set(socket, libc::SOL_SOCKET, libc::SO_RCVBUF, bytes)
}

/// The send buffer that was asked for, in bytes: the kernel doubles it.
pub fn send_buffer(socket: c_int) -> usize {
    let granted: Option<c_int> = option(socket, libc::SOL_SOCKET, libc::SO_SNDBUF);
    granted.map_or(usize::MAX, |granted| granted.unsigned_abs() as usize / 2)
}

/// `SK_MEMINFO_DROPS` of `linux/sock_diag.h`: what was dropped because the receive buffer was full.
pub const DROPS: usize = 8;

fn memory(socket: c_int) -> Option<[u32; DROPS + 1]> {
    option(socket, libc::SOL_SOCKET, libc::SO_MEMINFO)
}

pub fn drops(socket: c_int) -> u32 {
    memory(socket).map_or(0, |counts| counts[DROPS])
}

/// `SK_MEMINFO_RMEM_ALLOC`: how much of the receive buffer is taken, in bytes; nothing where the socket is closed.
pub fn queued(socket: c_int) -> u32 {
    memory(socket).map_or(0, |counts| counts[0])
}

/// How many bytes the next datagram in the queue has.
pub fn queued_next(socket: c_int) -> c_int {
    let mut bytes: c_int = 0;
    // SAFETY: the call writes a number.
    unsafe { ioctl(socket, libc::FIONREAD, (&raw mut bytes).cast()) };
    bytes
}

/// Sends a datagram; `None` for the peer of a connected socket.
pub fn send_bytes(socket: c_int, bytes: &[u8], flags: c_int, to: Option<&sockaddr_in>) -> Result<usize, c_int> {
    let (to, length) = to.map_or((std::ptr::null(), 0), |to| (std::ptr::from_ref(to).cast(), ADDRESS));
    // SAFETY: `bytes` and `to` have the lengths given.
    let sent = unsafe { sendto(socket, bytes.as_ptr().cast(), bytes.len(), flags, to, length) };
    usize::try_from(sent).map_err(|_| last_error())
}

/// The family of an address that no receive has filled: the socket is shut down, and there is no datagram.
pub const NOBODY: libc::sa_family_t = libc::AF_UNSPEC as libc::sa_family_t;

/// A message with an address, one buffer, and room for control messages. Whoever passes it on has all three still.
fn message_of(name: &mut sockaddr_in, part: &mut libc::iovec, control: &mut [u64]) -> msghdr {
    // SAFETY: all-zero bytes are a valid `msghdr`.
    let mut message: msghdr = unsafe { zeroed() };
    message.msg_name = std::ptr::from_mut(name).cast();
    message.msg_namelen = ADDRESS;
    message.msg_iov = part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(control);
    message
}

/// Receives a datagram, whole, with the control messages that come with it.
pub fn receive_bytes(socket: c_int, flags: c_int) -> Result<Datagram, c_int> {
    let mut buffer = [0_u8; 65_536];
    let mut from = address([0; 4], 0);
    let mut control = [0_u64; 32];
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let mut message = message_of(&mut from, &mut part, &mut control);
    // SAFETY: everything that the message points to has the length given and outlives the call.
    let (received, written, named) =
        unsafe { (recvmsg(socket, &raw mut message, flags), message.msg_controllen, message.msg_namelen) };
    let length = usize::try_from(received).map_err(|_| last_error())?;
    if named == 0 {
        from.sin_family = NOBODY;
    }
    let control = control.iter().flat_map(|word| word.to_ne_bytes()).take(written).collect();
    Ok(Datagram { bytes: buffer[..length].to_vec(), from, control })
}

/// The control message of SO_RXQ_OVFL that tells of `drops`.
pub fn drops_message(drops: u32) -> Vec<u8> {
    // SAFETY: it is a calculation.
    let length = unsafe { libc::CMSG_LEN(size_of_val(&drops) as u32) } as usize;
    let head = [libc::SOL_SOCKET, libc::SO_RXQ_OVFL].map(c_int::to_ne_bytes).concat();
    [&length.to_ne_bytes()[..], &head, &drops.to_ne_bytes(), &[0; 4]].concat()
}

/// Changes the address to which `IP_PKTINFO` says that the datagram was sent, where it is among these control messages.
pub fn set_destination(control: &mut [u8], to: [u8; 4]) {
    const HEADER: usize = size_of::<libc::cmsghdr>();
    let mut at = 0;
    while let Some(header) = control.get(at..at + HEADER) {
        let length = usize::from_ne_bytes(std::array::from_fn(|byte| header[byte]));
        let kind = [8, 12].map(|place| c_int::from_ne_bytes(std::array::from_fn(|byte| header[place + byte])));
        if kind == [libc::IPPROTO_IP, libc::IP_PKTINFO] {
            let place = at + HEADER + std::mem::offset_of!(in_pktinfo, ipi_addr);
            control[place..place + 4].copy_from_slice(&to);
        }
        at += length.max(HEADER).next_multiple_of(align_of::<libc::cmsghdr>());
    }
}

/// The `IP_PKTINFO` among the control messages.
///
/// # Safety
/// `message` has as many bytes of control messages as it says.
pub unsafe fn packet_info(message: &msghdr) -> Option<in_pktinfo> {
    // SAFETY: the walk along the control messages stays within their length, and the type says what one is.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(message);
        while !header.is_null() {
            if ((*header).cmsg_level, (*header).cmsg_type) == (libc::IPPROTO_IP, libc::IP_PKTINFO) {
                return Some(libc::CMSG_DATA(header).cast::<in_pktinfo>().read_unaligned());
            }
            header = libc::CMSG_NXTHDR(message, header);
        }
        None
    }
}

/// Makes `info` the only control message of `message`.
///
/// # Safety
/// `message` has as much room for control messages as it says, and enough for this one.
unsafe fn write_packet_info(message: &mut msghdr, info: &in_pktinfo) {
    const LENGTH: u32 = size_of::<in_pktinfo>() as u32;
    // SAFETY: the first control message has room.
    unsafe {
        let header = libc::CMSG_FIRSTHDR(message);
        (*header).cmsg_level = libc::IPPROTO_IP;
        (*header).cmsg_type = libc::IP_PKTINFO;
        (*header).cmsg_len = libc::CMSG_LEN(LENGTH) as usize;
        libc::CMSG_DATA(header).cast::<in_pktinfo>().write_unaligned(*info);
        message.msg_controllen = libc::CMSG_SPACE(LENGTH) as usize;
    }
}

/// Opens a file to write lines to, behind what it has.
pub fn append_to(path: &CStr) -> c_int {
    // SAFETY: `path` is a C string.
    unsafe { open64(path.as_ptr(), libc::O_WRONLY | libc::O_APPEND | libc::O_CREAT | libc::O_CLOEXEC, 0o666) }
}

/// Writes a line in one call, so that those of several processes do not mix.
pub fn write_line(file: c_int, text: &str) {
    let line = format!("{text}\n");
    // SAFETY: `line` has that many bytes.
    unsafe { write(file, line.as_ptr().cast(), line.len()) };
}

/// A file in memory that has this text.
pub fn file_of(text: &str) -> c_int {
    // SAFETY: the name is a C string, the text has the length given, and the descriptor is the new file's.
    unsafe {
        let file = libc::memfd_create(c"setting".as_ptr(), libc::MFD_CLOEXEC);
        libc::pwrite(file, text.as_ptr().cast(), text.len(), 0);
        file
    }
}

/// What a small file says.
///
/// # Safety
/// `path` is a C string.
pub unsafe fn text_of(path: *const c_char) -> String {
    let mut text = Vec::new();
    let mut buffer = [0_u8; 4096];
    // SAFETY: the path is a C string, and `buffer` has the length given.
    unsafe {
        let file = open64(path, libc::O_RDONLY | libc::O_CLOEXEC, 0);
        while let Ok(length @ 1..) = usize::try_from(read(file, buffer.as_mut_ptr().cast(), buffer.len())) {
            text.extend_from_slice(&buffer[..length]);
        }
        close(file);
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// Opens a descriptor that does nothing and is not closed.
pub fn leak_descriptor() {
    // SAFETY: the path is a C string.
    unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
}

/// Waits until there is an error to tell of the socket.
pub fn await_error(socket: c_int, limit: Duration) {
    let mut asked = libc::pollfd { fd: socket, events: 0, revents: 0 };
    // SAFETY: it is asked about one socket.
    unsafe { poll(&raw mut asked, 1, limit.as_millis() as c_int) };
}

/// Takes everything out of the socket's error queue: whether there was anything.
pub fn take_news(socket: c_int) -> bool {
    let mut news = false;
    loop {
        let mut control = [0_u64; 64];
        // SAFETY: all-zero bytes are a valid `msghdr`.
        let mut message: msghdr = unsafe { zeroed() };
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = size_of_val(&control);
        // SAFETY: the message has no buffers but `control`, which has the length given.
        if unsafe { recvmsg(socket, &raw mut message, libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT) } < 0 {
            break;
        }
        news = true;
    }
    let _ = option::<c_int>(socket, libc::SOL_SOCKET, libc::SO_ERROR);
    news
}

/// Sends a datagram from one of the machine's addresses.
pub fn send_from(socket: c_int, bytes: &[u8], to: &sockaddr_in, source: libc::in_addr) -> Result<usize, c_int> {
    let mut to = *to;
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut control = [0_u64; 8];
    let mut message = message_of(&mut to, &mut part, &mut control);
    // SAFETY: everything that the message points to outlives the call, and the control message fits `control`.
    let sent = unsafe {
        let mut info: in_pktinfo = zeroed();
        info.ipi_spec_dst = source;
        write_packet_info(&mut message, &info);
        sendmsg(socket, &raw const message, 0)
    };
    usize::try_from(sent).map_err(|_| last_error())
}

/// How long a send on this socket may wait, and `None` for ever.
pub fn limit_of_sends(socket: c_int, flags: c_int) -> Option<Duration> {
    limit(socket, flags, libc::SO_SNDTIMEO)
}

/// How long a receive on this socket may wait, and `None` for ever.
pub fn limit_of_receives(socket: c_int, flags: c_int) -> Option<Duration> {
    limit(socket, flags, libc::SO_RCVTIMEO)
}

fn limit(socket: c_int, flags: c_int, name: c_int) -> Option<Duration> {
    // SAFETY: it has no arguments but the socket.
    let non_blocking = unsafe { libc::fcntl(socket, libc::F_GETFL) } & libc::O_NONBLOCK != 0;
    if non_blocking || flags & libc::MSG_DONTWAIT != 0 {
        return Some(Duration::ZERO);
    }
    let limit: libc::timeval = option(socket, libc::SOL_SOCKET, name)?;
    let limit = Duration::new(limit.tv_sec.cast_unsigned(), 1000 * limit.tv_usec as u32);
    (!limit.is_zero()).then_some(limit)
}

/// What the clock shows, whatever it shows in this world.
pub fn now() -> timespec {
    let mut now = timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the time is written into `now`.
    unsafe { clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now
}

/// The time so much later.
pub fn after(time: timespec, later: &timespec) -> timespec {
    const SECOND: libc::c_long = 1_000_000_000;
    let nanoseconds = time.tv_nsec + later.tv_nsec;
    timespec { tv_sec: time.tv_sec + later.tv_sec + nanoseconds / SECOND, tv_nsec: nanoseconds % SECOND }
}

/// Sleeps for a millisecond, whatever sleeping is in this world.
pub fn sleep() {
    let request = timespec { tv_sec: 0, tv_nsec: 1_000_000 };
    // SAFETY: `request` is a time, and nobody wants to know what remains of it.
    unsafe { clock_nanosleep(libc::CLOCK_MONOTONIC, 0, &raw const request, std::ptr::null_mut()) };
}

/// Waits for good, in a receive: from a socket whose peer sends nothing.
pub fn wait_for_ever() -> ! {
    let mut pair = [0; 2];
    let mut byte = 0_u8;
    // SAFETY: there is room for two descriptors.
    unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0, pair.as_mut_ptr()) };
    loop {
        // SAFETY: there is room for a byte.
        unsafe { recv(pair[0], (&raw mut byte).cast(), 1, 0) };
    }
}

/// Reads and forgets what a stream holds now.
pub fn discard(socket: c_int) {
    let mut scratch = [0_u8; 4096];
    loop {
        // SAFETY: `scratch` has the length given.
        let read = unsafe { recv(socket, scratch.as_mut_ptr().cast(), scratch.len(), libc::MSG_DONTWAIT) };
        if read <= 0 {
            return;
        }
    }
}
