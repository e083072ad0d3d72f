//! How many file descriptors a server needs for its clients.

use crate::lab::{Endpoint, Lab, Listener, ReceiveResult, SceneError, Target};
use crate::vocabulary::Peer;

/// How many file descriptors the system gives the server, or why it does not tell.
pub type Added = Result<usize, String>;

/// The server receives a datagram of each client, and does `each` with it: how many file descriptors that takes.
///
/// # Errors
/// Those of `each`.
pub fn udp_descriptors_for(
    lab: &Lab,
    server: &Endpoint,
    clients: &[Endpoint],
    mut each: impl FnMut(&[u8], &Peer) -> Result<(), SceneError>,
) -> Result<Added, SceneError> {
    for client in clients {
        client.send_to(client.name().as_bytes(), server)?;
    }
    let before = lab.open_descriptors();
    let mut missing = 0;
    for _ in clients {
        match server.receive(1024) {
            ReceiveResult::Datagram(request) => {
                if let Some(from) = &request.from {
                    each(&request.bytes, from)?;
                }
            }
            _ => missing += 1,
        }
    }
    Ok(match missing {
        0 => lab.descriptors_since(before),
        _ => Err(format!("{missing} of {} datagrams were not received", clients.len())),
    })
}

/// The server accepts `count` connections: how many file descriptors that takes, once all are accepted.
pub fn tcp_descriptors_for(lab: &Lab, listener: &Listener, count: usize) -> Result<Added, SceneError> {
    let mut streams = Vec::new();
    for number in 1..=count {
        let client = lab.tcp_socket(&format!("client {number}"))?;
        client.connect(listener)?;
        streams.push(client);
    }
    let before = lab.open_descriptors();
    for _ in 0..count {
        streams.push(listener.accept()?);
    }
    Ok(lab.descriptors_since(before))
}
