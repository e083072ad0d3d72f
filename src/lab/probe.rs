//! What this machine can show, asked before a lesson runs.

use std::net::{Ipv4Addr, SocketAddr};

use super::{Call, CallError, SceneError, host, socket};
use crate::kernel::{self, HERE};
use crate::vocabulary::{Flags, Need, Os, SocketError};

pub(super) const NO_DESCRIPTORS: &str = "the system does not list this process's descriptors";
pub(super) const NO_DROPS: &str = match HERE {
    Os::Linux => "this kernel has no SO_MEMINFO",
    Os::Macos => "macOS counts drops for all sockets together",
    Os::Windows => "Windows does not count drops by socket",
};

/// Why a receive buffer may be smaller than a lesson needs.
pub(super) fn limit_on_buffers() -> &'static str {
    match HERE {
        Os::Linux => "net.core.rmem_max limits the receive buffer here",
        Os::Macos => "kern.ipc.maxsockbuf limits the receive buffer here",
        Os::Windows => "the system limits the receive buffer here",
    }
}

pub(super) fn no_room(needed: usize, granted: usize) -> String {
    let limit = match HERE {
        Os::Linux => " (net.core.rmem_max limits it)",
        Os::Macos => " (kern.ipc.maxsockbuf limits it)",
        Os::Windows => "",
    };
    format!("the datagrams need a receive buffer of up to {needed} bytes, and the system grants {granted}{limit}")
}

/// Sends one datagram over loopback and receives it. Like an end marker it has one byte: where those pass, loopback does.
///
/// # Errors
/// What the system says; [`SceneError::NoLoopback`] where it does not arrive: without it no lesson can run.
pub fn loopback() -> Result<(), SceneError> {
    let socket = socket::bound(socket::ANY_PORT)?;
    let address = socket::address_of(&socket)?;
    // Connected to itself it receives from nobody else.
    socket::connect(&socket, address)?;
    socket::wait_at_most(&socket, socket::LIMIT)?;
    socket.send(b"?").map_err(|e| CallError::at("send to", address, &e))?;
    match kernel::receive(&socket, &mut [0; 16], Flags::default()) {
        Ok(_) => Ok(()),
        Err(error) => match CallError::at("receive at", address, &error) {
            error if error.error.is(SocketError::WouldBlock, HERE) || error.error.is(SocketError::TimedOut, HERE) => {
                Err(SceneError::NoLoopback(address))
            }
            error => Err(error.into()),
        },
    }
}

/// The largest receive buffer that may be asked for, in bytes, where the system tells: `socket(7)`, rmem_max; on macOS
/// kern.ipc.maxsockbuf.
pub fn most_receive_buffer() -> Option<usize> {
    let name = match HERE {
        Os::Linux => "net.core.rmem_max",
        Os::Macos => "kern.ipc.maxsockbuf",
        Os::Windows => return None,
    };
    kernel::kernel_setting(name)?.parse().ok()
}

/// The size of receive buffer that a socket has by default.
pub fn default_buffer() -> Call<usize> {
    size_of_buffer(&socket::bound(socket::ANY_PORT)?)
}

/// The size of receive buffer that is granted to whom asks for `bytes`.
pub fn granted_buffer(bytes: usize) -> Call<usize> {
    let socket = socket::bound(socket::ANY_PORT)?;
    // A refusal shows in the size that is granted.
    let _ = socket.set_recv_buffer_size(bytes);
    size_of_buffer(&socket)
}

fn size_of_buffer(socket: &socket2::Socket) -> Call<usize> {
    socket.recv_buffer_size().map_err(|e| CallError::new("ask for the receive buffer's size", &e))
}

/// A second loopback address of this machine, 127.0.0.2.
///
/// # Errors
/// [`SceneError::Skip`] where there is none.
pub fn second_loopback() -> Result<Ipv4Addr, SceneError> {
    let second = Ipv4Addr::new(127, 0, 0, 2);
    match socket::bound(SocketAddr::from((second, 0))) {
        Ok(_) => Ok(second),
        Err(error) if error.error.is(SocketError::AddressNotAvailable, HERE) => {
            Err(SceneError::Skip(format!("this machine has no second loopback address {second}")))
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether this machine has the loopback address of IPv6, ::1.
///
/// # Errors
/// [`SceneError::Skip`] where it has not.
pub fn ipv6_loopback() -> Result<(), SceneError> {
    use SocketError::{AddressNotAvailable, FamilyNotSupported};
    match socket::bound(socket::ANY_PORT_V6) {
        Ok(_) => Ok(()),
        Err(error) if [AddressNotAvailable, FamilyNotSupported].iter().any(|none| error.error.is(*none, HERE)) => {
            Err(SceneError::Skip("this machine has no loopback address of IPv6, ::1".to_owned()))
        }
        Err(error) => Err(error.into()),
    }
}

/// Does `work` as another user of this machine.
///
/// # Errors
/// [`SceneError::Skip`] where this user cannot be another one.
pub fn another_user<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, SceneError> {
    kernel::as_another_user(work).map_err(|error| no_user(&error))
}

/// Does `work` as a user without privileges.
///
/// # Errors
/// [`SceneError::Skip`] where this user is root, and cannot be another one.
pub fn plain_user<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, SceneError> {
    kernel::as_a_plain_user(work).map_err(|error| no_user(&error))
}

fn no_user(error: &std::io::Error) -> SceneError {
    SceneError::Skip(CallError::new("become another user", error).reason())
}

/// Why this machine does not have what a row needs; `None` where it has.
pub fn missing(need: Need) -> Option<String> {
    match need {
        Need::SecondLoopback => second_loopback().err().map(|error| error.to_string()),
        Need::Ipv6 => ipv6_loopback().err().map(|error| error.to_string()),
        Need::ReceiveBuffer(needed) => match granted_buffer(needed) {
            Ok(granted) => (granted < needed).then(|| no_room(needed, granted)),
            Err(error) => Some(error.to_string()),
        },
        Need::Drops => match socket::bound(socket::ANY_PORT) {
            Ok(socket) => kernel::drops(&socket).is_none().then(|| NO_DROPS.to_owned()),
            Err(error) => Some(error.to_string()),
        },
        Need::Namespace => host::missing(),
        Need::AnotherUser => another_user(|| ()).err().map(|error| error.to_string()),
        Need::Descriptors => kernel::open_descriptors().is_none().then(|| NO_DESCRIPTORS.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_buffer_that_is_granted_is_large_enough() {
        let largest = granted_buffer(1 << 30).unwrap();
        assert_eq!(missing(Need::ReceiveBuffer(largest)), None);
    }
}
