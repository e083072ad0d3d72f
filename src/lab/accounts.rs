//! What the kernel says it has queued and dropped at a socket: when what was sent is no longer under way, though nobody reads.

use std::thread;
use std::time::Instant;

use socket2::Socket;

use super::{Call, Endpoint};
use crate::kernel::{self, HERE};
use crate::vocabulary::Os;

/// The memory of what is queued, in bytes, and how many datagrams were dropped. Neither shrinks while nobody receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Accounts {
    queued: usize,
    dropped: usize,
}

impl Accounts {
    /// Those of `socket`; `None` where the system has none.
    pub(super) fn of(socket: &Socket) -> Option<Self> {
        Some(Accounts { queued: kernel::queued_bytes(socket)?, dropped: kernel::drops(socket)? })
    }

    /// How many datagrams have been queued or dropped, where each takes `cost` bytes of memory.
    fn datagrams(self, cost: Accounts) -> usize {
        self.queued.checked_div(cost.queued).unwrap_or(0) + self.dropped
    }
}

impl Endpoint {
    /// What the kernel has queued and dropped here; `None` where it does not tell.
    pub fn accounts(&self) -> Option<Accounts> {
        Accounts::of(&self.socket.socket)
    }

    /// Waits until the kernel has queued or dropped more than `before`: what it has then. `None` where it does not tell, or
    /// nothing comes within the limit.
    pub fn accounts_after(&self, before: Option<Accounts>) -> Option<Accounts> {
        let before = before?;
        self.await_accounts(|accounts| accounts > before)
    }

    /// Waits until the kernel has queued or dropped `count` datagrams, of which each takes as much memory as the one that was
    /// the first of all, `cost`. A kernel that does not say so is waited for up to the limit.
    pub fn await_datagrams(&self, count: usize, cost: Option<Accounts>) {
        if let Some(cost) = cost {
            self.await_accounts(|accounts| accounts.datagrams(cost) >= count);
        }
    }

    /// Sends by `send`, and waits until that has come to this endpoint and is queued, where the system tells: the kernel's count
    /// where there is one. Elsewhere than on Linux, which delivers on loopback before a send returns, what FIONREAD and poll say.
    ///
    /// # Errors
    /// What the system says of the send.
    pub fn queue(&self, send: impl FnOnce() -> Call<usize>) -> Call<()> {
        if HERE == Os::Linux {
            let before = self.accounts();
            send()?;
            self.accounts_after(before);
            return Ok(());
        }
        let socket = &self.socket.socket;
        let look = || (kernel::queue_length(socket).ok(), kernel::is_readable(socket).ok());
        let before = look();
        send()?;
        let deadline = Instant::now() + self.limit();
        while look() == before && Instant::now() < deadline {
            thread::yield_now();
        }
        Ok(())
    }

    fn await_accounts(&self, enough: impl Fn(Accounts) -> bool) -> Option<Accounts> {
        let deadline = Instant::now() + self.limit();
        loop {
            match self.accounts()? {
                accounts if enough(accounts) => return Some(accounts),
                _ if Instant::now() > deadline => {
                    self.context().session.patience.wait_was_in_vain();
                    return None;
                }
                _ => thread::yield_now(),
            }
        }
    }
}
