//! What rows need of this machine, and why it does not have it.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::LazyLock;

use super::loopback::{icmp_is_lost, tcp_is_lost, udp_is_lost};
use super::{Call, CallError, SceneError, host};
use crate::kernel::{self, HERE, RECEIVE_BUFFER_LIMIT};
use crate::sockets::{self, error_of};
use crate::vocabulary::{NO_DROP_COUNT, Need, SocketError};

pub(super) const NO_DROPS: &str = NO_DROP_COUNT.on(HERE);

/// Why a receive buffer may be smaller than a lesson needs.
pub(super) fn limit_on_buffers() -> String {
    format!("{} limits the receive buffer here", RECEIVE_BUFFER_LIMIT.unwrap_or("the system"))
}

pub(super) fn buffer_too_small(needed: usize, granted: usize) -> String {
    let limit = RECEIVE_BUFFER_LIMIT.map_or_else(String::new, |setting| format!(" ({setting} limits it)"));
    format!("the datagrams need a receive buffer of up to {needed} bytes, and the system grants {granted}{limit}")
}

/// Where a machine has a second loopback address.
pub(super) const SECOND: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// The largest receive buffer that may be asked for, in bytes.
///
/// # Errors
/// The reason, where the system does not tell.
pub fn most_receive_buffer() -> Result<usize, String> {
    let untold = "the system does not tell its limit on receive buffers";
    let setting = RECEIVE_BUFFER_LIMIT.ok_or(untold)?;
    let value = kernel::kernel_setting(setting).map_err(|e| unread(format!("read {setting}"), &e, untold))?;
    value.parse().map_err(|_| untold.to_owned())
}

/// How many file descriptors the process has open.
///
/// # Errors
/// The reason, where the system does not tell.
pub(super) fn open_descriptors() -> Result<usize, String> {
    kernel::open_descriptors().map_err(|error| {
        unread("list the open file descriptors", &error, "the system does not list this process's descriptors")
    })
}

/// How many descriptors this process may open in addition to those that it has; `None` where the system does not tell.
pub fn free_descriptors() -> Option<usize> {
    let limit = usize::try_from(kernel::descriptor_limit()?).ok()?;
    match kernel::open_descriptors() {
        Ok(open) => Some(limit.saturating_sub(open)),
        // To list them takes one.
        Err(error) => error_of(&error).is(SocketError::TooManyFiles, HERE).then_some(0),
    }
}

fn too_few_descriptors(count: usize) -> Option<String> {
    let free = free_descriptors().filter(|free| *free < count)?;
    Some(format!(
        "{count} sockets are open at once, and this process may open {free} more file descriptors (`ulimit -n`)"
    ))
}

/// Why something is not known that the kernel shows in a file: the error of reading it, or `untold` where there is no
/// such file.
pub fn unread(operation: impl Into<String>, error: &io::Error, untold: &str) -> String {
    match error.kind() {
        io::ErrorKind::Unsupported | io::ErrorKind::NotFound => untold.to_owned(),
        _ => CallError::new(operation, error).reason(),
    }
}

/// The size of receive buffer that a socket has by default.
pub fn default_buffer() -> Call<usize> {
    size_of_buffer(&sockets::bound(sockets::ANY_PORT)?)
}

/// The size of receive buffer that is granted to whom asks for `bytes`.
pub fn granted_buffer(bytes: usize) -> Call<usize> {
    let socket = sockets::bound(sockets::ANY_PORT)?;
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
    match sockets::bound(SocketAddr::from((SECOND, 0))) {
        Ok(_) => Ok(SECOND),
        Err(error) if error.error.is(SocketError::AddressNotAvailable, HERE) => {
            Err(SceneError::Skip(format!("this machine has no second loopback address {SECOND}")))
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
    match sockets::bound(sockets::ANY_PORT_V6) {
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

/// Does `work` as a user without privileges: as this one, unless that is root.
///
/// # Errors
/// [`SceneError::Skip`] where this user is root, and cannot be another one.
pub fn plain_user<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, SceneError> {
    kernel::as_a_plain_user(work).map_err(|error| no_user(&error))
}

fn no_user(error: &io::Error) -> SceneError {
    SceneError::Skip(CallError::new("become another user", error).reason())
}

/// Why this machine does not have what a row needs; `None` where it has.
pub fn missing(need: Need) -> Option<String> {
    match need {
        Need::SecondLoopback => {
            static LOST: LazyLock<Option<String>> = LazyLock::new(|| udp_is_lost(SECOND.into()));
            second_loopback().err().map(|error| error.to_string()).or_else(|| LOST.clone())
        }
        Need::Ipv6 => {
            static LOST: LazyLock<Option<String>> = LazyLock::new(|| udp_is_lost(Ipv6Addr::LOCALHOST.into()));
            ipv6_loopback().err().map(|error| error.to_string()).or_else(|| LOST.clone())
        }
        Need::Icmp => {
            static LOST: LazyLock<Option<String>> = LazyLock::new(|| icmp_is_lost(Ipv4Addr::LOCALHOST.into()));
            LOST.clone()
        }
        Need::IcmpV6 => {
            static LOST: LazyLock<Option<String>> = LazyLock::new(|| icmp_is_lost(Ipv6Addr::LOCALHOST.into()));
            LOST.clone()
        }
        Need::Tcp => {
            static LOST: LazyLock<Option<String>> = LazyLock::new(tcp_is_lost);
            LOST.clone()
        }
        Need::ReceiveBuffer(needed) => match granted_buffer(needed) {
            Ok(granted) => (granted < needed).then(|| buffer_too_small(needed, granted)),
            Err(error) => Some(error.to_string()),
        },
        Need::Sockets(count) => too_few_descriptors(count),
        Need::Drops => match sockets::bound(sockets::ANY_PORT) {
            Ok(socket) => kernel::drops(&socket).is_none().then(|| NO_DROPS.to_owned()),
            Err(error) => Some(error.to_string()),
        },
        Need::Namespace => host::missing(),
        Need::AnotherUser => another_user(|| ()).err().map(|error| error.to_string()),
        Need::PlainUser => plain_user(|| ()).err().map(|error| error.to_string()),
        Need::Descriptors => open_descriptors().err(),
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
