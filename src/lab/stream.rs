//! TCP, for contrast: a listener, and streams.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use socket2::Socket;

use super::endpoint::outcome;
use super::trouble::os_error;
use super::{Call, CallError, Outcome, Room, Target, socket};
use crate::platform;
use crate::vocabulary::Fact;

/// A named TCP socket that waits for connections, or only holds its port.
#[derive(Debug)]
pub struct Listener {
    name: String,
    socket: Socket,
    address: SocketAddr,
    room: Arc<Room>,
}

impl Listener {
    pub(super) fn silent(name: &str, room: Arc<Room>) -> Call<Self> {
        let socket = socket::tcp()?;
        socket::bind(&socket, socket::ANY_PORT)?;
        let address = socket::address_of(&socket)?;
        Ok(Listener { name: name.to_owned(), socket, address, room })
    }

    pub(super) fn open(name: &str, room: Arc<Room>) -> Call<Self> {
        let listener = Listener::silent(name, room)?;
        let result = listener.socket.listen(128).map_err(|e| CallError::at("listen on", listener.address, &e));
        listener.room.write(name, "listen", None, None, outcome(&result));
        result.map(|()| listener)
    }

    /// Takes one connection.
    ///
    /// # Errors
    /// What the system says.
    pub fn accept(&self) -> Call<Stream> {
        let accepted = self.socket.accept().map_err(|e| CallError::at("accept at", self.address, &e));
        let (socket, _) = accepted?;
        socket::wait_at_most(&socket, socket::LIMIT)?;
        self.room.write(&self.name, "accept", None, None, Outcome::Done);
        Ok(Stream { name: self.name.clone(), socket, room: Arc::clone(&self.room) })
    }
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
    room: Arc<Room>,
}

impl Stream {
    pub(super) fn connect(name: &str, target: &impl Target, room: Arc<Room>) -> Call<Self> {
        let socket = socket::tcp()?;
        let result = socket::connect(&socket, target.address());
        room.write(name, "connect", Some(target.name()), None, outcome(&result));
        result.map(|()| Stream { name: name.to_owned(), socket, room })
    }

    /// Writes `bytes` in one call; returns how many the system took.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, bytes: &[u8]) -> Call<usize> {
        let sent = self
            .socket
            .send(bytes)
            .map_err(|e| CallError::new(format!("write to the TCP stream of {}", self.name), &e))?;
        self.room.write(&self.name, "write", None, Some(bytes), Outcome::Bytes(sent));
        Ok(sent)
    }

    /// Says that no more will be written: the other end reads up to an end of file.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(&self) -> Call<()> {
        let result = self.socket.shutdown(Shutdown::Write).map_err(|e| CallError::new("end the TCP stream", &e));
        self.room.write(&self.name, "shutdown", None, None, outcome(&result));
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
        let mut bytes = vec![0; buffer];
        let (fact, outcome) = match platform::receive(&self.socket, &mut bytes, 0) {
            Ok(0) => (Fact::from(END_OF_FILE), Outcome::Bytes(0)),
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
        self.room.write(&self.name, "read", None, payload, outcome);
        fact
    }

    /// Closes the connection in order.
    pub fn close(self) {
        self.room.write(&self.name, "close", None, None, Outcome::Done);
    }
}

/// What [`Stream::read`] reports when the other end has closed.
pub const END_OF_FILE: &str = "end of file";
