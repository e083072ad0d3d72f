//! Which receive brought which datagram: told by what was sent and received, since the calls do not say it.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

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

/// What became of the datagrams of a scene, of whose events more and more are known.
#[derive(Default)]
pub(super) struct Arrivals {
    of_events: Vec<Arrived>,
    under_way: UnderWay,
}

impl Arrivals {
    /// The same for all `events` of a scene, of this system.
    pub(super) fn of(events: &[&Event], os: Os) -> Vec<Arrived> {
        let mut arrivals = Arrivals::default();
        arrivals.learn(events, os);
        arrivals.of_events
    }

    /// What became of the datagram of each event.
    pub(super) fn of_events(&self) -> &[Arrived] {
        &self.of_events
    }

    /// Adds those of the events, of this system, that are not known yet.
    pub(super) fn learn(&mut self, events: &[&Event], os: Os) {
        let known = self.of_events.len();
        self.of_events.resize(events.len(), Arrived::No);
        for (index, event) in events.iter().enumerate().skip(known) {
            if event.protocol == Protocol::Tcp {
                continue;
            }
            if let (Some(_), Some(to)) = (was_sent(event), &event.peer) {
                self.under_way.add(Flow { from: event.local, to: to.address }, index);
            }
            let Some(receipt) = Receipt::of(event, os) else { continue };
            if let Some(place) = self.under_way.take(events, &receipt) {
                self.of_events[place] = Arrived::By(index);
                let (kept, sent) = (receipt.length, events[place].payload_length());
                let is_part = sent > kept;
                self.of_events[index] = if is_part { Arrived::Truncated { kept, sent } } else { Arrived::Complete };
            }
        }
    }
}

/// Where a datagram comes from and where it goes, as its sender knows it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Flow {
    from: Option<SocketAddr>,
    to: SocketAddr,
}

/// The datagrams that no receive has brought yet: the places of their sends among the events, in order.
#[derive(Default)]
struct UnderWay {
    flows: BTreeMap<Flow, VecDeque<usize>>,
}

impl UnderWay {
    fn add(&mut self, flow: Flow, place: usize) {
        self.flows.entry(flow).or_default().push_back(place);
    }

    /// Takes out the datagram that a receive brought.
    fn take(&mut self, events: &[&Event], receipt: &Receipt<'_>) -> Option<usize> {
        let place = self.find(events, receipt)?;
        let send = events[place];
        let flow = Flow { from: send.local, to: send.peer.as_ref()?.address };
        let places = self.flows.get_mut(&flow)?;
        // In order, as nearly all datagrams arrive, it is the first.
        let nth = places.binary_search(&place).ok()?;
        places.remove(nth)
    }

    /// Sockets of one name may follow each other in a scene, and send the same: the address tells them apart.
    fn find(&self, events: &[&Event], receipt: &Receipt<'_>) -> Option<usize> {
        let by_address = || match (&receipt.event.peer, receipt.event.local) {
            (Some(from), Some(to)) if !receipt.too_long => {
                let flow = self.flows.get(&Flow { from: Some(from.address), to })?;
                receipt.first(|fits| flow.iter().copied().find(|&place| fits(events[place])))
            }
            _ => receipt.first(|fits| self.first(events, |send| fits(send) && receipt.joins(send, has_address))),
        };
        let by_name = || receipt.first(|fits| self.first(events, |send| fits(send) && receipt.joins(send, is_called)));
        by_address().or_else(by_name)
    }

    /// The first one of all flows that `is_it`.
    fn first(&self, events: &[&Event], is_it: impl Fn(&Event) -> bool) -> Option<usize> {
        self.flows.values().filter_map(|flow| flow.iter().copied().find(|&place| is_it(events[place]))).min()
    }
}

/// A receive that takes a datagram out of the queue.
struct Receipt<'e> {
    event: &'e Event,
    bytes: &'e [u8],
    /// Of the bytes, whether the log has kept them all or not.
    length: usize,
    is_full: bool,
    /// Whether the call failed as the datagram was too long. Windows then fills the buffer, takes the datagram out of
    /// the queue and says no more.
    too_long: bool,
}

impl<'e> Receipt<'e> {
    fn of(event: &'e Event, os: Os) -> Option<Self> {
        let (Syscall::Receive(receive), outcome) = event.call()? else { return None };
        let too_long = matches!(outcome, Outcome::Failed { error, .. } if error.is(SocketError::MessageTooLong, os));
        if receive.flags.contains(PEEK) || event.peer.is_none() && !too_long {
            return None;
        }
        let length = event.payload_length();
        let is_full = too_long || length == receive.capacity();
        Some(Receipt { event, bytes: event.payload().unwrap_or_default(), length, is_full, too_long })
    }

    /// The datagram that `find` finds first, given what it is to be. What has not filled the buffer is a part of
    /// something longer only where nothing else was sent that it could be.
    fn first(&self, find: impl Fn(&dyn Fn(&Event) -> bool) -> Option<usize>) -> Option<usize> {
        let is_alike = |send: &Event| was_sent(send).is_some_and(|payload| begin_alike(payload, self.bytes));
        let is_longer = |send: &Event| send.payload_length() > self.length;
        let fits = |send: &Event| send.payload_length() == self.length || self.is_full && is_longer(send);
        find(&|send| fits(send) && is_alike(send))
            .or_else(|| find(&|send| self.length > 0 && is_longer(send) && is_alike(send)))
    }

    /// Whether the datagram of `send` went from end to end.
    fn joins(&self, send: &Event, is_end: Ends) -> bool {
        (self.too_long || self.event.peer.as_ref().is_some_and(|from| is_end(from, send)))
            && send.peer.as_ref().is_some_and(|to| is_end(to, self.event))
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
    let length = one.len().min(other.len());
    one[..length] == other[..length]
}

/// The payload of a send that did not fail.
pub(super) fn was_sent(event: &Event) -> Option<&[u8]> {
    let (call, outcome) = event.call()?;
    call.payload().filter(|_| matches!(outcome, Outcome::Sent(_)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::vocabulary::{Action, Received, Role, SendForm};

    fn event(local: u16, peer: u16, action: Action) -> Event {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Event {
            returned: Duration::ZERO,
            who: local.to_string(),
            protocol: Protocol::Udp,
            descriptor: 3,
            local: Some(address(local)),
            peer: Some(Peer::new(&peer.to_string(), address(peer))),
            role: Role::Lesson,
            left_out: 0,
            action,
        }
    }

    fn sent(from: u16, to: u16, payload: &[u8]) -> Event {
        let call = Syscall::Send { form: SendForm::Connected, payload: payload.to_vec() };
        event(from, to, Action::Call(call, Outcome::Sent(payload.len())))
    }

    fn received(at: u16, from: u16, payload: &[u8], capacity: usize) -> Event {
        let bytes = payload.to_vec();
        let received =
            Received { returned: bytes.len(), bytes, from: None, truncated: false, ancillary: Default::default() };
        event(at, from, Action::Call(Syscall::Receive(capacity.into()), Outcome::Received(received)))
    }

    #[test]
    fn each_receive_brought_the_first_datagram_under_way_that_it_could_be() {
        let events = [
            sent(1, 9, b"same"),
            sent(2, 9, b"same"),
            sent(1, 9, b"lost"),
            sent(1, 9, b"same"),
            sent(1, 9, b"longer"),
            received(9, 2, b"same", 8),
            received(9, 1, b"same", 8),
            received(9, 1, b"long", 4),
            received(9, 1, b"same", 8),
            received(9, 1, b"same", 8),
        ];
        let events: Vec<&Event> = events.iter().collect();
        let whole = Arrivals::of(&events, Os::Linux);
        let mut grown = Arrivals::default();
        (0..=events.len()).for_each(|known| grown.learn(&events[..known], Os::Linux));
        for arrived in [whole.as_slice(), grown.of_events()] {
            let brought = |place: usize| if let Arrived::By(receive) = arrived[place] { Some(receive) } else { None };
            assert_eq!([0, 1, 2, 3, 4].map(brought), [Some(6), Some(5), None, Some(8), Some(7)]);
            assert!(matches!(arrived[7], Arrived::Truncated { kept: 4, sent: 6 }));
            assert!(matches!(arrived[8], Arrived::Complete));
            assert!(matches!(arrived[9], Arrived::No));
        }
    }
}
