//! The lab: the only place that opens sockets. Every call made through it is written down as an [`Event`].
//!
//! A scene gets a [`Lab`] of its own, opens [`Endpoint`]s and [`Stream`]s under the names that the report uses, and
//! [observes](Lab::observe) one fact for each of its claims.

mod endpoint;
mod hang;
mod log;
pub mod probe;
mod receipt;
mod reserved;
mod service;
pub mod socket;
mod stream;
mod trouble;
mod watch;

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::AtomicU8;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use socket2::Socket;

pub use self::endpoint::{Endpoint, FENCE, room_for};
pub(crate) use self::hang::unless_hung;
pub use self::log::{Details, Event, Log, Moment, Outcome};
pub use self::receipt::{Peer, Receipt, Received};
pub use self::reserved::ReservedPort;
pub use self::service::{Crew, Handling, Service};
pub use self::stream::{Listener, Stream};
pub use self::trouble::{Call, CallError, Trouble};
pub use self::watch::{Ahead, Watcher};
use crate::platform::{self, HERE};
use crate::vocabulary::{Claim, Expect, Fact, Observation, Os};

/// Something that datagrams or connections can be sent to, with the name that reports use.
pub trait Target {
    /// Where it is reached.
    fn address(&self) -> SocketAddr;
    /// Its name in the report.
    fn name(&self) -> &str;
}

/// What the endpoints of a scene share: the log, and who has which address.
#[derive(Debug)]
struct Room {
    scene: usize,
    log: Arc<Log>,
    names: Mutex<HashMap<SocketAddr, String>>,
    fence: OnceLock<Socket>,
    fences: AtomicU8,
}

impl Room {
    fn write(&self, entry: Entry<'_>) -> Moment {
        self.log.write(|returned| Event {
            scene: self.scene,
            returned,
            who: entry.who.to_owned(),
            call: entry.call,
            with: entry.with.map(|(name, _)| name.to_owned()),
            payload: entry.payload.map(<[u8]>::to_vec),
            buffer: entry.buffer,
            descriptor: platform::descriptor(entry.socket),
            tcp: entry.tcp,
            local: entry.local,
            remote: entry.with.map(|(_, address)| address),
            result: entry.result,
            details: entry.details,
        })
    }

    /// Runs `calls` without a stop, whoever watches: to wait between them would change what is shown.
    fn at_once<T>(&self, calls: impl FnOnce() -> T) -> T {
        self.log.unstoppable();
        let result = calls();
        self.log.stoppable();
        result
    }

    fn enter(&self, address: SocketAddr, name: &str) {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).insert(address, name.to_owned());
    }

    fn name_of(&self, address: SocketAddr) -> Option<String> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).get(&address).cloned()
    }

    fn note_stranger(&self) {
        self.log.note("a datagram from another program on this machine was set aside".to_owned());
    }
}

/// A call that is to be written down: who made it, on which socket, and what there is to tell of it.
struct Entry<'a> {
    who: &'a str,
    socket: &'a Socket,
    tcp: bool,
    local: Option<SocketAddr>,
    call: &'static str,
    with: Option<(&'a str, SocketAddr)>,
    payload: Option<&'a [u8]>,
    buffer: Option<usize>,
    result: Outcome,
    details: Details,
}

impl<'a> Entry<'a> {
    fn new(who: &'a str, socket: &'a Socket, local: Option<SocketAddr>, call: &'static str, result: Outcome) -> Self {
        Entry {
            who,
            socket,
            tcp: false,
            local,
            call,
            with: None,
            payload: None,
            buffer: None,
            result,
            details: Details::default(),
        }
    }

    fn with(mut self, target: &'a impl Target) -> Self {
        self.with = Some((target.name(), target.address()));
        self
    }

    fn payload(mut self, bytes: &'a [u8]) -> Self {
        self.payload = Some(bytes);
        self
    }

    fn buffer(mut self, bytes: Option<usize>) -> Self {
        self.buffer = bytes;
        self
    }

    fn details(mut self, details: Details) -> Self {
        self.details = details;
        self
    }
}

/// One scene's workplace.
#[derive(Debug)]
pub struct Lab<'scene> {
    room: Arc<Room>,
    claims: &'scene [Claim],
    observations: Vec<(String, Observation)>,
}

impl<'scene> Lab<'scene> {
    pub(crate) fn new(scene: usize, claims: &'scene [Claim], log: Arc<Log>) -> Self {
        let room = Room { scene, log, names: Mutex::default(), fence: OnceLock::new(), fences: AtomicU8::new(0) };
        Lab { room: Arc::new(room), claims, observations: Vec::new() }
    }

    /// Opens a UDP endpoint on 127.0.0.1 with a port that the system chooses.
    ///
    /// # Errors
    /// What the system says.
    pub fn bind(&self, name: &str) -> Call<Endpoint> {
        Endpoint::open(name, Arc::clone(&self.room))?.bound(socket::ANY_PORT)
    }

    /// Opens a UDP endpoint on 0.0.0.0, every address of this machine.
    ///
    /// # Errors
    /// What the system says.
    pub fn bind_everywhere(&self, name: &str) -> Call<Endpoint> {
        Endpoint::open(name, Arc::clone(&self.room))?.bound(socket::EVERYWHERE)
    }

    /// A second loopback address of this machine, 127.0.0.2.
    ///
    /// # Errors
    /// [`Trouble::Skip`] where there is none.
    pub fn second_loopback(&self) -> Result<Ipv4Addr, Trouble> {
        probe::second_loopback()
    }

    /// Opens a UDP endpoint and leaves it unbound: its first send will get it a port.
    ///
    /// # Errors
    /// What the system says.
    pub fn endpoint(&self, name: &str) -> Call<Endpoint> {
        Endpoint::open(name, Arc::clone(&self.room))
    }

    /// Opens `count` unbound endpoints: `client 1`, `client 2`, …
    ///
    /// # Errors
    /// What the system says; too many for this process ends in EMFILE.
    pub fn endpoints(&self, name: &str, count: usize) -> Call<Vec<Endpoint>> {
        (1..=count).map(|number| self.endpoint(&format!("{name} {number}"))).collect()
    }

    /// Sets a UDP port aside on which nobody listens, and which no other program can take where the system allows
    /// that; see [`ReservedPort`].
    ///
    /// # Errors
    /// What the system says.
    pub fn reserve(&self, name: &str) -> Call<ReservedPort> {
        let port = ReservedPort::new(name)?;
        if !port.is_held() {
            // The longer the scene takes, the more likely another program gets the port.
            self.room.log.unstoppable();
        }
        Ok(port)
    }

    /// Opens an endpoint at a port that was set aside before.
    ///
    /// # Errors
    /// [`Trouble::Skip`] when another program took the port, which can only happen where it cannot be held.
    pub fn bind_at(&self, name: &str, port: &ReservedPort) -> Result<Endpoint, Trouble> {
        port.opened(Endpoint::open(name, Arc::clone(&self.room))?)
    }

    /// Opens a listening TCP socket on 127.0.0.1.
    ///
    /// # Errors
    /// What the system says.
    pub fn tcp_listener(&self, name: &str) -> Call<Listener> {
        let listener = Listener::silent(name, socket::ANY_PORT, Arc::clone(&self.room))?;
        listener.listen().map(|()| listener)
    }

    /// Opens a listening TCP socket on 0.0.0.0, every address of this machine.
    ///
    /// # Errors
    /// What the system says.
    pub fn tcp_listener_everywhere(&self, name: &str) -> Call<Listener> {
        let listener = Listener::silent(name, socket::EVERYWHERE, Arc::clone(&self.room))?;
        listener.listen().map(|()| listener)
    }

    /// Opens a TCP socket and connects it to `target`.
    ///
    /// # Errors
    /// What the system says: ECONNREFUSED where nobody listens.
    pub fn tcp_connect(&self, name: &str, target: &impl Target) -> Call<Stream> {
        Stream::connect(name, target, Arc::clone(&self.room))
    }

    /// A connected pair of TCP streams.
    ///
    /// # Errors
    /// What the system says.
    pub fn tcp_pair(&self, client: &str, server: &str) -> Call<(Stream, Stream)> {
        let listener = self.tcp_listener(server)?;
        let client = self.tcp_connect(client, &listener)?;
        Ok((client, listener.accept()?))
    }

    /// A TCP socket without a peer.
    ///
    /// # Errors
    /// What the system says.
    pub fn tcp_unconnected(&self, name: &str) -> Call<Stream> {
        Stream::unconnected(name, Arc::clone(&self.room))
    }

    /// A TCP port that is taken and not listened on.
    ///
    /// # Errors
    /// What the system says.
    pub fn tcp_reserve(&self, name: &str) -> Call<Listener> {
        Listener::silent(name, socket::ANY_PORT, Arc::clone(&self.room))
    }

    /// Does `work` for every item at the same time, each in a thread of its own.
    ///
    /// # Errors
    /// The first error of a thread.
    pub fn together<T: Sync>(&self, items: &[T], work: impl Fn(&T) -> Call<()> + Sync) -> Call<()> {
        let work = &work;
        let together = || {
            thread::scope(|scope| {
                let threads: Vec<_> = items.iter().map(|item| scope.spawn(move || work(item))).collect();
                let mut joined = threads.into_iter().map(|thread| thread.join());
                joined.try_for_each(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            })
        };
        self.room.at_once(together)
    }

    /// Why a receive buffer may be smaller than asked for.
    pub fn limit_on_buffers(&self) -> String {
        match HERE {
            Os::Linux => "net.core.rmem_max limits the receive buffer here".to_owned(),
            Os::Macos => "kern.ipc.maxsockbuf limits the receive buffer here".to_owned(),
            Os::Windows => "the system limits the receive buffer here".to_owned(),
        }
    }

    /// How many descriptors the process has open.
    ///
    /// # Errors
    /// The reason, where the system does not tell.
    pub fn open_descriptors(&self) -> Result<usize, String> {
        platform::open_descriptors().ok_or_else(|| probe::NO_DESCRIPTORS.to_owned())
    }

    /// How many descriptors the process has opened since there were `before`.
    ///
    /// # Errors
    /// The reason, where the system does not tell.
    pub fn descriptors_since(&self, before: Result<usize, String>) -> Result<usize, String> {
        Ok(self.open_descriptors()?.saturating_sub(before?))
    }

    /// Whether the claim `id` speaks of something that this system has; where not, it need not be observed.
    pub fn applies(&self, id: &str) -> bool {
        let claim = self.claims.iter().find(|claim| claim.id == id);
        claim.is_none_or(|claim| !matches!(claim.expected.on(HERE), Expect::Absent(_)))
    }

    /// Hands in what was seen for the claim `id`. Each claim is observed exactly once.
    pub fn observe(&mut self, id: impl Into<String>, fact: impl Into<Fact>) {
        self.observations.push((id.into(), Observation::Seen(fact.into())));
    }

    /// Says that the claim `id` could not be looked at, and why.
    pub fn skip(&mut self, id: impl Into<String>, reason: impl Into<String>) {
        self.observations.push((id.into(), Observation::Skipped(reason.into())));
    }

    /// Hands in what was seen for the claim `id`, or the reason why it could not be looked at.
    pub fn observe_or_skip(&mut self, id: impl Into<String>, looked: Result<impl Into<Fact>, String>) {
        match looked {
            Ok(fact) => self.observe(id, fact),
            Err(reason) => self.skip(id, reason),
        }
    }

    /// One observation for each claim, in their order.
    ///
    /// # Errors
    /// [`Trouble::Defect`] when a claim was observed twice or never, or something else was observed.
    pub(crate) fn close(self) -> Result<Vec<Observation>, Trouble> {
        let Lab { claims, mut observations, .. } = self;
        let mut matched = Vec::with_capacity(claims.len());
        for claim in claims {
            let place = observations.iter().position(|(id, _)| *id == claim.id);
            matched.push(match (place, claim.expected.on(HERE)) {
                (Some(place), _) => observations.remove(place).1,
                (None, Expect::Absent(reason)) => Observation::Skipped((*reason).to_owned()),
                (None, _) => return Err(Trouble::Defect(format!("`{}` was never observed", claim.id))),
            });
        }
        match observations.first() {
            None => Ok(matched),
            Some((id, _)) if claims.iter().any(|claim| claim.id == *id) => {
                Err(Trouble::Defect(format!("`{id}` was observed twice")))
            }
            Some((id, _)) => Err(Trouble::Defect(format!("`{id}` was observed and never claimed"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::{promised, sources};

    fn close(observed: &[&str]) -> Result<Vec<Observation>, Trouble> {
        let claims = [promised("a", "a", 1, &sources::RFC768), promised("b", "b", 2, &sources::RFC768)];
        let mut lab = Lab::new(1, &claims, Arc::new(Log::new(None)));
        for id in observed {
            lab.observe(*id, 1);
        }
        lab.close()
    }

    #[test]
    fn each_claim_is_observed_exactly_once() {
        let defect = |text: &str| Err(Trouble::Defect(text.to_owned()));
        assert!(close(&["b", "a"]).is_ok());
        assert_eq!(close(&["a"]), defect("`b` was never observed"));
        assert_eq!(close(&["a", "b", "a"]), defect("`a` was observed twice"));
        assert_eq!(close(&["a", "b", "c"]), defect("`c` was observed and never claimed"));
    }
}
