//! What is received when the peer closes its socket, and when a datagram is empty.

use crate::lab::{Lab, ReceiveResult, SceneError};
use crate::vocabulary::Fact;

/// A client sends a datagram, which is received, and closes its socket: what the server receives after that.
///
/// # Errors
/// [`SceneError::Skip`] where the datagram was not received.
pub fn udp_peer_closes(lab: &Lab) -> Result<ReceiveResult, SceneError> {
    let (server, client) = (lab.bind("server")?, lab.bind("client")?);
    client.send_to(b"hello", &server)?;
    server.receive(1024).required("the datagram before the close")?;
    client.close();
    server.before_marker(1024)
}

/// A client sends an empty datagram and another one: what the two receives return.
pub fn empty_datagram(lab: &Lab, empty_row: &str) -> Result<(ReceiveResult, ReceiveResult), SceneError> {
    let (server, client) = (lab.bind("server")?, lab.endpoint("client")?);
    lab.attempt(empty_row, client.send_to(b"", &server))?;
    client.send_to(b"more", &server)?;
    let received = server.receive_until_marker(1024)?;
    Ok((received.nth(0).clone(), received.nth(1).clone()))
}

/// A client closes its TCP connection: what the server reads.
///
/// # Errors
/// What the system says of the connection.
pub fn tcp_peer_closes(lab: &Lab) -> Result<Fact, SceneError> {
    let (client, server) = lab.tcp_pair("client", "server")?;
    client.close();
    Ok(server.read(1024))
}
