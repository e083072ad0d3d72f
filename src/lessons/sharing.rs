//! Two programs bind one UDP port: what the system allows, and who receives.
//!
//! A datagram for one host is delivered to one socket. Which one it is follows from the option with which the sockets
//! share the port, from their addresses and from whom they are connected to. How the members of a group divide the
//! senders among them is not said: the hash is another in each run. A program of classic BPF that is given to the
//! kernel chooses in its place.

use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use clap::Args;

use super::{Lesson, Parameters, Scene, Scenes};
use crate::arguments;
use crate::kernel::option::{REUSE_ADDRESS, REUSE_PORT, REUSE_PORT_PROGRAM};
use crate::lab::{AllReceived, Call, Endpoint, Lab, SceneError, Target};
use crate::vocabulary::{
    Claim, Expect, Expected, Fact, Guess, Need, Opt, Os, PEEK, Property, Receive, Returns, SocketError, Source,
    measured, right, sources, specified, typical, wrong,
};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    name: "sharing",
    title: "Sockets share a port when all of them ask for it",
    question: "Two programs bind one UDP port. Who receives?",
    why: "bind refuses an address that another socket has, unless both sockets have set SO_REUSEPORT or, on Linux and \
          Windows, SO_REUSEADDR. A datagram for one host goes to one of them. With SO_REUSEADDR Linux takes the socket \
          that was bound last. With SO_REUSEPORT it takes one by a hash of both addresses and ports: many senders are \
          spread, and each sender keeps its socket (net/ipv4/udp.c). On Linux and macOS a specific address goes before \
          0.0.0.0, and a socket that is connected to the sender before all others.",
    keys: &["address-last", "port-members", "port-sticks", "address-second-only", "port-second-only"],
    guess: Guess {
        answers: &[
            wrong("Nobody: the second bind always fails.", "address-both"),
            wrong("Both: each receives a copy.", "address-first"),
            right("One of them: which one depends on the option that both have set.", "address-last"),
            wrong("They take turns: every second datagram.", "address-first"),
        ],
        because: "a datagram for one host is delivered to one socket, and the option decides how that is chosen.",
    },
    example: "--members 8",
    parameters: Parameters::of::<Sharing>(),
    page: include_str!("../../demos/sharing.md"),
    python: include_str!("../../demos/sharing.py"),
};

/// With fewer, all might have the same socket by chance; with these, once in 10^14 runs where two share the port.
const LEAST_CLIENTS: usize = 48;

/// Two datagrams of each have room in the receive buffer that Linux grants everybody.
const MOST_CLIENTS: usize = 200;

/// Room for what a client sends, in bytes.
const BUFFER: usize = 64;

#[derive(Args)]
struct Sharing {
    /// Clients that send to the port in scenes 1 and 2, 48 to 200
    #[arg(long, value_name = "N", default_value = "48",
        value_parser = arguments::number(LEAST_CLIENTS..=MOST_CLIENTS, "clients",
            "a few might all have the same socket by chance, and more find no room in its receive buffer"))]
    clients: usize,

    /// Sockets that share the port in scene 2, 2 to 16
    #[arg(long, value_name = "N", default_value = "3",
        value_parser = arguments::number(2..=16, "sockets", "more show nothing new"))]
    members: usize,
}

impl Scenes for Sharing {
    fn scenes(self) -> Result<Vec<Scene>, String> {
        Ok(vec![
            reuse_address(self.clients),
            reuse_port(self.clients, self.members),
            one_asks(),
            one_is_closed(),
            two_addresses(),
            per_client(),
            theft(),
            another_user(),
            a_program_chooses(),
            both_options(),
        ])
    }
}

/// Every client sends its name so many times, one client after another: whoever gave the datagrams out in turn would
/// give those of one client to several sockets.
fn send_names(clients: &[Endpoint], times: usize, server: &impl Target) -> Call<()> {
    let mut of_all = clients.iter().flat_map(|client| std::iter::repeat_n(client, times));
    of_all.try_for_each(|client| client.send_to(client.name().as_bytes(), server).map(drop))
}

/// Who received what: each endpoint's name with what came to it.
type Queues<'e> = Vec<(&'e str, AllReceived)>;

/// All that is under way to these endpoints.
fn queues<'e>(endpoints: &[&'e Endpoint]) -> Result<Queues<'e>, SceneError> {
    endpoints.iter().map(|endpoint| Ok((endpoint.name(), endpoint.receive_until_marker(BUFFER)?))).collect()
}

/// The names of those that received anything from `client`; `nobody` for none.
fn who_received(queues: &Queues, client: &Endpoint) -> Fact {
    let client = Fact::from(client.name());
    names(queues, |queue| queue.iter().any(|result| result.sender() == client))
}

/// The names of those whose queue `is_one`; `nobody` for none.
fn names(queues: &Queues, is_one: impl Fn(&AllReceived) -> bool) -> Fact {
    match Fact::list(queues.iter().filter(|(_, queue)| is_one(queue)).map(|(name, _)| name), " and ") {
        Fact::Nothing => Fact::from("nobody"),
        names => names,
    }
}

/// Those of several sockets that received anything.
struct Receivers {
    names: Fact,
    are_several: bool,
}

impl Receivers {
    /// Each client sends one datagram to `to`, an address that `sockets` share. What they say presupposes that nothing
    /// was lost.
    fn of_one_datagram_each(clients: &[Endpoint], to: &Endpoint, sockets: &[&Endpoint]) -> Result<Self, SceneError> {
        send_names(clients, 1, to)?;
        let queues = queues(sockets)?;
        let (sent, received) = (clients.len(), queues.iter().map(|(_, queue)| queue.count()).sum::<usize>());
        if received < sent {
            return Err(SceneError::Skip(format!("{received} of {sent} datagrams were received")));
        }
        let has_received = |queue: &AllReceived| queue.count() > 0;
        Ok(Receivers {
            names: names(&queues, has_received),
            are_several: queues.iter().filter(|(_, queue)| has_received(queue)).count() > 1,
        })
    }
}

const NOT_ON_MACOS: &str = "macOS does not bind a specific address twice with SO_REUSEADDR";
const NO_REUSEPORT: &str = "Windows has no SO_REUSEPORT";

/// Whom Linux chooses at one address with SO_REUSEADDR.
fn at_one_address(
    id: &str,
    property: impl Into<Property>,
    expected: impl Into<Expected>,
    source: &'static Source,
) -> Claim {
    let claim = indeterminate(typical(id, property, expected, source));
    claim.absent_on(Os::Macos, NOT_ON_MACOS).cites_on(Os::Macos, &sources::XNU_REUSE)
}

fn reuse_address(count: usize) -> Scene {
    let claims = [
        specified("address-both", "SO_REUSEADDR on both: bind returns", "success", &sources::SOCKET_7_REUSEADDR)
            .on(Os::Macos, SocketError::AddressInUse, &sources::XNU_REUSE)
            .cites_on(Os::Windows, &sources::MS_REUSE_TWICE),
        at_one_address("address-last", "SO_REUSEADDR: the last receives", count, &sources::LINUX_BIND_LAST),
        at_one_address("address-first", "SO_REUSEADDR: the first receives", 0, &sources::LINUX_BIND_LAST),
    ];
    let answer = format!(
        "SO_REUSEADDR: of {count} datagrams the socket bound last received {{address-last}}, the first \
         {{address-first}}."
    );
    let scene = Scene::builder("reuse-address", "SO_REUSEADDR on both sockets", claims).needs(Need::Sockets(count + 2));
    scene.answer(answer).run(move |lab| {
        let clients = lab.endpoints("client", count)?;
        let first = lab.bind_shared("server 1", &REUSE_ADDRESS, Ipv4Addr::LOCALHOST)?;
        let last = lab.attempt("address-both", lab.bind_beside("server 2", &REUSE_ADDRESS, first.address()))?;
        lab.observe("address-both", "success");
        grow_receive_buffers(&[&first, &last], &clients, 2)?;
        send_names(&clients, 1, &first)?;
        let of_last = last.receive_until_marker(BUFFER)?.count();
        let of_first = first.receive_until_marker(BUFFER)?.count();
        lab.observe("address-last", of_last);
        match of_first + of_last {
            received if received < count => lab.skip("address-first", format!("{received} of {count} were received")),
            _ => lab.observe("address-first", of_first),
        }
        Ok(())
    })
}

/// So many datagrams of each client fit into the queue of each endpoint: one of them may get all.
fn grow_receive_buffers(endpoints: &[&Endpoint], clients: &[Endpoint], each: usize) -> Result<(), SceneError> {
    let names = || clients.iter().flat_map(|client| std::iter::repeat_n(client.name().len(), each));
    endpoints.iter().try_for_each(|endpoint| endpoint.grow_receive_buffer(names()))
}

fn reuse_port(count: usize, members: usize) -> Scene {
    let sent = 2 * count;
    let on_all =
        |claim: Claim| claim.cites_on(Os::Macos, &sources::XNU_REUSE_LOOKUP).absent_on(Os::Windows, NO_REUSEPORT);
    let claims = [
        specified(
            "port-both",
            format!("SO_REUSEPORT on {members}: bind returns"),
            "success",
            &sources::SOCKET_7_REUSEPORT,
        )
        .cites_on(Os::Macos, &sources::XNU_REUSE)
        .absent_on(Os::Windows, NO_REUSEPORT),
        on_all(typical("port-sum", format!("of {sent} datagrams, received"), sent, &sources::LINUX_LOOKUP)),
        on_all(specified("port-members", "SO_REUSEPORT: several receive?", true, &sources::SOCKET_7_REUSEPORT)).on(
            Os::Macos,
            false,
            &sources::XNU_REUSE_LOOKUP,
        ),
        on_all(measured("port-used", format!("sockets that receive, of {members}"), &sources::SOCKET_7_REUSEPORT)),
        on_all(typical("port-sticks", "SO_REUSEPORT: clients at several", 0, &sources::LINUX_REUSEPORT)),
    ];
    let answer = format!(
        "SO_REUSEPORT: {{port-used}} of {members} sockets received; clients received by more than one: {{port-sticks}}."
    );
    let scene =
        Scene::builder("reuse-port", "SO_REUSEPORT on all sockets", claims).needs(Need::Sockets(count + members));
    scene.answer(answer).run(move |lab| {
        let clients = lab.endpoints("client", count)?;
        let group = group(lab, "port-both", members)?;
        lab.observe("port-both", "success");
        grow_receive_buffers(&group.iter().collect::<Vec<_>>(), &clients, 2)?;
        send_names(&clients, 2, &group[0])?;
        let received = group.iter().map(|member| member.receive_until_marker(BUFFER)).collect::<Result<Vec<_>, _>>()?;
        let sum: usize = received.iter().map(AllReceived::count).sum();
        let used = received.iter().filter(|received| received.count() > 0).count();
        lab.observe("port-sum", sum);
        lab.observe("port-used", used);
        if sum < sent {
            return Err(SceneError::Skip(format!("{sum} of {sent} datagrams were received")));
        }
        lab.observe("port-members", used > 1);
        lab.observe("port-sticks", members_by_client(&received).values().filter(|members| members.len() > 1).count());
        Ok(())
    })
}

/// Sockets with SO_REUSEPORT at one address; that one cannot be bound is an answer to the claim `id`.
fn group(lab: &Lab, id: &str, members: usize) -> Result<Vec<Endpoint>, SceneError> {
    let first = lab.bind_shared("server 1", &REUSE_PORT, Ipv4Addr::LOCALHOST)?;
    let address = first.address();
    let mut group = vec![first];
    for number in 2..=members {
        let member = lab.bind_beside(&format!("server {number}"), &REUSE_PORT, address);
        group.push(lab.attempt(id, member)?);
    }
    Ok(group)
}

/// Which members received from each client, by its port.
fn members_by_client(received: &[AllReceived]) -> HashMap<u16, HashSet<usize>> {
    let mut members: HashMap<u16, HashSet<usize>> = HashMap::new();
    for (member, received) in received.iter().enumerate() {
        for port in received.iter().filter_map(|result| result.sender_port()) {
            members.entry(port).or_default().insert(member);
        }
    }
    members
}

fn one_asks() -> Scene {
    let in_use = SocketError::AddressInUse;
    let address = |id: &str, property: &str| {
        typical(id, property, in_use, &sources::LINUX_BIND)
            .cites_on(Os::Macos, &sources::XNU_REUSE)
            .cites_on(Os::Windows, &sources::MS_REUSE_TWICE)
    };
    let port = |id: &str, property: &str| {
        specified(id, property, in_use, &sources::SOCKET_7_REUSEPORT)
            .cites_on(Os::Macos, &sources::XNU_REUSE)
            .absent_on(Os::Windows, NO_REUSEPORT)
    };
    let claims = [
        address("address-second-only", "SO_REUSEADDR on 2nd: bind").on(
            Os::Windows,
            SocketError::AccessDenied,
            &sources::MS_REUSE_TWICE,
        ),
        address("address-first-only", "SO_REUSEADDR on the first: bind returns"),
        port("port-second-only", "SO_REUSEPORT on 2nd: bind"),
        port("port-first-only", "SO_REUSEPORT on the first: bind returns"),
        port("one-each", "SO_REUSEPORT, then SO_REUSEADDR: bind returns"),
    ];
    let answer = "Option on the second only: bind with SO_REUSEADDR returned {address-second-only}, with SO_REUSEPORT \
                  {port-second-only}.";
    Scene::builder("one-asks", "one socket asks, the other does not", claims).answer(answer).run(|lab| {
        let plain = lab.bind("server 1")?;
        let beside = |first: &Endpoint, option| opening(lab, lab.bind_beside("server 2", option, first.address()));
        let without = |first: &Endpoint| opening(lab, lab.bind_to("server 2", first.address()));
        lab.observe("address-second-only", beside(&plain, &REUSE_ADDRESS)?);
        let first = lab.bind_shared("server 1", &REUSE_ADDRESS, Ipv4Addr::LOCALHOST)?;
        lab.observe("address-first-only", without(&first)?);
        if lab.applies("port-second-only") {
            lab.observe("port-second-only", beside(&plain, &REUSE_PORT)?);
            let first = lab.bind_shared("server 1", &REUSE_PORT, Ipv4Addr::LOCALHOST)?;
            lab.observe("port-first-only", without(&first)?);
            lab.observe("one-each", beside(&first, &REUSE_ADDRESS)?);
        }
        Ok(())
    })
}

/// What became of opening an endpoint, whose failure is an answer.
fn opening(lab: &Lab, opened: Call<Endpoint>) -> Result<Fact, SceneError> {
    Ok(lab.answer(opened)?.map(drop).into())
}

fn one_is_closed() -> Scene {
    let claims = [
        at_one_address("address-left", "SO_REUSEADDR: received by", "server 1", &sources::LINUX_BIND_LAST),
        typical("closed-lost", "SO_REUSEPORT, queued: received", Fact::Nothing, &sources::LINUX_CLOSE)
            .cites_on(Os::Macos, &sources::XNU_CLOSE)
            .absent_on(Os::Windows, NO_REUSEPORT),
        typical("closed-next", "SO_REUSEPORT, sent later: received", b"later".as_slice(), &sources::LINUX_LOOKUP)
            .cites_on(Os::Macos, &sources::XNU_REUSE_LOOKUP)
            .absent_on(Os::Windows, NO_REUSEPORT),
    ];
    let answer = "SO_REUSEADDR: the socket bound last was closed, and the next datagram was received by: \
                  {address-left}. SO_REUSEPORT: one of two sockets was closed with a datagram in its queue. Of that \
                  the other received {closed-lost}, and of the client's next one {closed-next}.";
    Scene::builder("closed", "one of two sockets is closed", claims).answer(answer).run(|lab| {
        if lab.applies("address-left") {
            let first = lab.bind_shared("server 1", &REUSE_ADDRESS, Ipv4Addr::LOCALHOST)?;
            let last = lab.attempt("address-left", lab.bind_beside("server 2", &REUSE_ADDRESS, first.address()))?;
            last.close();
            let client = lab.bind("client")?;
            client.send_to(b"hello", &first)?;
            lab.observe("address-left", who_received(&queues(&[&first])?, &client));
        }
        if lab.applies("closed-lost") {
            close_with_a_queue(lab)?;
        }
        Ok(())
    })
}

fn close_with_a_queue(lab: &Lab) -> Result<(), SceneError> {
    let first = lab.bind_shared("server 1", &REUSE_PORT, Ipv4Addr::LOCALHOST)?;
    let second = lab.bind_beside("server 2", &REUSE_PORT, first.address())?;
    let (client, server) = (lab.bind("client")?, first.peer());
    client.send_to(b"which", &server)?;
    let of_first = first.receive_until_marker(BUFFER)?.count();
    let of_second = second.receive_until_marker(BUFFER)?.count();
    let (chosen, other) = match (of_first, of_second) {
        (0, 0) => return Err(SceneError::Skip("the first datagram was not received".to_owned())),
        (0, _) => (second, first),
        _ => (first, second),
    };
    client.send_to(b"queued", &chosen)?;
    chosen.receive(Receive::into(BUFFER).flags(PEEK)).required("the datagram in the queue")?;
    chosen.close();
    lab.observe("closed-lost", other.before_marker(BUFFER)?);
    client.send_to(b"later", &server)?;
    lab.observe("closed-next", other.before_marker(BUFFER)?);
    Ok(())
}

/// Who is chosen by its address.
fn chosen(id: &str, property: &str, expected: &str) -> Claim {
    typical(id, property, expected, &sources::LINUX_LOOKUP).cites_on(Os::Macos, &sources::XNU_REUSE_LOOKUP)
}

/// Microsoft leaves open who receives.
fn indeterminate(claim: Claim) -> Claim {
    claim.on(Os::Windows, Expect::Measured, &sources::MS_REUSE_TWICE)
}

const SPECIFIC: &str = "specific server";
const WILDCARD: &str = "wildcard server";

fn two_addresses() -> Scene {
    let claims = [
        indeterminate(chosen("specific-first", "to 127.0.0.1: received by", SPECIFIC)),
        indeterminate(chosen("wildcard-rest", "to 127.0.0.2: received by", WILDCARD)).needs(Need::SecondLoopback),
        typical("ipv4-first", "0.0.0.0 and [::], IPv4: received by", SPECIFIC, &sources::LINUX_LOOKUP)
            .confirmed_on_linux_only()
            .needs(Need::Ipv6),
    ];
    let answer = "Two sockets shared a port, one on 127.0.0.1 and one on 0.0.0.0. A datagram to 127.0.0.1 was received \
                  by: {specific-first}; one to 127.0.0.2 by: {wildcard-rest}. With one on 0.0.0.0 and one on [::], \
                  which stands for all addresses of IPv4 as well, a datagram over IPv4 was received by: {ipv4-first}.";
    Scene::builder("wildcard", "127.0.0.1, 0.0.0.0 and [::]", claims).answer(answer).run(|lab| {
        // It stays open to the end: a port that it left the next client might get, and then either might have sent.
        let third = lab.bind("client 3")?;
        lab.try_observe("ipv4-first", ipv4_and_ipv6(lab, &third))?;
        let clients = lab.endpoints("client", 2)?;
        let specific = lab.bind_shared(SPECIFIC, &REUSE_ADDRESS, Ipv4Addr::LOCALHOST)?;
        let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, specific.address().port()));
        // Discard what an unrelated sender may have sent to this port before the other socket shares it.
        let _ = specific.receive(Receive::into(BUFFER).without_waiting());
        // Bound last: it is not the order that decides.
        let wildcard = lab.bind_beside(WILDCARD, &REUSE_ADDRESS, everywhere)?;
        clients[0].send_to(b"to 127.0.0.1", &specific)?;
        let second = lab.second_loopback();
        if let Ok(second) = second {
            clients[1].send_to(b"to 127.0.0.2", &wildcard.at(second))?;
        }
        let queues = queues(&[&specific, &wildcard])?;
        lab.observe("specific-first", who_received(&queues, &clients[0]));
        second?;
        lab.observe("wildcard-rest", who_received(&queues, &clients[1]));
        Ok(())
    })
}

/// Who receives what is sent over IPv4, where a socket is bound to all addresses of IPv4, and one to those of both
/// families: of the two the one of IPv4 is the more specific.
fn ipv4_and_ipv6(lab: &Lab, client: &Endpoint) -> Result<Fact, SceneError> {
    lab.ipv6_loopback()?;
    let ipv4 = lab.bind_shared(SPECIFIC, &REUSE_ADDRESS, Ipv4Addr::UNSPECIFIED)?;
    let everywhere = SocketAddr::from((Ipv6Addr::UNSPECIFIED, ipv4.address().port()));
    // Bound last: it is not the order that decides.
    let _ipv6 = match lab.answer(lab.bind_beside(WILDCARD, &REUSE_ADDRESS, everywhere))? {
        Ok(ipv6) => ipv6,
        Err(error) => return Ok(error.into()),
    };
    client.send_to(b"hello", &ipv4)?;
    Ok(who_received(&queues(&[&ipv4])?, client))
}

fn per_client() -> Scene {
    const OWN: &str = "own socket";
    const NEWER: &str = "newer socket";
    let claims = [
        at_one_address("own", "from client 1: received by", OWN, &sources::LINUX_LOOKUP),
        at_one_address("rest", "from client 2: received by", "server", &sources::LINUX_LOOKUP),
        indeterminate(measured("twice", "one more for client 1: received by", &sources::LINUX_BIND_LAST))
            .absent_on(Os::Macos, NOT_ON_MACOS)
            .cites_on(Os::Macos, &sources::XNU_REUSE),
    ];
    let answer = "The server bound a second socket to its port and connected it to client 1. What client 1 sent then \
                  was received by: {own}; what client 2 sent, by: {rest}. With one more such socket, what client 1 \
                  sent was received by: {twice}.";
    Scene::builder("per-client", "a socket for one client", claims).answer(answer).run(|lab| {
        let server = lab.bind_shared("server", &REUSE_ADDRESS, Ipv4Addr::LOCALHOST)?;
        let (one, two) = (lab.bind("client 1")?, lab.bind("client 2")?);
        one.send_to(b"hello", &server)?;
        server.receive_until_marker(BUFFER)?.required(1)?;
        let connected = |name: &str| {
            let socket = lab.bind_beside(name, &REUSE_ADDRESS, server.address())?;
            socket.connect(&one).map(|()| socket)
        };
        let own = lab.attempt("own", connected(OWN))?;
        one.send_to(b"to mine", &server)?;
        two.send_to(b"to the server", &server)?;
        let received = queues(&[&own, &server])?;
        lab.observe("own", who_received(&received, &one));
        lab.observe("rest", who_received(&received, &two));
        let newer = lab.attempt("twice", connected(NEWER))?;
        one.send_to(b"to the newer", &server)?;
        lab.observe("twice", who_received(&queues(&[&own, &newer, &server])?, &one));
        Ok(())
    })
}

fn theft() -> Scene {
    let claims = [
        indeterminate(chosen("stolen", "the client's next: received by", "thief")),
        indeterminate(typical("forged", "then the client receives", "pay 5 £".as_bytes(), &sources::CONNECT_2)),
        typical("kept", "server did not ask: thief's bind", SocketError::AddressInUse, &sources::LINUX_BIND)
            .on(Os::Macos, "success", &sources::XNU_REUSE)
            .on(Os::Windows, "success", &sources::MS_REUSEADDR)
            .unlike_wine(),
    ];
    let answer = "A server on 0.0.0.0 had set SO_REUSEADDR. Another socket with it, for which no privilege is needed, \
                  was bound to the port on 127.0.0.1. The client's next datagram was received by: {stolen}. Then the \
                  connected client received {forged}. Where the server had not set the option, that bind returned \
                  {kept}.";
    Scene::builder("theft", "another program binds the server's port", claims).answer(answer).run(|lab| {
        let thief = |server: &Endpoint| lab.bind_beside("thief", &REUSE_ADDRESS, server.address());
        lab.observe("kept", opening(lab, thief(&lab.bind_everywhere("server")?))?);

        let server = lab.bind_shared("server", &REUSE_ADDRESS, Ipv4Addr::UNSPECIFIED)?;
        let client = lab.endpoint("client")?;
        client.connect(&server)?;
        client.send(b"hello")?;
        server.receive_until_marker(BUFFER)?.required(1)?;
        server.send_to(b"welcome", &client)?;
        client.receive_until_marker(BUFFER)?.required(1)?;
        let thief = lab.attempt("stolen", thief(&server))?;
        client.send(b"my secret")?;
        lab.observe("stolen", who_received(&queues(&[&server, &thief])?, &client));
        thief.send_to("pay 5 £".as_bytes(), &client)?;
        lab.observe("forged", client.receive(BUFFER));
        Ok(())
    })
}

fn another_user() -> Scene {
    const REASON: &str = "this program can be two users on Linux only";
    const OTHER: &str = "other user";
    let claims = [
        typical("user-address", "SO_REUSEADDR on both, another user: bind", "success", &sources::LINUX_BIND_USER),
        typical("user-receives", "then received by", OTHER, &sources::LINUX_BIND_LAST),
        specified(
            "user-port",
            "SO_REUSEPORT on both, another user: bind",
            SocketError::AddressInUse,
            &sources::SOCKET_7_SAME_USER,
        ),
    ];
    let claims = claims.map(|claim| claim.linux_only(REASON).needs(Need::AnotherUser));
    let answer = "Another user's socket was bound to the port: with SO_REUSEADDR {user-address}, and it received what \
                  came: {user-receives}. With SO_REUSEPORT: {user-port}.";
    Scene::builder("user", "another user binds the port", claims).answer(answer).run(|lab| {
        let beside = |first: &Endpoint, option| {
            let address = first.address();
            lab.as_another_user(|| lab.bind_beside(OTHER, option, address))
        };
        let first = lab.bind_shared("server", &REUSE_PORT, Ipv4Addr::LOCALHOST)?;
        lab.observe("user-port", opening(lab, beside(&first, &REUSE_PORT)?)?);
        let first = lab.bind_shared("server", &REUSE_ADDRESS, Ipv4Addr::LOCALHOST)?;
        let client = lab.bind("client")?;
        let other = lab.attempt("user-address", beside(&first, &REUSE_ADDRESS)?)?;
        lab.observe("user-address", "success");
        client.send_to(b"my secret", &first)?;
        lab.observe("user-receives", who_received(&queues(&[&first, &other])?, &client));
        Ok(())
    })
}

fn a_program_chooses() -> Scene {
    const REASON: &str = "SO_ATTACH_REUSEPORT_CBPF is Linux's";
    let source = &sources::SOCKET_7_REUSEPORT_PROGRAM;
    let claims = [
        specified("chosen-second", "BPF program returns 1: received by", "server 2", source).linux_only(REASON),
        specified("chosen-nobody", "then it returns 3: several receive?", true, source).linux_only(REASON),
    ];
    let answer = "A BPF program, given to the kernel with SO_ATTACH_REUSEPORT_CBPF, chose among three sockets in place \
                  of the hash. It returned 1, and what all clients sent was received by: {chosen-second}. With 3, a \
                  number that no socket has, several received: {chosen-nobody}.";
    let scene = Scene::builder("program", "SO_REUSEPORT, and a program that chooses", claims)
        .needs(Need::Sockets(LEAST_CLIENTS + 3));
    scene.answer(answer).run(|lab| {
        let clients = lab.endpoints("client", LEAST_CLIENTS)?;
        let group = group(lab, "chosen-second", 3)?;
        let members: Vec<&Endpoint> = group.iter().collect();
        // In the queue of the one that is chosen are the end markers for all.
        grow_receive_buffers(&members, &clients, 1 + members.len())?;
        let chosen = |id: &str, asked: &Endpoint, number| {
            lab.attempt(id, asked.set(&REUSE_PORT_PROGRAM, Returns(number)))?;
            Receivers::of_one_datagram_each(&clients, asked, &members)
        };
        lab.observe("chosen-second", chosen("chosen-second", &group[0], 1)?.names);
        // Whichever of them is given it, the program is that of all.
        lab.observe("chosen-nobody", chosen("chosen-nobody", &group[1], 3)?.are_several);
        Ok(())
    })
}

fn both_options() -> Scene {
    let claims = [
        typical("both-members", "both options on both: several receive?", true, &sources::LINUX_REUSEPORT_GROUP)
            .on(Os::Macos, false, &sources::XNU_REUSE_LOOKUP)
            .absent_on(Os::Windows, NO_REUSEPORT),
        typical(
            "both-then-address",
            "2nd has SO_REUSEADDR only: received by",
            "server 2",
            &sources::LINUX_REUSEPORT_GROUP,
        )
        .absent_on(Os::Macos, NOT_ON_MACOS)
        .cites_on(Os::Macos, &sources::XNU_REUSE)
        .absent_on(Os::Windows, NO_REUSEPORT),
    ];
    let answer = "With both options on both sockets, several received: {both-members}. Where the first had both and \
                  the second SO_REUSEADDR alone, what all clients sent was received by: {both-then-address}.";
    let scene =
        Scene::builder("both-options", "both options on one socket", claims).needs(Need::Sockets(LEAST_CLIENTS + 2));
    scene.answer(answer).run(|lab| {
        const BOTH: [&Opt<bool>; 2] = [&REUSE_ADDRESS, &REUSE_PORT];
        let clients = lab.endpoints("client", LEAST_CLIENTS)?;
        let receivers = |id: &str, options: &[&'static Opt<bool>]| {
            let first = lab.bind_shared_by("server 1", &BOTH, Ipv4Addr::LOCALHOST)?;
            let second = lab.attempt(id, lab.bind_beside_by("server 2", options, first.address()))?;
            // In one queue may be the end markers for both.
            grow_receive_buffers(&[&first, &second], &clients, 3)?;
            Receivers::of_one_datagram_each(&clients, &first, &[&first, &second])
        };
        lab.observe("both-members", receivers("both-members", &BOTH)?.are_several);
        if lab.applies("both-then-address") {
            lab.observe("both-then-address", receivers("both-then-address", &[&REUSE_ADDRESS])?.names);
        }
        Ok(())
    })
}
