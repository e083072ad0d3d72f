//! What a lesson says before it looks: a property, the expected answer on each system, and who promises it.

use serde::Serialize;

use super::{Fact, Os, PerSystem, Protocol, SocketError, Source};

/// Whether a claim rests on a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    /// A standard or the system's manual says so.
    Specified,
    /// What systems usually do, guaranteed by no standard.
    Typical,
}

impl Strength {
    /// Its word in all formats.
    pub fn word(self) -> &'static str {
        match self {
            Strength::Specified => "specified",
            Strength::Typical => "typical",
        }
    }
}

/// The answer expected on one system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Exactly this.
    Is(Fact),
    /// Whatever comes is shown and not judged.
    Measured,
    /// Probably this, but nobody has confirmed it: shown and not judged.
    Unconfirmed(Fact),
    /// The system has no such thing, for the reason given.
    Absent(&'static str),
}

impl<F: Into<Fact>> From<F> for Expect {
    fn from(fact: F) -> Self {
        Expect::Is(fact.into())
    }
}

impl std::fmt::Display for Expect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Expect::Is(fact) => write!(f, "{fact}"),
            Expect::Measured => f.write_str("any"),
            Expect::Unconfirmed(fact) => write!(f, "{fact} ?"),
            Expect::Absent(_) => f.write_str("-"),
        }
    }
}

/// The answers expected on all systems.
pub type Expected = PerSystem<Expect>;

impl<E: Into<Expect>> From<E> for Expected {
    fn from(expect: E) -> Self {
        let expect = expect.into();
        PerSystem::new(Os::ALL.map(|_| expect.clone()))
    }
}

/// An error is expected under each system's own number.
impl From<SocketError> for Expected {
    fn from(error: SocketError) -> Self {
        PerSystem::new(Os::ALL.map(|os| error.on(os).into()))
    }
}

/// What a row needs of the machine, beyond loopback itself; where it is missing, the row is skipped. The runs find
/// that out by themselves: this is for those who ask before a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The address 127.0.0.2.
    SecondLoopback,
    /// The address ::1.
    Ipv6,
    /// ICMP messages from ports of 127.0.0.1 where nobody listens.
    Icmp,
    /// The same from ports of ::1.
    IcmpV6,
    /// Connections of TCP over loopback.
    Tcp,
    /// A receive buffer of this many bytes.
    ReceiveBuffer(usize),
    /// So many sockets that are open at once.
    Sockets(usize),
    /// The kernel's own count of what a socket dropped.
    Drops,
    /// The list of this process's descriptors.
    Descriptors,
    /// A network namespace of the program's own.
    Namespace,
    /// A second user: only root can be one.
    AnotherUser,
    /// A user without privileges: this one, or whom root can be.
    PlainUser,
}

/// Why a system, or a kernel of it, does not count what a socket dropped.
pub const NO_DROP_COUNT: PerSystem<&str> = PerSystem::new([
    "this kernel has no SO_MEMINFO",
    "macOS counts drops for all sockets together",
    "Windows does not count drops by socket",
]);

/// The protocol of which a claim speaks, where TCP and UDP stand side by side, and the words that both share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// The protocol.
    pub protocol: Protocol,
    /// The property, said once for both.
    pub property: String,
}

/// A property as a claim names it: by itself, or as that of one protocol beside the other ([`tcp`], [`udp`]).
pub struct Property {
    text: String,
    beside: Option<Beside>,
}

impl From<&str> for Property {
    fn from(text: &str) -> Self {
        Property::from(text.to_owned())
    }
}

impl From<String> for Property {
    fn from(text: String) -> Self {
        Property { text, beside: None }
    }
}

/// What TCP does of a property that [`udp`] has as well.
pub fn tcp(property: impl Into<String>) -> Property {
    beside(Protocol::Tcp, property.into())
}

/// What UDP does of a property that [`tcp`] has as well.
pub fn udp(property: impl Into<String>) -> Property {
    beside(Protocol::Udp, property.into())
}

fn beside(protocol: Protocol, property: String) -> Property {
    Property { text: format!("{}: {property}", protocol.name()), beside: Some(Beside { protocol, property }) }
}

/// One row of a lesson before anything has run.
#[derive(Clone, Debug)]
pub struct Claim {
    /// A stable word, unique in its lesson.
    pub id: String,
    /// The property, as the first column shows it.
    pub property: String,
    /// The column it is in, where TCP and UDP stand side by side.
    pub beside: Option<Beside>,
    /// The expected answers.
    pub expected: Expected,
    /// Who stands behind them.
    pub strength: Strength,
    /// Where they are written, unless `other_sources` says otherwise.
    pub source: &'static Source,
    /// Where they are written for the systems of which that document does not speak.
    pub other_sources: PerSystem<Option<&'static Source>>,
    /// Wine is known to answer otherwise than Windows: under Wine the row is skipped.
    pub unlike_wine: bool,
    /// What it needs of the machine.
    pub needs: Vec<Need>,
}

/// A claim that a standard or the system's manual makes.
pub fn specified(
    id: impl Into<String>,
    property: impl Into<Property>,
    expected: impl Into<Expected>,
    source: &'static Source,
) -> Claim {
    claim(id.into(), property.into(), expected.into(), source)
}

fn claim(id: String, property: Property, expected: Expected, source: &'static Source) -> Claim {
    Claim {
        id,
        property: property.text,
        beside: property.beside,
        expected,
        strength: Strength::Specified,
        source,
        other_sources: PerSystem::new([None; 3]),
        unlike_wine: false,
        needs: Vec::new(),
    }
}

/// A claim that holds here and that nobody promises; `source` tells why not, or what the system does.
pub fn typical(
    id: impl Into<String>,
    property: impl Into<Property>,
    expected: impl Into<Expected>,
    source: &'static Source,
) -> Claim {
    specified(id, property, expected, source).typically()
}

/// A number that is shown and never judged.
pub fn measured(id: impl Into<String>, property: impl Into<Property>, source: &'static Source) -> Claim {
    typical(id, property, Expect::Measured, source)
}

impl Claim {
    /// Says that nobody promises it: loopback delivery and order, for two.
    pub fn typically(mut self) -> Self {
        self.strength = Strength::Typical;
        self
    }

    /// Expects another answer on `os`, which is written in `source`.
    pub fn on(mut self, os: Os, expected: impl Into<Expected>, source: &'static Source) -> Self {
        *self.expected.on_mut(os) = expected.into().on(os).clone();
        self.cites_on(os, source)
    }

    /// Expects another answer on `os`, which is written nowhere and which nobody has confirmed: it is shown there and
    /// not judged.
    pub fn supposed_on(mut self, os: Os, expected: impl Into<Expected>) -> Self {
        *self.expected.on_mut(os) = expected.into().on(os).clone();
        self.unconfirmed_on(os)
    }

    /// Marks the answer on `os` as one that nobody has confirmed: it is shown there and not judged.
    pub fn unconfirmed_on(mut self, os: Os) -> Self {
        let expect = self.expected.on_mut(os);
        if let Expect::Is(fact) = expect {
            *expect = Expect::Unconfirmed(fact.clone());
        }
        self
    }

    /// Marks the answers of macOS and Windows so.
    pub fn confirmed_on_linux_only(self) -> Self {
        self.unconfirmed_on(Os::Macos).unconfirmed_on(Os::Windows)
    }

    /// Cites another document for `os`.
    pub fn cites_on(mut self, os: Os, source: &'static Source) -> Self {
        *self.other_sources.on_mut(os) = Some(source);
        self
    }

    /// Where the answer on `os` is written.
    pub fn source_on(&self, os: Os) -> &'static Source {
        self.other_sources.on(os).unwrap_or(self.source)
    }

    /// Says that Wine is known to answer otherwise than Windows.
    pub fn unlike_wine(mut self) -> Self {
        self.unlike_wine = true;
        self
    }

    /// Says what the row needs of the machine.
    pub fn needs(mut self, need: Need) -> Self {
        self.needs.push(need);
        self
    }

    /// Says that `os` has no such thing: the row is skipped there.
    pub fn absent_on(mut self, os: Os, reason: &'static str) -> Self {
        *self.expected.on_mut(os) = Expect::Absent(reason);
        self
    }

    /// Says that neither macOS nor Windows has such a thing.
    pub fn linux_only(self, reason: &'static str) -> Self {
        self.absent_on(Os::Macos, reason).absent_on(Os::Windows, reason)
    }

    /// Says that the row takes a host with a network of its own.
    pub fn on_a_host_of_its_own(self) -> Self {
        self.linux_only("network namespaces are Linux's").needs(Need::Namespace)
    }

    /// Says that the row is read from the kernel's count of what a socket dropped.
    pub fn from_drop_count(self) -> Self {
        self.absent_on(Os::Macos, NO_DROP_COUNT.on(Os::Macos))
            .absent_on(Os::Windows, NO_DROP_COUNT.on(Os::Windows))
            .needs(Need::Drops)
    }

    /// Says that the row is read from the list of this process's descriptors.
    pub fn from_descriptor_count(self) -> Self {
        self.absent_on(Os::Windows, "Windows counts handles, not file descriptors").needs(Need::Descriptors)
    }
}
