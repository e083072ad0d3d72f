//! Whether what is sent on loopback arrives: what `doctor` asks, and what is asked where a row differs.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use socket2::{SockAddr, Socket};

use super::needs::SECOND;
use super::recheck::recheck;
use super::time_limits::LIMIT;
use super::{Call, CallError, ClosedPort, SceneError, Session, Target, Watchdog, tcp};
use crate::kernel;
use crate::sockets;
use crate::vocabulary::{Flags, Need, bytes};

/// Sends one datagram over loopback and receives it, as it was sent.
///
/// # Errors
/// [`SceneError::NoLoopback`] where it does not arrive, or not as it was sent: without it no lesson can run.
pub fn passes() -> Result<(), SceneError> {
    let passed = pass(Ipv4Addr::LOCALHOST.into());
    let passed = passed.map_err(|error| match error.is_of_the_environment() && !error.lacks_resources() {
        true => SceneError::NoLoopback(error.to_string()),
        false => error.into(),
    })?;
    match passed {
        Passed::As { sent, received } if sent == received => match source_of_the_unbound(sent) {
            Some(source) if source != sent.ip() => Err(SceneError::NoLoopback(format!(
                "what an unbound socket sends to {ip} comes from {source}. Is {ip} the first address of the loopback interface?",
                ip = sent.ip()
            ))),
            _ => Ok(()),
        },
        Passed::As { sent, received } => Err(SceneError::NoLoopback(format!(
            "a datagram sent from {sent} came from {received}. Does a firewall translate addresses?"
        ))),
        Passed::Not { to } => Err(SceneError::NoLoopback(lost(to))),
    }
}

/// The address from which the system sends to `to` what a socket sends that is bound to none.
fn source_of_the_unbound(to: SocketAddr) -> Option<IpAddr> {
    let socket = sockets::udp(to).ok()?;
    sockets::connect(&socket, to).ok()?;
    sockets::address_of(&socket).ok().map(|source| source.ip())
}

/// What is said where a datagram to `to`, a loopback address, did not come.
fn lost(to: SocketAddr) -> String {
    let limit = LIMIT.as_secs_f64();
    let why = match kernel::loopback_is_up() {
        Some(false) => "The loopback interface is down: `ip link set lo up` starts it.",
        Some(true) | None => "Does a firewall drop it?",
    };
    format!("a datagram to {to} was sent and did not arrive within {limit} s. {why}")
}

/// What became of a datagram from an address of this machine to the same one.
enum Passed {
    /// It came: the address from which it was sent, and the one from which it was received.
    As { sent: SocketAddr, received: SocketAddr },
    /// It did not come.
    Not { to: SocketAddr },
}

/// Sends a datagram from `ip` to `ip`, three times: one that is lost now and then is no sign of a loopback that does
/// not pass. Like an end marker it has one byte: where those pass, this does. It is sent by a connected socket where
/// there is such a thing, and received by one that takes it from any address.
fn pass(ip: IpAddr) -> Call<Passed> {
    let [receiver, sender] = [(); 2].map(|()| sockets::bound(SocketAddr::from((ip, 0))));
    let (receiver, sender) = (receiver?, sender?);
    let (to, sent) = (sockets::address_of(&receiver)?, sockets::address_of(&sender)?);
    // Another program, which knows nothing of it, is not likely to send the same byte.
    let [_, byte] = sent.port().to_be_bytes();
    send_three_times(&sender, &[byte], to)?;
    let (deadline, mut other) = (Instant::now() + LIMIT, None);
    // Room for anything that others send: what is truncated is an error on Windows.
    let mut buffer = vec![0; usize::from(u16::MAX)];
    while let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        sockets::wait_at_most(&receiver, left.max(Duration::from_millis(1)))?;
        match kernel::receive_from(&receiver, &mut buffer, Flags::default()) {
            Ok((1, from)) if buffer[0] == byte => match from.as_socket() {
                Some(from) if from == sent => return Ok(Passed::As { sent, received: from }),
                // It may be an unrelated program's.
                from => other = from,
            },
            Ok(_) => {}
            Err(_) => break,
        }
    }
    Ok(other.map_or(Passed::Not { to }, |received| Passed::As { sent, received }))
}

/// Sends with a connected socket, or to the address where the system connects none.
fn send_three_times(sender: &Socket, payload: &[u8], to: SocketAddr) -> Call<()> {
    let sent = match sockets::connect(sender, to) {
        Ok(()) => sender.send(payload),
        Err(error) if error.is_of_the_environment() => return Err(error),
        Err(_) => sender.send_to(payload, &SockAddr::from(to)),
    };
    sent.map_err(|error| CallError::send(format!("send to {to}"), &error))?;
    // Whether the first one has been sent is what is asked.
    for _ in 1..3 {
        let _ = sender.send(payload).or_else(|_| sender.send_to(payload, &SockAddr::from(to)));
    }
    Ok(())
}

/// Why what was sent to `ip`, an address of this machine, may be missing: not even a datagram of one byte passes there,
/// whatever its sender. `None` where it does, and where that cannot be found out.
pub(super) fn udp_is_lost(ip: IpAddr) -> Option<String> {
    match pass(ip) {
        Ok(Passed::As { .. }) => None,
        Ok(Passed::Not { to }) => Some(lost(to)),
        Err(error) => error.is_of_the_environment().then(|| error.reason()),
    }
}

/// What may be the matter with the machine where rows differ, found out once in a run. It is checked only then: between
/// the calls of lessons there are no others.
#[derive(Default)]
pub(crate) struct MachineChecks {
    found: HashMap<Check, Option<String>>,
    /// Its own: a call that does not return here is no scene's.
    watchdog: Watchdog,
    passes: bool,
}

/// Something that is checked.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Check {
    /// Whether datagrams pass to this address.
    Passes(IpAddr),
    /// Whether all of many datagrams to this address arrive.
    Delivers(IpAddr),
    /// Whether a connection of TCP is made.
    Connects,
    /// Whether ICMP messages come back from ports of it where nobody listens.
    Answers(IpAddr),
}

impl MachineChecks {
    /// Checks whether it [`passes`]; once it did, that is so for the run.
    ///
    /// # Errors
    /// [`SceneError::NoLoopback`] where it does not. What else fails has said so in the scenes.
    pub(crate) fn check_loopback(&mut self, session: &Session) -> Result<(), SceneError> {
        if self.passes {
            return Ok(());
        }
        match self.watchdog.run(session, passes) {
            Err(error @ SceneError::NoLoopback(_)) => Err(error),
            _ => {
                self.passes = true;
                Ok(())
            }
        }
    }

    /// Why a difference of a scene with this need is no evidence.
    pub(crate) fn reason_against(&mut self, need: Need, session: &Session) -> Option<String> {
        match need {
            Need::SecondLoopback => self.checked(Check::Passes(SECOND.into()), session),
            Need::Ipv6 => self.checked(Check::Passes(Ipv6Addr::LOCALHOST.into()), session),
            _ => None,
        }
    }

    /// Why it is no evidence that nothing came back for a datagram to a port of `loopback` where nobody listens.
    pub(crate) fn icmp_missing(&mut self, loopback: IpAddr, session: &Session) -> Option<String> {
        self.checked(Check::Answers(loopback), session)
    }

    /// Why it is no evidence that something is missing which was sent to `loopback`.
    pub(crate) fn datagrams_missing(&mut self, loopback: IpAddr, session: &Session) -> Option<String> {
        self.checked(Check::Delivers(loopback), session)
    }

    /// Why it is no evidence that a call of TCP does not return.
    pub(crate) fn tcp_missing(&mut self, session: &Session) -> Option<String> {
        self.checked(Check::Connects, session)
    }

    /// The same where that was asked before: nothing is checked for it.
    pub(crate) fn tcp_known_missing(&self) -> Option<&str> {
        self.found.get(&Check::Connects)?.as_deref()
    }

    fn checked(&mut self, check: Check, session: &Session) -> Option<String> {
        if let Some(found) = self.found.get(&check) {
            return found.clone();
        }
        let work = move || match check {
            Check::Passes(ip) => Ok(udp_is_lost(ip)),
            Check::Delivers(loopback) => Ok(some_are_lost(loopback)),
            Check::Connects => Ok(tcp_is_lost()),
            Check::Answers(loopback) => Ok(icmp_is_lost(loopback)),
        };
        let found = self.watchdog.run(session, work).unwrap_or_default();
        self.found.insert(check, found.clone());
        found
    }
}

/// Why ICMP messages may be missing: the kernel has not received one for each of some datagrams to a port where nobody
/// listens. Those that it counts come to no socket of a lesson. `None` where it has, and where that cannot be found
/// out.
pub(super) fn icmp_is_lost(loopback: IpAddr) -> Option<String> {
    /// More than filters that limit the rate of messages let pass at once, and fewer than Linux itself does.
    const DATAGRAMS: usize = 20;
    let port = ClosedPort::new("nobody", SocketAddr::from((loopback, 0))).ok()?;
    let sender = sockets::bound(SocketAddr::from((loopback, 0))).ok()?;
    for number in 0..DATAGRAMS {
        let before = kernel::refusals_received(loopback)?;
        // Where an error about the datagram before is pending, this call returns it and sends nothing.
        let send = || sender.send_to(b"?", &SockAddr::from(port.address()));
        send().or_else(|_| send()).ok()?;
        let is_answered = |count: &Option<u64>| count.is_none_or(|count| count > before);
        let Some(count) = recheck(SILENCE, || Some(kernel::refusals_received(loopback)).filter(is_answered)) else {
            return Some(format!(
                "a datagram to {}, where nobody listens, was not answered with ICMP, after {number} others were. Does a firewall \
                 drop it?",
                port.address()
            ));
        };
        // Where the system tells it no more, it cannot be found out.
        count?;
    }
    None
}

/// Why datagrams to `loopback` may be missing: of many that are sent, each when the one before has come, one does not
/// arrive. `None` where all do, and where that cannot be found out.
pub fn some_are_lost(loopback: IpAddr) -> Option<String> {
    const DATAGRAMS: usize = 50;
    /// Some fit into a frame of Ethernet, some do not: filters choose by length.
    const LENGTHS: [usize; 5] = [1, 5, 100, 1000, 1473];
    let [receiver, sender] = [(); 2].map(|()| sockets::bound(SocketAddr::from((loopback, 0))));
    let (receiver, sender) = (receiver.ok()?, sender.ok()?);
    let to = sockets::address_of(&receiver).ok()?;
    sockets::wait_at_most(&receiver, SILENCE).ok()?;
    // Room for anything that others send: what is truncated is an error on Windows.
    let mut buffer = vec![0; usize::from(u16::MAX)];
    for number in 0..DATAGRAMS {
        let length = LENGTHS[number % LENGTHS.len()];
        sender.send_to(&vec![b'?'; length], &SockAddr::from(to)).ok()?;
        match kernel::receive_from(&receiver, &mut buffer, Flags::default()) {
            // As it was sent or not: that is no question here.
            Ok(_) => {}
            Err(error) if sockets::is_timeout(&error) => {
                let length = bytes(length);
                return Some(format!(
                    "a datagram of {length} to {to} did not arrive, after {number} had. Does a firewall drop it?"
                ));
            }
            Err(_) => return None,
        }
    }
    None
}

/// Why there may be no connection of TCP over loopback: one that is tried fails, or is not made within the limit.
pub(super) fn tcp_is_lost() -> Option<String> {
    let listener = listening().ok()?;
    let to = sockets::address_of(&listener).ok()?;
    let client = tcp::open().ok()?;
    match client.connect_timeout(&SockAddr::from(to), LIMIT) {
        Ok(()) => None,
        Err(error) if sockets::is_timeout(&error) => Some(format!(
            "a connection of TCP to {to} was not made within {} s. Does a firewall drop it?",
            LIMIT.as_secs_f64()
        )),
        Err(error) => Some(CallError::connect(to, &error).to_string()),
    }
}

fn listening() -> Call<Socket> {
    let listener = tcp::open()?;
    sockets::bind(&listener, sockets::ANY_PORT)?;
    listener.listen(1).map_err(|error| CallError::new("listen", &error))?;
    Ok(listener)
}

/// How long the answer to a datagram on this machine may take.
const SILENCE: Duration = Duration::from_secs(1);
