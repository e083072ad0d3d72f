//! What the kernel says it has queued and dropped at a socket: when what was sent is no longer under way, though nobody
//! reads.

use socket2::Socket;

use super::{Call, Endpoint, SceneError, needs};
use crate::kernel::{self, HERE};
use crate::vocabulary::Os;

/// The memory of what is queued, in bytes, and how many datagrams were dropped. Neither shrinks while nobody receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueueCounts {
    queued: usize,
    dropped: usize,
}

impl QueueCounts {
    /// Those of `socket`; `None` where the system has none.
    pub(super) fn of(socket: &Socket) -> Option<Self> {
        Some(QueueCounts { queued: kernel::queue_memory(socket)?, dropped: kernel::drops(socket)? })
    }

    /// What has come in addition to `before`.
    pub fn since(self, before: QueueCounts) -> QueueCounts {
        let QueueCounts { queued, dropped } = before;
        QueueCounts { queued: self.queued.saturating_sub(queued), dropped: self.dropped.saturating_sub(dropped) }
    }

    /// Whether datagrams were dropped.
    pub fn has_drops(self) -> bool {
        self.dropped > 0
    }

    /// How many datagrams have been queued or dropped, where each takes `cost` bytes of memory.
    pub fn datagrams(self, cost: QueueCounts) -> usize {
        self.queued.checked_div(cost.queued).unwrap_or(0) + self.dropped
    }
}

impl Endpoint {
    /// How many datagrams the kernel dropped at this socket.
    ///
    /// # Errors
    /// The reason, where the system does not tell.
    pub fn drops(&self) -> Result<usize, String> {
        kernel::drops(&self.socket.socket).ok_or_else(|| needs::NO_DROPS.to_owned())
    }

    /// What the kernel has queued and dropped here; `None` where it does not tell.
    pub fn queue_counts(&self) -> Option<QueueCounts> {
        QueueCounts::of(&self.socket.socket)
    }

    /// Waits until the kernel has queued or dropped more than `before`: what it has then. `None` where it does not
    /// tell, or nothing comes within the limit.
    pub fn queue_counts_after(&self, before: Option<QueueCounts>) -> Option<QueueCounts> {
        let before = before?;
        self.await_counts(|counts| counts > before)
    }

    /// The memory that the kernel has queued here in addition to `before`, in bytes, once there is some.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where the system does not tell, or nothing is queued.
    pub fn memory_after(&self, before: Option<QueueCounts>) -> Result<usize, SceneError> {
        let before = before.ok_or_else(|| SceneError::Skip(needs::NO_DROPS.to_owned()))?;
        let added = self.queue_counts_after(Some(before)).map(|after| after.since(before).queued);
        added.filter(|added| *added > 0).ok_or_else(|| SceneError::Skip("the datagram was not queued".to_owned()))
    }

    /// Waits until the kernel has queued or dropped `count` datagrams, of which each takes as much memory as the first
    /// one did, `cost`; whether the kernel said so within the limit.
    pub fn await_datagrams(&self, count: usize, cost: QueueCounts) -> bool {
        self.await_counts(|counts| counts.datagrams(cost) >= count).is_some()
    }

    /// Sends by `send`, and waits until that has come to this endpoint and is queued, where the system tells: the
    /// kernel's count where there is one, and elsewhere what FIONREAD and poll say.
    ///
    /// # Errors
    /// What the system says of the send.
    pub fn queue(&self, send: impl FnOnce() -> Call<usize>) -> Call<()> {
        self.queue_by(Box::new(send))
    }

    fn queue_by(&self, send: Box<dyn FnOnce() -> Call<usize> + '_>) -> Call<()> {
        let socket = &self.socket.socket;
        let before = self.queue_counts();
        if before.is_some() {
            send()?;
            self.queue_counts_after(before);
            return Ok(());
        }
        // Linux's FIONREAD, which is Wine's too, tells of the next datagram alone: behind another one nothing can be
        // seen to come.
        let tells_of_the_next_alone = HERE == Os::Linux || kernel::under_wine();
        if tells_of_the_next_alone && kernel::is_readable(socket).is_ok_and(|readable| readable) {
            return send().map(drop);
        }
        let look = || (kernel::queued_bytes(socket).ok(), kernel::is_readable(socket).ok());
        let before = look();
        send()?;
        self.context().session.wait(|| (look() != before).then_some(()));
        Ok(())
    }

    fn await_counts(&self, enough: impl Fn(QueueCounts) -> bool) -> Option<QueueCounts> {
        self.queue_counts()?;
        self.context().session.wait(|| self.queue_counts().filter(|counts| enough(*counts)))
    }
}
