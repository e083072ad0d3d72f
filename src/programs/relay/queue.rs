//! Datagrams that wait, by the time at which they are sent.

use std::collections::BTreeMap;
use std::time::Instant;

use super::Flow;
use crate::vocabulary::RelayDirection;

/// A datagram on its way through the relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Datagram {
    pub flow: Flow,
    /// Which one of its direction it is, counted from 1.
    pub number: u64,
    pub payload: Vec<u8>,
    /// The time to live with which it goes on, where the system told the one with which it came.
    pub hops: Option<u8>,
    /// Whether it is the second one of a datagram that was duplicated.
    pub is_copy: bool,
    /// Whether it waits until the next one of its flow has passed.
    pub held_back: bool,
}

/// What waits, at most [`Queue::MOST`] datagrams.
#[derive(Default)]
pub(super) struct Queue {
    /// By time, and in the order of arrival where the time is the same.
    waiting: BTreeMap<(Instant, u64), Datagram>,
    arrivals: u64,
}

impl Queue {
    /// Most datagrams that wait, so that a flood cannot fill the memory. It is the default of `tc netem`, too.
    pub const MOST: usize = 1000;

    pub fn is_full(&self) -> bool {
        self.waiting.len() >= Self::MOST
    }

    pub fn add(&mut self, due: Instant, datagram: Datagram) {
        self.waiting.insert((due, self.arrivals), datagram);
        self.arrivals += 1;
    }

    /// When the next one is to be sent.
    pub fn next_due(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|((due, _), _)| *due)
    }

    /// The next one that is to be sent by `now`.
    pub fn take_due(&mut self, now: Instant) -> Option<Datagram> {
        let next = self.waiting.first_entry().filter(|next| next.key().0 <= now)?;
        Some(next.remove())
    }

    /// Those that were held back until a later one of their flow has passed, now that `number` has.
    pub fn release(&mut self, flow: Flow, number: u64) -> Vec<Datagram> {
        let is_free = |datagram: &Datagram| datagram.held_back && datagram.flow == flow && datagram.number < number;
        let free: Vec<_> = self.waiting.iter().filter(|(_, datagram)| is_free(datagram)).map(|(key, _)| *key).collect();
        free.into_iter().filter_map(|key| self.waiting.remove(&key)).collect()
    }

    /// How many wait in this direction, copies aside.
    pub fn count(&self, direction: RelayDirection) -> usize {
        self.waiting.values().filter(|datagram| datagram.flow.direction == direction && !datagram.is_copy).count()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const FLOW: Flow = Flow { direction: RelayDirection::ToServer, client: 1 };

    fn datagram(number: u64) -> Datagram {
        Datagram { flow: FLOW, number, payload: Vec::new(), hops: None, is_copy: false, held_back: false }
    }

    fn numbers(datagrams: impl IntoIterator<Item = Datagram>) -> Vec<u64> {
        datagrams.into_iter().map(|datagram| datagram.number).collect()
    }

    #[test]
    fn what_waits_leaves_by_time_and_else_in_its_order() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut queue = Queue::default();
        for (number, due) in [(1, 30), (2, 10), (3, 10), (4, 50)] {
            queue.add(at(due), datagram(number));
        }
        assert_eq!((queue.next_due(), queue.take_due(at(9))), (Some(at(10)), None));
        assert_eq!(numbers(std::iter::from_fn(|| queue.take_due(at(30)))), [2, 3, 1]);
        assert_eq!(
            (queue.next_due(), queue.count(RelayDirection::ToServer), queue.count(RelayDirection::ToClient)),
            (Some(at(50)), 1, 0)
        );
    }

    #[test]
    fn what_is_held_back_waits_for_a_later_one_of_its_own_flow() {
        let now = Instant::now();
        let mut queue = Queue::default();
        for number in [1, 2, 7] {
            queue.add(now, Datagram { held_back: true, ..datagram(number) });
        }
        queue.add(now, Datagram { flow: Flow { client: 2, ..FLOW }, held_back: true, ..datagram(3) });
        queue.add(
            now,
            Datagram { flow: Flow { direction: RelayDirection::ToClient, ..FLOW }, held_back: true, ..datagram(3) },
        );
        queue.add(now, datagram(4));
        assert_eq!(numbers(queue.release(FLOW, 1)), [0; 0]);
        assert_eq!(numbers(queue.release(FLOW, 5)), [1, 2]);
        assert_eq!(numbers(std::iter::from_fn(|| queue.take_due(now))), [7, 3, 3, 4]);
    }
}
