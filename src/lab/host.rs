//! Other hosts: network namespaces that a cable joins.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::Arc;

use super::context::SceneContext;
use super::{Call, CallError, Endpoint, SceneError};
use crate::kernel::Namespace;

/// A host with an interface, an address and ports of its own.
#[derive(Debug)]
pub struct Host {
    name: String,
    namespace: Namespace,
    address: Ipv4Addr,
    context: Arc<SceneContext>,
}

/// The two hosts' addresses, of a network that no other host can reach.
const ADDRESSES: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)];

/// Two hosts with a cable between them, a pair of `veth(4)` interfaces.
///
/// # Errors
/// [`SceneError::Skip`] where this user may not make network namespaces, or `ip` of iproute2 is not there.
pub(super) fn pair(names: [&str; 2], context: &Arc<SceneContext>) -> Result<[Host; 2], SceneError> {
    let host = |name: &str, address| {
        let namespace = Namespace::new()
            .map_err(|error| SceneError::Skip(CallError::new("make a network namespace", &error).to_string()))?;
        Ok::<_, SceneError>(Host { name: name.to_owned(), namespace, address, context: Arc::clone(context) })
    };
    let hosts = [host(names[0], ADDRESSES[0])?, host(names[1], ADDRESSES[1])?];
    let [here, there] = &hosts;
    let there_path = there.namespace.path();
    here.ip(&["link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", &there_path])?;
    for host in &hosts {
        host.ip(&["address", "add", &format!("{}/24", host.address), "dev", "cable"])?;
        host.ip(&["link", "set", "cable", "up"])?;
    }
    Ok(hosts)
}

impl Host {
    /// Opens a UDP endpoint at this host's address, with a port that the system chooses.
    pub fn bind(&self, name: &str) -> Call<Endpoint> {
        let name = format!("{name} on {}", self.name);
        let address = SocketAddr::from((self.address, 0));
        let context = Arc::clone(&self.context);
        let entered = self.namespace.enter(|| {
            let endpoint = Endpoint::open(&name, address, context)?;
            endpoint.bind(address).map(|()| endpoint)
        });
        entered.map_err(|error| CallError::new("enter a network namespace", &error))?
    }

    /// Runs `ip` of iproute2 on this host.
    fn ip(&self, arguments: &[&str]) -> Result<(), SceneError> {
        let run = || Command::new("ip").args(arguments).output();
        let entered = self.namespace.enter(run);
        let output = entered.and_then(|output| output).map_err(|error| CallError::new("run ip", &error))?;
        match output.status.success() {
            true => Ok(()),
            false => {
                let error = String::from_utf8_lossy(&output.stderr);
                Err(SceneError::Skip(format!("ip {}: {}", arguments.join(" "), error.trim())))
            }
        }
    }
}
