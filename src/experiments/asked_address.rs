//! A server on all addresses is asked at one that the system would not choose for the answer.

use crate::lab::{Call, Endpoint, Lab, ReceiveResult, SceneError};
use crate::vocabulary::Peer;

/// A client that is not connected asks at `asked`, and the server answers: what the client receives. Where the answer
/// cannot be sent, that is the answer to the claim `row`.
///
/// # Errors
/// Those of `answer`.
pub fn unconnected_client_asks(
    lab: &Lab,
    asked: &Peer,
    row: &str,
    answer: impl FnOnce() -> Result<Call<()>, SceneError>,
) -> Result<ReceiveResult, SceneError> {
    let client = lab.bind("unconnected client")?;
    client.send_to(b"hello", asked)?;
    lab.attempt(row, answer()?)?;
    client.before_marker(100)
}

/// A client that is connected to `asked` asks there, and the server answers: what the client receives.
///
/// # Errors
/// Those of `answer`.
pub fn connected_client_asks(
    lab: &Lab,
    asked: &Peer,
    answer: impl FnOnce() -> Result<Call<()>, SceneError>,
) -> Result<ReceiveResult, SceneError> {
    let client = lab.endpoint("connected client")?;
    client.connect(asked)?;
    client.send(b"hello")?;
    answer()??;
    client.before_marker(100)
}

/// The server receives a request and answers it by sendto: what that returns.
///
/// # Errors
/// [`SceneError::Skip`] where the request was not received.
pub fn answer_by_sendto(server: &Endpoint) -> Result<Call<()>, SceneError> {
    let request = server.receive(100).required("the request")?;
    Ok(request.from.map_or(Ok(()), |client| server.send_to(b"Thanks", &client).map(drop)))
}
