//! epoll, which Linux alone has: another way than `poll` to ask whether something can be received.

use std::io;
use std::time::Duration;

use socket2::Socket;

use crate::vocabulary::{Events, Trigger};

/// An epoll instance. It is closed where this is dropped.
#[derive(Debug)]
pub struct Epoll {
    #[cfg(target_os = "linux")]
    instance: nix::sys::epoll::Epoll,
}

#[cfg(target_os = "linux")]
impl Epoll {
    /// A new one. Linux `epoll_create1(2)`.
    pub fn new() -> io::Result<Self> {
        use nix::sys::epoll::{Epoll as Instance, EpollCreateFlags};
        Ok(Epoll { instance: Instance::new(EpollCreateFlags::EPOLL_CLOEXEC)? })
    }

    /// Its file descriptor.
    pub fn descriptor(&self) -> u64 {
        use std::os::fd::AsRawFd;
        u64::try_from(self.instance.0.as_raw_fd()).unwrap_or_default()
    }

    /// Has it report when `socket` can be read. Linux `epoll_ctl(2)`, EPOLL_CTL_ADD.
    pub fn add(&self, socket: &Socket, trigger: Trigger) -> io::Result<()> {
        use nix::sys::epoll::{EpollEvent, EpollFlags};
        let events = match trigger {
            Trigger::Level => EpollFlags::EPOLLIN,
            Trigger::Edge => EpollFlags::EPOLLIN | EpollFlags::EPOLLET,
        };
        Ok(self.instance.add(socket, EpollEvent::new(events, super::descriptor(socket)))?)
    }

    /// Has it report nothing of `socket` any more. Linux `epoll_ctl(2)`, EPOLL_CTL_DEL.
    pub fn remove(&self, socket: &Socket) -> io::Result<()> {
        Ok(self.instance.delete(socket)?)
    }

    /// The events of one socket that it reports; none where it has nothing to report within `limit`. Linux
    /// `epoll_wait(2)`.
    pub fn wait(&self, limit: Duration) -> io::Result<Events> {
        use nix::sys::epoll::{EpollEvent, EpollTimeout};
        let limit = EpollTimeout::try_from(limit).unwrap_or(EpollTimeout::MAX);
        let mut reported = [EpollEvent::empty()];
        let count = super::receive::uninterrupted(|| Ok(self.instance.wait(&mut reported, limit)?))?;
        // The numbers are those of poll.
        Ok(Events::from_int(if count > 0 { reported[0].events().bits() } else { 0 }))
    }
}

#[cfg(not(target_os = "linux"))]
#[allow(missing_docs, clippy::missing_errors_doc, reason = "documented above")]
impl Epoll {
    pub fn new() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn descriptor(&self) -> u64 {
        0
    }

    pub fn add(&self, _: &Socket, _: Trigger) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn remove(&self, _: &Socket) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn wait(&self, _: Duration) -> io::Result<Events> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
