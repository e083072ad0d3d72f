//! What differs between systems at compile time, and every `unsafe` line: nothing else in the crate has either.

#![allow(unsafe_code, reason = "the one place for calls that the safe libraries do not offer")]

use std::io;
use std::mem::MaybeUninit;

use socket2::{MaybeUninitSlice, SockAddr, Socket};

use crate::vocabulary::{Host, Os};

/// The system this program was built for.
pub const HERE: Os = if cfg!(windows) {
    Os::Windows
} else if cfg!(target_os = "linux") {
    Os::Linux
} else {
    Os::Macos
};

/// `MSG_PEEK`: look at the next datagram and leave it in the queue. POSIX `recvfrom()`.
pub const MSG_PEEK: i32 = 0x2;

/// `MSG_WAITALL`: wait for a full buffer, on streams. POSIX `recvfrom()`.
pub const MSG_WAITALL: i32 = match HERE {
    Os::Linux => 0x100,
    Os::Macos => 0x40,
    Os::Windows => 0x8,
};

/// `MSG_TRUNC` as an input flag: return the real length. Linux `recv(2)`; other systems ignore or refuse it.
pub const MSG_TRUNC: i32 = 0x20;

/// The machine this program runs on.
pub fn host() -> Host {
    Host { os: HERE, release: release(), arch: std::env::consts::ARCH }
}

/// Does `work`, and lets a signal that asks the program to end wait until it is done. Windows has no such signals.
#[cfg(unix)]
pub fn without_signals<T>(work: impl FnOnce() -> T) -> T {
    let mut ending = MaybeUninit::uninit();
    let mut before = MaybeUninit::uninit();
    // SAFETY: the sets are written before they are read: `ending` by sigemptyset, `before` by the first pthread_sigmask,
    // which fails only where it is told something else than to block.
    unsafe {
        libc::sigemptyset(ending.as_mut_ptr());
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
            libc::sigaddset(ending.as_mut_ptr(), signal);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, ending.as_ptr(), before.as_mut_ptr());
        let result = work();
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut());
        result
    }
}

#[allow(missing_docs)]
#[cfg(not(unix))]
pub fn without_signals<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// Has a write past the limit of a file's size fail as on a full disk, and not end the program. POSIX SIGXFSZ.
#[cfg(unix)]
pub fn fail_past_the_file_size() {
    // SAFETY: no handler is installed.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

#[allow(missing_docs)]
#[cfg(not(unix))]
pub fn fail_past_the_file_size() {}

/// Makes a receive again that a suspension of the program or a signal cut short, with its whole limit. Linux
/// ends every receive so that has a limit, even where signals are to restart calls (signal(7)).
fn uninterrupted<T>(mut receive: impl FnMut() -> io::Result<T>) -> io::Result<T> {
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
/// What the system says. On Windows that includes 10040 for a datagram longer than the buffer, which is filled.
pub fn receive_from(socket: &Socket, buffer: &mut [u8], flags: i32) -> io::Result<(usize, SockAddr)> {
    uninterrupted(|| socket.recv_from_with_flags(uninit(buffer), flags))
}

/// Reads from a stream into `buffer`, or from a connected datagram socket; 0 is the end of the stream.
///
/// # Errors
/// What the system says.
pub fn receive(socket: &Socket, buffer: &mut [u8], flags: i32) -> io::Result<usize> {
    uninterrupted(|| socket.recv_with_flags(uninit(buffer), flags))
}

/// Receives one datagram into parts of `buffer`, `lengths` bytes each, by `recvmsg`: how many bytes were written,
/// whether the datagram was flagged as cut, and who sent it.
///
/// # Errors
/// What the system says.
///
/// # Panics
/// When `buffer` is shorter than `lengths` together.
pub fn receive_parts(socket: &Socket, buffer: &mut [u8], lengths: &[usize]) -> io::Result<(usize, bool, SockAddr)> {
    let mut rest = uninit(buffer);
    let mut parts = Vec::with_capacity(lengths.len());
    for &length in lengths {
        let (part, tail) = rest.split_at_mut(length);
        parts.push(MaybeUninitSlice::new(part));
        rest = tail;
    }
    let (length, flags, from) = uninterrupted(|| socket.recv_from_vectored(&mut parts))?;
    Ok((length, flags.is_truncated(), from))
}

/// A datagram as a server receives it.
pub struct Request {
    /// How many bytes were written into the buffer.
    pub length: usize,
    /// Whether the datagram was flagged as cut.
    pub cut: bool,
    /// Who sent it.
    pub from: SockAddr,
    /// The time to live, or hop limit, with which it arrived, where the system tells.
    pub hops: Option<u8>,
}

/// Sends with a time to live of `hops` from now on, and asks that [`receive_request`] tells with which one a datagram
/// arrives.
///
/// # Errors
/// What the system says.
#[cfg(unix)]
pub fn count_hops(socket: &Socket, hops: u8) -> io::Result<()> {
    let ask = |level, option| {
        let on: libc::c_int = 1;
        let length = size_of_val(&on) as libc::socklen_t;
        let descriptor = std::os::fd::AsRawFd::as_raw_fd(socket);
        // SAFETY: the option is read from `on`, which has the length given.
        let status = unsafe { libc::setsockopt(descriptor, level, option, (&raw const on).cast(), length) };
        if status < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    };
    let v4 = || ask(libc::IPPROTO_IP, libc::IP_RECVTTL).and_then(|()| socket.set_ttl_v4(hops.into()));
    if socket.local_addr()?.is_ipv4() {
        return v4();
    }
    // For the clients of IPv4 that a socket of IPv6 hears; not every system has them there.
    let _ = v4();
    ask(libc::IPPROTO_IPV6, libc::IPV6_RECVHOPLIMIT)?;
    socket.set_unicast_hops_v6(hops.into())
}

/// Windows tells the time to live only by a call that neither library has.
///
/// # Errors
/// None.
#[cfg(windows)]
pub fn count_hops(_: &Socket, _: u8) -> io::Result<()> {
    Ok(())
}

/// Receives one datagram by `recvmsg`, and with it what [`count_hops`] asked for.
///
/// # Errors
/// What the system says.
#[cfg(unix)]
pub fn receive_request(socket: &Socket, buffer: &mut [u8]) -> io::Result<Request> {
    /// Room for a number of each family, aligned as the headers in it must be.
    #[repr(C, align(8))]
    struct Control([u8; 128]);

    let mut control = Control([0; 128]);
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: all zeros are a message without parts. It is given an address, a part and a room for control messages that
    // outlive the call, each with its length. `recvmsg` leaves in it how much of each was written, and the walk along the
    // control messages stays within that.
    let received = unsafe {
        SockAddr::try_init(|address, address_length| {
            let mut message: libc::msghdr = std::mem::zeroed();
            message.msg_name = address.cast();
            message.msg_namelen = *address_length;
            message.msg_iov = &raw mut part;
            message.msg_iovlen = 1;
            message.msg_control = (&raw mut control).cast();
            message.msg_controllen = size_of::<Control>() as _;
            let length = libc::recvmsg(std::os::fd::AsRawFd::as_raw_fd(socket), &raw mut message, 0);
            if length < 0 {
                return Err(io::Error::last_os_error());
            }
            *address_length = message.msg_namelen;
            let mut hops = None;
            let mut header = libc::CMSG_FIRSTHDR(&raw const message);
            while !header.is_null() {
                let kind = ((*header).cmsg_level, (*header).cmsg_type);
                // Linux gives the option that was asked for another number when it answers.
                if [(libc::IPPROTO_IP, libc::IP_TTL), (libc::IPPROTO_IP, libc::IP_RECVTTL)].contains(&kind)
                    || kind == (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT)
                {
                    let data = libc::CMSG_DATA(header);
                    let length = (*header).cmsg_len as usize - libc::CMSG_LEN(0) as usize;
                    hops = match length {
                        1 => Some(*data),
                        4 => u8::try_from(data.cast::<libc::c_int>().read_unaligned()).ok(),
                        _ => None,
                    };
                }
                header = libc::CMSG_NXTHDR(&raw const message, header);
            }
            Ok((length as usize, message.msg_flags & libc::MSG_TRUNC != 0, hops))
        })
    };
    let ((length, cut, hops), from) = received?;
    Ok(Request { length, cut, from, hops })
}

/// Receives one datagram.
///
/// # Errors
/// What the system says.
#[cfg(windows)]
pub fn receive_request(socket: &Socket, buffer: &mut [u8]) -> io::Result<Request> {
    let whole = buffer.len();
    let (length, cut, from) = receive_parts(socket, buffer, &[whole])?;
    Ok(Request { length, cut, from, hops: None })
}

/// Calls `read` for 0 bytes, as no receive call would.
///
/// # Errors
/// What the system says; on Windows that sockets cannot be read so.
#[cfg(unix)]
pub fn read_nothing(socket: &Socket) -> io::Result<()> {
    // SAFETY: a read of 0 bytes writes nothing, so there need be no buffer.
    let read = unsafe { libc::read(std::os::fd::AsRawFd::as_raw_fd(socket), [0_u8; 0].as_mut_ptr().cast(), 0) };
    if read < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Windows has no `read` for sockets.
///
/// # Errors
/// Always.
#[cfg(windows)]
pub fn read_nothing(_: &Socket) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn uninit(buffer: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    // SAFETY: the layouts are the same, and socket2 only ever writes initialised bytes through the slice.
    unsafe { &mut *(std::ptr::from_mut(buffer) as *mut [MaybeUninit<u8>]) }
}

/// The number of a socket's descriptor, or of its handle on Windows.
pub fn descriptor(socket: &Socket) -> u64 {
    #[cfg(unix)]
    let number = std::os::fd::AsRawFd::as_raw_fd(socket) as u64;
    #[cfg(windows)]
    let number = std::os::windows::io::AsRawSocket::as_raw_socket(socket);
    number
}

/// How many descriptors this process has open, where the system tells.
pub fn open_descriptors() -> Option<usize> {
    let folder = match HERE {
        Os::Linux => "/proc/self/fd",
        Os::Macos => "/dev/fd",
        Os::Windows => return None,
    };
    Some(std::fs::read_dir(folder).ok()?.count())
}

/// How many datagrams the kernel has dropped because this socket's queue was full: its own count, by the socket option
/// SO_MEMINFO (Linux 4.12). `None` where the system has no such count. `/proc/net/udp` shows the same number, and now
/// and then misses a socket while others come and go.
#[cfg(target_os = "linux")]
pub fn drops(socket: &Socket) -> Option<usize> {
    /// `SK_MEMINFO_DROPS` of `linux/sock_diag.h`.
    const DROPS: usize = 8;
    let mut counts = [0_u32; DROPS + 1];
    let mut length = size_of_val(&counts) as libc::socklen_t;
    // SAFETY: the option writes at most `length` bytes into `counts`, which has that size.
    let status = unsafe {
        libc::getsockopt(
            std::os::fd::AsRawFd::as_raw_fd(socket),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            counts.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    (status == 0 && length as usize == size_of_val(&counts)).then(|| counts[DROPS] as usize)
}

/// No other system counts drops by socket where a program can read it.
#[cfg(not(target_os = "linux"))]
pub fn drops(_: &Socket) -> Option<usize> {
    None
}

/// Whether any UDP socket of this machine is bound to `port`; `None` where the system does not show it.
pub fn udp_port_in_use(port: u16) -> Option<bool> {
    if HERE != Os::Linux {
        return None;
    }
    let sockets = std::fs::read_to_string("/proc/self/net/udp").ok()?;
    let local = sockets.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1));
    let port = format!(":{port:04X}");
    Some(local.into_iter().any(|local| local.ends_with(&port)))
}

/// A setting of the kernel by the name that `sysctl` knows it by; `None` where there is no such setting.
#[cfg(target_os = "linux")]
pub fn kernel_setting(name: &str) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/sys/{}", name.replace('.', "/"))).ok()?;
    Some(text.trim().to_owned())
}

/// A setting of the kernel by the name that `sysctl` knows it by, where it is a number; `None` where there is none.
#[cfg(target_os = "macos")]
pub fn kernel_setting(name: &str) -> Option<String> {
    let name = std::ffi::CString::new(name).ok()?;
    let mut value: libc::c_int = 0;
    let mut length = size_of_val(&value);
    // SAFETY: at most `length` bytes are written into `value`, which has that size; nothing is set.
    let status =
        unsafe { libc::sysctlbyname(name.as_ptr(), (&raw mut value).cast(), &raw mut length, std::ptr::null_mut(), 0) };
    (status == 0 && length == size_of_val(&value)).then(|| value.to_string())
}

/// Other systems have no such settings, or none that this program asks for.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub fn kernel_setting(_: &str) -> Option<String> {
    None
}

/// How many descriptors this process may have open: `ulimit -n`.
#[cfg(unix)]
pub fn descriptor_limit() -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `getrlimit` writes into the structure that it is given.
    let status = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    (status == 0).then_some(limit.rlim_cur)
}

/// Windows sets no such limit.
#[cfg(windows)]
pub fn descriptor_limit() -> Option<u64> {
    None
}

#[cfg(unix)]
fn release() -> String {
    // SAFETY: all-zero bytes are a valid `utsname`, and `uname` writes into the one it is given.
    let (status, system) = unsafe {
        let mut system: libc::utsname = std::mem::zeroed();
        (libc::uname(&raw mut system), system)
    };
    if status != 0 {
        return String::new();
    }
    system.release.iter().take_while(|&&c| c != 0).map(|&c| char::from(c.to_ne_bytes()[0])).collect()
}

#[cfg(windows)]
fn release() -> String {
    #[repr(C)]
    struct VersionInformation {
        size: u32,
        major: u32,
        minor: u32,
        build: u32,
        platform: u32,
        service_pack: [u16; 128],
    }

    #[link(name = "ntdll")]
    unsafe extern "system" {
        fn RtlGetVersion(information: *mut VersionInformation) -> i32;
    }

    let mut version = VersionInformation { size: 0, major: 0, minor: 0, build: 0, platform: 0, service_pack: [0; 128] };
    version.size = size_of::<VersionInformation>() as u32;
    // SAFETY: the structure has the layout of RTL_OSVERSIONINFOW and carries its own size.
    if unsafe { RtlGetVersion(&raw mut version) } != 0 {
        return String::new();
    }
    format!("{}.{}.{}", version.major, version.minor, version.build)
}

/// Whether this is Wine and not Windows: Wine's `ntdll` tells its own version.
#[cfg(windows)]
pub fn under_wine() -> bool {
    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn GetModuleHandleA(name: *const std::ffi::c_char) -> *mut std::ffi::c_void;
        fn GetProcAddress(module: *mut std::ffi::c_void, name: *const std::ffi::c_char) -> *mut std::ffi::c_void;
    }

    // SAFETY: both names are C strings, and `ntdll` is loaded in every process.
    unsafe { !GetProcAddress(GetModuleHandleA(c"ntdll.dll".as_ptr()), c"wine_get_version".as_ptr()).is_null() }
}

/// Whether this is Wine and not Windows.
#[cfg(not(windows))]
pub fn under_wine() -> bool {
    false
}
