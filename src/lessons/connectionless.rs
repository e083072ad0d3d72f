//! UDP has no connection.
//!
//! Nothing is agreed before the first datagram and nothing is kept after the last. A send succeeds when the system has
//! taken the datagram; whether anybody is there is not known. One server socket therefore serves every client, and each
//! may come, go and restart without the other end being told.

use clap::Args;

use super::claims::{bound_by_sendto, no_accept, no_listen, no_port, refused, refused_once, unconnected_refused};
use super::{Lesson, Parameters, Scene, Scenes};
use crate::arguments;
use crate::experiments::{
    answer_to, answered, empty_datagram, tcp_descriptors_for, tcp_peer_closes, told_connected, told_unconnected,
    udp_descriptors_for, udp_peer_closes,
};
use crate::lab::{END_OF_FILE, ReceiveResult, SceneError, Target};
use crate::vocabulary::{Fact, Guess, Need, Os, SocketError, counted, right, sources, specified, typical, wrong};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    name: "connectionless",
    title: "UDP has no connection",
    question: "A client sends to a port where nobody listens. Does its program get an error?",
    why: "UDP has no handshake and keeps no state: RFC 768 describes neither. So a successful send says only that the \
          system has taken the datagram. The other host may answer with an ICMP message (RFC 1122 section 4.1.3.1). By \
          default Linux and macOS hand it only to a connected socket, once, at its next call; Windows also to an \
          unconnected one (10054). One socket serves every client, where TCP needs a file descriptor for each. A UDP \
          socket accepts datagrams from everybody: what arrives while a reply is awaited may be another program's. \
          Look at its sender, or connect.",
    keys: &["unconnected-hears", "send-to-nobody", "connected-hears", "tcp-to-nobody"],
    guess: Guess {
        answers: &[
            wrong("Yes: the send fails.", "send-to-nobody"),
            wrong("Yes: a timeout, after some seconds without an answer.", "unconnected-hears"),
            right("Only at a later call; on Linux and macOS only if its socket is connected.", "connected-hears"),
            wrong("No, never: UDP has no answers.", "connected-hears"),
        ],
        because: "the refusal comes back as an ICMP message, which the system reports to a connected socket at a later \
                  call.",
    },
    example: "--clients 20",
    parameters: Parameters::of::<Connectionless>(),
    page: include_str!("../../demos/connectionless.md"),
    python: include_str!("../../demos/connectionless.py"),
};

#[derive(Args)]
struct Connectionless {
    /// Clients of the one server socket, 1 to 100
    #[arg(long, value_name = "N", default_value = "5", value_parser = arguments::sockets)]
    clients: usize,
}

impl Scenes for Connectionless {
    fn scenes(self) -> Result<Vec<Scene>, String> {
        Ok(vec![
            nobody_listens(),
            no_listen_no_accept(),
            no_bind(),
            one_socket_for_all(self.clients),
            connect_sends_nothing(),
            before_the_server(),
            sender_closes_at_once(),
            the_server_restarts(),
            no_end_of_file(),
        ])
    }
}

fn nobody_listens() -> Scene {
    let claims = [
        specified("send-to-nobody", "unconnected: sendto returns", 5, &sources::POSIX_SENDTO),
        unconnected_refused("unconnected-hears", "unconnected: error later"),
        specified("connected-send", "connected: send returns", 5, &sources::POSIX_SENDTO).needs(Need::Icmp),
        refused("connected-hears", "connected: next receive"),
        refused_once("told-once", "connected: receive after that"),
        specified("tcp-to-nobody", "TCP: connect returns", SocketError::ConnectionRefused, &sources::POSIX_CONNECT)
            .cites_on(Os::Windows, &sources::MS_CONNECT)
            .needs(Need::Icmp)
            .needs(Need::Tcp),
    ];
    let answer = "sendto returned {send-to-nobody byte}; later error: {unconnected-hears}. On a connected socket the \
                  next receive returned {connected-hears}. TCP: connect returned {tcp-to-nobody}.";
    Scene::builder("nobody", "nobody listens", claims).answer(answer).run(|lab| {
        let nobody = lab.closed_port("nobody")?;

        let unconnected = lab.bind("client")?;
        lab.observe_success("send-to-nobody", unconnected.send_to(b"hello", &nobody))?;
        lab.observe("unconnected-hears", told_unconnected(&unconnected, &nobody)?);

        let connected = lab.endpoint("connected client")?;
        lab.attempt("connected-send", connected.connect(&nobody))?;
        lab.observe("connected-send", connected.send(b"hello"));
        let (next, after) = told_connected(&connected);
        lab.observe("connected-hears", next);
        lab.observe_or_skip("told-once", after);

        let no_listener = lab.tcp_bind("nobody")?;
        let client = lab.tcp_socket("client")?;
        lab.observe("tcp-to-nobody", client.connect(&no_listener));
        Ok(())
    })
}

fn no_listen_no_accept() -> Scene {
    let claims =
        [no_listen("listen", "listen on a UDP socket returns"), no_accept("accept", "accept on a UDP socket returns")];
    let answer = "On a UDP socket listen returned {listen}, accept {accept}.";
    Scene::builder("listen", "there is nothing to listen for", claims).answer(answer).run(|lab| {
        let server = lab.bind("server")?;
        lab.observe("listen", server.listen());
        lab.observe("accept", server.accept());
        Ok(())
    })
}

fn no_bind() -> Scene {
    let claims = [
        no_port("port-before", "port of an unbound client"),
        bound_by_sendto("port-after", "does its first sendto bind a port?", true),
        bound_by_sendto("port-stays", "does its next sendto keep that port?", true),
    ];
    let answer = "Port before the first sendto: {port-before}. A port after it: {port-after}; the same at the next: \
                  {port-stays}.";
    Scene::builder("no-bind", "a client needs no bind", claims).answer(answer).run(|lab| {
        let server = lab.bind("server")?;
        let client = lab.endpoint("client")?;
        lab.observe("port-before", client.port().map(usize::from));
        lab.attempt("port-after", client.send_to(b"one", &server))?;
        let port = client.port()?;
        lab.observe("port-after", port != 0);
        client.send_to(b"two", &server)?;
        let received = server.receive_until_marker(1024)?;
        let ports: Vec<_> = received.iter().filter_map(|result| result.sender_port()).collect();
        match (ports.as_slice(), received.set_aside()) {
            ([first, second], _) => lab.observe("port-stays", [*first, *second] == [port; 2]),
            // The missing datagram arrived, but from an unknown port, and was set aside.
            (_, 1..) => lab.observe("port-stays", false),
            (_, 0) => lab.skip("port-stays", format!("{} of 2 datagrams were received", ports.len())),
        }
        Ok(())
    })
}

fn one_socket_for_all(count: usize) -> Scene {
    let claims = [
        typical(
            "answered",
            format!("of {}, received their own reply", counted(count, "client")),
            count,
            &sources::UNP_ITERATIVE,
        ),
        specified("descriptors", "file descriptors the server adds", 0, &sources::RFC768).from_descriptor_count(),
        specified("tcp-descriptors", "TCP: file descriptors the server adds", count, &sources::POSIX_ACCEPT)
            .from_descriptor_count()
            .needs(Need::Tcp),
    ];
    let answer = "{answered client} received their own reply. File descriptors that this cost the server: \
                  {descriptors}; over TCP {tcp-descriptors}.";
    Scene::builder("one-socket", "one socket serves all", claims).answer(answer).run(move |lab| {
        let server = lab.bind("server")?;
        let clients = lab.endpoints("client", count)?;
        server.grow_receive_buffer(clients.iter().map(|client| client.name().len()))?;
        let added = udp_descriptors_for(lab, &server, &clients, |request, client| {
            lab.attempt("answered", server.send_to(&answer_to(request), client)).map(drop)
        })?;
        lab.observe_or_skip("descriptors", added);
        lab.observe("answered", answered(&clients)?);
        drop(clients);

        let listener = lab.tcp_listener("server")?;
        lab.observe_or_skip("tcp-descriptors", tcp_descriptors_for(lab, &listener, count)?);
        Ok(())
    })
}

fn connect_sends_nothing() -> Scene {
    let claims = [
        specified("connect", "connect to a UDP server returns", "success", &sources::POSIX_CONNECT),
        specified("connect-sends", "the server then receives", Fact::Nothing, &sources::POSIX_CONNECT),
    ];
    let answer = "connect returned {connect}. The server received {connect-sends}.";
    Scene::builder("connect", "connect sends nothing", claims).answer(answer).run(|lab| {
        let server = lab.bind("server")?;
        let client = lab.endpoint("client")?;
        lab.observe_success("connect", client.connect(&server))?;
        client.send(b"hello")?;
        lab.observe("connect-sends", before(server.receive(1024), b"hello")?);
        Ok(())
    })
}

/// What was received before `payload`, which was sent last.
fn before(received: ReceiveResult, payload: &[u8]) -> Result<Fact, SceneError> {
    let received = received.required("what was sent last")?;
    Ok(if received.bytes == payload { Fact::Nothing } else { Fact::from(received.bytes) })
}

fn before_the_server() -> Scene {
    let claims = [
        specified("too-early", "no server yet: sendto returns", 5, &sources::POSIX_SENDTO),
        specified("not-kept", "the server, started later, receives", Fact::Nothing, &sources::RFC1122_PORTS)
            .needs(Need::Icmp),
    ];
    let answer =
        "sendto returned {too-early byte} before there was a server. The server, started later, received {not-kept}.";
    Scene::builder("too-early", "nothing is kept for later", claims).answer(answer).run(|lab| {
        let port = lab.closed_port("server")?;
        let client = lab.bind("client")?;
        lab.observe_success("too-early", client.send_to(b"early", &port))?;
        // When its answer has come, the datagram is no longer under way.
        client.await_refusals()?;
        let server = lab.bind_at("server", &port)?;
        client.send_to(b"later", &server)?;
        lab.observe("not-kept", before(server.receive(1024), b"later")?);
        Ok(())
    })
}

fn sender_closes_at_once() -> Scene {
    let claims = [typical("after-close", "sent, then closed: received", "adiós".as_bytes(), &sources::LOOPBACK)];
    let answer = "The client sent and closed its socket at once. The server received {after-close}.";
    Scene::builder("sender-closes", "the sender need not wait", claims).answer(answer).run(|lab| {
        let server = lab.bind("server")?;
        let client = lab.endpoint("client")?;
        client.send_to("adiós".as_bytes(), &server)?;
        client.close();
        lab.observe("after-close", server.before_marker(1024)?);
        Ok(())
    })
}

fn the_server_restarts() -> Scene {
    let claims = [
        typical("before-restart", "before its restart the server receives", &b"one"[..], &sources::LOOPBACK),
        typical("after-restart", "after its restart the server receives", &b"two"[..], &sources::LOOPBACK),
        specified("client-notices", "error reported to the client", Fact::Nothing, &sources::RFC768),
    ];
    let answer = "The server received {before-restart}, was restarted and received {after-restart}. Error reported to \
                  the client: {client-notices}.";
    Scene::builder("restart", "a restart of the server", claims).answer(answer).run(|lab| {
        let port = lab.closed_port("server")?;
        let client = lab.bind("client")?;

        let server = lab.bind_at("server", &port)?;
        client.send_to(b"one", &port)?;
        let before = server.before_marker(1024)?;
        lab.observe("before-restart", &before);
        server.close();

        let server = lab.bind_at("server", &port)?;
        lab.attempt("client-notices", client.send_to(b"two", &port))?;
        let after = server.before_marker(1024)?;
        lab.observe("after-restart", &after);
        match before.is_datagram() && after.is_datagram() {
            true => lab.observe("client-notices", client.before_marker(1024)?),
            false => lab.skip("client-notices", "the server did not receive before and after its restart"),
        }
        Ok(())
    })
}

fn no_end_of_file() -> Scene {
    let claims = [
        specified("peer-closes", "the peer closes: recvfrom returns", Fact::Nothing, &sources::RFC768),
        specified("empty-is-not-end", "an empty datagram: recvfrom returns", &b""[..], &sources::RFC768)
            .needs(Need::Tcp),
        typical("after-empty", "the next receive returns", &b"more"[..], &sources::LOOPBACK).needs(Need::Tcp),
        specified("tcp-peer-closes", "TCP: the peer closes: read returns", END_OF_FILE, &sources::POSIX_RECV)
            .needs(Need::Tcp),
    ];
    let answer = "The peer closed its socket: recvfrom returned {peer-closes}. An empty datagram: {empty-is-not-end}, \
                  and then {after-empty}. Over TCP read returned {tcp-peer-closes}.";
    Scene::builder("end-of-file", "there is no end of file", claims).answer(answer).run(|lab| {
        lab.try_observe("peer-closes", udp_peer_closes(lab))?;
        lab.observe("tcp-peer-closes", tcp_peer_closes(lab)?);
        let (empty, more) = empty_datagram(lab, "empty-is-not-end")?;
        lab.observe("empty-is-not-end", empty);
        lab.observe("after-empty", more);
        Ok(())
    })
}
