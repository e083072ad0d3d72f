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
