//! A broken world: loaded with `LD_PRELOAD`, it makes the UDP calls of the real binary misbehave, one fault at a time.
//! `UDP_LAB_FAULT` names the fault. Each is what a kernel would do that did not keep a promise; the tests see the
//! lessons notice.

#![cfg(target_os = "linux")]
#![allow(unsafe_code, missing_docs, reason = "it stands in for functions of the C library")]

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use libc::{MSG_DONTWAIT, MSG_PEEK, MSG_TRUNC, sockaddr, sockaddr_in, socklen_t, ssize_t};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Two datagrams of one sender come in one receive.
    Merge,
    /// What does not fit the buffer waits for the next receive.
    KeepRest,
    /// Every third datagram is lost.
    Lose,
    /// Every datagram is delivered twice.
    Twice,
    /// Nobody is told that nobody listens.
    SwallowRefused,
    /// A connect sends a datagram.
    ConnectSends,
    /// There is one loopback address only, no list of descriptors and no count of drops.
    Bare,
}

static FAULT: LazyLock<Fault> = LazyLock::new(|| match std::env::var("UDP_LAB_FAULT").as_deref() {
    Ok("merge") => Fault::Merge,
    Ok("keep-rest") => Fault::KeepRest,
    Ok("lose") => Fault::Lose,
    Ok("twice") => Fault::Twice,
    Ok("swallow-refused") => Fault::SwallowRefused,
    Ok("connect-sends") => Fault::ConnectSends,
    Ok("bare") => Fault::Bare,
    Ok(other) => panic!("no such fault: {other}"),
    Err(_) => Fault::None,
});

type RecvFrom = unsafe extern "C" fn(c_int, *mut c_void, usize, c_int, *mut sockaddr, *mut socklen_t) -> ssize_t;
type SendTo = unsafe extern "C" fn(c_int, *const c_void, usize, c_int, *const sockaddr, socklen_t) -> ssize_t;
type GetSockOpt = unsafe extern "C" fn(c_int, c_int, c_int, *mut c_void, *mut socklen_t) -> c_int;
type OpenDir = unsafe extern "C" fn(*const c_char) -> *mut libc::DIR;
type Connect = unsafe extern "C" fn(c_int, *const sockaddr, socklen_t) -> c_int;

/// The function that this library stands in front of.
fn real(name: &CStr) -> *mut c_void {
    // SAFETY: `name` is a C string, and RTLD_NEXT needs no handle.
    let function = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) };
    assert!(!function.is_null(), "{name:?} is not in the C library");
    function
}

// SAFETY: recvfrom(2) has this signature.
static RECVFROM: LazyLock<RecvFrom> = LazyLock::new(|| unsafe { std::mem::transmute(real(c"recvfrom")) });
// SAFETY: sendto(2) has this signature.
static SENDTO: LazyLock<SendTo> = LazyLock::new(|| unsafe { std::mem::transmute(real(c"sendto")) });
// SAFETY: bind(2) has the signature of connect(2).
static BIND: LazyLock<Connect> = LazyLock::new(|| unsafe { std::mem::transmute(real(c"bind")) });
// SAFETY: getsockopt(2) has this signature.
static GETSOCKOPT: LazyLock<GetSockOpt> = LazyLock::new(|| unsafe { std::mem::transmute(real(c"getsockopt")) });
// SAFETY: opendir(3) has this signature.
static OPENDIR: LazyLock<OpenDir> = LazyLock::new(|| unsafe { std::mem::transmute(real(c"opendir")) });
// SAFETY: connect(2) has this signature.
static CONNECT: LazyLock<Connect> = LazyLock::new(|| unsafe { std::mem::transmute(real(c"connect")) });

/// What was cut off, and who sent it.
type Rest = (Vec<u8>, sockaddr_in);

/// By socket.
static RESTS: LazyLock<Mutex<HashMap<c_int, Rest>>> = LazyLock::new(Mutex::default);
static SENT: AtomicUsize = AtomicUsize::new(0);

fn is_udp(socket: c_int) -> bool {
    let mut kind: c_int = 0;
    let mut length = size_of::<c_int>() as socklen_t;
    // SAFETY: `kind` and `length` live on this stack and have the sizes given.
    let status =
        unsafe { libc::getsockopt(socket, libc::SOL_SOCKET, libc::SO_TYPE, (&raw mut kind).cast(), &raw mut length) };
    status == 0 && kind == libc::SOCK_DGRAM
}

fn last_error() -> c_int {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
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
    // SAFETY: the arguments are the caller's own, or buffers of this function with their lengths.
    unsafe {
        let plain = || RECVFROM(socket, buffer, length, flags, from, from_length);
        if !is_udp(socket) || from.is_null() {
            return plain();
        }
        match *FAULT {
            Fault::SwallowRefused => {
                let received = plain();
                if received < 0 && last_error() == libc::ECONNREFUSED { plain() } else { received }
            }
            Fault::Merge if flags == 0 => {
                let first = plain();
                if first < 0 {
                    return first;
                }
                let mut next_from: sockaddr_in = std::mem::zeroed();
                let mut next_length = size_of::<sockaddr_in>() as socklen_t;
                let mut peek = |flags, into: *mut c_void, room| {
                    RECVFROM(
                        socket,
                        into,
                        room,
                        flags | MSG_DONTWAIT,
                        (&raw mut next_from).cast(),
                        &raw mut next_length,
                    )
                };
                let mut nothing = [0_u8; 1];
                let waiting = peek(MSG_PEEK, nothing.as_mut_ptr().cast(), 0);
                let same = |a: &sockaddr_in, b: &sockaddr_in| a.sin_port == b.sin_port;
                if waiting < 0 || !same(&next_from, &*from.cast::<sockaddr_in>()) {
                    return first;
                }
                let room = length - first as usize;
                let second = RECVFROM(
                    socket,
                    buffer.cast::<u8>().add(first as usize).cast(),
                    room,
                    MSG_DONTWAIT,
                    std::ptr::null_mut(),
                    std::ptr::null_mut(),
                );
                first + second.max(0)
            }
            Fault::KeepRest if flags == 0 => {
                let mut rests = RESTS.lock().unwrap_or_else(PoisonError::into_inner);
                let (mut bytes, sender) = match rests.remove(&socket) {
                    Some(rest) => rest,
                    None => {
                        let mut bytes = vec![0_u8; 65_536];
                        let received =
                            RECVFROM(socket, bytes.as_mut_ptr().cast(), bytes.len(), MSG_TRUNC, from, from_length);
                        if received < 0 {
                            return received;
                        }
                        bytes.truncate(received as usize);
                        (bytes, *from.cast::<sockaddr_in>())
                    }
                };
                let rest = bytes.split_off(length.min(bytes.len()));
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.cast(), bytes.len());
                *from.cast::<sockaddr_in>() = sender;
                *from_length = size_of::<sockaddr_in>() as socklen_t;
                if !rest.is_empty() && length > 0 {
                    rests.insert(socket, (rest, sender));
                }
                bytes.len() as ssize_t
            }
            _ => plain(),
        }
    }
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
        let plain = || SENDTO(socket, buffer, length, flags, to, to_length);
        match *FAULT {
            Fault::Lose if is_udp(socket) && !to.is_null() && SENT.fetch_add(1, Ordering::Relaxed) % 3 == 2 => {
                // It leaves, so that the socket gets its port, and goes where nobody is.
                let mut nowhere = *to.cast::<sockaddr_in>();
                nowhere.sin_port = 1_u16.to_be();
                SENDTO(socket, buffer, length, flags, (&raw const nowhere).cast(), to_length)
            }
            Fault::Twice if is_udp(socket) => {
                plain();
                plain()
            }
            _ => plain(),
        }
    }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn connect(socket: c_int, to: *const sockaddr, to_length: socklen_t) -> c_int {
    // SAFETY: the arguments are the caller's own.
    unsafe {
        let status = CONNECT(socket, to, to_length);
        if *FAULT == Fault::ConnectSends && status == 0 && is_udp(socket) {
            SENDTO(socket, c"SYN".as_ptr().cast(), 3, MSG_DONTWAIT, std::ptr::null(), 0);
        }
        status
    }
}

/// Fails as a call does that sets `errno`.
fn fail(error: c_int) -> c_int {
    // SAFETY: the location belongs to this thread.
    unsafe { *libc::__errno_location() = error };
    -1
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bind(socket: c_int, to: *const sockaddr, to_length: socklen_t) -> c_int {
    // SAFETY: the arguments are the caller's own, and an address of this family is a `sockaddr_in`.
    unsafe {
        let second = [127, 0, 0, 2];
        let is_second = || {
            c_int::from((*to).sa_family) == libc::AF_INET
                && (*to.cast::<sockaddr_in>()).sin_addr.s_addr.to_ne_bytes() == second
        };
        if *FAULT == Fault::Bare && is_second() {
            return fail(libc::EADDRNOTAVAIL);
        }
        BIND(socket, to, to_length)
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
    if *FAULT == Fault::Bare && (level, name) == (libc::SOL_SOCKET, libc::SO_MEMINFO) {
        return fail(libc::ENOPROTOOPT);
    }
    // SAFETY: the arguments are the caller's own.
    unsafe { GETSOCKOPT(socket, level, name, value, length) }
}

/// # Safety
/// As for the C library's function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn opendir(path: *const c_char) -> *mut libc::DIR {
    // SAFETY: the argument is the caller's own, a C string.
    unsafe {
        if *FAULT == Fault::Bare && CStr::from_ptr(path) == c"/proc/self/fd" {
            fail(libc::EACCES);
            return std::ptr::null_mut();
        }
        OPENDIR(path)
    }
}
