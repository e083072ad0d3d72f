//! The lab: the only place that opens sockets. Every call made through it is recorded as an
//! [`Event`](crate::vocabulary::Event).
//!
//! A scene gets a [`Lab`] of its own, opens [`Endpoint`]s and [`Stream`]s under the names that the report uses, and
//! [observes](Lab::observe) one fact for each of its claims.

mod absence;
mod arrival;
mod bind_again;
mod closed_port;
mod context;
mod directory;
mod endpoint;
mod epoll;
mod error;
mod host;
mod lock;
mod log;
pub mod loopback;
mod machine;
mod marker;
pub mod needs;
mod observations;
mod observer;
mod queue_counts;
mod raw;
mod received;
mod recheck;
mod recorded;
mod session;
mod target;
mod tcp;
mod time_limits;
mod waiting;
mod watchdog;
mod workers;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

pub use self::absence::receive_buffer_for;
pub use self::closed_port::ClosedPort;
use self::context::SceneContext;
pub use self::endpoint::Endpoint;
pub use self::error::SceneError;
pub use self::host::{Host, LOOPBACK_MTU};
pub use self::log::Log;
pub(crate) use self::loopback::MachineChecks;
use self::observations::Observations;
pub use self::observer::Observer;
pub use self::queue_counts::QueueCounts;
pub use self::raw::RawSender;
pub use self::received::{AllReceived, ReceiveResult};
pub use self::session::Session;
pub use self::target::Target;
pub use self::tcp::{END_OF_FILE, Listener, Stream};
pub use self::time_limits::has_lasted;
pub use self::waiting::NOT_TOLD_WHO_WAITS;
pub(crate) use self::watchdog::Watchdog;
pub use self::workers::{ServerRun, Workers};
use crate::kernel::{self, HERE};
use crate::sockets;
pub use crate::sockets::{Call, CallError};
use crate::vocabulary::{Claim, Opt, SocketError};

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

    /// Opens a UDP endpoint on 127.0.0.1 with a port that the system chooses.
    pub fn bind(&self, name: &str) -> Call<Endpoint> {
        self.bind_to(name, sockets::ANY_PORT)
    }

    /// Opens a UDP endpoint on 0.0.0.0, every address of this machine.
    pub fn bind_everywhere(&self, name: &str) -> Call<Endpoint> {
        self.bind_to(name, sockets::EVERYWHERE)
    }

    /// Opens a UDP endpoint on ::1 with a port that the system chooses.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where this machine has no IPv6.
    pub fn bind_v6(&self, name: &str) -> Result<Endpoint, SceneError> {
        needs::ipv6_loopback()?;
        Ok(self.bind_to(name, sockets::ANY_PORT_V6)?)
    }

    /// Opens a UDP endpoint at `address`.
    pub fn bind_to(&self, name: &str, address: SocketAddr) -> Call<Endpoint> {
        let endpoint = Endpoint::open(name, address, Arc::clone(&self.context))?;
        endpoint.bind(address).map(|()| endpoint)
    }

    /// Opens a UDP endpoint on 127.0.0.1 on which the lab sets nothing: its receives wait as long as the lesson has
    /// them wait, by default for ever, and return what the system returns.
    pub fn bind_without_limit(&self, name: &str) -> Call<Endpoint> {
        let endpoint = Endpoint::without_limit(name, sockets::ANY_PORT, Arc::clone(&self.context))?;
        endpoint.bind(sockets::ANY_PORT).map(|()| endpoint)
    }

    /// The time since the lesson began. It stands still while somebody who observes the lesson has it wait.
    pub fn now(&self) -> Duration {
        self.context.session.now()
    }

    /// What `calls` returned, and how long they took by the lesson's clock, which stands still while somebody is asked
    /// to wait.
    pub fn timed<T>(&self, calls: impl FnOnce() -> T) -> (T, Duration) {
        let began = self.now();
        let result = calls();
        (result, self.now().saturating_sub(began))
    }

    /// Opens a UDP endpoint and leaves it unbound: its first send will get it a port.
    pub fn endpoint(&self, name: &str) -> Call<Endpoint> {
        Endpoint::open(name, sockets::ANY_PORT, Arc::clone(&self.context))
    }

    /// A server that is connected to its client: nobody else takes room in its receive buffer or is counted there.
    pub fn connected_server(&self) -> Call<(Endpoint, Endpoint)> {
        let (server, client) = (self.bind("server")?, self.bind("client")?);
        server.connect(&client)?;
        Ok((server, client))
    }

    /// Opens a UDP endpoint at `ip` that is to share its address, with `option` set. The port is one that nobody has.
    ///
    /// # Errors
    /// [`SceneError::Skip`] when the port is in use once more before it could be bound.
    pub fn bind_shared(&self, name: &str, option: &'static Opt<bool>, ip: Ipv4Addr) -> Result<Endpoint, SceneError> {
        self.bind_shared_by(name, &[option], ip)
    }

    /// As [`bind_shared`](Self::bind_shared), with several options set.
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
            let free = sockets::address_of(&sockets::bound(sockets::EVERYWHERE)?)?;
            endpoint.bind(SocketAddr::from((ip, free.port())))
        });
        match bound {
            Err(error) if error.error.is(SocketError::AddressInUse, HERE) => Err(SceneError::Skip(format!(
                "{}: {}, though the port was free a moment before",
                error.operation, error.error
            ))),
            bound => Ok(bound.map(|()| endpoint)?),
        }
    }

    /// Opens a UDP endpoint at `address`, which others have, with `option` set.
    ///
    /// # Errors
    /// EADDRINUSE where the others have it alone.
    pub fn bind_beside(&self, name: &str, option: &'static Opt<bool>, address: SocketAddr) -> Call<Endpoint> {
        self.bind_beside_by(name, &[option], address)
    }

    /// As [`bind_beside`](Self::bind_beside), with several options set.
    pub fn bind_beside_by(&self, name: &str, options: &[&'static Opt<bool>], address: SocketAddr) -> Call<Endpoint> {
        let endpoint = Endpoint::open(name, address, Arc::clone(&self.context))?;
        options.iter().try_for_each(|option| endpoint.set(option, true))?;
        endpoint.bind(address).map(|()| endpoint)
    }

    /// Opens `count` unbound endpoints: `client 1`, `client 2`, …
    ///
    /// # Errors
    /// EMFILE for too many.
    pub fn endpoints(&self, name: &str, count: usize) -> Call<Vec<Endpoint>> {
        (1..=count).map(|number| self.endpoint(&format!("{name} {number}"))).collect()
    }

    /// A host with nothing but a loopback interface, whose MTU has so many bytes: a network namespace, where nobody but
    /// the scene sends or is counted.
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
        self.closed_port_of(name, sockets::ANY_PORT)
    }

    /// The same on ::1.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where this machine has no IPv6.
    pub fn closed_port_v6(&self, name: &str) -> Result<ClosedPort, SceneError> {
        needs::ipv6_loopback()?;
        Ok(self.closed_port_of(name, sockets::ANY_PORT_V6)?)
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

    /// The same for an endpoint on which the lab sets nothing, as with
    /// [`bind_without_limit`](Self::bind_without_limit).
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
    /// The error number 0 where this system has no filters for sockets.
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
        let listener = Listener::bound(name, sockets::EVERYWHERE, Arc::clone(&self.context))?;
        listener.listen().map(|()| listener)
    }

    /// A TCP socket that is bound on 127.0.0.1 and does not listen.
    pub fn tcp_bind(&self, name: &str) -> Call<Listener> {
        self.tcp_bind_to(name, sockets::ANY_PORT)
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
}

#[cfg(test)]
mod tests;
