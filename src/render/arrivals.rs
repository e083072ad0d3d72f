//! Which receive brought which datagram: told by what was sent and received, since the calls do not say it.

use crate::vocabulary::{Event, Os, Outcome, PEEK, Peer, Protocol, SocketError, Syscall};

/// What became of the datagram of an event: of a send whether it arrived, of a receive whether all of it is there.
#[derive(Clone, Copy)]
pub(super) enum Arrived {
    /// It did not, or nobody knows which one it was.
    No,
    /// It has not, and the scene goes on.
    NotYet,
    /// It did: the receive at this place among the events brought it.
    By(usize),
    /// The receive brought all its bytes.
    Complete,
    /// The receive brought a part of it.
    Truncated {
        /// The bytes that it brought.
        kept: usize,
        /// Those that were sent.
        sent: usize,
    },
}

impl Arrived {
    /// The same, or `missing` where it did not.
    pub(super) fn or(self, missing: Arrived) -> Arrived {
        if matches!(self, Arrived::No) { missing } else { self }
    }
}

/// Adds those of the events, of this system, that `arrived` does not know yet.
pub(super) fn arrivals(events: &[&Event], os: Os, arrived: &mut Vec<Arrived>) {
    let known = arrived.len();
    arrived.resize(events.len(), Arrived::No);
    for (index, event) in events.iter().enumerate().skip(known) {
        let Some((Syscall::Receive(receive), outcome)) = event.call() else { continue };
        if event.protocol == Protocol::Tcp || receive.flags.contains(PEEK) {
            continue;
        }
        let bytes = event.payload().unwrap_or_default();
        // Windows fills the buffer, takes the datagram out of the queue and says no more than that it was too long.
        let too_long = matches!(outcome, Outcome::Failed { error, .. } if error.is(SocketError::MessageTooLong, os));
        let length = event.payload_length();
        let is_full = too_long || length == receive.capacity();
        let first = |is_end: Ends, is_it: &dyn Fn(&Event) -> bool| {
            events[..index].iter().zip(arrived.iter()).position(|(send, arrived)| {
                matches!(arrived, Arrived::No)
                    && send.protocol == Protocol::Udp
                    && was_sent(send).is_some_and(|payload| begin_alike(payload, bytes))
                    && is_it(send)
                    && (too_long || event.peer.as_ref().is_some_and(|from| is_end(from, send)))
                    && send.peer.as_ref().is_some_and(|to| is_end(to, event))
            })
        };
        // What has not filled the buffer is a part of something longer only where nothing else was sent that it could
        // be.
        let sent_between = |is_end| {
            first(is_end, &|send| send.payload_length() == length || is_full && send.payload_length() > length)
                .or_else(|| first(is_end, &|send| length > 0 && send.payload_length() > length))
        };
        // Sockets of one name may follow each other in a scene, and send the same: the address tells them apart.
        let sent = sent_between(has_address).or_else(|| sent_between(is_called));
        if let Some(place) = sent {
            arrived[place] = Arrived::By(index);
            let (kept, sent) = (length, events[place].payload_length());
            arrived[index] = if sent > kept { Arrived::Truncated { kept, sent } } else { Arrived::Complete };
        }
    }
}

/// Whether the socket at one end of a datagram made the call of this event.
type Ends = fn(&Peer, &Event) -> bool;

fn has_address(peer: &Peer, event: &Event) -> bool {
    event.local == Some(peer.address)
}

fn is_called(peer: &Peer, event: &Event) -> bool {
    peer.name == event.who || has_address(peer, event)
}

/// Whether one payload can be the beginning of the other, by as much as the log has kept of both.
fn begin_alike(one: &[u8], other: &[u8]) -> bool {
    one.iter().zip(other).all(|(one, other)| one == other)
}

/// The payload of a send that did not fail.
pub(super) fn was_sent(event: &Event) -> Option<&[u8]> {
    let (call, outcome) = event.call()?;
    call.payload().filter(|_| matches!(outcome, Outcome::Sent(_)))
}
