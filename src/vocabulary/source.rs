//! Where the claims are written: every document that a lesson cites, once.

use std::fmt;

use serde::{Serialize, Serializer};

/// A place in a standard or a manual, and what it says there.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// Document and place.
    pub cite: &'static str,
    /// What it says, in short.
    pub says: &'static str,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.cite)
    }
}

/// A program gets the citation: what the document says is for people.
impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.cite)
    }
}

/// The documents.
pub mod sources {
    use super::Source;

    macro_rules! sources {
        ($($name:ident = $cite:literal, $says:literal;)*) => {
            $(
                #[doc = concat!($cite, ": ", $says)]
                pub static $name: Source = Source { cite: $cite, says: $says };
            )*
            /// Every document, for the tests.
            pub static ALL: &[&Source] = &[$(&$name),*];
        };
    }

    sources! {
        CONNECT_2 = "Linux connect(2)",
            "a connected datagram socket receives only from the address it is connected to";
        LINUX_DROPS = "Linux SO_MEMINFO, SK_MEMINFO_DROPS",
            "the kernel counts for each socket what it dropped because the queue was full";
        LINUX_RELEASE = "Linux net/ipv4/udp.c, udp_rmem_release()",
            "room is given back only when a quarter of the receive buffer has been read, or the queue is empty";
        LOOPBACK = "implementation of the loopback interface",
            "it keeps order and loses nothing while the buffer has room; no standard promises that";
        MS_RECVFROM = "Microsoft Learn, recvfrom",
            "too long a datagram fills the buffer, the excess is lost, the call returns WSAEMSGSIZE; an ICMP port unreachable comes back as WSAECONNRESET";
        POSIX_ACCEPT = "POSIX accept()",
            "EOPNOTSUPP: the socket type does not support accepting connections";
        POSIX_CONNECT = "POSIX connect()",
            "a datagram socket only gets its peer address set, no connection is made; ECONNREFUSED: nobody listens at a stream address";
        POSIX_LISTEN = "POSIX listen()",
            "EOPNOTSUPP: the socket protocol does not support listen()";
        POSIX_RECV = "POSIX recv()",
            "a stream ignores message boundaries and discards no data; 0 is returned once the peer has shut down in order";
        POSIX_RECVFROM = "POSIX recvfrom()",
            "the entire message is read in a single operation; what does not fit the buffer is discarded; a peek leaves the message unread";
        POSIX_RECVMSG = "POSIX recvmsg()",
            "a message fills the buffers one after another; MSG_TRUNC is set when it was cut";
        POSIX_SENDMSG = "POSIX sendmsg()",
            "the buffers of one call are sent as one message";
        POSIX_SENDTO = "POSIX sendto()",
            "returns the number of bytes sent; success does not guarantee delivery";
        POSIX_THREADS = "POSIX XSH 2.9.1, thread safety",
            "socket calls may be made by several threads at once";
        RECV_2 = "Linux recv(2)",
            "the flag MSG_TRUNC returns the real length of the datagram, even when it was longer than the buffer";
        RFC768 = "RFC 768",
            "a datagram carries ports, length (8 or more) and checksum; there is no handshake and no state; delivery and duplicate protection are not guaranteed";
        RFC1122_PORTS = "RFC 1122 section 4.1.3.1",
            "a datagram for a port where nobody listens is answered with ICMP port unreachable";
        RFC1122_UDP_ERRORS = "RFC 1122 section 4.1.3.3",
            "UDP passes ICMP errors on to the application";
        RFC1122_MULTIHOMING = "RFC 1122 section 4.1.3.5",
            "an answer should come from the address that was asked; the program has to see to it";
        RFC8085_CONTROL = "RFC 8085 section 3.1",
            "UDP itself limits no sender: congestion control is left to the application";
        RFC9293_FLOW = "RFC 9293 section 3.8.6",
            "the receiver's window says how much it takes; the sender sends no more";
        RFC9293_TIME_WAIT = "RFC 9293 section 3.6.1",
            "who closes a connection first keeps it in TIME-WAIT for a while; that a new bind is refused meanwhile is the system's choice";
        RFC9293_STREAM = "RFC 9293 section 2.2",
            "TCP provides a reliable, in-order, byte-stream service";
        SEND_2 = "Linux send(2)",
            "the socket is not connected: ENOTCONN, for which Linux may return EPIPE";
        SOCKET_7 = "Linux socket(7)",
            "SO_RCVBUF is the maximum receive buffer in bytes; the kernel doubles it for its own bookkeeping";
        UDP_7 = "Linux udp(7)",
            "each receive returns one packet; MSG_WAITALL is not supported; errors reach a connected socket";
        UNP_ITERATIVE = "Stevens, UNIX Network Programming, section 8.4",
            "most UDP servers are iterative: one process takes one datagram after another from the receive buffer of one socket";
        UNP_TRUNCATION = "Stevens, UNIX Network Programming, section 22.3",
            "to notice too long a datagram, offer one byte more than the longest you accept";
    }
}
