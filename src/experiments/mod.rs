//! Experiments that several lessons make. They know no claim: what they return is observed by the lesson that asks.

mod answers;
mod asked_address;
mod descriptors;
mod end_of_file;
mod lossy_relay;
mod nobody;
mod receive_buffer;
mod restart;
mod tcp_flow_control;
mod transfer;

pub use self::answers::{answer_to, answered};
pub use self::asked_address::{answer_by_sendto, connected_client_asks, unconnected_client_asks};
pub use self::descriptors::{tcp_descriptors_for, udp_descriptors_for};
pub use self::end_of_file::{empty_datagram, tcp_peer_closes, udp_peer_closes};
pub use self::lossy_relay::{Channel, LossyRelay, Script};
pub use self::nobody::{told_connected, told_unconnected};
pub use self::receive_buffer::{overfill, send_until_full, send_while_nobody_reads, set_receive_buffer};
pub use self::restart::{tcp_binds_again, udp_binds_again};
pub use self::tcp_flow_control::write_while_nobody_reads;
pub use self::transfer::{FIRST_TIME_OUT, Transfer, number_behind, planned_transfer, transfer};
