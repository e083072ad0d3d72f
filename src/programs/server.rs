//! The article's server: one socket, one loop, an answer to every datagram; or what came, with `--echo`.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use serde_json::json;
use socket2::{SockAddr, Socket};

use super::address::{Use, everywhere, in_another_terminal, reached_at};
use super::lines::{Datagram, Lines};
use super::rules::{HOPS, MOST_PEERS, Peers, Reply, Request, Rule, longest_reply, shortest_request};
use super::transcript::Total;
use super::{Address, ProgramError, SIGNAL_CHECK_INTERVAL, Transcript, signals};
use crate::arguments::{self, Message};
use crate::kernel::{self, HERE};
use crate::render::PROGRAM;
use crate::sockets::{self, CallError};
use crate::vocabulary::{Flags, NO_FLAGS, Os, SocketError, Status, TRUNC};

/// What the server can be told.
#[derive(Args)]
pub struct Server {
    /// Where to listen; port 0 takes a free one
    #[arg(value_name = "ADDR", default_value = "127.0.0.1:8888")]
    address: Address,

    /// The answer; over a network, one of more than 56 bytes is sent only where the request is long enough
    #[arg(long, value_name = "TEXT", default_value = "Thanks")]
    reply: Message,

    /// Send back what came, as much of it as the buffer holds
    #[arg(long, conflicts_with = "reply")]
    echo: bool,

    /// Bytes that one receive takes at most, 0 to 65535: a longer datagram is truncated
    #[arg(long, value_name = "BYTES", default_value = "1024", value_parser = arguments::buffer)]
    buffer: usize,

    /// Stop after N datagrams
    #[arg(long, value_name = "N", value_parser = arguments::whole::<u64>(1, u64::MAX))]
    count: Option<u64>,

    /// Do not print a line for each datagram
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
    peers: Peers,
}

impl Totals {
    fn peers(&self) -> String {
        let more = if self.peers.count() == MOST_PEERS { " or more" } else { "" };
        format!("{}{more}", self.peers.count())
    }
}

impl Server {
    /// Serves until it is interrupted or has had its count, then writes the totals.
    ///
    /// # Errors
    /// When the address cannot be had, the socket fails, or nothing can be written any more.
    pub fn run(&self, transcript: &mut Transcript<'_>) -> Result<Status, ProgramError> {
        let address = self.address.resolve(Use::Listen)?;
        let socket = sockets::bound(address)?;
        refuse_broadcast(address)?;
        sockets::wait_at_most(&socket, SIGNAL_CHECK_INTERVAL)?;
        kernel::count_hops(&socket, HOPS).map_err(|e| CallError::new("set the time to live", &e))?;
        // A socket with an address of its own answers from there anyway.
        if address.ip().is_unspecified() {
            kernel::tell_destination(&socket).map_err(|e| CallError::new("set IP_PKTINFO", &e))?;
        }
        let stop = signals::stop_at_the_first()?;
        self.greet(&socket, transcript)?;
        let totals = self.serve(&socket, &stop, Lines::new(transcript.json, transcript.options))?;
        transcript.totals(
            "Server",
            vec![
                Total::count("datagrams", totals.datagrams),
                Total { text: totals.peers(), ..Total::count("peers", totals.peers.count()) },
                Total::count("bytes", totals.bytes),
                Total { name: "truncated", ..Total::count("cut", totals.cut) },
                Total::count("answered", totals.answered),
                Total::count("unanswered", totals.unanswered),
            ],
        )?;
        Ok(Status::AsExpected)
    }

    fn greet(&self, socket: &Socket, transcript: &mut Transcript<'_>) -> Result<(), ProgramError> {
        let bound = socket.local_addr().map_err(|e| CallError::new("ask for the local address", &e))?;
        let listening = bound.as_socket().map(|address| address.to_string()).unwrap_or_default();
        let reached = bound.as_socket().map(reached_at).unwrap_or_default();
        let ask = sockets::address_of(socket)?;
        let again = transcript.again;
        transcript.line(
            || {
                let mut text = format!("Listening on {listening}; Ctrl-C ends it.\n");
                let open = bound.as_socket().filter(|address| !address.ip().to_canonical().is_loopback());
                text.push_str(&match open {
                    Some(_) => "Receives from every host that can reach this machine.\n".to_owned(),
                    None => format!("Receives from this machine only; for other hosts, listen on {}.\n", everywhere(ask)),
                });
                let (reply, request) = (self.reply.length(), shortest_request(self.reply.length()));
                if open.is_some() && !self.echo && reply > longest_reply(0) {
                    text.push_str(&format!(
                        "The reply has {reply} bytes: over a network, what is shorter than {request} is not answered.\n"
                    ));
                }
                for (interface, address) in &reached {
                    // There, the program is found by its name at best: a path of this machine says nothing.
                    text.push_str(&format!("On another machine, through {interface}: {PROGRAM} client {address}\n"));
                }
                text + &in_another_terminal(socket, again)
            },
            || json!({ "listening": listening, "reached": reached.iter().map(|(_, address)| address).collect::<Vec<_>>() }),
        )?;
        transcript.out.flush()?;
        Ok(())
    }

    fn serve(&self, socket: &Socket, stop: &AtomicBool, mut lines: Lines) -> Result<Totals, ProgramError> {
        let mut totals = Totals::default();
        let mut buffer = vec![0; self.buffer];
        let mut blocking = BlockingMode::new(socket);
        while !stop.load(Ordering::Relaxed) && self.count != Some(totals.datagrams) {
            let room = [buffer.len()];
            let received = match kernel::receive_message(socket, &mut buffer, &room, WITH_REAL_LENGTH) {
                Ok(received) => received,
                // Nobody is waiting: time to show what was written so far, and to wait.
                Err(error) if sockets::is_timeout(&error) => {
                    lines.flush()?;
                    blocking.wait()?;
                    continue;
                }
                Err(error) if is_of_no_account(&error) => continue,
                Err(error) => return Err(CallError::new("receive", &error).into()),
            };
            blocking.hurry()?;
            // What is cut has filled the buffer; Wine counts 0 bytes of it.
            let cut = received.truncated;
            let length = if cut { self.buffer } else { received.length };
            let payload = &buffer[..length];
            let request = Request {
                from: received.from,
                payload,
                length: received.length.max(length),
                cut: cut && received.length <= length,
                hops: received.ancillary.ttl,
            };
            let reply = if self.echo { Reply::Echo } else { Reply::Text(&self.reply.0) };
            let answer = match totals.peers.rule(&request, reply) {
                Some(rule) => Answer::Forbidden(rule),
                None => answer(socket, request.from, received.ancillary.destination, reply.to(payload)),
            };
            totals.datagrams += 1;
            totals.bytes += length as u64;
            totals.cut += u64::from(cut);
            totals.answered += u64::from(answer == Answer::Sent);
            totals.unanswered += u64::from(answer != Answer::Sent);
            if !self.quiet {
                let unanswered = answer.reason();
                lines.add(&Datagram {
                    number: totals.datagrams,
                    peer: received.from,
                    payload,
                    cut,
                    unanswered: unanswered.as_deref(),
                })?;
            }
        }
        lines.flush()?;
        Ok(totals)
    }
}

/// Answers from the address that was asked, where the system tells it: a connected client accepts no other.
fn answer(socket: &Socket, to: Option<SocketAddr>, asked: Option<IpAddr>, payload: &[u8]) -> Answer {
    let send = |to| {
        let from_there = asked.map(|asked| kernel::send_from(socket, payload, to, asked));
        // What was sent to a broadcast or multicast address cannot be answered from there.
        from_there.and_then(Result::ok).map_or_else(|| socket.send_to(payload, &SockAddr::from(to)), Ok)
    };
    match to.map_or_else(|| Err(io::ErrorKind::AddrNotAvailable.into()), send) {
        Ok(_) => Answer::Sent,
        Err(error) => Answer::Failed(CallError::send("answer", &error)),
    }
}

/// Whether a receive failed for something that happened to another datagram. Only Windows tells an unconnected socket
/// that an answer went to a client that is gone, or that its time to live ran out.
pub(super) fn is_of_no_account(error: &io::Error) -> bool {
    let kinds = [io::ErrorKind::Interrupted, io::ErrorKind::ConnectionReset, io::ErrorKind::ConnectionRefused];
    kinds.contains(&error.kind()) || error.raw_os_error() == Some(SocketError::NetworkReset.on(HERE).number)
}

/// Some systems bind to the broadcast address of a network, to which nobody may send by default: connect tells it.
pub(super) fn refuse_broadcast(address: SocketAddr) -> Result<(), ProgramError> {
    let probe = (!address.ip().is_unspecified()).then(|| sockets::connected((address.ip(), 9).into()));
    match probe {
        Some(Err(error)) if error.error.is(SocketError::AccessDenied, HERE) => Err(ProgramError::Usage(format!(
            "{address}: a broadcast address is no address of a host: listen on {}.",
            everywhere(address)
        ))),
        _ => Ok(()),
    }
}

/// The flags of a receive that returns the real length of what the buffer cuts, where a system has that.
const WITH_REAL_LENGTH: Flags = match HERE {
    Os::Linux => TRUNC,
    Os::Macos | Os::Windows => NO_FLAGS,
};

#[derive(PartialEq, Eq)]
enum Answer {
    Sent,
    Forbidden(Rule),
    Failed(CallError),
}

impl Answer {
    /// Why there was none.
    fn reason(&self) -> Option<String> {
        Some(match self {
            Answer::Sent => return None,
            Answer::Forbidden(rule) => rule.to_string(),
            Answer::Failed(error) if error.error.is(SocketError::InvalidArgument, HERE) => {
                format!("nobody can be reached there ({})", error.error)
            }
            Answer::Failed(error) => format!("{} ({})", error.meaning, error.error),
        })
    }
}

/// Switches between taking what is there and waiting for more: output is flushed in between, so that a line appears at
/// once when the server is idle and a busy server does not pay for it.
struct BlockingMode<'a> {
    socket: &'a Socket,
    waiting: bool,
}

impl<'a> BlockingMode<'a> {
    fn new(socket: &'a Socket) -> Self {
        BlockingMode { socket, waiting: true }
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
