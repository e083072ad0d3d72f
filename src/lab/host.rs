//! Other hosts: network namespaces, alone or joined by a cable.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use super::context::SceneContext;
use super::{Call, CallError, Endpoint, SceneError};
use crate::kernel::{self, Namespace};

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

/// The two hosts' addresses, of a network that no other host can reach.
const ADDRESSES: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)];

/// Two hosts with a cable between them, a pair of `veth(4)` interfaces.
///
/// # Errors
/// [`SceneError::Skip`] where this user may not make network namespaces, or `ip` of iproute2 is not there.
pub(super) fn pair(names: [&str; 2], context: &Arc<SceneContext>) -> Result<[Host; 2], SceneError> {
    let host = |name: &str, address| {
        let (name, namespace) = (Some(name.to_owned()), namespace()?);
        Ok::<_, SceneError>(Host { name, namespace, address, context: Arc::clone(context) })
    };
    let hosts = [host(names[0], ADDRESSES[0])?, host(names[1], ADDRESSES[1])?];
    let [here, there] = &hosts;
    let there_path = there.namespace.path();
    here.ip(&["link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", &there_path])?;
    for host in &hosts {
        host.plug_in(host.address)?;
    }
    Ok(hosts)
}

/// A host that has nothing but loopback, with an MTU of so many bytes.
///
/// # Errors
/// [`SceneError::Skip`] where this user may not make network namespaces, or has no rights in one.
pub(super) fn alone(mtu: usize, context: &Arc<SceneContext>) -> Result<Host, SceneError> {
    let (namespace, context) = (namespace()?, Arc::clone(context));
    start(&namespace, mtu)?;
    Ok(Host { name: None, namespace, address: Ipv4Addr::LOCALHOST, context })
}

/// Why this user can make no host here; `None` where he can.
pub(super) fn missing() -> Option<String> {
    let host = namespace().and_then(|namespace| start(&namespace, LOOPBACK_MTU));
    host.err().map(|error| error.to_string())
}

fn start(namespace: &Namespace, mtu: usize) -> Result<(), SceneError> {
    let started = namespace.enter(|| kernel::start_loopback(mtu)).and_then(|started| started);
    started.map_err(|error| skipped("start loopback in a network namespace", &error))
}

fn namespace() -> Result<Namespace, SceneError> {
    Namespace::new().map_err(|error| skipped("make a network namespace", &error))
}

/// What a machine does not grant is no fault of the lesson.
fn skipped(operation: &str, error: &io::Error) -> SceneError {
    SceneError::Skip(CallError::new(operation, error).reason())
}

impl Host {
    /// Opens a UDP endpoint at this host's address, with a port that the system chooses.
    pub fn bind(&self, name: &str) -> Call<Endpoint> {
        self.bind_to(name, SocketAddr::from((self.address, 0)))
    }

    /// Opens a UDP endpoint at `address`, which is one of this host's.
    pub fn bind_to(&self, name: &str, address: SocketAddr) -> Call<Endpoint> {
        let endpoint = self.endpoint(name)?;
        endpoint.bind(address).map(|()| endpoint)
    }

    /// Opens a UDP endpoint on this host and leaves it unbound.
    pub fn endpoint(&self, name: &str) -> Call<Endpoint> {
        let name = self.name.as_ref().map_or_else(|| name.to_owned(), |host| format!("{name} on {host}"));
        let (address, context) = (SocketAddr::from((self.address, 0)), Arc::clone(&self.context));
        self.inside(|| Endpoint::open(&name, address, context))?
    }

    /// What the host has counted so far, such as `FragCreates` of the protocol `Ip`. Linux `proc_pid_net(5)`,
    /// `/proc/pid/net/snmp`.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where it does not tell.
    pub fn counter(&self, protocol: &str, name: &str) -> Result<usize, SceneError> {
        let count = self.inside(|| kernel::counter(protocol, name))?;
        let count = count.and_then(|count| usize::try_from(count).ok());
        count.ok_or_else(|| SceneError::Skip(format!("the system does not tell {protocol}{name}")))
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
        let deadline = Instant::now() + self.context.session.patience.limit();
        while self.counter(protocol, name)? <= before {
            if Instant::now() > deadline {
                self.context.session.patience.wait_was_in_vain();
                return Err(SceneError::Skip(format!("the system has not counted {protocol}{name}")));
            }
            thread::yield_now();
        }
        Ok(())
    }

    /// Gives this host a network card with this address, in a network of 256 addresses where nobody else is.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where there is no `ip` of iproute2, or the kernel has no `veth(4)`.
    pub fn add_network(&self, address: Ipv4Addr) -> Result<(), SceneError> {
        self.ip(&["link", "add", "cable", "type", "veth", "peer", "name", "end"])?;
        self.plug_in(address)
    }

    fn plug_in(&self, address: Ipv4Addr) -> Result<(), SceneError> {
        self.ip(&["address", "add", &format!("{address}/24"), "dev", "cable"])?;
        self.ip(&["link", "set", "cable", "up"])
    }

    /// Enters a route by which nothing can be sent to these addresses, of the `kind` `prohibit`, for one. `ip-route(8)`.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where there is no `ip` of iproute2, or the kernel has no such routes.
    pub fn route(&self, kind: &str, to: &str) -> Result<(), SceneError> {
        self.ip(&["route", "add", kind, to])
    }

    fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Call<T> {
        self.namespace.enter(work).map_err(|error| CallError::new("enter a network namespace", &error))
    }

    /// Runs `ip` of iproute2 on this host.
    fn ip(&self, arguments: &[&str]) -> Result<(), SceneError> {
        let output = self.inside(|| Command::new("ip").args(arguments).output())?;
        let output = output.map_err(|error| skipped("run ip", &error))?;
        match output.status.success() {
            true => Ok(()),
            false => {
                let error = String::from_utf8_lossy(&output.stderr);
                Err(SceneError::Skip(format!("ip {}: {}", arguments.join(" "), error.trim())))
            }
        }
    }
}
