//! What connect does to a UDP socket.
//!
//! It is a matter of the caller's own system: the socket is given a peer and a local address, and nothing is sent. From
//! then on the system passes only the peer's datagrams to the socket. Linux and macOS look at that when a datagram
//! arrives, so what was queued before stays.

use std::net::Ipv4Addr;

use clap::Args;

use super::{Lesson, Parameters, Scene, Scenes};
use crate::arguments;
use crate::kernel::option::BROADCAST;
use crate::lab::{AllReceived, Lab, ReceiveResult, SceneError, Target};
use crate::vocabulary::{
    Fact, Guess, Need, Os, PEEK, Peer, Receive, SocketError, right, sources, specified, typical, wrong,
};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    name: "connect",
    title: "connect sets a peer and sends nothing",
    question: "What does connect() do to a UDP socket?",
    why: "connect makes no connection: on a datagram socket it sets the peer, to whom send sends and from whom alone \
          the socket receives later (POSIX). Nothing is sent, so the peer cannot know. Linux and macOS look at the \
          sender when a datagram arrives, so what was queued before stays. By the route to the peer connect also \
          chooses the local address, which getsockname tells (Stevens, section 8.14). Whether sendto may still name \
          another address is the system's choice. connect to AF_UNSPEC takes the peer away again.",
    keys: &["sends", "other", "early", "sendto-other", "local"],
    guess: Guess {
        answers: &[
            wrong("It sends a datagram, and the server's answer makes the connection.", "sends"),
            wrong("It only saves the program from naming the address in each sendto.", "other"),
            right("It sends nothing; of what arrives later, the socket receives only what its peer sends.", "other"),
            wrong("It fails: UDP has no connections.", "nobody"),
        ],
        because: "of what arrives after connect, the system passes to the socket what its peer sends, and nothing \
                  else.",
    },
    example: "--others 5",
    parameters: Parameters::of::<Connect>(),
    page: include_str!("../../demos/connect.md"),
    python: include_str!("../../demos/connect.py"),
};

#[derive(Args)]
struct Connect {
    /// Other sockets that send to the connected one in scene 1, 1 to 100
    #[arg(long, value_name = "N", default_value = "1", value_parser = arguments::sockets)]
    others: usize,
}

impl Scenes for Connect {
    fn scenes(self) -> Result<Vec<Scene>, String> {
        Ok(vec![
            others(self.others),
            queued(),
            elsewhere(),
            address(),
            undone(),
            again(),
            turned_away(),
            nobody(),
            broadcast(),
            nowhere(),
        ])
    }
}

/// What was received of the sender with this name.
fn from_sender<'a>(received: impl IntoIterator<Item = &'a ReceiveResult>, name: &str) -> Fact {
    let named = |result: &&ReceiveResult| matches!(result.sender(), Fact::Text(sender) if sender.starts_with(name));
    received.into_iter().find(named).map_or(Fact::Nothing, Fact::from)
}

/// Observes for two rows, each with the name of a sender, what was received of that. The second presupposes the
/// datagram of the first, who is called `whose`.
fn observe_both(lab: &Lab, received: &AllReceived, [first, second]: [(&str, &str); 2], whose: &str) {
    let from_first = from_sender(received.iter(), first.1);
    match from_first {
        Fact::Nothing => lab.skip(second.0, format!("not even {whose} datagram was received")),
        _ => lab.observe(second.0, from_sender(received.iter(), second.1)),
    }
    lab.observe(first.0, from_first);
}

fn others(count: usize) -> Scene {
    let claims = [
        specified("sends", "connect: server receives", Fact::Nothing, &sources::POSIX_CONNECT)
            .cites_on(Os::Windows, &sources::MS_CONNECT_PEER),
        typical("peer", "received from the peer", &b"hello"[..], &sources::LOOPBACK),
        specified("other", "from another socket", Fact::Nothing, &sources::POSIX_CONNECT_PEER)
            .cites_on(Os::Windows, &sources::MS_CONNECT_PEER),
    ];
    let answer = "On connect the server received {sends}. Then the client received {peer} from it and {other} from \
                  another socket.";
    Scene::builder("others", "two send to a connected socket", claims).answer(answer).run(move |lab| {
        let server = lab.bind("server")?;
        let client = lab.endpoint("client")?;
        lab.attempt("sends", client.connect(&server))?;
        let others = match count {
            1 => vec![lab.bind("other")?],
            _ => lab.endpoints("other", count)?,
        };
        for other in &others {
            other.send_to(b"me too", &client)?;
        }
        server.send_to(b"hello", &client)?;
        lab.observe("sends", server.before_marker(1024)?);
        let received = client.receive_until_marker(1024)?;
        observe_both(lab, &received, [("peer", "server"), ("other", "other")], "the peer's");
        Ok(())
    })
}

fn queued() -> Scene {
    let claims = [
        typical("early", "sent before connect", &b"early"[..], &sources::LINUX_CONNECTED)
            .cites_on(Os::Macos, &sources::XNU_CONNECT)
            .on(Os::Windows, Fact::Nothing, &sources::MS_CONNECT_PEER)
            .unconfirmed_on(Os::Windows),
        specified("late", "sent after connect", Fact::Nothing, &sources::POSIX_CONNECT_PEER)
            .cites_on(Os::Windows, &sources::MS_CONNECT_PEER),
    ];
    let answer = "Of what another socket had sent before connect, {early} was received after it.";
    Scene::builder("queued", "what is in the queue already", claims).answer(answer).run(|lab| {
        let (server, client, other) = (lab.bind("server")?, lab.bind("client")?, lab.bind("other")?);
        other.send_to(b"early", &client)?;
        client.receive(Receive::into(1024).flags(PEEK)).required("what was sent before connect")?;
        lab.attempt("early", client.connect(&server))?;
        other.send_to(b"late", &client)?;
        let received = client.receive_until_marker(1024)?;
        let of = |payload: &[u8]| received.iter().find(|result| result.bytes() == payload);
        lab.observe("early", of(b"early").map_or(Fact::Nothing, Fact::from));
        lab.observe("late", of(b"late").map_or(Fact::Nothing, Fact::from));
        Ok(())
    })
}

fn elsewhere() -> Scene {
    let claims = [
        specified("sendto-other", "sendto elsewhere returns", 5, &sources::UDP_7_SENDTO)
            .on(Os::Macos, SocketError::AlreadyConnected, &sources::APPLE_UDP_4)
            .cites_on(Os::Windows, &sources::MS_SENDTO_CONNECTED),
        typical("elsewhere", "received there", &b"aside"[..], &sources::LOOPBACK)
            .absent_on(Os::Macos, "macOS refuses the sendto"),
        typical("next-send", "by the next send the peer receives", &b"hello"[..], &sources::LOOPBACK),
    ];
    let answer = "sendto elsewhere returned {sendto-other byte}.";
    Scene::builder("elsewhere", "sendto beside the peer", claims).answer(answer).run(|lab| {
        let (server, client, other) = (lab.bind("server")?, lab.endpoint("client")?, lab.bind("other")?);
        client.connect(&server)?;
        let sent = lab.answer(client.send_to(b"aside", &other))?;
        match (&sent, lab.applies("elsewhere")) {
            (Ok(_), true) => lab.observe("elsewhere", other.receive(1024)),
            (Err(_), true) => lab.skip("elsewhere", "the sendto failed"),
            (_, false) => {}
        }
        lab.observe("sendto-other", sent);
        client.send(b"hello")?;
        lab.observe("next-send", server.receive(1024));
        Ok(())
    })
}

fn address() -> Scene {
    let claims = [
        typical("local-before", "local address before connect", "0.0.0.0", &sources::POSIX_GETSOCKNAME).on(
            Os::Windows,
            SocketError::InvalidArgument,
            &sources::MS_GETSOCKNAME,
        ),
        typical("local-after", "local address after it", "127.0.0.1", &sources::UNP_OUTGOING)
            .cites_on(Os::Macos, &sources::XNU_CONNECT)
            .cites_on(Os::Windows, &sources::MS_SENDTO_CONNECTED),
    ];
    let answer = "The local address was {local-before} before connect and {local-after} after it.";
    Scene::builder("address", "the socket's own address", claims).answer(answer).run(|lab| {
        let (server, client) = (lab.bind("server")?, lab.endpoint("client")?);
        lab.observe("local-before", client.local_ip());
        lab.attempt("local-after", client.connect(&server))?;
        lab.observe("local-after", client.local_ip());
        Ok(())
    })
}

fn undone() -> Scene {
    let claims = [
        specified("undo", "connect to AF_UNSPEC returns", "success", &sources::CONNECT_2_AGAIN)
            .on(Os::Macos, SocketError::FamilyNotSupported, &sources::APPLE_CONNECT_2)
            .cites_on(Os::Windows, &sources::WINE_CONNECT),
        specified("no-peer", "then send returns", SocketError::DestinationRequired, &sources::SEND_2_NO_PEER)
            .cites_on(Os::Macos, &sources::XNU_SEND)
            .on(Os::Windows, SocketError::NotConnected, &sources::MS_CONNECT_PEER)
            .unlike_wine(),
        typical("anybody", "then received from another", &b"me too"[..], &sources::LOOPBACK)
            .unconfirmed_on(Os::Windows),
        typical("local", "local address: connected, undone", "127.0.0.1, 0.0.0.0", &sources::LINUX_DISCONNECT)
            .cites_on(Os::Macos, &sources::XNU_DISCONNECT)
            .unconfirmed_on(Os::Windows),
        typical("port-stays", "does a port stay that it chose?", false, &sources::LINUX_DISCONNECT)
            .on(Os::Macos, true, &sources::XNU_DISCONNECT)
            .unconfirmed_on(Os::Windows),
    ];
    let answer = "The local address, connected and then undone: {local}.";
    Scene::builder("undo", "connect to AF_UNSPEC", claims).answer(answer).run(|lab| {
        let (server, other) = (lab.bind("server")?, lab.bind("other")?);
        let unbound = lab.endpoint("unbound client")?;
        lab.attempt("local", unbound.connect(&server))?;
        let (connected, port) = (unbound.local_ip(), unbound.port()?);
        lab.observe("undo", lab.answer(unbound.disconnect())?);
        lab.observe("local", Fact::joined([connected, unbound.local_ip()], ", "));
        lab.observe("port-stays", lab.answer(unbound.port())?.is_ok_and(|now| now == port));

        // A port that the program has asked for stays everywhere.
        let client = lab.bind_at("client", &lab.closed_port("client")?)?;
        lab.attempt("no-peer", client.connect(&server))?;
        // What it returns was observed above.
        let _ = lab.answer(client.disconnect())?;
        lab.observe("no-peer", lab.answer(client.send(b"hello"))?);
        other.send_to(b"me too", &client)?;
        lab.observe("anybody", client.receive(1024));
        Ok(())
    })
}

fn again() -> Scene {
    let claims = [
        specified("again", "connect to another peer returns", "success", &sources::CONNECT_2_AGAIN)
            .cites_on(Os::Macos, &sources::APPLE_CONNECT_2)
            .cites_on(Os::Windows, &sources::MS_CONNECT_PEER),
        typical("new-peer", "then received from the new peer", "señal".as_bytes(), &sources::LOOPBACK),
        specified("old-peer", "and from the old one", Fact::Nothing, &sources::POSIX_CONNECT_PEER)
            .cites_on(Os::Windows, &sources::MS_CONNECT_PEER),
    ];
    let answer = "A second connect returned {again}. Then {new-peer} was received from the new peer, {old-peer} from \
                  the old one.";
    Scene::builder("again", "connect twice", claims).answer(answer).run(|lab| {
        let (old, new, client) = (lab.bind("old peer")?, lab.bind("new peer")?, lab.endpoint("client")?);
        client.connect(&old)?;
        lab.observe_success("again", client.connect(&new))?;
        old.send_to(b"old", &client)?;
        new.send_to("señal".as_bytes(), &client)?;
        let received = client.receive_until_marker(1024)?;
        observe_both(lab, &received, [("new-peer", "new peer"), ("old-peer", "old peer")], "the new peer's");
        Ok(())
    })
}

fn turned_away() -> Scene {
    let claims =
        [typical("other-told", "the other: its next receive", SocketError::ConnectionRefused, &sources::UDP_7)
            .cites_on(Os::Macos, &sources::XNU_ICMP)
            .supposed_on(Os::Windows, SocketError::ConnectionReset)
            .needs(Need::Icmp)];
    let answer = "The next receive of another socket that had sent to the connected one returned {other-told}.";
    Scene::builder("turned-away", "the next receive of the other socket", claims).answer(answer).run(|lab| {
        let (server, client, other) = (lab.bind("server")?, lab.bind("client")?, lab.endpoint("other")?);
        client.connect(&server)?;
        other.connect(&client)?;
        other.send(b"me too")?;
        lab.observe("other-told", other.receive(1024));
        Ok(())
    })
}

fn nobody() -> Scene {
    let claims = [
        typical("nobody", "connect to nobody returns", "success", &sources::UNP_CONNECT)
            .cites_on(Os::Windows, &sources::WINE_UDP),
        typical("port-0", "connect to port 0 returns", "success", &sources::LINUX_CONNECT)
            .on(Os::Macos, SocketError::AddressNotAvailable, &sources::XNU_PORT_0)
            .unconfirmed_on(Os::Windows),
        typical("itself", "connected to itself, it receives", &b"hello"[..], &sources::LOOPBACK)
            .unconfirmed_on(Os::Windows),
    ];
    let answer =
        "connect to a port where nobody listens returned {nobody}. Connected to itself, a socket received {itself}.";
    Scene::builder("nobody", "a peer that is not asked", claims).answer(answer).run(|lab| {
        let nobody = lab.closed_port("nobody")?;
        lab.observe("nobody", lab.answer(lab.endpoint("client")?.connect(&nobody))?);
        let port_zero = Peer::new("port 0", ([127, 0, 0, 1], 0));
        lab.observe("port-0", lab.endpoint("client")?.connect(&port_zero));
        let alone = lab.bind("socket")?;
        alone.connect(&alone.peer())?;
        alone.send(b"hello")?;
        lab.observe("itself", alone.receive(1024));
        Ok(())
    })
}

fn broadcast() -> Scene {
    const EVERYBODY: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);
    let claims = [
        specified(
            "refused",
            "connect to a broadcast address",
            SocketError::AccessDenied,
            &sources::CONNECT_2_BROADCAST,
        )
        .on(Os::Windows, "success", &sources::WINE_BROADCAST)
        .unconfirmed_on(Os::Windows)
        .unlike_wine(),
        specified("allowed", "the same with SO_BROADCAST", "success", &sources::CONNECT_2_BROADCAST)
            .unconfirmed_on(Os::Windows),
        typical("broadcast", "then a send: the server receives", &b"hello"[..], &sources::LOOPBACK)
            .unconfirmed_on(Os::Windows),
        typical(
            "answer",
            "the server answers: its next receive",
            SocketError::ConnectionRefused,
            &sources::LINUX_CONNECTED,
        )
        .supposed_on(Os::Windows, SocketError::ConnectionReset)
        .unlike_wine()
        .needs(Need::Icmp),
    ];
    let answer = "connect to a broadcast address returned {refused}, with SO_BROADCAST {allowed}. The server received \
                  {broadcast}; when it had answered, its next receive returned {answer}.";
    let claims = claims.map(|claim| claim.absent_on(Os::Macos, "loopback has no broadcast address on macOS"));
    Scene::builder("broadcast", "a peer that is everybody", claims).answer(answer).run(|lab| {
        let (server, client) = (lab.bind_everywhere("server")?, lab.endpoint("client")?);
        lab.observe("refused", lab.answer(client.connect(&server.at(EVERYBODY)))?);
        client.set(&BROADCAST, true)?;
        lab.observe_success("allowed", client.connect(&server.at(EVERYBODY)))?;
        client.send(b"hello")?;
        lab.observe("broadcast", server.receive(1024));
        // It comes from an address of the server's own, and not from the client's peer.
        server.connect(&client)?;
        server.send(b"Thanks")?;
        lab.observe("answer", server.receive(1024));
        Ok(())
    })
}

fn nowhere() -> Scene {
    const REFUSED: &str = "macOS refuses the connect";
    const OPEN: &str = "Microsoft's page on connect says both that zeros are refused, and that they take the peer away";
    let claims = [
        typical("any-zero", "connect to 0.0.0.0:0 returns", "success", &sources::GVISOR_CONNECT_ZERO)
            .on(Os::Macos, SocketError::AddressNotAvailable, &sources::XNU_PORT_0)
            .on(Os::Windows, SocketError::AddressNotAvailable, &sources::MS_CONNECT_ANY)
            // The same page says that zeros as the address take the peer away.
            .unconfirmed_on(Os::Windows),
        typical("any-zero-local", "its local address then", "127.0.0.1", &sources::LINUX_TO_ANY)
            .absent_on(Os::Macos, REFUSED)
            .absent_on(Os::Windows, OPEN),
        typical("any-zero-peer", "getpeername returns then", SocketError::NotConnected, &sources::GVISOR_CONNECT_ZERO)
            .absent_on(Os::Macos, REFUSED)
            .absent_on(Os::Windows, OPEN),
    ];
    let answer = "connect to 0.0.0.0, port 0, returned {any-zero}; the local address was {any-zero-local} then, and \
                  getpeername returned {any-zero-peer}.";
    Scene::builder("nowhere", "a peer of zeros", claims).answer(answer).run(|lab| {
        let zeros = Peer::new("0.0.0.0:0", (Ipv4Addr::UNSPECIFIED, 0));
        let client = lab.endpoint("client")?;
        let connected = lab.answer(client.connect(&zeros))?;
        let succeeded = connected.is_ok();
        lab.observe("any-zero", connected);
        if lab.applies("any-zero-peer") {
            if !succeeded {
                return Err(SceneError::Skip("the connect failed".to_owned()));
            }
            lab.observe("any-zero-local", client.local_ip());
            lab.observe("any-zero-peer", client.peer_name().map_or_else(Fact::from, |peer| peer.to_string().into()));
        }
        Ok(())
    })
}
