//! Which address an answer comes from, when the server listens on all of them.
//!
//! A socket on 0.0.0.0 has no address of its own. The system chooses one for each datagram that it sends, by the route
//! to the receiver; what the client had asked is not looked at. A program that is to answer from there has to ask for
//! the address of each request, and name it in each answer.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use clap::Args;

use super::claims::at_a_second_loopback;
use super::{Lesson, Parameters, Scene, Scenes};
use crate::experiments::{answer_by_sendto, connected_client_asks, unconnected_client_asks};
use crate::kernel::option::{PACKET_INFO, REUSE_ADDRESS};
use crate::lab::{AllReceived, Call, Endpoint, LOOPBACK_MTU, Lab, SceneError};
use crate::vocabulary::{
    Claim, Fact, Guess, Need, Os, Peer, Receive, Received, SocketError, measured, right, sources, specified, typical,
    wrong,
};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    name: "addresses",
    title: "A server on 0.0.0.0 answers from the address that the system chooses",
    question: "A server listens on 0.0.0.0. Which address does its answer come from?",
    why: "0.0.0.0 stands for all addresses of the machine (Linux ip(7), INADDR_ANY) and is none that an answer could \
          come from. The system chooses a source address by the route to the receiver. An answer should come from the \
          address that was asked (RFC 1122 section 4.1.3.5), since a connected client receives from no other. The \
          program has to see to that: recvmsg tells the address that was asked, and sendmsg takes it as the source \
          (ip(7), IP_PKTINFO). Or it binds a socket to each address.",
    keys: &["answers-from", "connected-hears", "told", "fixed"],
    guess: Guess {
        answers: &[
            wrong("From 0.0.0.0, which the socket is bound to.", "answers-from"),
            wrong("From the address that the client asked.", "answers-from"),
            right("From the one that the system chooses by the route to the client.", "answers-from"),
            wrong("From the address that the machine has in its network.", "answers-from"),
        ],
        because: "a socket on 0.0.0.0 keeps no address from request to answer.",
    },
    example: "--asked 127.1.2.3",
    parameters: Parameters::of::<Addresses>(),
    page: include_str!("../../demos/addresses.md"),
    python: include_str!("../../demos/addresses.py"),
};

#[derive(Args)]
struct Addresses {
    /// The loopback address at which the clients ask: any but 127.0.0.1, from where the system answers
    #[arg(long, value_name = "IP", default_value = "127.0.0.2", value_parser = loopback)]
    asked: Ipv4Addr,
}

fn loopback(text: &str) -> Result<Ipv4Addr, String> {
    let known = Ipv4Addr::new(127, 0, 0, 2)..=Ipv4Addr::new(127, 255, 255, 254);
    let address = text.parse().ok().filter(|address| known.contains(address));
    address.ok_or_else(|| "an address from 127.0.0.2 to 127.255.255.254 is needed".to_owned())
}

impl Scenes for Addresses {
    fn scenes(self) -> Result<Vec<Scene>, String> {
        Ok(vec![
            chosen_by_the_system(self.asked),
            chosen_by_the_program(self.asked),
            one_address_each(self.asked),
            one_and_all(),
            without_an_address(),
            to_all_addresses(),
            loopback_only(),
        ])
    }
}

/// A row that takes a second address of loopback. Nobody knows for sure what Windows does with it.
fn at_a_second_address(claim: Claim) -> Claim {
    at_a_second_loopback(claim).unconfirmed_on(Os::Windows)
}

fn chosen_by_the_system(asked: Ipv4Addr) -> Scene {
    let claims = [
        typical("answers-from", "answer comes from", "127.0.0.1", &sources::RFC1122_SOURCE),
        typical("unconnected-hears", "unconnected: receives", &b"Thanks"[..], &sources::RFC1122_MULTIHOMING),
        specified("connected-hears", "connected: receives", Fact::Nothing, &sources::CONNECT_2)
            .cites_on(Os::Windows, &sources::MS_CONNECT)
            .needs(Need::Icmp),
    ];
    let answered = format!(
        "Asked at {asked}, the server answered from {{answers-from}}; a connected client received {{connected-hears}}."
    );
    let title = format!("a server on 0.0.0.0, asked at {asked}");
    Scene::builder("sendto", title, claims.map(at_a_second_address)).answer(answered).run(move |lab| {
        lab.second_loopback()?;
        let server = lab.bind_everywhere("server")?;
        let received = unconnected_client_asks(lab, &server.at(asked), "answers-from", || answer_by_sendto(&server))?;
        lab.observe("answers-from", received.sender_ip());
        lab.observe("unconnected-hears", received);
        lab.observe("connected-hears", connected_client_asks(lab, &server.at(asked), || answer_by_sendto(&server))?);
        Ok(())
    })
}

fn chosen_by_the_program(asked: Ipv4Addr) -> Scene {
    let source = &sources::IN_PKTINFO_2;
    let claims = [
        specified("told", "IP_PKTINFO: asked at", asked.to_string(), source),
        measured("interface", "IP_PKTINFO: interface", source),
        specified("sent-from", "IP_PKTINFO: comes from", asked.to_string(), source),
        typical("fixed", "IP_PKTINFO: receives", &b"Thanks"[..], &sources::LOOPBACK),
    ];
    let claims = claims.map(at_a_second_address);
    let claims = claims.map(|claim| claim.absent_on(Os::Windows, "this program reads no control messages on Windows"));
    let answered =
        "IP_PKTINFO gave the address that was asked, {told}; answered from there, a connected client received {fixed}.";
    Scene::builder("pktinfo", "the server asks for IP_PKTINFO", claims).answer(answered).run(move |lab| {
        lab.second_loopback()?;
        let server = lab.bind_everywhere("server")?;
        lab.attempt("told", server.set(&PACKET_INFO, true))?;
        let received = unconnected_client_asks(lab, &server.at(asked), "sent-from", || {
            let request = server.receive(Receive::message(&[100]));
            lab.observe("told", request.destination());
            let request = request.required("the request")?;
            let interface = request.ancillary.interface.map(|number| number as usize);
            lab.observe("interface", interface.map_or(Fact::Nothing, Fact::from));
            answer_from_asked(&server, &request)
        })?;
        lab.observe("sent-from", received.sender_ip());
        let received = connected_client_asks(lab, &server.at(asked), || {
            answer_from_asked(&server, &server.receive(Receive::message(&[100])).required("the request")?)
        })?;
        lab.observe("fixed", received);
        Ok(())
    })
}

/// The server answers from the address to which the request was sent: what the send returns.
fn answer_from_asked(server: &Endpoint, request: &Received) -> Result<Call<()>, SceneError> {
    match (&request.from, request.ancillary.destination) {
        (Some(client), Some(IpAddr::V4(asked))) => Ok(server.send_from(asked, b"Thanks", client).map(drop)),
        _ => Err(SceneError::Skip("the system did not tell which address was asked".to_owned())),
    }
}

fn one_address_each(asked: Ipv4Addr) -> Scene {
    let claims = [
        typical("on-first", "127.0.0.1: received", r#""one""#, &sources::LINUX_LOOKUP),
        typical("on-second", format!("{asked}: received"), r#""two""#, &sources::LINUX_LOOKUP),
        typical("on-all", "0.0.0.0: received", r#""one", "two""#, &sources::IP_7_ANY),
        typical("own-address", format!("{asked}: answers from"), asked.to_string(), &sources::LINUX_SOURCE),
    ];
    let answered = format!(
        "\"one\" was sent to 127.0.0.1, \"two\" to {asked}. Received on 127.0.0.1: {{on-first}}; on {asked}: \
         {{on-second}}; on 0.0.0.0: {{on-all}}."
    );
    let title = "sockets on one address, and on all";
    let claims = claims.map(at_a_second_address).map(Claim::unlike_wine);
    Scene::builder("bound", title, claims).answer(answered).run(move |lab| {
        lab.second_loopback()?;
        let [first, second] = lab.attempt("on-first", on_one_port(lab, asked))?;
        let client = lab.bind("client")?;
        client.send_to(b"one", &first)?;
        client.send_to(b"two", &second)?;
        lab.observe("on-first", payloads(&first.receive_until_marker(100)?));
        lab.observe("on-second", payloads(&second.receive_until_marker(100)?));
        let all = lab.bind_everywhere("all")?;
        client.send_to(b"one", &all)?;
        client.send_to(b"two", &all.at(asked))?;
        lab.observe("on-all", payloads(&all.receive_until_marker(100)?));
        lab.attempt("own-address", second.send_to(b"Thanks", &client))?;
        lab.observe("own-address", client.before_marker(100)?.sender_ip());
        Ok(())
    })
}

/// Two sockets with the same port, one on 127.0.0.1 and one on `second`. Another program may have it on 127.0.0.1: then
/// another port is tried, and only where none of them is free is the error the answer.
fn on_one_port(lab: &Lab, second: Ipv4Addr) -> Call<[Endpoint; 2]> {
    const TRIES: usize = 8;
    let pair = || {
        let other = lab.bind_to("second", SocketAddr::from((second, 0)))?;
        let one = lab.bind_to("first", SocketAddr::from((Ipv4Addr::LOCALHOST, other.port()?)))?;
        Ok([one, other])
    };
    (1..TRIES).find_map(|_| pair().ok()).map_or_else(pair, Ok)
}

/// The payloads, sorted: datagrams to different addresses may overtake each other.
fn payloads(received: &AllReceived) -> Fact {
    let mut payloads: Vec<String> = received.iter().map(|result| Fact::from(result).to_string()).collect();
    payloads.sort();
    Fact::list(payloads, ", ")
}

fn one_and_all() -> Scene {
    let claims =
        [typical("specific", "to 127.0.0.1: received on", "127.0.0.1", &sources::LINUX_LOOKUP)
            .confirmed_on_linux_only()];
    let answered =
        "One socket was bound to 127.0.0.1, one to 0.0.0.0. A datagram to 127.0.0.1 was received on {specific}.";
    Scene::builder("both", "one port, on one address and on all", claims).answer(answered).run(|lab| {
        let (all, one, client) = (lab.bind_everywhere("all")?, lab.endpoint("one")?, lab.bind("client")?);
        lab.attempt("specific", all.set(&REUSE_ADDRESS, true))?;
        lab.attempt("specific", one.set(&REUSE_ADDRESS, true))?;
        lab.attempt("specific", one.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, all.port()?))))?;
        client.send_to(b"hello", &one)?;
        let mut receivers = Vec::new();
        for socket in [&one, &all] {
            let received = socket.receive_until_marker(100)?;
            receivers.extend(received.iter().map(|_| socket.local_ip()));
        }
        lab.observe("specific", Fact::joined(receivers, ", "));
        Ok(())
    })
}

fn without_an_address() -> Scene {
    let claims = [
        typical("unbound-source", "an unbound client sends from", "127.0.0.1", &sources::RFC1122_SOURCE),
        specified("unbound-name", "its getsockname then returns", "0.0.0.0", &sources::UDP_7_ANY)
            .unconfirmed_on(Os::Macos)
            .cites_on(Os::Windows, &sources::MS_SENDTO),
        specified("server-name", "the server's, on 0.0.0.0", "0.0.0.0", &sources::POSIX_GETSOCKNAME_BOUND)
            .unconfirmed_on(Os::Windows),
    ];
    let answered = "The client's datagram came from {unbound-source}; getsockname returned {unbound-name}. The \
                    server's returned {server-name}.";
    Scene::builder("name", "what getsockname returns", claims).answer(answered).run(|lab| {
        let (server, client) = (lab.bind_everywhere("server")?, lab.endpoint("client")?);
        lab.attempt("unbound-source", client.send_to(b"hello", &server))?;
        lab.observe("unbound-name", client.local_ip());
        let request = server.before_marker(100)?;
        match request.is_datagram() {
            true => lab.observe("server-name", server.local_ip()),
            false => lab.skip("server-name", "the server has received nothing"),
        }
        lab.observe("unbound-source", request.sender_ip());
        Ok(())
    })
}

fn to_all_addresses() -> Scene {
    let to_all = |id, property, windows| {
        typical(id, property, "café".as_bytes(), &sources::LINUX_TO_ANY)
            .unconfirmed_on(Os::Macos)
            .on(Os::Windows, SocketError::AddressNotAvailable, windows)
            .unlike_wine()
    };
    let claims = [
        to_all("to-all", "sent to 0.0.0.0: received", &sources::MS_SENDTO_ANY),
        to_all("connected-to-all", "connected to 0.0.0.0: received", &sources::MS_CONNECT_ANY)
            .unconfirmed_on(Os::Windows),
    ];
    let answered =
        "Sent to 0.0.0.0, received at 127.0.0.1: {to-all}; sent by a client connected to 0.0.0.0: {connected-to-all}.";
    Scene::builder("to-all", "a client sends to 0.0.0.0", claims).answer(answered).run(|lab| {
        let (server, client) = (lab.bind("server")?, lab.endpoint("client")?);
        let connected = lab.endpoint("connected client")?;
        // First, as it says so where there is no loopback; the send then succeeds, and nothing comes.
        lab.attempt("connected-to-all", connected.connect(&server.at(Ipv4Addr::UNSPECIFIED)))?;
        lab.attempt("to-all", client.send_to("café".as_bytes(), &server.at(Ipv4Addr::UNSPECIFIED)))?;
        lab.observe("to-all", server.receive(100));
        connected.send("café".as_bytes())?;
        lab.observe("connected-to-all", server.receive(100));
        Ok(())
    })
}

fn loopback_only() -> Scene {
    /// The address of this host in a network, and one of another host there.
    const OURS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const THEIRS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
    let claims = [
        typical(
            "not-outside",
            format!("server on 127.0.0.1, asked at {OURS}"),
            SocketError::ConnectionRefused,
            &sources::UDP_7,
        ),
        typical("outside", format!("server on 0.0.0.0, asked at {OURS}"), &b"hello"[..], &sources::IP_7_ANY),
        typical(
            "not-out",
            format!("from 127.0.0.1 to {THEIRS}: sendto"),
            SocketError::InvalidArgument,
            &sources::LINUX_LOOPBACK_SOURCE,
        ),
    ];
    let claims = claims.map(Claim::on_a_host_of_its_own);
    let answered = format!(
        "A host has the address {OURS}. A client that asked there was answered by {{not-outside}} where the server was \
         bound to 127.0.0.1; a server on 0.0.0.0 received {{outside}}. A sendto from 127.0.0.1 to {THEIRS} returned \
         {{not-out}}."
    );
    Scene::builder("loopback-only", "bound to 127.0.0.1, and asked from outside", claims).answer(answered).run(|lab| {
        let host = lab.own_host(LOOPBACK_MTU)?;
        host.add_network(OURS)?;
        let asked_at = |server: &Endpoint| {
            let client = host.endpoint("client")?;
            client.connect(&server.at(OURS))?;
            client.send(b"hello")?;
            Ok::<_, SceneError>(client)
        };
        let local = host.bind("local server")?;
        lab.observe("not-outside", asked_at(&local)?.receive(100));
        let everywhere = host.bind_to("server", (Ipv4Addr::UNSPECIFIED, 0).into())?;
        let client = asked_at(&everywhere)?;
        lab.observe("outside", everywhere.receive(100));
        client.close();
        lab.observe("not-out", local.send_to(b"hello", &Peer::new("other host", (THEIRS, 9))));
        Ok(())
    })
}
