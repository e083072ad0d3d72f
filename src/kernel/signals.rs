//! Signals that would end the program at a wrong moment.

use std::io;
#[cfg(unix)]
use std::mem::MaybeUninit;
#[cfg(unix)]
use std::sync::Arc;
#[cfg(unix)]
use std::sync::atomic::AtomicBool;

#[cfg(unix)]
use signal_hook::flag;

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

/// Has the signals that end a program end this one where it is process 1, as in a container: the kernel gives that one no
/// default ending. pid_namespaces(7).
///
/// # Errors
/// What the system says.
#[cfg(unix)]
pub fn end_at_a_signal() -> io::Result<()> {
    if std::process::id() != 1 {
        return Ok(());
    }
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
        // With the status that a shell shows for it.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::new(AtomicBool::new(true)))?;
    }
    Ok(())
}

#[allow(missing_docs)]
#[cfg(not(unix))]
pub fn end_at_a_signal() -> io::Result<()> {
    Ok(())
}

/// Makes a call, and says whether it sent SIGPIPE to this thread; nothing comes of the signal.
#[cfg(unix)]
pub fn with_sigpipe<T>(call: impl FnOnce() -> T) -> (T, bool) {
    use std::mem::zeroed;
    use std::ptr::null_mut;

    // SAFETY: the sets are written before they are read. What is changed for this thread is changed back, and a signal that is
    // pending by then is taken: `sigwait` returns at once.
    unsafe {
        let (mut pipe, mut before, mut pending): (libc::sigset_t, libc::sigset_t, libc::sigset_t) =
            (zeroed(), zeroed(), zeroed());
        libc::sigemptyset(&raw mut pipe);
        libc::sigaddset(&raw mut pipe, libc::SIGPIPE);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const pipe, &raw mut before);
        let result = call();
        libc::sigpending(&raw mut pending);
        let came = libc::sigismember(&raw const pending, libc::SIGPIPE) == 1;
        if came {
            let mut taken = 0;
            libc::sigwait(&raw const pipe, &raw mut taken);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, null_mut());
        (result, came)
    }
}

/// Windows has no signals.
#[cfg(windows)]
pub fn with_sigpipe<T>(call: impl FnOnce() -> T) -> (T, bool) {
    (call(), false)
}

/// As long as this is there, SIGURG ends or restarts the call in which it finds a thread, and nothing else comes of it. No other part
/// of the program uses this signal, and one that comes late is ignored by default.
#[derive(Debug)]
#[must_use = "the handler is there no longer than this"]
pub struct Handled {
    #[cfg(target_os = "linux")]
    before: libc::sigaction,
    /// What was blocked before, in the thread that installed it.
    #[cfg(target_os = "linux")]
    blocked: libc::sigset_t,
}

/// Installs a handler for SIGURG that does nothing: `restarts` is the flag SA_RESTART. Linux `signal(7)`. This thread does not block
/// the signal, nor do those that it starts.
///
/// # Errors
/// What the system says.
#[cfg(target_os = "linux")]
pub fn handle_signal(restarts: bool) -> io::Result<Handled> {
    extern "C" fn nothing(_: libc::c_int) {}
    // SAFETY: all-zero bytes are a valid `sigaction` and a valid set. The handler does nothing, and so nothing that a handler must
    // not do.
    unsafe {
        let (mut action, mut before): (libc::sigaction, libc::sigaction) = (std::mem::zeroed(), std::mem::zeroed());
        let (mut urgent, mut blocked): (libc::sigset_t, libc::sigset_t) = (std::mem::zeroed(), std::mem::zeroed());
        action.sa_sigaction = nothing as extern "C" fn(libc::c_int) as libc::sighandler_t;
        action.sa_flags = if restarts { libc::SA_RESTART } else { 0 };
        match libc::sigaction(libc::SIGURG, &raw const action, &raw mut before) {
            0 => {
                libc::sigemptyset(&raw mut urgent);
                libc::sigaddset(&raw mut urgent, libc::SIGURG);
                libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const urgent, &raw mut blocked);
                Ok(Handled { before, blocked })
            }
            _ => Err(io::Error::last_os_error()),
        }
    }
}

#[cfg(target_os = "linux")]
impl Drop for Handled {
    fn drop(&mut self) {
        // SAFETY: both are what the system has told when the handler was installed.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.blocked, std::ptr::null_mut());
            libc::sigaction(libc::SIGURG, &raw const self.before, std::ptr::null_mut());
        }
    }
}

/// Sends SIGURG to one thread of this process. pthread_kill(3), which is tgkill(2).
///
/// # Errors
/// What the system says.
#[cfg(target_os = "linux")]
pub fn send_signal(process: u32, thread: u32) -> io::Result<()> {
    // SAFETY: it has numbers as arguments only.
    let status = unsafe { libc::syscall(libc::SYS_tgkill, process, thread, libc::SIGURG) };
    if status < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// No other system tells whether a thread waits, so that the signal would come at any time.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn handle_signal(_: bool) -> io::Result<Handled> {
    Err(io::ErrorKind::Unsupported.into())
}

/// As [`handle_signal`].
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn send_signal(_: u32, _: u32) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::{ErrorKind, Write, pipe};

    use super::*;

    #[test]
    fn sigpipe_is_seen_and_ends_nothing() {
        let (reader, mut writer) = pipe().unwrap();
        assert!(matches!(with_sigpipe(|| writer.write(b"x")), (Ok(1), false)));
        drop(reader);
        let (written, came) = with_sigpipe(|| writer.write(b"x"));
        assert!(came && written.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe));
        assert!(!with_sigpipe(|| ()).1);
    }
}
