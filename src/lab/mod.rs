//! The lab: the only place that opens sockets. Every call made through it is recorded as an [`Event`](crate::vocabulary::Event).
//!
//! A scene gets a [`Lab`] of its own, opens [`Endpoint`]s and [`Stream`]s under the names that the report uses, and
//! [observes](Lab::observe) one fact for each of its claims.

mod absence;
mod accounts;
mod arrival;
mod closed_port;
mod context;
mod directory;
mod endpoint;
mod error;
mod host;
mod lock;
mod log;
mod marker;
mod observer;
pub mod probe;
mod raw;
mod received;
mod recorded;
mod session;
pub mod socket;
mod tcp;
mod time_limits;
mod waiting;
mod watchdog;
mod workers;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

pub use self::absence::receive_buffer_for;
pub use self::accounts::Accounts;
pub use self::closed_port::ClosedPort;
use self::context::SceneContext;
pub use self::endpoint::Endpoint;
pub use self::error::{Call, CallError, SceneError};
pub use self::host::{Host, LOOPBACK_MTU};
use self::lock::lock;
pub use self::log::Log;
pub use self::observer::Observer;
pub(crate) use self::probe::Surroundings;
pub use self::raw::RawSender;
pub use self::received::{AllReceived, ReceiveResult};
pub use self::session::Session;
pub use self::tcp::{END_OF_FILE, Listener, Stream};
pub use self::waiting::NOT_TOLD_WHO_WAITS;
pub(crate) use self::watchdog::Watchdog;
pub use self::workers::{Service, Workers};
use crate::kernel::{self, HERE};
use crate::vocabulary::{Claim, Expect, Fact, Observation, Opt, Peer, Reason, SocketError};

/// Something that datagrams or connections can be sent to, with the name that reports use.
pub trait Target {
    /// Where it is reached.
    fn address(&self) -> SocketAddr;
    /// Its name in the report.
    fn name(&self) -> &str;
    /// Both.
    fn peer(&self) -> Peer {
        Peer { name: self.name().to_owned(), address: self.address() }
    }
}

impl Target for Peer {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// What was observed for the claims of a scene, so far.
type Observations = Arc<Mutex<Vec<(String, Observation)>>>;

/// One scene's workplace.
#[derive(Debug)]
pub struct Lab {
    context: Arc<SceneContext>,
    claims: Arc<[Claim]>,
    observations: Observations,
    /// The row whose call is being made: where that does not return, it is the row's answer.
    in_progress: Arc<Mutex<Option<String>>>,
}

impl Lab {
    pub(crate) fn new(claims: Arc<[Claim]>, session: Arc<Session>, log: Arc<Log>) -> Self {
        let context = Arc::new(SceneContext::new(session, log));
        Lab { context, claims, observations: Arc::default(), in_progress: Arc::default() }
    }

    /// What was observed, for whoever judges it when the scene is over.
    pub(crate) fn record(&self) -> Record {
        Record {
            context: Arc::clone(&self.context),
            claims: Arc::clone(&self.claims),
            observations: Arc::clone(&self.observations),
            in_progress: Arc::clone(&self.in_progress),
        }
    }

    /// Opens a UDP endpoint on 127.0.0.1 with a port that the system chooses.
    pub fn bind(&self, name: &str) -> Call<Endpoint> {
        self.bind_to(name, socket::ANY_PORT)
    }

    /// Opens a UDP endpoint on 0.0.0.0, every address of this machine.
    pub fn bind_everywhere(&self, name: &str) -> Call<Endpoint> {
        self.bind_to(name, socket::EVERYWHERE)
    }

    /// Opens a UDP endpoint on ::1 with a port that the system chooses.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where this machine has no IPv6.
    pub fn bind_v6(&self, name: &str) -> Result<Endpoint, SceneError> {
        probe::ipv6_loopback()?;
        Ok(self.bind_to(name, socket::ANY_PORT_V6)?)
    }

    /// Opens a UDP endpoint at `address`.
    pub fn bind_to(&self, name: &str, address: SocketAddr) -> Call<Endpoint> {
        let endpoint = Endpoint::open(name, address, Arc::clone(&self.context))?;
        endpoint.bind(address).map(|()| endpoint)
    }

    /// Opens a UDP endpoint on 127.0.0.1 on which the lab sets nothing: its receives wait as long as the lesson has them wait,
    /// by default for ever, and return what the system returns.
    pub fn bind_without_limit(&self, name: &str) -> Call<Endpoint> {
        let endpoint = Endpoint::without_limit(name, socket::ANY_PORT, Arc::clone(&self.context))?;
        endpoint.bind(socket::ANY_PORT).map(|()| endpoint)
    }

    /// The time since the lesson began. It stands still while somebody who observes the lesson has it wait.
    pub fn now(&self) -> Duration {
        self.context.session.now()
    }

    /// What `calls` returned, and how long they took by the lesson's clock, which stands still while somebody is asked to wait.
    pub fn timed<T>(&self, calls: impl FnOnce() -> T) -> (T, Duration) {
        let began = self.now();
        let result = calls();
        (result, self.now().saturating_sub(began))
    }

    /// A second loopback address of this machine, 127.0.0.2.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where there is none.
    pub fn second_loopback(&self) -> Result<Ipv4Addr, SceneError> {
        probe::second_loopback()
    }

    /// Says that what follows takes the loopback address of IPv6, ::1.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where this machine has none.
    pub fn ipv6_loopback(&self) -> Result<(), SceneError> {
        probe::ipv6_loopback()
    }

    /// Opens a UDP endpoint and leaves it unbound: its first send will get it a port.
    pub fn endpoint(&self, name: &str) -> Call<Endpoint> {
        Endpoint::open(name, socket::ANY_PORT, Arc::clone(&self.context))
    }

    /// Opens a UDP endpoint at `ip` that is to share its address, with `option` set. The port is one that nobody has.
    ///
    /// # Errors
    /// [`SceneError::Skip`] when another program was given the port before it could be bound; else what the system says.
    pub fn bind_shared(&self, name: &str, option: &'static Opt<bool>, ip: Ipv4Addr) -> Result<Endpoint, SceneError> {
        self.bind_shared_by(name, &[option], ip)
    }

    /// As [`bind_shared`](Self::bind_shared), with several options set.
    ///
    /// # Errors
    /// As there.
    pub fn bind_shared_by(
        &self,
        name: &str,
        options: &[&'static Opt<bool>],
        ip: Ipv4Addr,
    ) -> Result<Endpoint, SceneError> {
        let endpoint = self.endpoint(name)?;
        options.iter().try_for_each(|option| endpoint.set(option, true))?;
        // With the option, port 0 may be a port that other programs share. A plain socket gets one that nobody has.
        let bound = self.context.at_once(|| {
            let free = socket::address_of(&socket::bound(socket::EVERYWHERE)?)?;
            endpoint.bind(SocketAddr::from((ip, free.port())))
        });
        match bound {
            Err(error) if error.error.is(SocketError::AddressInUse, HERE) => Err(SceneError::Skip(format!(
                "{}: {}; another program was given the port",
                error.operation, error.error
            ))),
            bound => Ok(bound.map(|()| endpoint)?),
        }
    }

    /// Opens a UDP endpoint at `address`, which others have, with `option` set.
    ///
    /// # Errors
    /// What the system says: that the address is in use, for one.
    pub fn bind_beside(&self, name: &str, option: &'static Opt<bool>, address: SocketAddr) -> Call<Endpoint> {
        self.bind_beside_by(name, &[option], address)
    }

    /// As [`bind_beside`](Self::bind_beside), with several options set.
    ///
    /// # Errors
    /// As there.
    pub fn bind_beside_by(&self, name: &str, options: &[&'static Opt<bool>], address: SocketAddr) -> Call<Endpoint> {
        let endpoint = Endpoint::open(name, address, Arc::clone(&self.context))?;
        options.iter().try_for_each(|option| endpoint.set(option, true))?;
        endpoint.bind(address).map(|()| endpoint)
    }

    /// Opens `count` unbound endpoints: `client 1`, `client 2`, …
    ///
    /// # Errors
    /// What the system says; too many for this process ends in EMFILE.
    pub fn endpoints(&self, name: &str, count: usize) -> Call<Vec<Endpoint>> {
        (1..=count).map(|number| self.endpoint(&format!("{name} {number}"))).collect()
    }

    /// Does `work` as another user of this machine: the sockets that it opens are that user's.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where this user cannot be another one: only root can.
    pub fn as_another_user<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, SceneError> {
        probe::another_user(work)
    }

    /// Does `work` as a user without privileges: as this one, unless that is root.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where this user is root, and cannot be another one.
    pub fn as_a_plain_user<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, SceneError> {
        probe::plain_user(work)
    }

    /// Makes a call, and says whether it sent SIGPIPE; nothing comes of the signal.
    pub fn with_sigpipe<T>(&self, call: impl FnOnce() -> T) -> (T, bool) {
        kernel::with_sigpipe(call)
    }

    /// A host with nothing but a loopback interface, whose MTU has so many bytes: a network namespace, where nobody but the scene
    /// sends or is counted.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where it cannot be made.
    pub fn own_host(&self, mtu: usize) -> Result<Host, SceneError> {
        host::alone(mtu, &self.context)
    }

    /// Two hosts with a cable between them, each a network namespace of its own.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where they cannot be made.
    pub fn hosts(&self, one: &str, other: &str) -> Result<[Host; 2], SceneError> {
        host::pair([one, other], &self.context)
    }

    /// A UDP port on which nobody listens, and which no other program can take where the system allows that; see
    /// [`ClosedPort`].
    pub fn closed_port(&self, name: &str) -> Call<ClosedPort> {
        self.closed_port_of(name, socket::ANY_PORT)
    }

    /// The same on ::1.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where this machine has no IPv6.
    pub fn closed_port_v6(&self, name: &str) -> Result<ClosedPort, SceneError> {
        probe::ipv6_loopback()?;
        Ok(self.closed_port_of(name, socket::ANY_PORT_V6)?)
    }

    fn closed_port_of(&self, name: &str, loopback: SocketAddr) -> Call<ClosedPort> {
        let port = ClosedPort::new(name, loopback)?;
        self.context.directory.nobody_at(port.address(), name);
        if !port.is_held() {
            // The longer the scene takes, the more likely another program gets the port.
            self.context.session.announcer.silence(&self.context.log);
        }
        Ok(port)
    }

    /// Opens an endpoint at a port where nobody listened until now.
    ///
    /// # Errors
    /// [`SceneError::Skip`] when another program has the port, which can only happen where it cannot be held.
    pub fn bind_at(&self, name: &str, port: &ClosedPort) -> Result<Endpoint, SceneError> {
        port.open(Endpoint::open(name, port.address(), Arc::clone(&self.context))?)
    }

    /// The same for an endpoint on which the lab sets nothing, as with [`bind_without_limit`](Self::bind_without_limit).
    ///
    /// # Errors
    /// As for [`bind_at`](Self::bind_at).
    pub fn bind_at_without_limit(&self, name: &str, port: &ClosedPort) -> Result<Endpoint, SceneError> {
        port.open(Endpoint::without_limit(name, port.address(), Arc::clone(&self.context))?)
    }

    /// Opens an endpoint at which everything that arrives is dropped, and nobody is told, as behind a packet filter. It
    /// prepares, and is not recorded.
    ///
    /// # Errors
    /// What the system says; that it has no filters for sockets.
    pub fn blackhole(&self, name: &str) -> Call<Endpoint> {
        let endpoint = self.bind(name)?;
        let filtered = kernel::drop_everything(&endpoint.socket.socket);
        filtered.map_err(|error| CallError::new(format!("attach a filter to {name}"), &error))?;
        endpoint.socket.is_to_drop.store(true, Ordering::Relaxed);
        Ok(endpoint)
    }

    /// Opens a listening TCP socket on 127.0.0.1.
    pub fn tcp_listener(&self, name: &str) -> Call<Listener> {
        let listener = self.tcp_bind(name)?;
        listener.listen().map(|()| listener)
    }

    /// Opens a listening TCP socket on 0.0.0.0, every address of this machine.
    pub fn tcp_listener_everywhere(&self, name: &str) -> Call<Listener> {
        let listener = Listener::bound(name, socket::EVERYWHERE, Arc::clone(&self.context))?;
        listener.listen().map(|()| listener)
    }

    /// A TCP socket that is bound on 127.0.0.1 and does not listen.
    pub fn tcp_bind(&self, name: &str) -> Call<Listener> {
        self.tcp_bind_to(name, socket::ANY_PORT)
    }

    /// A TCP socket that is bound to `address` and does not listen.
    pub fn tcp_bind_to(&self, name: &str, address: SocketAddr) -> Call<Listener> {
        Listener::bound(name, address, Arc::clone(&self.context))
    }

    /// A TCP socket without a peer.
    pub fn tcp_socket(&self, name: &str) -> Call<Stream> {
        Stream::open(name, Arc::clone(&self.context))
    }

    /// A connected pair of TCP streams.
    pub fn tcp_pair(&self, client: &str, server: &str) -> Result<(Stream, Stream), SceneError> {
        let listener = self.tcp_listener(server)?;
        let client = self.tcp_socket(client)?;
        client.connect(&listener)?;
        Ok((client, listener.accept()?))
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
                    let thread = thread.map_err(|error| watchdog::no_thread(&error))?;
                    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
            })
        };
        self.context.at_once(together)
    }

    /// Why a receive buffer may be smaller than asked for.
    pub fn limit_on_buffers(&self) -> String {
        probe::limit_on_buffers()
    }

    /// The first port that a user without privileges may bind; `None` where the system does not tell.
    pub fn first_plain_port(&self) -> Option<u16> {
        kernel::kernel_setting("net.ipv4.ip_unprivileged_port_start")?.parse().ok()
    }

    /// Why the system may forget a TCP connection as soon as it is closed, where it has as many as it remembers.
    pub fn forgets_connections(&self) -> Option<String> {
        let (remembered, most) = kernel::remembered_connections()?;
        let full = || format!("the system remembers no more closed connections: net.ipv4.tcp_max_tw_buckets is {most}");
        (remembered >= most).then(full)
    }

    /// Why a TCP socket cannot be bound to the port of `other`, where a socket or a connection of TCP has it.
    pub fn tcp_port_is_taken(&self, other: &impl Target) -> Option<String> {
        let port = other.address().port();
        let taken = kernel::tcp_port_in_use(port)?;
        taken.then(|| format!("a TCP socket, or a connection in TIME-WAIT, has port {port}, as each that was tried"))
    }

    /// Why `ip`, which is no loopback address, can be bound here, where it can be by any program.
    pub fn takes_address(&self, ip: Ipv4Addr) -> Option<String> {
        probe::takes_address(ip)
    }

    /// A result of a call for one datagram, sent while nothing else is under way, where the lack of memory is the machine's and no
    /// receiver's.
    ///
    /// # Errors
    /// As for [`answer`](Self::answer).
    pub fn answer_of_one<T>(&self, result: Call<T>) -> Result<Call<T>, SceneError> {
        match result {
            Err(error) if error.is_of_memory() => Err(error.into()),
            result => self.answer(result),
        }
    }

    /// The largest receive buffer that the system grants without doubling it, in bytes, where it tells.
    pub fn most_receive_buffer(&self) -> Option<usize> {
        probe::most_receive_buffer()
    }

    /// How many file descriptors the process has open.
    ///
    /// # Errors
    /// The reason, where the system does not tell.
    pub fn open_descriptors(&self) -> Result<usize, String> {
        kernel::open_descriptors().ok_or_else(|| probe::NO_DESCRIPTORS.to_owned())
    }

    /// How many file descriptors the process has opened since there were `before`.
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

    fn hand_in(&self, id: String, observation: Observation) {
        lock(&self.observations).push((id, observation));
    }

    /// Hands in what was seen for the claim `id`. Each claim is observed exactly once.
    pub fn observe(&self, id: impl Into<String>, fact: impl Into<Fact>) {
        self.hand_in(id.into(), Observation::Seen(fact.into()));
    }

    /// Says that the claim `id` could not be looked at, and why.
    pub fn skip(&self, id: impl Into<String>, reason: impl Into<String>) {
        self.hand_in(id.into(), Observation::Skipped(Reason::from(reason.into())));
    }

    /// Hands in what was seen for the claim `id`, or the reason why it could not be looked at.
    pub fn observe_or_skip(&self, id: impl Into<String>, looked: Result<impl Into<Fact>, String>) {
        match looked {
            Ok(fact) => self.observe(id, fact),
            Err(reason) => self.skip(id, reason),
        }
    }

    /// Makes calls whose failure is an answer to the claim `id`, and hands their error in as what was seen. The rest of
    /// the scene presupposes that they succeed.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where they failed.
    pub fn attempt<T>(&self, id: &str, result: Call<T>) -> Result<T, SceneError> {
        self.answer(result)?.map_err(|error| {
            let reason = format!("{}: {}", error.operation, error.error);
            self.observe(id, error);
            SceneError::Skip(reason)
        })
    }

    /// A call's result that is an answer to some claim, whether it succeeded or not.
    ///
    /// # Errors
    /// [`SceneError::Call`] where it failed for want of something that has nothing to do with it.
    pub fn answer<T>(&self, result: Call<T>) -> Result<Call<T>, SceneError> {
        match result {
            Err(error) if error.is_of_the_environment() => Err(error.into()),
            result => Ok(result),
        }
    }

    /// Makes `calls`; where one of them does not return, that is the answer to the claim `id`.
    pub fn while_it_may_hang<T>(&self, id: &str, calls: impl FnOnce() -> T) -> T {
        let set = |row| *lock(&self.in_progress) = row;
        set(Some(id.to_owned()));
        let result = calls();
        set(None);
        result
    }
}

/// What a scene has left: it is read when the scene is over, also where that has not ended by itself.
pub(crate) struct Record {
    context: Arc<SceneContext>,
    claims: Arc<[Claim]>,
    observations: Observations,
    in_progress: Arc<Mutex<Option<String>>>,
}

impl Record {
    /// Why a difference that was observed would be no evidence: a queue of the scene ran full that was not meant to.
    /// Known once its endpoints are closed.
    pub(crate) fn inconclusive(&self) -> Option<String> {
        self.context.inconclusive.get().cloned()
    }

    /// Whether the scene has a port of `loopback` where nobody listens: silence there may be that of a firewall.
    pub(crate) fn has_closed_port(&self, loopback: IpAddr) -> bool {
        self.context.directory.has_closed_port(loopback)
    }

    /// One observation for each claim, in their order; those that are open are skipped, where the scene ended early for
    /// the reason `ended`.
    ///
    /// # Errors
    /// [`SceneError::Defect`] when a claim was observed twice or never, or something else was observed.
    pub(crate) fn close(self, ended: Option<&SceneError>) -> Result<Vec<Observation>, SceneError> {
        let Record { claims, observations, in_progress, .. } = self;
        let mut observations = std::mem::take(&mut *lock(&observations));
        if matches!(ended, Some(SceneError::Hung(_)))
            && let Some(row) = lock(&in_progress).take()
        {
            observations.push((row, Observation::Seen(Fact::from("a call that does not return"))));
        }
        let mut matched = Vec::with_capacity(claims.len());
        for claim in claims.iter() {
            let place = observations.iter().position(|(id, _)| *id == claim.id);
            matched.push(match (place, claim.expected.on(HERE), ended) {
                (Some(place), ..) => observations.remove(place).1,
                (None, Expect::Absent(reason), _) => Observation::Skipped((*reason).into()),
                (None, _, Some(ended)) => Observation::Skipped(ended.reason()),
                (None, _, None) => return Err(SceneError::Defect(format!("`{}` was never observed", claim.id))),
            });
        }
        match observations.first() {
            None => Ok(matched),
            Some((id, _)) if claims.iter().any(|claim| claim.id == *id) => {
                Err(SceneError::Defect(format!("`{id}` was observed twice")))
            }
            Some((id, _)) => Err(SceneError::Defect(format!("`{id}` was observed and never claimed"))),
        }
    }
}

#[cfg(test)]
mod tests;
