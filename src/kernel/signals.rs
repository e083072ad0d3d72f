//! Signals that would end the program at a wrong moment.

use std::io;
#[cfg(unix)]
use std::sync::Arc;
#[cfg(unix)]
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

#[cfg(target_os = "linux")]
use nix::sys::signal::{SaFlags, SigAction, SigHandler, sigaction};
#[cfg(unix)]
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
#[cfg(unix)]
use signal_hook::{flag, low_level};

/// Does `work`, and lets a signal that asks the program to end wait until it is done. Windows has no such signals.
#[cfg(unix)]
pub fn without_signals<T>(work: impl FnOnce() -> T) -> T {
    blocking(&SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]), work)
}

/// Does `work`, and has this thread receive none of `signals` meanwhile.
#[cfg(unix)]
fn blocking<T>(signals: &SigSet, work: impl FnOnce() -> T) -> T {
    // Neither call fails: both are told what they know.
    let before = signals.thread_swap_mask(SigmaskHow::SIG_BLOCK);
    let result = work();
    if let Ok(before) = before {
        let _ = before.thread_set_mask();
    }
    result
}

#[allow(missing_docs)]
#[cfg(not(unix))]
pub fn without_signals<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// Has a write past the limit of a file's size fail as on a full disk, and not end the program. POSIX SIGXFSZ.
#[cfg(unix)]
pub fn fail_past_the_file_size() {
    // SAFETY: the signal is ignored: no code of this program runs where it comes.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

#[allow(missing_docs)]
#[cfg(not(unix))]
pub fn fail_past_the_file_size() {}

/// Has the programs that are started here be waited for, also where whoever started this one ignores SIGCHLD, as by
/// `trap '' CHLD`: a child would then be gone before it is asked for its status. Linux wait(2).
#[cfg(unix)]
pub fn keep_children_until_they_are_waited_for() {
    // SAFETY: it is the default: no code of this program runs where it comes.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}

#[allow(missing_docs)]
#[cfg(not(unix))]
pub fn keep_children_until_they_are_waited_for() {}

/// From `signal` on, looks once a second whether standard output has room, and ends the process where it has none:
/// nobody reads what is written last. The status is the one that a shell shows for the signal.
///
/// No thread looks, and no write has a limit: an alarm finds the process in the write in which it waits.
#[cfg(unix)]
pub fn end_unread_after(signal: i32) -> io::Result<()> {
    static STATUS: AtomicI32 = AtomicI32::new(0);

    extern "C" fn look(_: libc::c_int) {
        let mut output = libc::pollfd { fd: libc::STDOUT_FILENO, events: libc::POLLOUT, revents: 0 };
        // SAFETY: both calls may be made in a handler (signal-safety(7)); the first is given one descriptor, and its
        // number.
        let is_full = unsafe { libc::poll(&raw mut output, 1, 0) == 0 };
        if is_full {
            low_level::exit(STATUS.load(Ordering::Relaxed));
        }
        // SAFETY: as above.
        unsafe { libc::alarm(1) };
    }

    let begin = move || {
        STATUS.store(128 + signal, Ordering::Relaxed);
        // SAFETY: `look` does what a handler may do. Not before now: whoever started this program may have set an alarm
        // that is to end it.
        unsafe {
            libc::signal(libc::SIGALRM, look as *const () as libc::sighandler_t);
            libc::alarm(1);
        }
    };
    // SAFETY: `begin` does what a handler may do: signal(2) and alarm(2) are in the list of signal-safety(7).
    unsafe { low_level::register(signal, begin) }.map(drop)
}

/// Windows has no alarms.
#[cfg(not(unix))]
pub fn end_unread_after(_: i32) -> io::Result<()> {
    Ok(())
}

/// Has the signals that end a program end this one where it is process 1, as in a container: the kernel gives that one
/// no default ending. pid_namespaces(7). What `sums_up` at the signals that ask for an end watches for those itself;
/// SIGQUIT asks for nothing.
#[cfg(unix)]
pub fn end_at_a_signal(sums_up: bool) -> io::Result<()> {
    if std::process::id() != 1 {
        return Ok(());
    }
    let asking = if sums_up { &[][..] } else { &[libc::SIGINT, libc::SIGTERM, libc::SIGHUP] };
    for signal in asking.iter().copied().chain([libc::SIGQUIT]) {
        // With the status that a shell shows for it.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::new(AtomicBool::new(true)))?;
    }
    Ok(())
}

#[allow(missing_docs)]
#[cfg(not(unix))]
pub fn end_at_a_signal(_: bool) -> io::Result<()> {
    Ok(())
}

/// Makes a call, and says whether it sent SIGPIPE to this thread; nothing comes of the signal.
#[cfg(unix)]
pub fn with_sigpipe<T>(call: impl FnOnce() -> T) -> (T, bool) {
    let pipe = SigSet::from_iter([Signal::SIGPIPE]);
    blocking(&pipe, || {
        let result = call();
        let came = pending().contains(Signal::SIGPIPE);
        if came {
            // It is pending, so this returns at once.
            let _ = pipe.wait();
        }
        (result, came)
    })
}

/// The signals that wait until this thread no longer blocks them.
#[cfg(unix)]
fn pending() -> SigSet {
    let mut pending = *SigSet::empty().as_ref();
    // SAFETY: the call writes into a set, which is one before and after.
    unsafe {
        libc::sigpending(&raw mut pending);
        SigSet::from_sigset_t_unchecked(pending)
    }
}

/// Windows has no signals.
#[cfg(windows)]
pub fn with_sigpipe<T>(call: impl FnOnce() -> T) -> (T, bool) {
    (call(), false)
}

/// As long as this is there, SIGURG ends or restarts the call in which it finds a thread, and nothing else comes of it.
/// No other part of the program uses this signal, and one that comes late is ignored by default.
#[derive(Debug)]
#[must_use = "the handler is there no longer than this"]
pub struct Handled {
    #[cfg(target_os = "linux")]
    before: SigAction,
    /// What was blocked before, in the thread that installed it.
    #[cfg(target_os = "linux")]
    blocked: SigSet,
}

/// Installs a handler for SIGURG that does nothing: `restarts` is the flag SA_RESTART. Linux `signal(7)`. This thread
/// does not block the signal, nor do those that it starts.
#[cfg(target_os = "linux")]
pub fn handle_signal(restarts: bool) -> io::Result<Handled> {
    extern "C" fn nothing(_: libc::c_int) {}

    let flags = if restarts { SaFlags::SA_RESTART } else { SaFlags::empty() };
    let action = SigAction::new(SigHandler::Handler(nothing), flags, SigSet::empty());
    // SAFETY: the handler does nothing, and so nothing that a handler must not do.
    let before = unsafe { sigaction(Signal::SIGURG, &action) }?;
    let blocked = SigSet::from_iter([Signal::SIGURG]).thread_swap_mask(SigmaskHow::SIG_UNBLOCK)?;
    Ok(Handled { before, blocked })
}

#[cfg(target_os = "linux")]
impl Drop for Handled {
    fn drop(&mut self) {
        let _ = self.blocked.thread_set_mask();
        // SAFETY: it is what was in force before, as the system has told.
        let _ = unsafe { sigaction(Signal::SIGURG, &self.before) };
    }
}

/// Sends SIGURG to one thread of this process. pthread_kill(3), which is tgkill(2).
#[cfg(target_os = "linux")]
pub fn send_signal(process: u32, thread: u32) -> io::Result<()> {
    // SAFETY: it takes numbers, and fails where they are no thread of this process.
    let status = unsafe { libc::syscall(libc::SYS_tgkill, process, thread, libc::SIGURG) };
    if status < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// No other system tells whether a thread waits, so that the signal would come at any time.
#[cfg(not(target_os = "linux"))]
pub fn handle_signal(_: bool) -> io::Result<Handled> {
    Err(io::ErrorKind::Unsupported.into())
}

/// As [`handle_signal`].
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
