//! Whether something can be received, whether a thread waits for it, and the closing of a socket that is in use.

use std::io;
use std::sync::Arc;

#[cfg(unix)]
use nix::poll::PollFlags;
#[cfg(windows)]
use rustix::event::PollFlags;
use socket2::Socket;

use crate::vocabulary::{Events, POLLERR, POLLIN, POLLOUT};

/// Whether the system reports that a thread waits in a receive.
pub const TELLS_WHO_WAITS: bool = cfg!(target_os = "linux");

/// The number of a thread, as the kernel has it.
pub type ThreadId = u32;

/// The thread that calls this; `None` where no use could be made of the number.
#[cfg(target_os = "linux")]
pub fn this_thread() -> Option<ThreadId> {
    ThreadId::try_from(nix::unistd::gettid().as_raw()).ok()
}

/// Whether `thread` of this process sleeps in a receive on a socket. proc(5),
/// `/proc/pid/task/tid/stat` and `syscall`. Both are needed, in this order: a thread that was woken a moment ago, on
/// another processor, is no longer `S` (sleeping), but until it runs `syscall` shows the call in which it slept.
#[cfg(target_os = "linux")]
pub fn waits_to_receive(thread: ThreadId) -> io::Result<bool> {
    let of_thread = |file: &str| std::fs::read_to_string(format!("/proc/self/task/{thread}/{file}"));
    let stat = of_thread("stat")?;
    // Behind the program's name, which may have parentheses itself.
    let (_, state) = stat.rsplit_once(") ").ok_or(io::ErrorKind::Unsupported)?;
    if !state.starts_with('S') {
        return Ok(false);
    }
    let call = of_thread("syscall")?;
    let number = call.split_whitespace().next().and_then(|number| number.parse().ok());
    Ok(number.is_some_and(|number: libc::c_long| RECEIVES.contains(&number)))
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
pub fn waits_to_receive(_: ThreadId) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether a receive would not have to wait.
pub fn is_readable(socket: &Socket) -> io::Result<bool> {
    poll(socket, POLLIN).map(|events| events.contains(POLLIN))
}

/// Which of `events`, or what error, there is. POSIX `poll()` with a limit of 0.
pub fn poll(socket: &Socket, events: Events) -> io::Result<Events> {
    let asked = FLAGS.iter().filter(|(event, _)| events.contains(*event)).map(|(_, flag)| *flag).collect();
    let there = poll_once(socket, asked)?;
    let there = FLAGS.into_iter().filter(|(_, flag)| there.contains(*flag));
    Ok(there.fold(Events::default(), |all, (event, _)| all | event))
}

#[cfg(unix)]
const FLAGS: [(Events, PollFlags); 3] =
    [(POLLIN, PollFlags::POLLIN), (POLLOUT, PollFlags::POLLOUT), (POLLERR, PollFlags::POLLERR)];

/// On Windows POLLIN and POLLOUT have two bits each, of which one is enough.
#[cfg(windows)]
const FLAGS: [(Events, PollFlags); 3] =
    [(POLLIN, PollFlags::RDNORM), (POLLOUT, PollFlags::WRNORM), (POLLERR, PollFlags::ERR)];

#[cfg(unix)]
fn poll_once(socket: &Socket, asked: PollFlags) -> io::Result<PollFlags> {
    let mut asked = [nix::poll::PollFd::new(std::os::fd::AsFd::as_fd(socket), asked)];
    nix::poll::poll(&mut asked, nix::poll::PollTimeout::ZERO)?;
    Ok(asked[0].revents().unwrap_or(PollFlags::empty()))
}

#[cfg(windows)]
fn poll_once(socket: &Socket, asked: PollFlags) -> io::Result<PollFlags> {
    // WSAPoll refuses POLLERR among what is asked for.
    let mut asked = [rustix::event::PollFd::new(socket, asked.difference(PollFlags::ERR))];
    rustix::event::poll(&mut asked, Some(&rustix::event::Timespec::default()))?;
    Ok(asked[0].revents())
}

/// How many bytes the socket says can be received: on Linux those of the next datagram, elsewhere those of all
/// (`FIONREAD`).
#[cfg(unix)]
pub fn queued_bytes(socket: &Socket) -> io::Result<i32> {
    number_of_bytes(socket, libc::FIONREAD as _)
}

/// As above.
#[cfg(windows)]
pub fn queued_bytes(socket: &Socket) -> io::Result<i32> {
    Ok(i32::try_from(rustix::io::ioctl_fionread(socket)?).unwrap_or(i32::MAX))
}

/// By the C library, and not by rustix, which makes the call without it: a broken world stands between. Not every C
/// library has requests of the same type.
#[cfg(unix)]
fn number_of_bytes(socket: &Socket, request: libc::c_ulong) -> io::Result<i32> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the requests of this file write a C `int`, and `bytes` is one.
    super::done(unsafe { libc::ioctl(std::os::fd::AsRawFd::as_raw_fd(socket), request as _, &raw mut bytes) })?;
    Ok(bytes)
}

/// How many bytes of what was sent are still in the socket's send queue, with what the kernel needs besides them
/// (`SIOCOUTQ`). Linux `udp(7)`.
#[cfg(target_os = "linux")]
pub fn unsent_bytes(socket: &Socket) -> io::Result<i32> {
    // SIOCOUTQ is another name of TIOCOUTQ.
    number_of_bytes(socket, libc::TIOCOUTQ as _)
}

/// No other system has it for sockets of UDP.
#[cfg(not(target_os = "linux"))]
pub fn unsent_bytes(_: &Socket) -> io::Result<i32> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Closes the descriptor of a socket on which other threads may be in a call. The object stays, so that nothing closes
/// the number again, which may be another socket's by then.
pub fn close_meanwhile(socket: Arc<Socket>) -> io::Result<()> {
    let number = super::descriptor(&socket);
    std::mem::forget(socket);
    close(number)
}

#[cfg(unix)]
fn close(descriptor: u64) -> io::Result<()> {
    // It is open, and its owner was forgotten and so does not close it. Who still has a reference makes no further call
    // with it.
    Ok(nix::unistd::close(descriptor as std::os::fd::RawFd)?)
}

/// Closing a socket that is open does not fail.
#[cfg(windows)]
fn close(descriptor: u64) -> io::Result<()> {
    use std::os::windows::io::{FromRawSocket, OwnedSocket};
    // SAFETY: the socket is open, and its owner was forgotten and so does not close it.
    drop(unsafe { OwnedSocket::from_raw_socket(descriptor) });
    Ok(())
}
