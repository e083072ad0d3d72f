//! TCP and UDP side by side.
//!
//! The five sentences in which tutorials tell the two apart, each put before the running system: what TCP does, and
//! beside it what UDP does. A sentence names the rows by which it is judged, and what holds exactly. Four more
//! differences follow that no tutorial lists.

use std::time::Duration;

use clap::Args;

use super::claims::{at_a_second_loopback, no_accept, no_listen, refused, time_wait};
use super::{Lesson, Parameters, Scene, Scenes};
use crate::arguments;
use crate::experiments::{
    answer_by_sendto, connected_client_asks, empty_datagram, overfill, tcp_binds_again, tcp_descriptors_for,
    tcp_peer_closes, udp_binds_again, udp_descriptors_for, udp_peer_closes, unconnected_client_asks,
    write_while_nobody_reads,
};
use crate::lab::{END_OF_FILE, SceneError, Stream, Target};
use crate::vocabulary::{
    Fact, Guess, Need, Os, PEEK, Receive, Sentence, SocketError, counted, measured, right, sources, specified, tcp,
    typical, udp, wrong,
};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    name: "compare",
    title: "TCP and UDP, difference by difference",
    question: "Tutorials tell TCP from UDP in five sentences. Which one holds exactly?",
    why: "TCP is a stream of bytes, in order and complete (RFC 9293 section 2.2); it has no messages, so none can \
          stick together. A UDP datagram (RFC 768) arrives at the socket whole or not at all, guarded by the same kind \
          of checksum as TCP's, which over IPv4 a UDP sender may leave out. What TCP adds is the complete stream, in \
          order and without duplicates, and the connection that this needs: a file descriptor for each peer, an end of \
          file, a waiting time after it. Which calls one uses is convention.",
    keys: &["udp-rest", "udp-three", "udp-in-part", "udp-listen", "udp-send"],
    guess: Guess {
        answers: &[
            wrong("\"TCP sticks messages together, UDP keeps them apart.\"", "tcp-rest"),
            wrong("\"TCP guarantees the integrity of a message, UDP does not.\"", "udp-in-part"),
            right("\"TCP sends a stream, UDP sends datagrams.\"", "udp-rest"),
            wrong("\"TCP uses send and recv, UDP sendto and recvfrom.\"", "udp-send"),
        ],
        because: "a short read leaves the rest of a stream; a short receive discards the rest of a datagram.",
    },
    example: "--clients 20",
    parameters: Parameters::of::<Compare>(),
    page: include_str!("../../demos/compare.md"),
    python: include_str!("../../demos/compare.py"),
};

#[derive(Args)]
struct Compare {
    /// Clients of the one server in scene 4, 1 to 100
    #[arg(long, value_name = "N", default_value = "5", value_parser = arguments::sockets)]
    clients: usize,
}

impl Scenes for Compare {
    fn scenes(self) -> Result<Vec<Scene>, String> {
        Ok(vec![
            stream_or_datagrams(),
            nothing_sticks(),
            complete_or_whole(),
            a_descriptor_or_none(self.clients),
            calls_are_convention(),
            end_of_file_or_none(),
            restart(),
            nobody_there(),
            the_address_of_the_answer(),
        ])
    }
}

fn stream_or_datagrams() -> Scene {
    let sentence = Sentence::put("TCP sends a stream, UDP datagrams")
        .holds_when(&["tcp-rest", "udp-rest"])
        .exactly("a short read leaves the rest; a short receive discards it.");
    let rest = "after 1 byte of \"hello\", the next read or receive returns";
    let peeked = "after a peek at \"hello\", a read or receive returns";
    let claims = [
        specified("tcp-rest", tcp(rest), &b"ello"[..], &sources::POSIX_RECV),
        specified("udp-rest", udp(rest), Fact::Nothing, &sources::POSIX_RECVFROM),
        specified("tcp-peek", tcp(peeked), &b"hello"[..], &sources::POSIX_RECV),
        specified("udp-peek", udp(peeked), &b"hello"[..], &sources::POSIX_RECVFROM),
    ];
    Scene::builder("stream", "1. stream against datagram", claims).tests(sentence).needs(Need::Tcp).run(|lab| {
        let (client, server) = lab.tcp_pair("client", "server")?;
        client.write(b"hello")?;
        server.wait_for(5);
        server.read(1);
        lab.observe("tcp-rest", server.read(100));
        client.write(b"hello")?;
        server.wait_for(5);
        match server.peek(100) {
            peeked if peeked == Fact::from(&b"hello"[..]) => lab.observe("tcp-peek", server.read(100)),
            peeked => lab.observe("tcp-peek", peeked),
        }

        let (client, server) = (lab.endpoint("client")?, lab.bind("server")?);
        client.send_to(b"hello", &server)?;
        match server.receive(1).buffer() {
            Fact::Bytes(_) => lab.observe("udp-rest", server.before_marker(100)?),
            nothing => lab.skip("udp-rest", format!("the first byte was not received: {nothing}")),
        }
        client.send_to(b"hello", &server)?;
        match server.receive(Receive::into(100).flags(PEEK)) {
            peeked if peeked.bytes() == b"hello" => lab.observe("udp-peek", server.before_marker(100)?),
            peeked => lab.observe("udp-peek", peeked),
        }
        Ok(())
    })
}

const THREE: [&[u8]; 3] = [b"one", b"two", b"three"];

fn nothing_sticks() -> Scene {
    let sentence = Sentence::put("TCP sticks messages together, UDP keeps boundaries")
        .holds_when(&["tcp-three", "udp-three", "udp-joined"])
        .exactly("TCP has no messages; reads may merge or split bytes anywhere.");
    let needed = "reads or receives for 3 messages";
    let claims = [
        typical("tcp-three", tcp(needed), 1, &sources::RFC9293_STREAM),
        typical("udp-three", udp(needed), 3, &sources::LOOPBACK),
        specified("udp-joined", udp("receives that are not one message"), 0, &sources::POSIX_RECVFROM),
    ];
    Scene::builder("messages", "2. TCP has no messages that could stick", claims).tests(sentence).needs(Need::Tcp).run(
        |lab| {
            let (client, server) = lab.tcp_pair("client", "server")?;
            THREE.iter().try_for_each(|message| client.write(message).map(drop))?;
            server.wait_for(THREE.concat().len());
            lab.observe("tcp-three", reads_for(&server, THREE.concat().len()));

            let (client, server) = (lab.endpoint("client")?, lab.bind("server")?);
            server.grow_receive_buffer(THREE.iter().map(|message| message.len()))?;
            THREE.iter().try_for_each(|message| client.send_to(message, &server).map(drop))?;
            let received = server.receive_until_marker(100)?;
            lab.observe("udp-three", received.count());
            received.required(1)?;
            lab.observe("udp-joined", received.iter().filter(|result| !THREE.contains(&result.bytes())).count());
            Ok(())
        },
    )
}

/// How many reads it takes to get `length` bytes; what one returned instead, where it brought none.
fn reads_for(stream: &Stream, length: usize) -> Fact {
    let (mut reads, mut received) = (0, 0);
    while received < length {
        match stream.read(100) {
            Fact::Bytes(bytes) if !bytes.is_empty() => received += bytes.len(),
            other => return other,
        }
        reads += 1;
    }
    Fact::from(reads)
}

fn complete_or_whole() -> Scene {
    const COUNT: usize = 1000;
    const PAYLOAD: [u8; 1000] = [0xfe; 1000];
    let sentence = Sentence::put("TCP guarantees the integrity of the message, UDP does not")
        .holds_when(&["tcp-missing"])
        .not_when(&["udp-in-part"])
        .exactly("both have checksums; a datagram arrives whole or not at all; TCP adds a complete stream.");
    let missing = "bytes missing, or datagrams in part";
    let claims = [
        specified("tcp-missing", tcp(missing), 0, &sources::RFC9293_STREAM),
        specified("udp-in-part", udp(missing), 0, &sources::RFC768),
        specified(
            "tcp-held",
            tcp("nobody reads: a write, not waiting"),
            SocketError::WouldBlock,
            &sources::RFC9293_FLOW,
        ),
        typical("udp-held", udp("nobody reads: failed sends of 1000"), 0, &sources::RFC8085_CONTROL)
            .cites_on(Os::Macos, &sources::XNU_LOOPBACK),
        typical("udp-missing", udp("kept + dropped, by kernel count"), COUNT, &sources::LINUX_DROPS).from_drop_count(),
        measured("udp-kept", udp("of these, kept"), &sources::SOCKET_7),
    ];
    Scene::builder("complete", "3. complete stream, or whole datagrams", claims).tests(sentence).needs(Need::Tcp).run(
        |lab| {
            let stopped = write_while_nobody_reads(lab)?;
            lab.observe("tcp-held", stopped.answer);
            lab.observe_or_skip("tcp-missing", stopped.missing);

            let payloads = (0..COUNT).map(|_| PAYLOAD.to_vec());
            let run = overfill(lab, 4096, payloads, PAYLOAD.len(), "udp-held")?;
            lab.observe("udp-held", run.failed_sends);
            lab.observe_or_skip("udp-missing", run.dropped.map(|dropped| run.received.count() + dropped));
            lab.observe("udp-kept", run.received.count());
            run.received.required(1)?;
            let in_part = run.received.iter().filter(|result| result.bytes() != PAYLOAD);
            lab.observe("udp-in-part", in_part.count());
            Ok(())
        },
    )
}

fn a_descriptor_or_none(count: usize) -> Scene {
    let sentence = Sentence::put("TCP depends on listen and accept, UDP needs neither")
        .holds_when(&["tcp-listen", "tcp-accept"])
        .loosely_when(&["udp-listen", "udp-accept"])
        .exactly("only a TCP server needs them; on UDP both are errors.");
    let descriptors = format!("file descriptors for {}", counted(count, "client"));
    let claims = [
        specified("tcp-listen", tcp("listen"), "success", &sources::POSIX_LISTEN),
        no_listen("udp-listen", udp("listen")),
        specified("tcp-accept", tcp("accept"), "success", &sources::POSIX_ACCEPT).needs(Need::Tcp),
        no_accept("udp-accept", udp("accept")),
        specified("tcp-descriptors", tcp(&*descriptors), count, &sources::POSIX_ACCEPT)
            .from_descriptor_count()
            .needs(Need::Tcp),
        specified("udp-descriptors", udp(&*descriptors), 0, &sources::RFC768).from_descriptor_count(),
    ];
    Scene::builder("descriptors", "4. listen and accept, or one socket for all", claims).tests(sentence).run(
        move |lab| {
            let server = lab.bind("server")?;
            lab.observe("udp-listen", server.listen());
            lab.observe("udp-accept", server.accept());
            let clients = lab.endpoints("client", count)?;
            let added = match server.grow_receive_buffer(clients.iter().map(|client| client.name().len())) {
                Err(SceneError::Skip(reason)) => Err(reason),
                grown => grown.and_then(|()| udp_descriptors_for(lab, &server, &clients, |_, _| Ok(())))?,
            };
            lab.observe_or_skip("udp-descriptors", added);

            let listener = lab.tcp_bind("server")?;
            lab.observe_success("tcp-listen", listener.listen())?;
            match tcp_descriptors_for(lab, &listener, count) {
                Err(SceneError::Call(error)) if error.is_of_an_accept() => lab.attempt::<()>("tcp-accept", Err(error)),
                added => {
                    lab.observe_or_skip("tcp-descriptors", added?);
                    lab.observe("tcp-accept", "success");
                    Ok(())
                }
            }
        },
    )
}

fn calls_are_convention() -> Scene {
    let sentence = Sentence::put("TCP uses send and recv, UDP sendto and recvfrom")
        .holds_when(&["tcp-send", "udp-no-peer"])
        .loosely_when(&["udp-send", "udp-recv"])
        .exactly("convention; once connected, UDP uses send and recv too.");
    let connected = "connected, send and recv carry";
    let no_peer = "send without a peer";
    let claims = [
        specified("tcp-send", tcp(connected), &b"hello"[..], &sources::POSIX_RECV),
        specified("udp-send", udp(connected), &b"hello"[..], &sources::POSIX_CONNECT),
        typical("tcp-no-peer", tcp(no_peer), SocketError::BrokenPipe, &sources::SEND_2)
            .on(Os::Macos, SocketError::NotConnected, &sources::XNU_SEND)
            .on(Os::Windows, SocketError::NotConnected, &sources::MS_SEND)
            .unlike_wine(),
        specified("udp-no-peer", udp(no_peer), SocketError::DestinationRequired, &sources::POSIX_SENDTO)
            .cites_on(Os::Macos, &sources::XNU_SEND)
            .on(Os::Windows, SocketError::NotConnected, &sources::MS_SEND)
            .unlike_wine(),
        specified("udp-recv", udp("recv without a peer returns"), &b"hello"[..], &sources::POSIX_RECV),
    ];
    Scene::builder("calls", "5. send or sendto: convention, not law", claims).tests(sentence).needs(Need::Tcp).run(
        |lab| {
            let (client, server) = lab.tcp_pair("client", "server")?;
            client.write(b"hello")?;
            server.wait_for(5);
            lab.observe("tcp-send", server.read(100));
            lab.observe("tcp-no-peer", lab.tcp_socket("client")?.write(b"hello"));

            let (client, server) = (lab.bind("client")?, lab.bind("server")?);
            lab.observe("udp-no-peer", client.send(b"hello"));
            client.connect(&server)?;
            server.connect(&client)?;
            client.send(b"hello")?;
            lab.observe("udp-send", server.receive(Receive::recv(100)));

            let (client, server) = (lab.bind("client 2")?, lab.bind("server 2")?);
            client.send_to(b"hello", &server)?;
            lab.observe("udp-recv", server.receive(Receive::recv(100)));
            Ok(())
        },
    )
}

fn end_of_file_or_none() -> Scene {
    let closed = "the peer closes; the next read or receive returns";
    let claims = [
        specified("tcp-close", tcp(closed), END_OF_FILE, &sources::POSIX_RECV),
        specified("udp-close", udp(closed), Fact::Nothing, &sources::RFC768),
        specified("udp-empty", udp("an empty message is received as"), &b""[..], &sources::RFC768),
        typical("udp-after-empty", udp("the receive after it returns"), &b"more"[..], &sources::LOOPBACK),
    ];
    Scene::builder("end-of-file", "end of file", claims).needs(Need::Tcp).run(|lab| {
        lab.observe("tcp-close", tcp_peer_closes(lab)?);
        lab.try_observe("udp-close", udp_peer_closes(lab))?;
        let (empty, more) = empty_datagram(lab, "udp-empty")?;
        lab.observe("udp-empty", empty);
        lab.observe("udp-after-empty", more);
        Ok(())
    })
}

fn restart() -> Scene {
    let rebind = "the server closes first, binds again";
    let claims =
        [time_wait("tcp-rebind", tcp(rebind)), specified("udp-rebind", udp(rebind), "success", &sources::RFC768)];
    Scene::builder("restart", "TIME-WAIT, or no state at all", claims).needs(Need::Tcp).run(|lab| {
        lab.observe("tcp-rebind", tcp_binds_again(lab)?);
        lab.observe("udp-rebind", udp_binds_again(lab)?);
        Ok(())
    })
}

fn nobody_there() -> Scene {
    let connect = "connect where nobody listens";
    let claims = [
        specified("tcp-connect", tcp(connect), SocketError::ConnectionRefused, &sources::POSIX_CONNECT)
            .cites_on(Os::Windows, &sources::MS_CONNECT)
            .needs(Need::Tcp),
        specified("udp-connect", udp(connect), "success", &sources::POSIX_CONNECT),
        specified("udp-first", udp("bytes that the first send takes"), 5, &sources::POSIX_SENDTO),
        refused("udp-next", udp("the receive after it")),
        measured("tcp-told-after", tcp("time until the error is returned"), &sources::UNSLOTH_11213).needs(Need::Tcp),
        measured("udp-told-after", udp("time until the error is returned"), &sources::UNSLOTH_11213),
    ];
    Scene::builder("nobody", "nobody there", claims).run(|lab| {
        let nobody = lab.closed_port("nobody")?;
        let client = lab.endpoint("client")?;
        lab.observe_success("udp-connect", client.connect(&nobody))?;
        let (returned, after) = lab.timed(|| {
            lab.observe("udp-first", client.send(b"hello"));
            Fact::from(client.receive(Receive::recv(100)))
        });
        lab.observe("udp-told-after", time_of_error(&returned, after));
        lab.observe("udp-next", returned);

        let nobody = lab.tcp_bind("nobody")?;
        let client = lab.tcp_socket("client")?;
        let (returned, after) = lab.timed(|| Fact::from(client.connect(&nobody)));
        lab.observe("tcp-told-after", time_of_error(&returned, after));
        lab.observe("tcp-connect", returned);
        Ok(())
    })
}

/// The time `after` which a call returned an error; what it `returned`, where that is none.
fn time_of_error(returned: &Fact, after: Duration) -> Fact {
    match returned {
        Fact::Error(_) => after.into(),
        other => other.clone(),
    }
}

fn the_address_of_the_answer() -> Scene {
    let connected = "a connected client receives";
    let claims = [
        specified("tcp-asked", tcp(connected), &b"Thanks"[..], &sources::RFC9293_STREAM),
        specified("udp-connected-hears", udp(connected), Fact::Nothing, &sources::CONNECT_2)
            .needs(Need::Icmp)
            .unconfirmed_on(Os::Windows)
            .cites_on(Os::Windows, &sources::MS_CONNECT),
        typical(
            "udp-unconnected-hears",
            udp("an unconnected client receives"),
            &b"Thanks"[..],
            &sources::RFC1122_MULTIHOMING,
        )
        .unconfirmed_on(Os::Windows),
        typical("udp-answers-from", udp("the answer comes from"), "127.0.0.1", &sources::RFC1122_MULTIHOMING)
            .unconfirmed_on(Os::Windows),
    ];
    let claims = claims.map(at_a_second_loopback);
    Scene::builder("address", "a server on 0.0.0.0, asked at 127.0.0.2", claims).needs(Need::Tcp).run(|lab| {
        let second = lab.second_loopback()?;

        let listener = lab.tcp_listener_everywhere("server")?;
        let client = lab.tcp_socket("client")?;
        client.connect(&listener.at(second))?;
        listener.accept()?.write(b"Thanks")?;
        lab.observe("tcp-asked", client.read(100));

        let server = lab.bind_everywhere("server")?;
        let asked = server.at(second);
        let received = unconnected_client_asks(lab, &asked, "udp-answers-from", || answer_by_sendto(&server))?;
        lab.observe("udp-answers-from", received.sender_ip());
        lab.observe("udp-unconnected-hears", received);
        lab.observe("udp-connected-hears", connected_client_asks(lab, &asked, || answer_by_sendto(&server))?);
        Ok(())
    })
}
