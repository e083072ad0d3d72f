//! Other hosts: network namespaces, alone or joined by a cable.

use std::io::{self, PipeReader, PipeWriter, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::context::SceneContext;
use super::{CallError, Endpoint, RawSender, SceneError, needs};
use crate::kernel::{self, Namespace};
use crate::vocabulary::Peer;

/// A host with an interface, an address and ports of its own.
#[derive(Debug)]
pub struct Host {
    /// Where there are several.
    name: Option<String>,
    namespace: Namespace,
    address: Ipv4Addr,
    context: Arc<SceneContext>,
}

/// The MTU that loopback has on Linux, in bytes.
pub const LOOPBACK_MTU: usize = 65_536;

/// The network card of a host.
const CABLE: &str = "cable";

/// The two hosts' addresses, of a network that no other host can reach.
const ADDRESSES: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)];

/// Two hosts with a cable between them, a pair of `veth(4)` interfaces.
///
/// # Errors
/// [`SceneError::Skip`] where this user may not make network namespaces, or `ip` of iproute2 is not there.
pub(super) fn pair(names: [&str; 2], context: &Arc<SceneContext>) -> Result<[Host; 2], SceneError> {
    let first = context.session.prepare(NAMESPACE, namespace)?;
    let second = context.session.prepare(NAMESPACE, || first.beside()).map_err(|error| skipped(MAKE, &error))?;
    let host = |(namespace, number): (Namespace, usize)| Host {
        name: Some(names[number].to_owned()),
        namespace,
        address: ADDRESSES[number],
        context: Arc::clone(context),
    };
    let hosts = [(first, 0), (second, 1)].map(host);
    let [here, there] = &hosts;
    let end = there.namespace.as_input().map_err(|error| skipped("pass a network namespace on", &error))?;
    let cable = ["link", "add", CABLE, "type", "veth", "peer", "name", CABLE, "netns", "/proc/self/fd/0"];
    here.run_ip(end, &cable, &cable.join(" "))?;
    for host in &hosts {
        host.plug_in(CABLE, host.address)?;
    }
    Ok(hosts)
}

/// A host that has nothing but loopback, with an MTU of so many bytes.
///
/// # Errors
/// [`SceneError::Skip`] where this user may not make network namespaces, or has no rights in one.
pub(super) fn alone(mtu: usize, context: &Arc<SceneContext>) -> Result<Host, SceneError> {
    let namespace = context.session.prepare(NAMESPACE, namespace)?;
    context.session.prepare(NAMESPACE, || start(&namespace, mtu))?;
    let context = Arc::clone(context);
    Ok(Host { name: None, namespace, address: Ipv4Addr::LOCALHOST, context })
}

/// Why this user can make no host here; `None` if this user can.
pub(super) fn missing() -> Option<String> {
    let host = namespace().and_then(|namespace| start(&namespace, LOOPBACK_MTU));
    host.err().map(|error| error.to_string())
}

fn start(namespace: &Namespace, mtu: usize) -> Result<(), SceneError> {
    let started = namespace.enter(|| kernel::start_loopback(mtu)).and_then(|started| started);
    started.map_err(|error| skipped("start loopback in a network namespace", &error))
}

fn namespace() -> Result<Namespace, SceneError> {
    Namespace::new().map_err(|error| skipped(MAKE, &error))
}

/// What a step in a network namespace is called where it does not end.
const NAMESPACE: &str = "the network namespace";

const MAKE: &str = "make a network namespace";

fn pipe() -> Result<(PipeReader, PipeWriter), SceneError> {
    io::pipe().map_err(|error| skipped("make a pipe", &error))
}

/// What a machine does not grant is no fault of the lesson.
fn skipped(operation: &str, error: &io::Error) -> SceneError {
    SceneError::Skip(CallError::new(operation, error).reason())
}

impl Host {
    /// Opens a UDP endpoint at this host's address, with a port that the system chooses.
    ///
    /// # Errors
    /// As for [`endpoint`](Self::endpoint).
    pub fn bind(&self, name: &str) -> Result<Endpoint, SceneError> {
        self.bind_to(name, SocketAddr::from((self.address, 0)))
    }

    /// Opens a UDP endpoint at `address`, which is one of this host's.
    ///
    /// # Errors
    /// As for [`endpoint`](Self::endpoint).
    pub fn bind_to(&self, name: &str, address: SocketAddr) -> Result<Endpoint, SceneError> {
        let endpoint = self.endpoint(name)?;
        endpoint.bind(address)?;
        Ok(endpoint)
    }

    /// Opens a UDP endpoint on this host and leaves it unbound.
    ///
    /// # Errors
    /// What the system says of the socket; [`SceneError::Skip`] where this user may not enter the host.
    pub fn endpoint(&self, name: &str) -> Result<Endpoint, SceneError> {
        let (address, context) = (SocketAddr::from((self.address, 0)), Arc::clone(&self.context));
        Ok(self.inside(|| Endpoint::open(&self.on_it(name), address, context))??)
    }

    /// Opens a raw socket on this host that sends UDP datagrams from its address and from `source_port`.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where this user may not.
    pub fn raw_sender(&self, name: &str, source_port: u16) -> Result<RawSender, SceneError> {
        let context = Arc::clone(&self.context);
        let opened = self.inside(|| RawSender::open(&self.on_it(name), self.address.into(), source_port, context))?;
        opened.map_err(|error| SceneError::Skip(error.reason()))
    }

    /// The name of a socket on this host, which is told where there are several hosts.
    fn on_it(&self, name: &str) -> String {
        self.name.as_ref().map_or_else(|| name.to_owned(), |host| format!("{name} on {host}"))
    }

    /// This host's address.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// An address behind a router that nobody has, under the name that the report uses: errors about it can be told
    /// apart from what unrelated programs send.
    pub fn nobody(&self, name: &str, address: SocketAddr) -> Peer {
        self.context.directory.nobody_at(address, name);
        Peer { name: name.to_owned(), address }
    }

    /// What the host has counted so far, such as `FragCreates` of the protocol `Ip`. Linux `proc_pid_net(5)`,
    /// `/proc/pid/net/snmp`.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where it does not tell.
    pub fn counter(&self, protocol: &str, name: &str) -> Result<usize, SceneError> {
        let count = self.inside(|| kernel::counter(protocol, name))?;
        let untold = format!("the system does not tell {protocol}{name}");
        let unread = |e| SceneError::Skip(needs::unread(format!("read the counter {protocol}{name}"), &e, &untold));
        usize::try_from(count.map_err(unread)?).map_err(|_| SceneError::Skip(untold))
    }

    /// Changes a setting of this host's network, by the name that `sysctl` knows it by.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where this user may not.
    pub fn set(&self, setting: &str, value: &str) -> Result<(), SceneError> {
        let file = format!("/proc/sys/{}", setting.replace('.', "/"));
        let written = self.inside(|| std::fs::write(file, value))?;
        written.map_err(|error| skipped(&format!("set {setting}"), &error))
    }

    /// Waits until the host has counted more than `before`: [`counter`](Self::counter).
    ///
    /// # Errors
    /// [`SceneError::Skip`] where that does not happen within the limit.
    pub fn await_counter(&self, protocol: &str, name: &str, before: usize) -> Result<(), SceneError> {
        let counted = || match self.counter(protocol, name) {
            Ok(count) if count <= before => None,
            other => Some(other.map(drop)),
        };
        let uncounted = || Err(SceneError::Skip(format!("the system has not counted {protocol}{name}")));
        self.context.session.wait(counted).unwrap_or_else(uncounted)
    }

    /// Gives this host a network card with this address, in a network of 256 addresses where nobody else is.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where there is no `ip` of iproute2, or the kernel has no `veth(4)`.
    pub fn add_network(&self, address: Ipv4Addr) -> Result<(), SceneError> {
        self.ip(&["link", "add", CABLE, "type", "veth", "peer", "name", "end"])?;
        self.plug_in(CABLE, address)
    }

    /// Makes this host a router: it forwards packets that are for other hosts. It gets a second network card with this
    /// address, in an otherwise empty network of 256 addresses, with an MTU of `mtu` bytes. The rate of its ICMP errors
    /// is not limited.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where this user may not, there is no `ip` of iproute2, or the kernel has no `veth(4)`.
    pub fn become_router(&self, address: Ipv4Addr, mtu: usize) -> Result<(), SceneError> {
        const BEHIND: &str = "behind";
        self.set("net.ipv4.ip_forward", "1")?;
        // No ICMP type is rate-limited.
        self.set("net.ipv4.icmp_ratemask", "0")?;
        let mtu = mtu.to_string();
        self.ip(&["link", "add", BEHIND, "mtu", &mtu, "type", "veth", "peer", "name", "end"])?;
        self.plug_in(BEHIND, address)
    }

    /// Sends everything that is for another network over `router`.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where there is no `ip` of iproute2.
    pub fn route_over(&self, router: &Host) -> Result<(), SceneError> {
        self.ip(&["route", "add", "default", "via", &router.address.to_string()])
    }

    fn plug_in(&self, card: &str, address: Ipv4Addr) -> Result<(), SceneError> {
        // Both by one process: to start it takes longer than what it does.
        let commands = [format!("address add {address}/24 dev {card}"), format!("link set {card} up")];
        let (reader, mut writer) = pipe()?;
        writer.write_all(commands.join("\n").as_bytes()).map_err(|error| skipped("write to a pipe", &error))?;
        drop(writer);
        self.run_ip(reader.into(), &["-batch", "-"], &commands.join("; "))
    }

    /// Enters a route by which nothing can be sent to these addresses, of the `kind` `prohibit`, for one.
    /// `ip-route(8)`.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where there is no `ip` of iproute2, or the kernel has no such routes.
    pub fn route(&self, kind: &str, to: &str) -> Result<(), SceneError> {
        self.ip(&["route", "add", kind, to])
    }

    fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, SceneError> {
        self.inside_by(NAMESPACE, work)
    }

    /// The same where `what` does it, in words.
    fn inside_by<T: Send>(&self, what: &str, work: impl FnOnce() -> T + Send) -> Result<T, SceneError> {
        let entered = self.context.session.prepare(what, || self.namespace.enter(work));
        entered.map_err(|error| skipped("enter a network namespace", &error))
    }

    /// Runs `ip` of iproute2 on this host.
    fn ip(&self, arguments: &[&str]) -> Result<(), SceneError> {
        // Nothing to read, also where there is no /dev/null: of that it would be said that `ip` was not found.
        let (nothing, _) = pipe()?;
        self.run_ip(nothing.into(), arguments, &arguments.join(" "))
    }

    /// The same with a standard input; what it does is told as `task`.
    fn run_ip(&self, input: Stdio, arguments: &[&str], task: &str) -> Result<(), SceneError> {
        let output = self.inside_by("the command `ip`", || Command::new("ip").args(arguments).stdin(input).output())?;
        let output = output.map_err(|error| skipped("run ip", &error))?;
        match output.status.success() {
            true => Ok(()),
            false => {
                let error = String::from_utf8_lossy(&output.stderr);
                let first = error.lines().next().unwrap_or("it said nothing");
                Err(SceneError::Skip(format!("ip {task}: {first}")))
            }
        }
    }
}
