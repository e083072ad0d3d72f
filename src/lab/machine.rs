//! What this machine has and allows, as far as a scene asks.

use std::net::{Ipv4Addr, SocketAddr};

use super::{Lab, SceneError, Target, needs};
use crate::kernel;
use crate::sockets;

impl Lab {
    /// A second loopback address of this machine, 127.0.0.2.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where there is none.
    pub fn second_loopback(&self) -> Result<Ipv4Addr, SceneError> {
        needs::second_loopback()
    }

    /// Says that what follows takes the loopback address of IPv6, ::1.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where this machine has none.
    pub fn ipv6_loopback(&self) -> Result<(), SceneError> {
        needs::ipv6_loopback()
    }

    /// Does `work` as another user of this machine: the sockets that it opens are that user's.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where this user cannot be another one: only root can.
    pub fn as_another_user<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, SceneError> {
        needs::another_user(work)
    }

    /// Does `work` as a user without privileges: as this one, unless that is root.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where this user is root, and cannot be another one.
    pub fn as_a_plain_user<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, SceneError> {
        needs::plain_user(work)
    }

    /// Makes a call, and says whether it sent SIGPIPE; nothing comes of the signal.
    pub fn with_sigpipe<T>(&self, call: impl FnOnce() -> T) -> (T, bool) {
        kernel::with_sigpipe(call)
    }

    /// Why a receive buffer may be smaller than asked for.
    pub fn limit_on_buffers(&self) -> String {
        needs::limit_on_buffers()
    }

    /// The largest receive buffer that the system grants without doubling it, in bytes.
    ///
    /// # Errors
    /// The reason, where it does not tell.
    pub fn most_receive_buffer(&self) -> Result<usize, String> {
        needs::most_receive_buffer()
    }

    /// The first port that a user without privileges may bind; `None` where the system does not tell.
    pub fn first_plain_port(&self) -> Option<u16> {
        kernel::kernel_setting("net.ipv4.ip_unprivileged_port_start").ok()?.parse().ok()
    }

    /// Why the system may forget a TCP connection as soon as it is closed, where it has as many as it remembers.
    pub fn forgets_connections(&self) -> Option<String> {
        let (remembered, most) = kernel::remembered_connections()?;
        let full = || format!("the system remembers no more closed connections: net.ipv4.tcp_max_tw_buckets is {most}");
        (remembered >= most).then(full)
    }

    /// Whether a socket of TCP, or a connection in TIME-WAIT, has the port of `other`; `None` where the system does not
    /// tell.
    pub fn tcp_port_is_taken(&self, other: &impl Target) -> Option<bool> {
        kernel::tcp_port_in_use(other.address().port()).ok()
    }

    /// Why `ip`, which is no loopback address, can be bound on this machine: it is one of its addresses, or any can be
    /// bound. Linux `ip(7)`, ip_nonlocal_bind.
    pub fn takes_address(&self, ip: Ipv4Addr) -> Option<String> {
        let setting = "net.ipv4.ip_nonlocal_bind";
        if kernel::kernel_setting(setting).is_ok_and(|value| value != "0") {
            return Some(format!("any address can be bound here: {setting} is set"));
        }
        // What a machine sends to an address of its own comes from that address.
        let source = sockets::source_towards(SocketAddr::from((ip, 9)), 9)?;
        (source.ip() == ip).then(|| format!("this machine has the address {ip}"))
    }

    /// How many file descriptors the process has open.
    ///
    /// # Errors
    /// The reason, where the system does not tell.
    pub fn open_descriptors(&self) -> Result<usize, String> {
        needs::open_descriptors()
    }

    /// How many file descriptors the process has opened since there were `before`.
    ///
    /// # Errors
    /// The reason, where the system does not tell.
    pub fn descriptors_since(&self, before: Result<usize, String>) -> Result<usize, String> {
        Ok(self.open_descriptors()?.saturating_sub(before?))
    }
}
