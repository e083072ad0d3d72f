//! A named UDP socket, and the verbs of lessons.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::arrival::{Arrival, discard_peeked, discard_unrelated};
use super::context::SceneContext;
use super::received::ReceiveResult;
use super::recorded::RecordedSocket;
use super::time_limits::LIMIT;
use super::{Call, CallError, SceneError, Target};
use crate::kernel;
use crate::sockets::{self, os_error};
use crate::vocabulary::{
    Direction, Events, Fact, Opt, OptionValue, Outcome, PEEK, POLLIN, Protocol, Receive, ReceiveForm, SendForm, Syscall,
};

/// A named UDP socket. Its receives end after [`LIMIT`] at the latest.
#[derive(Debug)]
pub struct Endpoint {
    pub(super) socket: RecordedSocket,
}

impl Endpoint {
    pub(super) fn open(name: &str, family: SocketAddr, context: Arc<SceneContext>) -> Call<Self> {
        let socket = sockets::udp(family)?;
        sockets::wait_at_most(&socket, LIMIT)?;
        Ok(Endpoint { socket: RecordedSocket::new(name, Protocol::Udp, socket, context) })
    }

    pub(super) fn without_limit(name: &str, family: SocketAddr, context: Arc<SceneContext>) -> Call<Self> {
        let socket = sockets::udp(family)?;
        Ok(Endpoint { socket: RecordedSocket::as_opened(name, Protocol::Udp, socket, true, context) })
    }

    pub(super) fn context(&self) -> &Arc<SceneContext> {
        &self.socket.context
    }

    fn done(&self, call: Syscall, operation: &str) -> Call<()> {
        self.socket.call(call, operation, drop)
    }

    /// Binds the socket; port 0 takes a free one. POSIX `bind()`.
    pub fn bind(&self, address: SocketAddr) -> Call<()> {
        self.socket.bind(address)
    }

    /// Sets the peer. POSIX `connect()`: on a datagram socket no connection is made.
    pub fn connect(&self, target: &impl Target) -> Call<()> {
        self.done(Syscall::Connect(target.peer()), &format!("connect {} to {}", self.name(), target.address()))
    }

    /// Takes the peer away again. POSIX `connect()` to an address of the family AF_UNSPEC. Linux then takes back a port
    /// that it has chosen itself: whoever is to send or receive later is [bound to a port of its
    /// own](super::Lab::bind_at).
    ///
    /// # Errors
    /// macOS returns EAFNOSUPPORT and does it all the same.
    pub fn disconnect(&self) -> Call<()> {
        self.done(Syscall::Disconnect, &format!("disconnect {}", self.name()))
    }

    /// Sets the peer, and forgets what anybody sent before that: from then on only the peer's datagrams are queued.
    pub fn connect_alone(&self, target: &impl Target) -> Call<()> {
        self.connect(target)?;
        discard_unrelated(&self.socket);
        Ok(())
    }

    /// Sends one datagram to `target`; returns the bytes that the system says it sent. POSIX `sendto()`.
    ///
    /// # Errors
    /// It may be the error of an earlier datagram.
    pub fn send_to(&self, payload: &[u8], target: &impl Target) -> Call<usize> {
        self.sent(SendForm::To(target.peer()), payload)
    }

    /// Sends one datagram to the peer that was set by [`connect`](Self::connect). POSIX `send()`.
    ///
    /// # Errors
    /// ENOTCONN or EDESTADDRREQ where there is no peer; or the error of an earlier datagram.
    pub fn send(&self, payload: &[u8]) -> Call<usize> {
        self.sent(SendForm::Connected, payload)
    }

    /// Sends the buffers as one datagram. POSIX `sendmsg()`.
    pub fn send_gathered(&self, buffers: &[&[u8]], target: &impl Target) -> Call<usize> {
        let parts = buffers.iter().map(|buffer| buffer.len()).collect();
        self.sent(SendForm::Message { to: target.peer(), parts }, &buffers.concat())
    }

    /// Sends one datagram to `target` from the address `source` of this machine, where the socket is bound to all of
    /// them. Linux `ip(7)`, IP_PKTINFO. Elsewhere the system chooses the address all the same.
    ///
    /// # Errors
    /// EINVAL where `source` is no address of this machine.
    pub fn send_from(&self, source: Ipv4Addr, payload: &[u8], target: &impl Target) -> Call<usize> {
        self.sent(SendForm::MessageFrom { to: target.peer(), source }, payload)
    }

    fn sent(&self, form: SendForm, payload: &[u8]) -> Call<usize> {
        let call = Syscall::Send { form, payload: payload.to_vec() };
        let to = self.socket.target_of(&call).map(|peer| peer.name);
        let operation = format!("{} from {} to {}", call.name(), self.name(), to.as_deref().unwrap_or("no peer"));
        self.socket.call(call, &operation, |outcome| match outcome {
            Outcome::Sent(sent) => sent,
            _ => 0,
        })
    }

    /// Receives: `receive(1024)` is `recvfrom` into 1024 bytes, and waits for a datagram up to the limit. End markers
    /// of earlier proofs are passed over.
    pub fn receive(&self, how: impl Into<Receive>) -> ReceiveResult {
        let receive = how.into();
        // `recv` does not tell the sender. A peek does, past any unrelated senders: a connected socket gets only what
        // its peer sends, and still has in its queue what came before it was connected.
        let sender = match receive.form {
            ReceiveForm::Recv => match self.receive(Receive::into(receive.capacity()).flags(PEEK)) {
                ReceiveResult::Datagram(received) => received.from,
                other => return other,
            },
            ReceiveForm::From | ReceiveForm::Message | ReceiveForm::Read => None,
        };
        loop {
            match self.arrival(&receive, sender.as_ref()) {
                Arrival::Result(result) => return result,
                Arrival::Marker { .. } => discard_peeked(&self.socket, &receive),
            }
        }
    }

    /// Sets an option.
    ///
    /// # Errors
    /// The error number 0 where this system has no such option.
    pub fn set<T: OptionValue>(&self, option: &'static Opt<T>, value: T) -> Call<()> {
        self.set_to(option, value.to_int())
    }

    /// Sets an option to any number, also one that is no value of its type: -1 as a number of bytes.
    ///
    /// # Errors
    /// The error number 0 where this system has no such option.
    pub fn set_to<T: OptionValue>(&self, option: &'static Opt<T>, value: i32) -> Call<()> {
        let name = option.name;
        let operation = format!("set {} of {} to {value}", name.name, self.name());
        self.done(Syscall::SetOption { option: name, value }, &operation)
    }

    /// Reads an option.
    ///
    /// # Errors
    /// The error number 0 where this system has no such option.
    pub fn get<T: OptionValue>(&self, option: &'static Opt<T>) -> Call<T> {
        let operation = format!("read {} of {}", option.name.name, self.name());
        self.socket.call(Syscall::GetOption(option.name), &operation, |outcome| match outcome {
            Outcome::Value(value) => T::from_int(value),
            _ => T::from_int(0),
        })
    }

    /// Reads `SO_ERROR`, and so takes the error that is pending on this socket.
    pub fn pending_error(&self) -> Call<Fact> {
        let number = self.get(&kernel::option::PENDING_ERROR)?;
        let error = i32::try_from(number).ok().filter(|number| *number != 0);
        Ok(error.map_or(Fact::Nothing, |number| os_error(number).into()))
    }

    /// Waits until an error is pending on this socket. It is not a call of the lesson: the error stays pending.
    ///
    /// # Errors
    /// [`SceneError::Skip`] when none comes within the limit.
    pub fn await_error(&self) -> Result<(), SceneError> {
        let wait = |limit| kernel::await_error(&self.socket.socket, limit).map(|came| came.then_some(())).transpose();
        match self.context().session.time_limits.within(wait) {
            Some(came) => Ok(came.map_err(|error| CallError::new(format!("poll {}", self.name()), &error))?),
            None => Err(SceneError::Skip(format!("no error came for {}", self.name()))),
        }
    }

    /// Calls `listen`, which UDP does not have.
    ///
    /// # Errors
    /// EOPNOTSUPP (POSIX).
    pub fn listen(&self) -> Call<()> {
        self.done(Syscall::Listen(1), &format!("listen on {}", self.name()))
    }

    /// Calls `accept`, which UDP does not have.
    ///
    /// # Errors
    /// EOPNOTSUPP (POSIX).
    pub fn accept(&self) -> Call<()> {
        self.done(Syscall::Accept, &format!("accept on {}", self.name()))
    }

    /// Ends one direction. POSIX `shutdown()`.
    ///
    /// # Errors
    /// ENOTCONN where there is no peer.
    pub fn shutdown(&self, direction: Direction) -> Call<()> {
        self.done(Syscall::Shutdown(direction), &format!("shutdown {} of {}", direction.name(), self.name()))
    }

    /// Says whether calls return at once instead of waiting. POSIX `fcntl()`, O_NONBLOCK.
    pub fn set_non_blocking(&self, on: bool) -> Call<()> {
        self.done(Syscall::SetNonBlocking(on), &format!("set O_NONBLOCK of {}", self.name()))
    }

    /// Whether the system says that something can be received. POSIX `poll()`, which does not wait here.
    pub fn is_readable(&self) -> Call<bool> {
        self.poll(POLLIN).map(|events| events.contains(POLLIN))
    }

    /// Which of these events there are, or what error. POSIX `poll()`, which does not wait here.
    pub fn poll(&self, events: Events) -> Call<Events> {
        self.value(Syscall::Poll(events), "poll").map(Events::from_int)
    }

    /// How many bytes the system says can be received: FIONREAD. Linux means the next datagram alone.
    pub fn queued_bytes(&self) -> Call<usize> {
        self.value(Syscall::QueuedBytes, "ask for the bytes").map(usize::from_int)
    }

    /// How many bytes the system says are in the send queue: SIOCOUTQ. Linux `udp(7)`.
    pub fn unsent_bytes(&self) -> Call<usize> {
        self.value(Syscall::UnsentBytes, "ask for the send queue").map(usize::from_int)
    }

    /// The peer that the system says the socket has. POSIX `getpeername()`.
    ///
    /// # Errors
    /// ENOTCONN where there is none.
    pub fn peer_name(&self) -> Call<SocketAddr> {
        self.name_by(Syscall::PeerName)
    }

    fn name_by(&self, call: Syscall) -> Call<SocketAddr> {
        let operation = format!("{} of {}", call.name(), self.name());
        self.socket.call(call, &operation, |outcome| match outcome {
            Outcome::Address(address) => address,
            _ => sockets::EVERYWHERE,
        })
    }

    fn value(&self, call: Syscall, operation: &str) -> Call<i32> {
        self.socket.call(call, &format!("{operation} of {}", self.name()), |outcome| match outcome {
            Outcome::Value(value) => value,
            _ => 0,
        })
    }

    /// Writes one datagram to the peer. POSIX `write()`.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub fn write(&self, payload: &[u8]) -> Call<usize> {
        self.sent(SendForm::Write, payload)
    }

    /// A second descriptor of this socket. POSIX `dup()`.
    pub fn duplicate(&self, name: &str) -> Call<Endpoint> {
        self.socket.duplicate(name).map(|socket| Endpoint { socket })
    }

    /// Closes the socket: its queue is gone, its port is free.
    pub fn close(self) {
        self.socket.perform(Syscall::Close);
    }

    /// The address that the system says the socket has; the wildcard and port 0 for none. POSIX `getsockname()`.
    ///
    /// # Errors
    /// On Windows for an unbound socket.
    pub fn local_address(&self) -> Call<SocketAddr> {
        self.name_by(Syscall::SocketName)
    }

    /// The IP address that the system says the socket has, or its error, as the answer of a row.
    pub fn local_ip(&self) -> Fact {
        self.local_address().map_or_else(Fact::from, |address| address.ip().to_string().into())
    }

    /// The port of the [local address](Self::local_address); 0 for none.
    ///
    /// # Errors
    /// On Windows for an unbound socket.
    pub fn port(&self) -> Call<u16> {
        self.local_address().map(|address| address.port())
    }
}
