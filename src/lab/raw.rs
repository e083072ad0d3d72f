//! A raw socket: it sends datagrams whose UDP header the program has made.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use socket2::{Domain, Socket, Type};

use super::context::SceneContext;
use super::recorded::RecordedSocket;
use super::{Call, Target};
use crate::sockets::CallError;
use crate::vocabulary::{Outcome, SendForm, Syscall};

/// A raw socket that sends UDP datagrams with a source port that it is not bound to. Linux `raw(7)`. The system gives
/// it a copy of every UDP datagram that arrives at its host; nobody reads those.
#[derive(Debug)]
pub struct RawSender {
    socket: RecordedSocket,
    source_port: u16,
}

impl RawSender {
    /// Opens one that sends from `ip`, which is the address that the system chooses, and from `source_port`.
    ///
    /// # Errors
    /// EPERM where this user may not.
    pub(super) fn open(name: &str, ip: IpAddr, source_port: u16, context: Arc<SceneContext>) -> Call<Self> {
        let local = SocketAddr::new(ip, source_port);
        Ok(RawSender { socket: RecordedSocket::raw(name, open()?, local, context), source_port })
    }

    /// Sends one datagram to `target`, with a UDP header in front of the payload; returns the bytes that the system
    /// says it sent, the header's among them. POSIX `sendto()`.
    pub fn send_to(&self, payload: &[u8], target: &impl Target) -> Call<usize> {
        let form = SendForm::Raw { to: target.peer(), source_port: self.source_port };
        let call = Syscall::Send { form, payload: payload.to_vec() };
        let operation = format!("sendto from {} to {}", self.socket.name, target.name());
        self.socket.call(call, &operation, |outcome| match outcome {
            Outcome::Sent(sent) => sent,
            _ => 0,
        })
    }
}

/// Opens a raw socket whose packets are UDP datagrams, with a header that the program makes. Linux `raw(7)`.
///
/// # Errors
/// EPERM without the capability CAP_NET_RAW in the network namespace.
fn open() -> Call<Socket> {
    Socket::new(Domain::IPV4, Type::RAW, Some(socket2::Protocol::UDP))
        .map_err(|e| CallError::new("open a raw socket", &e))
}
