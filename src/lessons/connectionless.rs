//! UDP has no connection.
//!
//! Nothing is agreed before the first datagram and nothing is kept after the last. A send succeeds when the datagram has
//! left; whether anybody is there is not known. One server socket therefore serves every client, and each may come, go
//! and restart without the other end being told.

use clap::Args;

use super::concurrency::{answer_to, answered};
use super::{Lesson, Parameters, Scene, Scenes, parameters};
use crate::lab::Target;
use crate::vocabulary::{Fact, Guess, Need, Os, SocketError, promised, sources, usual};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    name: "connectionless",
    title: "UDP has no connection",
    question: "A client sends to a port where nobody listens. Does it notice?",
    why: "UDP has no handshake and keeps no state (RFC 768), so a successful send says only that the datagram has left. \
          The other host may answer with an ICMP message (RFC 1122 section 4.1.3.1). Linux and macOS hand it only to a \
          connected socket, once, at its next call; Windows also to an unconnected one (10054). One socket serves every \
          client, where TCP needs a descriptor for each. Nobody lets a sender in first: what arrives while an answer is \
          awaited may be a stranger's. Look at its sender, or connect.",
    guess: Guess {
        answers: &[
            "Yes: the send fails.",
            "Yes: it waits for an answer and runs into a timeout.",
            "Only if its socket is connected, and then at its next call.",
            "No, never: UDP has no answers.",
        ],
        right: 2,
        row: "connected-hears",
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
        promised("unconnected-hears", "the sender is then told", Fact::Nothing, &sources::UDP_7)
            .on(Os::Windows, reset.clone())
            .unlike_wine(),
        promised("connected-send", "connected: bytes sent there", 5, &sources::POSIX_SENDTO),
        promised("connected-hears", "connected: the next call returns", told, &sources::RFC1122_UDP_ERRORS)
            .on(Os::Windows, reset)
            .unlike_wine(),
        promised("told-once", "connected: the call after it", Fact::Nothing, &sources::UDP_7),
        promised("tcp-to-nobody", "TCP: connect to such a port", told, &sources::POSIX_CONNECT),
    ];
    Scene::claims("nobody listens", claims).run(|lab| {
        let nobody = lab.reserve("nobody")?;

        let unconnected = lab.bind("client")?;
        lab.observe("send-to-nobody", unconnected.send_to(b"hello", &nobody));
        lab.observe("unconnected-hears", unconnected.before_fence(1024)?);

        let connected = lab.endpoint("connected client")?;
        connected.connect(&nobody)?;
        lab.observe("connected-send", connected.send(b"hello"));
        lab.observe("connected-hears", connected.receive(1024));
        lab.observe("told-once", connected.receive_now(1024)?);

        let no_listener = lab.tcp_reserve("nobody")?;
        lab.observe("tcp-to-nobody", lab.tcp_connect("client", &no_listener).map(drop));
        Ok(())
    })
}

fn no_listen_no_accept() -> Scene {
    let unsupported = SocketError::NotSupported;
    let claims = [
        promised("listen", "listen on a UDP socket", unsupported, &sources::POSIX_LISTEN).unconfirmed_on(Os::Macos),
        promised("accept", "accept on a UDP socket", unsupported, &sources::POSIX_ACCEPT).unconfirmed_on(Os::Macos),
    ];
    Scene::claims("there is nothing to listen for", claims).run(|lab| {
        let server = lab.bind("server")?;
        lab.observe("listen", server.listen());
        lab.observe("accept", server.accept());
        Ok(())
    })
}

fn no_bind() -> Scene {
    let claims = [
        promised("port-before", "an unbound client has port", 0, &sources::UDP_7)
            .on(Os::Windows, SocketError::InvalidArgument.on(Os::Windows))
            .unconfirmed_on(Os::Windows),
        promised("port-after", "its first send gets it a port", "yes", &sources::UDP_7),
        promised("port-stays", "its next send has the same port", "yes", &sources::UDP_7),
    ];
    Scene::claims("a client needs no bind", claims).run(|lab| {
        let yes_no = |yes| if yes { "yes" } else { "no" };
        let server = lab.bind("server")?;
        let client = lab.endpoint("client")?;
        lab.observe("port-before", client.port().map(usize::from));
        client.send_to(b"one", &server)?;
        let port = client.port()?;
        lab.observe("port-after", yes_no(port != 0));
        client.send_to(b"two", &server)?;
        let received = server.receive_until_fence(1024)?;
        let mut ports: Vec<_> = received.iter().filter_map(|receipt| receipt.sender_port()).collect();
        ports.dedup();
        lab.observe("port-stays", if ports.is_empty() { Fact::Nothing } else { yes_no(ports == [port]).into() });
        Ok(())
    })
}

fn one_socket_for_all(count: usize) -> Scene {
    let claims = [
        usual("answered", format!("of {} got their own answer", parameters::counted(count, "client")), count, &sources::UNP_ITERATIVE),
        promised("descriptors", "descriptors the server adds for them", 0, &sources::RFC768)
            .absent_on(Os::Windows, "Windows counts handles, not descriptors")
            .needs(Need::Descriptors),
        promised("tcp-descriptors", "TCP: descriptors the server adds", count, &sources::POSIX_ACCEPT)
            .absent_on(Os::Windows, "Windows counts handles, not descriptors")
            .needs(Need::Descriptors),
    ];
    Scene::claims("one socket serves all", claims).run(move |lab| {
        let server = lab.bind("server")?;
        let clients = lab.endpoints("client", count)?;
        server.make_room(clients.iter().map(|client| client.name().len()))?;
        for client in &clients {
            client.send_to(client.name().as_bytes(), &server)?;
        }
        let before = lab.open_descriptors();
        for _ in &clients {
            let request = server.receive(1024);
            server.answer(&request, &answer_to(request.bytes()))?;
        }
        let added = lab.descriptors_since(before);
        lab.observe("answered", answered(&clients)?);
        lab.observe_or_skip("descriptors", added);
        drop(clients);

        let listener = lab.tcp_listener("server")?;
        let mut connections = Vec::new();
        for n in 1..=count {
            connections.push(lab.tcp_connect(&format!("client {n}"), &listener)?);
        }
        let before = lab.open_descriptors();
        for _ in 0..count {
            connections.push(listener.accept()?);
        }
        let added = lab.descriptors_since(before);
        lab.observe_or_skip("tcp-descriptors", added);
        Ok(())
    })
}

fn connect_sends_nothing() -> Scene {
    let claims = [
        promised("connect", "connect to a UDP server returns", "success", &sources::POSIX_CONNECT),
        promised("connect-sends", "the server hears of it", Fact::Nothing, &sources::POSIX_CONNECT),
    ];
    Scene::claims("connect sends nothing", claims).run(|lab| {
        let server = lab.bind("server")?;
        let client = lab.endpoint("client")?;
        lab.observe("connect", client.connect(&server));
        lab.observe("connect-sends", server.before_fence(1024)?);
        Ok(())
    })
}

fn before_the_server() -> Scene {
    let claims = [
        promised("too-early", "bytes sent before the server exists", 5, &sources::POSIX_SENDTO),
        promised("not-kept", "the server, once there, finds", Fact::Nothing, &sources::RFC1122_PORTS),
    ];
    Scene::claims("nothing is kept for later", claims).run(|lab| {
        let port = lab.reserve("server")?;
        let client = lab.bind("client")?;
        lab.observe("too-early", client.send_to(b"early", &port));
        let server = lab.bind_at("server", &port)?;
        lab.observe("not-kept", server.before_fence(1024)?);
        Ok(())
    })
}

fn sender_closes_at_once() -> Scene {
    let claims = [usual("after-close", "sent, then closed: the server gets", &b"bye"[..], &sources::RFC768)];
    Scene::claims("the sender need not wait", claims).run(|lab| {
        let server = lab.bind("server")?;
        let client = lab.endpoint("client")?;
        client.send_to(b"bye", &server)?;
        client.close();
        lab.observe("after-close", server.before_fence(1024)?);
        Ok(())
    })
}

fn the_server_restarts() -> Scene {
    let claims = [
        usual("before-restart", "the server gets", &b"one"[..], &sources::RFC768),
        usual("after-restart", "after its restart it gets", &b"two"[..], &sources::RFC768),
        promised("client-notices", "the client notices", Fact::Nothing, &sources::RFC768),
    ];
    Scene::claims("a restart goes unnoticed", claims).run(|lab| {
        let port = lab.reserve("server")?;
        let client = lab.bind("client")?;

        let server = lab.bind_at("server", &port)?;
        client.send_to(b"one", &port)?;
        lab.observe("before-restart", server.before_fence(1024)?);
        server.close();

        let server = lab.bind_at("server", &port)?;
        client.send_to(b"two", &port)?;
        lab.observe("after-restart", server.before_fence(1024)?);
        lab.observe("client-notices", client.before_fence(1024)?);
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
    Scene::claims("there is no end of file", claims).run(|lab| {
        let server = lab.bind("server")?;
        let client = lab.bind("client")?;
        client.send_to(b"hello", &server)?;
        server.receive(1024);
        client.close();
        lab.observe("peer-closes", server.before_fence(1024)?);

        let client = lab.endpoint("client")?;
        client.send_to(b"", &server)?;
        client.send_to(b"more", &server)?;
        lab.observe("empty-is-not-end", server.receive(1024));
        lab.observe("after-empty", server.receive(1024));

        let (client, server) = lab.tcp_pair("client", "server")?;
        client.close();
        lab.observe("tcp-peer-closes", server.read(1024));
        Ok(())
    })
}
