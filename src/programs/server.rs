//! The article's server: one socket, one loop, an answer to every datagram.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use serde_json::json;
use socket2::{SockAddr, Socket};

use super::lines::{Datagram, Lines};
use super::transcript::Total;
use super::{Address, Ended, Transcript, signals};
use crate::kernel::{self, HERE};
use crate::lab::{CallError, socket};
use crate::lessons::parameters::{self, Message};
use crate::vocabulary::{Flags, SocketError};

/// How often a waiting server looks whether it was interrupted.
const PATIENCE: Duration = Duration::from_millis(200);

/// Most peers that are told apart, so that forged senders cannot fill the memory.
pub const MOST_PEERS: usize = 65_536;

/// The time to live of an answer. Whoever asks sends with 64 or more, and nobody is 32 routers away; what arrives with
/// no more than this is therefore an answer of another server, and is not answered. Two servers that a forged sender has
/// set against each other are silent after the first answer, whatever they say (loops as in CVE-1999-0103).
const HOPS: u8 = 32;

/// An answer may be so long whatever was asked, in bytes. Over IPv4 the shortest Ethernet frame carries as much anyhow: 46
/// bytes, of which the headers take 28. Beyond it no answer is longer than its request, so that a forged sender gets no
/// more sent to his victim than he has sent himself (RFC 8085 section 6).
pub const SHORT: usize = 18;

/// What the server can be told.
#[derive(Args)]
pub struct Server {
    /// Where to listen; port 0 takes a free one
    #[arg(value_name = "ADDR", default_value = "127.0.0.1:8888")]
    address: Address,

    /// The answer; one of more than 18 bytes only to datagrams that are at least as long
    #[arg(long, value_name = "TEXT", default_value = "Thanks")]
    reply: Message,

    /// Length of the receive buffer, 0 to 65535: what is longer is cut
    #[arg(long, value_name = "BYTES", default_value = "1024", value_parser = parameters::buffer)]
    buffer: usize,

    /// Stop after N datagrams
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    /// No line for each datagram
    #[arg(long)]
    quiet: bool,
}

#[derive(Default)]
struct Totals {
    datagrams: u64,
    bytes: u64,
    cut: u64,
    answered: u64,
    unanswered: u64,
    peers: HashSet<SocketAddr>,
}

impl Totals {
    fn peers(&self) -> String {
        let more = if self.peers.len() == MOST_PEERS { " or more" } else { "" };
        format!("{}{more}", self.peers.len())
    }
}

impl Server {
    /// Serves until it is interrupted or has had its count, then writes the totals.
    ///
    /// # Errors
    /// When the address cannot be had, the socket fails, or nothing can be written any more.
    pub fn run(&self, transcript: &mut Transcript<'_>) -> Result<(), Ended> {
        let socket = socket::bound(self.address.resolve()?)?;
        socket::wait_at_most(&socket, PATIENCE)?;
        kernel::count_hops(&socket, HOPS).map_err(|e| CallError::new("set the time to live", &e))?;
        let stop = signals::stop_at_the_first().map_err(|e| Ended::Address(format!("cannot watch for Ctrl-C: {e}")))?;
        self.greet(&socket, transcript)?;
        let totals = self.serve(&socket, &stop, Lines::new(transcript.json, transcript.options))?;
        transcript.totals(
            "Server",
            vec![
                Total::count("datagrams", totals.datagrams),
                Total { text: totals.peers(), ..Total::count("peers", totals.peers.len()) },
                Total::count("bytes", totals.bytes),
                Total::count("cut", totals.cut),
                Total::count("answered", totals.answered),
                Total::count("unanswered", totals.unanswered),
            ],
        )?;
        Ok(())
    }

    fn greet(&self, socket: &Socket, transcript: &mut Transcript<'_>) -> Result<(), Ended> {
        let bound = socket.local_addr().map_err(|e| CallError::new("ask for the local address", &e))?;
        let listening = bound.as_socket().map(|address| address.to_string()).unwrap_or_default();
        let ask = socket::address_of(socket)?;
        transcript.line(
            || {
                let mut text = format!("Listening on {listening}; Ctrl-C ends it.\n");
                if !ask.ip().is_loopback() || bound.as_socket().is_some_and(|address| address.ip().is_unspecified()) {
                    text.push_str("Everybody who can reach this machine is heard.\n");
                }
                if self.reply.length() > SHORT {
                    let length = self.reply.length();
                    text.push_str(&format!("The reply has {length} bytes: a shorter datagram is not answered.\n"));
                }
                text + &format!("In another terminal: udp-lab client {ask}\n")
            },
            || json!({ "listening": listening }),
        )?;
        transcript.out.flush()?;
        Ok(())
    }

    fn serve(&self, socket: &Socket, stop: &AtomicBool, mut lines: Lines) -> Result<Totals, Ended> {
        let mut totals = Totals::default();
        let mut buffer = vec![0; self.buffer];
        let mut patient = Patience::new(socket);
        while !stop.load(Ordering::Relaxed) && self.count != Some(totals.datagrams) {
            let room = [buffer.len()];
            let received = match kernel::receive_message(socket, &mut buffer, &room, Flags::default()) {
                Ok(received) => received,
                Err(error) => {
                    match error.kind() {
                        // Nobody is waiting: time to show what was written so far, and to wait.
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                            lines.flush()?;
                            patient.wait()?;
                        }
                        io::ErrorKind::Interrupted => {}
                        // An answer went to a client that is gone; only Windows tells an unconnected socket.
                        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused => {}
                        _ => {
                            let error = CallError::new("receive", &error);
                            // Windows tells that an answer's time to live ran out.
                            if !error.error.is(SocketError::NetworkReset, HERE) {
                                return Err(error.into());
                            }
                        }
                    }
                    continue;
                }
            };
            let kernel::Message { length, truncated: cut, from: peer, ancillary } = received;
            patient.hurry()?;
            // What is cut has filled the buffer; Wine counts 0 bytes of it.
            let length = if cut { self.buffer } else { length };
            let payload = &buffer[..length];
            let answer = self.answer(socket, payload, cut, peer, ancillary.ttl);
            totals.datagrams += 1;
            totals.bytes += length as u64;
            totals.cut += u64::from(cut);
            totals.answered += u64::from(answer == Answer::Sent);
            totals.unanswered += u64::from(answer != Answer::Sent);
            if let Some(peer) = peer
                && totals.peers.len() < MOST_PEERS
            {
                totals.peers.insert(peer);
            }
            if !self.quiet {
                let unanswered = answer.reason(cut);
                lines.add(&Datagram {
                    number: totals.datagrams,
                    peer,
                    payload,
                    cut,
                    unanswered: unanswered.as_deref(),
                })?;
            }
        }
        lines.flush()?;
        Ok(totals)
    }

    fn answer(&self, socket: &Socket, payload: &[u8], cut: bool, from: Option<SocketAddr>, hops: Option<u8>) -> Answer {
        // A server that echoes is no server of ours. What was cut is known by its beginning only.
        if payload == self.reply.0 || (cut && self.reply.0.starts_with(payload)) {
            return Answer::Own;
        }
        if hops.is_some_and(|hops| hops <= HOPS) {
            return Answer::OfServer;
        }
        if self.reply.length() > payload.len().max(SHORT) {
            return Answer::Longer;
        }
        let to = from.map_or_else(
            || Err(io::ErrorKind::AddrNotAvailable.into()),
            |from| socket.send_to(&self.reply.0, &SockAddr::from(from)),
        );
        match to {
            Ok(_) => Answer::Sent,
            Err(error) => Answer::Failed(CallError::new("answer", &error)),
        }
    }
}

#[derive(PartialEq, Eq)]
enum Answer {
    Sent,
    Own,
    OfServer,
    Longer,
    Failed(CallError),
}

impl Answer {
    /// Why there was none.
    fn reason(&self, cut: bool) -> Option<String> {
        Some(match self {
            Answer::Sent => return None,
            Answer::Own if cut => "perhaps own reply text".to_owned(),
            Answer::Own => "own reply text".to_owned(),
            Answer::OfServer => "itself an answer of a server".to_owned(),
            Answer::Longer => "the reply is longer".to_owned(),
            Answer::Failed(error) if error.error.is(SocketError::InvalidArgument, HERE) => {
                format!("nobody can be reached there ({})", error.error)
            }
            Answer::Failed(error) => format!("{} ({})", error.meaning, error.error),
        })
    }
}

/// Switches between taking what is there and waiting for more: output is flushed in between, so that a line appears at
/// once when the server is idle and a busy server does not pay for it.
struct Patience<'a> {
    socket: &'a Socket,
    waiting: bool,
}

impl<'a> Patience<'a> {
    fn new(socket: &'a Socket) -> Self {
        Patience { socket, waiting: true }
    }

    fn wait(&mut self) -> Result<(), CallError> {
        self.switch(true)
    }

    fn hurry(&mut self) -> Result<(), CallError> {
        self.switch(false)
    }

    fn switch(&mut self, waiting: bool) -> Result<(), CallError> {
        if self.waiting != waiting {
            self.socket.set_nonblocking(!waiting).map_err(|e| CallError::new("switch blocking on and off", &e))?;
            self.waiting = waiting;
        }
        Ok(())
    }
}
