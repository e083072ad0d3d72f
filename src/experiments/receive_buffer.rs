//! A receive buffer that is filled while nobody reads.

use crate::kernel::option::RECEIVE_BUFFER;
use crate::lab::{AllReceived, Endpoint, Lab, QueueCounts, SceneError};

/// What became of datagrams that were sent while nobody read.
pub struct Overfilled {
    /// How many sends failed or were short.
    pub failed_sends: usize,
    /// What was received afterwards.
    pub received: AllReceived,
    /// How many datagrams the kernel says it has dropped, or why it does not tell.
    pub dropped: Result<usize, String>,
    /// The receiver, whose buffer is empty again.
    pub server: Endpoint,
    /// The sender.
    pub client: Endpoint,
}

/// Sends `payloads` to a server with a receive buffer of `bytes`, as far as the system grants it, while nobody reads;
/// then receives everything into buffers of `longest` bytes. The server is connected to the client: an unrelated sender
/// would take room in the buffer, and be counted among those that were dropped. Where a send does not return, that is
/// the answer to the claim `sends`.
///
/// # Errors
/// [`SceneError::Skip`] where the system refuses the size.
pub fn overfill(
    lab: &Lab,
    bytes: usize,
    payloads: impl ExactSizeIterator<Item = Vec<u8>>,
    longest: usize,
    sends: &str,
) -> Result<Overfilled, SceneError> {
    let (server, client) = lab.connected_server()?;
    set_receive_buffer(&server, bytes)?;
    let count = payloads.len();
    let failed_sends = lab.while_it_may_hang(sends, || send_while_nobody_reads(lab, &client, &server, payloads))?;
    let received = server.drain(longest, count)?;
    let dropped = server.drops();
    Ok(Overfilled { failed_sends, received, dropped, server, client })
}

/// So many datagrams are sent before it is seen that they have come: a CPU of Linux has a queue of 1000 for all that is
/// under way (`net.core.netdev_max_backlog`), and drops what does not fit.
const UNDER_WAY: usize = 100;

/// Sends `payloads`, all of the length of what is queued already, and waits until the kernel has queued or dropped each
/// of them: how many sends failed or were short.
///
/// # Errors
/// Those that have nothing to do with sending: the others are the answer.
pub fn send_while_nobody_reads(
    lab: &Lab,
    client: &Endpoint,
    server: &Endpoint,
    payloads: impl ExactSizeIterator<Item = Vec<u8>>,
) -> Result<usize, SceneError> {
    send(lab, client, server, payloads, |_| false)
}

/// The same, as far as it is needed to fill the receive buffer: not many more than fit, where the kernel counts what it
/// drops.
///
/// # Errors
/// Those that have nothing to do with sending: the others are the answer.
pub fn send_until_full(
    lab: &Lab,
    client: &Endpoint,
    server: &Endpoint,
    payloads: impl ExactSizeIterator<Item = Vec<u8>>,
) -> Result<usize, SceneError> {
    send(lab, client, server, payloads, |come| come.has_drops())
}

fn send(
    lab: &Lab,
    client: &Endpoint,
    server: &Endpoint,
    payloads: impl ExactSizeIterator<Item = Vec<u8>>,
    is_enough: impl Fn(QueueCounts) -> bool,
) -> Result<usize, SceneError> {
    let (mut sent, mut failed) = (0, 0);
    let (mut cost, mut earlier) = (None, 0);
    let before = server.queue_counts();
    let come = || server.queue_counts().zip(before).map(|(now, before)| now.since(before));
    for payload in payloads {
        match lab.answer(client.send_to(&payload, server))? {
            Ok(length) => {
                sent += 1;
                failed += usize::from(length != payload.len());
            }
            Err(_) => failed += 1,
        }
        if sent == 1 && cost.is_none() {
            cost = server.queue_counts_after(before).zip(before).map(|(after, before)| after.since(before));
            earlier = before.zip(cost).map_or(0, |(before, cost)| before.datagrams(cost));
        }
        if sent % UNDER_WAY == 0 {
            cost = cost.filter(|cost| server.await_datagrams(earlier + sent, *cost));
            if come().is_some_and(&is_enough) {
                break;
            }
        }
    }
    if let Some(cost) = cost {
        server.await_datagrams(earlier + sent, cost);
    }
    Ok(failed)
}

/// Sets the size of the receive buffer; returns what the system grants, in bytes.
///
/// # Errors
/// [`SceneError::Skip`] where the system refuses the size: then it cannot show the scene.
pub fn set_receive_buffer(server: &Endpoint, bytes: usize) -> Result<usize, SceneError> {
    let granted = server.set(&RECEIVE_BUFFER, bytes).and_then(|()| server.get(&RECEIVE_BUFFER));
    granted.map_err(|error| SceneError::Skip(error.to_string()))
}
