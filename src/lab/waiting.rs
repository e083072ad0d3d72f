//! A receive that waits in one thread, while another does something that may end it.

use std::io;
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::arrival::Arrival;
use super::marker::Proof;
use super::received::ReceiveResult;
use super::recheck::recheck;
use super::time_limits::LIMIT;
use super::watchdog::no_thread;
use super::{CallError, Endpoint, SceneError, arrival, needs};
use crate::kernel;
use crate::vocabulary::{Receive, Syscall};

/// Why nothing is said of whether a receive waits.
pub const NOT_TOLD_WHO_WAITS: &str = "this system does not tell whether a thread waits in a call";

/// Why nothing is said of a signal among so many datagrams.
const DISTURBED: &str = "unrelated programs sent datagrams whenever a signal was sent";

/// Why nothing is said of what ended a receive, as on a machine that is too busy to let the thread run.
const NOT_RUN: &str = "the thread of the receive was seen neither to return nor to wait again";

/// What one thread does while the receive of another one waits.
type Meanwhile<'m> = Box<dyn FnOnce(&WaitingReceive<'_>) -> Result<(), SceneError> + 'm>;

/// A receive of another thread, as seen from the one that goes on.
#[derive(Debug)]
pub struct WaitingReceive<'e> {
    endpoint: &'e Endpoint,
    thread: OnceLock<Option<kernel::ThreadId>>,
    returned: AtomicBool,
    /// Whether a signal ends the call; else the lab makes it again.
    interruptible: bool,
    /// Whether the lesson has sent its signal.
    signalled: AtomicBool,
}

impl Endpoint {
    /// Receives in a thread of its own, and does `meanwhile` once that waits, as far as the system tells. What has not
    /// ended the receive by then is followed by an end marker, which does: then it returned [`ReceiveResult::Nothing`].
    ///
    /// # Errors
    /// Those of `meanwhile`; what the system says of the end markers.
    pub fn receive_meanwhile(
        &self,
        buffer: usize,
        meanwhile: impl FnOnce(&WaitingReceive<'_>) -> Result<(), SceneError>,
    ) -> Result<ReceiveResult, SceneError> {
        self.receive_in_a_thread(buffer, false, Box::new(meanwhile))
    }

    /// Receives in a thread of its own, and sends that a signal once it waits; its handler does nothing, and has the
    /// flag SA_RESTART where the signal `restarts` calls. The handler, which prepares, is not recorded.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where the system does not tell whether the receive waits; what it says of the signal.
    pub fn receive_until_a_signal(&self, buffer: usize, restarts: bool) -> Result<ReceiveResult, SceneError> {
        let handled = kernel::handle_signal(restarts);
        let _handled = handled.map_err(|error| CallError::new("install a handler for SIGURG", &error))?;
        self.receive_in_a_thread(buffer, true, Box::new(|receive| receive.signal()))
    }

    fn receive_in_a_thread(
        &self,
        buffer: usize,
        interruptible: bool,
        meanwhile: Meanwhile<'_>,
    ) -> Result<ReceiveResult, SceneError> {
        let waiting = &WaitingReceive {
            endpoint: self,
            thread: OnceLock::new(),
            returned: AtomicBool::new(false),
            interruptible,
            signalled: AtomicBool::new(false),
        };
        let both = || {
            thread::scope(|scope| {
                let (recorded, cause_is_recorded) = mpsc::channel();
                let receive = move || waiting.receive(buffer, &cause_is_recorded);
                let receive = thread::Builder::new().spawn_scoped(scope, receive);
                let receive = receive.map_err(|error| no_thread(&error))?;
                waiting.await_begin();
                let done = meanwhile(waiting);
                if done.is_err() {
                    // An end marker reaches no socket whose peer is gone; this wakes it on Linux.
                    let _ = self.socket.socket.shutdown(Shutdown::Read);
                }
                let ended = if waiting.has_returned() { Ok(()) } else { Proof::end_a_receive(&self.socket) };
                if ended.is_err() {
                    // Where nothing can be sent, this wakes it; Linux does so though it says ENOTCONN.
                    let _ = self.socket.socket.shutdown(Shutdown::Read);
                }
                drop(recorded);
                let result = receive.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                done.and(ended).map(|()| result)
            })
        };
        self.context().at_once(both)
    }
}

impl WaitingReceive<'_> {
    /// Receives. It is recorded only when what the other thread does has been recorded, which may be what ended it.
    fn receive(&self, buffer: usize, cause_is_recorded: &mpsc::Receiver<()>) -> ReceiveResult {
        let receive = Receive::into(buffer);
        let arrival = self.endpoint.arrival_by(&receive, || {
            self.thread.get_or_init(kernel::this_thread);
            let socket = &self.endpoint.socket;
            let made = match self.interruptible {
                true => arrival::until_a_signal(socket, &receive, &self.signalled),
                false => socket.receive(&receive, None),
            };
            self.returned.store(true, Ordering::Release);
            // The other thread hangs up when it is done.
            let _ = cause_is_recorded.recv();
            made
        });
        match arrival {
            Arrival::Result(result) => result,
            Arrival::Marker { .. } => ReceiveResult::Nothing,
        }
    }

    fn has_returned(&self) -> bool {
        self.returned.load(Ordering::Acquire)
    }

    /// Whether the kernel says that the thread sleeps in the call.
    fn sleeps(&self) -> io::Result<bool> {
        match self.thread.get() {
            None => Ok(false),
            Some(thread) => kernel::waits_to_receive(thread.ok_or(io::ErrorKind::Unsupported)?),
        }
    }

    /// Waits until the thread waits or has returned, where the system tells.
    fn await_begin(&self) {
        let _ = self.still_waits();
    }

    /// Whether the receive still waits, whatever has happened to it: what wakes a thread has it running before the call
    /// returns that did so.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where the system does not tell, and it has not returned.
    pub fn still_waits(&self) -> Result<bool, SceneError> {
        let unread = |error| needs::unread("ask whether a thread waits in a call", &error, NOT_TOLD_WHO_WAITS);
        let waits = recheck(LIMIT, || match self.sleeps() {
            // Between the two looks it may have been woken and have ended.
            _ if self.has_returned() => Some(Ok(false)),
            Ok(true) => Some(Ok(true)),
            Err(error) => Some(Err(SceneError::Skip(unread(error)))),
            Ok(false) => None,
        });
        waits.unwrap_or_else(|| Err(SceneError::Skip("the thread was not seen to wait in the call".to_owned())))
    }

    /// States that what follows needs the receive to be waiting. A system that cannot report this is not asked: there
    /// what follows is the same for a receive that is about to begin.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where it has returned, and where the system could tell and does not.
    pub fn required(&self) -> Result<(), SceneError> {
        match self.still_waits() {
            Ok(true) => Ok(()),
            Ok(false) => Err(SceneError::Skip("the receive returned before anything was done about it".to_owned())),
            Err(untold) if kernel::TELLS_WHO_WAITS => Err(untold),
            Err(_) => Ok(()),
        }
    }

    /// Waits until what was done about the receive has ended it, or the kernel says that it waits again. One of the two
    /// is so once the thread has run: until then an end marker may come first, and hide why the call was to return.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where the thread has not run within [`LIMIT`].
    pub fn await_end(&self) -> Result<(), SceneError> {
        self.await_end_within(LIMIT)
    }

    /// The limit is for the processor, which no wait for a datagram shortens.
    fn await_end_within(&self, limit: Duration) -> Result<(), SceneError> {
        if self.sleeps().is_err() {
            self.await_return();
            return Ok(());
        }
        let has_run = || (self.has_returned() || matches!(self.sleeps(), Ok(true))).then_some(());
        recheck(limit, has_run).ok_or_else(|| SceneError::Skip(NOT_RUN.to_owned()))
    }

    /// Waits for what ends the receive and is under way, up to the endpoint's limit.
    pub fn await_return(&self) {
        recheck(self.endpoint.limit(), || self.has_returned().then_some(()));
    }

    /// Sends a signal to the thread once it waits, and waits until that has ended its receive or let it go on. Where a
    /// datagram of an unrelated sender came at that time, the signal may have met no call, and is sent again.
    fn signal(&self) -> Result<(), SceneError> {
        self.required()?;
        let thread = self.thread.get().copied().flatten().unwrap_or_default();
        let call = Syscall::Signal { process: std::process::id(), thread };
        let socket = &self.endpoint.socket;
        let deadline = Instant::now() + self.endpoint.limit();
        loop {
            let set_aside = socket.set_aside.load(Ordering::Acquire);
            if !self.still_waits()? {
                return Ok(());
            }
            self.signalled.store(true, Ordering::Release);
            socket.call(call.clone(), "send SIGURG to a thread", drop)?;
            self.await_end()?;
            if self.has_returned() || socket.set_aside.load(Ordering::Acquire) == set_aside {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(SceneError::Skip(DISTURBED.to_owned()));
            }
        }
    }

    /// Closes the descriptor on which the receive waits. No further call may be made on the endpoint.
    pub fn close(&self) {
        let socket = &self.endpoint.socket;
        socket.perform_by(Syscall::Close, |_| socket.close_meanwhile().into());
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::lab::tests::empty;

    #[test]
    fn a_thread_that_has_not_run_since_is_not_taken_for_one_that_waits() {
        let (lab, _log) = empty();
        let endpoint = lab.bind("server").unwrap();
        // This thread is in no receive, and none has returned.
        let receive = WaitingReceive {
            endpoint: &endpoint,
            thread: kernel::this_thread().into(),
            returned: AtomicBool::new(false),
            interruptible: true,
            signalled: AtomicBool::new(true),
        };
        assert_eq!(receive.await_end_within(Duration::ZERO), Err(SceneError::Skip(NOT_RUN.to_owned())));
        receive.returned.store(true, Ordering::Release);
        assert_eq!(receive.await_end_within(Duration::ZERO), Ok(()));
    }
}
