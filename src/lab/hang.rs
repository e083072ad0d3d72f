//! Sees to it that a lesson ends, whatever the system does: a call that does not return is said, and not waited for.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::socket::LIMIT;
use super::{CallError, Log, Trouble};

/// How often the log is looked at. Looks are counted, not time: whoever stops the program for a while and lets it go on
/// again has stopped the calls, too.
const LOOK: Duration = Duration::from_millis(100);

/// Looks at a log that stands still before the call in hand is given up: no call is meant to take longer than
/// [`LIMIT`], and a busy machine gets as much again and more.
const LOOKS: u32 = 50;

/// A thread that the system does not grant.
pub(super) fn no_thread(error: &std::io::Error) -> CallError {
    CallError::new("start a thread", error)
}

/// Does `work`, which writes into `log`, in a thread of its own.
///
/// # Errors
/// Those of `work`; [`Trouble::Hung`] when it stands still. The thread is then left behind.
pub(crate) fn unless_hung<T: Send + 'static>(
    log: &Arc<Log>,
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    let (done, result) = mpsc::channel();
    let worker = thread::Builder::new().spawn(move || {
        // Nobody waits for it any more where it was given up.
        let _ = done.send(work());
    });
    let worker = worker.map_err(|error| no_thread(&error))?;
    let (mut seen, mut looks) = (log.progress(), 0);
    loop {
        match result.recv_timeout(LOOK) {
            Ok(result) => return result,
            Err(RecvTimeoutError::Disconnected) => match worker.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => return Err(Trouble::Defect("a lesson ended without a result".to_owned())),
            },
            Err(RecvTimeoutError::Timeout) => {}
        }
        // A watcher that makes the lesson wait holds the log, so that this waits as well.
        let now = log.progress();
        looks = if now == seen && !log.is_at_work() { looks + 1 } else { 0 };
        seen = now;
        if looks == LOOKS {
            return Err(Trouble::Hung(format!(
                "a call has not returned for {} s, and none should take longer than {} s; {}.",
                (LOOK * LOOKS).as_secs(),
                LIMIT.as_secs(),
                log.last_call()
            )));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_may_work_for_longer_than_a_call_may_take() {
        let log = Arc::new(Log::new(None));
        let at_work = Arc::clone(&log);
        let work = move || {
            at_work.work_for(LOOK * (LOOKS + 5));
            Ok("done")
        };
        assert_eq!(unless_hung(&log, work), Ok("done"));
    }
}
