//! TCP, for contrast: a listener, and streams.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Instant;

use socket2::Socket;

use super::endpoint::outcome;
use super::trouble::os_error;
use super::{Ahead, Call, CallError, Details, Entry, Outcome, Peer, Protocol, Room, Target, socket};
use crate::platform;
use crate::vocabulary::Fact;

/// A named TCP socket that waits for connections, or only holds its port.
#[derive(Debug)]
pub struct Listener {
    name: String,
    socket: Socket,
    address: SocketAddr,
    room: Arc<Room>,
    /// Whether the system counts the minute after which it forgets a connection of this address.
    forgetting: Arc<AtomicBool>,
}

impl Listener {
    pub(super) fn silent(name: &str, address: SocketAddr, room: Arc<Room>) -> Call<Self> {
        let socket = socket::tcp()?;
        socket::bind(&socket, address)?;
        let address = socket::address_of(&socket)?;
        room.log.opened(name);
        Ok(Listener { name: name.to_owned(), socket, address, room, forgetting: Arc::default() })
    }

    /// This listener under another of the machine's addresses.
    pub fn at(&self, ip: Ipv4Addr) -> Peer {
        Peer { name: self.name.clone(), address: SocketAddr::from((ip, self.address.port())) }
    }

    /// Begins to listen.
    ///
    /// # Errors
    /// What the system says.
    pub fn listen(&self) -> Call<()> {
        const BACKLOG: i32 = 128;
        self.room.log.ahead(&ahead(&self.name, "listen"));
        let result = self.socket.listen(BACKLOG).map_err(|e| CallError::at("listen on", self.address, &e));
        let entry = entry(&self.name, &self.socket, Some(self.address), "listen", outcome(&result));
        self.room.write(entry.details(Details { backlog: Some(BACKLOG), ..Details::default() }));
        result
    }

    /// Closes the socket and binds a new one to the same address.
    ///
    /// # Errors
    /// What the system says: EADDRINUSE while a connection of this address is in TIME-WAIT.
    pub fn close_and_bind_again(self) -> Call<()> {
        let Listener { name, socket, address, room, forgetting } = self;
        // Every moment in between is one in which another program may be given the port.
        let result = room.at_once(|| {
            room.write(entry(&name, &socket, Some(address), "close", Outcome::Done));
            drop(socket);
            let again = socket::tcp()?;
            let result = socket::bind(&again, address);
            let bind = entry(&name, &again, Some(address), "bind", outcome(&result));
            room.write(bind.details(Details { asked: Some(address), ..Details::default() }));
            result
        });
        if forgetting.load(Ordering::Relaxed) {
            room.log.stoppable();
        }
        result
    }

    /// Takes one connection; those of strangers are closed again.
    ///
    /// # Errors
    /// What the system says.
    pub fn accept(&self) -> Call<Stream> {
        self.room.log.ahead(&ahead(&self.name, "accept"));
        let (socket, peer) = loop {
            let accepted = self.socket.accept().map_err(|e| CallError::at("accept at", self.address, &e));
            let (socket, from) = accepted?;
            let address = from.as_socket().unwrap_or(socket::ANY_PORT);
            match self.room.name_of(Protocol::Tcp, address) {
                Some(name) => break (socket, Peer { name, address }),
                None => self.room.note_stranger(Protocol::Tcp),
            }
        };
        socket::wait_at_most(&socket, socket::LIMIT)?;
        let details = Details { returned: Some(platform::descriptor(&socket)), ..Details::default() };
        let accepted = entry(&self.name, &self.socket, Some(self.address), "accept", Outcome::Done).details(details);
        self.room.write(accepted.with(&peer));
        let (room, listener) = (Arc::clone(&self.room), Arc::downgrade(&self.forgetting));
        Ok(Stream { name: self.name.clone(), socket, local: Some(self.address), peer: Some(peer), room, listener })
    }
}

fn ahead<'a>(who: &'a str, call: &'static str) -> Ahead<'a> {
    Ahead { tcp: true, ..Ahead::of(who, call) }
}

fn entry<'a>(
    who: &'a str,
    socket: &'a Socket,
    local: Option<SocketAddr>,
    call: &'static str,
    result: Outcome,
) -> Entry<'a> {
    Entry { tcp: true, ..Entry::new(who, socket, local, call, result) }
}

impl Target for Listener {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// One end of a TCP connection.
#[derive(Debug)]
pub struct Stream {
    name: String,
    socket: Socket,
    local: Option<SocketAddr>,
    peer: Option<Peer>,
    room: Arc<Room>,
    /// The listener that it came from, as long as that is there.
    listener: Weak<AtomicBool>,
}

impl Stream {
    pub(super) fn connect(name: &str, target: &impl Target, room: Arc<Room>) -> Call<Self> {
        let socket = socket::tcp()?;
        room.log.opened(name);
        room.log.ahead(&ahead(name, "connect").to(target.name()));
        let result = socket::connect(&socket, target.address());
        let local = result.as_ref().ok().and_then(|()| socket::address_of(&socket).ok());
        if let Some(local) = local {
            room.enter(Protocol::Tcp, local, name);
        }
        room.write(entry(name, &socket, local, "connect", outcome(&result)).with(target));
        let peer = Some(Peer { name: target.name().to_owned(), address: target.address() });
        result.map(|()| Stream { name: name.to_owned(), socket, local, peer, room, listener: Weak::new() })
    }

    fn write_down(&self, call: &'static str, payload: Option<&[u8]>, buffer: Option<usize>, result: Outcome) {
        let mut entry = entry(&self.name, &self.socket, self.local, call, result).buffer(buffer);
        entry.payload = payload;
        self.room.write(match &self.peer {
            Some(peer) => entry.with(peer),
            None => entry,
        });
    }

    #[cfg(test)]
    pub(super) fn local(&self) -> Option<SocketAddr> {
        self.local
    }

    pub(super) fn unconnected(name: &str, room: Arc<Room>) -> Call<Self> {
        let socket = socket::tcp()?;
        room.log.opened(name);
        Ok(Stream { name: name.to_owned(), socket, local: None, peer: None, room, listener: Weak::new() })
    }

    /// Writes `bytes` in one call; returns how many the system took.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, bytes: &[u8]) -> Call<usize> {
        let ahead = ahead(&self.name, "write").payload(bytes);
        self.room.log.ahead(&Ahead { with: self.peer.as_ref().map(Target::name), ..ahead });
        let result = self.socket.send(bytes);
        let result = result.map_err(|e| CallError::new(format!("write to the TCP stream of {}", self.name), &e));
        let outcome = match &result {
            Ok(sent) => Outcome::Bytes(*sent),
            Err(error) => Outcome::Error(error.error.clone()),
        };
        self.write_down("write", Some(bytes), None, outcome);
        result
    }

    /// Says that no more will be written: the other end reads up to an end of file.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(&self) -> Call<()> {
        self.room.log.ahead(&ahead(&self.name, "shutdown"));
        let result = self.socket.shutdown(Shutdown::Write).map_err(|e| CallError::new("end the TCP stream", &e));
        self.write_down("shutdown", None, None, outcome(&result));
        result
    }

    /// Waits, two seconds at most, until one read could return `count` bytes, so that the read that follows shows the
    /// stream and not the clock.
    pub fn wait_for(&self, count: usize) {
        let deadline = Instant::now() + socket::LIMIT;
        let mut buffer = vec![0; count];
        while let Ok(ready) = platform::receive(&self.socket, &mut buffer, platform::MSG_PEEK) {
            if ready >= count || ready == 0 || Instant::now() > deadline {
                return;
            }
            thread::yield_now();
        }
    }

    /// Reads once into a buffer of `buffer` bytes: the bytes, `end of file`, nothing within two seconds, or an error.
    pub fn read(&self, buffer: usize) -> Fact {
        self.read_with("read", buffer, 0)
    }

    /// Looks at what a read would return, and leaves it there. POSIX MSG_PEEK.
    pub fn peek(&self, buffer: usize) -> Fact {
        self.read_with("peek", buffer, platform::MSG_PEEK)
    }

    fn read_with(&self, call: &'static str, buffer: usize, flags: i32) -> Fact {
        self.room.log.ahead(&ahead(&self.name, call).buffer(buffer));
        let mut bytes = vec![0; buffer];
        let (fact, outcome) = match platform::receive(&self.socket, &mut bytes, flags) {
            Ok(0) => {
                bytes.clear();
                (Fact::from(END_OF_FILE), Outcome::Bytes(0))
            }
            Ok(length) => {
                bytes.truncate(length);
                (Fact::from(&bytes[..]), Outcome::Bytes(length))
            }
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                (Fact::Nothing, Outcome::Nothing)
            }
            Err(e) => {
                let error = os_error(e.raw_os_error().unwrap_or(0));
                (Fact::from(error.clone()), Outcome::Error(error))
            }
        };
        let payload = matches!(outcome, Outcome::Bytes(_)).then_some(&bytes[..]);
        self.write_down(call, payload, Some(buffer), outcome);
        fact
    }

    /// Makes both buffers small. A system that refuses leaves them as they are.
    pub fn shrink_buffers(&self) {
        let _ = self.socket.set_send_buffer_size(SMALL);
        let _ = self.socket.set_recv_buffer_size(SMALL);
    }

    /// Writes, without waiting, until the system refuses; returns the bytes that it took, and what it said.
    ///
    /// # Errors
    /// What the system says of the switch to non-blocking calls and back.
    pub fn write_until_told(&self) -> Call<(usize, Fact)> {
        let switch = |on| self.socket.set_nonblocking(on).map_err(|e| CallError::new("switch blocking off and on", &e));
        let chunk = [b'x'; 1000];
        let mut taken = 0;
        switch(true)?;
        let told = loop {
            match self.write(&chunk) {
                Ok(written) if taken < MOST_TAKEN => taken += written,
                Ok(written) => {
                    taken += written;
                    break Fact::Nothing;
                }
                Err(error) => break error.into(),
            }
        };
        switch(false)?;
        Ok((taken, told))
    }

    /// Reads everything up to the end of the stream, or more than any writer was let write; returns how many bytes
    /// there were.
    pub fn read_to_end(&self) -> usize {
        let mut total = 0;
        while total <= MOST_TAKEN
            && let Fact::Bytes(bytes) = self.read(64 * 1024)
        {
            total += bytes.len();
        }
        total
    }

    /// Closes the connection in order.
    pub fn close(self) {
        // From now on the system counts a minute: FIN-WAIT-2, then TIME-WAIT. Who binds again must not come later.
        if self.listener.upgrade().is_some_and(|forgetting| !forgetting.swap(true, Ordering::Relaxed)) {
            self.room.log.unstoppable();
        }
        self.room.log.ahead(&ahead(&self.name, "close"));
        self.write_down("close", None, None, Outcome::Done);
    }
}

/// Buffers of a few segments, in bytes. With still smaller ones it takes seconds to read a full buffer: each read opens
/// the window by less than a segment, and the sender waits for its timer.
const SMALL: usize = 4096;

/// A sender that was let write so many bytes is not being stopped: a hundred times what small buffers hold.
const MOST_TAKEN: usize = 4 * 1024 * 1024;

/// What [`Stream::read`] reports when the other end has closed.
pub const END_OF_FILE: &str = "end of file";
