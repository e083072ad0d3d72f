//! What ends a scene early: a call that failed outside the lesson's subject, a thing that is not there, a defect.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use crate::kernel::HERE;
use crate::vocabulary::{Fact, Os, OsError, SocketError};

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// The call, and the endpoint or address it was made for.
    pub operation: String,
    /// What the system said.
    pub error: OsError,
    /// What that means, in words.
    pub meaning: String,
}

/// The result of a call: go up with `?` where the error is not the lesson, observe it where it is.
pub type Call<T> = Result<T, CallError>;

impl CallError {
    pub(crate) fn new(operation: impl Into<String>, error: &io::Error) -> Self {
        CallError::of(operation, os_error(error.raw_os_error().unwrap_or(0)))
    }

    pub(super) fn of(operation: impl Into<String>, error: OsError) -> Self {
        let meaning = match error.number {
            0 => "this system has no such call or option".to_owned(),
            _ => error.words(HERE),
        };
        CallError { operation: operation.into(), error, meaning }
    }

    pub(crate) fn at(operation: &str, address: SocketAddr, error: &io::Error) -> Self {
        CallError::new(format!("{operation} {address}"), error)
    }

    /// Whether the call failed for want of something that has nothing to do with it, such as a file descriptor or a network.
    pub(super) fn is_of_the_environment(&self) -> bool {
        use SocketError::{NetworkDown, NetworkUnreachable, TooManyFiles, TooManyFilesInSystem};
        let errors = [NetworkDown, NetworkUnreachable, TooManyFiles, TooManyFilesInSystem];
        errors.into_iter().any(|error| self.error.is(error, HERE))
    }

    /// The sentence without advice, which is for calls on sockets.
    pub(super) fn reason(&self) -> String {
        format!("{}: {} ({})", self.operation, self.meaning, self.error)
    }

    /// What a user can do about it.
    fn advice(&self) -> Option<&'static str> {
        let call = self.operation.split(' ').next().unwrap_or_default();
        let any_port = self.operation.ends_with(":0");
        Some(match (self.error.kind(HERE)?, call) {
            // The call that picks a port by itself says so in other words than the one that is given a port.
            (SocketError::AddressInUse, "bind") if any_port => NO_PORT_LEFT,
            (SocketError::WouldBlock | SocketError::AddressInUse, "connect") => NO_PORT_LEFT,
            (SocketError::AddressInUse, _) => {
                "Another socket has this port: choose another one, or end the program that has it."
            }
            (SocketError::AddressNotAvailable, _) => "No interface of this machine has this address.",
            (SocketError::AccessDenied, "bind") => match HERE {
                Os::Windows => {
                    "Windows keeps this port for itself, or another program has it alone: choose another one."
                }
                Os::Linux | Os::Macos => "Ports below 1024 often need privilege: choose a higher one.",
            },
            (SocketError::AccessDenied, _) => {
                "A broadcast address is no address of a host; for any other, a firewall or a route of this machine forbids it."
            }
            (SocketError::NotPermitted, _) => "A firewall on this machine forbids it.",
            (SocketError::HostUnreachable, _) => {
                "The last network has no such host, or a firewall rejects what is sent there."
            }
            (SocketError::TooManyFiles | SocketError::TooManyFilesInSystem, _) => {
                "Too many sockets for this process: raise the limit (`ulimit -n`), or ask for fewer clients."
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

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({}).", self.operation, self.meaning, self.error)?;
        self.advice().map_or(Ok(()), |advice| write!(f, " {advice}"))
    }
}

impl std::error::Error for CallError {}

impl From<CallError> for Fact {
    fn from(error: CallError) -> Self {
        Fact::Error(error.error)
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

/// Why a scene ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SceneError {
    /// What the rest of the scene presupposes is not there, for this reason; its open rows are skipped.
    Skip(String),
    /// A call failed that no claim speaks of: the open rows are skipped, and the program ends with status 3.
    Call(CallError),
    /// A call does not return: as for a call that failed.
    Hung(String),
    /// Not even the lab's own datagram arrives on loopback: nothing can be said of UDP, and no lesson can run.
    NoLoopback(SocketAddr),
    /// The scene makes call after call: as for a call that failed.
    Endless(String),
    /// The lesson does not keep to its own claims: a defect of the program.
    Defect(String),
}

impl From<CallError> for SceneError {
    fn from(error: CallError) -> Self {
        SceneError::Call(error)
    }
}

impl fmt::Display for SceneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SceneError::Skip(reason) => f.write_str(reason),
            SceneError::Hung(text) | SceneError::Endless(text) => f.write_str(text),
            SceneError::Call(error) => write!(f, "{error}"),
            SceneError::NoLoopback(address) => write!(
                f,
                "UDP does not pass on loopback here: a datagram to {address} was sent and did not arrive within {} s. Does a \
                 firewall drop it?",
                super::socket::LIMIT.as_secs()
            ),
            SceneError::Defect(text) => write!(f, "a defect of udp-lab, please report it: {text}"),
        }
    }
}

impl std::error::Error for SceneError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(operation: &str, error: SocketError) -> String {
        CallError::new(operation, &io::Error::from_raw_os_error(error.on(HERE).number)).to_string()
    }

    #[test]
    fn an_error_says_what_failed_where_and_what_to_do() {
        let refused = says("send to 127.0.0.1:9", SocketError::ConnectionRefused);
        let number = SocketError::ConnectionRefused.on(HERE);
        assert!(
            refused.starts_with("send to 127.0.0.1:9: ") && refused.ends_with(&format!("({number}).")),
            "{refused}"
        );
        for (operation, error, advice) in [
            ("bind 127.0.0.1:9", SocketError::AddressInUse, "choose another one, or end the program"),
            ("bind 192.0.2.1:9", SocketError::AddressNotAvailable, "No interface of this machine has this address"),
            ("bind 127.0.0.1:9", SocketError::AccessDenied, "choose a"),
            ("open a UDP socket", SocketError::TooManyFiles, "raise the limit"),
            ("bind 127.0.0.1:0", SocketError::AddressInUse, "No local port is free"),
            ("connect 127.0.0.1:9", SocketError::WouldBlock, "No local port is free"),
            ("send to 192.0.2.1:9", SocketError::AccessDenied, "a firewall or a route"),
            ("send to 192.0.2.1:9", SocketError::HostUnreachable, "a firewall rejects"),
            ("send to 192.0.2.1:9", SocketError::NetworkUnreachable, "No interface leads there, or a firewall"),
        ] {
            let says = says(operation, error);
            assert!(says.contains(advice), "{says}");
        }
        if HERE != crate::vocabulary::Os::Windows {
            assert!(says("open a UDP socket", SocketError::TooManyFilesInSystem).contains("raise the limit"));
            assert!(says("send to 192.0.2.1:9", SocketError::NotPermitted).contains("A firewall on this machine"));
        }
        let says = says("bind 127.0.0.1:9", SocketError::InvalidArgument);
        assert!(says.ends_with(&format!("({}).", SocketError::InvalidArgument.on(HERE))), "{says}");
    }

    #[test]
    fn a_calls_result_is_a_fact() {
        let error = || CallError::at("bind", SocketAddr::from(([127, 0, 0, 1], 9)), &io::Error::from_raw_os_error(22));
        assert_eq!(error().operation, "bind 127.0.0.1:9");
        assert_eq!((Fact::from(Call::Ok(3)), Fact::from(Call::Ok(()))), (Fact::Count(3), Fact::from("success")));
        assert_eq!(Fact::from(Call::<usize>::Err(error())), Fact::Error(os_error(22)));
        assert_eq!(Fact::from(Call::<()>::Err(error())), Fact::Error(os_error(22)));
    }
}
