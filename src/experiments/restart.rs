//! Whether a server's port is free again as soon as its socket is closed.

use crate::lab::{Lab, SceneError};
use crate::vocabulary::Fact;

/// A UDP server receives a datagram, closes its socket and binds a new one to the same port: what that `bind` returns.
///
/// # Errors
/// [`SceneError::Skip`] where the datagram was not received.
pub fn udp_binds_again(lab: &Lab) -> Result<Fact, SceneError> {
    let (server, client) = (lab.bind("server")?, lab.bind("client")?);
    client.send_to(b"hello", &server)?;
    server.receive(100).required("the datagram before the close")?;
    server.close_and_bind_again()
}

/// A TCP server closes a connection before its client does, then its listening socket, and binds a new one to the same
/// port: what that `bind` returns.
///
/// # Errors
/// What the system says of the connection.
pub fn tcp_binds_again(lab: &Lab) -> Result<Fact, SceneError> {
    let listener = lab.tcp_listener("server")?;
    let client = lab.tcp_socket("client")?;
    client.connect(&listener)?;
    listener.accept()?.close();
    client.read(1);
    client.close();
    let again = listener.close_and_bind_again();
    match lab.forgets_connections() {
        Some(why) if again.is_ok() => Ok(Fact::from(again).unproved(why)),
        _ => Ok(again.into()),
    }
}
