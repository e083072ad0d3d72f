//! A socket whose calls are recorded: the one place where a call is announced, made and written down. An end marker of
//! the lab is sent here as well.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use socket2::{SockAddr, Socket};

use super::context::SceneContext;
use super::directory::Id;
use super::lock::lock;
use super::log::Timestamp;
use super::{Call, CallError, arrival, needs};
use crate::kernel;
use crate::sockets::{self, CallKind, error_of};
use crate::vocabulary::{
    Action, Announcement, Direction, Event, Events, Moment, OsError, Outcome, Peer, Protocol, Receive, Role, SendForm,
    SocketError, Syscall, udp_header,
};

/// A named socket of a scene.
#[derive(Debug)]
pub(super) struct RecordedSocket {
    pub(super) name: String,
    pub(super) protocol: Protocol,
    pub(super) socket: Arc<Socket>,
    pub(super) context: Arc<SceneContext>,
    pub(super) peer: Mutex<Option<Peer>>,
    local: OnceLock<SocketAddr>,
    entry: OnceLock<Id>,
    /// How many datagrams of unrelated senders were set aside.
    pub(super) set_aside: AtomicUsize,
    /// Whether this socket is meant to drop datagrams: the lesson has set the size of its receive buffer, or it is a
    /// blackhole.
    pub(super) is_to_drop: AtomicBool,
    /// Whether it is the lesson that says how long receives wait, and not the lab.
    pub(super) sets_limits: bool,
    /// Whether its descriptor was closed while a receive was waiting.
    closed_meanwhile: AtomicBool,
    /// How many refusals the system had received before the last datagram to a port where nobody listens.
    pub(super) refusals_before: Mutex<Option<u64>>,
    /// Whether the lesson has asked for ancillary data.
    pub(super) wants_ancillary: AtomicBool,
}

/// What a call brought, besides what it returned.
pub(super) struct Made {
    pub(super) outcome: Outcome,
    /// The other end.
    pub(super) peer: Option<Peer>,
    pub(super) role: Role,
    /// What failed that the lab had to know after it: no answer of the call.
    pub(super) unknown: Option<CallError>,
}

impl From<Outcome> for Made {
    fn from(outcome: Outcome) -> Self {
        Made { outcome, peer: None, role: Role::Lesson, unknown: None }
    }
}

pub(super) fn done(result: io::Result<()>) -> Outcome {
    result.map_or_else(|error| failed(&error), |()| Outcome::Done)
}

pub(super) fn value(result: io::Result<i32>) -> Outcome {
    result.map_or_else(|error| failed(&error), Outcome::Value)
}

pub(super) fn failed(error: &io::Error) -> Outcome {
    Outcome::failed(error_of(error))
}

/// A socket as the log names it: what each of its calls is announced and recorded with.
struct Identity<'a> {
    context: &'a SceneContext,
    who: &'a str,
    protocol: Protocol,
    descriptor: u64,
    local: Option<SocketAddr>,
}

impl Identity<'_> {
    fn announce(&self, call: &Syscall, peer: Option<&Peer>, role: Role) {
        let announcement = Announcement { who: self.who, protocol: self.protocol, peer, role, call };
        self.context.session.announcer.announce(&announcement, &self.context.log);
    }

    fn record(&self, peer: Option<Peer>, role: Role, action: Action) -> Timestamp {
        let timestamp = self.context.log.record(|| Event {
            returned: self.context.session.now(),
            who: self.who.to_owned(),
            protocol: self.protocol,
            descriptor: self.descriptor,
            local: self.local,
            peer,
            role,
            left_out: 0,
            action,
        });
        self.context.session.count_call();
        timestamp
    }
}

impl RecordedSocket {
    pub(super) fn new(name: &str, protocol: Protocol, socket: Socket, context: Arc<SceneContext>) -> Self {
        // Where this fails, the limit that was set when it was opened holds.
        let _ = sockets::wait_at_most(&socket, context.session.time_limits.limit());
        RecordedSocket::as_opened(name, protocol, socket, false, context)
    }

    /// A socket on which the lab sets nothing where the lesson `sets_limits`.
    pub(super) fn as_opened(
        name: &str,
        protocol: Protocol,
        socket: Socket,
        sets_limits: bool,
        context: Arc<SceneContext>,
    ) -> Self {
        context.session.announcer.opened(name);
        RecordedSocket {
            name: name.to_owned(),
            protocol,
            socket: Arc::new(socket),
            context,
            peer: Mutex::default(),
            local: OnceLock::new(),
            entry: OnceLock::new(),
            set_aside: AtomicUsize::new(0),
            is_to_drop: AtomicBool::new(false),
            sets_limits,
            closed_meanwhile: AtomicBool::new(false),
            refusals_before: Mutex::default(),
            wants_ancillary: AtomicBool::new(false),
        }
    }

    /// A raw socket, of which the system does not know the address from which it sends: `local`.
    pub(super) fn raw(name: &str, socket: Socket, local: SocketAddr, context: Arc<SceneContext>) -> Self {
        let raw = RecordedSocket::new(name, Protocol::Udp, socket, context);
        raw.entry.get_or_init(|| raw.context.directory.enter(Protocol::Udp, name, local, &raw.socket));
        raw.local.get_or_init(|| local);
        raw
    }

    /// The socket that an accept returned, connected to `peer`.
    pub(super) fn accepted(name: &str, socket: Socket, peer: Peer, context: Arc<SceneContext>) -> io::Result<Self> {
        let local = socket.local_addr()?.as_socket();
        let accepted = RecordedSocket::new(name, Protocol::Tcp, socket, context);
        if let Some(local) = local {
            accepted.local.get_or_init(|| local);
        }
        *lock(&accepted.peer) = Some(peer);
        Ok(accepted)
    }

    /// Binds the socket; port 0 takes a free one.
    pub(super) fn bind(&self, address: SocketAddr) -> Call<()> {
        self.call(Syscall::Bind(address), &format!("bind {address}"), drop)
    }

    /// Announces the call, makes it, and records what it returned.
    pub(super) fn perform(&self, call: Syscall) -> Outcome {
        self.perform_by(call, |call| self.make(call)).outcome
    }

    /// As [`perform`](Self::perform), where the call is made by `make`.
    pub(super) fn perform_by(&self, call: Syscall, make: impl FnOnce(&Syscall) -> Made) -> Made {
        self.announce(&call);
        let made = self.context.session.while_in_progress(&self.name, call.name(), || make(&call));
        self.record(call, made)
    }

    fn announce(&self, call: &Syscall) {
        self.context.stop_where_calls_do_not_end();
        self.identity().announce(call, self.target_of(call).as_ref(), Role::Lesson);
    }

    fn record(&self, call: Syscall, mut made: Made) -> Made {
        let stream = || (self.protocol == Protocol::Tcp).then(|| self.peer()).flatten();
        made.peer = made.peer.or_else(|| self.target_of(&call)).or_else(stream);
        self.doubt_where_memory_lacked(&call, &made.outcome);
        self.identity().record(made.peer.clone(), made.role, Action::Call(call, made.outcome.clone()));
        made
    }

    /// Where a call had no memory, what follows in the scene is no answer either: a datagram is still queued, an option
    /// has its old value.
    fn doubt_where_memory_lacked(&self, call: &Syscall, outcome: &Outcome) {
        let Outcome::Failed { error, .. } = outcome else { return };
        let operation = format!("{} of {}", call.name(), self.name);
        let error = CallError::of(CallKind::from(call), operation, error.clone());
        if error.is_of_memory() && error.is_of_the_environment() {
            self.context.inconclusive.get_or_init(|| error.reason());
        }
    }

    /// Whom the call is for: who is given to it, or the peer of a connected socket.
    pub(super) fn target_of(&self, call: &Syscall) -> Option<Peer> {
        match call {
            Syscall::Send { form: SendForm::Connected | SendForm::Write, .. } => self.peer(),
            _ => call.target().cloned(),
        }
    }

    /// As it is now: a call may give it an address.
    fn identity(&self) -> Identity<'_> {
        Identity {
            context: &self.context,
            who: &self.name,
            protocol: self.protocol,
            descriptor: kernel::descriptor(&self.socket),
            local: self.address(),
        }
    }

    /// Records a moment that is no call: a request is taken up, an answer is given.
    pub(super) fn mark(&self, moment: Moment, client: Option<&Peer>) -> Timestamp {
        self.identity().record(client.cloned(), Role::Lesson, Action::Moment(moment))
    }

    /// Makes the call.
    pub(super) fn make(&self, call: &Syscall) -> Made {
        match call {
            Syscall::Bind(address) => self.bind_to(*address),
            Syscall::Connect(peer) => self.connect(peer),
            Syscall::Disconnect => self.disconnect(),
            Syscall::Send { form, payload } => self.send(form, payload, self.target_of(call)),
            Syscall::Receive(receive) => self.receive(receive, None),
            Syscall::SetOption { option, value } => {
                let set = kernel::option::set(&self.socket, option, *value);
                if set.is_ok() {
                    let sizes = *option == kernel::option::RECEIVE_BUFFER.name;
                    self.is_to_drop.fetch_or(sizes, Ordering::Relaxed);
                    let asks = kernel::option::brings_ancillary_data(option) && *value != 0;
                    self.wants_ancillary.fetch_or(asks, Ordering::Relaxed);
                }
                done(set).into()
            }
            Syscall::GetOption(option) => value(kernel::option::get(&self.socket, option)).into(),
            Syscall::Listen(backlog) => done(self.socket.listen(*backlog)).into(),
            Syscall::Accept => match self.socket.accept() {
                Ok((socket, _)) => Outcome::Accepted(kernel::descriptor(&socket)).into(),
                Err(error) => failed(&error).into(),
            },
            Syscall::Shutdown(direction) => done(self.socket.shutdown(match direction {
                Direction::Receiving => std::net::Shutdown::Read,
                Direction::Sending => std::net::Shutdown::Write,
            }))
            .into(),
            Syscall::SetNonBlocking(on) => done(self.socket.set_nonblocking(*on)).into(),
            Syscall::Poll(events) => value(kernel::poll(&self.socket, *events).map(Events::to_int)).into(),
            Syscall::QueuedBytes => value(kernel::queued_bytes(&self.socket)).into(),
            Syscall::UnsentBytes => value(kernel::unsent_bytes(&self.socket)).into(),
            Syscall::SocketName => match self.socket.local_addr() {
                Ok(address) => Outcome::Address(address.as_socket().unwrap_or(sockets::EVERYWHERE)).into(),
                Err(error) => failed(&error).into(),
            },
            Syscall::PeerName => self.peer_name(),
            Syscall::Signal { process, thread } => done(kernel::send_signal(*process, *thread)).into(),
            // Who makes something new makes the call itself, to keep what it returns.
            Syscall::Duplicate
            | Syscall::EpollCreate
            | Syscall::EpollAdd { .. }
            | Syscall::EpollWait { .. }
            | Syscall::Close => Outcome::Done.into(),
        }
    }

    fn bind_to(&self, address: SocketAddr) -> Made {
        match self.socket.bind(&SockAddr::from(address)) {
            Ok(()) => self.made(Outcome::Done, self.learn_address_as(true)),
            Err(error) => failed(&error).into(),
        }
    }

    fn connect(&self, peer: &Peer) -> Made {
        if let Err(error) = self.socket.connect(&SockAddr::from(peer.address)) {
            return failed(&error).into();
        }
        *lock(&self.peer) = Some(peer.clone());
        let learnt = self.learn_address();
        if let Some(id) = self.id() {
            self.context.directory.connected(id, peer.address);
        }
        self.made(Outcome::Done, learnt)
    }

    /// What a call returned, and whether the lab `learnt` what has become of the socket's address.
    fn made(&self, outcome: Outcome, learnt: io::Result<()>) -> Made {
        let unknown = learnt.err().map(|error| self.unknown_address(&error));
        Made { unknown, ..outcome.into() }
    }

    fn unknown_address(&self, error: &io::Error) -> CallError {
        CallError::preparation(format!("getsockname of {}", self.name), error)
    }

    /// The peer that the system tells of, with the name that the scene knows it by.
    fn peer_name(&self) -> Made {
        match self.socket.peer_addr() {
            Ok(address) => {
                let address = address.as_socket().unwrap_or(sockets::EVERYWHERE);
                let known = self.context.directory.name_of(self.protocol, address);
                let name = known.unwrap_or_else(|| address.to_string());
                Made { peer: Some(Peer { name, address }), ..Outcome::Address(address).into() }
            }
            Err(error) => failed(&error).into(),
        }
    }

    /// Whatever the call returns, the system is asked what has become of the peer: macOS refuses it and does it all the
    /// same.
    fn disconnect(&self) -> Made {
        let disconnected = done(kernel::disconnect(&self.socket));
        let learnt = if self.socket.peer_addr().is_err() { self.forget_peer() } else { Ok(()) };
        self.made(disconnected, learnt)
    }

    fn forget_peer(&self) -> io::Result<()> {
        *lock(&self.peer) = None;
        if let Some(id) = self.id() {
            let local = self.socket.local_addr()?.as_socket();
            self.context.directory.disconnected(id, local.is_some_and(|local| local.port() != 0));
        }
        Ok(())
    }

    fn send(&self, form: &SendForm, payload: &[u8], to: Option<Peer>) -> Made {
        if let SendForm::To(peer) = form
            && self.context.directory.closed_port(peer.address).is_some()
        {
            *lock(&self.refusals_before) = kernel::refusals_received(peer.address.ip());
        }
        let sent = match form {
            SendForm::Connected => self.socket.send(payload),
            SendForm::Write => kernel::write(&self.socket, payload),
            SendForm::To(peer) => self.socket.send_to(payload, &SockAddr::from(peer.address)),
            SendForm::Message { to, parts } => {
                let mut rest = payload;
                let slices = parts.iter().map(|&length| {
                    let (part, tail) = rest.split_at(length.min(rest.len()));
                    rest = tail;
                    IoSlice::new(part)
                });
                self.socket.send_to_vectored(&slices.collect::<Vec<_>>(), &SockAddr::from(to.address))
            }
            SendForm::MessageFrom { to, source } => {
                kernel::send_from(&self.socket, payload, to.address, (*source).into())
            }
            SendForm::Raw { to, source_port } => {
                let header = udp_header(*source_port, to.address.port(), payload.len());
                self.socket.send_to(&[&header, payload].concat(), &SockAddr::from(to.address))
            }
        };
        let sent = match sent {
            Ok(sent) => Outcome::Sent(sent),
            Err(error) => return failed(&error).into(),
        };
        if self.protocol != Protocol::Udp {
            return sent.into();
        }
        // Before the event is recorded: a receiver must be able to tell who this sender is.
        let learnt = self.learn_address();
        if let (Some(id), Some(to)) = (self.id(), to) {
            self.context.directory.sent(id, to.address, payload);
        }
        self.made(sent, learnt)
    }

    /// A second descriptor of this socket, as a socket called `name`.
    pub(super) fn duplicate(&self, name: &str) -> Call<Self> {
        let mut duplicate = Err(io::ErrorKind::Unsupported.into());
        self.perform_by(Syscall::Duplicate, |_| {
            duplicate = self.socket.try_clone();
            match &duplicate {
                Ok(socket) => Outcome::Accepted(kernel::descriptor(socket)).into(),
                Err(error) => failed(error).into(),
            }
        });
        let error = |error: io::Error| CallError::new(format!("duplicate the socket of {}", self.name), &error);
        let socket = duplicate.map_err(error)?;
        let other = RecordedSocket::as_opened(name, self.protocol, socket, self.sets_limits, Arc::clone(&self.context));
        other.is_to_drop.store(self.is_to_drop.load(Ordering::Relaxed), Ordering::Relaxed);
        other.wants_ancillary.store(self.wants_ancillary.load(Ordering::Relaxed), Ordering::Relaxed);
        other.learn_address().map_err(|error| self.unknown_address(&error))?;
        Ok(other)
    }

    /// Closes the descriptor while another thread may be in a call on it.
    pub(super) fn close_meanwhile(&self) -> Outcome {
        if let Some(id) = self.id() {
            self.context.directory.closed(id);
        }
        self.closed_meanwhile.store(true, Ordering::Relaxed);
        done(kernel::close_meanwhile(Arc::clone(&self.socket)))
    }

    /// Makes a receive of the lesson, by a socket of UDP or TCP; `sender` is who sent, where the call does not tell.
    pub(super) fn receive(&self, receive: &Receive, sender: Option<&Peer>) -> Made {
        match self.protocol {
            Protocol::Udp => arrival::next(self, receive, sender),
            Protocol::Tcp => arrival::read(self, receive).into(),
        }
    }

    pub(super) fn peer(&self) -> Option<Peer> {
        lock(&self.peer).clone()
    }

    /// Its place in the directory, once it has an address.
    pub(super) fn id(&self) -> Option<Id> {
        self.entry.get().copied()
    }

    /// The address at which it is reached; the wildcard is shown as loopback.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.local.get().copied()
    }

    /// Enters the address in the directory, once the system has given one. Whoever has not asked for every address
    /// sends from one alone.
    pub(super) fn learn_address(&self) -> io::Result<()> {
        self.learn_address_as(false)
    }

    fn learn_address_as(&self, asked_for: bool) -> io::Result<()> {
        if self.local.get().is_none() {
            let bound = self.socket.local_addr()?.as_socket().unwrap_or(sockets::ANY_PORT);
            let bound = if asked_for { bound } else { sockets::reached_at(bound) };
            let directory = &self.context.directory;
            self.entry.get_or_init(|| directory.enter(self.protocol, &self.name, bound, &self.socket));
            self.local.get_or_init(|| sockets::reached_at(bound));
        }
        Ok(())
    }

    /// Announces, makes and records the sending of an end marker through `socket`, which has the address `local`. It
    /// need not be one of the scene's sockets.
    pub(super) fn send_marker(
        context: &Arc<SceneContext>,
        socket: &Arc<Socket>,
        local: SocketAddr,
        form: SendForm,
        to: &Peer,
        byte: u8,
    ) -> Call<()> {
        let who = context.directory.name_of(Protocol::Udp, local).unwrap_or_else(|| "the lab".to_owned());
        let descriptor = kernel::descriptor(socket);
        let identity = Identity { context, who: &who, protocol: Protocol::Udp, descriptor, local: Some(local) };
        let by_address = matches!(form, SendForm::To(_));
        let call = Syscall::Send { form, payload: vec![byte] };
        identity.announce(&call, Some(to), Role::EndMarker);
        let sent = match by_address {
            true => socket.send_to(&[byte], &SockAddr::from(to.address)),
            false => socket.send(&[byte]),
        };
        sent.map_err(|error| CallError::send(format!("send an end marker from {who} to {}", to.name), &error))?;
        identity.record(Some(to.clone()), Role::EndMarker, Action::Call(call, Outcome::Sent(1)));
        Ok(())
    }

    /// Makes the call: `value` of what it returned, or its error, in which it is called `operation`.
    pub(super) fn call<T>(&self, call: Syscall, operation: &str, value: impl FnOnce(Outcome) -> T) -> Call<T> {
        let kind = CallKind::from(&call);
        let made = self.perform_by(call, |call| self.make(call));
        match made.unknown {
            Some(unknown) => Err(unknown),
            None => self.result(made.outcome, kind, operation, value),
        }
    }

    /// The same for a call that was made, which returned `outcome`.
    pub(super) fn result<T>(
        &self,
        outcome: Outcome,
        call: CallKind,
        operation: &str,
        value: impl FnOnce(Outcome) -> T,
    ) -> Call<T> {
        match outcome {
            Outcome::Failed { error, .. } => Err(self.failure(error, call, operation)),
            other => Ok(value(other)),
        }
    }

    fn failure(&self, error: OsError, call: CallKind, operation: &str) -> CallError {
        // A socket without a port is given one by the call, as far as there are any; a bind names it.
        let none_left = match self.protocol {
            Protocol::Udp => SocketError::WouldBlock,
            Protocol::Tcp => SocketError::AddressNotAvailable,
        };
        let gives_port = self.address().is_none() && !matches!(call, CallKind::Bind(_));
        let lacks_port = gives_port && error.is(none_left, kernel::HERE);
        CallError { lacks_port, ..CallError::of(call, operation, error) }
    }
}

impl Drop for RecordedSocket {
    /// Where the queue ran full, unless it was meant to, what is missing was not lost by UDP.
    fn drop(&mut self) {
        if let Some(id) = self.id() {
            self.context.directory.closed(id);
        }
        if self.protocol == Protocol::Tcp || self.closed_meanwhile.load(Ordering::Relaxed) {
            return;
        }
        let ran_full = kernel::drops(&self.socket).map(|drops| drops > 0);
        let visited = self.set_aside.load(Ordering::Relaxed) > 0;
        if visited && ran_full != Some(false) {
            let queue = match ran_full {
                Some(_) => "a queue here ran full",
                None => "this system does not tell whether a queue ran full",
            };
            let unrelated = || format!("datagrams came that no socket of this scene had sent, and {queue}");
            self.context.inconclusive.get_or_init(unrelated);
        } else if ran_full == Some(true) && !self.is_to_drop.load(Ordering::Relaxed) {
            let small = || format!("the queue of {} ran full: {}", self.name, needs::limit_on_buffers());
            self.context.inconclusive.get_or_init(small);
        }
    }
}
