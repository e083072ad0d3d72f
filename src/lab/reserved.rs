//! A port where nobody listens, and which stays so.

use std::net::SocketAddr;

use socket2::Socket;

use super::{Call, CallError, Endpoint, Target, Trouble, socket};
use crate::platform::HERE;
use crate::vocabulary::{Os, SocketError};

/// A UDP port on 127.0.0.1 where nobody listens.
///
/// On Linux a guard holds it: a socket bound there and connected to itself. Nobody else can bind the port, and as the
/// guard hears only itself, the system answers everybody else as if nobody were there. An endpoint of the scene may
/// still be [bound](super::Lab::bind_at) beside it. Without a guard another program could be given the port at any
/// moment, and a lesson would report that program's silence. Elsewhere the port is only bound once and closed again.
#[derive(Debug)]
pub struct ReservedPort {
    name: String,
    address: SocketAddr,
    guard: Option<Socket>,
}

impl ReservedPort {
    pub(super) fn new(name: &str) -> Call<Self> {
        let socket = socket::bound(socket::ANY_PORT)?;
        let address = socket::address_of(&socket)?;
        let guard = match HERE {
            Os::Linux => {
                socket::connect(&socket, address)?;
                // Only now: a socket that shares its port from the start may be given one that others share.
                socket.set_reuse_address(true).map_err(|e| CallError::at("share", address, &e))?;
                Some(socket)
            }
            Os::Macos | Os::Windows => None,
        };
        Ok(ReservedPort { name: name.to_owned(), address, guard })
    }

    /// Whether no other program can take the port.
    pub(super) fn is_held(&self) -> bool {
        self.guard.is_some()
    }

    pub(super) fn opened(&self, endpoint: Endpoint) -> Result<Endpoint, Trouble> {
        if self.is_held() {
            endpoint.share_port()?;
        }
        endpoint.bound(self.address).map_err(|error| {
            if error.error.is(SocketError::AddressInUse, HERE) {
                Trouble::Skip(format!("another program took {} in the moment when it was free", self.address))
            } else {
                error.into()
            }
        })
    }
}

impl Target for ReservedPort {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn name(&self) -> &str {
        &self.name
    }
}
