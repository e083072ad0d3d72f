//! A relay between clients and a server that loses, delays, doubles, swaps and corrupts datagrams: a bad network on one
//! machine, and the same one again for the same seed.

mod clients;
mod lines;
mod queue;

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::json;
use socket2::{SockAddr, Socket};

use self::clients::{Clients, TooMany};
use self::lines::{Lines, Tally};
use self::queue::{Datagram, Queue};
use super::address::{Use, everywhere, in_another_terminal};
use super::rules::Rule;
use super::server::{is_of_no_account, refuse_broadcast};
use super::{Address, ProgramError, SIGNAL_CHECK_INTERVAL, Transcript, signals};
use crate::arguments;
use crate::kernel::{self, HERE};
use crate::sockets::{self, Call, CallError};
use crate::vocabulary::{Delay, Impairments, NO_FLAGS, RelayDirection, Share, SocketError, Status};

/// So long a datagram is held back that no later one passes: longer than the second that the pingers of the assignment
/// leave between two, and shorter than the time for which the client waits.
const LONGEST_HOLD: Duration = Duration::from_millis(1500);

/// So many datagrams are taken from one socket before the others have their turn.
const IN_ONE_GO: usize = 64;

/// The time to live of what the relay sends, where the system does not tell that of what came.
const HOPS: u8 = 64;

/// What the relay can be told.
#[derive(Args)]
pub struct Relay {
    /// Where clients ask the relay; port 0 takes a free one
    #[arg(value_name = "LISTEN")]
    listen: Address,

    /// The server to which everything goes
    #[arg(value_name = "TO")]
    to: Address,

    /// Share of datagrams to lose in each direction, such as 30% or 0.3
    #[arg(long, value_name = "SHARE", default_value = "0%")]
    lose: Share,

    /// Delay of each datagram: a time or a range, such as 50ms or 20ms..80ms
    #[arg(long, value_name = "TIME", default_value = "0ms")]
    delay: Delay,

    /// Share of datagrams to send twice
    #[arg(long, value_name = "SHARE", default_value = "0%")]
    duplicate: Share,

    /// Share of datagrams to hold back until the next one of the same client and direction has passed, for 1.5s at most
    #[arg(long, value_name = "SHARE", default_value = "0%")]
    reorder: Share,

    /// Share of datagrams in which one byte is changed
    #[arg(long, value_name = "SHARE", default_value = "0%")]
    corrupt: Share,

    /// Seed of the random decisions: the same seed repeats them; without it one is chosen and shown
    #[arg(long, value_name = "N", value_parser = arguments::whole::<u64>(0, u64::MAX))]
    seed: Option<u64>,
}

/// The datagrams of one client in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flow {
    direction: RelayDirection,
    /// Which client, counted from 1.
    client: u64,
}

/// A relay that works.
struct Relaying<'a, 't> {
    impairments: Impairments,
    seed: u64,
    listening: Socket,
    server: SocketAddr,
    clients: Clients,
    queue: Queue,
    /// For each direction.
    tallies: [Tally; 2],
    lines: Lines<'a, 't>,
    /// Room for any datagram.
    buffer: Vec<u8>,
}

impl Relay {
    /// Relays until it is interrupted, then writes the totals.
    ///
    /// # Errors
    /// When an address cannot be had, the relay would relay to itself, the socket fails, or nothing can be written any
    /// more.
    pub fn run(&self, transcript: &mut Transcript<'_>) -> Result<Status, ProgramError> {
        let (listen, to) = (self.listen.resolve(Use::Listen)?, self.to.resolve(Use::Ask)?);
        let listening = open(|| sockets::bound(listen))?;
        refuse_broadcast(listen)?;
        // Asked for once now, so that what cannot be reached is said at once. The system names the host that 0.0.0.0
        // stands for.
        let server = address(sockets::connected(to)?.peer_addr())?;
        refuse_circle(address(listening.local_addr())?, server)?;
        let stop = signals::stop_at_the_first()?;
        let seed = self.seed.unwrap_or_else(any_seed);
        self.greet(&listening, server, seed, transcript)?;
        let mut relaying = Relaying {
            impairments: self.impairments(),
            seed,
            listening,
            server,
            clients: Clients::default(),
            queue: Queue::default(),
            tallies: Default::default(),
            lines: Lines { transcript, started: Instant::now() },
            buffer: vec![0; usize::from(u16::MAX)],
        };
        relaying.relay(&stop)?;
        relaying.sum_up()?;
        Ok(Status::AsExpected)
    }

    fn impairments(&self) -> Impairments {
        let Relay { lose, delay, duplicate, reorder, corrupt, .. } = *self;
        Impairments { lose, delay, duplicate, reorder, corrupt }
    }

    fn greet(
        &self,
        listening: &Socket,
        server: SocketAddr,
        seed: u64,
        transcript: &mut Transcript<'_>,
    ) -> Result<(), ProgramError> {
        let bound = address(listening.local_addr())?;
        let ask = sockets::address_of(listening)?;
        let again = transcript.again;
        transcript.line(
            || {
                let heard = match bound.ip().to_canonical().is_loopback() {
                    true => format!("Receives from this machine only; for other hosts, listen on {}.", everywhere(ask)),
                    false => {
                        format!("Receives from every host that can reach this machine, and sends it on to {server}.")
                    }
                };
                let seed = match self.seed {
                    Some(seed) => format!("Each run with seed {seed} makes the same decisions."),
                    None => format!("Seed {seed} was chosen: with --seed {seed} another run makes the same decisions."),
                };
                let client = in_another_terminal(listening, again);
                format!("Relaying {bound} to {server}; Ctrl-C ends it.\n{heard}\n{}\n{seed}\n{client}", self.plan())
            },
            || json!({ "listening": bound.to_string(), "to": server.to_string(), "seed": seed }),
        )?;
        transcript.out.flush()?;
        Ok(())
    }

    /// What is to happen, as a sentence.
    fn plan(&self) -> String {
        let shares = [
            ("lost", self.lose),
            ("duplicated", self.duplicate),
            ("held back", self.reorder),
            ("corrupted", self.corrupt),
        ];
        let shares = shares.into_iter().filter(|(_, share)| !share.is_none());
        let mut plan: Vec<String> = shares.map(|(what, share)| format!("{share} {what}")).collect();
        if !self.delay.is_none() {
            plan.push(format!("delayed by {}", self.delay));
        }
        match plan.is_empty() {
            true => "Each way: everything is forwarded as it comes.".to_owned(),
            false => format!("Each way: {}.", plan.join(", ")),
        }
    }
}

/// A number that is easy to type.
fn any_seed() -> u64 {
    // Of the standard library's sources of chance the only one: keys that the system drew.
    RandomState::new().build_hasher().finish() % 1_000_000
}

/// A socket as the relay needs it: it never waits, and tells the time to live of what comes.
fn open(socket: impl FnOnce() -> Call<Socket>) -> Call<Socket> {
    let socket = socket()?;
    kernel::count_hops(&socket, HOPS).map_err(|e| CallError::new("set the time to live", &e))?;
    socket.set_nonblocking(true).map_err(|e| CallError::new("switch blocking off", &e))?;
    Ok(socket)
}

fn address(asked: io::Result<SockAddr>) -> Call<SocketAddr> {
    let address = asked.map_err(|e| CallError::new("ask for an address", &e))?;
    Ok(address.as_socket().unwrap_or(sockets::ANY_PORT))
}

/// What a relay sends to itself would go round in a circle.
fn refuse_circle(bound: SocketAddr, server: SocketAddr) -> Result<(), ProgramError> {
    let [here, there] = [bound, server].map(|address| address.ip().to_canonical());
    // Whoever is heard on every interface is heard at each address of this machine: those to which a socket can be
    // bound.
    let same_host = here == there || here.is_unspecified() && sockets::bound((server.ip(), 0).into()).is_ok();
    match same_host && bound.port() == server.port() {
        true => {
            Err(ProgramError::Usage(format!("{server} is the relay itself: the second address is that of the server")))
        }
        false => Ok(()),
    }
}

impl Relaying<'_, '_> {
    fn relay(&mut self, stop: &AtomicBool) -> Result<(), ProgramError> {
        while !stop.load(Ordering::Relaxed) {
            while let Some(datagram) = self.queue.take_due(Instant::now()) {
                self.send(datagram)?;
            }
            self.lines.transcript.out.flush()?;
            let (listening, clients) = self.wait()?;
            if listening {
                self.receive_from_clients()?;
            }
            for client in clients {
                self.receive_from_server(client)?;
            }
        }
        Ok(())
    }

    /// Waits until something comes or is to be sent, but never for long: whether clients have sent something, and for
    /// which of them the server has.
    fn wait(&self) -> Result<(bool, Vec<u64>), ProgramError> {
        let now = Instant::now();
        let until_due = self.queue.next_due().map_or(SIGNAL_CHECK_INTERVAL, |due| due.saturating_duration_since(now));
        let all = self.clients.all();
        let sockets = [&self.listening].into_iter().chain(all.iter().map(|client| &client.socket));
        let mut polled: Vec<_> = sockets.map(|socket| PollFd::new(socket, PollFlags::IN)).collect();
        let limit = Timespec::try_from(until_due.min(SIGNAL_CHECK_INTERVAL)).ok();
        match poll(&mut polled, limit.as_ref()) {
            Ok(_) => {}
            Err(error) if io::Error::from(error).kind() == io::ErrorKind::Interrupted => return Ok(Default::default()),
            Err(error) => return Err(CallError::new("wait for datagrams", &error.into()).into()),
        }
        let mut ready = polled.iter().map(|socket| !socket.revents().is_empty());
        let listening = ready.next() == Some(true);
        let clients = all.iter().zip(ready).filter(|(_, ready)| *ready).map(|(client, _)| client.number).collect();
        Ok((listening, clients))
    }

    fn receive_from_clients(&mut self) -> Result<(), ProgramError> {
        for _ in 0..IN_ONE_GO {
            match receive(&self.listening, &mut self.buffer) {
                Ok((Some(from), hops, payload)) => self.take_from_client(from, hops, payload)?,
                Ok((None, ..)) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if is_of_no_account(&error) => {}
                Err(error) => return Err(CallError::new("receive", &error).into()),
            }
        }
        Ok(())
    }

    fn take_from_client(&mut self, from: SocketAddr, hops: Option<u8>, payload: Vec<u8>) -> Result<(), ProgramError> {
        let now = Instant::now();
        let number = match self.clients.find(from) {
            Some(number) => number,
            None => match self.new_client(from, now)? {
                Ok(number) => number,
                Err(reason) => {
                    let tally = &mut self.tallies[RelayDirection::ToServer as usize];
                    tally.received += 1;
                    tally.not_forwarded += 1;
                    return self.lines.refused_client(from, &reason);
                }
            },
        };
        if let Some(client) = self.clients.get(number) {
            client.is_active(now);
            client.account.receive(payload.len());
        }
        self.decide(Flow { direction: RelayDirection::ToServer, client: number }, hops, payload, now)
    }

    /// The number of a client that was not known; or why there is no room for one.
    fn new_client(&mut self, address: SocketAddr, now: Instant) -> Result<Result<u64, String>, ProgramError> {
        let server = self.server;
        Ok(match self.clients.add(address, now, || open(|| sockets::connected(server))) {
            Ok(Ok(number)) => {
                self.lines.new_client(number, address)?;
                Ok(number)
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(TooMany) => Err(format!(
                "there are {} clients, and none of them has been silent for {}",
                Clients::MOST,
                humantime::format_duration(Clients::SILENCE)
            )),
        })
    }

    fn receive_from_server(&mut self, number: u64) -> Result<(), ProgramError> {
        for _ in 0..IN_ONE_GO {
            // It may have given way meanwhile.
            let Some(client) = self.clients.get(number) else { break };
            match receive(&client.socket, &mut self.buffer) {
                Ok((_, hops, payload)) => {
                    let now = Instant::now();
                    client.is_active(now);
                    self.decide(Flow { direction: RelayDirection::ToClient, client: number }, hops, payload, now)?;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => self.error_from_server(number, &error)?,
            }
        }
        Ok(())
    }

    /// An error that speaks of an earlier datagram to the server. The next one may arrive.
    fn error_from_server(&mut self, client: u64, error: &io::Error) -> Result<(), ProgramError> {
        let CallError { error, meaning, .. } = CallError::new("receive", error);
        let refusals = [SocketError::ConnectionRefused, SocketError::ConnectionReset];
        let refused = refusals.into_iter().any(|kind| error.is(kind, HERE));
        let said = match refused {
            true => format!("the port is refused ({error}): nobody listens there, or a firewall refuses it"),
            false => format!("{meaning} ({error})"),
        };
        self.lines.server_not_reached(client, error, &said)
    }

    /// Decides what becomes of a datagram, says so, and lets it wait for its time.
    fn decide(&mut self, flow: Flow, hops: Option<u8>, mut payload: Vec<u8>, now: Instant) -> Result<(), ProgramError> {
        let tally = &mut self.tallies[flow.direction as usize];
        tally.received += 1;
        let number = tally.received;
        let decision = self.impairments.decide(self.seed, flow.direction, number, &payload);
        if !decision.lost && hops.is_some_and(|hops| hops <= 1) {
            return self.give_up(flow, number, &Rule::NoHopsLeft.to_string());
        }
        if !decision.lost && self.queue.is_full() {
            return self.give_up(flow, number, &format!("{} others wait already", Queue::MOST));
        }
        tally.count(&decision);
        self.lines.decided(flow, number, payload.len(), &decision)?;
        if decision.lost {
            return Ok(());
        }
        if let Some(corruption) = decision.corruption {
            payload[corruption.byte] = corruption.values[1];
        }
        let copies = if decision.duplicated { 2 } else { 1 };
        for (index, delay) in decision.delays.into_iter().take(copies).enumerate() {
            let wait = if decision.held_back { LONGEST_HOLD } else { delay };
            let (payload, hops) = (payload.clone(), hops.map(|hops| hops - 1));
            let held_back = decision.held_back;
            self.queue.add(now + wait, Datagram { flow, number, payload, hops, is_copy: index > 0, held_back });
        }
        Ok(())
    }

    /// Sends a datagram whose time has come, and behind it what was held back for it.
    fn send(&mut self, datagram: Datagram) -> Result<(), ProgramError> {
        let (flow, number) = (datagram.flow, datagram.number);
        self.send_one(datagram)?;
        self.queue.release(flow, number).into_iter().try_for_each(|datagram| self.send_one(datagram))
    }

    fn send_one(&mut self, datagram: Datagram) -> Result<(), ProgramError> {
        let Datagram { flow, number, is_copy, .. } = datagram;
        let Some(client) = self.clients.get(flow.client) else {
            return self.not_sent(&datagram, "the client has given way to a new one");
        };
        // What the system has to say of an earlier datagram would be said instead of sending this one.
        let earlier = client.socket.take_error().ok().flatten();
        let sent = match flow.direction {
            RelayDirection::ToServer => send(&client.socket, self.server, None, &datagram),
            RelayDirection::ToClient => match client.account.send(client.address, datagram.payload.len()) {
                Ok(()) => send(&self.listening, client.address, Some(client.address), &datagram),
                Err(rule) => return self.not_sent(&datagram, &rule.to_string()),
            },
        };
        let overtaken = client.was_overtaken(flow, number);
        if let Some(error) = earlier {
            self.error_from_server(flow.client, &error)?;
        }
        if let Err(error) = sent {
            let error = CallError::send("send", &error);
            return self.not_sent(&datagram, &format!("{} ({})", error.meaning, error.error));
        }
        let tally = &mut self.tallies[flow.direction as usize];
        tally.forwarded += u64::from(!is_copy);
        tally.reordered += u64::from(overtaken && !is_copy);
        Ok(())
    }

    /// Says why a datagram does not go on, and counts it, unless it is a copy.
    fn not_sent(&mut self, datagram: &Datagram, reason: &str) -> Result<(), ProgramError> {
        match datagram.is_copy {
            true => self.lines.not_forwarded(datagram.flow, datagram.number, &format!("its copy: {reason}")),
            false => self.give_up(datagram.flow, datagram.number, reason),
        }
    }

    /// Says why a datagram is not forwarded, and counts it.
    fn give_up(&mut self, flow: Flow, number: u64, reason: &str) -> Result<(), ProgramError> {
        self.tallies[flow.direction as usize].not_forwarded += 1;
        self.lines.not_forwarded(flow, number, reason)
    }

    fn sum_up(mut self) -> Result<(), ProgramError> {
        for direction in [RelayDirection::ToServer, RelayDirection::ToClient] {
            self.tallies[direction as usize].waiting = self.queue.count(direction) as u64;
        }
        self.lines.totals(&self.tallies)
    }
}

/// A datagram: who sent it, with which time to live it came, and its payload.
fn receive(socket: &Socket, buffer: &mut [u8]) -> io::Result<(Option<SocketAddr>, Option<u8>, Vec<u8>)> {
    let room = [buffer.len()];
    let received = kernel::receive_message(socket, buffer, &room, NO_FLAGS)?;
    Ok((received.from, received.ancillary.ttl, buffer[..received.length].to_vec()))
}

/// Sends a datagram by a socket that is connected, or to somebody, with the time to live that is left.
fn send(socket: &Socket, peer: SocketAddr, to: Option<SocketAddr>, datagram: &Datagram) -> io::Result<usize> {
    if let Some(hops) = datagram.hops {
        // Not every system lets a socket of IPv6 set it for clients of IPv4; it is then the usual one.
        let _ = match peer.ip().to_canonical() {
            IpAddr::V4(_) => socket.set_ttl_v4(hops.into()),
            IpAddr::V6(_) => socket.set_unicast_hops_v6(hops.into()),
        };
    }
    match to {
        Some(to) => socket.send_to(&datagram.payload, &SockAddr::from(to)),
        None => socket.send(&datagram.payload),
    }
}
