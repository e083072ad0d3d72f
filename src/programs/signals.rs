//! Signals that ask the server to end.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::ProgramError;
use crate::kernel::{self, HERE};
use crate::vocabulary::{Os, os_message};

/// The signal for a terminal that goes away, by its number since no library has the same one everywhere: `SIGHUP`, on
/// Windows `SIGBREAK`.
const TERMINAL_GONE: i32 = match HERE {
    Os::Linux | Os::Macos => 1,
    Os::Windows => 21,
};

/// Has the first of these signals set what is returned. The second ends the process with the status of a signal in a
/// shell, whatever it does. So does the first where the process waits in a write that nobody reads, a second later.
///
/// Nothing but a handler watches, no thread: for a process of one thread the C library and the kernel leave locks out,
/// in each allocation and system call.
pub(super) fn stop_at_the_first() -> Result<Arc<AtomicBool>, ProgramError> {
    let stop = Arc::new(AtomicBool::new(false));
    let watch = |signal| {
        // In this order: the first signal must not find what it sets itself.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&stop))?;
        flag::register(signal, Arc::clone(&stop))?;
        kernel::end_unread_after(signal)
    };
    let watched = [SIGINT, SIGTERM, TERMINAL_GONE].into_iter().try_for_each(watch);
    watched.map_err(|e| ProgramError::Environment(format!("cannot watch for Ctrl-C: {}", os_message(&e, HERE))))?;
    Ok(stop)
}
