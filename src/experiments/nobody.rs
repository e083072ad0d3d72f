//! A client sends to a port where nobody listens.

use crate::lab::{Endpoint, ReceiveResult, SceneError, Target};
use crate::vocabulary::{Fact, Receive};

/// What a client that is not connected is told of what it has sent to `nobody`: by a receive, or else by the next send.
///
/// # Errors
/// What the system says of the end markers.
pub fn told_unconnected(client: &Endpoint, nobody: &impl Target) -> Result<Fact, SceneError> {
    let received = Fact::from(client.before_marker(1024)?);
    // Whatever a receive did not return, a send may.
    let again = client.send_to(b"again", nobody);
    Ok(match (received, again) {
        (Fact::Nothing, Err(error)) => Fact::from(error),
        (received, _) => received,
    })
}

/// What a connected client is told of what it has sent to nobody: by the next receive, and by the one after it; or why
/// that tells nothing.
pub fn told_connected(client: &Endpoint) -> (ReceiveResult, Result<ReceiveResult, String>) {
    let next = client.receive(1024);
    let after = match next {
        ReceiveResult::Failed { .. } => Ok(client.receive(Receive::into(1024).without_waiting())),
        _ => Err("no error was reported before".to_owned()),
    };
    (next, after)
}
