//! Sent is not received.
//!
//! A send that succeeds says only that the system has taken the datagram. The receiver keeps it if there is room in its
//! receive buffer, and drops it if not; the sender is not told, is not slowed down, and goes on. TCP stops the sender
//! instead. Order and single copies hold on loopback, and no standard guarantees them.

use clap::Args;

use super::claims::receive_buffer_granted;
use super::{Lesson, Parameters, Scene, Scenes};
use crate::arguments;
use crate::experiments::{overfill, send_until_full, set_receive_buffer, write_while_nobody_reads};
use crate::lab::{AllReceived, Lab, SceneError, receive_buffer_for};
use crate::sockets::LONGEST_PAYLOAD;
use crate::vocabulary::{
    Claim, Fact, Guess, Need, Os, SocketError, bytes, counted, escaped, measured, right, sources, specified, typical,
    wrong,
};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    name: "delivery",
    title: "Sent is not received",
    question: "A program sends many datagrams, and every send succeeds. How many are received?",
    why: "A successful send does not guarantee delivery (POSIX sendto). The kernel keeps datagrams while the receive \
          buffer has room, drops the rest, and tells the sender nothing; to slow down is left to the program (RFC 8085 \
          section 3.1). TCP stops the sender when the buffers are full (RFC 9293 section 3.8.6). Order and single \
          copies are typical on loopback (RFC 768 guarantees neither).",
    keys: &["kept-and-dropped", "failed-sends", "sender-told", "prefix"],
    guess: Guess {
        answers: &[
            wrong("All of them: the sends would have failed otherwise.", "larger-keeps-more"),
            wrong("All of them: the sender waits while the receiver's buffer is full.", "larger-keeps-more"),
            right("The first ones, as many as the receive buffer holds.", "prefix"),
            wrong("The last ones: new datagrams push old ones out.", "prefix"),
        ],
        because: "the kernel keeps datagrams while the receive buffer has room, drops the rest, and reports nothing to \
                  the sender.",
    },
    example: "--messages 5000 --receive-buffer 100000",
    parameters: Parameters::of::<Delivery>(),
    page: include_str!("../../demos/delivery.md"),
    python: include_str!("../../demos/delivery.py"),
};

/// Most datagrams in one run: enough to fill the largest buffers, and still a moment's work.
const MOST_MESSAGES: usize = 100_000;

#[derive(Args)]
struct Delivery {
    /// Datagrams to send while nobody reads, 1 to 100000
    #[arg(long, value_name = "N", default_value = "1000",
        value_parser = arguments::number(1..=MOST_MESSAGES, "datagrams",
            "more fill no buffer better and take longer"))]
    messages: usize,

    /// Payload of each, 0 to 65507 bytes; beyond 16 MiB of payload the log keeps the first 128 bytes of each
    #[arg(long, value_name = "BYTES", default_value = "100",
        value_parser = arguments::number(0..=LONGEST_PAYLOAD, "bytes",
            "no datagram over IPv4 carries more (RFC 791, RFC 768)"))]
    size: usize,

    /// Receive buffer to ask the system for, 1 to 16777216 bytes
    #[arg(long, value_name = "BYTES", default_value = "16384",
        value_parser = arguments::number(1..=16_777_216, "bytes",
            "systems grant less, and 0 means something else on each"))]
    receive_buffer: usize,
}

/// The most that all datagrams together may carry: a slip of the keyboard is not to keep the class waiting.
const MOST_BYTES: usize = 1_000_000_000;

impl Scenes for Delivery {
    fn scenes(self) -> Result<Vec<Scene>, String> {
        let Delivery { messages, size, receive_buffer } = self;
        if messages * size > MOST_BYTES {
            return Err(format!("{messages} times {size} bytes are more than {MOST_BYTES}: give less of one"));
        }
        Ok(vec![
            nobody_reads(messages, size, receive_buffer),
            tcp_stops_the_sender(),
            a_larger_buffer(),
            one_byte_each(),
            room_comes_late(),
            two_senders(),
            in_order_and_once(),
        ])
    }
}

/// The payload of datagram `number`: the number over and over, as far as `size` bytes go.
fn numbered(number: usize, size: usize) -> Vec<u8> {
    let once = format!("{number} ");
    let mut payload = once.repeat(size.div_ceil(once.len())).into_bytes();
    payload.truncate(size);
    payload
}

/// The payloads of the first `count` datagrams.
fn all_numbered(count: usize, size: usize) -> impl ExactSizeIterator<Item = Vec<u8>> {
    (0..count).map(move |number| numbered(number, size))
}

/// Whether `size` bytes tell `count` numbered datagrams apart.
fn distinct(count: usize, size: usize) -> bool {
    size >= count.saturating_sub(1).to_string().len()
}

/// Whether what was received is what was sent first, without a gap.
fn is_prefix(received: &AllReceived, size: usize) -> Fact {
    let gap = received.iter().zip(0..).find(|(result, number)| result.bytes() != numbered(*number, size));
    match gap {
        None if received.count() == 0 => Fact::Nothing,
        None => Fact::from(true),
        Some((_, number)) => Fact::from(format!("not from {number} on")),
    }
}

/// Datagrams in macOS's loopback queue from which on it drops the oldest, before they reach the receive buffer.
const MACOS_INPUT_QUEUE: usize = 8192;

/// Receive buffer on macOS that surely has room for a short datagram, with its sender's address: a smaller one may keep
/// none. Linux always takes one into an empty queue.
const MACOS_LEAST_BUFFER: usize = 1024;

/// With some parameters nobody knows macOS's answer.
fn unsure_on_macos(unsure: bool, claim: Claim) -> Claim {
    if unsure { claim.unconfirmed_on(Os::Macos) } else { claim }
}

fn nobody_reads(count: usize, size: usize, receive_buffer: usize) -> Scene {
    let sent = counted(count, "datagram");
    let claims = [
        typical("failed-sends", "failed sends", 0, &sources::POSIX_SENDTO).cites_on(Os::Macos, &sources::XNU_LOOPBACK),
        measured("sent", "datagrams sent", &sources::POSIX_SENDTO),
        measured("kept", "datagrams received", &sources::SOCKET_7),
        measured("dropped", "datagrams dropped, by the kernel's count", &sources::LINUX_DROPS).from_drop_count(),
        unsure_on_macos(
            count > MACOS_INPUT_QUEUE || receive_buffer < MACOS_LEAST_BUFFER,
            typical("prefix", "the first ones, no gap?", true, &sources::LOOPBACK)
                .cites_on(Os::Macos, &sources::XNU_FULL_BUFFER)
                .cites_on(Os::Windows, &sources::MS_CIRCULAR_QUEUEING),
        ),
        typical("kept-and-dropped", "received + dropped", count, &sources::LINUX_DROPS).from_drop_count(),
        typical("sender-told", "later error at the sender", Fact::Nothing, &sources::RFC6633),
        unsure_on_macos(
            receive_buffer < MACOS_LEAST_BUFFER,
            typical("room-again", "buffer emptied, one more sent: received", &b"one more"[..], &sources::LOOPBACK),
        ),
    ];
    let answer = "{sent} sent; {kept} fitted into the receive buffer and were received, {dropped} dropped. Failed \
                  sends: {failed-sends}. Later error: {sender-told}.";
    Scene::builder("nobody-reads", format!("{sent} of {}, nobody reads", bytes(size)), claims).answer(answer).run(
        move |lab| {
            let payloads = all_numbered(count, size);
            // An end marker needs a buffer of a byte.
            let run = overfill(lab, receive_buffer, payloads, size.max(1), "failed-sends")?;
            lab.observe("failed-sends", run.failed_sends);
            lab.observe("sent", count - run.failed_sends);
            lab.observe("kept", run.received.count());
            lab.observe_or_skip("dropped", run.dropped.clone());
            match distinct(count, size) {
                true => lab.observe("prefix", is_prefix(&run.received, size)),
                false => lab.skip("prefix", format!("{} of payload do not tell {sent} apart", bytes(size))),
            }
            lab.observe_or_skip("kept-and-dropped", run.dropped.map(|dropped| run.received.count() + dropped));
            let told = run.client.before_marker(1024)?;
            match run.received.count() + run.failed_sends < count {
                true => lab.observe("sender-told", told),
                false => lab.skip("sender-told", "every datagram fitted: there was nothing to tell of"),
            }
            run.client.send_to(b"one more", &run.server)?;
            lab.observe("room-again", run.server.before_marker(1024)?);
            Ok(())
        },
    )
}

fn tcp_stops_the_sender() -> Scene {
    let claims = [
        specified(
            "tcp-stopped",
            "TCP: nobody reads; non-blocking write",
            SocketError::WouldBlock,
            &sources::RFC9293_FLOW,
        ),
        measured("tcp-taken", "TCP: bytes accepted before that", &sources::RFC9293_FLOW),
        specified("tcp-lost", "TCP: of these, bytes not received", 0, &sources::RFC9293_STREAM),
    ];
    let answer =
        "Over TCP the sender was stopped after {tcp-taken byte}: {tcp-stopped}. Of these {tcp-lost} were not received.";
    Scene::builder("tcp", "TCP stops the sender", claims).answer(answer).needs(Need::Tcp).run(|lab| {
        let stopped = write_while_nobody_reads(lab)?;
        lab.observe("tcp-stopped", stopped.answer);
        lab.observe("tcp-taken", stopped.taken);
        lab.observe_or_skip("tcp-lost", stopped.missing);
        Ok(())
    })
}

fn a_larger_buffer() -> Scene {
    let claims = [
        typical("larger-keeps-more", "do more fit into 65536 bytes than 4096?", true, &sources::SOCKET_7).unlike_wine(),
        measured("kept-by-small", "512-byte datagrams that fit into 4096", &sources::SOCKET_7),
        measured("kept-by-large", "512-byte datagrams that fit into 65536", &sources::SOCKET_7),
    ];
    let answer = "Of datagrams of 512 bytes {kept-by-small} fitted into a receive buffer of 4096 bytes, and \
                  {kept-by-large} into one of 65536 bytes.";
    Scene::builder("larger-buffer", "more fit into a larger receive buffer", claims).answer(answer).run(|lab| {
        let small = kept_by(lab, 4096)?;
        let large = kept_by(lab, 65_536)?;
        if small.granted == large.granted {
            return Err(SceneError::Skip(format!("the system grants {} bytes for either size", small.granted)));
        }
        lab.observe("larger-keeps-more", large.count > small.count);
        lab.observe("kept-by-small", small.count);
        lab.observe("kept-by-large", large.count);
        Ok(())
    })
}

struct Kept {
    granted: usize,
    count: usize,
}

fn kept_by(lab: &Lab, buffer: usize) -> Result<Kept, SceneError> {
    let (server, client) = lab.connected_server()?;
    let granted = set_receive_buffer(&server, buffer)?;
    send_until_full(lab, &client, &server, all_numbered(1000, 512))?;
    Ok(Kept { granted, count: server.drain(512, 1000)?.count() })
}

fn one_byte_each() -> Scene {
    const ASKED: usize = 8192;
    let claims = [
        typical("fewer-than-bytes", "do fewer 1-byte datagrams fit than bytes?", true, &sources::SOCKET_7)
            .cites_on(Os::Macos, &sources::XNU_ROOM)
            .unconfirmed_on(Os::Windows),
        measured("kept-one-byte", "1-byte datagrams that fit", &sources::SOCKET_7),
        receive_buffer_granted("buffer-granted", format!("SO_RCVBUF {ASKED}: bytes granted"), ASKED)
            .needs(Need::ReceiveBuffer(ASKED)),
    ];
    let answer = "SO_RCVBUF was set to 8192 bytes, the system granted {buffer-granted}, and {kept-one-byte datagram} \
                  of 1 byte fitted.";
    Scene::builder("one-byte", "one byte costs more than one byte", claims).answer(answer).run(|lab| {
        let (server, client) = lab.connected_server()?;
        let granted = set_receive_buffer(&server, ASKED)?;
        // More than the buffer has bytes: whatever a datagram costs, the queue runs full.
        send_until_full(lab, &client, &server, all_numbered(granted + 1, 1))?;
        let kept = server.drain(1, granted + 1)?.count();
        lab.observe("fewer-than-bytes", kept < granted);
        lab.observe("kept-one-byte", kept);
        let limited = granted < ASKED || lab.most_receive_buffer().is_ok_and(|most| most < ASKED);
        lab.observe_or_skip("buffer-granted", if limited { Err(lab.limit_on_buffers()) } else { Ok(granted) });
        Ok(())
    })
}

fn room_comes_late() -> Scene {
    /// Linux makes room again a quarter of the buffer at a time: one datagram is to be less than that.
    const ASKED: usize = 65_536;
    /// As long as the others: a shorter one may fit where they do not.
    const LATE: [u8; 512] = [b'x'; 512];
    let claims = [
        typical("after-one-read", "buffer full; read one, send one more: it is", "dropped", &sources::LINUX_RELEASE)
            .on(Os::Macos, "kept", &sources::XNU_RECEIVE)
            .unconfirmed_on(Os::Macos)
            .on(Os::Windows, "kept", &sources::LOOPBACK)
            .unconfirmed_on(Os::Windows),
        typical("after-all-read", "read all, send one more: it is", "kept", &sources::LOOPBACK),
    ];
    let answer = "The buffer was full. One datagram was read, one more sent: it was {after-one-read}. All were read, \
                  one more sent: it was {after-all-read}.";
    let scene = Scene::builder("room-again", "does reading one make room?", claims).needs(Need::ReceiveBuffer(ASKED));
    scene.answer(answer).run(|lab| {
        let (server, client) = lab.connected_server()?;
        if set_receive_buffer(&server, ASKED)? < ASKED {
            return Err(SceneError::Skip(lab.limit_on_buffers()));
        }
        send_until_full(lab, &client, &server, all_numbered(1000, 512))?;
        server.receive(512).required("the first datagram")?;
        let before = server.queue_counts();
        client.send_to(&LATE, &server)?;
        server.queue_counts_after(before);
        let received = server.drain(512, 1001)?;
        let kept = received.iter().any(|result| result.bytes() == LATE);
        lab.observe("after-one-read", if kept { "kept" } else { "dropped" });
        client.send_to(b"later", &server)?;
        let kept = server.before_marker(512)?.bytes() == b"later";
        lab.observe("after-all-read", if kept { "kept" } else { "dropped" });
        Ok(())
    })
}

fn two_senders() -> Scene {
    let claims = [
        measured("interleaved", "a1, b1, a2, b2 from two clients arrive as", &sources::LOOPBACK),
        typical("order-of-each", "order of client 1's, then of client 2's", "a1 a2 b1 b2", &sources::LOOPBACK),
        specified("torn", "both at once: datagrams that neither sent", 0, &sources::POSIX_RECVFROM),
        typical("both-arrived", "both at once: received, of 200", 200, &sources::LOOPBACK),
    ];
    let answer = "a1, b1, a2, b2 from two clients were received as {interleaved}. Then both sent at once: \
                  {both-arrived} of 200 received, {torn} of them sent by neither client.";
    let scene =
        Scene::builder("two-senders", "two senders", claims).needs(Need::ReceiveBuffer(receive_buffer_for([64; 200])));
    scene.answer(answer).run(|lab| {
        let server = lab.bind("server")?;
        let (a, b) = (lab.bind("client 1")?, lab.bind("client 2")?);
        for (client, payload) in [(&a, b"a1"), (&b, b"b1"), (&a, b"a2"), (&b, b"b2")] {
            client.send_to(payload, &server)?;
        }
        let received = server.receive_until_marker(1024)?;
        let order: Vec<_> = received.iter().map(|result| escaped(result.bytes(), 12).0.into_owned()).collect();
        let all = received.iter().map(|result| result.bytes()).collect::<Vec<_>>().join(&b' ');
        let of = |client: char| order.iter().filter(|text| text.starts_with(client)).cloned().collect::<Vec<_>>();
        lab.observe("interleaved", all);
        lab.observe("order-of-each", [of('a'), of('b')].concat().join(" "));

        server.grow_receive_buffer([64; 200])?;
        let senders = [(&a, [0x00; 64]), (&b, [0xff; 64])];
        lab.together(&senders, |(client, payload)| {
            (0..100).try_for_each(|_| client.send_to(payload, &server).map(drop))
        })?;
        let received = server.receive_until_marker(1024)?;
        let torn = received.iter().filter(|result| senders.iter().all(|(_, payload)| result.bytes() != payload));
        lab.observe("both-arrived", received.count());
        received.required(1)?;
        lab.observe("torn", torn.count());
        Ok(())
    })
}

fn in_order_and_once() -> Scene {
    const COUNT: usize = 200;
    const SIZE: usize = 8;
    let claims = [
        typical("distinct", format!("numbered datagrams received, of {COUNT}"), COUNT, &sources::LOOPBACK),
        typical("out-of-order", "datagrams received out of order", 0, &sources::LOOPBACK),
        typical("duplicates", "datagrams received twice", 0, &sources::RFC768),
    ];
    let answer = "{distinct} of 200 numbered datagrams received, {out-of-order} out of order, {duplicates} twice.";
    let scene = Scene::builder("in-order", "in order, and once", claims)
        .needs(Need::ReceiveBuffer(receive_buffer_for([SIZE; COUNT])));
    scene.answer(answer).run(|lab| {
        let (server, client) = lab.connected_server()?;
        server.grow_receive_buffer([SIZE; COUNT])?;
        all_numbered(COUNT, SIZE).try_for_each(|payload| client.send_to(&payload, &server).map(drop))?;
        let received = server.receive_until_marker(1024)?;
        let numbers: Vec<usize> = received
            .iter()
            .filter_map(|result| std::str::from_utf8(result.bytes()).ok()?.split(' ').next()?.parse().ok())
            .collect();
        let mut distinct = numbers.clone();
        distinct.sort_unstable();
        distinct.dedup();
        lab.observe("distinct", distinct.len());
        received.required(2)?;
        lab.observe("out-of-order", numbers.windows(2).filter(|pair| pair[1] < pair[0]).count());
        lab.observe("duplicates", numbers.len() - distinct.len());
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::lab::Session;
    use crate::vocabulary::Expect;

    #[test]
    fn what_macos_does_with_next_to_no_buffer_is_not_judged() {
        let judged = |messages, receive_buffer| {
            let scene = nobody_reads(messages, 100, receive_buffer);
            let is = |id: &str| {
                let claim = scene.claims().iter().find(|claim| claim.id == id).unwrap();
                matches!(claim.expected.on(Os::Macos), Expect::Is(_))
            };
            [is("prefix"), is("room-again")]
        };
        assert_eq!(judged(1000, 16_384), [true, true]);
        assert_eq!(judged(1000, 1), [false, false]);
        assert_eq!(judged(10_000, 16_384), [false, true]);
    }

    #[test]
    fn nothing_received_is_no_prefix() {
        let lab = Lab::new(Arc::new([]), Arc::new(Session::new(None)), Arc::default());
        let received = lab.bind("server").unwrap().drain(1, 1).unwrap();
        assert_eq!(is_prefix(&received, 5), Fact::Nothing);
    }
}
