//! What the server does not answer and the relay does not pass on, because anybody can forge a sender.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;

use crate::vocabulary::IPV4_UDP_HEADERS;

/// The time to live of an answer. Whoever asks sends with 64 or more, and nobody is 32 routers away; what arrives with
/// no more than this is therefore an answer of another server, and is not answered. Two servers that a forged sender
/// has set against each other are silent after the first answer, whatever they say (loops as in CVE-1999-0103).
pub(super) const HOPS: u8 = 32;

/// So often in a row a peer may send what could be an echo of the reply. A student who says `Thanks` is answered; a
/// loop with a server that echoes ends.
pub(super) const MOST_ECHOES: u16 = 10;

/// So many datagrams of one peer are sent back. Of a server that echoes nothing tells whether its peer does so, too;
/// whatever has set two of them against each other, this ends it. Who asks as often takes a new port.
pub(super) const MOST_SENT_BACK: u16 = 10_000;

/// Most peers that are told apart, so that forged senders cannot fill the memory.
pub(super) const MOST_PEERS: usize = 65_536;

/// Of a datagram over IPv4. Over IPv6 they are longer, and allow more.
const HEADERS: usize = IPV4_UDP_HEADERS;

/// No answer is longer than so many times its request, so that whoever forges a sender can have little more sent to the
/// victim than was sent to the server: the rule of RFC 9000 section 8.1, headers counted.
const MOST_TIMES: usize = 3;

/// The longest reply to a request of so many bytes.
pub(super) fn longest_reply(request: usize) -> usize {
    MOST_TIMES * (request + HEADERS) - HEADERS
}

/// The shortest request that may be answered with so many bytes.
pub(super) fn shortest_request(reply: usize) -> usize {
    (reply + HEADERS).div_ceil(MOST_TIMES).saturating_sub(HEADERS)
}

/// The rule for which a datagram is not answered, with the value that decided.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// It arrived with this time to live.
    Hops(u8),
    /// It arrived with a time to live that allows no further hop.
    NoHopsLeft,
    /// It is one of more than [`MOST_ECHOES`] in a row that could be echoes.
    Echo,
    /// It is one of more than [`MOST_SENT_BACK`] from this peer.
    SentBack,
    /// It could be an echo, and this peer is one too many to be told apart.
    EchoOfUncountedPeer,
    /// The reply is too long for a request of so many bytes.
    Amplification {
        /// The length of the reply, in bytes.
        reply: usize,
        /// The length of the request, in bytes.
        request: usize,
    },
    /// More would have been sent to a peer than its own datagrams allow.
    AmplificationInAll {
        /// What would have been sent to it, in bytes with headers.
        sent: usize,
        /// What came from it, in bytes with headers.
        received: usize,
    },
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::Hops(hops) => write!(
                f,
                "rule against loops: arrived with a time to live of {hops}; answers of servers have {HOPS} or less"
            ),
            Rule::NoHopsLeft => {
                write!(f, "rule against loops: its time to live is used up, as where relays send in a circle")
            }
            Rule::Echo => write!(
                f,
                "rule against loops: more than {MOST_ECHOES} times in a row the reply text, as from a server that echoes"
            ),
            Rule::SentBack => write!(
                f,
                "rule against loops: more than {MOST_SENT_BACK} datagrams of one peer, as from another server that echoes"
            ),
            Rule::EchoOfUncountedPeer => {
                write!(f, "rule against loops: what could be an echo, from one of more than {MOST_PEERS} peers")
            }
            Rule::Amplification { reply, request } => write!(
                f,
                "rule against amplification: a reply of {reply} bytes, and {} at most for a request of {request} \
                 ({MOST_TIMES} times as much, headers counted)",
                longest_reply(*request)
            ),
            Rule::AmplificationInAll { sent, received } => write!(
                f,
                "rule against amplification: it would be {sent} bytes in all, for {received} that came from there ({MOST_TIMES} \
                 times as much at most, headers counted)"
            ),
        }
    }
}

/// What a datagram is answered with.
#[derive(Clone, Copy)]
pub(super) enum Reply<'a> {
    /// Always this text.
    Text(&'a [u8]),
    /// What was received of it.
    Echo,
}

impl<'a> Reply<'a> {
    /// The answer to what was received.
    pub fn to(self, payload: &'a [u8]) -> &'a [u8] {
        match self {
            Reply::Text(text) => text,
            Reply::Echo => payload,
        }
    }
}

/// What is known of a datagram before it is answered.
pub(super) struct Request<'a> {
    /// Who sent it, where the system said so.
    pub from: Option<SocketAddr>,
    /// What the buffer has of it.
    pub payload: &'a [u8],
    /// Its real length, where the system said so; else that of the payload.
    pub length: usize,
    /// Whether the buffer was too short for it, and its real length is not known.
    pub cut: bool,
    /// Its time to live, where the system said so.
    pub hops: Option<u8>,
}

/// The peers that have sent something, and how many datagrams in a row each has sent that could be echoes of
/// the answer.
#[derive(Default)]
pub(super) struct Peers {
    echoes: HashMap<SocketAddr, u16>,
}

impl Peers {
    /// How many there are, at most [`MOST_PEERS`].
    pub fn count(&self) -> usize {
        self.echoes.len()
    }

    /// Notes that a datagram came; the rule for which it is not to be answered with `reply`.
    pub fn rule(&mut self, request: &Request<'_>, reply: Reply<'_>) -> Option<Rule> {
        let echo = match reply {
            Reply::Text(text) => self.echo(request, request.could_echo(text), MOST_ECHOES, Rule::Echo),
            Reply::Echo => self.echo(request, true, MOST_SENT_BACK, Rule::SentBack),
        };
        let hops = request.hops.filter(|hops| *hops <= HOPS).map(Rule::Hops);
        hops.or(echo).or_else(|| request.amplifies(reply.to(request.payload).len()))
    }

    /// Counts what could be an echo; `rule` where there are more than `most` in a row.
    fn echo(&mut self, request: &Request<'_>, could_echo: bool, most: u16, rule: Rule) -> Option<Rule> {
        let from = request.from?;
        let full = self.count() >= MOST_PEERS;
        let in_a_row = match self.echoes.get_mut(&from) {
            Some(in_a_row) => in_a_row,
            None if full => return could_echo.then_some(Rule::EchoOfUncountedPeer),
            None => self.echoes.entry(from).or_default(),
        };
        *in_a_row = if could_echo { in_a_row.saturating_add(1) } else { 0 };
        (*in_a_row > most).then_some(rule)
    }
}

/// What came from a peer and what was sent to it, in bytes with headers: for a relay, which does not know what answers
/// what.
#[derive(Default)]
pub(super) struct Account {
    received: usize,
    sent: usize,
}

impl Account {
    /// Notes a datagram from the peer.
    pub fn receive(&mut self, length: usize) {
        self.received = self.received.saturating_add(length + HEADERS);
    }

    /// Notes a datagram for `peer`, unless a rule forbids it.
    pub fn send(&mut self, peer: SocketAddr, length: usize) -> Result<(), Rule> {
        let sent = self.sent.saturating_add(length + HEADERS);
        if !is_loopback(peer) && sent > self.received.saturating_mul(MOST_TIMES) {
            return Err(Rule::AmplificationInAll { sent, received: self.received });
        }
        self.sent = sent;
        Ok(())
    }
}

/// On loopback there is no third party.
fn is_loopback(peer: SocketAddr) -> bool {
    peer.ip().to_canonical().is_loopback()
}

impl Request<'_> {
    /// Whether it is the reply text. What was cut is known by its beginning only, and its length where the system says
    /// it.
    fn could_echo(&self, reply: &[u8]) -> bool {
        reply.starts_with(self.payload) && (self.length == reply.len() || self.cut)
    }

    fn amplifies(&self, reply: usize) -> Option<Rule> {
        let too_long = !self.from.is_some_and(is_loopback) && reply > longest_reply(self.length);
        too_long.then_some(Rule::Amplification { reply, request: self.length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(from: &str, payload: &'static [u8]) -> Request<'static> {
        Request { from: Some(from.parse().unwrap()), payload, length: payload.len(), cut: false, hops: Some(64) }
    }

    #[test]
    fn a_reply_has_at_most_three_times_the_bytes_of_its_request_headers_counted() {
        assert_eq!((longest_reply(0), longest_reply(1), longest_reply(100)), (56, 59, 356));
        for reply in 0..=65_507 {
            let request = shortest_request(reply);
            assert!(longest_reply(request) >= reply);
            assert!(request == 0 || longest_reply(request - 1) < reply);
        }
        let mut peers = Peers::default();
        let too_long = Some(Rule::Amplification { reply: 57, request: 0 });
        assert_eq!(peers.rule(&request("192.0.2.1:9", b""), Reply::Text(&[b'x'; 56])), None);
        assert_eq!(peers.rule(&request("192.0.2.1:9", b""), Reply::Text(&[b'x'; 57])), too_long);
        assert_eq!(peers.rule(&request("192.0.2.1:9", b"a"), Reply::Text(&[b'x'; 57])), None);
        for loopback in ["127.0.0.1:9", "[::1]:9", "[::ffff:127.0.0.1]:9"] {
            assert_eq!(peers.rule(&request(loopback, b""), Reply::Text(&[b'x'; 65_507])), None);
        }
    }

    #[test]
    fn a_relay_sends_a_peer_at_most_three_times_what_came_from_it() {
        let mut account = Account::default();
        let [there, loopback] = ["192.0.2.1:9", "[::ffff:127.0.0.1]:9"].map(|peer| peer.parse().unwrap());
        account.receive(2);
        assert_eq!(account.send(there, 3), Ok(()));
        assert_eq!(account.send(there, 32), Err(Rule::AmplificationInAll { sent: 91, received: 30 }));
        assert_eq!(account.send(there, 31), Ok(()), "what was not sent is not counted");
        assert_eq!(account.send(loopback, 65_507), Ok(()));
        account.receive(0);
        assert!(account.send(there, 0).is_err());
    }

    #[test]
    fn what_arrives_with_an_answers_time_to_live_is_one() {
        let mut peers = Peers::default();
        let with = |hops| Request { hops: Some(hops), ..request("127.0.0.1:9", b"hello") };
        assert_eq!(peers.rule(&with(32), Reply::Text(b"Thanks")), Some(Rule::Hops(32)));
        assert_eq!(peers.rule(&with(33), Reply::Text(b"Thanks")), None);
    }

    #[test]
    fn the_reply_text_is_answered_unless_it_comes_again_and_again() {
        let mut peers = Peers::default();
        let (thanks, other) = (request("127.0.0.1:9", b"Thanks"), request("127.0.0.1:8", b"Thanks"));
        for _ in 0..2 {
            for _ in 0..MOST_ECHOES {
                assert_eq!(peers.rule(&thanks, Reply::Text(b"Thanks")), None);
            }
            assert_eq!(peers.rule(&thanks, Reply::Text(b"Thanks")), Some(Rule::Echo));
            assert_eq!(peers.rule(&other, Reply::Text(b"Thanks")), None);
            assert_eq!(peers.rule(&request("127.0.0.1:9", b"hello"), Reply::Text(b"Thanks")), None);
        }
    }

    #[test]
    fn what_the_buffer_left_is_an_echo_only_where_its_length_can_be_the_replys() {
        let cut = |payload, length, cut| Request { length, cut, ..request("127.0.0.1:9", payload) };
        assert!(cut(b"T", 6, false).could_echo(b"Thanks"), "the system says that it has six bytes");
        assert!(!cut(b"T", 4, false).could_echo(b"Thanks"), "Test");
        assert!(cut(b"T", 1, true).could_echo(b"Thanks"), "the system does not say how long it was");
        assert!(!cut(b"T", 1, false).could_echo(b"Thanks"));
    }

    #[test]
    fn what_is_sent_back_never_amplifies_and_ends() {
        let mut peers = Peers::default();
        let long = request("192.0.2.1:9", &[b'x'; 1000]);
        for payload in [b"a", b"b"].into_iter().cycle().take(usize::from(MOST_SENT_BACK)) {
            assert_eq!(peers.rule(&Request { payload, ..request("192.0.2.1:9", b"") }, Reply::Echo), None);
        }
        assert_eq!(peers.rule(&long, Reply::Echo), Some(Rule::SentBack), "whatever was sent in between");
        assert_eq!(peers.rule(&request("192.0.2.1:8", &[b'x'; 1000]), Reply::Echo), None);
    }

    #[test]
    fn forged_peers_cannot_fill_the_memory_nor_make_a_loop() {
        let mut peers = Peers::default();
        let peer = |number: usize| {
            let [b, c, d] = [number >> 16, number >> 8, number].map(|byte| byte as u8);
            SocketAddr::from(([10, b, c, d], 9))
        };
        let from = |number, payload| Request { from: Some(peer(number)), ..request("127.0.0.1:9", payload) };
        for number in 0..=MOST_PEERS {
            assert_eq!(peers.rule(&from(number, b"hello"), Reply::Text(b"Thanks")), None);
        }
        assert_eq!(peers.count(), MOST_PEERS);
        assert_eq!(peers.rule(&from(0, b"Thanks"), Reply::Text(b"Thanks")), None);
        assert_eq!(peers.rule(&from(MOST_PEERS, b"Thanks"), Reply::Text(b"Thanks")), Some(Rule::EchoOfUncountedPeer));
    }
}
