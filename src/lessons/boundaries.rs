//! UDP keeps messages apart; TCP has no messages.
//!
//! One successful send makes at most one datagram, and a receive returns one datagram: never two joined, never the
//! rest of an earlier one. TCP carries a run of bytes. Where one write ended and the next began is not in it, so there
//! is nothing that could "stick together".

use clap::Args;

use super::claims::receive_returns;
use super::{Lesson, Parameters, Scene, Scenes};
use crate::arguments::{self, Message};
use crate::lab::{END_OF_FILE, SceneError};
use crate::vocabulary::{
    Fact, Guess, Need, Os, PEEK, Receive, WAITALL, bytes, right, sources, specified, typical, wrong,
};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    name: "boundaries",
    title: "UDP keeps messages apart",
    question: "A program sends several messages, one right after the other. How many receives does it take to get \
               them?",
    why: "A UDP send makes one datagram, and a receive returns one datagram: never two joined, never the rest of an \
          earlier one (POSIX recvfrom: \"the entire message shall be read in a single operation\"). TCP is a stream of \
          bytes (RFC 9293 section 2.2). It has no messages, so none can stick together.",
    keys: &["receives-needed", "mixed-receives", "tcp-one-read"],
    guess: Guess {
        answers: &[
            wrong("One: they are sent so fast that they stick together.", "receives-needed"),
            wrong("One, as long as the buffer has room for all of them.", "receives-needed"),
            right("As many as there were sends, if none is lost.", "receives-needed"),
            wrong("It depends on the timing: messages may be merged or split.", "mixed-receives"),
        ],
        because: "a UDP send makes one datagram, and a receive returns exactly one datagram.",
    },
    example: "one two three four",
    parameters: Parameters::of::<Boundaries>(),
    page: include_str!("../../demos/boundaries.md"),
    python: include_str!("../../demos/boundaries.py"),
};

#[derive(Args)]
struct Boundaries {
    /// The messages to send: at most 100, each of at most 65507 bytes of UTF-8
    #[arg(value_name = "MESSAGE", default_values = ["hello", "world", "sudada"])]
    messages: Vec<Message>,

    /// Bytes that each receive offers room for, 0 to 65535
    #[arg(long, value_name = "BYTES", default_value = "1024", value_parser = arguments::buffer)]
    buffer: usize,
}

impl Scenes for Boundaries {
    fn scenes(self) -> Result<Vec<Scene>, String> {
        arguments::check_messages(&self.messages)?;
        Ok(vec![
            one_send_one_receive(self.messages.clone(), self.buffer),
            the_same_over_tcp(self.messages),
            several_buffers(),
            an_empty_message(),
            peek_first(),
            wait_for_all(),
        ])
    }
}

fn one_send_one_receive(messages: Vec<Message>, buffer: usize) -> Scene {
    let count = messages.len();
    let mut claims = vec![
        specified("sends-whole", "sends that took the whole message", count, &sources::POSIX_SENDTO),
        typical("receives-needed", "receives needed", count, &sources::LOOPBACK),
    ];
    claims.extend(messages.iter().zip(1..).map(|(message, n)| {
        receive_returns(format!("receive-{n}"), format!("receive {n} returns"), message, buffer).typically()
    }));
    claims.extend([
        specified("mixed-receives", "merged or split receives", 0, &sources::POSIX_RECVFROM),
        typical("one-more-receive", "the next receive returns", Fact::Nothing, &sources::LOOPBACK),
        specified("senders", "sender of the datagrams", "client", &sources::RFC768),
    ]);

    let truncated = messages.iter().position(|message| message.length() > buffer).map(|place| place + 1);
    let truncated = truncated.map(|n| format!(" Into {}, receive {n} returned {{receive-{n}}}.", bytes(buffer)));
    let answer = format!("{{sends-whole send}}, {{receives-needed receive}}.{}", truncated.unwrap_or_default());
    Scene::builder("one-receive", "one send, one receive", claims).answer(answer).run(move |lab| {
        let server = lab.bind("server")?;
        let client = lab.endpoint("client")?;
        server.grow_receive_buffer(messages.iter().map(Message::length))?;

        let mut whole = 0;
        for message in &messages {
            let sent = lab.answer(client.send_to(&message.0, &server))?;
            whole += usize::from(sent == Ok(message.length()));
        }
        let received = server.receive_until_marker(buffer)?;

        let pieces: Vec<Fact> = messages.iter().map(|message| message.cut_to(buffer).into()).collect();
        let mixed = received.iter().filter(|result| !pieces.contains(&result.buffer())).count();
        lab.observe("sends-whole", whole);
        lab.observe("receives-needed", received.count());
        for n in 1..=count {
            lab.observe(format!("receive-{n}"), received.nth(n - 1));
        }
        match (buffer, received.required(1)) {
            (0, _) => lab.skip("mixed-receives", "0 bytes of a message do not tell which it is"),
            (_, Err(nothing)) => lab.skip("mixed-receives", nothing.to_string()),
            (_, Ok(())) => lab.observe("mixed-receives", mixed),
        }
        lab.observe_or_skip("one-more-receive", received.after(count));
        lab.observe("senders", received.senders());
        Ok(())
    })
}

/// Longest stream that one read can be sure to return: less than the smallest buffers TCP starts with.
const MOST_IN_ONE_READ: usize = 32 * 1024;

fn the_same_over_tcp(messages: Vec<Message>) -> Scene {
    let stream: Vec<u8> = messages.iter().flat_map(|message| message.0.clone()).collect();
    let total = stream.len();
    let joined = if total == 0 { Fact::from(END_OF_FILE) } else { stream.into() };

    let claims = [
        typical("tcp-one-read", "TCP: one read returns", joined, &sources::RFC9293_STREAM),
        specified("tcp-next-read", "TCP: the next read returns", END_OF_FILE, &sources::POSIX_RECV),
    ];
    let answer = "Over TCP one read returned {tcp-one-read}.";
    Scene::builder("tcp", "the same writes over TCP", claims).answer(answer).needs(Need::Tcp).run(move |lab| {
        if total > MOST_IN_ONE_READ {
            let reason = format!("{total} bytes are more than one TCP read is sure to return ({MOST_IN_ONE_READ})");
            return Err(SceneError::Skip(reason));
        }
        let (client, server) = lab.tcp_pair("client", "server")?;
        for message in &messages {
            client.write(&message.0)?;
        }
        client.finish()?;
        server.wait_for(total);
        lab.observe("tcp-one-read", server.read(total + 1));
        lab.observe("tcp-next-read", server.read(1));
        Ok(())
    })
}

fn several_buffers() -> Scene {
    let claims = [
        specified("gathered-send", "sendmsg of he + l + lo returns", 5, &sources::POSIX_SENDMSG),
        specified("gathered", "it is received as", &b"hello"[..], &sources::POSIX_SENDMSG),
        specified("scattered-1", "recvmsg into 2 + 10 bytes: part 1", &b"he"[..], &sources::POSIX_RECVMSG),
        specified("scattered-2", "recvmsg into 2 + 10 bytes: part 2", &b"llo"[..], &sources::POSIX_RECVMSG),
    ];
    let answer = "One sendmsg of three buffers sent {gathered-send byte}, received as one datagram, {gathered}. \
                  recvmsg put one datagram into two buffers: {scattered-1} and {scattered-2}.";
    Scene::builder("several-buffers", "several buffers, one datagram", claims).answer(answer).run(|lab| {
        let server = lab.bind("server")?;
        let client = lab.endpoint("client")?;
        let sent = lab.answer(client.send_gathered(&[b"he", b"l", b"lo"], &server))?;
        let went = sent.is_ok();
        lab.observe("gathered-send", sent);
        match went {
            true => lab.observe("gathered", server.before_marker(1024)?),
            false => lab.skip("gathered", "nothing was sent"),
        }

        client.send_to(b"hello", &server)?;
        let parts = server.receive(Receive::message(&[2, 10])).parts(&[2, 10]);
        lab.observe("scattered-1", parts[0].clone());
        lab.observe("scattered-2", parts[1].clone());
        Ok(())
    })
}

fn an_empty_message() -> Scene {
    let claims = [
        specified("empty-send", "sendto of 0 bytes returns", 0, &sources::POSIX_SENDTO),
        specified("empty-receive", "recvfrom then returns", &b""[..], &sources::RFC768),
        specified("empty-sender", "its sender", "client", &sources::RFC768),
    ];
    let answer = "sendto of 0 bytes returned {empty-send}. recvfrom returned {empty-receive}, sender {empty-sender}.";
    Scene::builder("empty", "an empty message is a datagram too", claims).answer(answer).run(|lab| {
        let server = lab.bind("server")?;
        let client = lab.endpoint("client")?;
        lab.observe_success("empty-send", client.send_to(b"", &server))?;
        let received = server.before_marker(1024)?;
        lab.observe("empty-receive", &received);
        lab.observe("empty-sender", received.sender());
        Ok(())
    })
}

fn peek_first() -> Scene {
    let claims = [
        specified("peek", "recvfrom with MSG_PEEK returns", "café".as_bytes(), &sources::POSIX_RECVFROM),
        specified("after-peek", "the next receive returns", "café".as_bytes(), &sources::POSIX_RECVFROM),
        typical("after-both", "the receive after that returns", Fact::Nothing, &sources::LOOPBACK),
    ];
    let answer =
        "With MSG_PEEK recvfrom returned {peek}; the next receive {after-peek}; the one after that {after-both}.";
    Scene::builder("peek", "MSG_PEEK leaves the datagram in the queue", claims).answer(answer).run(|lab| {
        let server = lab.bind("server")?;
        let client = lab.endpoint("client")?;
        client.send_to("café".as_bytes(), &server)?;
        lab.observe("peek", server.receive(Receive::into(1024).flags(PEEK)));
        let received = server.receive_until_marker(1024)?;
        lab.observe("after-peek", received.nth(0));
        lab.observe_or_skip("after-both", received.after(1));
        Ok(())
    })
}

fn wait_for_all() -> Scene {
    let no_such_flag = "Windows has MSG_WAITALL for streams only";
    let claims = [
        specified("wait-for-all", "ab, cd: recvfrom of 4, MSG_WAITALL", &b"ab"[..], &sources::UDP_7)
            .cites_on(Os::Macos, &sources::XNU_RECEIVE)
            .absent_on(Os::Windows, no_such_flag),
        specified("after-wait-for-all", "the next receive returns", &b"cd"[..], &sources::UDP_7)
            .cites_on(Os::Macos, &sources::XNU_RECEIVE)
            .absent_on(Os::Windows, no_such_flag),
    ];
    let answer =
        "Asked to wait for 4 bytes, recvfrom returned {wait-for-all}. The next receive returned {after-wait-for-all}.";
    Scene::builder("wait-for-all", "MSG_WAITALL does not merge datagrams", claims).answer(answer).run(|lab| {
        let server = lab.bind("server")?;
        let client = lab.endpoint("client")?;
        client.send_to(b"ab", &server)?;
        client.send_to(b"cd", &server)?;
        lab.observe("wait-for-all", server.receive(Receive::into(4).flags(WAITALL)));
        lab.observe("after-wait-for-all", server.before_marker(1024)?);
        Ok(())
    })
}
