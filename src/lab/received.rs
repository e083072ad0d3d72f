//! What receives return.

use super::{Call, SceneError};
use crate::sockets::{CallError, CallKind};
use crate::vocabulary::{Fact, OsError, Outcome, Received};

/// What a receive returned.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "what a row presupposes is to be looked at"]
pub enum ReceiveResult {
    /// A datagram.
    Datagram(Received),
    /// Nothing: nothing was queued, or the limit passed.
    Nothing,
    /// An error, and what the buffer holds all the same.
    Failed {
        /// The error.
        error: OsError,
        /// The buffer up to its last byte that was written.
        buffer: Vec<u8>,
    },
    /// Not even the end marker came, so nothing is proved.
    MarkerLost,
}

impl From<Outcome> for ReceiveResult {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Received(received) => ReceiveResult::Datagram(received),
            Outcome::Failed { error, buffer } => ReceiveResult::Failed { error, buffer },
            Outcome::Done
            | Outcome::Sent(_)
            | Outcome::Accepted(_)
            | Outcome::Value(_)
            | Outcome::Address(_)
            | Outcome::Nothing => ReceiveResult::Nothing,
        }
    }
}

impl ReceiveResult {
    /// The datagram, where the rows that follow presuppose that it came.
    ///
    /// # Errors
    /// [`SceneError::Skip`] that says what was not received: `what`.
    pub fn required(self, what: &str) -> Result<Received, SceneError> {
        match self {
            ReceiveResult::Datagram(received) => Ok(received),
            other => Err(SceneError::Skip(format!("{what} was not received: {}", Fact::from(other)))),
        }
    }

    /// The same, unless the receive failed for want of something that has nothing to do with it.
    ///
    /// # Errors
    /// Then, its error.
    pub(super) fn answer(self) -> Call<Self> {
        match &self {
            ReceiveResult::Failed { error, .. } => match receive_error(error) {
                error if error.is_of_the_environment() => Err(error),
                _ => Ok(self),
            },
            _ => Ok(self),
        }
    }

    /// Whether a datagram was received.
    pub fn is_datagram(&self) -> bool {
        matches!(self, ReceiveResult::Datagram(_))
    }

    /// What the buffer holds, whether or not the call failed.
    pub fn buffer(&self) -> Fact {
        match self {
            ReceiveResult::Datagram(Received { bytes, .. }) => Fact::Bytes(bytes.clone()),
            ReceiveResult::Failed { error, buffer } => {
                let error = receive_error(error);
                match error.is_of_the_environment() {
                    true => Fact::Bytes(buffer.clone()).unproved(error.reason()),
                    false => Fact::Bytes(buffer.clone()),
                }
            }
            ReceiveResult::Nothing | ReceiveResult::MarkerLost => self.into(),
        }
    }

    /// The payload; empty when none was received.
    pub fn bytes(&self) -> &[u8] {
        match self {
            ReceiveResult::Datagram(received) => &received.bytes,
            ReceiveResult::Nothing | ReceiveResult::Failed { .. } | ReceiveResult::MarkerLost => &[],
        }
    }

    /// The number that the call returned; or what came instead.
    pub fn returned(&self) -> Fact {
        self.fact(|received| received.returned.into())
    }

    /// `truncated` when the flag MSG_TRUNC was set, else `complete`; or what came instead.
    pub fn truncation(&self) -> Fact {
        self.fact(|received| if received.truncated { "truncated" } else { "complete" }.into())
    }

    /// What the buffers of these lengths hold, in order; or what came instead, for each.
    pub fn parts(&self, lengths: &[usize]) -> Vec<Fact> {
        let mut rest = self.bytes();
        let parts = lengths.iter().map(|&length| {
            let (part, left) = rest.split_at(length.min(rest.len()));
            rest = left;
            self.fact(|_| Fact::from(part))
        });
        parts.collect()
    }

    /// The port of the sender, where there is one.
    pub fn sender_port(&self) -> Option<u16> {
        match self {
            ReceiveResult::Datagram(received) => received.from.as_ref().map(|from| from.address.port()),
            ReceiveResult::Nothing | ReceiveResult::Failed { .. } | ReceiveResult::MarkerLost => None,
        }
    }

    /// The IP address of the sender; or what came instead.
    pub fn sender_ip(&self) -> Fact {
        self.fact(|received| received.from.as_ref().map_or(Fact::Nothing, |from| from.address.ip().to_string().into()))
    }

    /// The IP address to which the datagram was sent, where the system tells; or what came instead.
    pub fn destination(&self) -> Fact {
        self.fact(|received| received.ancillary.destination.map_or(Fact::Nothing, |to| to.to_string().into()))
    }

    /// The type and the code of the ICMP message that an error of the error queue came from; or what came instead.
    pub fn icmp(&self) -> Fact {
        let error = |received: &Received| received.ancillary.error.as_ref().map(|e| (e.icmp_type, e.icmp_code));
        let words = |(kind, code)| Fact::from(format!("type {kind}, code {code}"));
        self.fact(|received| error(received).map_or(Fact::Nothing, words))
    }

    /// The IP address of the host that has reported an error of the error queue; or what came instead.
    pub fn reported_by(&self) -> Fact {
        let by = |received: &Received| received.ancillary.error.as_ref().and_then(|error| error.reported_by);
        self.fact(|received| by(received).map_or(Fact::Nothing, |by| by.to_string().into()))
    }

    /// The name of the sender, or of the destination where this is an error of the error queue; or what came instead.
    pub fn sender(&self) -> Fact {
        self.fact(|received| received.from.as_ref().map_or(Fact::Nothing, |from| from.name.as_str().into()))
    }

    fn fact(&self, of: impl FnOnce(&Received) -> Fact) -> Fact {
        match self {
            ReceiveResult::Datagram(received) => of(received),
            other => other.into(),
        }
    }
}

impl From<&ReceiveResult> for Fact {
    fn from(result: &ReceiveResult) -> Self {
        match result {
            ReceiveResult::Datagram(received) => Fact::Bytes(received.bytes.clone()),
            ReceiveResult::Nothing => Fact::Nothing,
            ReceiveResult::Failed { error, .. } => receive_error(error).into(),
            ReceiveResult::MarkerLost => {
                Fact::from("not even the end marker").unproved("the end marker did not arrive")
            }
        }
    }
}

fn receive_error(error: &OsError) -> CallError {
    CallError::of(CallKind::Receive, "receive", error.clone())
}

impl From<ReceiveResult> for Fact {
    fn from(result: ReceiveResult) -> Self {
        Fact::from(&result)
    }
}

/// Everything that came before the end markers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "what a row presupposes is to be looked at"]
pub struct AllReceived {
    pub(super) results: Vec<ReceiveResult>,
    pub(super) end: ReceiveResult,
    pub(super) set_aside: usize,
}

impl AllReceived {
    /// How many receives brought something.
    pub fn count(&self) -> usize {
        self.results.len()
    }

    /// How many datagrams of unrelated senders were set aside meanwhile.
    pub fn set_aside(&self) -> usize {
        self.set_aside
    }

    /// What receive `index` (from 0) brought; after the last one, what ended the row of receives.
    pub fn nth(&self, index: usize) -> &ReceiveResult {
        self.results.get(index).unwrap_or(&self.end)
    }

    /// The receives that brought something, in order.
    pub fn iter(&self) -> impl Iterator<Item = &ReceiveResult> {
        self.results.iter()
    }

    /// Says that the rows that follow presuppose that `count` datagrams were received.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where fewer were.
    pub fn required(&self, count: usize) -> Result<(), SceneError> {
        match self.count() {
            received if received >= count => Ok(()),
            received => Err(SceneError::Skip(self.missing(received, count))),
        }
    }

    /// The receive after the first `count`, where those brought something; else the reason why it tells nothing.
    ///
    /// # Errors
    /// The reason.
    pub fn after(&self, count: usize) -> Result<&ReceiveResult, String> {
        match self.count() {
            received if received >= count => Ok(self.nth(count)),
            received => Err(self.missing(received, count)),
        }
    }

    fn missing(&self, received: usize, count: usize) -> String {
        format!("{received} of {count} datagrams were received; then came {}", Fact::from(&self.end))
    }

    /// The names of the senders, each once, in the order in which their first datagrams came.
    pub fn senders(&self) -> Fact {
        let mut senders: Vec<&str> = Vec::new();
        for result in &self.results {
            if let ReceiveResult::Datagram(Received { from: Some(from), .. }) = result
                && !senders.contains(&from.name.as_str())
            {
                senders.push(&from.name);
            }
        }
        if senders.is_empty() { Fact::from(&self.end) } else { Fact::from(senders.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::vocabulary::{Ancillary, Os, Peer, SocketError};

    fn from(name: &str) -> ReceiveResult {
        let from = Peer { name: name.to_owned(), address: SocketAddr::from(([127, 0, 0, 2], 7)) };
        ReceiveResult::Datagram(Received {
            bytes: b"hello".to_vec(),
            from: Some(from),
            returned: 5,
            truncated: true,
            ancillary: Ancillary::default(),
        })
    }

    fn failed() -> ReceiveResult {
        ReceiveResult::Failed { error: SocketError::MessageTooLong.on(Os::Windows), buffer: b"h".to_vec() }
    }

    fn all(results: Vec<ReceiveResult>) -> AllReceived {
        AllReceived { results, end: ReceiveResult::Nothing, set_aside: 0 }
    }

    #[test]
    fn senders_are_named_once_each() {
        assert_eq!(all(vec![from("b"), failed(), from("a"), from("b")]).senders(), Fact::from("b, a"));
        assert_eq!(all(vec![failed()]).senders(), Fact::Nothing);
    }

    #[test]
    fn a_datagram_has_a_sender_and_bytes() {
        let result = from("a");
        assert_eq!((result.bytes(), result.buffer()), (&b"hello"[..], Fact::from(&b"hello"[..])));
        assert_eq!((result.sender(), result.sender_ip()), (Fact::from("a"), Fact::from("127.0.0.2")));
        assert_eq!((result.sender_port(), result.returned()), (Some(7), Fact::Count(5)));
        assert_eq!((result.truncation(), result.parts(&[2, 9])[1].clone()), ("truncated".into(), b"llo"[..].into()));
        assert_eq!(Fact::from(&result), Fact::from(&b"hello"[..]));
        assert_eq!(result.required("it").unwrap().returned, 5);
    }

    #[test]
    fn what_is_no_datagram_says_what_it_is() {
        let error = Fact::from(SocketError::MessageTooLong.on(Os::Windows));
        assert_eq!((failed().buffer(), Fact::from(failed())), (Fact::from(&b"h"[..]), error.clone()));
        assert_eq!(
            (failed().returned(), failed().sender(), failed().sender_ip()),
            (error.clone(), error.clone(), error)
        );
        let lost = Fact::from("not even the end marker").unproved("the end marker did not arrive");
        assert_eq!((ReceiveResult::MarkerLost.buffer(), ReceiveResult::Nothing.buffer()), (lost, Fact::Nothing));
        for result in [failed(), ReceiveResult::Nothing, ReceiveResult::MarkerLost] {
            assert_eq!((result.bytes(), result.sender_port()), (&b""[..], None));
            assert!(!result.is_datagram() && result.required("it").is_err());
        }
    }

    #[test]
    fn what_a_row_presupposes_is_named_where_it_is_missing() {
        let missing = ReceiveResult::Nothing.required("the request").unwrap_err();
        assert_eq!(missing, SceneError::Skip("the request was not received: nothing".to_owned()));
        assert!(all(vec![from("a")]).required(1).is_ok() && all(Vec::new()).required(1).is_err());
        let reason = "1 of 2 datagrams were received; then came nothing".to_owned();
        assert_eq!(
            (all(vec![from("a")]).after(1), all(vec![from("a")]).after(2)),
            (Ok(&ReceiveResult::Nothing), Err(reason))
        );
    }
}
