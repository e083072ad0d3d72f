//! epoll instances that watch one socket, and the arrival of a datagram with all that the kernel does about it.

use std::io;
use std::time::Duration;

use super::recorded::{done, failed, value};
use super::{Call, CallError, Endpoint, SceneError, Target};
use crate::kernel;
use crate::sockets::CallKind;
use crate::vocabulary::{Events, Outcome, POLLIN, Syscall, Trigger};

/// An epoll instance that reports when a socket can be read.
#[derive(Debug)]
pub struct Watch<'e> {
    endpoint: &'e Endpoint,
    instance: kernel::Epoll,
}

impl Endpoint {
    /// An epoll instance that watches this socket. Linux `epoll_create1(2)`, and `epoll_ctl(2)` with EPOLL_CTL_ADD.
    pub fn watch(&self, trigger: Trigger) -> Call<Watch<'_>> {
        let socket = &self.socket;
        let mut instance = Err(io::ErrorKind::Unsupported.into());
        socket.perform_by(Syscall::EpollCreate, |_| {
            instance = kernel::Epoll::new();
            match &instance {
                Ok(instance) => Outcome::Accepted(instance.descriptor()).into(),
                Err(error) => failed(error).into(),
            }
        });
        let operation = format!("watch {} by epoll", self.name());
        let instance = instance.map_err(|error| CallError::new(operation.clone(), &error))?;
        let add = Syscall::EpollAdd { epoll: instance.descriptor(), trigger };
        let added = socket.perform_by(add, |_| done(instance.add(&socket.socket, trigger)).into());
        socket.result(added.outcome, CallKind::Other, &operation, drop)?;
        Ok(Watch { endpoint: self, instance })
    }

    /// Sends by `send`, and waits until that is queued here and the kernel has told whoever watches this socket or
    /// waits for it. Of what was queued before, that must be so already.
    ///
    /// A wake-up may come after the datagram is queued, on another processor. So an edge-triggered epoll instance of
    /// the lab's own looks on: it reports this datagram when it is woken, and by nothing else. Taking it out waits for
    /// the lock under which all are woken. The lab does it to prepare; it is not recorded.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where nothing is reported within the limit.
    pub fn queue_and_wake(&self, send: impl FnOnce() -> Call<usize>) -> Result<(), SceneError> {
        let socket = &self.socket.socket;
        let error = |error| CallError::new(format!("watch {} by epoll", self.name()), &error);
        let instance = kernel::Epoll::new().map_err(error)?;
        instance.add(socket, Trigger::Edge).map_err(error)?;
        // What is queued already is reported once, to whoever is new.
        instance.wait(Duration::ZERO).map_err(error)?;
        send()?;
        let is_for_it = |reported: Events| reported.contains(POLLIN).then_some(());
        let wait = |limit| instance.wait(limit).map(is_for_it).transpose();
        if let Some(reported) = self.context().session.time_limits.within(wait) {
            reported.map_err(error)?;
            return Ok(instance.remove(socket).map_err(error)?);
        }
        instance.remove(socket).map_err(error)?;
        Err(SceneError::Skip(format!("epoll, edge-triggered, did not report a datagram at {}", self.name())))
    }
}

impl Watch<'_> {
    /// Whether the instance reports that the socket can be read. Linux `epoll_wait(2)`, which does not wait here.
    pub fn reports(&self) -> Call<bool> {
        let (socket, name) = (&self.endpoint.socket, self.endpoint.name());
        let wait = Syscall::EpollWait { epoll: self.instance.descriptor() };
        let made = socket.perform_by(wait, |_| value(self.instance.wait(Duration::ZERO).map(Events::to_int)).into());
        socket.result(made.outcome, CallKind::Other, &format!("epoll_wait for {name}"), |outcome| match outcome {
            Outcome::Value(events) => Events::from_int(events).contains(POLLIN),
            _ => false,
        })
    }
}
