//! Whether something can be received, whether a thread waits for it, and the closing of a socket that is in use.

use std::io;
use std::sync::Arc;

use socket2::Socket;

use crate::vocabulary::POLLIN;
#[cfg(unix)]
use crate::vocabulary::{Events, POLLERR, POLLOUT};

/// Whether the system reports that a thread waits in a receive.
pub const TELLS_WHO_WAITS: bool = cfg!(target_os = "linux");

/// The number of a thread, as the kernel has it.
pub type ThreadId = u32;

/// The thread that calls this; `None` where no use could be made of the number.
#[cfg(target_os = "linux")]
pub fn this_thread() -> Option<ThreadId> {
    ThreadId::try_from(nix::unistd::gettid().as_raw()).ok()
}

/// Whether `thread` of this process sleeps in a receive on a socket; `None` where the kernel does not tell. proc(5),
/// `/proc/pid/task/tid/stat` and `syscall`. Both are needed, in this order: a thread that was woken a moment ago, on another
/// processor, is no longer `S` (sleeping), but until it runs `syscall` shows the call in which it slept.
#[cfg(target_os = "linux")]
pub fn waits_to_receive(thread: ThreadId) -> Option<bool> {
    let of_thread = |file: &str| std::fs::read_to_string(format!("/proc/self/task/{thread}/{file}")).ok();
    let stat = of_thread("stat")?;
    // Behind the program's name, which may have parentheses itself.
    if !stat.rsplit_once(") ")?.1.starts_with('S') {
        return Some(false);
    }
    let call = of_thread("syscall")?;
    let number = call.split_whitespace().next().and_then(|number| number.parse().ok());
    Some(number.is_some_and(|number: libc::c_long| RECEIVES.contains(&number)))
}

/// The calls that receive with the sender's address.
#[cfg(all(target_os = "linux", not(any(target_arch = "x86", target_arch = "s390x"))))]
const RECEIVES: &[libc::c_long] = &[libc::SYS_recvfrom, libc::SYS_recvmsg];

/// The same where one call stood for all those on sockets.
#[cfg(all(target_os = "linux", any(target_arch = "x86", target_arch = "s390x")))]
const RECEIVES: &[libc::c_long] = &[libc::SYS_recvfrom, libc::SYS_recvmsg, libc::SYS_socketcall];

#[allow(missing_docs)]
#[cfg(not(target_os = "linux"))]
pub fn this_thread() -> Option<ThreadId> {
    None
}

/// No other system tells it in a way that a program can use.
#[cfg(not(target_os = "linux"))]
pub fn waits_to_receive(_: ThreadId) -> Option<bool> {
    None
}

/// Whether a receive would not have to wait.
///
/// # Errors
/// What the system says.
pub fn is_readable(socket: &Socket) -> io::Result<bool> {
    poll(socket, POLLIN).map(|events| events.contains(POLLIN))
}

/// Which of `events`, or what error, there is. POSIX `poll()` with a limit of 0.
///
/// # Errors
/// What the system says.
#[cfg(unix)]
pub fn poll(socket: &Socket, events: Events) -> io::Result<Events> {
    use nix::poll::{PollFd, PollFlags, PollTimeout};
    let flags = [(POLLIN, PollFlags::POLLIN), (POLLOUT, PollFlags::POLLOUT), (POLLERR, PollFlags::POLLERR)];
    let asked = flags.iter().filter(|(event, _)| events.contains(*event)).map(|(_, flag)| *flag).collect();
    let mut asked = [PollFd::new(std::os::fd::AsFd::as_fd(socket), asked)];
    nix::poll::poll(&mut asked, PollTimeout::ZERO)?;
    let there = asked[0].revents().unwrap_or(PollFlags::empty());
    Ok(flags
        .into_iter()
        .filter(|(_, flag)| there.contains(*flag))
        .fold(Events::default(), |all, (event, _)| all | event))
}

/// How many bytes the socket says can be received: on Linux those of the next datagram, elsewhere those of all (`FIONREAD`). By the
/// C library, and not by rustix, which makes the call without it: a broken world stands between.
///
/// # Errors
/// What the system says.
#[cfg(unix)]
pub fn queued_bytes(socket: &Socket) -> io::Result<i32> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the call writes a C `int`.
    let status = unsafe { libc::ioctl(std::os::fd::AsRawFd::as_raw_fd(socket), libc::FIONREAD, &raw mut bytes) };
    if status < 0 { Err(io::Error::last_os_error()) } else { Ok(bytes) }
}

/// How many bytes of what was sent are still in the socket's send queue, with what the kernel needs besides them (`SIOCOUTQ`). Linux
/// `udp(7)`.
///
/// # Errors
/// What the system says.
#[cfg(target_os = "linux")]
pub fn unsent_bytes(socket: &Socket) -> io::Result<i32> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the call writes a C `int`. SIOCOUTQ is another name of TIOCOUTQ.
    let status = unsafe { libc::ioctl(std::os::fd::AsRawFd::as_raw_fd(socket), libc::TIOCOUTQ, &raw mut bytes) };
    if status < 0 { Err(io::Error::last_os_error()) } else { Ok(bytes) }
}

/// No other system has it for sockets of UDP.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn unsent_bytes(_: &Socket) -> io::Result<i32> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Closes the descriptor of a socket on which other threads may be in a call. The object stays, so that nothing closes the
/// number again, which may be another socket's by then.
///
/// # Errors
/// What the system says.
pub fn close_meanwhile(socket: Arc<Socket>) -> io::Result<()> {
    let number = super::descriptor(&socket);
    std::mem::forget(socket);
    close(number)
}

#[cfg(unix)]
fn close(descriptor: u64) -> io::Result<()> {
    // It is open, and its owner was forgotten and so does not close it. Who still has a reference makes no further call with it.
    Ok(nix::unistd::close(descriptor as std::os::fd::RawFd)?)
}

#[cfg(windows)]
pub use self::winsock::{poll, queued_bytes};

#[cfg(windows)]
use self::winsock::close;

#[cfg(windows)]
#[allow(missing_docs, reason = "documented above")]
mod winsock {
    use std::io;
    use std::os::windows::io::{AsRawSocket, RawSocket};

    use socket2::Socket;

    use crate::vocabulary::{Events, POLLERR, POLLIN, POLLOUT};

    #[repr(C)]
    struct Asked {
        socket: RawSocket,
        events: i16,
        returned: i16,
    }

    /// POLLRDNORM, POLLWRNORM and POLLERR, which is not asked for.
    const EVENTS: [(Events, i16); 3] = [(POLLIN, 0x0100), (POLLOUT, 0x0010), (POLLERR, 0x0001)];
    const FIONREAD: i32 = 0x4004_667f;

    #[link(name = "ws2_32")]
    unsafe extern "system" {
        fn WSAPoll(asked: *mut Asked, count: u32, milliseconds: i32) -> i32;
        fn ioctlsocket(socket: RawSocket, command: i32, value: *mut u32) -> i32;
        fn closesocket(socket: RawSocket) -> i32;
        fn WSAGetLastError() -> i32;
    }

    fn last_error() -> io::Error {
        // SAFETY: it has no arguments.
        io::Error::from_raw_os_error(unsafe { WSAGetLastError() })
    }

    pub fn poll(socket: &Socket, events: Events) -> io::Result<Events> {
        let asked = EVENTS[..2].iter().filter(|(event, _)| events.contains(*event)).map(|(_, flag)| flag).sum();
        let mut asked = Asked { socket: socket.as_raw_socket(), events: asked, returned: 0 };
        // SAFETY: one structure is given, and `asked` is one.
        if unsafe { WSAPoll(&raw mut asked, 1, 0) } < 0 {
            return Err(last_error());
        }
        let there = EVENTS.into_iter().filter(|(_, flag)| asked.returned & flag != 0);
        Ok(there.fold(Events::default(), |all, (event, _)| all | event))
    }

    pub fn queued_bytes(socket: &Socket) -> io::Result<i32> {
        let mut bytes = 0;
        // SAFETY: the call writes a number of 32 bits.
        let status = unsafe { ioctlsocket(socket.as_raw_socket(), FIONREAD, &raw mut bytes) };
        if status != 0 { Err(last_error()) } else { Ok(i32::try_from(bytes).unwrap_or(i32::MAX)) }
    }

    pub fn close(socket: RawSocket) -> io::Result<()> {
        // SAFETY: the socket is open, and its owner was forgotten and so does not close it.
        if unsafe { closesocket(socket) } != 0 { Err(last_error()) } else { Ok(()) }
    }
}
