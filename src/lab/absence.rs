//! How an endpoint proves that nothing more comes to it.

use std::sync::atomic::Ordering;

use super::arrival::Arrival;
use super::arrival::discard_peeked;
use super::marker::Proof;
use super::received::{AllReceived, ReceiveResult};
use super::{CallError, Endpoint, SceneError, Target, needs};
use crate::kernel::{self, option};
use crate::vocabulary::{OptionValue, PEEK, Receive};

impl Endpoint {
    /// Sees to it that the receive buffer holds datagrams of these payload lengths, in bytes. That prepares, and is not
    /// recorded.
    ///
    /// # Errors
    /// [`SceneError::Skip`] when the system does not grant a buffer of that size.
    pub fn grow_receive_buffer(&self, payloads: impl IntoIterator<Item = usize>) -> Result<(), SceneError> {
        self.grow_receive_buffer_to(receive_buffer_for(payloads))
    }

    fn grow_receive_buffer_to(&self, needed: usize) -> Result<(), SceneError> {
        let granted = || option::get(&self.socket.socket, &option::RECEIVE_BUFFER.name).map(usize::from_int);
        let granted = || granted().map_err(|e| CallError::new("ask for the receive buffer's size", &e));
        if granted()? >= needed {
            return Ok(());
        }
        // A refusal shows in the size that is granted.
        let _ = option::set(&self.socket.socket, &option::RECEIVE_BUFFER.name, needed.to_int());
        match granted()? {
            granted if granted >= needed => Ok(()),
            granted => Err(SceneError::Skip(needs::buffer_too_small(needed, granted))),
        }
    }

    /// Receives until nothing more can come: until an end marker has come on every path, each behind everything that is
    /// under way there.
    ///
    /// # Errors
    /// What the system says of sending the markers.
    pub fn receive_until_marker(&self, buffer: usize) -> Result<AllReceived, SceneError> {
        let set_aside = || self.socket.set_aside.load(Ordering::Relaxed);
        let before = set_aside();
        let mut results = Vec::new();
        let end = self.receive_rest(buffer, &mut results)?;
        Ok(AllReceived { results, end, set_aside: set_aside() - before })
    }

    fn receive_rest(&self, buffer: usize, results: &mut Vec<ReceiveResult>) -> Result<ReceiveResult, SceneError> {
        let mut proof = Proof::begin(&self.socket)?;
        if proof.is_disturbed() {
            return Err(SceneError::Skip("the answer to an earlier datagram was still under way".to_owned()));
        }
        let most = self.context().session.time_limits.most();
        while results.len() < most {
            proof.advance(&self.socket)?;
            let is_complete = proof.is_complete();
            if is_complete && proof.has_read_the_queue() {
                return Ok(ReceiveResult::Nothing);
            }
            if !is_complete {
                proof.replace_dropped(&self.socket)?;
            }
            let receive = Receive { waits: !is_complete, ..Receive::into(buffer) };
            // Into no bytes a marker looks like any other datagram.
            if buffer == 0 {
                let peek = Receive { waits: receive.waits, ..Receive::into(1).flags(PEEK) };
                if let Arrival::Marker { from, byte } = self.arrival(&peek, None) {
                    discard_peeked(&self.socket, &peek);
                    proof.arrived(&self.socket, from, byte);
                    continue;
                }
            }
            match self.arrival(&receive, None) {
                Arrival::Marker { from, byte } => proof.arrived(&self.socket, from, byte),
                Arrival::Result(ReceiveResult::Nothing) if is_complete => return Ok(ReceiveResult::Nothing),
                Arrival::Result(ReceiveResult::Nothing) => return Ok(self.marker_lost()),
                Arrival::Result(result) => results.push(result.answer()?),
            }
        }
        self.context().session.time_limits.shorten_after_timeout();
        Ok(ReceiveResult::MarkerLost)
    }

    /// Not even the marker came. Where another program has bound the same port, it may receive in this one's place.
    fn marker_lost(&self) -> ReceiveResult {
        if kernel::udp_port_in_use_by_others(self.address().port()).unwrap_or(false) {
            let lost = || format!("the end marker for {} did not arrive: another program has its port", self.name());
            self.context().inconclusive.get_or_init(lost);
        }
        ReceiveResult::MarkerLost
    }

    /// Waits until nothing of what this endpoint has sent to ports where nobody listens is under way any more.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where the system does not say so.
    pub fn await_refusals(&self) -> Result<(), SceneError> {
        Proof::begin(&self.socket).map(drop)
    }

    /// The first that is received until nothing more can come: [`ReceiveResult::Nothing`] proves that nothing was under
    /// way.
    ///
    /// # Errors
    /// What the system says of sending the markers.
    pub fn before_marker(&self, buffer: usize) -> Result<ReceiveResult, SceneError> {
        Ok(self.receive_until_marker(buffer)?.nth(0).clone())
    }

    /// Receives everything that is queued, then everything that comes before the end markers: one of them would be
    /// dropped like any other datagram while the receive buffer is full. More than `sent` datagrams are a fault of the
    /// system, and only one of them is received.
    ///
    /// # Errors
    /// What the system says of sending the markers.
    pub fn drain(&self, buffer: usize, sent: usize) -> Result<AllReceived, SceneError> {
        let mut results = Vec::new();
        while results.len() <= sent {
            match self.receive(Receive::into(buffer).without_waiting()) {
                ReceiveResult::Nothing => break,
                result => results.push(result),
            }
        }
        let mut late = self.receive_until_marker(buffer)?;
        results.append(&mut late.results);
        Ok(AllReceived { results, ..late })
    }
}

/// How large a receive buffer must be that datagrams of these payload lengths and an end marker fit for certain, in
/// bytes.
pub fn receive_buffer_for(payloads: impl IntoIterator<Item = usize>) -> usize {
    const LENGTH_OF_MARKER: usize = 1;
    /// Memory that a queued datagram costs besides its payload, at most: bytes per datagram, and twice the payload.
    /// Linux 6.18 charges 832 bytes for a small one and 16640 for one of 9000.
    const QUEUE_COST: usize = 1024;
    let cost = |payload| 2 * payload + QUEUE_COST;
    payloads.into_iter().fold(cost(LENGTH_OF_MARKER), |sum, payload| sum + cost(payload))
}
