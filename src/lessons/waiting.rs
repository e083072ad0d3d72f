//! How long a receive waits when nothing comes, and what ends it.
//!
//! By default it waits for ever: UDP has no connection that could break, and nobody says that no more will come. A
//! program that does not want that says so before, with a limit or with calls that do not wait; or another thread wakes
//! it.

use std::time::Duration;

use clap::Args;

use super::{Lesson, Parameters, Scene, Scenes};
use crate::arguments;
use crate::kernel::option::{RECEIVE_LOW_WATER, RECEIVE_TIMEOUT};
use crate::lab::{Call, Endpoint, Lab, NOT_TOLD_WHO_WAITS, ReceiveResult, Target, has_lasted};
use crate::vocabulary::{
    Claim, DONTWAIT, Direction, Expected, Fact, Guess, Os, POLLIN, POLLOUT, Receive, SocketError, Trigger, measured,
    right, sources, specified, typical, wrong,
};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    name: "waiting",
    title: "A receive waits for ever, unless somebody has said otherwise",
    question: "Nothing comes. How long does recvfrom wait, and how can it be ended?",
    why: "SO_RCVTIMEO is 0 by default, and 0 means no limit (POSIX setsockopt). When a limit has passed, recvfrom \
          returns the error of a socket that must not wait: EAGAIN, on Windows WSAETIMEDOUT. UDP has no connection \
          that could end: where no datagram and no ICMP error comes, only this machine can end a wait, by a limit, a \
          datagram to oneself or, on Linux and macOS, a shutdown. On Linux a close in another thread does not end it: \
          the call holds the open file description until it returns (Linux close(2)).",
    keys: &["ended-by", "timed-out", "zero", "shutdown-returns", "close-ends"],
    guess: Guess {
        answers: &[
            wrong("It returns at once, with an error.", "ended-by"),
            wrong("It gives up after some seconds, as a TCP connect does.", "default-limit"),
            wrong("It waits for ever, and ends only when another thread closes the socket.", "timed-out"),
            right("It waits for ever, unless a limit was set or somebody wakes it.", "ended-by"),
        ],
        because: "SO_RCVTIMEO is 0, no limit; a close in another thread does not end the wait on Linux.",
    },
    example: "--timeout 200ms",
    parameters: Parameters::of::<Waiting>(),
    page: include_str!("../../demos/waiting.md"),
    python: include_str!("../../demos/waiting.py"),
};

/// The longest limit: a class is not to be kept waiting by a slip of the keyboard, nor the lab to take it for a call
/// that does not return.
const LONGEST: Duration = Duration::from_secs(3);

/// A limit where a receive is to return at once: it ends the lesson where it does not.
const SHORT: Duration = Duration::from_millis(20);

/// A limit that no receive of the lesson is to reach.
const NEVER: Duration = Duration::from_secs(1800);

#[derive(Args)]
struct Waiting {
    /// SO_RCVTIMEO in scene 2, 1ms to 3s
    #[arg(long, value_name = "TIME", default_value = "50ms", value_parser = limit)]
    timeout: Duration,
}

fn limit(text: &str) -> Result<Duration, String> {
    match arguments::time(text)? {
        limit if (Duration::from_millis(1)..=LONGEST).contains(&limit) => Ok(limit),
        _ => Err("1ms to 3s: 0 would be no limit, and a class does not want to wait longer".to_owned()),
    }
}

impl Scenes for Waiting {
    fn scenes(self) -> Result<Vec<Scene>, String> {
        Ok(vec![
            by_default(),
            with_a_limit(self.timeout),
            with_limit_zero(),
            to_itself(),
            empty_datagram(),
            shut_down_meanwhile(),
            shut_down(),
            shut_down_without_a_peer(),
            closed_meanwhile(),
            duplicated(),
            non_blocking(),
            readable(),
            watched(),
            bytes_queued(),
            interrupted(),
            peer_taken_away(),
        ])
    }
}

/// A server whose receives have no limit, and a client; each is the other's only peer.
fn pair(lab: &Lab) -> Call<(Endpoint, Endpoint)> {
    let (server, client) = (lab.bind_without_limit("server")?, lab.bind("client")?);
    server.connect_alone(&client)?;
    client.connect(&server)?;
    Ok((server, client))
}

/// What a receive returned on a socket that is shut down: nobody has sent it.
const NOBODY: &str = "0, no sender";

fn returned(result: &ReceiveResult) -> Fact {
    match result {
        ReceiveResult::Datagram(received) if received.from.is_none() => NOBODY.into(),
        other => other.into(),
    }
}

/// A claim about a receive on a socket that is shut down.
fn after_shutdown(id: &str, property: &str, expected: impl Into<Expected>) -> Claim {
    typical(id, property, expected, &sources::LINUX_RECEIVE_NOTHING).on(Os::Macos, NOBODY, &sources::XNU_SHUTDOWN).on(
        Os::Windows,
        SocketError::ShutDown,
        &sources::WINE_SHUTDOWN,
    )
}

fn by_default() -> Scene {
    let claims = [
        specified("default-limit", "default SO_RCVTIMEO, ms (0: no limit)", 0, &sources::POSIX_TIMEOUT)
            .cites_on(Os::Windows, &sources::MS_TIMEOUT),
        specified("waits", "waits while nothing comes", true, &sources::POSIX_RECVFROM_WAITS)
            .linux_only(NOT_TOLD_WHO_WAITS),
        specified("ended-by", "no limit: waits, then returns", &b"hello"[..], &sources::POSIX_RECVFROM_WAITS)
            .cites_on(Os::Windows, &sources::MS_RECVFROM_WAITS),
    ];
    let answer =
        "SO_RCVTIMEO was {default-limit} by default (0: no limit). recvfrom waited until a datagram came: {ended-by}.";
    Scene::builder("default", "nothing is set", claims).answer(answer).run(|lab| {
        let (server, client) = (lab.bind_without_limit("server")?, lab.bind("client")?);
        lab.observe("default-limit", in_milliseconds(server.get(&RECEIVE_TIMEOUT)?));
        let result = server.receive_meanwhile(16, |receive| {
            if lab.applies("waits") {
                lab.try_observe("waits", receive.still_waits())?;
            }
            client.send_to(b"hello", &server)?;
            Ok(())
        })?;
        lab.observe("ended-by", result);
        Ok(())
    })
}

fn in_milliseconds(time: Duration) -> usize {
    usize::try_from(time.as_millis()).unwrap_or(usize::MAX)
}

fn with_a_limit(timeout: Duration) -> Scene {
    let limit = humantime::format_duration(timeout);
    let claims =
        [
            specified("timed-out", format!("limit {limit}: returns"), SocketError::WouldBlock, &sources::POSIX_TIMEOUT)
                .on(Os::Windows, SocketError::TimedOut, &sources::MS_TIMED_OUT),
            specified("long-enough", format!("after {limit} or more"), true, &sources::POSIX_TIMEOUT)
                .cites_on(Os::Windows, &sources::MS_TIMEOUT)
                .unconfirmed_on(Os::Windows),
            measured("waited", "time until it returned", &sources::LINUX_TIMEOUT),
            measured("tick", "a limit of 1 µs is read as", &sources::LINUX_TIMEOUT)
                .cites_on(Os::Macos, &sources::XNU_TIMEOUT),
        ];
    let answer = format!("With a limit of {limit} it returned {{timed-out}} after {{waited}}.");
    Scene::builder("limit", "SO_RCVTIMEO", claims).answer(answer).run(move |lab| {
        let server = lab.bind_without_limit("server")?;
        server.set(&RECEIVE_TIMEOUT, timeout)?;
        let (result, waited) = lab.timed(|| server.receive(16));
        lab.observe("timed-out", result);
        lab.observe("long-enough", has_lasted(waited, timeout));
        lab.observe("waited", waited);
        server.set(&RECEIVE_TIMEOUT, Duration::from_micros(1))?;
        lab.observe("tick", server.get(&RECEIVE_TIMEOUT)?);
        Ok(())
    })
}

fn with_limit_zero() -> Scene {
    let claims = [specified("zero", "limit 0: recvfrom returns", &b"late"[..], &sources::POSIX_TIMEOUT)
        .cites_on(Os::Windows, &sources::MS_TIMEOUT)];
    let answer = "With a limit of 0 (no limit) it returned {zero}.";
    Scene::builder("zero", "SO_RCVTIMEO set to 0", claims).answer(answer).run(|lab| {
        let (server, client) = (lab.bind_without_limit("server")?, lab.bind("client")?);
        server.set(&RECEIVE_TIMEOUT, Duration::ZERO)?;
        let result = server.receive_meanwhile(16, |_| {
            client.send_to(b"late", &server)?;
            Ok(())
        })?;
        lab.observe("zero", result);
        Ok(())
    })
}

fn to_itself() -> Scene {
    let claims = [
        typical("itself", "a datagram to itself: returns", &b"wake"[..], &sources::LOOPBACK),
        specified("itself-from", "its sender", "server", &sources::POSIX_RECVFROM),
    ];
    let answer =
        "Another thread sent a datagram to the socket's own address: recvfrom returned {itself} from {itself-from}.";
    Scene::builder("itself", "a datagram to one's own socket", claims).answer(answer).run(|lab| {
        let server = lab.bind_without_limit("server")?;
        let result = server.receive_meanwhile(16, |_| {
            server.send_to(b"wake", &server)?;
            Ok(())
        })?;
        lab.observe("itself", &result);
        lab.observe("itself-from", result.sender());
        Ok(())
    })
}

fn empty_datagram() -> Scene {
    let claims = [
        typical("empty", "write of 0 bytes: returns", &b""[..], &sources::LINUX_WRITE)
            .unconfirmed_on(Os::Macos)
            .absent_on(Os::Windows, "Windows has no `write` for sockets"),
        typical("empty-from", "who sent that", "client", &sources::LINUX_WRITE)
            .unconfirmed_on(Os::Macos)
            .absent_on(Os::Windows, "Windows has no `write` for sockets"),
    ];
    let answer = "The client wrote 0 bytes: recvfrom returned {empty}, from {empty-from}.";
    Scene::builder("empty", "an empty datagram", claims).answer(answer).run(|lab| {
        let (server, client) = pair(lab)?;
        let result = server.receive_meanwhile(16, |receive| {
            receive.required()?;
            lab.attempt("empty", client.write(b""))?;
            Ok(())
        })?;
        lab.observe("empty", returned(&result));
        lab.observe("empty-from", result.sender());
        Ok(())
    })
}

fn shut_down_meanwhile() -> Scene {
    let claims = [after_shutdown("shutdown-returns", "shutdown: recvfrom returns", NOBODY).absent_on(
        Os::Windows,
        "there a shutdown does not end a receive that waits (eProsima/Fast-DDS issue 6537), and nothing else could",
    )];
    let answer = "After shutdown(SHUT_RD) by another thread it returned {shutdown-returns}.";
    Scene::builder("shutdown", "shutdown while recvfrom waits", claims).answer(answer).run(|lab| {
        let (server, _client) = pair(lab)?;
        let result = server.receive_meanwhile(16, |receive| {
            receive.required()?;
            lab.attempt("shutdown-returns", server.shutdown(Direction::Receiving))?;
            receive.await_end()?;
            Ok(())
        })?;
        lab.observe("shutdown-returns", returned(&result));
        Ok(())
    })
}

fn shut_down() -> Scene {
    let claims = [
        after_shutdown("shut-queued", "queued before SHUT_RD", &b"queued"[..]),
        after_shutdown("shut-late", "sent after SHUT_RD", &b"late"[..]),
        after_shutdown("shut-then", "the next recvfrom returns", NOBODY),
        after_shutdown("shut-connected", "after another connect", NOBODY)
            .cites_on(Os::Linux, &sources::GVISOR_SHUTDOWN)
            .unconfirmed_on(Os::Windows),
        specified("shut-write", "after SHUT_WR: send returns", SocketError::BrokenPipe, &sources::POSIX_SEND_SHUTDOWN)
            .on(Os::Windows, SocketError::ShutDown, &sources::WINE_SHUTDOWN),
        typical("shut-write-signal", "does SIGPIPE come with it?", false, &sources::POSIX_SEND_SIGPIPE)
            .absent_on(Os::Macos, "this program's sockets ask for no signal there (SO_NOSIGPIPE)")
            .absent_on(Os::Windows, "Windows has no signals"),
        typical("shut-write-receives", "and recvfrom returns", "más".as_bytes(), &sources::POSIX_SHUTDOWN),
    ];
    let answer = "After SHUT_RD the server still received {shut-queued} and {shut-late}, then {shut-then}. After \
                  SHUT_WR send returned {shut-write}.";
    Scene::builder("shut-down", "what a shutdown leaves", claims).answer(answer).run(|lab| {
        let (server, client) = pair(lab)?;
        server.set(&RECEIVE_TIMEOUT, SHORT)?;
        server.queue(|| client.send(b"queued"))?;
        server.shutdown(Direction::Receiving)?;
        server.queue(|| client.send(b"late"))?;
        for row in ["shut-queued", "shut-late", "shut-then"] {
            lab.observe(row, returned(&server.receive(16)));
        }
        server.connect(&client)?;
        lab.observe("shut-connected", returned(&server.receive(16)));

        let (other, client) = pair(lab)?;
        other.set(&RECEIVE_TIMEOUT, SHORT)?;
        other.shutdown(Direction::Sending)?;
        let (sent, signal) = lab.with_sigpipe(|| other.send(b"hello"));
        lab.observe("shut-write", sent);
        if lab.applies("shut-write-signal") {
            lab.observe("shut-write-signal", signal);
        }
        other.queue(|| client.send("más".as_bytes()))?;
        lab.observe("shut-write-receives", other.receive(16));
        Ok(())
    })
}

fn shut_down_without_a_peer() -> Scene {
    let claims = [
        specified("no-peer", "shutdown without a peer returns", SocketError::NotConnected, &sources::POSIX_SHUTDOWN)
            .on(Os::Windows, "success", &sources::WINE_SHUTDOWN),
        typical("no-peer-receives", "recvfrom returns all the same", NOBODY, &sources::LINUX_SHUTDOWN)
            .on(Os::Macos, SocketError::WouldBlock, &sources::XNU_SHUTDOWN)
            .on(Os::Windows, SocketError::ShutDown, &sources::WINE_SHUTDOWN),
    ];
    let answer = "Without a peer shutdown returned {no-peer}, and the recvfrom after it {no-peer-receives}.";
    Scene::builder("no-peer", "shutdown of an unconnected socket", claims).answer(answer).run(|lab| {
        let server = lab.bind_without_limit("server")?;
        server.set(&RECEIVE_TIMEOUT, SHORT)?;
        lab.observe("no-peer", server.shutdown(Direction::Receiving));
        lab.observe("no-peer-receives", returned(&server.receive(16)));
        Ok(())
    })
}

fn closed_meanwhile() -> Scene {
    let claims = [
        specified("close-ends", "does close end the wait?", false, &sources::CLOSE_2)
            .on(Os::Macos, true, &sources::XNU_CLOSE_WAKES)
            .on(Os::Windows, true, &sources::MS_CLOSESOCKET)
            // A run confirms nothing where the close may come before the receive.
            .confirmed_on_linux_only(),
        specified("after-close", "after close: recvfrom returns", &b"late"[..], &sources::CLOSE_2)
            .on(Os::Macos, SocketError::BadDescriptor, &sources::XNU_CLOSE_WAKES)
            .absent_on(Os::Windows, NOT_TOLD_WHO_WAITS),
    ];
    let answer = "Ended by a close in another thread? {close-ends}; it returned {after-close}.";
    Scene::builder("close", "close while recvfrom waits", claims).answer(answer).run(|lab| {
        let (server, client) = pair(lab)?;
        let result = server.receive_meanwhile(16, |receive| {
            receive.required()?;
            receive.close();
            receive.await_end()?;
            client.send(b"late")?;
            Ok(())
        })?;
        let went_on = matches!(result, ReceiveResult::Datagram(_) | ReceiveResult::Nothing);
        lab.observe("close-ends", !went_on);
        lab.observe("after-close", result);
        Ok(())
    })
}

fn duplicated() -> Scene {
    let claims = [
        typical("first-descriptor", "one socket, two descriptors: first", &b"one"[..], &sources::POSIX_DUP_QUEUE)
            .cites_on(Os::Windows, &sources::MS_DUPLICATE),
        typical("second-descriptor", "then by the second: received", &b"two"[..], &sources::POSIX_DUP_QUEUE)
            .cites_on(Os::Windows, &sources::MS_DUPLICATE),
        specified("shared-flag", "O_NONBLOCK of a duplicate: returns", SocketError::WouldBlock, &sources::POSIX_DUP)
            .cites_on(Os::Windows, &sources::MS_DUPLICATE)
            .unconfirmed_on(Os::Windows),
        specified("port-kept", "one of two closed: bind again", SocketError::AddressInUse, &sources::POSIX_CLOSE)
            .cites_on(Os::Windows, &sources::MS_DUPLICATE),
        specified("port-free", "both closed: bind again", "success", &sources::POSIX_CLOSE)
            .cites_on(Os::Windows, &sources::MS_DUPLICATE),
    ];
    let answer = "By the first of two descriptors was received {first-descriptor}, then by the second \
                  {second-descriptor}. O_NONBLOCK was set on a duplicate, and recvfrom on the first descriptor \
                  returned {shared-flag}. bind to the port after one close: {port-kept}, after both: {port-free}.";
    Scene::builder("dup", "two descriptors of one socket", claims).answer(answer).run(|lab| {
        let (server, client) = (lab.bind("server")?, lab.bind("client")?);
        // So it is with processes, too: after a fork each has a descriptor of the socket.
        let duplicate = server.duplicate("duplicate")?;
        client.send_to(b"one", &server)?;
        client.send_to(b"two", &server)?;
        lab.observe("first-descriptor", server.receive(16));
        lab.observe("second-descriptor", duplicate.receive(16));

        let server = lab.bind_without_limit("server")?;
        let duplicate = server.duplicate("duplicate")?;
        duplicate.set_non_blocking(true)?;
        lab.observe("shared-flag", lab.while_it_may_hang("shared-flag", || server.receive(16)));
        let address = server.address();
        server.close();
        lab.observe("port-kept", lab.endpoint("other")?.bind(address));
        lab.observe("port-free", duplicate.close_and_bind_again()?);
        Ok(())
    })
}

fn non_blocking() -> Scene {
    const NO_FLAG: &str = "Windows has no flag MSG_DONTWAIT";
    let claims = [
        specified("at-once", "O_NONBLOCK: recvfrom returns", SocketError::WouldBlock, &sources::POSIX_RECVFROM_WAITS)
            .cites_on(Os::Windows, &sources::MS_RECVFROM_WAITS),
        specified("flag", "MSG_DONTWAIT: returns", SocketError::WouldBlock, &sources::RECV_2_DONTWAIT)
            .absent_on(Os::Windows, NO_FLAG),
        specified("next-waits", "does the next call wait 20ms?", true, &sources::RECV_2_DONTWAIT)
            .absent_on(Os::Windows, NO_FLAG),
    ];
    let answer = "With O_NONBLOCK recvfrom returned {at-once}.";
    Scene::builder("non-blocking", "calls that must not wait", claims).answer(answer).run(|lab| {
        let server = lab.bind_without_limit("server")?;
        server.set_non_blocking(true)?;
        lab.observe("at-once", lab.while_it_may_hang("at-once", || server.receive(16)));
        server.set_non_blocking(false)?;
        if lab.applies("flag") {
            server.set(&RECEIVE_TIMEOUT, SHORT)?;
            lab.observe("flag", server.receive(Receive::into(16).flags(DONTWAIT)));
            let (next, waited) = lab.timed(|| server.receive(16));
            match next.is_datagram() {
                true => lab.skip("next-waits", format!("something came: {}", Fact::from(next))),
                false => lab.observe("next-waits", has_lasted(waited, SHORT)),
            }
        }
        Ok(())
    })
}

fn readable() -> Scene {
    let poll = |id, property, expected| {
        specified(id, property, expected, &sources::POSIX_POLL).cites_on(Os::Windows, &sources::MS_POLL)
    };
    let claims = [
        poll("ready-empty", "nothing queued: is it readable?", false),
        specified("writable", "nothing sent: is it writable?", true, &sources::POSIX_POLL_OUT)
            .cites_on(Os::Windows, &sources::MS_POLL),
        poll("ready", "one datagram: is it readable?", true),
        typical("low-water", "SO_RCVLOWAT 100, 5 bytes: readable?", true, &sources::LINUX_POLL)
            .on(Os::Macos, false, &sources::XNU_READABLE)
            .absent_on(Os::Windows, "Windows does not support SO_RCVLOWAT"),
        specified(
            "ready-late",
            "another thread took it: returns",
            SocketError::WouldBlock,
            &sources::POSIX_RECVFROM_WAITS,
        )
        .cites_on(Os::Windows, &sources::MS_RECVFROM_WAITS),
        typical("ready-shut", "shut down: is it readable?", true, &sources::LINUX_POLL)
            .cites_on(Os::Macos, &sources::XNU_READABLE)
            .unconfirmed_on(Os::Windows),
        after_shutdown("ready-shut-returns", "O_NONBLOCK: recvfrom returns then", SocketError::WouldBlock),
    ];
    let answer = "Readable, says poll: {ready}. Another thread was faster, and recvfrom returned {ready-late}. After a \
                  shutdown poll says readable: {ready-shut}, and recvfrom returned {ready-shut-returns}.";
    Scene::builder("readable", "poll says that it can be read", claims).answer(answer).run(|lab| {
        let (server, client) = pair(lab)?;
        server.set_non_blocking(true)?;
        lab.observe("ready-empty", server.is_readable()?);
        lab.observe("writable", server.poll(POLLIN | POLLOUT)?.contains(POLLOUT));
        server.queue(|| client.send(b"hello"))?;
        lab.observe("ready", server.is_readable()?);
        if lab.applies("low-water") {
            lab.attempt("low-water", server.set(&RECEIVE_LOW_WATER, 100))?;
            lab.observe("low-water", server.is_readable()?);
            server.set(&RECEIVE_LOW_WATER, 1)?;
        }
        lab.together(&[()], |()| {
            // What it brings is its own affair.
            let _ = server.receive(16);
            Ok(())
        })?;
        lab.observe("ready-late", server.receive(16));
        server.shutdown(Direction::Receiving)?;
        lab.observe("ready-shut", server.is_readable()?);
        lab.observe("ready-shut-returns", returned(&server.receive(16)));
        Ok(())
    })
}

fn watched() -> Scene {
    let claims = [
        specified("level-again", "EPOLLIN, one of two read: reported?", true, &sources::EPOLL_7_LEVEL),
        typical("edge-first", "EPOLLET, two queued: reported?", true, &sources::LINUX_EPOLL),
        specified("edge-again", "EPOLLET, one of two read: reported?", false, &sources::EPOLL_7_EDGE),
        specified("edge-poll", "at that moment, says poll: readable?", true, &sources::POSIX_POLL),
        specified("edge-new", "EPOLLET, another comes: reported?", true, &sources::EPOLL_7_EDGE),
        typical("edge-late", "and what recvfrom returns then", &b"three"[..], &sources::LOOPBACK),
    ];
    let claims = claims.map(|claim| {
        let claim = claim.absent_on(Os::Macos, "epoll is Linux's; macOS has kqueue");
        claim.absent_on(Os::Windows, "Windows has no epoll")
    });
    let answer = "Two datagrams were queued, and one was read. Did epoll_wait report the socket again? With EPOLLIN: \
                  {level-again}; with EPOLLIN|EPOLLET: {edge-again}, and poll said readable: {edge-poll}. When another \
                  came, it was reported: {edge-new}; recvfrom returned {edge-late}.";
    Scene::builder("epoll", "epoll, level- and edge-triggered", claims).answer(answer).run(|lab| {
        let (server, client) = pair(lab)?;
        server.set_non_blocking(true)?;
        // Else epoll might be told of one of them only after it has been asked.
        let queue = |payload: &[u8]| server.queue_and_wake(|| client.send(payload));
        queue(b"one")?;
        queue(b"two")?;
        let level = server.watch(Trigger::Level)?;
        level.reports()?;
        server.receive(16).required("the first of two datagrams")?;
        lab.observe("level-again", level.reports()?);

        queue(b"three")?;
        let edge = server.watch(Trigger::Edge)?;
        let first = edge.reports()?;
        lab.observe("edge-first", first);
        server.receive(16).required("the first of two datagrams")?;
        let (again, left) = (edge.reports()?, server.is_readable()?);
        match () {
            () if !first => lab.skip("edge-again", "nothing had been reported before"),
            () if !left => lab.skip("edge-again", "poll says that nothing is left in the queue"),
            () => lab.observe("edge-again", again),
        }
        lab.observe("edge-poll", left);
        queue(b"four")?;
        lab.observe("edge-new", edge.reports()?);
        lab.observe("edge-late", server.receive(16));
        // Nobody is to take it for lost.
        let _ = server.receive(16);
        Ok(())
    })
}

fn bytes_queued() -> Scene {
    /// What macOS counts besides the payload of a datagram: its sender's address.
    const ADDRESS: usize = 16;
    let bytes = |id, property, linux: usize, on_macos: usize, on_windows: usize| {
        specified(id, property, linux, &sources::UDP_7_FIONREAD)
            .on(Os::Macos, on_macos, &sources::XNU_ROOM)
            .unconfirmed_on(Os::Macos)
            .on(Os::Windows, on_windows, &sources::MS_FIONREAD)
    };
    let claims = [
        bytes("bytes-both", "FIONREAD: 4 + 2 bytes queued", 4, 4 + 2 + 2 * ADDRESS, 4 + 2).unlike_wine(),
        bytes("bytes-next", "after one receive", 2, 2 + ADDRESS, 2),
        bytes("bytes-none", "an empty datagram queued", 0, ADDRESS, 0),
        specified("none-ready", "is it readable then?", true, &sources::POSIX_POLL)
            .cites_on(Os::Windows, &sources::MS_POLL),
        typical("bytes-shut", "5 bytes queued, then SHUT_RD", 5, &sources::GVISOR_SHUTDOWN)
            .on(Os::Macos, 0, &sources::XNU_SHUTDOWN)
            .unconfirmed_on(Os::Windows),
    ];
    let answer = "With 4 and 2 bytes queued FIONREAD said {bytes-both}, then {bytes-next}; with an empty datagram \
                  {bytes-none}, and poll said readable: {none-ready}.";
    Scene::builder("bytes", "how many bytes are queued", claims).answer(answer).run(|lab| {
        let (server, client) = pair(lab)?;
        server.set(&RECEIVE_TIMEOUT, SHORT)?;
        server.queue(|| client.send(b"four"))?;
        server.queue(|| client.send(b"22"))?;
        lab.observe("bytes-both", server.queued_bytes()?);
        server.receive(16).required("the first datagram")?;
        lab.observe("bytes-next", server.queued_bytes()?);
        server.receive(16).required("the second datagram")?;
        server.queue(|| client.send(b""))?;
        lab.observe("bytes-none", server.queued_bytes()?);
        lab.observe("none-ready", server.is_readable()?);
        server.receive(16).required("the empty datagram")?;
        server.queue(|| client.send(b"hello"))?;
        server.shutdown(Direction::Receiving)?;
        lab.observe("bytes-shut", server.queued_bytes()?);
        // Nobody is to take it for lost.
        let _ = server.receive(16);
        Ok(())
    })
}

fn interrupted() -> Scene {
    let claims = [
        specified("signal", "a signal: recvfrom returns", SocketError::Interrupted, &sources::SIGNAL_7_RESTART),
        specified(
            "signal-limit",
            "SA_RESTART and a limit: returns",
            SocketError::Interrupted,
            &sources::SIGNAL_7_TIMEOUT,
        ),
    ];
    let claims = claims
        .map(|claim| claim.absent_on(Os::Macos, NOT_TOLD_WHO_WAITS).absent_on(Os::Windows, "Windows has no signals"));
    let answer =
        "A signal with a handler came: recvfrom returned {signal}; with SA_RESTART and a limit {signal-limit}.";
    Scene::builder("signal", "a signal while recvfrom waits", claims).answer(answer).run(|lab| {
        let server = lab.bind_without_limit("server")?;
        lab.observe("signal", server.receive_until_a_signal(16, false)?);
        server.set(&RECEIVE_TIMEOUT, NEVER)?;
        lab.observe("signal-limit", server.receive_until_a_signal(16, true)?);
        Ok(())
    })
}

fn peer_taken_away() -> Scene {
    let claims = [
        typical("undo-ends", "does AF_UNSPEC end the wait?", false, &sources::LINUX_DISCONNECT_SLEEP),
        typical("after-undo", "then another socket sends: returns", &b"me too"[..], &sources::LINUX_DISCONNECT_SLEEP),
    ];
    let claims = claims.map(|claim| claim.linux_only(NOT_TOLD_WHO_WAITS));
    let answer =
        "Did connect to AF_UNSPEC end the wait? {undo-ends}; recvfrom returned {after-undo} from another socket.";
    Scene::builder("undo", "connect to AF_UNSPEC while recvfrom waits", claims).answer(answer).run(|lab| {
        // A port that the system has chosen would be taken back with the peer.
        let server = lab.bind_at_without_limit("server", &lab.closed_port("server")?)?;
        let (client, other) = (lab.bind("client")?, lab.bind("other")?);
        server.connect_alone(&client)?;
        let result = server.receive_meanwhile(16, |receive| {
            receive.required()?;
            lab.attempt("undo-ends", server.disconnect())?;
            receive.await_end()?;
            other.send_to(b"me too", &server)?;
            // An end marker that comes from the client might overtake it.
            receive.await_return();
            Ok(())
        })?;
        match &result {
            // It went on, and nothing says that it did so without a peer.
            ReceiveResult::Nothing => lab.skip("undo-ends", "nothing was received from another socket"),
            other => lab.observe("undo-ends", !other.is_datagram()),
        }
        lab.observe("after-undo", result);
        Ok(())
    })
}
