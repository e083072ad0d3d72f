//! TCP stops a sender whom nobody reads.

use crate::lab::{Lab, SceneError};
use crate::vocabulary::Fact;

/// What became of the writes.
pub struct Stopped {
    /// What the write that was refused returned.
    pub answer: Fact,
    /// How many bytes the system took before.
    pub taken: usize,
    /// How many of them did not arrive at their place in the stream; or why that cannot be told.
    pub missing: Result<usize, String>,
}

/// Writes without waiting while nobody reads, until a write is refused; then reads everything.
///
/// # Errors
/// What the system says of the connection.
pub fn write_while_nobody_reads(lab: &Lab) -> Result<Stopped, SceneError> {
    let (client, server) = lab.tcp_pair("client", "server")?;
    client.shrink_buffers();
    server.shrink_buffers();
    let (taken, answer) = client.write_until_refused()?;
    client.finish()?;
    let missing = server.read_to_end(taken).map(|(right, wrong)| taken.abs_diff(right).max(wrong));
    Ok(Stopped { answer, taken, missing })
}
