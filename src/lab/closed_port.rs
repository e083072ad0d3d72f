//! A port where nobody listens, and which stays so.

use std::net::SocketAddr;

use socket2::Socket;

use super::{Call, CallError, Endpoint, SceneError, Target};
use crate::kernel::HERE;
use crate::sockets;
use crate::vocabulary::{Os, SocketError};

/// A UDP port on 127.0.0.1 or ::1 where nobody listens.
///
/// On Linux a guard holds it: a socket bound there and connected to itself. Nobody else can bind the port, and as the
/// guard receives only from itself, the system answers everybody else as if nobody were there. An endpoint of the scene
/// may still be [bound](super::Lab::bind_at) beside it. Without a guard another program could be given the port at any
/// moment, and a lesson would report that program's silence. Elsewhere the port is only bound once and closed again.
#[derive(Debug)]
pub struct ClosedPort {
    name: String,
    address: SocketAddr,
    guard: Option<Socket>,
}

impl ClosedPort {
    /// `loopback` is that of IPv4 or of IPv6, with any port.
    pub(super) fn new(name: &str, loopback: SocketAddr) -> Call<Self> {
        let socket = sockets::bound(loopback)?;
        let address = sockets::address_of(&socket)?;
        let guard = match HERE {
            Os::Linux => {
                sockets::connect(&socket, address)?;
                Some(socket)
            }
            Os::Macos | Os::Windows => None,
        };
        Ok(ClosedPort { name: name.to_owned(), address, guard })
    }

    /// Whether no other program can take the port.
    pub(super) fn is_held(&self) -> bool {
        self.guard.is_some()
    }

    /// Binds `endpoint` beside the guard.
    pub(super) fn open(&self, endpoint: Endpoint) -> Result<Endpoint, SceneError> {
        let share = |socket: &Socket, on| {
            socket.set_reuse_address(on).map_err(|error| CallError::new(format!("share {}", self.address), &error))
        };
        // Only for the moment: whoever else asks for the port is not to get it.
        if let Some(guard) = &self.guard {
            share(guard, true)?;
            share(&endpoint.socket.socket, true)?;
        }
        let bound = endpoint.bind(self.address);
        if let Some(guard) = &self.guard {
            share(guard, false)?;
            share(&endpoint.socket.socket, false)?;
        }
        match bound {
            Ok(()) => Ok(endpoint),
            Err(error) if !self.is_held() && error.error.is(SocketError::AddressInUse, HERE) => {
                let CallError { operation, error, .. } = error;
                Err(SceneError::Skip(format!("{operation}: {error}; the port could not be held until then")))
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Target for ClosedPort {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn name(&self) -> &str {
        &self.name
    }
}
