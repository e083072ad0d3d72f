//! One receive call: it waits up to its limit, whatever interrupts it, and passes over what unrelated programs have
//! sent.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::recorded::{Made, RecordedSocket, failed};
use super::time_limits::LIMIT;
use super::{Endpoint, ReceiveResult};
use crate::kernel::{self, HERE, Message};
use crate::sockets::{self, error_of};
use crate::vocabulary::{
    ERRQUEUE, Flags, Outcome, PEEK, Peer, Protocol, Receive, ReceiveForm, Received, Role, SocketError, Syscall,
};

/// How many datagrams of unrelated senders are passed over after the limit: more than wait in any queue, so that a
/// flood does not hold the lesson.
const MOST_LATE: usize = 10_000;

/// The shortest wait that the system knows of on every machine.
const AT_ONCE: Duration = Duration::from_millis(1);

/// A receive that failed: the error, and the buffer as the call left it.
type Failure = (io::Error, Vec<u8>);

/// What one call brought, before it is known who sent it.
struct Raw {
    bytes: Vec<u8>,
    message: Message,
}

impl Raw {
    /// The same, now that it is known who sent it.
    fn received(self, from: Option<Peer>) -> Received {
        let Message { length: returned, truncated, ancillary, .. } = self.message;
        Received { bytes: self.bytes, from, returned, truncated, ancillary }
    }
}

/// What a receive brought: something of the lesson, or an end marker.
pub(super) enum Arrival {
    Result(ReceiveResult),
    Marker { from: SocketAddr, byte: u8 },
}

impl Endpoint {
    /// One receive call.
    pub(super) fn arrival(&self, receive: &Receive, sender: Option<&Peer>) -> Arrival {
        self.arrival_by(receive, || self.socket.receive(receive, sender))
    }

    /// The same where the call is made by `make`.
    pub(super) fn arrival_by(&self, receive: &Receive, make: impl FnOnce() -> Made) -> Arrival {
        let call = Syscall::Receive(receive.clone());
        let Made { outcome, role, .. } = self.socket.perform_by(call, |_| make());
        match (outcome, role) {
            (Outcome::Received(received), Role::EndMarker) => {
                let from = received.from.map_or(sockets::ANY_PORT, |from| from.address);
                Arrival::Marker { from, byte: received.bytes.first().copied().unwrap_or_default() }
            }
            (outcome, _) => Arrival::Result(outcome.into()),
        }
    }
}

/// Receives a datagram of the scene: the lesson's own, or an end marker.
pub(super) fn next(receiver: &RecordedSocket, receive: &Receive, sender: Option<&Peer>) -> Made {
    if receive.form == ReceiveForm::Read {
        return read(receiver, receive).into();
    }
    if receiver.sets_limits {
        return as_it_is(receiver, receive, &mut || once(receiver, receive, sender));
    }
    if receive.waits {
        return waiting(receiver, receive, &mut || once(receiver, receive, sender));
    }
    let switch = |on| receiver.socket.set_nonblocking(on);
    if let Err(error) = switch(true) {
        return failed(&error).into();
    }
    let made = waiting(receiver, receive, &mut || once(receiver, receive, sender));
    // Where this fails, the next call that is to wait returns at once, and says so.
    let _ = switch(false);
    made
}

/// Takes out of the queue what unrelated senders have sent so far: a receive of the lab, and no part of the lesson.
pub(super) fn discard_unrelated(receiver: &RecordedSocket) {
    let receive = Receive::into(1).without_waiting();
    receiver.perform_by(Syscall::Receive(receive.clone()), |_| {
        let switched = receiver.socket.set_nonblocking(true);
        let made = match switched {
            Ok(()) => as_it_is(receiver, &receive, &mut || once(receiver, &receive, None)),
            Err(error) => failed(&error).into(),
        };
        // Where this fails, a receive that is to wait returns at once, and says so.
        let _ = receiver.socket.set_nonblocking(false);
        Made { role: Role::Lab, ..made }
    });
}

/// Receives with what the lesson has set and nothing else: a limit that has passed is the error that the system
/// returned.
fn as_it_is(receiver: &RecordedSocket, receive: &Receive, attempt: &mut dyn FnMut() -> Result<Raw, Failure>) -> Made {
    for _ in 0..MOST_LATE {
        match attempt() {
            Ok(raw) => match known(receiver, receive, raw) {
                Some(made) => return made,
                None => set_aside(receiver, receive),
            },
            Err((error, _)) => return failed(&error).into(),
        }
    }
    Outcome::Nothing.into()
}

/// Receives by `recvfrom` with what the lesson has set, until a signal ends it: one that comes before `sent` is not the
/// lesson's, and the call is made again.
pub(super) fn until_a_signal(receiver: &RecordedSocket, receive: &Receive, sent: &AtomicBool) -> Made {
    as_it_is(receiver, receive, &mut || loop {
        let mut bytes = vec![0; receive.capacity()];
        match kernel::receive_from_once(&receiver.socket, &mut bytes, receive.flags) {
            Ok((length, from)) => {
                bytes.truncate(length);
                return Ok(Raw { bytes, message: Message::new(length, from.as_socket()) });
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted && !sent.load(Ordering::Acquire) => {}
            Err(error) => return Err((error, bytes)),
        }
    })
}

fn waiting(receiver: &RecordedSocket, receive: &Receive, attempt: &mut dyn FnMut() -> Result<Raw, Failure>) -> Made {
    let time_limits = &receiver.context.session.time_limits;
    let started = Instant::now();
    let limit = time_limits.limit();
    if limit < LIMIT {
        // Where this fails, the longer limit that was set before still holds.
        let _ = sockets::wait_at_most(&receiver.socket, limit);
    }
    let mut late = 0;
    let made = loop {
        let (error, buffer) = match attempt() {
            Ok(raw) => match known(receiver, receive, raw) {
                Some(made) => {
                    time_limits.arrived_after(started.elapsed());
                    break made;
                }
                None => {
                    set_aside(receiver, receive);
                    (io::ErrorKind::Interrupted.into(), Vec::new())
                }
            },
            Err(failure) => failure,
        };
        match error.kind() {
            io::ErrorKind::Interrupted if started.elapsed() < limit => {}
            // What is in the queue came in time, however long it took to look there; only an empty one says that
            // nothing came.
            io::ErrorKind::Interrupted if late < MOST_LATE => {
                if late == 0 {
                    let _ = sockets::wait_at_most(&receiver.socket, AT_ONCE);
                }
                late += 1;
            }
            io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                if receive.waits && started.elapsed() >= limit {
                    time_limits.shorten_after_timeout();
                }
                break Outcome::Nothing.into();
            }
            _ => {
                let error = error_of(&error);
                // It may as well be about an earlier datagram, which was too long: then nothing was written.
                let filled = error.is(SocketError::MessageTooLong, HERE) && buffer.iter().any(|byte| *byte != 0);
                break Outcome::Failed { error, buffer: if filled { buffer } else { Vec::new() } }.into();
            }
        }
    };
    if late > 0 {
        let _ = sockets::wait_at_most(&receiver.socket, limit);
    }
    made
}

/// Who sent it, or to whom it was sent where it is an error's; `None` where that is no socket of the scene. A receive
/// that has no sender to tell has no datagram either: the socket is shut down.
fn known(receiver: &RecordedSocket, receive: &Receive, raw: Raw) -> Option<Made> {
    let Some(address) = raw.message.from else {
        return Some(Outcome::Received(raw.received(None)).into());
    };
    let directory = &receiver.context.directory;
    let is_error = receive.flags.contains(ERRQUEUE);
    let nobody = is_error.then(|| directory.closed_port(address)).flatten();
    let name = nobody.or_else(|| directory.name_of(Protocol::Udp, address));
    let is_marker = receiver.context.markers.is_one(address, &raw.bytes);
    let name = name.or_else(|| is_marker.then(|| "the lab".to_owned()))?;
    let peer = Peer { name, address };
    let received = raw.received(Some(peer.clone()));
    let role = if is_marker { Role::EndMarker } else { Role::Lesson };
    Some(Made { role, peer: Some(peer), ..Outcome::Received(received).into() })
}

/// Any program on this machine may send here.
fn set_aside(receiver: &RecordedSocket, receive: &Receive) {
    receiver.context.note_unrelated_sender(Protocol::Udp);
    receiver.set_aside.fetch_add(1, Ordering::Release);
    discard_peeked(receiver, receive);
}

/// What is not for the lesson is still in the queue after a peek, and would be peeked at for ever.
pub(super) fn discard_peeked(receiver: &RecordedSocket, receive: &Receive) {
    if receive.flags.contains(PEEK) {
        let _ = kernel::receive_from(&receiver.socket, &mut [], Flags::default());
    }
}

fn once(receiver: &RecordedSocket, receive: &Receive, sender: Option<&Peer>) -> Result<Raw, Failure> {
    let mut bytes = vec![0; receive.capacity()];
    let socket = &receiver.socket;
    let message = match receive.form {
        ReceiveForm::From => kernel::receive_from(socket, &mut bytes, receive.flags)
            .map(|(length, from)| Message::new(length, from.as_socket())),
        ReceiveForm::Recv | ReceiveForm::Read => kernel::receive(socket, &mut bytes, receive.flags)
            .map(|length| Message::new(length, sender.map(|sender| sender.address))),
        ReceiveForm::Message if receiver.wants_ancillary.load(Ordering::Relaxed) => {
            kernel::receive_message(socket, &mut bytes, &receive.buffers, receive.flags)
        }
        ReceiveForm::Message => kernel::receive_parts(socket, &mut bytes, &receive.buffers, receive.flags),
    };
    match message {
        Ok(message) => {
            bytes.truncate(message.length);
            Ok(Raw { bytes, message })
        }
        Err(error) => Err((error, bytes)),
    }
}

/// Reads from a stream, or by `read` from a datagram socket, which does not tell who has sent.
pub(super) fn read(receiver: &RecordedSocket, receive: &Receive) -> Outcome {
    let mut bytes = vec![0; receive.capacity()];
    let read = match receive.form {
        ReceiveForm::Read => kernel::read(&receiver.socket, &mut bytes),
        _ => kernel::receive(&receiver.socket, &mut bytes, receive.flags),
    };
    match read {
        Ok(length) => {
            bytes.truncate(length);
            Outcome::Received(Raw { bytes, message: Message::new(length, None) }.received(None))
        }
        Err(error) if sockets::is_timeout(&error) => Outcome::Nothing,
        Err(error) => failed(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Target;
    use crate::lab::tests::empty;

    fn interrupted() -> Failure {
        (io::ErrorKind::Interrupted.into(), Vec::new())
    }

    fn time_limits(receiver: &RecordedSocket) -> Duration {
        receiver.socket.read_timeout().unwrap().unwrap()
    }

    #[test]
    fn an_interrupted_receive_goes_on_with_the_same_limit() {
        let (lab, _) = empty();
        let (server, client) = (lab.bind("server").unwrap(), lab.bind("client").unwrap());
        let mut limits = Vec::new();
        let made = waiting(&server.socket, &Receive::into(5), &mut || {
            limits.push(time_limits(&server.socket));
            match limits.len() {
                4 => Ok(Raw { bytes: b"hello".to_vec(), message: Message::new(5, Some(client.address())) }),
                _ => Err(interrupted()),
            }
        });
        assert!(matches!(made.outcome, Outcome::Received(received) if received.bytes == b"hello"));
        assert_eq!(limits, [LIMIT; 4]);
    }

    #[test]
    fn after_the_limit_the_queue_is_read_without_waiting_and_not_for_ever() {
        let (lab, _) = empty();
        let server = lab.bind("server").unwrap();
        let session = &server.socket.context.session;
        session.time_limits.shorten_after_timeout();
        let limit = session.time_limits.limit();
        let mut limits = Vec::new();
        let made = waiting(&server.socket, &Receive::into(5), &mut || {
            limits.push(time_limits(&server.socket));
            if limits.len() == 1 {
                std::thread::sleep(limit);
            }
            Err(interrupted())
        });
        assert_eq!(made.outcome, Outcome::Nothing);
        assert_eq!((limits[0], limits.len()), (limit, 1 + MOST_LATE));
        assert!(limits[1..].iter().all(|&late| late < limit));
        assert_eq!(time_limits(&server.socket), limit);
    }
}
