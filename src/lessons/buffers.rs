//! What a receive buffer is: how much of what is asked for is granted, and how little of that is payload.
//!
//! The kernel does not count the bytes of a datagram but the memory that it takes. What does not fit is dropped and
//! counted at the socket, and the program can ask for that count.

use clap::Args;

use super::claims::receive_buffer_granted;
use super::{Lesson, Parameters, Scene, Scenes};
use crate::arguments;
use crate::experiments::{send_until_full, send_while_nobody_reads, set_receive_buffer};
use crate::kernel::option::{RECEIVE_BUFFER, RECEIVE_BUFFER_FORCE, REPORT_DROPS};
use crate::lab::{Endpoint, LOOPBACK_MTU, Lab, SceneError, receive_buffer_for};
use crate::vocabulary::{
    Claim, Fact, Guess, Need, Os, Receive, SocketError, measured, right, sources, specified, typical, wrong,
};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    name: "buffers",
    title: "A receive buffer is counted in memory, not in payload",
    question: "I set SO_RCVBUF to 2 MB. What do I have, and what does it hold?",
    why: "Linux grants twice what is asked for, and at most twice net.core.rmem_max, without an error (socket(7)). It \
          charges each datagram with the memory that it takes, so that small ones fill the buffer with next to no \
          payload (net/ipv4/udp.c). What is dropped is counted at the socket: SO_RXQ_OVFL has the next datagram tell \
          it (socket(7)). On Linux a smaller buffer discards nothing that is queued, and into an empty queue one \
          datagram is always taken.",
    keys: &["factor", "as-predicted", "untold", "after-shrink"],
    guess: Guess {
        answers: &[
            wrong("2 MB of payload: that is what I asked for.", "as-predicted"),
            wrong("2 MB of payload, less 28 bytes of headers for each datagram.", "as-predicted"),
            right("Twice what the system allows of it; of small datagrams a few thousand.", "as-predicted"),
            wrong("Nothing certain: setsockopt fails above the limit.", "too-much"),
        ],
        because: "Linux doubles what is asked for, up to a limit, and charges each datagram with its memory.",
    },
    example: "--receive-buffer 65536",
    parameters: Parameters::of::<Buffers>(),
    page: include_str!("../../demos/buffers.md"),
    python: include_str!("../../demos/buffers.py"),
};

#[derive(Args)]
struct Buffers {
    /// Receive buffer to ask for in scene 1, 4096 to 16777216 bytes
    #[arg(long, value_name = "BYTES", default_value = "2097152",
        value_parser = arguments::number(4096..=16_777_216, "bytes",
            "below that systems have a least size, and more takes long to fill"))]
    receive_buffer: usize,
}

impl Scenes for Buffers {
    fn scenes(self) -> Result<Vec<Scene>, String> {
        Ok(vec![
            granted_and_held(self.receive_buffer),
            above_the_limit(),
            counted(),
            shrunk(),
            smallest(),
            counted_by_host(),
            send_queue(),
        ])
    }
}

/// From here on older versions of macOS refuse the size: its kern.ipc.maxsockbuf is 8 MiB, of which they count a part
/// for themselves.
const MACOS_CERTAIN: usize = 7_000_000;

/// A row of which only Linux tells the memory that a datagram takes.
fn by_memory(claim: Claim) -> Claim {
    claim
        .absent_on(Os::Macos, "macOS does not tell the memory that a datagram takes")
        .absent_on(Os::Windows, "Windows does not tell the memory that a datagram takes")
        .needs(Need::Drops)
}

/// A row about an option that only Linux has.
fn of_linux(claim: Claim) -> Claim {
    claim.absent_on(Os::Macos, "macOS has no SO_RXQ_OVFL").absent_on(Os::Windows, "Windows has no SO_RXQ_OVFL")
}

/// The limit that the system names for a receive buffer.
fn limit(id: &str) -> Claim {
    measured(id, "the most that may be asked for", &sources::SOCKET_7_LIMIT)
        .cites_on(Os::Macos, &sources::XNU_RESERVE)
        .absent_on(Os::Windows, "Windows names no limit")
}

/// How many times `part` goes into `whole`.
fn times(whole: usize, part: usize) -> Fact {
    match (whole.checked_div(part), whole.checked_rem(part)) {
        (Some(times), Some(0)) => Fact::from(times),
        (Some(_), _) => Fact::from(format!("{:.2}", whole as f64 / part as f64)),
        (None, _) => Fact::from("no part of it"),
    }
}

/// A server whose buffer nobody fills but its client: it is connected to it from the moment at which it has a port.
fn pair(lab: &Lab) -> Result<(Endpoint, Endpoint), SceneError> {
    let (client, server) = (lab.bind("client")?, lab.endpoint("server")?);
    server.connect(&client)?;
    Ok((server, client))
}

/// Sends `payloads` while nobody reads: how many sends failed. Where one does not return, that is the answer to the
/// claim `row`.
fn fill(
    lab: &Lab,
    row: &str,
    (server, client): (&Endpoint, &Endpoint),
    payloads: impl ExactSizeIterator<Item = Vec<u8>>,
) -> Result<usize, SceneError> {
    lab.while_it_may_hang(row, || send_while_nobody_reads(lab, client, server, payloads))
}

fn granted_and_held(asked: usize) -> Scene {
    /// At most so many more datagrams are sent than should fit.
    const BEYOND: usize = 1000;
    let factor = receive_buffer_granted("factor", "granted / asked for, up to the limit", 1);
    let claims = [
        limit("limit"),
        measured("granted", format!("SO_RCVBUF {asked}: bytes granted"), &sources::SOCKET_7),
        if asked < MACOS_CERTAIN { factor } else { factor.unconfirmed_on(Os::Macos) },
        by_memory(measured("memory", "memory of a 1-byte datagram, in bytes", &sources::LINUX_CHARGE)),
        by_memory(measured("held", "1-byte datagrams held", &sources::LINUX_CHARGE)),
        by_memory(typical("as-predicted", "is memory counted, not payload?", true, &sources::LINUX_CHARGE)),
    ];
    let answer = format!(
        "Asked for: {asked} bytes; granted: {{granted}}. At most {{limit}} may be asked for. A 1-byte datagram takes \
         {{memory byte}}; {{held}} fitted."
    );
    Scene::builder("granted", format!("what {asked} bytes are, and what they hold"), claims).answer(answer).run(
        move |lab| {
            let (server, client) = pair(lab)?;
            let limit = match lab.applies("limit") {
                true => lab.most_receive_buffer(),
                false => Ok(asked),
            };
            lab.attempt("factor", server.set(&RECEIVE_BUFFER, asked))?;
            let granted = server.get(&RECEIVE_BUFFER)?;
            lab.observe("granted", granted);
            lab.observe_or_skip("factor", limit.clone().map(|limit| times(granted, asked.min(limit))));
            if lab.applies("limit") {
                lab.observe_or_skip("limit", limit);
            }
            if !lab.applies("memory") {
                return Ok(());
            }
            let before = server.queue_counts();
            client.send_to(b"x", &server)?;
            let memory = server.memory_after(before)?;
            lab.observe("memory", memory);
            let predicted = granted / memory;
            let more = predicted + BEYOND;
            let payloads = (0..more).map(|_| b"x".to_vec());
            lab.while_it_may_hang("as-predicted", || send_until_full(lab, &client, &server, payloads))?;
            let held = server.drain(16, 1 + more)?.count();
            lab.observe("held", held);
            // Linux 6.1 takes one more, which goes beyond the limit.
            lab.observe("as-predicted", (predicted..=predicted + 1).contains(&held));
            Ok(())
        },
    )
}

fn above_the_limit() -> Scene {
    const ASKED: usize = 1 << 30;
    /// The largest receive buffer that can be doubled: its size is a C `int`.
    const MOST_DOUBLED: usize = i32::MAX as usize / 2;
    let claims = [
        typical("too-much", "SO_RCVBUF of 1 GiB: setsockopt", "success", &sources::LINUX_RCVBUF)
            .confirmed_on_linux_only()
            .cites_on(Os::Macos, &sources::XNU_RESERVE)
            .cites_on(Os::Windows, &sources::WINE_RECEIVE_BUFFER),
        limit("limit-again"),
        measured("most-granted", "bytes granted then", &sources::LINUX_RCVBUF),
        typical("ceiling", "granted / limit", 2, &sources::SOCKET_7_LIMIT)
            .on(Os::Macos, 1, &sources::XNU_RESERVE)
            .unconfirmed_on(Os::Macos)
            .absent_on(Os::Windows, "Windows names no limit"),
        typical("minus-one", "SO_RCVBUF -1: granted / limit", 2, &sources::LINUX_RCVBUF_UNSIGNED)
            .on(Os::Macos, SocketError::InvalidArgument, &sources::XNU_RECEIVE_BUFFER_LEAST)
            .absent_on(Os::Windows, "Windows names no limit"),
        specified("forced", "plain user: SO_RCVBUFFORCE", SocketError::NotPermitted, &sources::SOCKET_7_FORCE)
            .absent_on(Os::Macos, "macOS has no SO_RCVBUFFORCE")
            .absent_on(Os::Windows, "Windows has no SO_RCVBUFFORCE")
            .needs(Need::PlainUser),
    ];
    let answer = "setsockopt for 1 GiB: {too-much}. Granted: {most-granted} bytes.";
    Scene::builder("ceiling", "more than the limit is asked for", claims).answer(answer).run(|lab| {
        let server = lab.bind("server")?;
        lab.observe("too-much", lab.answer(server.set(&RECEIVE_BUFFER, ASKED))?);
        let granted = server.get(&RECEIVE_BUFFER)?;
        lab.observe("most-granted", granted);
        if lab.applies("ceiling") {
            let limit = lab.most_receive_buffer();
            lab.observe_or_skip("limit-again", limit.clone());
            let limit = limit.and_then(|limit| match limit {
                ..=MOST_DOUBLED => Ok(limit),
                _ => Err(format!("the limit of {limit} bytes is more than any receive buffer has")),
            });
            lab.observe_or_skip("ceiling", limit.clone().map(|limit| times(granted, limit)));
            // Else -1 would have the answer of the call before, if it did nothing.
            server.set(&RECEIVE_BUFFER, 4096)?;
            match server.set_to(&RECEIVE_BUFFER, -1) {
                Ok(()) => {
                    let granted = server.get(&RECEIVE_BUFFER)?;
                    lab.observe_or_skip("minus-one", limit.map(|limit| times(granted, limit)));
                }
                Err(error) => lab.observe("minus-one", error),
            }
        }
        if lab.applies("forced") {
            lab.observe("forced", lab.as_a_plain_user(|| server.set(&RECEIVE_BUFFER_FORCE, ASKED))?);
        }
        Ok(())
    })
}

fn counted() -> Scene {
    const ASKED: usize = 8192;
    const COUNT: usize = 200;
    const SIZE: usize = 100;
    let claims = [
        of_linux(measured("lost", format!("sent and not received, of {COUNT}"), &sources::LINUX_DROPS)),
        of_linux(typical("of-the-first", "count with the first one queued", Fact::Nothing, &sources::LINUX_OVERFLOW)),
        of_linux(measured("of-the-next", "count with the next one, after them", &sources::SOCKET_7_OVERFLOW)),
        of_linux(specified("untold", "lost, not counted by SO_RXQ_OVFL", 0, &sources::SOCKET_7_OVERFLOW)),
    ];
    let answer = "In a buffer of 8192 bytes {lost} of 200 were lost; the option SO_RXQ_OVFL reported {of-the-next}.";
    Scene::builder("counted", "where the drops are counted", claims).answer(answer).run(|lab| {
        let (server, client) = pair(lab)?;
        set_receive_buffer(&server, ASKED)?;
        lab.attempt("untold", server.set(&REPORT_DROPS, true))?;
        let failed = fill(lab, "untold", (&server, &client), (0..COUNT).map(|_| vec![b'x'; SIZE]))?;
        let first = server.receive(Receive::message(&[SIZE])).required("the first datagram")?;
        let lost = lost_of(COUNT - failed, 1 + server.drain(SIZE, COUNT)?.count())?;
        client.send_to(b"one more", &server)?;
        let next = server.receive(Receive::message(&[SIZE])).required("the datagram after the loss")?;
        let told = |drops: Option<u32>| drops.map_or(Fact::Nothing, |drops| Fact::Count(drops.into()));
        lab.observe("lost", lost);
        lab.observe("of-the-first", told(first.ancillary.drops));
        lab.observe("of-the-next", told(next.ancillary.drops));
        let reported = next.ancillary.drops.unwrap_or(0) as usize;
        let mut untold = Fact::from(lost.abs_diff(reported));
        if let Ok(dropped) = server.drops()
            && dropped == reported
        {
            untold =
                untold.unproved(format!("{lost} are missing and {dropped} were dropped here: the others did not come"));
        }
        lab.observe("untold", untold);
        Ok(())
    })
}

/// How many of those sent were not received.
fn lost_of(sent: usize, received: usize) -> Result<usize, SceneError> {
    match sent.checked_sub(received) {
        Some(lost @ 1..) => Ok(lost),
        _ => Err(SceneError::Skip("nothing was lost".to_owned())),
    }
}

fn shrunk() -> Scene {
    const COUNT: usize = 100;
    const SIZE: usize = 100;
    const QUEUED: [u8; SIZE] = [0xff; SIZE];
    /// As long as the others, and not like them.
    const LATE: [u8; SIZE] = [0x00; SIZE];
    let claims = [
        measured("least", "SO_RCVBUF 1: bytes granted", &sources::LINUX_RCVBUF),
        typical("over-full", "one more is sent: it is", "dropped", &sources::LINUX_CHARGE).confirmed_on_linux_only(),
        typical("after-shrink", "kept when it shrinks", COUNT, &sources::LINUX_RCVBUF).confirmed_on_linux_only(),
    ];
    let answer = "100 queued, then SO_RCVBUF set to 1: {after-shrink} received.";
    let scene = Scene::builder("shrunk", "the buffer shrinks while it is in use", claims);
    scene.needs(Need::ReceiveBuffer(receive_buffer_for([SIZE; COUNT]))).answer(answer).run(|lab| {
        // Here is room for what an unrelated sender sends before the connect.
        let (server, client) = lab.connected_server()?;
        server.grow_receive_buffer([SIZE; COUNT])?;
        fill(lab, "after-shrink", (&server, &client), (0..COUNT).map(|_| QUEUED.to_vec()))?;
        let before = server.queue_counts();
        lab.attempt("after-shrink", server.set(&RECEIVE_BUFFER, 1))?;
        let granted = server.get(&RECEIVE_BUFFER)?;
        lab.observe("least", granted);
        if granted >= COUNT * SIZE {
            return Err(SceneError::Skip(format!("{granted} bytes are not less than what is queued")));
        }
        lab.while_it_may_hang("over-full", || lab.attempt("over-full", client.send_to(&LATE, &server)))?;
        server.queue_counts_after(before);
        let received = server.drain(SIZE, COUNT + 1)?;
        let count = |payload| received.iter().filter(|result| result.bytes() == payload).count();
        lab.observe("over-full", if count(LATE) == 0 { "dropped" } else { "kept" });
        lab.observe("after-shrink", count(QUEUED));
        Ok(())
    })
}

fn smallest() -> Scene {
    /// More than the least buffer of any system, and a datagram that each sends.
    const SIZE: usize = 9000;
    let claims = [
        typical("one-at-least", format!("{SIZE} bytes into SO_RCVBUF 1"), SIZE, &sources::LINUX_CHARGE)
            .on(Os::Macos, Fact::Nothing, &sources::XNU_ROOM)
            .confirmed_on_linux_only(),
        typical("second", "a second one, before it is read: it is", "dropped", &sources::LINUX_CHARGE)
            .confirmed_on_linux_only(),
    ];
    let answer = "SO_RCVBUF 1, a datagram of 9000 bytes: {one-at-least} received.";
    Scene::builder("smallest", "the smallest buffer", claims).answer(answer).run(|lab| {
        let (server, client) = pair(lab)?;
        lab.attempt("one-at-least", server.set(&RECEIVE_BUFFER, 1))?;
        let granted = server.get(&RECEIVE_BUFFER)?;
        if granted >= SIZE {
            return Err(SceneError::Skip(format!("{granted} bytes are not less than the datagram")));
        }
        fill(lab, "second", (&server, &client), [vec![b'x'; SIZE], vec![b'y'; SIZE]].into_iter())?;
        let received = server.drain(SIZE, 2)?;
        let first = received.nth(0);
        lab.observe("one-at-least", first.returned());
        match first.is_datagram() {
            true => lab.observe("second", if received.count() > 1 { "kept" } else { "dropped" }),
            false => lab.skip("second", "the first one was not received"),
        }
        Ok(())
    })
}

fn counted_by_host() -> Scene {
    const COUNT: usize = 200;
    const SIZE: usize = 100;
    let claims = [
        typical("delivered", "1 received: UdpInDatagrams", 1, &sources::RFC4113_IN),
        measured("host-lost", format!("sent and not received, of {COUNT}"), &sources::LINUX_CHARGE),
        typical("host-untold", "lost, not counted by UdpRcvbufErrors", 0, &sources::LINUX_ROOM_ERRORS),
    ];
    let claims = claims.map(Claim::on_a_host_of_its_own);
    let answer = "The host counted {delivered datagram} as delivered when one of many had been received. {host-lost} \
                  were lost, and {host-untold} of them not counted in UdpRcvbufErrors.";
    Scene::builder("host", "what the host counts", claims).answer(answer).run(|lab| {
        let host = lab.own_host(LOOPBACK_MTU)?;
        let (server, client) = (host.bind("server")?, host.bind("client")?);
        server.connect(&client)?;
        set_receive_buffer(&server, 8192)?;
        let failed = fill(lab, "host-untold", (&server, &client), (0..COUNT).map(|_| vec![b'x'; SIZE]))?;
        server.receive(SIZE).required("the first datagram")?;
        lab.observe("delivered", host.counter("Udp", "InDatagrams")?);
        let lost = lost_of(COUNT - failed, 1 + server.drain(SIZE, COUNT)?.count())?;
        lab.observe("host-lost", lost);
        lab.observe("host-untold", lost.abs_diff(host.counter("Udp", "RcvbufErrors")?));
        Ok(())
    })
}

fn send_queue() -> Scene {
    let claims = [typical("send-queue", "sent, not received: SIOCOUTQ says", 0, &sources::LINUX_ORPHAN)
        .absent_on(Os::Macos, "macOS has no SIOCOUTQ")
        .absent_on(Os::Windows, "Windows has no SIOCOUTQ")];
    let answer = "A datagram was sent and not yet received: {send-queue byte} in the client's send queue.";
    Scene::builder("send-queue", "where a datagram waits", claims).answer(answer).run(|lab| {
        let (server, client) = pair(lab)?;
        server.queue(|| client.send_to(b"hello", &server))?;
        let unsent = client.unsent_bytes()?;
        server.receive(16).required("the datagram")?;
        lab.observe("send-queue", unsent);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_go_into_it_evenly_is_no_count() {
        assert_eq!((times(4608, 2304), times(1, 4), times(1, 0)), (2.into(), "0.25".into(), "no part of it".into()));
    }
}
