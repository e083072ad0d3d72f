//! Sees to it that a scene ends, whatever the system does: a call that does not return is said, and not waited for.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::session::Session;
use super::time_limits::LIMIT;
use super::{CallError, SceneError};

/// How often the number of calls that have returned is checked. Checks are counted, not time: whoever stops the program
/// for a while and lets it go on again has stopped the calls, too.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// Checks of calls that stand still before the one in progress is given up: no call is meant to take longer than
/// [`LIMIT`], and a busy machine gets as much again and more.
const CHECKS: u32 = 50;

/// The same once a call of the lesson was given up: no other is waited for so long.
const CHECKS_LATER: u32 = 10;

/// A thread that the system does not grant.
pub(super) fn no_thread(error: &std::io::Error) -> CallError {
    CallError::preparation("start a thread", error)
}

type Job = Box<dyn FnOnce() + Send>;

/// The thread in which the scenes of a lesson run, one after another. One that stands still is left behind.
#[derive(Default)]
pub(crate) struct Watchdog {
    thread: Option<(mpsc::Sender<Job>, thread::JoinHandle<()>)>,
    hung: usize,
}

impl Watchdog {
    /// Once so many scenes have been given up, no other is run: each would be waited for.
    const MOST_HUNG: usize = 4;

    /// Does `work`, whose calls `session` counts.
    ///
    /// # Errors
    /// Those of `work`; [`SceneError::Hung`] when it stands still, [`SceneError::Endless`] when it makes call after
    /// call.
    pub(crate) fn run<T: Send + 'static>(
        &mut self,
        session: &Session,
        work: impl FnOnce() -> Result<T, SceneError> + Send + 'static,
    ) -> Result<T, SceneError> {
        if self.hung == Self::MOST_HUNG {
            return Err(SceneError::Hung(format!("not run: calls of {} scenes have not returned", self.hung)));
        }
        let (done, result) = mpsc::channel();
        self.start(Box::new(move || {
            // Nobody waits for it any more where it was given up.
            let _ = done.send(work());
        }))?;
        let most = if self.hung > 0 { CHECKS_LATER } else { CHECKS };
        let (mut seen, mut checks) = (session.progress(), 0);
        loop {
            match result.recv_timeout(CHECK_INTERVAL) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Disconnected) => match self.thread.take().map(|(_, thread)| thread.join()) {
                    Some(Err(panic)) => std::panic::resume_unwind(panic),
                    Some(Ok(())) | None => {
                        return Err(SceneError::Defect("a scene ended without a result".to_owned()));
                    }
                },
                Err(RecvTimeoutError::Timeout) => {}
            }
            if session.is_endless() {
                self.thread = None;
                return Err(SceneError::Endless(format!(
                    "{} calls, and no end: no scene needs so many; {}.",
                    session.most_calls,
                    session.last_call()
                )));
            }
            let now = session.progress();
            let may_stand_still = session.work.is_going_on() || session.announcer.is_waiting();
            checks = if now == seen && !may_stand_still { checks + 1 } else { 0 };
            seen = now;
            if checks == most {
                return Err(self.give_up(session, most));
            }
        }
    }

    /// Hands `job` to the thread, and starts one where there is none.
    fn start(&mut self, job: Job) -> Result<(), SceneError> {
        if self.thread.is_none() {
            let (jobs, next) = mpsc::channel::<Job>();
            let thread = thread::Builder::new().spawn(move || next.iter().for_each(|job| job()));
            self.thread = Some((jobs, thread.map_err(|error| no_thread(&error))?));
        }
        match &self.thread {
            Some((jobs, _)) if jobs.send(job).is_ok() => Ok(()),
            _ => Err(SceneError::Defect("the thread of the scenes has ended".to_owned())),
        }
    }

    fn give_up(&mut self, session: &Session, checks: u32) -> SceneError {
        session.time_limits.shorten_after_timeout();
        self.thread = None;
        self.hung += 1;
        let (what, last_call) = (session.standing_still(), session.last_call());
        let waited = |checks| (CHECK_INTERVAL * checks).as_secs_f64();
        let limit = match checks {
            CHECKS => format!("and no call should take longer than {:.1} s", LIMIT.as_secs_f64()),
            _ => format!("after one that had not returned for {:.1} s", waited(CHECKS)),
        };
        SceneError::Hung(format!("{what} has not returned for {:.1} s, {limit}; {last_call}.", waited(checks)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Windows repeats the SYN after each RST: `connect` to a port where nobody listens returns after that time.
    #[test]
    fn a_slow_refusal_of_windows_is_neither_a_wait_in_vain_nor_a_call_that_hangs() {
        let refused_after = Duration::from_secs(2);
        assert!(refused_after + 2 * CHECK_INTERVAL < LIMIT, "{LIMIT:?}");
        assert!(LIMIT < CHECK_INTERVAL * CHECKS);
    }

    #[test]
    fn a_server_may_work_for_longer_than_a_call_may_take() {
        let session = Arc::new(Session::new(None));
        let at_work = Arc::clone(&session);
        let work = move || {
            at_work.work.last_for(CHECK_INTERVAL * (CHECKS + 5));
            Ok("done")
        };
        assert_eq!(Watchdog::default().run(&session, work), Ok("done"));
    }
}
