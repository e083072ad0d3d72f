//! The system calls that the safe libraries do not offer, and what differs between systems when the program is built:
//! every `#[cfg]` and every `unsafe` of the crate.

#![allow(unsafe_code, reason = "the one place for calls that the safe libraries do not offer")]

mod ancillary;
mod console;
mod disconnect;
mod epoll;
mod error_queue;
mod filter;
mod limits;
mod namespace;
pub mod option;
mod packet_info;
mod receive;
mod signals;
mod streams;
mod system;
mod user;
mod waiting;

/// What the status says that a call of the C library or of Winsock returned.
fn done(status: i32) -> std::io::Result<()> {
    if status < 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
}

pub(crate) use self::ancillary::{count_hops, receive_message};
pub(crate) use self::console::console_code_page;
pub(crate) use self::disconnect::disconnect;
pub(crate) use self::epoll::Epoll;
pub(crate) use self::error_queue::{await_error, keep_errors, next_error, refusals_received};
pub(crate) use self::filter::drop_everything;
pub(crate) use self::limits::{
    RECEIVE_BUFFER_LIMIT, descriptor_limit, drops, kernel_setting, open_descriptors, queue_memory,
    remembered_connections, share_one_heap, tcp_port_in_use, udp_port_in_use, udp_port_in_use_by_others,
};
pub use self::namespace::Namespace;
pub(crate) use self::namespace::{counter, loopback_is_up, start_loopback};
pub(crate) use self::packet_info::{send_from, tell_destination};
pub(crate) use self::receive::{Message, read, receive, receive_from, receive_from_once, receive_parts, write};
pub(crate) use self::signals::{
    end_at_a_signal, end_unread_after, fail_past_the_file_size, handle_signal, keep_children_until_they_are_waited_for,
    send_signal, with_sigpipe, without_signals,
};
pub(crate) use self::streams::{Stdout, input_comes_before, next_line};
pub use self::system::{HERE, host, under_wine};
pub(crate) use self::system::{descriptor, is_interface};
pub(crate) use self::user::{as_a_plain_user, as_another_user};
pub(crate) use self::waiting::ThreadId;
pub(crate) use self::waiting::{
    TELLS_WHO_WAITS, close_meanwhile, is_readable, poll, queued_bytes, this_thread, unsent_bytes, waits_to_receive,
};
