//! What receives bring back.

use std::net::SocketAddr;

use super::Target;
use crate::vocabulary::{Fact, OsError};

/// The endpoint at the other end, by name and by address: who sent a datagram, or whom a socket is connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    pub(super) name: String,
    pub(super) address: SocketAddr,
}

impl Target for Peer {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl Peer {
    /// Its IP address.
    pub fn ip(&self) -> String {
        self.address.ip().to_string()
    }
}

/// What a receive brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// A datagram.
    Datagram {
        /// What is in the buffer.
        bytes: Vec<u8>,
        /// Who sent it.
        from: Peer,
    },
    /// Nothing: the queue was empty, or the limit passed.
    Nothing,
    /// An error, and what the buffer holds all the same.
    Failed {
        /// The error.
        error: OsError,
        /// The buffer up to its last byte that was written.
        buffer: Vec<u8>,
    },
    /// Not even the fence came, so nothing is proved.
    FenceLost,
}

impl Receipt {
    /// What the buffer holds, whether or not the call failed.
    pub fn buffer(&self) -> Fact {
        match self {
            Receipt::Datagram { bytes, .. } | Receipt::Failed { buffer: bytes, .. } => Fact::Bytes(bytes.clone()),
            Receipt::Nothing | Receipt::FenceLost => self.into(),
        }
    }

    /// The payload; empty when none was received.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Receipt::Datagram { bytes, .. } => bytes,
            Receipt::Nothing | Receipt::Failed { .. } | Receipt::FenceLost => &[],
        }
    }

    /// The bytes received, counted; or what came instead.
    pub fn length(&self) -> Fact {
        match self {
            Receipt::Datagram { bytes, .. } => bytes.len().into(),
            other => other.into(),
        }
    }

    /// The port of the sender, where there is one.
    pub fn sender_port(&self) -> Option<u16> {
        match self {
            Receipt::Datagram { from, .. } => Some(from.address.port()),
            Receipt::Nothing | Receipt::Failed { .. } | Receipt::FenceLost => None,
        }
    }

    /// The IP address of the sender; or what came instead.
    pub fn sender_ip(&self) -> Fact {
        match self {
            Receipt::Datagram { from, .. } => Fact::from(from.ip()),
            other => other.into(),
        }
    }

    /// The name of the sender; or what came instead.
    pub fn sender(&self) -> Fact {
        match self {
            Receipt::Datagram { from, .. } => Fact::from(from.name()),
            other => other.into(),
        }
    }
}

impl From<&Receipt> for Fact {
    fn from(receipt: &Receipt) -> Self {
        match receipt {
            Receipt::Datagram { bytes, .. } => Fact::Bytes(bytes.clone()),
            Receipt::Nothing => Fact::Nothing,
            Receipt::Failed { error, .. } => Fact::Error(error.clone()),
            Receipt::FenceLost => Fact::from("not even the fence"),
        }
    }
}

impl From<Receipt> for Fact {
    fn from(receipt: Receipt) -> Self {
        Fact::from(&receipt)
    }
}

/// Everything that came before the fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub(super) receipts: Vec<Receipt>,
    pub(super) end: Receipt,
}

impl Received {
    /// How many receives brought something.
    pub fn count(&self) -> usize {
        self.receipts.len()
    }

    /// What receive `index` (from 0) brought; after the last one, what ended the row of receives.
    pub fn nth(&self, index: usize) -> &Receipt {
        self.receipts.get(index).unwrap_or(&self.end)
    }

    /// The receives that brought something, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Receipt> {
        self.receipts.iter()
    }

    /// The names of the senders, each once, in the order in which they were first heard.
    pub fn senders(&self) -> Fact {
        let mut senders: Vec<&str> = Vec::new();
        for receipt in &self.receipts {
            if let Receipt::Datagram { from, .. } = receipt
                && !senders.contains(&from.name())
            {
                senders.push(from.name());
            }
        }
        if senders.is_empty() { Fact::Nothing } else { Fact::from(senders.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::{Os, SocketError};

    fn from(name: &str) -> Receipt {
        let from = Peer { name: name.to_owned(), address: SocketAddr::from(([127, 0, 0, 2], 7)) };
        Receipt::Datagram { bytes: b"hello".to_vec(), from }
    }

    fn failed() -> Receipt {
        Receipt::Failed { error: SocketError::MessageTooLong.on(Os::Windows), buffer: b"h".to_vec() }
    }

    #[test]
    fn senders_are_named_once_each() {
        let received = |receipts: Vec<Receipt>| Received { receipts, end: Receipt::Nothing };
        assert_eq!(received(vec![from("b"), failed(), from("a"), from("b")]).senders(), Fact::from("b, a"));
        assert_eq!(received(vec![failed()]).senders(), Fact::Nothing);
    }

    #[test]
    fn a_datagram_has_a_sender_and_bytes() {
        let receipt = from("a");
        assert_eq!((receipt.bytes(), receipt.buffer()), (&b"hello"[..], Fact::from(&b"hello"[..])));
        assert_eq!((receipt.sender(), receipt.sender_ip()), (Fact::from("a"), Fact::from("127.0.0.2")));
        assert_eq!((receipt.sender_port(), receipt.length()), (Some(7), Fact::Count(5)));
        assert_eq!(Fact::from(receipt), Fact::from(&b"hello"[..]));
    }

    #[test]
    fn what_is_no_datagram_says_what_it_is() {
        let error = Fact::from(SocketError::MessageTooLong.on(Os::Windows));
        assert_eq!((failed().buffer(), Fact::from(failed())), (Fact::from(&b"h"[..]), error.clone()));
        assert_eq!((failed().length(), failed().sender(), failed().sender_ip()), (error.clone(), error.clone(), error));
        let lost = Fact::from("not even the fence");
        assert_eq!((Receipt::FenceLost.buffer(), Receipt::Nothing.buffer()), (lost, Fact::Nothing));
        for receipt in [failed(), Receipt::Nothing, Receipt::FenceLost] {
            assert_eq!((receipt.bytes(), receipt.sender_port()), (&b""[..], None));
        }
    }
}
