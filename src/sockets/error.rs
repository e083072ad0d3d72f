//! A call that failed: what the system said, what that means, and what somebody can do about it.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use crate::kernel::HERE;
use crate::vocabulary::{Fact, Os, OsError, SocketError, Syscall};

/// Which call failed, as far as its error means something else than that of other calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallKind {
    /// `bind` to this address.
    Bind(SocketAddr),
    /// `connect` to a peer.
    Connect,
    /// `accept`.
    Accept,
    /// Any call that sends.
    Send,
    /// Any call that receives a datagram.
    Receive,
    /// One that only prepares: no row asks what it returns.
    Preparation,
    /// Every other one.
    Other,
}

impl From<&Syscall> for CallKind {
    fn from(call: &Syscall) -> Self {
        match call {
            Syscall::Bind(address) => CallKind::Bind(*address),
            Syscall::Connect(_) => CallKind::Connect,
            Syscall::Accept => CallKind::Accept,
            Syscall::Send { .. } => CallKind::Send,
            Syscall::Receive(_) => CallKind::Receive,
            _ => CallKind::Other,
        }
    }
}

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// Which call it was.
    pub(crate) call: CallKind,
    /// The call, and the endpoint or address it was made for, in words.
    pub operation: String,
    /// What the system said.
    pub error: OsError,
    /// What that means, in words.
    pub meaning: String,
    /// Whether the system had no port for the socket, which had none.
    pub(crate) lacks_port: bool,
}

/// The result of a call: go up with `?` where the error is not the lesson, observe it where it is.
pub type Call<T> = Result<T, CallError>;

impl CallError {
    /// The error of a call that is none of those which [`CallKind`] tells apart.
    pub(crate) fn new(operation: impl Into<String>, error: &io::Error) -> Self {
        CallError::of(CallKind::Other, operation, error_of(error))
    }

    /// The error of a `bind` to `address`.
    pub(crate) fn bind(address: SocketAddr, error: &io::Error) -> Self {
        CallError { call: CallKind::Bind(address), ..CallError::new(format!("bind {address}"), error) }
    }

    /// The error of a `connect` to `address`.
    pub(crate) fn connect(address: SocketAddr, error: &io::Error) -> Self {
        CallError { call: CallKind::Connect, ..CallError::new(format!("connect {address}"), error) }
    }

    /// The error of a call that sends.
    pub(crate) fn send(operation: impl Into<String>, error: &io::Error) -> Self {
        CallError { call: CallKind::Send, ..CallError::new(operation, error) }
    }

    /// The error of a call that only prepares those of a lesson.
    pub(crate) fn preparation(operation: impl Into<String>, error: &io::Error) -> Self {
        CallError { call: CallKind::Preparation, ..CallError::new(operation, error) }
    }

    pub(crate) fn of(call: CallKind, operation: impl Into<String>, error: OsError) -> Self {
        let meaning = match error.number {
            0 => "this system has no such call or option".to_owned(),
            _ => error.words(HERE),
        };
        CallError { call, operation: operation.into(), error, meaning, lacks_port: false }
    }

    /// Whether the call failed for want of something that has nothing to do with it, such as a file descriptor, a
    /// network or a firewall's leave. The one rule for it: whatever a row is told of a call's error has been asked
    /// here.
    pub(crate) fn is_of_the_environment(&self) -> bool {
        use SocketError::{
            AddressInUse, AddressNotAvailable, HostUnreachable, NetworkDown, NetworkUnreachable, NoBufferSpace,
            NoMemory, NotPermitted, TooManyFiles, TooManyFilesInSystem,
        };
        match self.error.kind(HERE) {
            _ if self.call == CallKind::Preparation => true,
            Some(NoMemory | TooManyFiles | TooManyFilesInSystem) => true,
            // An ICMP message says so of a datagram that was sent: then it is an answer.
            Some(NetworkDown | NetworkUnreachable) => self.call != CallKind::Receive,
            // A system may say so of the receiver's buffer: then it is an answer.
            Some(NoBufferSpace) => !matches!(self.call, CallKind::Send | CallKind::Receive),
            Some(NotPermitted) => self.may_be_forbidden(),
            // Of UDP's connect no system says so; of TCP's a firewall does that rejects it by ICMP.
            Some(HostUnreachable) => self.call == CallKind::Connect,
            Some(AddressInUse) => matches!(self.call, CallKind::Bind(address) if address.port() == 0),
            Some(AddressNotAvailable) => {
                self.lacks_port || matches!(self.call, CallKind::Bind(address) if address.ip().is_loopback())
            }
            _ => self.lacks_port,
        }
    }

    /// Whether it lacked something of the process or of the machine as a whole, and not a network.
    pub(crate) fn lacks_resources(&self) -> bool {
        use SocketError::{AddressInUse, NoBufferSpace, NoMemory, TooManyFiles, TooManyFilesInSystem};
        let errors = [AddressInUse, NoBufferSpace, NoMemory, TooManyFiles, TooManyFilesInSystem];
        self.lacks_port || errors.into_iter().any(|error| self.error.is(error, HERE))
    }

    /// Whether the system had no memory for the call, or for what it was to send.
    pub(crate) fn is_of_memory(&self) -> bool {
        [SocketError::NoBufferSpace, SocketError::NoMemory].into_iter().any(|error| self.error.is(error, HERE))
    }

    /// Whether it is the error of `accept`.
    pub(crate) fn is_of_an_accept(&self) -> bool {
        self.call == CallKind::Accept
    }

    /// Whether it is of a call that a firewall of this machine may forbid.
    fn may_be_forbidden(&self) -> bool {
        matches!(self.call, CallKind::Send | CallKind::Connect)
    }

    /// The sentence without advice, which is for calls on sockets.
    pub(crate) fn reason(&self) -> String {
        format!("{}: {} ({})", self.operation, self.meaning, self.error)
    }

    /// What a user can do about it.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        Some(match (self.error.kind(HERE)?, self.call) {
            _ if self.lacks_port => NO_PORT_LEFT,
            // The call that picks a port by itself says so in other words than the one that is given a port.
            (SocketError::AddressInUse, CallKind::Bind(address)) if address.port() == 0 => NO_PORT_LEFT,
            (SocketError::WouldBlock | SocketError::AddressInUse, CallKind::Connect) => NO_PORT_LEFT,
            (SocketError::AddressInUse, _) => {
                "Another socket has this port: choose another one, or end the program that has it."
            }
            (SocketError::AddressNotAvailable, CallKind::Connect) => {
                "No local port is free, or this machine has no address to send from: end a program that has many ports."
            }
            (SocketError::AddressNotAvailable, _) => "No interface of this machine has this address.",
            (SocketError::AccessDenied, CallKind::Bind(_)) => match HERE {
                Os::Windows => {
                    "Windows keeps this port for itself, or another program has it alone: choose another one."
                }
                Os::Linux | Os::Macos => {
                    "This user may not have this port: choose a higher one. Ports below 1024 often need privilege."
                }
            },
            (SocketError::AccessDenied, _) if self.may_be_forbidden() => {
                "A broadcast address is no address of a host; for any other, a firewall or a route of this machine forbids it."
            }
            (SocketError::NotPermitted, _) if self.may_be_forbidden() => "A firewall on this machine forbids it.",
            (SocketError::AccessDenied | SocketError::NotPermitted, CallKind::Preparation) => {
                "A sandbox or a policy of this machine forbids it to this program."
            }
            (SocketError::WouldBlock, CallKind::Preparation) => {
                "This user may start no more threads: end some programs, or raise the limit (`ulimit -u`)."
            }
            (SocketError::HostUnreachable, _) => {
                "The last network has no such host, or a firewall rejects what is sent there."
            }
            (SocketError::TooManyFiles | SocketError::TooManyFilesInSystem, _) => {
                "Too many sockets for this process: raise the limit (`ulimit -n`), or ask for fewer clients."
            }
            (SocketError::InvalidArgument, CallKind::Connect) if HERE == Os::Linux => {
                "The routing table may discard what is for there: `ip route` shows such a route as a blackhole."
            }
            (SocketError::NetworkUnreachable, _) => {
                "No interface leads there, or a firewall rejects it. For loopback on Linux, `ip link set lo up` starts it."
            }
            _ => return None,
        })
    }
}

const NO_PORT_LEFT: &str = "No local port is free: end a program that has many, or wait until it has ended.";

pub(crate) fn os_error(number: i32) -> OsError {
    OsError::from_number(number, HERE)
}

/// The system's error; number 0 where it has no such call or option.
pub(crate) fn error_of(error: &io::Error) -> OsError {
    os_error(error.raw_os_error().unwrap_or(0))
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.", self.reason())?;
        self.advice().map_or(Ok(()), |advice| write!(f, " {advice}"))
    }
}

impl std::error::Error for CallError {}

/// A row's answer, unless the error tells of the machine alone.
impl From<CallError> for Fact {
    fn from(error: CallError) -> Self {
        match error.is_of_the_environment() {
            true => Fact::Error(error.error.clone()).unproved(error.reason()),
            false => Fact::Error(error.error),
        }
    }
}

/// A call's result as a fact: the bytes it moved, or its error.
impl From<Call<usize>> for Fact {
    fn from(result: Call<usize>) -> Self {
        result.map_or_else(Fact::from, Fact::from)
    }
}

/// A call without a number as a fact.
impl From<Call<()>> for Fact {
    fn from(result: Call<()>) -> Self {
        result.map_or_else(Fact::from, |()| Fact::from("success"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEND: CallKind = CallKind::Send;
    const CONNECT: CallKind = CallKind::Connect;
    const OTHER: CallKind = CallKind::Other;

    fn bind(address: &str) -> CallKind {
        CallKind::Bind(address.parse().unwrap())
    }

    fn says(call: CallKind, error: SocketError) -> String {
        CallError::of(call, "the call", error.on(HERE)).to_string()
    }

    #[test]
    fn an_error_says_what_failed_where_and_what_to_do() {
        let refused = says(SEND, SocketError::ConnectionRefused);
        let number = SocketError::ConnectionRefused.on(HERE);
        assert!(refused.starts_with("the call: ") && refused.ends_with(&format!("({number}).")), "{refused}");
        for (call, error, advice) in [
            (bind("127.0.0.1:9"), SocketError::AddressInUse, "choose another one, or end the program"),
            (bind("192.0.2.1:9"), SocketError::AddressNotAvailable, "No interface of this machine has this address"),
            (bind("127.0.0.1:9"), SocketError::AccessDenied, "choose a"),
            (OTHER, SocketError::TooManyFiles, "raise the limit"),
            (bind("127.0.0.1:0"), SocketError::AddressInUse, "No local port is free"),
            (CONNECT, SocketError::WouldBlock, "No local port is free"),
            (SEND, SocketError::AccessDenied, "a firewall or a route"),
            (SEND, SocketError::HostUnreachable, "a firewall rejects"),
            (SEND, SocketError::NetworkUnreachable, "No interface leads there, or a firewall"),
        ] {
            let says = says(call, error);
            assert!(says.contains(advice), "{says}");
        }
        if HERE != crate::vocabulary::Os::Windows {
            assert!(says(OTHER, SocketError::TooManyFilesInSystem).contains("raise the limit"));
            assert!(says(SEND, SocketError::NotPermitted).contains("A firewall on this machine"));
            let says = says(OTHER, SocketError::NotPermitted);
            assert!(says.ends_with("(EPERM 1)."), "{says}");
        }
        for (call, error) in [(OTHER, SocketError::AccessDenied), (bind("127.0.0.1:9"), SocketError::InvalidArgument)] {
            let says = says(call, error);
            assert!(says.ends_with(&format!("({}).", error.on(HERE))), "{says}");
        }
        assert!(says(CONNECT, SocketError::AddressNotAvailable).contains("No local port is free"));
    }

    #[test]
    fn what_tells_of_the_machine_alone_is_no_answer_of_a_call() {
        use SocketError::{
            AccessDenied, AddressInUse, AddressNotAvailable, HostUnreachable, InvalidArgument, NetworkUnreachable,
            NoBufferSpace, NotPermitted, TooManyFiles, WouldBlock,
        };
        let error = |call: CallKind, error: SocketError| CallError::of(call, "the call", error.on(HERE));
        let is_unproved = |error: CallError| matches!(Fact::from(error), Fact::Unproved { .. });
        for (call, kind, of_the_machine) in [
            (CallKind::Accept, TooManyFiles, true),
            (SEND, NetworkUnreachable, true),
            (CONNECT, HostUnreachable, true),
            (SEND, HostUnreachable, false),
            (bind("127.0.0.1:0"), AddressInUse, true),
            (bind("127.0.0.1:9"), AddressInUse, false),
            (OTHER, AddressInUse, false),
            (bind("127.0.0.1:9"), AddressNotAvailable, true),
            (bind("192.0.2.1:0"), AddressNotAvailable, false),
            (CONNECT, AddressNotAvailable, false),
            (OTHER, NoBufferSpace, true),
            (CallKind::Receive, NoBufferSpace, false),
            (CallKind::Receive, NetworkUnreachable, false),
            (CallKind::Preparation, InvalidArgument, true),
            (SEND, NoBufferSpace, false),
            (CONNECT, AccessDenied, false),
            (SEND, WouldBlock, false),
        ] {
            assert_eq!(is_unproved(error(call, kind)), of_the_machine, "{call:?}: {kind:?}");
        }
        assert!(is_unproved(CallError { lacks_port: true, ..error(SEND, WouldBlock) }));
        if HERE != Os::Windows {
            assert!(is_unproved(error(SEND, NotPermitted)));
            assert!(!is_unproved(error(OTHER, NotPermitted)));
        }
    }

    #[test]
    fn a_calls_result_is_a_fact() {
        let error = || CallError::bind(SocketAddr::from(([127, 0, 0, 1], 9)), &io::Error::from_raw_os_error(22));
        assert_eq!(error().operation, "bind 127.0.0.1:9");
        assert_eq!((Fact::from(Call::Ok(3)), Fact::from(Call::Ok(()))), (Fact::Count(3), Fact::from("success")));
        assert_eq!(Fact::from(Call::<usize>::Err(error())), Fact::Error(os_error(22)));
        assert_eq!(Fact::from(Call::<()>::Err(error())), Fact::Error(os_error(22)));
    }
}
