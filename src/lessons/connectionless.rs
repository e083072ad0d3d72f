//! UDP has no connection.
//!
//! Nothing is agreed before the first datagram and nothing is kept after the last. A send succeeds when the system has
//! taken the datagram; whether anybody is there is not known. One server socket therefore serves every client, and each
//! may come, go and restart without the other end being told.

use clap::Args;

use super::{Lesson, Parameters, Scene, Scenes, parameters};
use crate::experiments::{
    answer_to, answered, empty_datagram, tcp_descriptors_for, tcp_peer_closes, udp_descriptors_for, udp_peer_closes,
};
use crate::lab::{ReceiveResult, SceneError, Target};
use crate::vocabulary::{Fact, Guess, Need, Os, Receive, SocketError, promised, sources, usual};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    name: "connectionless",
    title: "UDP has no connection",
    question: "A client sends to a port where nobody listens. Does it notice?",
    why: "UDP has no handshake and keeps no state (RFC 768), so a successful send says only that the system has taken \
          the datagram. The other host may answer with an ICMP message (RFC 1122 section 4.1.3.1). By default Linux and \
          macOS hand it only to a connected socket, once, at its next call; Windows also to an unconnected one (10054). \
          One socket serves every client, where TCP needs a descriptor for each. Nobody lets a sender in first: what \
          arrives while an answer is awaited may be another program's. Look at its sender, or connect.",
    answer: "The send succeeded ({connected-send} bytes). A connected socket got {connected-hears} from its next receive; \
             an unconnected one was told {unconnected-hears}.",
    keys: &["unconnected-hears", "send-to-nobody", "connected-hears", "tcp-to-nobody"],
    guess: Guess {
        answers: &[
            "Yes: the send fails.",
            "Yes: it waits for an answer and runs into a timeout.",
            "Only if its socket is connected, and then at its next receive.",
            "No, never: UDP has no answers.",
        ],
        right: 2,
        row: "connected-hears",
        because: "the refusal comes back as an ICMP message, which the system reports to a connected socket at its next call.",
    },
    example: "--clients 20",
    parameters: Parameters::of::<Connectionless>(),
};

#[derive(Args)]
struct Connectionless {
    /// Clients of the one server socket, 1 to 100
    #[arg(long, value_name = "N", default_value = "5", value_parser = parameters::clients)]
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
    let told = SocketError::ConnectionRefused;
    let reset = SocketError::ConnectionReset.on(Os::Windows);
    let claims = [
        promised("send-to-nobody", "bytes sent to a port where nobody listens", 5, &sources::POSIX_SENDTO),
        usual("unconnected-hears", "the sender is then told", Fact::Nothing, &sources::UNP_ERRORS)
            .cites_on(Os::Macos, &sources::XNU_ICMP)
            .on(Os::Windows, reset.clone())
            .cites_on(Os::Windows, &sources::MS_RECVFROM)
            .unlike_wine(),
        promised("connected-send", "connected: bytes sent there", 5, &sources::POSIX_SENDTO),
        usual("connected-hears", "connected: the next receive returns", told, &sources::UDP_7)
            .cites_on(Os::Macos, &sources::XNU_ICMP)
            .on(Os::Windows, reset)
            .cites_on(Os::Windows, &sources::MS_RECVFROM)
            .unlike_wine(),
        promised("told-once", "connected: the receive after it", Fact::Nothing, &sources::SOCKET_7_ERROR)
            .cites_on(Os::Macos, &sources::XNU_RECEIVE)
            .cites_on(Os::Windows, &sources::WINE_UDP)
            .unlike_wine(),
        promised("tcp-to-nobody", "TCP: connect to such a port", told, &sources::POSIX_CONNECT)
            .cites_on(Os::Windows, &sources::MS_CONNECT),
    ];
    Scene::claims("nobody", "nobody listens", claims).run(|lab| {
        let nobody = lab.closed_port("nobody")?;

        let unconnected = lab.bind("client")?;
        let sent = lab.attempt("send-to-nobody", unconnected.send_to(b"hello", &nobody))?;
        lab.observe("send-to-nobody", sent);
        // Every call that could tell is asked.
        let received = Fact::from(unconnected.before_marker(1024)?);
        let sent = unconnected.send_to(b"again", &nobody);
        lab.observe(
            "unconnected-hears",
            if received == Fact::Nothing { sent.map_or_else(Fact::from, |_| received) } else { received },
        );

        let connected = lab.endpoint("connected client")?;
        lab.attempt("connected-send", connected.connect(&nobody))?;
        lab.observe("connected-send", connected.send(b"hello"));
        let first = connected.receive(1024);
        let told = matches!(first, ReceiveResult::Failed { .. });
        lab.observe("connected-hears", first);
        match told {
            true => lab.observe("told-once", connected.receive(Receive::into(1024).without_waiting())),
            false => lab.skip("told-once", "no error was reported before"),
        }

        let no_listener = lab.tcp_bind("nobody")?;
        let client = lab.tcp_socket("client")?;
        lab.observe("tcp-to-nobody", client.connect(&no_listener));
        Ok(())
    })
}

fn no_listen_no_accept() -> Scene {
    let unsupported = SocketError::NotSupported;
    let claims = [
        promised("listen", "listen on a UDP socket", unsupported, &sources::POSIX_LISTEN)
            .cites_on(Os::Macos, &sources::XNU_LISTEN)
            .cites_on(Os::Windows, &sources::WINE_LISTEN),
        promised("accept", "accept on a UDP socket", unsupported, &sources::POSIX_ACCEPT)
            .cites_on(Os::Macos, &sources::XNU_ACCEPT)
            .cites_on(Os::Windows, &sources::MS_ACCEPT),
    ];
    Scene::claims("listen", "there is nothing to listen for", claims).run(|lab| {
        let server = lab.bind("server")?;
        lab.observe("listen", server.listen());
        lab.observe("accept", server.accept());
        Ok(())
    })
}

fn no_bind() -> Scene {
    let claims = [
        usual("port-before", "an unbound client has port", 0, &sources::POSIX_GETSOCKNAME)
            .on(Os::Windows, SocketError::InvalidArgument.on(Os::Windows))
            .cites_on(Os::Windows, &sources::MS_GETSOCKNAME),
        promised("port-after", "its first send gets it a port", "yes", &sources::UDP_7)
            .cites_on(Os::Macos, &sources::XNU_BIND)
            .cites_on(Os::Windows, &sources::MS_SENDTO),
        promised("port-stays", "its next send has the same port", "yes", &sources::UDP_7)
            .cites_on(Os::Macos, &sources::XNU_BIND)
            .cites_on(Os::Windows, &sources::MS_SENDTO),
    ];
    Scene::claims("no-bind", "a client needs no bind", claims).run(|lab| {
        let yes_no = |yes| if yes { "yes" } else { "no" };
        let server = lab.bind("server")?;
        let client = lab.endpoint("client")?;
        lab.observe("port-before", client.port().map(usize::from));
        lab.attempt("port-after", client.send_to(b"one", &server))?;
        let port = client.port()?;
        lab.observe("port-after", yes_no(port != 0));
        client.send_to(b"two", &server)?;
        let received = server.receive_until_marker(1024)?;
        let ports: Vec<_> = received.iter().filter_map(|result| result.sender_port()).collect();
        match (ports.as_slice(), received.set_aside()) {
            ([first, second], _) => lab.observe("port-stays", yes_no([*first, *second] == [port; 2])),
            // What is missing came, from a port that nobody knows.
            (_, 1..) => lab.observe("port-stays", yes_no(false)),
            (_, 0) => lab.skip("port-stays", format!("{} of 2 datagrams were received", ports.len())),
        }
        Ok(())
    })
}

fn one_socket_for_all(count: usize) -> Scene {
    let claims = [
        usual(
            "answered",
            format!("of {} got their own answer", parameters::counted(count, "client")),
            count,
            &sources::UNP_ITERATIVE,
        ),
        promised("descriptors", "descriptors the server adds for them", 0, &sources::RFC768)
            .absent_on(Os::Windows, "Windows counts handles, not descriptors")
            .needs(Need::Descriptors),
        promised("tcp-descriptors", "TCP: descriptors the server adds", count, &sources::POSIX_ACCEPT)
            .absent_on(Os::Windows, "Windows counts handles, not descriptors")
            .needs(Need::Descriptors),
    ];
    Scene::claims("one-socket", "one socket serves all", claims).run(move |lab| {
        let server = lab.bind("server")?;
        let clients = lab.endpoints("client", count)?;
        server.make_room(clients.iter().map(|client| client.name().len()))?;
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
        promised("connect", "connect to a UDP server returns", "success", &sources::POSIX_CONNECT),
        promised("connect-sends", "the server hears of it", Fact::Nothing, &sources::POSIX_CONNECT),
    ];
    Scene::claims("connect", "connect sends nothing", claims).run(|lab| {
        let server = lab.bind("server")?;
        let client = lab.endpoint("client")?;
        lab.attempt("connect", client.connect(&server))?;
        lab.observe("connect", "success");
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
        promised("too-early", "bytes sent before the server exists", 5, &sources::POSIX_SENDTO),
        promised("not-kept", "the server, once there, finds", Fact::Nothing, &sources::RFC1122_PORTS),
    ];
    Scene::claims("too-early", "nothing is kept for later", claims).run(|lab| {
        let port = lab.closed_port("server")?;
        let client = lab.bind("client")?;
        let sent = lab.attempt("too-early", client.send_to(b"early", &port))?;
        lab.observe("too-early", sent);
        // When its answer has come, the datagram is no longer under way.
        client.await_refusals()?;
        let server = lab.bind_at("server", &port)?;
        client.send_to(b"later", &server)?;
        lab.observe("not-kept", before(server.receive(1024), b"later")?);
        Ok(())
    })
}

fn sender_closes_at_once() -> Scene {
    let claims = [usual("after-close", "sent, then closed: the server gets", &b"bye"[..], &sources::RFC768)];
    Scene::claims("sender-closes", "the sender need not wait", claims).run(|lab| {
        let server = lab.bind("server")?;
        let client = lab.endpoint("client")?;
        client.send_to(b"bye", &server)?;
        client.close();
        lab.observe("after-close", server.before_marker(1024)?);
        Ok(())
    })
}

fn the_server_restarts() -> Scene {
    let claims = [
        usual("before-restart", "the server gets", &b"one"[..], &sources::RFC768),
        usual("after-restart", "after its restart it gets", &b"two"[..], &sources::RFC768),
        promised("client-notices", "the client notices", Fact::Nothing, &sources::RFC768),
    ];
    Scene::claims("restart", "a restart goes unnoticed", claims).run(|lab| {
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
        promised("peer-closes", "the peer closes: a receive finds", Fact::Nothing, &sources::RFC768),
        promised("empty-is-not-end", "an empty datagram is received as", &b""[..], &sources::RFC768),
        usual("after-empty", "and the receive after it returns", &b"more"[..], &sources::LOOPBACK),
        promised("tcp-peer-closes", "TCP: the peer closes: a read finds", "end of file", &sources::POSIX_RECV),
    ];
    Scene::claims("end-of-file", "there is no end of file", claims).run(|lab| {
        match udp_peer_closes(lab) {
            Err(SceneError::Skip(reason)) => lab.skip("peer-closes", reason),
            received => lab.observe("peer-closes", received?),
        }
        lab.observe("tcp-peer-closes", tcp_peer_closes(lab)?);
        let (empty, more) = empty_datagram(lab, "empty-is-not-end")?;
        lab.observe("empty-is-not-end", empty);
        lab.observe("after-empty", more);
        Ok(())
    })
}
