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

    /// What a user can do about it.
    fn advice(&self) -> Option<&'static str> {
        let is = |error| self.error.is(error, HERE);
        if is(SocketError::AddressInUse) {
            Some("Another program has this port: choose another one, or end that program.")
        } else if is(SocketError::AddressNotAvailable) {
            Some("No interface of this machine has this address.")
        } else if is(SocketError::AccessDenied) && self.operation.starts_with("bind") {
            Some(match HERE {
                Os::Windows => {
                    "Windows keeps this port for itself, or another program has it alone: choose another one."
                }
                Os::Linux | Os::Macos => "Ports below 1024 often need privilege: choose a higher one.",
            })
        } else if is(SocketError::TooManyFiles) || is(SocketError::TooManyFilesInSystem) {
            Some("Too many sockets for this process: raise the limit (`ulimit -n`), or ask for fewer clients.")
        } else if is(SocketError::NetworkUnreachable) {
            Some("No interface leads there. For loopback on Linux, `ip link set lo up` starts it.")
        } else {
            None
        }
    }
}

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
            SceneError::Hung(text) => f.write_str(text),
            SceneError::Call(error) => write!(f, "{error}"),
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
            ("bind 127.0.0.1:9", SocketError::AddressInUse, "choose another one, or end that program"),
            ("bind 192.0.2.1:9", SocketError::AddressNotAvailable, "No interface of this machine has this address"),
            ("bind 127.0.0.1:9", SocketError::AccessDenied, "choose a"),
            ("open a UDP socket", SocketError::TooManyFiles, "raise the limit"),
            ("send to 192.0.2.1:9", SocketError::NetworkUnreachable, "No interface leads there"),
        ] {
            let says = says(operation, error);
            assert!(says.contains(advice), "{says}");
        }
        if HERE != crate::vocabulary::Os::Windows {
            let says = says("open a UDP socket", SocketError::TooManyFilesInSystem);
            assert!(says.contains("raise the limit"), "{says}");
        }
        for (operation, error) in
            [("send to 192.0.2.1:9", SocketError::AccessDenied), ("bind 127.0.0.1:9", SocketError::InvalidArgument)]
        {
            let says = says(operation, error);
            assert!(says.ends_with(&format!("({}).", error.on(HERE))), "{says}");
        }
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
