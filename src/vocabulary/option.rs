//! Socket options as values: what is set, announced, recorded and traced follows from them.

use std::marker::PhantomData;
use std::time::Duration;

use super::{Os, PerSystem};

/// The level of an option: the layer that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// `SOL_SOCKET`: the socket itself.
    Socket,
    /// `IPPROTO_IP`, which Linux also calls `SOL_IP`.
    Ip,
    /// `IPPROTO_IPV6`, which Linux also calls `SOL_IPV6`.
    Ipv6,
}

impl Level {
    /// The number of the level on `os`.
    pub fn number(self, os: Os) -> i32 {
        match (self, os) {
            (Level::Socket, Os::Linux) => 1,
            (Level::Socket, Os::Macos | Os::Windows) => 0xffff,
            (Level::Ip, _) => 0,
            (Level::Ipv6, _) => 41,
        }
    }

    /// The name, as strace writes it.
    pub fn name(self) -> &'static str {
        match self {
            Level::Socket => "SOL_SOCKET",
            Level::Ip => "SOL_IP",
            Level::Ipv6 => "SOL_IPV6",
        }
    }
}

/// How the calls take and return the value of an option. In this program every value is an `i32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As a C `int`.
    Int,
    /// As a time: here in microseconds. A `timeval`; on Windows a number of milliseconds.
    Time,
    /// As a program of classic BPF that returns this number for every datagram.
    Program,
}

impl Form {
    /// A value as people are to read it: a time with its unit, a program with what it does.
    pub fn shown(self, value: i32) -> String {
        match self {
            Form::Int => value.to_string(),
            Form::Time => humantime::format_duration(Duration::from_int(value)).to_string(),
            Form::Program => format!("return {value}"),
        }
    }
}

/// Which option, whatever the type of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionName {
    /// Its level.
    pub level: Level,
    /// Its name in C, such as `SO_RCVBUF`.
    pub name: &'static str,
    /// How the calls take and return its value.
    pub form: Form,
    /// Its number; `None` where the system has no such option.
    numbers: PerSystem<Option<i32>>,
}

impl OptionName {
    /// The number on `os`; `None` where the system has no such option.
    pub fn number(&self, os: Os) -> Option<i32> {
        *self.numbers.on(os)
    }
}

/// A socket option whose value is of type `T`.
#[derive(Debug)]
pub struct Opt<T> {
    /// Which option.
    pub name: OptionName,
    kind: PhantomData<T>,
}

impl<T: OptionValue> Opt<T> {
    /// The option called `name`, with its numbers on Linux, macOS and Windows.
    pub const fn new(level: Level, name: &'static str, numbers: [Option<i32>; 3]) -> Self {
        let numbers = PerSystem::new(numbers);
        Opt { name: OptionName { level, name, form: T::FORM, numbers }, kind: PhantomData }
    }
}

/// A type that the value of an option can have.
pub trait OptionValue: Copy {
    /// How the calls take and return it.
    const FORM: Form = Form::Int;
    /// As the call takes it.
    fn to_int(self) -> i32;
    /// As the call returned it.
    fn from_int(value: i32) -> Self;
}

impl OptionValue for bool {
    fn to_int(self) -> i32 {
        self.into()
    }

    fn from_int(value: i32) -> Self {
        value != 0
    }
}

/// A number of bytes or the like. What is larger than a C `int` is asked for as the largest one.
impl OptionValue for usize {
    fn to_int(self) -> i32 {
        i32::try_from(self).unwrap_or(i32::MAX)
    }

    fn from_int(value: i32) -> Self {
        usize::try_from(value).unwrap_or(0)
    }
}

/// A time limit. What is longer than 35 minutes is asked for as that.
impl OptionValue for Duration {
    const FORM: Form = Form::Time;

    fn to_int(self) -> i32 {
        i32::try_from(self.as_micros()).unwrap_or(i32::MAX)
    }

    fn from_int(value: i32) -> Self {
        Duration::from_micros(u64::try_from(value).unwrap_or(0))
    }
}

/// A program of classic BPF, of one instruction: it returns this number, whatever is in the datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Returns(pub u16);

impl OptionValue for Returns {
    const FORM: Form = Form::Program;

    fn to_int(self) -> i32 {
        self.0.into()
    }

    fn from_int(value: i32) -> Self {
        Returns(u16::try_from(value).unwrap_or(u16::MAX))
    }
}
