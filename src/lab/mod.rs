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
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use socket2::Socket;

pub use self::endpoint::{Endpoint, FENCE, room_for};
pub(crate) use self::hang::unless_hung;
pub use self::log::{Details, Event, Log, Moment, Outcome};
pub use self::receipt::{Peer, Receipt, Received};
pub use self::reserved::ReservedPort;
pub use self::service::{Crew, Handling, Service};
#[cfg(test)]
use self::stream::END_OF_FILE;
pub use self::stream::{Listener, Stream};
pub use self::trouble::{Call, CallError, Trouble};
pub use self::watch::{Ahead, Watcher};
use crate::platform::{self, HERE};
use crate::vocabulary::{Claim, Expect, Fact, Observation};

/// Something that datagrams or connections can be sent to, with the name that reports use.
pub trait Target {
    /// Where it is reached.
    fn address(&self) -> SocketAddr;
    /// Its name in the report.
    fn name(&self) -> &str;
}

/// What an address belongs to besides its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Protocol {
    Udp,
    Tcp,
}

/// What the endpoints of a scene share: the log, and who has which address.
#[derive(Debug)]
struct Room {
    scene: usize,
    log: Arc<Log>,
    /// By protocol: a port of TCP says nothing of the port of UDP with the same number.
    names: Mutex<HashMap<(Protocol, SocketAddr), String>>,
    /// Why a difference would be no evidence.
    excuse: OnceLock<String>,
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

    fn names(&self) -> MutexGuard<'_, HashMap<(Protocol, SocketAddr), String>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, protocol: Protocol, address: SocketAddr, name: &str) {
        self.names().insert((protocol, address), name.to_owned());
    }

    /// From now on whoever has this UDP address is a stranger.
    fn forget(&self, address: SocketAddr) {
        self.names().remove(&(Protocol::Udp, address));
    }

    fn name_of(&self, protocol: Protocol, address: SocketAddr) -> Option<String> {
        self.names().get(&(protocol, address)).cloned()
    }

    fn note_stranger(&self, protocol: Protocol) {
        let what = match protocol {
            Protocol::Udp => "datagram",
            Protocol::Tcp => "connection",
        };
        self.log.note(format!("a {what} from another program on this machine was set aside"));
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
        let room = Room {
            scene,
            log,
            names: Mutex::default(),
            excuse: OnceLock::new(),
            fence: OnceLock::new(),
            fences: AtomicU8::new(0),
        };
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
                let start = |item| thread::Builder::new().spawn_scoped(scope, move || work(item));
                let threads: Vec<_> = items.iter().map(start).collect();
                threads.into_iter().try_for_each(|thread| {
                    let thread = thread.map_err(|error| hang::no_thread(&error))?;
                    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
            })
        };
        self.room.at_once(together)
    }

    /// Why a receive buffer may be smaller than asked for.
    pub fn limit_on_buffers(&self) -> &'static str {
        probe::limit_on_buffers()
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

    /// Why a difference that was observed would be no evidence: a queue of the scene ran full that was not meant to.
    /// Known once its endpoints are closed.
    pub(crate) fn excuse(&self) -> Option<String> {
        self.room.excuse.get().cloned()
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
    use std::net::UdpSocket;

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

    /// A room where nothing is claimed, and the log of its notes.
    pub(super) fn empty() -> (Lab<'static>, Arc<Log>) {
        let log = Arc::new(Log::new(None));
        (Lab::new(1, &[], Arc::clone(&log)), log)
    }

    fn notes(log: &Log) -> Vec<String> {
        log.close().1
    }

    #[test]
    fn a_claim_applies_where_the_system_has_such_a_thing() {
        let absent = promised("absent", "absent", 1, &sources::RFC768).absent_on(HERE, "no such thing");
        let claims = [absent, promised("there", "there", 1, &sources::RFC768)];
        let lab = Lab::new(1, &claims, Arc::new(Log::new(None)));
        assert_eq!((lab.applies("absent"), lab.applies("there"), lab.applies("unclaimed")), (false, true, true));
    }

    #[test]
    fn every_call_is_progress() {
        let (lab, log) = empty();
        let (server, client) = (lab.bind("server").unwrap(), lab.endpoint("client").unwrap());
        assert_eq!(log.progress(), 1);
        client.send_to(b"hello", &server).unwrap();
        assert_eq!(log.progress(), 2);
        assert_eq!(log.last_call(), "the last one that did was `send_to` of client, in scene 1");
    }

    #[test]
    fn a_stream_is_waited_for_until_all_has_come_or_its_end() {
        let (lab, _) = empty();
        let (client, server) = lab.tcp_pair("client", "server").unwrap();
        client.write(b"one").unwrap();
        let (done, read) = std::sync::mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                server.wait_for(6);
                done.send(server.read(100)).unwrap();
            });
            assert!(read.recv_timeout(std::time::Duration::from_millis(20)).is_err(), "it waits for the rest");
            client.write(b"two").unwrap();
            assert_eq!(read.recv().unwrap(), Fact::from(&b"onetwo"[..]));
        });
        client.finish().unwrap();
        let started = std::time::Instant::now();
        server.wait_for(1);
        assert!(started.elapsed() < socket::LIMIT);
        assert_eq!(server.read(1), Fact::from(END_OF_FILE));
    }

    #[test]
    fn a_stream_that_stays_silent_is_waited_for_up_to_the_limit() {
        let (lab, _) = empty();
        let (client, server) = lab.tcp_pair("client", "server").unwrap();
        client.write(b"o").unwrap();
        let started = std::time::Instant::now();
        server.wait_for(2);
        assert!(started.elapsed() >= socket::LIMIT);
        assert_eq!((server.peek(9), server.read(9)), (Fact::from(&b"o"[..]), Fact::from(&b"o"[..])));
        assert_eq!(server.read(9), Fact::Nothing);
        let unconnected = lab.tcp_unconnected("client").unwrap().read(9);
        assert_eq!(unconnected, crate::vocabulary::SocketError::NotConnected.on(HERE).into());
    }

    #[test]
    fn a_queue_has_room_for_payloads_twice_and_for_the_fence() {
        assert_eq!(room_for([]), 1026);
        assert_eq!(room_for([100, 0]), 3 * 1024 + 200 + 2);
    }

    #[test]
    fn a_stranger_at_the_port_number_of_a_tcp_stream_is_a_stranger() {
        let (lab, log) = empty();
        let server = lab.bind("server").unwrap();
        let listener = lab.tcp_listener("server").unwrap();
        let tcp = lab.tcp_connect("client", &listener).unwrap();
        // Where another program has the port of UDP, a second stream has another number.
        let streams = (0..100).map(|_| lab.tcp_connect("client", &listener).unwrap());
        let stranger = std::iter::once(tcp).chain(streams).find_map(|stream| UdpSocket::bind(stream.local()?).ok());
        stranger.expect("some port is free").send_to(b"hello", server.address()).unwrap();
        assert_eq!(server.before_fence(100).unwrap(), Receipt::Nothing);
        assert_eq!(notes(&log), ["a datagram from another program on this machine was set aside"]);
    }

    #[test]
    fn a_stranger_who_takes_over_a_port_that_was_closed_is_a_stranger() {
        let (lab, log) = empty();
        let (server, client) = (lab.bind("server").unwrap(), lab.bind("client").unwrap());
        let address = client.address();
        client.close();
        // Where another program was given the port in between, that one is the stranger, and there is nothing to show.
        if let Ok(stranger) = UdpSocket::bind(address) {
            stranger.send_to(b"hello", server.address()).unwrap();
            assert_eq!(server.before_fence(100).unwrap(), Receipt::Nothing);
            assert_eq!(notes(&log).len(), 1);
        }
    }

    #[test]
    fn what_came_before_a_socket_was_connected_is_not_its_peers() {
        let (lab, log) = empty();
        let (server, client) = (lab.bind("server").unwrap(), lab.bind("client").unwrap());
        let stranger = UdpSocket::bind(socket::ANY_PORT).unwrap();
        // The last one guesses what the first fence will be.
        for payload in [&b"hello"[..], b"", &[0x80]] {
            stranger.send_to(payload, server.address()).unwrap();
        }
        server.hear_only(&client).unwrap();
        // Refused: nobody but the client is heard.
        let _ = stranger.send_to(b"hello", server.address());
        client.send_to(b"mine", &server).unwrap();
        assert_eq!(server.before_fence(100).unwrap().bytes(), b"mine");
        assert_eq!(notes(&log).len(), 1);

        let (server, client) = (lab.bind("server").unwrap(), lab.bind("client").unwrap());
        stranger.send_to(b"hello", server.address()).unwrap();
        server.connect(&client).unwrap();
        client.send_to(b"mine", &server).unwrap();
        assert_eq!(server.recv(100).bytes(), b"mine");
    }

    #[test]
    fn a_stranger_who_connects_first_is_not_taken_for_the_client() {
        let (lab, log) = empty();
        let listener = lab.tcp_listener("server").unwrap();
        let _stranger = std::net::TcpStream::connect(listener.address()).unwrap();
        let client = lab.tcp_connect("client", &listener).unwrap();
        client.write(b"hello").unwrap();
        let server = listener.accept().unwrap();
        server.wait_for(5);
        assert_eq!(server.read(100), Fact::from(&b"hello"[..]));
        assert_eq!(notes(&log), ["a connection from another program on this machine was set aside"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_queue_that_strangers_have_filled_is_no_evidence() {
        let excuse = |datagrams: usize| {
            let (lab, _) = empty();
            let server = lab.bind("server").unwrap();
            server.set_receive_buffer(4096).unwrap();
            let stranger = UdpSocket::bind(socket::ANY_PORT).unwrap();
            for _ in 0..datagrams {
                stranger.send_to(b"hello", server.address()).unwrap();
            }
            assert_eq!(server.receive_now(100).unwrap(), Receipt::Nothing);
            drop(server);
            lab.excuse()
        };
        let strangers = "another program's datagrams filled a queue here, so the lesson's own may be lost";
        assert_eq!(excuse(1), None);
        assert_eq!(excuse(1000).as_deref(), Some(strangers));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_queue_that_was_too_small_is_no_evidence() {
        let excuse = |datagrams: usize, meant: bool| {
            let (lab, _) = empty();
            let (server, client) = (lab.bind("server").unwrap(), lab.bind("client").unwrap());
            if meant {
                server.hear_only(&client).unwrap();
            }
            server.set_receive_buffer(4096).unwrap();
            for _ in 0..datagrams {
                client.send_to(b"hello", &server).unwrap();
            }
            server.drain(100, datagrams).unwrap();
            drop(server);
            lab.excuse()
        };
        let small = "the queue of server ran full: net.core.rmem_max limits the receive buffer here";
        assert_eq!(excuse(1, false), None);
        assert_eq!(excuse(1000, false).as_deref(), Some(small));
        assert_eq!(excuse(1000, true), None);
    }
}
