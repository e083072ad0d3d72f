//! A server that thanks, and clients that look for their own answer.

use crate::lab::{Endpoint, SceneError, Target};

/// What the server answers to a request.
pub fn answer_to(request: &[u8]) -> Vec<u8> {
    ["Voilà, ".as_bytes(), request].concat()
}

/// How many clients got the answer to their own request.
///
/// # Errors
/// What the system says of sending the end markers.
pub fn answered(clients: &[Endpoint]) -> Result<usize, SceneError> {
    let mut count = 0;
    for client in clients {
        let answer = client.before_marker(1024)?;
        count += usize::from(answer.bytes() == answer_to(client.name().as_bytes()));
    }
    Ok(count)
}
