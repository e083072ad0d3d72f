//! TCP, for contrast: a listener, and streams.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

use socket2::{Domain, Socket, Type};

use super::context::SceneContext;
use super::recheck::recheck;
use super::recorded::{Made, RecordedSocket};
use super::time_limits::LIMIT;
use super::{Call, CallError, SceneError, Target};
use crate::kernel::{self, HERE};
use crate::sockets::{self, CallKind, error_of};
use crate::vocabulary::{
    Direction, Fact, Flags, Outcome, PEEK, Peer, Protocol, Receive, SendForm, SocketError, Syscall,
};

/// A named TCP socket that waits for connections, or only holds its port.
#[derive(Debug)]
pub struct Listener {
    socket: RecordedSocket,
    /// Whether the system counts the minute after which it forgets a connection of this address.
    time_wait_begun: Arc<AtomicBool>,
}

impl Listener {
    /// A socket that is bound and does not listen.
    pub(super) fn bound(name: &str, address: SocketAddr, context: Arc<SceneContext>) -> Call<Self> {
        let socket = RecordedSocket::new(name, Protocol::Tcp, open()?, context);
        socket.bind(address)?;
        Ok(Listener { socket, time_wait_begun: Arc::default() })
    }

    /// This listener under another of the machine's addresses.
    pub fn at(&self, ip: Ipv4Addr) -> Peer {
        Peer { name: self.name().to_owned(), address: SocketAddr::from((ip, self.address().port())) }
    }

    /// Begins to listen.
    pub fn listen(&self) -> Call<()> {
        self.socket.call(Syscall::Listen(128), &format!("listen on {}", self.address()), drop)
    }

    /// Closes the socket and binds a new one to the same address.
    ///
    /// # Errors
    /// EADDRINUSE while a connection of this address is in TIME-WAIT.
    pub fn close_and_bind_again(self) -> Call<()> {
        let (name, address, context) = (self.name().to_owned(), self.address(), Arc::clone(&self.socket.context));
        let time_wait_begun = Arc::clone(&self.time_wait_begun);
        // Every moment in between is one in which another program may be given the port.
        let result = Arc::clone(&context).at_once(|| {
            self.socket.perform(Syscall::Close);
            drop(self);
            let again = RecordedSocket::new(&name, Protocol::Tcp, open()?, context.clone());
            again.bind(address)
        });
        if time_wait_begun.load(Ordering::Relaxed) {
            context.session.announcer.resume();
        }
        result
    }

    /// Takes one connection; those of unrelated programs are closed again.
    ///
    /// # Errors
    /// What the system says. [`SceneError::Skip`] when no connection came within the limit: that is no answer of the
    /// call.
    pub fn accept(&self) -> Result<Stream, SceneError> {
        let mut accepted = None;
        let made = self.socket.perform_by(Syscall::Accept, |_| self.take(&mut accepted));
        match (made.outcome, accepted, made.peer) {
            (Outcome::Nothing, ..) => Err(SceneError::Skip(format!("accept: no connection came within {:?}", LIMIT))),
            (Outcome::Failed { error, .. }, ..) => {
                Err(CallError::of(CallKind::Accept, format!("accept at {}", self.address()), error).into())
            }
            (_, Some(socket), Some(peer)) => {
                sockets::wait_at_most(&socket, LIMIT)?;
                let context = Arc::clone(&self.socket.context);
                let socket = RecordedSocket::accepted(self.name(), socket, peer, context)
                    .map_err(|e| CallError::new("ask for the local address", &e))?;
                Ok(Stream { listener: Arc::downgrade(&self.time_wait_begun), ..Stream::of(socket) })
            }
            _ => Err(SceneError::Defect("accept returned no socket".to_owned())),
        }
    }

    fn take(&self, accepted: &mut Option<Socket>) -> Made {
        let deadline = Instant::now() + LIMIT;
        loop {
            let error = match self.socket.socket.accept() {
                Ok((socket, from)) => {
                    let address = from.as_socket().unwrap_or(sockets::ANY_PORT);
                    match self.socket.context.directory.name_of(Protocol::Tcp, address) {
                        Some(name) => {
                            let outcome = Outcome::Accepted(kernel::descriptor(&socket));
                            *accepted = Some(socket);
                            return Made { peer: Some(Peer { name, address }), ..outcome.into() };
                        }
                        None => {
                            self.socket.context.note_unrelated_sender(Protocol::Tcp);
                            continue;
                        }
                    }
                }
                Err(error) => error_of(&error),
            };
            let again = [SocketError::Interrupted, SocketError::ConnectionAborted];
            let timed_out = [SocketError::WouldBlock, SocketError::TimedOut];
            if again.iter().any(|again| error.is(*again, HERE)) && Instant::now() < deadline {
                continue;
            }
            return match timed_out.iter().any(|timed_out| error.is(*timed_out, HERE)) {
                true => Outcome::Nothing.into(),
                false => Outcome::failed(error).into(),
            };
        }
    }
}

impl Target for Listener {
    fn address(&self) -> SocketAddr {
        self.socket.address().unwrap_or(sockets::ANY_PORT)
    }

    fn name(&self) -> &str {
        &self.socket.name
    }
}

/// One end of a TCP connection; or a socket that is still to be connected.
#[derive(Debug)]
pub struct Stream {
    socket: RecordedSocket,
    /// The listener that it came from, as long as that is there.
    listener: Weak<AtomicBool>,
    /// How many bytes were seen to be there for the next reads.
    seen: AtomicUsize,
}

impl Stream {
    fn of(socket: RecordedSocket) -> Self {
        Stream { socket, listener: Weak::new(), seen: AtomicUsize::new(0) }
    }

    /// A socket without a peer.
    pub(super) fn open(name: &str, context: Arc<SceneContext>) -> Call<Self> {
        Ok(Stream::of(RecordedSocket::new(name, Protocol::Tcp, open()?, context)))
    }

    /// Connects to `target`.
    ///
    /// # Errors
    /// ECONNREFUSED where nobody listens.
    pub fn connect(&self, target: &impl Target) -> Call<()> {
        self.socket.call(Syscall::Connect(target.peer()), &format!("connect {}", target.address()), drop)
    }

    #[cfg(test)]
    pub(super) fn local(&self) -> Option<SocketAddr> {
        self.socket.address()
    }

    /// Writes `bytes` in one call; returns how many the system took.
    pub fn write(&self, bytes: &[u8]) -> Call<usize> {
        let call = Syscall::Send { form: SendForm::Connected, payload: bytes.to_vec() };
        let operation = format!("write to the TCP stream of {}", self.socket.name);
        self.socket.call(call, &operation, |outcome| match outcome {
            Outcome::Sent(sent) => sent,
            _ => 0,
        })
    }

    /// Says that no more will be written: the other end reads up to an end of file.
    pub fn finish(&self) -> Call<()> {
        self.socket.call(Syscall::Shutdown(Direction::Sending), "end the TCP stream", drop)
    }

    /// Waits, [`LIMIT`] at most, until one read could return `count` bytes, so that the read that follows shows the
    /// stream and not the clock.
    pub fn wait_for(&self, count: usize) {
        let mut buffer = vec![0; count];
        let ready = recheck(LIMIT, || match kernel::receive(&self.socket.socket, &mut buffer, PEEK) {
            Ok(ready) if ready < count && ready > 0 => None,
            ready => Some(ready.unwrap_or(0)),
        });
        self.seen.store(ready.unwrap_or(0), Ordering::Relaxed);
    }

    /// Reads once into a buffer of `buffer` bytes: the bytes, `end of file`, an error, or nothing within the limit.
    /// Unless bytes were
    /// [seen](Self::wait_for) to be there, that proves nothing: where a segment is lost, TCP sends it again, ever
    /// later.
    pub fn read(&self, buffer: usize) -> Fact {
        self.read_with(buffer, Flags::default())
    }

    /// Looks at what a read would return, and leaves it there. POSIX MSG_PEEK.
    pub fn peek(&self, buffer: usize) -> Fact {
        self.read_with(buffer, PEEK)
    }

    fn read_with(&self, buffer: usize, flags: Flags) -> Fact {
        let seen = self.seen.load(Ordering::Relaxed);
        match self.socket.perform(Syscall::Receive(Receive::recv(buffer).flags(flags))) {
            Outcome::Received(received) if received.bytes.is_empty() => Fact::from(END_OF_FILE),
            Outcome::Received(received) => {
                if flags != PEEK {
                    self.seen.store(seen.saturating_sub(received.bytes.len()), Ordering::Relaxed);
                }
                Fact::Bytes(received.bytes)
            }
            Outcome::Failed { error, .. } => CallError::of(CallKind::Other, self.reading(), error).into(),
            Outcome::Done
            | Outcome::Sent(_)
            | Outcome::Accepted(_)
            | Outcome::Value(_)
            | Outcome::Address(_)
            | Outcome::Nothing => match seen {
                0 => {
                    let limit = LIMIT.as_secs_f64();
                    let why = format!("{}: neither bytes nor its end nor an error in {limit} s", self.reading());
                    Fact::Nothing.unproved(why)
                }
                1.. => Fact::Nothing,
            },
        }
    }

    fn reading(&self) -> String {
        format!("read the TCP stream of {}", self.socket.name)
    }

    /// Makes both buffers small. A system that refuses leaves them as they are.
    pub fn shrink_buffers(&self) {
        let _ = self.socket.socket.set_send_buffer_size(SMALL);
        let _ = self.socket.socket.set_recv_buffer_size(SMALL);
    }

    /// Writes, without waiting, until the system refuses; returns the bytes that it took, and what it said. Each byte
    /// tells its place in the stream.
    ///
    /// # Errors
    /// What the system says of the switch to non-blocking calls and back.
    pub fn write_until_refused(&self) -> Call<(usize, Fact)> {
        let switch = |on| {
            let switched = self.socket.socket.set_nonblocking(on);
            switched.map_err(|e| CallError::new("switch blocking off and on", &e))
        };
        let mut taken = 0;
        switch(true)?;
        let answer = loop {
            match self.write(&(taken..taken + CHUNK).map(byte_at).collect::<Vec<u8>>()) {
                Ok(written) if taken < MOST_TAKEN => taken += written,
                Ok(written) => {
                    taken += written;
                    break Fact::Nothing;
                }
                Err(error) => break error.into(),
            }
        };
        switch(false)?;
        Ok((taken, answer))
    }

    /// Reads everything up to the end of the stream, or more than any writer was let write; returns how many bytes came
    /// at their place, and how many others came. While fewer than `count` have come, a limit that passes is no end: on
    /// a busy machine TCP sends again, ever later.
    ///
    /// # Errors
    /// The reason why they cannot be told: fewer have come, and neither the end nor an error. What stands still is not
    /// lost.
    pub fn read_to_end(&self, count: usize) -> Result<(usize, usize), String> {
        let (mut total, mut right, mut silences) = (0, 0, 0);
        while total <= MOST_TAKEN {
            match self.read(64 * 1024) {
                Fact::Bytes(bytes) => {
                    right += (total..).zip(&bytes).filter(|(place, byte)| byte_at(*place) == **byte).count();
                    total += bytes.len();
                }
                Fact::Nothing | Fact::Unproved { .. } if total < count && silences < MOST_SILENCES => silences += 1,
                Fact::Nothing | Fact::Unproved { .. } if total < count => {
                    return Err(format!(
                        "the stream stands still: {total} of {count} bytes have come, and neither its end nor an error"
                    ));
                }
                _ => break,
            }
        }
        Ok((right, total - right))
    }

    /// Closes the connection in order.
    pub fn close(self) {
        // From now on the system counts a minute: FIN-WAIT-2, then TIME-WAIT. Who binds again must not come later.
        if self.listener.upgrade().is_some_and(|time_wait_begun| !time_wait_begun.swap(true, Ordering::Relaxed)) {
            self.socket.context.session.announcer.silence(&self.socket.context.log);
        }
        self.socket.perform(Syscall::Close);
    }
}

/// Opens a TCP socket.
pub(super) fn open() -> Call<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(socket2::Protocol::TCP))
        .map_err(|e| CallError::preparation("open a TCP socket", &e))?;
    sockets::wait_at_most(&socket, LIMIT)?;
    Ok(socket)
}

/// How many limits may pass without a byte before a stream is taken for ended.
const MOST_SILENCES: usize = 5;

/// Bytes of one write.
const CHUNK: usize = 1000;

/// The byte at this place of a stream that is written to see where it ends: most are no printable ASCII.
fn byte_at(place: usize) -> u8 {
    (place % 253) as u8
}

/// Buffers of a few segments, in bytes. With still smaller ones it takes seconds to read a full buffer: each read opens
/// the window by less than a segment, and the sender waits for its timer.
const SMALL: usize = 4096;

/// A sender that was let write so many bytes is not being stopped: a hundred times what small buffers hold.
const MOST_TAKEN: usize = 4 * 1024 * 1024;

/// What [`Stream::read`] reports when the other end has closed.
pub const END_OF_FILE: &str = "end of file";
